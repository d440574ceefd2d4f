"""The replay of 24 November 2015 through the real node, and in process: when desks are told."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from cli import DETENTE
from detente.cli.staging import fresh, play, prepare, stage
from detente.core.alerts import Level
from detente.doors.scenario_toml import Told, read_scenario
from detente.node.keyring import Keyring
from detente.node.rehearsing import Told as News
from http_node import Node, node_at
from ports import free_port

CROSSING = datetime(2015, 11, 24, 7, 24, 5, tzinfo=UTC)
"""In the Turkish account; in the other one the way is over the same meridian then."""

MERIDIAN, DEGREES_A_SECOND = 36.1789, (36.1789 - 36.1411) / 17
SIDES = ("turkish-side", "russian-side")

Alarm = tuple[str, str, Level]
"""Party, track and level."""


class Course(NamedTuple):
    """When each desk was first told of each, in seconds before the line; doubts that came."""

    before_s: dict[Alarm, float]
    doubts: set[str]


def scenario() -> Told:
    """As it ships."""
    with resources.as_file(resources.files("detente.data")) as data:
        return read_scenario(data / "salient.toml")


def in_process(folder: Path, speed: float) -> tuple[Course, list[News]]:
    """Play both accounts in this process."""
    told, path = scenario(), fresh(folder, f"salient-{speed:g}")
    stage(told, path)
    news: list[News] = []
    play(told, path, told.scenario.accounts, speed=speed, tell=lambda _, some: news.extend(some))
    before_s: dict[Alarm, float] = {}
    for one in news:
        if one.what != "ended" and one.alert.track is not None:
            alarm = one.party, one.alert.track.track, one.alert.level
            before_s.setdefault(alarm, (CROSSING - one.time).total_seconds())
    return Course(before_s, set()), news


def through_a_node(folder: Path, speed: float) -> Course:
    """Play both accounts as a receiver serves them, to a node that its parties ask."""
    told, path = scenario(), fresh(folder, "salient")
    stage(told, path)
    served = [re.split(r" --sbs ", one) for one in prepare(told, path, port=free_port(2))]
    found = Course({}, set())
    feeds = ", ".join(
        f'{{name="{name.removesuffix(".sbs")}", party="{party}", kind="sbs", address="{address}", '
        f'release={{members="full"}}}}'
        for (name, address), party in zip(served, SIDES, strict=True)
    )
    with (
        replays(folder, served, speed) as playing,
        node_at(path, Keyring(path), folder, f"feeds=[{feeds}]") as node,
    ):
        listen(node, playing, found)
    return found


@contextmanager
def replays(
    folder: Path, served: list[list[str]], speed: float
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """``detente replay``, one for each account."""
    running = [
        subprocess.Popen(
            [DETENTE, "replay", name, "--speed", str(speed), "--sbs", address], cwd=folder
        )
        for name, address in served
    ]
    try:
        yield running
    finally:
        for one in running:
            one.kill()
            one.wait()


def listen(node: Node, playing: list["subprocess.Popen[bytes]"], found: Course) -> None:
    """Ask for alerts until all is played, as both desks."""
    desks = [node.party(side) for side in SIDES]
    ends = time.monotonic() + timedelta(minutes=12).total_seconds()
    while any(one.poll() is None for one in playing) and time.monotonic() < ends:
        for desk in desks:
            for alert in desk.get("/v1/alerts").json["alerts"]:
                track = alert["track"]
                found.doubts.update(track.get("doubts", ()))
                # Where it is now says when that is in the scenario: not later than it was told.
                before_s = (track["lon"] - MERIDIAN) / DEGREES_A_SECOND
                alarm = desk.name, track["track"], Level(alert["level"])
                if alert.get("entry") is not None:
                    found.before_s.setdefault(alarm, before_s)
        time.sleep(0.1)

"""The replay of 24 November 2015; test_salient.md tells it, and what is reconstructed."""

import shutil
import struct
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from cli import detente
from detente.cli.staging import fresh, play, stage
from detente.core.alerts import Level
from detente.core.entry import EntryKind
from detente.core.telling import Delivery
from detente.core.wire import read
from detente.core.zone import Zone
from detente.doors.scenario_toml import read_scenario
from detente.doors.scenario_tracks import crossing, heard
from detente.errors import MalformedInput
from detente.node.rehearsing import Told as News
from detente.store import Store
from salient import SIDES, in_process, scenario, through_a_node

BEFORE_MIN_S = 120
TRACKS = ("f00001", "f00002")
WARNED = {(side, track, Level.WARNING) for side in SIDES for track in TRACKS}


def test_demo(tmp_path: Path) -> None:
    """Both desks are told minutes before the line, in either account"""
    ran = detente("demo", "salient", "--speed", "0", cwd=tmp_path)
    assert ran.status == 0, ran.err
    plain = " ".join(ran.out.replace("│", " ").split())
    for text in (
        "(reconstruction)",
        "There is no place in Syria in it",
        "in at 36.1730 E, 35.8372 N, 07:24:07.7Z",
        "not crossed; nearest 1,075 m from it",
        "ten radio warnings on the emergency channel",
        "no warning, by radio or by sight, said the surviving navigator",
        "Turkish account: both desks were told 356 s before the line, as said",
        "where it was for 17 s.",
        "Russian account: both desks were told 363 s before it was nearest.",
        "Neither account is judged here.",
    ):
        assert text in plain
    alone = detente("demo", "salient", "--speed", "0", "--account", "russian", cwd=tmp_path)
    assert "Turkish account" not in alone.out
    assert "363 s before it was nearest" in alone.out
    picture = (tmp_path / "detente-demo" / "salient.png").read_bytes()
    assert struct.unpack(">II", picture[16:24]) == (1_800, 1_200)


def test_disclosed(tmp_path: Path) -> None:
    """What a desk is shown was on the record before"""
    in_process(tmp_path, 0)
    store = Store(tmp_path / "salient-0.db")
    with store.reading() as record:
        border = 3
        assert record.extents("russian-side", [border]) == {border: 2}
        assert record.extents("turkish-side", [border]) == {}
        said = [read(one.data) for one in record.objects(EntryKind.DELIVERY) if one.data]
    store.close()
    # By the hour in which it is played: each side saw the other's track, and none of its own.
    assert {
        (one.to, one.how, one.tracks.party, one.tracks.feed)
        for one in said
        if isinstance(one, Delivery) and one.tracks is not None
    } == {
        ("russian-side", "read", "turkish-side", "f00001"),
        ("turkish-side", "read", "russian-side", "f00002"),
    }


def test_not_released(tmp_path: Path) -> None:
    """A track that is not released is told of without its place, and only to whom it nears"""
    news = played(changed(tmp_path, hide_tracks))
    told = [one for one in news if one.party == "turkish-side" and one.stage == "russian"]
    assert told[0].alert.track is None
    assert told[0].alert.distance_m is None
    assert told[0].alert.time_s is not None
    assert told[0].alert.time_s % 60 == 0
    assert told[0].alert.desk is not None
    assert told[0].alert.desk.id == "russian-desk"
    # The other account's track is its reporter's own secret: who sees no track is told nothing.
    assert not [one for one in news if one.party == "russian-side" and one.stage == "turkish"]


def hide_tracks(text: str) -> str:
    head, *tracks = text.split("[[accounts.tracks]]")
    kept = (part.replace('release = { members = "full" }\n', "", 1) for part in tracks)
    return "[[accounts.tracks]]".join([head, *kept])


def changed(folder: Path, change: Callable[[str], str]) -> Path:
    """The scenario's files, with its text changed."""
    with resources.as_file(resources.files("detente.data")) as data:
        for name in ("salient.toml", "salient_agreement.toml", "salient_boundary.geojson"):
            shutil.copy(data / name, folder / name)
    path = folder / "salient.toml"
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before
    return path


def played(path: Path) -> list[News]:
    told, register = read_scenario(path), fresh(path.parent, "played")
    stage(told, register)
    news: list[News] = []
    play(told, register, told.scenario.accounts, speed=0, tell=lambda _, some: news.extend(some))
    return news


def test_speeds(tmp_path: Path) -> None:
    """No alarm is lost at 10, 60 or more times its speed"""
    fast, _ = in_process(tmp_path, 0)
    assert set(fast.before_s) >= WARNED
    assert min(fast.before_s[one] for one in WARNED) >= BEFORE_MIN_S
    assert in_process(tmp_path, 60)[0] == fast
    assert in_process(tmp_path, 600)[0] == fast


def test_through_a_node(tmp_path: Path) -> None:
    """Through a node that hears receivers, at 60 times its speed, no alarm is lost"""
    found = through_a_node(tmp_path, 60)
    assert set(found.before_s) >= WARNED
    assert min(found.before_s[one] for one in WARNED) >= BEFORE_MIN_S


def test_prepared(tmp_path: Path) -> None:
    """It can be prepared for a node and a browser"""
    ran = detente("demo", "salient", "--prepare", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert "detente replay turkish-f00001.sbs --sbs 127.0.0.1:30003 &" in ran.out
    folder = tmp_path / "detente-demo"
    played_again = detente("replay", "russian-f00002.sbs", "--speed", "0", "--keep-times",
                           "--store", "salient.db", cwd=folder)  # fmt: skip
    assert played_again.status == 1
    assert "2015-11-24T07:18:13Z begun warning: f00002 ACCOUNT2" in played_again.out
    assert "601 taken, 0 of them doubted, 0 late, 0 lost" in played_again.out
    settings = detente("config", cwd=folder)
    assert settings.status == 0, settings.err
    assert "russian-f00002" in settings.out


@pytest.mark.parametrize(
    ("options", "text"),
    [(["--account", "third"], "turkish, russian or both"), (["--speed", "-1"], "speed")],
)
def test_options(tmp_path: Path, options: list[str], text: str) -> None:
    """What is no scenario is refused by name"""
    ran = detente("demo", "salient", *options, cwd=tmp_path)
    assert ran.status == 2
    assert text in ran.err
    assert not (tmp_path / "detente-demo").exists()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('party = "russian-side"\nboundary', 'party = "third"\nboundary', "party"),
        ('sources = ["SU-BBC"]', 'sources = ["SU-ZZZ"]', "SU-ZZZ"),
        ('file = "salient_boundary.geojson"', 'file = "../x.geojson"', "beside the scenario"),
        ('file = "salient_boundary.geojson"', 'file = "absent.geojson"', "absent.geojson"),
        ("07:24:22Z, lon", "07:24:05Z, lon", "fixes in order of time"),
        ("altitude_ft = 19000", "altitude_m = 5791", "altitude_m"),
        ('address = "f00002"', 'address = "f00001"', "each once"),
        ("end = 2015-11-24T07:26:00Z", "end = 2015-11-24T07:16:00Z", "an end within"),
        ("begin = 2015-11-24T07:19:05Z", "begin = 2015-11-24T07:19:05", "event"),
        ("title =", "title", "a scenario in TOML"),
    ],
)
def test_refused(tmp_path: Path, old: str, new: str, text: str) -> None:
    """What is no scenario is refused by name"""
    with pytest.raises(MalformedInput, match=text):
        read_scenario(changed(tmp_path, lambda told: told.replace(old, new)))


def test_refused_flights(tmp_path: Path) -> None:
    """What is no scenario is refused by name"""
    told = read_scenario(changed(tmp_path, lambda said: said.replace("36.1411", "35.1411")))
    with pytest.raises(MalformedInput, match="a speed that can be flown"):
        heard(told.scenario.accounts[0])
    with pytest.raises(MalformedInput, match="polygon"):
        crossing(scenario().scenario.accounts[0], point())


def point() -> Zone:
    from detente.core.edges import circle  # noqa: PLC0415 - of this alone
    from detente.core.volume import Volume  # noqa: PLC0415
    from detente.core.zone_rule import ZoneRule  # noqa: PLC0415

    return Zone(
        source_id="border", name="border", rule=ZoneRule.BOUNDARY,
        volumes=(Volume(footprint=(circle(36.0, 36.0, 10),)),),
    )  # fmt: skip

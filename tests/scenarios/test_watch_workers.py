"""The watch of several workers (ADR 32); test_watch_workers.md tells it."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_gis import FULL, said
from test_people import until
from test_two_workers import link_of

from conftest import KINDS, begin
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.store import Place, Store, parse_place
from http_node import EVERY_ROLE, Node, Party, bearer, node_at
from nodes import hospital
from postgres import TEMPLATE, Cluster
from radio import Receiver, sbs

TAKEN_OVER_S = 15
"""After which another worker writes (docs/feeds.md)."""

LATE_S = 10
"""On a machine that does other things as well."""

SEEN_S = 2
"""After which what is said at one worker is on the other's screens: it looks twice a second."""

FEED = (
    'feeds=[{{name="roof", party="one", kind="sbs", address="{address}", silent_after_s=600, '
    'release={{parties={{two="full"}}}}}}]'
)


class Flight:
    """Aircraft that stand still in the south of the clinic and say that they fly there."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.flying: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._fly, daemon=True)
        self._thread.start()

    def _fly(self) -> None:
        while not self._over.wait(0.5):
            for address in list(self.flying):
                self.receiver.send(sbs(address, 50.3, 10.0, 240, 0))

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self.receiver.close()


class Screen:
    """A screen of two's, which one worker serves: all alerts of a track as it shows them."""

    def __init__(self, node: Node) -> None:
        self._groups: dict[str, Any] = {}
        self.port = 0
        self._headers = {"authorization": f"Bearer {bearer('two', EVERY_ROLE)}"}
        self._thread = threading.Thread(target=self._watch, args=[node.url], daemon=True)
        self._thread.start()
        until(lambda: self.port > 0)

    def _watch(self, url: str) -> None:
        with (
            suppress(httpx.HTTPError),
            httpx.stream(
                "GET", f"{url}/v1/watch/stream", headers=self._headers, timeout=60
            ) as answer,
        ):
            self.port = port_of(answer)
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: ") and name in {"screen", "change"}:
                    self._take(json.loads(line.removeprefix("data: ")))

    def _take(self, told: Any) -> None:
        known = self._groups | {one["id"]: one for one in told.get("groups", [])}
        self._groups = {name: known[name] for name in told.get("order", []) if name in known}

    def alerts(self, track: str) -> list[Any]:
        """Those that are on record."""
        return [
            alert
            for group in self._groups.values()
            if group.get("track", {}).get("track") == track
            for alert in group["alerts"]
            if alert.get("object")
        ]

    def join(self) -> None:
        self._thread.join(30)


def port_of(answer: httpx.Response) -> int:
    """From where a request came."""
    _, port = answer.extensions["network_stream"].get_extra_info("client_addr")
    return int(port)


def worker_of(node: Node, port: int) -> int:
    """The worker that holds a connection, by its port here (proc(5))."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    [inode] = [
        row[9]
        for row in rows
        if int(row[1].split(":")[1], 16) == node.served.port
        and int(row[2].split(":")[1], 16) == port
    ]
    for pid in node.served.workers():
        with suppress(OSError):  # One that was killed.
            if f"socket:[{inode}]" in map(link_of, Path(f"/proc/{pid}/fd").iterdir()):
                return pid
    raise AssertionError(f"no worker holds the connection from port {port}")


def screens(node: Node) -> dict[int, Screen]:
    """A screen of each worker, by its process."""
    found: dict[int, Screen] = {}
    began = time.monotonic()
    while set(found) != set(node.served.workers()):
        assert time.monotonic() - began < 60
        one = Screen(node)
        found.setdefault(worker_of(node, one.port), one)
    return found


def on_record(two: Party, track: str) -> list[Any]:
    """What is on record for two of a track."""
    objects = two.get("/v1/objects?kind=alert&limit=1000").json["objects"]
    return [one for one in objects if one["value"].get("track", {}).get("track") == track]


def place_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> Place:
    if kind == "sqlite":
        return folder / "test.db"
    cluster: Cluster = request.getfixturevalue("cluster")
    return parse_place(cluster.url(cluster.make(TEMPLATE)))


class Two:
    """A node of two workers, one aircraft that is warned of, and a screen of each worker."""

    def __init__(self, node: Node, flight: Flight) -> None:
        self.node, self.flight = node, flight
        self.two = node.party("two")
        self.screens = screens(node)

    def shown(self, track: str) -> dict[int, list[Any]]:
        """By worker, the alerts of a track on its screen."""
        return {pid: one.alerts(track) for pid, one in self.screens.items()}


@pytest.fixture(scope="module", params=KINDS)
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("workers")
    place, keyring = place_of(request.param, request, folder), Keyring(folder / "test.db")
    flight = Flight()
    begin(place, keyring)
    feeds = FEED.format(address=flight.receiver.address)
    with node_at(place, keyring, folder, feeds, "log_level=info", workers=2) as node:
        said(node.party("two"), "notices", hospital("Clinic", 10.0, 50.6), FULL)
        assert flight.receiver.connected.wait(30)
        flight.flying.append("4B1820")
        here = Two(node, flight)
        yield here
    for one in here.screens.values():
        one.join()
    flight.close()
    store = Store(place)
    assert not audit(store).problems
    store.close()


def test_once(here: Two) -> None:
    """One alert is written once, and stands on the screens of both workers"""
    assert len(here.screens) == 2
    until(lambda: all(here.shown("4b1820").values()))
    (one,), (other,) = here.shown("4b1820").values()
    assert (one["id"], one["leaf"], one["object"]) == (other["id"], other["leaf"], other["object"])
    [entry] = on_record(here.two, "4b1820")
    assert (entry["object"], entry["version"]) == (one["object"], 1)
    writers = [one["pid"] for one in here.node.served.events("alerts are written here")]
    assert len(set(writers) & set(here.node.served.workers())) == 1


def test_taken_in(here: Two) -> None:
    """It is taken in at one worker, and seen at the other"""
    until(lambda: all(here.shown("4b1820").values()))
    took = taken_in(here)
    [other] = set(here.screens) - {took}
    until(
        lambda: any("acknowledged" in one for one in here.shown("4b1820")[other]), SEEN_S + LATE_S
    )
    [seen] = here.shown("4b1820")[other]
    assert seen["acknowledged"] == [{"party": "two", "level": "received"}]


def taken_in(here: Two) -> int:
    """Take the alert in, and say at which worker; whoever does so again says the same."""
    [alert] = next(iter(here.shown("4b1820").values()))
    word = {"source_id": "seen", "entry": alert["leaf"], "level": "received"}
    headers = {"authorization": f"Bearer {bearer('two', EVERY_ROLE)}", "idempotency-key": "seen"}
    with httpx.Client(base_url=here.node.url, headers=headers, timeout=60) as client:
        answer = client.post("/v1/acknowledgements", json=word)
        assert answer.status_code == 201, answer.text
        return worker_of(here.node, port_of(answer))


def test_killed(here: Two) -> None:
    """A worker that writes is killed, and another writes within fifteen seconds"""
    until(lambda: all(here.shown("4b1820").values()))
    taken_in(here)
    writer = here.node.served.events("alerts are written here")[-1]["pid"]
    before = on_record(here.two, "4b1820")
    [left] = set(here.screens) - {writer}
    os.kill(writer, signal.SIGKILL)
    killed = time.monotonic()
    here.flight.flying.append("4B1821")
    # It is warned of at once, before it is on record.
    fresh = here.node.party("two")
    until(lambda: "4b1821" in fresh.get("/v1/alerts").body.decode(), TAKEN_OVER_S)
    until(lambda: bool(here.screens[left].alerts("4b1821")), TAKEN_OVER_S + LATE_S)
    sys.stderr.write(f"written by another after {time.monotonic() - killed:.1f} s\n")
    here.screens[writer].join()
    here.screens = screens(here.node)
    until(lambda: all(here.shown("4b1821").values()))
    assert len({one["object"] for found in here.shown("4b1821").values() for one in found}) == 1
    [entry] = on_record(fresh, "4b1821")
    assert entry["version"] == 1
    # What stood goes on under its entry, acknowledged as it was.
    after = on_record(fresh, "4b1820")
    assert [(one["object"], one["value"].get("state")) for one in after] == [
        (before[0]["object"], None)
    ]
    until(
        lambda: all(
            "acknowledged" in one for found in here.shown("4b1820").values() for one in found
        )
    )
    writers = [one["pid"] for one in here.node.served.events("alerts are written here")]
    assert writers[-1] != writer

"""Two workers hear alike; test_two_workers.md tells it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from conftest import KINDS, begin
from cot import Tablet, event, listening
from detente.node.keyring import Keyring
from detente.store import Place, parse_place
from http_node import EVERY_ROLE, Node, bearer, node_at
from nodes import hospital
from radio import Receiver, sbs

WAIT_S = 60
FEED = (
    'feeds=[{{name="roof", party="one", kind="sbs", address="{address}", silent_after_s=600,'
    ' release={{parties={{two="full"}}}}}}]'
)
COT = (
    "cot_tcp=0", "cot_party=one",
    'cot_release=[{party = "one", release = {parties = {two = "full"}}}]',
)  # fmt: skip


class Two:
    """A party with a connection to each worker."""

    def __init__(self, node: Node, party: str) -> None:
        self._headers = {"authorization": f"Bearer {bearer(party, EVERY_ROLE)}"}
        self._node = node
        self._to: dict[int, httpx.Client] = {}
        self.connect()

    def connect(self) -> None:
        """Open connections until each worker has one; whose is whose the kernel says."""
        self.close()
        until = time.monotonic() + WAIT_S
        spare: list[httpx.Client] = []
        while len(self._to) < 2 and time.monotonic() < until:
            client = httpx.Client(base_url=self._node.url, headers=self._headers, timeout=60)
            stream = client.get("/v1/whoami").extensions["network_stream"]
            worker = worker_of(self._node, stream.get_extra_info("client_addr")[1])
            if worker is None or worker in self._to:
                spare.append(client)
            else:
                self._to[worker] = client
        for one in spare:
            one.close()
        assert len(self._to) == 2

    def ask(self, path: str) -> list[Any]:
        """The answer of each worker."""
        return [client.get(path).json() for client in self._to.values()]

    def until(
        self, path: str, good: Callable[[Any], object], send: Callable[[], None] = lambda: None
    ) -> list[Any]:
        """Ask both until both say so."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            send()
            found = self.ask(path)
            if all(good(one) for one in found):
                return found
            time.sleep(0.3)
        raise AssertionError(found)

    def close(self) -> None:
        """End both."""
        for one in self._to.values():
            one.close()
        self._to = {}


def worker_of(node: Node, port: int) -> int | None:
    """Which worker holds the other end of a connection from a port of this machine."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        parts = line.split()
        here, there = (int(part.rpartition(":")[2], 16) for part in parts[1:3])
        if (here, there) == (node.served.port, port):
            name = f"socket:[{parts[9]}]"
            for pid in node.served.workers():
                with suppress(OSError):  # One that was killed.
                    if name in map(link_of, Path(f"/proc/{pid}/fd").iterdir()):
                        return pid
    return None


def link_of(file: Path) -> str:
    """Where it leads; nowhere once it is closed."""
    try:
        return str(file.readlink())
    except OSError:
        return ""


class Coast:
    """The node, what is heard, and the other party."""

    def __init__(self, node: Node, receiver: Receiver) -> None:
        self.node, self.receiver = node, receiver
        self.two = Two(node, "two")
        self.tablet = Tablet(listening(node.served, "tcp"))

    def fly(self) -> None:
        """An aircraft that nears the clinic, 20 km south of it."""
        self.receiver.send(sbs("4B1820", 50.3, 10.0, 240, 0))

    def walk(self) -> None:
        """A patrol at the clinic."""
        self.tablet.send(event("patrol-1", 10.0, 50.49, callsign="Patrol", stale_s=60))


@pytest.fixture(scope="module", params=KINDS)
def coast(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Coast]:
    folder = tmp_path_factory.mktemp("coast")
    keyring = Keyring(folder / "test.db")
    place: Place = folder / "test.db"
    if request.param != "sqlite":
        cluster = request.getfixturevalue("cluster")
        place = parse_place(cluster.url(cluster.make()))
    begin(place, keyring)
    receiver = Receiver()
    feed = FEED.format(address=receiver.address)
    with node_at(place, keyring, folder, feed, *COT, workers=2) as node:
        value = msgspec.to_builtins(hospital("Clinic", 10.0, 50.5, standoff_mm=2_000_000))
        body = {key: part for key, part in value.items() if key not in {"type", "party"}}
        told = node.party("two").post("/v1/notices", {**body, "release": {"members": "full"}})
        assert told.status == 201
        coast = Coast(node, receiver)
        yield coast
        coast.two.close()
        coast.tablet.close()
    receiver.close()


def tracks(found: Any) -> list[str]:
    return [one["track"] for one in found["tracks"]]


def nearing(found: Any, track: str) -> list[Any]:
    return [one for one in found["alerts"] if one.get("track", {}).get("track") == track]


def recorded(coast: Coast, track: str) -> list[Any]:
    """What the record holds of alerts of a track for two."""
    found = coast.node.party("two").get("/v1/objects?kind=alert&limit=1000").json["objects"]
    return [one for one in found if track in f"{one['value']}"]


def test_heard(coast: Coast) -> None:
    """What a receiver hears is seen by clients of both workers, once"""
    for found in coast.two.until("/v1/tracks", lambda one: "4b1820" in tracks(one), coast.fly):
        assert tracks(found) == ["4b1820"]
    # That two was shown the feed is on record once, though both workers showed it.
    told = coast.node.party("one").get("/v1/objects?kind=delivery&limit=1000").json["objects"]
    heard = [one["value"]["tracks"] for one in told if "tracks" in one["value"]]
    assert {one["feed"] for one in heard} == {"roof"}
    assert len(heard) == len({one["hour"] for one in heard})


def test_once(coast: Coast) -> None:
    """What it nears is on record once, whichever worker is asked"""
    found = coast.two.until(
        "/v1/alerts",
        lambda one: [alert for alert in nearing(one, "4b1820") if alert.get("leaf")], coast.fly,
    )  # fmt: skip
    leaves = {nearing(one, "4b1820")[0]["leaf"] for one in found}
    assert len(leaves) == 1
    until = time.monotonic() + 3
    while time.monotonic() < until:
        coast.fly()
        time.sleep(0.3)
    assert len(recorded(coast, "4b1820")) == 1


def test_patrol(coast: Coast) -> None:
    """A patrol's tablet is heard by one worker, and seen and watched by both"""
    found = coast.two.until("/v1/tracks", lambda one: "patrol-1" in tracks(one), coast.walk)
    assert all(tracks(one).count("patrol-1") == 1 for one in found)
    first, second = [
        next(track for track in one["tracks"] if track["track"] == "patrol-1") for one in found
    ]
    assert (first["name"], first["kind"]) == (second["name"], second["kind"])
    found = coast.two.until(
        "/v1/alerts",
        lambda one: [alert for alert in nearing(one, "patrol-1") if alert.get("leaf")], coast.walk,
    )  # fmt: skip
    assert len({nearing(one, "patrol-1")[0]["leaf"] for one in found}) == 1
    assert len(recorded(coast, "patrol-1")) == 1
    units = coast.node.party("one").get("/v1/objects?kind=presence").json["objects"]
    assert len(units) == 1


def test_killed(coast: Coast) -> None:
    """When the worker that tablets speak to is killed, what it told is not lost at once"""
    coast.two.until("/v1/tracks", lambda one: "patrol-1" in tracks(one), coast.walk)
    pid = worker_of_tablets(coast)
    os.kill(pid, signal.SIGKILL)
    while pid in coast.node.served.workers():
        time.sleep(0.05)
    (other,) = [one for one in coast.two._to if one != pid]
    assert "patrol-1" in tracks(coast.two._to[other].get("/v1/tracks").json())
    coast.two.connect()
    coast.tablet.close()
    coast.node.served.wait_for("cot listening", 2, seconds=WAIT_S)
    port = coast.node.served.events("cot listening")[-1]["address"].rpartition(":")[2]
    coast.tablet = Tablet(("127.0.0.1", int(port)))
    coast.two.until("/v1/tracks", lambda one: "patrol-1" in tracks(one), coast.walk)


def worker_of_tablets(coast: Coast) -> int:
    """The process that the tablet is connected to."""
    ready = coast.node.served.events("worker ready")
    pid: int = [one["pid"] for one in ready if one["worker"] == 0][-1]
    return pid


def test_gone(coast: Coast) -> None:
    """A patrol that leaves is gone for both"""
    over = '<link uid="patrol-1" relation="none" type="none"/>'
    coast.two.until("/v1/tracks", lambda one: "patrol-1" in tracks(one), coast.walk)
    coast.tablet.send(event("patrol-1", 0, 0, kind="t-x-d-d", detail=over))
    coast.two.until("/v1/tracks", lambda one: "patrol-1" not in tracks(one))

"""Who was shown what a receiver heard (R-08); test_tracks_told.md tells it."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from test_receivers import FEED, next_of, tracks, until

from conftest import begin
from detente.core.party import Party as Admitted
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.node.theatre import admit
from detente.store import Store
from http_node import Node, Party, node_at
from radio import Receiver, sbs
from world import NOW

PARTIES = ("one", "two", "three", "four", "five")
HELD_S = 1.5
"""For which the record cannot be written; an answer comes within some 20 ms."""


class Coast:
    """A node, two receivers and the parties; four and five are each of one test alone."""

    def __init__(self, node: Node, place: Path, shown: Receiver, kept: Receiver) -> None:
        self.node, self.place, self.shown, self.kept = node, place, shown, kept
        self.one, self.two, self.three, self.four, self.five = map(node.party, PARTIES)

    def hear(self) -> None:
        self.shown.send(sbs("4B1815", 50.0, 10.5, 120, 90))
        self.kept.send(sbs("4B1816", 51.0, 10.5, 120, 90))


@pytest.fixture(scope="module")
def coast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coast]:
    folder = tmp_path_factory.mktemp("coast")
    place, keyring = folder / "test.db", Keyring(folder / "test.db")
    begin(place, keyring)
    store = Store(place)
    for name in PARTIES[2:]:
        admit(store, keyring, Admitted(id=name, name=name.title()), now=NOW)
    store.close()
    shown, kept = Receiver(), Receiver()
    readers = ", ".join(f'{name}="full"' for name in PARTIES[1:])
    release = f", release={{parties={{{readers}}}}}"
    feeds = ", ".join([
        FEED.format(name="roof", address=shown.address, silent=600, also=release),
        FEED.format(name="ship", address=kept.address, silent=600, also=""),
    ])  # fmt: skip
    with node_at(place, keyring, folder, f"feeds=[{feeds}]") as node:
        coast = Coast(node, place, shown, kept)
        assert shown.connected.wait(30)
        assert kept.connected.wait(30)
        # Its own party sees both; that discloses nothing.
        until(coast.one, "/v1/tracks", lambda found: len(found["tracks"]) == 2, coast.hear)
        yield coast
    shown.close()
    kept.close()
    store = Store(place)
    assert audit(store).problems == []
    store.close()


@contextmanager
def nobody_can_write(place: Path) -> Iterator[None]:
    """Somebody else writes the register's file."""
    other = sqlite3.connect(place, isolation_level=None, timeout=30)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def deliveries(party: Party) -> list[dict[str, Any]]:
    """What a party sees of what was delivered of tracks."""
    found = party.get("/v1/objects?kind=delivery&limit=1000").json["objects"]
    return [one["value"] for one in found if "tracks" in one["value"]]


def asked(act: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Ask in a thread of its own."""
    came: list[Any] = []
    thread = threading.Thread(target=lambda: came.append(act()))
    thread.start()
    return thread, came


def test_before(coast: Coast) -> None:
    """No byte of a track goes out before it is on record that its feed is shown"""
    assert deliveries(coast.four) == []
    with nobody_can_write(coast.place):
        thread, came = asked(lambda: coast.four.get("/v1/tracks"))
        time.sleep(HELD_S)
        assert came == []
    thread.join(60)
    assert set(tracks(came[0].json)) == {"4b1815"}
    (one,) = deliveries(coast.four)
    assert (one["to"], one["how"], one["tracks"]["feed"]) == ("four", "read", "roof")


def test_stream(coast: Coast) -> None:
    """A screen is held to the same"""

    def first() -> Any:
        with coast.five.stream("/v1/watch/stream") as lines:
            return next_of(lines, "screen")

    with nobody_can_write(coast.place):
        thread, came = asked(first)
        time.sleep(HELD_S)
        assert came == []
    thread.join(60)
    assert [one["track"] for one in came[0]["tracks"]] == ["4b1815"]
    (one,) = deliveries(coast.five)
    assert (one["to"], one["how"], one["tracks"]["feed"]) == ("five", "stream", "roof")


def test_once(coast: Coast) -> None:
    """What is shown again within the hour is on record once, and says the feed and no place"""
    for _ in range(20):
        coast.hear()
        for path in ("/v1/tracks", "/v1/alerts", "/v1/watch"):
            assert coast.two.get(path).status == 200
    found = deliveries(coast.two)
    # The hour may have turned meanwhile.
    assert len(found) == len({one["tracks"]["hour"] for one in found}) <= 2
    for one in found:
        assert set(one) == {"type", "source_id", "to", "how", "outcome", "tracks"}
        assert set(one["tracks"]) == {"party", "feed", "hour"}
    assert "4b1815" not in f"{found}"


def test_whose(coast: Coast) -> None:
    """Who reports a feed sees whom it was shown to, and no reader learns of another"""
    for party in (coast.two, coast.three):
        assert set(tracks(party.get("/v1/tracks").json)) == {"4b1815"}
    found = deliveries(coast.one)
    assert {one["tracks"]["feed"] for one in found} == {"roof"}
    assert {one["to"] for one in found} - {"four", "five"} == {"two", "three"}
    assert {one["to"] for one in deliveries(coast.two)} == {"two"}
    assert {one["to"] for one in deliveries(coast.three)} == {"three"}

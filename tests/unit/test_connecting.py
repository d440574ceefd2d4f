"""Connections to receivers: each kind over real sockets, and what is said where one fails."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pyais import encode_dict

from detente.doors.feeds import connecting
from detente.doors.feeds.connecting import Connecting
from detente.doors.feeds.settings import feeds_of, host_and_port
from detente.errors import MalformedInput
from detente.node.feeding import Feeding, FeedState
from detente.node.seen import LiveTracks
from detente.settings import Settings
from radio import Receiver


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def serving(answers: Callable[[], tuple[int, bytes]]) -> Iterator[str]:
    """A receiver's web server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/data/aircraft.json"
    server.shutdown()
    server.server_close()


def heard(
    kind: str,
    address: str,
    good: Callable[[FeedState], object],
    send: Callable[[], None] = lambda: None,
) -> tuple[FeedState, set[str]]:
    """Connect until it is so; how the feed is then, and its tracks."""

    async def story() -> tuple[FeedState, set[str]]:
        tracks = LiveTracks()
        feeding = Feeding(tracks)
        row = {"name": "f", "party": "one", "kind": kind, "address": address, "poll_s": 0.1}
        feeds = feeds_of(Settings(feeds=(row,)))
        connections = Connecting(feeding, feeds, now)
        await connections.start()
        try:
            async with asyncio.timeout(30):
                while True:
                    await asyncio.to_thread(send)
                    await asyncio.sleep(0.05)
                    ((_, state),) = feeding.states(now())
                    if good(state):
                        return state, {one.observed.track for one in tracks.latest()}
        finally:
            await connections.stop()

    return asyncio.run(story())


SHIP = f"{encode_dict({'type': 1, 'mmsi': 211000001, 'lat': 54, 'lon': 10})[0]}\n".encode()
BEAST = bytes.fromhex("1a33" + "00" * 7)


@pytest.mark.parametrize(
    ("kind", "data", "track"),
    [
        ("ais", SHIP, "211000001"),
        ("avr", b"*8d40621d58c382d690c8ac2863a7;\n*8d40621d58c386435cc412692ad6;\n", "40621d"),
        ("beast", BEAST + bytes.fromhex("8d40621d58c382d690c8ac2863a7")
         + BEAST + bytes.fromhex("8d40621d58c386435cc412692ad6"), "40621d"),
    ],
)  # fmt: skip
def test_receivers_over_tcp(kind: str, data: bytes, track: str) -> None:
    receiver = Receiver()
    state, tracks = heard(
        kind, receiver.address, lambda state: state.positions, lambda: receiver.send(data)
    )
    assert (tracks, state.problem, state.silent) == ({track}, "", False)
    receiver.close()


def document() -> tuple[int, bytes]:
    one = {"hex": "ac671b", "lat": 1, "lon": 2}
    return 200, json.dumps({"now": now().timestamp(), "aircraft": [one]}).encode()


def test_a_receiver_that_is_asked() -> None:
    with serving(document) as url:
        state, tracks = heard("readsb", url, lambda state: state.positions > 1)
    assert (tracks, state.problem) == ({"ac671b"}, "")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((500, b""), "HTTPStatusError"),
        ((200, b"[]"), "aircraft.json: expected now and aircraft"),
        ((200, b" " * 2_000), "aircraft.json: expected at most 1000 bytes"),
    ],
)
def test_what_a_receiver_answers_that_is_asked_in_vain(
    answer: tuple[int, bytes], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "BYTES_MAX", 1_000)
    with serving(lambda: answer) as url:
        state, tracks = heard("readsb", url, lambda state: state.problem)
    assert (state.problem, tracks, state.heard) == (problem, set(), None)
    assert state.problem_code == "unreadable"


def test_a_receiver_that_is_not_there() -> None:
    receiver = Receiver()
    receiver.close()
    state, _ = heard("sbs", receiver.address, lambda state: state.problem)
    assert (state.problem, state.problem_code) == ("ConnectionRefusedError", "unreachable")


def test_addresses() -> None:
    assert host_and_port("[::1]:30003") == ("::1", 30003)
    for text in ("h", ":1", "h:", "h:x", "h:0", "h:65536"):
        assert host_and_port(text) is None


def test_a_receivers_place_is_what_its_positions_are_doubted_by() -> None:
    place = {"lat": 35.5, "lon": 36.0, "range_m": 1_000}
    row = {"name": "f", "party": "one", "kind": "beast", "address": "h:1", "receiver": place}
    (one,) = feeds_of(Settings(feeds=(row,)))
    assert one.feed.receiver is not None
    assert one.feed.receiver.position == (360_000_000, 355_000_000)
    assert one.feed.receiver.range_mm == 1_000_000
    with pytest.raises(MalformedInput):
        feeds_of(Settings(feeds=({**row, "receiver": {"lat": 91, "lon": 0}},)))

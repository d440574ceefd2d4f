"""Hostile requests (R-11, R-10); test_hostile_requests.md tells it."""

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from test_people import until

from detente.doors.asgi_limits import HEAD_BYTES_MAX, HEADERS_MAX
from served import ECHO, Served, closed_within, request, serving, told

HEAD_S = 1.0
BODY_S = 1.5
WRITE_S = 1.5
SLACK_S = 10.0
"""A look takes place every quarter of a second; the rest is for a busy machine."""

DRIP_S = 30.0
"""Longer than any limit with its slack: who drips is cut off before he ends by himself."""

ANSWER_S = 10.0
"""Whoever asks as usual is answered within, on a machine that does ten other things."""

CONNECTIONS = 50
PLACE = "48.858370"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = {
        "headers_timeout_s": HEAD_S,
        "body_timeout_s": BODY_S,
        "write_timeout_s": WRITE_S,
        "connections_max": CONNECTIONS,
        "request_bytes_max": 2_000_000,
    }
    with serving(tmp_path_factory.mktemp("hostile"), program=ECHO, **limits) as served:
        yield served


class Other:
    """Somebody else, who asks throughout."""

    def __init__(self) -> None:
        self.answered = 0

    def wait(self) -> None:
        """Until what is asked now is answered, and one question more."""
        enough, until = self.answered + 2, time.monotonic() + ANSWER_S
        while self.answered < enough and time.monotonic() < until:
            time.sleep(0.001)


@pytest.fixture(autouse=True)
def other(node: Served) -> Iterator[Other]:
    """Somebody else asks throughout, and is answered."""
    stop, slowest, problems, asking = threading.Event(), [0.0], [], Other()

    def ask() -> None:
        while not stop.wait(0.05):
            began = time.monotonic()
            try:
                status = node.ask("POST", "/typed", b'{"number": 1}').status
            except OSError as error:
                problems.append(str(error))
            else:
                problems.extend([str(status)] if status != 200 else [])
            slowest[0] = max(slowest[0], time.monotonic() - began)
            asking.answered += 1

    thread = threading.Thread(target=ask)
    thread.start()
    yield asking
    stop.set()
    thread.join()
    assert not problems
    assert slowest[0] < ANSWER_S


def drip(connection: socket.socket, piece: bytes) -> None:
    """Send a piece now and then, until the other side has enough."""
    until = time.monotonic() + DRIP_S
    with contextlib.suppress(OSError):
        while time.monotonic() < until:
            connection.sendall(piece)
            time.sleep(0.1)


def test_head(node: Served) -> None:
    """A head that never ends is cut off in time."""
    with node.connect() as silent, node.connect() as dripping:
        began = time.monotonic()
        dripping.sendall(b"GET /health/live HTTP/1.1\r\n")
        threading.Thread(target=drip, args=(dripping, b"a: b\r\n")).start()
        answer = told(dripping)
        assert (answer.status, answer.json()["code"]) == (408, "too_slow")
        closed_within(silent, HEAD_S + SLACK_S)
        assert time.monotonic() - began < HEAD_S + SLACK_S


@pytest.mark.parametrize("how", ["content-length: 1000", "transfer-encoding: chunked"])
def test_body(node: Served, how: str) -> None:
    """A body that drips is cut off in time."""
    piece = b"x" if "length" in how else b"1\r\nx\r\n"
    with node.connect() as connection:
        head = f"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{how}\r\n\r\n"
        # Before it is sent: the node may have it long before this thread goes on.
        began = time.monotonic()
        connection.sendall(head.encode())
        threading.Thread(target=drip, args=(connection, piece)).start()
        answer = told(connection)
        assert (answer.status, answer.json()["code"]) == (408, "too_slow")
        assert BODY_S - 0.3 < time.monotonic() - began < BODY_S + SLACK_S


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health/live HTTP/1.1\r\nhost: x\r\na: " + b"x" * 1_000_000,
        b"GET /health/live HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 10_000,
        b"GET /" + b"x" * 1_000_000,
        b"GET /" + b"x" * HEAD_BYTES_MAX + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
    ids=["one header", "many headers", "endless path", "long path"],
)
def test_large_head(node: Served, head: bytes) -> None:
    """A head that is too large is refused."""
    with node.connect() as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(head)
        with contextlib.suppress(ConnectionError):
            answer = told(connection)
            assert (answer.status, answer.json()["code"]) == (431, "head_too_large")
        assert closed_within(connection, SLACK_S) < SLACK_S
    fits = {f"h{n}": "x" * 200 for n in range(HEADERS_MAX - 5)}
    assert node.ask("GET", "/health/live", **fits).status == 200


def test_large_body(node: Served) -> None:
    """A body that is too large is refused, by its length or as it comes."""
    with node.connect() as connection:
        connection.sendall(request("POST", "/echo", b"x" * 1_200_000))
        answer = told(connection)
        assert (answer.status, answer.json()["code"]) == (413, "too_large")
        # What was left of it was thrown away, or the connection was cut: never read as a request.
        with contextlib.suppress(ConnectionError):
            connection.sendall(request("POST", "/echo", b"x" * 1_000_000))
            assert told(connection).body == b"1000000"
    with node.connect() as connection:
        head = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        connection.sendall(head + b"content-length: 500000000\r\n\r\n")
        assert told(connection).status == 413
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                connection.sendall(b"x" * 1_000_000)
            pytest.fail("it read half a gigabyte")
    with node.connect() as connection:
        connection.sendall(head + b"transfer-encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        answer = told(connection)
        assert (answer.status, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\x01\x02 garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
        b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"POST /echo HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nname with space: y\r\n\r\n",
        b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n",
    ],
)
def test_not_http(node: Served, said: bytes) -> None:
    """What is not HTTP is refused."""
    with node.connect() as connection:
        connection.sendall(said)
        answer = told(connection)
        assert 400 <= answer.status < 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) >= {"type", "title", "status", "code", "detail"}


@pytest.mark.parametrize("path", ["/typed", "/hot/1"])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"number": 1, "parts": [' * 20_000,
        b'{"number": 1',
        b"\xff\xfe",
        b'{"number": "one"}',
        b'{"number": 1e999}',
        b'{"number": 1, "other": 2}',
        b"{}",
        b"NaN",
    ],
    ids=lambda body: body[:24].decode("ascii", "replace"),
)
def test_json(node: Served, path: str, body: bytes) -> None:
    """JSON that is deep, broken or of another type is refused."""
    answer = node.ask("POST", path, body)
    assert (answer.status, answer.json()["code"]) == (400, "malformed_input")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_other_kinds(node: Served, kind: str) -> None:
    """A body of another kind is refused."""
    answer = node.ask("POST", "/typed", b'{"number": 1}', content_type=kind)
    assert (answer.status, answer.json()["code"]) == (415, "unsupported_media_type")


def test_not_read(node: Served) -> None:
    """A client that does not take its answer is cut off."""
    with node.connect() as connection:
        before = len(node.events("connection cut off"))
        connection.sendall(request("GET", "/flood"))
        found = node.wait_for("connection cut off", before + 1, WRITE_S + SLACK_S)
        assert found[-1]["code"] == "too_slow"


def test_sent_ahead(node: Served) -> None:
    """Requests sent ahead are answered in order, and not too many."""
    with node.connect() as connection:
        bodies = [b'{"number": %d}' % number for number in range(3)]
        connection.sendall(b"".join(request("POST", "/typed", body) for body in bodies))
        data = b""
        while data.count(b'"number"') < 3:
            data += connection.recv(65_536)
        places = [data.index(b'"number":%d' % number) for number in range(3)]
        assert places == sorted(places)
    with node.connect() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(request("GET", "/slow?seconds=0.5") * 1_000)
        closed_within(connection, 10)


def test_connections(node: Served, other: Other) -> None:
    """Too many connections make room for whoever asks."""
    idle = []
    try:
        for _ in range(300):
            idle.append(node.connect())
            if len(idle) % 20 == 0:
                # Not so many at once that a question on its way has waited for longest.
                other.wait()
            if len(idle) % 60 == 0:
                assert node.ask("POST", "/typed", b'{"number": 1}').status == 200
        gone = node.events("connection cut off")
        assert sum(one["code"] == "no_room" for one in gone) >= 300 - CONNECTIONS - 20
    finally:
        for one in idle:
            one.close()


@pytest.mark.parametrize("path", ["/boom", "/hot-boom"])
def test_mistake(node: Served, path: str) -> None:
    """A mistake of ours says nothing."""
    answer = node.ask("GET", path)
    assert (answer.status, answer.json()["code"]) == (500, "internal")
    assert b"13.37" not in answer.body
    identity = answer.json()["request_id"]
    found: list[dict[str, Any]] = []

    def logged() -> bool:
        lines = node.events("internal error")
        found[:] = [one for one in lines if one["request_id"] == identity]
        return bool(found)

    until(logged)
    assert found[0]["raised"] == "RuntimeError"
    assert any("boom" in frame for frame in found[0]["came_from"])


def test_log(node: Served) -> None:
    """The log holds no place."""
    body = json.dumps({"number": 1, "lat": PLACE}).encode()
    assert node.ask("GET", f"/places/{PLACE}?at={PLACE}", x_place=PLACE).status == 200
    assert node.ask("GET", f"/nowhere/{PLACE}?at={PLACE}").status == 404
    assert node.ask("POST", f"/typed?at={PLACE}", body).status == 400
    assert node.ask("POST", f"/hot/{PLACE}", body).status == 400
    assert node.ask("GET", f"/slow?seconds={PLACE}x").status == 400
    with node.connect() as connection:
        connection.sendall(f"GET /{PLACE} HTTP/9.9\r\nx: {PLACE}\r\n\r\n".encode())
        told(connection)
    node.ask("GET", "/boom")
    node.ask("GET", "/places/last")
    routes: list[str] = []

    def logged() -> bool:
        """Lines are written some four times a second; the last of them is asked last."""
        routes[:] = [one["route"] for one in node.events("request")]
        return routes.count("/places/{place}") >= 2

    until(logged)
    assert {"/places/{place}", "/hot/{number}", "(none)", "/boom"} <= set(routes)
    # A line's own clock, duration and name may well hold 48.85.
    said = re.sub(r'"(time|ms|request_id)":[^,}]+', "", node.log())
    for part in (PLACE, "48.85", "858370", "13.377", "52.516"):
        assert part not in said


F3548 = "/dss/v1/echo"


def hostile_to_f3548() -> Iterator[tuple[int, bytes]]:
    """What is refused, as which status."""
    post = f"POST {F3548} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n".encode()
    yield 408, post + b"content-length: 1000\r\n\r\nx"
    yield 413, post + b"content-length: 500000000\r\n\r\n"
    large = b"ffff\r\n" + b"x" * 65_535 + b"\r\n"
    yield 413, post + b"transfer-encoding: chunked\r\n\r\n" + large * 20
    yield 431, post + b"a: " + b"x" * 1_000_000
    yield 405, request("DELETE", F3548)
    yield 404, request("GET", "/dss/v1/nowhere")


def test_f3548(node: Served) -> None:
    """Who asks by F3548 is refused in its form, whatever it is that refuses"""
    for status, sent in hostile_to_f3548():
        with node.connect() as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(sent)
            answer = told(connection)
            assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
            assert list(answer.json()) == ["message"]
            # What was expected stands in each: a status alone tells nobody what to do.
            assert "expected" in answer.json()["message"]

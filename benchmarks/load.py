"""A load generator that costs less than what it measures.

Requests are bytes made before the clock starts, a connection has one request
under way at a time, and an answer is read no further than its status and length.
Closed loop: each connection asks again as soon as it is answered. Open loop
(``rate``): requests fall due by a Poisson process whatever the server does, and
latency counts from when a request was due, so that a server which stalls cannot
hide it.

As a program: ``load.py http://127.0.0.1:8000/health/live --requests 20000``.
"""

import argparse
import asyncio
import contextlib
import json
import math
import random
import ssl
import statistics
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import uvloop
from msgspec import Struct

TICK_S = 0.001
"""How often an open loop looks at what is due; its figures are no finer than this."""


class Source(Protocol):
    """Where requests come from, and answers go: one that depends on the last may wait for it."""

    def next(self, connection: int) -> bytes | None:
        """The next request for this connection; None if it has none, now or ever."""

    def answered(self, connection: int, status: int, body: bytes) -> None:
        """What came back for the last request of this connection."""


class Each:
    """Requests made beforehand, each sent once by whichever connection is free."""

    def __init__(self, requests: Iterable[bytes]) -> None:
        self._requests: Iterator[bytes] = iter(requests)

    def next(self, _connection: int) -> bytes | None:
        return next(self._requests, None)

    def answered(self, _connection: int, _status: int, _body: bytes) -> None:
        """Nothing depends on it."""


class Result(Struct, kw_only=True):
    """What a run showed; latencies in milliseconds, sorted."""

    seconds: float
    latencies_ms: list[float]
    statuses: dict[int, int]
    dropped: int
    """Connections that the server closed, or that answered what is not HTTP, with a request
    under way."""
    unsent: int
    generator_us: float
    """Processor time of this generator a request."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The latency that this share of the answers did not exceed."""
        if not self.latencies_ms:
            return math.nan
        place = math.ceil(len(self.latencies_ms) * percent / 100) - 1
        return self.latencies_ms[max(0, place)]

    def summary(self) -> dict[str, object]:
        """The figures that one writes down."""
        return {
            "answers": len(self.latencies_ms),
            "rate": round(self.rate, 1),
            "mean_ms": round(statistics.fmean(self.latencies_ms or [math.nan]), 3),
            **{f"p{p:g}_ms": round(self.percentile_ms(p), 3) for p in (50, 90, 99, 99.9, 100)},
            "statuses": {str(status): n for status, n in sorted(self.statuses.items())},
            "dropped": self.dropped,
            "unsent": self.unsent,
            "generator_us": round(self.generator_us, 1),
        }


def request(
    method: str, path: str, host: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    """The bytes of one HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Run:
    """What all connections of a run share."""

    def __init__(self, source: Source, *, open_loop: bool) -> None:
        self.source = source
        self.open_loop = open_loop
        self.latencies = array("d")
        self.statuses: Counter[int] = Counter()
        self.dropped = 0
        self.idle: deque[_Connection] = deque()
        self.due: deque[float] = deque()
        self.busy = 0
        self.open = 0
        self.done = asyncio.Event()
        self.exhausted = False

    def settle(self) -> None:
        """Stop once nothing is under way and nothing is to come."""
        if self.busy == 0 and (self.open == 0 or (self.exhausted and not self.due)):
            self.done.set()

    def dispatch(self) -> None:
        """Open loop: what is due goes out on whatever connection is free."""
        while self.due and self.idle:
            self.idle.popleft().send(self.due.popleft())


class _Connection(asyncio.Protocol):
    def __init__(self, number: int, run: _Run) -> None:
        self.number = number
        self.run = run
        self.buffer = b""
        self.since: float | None = None
        run.open += 1

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport  # uvloop's own, a subclass of nothing

    def send(self, due: float | None = None) -> bool:
        """Send this connection's next request, if there is one."""
        wanted = self.run.source.next(self.number)
        if wanted is None:
            self.run.exhausted = True
            return False
        self.run.busy += 1
        self.since = time.perf_counter() if due is None else due
        self.transport.write(wanted)
        return True

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self.buffer = data
            return
        at = data.find(b"content-length: ", 0, end)
        head = data[:end].lower() if at < 0 else b""
        at = head.find(b"content-length:") if at < 0 else at
        if at < 0 or self.since is None:
            self.transport.abort()  # not an answer that this generator reads, or not asked for
            return
        whole = end + 4 + int(data[at + 15 : data.find(b"\r\n", at)])
        if len(data) < whole:
            self.buffer = data
            return
        self.buffer = b""
        self.answer(int(data[9:12]), data[end + 4 : whole])

    def answer(self, status: int, body: bytes) -> None:
        run = self.run
        assert self.since is not None
        run.latencies.append((time.perf_counter() - self.since) * 1_000)
        run.statuses[status] += 1
        run.busy -= 1
        self.since = None
        run.source.answered(self.number, status, body)
        if run.open_loop:
            run.idle.append(self)
            run.dispatch()
        elif self.send():
            return
        run.settle()

    def connection_lost(self, _error: Exception | None) -> None:
        self.run.open -= 1
        if self.since is not None:
            self.run.dropped += 1
            self.run.busy -= 1
        if self in self.run.idle:
            self.run.idle.remove(self)
        self.run.settle()


async def _feed(run: _Run, rate: float, total: int, seed: int) -> None:
    """Let ``total`` requests fall due at ``rate`` a second."""
    chance = random.Random(seed)
    due = time.perf_counter()
    for _ in range(total):
        due += chance.expovariate(rate)
        while (wait := due - time.perf_counter()) > 0:  # noqa: ASYNC110 - time itself
            await asyncio.sleep(max(wait, TICK_S))
        run.due.append(due)
        run.dispatch()
    run.exhausted = True
    run.settle()


async def _load(
    host: str, port: int, source: Source, connections: int, options: dict[str, object]
) -> Result:
    rate, total = options["rate"], options["total"]
    loop = asyncio.get_running_loop()
    run = _Run(source, open_loop=rate is not None)
    made = [
        (await loop.create_connection(
            lambda n=number: _Connection(n, run), host, port, ssl=options["tls"]
        ))[1]
        for number in range(connections)
    ]  # fmt: skip
    began, cpu = time.perf_counter(), time.process_time()
    if rate is not None:
        run.idle.extend(made)
        feeding = asyncio.create_task(_feed(run, float(str(rate)), int(str(total)), 1))
    else:
        feeding = None
        for one in made:
            one.send()
        run.settle()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(run.done.wait(), float(str(options["seconds_max"])))
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    if feeding is not None:
        feeding.cancel()
    answers = len(run.latencies)
    result = Result(
        seconds=seconds,
        latencies_ms=sorted(run.latencies),
        statuses=dict(run.statuses),
        dropped=run.dropped,
        unsent=len(run.due) + run.busy,
        generator_us=spent / max(1, answers) * 1e6,
    )
    for one in made:
        one.since = None
        one.transport.abort()
    return result


def load(  # noqa: PLR0913 - all but three by name
    host: str,
    port: int,
    source: Source,
    *,
    connections: int = 64,
    rate: float | None = None,
    total: int = 0,
    seconds_max: float = 60.0,
    tls: ssl.SSLContext | None = None,
) -> Result:
    """Ask a server on this machine.

    Args:
        host: Its address.
        port: Its port.
        source: The requests; a closed loop ends when it has none left.
        connections: Kept alive throughout.
        rate: Requests a second for an open loop; a closed loop where None.
        total: Requests of an open loop.
        seconds_max: The run is cut off here; what was under way counts as unsent.
        tls: For https.
    """
    options: dict[str, object] = {
        "rate": rate, "total": total, "seconds_max": seconds_max, "tls": tls
    }  # fmt: skip
    return uvloop.run(_load(host, port, source, connections, options))


def processor_s(pids: Iterable[int]) -> float:
    """Processor time that processes have used, user and system (Linux)."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def main(arguments: list[str] | None = None, say: Callable[[str], object] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, help="open loop: requests a second")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--body", type=Path, help="a file sent as JSON with each request")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE")
    given = parser.parse_args(arguments)
    url = urlsplit(given.url)
    headers = dict(one.split(":", 1) for one in given.header)
    body = given.body.read_bytes() if given.body else b""
    if body:
        headers.setdefault("content-type", "application/json")
    path = url.path + (f"?{url.query}" if url.query else "")
    one = request(given.method, path or "/", url.netloc, body, headers)
    result = load(
        url.hostname or "127.0.0.1",
        url.port or 80,
        Each(one for _ in range(given.requests)),
        connections=given.connections,
        rate=given.rate,
        total=given.requests,
    )
    say(json.dumps(result.summary(), indent=1))


if __name__ == "__main__":
    main()

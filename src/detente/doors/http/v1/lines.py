"""JSON lines in and out, in bounded memory.

What has arrived is worked on at once, a batch at a time, and answered in order.
A client may read while it sends, or send everything first: what it does not take
yet waits in a file.
"""

import asyncio
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress

from msgspec import Struct

from detente.doors.asgi_edge import Exchange, Receive
from detente.doors.asgi_limits import LINE_BYTES_MAX
from detente.doors.asgi_problem import Problem, Refused, problem_of
from detente.doors.http.v1.request import encode
from detente.errors import DetenteError

BATCH_LINES_MAX = 256
"""Lines worked on together: as many as one transaction takes."""

BATCH_BYTES_MAX = 2 * LINE_BYTES_MAX
"""And bytes: two of the longest lines."""

LINES_MAX = 250_000
"""Lines of one request: of the 64 MB that a body may have, each would be 256 bytes."""

WAITING_MEMORY_MAX = 1_048_576
"""Bytes of answers that wait in memory; more of them wait in a file."""

WAITING_MAX = 256 * 1_048_576
"""Bytes of answers that may wait in all; then nothing more is read until some are taken."""

_READ_BYTES = 65_536


class Line(Struct, frozen=True):
    """One line of a request, by its number from 1; None where it is too long to be kept."""

    number: int
    data: bytes | None


class LineReader:
    """Splits a body into lines as it arrives; empty ones are passed over.

    Args:
        receive: ASGI's.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ready: deque[Line] = deque()
        self._rest = bytearray()
        self._skipping = False
        self._number = 0
        self._ended = False

    async def batch(self) -> list[Line]:
        """The next lines, as many as are here, at least one; none at the end.

        Raises:
            Refused: There are too many, or the client left.
        """
        while not self._ready and not self._ended:
            await self._more()
        batch: list[Line] = []
        size = 0
        while self._ready and len(batch) < BATCH_LINES_MAX and size < BATCH_BYTES_MAX:
            batch.append(self._ready.popleft())
            size += len(batch[-1].data or b"")
        return batch

    async def _more(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Refused("too_slow", "body", got="a client that left")
        self._ended = not message.get("more_body")
        *lines, rest = message.get("body", b"").split(b"\n")
        for part in lines:
            self._rest += part
            self._line()
        self._rest += rest
        if self._ended:
            self._line()
        elif len(self._rest) > LINE_BYTES_MAX:
            self._skipping = True
            self._rest.clear()

    def _line(self) -> None:
        self._number += 1
        if self._number > LINES_MAX:
            raise Refused("too_large", "body", expected=f"at most {LINES_MAX} lines", got="more")
        too_long = self._skipping or len(self._rest) > LINE_BYTES_MAX
        data = None if too_long else bytes(self._rest).strip()
        if data != b"":
            self._ready.append(Line(self._number, data))
        self._rest.clear()
        self._skipping = False


class Failed(Struct, frozen=True, kw_only=True):
    """The answer to a line that was refused."""

    line: int
    problem: Problem


Work = Callable[[Sequence[Line]], Awaitable[Sequence[bytes]]]
"""Answers a batch of lines, each with one line."""


async def answers(exchange: Exchange, work: Work) -> AsyncGenerator[bytes, None]:
    """Answer all lines of a request.

    A body that cannot be read to its end gets one last line that says so.
    """
    reader = LineReader(exchange.receive)
    while True:
        try:
            batch = await reader.batch()
        except DetenteError as error:
            yield refused(0, error, exchange) + b"\n"
            return
        if not batch:
            return
        yield b"\n".join(await work(batch)) + b"\n"


def refused(line: int, error: Exception, exchange: Exchange) -> bytes:
    """The line that tells of a refusal."""
    told = problem_of(error, exchange.request_id)
    members = getattr(error, "members", None)
    if members:
        return encode({"line": line, "problem": {**members, **as_dict(told)}})
    return encode(Failed(line=line, problem=told))


def as_dict(told: Problem) -> dict[str, object]:
    """A problem's members."""
    return {name: getattr(told, name) for name in told.__struct_fields__}


def kept(line: Line) -> bytes:
    """What a line says.

    Raises:
        Refused: It was too long to be kept.
    """
    if line.data is None:
        raise Refused("too_large", "line", expected=f"at most {LINE_BYTES_MAX} bytes", got="more")
    return line.data


async def unhurried(parts: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Pass parts on, and go on making them while whoever takes them is busy elsewhere."""
    with tempfile.SpooledTemporaryFile(max_size=WAITING_MEMORY_MAX) as file:
        waiting = _Waiting(file)
        making = asyncio.create_task(waiting.fill(parts))
        try:
            while part := await waiting.take():
                yield part
            await making
        finally:
            if not making.done():
                making.cancel()
                with suppress(asyncio.CancelledError):
                    await making
            await parts.aclose()


class _Waiting:
    """Answers that nobody has taken yet."""

    def __init__(self, file: "tempfile.SpooledTemporaryFile[bytes]") -> None:
        self._file = file
        self._written = self._taken = 0
        self._ended = False
        self._changed = asyncio.Condition()

    async def fill(self, parts: AsyncGenerator[bytes, None]) -> None:
        """Keep all parts."""
        try:
            async for part in parts:
                async with self._changed:
                    await self._changed.wait_for(self._has_room)
                    if self._taken == self._written:
                        # All was taken: begin the file anew.
                        self._file.seek(0)
                        self._file.truncate()
                        self._written = self._taken = 0
                    self._file.seek(self._written)
                    self._written += self._file.write(part)
                    self._changed.notify_all()
        finally:
            async with self._changed:
                self._ended = True
                self._changed.notify_all()

    async def take(self) -> bytes:
        """What comes next, once it is there; nothing at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or self._taken < self._written)
            self._file.seek(self._taken)
            part = self._file.read(min(_READ_BYTES, self._written - self._taken))
            self._taken += len(part)
            self._changed.notify_all()
            return part

    def _has_room(self) -> bool:
        return self._written - self._taken < WAITING_MAX

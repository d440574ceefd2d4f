"""Units of tablets, told by the worker that hears them to the others of the same node.

Tablets speak to worker 0 alone: they have to meet there. Each worker shows what moves and watches
it by itself, so the others are told what worker 0 has of units, on a socket of this machine that
only the node's own user can open. Nothing of it is kept, and nothing goes on record by it.

A message is four bytes of length, big-endian, then MessagePack of ``Told``.

Source: docs/adr/0036.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from detente.errors import Unavailable
from detente.node.seen import LiveTracks, Seen

TELL_EVERY_S = 0.25
"""A quarter of the time between two looks of the watch."""

AGAIN_S = 0.5
"""Before a worker that was cut off asks again: worker 0 is started again within a second."""

UNITS_A_MESSAGE = 1_000
"""Some 500 kB."""

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
"""More is no message of ours."""

_LENGTH_BYTES = 4

Key = tuple[str, str, str]


class Told(Struct, frozen=True, kw_only=True):
    """What changed since the message before; at first all that is there.

    Attributes:
        moved: The newest of each unit that did.
        gone: Units that are no more; at first all that ended since worker 0 started.
    """

    moved: tuple[Seen, ...] = ()
    gone: tuple[Key, ...] = ()


class Teller:
    """Tells what this process has of units. One event loop's.

    Args:
        tracks: Of worker 0.
        path: Of the socket.
    """

    def __init__(self, tracks: LiveTracks, path: Path) -> None:
        self._tracks = tracks
        self._path = path
        self._tasks: set[asyncio.Task[None]] = set()
        self._known: set[Key] = set()

    async def start(self) -> None:
        """Listen.

        Raises:
            Unavailable: There can be no such socket.
        """
        self._ever = self._tracks.follow(_is_own)
        self._path.unlink(missing_ok=True)  # Of a worker 0 that was killed.
        try:
            self._server = await asyncio.start_unix_server(self._enter, self._path)
        except OSError as error:
            raise Unavailable("socket between workers", got=f"{error.strerror or error}") from None

    async def stop(self) -> None:
        """Tell no more."""
        self._tracks.leave(self._ever)
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._tell(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        following = self._tracks.follow(_is_own)
        # Whoever comes again may still show what ended while he was away.
        self._known.update(one.key for one in self._ever.changed())
        told = set(self._known)
        try:
            while not reader.at_eof():
                moved = following.changed()
                told.update(one.key for one in moved)
                gone = tuple(key for key in told if key not in self._tracks)
                told.difference_update(gone)
                for first in range(0, len(moved), UNITS_A_MESSAGE):
                    part = moved[first : first + UNITS_A_MESSAGE]
                    writer.write(_message(Told(moved=tuple(part))))
                if gone:
                    writer.write(_message(Told(gone=gone)))
                await writer.drain()
                await asyncio.sleep(TELL_EVERY_S)
        except OSError:
            pass  # Whoever listened is gone, and comes again.
        finally:
            self._tracks.leave(following)
            writer.close()


class Hearing:
    """Takes what worker 0 tells of units. One event loop's.

    Args:
        tracks: Of this worker.
        path: Of the socket.
        clock: Gives the time, UTC.
    """

    def __init__(self, tracks: LiveTracks, path: Path, clock: Callable[[], datetime]) -> None:
        self._tracks = tracks
        self._path = path
        self._clock = clock
        self._stale: dict[Key, datetime] = {}
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        """Listen from now on."""
        loop = asyncio.get_running_loop()
        self._tasks = (loop.create_task(self._keep()), loop.create_task(self._sweep()))

    async def stop(self) -> None:
        """Listen no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self) -> None:
        """Where worker 0 ends, what it told stays until it is stale: it may be so still."""
        while True:
            with contextlib.suppress(OSError, EOFError, msgspec.MsgspecError):
                await self._listen()
            await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._path)
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
                if length > MESSAGE_BYTES_MAX:
                    return
                self._take(msgspec.msgpack.decode(await reader.readexactly(length), type=Told))
        finally:
            writer.close()

    def _take(self, told: Told) -> None:
        for one in told.moved:
            # Where there is no room, worker 0 shows and watches it all the same.
            with contextlib.suppress(Unavailable):
                self._tracks.put([one])
                self._stale[one.key] = one.stale or one.observed.time
        for key in told.gone:
            self._drop(key)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            now = self._clock()
            for key in [key for key, stale in self._stale.items() if now > stale]:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        self._stale.pop(key, None)
        self._tracks.drop(key)


def _is_own(one: Seen) -> bool:
    return one.own


def _message(told: Told) -> bytes:
    data = msgspec.msgpack.encode(told)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data

"""Listening: wakes whoever waits for the record to grow, once for all of a process.

The engine's number of entries is looked at some fifty times a second, which costs
nothing. That the engine follows other processes is detente.node.service's to see to.
"""

import asyncio
import contextlib

from detente.node.engine import Engine

LOOK_EVERY_S = 0.02
"""How late an entry of this process may be noticed: less than a person does."""


class Listening:
    """Follows an engine.

    Args:
        engine: At work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._changed = asyncio.Event()
        self._said = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Wake everyone a last time, and end."""
        self.closed = True
        self._changed.set()
        self._said.set()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def size(self) -> int:
        """Entries that readers see."""
        return self._engine.world.shown.sequence

    @property
    def spoken(self) -> int:
        """The same, up to the last that anybody may be told of."""
        return self._engine.world.shown.spoken

    async def said_beyond(self, size: int, *, timeout_s: float) -> None:
        """Wait until there is more than ``size`` entries to be told of; as ``beyond``.

        Streams wait so: each call of the hotline leads to deliveries on record, and for each of
        those a thousand streams would wake, find nothing, and keep the next call waiting.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.spoken <= size and not self.closed:
                    await self._said.wait()

    async def beyond(self, size: int, *, timeout_s: float) -> int:
        """Wait until readers see more than ``size`` entries; gives how many they see.

        Gives up after ``timeout_s``, or when listening ends.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.size <= size and not self.closed:
                    await self._changed.wait()
        return self.size

    async def _run(self) -> None:
        seen, spoken = self.size, self.spoken
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.size != seen:
                seen = self.size
                self._changed.set()
                self._changed = asyncio.Event()
            if self.spoken != spoken:
                spoken = self.spoken
                self._said.set()
                self._said = asyncio.Event()

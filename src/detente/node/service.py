"""A node in one process: the engine, the checks, and what goes on in between.

Several processes may serve one PostgreSQL store; each follows what the others
append, also while nobody asks it anything, so that whoever listens is told.
"""

import asyncio
import contextlib

from nacl.signing import SigningKey

from detente.errors import DetenteError
from detente.node.asking import Asking, Follow
from detente.node.engine import Engine
from detente.store import Store

FOLLOW_EVERY_S = 0.5
"""How far behind another process a listener may be: below what a person notices."""

COMPACT_EVERY_S = 1.0
"""How often large parts of the pictures are merged, if there is need."""


class Service:
    """One worker's node.

    Args:
        store: The theatre's.
        key: The node's.
    """

    def __init__(self, store: Store, key: SigningKey) -> None:
        self.store = store
        self.engine = Engine(store, key)
        self.asking = Asking(self.engine)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Read the record, and begin.

        Raises:
            Unavailable: It cannot be read.
        """
        await asyncio.get_running_loop().run_in_executor(None, self.engine.start)
        self._tasks = [
            asyncio.create_task(self._follow()),
            asyncio.create_task(self._compact()),
        ]

    async def stop(self) -> None:
        """Commit what waits, and let go of everything."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await asyncio.get_running_loop().run_in_executor(None, self.engine.stop)
        self.asking.close()
        self.store.close()

    async def _follow(self) -> None:
        """Catch up now and then with what other processes appended."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(FOLLOW_EVERY_S)
            # A store that cannot be asked now is asked again; readiness says so meanwhile.
            with contextlib.suppress(DetenteError):
                size = await loop.run_in_executor(None, self.store.size)
                if size > self.engine.world.shown_at:
                    await self.engine.act(Follow())

    async def _compact(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(COMPACT_EVERY_S)
            await loop.run_in_executor(None, self.engine.world.compact)

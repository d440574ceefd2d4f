"""A lease: of all processes on one database, at most one does what only one may do.

Its holder counts up a number. Whoever else wants it watches that number, and takes
the lease where it stood still for LOST_AFTER_S by the watcher's own clock: so no two
machines' clocks need agree, and a killed holder's lease ends by itself.
"""

import asyncio
import secrets
import time
from typing import NoReturn

from detente.errors import DetenteError
from detente.node.engine import Decision, Engine
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches
from detente.node.telling.disclosures import THE_NODE
from detente.store import Appender

BEAT_EVERY_S = 2.0
"""How often a holder says that it lives: a write, while there is something to hold it for."""

LOST_AFTER_S = 10.0
"""Five beats: a holder that is only slow for a while keeps its lease."""

_State = tuple[str, int] | None


class Lease:
    """One process's claim to a lease.

    Args:
        engine: At work.
        name: Of the lease.
        lost_after_s: For tests.
    """

    def __init__(self, engine: Engine, name: str, *, lost_after_s: float = LOST_AFTER_S) -> None:
        self.holder = secrets.token_hex(8)
        self.name = name
        self._engine = engine
        self._lost_after_s = lost_after_s
        self._beat_every_s = lost_after_s * BEAT_EVERY_S / LOST_AFTER_S
        self._held_until = 0.0
        self._seen: _State = None
        self._seen_at = 0.0

    @property
    def held(self) -> bool:
        """Whether this process holds it, for all that it knows."""
        return time.monotonic() < self._held_until

    async def take(self) -> None:
        """Wait until it is ours."""
        while not await self._renew():  # noqa: ASYNC110 - another process tells
            await asyncio.sleep(self._beat_every_s)

    async def keep(self) -> NoReturn:
        """Say again and again that it is ours."""
        while True:
            await asyncio.sleep(self._beat_every_s)
            await self._renew()

    async def give_back(self) -> None:
        """Let another take it at once; where that fails, it waits."""
        was, self._held_until = self._held_until, 0.0
        if was and self._seen is not None:
            try:
                await self._engine.act(_Take(self.name, "", self._seen))
            except DetenteError:
                return

    async def _renew(self) -> bool:
        began = time.monotonic()
        try:
            now = await asyncio.to_thread(self._read)
            if now != self._seen:
                self._seen, self._seen_at = now, began
            if now is not None and now[0] not in {"", self.holder}:
                self._held_until = 0.0
                if began - self._seen_at < self._lost_after_s:
                    return False
            taken: bool = await self._engine.act(_Take(self.name, self.holder, now))
        except DetenteError:
            return False  # A lease that cannot be renewed ends.
        if not taken:
            return False
        self._seen, self._seen_at = (self.holder, _beat(now) + 1), began
        self._held_until = began + self._lost_after_s
        return True

    def _read(self) -> _State:
        with self._engine.store.reading() as record:
            return record.lease(self.name)


class _Take:
    """Takes a lease that still is as it was seen; else does nothing."""

    principal = THE_NODE
    touches = Touches()

    def __init__(self, name: str, holder: str, seen: _State) -> None:
        self._row = (name, holder, _beat(seen) + 1)
        self._seen = seen
        self._taken = False

    def decide(self, _: Moment) -> Decision[bool]:
        """Whether it was taken."""
        return Decision(says=(), answer=lambda _: self._taken, effects=self._put)

    def _put(self, record: Appender, _: list[Receipt]) -> None:
        if record.lease(self._row[0]) == self._seen:
            record.put_lease(*self._row)
            self._taken = True


def _beat(state: _State) -> int:
    return 0 if state is None else state[1]

"""An audience: the clients of one party, to whom the same is shown, written once for all.

What changed is gathered for TICK_S and goes to each client in one piece. A client that is
slow is left with the newest of each thing, and delays nobody; one that takes nothing for the
node's write timeout is cut off.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Protocol

from detente.core.principal import Principal
from detente.core.release import Grade
from detente.core.volume import Position
from detente.doors.asgi_log import say
from detente.doors.cot.calls import Calls
from detente.doors.cot.mapping import SHAPE_LIFE, of_item, of_seen
from detente.doors.cot.warnings import Warnings
from detente.doors.cot.writing import Written, deletion
from detente.errors import DetenteError
from detente.node.asking import reader_of
from detente.node.board import Board
from detente.node.layers import Item
from detente.node.presencing import Presencing
from detente.node.seen import Seen
from detente.node.service import Service
from detente.node.telling.disclosures import EXTENT, disclosures_of
from detente.node.telling.tracks import disclose_tracks

TICK_S = 0.02
"""What comes within is sent as one: less than a person notices, and fifty sends a second."""

LOOK_EVERY_S = 1.0
"""How soon a change of the picture is shown; a look at 100,000 objects takes some 30 ms."""

_log = logging.getLogger("detente.cot")


class Batch:
    """Events that go out together."""

    def __init__(self, events: Sequence[Written]) -> None:
        self.events = events
        self.uids = frozenset(one.out.uid for one in events)

    @cached_property
    def xml(self) -> bytes:
        """All of them as XML."""
        return b"".join(one.xml for one in self.events)

    @cached_property
    def proto(self) -> bytes:
        """All of them as messages."""
        return b"".join(one.proto for one in self.events)

    def without(self, uids: set[str]) -> "Batch":
        """Those that are not of these."""
        if self.uids.isdisjoint(uids):
            return self
        return Batch([one for one in self.events if one.out.uid not in uids])


class Listener(Protocol):
    """Who is shown things."""

    def show(self, batch: Batch) -> None:
        """Send a batch, or keep the newest of each of it."""


class Audience:
    """The clients of a party that are shown things. One event loop's.

    Args:
        service: At work.
        presencing: Knows which entry stands for a unit.
        principal: Of any of them.
    """

    def __init__(self, service: Service, presencing: Presencing, principal: Principal) -> None:
        self._service = service
        self._presencing = presencing
        self._party = principal.party
        self._warnings = Warnings(service, principal)
        self._calls = Calls(service, principal)
        self._board = Board(service.engine, service.layers, principal)
        self._following = service.tracks.follow(self._may_follow)
        self._shapes: dict[str, tuple[Item, list[Written]]] = {}
        self._live: dict[tuple[str, str, str], Written] = {}
        self._waiting: dict[tuple[str, str, str], Seen] = {}
        self.listeners: set[Listener] = set()
        self._looked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Show from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def join(self, listener: Listener) -> None:
        """Show a client what there is, then all that changes."""
        await self._looked.wait()
        shapes = [one for _, written in self._shapes.values() for one in written]
        live = self._live.values()
        told = [*self._calls.standing, *self._warnings.standing]
        listener.show(Batch([*self._not_live(shapes), *live, *told]))
        self.listeners.add(listener)

    async def stop(self) -> None:
        """Show nothing more."""
        self._service.tracks.leave(self._following)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _may_follow(self, seen: Seen) -> bool:
        return seen.party == self._party or seen.own

    async def look(self) -> Batch:
        """All that is new since the last look; that it is shown is on record before.

        Raises:
            Unavailable: The record cannot be read or written.
        """
        return Batch([*await self._moved(), *await self._changed()])

    async def _run(self) -> None:
        looked_s = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            is_due = time.monotonic() - looked_s >= LOOK_EVERY_S
            try:
                batch = await self.look() if is_due else Batch(await self._moved())
            except DetenteError as error:
                say(_log, logging.WARNING, "cot not shown", party=self._party, code=error.code)
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            except Exception:  # noqa: BLE001 - see below
                # Whatever it was, what comes next must still be shown.
                _log.exception("cot not shown")
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            if is_due:
                looked_s = time.monotonic()
            if batch.events:
                for one in tuple(self.listeners):
                    one.show(batch)

    async def _moved(self) -> list[Written]:
        """Live tracks, each on record as shown before it is."""
        self._waiting |= {one.key: one for one in self._following.changed()}
        if not self._waiting:
            return []
        engine = self._service.engine
        reader = reader_of(engine.world.shown, self._party, engine.clock())
        shown, entries = [], {}
        for one in self._waiting.values():
            if one.party != self._party:
                entry = self._presencing.recorded(one)
                released = reader.released(one.party, one.release) is Grade.FULL
                if entry is None or not released:
                    continue  # It comes again once it is on record.
                entries[entry] = EXTENT[Grade.FULL]
            shown.append(one)
        if entries:
            await disclosures_of(engine).record(self._party, entries, "stream")
        await disclose_tracks(
            engine, self._party, {(one.party, one.feed) for one in shown}, "stream"
        )
        self._waiting.clear()
        made = {one.key: Written(of_seen(one)) for one in shown}
        self._live |= made
        return list(made.values())

    async def _changed(self) -> list[Written]:
        """What the picture shows anew, and what is over."""
        now = self._service.engine.clock()
        out, ended = [], set()
        if self._board.is_behind:
            changes = await self._board.look()
            for object_id in changes.gone:
                ended |= self._gone(object_id)
            for item in changes.items:
                ended |= self._gone(item.view.object)
                out += self._new(item)
        for item, written in list(self._shapes.values()):
            if written and now - item.now > SHAPE_LIFE / 2:
                out += self._new(item.later(now))
        out += self._over(ended, now)
        out += await self._warnings.look(self._place_of, now)
        out += await self._calls.look(now)
        self._looked.set()
        return out

    def _place_of(self, object_id: str) -> Position | None:
        """Where an object is drawn."""
        _, written = self._shapes.get(object_id, (None, []))
        return written[0].out.position if written else None

    def _new(self, item: Item) -> list[Written]:
        made = [Written(one) for one in of_item(item)]
        self._shapes[item.view.object] = item, made
        return self._not_live(made)

    def _not_live(self, written: Sequence[Written]) -> list[Written]:
        """Without units of which a newer position is shown."""
        live = {one.out.uid for one in self._live.values()}
        return [one for one in written if one.out.uid not in live]

    def _gone(self, object_id: str) -> set[str]:
        """What the picture showed of an object."""
        _, was = self._shapes.pop(object_id, (None, []))
        return {one.out.uid for one in was}

    def _over(self, ended: set[str], now: datetime) -> list[Written]:
        """What is to be taken away.

        A live track that ended stays while the picture still shows its unit: until then it
        is not on record that it left. Once the picture shows it no more, it is over for this
        reader, whatever moves on. Of one that is only stale, whoever shows it knows.

        Args:
            ended: The uids of what the picture showed before this look, and may show again.
            now: UTC.
        """
        there = {one.key for one in self._service.tracks.latest()}
        if not ended and self._live.keys() <= there:
            return []
        pictured = {one.out.uid for _, written in self._shapes.values() for one in written}
        over = ended - pictured
        for key, one in list(self._live.items()):
            uid = one.out.uid
            if key in there and uid not in over:
                continue
            del self._live[key]
            if uid not in pictured and now < one.out.stale:
                over.add(uid)
        return [Written(deletion(now, uid)) for uid in sorted(over)]

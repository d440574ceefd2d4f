"""Pressing for help: a device of a party's own calls on the hotline.

Whoever carries a tablet and presses for help expects to be heard, and does not look at it again.
A device says it over and over until it is taken back, so a press is one call however often it is
heard: also once somebody at a desk has closed it, and by a process that starts meanwhile. What
cannot be recorded is tried again.

Source: requirements M1, M2; docs/hotline.md; docs/adr/0041.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from detente.core.incident import Act, Code, Incident, IncidentStep
from detente.core.principal import Principal, Scope
from detente.core.volume import Circle, Volume
from detente.core.wire import Value, read
from detente.errors import DetenteError, NotFound, Unavailable
from detente.node.engine import Engine
from detente.node.submit import Receipt
from detente.node.verbs import Speak

AGAIN_AFTER = timedelta(minutes=10)
"""A press whose call is closed, and that was not heard for so long, is over: another is a new
call. Devices repeat themselves within a minute."""

RETRY_S = 1.0
"""How soon what could not be recorded is tried again."""


class Press(Struct, frozen=True, kw_only=True):
    """What a device says for whoever carries it.

    Attributes:
        uid: Of the device's choice; one as long as it is the same press.
        place: Where, as wide as that is uncertain.
        words: Who it is, and what was pressed.
    """

    uid: str
    place: Circle
    words: str


class _Kept(Struct, kw_only=True):
    """A press: what its call is named, when it was last heard, and its incident once there."""

    name: str
    heard: datetime
    incident: str | None = None
    task: asyncio.Task[None] | None = None


class Pressing:
    """What is pressed on the devices of all parties, of one door. One event loop's.

    Args:
        engine: At work.
        feed: The door's name, of which the record's names begin.
        refuse: Told what the record does not take.
    """

    def __init__(
        self, engine: Engine, feed: str, refuse: Callable[[Principal, DetenteError], None]
    ) -> None:
        self._engine = engine
        self._feed = feed
        self._refuse = refuse
        self._stopping = False
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def press(self, principal: Principal, press: Press) -> None:
        """Call, unless this press has called already.

        Raises:
            NotPermitted: The device may not call.
        """
        principal.require(Scope.CALL)
        now, key = self._engine.clock(), (principal.party, press.uid)
        self._kept = {who: one for who, one in self._kept.items() if not self._is_over(one, now)}
        kept = self._kept.get(key)
        if kept is not None:
            kept.heard = now
            return
        name = f"{self._feed}:{now:%Y%m%dT%H%M%S.%fZ}:{press.uid}"
        self._kept[key] = kept = _Kept(name=name, heard=now)
        incident = Incident(
            source_id=name,
            party=principal.party,
            code=Code.MOVEMENT_IN_DISTRESS,
            volumes=(Volume(footprint=(press.place,)),),
            words=press.words,
        )
        kept.task = asyncio.get_running_loop().create_task(
            self._call(principal, key, kept, incident)
        )

    def take_back(self, principal: Principal, uid: str) -> None:
        """Close the call of a press.

        Raises:
            NotPermitted: The device may not call.
            NotFound: There is none.
        """
        principal.require(Scope.CALL)
        kept = self._kept.pop((principal.party, uid), None)
        if kept is None:
            raise NotFound("call", expected="one that this device made")
        task = asyncio.get_running_loop().create_task(self._close(principal, kept))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def recall(self) -> None:
        """Take up the calls that are open from before this process.

        Raises:
            Unavailable: The record cannot be read.
        """
        now = self._engine.clock()
        for incident, value in await asyncio.to_thread(self._open):
            feed, _, rest = value.source_id.partition(":")
            if feed == self._feed:
                uid = rest.partition("Z:")[2]
                kept = _Kept(name=value.source_id, heard=now, incident=incident)
                self._kept[value.party, uid] = kept

    async def stop(self) -> None:
        """Wait until what is under way is recorded, or cannot be."""
        self._stopping = True
        tasks = [one.task for one in self._kept.values() if one.task is not None]
        await asyncio.gather(*tasks, *self._closing, return_exceptions=True)

    def _open(self) -> list[tuple[str, Incident]]:
        """The calls that are open."""
        lines = self._engine.world.shown.lines.values()
        with self._engine.store.reading() as record:
            found = record.identified([one.incident for one in lines if not one.is_closed])
        values = ((one.object_id, one.data) for one in found.values())
        said = ((name, read(data)) for name, data in values if data is not None)
        return [(name, value) for name, value in said if isinstance(value, Incident)]

    def _is_over(self, kept: _Kept, now: datetime) -> bool:
        """Whether it is closed, and no longer heard."""
        line = self._engine.world.shown.lines.get(kept.incident or "")
        return line is not None and line.is_closed and now - kept.heard > AGAIN_AFTER

    async def _call(
        self, principal: Principal, key: tuple[str, str], kept: _Kept, incident: Incident
    ) -> None:
        receipt = await self._say(principal, incident)
        if receipt is not None:
            kept.incident = receipt.object_id
        elif self._kept.get(key) is kept:
            # The next that is heard of it tries again.
            del self._kept[key]

    async def _close(self, principal: Principal, kept: _Kept) -> None:
        if kept.task is not None:
            await kept.task
        line = self._engine.world.shown.lines.get(kept.incident or "")
        if kept.incident is None or (line is not None and line.is_closed):
            return
        step = IncidentStep(
            source_id=f"{kept.name}:closed",
            party=principal.party,
            incident=kept.incident,
            act=Act.CLOSED,
            text="taken back on the device",
        )
        await self._say(principal, step)

    async def _say(self, principal: Principal, value: Value) -> Receipt | None:
        """Put it on the record, however long that takes; None where it is refused."""
        while True:
            try:
                receipt: Receipt = await self._engine.act(Speak(principal, value))
            except Unavailable:
                if self._stopping:
                    return None
                await asyncio.sleep(RETRY_S)
            except DetenteError as error:
                self._refuse(principal, error)
                return None
            else:
                return receipt

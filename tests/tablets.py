"""What the tablets of a party are sent by Cursor on Target, to the byte, with no network."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from detente.core.principal import Principal
from detente.core.release import Grade, Release
from detente.core.watch import Observed
from detente.doors.cot.audience import Audience, Batch
from detente.doors.cot.mapping import FEED
from detente.node.alerted import Alerting
from detente.node.engine import Engine
from detente.node.feeding import Feeding
from detente.node.layers import Layers
from detente.node.presencing import Presencing, Unit
from detente.node.reading import Reading
from detente.node.seen import LiveTracks, Seen
from detente.node.watching import Watching
from nodes import desk_of

TO_ALL = Release(members=Grade.FULL)


class Newcomer:
    """A client that has just come in."""

    def __init__(self) -> None:
        self.shown: list[Batch] = []

    def show(self, batch: Batch) -> None:
        self.shown.append(batch)


class Tablets:
    """The door of one process: the units and tracks of all, and what one party is sent of them.

    The units of party one are shown to all, those of three to nobody.
    """

    def __init__(
        self, engine: Engine, layers: Layers, reading: Reading, principal: Principal
    ) -> None:
        self._engine = engine
        self._principal = principal
        self._tracks = LiveTracks()
        self._watching = Watching()
        alerting = Alerting(self._tracks, Feeding(self._tracks), self._watching)
        self._service: Any = SimpleNamespace(
            engine=engine, layers=layers, reading=reading, tracks=self._tracks, alerting=alerting
        )
        self._presencing = Presencing(engine, self._tracks, FEED, {"one": TO_ALL})
        self._audience = self._anew()

    def _anew(self) -> Audience:
        return Audience(self._service, self._presencing, self._principal)

    async def look(self) -> list[tuple[str, str]]:
        """What clients that are there are sent, what one that comes is, and what after a start."""
        now, world = self._engine.clock(), self._engine.world
        self._watching.look(world.shown.protected, self._tracks.latest(), now)
        return [
            both(await self._audience.look()),
            *await self._joined(self._audience),
            *await self._started(),
        ]

    async def _joined(self, audience: Audience) -> list[tuple[str, str]]:
        newcomer = Newcomer()
        await audience.join(newcomer)
        audience.listeners.clear()
        return [both(one) for one in newcomer.shown]

    async def _started(self) -> list[tuple[str, str]]:
        """As by a worker that has just been started."""
        audience = self._anew()
        sent = both(await audience.look())
        joined = await self._joined(audience)
        await audience.stop()
        return [sent, *joined]

    async def report(self, party: str, uid: str, place: tuple[int, int]) -> None:
        """A tablet of a party says where it is; the record says it too when this is over."""
        now = self._engine.clock()
        seen = Observed(track=uid, time=now, position=place, accuracy_mm=5_000, drift_mm_s=0)
        unit = Unit(
            uid=uid, type="a-f-G", domain="ground", callsign=f"C {uid}", observed=seen,
            stale=now + timedelta(minutes=2),
        )  # fmt: skip
        self._presencing.report(desk_of(party), unit)
        await self._presencing.stop()

    async def over(self, party: str, uid: str) -> None:
        """It says that it is gone."""
        self._presencing.over(desk_of(party), uid)
        await self._presencing.stop()

    def see(self, party: str, track: str, place: tuple[int, int], *, shown: bool) -> None:
        """A receiver of a party hears a ship."""
        self._tracks.put([ship(party, track, place, self._engine.clock(), shown=shown)])


def ship(party: str, track: str, place: tuple[int, int], now: datetime, *, shown: bool) -> Seen:
    seen = Observed(
        track=track, time=now, position=place, accuracy_mm=50_000, drift_mm_s=2_000,
        speed_mm_s=10_000, course_mdeg=90_000,
    )  # fmt: skip
    return Seen(
        party=party, feed="roof", observed=seen, kind="ship", name=f"Ship {track}",
        release=TO_ALL if shown else None,
    )  # fmt: skip


def both(batch: Batch) -> tuple[str, str]:
    """A batch in both of its forms."""
    return batch.xml.decode(), batch.proto.hex(" ")

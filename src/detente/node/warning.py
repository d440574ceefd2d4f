"""Warning: alerts go on the record as they begin, rise and end, one entry a party that is told.

Of all processes one writes (detente.node.telling.lease), from its own watch. It compares what
stands on the record with what its watch shows each party, so nothing depends on what a process
remembers: after a restart, or when another process takes over, alerts that still stand are taken
up, and those that nobody watches any more are said to be unwatched once SETTLED is over.

What is worth an entry: a track and an entry; a track that is lost while it has such an alert;
a feed that is silent. A track that is lost far from everything is shown and not recorded, for
each that leaves a receiver's range is.

Source: DESIGN section 4.8 and 4.11; docs/adr/0032.
"""

import asyncio
import contextlib
import logging
import math
import os
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from detente.core.alerts import Key, Level
from detente.core.entry import EntryKind
from detente.core.ledger import NODE
from detente.core.view import Reader, View
from detente.core.volume import MM_PER_M
from detente.core.warned import EntryTold, FeedTold, TrackTold, Warned, WarnedState
from detente.core.watch import COAST_MAX_S, HORIZON_MAX_S
from detente.errors import DetenteError
from detente.node.alerted import Alerting, AlertShown, alert_for
from detente.node.asking import reader_of
from detente.node.engine import Decision, Engine, Said
from detente.node.moment import Moment
from detente.node.naming import name_of_alert
from detente.node.noted import Found, feed_key
from detente.node.submit import Touches
from detente.node.telling.disclosures import THE_NODE
from detente.node.telling.lease import LOST_AFTER_S, Lease
from detente.node.warned import OnRecord
from detente.node.world import Shown

OF_PARTY_MAX = 20
"""Entries a second of one party: a watch officer reads fewer, and a day of it is a gigabyte."""

AT_ONCE_MAX = 200
"""Entries a second of all parties: a tenth of what a node commits, so that others may write."""

SETTLED = timedelta(seconds=COAST_MAX_S)
"""How long after it began a watch may not know yet what another warned of: what is heard at
all is heard within."""

WRITE_EVERY_S = 1.0
"""As often as the watch looks."""

IDLE_S = 30.0
"""How long a lease is held with nothing to write: holding it is a write every two seconds."""

LEASE = "alerts"

_GRAVITY = {level: number for number, level in enumerate(Level)}

_LOG = logging.getLogger("detente.watch")


class Due(Struct, frozen=True, kw_only=True):
    """An entry that is due.

    Attributes:
        object_id: Of the warning.
        value: What is said.
        known: What stands of it; None of a new one.
        key: Of a new one, whom and what of it tells.
    """

    object_id: str
    value: Warned
    known: OnRecord | None = None
    key: tuple[str, Key] | None = None

    @property
    def urgency(self) -> tuple[bool, int]:
        """What begins or rises first, the gravest first; then what ends."""
        return self.value.state is not WarnedState.STANDING, -_GRAVITY[self.value.level]


class Warner:
    """Puts alerts on the record. One event loop's.

    Args:
        engine: At work.
        alerting: What is shown to whom.
        lost_after_s: After which silence the lease of another process ends.
    """

    def __init__(
        self, engine: Engine, alerting: Alerting, *, lost_after_s: float = LOST_AFTER_S
    ) -> None:
        self._engine = engine
        self._alerting = alerting
        self._lease = Lease(engine, LEASE, lost_after_s=lost_after_s)
        self._began: datetime | None = None
        self._waiting: set[tuple[str, Key]] = set()
        self._missed: Counter[str] = Counter()

    async def run(self) -> None:
        """Write while there is something to write, until cancelled."""
        self._began = self._engine.clock()
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            if not await self._is_wanted():
                continue
            await self._lease.take()
            _LOG.info("alerts are written here", extra={"fields": {"pid": os.getpid()}})
            keeping = asyncio.create_task(self._lease.keep())
            try:
                await self._write_on()
            finally:
                keeping.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeping
                await self._lease.give_back()

    async def _is_wanted(self) -> bool:
        try:
            return bool(await asyncio.to_thread(self.due, self._engine.clock()))
        except DetenteError:
            return False

    async def _write_on(self) -> None:
        idle_s = 0.0
        while self._lease.held and idle_s < IDLE_S:
            # A store that cannot be written now is written the next time: nothing is forgotten.
            with contextlib.suppress(DetenteError):
                idle_s = 0.0 if await self.write() else idle_s + WRITE_EVERY_S
            await asyncio.sleep(WRITE_EVERY_S)

    async def write(self) -> int:
        """Write what is due; how many entries.

        Raises:
            DetenteError: They could not be written; they stay due.
        """
        now = self._engine.clock()
        look = await asyncio.to_thread(self._look, now)
        due = self._counted(self._due(look), look)
        if not due:
            return 0
        written: int = await self._engine.act(_Warn(due))
        for one in due:
            self._missed.pop(one.value.to, None)
            if one.key is not None:
                self._alerting.noted.remember(one.object_id, one.key[1])
        return written

    def due(self, now: datetime) -> list[Due]:
        """What the record lacks, most urgent first, within the limits.

        Args:
            now: UTC.
        """
        return self._due(self._look(now))

    def _look(self, now: datetime) -> "_Look":
        shown = self._engine.world.shown
        found = self._alerting.on_record(shown.warned)
        return _Look(now, shown, found, self._wanted(shown, found, now))

    def _due(self, look: "_Look") -> list[Due]:
        return _within_limits([*_begun(look), *self._over(look)])

    def _wanted(self, shown: Shown, found: Found, now: datetime) -> dict[tuple[str, Key], Warned]:
        """What each party is to have been told by now."""
        out: dict[tuple[str, Key], Warned] = {}
        for party in shown.parties:
            reader = reader_of(shown, party, now)
            for about, value in (
                *alerts_for(reader, self._alerting),
                *self._silences(reader, found),
            ):
                out[party, about] = value
        return out

    def _silences(self, reader: Reader, found: Found) -> Iterator[tuple[Key, Warned]]:
        for one in self._alerting.feeds(reader):
            if one.silent:
                about = feed_key(one.party, one.name)
                known = found.get((reader.party, about))
                begun = reader.now if known is None else known.value.begun
                yield (
                    about,
                    Warned(
                        source_id=name_of_alert(
                            self._alerting.noted.key, reader.party, about, begun
                        ),
                        to=reader.party,
                        level=Level.LOST,
                        begun=begun,
                        feed=FeedTold(party=one.party, name=one.name),
                    ),
                )

    def _over(self, look: "_Look") -> Iterator[Due]:
        """What stands on the record and no longer here, or of which this watch knows nothing."""
        now = look.now
        keys = {one.object_id: key for key, one in look.found.items()}
        heard = {
            feed_key(state.party, state.name)
            for _, state in self._alerting.feed_states(now)
            if state.heard is not None and not state.silent
        }
        settled = self._began is not None and now - self._began > SETTLED
        for object_id, known in look.shown.warned.items():
            key = keys.get(object_id)
            if key in look.wanted:
                continue
            of_feed = known.value.feed is not None
            if key is not None and (not of_feed or key[1] in heard):
                state = WarnedState.ENDED
            elif settled:
                state = WarnedState.UNWATCHED
            else:
                continue
            yield Due(object_id=object_id, value=replace(known.value, state=state), known=known)

    def _counted(self, due: Sequence[Due], look: "_Look") -> list[Due]:
        """Say of those that ended before there was room for them that they were."""
        self._missed.update(key[0] for key in self._waiting if key not in look.wanted)
        written = {one.key for one in due}
        self._waiting = {key for key in look.wanted if key not in look.found and key not in written}
        first = set[str]()
        out = []
        for one in due:
            value = one.value
            if value.to not in first:
                first.add(value.to)
                value = replace(value, unrecorded=self._missed[value.to])
            out.append(replace(one, value=value))
        return out


def alerts_for(reader: Reader, alerting: Alerting) -> Iterator[tuple[Key, Warned]]:
    """The alerts that a party is to be told on record, and what each says.

    Args:
        reader: The party.
        alerting: What is shown to whom.
    """
    shown = [
        (one, seen)
        for one in alerting.watching.watched
        if (seen := alert_for(reader, one)) is not None
    ]
    near = {one.alert.track for one, _ in shown if one.known is not None}
    for one, (alert, view) in shown:
        if one.known is not None or one.alert.track in near:
            about = one.alert.track, one.alert.entry
            name = name_of_alert(alerting.noted.key, reader.party, about, alert.begun)
            yield about, warned_of(reader.party, name, alert, view)


class _Look(NamedTuple):
    """One comparison: what stands on the record, and what each party is to have been told."""

    now: datetime
    shown: Shown
    found: Found
    wanted: Mapping[tuple[str, Key], Warned]


def _begun(look: _Look) -> Iterator[Due]:
    """What is not on record, or less grave than it is by now."""
    for key, value in look.wanted.items():
        known = look.found.get(key)
        if known is None:
            yield Due(object_id=secrets.token_hex(16), value=value, key=key)
        elif _GRAVITY[value.level] > _GRAVITY[known.value.level]:
            name, begun = known.value.source_id, known.value.begun
            raised = replace(value, source_id=name, begun=begun)
            yield Due(object_id=known.object_id, value=raised, known=known)


def _within_limits(lacking: Sequence[Due]) -> list[Due]:
    """As many as there is room for, most urgent first, and of each party in turn."""
    by_party: defaultdict[str, list[Due]] = defaultdict(list)
    for one in sorted(lacking, key=lambda one: one.urgency):
        by_party[one.value.to].append(one)
    parties = list(by_party.values())
    secrets.SystemRandom().shuffle(parties)
    turns = (mine[turn] for turn in range(OF_PARTY_MAX) for mine in parties if turn < len(mine))
    return list(islice(turns, AT_ONCE_MAX))


class _Warn:
    """Puts warnings on the record, where they still follow what stands there."""

    principal = THE_NODE

    def __init__(self, due: Sequence[Due]) -> None:
        self._due = due
        self.touches = Touches(
            objects=tuple(one.object_id for one in due),
            names=tuple(
                (EntryKind.ALERT, NODE, one.value.source_id) for one in due if one.known is None
            ),
        )

    def decide(self, moment: Moment) -> Decision[int]:
        """Entries of the node's; another process may have written one of them before."""
        said = [
            Said(
                value=one.value,
                object_id=one.object_id,
                version=1 if one.known is None else one.known.version + 1,
                of_node=True,
            )
            for one in self._due
            if self._follows(moment, one)
        ]
        return Decision(says=said, answer=lambda _: len(said))

    def _follows(self, moment: Moment, one: Due) -> bool:
        if one.known is None:
            return moment.before.named(EntryKind.ALERT, NODE, one.value.source_id) is None
        stored = moment.before.stored(one.object_id)
        return stored is not None and stored.version == one.known.version


def warned_of(party: str, name: str, shown: AlertShown, view: View | None) -> Warned:
    """What is on record of an alert: what the party is shown, in whole numbers.

    Args:
        party: Who is told.
        name: Of the alert (detente.node.naming).
        shown: As the party sees it.
        view: What of the entry is thereby disclosed; None where nothing is.
    """
    track, entry = shown.track, shown.entry
    told = None
    if entry is not None:
        told = EntryTold(
            party=entry.party,
            object=entry.object,
            sequence=None if view is None else view.sequence,
            grade=None if view is None else view.grade,
            kind=entry.kind,
            name=entry.name,
        )
    return Warned(
        source_id=name,
        to=party,
        level=shown.level,
        begun=shown.begun,
        track=None
        if track is None
        else TrackTold(
            party=track.party, feed=track.feed, track=track.track, kind=track.kind, name=track.name
        ),
        entry=told,
        doubted=shown.doubted,
        distance_mm=_whole(shown.distance_m, MM_PER_M),
        distance_error_mm=None
        if shown.distance_error_m is None
        else math.ceil(shown.distance_error_m * MM_PER_M),
        separation_mm=_whole(shown.separation_m, MM_PER_M),
        time_s=None if shown.time_s is None else min(_floor(shown.time_s), HORIZON_MAX_S),
    )


def _whole(length_m: float | None, scale: int) -> int | None:
    return None if length_m is None else _floor(length_m * scale)


def _floor(value: float) -> int:
    return max(0, math.floor(value))

"""Disclosures: that a party was shown an entry goes on record before the bytes go out.

Once for each party and entry, and once more when it is shown more of it than
before. What is not new costs a look into memory, or one into the store.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar
from weakref import WeakKeyDictionary

from detente.core.entry import EntryKind, unseal
from detente.core.evidence import Evidence
from detente.core.ledger import NODE
from detente.core.principal import Method, Principal
from detente.core.release import Grade
from detente.core.telling import Delivery, Outcome
from detente.core.view import View
from detente.core.volume import microseconds
from detente.core.warned import Warned
from detente.node.engine import Decision, Engine, Said
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches
from detente.node.telling.sight import Event
from detente.store import Appender

T = TypeVar("T")

REMEMBERED_MAX = 100_000
"""Disclosures kept in memory a process, some 20 MB; what is older is asked of the store."""

ENTRIES_MAX = 1_000
"""Entries that one delivery names (detente.core.telling)."""

AT_ONCE_MAX = 20_000
"""Entries recorded in one transaction: some 100 ms, for which all who write wait."""

EXTENT = {Grade.CONTACT: 0, Grade.AREA: 1, Grade.FULL: 2}
"""How much was shown, as the store keeps it; 0, which it does not keep, is nothing."""

_GRADE = {extent: grade for grade, extent in EXTENT.items()}

THE_NODE = Principal(party=NODE, method=Method.SIGNED, subject=NODE)
"""Who says that something was delivered."""


class Disclosures:
    """Records what parties are shown. One event loop's.

    Args:
        engine: At work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # By party, the least recently shown anything first.
        self._remembered: dict[str, dict[int, int]] = {}
        # Two requests of one party do not both find the same entry new.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def record(self, party: str, shown: Mapping[int, int], how: str) -> None:
        """Have it on record that a party is shown entries.

        Args:
            party: To whom.
            shown: By sequence number, how much (EXTENT).
            how: read, poll, stream, tile, export or pack.

        Raises:
            Unavailable: It cannot be recorded: then nothing may be shown.
        """
        if not self._new(party, shown):
            return
        async with self._turns[party]:
            new = self._new(party, shown)
            if not new:
                return
            known = await asyncio.to_thread(self._known, party, list(new))
            self.remember(party, known)
            rest = self._new(party, new)
            # In the order of the record, so that what lies together is looked up together.
            for part in _parts(sorted(rest.items()), AT_ONCE_MAX):
                await self._engine.act(_Disclose(party, dict(part), how))
            self.remember(party, rest)

    def remember(self, party: str, shown: Mapping[int, int]) -> None:
        """What is on record, so that it need not be asked for."""
        known = self._remembered.pop(party, {})
        known |= {one: extent for one, extent in shown.items() if known.get(one, 0) < extent}
        self._remembered[party] = known
        over = sum(map(len, self._remembered.values())) - REMEMBERED_MAX
        while over > 0:
            least = next(iter(self._remembered))
            over -= len(self._remembered.pop(least))
            if least == party:
                # Nobody else is left: of its own the newest stay.
                newest = islice(known.items(), max(0, len(known) - REMEMBERED_MAX), None)
                self._remembered[party] = dict(newest)

    def _new(self, party: str, shown: Mapping[int, int]) -> Mapping[int, int]:
        known = self._remembered.get(party)
        if not known:
            return shown
        get = known.get
        return {one: extent for one, extent in shown.items() if get(one, 0) < extent}

    def _known(self, party: str, sequences: Sequence[int]) -> dict[int, int]:
        with self._engine.store.reading() as record:
            return record.extents(party, sequences)


class _Disclose:
    """Puts on record what was not on record before."""

    principal = THE_NODE
    touches = Touches()

    def __init__(self, party: str, shown: Mapping[int, int], how: str) -> None:
        self._party = party
        self._shown = shown
        self._how = how

    def decide(self, moment: Moment) -> Decision[None]:
        """Deliveries, if anything is new: another process may have been first."""
        known = moment.record.extents(self._party, list(self._shown))
        new = {
            sequence: extent
            for sequence, extent in self._shown.items()
            if known.get(sequence, 0) < extent
        }
        return Decision(
            says=deliveries(moment, Delivered(self._party, self._how), new),
            answer=lambda _: None,
            effects=keep(self._party, new, microseconds(moment.now)),
        )


class Delivered:
    """What became of an attempt to deliver: to whom, how, and with what outcome."""

    def __init__(
        self,
        to: str,
        how: str,
        outcome: Outcome = Outcome.DELIVERED,
        *,
        attempt: int = 1,
        status: int | None = None,
    ) -> None:
        self.to = to
        self.how = how
        self.outcome = outcome
        self.attempt = attempt
        self.status = status


def deliveries(moment: Moment, done: Delivered, shown: Mapping[int, int]) -> list[Said]:
    """The node's word that entries were delivered, or not: one a grade and ENTRIES_MAX."""
    leaves = moment.record.leaves(list(shown))
    by_extent: defaultdict[int, list[str]] = defaultdict(list)
    for one, extent in shown.items():
        if one in leaves:
            by_extent[extent].append(leaves[one].hex())
    said = []
    for extent, grade in _GRADE.items():
        for part in _parts(by_extent[extent], ENTRIES_MAX):
            value = Delivery(
                source_id=secrets.token_hex(8),
                to=done.to,
                how=done.how,
                entries=part,
                outcome=done.outcome,
                attempt=done.attempt,
                status=done.status,
                grade=grade,
            )
            said.append(Said(value=value, of_node=True))
    return said


def keep(
    party: str, shown: Mapping[int, int], at_us: int
) -> Callable[[Appender, list[Receipt]], None]:
    """The effect that keeps who was shown what, beside the record."""

    def effect(record: Appender, _: list[Receipt]) -> None:
        record.disclose(party, shown, at_us=at_us)

    return effect


_OF: WeakKeyDictionary[Engine, Disclosures] = WeakKeyDictionary()


def disclosures_of(engine: Engine) -> Disclosures:
    """The one that records for this engine's process."""
    if engine not in _OF:
        _OF[engine] = Disclosures(engine)
    return _OF[engine]


async def disclose(
    engine: Engine, principal: Principal, views: Iterable[View], how: str = "read"
) -> None:
    """Have it on record that these are shown; doors call it before the bytes go out.

    What the reader said himself is no disclosure, nor is it one that the node shows
    things to the node.

    Raises:
        Unavailable: It cannot be recorded: then nothing may be shown.

    Source:
        docs/rules/R-08.md.
    """
    if principal.party != NODE:
        shown = shown_in(principal.party, views)
        await disclosures_of(engine).record(principal.party, shown, how)


async def disclose_tile(
    engine: Engine, principal: Principal, shown: Mapping[int, Grade], how: str = "tile"
) -> None:
    """The same of what a tile of a map shows, by entry; a cluster shows the areas of its members.

    Raises:
        Unavailable: It cannot be recorded: then nothing may be shown.
    """
    if principal.party != NODE:
        extents = {sequence: EXTENT[grade] for sequence, grade in shown.items()}
        await disclosures_of(engine).record(principal.party, extents, how)


async def disclose_evidence(engine: Engine, principal: Principal, evidence: Evidence) -> None:
    """The same of all entries that evidence shows whole, the author's word and others'.

    Raises:
        Unavailable: It cannot be recorded: then nothing may be shown.
    """
    party = principal.party
    if party == NODE:
        return
    shown = {
        one.index: EXTENT[Grade.FULL]
        for one in evidence.entries
        if one.about in {"object", "acknowledgement", "incident_step", "call"}
        and one.object is not None
        and unseal(one.envelope.encode()).statement.party != party
    }
    await disclosures_of(engine).record(party, shown, "read")


def shown_in(party: str, views: Iterable[View]) -> dict[int, int]:
    """By entry, how much of it views show to a party that did not say it.

    That a delivery is shown is not said: each such word would be another one to show.
    """
    shown: dict[int, int] = {}
    for view in views:
        extent = EXTENT[view.grade]
        if extent and view.party != party and view.kind is not EntryKind.DELIVERY:
            shown[view.sequence] = max(extent, shown.get(view.sequence, 0))
        if isinstance(view.value, Warned):
            for sequence, one in told_by(party, view.value).items():
                shown[sequence] = max(one, shown.get(sequence, 0))
    return shown


def told_by(party: str, warned: Warned) -> dict[int, int]:
    """The entry that a warning shows beside itself, and how much of it."""
    told = warned.entry
    if told is None or told.sequence is None or told.grade is None or told.party == party:
        return {}
    return {told.sequence: EXTENT[told.grade]}


def shown_by(party: str, events: Iterable[Event]) -> dict[int, int]:
    """The same, of events."""
    views = (view for event in events for view in (event.view, event.shows) if view is not None)
    return shown_in(party, views)


def _parts(values: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """The values in order, so many at a time."""
    rest = iter(values)
    while part := tuple(islice(rest, size)):
        yield part

"""MISP's feed as verbs of the node: what of STIX a reader is given, and what he gives.

The feed is what TAXII gives (detente.node.taxii), of three types. It is static by its
format: one list of all. Where that is longer than EVENTS_MAX it is refused, not cut.

Source: docs/rules/R-02.md, R-08.md; docs/misp.md.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

import msgspec
from msgspec import Struct

from detente.core.party import Party
from detente.core.principal import Principal, Scope
from detente.core.release import Grade, Tlp, no_more_open
from detente.core.stix import Stix, glance_stix, tlp_of
from detente.errors import Conflict, NotFound
from detente.node.engine import Engine
from detente.node.taxii.adding import Outcome, Terms, give
from detente.node.taxii.collections import Collection, collections
from detente.node.taxii.filters import LIMIT_MAX, Filter
from detente.node.taxii.pages import Pages
from detente.node.taxii.pages import Shown as Found
from detente.node.telling.disclosures import EXTENT, disclosures_of

EVENTS = frozenset({"indicator", "location"})
"""Types of which each object is an event."""

SIGHTING = "sighting"

EVENTS_MAX = 10_000
"""Events of a feed, some 3 MB of manifest: MISP reads all of it each time."""

SIGHTINGS_MAX = 1_000
"""Sightings of one event: the first that were told."""

READERS_MAX = 100
"""Readers of whom it is remembered which sightings are of what."""

T = TypeVar("T")

HOW = "misp"
"""By what way a party was shown something (detente.core.telling.Delivery)."""


class Given(Struct, frozen=True, kw_only=True):
    """One STIX object as its reader is given it.

    ``sender`` is the name of its ``party``; ``head`` is of ``text``; ``tlp`` its label, the more
    closed of what it says itself and of its release.
    """

    party: str
    sender: str
    sequence: int
    head: Stix
    text: bytes
    tlp: Tlp | None


class _Sightings:
    """Of a reader: by what was sighted, ids of sightings that he could see when they came."""

    def __init__(self) -> None:
        self.after_us: dict[str, int] = {}
        self.of: dict[str, dict[str, None]] = {}


class MispFeed:
    """Gives feeds. One event loop's.

    Args:
        engine: At work.
        pages: Reads collections.
    """

    def __init__(self, engine: Engine, pages: Pages) -> None:
        self._engine = engine
        self._pages = pages
        self._sightings: OrderedDict[str, _Sightings] = OrderedDict()
        self._theatre = ""

    def theatre(self) -> str:
        """Whose record it is."""
        if not self._theatre:
            with self._engine.store.reading() as record:
                self._theatre = record.head()[0]
        return self._theatre

    async def listing(
        self, principal: Principal, tell: Callable[[Given], T], *, whole: bool
    ) -> list[T]:
        """All objects that are events; that they are shown is on record before they are given.

        Where not their values are shown, sightings as well: an event is as new as they are.

        Args:
            principal: Who reads.
            tell: What is told of each; so that no more than a page of objects is held.
            whole: Whether values are shown, or only that they are there.

        Raises:
            Conflict: They are more than EVENTS_MAX.
            Unavailable: The record cannot be read, or not be written.
        """
        told: dict[int, T] = {}
        others: list[int] = []
        events: set[int] = set()
        types = EVENTS if whole else EVENTS | {SIGHTING}
        async for page in self._all(principal, Filter(types=types, limit=LIMIT_MAX)):
            told |= await asyncio.to_thread(_told, page, tell)
            others += [one.sequence for one in page if one.party != principal.party]
            events.update(one.sequence for one in page if one.head.type in EVENTS)
            if len(events) > EVENTS_MAX:
                raise Conflict(
                    "feed", expected=f"at most {EVENTS_MAX} events; read them by TAXII", got="more"
                )
        await self._disclose(principal, others, Grade.FULL if whole else Grade.AREA)
        return [told[at] for at in sorted(told)]

    async def event(self, principal: Principal, uuid: str) -> tuple[Given, ...]:
        """What one event shows, on record likewise: its objects, and sightings of them.

        Raises:
            NotFound: There is none, or it is not for this reader: the two look alike.
            Unavailable: As for ``listing``.
        """
        ids = {f"{kind}--{uuid}" for kind in EVENTS}
        seen = [one for name in ids for one in await self._sightings_of(principal, name)]
        wanted = Filter(ids=frozenset({*ids, *seen[:SIGHTINGS_MAX]}), limit=LIMIT_MAX)
        pages = [page async for page in self._all(principal, wanted)]
        found = {one.sequence: one for page in pages for one in page}
        if not any(one.head.type in EVENTS for one in found.values()):
            raise NotFound(f"event {uuid}")
        others = [at for at, one in found.items() if one.party != principal.party]
        await self._disclose(principal, others, Grade.FULL)
        return tuple(found[at] for at in sorted(found))

    async def _sightings_of(self, principal: Principal, name: str) -> Iterable[str]:
        """Ids of sightings of an object. Which of them may be seen is found out again."""
        known = self._sightings.setdefault(principal.party, _Sightings())
        self._sightings.move_to_end(principal.party)
        if len(self._sightings) > READERS_MAX:
            self._sightings.popitem(last=False)
        for where in self._readable(principal):
            more = True
            while more:
                after_us = known.after_us.get(where.id, -1)
                wanted = Filter(types=frozenset({SIGHTING}), after_us=after_us, limit=LIMIT_MAX)
                page = await self._pages.look(principal, where, wanted)
                for one in page.shown:
                    sighted = _sighted(one.text)
                    known.of.setdefault(sighted, {})[one.item.id] = None
                known.after_us[where.id] = max(
                    after_us, page.upto_us if page.more else _last(page.shown)
                )
                more = page.more
        return known.of.get(name, ())

    async def _all(self, principal: Principal, wanted: Filter) -> AsyncIterator[list[Given]]:
        """Page by page; an object in two collections is in two pages."""
        parties = self._engine.world.shown.parties
        for where in self._readable(principal):
            after_us, more = -1, True
            while more:
                part = Filter(
                    ids=wanted.ids, types=wanted.types, after_us=after_us, limit=wanted.limit
                )
                page = await self._pages.look(principal, where, part)
                yield [_given(one, parties) for one in page.shown]
                after_us, more = page.upto_us, page.more

    def _readable(self, principal: Principal) -> list[Collection]:
        principal.require(Scope.READ)
        found = collections(self._engine.world.shown, self.theatre(), principal)
        return [one for one in found if one.can_read]

    async def _disclose(self, principal: Principal, others: Iterable[int], grade: Grade) -> None:
        shown = dict.fromkeys(others, EXTENT[grade])
        await disclosures_of(self._engine).record(principal.party, shown, HOW)


def _told(page: Sequence[Given], tell: Callable[[Given], T]) -> dict[int, T]:
    return {one.sequence: tell(one) for one in page}


def _given(one: Found, parties: Mapping[str, Party]) -> Given:
    sender, head = parties.get(one.item.party), glance_stix(one.text.decode())
    own, release = tlp_of(head), one.item.release
    released = own if release is None else release.tlp
    return Given(
        party=one.item.party,
        sender=one.item.party if sender is None else sender.name,
        sequence=one.item.sequence,
        head=head,
        text=one.text,
        tlp=own if own and released and no_more_open(own, released) else released,
    )


async def take(
    engine: Engine, principal: Principal, given: Sequence[tuple[Terms, str]]
) -> tuple[Outcome, ...]:
    """Put STIX objects on the record, each released as is said of it.

    Raises:
        NotPermitted: He may give no reports.
        MalformedInput: More than may be given at once.
    """
    outcomes: list[Outcome] = []
    for terms, some in groupby(given, key=lambda one: one[0]):
        outcomes += await give(engine, principal, terms, [text for _, text in some])
    return tuple(outcomes)


class _Sighting(Struct, frozen=True):
    sighting_of_ref: object = ""


_sightings = msgspec.json.Decoder(_Sighting)


def _sighted(text: bytes) -> str:
    """What a sighting is of, by its id; whatever else stands there is of nothing."""
    return str(_sightings.decode(text).sighting_of_ref)


def _last(shown: Sequence[Found]) -> int:
    return shown[-1].date_us if shown else -1

"""Pages of a collection, for one reader: read in one state, cut, and as the door gives them.

Whoever goes on with ``next`` sees each object once and misses none, whatever is added
meanwhile: it is a date, and what is added has a later one.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Collection as Sized
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from detente.core.principal import Principal
from detente.core.release import Grade
from detente.core.report import Report
from detente.core.view import Reader
from detente.core.wire import read
from detente.errors import NotPermitted, Unavailable
from detente.node.asking import Follow, reader_of
from detente.node.engine import Engine
from detente.node.taxii.collections import Collection
from detente.node.taxii.feed import Feed, Item
from detente.node.taxii.filters import Filter
from detente.node.taxii.marking import definitions, marked
from detente.node.taxii.shelf import Found, Shelf
from detente.node.telling.disclosures import EXTENT, disclosures_of
from detente.store import Record

PAGE_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of objects a page, but for its first: the largest that one may be."""

CHUNK = 64
"""Objects taken from the store at a time, so that large ones do not fill the memory."""

SHELVES_MAX = 1_000
"""Collections of readers kept: two numbers an object each."""

TRIES_MAX = 5
"""How often to catch up with other processes that go on writing meanwhile."""

HOW = "taxii"
"""By what way a party was shown something (detente.core.telling.Delivery)."""


class Shown(Struct, frozen=True, kw_only=True):
    """One version as its reader is given it: as its author gave it, or one that revokes it.

    To others than its author it bears the label of its release (detente.node.taxii.marking).
    """

    item: Item
    date_us: int
    text: bytes


class Page(Struct, frozen=True, kw_only=True):
    """Part of a collection, in the order of dates; go on after ``upto_us`` where there is more."""

    shown: tuple[Shown, ...]
    upto_us: int
    more: bool


class _BehindError(Exception):
    """The record has gone on from the state by which the reader would be judged."""


class Pages:
    """Reads collections. One event loop's.

    Args:
        engine: At work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="taxii")
        self._feed = Feed()
        self._shelves: OrderedDict[tuple[str, bool], Shelf] = OrderedDict()

    def close(self) -> None:
        """Let go of the thread."""
        self._pool.shutdown()

    async def objects(self, principal: Principal, where: Collection, wanted: Filter) -> Page:
        """A page of objects; that they are shown is on record before they are given.

        Raises:
            NotPermitted: The collection is not for him to read.
            Unavailable: The record cannot be read, or not be written.
        """
        page = await self.look(principal, where, wanted)
        await self._disclose(principal, page, Grade.FULL)
        return page

    async def manifest(self, principal: Principal, where: Collection, wanted: Filter) -> Page:
        """A page of which objects there are.

        Ids may be made of what they name: it is on record that a part of each was shown.

        Raises:
            NotPermitted, Unavailable: As for ``objects``.
        """
        page = await self.look(principal, where, wanted)
        await self._disclose(principal, page, Grade.AREA)
        return page

    async def _disclose(self, principal: Principal, page: Page, grade: Grade) -> None:
        party = principal.party
        others = (one.item for one in page.shown if one.item.party not in {"", party})
        shown = {one.sequence: EXTENT[grade] for one in others}
        await disclosures_of(self._engine).record(party, shown, HOW)

    async def look(self, principal: Principal, where: Collection, wanted: Filter) -> Page:
        """A page for the node's own use: of it nothing is given out.

        Raises:
            NotPermitted, Unavailable: As for ``objects``.
        """
        if not where.can_read:
            raise NotPermitted(f"collection {where.alias}", expected="one that may be read")
        loop = asyncio.get_running_loop()
        for left in reversed(range(TRIES_MAX)):
            try:
                return await loop.run_in_executor(
                    self._pool, self._once, principal.party, where, wanted, left > 0
                )
            except _BehindError:
                await self._engine.act(Follow())
        raise Unavailable("register", expected="to be caught up with; ask again")

    async def spelt(self, object_ids: Sized[str]) -> dict[str, str]:
        """By object, how its latest version is called: where it says none, by its date.

        Raises:
            Unavailable: The record cannot be read.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._spelt, object_ids)

    def _spelt(self, object_ids: Sized[str]) -> dict[str, str]:
        feed = self._feed
        with self._engine.store.reading() as record:
            feed.follow(record, min(record.head()[1], self._engine.world.shown.sequence))
        last = {one: feed.items[feed.chains[one][-1]] for one in object_ids if one in feed.chains}
        return {one: item.spelt for one, item in last.items() if item is not None}

    def _once(
        self,
        party: str,
        where: Collection,
        wanted: Filter,
        at_head: bool,  # noqa: FBT001 - through an executor
    ) -> Page:
        with self._engine.store.reading() as record:
            size = record.head()[1]
            state = self._engine.world.shown
            if at_head and size > state.sequence:
                raise _BehindError
            self._feed.follow(record, min(size, state.sequence))
            reader = reader_of(state, party, self._engine.clock())
            part = self._shelf(party, inbox=where.inbox is not None).part(reader, wanted)
            shown, cut_at = _shown(record, reader, part.found)
        if cut_at is not None:
            return Page(shown=shown, upto_us=cut_at, more=True)
        page = Page(shown=shown, upto_us=part.upto_us, more=part.more)
        return with_definitions(page, wanted) if wanted.ids else page

    def _shelf(self, party: str, *, inbox: bool) -> Shelf:
        key = (party, inbox)
        shelf = self._shelves.get(key)
        if shelf is None or not shelf.is_right:
            shelf = self._shelves[key] = Shelf(self._feed, party, inbox=inbox)
        shelf.follow()
        self._shelves.move_to_end(key)
        if len(self._shelves) > SHELVES_MAX:
            self._shelves.popitem(last=False)
        return shelf


def _shown(
    record: Record, reader: Reader, found: Sequence[Found]
) -> tuple[tuple[Shown, ...], int | None]:
    """What was found, cut; and after which date the page ends where it would be too long."""
    shown: list[Shown] = []
    size = 0
    for start in range(0, len(found), CHUNK):
        part = found[start : start + CHUNK]
        wanted = [one.item.sequence for one in part]
        said = {one.sequence: one.data for one in record.uttered(wanted)}
        for one in part:
            text = _cut(reader, one.item, said.get(one.item.sequence))
            size += len(text or b"")
            if shown and size > PAGE_BYTES_MAX:
                return tuple(shown), shown[-1].date_us
            if text is not None:
                shown.append(Shown(item=one.item, date_us=one.date_us, text=text))
    return tuple(shown), None


def with_definitions(page: Page, wanted: Filter) -> Page:
    """A page with the labels' definitions that are asked for by their ids, and are not there."""
    there = {one.item.id for one in page.shown}
    standard = [
        Shown(item=item, date_us=item.date_us, text=text)
        for item, text in definitions()
        if item.date_us > wanted.after_us
        and item.id not in there
        and wanted.takes(item)
        and wanted.takes_version(item, first=item, last=item)
    ]
    shown = (*standard, *page.shown)
    if len(shown) <= wanted.limit:
        return Page(shown=shown, upto_us=page.upto_us, more=page.more)
    shown = shown[: wanted.limit]
    return Page(shown=shown, upto_us=shown[-1].date_us, more=True)


def _cut(reader: Reader, item: Item, data: bytes | None) -> bytes | None:
    """One object as its reader may see it: all of it with its label, or nothing.

    The one place where anything is cut decides; the shelf has only sieved.
    """
    value = None if data is None else read(data)  # It may have been erased since.
    if not isinstance(value, Report):
        return None
    if reader.grade(value, item.object_id) is not Grade.FULL:
        return None
    text = _text_of(item, value)
    return text if item.party == reader.party else marked(text, value.release)


def _text_of(item: Item, report: Report) -> bytes:
    """The object as its author gave it, or the version that revokes what he took back."""
    if not item.retracted or item.revoked:
        return report.stix.encode()
    said = json.loads(report.stix)
    revoked = {**said, "modified": item.spelt, "revoked": True}
    return json.dumps(revoked, ensure_ascii=False).encode()

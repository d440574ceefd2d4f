"""Reading: lists, searches, one object, its history, each for one reader.

What a reader sees is cut by detente.core.view and nowhere else; here it is found
out whom an object concerns, and pages are made. A page is in the order of the
record: an object that changes moves to the end, so whoever goes on after the last
page sees each change, and misses nothing whatever happens between two pages.

Nothing is judged by an older state than its own: a grant that was taken back
before an object was changed does not show the change.

Source: docs/rules/R-02.md, docs/rules/R-10.md.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from msgspec import Struct

from detente.core.agreement import Agreement
from detente.core.entry import ChainHead, EntryKind, token
from detente.core.evidence import Evidence
from detente.core.incident import Line
from detente.core.ledger import AGREEMENT_SOURCE_ID, NODE
from detente.core.party import Party
from detente.core.principal import Principal, Scope
from detente.core.release import Grade
from detente.core.view import Item, Reader, View
from detente.core.volume import microseconds
from detente.core.wire import read
from detente.errors import LogInconsistent, NotFound, NotPermitted, Unavailable
from detente.node.account import Account, account
from detente.node.asking import Follow, reader_of
from detente.node.committing import Committed
from detente.node.engine import Engine
from detente.node.evidence import Notary, gather
from detente.node.history import Erased, Version, erasure, knowing, versions
from detente.node.hotline.lines import Asked as AskedLines
from detente.node.hotline.lines import LinePage, line_of, page_of
from detente.node.locating import Locating
from detente.node.rows import CHUNK, CLOCKS_APART, first_since, rows_of
from detente.node.wanted import NOWHERE, Wanted
from detente.node.whose import Whose
from detente.store import Record, Stored

READERS = 2
"""Threads that read: one long search leaves one for short questions."""

SCANNED_MAX = 4_000
"""Objects looked at for one page, seen or not: some 100 ms. A page that ends for it says
that there is more, and where to go on."""

PAGE_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of objects a page, but for its first: the largest that one may be."""

VERSIONS_MAX = 100
"""Versions a page, each with its proof."""

TRIES_MAX = 5
"""How often to catch up with other processes that go on writing meanwhile."""

T = TypeVar("T")


class Page(Struct, frozen=True, kw_only=True):
    """Part of a list.

    Attributes:
        objects: In the order of the record.
        after: Go on after it, for the next page or, later, for what changed since.
        more: Whether there may be more already.
        sequence: Register version on which this stands.
    """

    objects: tuple[View, ...]
    after: int
    more: bool
    sequence: int


class Versions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Versions of one object, oldest first, proven under ``root`` of ``size`` entries.

    ``erasure`` is by whose order the object was erased, for one that was.
    """

    object: str
    kind: EntryKind
    size: int
    root: str
    versions: tuple[Version, ...]
    more: bool
    erasure: Erased | None = None


class Terms(Struct, frozen=True, kw_only=True):
    """One version of the agreement, and the proof that the record holds it."""

    entry: Version
    agreement: Agreement | None


class _BehindError(Exception):
    """An object is newer than the state by which its reader would be judged."""


_PROVEN = (EntryKind.ALERT, EntryKind.INCIDENT)
"""Of these whoever was told has the evidence, whatever may be done there."""


class _Look(Struct, frozen=True):
    """One reading: a state of the record, and by what the reader is judged."""

    record: Record
    reader: Reader
    sequence: int
    lines: Mapping[str, Line]
    locating: Locating

    def known(self, stored: Stored) -> Stored:
        """What may be judged now."""
        if stored.sequence >= self.sequence:
            raise _BehindError
        return stored


class Reading:
    """Answers readers.

    Args:
        engine: At work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._locating = Locating()
        self._pool = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="reader")

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown()

    async def object(self, principal: Principal, object_id: str) -> View:
        """One object, as far as the reader may see it.

        Raises:
            NotFound: There is none, or it is not for this reader: the two look alike.
        """
        principal.require(Scope.READ)
        return await self._look(principal, lambda look: _seen(look, object_id)[0])

    async def around(
        self,
        principal: Principal,
        object_id: str,
        look_up: Callable[[Record, Reader, View, Stored], T],
    ) -> T:
        """What else the record says of one object that the reader may see.

        Raises:
            NotFound: There is none, or it is not for this reader.
        """
        principal.require(Scope.READ)
        return await self._look(
            principal,
            lambda look: look_up(look.record, look.reader, *_seen(look, object_id)),
        )

    async def search(self, principal: Principal, wanted: Wanted) -> Page:
        """The next page of what is wanted and may be seen."""
        principal.require(Scope.READ)
        return await self._look(principal, lambda look: _page(look, wanted))

    async def history(
        self, principal: Principal, object_id: str, *, after: int = 0, limit: int = VERSIONS_MAX
    ) -> Versions:
        """Versions of an object after one, for whoever may see all of it, or held what is erased.

        Raises:
            NotFound: There is none, or not for this reader.
        """
        principal.require(Scope.READ)

        def look_up(look: _Look) -> Versions:
            return _versions(look.record, _whole(look, object_id), after, limit)

        return await self._look(principal, look_up)

    async def evidence(self, principal: Principal, object_id: str, notary: Notary) -> Evidence:
        """What proves an object, for its author, or an auditor or administrator who may see it.

        An alert and a call are proven to whoever they were told: the one is the node's word to
        that party alone, the other what it was called for.

        Raises:
            NotFound: There is none, or not for this reader.
            NotPermitted: A reader who may see it, and is neither.
            Conflict: Of no kind of which others are told, or of too many entries.
        """
        principal.require(Scope.READ)

        def look_up(look: _Look) -> Evidence:
            stored = _whole(look, object_id)
            if stored.party != principal.party and stored.kind not in _PROVEN:
                principal.require(Scope.AUDIT, Scope.ADMIN)
            return gather(look.record, look.reader, stored, notary, now=look.reader.now)

        return await self._look(principal, look_up)

    async def lines(self, principal: Principal, asked: AskedLines) -> LinePage:
        """Calls on the hotline that the reader made or received."""
        principal.require(Scope.READ)
        return await self._look(
            principal, lambda look: page_of(look.record, look.reader, look.lines, asked)
        )

    async def line(self, principal: Principal, object_id: str) -> LinePage:
        """One of them.

        Raises:
            NotFound: There is none, or it is not for this reader.
        """
        principal.require(Scope.READ)
        return await self._look(
            principal, lambda look: line_of(look.record, look.reader, look.lines, object_id)
        )

    async def account(self, principal: Principal, object_id: str) -> Account:
        """To whom an object was shown and who acknowledged it, for its author.

        Raises:
            NotFound: There is none, or not for this reader.
            NotPermitted: A reader who may see it, and did not say it.
        """
        principal.require(Scope.READ)

        def look_up(look: _Look) -> Account:
            stored = _whole(look, object_id)
            if stored.party != principal.party:
                raise NotPermitted(f"account of {object_id}", expected="its author")
            return account(look.record, stored)

        return await self._look(principal, look_up)

    async def opening(self, principal: Principal, committed: Committed, notary: Notary) -> Evidence:
        """What proves a check that was just committed, for whoever asked."""
        object_id = committed.receipt.object_id

        def look_up(look: _Look) -> Evidence:
            stored = look.record.identified([object_id])[object_id]
            return gather(
                look.record,
                look.reader,
                stored,
                notary,
                now=look.reader.now,
                opening=committed.content,
            )

        return await self._look(principal, look_up)

    async def parties(self, principal: Principal) -> tuple[Party, ...]:
        """All admitted parties, by id."""
        principal.require(Scope.READ)
        return await self._look(
            principal, lambda look: tuple(sorted(look.reader.parties.values(), key=lambda p: p.id))
        )

    async def agreement(self, principal: Principal) -> View:
        """The agreement in its current version."""
        principal.require(Scope.READ)
        return await self._look(principal, lambda look: _seen(look, _terms(look.record))[0])

    async def agreement_versions(
        self, principal: Principal, *, after: int = 0, limit: int = VERSIONS_MAX
    ) -> tuple[Terms, ...]:
        """Versions of the agreement after one, oldest first; all parties may see them all."""
        principal.require(Scope.READ)

        def look_up(look: _Look) -> tuple[Terms, ...]:
            sequences = look.record.history(_terms(look.record))[after : after + limit]
            return tuple(
                Terms(entry=entry, agreement=_said(look.record, entry.sequence))
                for entry in versions(look.record, sequences)
            )

        return await self._look(principal, look_up)

    async def chain(self, party: str) -> tuple[str, ChainHead | None]:
        """The theatre, and the last entry that a party signed; for anybody, as the log is."""

        def look_up(record: Record) -> tuple[str, ChainHead | None]:
            return record.head()[0], record.chain_head(party)

        return await self.read(look_up)

    async def held(self, leaf: bytes) -> tuple[int, int, bytes] | None:
        """Where the record holds an entry, its size and root; for whoever has the entry."""

        def look_up(record: Record) -> tuple[int, int, bytes] | None:
            sequence = record.sequence_of(leaf)
            return None if sequence is None else (sequence, *record.head()[1:])

        return await self.read(look_up)

    async def read(self, look_up: Callable[[Record], T]) -> T:
        """Something of one state of the record, whoever asks."""

        def once() -> T:
            with self._engine.store.reading() as record:
                return look_up(record)

        return await asyncio.get_running_loop().run_in_executor(self._pool, once)

    async def _look(self, principal: Principal, look_up: Callable[[_Look], T]) -> T:
        """Read one state of the record, by a state of the world that is not older."""
        loop = asyncio.get_running_loop()
        for left in reversed(range(TRIES_MAX)):
            try:
                return await loop.run_in_executor(
                    self._pool, self._once, principal.party, look_up, left > 0
                )
            except _BehindError:
                await self._engine.act(Follow())
        raise Unavailable("register", expected="to be caught up with; ask again")

    def _once(self, party: str, look_up: Callable[[_Look], T], at_head: bool) -> T:  # noqa: FBT001
        with self._engine.store.reading() as record:
            size = record.head()[1]
            shown = self._engine.world.shown
            if at_head and size > shown.sequence:
                raise _BehindError
            reader = reader_of(shown, party, self._engine.clock())
            return look_up(_Look(record, reader, shown.sequence, shown.lines, self._locating))


def _absent(object_id: str) -> NotFound:
    return NotFound(f"object {object_id}")


def _terms(record: Record) -> str:
    """The agreement's object."""
    found = record.named(EntryKind.AGREEMENT, NODE, [AGREEMENT_SOURCE_ID])
    if AGREEMENT_SOURCE_ID not in found:
        raise LogInconsistent("record", expected="an agreement", got="none")
    return found[AGREEMENT_SOURCE_ID].object_id


def _said(record: Record, sequence: int) -> Agreement | None:
    content = record.content(sequence)
    value = None if content is None else read(content.data)
    return value if isinstance(value, Agreement) else None


def _seen(look: _Look, object_id: str) -> tuple[View, Stored]:
    """One object, cut, and what is stored of it.

    Raises:
        NotFound: There is none, or not for this reader.
    """
    stored = look.record.identified([object_id]).get(object_id)
    view = None if stored is None else _cut(look, look.known(stored), Whose(look.record))
    if stored is None or view is None:
        raise _absent(object_id)
    return view, stored


def _whole(look: _Look, object_id: str) -> Stored:
    """An object of which this reader may see all, or that was erased and he may know of.

    Raises:
        NotFound: There is none, or not for this reader.
    """
    stored = look.record.identified([object_id]).get(object_id)
    if stored is not None and stored.data is None and look.known(stored).ended:
        if look.reader.party in {stored.party, *knowing(look.record, object_id)}:
            return stored
        raise _absent(object_id)
    view, stored = _seen(look, object_id)
    if view.grade is not Grade.FULL:
        raise _absent(object_id)
    return stored


def _versions(record: Record, stored: Stored, after: int, limit: int) -> Versions:
    sequences = record.history(stored.object_id)
    _, size, root = record.head()
    return Versions(
        object=stored.object_id,
        kind=stored.kind,
        size=size,
        root=root.hex(),
        versions=versions(record, sequences[after : after + limit]),
        more=len(sequences) > after + limit,
        erasure=erasure(record, stored),
    )


def _page(look: _Look, wanted: Wanted) -> Page:
    """Look at objects in order until the page is full or enough were looked at."""
    after, since_us = wanted.after, 0
    if wanted.changed_since is not None:
        since_us = microseconds(wanted.changed_since)
        after = max(after, first_since(look.record, wanted.changed_since - CLOCKS_APART) - 1)
    whose = Whose(look.record)
    rows = rows_of(look.record, wanted, after)
    filling = _Filling(wanted.limit)
    scanned = 0
    while True:
        chunk = list(islice(rows, CHUNK))
        # What is newer than the state by which the reader is judged is on a later page.
        ours = [one for one in chunk if one.sequence < look.sequence]
        found = _found(look, wanted, [one for one in ours if one.received_us >= since_us], whose)
        if not filling.take(found):
            return filling.page(look, more=True)
        after = ours[-1].sequence if ours else after
        scanned += len(chunk)
        ended, behind = len(chunk) < CHUNK, len(ours) < len(chunk)
        if ended or behind:
            # Not after the last that was looked at: that may be one that is not for the reader.
            return filling.page(look, more=behind, after=max(after, look.sequence - 1))
        if scanned >= SCANNED_MAX:
            return filling.page(look, more=True, after=after)


class _Filling:
    """A page as it fills."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._objects: list[View] = []
        self._bytes = 0

    def take(self, found: Sequence[tuple[View, int]]) -> bool:
        """Take views of so many bytes each, in order; whether all of them had room."""
        for view, size in found:
            self._bytes += size
            if len(self._objects) == self._limit or (
                self._objects and self._bytes > PAGE_BYTES_MAX
            ):
                return False
            self._objects.append(view)
        return True

    def page(self, look: _Look, *, more: bool, after: int | None = None) -> Page:
        """The page; without ``after``, the next one goes on after its last object."""
        if after is None:
            after = self._objects[-1].sequence
        return Page(objects=tuple(self._objects), after=after, more=more, sequence=look.sequence)


def _found(
    look: _Look, wanted: Wanted, stored: Sequence[Stored], whose: Whose
) -> list[tuple[View, int]]:
    """Those that the reader may see and wants, with their size."""
    now = look.reader.now
    views = [
        (view, len(one.data or b""))
        for one in stored
        if (view := _cut(look, one, whose)) is not None and wanted.takes(view, now)
    ]
    shown = [view for view, _ in views]
    located = NOWHERE
    if wanted.box is not None:
        located = look.locating.located(
            look.record, shown, lambda one: _cut(look, look.known(one), whose)
        )
    placed = wanted.placed(shown, now, located)
    return [one for one, found in zip(views, placed, strict=True) if found]


def _cut(look: _Look, stored: Stored, whose: Whose) -> View | None:
    """One object as the reader may see it; what was erased nobody may."""
    if stored.data is None or stored.salt is None:
        return None
    value = read(stored.data)
    own = stored.party == look.reader.party
    return look.reader.cut(
        Item(
            value=value,
            party=stored.party,
            object_id=stored.object_id,
            version=stored.version,
            sequence=stored.sequence,
            token=token(stored.salt, stored.leaf),
            concerned=frozenset()
            if own
            else whose.concerned(value, stored.object_id, stored.party),
            authors=whose.authors(value),
        )
    )

"""Events after a cursor: what a reader, or one of his subscriptions, is to be told of.

The cursor is the sequence number of the last entry that was looked at. A page may
be empty and still lead on: entries that are not for the reader were passed over.
"""

from collections.abc import Sequence

from msgspec import Struct

from detente.core.view import Reader
from detente.node.asking import reader_of
from detente.node.engine import Engine
from detente.node.telling.entries import Chunk
from detente.node.telling.matching import Wanted, match
from detente.node.telling.sight import Event, Seen, see
from detente.node.telling.tail import Tail

START = -1
"""The cursor before the first entry."""

LIMIT_MAX = 1_000
"""Events a page; as many entries as one delivery names."""

SCANNED_MAX = 5_000
"""Entries looked at for one page: some 50 ms, then the asker goes on from there."""

INLINE_MAX = 50
"""Entries cut without a thread of their own: below a millisecond."""


class EventPage(Struct, frozen=True, kw_only=True):
    """Events in order.

    Attributes:
        events: None of them twice, whoever goes on with ``next``.
        next: The cursor for the next page.
        more: Whether there may be more already.
    """

    events: tuple[Event, ...]
    next: int
    more: bool


class Events:
    """Reads events.

    Args:
        engine: At work.
        tail: Of its record.
    """

    def __init__(self, engine: Engine, tail: Tail) -> None:
        self._engine = engine
        self._tail = tail

    async def read(
        self,
        party: str,
        *,
        after: int,
        limit: int = LIMIT_MAX,
        wish: Wanted | None = None,
        upto: int | None = None,
    ) -> EventPage:
        """A page of what a party is to be told.

        Args:
            party: The reader.
            after: Cursor.
            limit: At most so many events.
            wish: Only what this subscription of his asks for.
            upto: The last entry to look at; None is the end of the record.

        Raises:
            Unavailable: The record cannot be read.
        """
        shown = self._engine.world.shown
        end = shown.sequence if upto is None else min(shown.sequence, upto + 1)
        reader = reader_of(shown, party, self._engine.clock())
        found: list[Event] = []
        first = at = max(after, START) + 1
        while at < end and at - first < SCANNED_MAX:
            chunk = await self._tail.chunk(at, end)
            found += await self._told(reader, chunk, wish)
            if len(found) >= limit:
                last = found[limit - 1].sequence
                return EventPage(events=tuple(found[:limit]), next=last, more=last + 1 < end)
            at = chunk.end
        return EventPage(events=tuple(found), next=at - 1, more=at < end)

    async def _told(self, reader: Reader, chunk: Chunk, wish: Wanted | None) -> Sequence[Event]:
        in_an_area = wish is not None and wish.area is not None
        if in_an_area or len(chunk.entries) > INLINE_MAX:
            return await self._tail.run(lambda: told(reader, chunk, wish))
        return told(reader, chunk, wish)


def told(reader: Reader, chunk: Chunk, wish: Wanted | None) -> Sequence[Event]:
    """What of some entries a reader is to be told."""
    seen = seen_by(reader, chunk)
    if wish is None:
        return [one.event for one in seen]
    return match(seen, [wish], desks_of(reader)).get(wish.object_id, [])


def desks_of(reader: Reader) -> frozenset[str]:
    """The reader's own desks, by id."""
    party = reader.parties.get(reader.party)
    return frozenset() if party is None else frozenset(one.id for one in party.desks)


def seen_by(reader: Reader, chunk: Chunk) -> list[Seen]:
    """What of some entries a reader may see."""
    found = (see(reader, entry, chunk.latest) for entry in chunk.entries)
    return [one for one in found if one is not None]

"""Alerts: what a reader is to be warned of, and what became of what he was warned of before.

An alert is a version of an object as this reader may see it, with the versions before it
that it follows on. Nothing is kept for it: it follows from the record, by the same events
(``sight``) as a poll, a stream or a webhook tells. So it changes with no entry that is not for
the reader.

Zones are alerted of. Incidents are not yet: their kind would join KINDS here, and what an
alert says of them ``detente.doors.cap.saying``.

Source: CAP 1.2 (OASIS Standard, 1 July 2010) section 3.2.1; docs/adr/0029.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from msgspec import Struct

from detente.core.entry import EntryKind
from detente.core.principal import Principal, Scope
from detente.core.view import Item, Reader
from detente.core.volume import EPOCH
from detente.errors import NotFound
from detente.node.asking import reader_of
from detente.node.telling import Telling
from detente.node.telling.disclosures import shown_by
from detente.node.telling.entries import Entry, Latest, Terms, read_chunk
from detente.node.telling.sight import Change, Event, see
from detente.store import Record, Stored

KINDS = (EntryKind.ZONE,)
"""Kinds of objects that are alerted of."""

LIMIT_MAX = 100
"""Alerts a page: each may draw an outline of thousands of places."""

VERSIONS_MAX = 200
"""Versions of one object that are read for its alerts: the latest; some 50 ms."""

REFERENCES_MAX = 100
"""Earlier alerts that one names: the latest, 10 KB."""

CHUNK = 64
"""Objects read at a time."""

HOW = "cap"
"""By what way a party was shown something (detente.core.telling.Delivery)."""


class Message(StrEnum):
    """What an alert is to those before it; the words are the standard's."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


class Earlier(Struct, frozen=True, kw_only=True):
    """An alert that another follows on: of which version, and when that was taken in."""

    version: int
    at: datetime


class Alert(Struct, frozen=True, kw_only=True):
    """One alert, as its reader is given it.

    Attributes:
        event: What happened, cut to the reader; its view is None where he may no longer see
            the object.
        message: What it is to the alerts before it.
        party: Whose the object is.
        follows: Those of the same object before it, oldest first.
    """

    event: Event
    message: Message
    party: str
    follows: tuple[Earlier, ...] = ()


class AlertPage(Struct, frozen=True, kw_only=True):
    """Alerts in the order of the record.

    Attributes:
        reader: To whom they are told.
        theatre: Whose record it is.
        since: When the record began.
        alerts: One an object, of its last version that is an event for the reader.
        after: Leads to the next page; None at the end.
    """

    reader: Reader
    theatre: str
    since: datetime
    alerts: tuple[Alert, ...]
    after: int | None = None


class Alerts:
    """Reads alerts.

    Args:
        telling: At work.
    """

    def __init__(self, telling: Telling) -> None:
        self._telling = telling

    async def page(self, principal: Principal, *, after: int, limit: int) -> AlertPage:
        """The last alert of each object; that they are shown is on record before it is answered.

        Args:
            principal: Who reads.
            after: Only of later entries than this one.
            limit: At most so many, and at most LIMIT_MAX.

        Raises:
            Unavailable: The record cannot be read, or not be written.
        """
        most = min(limit, LIMIT_MAX)
        page = await self._look(principal, lambda look: look.page(after, most))
        await self._disclose(principal, page)
        return page

    async def one(self, principal: Principal, object_id: str, version: int) -> AlertPage:
        """The alert of one version of an object, likewise.

        Raises:
            NotFound: There is none, or it is not for this reader: the two look alike.
            Unavailable: As for ``page``.
        """
        page = await self._look(principal, lambda look: look.one(object_id, version))
        await self._disclose(principal, page)
        return page

    async def _look(self, principal: Principal, act: "Callable[[_Look], AlertPage]") -> AlertPage:
        principal.require(Scope.READ)
        await self._telling.catch_up()
        engine = self._telling.engine
        shown = engine.world.on_disk
        reader = reader_of(shown, principal.party, engine.clock())
        return await self._telling.read(lambda record: act(_Look(record, reader, shown.sequence)))

    async def _disclose(self, principal: Principal, page: AlertPage) -> None:
        shown = shown_by(principal.party, [one.event for one in page.alerts])
        await self._telling.disclosures.record(principal.party, shown, HOW)


class _Look:
    """One state of the record, by what its reader is judged, and to which entry."""

    def __init__(self, record: Record, reader: Reader, end: int) -> None:
        self._record = record
        self._reader = reader
        self._end = end
        self._terms = Terms.load(record)

    def page(self, after: int, limit: int) -> AlertPage:
        found: list[Alert] = []
        for stored in self._objects(after):
            alerts = self._alerts(stored.object_id)
            # An object stands where its last alert does: what came later is not for the reader.
            if alerts and alerts[-1].event.sequence > after:
                found = sorted([*found, alerts[-1]], key=_sequence)[: limit + 1]
        more = len(found) > limit
        return self._page(found[:limit], found[limit - 1].event.sequence if more else None)

    def one(self, object_id: str, version: int) -> AlertPage:
        stored = self._record.identified([object_id]).get(object_id)
        known = stored is not None and stored.kind in KINDS
        for alert in self._alerts(object_id) if known else ():
            if alert.event.version == version:
                return self._page([alert], None)
        raise NotFound(f"alert {object_id}.{version}")

    def _page(self, alerts: Sequence[Alert], after: int | None) -> AlertPage:
        theatre, *_ = self._record.head()
        since = EPOCH + timedelta(microseconds=self._record.received(0))
        return AlertPage(
            reader=self._reader, theatre=theatre, since=since, alerts=tuple(alerts), after=after
        )

    def _objects(self, after: int) -> Iterator[Stored]:
        """All that changed after an entry; an alert is never of a later one than its object's."""
        while chunk := list(islice(self._record.objects(*KINDS, after=after, limit=CHUNK), CHUNK)):
            yield from chunk
            after = chunk[-1].sequence

    def _alerts(self, object_id: str) -> list[Alert]:
        """All of one object's, oldest first."""
        found: list[Alert] = []
        standing: list[Earlier] = []
        for entry, latest in self._versions(object_id):
            event = self._event(entry, latest)
            message = None if event is None else MESSAGES[event.change]
            if message is Message.ALERT:
                standing = []
            if event is not None and message is not None:
                follows = tuple(standing[-REFERENCES_MAX:])
                found.append(
                    Alert(event=event, message=message, party=entry.party, follows=follows)
                )
            if message is Message.CANCEL:
                standing = []
            elif self._shown(entry):
                standing.append(Earlier(version=entry.version, at=entry.at))
        return found

    def _versions(self, object_id: str) -> Iterator[tuple[Entry, Latest]]:
        sequences = [one for one in self._record.history(object_id) if one < self._end]
        for sequence in sequences[-VERSIONS_MAX:]:
            chunk = read_chunk(self._record, sequence, sequence + 1, self._terms)
            for entry in chunk.entries:
                yield entry, chunk.latest

    def _event(self, entry: Entry, latest: Latest) -> Event | None:
        seen = see(self._reader, entry, latest)
        return None if seen is None else seen.event

    def _shown(self, entry: Entry) -> bool:
        """Whether this version was for the reader, whatever its author says by now."""
        if entry.value is None:
            return False
        item = Item(
            value=entry.value,
            party=entry.party,
            object_id=entry.object_id,
            version=entry.version,
            sequence=entry.sequence,
            token=entry.token,
        )
        return self._reader.cut(item) is not None


def _sequence(alert: Alert) -> int:
    return alert.event.sequence


MESSAGES = {
    Change.NEW: Message.ALERT,
    Change.CHANGED: Message.UPDATE,
    Change.LEFT: Message.CANCEL,
    Change.ENDED: Message.CANCEL,
    Change.GONE: Message.CANCEL,
}
"""What an event is as an alert."""

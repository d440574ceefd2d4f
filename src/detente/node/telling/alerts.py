"""Alerts: what a reader is to be warned of, and what became of what he was warned of before.

An alert is a version of an object as this reader may see it, with the versions before it
that it follows on. Nothing is kept for it: it follows from the record, by the same events
(``sight``) as a poll, a stream or a webhook tells. So it changes with no entry that is not for
the reader.

Zones are alerted of, calls on the hotline, and what the watch warns its reader of: of the last two
an alert is an entry that this reader may see (``detente.node.telling.call_events``,
``detente.node.telling.warning_events``), so they have more entries than versions.

Source: CAP 1.2 (OASIS Standard, 1 July 2010) section 3.2.1; docs/adr/0029, 0035, 0038.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain, islice

from msgspec import Struct
from msgspec.structs import replace

from detente.core.entry import EntryKind
from detente.core.incident import Call, IncidentStep, Line
from detente.core.ledger import NODE
from detente.core.principal import Principal, Scope
from detente.core.view import Item, Reader, View
from detente.core.volume import EPOCH
from detente.core.wire import read
from detente.errors import NotFound
from detente.node.asking import reader_of
from detente.node.hotline.called import ON_THE_LINE
from detente.node.telling import Telling, warning_events
from detente.node.telling.call_events import entries_of, events_of
from detente.node.telling.disclosures import shown_by, shown_in
from detente.node.telling.entries import Entry, Latest, Terms, read_chunk
from detente.node.telling.sight import Change, Event, see
from detente.node.warned import OnRecord
from detente.store import Record, Stored

KINDS = (EntryKind.ZONE,)
"""Kinds of objects that are alerted of by their versions."""

WARNINGS = (EntryKind.ALERT, EntryKind.ACKNOWLEDGEMENT)
"""Kinds of entries that are alerts of the watch: what warns, and how far it was taken in."""

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

    object: str
    version: int
    at: datetime


class Alert(Struct, frozen=True, kw_only=True):
    """One alert, as its reader is given it.

    Attributes:
        event: What happened, cut to the reader; its view is None where he may no longer see
            the object.
        message: What it is to the alerts before it.
        party: Whose the object is; of a call, who calls; of what the watch warns of, the node.
        follows: Those of the same object, call or warning before it, oldest first.
        warning: For the watch, what its reader was told, as of then; the event shows the place.
    """

    event: Event
    message: Message
    party: str
    follows: tuple[Earlier, ...] = ()
    warning: View | None = None

    @property
    def incident(self) -> View | None:
        """For a call on the hotline, what its caller says, as of then."""
        if self.event.kind is EntryKind.INCIDENT:
            return self.event.view
        return self.event.shows if self.event.kind in ON_THE_LINE else None


class AlertPage(Struct, frozen=True, kw_only=True):
    """Alerts in the order of the record.

    Attributes:
        reader: To whom they are told.
        theatre: Whose record it is.
        since: When the record began.
        alerts: One an object, of its last version that is an event for the reader, one a call
            and one a warning.
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
        shown = engine.world.shown
        reader = reader_of(shown, principal.party, engine.clock())
        return await self._telling.read(
            lambda record: act(_Look(record, reader, shown.sequence, shown.lines, shown.warned))
        )

    async def _disclose(self, principal: Principal, page: AlertPage) -> None:
        party = principal.party
        shown = shown_by(party, [one.event for one in page.alerts])
        # With its acknowledgement a warning is shown again, be it for the first time here.
        told = shown_in(party, [one.warning for one in page.alerts if one.warning is not None])
        shown |= {one: max(extent, shown.get(one, 0)) for one, extent in told.items()}
        await self._telling.disclosures.record(party, shown, HOW)


class _Look:
    """One state of the record, by what its reader is judged, and to which entry."""

    def __init__(
        self,
        record: Record,
        reader: Reader,
        end: int,
        lines: Mapping[str, Line],
        warned: Mapping[str, OnRecord],
    ) -> None:
        self._record = record
        self._reader = reader
        self._end = end
        self._lines = lines
        self._standing = warned
        self._terms = Terms.load(record)

    def page(self, after: int, limit: int) -> AlertPage:
        found: list[Alert] = []
        zones = (self._alerts(stored.object_id) for stored in self._objects(after))
        calls = (self._calls(line, entries) for line, entries in self._on_line(after, limit))
        warnings = (self._warnings(entries) for entries in self._warned(after, limit))
        for alerts in chain(zones, calls, warnings):
            # An object stands where its last alert does: what came later is not for the reader.
            if alerts and alerts[-1].event.sequence > after:
                found = sorted([*found, alerts[-1]], key=_sequence)[: limit + 1]
        more = len(found) > limit
        return self._page(found[:limit], found[limit - 1].event.sequence if more else None)

    def one(self, object_id: str, version: int) -> AlertPage:
        for alert in self._alerts_with(object_id):
            if (alert.event.object, alert.event.version) == (object_id, version):
                return self._page([alert], None)
        raise NotFound(f"alert {object_id}.{version}")

    def _alerts_with(self, object_id: str) -> list[Alert]:
        """Those among which one of an object would be."""
        stored = self._record.identified([object_id]).get(object_id)
        if stored is not None and stored.kind in KINDS:
            return self._alerts(object_id)
        if stored is not None and stored.kind in WARNINGS:
            return self._warned_by(stored)
        if stored is None or stored.data is None or stored.kind not in ON_THE_LINE:
            return []
        value = read(stored.data)
        incident = value.incident if isinstance(value, Call | IncidentStep) else object_id
        line = self._lines.get(incident)
        return [] if line is None else self._calls(line, self._entries(line))

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
                standing.append(Earlier(object=entry.object_id, version=entry.version, at=entry.at))
        return found

    def _on_line(self, after: int, limit: int) -> list[tuple[Line, list[int]]]:
        """The calls whose last alerts come next, and their entries: only these are read."""
        found = [(line, self._entries(line)) for line in self._lines.values()]
        later = [one for one in found if one[1] and one[1][-1] > after]
        return sorted(later, key=lambda one: one[1][-1])[: limit + 1]

    def _entries(self, line: Line) -> list[int]:
        return entries_of(self._record, self._reader, line, self._end)

    def _calls(self, line: Line, entries: Sequence[int]) -> list[Alert]:
        """All of one call's, oldest first."""
        found: list[Alert] = []
        standing: list[Earlier] = []
        for event in events_of(self._record, self._reader, line, entries, self._terms):
            follows = tuple(standing[-REFERENCES_MAX:])
            message = MESSAGES[event.change]
            found.append(Alert(event=event, message=message, party=line.party, follows=follows))
            standing.append(Earlier(object=event.object, version=event.version, at=event.at))
        return found

    def _warned(self, after: int, limit: int) -> list[list[int]]:
        """The entries of those warnings whose last alerts come next: only these are read."""
        found = warning_events.warnings_for(self._record, self._reader, self._standing, self._end)
        later = [entries for entries in found.values() if entries[-1] > after]
        return sorted(later, key=lambda entries: entries[-1])[: limit + 1]

    def _warned_by(self, stored: Stored) -> list[Alert]:
        """All of the warning that an object is, or acknowledges."""
        about = warning_events.alert_of(self._record, self._reader, stored)
        asked = [] if about is None else [about]
        found = warning_events.entries_of(self._record, self._reader, asked, self._end)
        return [one for entries in found.values() for one in self._warnings(entries)]

    def _warnings(self, entries: Sequence[int]) -> list[Alert]:
        """All of one warning's, oldest first."""
        found: list[Alert] = []
        standing: list[Earlier] = []
        for one in warning_events.events_of(self._record, self._reader, entries, self._terms):
            event, follows = one.event, tuple(standing[-REFERENCES_MAX:])
            message = MESSAGES[event.change]
            alert = Alert(event=event, message=message, party=NODE, follows=follows)
            found.append(replace(alert, warning=one.warning))
            standing.append(Earlier(object=event.object, version=event.version, at=event.at))
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

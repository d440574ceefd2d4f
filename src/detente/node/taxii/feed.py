"""Since when each reader may see each STIX report: TAXII's ``date_added``.

It follows from the record alone, so that every process says the same, after a restart too:

- An entry's date is the microsecond in which the node took it in, moved on so far that it is
  later than that of all entries before it.
- A version that its reader may see from the beginning has the date of its entry. One that he
  comes to see by a later entry, a grant or his becoming a member, has that entry's date, moved
  on by its rank among all versions of reports: so much room is left after such an entry.

Only entries' kinds and times are counted, which stay when what they said is erased: no date
moves by an erasure. Dates may run ahead of the clock, by the room that was left; never behind.

Source: TAXII 2.1 section 3.4 (``added_after``, ``date_added``); docs/adr/0023.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind
from detente.core.erasure import Erasure
from detente.core.party import Party
from detente.core.release import Grade, Release
from detente.core.report import ReportState
from detente.core.stix import in_order, instant
from detente.core.telling import ReleaseDecision, ReleaseRequest
from detente.core.volume import EPOCH, microseconds
from detente.core.wire import Value, read
from detente.store import Record
from detente.store.reports import DecidingRow

ADMITS = frozenset({EntryKind.AGREEMENT, EntryKind.PARTY, EntryKind.RELEASE_DECISION})
"""Kinds of entries by which somebody may come to see what was said before."""

MS_US = 1_000


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """One version of a STIX report, as the feed needs it.

    Attributes:
        rank: Its place among all versions of reports, from 0.
        party: Who said it.
        date_us: Of its entry, microseconds since 1970 UTC.
        version: In the order of time, detente.core.stix.instant.
        spelt: The same as it is told.
        specification: Of STIX.
        retracted: Its author took it back.
        revoked: And its text says so itself.
        revocable: Whether such an object can say so: cyber-observables cannot.
    """

    rank: int
    sequence: int
    object_id: str
    party: str
    date_us: int
    type: str
    id: str
    version: str
    spelt: str
    specification: str
    release: Release | None
    retracted: bool
    revoked: bool
    revocable: bool


class Since(Struct, frozen=True, kw_only=True):
    """From which entry on somebody may see something, its date, and until when if that is set."""

    sequence: int
    date_us: int
    until: datetime | None = None


class Feed:
    """All versions of STIX reports, and since when who may see what. One thread's.

    Attributes:
        sequence: Entries folded in.
        items: In the order of the record; None where it was erased, or is no STIX any more.
        chains: By object, the numbers of its items (``Numbers``).
        called: By STIX id, the numbers of its items: several parties may use one.
        members: Since when each is one.
        grants: By party and object.
    """

    def __init__(self) -> None:
        self.sequence = 0
        self.items: list[Item | None] = []
        self.chains = Numbers()
        self.called = Numbers()
        self.members: dict[str, Since] = {}
        self.grants: dict[str, dict[str, Since]] = {}
        self._reports = 0
        self._free_us = 0
        self._parties: set[str] = set()
        self._agreement: Agreement | None = None
        self._requests: dict[str, ReleaseRequest] = {}
        self._releases: dict[bytes, Release | None] = {}

    def follow(self, record: Record, size: int) -> None:
        """Fold in what was appended since, up to ``size`` entries."""
        if size <= self.sequence:
            return
        for row in record.deciding(self.sequence, size):
            self._fold(row)
        self.sequence = size

    def _fold(self, row: DecidingRow) -> None:
        date_us = max(row.received_us, self._free_us)
        if row.kind is EntryKind.REPORT:
            self._free_us = date_us + 1
            if row.data is not None:
                self._report(row, _parts.decode(row.data), date_us)
            self._reports += 1
            return
        if row.kind in ADMITS:
            self._free_us = date_us + 1 + self._reports
        if row.data is not None:
            self._decide(row, read(row.data), Since(sequence=row.sequence, date_us=date_us))

    def _decide(self, row: DecidingRow, value: Value, since: Since) -> None:
        match value:
            case Agreement():
                self._agreement = value
                self._admit(since)
            case Party():
                self._parties.add(value.id)
                self._admit(since)
            case ReleaseRequest():
                self._requests[row.object_id] = value
            case ReleaseDecision():
                self._grant(value, since, row.received_us)
            case Erasure():
                self._forget(value.object)
            case _:
                pass

    def _report(self, row: DecidingRow, value: "_Parts", date_us: int) -> None:
        if not value.stix:
            self._forget(row.object_id)  # Its STIX, if it had any, is not what it says now.
            return
        spelt = bytes(value.release)
        if spelt not in self._releases:
            # Most releases are alike: one of each is read, and kept.
            self._releases[spelt] = _releases.decode(spelt)
        item = _item(row, value, self._releases[spelt], self._reports, date_us)
        self.chains.add(row.object_id, len(self.items))
        self.called.add(item.id, len(self.items))
        self.items.append(item)

    def _admit(self, since: Since) -> None:
        """Whoever is a member now and was none is one from here on."""
        agreement = self._agreement
        now = self._parties if agreement is None or not agreement.members else agreement.members
        self.members = {party: self.members.get(party, since) for party in now}

    def _grant(self, decision: ReleaseDecision, since: Since, at_us: int) -> None:
        """Let a decision hold; one that goes on with what was granted dates nothing anew."""
        request = self._requests.get(decision.request)
        if request is None:
            return
        granted = dict(self.grants.get(request.to, {}))
        before = granted.pop(request.object, None)
        if decision.granted and (decision.grade or request.grade) is Grade.FULL:
            at = EPOCH + timedelta(microseconds=at_us)
            goes_on = before is not None and (before.until is None or before.until >= at)
            first = before if before is not None and goes_on else since
            granted[request.object] = replace(first, until=decision.until)
        # Replaced, never changed: shelves see by it whether they are still right.
        self.grants = {**self.grants, request.to: granted}

    def _forget(self, object_id: str) -> None:
        for number in self.chains[object_id]:
            item = self.items[number]
            if item is not None:
                self.called.remove(item.id, number)  # What is erased leaves no name behind.
            self.items[number] = None
        self.chains.drop(object_id)


class Numbers:
    """Numbers by name, in the order in which they came.

    Most names have one: a list for each would cost as much as all else to make and to keep.
    """

    def __init__(self) -> None:
        self._found: dict[str, int | list[int]] = {}

    def __getitem__(self, name: str) -> Sequence[int]:
        """Those of a name; there may be none."""
        found = self._found.get(name)
        if found is None:
            return ()
        return found if isinstance(found, list) else (found,)

    def __contains__(self, name: str) -> bool:
        """Whether a name has any."""
        return name in self._found

    def add(self, name: str, number: int) -> None:
        """One more of a name."""
        before = self._found.setdefault(name, number)
        if isinstance(before, list):
            before.append(number)
        elif before != number:
            self._found[name] = [before, number]

    def remove(self, name: str, number: int) -> None:
        """One less; a name of which none is left is forgotten."""
        left = [one for one in self[name] if one != number]
        if left:
            self._found[name] = left
        else:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Forget a name."""
        self._found.pop(name, None)


class _Parts(Struct, frozen=True, gc=False):
    """What the feed needs of a report that was decoded strictly before: nothing else is made."""

    stix: str = ""
    release: msgspec.Raw = msgspec.Raw(b"null")
    state: ReportState = ReportState.ISSUED


class _Head(Struct, frozen=True, gc=False):
    """What it needs of its object, as detente.core.stix.Stix has it."""

    type: str
    id: str
    spec_version: str | None = None
    created: str | None = None
    modified: str | None = None
    revoked: bool = False


_parts = msgspec.json.Decoder(_Parts)
_heads = msgspec.json.Decoder(_Head)
_releases = msgspec.json.Decoder(Release | None)


def _item(
    row: DecidingRow, report: _Parts, release: Release | None, rank: int, date_us: int
) -> Item:
    head = _heads.decode(report.stix)
    retracted = report.state is ReportState.RETRACTED
    spelt = head.modified or head.created or spelt_of(date_us)
    if retracted and not head.revoked and head.modified is not None:
        spelt = _after(head.modified, row.received_us)
    return Item(
        rank=rank,
        sequence=row.sequence,
        object_id=row.object_id,
        party=row.party,
        date_us=date_us,
        type=head.type,
        id=head.id,
        version=in_order(spelt),
        spelt=spelt,
        specification=head.spec_version or ("2.1" if head.created is None else "2.0"),
        release=release,
        retracted=retracted,
        revoked=head.revoked,
        revocable=head.modified is not None,
    )


def spelt_of(time_us: int) -> str:
    """A time as TAXII tells it, to the microsecond."""
    time = EPOCH + timedelta(microseconds=time_us)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _after(modified: str, at_us: int) -> str:
    """When an object was revoked, in whole milliseconds: at that time, but later than it says."""
    before = instant(modified, what="modified")
    whole_us = microseconds(datetime.fromisoformat(f"{before[:26]}+00:00"))
    later_us = max(at_us, whole_us + MS_US) // MS_US * MS_US
    return spelt_of(later_us)[:-4] + "Z"

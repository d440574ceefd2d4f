"""What a reader sees: the one place where anything is cut, for every door.

A reader is a party. What it said itself it sees whole; of what others said it
sees what they released to it (detente.core.release). What is said about an
object is seen by those whom it concerns.

Source: docs/rules/R-02.md; docs/adr/0015.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from detente.core.agreement import Agreement
from detente.core.availability import Availability
from detente.core.check import Known, Meeting, Protected, Withheld, rule_of
from detente.core.entry import EntryKind
from detente.core.kinds import KINDS
from detente.core.ledger import NODE
from detente.core.notice import Notice
from detente.core.party import Desk, Party
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.release import Grade, Grant, Release, Tlp, coarse, grade, shows
from detente.core.report import Report
from detente.core.telling import Delivery
from detente.core.volume import Volume
from detente.core.warned import Warned
from detente.core.wire import Value
from detente.core.zone import Zone

Released = Notice | Presence | Zone | Plan | Report
"""What carries a release of its own."""


class View(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An object as one reader sees it.

    ``value`` is there with grade ``full``; ``area`` with grade ``area``: circles
    on the author's grid that hold the object, without altitudes. ``late`` says
    that it was told with less notice than the agreement asks (H6).
    """

    object: str
    kind: EntryKind
    version: int
    sequence: int
    token: str
    grade: Grade
    party: str
    tlp: Tlp | None = None
    category: str | None = None
    desk: Desk | None = None
    value: Value | None = None
    area: tuple[Volume, ...] = ()
    late: bool = False


class Item(Struct, frozen=True, kw_only=True):
    """A current object of whatever kind, before it is cut.

    Attributes:
        party: Who said it.
        concerned: Whom it concerns beside its author, for a kind that carries no
            release: whoever is spoken of sees what is said.
        authors: For a delivery, whose each of its entries is, by leaf hash.
    """

    value: Value
    party: str
    object_id: str
    version: int
    sequence: int
    token: str
    concerned: frozenset[str] = frozenset()
    authors: Mapping[str, str] = {}


class Label(NamedTuple):
    """What kind an object is, and all that decides who may know of it, but for what was granted.

    ``placed`` is whether there is an area to tell.
    """

    kind: EntryKind
    party: str | None
    release: bytes | None
    placed: bool


def label_of(known: Known) -> Label:
    """The label of an entry, by which many are counted at once."""
    value = known.value
    kind = KINDS[type(value)]
    if value.release is None:
        return Label(kind, value.party, None, placed=False)
    given = {value.release.members, *value.release.parties.values()}
    placed = Grade.AREA in given and _area(value) is not None
    return Label(kind, value.party, msgspec.json.encode(value.release, order="sorted"), placed)


class Reader(Struct, frozen=True, kw_only=True):
    """Who looks, with what the record says of parties and grants at that time.

    Attributes:
        party: Who; ``node`` is the operator's own process, which sees all.
        agreement: For its members and its desk.
        parties: For their desks.
        grants: By object and party.
        now: UTC; a release that has ended shows nothing.
    """

    party: str
    agreement: Agreement
    parties: Mapping[str, Party]
    grants: Mapping[str, Mapping[str, Grant]]
    now: datetime

    def grade(self, value: Value, object_id: str) -> Grade | None:
        """How much of an object this reader may see; None for nothing.

        Where there is no area that could be told, ``area`` is no more than ``contact``.
        """
        if self.party == NODE:
            return Grade.FULL
        match value:
            case Agreement() | Party() | Availability():
                return Grade.FULL
            case Warned():
                return Grade.FULL if value.to == self.party else None
            case Notice() | Presence() | Zone() | Plan() | Report():
                released = grade(
                    value.release,
                    author=value.party,
                    reader=self.party,
                    members=self.agreement.members or self.parties,
                    grants=self.grants.get(object_id, {}),
                    now=self.now,
                )
                untold = released is Grade.AREA and _area(value) is None
                return Grade.CONTACT if untold else released
            case _:
                return None  # It has no release; ``cut`` knows whom it concerns.

    def cut(self, item: Item) -> View | None:
        """An object as this reader may find it in a list; None where he may not.

        ``contact`` and less is in no list: that there is something is told only to
        whoever meets it.
        """
        value, grade = item.value, self.grade(item.value, item.object_id)
        if isinstance(value, Delivery) and grade is None:
            return self._delivered(item, value)
        if grade is None and not isinstance(value, Released):
            grade = Grade.FULL if self.party in {item.party, *item.concerned} else None
        return None if grade in {None, Grade.CONTACT} else self._view(item, grade)

    def _delivered(self, item: Item, value: Delivery) -> View | None:
        """Who tells learns what became of it, and of nobody else's; who was told, all."""
        if value.tracks is not None:
            return (
                self._whole(item, value) if self.party in {value.to, value.tracks.party} else None
            )
        own = [one for one in value.entries if item.authors.get(one) == self.party]
        entries = value.entries if self.party == value.to else tuple(own)
        return self._whole(item, replace(value, entries=entries)) if entries else None

    def released(self, author: str | None, release: Release | None) -> Grade | None:
        """How much a release shows this reader, were nothing granted on request."""
        return grade(
            release,
            author=author,
            reader=self.party,
            members=self.agreement.members or self.parties,
            grants={},
            now=self.now,
        )

    def lists(self, value: Value, object_id: str) -> bool:
        """Whether this reader may know of an object without meeting it."""
        return shows(self.grade(value, object_id), Grade.AREA)

    def lists_labelled(self, label: Label) -> bool:
        """The same of all objects of a label, were nothing granted on request."""
        return self.grade_labelled(label) is not None

    def grade_labelled(self, label: Label) -> Grade | None:
        """How much of them a list shows: ``full``, ``area`` or nothing."""
        if self.party == NODE:
            return Grade.FULL
        release = None if label.release is None else _releases.decode(label.release)
        released = self.released(label.party, release)
        listed = released is Grade.FULL or (released is Grade.AREA and label.placed)
        return released if listed else None

    def view(self, known: Known, grade: Grade) -> View | None:
        """A notice, presence, zone or plan, cut to a grade; None where nothing is listed."""
        item = Item(
            value=known.value,
            party=known.value.party or "",
            object_id=known.object_id,
            version=known.version,
            sequence=known.sequence,
            token=known.token,
        )
        return self._view(item, grade)

    def _view(self, item: Item, grade: Grade | None) -> View | None:
        if grade is Grade.FULL:
            return self._whole(item, item.value)
        if grade is not Grade.AREA or not isinstance(item.value, Released):
            return None
        area = _area(item.value)
        return None if not area else replace(self._outside(item, grade), area=area)

    def _whole(self, item: Item, value: Value) -> View:
        return replace(self._outside(item, Grade.FULL), value=value)

    def _outside(self, item: Item, grade: Grade) -> View:
        """What is seen of an object at any grade."""
        value = item.value
        release = value.release if isinstance(value, Released) else None
        category = desk = None
        if isinstance(value, Protected):
            category, desk = value.category, value.desk
        return View(
            object=item.object_id,
            kind=KINDS[type(value)],
            version=item.version,
            sequence=item.sequence,
            token=item.token,
            grade=grade,
            party=item.party,
            tlp=None if release is None else release.tlp,
            category=category,
            desk=self.desk_of(item.party, desk),
        )

    def withhold(self, meeting: Meeting) -> Withheld | None:
        """What to show instead of a finding; None where the finding may be seen."""
        known = meeting.known
        value = known.value
        seen = self.grade(value, known.object_id)
        if seen is Grade.FULL:
            return None
        rule, kind, severity = rule_of(value)
        if seen is None:
            agreed = self.agreement.desk
            desk = self.desk_of(value.party, value.desk) if agreed is None else agreed
            return Withheld(severity=severity, desk=desk)
        desk = self.desk_of(value.party, value.desk)
        if seen is Grade.CONTACT:
            return Withheld(severity=severity, desk=desk, grade=seen, party=value.party)
        return Withheld(
            severity=severity,
            desk=desk,
            grade=seen,
            party=value.party,
            rule=rule,
            kind=kind,
            category=value.category,
            object=known.object_id,
            area=_area(value) or (),
        )

    def desk_of(self, party: str | None, desk: str | None) -> Desk | None:
        """The desk that a party names, else its first; None if it has none."""
        found = self.parties.get(party or "")
        if found is None or not found.desks:
            return None
        return next((one for one in found.desks if one.id == desk), found.desks[0])


_releases = msgspec.json.Decoder(Release)


def _area(value: Released) -> tuple[Volume, ...] | None:
    """The object on its author's grid.

    None for a track, whose steps from cell to cell would tell where it is; for a
    report about no place; and where it is too wide.
    """
    release = value.release or Release()
    return coarse(value.volumes, release.grid_mm) if value.volumes else None

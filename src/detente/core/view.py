"""What a reader sees: the one place where anything is cut, for every door.

A reader is a party. What it said itself it sees whole; of what others said it
sees what they released to it (detente.core.release). What is said about an
object is seen by those whom it concerns.

Source: docs/rules/R-02.md; docs/adr/0015.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from detente.core.agreement import Agreement
from detente.core.availability import Availability
from detente.core.check import Known, Meeting, Withheld, rule_of
from detente.core.entry import EntryKind
from detente.core.ledger import KINDS, NODE
from detente.core.notice import Notice
from detente.core.party import Desk, Party
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.release import Grade, Grant, Release, Tlp, coarse, grade
from detente.core.report import Report
from detente.core.volume import Volume
from detente.core.wire import Value
from detente.core.zone import Zone

Released = Notice | Presence | Zone | Plan | Report
"""What carries a release of its own."""


class View(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An object as one reader sees it.

    ``value`` is there with grade ``full``; ``area`` with grade ``area``: circles
    on the author's grid that hold the object, without altitudes.
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
        """How much of an object this reader may see; None for nothing."""
        if self.party == NODE:
            return Grade.FULL
        match value:
            case Agreement() | Party() | Availability():
                return Grade.FULL
            case Notice() | Presence() | Zone() | Plan() | Report():
                return grade(
                    value.release,
                    author=value.party,
                    reader=self.party,
                    members=self.agreement.members or self.parties,
                    grants=self.grants.get(object_id, {}),
                    now=self.now,
                )
            case _:
                return None  # Whom it concerns is for detente.node.reading to find.

    def view(self, known: Known, grade: Grade) -> View | None:
        """A notice, presence, zone or plan, cut to a grade; None where nothing is listed."""
        value = known.value
        whole = View(
            object=known.object_id,
            kind=KINDS[type(value)],
            version=known.version,
            sequence=known.sequence,
            token=known.token,
            grade=grade,
            party=value.party or "",
            tlp=None if value.release is None else value.release.tlp,
            category=value.category,
            desk=self.desk_of(value.party, value.desk),
        )
        if grade is Grade.FULL:
            return replace(whole, value=value)
        area = _area(value) if grade is Grade.AREA else None
        return None if area is None else replace(whole, area=area)

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
        if seen is Grade.AREA and (area := _area(value)) is not None:
            return Withheld(
                severity=severity,
                desk=desk,
                grade=Grade.AREA,
                party=value.party,
                rule=rule,
                kind=kind,
                category=value.category,
                object=known.object_id,
                area=area,
            )
        return Withheld(severity=severity, desk=desk, grade=Grade.CONTACT, party=value.party)

    def desk_of(self, party: str | None, desk: str | None) -> Desk | None:
        """The desk that a party names, else its first; None if it has none."""
        found = self.parties.get(party or "")
        if found is None or not found.desks:
            return None
        return next((one for one in found.desks if one.id == desk), found.desks[0])


def _area(value: Notice | Presence | Zone | Plan) -> tuple[Volume, ...] | None:
    """The object on its author's grid; None for a track, or where it is too wide."""
    release = value.release or Release()
    if isinstance(value, Presence) and value.track is not None:
        return None
    return coarse(value.volumes, release.grid_mm)

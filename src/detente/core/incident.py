"""Incident: an open call on the hotline, its steps, and whom it calls when.

The content is in the first message, and goes to duty desks and never to a person: in 2015 and
2016 callers waited 17 and 27 minutes for one who could decide (M1, M2). Whoever is near is
called at once; whoever does not answer is called again, by a ladder that the agreement sets.
A call asks, and permits nothing.

Pure: what is due follows from what is on record and from the clock, so a node that was killed
owes the same calls when it is back.

Source: requirements M1 to M4, M10, M12; docs/hotline.md; docs/adr/0031.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from detente.core.agreement import Agreement, Hotline, Rings
from detente.core.notice import SourceId
from detente.core.party import Desk, FreeText, Party, PartyId
from detente.core.plan import Plan
from detente.core.report import Language
from detente.core.uss import ObjectId
from detente.core.volume import UtcTime, Volume, check_time
from detente.errors import MalformedInput

VOLUMES_MAX = 8
"""Places of one call: it is about one thing, perhaps with a way in and a way out."""

OBJECTS_MAX = 20
"""Objects that one call names: what a person reads while an aircraft turns."""

SOON_S = 600
"""What is planned to begin within ten minutes is near as well: crews are in the air by then."""

OPEN_MAX = 100
"""Open calls of one party: far more than its desks can speak about at once."""

DESKS_TOLD_MAX = 1_000


class Code(StrEnum):
    """What a call says, in words that every party reads in its own language (M10)."""

    STOP_HITTING_US = "stop_hitting_us"
    STOP_HITTING_PROTECTED = "stop_hitting_protected"
    AIRCRAFT_WILL_CROSS = "aircraft_will_cross"
    AIRCRAFT_IN_DISTRESS = "aircraft_in_distress"
    MOVEMENT_IN_DISTRESS = "movement_in_distress"
    EVACUATION = "evacuation"
    CONTACT_LOST = "contact_lost"
    OTHER = "other"


MESSAGES: Mapping[Code, str] = {
    Code.STOP_HITTING_US: "STOP: you are hitting us",
    Code.STOP_HITTING_PROTECTED: "STOP: you are hitting a protected place",
    Code.AIRCRAFT_WILL_CROSS: "Aircraft will cross",
    Code.AIRCRAFT_IN_DISTRESS: "Aircraft in distress",
    Code.MOVEMENT_IN_DISTRESS: "Movement in distress",
    Code.EVACUATION: "Evacuation of casualties under way",
    Code.CONTACT_LOST: "Contact lost with our people",
    Code.OTHER: "Other: read the words",
}
"""Each code in English, for whoever reads no page."""


class Incident(Struct, frozen=True, kw_only=True, tag="incident", omit_defaults=True):
    """A call on the hotline, as its caller says it; a later version corrects it.

    Attributes:
        code: What it says.
        volumes: Where: a circle as wide as the position is uncertain, or any shape; altitude
            and time if they are known.
        words: The caller's own; they stay as they are.
        language: Of the words.
        desk: The caller's desk that speaks, to call back.
        objects: Objects that it is about. They are named, and nothing of them is passed on.

    Raises:
        MalformedInput: Nowhere, or too many places or objects.
    """

    source_id: SourceId
    party: PartyId
    code: Code
    volumes: Annotated[tuple[Volume, ...], Meta(min_length=1, max_length=VOLUMES_MAX)]
    words: FreeText = ""
    language: Language | None = None
    desk: PartyId | None = None
    objects: Annotated[tuple[ObjectId, ...], Meta(max_length=OBJECTS_MAX)] = ()

    def __post_init__(self) -> None:
        if not 0 < len(self.volumes) <= VOLUMES_MAX:
            raise MalformedInput(
                "volumes", expected=f"1 to {VOLUMES_MAX}", got=f"{len(self.volumes)}"
            )


class Act(StrEnum):
    """What a step says, in the order that a call hopes for. It never means approval."""

    ACKNOWLEDGED = "acknowledged"
    ACTING = "acting"
    STOPPED = "stopped"
    STATED = "stated"
    CLOSED = "closed"


ANSWERS = frozenset({Act.ACKNOWLEDGED, Act.ACTING, Act.STOPPED})
"""Steps of whoever was called; the caller closes; both make statements."""


class IncidentStep(Struct, frozen=True, kw_only=True, tag="incident_step", omit_defaults=True):
    """A party's own word in a call: how far it is, or a statement."""

    source_id: SourceId
    party: PartyId
    incident: ObjectId
    act: Act
    text: FreeText = ""
    language: Language | None = None
    desk: PartyId | None = None


class DeskTold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A desk of which the caller may know that it was called."""

    party: PartyId | None = None
    desk: Desk | None = None


class CallerTold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the caller is told of who was called: what a check at the place would tell (R-02).

    Attributes:
        desks: Those that it may know of.
        everyone: All members were called.
        whole: Nobody was called but these. False where the caller's budget of such questions
            is spent: others may have been called, and nothing is said of it.
    """

    desks: Annotated[tuple[DeskTold, ...], Meta(max_length=DESKS_TOLD_MAX)] = ()
    everyone: bool = False
    whole: bool = True


class Call(Struct, frozen=True, kw_only=True, tag="call", omit_defaults=True):
    """The node's word that it calls a party about an incident, or calls it again.

    One object for each party and incident; each rung of the ladder is a version of it.

    Attributes:
        source_id: ``call_name`` of both.
        to: Who is called; or the caller, who is told what it may know.
        desks: Those of its duty desks that are called, by id.
        rung: 0 for the first call, then the number of the ladder's rung.
        opened: When the incident was opened.
        since: When this party was first called.
        at: When this was.
        told: For the caller.
    """

    source_id: SourceId
    incident: ObjectId
    to: PartyId
    opened: UtcTime
    since: UtcTime
    at: UtcTime
    desks: Annotated[tuple[PartyId, ...], Meta(max_length=100)] = ()
    rung: Annotated[int, Meta(ge=0, le=100)] = 0
    told: CallerTold | None = None

    def __post_init__(self) -> None:
        for what in ("opened", "since", "at"):
            check_time(getattr(self, what), what=what)


def call_name(incident: str, party: str) -> str:
    """What the node names the call of a party about an incident."""
    return f"{incident}.{party}"


class Taken(Struct, frozen=True, kw_only=True):
    """A step that is on record: which object, whose, and what it says."""

    object_id: str
    party: str
    act: Act


class Line(Struct, frozen=True, kw_only=True):
    """One incident as the record has it, without what it says.

    Attributes:
        incident: Its object.
        party: The caller; empty until the incident itself was read.
        calls: By party, the caller's own among them.
        steps: In the order of the record.
    """

    incident: str
    party: str = ""
    calls: Mapping[str, Call] = {}
    steps: tuple[Taken, ...] = ()

    @property
    def called(self) -> frozenset[str]:
        """Who was called."""
        return frozenset(self.calls) - {self.party}

    @property
    def answered(self) -> frozenset[str]:
        """Who, of those called, has said anything."""
        return frozenset(one.party for one in self.steps) - {self.party}

    @property
    def is_closed(self) -> bool:
        """Whether its caller closed it."""
        return any(one.act is Act.CLOSED for one in self.steps)

    def with_call(self, call: Call) -> "Line":
        """The line, and a call."""
        return replace(self, calls={**self.calls, call.to: call})

    def with_step(self, taken: Taken) -> "Line":
        """The line, and a step, or a later version of one."""
        rest = tuple(one for one in self.steps if one.object_id != taken.object_id)
        return replace(self, steps=(*rest, taken))


def question(incident: Incident, hotline: Hotline, now: datetime) -> Plan:
    """What is asked of the register: whatever is near the place now, or will be soon.

    At any altitude: a bomb comes from above, and an altitude that is wrong must not leave
    anybody out.
    """
    soon = now + timedelta(seconds=SOON_S)
    volumes = tuple(
        replace(
            one,
            lower_mm=None,
            upper_mm=None,
            start=None if one.start is None else min(one.start, now),
            end=None if one.end is None else max(one.end, soon),
        )
        if one.start is not None or one.end is not None
        else replace(one, lower_mm=None, upper_mm=None, start=now, end=soon)
        for one in incident.volumes
    )
    return Plan(
        source_id=incident.source_id,
        party=incident.party,
        volumes=volumes,
        hazard_mm=hotline.near_mm,
    )


def whom(near: Iterable[str], caller: str, everyone: Iterable[str]) -> tuple[str, ...]:
    """Who is called: whoever has something near, hidden or not; all members where nobody has."""
    found = set(near) - {caller}
    return tuple(sorted(found or set(everyone) - {caller}))


def members(agreement: Agreement, parties: Iterable[str]) -> frozenset[str]:
    """All whom a call may reach: the agreement's members that were admitted, or all parties."""
    admitted = frozenset(parties)
    return admitted & frozenset(agreement.members) if agreement.members else admitted


def desks_at(hotline: Hotline, party: Party | None, rung: int) -> tuple[str, ...]:
    """The desks of a party that are called at a rung: its first, and more with each."""
    desks = () if party is None else tuple(one.id for one in party.desks)
    count = 1
    for one in hotline.ladder[:rung]:
        count = count + 1 if one.rings is Rings.NEXT_DESK else len(desks)
    return desks[:count]


def first_call(
    incident: str,
    to: str,
    opened: datetime,
    now: datetime,
    hotline: Hotline,
    parties: Mapping[str, Party],
) -> Call:
    """The call of a party that was not called before."""
    return Call(
        source_id=call_name(incident, to),
        incident=incident,
        to=to,
        opened=opened,
        since=now,
        at=now,
        desks=desks_at(hotline, parties.get(to), 0),
    )


def due(
    line: Line, agreement: Agreement, parties: Mapping[str, Party], now: datetime
) -> Sequence[Call]:
    """The calls that are to be made by now, after all that is on record.

    Whoever has answered is not called again. That all members are called is asked once, by the
    time since the incident was opened, and only while nobody at all has answered.

    Args:
        line: As the record has it.
        agreement: With its ladder.
        parties: All that were admitted, by id.
        now: UTC.
    """
    own = line.calls.get(line.party)
    if own is None or line.is_closed:
        return ()
    hotline = agreement.hotline
    found = {
        to: _again(call, hotline, parties.get(to), rung, now)
        for to, call in line.calls.items()
        if to != line.party and to not in line.answered
        if (rung := _rung_at(hotline, call.since, now)) > call.rung
    }
    last = _rung_at(hotline, own.since, now)
    to_all = [
        number
        for number, one in enumerate(hotline.ladder[:last], start=1)
        if one.rings is Rings.ALL_MEMBERS and number > own.rung
    ]
    if to_all and not line.answered:
        told = replace(own.told or CallerTold(), everyone=True)
        found[line.party] = replace(own, rung=to_all[-1], at=now, told=told)
        for party in members(agreement, parties) - set(line.calls):
            found[party] = first_call(line.incident, party, own.opened, now, hotline, parties)
    return tuple(found[party] for party in sorted(found))


def next_due(line: Line, hotline: Hotline) -> datetime | None:
    """When the ladder's next rung is due, if nobody says anything until then; None for never."""
    if line.is_closed or not hotline.ladder:
        return None
    return min(_coming(line, hotline), default=None)


def _coming(line: Line, hotline: Hotline) -> Iterator[datetime]:
    for to, call in line.calls.items():
        own = to == line.party
        if line.answered if own else to in line.answered:
            continue
        for number, one in enumerate(hotline.ladder, start=1):
            if number > call.rung and (one.rings is Rings.ALL_MEMBERS or not own):
                yield call.since + timedelta(seconds=one.after_s)
                break


def _rung_at(hotline: Hotline, since: datetime, now: datetime) -> int:
    """The highest rung that is due."""
    passed_s = (now - since).total_seconds()
    return sum(one.after_s <= passed_s for one in hotline.ladder)


def _again(call: Call, hotline: Hotline, party: Party | None, rung: int, now: datetime) -> Call:
    return replace(call, rung=rung, at=now, desks=desks_at(hotline, party, rung))

"""The check: the question, its answer, and each reason within the answer.

A check informs and never permits (DESIGN section 1; H1, H24). ``judge`` is the
one function that decides a verdict; what meets what is measured before, by
detente.picture.
"""

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.party import Desk
from detente.core.plan import PLAN_PROTECTS, Plan
from detente.core.presence import Presence
from detente.core.release import Grade
from detente.core.volume import Circle, Corridor, Position, Volume
from detente.core.zone import Zone, ZoneRule

Protected = Notice | Presence | Zone | Plan
"""What a plan can meet."""


def protects(value: Protected) -> bool:
    """Whether others must reckon with it: all but what its author ended or only drafted."""
    if isinstance(value, Plan):
        return value.state in PLAN_PROTECTS
    return value.standing is Standing.IN_FORCE


def first_position(value: Protected) -> Position:
    """A position of it, longitude and latitude in 1e-7 degree: by which it is near or far."""
    if isinstance(value, Presence) and value.track is not None:
        return value.track.position
    shape = value.volumes[0].footprint[0]
    if isinstance(shape, Circle):
        return shape.centre
    return shape.line[0] if isinstance(shape, Corridor) else shape.rings[0][0]


class VerdictKind(StrEnum):
    """The four answers, in rising gravity; none of them permits (R-01)."""

    NO_KNOWN_CONFLICT = "no_known_conflict"
    COORDINATE = "coordinate"
    CONFLICT = "conflict"
    INCOMPLETE = "incomplete"


class Known(Struct, frozen=True, kw_only=True):
    """An entry as the picture holds it; ``object_id`` is empty for one from a file.

    ``token`` is the version token: whoever holds it knows of this very version.
    """

    value: Protected
    object_id: str = ""
    sequence: int = 0
    version: int = 0
    token: str = ""


class Source(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something the check asked, and what was wrong with it, if anything.

    Attributes:
        name: A file's name, a store's path, a feed.
        problem: Why it could not be asked in full: missing, unreadable, cut
            short, too old. None if nothing was wrong.
        unplaced: Rows that it names but that could not be placed.
        lacks: What it never holds and was not asked for elsewhere: found there or not, it
            says nothing of that.
        as_of: When it was last known to be current.
    """

    name: str
    problem: str | None = None
    unplaced: int = 0
    as_of: datetime | None = None
    lacks: str | None = None


class Meeting(Struct, frozen=True, gc=False):
    """One measured meeting of a plan with one known entry (its nearest part)."""

    known: Known
    distance_m: float
    distance_error_m: float
    separation_m: float
    start: datetime | None
    end: datetime | None


class Finding(Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """One reason within a verdict.

    ``distance_m`` is from footprint to footprint, 0 where they meet, true
    within ``distance_error_m``; both metres. ``start`` and ``end`` (in JSON:
    ``from``, ``to``) bound the time that both share; None is unbounded. ``call`` is
    the desk to call, where a node answers that knows the parties (M1).
    """

    rule: str
    kind: str
    id: str
    name: str
    category: str
    distance_m: float
    distance_error_m: float
    separation_m: float
    start: datetime | None
    end: datetime | None
    severity: VerdictKind
    party: str | None = None
    desk: str | None = None
    stale: bool = False
    disputed: bool = False
    object: str | None = None
    call: Desk | None = None


class Withheld(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding of which the asker may see only so much (R-02).

    ``severity`` is what it does to the verdict. With grade ``area``: what kind of
    entry, whose, and a coarsened area. With ``contact``: whose desk to call. With
    neither: the agreement's desk, or the author's where there is none.
    """

    severity: VerdictKind
    desk: Desk | None
    grade: Grade | None = None
    party: str | None = None
    rule: str | None = None
    kind: str | None = None
    category: str | None = None
    object: str | None = None
    area: tuple[Volume, ...] = ()


class Counts(Struct, frozen=True, kw_only=True):
    """Stale entries in the picture at ``as_of``, and findings withheld from the asker."""

    stale: int = 0
    withheld: int = 0


class Verdict(Struct, frozen=True, kw_only=True):
    """The answer to one plan.

    ``sequence`` is the register's version: the number of entries in the record
    on which the answer stands (0 where files were asked and no store).
    """

    plan: str
    verdict: VerdictKind
    as_of: datetime
    sequence: int
    counts: Counts
    findings: tuple[Finding, ...]
    sources: tuple[Source, ...] = ()
    withheld: tuple[Withheld, ...] = ()


_ZONE_RULES = {
    ZoneRule.NO_ACTIVITY: ("R-14", VerdictKind.CONFLICT),
    ZoneRule.COORDINATE_FIRST: ("R-15", VerdictKind.COORDINATE),
    ZoneRule.CORRIDOR: ("R-16", VerdictKind.COORDINATE),
    ZoneRule.BOUNDARY: ("R-17", VerdictKind.COORDINATE),
}


def rule_of(value: Protected) -> tuple[str, str, VerdictKind]:
    """Rule number, kind and gravity of meeting this entry (docs/rules/)."""
    match value:
        case Notice():
            return "R-12", "notice", VerdictKind.CONFLICT
        case Presence():
            return "R-13", "presence", VerdictKind.CONFLICT
        case Plan():
            return "R-18", "plan", VerdictKind.CONFLICT
        case Zone():  # pragma: no branch - mypy knows that these are all
            rule, severity = _ZONE_RULES[value.rule]
            return rule, "zone", severity


_GRAVITY = {kind: number for number, kind in enumerate(VerdictKind)}


def finding(meeting: Meeting, *, now: datetime) -> Finding:
    """The reason that a meeting is."""
    value = meeting.known.value
    rule, kind, severity = rule_of(value)
    stale, disputed = False, False
    if not isinstance(value, Plan):
        stale, disputed = value.is_stale(now), value.disputed
    return Finding(
        rule=rule,
        kind=kind,
        id=value.source_id,
        name=value.name or value.source_id,
        category=value.category,
        distance_m=round(meeting.distance_m, 3),
        # Rounding the distance to the millimetre may add half of one to its error.
        distance_error_m=math.ceil(meeting.distance_error_m * 1_000 + 0.5) / 1_000,
        separation_m=meeting.separation_m,
        start=meeting.start,
        end=meeting.end,
        severity=severity,
        party=value.party,
        desk=value.desk,
        stale=stale,
        disputed=disputed,
        object=meeting.known.object_id or None,
    )


def gravest_first(found: Finding) -> tuple[object, ...]:
    """The order of findings: gravity, then distance beyond what is asked, then name.

    Total, so that the same question always gets the same answer.
    """
    return (
        -_GRAVITY[found.severity],
        found.distance_m - found.separation_m,
        found.rule,
        found.id,
        found.party or "",
        found.object or "",
    )


def shows_all(meeting: Meeting) -> Withheld | None:  # noqa: ARG001
    """Withholds nothing: for whoever holds the register's file itself."""
    return None


def _of_withheld(one: Withheld) -> tuple[int, bytes]:
    """A total order that follows nothing but what the asker may see."""
    return -_GRAVITY[one.severity], msgspec.json.encode(one, order="sorted")


def decide(gravities: Sequence[VerdictKind], sources: Sequence[Source]) -> VerdictKind:
    """What an answer is, by all that was found and all that was asked.

    1. A source that could not be asked in full makes it ``incomplete``.
    2. Else the gravest finding decides.
    3. Without findings, entries that could not be placed still make it
       ``incomplete``: what has no known place may be anywhere. So does what a
       source never holds.

    Source:
        docs/rules/R-01.md; docs/adr/0009, 0028.
    """
    if any(source.problem for source in sources):
        return VerdictKind.INCOMPLETE
    if gravities:
        return max(gravities, key=_GRAVITY.__getitem__)
    if any(source.unplaced or source.lacks for source in sources):
        return VerdictKind.INCOMPLETE
    return VerdictKind.NO_KNOWN_CONFLICT


def judge(  # noqa: PLR0913 - a verdict stands on all of these
    plan: Plan,
    meetings: Sequence[Meeting],
    sources: Sequence[Source],
    *,
    now: datetime,
    sequence: int,
    stale: int,
    withhold: Callable[[Meeting], Withheld | None] = shows_all,
) -> Verdict:
    """Decide one verdict, failing closed (``decide``).

    Args:
        plan: What was asked.
        meetings: Everything measured to meet it, at most one an entry.
        sources: Everything that was asked, whole or not.
        now: UTC; decides what is stale.
        sequence: Register version.
        stale: How many entries of the picture are stale at ``now``.
        withhold: What the asker may see instead of a finding; None where he may
            see the finding itself.

    Source:
        docs/rules/R-01.md, docs/rules/R-03.md; docs/adr/0009.
    """
    cut = [(meeting, withhold(meeting)) for meeting in meetings]
    findings = sorted(
        (finding(meeting, now=now) for meeting, withheld in cut if withheld is None),
        key=gravest_first,
    )
    hidden = sorted((one for _, one in cut if one is not None), key=_of_withheld)
    gravities = [one.severity for one in findings[:1]] + [one.severity for one in hidden]
    return Verdict(
        plan=plan.source_id,
        verdict=decide(gravities, sources),
        as_of=now,
        sequence=sequence,
        counts=Counts(stale=stale, withheld=len(hidden)),
        findings=tuple(findings),
        sources=tuple(
            source for source in sources if source.problem or source.unplaced or source.lacks
        ),
        withheld=tuple(hidden),
    )

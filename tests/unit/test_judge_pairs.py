"""What is said of all pairs at once: fail closed, the gravest first, nothing left out (R-01)."""

from datetime import UTC, datetime

import pytest

from detente.core.check import Known, Meeting, Source, VerdictKind
from detente.core.conflicts import Conflicts, judge_pairs
from detente.core.plan import Plan, PlanState
from detente.core.volume import Circle, Volume
from detente.doors.conflicts_text import json_lines, sentence

NOW = datetime(2025, 1, 8, 12, tzinfo=UTC)
HERE = (Volume(footprint=(Circle(centre=(0, 0)),)),)


def plan(name: str, party: str | None = None) -> Known:
    value = Plan(source_id=name, party=party, volumes=HERE, state=PlanState.ACCEPTED)
    return Known(value=value, object_id=f"object {name}")


def pair(one: str, other: str, distance_m: float = 0.0) -> tuple[Known, Meeting]:
    meeting = Meeting(
        known=plan(other, "two"), distance_m=distance_m, distance_error_m=0.05,
        separation_m=100.0, start=None, end=NOW,
    )  # fmt: skip
    return plan(one, "one"), meeting


def judged(*found: tuple[Known, Meeting], sources: tuple[Source, ...] = ()) -> Conflicts:
    return judge_pairs(found, sources, now=NOW, sequence=7, plans=5)


WHOLE = Source(name="register")
BROKEN = Source(name="list", problem="could not be asked")
UNPLACED = Source(name="table", unplaced=2)


@pytest.mark.parametrize(
    ("pairs", "sources", "verdict"),
    [
        ((), (WHOLE,), VerdictKind.NO_KNOWN_CONFLICT),
        ((pair("a", "b"),), (WHOLE,), VerdictKind.CONFLICT),
        ((), (WHOLE, BROKEN), VerdictKind.INCOMPLETE),
        ((pair("a", "b"),), (BROKEN,), VerdictKind.INCOMPLETE),
        ((), (UNPLACED,), VerdictKind.INCOMPLETE),
        ((pair("a", "b"),), (UNPLACED,), VerdictKind.CONFLICT),
    ],
)
def test_the_answer_fails_closed(
    pairs: tuple[tuple[Known, Meeting], ...], sources: tuple[Source, ...], verdict: VerdictKind
) -> None:
    answer = judged(*pairs, sources=sources)
    assert answer.verdict is verdict
    assert len(answer.pairs) == len(pairs)
    assert answer.sources == tuple(one for one in sources if one is not WHOLE)


def test_nearest_pairs_come_first_whatever_their_order_was() -> None:
    some = [pair("c", "d", 50.0), pair("b", "d"), pair("a", "d")]
    told = [(one.plan, one.meets.id, one.meets.distance_m) for one in judged(*some).pairs]
    assert told == [("a", "d", 0.0), ("b", "d", 0.0), ("c", "d", 50.0)]
    assert judged(*some) == judged(*some[::-1])


def test_each_of_the_two_is_named_with_its_party() -> None:
    (one,) = judged(pair("a", "b")).pairs
    assert (one.plan, one.party, one.object) == ("a", "one", "object a")
    assert (one.meets.id, one.meets.party, one.meets.object) == ("b", "two", "object b")
    assert (one.meets.rule, one.meets.end) == ("R-18", NOW)


def test_lines_begin_with_how_many_there_are() -> None:
    first, *lines = json_lines(judged(pair("a", "b"), pair("a", "c"))).splitlines()
    assert b'"pairs":2' in first
    assert len(lines) == 2
    text = sentence(judged())
    assert text.startswith("no known conflict, 0 pairs among 5 plans, register version 7")

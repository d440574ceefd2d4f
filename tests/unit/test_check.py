"""The one function that decides a verdict, and its answers in words and JSON."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations

import msgspec
import pytest

from detente.core.check import (
    Known,
    Meeting,
    Source,
    Verdict,
    VerdictKind,
    Withheld,
    judge,
    rule_of,
)
from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.party import Desk
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.release import Grade
from detente.core.volume import Circle, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors import answer
from world import NOW, site

HERE = (Volume(footprint=(Circle(centre=(0, 0)),)),)
PLAN = Plan(source_id="p", volumes=HERE)
ZONES = {
    rule: Zone(source_id=rule, name=rule.title(), party="one", rule=rule, volumes=HERE)
    for rule in ZoneRule
}


def meeting(
    value: Notice | Zone | Presence | Plan, distance_m: float = 0.0, separation_m: float = 100.0
) -> Meeting:
    return Meeting(
        known=Known(value=value, object_id="", sequence=0),
        distance_m=distance_m,
        distance_error_m=0.05,
        separation_m=separation_m,
        start=None,
        end=NOW,
    )


def judged(*meetings: Meeting, sources: tuple[Source, ...] = (), now: datetime = NOW) -> Verdict:
    return judge(PLAN, meetings, sources, now=now, sequence=7, stale=2)


def test_nothing_met_is_no_known_conflict_and_nothing_more() -> None:
    found = judged(sources=(Source(name="a.csv"),))
    assert found.verdict is VerdictKind.NO_KNOWN_CONFLICT
    assert (found.sequence, found.counts.stale, found.sources) == (7, 2, ())


@pytest.mark.parametrize(
    ("value", "rule", "severity"),
    [
        (site(), "R-12", VerdictKind.CONFLICT),
        (Presence(source_id="1", name="A", volumes=HERE), "R-13", VerdictKind.CONFLICT),
        (ZONES[ZoneRule.NO_ACTIVITY], "R-14", VerdictKind.CONFLICT),
        (ZONES[ZoneRule.COORDINATE_FIRST], "R-15", VerdictKind.COORDINATE),
        (ZONES[ZoneRule.CORRIDOR], "R-16", VerdictKind.COORDINATE),
        (ZONES[ZoneRule.BOUNDARY], "R-17", VerdictKind.COORDINATE),
        (Plan(source_id="q", volumes=HERE), "R-18", VerdictKind.CONFLICT),
    ],
)
def test_each_kind_has_its_rule_and_gravity(
    value: Notice | Zone | Presence | Plan, rule: str, severity: VerdictKind
) -> None:
    found = judged(meeting(value))
    assert found.verdict is severity
    assert (found.findings[0].rule, found.findings[0].severity) == (rule, severity)


def test_a_source_that_could_not_be_asked_outweighs_all() -> None:
    broken = Source(name="b.csv", problem="could not be asked")
    for meetings in ((), (meeting(site()),)):
        found = judged(*meetings, sources=(Source(name="a.csv"), broken))
        assert found.verdict is VerdictKind.INCOMPLETE
        assert found.sources == (broken,)
        assert len(found.findings) == len(meetings)


def test_rows_without_a_place_may_be_anywhere() -> None:
    partial = Source(name="c.csv", unplaced=3)
    assert judged(sources=(partial,)).verdict is VerdictKind.INCOMPLETE
    assert judged(meeting(site()), sources=(partial,)).verdict is VerdictKind.CONFLICT


def test_the_gravest_comes_first_in_a_stable_order() -> None:
    meetings = [
        meeting(ZONES[ZoneRule.BOUNDARY], 0.0),
        meeting(site("far"), 90.0),
        meeting(site("near"), 10.0),
        meeting(site("also near"), 10.0),
        meeting(site("wide"), 200.0, separation_m=1_000.0),
    ]
    order = [found.id for found in judged(*meetings).findings]
    assert order == ["wide", "also near", "near", "far", "boundary"]
    assert [found.id for found in judged(*reversed(meetings)).findings] == order


def test_stale_and_disputed_entries_protect_as_before_and_are_marked() -> None:
    old = site(review_due=NOW - timedelta(days=1), disputed=True)
    [found] = judged(meeting(old)).findings
    assert (found.stale, found.disputed, found.severity) == (True, True, VerdictKind.CONFLICT)
    [fresh] = judged(meeting(site(review_due=NOW))).findings
    assert (fresh.stale, fresh.disputed) == (False, False)


def test_numbers_are_rounded_so_that_the_error_still_covers_the_truth() -> None:
    rough = msgspec.structs.replace(meeting(site()), distance_m=12.345_6, distance_error_m=0.050_1)
    [found] = judged(rough).findings
    assert (found.distance_m, found.distance_error_m) == (12.346, 0.051)


def withheld(severity: VerdictKind, **parts: object) -> Withheld:
    return Withheld(severity=severity, desk=None, **parts)  # type: ignore[arg-type] # its own


def judged_by(*meetings: Meeting, withhold: Callable[[Meeting], Withheld | None]) -> Verdict:
    return judge(PLAN, meetings, (), now=NOW, sequence=7, stale=2, withhold=withhold)


def test_what_is_withheld_decides_as_if_it_were_shown() -> None:
    """R-02: the verdict is the same, whoever asks; the reasons are not."""
    values = (ZONES[ZoneRule.BOUNDARY], site())
    for count in (1, 2):
        meetings = [meeting(value) for value in values[:count]]
        shown = judged(*meetings)
        hidden = judged_by(*meetings, withhold=lambda one: withheld(rule_of(one.known.value)[2]))
        assert hidden.verdict is shown.verdict
        assert (hidden.findings, hidden.counts.withheld) == ((), count)
        assert shown.withheld == ()
    # The gravest decides, whether it is withheld or shown.
    mixed = judged_by(
        *(meeting(value) for value in values),
        withhold=lambda one: (
            withheld(VerdictKind.CONFLICT) if isinstance(one.known.value, Notice) else None
        ),
    )
    assert mixed.verdict is VerdictKind.CONFLICT
    assert [found.kind for found in mixed.findings] == ["zone"]
    assert mixed.counts.withheld == 1


def test_the_order_of_what_is_withheld_follows_only_what_is_told_of_it() -> None:
    told = [
        withheld(VerdictKind.COORDINATE, party="b"),
        withheld(VerdictKind.CONFLICT, party="b"),
        withheld(VerdictKind.CONFLICT, party="a", grade=Grade.CONTACT),
        Withheld(severity=VerdictKind.CONFLICT, desk=Desk(id="d", name="X")),
        Withheld(severity=VerdictKind.CONFLICT, desk=Desk(id="d", name="Y")),
    ]
    names = [f"{number}" for number in range(len(told))]
    by_name = dict(zip(names, told, strict=True))
    orders = set()
    for order in permutations(names):
        found = judged_by(
            *(meeting(site(name)) for name in order),
            withhold=lambda one: by_name[one.known.value.source_id],
        )
        orders.add(found.withheld)
    [only] = orders
    assert [one.severity for one in only][-1] is VerdictKind.COORDINATE


def test_the_answer_in_json_is_one_line_in_the_agreed_form() -> None:
    line = answer.json_line(judged(meeting(site(desk="night"))))
    assert b"\n" not in line
    found = msgspec.json.decode(line)
    assert list(found)[:6] == ["plan", "verdict", "as_of", "sequence", "counts", "findings"]
    assert found["counts"] == {"stale": 2, "withheld": 0}
    assert list(found["findings"][0])[:10] == [
        "rule", "kind", "id", "name", "category",
        "distance_m", "distance_error_m", "separation_m", "from", "to",
    ]  # fmt: skip
    assert (found["findings"][0]["from"], found["findings"][0]["to"]) == (
        None,
        "2025-01-08T12:00:00Z",
    )
    assert found["findings"][0]["desk"] == "night"


def test_the_answer_in_words_informs_and_never_permits() -> None:
    texts = [
        answer.sentence(judged()),
        answer.sentence(judged(meeting(site()), sources=(Source(name="c.csv", unplaced=1),))),
    ]
    assert texts[0] == (
        "no known conflict, register version 7, as of 2025-01-08T12:00:00Z, "
        "2 entries stale, 0 withheld"
    )
    assert "1 row refused: where those places are is unknown" in texts[1]
    for text in texts:
        for word in ("safe", "clear", "approve", "permit", "allow"):
            assert word not in text.lower()


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([], 0),
        (["no_known_conflict"], 0),
        (["no_known_conflict", "coordinate"], 1),
        (["conflict"], 1),
        (["conflict", "incomplete"], 3),
    ],
)
def test_exit_statuses(kinds: list[str], status: int) -> None:
    verdicts = [msgspec.structs.replace(judged(), verdict=VerdictKind(kind)) for kind in kinds]
    assert answer.exit_status(verdicts) == status


def test_withdrawn_entries_are_not_in_the_picture() -> None:
    from detente.picture import Picture  # noqa: PLC0415 - the kernels, for this test only

    known = [
        Known(value=site("a")),
        Known(value=site("b", standing=Standing.WITHDRAWN)),
        Known(value=Plan(source_id="draft", volumes=HERE)),
    ]
    picture = Picture(known)
    assert len(picture) == 1
    assert [m.known.value.source_id for m in picture.meetings([PLAN])[0]] == ["a"]
    assert Picture([]).meetings([PLAN]) == [[]]
    assert picture.meetings([]) == []

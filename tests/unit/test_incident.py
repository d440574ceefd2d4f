"""The hotline's pure rules: whom a call reaches, and what its ladder owes at any time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from detente.core.agreement import Agreement, Hotline, Rings, Rung
from detente.core.incident import (
    MESSAGES,
    VOLUMES_MAX,
    Act,
    Call,
    CallerTold,
    Code,
    Incident,
    Line,
    Taken,
    call_name,
    desks_at,
    due,
    first_call,
    members,
    next_due,
    question,
    whom,
)
from detente.core.party import Desk, Party
from detente.core.volume import Circle, Volume
from detente.errors import MalformedInput

OPENED = datetime(2026, 11, 28, 2, 8, tzinfo=UTC)
DESKS = tuple(Desk(id=name, name=name) for name in ("watch", "air", "chief"))
PARTIES = {
    name: Party(id=name, name=name, desks=DESKS) for name in ("caller", "near", "far", "away")
}
TERMS = Agreement(name="test", members=("caller", "near", "far"))
HERE = (Volume(footprint=(Circle(centre=(0, 0), radius_mm=50_000),)),)
ID = "ab" * 16


def seconds(count: float) -> datetime:
    return OPENED + timedelta(seconds=count)


def opened(*to: str) -> Line:
    """A line on which these were called when it was opened."""
    line = Line(incident=ID, party="caller")
    for name in to:
        line = line.with_call(first_call(ID, name, OPENED, OPENED, TERMS.hotline, PARTIES))
    own = first_call(ID, "caller", OPENED, OPENED, TERMS.hotline, {})
    return line.with_call(replace(own, told=CallerTold()))


def step(party: str, act: Act, name: str = "1") -> Taken:
    return Taken(object_id=name, party=party, act=act)


def climbed(line: Line, now: datetime, terms: Agreement = TERMS) -> tuple[Line, list[Call]]:
    """What is due by now, and the line after it."""
    calls = list(due(line, terms, PARTIES, now))
    for one in calls:
        line = line.with_call(one)
    return line, calls


def test_each_code_has_words() -> None:
    assert set(MESSAGES) == set(Code)
    assert MESSAGES[Code.STOP_HITTING_US].startswith("STOP")


def test_a_call_is_about_somewhere() -> None:
    for volumes in ((), HERE * (VOLUMES_MAX + 1)):
        with pytest.raises(MalformedInput, match="volumes"):
            Incident(source_id="1", party="caller", code=Code.OTHER, volumes=volumes)


def test_a_ladder_rises() -> None:
    twice = Rung(after_s=60, rings=Rings.NEXT_DESK)
    with pytest.raises(MalformedInput, match="ladder"):
        Hotline(ladder=(twice, twice))
    with pytest.raises(MalformedInput, match="ladder"):
        Hotline(ladder=tuple(Rung(after_s=1 + n, rings=Rings.NEXT_DESK) for n in range(11)))


def test_whom() -> None:
    assert whom({"near", "caller"}, "caller", PARTIES) == ("near",)
    assert whom({"caller"}, "caller", PARTIES) == ("away", "far", "near")
    assert members(TERMS, PARTIES) == {"caller", "near", "far"}
    assert members(Agreement(name="all"), PARTIES) == set(PARTIES)


def test_more_desks_with_each_rung() -> None:
    party, line = PARTIES["near"], TERMS.hotline
    assert [desks_at(line, party, rung) for rung in range(4)] == [
        ("watch",), ("watch", "air"), ("watch", "air", "chief"), ("watch", "air", "chief"),
    ]  # fmt: skip
    assert desks_at(line, None, 2) == ()
    assert desks_at(line, Party(id="near", name="near"), 0) == ()


def test_what_is_asked_takes_any_altitude_and_the_next_minutes() -> None:
    low = replace(HERE[0], lower_mm=0, upper_mm=1_000, start=seconds(3_600), end=seconds(3_700))
    ended = replace(HERE[0], end=seconds(-3_600))
    incident = Incident(source_id="1", party="caller", code=Code.OTHER, volumes=(*HERE, low, ended))
    asked = question(incident, TERMS.hotline, OPENED)
    assert asked.hazard_mm == TERMS.hotline.near_mm
    assert [(one.lower_mm, one.upper_mm) for one in asked.volumes] == [(None, None)] * 3
    windows = [(one.start, one.end) for one in asked.volumes]
    assert windows == [
        (OPENED, seconds(600)), (OPENED, seconds(3_700)), (None, seconds(600)),
    ]  # fmt: skip


def test_the_ladder() -> None:
    line = opened("near")
    assert climbed(line, seconds(59.9))[1] == []
    assert next_due(line, TERMS.hotline) == seconds(60)
    line, [next_desk] = climbed(line, seconds(61))
    assert (next_desk.rung, next_desk.desks) == (1, ("watch", "air"))
    assert (next_desk.at, next_desk.since, next_desk.opened) == (seconds(61), OPENED, OPENED)
    assert climbed(line, seconds(61))[1] == []
    line, [all_desks] = climbed(line, seconds(120))
    assert (all_desks.rung, all_desks.desks) == (2, ("watch", "air", "chief"))
    line, everyone = climbed(line, seconds(300))
    assert {one.to: one.rung for one in everyone} == {"caller": 3, "near": 3, "far": 0}
    own = line.calls["caller"]
    assert own.told is not None
    assert own.told.everyone
    assert line.called == {"near", "far"}
    assert next_due(line, TERMS.hotline) == seconds(360)  # Of far, called at 300.


def test_rungs_that_were_missed_are_taken_at_once() -> None:
    _, calls = climbed(opened("near"), seconds(10_000))
    assert {one.to: (one.rung, one.at) for one in calls} == {
        "caller": (3, seconds(10_000)), "near": (3, seconds(10_000)), "far": (0, seconds(10_000)),
    }  # fmt: skip


@pytest.mark.parametrize("act", [Act.ACKNOWLEDGED, Act.ACTING, Act.STOPPED, Act.STATED])
def test_who_answers_is_not_called_again(act: Act) -> None:
    line = opened("near", "far").with_step(step("near", act))
    line, calls = climbed(line, seconds(1_000))
    assert [one.to for one in calls] == ["far"]  # And not all members: somebody has answered.
    assert next_due(line, TERMS.hotline) is None


def test_the_caller_does_not_answer_itself() -> None:
    line = opened("near").with_step(step("caller", Act.STATED))
    assert {one.to for one in due(line, TERMS, PARTIES, seconds(300))} == {"caller", "near", "far"}


def test_closed() -> None:
    line = opened("near").with_step(step("caller", Act.CLOSED))
    assert due(line, TERMS, PARTIES, seconds(1_000)) == ()
    assert next_due(line, TERMS.hotline) is None


def test_a_later_version_of_a_step_stands_in_its_place() -> None:
    line = opened("near").with_step(step("near", Act.STATED)).with_step(step("near", Act.STATED))
    assert len(line.steps) == 1


def test_a_line_that_is_read_in_part_owes_nothing() -> None:
    assert due(Line(incident=ID, party="caller"), TERMS, PARTIES, seconds(1_000)) == ()


def test_without_a_ladder_nobody_is_called_again() -> None:
    terms = replace(TERMS, hotline=Hotline(ladder=()))
    assert due(opened("near"), terms, PARTIES, seconds(1_000)) == ()
    assert next_due(opened("near"), terms.hotline) is None


def test_names_of_calls() -> None:
    assert call_name(ID, "near") == f"{ID}.near"


@given(
    st.lists(st.floats(0, 900), min_size=1, max_size=8),
    st.lists(st.integers(1, 600), min_size=1, max_size=5, unique=True),
    st.data(),
)
def test_whenever_the_clock_is_looked_at_the_same_rung_is_reached(
    looks: list[float], times: list[int], data: st.DataObject
) -> None:
    rings = data.draw(st.lists(st.sampled_from(Rings), min_size=len(times), max_size=len(times)))
    ladder = tuple(
        Rung(after_s=at, rings=one) for at, one in zip(sorted(times), rings, strict=True)
    )
    terms = replace(TERMS, hotline=Hotline(ladder=ladder))
    often = once = opened("near")
    for look in sorted(looks):
        awaited = next_due(often, terms.hotline)
        often, calls = climbed(often, seconds(look), terms)
        # Whoever sleeps until the next call is due misses none, and makes none for nothing.
        assert bool(calls) == (awaited is not None and awaited <= seconds(look))
    once, _ = climbed(once, seconds(max(looks)), terms)
    assert often.calls["near"].rung == once.calls["near"].rung
    assert often.calls["near"].desks == once.calls["near"].desks
    assert often.called == once.called

"""When alerts begin, go on and end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.alerts import Alert, Key, Level, Step, Terms, step
from detente.core.watch import Approach, Observed, check_horizon, latest
from detente.errors import MalformedInput

T0 = datetime(2026, 1, 1, tzinfo=UTC)
TERMS = Terms(lead_s=300, end_lead_s=420, hold_s=30, silent_s=60)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def near(time_s: float, track: str = "t", entry: str = "e") -> Approach:
    return Approach(track=track, entry=entry, distance_m=100.0, distance_error_m=0.1,
                    separation_m=50.0, time_s=time_s)  # fmt: skip


class Desk:
    """Ticks one after another."""

    def __init__(self) -> None:
        self.standing: dict[Key, Alert] = {}

    def tick(
        self, second: float, *found: Approach, seen: float | None = None, over: tuple[str, ...] = ()
    ) -> Step:
        seen_at = {"t": at(second if seen is None else seen)}
        out = step(self.standing, found, seen_at, now=at(second), terms=TERMS, over=over)
        self.standing = out.standing
        return out


def test_an_alert_begins_at_the_lead_and_rises_to_a_violation() -> None:
    desk = Desk()
    assert desk.tick(0, near(301)).begun == ()
    (begun,) = desk.tick(1, near(300)).begun
    assert (begun.level, begun.begun) == (Level.WARNING, at(1))
    after = desk.tick(300, near(0))
    assert [one.level for one in after.raised] == [Level.VIOLATION]
    assert after.continuing == after.raised
    again = desk.tick(301, near(0))
    assert again.raised == ()


def test_a_violation_that_nobody_saw_coming_is_one_at_once() -> None:
    (begun,) = Desk().tick(0, near(0)).begun
    assert begun.level is Level.VIOLATION


def test_a_level_never_falls() -> None:
    desk = Desk()
    desk.tick(0, near(0))
    assert desk.tick(1, near(200)).continuing[0].level is Level.VIOLATION


def test_to_and_fro_within_the_band_is_one_alert() -> None:
    desk = Desk()
    desk.tick(0, near(299))
    for second in range(1, 600):
        out = desk.tick(second, near(299 if second % 2 else 419))
        assert (out.begun, out.ended) == ((), ())


def test_it_ends_once_all_observations_of_the_hold_say_so() -> None:
    desk = Desk()
    desk.tick(0, near(10))
    assert not desk.tick(10, near(421)).ended
    assert not desk.tick(39).ended
    desk.tick(39.5, near(420))  # the band is closed: back in it
    assert not desk.tick(40).ended
    assert not desk.tick(69).ended
    (ended,) = desk.tick(70).ended
    assert ended.approach == near(420)
    assert desk.standing == {}


def test_silence_ends_nothing_and_is_an_alert_of_its_own() -> None:
    desk = Desk()
    desk.tick(0, near(10))
    desk.tick(1)
    assert not desk.tick(60, seen=1).begun
    out = desk.tick(62, seen=1)
    assert [(one.entry, one.level) for one in out.begun] == [(None, Level.LOST)]
    for second in range(63, 4_000, 60):
        assert not desk.tick(second, seen=1).ended
    # Heard of again: both end only once it has been heard of for a while.
    assert not desk.tick(4_000).ended
    assert not desk.tick(4_029).ended
    ended = desk.tick(4_030).ended
    assert {one.level for one in ended} == {Level.LOST, Level.WARNING}


def test_a_track_of_which_nothing_is_said_is_lost() -> None:
    desk = Desk()
    desk.tick(0, near(10))
    out = step(desk.standing, [], {}, now=at(500), terms=TERMS)
    assert [(one.track, one.level) for one in out.begun] == [("t", Level.LOST)]
    assert len(out.continuing) == 1


def test_the_clock_alone_ends_nothing() -> None:
    """Ticks come faster than observations: one observation is one word, however often asked."""
    desk = Desk()
    desk.tick(0, near(10))
    for second in range(1, 59):
        assert not desk.tick(second, seen=1).ended


@pytest.mark.parametrize("over", ["t", "e"])
def test_what_is_over_has_no_alerts(over: str) -> None:
    desk = Desk()
    desk.tick(0, near(10))
    out = desk.tick(500, near(0), seen=0, over=(over,))
    assert [one.entry for one in out.ended] == ["e"]
    assert [one.level for one in out.begun] == ([] if over == "t" else [Level.LOST])


def test_times_are_utc_and_the_band_is_no_band_upside_down() -> None:
    with pytest.raises(MalformedInput, match="end_lead_s"):
        Terms(lead_s=300, end_lead_s=299)
    with pytest.raises(MalformedInput, match="now"):
        step({}, [], {}, now=datetime(2026, 1, 1), terms=TERMS)  # noqa: DTZ001


ticks = st.lists(
    st.tuples(
        st.integers(1, 40),  # seconds since the last tick
        st.one_of(st.none(), st.sampled_from([0.0, 1.0, 299.0, 300.0, 301.0, 420.0, 421.0])),
        st.booleans(),  # whether it was observed since
    ),
    max_size=60,
)


@given(some=ticks)
@settings(max_examples=500, deadline=None)
def test_alerts_as_a_plain_history_has_them(
    some: list[tuple[int, float | None, bool]],
) -> None:
    """Every violation is in an alert; none ends but after a hold of observations beyond."""
    standing: dict[Key, Alert] = {}
    now, seen = 0, 0
    within_at = -(10**6)  # the last observation that was within the band, or silence after it
    for wait, time_s, heard in some:
        now += wait
        seen = now if heard else seen
        found = [] if time_s is None else [near(time_s)]
        before = ("t", "e") in standing
        out = step(standing, found, {"t": at(seen)}, now=at(now), terms=TERMS)
        standing = out.standing
        stands = ("t", "e") in standing
        if time_s is not None and time_s <= 300:
            assert stands
            assert (standing["t", "e"].level is Level.VIOLATION) or time_s > 0
        within = time_s is not None and time_s <= 420
        if before and not stands:
            assert not within
            assert seen - within_at >= 30
            assert now - seen <= 60
        if not before and stands:
            assert time_s is not None
            assert time_s <= 300
        if within or now - seen > 60:
            within_at = seen
        assert (("t", None) in standing) or now - seen <= 60
        assert not {(one.track, one.entry) for one in out.ended} & set(standing)


def test_an_observed_track_is_whole() -> None:
    parts = {"track": "t", "position": (0, 0), "accuracy_mm": 0, "drift_mm_s": 0}
    with pytest.raises(MalformedInput, match="speed and course"):
        Observed(**parts, time=T0, speed_mm_s=1)  # type: ignore[arg-type]
    with pytest.raises(MalformedInput, match="lower at most upper"):
        Observed(**parts, time=T0, lower_mm=1, upper_mm=0)  # type: ignore[arg-type]
    with pytest.raises(MalformedInput, match="time of a track"):
        Observed(**parts, time=datetime(2026, 1, 1))  # type: ignore[arg-type] # noqa: DTZ001
    check_horizon(600)
    with pytest.raises(MalformedInput, match="horizon"):
        check_horizon(float("nan"))


def test_the_latest_of_each_track() -> None:
    old, new, other = (
        Observed(track=track, time=at(second), position=(0, 0), accuracy_mm=0, drift_mm_s=0)
        for track, second in (("t", 0), ("t", 1), ("u", 0))
    )
    assert latest([new, old, other]) == {"t": new, "u": other}
    assert latest([old, new]) == {"t": new}

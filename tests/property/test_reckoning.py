"""A false course is flagged, and one that is flown is not (ADR 36).

The judge flies: each second he moves along pyproj's geodesics, and what is reported is his own
course, one that is seconds old as receivers have it, or another.
"""

from datetime import timedelta
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.doubts import Doubt, Doubting, Judged, on_any_course
from detente.core.heard import BOUNDS, Craft, drift_of
from detente.core.reckoning import LEAST, MARKS, SPAN_S, Reckoning
from detente.core.volume import E7_PER_DEG, MM_PER_M
from detente.core.watch import Observed
from judge import GEOD
from recorded_tracks import NOON

LATE_S = 10
"""Receivers join a velocity to a position that is as much older (detente.doors.feeds.sbs)."""


class Flight(NamedTuple):
    """A second each: longitude, latitude, course."""

    lon: float
    lat: float
    course: float


def flown(lat: float, course: float, turn: float, speed_m_s: float, seconds: int) -> list[Flight]:
    out = [Flight(36.0, lat, course)]
    for _ in range(seconds):
        last = out[-1]
        on = (last.course + turn) % 360
        middle = last.course + turn / 2
        lon, lat, _ = GEOD.fwd(last.lon, last.lat, middle, speed_m_s)
        out.append(Flight(float(lon), float(lat), on))
    return out


def observed(
    at: int, here: Flight, said: float, speed_m_s: float, accuracy_m: int = 0, error_m: float = 0.0
) -> Observed:
    lon, lat, _ = GEOD.fwd(here.lon, here.lat, 37.0 * at % 360, error_m)
    speed = round(speed_m_s * MM_PER_M)
    return Observed(
        track="x",
        time=NOON + timedelta(seconds=at),
        position=(round(lon * E7_PER_DEG), round(lat * E7_PER_DEG)),
        accuracy_mm=accuracy_m * MM_PER_M,
        drift_mm_s=drift_of(Craft.AIRCRAFT, speed),
        speed_mm_s=speed,
        course_mdeg=round(said % 360 * 1_000) % 360_000,
    )


def judged(all_of_it: list[Observed]) -> list[Judged]:
    doubting = Doubting()
    return [doubting.judge(one) for one in all_of_it]


@settings(deadline=None)
@given(
    lat=st.floats(-70, 70),
    course=st.floats(0, 359),
    turn=st.floats(-3, 3),
    speed=st.floats(0, 270),
    every=st.integers(1, 12),
    late=st.integers(0, LATE_S),
    accuracy=st.integers(0, 400),
    share=st.floats(0, 1),
)
def test_what_flies_as_it_reports_is_never_flagged(  # noqa: PLR0913, PLR0917 - what may differ
    lat: float, course: float, turn: float, speed: float, every: int, late: int, accuracy: int,
    share: float,
) -> None:  # fmt: skip
    way = flown(lat, course, turn, speed, 150)
    found = judged(
        [
            observed(at, way[at], way[max(0, at - late)].course, speed, accuracy, accuracy * share)
            for at in range(0, 150, every)
        ]
    )
    assert all(one.doubts == () for one in found)


@settings(deadline=None)
@given(
    lat=st.floats(-70, 70),
    course=st.floats(0, 359),
    off=st.floats(60, 300),
    speed=st.floats(60, 270),
    every=st.integers(1, 10),
)
def test_a_course_that_is_not_flown_is_flagged_in_time_and_trusted_no_more(
    lat: float, course: float, off: float, speed: float, every: int
) -> None:
    way = flown(lat, course, 0.0, speed, 150)
    seen = [observed(at, way[at], course + off, speed, 30) for at in range(0, 150, every)]
    found = judged(seen)
    for at, one in zip(range(0, 150, every), found, strict=True):
        if at > SPAN_S[Craft.AIRCRAFT]:
            assert one.doubts == (Doubt.UNLIKE_ITS_COURSE,)
            # Where it may be, whatever it does: the watch asks of that as well.
            assert one.other == on_any_course(seen[at // every], Craft.AIRCRAFT)
            assert one.other.drift_mm_s == BOUNDS[Craft.AIRCRAFT].speed_mm_s
            assert one.other.position == seen[at // every].position


def test_a_course_that_is_right_again_is_trusted_again() -> None:
    way = flown(45.0, 308.0, 0.0, 220.0, 200)
    said = [175.0 if at < 100 else 308.0 for at in range(201)]
    found = judged([observed(at, way[at], said[at], 220.0) for at in range(0, 201, 10)])
    flagged = [at for at, one in zip(range(0, 201, 10), found, strict=True) if one.doubts]
    assert flagged == [20, 30, 40, 50, 60, 70, 80, 90, 100, 110]


def test_a_position_given_twice_is_no_false_course() -> None:
    way = flown(47.8, 200.0, 0.0, 220.0, 100)
    again = [0, 0, 10, 20, 30, 40, 50, 60]
    found = judged(
        [observed(at, way[of], 200.0, 220.0, 370) for at, of in zip(range(0, 80, 10), again,
                                                                   strict=True)]
    )  # fmt: skip
    assert all(one.doubts == () for one in found)


def test_what_reports_nothing_contradicts_nothing_and_little_is_held() -> None:
    way = flown(45.0, 0.0, 0.0, 200.0, 400)
    reckoning = Reckoning(Craft.AIRCRAFT)
    for at in range(400):
        assert reckoning.contradicts(observed(at, way[at], 180.0, 200.0)) == (
            at >= SPAN_S[Craft.AIRCRAFT] * LEAST
        )
        assert len(reckoning._marks) <= MARKS + 2
    silent = Observed(
        track="x", time=NOON + timedelta(seconds=400), position=(0, 0), accuracy_mm=0, drift_mm_s=0
    )
    assert not reckoning.contradicts(silent)
    assert not reckoning.contradicts(observed(401, way[399], 180.0, 200.0))
    # After a gap longer than it looks back it begins anew.
    assert not reckoning.contradicts(observed(500, way[0], 180.0, 200.0))


def test_a_ship_is_looked_at_for_longer() -> None:
    way = flown(35.0, 0.0, 0.0, 10.0, 600)
    reckoning = Reckoning(Craft.SHIP)
    seen = [observed(at, way[at], 180.0, 10.0, 100) for at in range(0, 600, 10)]
    flagged = [at for at, one in zip(range(0, 600, 10), seen, strict=True)
               if reckoning.contradicts(one)]  # fmt: skip
    assert flagged == list(range(200, 600, 10))
    # A ship that drifts at two knots while it says that it makes none is none of it.
    slow = flown(35.0, 0.0, 0.0, 1.0, 600)
    reckoning = Reckoning(Craft.SHIP)
    assert not any(
        reckoning.contradicts(observed(at, slow[at], 90.0, 0.0, 100)) for at in range(0, 600, 10)
    )

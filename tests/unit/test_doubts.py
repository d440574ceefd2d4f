"""Doubts: what a craft cannot have done is flagged, and where else it may be counts as well."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.core.doubts import (
    FLOATS_MAX_MM_S,
    Doubt,
    Doubting,
    Receiver,
    at_any_height,
    floats,
    grown,
)
from detente.core.heard import BOUNDS, DISTRESS, Craft, drift_of
from detente.core.watch import Observed
from detente.doors.feeds.recorded import recording
from recorded_tracks import NOON, TRACKS, needs_tracks, paris

KM_E7 = 90_437
"""A kilometre of the meridian at the equator, in 1e-7 degree."""


def at(second: float, north_km: float, track: str = "x", **also: object) -> Observed:
    fields: dict[str, object] = {
        "track": track,
        "time": NOON + timedelta(seconds=second),
        "position": (0, round(north_km * KM_E7)),
        "accuracy_mm": 0,
        "drift_mm_s": 10_000,
        **also,
    }
    return Observed(**fields)  # type: ignore[arg-type] # of Observed


def doubts_of(*observed: Observed, **also: object) -> list[tuple[Doubt, ...]]:
    doubting = Doubting(**also)  # type: ignore[arg-type] # of Doubting
    return [doubting.judge(one).doubts for one in observed]


@pytest.mark.parametrize(
    ("second", "north_km", "doubts"),
    [
        (100, 39, ()),
        (100, 41, (Doubt.TOO_FAST,)),
        (-1, 0, (Doubt.BACK_IN_TIME,)),
        (0, 0, ()),
    ],
)
def test_faster_than_400_metres_a_second_it_cannot_be(
    second: float, north_km: float, doubts: tuple[Doubt, ...]
) -> None:
    assert doubts_of(at(0, 0), at(second, north_km)) == [(), doubts]


def test_accuracy_is_granted_to_both_observations() -> None:
    assert doubts_of(at(0, 0, accuracy_mm=5_000_000), at(1, 9, accuracy_mm=5_000_000)) == [(), ()]
    assert doubts_of(at(0, 0), at(1, 9, accuracy_mm=5_000_000)) == [(), (Doubt.TOO_FAST,)]


def test_what_it_says_of_its_speed_counts_for_a_minute() -> None:
    slow: dict[str, Any] = {"speed_mm_s": 50_000, "course_mdeg": 0}
    assert doubts_of(at(0, 0, **slow), at(10, 2, **slow)) == [(), (Doubt.UNLIKE_ITS_SPEED,)]
    assert doubts_of(at(0, 0, **slow), at(10, 0.9, **slow)) == [(), ()]
    assert doubts_of(at(0, 0, **slow), at(61, 12, **slow)) == [(), ()]
    assert doubts_of(at(0, 0, **slow), at(10, 2)) == [(), ()]


def test_steeper_than_any_climb() -> None:
    low: dict[str, Any] = {"lower_mm": 0, "upper_mm": 10}
    high: dict[str, Any] = {"lower_mm": 400_000, "upper_mm": 400_010}
    assert doubts_of(at(0, 0, **low), at(1, 0, **high)) == [(), (Doubt.TOO_STEEP,)]
    doubting = Doubting()
    doubting.judge(at(0, 0, **low))
    judged = doubting.judge(at(1, 0, **high))
    assert judged.other == at_any_height(at(1, 0, **high))
    assert doubts_of(at(0, 0, **low), at(2, 0, **high)) == [(), ()]
    assert doubts_of(at(0, 0), at(1, 0, **high)) == [(), ()]


def test_a_place_that_its_receiver_cannot_hear() -> None:
    receiver = Receiver(position=(0, 0), range_mm=500_000_000)
    assert doubts_of(at(0, 499), at(100, 501), receiver=receiver) == [(), (Doubt.OUT_OF_RANGE,)]
    # Where that is the first that is heard of it, what comes after is not doubted for it.
    assert doubts_of(at(0, 5_000), at(1, 100), at(2, 100), receiver=receiver) == [
        (Doubt.OUT_OF_RANGE,), (), (),
    ]  # fmt: skip


def test_what_the_craft_says_against_itself() -> None:
    assert Doubting().judge(at(0, 0), said=("no_integrity",)).doubts == (Doubt.NO_INTEGRITY,)


def test_a_doubted_place_does_not_become_the_one_that_is_trusted_until_it_can_be_reached() -> None:
    doubting = Doubting()
    here = at(0, 0, speed_mm_s=200_000, course_mdeg=0)
    doubting.judge(here)
    away = [doubting.judge(at(second, 300)) for second in (10, 400, 749, 751)]
    assert [one.doubts for one in away] == [(Doubt.TOO_FAST,)] * 3 + [()]
    assert away[2].other == grown(here, Craft.AIRCRAFT)
    assert away[2].other is not None
    assert away[2].other.speed_mm_s is None
    assert away[2].other.drift_mm_s == BOUNDS[Craft.AIRCRAFT].speed_mm_s
    assert away[3].other is None


def test_one_address_at_two_places() -> None:
    doubting = Doubting()
    judged = [doubting.judge(at(second, 300 * (second % 2))) for second in range(12)]
    assert [one.doubts for one in judged[:6]] == [(), (Doubt.TOO_FAST,)] * 3
    # Then both are doubted, and each is where it may be instead of the other.
    assert judged[6].doubts == (Doubt.TWO_PLACES,)
    assert judged[6].other == grown(at(5, 300), Craft.AIRCRAFT)
    assert judged[7].doubts == (Doubt.TOO_FAST, Doubt.TWO_PLACES)
    # A minute without the other ends it.
    assert doubting.judge(at(80, 0)).doubts == ()
    assert doubting.judge(at(81, 0)).doubts == ()


def test_many_that_jump_to_one_spot() -> None:
    doubting = Doubting()
    for number in range(4):
        doubting.judge(at(0, 100 * number, track=f"{number}"))
    jumped = [doubting.judge(at(1, 1_000 + number, track=f"{number}")) for number in range(4)]
    assert [Doubt.CROWD in one.doubts for one in jumped] == [False, False, True, True]


def test_an_observation_of_the_past_changes_nothing_and_what_is_silent_is_forgotten() -> None:
    doubting = Doubting()
    doubting.judge(at(10, 0))
    assert doubting.judge(at(5, 500)).doubts == (Doubt.BACK_IN_TIME,)
    assert doubting.judge(at(11, 0)).doubts == ()
    doubting.forget(NOON + timedelta(seconds=12))
    assert doubting.judge(at(13, 500)).doubts == ()


def test_drift_is_of_the_speed_reported_else_the_most_there_is() -> None:
    assert drift_of(Craft.AIRCRAFT, None) == 400_000
    assert drift_of(Craft.AIRCRAFT, 200_000) == 30_000
    assert drift_of(Craft.SHIP, 0) == 2_573


@given(
    speed=st.integers(0, 399_000),
    seconds=st.lists(st.integers(1, 600), max_size=8),
    accuracy=st.integers(0, 1_000_000),
)
def test_what_flies_within_the_bounds_is_never_doubted(
    speed: int, seconds: list[int], accuracy: int
) -> None:
    doubting, now = Doubting(), 0
    for step in (0, *seconds):
        now += step
        one = at(now, speed * now / 1_000_000, accuracy_mm=accuracy, speed_mm_s=speed,
                 course_mdeg=0)  # fmt: skip
        assert doubting.judge(one).doubts == ()


def counted(name: str) -> tuple[int, Counter[str]]:
    doubting = Doubting()
    found = [doubting.judge(one.observed, one.kind) for one in recording(TRACKS / name).heard]
    return sum(bool(one.doubts) for one in found), Counter(d for one in found for d in one.doubts)


@needs_tracks
def test_a_jammed_satellite_signal_and_a_clock_that_was_wrong_as_they_were_recorded() -> None:
    doubted, by = counted("opensky_noisy_spoofing.json.gz")
    assert doubted == 4_961
    assert by["too_fast"] == 3_293
    assert by["unlike_its_course"] == 1_467
    doubted, by = counted("opensky_noisy_time_issue.json.gz")
    assert doubted == 1_748
    assert by["too_fast"] == 808
    doubted, _ = counted("opensky_noisy_landing.json.gz")
    assert doubted == 10


@needs_tracks
def test_ordinary_traffic_is_hardly_doubted(tmp_path: Path) -> None:
    doubting = Doubting()
    heard = recording(paris(tmp_path, 30_000)).heard
    assert len(heard) == 30_000
    doubted = sum(bool(doubting.judge(one.observed).doubts) for one in heard)
    assert doubted < 300


@pytest.mark.parametrize("kind", list(Craft))
def test_only_a_beacon_floats_and_only_as_fast_as_things_drift(kind: Craft) -> None:
    beacon = kind in DISTRESS
    moving: dict[str, Any] = {"course_mdeg": 0}
    assert floats(at(0, 0), kind, ()) is beacon
    assert floats(at(0, 0, speed_mm_s=FLOATS_MAX_MM_S, **moving), kind, ()) is beacon
    assert floats(at(0, 0), kind, (Doubt.NO_INTEGRITY, Doubt.TOO_FAST)) is beacon
    assert not floats(at(0, 0, speed_mm_s=FLOATS_MAX_MM_S + 1, **moving), kind, ())
    assert not floats(at(0, 0), kind, (Doubt.UNLIKE_ITS_COURSE,))

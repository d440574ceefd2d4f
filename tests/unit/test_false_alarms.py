"""Alarms over a part of the recorded traffic, held against brute force; and the judge himself."""

from datetime import UTC, datetime, timedelta

import numpy as np

from alarmed import (
    Alarm,
    Invented,
    alarms,
    hour,
    invented,
    judged,
    lead_s,
    ways,
    within,
)
from detente.core.alerts import Terms
from detente.core.heard import Heard
from detente.doors.feeds.craft import Said, aircraft
from recorded_tracks import NOON, needs_tracks

BEGIN = datetime(2021, 10, 7, 13, 20, tzinfo=UTC)


def circled() -> Invented:
    """One of the invented zones: a circle of all heights."""
    one = invented("paris")[0]
    assert not one.ring
    assert one.band_m == (None, None)
    return one


def over(one: Invented, *, seconds: int) -> list[Heard]:
    """A flight from south to north over a zone's middle, 100 m/s, each ten seconds."""
    lon, lat = one.centre
    return [
        aircraft(
            Said(
                address="abcdef",
                time=NOON + timedelta(seconds=second),
                lon=lon,
                lat=lat - 0.3 + second * 100 / 111_200,
                speed_kt=194.4,
                course_deg=0.0,
                pressure_ft=10_000.0,
                climb_ft_min=0.0,
            )
        )
        for second in range(0, seconds, 10)
    ]


@needs_tracks
def test_the_judge_finds_what_comes_within() -> None:
    one = circled()
    heard = over(one, seconds=700)
    (way,) = ways(heard).values()
    times = within(way, one) - NOON.timestamp()
    middle_s = 0.3 * 111_200 / 100
    half_s = (one.radius_m + one.standoff_m) / 100
    assert abs(times.min() - (middle_s - half_s)) < 5
    assert abs(times.max() - (middle_s + half_s)) < 5
    # Between recorded positions as well.
    assert np.diff(times).max() <= 2


@needs_tracks
def test_an_alarm_is_true_or_false_or_one_is_missed() -> None:
    one = circled()
    heard = over(one, seconds=700)
    found = alarms(heard, [one], Terms())
    whole = judged(found, heard, [one])
    assert (whole.true, whole.later, whole.false, whole.missed) == (1, 0, 0, [])
    assert 290 <= whole.leads_s[0] <= 420
    # Who turns away before: it came to nothing. Without alarms: the coming is missed.
    short = over(one, seconds=150)
    assert judged(found, short, [one]).false == 1
    blind = judged([], heard, [one])
    assert [(track, zone) for track, zone, _ in blind.missed] == [("abcdef", "z0")]
    late = Alarm("abcdef", "z0", NOON + timedelta(hours=1), None, 0.0)
    assert lead_s([late], NOON.timestamp()) is None


@needs_tracks
def test_of_recorded_traffic_nothing_that_came_within_was_missed() -> None:
    heard, zones = hour("paris", BEGIN, timedelta(minutes=12)), invented("paris")
    found = judged(alarms(heard, zones, Terms()), heard, zones)
    assert found.missed == []
    assert len(found.leads_s) >= 3
    assert found.true >= 3


@needs_tracks
def test_an_aircraft_that_reports_a_course_that_it_does_not_fly_is_warned_of_in_time() -> None:
    """For minutes it reported 165 to 175 degrees and flew 308; once warned of as it came within."""
    begin, half_an_hour = datetime(2018, 8, 1, 11, 30, tzinfo=UTC), timedelta(minutes=30)
    heard = [
        one
        for one in hour("switzerland", begin, half_an_hour)
        if one.observed.track == "495230"
    ]  # fmt: skip
    zones = invented("switzerland")
    found = judged(alarms(heard, zones, Terms()), heard, zones)
    assert (found.true, found.missed) == (1, [])
    assert found.leads_s[0] > 400

"""Reckoning: where a craft's own course and speed put it, against where it was.

From each position to the next the mean of both reported velocities is added up; the sum is
held against the geodesic between the ends. In a turn the two agree, for the velocities turn
with it. Where they part by more than both accuracies and SLACK leave open, what the craft
reports of its course or speed is not what it does.

Source: docs/adr/0036.
"""

import math
from typing import NamedTuple

from detente.core.geodesy import GEOD
from detente.core.heard import BOUNDS, DISTRESS, Craft
from detente.core.volume import E7_PER_DEG, MM_PER_M
from detente.core.watch import Observed

SLACK_FACTOR, SLACK_TIMES = 0.5, 2
"""How far the two may part in each second: half its speed, and twice what its kind may part from
what it reports in any case (20 m/s of an aircraft, 10 knots of a ship). A velocity ten seconds
old in a turn of three degrees a second is half its speed off."""

SPAN_S = {Craft.AIRCRAFT: 30.0, Craft.SHIP: 300.0}
"""How far it looks back: until what is flown is several times what the accuracies leave open,
740 m of an aircraft and 1 km of a ship that say nothing better."""

LEAST = 2 / 3
"""Of that, what must have been flown: one position given twice, as at the edge of what a
recording holds, is ten seconds of flight and no false course."""

MARKS = 6
"""Positions kept of it: the oldest is five sixths as old at least."""


class _Mark(NamedTuple):
    """A position, and what had been added up by then, mm from where it began."""

    observed: Observed
    east_mm: float
    north_mm: float
    slack_mm: float


class Reckoning:
    """Of one track.

    Args:
        kind: Of what.
    """

    def __init__(self, kind: Craft) -> None:
        flies = BOUNDS[kind] is BOUNDS[Craft.AIRCRAFT]
        self._span_s = SPAN_S[Craft.AIRCRAFT if flies else Craft.SHIP]
        self._slack_mm_s = SLACK_TIMES * BOUNDS[kind].drift_mm_s
        # A beacon that reports none is held to what floats: by its number it says that it does.
        self._reports = kind not in DISTRESS
        self._marks: list[_Mark] = []
        self._last: _Mark | None = None

    def contradicts(self, now: Observed) -> bool:
        """Take the next position that is not doubted, and say whether it flies as it reports.

        Of what reports nothing, nothing is contradicted, but that a beacon floats.
        """
        last = self._last
        if last is None or not self._follows(last.observed, now):
            self._last = _Mark(now, 0.0, 0.0, 0.0)
            self._marks = [self._last]
            return False
        self._last = mark = _moved(last, now, self._slack_mm_s)
        while _seconds(self._marks[0].observed, now) > self._span_s and len(self._marks) > 1:
            del self._marks[0]
        long_ago = _seconds(self._marks[0].observed, now) >= self._span_s * LEAST
        parted = long_ago and _parted(self._marks[0], mark)
        if _seconds(self._marks[-1].observed, now) >= self._span_s / MARKS:
            self._marks.append(mark)
        return parted

    def _follows(self, before: Observed, now: Observed) -> bool:
        """Whether both report a velocity, and nothing can have happened between them unseen."""
        reported = before.speed_mm_s is not None and now.speed_mm_s is not None
        within = 0 <= _seconds(before, now) <= self._span_s
        return within and (reported or not self._reports)


def _seconds(before: Observed, now: Observed) -> float:
    return (now.time - before.time).total_seconds()


def _moved(last: _Mark, now: Observed, slack_mm_s: int) -> _Mark:
    seconds = _seconds(last.observed, now)
    east = north = 0.0
    for one in (last.observed, now):
        course = math.radians((one.course_mdeg or 0) / 1_000)
        east += math.sin(course) * (one.speed_mm_s or 0) * seconds / 2
        north += math.cos(course) * (one.speed_mm_s or 0) * seconds / 2
    fastest = max(last.observed.speed_mm_s or 0, now.speed_mm_s or 0)
    slack = (fastest * SLACK_FACTOR + slack_mm_s) * seconds
    return _Mark(now, last.east_mm + east, last.north_mm + north, last.slack_mm + slack)


def _parted(begin: _Mark, end: _Mark) -> bool:
    before, now = begin.observed, end.observed
    (lon, lat), (lon_now, lat_now) = before.position, now.position
    azimuth, _, metres = GEOD.inv(
        lon / E7_PER_DEG, lat / E7_PER_DEG, lon_now / E7_PER_DEG, lat_now / E7_PER_DEG
    )
    flown_mm = float(metres) * MM_PER_M
    east = flown_mm * math.sin(math.radians(azimuth)) - (end.east_mm - begin.east_mm)
    north = flown_mm * math.cos(math.radians(azimuth)) - (end.north_mm - begin.north_mm)
    accuracy_mm = before.accuracy_mm + now.accuracy_mm
    return math.hypot(east, north) > end.slack_mm - begin.slack_mm + accuracy_mm

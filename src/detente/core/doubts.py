"""Doubts: why a craft may not be where it is said to be.

A doubt hides nothing and corrects nothing: the position is shown and watched as it was
reported, and beside it where the craft may be if that position is false: around the last
place that was not doubted, as far as it can have got. What protects is warned for either.
Where only the height is doubted, it may be at any height where it is said to be; where only
course or speed are (detente.core.reckoning), it may go anywhere from there.

Doubts come from one track's own past (too fast, too steep, back in time, two places), from
where its receiver stands, and from others: many tracks that jump to one spot at one time
are what a false satellite signal makes of them.

Source: docs/adr/0027.
"""

from collections import deque
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from detente.core.geodesy import GEOD
from detente.core.heard import BOUNDS, DISTRESS, Bounds, Craft, drift_of
from detente.core.reckoning import Reckoning
from detente.core.volume import E7_PER_DEG, MM_PER_M, Position
from detente.core.watch import COAST_MAX_S, Observed

NOISE_MM = 150 * MM_PER_M
"""What an altitude may be off by without anything being wrong: a step of 100 ft, and one
of the other kind of altitude now and then."""

SPEED_FACTOR, SPEED_SLACK_MM_S = 1.5, 20_000
"""How much faster than it says a craft may seem: half as much again and 20 m/s. Of 423,603
recorded positions of ordinary traffic 66 are beyond."""

CROWD_MIN = 3
CROWD_WITHIN_MM = 10_000 * MM_PER_M
CROWD_WITHIN = timedelta(seconds=60)
"""Three craft that jump to within 10 km of each other in a minute: a fault of one
transponder moves one."""

CROWD_REMEMBERED = 1_000
"""Jumps remembered: more in a minute are a crowd long before."""

FLOATS_MAX_MM_S = 5_144
"""10 knots: a raft or a person in the water drifts slower in any wind and current. What reckoning
leaves a ship is as much."""

SWAPS_MIN = 3
"""Times that a track went to a doubted place and back, after which it is at two places."""


class Doubt(StrEnum):
    """Why a position is doubted."""

    TOO_FAST = "too_fast"
    UNLIKE_ITS_SPEED = "unlike_its_speed"
    TOO_STEEP = "too_steep"
    BACK_IN_TIME = "back_in_time"
    AHEAD_OF_TIME = "ahead_of_time"
    OUT_OF_RANGE = "out_of_range"
    NO_INTEGRITY = "no_integrity"
    UNLIKE_ITS_COURSE = "unlike_its_course"
    OFF_POSITION = "off_position"
    TWO_PLACES = "two_places"
    CROWD = "crowd"


class Receiver(Struct, frozen=True, kw_only=True):
    """Where a feed's receiver stands and how far it hears."""

    position: Position
    range_mm: int


class Judged(Struct, frozen=True, kw_only=True):
    """What is thought of an observation.

    Attributes:
        doubts: None where there are none.
        other: Where the track may be instead, if the observation is false.
    """

    doubts: tuple[Doubt, ...]
    other: Observed | None = None


def apart_mm(one: Position, other: Position) -> float:
    """The geodesic between two positions."""
    _, _, metres = GEOD.inv(
        one[0] / E7_PER_DEG, one[1] / E7_PER_DEG, other[0] / E7_PER_DEG, other[1] / E7_PER_DEG
    )
    return float(metres) * MM_PER_M


def between(before: Observed, now: Observed, bounds: Bounds) -> tuple[Doubt, ...]:
    """Why one craft may not have got from one observation to another.

    1. Time goes back: nothing else can be said.
    2. What both accuracies leave of the way is more than it can fly.
    3. Or more than it says that it flew, where that is known and not long ago.
    4. Its altitude changed by more than it can climb.

    Args:
        before: An observation that was not doubted.
        now: A later one.
        bounds: Of its kind.
    """
    if now.time < before.time:
        return (Doubt.BACK_IN_TIME,)
    seconds = (now.time - before.time).total_seconds()
    way = apart_mm(before.position, now.position) - before.accuracy_mm - now.accuracy_mm
    out: list[Doubt] = []
    if way > bounds.speed_mm_s * seconds:
        out.append(Doubt.TOO_FAST)
    elif way > _said_mm_s(before, now, bounds) * seconds and seconds <= COAST_MAX_S:
        out.append(Doubt.UNLIKE_ITS_SPEED)
    if _climbed_mm(before, now) > bounds.climb_mm_s * seconds + NOISE_MM:
        out.append(Doubt.TOO_STEEP)
    return tuple(out)


def _said_mm_s(before: Observed, now: Observed, bounds: Bounds) -> float:
    if before.speed_mm_s is None or now.speed_mm_s is None:
        return bounds.speed_mm_s
    return max(before.speed_mm_s, now.speed_mm_s) * SPEED_FACTOR + SPEED_SLACK_MM_S


def _climbed_mm(before: Observed, now: Observed) -> int:
    """The least that either end of the band moved; 0 where one is unknown."""
    return min(
        0 if one is None or other is None else abs(one - other)
        for one, other in ((before.lower_mm, now.lower_mm), (before.upper_mm, now.upper_mm))
    )


def grown(trusted: Observed, kind: Craft) -> Observed:
    """A track that may have gone anywhere since: course and speed count no more."""
    bounds = BOUNDS[kind]
    return replace(
        trusted,
        speed_mm_s=None,
        course_mdeg=None,
        drift_mm_s=bounds.speed_mm_s,
        climb_mm_s=0,
        climb_drift_mm_s=bounds.climb_mm_s,
    )


def at_any_height(now: Observed) -> Observed:
    """A track whose height is in doubt, and its place is not."""
    return replace(now, lower_mm=None, upper_mm=None, climb_mm_s=0, climb_drift_mm_s=None)


def on_any_course(now: Observed, kind: Craft) -> Observed:
    """A track whose course or speed is in doubt, and its place is not."""
    return replace(now, speed_mm_s=None, course_mdeg=None, drift_mm_s=drift_of(kind, None))


def floats(now: Observed, kind: Craft, doubts: tuple[Doubt, ...]) -> bool:
    """Whether it is a distress beacon and moves as what drifts does: it approaches nothing.

    Anyone may send a beacon's number. One that reports more than FLOATS_MAX_MM_S, or goes elsewhere
    than it reports (UNLIKE_ITS_COURSE), is carried by something, or is none.

    Args:
        now: What was observed.
        kind: Of what.
        doubts: What is thought of it.
    """
    if kind not in DISTRESS or Doubt.UNLIKE_ITS_COURSE in doubts:
        return False
    return now.speed_mm_s is None or now.speed_mm_s <= FLOATS_MAX_MM_S


class _Past(Struct, kw_only=True):
    """What is known of one track: the last place not doubted, and the last that was."""

    trusted: Observed
    reckoning: Reckoning
    rival: Observed | None = None
    away: bool = False
    swaps: int = 0
    last: datetime


class Doubting:
    """Judges the observations of a feed, in the order in which they come.

    Holds one past a track; ``forget`` lets go of those long unheard of.

    Args:
        receiver: Where it stands; None if that is not said.
    """

    def __init__(self, receiver: Receiver | None = None) -> None:
        self._receiver = receiver
        self._pasts: dict[str, _Past] = {}
        self._jumps: deque[Observed] = deque(maxlen=CROWD_REMEMBERED)

    def judge(
        self, now: Observed, kind: Craft = Craft.AIRCRAFT, said: tuple[str, ...] = ()
    ) -> Judged:
        """What to think of one observation.

        Args:
            now: What was observed.
            kind: Of what.
            said: What the craft itself says against it.
        """
        alone = (*(Doubt(one) for one in said), *self._ranged(now))
        past = self._pasts.get(now.track)
        if past is None:
            if not alone:
                reckoning = Reckoning(kind)
                reckoning.contradicts(now)
                self._pasts[now.track] = _Past(trusted=now, reckoning=reckoning, last=now.time)
            return Judged(doubts=alone)
        found = between(past.trusted, now, BOUNDS[kind])
        if Doubt.TOO_FAST in found and self._is_crowd(now):
            found = (*found, Doubt.CROWD)
        doubts = (*alone, *found)
        if Doubt.BACK_IN_TIME in found:
            return Judged(doubts=doubts, other=grown(past.trusted, kind))
        if doubts:
            steep = doubts == (Doubt.TOO_STEEP,)
            other = at_any_height(now) if steep else grown(past.trusted, kind)
            return Judged(doubts=self._away(past, now, doubts), other=other)
        return self._back(past, now, kind)

    def forget(self, before: datetime) -> None:
        """Let go of tracks not heard of since."""
        self._pasts = {name: one for name, one in self._pasts.items() if one.last >= before}

    def _ranged(self, now: Observed) -> tuple[Doubt, ...]:
        receiver = self._receiver
        if receiver is None:
            return ()
        beyond = apart_mm(receiver.position, now.position) - now.accuracy_mm > receiver.range_mm
        return (Doubt.OUT_OF_RANGE,) if beyond else ()

    def _away(self, past: _Past, now: Observed, doubts: tuple[Doubt, ...]) -> tuple[Doubt, ...]:
        """A doubted observation; the place that was trusted stays."""
        if Doubt.TOO_FAST in doubts:
            past.rival, past.away = now, True
        past.last = max(past.last, now.time)
        return (*doubts, Doubt.TWO_PLACES) if past.swaps >= SWAPS_MIN else doubts

    def _back(self, past: _Past, now: Observed, kind: Craft) -> Judged:
        """One that follows from the last place trusted.

        Where it went to and fro between two places, it may be at the other still.
        """
        rival = past.rival
        if rival is not None and (now.time - rival.time).total_seconds() > COAST_MAX_S:
            past.rival, past.swaps, rival = None, 0, None
        past.swaps += past.away
        past.away = False
        past.trusted, past.last = now, now.time
        course = (Doubt.UNLIKE_ITS_COURSE,) if past.reckoning.contradicts(now) else ()
        if rival is not None and past.swaps >= SWAPS_MIN:
            return Judged(doubts=(Doubt.TWO_PLACES, *course), other=grown(rival, kind))
        return Judged(doubts=course, other=on_any_course(now, kind) if course else None)

    def _is_crowd(self, now: Observed) -> bool:
        self._jumps.append(now)
        near = {
            one.track
            for one in self._jumps
            if abs(now.time - one.time) <= CROWD_WITHIN
            and apart_mm(one.position, now.position) <= CROWD_WITHIN_MM
        }
        return len(near) >= CROWD_MIN

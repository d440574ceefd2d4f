"""What is watched: where something was seen, how it moves, and how well that is known.

An observed track is a disc that moves: its centre as course and speed have it, along a
geodesic, its radius growing with time. It *may violate* an entry at the first time at which
the disc comes within what the entry asks (its standoff, the agreement's separation, a
boundary's uncertainty, a presence's own growth, a plan's hazard radius), at an altitude and
a time that both share. That time is ``time_s``, 0 where it may be so now; it may be named too
early, never too late. The watch informs; what follows is for people to decide.

Source: DESIGN section 1 ("raises the alarm before the line is crossed"), section 4.6.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.presence import SPEED_MAX_MM_S
from detente.core.volume import AltitudeMm, Position, RadiusMm, UtcTime, check_time
from detente.errors import MalformedInput

HORIZON_MAX_S = 3_600
"""An hour: where a moving thing is beyond that, its course and speed of now do not tell."""

COAST_MAX_S = 60
"""How old course and speed may be before they count as unknown: five turns of a radar that
turns every 12 s. A track unheard of for longer may have turned: what stands for it then is
the disc around its fix that grows by its speed as well, which holds all it held before."""

COURSE_MAX_MDEG = 359_999

TrackId = Annotated[str, Meta(min_length=1, max_length=200)]
SpeedMmS = Annotated[int, Meta(ge=0, le=SPEED_MAX_MM_S)]
CourseMdeg = Annotated[int, Meta(ge=0, le=COURSE_MAX_MDEG)]
ClimbMmS = Annotated[int, Meta(ge=-SPEED_MAX_MM_S, le=SPEED_MAX_MM_S)]


class Observed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One observation of a track.

    Attributes:
        track: Whose; of the feed's choice.
        time: Of the observation, UTC.
        position: Its centre.
        accuracy_mm: Radius around ``position`` that holds it at ``time``.
        drift_mm_s: How fast it may part from where its course and speed put it; without
            them, the most that it can move. 0 says that nothing was left open.
        speed_mm_s: Over the ground; with ``course_mdeg``, or neither is known.
        course_mdeg: Thousandths of a degree, clockwise from true north.
        lower_mm: Lowest that it may be at ``time``, above the ellipsoid; None is unbounded.
        upper_mm: Highest; None is unbounded.
        climb_mm_s: Upwards; 0 if unknown, and ``climb_drift_mm_s`` its bound.
        climb_drift_mm_s: How fast it may part from the altitude that ``climb_mm_s`` has;
            None is unknown: from its fix on it may be at any altitude.
        separation_mm: What is to be kept around it by all, as a plan's hazard radius.

    Raises:
        MalformedInput: A naive time, a speed without a course or a course without a speed,
            or lower above upper.
    """

    track: TrackId
    time: UtcTime
    position: Position
    accuracy_mm: RadiusMm
    drift_mm_s: SpeedMmS
    speed_mm_s: SpeedMmS | None = None
    course_mdeg: CourseMdeg | None = None
    lower_mm: AltitudeMm | None = None
    upper_mm: AltitudeMm | None = None
    climb_mm_s: ClimbMmS = 0
    climb_drift_mm_s: SpeedMmS | None = None
    separation_mm: RadiusMm = 0

    def __post_init__(self) -> None:
        check_time(self.time, what="time of a track")
        if (self.speed_mm_s is None) != (self.course_mdeg is None):
            raise MalformedInput("track", expected="both speed and course, or neither")
        if (
            self.lower_mm is not None
            and self.upper_mm is not None
            and self.lower_mm > self.upper_mm
        ):
            raise MalformedInput(
                "altitude of a track",
                expected="lower at most upper",
                got=f"lower {self.lower_mm} mm, upper {self.upper_mm} mm",
            )


class Approach(Struct, frozen=True, kw_only=True):
    """A track that may violate an entry within the horizon.

    Attributes:
        track: Whose.
        entry: The entry's object id.
        distance_m: Now, from the track's disc to the entry's footprint; 0 where they meet;
            true within ``distance_error_m``. Both metres.
        distance_error_m: As a finding has it.
        separation_m: What is to be kept.
        time_s: From now until it may be violated, at the earliest; 0 if now.
    """

    track: TrackId
    entry: str
    distance_m: float
    distance_error_m: float
    separation_m: float
    time_s: float


def check_horizon(horizon_s: float) -> None:
    """Refuse a horizon that the watch cannot look to.

    Raises:
        MalformedInput: Negative, above HORIZON_MAX_S, or no number.
    """
    if not 0 <= horizon_s <= HORIZON_MAX_S:
        raise MalformedInput(
            "horizon", expected=f"seconds from 0 to {HORIZON_MAX_S}", got=f"{horizon_s}"
        )


def latest(observed: Sequence[Observed]) -> dict[str, Observed]:
    """The last observation of each track; of those of one time, the last given."""
    out: dict[str, Observed] = {}
    for one in observed:
        if one.track not in out or one.time >= out[one.track].time:
            out[one.track] = one
    return out

"""What receivers hear of aircraft and ships, and how such craft can move.

A receiver's word is turned into ``Observed`` at the edge (detente.doors.feeds). What it
leaves open is bounded here: how exact a position is that names no accuracy, and how fast a
craft may leave where it was. Each bound has its source.

Source: docs/adr/0027.
"""

from enum import StrEnum

from msgspec import Struct

from detente.core.watch import Observed


class Craft(StrEnum):
    """What is heard of: what moves, what calls for help, and what stands where it is.

    ``rescue`` is a search-and-rescue aircraft; ``aid`` an aid to navigation, and
    ``virtual_aid`` one of which nothing is there but its signal.
    """

    AIRCRAFT = "aircraft"
    SHIP = "ship"
    RESCUE = "rescue"
    DISTRESS = "distress"
    DISTRESS_TEST = "distress_test"
    BASE_STATION = "base_station"
    AID = "aid"
    VIRTUAL_AID = "virtual_aid"


DISTRESS = frozenset({Craft.DISTRESS, Craft.DISTRESS_TEST})
"""A call for help, and what may be one: there is always room for it."""


class Bounds(Struct, frozen=True, kw_only=True):
    """How a kind of craft can move.

    Attributes:
        speed_mm_s: Faster over the ground it cannot be.
        climb_mm_s: Faster up or down it cannot be.
        drift_mm_s: How fast it may part from the course and speed that it reports.
        drift_percent: And besides, of that speed.
        climb_drift_mm_s: How fast it may part from the climb that it reports.
    """

    speed_mm_s: int
    climb_mm_s: int
    drift_mm_s: int
    drift_percent: int
    climb_drift_mm_s: int


# Speed: an airliner's record over the ground is 369 m/s; what is faster is shown as
# doubted and is watched all the same. Climb: 150 m/s, 30,000 ft/min, is beyond all but
# fighters. Drift: the least that DO-260B table 2-25 lets a velocity be known to (NACv 1:
# 10 m/s across, 50 ft/s up), and 10 % of its speed: six degrees of course. A turn is
# seen as it is flown, a second later.
_FLIES = Bounds(
    speed_mm_s=400_000,
    climb_mm_s=150_000,
    drift_mm_s=10_000,
    drift_percent=10,
    climb_drift_mm_s=15_240,
)
# Speed: 102.2 knots, the most that AIS can say (ITU-R M.1371-5, table 48). Drift: 5 knots.
_FLOATS = Bounds(
    speed_mm_s=52_577,
    climb_mm_s=0,
    drift_mm_s=2_573,
    drift_percent=10,
    climb_drift_mm_s=0,
)
BOUNDS = dict.fromkeys(Craft, _FLOATS) | {Craft.AIRCRAFT: _FLIES, Craft.RESCUE: _FLIES}
"""What stands on land or at sea has a ship's: an aid that is towed is no doubt."""


class Heard(Struct, frozen=True, kw_only=True):
    """One position as a receiver gave it.

    Attributes:
        observed: Where and when; its track is the craft's own address.
        kind: What it is.
        name: Callsign or ship's name, if that was heard.
        doubts: What the craft itself says against its position.
        pressure_ft: The pressure altitude that its band comes from, if it does.
        watched: Whether the watch may ask of it: not of what stands where it is, nor of a call
            for help of which no place is known (and see detente.core.doubts.floats).
    """

    observed: Observed
    kind: Craft = Craft.AIRCRAFT
    name: str = ""
    doubts: tuple[str, ...] = ()
    pressure_ft: float | None = None
    watched: bool = True


def drift_of(kind: Craft, speed_mm_s: int | None) -> int:
    """How fast a craft may part from course and speed; where it reports none, how fast it is."""
    bounds = BOUNDS[kind]
    if speed_mm_s is None:
        return bounds.speed_mm_s
    return bounds.drift_mm_s + speed_mm_s * bounds.drift_percent // 100

"""A line as people measure it: how far, which way, and where its positions are, in every form.

Source: C. F. F. Karney, Algorithms for geodesics (2013), as pyproj has it; NGA.STND.0037.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from detente.core.coordinates import Forms, forms
from detente.core.geodesy import GEOD
from detente.core.volume import E7_PER_DEG, Position


class Leg(Struct, frozen=True, kw_only=True):
    """From one position to the next, along the geodesic.

    Attributes:
        distance_m: How far, rounded to the centimetre.
        bearing_deg: Which way one sets out, degrees from true north, clockwise, rounded to a
            hundredth; None where the positions are one.
    """

    distance_m: float
    bearing_deg: float | None


class Measured(Struct, frozen=True, kw_only=True):
    """A line, measured; ``length_m`` is that of all its legs."""

    places: tuple[Forms, ...]
    legs: tuple[Leg, ...]
    length_m: float


def measured(line: Sequence[Position]) -> Measured:
    """Measure a line of positions, in 1e-7 degree; of one, only its forms."""
    degrees = [(lon / E7_PER_DEG, lat / E7_PER_DEG) for lon, lat in line]
    legs = tuple(_leg(one, other) for one, other in pairwise(degrees))
    return Measured(
        places=tuple(forms(lat, lon) for lon, lat in degrees),
        legs=legs,
        length_m=round(math.fsum(leg.distance_m for leg in legs), 2),
    )


def _leg(one: tuple[float, float], other: tuple[float, float]) -> Leg:
    azimuth, _, distance_m = GEOD.inv(*one, *other)
    bearing = round(azimuth % 360, 2) % 360
    apart = round(distance_m, 2)
    return Leg(distance_m=apart, bearing_deg=bearing if apart else None)

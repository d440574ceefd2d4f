"""How much ground a question asks about, in km²: what a budget is charged (R-02)."""

import math
from hashlib import sha256

from msgspec.json import encode

from detente.core.geodesy import GEOD
from detente.core.plan import Plan
from detente.core.release import GRID_DEFAULT_MM, circle_around
from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Corridor, Polygon, Shape

CHARGE_MIN_KM2 = (GRID_DEFAULT_MM / 1e6) ** 2
"""The least that one question costs: a cell of the grid, 100 km². Whoever meets something
withheld by asking about a point knows where it is, which is more than its cell."""


def asked_km2(plan: Plan, separation_m: float) -> float:
    """Area within ``separation_m`` of a plan's footprints, rather more than less.

    Shapes are counted each by itself: where they overlap, what is asked twice
    counts twice.
    """
    reach_m = _reach_m(plan, separation_m)
    total = sum(_shape_m2(shape, reach_m) for v in plan.volumes for shape in v.footprint)
    return max(CHARGE_MIN_KM2, total / 1e6)


def asked_ground(plan: Plan, separation_m: float) -> bytes:
    """The ground that a question asks about, as a digest: what is alike on the grid is the same.

    Times and altitudes do not count: a day's flights over one place are one
    question about that place, and cost once.
    """
    reach_m = _reach_m(plan, separation_m)
    circles: set[bytes] = set()
    for volume in plan.volumes:
        circle = circle_around(volume, GRID_DEFAULT_MM, around_m=reach_m)
        if circle is None:
            # Wider than the grid tells anything of: only the very same is alike.
            return sha256(encode((reach_m, [one.footprint for one in plan.volumes]))).digest()
        circles.add(encode(circle))
    return sha256(encode(sorted(circles))).digest()


def _reach_m(plan: Plan, separation_m: float) -> float:
    return max(separation_m, plan.hazard_mm / MM_PER_M)


def _shape_m2(shape: Shape, reach_m: float) -> float:
    """Area of a shape's core, of a strip along its edge, and of a disc at its ends."""
    reach_m += shape.radius_m
    disc = math.pi * reach_m**2
    match shape:
        case Circle():
            return disc
        case Corridor():
            lon, lat = _degrees(shape.line)
            return disc + float(GEOD.line_length(lon, lat)) * 2 * reach_m
        case Polygon():  # pragma: no branch - mypy knows that these are all
            area = 0.0
            for ring in shape.rings:
                lon, lat = _degrees(ring)
                inside, edge = GEOD.polygon_area_perimeter(lon, lat)
                area += abs(float(inside)) + float(edge) * reach_m
            return disc + area


def _degrees(line: tuple[tuple[int, int], ...]) -> tuple[list[float], list[float]]:
    return [p[0] / E7_PER_DEG for p in line], [p[1] / E7_PER_DEG for p in line]

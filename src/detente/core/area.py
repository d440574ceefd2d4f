"""How much ground a question asks about, in km²: what a budget is charged (R-02)."""

import math

from detente.core.geodesy import GEOD
from detente.core.plan import Plan
from detente.core.volume import E7_PER_DEG, Circle, Corridor, Polygon, Shape

CHARGE_MIN_KM2 = 1.0
"""The least that one question costs: else a point would ask for nothing, and many
points would map what is withheld."""


def asked_km2(plan: Plan, separation_m: float) -> float:
    """Area within ``separation_m`` of a plan's footprints, rather more than less.

    Shapes are counted each by itself: where they overlap, what is asked twice
    counts twice.
    """
    reach_m = max(separation_m, plan.hazard_mm / 1_000)
    total = sum(_shape_m2(shape, reach_m) for v in plan.volumes for shape in v.footprint)
    return max(CHARGE_MIN_KM2, total / 1e6)


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

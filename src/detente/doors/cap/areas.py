"""Volumes as CAP's areas: circles in kilometres, polygons in degrees, heights in feet.

All of it holds at least what it stands for. A circle stays one; all else becomes polygons
whose edges are straight in latitude and longitude (detente.core.drawn). CAP knows no holes: they
are filled. Heights are above mean sea level, which is known here no better than to the bounds
of detente.core.altitude; a band that is open on a side is left out, which is all heights.

Source: CAP 1.2 section 3.2.4; docs/rules/R-06.md.
"""

import math
from collections.abc import Iterable, Sequence

import shapely
from msgspec import Struct
from msgspec.structs import replace

from detente.core.altitude import FOOT_M, GEOID_HIGH_M, GEOID_LOW_M
from detente.core.drawn import drawing_of, held
from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Corridor, Polygon, Shape, Volume

VERTICES_MAX = 2_000
"""Places of one outline: some 50 KB. A longer one is told as its convex hull, which holds it, and
where that is as long, as the box around it."""

POLYGONS_MAX = 100
"""Outlines and circles of one area; of more of either, the hull of all is told."""

_KM_MM = 1_000_000
_FOOT_MM = FOOT_M * MM_PER_M
_DIGITS = 7


class Area(Struct, frozen=True, kw_only=True):
    """One area, as CAP spells it.

    Attributes:
        polygons: Each "lat,lon lat,lon ..." in degrees, closed, without holes.
        circles: Each "lat,lon radius", degrees and kilometres.
        altitude_ft, ceiling_ft: Above mean sea level; None is all heights.
        simplified: Whether an outline is wider than it was drawn.
    """

    polygons: tuple[str, ...]
    circles: tuple[str, ...]
    altitude_ft: int | None
    ceiling_ft: int | None
    simplified: bool


def areas_of(volumes: Iterable[Volume], around_mm: int) -> list[Area]:
    """The areas of volumes: one for each band of heights.

    Args:
        volumes: At least one.
        around_mm: By how much all of them are widened.
    """
    bands: dict[tuple[int | None, int | None], list[Shape]] = {}
    for volume in volumes:
        shapes = bands.setdefault(band_ft(volume.lower_mm, volume.upper_mm), [])
        shapes += [_widened(shape, around_mm) for shape in volume.footprint]
    return [_area(shapes, *band) for band, shapes in bands.items()]


def band_ft(lower_mm: int | None, upper_mm: int | None) -> tuple[int | None, int | None]:
    """A band above the ellipsoid in feet above mean sea level, as wide as it may be."""
    if lower_mm is None or upper_mm is None:
        return None, None
    low = (lower_mm - GEOID_HIGH_M * MM_PER_M) / _FOOT_MM
    high = (upper_mm - GEOID_LOW_M * MM_PER_M) / _FOOT_MM
    return math.floor(low), math.ceil(high)


def _widened(shape: Shape, around_mm: int) -> Shape:
    match shape:
        case Circle():
            return replace(shape, radius_mm=shape.radius_mm + around_mm)
        case Corridor():
            return replace(shape, width_mm=shape.width_mm + 2 * around_mm)
        case Polygon():  # pragma: no branch - mypy knows that these are all
            return replace(shape, buffer_mm=shape.buffer_mm + around_mm)


def _area(shapes: Sequence[Shape], altitude_ft: int | None, ceiling_ft: int | None) -> Area:
    circles = [shape for shape in shapes if isinstance(shape, Circle)]
    drawn: list[Shape] = [shape for shape in shapes if not isinstance(shape, Circle)]
    if len(circles) > POLYGONS_MAX:
        circles, drawn = [], list(shapes)
    outlines, simplified = _outlines(drawn) if drawn else ([], False)
    return Area(
        polygons=tuple(_polygon(one) for one in outlines),
        circles=tuple(_circle(one) for one in circles),
        altitude_ft=altitude_ft,
        ceiling_ft=ceiling_ft,
        simplified=simplified,
    )


def _outlines(shapes: Sequence[Shape]) -> tuple[list[shapely.Polygon], bool]:
    """The outer rings of what holds some shapes, and whether any was made simpler."""
    drawing = held(drawing_of([Volume(footprint=tuple(shapes))]))
    parts = list(shapely.get_parts(drawing))
    simplified = len(parts) > POLYGONS_MAX
    if simplified:
        parts = [shapely.convex_hull(drawing)]
    found = []
    for part in parts:
        outline = shapely.Polygon(part.exterior)
        for wider in (shapely.convex_hull, shapely.envelope):
            if shapely.get_num_coordinates(outline) > VERTICES_MAX:
                outline, simplified = wider(outline), True
        found.append(outline)
    return found, simplified


def _polygon(outline: shapely.Polygon) -> str:
    # To 1e-7 degree, which detente.core.drawn leaves room for.
    places = shapely.get_coordinates(outline).round(_DIGITS).tolist()
    return " ".join(f"{_degrees(lat)},{_degrees(lon)}" for lon, lat in places)


def _circle(circle: Circle) -> str:
    lon, lat = (part / E7_PER_DEG for part in circle.centre)
    whole, rest = divmod(circle.radius_mm, _KM_MM)
    radius = f"{whole}.{rest:06}".rstrip("0").rstrip(".")
    return f"{_degrees(lat)},{_degrees(lon)} {radius}"


def _degrees(value: float) -> str:
    """Without an exponent and without needless zeros; never minus nothing."""
    spelt = f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".")
    return "0" if spelt == "-0" else spelt

"""Land, waters and borders that ship with Détente, to draw behind maps; evidence of none of them.

Natural Earth, simplified to 0.005 degree, rivers to some kilometre (detente/data/README.md).
"""

import gzip
import math
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec
import numpy as np
import shapely

from detente.core.drawn import Drawing
from detente.core.geodesy import IntArray

CREDIT = "Ground: Natural Earth, coarse, rivers to kilometres; no border here is evidence of any"

GROUND_MAX_M = 2_000_000.0
"""Farther from its middle nothing is drawn: half the earth has no such plane."""

CLOSED_M = 700.0
"""Gaps between neighbours that simplification left, each outline 0.005 degree off, are no coast."""

_POLAR_RADIUS_M = 6_356_752.0
_AREAL = 2
_STEP_DEG = 0.5
_FINE = 2_000
"""Points across a drawing: more is finer than paper shows."""


class Land(NamedTuple):
    """Polygons of all countries, lon/lat degrees, with the country of each."""

    polygons: IntArray
    country: IntArray
    names: list[str]
    tree: shapely.STRtree


class OnLand(NamedTuple):
    """What lies on the land: lines, or lakes as areas, lon/lat degrees."""

    geometries: IntArray
    tree: shapely.STRtree


class Ground(NamedTuple):
    """What is under a drawing, in metres of its plane. Lakes lie on land, and on rivers."""

    land: Drawing
    coasts: Drawing
    rivers: Drawing
    lakes: Drawing
    borders: Drawing
    disputed: Drawing


class _Feature(msgspec.Struct):
    geometry: msgspec.Raw
    properties: dict[str, str]


class _Features(msgspec.Struct):
    features: list[_Feature]


def _features(name: str) -> tuple[Any, list[dict[str, str]]]:
    packed = resources.files("detente.data").joinpath(name).read_bytes()
    features = msgspec.json.decode(gzip.decompress(packed), type=_Features).features
    geometries = shapely.from_geojson([bytes(feature.geometry) for feature in features])
    return geometries, [feature.properties for feature in features]


@cache
def land() -> Land:
    """The countries that ship with Détente."""
    geometries, properties = _features("countries.geojson.gz")
    geometries, country = shapely.get_parts(geometries, return_index=True)
    polygons, inner = shapely.get_parts(geometries, return_index=True)
    country = country[inner]
    # Two countries hold stray lines beside their polygons.
    areal = shapely.get_dimensions(polygons) == _AREAL
    polygons = polygons[areal]
    names = [one["name"] for one in properties]
    return Land(polygons, country[areal], names, shapely.STRtree(polygons))


@cache
def on_land(name: str) -> dict[str, OnLand]:
    """What lies on the land, by kind.

    Args:
        name: ``waters``, which has kinds ``river`` and ``lake``, or ``boundary_lines``, which has
            ``border`` and ``disputed``.
    """
    geometries, properties = _features(f"{name}.geojson.gz")
    kinds = np.array([one["kind"] for one in properties])
    found = {str(kind): geometries[kinds == kind] for kind in np.unique(kinds)}
    return {kind: OnLand(some, shapely.STRtree(some)) for kind, some in found.items()}


def ground(
    centre: tuple[float, float], reach: tuple[float, float], forward: Callable[[Any], Any]
) -> Ground | None:
    """What is under a drawing; None where it is larger than GROUND_MAX_M.

    Args:
        centre: Its middle, longitude and latitude in degrees.
        reach: From there to its right and upper edge, metres.
        forward: Places (n, 2) in degrees to metres of its plane, (n, 2); true to distance from
            the centre.
    """
    across = math.hypot(*reach)
    if across > GROUND_MAX_M:
        return None
    window = shapely.box(-reach[0], -reach[1], reach[0], reach[1])
    box = _around(centre, across + 3 * CLOSED_M)
    pieces = _laid(land().polygons, box, forward)
    whole = shapely.union_all(shapely.buffer(pieces, CLOSED_M, join_style="mitre"))
    whole = shapely.simplify(shapely.buffer(whole, -CLOSED_M, join_style="mitre"), across / _FINE)
    lines = {
        kind: shapely.intersection(
            shapely.simplify(shapely.union_all(_laid(some, box, forward)), across / _FINE), window
        )
        for kind, (some, _) in (on_land("boundary_lines") | on_land("waters")).items()
    }
    return Ground(
        land=shapely.intersection(whole, window),
        coasts=shapely.intersection(shapely.boundary(whole), window),
        rivers=lines["river"],
        lakes=lines["lake"],
        borders=lines["border"],
        disputed=lines["disputed"],
    )


def _around(centre: tuple[float, float], reach_m: float) -> list[tuple[float, float, float, float]]:
    """Boxes in degrees that hold all within a distance; beyond the antimeridian another one."""
    lon, lat = centre
    angle = 1.01 * reach_m / _POLAR_RADIUS_M
    low, high = lat - math.degrees(angle), lat + math.degrees(angle)
    if low <= -90 or high >= 90:  # noqa: PLR2004 - a pole is within
        return [(-180.0, max(-90.0, low), 180.0, min(90.0, high))]
    half = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(lat)))))
    return [(lon - half + turn, low, lon + half + turn, high) for turn in (-360.0, 0.0, 360.0)]


def _laid(
    geometries: Any, boxes: list[tuple[float, float, float, float]], forward: Callable[[Any], Any]
) -> Any:
    """What of these is within boxes, in the plane."""
    parts = []
    for box in boxes:
        near = geometries[shapely.intersects(geometries, shapely.box(*box))]
        parts.append(shapely.clip_by_rect(near, *box))
    cut = shapely.segmentize(np.concatenate(parts), _STEP_DEG)
    cut = cut[~shapely.is_empty(cut)]
    return shapely.make_valid(shapely.transform(cut, forward))

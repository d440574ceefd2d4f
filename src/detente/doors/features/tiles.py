"""A tile of the picture, as vector tiles have it: geometry cut to it, and clusters.

A drawing is widened by one unit of the tile before it is rounded to units, so that what is
drawn still holds it.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import shapely

from detente.core.drawn import Drawing
from detente.core.entry import EntryKind
from detente.core.feature import KINDS
from detente.core.geodesy import FloatArray
from detente.core.instant import instant
from detente.doors.features.mvt import EXTENT, Drawn, Value, tile
from detente.doors.where import NUMBER
from detente.errors import MalformedInput, NotFound
from detente.node.clusters import Cluster, Tile, TileSight
from detente.node.layers import Item
from detente.node.narrowing import NAMES_MAX, Narrowing

ZOOM_MAX = 22
"""4 cm a unit: finer than any coordinate is known."""

TAGS = ("object", "party", "grade", "category", "name", "state", "rule", "start", "end", "lower_m",
        "upper_m", "radius_m", "standoff_m", "stale", "disputed", "desk")  # fmt: skip
"""What a tile says of an object; its geometry is in the layer of its kind."""

CLUSTERS = "clusters"

TIMES = ("as-of", "datetime")
"""When the party had been shown it, and when it is there (OGC 20-057 section 9.5)."""

NARROWING = ("no-party", "no-category", "low", "high")
"""What its reader does not want to see."""

_BEND_UNITS = 0.25
"""What an edge straight in degrees may bend in the tile: then it is cut in parts."""

_LAYER = {kind: name for name, kind in KINDS.items()}


def tile_of(zoom: str, row: str, column: str) -> Tile:
    """The tile that a path names.

    Raises:
        NotFound: There is none.
    """
    numbers = [int(one) for one in (zoom, row, column) if one.isascii() and one.isdigit()]
    if len(numbers) == 3 and len(zoom + row + column) < 30:  # noqa: PLR2004 - digits
        found = Tile(*numbers)
        if found.zoom <= ZOOM_MAX and max(found.row, found.column) < 2**found.zoom:
            return found
    raise NotFound("tile", expected=f"zoom/row/column of WebMercatorQuad, zoom up to {ZOOM_MAX}")


def time_of(query: Mapping[str, Any], name: str) -> datetime | None:
    """An instant of a query; None where it names none.

    Raises:
        MalformedInput: It is none.
    """
    text = query.get(name)
    return None if text is None else instant(text, what=name)


def narrowing_of(query: Mapping[str, Any]) -> Narrowing:
    """What a query leaves out.

    Raises:
        MalformedInput: A height that is no number, or too many names.
    """
    parties, categories = (_names(query, name) for name in NARROWING[:2])
    low_m, high_m = (_metres(query, name) for name in NARROWING[2:])
    return Narrowing(parties=parties, categories=categories, low_m=low_m, high_m=high_m)


def _names(query: Mapping[str, Any], name: str) -> frozenset[str]:
    found = frozenset(filter(None, query.get(name, "").split(",")))
    if len(found) > NAMES_MAX:
        raise MalformedInput(name, expected=f"at most {NAMES_MAX} names", got=f"{len(found)}")
    return found


def _metres(query: Mapping[str, Any], name: str) -> float | None:
    text = query.get(name)
    if text is not None and not NUMBER.fullmatch(text):
        raise MalformedInput(name, expected="metres above the ellipsoid", got=text[:40])
    return None if text is None else float(text)


def written(where: Tile, sight: TileSight) -> bytes:
    """The bytes of a tile."""
    layers: dict[str, list[Drawn]] = {name: [] for name in (*KINDS, CLUSTERS)}
    fitted = _Fitted(where)
    for item in sight.items:
        layers[_LAYER[item.view.kind]].append(Drawn(fitted.of(item.drawing()), _tags(item)))
    for one in sight.clusters:
        layers[CLUSTERS].append(_cluster(one))
    return tile(layers)


def _tags(item: Item) -> dict[str, Value]:
    found = item.properties
    return {name: value for name in TAGS if (value := found[name]) is not None}


def _cluster(one: Cluster) -> Drawn:
    place = shapely.Point(one.x * EXTENT, one.y * EXTENT)
    tags: dict[str, Value] = {
        "kind": one.kind.value,
        "count": one.number,
        "severity": one.severity.value,
        "categories": one.categories,
    }
    return Drawn(place, tags)


class _Fitted:
    """Drawings in degrees, in the units of one tile."""

    def __init__(self, where: Tile) -> None:
        self._tile = where
        self._bounds = where.bounds()
        lat = min(85.0, max(abs(self._bounds.south), abs(self._bounds.north)))
        bend = math.tan(math.radians(lat)) / math.cos(math.radians(lat))
        unit = 2**where.zoom * EXTENT / (2 * math.pi)
        self._longest = math.degrees(math.sqrt(8 * _BEND_UNITS / (unit * max(bend, 0.1))))

    def of(self, drawing: Drawing) -> Drawing:
        """What of a drawing is in the tile and around it."""
        west, south, east, north = self._bounds
        # The margin may lie beyond the antimeridian, where the map begins anew.
        turns = [n for n in (-1, 0, 1) if west < 180 + 360 * n and east > -180 + 360 * n]
        turned = [
            shapely.transform(drawing, lambda d, n=n: d + np.array([360 * n, 0])) for n in turns
        ]
        parts = [shapely.clip_by_rect(one, west, south, east, north) for one in turned]
        seen = parts[0] if len(parts) == 1 else shapely.union_all(parts)
        placed = shapely.transform(shapely.segmentize(seen, self._longest), self._units)
        if shapely.get_dimensions(placed) < 2:  # noqa: PLR2004 - points and lines have no inside
            return placed
        return shapely.buffer(placed, 1.0, join_style="mitre")

    def _units(self, degrees: FloatArray) -> FloatArray:
        return self._tile.placed(degrees) * EXTENT


def kinds_of(names: str | None) -> tuple[EntryKind, ...]:
    """The kinds of some collections, all where none are named.

    Raises:
        NotFound: No such collection.
    """
    found: dict[str, EntryKind] = defaultdict()
    for name in KINDS if names is None else names.split(","):
        if name not in KINDS:
            raise NotFound("collection", expected=" or ".join(KINDS))
        found[name] = KINDS[name]
    return tuple(found.values())

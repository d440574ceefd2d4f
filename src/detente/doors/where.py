"""Where and when, as a query or a command line says it: a box, and an interval of time.

Source: OGC 17-069r4 sections 7.15.3 (bbox) and 7.15.4 (datetime).
"""

import math
import re
from typing import NamedTuple

import shapely

from detente.core.cql import Window, instant, overlaps
from detente.core.drawn import Drawing, drawing_of
from detente.core.volume import MM_PER_M, Volume
from detente.errors import MalformedInput
from detente.node.layers import Bounds, Item

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_PLANE, _SOLID = 4, 6


class Box(NamedTuple):
    """Where: for the sieve, exactly, and between which heights, metres above the ellipsoid."""

    bounds: Bounds
    area: Drawing
    low_m: float
    high_m: float

    def meets(self, volume: Volume) -> bool:
        """Whether a volume's height may be in it; an unknown one is all heights."""
        below = volume.upper_mm is not None and volume.upper_mm / MM_PER_M < self.low_m
        above = volume.lower_mm is not None and volume.lower_mm / MM_PER_M > self.high_m
        return not (below or above)


def box_of(text: str | None, *, lat_first: bool = False) -> Box | None:
    """Four or six numbers: the lower corner and the upper one.

    West of east it goes across the antimeridian.

    Raises:
        MalformedInput: Not that, or no place.
    """
    if text is None:
        return None
    parts = text.split(",")
    numbers = [float(one) for one in parts if NUMBER.fullmatch(one)]
    if len(numbers) != len(parts) or len(parts) not in {_PLANE, _SOLID}:
        raise MalformedInput("bbox", expected="four or six numbers", got=text[:200])
    half = len(numbers) // 2
    first, second = numbers[:half], numbers[half:]
    if lat_first:
        first[:2], second[:2] = first[1::-1], second[1::-1]
    (west, south, *low), (east, north, *high) = first, second
    low_m, high_m = (*low, -math.inf)[0], (*high, math.inf)[0]
    on_earth = all(-180 <= one <= 180 for one in (west, east)) and -90 <= south <= north <= 90  # noqa: PLR2004 - degrees
    if not on_earth or low_m > high_m:
        raise MalformedInput(
            "bbox", expected="a lower and an upper corner on the earth", got=text[:200]
        )
    bounds = Bounds(west, south, east if west <= east else east + 360, north)
    return Box(bounds, _area(west, south, east, north), low_m, high_m)


def _area(west: float, south: float, east: float, north: float) -> Drawing:
    """A box, and what of it lies at the other edge of the map: the antimeridian, a pole."""
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    edges = {end for span in spans for end in span if abs(end) == 180}  # noqa: PLR2004 - degrees
    spans += [(-end, -end) for end in edges]
    parts = [_span(one, south, other, north) for one, other in spans]
    poles = [lat for lat in (south, north) if abs(lat) == 90]  # noqa: PLR2004 - degrees
    parts += [_span(-180, lat, 180, lat) for lat in poles]
    return parts[0] if len(parts) == 1 else shapely.GeometryCollection(parts)


def _span(west: float, south: float, east: float, north: float) -> Drawing:
    """A box; where it is as thin as a line or a point, that: GEOS has no flat polygons."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def window_of(text: str | None) -> Window:
    """An instant, or an interval whose ends are instants, ``..`` or nothing.

    Raises:
        MalformedInput: Not that, or one that ends before it starts.
    """
    if text is None:
        return None, None
    ends = [None if one in {"", ".."} else instant(one, what="datetime") for one in text.split("/")]
    if len(ends) == 1 and ends[0] is not None:
        return ends[0], ends[0]
    if len(ends) != 2 or ends == [None, None]:  # noqa: PLR2004 - an interval
        raise MalformedInput("datetime", expected="an instant or an interval", got=text[:100])
    start, end = ends
    if start is not None and end is not None and end < start:
        raise MalformedInput("datetime", expected="an end at or after its start", got=text[:100])
    return start, end


def is_there(item: Item, box: Box | None, window: Window) -> bool:
    """Whether one volume of an item is there at that time and height."""
    volumes = [one for one in item.volumes() if overlaps(one, window)]
    if box is None or not volumes:
        return bool(volumes)
    volumes = [one for one in volumes if box.meets(one)]
    if not volumes:
        return False
    whole = len(volumes) == len(item.volumes())
    return bool(shapely.intersects(box.area, item.drawing() if whole else drawing_of(volumes)))

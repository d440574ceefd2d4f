"""Out of a query: where, when, how many, in which system, by which filter."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import shapely

from detente.core.cql import Test, Window, instant, overlaps, parse
from detente.core.drawn import Drawing, drawing_of
from detente.core.entry import EntryKind
from detente.core.feature import PROPERTIES, Type
from detente.core.volume import MM_PER_M, Volume
from detente.errors import MalformedInput
from detente.node.layers import Bounds, Item, Wish

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
"""Features a page. Who asks for more is given so many, as Part 1 wants it."""

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG_4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
SYSTEMS = (CRS84, EPSG_4326)
"""WGS 84 with longitude first, and with latitude first."""

FILTER_LANG = "cql2-text"

PARAMETERS = ("bbox", "bbox-crs", "datetime", "limit", "crs", "filter", "filter-lang",
              "filter-crs", "after", "f")  # fmt: skip

_PLANE, _SOLID = 4, 6
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,15}", re.ASCII)


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


class Asked(NamedTuple):
    """What is asked of a collection, and in which system the answer is to be."""

    wish: Wish
    crs: str


def asked_of(query: Mapping[str, Any], kind: EntryKind) -> Asked:
    """What a query of items asks.

    Raises:
        MalformedInput: A parameter that is unknown, or malformed.
    """
    for name in query:
        if name not in PARAMETERS and name not in PROPERTIES:
            known = ", ".join((*PARAMETERS, *PROPERTIES))
            raise MalformedInput(name, expected=f"in the query, one of {known}")
    box = box_of(query.get("bbox"), system_of(query, "bbox-crs"))
    window = window_of(query.get("datetime"))
    tests = [_equal(name, query[name]) for name in query if name in PROPERTIES]
    tests += _filter(query)

    def takes(item: Item) -> bool:
        return _is_there(item, box, window) and all(test(item) is True for test in tests)

    wish = Wish(
        kind=kind,
        boxes=() if box is None else (box.bounds,),
        takes=takes,
        after=_whole(query, "after", -1),
        limit=min(LIMIT_MAX, _whole(query, "limit", LIMIT_DEFAULT, least=1)),
    )
    return Asked(wish, system_of(query, "crs"))


def system_of(query: Mapping[str, Any], name: str) -> str:
    """A reference system; CRS84 where none is named.

    Raises:
        MalformedInput: Another than SYSTEMS.
    """
    found: str = query.get(name, CRS84)
    if found not in SYSTEMS:
        raise MalformedInput(name, expected=" or ".join(SYSTEMS), got=found[:200])
    return found


def box_of(text: str | None, crs: str) -> Box | None:
    """Four or six numbers: the lower corner and the upper one.

    West of east it goes across the antimeridian.

    Raises:
        MalformedInput: Not that, or no place.
    """
    if text is None:
        return None
    parts = text.split(",")
    numbers = [float(one) for one in parts if _NUMBER.fullmatch(one)]
    if len(numbers) != len(parts) or len(parts) not in {_PLANE, _SOLID}:
        raise MalformedInput("bbox", expected="four or six numbers", got=text[:200])
    half = len(numbers) // 2
    first, second = numbers[:half], numbers[half:]
    if crs == EPSG_4326:
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


def _is_there(item: Item, box: Box | None, window: Window) -> bool:
    """Whether one volume of an item is there at that time and height."""
    volumes = [one for one in item.volumes() if overlaps(one, window)]
    if box is None or not volumes:
        return bool(volumes)
    volumes = [one for one in volumes if box.meets(one)]
    if not volumes:
        return False
    whole = len(volumes) == len(item.volumes())
    return bool(shapely.intersects(box.area, item.drawing() if whole else drawing_of(volumes)))


def _whole(query: Mapping[str, Any], name: str, default: int, *, least: int = -1) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (_WHOLE.fullmatch(text) and int(text) >= least):
        raise MalformedInput(name, expected=f"a whole number from {max(0, least)}", got=text[:40])
    return int(text)


def _equal(name: str, text: str) -> Test:
    """Whether a property is what a parameter says."""
    wanted: object = text
    kind = PROPERTIES[name].type
    if kind in {Type.NUMBER, Type.WHOLE}:
        if not _NUMBER.fullmatch(text):
            raise MalformedInput(name, expected="a number", got=text[:100])
        wanted = float(text)
    elif kind is Type.TRUTH:
        if text not in {"true", "false"}:
            raise MalformedInput(name, expected="true or false", got=text[:100])
        wanted = text == "true"
    elif kind is Type.TIME:
        at = instant(text, what=name)
        return lambda asked: _is_time(asked.value(name), at)
    return lambda asked: asked.value(name) == wanted


def _is_time(found: object, wanted: datetime) -> bool:
    return found is not None and instant(str(found), what="time") == wanted


def _filter(query: Mapping[str, Any]) -> list[Test]:
    if query.get("filter-lang", FILTER_LANG) != FILTER_LANG:
        raise MalformedInput("filter-lang", expected=FILTER_LANG, got=query["filter-lang"][:100])
    lat_first = system_of(query, "filter-crs") == EPSG_4326
    text = query.get("filter")
    return [] if text is None else [parse(text, PROPERTIES, lat_first=lat_first)]

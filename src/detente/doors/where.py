"""Where and when, as a query or a command line says it: a box, and an interval of time.

Source: OGC 17-069r4 sections 7.15.3 (bbox) and 7.15.4 (datetime).
"""

import math
import re
from typing import NamedTuple

import shapely

from detente.core.drawn import Drawing, drawing_of
from detente.core.instant import Window, instant_of, overlaps, window
from detente.core.volume import MM_PER_M, Volume
from detente.core.wkt import box
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
    try:
        area = box(west, south, east, north)
    except ValueError:
        area = None
    if area is None or low_m > high_m:
        raise MalformedInput(
            "bbox", expected="a lower and an upper corner on the earth", got=text[:200]
        )
    bounds = Bounds(west, south, east if west <= east else east + 360, north)
    return Box(bounds, area, low_m, high_m)


def window_of(text: str | None) -> Window:
    """An instant, or an interval whose ends are instants, ``..`` or nothing.

    Raises:
        MalformedInput: Not that, or one that ends before it starts.
    """
    if text is None:
        return None, None
    ends = [
        None if one in {"", ".."} else instant_of(one, what="datetime") for one in text.split("/")
    ]
    if len(ends) == 1 and ends[0] is not None:
        return ends[0].at, ends[0].until
    if len(ends) != 2 or ends == [None, None]:  # noqa: PLR2004 - an interval
        raise MalformedInput("datetime", expected="an instant or an interval", got=text[:100])
    return window(*ends, what="datetime")


def is_there(item: Item, where: Box | None, when: Window) -> bool:
    """Whether one volume of an item is there at that time and height."""
    volumes = [one for one in item.volumes() if overlaps(one, when)]
    if where is None or not volumes:
        return bool(volumes)
    volumes = [one for one in volumes if where.meets(one)]
    if not volumes:
        return False
    whole = len(volumes) == len(item.volumes())
    return bool(shapely.intersects(where.area, item.drawing() if whole else drawing_of(volumes)))

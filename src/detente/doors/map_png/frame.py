"""The frame of a map picture: which part of the plane is shown, and where on the page."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import shapely

from detente.core.geodesy import GEOD, FloatArray
from detente.doors.map_png.plane import BoolArray, Geometry, Plane

EXTENT_MIN_M = 5_000.0
"""The least that is shown: below it neither coast nor names say where one is."""

MARGIN = 0.11
"""Of the extent, on each side: room for labels."""

WORLD_HALF_WIDTH_M, WORLD_HALF_HEIGHT_M = 17_243_960.0, 8_392_928.0
"""Half the extent of Equal Earth on WGS 84."""

_WORLD_MARGIN = 1.08
_WORLD_SHARE_MAX = 0.7
"""A frame that needs more of the world than this shows all of it."""

_NEARLY_POLE_DEG = 89.9
_GRID = 41

Bounds = tuple[float, float, float, float]
"""Lowest x, lowest y, highest x, highest y."""


class Window(NamedTuple):
    """A rectangle of the page, pixels from its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def box(self) -> Bounds:
        """The rectangle as bounds."""
        return self.left, self.bottom, self.left + self.width, self.bottom + self.height


class Frame(NamedTuple):
    """Part of a plane (metres) in a window of the page (pixels), undistorted."""

    plane: Plane
    bounds: Bounds
    window: Window

    @property
    def metres_per_px(self) -> float:
        """Metres of the plane in a pixel."""
        return (self.bounds[2] - self.bounds[0]) / self.window.width

    @property
    def area(self) -> Geometry:
        """The frame as a rectangle of the plane."""
        return shapely.box(*self.bounds)

    def pixels(self, metres: FloatArray) -> FloatArray:
        """Points of the plane (n, 2) as page pixels (n, 2)."""
        corner = np.array(self.bounds[:2])
        pixels: FloatArray = (metres - corner) / self.metres_per_px + np.array(self.window[:2])
        return pixels

    def metres(self, pixels: FloatArray) -> FloatArray:
        """Page pixels (n, 2) as points of the plane (n, 2)."""
        corner = np.array(self.bounds[:2])
        metres: FloatArray = (pixels - np.array(self.window[:2])) * self.metres_per_px + corner
        return metres

    def holds(self, metres: FloatArray) -> BoolArray:
        """Which points of the plane (n, 2) are shown, (n,) bool."""
        low, high = np.array(self.bounds[:2]), np.array(self.bounds[2:])
        return np.asarray(((metres >= low) & (metres <= high)).all(axis=1))

    def degrees(self) -> Bounds:
        """Relative longitudes and latitudes that enclose what is shown; a pole gives all around."""
        x = np.linspace(self.bounds[0], self.bounds[2], _GRID)
        y = np.linspace(self.bounds[1], self.bounds[3], _GRID)
        grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        places = self.plane.inverse(grid)
        places = places[np.isfinite(places).all(axis=1)]
        step = np.abs(np.diff(places, axis=0))
        slack = float(np.median(step[:, 1])) if len(step) else 0.0
        west, south = places.min(axis=0)
        east, north = places.max(axis=0)
        for pole in (-90.0, 90.0):
            spot = self.plane.forward_relative(np.array([[0.0, pole]]))
            if not self.plane.world and bool(self.holds(spot).all()):
                west, east = -180.0, 180.0
                south, north = min(south, pole), max(north, pole)
        return (
            max(-180.0, float(west)),
            max(-90.0, float(south) - slack),
            min(180.0, float(east)),
            min(90.0, float(north) + slack),
        )

    def turn_deg(self) -> float:
        """How far north turns from the page's top, at most, anywhere along the frame's sides."""
        x0, y0, x1, y1 = self.bounds
        corners = np.array([[x0, y0], [x0, y1], [x1, y0], [x1, y1]])
        places = self.plane.inverse(corners)
        if not np.isfinite(places).all() or np.abs(places[:, 1]).max() > _NEARLY_POLE_DEG:
            return 180.0
        north = self.plane.forward_relative(places + np.array([0.0, 1e-4])) - corners
        return float(np.degrees(np.abs(np.arctan2(north[:, 0], north[:, 1]))).max())

    def ground_metres(self) -> float:
        """True metres, along the ground, of a metre of the plane across the frame's centre."""
        x = (self.bounds[0] + self.bounds[2]) / 2
        y = (self.bounds[1] + self.bounds[3]) / 2
        half = (self.bounds[2] - self.bounds[0]) / 50
        ends = self.plane.inverse(np.array([[x - half, y], [x + half, y]]))
        _, _, length = GEOD.inv(ends[0, 0], ends[0, 1], ends[1, 0], ends[1, 1])
        return float(length) / (2 * half)


def fit(plane: Plane, wanted: Iterable[Bounds], window: Window) -> Frame:
    """The smallest frame that holds all bounds with a margin.

    Args:
        plane: Where the bounds are, metres.
        wanted: What must be shown; at least one.
        window: Where on the page; its proportions decide those of the frame.
    """
    x0, y0, x1, y1 = union(wanted)
    width = max((x1 - x0) * (1 + 2 * MARGIN), EXTENT_MIN_M)
    height = max((y1 - y0) * (1 + 2 * MARGIN), EXTENT_MIN_M)
    width = max(width, height * window.width / window.height)
    centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
    if plane.world and width > _WORLD_SHARE_MAX * 2 * WORLD_HALF_WIDTH_M:
        width = 2 * _WORLD_MARGIN * WORLD_HALF_WIDTH_M
    height = width * window.height / window.width
    if plane.world:
        centre_x = _kept(centre_x, width / 2, _WORLD_MARGIN * WORLD_HALF_WIDTH_M)
        centre_y = _kept(centre_y, height / 2, _WORLD_MARGIN * WORLD_HALF_HEIGHT_M)
    bounds = (
        centre_x - width / 2,
        centre_y - height / 2,
        centre_x + width / 2,
        centre_y + height / 2,
    )
    return Frame(plane, bounds, window)


def union(bounds: Iterable[Bounds]) -> Bounds:
    """The smallest bounds that hold all of them."""
    table = np.array(list(bounds), dtype=np.float64)
    x0, y0 = table[:, :2].min(axis=0).tolist()
    x1, y1 = table[:, 2:].max(axis=0).tolist()
    return x0, y0, x1, y1


def round_length(length: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is at most ``length``."""
    power = 10.0 ** math.floor(math.log10(length))
    return max(step * power for step in (1, 2, 5) if step * power <= length * (1 + 1e-9))


def _kept(centre: float, half: float, limit: float) -> float:
    """The centre, moved so that the frame does not look beyond the world map."""
    room = max(0.0, limit - half)
    return min(max(centre, -room), room)

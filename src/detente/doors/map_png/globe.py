"""A small globe that shows where on earth a map picture lies."""

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import Circle as Disc
from matplotlib.patches import PathPatch

from detente.core.geodesy import FloatArray
from detente.doors.land import land
from detente.doors.map_png import style
from detente.doors.map_png.frame import Frame
from detente.doors.map_png.ground import outline_of
from detente.doors.map_png.plane import unit

_SIMPLIFY_DEG = 0.3
_AREA_MIN = 0.4
"""Square degrees: smaller islands are less than a pixel of the globe."""

_OUTLINE_MIN_DEG = 4.0
_SAMPLES = 25


def draw_globe(axes: Axes, frame: Frame) -> None:
    """Land on the near side of the earth, and the frame on it; the axes span -1 to 1."""
    plane = frame.plane
    axes.add_artist(Disc((0, 0), 1, facecolor=style.SEA, edgecolor=style.FAINT_INK, lw=0.6))
    polygons = land().polygons
    polygons = shapely.simplify(polygons[shapely.area(polygons) > _AREA_MIN], _SIMPLIFY_DEG)
    shells = shapely.get_exterior_ring(polygons)
    degrees, ring = shapely.get_coordinates(shells, return_index=True)
    seen = _camera(degrees, plane.lon_deg, plane.lat_deg)
    rings = np.split(seen, np.flatnonzero(np.diff(ring)) + 1)
    faces = [shapely.Polygon(_clamped(one)) for one in rings if (one[:, 2] > 0).any()]
    outline = outline_of(np.array(faces, dtype=object))
    axes.add_artist(PathPatch(outline, facecolor="#e9e3d5", edgecolor="#c9c0ae", lw=0.3))
    edge = _frame_edge(frame)
    if edge is not None:
        axes.plot(*edge.T, color=style.INK, lw=1.1)
    else:
        axes.plot([0], [0], "o", color=style.INK, ms=4.5, mec=style.PAPER, mew=0.8)


def _camera(degrees: FloatArray, lon_deg: float, lat_deg: float) -> FloatArray:
    """Places (n, 2) seen from above the centre: right, up, towards the eye; (n, 3) unit vectors."""
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    right = [-np.sin(lon), np.cos(lon), 0.0]
    up = [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)]
    eye = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    seen: FloatArray = unit(degrees) @ np.array([right, up, eye]).T
    return seen


def _clamped(seen: FloatArray) -> FloatArray:
    """What lies behind the limb, moved onto it."""
    flat = seen[:, :2]
    length = np.maximum(np.linalg.norm(flat, axis=1), 1e-9)[:, None]
    return np.where(seen[:, 2:] < 0, flat / length, flat)


def _frame_edge(frame: Frame) -> FloatArray | None:
    """The frame's edge on the globe, if it is large enough to be seen as more than a dot."""
    x0, y0, x1, y1 = frame.bounds
    if frame.plane.world or (x1 - x0) / 111_000 < _OUTLINE_MIN_DEG:
        return None
    x, y = np.linspace(x0, x1, _SAMPLES), np.linspace(y0, y1, _SAMPLES)
    edge = np.vstack(
        [
            np.column_stack([x, np.full(_SAMPLES, y0)]),
            np.column_stack([np.full(_SAMPLES, x1), y]),
            np.column_stack([x[::-1], np.full(_SAMPLES, y1)]),
            np.column_stack([np.full(_SAMPLES, x0), y[::-1]]),
        ]
    )
    places = frame.plane.inverse(edge)
    places = places[np.isfinite(places).all(axis=1)]
    return _clamped(_camera(places, 0.0, frame.plane.lat_deg))

"""The ground of a map picture: land, waters, coast, borders, graticule.

Natural Earth's countries and lakes, simplified to 0.005 degree, and its rivers to some kilometre
(detente/data/README.md). An edge that two countries share is a border, any other a coast. None of
it is evidence of any border or bank.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from detente.core.geodesy import FloatArray, IntArray
from detente.doors.land import land, on_land
from detente.doors.map_png import style
from detente.doors.map_png.frame import Bounds, Frame
from detente.doors.map_png.plane import BoolArray, Geometry, Plane, unit

_CELL_DEG = 15.0
"""A wide frame is clipped cell by cell, so that no piece ever encloses the antipode of the
centre, where an azimuthal map turns inside out."""

_ONE_CELL_MAX_DEG = 40.0

_NEAR_SIDE = -0.8
"""Cosine of 143 degrees: land beyond is left out; the corners of the widest frame see less far."""

_SEAM_DEG = 179.999
"""Country outlines are cut at the antimeridian and closed over the south pole: no coast there."""

_POLE_SEAM_DEG = -89.99

_WATERS_MAX_M_PER_PX = 10_000.0
"""Wider, rivers are a tangle and lakes are specks; the page has them from there on, zoom 3."""

_RUN_MAX = 8
_ASIDE_DEG = 0.008
"""More than the 0.005 degree by which the data were simplified."""

_STEPS_DEG = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
_LINES_WANTED = 5
_SAMPLES = 181


def clipped(plane: Plane, bounds: Bounds) -> tuple[IntArray, IntArray]:
    """Land within bounds of relative degrees, in the plane, with the country of each piece."""
    whole = land()
    pieces, index = _clipped(plane, bounds, whole.polygons, whole.tree)
    return pieces, whole.country[index]


def _clipped(
    plane: Plane, bounds: Bounds, geometries: IntArray, tree: shapely.STRtree
) -> tuple[IntArray, IntArray]:
    """What of these is within bounds of relative degrees, in the plane, and of which each is."""
    pieces: list[IntArray] = []
    whose: list[IntArray] = []
    for cell, turn in product(_cells(plane, bounds), (-360.0, 0.0, 360.0)):
        shift = plane.lon_deg + turn
        west, south, east, north = cell[0] + shift, cell[1], cell[2] + shift, cell[3]
        if west >= 180.0 or east <= -180.0:  # noqa: PLR2004 - outside of the data
            continue
        near = np.sort(tree.query(shapely.box(west, south, east, north)))
        cut = shapely.clip_by_rect(geometries[near], west, south, east, north)
        cut, index = shapely.get_parts(cut, return_index=True)
        kept = ~shapely.is_empty(cut)
        if _is_wide(bounds):
            cut = shapely.segmentize(cut, 1.0)
        moved = shapely.transform(
            cut[kept], lambda at, shift=shift: plane.forward_relative(at - np.array([shift, 0.0]))
        )
        pieces.append(moved)
        whose.append(near[index[kept]])
    if not pieces:
        return np.zeros(0, dtype=object), np.zeros(0, dtype=np.int64)
    return np.concatenate(pieces), np.concatenate(whose)


def _is_wide(bounds: Bounds) -> bool:
    return max(bounds[2] - bounds[0], bounds[3] - bounds[1]) > _ONE_CELL_MAX_DEG


def _cells(plane: Plane, bounds: Bounds) -> list[Bounds]:
    """The bounds, or what a wide frame may show of them in cells."""
    west, south, east, north = bounds
    if not _is_wide(bounds):
        slack = 0.05 * (north - south) + 0.01
        return [(west - slack, max(-90.0, south - slack), east + slack, min(90.0, north + slack))]
    lons = np.arange(np.floor(west / _CELL_DEG), np.ceil(east / _CELL_DEG)) * _CELL_DEG
    lats = np.arange(np.floor(south / _CELL_DEG), np.ceil(north / _CELL_DEG)) * _CELL_DEG
    cells = [
        (float(lon), float(lat), float(lon) + _CELL_DEG, float(lat) + _CELL_DEG)
        for lon, lat in product(lons, lats)
    ]
    return cells if plane.world else [cell for cell in cells if _is_near(plane, cell)]


def _is_near(plane: Plane, cell: Bounds) -> bool:
    """Whether a cell lies on the near side: nowhere close to the centre's antipode."""
    corners = np.array(list(product(cell[0::2], cell[1::2])))
    centre = unit(np.array([[0.0, plane.lat_deg]]))[0]
    return bool((unit(corners) @ centre).min() > _NEAR_SIDE)


def lines(frame: Frame, bounds: Bounds) -> tuple[list[FloatArray], list[FloatArray]]:
    """Coasts and borders within bounds of relative degrees, as paths of the plane."""
    whole = land()
    near: set[int] = set()
    for turn in (-360.0, 0.0, 360.0):
        shift = frame.plane.lon_deg + turn
        box = shapely.box(bounds[0] + shift, bounds[1], bounds[2] + shift, bounds[3])
        near.update(whole.tree.query(box).tolist())
    rings = shapely.get_rings(whole.polygons[sorted(near)])
    degrees, ring = shapely.get_coordinates(rings, return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    if not len(edge):
        return [], []
    shared, first = _twins(degrees, edge)
    metres = frame.plane.forward(degrees)
    shown = _near_frame(frame, metres, edge) & ~_seam(degrees, edge)
    if not frame.plane.world:
        centre = unit(np.array([[frame.plane.lon_deg, frame.plane.lat_deg]]))[0]
        shown &= unit(degrees)[edge] @ centre > _NEAR_SIDE
    alone = _inland(degrees, edge, ring[edge], shared) & shown
    coasts = _runs(metres, edge[shown & ~shared & ~alone])
    return coasts, _runs(metres, edge[(shown & shared & first) | alone])


def _twins(degrees: FloatArray, edge: IntArray) -> tuple[BoolArray, BoolArray]:
    """Which edges two countries share; and which are the first of their kind.

    A border drawn twice would fill its own gaps.
    """
    thousandths = np.rint(degrees * 1_000).astype(np.int64)
    _, vertex = np.unique(thousandths[:, 0] * 1_000_000 + thousandths[:, 1], return_inverse=True)
    a, b = vertex[edge], vertex[edge + 1]
    keys = np.minimum(a, b) * np.int64(len(degrees)) + np.maximum(a, b)
    _, index, inverse, count = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    first = np.zeros(len(edge), dtype=np.bool_)
    first[index] = True
    return np.asarray(count[inverse] > 1), first


def _inland(degrees: FloatArray, edge: IntArray, ring: IntArray, shared: BoolArray) -> BoolArray:
    """Which edges are borders though no country shares them.

    Where simplification kept a vertex for one country and dropped it for its
    neighbour, a short run of edges stands between shared ones, with land on
    both sides.
    """
    turns = np.flatnonzero((np.diff(shared) != 0) | (np.diff(ring) != 0)) + 1
    run = np.zeros(len(edge), dtype=np.int64)
    run[turns] = 1
    run = np.cumsum(run)
    short = np.bincount(run)[run] <= _RUN_MAX
    rows = np.flatnonzero(~shared & short & np.isin(ring, np.unique(ring[shared])))
    a, b = degrees[edge[rows]], degrees[edge[rows] + 1]
    along = (b - a) / np.maximum(np.linalg.norm(b - a, axis=1), 1e-12)[:, None]
    across = np.column_stack([-along[:, 1], along[:, 0]]) * _ASIDE_DEG
    inland = np.ones(len(rows), dtype=np.bool_)
    for side in (across, -across):
        on, _ = land().tree.query(shapely.points((a + b) / 2 + side), predicate="intersects")
        inland &= np.bincount(on, minlength=len(rows)) > 0
    out = np.zeros(len(edge), dtype=np.bool_)
    out[rows[inland]] = True
    return out


def _seam(degrees: FloatArray, edge: IntArray) -> BoolArray:
    """Which edges are cuts of the data, and neither coast nor border."""
    a, b = degrees[edge], degrees[edge + 1]
    cut = (np.abs(a[:, 0]) >= _SEAM_DEG) & (np.abs(b[:, 0]) >= _SEAM_DEG)
    return np.asarray(cut | ((a[:, 1] <= _POLE_SEAM_DEG) & (b[:, 1] <= _POLE_SEAM_DEG)))


def _near_frame(frame: Frame, metres: FloatArray, edge: IntArray) -> BoolArray:
    """Which edges may cross the frame, and do not jump over the map."""
    a, b = metres[edge], metres[edge + 1]
    low, high = np.minimum(a, b), np.maximum(a, b)
    x0, y0, x1, y1 = frame.bounds
    near = (low[:, 0] <= x1) & (high[:, 0] >= x0) & (low[:, 1] <= y1) & (high[:, 1] >= y0)
    jumps = frame.plane.world & ((high - low)[:, 0] > (x1 - x0) / 2)
    return np.asarray(near & ~jumps)


def _runs(metres: FloatArray, edge: IntArray) -> list[FloatArray]:
    """Edges that follow each other, as paths."""
    if not len(edge):
        return []
    groups = np.split(edge, np.flatnonzero(np.diff(edge) != 1) + 1)
    return [metres[group[0] : group[-1] + 2] for group in groups]


def draw_ground(axes: Axes, frame: Frame) -> None:
    """Land, waters, coasts and borders, quietly."""
    bounds = frame.degrees()
    pieces, _ = clipped(frame.plane, bounds)
    if len(pieces):
        axes.add_artist(
            PathPatch(
                outline_of(pieces), facecolor=style.LAND, edgecolor=style.LAND, lw=0.5, zorder=1
            )
        )
    if frame.metres_per_px <= _WATERS_MAX_M_PER_PX:
        _draw_waters(axes, frame.plane, bounds)
    coasts, borders = lines(frame, bounds)
    axes.add_collection(LineCollection(coasts, colors=style.COAST, linewidths=0.6, zorder=1.2))
    axes.add_collection(
        LineCollection(
            borders, colors=style.BORDER, linewidths=0.6, linestyles=[(0, (4, 2))], zorder=1.2
        )
    )


def _draw_waters(axes: Axes, plane: Plane, bounds: Bounds) -> None:
    """Rivers, and lakes over them."""
    waters = {
        kind: _clipped(plane, bounds, some.geometries, some.tree)[0]
        for kind, some in on_land("waters").items()
    }
    lakes = waters["lake"]
    paths = [shapely.get_coordinates(one) for one in waters["river"]]
    axes.add_collection(LineCollection(paths, colors=style.RIVER, linewidths=0.8, zorder=1.05))
    if len(lakes):
        axes.add_artist(
            PathPatch(
                outline_of(lakes), facecolor=style.SEA, edgecolor=style.COAST, lw=0.5, zorder=1.1
            )
        )


def outline_of(geometries: Geometry) -> Outline:
    """The areas of geometries as one path for filling; holes stay empty."""
    polygons = shapely.get_parts(shapely.get_parts(geometries))
    polygons = polygons[shapely.get_dimensions(polygons) == 2]  # noqa: PLR2004 - areas
    polygons = shapely.orient_polygons(polygons)
    points, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    codes = np.full(len(points), Outline.LINETO, dtype=np.uint8)
    if len(points):
        turns = np.flatnonzero(np.diff(ring)) + 1
        codes[np.concatenate([[0], turns])] = Outline.MOVETO
        codes[np.concatenate([turns - 1, [len(points) - 1]])] = Outline.CLOSEPOLY
    return Outline(points.reshape(-1, 2), codes)


class Tick(NamedTuple):
    """Where a line of the graticule meets an edge of the frame: pixels, side, words."""

    x: float
    y: float
    side: str
    text: str


def graticule(frame: Frame) -> tuple[list[FloatArray], list[Tick]]:
    """Meridians and parallels as paths of the plane, and their labels at the frame's edges."""
    west, south, east, north = frame.degrees()
    step = _step(north - south)
    # Where meridians converge, those of a fine step would run into one another.
    around = east - west
    lon_step = 30.0 if around > 180 else _step(around)  # noqa: PLR2004 - a pole is shown
    paths: list[FloatArray] = []
    ticks: list[Tick] = []
    shift = frame.plane.lon_deg
    for number in range(
        int(np.ceil((west + shift) / lon_step)), int((east + shift) // lon_step) + 1
    ):
        lon = number * lon_step
        lat = np.linspace(south, min(north, 90.0), _SAMPLES)
        line = np.column_stack([np.full(_SAMPLES, lon - shift), lat])
        text = angle(lon, "E", "W", lon_step)
        _add(frame, line, text, ("bottom", "top"), (paths, ticks))
    for number in range(int(np.ceil(south / step)), int(north // step) + 1):
        lat_deg = number * step
        lons = np.linspace(west, east, 2 * _SAMPLES)
        line = np.column_stack([lons, np.full(2 * _SAMPLES, lat_deg)])
        _add(frame, line, angle(lat_deg, "N", "S", step), ("left", "right"), (paths, ticks))
    return paths, ticks


def _add(
    frame: Frame,
    relative: FloatArray,
    text: str,
    sides: tuple[str, str],
    out: tuple[list[FloatArray], list[Tick]],
) -> None:
    """One line of the graticule and its labels, on the side preferred."""
    metres = frame.plane.forward_relative(relative)
    out[0].append(metres)
    if frame.plane.world and bool(frame.holds(metres[:1]).all()):
        # Where the world map ends within the frame, the line is labelled at its end.
        x, y = frame.pixels(metres[:1])[0].tolist()
        out[1].append(Tick(x, y, sides[0], text))
        return
    for side in (*sides, "left", "top", "right"):
        found = _crossings(frame, metres, side)
        if found:
            out[1].extend(Tick(x, y, side, text) for x, y in found)
            return


def _crossings(frame: Frame, metres: FloatArray, side: str) -> list[tuple[float, float]]:
    """Where a path crosses one side of the frame, in pixels."""
    axis = 1 if side in ("bottom", "top") else 0
    x0, y0, x1, y1 = frame.window.box
    level = {"bottom": y0, "top": y1, "left": x0, "right": x1}[side]
    points = frame.pixels(metres)
    here, other = points[:, axis], points[:, 1 - axis]
    low, high = (x0, x1) if axis == 1 else (y0, y1)
    out = []
    for k in np.flatnonzero((here[1:] > level) != (here[:-1] > level)):
        share = (level - here[k]) / (here[k + 1] - here[k])
        along = float(other[k] + share * (other[k + 1] - other[k]))
        if low < along < high:
            out.append((along, level) if axis == 1 else (level, along))
    return out


def _step(span_deg: float) -> float:
    return next((step for step in _STEPS_DEG if span_deg / step <= _LINES_WANTED + 1), 30.0)


def angle(value_deg: float, positive: str, negative: str, step_deg: float) -> str:
    """An angle in words, such as 34.05°N, with as many decimals as the step needs."""
    value = (value_deg + 180.0) % 360.0 - 180.0 if positive == "E" else value_deg
    decimals = 0 if step_deg >= 1 else 1 if step_deg >= 0.1 else 2 if step_deg >= 0.01 else 3  # noqa: PLR2004
    text = f"{abs(value):.{decimals}f}°"
    if float(f"{abs(value):.{decimals}f}") in (0.0, 180.0) and positive == "E":
        return text
    if float(f"{abs(value):.{decimals}f}") == 0.0:
        return text
    return text + (positive if value > 0 else negative)

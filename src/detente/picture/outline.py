"""Shapes as flat arrays that the kernels read.

All shapes of a picture (or of a batch of plans) become one set of arrays. A
shape is a core (a point, the pieces of a line, or the pieces of rings) with a
radius. Pieces come in blocks of up to BLOCK with a bounding sphere, so that far
blocks are passed over. Rings also stand in the gnomonic plane that touches the
earth's sphere of directions at the shape's centre: there plane sections through
the earth's centre are straight, so "inside" is a winding number, with no pole
and no antimeridian.

Source: docs/adr/0004; docs/rules/R-06.md.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detente.core.geodesy import FloatArray, IntArray, cut_edges, ecef
from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Corridor, Polygon, Shape
from detente.errors import MalformedInput

BLOCK = 16
"""Pieces a block: one cache line of bounds stands for sixteen of geometry."""

CAP_MAX_RAD = np.radians(75.0)
"""A shape fits within 75 degrees (8,300 km) of its centre, so that its gnomonic
plane stays well-conditioned. A larger one is split by its author."""

BoolArray = npt.NDArray[np.bool_]


class Outlines(NamedTuple):
    """Flat arrays of n shapes, v vertices, b blocks, r rings.

    ``vertices`` (v, 3) metres, earth-centred; ``plane`` (v, 2) gnomonic, only
    filled for polygons. ``block_*``: first vertex, pieces (0 is a lone point),
    sphere (x, y, z, radius), plane bounds (y low, y high, x high). ``ring_*``:
    first block and end block. ``shape_*``: blocks, rings (equal ends: not a
    polygon), centre (unit vector), cap (radians), frame (two unit vectors),
    radius and edge error in metres.
    """

    vertices: FloatArray
    plane: FloatArray
    block_vertex: IntArray
    block_pieces: IntArray
    block_sphere: FloatArray
    block_plane: FloatArray
    ring_block: IntArray
    ring_block_end: IntArray
    shape_block: IntArray
    shape_block_end: IntArray
    shape_ring: IntArray
    shape_ring_end: IntArray
    shape_centre: FloatArray
    shape_cap: FloatArray
    shape_frame: FloatArray
    shape_radius_m: FloatArray
    shape_error_m: FloatArray


def outlines(shapes: Sequence[Shape]) -> Outlines:
    """Lay shapes out flat.

    Raises:
        MalformedInput: A shape wider than CAP_MAX_RAD.
    """
    paths = _gather(shapes)
    vertices, first, count = _vertices(paths)
    blocks = _blocks(vertices, first, count)
    n = len(shapes)
    path_block_end = np.cumsum(blocks.per_path)
    path_block = path_block_end - blocks.per_path
    shape_path_end = np.cumsum(np.bincount(paths.shape, minlength=n))
    shape_path = shape_path_end - np.bincount(paths.shape, minlength=n)
    shape_vertex = first[shape_path]
    centre, cap, frame = _caps(vertices, shape_vertex)
    if n and cap.max() > CAP_MAX_RAD:
        raise MalformedInput(
            "shape",
            expected=f"within {np.degrees(CAP_MAX_RAD):.0f} degrees of its centre; split it",
            got=f"{np.degrees(cap.max()):.0f} degrees",
        )
    plane = np.zeros((len(vertices) if paths.area.any() else 1, 2))
    block_plane = np.zeros((len(blocks.vertex), 3))
    if paths.area.any():
        _project(vertices, plane, centre, frame, shape_vertex)
        _bound_plane(plane, blocks, block_plane)
    is_area = paths.area[shape_path]
    flat = Outlines(
        vertices=vertices,
        plane=plane,
        block_vertex=blocks.vertex,
        block_pieces=blocks.pieces,
        block_sphere=blocks.sphere,
        block_plane=block_plane,
        ring_block=path_block,
        ring_block_end=path_block_end,
        shape_block=path_block[shape_path],
        shape_block_end=path_block_end[shape_path_end - 1],
        shape_ring=np.where(is_area, shape_path, 0),
        shape_ring_end=np.where(is_area, shape_path_end, 0),
        shape_centre=centre,
        shape_cap=cap,
        shape_frame=frame,
        shape_radius_m=paths.radius_m,
        shape_error_m=paths.error_m,
    )
    # One memory layout, so that the kernels are compiled once.
    return Outlines._make(np.ascontiguousarray(array) for array in flat)


class _Paths(NamedTuple):
    """Vertices in degrees (m, 2); each path's start, shape, and whether a ring."""

    degrees: FloatArray
    start: IntArray
    shape: IntArray
    area: BoolArray
    radius_m: FloatArray
    error_m: FloatArray


def _gather(shapes: Sequence[Shape]) -> _Paths:
    """All positions of all shapes in one array, rings closed."""
    flat: list[tuple[int, int]] = []
    starts: list[int] = []
    owners: list[int] = []
    areas: list[bool] = []
    radii: list[float] = []
    errors: list[int] = []
    for number, shape in enumerate(shapes):
        radii.append(shape.radius_m)
        match shape:
            case Circle():
                starts.append(len(flat))
                owners.append(number)
                areas.append(False)
                flat.append(shape.centre)
                errors.append(0)
            case Corridor():
                starts.append(len(flat))
                owners.append(number)
                areas.append(False)
                flat.extend(shape.line)
                errors.append(shape.edge_error_mm)
            case Polygon():
                for ring in shape.rings:
                    starts.append(len(flat))
                    owners.append(number)
                    areas.append(True)
                    flat.extend(ring)
                    flat.append(ring[0])
                errors.append(shape.edge_error_mm)
    return _Paths(
        degrees=np.array(flat, dtype=np.float64).reshape(-1, 2) / E7_PER_DEG,
        start=np.array(starts, dtype=np.int64),
        shape=np.array(owners, dtype=np.int64),
        area=np.array(areas, dtype=np.bool_),
        radius_m=np.array(radii, dtype=np.float64),
        error_m=np.array(errors, dtype=np.float64) / MM_PER_M,
    )


def _vertices(paths: _Paths) -> tuple[FloatArray, IntArray, IntArray]:
    """Earth-centred vertices with long edges cut; each path's first and count."""
    points = ecef(paths.degrees[:, 0], paths.degrees[:, 1])
    total = len(points)
    lengths = np.diff(np.append(paths.start, total))
    if total == len(paths.start):  # lone points only, the common register
        return points, paths.start, lengths
    last = np.zeros(total, dtype=np.bool_)
    last[paths.start + lengths - 1] = True
    edge = np.flatnonzero(~last)
    chord = np.linalg.norm(points[edge + 1] - points[edge], axis=1)
    pieces, starts = cut_edges(paths.degrees[edge], paths.degrees[edge + 1], chord)
    # A vertex that ends its path stays one vertex; an edge becomes its pieces.
    spread = np.ones(total, dtype=np.int64)
    spread[edge] = pieces
    place = np.cumsum(spread) - spread
    out = np.empty((int(spread.sum()), 3))
    out[place[last]] = points[last]
    inner = np.ones(len(out), dtype=np.bool_)
    inner[place[last]] = False
    out[inner] = ecef(starts[:, 0], starts[:, 1])
    count = np.add.reduceat(spread, paths.start)
    return out, place[paths.start], count


class _Blocks(NamedTuple):
    vertex: IntArray
    pieces: IntArray
    sphere: FloatArray
    per_path: IntArray


def _blocks(vertices: FloatArray, first: IntArray, count: IntArray) -> _Blocks:
    """Cut each path into blocks of up to BLOCK pieces, each with a bounding sphere."""
    pieces_of_path = count - 1
    per_path = np.maximum(1, -(-pieces_of_path // BLOCK))
    path = np.repeat(np.arange(len(first)), per_path)
    number = np.arange(len(path)) - np.repeat(np.cumsum(per_path) - per_path, per_path)
    vertex = first[path] + number * BLOCK
    pieces = np.minimum(BLOCK, pieces_of_path[path] - number * BLOCK)
    sphere = np.zeros((len(path), 4))
    if len(path) == len(vertices):
        sphere[:, :3] = vertices
        return _Blocks(vertex, pieces, sphere, per_path)
    low = np.full((len(path), 3), np.inf)
    high = np.full((len(path), 3), -np.inf)
    for k in range(BLOCK + 1):
        here = k <= pieces
        corner = vertices[vertex[here] + k]
        low[here] = np.minimum(low[here], corner)
        high[here] = np.maximum(high[here], corner)
    sphere[:, :3] = (low + high) / 2
    for k in range(BLOCK + 1):
        here = np.flatnonzero(k <= pieces)
        apart = np.linalg.norm(vertices[vertex[here] + k] - sphere[here, :3], axis=1)
        sphere[here, 3] = np.maximum(sphere[here, 3], apart)
    return _Blocks(vertex, pieces, sphere, per_path)


def _caps(
    vertices: FloatArray, shape_vertex: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre direction, angular radius and tangent frame of each shape."""
    if not len(shape_vertex):
        return np.zeros((0, 3)), np.zeros(0), np.zeros((0, 6))
    unit = vertices / np.linalg.norm(vertices, axis=1)[:, None]
    if len(shape_vertex) == len(vertices):
        centre = unit
        cap = np.zeros(len(unit))
        return centre, cap, np.zeros((len(unit), 6))
    centre = np.add.reduceat(unit, shape_vertex)
    norm = np.linalg.norm(centre, axis=1)
    # Vertices that cancel out have no mean; any of them shows the cap is too wide.
    centre = np.where(norm[:, None] > 1e-9, centre, unit[shape_vertex])  # noqa: PLR2004
    centre /= np.linalg.norm(centre, axis=1)[:, None]
    owner = np.repeat(np.arange(len(shape_vertex)), np.diff(np.append(shape_vertex, len(vertices))))
    apart = np.linalg.norm(unit - centre[owner], axis=1)
    cap = 2 * np.arcsin(np.minimum(np.maximum.reduceat(apart, shape_vertex) / 2, 1.0))
    away = np.eye(3)[np.argmin(np.abs(centre), axis=1)]
    first = np.cross(centre, away)
    first /= np.linalg.norm(first, axis=1)[:, None]
    return centre, cap, np.hstack([first, np.cross(centre, first)])


def _project(
    vertices: FloatArray,
    plane: FloatArray,
    centre: FloatArray,
    frame: FloatArray,
    shape_vertex: IntArray,
) -> None:
    """Gnomonic coordinates of every vertex in the plane of its shape."""
    owner = np.repeat(np.arange(len(shape_vertex)), np.diff(np.append(shape_vertex, len(vertices))))
    depth = np.einsum("ij,ij->i", vertices, centre[owner])
    plane[:, 0] = np.einsum("ij,ij->i", vertices, frame[owner, :3]) / depth
    plane[:, 1] = np.einsum("ij,ij->i", vertices, frame[owner, 3:]) / depth


def _bound_plane(plane: FloatArray, blocks: _Blocks, out: FloatArray) -> None:
    """Per block: lowest y, highest y, highest x."""
    out[:, 0], out[:, 1:] = np.inf, -np.inf
    for k in range(BLOCK + 1):
        here = np.flatnonzero(k <= blocks.pieces)
        corner = plane[blocks.vertex[here] + k]
        out[here, 0] = np.minimum(out[here, 0], corner[:, 1])
        out[here, 1] = np.maximum(out[here, 1], corner[:, 1])
        out[here, 2] = np.maximum(out[here, 2], corner[:, 0])

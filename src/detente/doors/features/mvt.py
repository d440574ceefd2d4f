"""Mapbox Vector Tile 2.1, written: layers of features in the coordinates of a tile.

Source: Mapbox Vector Tile Specification 2.1, sections 4.1 to 4.4; Protocol Buffers encoding.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import shapely

from detente.core.drawn import Drawing
from detente.core.geodesy import IntArray

EXTENT = 4_096
"""Units along an edge of a tile."""

Value = str | float | int | bool

_VERSION = 2
_MOVE, _LINE, _CLOSE = 1, 2, 7
_POINT, _LINESTRING, _POLYGON = 1, 2, 3
_TAGS, _TYPE, _GEOMETRY = 2, 3, 4
_NAME, _FEATURES, _KEYS, _VALUES, _EXTENT_FIELD, _VERSION_FIELD = 1, 2, 3, 4, 5, 15
_LAYERS = 3
_STRING, _DOUBLE, _UINT, _BOOL = 1, 3, 5, 7
_RING_MIN = 3


class Drawn(NamedTuple):
    """A feature: a geometry in the units of its tile, y downwards, and what is said of it."""

    geometry: Drawing
    tags: Mapping[str, Value]


def tile(layers: Mapping[str, Sequence[Drawn]]) -> bytes:
    """A tile of these layers; one without features is left out."""
    made = (_layer(name, features) for name, features in layers.items())
    return b"".join(_message(_LAYERS, one) for one in made if one)


def _layer(name: str, features: Sequence[Drawn]) -> bytes:
    keys: dict[str, int] = {}
    values: dict[bytes, int] = {}
    written = []
    for one in features:
        kind, geometry = _geometry(one.geometry)
        if not len(geometry):
            continue
        tags = [
            number
            for key, value in one.tags.items()
            for number in (
                keys.setdefault(key, len(keys)),
                values.setdefault(_value(value), len(values)),
            )
        ]
        body = _message(_TAGS, varints(np.array(tags, dtype=np.int64)))
        body += _field(_TYPE, kind) + _message(_GEOMETRY, varints(geometry))
        written.append(_message(_FEATURES, body))
    if not written:
        return b""
    return b"".join(
        [
            _message(_NAME, name.encode()),
            *written,
            *(_message(_KEYS, key.encode()) for key in keys),
            *(_message(_VALUES, value) for value in values),
            _field(_EXTENT_FIELD, EXTENT),
            _field(_VERSION_FIELD, _VERSION),
        ]
    )


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return _message(_STRING, value.encode())
    if isinstance(value, bool):
        return _field(_BOOL, int(value))
    if isinstance(value, int) and value >= 0:
        return _field(_UINT, value)
    return bytes([_DOUBLE << 3 | 1]) + np.array(value, dtype="<f8").tobytes()


def _geometry(geometry: Drawing) -> tuple[int, IntArray]:
    """Commands and parameters of a geometry; none where nothing of it is left."""
    parts = shapely.get_parts(geometry)
    kind = max((int(shapely.get_dimensions(one)) for one in parts), default=0) + 1
    parts = [one for one in parts if shapely.get_dimensions(one) == kind - 1]
    if kind == _POINT:
        return kind, _points(shapely.get_coordinates(parts).round().astype(np.int64))
    lines = parts
    if kind == _POLYGON:
        # Its rows grow downwards: what is counterclockwise upwards is a shell here.
        turned = [shapely.orient_polygons(one) for one in parts]
        lines = [ring for one in turned for ring in (one.exterior, *one.interiors)]
    commands: list[IntArray] = []
    at = np.zeros(2, dtype=np.int64)
    for line in lines:
        path = shapely.get_coordinates(line).round().astype(np.int64)
        path = path[np.r_[True, (np.diff(path, axis=0) != 0).any(axis=1)]]
        if kind == _POLYGON:
            path = path[:-1]
        if len(path) < kind:
            continue
        commands.append(_path(path, at, closed=kind == _POLYGON))
        at = path[-1]
    return kind, np.concatenate(commands) if commands else np.empty(0, dtype=np.int64)


def _points(places: IntArray) -> IntArray:
    if not len(places):
        return np.empty(0, dtype=np.int64)
    steps = np.diff(places, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    return np.concatenate([[_MOVE | len(places) << 3], _zigzag(steps.ravel())])


def _path(path: IntArray, at: IntArray, *, closed: bool) -> IntArray:
    steps = _zigzag(np.diff(path, axis=0, prepend=at[None]).ravel())
    head, rest = steps[:2], steps[2:]
    line = np.array([_LINE | (len(path) - 1) << 3])
    ended = np.array([_CLOSE | 1 << 3] if closed else [], dtype=np.int64)
    return np.concatenate([np.array([_MOVE | 1 << 3]), head, line, rest, ended])


def _zigzag(steps: IntArray) -> IntArray:
    return np.asarray((steps << 1) ^ (steps >> 63))


def varints(numbers: IntArray) -> bytes:
    """Numbers as protobuf writes them: seven bits a byte, the lowest first.

    Args:
        numbers: (n,) int64, none negative, below 2^35.
    """
    places = np.arange(5)
    digits = (numbers[:, None] >> (7 * places)) & 0x7F
    size = np.maximum(1, 5 - (np.cumsum(digits[:, ::-1], axis=1) == 0).sum(axis=1))
    digits |= np.where(places < size[:, None] - 1, 0x80, 0)
    return bytes(digits[places < size[:, None]].astype(np.uint8))


def _field(number: int, value: int) -> bytes:
    return varints(np.array([number << 3, value], dtype=np.int64))


def _message(number: int, body: bytes) -> bytes:
    return varints(np.array([number << 3 | 2, len(body)], dtype=np.int64)) + body

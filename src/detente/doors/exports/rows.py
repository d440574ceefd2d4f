"""An export as rows, a volume each: what a table, a layer or a map's placemark says of it.

The names of columns are those that ``detente import`` knows (doors/files/columns.py), so that
what is written here is read there. A drawing holds its volume, and its true size stands beside
it under names that are not read as sizes: read again, it would be widened twice.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import shapely

from detente.core.altitude import AltitudeReference
from detente.core.check import Protected
from detente.core.drawn import Drawing, drawing_of, rounded
from detente.core.edges import corridor, polygon
from detente.core.entry import EntryKind
from detente.core.notice import Notice, NoticeKind
from detente.core.plan import Plan
from detente.core.presence import Presence, Track
from detente.core.view import View
from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Corridor, Polygon, Position, Volume
from detente.core.zone import Zone
from detente.doors.escort_columns import ESCORT_COLUMNS, said_of
from detente.node.exporting import Export
from detente.node.layers import Item

Value = str | float | int | bool | None

COLUMNS: dict[str, type] = {
    "id": str, "name": str, "category": str, "kind": str, "party": str, "grade": str,
    "object": str, "version": int, "rule": str, "state": str, "start": str, "end": str,
    "lower_m": float, "upper_m": float, "altitude_reference": str, "standoff_m": float,
    "hazard_m": float, "uncertainty_m": float, "review_due": str, "stale": bool,
    "disputed": bool, "desk_to_call": str, "tlp": str, "plan": str, "movement": str,
    **ESCORT_COLUMNS,
}  # fmt: skip
"""What is said of each volume, and of what type; null where there is nothing to say."""

TRUE_SIZES: dict[str, type] = {
    "circle_radius_m": float, "corridor_width_m": float, "polygon_buffer_m": float,
    "track_time": str, "track_speed_max_m_s": float, "track_accuracy_m": float,
}  # fmt: skip
"""Beside a drawing, what it was drawn of."""

SIZES: dict[str, type] = {
    "radius_m": float, "width_m": float, "buffer_m": float,
    "time": str, "speed_max_m_s": float, "accuracy_m": float,
}  # fmt: skip
"""Beside a core, what makes the volume of it: in the order of TRUE_SIZES."""

HEADER: dict[str, type] = {"theatre": str, "reader": str, "as_of": str, "expires": str,
                           "edition": str}  # fmt: skip
"""Of the export, with each row of a table: rows are cut out and pasted elsewhere."""

KIND_NAMES = {
    EntryKind.NOTICE: "notices",
    EntryKind.ZONE: "zones",
    EntryKind.PRESENCE: "presence",
    EntryKind.PLAN: "plans",
}

_RING_MIN = 3
_LINE_MIN = 2


class Row(NamedTuple):
    """One volume; ``sizes`` in the order of TRUE_SIZES."""

    item: Item
    volume: Volume
    said: dict[str, Value]
    geometry: Drawing
    sizes: tuple[Value, ...]

    def properties(self, names: Sequence[str]) -> dict[str, Value]:
        """All that is said, its sizes under these names."""
        return {**self.said, **dict(zip(names, self.sizes, strict=True))}


def header_of(found: Export) -> dict[str, str]:
    """What an export says of itself."""
    return {
        "theatre": found.theatre,
        "reader": found.reader,
        "as_of": utc(found.as_of),
        "expires": utc(found.expires),
        "edition": found.edition,
    }


def utc(time: datetime) -> str:
    """RFC 3339, in UTC, to the microsecond where there are any."""
    return time.isoformat().replace("+00:00", "Z")


def drawn_rows(found: Export) -> Iterator[Row]:
    """Rows whose geometry is a drawing that holds the volume."""
    for item, number, volume in _volumes(found):
        track = _track(item.view)
        drawing = rounded(drawing_of((volume,)))
        yield Row(item, volume, _said(item, number, volume), drawing, _sizes(volume, track))


def core_rows(found: Export) -> Iterator[Row]:
    """Rows whose geometry is the volume's core where reading it back gives the volume; else drawn.

    A track is its last position.
    """
    for item, number, volume in _volumes(found):
        track = _track(item.view)
        if track is not None:
            geometry: Drawing = shapely.Point(_degrees([track.position])[0])
            sizes = (None, None, None, *_of_track(track))
        else:
            core = _core(volume)
            geometry = rounded(drawing_of((volume,))) if core is None else core
            sizes = _NO_SIZES if core is None else _sizes(volume, None)
        yield Row(item, volume, _said(item, number, volume), geometry, sizes)


def _volumes(found: Export) -> Iterator[tuple[Item, int, Volume]]:
    for item in found.items:
        for number, volume in enumerate(item.volumes(), start=1):
            yield item, number, volume


def _said(item: Item, number: int, volume: Volume) -> dict[str, Value]:
    view, value = item.view, item.view.value
    many = len(item.volumes()) > 1
    movement = isinstance(value, Notice) and value.kind is NoticeKind.MOVEMENT
    said: dict[str, Value] = dict.fromkeys(COLUMNS)
    said |= {
        "id": f"{view.object}/{number}" if many else view.object,
        "category": view.category,
        "kind": KIND_NAMES[view.kind],
        "party": view.party,
        "grade": view.grade.value,
        "object": view.object,
        "version": view.version,
        "start": None if volume.start is None else utc(volume.start),
        "end": None if volume.end is None else utc(volume.end),
        "lower_m": _metres(volume.lower_mm),
        "upper_m": _metres(volume.upper_mm),
        "altitude_reference": AltitudeReference.WGS84.value,
        "desk_to_call": None if view.desk is None else called(view),
        "tlp": None if view.tlp is None else view.tlp.value,
        "plan": view.object if isinstance(value, Plan) else None,
        "movement": view.object if movement else None,
    }
    return said | (_of_value(value, item.now) if isinstance(value, Protected) else {})


def called(view: View) -> str:
    """The desk to call, with how."""
    if view.desk is None:
        return "none is named"
    contacts = ", ".join(view.desk.contacts)
    return f"{view.desk.name} ({contacts})" if contacts else view.desk.name


def _of_value(value: Protected, now: datetime) -> dict[str, Value]:
    if isinstance(value, Plan):
        return {
            "name": value.name or value.source_id,
            "state": value.state.value,
            "hazard_m": value.hazard_mm / MM_PER_M,
        }
    zone = value if isinstance(value, Zone) else None
    return {
        "name": value.name,
        "rule": None if zone is None else zone.rule.value,
        "uncertainty_m": None if zone is None else zone.uncertainty_mm / MM_PER_M,
        "standoff_m": value.standoff_mm / MM_PER_M,
        "review_due": None if value.review_due is None else utc(value.review_due),
        "stale": value.is_stale(now),
        "disputed": value.disputed,
        **(said_of(value.escort) if isinstance(value, Notice) else {}),
    }


def _metres(mm: int | None) -> float | None:
    return None if mm is None else mm / MM_PER_M


def _track(view: View) -> Track | None:
    return view.value.track if isinstance(view.value, Presence) else None


def _of_track(track: Track) -> tuple[Value, ...]:
    return utc(track.time), track.speed_max_mm_s / MM_PER_M, track.accuracy_mm / MM_PER_M


_NO_SIZES: tuple[Value, ...] = (None,) * len(TRUE_SIZES)


def _sizes(volume: Volume, track: Track | None) -> tuple[Value, ...]:
    """Of a footprint of shapes of one kind and size; nothing else has one."""
    moving = (None, None, None) if track is None else _of_track(track)
    alike = {
        (type(one), one.width_mm / MM_PER_M if isinstance(one, Corridor) else one.radius_m)
        for one in volume.footprint
    }
    if len(alike) > 1:
        return (None, None, None, *moving)
    [(kind, size)] = alike
    return (*(size if kind is one else None for one in (Circle, Corridor, Polygon)), *moving)


def _core(volume: Volume) -> Drawing | None:
    """The geometry of which, with the sizes beside it, this very footprint is read."""
    shapes = volume.footprint
    sizes = _sizes(volume, None)
    if all(one is None for one in sizes):
        return None
    parts = [_core_of(one) for one in shapes]
    if any(one is None for one in parts):
        return None
    if len(parts) == 1:
        return parts[0]
    kinds = {
        Circle: shapely.MultiPoint,
        Corridor: shapely.MultiLineString,
        Polygon: shapely.MultiPolygon,
    }
    return kinds[type(shapes[0])](parts)


def _core_of(shape: Circle | Corridor | Polygon) -> Drawing | None:
    """A point, line or polygon; None where it would not be read as the same shape."""
    match shape:
        case Circle():
            return shapely.Point(_degrees([shape.centre])[0])
        case Corridor():
            line = _degrees(shape.line)
            if len(line) < _LINE_MIN or corridor(line, shape.width_mm / MM_PER_M) != (shape,):
                return None
            return shapely.LineString(line)
        case Polygon():  # pragma: no branch - mypy knows that these are all
            rings = [_degrees((*one, one[0])) for one in shape.rings]
            few = any(len(one) <= _RING_MIN for one in rings)
            if few or polygon(rings, shape.buffer_mm / MM_PER_M) != (shape,):
                return None
            return shapely.Polygon(rings[0], rings[1:])


def _degrees(positions: Sequence[Position]) -> list[tuple[float, float]]:
    return [(lon / E7_PER_DEG, lat / E7_PER_DEG) for lon, lat in positions]


def json_properties(row: Row) -> dict[str, Any]:
    """What a feature says of its volume."""
    return row.properties(tuple(TRUE_SIZES))

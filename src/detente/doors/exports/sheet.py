"""Crew sheets: what is on the pages, as lines; ``sheet_pages`` sets them.

A sheet is of one object, on as many pages as it takes. Each says where in three forms, how high
in metres and feet, when, whom to call, and how far its protected neighbours are: from footprint
to footprint, never more than it is, whatever their times and heights.

Source: requirement H18; docs/files.md.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from msgspec.structs import replace

from detente.core.altitude import FOOT_M, GEOID_HIGH_M, GEOID_LOW_M
from detente.core.check import Known, Meeting, Protected
from detente.core.coordinates import LATITUDE_MAX_DEG, forms, spelt
from detente.core.drawn import Drawing
from detente.core.geodesy import GEOD
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.volume import (
    E7_PER_DEG,
    MM_PER_M,
    Circle,
    Corridor,
    Polygon,
    Position,
    Shape,
    Volume,
)
from detente.core.zone import Zone
from detente.doors.escort_columns import told_of
from detente.doors.exports.rows import called
from detente.errors import Conflict
from detente.node.exporting import Export
from detente.node.layers import Item

SHEETS_MAX = 50
"""Objects on paper: some 20 s of one of the threads that draw for all. More are for a screen."""

NEAR_MM = 50_000 * MM_PER_M
"""Neighbours within 50 km are told of: some ten minutes of a slow aircraft."""

NEIGHBOURS_MAX = 25
"""Told of one by one, the nearest first; how many more there are is said."""

POSITIONS_MAX = 40
"""Vertices of a footprint that are written out; how many more there are is said."""

_TURN_DEG, _HALF_TURN_DEG = 360.0, 180.0

FloatArray = npt.NDArray[np.float64]


class Neighbour(NamedTuple):
    """Another object: how far from footprint to footprint, metres, rounded down; and its bearing.

    ``bearing_deg`` is from middle to middle, from true north.
    """

    item: Item
    distance_m: int
    bearing_deg: int


class Sheet(NamedTuple):
    """One object: its lines, each a heading and what it says, and what is drawn."""

    item: Item
    title: str
    lines: tuple[tuple[str, str], ...]
    drawing: Drawing
    neighbours: tuple[Neighbour, ...]


def sheets_of(found: Export) -> list[Sheet]:
    """A sheet an object, in the order of the record.

    Raises:
        Conflict: More than SHEETS_MAX.
    """
    if len(found.items) > SHEETS_MAX:
        raise Conflict(
            "crew sheet", expected=f"at most {SHEETS_MAX} objects; narrow it", got="more"
        )
    near = _neighbours(found.items)
    return [
        Sheet(item, name_of(item), tuple(_lines(item, others)), item.drawing(), tuple(others))
        for item, others in zip(found.items, near, strict=True)
    ]


def name_of(item: Item) -> str:
    """What an object is called on paper."""
    name = item.properties["name"]
    return str(name) if name else f"An area of {item.view.party}: {item.view.category}"


def _neighbours(items: Sequence[Item]) -> list[list[Neighbour]]:
    """For each, the others within NEAR_MM, the nearest first; plans of others do not protect."""
    from detente.picture import Picture  # noqa: PLC0415 - loads compiled kernels

    if not items:
        return []
    whole = [_always(one) for one in items]
    known = [
        Known(value=_stand_in(volumes), object_id=str(number), sequence=number)
        for number, volumes in enumerate(whole)
    ]
    asked = [Plan(source_id=str(number), volumes=one) for number, one in enumerate(whole)]
    met = Picture(known).meetings(asked, separation_mm=NEAR_MM)
    return [
        sorted(
            (_neighbour(items[number], items[int(one.known.object_id)], one)
             for one in meetings if int(one.known.object_id) != number),
            key=lambda one: (one.distance_m, one.item.view.object),
        )
        for number, meetings in enumerate(met)
    ]  # fmt: skip


def _always(item: Item) -> tuple[Volume, ...]:
    """Where an object is, at all times and heights."""
    return tuple(
        replace(one, lower_mm=None, upper_mm=None, start=None, end=None) for one in item.volumes()
    )


def _stand_in(volumes: tuple[Volume, ...]) -> Notice:
    return Notice(source_id="-", name="-", category="neighbour", volumes=volumes)


def _neighbour(here: Item, other: Item, met: Meeting) -> Neighbour:
    (lon, lat), (to_lon, to_lat) = middle(here.drawing()), middle(other.drawing())
    azimuth, _, _ = GEOD.inv(lon, lat, to_lon, to_lat)
    distance_m = max(0.0, met.distance_m - met.distance_error_m)
    return Neighbour(other, math.floor(distance_m), round(azimuth) % 360)


def middle(drawing: Drawing) -> tuple[float, float]:
    """Longitude and latitude of the middle of a drawing: of what is around a pole, the pole."""
    west, south, east, north = drawing.bounds
    if east - west > _HALF_TURN_DEG:
        if max(-south, north) >= LATITUDE_MAX_DEG:
            return 0.0, math.copysign(LATITUDE_MAX_DEG, south + north)
        drawing = shapely.transform(drawing, _eastward)  # It was cut at the antimeridian.
    centre = drawing.centroid
    return (centre.x + _HALF_TURN_DEG) % _TURN_DEG - _HALF_TURN_DEG, float(centre.y)


def _eastward(degrees: FloatArray) -> FloatArray:
    """Longitudes from 0 to 360."""
    return np.column_stack([degrees[:, 0] % _TURN_DEG, degrees[:, 1]])


def _lines(item: Item, others: Sequence[Neighbour]) -> list[tuple[str, str]]:
    view, value = item.view, item.view.value
    lon, lat = middle(item.drawing())
    what = [view.kind.value, view.category or "", f"of {view.party}", f"version {view.version}"]
    out = [("Name", name_of(item)), ("What", ", ".join(one for one in what if one))]
    out.append(("Call", called(view)))
    if value is None:
        out.append(("Shown", "only an area in which it is; its heights are not told"))
    elif isinstance(value, Protected):
        out += _of_value(value, item.now)
    out += [("Middle", spelt(lat, lon)), ("", forms(lat, lon).minutes)]
    for number, volume in enumerate(item.volumes(), start=1):
        out += _of_volume(volume, f"Volume {number}" if len(item.volumes()) > 1 else "Where")
    return out + _near(others)


def _near(others: Sequence[Neighbour]) -> list[tuple[str, str]]:
    told = [_told(one) for one in others[:NEIGHBOURS_MAX]]
    if len(others) > NEIGHBOURS_MAX:
        told.append(f"and {len(others) - NEIGHBOURS_MAX} more within 50 km, not listed")
    if not others:
        told.append("nothing else of this export within 50 km; what is not shown may be")
    return [("" if number else "Near", one) for number, one in enumerate(told)]


def _of_value(value: Protected, now: datetime) -> list[tuple[str, str]]:
    if isinstance(value, Plan):
        hazard = _metres(value.hazard_mm)
        return [("State", value.state.value), ("Hazard", f"within {hazard} of it")]
    out = []
    if isinstance(value, Zone):
        out.append(("Asks", value.rule.value.replace("_", " ")))
    if isinstance(value, Presence) and value.track is not None:
        track = value.track
        speed = f"{track.speed_max_mm_s / MM_PER_M:g} m/s"
        seen = f"last seen {_time(track.time)} at {_spelt(track.position)}"
        out.append(("Moving", f"{seen}, at up to {speed} since; shown as far as it may have got"))
    if value.standoff_mm:
        feet = _feet(value.standoff_mm / MM_PER_M, up=True)
        out.append(("Keep away", f"{_metres(value.standoff_mm)} ({feet} ft) from all of it"))
    if isinstance(value, Notice) and value.escort is not None:
        out += told_of(value.escort)
    if value.is_stale(now):
        out.append(("Note", "its review is overdue; it protects as before"))
    if value.disputed:
        out.append(("Note", "it is disputed; it protects as before"))
    return out


def _of_volume(volume: Volume, heading: str) -> list[tuple[str, str]]:
    out = []
    for shape in volume.footprint:
        if any(_follows(shape, other) for other in volume.footprint):
            continue
        about, positions = _of_shape(shape)
        if any(_follows(other, shape) for other in volume.footprint):
            about += ", whose edges are geodesics, and straight in degrees as well"
        out.append((heading, about))
        out += [("", f"{n}. {_spelt(one)}") for n, one in enumerate(positions[:POSITIONS_MAX], 1)]
        if len(positions) > POSITIONS_MAX:
            out.append(("", f"and {len(positions) - POSITIONS_MAX} more corners, not listed"))
    out += _heights(volume)
    start = "always has been" if volume.start is None else _time(volume.start)
    end = "until further notice" if volume.end is None else _time(volume.end)
    out.append(("Time", f"{start} to {end}" if volume.start else f"{start}, {end}"))
    return out


def _of_shape(shape: Circle | Corridor | Polygon) -> tuple[str, Sequence[Position]]:
    match shape:
        case Circle(radius_mm=0):
            return "a point", [shape.centre]
        case Circle():
            return f"{_metres(shape.radius_mm)} around", [shape.centre]
        case Corridor():
            return f"a corridor, {_metres(shape.width_mm)} wide, along", shape.line
        case Polygon():  # pragma: no branch - mypy knows that these are all
            wider = f", widened by {_metres(shape.buffer_mm)}" if shape.buffer_mm else ""
            holes = f", with {len(shape.rings) - 1} holes" if len(shape.rings) > 1 else ""
            return f"within these corners{wider}{holes}", [p for ring in shape.rings for p in ring]


def _spelt(position: Position) -> str:
    lon, lat = position
    return spelt(lat / E7_PER_DEG, lon / E7_PER_DEG)


def _follows(one: Shape, other: Shape) -> bool:
    """Whether one is the other with corners added along its edges (detente.core.edges)."""
    if type(one) is not type(other) or one.radius_m != other.radius_m:
        return False
    return set(_of_shape(other)[1]) < set(_of_shape(one)[1])


def _heights(volume: Volume) -> list[tuple[str, str]]:
    """Above the ellipsoid; and, for who has an altimeter, in feet above the sea, outwards."""
    low, high = volume.lower_mm, volume.upper_mm
    if low is None and high is None:
        return [("Height", "all heights")]
    down = "all below" if low is None else _metres(low)
    up = "no limit" if high is None else _metres(high)
    out = [("Height", f"{down} to {up}, above the WGS 84 ellipsoid")]
    if low is not None:
        down = f"{_feet(low / MM_PER_M - GEOID_HIGH_M, up=False)} ft"
    if high is not None:
        up = f"{_feet(high / MM_PER_M - GEOID_LOW_M, up=True)} ft"
    return [*out, ("", f"{down} to {up} above mean sea level, wherever the geoid lies")]


def _metres(mm: int) -> str:
    return f"{mm / MM_PER_M:.3f}".rstrip("0").rstrip(".") + " m"


def _feet(metres: float, *, up: bool) -> int:
    """Whole feet, outwards."""
    feet = round(metres / FOOT_M, 6)
    return math.ceil(feet) if up else math.floor(feet)


def _time(time: datetime) -> str:
    return f"{time:%d %b %Y %H:%M:%S}Z"


def _told(one: Neighbour) -> str:
    far = f"{one.distance_m / 1_000:.1f} km" if one.distance_m >= 10_000 else f"{one.distance_m} m"  # noqa: PLR2004 - five digits
    at = "meets it" if one.distance_m == 0 else f"{far}, bearing {one.bearing_deg:03}° true"
    return f"{at}: {name_of(one.item)} ({one.item.view.category}); call {called(one.item.view)}"

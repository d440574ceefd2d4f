"""An object as a feature: what a map or a GIS is told of it, cut to its reader before.

A feature is one object in its current version, with one drawing that holds all of its volumes
(detente.core.drawn) and the same properties whatever its kind, null where it has none.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

from detente.core.check import Protected
from detente.core.entry import EntryKind
from detente.core.plan import Plan
from detente.core.presence import TRACK_GROWTH_MAX_S, Presence, Track
from detente.core.view import View
from detente.core.volume import MM_PER_M, RADIUS_MAX_MM, Circle, Corridor, Polygon, Volume
from detente.core.zone import Zone


class Type(StrEnum):
    """Of a property, as JSON has it; ``TIME`` is a string (RFC 3339)."""

    TEXT = "string"
    NUMBER = "number"
    WHOLE = "integer"
    TRUTH = "boolean"
    TIME = "date-time"


class Property(Struct, frozen=True):
    """What a feature says of its object, and by what it may be asked for."""

    type: Type
    says: str


PROPERTIES: Mapping[str, Property] = {
    "object": Property(Type.TEXT, "The object's id, which is the feature's."),
    "version": Property(Type.WHOLE, "The object's version, from 1."),
    "party": Property(Type.TEXT, "Whose it is."),
    "grade": Property(Type.TEXT, "How much of it is shown: full, or area, a coarse circle."),
    "category": Property(Type.TEXT, "What it is, such as medical."),
    "name": Property(Type.TEXT, "Its name; null where only its area is shown."),
    "state": Property(Type.TEXT, "Of a plan, where it stands in its life."),
    "rule": Property(Type.TEXT, "Of a zone, what it asks."),
    "start": Property(Type.TIME, "When the first of its volumes begins; null: always has been."),
    "end": Property(Type.TIME, "When the last ends; null: until further notice."),
    "lower_m": Property(Type.NUMBER, "Metres above the ellipsoid; null: unbounded or not told."),
    "upper_m": Property(Type.NUMBER, "Metres above the ellipsoid; null: unbounded or not told."),
    "radius_m": Property(Type.NUMBER, "Of a footprint that is one circle, its true radius."),
    "width_m": Property(Type.NUMBER, "Of a footprint that is one corridor, its true width."),
    "buffer_m": Property(Type.NUMBER, "Of a footprint that is one polygon, how far it is widened."),
    "standoff_m": Property(Type.NUMBER, "What it asks to be kept around it; not in the geometry."),
    "volumes": Property(Type.WHOLE, "How many volumes the geometry holds."),
    "stale": Property(Type.TRUTH, "Whether its review is overdue; it protects as before."),
    "disputed": Property(Type.TRUTH, "Whether a recipient contests it; it protects as before."),
    "desk": Property(Type.TEXT, "Whom to call."),
    "tlp": Property(Type.TEXT, "How far it may be passed on (TLP 2.0)."),
    "late": Property(Type.TRUTH, "Whether it was told with less notice than the agreement asks."),
}
"""In the order of a feature's properties."""

KINDS = {
    "notices": EntryKind.NOTICE,
    "zones": EntryKind.ZONE,
    "presence": EntryKind.PRESENCE,
    "plans": EntryKind.PLAN,
}
"""Collections of features."""

Properties = dict[str, str | float | int | bool | None]


def volumes_of(view: View, now: datetime) -> tuple[Volume, ...]:
    """Where and when an object is, as far as its reader may see; a track as far as it has grown."""
    value = view.value
    if value is None:
        return view.area
    assert isinstance(value, Protected), "a feature is of what a plan may meet"  # noqa: S101
    if isinstance(value, Presence) and value.track is not None:
        return (where_now(value.track, now),)
    return value.volumes


def properties_of(view: View, now: datetime) -> Properties:
    """All of PROPERTIES."""
    volumes = volumes_of(view, now)
    found: Properties = dict.fromkeys(PROPERTIES)
    found |= {
        "object": view.object,
        "version": view.version,
        "party": view.party,
        "grade": view.grade.value,
        "category": view.category,
        "start": _utc([one.start for one in volumes], min),
        "end": _utc([one.end for one in volumes], max),
        "lower_m": _metres([one.lower_mm for one in volumes], min),
        "upper_m": _metres([one.upper_mm for one in volumes], max),
        "volumes": len(volumes),
        "desk": None if view.desk is None else view.desk.name,
        "tlp": None if view.tlp is None else view.tlp.value,
        "late": view.late,
        **_size(volumes),
    }
    if isinstance(view.value, Protected):
        found |= _of_value(view.value, now)
    return found


def _of_value(value: Protected, now: datetime) -> Properties:
    """What only whoever sees all of an object is told."""
    if isinstance(value, Plan):
        return {
            "name": value.name or value.source_id,
            "state": value.state.value,
            "standoff_m": value.hazard_mm / MM_PER_M,
        }
    return {
        "name": value.name,
        "rule": value.rule.value if isinstance(value, Zone) else None,
        "standoff_m": value.standoff_mm / MM_PER_M,
        "stale": value.is_stale(now),
        "disputed": value.disputed,
    }


def _size(volumes: tuple[Volume, ...]) -> Properties:
    """The true measure of a footprint that is one shape."""
    if len(volumes) > 1 or len(volumes[0].footprint) > 1:
        return {}
    match volumes[0].footprint[0]:
        case Circle() as circle:
            return {"radius_m": circle.radius_m}
        case Corridor() as corridor:
            return {"width_m": corridor.width_mm / MM_PER_M}
        case Polygon() as polygon:  # pragma: no branch - mypy knows that these are all
            return {"buffer_m": polygon.radius_m}


def _metres(values: list[int | None], least: Callable[[list[int]], int]) -> float | None:
    """The lowest or highest in metres; None where one is unbounded."""
    known = [one for one in values if one is not None]
    return least(known) / MM_PER_M if len(known) == len(values) else None


def _utc(times: list[datetime | None], least: Callable[[list[datetime]], datetime]) -> str | None:
    """The first or last as RFC 3339 has it; None where one is unbounded."""
    known = [one for one in times if one is not None]
    if len(known) < len(times):
        return None
    return least(known).astimezone(UTC).isoformat().replace("+00:00", "Z")


def where_now(track: Track, now: datetime) -> Volume:
    """Where a track may be now, as far as it grows."""
    age_s = min(abs((now - track.time).total_seconds()), TRACK_GROWTH_MAX_S)
    reach_mm = track.accuracy_mm + math.ceil(age_s * track.speed_max_mm_s)
    circle = Circle(centre=track.position, radius_mm=min(reach_mm, RADIUS_MAX_MM))
    return Volume(footprint=(circle,), lower_mm=track.lower_mm, upper_mm=track.upper_mm)

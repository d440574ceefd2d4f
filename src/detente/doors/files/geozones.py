"""Geo-zones for uncrewed aircraft, EUROCAE ED-269 and ED-318, to rows.

Each geometry of a zone keeps its own altitudes. Schedules within a day are not
used: the zone then protects all day, and the row's ``schedule_unused`` says so.

Source: EUROCAE ED-269 (2020) and ED-318 (2024), by their published schemas.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from detente.core.altitude import FOOT_M, lower_mm, reference, upper_mm
from detente.core.volume import Volume
from detente.core.zone import ZoneRule
from detente.doors.files.columns import utc_time
from detente.doors.files.reading import Row
from detente.doors.files.shapes import Sizes, shapes
from detente.errors import MalformedInput

RULES = {
    "PROHIBITED": ZoneRule.NO_ACTIVITY,
    "REQ_AUTHORISATION": ZoneRule.COORDINATE_FIRST,
    "REQ_AUTHORIZATION": ZoneRule.COORDINATE_FIRST,
    "CONDITIONAL": ZoneRule.COORDINATE_FIRST,
    "USPACE": ZoneRule.COORDINATE_FIRST,
    "NO_RESTRICTION": None,
}
"""What each type asks; NO_RESTRICTION asks nothing and is left out with a remark."""

_UNITS_M = {"": 1.0, "M": 1.0, "FT": FOOT_M}

Window = tuple[datetime | None, datetime | None]


def is_ed269(document: dict[str, Any]) -> bool:
    """Whether a JSON document is an ED-269 collection."""
    return isinstance(document.get("UASZoneList"), list)


def is_ed318(features: Sequence[Any]) -> bool:
    """Whether GeoJSON features are ED-318 zones: any has the properties that it requires."""
    wanted = {"identifier", "variant", "type"}
    return any(
        isinstance(feature, dict)
        and isinstance(feature.get("properties"), dict)
        and wanted <= set(feature["properties"])
        for feature in features
    )


def ed269_rows(path: object, document: dict[str, Any]) -> Iterator[Row]:
    """The zones of an ED-269 collection."""
    for number, zone in enumerate(document["UASZoneList"], start=1):
        if not isinstance(zone, dict):
            yield Row(number=number, properties={}, problem=f"expected a zone in {path}")
            continue
        yield _row(number, zone, str(zone.get("restriction")), "applicability", _ed269_layers)


def ed318_rows(features: Sequence[Any]) -> Iterator[Row]:
    """The zones of an ED-318 collection."""
    for number, feature in enumerate(features, start=1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            yield Row(number=number, properties={}, problem="expected an ED-318 feature")
            continue
        zone = {**properties, "geometry": feature.get("geometry")}
        yield _row(number, zone, str(zone.get("type")), "limitedApplicability", _ed318_layers)


def _row(number: int, zone: dict[str, Any], kind: str, when: str, layers: Any) -> Row:
    """A zone with a volume a layer and window; what cannot be understood is the row's problem."""
    known = {
        "id": zone.get("identifier"),
        "name": _text(zone.get("name")) or zone.get("identifier"),
        "country": zone.get("country"),
    }
    if kind not in RULES:
        return Row(
            number=number,
            properties=known,
            problem=f"type: expected {', '.join(RULES)}, got {kind}",
        )
    rule = RULES[kind]
    if rule is None:
        return Row(number=number, properties={**known, "left_out": "it restricts nothing"})
    try:
        windows, scheduled = _windows(zone.get(when))
        volumes = tuple(
            Volume(footprint=footprint, lower_mm=low, upper_mm=high, start=start, end=end)
            for footprint, low, high in layers(zone)
            for start, end in windows
        )
    except MalformedInput as error:
        return Row(number=number, properties=known, problem=str(error))
    properties = {**known, "rule": rule.value, "schedule_unused": scheduled}
    return Row(number=number, properties=properties, volumes=volumes)


def _ed269_layers(zone: dict[str, Any]) -> Iterator[tuple[Any, int | None, int | None]]:
    layers = _list(zone.get("geometry"), "geometry")
    if not layers:
        raise MalformedInput("geometry", expected="at least one ED-269 volume", got="none")
    for one in layers:
        layer = _object(one, "geometry")
        unit = _unit(layer.get("uomDimensions"))
        projection = _object(layer.get("horizontalProjection"), "horizontalProjection")
        footprint = _ed269_footprint(projection, unit)
        yield (
            footprint,
            _bound(layer.get("lowerLimit"), layer.get("lowerVerticalReference"), unit, lower_mm),
            _bound(layer.get("upperLimit"), layer.get("upperVerticalReference"), unit, upper_mm),
        )


def _ed269_footprint(projection: dict[str, Any], unit: float) -> Any:
    if projection.get("type") != "Circle":
        return shapes(projection, Sizes())
    point = {"type": "Point", "coordinates": projection.get("center")}
    return shapes(point, Sizes(radius_m=_number(projection.get("radius"), "radius") * unit))


def _ed318_layers(zone: dict[str, Any]) -> Iterator[tuple[Any, int | None, int | None]]:
    geometry = _object(zone.get("geometry"), "geometry")
    parts: list[Any] = [geometry]
    if geometry.get("type") == "GeometryCollection":
        parts = _list(geometry.get("geometries"), "geometries")
    for one in parts:
        part = _object(one, "geometry")
        layer = _object(part.get("layer") or {}, "layer")
        extent = _object(part.get("extent") or {}, "extent")
        unit = _unit(layer.get("uom"))
        radius = _number(extent.get("radius"), "radius") if extent else 0.0
        yield (
            shapes(part, Sizes(radius_m=radius)),
            _bound(layer.get("lower"), layer.get("lowerReference"), unit, lower_mm),
            _bound(layer.get("upper"), layer.get("upperReference"), unit, upper_mm),
        )


def _windows(periods: Any) -> tuple[list[Window], bool]:
    """Time windows, and whether there were schedules within them that are not used."""
    if not periods:
        return [(None, None)], False
    windows: list[Window] = []
    scheduled = False
    for one in periods if isinstance(periods, list) else [periods]:
        period = _object(one, "applicability")
        windows.append((_time(period, "startDateTime"), _time(period, "endDateTime")))
        daily = _list(period.get("schedule") or period.get("dailyPeriod") or [], "schedule")
        scheduled |= any(_limits(_object(hours, "schedule")) for hours in daily)
    return windows, scheduled


def _limits(schedule: dict[str, Any]) -> bool:
    return any(schedule.get(key) for key in ("startTime", "endTime", "startEvent", "endEvent"))


def _time(period: dict[str, Any], key: str) -> datetime | None:
    value = period.get(key)
    return None if value is None else utc_time(value, what=key)


def _bound(value: Any, from_what: Any, unit: float, convert: Any) -> int | None:
    if value is None or value == "":
        return None
    word = None if from_what is None else str(from_what)
    bound: int = convert(_number(value, "limit") * unit, reference(word))
    return bound


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedInput(what, expected="a JSON object", got=f"{value}"[:80])
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise MalformedInput(what, expected="a JSON list", got=f"{value}"[:80])
    return value


def _unit(name: Any) -> float:
    unit = _UNITS_M.get(str(name or "").upper())
    if unit is None:
        raise MalformedInput("unit", expected="m or ft", got=f"{name}")
    return unit


def _number(value: Any, what: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise MalformedInput(what, expected="a number", got=f"{value}"[:80]) from None


def _text(value: Any) -> str | None:
    """A name: text, or the English or else first of texts by language."""
    if not isinstance(value, list):
        return None if value is None else str(value)
    texts = [one for one in value if isinstance(one, dict) and one.get("text")]
    english = [one for one in texts if str(one.get("lang")).startswith("en")]
    chosen = (english or texts)[:1]
    return str(chosen[0]["text"]) if chosen else None

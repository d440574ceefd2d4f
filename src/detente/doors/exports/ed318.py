"""ED-318: a UAS geographical zone a volume, what is to be kept around it included.

Who loads geo-zones knows no standoff, so the geometry holds it. A circle stays one; all else is
drawn, and holds what it was drawn of. ``country`` is required and not known here: ZZZ, which
ISO 3166-1 leaves to its users.

Source: EUROCAE ED-318 (2024), by its published schemas.
"""

import base64
from hashlib import sha256
from typing import Any

import msgspec
import shapely

from detente.core.drawn import ROUNDING_M, drawing_of, held, rounded
from detente.core.entry import EntryKind
from detente.core.release import Grade
from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.exports.rows import Row, called, drawn_rows, header_of, utc
from detente.doors.exports.standoff import away_mm, widened
from detente.node.exporting import Export

TEXT_MAX = 200
"""Of textShortType and of phone."""

IDENTIFIER_LENGTH = 7
"""At most, in ED-318."""

_REASONS = {EntryKind.NOTICE: "SENSITIVE", EntryKind.PLAN: "AIR_TRAFFIC"}


def write(found: Export) -> bytes:
    """A collection of zones."""
    header = header_of(found)
    taken: set[str] = set()
    about = (
        f"{found.theatre}, for {found.reader}: edition {found.edition}, expires "
        f"{header['expires']}. It informs, and permits nothing: what is not shown may be there."
    )
    return msgspec.json.encode(
        {
            "type": "FeatureCollection",
            "name": f"{found.theatre} {found.edition}"[:TEXT_MAX],
            "metadata": {
                "validFrom": header["as_of"],
                "validTo": header["expires"],
                "issued": header["as_of"],
                "provider": _text(found.theatre),
                "description": _text(about),
            },
            "features": [_feature(row, header, taken) for row in drawn_rows(found)],
        }
    )


def _feature(row: Row, header: dict[str, str], taken: set[str]) -> dict[str, Any]:
    view = row.item.view
    kind, asks = _asks(row)
    properties: dict[str, Any] = {
        "identifier": identifier(str(row.said["id"]), row.volume, taken),
        "country": "ZZZ",
        "name": _text(str(row.said["name"] or f"An area of {view.party}: {view.category}")),
        "type": kind,
        "variant": "COMMON",
        "restrictionConditions": asks,
        "reason": [_REASONS.get(view.kind, "OTHER")],
        "zoneAuthority": [{"name": _text(called(view)), "purpose": "INFORMATION"}],
        "extendedProperties": {
            **{
                name: row.said[name]
                for name in ("object", "version", "kind", "category", "party", "grade")
            },
            **header,
        },
    }
    window = {"startDateTime": row.volume.start, "endDateTime": row.volume.end}
    told = {name: utc(time) for name, time in window.items() if time is not None}
    if told:
        properties["limitedApplicability"] = [told]
    return {"type": "Feature", "properties": properties, "geometry": _geometry(row)}


def _asks(row: Row) -> tuple[str, str]:
    """Type, and what it asks in words. What was released whole, and is no zone, is kept out of."""
    view = row.item.view
    value = view.value
    call = "No desk is named." if view.desk is None else f"Call {called(view)}."
    if view.grade is Grade.AREA:
        return "CONDITIONAL", f"Something protected is in this area. {call}"
    if isinstance(value, Zone) and value.rule is not ZoneRule.NO_ACTIVITY:
        return "CONDITIONAL", f"{value.rule.value}: coordinate first. {call}"
    return "PROHIBITED", f"No activity. {call}"


def identifier(name: str, volume: Volume, taken: set[str]) -> str:
    """Seven letters and digits that follow from the object and the volume.

    Of 50,000 volumes two would have the same once in 28 exports, and whoever keeps zones by them
    would lose one. So the later one gets another, and ``taken`` grows by it.
    """
    digest = sha256(name.encode() + msgspec.json.encode(volume, order="sorted")).digest()
    while (found := base64.b32encode(digest).decode()[:IDENTIFIER_LENGTH]) in taken:
        digest = sha256(digest).digest()
    taken.add(found)
    return found


def _geometry(row: Row) -> dict[str, Any]:
    volume = widened(row.volume, away_mm(row))
    first = volume.footprint[0]
    if len(volume.footprint) == 1 and isinstance(first, Circle):
        lon, lat = first.centre
        made: dict[str, Any] = {
            "type": "Point",
            "coordinates": [lon / E7_PER_DEG, lat / E7_PER_DEG],
            "extent": {"subType": "Circle", "radius": first.radius_m or ROUNDING_M},
        }
    else:
        # A zone is an area: who tests whether he is within is never within a line.
        drawing = rounded(held(drawing_of((volume,))))
        made = msgspec.json.decode(shapely.to_geojson(drawing))
    limits = {"lower": volume.lower_mm, "upper": volume.upper_mm}
    layer: dict[str, Any] = {}
    for name, mm in limits.items():
        if mm is not None:
            layer |= {name: mm / MM_PER_M, f"{name}Reference": "WGS84"}
    return {**made, "layer": {**layer, "uom": "m"}}


def _text(text: str) -> list[dict[str, str]]:
    return [{"text": text[:TEXT_MAX], "lang": "und"}]

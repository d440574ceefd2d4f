"""JSON to rows: GeoJSON, and the geo-zones that look like it.

Decoded by msgspec, not GDAL's driver, which loses the nested members of ED-318
and reads what RFC 8259 does not allow, such as NaN (docs/adr/0007).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from detente.doors.files import geozones
from detente.doors.files.reading import Row
from detente.errors import MalformedInput

_WGS84 = re.compile(r"(?:.*:)?(?:CRS84|EPSG:[0-9.]*:?4326|WGS ?84)")


def rows(path: Path, data: bytes) -> Iterator[Row]:
    """The rows of a GeoJSON text, an ED-318 or an ED-269 collection.

    Raises:
        MalformedInput: Not JSON, or none of these.
    """
    try:
        document = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"{path}", expected="JSON", got=f"{error}") from None
    if not isinstance(document, dict):
        raise MalformedInput(f"{path}", expected="a GeoJSON object", got="another JSON value")
    if geozones.is_ed269(document):
        return geozones.ed269_rows(path, document)
    features = _features(path, document)
    if geozones.is_ed318(features):
        return geozones.ed318_rows(features)
    return _geojson_rows(features)


def _features(path: Path, document: dict[str, Any]) -> list[Any]:
    _require_wgs84(path, document.get("crs"))
    match document.get("type"):
        case "FeatureCollection":
            features = document.get("features")
            if not isinstance(features, list):
                raise MalformedInput(f"{path}", expected='a list under "features"')
            return features
        case "Feature":
            return [document]
        case str() as kind if "coordinates" in document or "geometries" in document:
            return [{"type": "Feature", "properties": {}, "geometry": {**document, "type": kind}}]
        case kind:
            raise MalformedInput(
                f"{path}",
                expected="GeoJSON (FeatureCollection or Feature), ED-318 or ED-269",
                got=f'"type": {kind!r}' if kind is not None else 'no "type"',
            )


def _require_wgs84(path: Path, crs: Any) -> None:
    """Old GeoJSON could name another reference system; reading it as WGS 84 would misplace all."""
    if crs is None:
        return
    properties = crs.get("properties", crs) if isinstance(crs, dict) else crs
    name = str(properties.get("name", properties) if isinstance(properties, dict) else properties)
    if not _WGS84.fullmatch(name):
        raise MalformedInput(f"{path}", expected="coordinates in WGS 84 (RFC 7946)", got=name[:80])


def _geojson_rows(features: list[Any]) -> Iterator[Row]:
    for number, feature in enumerate(features, start=1):
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            yield Row(number=number, properties={}, problem="expected a GeoJSON Feature")
            continue
        properties = feature.get("properties")
        if properties is not None and not isinstance(properties, dict):
            yield Row(number=number, properties={}, problem='expected an object as "properties"')
            continue
        properties = dict(properties or {})
        if feature.get("id") is not None:
            properties.setdefault("id", feature["id"])
        yield Row(number=number, properties=properties, geometry=feature.get("geometry"))

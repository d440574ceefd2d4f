"""KML: a placemark a volume, drawn so that it holds the volume, on the ground.

Heights stand among the data, above the ellipsoid: KML's own are above the geoid, and what is
drawn on the ground is not overlooked. Ends are told to the whole second after, for GDAL reads
them to the millisecond.

Source: OGC 12-007r2 (KML 2.3).
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import escape

import shapely

from detente.core.drawn import Drawing
from detente.doors.exports.rows import KIND_NAMES, Row, drawn_rows, header_of, json_properties, utc
from detente.node.exporting import Export

_STYLES = {"notices": "ff2b18b2", "zones": "ff0f4fd9", "presence": "ffac6621", "plans": "ff4d4d4d"}
"""Colour of lines by kind, as KML has it: opacity, blue, green, red."""

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def write(found: Export) -> bytes:
    """A document with a folder a kind."""
    header = header_of(found)
    rows = list(drawn_rows(found))
    about = (
        f"{header['theatre']}, for {header['reader']}: edition {header['edition']}, as of "
        f"{header['as_of']}, expires {header['expires']}. It informs, and permits nothing: what "
        "is not shown may be there."
    )
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">',
        f"<Document><name>{_text(header['theatre'])} {_text(header['edition'])}</name>",
        f"<description>{_text(about)}</description>",
        *(_style(name, colour) for name, colour in _STYLES.items()),
        _data({**header, "objects": str(len(found.items)), "within": found.within or None}),
    ]
    for kind, name in KIND_NAMES.items():
        some = [_placemark(row) for row in rows if row.item.view.kind is kind]
        if some:
            parts.append(f"<Folder><name>{name}</name>{''.join(some)}</Folder>")
    return "".join([*parts, "</Document></kml>\n"]).encode()


def _style(name: str, colour: str) -> str:
    return (
        f'<Style id="{name}"><LineStyle><color>{colour}</color><width>2</width></LineStyle>'
        f"<PolyStyle><color>40{colour[2:]}</color></PolyStyle></Style>"
    )


def _placemark(row: Row) -> str:
    said = json_properties(row)
    said["end"] = _second_after(row.volume.end)
    begin = "" if said["start"] is None else f"<begin>{said['start']}</begin>"
    until = "" if said["end"] is None else f"<end>{said['end']}</end>"
    span = f"<TimeSpan>{begin}{until}</TimeSpan>" if begin or until else ""
    name = said.pop("name")
    shown = name or f"{said['category']} (area)"
    return (
        f"<Placemark><name>{_text(shown)}</name>{span}<styleUrl>#{said['kind']}</styleUrl>"
        f"{_data(said)}{_geometry(row.geometry)}</Placemark>"
    )


def _second_after(time: datetime | None) -> str | None:
    if time is None:
        return None
    whole = time.replace(microsecond=0)
    return utc(whole if whole == time else whole + timedelta(seconds=1))


def _data(said: dict[str, object]) -> str:
    parts = [
        f'<Data name="{name}"><value>{_text(_spelt(value))}</value></Data>'
        for name, value in said.items()
        if value is not None
    ]
    return f"<ExtendedData>{''.join(parts)}</ExtendedData>"


def _spelt(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(value: object) -> str:
    return escape(_NO_XML.sub("\ufffd", str(value)))


def _geometry(drawing: Drawing) -> str:
    parts = list(shapely.get_parts(drawing))
    written = "".join(_one(part) for part in parts)
    return written if len(parts) == 1 else f"<MultiGeometry>{written}</MultiGeometry>"


def _one(part: Drawing) -> str:
    if isinstance(part, shapely.Point):
        return f"<Point>{_coordinates(part)}</Point>"
    if isinstance(part, shapely.LineString):
        return f"<LineString><tessellate>1</tessellate>{_coordinates(part)}</LineString>"
    return f"<Polygon><tessellate>1</tessellate>{''.join(_rings(part))}</Polygon>"


def _rings(polygon: Drawing) -> Iterator[str]:
    for ring, side in ((polygon.exterior, "outer"), *((one, "inner") for one in polygon.interiors)):
        name = f"{side}BoundaryIs"
        yield f"<{name}><LinearRing>{_coordinates(ring)}</LinearRing></{name}>"


def _coordinates(line: Drawing) -> str:
    places = " ".join(f"{lon:.7f},{lat:.7f}" for lon, lat in line.coords)
    return f"<coordinates>{places}</coordinates>"

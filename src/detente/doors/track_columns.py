"""Which columns of a Parquet file say which track was where, when and how high."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pyarrow as pa

from detente.core.altitude import FOOT_M, AltitudeReference
from detente.errors import MalformedInput

_TRACK = ("icao24", "hex", "mmsi", "trackid", "flightid", "vesselid", "track", "id")
"""The likeliest first: ADS-B files have a heading that they call ``track``."""

_TIME = ("time", "timestamp", "datetime", "basedatetime", "t", "ts")
_LAT = ("lat", "latitude")
_LON = ("lon", "lng", "longitude")
_HEIGHT = ("altitude", "alt", "height")
_GEOMETRY = ("geometry", "geom", "position")

_US = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
_METRES = {"m": 1.0, "metres": 1.0, "meters": 1.0, "ft": FOOT_M, "feet": FOOT_M}
_REFERENCES = {
    AltitudeReference.WGS84: {"wgs84", "hae", "gnss", "geo", "geom", "ellipsoid"},
    AltitudeReference.MSL: {"msl", "amsl"},
    AltitudeReference.AGL: {"agl"},
    AltitudeReference.FL: {"baro", "pressure", "fl", "std"},
}
_WGS84 = {("OGC", "CRS84"), ("EPSG", "4326"), ("EPSG", "4979"), ("OGC", "CRS84h")}

FIELDS = ("track", "time", "lat", "lon", "geometry", "altitude")


class Layout(NamedTuple):
    """Columns by what they hold.

    Attributes:
        track: Of the track's name, text or whole numbers.
        time: Of the time.
        us: Microseconds in one of its units.
        lat: Of latitude in degrees; empty where ``geometry`` has it.
        lon: Of longitude in degrees.
        geometry: Of points; empty where there are ``lat`` and ``lon``.
        altitude: Of altitude; empty where there is none that can be used.
        metres: Metres in one of its units.
        reference: What it is measured from; None where nobody says.
        unused: A column of altitudes that lacks a unit.
    """

    track: str
    time: str
    us: float
    lat: str = ""
    lon: str = ""
    geometry: str = ""
    altitude: str = ""
    metres: float = 1.0
    reference: AltitudeReference | None = None
    unused: str = ""

    @property
    def columns(self) -> list[str]:
        """All that are read."""
        named = (self.track, self.time, self.lat, self.lon, self.geometry, self.altitude)
        return [name for name in named if name]


def layout_of(source: str, schema: pa.Schema, given: Mapping[str, str]) -> Layout:
    """Find the columns.

    Args:
        source: The file's name.
        schema: Its columns.
        given: Field to column; a field may bear a unit, as ``time_s`` or ``altitude_ft_baro``.

    Raises:
        MalformedInput: One is lacking, or is not what it must be.
    """
    words = _words(source, schema, given)
    track, _ = _wanted(source, words, _TRACK, "a column track, icao24, mmsi or id")
    kind = _plain(schema.field(track).type)
    if not (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)
    ):
        raise MalformedInput(
            f"{source}, column {track}", expected="text or whole numbers", got=f"{kind}"
        )
    time, units = _wanted(source, words, _TIME, "a column time")
    found = Layout(track=track, time=time, us=_microseconds(source, schema.field(time), units))
    found = _placed(source, schema, words, found)
    height = _first(words, _HEIGHT)
    if height is None:
        return found
    name, units = height
    unit = next((one for one in units if one in _METRES), None)
    if unit is None:
        # Not knowing the unit is not knowing the altitude.
        return found._replace(unused=name)
    return found._replace(altitude=name, metres=_METRES[unit], reference=_reference(units))


def _words(
    source: str, schema: pa.Schema, given: Mapping[str, str]
) -> list[tuple[str, str, list[str]]]:
    """Of each column its base name, itself, and words about it: units and references."""
    for field, column in given.items():
        if column not in schema.names:
            raise MalformedInput(
                f"{source}, --column", expected=f"one of {', '.join(schema.names)}", got=column
            )
        if _split(field)[0] not in FIELDS:
            raise MalformedInput("--column", expected=", ".join(FIELDS), got=field)
    taken = {column: field for field, column in given.items()}
    names = [*taken.items(), *((name, name) for name in schema.names if name not in taken)]
    return [(_split(said)[0], column, _split(said)[1]) for column, said in names]


def _split(name: str) -> tuple[str, list[str]]:
    """A name without its words of unit and reference, and these: altitude_ft, baro_altitude_m."""
    words = [word for word in re.split(r"[^0-9a-z]+", name.lower()) if word]
    known = {*_US, *_METRES, "utc", *(word for some in _REFERENCES.values() for word in some)}
    about = [word for word in words if word in known]
    base = "".join(word for word in words if word not in known)
    # A column that is called by such a word alone.
    return base or "".join(words), about


def _first(
    words: Iterable[tuple[str, str, list[str]]], spellings: tuple[str, ...]
) -> tuple[str, list[str]] | None:
    """The column of the likeliest spelling, and what its name says of it."""
    found = [(spellings.index(base), name, about)
             for base, name, about in words if base in spellings]  # fmt: skip
    if not found:
        return None
    _, name, about = min(found, key=lambda one: one[0])
    return name, about


def _wanted(
    source: str, words: list[tuple[str, str, list[str]]], spellings: tuple[str, ...], expected: str
) -> tuple[str, list[str]]:
    found = _first(words, spellings)
    if found is None:
        raise MalformedInput(
            source, expected=expected, got=", ".join(name for _, name, _ in words) or "no column"
        )
    return found


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _microseconds(source: str, field: pa.Field, about: list[str]) -> float:
    """Microseconds in one of a time column's units.

    Raises:
        MalformedInput: A naive time, or a number without a unit.
    """
    kind = field.type
    what = f"{source}, column {field.name}"
    if pa.types.is_timestamp(kind):
        if kind.tz is None and "utc" not in about:
            raise MalformedInput(
                what,
                expected="times with a zone, or a name that says so, as time_utc",
                got="naive times",
            )
        return _US[kind.unit]
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        unit = next((one for one in about if one in _US), None)
        if unit is None:
            raise MalformedInput(
                what,
                expected="times, or numbers since 1970 with their unit in the name, as time_s",
                got=f"{kind}",
            )
        return _US[unit]
    raise MalformedInput(what, expected="times", got=f"{kind}")


def _reference(about: list[str]) -> AltitudeReference | None:
    return next((one for one, said in _REFERENCES.items() if said & set(about)), None)


def _placed(
    source: str, schema: pa.Schema, words: list[tuple[str, str, list[str]]], found: Layout
) -> Layout:
    """With latitude and longitude, or with a column of points."""
    lat, lon = _first(words, _LAT), _first(words, _LON)
    if lat is not None and lon is not None:
        for name in (lat[0], lon[0]):
            kind = schema.field(name).type
            if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
                raise MalformedInput(f"{source}, column {name}", expected="degrees", got=f"{kind}")
        return found._replace(lat=lat[0], lon=lon[0])
    geo = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
    name = geo.get("primary_column") or (_first(words, _GEOMETRY) or ("", []))[0]
    if name not in schema.names:
        raise MalformedInput(
            source,
            expected="columns lat and lon, or GeoParquet's geometry",
            got=", ".join(schema.names),
        )
    _require_wgs84(source, geo.get("columns", {}).get(name, {}).get("crs"))
    return found._replace(geometry=name)


def _require_wgs84(source: str, crs: object) -> None:
    """GeoParquet means OGC:CRS84 where it says nothing."""
    if crs is None:
        return
    said = crs.get("id", {}) if isinstance(crs, dict) else {}
    if (said.get("authority"), str(said.get("code"))) not in _WGS84:
        raise MalformedInput(f"{source}, crs", expected="OGC:CRS84 or EPSG:4326", got=f"{said}")

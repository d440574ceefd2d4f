"""Where a row is: a geometry, a grid reference, or coordinates in columns.

Coordinates that cannot be a place are refused; those that only look wrong are
kept, for a place that is perhaps wrong protects more than none, and are doubted
aloud (H9).
"""

import math
import re
from typing import Any

import shapely
from msgspec import Struct

from detente.core.coordinates import (
    LATITUDE_MAX_DEG,
    LONGITUDE_MAX_DEG,
    Place,
    angle,
    from_mgrs,
    place,
)
from detente.core.edges import circle, length_mm
from detente.core.volume import E7_PER_DEG, Circle, Shape
from detente.doors.files.columns import Fields
from detente.doors.files.shapes import Sizes, shapes
from detente.errors import MalformedInput

RESOLUTION_COARSE_DEG = 0.001
"""Coarser than three decimals (111 m) is doubted: at Kunduz 400 m mattered."""

_E7_DECIMALS = 7
_DECIMALS = re.compile(r"[0-9. -]+")


class Located(Struct, frozen=True, kw_only=True):
    """A footprint, how finely its position was written (None: drawn), the text as typed."""

    footprint: tuple[Shape, ...]
    resolution_deg: float | None = None
    typed: str | None = None


def locate(fields: Fields, geometry: Any, sizes: Sizes) -> Located:
    """The footprint of a row.

    Args:
        fields: Its properties.
        geometry: Its GeoJSON geometry, if the format has one.
        sizes: From its properties.

    Raises:
        MalformedInput: Nothing says where it is, or what does cannot be a place.
    """
    if geometry is not None:
        return _drawn(geometry, sizes)
    text = fields.text("geometry")
    if text is not None:
        return _drawn(_from_wkt(text), sizes)
    lat, lon = fields.text("lat"), fields.text("lon")
    if lat is not None or lon is not None:
        return _point(_from_pair(lat, lon), sizes, typed=_typed(lat, lon))
    for field, understand in (("mgrs", from_mgrs), ("position", place)):
        text = fields.text(field)
        if text is not None:
            return _point(understand(text), sizes, typed=text)
    raise MalformedInput("position", expected="coordinates or a geometry", got="none")


def _drawn(geometry: Any, sizes: Sizes) -> Located:
    footprint = shapes(geometry, sizes)
    if len(footprint) == 1 and isinstance(footprint[0], Circle):
        lon, lat = footprint[0].centre
        finest = min(_step_deg(lon), _step_deg(lat))
        return Located(footprint=footprint, resolution_deg=finest)
    return Located(footprint=footprint)


def _step_deg(e7: int) -> float:
    """One unit of the last decimal of a coordinate that is not 0."""
    digits = _E7_DECIMALS
    while digits and e7 % 10 == 0:
        e7, digits = e7 // 10, digits - 1
    return 10.0**-digits


def _from_wkt(text: str) -> Any:
    try:
        shape = shapely.from_wkt(text)
    except shapely.errors.ShapelyError as error:
        raise MalformedInput("geometry", expected="WKT", got=f"{error}") from None
    if shape.is_empty:
        raise MalformedInput("geometry", expected="WKT with coordinates", got="an empty one")
    return shapely.geometry.mapping(shape)


def _from_pair(lat: str | None, lon: str | None) -> Place:
    """Latitude and longitude from two columns."""
    if lat is None or lon is None:
        missing = "latitude" if lat is None else "longitude"
        raise MalformedInput("position", expected="latitude and longitude", got=f"no {missing}")
    first, second = angle(lat, what="latitude"), angle(lon, what="longitude")
    if first.axis == "lon" or second.axis == "lat":
        raise MalformedInput(
            "position", expected="latitude (N, S) and longitude (E, W)", got=f"{lat} and {lon}"
        )
    return Place(
        lat_deg=first.degrees,
        lon_deg=second.degrees,
        resolution_deg=min(first.resolution_deg, second.resolution_deg),
    )


def _typed(lat: str | None, lon: str | None) -> str | None:
    """The text as typed, where it was more than a decimal number."""
    text = f"{lat} {lon}"
    return None if _DECIMALS.fullmatch(text) else text


def _point(spot: Place, sizes: Sizes, *, typed: str | None) -> Located:
    lat, lon = spot.lat_deg, spot.lon_deg
    if not abs(lat) <= LATITUDE_MAX_DEG or not abs(lon) <= LONGITUDE_MAX_DEG:
        swapped = abs(lat) <= LONGITUDE_MAX_DEG and abs(lon) <= LATITUDE_MAX_DEG
        hint = " (swapped?)" if swapped else ""
        raise MalformedInput(
            "position",
            expected="latitude from -90 to 90 and longitude from -180 to 180",
            got=f"latitude {lat:g}, longitude {lon:g}{hint}",
        )
    shape = _circle(lon, lat, sizes.radius_m)
    return Located(footprint=(shape,), resolution_deg=spot.resolution_deg, typed=typed)


def _circle(lon_deg: float, lat_deg: float, radius_m: float) -> Circle:
    """As detente.core.edges.circle, without its arrays: a register has a million of these."""
    if not math.isfinite(lon_deg + lat_deg):
        return circle(lon_deg, lat_deg, radius_m)
    centre = (round(lon_deg * E7_PER_DEG), round(lat_deg * E7_PER_DEG))
    return Circle(centre=centre, radius_mm=length_mm(radius_m, what="radius_m"))


def refuse_zeros(located: Located) -> None:
    """Refuse a lone point at latitude 0, longitude 0.

    Raises:
        MalformedInput: It is there.
    """
    shape = located.footprint[0]
    if len(located.footprint) == 1 and isinstance(shape, Circle) and shape.centre == (0, 0):
        raise MalformedInput(
            "position",
            expected="a place",
            got="latitude 0, longitude 0, where software puts what it does not know",
        )

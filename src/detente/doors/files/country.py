"""Whether a place lies in the country that its row declares (H9).

Borders here are coarse and often disputed, so a mismatch is a doubt to look at,
never a refusal.
"""

import gzip
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

import msgspec
import numpy as np
import shapely

from detente.core.check import first_position
from detente.core.volume import E7_PER_DEG
from detente.doors.files.build import Built
from detente.doors.files.reading import Doubted, Remark

BORDER_TOLERANCE_DEG = 0.1
"""11 km: how far the shipped borders may lie from anyone's."""


def doubts(built: Iterable[Built]) -> list[Remark]:
    """A remark for each value that lies outside its declared country."""
    by_country: dict[str, list[Built]] = defaultdict(list)
    for one in built:
        if one.country:
            by_country[one.country.strip().casefold()].append(one)
    remarks = []
    for name, declared in by_country.items():
        area = _areas().get(name) if by_country else None
        if area is not None:
            remarks += _outside(declared, area)
    return sorted(remarks, key=lambda remark: remark.row)


def _outside(declared: list[Built], area: Any) -> list[Remark]:
    places = np.array([first_position(one.value) for one in declared]) / E7_PER_DEG
    apart = shapely.distance(shapely.points(places), area)
    return [
        Remark(
            code=Doubted.ELSEWHERE,
            row=one.row,
            name=one.value.name or "",
            what="position",
            expected=f"a place in {one.country}",
            got=f"latitude {lat:g}, longitude {lon:g}{_explained(lon, lat, area)}",
        )
        for one, (lon, lat), away in zip(declared, places.tolist(), apart, strict=True)
        if away > BORDER_TOLERANCE_DEG
    ]


def _explained(lon: float, lat: float, area: Any) -> str:
    """The slip of the pen that would explain it."""
    slips = {
        "latitude and longitude swapped": (lat, lon),
        "sign of the latitude": (lon, -lat),
        "sign of the longitude": (-lon, lat),
        "both signs": (-lon, -lat),
    }
    fitting = [slip for slip, (x, y) in slips.items() if shapely.contains_xy(area, x, y)]
    return f" ({fitting[0]}?)" if fitting else ""


@cache
def _areas() -> dict[str, Any]:
    """Areas by ISO 3166 codes and English name, in lower case."""
    packed = resources.files("detente.data").joinpath("country_borders.json.gz").read_bytes()
    parts: dict[str, list[Any]] = defaultdict(list)
    names: dict[str, set[str]] = defaultdict(set)
    for feature in msgspec.json.decode(gzip.decompress(packed))["features"]:
        properties = feature["properties"]
        code = properties.get("country") or properties.get("iso1A2")
        if not code:
            continue
        if properties.get("iso1A2") == code:
            keys = (code, properties.get("iso1A3"), properties.get("nameEn"))
            names[code] |= {key.casefold() for key in keys if key}
        if feature["geometry"]:
            geometry = shapely.from_geojson(msgspec.json.encode(feature["geometry"]))
            parts[code].append(shapely.make_valid(geometry))
    areas = {}
    for code, shapes in parts.items():
        area = shapely.union_all(shapes)
        shapely.prepare(area)
        areas.update(dict.fromkeys(names[code], area))
    return areas

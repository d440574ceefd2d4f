"""Write the maps that lie under the page's picture, as PMTiles: land, waters, lines, and cities.

From the files of Natural Earth and GeoNames in ``src/detente/data``; no line or name of it is
evidence of any border. Names are in the page's languages; one that is missing, or the same, is
left to ``name``, which is English. Cities have a file of their own, which no first picture waits
for.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pyogrio.raw
import shapely

DATA = Path(__file__).parent.parent / "src" / "detente" / "data"
LANGUAGES = ("fr", "ru", "ar", "tr", "uk")
"""In the order of place_names.json."""

CITIES_FROM = 4
"""From this zoom there is room for names of cities."""

PROVINCES_FROM = 4
"""Before that, lines between provinces are nearer to each other than a picture can show."""

WATERS_FROM = 3
"""The first look is at the world, where a lake is a dot and each tile costs time."""

BEND_MIN = 4
"""Before the last zoom, lines bend where one sees it: in units, of which a pixel has eight."""

ZOOM_MAX = 6
"""At 6 the data's own steps of 0.005 degree are four units of a tile; beyond, it is enlarged."""


Row = tuple[dict[str, str | int | None], shapely.Geometry]


def main(target: Path) -> None:
    """Write it, and beside it ``waters.pmtiles``, ``provinces.pmtiles`` and ``places.pmtiles``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    names = json.loads(gzip.decompress((DATA / "place_names.json.gz").read_bytes()))
    base: list[Row] = []
    for feature in _features("countries.geojson.gz"):
        land = shapely.make_valid(shapely.from_geojson(json.dumps(feature["geometry"])))
        name = feature["properties"]["name"]
        base.append(({"kind": "land"}, land))
        base.append(({"kind": "country", **_named(name, names["countries"][name])}, _middle(land)))
    _write(target, "base", [*base, *_drawn("boundary_lines.geojson.gz")], 0)
    _write(target.with_name("waters.pmtiles"), "waters", _drawn("waters.geojson.gz"), WATERS_FROM)
    provinces = _drawn("province_lines.geojson.gz")
    _write(target.with_name("provinces.pmtiles"), "provinces", provinces, PROVINCES_FROM)
    cities: list[Row] = [
        ({"rank": rank, **_named(name, others)}, shapely.Point(lon, lat))
        for lon, lat, rank, name, *others in names["cities"]
    ]
    _write(target.with_name("places.pmtiles"), "places", cities, CITIES_FROM)


def _drawn(name: str) -> list[Row]:
    return [
        ({"kind": one["properties"]["kind"]}, shapely.from_geojson(json.dumps(one["geometry"])))
        for one in _features(name)
    ]


def _named(name: str, others: list[str | None]) -> dict[str, str | None]:
    """English, and whatever differs from it."""
    found = dict(zip(LANGUAGES, others, strict=True))
    return {"name": name, **{key: one for key, one in found.items() if one not in {None, name}}}


def _write(target: Path, layer: str, rows: list[Row], zoom_min: int) -> None:
    target.unlink(missing_ok=True)
    fields = list(dict.fromkeys(field for values, _ in rows for field in values))
    pyogrio.raw.write(
        target,
        geometry=np.array([shapely.to_wkb(shape) for _, shape in rows], dtype=object),
        field_data=[
            np.array(
                [values.get(field) for values, _ in rows],
                dtype=np.int32 if field == "rank" else object,
            )
            for field in fields
        ],
        fields=fields,
        layer=layer,
        driver="PMTiles",
        geometry_type="Unknown",
        crs="EPSG:4326",
        dataset_options={
            "MINZOOM": str(zoom_min),
            "MAXZOOM": str(ZOOM_MAX),
            "NAME": layer,
            "SIMPLIFICATION": str(BEND_MIN),
            "SIMPLIFICATION_MAX_ZOOM": "0",
        },
    )


def _features(name: str) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = json.loads(
        gzip.decompress((DATA / name).read_bytes())
    )["features"]
    return found


def _middle(land: shapely.Geometry) -> shapely.Geometry:
    """A point of the largest part, for its name."""
    parts = shapely.get_parts(land)
    return shapely.point_on_surface(parts[np.argmax(shapely.area(parts))])


if __name__ == "__main__":
    main(Path(sys.argv[1]))

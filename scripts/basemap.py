"""Write the map that lies under the page's picture: land, borders and names, as PMTiles.

From the files of Natural Earth in ``src/detente/data``; no line of it is evidence of any border.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pyogrio.raw
import shapely

DATA = Path(__file__).parent.parent / "src" / "detente" / "data"
ZOOM_MAX = 6
"""At 6 the data's own steps of 0.005 degree are four units of a tile; beyond, it is enlarged."""


def main(target: Path) -> None:
    """Write it."""
    rows: list[tuple[str, str, shapely.Geometry]] = []
    for feature in _features("countries.geojson.gz"):
        land = shapely.make_valid(shapely.from_geojson(json.dumps(feature["geometry"])))
        name = feature["properties"]["name"]
        rows.append(("land", "", land))
        rows.append(("country", name, _middle(land)))
    for feature in _features("boundary_lines.geojson.gz"):
        line = shapely.from_geojson(json.dumps(feature["geometry"]))
        rows.append((feature["properties"]["kind"], "", line))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    pyogrio.raw.write(
        target,
        geometry=np.array([shapely.to_wkb(shape) for _, _, shape in rows], dtype=object),
        field_data=[
            np.array([kind for kind, _, _ in rows], dtype=object),
            np.array([name for _, name, _ in rows], dtype=object),
        ],
        fields=["kind", "name"],
        layer="base",
        driver="PMTiles",
        geometry_type="Unknown",
        crs="EPSG:4326",
        dataset_options={"MINZOOM": "0", "MAXZOOM": str(ZOOM_MAX), "NAME": "Natural Earth"},
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

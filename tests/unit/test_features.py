"""A query of features, the form of an answer, a tile's bytes: parsed or refused, never more."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from detente.core.drawn import drawing_of, rounded
from detente.core.entry import EntryKind
from detente.core.feature import PROPERTIES, properties_of
from detente.core.presence import Presence, Track
from detente.core.release import Grade
from detente.core.view import View
from detente.core.volume import Circle, Corridor, Polygon, Position, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.asgi_problem import Refused
from detente.doors.features.asking import PARAMETERS, asked_of
from detente.doors.features.formats import form_of, page
from detente.doors.features.metadata import Metadata
from detente.doors.features.mvt import varints
from detente.doors.features.tiles import tile_of
from detente.errors import MalformedInput, NotFound
from detente.node.clusters import Tile
from nodes import around, flight, hospital
from strategies import some_volumes
from world import NOW

FORMS = {"json": "application/geo+json", "html": "text/html"}

odd = st.one_of(
    st.text(max_size=40),
    st.lists(st.floats().map(str), max_size=7).map(",".join),
    st.sampled_from(
        ["2026-01-07T00:00:00Z", "../..", "9" * 500, "1e400,0,0,0", "true", "cql2-text"]
    ),
    st.lists(st.datetimes().map(lambda one: one.isoformat() + "Z"), max_size=3).map("/".join),
)


@given(query=st.dictionaries(st.sampled_from([*PARAMETERS, *PROPERTIES, "x"]), odd, max_size=4))
def test_a_query_is_parsed_or_refused_by_a_name(query: dict[str, str]) -> None:
    try:
        limit, what = asked_of(query, EntryKind.NOTICE).wish.limit, None
    except MalformedInput as refused:
        limit, what = 1, refused.what
    assert what is None or what.partition(",")[0] in query
    assert 1 <= limit <= 1_000


@pytest.mark.parametrize("limit", ["1001", "9" * 500, "0" * 30 + "5000"])
def test_a_limit_too_large_is_the_largest(limit: str) -> None:
    """OGC 17-069r4, requirement /req/core/fc-limit-response-1."""
    assert asked_of({"limit": limit}, EntryKind.NOTICE).wish.limit == 1_000


@given(accept=st.binary(max_size=80))
def test_any_accept_is_answered_or_refused(accept: bytes) -> None:
    try:
        assert form_of(None, accept, FORMS) in FORMS
    except Refused as refused:
        code = refused.code
    else:
        return
    assert code == "not_acceptable"


@given(
    parts=st.lists(st.one_of(st.text(max_size=12), st.integers().map(str)), min_size=3, max_size=3)
)
def test_a_path_names_a_tile_or_nothing(parts: list[str]) -> None:
    try:
        found = tile_of(*parts)
    except NotFound:
        return
    assert max(found.row, found.column) < 2**found.zoom


json_values: Any = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(document=st.dictionaries(st.text(max_size=5), json_values, max_size=3))
def test_a_page_escapes_whatever_it_tells(document: dict[str, Any]) -> None:
    document = {name: one for name, one in document.items() if name not in {"links", "features"}}
    text = page("x", {**document, "<script>": "<script>alert(1)</script>"}).decode()
    assert text.count("<script") == 0


@pytest.mark.parametrize("above", ["", "/spare"])
def test_a_pages_own_links_stand_under_the_path_at_which_others_see_the_node(above: str) -> None:
    metadata = Metadata(f"https://node.example{above}")
    text = page("x", metadata.landing(), metadata.above).decode()
    led = [urlsplit(one) for one in re.findall(r'href="([^"]*)"', text)]
    assert f"{above}/docs/docs.css" in {one.path for one in led}
    assert all(one.path.startswith(f"{above}/") for one in led), led
    assert {one.netloc for one in led} == {"", "node.example"}


@given(numbers=st.lists(st.integers(0, 2**35 - 1), max_size=50))
def test_varints_are_protobufs(numbers: list[int]) -> None:
    found, value, shift = [], 0, 0
    for byte in varints(np.array(numbers, dtype=np.int64)):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value)
            value = shift = 0
    assert found == numbers


@given(zoom=st.integers(0, 20), share=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)))
def test_a_tiles_bounds_are_where_its_places_are(zoom: int, share: tuple[float, float]) -> None:
    tile = Tile(zoom, int(share[0] * 2**zoom), int(share[1] * 2**zoom))
    bounds = tile.bounds(0)
    south, north = max(-85.0511287798066, bounds.south), min(85.0511287798066, bounds.north)
    corners = tile.placed(np.array([[bounds.west, north], [bounds.east, south]]))
    assert corners == pytest.approx(np.array([[0, 0], [1, 1]]), abs=1e-6)


E7 = 10_000_000


def footprint(*shapes: Circle | Corridor | Polygon) -> Volume:
    return Volume(footprint=shapes)


def square(west: int, south: int, size: int = 2) -> tuple[Position, ...]:
    east, north = west + size, south + size
    return tuple(
        (x * E7, y * E7) for x, y in ((west, south), (east, south), (east, north), (west, north))
    )


def test_what_has_no_width_stays_what_it_is() -> None:
    point = Circle(centre=(E7, E7))
    line = Corridor(line=((0, 0), (E7, E7)))
    assert drawing_of([footprint(point)]).wkt == "POINT (1 1)"
    assert drawing_of([footprint(line)]).geom_type == "LineString"
    assert drawing_of([footprint(Corridor(line=((0, 0),), width_mm=1))]).geom_type == "Polygon"
    still = Corridor(line=((0, 0), (0, 0)))
    assert drawing_of([footprint(still)]).geom_type == "Polygon"
    # In company of polygons they are polygons.
    mixed = drawing_of([footprint(point, line, Polygon(rings=(square(0, 0),)))])
    assert mixed.geom_type == "Polygon"
    apart = drawing_of([footprint(point), footprint(Circle(centre=(5 * E7, 0), radius_mm=1_000))])
    assert apart.geom_type == "MultiPolygon"


def test_a_hole_is_a_hole_and_a_ring_that_crosses_itself_is_filled() -> None:
    hole = Polygon(rings=(square(0, 0, 6), square(2, 2)))
    assert not drawing_of([footprint(hole)]).covers(shapely.Point(3, 3))
    bow = ((0, 0), (2 * E7, 2 * E7), (2 * E7, 0), (0, 2 * E7))
    drawing = drawing_of([footprint(Polygon(rings=(square(0, 0, 6), bow)))])
    assert drawing.covers(shapely.Point(1.9, 1))
    flat = Polygon(rings=(((0, 0), (E7, 0)),))
    assert drawing_of([footprint(flat)]).covers(shapely.Point(0.5, 0))


def test_a_ring_around_a_pole_holds_it() -> None:
    ring = tuple((lon * E7, 80 * E7) for lon in (-180, -60, 60))
    assert drawing_of([footprint(Polygon(rings=(ring,)))]).covers(shapely.Point(5, 90))
    south = tuple((lon, -lat) for lon, lat in ring)
    assert drawing_of([footprint(Polygon(rings=(south,)))]).covers(shapely.Point(5, -90))
    both = ((0, E7), (120 * E7, -E7), (-120 * E7, E7))
    assert drawing_of([footprint(Polygon(rings=(both,)))]).covers(shapely.Point(5, 80))
    wide = footprint(Circle(centre=(0, 895_000_000), radius_mm=50_000_000))
    assert drawing_of([wide]).bounds[3] <= 90
    round_it = Corridor(
        line=tuple((lon * E7, 85 * E7) for lon in (0, 120, -120, -1, 20)), width_mm=2
    )
    assert drawing_of([footprint(round_it)]).area > 0


@given(volumes=some_volumes)
def test_any_drawing_can_be_written(volumes: tuple[Volume, ...]) -> None:
    drawing = rounded(drawing_of(volumes))
    found = json.loads(shapely.to_geojson(drawing))
    west, south, east, north = drawing.bounds
    assert found["type"] != "GeometryCollection"
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90


def test_properties_are_all_there_whatever_the_kind() -> None:
    ring = Polygon(rings=(square(0, 0),))
    values = [
        hospital("a", 0, 0),
        Zone(source_id="z", name="z", rule=ZoneRule.CORRIDOR, volumes=(footprint(ring, ring),)),
        Zone(source_id="y", name="y", rule=ZoneRule.CORRIDOR, volumes=(footprint(ring),)),
        hospital("b", 0, 0, volumes=(footprint(Corridor(line=((0, 0),), width_mm=5_000)),) ),
        flight("f", 0, 0),
        Presence(source_id="t", name="t",
                 track=Track(position=(0, 0), time=NOW, speed_max_mm_s=5)),
        flight("g", 0, 0, volumes=around(0, 0, start=NOW, end=NOW)),
        None,
    ]  # fmt: skip
    for value in values:
        view = View(
            object="0" * 32, kind=EntryKind.NOTICE, version=1, sequence=1, token="", party="one",
            grade=Grade.AREA if value is None else Grade.FULL, value=value,
            area=() if value is not None else (footprint(Circle(centre=(0, 0), radius_mm=5)),),
        )  # fmt: skip
        found = properties_of(view, NOW)
        assert list(found) == list(PROPERTIES)
        assert found["name"] == getattr(value, "name", None) or getattr(value, "source_id", None)
    assert properties_of(view, NOW)["radius_m"] == 0.005

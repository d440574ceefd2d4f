"""What a client of OGC API - Features may count on; test_ogc.md tells it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import shapely

from conftest import begin
from detente.core.volume import Corridor, Polygon, Position, Volume
from detente.node.keyring import Keyring
from gis import asked, gis_node
from http_node import Node, Party
from nodes import around, hospital

FULL = {"members": "full"}
ITEMS = "/collections/notices/items"
EPSG_4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"


def places(*degrees: tuple[float, float]) -> tuple[Position, ...]:
    return tuple((round(lon * 1e7), round(lat * 1e7)) for lon, lat in degrees)


def ring(*degrees: tuple[float, float]) -> tuple[Volume, ...]:
    return (Volume(footprint=(Polygon(rings=(places(*degrees),)),)),)


def line(width_m: int, *degrees: tuple[float, float]) -> tuple[Volume, ...]:
    shape = Corridor(line=places(*degrees), width_mm=1_000 * width_m)
    return (Volume(footprint=(shape,), lower_mm=0, upper_mm=50_000),)


WHERE = {
    "St Mary": around(10, 50),
    "O'Brien's 100%": around(10, 51, 0.0),
    "Москва": around(37, 55),
    "North Pole": around(0, 90, 100_000.0),
    "South Pole": around(0, -90, 0.0),
    "At 180": around(180, -18, 0.0),
    "At -180": around(-180, -19),
    "Wide": around(175, -10, 900_000.0),
    "Ring": ring((20, 20), (20, 21), (21, 21), (21, 20)),
    "Ring at 180": ring((179, 10), (-179, 10), (-179, 11), (179, 11)),
    "Ring at the pole": ring((0, 80), (90, 80), (180, 80), (-90, 80)),
    "Line": line(0, (13, 53), (14, 53), (14, 54)),
    "Line at 180": line(2_000, (179.9, -16), (-179.9, -16)),
    "Thin line at 180": line(0, (179.9, -15), (-179.9, -15)),
    "Two": (*around(15, 55), *around(16, 56, 0.0)),
}


def said(
    party: Party, name: str, volumes: tuple[Volume, ...], release: dict[str, str] | None
) -> None:
    value = msgspec.to_builtins(hospital(name, 0, 0, volumes=volumes))
    body = {one: part for one, part in value.items() if one not in {"type", "party"}}
    told = party.post("/v1/notices", {**body, "release": release})
    assert told.status == 201, told.body


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    place = tmp_path_factory.mktemp("ogc") / "test.db"
    keyring = Keyring(place)
    begin(place, keyring)
    with gis_node(place, keyring, place.parent) as node:
        one = node.party("one")
        for name, volumes in WHERE.items():
            said(one, name, volumes, FULL)
        said(one, "Coarse", around(179.99, -20), {"members": "area"})
        yield node


@pytest.fixture
def two(node: Node) -> Party:
    return node.party("two")


def features(party: Party, **query: object) -> list[dict[str, Any]]:
    told = party.get(asked(ITEMS, **query))
    assert told.status == 200, (query, told.body)
    found: list[dict[str, Any]] = json.loads(told.body)["features"]
    return found


def ids(party: Party, **query: object) -> set[str]:
    return {one["id"] for one in features(party, **query)}


def links_in(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        if {"href", "rel"} <= set(document):
            yield document
        document = list(document.values())
    if isinstance(document, list):
        for one in document:
            yield from links_in(one)


def media_of(value: str) -> str:
    return value.partition(";")[0]


def test_links(node: Node, two: Party) -> None:
    """Each link leads to what it says, and each document has its other form."""
    seen: set[str] = set()
    ahead = [f"{node.url}/ogc/", f"{node.url}{asked(ITEMS, limit=2, crs=EPSG_4326)}"]
    ahead += [f"{node.url}/ogc{ITEMS}/{one}" for one in ids(two, limit=1)]
    while ahead:
        if (url := ahead.pop()) in seen:
            continue
        seen.add(url)
        told = two.get(url)
        assert told.status == 200, (url, told.body)
        if "json" not in told.headers["content-type"] or "/ogc" not in url:
            continue
        document = json.loads(told.body)
        own = {(one["rel"], media_of(one["type"])): one for one in document.get("links", ())}
        if "openapi" not in url and "tilejson" not in document and "$schema" not in document:
            assert ("self", media_of(told.headers["content-type"])) in own, url
            assert ("alternate", "text/html") in own, url
        for one in links_in(document):
            assert one["href"].startswith(node.url), one
            if not one.get("templated"):
                led = two.get(one["href"], accept=one["type"])
                assert led.status == 200, one
                assert media_of(led.headers["content-type"]) == media_of(one["type"]), one
                ahead.append(one["href"])
    assert len(seen) > 30
    assert len([one for one in seen if "after=" in one]) > 5


def test_geojson(two: Party) -> None:
    """Each feature is as RFC 7946 wants it, and the same with latitude first."""
    turned = {one["id"]: one["geometry"] for one in features(two, crs=EPSG_4326)}
    found = features(two)
    assert {one["properties"]["name"] for one in found} >= set(WHERE)
    for one in found:
        drawing = shapely.from_geojson(json.dumps(one["geometry"]))
        assert re.fullmatch(r"[\w~.-]+", one["id"], re.ASCII)
        assert shapely.is_valid(drawing), one
        assert drawing == shapely.orient_polygons(drawing), one
        west, south, east, north = drawing.bounds
        assert -180 <= west <= east <= 180, one
        assert -90 <= south <= north <= 90, one
        back = shapely.from_geojson(json.dumps(turned[one["id"]]))
        assert shapely.transform(back, lambda degrees: degrees[:, ::-1]) == drawing


LITERALS = {
    "string": ("'medical'", "''", "'O''Brien''s 100%'", r"'O\'Brien\'s 100%'", "'Москва'"),
    "number": ("0", "-1.5", "5e2", "+.5"),
    "integer": ("1", "2."),
    "boolean": ("TRUE", "false"),
    "date-time": ("TIMESTAMP('2026-01-01T00:00:00Z')", "TIMESTAMP('2026-12-31T23:59:60Z')"),
}


def test_queryables(two: Party) -> None:
    """Each queryable divides a layer into what is, what is not, and what is null."""
    everything = ids(two)
    told = json.loads(two.get("/ogc/collections/notices/queryables").body)
    for name, schema in told["properties"].items():
        null = ids(two, filter=f"{name} IS NULL")
        assert ids(two, filter=f'"{name}" is not null') == everything - null
        for literal in LITERALS.get(schema.get("format", schema.get("type")), ()):
            for sign, opposite in (("=", "<>"), ("<", ">="), (">", "<=")):
                found = ids(two, filter=f"{name} {sign} {literal}")
                other = ids(two, filter=f"{name}{opposite}{literal}")
                assert not found & other
                assert found | other == everything - null, (name, sign, literal)
                assert ids(two, filter=f"NOT ({name} {sign} {literal})") == other


def test_boxes(two: Party) -> None:
    """A box in a filter finds what the same box finds beside it."""
    boxes = ("9,49,11,51", "170,-20,-170,-10", "-180,-19,-180,-17", "180,-19,180,-17",
             "77,90,77,90", "5,-90,6,-89", "-180,-90,180,90",
             "179,9,-179,12", "-179,-90,179,90")  # fmt: skip
    for box in boxes:
        found = ids(two, filter=f"S_INTERSECTS(geometry, BBOX({box}))")
        assert found == ids(two, bbox=box) != set(), box


def test_pages(node: Node, two: Party) -> None:
    """Whoever follows the pages meets each object once, whatever is added meanwhile."""
    one = node.party("one")
    before, seen = [each["id"] for each in features(two)], []
    path = asked(ITEMS, limit=3)
    for number in range(100):
        page = json.loads(two.get(path).body)
        assert page["numberReturned"] == len(page["features"]) <= 3
        seen += [each["id"] for each in page["features"]]
        onward = [each["href"] for each in page["links"] if each["rel"] == "next"]
        if not onward:
            break
        if number < 4:
            said(one, f"New {number}", around(1, 1), FULL if number % 2 else None)
        path = onward[0].removeprefix(node.url)
    assert seen[: len(before)] == before
    assert len(seen) == len(set(seen)) == len(before) + 2


def test_hidden(node: Node, two: Party) -> None:
    """What is hidden changes no byte."""
    paths = ("/", "/collections", "/collections/notices/queryables", f"{ITEMS}?limit=5",
             asked(ITEMS, filter="name LIKE '%'").removeprefix("/ogc"),
             "/tiles/WebMercatorQuad/8/86/135", f"{ITEMS}?f=html")  # fmt: skip

    def look() -> list[bytes]:
        found = [two.get(f"/ogc{path}").body for path in paths]
        return [re.sub(rb"2\d{3}-\d\d-\d\dT[\d:.]+Z", b"now", one) for one in found]

    before = look()
    assert all(before)
    for name, release in (("Hidden", None), ("Contact", {"members": "contact"})):
        said(node.party("one"), name, around(10, 50), release)
    assert look() == before

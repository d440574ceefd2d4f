"""A GIS reads the picture; test_gis.md tells it."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import shapely

from cli import detente
from conftest import begin
from detente.core.plan import PlanState
from detente.core.presence import Presence, Track
from detente.core.volume import Corridor, Volume
from detente.core.zone import Zone, ZoneRule
from detente.node.keyring import Keyring
from gis import asked, gdal, gis_node, layer_of
from http_node import Answered, Node, Party
from judge import GEOD
from nodes import around, flight, hospital

FULL, AREA, CONTACT = {"members": "full"}, {"members": "area"}, {"members": "contact"}
NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG_4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
MANY = 1_200


def built(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return {name: part for name, part in found.items() if name not in {"type", "party"}}


def said(party: Party, kind: str, value: Any, release: dict[str, str] | None) -> Answered:
    body = {**built(value), "release": release}
    told = party.post(f"/v1/{kind}", {"plan": body} if kind == "plans" else body)
    assert told.status == 201, told.body
    return told


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gis") / "test.db"


@pytest.fixture(scope="module")
def node(place: Path) -> Iterator[Node]:
    """One says everything; two reads."""
    keyring = Keyring(place)
    begin(place, keyring)
    with gis_node(place, keyring, place.parent) as node:
        one = node.party("one")
        said(one, "notices", hospital("St <b>Mary</b>", 10.0, 50.0, standoff_mm=300_000), FULL)
        said(one, "notices", hospital("Coarse", 10.5, 50.0), AREA)
        said(one, "notices", hospital("Call first", 10.0, 50.0), CONTACT)
        said(one, "notices", hospital("Hidden", 10.0, 50.0), None)
        said(one, "notices", hospital("Taveuni", 179.999, -17.0), FULL)
        line = ((1_799_000_000, -160_000_000), (-1_799_000_000, -160_000_000))
        window = {"start": NOON, "end": NOON + timedelta(hours=1)}
        road = Volume(footprint=(Corridor(line=line, width_mm=2_000_000),), **window,
                      lower_mm=0, upper_mm=100_000)  # fmt: skip
        said(
            one,
            "notices",
            hospital("Convoy", 0, 0, volumes=(road,), kind="movement", category="convoy"),
            FULL,
        )
        zone = Zone(source_id="z", name="No-fire", rule=ZoneRule.NO_ACTIVITY,
                    volumes=around(10, 51))  # fmt: skip
        said(one, "zones", zone, FULL)
        track = Track(position=(100_000_000, 520_000_000), time=datetime.now(UTC),
                      speed_max_mm_s=10_000, accuracy_mm=50_000)  # fmt: skip
        said(one, "presence", Presence(source_id="t", name="Team", track=track), FULL)
        said(one, "plans", flight("Flight", 30, 53, state=PlanState.ACCEPTED), FULL)
        said(one, "plans", flight("g", 31, 54, state=PlanState.DRAFT), FULL)
        yield node


@pytest.fixture
def two(node: Node) -> Party:
    return node.party("two")


def document(answered: Answered, media: str) -> Any:
    assert (answered.status, answered.headers["content-type"]) == (200, media), answered.body
    return json.loads(answered.body)


def items(party: Party, collection: str = "notices", **query: object) -> list[dict[str, Any]]:
    path = asked(f"/collections/{collection}/items", **query)
    found: list[dict[str, Any]] = document(party.get(path), "application/geo+json")["features"]
    return found


def names(party: Party, collection: str = "notices", **query: object) -> list[str]:
    found = items(party, collection, **query)
    return [one["properties"]["name"] or one["properties"]["grade"] for one in found]


def test_layers(node: Node, tmp_path: Path) -> None:
    """GDAL reads each layer, and finds what was released and nothing else."""
    told = gdal("two", "ogrinfo", "-ro", "-al", f"OAPIF:{node.url}/ogc")
    assert [told.count(f"Layer name: {one}") for one in ("notices", "zones", "presence", "plans")]
    assert "Call first" not in told
    assert "Hidden" not in told
    found = layer_of(node, "two", "notices", tmp_path)
    assert [one["properties"]["name"] for one in found] == [
        "St <b>Mary</b>", None, "Taveuni", "Convoy",
    ]  # fmt: skip
    for name, only in (("zones", "No-fire"), ("presence", "Team"), ("plans", "Flight")):
        [one] = layer_of(node, "two", name, tmp_path)
        assert one["properties"]["name"] == only
    assert len(layer_of(node, "one", "notices", tmp_path)) == 6


def test_secret(node: Node, place: Path, tmp_path: Path) -> None:
    """GDAL reads by a client's id and secret, as long as it likes, and by no other secret."""
    made = detente("client", "new", "gis", "--party", "two", "--role", "watch", "--json",
                   "--store", place, cwd=tmp_path)  # fmt: skip
    secret = json.loads(made.out)["client_secret"]
    command = ["ogrinfo", "-ro", "-so", f"OAPIF:{node.url}/ogc", "notices"]
    told = subprocess.run([*command, "--config", "GDAL_HTTP_USERPWD", f"gis:{secret}"],
                          capture_output=True, text=True, check=True, timeout=300)  # fmt: skip
    assert "Feature Count: 4" in told.stdout
    wrong = httpx.get(f"{node.url}/ogc/collections", auth=("gis", "guessed"))
    assert wrong.status_code == 401
    assert "Basic" not in wrong.headers["www-authenticate"]


def test_copied(node: Node, tmp_path: Path) -> None:
    """GDAL copies a layer of many pages whole."""
    page = ("-oo", "PAGE_SIZE=1")
    found = layer_of(node, "two", "notices", tmp_path, *page)
    assert len(found) == 4
    box = layer_of(node, "two", "notices", tmp_path, *page, "-spat", 9.9, 49.9, 10.1, 50.1)
    assert [one["properties"]["name"] for one in box] == ["St <b>Mary</b>"]


def test_held(two: Party) -> None:
    """A circle's polygon holds it, and its true radius stands beside it."""
    [one] = items(two, name="St <b>Mary</b>")
    assert one["properties"]["radius_m"] == 500.0
    assert one["properties"]["standoff_m"] == 300.0
    polygon = shapely.geometry.shape(one["geometry"])
    for azimuth in range(0, 360, 5):
        lon, lat, _ = GEOD.fwd(10.0, 50.0, azimuth, 500.0)
        assert polygon.covers(shapely.Point(lon, lat))
    [area] = items(two, grade="area")
    assert area["properties"]["radius_m"] >= 10_000
    assert shapely.geometry.shape(area["geometry"]).covers(shapely.Point(10.5, 50.0))


def test_box(two: Party) -> None:
    """A box finds what may meet it, across the antimeridian and at the edge of the map as well."""
    assert names(two, bbox="9.99,49.99,10.01,50.01") == ["St <b>Mary</b>"]
    assert names(two, bbox="170,-20,-170,-10") == ["Taveuni", "Convoy"]
    assert names(two, bbox="-180,-18,-179,-15.9") == ["Taveuni", "Convoy"]
    assert names(two, bbox="180,-18,180,-16.9") == ["Taveuni"]
    assert names(two, bbox="-180,-90,180,90") == [
        "St <b>Mary</b>", "area", "Taveuni", "Convoy",
    ]  # fmt: skip
    assert names(two, bbox="0,0,1,1") == []
    # What is withheld is not found where it lies.
    assert names(two, bbox="10.49,49.99,10.51,50.01") == ["area"]


def test_time(two: Party) -> None:
    """Times and heights find what may be there then, and what is not bounded is always there."""
    always = ["St <b>Mary</b>", "area", "Taveuni"]
    assert names(two, datetime="2026-01-07T13:00:00Z") == [*always, "Convoy"]
    assert names(two, datetime="2026-01-07T13:00:01Z/..") == always
    assert names(two, datetime="../2026-01-07T12:00:00Z") == [*always, "Convoy"]
    assert names(two, datetime="/2026-01-07T11:59:59Z") == always
    assert names(two, bbox="170,-20,100.0,-170,-10,200") == ["Taveuni", "Convoy"]
    assert names(two, bbox="170,-20,100.1,-170,-10,200") == ["Taveuni"]


def test_systems(two: Party) -> None:
    """Coordinates come in the order that is asked for, and no other system is taken."""
    path = "/collections/notices/items"
    told = two.get(asked(path, name="Taveuni", crs=EPSG_4326, bbox="-18,179,-16,180",
                         bbox_crs=EPSG_4326))  # fmt: skip
    assert told.headers["content-crs"] == f"<{EPSG_4326}>"
    [one] = document(told, "application/geo+json")["features"]
    assert shapely.geometry.shape(one["geometry"]).bounds[0] == pytest.approx(-17, abs=0.1)
    plain = two.get(asked(path, name="Taveuni"))
    assert plain.headers["content-crs"] == f"<{CRS84}>"
    single = two.get(asked(f"{path}/{one['id']}", crs=EPSG_4326))
    assert single.headers["content-crs"] == f"<{EPSG_4326}>"
    assert document(single, "application/geo+json")["geometry"] == one["geometry"]
    for name in ("crs", "bbox-crs", "filter-crs"):
        problem = two.get(f"/ogc{path}?{name}=http://www.opengis.net/def/crs/EPSG/0/3857")
        assert problem.refused(400, "malformed_input")["what"] == name


def test_filters(two: Party) -> None:
    """Properties and filters select, and what is unknown is not selected."""
    hospitals = ["St <b>Mary</b>", "area", "Taveuni"]
    assert names(two, category="medical") == hospitals
    assert names(two, stale="false", category="convoy") == ["Convoy"]
    assert names(two, filter="category IN ('convoy', 'school') OR name LIKE '%Mary%'") == [
        "St <b>Mary</b>", "Convoy",
    ]  # fmt: skip
    assert names(two, filter="NOT name LIKE 'T%'") == ["St <b>Mary</b>", "Convoy"]
    assert names(two, filter="name IS NULL OR standoff_m BETWEEN 1 AND 300") == [
        "St <b>Mary</b>", "area",
    ]  # fmt: skip
    assert names(two, filter="S_INTERSECTS(geometry, POLYGON((9 49, 11 49, 11 51, 9 49)))") == [
        "St <b>Mary</b>", "area",
    ]  # fmt: skip
    inside = "S_INTERSECTS(geometry,BBOX(-18,179,-15,180))"
    assert names(two, filter=inside, filter_crs=EPSG_4326, filter_lang="cql2-text") == [
        "Taveuni", "Convoy",
    ]  # fmt: skip
    later = "T_INTERSECTS(datetime, INTERVAL('2026-02-01T00:00:00Z', '..'))"
    assert names(two, filter=later) == hospitals
    queryables = document(two.get("/ogc/collections/notices/queryables"), "application/schema+json")
    assert {"geometry", "datetime", "category"} < set(queryables["properties"])


def test_pages(node: Node, two: Party) -> None:
    """Pages go on after the last, and miss nothing that changes meanwhile."""
    one = node.party("one")
    moving = said(one, "notices", hospital("First", 20, 20, category="paged"), FULL)
    for number in range(3):
        said(one, "notices", hospital(f"P{number}", 20, 20, category="paged"), FULL)
    path = asked("/collections/notices/items", category="paged", limit=2)
    seen: list[str] = []
    changed = False
    while path:
        page = document(two.get(path), "application/geo+json")
        again = document(two.get(path), "application/geo+json")
        assert again["features"] == page["features"]
        seen += [one["properties"]["name"] for one in page["features"]]
        onward = [one["href"] for one in page["links"] if one["rel"] == "next"]
        path = onward[0].removeprefix(node.url) if onward else ""
        if not changed:
            changed = True
            value = built(hospital("First", 21, 21, category="paged"))
            body = {"value": {**value, "release": FULL, "type": "notice"}}
            path_of_it = moving.headers["location"]
            told = one.ask("PUT", path_of_it, body, if_match=moving.headers["etag"])
            assert told.status == 200, told.body
    assert seen == ["First", "P0", "P1", "P2", "First"]


REFUSED = (
    ("/collections/notices/items?colour=red", "colour"),
    ("/collections/notices/items?limit=1&limit=2", "limit"),
    ("/collections/notices/items?limit=0", "limit"),
    ("/collections/notices/items?limit=x", "limit"),
    ("/collections/notices/items?bbox=1,2,3", "bbox"),
    ("/collections/notices/items?bbox=1,2,3,a", "bbox"),
    ("/collections/notices/items?bbox=0,10,1,5", "bbox"),
    ("/collections/notices/items?bbox=0,0,181,5", "bbox"),
    ("/collections/notices/items?bbox=nan,0,1,5", "bbox"),
    ("/collections/notices/items?datetime=yesterday", "datetime"),
    ("/collections/notices/items?datetime=2026-01-07", "datetime"),
    ("/collections/notices/items?datetime=../..", "datetime"),
    ("/collections/notices/items?datetime=2026-02-01T00:00:00Z/2026-01-01T00:00:00Z", "datetime"),
    ("/collections/notices/items?stale=perhaps", "stale"),
    ("/collections/notices/items?lower_m=low", "lower_m"),
    ("/collections/notices/items?after=-2", "after"),
    ("/collections/notices/items?filter-lang=cql2-json", "filter-lang"),
    ("/collections/notices/items?filter=name%3D", "filter, character 6"),
    ("/collections/notices/items?filter=colour%3D1", "filter, character 1"),
    ("/collections/notices/items?f=gml", "f"),
    ("/?bbox=0,0,1,1", "bbox"),
    ("/tiles/WebMercatorQuad/0/0/0?bbox=0,0,1,1", "bbox"),
)


def test_refused(two: Party) -> None:
    """What is unknown, malformed or given twice is refused by its name."""
    for path, what in REFUSED:
        assert two.get(f"/ogc{path}").refused(400, "malformed_input")["what"] == what, path
    for path in (
        "/collections/roads", "/collections/roads/items", "/collections/notices/items/none",
        "/tiles/WebMercatorQuad/0/1/0", "/tiles/WebMercatorQuad/99/0/0",
        "/tiles/WorldCRS84Quad/0/0/0", "/collections/notices%2Fitems", "%2fcollections",
    ):  # fmt: skip
        two.get(f"/ogc{path}").refused(404, "not_found")


def test_forms(node: Node, two: Party) -> None:
    """An answer comes in a form that is taken, or is refused."""
    path = "/ogc/collections/notices/items"
    kinds = {
        "application/geo+json": "application/geo+json",
        "application/json": "application/geo+json",
        "*/*": "application/geo+json",
        "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8": "text/html; charset=utf-8",
        "application/json;q=0.2, text/*": "text/html; charset=utf-8",
    }
    for accept, kind in kinds.items():
        assert two.get(path, accept=accept).headers["content-type"] == kind
    two.get(path, accept="application/gml+xml").refused(406, "not_acceptable")
    two.get(path, accept="*/*;q=0").refused(406, "not_acceptable")
    node.party("").get(path).refused(401, "not_authentic")
    two.post(path, {}).refused(405, "method_not_allowed")


def test_people(two: Party) -> None:
    """The pages for people run nothing and escape everything."""
    for path in ("", "/conformance", "/collections", "/collections/notices",
                 "/collections/notices/queryables", "/collections/notices/items", "/tiles",
                 "/tiles/WebMercatorQuad"):  # fmt: skip
        told = two.get(f"/ogc{path}?f=html")
        assert told.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in told.headers["content-security-policy"]
        assert b"<script" not in told.body
        assert b"<b>" not in told.body
    page = two.get("/ogc/collections/notices/items?f=html").body
    assert b"St &lt;b&gt;Mary&lt;/b&gt;" in page


def tile(party: Party, path: str, folder: Path, **headers: str) -> tuple[Answered, str]:
    """A tile, and what GDAL reads in it."""
    told = party.get(f"/ogc/tiles/WebMercatorQuad/{path}", **headers)
    if told.status != 200:
        return told, ""
    assert told.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    if not told.body:
        return told, ""
    file = folder / "tile.mvt"
    file.write_bytes(told.body)
    return told, gdal(party.name, "ogrinfo", "-al", file)


def test_tiles(node: Node, two: Party, tmp_path: Path) -> None:
    """A tile shows what is released, and its tag changes only with that."""
    told, read = tile(two, "8/86/135", tmp_path)
    assert "St <b>Mary</b>" in read
    assert "Call first" not in read
    assert "Hidden" not in read
    assert "private" in told.headers["cache-control"]
    same, _ = tile(two, "8/86/135", tmp_path, if_none_match=told.headers["etag"])
    assert (same.status, same.body) == (304, b"")
    # A proxy that packs answers makes tags weak; a client may have several versions.
    for given in (f"W/{told.headers['etag']}", f'"other", {told.headers["etag"]}', "*"):
        assert tile(two, "8/86/135", tmp_path, if_none_match=given)[0].status == 304
    changed, _ = tile(two, "8/86/135", tmp_path, if_none_match='"other", W/"another"')
    assert changed.status == 200
    one = node.party("one")
    said(one, "notices", hospital("Hidden too", 10.01, 50.01), CONTACT)
    same, _ = tile(two, "8/86/135", tmp_path, if_none_match=told.headers["etag"])
    assert same.status == 304
    # Both sides of the antimeridian show what lies on it.
    for path in ("8/140/255", "8/140/0"):
        assert "Taveuni" in tile(two, path, tmp_path)[1]
    only = two.get("/ogc/collections/zones/tiles/WebMercatorQuad/8/86/135")
    assert b"notices" not in only.body
    told, read = tile(two, "8/86/135?collections=plans", tmp_path)
    assert read == ""
    described = document(two.get("/ogc/tiles/WebMercatorQuad?f=tilejson"), "application/json")
    assert {one["id"] for one in described["vector_layers"]} >= {"notices", "clusters"}
    assert described["tiles"][0].endswith("/ogc/tiles/WebMercatorQuad/{z}/{y}/{x}")


def counts(read: str) -> list[int]:
    return [int(line.rpartition("=")[2]) for line in read.splitlines() if "  count (" in line]


def deliveries(node: Node) -> list[dict[str, Any]]:
    """What the record says party two was sent, as the party learns it that said it."""
    found, after, more = [], -1, True
    while more:
        page = node.party("one").get(f"/v1/objects?kind=delivery&after={after}").json
        after, more = page["after"], page["more"]
        found += [one["value"] for one in page["objects"] if one["value"]["to"] == "two"]
    return found


def test_many(node: Node, two: Party, tmp_path: Path) -> None:
    """A tile of very many says how many each cluster stands for."""
    one = node.party("one")
    for number in range(MANY):
        place = (-60 + number % 40 / 10, -30 + number // 40 / 10)
        value = hospital(f"M{number}", *place, category="many", volumes=around(*place, 0.0))
        said(one, "notices", value, FULL)
    _, read = tile(two, "3/4/2", tmp_path)
    clustered, single = counts(read), read.count("category (String) = many")
    assert max(clustered) > 1
    assert sum(clustered) + single == MANY
    assert len(clustered) + single <= 16 * 16
    assert f"categories (String) = many {max(clustered)}" in read
    assert "severity (String) = conflict" in read
    # Nearer, each is drawn by itself.
    _, read = tile(two, "9/297/170", tmp_path)
    assert counts(read) == []
    assert read.count("category (String) = many") > 20


def test_told(node: Node, two: Party) -> None:
    """Whoever was shown a feature or a tile, the record says so once."""
    entry = said(node.party("one"), "notices", hospital("Told", 40, 40), FULL).json
    assert not [one for one in deliveries(node) if entry["leaf"] in one["entries"]]
    for _ in range(2):
        assert two.get("/ogc/tiles/WebMercatorQuad/12/1550/2503").body
        assert names(two, name="Told") == ["Told"]
    [once] = [one for one in deliveries(node) if entry["leaf"] in one["entries"]]
    assert once["how"] == "tile"
    assert once.get("grade", "full") == "full"
    # A cluster told the areas of those that it stands for, and of no more.
    clustered = [one for one in deliveries(node) if one["how"] == "tile"]
    assert sum(len(one["entries"]) for one in clustered if one.get("grade") == "area") > MANY // 2

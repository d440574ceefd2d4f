"""People at the page of a node; test_page.md tells it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect
from test_gis import AREA, FULL, said

from conftest import begin
from detente.node.keyring import Keyring
from http_node import Node
from nodes import hospital
from page import Seat, page_node
from workbooks import table as workbook

AT = "9/50/10"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One says where its hospitals are, and shows two some of them."""
    folder = tmp_path_factory.mktemp("page")
    begin(folder / "test.db", Keyring(folder / "test.db"))
    with page_node(folder / "test.db", folder, {"desk one": "one", "desk two": "two"}) as node:
        one = node.party("one")
        said(one, "notices", hospital("St Mary", 10.0, 50.0, standoff_mm=300_000), FULL)
        said(one, "notices", hospital("Coarse", 10.2, 50.1), AREA)
        said(one, "notices", hospital("Hidden", 10.0, 50.0), None)
        yield node


@pytest.fixture
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    yield seat
    seat.leave()


def test_picture(two: Seat) -> None:
    """Whoever signs in sees what was released, and no request goes anywhere else"""
    two.wait_drawn("St Mary", "area")
    assert not two.drawn() & {"Hidden", "Coarse"}
    two.page.fill("form.search input", "mary")
    two.page.click("form.search button")
    two.page.click("detente-picture .found button")
    two.page.wait_for_selector("detente-picture .details .forms")
    details = two.told("detente-picture .details")
    assert "50.0000000, 10.0000000" in details
    assert "medical" in details
    two.keep("picture")
    two.page.fill("form.search input", "hidden")
    two.page.click("form.search button")
    two.told("detente-picture [role=status] p", "What is not shown may be there")
    assert f"{two.url}/page/base.pmtiles" in two.asked  # The map below it comes from the node too.


def test_wrong_password(browser: Browser, node: Node) -> None:
    """A wrong password is refused, and the name that was typed stays"""
    seat = Seat(browser, node).open(AT).sign_in("desk two", "not the password")
    assert "Refused" in seat.told("[role=alert] .refused")
    assert seat.page.input_value("input[name=name]") == "desk two"
    seat.leave()


def test_check(two: Seat) -> None:
    """A check that is typed names whom to call, and filing it asks for what was not shown"""
    two.tab("check")
    two.page.fill("detente-check input[name=position]", "50 00 00 N 10 00 00 E")
    two.page.fill("detente-check input[name=radius]", "100")
    two.page.fill("detente-check input[name=name]", "Survey")
    two.page.click("detente-check button.main")
    verdict = two.told(".verdict.conflict")
    assert "St Mary" in verdict
    assert "1 withheld" in verdict
    assert "Withheld: the agreement names no desk" in verdict
    two.page.wait_for_function("""() => document.querySelector("detente-map").map
      .queryRenderedFeatures({layers: ["notices-found", "notices-found-place"]})
      .some((one) => one.properties.name === "St Mary")""")
    two.keep("check")
    two.page.click(".verdict > button")
    assert "not shown to you with the answer" in two.told(".missing")
    two.page.click(".missing button")
    two.page.wait_for_selector("text=Filed: Survey")
    two.wait_drawn("Survey")


def test_drawn(two: Seat) -> None:
    """An area that is drawn is asked as the node understands it"""
    two.tab("check")
    two.page.click("text=Draw an area")
    box = two.page.locator(".maplibregl-canvas").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    two.page.wait_for_selector("button[aria-pressed=true]")
    two.wait_draws("polygon")
    for right, down in ((-60, -60), (60, -60), (60, 60), (-60, 60), (-60, -60)):
        two.page.mouse.click(middle[0] + right, middle[1] + down)
        two.page.wait_for_timeout(150)
    two.page.wait_for_selector("text=1 drawn on the map")
    two.page.click("detente-check button.main")
    two.told(".verdict.conflict", "St Mary")
    two.page.click("detente-check summary:has-text('As the node understood it')")
    places = two.page.locator("detente-check .places li")
    expect(places.nth(3)).to_be_visible()
    expect(places.first).to_contain_text("N")
    two.keep("drawn")


def test_notice(browser: Browser, node: Node, two: Seat) -> None:
    """A notice is read back before it is stored, and the other desk sees it without asking again"""
    one = Seat(browser, node).open(AT).sign_in("desk one").ready()
    one.tab("notice")
    one.page.fill("detente-notice input[name=name]", "New clinic")
    one.page.fill("detente-notice input[name=position]", "50 03 00 N 10 03 00 E")
    one.page.select_option("detente-notice select[name=release-members]", "full")
    one.page.click("detente-notice button.main")
    one.told("dialog[open]", "50 03 00 N 10 03 00 E", "50.0500000, 10.0500000", "32UNA")
    one.keep("read-back")
    two.wait_drawn("St Mary")
    assert "New clinic" not in two.drawn()
    one.page.click("dialog button.main")
    one.told(".said", "On record: New clinic")
    two.wait_drawn("New clinic")
    one.leave()


def test_not_a_place(two: Seat) -> None:
    """What cannot be a place is refused in the node's words, and nothing that was typed is lost"""
    two.tab("notice")
    two.page.fill("detente-notice input[name=name]", "Camp")
    two.page.click("detente-notice button.main")
    two.told("detente-notice .refused", "type a position")
    two.page.fill("detente-notice input[name=position]", "9 km south of the town")
    two.page.click("detente-notice button.main")
    two.page.wait_for_selector("text=9 km south of the town")
    two.told("detente-notice .refused", "latitude and longitude, such as")
    assert two.page.locator("dialog[open]").count() == 0
    assert two.page.input_value("detente-notice input[name=name]") == "Camp"


def test_board(browser: Browser, node: Node, two: Seat) -> None:
    """Who was told and has not acknowledged stands on the board until he has"""
    one = Seat(browser, node).open(AT).sign_in("desk one").ready()
    two.wait_drawn("St Mary")
    one.tab("told")
    one.page.wait_for_selector("detente-told tbody tr:has-text('St Mary'):has-text('two')")
    one.keep("told")
    two.page.fill("form.search input", "St Mary")
    two.page.click("form.search button")
    two.page.click("detente-picture .found button")
    two.page.click("text=Acknowledge: received")
    two.told("detente-picture .said", "It means no approval")
    one.page.wait_for_selector(
        "detente-told tbody tr:has-text('St Mary'):has-text('two')", state="detached"
    )
    one.leave()


def test_languages(two: Seat) -> None:
    """Every text is there in six languages, and Arabic runs from right to left"""
    for code, words in {
        "fr": "elle n'autorise jamais",
        "ru": "никогда не разрешает",
        "uk": "ніколи не дозволяє",
        "tr": "asla izin vermez",
        "ar": "ولا يأذن أبدًا",
    }.items():
        two.page.select_option(".language select", code)
        two.tab("check")
        two.page.wait_for_selector(f"text={words}")
        expect(two.page.locator("html")).to_have_attribute("lang", code)
        direction = two.page.evaluate("getComputedStyle(document.body).direction")
        assert direction == ("rtl" if code == "ar" else "ltr")
        two.keep(f"language-{code}")
    # Latin, Cyrillic, Arabic: from the node, as every request here.
    two.page.wait_for_function(
        "[...document.fonts].filter((one) => one.status === 'loaded').length >= 3"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone(browser: Browser, node: Node, scheme: str) -> None:
    """Everything is reached by keyboard alone, and axe finds nothing, by day and by night"""
    seat = Seat(browser, node, color_scheme=scheme).open(AT)
    seat.page.wait_for_selector("form")
    assert seat.flaws() == []
    seat.sign_in("desk two").ready()
    seat.page.focus("#tab-picture")
    tabs = seat.page.eval_on_selector_all("[role=tab]", "all => all.map((one) => one.id.slice(4))")
    for name in tabs:
        expect(seat.page.locator(f"#tab-{name}")).to_be_focused()
        assert seat.flaws() == [], name
        seat.page.keyboard.press("ArrowRight")
    seat.page.wait_for_selector("#tab-picture[aria-selected=true]")
    seat.page.keyboard.press("ArrowRight")
    # The panel is there, and the focus on its tab, before one goes on.
    seat.page.wait_for_selector("detente-check input[name=position]")
    expect(seat.page.locator("#tab-check")).to_be_focused()
    for _ in range(4):
        seat.page.keyboard.press("Tab")
    assert seat.page.evaluate("document.activeElement.name") == "position"
    seat.page.keyboard.type("50 00 00 N 10 00 00 E")
    seat.page.keyboard.press("Enter")
    seat.told(".verdict.conflict", "St Mary")
    assert seat.flaws() == []
    seat.keep(f"everyone-{scheme}")
    seat.leave()


def test_served(node: Node) -> None:
    """The page is served whole, packed, in parts or as unchanged, and nothing beside it"""
    nobody = httpx.Client(base_url=node.url, timeout=60)
    page = nobody.get("/page/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-encoding"] == "gzip"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    plain = nobody.get("/page/index.html", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == page.content
    told = {"if-none-match": page.headers["etag"]}
    assert nobody.get("/page/", headers=told).status_code == 304
    assert page.headers["cache-control"] == "no-cache"
    [script] = re.findall(r'src="/page/(assets/[^"]+\.js)"', page.text)
    assert "immutable" in nobody.get(f"/page/{script}").headers["cache-control"]

    whole = nobody.get("/page/base.pmtiles").content
    assert whole.startswith(b"PMTiles")
    for asked, status, found in (
        ("bytes=0-6", 206, b"PMTiles"),
        (f"bytes={len(whole) - 4}-{len(whole) + 99}", 206, whole[-4:]),
        (f"bytes={len(whole)}-{len(whole) + 1}", 416, b""),
        ("bytes=9-3", 416, b""),
        ("bytes=0-1,5-6", 200, whole),
        ("lines=0-1", 200, whole),
    ):
        part = nobody.get("/page/base.pmtiles", headers={"range": asked})
        assert (part.status_code, part.content) == (status, found), asked
    for name in ("../page.py", "%2e%2e/page.py", "assets", "nothing.js", "assets/../../page.py"):
        assert nobody.get(f"/page/{name}").status_code == 404, name
    nobody.close()


def readings(node: Node, kind: str, *features: dict[str, Any]) -> Any:
    body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    path = f"/v1/readings?kind={kind}&name=desk"
    return node.party("two").post(path, body, content_type="application/geo+json")


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_read_back(node: Node) -> None:
    """What is typed or drawn is read back as it would be stored, and is said as it came back"""
    ring = [[10, 50], [10.1, 50], [10.1, 50.1], [10, 50]]
    drawn = feature({"type": "Polygon", "coordinates": [ring]}, name="Drawn", upper_m=120)
    line = feature({"type": "LineString", "coordinates": ring[:2]}, name="Line", width_m=200)
    dotted = feature(None, name="Typed", position="36 43 4.9 N 68 51 44 E", radius_m="150")
    found = readings(node, "notices", drawn, line, dotted).json
    assert (len(found["values"]), found["refusals"]) == (3, [])
    [polygon, corridor, circle] = found["values"]
    assert polygon["drawn"]["type"] == "Polygon"
    # Edges straight in degrees become geodesics, with places between where those part.
    assert polygon["positions"] == len(polygon["places"]) > 3
    assert corridor["value"]["volumes"][0]["footprint"][0]["width_mm"] == 200_000
    [place] = circle["places"]
    assert place.startswith("36.7180278, 68.8622222 = 36°43'04.90\"N 68°51'44.00\"E = 42SVF")
    assert circle["value"]["provenance"]["typed"] == "36 43 4.9 N 68 51 44 E"
    assert circle["value"]["party"] == "two"
    for one in found["values"]:
        value = {**one["value"], "release": {"members": "full"}}
        told = node.party("two").post("/v1/notices", value)
        assert told.status == 201, told.body
        stored = node.party("one").get(f"/v1/objects/{told.json['object_id']}").json["value"]
        assert stored["volumes"] == one["value"]["volumes"]

    table = b"name,lat,lon\nClinic,50.1234,10.4321\n"
    path = "/v1/readings?kind=notices&name=list.csv"
    [row] = node.party("two").post(path, table, content_type="text/csv").json["values"]
    assert row["drawn"] == {"type": "Point", "coordinates": [10.4321, 50.1234]}
    book = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    for sheet, media in (
        ("", book),
        ("&sheet=One", "application/vnd.ms-excel.sheet.macroEnabled.12"),
    ):
        read = node.party("two").post(
            f"/v1/readings?kind=notices&name=list.xlsx{sheet}",
            workbook(["name", "lat", "lon"], ["Clinic", 50.1234, "10,4321"], title="One"),
            content_type=media,
        )
        assert read.json["values"][0]["drawn"] == row["drawn"]
        assert read.json["values"][0]["value"]["provenance"]["source"] == "list.xlsx#One"
    track = feature(None, name="Team", position="50 10", time="2026-07-01T00:00:00Z",
                    speed_max_m_s=10)  # fmt: skip
    [team] = readings(node, "presence", track).json["values"]
    assert team["value"]["track"]["position"] == [100_000_000, 500_000_000]
    assert team["drawn"]["type"] == "Polygon"  # As far as it has grown by now.


def test_not_read_back(node: Node) -> None:
    """What cannot be read back is named, row by row, and the rest is there"""
    good = feature({"type": "Point", "coordinates": [10.1234, 50.1234]}, name="Good")
    swapped = feature(None, name="Swapped", position="120.1 50.0")
    found = readings(node, "notices", good, swapped, feature(None, name="Nowhere")).json
    assert [one["value"]["name"] for one in found["values"]] == ["Good"]
    assert [one["name"] for one in found["refusals"]] == ["Swapped", "Nowhere"]
    two = node.party("two")
    many = [good | {"properties": {"name": str(number)}} for number in range(1_001)]
    told = readings(node, "notices", *many).refused(400, "malformed_input")
    assert "at most 1000 rows" in told["detail"]
    path = "/v1/readings?kind=notices"
    for body, media, status, code in (
        (b"<kml></kml>", "application/geo+json", 400, "malformed_input"),
        (b"", "application/geo+json", 400, "malformed_input"),
        (b"PK\x03\x04", "application/geo+json", 400, "malformed_input"),
        (b"{}", "application/zip", 415, "unsupported_media_type"),
    ):
        two.post(path, body, content_type=media).refused(status, code)
    two.post("/v1/readings?kind=targets", b"{}", content_type="text/csv").refused(
        400, "malformed_input"
    )

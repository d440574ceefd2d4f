"""What the page answers of, and what its author then knew; test_page_asking.md tells it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import xlsxwriter
from playwright.sync_api import Browser, expect
from test_gis import FULL, built, said

from conftest import begin
from detente.core.party import Desk, Party
from detente.core.zone import Zone, ZoneRule
from detente.node.keyring import Keyring
from detente.node.theatre import admit
from detente.store import Store
from http_node import Node
from nodes import around, hospital
from page import Seat, page_node
from workbooks import written
from world import NOW

AT = "9/50/10"
NUMBER = "+1 555 0100"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Three says where a hospital is; its duty desk has a number."""
    folder = tmp_path_factory.mktemp("asking")
    keyring = Keyring(folder / "test.db")
    begin(folder / "test.db", keyring)
    store = Store(folder / "test.db")
    duty = Desk(id="duty", name="Duty desk", contacts=(NUMBER,))
    admit(store, keyring, Party(id="three", name="Three", desks=(duty,)), now=NOW)
    store.close()
    with page_node(folder / "test.db", folder, {"desk three": "three", "desk two": "two"}) as node:
        yield node


@pytest.fixture
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    yield seat
    seat.leave()


def plan_file(folder: Path, *lons: float) -> Path:
    """One plan with a volume at each longitude."""
    path = folder / "plan.geojson"
    features = [
        {"type": "Feature", "properties": {"plan": "p", "radius_m": 100},
         "geometry": {"type": "Point", "coordinates": [lon, 50.0]}} for lon in lons
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def workbook(folder: Path, *sheets: str) -> Path:
    """A sheet a plan, each with a row."""
    path = folder / "plans.xlsx"

    def fill(book: xlsxwriter.Workbook) -> None:
        for place, name in enumerate(sheets):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["plan", "lat", "lon", "radius_m"])
            sheet.write_row(1, 0, [name, 50.0, f"{12 + place},5", 100])

    path.write_bytes(written(fill))
    return path


def valley(rule: ZoneRule, radius_m: float) -> Zone:
    """A zone as it is at first, and later."""
    return Zone(source_id="z", name="Valley", party="three", rule=rule,
                volumes=around(10.5, 50.5, radius_m))  # fmt: skip


def test_partial(two: Seat, tmp_path: Path) -> None:
    """A file of which a part cannot be read is not answered, and what is wrong with it is said"""
    two.tab("check")
    two.page.set_input_files("detente-check input[type=file]", plan_file(tmp_path, 12.0, 500.0))
    two.page.click("detente-check button.main")
    two.told("detente-check [role=status] .refused", "longitude from -180 to 180")
    two.told("detente-check ul.refused", "longitude from -180 to 180")
    expect(two.page.locator("detente-check .verdict")).to_have_count(0)
    two.page.set_input_files("detente-check input[type=file]", plan_file(tmp_path, 12.0, 12.1))
    two.page.click("detente-check button.main")
    two.told("detente-check .verdict", "No known conflict")
    expect(two.page.locator("detente-check ul.refused")).to_have_count(0)


def test_workbook(two: Seat, tmp_path: Path) -> None:
    """Of a workbook the sheet with rows is asked about, and of several the one that is named"""
    two.tab("check")
    expect(two.page.locator("detente-check input[name=sheet]")).to_have_count(0)
    two.page.set_input_files("detente-check input[type=file]", workbook(tmp_path, "East", "West"))
    two.page.click("detente-check button.main")
    two.told("detente-check [role=status] .refused", "got rows in East, West")
    expect(two.page.locator("detente-check .verdict")).to_have_count(0)
    two.page.fill("detente-check input[name=sheet]", "West")
    two.page.click("detente-check button.main")
    two.told("detente-check .verdict", "No known conflict")
    two.page.click("detente-check summary:has-text('As the node understood it')")
    two.told("detente-check details:has-text('As the node understood it')", "13.5000000")
    two.page.set_input_files("detente-check input[type=file]", plan_file(tmp_path, 12.0))
    expect(two.page.locator("detente-check input[name=sheet]")).to_have_count(0)


def test_beside(two: Seat, tmp_path: Path) -> None:
    """Beside a file nothing that is typed or drawn is passed over in silence"""
    two.tab("check")
    two.page.set_input_files("detente-check input[type=file]", plan_file(tmp_path, 12.0))
    two.page.fill("detente-check input[name=hazard_m]", "100000")
    two.page.click("detente-check button.main")
    two.told("detente-check .refused", "Either a file, or what is drawn and typed")
    expect(two.page.locator("detente-check .verdict")).to_have_count(0)
    two.page.fill("detente-check input[name=hazard_m]", "")
    two.page.click("detente-check button.main")
    two.told("detente-check .verdict", "No known conflict")


def test_whom(two: Seat, node: Node) -> None:
    """Whom to call stands at each finding, by desk and number"""
    three = node.party("three")
    said(three, "notices", hospital("St Mary", 10.0, 50.0, desk="duty"), FULL)
    two.tab("check")
    two.page.fill("detente-check input[name=position]", "50 00 00 N 10 00 00 E")
    two.page.click("detente-check button.main")
    two.told(".verdict.conflict table", "St Mary", NUMBER)
    two.keep("asking-whom")


def test_known(two: Seat, node: Node) -> None:
    """Who files is held to know what was shown with the answer, and not what came after it"""
    three = node.party("three")
    first = said(three, "zones", valley(ZoneRule.COORDINATE_FIRST, 3_000.0), FULL)
    path = f"/v1/objects/{first.json['object_id']}"
    two.tab("check")
    two.page.fill("detente-check input[name=position]", "50 30 00 N 10 30 00 E")
    two.page.fill("detente-check input[name=name]", "Crossing")
    two.page.click("detente-check button.main")
    two.told(".verdict", "Valley")
    # While the answer stands there, it becomes another zone.
    closed = built(valley(ZoneRule.NO_ACTIVITY, 9_000.0))
    told = three.ask("PUT", path,
                   {"value": {**closed, "release": FULL, "type": "zone"}},
                   if_match=three.get(path).headers["etag"])  # fmt: skip
    assert told.status == 200, told.body
    two.page.click("text=File as a plan")
    two.told("detente-check .missing", "1 entry that was not shown")
    expect(two.page.locator("detente-check .said")).to_have_count(0)
    two.page.click("text=I know of these: file it")
    two.told("detente-check [role=status]", "Crossing")
    two.tab("plans")
    two.told("detente-plans", "Crossing")


def test_two_drawn(browser: Browser, node: Node) -> None:
    """Of two drawings neither is taken for the place of a notice"""
    one = Seat(browser, node).open(AT).sign_in("desk three").ready()
    one.tab("notice")
    one.page.fill("detente-notice input[name=name]", "Two wards")
    one.page.evaluate(
        """() => { const where = document.querySelector("detente-notice detente-where");
          where.shapes = [[10, 50], [10.1, 50]].map(
            (coordinates) => ({type: "Point", coordinates})); }"""
    )
    one.page.click("detente-notice button.main")
    one.told("detente-notice .refused", "2 are drawn: a notice is of one place")
    expect(one.page.locator("dialog[open]")).to_have_count(0)
    one.leave()


def test_evidence_link(browser: Browser, node: Node, two: Seat) -> None:
    """Evidence is offered where it is given"""
    said(node.party("three"), "notices", hospital("Proven ward", 11.0, 51.0), FULL)
    one = Seat(browser, node).open(AT).sign_in("desk three").ready()
    for seat, count in ((two, 0), (one, 1)):
        seat.page.fill("form.search input", "Proven ward")
        seat.page.click("form.search button")
        seat.page.click("detente-picture .found button")
        seat.page.wait_for_selector("detente-picture .details .forms")
        expect(seat.page.locator("detente-picture .details a[download]")).to_have_count(count)
    one.leave()


def test_heights(browser: Browser, node: Node) -> None:
    """A zone is said with its heights, and they are read back"""
    one = Seat(browser, node).open(AT).sign_in("desk three").ready()
    one.tab("notice")
    one.page.select_option("detente-notice select[name=kind]", "zone")
    one.page.fill("detente-notice input[name=name]", "Below the pass")
    one.page.fill("detente-notice input[name=position]", "50 03 00 N 10 03 00 E")
    one.page.fill("detente-notice input[name=upper_m]", "900")
    one.page.select_option("detente-notice select[name=altitude_reference]", "WGS84")
    one.page.click("detente-notice button.main")
    one.told("dialog[open]", "900 m above the ellipsoid")
    one.leave()

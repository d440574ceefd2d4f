"""What stays in a panel that one leaves; test_page_keeping.md tells it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request, expect
from test_gis import FULL, said

from conftest import begin
from detente.node.keyring import Keyring
from http_node import Node
from nodes import hospital
from page import Seat, page_node

AT = "9/50/10"
PLACE = "50 00 00 N 10 00 00 E"
WORDS = "Two impacts at the north wing"
DRAWN = """() => { const {drawing} = document.querySelector("detente-map");
  if (!drawing?.enabled) return [];
  return drawing.getSnapshot().map((one) => one.properties)
    .filter((one) => ["polygon", "point"].includes(one.mode) && !one.currentlyDrawing)
    .map((one) => one.mode); }"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One says where a hospital is."""
    folder = tmp_path_factory.mktemp("keeping")
    begin(folder / "test.db", Keyring(folder / "test.db"))
    with page_node(folder / "test.db", folder, {"desk one": "one", "desk two": "two"}) as node:
        said(node.party("one"), "notices", hospital("St Mary", 10.0, 50.0), FULL)
        yield node


@pytest.fixture
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    yield seat
    seat.leave()


def tabs_of(seat: Seat) -> list[str]:
    return [str(one.get_attribute("id"))[4:] for one in seat.page.locator("[role=tab]").all()]


def write(seat: Seat) -> None:
    """Half a notice, and half a call."""
    seat.tab("notice")
    seat.page.fill("detente-notice input[name=name]", "Half a clinic")
    seat.page.select_option("detente-notice select[name=release-members]", "area")
    seat.tab("hotline")
    seat.page.fill("detente-hotline textarea[name=words]", WORDS)


def test_kept(two: Seat) -> None:
    """What was typed, answered and drawn is there again, and only the open panel is to be seen"""
    page = two.page
    write(two)
    two.tab("check")
    page.fill("detente-check input[name=position]", PLACE)
    page.click("detente-check button.main")
    two.told("detente-check .verdict.conflict", "St Mary")
    for name in tabs_of(two):
        two.tab(name)
        page.wait_for_selector(f"detente-{name} h2")
        expect(page.locator("[role=tabpanel]:visible")).to_have_count(1)
        assert two.flaws() == [], name
    two.tab("check")
    two.told("detente-check .verdict.conflict", "St Mary")
    expect(page.locator("detente-check input[name=position]")).to_have_value(PLACE)
    two.tab("hotline")
    expect(page.locator("detente-hotline textarea[name=words]")).to_have_value(WORDS)
    two.keep("keeping-hotline")
    two.tab("notice")
    expect(page.locator("detente-notice input[name=name]")).to_have_value("Half a clinic")
    expect(page.locator("detente-notice select[name=release-members]")).to_have_value("area")
    # By keyboard one goes from the tab into what is open, and into nothing that is hidden.
    page.focus("#tab-notice")
    page.keyboard.press("Tab")
    expect(page.locator("detente-notice select[name=kind]")).to_be_focused()


def draw(seat: Seat, panel: str, button: str, mode: str, *places: tuple[int, int]) -> None:
    """Draw by clicks on the map, so far right and down from its middle."""
    page = seat.page
    page.click(f"{panel} detente-where button:text-is('{button}')")
    seat.wait_draws(mode)
    box = page.locator(".maplibregl-canvas").bounding_box()
    assert box is not None
    for right, down in places:
        page.mouse.click(box["x"] + box["width"] / 2 + right, box["y"] + box["height"] / 2 + down)
        page.wait_for_timeout(150)
    seat.told(f"{panel} detente-where [role=status]", "1 drawn on the map")


def wait_on_map(seat: Seat, *modes: str) -> None:
    seat.page.wait_for_function(
        f"(modes) => JSON.stringify(({DRAWN})()) === JSON.stringify(modes)", arg=list(modes)
    )


def test_drawn(two: Seat) -> None:
    """The map draws for the panel that is open, and shows it again when one comes back"""
    page = two.page
    two.tab("check")
    square = ((-60, -60), (60, -60), (60, 60), (-60, 60), (-60, -60))
    draw(two, "detente-check", "Draw an area", "polygon", *square)
    two.tab("notice")
    wait_on_map(two)
    draw(two, "detente-notice", "Mark a place", "point", (90, 90))
    wait_on_map(two, "point")
    two.tab("check")
    wait_on_map(two, "polygon")
    two.keep("keeping-drawn")
    two.told("detente-check detente-where [role=status]", "1 drawn on the map")
    page.click("detente-check button.main")
    two.told("detente-check .verdict.conflict", "St Mary")
    two.tab("notice")
    wait_on_map(two, "point")
    page.click("detente-notice button:text-is('Clear')")
    wait_on_map(two)
    two.tab("check")
    wait_on_map(two, "polygon")


def test_quiet(two: Seat, node: Node) -> None:
    """A panel that is hidden asks nothing of the node, and catches up when it is opened again"""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    for name in ("told", "plans", "exchange", "record", "admin"):
        two.tab(name)
        two.page.wait_for_selector(f"detente-{name} h2")
        # It asks one thing after the other.
        if name == "record":
            two.page.wait_for_selector("detente-record .checkpoint")
    two.tab("check")
    two.wait_taken()
    two.page.on("request", note)
    said(node.party("one"), "notices", hospital("New ward", 10.05, 50.05), FULL)
    plan = {"source_id": "hop", "name": "Hop", "party": "two", "state": "accepted", "volumes": [
        {"footprint": [{"type": "circle", "centre": [101_500_000, 499_500_000],
                        "radius_mm": 100_000}]}]}  # fmt: skip
    told = node.party("two").post("/v1/plans", {"plan": plan, "key": []})
    assert told.status == 201, told.body
    two.wait_drawn("New ward", "Hop")
    two.wait_taken()
    assert [one for one in asked if "/v1/silence" in one or "kind=plan" in one] == []
    two.tab("plans")
    two.told("detente-plans .plan", "Hop")


def details(seat: Seat, name: str) -> None:
    seat.tab("picture")
    seat.page.fill("form.search input", name)
    seat.page.click("form.search button")
    seat.page.click(f"detente-picture .found button:has-text('{name}')")
    seat.page.wait_for_selector(f"detente-picture .details h3:has-text('{name}')")


def test_report(two: Seat) -> None:
    """What is written of a report stays when one begins to write about something else"""
    page = two.page
    two.tab("exchange")
    page.fill("detente-report-form textarea[name=text]", "The road is closed.")
    details(two, "St Mary")
    page.click("detente-picture button:text-is('Report on it, or ask about it')")
    two.told("detente-report-form", "About: St Mary")
    expect(page.locator("detente-report-form textarea[name=text]")).to_have_value(
        "The road is closed."
    )
    two.keep("keeping-report")


def test_again(two: Seat) -> None:
    """An object that was closed is opened again by whatever names it"""
    page = two.page
    details(two, "St Mary")
    # What is half-written beside it stays as long as it is the same version.
    page.fill("detente-picture .look-object-to textarea", "It is not there")
    two.tab("check")
    page.fill("detente-check input[name=position]", PLACE)
    page.click("detente-check button.main")
    two.told("detente-check .verdict.conflict", "St Mary")
    page.click("detente-check .verdict button.link:has-text('St Mary')")
    expect(page.locator("detente-picture .look-object-to textarea")).to_have_value(
        "It is not there"
    )
    page.click("detente-picture .details button:text-is('Close')")
    expect(page.locator("detente-picture .details")).to_have_count(0)
    two.tab("check")
    page.click("detente-check .verdict button.link:has-text('St Mary')")
    page.wait_for_selector("detente-picture .details h3:has-text('St Mary')")


def test_signed_out(two: Seat) -> None:
    """Whoever signs out leaves nothing behind"""
    write(two)
    two.page.click("header > button:text-is('Sign out')")
    two.page.wait_for_selector("input[name=password]")
    two.sign_in("desk two").ready()
    two.tab("notice")
    expect(two.page.locator("detente-notice input[name=name]")).to_have_value("")
    two.tab("hotline")
    expect(two.page.locator("detente-hotline textarea[name=words]")).to_have_value("")

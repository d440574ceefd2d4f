"""What the page minds for whoever works at it; test_page_minding.md tells it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from test_gis import FULL, said

from cli import DETENTE
from conftest import begin
from detente.node.keyring import Keyring
from http_node import Node
from nodes import hospital
from page import PASSWORD, Seat, page_node

AT = "9/50/10"
MARK = "#tab-plans .mark"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("minding")
    place = folder / "test.db"
    begin(place, Keyring(place))
    subprocess.run(
        [DETENTE, "account", "new", "chief", "--party", "one", "--store", place,
         "--role", "administrator"],
        input=f"{PASSWORD}\n", text=True, check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    with page_node(place, folder, {"desk two": "two"}) as node:
        said(node.party("one"), "notices", hospital("St Mary", 10.0, 50.0), FULL)
        yield node


@pytest.fixture
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    yield seat
    seat.leave()


def file_plan(node: Node, name: str) -> str:
    plan = {"source_id": name, "name": name, "party": "two", "state": "accepted", "release": FULL,
            "volumes": [{"footprint": [{"type": "circle", "radius_mm": 100_000,
                                        "centre": [101_500_000, 499_500_000]}]}]}  # fmt: skip
    told = node.party("two").post("/v1/plans", {"plan": plan, "key": []})
    assert told.status == 201, told.body
    return str(told.json["object_id"])


def object_to(node: Node, party: str, object_id: str, name: str) -> None:
    said_ = {"source_id": name, "object": object_id, "text": "It crosses our convoy."}
    told = node.party(party).post("/v1/objections", said_)
    assert told.status == 201, told.body


def test_objected(two: Seat, node: Node) -> None:
    """A mark on "My plans" says that somebody objects to one, until one has looked"""
    page = two.page
    ward = said(node.party("two"), "notices", hospital("Ward", 10.1, 50.1), FULL).json
    hop = file_plan(node, "hop")
    two.wait_drawn("Ward")
    # An objection to what is no plan is not of the plans.
    with page.expect_response(lambda one: "kind=objection" in one.url):
        object_to(node, "one", ward["object_id"], "to the ward")
    two.wait_taken()
    expect(page.locator(MARK)).to_have_count(0)
    object_to(node, "one", hop, "to the hop")
    expect(page.locator(MARK)).to_be_visible()
    expect(page.locator(MARK)).to_have_accessible_name("new objection")
    two.keep("minding-objected")
    assert two.flaws() == []
    page.reload()
    two.ready()
    expect(page.locator(MARK)).to_be_visible()
    two.tab("plans")
    expect(page.locator(MARK)).to_have_count(0)
    two.told("detente-plans .plan", "hop", "new objection")
    two.keep("minding-plans")
    page.click("detente-plans .plan h3 button")
    two.told("detente-plans .plan", "It crosses our convoy.")
    expect(page.locator("detente-plans .plan h3 .late")).to_have_count(0)
    page.reload()
    two.ready()
    with page.expect_response(lambda one: "kind=objection" in one.url):
        said(node.party("two"), "notices", hospital("Later", 10.2, 50.2), FULL)
    two.wait_taken()
    expect(page.locator(MARK)).to_have_count(0)


def test_dropped(two: Seat, tmp_path: Path) -> None:
    """A file that is dropped beside the field for it does not take the place of the page"""
    file = tmp_path / "plan.geojson"
    file.write_text('{"type": "FeatureCollection", "features": []}')
    page = two.page
    two.tab("check")
    page.fill("detente-check input[name=name]", "Half a plan")
    # Whether the browser goes on to do what it does with a file that nobody takes.
    goes_on = page.evaluate(
        """() => { const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["{}"], "plan.geojson"));
          const at = (where, kind) => document.querySelector(where).dispatchEvent(
            new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer}));
          return ["detente-check h2", "detente-map", "detente-check input[type=file]"].map(
            (where) => [at(where, "dragover"), at(where, "drop")]); }"""
    )
    assert goes_on == [[False, False], [False, False], [True, True]]
    # The field takes it as before.
    desk = two.context.new_cdp_session(page)
    box = page.locator("detente-check input[type=file]").bounding_box()
    assert box is not None
    for kind in ("dragEnter", "dragOver", "drop"):
        desk.send("Input.dispatchDragEvent", {
            "type": kind, "x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2,
            "data": {"items": [], "files": [str(file)], "dragOperationsMask": 1},
        })  # fmt: skip
    page.wait_for_function(
        "() => document.querySelector('detente-check input[type=file]').files.length === 1"
    )
    expect(page.locator("detente-check input[name=name]")).to_have_value("Half a plan")


def test_categories(two: Seat, node: Node) -> None:
    """What things are is said in the reader's language, and a party's own word as it wrote it"""
    page = two.page
    page.select_option(".language select", "fr")
    two.wait_drawn("St Mary")
    page.fill("form.search input", "St Mary")
    page.click("form.search button")
    page.click("detente-picture .found button")
    two.told("detente-picture .details", "médical")
    page.click("detente-layers summary >> nth=1")
    two.told("detente-layers details[open]", "médical")
    two.tab("notice")
    page.select_option("detente-notice select[name=kind]", "zone")
    expect(page.locator("detente-notice select[name=category]")).to_have_value("zone")
    page.select_option("detente-notice select[name=category]", label="un autre mot")
    page.fill("detente-notice input[name=name]", "Forêt")
    page.fill("detente-notice input[name=word]", "fire_break")
    page.fill("detente-notice input[name=position]", "50 06 N 10 06 E")
    two.keep("minding-category")
    page.click("detente-notice button.main")
    page.click("dialog[open] button.main")
    two.told("detente-notice .said", "Forêt")
    expect(page.locator("detente-notice select[name=category]")).to_have_value("medical")
    found = node.party("two").get("/v1/objects?text=For%C3%AAt").json["objects"]
    assert [one["category"] for one in found] == ["fire_break"]
    for code, word in {
        "ar": "طبي",
        "ru": "медицина",
        "tr": "sa\u011fl\u0131k",
        "uk": "медицина",
    }.items():
        page.select_option(".language select", code)
        expect(page.locator("detente-notice select[name=category] option").first).to_have_text(word)


def test_counted(two: Seat) -> None:
    """What is counted is said in its number, in each language"""
    page = two.page
    two.tab("check")
    page.fill("detente-check input[name=position]", "30 00 00 N 10 00 00 E")
    page.click("detente-check button.main")
    two.told("detente-check .verdict", "0 entries stale, 0 withheld")
    page.select_option(".language select", "fr")
    two.told("detente-check .verdict", "0 inscription périmée, 0 non montrée")
    two.tab("record")
    two.told("detente-record", "L'accord a 1 version : l'inscription 0")
    page.select_option(".language select", "en")
    two.told("detente-record", "The agreement has 1 version: entry 0")


def desks(node: Node) -> list[tuple[str, str]]:
    parties = node.party("one").get("/v1/parties").json["parties"]
    [found] = [one.get("desks", []) for one in parties if one["id"] == "five"]
    return [(one["id"], one["name"]) for one in found]


def test_desks(browser: Browser, node: Node) -> None:
    """All desks of a party can be changed, and others added and taken away"""
    chief = Seat(browser, node).open(AT).sign_in("chief").ready()
    page = chief.page
    chief.tab("admin")
    page.click("summary:has-text('Admit a party')")
    rows = page.locator("detente-party fieldset.desk")
    page.fill("detente-party input[name=id]", "five")
    page.fill("detente-party input[name=name]", "Five (invented)")
    page.fill("detente-party input[name=desk]", "Night desk")
    page.click("detente-party button[name=add-desk]")
    expect(rows.nth(1).locator("[name=desk-id]")).to_be_focused()
    rows.nth(1).locator("[name=desk-id]").fill("air")
    rows.nth(1).locator("[name=desk]").fill("Air desk")
    rows.nth(1).locator("textarea").fill("VHF 16\n+000 000 000")
    chief.keep("minding-desks")
    assert chief.flaws() == []
    page.click("detente-party button.main")
    chief.told("detente-admin .said", "On record")
    assert desks(node) == [("duty", "Night desk"), ("air", "Air desk")]
    expect(rows).to_have_count(1)
    expect(rows.locator("[name=desk]")).to_have_value("")
    # Whoever changes a party has all its desks before him; what stays is kept as it was.
    page.fill("detente-party input[name=id]", "five")
    page.press("detente-party input[name=id]", "Tab")
    expect(rows).to_have_count(2)
    expect(page.locator("detente-party > form > label > input[name=name]")).to_have_value(
        "Five (invented)"
    )
    expect(rows.nth(1).locator("textarea")).to_have_value("VHF 16\n+000 000 000")
    rows.nth(0).locator("button[name=remove-desk]").click()
    rows.nth(0).locator("[name=desk]").fill("Air and sea desk")
    page.click("detente-party button[name=add-desk]")
    rows.nth(1).locator("[name=desk-id]").fill("sea")
    rows.nth(1).locator("[name=desk]").fill("Sea desk")
    with page.expect_response("**/v1/parties"):
        page.click("detente-party button.main")
    expect(rows).to_have_count(1)
    assert desks(node) == [("air", "Air and sea desk"), ("sea", "Sea desk")]
    page.wait_for_selector("tr:has-text('Five (invented)'):has-text('Sea desk'):has-text('VHF 16')")
    chief.leave()

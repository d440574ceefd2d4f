"""Answers that come late; test_page_overtaking.md tells it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from test_gis import FULL, said

from conftest import begin
from detente.core.party import Party as AParty
from detente.node.keyring import Keyring
from detente.node.theatre import admit
from detente.store import Store
from http_node import Node
from nodes import flight, hospital
from page import Held, Seat, page_node, press_twice
from world import NOW

AT = "9/50/10"
FIRST, SECOND = "50 00 00 N 10 00 00 E", "50 06 00 N 10 06 00 E"
PAGE = 100
"""Objects of a page of the board."""

ASKED = """async () => { const map = document.querySelector("detente-map").map;
  const { features } = await map.getSource("asked").getData();
  return features.length; }"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One says where a hospital and a school are."""
    folder = tmp_path_factory.mktemp("overtaking")
    place, keyring = folder / "test.db", Keyring(folder / "test.db")
    begin(place, keyring)
    store = Store(place)
    admit(store, keyring, AParty(id="three", name="Three"), now=NOW)
    store.close()
    with page_node(place, folder, {"desk one": "one", "desk two": "two"}) as node:
        for name, lon in (("St Mary", 10.0), ("School", 10.1)):
            said(node.party("one"), "notices", hospital(name, lon, 50.0), FULL)
        yield node


@pytest.fixture
def one(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk one").ready()
    yield seat
    seat.leave()


@pytest.fixture
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    yield seat
    seat.leave()


def search(seat: Seat, name: str) -> None:
    seat.page.fill("form.search input", name)
    seat.page.click("form.search button")


def test_search(two: Seat) -> None:
    """A search that is answered late does not take the place of the one after it"""
    late = Held(two, "**/v1/objects?text=Mary*")
    search(two, "Mary")
    late.wait()
    search(two, "School")
    found = two.page.locator("detente-picture .found")
    expect(found).to_contain_text("School")
    late.let_go()
    expect(found).to_contain_text("School")
    expect(found).not_to_contain_text("St Mary")


def test_details(two: Seat, node: Node) -> None:
    """What is refused late takes nothing away from what was opened since"""
    [mary] = node.party("two").get("/v1/objects?text=mary").json["objects"]
    late = Held(two, f"**/v1/objects/{mary['object']}")
    search(two, "st mary")
    two.page.click("detente-picture .found button:has-text('St Mary')")
    late.wait()
    search(two, "school")
    two.page.click("detente-picture .found button:has-text('School')")
    details = two.page.locator("detente-picture .details h3")
    expect(details).to_have_text("School")
    late.let_go(status=404, json={"code": "not_found", "detail": "not there"})
    expect(details).to_have_text("School")
    expect(two.page.locator("detente-picture > [role=status] .refused")).to_have_count(0)


def test_read_back(one: Seat, node: Node) -> None:
    """What is confirmed is what was read back, and not what was asked before it"""
    one.tab("notice")
    page = one.page
    late = Held(one, "**/v1/readings?kind=notices")
    page.fill("detente-notice input[name=name]", "Ward of two places")
    for position in (FIRST, SECOND):
        page.fill("detente-notice input[name=position]", position)
        page.click("detente-notice button.main")
        late.wait()
    one.told("detente-notice dialog[open]", "50.1000000, 10.1000000")
    late.let_go()
    assert "50.0000000, 10.0000000" not in one.told("detente-notice dialog[open]")
    page.click("detente-notice dialog button.main")
    one.told("detente-notice .said", "Ward of two places")
    [ward] = node.party("one").get("/v1/objects?text=two+places").json["objects"]
    [volume] = ward["value"]["volumes"]
    assert volume["footprint"][0]["centre"] == [101_000_000, 501_000_000]


def test_report(one: Seat, node: Node) -> None:
    """A report's place that is read late is not sent with another"""
    one.tab("exchange")
    page = one.page
    form = "detente-report-form"
    page.fill(f"{form} input[name=title]", "Seen there")
    page.fill(f"{form} textarea[name=text]", "It is.")
    page.click(f"{form} summary")
    late = Held(one, "**/v1/readings?kind=notices")
    for position in (FIRST, SECOND):
        page.fill(f"{form} input[name=position]", position)
        page.click(f"{form} button.main")
        late.wait()
    one.told(f"{form} dialog[open]", "50.1000000, 10.1000000")
    late.let_go()
    page.click(f"{form} dialog button.main")
    one.told(f"{form} .said", "Seen there")
    [report] = node.party("one").get("/v1/objects?kind=report&text=Seen+there").json["objects"]
    [volume] = report["value"]["volumes"]
    assert volume["footprint"][0]["centre"] == [101_000_000, 501_000_000]


def test_release(one: Seat, node: Node) -> None:
    """A new release that is answered late is shown of its own report"""
    ids, party = {}, node.party("one")
    for name in ("Bridge shut", "Bridge open"):
        report = {"source_id": name, "title": name, "text": "It is.", "language": "en"}
        ids[name] = party.post("/v1/reports", report).json["object_id"]
    one.tab("exchange")
    page = one.page
    page.click(".reports button:has-text('Bridge shut')")
    page.click("detente-report detente-own summary >> nth=0")
    page.select_option("detente-report select[name=release-members]", "full")
    shut = ids["Bridge shut"]
    late = Held(one, f"**/v1/objects/{shut}")
    page.click("detente-report detente-own form button >> nth=0")
    assert late.wait().ok
    # The list is told of it as well, and what is newest comes first: it moves under the pointer.
    expect(page.locator(".reports button").first).to_contain_text("Bridge shut")
    page.click(".reports button:has-text('Bridge open')")
    one.told("detente-report h3", "Bridge open")
    with page.expect_response(lambda told: told.request.method == "GET" and shut in told.url):
        late.let_go()
    one.wait_taken()
    one.told("detente-report detente-own > p", "nobody")
    expect(page.locator("detente-report detente-own .said")).to_have_count(0)
    assert page.evaluate("document.querySelector('detente-own').view.object") == ids["Bridge open"]


def ask_to_pass(node: Node, object_id: str, purpose: str) -> None:
    wish = {"source_id": purpose, "object": object_id, "to": "three", "purpose": purpose}
    told = node.party("two").post("/v1/release-requests", wish)
    assert told.status == 201, told.body


def test_condition(one: Seat, node: Node) -> None:
    """A condition stays with the request for which it was written"""
    [mary] = node.party("two").get("/v1/objects?text=mary").json["objects"]
    ask_to_pass(node, mary["object"], "to fly there")
    one.tab("exchange")
    first = one.page.locator(".passing li:has-text('to fly there')")
    first.locator("input[name=condition]").fill("until May")
    ask_to_pass(node, mary["object"], "to print it")
    second = one.page.locator(".passing li:has-text('to print it')")
    one.keep("overtaking-condition")
    expect(second.locator("input[name=condition]")).to_have_value("")
    expect(first.locator("input[name=condition]")).to_have_value("until May")


def test_answer(one: Seat, node: Node) -> None:
    """An answer to an objection stays with its plan"""
    party, other = node.party("one"), node.party("two")
    plans = {}
    for name, lon in (("Later flight", 12.5), ("Survey", 12.0)):
        plans[name] = said(party, "plans", flight(name, lon, 52.0), FULL).json["object_id"]
    for number in range(2):
        objection = {"source_id": f"{number}", "object": plans["Survey"], "text": f"No {number}."}
        assert other.post("/v1/objections", objection).status == 201
    one.tab("plans")
    page = one.page
    page.click(".plan h3 button:has-text('Survey')")
    card = page.locator("section.plan:has-text('Survey')")
    card.locator("article:has-text('No 0.') textarea").fill("Moved to 10:00.")
    # Another changes, and stands first.
    path = f"/v1/objects/{plans['Later flight']}"
    now = party.get(path)
    value = {**now.json["value"], "state": "activated"}
    changed = party.ask("PUT", path, {"value": value, "key": []}, if_match=f'"{now.token}"')
    assert changed.status == 200, changed.body
    one.told(".plan:has-text('Later flight') h3 small", "activated")
    expect(page.locator("section.plan").first).to_contain_text("Later flight")
    expect(card.locator("article:has-text('No 0.') textarea")).to_have_value("Moved to 10:00.")
    expect(card.locator("article:has-text('No 1.') textarea")).to_have_value("")


def test_measure(two: Seat) -> None:
    """A line is measured in the order in which its places were typed"""
    page = two.page
    page.click("[name=tool-measure]")
    late = Held(two, "**/v1/readings?kind=notices")
    field = page.locator("detente-measure input[name=place]")
    field.fill("50 N 10 E")
    field.press("Enter")
    late.wait()
    field.fill("50 N 11 E")
    field.press("Enter")
    two.wait_taken()
    late.let_go()
    # What was typed meanwhile is there, and follows.
    expect(field).to_have_value("50 N 11 E")
    field.press("Enter")
    two.told("detente-measure .legs", "089.6° true")
    expect(field).to_have_value("")


def subscribe(node: Node, name: str, lon: float) -> None:
    area = {"type": "circle", "centre": [round(lon * 1e7), 500_000_000], "radius_mm": 1_000_000}
    body = {"source_id": name, "kinds": [name], "volumes": [{"footprint": [area]}]}
    told = node.party("two").post("/v1/subscriptions", body)
    assert told.status == 201, told.body


def test_subscription(two: Seat, node: Node) -> None:
    """An area that comes late is drawn of no subscription that one looks at no longer"""
    subscribe(node, "notice", 10.0)
    subscribe(node, "zone", 11.0)
    two.tab("told")
    page = two.page
    page.click("detente-told details.act > summary")
    looks = [page.locator(f".subscriptions li:has-text('{name}') button[name=look]")
             for name in ("Notices", "Zones")]  # fmt: skip
    late = Held(two, re.compile("/v1/subscriptions/[0-9a-f]{32}$"))
    looks[0].click()
    late.wait()
    looks[1].click()
    expect(looks[1]).to_have_attribute("aria-expanded", "true")
    late.let_go()
    expect(looks[1]).to_have_attribute("aria-expanded", "true")
    expect(looks[0]).to_have_attribute("aria-expanded", "false")
    # Nor is one drawn beside another panel.
    looks[1].click()
    late = Held(two, re.compile("/v1/subscriptions/[0-9a-f]{32}$"))
    looks[0].click()
    late.wait()
    two.tab("check")
    late.let_go()
    assert page.evaluate(ASKED) == 0


def test_version(two: Seat) -> None:
    """A version that comes late is drawn of none that was closed"""
    page = two.page
    search(two, "st mary")
    page.click("detente-picture .found button:has-text('St Mary')")
    late = Held(two, "**/ogc/collections/**")
    page.click("button[name=version-1]")
    late.wait()
    page.click("button[name=version-1]")
    expect(page.locator("detente-version")).to_have_count(0)
    late.let_go()
    assert page.evaluate(ASKED) == 0


def test_board(browser: Browser, node: Node) -> None:
    """More of a board goes on where that list ends, once"""
    for number in range(PAGE):
        said(node.party("one"), "notices", hospital(f"M{number}", 30.0, 30.0), FULL)
    one = Seat(browser, node).open(AT).sign_in("desk one").ready()
    first, all_ = (
        len(node.party("one").get(f"/v1/silence?level=received&limit={limit}").json["silences"])
        for limit in (PAGE, 10 * PAGE)
    )
    assert first < all_
    one.tab("told")
    page = one.page
    rows = page.locator("table.board tbody tr")
    more = page.locator("detente-told > button").first
    expect(rows).to_have_count(first)
    # Pressed while another list was asked for, it is of neither.
    late = Held(one, re.compile("/v1/silence.*whom=everyone.*after=-1"))
    page.select_option("detente-told select[name=silent]", "all")
    late.wait()
    with page.expect_response(re.compile("/v1/silence.*after=[0-9]")):
        more.click()
    one.wait_taken()
    late.let_go()
    expect(page.locator("detente-told h3").first).to_have_text(
        "Who was told, and how far it has come"
    )
    expect(rows).to_have_count(first)
    # And pressed twice it is not there twice.
    more.evaluate("(one) => { one.click(); one.click(); }")
    expect(page.locator("detente-told > button")).to_have_count(1)
    one.wait_taken()
    expect(rows).to_have_count(all_)
    one.leave()


def test_entered(browser: Browser, node: Node) -> None:
    """Whoever came in meanwhile is not put out by a late answer"""
    seat = Seat(browser, node)
    late = Held(seat, "**/v1/session")
    seat.open(AT)
    assert late.wait().status == 401
    other = seat.context.new_page()
    other.goto(f"{seat.url}/#at={AT}")
    other.fill("input[name=name]", "desk two")
    other.fill("input[name=password]", "correct horse battery")
    other.click("button.main")
    seat.ready()
    late.let_go()
    expect(seat.page.locator(".door")).to_have_count(0)
    expect(seat.page.locator("#tab-check")).to_be_visible()
    seat.leave()


def test_language(two: Seat) -> None:
    """A language that comes late does not take the place of the one chosen after it"""
    late = Held(two, "**/assets/fr-*.js")
    choice = two.page.locator("header select")
    choice.select_option("fr")
    late.wait()
    choice.select_option("tr")
    expect(two.page.locator("html")).to_have_attribute("lang", "tr")
    late.let_go()
    expect(two.page.locator("html")).to_have_attribute("lang", "tr")
    assert two.page.evaluate("localStorage.getItem('detente-language')") == "tr"


def test_twice(two: Seat, node: Node) -> None:
    """What is pressed twice is done once"""
    page, party = two.page, node.party("two")
    two.tab("check")
    page.fill("detente-check input[name=position]", "53 00 00 N 10 00 00 E")
    page.fill("detente-check input[name=name]", "Twice filed")
    page.click("detente-check button.main")
    page.wait_for_selector("detente-check .verdict")
    press_twice(page, "detente-check .verdict button:has-text('File as a plan')")
    two.told("detente-check > [role=status]", "Filed: Twice filed")
    two.wait_taken()
    two.told("detente-check > [role=status]", "Filed: Twice filed")
    [plan] = party.get("/v1/objects?kind=plan&party=two").json["objects"]
    assert plan["version"] == 1
    two.tab("plans")
    page.click(".plan h3 button:has-text('Twice filed')")
    press_twice(page, "[name=step-activated]")
    two.told(".plan h3 small", "activated")
    two.wait_taken()
    expect(page.locator("detente-standing .refused")).to_have_count(0)
    # An objection, too.
    two.tab("picture")
    search(two, "school")
    page.click("detente-picture .found button:has-text('School')")
    page.fill(".look-object-to textarea", "It is no school.")
    press_twice(page, ".look-object-to button")
    two.told("detente-picture detente-standing", "Objection on record")
    two.wait_taken()
    expect(page.locator("detente-picture .objection")).to_have_count(1)
    # And an acknowledgement, before which the page asks which entry that is.
    late = Held(two, "**/history?after=*")
    press_twice(page, "detente-picture .details > .row button:has-text('Acknowledge')")
    late.wait()
    two.wait_taken()
    late.let_go()
    two.told("detente-picture > [role=status]", "It means no approval")
    said_ = party.get("/v1/objects?kind=acknowledgement&party=two").json["objects"]
    assert len(said_) == 1


def test_typed(two: Seat) -> None:
    """What is typed before the answer to what was said is not emptied with it"""
    page = two.page
    search(two, "school")
    page.click("detente-picture .found button:has-text('School')")
    late = Held(two, "**/v1/objections")
    reasons = page.locator("detente-picture .look-object-to textarea")
    reasons.fill("It has moved.")
    page.click("detente-picture .look-object-to button")
    late.wait()
    reasons.fill("And its yard is")
    late.let_go()
    two.told("detente-picture detente-standing", "Objection on record")
    expect(reasons).to_have_value("And its yard is")


def test_early(browser: Browser, node: Node) -> None:
    """What is asked before there is a map is on it, and so is what is drawn"""
    seat = Seat(browser, node)
    page = seat.page
    late = Held(seat, "**/assets/map-view-*.js")
    seat.open(AT).sign_in("desk two")
    seat.tab("check")
    page.fill("detente-check input[name=position]", FIRST)
    page.click("detente-check button.main")
    seat.told("detente-check .verdict.conflict", "St Mary")
    page.click("detente-check detente-where button:text-is('Mark a place')")
    late.let_go()
    seat.ready()
    page.wait_for_function("""() => document.querySelector("detente-map").map
      .queryRenderedFeatures({layers: ["notices-found", "notices-found-place"]})
      .some((one) => one.properties.name === "St Mary")""")
    assert page.evaluate(ASKED) == 1
    seat.wait_draws("point")
    middle(page)
    seat.keep("overtaking-early")
    seat.told("detente-check detente-where [role=status]", "1 drawn on the map")
    seat.leave()


def test_linked(browser: Browser, node: Node) -> None:
    """The time of an address is the time of the picture"""
    seat = Seat(browser, node).open(f"{AT}&time=2020-01-01T00:00:00Z").sign_in("desk two").ready()
    seat.told(".time-is", "Past: as it had been shown to you")
    seat.page.wait_for_selector("detente-map.then")
    assert "St Mary" not in seat.drawn()
    tiles = [one for one in seat.asked if "/ogc/tiles/" in one]
    assert [one for one in tiles if "as-of=2020" not in one] == []
    seat.keep("overtaking-linked")
    seat.page.click("text=Back to now")
    seat.wait_drawn("St Mary")
    seat.leave()


def middle(page: Page) -> None:
    """Click in the middle of the map."""
    box = page.locator(".maplibregl-canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_drawing(two: Seat) -> None:
    """Whoever draws opens nothing, before the map can draw and while it does"""
    two.wait_drawn("St Mary")
    page = two.page
    two.tab("check")
    late = Held(two, "**/assets/terra-draw*.js")
    page.click("detente-check detente-where button:text-is('Mark a place')")
    middle(page)
    two.wait_taken()
    expect(page.locator("#tab-check")).to_have_attribute("aria-selected", "true")
    expect(page.locator("section.tool")).to_have_count(0)
    late.let_go()
    two.wait_draws("point")
    middle(page)
    two.told("detente-check detente-where [role=status]", "1 drawn on the map")
    expect(page.locator("#tab-check")).to_have_attribute("aria-selected", "true")

"""People look about on the page, and back; test_page_looking.md tells it."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from test_gis import AREA, FULL, said

from conftest import begin
from detente.core.notice import Provenance
from detente.core.party import Party as AParty
from detente.core.volume import Corridor, Volume
from detente.core.zone import Zone, ZoneRule
from detente.node.keyring import Keyring
from detente.node.theatre import admit
from detente.store import Store
from http_node import Node, Party
from judge import GEOD
from nodes import around, flight, hospital
from page import WAIT_S, Seat, lost, page_node
from world import NOW

AT = "9/50/10"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One keeps hospitals, a disputed zone and a convoy of tomorrow; two looks."""
    folder = tmp_path_factory.mktemp("looking")
    keyring = Keyring(folder / "test.db")
    begin(folder / "test.db", keyring)
    store = Store(folder / "test.db")
    admit(store, keyring, AParty(id="three", name="Three"), now=NOW)
    store.close()
    with page_node(folder / "test.db", folder, {"desk one": "one", "desk two": "two"}) as node:
        one = node.party("one")
        typed = Provenance(source="call", typed="50 N 10 E", accuracy_mm=5_000)
        said(one, "notices", hospital("St Mary", 10.0, 50.0, provenance=typed), FULL)
        said(one, "notices", hospital("Coarse", 10.2, 50.1), AREA)
        said(one, "notices", hospital("Hidden", 10.0, 50.0), None)
        school = around(10.1, 50.0, lower_mm=0, upper_mm=100_000)
        said(
            one, "notices", hospital("School", 10.1, 50.0, category="school", volumes=school), FULL
        )
        zone = Zone(source_id="z", name="Old no-fire", rule=ZoneRule.NO_ACTIVITY, disputed=True,
                    volumes=around(9.9, 50.0, 4_000.0))  # fmt: skip
        said(one, "zones", zone, FULL)
        legs = tuple(
            Volume(
                footprint=(
                    Corridor(line=((lon, 499_000_000), (lon, 501_000_000)), width_mm=200_000),
                ),
                start=TOMORROW + n * HOUR,
                end=TOMORROW + (n + 1) * HOUR - timedelta(minutes=5),
            )
            for n, lon in enumerate((100_500_000, 101_500_000))
        )
        convoy = hospital("Convoy", 0, 0, volumes=legs, kind="movement", category="convoy")
        said(one, "notices", convoy, FULL)
        said(one, "plans", flight("Survey", 10.3, 49.9), FULL)
        yield node


@pytest.fixture
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node, permissions=["clipboard-read", "clipboard-write"])
    seat.open(AT).sign_in("desk two").ready()
    seat.wait_drawn("St Mary")
    yield seat
    seat.leave()


def visible(seat: Seat) -> set[str]:
    """The names of what is drawn after all filters."""
    found: list[str] = seat.page.evaluate(
        """async () => { const map = document.querySelector("detente-map").map;
        const idle = map.once("idle");
        map.triggerRepaint();
        await Promise.race([idle, new Promise((then) => setTimeout(then, 1000))]);
        return map.queryRenderedFeatures({layers: map.getStyle().layers.map((one) => one.id)
          .filter((id) => /-(area|place)$/.test(id) && !/^(asked|measure)/.test(id))})
          .map((one) => one.properties.name ?? one.properties.grade); }"""
    )
    return set(found)


def wait_visible(seat: Seat, wanted: set[str]) -> None:
    """Wait until that is drawn, and nothing else."""
    ends = time.monotonic() + WAIT_S
    while (found := visible(seat)) != wanted and time.monotonic() < ends:
        pass
    assert found == wanted


ALL = {"St Mary", "area", "School", "Old no-fire", "Convoy", "Survey"}


def test_layers(two: Seat) -> None:
    """Layers are chosen by kind, party, category and altitude, and the address keeps the choice"""
    wait_visible(two, ALL)
    page = two.page
    page.click("detente-layers summary:has-text('Categories')")
    page.uncheck("detente-layers label:has-text('school') input")
    wait_visible(two, ALL - {"School"})
    two.told("detente-layers .hint >> nth=-1", "Filtered")
    page.check("detente-layers label:has-text('school') input")
    page.click("detente-layers summary:has-text('Altitude')")
    page.fill("input[name=filter-low]", "500")
    page.press("input[name=filter-low]", "Tab")
    wait_visible(two, ALL - {"School"})  # What has no known altitude stays.
    page.uncheck("detente-layers label.zones input")
    wait_visible(two, ALL - {"School", "Old no-fire"})
    two.keep("look-layers")
    address = page.url
    assert "low=500" in address.partition("#")[2]
    page.goto("about:blank")
    page.goto(address)
    two.ready()
    two.wait_drawn("St Mary")
    wait_visible(two, ALL - {"School", "Old no-fire"})
    page.click("text=Show all")
    wait_visible(two, ALL)
    page.click("detente-layers summary:has-text('Parties')")
    page.uncheck("detente-layers details[open] label:text-is('one') input")
    wait_visible(two, set())


def test_details(browser: Browser, node: Node, two: Seat) -> None:
    """Details say where a place comes from, in every form; its author sees who is silent"""
    page = two.page
    page.fill("form.search input", "St Mary")
    page.click("form.search button")
    page.click("detente-picture .found button")
    page.wait_for_selector("detente-picture .details .forms")
    details = two.told(
        "detente-picture .details", "50.0000000, 10.0000000", "50°00.000'N 10°00.000'E",
        "32UNA7166639109", "32N 571666 5539109", "50 N 10 E", "not verified", "Version 1",
    )  # fmt: skip
    assert "Who was told" not in details
    page.click("detente-picture .details [aria-label='Copy: MGRS']")
    page.wait_for_selector("text=Copied: 32UNA7166639109")
    assert page.evaluate("navigator.clipboard.readText()") == "32UNA7166639109"
    two.keep("look-details")
    [mary] = node.party("two").get("/v1/objects?text=mary").json["objects"]
    assert f"object={mary['object']}" in page.url
    one = Seat(browser, node)
    one.page.goto(f"{node.url}/#at={AT}&object={mary['object']}")
    one.sign_in("desk one").ready()
    row = one.told("detente-picture .details table.told tbody tr:has-text('two')", "silent")
    assert "not told yet" not in row
    one.told("detente-picture .details table.told tbody tr:has-text('three')", "not told yet")
    one.keep("look-told")
    one.leave()


def test_position(two: Seat) -> None:
    """A click on the map gives its position, and a line is measured by the node"""
    page = two.page
    box = page.locator(".maplibregl-canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.8)
    page.wait_for_selector("detente-measure .forms")
    page.click("[name=tool-measure]")
    for text in ("50 N 10 E", "50 N 11 E"):
        page.fill("detente-measure input[name=place]", text)
        page.press("detente-measure input[name=place]", "Enter")
        page.wait_for_selector(f"detente-measure .forms:has-text('{text[5:7]}.0000000')")
    total = two.told("detente-measure .total")
    assert total == f"{GEOD.inv(10, 50, 11, 50)[2] / 1000:.3f} km = 38.71 NM"
    two.told("detente-measure .legs", "089.6° true")
    before = len(two.asked)
    page.mouse.click(box["x"] + box["width"] * 0.85, box["y"] + box["height"] * 0.5)
    page.wait_for_selector("detente-measure th:has-text('Leg 2')")
    two.keep("look-measure")
    assert two.flaws() == []
    assert any(one.endswith("/v1/measurements") for one in two.asked[before:])
    # No place stands in what any server was asked; tiles have numbers.
    assert not [one for one in two.asked if re.search(r"50\.0|10\.0|32UNA", one)]


def test_past(two: Seat, node: Node) -> None:
    """The past is as one had been shown it, and what came since is not in it"""
    wait_visible(two, ALL)
    time.sleep(1.1)  # Times that are typed are of whole seconds.
    before = datetime.now(UTC)
    time.sleep(1.5)
    told = said(node.party("one"), "notices", hospital("Came since", 10.02, 50.02), FULL)
    two.wait_drawn("Came since")
    time.sleep(1.1)
    page = two.page
    page.click("[name=tool-time]")
    page.fill("input[name=time]", before.strftime("%Y-%m-%dT%H:%M:%S"))
    page.press("input[name=time]", "Tab")
    two.told(".time-is", "Past: as it had been shown to you")
    page.wait_for_selector("detente-map.then")
    wait_visible(two, {"St Mary", "area", "School", "Old no-fire", "Survey"})  # No convoy then.
    two.told("detente-time .hint", "No check is asked with this time")
    two.keep("look-past")
    assert two.flaws() == []
    assert "time=" in page.url
    page.click("text=Back to now")
    two.wait_drawn("Came since")
    # Its author takes it back: then it is no longer shown, of whatever time.
    one = node.party("one")
    then = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert b"Came since" in tile(node.party("two"), **{"as-of": then})
    path = f"/v1/objects/{told.json['object_id']}"
    body = {"value": {**one.get(path).json["value"], "release": None}}
    changed = one.ask("PUT", path, body, if_match=f'"{told.json["token"]}"')
    assert changed.status == 200, changed.body
    assert b"Came since" not in tile(node.party("two"), **{"as-of": then})
    assert b"Came since" in tile(one, **{"as-of": then})


def test_to_come(two: Seat) -> None:
    """Of a time to come what is known now is shown, leg by leg, and it plays"""
    page = two.page
    page.click("[name=tool-time]")
    page.fill("input[name=time]", (TOMORROW + HOUR / 2).strftime("%Y-%m-%dT%H:%M:%S"))
    page.press("input[name=time]", "Tab")
    two.told(".time-is", "To come: what is known now")
    wait_visible(two, ALL)
    # The first leg alone: all of it was there before, and looks alike.
    wests = """() => { const wests = document.querySelector("detente-map").map
      .querySourceFeatures("picture", {sourceLayer: "notices"})
      .filter((one) => one.properties.name === "Convoy")
      .flatMap((one) => one.geometry.coordinates.flat(2)).filter((n) => n < 20);
      return wests.length > 0 && Math.max(...wests) < 10.1; }"""
    page.wait_for_function(wests)
    page.fill("input[name=time]", (TOMORROW + 3 * HOUR).strftime("%Y-%m-%dT%H:%M:%S"))
    page.press("input[name=time]", "Tab")
    wait_visible(two, ALL - {"Convoy"})
    page.select_option("select[name=span]", "h6")
    page.click("text=Play")
    first = two.told(".time-is")
    page.wait_for_function(
        "(first) => document.querySelector('.time-is').innerText !== first", arg=first
    )
    page.click("text=Pause")
    two.keep("look-to-come")


def tile(party: Party, where: str = "0/0/0", **query: str) -> bytes:
    """A tile of the picture."""
    text = "&".join(f"{name}={value}" for name, value in query.items())
    told = party.get(f"/ogc/tiles/WebMercatorQuad/{where}?{text}")
    assert told.status == 200, told.body
    return told.body


def test_not_a_time(node: Node) -> None:
    """A time that has not been, or is none, is refused in words"""
    two = node.party("two")
    path = "/ogc/tiles/WebMercatorQuad/0/0/0"
    told = two.get(f"{path}?as-of=2999-01-01T00:00:00Z").refused(400, "malformed_input")
    assert "a time that has been" in told["detail"]
    for wrong in (
        "as-of=yesterday",
        "datetime=2026-01-01T00:00:00Z/..",
        "when=2026-01-01T00:00:00Z",
    ):
        two.get(f"{path}?{wrong}").refused(400, "malformed_input")
    empty = tile(two, **{"as-of": "2001-01-01T00:00:00Z"})
    assert b"St Mary" not in empty
    body = {"line": [[2_000_000_000, 0]]}
    two.post("/v1/measurements", body).refused(400, "malformed_input")
    two.post("/v1/measurements", {"line": []}).refused(400, "malformed_input")


def test_objection(browser: Browser, node: Node, two: Seat) -> None:
    """An objection is answered by name before the plan may be activated"""
    page = two.page
    page.fill("form.search input", "survey")
    page.click("form.search button")
    page.click("detente-picture .found button")
    page.fill(".look-object-to textarea", "It crosses our convoy.")
    # Pressed again after an answer that was lost, it is the same objection.
    page.route("**/v1/objections", lost, times=1)
    page.click(".look-object-to button")
    two.told("detente-standing", "The node does not answer")
    page.click(".look-object-to button")
    page.wait_for_selector("text=Objection on record")
    expect(page.locator(".objection")).to_have_count(1)
    two.told(".objection", "Not answered: the plan cannot be activated")
    two.keep("look-objection")
    one = Seat(browser, node).open(AT).sign_in("desk one").ready()
    one.tab("plans")
    one.page.click(".plan h3 button:has-text('Survey')")
    one.told(".plan .objection", "It crosses our convoy.")
    # What takes it out of every check is not done by one press.
    ended = one.page.locator("[name=step-ended]")
    expect(ended).to_be_hidden()
    one.page.click(".plan details.act:has([name=step-ended]) summary")
    expect(ended).to_be_visible()
    one.told(".plan details.act:has([name=step-ended])", "no check counts it any more")
    assert one.page.locator("[name=step-activated]").count() == 0
    one.keep("look-plans")
    assert one.flaws() == []
    one.page.fill(".look-answer textarea", "Moved to 10:00.")
    one.page.click(".look-answer button")
    one.page.wait_for_selector(".plan .answer:has-text('Moved to 10:00.')")
    one.page.click("[name=step-activated]")
    one.page.wait_for_selector(".plan .missing, .plan .said:has-text('activated')")
    if one.page.locator(".plan .missing button").count():
        one.page.click(".plan .missing button")
    one.page.wait_for_selector(".plan h3 small:has-text('activated')")
    page.wait_for_selector("detente-picture .details .answer:has-text('Moved to 10:00.')")
    # Another reader learns of no objection between the two.
    [plan] = node.party("two").get("/v1/objects?kind=plan").json["objects"]
    third = node.party("three").get(f"/v1/objects/{plan['object']}/standing").json
    assert (third["objections"], third["told"], third["next"]) == ([], [], [])
    hidden = node.party("one").get("/v1/objects?text=hidden").json["objects"][0]["object"]
    node.party("two").get(f"/v1/objects/{hidden}/standing").refused(404, "not_found")
    one.leave()


def test_asked(two: Seat) -> None:
    """What was asked stays on the page, and an answer goes on record with a file that opens it"""
    two.tab("check")
    page = two.page
    page.fill("detente-check input[name=position]", "50 00 00 N 10 00 00 E")
    page.fill("detente-check input[name=name]", "First")
    page.click("detente-check button.main")
    page.wait_for_selector(".verdict.conflict")
    page.fill("detente-check input[name=position]", "10 00 00 N 10 00 00 E")
    page.fill("detente-check input[name=name]", "Second")
    page.click("detente-check button.main")
    page.wait_for_selector(".verdict.no_known_conflict")
    two.tab("picture")
    two.tab("check")
    page.click("detente-asked summary")
    kept = two.told("detente-asked", "First", "Second", "St Mary")
    assert kept.index("Second") < kept.index("First")
    with page.expect_download() as download:
        page.click("detente-asked .commit >> nth=0")
    opened = download.value.path().read_text()
    assert "detente verify" in opened
    page.wait_for_selector("detente-asked .said:has-text('On record as entry')")


def test_paper(two: Seat) -> None:
    """On paper stand the map, a legend, and that it informs and never permits"""
    page = two.page
    page.evaluate("window.print = () => window.dispatchEvent(new Event('beforeprint'))")
    page.click("[name=tool-print]")
    page.wait_for_function("document.querySelector('.map-printed').src.length > 10000")
    page.emulate_media(media="print")
    legend = two.told(".legend", "never permits", "Register version")
    assert re.search(r"two\. Register version \d+", legend)
    assert page.is_visible(".map-printed")
    assert not page.is_visible("[role=tablist]")
    assert len(page.pdf()) > 20_000
    two.keep("look-paper")
    page.emulate_media(media="screen")


@pytest.mark.parametrize(
    ("scheme", "language", "width"), [("dark", "ar", 1100), ("light", "ru", 420)]
)
def test_everyone_looks(
    browser: Browser, node: Node, scheme: str, language: str, width: int
) -> None:
    """By keyboard alone, by night, from right to left and on a narrow screen, axe finds nothing"""
    seat = Seat(browser, node, color_scheme=scheme, viewport={"width": width, "height": 900})
    seat.open(AT).sign_in("desk two").ready()
    seat.page.select_option(".language select", language)
    seat.wait_drawn("St Mary")
    for tool in ("here", "measure", "time"):
        seat.page.focus(f"[name=tool-{tool}]")
        seat.page.keyboard.press("Enter")
        seat.page.wait_for_selector(f"[name=tool-{tool}][aria-expanded=true]")
        assert seat.flaws() == [], tool
        seat.keep(f"look-{tool}-{language}")
    seat.page.focus("input[name=slider]")
    for _ in range(3):
        seat.page.keyboard.press("ArrowRight")
    seat.page.wait_for_selector("detente-map.then")
    seat.page.click("[name=tool-close]")
    seat.page.wait_for_selector("detente-map:not(.then)")
    seat.page.fill("form.search input", "St Mary")
    seat.page.keyboard.press("Enter")
    seat.page.click("detente-picture .found button")
    seat.page.wait_for_selector("detente-picture .details .forms")
    for one in seat.page.locator("detente-layers summary").all():
        one.click()
    assert seat.flaws() == []
    seat.keep(f"look-all-{language}")
    seat.leave()


def test_no_position_leaves_by_an_address(node: Node) -> None:
    """The node's description takes positions in bodies, never in an address"""
    document: Any = json.loads(node.party("two").get("/openapi.json").body)
    assert "get" not in document["paths"]["/v1/measurements"]

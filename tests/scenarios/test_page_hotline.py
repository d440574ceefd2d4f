"""The hotline on the page, in two real browsers; test_page_hotline.md tells it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from test_gis import said

from conftest import begin
from detente.core.incident import OPEN_MAX
from detente.core.principal import Role
from detente.node.keyring import Keyring
from http_node import Node, Party
from nodes import hospital
from page import LOADED_MS, Held, Seat, lost, page_node

AT = "9/50/10"
PLACE = "50 00 00 N 10 00 00 E"
THERE = [{"footprint": [
    {"type": "circle", "centre": [100_000_000, 500_000_000], "radius_mm": 0}]}]  # fmt: skip
WORDS = "Two impacts at the north wing"
REACHED_S = 1.0
"""In which a call is to be in the other browser."""
CALLS_MAX = 5

LADDER = [
    {"after_s": 30, "rings": "next_desk"}, {"after_s": 300, "rings": "all_desks"},
    {"after_s": 3_600, "rings": "all_members"},
]  # fmt: skip
"""A busy machine shows a call before the first rung is climbed, and the second does not follow."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Two hides a place, and has two desks."""
    folder = tmp_path_factory.mktemp("page")
    begin(folder / "test.db", Keyring(folder / "test.db"))
    with page_node(folder / "test.db", folder, {"desk one": "one", "desk two": "two"}) as node:
        administrator = node.party("one", Role.ADMINISTRATOR)
        desks = [{"id": "watch", "name": "Watch"}, {"id": "air", "name": "Air desk"}]
        administrator.post("/v1/parties", {"id": "two", "name": "Two", "desks": desks})
        administrator.post("/v1/parties", {"id": "three", "name": "Three"})
        administrator.post("/v1/agreement", {"name": "test", "hotline": {"ladder": LADDER}})
        said(node.party("two"), "notices", hospital("Hidden", 10.0, 50.0), None)
        yield node


@pytest.fixture
def one(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk one").ready()
    seat.tab("hotline")
    yield seat
    seat.leave()
    close_all(node.party("one"))


@pytest.fixture
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    yield seat
    seat.leave()


def close_all(party: Party) -> None:
    for one in party.get("/v1/incidents?open=true").json["lines"]:
        step = {"source_id": f"close {one['incident']['object']}", "act": "closed"}
        party.post(f"/v1/incidents/{one['incident']['object']}/steps", step)


def call(seat: Seat, code: str = "stop_hitting_protected") -> None:
    seat.page.fill("detente-hotline-form input[name=position]", PLACE)
    seat.page.fill("textarea[name=words]", WORDS)
    seat.page.click(f"button.code.{code}")


def reached_s(one: Seat, two: Seat) -> float:
    """Call, and wait until it rings there; how long that took."""
    before = two.page.locator(".ringing p").count()
    two.page.evaluate(
        """(before) => { delete window.rang; const seen = new MutationObserver(() => {
          if (document.querySelectorAll(".ringing p").length <= before) return;
          window.rang = Date.now(); seen.disconnect(); });
          seen.observe(document.body, {childList: true, subtree: true, attributes: true}); }""",
        before,
    )
    one.page.evaluate(
        """() => document.querySelector(".codes")
          .addEventListener("click", () => (window.pressed = Date.now()), true)"""
    )
    call(one)
    two.page.wait_for_function("() => window.rang !== undefined")
    expect(one.page.locator("detente-line")).to_have_count(before + 1)
    return float(two.page.evaluate("window.rang") - one.page.evaluate("window.pressed")) / 1_000


def test_call(one: Seat, two: Seat) -> None:
    """A call reaches the other browser at once, whatever panel is open there"""
    two.tab("check")
    # The best of some: a busy machine has delays of its own.
    while reached_s(one, two) >= REACHED_S:
        assert two.page.locator(".ringing p").count() < CALLS_MAX
    two.told(".ringing", "HOTLINE: one calls", "STOP: you are hitting a protected place")
    two.keep("hotline-called")
    one.told("detente-line", "Nobody has answered", "Called: Watch")
    one.keep("hotline-caller")


def test_tabs(one: Seat, two: Seat) -> None:
    """Five tabs of one browser hear the call, and the last of them can still answer"""
    tabs = [two.page]
    for _ in range(4):
        tabs.append(two.context.new_page())
        tabs[-1].goto(f"{two.url}/page/#at={AT}")
        tabs[-1].wait_for_selector("detente-map[data-ready]", timeout=LOADED_MS)
    call(one)
    for tab in tabs:
        tab.wait_for_selector(".ringing")
    tabs[-1].click(".ringing button")
    tabs[-1].click("detente-line button[value=acknowledged]")
    for tab in tabs:
        expect(tab.locator(".ringing")).to_have_count(0)
    # Whoever signs out does so in all of them.
    tabs[1].click("header > button")
    for tab in tabs:
        tab.wait_for_selector("input[name=name]")


def test_steps(one: Seat, two: Seat) -> None:
    """Each step shows on both sides, with the clock that both see"""
    call(one, "movement_in_distress")
    two.page.click(".ringing button")
    two.told("detente-line", WORDS, "Your desks called: watch")
    # It can be read out to a cockpit, and is on the called side's map.
    two.told("detente-line .forms", "50.0000000, 10.0000000", "32UNA")
    two.page.click("text=Show the place")
    two.page.wait_for_function(
        """async () => { const map = document.querySelector("detente-map").map;
        const { features } = await map.getSource("asked").getData();
        return features.length === 1 && features[0].geometry.coordinates[0] === 10; }"""
    )
    expect(two.page.locator("detente-line [role=timer]")).to_be_visible()
    two.page.click("detente-line button[value=acknowledged]")
    expect(two.page.locator(".ringing")).to_have_count(0)
    expect(one.page.locator("detente-line .state")).to_have_text("Acknowledged")
    two.page.fill("detente-line input[name=text]", "The aircraft has turned")
    two.page.click("detente-line button[value=stopped]")
    expect(one.page.locator("detente-line .state")).to_have_text("Stopped")
    one.told("detente-line .steps", "The aircraft has turned", "after 00:")
    # What the caller says then rings as the call did, until it is answered. Whoever answers has
    # the call before him, however far down he was.
    two.page.locator("detente-hotline details.device").scroll_into_view_if_needed()
    expect(two.page).to_have_title("Détente")
    one.page.fill("detente-line input[name=text]", "It comes back")
    one.page.click("detente-line button[value=stated]")
    two.told(".ringing", "HOTLINE: one calls")
    expect(two.page).to_have_title("(1) HOTLINE: one calls")
    two.page.click(".ringing button")
    expect(two.page.locator("detente-line h4")).to_be_in_viewport()
    two.page.click("detente-line button[value=acting]")
    expect(two.page.locator(".ringing")).to_have_count(0)
    began = [clock_began(seat) for seat in (one, two)]
    assert abs(began[0] - began[1]) <= 2
    one.keep("hotline-stopped")
    one.page.click("detente-line button[value=closed]")
    expect(one.page.locator("detente-line")).to_have_count(0)
    expect(two.page.locator("detente-line")).to_have_count(0)


def test_closed(one: Seat, two: Seat) -> None:
    """What was closed can be read again; the called side says how it ended, and has the evidence"""
    call(one, "evacuation")
    two.page.click(".ringing button")
    two.page.click("detente-line button[value=acknowledged]")
    expect(one.page.locator("detente-line .state")).to_have_text("Acknowledged")
    one.page.click("detente-line button[value=closed]")
    expect(two.page.locator("detente-line")).to_have_count(0)
    two.page.click("detente-hotline details.closed summary")
    card = two.page.locator("details.closed detente-line").first
    expect(card.locator("h4")).to_have_text("Evacuation of casualties under way")
    expect(card.locator("button.main")).to_have_count(0)
    card.locator("input[name=text]").fill("Nobody was hurt")
    card.locator("button[value=stated]").click()
    expect(card).to_contain_text("Nobody was hurt")
    with two.page.expect_download() as loading:
        card.get_by_text("Evidence").click()
    assert "Nobody was hurt" in loading.value.path().read_text(encoding="utf-8")
    two.keep("hotline-closed")


def clock_began(seat: Seat) -> float:
    """When the clock of a call began, by the browser's time, s: as it is drawn anew."""
    shown, now_ms = seat.page.evaluate(
        """() => new Promise((then) => new MutationObserver((_, seen) => {
             seen.disconnect();
             then([document.querySelector("detente-line [role=timer]").innerText, Date.now()]); })
           .observe(document.querySelector("detente-line [role=timer]"),
             {subtree: true, childList: true, characterData: true}))"""
    )
    return float(now_ms / 1_000 - sum(
        int(part) * 60**n for n, part in enumerate(reversed(shown.split(":")))))  # fmt: skip


def test_language(browser: Browser, node: Node, one: Seat) -> None:
    """The coded message is read in one's own language, and the caller's words stay as they are"""
    seat = Seat(browser, node, locale="ar").open(AT).sign_in("desk two").ready()
    call(one, "stop_hitting_us")
    seat.told(".ringing", "توقفوا: أنتم تقصفوننا")
    seat.page.click(".ringing button")
    seat.told("detente-line", WORDS, "لم يُجب أحد")
    assert seat.page.evaluate("document.body.dir") == "rtl"
    seat.keep("hotline-arabic")
    assert seat.flaws() == []
    seat.leave()


def test_ladder(one: Seat, two: Seat) -> None:
    """The ladder is seen as it is climbed"""
    call(one, "other")
    two.page.click(".ringing button")
    expect(two.page.locator("detente-line .ladder")).to_contain_text("step 0 of 3, next in 00:")
    two.told("detente-line", "Your desks called: watch, air")
    two.told("detente-line .ladder", "step 1 of 3")


def test_overtaken(two: Seat, node: Node) -> None:
    """An answer that comes late takes no call away"""
    one, there = node.party("one"), {"volumes": THERE}
    late = Held(two, "**/v1/incidents?open=true")
    assert one.post("/v1/incidents", {"source_id": "first", "code": "other", **there}).status == 201
    assert len(late.wait().json()["lines"]) == 1
    said_ = {"source_id": "second", "code": "contact_lost", **there}
    assert one.post("/v1/incidents", said_).status == 201
    expect(two.page.locator(".ringing p")).to_have_count(2)
    late.let_go()
    assert two.page.locator(".ringing p").count() == 2
    close_all(one)


def test_refused(one: Seat, node: Node) -> None:
    """A place that cannot be read calls nobody, and nothing that was typed is lost"""
    before = len(node.party("one").get("/v1/incidents").json["lines"])
    one.page.fill("detente-hotline-form input[name=position]", "near the mill")
    one.page.fill("textarea[name=words]", WORDS)
    one.page.press("detente-hotline-form input[name=position]", "Enter")  # Calls nobody.
    one.page.click("button.code.other")
    one.told("detente-hotline-form .refused", "Refused")
    assert one.page.input_value("textarea[name=words]") == WORDS
    assert len(node.party("one").get("/v1/incidents").json["lines"]) == before


def test_call_back(one: Seat, two: Seat, node: Node) -> None:
    """A call names the desk to call back, and what it is about as far as that is shown"""
    two.tab("hotline")
    two.page.select_option("detente-hotline-form select[name=desk]", label="Air desk")
    call(two, "contact_lost")
    one.told("detente-line", "Contact lost with our people", "Call back: Air desk")
    close_all(node.party("two"))
    [hidden] = node.party("two").get("/v1/objects?text=Hidden").json["objects"]
    said_ = {"source_id": "about", "code": "other", "objects": [hidden["object"]]}
    told = node.party("two").post("/v1/incidents", {**said_, "volumes": THERE})
    assert told.status == 201, told.body
    two.told("detente-line", "About: Hidden")
    one.told("detente-line", f"About: {hidden['object'][:8]}")
    assert "Hidden" not in one.page.inner_text("detente-line")
    one.keep("hotline-call-back")
    close_all(node.party("two"))


def test_lost(one: Seat, node: Node) -> None:
    """A call whose answer was lost is the same call when it is pressed again, and so is a step"""
    before = len(node.party("one").get("/v1/incidents").json["lines"])
    one.page.route("**/v1/incidents", lost, times=1)
    call(one)
    one.told("detente-hotline-form .refused", "The node does not answer")
    one.page.click("button.code.stop_hitting_protected")
    one.told("detente-hotline-form .said", "Called: entry")
    expect(one.page.locator("detente-line")).to_have_count(1)
    assert len(node.party("one").get("/v1/incidents").json["lines"]) == before + 1
    one.page.route("**/steps", lost, times=1)
    one.page.fill("detente-line input[name=text]", WORDS)
    one.page.click("detente-line button[value=stated]")
    one.told("detente-line .refused", "The node does not answer")
    one.page.click("detente-line button[value=stated]")
    expect(one.page.locator("detente-line .refused")).to_have_count(0)
    expect(one.page.locator("detente-line .steps li")).to_have_count(1)
    # The same words, said once more after an answer, are said twice.
    call(one)
    expect(one.page.locator("detente-line")).to_have_count(2)


def test_device(browser: Browser, node: Node, two: Seat) -> None:
    """A browser that is known calls when nobody is signed in at it"""
    seat = Seat(browser, node).open(AT).sign_in("desk one").ready()
    seat.tab("hotline")
    seat.page.click("detente-hotline details.device summary")
    seat.page.click("text=Let this browser call")
    seat.told("detente-hotline details.device p:nth-of-type(2)", "device-")
    seat.page.click("header > button")
    seat.told("detente-hotline-door h2", "Call as one without signing in")
    assert seat.flaws() == []
    call(seat, "evacuation")
    seat.told("detente-hotline-form .said", "Called: entry")
    seat.keep("hotline-door")
    two.told(".ringing", "Evacuation of casualties")
    assert seat.page.locator("[role=tablist]").count() == 0
    seat.leave()
    close_all(node.party("one"))


def shades(browser: Browser, node: Node) -> Iterator[tuple[str, Seat]]:
    wide, narrow = {"width": 1100, "height": 800}, {"width": 390, "height": 844}
    for name, scheme, size in (("day", "light", wide), ("night", "dark", wide),
                               ("narrow", "light", narrow)):  # fmt: skip
        options: dict[str, Any] = {"color_scheme": scheme, "viewport": size}
        yield name, Seat(browser, node, **options).open(AT).sign_in("desk two").ready()


def test_reached(browser: Browser, node: Node, one: Seat) -> None:
    """Everything is reached by keyboard, and axe finds nothing, by day, by night and narrow"""
    call(one)
    one.told("detente-line")
    for name, seat in shades(browser, node):
        seat.told(".ringing")
        seat.page.focus(".ringing button")
        seat.page.keyboard.press("Enter")
        seat.told("detente-line")
        expect(seat.page.locator("#tab-hotline")).to_have_attribute("aria-selected", "true")
        assert seat.flaws() == [], name
        seat.keep(f"hotline-{name}")
        seat.page.focus("detente-line input[name=text]")
        for _ in range(4):
            seat.page.keyboard.press("Tab")
        assert seat.page.evaluate("document.activeElement.value") == "stated"
        seat.leave()


def test_many(node: Node, two: Seat) -> None:
    """The last of more calls than a page of them holds rings as well"""
    one, three = node.party("one"), node.party("three")
    for number in range(OPEN_MAX):
        said_ = {"source_id": f"call {number}", "code": "other", "volumes": THERE}
        assert one.post("/v1/incidents", said_).status == 201
    said_ = {"source_id": "call", "code": "contact_lost", "volumes": THERE}
    assert three.post("/v1/incidents", said_).status == 201
    expect(two.page.locator(".ringing")).to_contain_text("Contact lost with our people")
    two.page.click(".ringing button >> nth=0")
    expect(two.page.locator("detente-line")).to_have_count(OPEN_MAX + 1)
    close_all(one)
    close_all(three)

"""A call that is heard; test_page_ringing.md tells it."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from conftest import begin
from detente.node.keyring import Keyring
from http_node import Node
from page import LOADED_MS, WAIT_S, Seat, page_node

AT = "9/50/10"
WORDS = "Two impacts at the north wing"
THERE = [{"footprint": [
    {"type": "circle", "centre": [100_000_000, 500_000_000], "radius_mm": 0}]}]  # fmt: skip

HEARD = """
window.sounding = 0;
const { start } = AudioBufferSourceNode.prototype;
AudioBufferSourceNode.prototype.start = function (...given) {
  window.sounding += 1;
  this.addEventListener("ended", () => (window.sounding -= 1));
  return start.apply(this, given);
};
const Shown = window.Notification;
window.notified = [];
window.Notification = class extends Shown {
  constructor(title, options) {
    super(title, options);
    window.notified.push([title, this.body]);
    const close = this.close.bind(this);
    this.close = () => { window.notified.length = 0; close(); };
  }
};
window.permissionAsked = 0;
Shown.requestPermission = async () => { window.permissionAsked += 1; return "denied"; };
"""
"""Counts what sounds, and keeps what is shown: a test has no ears."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("ringing")
    begin(folder / "test.db", Keyring(folder / "test.db"))
    with page_node(folder / "test.db", folder, {"desk two": "two"}) as node:
        yield node


@pytest.fixture
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node)
    seat.context.add_init_script(HEARD)
    yield seat.open(AT).sign_in("desk two").ready()
    seat.leave()
    close_all(node)


def call(node: Node, name: str) -> str:
    said = {"source_id": name, "code": "other", "volumes": THERE, "words": WORDS}
    told = node.party("one").post("/v1/incidents", said)
    assert told.status == 201, told.body
    return str(told.json["object_id"])


def step(node: Node, incident: str, name: str, act: str) -> None:
    told = node.party("one").post(f"/v1/incidents/{incident}/steps",
                                  {"source_id": name, "act": act})  # fmt: skip
    assert told.status == 201, told.body


def close_all(node: Node) -> None:
    for one in node.party("one").get("/v1/incidents?open=true").json["lines"]:
        object_id = one["incident"]["object"]
        step(node, object_id, f"close {object_id}", "closed")


def wait_sounding(page: Page, count: int) -> None:
    page.wait_for_function("(count) => window.sounding === count", arg=count)


def acknowledge(page: Page) -> None:
    page.click(".ringing button")
    page.click("detente-line button[value=acknowledged]")
    expect(page.locator(".ringing")).to_have_count(0)


def test_sounds(two: Seat, node: Node) -> None:
    """A call sounds until it is answered, and again when its caller says more"""
    expect(two.page.locator(".no-sound")).to_be_hidden()
    incident = call(node, "sounds")
    wait_sounding(two.page, 1)
    acknowledge(two.page)
    wait_sounding(two.page, 0)
    step(node, incident, "more", "stated")
    wait_sounding(two.page, 1)
    # The panel says how it is, and what it sounds like.
    two.page.click("detente-hotline-heard summary")
    two.told("detente-hotline-heard", "A call rings until it is answered")
    two.keep("ringing-heard")
    assert two.flaws() == []
    step(node, incident, "end", "closed")
    wait_sounding(two.page, 0)
    two.page.click("button[name=try-sound]")
    wait_sounding(two.page, 1)
    wait_sounding(two.page, 0)


def test_not_yet(two: Seat, node: Node) -> None:
    """Where the browser allows no sound yet, the page says so, and a button allows it"""
    two.page.reload()
    two.ready()
    two.told(".no-sound", "No sound yet: a call would not be heard")
    assert two.flaws() == []
    call(node, "not yet")
    two.told(".ringing", "HOTLINE: one calls")
    two.keep("ringing-no-sound")
    assert two.page.evaluate("window.sounding") == 0
    two.page.click(".no-sound button")
    wait_sounding(two.page, 1)
    expect(two.page.locator(".no-sound")).to_be_hidden()
    acknowledge(two.page)
    wait_sounding(two.page, 0)


def test_tabs(two: Seat, node: Node) -> None:
    """Of several tabs of one browser one sounds, and when it is closed the next"""
    other = two.context.new_page()
    other.goto(f"{two.url}/page/#at={AT}")
    other.wait_for_selector("detente-map[data-ready]", timeout=LOADED_MS)
    other.click("#tab-check")
    expect(other.locator(".no-sound")).to_be_hidden()
    call(node, "tabs")
    for page in (two.page, other):
        page.wait_for_selector(".ringing")
        page.wait_for_function(
            """() => navigator.locks.query()
              .then(({held, pending}) => held.length + pending.length === 2)"""
        )
    # A tab that has the turn begins in its own time.
    ends = time.monotonic() + WAIT_S
    while sorted(page.evaluate("window.sounding") for page in (two.page, other)) != [0, 1]:
        assert time.monotonic() < ends
    # Whichever was first: the one that stays sounds when the other has gone.
    wait_sounding(other if other.evaluate("window.sounding") else two.page, 1)
    other.close()
    wait_sounding(two.page, 1)
    acknowledge(two.page)
    wait_sounding(two.page, 0)


def test_notified(two: Seat, node: Node) -> None:
    """A notification is shown where that was allowed, names no place, and goes with the answer"""
    two.context.grant_permissions(["notifications"])
    call(node, "notified")
    two.page.wait_for_function("() => window.notified.length === 1")
    assert two.page.evaluate("window.notified") == [["(1) HOTLINE: one calls", ""]]
    acknowledge(two.page)
    two.page.wait_for_function("() => window.notified.length === 0")


def test_unasked(two: Seat, node: Node) -> None:
    """Nobody is asked for notifications who did not press the button"""
    call(node, "unasked")
    two.told(".ringing", "HOTLINE: one calls")
    acknowledge(two.page)
    assert two.page.evaluate("[window.notified.length, window.permissionAsked]") == [0, 0]
    two.page.click("detente-hotline-heard summary")
    # Where a browser says from the first that it shows none, there is nothing to press.
    if two.page.evaluate("Notification.permission") == "default":
        two.page.click("button[name=notify]")
        two.page.wait_for_function("() => window.permissionAsked === 1")
    else:
        two.told("detente-hotline-heard", "This browser's settings forbid notifications")

"""How a party is told, on the page; test_page_subscriptions.md tells it."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from test_gis import said
from test_hotline import call

from conftest import begin
from detente.core.principal import Role
from detente.node.keyring import Keyring
from http_node import Node
from nodes import hospital
from page import Seat, page_node
from receiver import Receiver

AT = "9/50/10"
ALLOWED = ("webhook_http=true", "webhook_private=true")
RUNG_S = 2
LADDER = [{"after_s": RUNG_S, "rings": "next_desk"}]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("subscriptions")
    begin(folder / "test.db", Keyring(folder / "test.db"))
    with page_node(folder / "test.db", folder, {"desk two": "two"}, *ALLOWED) as node:
        administrator = node.party("one", Role.ADMINISTRATOR)
        desks = [{"id": "watch", "name": "Watch"}, {"id": "air", "name": "Air desk"}]
        administrator.post("/v1/parties", {"id": "two", "name": "Two", "desks": desks})
        administrator.post("/v1/agreement", {"name": "test", "hotline": {"ladder": LADDER}})
        said(node.party("two"), "notices", hospital("Clinic", 10.0, 50.0), None)
        yield node


@pytest.fixture
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    opened(seat)
    yield seat
    seat.leave()


def opened(seat: Seat) -> None:
    seat.tab("told")
    seat.page.click("detente-told details.act > summary")
    seat.page.wait_for_selector("detente-subscriptions select[name=desk]")


def mine(node: Node) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (
        node.party("two").get("/v1/subscriptions").json["subscriptions"]
    )
    return found


def test_desk(two: Seat, node: Node) -> None:
    """A desk's own subscription is made, and told of a call when the ladder calls the desk"""
    hook = Receiver()
    two.page.select_option("detente-subscriptions select[name=desk]", label="Air desk")
    # Nothing else is said to a desk.
    expect(two.page.locator("detente-subscriptions input[name=kinds]")).to_have_count(0)
    two.page.fill("detente-subscriptions input[name=url]", hook.url)
    two.page.click("detente-subscriptions form button")
    hook.secret = two.told("detente-subscriptions .said code")
    two.told(".subscriptions li", "Calls for the desk Air desk")
    (made,) = mine(node)
    assert made["value"]["desk"] == "air"  # type: ignore[index] # as JSON has it
    assert two.flaws() == []
    two.keep("subscriptions")
    begun = time.monotonic()
    call(node.party("one"), "call", 10.0)
    hook.wait(lambda hook: len(hook.taken) > 0)
    # The watch desk is called at once; this one a rung later.
    assert time.monotonic() - begun >= RUNG_S
    assert hook.problems == []
    two.page.click(".subscriptions li button")
    expect(two.page.locator(".subscriptions li")).to_have_count(0)
    assert mine(node) == []
    hook.stop()


def test_all(two: Seat, node: Node) -> None:
    """One for all is shown with what it is of, and ended"""
    two.page.check("detente-subscriptions input[value=zone]")
    two.page.check("detente-subscriptions input[value=alert]")
    two.page.click("detente-subscriptions form button")
    two.told(".subscriptions li", "Zones, Alerts of the watch", "whoever asks for it")
    (made,) = mine(node)
    assert made["value"]["kinds"] == ["zone", "alert"]  # type: ignore[index] # as JSON has it
    two.page.click(".subscriptions li button")
    two.told("detente-subscriptions > p", "Nothing is sent to anyone")
    assert mine(node) == []


def test_refused(two: Seat, node: Node) -> None:
    """What the node refuses is said, and what was typed stays"""
    two.page.fill("detente-subscriptions input[name=url]", "ftp://example.org/")
    two.page.click("detente-subscriptions form button")
    two.told("detente-subscriptions .refused", "Refused")
    assert two.page.input_value("detente-subscriptions input[name=url]") == "ftp://example.org/"
    assert mine(node) == []


def test_languages(browser: Browser, node: Node) -> None:
    """It reads in Arabic, by night and on a narrow screen"""
    seat = Seat(browser, node, color_scheme="dark", locale="ar").open(AT)
    seat.page.set_viewport_size({"width": 390, "height": 900})
    seat.sign_in("desk two").ready()
    opened(seat)
    seat.page.select_option("detente-subscriptions select[name=desk]", "air")
    seat.page.fill("detente-subscriptions input[name=url]", "http://127.0.0.1:9/")
    seat.page.click("detente-subscriptions form button")
    seat.told(".subscriptions li", "نداءات لمكتب المناوبة")
    assert "sub." not in seat.page.inner_text("detente-told")
    assert seat.flaws() == []
    seat.wait_fits()
    seat.page.locator("detente-subscriptions").scroll_into_view_if_needed()
    seat.keep("subscriptions-night")
    seat.page.click(".subscriptions li button")
    expect(seat.page.locator(".subscriptions li")).to_have_count(0)
    seat.leave()

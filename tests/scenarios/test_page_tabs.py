"""One browser, several tabs; test_page_tabs.md tells it."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from test_gis import FULL, said

from conftest import begin
from detente.core.principal import Role
from detente.doors.asgi_auth import COOKIE
from detente.node.access.accounts import SESSION_LIFE_S, Identity, Sessions
from detente.node.keyring import Keyring
from detente.store import Store
from http_node import Node
from nodes import hospital
from page import PASSWORD, Seat, page_node

AT = "9/50/10"
WAIT_MS = 90_000
DOOR, WORK = ".door input[name=name]", "detente-map[data-ready]"
TYPED = "detente-check input[name=position]"
ENDS_S = 12
LOADS = 6
"""A session ends after so long, or so many times what it takes to open the page here and now: three
tabs are open by then."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tabs") / "test.db"
    begin(place, Keyring(place))
    return place


@pytest.fixture(scope="module")
def node(database: Path) -> Iterator[Node]:
    with page_node(database, database.parent, {"day desk": "two", "night desk": "two"}) as node:
        yield node


@pytest.fixture
def seat(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT)
    yield seat
    seat.leave()


def tabs_of(seat: Seat, count: int) -> list[Page]:
    """So many more tabs of the same browser."""
    tabs = [seat.context.new_page() for _ in range(count)]
    for tab in tabs:
        tab.goto(f"{seat.url}/page/#at={AT}")
    return tabs


def at_the_door(*tabs: Page) -> None:
    for tab in tabs:
        tab.wait_for_selector(DOOR, timeout=WAIT_MS)
        expect(tab.locator("detente-map")).to_be_hidden()


def at_work(*tabs: Page, name: str = "day desk") -> None:
    for tab in tabs:
        tab.wait_for_selector(WORK, timeout=WAIT_MS)
        expect(tab.locator("header")).to_contain_text(name)
        expect(tab.locator(DOOR)).to_have_count(0)


def ending(seat: Seat, database: Path) -> None:
    """A session of the day desk's that is over soon."""
    began = time.monotonic()
    seat.sign_in("day desk")
    at_work(seat.page)
    ends_s = max(ENDS_S, LOADS * (time.monotonic() - began))
    seat.page.click("header > button")
    at_the_door(seat.page)
    store = Store(database)
    who = Identity(party="two", roles=frozenset({Role.PLANNER, Role.WATCH}), subject="day desk")
    begun = datetime.now(UTC) - timedelta(seconds=SESSION_LIFE_S - ends_s)
    opening = partial(Sessions(store.access).open, who, now=begun)
    # Playwright has a loop on this thread.
    with ThreadPoolExecutor(1) as other:
        token = other.submit(lambda: asyncio.run(opening())).result()
    store.close()
    seat.page.evaluate(
        "(cookie) => (document.cookie = cookie)", f"{COOKIE}={token}; Secure; Path=/"
    )


def test_in_and_out(seat: Seat) -> None:
    """Whoever signs in in one tab is signed in in all, and whoever signs out in none"""
    tabs = [seat.page, *tabs_of(seat, 2)]
    at_the_door(*tabs)
    for opens, closes in ((0, 1), (2, 0)):
        tabs[opens].fill("input[name=name]", "day desk")
        tabs[opens].fill("input[name=password]", PASSWORD)
        tabs[opens].click("button.main")
        at_work(*tabs)
        tabs[closes].click("header > button")
        at_the_door(*tabs)


def test_another(seat: Seat) -> None:
    """Another who signs in is shown in every tab"""
    seat.sign_in("day desk").ready()
    tabs = [seat.page, *tabs_of(seat, 1)]
    at_work(*tabs)
    # By a door of its own: as where one comes back from a provider.
    answer = seat.context.request.post(
        f"{seat.url}/v1/session", data={"name": "night desk", "password": PASSWORD}
    )
    assert answer.ok
    (third,) = tabs_of(seat, 1)
    at_work(*tabs, third, name="night desk")


def test_ended(seat: Seat, node: Node, database: Path) -> None:
    """A session that ends leaves what was typed behind the door, for the same person in every tab"""  # noqa: E501
    ending(seat, database)
    tabs = tabs_of(seat, 2)
    at_work(*tabs)
    seat.page.reload()
    at_work(seat.page)
    seat.tab("check")
    seat.page.fill(TYPED, "50 00 00 N 10 00 00 E")
    at_the_door(seat.page, *tabs)
    seat.told(".door [role=alert]", "Your session has ended")
    expect(seat.page.locator("header > button")).to_have_count(0)
    assert seat.flaws() == []
    seat.keep("session-ended")
    # A tab that is opened now stands at the door as well.
    tabs += tabs_of(seat, 1)
    at_the_door(tabs[-1])
    said(node.party("one"), "notices", hospital("Meanwhile", 10.0, 50.0), FULL)
    tabs[0].fill(DOOR, "day desk")
    tabs[0].fill(".door input[name=password]", PASSWORD)
    tabs[0].click(".door button.main")
    at_work(seat.page, *tabs)
    expect(seat.page.locator(TYPED)).to_have_value("50 00 00 N 10 00 00 E")
    # What was said while nobody heard is shown, and the line is live.
    seat.wait_drawn("Meanwhile")
    expect(seat.page.locator("header .refused")).to_have_count(0)
    seat.keep("session-again")


def test_ended_for_another(browser: Browser, node: Node, database: Path) -> None:
    """What one person typed is gone where another signs in; in Arabic, by night"""
    seat = Seat(browser, node, color_scheme="dark", locale="ar").open(AT)
    seat.page.set_viewport_size({"width": 390, "height": 800})
    ending(seat, database)
    seat.page.reload()
    at_work(seat.page)
    seat.tab("check")
    seat.page.fill(TYPED, "50 00 00 N 10 00 00 E")
    at_the_door(seat.page)
    seat.told(".door [role=alert]", "انتهت جلستك")
    assert seat.flaws() == []
    seat.wait_fits()
    seat.keep("session-ended-night")
    seat.sign_in("night desk")
    at_work(seat.page, name="night desk")
    seat.tab("check")
    expect(seat.page.locator(TYPED)).to_have_value("")
    seat.leave()

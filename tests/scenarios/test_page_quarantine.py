"""What came in and was refused, on the page; test_page_quarantine.md tells it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from conftest import begin
from cot import Tablet, event, listening
from detente.core.principal import Role
from detente.node.keyring import Keyring
from http_node import Node
from page import Seat, page_node
from radio import Receiver, sbs

AT = "8/50.3/10"
FEED = '{{name="{name}", party="{party}", kind="sbs", address="{address}"{also}}}'
SHOWN = ', release={parties={two="full"}}'
NOISE = b"MSG,3,1,1,XYZ\r\n" * 3 + sbs("4B1820", 50.3, 999.0, 100.0, 0.0).partition(b"\n")[2]
PLACE = {
    "en": "no place, or none on earth", "fr": "aucun sur terre", "ru": "места на земле нет",
    "ar": "ليس على الأرض", "tr": "yeryüzünde öyle bir yer yok", "uk": "місця на землі немає",
}  # fmt: skip


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """What is refused was sent by then."""
    folder = tmp_path_factory.mktemp("quarantine")
    begin(folder / "test.db", Keyring(folder / "test.db"))
    roof, kept = Receiver(), Receiver()
    feeds = ", ".join([
        FEED.format(name="roof", party="one", address=roof.address, also=SHOWN),
        FEED.format(name="kept", party="two", address=kept.address, also=""),
    ])  # fmt: skip
    accounts = {"desk one": "one", "desk two": "two"}
    settings = (f"feeds=[{feeds}]", "cot_tcp=0", "cot_party=one")
    with page_node(folder / "test.db", folder, accounts, *settings) as node:
        assert roof.connected.wait(30)
        assert kept.connected.wait(30)
        roof.send(NOISE + sbs("4B1821", 50.3, 10.0, 100.0, 0.0))
        kept.send(b"hello\r\n")
        tablet = Tablet(listening(node.served, "tcp"))
        tablet.send(event("X", 38.0, 999.0), event("X", 38.0, 33.0, kind="a-h-G"))
        ends = time.monotonic() + 30
        while len(counts(node, "one")) < 4 or len(counts(node, "two")) < 1:
            assert time.monotonic() < ends, counts(node, "one")
        yield node
        tablet.close()
        roof.close()
        kept.close()


def counts(node: Node, party: str, *roles: Role) -> dict[tuple[str, str, str], int]:
    """How often what was refused, by whose it is, what sent it and why."""
    found: list[dict[str, Any]] = node.party(party, *roles).get("/v1/quarantine").json["counts"]
    return {(one["party"], one["feed"] or one["account"], one["code"]): one["count"]
            for one in found}  # fmt: skip


OF_ONE = {
    ("one", "roof", "format"): 3, ("one", "roof", "place"): 1,
    ("one", "cot", "place"): 1, ("one", "cot", "not_own"): 1,
}  # fmt: skip
OF_TWO = {("two", "kept", "format"): 1}


def test_own(browser: Browser, node: Node) -> None:
    """Whose feed or device it is sees beside it how much was refused, and why"""
    assert counts(node, "one") == OF_ONE
    seat = Seat(browser, node).open(AT).sign_in("desk one").ready()
    seat.tab("watch")
    expect(seat.page.locator("detente-watch tbody tr")).to_have_count(1)
    seat.told("detente-watch tbody tr", "roof", "4 messages refused")
    seat.told(
        ".sender:has-text('feed roof of one')", "4 messages refused", "not of the format",
        "MSG: expected 22 fields", "3 times, last on", "no place, or none on earth",
    )  # fmt: skip
    seat.told(".sender:has-text('device cot of one')", "2 messages", "none of the sender's own")
    text = seat.page.inner_text("detente-quarantine")
    assert "999" not in text, "no place that was sent is told"
    assert "kept" not in text
    seat.page.locator(".sender").first.scroll_into_view_if_needed()
    seat.keep("quarantine")
    assert seat.flaws() == []
    seat.leave()


def test_other(browser: Browser, node: Node) -> None:
    """Whoever is shown the feed's tracks alone is told of none of it"""
    assert counts(node, "two") == OF_TWO
    feeds = node.party("two").get("/v1/watch").json["feeds"]
    assert {one["name"]: sum(one["refused"].values()) for one in feeds} == {"roof": 0, "kept": 1}
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    seat.tab("watch")
    row = seat.page.locator("detente-watch tbody tr", has_text="roof")
    expect(row).to_contain_text("1 position")
    expect(row).not_to_contain_text("refused")
    seat.told(".sender", "feed kept of two", "1 message refused")
    expect(seat.page.locator(".sender")).to_have_count(1)
    seat.leave()


def test_administrator(node: Node) -> None:
    """Whoever may administrate is told of everybody's"""
    assert counts(node, "two", Role.WATCH) == OF_TWO
    assert counts(node, "two", Role.WATCH, Role.ADMINISTRATOR) == OF_ONE | OF_TWO
    told = node.party("two", Role.WATCH, Role.ADMINISTRATOR).get("/v1/quarantine").json
    assert told["refused"] == [], "what another's device sent stays its party's, one by one"


def test_languages(browser: Browser, node: Node) -> None:
    """Each reason is told in six languages"""
    seat = Seat(browser, node).open(AT).sign_in("desk one").ready()
    seat.tab("watch")
    for language, words in PLACE.items():
        seat.page.select_option("header select", language)
        seat.told(".sender", words)
        seat.page.locator(".sender").first.scroll_into_view_if_needed()
        seat.keep(f"quarantine-{language}")
    seat.leave()

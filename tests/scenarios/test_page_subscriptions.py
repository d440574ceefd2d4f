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


def corner(two: Seat, right: int, down: int) -> None:
    """Click on the map, so far from its middle in pixels."""
    box = two.page.locator(".maplibregl-canvas").bounding_box()
    assert box is not None
    two.page.mouse.click(box["x"] + box["width"] / 2 + right, box["y"] + box["height"] / 2 + down)
    two.page.wait_for_timeout(150)


def events_of(node: Node, name: str) -> list[str]:
    """The names of what one subscription was told of."""
    page = node.party("two").get(f"/v1/events?subscription={name}").json
    return [one["view"]["value"]["name"] for one in page["events"]]


def shown(two: Seat) -> list[list[float]]:
    """West, south, east, north of each area that one looks at on the map."""
    found: list[list[float]] = two.page.evaluate(
        """async () => { const map = document.querySelector("detente-map").map;
        const { features } = await map.getSource("asked").getData();
        const places = (one) => typeof one[0] === "number" ? [one] : one.flatMap(places);
        return features.map(({ geometry }) => { const all = places(geometry.coordinates);
          const [lon, lat] = [0, 1].map((axis) => all.map((one) => one[axis]));
          return [Math.min(...lon), Math.min(...lat), Math.max(...lon), Math.max(...lat)]; }); }"""
    )
    return found


def test_area_drawn(two: Seat, node: Node) -> None:
    """One of an area is drawn, shown on the map, and told of what is there alone"""
    two.page.check("detente-subscriptions input[value=notice]")
    two.page.select_option("select[name=within]", "area")
    assert two.flaws() == []
    two.page.click("text=Draw an area")
    two.page.wait_for_selector("button[aria-pressed=true]")
    two.wait_draws("polygon")
    for right, down in ((-60, -60), (60, -60), (60, 60), (-60, 60), (-60, -60)):
        corner(two, right, down)
    two.page.wait_for_selector("text=1 drawn on the map")
    two.keep("subscriptions-drawing")
    two.page.click("detente-subscriptions form > button")
    line = two.told(".subscriptions li")
    assert "within an area" in line
    # Read back as it is stored: its corners, and where its edges bend, in three spellings.
    assert two.page.locator(".subscriptions .places li").count() >= 4
    assert "32UNA" in line
    (made,) = mine(node)
    [west, south, east, north] = shown(two)[0]
    assert west < 10.0 < east
    assert south < 50.0 < north
    two.keep("subscriptions-area")
    # What was drawn is gone from the form, and what is stored is on the map.
    expect(two.page.locator("detente-subscription-area")).to_have_count(0)
    assert two.flaws() == []
    one = node.party("one")
    said(one, "notices", hospital("Within", 10.0, 50.0), {"members": "full"})
    said(one, "notices", hospital("Elsewhere", 11.0, 50.0), {"members": "full"})
    assert events_of(node, str(made["object"])) == ["Within"]
    two.page.click(".subscriptions button[name=look]")
    expect(two.page.locator(".subscriptions .places")).to_have_count(0)
    assert shown(two) == []
    two.page.click(".subscriptions li > button:not(.link)")
    expect(two.page.locator(".subscriptions li")).to_have_count(0)


def test_area_typed(two: Seat, node: Node) -> None:
    """One of an area is typed by keyboard alone, with height and time, and looked at again"""
    keys = two.page.keyboard
    two.page.focus("select[name=within]")
    keys.press("ArrowDown")
    two.page.focus("detente-subscription-area input[name=position]")
    keys.type("50 30 00 N 10 30 00 E")
    keys.press("Tab")
    keys.type("2000")
    two.page.fill("detente-subscription-area input[name=upper_m]", "1200")
    two.page.select_option("detente-subscription-area select[name=altitude_reference]", "WGS84")
    two.page.fill("detente-subscription-area input[name=end]", "2031-01-07T12:00")
    two.page.focus("detente-subscriptions input[name=url]")
    keys.press("Enter")
    line = two.told(".subscriptions li:has(.places)")
    assert "50.5000000, 10.5000000" in line
    assert "32UPA" in line
    assert "2031-01-07 12:00:00Z" in line
    assert "1200 m" in line
    (made,) = mine(node)
    [volume] = made["value"]["volumes"]  # type: ignore[index] # as JSON has it
    assert volume["end"] == "2031-01-07T12:00:00Z"
    assert (volume.get("lower_mm"), volume["upper_mm"]) == (None, 1_200_000)
    assert volume["footprint"] == [
        {"type": "circle", "centre": [105_000_000, 505_000_000], "radius_mm": 2_000_000}
    ]
    # Whoever comes back finds it, and looks at it by keyboard.
    two.tab("picture")
    assert shown(two) == []
    two.tab("told")
    two.page.focus(".subscriptions button[name=look]")
    keys.press("Enter")
    two.page.wait_for_selector(".subscriptions button[aria-expanded=true]")
    [west, south, east, north] = shown(two)[0]
    # A circle of 2 km, circumscribed.
    assert (west + east) / 2 == pytest.approx(10.5, abs=1e-6)
    assert (south + north) / 2 == pytest.approx(50.5, abs=1e-3)
    assert 4_000 < (north - south) * 111_200 < 4_100
    two.page.click(".subscriptions li > button:not(.link)")
    expect(two.page.locator(".subscriptions li")).to_have_count(0)
    # What has ended is on the map no longer.
    two.wait_taken()
    assert shown(two) == []


def test_area_refused(two: Seat, node: Node) -> None:
    """No area, or what cannot be one, makes nothing; what was typed stays"""
    two.page.select_option("select[name=within]", "area")
    two.page.click("detente-subscriptions form > button")
    assert "Draw an area, or type a position" in two.told("detente-subscriptions .refused")
    two.page.fill("detente-subscription-area input[name=position]", "north of the river")
    two.page.click("detente-subscriptions form > button")
    two.page.wait_for_selector("detente-subscriptions .refused:has-text('north of the river')")
    assert "latitude and longitude" in two.told("detente-subscriptions .refused")
    field = "detente-subscription-area input[name=position]"
    assert two.page.input_value(field) == "north of the river"
    assert mine(node) == []
    # Another desk is told of its calls, wherever they are: the area goes.
    two.page.select_option("detente-subscriptions select[name=desk]", label="Air desk")
    expect(two.page.locator("detente-subscription-area")).to_have_count(0)


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
    seat.page.select_option("select[name=within]", "area")
    seat.page.fill("detente-subscription-area input[name=position]", "50 N 10 E")
    seat.page.fill("detente-subscription-area input[name=radius]", "3000")
    assert seat.flaws() == []
    seat.page.locator("detente-subscription-area").scroll_into_view_if_needed()
    seat.keep("subscriptions-area-form-night")
    seat.page.click("detente-subscriptions form > button")
    assert "ضمن منطقة" in seat.told(".subscriptions li:has(.places)")
    seat.page.locator(".subscriptions").scroll_into_view_if_needed()
    seat.page.wait_for_timeout(900)  # Until the map came to rest.
    seat.keep("subscriptions-area-night")
    seat.wait_fits()
    seat.page.click(".subscriptions li > button:not(.link)")
    expect(seat.page.locator(".subscriptions li")).to_have_count(0)
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

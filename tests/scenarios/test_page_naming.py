"""What the map says of things, by symbols and names; test_page_naming.md tells it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from test_gis import FULL, said

from conftest import begin
from cot import Tablet, event, listening
from detente.core.presence import Presence
from detente.node.keyring import Keyring
from http_node import Node
from nodes import around, hospital
from page import WAIT_S, Seat, page_node
from radio import Receiver, sbs

AT = "9/50/10"
SETTINGS = (
    "cot_tcp=0", "cot_party=one",
    'cot_release=[{party = "one", release = {parties = {two = "full"}}}]',
)  # fmt: skip
FEED = 'feeds=[{{name="roof", party="one", kind="sbs", address="{}", release={{members="full"}}}}]'
UNIT = "one/cot/ANDROID-1"
AIRCRAFT = "one/roof/4b1820"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One shows two its places, its people, what its receiver hears and where its tablet is."""
    folder = tmp_path_factory.mktemp("naming")
    place, keyring, receiver = folder / "test.db", Keyring(folder / "test.db"), Receiver()
    begin(place, keyring)
    settings = (*SETTINGS, FEED.format(receiver.address))
    accounts = {"desk one": "one", "desk two": "two"}
    with page_node(place, folder, accounts, *settings) as node:
        one, two = node.party("one"), node.party("two")
        said(one, "notices", hospital("St Mary", 9.9, 50.0), FULL)
        said(one, "notices", hospital("Girls' school", 10.0, 50.0, category="school"), FULL)
        said(one, "notices", hospital("Cellar", 10.1, 50.0, category="shelter"), FULL)
        wide = around(10.5, 50.2, 15_000.0)
        said(one, "notices", hospital("Wide", 0, 0, category="water", volumes=wide), FULL)
        for party, lat in ((one, 49.9), (two, 49.8)):
            people = Presence(source_id="p", name=f"Of {party.name}", volumes=around(10, lat))
            said(party, "presence", people, {"members": "full"})
        assert receiver.connected.wait(30)
        receiver.send(sbs("4B1820", 50.1, 10.0, 240, 90))
        tablet = Tablet(listening(node.served, "tcp"))
        tablet.send(event("ANDROID-1", 10.2, 50.1, callsign="ALPHA", stale_s=3_000))
        yield node
        tablet.close()
        receiver.close()


def sat(browser: Browser, node: Node, party: str, at: str = AT, **options: Any) -> Seat:
    """Somebody of a party, who sees the map."""
    seat = Seat(browser, node, **options).open(at).sign_in(f"desk {party}").ready()
    seat.wait_drawn("St Mary")
    return seat


@pytest.fixture(scope="module")
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = sat(browser, node, "two")
    yield seat
    seat.leave()


@pytest.fixture(scope="module")
def far(browser: Browser, node: Node) -> Iterator[Seat]:
    """Somebody who looks elsewhere."""
    seat = Seat(browser, node).open("6/36.2/37.6").sign_in("desk two").ready()
    yield seat
    seat.leave()


def marks(seat: Seat, *names: str) -> dict[str, str]:
    """The symbols of tracks, once these are drawn with their pictures."""
    seat.page.wait_for_function(
        """(names) => { const map = document.querySelector("detente-map").map;
        if (!map.getLayer("tracks")) return false;
        const found = map.queryRenderedFeatures({layers: ["tracks"]}).map((one) => one.properties);
        return names.every((name) => found.some((one) => one.name === name))
          && found.every((one) => map.hasImage(one.mark)); }""",
        arg=names,
    )
    found: list[dict[str, str]] = seat.page.evaluate(
        """() => document.querySelector("detente-map").map
          .queryRenderedFeatures({layers: ["tracks"]}).map((one) => one.properties)"""
    )
    return {one["name"]: one["mark"] for one in found}


def symbols(seat: Seat, kind: str) -> dict[str, str]:
    """The symbols that are drawn for features of a kind, by the name of what bears them."""
    found: list[list[str]] = seat.page.evaluate(
        """async (layer) => { const map = document.querySelector("detente-map").map;
        const idle = map.once("idle");
        map.triggerRepaint();
        await Promise.race([idle, new Promise((then) => setTimeout(then, 5000))]);
        return map.queryRenderedFeatures({layers: [layer]})
          .map((one) => [one.properties.name, one.layer.layout["icon-image"].name ??
            String(one.layer.layout["icon-image"])]); }""",
        f"{kind}-mark",
    )
    return dict(map(tuple, found))  # type: ignore[arg-type] # pairs


def wait_symbols(seat: Seat, kind: str, expected: dict[str, str]) -> dict[str, str]:
    """All that are drawn, once these are: symbols come after the first picture."""
    ends = time.monotonic() + WAIT_S
    while not expected.items() <= (found := symbols(seat, kind)).items():
        assert time.monotonic() < ends, found
    return found


def test_tracks(browser: Browser, node: Node, two: Seat) -> None:
    """What a receiver hears is unknown, one's own people friends, and another's neutral"""
    assert marks(two, UNIT, AIRCRAFT) == {
        UNIT: "mark-neutral-land", AIRCRAFT: "mark-unknown-air",
    }  # fmt: skip
    wait_symbols(two, "presence", {"Of two": "mark-friend-land", "Of one": "mark-neutral-land"})
    two.keep("symbols-two")
    one = sat(browser, node, "one", color_scheme="dark")
    assert marks(one, UNIT, AIRCRAFT)[UNIT] == "mark-friend-land"
    wait_symbols(one, "presence", {"Of one": "mark-friend-land"})
    assert "symbols" in " ".join(one.asked)
    one.keep("symbols-one-night")
    one.leave()


def test_places(two: Seat) -> None:
    """A place bears a symbol where the standard has one that says no more"""
    expected = {"St Mary": "mark-medical", "Girls' school": "mark-school"}
    found = wait_symbols(two, "notices", expected)
    assert found.get("Cellar", "") == ""
    assert "Wide" not in found


def named(seat: Seat, layer: str) -> set[str]:
    """The names that the map draws in a layer of its own."""
    found: list[str] = seat.page.evaluate(
        """async (layer) => { const map = document.querySelector("detente-map").map;
        if (!map.getLayer(layer)) return [];
        const idle = map.once("idle");
        map.triggerRepaint();
        await Promise.race([idle, new Promise((then) => setTimeout(then, 5000))]);
        const [, [, language]] = map.getLayoutProperty(layer, "text-field");
        return map.queryRenderedFeatures({layers: [layer]})
          .map(({properties}) => properties[language] ?? properties.name); }""",
        layer,
    )
    return set(found)


def wait_named(seat: Seat, layer: str, *names: str) -> None:
    ends = time.monotonic() + WAIT_S
    while not (found := named(seat, layer)) >= set(names) and time.monotonic() < ends:
        pass
    assert found >= set(names), found


@pytest.mark.parametrize(
    ("language", "country", "cities"),
    [
        ("en", "Syria", ("Aleppo", "Gaziantep")),
        ("fr", "Syrie", ("Alep", "Gaziantep")),
        ("ru", "Сирия", ("Алеппо", "Газиантеп")),
        ("ar", "سوريا", ("حلب", "عنتاب")),
        ("tr", "Suriye", ("Halep", "Gaziantep")),
        ("uk", "Сирія", ("Алеппо", "Ґазіантеп")),
    ],
)
def test_names(far: Seat, language: str, country: str, cities: tuple[str, ...]) -> None:
    """Countries and cities are named in the language of the page, and cities where there is room"""
    far.page.select_option("header select", language)
    wait_named(far, "country", country)
    wait_named(far, "city", *cities)
    assert "Amuda" not in named(far, "city"), "a small one has no room yet"
    asked = [one.rsplit("/", 1)[-1].split("?")[0] for one in far.asked]
    assert asked.index("places.pmtiles") > asked.index("base.pmtiles")
    far.keep(f"names-{language}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_waters(browser: Browser, node: Node, scheme: str) -> None:
    """Rivers and lakes lie on the land, by day and by night"""
    seat = Seat(browser, node, color_scheme=scheme).open("7/36.2/38.3").sign_in("desk two").ready()
    seat.page.wait_for_function(
        """() => { const map = document.querySelector("detente-map").map;
        return ["river", "lake"].every((layer) => map.getLayer(layer)
          && map.queryRenderedFeatures({layers: [layer]}).length > 0); }""",
    )
    seat.keep(f"waters-{scheme}")
    seat.leave()

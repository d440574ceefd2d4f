"""Versions, numbers and terms on the page; test_page_versions.md tells it."""

import json
import secrets
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route
from test_gis import FULL, built, said

from cli import DETENTE
from conftest import begin
from detente.core.release import Grade, Release
from detente.node.author import Author
from detente.node.keyring import Keyring
from detente.node.submit import appended
from detente.store import Store
from http_node import Node
from nodes import around, hospital
from page import PASSWORD, WAIT_S, Seat, page_node

AT = "9/50/10"
FAR = "3/-30/-40"
SCHOOLS, WELLS = 1_100, 300
HIGH_MM = 5_000_000


def crowd(place: Path, keyring: Keyring) -> None:
    """One's schools, up to a height, and its wells, of which none is known; two may see them."""
    now, store = datetime.now(UTC), Store(place)
    with store.appending() as record:
        author = Author.following(record, "one", keyring.load("one"))
        said = []
        for number in range(SCHOOLS + WELLS):
            lon, lat = -60 + number % 40 / 10, -30 + number // 40 / 10
            is_school = number < SCHOOLS
            value = hospital(
                f"M{number}", lon, lat, party="one", release=Release(members=Grade.FULL),
                category="school" if is_school else "water",
                volumes=around(lon, lat, 0.0, upper_mm=HIGH_MM if is_school else None),
            )  # fmt: skip
            said.append(author.prepare(value, now=now, place=(secrets.token_hex(16), 1)))
        record.append(appended(one, now=now) for one in said)
    store.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A clinic in four versions, of which two was shown the first, the second and the last."""
    folder = tmp_path_factory.mktemp("versions")
    place = folder / "test.db"
    begin(place, Keyring(place))
    subprocess.run(
        [DETENTE, "account", "new", "chief", "--party", "one", "--store", place,
         "--role", "administrator"],
        input=f"{PASSWORD}\n", text=True, check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    crowd(place, Keyring(place))
    with page_node(place, folder, {"desk one": "one", "desk two": "two"}) as node:
        yield node


@pytest.fixture(scope="module")
def clinic(node: Node) -> str:
    """Its id."""
    one, two = node.party("one"), node.party("two")
    answered = said(one, "notices", hospital("Clinic", 10.0, 50.0), FULL)
    object_id: str = answered.json["object_id"]
    two.get(f"/v1/objects/{object_id}")
    versions: tuple[tuple[Any, dict[str, str] | None], ...] = (
        (hospital("Clinic", 10.1, 50.0, standoff_mm=800_000), FULL),
        (hospital("Secret ward", 10.2, 50.0), None),
        (hospital("Field ward", 10.1, 50.1), FULL),
    )
    for next_one, release in versions:
        value = {**built(next_one), "source_id": "Clinic", "release": release, "type": "notice"}
        told = one.ask("PUT", f"/v1/objects/{object_id}", {"value": value},
                       if_match=one.get(f"/v1/objects/{object_id}").headers["etag"])  # fmt: skip
        assert told.status == 200, told.body
        two.get(f"/v1/objects/{object_id}")
    return object_id


@pytest.fixture(scope="module")
def two(browser: Browser, node: Node, clinic: str) -> Iterator[Seat]:
    assert clinic
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    yield seat
    seat.leave()


def drawn_then(seat: Seat) -> tuple[float, float] | None:
    """The middle of what is drawn beside the picture, to 0.01 degrees; None of nothing."""
    found: list[float] | None = seat.page.evaluate(
        """() => document.querySelector("detente-map").map.getSource("asked").getBounds()
          .then((box) => box.isEmpty() ? null : box.getCenter().toArray())"""
    )
    return None if found is None else (round(found[0], 2), round(found[1], 2))


def rows(seat: Seat) -> dict[str, list[str]]:
    """What the table of a version says, by field."""
    seat.page.wait_for_selector("detente-version table")
    found: list[list[str]] = seat.page.evaluate(
        """() => [...document.querySelectorAll("detente-version tbody tr")].map((row) =>
          [...row.children].map((cell) => cell.innerText.replace(/\\s+/g, " ").trim()))"""
    )
    return {name: cells for name, *cells in found}


def choose(seat: Seat, version: int) -> None:
    seat.page.click(f"button[name=version-{version}]")
    seat.page.wait_for_selector(f"detente-version h4:has-text('Version {version}')")


def test_versions(two: Seat, clinic: str) -> None:
    """A version says what it said, beside the one before; what was not shown stays so"""
    page = two.page
    page.fill("input[name=text]", clinic)
    page.click("button:has-text('Find')")
    page.wait_for_selector("button[name=version-4]")
    choose(two, 2)
    found = rows(two)
    assert found["Keep off, m changed"] == ["0", "800"]
    assert found["Name"] == ["Clinic", "Clinic"]
    assert found["Place changed"] == ["", "elsewhere: drawn on the map"]
    ends = time.monotonic() + WAIT_S
    while (found_at := drawn_then(two)) != (10.1, 50.0):
        assert time.monotonic() < ends, found_at
    two.keep("version-2")
    choose(two, 3)
    page.wait_for_selector("detente-version p:has-text('was not shown to your party')")
    assert "Secret" not in page.content()
    choose(two, 4)
    page.wait_for_selector("detente-version td:has-text('Field ward')")
    assert list(rows(two)["Name"]) == ["Field ward"], "nothing is said of the third"
    choose(two, 1)
    page.wait_for_selector("detente-version p:has-text('This is the first version')")
    assert rows(two)["Keep off, m" if "Keep off, m" in rows(two) else "Name"]
    page.click("button[name=version-1]")
    page.wait_for_selector("detente-version", state="detached")


def test_slow(two: Seat, clinic: str) -> None:
    """Until a version has come, nothing is said under its name"""
    page, waiting = two.page, list[Route]()

    def hold(route: Route) -> None:
        waiting.append(route)

    page.fill("input[name=text]", clinic)
    page.click("button:has-text('Find')")
    choose(two, 3)
    two.told("detente-version", "was not shown to your party")
    page.route("**/ogc/collections/**", hold)
    page.click("button[name=version-4]")
    page.wait_for_selector("button[name=version-4][aria-pressed=true]")
    assert page.inner_text("detente-version") == ""
    ends = time.monotonic() + WAIT_S
    while len(waiting) < 2:  # It, and the one before.
        assert time.monotonic() < ends
        page.wait_for_timeout(50)
    for one in waiting:
        one.continue_()
    two.told("detente-version", "Version 4", "Field ward")
    page.unroute("**/ogc/collections/**")
    page.click("button[name=version-4]")


def test_item(node: Node, clinic: str) -> None:
    """An item of another time is as the party had been shown it by then, and refused as absent"""
    one, two = node.party("one"), node.party("two")
    history = one.get(f"/v1/objects/{clinic}/history").json["versions"]
    item = f"/ogc/collections/notices/items/{clinic}?as-of="
    second, third, fourth = (one["received"] for one in history[1:])
    assert json.loads(one.get(item + third).body)["properties"]["name"] == "Secret ward"
    two.get(item + third).refused(404, "not_found")
    before = two.get(item + history[0]["received"])
    before.refused(404, "not_found")
    assert two.get(item + second).status == 404, "shown a little later"
    now = json.loads(two.get(item.removesuffix("?as-of=")).body)["properties"]
    assert (now["version"], now["name"]) == (4, "Field ward")
    two.get(item + "2999-01-01T00:00:00Z").refused(400, "malformed_input")
    two.get(item + "yesterday").refused(400, "malformed_input")
    two.get(f"/ogc/collections/zones/items/{clinic}?as-of={fourth}").refused(404, "not_found")


def numbers(seat: Seat) -> tuple[int, int]:
    """What the map counts in clusters, and what it draws beside them, south and west."""
    found: list[int] = seat.page.evaluate(
        """async () => { const map = document.querySelector("detente-map").map;
        const idle = map.once("idle");
        map.triggerRepaint();
        await Promise.race([idle, new Promise((then) => setTimeout(then, 5000))]);
        const clusters = map.querySourceFeatures("picture", {sourceLayer: "clusters"});
        const places = new Set(map.querySourceFeatures("picture", {sourceLayer: "notices"})
          .map((one) => one.properties).filter((one) => one.name.startsWith("M"))
          .map((one) => one.object));
        const sum = new Map(clusters.map((one) =>
          [JSON.stringify(one.geometry.coordinates), one.properties.count]));
        return [[...sum.values()].reduce((all, one) => all + one, 0), places.size]; }"""
    )
    return found[0], found[1]


def wait_numbers(seat: Seat, total: int) -> tuple[int, int]:
    ends = time.monotonic() + WAIT_S
    while sum(found := numbers(seat)) != total and time.monotonic() < ends:
        pass
    assert sum(found) == total, found
    return found


def test_numbers(browser: Browser, node: Node) -> None:
    """Numbers in clusters follow the filters as marks do"""
    seat = Seat(browser, node).open(f"{FAR}&no-category=school").sign_in("desk two").ready()
    assert wait_numbers(seat, WELLS) == (0, WELLS)
    seat.keep("numbers-wells")
    page = seat.page
    page.evaluate("document.querySelector('detente-layers details:nth-of-type(2)').open = true")
    page.check("detente-layers label:has-text('school') input")
    clustered, _ = wait_numbers(seat, SCHOOLS + WELLS)
    assert clustered > SCHOOLS
    seat.keep("numbers-all")
    page.uncheck("detente-layers label:has-text('water') input")
    wait_numbers(seat, SCHOOLS)
    page.click("detente-layers summary:has-text('Altitude')")
    page.fill("input[name=filter-low]", "5001")
    page.press("input[name=filter-low]", "Tab")
    wait_numbers(seat, 0)
    page.fill("input[name=filter-low]", "5000")
    page.press("input[name=filter-low]", "Tab")
    wait_numbers(seat, SCHOOLS)
    page.click("detente-layers button:has-text('Show all')")
    wait_numbers(seat, SCHOOLS + WELLS)
    page.click("detente-layers summary:has-text('Parties')")
    page.uncheck("detente-layers label:text-is('one') input")
    wait_numbers(seat, 0)
    seat.leave()


def test_no_filter(node: Node) -> None:
    """What a filter is not is refused by name"""
    two, tile = node.party("two"), "/ogc/tiles/WebMercatorQuad/3/4/2"
    whole = two.get(tile).body
    assert two.get(f"{tile}?low=-1e3&no-party=nobody").body == whole
    assert len(two.get(f"{tile}?no-category=school,water").body) < len(whole)
    assert "low" in two.get(f"{tile}?low=high").refused(400, "malformed_input")["detail"]
    assert (
        "no-category"
        in two.get(f"{tile}?no-category={','.join(str(one) for one in range(1_001))}").refused(
            400, "malformed_input"
        )["detail"]
    )
    two.get(f"{tile}?no-kind=notice").refused(400, "malformed_input")


def test_terms(browser: Browser, node: Node, two: Seat) -> None:
    """The hotline's terms are changed beside what is in force, and the node's refusal is shown"""
    two.tab("admin")
    two.page.wait_for_selector(".agreement:has-text('after 60 s another desk')")
    chief = Seat(browser, node).open(AT).sign_in("chief").ready()
    chief.tab("admin")
    page = chief.page
    page.click("summary:has-text('Change the agreement')")
    page.wait_for_selector("detente-ladder td:has-text('after 300 s all members')")
    after = page.locator("detente-ladder input[name=after]")
    after.nth(2).fill("100")
    page.click("text=Put these terms on record")
    chief.told("detente-admin .refused", "rising times")
    two.told(".agreement", "after 300 s all members")
    page.fill("detente-ladder input[name=near]", "35.5")
    after.nth(0).fill("45")
    after.nth(1).fill("")
    after.nth(2).fill("400")
    page.click("button[name=add-rung]")
    after.nth(3).fill("900")
    chief.page.locator("detente-ladder fieldset").scroll_into_view_if_needed()
    chief.keep("hotline-terms")
    page.click("text=Put these terms on record")
    two.page.wait_for_selector(".agreement:has-text('within 35.5 km')")
    two.told(
        ".agreement",
        "after 45 s another desk, after 400 s all members, after 900 s all members",
    )
    terms = node.party("two").get("/v1/agreement").json["value"]["hotline"]
    assert terms["near_mm"] == 35_500_000
    assert [one["after_s"] for one in terms["ladder"]] == [45, 400, 900]
    chief.leave()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_reachable(browser: Browser, node: Node, clinic: str, language: str) -> None:
    """By keyboard alone, by night, from right to left and on a narrow screen, axe finds nothing"""
    narrow = {"width": 420, "height": 900}
    seat = Seat(browser, node, color_scheme="dark", viewport=narrow)
    seat.open(f"{AT}&object={clinic}").sign_in("desk two").ready()
    seat.page.select_option("header select", language)
    button = seat.page.locator("button[name=version-2]")
    button.focus()
    seat.page.keyboard.press("Enter")
    seat.page.wait_for_selector("detente-version table")
    seat.page.locator("detente-version").scroll_into_view_if_needed()
    seat.keep(f"version-narrow-{language}")
    assert seat.flaws() == []
    seat.leave()
    chief = Seat(browser, node, color_scheme="dark", viewport=narrow)
    chief.open(AT).sign_in("chief").ready()
    chief.page.select_option("header select", language)
    chief.tab("admin")
    chief.page.locator("detente-admin details.act summary").nth(1).press("Enter")
    chief.page.wait_for_selector("detente-ladder table")
    chief.page.locator("detente-ladder").scroll_into_view_if_needed()
    chief.keep(f"hotline-terms-{language}")
    assert chief.flaws() == []
    chief.leave()

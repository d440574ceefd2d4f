"""What the node says by a code, in the reader's language; test_page_meanings.md tells it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Route, expect
from test_gis import FULL, said

from conftest import begin
from detente.node.check import REGISTER, UNREAD
from detente.node.keyring import Keyring
from http_node import Node
from nodes import hospital
from page import Seat, page_node
from radio import Receiver

AT = "9/50/10"
WORDS = Path(__file__).parents[2] / "web" / "src" / "words"
ROWS = "name,lat,lon,plan\nWard,here,10,a\nTent,50,10,b\n"
REFUSED = 8
"""More of one reason than are listed at once."""

BUNDLE = {
    "type": "bundle",
    "objects": [
        *({"type": "location", "id": f"none{number}"} for number in range(REFUSED)),
        {
            "type": "location", "spec_version": "2.1",
            "id": "location--a6e9345f-5a15-4c29-8bb3-7dcc5d168d64",
            "created": "2026-11-24T12:00:00.000Z", "modified": "2026-11-24T12:00:00.000Z",
            "name": "Bridge (invented)", "latitude": 50.2, "longitude": 10.1,
        },
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One has a clinic, a report, and a receiver that is not there."""
    folder = tmp_path_factory.mktemp("meanings")
    place = folder / "test.db"
    begin(place, Keyring(place))
    receiver = Receiver()
    receiver.close()
    feed = f'{{name="mast", party="one", kind="sbs", address="{receiver.address}", '
    setting = f"feeds=[{feed}silent_after_s=2}}]"
    with page_node(place, folder, {"desk one": "one"}, setting) as node:
        one = node.party("one")
        said(one, "notices", hospital("Clinic", 10.0, 50.0), FULL)
        report = {"source_id": "r", "title": "Bridge shut", "text": "It is.", "language": "en"}
        path = f"/v1/objects/{one.post('/v1/reports', report).json['object_id']}"
        before = one.get(path)
        value = {**before.json["value"], "state": "corrected"}
        changed = one.ask("PUT", path, {"value": value}, if_match=f'"{before.token}"')
        assert changed.status == 200, changed.body
        yield node


@pytest.fixture(scope="module")
def turkish(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node, locale="tr").open(AT).sign_in("desk one").ready()
    yield seat
    seat.leave()


@pytest.fixture(scope="module")
def arabic(browser: Browser, node: Node) -> Iterator[Seat]:
    dark: dict[str, Any] = {"locale": "ar", "color_scheme": "dark"}
    seat = Seat(browser, node, **dark).open(AT).sign_in("desk one").ready()
    yield seat
    seat.leave()


def word(name: str, language: str = "tr") -> str:
    """What the page calls something."""
    told = (WORDS / f"{language}.ts").read_text()
    found = re.search(rf'^  "{re.escape(name)}": "(.*)",$', told, re.MULTILINE)
    assert found is not None, name
    return found[1]


def asked(seat: Seat) -> None:
    """Ask a check at the clinic."""
    seat.tab("check")
    seat.page.fill("detente-check input[name=position]", "50 00 00 N 10 00 00 E")
    seat.page.click("detente-check button.main")


def found(seat: Seat, name: str) -> None:
    """Search a name and open it."""
    seat.tab("picture")
    seat.page.fill("form.search input", name)
    seat.page.click("form.search button")
    seat.page.click(f"detente-picture .found button:has-text('{name}')")
    seat.page.wait_for_selector(f"detente-picture .details h3:has-text('{name}')")


def test_incomplete(turkish: Seat) -> None:
    """Why an answer is incomplete is told in the reader's language, with the node's own words beside it"""  # noqa: E501 - the heading's words

    def unread(route: Route) -> None:
        """The register cannot be read in full."""
        answer = route.fetch()
        lacking = {"name": REGISTER, "problem": UNREAD}
        told = {**answer.json(), "verdict": "incomplete", "sources": [lacking]}
        route.fulfill(response=answer, json=told)

    turkish.page.route("**/v1/check", unread, times=1)
    asked(turkish)
    turkish.told(".verdict.incomplete .refused", word("source.register"), UNREAD)
    turkish.keep("meanings-incomplete")


def test_rows(turkish: Seat) -> None:
    """Remarks on rows of a file name row and field in the reader's language"""
    page = turkish.page
    turkish.tab("check")
    page.fill("detente-check input[name=position]", "")
    file: FilePayload = {"name": "rows.csv", "mimeType": "text/csv", "buffer": ROWS.encode()}
    page.set_input_files("detente-check input[name=file]", files=file)
    page.click("detente-check button.main")
    turkish.told("detente-check > [role=status]", word("refused.malformed_input"))
    turkish.told(
        "detente-check ul.refused li",
        f"{word('remark-row').format(row=1)}, {word('position')} (Ward): ",
        "expected ",
    )
    page.locator("detente-check ul.refused").scroll_into_view_if_needed()
    turkish.keep("meanings-rows")
    page.set_input_files("detente-check input[name=file]", files=[])

    turkish.tab("notice")
    page.fill("detente-notice input[name=name]", "Tent")
    page.fill("detente-notice input[name=position]", "50, 10")
    page.click("detente-notice button.main")
    turkish.told(
        "dialog[open] ul.refused li",
        f"{word('remark-row').format(row=1)}, {word('position')} (Tent): {word('remark.coarse')}",
    )
    turkish.keep("meanings-doubt")
    assert turkish.flaws() == []
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_bundle(turkish: Seat) -> None:
    """What was refused of a bundle is told by reason in the reader's language, the first at once"""
    page = turkish.page
    turkish.tab("exchange")
    file: FilePayload = {
        "name": "b.json",
        "mimeType": "application/json",
        "buffer": json.dumps(BUNDLE).encode(),
    }
    page.set_input_files("detente-report-form input[name=file]", files=file)
    page.click("detente-report-form button:has-text('STIX')")
    group = "detente-report-form .refused .not-taken"
    why = word("speak.not-taken").format(count=REFUSED, why=word("refused.malformed_input"))
    shown = turkish.told(group, why, "none0", word("and-more").format(count=REFUSED - 5))
    assert "expected" in shown
    expect(page.locator(group)).to_have_count(1)
    expect(page.locator(f"{group} li >> visible=true")).to_have_count(5)
    turkish.told("detente-report-form .said", f"{len(BUNDLE['objects'])}")
    page.click(f"{group} summary")
    expect(page.locator(f"{group} li >> visible=true")).to_have_count(REFUSED)
    expect(page.locator(f"{group} li").last).to_contain_text(f"none{REFUSED - 1}")
    page.locator("detente-report-form .refused").scroll_into_view_if_needed()
    turkish.keep("meanings-bundle")


def test_feed(turkish: Seat) -> None:
    """Why a feed is silent is told in the reader's language"""
    turkish.tab("watch")
    turkish.told("detente-watch .alert.lost", word("problem.unreachable"), "ConnectionRefusedError")
    turkish.told("detente-watch tr.silent", word("problem.unreachable"))
    turkish.keep("meanings-feed")


def test_states(turkish: Seat) -> None:
    """States and kinds have names in the reader's language"""
    found(turkish, "Bridge shut")
    turkish.told("detente-picture .details .facts", word("look-state.corrected"))
    turkish.page.fill("form.search input", "test")
    turkish.page.click("form.search button")
    turkish.told("detente-picture .found", f"{word('kind.agreement')}, node")


def test_direction(arabic: Seat) -> None:
    """In Arabic a time and a name keep their own direction"""
    asked(arabic)
    first = "detente-check .verdict p"
    arabic.told(first)
    # Where the year is drawn, and where the seconds are: from left to right.
    places = arabic.page.evaluate(
        """(selector) => {
          const shown = document.querySelector(selector);
          const walker = document.createTreeWalker(shown, NodeFilter.SHOW_TEXT);
          let node;
          while ((node = walker.nextNode())) {
            const from = node.data.search(/20\\d\\d-/);
            if (from < 0) continue;
            const at = (start) => {
              const range = document.createRange();
              range.setStart(node, start);
              range.setEnd(node, start + 2);
              return range.getBoundingClientRect().left;
            };
            return [at(from), at(from + 5), at(from + 8), at(from + 17)];
          }
        }""",
        first,
    )
    assert places == sorted(places)
    assert len(set(places)) == 4
    assert arabic.flaws() == []
    arabic.keep("meanings-arabic")


def test_unnamed(arabic: Seat) -> None:
    """A plan without a name is called a plan in the reader's language"""
    asked(arabic)
    arabic.page.click("detente-check .verdict > button:not(.commit)")
    arabic.told("detente-check > [role=status] .said", f"{word('plan-unnamed', 'ar')} 20")


def test_lists(arabic: Seat) -> None:
    """In Arabic a list has Arabic commas, and each of its parts its own direction"""
    found(arabic, "Clinic")
    line = arabic.told("detente-picture .found small")
    assert line == f"\u2068{word('kind.notice', 'ar')}\u2069، \u2068one\u2069"
    expect(arabic.page.locator(".maplibregl-ctrl-attrib")).to_contain_text("؛")


def test_brackets(arabic: Seat) -> None:
    """In Arabic brackets in names on the map are not turned round"""
    # The map draws its letters on such a canvas, which takes its direction from the page's root.
    mirrored = arabic.page.evaluate(
        """() => {
          const drawn = (direction) => {
            const on = new OffscreenCanvas(60, 60).getContext("2d");
            on.direction = direction;
            on.font = "40px sans-serif";
            on.textAlign = "left";
            on.fillText("(", 20, 40);
            return on.getImageData(0, 0, 60, 60).data.join();
          };
          return drawn("inherit") !== drawn("ltr");
        }"""
    )
    assert not mirrored
    assert arabic.page.evaluate("getComputedStyle(document.body).direction") == "rtl"


def test_font(turkish: Seat) -> None:
    """Turkish letters are of the page's own font, where they are bold as well"""
    turkish.tab("exchange")
    assert any("latin-ext-600" in one for one in turkish.asked)


def test_controls(turkish: Seat) -> None:
    """What stands on the map by itself is named in the page's language, and turns with it"""
    page = turkish.page
    zoom = page.locator(".maplibregl-ctrl-zoom-in")
    expect(zoom).to_have_attribute("aria-label", word("map.zoom-in"))
    expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text(word("look-no-evidence"))
    page.select_option("header select", "fr")
    expect(zoom).to_have_attribute("aria-label", word("map.zoom-in", "fr"))
    expect(zoom).to_have_count(1)
    expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text(word("look-no-evidence", "fr"))
    page.select_option("header select", "tr")
    expect(zoom).to_have_attribute("aria-label", word("map.zoom-in"))


def test_keyboard(turkish: Seat) -> None:
    """A tool of the map and what was looked at are left by keyboard, and one goes on from where one was"""  # noqa: E501 - the heading's words
    page = turkish.page
    for leave in ("Escape", "Enter"):
        page.focus("[name=tool-measure]")
        page.keyboard.press("Enter")
        page.focus("section.tool input" if leave == "Escape" else "[name=tool-close]")
        page.keyboard.press(leave)
        expect(page.locator("section.tool")).to_have_count(0)
        expect(page.locator("[name=tool-measure]")).to_be_focused()
    found(turkish, "Clinic")
    page.click("detente-picture .details > .row button:last-child")
    expect(page.locator("detente-picture .details")).to_have_count(0)
    expect(page.locator("form.search input")).to_be_focused()


def test_telephone(turkish: Seat) -> None:
    """On a telephone most of the room is for the panel, whatever is told above it"""
    turkish.page.set_viewport_size({"width": 390, "height": 844})
    turkish.wait_fits()
    tall = "(selector) => document.querySelector(selector).getBoundingClientRect().height"
    work, panel = (turkish.page.evaluate(tall, one) for one in (".work", "#panel"))
    assert panel >= work * 0.55
    turkish.keep("meanings-telephone")

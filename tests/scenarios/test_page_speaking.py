"""People who speak through the page; test_page_speaking.md tells it."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from test_gis import said

from cli import DETENTE, detente
from conftest import begin
from detente.core.party import Party as Admitted
from detente.node.keyring import Keyring
from detente.node.theatre import admit
from detente.store import Store
from http_node import Node
from nodes import hospital
from page import PASSWORD, WAIT_S, Held, Seat, page_node
from world import NOW

AT = "9/36.2/37.1"
SOON_S = 20
"""How soon another browser must show it. It takes some 0.4 s; a busy machine takes longer."""

GONE = """(name) => !document.querySelector("detente-map").map.querySourceFeatures("picture",
  {sourceLayer: "notices"}).some((one) => one.properties.name === name)"""

TO_TWO: dict[str, Any] = {"parties": {"two": "full"}}
TO_THREE: dict[str, Any] = {"parties": {"three": "full"}}
LOCATION = (
    '{"type":"location","spec_version":"2.1","id":"location--a6e9345f-5a15-4c29-8bb3-7dcc5d168d64",'
    '"created":"2026-11-24T12:00:00.000Z","modified":"2026-11-24T12:00:00.000Z",'
    '"name":"Bridge at the mill (invented)","latitude":36.2000000000,"longitude":37.10}'
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Three parties; one keeps a clinic that two may see, and one of its people administers."""
    folder = tmp_path_factory.mktemp("speaking")
    place = folder / "test.db"
    begin(place, Keyring(place))
    store = Store(place)
    admit(store, Keyring(place), Admitted(id="three", name="Three"), now=NOW)
    store.close()
    subprocess.run(
        [DETENTE, "account", "new", "chief", "--party", "one", "--store", place,
         "--role", "administrator"],
        input=f"{PASSWORD}\n", text=True, check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    with page_node(place, folder, {"desk one": "one", "desk two": "two"}) as node:
        for name, lon in (("Old clinic", 37.1), ("Field ward", 37.2)):
            said(node.party("one"), "notices", hospital(name, lon, 36.2), TO_TWO)
        yield node


@pytest.fixture(scope="module")
def one(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk one").ready()
    yield seat
    seat.leave()


@pytest.fixture(scope="module")
def two(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    yield seat
    seat.leave()


def within(what: str, began: float) -> None:
    """Say how long it took until the other browser showed something."""
    took = time.perf_counter() - began
    told = f"{what}: {took * 1_000:.0f} ms until the other browser shows it"
    print(told)  # noqa: T201 - a measure, for whoever runs it
    assert took < SOON_S


def details(seat: Seat, name: str) -> None:
    """Search a name, and open it."""
    seat.tab("picture")
    seat.page.fill("form.search input", name)
    seat.page.click("form.search button")
    seat.page.click(f"detente-picture .found button:has-text('{name}')")
    seat.page.wait_for_selector(f"detente-picture .details h3:has-text('{name}')")


def to_two(seat: Seat, within_: str, grade: str = "full") -> None:
    seat.page.select_option(f"{within_} select[data-party=two]", grade)


def test_movement(one: Seat, two: Seat) -> None:
    """A convoy is entered leg by leg, each is read back, and the other desk sees it at once"""
    one.tab("notice")
    page = one.page
    page.select_option("detente-notice select[name=kind]", "movement")
    page.fill("detente-notice input[name=name]", "Convoy 7 (invented)")
    page.select_option("detente-notice select[name=category]", "convoy")
    page.click("detente-notice button.main")
    one.told("detente-notice .refused", "Give each a place")
    for position, hour in (("36 12 N 37 06 E", 10), ("36 18 N 37 09 E", 11)):
        page.fill("detente-legs input[name=position]", position)
        page.fill("input[name=leg-radius]", "300")
        page.fill("input[name=leg-start]", f"2099-05-01T{hour}:00")
        page.fill("input[name=leg-end]", f"2099-05-01T{hour + 1}:00")
        page.click("text=Add this leg")
    expect(page.locator(".legs li")).to_have_count(2)
    page.fill("input[name=vehicle_count]", "7")
    page.fill("input[name=vehicles]", "white lorries")
    page.select_option("select[name=escort]", "unarmed")
    page.fill("input[name=marking]", "blue roofs")
    page.select_option("select[name=marking_visible_day]", "true")
    page.select_option("select[name=marking_visible_thermal]", "false")
    to_two(one, "detente-notice")
    one.keep("speaking-movement")
    page.click("detente-notice button.main")
    one.told("dialog[open]", "white lorries", "unarmed", "blue roofs", "two: all of it")
    legs = page.locator("dialog .read-legs > li")
    expect(legs).to_have_count(2)
    expect(legs.nth(0)).to_contain_text("36.2000000, 37.1000000")
    expect(legs.nth(0)).to_contain_text("2099-05-01 10:00:00Z")
    expect(legs.nth(1)).to_contain_text("36.3000000, 37.1500000")
    expect(legs.nth(1)).to_contain_text("2099-05-01 12:00:00Z")
    one.keep("speaking-read-back")
    began = time.perf_counter()
    page.click("dialog[open] button.main")
    two.wait_drawn("Convoy 7 (invented)")
    within("a movement", began)
    details(two, "Convoy 7")
    two.told("detente-picture .details", "white lorries", "unarmed", "blue roofs")
    two.keep("speaking-movement-seen")


def test_nobody(one: Seat, two: Seat) -> None:
    """Nobody is shown what its author released to nobody; it is widened and narrowed later"""
    one.tab("notice")
    page = one.page
    page.fill("detente-notice input[name=name]", "Quiet clinic")
    page.fill("detente-notice input[name=position]", "36 10 N 37 02 E")
    page.click("detente-notice button.main")
    one.told("dialog[open]", "nobody")
    page.click("dialog[open] button.main")
    one.page.wait_for_selector(".said:has-text('Quiet clinic')")
    details(one, "Quiet clinic")
    assert "Quiet clinic" not in two.drawn()
    page.click("detente-picture >> text=Change who may see it")
    to_two(one, "detente-picture detente-own")
    page.select_option("detente-picture detente-own select[name=release-tlp]", "red")
    page.check("detente-picture detente-own input[name=release-control]")
    began = time.perf_counter()
    page.click("detente-picture >> text=Put the new release on record")
    two.wait_drawn("Quiet clinic")
    within("a release", began)
    one.told("detente-picture .details", "two: all of it (TLP:RED)")
    one.keep("speaking-release")
    to_two(one, "detente-picture detente-own", "area")
    page.click("detente-picture >> text=Put the new release on record")
    one.page.wait_for_selector("detente-picture .details:has-text('two: a coarse area')")
    two.tab("picture")
    two.page.fill("form.search input", "Quiet clinic")
    two.page.click("form.search button")
    two.told("detente-picture [role=status] p", "Nothing of that name")
    page.click("detente-picture >> text=Who was told of it")
    one.told("detente-picture detente-own table", "two", "all of it")
    page.click("detente-picture summary:has-text('Withdraw it')")
    page.click("detente-picture >> text=Put on record that it is withdrawn")
    one.page.wait_for_selector("detente-picture .details .said:has-text('Withdrawn')")
    one.page.wait_for_function(GONE, arg="Quiet clinic")


def test_others(one: Seat, two: Seat) -> None:
    """Own people and zones are notified likewise, and shown to whom their author says"""
    one.tab("notice")
    page = one.page
    for kind, name, place in (
        ("presence", "Survey team (invented)", "36 11 N 37 05 E"),
        ("zone", "No flights here (invented)", "36 12 N 37 04 E"),
    ):
        page.select_option("detente-notice select[name=kind]", kind)
        page.fill("detente-notice input[name=name]", name)
        page.fill("detente-notice input[name=position]", place)
        page.fill("detente-notice input[name=radius]", "500")
        if kind == "zone":
            page.select_option("detente-notice select[name=rule]", "coordinate_first")
        to_two(one, "detente-notice")
        page.click("detente-notice button.main")
        page.click("dialog[open] button.main")
        page.wait_for_selector(f".said:has-text('{name}')")
        two.wait_drawn(name)
    details(two, "No flights here")
    two.told("detente-picture .details", "coordinate first")


def test_plan(one: Seat, two: Seat) -> None:
    """A plan is filed for those whom its author names"""
    one.tab("check")
    page = one.page
    page.fill("detente-check input[name=position]", "36 13 N 37 07 E")
    page.fill("detente-check input[name=radius]", "100")
    page.fill("detente-check input[name=name]", "Survey flight (invented)")
    page.click("detente-check summary:has-text('Who may see it')")
    to_two(one, "detente-check")
    page.click("detente-check button.main")
    page.click(".verdict > button")
    page.wait_for_selector("text=Filed: Survey flight")
    two.wait_drawn("Survey flight (invented)")


def test_acknowledged(one: Seat, two: Seat) -> None:
    """The board shows levels, ages and silences, and moves when the other desk acknowledges"""
    details(two, "Field ward")
    one.tab("told")
    row = "table.board tr:has-text('Field ward'):has-text('two')"
    one.page.wait_for_selector(f"{row}:has-text('silent')")
    one.page.select_option("detente-told select[name=silent]", "all")
    two.page.click("detente-picture >> text=Acknowledge: passed on, acted on")
    two.page.fill("detente-picture detente-acknowledge input[name=to]", "Night shift")
    two.page.fill("detente-picture detente-acknowledge input[name=note]", "read out at 21:00")
    began = time.perf_counter()
    two.page.click("detente-picture >> text=it approves nothing")
    one.page.wait_for_selector(f"{row}:has-text('passed on'):has-text('Night shift')")
    within("an acknowledgement", began)
    two.told("detente-picture detente-acknowledge .said", "It means no approval")
    one.page.wait_for_selector("table.board tr:has-text('Old clinic')")
    one.page.fill("detente-told input[name=text]", "ward")
    expect(one.page.locator("table.board")).not_to_contain_text("Old clinic")
    one.told("table.board", "Field ward")
    one.keep("speaking-board")
    one.page.select_option("detente-told select[name=awaited]", "acted_on")
    one.page.select_option("detente-told select[name=silent]", "silent")
    one.page.wait_for_selector(f"{row}:has-text('passed on')")
    one.page.select_option("detente-told select[name=awaited]", "received")
    one.page.wait_for_selector(row, state="detached")


def test_overtaken(one: Seat, node: Node) -> None:
    """A board that comes late does not take the place of what was asked after it"""
    told = said(node.party("one"), "notices", hospital("Taken in", 37.25, 36.25), TO_TWO).json
    two = node.party("two")
    assert two.get(f"/v1/objects/{told['object_id']}").status == 200
    word = {"source_id": "taken in", "entry": told["leaf"], "level": "received"}
    assert two.post("/v1/acknowledgements", word).status == 201
    page, choice = one.page, "detente-told select[name=silent]"
    one.tab("told")
    page.wait_for_selector("detente-told h3")
    late = Held(one, re.compile("/v1/silence.*whom=everyone"))
    page.select_option(choice, "all")
    assert "Taken in" in late.wait().text()
    with page.expect_response(re.compile("/v1/silence.*whom=silent")):
        page.select_option(choice, "silent")
    late.let_go()
    assert "Taken in" not in page.inner_text("detente-told")


def test_reports(one: Seat, two: Seat) -> None:
    """A report goes to whom it names, under its label, and a request is answered"""
    one.tab("exchange")
    two.tab("exchange")
    page = two.page
    page.select_option("detente-report-form select[name=kind]", "asks")
    page.fill("detente-report-form input[name=title]", "Is the bridge open?")
    page.fill("detente-report-form textarea[name=asks]", "Does it carry lorries?")
    page.click("detente-report-form summary")
    page.fill("detente-report-form input[name=position]", "36 12 N 37 06 E")
    page.select_option("detente-report-form select[data-party=one]", "full")
    page.select_option("detente-report-form select[name=release-tlp]", "green")
    page.click("detente-report-form button.main")
    two.told(
        "detente-report-form dialog[open]", "36.2000000, 37.1000000", "one: all of it (TLP:GREEN)"
    )
    began = time.perf_counter()
    page.click("dialog[open] button.main")
    one.page.click(".reports button:has-text('Is the bridge open?')")
    within("a request", began)
    one.told("detente-report", "Does it carry lorries?")
    one.told(".reports li:has-text('Is the bridge open?')", "TLP:GREEN")
    one.keep("speaking-exchange")
    one.page.click("detente-report button:has-text('Answer it')")
    one.told("detente-report-form", "Answers: Is the bridge open?")
    one.page.fill("detente-report-form input[name=title]", "Bridge")
    one.page.fill("detente-report-form textarea[name=text]", "Up to 3.5 t.")
    one.page.select_option("detente-report-form select[data-party=two]", "full")
    one.page.click("detente-report-form button.main")
    one.page.click("dialog[open] button.main")
    one.page.wait_for_selector(".said:has-text('Sent: Bridge')")
    page.click(".reports button:has(span:text-is('Bridge'))")
    two.told("detente-report", "Up to 3.5 t.")
    page.wait_for_selector("detente-report:has-text('Is the bridge open?')")
    page.select_option("detente-exchange select >> nth=0", "requests")
    expect(page.locator(".reports li")).to_have_count(1)
    page.select_option("detente-exchange select >> nth=0", "all")


def test_stix(one: Seat, two: Seat, tmp_path: Path) -> None:
    """A STIX file is given as it stands, and saved to the byte at the other desk"""
    file = tmp_path / "bundle.json"
    file.write_text(f'{{"type":"bundle","objects":[{LOCATION}]}}')
    two.tab("exchange")
    page = two.page
    page.click("text=Give the STIX file")
    two.told("detente-report-form .refused", "Choose a STIX bundle first")
    page.set_input_files("detente-report-form input[type=file]", file)
    page.select_option("detente-report-form select[data-party=one]", "full")
    page.click("text=Give the STIX file")
    page.wait_for_selector("text=1 of 1 on record.")
    one.tab("exchange")
    one.page.click(".reports button:has-text('Bridge at the mill')")
    one.told("detente-report", "STIX location: Bridge at the mill")
    with one.page.expect_download() as saved:
        one.page.click("detente-report button:has-text('Save as given')")
    assert Path(saved.value.path()).read_text() == LOCATION
    file.write_text("{ no bundle")
    page.set_input_files("detente-report-form input[type=file]", file)
    page.click("text=Give the STIX file")
    two.told("detente-report-form .refused", "Refused")


def test_passing_on(one: Seat, two: Seat) -> None:
    """Nobody passes on what its author holds: it is refused, asked for, granted, and then goes"""
    details(two, "Old clinic")

    def pass_on() -> None:
        two.page.click("text=Pass it on in a report")
        two.told("detente-report-form", "Passes on: Old clinic")
        two.page.fill("detente-report-form input[name=title]", "A clinic of one's")
        two.page.fill("detente-report-form textarea[name=text]", "See there.")
        two.page.select_option("detente-report-form select[data-party=three]", "full")
        two.page.click("detente-report-form button.main")
        two.page.click("dialog[open] button.main")

    pass_on()
    two.told("detente-report-form .refused", "its author's consent")
    assert two.page.input_value("detente-report-form input[name=title]") == "A clinic of one's"
    details(two, "Old clinic")
    two.page.click("text=Ask whether it may be passed on")
    two.page.select_option("detente-speak-object select[name=to]", "three")
    two.page.fill("detente-speak-object input[name=purpose]", "three flies there")
    two.page.click("text=Ask its author")
    two.page.wait_for_selector("detente-speak-object .said")
    one.tab("exchange")
    one.told(
        ".passing li:has-text('two asks to pass on to three: Old clinic')", "three flies there"
    )
    one.page.fill(".passing input[name=condition]", "until May")
    one.page.click(".passing button:text-is('Grant')")
    one.page.wait_for_selector(".passing li:has-text('Granted. until May')")
    details(two, "Old clinic")
    pass_on()
    two.page.wait_for_selector(".said:has-text('Sent: A clinic')")


def checkpoint(seat: Seat) -> tuple[str, str]:
    """What the record's panel shows when it is opened, and the root that the log has just then."""
    seat.tab("picture")
    seat.tab("record")
    shown = seat.told(".checkpoint")
    note: str = seat.page.evaluate("fetch('/log/test/checkpoint').then((one) => one.text())")
    return shown, note.split("\n")[2]


def test_record(one: Seat, node: Node, tmp_path: Path) -> None:
    """The record shows its checkpoint and who was told, and the audit runs as it stands there"""
    depot = said(node.party("one"), "notices", hospital("Depot", 37.3, 36.2), TO_TWO).json
    word = {"source_id": "depot", "entry": depot["leaf"], "level": "passed_on", "to": "Night shift"}
    assert node.party("two").post("/v1/acknowledgements", word).status == 201
    shown, root = checkpoint(one)
    # What two's page shows meanwhile is on record as well: until it rests, the log grows.
    ends = time.monotonic() + WAIT_S
    while root not in shown and time.monotonic() < ends:
        shown, root = checkpoint(one)
    assert root in shown
    assert re.search(r"Entries\s+\d+", shown)
    assert "no witness yet" in shown
    entry = one.page.locator("li.record-entry:has-text('Depot')")
    entry.locator("summary").click()
    entry.locator("table:has-text('Night shift')").wait_for()
    expect(entry).to_contain_text("attested by the node")
    with one.page.expect_download() as saved:
        entry.locator("a[download]").click()
    proven = detente("verify", saved.value.path(), cwd=tmp_path)
    assert proven.status == 0, proven
    one.keep("speaking-record")
    command = one.page.inner_text("detente-record pre >> nth=0").split()
    assert command[:2] == ["detente", "audit"]
    ran = detente(*command[1:], "--state", tmp_path / "state.json", cwd=tmp_path)
    assert ran.status == 0, ran


def test_agreement(browser: Browser, node: Node, two: Seat) -> None:
    """All see the agreement; an administrator suspends it by writing its name, and changes it"""
    two.tab("admin")
    two.told("detente-admin", "Only an administrator")
    assert two.page.locator("detente-admin form").count() == 0
    chief = Seat(browser, node).open(AT).sign_in("chief").ready()
    chief.tab("admin")
    page = chief.page
    page.click("summary:has-text('Suspend the agreement')")
    page.fill("input[name=typed]", "another")
    page.click("form button:has-text('Suspend the agreement')")
    chief.told("detente-admin .refused", "nothing was changed")
    chief.told(".agreement", "in force")
    page.fill("input[name=typed]", "test")
    began = time.perf_counter()
    page.click("form button:has-text('Suspend the agreement')")
    two.page.wait_for_selector(".agreement:has-text('suspended since')")
    within("a suspension", began)
    report = {"source_id": "late", "title": "t", "text": "x"}
    node.party("two").post("/v1/reports", report).refused(409, "conflict")
    page.click("summary:has-text('Resume the agreement')")
    page.fill("input[name=typed]", "test")
    page.click("form button:has-text('Resume the agreement')")
    two.page.wait_for_selector(".agreement:has-text('in force')")
    page.click("summary:has-text('Change the agreement')")
    page.fill("textarea[name=separations]", "medical far 150")
    page.click("text=Put these terms on record")
    chief.told("detente-agreement .refused", "Not such a line: medical far 150")
    page.fill("textarea[name=separations]", "medical 500.5 150\n* 100 0")
    page.fill("textarea[name=leads]", "convoy 12")
    page.click("text=Put these terms on record")
    two.page.wait_for_selector(".agreement:has-text('medical: 500.5 m apart, 150 m in height')")
    two.told(".agreement", "convoy: 12 h")
    page.click("summary:has-text('Admit a party')")
    page.fill("detente-admin input[name=id]", "four")
    page.fill("form:has(input[name=id]) input[name=name]", "Four (invented)")
    page.fill("detente-admin input[name=desk]", "Duty desk of Four")
    page.fill("detente-admin textarea[name=contacts]", "+000 000 000\nVHF 16")
    chief.keep("speaking-admin")
    page.click("form button:has-text('Admit a party')")
    two.page.wait_for_selector("tr:has-text('Four (invented)'):has-text('VHF 16')")
    chief.leave()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_for_everyone(browser: Browser, node: Node, scheme: str) -> None:
    """axe finds nothing in these panels, by day, by night, in Arabic and on a narrow screen"""
    seat = Seat(browser, node, color_scheme=scheme).open(AT).sign_in("desk one").ready()
    for name in ("notice", "told", "exchange", "record", "admin"):
        seat.tab(name)
        seat.page.wait_for_selector(f"detente-{name} h2")
        for summary in seat.page.locator("[role=tabpanel] summary").all():
            if summary.is_visible():
                summary.click()
        assert seat.flaws() == [], name
        seat.keep(f"speaking-{name}-{scheme}")
    seat.tab("notice")
    seat.page.select_option("detente-notice select[name=kind]", "movement")
    assert seat.flaws() == []
    if scheme == "light":
        seat.page.select_option(".language select", "ar")
        for name in ("notice", "exchange", "record", "admin"):
            seat.tab(name)
            seat.page.wait_for_selector(f"detente-{name} h2")
            assert seat.flaws() == [], name
            seat.keep(f"speaking-{name}-ar")
    seat.page.set_viewport_size({"width": 390, "height": 800})
    for name in ("notice", "exchange"):
        seat.tab(name)
        seat.page.wait_for_selector(f"detente-{name} h2")
        seat.wait_fits()
        seat.keep(f"speaking-{name}-narrow-{scheme}")
    seat.leave()


def test_account(node: Node) -> None:
    """Only its author reads who was told of an object; to others it is absent"""
    one, two, three = (node.party(name) for name in ("one", "two", "three"))
    mine = said(one, "notices", hospital("Ledger", 38, 36), TO_THREE)
    path = f"/v1/objects/{mine.json['object_id']}"
    assert one.get(f"{path}/told").json == {
        "object": mine.json["object_id"], "disclosed": [], "acknowledged": [], "more": False,
    }  # fmt: skip
    three.get(path)
    word = {"source_id": "w", "entry": mine.json["leaf"], "level": "acted_on", "note": "done"}
    assert three.post("/v1/acknowledgements", word).status == 201
    told = one.get(f"{path}/told").json
    [shown], [acknowledged] = told["disclosed"], told["acknowledged"]
    assert (shown["to"], shown["how"], shown["grade"], shown["versions"]) == (
        "three", "read", "full", [1],
    )  # fmt: skip
    assert (acknowledged["party"], acknowledged["level"], acknowledged["note"]) == (
        "three", "acted_on", "done",
    )  # fmt: skip
    assert acknowledged["authorship"] == "attested"
    three.get(f"{path}/told").refused(403, "not_permitted")
    absent = two.get(f"/v1/objects/{'0' * 32}/told").refused(404, "not_found")
    hidden = two.get(f"{path}/told").refused(404, "not_found")
    assert set(hidden) == set(absent)
    lines = one.get("/v1/silence?level=received&whom=everyone&party=three").json["silences"]
    [line] = [each for each in lines if each.get("name") == "Ledger"]
    assert (line["level"], line["silent_s"]) == ("acted_on", 0)
    lines = one.get("/v1/silence?level=received&party=three").json["silences"]
    assert "Ledger" not in json.dumps(lines)

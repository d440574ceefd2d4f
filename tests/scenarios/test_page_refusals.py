"""What the page says when something was not done; test_page_refusals.md tells it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from test_gis import said

from conftest import begin
from detente.doors.asgi_problem import MEDIA_TYPE, body, problem
from detente.node.keyring import Keyring
from http_node import Node
from nodes import hospital
from page import Seat, lost, page_node

AT = "9/50/10"
MEANT = {
    "en": "Refused: there is a newer version than the one you saw.",
    "fr": "Refusé : il existe une version plus récente que celle que vous avez vue.",
    "ru": "Отказано: есть версия новее той, которую вы видели.",
    "ar": "رُفض: توجد نسخة أحدث من التي رأيتموها.",
    "tr": "Reddedildi: gördüğünüzden daha yeni bir sürüm var.",
    "uk": "Відмовлено: є версія, новіша за ту, яку ви бачили.",
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One has a clinic for each language."""
    folder = tmp_path_factory.mktemp("refusals")
    begin(folder / "test.db", Keyring(folder / "test.db"))
    with page_node(folder / "test.db", folder, {"desk one": "one"}) as node:
        for name in MEANT:
            said(node.party("one"), "notices", hospital(f"Clinic {name}", 10.0, 50.0), None)
        yield node


def opened(seat: Seat, name: str) -> str:
    """Search a name and open it; its object."""
    page: Page = seat.page
    page.fill("form.search input", name)
    page.click("form.search button")
    page.click(f"detente-picture .found button:has-text('{name}')")
    page.wait_for_selector(f"detente-picture .details h3:has-text('{name}')")
    page.click("detente-own details:nth-of-type(2) summary")
    return str(page.evaluate("document.querySelector('detente-own').view.object"))


@pytest.mark.parametrize("language", MEANT)
def test_meaning(browser: Browser, node: Node, language: str) -> None:
    """A refusal is told in the reader's language, with the node's own words beside it"""
    seat = Seat(browser, node, locale=language).open(AT).sign_in("desk one").ready()
    page, one = seat.page, node.party("one")
    path = f"/v1/objects/{opened(seat, f'Clinic {language}')}"
    told: list[str] = []

    def overtake(route: Route) -> None:
        """A colleague's change arrives first."""
        now = one.get(path)
        value = {**now.json["value"], "standoff_mm": 250_000}
        changed = one.ask("PUT", path, {"value": value}, if_match=f'"{now.token}"')
        assert changed.status == 200, changed.body
        answer = route.fetch()
        assert answer.status == 412
        told.append(answer.json()["detail"])
        route.fulfill(response=answer)

    page.route(f"**{path}", overtake, times=1)
    page.click("detente-own details:nth-of-type(2) form button")
    shown = seat.told("detente-own [role=status] .refused", MEANT[language])
    assert told[0] in shown
    page.locator("detente-own [role=status]").scroll_into_view_if_needed()
    seat.keep(f"refusals-{language}")
    assert seat.flaws() == []
    assert one.get(path).json["version"] == 2, "what was refused is not done"
    seat.leave()


def test_unknown(browser: Browser, node: Node) -> None:
    """Of what nobody knows whether it was done the page does not say that it was refused"""
    seat = Seat(browser, node).open(AT).sign_in("desk one").ready()
    page = seat.page
    opened(seat, "Clinic en")
    silent = problem("outcome_unknown")
    page.route(
        "**/v1/objects/*",
        lambda route: route.fulfill(status=503, content_type=MEDIA_TYPE, body=body(silent)),
        times=1,
    )
    page.click("detente-own details:nth-of-type(2) form button")
    seat.told("detente-own [role=status]", "Press again: it is done once.", silent.detail)
    expect(page.locator("detente-own [role=status]")).not_to_contain_text("Refused")
    seat.leave()


def test_pressed_again(browser: Browser, node: Node) -> None:
    """A notice, a plan and a subscription whose answer was lost are there once when sent again"""
    seat = Seat(browser, node).open(AT).sign_in("desk one").ready()
    page, one = seat.page, node.party("one")
    seat.tab("notice")
    page.fill("detente-notice input[name=name]", "Lost ward")
    page.fill("detente-notice input[name=position]", "51 00 00 N 10 00 00 E")
    page.route("**/v1/notices", lost, times=1)
    for told in ("The node does not answer", "Lost ward"):
        page.click("detente-notice button.main")
        page.click("dialog[open] button.main")
        seat.told("detente-notice > [role=status]", told)
    found = one.get("/v1/objects?kind=notice&text=Lost+ward").json
    assert [view["version"] for view in found["objects"]] == [1]

    seat.tab("check")
    page.fill("detente-check input[name=position]", "52 00 00 N 10 00 00 E")
    page.fill("detente-check input[name=name]", "Lost survey")
    page.click("detente-check button.main")
    page.route("**/v1/plans", lost, times=1)
    for told in ("The node does not answer", "Filed: Lost survey"):
        page.click("detente-check .verdict button:has-text('File as a plan')")
        seat.told("detente-check > [role=status]", told)
    found = one.get("/v1/objects?kind=plan").json
    assert [view["version"] for view in found["objects"]] == [1]

    seat.tab("told")
    page.click("summary:has-text('How your party is told')")
    page.check("detente-subscriptions input[value=zone]")
    page.route("**/v1/subscriptions", lost, times=1)
    page.click("detente-subscriptions form button")
    seat.told("detente-subscriptions .refused", "The node does not answer")
    page.click("detente-subscriptions form button")
    expect(page.locator("detente-subscriptions .refused")).to_have_count(0)
    expect(page.locator("detente-subscriptions input[value=zone]")).not_to_be_checked()
    assert len(one.get("/v1/subscriptions").json["subscriptions"]) == 1
    seat.leave()

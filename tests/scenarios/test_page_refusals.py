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
from page import Seat, page_node

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
    page.click(f".found button:has-text('{name}')")
    page.wait_for_selector(f".details h3:has-text('{name}')")
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
    shown = seat.told("detente-own [role=status]", MEANT[language])
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

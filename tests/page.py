"""A real browser at a real node: who looks, what it asked for, and what its policy stopped."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import APIResponse, Browser, Page, Route, expect, sync_playwright

from cli import DETENTE
from detente.node.keyring import Keyring
from gis import gis_node
from http_node import Node

PASSWORD = "correct horse battery"  # noqa: S105 - of a test
AXE = Path(__file__).parent.parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = Path(os.environ.get("PAGE_PICTURES", "build/pictures"))
"""Where screenshots are kept, to be looked at."""

LOADED_MS = 90_000
"""The page and its map are there within this, on a busy machine."""

WAIT_S = 60
"""All else is there within this, where it has no bar of its own."""

expect.set_options(timeout=WAIT_S * 1_000)

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

WATCHED = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (one) =>
  window.violations.push(one.violatedDirective + " " + one.blockedURI));
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a screen."""
    path = shutil.which("chromium")
    assert path is not None, "apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def page_node(
    database: Path, folder: Path, accounts: dict[str, str], *settings: str
) -> Iterator[Node]:
    """A node that people of these parties can sign in to: party by name of account."""
    keyring = Keyring(database)
    for name, party in accounts.items():
        roles = ("notifier", "planner", "liaison", "watch")
        subprocess.run(
            [DETENTE, "account", "new", name, "--party", party, "--store", database,
             *(part for role in roles for part in ("--role", role))],
            input=f"{PASSWORD}\n", text=True, check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
    with gis_node(database, keyring, folder, *settings) as node:
        yield node


_DRAWN = """new Set(["notices", "zones", "presence", "plans"].flatMap((kind) =>
  document.querySelector("detente-map").map.querySourceFeatures("picture", {sourceLayer: kind})
    .map((one) => one.properties.name ?? one.properties.grade)))"""


class Seat:
    """Somebody at a screen."""

    def __init__(self, browser: Browser, node: Node, **options: Any) -> None:
        options = {"viewport": {"width": 1100, "height": 800}, "locale": "en-GB", **options}
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(WAIT_S * 1_000)
        self.context.set_default_navigation_timeout(LOADED_MS)
        self.context.add_init_script(WATCHED)
        self.page: Page = self.context.new_page()
        self.url = node.url
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda one: self.asked.append(one.url))
        self.page.on("pageerror", lambda one: self.errors.append(str(one)))

    def open(self, at: str = "9/50/10") -> "Seat":
        """Go to the node, as people do: by its address alone."""
        self.page.goto(f"{self.url}/#at={at}")
        return self

    def sign_in(self, name: str, password: str = PASSWORD) -> "Seat":
        self.page.fill("input[name=name]", name)
        self.page.fill("input[name=password]", password)
        self.page.click("button.main")
        return self

    def ready(self) -> "Seat":
        """Wait until the map is there."""
        self.page.wait_for_selector("detente-map[data-ready]", timeout=LOADED_MS)
        return self

    def tab(self, name: str) -> None:
        self.page.click(f"#tab-{name}")
        self.page.wait_for_selector(f"#tab-{name}[aria-selected=true]")

    def told(self, selector: str, *texts: str) -> str:
        """The text of something that is to be seen, once it is there and says these."""
        shown = self.page.locator(f"{selector} >> visible=true").first
        shown.wait_for()
        for text in texts:
            expect(shown).to_contain_text(text, use_inner_text=True)
        return shown.inner_text()

    def drawn(self) -> set[str]:
        """The names of what the map shows; of an area, its grade."""
        return set(self.page.evaluate(f"() => [...{_DRAWN}]"))

    def wait_drawn(self, *names: str) -> None:
        """Wait until the map shows all of these."""
        self.page.wait_for_function(
            f"(names) => {{ const all = {_DRAWN}; return names.every((one) => all.has(one)); }}",
            arg=list(names),
        )

    def wait_draws(self, mode: str) -> None:
        """Wait until one can draw: what draws is loaded when it is wanted."""
        self.page.wait_for_function(
            """(mode) => { const {drawing} = document.querySelector("detente-map");
            return drawing?.enabled && drawing.getMode() === mode; }""",
            arg=mode,
        )

    def wait_fits(self) -> None:
        """Wait until nothing is wider than the screen: the map takes its time."""
        self.page.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth")

    def wait_taken(self) -> None:
        """Wait until the page has taken in what it was answered: another answer comes after."""
        self.page.evaluate(
            """() => fetch("/v1/session").then((one) => one.text())
              .then(() => new Promise((then) => setTimeout(then, 100)))"""
        )

    def flaws(self) -> list[str]:
        """What axe finds in what is shown now."""
        self.page.evaluate(AXE.read_text())
        found: list[dict[str, Any]] = self.page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']][:3]}"
            for one in found
        ]

    def keep(self, name: str) -> None:
        """A screenshot, to be looked at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")

    def leave(self) -> None:
        """Close; nothing may have been asked of anyone else, and nothing stopped."""
        violations = self.page.evaluate("window.violations")
        self.context.close()
        assert violations == []
        assert self.errors == []
        assert outside(self.asked, self.url) == []


class Held:
    """The answer to the next request of an address: the node has answered, and it is on its way."""

    def __init__(self, seat: Seat, address: str | re.Pattern[str]) -> None:
        self._seat, self._address = seat, address
        self._late: list[tuple[Route, APIResponse]] = []
        seat.page.route(address, self._hold, times=1)

    def _hold(self, route: Route) -> None:
        self._late.append((route, route.fetch()))

    def wait(self) -> APIResponse:
        """Wait until the node has answered; what it answered."""
        ends = time.monotonic() + WAIT_S
        while not self._late:
            assert time.monotonic() < ends, self._address
            self._seat.page.wait_for_timeout(50)
        return self._late[0][1]

    def let_go(self, **other: Any) -> None:
        """Let the page have it, or another answer, and take it in."""
        answer = self.wait()
        route, _ = self._late.pop()
        with self._seat.page.expect_response(self._address):
            route.fulfill(**(other or {"response": answer}))
        self._seat.wait_taken()


def press_twice(page: Page, selector: str) -> None:
    """Again before there is an answer."""
    page.locator(selector).first.evaluate("(one) => { one.click(); one.click(); }")


def lost(route: Route) -> None:
    """The node has it, and its answer does not arrive."""
    assert route.fetch().status == 201
    route.abort()


def outside(asked: Sequence[str], url: str) -> list[str]:
    """What was asked of anyone but the node."""
    return [one for one in asked if not one.startswith((f"{url}/", "blob:", "data:"))]

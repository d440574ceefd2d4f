"""The page in a real browser, with software rendering: ``make bench ONLY=map.first_picture``.

100,000 notices on the node, all released to whoever looks. Seconds are the browser's own, from
the start of loading the page to a map with nothing left to draw.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from layers import NOTICES, fill

from conftest import begin
from detente.node.keyring import Keyring
from detente.store import Store
from page import Seat, chromium, page_node

VIEWS = {"the world": "1.6/20/10", "a country": "6/46/2", "a town": "11/48.85/2.35"}
RUNS = 3

IDLE = """async () => {
  while (!document.querySelector("detente-map")?.map) await new Promise((r) => setTimeout(r, 5));
  const { map } = document.querySelector("detente-map");
  const drawn = () => map.loaded() && map.areTilesLoaded();
  while (!drawn()) await new Promise((r) => map.once("idle", r));
  return performance.now() / 1000;
}"""


def shown(seat: Seat, where: str) -> float:
    """Seconds from nothing to a picture, for who is signed in."""
    page = seat.context.new_page()
    page.goto(f"{seat.url}/page/#at={where}")
    seconds: float = page.evaluate(IDLE)
    page.close()
    return seconds


def measure() -> dict[str, list[float]]:
    """Seconds of each view: the reader's first, then again."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        database = folder / "test.db"
        keyring = Keyring(database)
        begin(database, keyring)
        store = Store(database)
        fill(store, keyring)
        store.close()
        with page_node(database, folder, {"desk": "two"}) as node, chromium() as browser:
            seat = Seat(browser, node).open("11/0/0").sign_in("desk").ready()
            found = {
                name: [shown(seat, where) for _ in range(1 + RUNS)] for name, where in VIEWS.items()
            }
            seat.context.close()
    return found


def first_picture() -> dict[str, object]:
    """The slowest of three views as a reader sees them for the first time."""
    found = measure()
    told = ", ".join(
        f"{name} {first:.2f} then {min(again):.2f}" for name, (first, *again) in found.items()
    )
    return {
        "value": max(times[0] for times in found.values()),
        "unit": f"s with {NOTICES:,} notices ({told})",
        "bar": "at most 2.5",
    }


FIGURES = {"map.first_picture": first_picture}

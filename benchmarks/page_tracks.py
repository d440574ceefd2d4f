"""2,000 live tracks on the page for ten minutes: ``make bench ONLY=page.tracks``.

A receiver tells of 2,000 aircraft once a second, a node watches them against 10 places, and a
real browser with software rendering draws them. Memory is measured each minute: the page's heap
after its garbage is gone, and what the browser's processes hold of the machine.
"""

import math
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import msgspec
from playwright.sync_api import Browser

from conftest import begin
from detente.core.release import Grade, Release
from detente.node.keyring import Keyring
from nodes import hospital
from page import Seat, chromium, page_node
from radio import Receiver, sbs
from tracks_page import heap_bytes

AIRCRAFT = 2_000
PLACES = 10
MINUTES = 10
FEED = 'feeds=[{{name="roof", party="one", kind="sbs", address="{}", release={{members="full"}}}}]'
AROUND = (50.0, 10.0)
SHOWN = Release(members=Grade.FULL)


class Traffic:
    """Aircraft that fly circles, each heard once a second."""

    def __init__(self, receiver: Receiver, count: int) -> None:
        self._receiver = receiver
        self._count = count
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._fly, daemon=True)
        self._thread.start()

    def _fly(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due += 1
            self._receiver.send(b"".join(self._heard(one) for one in range(self._count)))

    def _heard(self, number: int) -> bytes:
        """Around one of a grid of middles, 10 km wide, at 240 knots."""
        turned = time.monotonic() * 123.5 / 10_000 + number
        middle = AROUND[0] + number % 50 / 10 - 2.5, AROUND[1] + number // 50 / 5 - 4
        lat = middle[0] + math.cos(turned) * 0.09
        lon = middle[1] + math.sin(turned) * 0.14
        course = (math.degrees(turned) + 90) % 360
        return sbs(f"{0x400000 + number:06X}", round(lat, 5), round(lon, 5), 240, round(course))

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


def held_bytes(browser: Browser) -> dict[str, int]:
    """Resident bytes of the browser's processes, by what they do."""
    session = browser.new_browser_cdp_session()
    told = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    out: dict[str, int] = {}
    for one in told:
        pages = int(Path(f"/proc/{one['id']}/statm").read_text().split()[1])
        out[one["type"]] = out.get(one["type"], 0) + pages * 4_096
    return out


def measure(minutes: int = MINUTES, minute_s: float = 60) -> dict[str, list[Any]]:
    """Heap, processes and updates, each minute."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        receiver = Receiver()
        begin(folder / "test.db", Keyring(folder / "test.db"))
        setting = FEED.format(receiver.address)
        with (
            page_node(folder / "test.db", folder, {"desk": "two"}, setting) as node,
            chromium() as browser,
        ):
            for number in range(PLACES):
                lon, lat = 7 + number * 0.7, 49.9
                place = msgspec.to_builtins(hospital(f"Place {number}", lon, lat, release=SHOWN))
                told = node.party("two").post(
                    "/v1/notices", {key: place[key] for key in place.keys() - {"type", "party"}}
                )
                assert told.status == 201, told.body
            assert receiver.connected.wait(10)
            traffic = Traffic(receiver, AIRCRAFT)
            seat = Seat(browser, node)
            # Without a GPU a frame takes a second.
            seat.page.set_default_timeout(180_000)
            seat.open("6/50/10").sign_in("desk").ready()
            seat.tab("watch")
            seat.page.evaluate(
                "window.changes = 0;"
                "window.addEventListener('detente-watch', () => window.changes++)"
            )
            seat.page.wait_for_timeout(minute_s * 1_000)
            found = sampled(seat, browser, minutes, minute_s)
            seat.keep("watch-2000")
            seat.leave()
            traffic.stop()
        receiver.close()
    return found


def sampled(seat: Seat, browser: Browser, minutes: int, minute_s: float) -> dict[str, list[Any]]:
    """A sample at first, and one after each minute."""
    found: dict[str, list[Any]] = {"heap": [], "held": [], "changes": [], "tracks": []}
    for number in range(minutes + 1):
        if number:
            seat.page.wait_for_timeout(minute_s * 1_000)
        found["heap"].append(heap_bytes(seat.page))
        found["held"].append(held_bytes(browser))
        found["changes"].append(seat.page.evaluate("window.changes"))
        found["tracks"].append(
            seat.page.evaluate(
                """() => document.querySelector("detente-map").map
                  .getSource("tracks")._data.updateable.size"""
            )
        )
    return found


def tracks() -> dict[str, object]:
    """How much the page's heap grew in ten minutes."""
    found = measure()
    heap = [one / 1e6 for one in found["heap"]]
    held = [sum(one.values()) / 1e6 for one in found["held"]]
    rate = (found["changes"][-1] - found["changes"][0]) / (MINUTES * 60)
    return {
        "value": heap[-1] - heap[0],
        "unit": f"MB more heap after {MINUTES} min with {found['tracks'][-1]:,} tracks at 1 Hz "
        f"(heap {heap[0]:.1f} then {heap[-1]:.1f}, most {max(heap):.1f}; all processes "
        f"{held[0]:.0f} then {held[-1]:.0f} MB; {rate:.2f} updates a second)",
        "bar": "no growth",
    }


FIGURES = {"page.tracks": tracks}

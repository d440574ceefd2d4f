"""Beacons and buoys; test_page_distress.md tells it."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from pyais import encode_dict
from test_gis import FULL, said
from test_receivers import until

from detente.core.agreement import Agreement
from detente.core.party import Party
from detente.node.keyring import Keyring
from detente.node.theatre import admit, found
from detente.store import Store
from http_node import Node
from nodes import hospital
from page import WAIT_S, Seat, page_node
from radio import Receiver
from world import NOW

AT = "9/35.5/35.5"
FEED = (
    'feeds=[{{name="coast", party="one", kind="ais", address="{address}", silent_after_s=600,'
    ' release={{parties={{two="full"}}}}}}]'
)
HERE: tuple[dict[str, Any], ...] = (
    {"msg_type": 4, "mmsi": "002300001", "lon": 35.42, "lat": 35.50},
    {"msg_type": 21, "mmsi": "992300001", "lon": 35.50, "lat": 35.56, "aid_type": 24,
     "name": "PORT 1", "second": 20},
    {"msg_type": 21, "mmsi": "992300002", "lon": 35.62, "lat": 35.56, "aid_type": 25,
     "name": "PORT 2", "second": 20, "off_position": 1},
    {"msg_type": 21, "mmsi": "992360001", "lon": 35.70, "lat": 35.50, "aid_type": 28,
     "name": "WRECK", "virtual_aid": 1, "second": 60},
    {"msg_type": 1, "mmsi": "230000001", "lon": 35.36, "lat": 35.36, "speed": 12, "course": 20},
    {"msg_type": 9, "mmsi": "111230001", "lon": 35.50, "lat": 35.36, "alt": 300, "speed": 80,
     "course": 90},
    {"msg_type": 1, "mmsi": "972123456", "lon": 35.62, "lat": 35.38, "status": 14, "speed": 1,
     "course": 50, "accuracy": 1},
    {"msg_type": 1, "mmsi": "970010119", "lon": 35.74, "lat": 35.38, "status": 15, "speed": 0,
     "course": 0},
    {"msg_type": 1, "mmsi": "974000001", "lon": 35.42, "lat": 35.38, "status": 14, "speed": 25,
     "course": 0, "accuracy": 1},
)  # fmt: skip


class Sea:
    """A receiver that hears all of it, once a second."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self._over = threading.Event()
        lines = [f"{line}\r\n" for one in HERE for line in encode_dict(one, radio_channel="A")]
        self._data = "".join(lines).encode()
        self._thread = threading.Thread(target=self._tell, daemon=True)
        self._thread.start()

    def _tell(self) -> None:
        while not self._over.wait(1.0):
            self.receiver.send(self._data)

    def stop(self) -> None:
        """Tell no more: whoever listens may go."""
        self._over.set()
        self._thread.join()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("sea")
    place, keyring = folder / "test.db", Keyring(folder / "test.db")
    found(place, theatre="test", agreement=Agreement(name="test"), now=NOW, keyring=keyring)
    store = Store(place)
    for one in ("one", "two"):
        admit(store, keyring, Party(id=one, name=one.title()), now=NOW)
    store.close()
    sea = Sea()
    feed = FEED.format(address=sea.receiver.address)
    with page_node(place, folder, {"desk two": "two"}, feed) as node:
        clinic = hospital("Clinic", 35.55, 35.5, standoff_mm=25_000_000)
        said(node.party("two"), "notices", clinic, FULL)
        yield node
        sea.stop()
    sea.receiver.close()


@pytest.fixture(scope="module")
def seat(browser: Browser, node: Node) -> Iterator[Seat]:
    seat = Seat(browser, node).open(AT).sign_in("desk two").ready()
    seat.tab("watch")
    yield seat
    seat.leave()


def test_fixed(node: Node) -> None:
    """What stands where it is, and what floats, is shown, and the watch does not ask of it"""
    two = node.party("two")
    found = until(two, "/v1/tracks", lambda found: len(found["tracks"]) == len(HERE))
    kinds = {one["track"]: one["kind"] for one in found["tracks"]}
    assert kinds == {
        "002300001": "base_station", "992300001": "aid", "992300002": "aid",
        "992360001": "virtual_aid", "230000001": "ship", "111230001": "rescue",
        "972123456": "distress", "970010119": "distress_test", "974000001": "distress",
    }  # fmt: skip

    def alarmed(found: Any) -> set[str]:
        return {one["track"]["track"] for one in found["alerts"] if "track" in one}

    # One beacon is carried away at 25 knots: it floats no more.
    moving = {"230000001", "111230001", "974000001"}
    found = until(two, "/v1/alerts", lambda found: alarmed(found) >= moving)
    # The buoys and whoever is overboard are well within what the clinic asks, and no alarm.
    assert alarmed(found) == moving


def test_distress(seat: Seat) -> None:
    """A call for help is shown as one, above all else"""
    told = seat.told(
        ".distress", "Distress calls", "MOB 972123456", "AIS-SART 970010119", "974000001"
    )
    assert told.index("MOB 972123456") < told.index("AIS-SART 970010119")
    assert "said to be a test" in told
    assert "35.38000, 35.62000 ± 10 m" in told
    seat.page.click(".distress button:has-text('MOB')")
    seat.told("detente-watch .details h3", "distress beacon MOB 972123456")
    seat.keep("distress-day")


def marks(seat: Seat) -> dict[str, str]:
    """The mark of each track on the map, by its number; none before tracks are drawn at all."""
    found: list[dict[str, str]] = seat.page.evaluate(
        """() => { const map = document.querySelector("detente-map").map;
        return !map.getLayer("tracks") ? [] :
          map.queryRenderedFeatures({layers: ["tracks"]}).map((one) => one.properties); }"""
    )
    return {one["name"].split("/")[-1]: one["mark"] for one in found}


def test_aids(seat: Seat, node: Node) -> None:
    """A buoy off its place is doubted, and a virtual mark is told as one"""
    expected = {
        "002300001": "sign-base_station", "992300001": "sign-aid",
        "992300002": "sign-aid-doubted", "992360001": "sign-virtual_aid",
        "230000001": "mark-unknown-sea", "111230001": "mark-unknown-air",
        "972123456": "sign-distress", "970010119": "sign-distress_test",
        "974000001": "sign-distress",
    }  # fmt: skip
    ends = time.monotonic() + WAIT_S
    while (found := marks(seat)) != expected and time.monotonic() < ends:
        pass
    assert found == expected
    told = {one["track"]: one for one in node.party("two").get("/v1/tracks").json["tracks"]}
    assert told["992300002"]["doubts"] == ["off_position"]
    assert told["992360001"]["name"] == "WRECK"
    assert "doubts" not in told["992300001"]
    assert seat.flaws() == []


def test_languages(browser: Browser, node: Node) -> None:
    """The marks of the sea are told apart by day and by night, in Arabic and on a narrow screen"""
    seat = Seat(browser, node, color_scheme="dark").open(AT).sign_in("desk two").ready()
    seat.tab("watch")
    seat.page.wait_for_selector(".distress")
    seat.page.wait_for_timeout(1_500)  # For the picture that is kept.
    seat.keep("distress-night")
    seat.page.select_option("header select", "ar")
    seat.page.wait_for_selector(".distress h3:has-text('نداءات استغاثة')")
    assert "watch." not in seat.page.inner_text("detente-watch")
    assert seat.flaws() == []
    seat.page.set_viewport_size({"width": 390, "height": 800})
    seat.wait_fits()
    seat.keep("distress-narrow")
    seat.page.select_option("header select", "en")
    seat.leave()

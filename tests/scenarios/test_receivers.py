"""A coast guard's receivers; test_receivers.md tells it."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli import detente
from conftest import begin
from detente import verify as verifier
from detente.core.principal import Role
from detente.node.keyring import Keyring
from detente.store import Store
from forging import checked
from http_node import Node, Party, node_at
from nodes import hospital
from radio import Receiver, sbs

WAIT_S = 30
ROW = '{name="a", party="one", kind="sbs", address="h:1"}'
FEED = (
    '{{name="{name}", party="one", kind="sbs", address="{address}", silent_after_s={silent}{also}}}'
)


class Coast:
    """A node, two receivers and three parties."""

    def __init__(self, node: Node, place: Path, shown: Receiver, kept: Receiver) -> None:
        self.node, self.place, self.shown, self.kept = node, place, shown, kept
        self.one, self.two = node.party("one"), node.party("two")


@pytest.fixture(scope="module")
def coast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coast]:
    folder = tmp_path_factory.mktemp("coast")
    keyring = Keyring(folder / "test.db")
    begin(folder / "test.db", keyring)
    shown, kept = Receiver(), Receiver()
    release = ', release={parties={two="full"}}, receiver={lat=50.0, lon=10.0, range_m=300000}'
    feeds = ", ".join([
        FEED.format(name="roof", address=shown.address, silent=2, also=release),
        FEED.format(name="ship", address=kept.address, silent=600, also=""),
    ])  # fmt: skip
    with node_at(folder / "test.db", keyring, folder, f"feeds=[{feeds}]") as node:
        coast = Coast(node, folder / "test.db", shown, kept)
        said(coast.two, "St Mary", 10.0, 50.5, {"members": "full"})
        said(coast.two, "Hidden", 10.0, 51.5, None)
        assert shown.connected.wait(30)
        assert kept.connected.wait(30)
        yield coast
    shown.close()
    kept.close()


def said(party: Party, name: str, lon: float, lat: float, release: Any) -> str:
    value = msgspec.to_builtins(hospital(name, lon, lat, standoff_mm=2_000_000))
    body = {key: part for key, part in value.items() if key not in {"type", "party"}}
    told = party.post("/v1/notices", {**body, "release": release})
    assert told.status == 201, told.body
    object_id: str = told.json["object_id"]
    return object_id


def until(party: Party, path: str, good: Callable[[Any], object], send: Any = None) -> Any:
    """Ask again until it is so; ``send`` is called each time before."""
    ends = time.monotonic() + WAIT_S
    while True:
        if send is not None:
            send()
        found = party.get(path).json
        if good(found):
            return found
        assert time.monotonic() < ends, found
        time.sleep(0.2)


def tracks(found: Any) -> dict[str, Any]:
    return {one["track"]: one for one in found["tracks"]}


def near(found: Any, track: str | None, name: str | None = None) -> list[Any]:
    return [
        one
        for one in found["alerts"]
        if one.get("track", {}).get("track") == track
        and one.get("entry", {}).get("name") == name
    ]  # fmt: skip


def lines_of(screen: Any, track: str) -> list[Any]:
    """The alerts of a track on a screen, or in what changed of it."""
    return [
        alert
        for group in screen.get("groups", [])
        if group.get("track", {}).get("track") == track
        for alert in group["alerts"]
    ]


def next_of(lines: Iterator[str], event: str) -> Any:
    """The data of the next event of this name."""
    for line in lines:
        if line == f"event: {event}":
            return json.loads(next(lines).removeprefix("data: "))
    raise AssertionError("the stream ended")


def test_what_a_receiver_hears_is_shown(coast: Coast) -> None:
    """What a receiver hears is shown to its party and to whom that shows it"""
    coast.shown.send(sbs("4B1815", 50.0, 10.5, 120, 90))
    coast.kept.send(sbs("4B1816", 50.0, 10.6, 120, 90))
    found = tracks(until(coast.one, "/v1/tracks", lambda found: len(found["tracks"]) == 2))
    assert found["4b1815"] | {"time": ""} == {
        "party": "one", "feed": "roof", "track": "4b1815", "kind": "aircraft", "time": "",
        "lat": 50.0, "lon": 10.5, "accuracy_m": 370.4, "speed_m_s": 61.733, "course_deg": 90.0,
        "lower_m": found["4b1815"]["lower_m"], "upper_m": found["4b1815"]["upper_m"],
    }  # fmt: skip
    assert found["4b1815"]["lower_m"] < 10_000 * 0.3048 < found["4b1815"]["upper_m"]
    assert set(tracks(coast.two.get("/v1/tracks").json)) == {"4b1815"}
    feeds = {one["name"]: one for one in coast.one.get("/v1/alerts").json["feeds"]}
    assert (feeds["ship"]["positions"], feeds["ship"]["problem"]) == (1, "")
    assert [one["name"] for one in coast.two.get("/v1/alerts").json["feeds"]] == ["roof"]


def test_who_is_warned(coast: Coast) -> None:
    """Whoever is near what protects is warned of before, each as far as he may see"""

    def north() -> None:
        """Some 33 km south of St Mary, at 240 knots: four and a half minutes."""
        coast.shown.send(sbs("4B1820", 50.2, 10.0, 240, 0))
        # And one that nobody is shown, nearer.
        coast.kept.send(sbs("4B1821", 50.4, 10.0, 240, 0))

    found = until(
        coast.two, "/v1/alerts",
        lambda found: near(found, "4b1820", "St Mary") and near(found, None, "St Mary"), north,
    )  # fmt: skip
    (seen,) = near(found, "4b1820", "St Mary")
    assert seen["level"] == "warning"
    assert 100 < seen["time_s"] < 300
    assert 25_000 < seen["distance_m"] < 34_000
    (unnamed,) = near(found, None, "St Mary")
    assert set(unnamed) - {"leaf", "object"} == {"level", "begun", "entry", "time_s", "id"}
    assert unnamed["time_s"] % 60 == 0
    # The coast guard sees both, and what it was shown is on the record before.
    found = coast.one.get("/v1/alerts").json
    assert near(found, "4b1820", "St Mary")
    assert near(found, "4b1821", "St Mary")
    (entry,) = {one["entry"]["object"] for one in near(found, "4b1821", "St Mary")}
    store = Store(coast.place)
    with store.reading() as record:
        (sequence,) = record.history(entry)
        assert record.extents("one", [sequence]) == {sequence: 2}
    store.close()


def test_what_is_hidden_changes_nothing(coast: Coast) -> None:
    """What is hidden from a party changes nothing of what it is shown"""

    def north() -> None:
        coast.shown.send(sbs("4B1830", 51.4, 10.0, 240, 0))
        coast.kept.send(sbs("4B1831", 51.4, 11.0, 240, 0))

    found = until(coast.two, "/v1/alerts", lambda found: near(found, "4b1830", "Hidden"), north)
    assert near(found, "4b1830", "Hidden")
    found = coast.one.get("/v1/alerts").json
    assert not [one for one in found["alerts"] if one.get("track", {}).get("track") == "4b1830"]
    assert "Hidden" not in f"{found}"
    for found in (coast.two.get("/v1/alerts").json, coast.two.get("/v1/tracks").json):
        assert "4b1831" not in f"{found}"


def test_on_record(coast: Coast) -> None:
    """An alert is an entry that whom it tells takes in, and a screen hears of it at once"""

    def north() -> None:
        coast.shown.send(sbs("4B1835", 50.2, 10.0, 240, 0))

    found = until(
        coast.two, "/v1/watch",
        lambda found: [a for a in lines_of(found, "4b1835") if a.get("leaf")], north,
    )  # fmt: skip
    (alert,) = lines_of(found, "4b1835")
    leaf = alert["leaf"]
    events = [
        one
        for one in coast.two.get("/v1/events?limit=1000").json["events"]
        if one["leaf"] == leaf
    ]  # fmt: skip
    assert [(one["kind"], one["view"]["party"]) for one in events] == [("alert", "node")]
    value = events[0]["view"]["value"]
    assert (value["to"], value["level"], value["track"]["track"]) == ("two", "warning", "4b1835")
    assert value["entry"]["name"] == "St Mary"
    said = {"source_id": "seen", "entry": leaf, "level": "received"}
    # Another party's warning is not there for anybody else, and nobody warns in the node's name.
    coast.one.post("/v1/acknowledgements", said).refused(404, "not_found")
    with coast.two.stream("/v1/watch/stream") as lines:
        assert next_of(lines, "screen")["tracks"]
        took_s = []
        for level in ("received", "acted_on"):
            words = [{"party": "two", "level": level}]
            began = time.monotonic()
            told = coast.two.post(
                "/v1/acknowledgements", {**said, "source_id": level, "level": level}
            )
            assert told.status == 201
            while not any(
                one.get("acknowledged") == words
                for one in lines_of(next_of(lines, "change"), "4b1835")
            ):
                pass
            took_s.append(time.monotonic() - began)
        # The better of two: a busy machine has delays of its own.
        assert min(took_s) < 1
    found = until(
        coast.one, "/v1/watch",
        lambda found: [a for a in lines_of(found, "4b1835") if a.get("acknowledged") == words],
    )  # fmt: skip
    store = Store(coast.place)
    with store.reading() as record:
        sequence = record.sequence_of(bytes.fromhex(leaf))
        assert sequence is not None
        assert record.extents("two", [sequence]) == {sequence: 2}
        assert record.extents("one", [sequence]) == {}
    store.close()
    nobody = coast.node.party("")
    nobody.get("/v1/watch").refused(401, "not_authentic")
    nobody.get("/v1/watch/stream").refused(401, "not_authentic")


def test_proven(coast: Coast, tmp_path: Path) -> None:
    """Whoever was told an alert holds what proves it, and nothing of what others were told"""

    def north() -> None:
        coast.shown.send(sbs("4B1837", 51.3, 10.0, 240, 0))
        coast.kept.send(sbs("4B1838", 50.3, 10.0, 240, 0))

    def known(found: Any) -> list[str]:
        mine = [a["object"] for a in lines_of(found, "4b1837") if a.get("object")]
        hidden = [
            alert["object"]
            for group in found["groups"] if "track" not in group
            for alert in group["alerts"] if alert.get("object")
        ]  # fmt: skip
        return [*mine, hidden[-1]] if mine and hidden else []

    mine, unnamed = known(until(coast.two, "/v1/watch", known, north))
    watch = coast.node.party("two", Role.WATCH)
    path = f"/v1/objects/{mine}/evidence"
    first = watch.get(path)
    assert (first.status, first.headers["content-type"]) == (200, "text/html; charset=utf-8")
    said = checked(first.body)
    assert f"alert {mine} in the theatre test" in said
    assert "version 1, entry" in said
    assert "signed by node" in said
    for told in (b"4b1837", b"warning", b"Hidden of two"):
        assert told in first.body
    assert b"4b1838" not in first.body
    assert b"St Mary" not in first.body
    # Its own word comes into it, and anybody can check it with the program alone.
    history = watch.get(f"/v1/objects/{mine}/history").json["versions"]
    word = {"source_id": "seen it", "entry": history[-1]["leaf"], "level": "acted_on"}
    assert watch.post("/v1/acknowledgements", word).status == 201
    (tmp_path / "alert.html").write_bytes(watch.get(path).body)
    ran = detente("verify", "alert.html", cwd=tmp_path)
    assert ran.status == 0, ran.out
    assert "to two: " in ran.out
    assert "(the node attests: acted_on)" in ran.out
    altered = (tmp_path / "alert.html").read_bytes().replace(b"4b1837", b"4b1839")
    assert verifier.verify(altered)[0] == 1
    # Of a track that two is not shown, its evidence tells as little as its alert.
    other = watch.get(f"/v1/objects/{unnamed}/evidence")
    checked(other.body)
    assert b"St Mary" in other.body
    for hidden in (b"4b18", b"ship", b"aircraft"):
        assert hidden not in other.body
    # One reports both tracks, and holds what it was told itself; what two was told is not for it.
    for role in (Role.WATCH, Role.AUDITOR, Role.ADMINISTRATOR):
        coast.node.party("one", role).get(path).refused(404, "not_found")
    ran = detente("evidence", mine, "-o", "x.html", "--store", coast.place, cwd=coast.place.parent)
    assert ran.status == 0, ran.err
    checked((coast.place.parent / "x.html").read_bytes())


def test_a_false_position(coast: Coast) -> None:
    """A false position is shown as doubted, and where the aircraft may be instead still warns"""
    for _ in range(3):
        coast.shown.send(sbs("4B1840", 50.45, 10.0, 100, 0))
        time.sleep(0.2)
    until(coast.one, "/v1/alerts", lambda found: near(found, "4b1840", "St Mary"))
    coast.shown.send(sbs("4B1840", 49.0, 12.0, 100, 180))
    found = until(coast.two, "/v1/tracks", lambda found: tracks(found)["4b1840"]["lat"] == 49.0)
    assert tracks(found)["4b1840"]["doubts"] == ["too_fast"]
    # It is 200 km away, if that is true; and if not, it is where it was.
    time.sleep(1.5)
    coast.shown.send(sbs("4B1840", 49.0, 12.0, 100, 180))
    found = until(
        coast.two, "/v1/alerts",
        lambda found: [one for one in near(found, "4b1840", "St Mary") if one.get("doubted")],
    )  # fmt: skip
    (alert,) = near(found, "4b1840", "St Mary")
    assert alert["level"] in {"warning", "violation"}
    # Beyond what the receiver can hear.
    coast.shown.send(sbs("4B1841", 40.0, 10.0, 100, 180))
    found = until(coast.one, "/v1/tracks", lambda found: "4b1841" in tracks(found))
    assert tracks(found)["4b1841"]["doubts"] == ["out_of_range"]


def test_a_receiver_falls_silent(coast: Coast) -> None:
    """A receiver that falls silent is an alert, and one that comes back is heard again"""

    def roof(found: Any) -> Any:
        return next(one for one in found["feeds"] if one["name"] == "roof")

    coast.shown.close()
    found = until(
        coast.two, "/v1/alerts", lambda found: roof(found)["silent"] and roof(found)["problem"]
    )
    assert roof(found)["problem"] in {"closed by the receiver", "ConnectionRefusedError"}
    ends = time.monotonic() + WAIT_S
    while b"\ndetente_feeds_silent 1.0\n" not in coast.one.get("/metrics").body:
        assert time.monotonic() < ends, "no figure of a silent feed"
        time.sleep(0.1)
    coast.shown.listen()
    assert coast.shown.connected.wait(30)
    found = until(
        coast.two, "/v1/alerts", lambda found: not roof(found)["silent"],
        lambda: coast.shown.send(b"junk\r\n" + sbs("4B1850", 50.0, 9.0, 100, 180)),
    )  # fmt: skip
    assert roof(found)["problem"] == ""
    # What of it is refused is told to whoever reports it alone.
    assert roof(found)["refused"] == {}
    own = roof(coast.one.get("/v1/alerts").json)["refused"]
    assert own["line: expected MSG, SEL, ID, AIR, STA or CLK"] >= 1


@pytest.mark.parametrize(
    "row",
    [
        '{name="a", party="one", kind="sbs", address="nowhere"}',
        '{name="a", party="one", kind="readsb", address="10.0.0.1:80"}',
        '{name="a", party="one", kind="radar", address="h:1"}',
        '{name="A b", party="one", kind="sbs", address="h:1"}',
        f"{ROW}, {ROW.replace('h:1', 'h:2')}",
    ],
)
def test_a_feed_that_cannot_be_meant(tmp_path: Path, row: str) -> None:
    """A feed that cannot be meant stops the start"""
    ran = detente("serve", "--port", "0", "--set", f"feeds=[{row}]", cwd=tmp_path)
    assert ran.status == 2
    assert "feed" in ran.err

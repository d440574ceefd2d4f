"""The watch's alerts as CAP (ADR 38); test_cap_watch.md tells it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import capvalidator
import msgspec
import pytest
from test_cap_calls import alert, feed, names
from test_people import until
from test_receivers import FEED

from cap_alerts import ATOM, all_of, drawn, text, xmlsec1
from conftest import begin
from detente.core.entry import EntryKind
from detente.core.party import Desk
from detente.core.party import Party as Admitted
from detente.core.warned import Warned
from detente.core.wire import read
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.node.theatre import admit
from detente.store import Store, Stored
from gis import gis_node
from http_node import Answered, Node, Party
from nodes import hospital
from radio import Receiver, sbs
from world import NOW

CLINICS: dict[str, tuple[float, Any]] = {
    "St Mary": (50.5, {"members": "full"}),
    "Gridded": (52.5, {"members": "area"}),
    "Hidden": (54.5, None),
    "Leaving": (56.5, {"members": "full"}),
    "Shown": (58.5, {"members": "full"}),
}


class Coast:
    """A node, three receivers, three parties and some clinics of two's."""

    def __init__(self, node: Node, place: Path, receivers: dict[str, Receiver]) -> None:
        self.node, self.place, self.receivers = node, place, receivers
        self.one, self.two, self.three = (node.party(name) for name in ("one", "two", "three"))
        self.clinics = {name: self._clinic(name) for name in CLINICS}
        self._flown: dict[str, tuple[str, float]] = {}

    def _clinic(self, name: str) -> Answered:
        lat, release = CLINICS[name]
        value = msgspec.to_builtins(hospital(name, 10.0, lat, standoff_mm=2_000_000))
        body = {key: part for key, part in value.items() if key not in {"type", "party"}}
        told = self.two.post("/v1/notices", {**body, "release": release})
        assert told.status == 201, told.body
        return told

    def fly(self, track: str, lat: float, *, feed: str = "roof") -> Callable[[], None]:
        """A plane that stands at a latitude and says that it flies north at 240 knots."""

        def send() -> None:
            self._flown[track] = feed, lat
            self.receivers[feed].send(sbs(track, lat, 10.0, 240, 0))

        return send

    def heard(self) -> None:
        """All that was heard is heard again, but for what falls silent: so none is lost."""
        for track, (name, lat) in self._flown.items():
            if name != "mast":
                self.receivers[name].send(sbs(track, lat, 10.0, 240, 0))

    def warned(self, party: Party, about: str, send: Callable[[], None]) -> Any:
        """The last alert whose headline speaks of something, once there is one."""
        return self.told(party, about, lambda _: True, send)

    def told(
        self, party: Party, about: str, wanted: Callable[[Any], bool], send: Callable[[], None]
    ) -> Any:
        """The same, once the last one is as wanted."""
        found: list[Any] = []

        def there() -> bool:
            self.heard()
            send()
            found[:] = [alert(party, one) for one in titled(party, about)[-1:]]
            return bool(found) and wanted(found[0])

        until(there)
        return found[0]

    def about(self, party: Party, about: str) -> list[Any]:
        return [alert(party, one) for one in titled(party, about)]

    def recorded(self, party: str, track: str, send: Callable[[], None]) -> Stored:
        """The alert that warns a party of a track, which nobody has shown it yet."""
        found: list[Stored] = []

        def there() -> bool:
            send()
            store = Store(self.place)
            with store.reading() as record:
                for one in record.objects(EntryKind.ALERT, ended=False):
                    value = read(one.data or b"")
                    told = isinstance(value, Warned) and value.to == party and value.track
                    if told and told.track == track:
                        found.append(one)
            store.close()
            return bool(found)

        until(there)
        return found[0]

    def extent(self, party: str, sequence: int) -> int:
        """How much of an entry it is on record that a party was shown."""
        store = Store(self.place)
        with store.reading() as record:
            found = record.extents(party, [sequence])
        store.close()
        return found.get(sequence, 0)

    def change(self, name: str, **parts: object) -> None:
        told = self.clinics[name]
        path = f"/v1/objects/{told.json['object_id']}"
        value = {**self.two.get(path).json["value"], **parts}
        changed = self.two.ask("PUT", path, {"value": value}, if_match=f'"{told.token}"')
        assert changed.status == 200, changed.body
        self.clinics[name] = changed


@pytest.fixture(scope="module")
def coast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coast]:
    folder = tmp_path_factory.mktemp("cap_watch")
    place, keyring = folder / "test.db", Keyring(folder / "test.db")
    begin(place, keyring)
    store = Store(place)
    desks = (Desk(id="watch", name="Watch", contacts=("+000 3",)),)
    admit(store, keyring, Admitted(id="three", name="Three", desks=desks), now=NOW)
    store.close()
    receivers = {name: Receiver() for name in ("roof", "ship", "mast")}
    also = {"roof": ', release={parties={two="full"}}', "ship": ""}
    also["mast"] = also["roof"]
    silent = {"roof": 600, "ship": 600, "mast": 2}
    feeds = ", ".join(
        FEED.format(name=name, address=one.address, silent=silent[name], also=also[name])
        for name, one in receivers.items()
    )
    with gis_node(place, keyring, folder, f"feeds=[{feeds}]") as node:
        assert all(one.connected.wait(30) for one in receivers.values())
        yield Coast(node, place, receivers)
    for one in receivers.values():
        one.close()
    store = Store(place)
    assert audit(store).problems == []
    store.close()


def titled(party: Party, about: str) -> list[str]:
    """The alerts of the feed whose headline speaks of something, by the path of each."""
    entries = feed(party, "/v1/cap").findall(f"{ATOM}entry")
    links = [
        one.find(f"{ATOM}link").get("href")
        for one in entries
        if about in one.findtext(f"{ATOM}title")
    ]
    return [f"/v1/cap/{link.rsplit('/', 1)[1]}" for link in links]


def reference(root: Any) -> str:
    return ",".join(str(text(root, part)) for part in ("sender", "identifier", "sent"))


def path_of(root: Any) -> str:
    _, object_id, version, _ = str(text(root, "identifier")).split(".")
    return f"/v1/cap/{object_id}.{version}.xml"


def acknowledge(party: Party, root: Any, level: str) -> Answered:
    """Take in the alert's entry, whose leaf hash its history has."""
    history = party.get(f"/v1/objects/{text(root, 'incidents')}/history").json["versions"]
    said = {"source_id": f"seen {level}", "entry": history[-1]["leaf"], "level": level}
    return party.post("/v1/acknowledgements", said)


def test_said(coast: Coast, tmp_path: Path) -> None:
    """What the watch warns a party of is a valid alert, in six languages, to that party alone"""
    root = coast.warned(coast.two, "4b1820", coast.fly("4B1820", 50.2))
    said = {part: text(root, part) for part in ("sender", "msgType", "scope", "addresses")}
    assert said == {
        "sender": "node@test", "msgType": "Alert", "scope": "Private", "addresses": "two",
    }  # fmt: skip
    assert text(root, "references") is None
    assert all_of(root, "language") == ["en", "fr", "ru", "ar", "tr", "uk"]
    assert all_of(root, "headline")[:2] == [
        "Warning: 4b1820 \N{EN DASH} St Mary", "Avertissement : 4b1820 \N{EN DASH} St Mary",
    ]  # fmt: skip
    assert set(all_of(root, "value")) == {"warning"}
    assert set(all_of(root, "urgency")) == {"Immediate"}
    assert set(all_of(root, "severity") + all_of(root, "certainty")) == {"Unknown"}
    assert set(all_of(root, "responseType")) == {"Assess"}
    assert all_of(root, "expires") == []
    assert "It permits nothing" in all_of(root, "instruction")[0]
    english = all_of(root, "description")[0].split("\n")
    assert english[1] == "4b1820: reported by One, feed roof"
    assert english[2].endswith(" km to keep")
    # Some 33 km, less what it is not known by, at 123 m/s.
    assert 25 < float(english[2].split()[0]) < 34
    assert english[3] in {f"at the earliest in {count} min" for count in range(1, 5)}
    # The place that is neared, with what it asks around itself; not where the track is.
    assert all_of(root, "circle") == ["50.5,10 2.5"] * 6
    assert b"50.2" not in coast.two.get(path_of(root)).body
    # Signed, and valid by another's judgement.
    body = coast.two.get(path_of(root)).body
    assert coast.two.get(path_of(root)).body == body
    assert capvalidator.check_schema(body).passed
    pem = (Keyring(coast.place).folder / "cap.pem").read_text()
    (tmp_path / "node.pem").write_text(pem[pem.index("-----BEGIN CERTIFICATE") :])
    assert xmlsec1(body, tmp_path / "node.pem", tmp_path)
    # Nobody else has it: to three it looks as what is not there.
    other = coast.warned(coast.one, "4b1820", lambda: None)
    assert path_of(other) != path_of(root)
    assert names(coast.three) == []
    absent = coast.three.get(f"/v1/cap/{'0' * 32}.1.xml").json
    for party, hidden in ((coast.three, root), (coast.one, root), (coast.two, other)):
        told = party.get(path_of(hidden)).refused(404, "not_found")
        name = path_of(hidden).rsplit("/", 1)[1].split(".")[0]
        assert told["detail"].replace(name, "0" * 32) == absent["detail"]


def test_taken_in(coast: Coast) -> None:
    """What its reader acknowledges updates the alert, and changes no byte of another's"""
    root = coast.warned(coast.two, "4b1822", coast.fly("4B1822", 50.2))
    mine = coast.warned(coast.one, "4b1822", lambda: None)
    body, others = coast.one.get(path_of(mine)).body, names(coast.one)
    told = acknowledge(coast.two, root, "received")
    assert told.status == 201, told.body
    (after,) = coast.about(coast.two, "4b1822")
    assert text(after, "msgType") == "Update"
    assert text(after, "references") == reference(root)
    assert text(after, "incidents") == text(root, "incidents")
    english, french = all_of(after, "headline")[:2]
    assert english == "Warning: 4b1822 \N{EN DASH} St Mary; Two: received"
    assert french.endswith("; Two : reçu")
    assert all_of(after, "circle") == all_of(root, "circle")
    assert path_of(after) == f"/v1/cap/{told.json['object_id']}.1.xml"
    assert (coast.one.get(path_of(mine)).body, names(coast.one)) == (body, others)
    for party in (coast.one, coast.three):
        party.get(path_of(after)).refused(404, "not_found")
    assert acknowledge(coast.two, root, "acted_on").status == 201
    (last,) = coast.about(coast.two, "4b1822")
    assert text(last, "references") == f"{reference(root)} {reference(after)}"
    assert all_of(last, "headline")[0].endswith("; Two: acted on")
    # A page of one holds one of its reader's own, however many alerts others have.
    for party in (coast.one, coast.two):
        paged, path = list[str](), "/v1/cap?limit=1"
        while path:
            root = feed(party, path)
            links = {one.get("rel"): one.get("href") for one in root.findall(f"{ATOM}link")}
            path = "" if "next" not in links else f"/v1/cap?{links['next'].split('?')[1]}"
            entries = root.findall(f"{ATOM}entry")
            assert len(entries) == 1
            paged += [one.find(f"{ATOM}link").get("href").rsplit("/", 1)[1] for one in entries]
        assert paged == [one.rsplit("/", 1)[1] for one in names(party)]


def test_cut(coast: Coast) -> None:
    """Each alert has as much of the place and of the track as its reader may see"""
    root = coast.warned(coast.two, "4b1824", coast.fly("4B1824", 52.2))
    assert all_of(root, "circle")[0] == "52.5,10 2.5"
    mine = coast.warned(coast.one, "4b1824", lambda: None)
    assert (
        all_of(mine, "headline")[0] == "Warning: 4b1824 \N{EN DASH} something of Two: call its desk"
    )
    # One sees circles on a grid that hold the clinic, and neither how far nor how soon.
    assert "52.5,10 2.5" not in all_of(mine, "circle")
    assert all(float(one.rsplit(" ", 1)[1]) > 1 for one in all_of(mine, "circle"))
    body = coast.one.get(path_of(mine)).body
    for hidden in (b"Gridded", b"km to keep", b"min</", b"52.2"):
        assert hidden not in body
    # A track that two is not shown, near what it hides.
    hidden = coast.warned(coast.two, "Hidden", coast.fly("4B1825", 54.2, feed="ship"))
    headline = all_of(hidden, "headline")[0]
    assert headline == "Warning: a track that is not shown to you \N{EN DASH} Hidden"
    assert all_of(hidden, "circle")[0] == "54.5,10 2.5"
    body = coast.two.get(path_of(hidden)).body
    for kept in (b"4b1825", b"ship", b"km to keep", b"54.2"):
        assert kept not in body
    # One reports it, and is told nothing of what two hides.
    assert coast.about(coast.one, "4b1825") == []


def test_over(coast: Coast) -> None:
    """A level that rises updates the alert, its end cancels it, and nothing follows"""
    first = coast.warned(coast.one, "4b1826", coast.fly("4B1826", 56.2))
    risen = coast.warned(coast.one, "Violation: 4b1826", coast.fly("4B1826", 56.5))
    assert text(risen, "msgType") == "Update"
    assert text(risen, "references") == reference(first)
    assert "may be in it now" in all_of(risen, "description")[0]
    coast.change("Leaving", standing="withdrawn")
    over = coast.warned(coast.one, "Over: Violation: 4b1826", coast.fly("4B1826", 56.5))
    assert text(over, "msgType") == "Cancel"
    assert text(over, "references") == f"{reference(first)} {reference(risen)}"
    assert set(all_of(over, "urgency")) == {"Past"}
    assert all_of(over, "responseType") == all_of(over, "onset") == []
    assert "permits nothing" in all_of(over, "description")[0]
    assert "km to keep" not in all_of(over, "description")[0]
    before = names(coast.one)
    assert acknowledge(coast.one, over, "received").status == 201
    assert names(coast.one) == before
    assert reference(coast.about(coast.one, "4b1826")[0]) == reference(over)


def test_taken_back(coast: Coast) -> None:
    """What is no longer released is no longer drawn"""
    root = coast.warned(coast.one, "4b1828", coast.fly("4B1828", 58.2))
    assert drawn(root).is_empty
    assert all_of(root, "circle")[0] == "58.5,10 2.5"
    coast.change("Shown", release=None)
    again = alert(coast.one, path_of(root))
    assert all_of(again, "area") == all_of(again, "circle") == []
    # What one was told stays told.
    assert all_of(again, "headline") == all_of(root, "headline")
    over = coast.warned(coast.one, "Over: Warning: 4b1828", coast.fly("4B1828", 58.2))
    assert all_of(over, "circle") == []


def is_standing(root: Any) -> bool:
    return all_of(root, "headline")[0].startswith("Lost: ")


def is_over(root: Any, silent: Any) -> bool:
    return reference(silent) in str(text(root, "references"))


def test_silence(coast: Coast) -> None:
    """A feed that falls silent has an alert without a place, until it is heard"""
    mast = coast.fly("4B1830", 40.0, feed="mast")
    # It was silent since the node began, and is heard.
    coast.warned(coast.two, "Lost: Feed mast", lambda: None)
    coast.warned(coast.two, "Over: Lost: Feed mast", mast)
    silent = coast.told(coast.two, "Feed mast of One is silent", is_standing, lambda: None)
    assert text(silent, "msgType") == "Alert"
    assert all_of(silent, "headline")[0] == "Lost: Feed mast of One is silent"
    assert all_of(silent, "areaDesc") == []
    assert set(all_of(silent, "value")) == {"lost"}
    over = coast.told(coast.two, "Over: Lost: Feed mast", lambda root: is_over(root, silent), mast)
    assert text(over, "references") == reference(silent)
    assert coast.about(coast.three, "mast") == []


def test_on_record(coast: Coast) -> None:
    """That an alert and the place in it were shown is on record"""
    root = coast.warned(coast.one, "4b1832", coast.fly("4B1832", 50.2))
    history = coast.one.get(f"/v1/objects/{text(root, 'incidents')}/history").json["versions"]
    shown = [
        each["value"]
        for each in coast.one.get("/v1/objects?kind=delivery&limit=1000").json["objects"]
        if each["value"]["how"] == "cap"
    ]
    assert {each["to"] for each in shown} == {"one"}
    assert history[0]["leaf"] in {leaf for each in shown for leaf in each["entries"]}
    # So is one whose acknowledgement is all that the feed shows of it.
    stored = coast.recorded("one", "4b1834", coast.fly("4B1834", 50.2))
    word = {"source_id": "unseen", "entry": stored.leaf.hex(), "level": "received"}
    assert coast.one.post("/v1/acknowledgements", word).status == 201
    assert coast.extent("one", stored.sequence) == 0
    assert coast.about(coast.one, "4b1834")
    assert coast.extent("one", stored.sequence) == 2
    # The author of the clinic learns that it was shown, and to whom.
    clinic = coast.clinics["St Mary"].json["leaf"]
    mine = [
        (each["value"]["to"], each["value"].get("grade", "full"))
        for each in coast.two.get("/v1/objects?kind=delivery&limit=1000").json["objects"]
        if clinic in each["value"]["entries"]
    ]  # fmt: skip
    assert ("one", "full") in mine

"""Two organisations with MISP; test_misp.md tells it."""

import json
from collections.abc import Iterator
from hashlib import md5
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pymisp import MISPAttribute, MISPEvent, MISPObject, MISPSighting
from pymisp.tools import AttributeValidationTool

from conftest import begin
from detente.node.keyring import Keyring
from http_node import Answered, Node, Party, node_at
from taxii import SECRET, indicator, let_in

MISP: Any = AttributeValidationTool
"""What MISP makes of values, and which it takes; it has no types."""

MEMBERS = {"members": "full", "tlp": "amber"}


class Town:
    """A node; one gives, two pulls by HTTP Basic, as MISP does."""

    def __init__(self, node: Node) -> None:
        self.one, self.two = node.party("one"), node.party("two")
        self.url = node.url
        self._http = httpx.Client(base_url=node.url, auth=("two-taxii", SECRET), timeout=60)

    def give(
        self, *objects: dict[str, Any], release: Any = MEMBERS, by: Party | None = None
    ) -> None:
        """Objects of STIX, natively."""
        body = {"bundle": {"type": "bundle", "objects": objects}, "release": release}
        told = (by or self.one).post("/v1/bundles", body)
        assert told.status == 200, told.body
        assert not any(one.get("message") for one in told.json["outcomes"]), told.body

    def file(self, name: str) -> bytes:
        """A file of the feed."""
        found = self._http.get(f"/misp/{name}")
        assert found.status_code == 200, found.text
        return found.content

    def manifest(self) -> Any:
        return json.loads(self.file("manifest.json"))

    def event(self, uuid: str) -> MISPEvent:
        """An event, as PyMISP reads it."""
        event = MISPEvent()
        event.load(self.file(f"{uuid}.json").decode())
        return event

    def give_event(self, event: MISPEvent, **beside: Any) -> Answered:
        """An event, as MISP writes it."""
        return self.one.post("/v1/misp", {"Event": json.loads(event.to_json()), **beside})

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("misp")
    keyring = Keyring(folder / "test.db")
    begin(folder / "test.db", keyring)
    let_in(folder / "test.db", "two")
    with node_at(folder / "test.db", keyring, folder) as node:
        town = Town(node)
        yield town
        town.close()


def uuid_of(said: dict[str, Any]) -> str:
    return str(said["id"].partition("--")[2])


def pattern(pattern: str, language: str = "stix") -> dict[str, Any]:
    return indicator(pattern=pattern, pattern_type=language)


def place(**parts: Any) -> dict[str, Any]:
    return {
        "type": "location", "spec_version": "2.1", "id": f"location--{uuid4()}",
        "created": "2026-11-01T00:00:00.000Z", "modified": "2026-11-02T00:00:00.000Z", **parts,
    }  # fmt: skip


def sighting(of: dict[str, Any], at: str = "2026-11-20T10:00:00Z") -> dict[str, Any]:
    return {
        "type": "sighting", "spec_version": "2.1", "id": f"sighting--{uuid4()}",
        "created": at, "modified": at, "last_seen": at, "sighting_of_ref": of["id"],
    }  # fmt: skip


def misp_event(**parts: Any) -> MISPEvent:
    event = MISPEvent()
    event.from_dict(info="Invented", uuid=str(uuid4()), date="2026-11-03",
                    timestamp=1_795_000_000, **{"distribution": 3, **parts})  # fmt: skip
    return event


def added(event: MISPEvent, kind: str, value: str, **parts: Any) -> MISPAttribute:
    found = event.add_attribute(kind, value, **parts)
    assert isinstance(found, MISPAttribute)
    return found


REFUSED_THERE = {
    one: ("stix2-pattern", one)
    for one in (
        "[file:hashes.MD5 = 'ab']", "[ipv4-addr:value = 'none']", "[domain-name:value = 'a b']",
        "[email-addr:value = 'x']", "[mac-addr:value = 'zz']", "[file:name = 'a\nb']",
        "[file:name = ' x ']", "[mutex:name = '']", "[ipv4-addr:value = '1.2.3.0/255.0.0.0']",
    )
}  # fmt: skip
"""Comparisons with what MISP takes for no such value."""

SPELT_THERE = {
    "[domain-name:value = 'Больница.Example.']": ("domain", "xn--80abvlke3d3b.example"),
    "[ipv6-addr:value = '2001:DB8::/32']": ("ip-dst", "2001:db8::/32"),
    "[mac-addr:value = '00-1A-22-33-44-55']": ("mac-address", "00:1a:22:33:44:55"),
    "[email-addr:value = 'A@b.example']": ("email", "a@b.example"),
}
"""Comparisons with what MISP spells its own way."""


def test_read(town: Town) -> None:
    """PyMISP reads the feed, and each event says what its object says."""
    known = {
        "[ipv4-addr:value = '198.51.100.7']": ("ip-dst", "198.51.100.7"),
        "[domain-name:value = 'a.example']": ("domain", "a.example"),
        f"[file:hashes.'SHA-256' = '{'AB' * 32}']": ("sha256", "ab" * 32),
        r"[mutex:name = 'it\'s \\ one']": ("mutex", r"it's \ one"),
        "[a:b = 'c' OR d:e = 'f']": ("stix2-pattern", "[a:b = 'c' OR d:e = 'f']"),
    }
    known |= {**REFUSED_THERE, **SPELT_THERE}
    given = [pattern(one) for one in known]
    yara = pattern("rule r { condition: true }", "yara")
    here = place(name="Invented Gate", latitude=34.5, longitude=36.25, country="SY")
    town.give(*given, yara, here)
    listed = town.manifest()
    assert {uuid_of(one) for one in [*given, yara, here]} <= set(listed)
    assert {one["name"] for one in listed[uuid_of(here)]["Tag"]} == {"tlp:amber"}
    for one, (kind, value) in zip(given, known.values(), strict=True):
        event = town.event(uuid_of(one))
        [attribute] = event.attributes
        assert (attribute.type, attribute.value, attribute.to_ids) == (kind, value, True)
        assert int(event.distribution or 0) == 0
        # MISP leaves out what it does not take, and looks up what it keeps.
        assert MISP.modifyBeforeValidation(kind, value) == value
        assert MISP.validate(kind, value) is True
        # Whoever pulls hashes finds the value's event by them.
        line = f"{md5(value.encode(), usedforsecurity=False).hexdigest()},{uuid_of(one)}\n"
        assert line.encode() in town.file("hashes.csv")
    assert town.event(uuid_of(yara)).attributes[0].type == "yara"
    [found] = town.event(uuid_of(here)).objects
    assert found.name == "geolocation"
    values = {one.object_relation: one.value for one in found.attributes}
    assert values == {"latitude": "34.5", "longitude": "36.25", "countrycode": "SY"}
    assert found.template_uuid == MISPObject("geolocation").template_uuid


def test_sighted(town: Town) -> None:
    """A sighting stands with the indicator that was seen, and an event is of one thing."""
    seen, other = pattern("[url:value = 'https://a.example']"), pattern("[mutex:name = 'm']")
    town.give(seen, other, sighting(seen))
    [one] = town.event(uuid_of(seen)).attributes[0].sightings
    assert tuple(int(one.to_dict()[part]) for part in ("type", "date_sighting")) == (
        0,
        1_795_168_800,
    )
    town.give(sighting(seen), by=town.two)
    assert len(town.event(uuid_of(seen)).attributes[0].sightings) == 2
    assert town.event(uuid_of(other)).attributes[0].sightings == []
    # Another party's word about the same thing stands beside the first.
    town.give({**seen, "pattern": "[url:value = 'https://b.example']"}, by=town.two)
    event = town.event(uuid_of(seen))
    assert len({one.uuid for one in event.attributes}) == 2


def test_fetched_again(town: Town) -> None:
    """What is new in an event makes it newer in the manifest, and so it is fetched again."""

    def times(uuid: str) -> tuple[int, int, list[int]]:
        event = json.loads(town.file(f"{uuid}.json"))["Event"]
        inner = [int(one["timestamp"]) for one in event["Attribute"]]
        return int(town.manifest()[uuid]["timestamp"]), int(event["timestamp"]), inner

    seen = pattern("[url:value = 'https://again.example']")
    town.give(seen)
    first, *_ = times(uuid_of(seen))
    town.give(sighting(seen))
    second, told, inner = times(uuid_of(seen))
    assert first < second == told
    assert inner == [second]
    later = {**seen, "modified": "2026-11-21T00:00:00.000Z", "revoked": True}
    town.give(later, by=town.two)
    third, told, _ = times(uuid_of(seen))
    assert second < third == told
    # A sighting that he was not shown makes nothing newer.
    town.give(sighting(seen, "2026-11-22T00:00:00Z"), release=None)
    assert times(uuid_of(seen))[0] == third


def test_hidden(town: Town) -> None:
    """What is not released is in no file, and changes none."""
    shown = pattern("[domain-name:value = 'shown.example']")
    town.give(shown)
    names = ["manifest.json", "hashes.csv", f"{uuid_of(shown)}.json"]
    before = [town.file(name) for name in names]
    hidden = pattern("[domain-name:value = 'hidden.example']")
    town.give(hidden, release=None)
    town.give(sighting(shown), sighting(hidden), release={"parties": {"two": "contact"}})
    assert [town.file(name) for name in names] == before
    gone = town.two.get(f"/misp/{uuid_of(hidden)}.json").refused(404, "not_found")
    absent = town.two.get(f"/misp/{'0' * 8}-0000-0000-0000-{'0' * 12}.json")
    assert absent.refused(404, "not_found")["what"].startswith("event")
    assert "hidden" not in json.dumps(gone)
    town.two.get("/misp/other.json").refused(404, "not_found")


def test_taken_back(town: Town) -> None:
    """What its author took back is told as deleted."""
    gone = pattern("[domain-name:value = 'gone.example']")
    town.give(gone)
    town.give({**gone, "modified": "2026-12-01T00:00:00.000Z", "revoked": True})
    told = json.loads(town.file(f"{uuid_of(gone)}.json"))["Event"]["Attribute"][0]
    assert (told["deleted"], told["to_ids"]) == (True, False)
    assert uuid_of(gone).encode() not in town.file("hashes.csv")


def test_round(town: Town) -> None:
    """An event of MISP becomes reports, and comes out again as it went in."""
    event = misp_event(Tag=[{"name": "tlp:green"}, {"name": "invented:one"}])
    given = {
        "ip-src": "203.0.113.9", "hostname": "h.example", "md5": "d41d8cd98f00b204e9800998ecf8427e",
        "sigma": "title: x", "regkey": r"HKLM\It's", "ip-dst": "2001:db8::1",
    }  # fmt: skip
    for kind, value in given.items():
        attribute = added(event, kind, value, to_ids=True, comment="seen", timestamp=1_795_000_000)
        attribute.add_sighting({"uuid": str(uuid4()), "date_sighting": 1_795_000_001, "type": "0"})
    here = MISPObject("geolocation")
    for name, spelt in (
        ("latitude", "34.5"),
        ("longitude", "36.25"),
        ("region", "Invented"),
        ("altitude", "7"),
    ):
        here.add_attribute(name, spelt, to_ids=False)
    event.add_object(here)
    told = town.give_event(event, release={"members": "full", "tlp": "clear"})
    assert told.status == 200, told.body
    assert told.json["left_out"] == []
    ids = [one["id"] for one in told.json["outcomes"]]
    assert not any(one.get("message") for one in told.json["outcomes"])
    assert len(ids) == 13
    back = {}
    for name in ids:
        if name.startswith("indicator--"):
            found = town.event(name.partition("--")[2])
            assert [one.name for one in found.tags] == ["tlp:green"]
            [attribute] = found.attributes
            assert (attribute.comment, len(attribute.sightings)) == ("seen", 1)
            back[attribute.type] = attribute.value
    # A host is a domain to STIX.
    assert back == {**{k: v for k, v in given.items() if k != "hostname"}, "domain": "h.example"}
    [told_of] = town.event(str(here.uuid)).objects
    assert {one.to_dict()["object_relation"]: one.value for one in told_of.attributes} == {
        "latitude": "34.5", "longitude": "36.25", "region": "Invented", "altitude": "7",
    }  # fmt: skip
    # Given again, nothing is new; changed, it is the next version.
    again = town.give_event(event, release={"members": "full", "tlp": "clear"})
    assert [one["object"] for one in again.json["outcomes"]] == [
        one["object"] for one in told.json["outcomes"]
    ]


def test_left_out(town: Town) -> None:
    """What STIX cannot say is refused by its name, or left out by its name."""
    event = misp_event()
    added(event, "domain", "kept.example", to_ids=True)
    told = [added(event, "text", "context", to_ids=False),
            added(event, "ip-dst", "no address", to_ids=True)]  # fmt: skip
    refused = town.give_event(event, release=MEMBERS).refused(400, "malformed_input")
    assert all(str(one.uuid) in refused["detail"] for one in told)
    assert event.attributes[0].uuid not in town.manifest()
    taken = town.give_event(event, release=MEMBERS, partial=True)
    assert [one["id"] for one in taken.json["outcomes"]] == [
        f"indicator--{event.attributes[0].uuid}"
    ]
    assert [any(str(one.uuid) in name for name in taken.json["left_out"]) for one in told] == [
        True
    ] * 2
    false = MISPSighting()
    false.from_dict(uuid=str(uuid4()), type="1", date_sighting=1)
    event.attributes = event.attributes[:1]
    event.attributes[0].Sighting = [false]
    refused = town.give_event(event, release=MEMBERS).refused(400, "malformed_input")
    assert false.uuid in refused["detail"]


def test_released(town: Town) -> None:
    """No more is released than the event lets."""
    closed: list[dict[str, Any]] = [
        {"distribution": 0},
        {"distribution": 4},
        {"Tag": [{"name": "tlp:red"}]},
        {"Tag": [{"name": "tlp:unclear"}]},
    ]
    for number, parts in enumerate(closed):
        event = misp_event(**parts)
        one = added(event, "domain", f"closed{number}.example", to_ids=True)
        assert town.give_event(event, release=MEMBERS).status == 200
        town.two.get(f"/misp/{one.uuid}.json").refused(404, "not_found")
    event = misp_event()
    inner = added(event, "domain", "inner.example", to_ids=True, distribution=0)
    outer = added(event, "domain", "outer.example", to_ids=True, distribution=5)
    assert town.give_event(event, release=MEMBERS).status == 200
    town.two.get(f"/misp/{inner.uuid}.json").refused(404, "not_found")
    assert town.event(str(outer.uuid)).attributes[0].value == "outer.example"
    unsaid = misp_event()
    one = added(unsaid, "domain", "unsaid.example", to_ids=True)
    assert town.give_event(unsaid).status == 200
    town.two.get(f"/misp/{one.uuid}.json").refused(404, "not_found")


def test_no_event(town: Town) -> None:
    """What is no event is refused, and nothing is filed."""
    for body in (
        b"",
        b"[]",
        b'{"Event": {}}',
        b'{"Event": {"uuid": 1, "info": "x"}}',
        b"[" * 9_999,
    ):
        town.one.post("/v1/misp", body).refused(400, "malformed_input")
    bad = misp_event().to_dict()
    bad["Attribute"] = [{"uuid": "x", "type": "domain", "value": "a.example", "to_ids": True}]
    problem = town.one.post("/v1/misp", {"Event": bad}).refused(400, "malformed_input")
    assert "no UUID" in problem["detail"]
    assert httpx.post(f"{town.url}/v1/misp", json={}).status_code == 401


def test_on_record(town: Town) -> None:
    """Whoever was shown an event, the record says so."""
    shown = pattern("[domain-name:value = 'told.example']")
    town.give(shown)
    town.manifest()
    told = town.one.get("/v1/objects?kind=delivery&limit=1000").json["objects"]
    before = [one["value"] for one in told if one["value"]["how"] == "misp"]
    assert before[-1].get("grade") == "area"
    town.event(uuid_of(shown))
    town.event(uuid_of(shown))
    told = town.one.get("/v1/objects?kind=delivery&limit=1000").json["objects"]
    after = [one["value"] for one in told if one["value"]["how"] == "misp"]
    assert len(after) == len(before) + 1
    assert after[-1].get("grade", "full") == "full"
    assert after[-1]["entries"] == before[-1]["entries"][-1:]

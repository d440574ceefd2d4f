"""Tablets over Cursor on Target (R-02, R-08); test_cot.md tells it."""

import asyncio
import contextlib
import hashlib
import socket
import sqlite3
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import msgspec
import pytest
import takproto
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from test_people import until

from certificates import Authority
from conftest import begin
from cot import (
    PATIENCE_S,
    QUIET_S,
    Tablet,
    callsign_of,
    control,
    event,
    let_tablet_in,
    listening,
    named,
)
from detente.core.principal import Role
from detente.core.volume import Polygon, Volume
from detente.core.zone import Zone, ZoneRule
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.store import Store
from http_node import Answered, Node, Party, node_at
from nodes import hospital

with warnings.catch_warnings(action="ignore"):
    # It would like a library for downloads, which is not asked for here.
    import pytak

SETTINGS = (
    "cot_tcp=0", "cot_udp=0", "cot_tls=127.0.0.1:0", "cot_party=one", "write_timeout_s=2",
    'cot_release=[{party = "one", release = {parties = {two = "full"}}}]',
)  # fmt: skip


def digest(made: x509.Certificate) -> bytes:
    return hashlib.sha256(made.public_bytes(Encoding.DER)).digest()


class Field:
    """A node, and its tablets: plain ones of one, and ones with a certificate of each party."""

    def __init__(self, node: Node, folder: Path, place: Path) -> None:
        self.node, self.folder, self.place = node, folder, place
        self.tcp, self.tls, self.udp = (
            listening(node.served, one) for one in ("tcp", "tls", "udp")
        )
        self._open: list[Tablet] = []

    def plain(self) -> Tablet:
        self._open.append(Tablet(self.tcp))
        return self._open[-1]

    def of(self, party: str) -> Tablet:
        made = ssl.create_default_context(cafile=self.folder / "authority.pem")
        made.load_cert_chain(self.folder / f"{party}.pem", self.folder / f"{party}.key")
        self._open.append(Tablet(self.tls, made))
        return self._open[-1]

    def close(self) -> None:
        for one in self._open:
            one.close()


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """One shows its units to two; three sees nothing of either."""
    folder = tmp_path_factory.mktemp("cot")
    keyring, place = Keyring(folder / "test.db"), folder / "test.db"
    begin(place, keyring)
    authority = Authority(folder)
    authority.issue("node")
    for party in ("one", "two", "three"):
        let_tablet_in(place, party, digest(authority.issue(party)))
    let_tablet_in(place, "nobody", digest(authority.issue("nobody")))
    authority.issue("stranger")
    tls = [f"{name}={folder / file}" for name, file in (
        ("tls_certificate", "node.pem"), ("tls_key", "node.key"),
        ("tls_client_ca", "authority.pem"))]  # fmt: skip
    with node_at(place, keyring, folder, *SETTINGS, *tls) as node:
        node.url = f"https://localhost:{node.served.port}"
        field = Field(node, folder, place)
        admit = desk(field, "one", Role.ADMINISTRATOR)
        assert admit.post("/v1/parties", {"id": "three", "name": "Three"}).status == 201
        yield field
        field.close()
    store = Store(place)
    assert audit(store).problems == []
    store.close()


def desk(field: Field, name: str, *roles: Role) -> Party:
    party = field.node.party(name, *roles)
    headers = party._client.headers
    party._client.close()
    made = ssl.create_default_context(cafile=field.folder / "authority.pem")
    party._client = httpx.Client(base_url=field.node.url, headers=headers, timeout=60, verify=made)
    return party


def presences(field: Field, party: str = "one") -> dict[str, dict[str, Any]]:
    """What the record says of units, by source id."""
    found = desk(field, party).get("/v1/objects?kind=presence&limit=1000").json["objects"]
    return {one["value"]["source_id"]: one for one in found}


def test_seen(field: Field) -> None:
    """A tablet's position reaches its own party at once, and is presence in the record."""
    sender, other = field.plain(), field.of("one")
    other.greeted()
    sender.send(event("ANDROID-1", 38.3, 33.0, callsign="Alpha", detail=TRACK))
    found = other.until(named("ANDROID-1"))
    assert found.get("type") == "a-f-G-U-C"
    assert callsign_of(found) == "Alpha"
    point, track = found.find("point"), found.find("detail/track")
    assert point is not None
    assert track is not None
    assert (point.get("lat"), point.get("lon"), point.get("hae")) == (
        "33.0000000", "38.3000000", "100.000",
    )  # fmt: skip
    assert (track.get("speed"), track.get("course")) == ("3.000", "90.000")
    value = wait_for(field, "cot:ANDROID-1", 1)["value"]
    assert value["name"] == "Alpha"
    assert value["track"]["position"] == [383000000, 330000000]
    assert value["track"]["speed_max_mm_s"] == 50_000
    # Its own sender is not told of it.
    assert not [one for one in sender.events() if one.get("uid") == "ANDROID-1"]


TRACK = '<track speed="3.0" course="90.0"/>'


def test_recorded_when_it_must(field: Field) -> None:
    """What the recorded disc holds costs no entry; what leaves it is recorded at once."""
    sender = field.plain()
    sender.send(event("ANDROID-2", 38.3, 33.0))
    wait_for(field, "cot:ANDROID-2", 1)
    for number in range(20):
        sender.send(event("ANDROID-2", 38.3 + number * 1e-7, 33.0))
    time.sleep(0.5)
    assert presences(field)["cot:ANDROID-2"]["version"] == 1
    sender.send(event("ANDROID-2", 38.4, 33.0))
    wait_for(field, "cot:ANDROID-2", 2)
    sender.send(event("ANDROID-2", 38.4, 33.0, detail='<track speed="100" course="1"/>'))
    value = wait_for(field, "cot:ANDROID-2", 3)["value"]
    assert value["track"]["speed_max_mm_s"] == 125_000


def said(party: Party, kind: str, value: object, release: dict[str, Any] | None) -> Answered:
    """What a party says natively."""
    given = msgspec.json.decode(msgspec.json.encode(value), type=dict[str, Any])
    body = {name: part for name, part in given.items() if name not in {"type", "party"}}
    told = party.post(f"/v1/{kind}", {**body, "release": release})
    assert told.status == 201, told.body
    return told


def wait_for(field: Field, name: str, version: int) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = presences(field).get(name)
        if found is not None and found["version"] >= version:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{name} has no version {version}")


def test_released(field: Field) -> None:
    """Whom it is released to sees it once that is on record, and nobody else does."""
    two, three, sender = field.of("two"), field.of("three"), field.plain()
    two.greeted()
    three.greeted()
    sender.send(event("ANDROID-3", 38.5, 33.0, callsign="Charlie"))
    assert callsign_of(two.until(named("ANDROID-3"))) == "Charlie"
    # That it was shown is on the books of its author.
    found = desk(field, "one").get("/v1/objects?kind=delivery&limit=1000").json["objects"]
    assert [one for one in found if (one["value"]["to"], one["value"]["how"]) == ("two", "stream")]
    assert three.events() == []
    # What was not released does not change a byte of what three is sent.
    before = first_shown(field.of("three"))
    sender.send(event("ANDROID-3", 38.6, 33.0, callsign="Charlie"))
    sender.send(event("ANDROID-33", 38.6, 33.0))
    wait_for(field, "cot:ANDROID-33", 1)
    assert first_shown(field.of("three")) == before
    assert three.events() == []


def first_shown(tablet: Tablet) -> list[str | None]:
    """The events that one is shown when it comes, less the random name and times of each."""
    first = tablet.until(lambda _: True)
    return [one.get("type") for one in (first, *tablet.events())]


def test_connected(field: Field) -> None:
    """Whoever connects is shown what was last known, and what ends is taken away."""
    sender = field.plain()
    sender.send(event("ANDROID-4", 38.7, 33.0, callsign="Delta"))
    wait_for(field, "cot:ANDROID-4", 1)
    late = field.of("two")
    assert callsign_of(late.until(named("ANDROID-4"))) == "Delta"
    sender.send(control("t-x-d-d", '<link uid="ANDROID-4" relation="p-p" type="a-f-G"/>'))
    gone = late.until(lambda one: one.get("type") == "t-x-d-d")
    link = gone.find("detail/link")
    assert link is not None
    assert link.get("uid") == "ANDROID-4"
    assert not [one for one in field.of("two").events() if one.get("uid") == "ANDROID-4"]
    assert "cot:ANDROID-4" not in presences(field)


def test_held_until_recorded(field: Field) -> None:
    """What ends stays until that is on record, also for whoever connects in between."""
    sender, two = field.plain(), field.of("two")
    sender.send(event("ANDROID-44", 38.75, 33.0, callsign="Delta"))
    wait_for(field, "cot:ANDROID-44", 1)
    two.until(named("ANDROID-44"))
    two.read_for(2 * QUIET_S)
    other = sqlite3.connect(field.place, isolation_level=None, timeout=PATIENCE_S)
    other.execute("BEGIN IMMEDIATE")
    try:
        sender.send(control("t-x-d-d", '<link uid="ANDROID-44" relation="p-p" type="a-f-G"/>'))
        assert not [one for one in two.events(2 * QUIET_S) if one.get("type") == "t-x-d-d"]
        field.of("two").until(named("ANDROID-44"))
    finally:
        other.execute("ROLLBACK")
        other.close()
    two.until(named("ANDROID-44.over"))
    assert not [one for one in field.of("two").events() if one.get("uid") == "ANDROID-44"]


def test_shapes(field: Field) -> None:
    """Zones and notices that were released come as shapes, and go when they end."""
    two, one = field.of("two"), desk(field, "one")
    two.greeted()
    full = {"members": "full"}
    told = said(one, "notices", hospital("Field <hospital>", 38.3, 33.1), full)
    corners = ((383000000, 330000000), (384000000, 330000000), (384000000, 331000000))
    zone = Zone(source_id="z", name="Corridor", rule=ZoneRule.NO_ACTIVITY,
                volumes=(Volume(footprint=(Polygon(rings=(corners,)),)),))  # fmt: skip
    said(one, "zones", zone, full)
    said(one, "notices", hospital("Kept", 38.3, 33.1), None)
    found: dict[str, ET.Element] = {}

    def all_there(each: ET.Element) -> bool:
        if str(each.get("type")).startswith("u-d-"):
            found[callsign_of(each)] = each
        return {"Field <hospital>", "Corridor"} <= found.keys()

    two.until(all_there)
    for each in two.events():
        all_there(each)
    assert set(found) == {"Field <hospital>", "Corridor"}
    circle, form = found["Field <hospital>"], found["Corridor"]
    ellipse = circle.find("detail/shape/ellipse")
    assert ellipse is not None
    assert (circle.get("type"), ellipse.get("major")) == ("u-d-c-c", "500.000")
    assert form.get("type") == "u-d-f"
    assert len(form.findall("detail/link")) >= 4
    assert "rule no_activity" in (form.findtext("detail/remarks") or "")
    object_id = told.json["object_id"]
    answer = one.ask("DELETE", f"/v1/objects/{object_id}", None, if_match=f'"{told.token}"')
    assert answer.status == 200, answer.body
    gone = two.until(lambda each: each.get("type") == "t-x-d-d")
    assert object_id in str(gone.get("uid"))


def test_negotiated(field: Field) -> None:
    """Version 1 is offered, agreed on, and spoken; a ping is answered in either."""
    tablet, sender = field.of("two"), field.plain()
    offer = tablet.until(lambda one: one.get("type") == "t-x-takp-v")
    support = offer.find("detail/TakControl/TakProtocolSupport")
    assert support is not None
    assert support.get("version") == "1"
    tablet.send(control("t-x-c-t"))
    tablet.until(lambda one: one.get("type") == "t-x-c-t-r")
    tablet.send(control("t-x-takp-q", '<TakControl><TakRequest version="9"/></TakControl>'))
    refused = tablet.until(lambda one: one.get("type") == "t-x-takp-r")
    response = refused.find("detail/TakControl/TakResponse")
    assert response is not None
    assert response.get("status") == "false"
    tablet.read_for()
    tablet.send(control("t-x-takp-q", '<TakControl><TakRequest version="1"/></TakControl>'))
    answer = tablet.read_until(b"<TakResponse.*?</event>")
    assert answer[0].startswith(b'<TakResponse status="true"/>')
    assert answer.string[answer.end() :].strip(b"\n") == b""
    sender.send(event("ANDROID-5", 38.8, 33.0, callsign="Echo", detail=TRACK))
    found = tablet.message(lambda one: one.cotEvent.uid == "ANDROID-5").cotEvent
    assert (round(found.lon, 7), found.detail.contact.callsign) == (38.8, "Echo")
    assert (found.detail.track.speed, found.hae) == (3.0, 100.0)
    tablet.send(takproto.xml2proto(control("t-x-c-t"), takproto.TAKProtoVer.STREAM))
    tablet.message(lambda one: one.cotEvent.type == "t-x-c-t-r")


def test_unasked(field: Field) -> None:
    """Protobuf that was never agreed on is taken, over a stream and in datagrams."""
    other, sender = field.of("one"), field.plain()
    sender.send(
        bytes(takproto.xml2proto(event("PROTO-1", 38.1, 33.0), takproto.TAKProtoVer.STREAM))
    )
    assert other.until(named("PROTO-1")).get("type") == "a-f-G-U-C"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(event("UDP-1", 38.1, 33.0), field.udp)
        mesh = takproto.xml2proto(event("UDP-2", 38.1, 33.0), takproto.TAKProtoVer.MESH)
        datagrams.sendto(bytes(mesh), field.udp)
        datagrams.sendto(b"\xbf\x01\xbfnonsense", field.udp)
    for uid in ("UDP-1", "UDP-2"):
        other.until(named(uid))


def test_quarantined(field: Field) -> None:
    """What no unit can have said goes to nobody, and its sender learns why."""
    other, sender = field.of("one"), field.plain()
    other.greeted()
    bomb = b'<!DOCTYPE e [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    hostile = {
        "lat": event("X", 38.0, 999.0),
        "lon": event("X", float("nan"), 33.0),
        "stale: expected at or after start": event("X", 38.0, 33.0, stale_s=-60),
        "stale: expected within": event("X", 38.0, 33.0, stale="2126-01-01T00:00:00Z"),
        "uid": event("X" * 60_000, 38.0, 33.0),
        "no document type": bomb + event("X", 38.0, 33.0),
        "type": event("X", 38.0, 33.0, kind="a-h-G"),
        "time": event("X", 38.0, 33.0, time="yesterday"),
        "well-formed": b"<event></wrong></event>",
    }
    for one in hostile.values():
        sender.send(one)
    reasons = refused_for(field, "one", *hostile)
    assert not [one for one in reasons if "999" in one]  # No place; a time may hold it.
    assert desk(field, "two").get("/v1/quarantine").json["refused"] == []
    assert not [one for one in other.events() if one.get("uid") == "X"]
    # The connection goes on; only what cannot be parted ends it.
    sender.send(event("ANDROID-6", 38.0, 33.0))
    other.until(named("ANDROID-6"))
    sender.send(b"<event " + b"x" * 70_000)
    assert sender.is_closed()


def refused_for(field: Field, party: str, *reasons: str) -> list[str]:
    """Why things that a party said were refused, once each of these is among it."""
    asking = desk(field, party)

    def told() -> list[str]:
        return [one["reason"] for one in asking.get("/v1/quarantine").json["refused"]]

    until(lambda: all(any(reason in one for one in told()) for reason in reasons))
    return told()


def test_bound(field: Field) -> None:
    """A uid and a callsign are their first party's, and no certificate's but of a client."""
    one, two = field.plain(), field.of("two")
    one.send(event("ANDROID-7", 38.0, 33.0, callsign="Golf"))
    wait_for(field, "cot:ANDROID-7", 1)
    two.send(event("ANDROID-7", 39.0, 33.0), event("OTHER", 39.0, 33.0, callsign="Golf"))
    two.send(control("t-x-d-d", '<link uid="ANDROID-7"/>'))
    refused_for(field, "two", "uid", "callsign", "deletion")
    assert presences(field)["cot:ANDROID-7"]["value"]["track"]["position"][0] == 380000000
    assert field.of("stranger").is_closed()
    assert field.of("nobody").is_closed()


def test_slow(field: Field) -> None:
    """A client that takes nothing delays nobody, and is cut off."""
    _, other, sender = field.of("one"), field.of("one"), field.plain()
    note = "<remarks>x</remarks>"
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            other.read_for(0.1)

    # It takes all that comes, however long the sender has to wait.
    reading = threading.Thread(target=read)
    reading.start()
    deadline = time.monotonic() + 3 * PATIENCE_S
    try:
        while not field.node.served.events("cot client cut off"):
            sender.send(*(event(f"MANY-{n}", 37.0, 33.0, detail=note) for n in range(500)))
            assert time.monotonic() < deadline
    finally:
        over.set()
        reading.join()
    sender.send(event("ANDROID-8", 38.0, 33.0))
    other.until(named("ANDROID-8"))


@pytest.mark.filterwarnings("ignore:ssl.OP_NO:DeprecationWarning")  # pytak's own
@pytest.mark.parametrize(("kind", "protobuf"), [("tcp", 0), ("tcp", 1), ("tls", 0), ("tls", 1)])
def test_pytak(field: Field, kind: str, protobuf: int) -> None:
    """pytak sends and is shown, over TCP and TLS, in XML and in protobuf."""
    uid = f"PYTAK-{kind}-{protobuf}"
    other = field.of("one")
    other.greeted()
    asyncio.run(with_pytak(field, kind, protobuf, uid))
    assert other.until(named(uid)).get("type") == "a-f-G-U-C"


async def with_pytak(field: Field, kind: str, protobuf: int, uid: str) -> None:
    config = ConfigParser()
    host, port = getattr(field, kind)
    config["cot"] = {
        "COT_URL": f"{kind}://{host}:{port}", "TAK_PROTO": str(protobuf),
        "PYTAK_TLS_CLIENT_CERT": str(field.folder / "one.pem"),
        "PYTAK_TLS_CLIENT_KEY": str(field.folder / "one.key"),
        "PYTAK_TLS_CLIENT_CAFILE": str(field.folder / "authority.pem"),
        "PYTAK_TLS_SERVER_EXPECTED_HOSTNAME": "localhost",
        "PYTAK_NO_HELLO": "1",
    }  # fmt: skip
    reader, writer = await pytak.protocol_factory(config["cot"])
    sending = pytak.TXWorker(asyncio.Queue(), config["cot"], writer)
    received: asyncio.Queue[bytes] = asyncio.Queue()
    plain = ConfigParser()
    plain["cot"] = {**config["cot"], "tak_proto": "0"}
    receiving = pytak.RXWorker(received, plain["cot"], reader)
    await receiving.run_once()
    assert b"t-x-takp-v" in received.get_nowait()
    await sending.send_data(event(uid, 38.2, 33.0))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def warned_of(got: ET.Element) -> str:
    """What an alert says; nothing of what is none."""
    return (got.findtext("detail/remarks") or "") if got.get("type") == "b-a-g" else ""


def test_warned(field: Field) -> None:
    """A unit that nears a hospital warns before it is there, whoever sees both, until it is over"""
    clinic = hospital("Clinic <A>", 39.0, 34.0, standoff_mm=2_000_000)
    said(desk(field, "two"), "notices", clinic, {"parties": {"one": "full"}})
    one, two, three, sender = field.of("one"), field.of("two"), field.of("three"), field.plain()
    # Some 6 km from where it must not be, at 30 m/s: three minutes.
    north = '<track speed="30" course="0"/>'
    sender.send(event("ANDROID-9", 39.0, 33.93, callsign="India", detail=north))
    for tablet in (one, two):
        warning = tablet.until(lambda got: "Clinic <A>" in warned_of(got))
        remarks = warned_of(warning)
        assert remarks.startswith("may violate Clinic <A> of two; ")
        assert "at the earliest" in remarks
        assert callsign_of(warning) == "India"
    uid = warning.get("uid") or ""
    assert not [got for got in three.events() if warned_of(got)]
    late = field.of("two").until(named(uid))  # Whoever comes later is shown what stands.
    assert late.get("type") == "b-a-g"
    sender.send(event("x", 0, 0, kind="t-x-d-d", detail='<link uid="ANDROID-9" type="none"/>'))
    two.until(named(f"{uid}.over"))


def test_called(field: Field) -> None:
    """A call on the hotline rings on the tablets of whoever is called, until it is closed"""
    two, three = desk(field, "two"), field.of("three")
    said(two, "notices", hospital("Ward", 42.0, 36.0), None)
    one = desk(field, "one", Role.LIAISON)
    call = {
        "source_id": "call", "code": "aircraft_will_cross", "words": "two <low> aircraft",
        "volumes": [{"footprint": [
            {"type": "circle", "centre": [420_000_000, 360_000_000], "radius_mm": 300_000}]}],
    }  # fmt: skip
    tablet, own = field.of("two"), field.of("one")
    tablet.greeted()
    opened = one.post("/v1/incidents", call)
    assert opened.status == 201, opened.body
    uid = f"detente.call.{opened.json['object_id']}"
    for listener in (tablet, own, field.of("two")):  # Whoever comes later hears it as well.
        rung = listener.until(named(uid))
        assert rung.get("type") == "b-a-o-tbl"
        point = rung.find("point")
        assert point is not None
        assert (point.get("lat"), point.get("lon"), point.get("ce")) == (
            "36.0000000", "42.0000000", "300.000",
        )  # fmt: skip
        remarks = rung.findtext("detail/remarks") or ""
        assert remarks.startswith("Aircraft will cross; two <low> aircraft; opened ")
        assert rung.findtext("detail/emergency") == "one"
    assert not [got for got in three.events() if got.get("uid") == uid]
    step = {"source_id": "close", "act": "closed"}
    closed = one.post(f"/v1/incidents/{opened.json['object_id']}/steps", step)
    assert closed.status == 201, closed.body
    tablet.until(named(f"{uid}.over"))


def test_pressed(field: Field) -> None:
    """Whoever presses for help on a tablet calls, once, sees that it went out, and takes it back"""
    said(desk(field, "two"), "notices", hospital("Aid post", 43.0, 37.0), None)
    tablet, near = field.of("one"), field.of("two")
    tablet.greeted()
    near.greeted()
    name, device = "ANDROID-7-9-1-1", '<link uid="ANDROID-7" type="a-f-G-U-C" relation="p-p"/>'
    begun = time.monotonic()
    for _ in range(3):  # A tablet says it again and again; its clock is a year behind.
        tablet.send(
            event(
                name, 43.0, 37.0, kind="b-a-o-tbl", callsign="Kilo-Alert",
                detail='<emergency type="911 Alert">Kilo</emergency>' + device,
                time="2025-01-01T00:00:00Z", start="2025-01-01T00:00:00Z",
                stale="2025-01-01T00:00:10Z",
            )
        )  # fmt: skip
    heard = near.until(lambda got: "pressed on a tablet" in (got.findtext("detail/remarks") or ""))
    assert time.monotonic() - begun < PATIENCE_S
    uid = heard.get("uid") or ""
    remarks = heard.findtext("detail/remarks") or ""
    assert remarks.startswith(
        "Movement in distress; Kilo-Alert: 911 Alert, pressed on a tablet; opened "
    )
    point = heard.find("point")
    assert point is not None
    assert (point.get("lat"), point.get("lon"), point.get("ce")) == (
        "37.0000000", "43.0000000", "5.000",
    )  # fmt: skip
    tablet.until(named(uid))  # Whoever pressed sees it as well.
    lines = desk(field, "two").get("/v1/incidents?open=true").json["lines"]
    assert [one["incident"]["value"]["party"] for one in lines] == ["one"]
    tablet.send(event(name, 43.0, 37.0, kind="b-a-o-can", detail=device))
    near.until(named(f"{uid}.over"))
    tablet.until(named(f"{uid}.over"))
    # Whoever proved nothing calls nobody, and his party learns it.
    field.plain().send(event("ANDROID-8-9-1-1", 43.0, 37.0, kind="b-a-o-tbl"))
    until(lambda: any("detente.call" in one["reason"] for one in refusals(field, "one")))
    assert desk(field, "two").get("/v1/incidents?open=true").json["lines"] == []


def refusals(field: Field, party: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk(field, party).get("/v1/quarantine").json["refused"]
    return found

"""The node as the USS of whoever files elsewhere (R-02, R-08); test_uss_role.md tells it."""

import json
import time as clock
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detente.core.entry import EntryKind
from detente.core.notice import Notice
from detente.core.plan import Plan, PlanState
from detente.core.presence import Presence, Track
from detente.core.release import Grade, Release
from detente.core.report import Report, ReportState
from detente.core.volume import Circle, Corridor, Polygon, Volume
from detente.core.wire import Value, read
from detente.core.zone import Zone, ZoneRule
from detente.doors.app import peering
from detente.node import verbs
from detente.node.f3548.entities import id_of_object
from detente.node.keyring import Keyring
from detente.node.submit import Receipt
from detente.settings import Settings
from detente.store import Place
from dss import (
    AA,
    CM,
    CONSTRAINTS,
    CP,
    INTENTS,
    SA,
    SC,
    SUBSCRIPTIONS,
    USS_CONSTRAINTS,
    USS_INTENTS,
    USS_REPORTS,
    Dss,
    Json,
    Uss,
    constraint_body,
    intent_body,
    new_id,
    running,
    subscription_body,
    time,
    volume,
)
from http_node import Node, Party, node_at
from nodes import desk_of
from receiver import PeerUss, Receiver

NODE = "https://node.example"
SETTINGS = (
    f"base_url={NODE}",
    "f3548_plain_http=true",
    "webhook_http=true",
    "webhook_private=true",
)
TO_TWO = Release(parties={"two": Grade.FULL})
AT = (8.0, 47.0)


@pytest.fixture
def dss(place: Place, keyring: Keyring) -> Iterator[Dss]:
    with running(place, keyring) as found:
        yield found


@pytest.fixture
def two(dss: Dss) -> Uss:
    return dss.uss("two", SC, SA, CM, CP)


@pytest.fixture
def peer() -> Iterator[PeerUss]:
    made = PeerUss()
    yield made
    made.stop()
    assert not made.problems


def disc(lon: float = AT[0], lat: float = AT[1], radius_m: float = 300) -> Volume:
    """Some hours of tomorrow's."""
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)
    centre = (round(lon * 1e7), round(lat * 1e7))
    return Volume(
        footprint=(Circle(centre=centre, radius_mm=round(radius_m * 1_000)),),
        lower_mm=50_000,
        upper_mm=200_000,
        start=begins,
        end=begins + timedelta(hours=1),
    )


def plan(name: str, *volumes: Volume, **parts: Any) -> Plan:
    given = {"state": PlanState.ACCEPTED, "release": TO_TWO, "party": "one", **parts}
    return Plan(source_id=name, volumes=volumes or (disc(),), **given)


def zone(name: str, *volumes: Volume, **parts: Any) -> Zone:
    given = {"rule": ZoneRule.COORDINATE_FIRST, "release": TO_TWO, "party": "one", **parts}
    return Zone(source_id=name, name=name, volumes=volumes or (disc(),), **given)


def say(
    dss: Dss, value: Value, *, replacing: Receipt | None = None, key: tuple[str, ...] = ()
) -> Receipt:
    """One's word by the native door."""
    place = None
    if replacing is not None:
        place = verbs.Place(object_id=replacing.object_id, token=replacing.token)
    receipt: Receipt = dss.act(verbs.Speak(desk_of("one"), value, place, frozenset(key)))
    return receipt


def called(receipt: Receipt) -> str:
    return id_of_object(receipt.object_id)


def shown(dss: Dss, party: str, receipt: Receipt) -> int:
    """How much of an entry is on record as shown to a party; 2 is all of it."""
    with dss.engine.store.reading() as record:
        return record.extents(party, [receipt.sequence]).get(receipt.sequence, 0)


def reports(dss: Dss) -> list[Report]:
    """All reports in the register."""
    with dss.engine.store.reading() as record:
        found = [read(one.data) for one in record.objects(EntryKind.REPORT) if one.data]
    return [one for one in found if isinstance(one, Report)]


def test_details(dss: Dss, two: Uss) -> None:
    """Whoever may see all of it is told its details, and that is on record."""
    filed = say(dss, plan("a"))
    [reference] = two.query(INTENTS, volume())
    assert reference["uss_base_url"] == NODE
    assert shown(dss, "two", filed) == 0
    path = f"{USS_INTENTS}/{reference['id']}"
    given = two.ask("GET", path).ok()["operational_intent"]
    assert shown(dss, "two", filed) == 2
    assert given["reference"] == reference
    assert given["reference"]["ovn"] == filed.token
    [there] = given["details"]["volumes"]
    assert there["volume"]["outline_circle"]["radius"]["value"] == pytest.approx(300)
    assert there["volume"]["altitude_lower"]["value"] == 50
    assert "outline_polygon" not in there["volume"]
    assert given["details"]["off_nominal_volumes"] == []
    assert given["details"]["priority"] == 0
    assert dss.uss("one").ask("GET", path).ok()["operational_intent"] == given
    assert shown(dss, "one", filed) == 0, "one's own word is no disclosure"
    # Who has seen it may plan: its OVN is the one that the DSS asks for.
    two.put_intent(new_id(), intent_body()).refused(409)
    two.intent(new_id(), intent_body(key=[given["reference"]["ovn"]]))


def test_constraint_details(dss: Dss, two: Uss) -> None:
    """A zone, a notice and a presence are constraints."""
    now = datetime.now(UTC)
    track = Track(position=(80_000_000, 470_000_000), time=now, speed_max_mm_s=1_000)
    said: dict[str, Value] = {
        "zone.zone": zone("z", standoff_mm=7_000, uncertainty_mm=3_000),
        "notice.medical": Notice(
            source_id="n", name="n", category="medical", party="one", release=TO_TWO,
            volumes=(Volume(footprint=disc().footprint),),
        ),
        "presence.presence": Presence(
            source_id="p", name="p", party="one", release=TO_TWO, track=track
        ),
    }  # fmt: skip
    filed = {what: say(dss, value) for what, value in said.items()}
    missing = two.put_intent(new_id(), intent_body()).refused(409)["missing_constraints"]
    assert {one["id"] for one in missing} == {called(receipt) for receipt in filed.values()}
    for what, receipt in filed.items():
        given = two.ask("GET", f"{USS_CONSTRAINTS}/{called(receipt)}").ok()["constraint"]
        assert given["reference"] in missing
        assert given["details"]["type"] == what
        assert shown(dss, "two", receipt) == 2
        [there] = given["details"]["volumes"]
        radius = there["volume"]["outline_circle"]["radius"]["value"]
        if what == "zone.zone":
            assert radius == pytest.approx(310)
        if what == "notice.medical":
            assert there["volume"]["altitude_lower"]["value"] == -8_000
            assert there["time_end"]["value"].startswith("2200")
        if what == "presence.presence":
            assert 600 <= radius <= 700, "where it may be ten minutes on"
        two.ask("GET", f"{USS_INTENTS}/{called(receipt)}").refused(404)


def test_absent(dss: Dss, two: Uss) -> None:
    """What is withheld, ended, drafted or another's looks like what is not there."""
    area = Release(parties={"two": Grade.AREA})
    hidden = [say(dss, plan("h", release=None)), say(dss, plan("g", disc(9.0), release=area))]
    ended = say(dss, plan("e", disc(10.0)))
    dss.act(verbs.End(desk_of("one"), verbs.Place(object_id=ended.object_id, token=ended.token)))
    draft = say(dss, plan("d", disc(11.0), state=PlanState.DRAFT))
    filed = two.intent(new_id(), intent_body(volume(48.0)))
    constraint = two.put_constraint(new_id(), constraint_body(volume(48.0))).ok(201)
    names = [
        new_id(),
        "00000000-0000-1000-8000-000000000000",
        *map(called, (*hidden, ended, draft)),
        filed["id"],
        constraint["constraint_reference"]["id"],
        # What was filed by F3548 is no object's of the node's, under no name.
        *(
            id_of_object(one.object_id)
            for one in (
                dss.engine.world.airspace.intents[filed["id"]],
                dss.engine.world.airspace.constraints[constraint["constraint_reference"]["id"]],
            )
        ),
    ]
    # What is withheld has an id of its own in every version, and no details under it.
    missing = two.put_intent(new_id(), intent_body()).refused(409)
    names += [one["id"] for one in missing["missing_constraints"]]
    assert len(names) == 11
    for path, end in ((USS_INTENTS, ""), (USS_INTENTS, "/telemetry"), (USS_CONSTRAINTS, "")):
        answers = {json.dumps(two.ask("GET", f"{path}/{name}{end}").refused(404)) for name in names}
        assert len(answers) == 1
    two.ask("GET", f"{USS_INTENTS}/nothing").refused(400)
    for receipt in (*hidden, ended, draft):
        assert shown(dss, "two", receipt) == 0


def test_outlines(dss: Dss, two: Uss) -> None:
    """No shape is told smaller than it was filed."""
    ring = ((80_000_000, 470_000_000), (80_100_000, 470_000_000), (80_050_000, 470_100_000))
    hole = tuple((80_050_000 + dx, 470_030_000 + dy) for dx, dy in ((0, 0), (9_000, 0), (0, 9_000)))
    crossing = (ring[0], ring[1], (80_000_000, 470_100_000), (80_100_000, 470_100_000))
    shapes: dict[str, tuple[Any, int, list[str]]] = {
        "holed": (Polygon(rings=(ring, hole)), 0, ["polygon"] * 2),
        "widened": (Polygon(rings=(ring,)), 5_000, ["polygon"] * 4),
        "crossing": (Polygon(rings=(crossing,)), 0, ["circle"]),
        "corridor": (Corridor(line=ring, width_mm=100_000), 0, ["polygon"] * 2),
        "point": (Circle(centre=ring[0]), 0, ["circle"]),
        "standing": (Corridor(line=(ring[0],)), 0, ["circle"]),
        "detailed": (
            Corridor(line=tuple((80_000_000 + 10 * n, 470_000_000) for n in range(9_000))),
            0,
            ["circle"],
        ),
    }
    for number, (name, (shape, hazard_mm, kinds)) in enumerate(shapes.items()):
        base = disc()
        there = msgspec.structs.replace(
            base,
            footprint=(shape,),
            start=base.start + timedelta(days=number),  # type: ignore[operator] # it has one
            end=base.end + timedelta(days=number),  # type: ignore[operator] # it has one
        )
        filed = say(dss, plan(name, there, hazard_mm=hazard_mm))
        given = two.ask("GET", f"{USS_INTENTS}/{called(filed)}").ok()["operational_intent"]
        volumes = [one["volume"] for one in given["details"]["volumes"]]
        found = ["circle" if "outline_circle" in one else "polygon" for one in volumes]
        assert found == kinds, name


def test_telemetry(dss: Dss, two: Uss) -> None:
    """There is no telemetry."""
    filed = say(dss, plan("a"))
    path = f"{USS_INTENTS}/{called(filed)}"
    two.ask("GET", f"{path}/telemetry").refused(409)
    for state in (PlanState.NONCONFORMING, PlanState.CONTINGENT):
        filed = say(dss, plan("a", state=state), replacing=filed)
        two.ask("GET", f"{path}/telemetry").refused(412)
        given = two.ask("GET", path).ok()["operational_intent"]
        assert given["reference"]["state"] == state.value.title()
        assert len(given["details"]["off_nominal_volumes"]) == 1
        assert len(given["details"]["volumes"]) == (state is PlanState.NONCONFORMING)


def told_of(reference: Json, extent: Json | None = None, **parts: Any) -> Json:
    """What a peer notifies of an intent of its own."""
    whole = {**reference, "ovn": reference["ovn"] + "x", **parts}
    details = {"volumes": [extent or volume()], "off_nominal_volumes": [], "priority": 0}
    return {
        "operational_intent_id": reference["id"],
        "subscriptions": [{"subscription_id": new_id(), "notification_index": 1}],
        "operational_intent": {"reference": whole, "details": details},
    }


def test_heard(dss: Dss, two: Uss) -> None:
    """What a peer notifies is kept before it is answered, and narrows nothing."""
    one = dss.uss("one", SC, CM, CP)
    mine = two.intent(new_id(), intent_body())
    body = told_of(mine)
    assert two.ask("POST", USS_INTENTS, body).status == 204
    [kept] = reports(dss)
    assert (kept.party, kept.state, kept.release) == ("two", ReportState.ISSUED, None)
    assert json.loads(kept.text)["operational_intent_id"] == mine["id"]
    assert two.ask("POST", USS_INTENTS, body).status == 204
    assert reports(dss) == [kept], "the very same says nothing new"
    one.ask("POST", USS_INTENTS, body).refused(403)
    two.ask("POST", USS_INTENTS, told_of(mine, manager="one")).refused(403)
    two.ask("POST", USS_INTENTS, told_of(mine, volume(48.0))).refused(409)
    assert two.ask("POST", USS_INTENTS, told_of(mine, version=3)).status == 204
    two.ask("POST", USS_INTENTS, told_of(mine, version=2)).refused(409)
    [kept] = reports(dss)
    assert kept.state is ReportState.CORRECTED
    over = {name: body[name] for name in ("operational_intent_id", "subscriptions")}
    assert two.ask("POST", USS_INTENTS, over).status == 204
    [kept] = reports(dss)
    assert kept.state is ReportState.RETRACTED
    # Whatever it said: others must know of the intent until it has ended.
    one.put_intent(new_id(), intent_body()).refused(409)
    # What is known here to nobody is its sender's own word, and so is what he may not know of.
    hidden = say(dss, zone("h", release=None, rule=ZoneRule.BOUNDARY))
    for name in (new_id(), called(hidden)):
        assert two.ask("POST", USS_INTENTS, told_of({**mine, "id": name})).status == 204
    visible = say(dss, plan("v", disc(9.0)))
    two.ask("POST", USS_INTENTS, told_of({**mine, "id": called(visible)})).refused(403)
    for wrong in (
        {**body, "subscriptions": []},
        {**body, "operational_intent_id": new_id()},
        {**over, "operational_intent_id": "nobody"},
        told_of(mine, {"volume": {}}),
    ):
        two.ask("POST", USS_INTENTS, wrong).refused(400)
    constraint = two.put_constraint(new_id(), constraint_body()).ok(201)["constraint_reference"]
    notified = {
        "constraint_id": constraint["id"],
        "subscriptions": body["subscriptions"],
        "constraint": {"reference": constraint, "details": {"volumes": [volume()]}},
    }
    assert two.ask("POST", USS_CONSTRAINTS, notified).status == 204
    one.ask("POST", USS_CONSTRAINTS, notified).refused(403)
    mine_too_long = told_of(mine, version=9)
    mine_too_long["operational_intent"]["details"]["volumes"] *= 1_000
    two.ask("POST", USS_INTENTS, mine_too_long).refused(400)


def test_reports(dss: Dss, two: Uss) -> None:
    """A peer's report is kept, under the number that it is answered."""
    report = {
        "exchange": {
            "url": f"{NODE}/uss/v1/constraints", "method": "GET", "recorder_role": "Client",
            "request_time": time(0),
        }
    }  # fmt: skip
    kept = two.ask("POST", USS_REPORTS, report).ok(201)
    assert [one.source_id for one in reports(dss)] == [kept["report_id"]]


def test_scopes(dss: Dss) -> None:
    """Who proves nothing or lacks the scope hears of that and of nothing else."""
    name = new_id()
    for method, path, scopes in (
        ("GET", f"{USS_INTENTS}/{name}", {SC}),
        ("GET", f"{USS_INTENTS}/{name}/telemetry", {SA}),
        ("POST", USS_INTENTS, {SC}),
        ("GET", f"{USS_CONSTRAINTS}/{name}", {CP}),
        ("POST", USS_CONSTRAINTS, {CM}),
        ("POST", USS_REPORTS, {SC, SA, CM, CP, AA}),
    ):
        assert dss.ask(method, path, b"{", token=None).status == 401
        for scope in (SC, SA, CM, CP, AA):
            answer = dss.uss("two", scope).ask(method, path, b"{")
            allowed = 404 if method == "GET" else 400
            assert answer.status == (allowed if scope in scopes else 403), (path, scope)


class Served:
    """A node that is a USS, over real HTTP, and who talks to it."""

    def __init__(self, node: Node, peer: PeerUss) -> None:
        self.node = node
        self.one, self.two = node.party("one"), node.party("two")
        peer.keys = self.one.get("/v1/keys").json

    def subscribe(self, base_url: str, **parts: Any) -> Json:
        """Two's subscription by F3548."""
        asked = subscription_body(volume(minutes=(0, 120)), uss_base_url=base_url, **parts)
        answer = self.two.ask("PUT", f"{SUBSCRIPTIONS}/{new_id()}", asked)
        assert answer.status == 200, answer.body
        found: Json = answer.json["subscription"]
        return found

    def index(self, subscription: Json) -> int:
        found: int = self.two.get(f"{SUBSCRIPTIONS}/{subscription['id']}").json["subscription"][
            "notification_index"
        ]
        return found

    def put(self, value: Value, receipt: Any = None) -> Any:
        """One files something by the native door, or changes it, aware of all that it meets."""
        given = json.loads(msgspec.json.encode(value))
        kind = given.pop("type")
        key: list[str] = []
        while True:
            if receipt is None:
                body = {"plan": given, "key": key} if kind == "plan" else given
                answer = self.one.post(f"/v1/{kind}s", body)
            else:
                answer = self.one.ask(
                    "PUT", f"/v1/objects/{receipt['object_id']}",
                    {"value": given | {"type": kind}, "key": key},
                    if_match=f'"{receipt["token"]}"',
                )  # fmt: skip
            if answer.status != 409:
                assert answer.status in {200, 201}, answer.body
                return answer.json
            key += [one["token"] for one in answer.refused(409, "unaware")["missing"]]

    def end(self, receipt: Any) -> None:
        given = {"if_match": f'"{receipt["token"]}"'}
        answer = self.one.ask("DELETE", f"/v1/objects/{receipt['object_id']}", **given)
        assert answer.status == 200, answer.body


def deliveries(party: Party, receipt: Any) -> list[Any]:
    """What the record says to its author of how an entry came to peers."""
    page = party.get("/v1/objects?kind=delivery&limit=1000").json
    found = [one["value"] for one in page["objects"]]
    return [one for one in found if receipt["leaf"] in one["entries"] and one["how"] == "peer"]


def wait_for(true: Callable[[], bool], seconds: float = 30) -> None:
    until = clock.monotonic() + seconds
    while not true():
        assert clock.monotonic() < until
        clock.sleep(0.05)


def indices(peer: PeerUss) -> list[int]:
    return [body["subscriptions"][0]["notification_index"] for _, _, body in peer.notified]


def test_peer(place: Place, keyring: Keyring, tmp_path: Path, peer: PeerUss) -> None:
    """A peer is told what is filed, changed and ended, each time with the next number."""
    with node_at(place, keyring, tmp_path, *SETTINGS) as node:
        here = Served(node, peer)
        wish = here.subscribe(peer.base_url, notify_for_constraints=True)
        first = here.put(plan("a"))
        peer.wait(lambda x: len(x.notified) == 1)
        path, claims, body = peer.notified[0]
        assert path == "/utm/uss/v1/operational_intents"
        assert {name: claims[name] for name in ("iss", "sub", "aud", "scope")} == {
            "iss": NODE, "sub": "one", "aud": "127.0.0.1", "scope": SC,
        }  # fmt: skip
        assert claims["exp"] - claims["iat"] <= 3_600
        name = id_of_object(first["object_id"])
        assert body["operational_intent_id"] == name
        assert body["subscriptions"] == [{"subscription_id": wish["id"], "notification_index": 1}]
        given = json.loads(here.two.get(f"{USS_INTENTS}/{name}").body)
        assert body["operational_intent"] == given["operational_intent"]
        assert body["operational_intent"]["reference"]["manager"] == claims["sub"]
        # Filed by F3548, and told by its manager: it takes a number as well.
        mine = here.two.ask(
            "PUT",
            f"{INTENTS}/{new_id()}",
            intent_body(volume(minutes=(5, 9)), key=[first["token"]]),
        )
        assert here.index(wish) == 2, mine.body
        changed = here.put(plan("a", disc(radius_m=400)), first)
        peer.wait(lambda x: len(x.notified) == 2)
        # Where it was counts, and where it is.
        away = here.put(plan("a", disc(lat=50.0)), changed)
        here.end(away)
        peer.wait(lambda x: len(x.notified) == 3)
        here.put(zone("z"))
        peer.wait(lambda x: len(x.notified) == 4)
        assert indices(peer) == [1, 3, 4, 5]
        assert here.index(wish) == 5
        assert [body.get("operational_intent", {}).get("reference", {}).get("version")
                for _, _, body in peer.notified] == [1, 2, 3, None]  # fmt: skip
        path, claims, body = peer.notified[-1]
        assert path == "/utm/uss/v1/constraints"
        assert claims["scope"] == CM
        assert body["constraint"]["details"]["type"] == "zone.zone"
        wait_for(lambda: bool(deliveries(here.one, first)))
        [delivery] = deliveries(here.one, first)
        assert (delivery["to"], delivery["outcome"], delivery["status"]) == (
            "two",
            "delivered",
            204,
        )


def test_end_is_told(place: Place, keyring: Keyring, tmp_path: Path, peer: PeerUss) -> None:
    """That it has ended is told without its details."""
    with node_at(place, keyring, tmp_path, *SETTINGS) as node:
        here = Served(node, peer)
        here.subscribe(peer.base_url, notify_for_constraints=True)
        for value in (plan("a"), zone("z")):
            here.end(here.put(value))
        peer.wait(lambda x: len(x.notified) == 4)
        whole = [("operational_intent" in body or "constraint" in body)
                 for _, _, body in peer.notified]  # fmt: skip
        assert whole == [True, False, True, False]
        assert indices(peer) == [1, 2, 3, 4]


def test_hidden_from_peer(place: Place, keyring: Keyring, tmp_path: Path, peer: PeerUss) -> None:
    """Of what a peer may not see whole it is told nothing, and nothing of it is numbered."""
    area = Release(parties={"two": Grade.AREA})
    with node_at(place, keyring, tmp_path, *SETTINGS) as node:
        here = Served(node, peer)
        wish = here.subscribe(peer.base_url, notify_for_constraints=True)
        hidden = here.put(plan("h", release=None))
        here.put(plan("g", disc(8.001), release=area))
        here.put(zone("y", release=area))
        assert here.index(wish) == 0
        # It is shown only once it is elsewhere: that it was here is not told.
        here.put(plan("h", disc(lat=50.0)), hidden)
        assert here.index(wish) == 0
        # Taken back before its turn came, it is passed over.
        peer.how = 503
        late = here.put(plan("s", disc(8.002)))
        peer.wait(lambda x: len(x.attempts) >= 1)
        here.put(plan("s", disc(8.002), release=None), late)
        assert here.index(wish) == 1
        here.put(zone("z"))
        peer.how = 204
        peer.wait(lambda x: len(x.notified) == 1)
        path, _, body = peer.notified[0]
        assert path == "/utm/uss/v1/constraints"
        assert body["subscriptions"][0]["notification_index"] == 2


def test_peer_comes_back(place: Place, keyring: Keyring, tmp_path: Path, peer: PeerUss) -> None:
    """A peer that fails is told everything once it is back, though the node was killed."""
    with node_at(place, keyring, tmp_path, *SETTINGS) as node:
        here = Served(node, peer)
        here.subscribe(peer.base_url)
        other = here.subscribe(peer.base_url)
        peer.how = 500
        receipts = [here.put(plan("a"))]
        peer.wait(lambda x: len(x.attempts) >= 1)
        receipts.append(here.put(plan("a", disc(radius_m=350)), receipts[0]))
        node.served.process.kill()
    with node_at(place, keyring, tmp_path, *SETTINGS) as node:
        here = Served(node, peer)
        receipts.append(here.put(plan("a", disc(radius_m=400)), receipts[1]))
        peer.how = 204
        peer.wait(lambda x: len(x.notified) >= 3, 60)
        versions = [body["operational_intent"]["reference"]["version"]
                    for _, _, body in peer.notified]  # fmt: skip
        assert versions == [1, 2, 3]
        assert indices(peer) == [1, 2, 3]
        # One message for both subscriptions of one address.
        assert all(len(body["subscriptions"]) == 2 for _, _, body in peer.notified)
        assert here.index(other) == 3
        wait_for(lambda: deliveries(here.one, receipts[2]) != [])
        outcomes = [one["outcome"] for one in deliveries(here.one, receipts[0])]
        assert outcomes[0] == "failed"
        assert outcomes[-1] == "delivered"
        # A later version that it has already is no failure, and is not sent again.
        peer.how = 409
        here.put(plan("a", disc(radius_m=450)), receipts[2])
        peer.wait(lambda x: x.attempts[-1][1] == 409)
        peer.how = 204
        here.end(here.put(plan("b", disc(lat=47.001))))
        peer.wait(lambda x: len(x.notified) == 5)
        assert sum(how == 409 for _, how in peer.attempts) == 1
        later = [body.get("operational_intent") for _, _, body in peer.notified[3:]]
        assert [one and one["reference"]["version"] for one in later] == [1, None]


def test_nobody_is_told(place: Place, keyring: Keyring, tmp_path: Path, peer: PeerUss) -> None:
    """A node without an address of its own tells no peer, and none tells itself."""
    assert peering(Settings()) is None
    webhook = Receiver()
    for settings, base_url in ((SETTINGS[1:], peer.base_url), (SETTINGS, f"{NODE}/x")):
        with node_at(place, keyring, tmp_path, *settings) as node:
            here = Served(node, peer)
            wish = here.subscribe(base_url)
            answer = here.two.post("/v1/subscriptions", {"url": webhook.url, "kinds": ["plan"]})
            webhook.secret = answer.json["secret"]
            before = len(webhook.names())
            filed = here.put(plan("a"))
            webhook.wait(lambda x, before=before: len(x.names()) > before)  # type: ignore[misc]
            here.end(filed)
            webhook.wait(lambda x, before=before: len(x.names()) > before + 1)  # type: ignore[misc]
            assert peer.attempts == []
            assert deliveries(here.one, filed) == []
            for path in (
                f"/v1/subscriptions/{answer.json['receipt']['object_id']}",
                f"{SUBSCRIPTIONS}/{wish['id']}/{wish['version']}",
            ):
                assert here.two.ask("DELETE", path).status == 200
    webhook.stop()
    assert not webhook.problems


def test_constraint_of_the_dss_is_not_of_the_uss(two: Uss) -> None:
    """What a peer filed is asked of that peer."""
    made = two.put_constraint(new_id(), constraint_body()).ok(201)["constraint_reference"]
    assert two.get(CONSTRAINTS, made["id"]).ok()["constraint_reference"] == made
    two.ask("GET", f"{USS_CONSTRAINTS}/{made['id']}").refused(404)

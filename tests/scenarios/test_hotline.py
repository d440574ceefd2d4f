"""The hotline over real HTTP (M1 to M4, M12); test_hotline.md tells it."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from test_people import Gateway, until

from cli import DETENTE, detente
from conftest import KINDS, begin
from detente.core.principal import Role
from detente.node.access.accounts import SESSION_BELIEVED_S
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.store import Place, Store, parse_place
from detente.store.place import Server
from http_node import EVERY_ROLE, Answered, Node, Party, bearer, node_at
from listener import Listener
from nodes import around, hospital
from page import PASSWORD
from postgres import TEMPLATE, Cluster
from receiver import Receiver

LADDER = [
    {"after_s": 3, "rings": "next_desk"},
    {"after_s": 6, "rings": "all_desks"},
    {"after_s": 9, "rings": "all_members"},
]
TERMS = {"name": "test", "hotline": {"ladder": LADDER}}
LAST_S = 12
"""When the last rung of another ladder is due, which is not to be climbed."""

LATE_S = 1.5
"""How late a rung may be on a machine that does other things as well."""

DESKS = [{"id": one, "name": one.title()} for one in ("watch", "air", "chief")]
ALLOWED = ("webhook_http=true", "webhook_private=true", "people_rest_s=600")


LISTENERS: list[Listener] = []
"""They end with their node."""


class Here:
    """A register with the parties one to four, and where it is served from."""

    def __init__(self, place: Place, keyring: Keyring, folder: Path, workers: int) -> None:
        self.place, self.folder = place, folder
        self._parts = (place, keyring, folder)
        self._workers = workers
        begin(place, keyring)

    def serving(self) -> Any:
        return node_at(*self._parts, *ALLOWED, workers=self._workers)

    def settle(self, node: Node) -> None:
        """Two has three desks; two and three hide a place each; four has nothing."""
        administrator = node.party("one", Role.ADMINISTRATOR)
        for name in ("two", "three", "four"):
            admitted = {"id": name, "name": name.title(), "desks": DESKS if name == "two" else []}
            assert administrator.post("/v1/parties", admitted).status in {200, 201}
        assert administrator.post("/v1/agreement", TERMS).status in {200, 201}
        for name, lon in (("two", 10.0), ("three", 20.0)):
            party = node.party(name)
            until(lambda party=party: party.get("/v1/me").status == 200)  # type: ignore[misc]
            body = msgspec.to_builtins(hospital(f"secret of {name}", lon, 50.0))
            assert party.post("/v1/notices", body).status == 201


def made(kind: str, request: pytest.FixtureRequest, folder: Path) -> Here:
    if kind == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        place = parse_place(cluster.url(cluster.make(TEMPLATE)))
        return Here(place, Keyring(folder / "test.db"), folder, 2)
    return Here(folder / "test.db", Keyring(folder / "test.db"), folder, 1)


@pytest.fixture(scope="module", params=KINDS)
def node(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("hotline")
    here = made(request.param, request, folder)
    add_account(here.place, folder)
    with here.serving() as node:
        here.settle(node)
        yield node
    while LISTENERS:
        LISTENERS.pop().join()
    store = Store(here.place)
    assert not audit(store).problems
    store.close()


def add_account(place: Place, folder: Path) -> None:
    """A desk of one's that signs in with a password."""
    store: object = place
    if isinstance(place, Server):
        store = place.url.set(drivername="postgresql").render_as_string(hide_password=False)
    subprocess.run(
        [DETENTE, "account", "new", "desk one", "--party", "one", "--store", str(store),
         "--role", "watch"],
        input=f"{PASSWORD}\n", text=True, check=True, capture_output=True, cwd=folder,
    )  # fmt: skip


def incident(name: str, lon: float, **parts: Any) -> dict[str, Any]:
    volumes = msgspec.to_builtins(around(lon, 50.0, 200.0))
    return {
        "source_id": name, "code": "stop_hitting_protected", "volumes": volumes,
        "words": "Two impacts at the north wing", **parts,
    }  # fmt: skip


def call(party: Party, name: str, lon: float, **parts: Any) -> Any:
    answer = party.post("/v1/incidents", incident(name, lon, **parts))
    assert answer.status == 201, answer.body
    return answer.json


def step(party: Party, receipt: Any, act: str, name: str = "1", **parts: Any) -> Answered:
    said = {"source_id": f"{act} {name} {receipt['object_id'][:8]}", "act": act, **parts}
    return party.post(f"/v1/incidents/{receipt['object_id']}/steps", said)


def line(party: Party, receipt: Any) -> Any:
    answer = party.get(f"/v1/incidents/{receipt['object_id']}")
    assert answer.status == 200, answer.body
    return answer.json["lines"][0]


def own_call(party: Party, receipt: Any) -> Any:
    return line(party, receipt)["call"]["value"]


def listen(node: Node, party: str) -> Listener:
    heard = Listener(f"{node.url}/v1/events/stream", bearer(party, EVERY_ROLE))
    heard.wait(lambda one: one.status == 200)
    LISTENERS.append(heard)
    return heard


def after_s(value: Any) -> float:
    at, opened = (datetime.fromisoformat(value[name]) for name in ("at", "opened"))
    return (at - opened).total_seconds()


def rungs(party: Party, receipt: Any) -> dict[int, float]:
    """How long after the opening each of its calls was, by rung, in the record's order."""
    after = receipt["sequence"] - 1
    events = party.get(f"/v1/events?after={after}&limit=1000").json["events"]
    calls = [event["view"]["value"] for event in events if event["kind"] == "call"]
    mine = [one for one in calls if one["incident"] == receipt["object_id"]]
    return {one.get("rung", 0): after_s(one) for one in mine}


def test_first_message(node: Node) -> None:
    """A call reaches whoever is near, with all that it says, and nobody else hears of it"""
    one, two, four = node.party("one"), node.party("two"), node.party("four")
    heard, nothing = listen(node, "two"), listen(node, "four")
    hook = Receiver()
    made = two.post("/v1/subscriptions", {"kinds": ["call"], "url": hook.url}).json
    hook.secret = made["secret"]
    receipt = call(one, "first", 10.0)
    heard.wait(lambda it: any(event["kind"] == "call" for event in it.events))
    # A busy machine may have seen the ladder's next call by now.
    event = next(event for event in heard.events if event["kind"] == "call")
    assert event["shows"]["value"]["code"] == "stop_hitting_protected"
    assert event["shows"]["value"]["words"] == "Two impacts at the north wing"
    [place] = event["shows"]["value"]["volumes"]
    assert place["footprint"][0]["centre"] == [100_000_000, 500_000_000]
    assert event["view"]["value"]["desks"] == ["watch"]
    until(lambda: bool(hook.taken))
    posted = hook.taken[0]["data"]["events"][0]
    assert posted["shows"]["value"]["words"] == "Two impacts at the north wing"
    hook.stop()
    assert not hook.problems
    assert nothing.events == []
    four.get(f"/v1/incidents/{receipt['object_id']}").refused(404, "not_found")
    four.get(f"/v1/objects/{receipt['object_id']}").refused(404, "not_found")
    assert four.get("/v1/incidents").json["lines"] == []
    step(four, receipt, "acknowledged").refused(404, "not_found")
    step(one, receipt, "closed")


def test_who_was_called(node: Node) -> None:
    """The caller is told of whom it called what a check there would tell, and no more"""
    one = node.party("one")
    receipt = call(one, "who", 10.0)
    told = own_call(one, receipt)["told"]
    # No agreement's desk is named here, so the author's own answers for it, as in a check.
    assert told == {"desks": [{"desk": {"id": "watch", "name": "Watch"}}]}
    deliveries = one.get("/v1/objects?kind=delivery&limit=1000").json["objects"]
    line(node.party("two"), receipt)  # Two reads it, which is on record, and not for the caller.
    again = one.get("/v1/objects?kind=delivery&limit=1000").json["objects"]
    assert len(again) == len(deliveries)
    far = call(one, "nobody near", -60.0)
    assert own_call(one, far)["told"] == {"everyone": True}
    assert own_call(node.party("four"), far)["to"] == "four"
    for made in (receipt, far):
        assert step(one, made, "closed").status == 201


def test_steps(node: Node) -> None:
    """Each step is timed, on a clock that both sides see, and other callees see none of it"""
    one, two, four = node.party("one"), node.party("two"), node.party("four")
    receipt = call(one, "steps", -61.0)
    assert step(two, receipt, "acknowledged").status == 201
    assert step(two, receipt, "stopped", text="Aircraft turned away").status == 201
    assert step(one, receipt, "stated", text="It is quiet now").status == 201
    mine, theirs, others = (line(party, receipt) for party in (one, two, four))
    assert mine["opened"] == theirs["opened"] == others["opened"]
    assert [one["view"]["value"]["act"] for one in mine["steps"]] == [
        "acknowledged", "stopped", "stated",
    ]  # fmt: skip
    assert mine["steps"] == theirs["steps"]
    assert (mine["state"], theirs["state"], others["state"]) == ("stopped", "stopped", "called")
    assert [one["view"]["value"]["act"] for one in others["steps"]] == ["stated"]
    assert 0 <= mine["steps"][0]["after_s"] <= mine["steps"][1]["after_s"] < 60
    step(one, receipt, "acknowledged").refused(403, "not_permitted")
    step(two, receipt, "closed").refused(403, "not_permitted")
    assert step(one, receipt, "closed").status == 201
    step(one, receipt, "closed", "again").refused(409, "conflict")
    assert step(four, receipt, "stated", text="We were late").status == 201
    assert line(two, receipt)["state"] == "closed"
    assert receipt["object_id"] not in str(one.get("/v1/incidents?open=true").json)


def test_over(node: Node) -> None:
    """The calls that are over are read from the newest on"""
    one = node.party("one")
    first, second, still = (
        one.post("/v1/incidents", incident(f"over {n}", 10.0)).json for n in range(3)
    )
    for receipt in (second, first):
        assert step(one, receipt, "closed").status == 201

    def listed(query: str) -> tuple[list[str], bool]:
        page = one.get(f"/v1/incidents?{query}").json
        return [each["incident"]["object"] for each in page["lines"]], page["more"]

    assert listed("open=false&newest=true&limit=1") == ([second["object_id"]], True)
    assert listed("open=false&newest=true&limit=2")[0] == [
        first["object_id"], second["object_id"],
    ]  # fmt: skip
    assert listed("open=true&newest=true&limit=1")[0] == [still["object_id"]]
    whole = listed(f"after={first['sequence'] - 1}")
    assert whole == ([each["object_id"] for each in (first, second, still)], False)
    assert listed(f"newest=true&after={first['sequence'] - 1}") == whole
    one.get("/v1/incidents?open=perhaps").refused(400, "malformed_input")
    assert step(one, still, "closed").status == 201


def test_refused(node: Node) -> None:
    """What is no call is refused by name, and the same request sent twice is one call"""
    one = node.party("one")
    one.post("/v1/incidents", incident("x", 10.0, code="please")).refused(400, "malformed_input")
    one.post("/v1/incidents", incident("x", 10.0, volumes=[])).refused(400, "malformed_input")
    node.party("one", Role.AUDITOR).post("/v1/incidents", incident("x", 10.0)).refused(
        403, "not_permitted"
    )
    node.party("").post("/v1/incidents", incident("x", 10.0)).refused(401, "not_authentic")
    before = len(one.get("/v1/incidents").json["lines"])
    twice = [
        one.post("/v1/incidents", incident("twice", 10.0), idempotency_key="k") for _ in range(2)
    ]
    assert twice[0].json == twice[1].json
    assert len(one.get("/v1/incidents").json["lines"]) == before + 1
    wrong = {"source_id": "s", "act": "stated", "incident": "0" * 32}
    path = f"/v1/incidents/{twice[0].json['object_id']}/steps"
    one.post(path, wrong).refused(400, "malformed_input")
    assert step(one, twice[0].json, "closed").status == 201


def test_corrected(node: Node) -> None:
    """A place that was wrong is corrected without a new call, and whoever is there is called"""
    one, three = node.party("one"), node.party("three")
    receipt = call(one, "corrected", 10.0)
    three.get(f"/v1/incidents/{receipt['object_id']}").refused(404, "not_found")
    value = {"type": "incident", **incident("corrected", 20.0)}
    answer = one.ask(
        "PUT", f"/v1/objects/{receipt['object_id']}", {"value": value},
        if_match=f'"{receipt["token"]}"',
    )  # fmt: skip
    assert answer.status == 200, answer.body
    assert line(three, receipt)["incident"]["version"] == 2
    assert own_call(three, receipt)["to"] == "three"
    assert step(one, receipt, "closed").status == 201


def test_suspended(node: Node) -> None:
    """It works while the agreement is suspended, when reports do not"""
    administrator, one = node.party("one", Role.ADMINISTRATOR), node.party("one")
    assert administrator.post("/v1/agreement/suspend").status == 201
    one.post("/v1/reports", {"source_id": "r", "title": "t", "text": "x"}).refused(409, "conflict")
    receipt = call(one, "suspended", 10.0)
    assert step(node.party("two"), receipt, "acknowledged").status == 201
    assert step(one, receipt, "closed").status == 201
    assert administrator.post("/v1/agreement/resume").status == 201


def test_people(node: Node) -> None:
    """People at rest are told of a call at once, and their mail holds no place and no word"""
    one, two, gateway = node.party("one"), node.party("two"), Gateway()
    address = f"json://127.0.0.1:{gateway.port}/x"
    wish = two.post("/v1/subscriptions", {"kinds": ["call", "notice"], "people": address})
    assert wish.status == 201, wish.body
    until(lambda: len(gateway.attempts) >= 1)  # The test message.
    shown = msgspec.to_builtins(hospital("shown", 11.0, 50.0)) | {"release": {"members": "full"}}
    assert one.post("/v1/notices", shown).status == 201
    until(lambda: len(gateway.attempts) >= 2)
    receipt = call(one, "mail", 10.0)
    until(lambda: len(gateway.attempts) >= 3)
    assert step(one, receipt, "closed").status == 201
    two.ask("DELETE", f"/v1/subscriptions/{wish.json['receipt']['object_id']}")
    gateway.stop()


def test_desks(node: Node) -> None:
    """A webhook for one desk is told when the ladder calls that desk"""
    one, two, hooks = node.party("one"), node.party("two"), {}
    for desk in ("watch", "air"):
        hook = hooks[desk] = Receiver()
        wish = {"kinds": ["call"], "url": hook.url, "desk": desk}
        answer = two.post("/v1/subscriptions", wish)
        assert answer.status == 201, answer.body
        hook.secret = answer.json["secret"]
    two.post("/v1/subscriptions", {"kinds": ["call"], "desk": "roof"}).refused(
        400, "malformed_input"
    )
    two.post("/v1/subscriptions", {"desk": "air"}).refused(400, "malformed_input")
    receipt = call(one, "desks", 10.0)
    until(lambda: bool(hooks["watch"].taken))
    first = hooks["watch"].taken[0]["data"]["events"][0]
    assert first["view"]["value"]["desks"] == ["watch"]
    # Not of the first call, whatever it was told meanwhile.
    until(lambda: bool(hooks["air"].taken))
    second = hooks["air"].taken[0]["data"]["events"][0]
    assert second["view"]["value"]["desks"] == ["watch", "air"]
    assert step(one, receipt, "closed").status == 201
    for found in two.get("/v1/subscriptions").json["subscriptions"]:
        two.ask("DELETE", f"/v1/subscriptions/{found['object']}")
    for hook in hooks.values():
        hook.stop()
        assert not hook.problems


def test_evidence(node: Node, tmp_path: Path) -> None:
    """The whole chain is one file, that verifies without the node, and names to each what is his"""
    one, two = node.party("one"), node.party("two")
    receipt = call(one, "evidence", 10.0)
    until(lambda: own_call(two, receipt).get("rung", 0) >= 1)
    assert step(two, receipt, "stopped", text="Fire stopped").status == 201
    assert step(one, receipt, "closed").status == 201
    answer = one.get(f"/v1/objects/{receipt['object_id']}/evidence")
    assert answer.status == 200, answer.body
    (tmp_path / "chain.html").write_bytes(answer.body)
    ran = detente("verify", "chain.html", cwd=tmp_path)
    assert ran.status in {0, 1}, ran.out + ran.err
    assert "FAIL" not in ran.out, ran.out
    text = answer.body.decode()
    assert "STOP: you are hitting a protected place" in text
    assert "stopped: Fire stopped" in text
    assert "the caller was told: Watch" in text
    assert "called two" not in text
    assert (
        "called two: watch, air"
        in two.get(f"/v1/objects/{receipt['object_id']}/evidence").body.decode()
    )


class Browser:
    """What a browser keeps and sends: its cookies, and its page's origin."""

    def __init__(self, node: Node) -> None:
        self._port = node.served.port
        self.origin = node.url
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None, origin: str = "") -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        held = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"origin": origin or self.origin, "content-type": "application/json"}
        connection.request(
            method, path, None if body is None else json.dumps(body),
            headers | ({"cookie": held} if held else {}),
        )  # fmt: skip
        answer = connection.getresponse()
        for name, value in answer.getheaders():
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0].strip('"')
                assert "HttpOnly" in value
                assert "Secure" in value
        data = answer.read()
        connection.close()
        return Answered(answer.status, httpx.Headers(answer.getheaders()), data)


def test_device(node: Node) -> None:
    """A device that its party enrolled calls when the session is over, and can do nothing else"""
    browser = Browser(node)
    browser.ask("POST", "/v1/device").refused(401, "not_authentic")
    browser.ask("GET", "/v1/device").refused(401, "not_authentic")
    signed = browser.ask("POST", "/v1/session", {"name": "desk one", "password": PASSWORD})
    assert signed.status == 201, signed.body
    session = browser.cookies["__Host-detente"]
    enrolled = browser.ask("POST", "/v1/device")
    assert enrolled.status == 201, enrolled.body
    assert browser.ask("DELETE", "/v1/session").status == 204
    browser.cookies["__Host-detente"] = session  # As one that has expired.
    time.sleep(SESSION_BELIEVED_S)  # Until now another worker may have let it in.
    browser.ask("GET", "/v1/session").refused(401, "not_authentic")
    assert browser.ask("GET", "/v1/device").json == enrolled.json
    made = browser.ask("POST", "/v1/incidents", incident("device", 10.0))
    assert made.status == 201, made.body
    two = node.party("two")
    assert line(two, made.json)["incident"]["value"]["words"] == "Two impacts at the north wing"
    for method, path in (
        ("GET", "/v1/incidents"), ("GET", "/v1/objects"), ("POST", "/v1/notices"),
        ("POST", f"/v1/incidents/{made.json['object_id']}/steps"), ("GET", "/v1/events"),
    ):  # fmt: skip
        body: dict[str, str] | None = {} if method == "POST" else None
        assert browser.ask(method, path, body).status == 401
    elsewhere = browser.ask("POST", "/v1/incidents", incident("y", 10.0), "https://evil.example")
    elsewhere.refused(403, "not_permitted")
    # Each worker counts for itself.
    again = [
        browser.ask("POST", "/v1/incidents", incident(f"d{n}", 10.0)).status for n in range(14)
    ]
    assert 429 in again, again
    held = dict(browser.cookies)
    assert browser.ask("DELETE", "/v1/device").status == 204
    browser.cookies = held
    browser.ask("POST", "/v1/incidents", incident("z", 10.0)).refused(401, "not_authentic")
    one = node.party("one")
    for each in one.get("/v1/incidents?open=true").json["lines"]:
        assert step(one, {"object_id": each["incident"]["object"]}, "closed").status == 201


def kill(node: Node) -> None:
    """All of it, at once."""
    for pid in (node.served.process.pid, *node.served.workers()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    node.served.process.wait()


@pytest.mark.parametrize("kind", KINDS)
def test_killed(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A node that is killed after a call climbs the ladder on time when it is back"""
    here = made(kind, request, tmp_path)
    with here.serving() as node:
        here.settle(node)
        receipt = call(node.party("one"), "killed", 10.0)
        kill(node)
    with here.serving() as node:
        back = time.time()
        two, four = node.party("two"), node.party("four")
        until(lambda: own_call(two, receipt).get("rung", 0) == 3)
        rung = own_call(two, receipt)
        opened = datetime.fromisoformat(rung["opened"]).timestamp()
        due = max(opened + 9, back)
        assert opened + 9 <= datetime.fromisoformat(rung["at"]).timestamp() <= due + LATE_S
        assert rung["desks"] == ["watch", "air", "chief"]
        until(lambda: four.get(f"/v1/incidents/{receipt['object_id']}").status == 200)
        versions = two.get(f"/v1/objects/{line(two, receipt)['call']['object']}/history")
        assert versions.json["versions"][-1]["version"] <= 4  # Each rung once, if at all.
    store = Store(here.place)
    assert not audit(store).problems
    store.close()


def test_ladder(node: Node) -> None:
    """The ladder is climbed on time, by whichever worker is first, until somebody answers"""
    one, two = node.party("one"), node.party("two")
    administrator = node.party("one", Role.ADMINISTRATOR)
    # The last rung is later here: there is time to answer before it.
    ladder = [*LADDER[:2], {"after_s": LAST_S, "rings": "all_members"}]
    terms = {"name": "test", "hotline": {"ladder": ladder}}
    assert administrator.post("/v1/agreement", terms).status in {200, 201}
    receipt = call(one, "ladder", 10.0)
    until(lambda: own_call(two, receipt).get("rung", 0) >= 2)
    assert step(two, receipt, "acknowledged").status == 201
    climbed = rungs(two, receipt)
    assert list(climbed) == [0, 1, 2]
    for rung, due_s in ((1, 3.0), (2, 6.0)):
        assert due_s <= climbed[rung] <= due_s + LATE_S
    opened = datetime.fromisoformat(own_call(two, receipt)["opened"]).timestamp()
    time.sleep(max(0.0, opened + LAST_S + LATE_S - time.time()))
    assert own_call(two, receipt)["rung"] == 2
    assert "next" not in line(one, receipt)
    node.party("four").get(f"/v1/incidents/{receipt['object_id']}").refused(404, "not_found")
    assert step(one, receipt, "closed").status == 201
    assert administrator.post("/v1/agreement", TERMS).status in {200, 201}

"""Parties that do not trust each other share one node over HTTP; test_node_http.md tells it."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from conftest import KINDS, begin
from detente.core.entry import ChainHead
from detente.core.notice import Notice
from detente.core.plan import Plan, PlanState
from detente.core.principal import Role
from detente.node.author import Author, Submission
from detente.node.keyring import Keyring
from detente.node.submit import Receipt
from detente.store import Place, parse_place
from http_node import LINES, Answered, Node, Party, node_at
from nodes import flight, hospital
from postgres import TEMPLATE, Cluster

DESKS = [{"id": "duty", "name": "Duty desk", "contacts": ["+000 1"]}]
FULL = {"members": "full"}


@pytest.fixture(scope="module", params=KINDS)
def node(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    """A node with parties one, two and three; on PostgreSQL, two workers."""
    folder = tmp_path_factory.mktemp("node")
    keyring = Keyring(folder / "test.db")
    place: Place = folder / "test.db"
    workers = 1
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        place, workers = parse_place(cluster.url(cluster.make(TEMPLATE))), 2
    begin(place, keyring)
    with node_at(place, keyring, folder, workers=workers) as node:
        administrator = node.party("one", Role.ADMINISTRATOR)
        for party in ("one", "two", "three"):
            told = administrator.post(
                "/v1/parties", {"id": party, "name": party.title(), "desks": DESKS}
            )
            assert told.status == 201
        _wait_for(lambda: all(node.party("three").get("/v1/me").status == 200 for _ in range(9)))
        yield node


@pytest.fixture
def one(node: Node) -> Party:
    return node.party("one")


@pytest.fixture
def two(node: Node) -> Party:
    return node.party("two")


@pytest.fixture
def three(node: Node) -> Party:
    return node.party("three")


@pytest.fixture
def administrator(node: Node) -> Party:
    return node.party("one", Role.ADMINISTRATOR)


def _wait_for(true: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def built(value: Any) -> dict[str, Any]:
    """A value as JSON has it, its author left out."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return {name: part for name, part in found.items() if name not in {"type", "party"}}


def site(name: str, lon: float, lat: float = 0.0, **parts: Any) -> dict[str, Any]:
    return {**built(hospital(name, lon, lat)), **parts}


def trip(name: str, lon: float, lat: float = 0.0, **parts: Any) -> dict[str, Any]:
    return {**built(flight(name, lon, lat)), **parts}


def notified(party: Party, name: str, lon: float, **parts: Any) -> Answered:
    told = party.post("/v1/notices", site(name, lon, **parts))
    assert told.status == 201, told.body
    assert told.headers["location"] == f"/v1/objects/{told.json['object_id']}"
    assert told.token == told.json["token"]
    return told


def size(party: Party) -> int:
    """Entries in the register; asked so that nothing is shown, which would add one."""
    found: int = party.get("/v1/objects?text=nothing-is-called-so").json["sequence"]
    return found


def listed(party: Party, query: str) -> list[str]:
    """Names of what a party finds, over all pages; of an area, its category."""
    names, after, more = [], -1, True
    while more:
        page = party.get(f"/v1/objects?{query}&after={after}").json
        after, more = page["after"], page["more"]
        names += [one.get("value", {}).get("source_id", one.get("category"))
                  for one in page["objects"]]  # fmt: skip
    return names


def test_aware(one: Party, two: Party) -> None:
    """A flight over a hospital is filed only by whoever knows of the hospital."""
    notice = notified(one, "aware hospital", 10, release=FULL)
    plan = trip("aware flight", 10)
    before = size(two)
    problem = two.post("/v1/plans", {"plan": plan}).refused(409, "unaware")
    [missing] = problem["missing"]
    assert missing["token"] == notice.token
    assert missing["view"]["value"]["source_id"] == "aware hospital"
    assert size(two) == before + 1, "that it was shown the hospital, and nothing else"
    wrong = two.post("/v1/plans", {"plan": plan, "key": ["x" * 43]})
    assert wrong.refused(409, "unaware")["missing"] == [missing]
    filed = two.post("/v1/plans", {"plan": plan, "key": [missing["token"]]})
    assert (filed.status, filed.json["version"]) == (201, 1)
    # A later version of the hospital is another thing to know of.
    moved = one.ask(
        "PUT", notice.headers["location"],
        {"value": {"type": "notice", **site("aware hospital", 10, release=FULL)}},
        if_match=f'"{notice.token}"',
    )  # fmt: skip
    assert (moved.status, moved.json["version"]) == (200, 2)
    again = two.post("/v1/plans", {"plan": trip("other", 10), "key": [notice.token]})
    tokens = {missing["token"] for missing in again.refused(409, "unaware")["missing"]}
    assert tokens == {moved.token, filed.token}
    # A draft takes no effect, and needs to know of nothing.
    assert two.post("/v1/plans", {"plan": trip("draft", 10, state="draft")}).status == 201


def test_hidden(one: Party, two: Party, three: Party) -> None:
    """What is hidden still protects, and leaves a desk to call."""
    hidden = notified(one, "hidden hospital", 20)
    area = notified(one, "area hospital", 25, release={"parties": {"two": "area"}})
    verdict = two.post("/v1/check", {"plan": trip("asked", 20)}).json
    assert (verdict["verdict"], verdict["findings"]) == ("conflict", [])
    assert verdict["counts"]["withheld"] == 1
    assert verdict["withheld"] == [{"severity": "conflict", "desk": DESKS[0]}]
    far = two.post("/v1/check", {"plan": trip("asked", 22)}).json
    assert far["verdict"] == "no_known_conflict"
    [own] = one.post("/v1/check", {"plan": trip("asked", 20)}).json["findings"]
    assert (own["id"], own["call"]) == ("hidden hospital", DESKS[0])
    [missing] = two.post("/v1/plans", {"plan": trip("blind", 20)}).refused(409, "unaware")[
        "missing"
    ]
    assert set(missing) == {"token", "withheld"}
    filed = two.post("/v1/plans", {"plan": trip("blind", 20), "key": [missing["token"]]})
    assert filed.status == 201
    # It is in no list, and the answer to its id is the answer to any id.
    place = hidden.headers["location"]
    absent = "/v1/objects/" + "0" * 32
    for path in ("", "/history"):
        answers = [two.get(which + path).json for which in (place, absent)]
        for answer, which in zip(answers, (place, absent), strict=True):
            del answer["request_id"]
            assert str(answer).count(which[-32:]) == 2
        texts = [str(answer).replace(which[-32:], "") for answer, which in
                 zip(answers, (place, absent), strict=True)]  # fmt: skip
        assert texts[0] == texts[1]
    assert "hidden hospital" not in listed(two, "kind=notice")
    assert listed(three, "bbox=19,-1,26,1") == []
    # An area is found by its area, and shows no more.
    assert "medical" in listed(two, "bbox=24,-1,26,1")
    seen = two.get(area.headers["location"]).json
    assert (seen["grade"], seen.get("value")) == ("area", None)
    assert seen["area"][0]["footprint"][0]["radius_mm"] >= 10_000_000
    two.get(area.headers["location"] + "/history").refused(404, "not_found")
    assert three.get(area.headers["location"]).status == 404


def test_objection(one: Party, two: Party, three: Party) -> None:
    """An objection is answered by name before the plan is activated."""
    plan = trip("contested", 30, release=FULL)
    filed = two.post("/v1/plans", {"plan": plan})
    text = {"source_id": "objection", "object": filed.json["object_id"], "text": "Our corridor."}
    objection = one.post("/v1/objections", text)
    assert objection.status == 201
    active = {"value": {"type": "plan", **plan, "state": "activated"}}
    place, seen = filed.headers["location"], f'"{filed.token}"'
    before = size(two)
    told = two.ask("PUT", place, active, if_match=seen).refused(409, "conflict")
    assert objection.json["object_id"] in told["got"]
    own = {"source_id": "own", "object": filed.json["object_id"], "text": "no"}
    two.post("/v1/objections", own).refused(403, "not_permitted")
    answer = {"source_id": "answer", "objection": objection.json["object_id"], "text": "Moved."}
    three.post("/v1/answers", answer).refused(404, "not_found")
    assert size(two) == before
    assert two.post("/v1/answers", answer).status == 201
    assert two.ask("PUT", place, active, if_match=seen).status == 200
    for party, found in ((one, ["objection"]), (two, ["objection"]), (three, [])):
        assert listed(party, "kind=objection") == found


def test_acknowledgement(one: Party, two: Party, three: Party) -> None:
    """An acknowledgement names one entry, and says how far it has come."""
    notice = notified(one, "told hospital", 40, release={"parties": {"two": "full"}})
    entry = notice.json["leaf"]
    for level, more in (("received", {}), ("passed_on", {"to": "Crew 4"}), ("acted_on", {})):
        told = two.post("/v1/acknowledgements", {
            "source_id": level, "entry": entry, "level": level, **more})  # fmt: skip
        assert told.status == 201, told.body
    nobody = {"source_id": "to whom", "entry": entry, "level": "passed_on"}
    two.post("/v1/acknowledgements", nobody).refused(400, "malformed_input")
    refused, never = (
        three.post(
            "/v1/acknowledgements", {"source_id": "x", "entry": which, "level": "received"}
        ).refused(404, "not_found")
        for which in (entry, "0" * 64)
    )
    assert refused["detail"].replace(entry, "") == never["detail"].replace("0" * 64, "")
    assert listed(one, "kind=acknowledgement") == ["received", "passed_on", "acted_on"]
    assert listed(three, "kind=acknowledgement") == []


def test_read(one: Party, two: Party, three: Party) -> None:
    """What a party is shown is on the record, once, for its author and the reader."""
    notice = notified(one, "read hospital", 45, release={"parties": {"two": "full"}})
    for _ in range(2):
        assert two.get(notice.headers["location"]).status == 200
        assert two.get("/v1/objects?text=read%20hospital").json["objects"] != []
    assert three.get(notice.headers["location"]).status == 404

    def deliveries(party: Party) -> list[dict[str, Any]]:
        found = party.get(f"/v1/objects?kind=delivery&after={notice.json['sequence']}").json
        told = [one["value"] for one in found["objects"]]
        return [one for one in told if notice.json["leaf"] in one["entries"]]

    for party, count in ((one, 1), (two, 1), (three, 0)):
        shown = deliveries(party)
        assert [(each["to"], each["how"]) for each in shown] == [("two", "read")] * count


def test_release(one: Party, two: Party, three: Party) -> None:
    """A release is asked for, granted, and taken back."""
    notice = notified(one, "lent hospital", 50, release={"parties": {"two": "full"}})
    place = notice.headers["location"]
    asked = two.post("/v1/release-requests", {
        "source_id": "may three", "object": notice.json["object_id"], "to": "three",
        "purpose": "They fly there."})  # fmt: skip
    assert asked.status == 201
    assert three.get(place).status == 404
    decision = {"source_id": "yes", "request": asked.json["object_id"], "granted": True}
    two.post("/v1/release-decisions", decision).refused(404, "not_found")
    granted = one.post("/v1/release-decisions", decision)
    assert granted.status == 201
    assert three.get(place).json["value"]["name"] == "lent hospital"
    assert three.get(place + "/history").json["versions"][0]["leaf"] == notice.json["leaf"]
    back = one.ask("PUT", granted.headers["location"],
                   {"value": {"type": "release_decision", **decision, "granted": False}},
                   if_match=f'"{granted.token}"')  # fmt: skip
    assert back.status == 200
    assert three.get(place).status == 404
    assert two.get(place).status == 200


def test_suspended(one: Party, two: Party, administrator: Party) -> None:
    """While the agreement is suspended, what spares life stays on."""
    one.post("/v1/agreement/suspend").refused(403, "not_permitted")
    filed = two.post("/v1/plans", {"plan": trip("begun", 60)})
    assert administrator.post("/v1/agreement/suspend").status == 201
    administrator.post("/v1/agreement/suspend").refused(409, "conflict")
    terms = two.get("/v1/agreement").json["value"]
    assert (terms["state"], "suspended_at" in terms) == ("suspended", True)
    two.post("/v1/plans", {"plan": trip("new", 61)}).refused(409, "conflict")
    report = {"source_id": "r", "title": "t", "text": "x"}
    two.post("/v1/reports", report).refused(409, "conflict")
    notified(one, "urgent hospital", 62)
    assert two.post("/v1/check", {"plan": trip("asked", 62)}).json["verdict"] == "conflict"
    ended = two.ask("DELETE", filed.headers["location"], if_match=f'"{filed.token}"')
    assert ended.status == 200
    assert administrator.post("/v1/agreement/resume").status == 201
    assert two.post("/v1/plans", {"plan": trip("new", 61)}).status == 201
    assert two.post("/v1/reports", report).status == 201
    states = [one["agreement"].get("state", "in_force")
              for one in two.get("/v1/agreement/versions").json["versions"]]  # fmt: skip
    assert states[-3:] == ["in_force", "suspended", "in_force"]


def test_twice(one: Party, two: Party) -> None:
    """A request that is sent twice is done once."""
    body = json.dumps(site("twice", 70)).encode()
    first = one.post("/v1/notices", body, idempotency_key="twice-1")
    before = size(one)
    again = one.post("/v1/notices", body, idempotency_key="twice-1")
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.token, again.headers["location"]) == (first.token, first.headers["location"])
    other = json.dumps(site("other", 70)).encode()
    one.post("/v1/notices", other, idempotency_key="twice-1").refused(409, "conflict")
    one.post("/v1/zones", body, idempotency_key="twice-1").refused(400, "malformed_input")
    assert size(one) == before
    # It is the party's own key: another one's is another.
    assert two.post("/v1/notices", body, idempotency_key="twice-1").status == 201
    # A refusal is not kept.
    plan = trip("twice", 70)
    refused = two.post("/v1/plans", {"plan": plan}, idempotency_key="twice-2")
    key = [one["token"] for one in refused.refused(409, "unaware")["missing"]]
    filed = two.post("/v1/plans", {"plan": plan, "key": key}, idempotency_key="twice-2")
    assert filed.status == 201
    place, seen = filed.headers["location"], f'"{filed.token}"'
    ended = [two.ask("DELETE", place, if_match=seen, idempotency_key="twice-3") for _ in range(2)]
    assert [one.status for one in ended] == [200, 200]
    assert ended[0].body == ended[1].body
    for wrong in ("", "é", "x" * 201):
        one.post("/v1/notices", body, idempotency_key=wrong).refused(400, "malformed_input")


REFUSED: list[tuple[str, str, Any, dict[str, str], int, str]] = [
    ("POST", "/v1/notices", b"{", {}, 400, "malformed_input"),
    ("POST", "/v1/notices", b"", {}, 400, "malformed_input"),
    ("POST", "/v1/notices", b"[" * 100_000, {}, 400, "malformed_input"),
    ("POST", "/v1/notices", b'{"source_id": "\xff"}', {}, 400, "malformed_input"),
    ("POST", "/v1/notices", site("x", 0, colour="red"), {}, 400, "malformed_input"),
    ("POST", "/v1/notices", site("x", 0, party="two"), {}, 403, "not_permitted"),
    ("POST", "/v1/notices", site("x\0", 0), {}, 400, "malformed_input"),
    ("POST", "/v1/notices", site("x", 0, volumes=[]), {}, 400, "malformed_input"),
    ("POST", "/v1/notices", site("x", 0), {"content_type": "text/plain"}, 415,
     "unsupported_media_type"),
    ("POST", "/v1/movements", site("x", 0), {}, 400, "malformed_input"),
    ("POST", "/v1/movements", site("x", 0, kind="site"), {}, 400, "malformed_input"),
    ("POST", "/v1/presence", {"source_id": "x", "name": "x"}, {}, 400, "malformed_input"),
    ("POST", "/v1/plans", {"plan": trip("x", 0), "key": "x"}, {}, 400, "malformed_input"),
    ("POST", "/v1/check", {"plan": trip("x", 0, party="two")}, {}, 403, "not_permitted"),
    ("POST", "/v1/checks", b"{}", {"content_type": "application/json"}, 415,
     "unsupported_media_type"),
    ("POST", "/v1/parties", {"id": "x", "name": "x"}, {}, 403, "not_permitted"),
    ("POST", "/v1/agreement", {"name": "x"}, {}, 403, "not_permitted"),
    ("GET", "/v1/objects?colour=red", None, {}, 400, "malformed_input"),
    ("GET", "/v1/objects?limit=0", None, {}, 400, "malformed_input"),
    ("GET", "/v1/objects?limit=1&limit=2", None, {}, 400, "malformed_input"),
    ("GET", "/v1/objects?bbox=0,1,1,0", None, {}, 400, "malformed_input"),
    ("GET", "/v1/objects?bbox=0,0,1", None, {}, 400, "malformed_input"),
    ("GET", "/v1/objects?from=2030-01-01T00:00:00", None, {}, 400, "malformed_input"),
    ("GET", "/v1/objects?kind=target", None, {}, 400, "malformed_input"),
    ("GET", "/v1/objects?text=%ff", None, {}, 400, "malformed_input"),
    ("GET", "/v1/objects/x", None, {}, 404, "not_found"),
    ("PATCH", "/v1/objects", None, {}, 405, "method_not_allowed"),
    ("PUT", "/v1/objects/" + "0" * 32, {"value": {"type": "notice", **site("x", 0)}}, {}, 428,
     "token_required"),
    ("DELETE", "/v1/objects/" + "0" * 32, None, {}, 428, "token_required"),
    ("DELETE", "/v1/objects/" + "0" * 32, None, {"if_match": "*"}, 400, "malformed_input"),
    ("DELETE", "/v1/objects/" + "0" * 32, None, {"if_match": '"x"'}, 404, "not_found"),
    ("POST", "/v1/entries", {"envelope": "{}", "object": "{}", "salt": "A" * 43 + "="}, {}, 400,
     "malformed_input"),
    ("GET", "/v1/chain/UPPER", None, {}, 400, "malformed_input"),
]  # fmt: skip


def test_refused(node: Node, one: Party, two: Party) -> None:
    """What is refused leaves nothing, and says what was expected."""
    notice = notified(one, "steady hospital", 80, release=FULL)
    place, before = notice.headers["location"], size(one)
    for method, path, body, headers, status, code in REFUSED:
        told = one.ask(method, path, body, **headers)
        assert (told.status, told.json["code"]) == (status, code), (method, path, body, told.body)
    value = {"value": {"type": "notice", **site("steady hospital", 81)}}
    one.ask("PUT", place, value, if_match='"old"').refused(412, "stale")
    two.ask("PUT", place, value, if_match=f'"{notice.token}"').refused(404, "not_found")
    two.ask("DELETE", place, if_match=f'"{notice.token}"').refused(404, "not_found")
    one.post("/v1/notices", site("steady hospital", 80)).refused(409, "conflict")
    zone = {"value": {"type": "zone", **site("steady hospital", 81), "rule": "corridor"}}
    assert one.ask("PUT", place, zone, if_match=f'"{notice.token}"').status in {400, 409}
    huge = b'{"source_id":"' + b"x" * 25_000_000
    one.post("/v1/notices", huge).refused(413, "too_large")
    nobody = node.party("")
    nobody.get("/v1/objects").refused(401, "not_authentic")
    nobody.post("/v1/notices", site("x", 0)).refused(401, "not_authentic")
    watch = node.party("one", Role.WATCH)
    told = watch.post("/v1/notices", site("x", 0)).refused(403, "not_permitted")
    assert "detente.notices.write" in told["expected"]
    assert size(one) == before
    assert one.get(place).json["value"]["volumes"] == site("", 80)["volumes"]


class Signer:
    """A party that signs its own entries."""

    def __init__(self, node: Node, party: str) -> None:
        self._anybody = node.party("")
        self._key = node.keyring.load(party)
        self.party = party
        self.author = self._following()

    def _following(self) -> Author:
        told = self._anybody.get(f"/v1/chain/{self.party}").json
        head = None
        if told["previous"] is not None:
            head = ChainHead(
                party_sequence=told["party_sequence"] - 1, leaf=bytes.fromhex(told["previous"])
            )
        return Author(theatre=told["theatre"], party=self.party, key=self._key, head=head)

    def sign(self, value: Notice | Plan, **parts: Any) -> dict[str, Any]:
        """The next entry, as it is sent."""
        value = msgspec.structs.replace(value, party=self.party)
        return sent(self.author.write(value, now=datetime.now(UTC), **parts))

    def submit(self, entry: dict[str, Any]) -> Answered:
        return self._anybody.post("/v1/entries", entry)

    def submit_lines(self, *entries: Any) -> Answered:
        lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in entries]
        return self._anybody.post("/v1/entries", b"\n".join(lines), content_type=LINES)


def sent(submission: Submission) -> dict[str, Any]:
    content = submission.content
    salt = msgspec.to_builtins(content.salt)
    return {"envelope": submission.envelope.decode(), "object": content.data.decode(), "salt": salt}


def test_signed(node: Node, two: Party) -> None:
    """A party signs its own entries, and needs no token."""
    signer = Signer(node, "two")
    entry = signer.sign(hospital("signed hospital", 90, 0))
    told = signer.submit(entry)
    assert told.status == 201
    receipt = msgspec.convert(told.json, Receipt)
    assert two.get(told.headers["location"]).json["token"] == receipt.token == told.token
    # The same entry again is the same entry.
    again = signer.submit(entry)
    assert (again.status, again.json["sequence"]) == (201, receipt.sequence)
    base64 = {**entry, "envelope": msgspec.to_builtins(entry["envelope"].encode()),
              "object": msgspec.to_builtins(entry["object"].encode())}  # fmt: skip
    assert signer.submit(base64).json["leaf"] == receipt.leaf
    # What is not the party's, or not the next, or not what was signed, is refused.
    before = size(two)
    head = signer.author.head
    forged = Author(theatre="test", party="two", key=node.keyring.load("one"), head=head)
    value = msgspec.structs.replace(hospital("forged", 90, 0), party="two")
    signer.submit(sent(forged.write(value, now=datetime.now(UTC)))).refused(401, "not_authentic")
    late = signer.sign(hospital("skipped", 90, 0))
    following = signer.sign(hospital("after it", 90, 0))
    signer.submit(following).refused(409, "conflict")
    signer.submit({**late, "object": late["object"].replace("skipped", "changed")}).refused(
        401, "not_authentic"
    )
    assert size(two) == before
    # A plan that it signs is held against everything as any other.
    signer.author.head = head
    plan = signer.sign(flight("signed flight", 90, 0))
    missing = signer.submit(plan).refused(409, "unaware")["missing"]
    assert [one["token"] for one in missing] == [receipt.token]
    assert signer.submit({**plan, "key": [receipt.token]}).status == 201


def test_signed_lines(node: Node, two: Party) -> None:
    """Many signed entries go in one request, and each gets its own answer in order."""
    signer = Signer(node, "two")
    entries: list[Any] = [signer.sign(hospital(f"bulk {n}", 100, n / 100)) for n in range(600)]
    head = signer.author.head
    plan = signer.sign(flight("bulk flight", 100, 0))
    signer.author.head = head
    last = signer.sign(hospital("bulk last", 101, 0))
    lines = signer.submit_lines(*entries[:300], b"{", b"", *entries[300:], plan, last).lines
    assert [one["line"] for one in lines] == [*range(1, 302), *range(303, 605)]
    assert [n for n, one in enumerate(lines) if "problem" in one] == [300, 601]
    assert lines[300]["problem"]["code"] == "malformed_input"
    assert lines[601]["problem"]["code"] == "unaware"
    assert lines[601]["problem"]["missing"]
    sequences = [one["receipt"]["sequence"] for one in lines if "receipt" in one]
    assert sequences == list(range(sequences[0], sequences[0] + 601))
    assert len(listed(two, "text=bulk&kind=notice&limit=1000")) == 601
    assert two.get("/v1/chain/two").json["previous"] == lines[-1]["receipt"]["leaf"]


def test_many_checks(one: Party, two: Party) -> None:
    """Many plans are checked in one request, each line answered in order."""
    notified(one, "checked hospital", 110, release=FULL)
    question = {"plan": trip("near", 110)}
    lines: list[bytes] = []
    for number in range(1_000):
        far = {"plan": trip(f"far {number}", 111), "separation_mm": number % 3}
        lines.append(json.dumps(question if number % 10 == 0 else far).encode())
    lines[333] = b"no json"
    lines[334] = json.dumps({"plan": trip("x", 0, colour=1)}).encode()
    lines[335] = b'"' + b"x" * 2_000_000 + b'"'
    told = two.post("/v1/checks", b"\n".join(lines) + b"\n", content_type=LINES).lines
    assert [one["line"] for one in told] == list(range(1, 1_001))
    assert [n for n, one in enumerate(told) if "problem" in one] == [333, 334, 335]
    assert [told[n]["problem"]["status"] for n in (333, 334, 335)] == [400, 400, 413]
    verdicts = [one["verdict"]["verdict"] for one in told if "verdict" in one]
    assert verdicts.count("conflict") == 100
    assert verdicts.count("no_known_conflict") == 897
    assert two.post("/v1/checks", b"", content_type=LINES).lines == []


def test_lists(one: Party, two: Party) -> None:
    """A list is followed page by page, and later by what changed since."""
    start = size(one) - 1
    said = {n: notified(one, f"listed {n}", 120 + n / 100, release=FULL) for n in range(25)}
    names, after, pages = [], start, 0
    while True:
        page = two.get(f"/v1/objects?kind=notice&limit=10&after={after}").json
        names += [one["value"]["source_id"] for one in page["objects"]]
        after, pages = page["after"], pages + 1
        if pages == 1:
            # Something on the page just read changes: it comes once more, at the end.
            value = {"value": {"type": "notice", **site("listed 3", 125, release=FULL)}}
            changed = one.ask("PUT", said[3].headers["location"], value,
                              if_match=f'"{said[3].token}"')  # fmt: skip
            assert changed.status == 200
        if not page["more"]:
            break
    assert names == [*(f"listed {n}" for n in range(25)), "listed 3"]
    assert listed(two, "kind=notice&bbox=119.9,-1,120.0556,1") == [
        f"listed {n}" for n in (0, 1, 2, 4, 5, 6)
    ]
    ended = one.ask("DELETE", said[4].headers["location"], if_match=f'"{said[4].token}"')
    since = (datetime.now(UTC) - timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    assert "listed 5" in listed(two, f"kind=notice&changed_since={since}&party=one")
    gone = two.get(f"/v1/objects?after={after}&kind=notice").json
    assert gone["objects"] == []
    told = two.get(f"/v1/objects?after={after}&kind=notice&ended=true").json
    assert [one["token"] for one in told["objects"]] == [ended.token]
    assert listed(two, "kind=notice&text=LISTED 24") == ["listed 24"]
    assert listed(two, "kind=notice&text=listed&from=2030-01-01T00:00:00Z&limit=1000") != []


def test_lead_time(one: Party, administrator: Party) -> None:
    """A notice that comes late is taken, and flagged."""
    terms = one.get("/v1/agreement").json["value"]
    terms["lead_times_s"] = {"humanitarian": 86_400}
    assert administrator.post("/v1/agreement", terms).status == 201
    volumes = site("x", 130)["volumes"]
    for hours, late in ((1, True), (48, False)):
        start = datetime.now(UTC) + timedelta(hours=hours)
        leg = {**volumes[0], "start": start.isoformat(),
               "end": (start + timedelta(hours=2)).isoformat()}  # fmt: skip
        told = one.post("/v1/movements", site(
            f"convoy {hours}", 130, category="humanitarian", volumes=[leg]))  # fmt: skip
        assert (told.status, told.json.get("late", False)) == (201, late)


def test_governing(node: Node, one: Party, administrator: Party) -> None:
    """Only an administrator admits parties and changes the terms."""
    assert {one["id"] for one in one.get("/v1/parties").json["parties"]} >= {"one", "two", "three"}
    admitted = administrator.post("/v1/parties", {"id": "four", "name": "Four"})
    assert admitted.status == 201
    # Whichever worker is asked, it knows.
    assert all(node.party("four").get("/v1/me").status == 200 for _ in range(5))
    me = node.party("four", Role.WATCH).get("/v1/me").json
    assert (me["party"], me["method"]) == ("four", "token")
    assert "detente.presence.write" in me["scopes"]
    assert "detente.admin" not in me["scopes"]
    stolen = {"id": "five", "name": "Five", "keys": [
        {"id": "0" * 16, "ed25519": "0" * 64}]}  # fmt: skip
    administrator.post("/v1/parties", stolen).refused(400, "malformed_input")
    known = next(p for p in one.get("/v1/parties").json["parties"] if p["id"] == "two")
    renamed = administrator.post("/v1/parties", {**known, "name": "Two of them"})
    assert renamed.status == 201
    now = next(p for p in one.get("/v1/parties").json["parties"] if p["id"] == "two")
    assert (now["name"], now["keys"]) == ("Two of them", known["keys"])
    node.party("nobody").get("/v1/me").refused(403, "not_permitted")


def test_plan_states(two: Party) -> None:
    """A plan goes from state to state as its table has it, and its name is free afterwards."""
    plan = trip("stately", 140)
    told = two.post("/v1/plans", {"plan": plan})
    for state, status in (("draft", 409), ("activated", 200), ("withdrawn", 409),
                          ("nonconforming", 200), ("ended", 200), ("activated", 409)):  # fmt: skip
        value = {"value": {"type": "plan", **plan, "state": state}}
        answer = two.ask("PUT", told.headers["location"], value, if_match=f'"{told.token}"')
        assert answer.status == status, (state, answer.body)
        told = answer if status == 200 else told
    assert two.post("/v1/plans", {"plan": plan}).status == 201
    assert PlanState.ENDED.value == "ended"

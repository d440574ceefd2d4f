"""Telling over real HTTP (R-02, R-08); test_telling.md tells it."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli import detente
from conftest import KINDS, begin
from detente.core.notice import Notice, NoticeKind
from detente.core.principal import PARTY_ROLES, Role
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.store import Place, Store, parse_place
from detente.store.place import Server
from http_node import EVERY_ROLE, Answered, Node, Party, bearer, node_at
from listener import Listener
from nodes import around, hospital
from postgres import TEMPLATE, Cluster
from receiver import Receiver

WEBHOOKS = ("webhook_http=true", "webhook_private=true")
"""The receivers of the tests are on this machine, without TLS."""

LOST_S = 90.0
"""In which a killed worker's lease has ended and another has gone on, on a busy machine too."""


@pytest.fixture(scope="module", params=KINDS)
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Here":
    """A register with parties one, two and three, and a folder to serve it from."""
    folder = tmp_path_factory.mktemp("node")
    keyring = Keyring(folder / "test.db")
    place: Place = folder / "test.db"
    workers = 1
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        place, workers = parse_place(cluster.url(cluster.make(TEMPLATE))), 2
    begin(place, keyring)
    return Here(place, keyring, folder, workers)


class Here:
    """Where a node is served from."""

    def __init__(self, place: Place, keyring: Keyring, folder: Path, workers: int) -> None:
        self.place = place
        self.folder = folder
        self._parts = (place, keyring, folder)
        self._workers = workers

    def serving(self) -> Any:
        return node_at(*self._parts, *WEBHOOKS, workers=self._workers)


@pytest.fixture(scope="module")
def node(here: Here) -> Iterator[Node]:
    """A node of three parties with terms of its own."""
    with here.serving() as node:
        administrator = node.party("one", Role.ADMINISTRATOR)
        assert administrator.post("/v1/parties", {"id": "three", "name": "Three"}).status == 201
        terms = {"name": "test", "lead_times_s": {"convoy": 7_200}}
        answer = administrator.post("/v1/agreement", terms)
        assert answer.status in {200, 201}, answer.body
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
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()
    assert not made.problems


def _wait_for(true: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def released(**grades: str) -> dict[str, Any]:
    return {"parties": grades, "grid_mm": 100_000}


def built(value: Any, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(value) | changes
    return found


def notify(one: Party, name: str, at: tuple[float, float], **grades: str) -> Any:
    """One's notice, released so; gives the receipt."""
    notice = hospital(name, *at)
    answer = one.post("/v1/notices", built(notice, release=released(**grades)))
    assert answer.status == 201, answer.body
    return answer.json


def change(one: Party, receipt: Any, name: str, at: tuple[float, float], **grades: str) -> Any:
    """Its next version."""
    value = built(hospital(name, *at), release=released(**grades))
    answer = one.ask(
        "PUT", f"/v1/objects/{receipt['object_id']}", {"value": value},
        if_match=f'"{receipt["token"]}"',
    )  # fmt: skip
    assert answer.status == 200, answer.body
    return answer.json


def subscribe(
    party: Party, at: tuple[float, float], receiver: Receiver | None = None, **parts: Any
) -> Any:
    """A subscription to notices within 20 km of a place."""
    asked = {"kinds": ["notice"], "volumes": msgspec.to_builtins(around(*at, 20_000.0)), **parts}
    if receiver is not None:
        asked["url"] = receiver.url
    answer = party.post("/v1/subscriptions", asked)
    assert answer.status == 201, answer.body
    if receiver is not None:
        receiver.secret = answer.json["secret"]
    return answer.json["receipt"]["object_id"]


def events(party: Party, after: int = -1, **query: str) -> list[Any]:
    """All events after one, page by page."""
    found, more = [], True
    while more:
        asked = "".join(f"&{name}={value}" for name, value in query.items())
        page = party.get(f"/v1/events?after={after}{asked}").json
        assert page["next"] >= after
        found += page["events"]
        after, more = page["next"], page["more"]
    return found


def deliveries(party: Party, leaf: str) -> list[Any]:
    """What the record says of how an entry was delivered, as one party may see it."""
    after, more, found = -1, True, []
    while more:
        page = party.get(f"/v1/objects?kind=delivery&limit=1000&after={after}").json
        found += [one["value"] for one in page["objects"]]
        after, more = page["after"], page["more"]
    return [value for value in found if leaf in value["entries"]]


def test_comes_back(one: Party, two: Party, three: Party, receiver: Receiver) -> None:
    """A receiver that fails is told everything once it comes back."""
    at = (1.0, 1.0)
    wish = subscribe(two, at, receiver)
    other = Receiver()
    subscribe(three, at, other)
    first = notify(one, "a0", at, two="full", three="full")
    receiver.wait(lambda x: x.names() == ["a0"])
    failed = []
    for number, how in enumerate([500, "drop", "redirect"], start=1):
        receiver.how = how  # type: ignore[assignment] # each is one
        failed.append(notify(one, f"a{number}", at, two="full", three="full"))
        notify(one, f"other{number}", (60.0, 1.0), two="full", three="full")
        receiver.wait(lambda x, how=how: how in {said for _, said in x.attempts})  # type: ignore[misc]
    progress = two.get(f"/v1/subscriptions/{wish}").json["subscription"]["progress"]
    assert progress["attempts"] >= 2
    assert "failing_since" in progress
    other.wait(lambda x: len(x.names()) == 4)
    receiver.how = 200
    receiver.wait(lambda x: len(x.names()) == 4)
    assert receiver.names() == other.names() == ["a0", "a1", "a2", "a3"]
    assert receiver.sequences() == sorted(set(receiver.sequences()))
    ids = [one for one, how in receiver.attempts if how != 200]
    assert len(set(ids)) == 1, "what is sent again has the same id"
    other.stop()
    assert not other.problems
    _wait_for(lambda: "progress" in two.get(f"/v1/subscriptions/{wish}").json["subscription"])

    def of_two() -> list[Any]:
        return [value for value in deliveries(one, failed[0]["leaf"]) if value["to"] == "two"]

    # It comes before the record can say so.
    _wait_for(lambda: of_two()[-1]["outcome"] == "delivered")
    said = of_two()
    assert said[0]["outcome"] == "failed"
    assert said[0]["status"] == 500
    assert {value["how"] for value in said} == {"webhook"}
    assert [
        value["status"] for value in deliveries(one, first["leaf"]) if value["to"] == "two"
    ] == [200]
    two.ask("DELETE", f"/v1/subscriptions/{wish}")


def test_leaves(one: Party, two: Party, receiver: Receiver) -> None:
    """What leaves the place, ends or is taken back is told as well."""
    at, away = (-30.0, 10.0), (-30.0, 50.0)
    wish = subscribe(two, at, receiver)
    moved = notify(one, "moved", at, two="full")
    ended = notify(one, "ended", at, two="full")
    taken = notify(one, "taken back", at, two="full")
    part = notify(one, "in part", at, two="area")
    notify(one, "contact", at, two="contact")
    receiver.wait(lambda x: len(x.sequences()) == 4)
    change(one, moved, "moved", away, two="full")
    answer = one.ask("DELETE", f"/v1/objects/{ended['object_id']}", if_match=f'"{ended["token"]}"')
    assert answer.status == 200
    change(one, taken, "taken back", at)
    last = notify(one, "last", at, two="full")
    receiver.wait(lambda x: last["sequence"] in x.sequences())
    told = [event for message in receiver.taken for event in message["data"]["events"]]
    assert [(event["change"], event["object"]) for event in told] == [
        ("new", moved["object_id"]),
        ("new", ended["object_id"]),
        ("new", taken["object_id"]),
        ("new", part["object_id"]),
        ("left", moved["object_id"]),
        ("ended", ended["object_id"]),
        ("gone", taken["object_id"]),
        ("new", last["object_id"]),
    ]
    assert told[3]["view"]["grade"] == "area"
    assert "value" not in told[3]["view"]
    where = msgspec.json.decode(msgspec.json.encode(around(*away)))
    assert told[4]["view"]["value"]["volumes"] == where
    assert "view" not in told[6]
    assert "token" not in told[6]
    assert two.ask("DELETE", f"/v1/subscriptions/{wish}").status == 200
    assert two.get(f"/v1/events?subscription={wish}").refused(404, "not_found")


def test_widened(one: Party, two: Party, three: Party) -> None:
    """A release that is widened later is told then."""
    at = (20.0, 20.0)
    wish = subscribe(two, at)
    hidden = notify(one, "hidden", at)
    assert events(two, subscription=wish) == []
    shown = change(one, hidden, "hidden", at, two="full")
    [event] = events(two, subscription=wish)
    assert (event["sequence"], event["change"]) == (shown["sequence"], "new")
    mine = subscribe(three, at)
    asked = {"source_id": "r", "object": hidden["object_id"], "to": "three"}
    request = two.post("/v1/release-requests", asked)
    assert request.status == 201, request.body
    assert events(three, subscription=mine) == []
    decision = {"source_id": "d", "request": request.json["object_id"], "granted": True}
    granted = one.post("/v1/release-decisions", decision)
    assert granted.status == 201, granted.body
    [event] = events(three, subscription=mine)
    assert event["sequence"] == granted.json["sequence"]
    assert event["shows"]["object"] == hidden["object_id"]
    assert event["shows"]["value"]["source_id"] == "hidden"


def test_polling(one: Party, two: Party, three: Party) -> None:
    """Polling is paged, and shows nobody else's."""
    at = (50.0, -20.0)
    wish = subscribe(two, at)
    start = two.get(f"/v1/subscriptions/{wish}").json["subscription"]["sequence"] - 1
    names = [f"p{number}" for number in range(5)]
    for name in names:
        notify(one, name, at, two="full")
        notify(one, f"not here {name}", (50.0, 20.0), two="full")
        notify(one, f"not for two {name}", at, three="full")
    found = events(two, start, limit="1", subscription=wish)
    assert [event["view"]["value"]["source_id"] for event in found] == names
    alone = [event["kind"] for event in events(two, start)]
    assert alone == ["subscription"] + ["notice"] * 2 * len(names), "all that it may see"
    three.get(f"/v1/events?subscription={wish}").refused(404, "not_found")
    three.get(f"/v1/subscriptions/{wish}").refused(404, "not_found")
    three.ask("DELETE", f"/v1/subscriptions/{wish}").refused(404, "not_found")
    assert wish not in three.get("/v1/subscriptions").body.decode()
    two.get("/v1/events?limit=0").refused(400, "malformed_input")
    two.post("/v1/subscriptions", {"kinds": ["delivery"]}).refused(400, "malformed_input")
    two.post("/v1/subscriptions", {"url": "gopher://x/"}).refused(400, "malformed_input")


def test_silence(here: Here, node: Node) -> None:
    """Who is silent is shown."""
    at = (100.0, 10.0)
    one, two, three = (node.party(name, *PARTY_ROLES) for name in ("one", "two", "three"))
    told = notify(one, "quiet", at, two="full", three="full")
    for party in (two, three):
        assert party.get(f"/v1/objects/{told['object_id']}").status == 200
    acknowledged = {"source_id": "k", "entry": told["leaf"], "level": "received"}
    answer = two.post("/v1/acknowledgements", acknowledged)
    assert answer.status == 201, answer.body

    def silent(party: Party, **query: str) -> list[Any]:
        page = party.get(
            "/v1/silence?limit=1000" + "".join(f"&{k}={v}" for k, v in query.items())
        ).json
        return [one for one in page["silences"] if one["object"] == told["object_id"]]

    [found] = silent(one)
    assert (found["party"], found["name"], found["version"]) == ("three", "quiet", 1)
    assert "told" in found
    assert "level" not in found
    below = {found["party"]: found.get("level") for found in silent(one, level="passed_on")}
    assert below == {"two": "received", "three": None}
    assert silent(one, longer_than_s="3600") == []
    page = three.get("/v1/silence").json
    assert told["object_id"] not in json.dumps(page)
    stand = {found["party"]: found for found in page["parties"]}
    assert "not_acknowledging_since" in stand["three"]
    assert "not_acknowledging_since" not in stand["two"]
    change(one, told, "quiet", at, two="full", three="full")
    assert {found["party"] for found in silent(one)} == {"two", "three"}
    auditor = node.party("three", Role.AUDITOR)
    assert {found["party"] for found in silent(auditor)} == {"two", "three"}
    assert "name" not in silent(auditor)[0]
    store = here.place
    if isinstance(store, Server):
        store = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    ran = detente("silence", "--store", store, "--format", "json", cwd=here.folder)
    lines = [json.loads(line) for line in ran.out.splitlines()]
    about = [line["silence"] for line in lines if "silence" in line]
    silent_now = {found["party"] for found in about if found["object"] == told["object_id"]}
    assert silent_now == {"two", "three"}
    table = detente("silence", "--store", store, "--party", "Three", cwd=here.folder)
    assert "not acknowledging" in table.out
    refused = detente("silence", "--store", store, "--longer-than", "2", cwd=here.folder)
    assert (refused.status, refused.out) == (2, "")


def test_once(one: Party, two: Party) -> None:
    """What a party was shown is on record once."""
    told = notify(one, "read", (140.0, -30.0), two="area")
    before = told["sequence"] - 1
    for _ in range(2):
        assert two.get(f"/v1/objects/{told['object_id']}").json["grade"] == "area"
        assert told["object_id"] in two.get("/v1/objects?limit=1000&kind=notice").body.decode()
        assert events(two, before)
    said = deliveries(one, told["leaf"])
    assert [(value["to"], value["how"], value.get("grade")) for value in said] == [
        ("two", "read", "area")
    ]
    asked = {"source_id": "more", "object": told["object_id"], "to": "two"}
    request = two.post("/v1/release-requests", asked).json
    decision = {"source_id": "yes", "request": request["object_id"], "granted": True}
    assert one.post("/v1/release-decisions", decision).status == 201
    _wait_for(lambda: two.get(f"/v1/objects/{told['object_id']}").json["grade"] == "full")
    assert [value.get("grade") for value in deliveries(one, told["leaf"])] == ["area", None]


def test_late(one: Party, two: Party) -> None:
    """Late is said."""
    now = datetime.now(UTC)
    convoy = Notice(
        source_id="convoy", name="Convoy", category="convoy", kind=NoticeKind.MOVEMENT,
        volumes=around(
            150.0, 10.0, start=now + timedelta(hours=1), end=now + timedelta(hours=3)
        ),
    )  # fmt: skip
    answer = one.post("/v1/notices", built(convoy, release=released(two="full")))
    assert answer.json["late"] is True
    [event] = events(two, answer.json["sequence"] - 1)
    assert event["late"] is True
    assert event["view"]["late"] is True


def _listen(node: Node, query: str = "", **headers: str) -> Listener:
    return Listener(f"{node.url}/v1/events/stream{query}", bearer("two", EVERY_ROLE), **headers)


def _kill(node: Node) -> None:
    """All of it, at once."""
    workers = node.served.workers()
    for pid in (node.served.process.pid, *workers):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    node.served.process.wait()


@pytest.fixture(params=KINDS)
def mortal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Here]:
    """A register whose nodes are killed."""
    keyring = Keyring(tmp_path / "test.db")
    place: Place = tmp_path / "test.db"
    workers = 1
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        place, workers = parse_place(cluster.url(cluster.make(TEMPLATE))), 2
    begin(place, keyring)
    yield Here(place, keyring, tmp_path, workers)
    store = Store(place)
    assert not audit(store).problems
    store.close()


def test_stream(mortal: Here) -> None:
    """A stream goes on where it was, whatever is killed."""
    seen: list[int] = []
    said: list[int] = []
    last = None
    for life in range(3):
        with mortal.serving() as node:
            one = node.party("one")
            query = "?after=-1" if last is None else ""
            headers: dict[str, str] = {} if last is None else {"last-event-id": last}
            listener = _listen(node, query, **headers)
            for number in range(5):
                answer = notify(one, f"s{life}-{number}", (1.0, 1.0), two="full")
                said.append(answer["sequence"])
            if life < 2:
                # As much as came before the end, which may be in the middle of it.
                listener.wait(lambda x, n=life: len(x.events) > n)  # type: ignore[misc]
                _kill(node)
            else:
                listener.wait(lambda x: bool(x.events) and x.events[-1]["sequence"] == said[-1])
        # Killed or stopped in good order, it has ended.
        listener.join()
        seen += [event["sequence"] for event in listener.events]
        last = listener.last
    assert seen == sorted(set(seen))
    assert set(said) <= set(seen)


def test_worker(mortal: Here, receiver: Receiver) -> None:
    """Webhooks go on when the worker that sends them is killed."""
    said: list[int] = []
    with mortal.serving() as node:
        subscribe(node.party("two"), (1.0, 1.0), receiver)
        one = node.party("one")
        for life in range(3):
            for number in range(20):
                said.append(_said(one, f"w{life}-{number}"))
                if life < 2 and number == 10:
                    receiver.wait(lambda x, n=said[-8]: n in x.sequences(), LOST_S)  # type: ignore[misc]
                    for pid in node.served.workers():
                        os.kill(pid, signal.SIGKILL)
        receiver.wait(lambda x: said[-1] in x.sequences(), LOST_S)
    firsts = list(dict.fromkeys(receiver.sequences()))
    assert firsts == said, "all of it, in order; again only what was under way"


def _said(one: Party, name: str) -> int:
    """A notice, said again with the same key until it is answered."""
    body = built(hospital(name, 1.0, 1.0), release=released(two="full"))
    until = time.monotonic() + LOST_S
    while True:
        answer: Answered | None = None
        with suppress(Exception):
            answer = one.post("/v1/notices", body, idempotency_key=name)
        if answer is not None and answer.status == 201:
            found: int = answer.json["sequence"]
            return found
        assert time.monotonic() < until, answer
        time.sleep(0.2)

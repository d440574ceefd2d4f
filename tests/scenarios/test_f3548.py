"""F3548's service, as USSs ask it (R-05); test_f3548.md tells it."""

import time as clock
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import OKPKey
from msgspec import structs

from conftest import KINDS, begin
from detente.core.agreement import Agreement, Separation
from detente.core.notice import Notice
from detente.core.plan import Plan, PlanState
from detente.core.principal import Method, Principal, Scope
from detente.core.release import Grade, Release
from detente.core.volume import Circle, Volume
from detente.node import verbs
from detente.node.f3548.entities import id_of_object
from detente.node.f3548.terms import Terms
from detente.node.keyring import Keyring
from detente.store import Place, parse_place
from dss import (
    AA,
    AVAILABILITY,
    CM,
    CONSTRAINTS,
    CP,
    INTENTS,
    NO_SUBSCRIPTION,
    OTHERS,
    REPORTS,
    SA,
    SC,
    SUBSCRIPTIONS,
    URL,
    Dss,
    Json,
    Uss,
    constraint_body,
    implicit,
    intent_body,
    new_id,
    outline,
    running,
    served,
    subscription_body,
    time,
    uuid7,
    volume,
)
from http_node import token_of
from postgres import TEMPLATE, Cluster

EVERYTHING = frozenset(Scope)


@pytest.fixture(scope="module", params=KINDS)
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dss]:
    """The real node; on PostgreSQL, two workers."""
    folder = tmp_path_factory.mktemp("dss")
    keyring = Keyring(folder / "test.db")
    place: Place = folder / "test.db"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        place = parse_place(cluster.url(cluster.make(TEMPLATE)))
    begin(place, keyring)
    with served(place, keyring, folder) as found:
        yield found


@pytest.fixture
def dss(node: Dss) -> Iterator[Dss]:
    """The same, with nothing in the airspace."""
    yield node
    node.clear()


@pytest.fixture
def one(dss: Dss) -> Uss:
    return dss.uss("one")


@pytest.fixture
def two(dss: Dss) -> Uss:
    return dss.uss("two")


def told(answer: Json) -> dict[str, int]:
    """Notification indices by subscription."""
    return {
        state["subscription_id"]: state["notification_index"]
        for subscriber in answer["subscribers"]
        for state in subscriber["subscriptions"]
    }


def test_intent(one: Uss, two: Uss) -> None:
    """An intent is created, read, found, changed and ended."""
    name = new_id()
    one.get(INTENTS, name).refused(404)
    body = intent_body(volume(), volume(minutes=(30, 90)))
    made = one.intent(name, body)
    assert made["version"] == 1
    assert made["manager"] == "one"
    assert made["state"] == "Accepted"
    assert made["uss_availability"] == "Unknown"
    assert made["subscription_id"] == NO_SUBSCRIPTION
    assert made["time_start"] == body["extents"][0]["time_start"]
    assert made["time_end"] == body["extents"][1]["time_end"]
    assert 16 <= len(made["ovn"]) <= 128
    assert one.get(INTENTS, name).ok()["operational_intent_reference"] == made
    hidden = two.get(INTENTS, name).ok()["operational_intent_reference"]
    assert hidden == {**made, "ovn": OTHERS}
    for area in (volume(), volume(altitudes=None, minutes=None), volume(minutes=(-900, 9000))):
        assert one.query(INTENTS, area) == [made]
    for area in (
        volume(lat=47.5),
        volume(altitudes=(201, 300)),
        volume(minutes=(-90, 1)),
        volume(minutes=(91, 95)),
    ):
        assert one.query(INTENTS, area) == []
    changed = one.intent(name, intent_body(volume(radius=400)), made["ovn"])
    assert (changed["version"], changed["ovn"] == made["ovn"]) == (2, False)
    one.put_intent(name, intent_body(), made["ovn"]).refused(409)
    one.put_intent(name, intent_body()).refused(409)
    two.put_intent(name, intent_body(), changed["ovn"]).refused(403)
    two.ask("DELETE", f"{INTENTS}/{name}/{changed['ovn']}").refused(403)
    one.ask("DELETE", f"{INTENTS}/{name}/{made['ovn']}").refused(409)
    one.ask("DELETE", f"{INTENTS}/{name}/").refused(400)
    gone = one.delete_intent(changed)
    assert gone["operational_intent_reference"] == changed
    one.get(INTENTS, name).refused(404)
    one.ask("DELETE", f"{INTENTS}/{name}/{changed['ovn']}").refused(404)
    assert one.query(INTENTS, volume()) == []
    assert one.intent(name, intent_body())["version"] == 1


def test_key(one: Uss, two: Uss) -> None:
    """An intent takes the OVN of every other one that it may meet."""
    near = [one.intent(new_id(), intent_body(volume(), key=[])) for _ in range(1)]
    near += [one.intent(new_id(), intent_body(volume(), key=[near[0]["ovn"]]))]
    near += [
        # Another outline, another height and another hour, within one extent of both.
        one.intent(
            new_id(),
            intent_body(
                volume(47.3, altitudes=(400, 500), minutes=(70, 90)),
                volume(altitudes=(0, 20), minutes=(0.5, 1)),
                key=[one_["ovn"] for one_ in near],
            ),
        )
    ]
    far = [
        one.intent(new_id(), intent_body(extent, key=[one_["ovn"] for one_ in near]))
        for extent in (volume(47.5), volume(altitudes=(501, 600)), volume(minutes=(91, 99)))
    ]
    name = new_id()
    keys = [one_["ovn"] for one_ in near]
    for key in ([], keys[:1], keys[1:], [*keys[:2], "other", far[0]["ovn"]]):
        missing = two.put_intent(name, intent_body(key=key)).refused(409)
        assert missing["missing_constraints"] == []
        lacking = [{**one_, "ovn": OTHERS} for one_ in near if one_["ovn"] not in key]
        by_id = {one_["id"]: one_ for one_ in missing["missing_operational_intents"]}
        assert by_id == {one_["id"]: one_ for one_ in lacking}
    two.get(INTENTS, name).refused(404)
    # One's own count as well.
    mine = one.put_intent(new_id(), intent_body()).refused(409)["missing_operational_intents"]
    assert {found["ovn"] for found in mine} == set(keys)
    made = two.intent(name, intent_body(key=keys))
    # A change takes the key anew, and never the intent's own.
    two.put_intent(name, intent_body(), made["ovn"]).refused(409)
    two.intent(name, intent_body(key=keys), made["ovn"])


def test_others(dss: Dss, one: Uss) -> None:
    """What the register knows by its other doors counts as well."""
    speaker = Principal(party="two", method=Method.TOKEN, subject="two", scopes=EVERYTHING)
    shown = Release(parties={"one": Grade.FULL})

    def near(lat: float) -> dict[str, Any]:
        centre = (80_000_000, round(lat * 10_000_000))
        disc = Volume(footprint=(Circle(centre=centre, radius_mm=100_000),))
        return {"volumes": (disc,), "party": "two"}

    site = {"name": "name", "category": "site", **near(47)}
    notices = [
        dss.act(verbs.Speak(speaker, notice))
        for notice in (
            Notice(source_id="seen", release=shown, **site), Notice(source_id="x", **site)
        )
    ]  # fmt: skip
    body = intent_body()
    missing = one.put_intent(new_id(), body).refused(409)
    assert missing["missing_operational_intents"] == []
    by_manager = {found["manager"]: found for found in missing["missing_constraints"]}
    seen, withheld = by_manager["two"], by_manager["node"]
    assert all(UUID(found["id"]).version == 4 for found in (seen, withheld))
    assert seen["uss_base_url"] == withheld["uss_base_url"] == "https://node.example"
    assert withheld["time_start"] == body["extents"][0]["time_start"], "nothing but what was asked"
    assert seen["time_start"]["value"] < withheld["time_start"]["value"]
    one.put_intent(new_id(), intent_body(key=[seen["ovn"]])).refused(409)
    one.intent(new_id(), intent_body(key=[seen["ovn"], withheld["ovn"]]))

    flying = Plan(source_id="a", hazard_mm=9_000_000, state=PlanState.DRAFT, **near(48))
    hidden = dss.act(verbs.Speak(speaker, flying))
    one.delete_intent(one.intent(new_id(), intent_body(volume(48.07))))
    for number, release in ((1, None), (2, shown)):
        accepted = structs.replace(flying, state=PlanState.ACCEPTED, release=release)
        hidden = dss.act(
            verbs.Speak(
                speaker, accepted, verbs.Place(object_id=hidden.object_id, token=hidden.token)
            )
        )
        found = one.query(INTENTS, volume(48.07))
        assert len(found) == number - 1
        missing = one.put_intent(new_id(), intent_body(volume(48.07))).refused(409)
        assert missing["missing_operational_intents"] == found
        assert len(missing["missing_constraints"]) == 2 - number
        [lacking] = missing["missing_operational_intents"] + missing["missing_constraints"]
        assert (lacking["manager"] == "two") == (number == 2)
        assert one.get(INTENTS, id_of_object(hidden.object_id)).status == (404, 200)[number - 1]
        aware = intent_body(volume(48.07), key=[lacking["ovn"]])
        one.delete_intent(one.intent(new_id(), aware))
    for receipt in (*notices, hidden):
        at = verbs.Place(object_id=receipt.object_id, token=receipt.token)
        dss.act(verbs.End(speaker, at))


def test_states(one: Uss, two: Uss) -> None:
    """An intent begins accepted, and what goes wrong with it is told without a key."""
    watch, both = one.with_(SA), one.with_(SC, SA)
    for state in ("Activated", "Nonconforming", "Contingent", "Ended"):
        both.put_intent(new_id(), intent_body(state=state, **implicit())).refused(400)
    name = new_id()
    made = one.intent(name, intent_body())
    one.put_intent(name, intent_body(state="Activated"), made["ovn"]).refused(400)
    made = one.intent(name, intent_body(state="Activated", **implicit()), made["ovn"])
    for state in ("Nonconforming", "Contingent"):
        one.put_intent(name, intent_body(state=state, **implicit()), made["ovn"]).refused(403)
    one.put_intent(name, intent_body(**implicit()), made["ovn"]).refused(400)
    near = two.intent(new_id(), intent_body(volume(radius=200), key=[made["ovn"]]))
    active = intent_body(state="Activated", **implicit())
    one.put_intent(name, active, made["ovn"]).refused(409)
    made = one.intent(name, {**active, "key": [near["ovn"]]}, made["ovn"])
    for state in ("Nonconforming", "Contingent"):
        made = watch.intent(name, intent_body(state=state, **implicit()), made["ovn"])
        assert made["state"] == state
    both.put_intent(name, intent_body(state="Activated", **implicit()), made["ovn"]).refused(400)
    one.delete_intent(made)


def test_implicit(one: Uss) -> None:
    """An implicit subscription lives and dies with its intents."""
    name = new_id()
    area = volume(minutes=(5, 60))
    made = one.intent(name, intent_body(area, **implicit()))
    first = made["subscription_id"]
    found = one.get(SUBSCRIPTIONS, first).ok()["subscription"]
    assert found["implicit_subscription"] is True
    assert found["dependent_operational_intents"] == [name]
    assert found["notification_index"] == 1
    assert (found["time_start"], found["time_end"]) == (area["time_start"], area["time_end"])
    one.ask("DELETE", f"{SUBSCRIPTIONS}/{first}/{found['version']}").refused(400)
    # Another for it, none at all, then one of its own again.
    made = one.intent(name, intent_body(area, **implicit()), made["ovn"])
    second = made["subscription_id"]
    assert second != first
    one.get(SUBSCRIPTIONS, first).refused(404)
    other = new_id()
    longer = volume(minutes=(5, 90))
    sharing = one.intent(other, intent_body(longer, key=[made["ovn"]], subscription_id=second))
    found = one.get(SUBSCRIPTIONS, second).ok()["subscription"]
    assert set(found["dependent_operational_intents"]) == {name, other}
    assert found["time_end"] == longer["time_end"], "extended"
    made = one.intent(name, intent_body(area, key=[sharing["ovn"]]), made["ovn"])
    assert made["subscription_id"] == NO_SUBSCRIPTION
    one.get(SUBSCRIPTIONS, second).ok()
    assert second in told(one.delete_intent(sharing)), "before it goes"
    one.get(SUBSCRIPTIONS, second).refused(404)
    wanted = [{"subscription_id": new_id()}, {"subscription_id": second, **implicit()}]
    for wrong in wanted:
        one.put_intent(name, intent_body(area, **wrong), made["ovn"]).refused(400)


def test_dependents(one: Uss, two: Uss) -> None:
    """An explicit subscription holds the intents that rely on it."""
    name, body = new_id(), subscription_body(volume(minutes=(2, 62)))
    subscription = one.put_subscription(name, body).ok()["subscription"]
    served = {"subscription_id": name}
    two.put_intent(new_id(), intent_body(**served)).refused(403)
    for extent in (
        volume(minutes=(1, 30)),
        volume(minutes=(3, 63)),
        volume(47.05),
        volume(radius=5_000),
        volume(altitudes=(49, 200)),
        volume(altitudes=(50, 201)),
    ):
        one.put_intent(new_id(), intent_body(extent, **served)).refused(400)
    inside = volume(minutes=(3, 61))
    made = one.intent(new_id(), intent_body(inside, **served))
    found = one.get(SUBSCRIPTIONS, name).ok()["subscription"]
    assert found["dependent_operational_intents"] == [made["id"]]
    version = found["version"]
    one.ask("DELETE", f"{SUBSCRIPTIONS}/{name}/{version}").refused(400)
    for extent in (
        volume(47.05, minutes=(2, 62)),
        volume(minutes=(2, 60)),
        volume(minutes=(9, 62)),
        volume(altitudes=(60, 200)),
    ):
        one.put_subscription(name, subscription_body(extent), version).refused(400)
    # A clock's error is allowed at the start.
    body = subscription_body(volume(minutes=(7, 62), radius=5_000))
    version = one.put_subscription(name, body, version).ok()["subscription"]["version"]
    assert version != subscription["version"]
    one.delete_intent(made)
    one.ask("DELETE", f"{SUBSCRIPTIONS}/{name}/{version}").ok()


def test_subscription(one: Uss, two: Uss) -> None:
    """A subscription is created, read, found, changed and ended."""
    name = new_id()
    one.get(SUBSCRIPTIONS, name).refused(404)
    neither = subscription_body(notify_for_operational_intents=False)
    one.put_subscription(name, neither).refused(400)
    made = one.put_subscription(name, subscription_body()).ok()
    assert made["operational_intent_references"] == []
    assert "constraint_references" not in made
    subscription = made["subscription"]
    assert subscription["notification_index"] == 0
    assert subscription["implicit_subscription"] is False
    version = subscription["version"]
    assert one.get(SUBSCRIPTIONS, name).ok()["subscription"] == subscription
    two.get(SUBSCRIPTIONS, name).refused(403)
    assert one.query(SUBSCRIPTIONS, volume()) == [subscription]
    assert two.query(SUBSCRIPTIONS, volume()) == []
    assert one.query(SUBSCRIPTIONS, volume(altitudes=(300, 400))) == []
    one.put_subscription(name, subscription_body()).refused(409)
    one.put_subscription(name, subscription_body(), "other").refused(409)
    two.put_subscription(name, subscription_body(), "other").refused(409)
    two.put_subscription(name, subscription_body(), version).refused(403)
    one.put_subscription(new_id(), subscription_body(), version).refused(400)
    both = subscription_body(notify_for_constraints=True)
    changed = one.put_subscription(name, both, version).ok()
    assert changed["constraint_references"] == []
    two.ask("DELETE", f"{SUBSCRIPTIONS}/{name}/{version}").refused(403)
    one.ask("DELETE", f"{SUBSCRIPTIONS}/{name}/{version}").refused(409)
    one.ask("DELETE", f"{SUBSCRIPTIONS}/{name}/").refused(400)
    version = changed["subscription"]["version"]
    gone = one.ask("DELETE", f"{SUBSCRIPTIONS}/{name}/{version}").ok()
    assert gone["subscription"]["id"] == name
    one.ask("DELETE", f"{SUBSCRIPTIONS}/{name}/{version}").refused(404)
    assert (
        one.put_subscription(name, subscription_body()).ok()["subscription"]["notification_index"]
        == 0
    )


def test_subscription_times(place: Place, keyring: Keyring) -> None:
    """A subscription lasts a day at most, and then is found no more."""
    day = 24 * 60
    with running(place, keyring) as dss:
        one = dss.uss("one")
        for minutes in ((-6, 60), (2, day + 3), (30, 20), (-4, -1)):
            body = subscription_body(volume(minutes=minutes))
            one.put_subscription(new_id(), body).refused(400)
        start = time(5)
        body = subscription_body(volume(minutes=None))
        one.put_subscription(new_id(), body).ok()
        body["extents"]["time_start"] = start
        name = new_id()
        made = one.put_subscription(name, body).ok()["subscription"]
        assert made["time_start"] == start
        body["extents"] = {**volume(minutes=None), "time_end": time(60)}
        changed = one.put_subscription(name, body, made["version"]).ok()["subscription"]
        assert changed["time_start"] == start, "as it was"
        exact = volume(minutes=(0, day))
        began = datetime.fromisoformat(exact["time_start"]["value"])
        exact["time_end"] = at(f"{(began + timedelta(days=1)).isoformat()[:-6]}Z")
        one.put_subscription(new_id(), subscription_body(exact)).ok()
    with running(place, keyring, hours=2) as dss:
        one = dss.uss("one")
        always = volume(minutes=None)
        assert name not in {found["id"] for found in one.query(SUBSCRIPTIONS, always)}
        version = one.get(SUBSCRIPTIONS, name).ok()["subscription"]["version"]
        one.ask("DELETE", f"{SUBSCRIPTIONS}/{name}/{version}").ok()


def test_notifications(place: Place, keyring: Keyring) -> None:
    """Every change names all that must be told of it, each time with the next number."""
    here, there, zones = new_id(), new_id(), new_id()
    with running(place, keyring) as dss:
        one, two = dss.uss("one"), dss.uss("two", SC, CM, CP)
        one.put_subscription(here, subscription_body()).ok()
        one.put_subscription(there, subscription_body(volume(47.3))).ok()
        zoned = subscription_body(notify_for_operational_intents=False, notify_for_constraints=True)
        one.put_subscription(zones, zoned).ok()
        name = new_id()
        answer = two.put_intent(name, intent_body(**implicit())).ok(201)
        reference = answer["operational_intent_reference"]
        mine = reference["subscription_id"]
        assert told(answer) == {here: 1, mine: 1}
        assert answer["subscribers"][0]["uss_base_url"] == URL
        # It moves: where it was must know, and where it is.
        moved = intent_body(volume(47.3), subscription_id=mine)
        answer = two.put_intent(name, moved, reference["ovn"]).ok()
        assert told(answer) == {here: 2, there: 1, mine: 2}
        reference = answer["operational_intent_reference"]
        assert told(two.delete_intent(reference)) == {there: 2, mine: 3}
        answer = two.put_constraint(new_id(), constraint_body()).ok(201)
        assert told(answer) == {zones: 1}
        assert one.get(SUBSCRIPTIONS, here).ok()["subscription"]["notification_index"] == 2
    with running(place, keyring) as dss:
        # A node that starts anew goes on where it was.
        one, two = dss.uss("one"), dss.uss("two", SC, CM, CP)
        assert one.get(SUBSCRIPTIONS, here).ok()["subscription"]["notification_index"] == 2
        answer = two.put_intent(new_id(), intent_body(volume(47.3))).ok(201)
        assert told(answer) == {there: 3}
    with running(place, keyring, terms=Terms(clock_indices=True)) as dss:
        two = dss.uss("two")
        keys = [found["ovn"] for found in two.query(INTENTS, volume(47.3))]
        before = _since_midnight_ms()
        answer = two.put_intent(new_id(), intent_body(volume(47.3), key=keys)).ok(201)
        [index] = told(answer).values()
        assert before <= index <= _since_midnight_ms() or before > index, "or midnight passed"


def _since_midnight_ms() -> int:
    return int(clock.time() * 1_000) % 86_400_000


def test_constraint(one: Uss, two: Uss) -> None:
    """A constraint is created, read, found, changed and withdrawn."""
    manager, reader, other = one.with_(CM), two.with_(CP), two.with_(CM)
    name = new_id()
    reader.get(CONSTRAINTS, name).refused(404)
    reader.put_constraint(name, constraint_body()).refused(403)
    one.put_constraint(name, constraint_body()).refused(403)
    manager.put_constraint(name, constraint_body(volume(minutes=(-9, -1)))).refused(400)
    manager.put_constraint(name, constraint_body(volume(minutes=None))).refused(400)
    made = manager.put_constraint(name, constraint_body(volume(altitudes=None))).ok(201)[
        "constraint_reference"
    ]
    assert (made["version"], made["manager"], made["uss_base_url"]) == (1, "one", URL)
    assert manager.get(CONSTRAINTS, name).ok()["constraint_reference"] == made
    assert reader.query(CONSTRAINTS, volume()) == [{**made, "ovn": OTHERS}]
    assert reader.query(CONSTRAINTS, volume(47.5)) == []
    manager.put_constraint(name, constraint_body()).refused(409)
    manager.put_constraint(name, constraint_body(), "other").refused(409)
    manager.put_constraint(new_id(), constraint_body(), made["ovn"]).refused(409)
    other.put_constraint(name, constraint_body(), made["ovn"]).refused(403)
    changed = manager.put_constraint(name, constraint_body(), made["ovn"]).ok()[
        "constraint_reference"
    ]
    assert changed["version"] == 2
    # An intent takes its OVN where its manager processes constraints.
    zoned = intent_body(**implicit(notify_for_constraints=True))
    missing = two.put_intent(new_id(), zoned).refused(409)
    assert missing["missing_constraints"] == [{**changed, "ovn": OTHERS}]
    aware = {**zoned, "key": [changed["ovn"]]}
    two.delete_intent(two.intent(new_id(), aware))
    two.delete_intent(two.intent(new_id(), intent_body(**implicit())))
    other.ask("DELETE", f"{CONSTRAINTS}/{name}/{changed['ovn']}").refused(403)
    manager.ask("DELETE", f"{CONSTRAINTS}/{name}/{made['ovn']}").refused(409)
    manager.ask("DELETE", f"{CONSTRAINTS}/{name}/").refused(400)
    manager.ask("DELETE", f"{CONSTRAINTS}/{name}/{changed['ovn']}").ok()
    manager.ask("DELETE", f"{CONSTRAINTS}/{name}/{changed['ovn']}").refused(404)
    again = manager.put_constraint(name, constraint_body()).ok(201)
    assert again["constraint_reference"]["version"] == 1


def test_availability(one: Uss, two: Uss) -> None:
    """Two arbiters never overrule each other unseen; who is down makes no plans."""
    first, second = one.with_(AA), two.with_(AA)
    path = f"{AVAILABILITY}/two"

    def declare(arbiter: Uss, state: str, old: str | None) -> Json:
        body = {"availability": state, "old_version": old}
        return arbiter.ask("PUT", path, body).ok()

    unknown = one.ask("GET", path).ok()
    assert unknown == {"version": "", "status": {"uss": "two", "availability": "Unknown"}}
    one.ask("PUT", path, {"availability": "Down", "old_version": ""}).refused(403)
    first.ask("PUT", path, {"availability": "Off", "old_version": ""}).refused(400)
    first.ask("PUT", path, {"availability": "Down", "old_version": "other"}).refused(409)
    kept = two.intent(new_id(), intent_body())
    down = declare(first, "Down", None)
    assert down["status"]["availability"] == "Down"
    assert one.ask("GET", path).ok() == down
    for old in ("", "other"):
        second.ask("PUT", path, {"availability": "Normal", "old_version": old}).refused(409)
    two.put_intent(new_id(), intent_body(volume(47.3))).refused(412)
    two.ask("DELETE", f"{INTENTS}/{kept['id']}/{kept['ovn']}").refused(412)
    # Nobody could have the OVN of what it only accepted.
    found = one.intent(new_id(), intent_body())
    assert (
        one.get(INTENTS, kept["id"]).ok()["operational_intent_reference"]["uss_availability"]
        == "Down"
    )
    up = declare(second, "normal", down["version"])
    two.put_intent(new_id(), intent_body()).refused(409)
    declare(first, "Unknown", up["version"])
    two.delete_intent(kept)
    one.delete_intent(found)


def test_report(one: Uss) -> None:
    """A report is kept, under the number that it is answered."""
    exchange = {
        "url": "https://uss.example/uss/v1/operational_intents",
        "method": "POST",
        "headers": ["Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJvbmUifQ.c2lnbmF0dXJl"],
        "recorder_role": "Client",
        "request_time": time(0),
        "response_code": 500,
    }
    kept = one.ask("POST", REPORTS, {"exchange": exchange}).ok(201)
    assert kept["exchange"] == exchange
    assert len(kept["report_id"]) == 36
    one.ask("POST", REPORTS, {}).refused(400)


def test_suffix(one: Uss, two: Uss) -> None:
    """A manager may ask for an OVN of its own making, made just now."""
    name = new_id()
    for wrong in ("", "abc", new_id(), uuid7(minutes=-7), uuid7(minutes=7)):
        one.put_intent(name, intent_body(requested_ovn_suffix=wrong)).refused(400)
    suffix = uuid7()
    made = one.intent(name, intent_body(requested_ovn_suffix=suffix))
    assert made["ovn"] == f"{name}_{suffix}"
    two.put_intent(new_id(), intent_body()).refused(409)
    two.intent(new_id(), intent_body(key=[made["ovn"]]))
    others = [found["ovn"] for found in two.query(INTENTS, volume()) if found["manager"] == "two"]
    again = intent_body(key=others, requested_ovn_suffix=suffix)
    one.put_intent(name, again, made["ovn"]).refused(400)
    later = uuid7()
    changed = one.intent(name, {**again, "requested_ovn_suffix": later}, made["ovn"])
    assert changed["ovn"] == f"{name}_{later}"


def test_scopes(dss: Dss, one: Uss) -> None:
    """Who proves nothing is not answered, and who lacks the scope is refused before all else."""
    name = new_id()
    listening, flying, reading = {SC, CP}, {SC, SA}, {CM, CP}
    asked: list[tuple[str, str, set[str]]] = [
        ("PUT", f"{INTENTS}/{name}", flying),
        ("PUT", f"{INTENTS}/{name}/ovn", flying),
        ("GET", f"{INTENTS}/{name}", flying),
        ("POST", f"{INTENTS}/query", flying),
        ("DELETE", f"{INTENTS}/{name}/ovn", flying),
        ("PUT", f"{CONSTRAINTS}/{name}", {CM}),
        ("PUT", f"{CONSTRAINTS}/{name}/ovn", {CM}),
        ("GET", f"{CONSTRAINTS}/{name}", reading),
        ("POST", f"{CONSTRAINTS}/query", reading),
        ("DELETE", f"{CONSTRAINTS}/{name}/ovn", {CM}),
        ("PUT", f"{SUBSCRIPTIONS}/{name}", listening),
        ("PUT", f"{SUBSCRIPTIONS}/{name}/version", listening),
        ("GET", f"{SUBSCRIPTIONS}/{name}", listening),
        ("POST", f"{SUBSCRIPTIONS}/query", listening),
        ("DELETE", f"{SUBSCRIPTIONS}/{name}/version", listening),
        ("GET", f"{AVAILABILITY}/one", {AA, SC, SA}),
        ("PUT", f"{AVAILABILITY}/one", {AA}),
        ("POST", REPORTS, {SC, SA, CM, CP, AA}),
    ]
    stranger = token_of("one", SC, OKPKey.generate_key("Ed25519"))
    for method, path, scopes in asked:
        body = b"no JSON" if method in {"PUT", "POST"} else None
        for token in (None, "no token", stranger):
            dss.ask(method, path, body, token=token).refused(401)
        for scope in (SC, SA, CM, CP, AA, Scope.ADMIN.value):
            answer = one.with_(scope).ask(method, path, body)
            assert (answer.status == 403) == (scope not in scopes), (method, path, scope)
            assert answer.status in {200, 400, 403, 404}


def test_separation(dss: Dss, one: Uss, two: Uss) -> None:
    """A distance that the agreement asks between plans widens what they must know of."""
    terms = Agreement(
        name="test", separations={"plan": Separation(horizontal_mm=20_000_000, vertical_mm=0)}
    )
    admin = Principal(party="node", method=Method.SIGNED, subject="node", scopes=EVERYTHING)
    made = one.intent(new_id(), intent_body())
    two.delete_intent(two.intent(new_id(), intent_body(volume(47.15))))
    dss.act(verbs.Agree(admin, terms))
    two.put_intent(new_id(), intent_body(volume(47.15))).refused(409)
    two.intent(new_id(), intent_body(volume(47.15), key=[made["ovn"]]))
    two.intent(new_id(), intent_body(volume(47.5)))
    dss.act(verbs.Agree(admin, structs.replace(terms, separations={})))


def at(value: str) -> Json:
    """A moment that is named."""
    return {"value": value, "format": "RFC3339"}


CORNERS = ((47.0, 8.0), (47.0, 8.3), (47.2, 8.3), (47.2, 8.0))


def altered(**parts: Any) -> Json:
    """An area with other members; None takes one out."""
    made = {**volume(), **parts}
    return {name: value for name, value in made.items() if value is not None}


def wrong_areas() -> Iterator[Json]:
    """Areas that are none."""
    space = volume()["volume"]
    circle = space["outline_circle"]
    yield outline(CORNERS[0], CORNERS[0], CORNERS[0])
    yield outline(*CORNERS, CORNERS[0])
    yield outline(*CORNERS, CORNERS[1])
    yield outline((9.98, 9.98), (9.98, 10.02), (20.02, 10.02), (20.02, 9.98))
    yield outline((9.98, 9.98), (9.98, 10.02), (110.02, 10.02))
    yield altered(volume={**space, **outline(*CORNERS)["volume"]})
    yield altered(volume={})
    yield altered(volume={**space, "outline_circle": {**circle, "radius": {"value": 300}}})
    yield altered(
        volume={**space, "outline_circle": {**circle, "radius": {"value": 300, "units": "N"}}}
    )
    for name, value in (("reference", "SFC"), ("units", "FT")):
        lower = {**space["altitude_lower"], name: value}
        yield altered(volume={**space, "altitude_lower": lower})
    yield altered(time_start={**time(2), "format": "RFC3330"})
    yield altered(time_start=at("something-invalid"))
    yield altered(time_start=time(62), time_end=time(2))


def test_malformed(dss: Dss) -> None:
    """What is not as the standard has it is refused at each operation, and nothing of it is kept"""
    both = dss.uss("one", SC, CM)
    name = new_id()
    bodies: list[object] = [None, b"", b"{", b"[]", b"[" * 9_999, b'"\xff"', {}]
    for kind in (INTENTS, CONSTRAINTS, SUBSCRIPTIONS):
        for body in bodies:
            both.ask("POST", f"{kind}/query", body).refused(400)
            both.ask("PUT", f"{kind}/{name}", body).refused(400)
        for area in wrong_areas():
            both.ask("POST", f"{kind}/query", {"area_of_interest": area}).refused(400)
            one = area if kind == SUBSCRIPTIONS else [area]
            both.ask("PUT", f"{kind}/{name}", intent_body(extents=one)).refused(400)
        both.get(kind, "not_uuid_format").refused(400)
        both.ask("PUT", f"{kind}/not_uuid_format", intent_body()).refused(400)
    for wrong in (
        intent_body(extents=volume()),
        intent_body(altered(time_start=None)),
        intent_body(altered(time_end=None)),
        intent_body(volume(minutes=(-1_500, -1_440))),
    ):
        both.put_intent(name, wrong).refused(400)
        both.put_constraint(name, wrong).refused(400)
    for parts in (
        {"state": "Ended"},
        {"subscription_id": "a0"},
        {"subscription_id": UUID(new_id()).hex},
        {"uss_base_url": "http://uss.example"},
    ):
        both.put_intent(name, intent_body(**parts)).refused(400)
    both.get(INTENTS, name).refused(404)
    both.get(CONSTRAINTS, name).refused(404)
    both.get(SUBSCRIPTIONS, name).refused(404)


def test_questions(one: Uss) -> None:
    """A question is about any time, and about as much area as the standard allows"""
    made = one.intent(new_id(), intent_body(volume(minutes=(20, 80))))
    for area, found in (
        (volume(minutes=(-2_000, -1_900)), []),
        (volume(minutes=(30, 30)), [made]),
        (volume(minutes=(0, 0)), []),
        (altered(time_start=time(79), time_end=None), [made]),
        (altered(time_start=time(81), time_end=None), []),
        (altered(time_start=None, time_end=time(21)), [made]),
        (altered(time_start=None, time_end=time(19)), []),
        (altered(time_start=at("2020-07-06T22:28:00Z"), time_end=at("2120-07-06T22:43:41Z")),
         [made]),
        (altered(volume=outline(*CORNERS)["volume"], time_end=None), [made]),
    ):  # fmt: skip
        assert one.query(INTENTS, area) == found
    # 2,500 square kilometres are allowed, and no more.
    one.query(SUBSCRIPTIONS, volume(radius=28_000))
    huge = {"area_of_interest": volume(radius=28_300)}
    for kind in (INTENTS, SUBSCRIPTIONS):
        one.ask("POST", f"{kind}/query", huge).refused(400)


def test_long(one: Uss) -> None:
    """An intent may have begun long ago, end in years, and be of many pieces"""
    strips = [
        outline((32.0 + at, -117.0), (32.0 + at, -117.0003), (32.05 + at, -117.0003))
        for at in (0.0, 0.01, 0.02)
    ]
    years = (("2020-06-09", "2020-06-10"), ("1969-12-31", "1969-12-31"), ("2020-06-12", "2099-06-13"))  # fmt: skip # noqa: E501
    for strip, (start, end) in zip(strips, years, strict=True):
        strip["time_start"], strip["time_end"] = at(f"{start}T15:58:00.00Z"), at(f"{end}T17:02:00Z")
    name = new_id()
    body = intent_body(*strips, **implicit(notify_for_constraints=True))
    made = one.intent(name, body)
    assert made["time_start"]["value"] == "1969-12-31T15:58:00Z"
    assert made["time_end"]["value"] == "2099-06-13T17:02:00Z"
    active = {**body, "state": "Activated", "key": [made["ovn"]]}
    made = one.intent(name, active, made["ovn"])
    one.put_intent(name, {**body, "key": [made["ovn"]]}).refused(409)
    one.ask("PUT", f"{INTENTS}/{name}/", body).refused(400, 404, 409)
    one.put_intent(name, body, "ThisIsAnIncorrectOVN").refused(409)
    one.ask("DELETE", f"{INTENTS}/{name}/ThisIsAnIncorrectOVN").refused(409)


def test_pole(one: Uss, two: Uss) -> None:
    """At the pole intents meet from every longitude"""
    made = one.intent(new_id(), intent_body(volume(90, 0), **implicit()))
    assert two.query(INTENTS, volume(89.999, 180)) == [{**made, "ovn": OTHERS}]
    near = intent_body(volume(89.999, -90))
    two.put_intent(new_id(), near).refused(409)
    told_of = two.put_intent(new_id(), {**near, "key": [made["ovn"]]}).ok(201)
    assert told(told_of) == {made["subscription_id"]: 2}


def test_another(one: Uss) -> None:
    """An intent may change from any subscription, or none, to another's implicit one"""
    window = volume(minutes=(0.1, 1_200))
    name = new_id()
    one.put_subscription(name, subscription_body(volume(minutes=(0, 1_300)))).ok()
    explicit = one.intent(new_id(), intent_body(window, subscription_id=name))
    alone = one.intent(new_id(), intent_body(window, key=[explicit["ovn"]]))
    one.get(SUBSCRIPTIONS, alone["subscription_id"]).refused(404)
    key = [explicit["ovn"], alone["ovn"]]
    served_by = one.intent(new_id(), intent_body(window, key=key, **implicit()))
    shared = served_by["subscription_id"]
    key.append(served_by["ovn"])
    for changing in (explicit, alone):
        body = intent_body(window, key=key, subscription_id=shared)
        made = one.intent(changing["id"], body, changing["ovn"])
        key.append(made["ovn"])
        found = one.get(INTENTS, made["id"]).ok()["operational_intent_reference"]
        assert found["subscription_id"] == shared
    found = one.get(SUBSCRIPTIONS, shared).ok()["subscription"]
    assert len(found["dependent_operational_intents"]) == 3
    assert (found["time_start"], found["time_end"]) == (window["time_start"], window["time_end"])
    assert one.get(SUBSCRIPTIONS, name).ok()["subscription"]["dependent_operational_intents"] == []


def test_over(place: Place, keyring: Keyring) -> None:
    """A subscription that is over or deleted is told of nothing"""
    gone, brief = new_id(), new_id()
    with running(place, keyring) as dss:
        one, two = dss.uss("one"), dss.uss("two")
        for name in (gone, brief):
            made = one.put_subscription(name, subscription_body()).ok()["subscription"]
        short = subscription_body(volume(minutes=(0, 30)))
        one.put_subscription(brief, short, made["version"]).ok()
        version = one.get(SUBSCRIPTIONS, gone).ok()["subscription"]["version"]
        one.ask("DELETE", f"{SUBSCRIPTIONS}/{gone}/notacorrectversion").refused(409)
        assert len(one.query(SUBSCRIPTIONS, volume(minutes=(0, 90)))) == 2
        one.ask("DELETE", f"{SUBSCRIPTIONS}/{gone}/{version}").ok()
        assert len(one.query(SUBSCRIPTIONS, volume(minutes=(0, 90)))) == 1
        dss.later(hours=1)
        assert one.query(SUBSCRIPTIONS, volume(minutes=(0, 90))) == []
        answer = two.put_intent(new_id(), intent_body(volume(minutes=(62, 90)))).ok(201)
        assert told(answer) == {}


def test_zones(one: Uss, two: Uss) -> None:
    """A constraint is told to whom it was asked for, as long as it is"""
    manager, listener = one.with_(CM), two.with_(SC, CP)
    plans, zones, both = new_id(), new_id(), new_id()
    wanted = {
        plans: subscription_body(),
        zones: subscription_body(notify_for_operational_intents=False, notify_for_constraints=True),
        both: subscription_body(notify_for_constraints=True),
    }
    versions = {
        name: listener.put_subscription(name, body).ok()["subscription"]["version"]
        for name, body in wanted.items()
    }
    name = new_id()
    answer = manager.put_constraint(name, constraint_body()).ok(201)
    assert told(answer) == {zones: 1, both: 1}
    ovn = answer["constraint_reference"]["ovn"]
    answer = manager.put_constraint(name, constraint_body(uss_base_url=f"{URL}/2"), ovn).ok()
    assert told(answer) == {zones: 2, both: 2}
    ovn = answer["constraint_reference"]["ovn"]
    more = subscription_body(notify_for_constraints=True)
    found = listener.put_subscription(plans, more, versions[plans]).ok()
    assert [one["id"] for one in found["constraint_references"]] == [name]
    less = listener.put_subscription(both, subscription_body(), versions[both]).ok()
    assert "constraint_references" not in less
    answer = manager.put_constraint(name, constraint_body(), ovn).ok()
    assert told(answer) == {plans: 1, zones: 3}
    ovn = answer["constraint_reference"]["ovn"]
    # Clients send a body where none is asked for.
    assert told(manager.ask("DELETE", f"{CONSTRAINTS}/{name}/{ovn}", constraint_body()).ok()) == {
        plans: 2, zones: 4
    }  # fmt: skip


def test_nobody(one: Uss) -> None:
    """Of a USS that is no party here its availability may be declared as well"""
    arbiter, path = one.with_(AA), f"{AVAILABILITY}/uss1"
    found = arbiter.ask("GET", path).ok()
    assert found == {"version": "", "status": {"uss": "uss1", "availability": "Unknown"}}
    versions = [""]
    for state in ("normal", "down", "Unknown"):
        body = {"availability": state, "old_version": versions[-1]}
        made = arbiter.ask("PUT", path, body).ok()
        assert made["status"] == {"uss": "uss1", "availability": state.capitalize()}
        assert arbiter.ask("GET", path).ok() == made
        versions.append(made["version"])
    assert len(set(versions)) == 4
    arbiter.ask("PUT", path, {"availability": "pUrPlE"}).refused(400)
    for old in ({}, {"old_version": ""}, {"old_version": "invalid"}):
        arbiter.ask("PUT", path, {"availability": "normal", **old}).refused(409)


def test_at_once(one: Uss) -> None:
    """Intents that do not meet are all taken, however many come at once"""
    areas = [volume(47 + number / 10) for number in range(7)]
    areas += [volume(47, 9, altitudes=(20 * n, 20 * n + 19)) for n in range(7)]
    areas += [volume(47, 10, minutes=(10 * n + 2, 10 * n + 11)) for n in range(7)]
    names = [new_id() for _ in areas]

    def put(name: str, area: Json) -> Json:
        return one.intent(name, intent_body(area, **implicit()))

    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(put, names, areas))
        found = list(pool.map(lambda area: one.query(INTENTS, area), areas))
        assert all(one in there for one, there in zip(made, found, strict=True))
        ended = list(pool.map(one.delete_intent, made))
    assert [one["operational_intent_reference"] for one in ended] == made

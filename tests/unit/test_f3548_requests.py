"""What F3548's door takes and refuses, before it asks what stands in the airspace."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from detente.core.principal import Method, Principal, Scope
from detente.core.volume import Circle, Polygon
from detente.doors.astm import requests
from detente.doors.astm.operations import OPERATIONS
from detente.errors import DetenteError, MalformedInput
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.constraints import put_constraint
from detente.node.f3548.intents import PutIntent, put_intent
from detente.node.f3548.reads import query_intents
from detente.node.f3548.reports import put_report
from detente.node.f3548.subscriptions import put_subscription
from detente.node.f3548.terms import Terms, require_suffix, require_url
from dss import (
    Json,
    altitude,
    constraint_body,
    implicit,
    intent_body,
    new_id,
    outline,
    subscription_body,
    uuid7,
    volume,
)

ONE = Principal(party="one", method=Method.TOKEN, subject="one", scopes=frozenset(Scope))
TERMS = Terms()


def put(body: object, name: str | None = None, ovn: str | None = None) -> PutIntent:
    """What becomes of a request to put an intent."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    asked = requests.intent_asked(name or new_id(), ovn, data)
    return put_intent(ONE, asked, TERMS, Airspace())


def at(path: str, value: Any) -> Callable[[Json], None]:
    """Sets one member of a body; a missing one where ``value`` is ...."""

    def change(body: Json) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = body
        for part in way:
            place = place[part]
        if value is ...:
            del place[last]
        else:
            place[last] = value

    return change


CIRCLE = "extents.0.volume.outline_circle"
LOW, HIGH = "extents.0.volume.altitude_lower", "extents.0.volume.altitude_upper"
START, END = "extents.0.time_start", "extents.0.time_end"
VERTEX = {"lat": 47.0, "lng": 8.0}


@pytest.mark.parametrize(
    "change",
    [
        at("extents", ...),
        at("extents", []),
        at("extents", volume()),
        at("extents", [volume()] * 1_001),
        at("state", ...),
        at("state", "Ended"),
        at("state", "Activated"),
        at("state", "accepted"),
        at("uss_base_url", ...),
        at("uss_base_url", ""),
        at("uss_base_url", "http://uss.example"),
        at("uss_base_url", "https://" + "u" * 2_000),
        at("key", "ovn"),
        at("key", [1]),
        at("subscription_id", "no UUID"),
        at("new_subscription", {"notify_for_constraints": True}),
        at("new_subscription", {"uss_base_url": "ftp://uss.example"}),
        at(CIRCLE, None),
        at(CIRCLE + ".center", ...),
        at(CIRCLE + ".center.lat", 91),
        at(CIRCLE + ".center.lng", -180.1),
        at(CIRCLE + ".center.lng", "8"),
        at(CIRCLE + ".radius.value", 0),
        at(CIRCLE + ".radius.value", 28_300),
        at(CIRCLE + ".radius.value", 1e300),
        at(CIRCLE + ".radius.units", "FT"),
        at("extents.0.volume.outline_polygon", {"vertices": [VERTEX] * 3}),
        at(LOW, ...),
        at(HIGH, None),
        at(LOW + ".value", 201),
        at(LOW + ".value", -8_001),
        at(HIGH + ".value", 100_001),
        at(LOW + ".units", "FT"),
        at(LOW + ".reference", "SFC"),
        at(START, ...),
        at(END, None),
        at(START + ".format", ...),
        at(START + ".format", "UNIX"),
        at(START + ".value", "2024-13-01T00:00:00Z"),
        at(START + ".value", "2024-01-01T00:00:00"),
        at(START + ".value", "1800-01-01T00:00:00Z"),
        at(END + ".value", "2024-01-01T00:00:00Z"),
    ],
)
def test_an_intent_that_is_not_as_the_standard_has_it_is_refused(
    change: Callable[[Json], None],
) -> None:
    body = intent_body()
    put(body)
    change(body)
    with pytest.raises(MalformedInput):
        put(body)


@pytest.mark.parametrize(
    "vertices",
    [
        [(47.0, 8.0), (47.1, 8.0)],
        [(47.0, 8.0), (47.1, 8.0), (47.0, 8.1), (47.0, 8.0)],
        [(47.0, 8.0), (47.1, 8.1), (47.1, 8.0), (47.0, 8.1)],
        [(47.0, 8.0), (47.0, 8.0 + 1e-9), (47.0, 8.1)],
        [(47.0, 8.0), (47.6, 8.0), (47.6, 8.6), (47.0, 8.6)],
        [(-60.0, 0.0), (60.0, 60.0), (-60.0, 120.0)],
    ],
    ids=["two", "closed", "crossing", "two at the precision", "too large", "far too large"],
)
def test_an_outline_that_is_none_is_refused(vertices: list[tuple[float, float]]) -> None:
    with pytest.raises(MalformedInput):
        put(intent_body(outline(*vertices)))


def test_no_more_cells_or_vertices_than_one_intent_may_have() -> None:
    with pytest.raises(MalformedInput, match="cells"):
        put(intent_body(*[volume(lat=lat, radius=25_000) for lat in (10, 20, 30)]))
    ring = [(47 + i * 1e-5, 8 + (i % 2) * 0.01) for i in range(0, 4_000, 1)]
    tall = [*((lat, 8.0) for lat, _ in ring), *((lat, 8.1) for lat, _ in ring[::-1])]
    with pytest.raises(MalformedInput, match="vertices"):
        put(intent_body(outline(*tall), outline(*[(lat, lng + 1) for lat, lng in tall])))


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedInput):
        put(body)
    for read in (requests.area_asked, requests.availability_asked, requests.report_of):
        with pytest.raises(MalformedInput):
            read(body)


def test_what_the_standard_leaves_open_is_taken() -> None:
    body = intent_body(flight_type="VLOS", old_version=0, requested_ovn_suffix=None)
    body |= {"key": None, "subscription_id": None, "new_subscription": None}
    name = new_id()
    for spelt in (name.upper(), f"{{{name}}}", f"urn:uuid:{name}", name.replace("-", "")):
        assert put(body, spelt).asked.id == name
    for wrong in ("no UUID", name + "0", ""):
        with pytest.raises(MalformedInput):
            put(body, wrong or "x")
    assert put({**body, "subscription_id": ""}).asked.subscription is None


def test_lengths_go_outwards_and_times_to_utc() -> None:
    body = volume(radius=100.00001, altitudes=(-1.00001, 1.00001))
    body["time_start"]["value"] = "2026-01-01T01:00:00.000001+01:00"
    body["time_end"]["value"] = "2026-01-01T00:00:00.000001Z"
    made = requests.volume_of(_volume4d(body))
    assert made.footprint == (Circle(centre=(80_000_000, 470_000_000), radius_mm=100_001),)
    assert (made.lower_mm, made.upper_mm) == (-1_001, 1_001)
    assert made.start == made.end == datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)
    open_ = volume(altitudes=None, minutes=None)
    made = requests.volume_of(_volume4d(open_))
    assert (made.lower_mm, made.upper_mm, made.start, made.end) == (None, None, None, None)
    low = volume(altitudes=None)
    low["volume"]["altitude_lower"] = altitude(5)
    assert requests.volume_of(_volume4d(low)).lower_mm == 5_000
    ring = outline((47.0, 8.0), (47.00000001, 8.0), (47.1, 8.0), (47.0, 8.1))
    [shape] = requests.volume_of(_volume4d(ring)).footprint
    assert isinstance(shape, Polygon)
    assert len(shape.rings[0]) == 3


def _volume4d(body: Json) -> Any:
    data = json.dumps(subscription_body(body)).encode()
    return requests._subscription.decode(data).extents


def test_constraints_and_subscriptions_keep_the_same_limits() -> None:
    def constraint(body: Json) -> None:
        asked = requests.constraint_asked(new_id(), None, json.dumps(body).encode())
        put_constraint(ONE, asked, TERMS, Airspace())

    def subscription(body: Json) -> None:
        asked = requests.subscription_asked(new_id(), None, json.dumps(body).encode())
        put_subscription(ONE, asked, TERMS, Airspace())

    large, early = volume(radius=30_000), volume(minutes=None)
    constraint(constraint_body(volume(altitudes=None)))
    subscription(subscription_body(volume(altitudes=None, minutes=None)))
    for wrong in (
        constraint_body(large),
        constraint_body(early),
        constraint_body(uss_base_url="http://uss.example"),
    ):
        with pytest.raises(MalformedInput):
            constraint(wrong)
    for wrong in (
        subscription_body(large),
        subscription_body(uss_base_url="uss.example"),
        subscription_body(notify_for_operational_intents=None, notify_for_constraints=None),
        subscription_body({"time_start": None}),
    ):
        with pytest.raises(MalformedInput):
            subscription(wrong)
    with pytest.raises(MalformedInput):
        query_intents(ONE, (requests.volume_of(_volume4d(large)),), TERMS)


def test_addresses_without_tls_are_for_tests_alone() -> None:
    url = "http://localhost:8080"
    with pytest.raises(MalformedInput):
        require_url(url, TERMS, what="uss_base_url")
    assert require_url(url, Terms(plain_http=True), what="uss_base_url") == url


def test_a_suffix_is_a_uuid_of_version_7_and_of_now() -> None:
    now = datetime.now(UTC)
    require_suffix(uuid7(), now)
    for wrong in (uuid7(minutes=6), uuid7(minutes=-6), new_id(), uuid7() + "0", uuid7()[:-1], "x"):
        with pytest.raises(MalformedInput):
            require_suffix(wrong, now)
    with pytest.raises(MalformedInput):
        require_suffix("ffffffff-ffff-7fff-bfff-ffffffffffff", now)


def test_indices_by_the_clock_are_milliseconds_since_midnight() -> None:
    terms = Terms(clock_indices=True)
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert terms.index(7, noon + timedelta(milliseconds=5)) == 43_200_005
    assert TERMS.index(7, noon) == 7


def test_a_report_is_kept_without_proofs_of_identity() -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJvbmUifQ.c2lnbmF0dXJl"
    text = json.dumps({"headers": [f"Authorization: Bearer {jwt}", "Basic dXNlcjpwYXNz"], "b": jwt})
    kept = put_report(ONE, text).value.text
    assert jwt not in kept
    assert "dXNlcjpwYXNz" not in kept
    assert "Bearer ***" in kept
    with pytest.raises(MalformedInput):
        put_report(ONE, "x" * 200_001)


def test_the_table_of_operations_is_whole() -> None:
    places = [(one.method, one.path) for one in OPERATIONS]
    assert len(set(places)) == len(places) == 21
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    for one in OPERATIONS:
        assert one.scopes
        assert (one.asks is not None) == (one.method in {"PUT", "POST"})


def test_off_nominal_states_take_their_scope() -> None:
    flying = Principal(
        party="one",
        method=Method.TOKEN,
        subject="one",
        scopes=frozenset({Scope.UTM_STRATEGIC_COORDINATION}),
    )
    body = json.dumps(intent_body(state="Contingent", **implicit())).encode()
    asked = requests.intent_asked(new_id(), "ovn", body)
    with pytest.raises(DetenteError, match="scope"):
        put_intent(flying, asked, TERMS, Airspace())

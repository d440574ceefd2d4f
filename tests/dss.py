"""F3548's door of one node, asked over HTTP; and the bodies that USSs send.

The node is ``detente serve`` (``served``), or one in this process whose clock and terms
a test chooses (``running``).
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from litestar import Litestar
from litestar.testing import TestClient

from detente.core.ledger import NODE
from detente.core.principal import Method, Principal, Scope, known_scopes
from detente.doors.astm.routes import handlers
from detente.doors.astm.service import Service
from detente.errors import NotAuthentic
from detente.node.asking import Follow
from detente.node.engine import Command, Engine
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.terms import Terms
from detente.node.keyring import Keyring
from detente.store import Place, Store
from http_node import node_at, token_of

SC = Scope.UTM_STRATEGIC_COORDINATION.value
CM = Scope.UTM_CONSTRAINT_MANAGEMENT.value
CP = Scope.UTM_CONSTRAINT_PROCESSING.value
SA = Scope.UTM_CONFORMANCE_MONITORING_SA.value
AA = Scope.UTM_AVAILABILITY_ARBITRATION.value

INTENTS = "/dss/v1/operational_intent_references"
CONSTRAINTS = "/dss/v1/constraint_references"
SUBSCRIPTIONS = "/dss/v1/subscriptions"
AVAILABILITY = "/dss/v1/uss_availability"
REPORTS = "/dss/v1/reports"
USS_INTENTS = "/uss/v1/operational_intents"
USS_CONSTRAINTS = "/uss/v1/constraints"
USS_REPORTS = "/uss/v1/reports"

URL = "https://uss.example/utm"
OTHERS = "Available from USS"
NODE_URL = "https://node.example"
CONNECTIONS = 6
"""To a node that is served: enough that each of two workers has some."""

NO_SUBSCRIPTION = "00000000-0000-4000-8000-000000000000"

Json = dict[str, Any]


class Answer:
    """Status and body."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body

    def ok(self, status: int = 200) -> Json:
        """The body, of an answer with this status."""
        assert self.status == status, (self.status, self.body)
        body: Json = self.body
        return body

    def refused(self, *statuses: int) -> Json:
        """The body of a refusal, which has the form of all of F3548's."""
        assert self.status in statuses, (self.status, self.body)
        assert isinstance(self.body["message"], str)
        body: Json = self.body
        return body


class Uss:
    """One USS, asking with some scopes."""

    def __init__(self, dss: "Dss", party: str, scopes: Iterable[str]) -> None:
        self._dss = dss
        self.party = party
        self.token = dss.bearer(party, " ".join(scopes))

    def with_(self, *scopes: str) -> "Uss":
        """The same, with other scopes."""
        return Uss(self._dss, self.party, scopes)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request."""
        return self._dss.ask(method, path, body, token=self.token)

    def put_intent(self, name: str, body: Json, ovn: str | None = None) -> Answer:
        """Create or update an operational intent."""
        return self.ask("PUT", f"{INTENTS}/{name}" + ("" if ovn is None else f"/{ovn}"), body)

    def intent(self, name: str, body: Json, ovn: str | None = None) -> Json:
        """The same, which must succeed; its reference."""
        answer = self.put_intent(name, body, ovn).ok(201 if ovn is None else 200)
        found: Json = answer["operational_intent_reference"]
        return found

    def delete_intent(self, reference: Json) -> Json:
        """End an operational intent."""
        return self.ask("DELETE", f"{INTENTS}/{reference['id']}/{reference['ovn']}").ok()

    def get(self, kind: str, name: str) -> Answer:
        """One entity."""
        return self.ask("GET", f"{kind}/{name}")

    def query(self, kind: str, area: Json) -> list[Json]:
        """All entities of a kind in an area."""
        body = self.ask("POST", f"{kind}/query", {"area_of_interest": area}).ok()
        [found] = body.values()
        entities: list[Json] = found
        return entities

    def put_constraint(self, name: str, body: Json, ovn: str | None = None) -> Answer:
        """Create or update a constraint."""
        return self.ask("PUT", f"{CONSTRAINTS}/{name}" + ("" if ovn is None else f"/{ovn}"), body)

    def put_subscription(self, name: str, body: Json, version: str | None = None) -> Answer:
        """Create or update a subscription."""
        end = "" if version is None else f"/{version}"
        return self.ask("PUT", f"{SUBSCRIPTIONS}/{name}{end}", body)


class Clock:
    """The machine's, and some time ahead of it."""

    def __init__(self, hours: float) -> None:
        self.ahead = timedelta(hours=hours)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Dss:
    """The door of a node.

    Args:
        engine: At work on the node's register: the node's own, or one beside it.
        clients: Connections to the node, used by turns.
        bearer: Gives the token of a party with some scopes.
    """

    def __init__(
        self,
        engine: Engine,
        clients: Sequence[httpx.Client],
        bearer: Callable[[str, str], str],
    ) -> None:
        self.engine = engine
        self._clients = itertools.cycle(clients)
        self.bearer = bearer

    def ask(self, method: str, path: str, body: object = None, *, token: str | None) -> Answer:
        """One request; bytes are sent as they are."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        given: dict[str, Any] = {"headers": headers}
        if isinstance(body, bytes):
            given["content"] = body
        elif body is not None:
            given["json"] = body
        answer = next(self._clients).request(method, path, **given)
        assert not answer.content or answer.headers["content-type"] == "application/json"
        return Answer(answer.status_code, answer.json() if answer.content else None)

    def uss(self, party: str, *scopes: str) -> Uss:
        """A USS, with the scopes of one that flies unless others are named."""
        return Uss(self, party, scopes or (SC,))

    def act(self, command: Command[Any]) -> Any:
        """An act by another door."""
        return asyncio.run(self.engine.act(command))

    def clear(self) -> None:
        """End everything, each by its manager."""
        airspace = self._airspace()
        for intent in airspace.intents.values():
            path = f"{INTENTS}/{intent.id}/{intent.ovn}"
            self.uss(intent.party).ask("DELETE", path).ok()
        for constraint in airspace.constraints.values():
            path = f"{CONSTRAINTS}/{constraint.id}/{constraint.ovn}"
            self.uss(constraint.party, CM).ask("DELETE", path).ok()
        for wish in self._airspace().wishes.values():
            path = f"{SUBSCRIPTIONS}/{wish.id}/{wish.token}"
            self.uss(wish.party).ask("DELETE", path).ok()

    def later(self, hours: float) -> None:
        """Let time pass for a node in this process."""
        clock = self.engine.clock
        assert isinstance(clock, Clock)
        clock.ahead += timedelta(hours=hours)

    def _airspace(self) -> Airspace:
        self.act(Follow())
        return self.engine.world.airspace


@contextmanager
def running(
    place: Place, keyring: Keyring, *, terms: Terms | None = None, hours: float = 0
) -> Iterator[Dss]:
    """A node in this process, whose clock is ``hours`` ahead.

    Who asks is taken from the bearer token as it stands, ``party|scope scope``.
    """
    with _engine(place, keyring, hours) as engine:
        service = Service(engine, _authenticate, terms or Terms(base_url=NODE_URL))
        app = Litestar(list(handlers(service)), openapi_config=None)
        with TestClient(app, raise_server_exceptions=True) as client:
            yield Dss(engine, [client], lambda party, scopes: f"{party}|{scopes}")


@contextmanager
def served(place: Place, keyring: Keyring, folder: Path) -> Iterator[Dss]:
    """``detente serve`` on a register: with a PostgreSQL server, two workers."""
    workers = 1 if isinstance(place, Path) else 2
    with ExitStack() as stack:
        node = stack.enter_context(
            node_at(place, keyring, folder, f"base_url={NODE_URL}", workers=workers)
        )
        engine = stack.enter_context(_engine(place, keyring))
        clients = [
            stack.enter_context(httpx.Client(base_url=node.url, timeout=60))
            for _ in range(CONNECTIONS)
        ]
        yield Dss(engine, clients, cache(token_of))


@contextmanager
def _engine(place: Place, keyring: Keyring, hours: float = 0) -> Iterator[Engine]:
    store = Store(place)
    engine = Engine(store, keyring.load(NODE), clock=Clock(hours))
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()
        store.close()


async def _authenticate(scope: Mapping[str, Any]) -> Principal:
    for name, value in scope["headers"]:
        if name == b"authorization":
            party, _, scopes = value.decode().removeprefix("Bearer ").partition("|")
            return Principal(
                party=party,
                method=Method.TOKEN,
                subject=party,
                scopes=known_scopes(scopes.split()),
            )
    raise NotAuthentic("request", expected="a bearer token")


def new_id() -> str:
    """An entity's id."""
    return str(uuid4())


def time(minutes: float) -> Json:
    """A moment, so many minutes from now."""
    value = datetime.now(UTC) + timedelta(minutes=minutes)
    return {"value": value.isoformat().replace("+00:00", "Z"), "format": "RFC3339"}


def volume(
    lat: float = 47.0,
    lng: float = 8.0,
    *,
    radius: float = 300,
    altitudes: tuple[float, float] | None = (50, 200),
    minutes: tuple[float, float] | None = (2, 62),
) -> Json:
    """A disc, with an altitude band and a time window."""
    space: Json = {
        "outline_circle": {
            "center": {"lat": lat, "lng": lng},
            "radius": {"value": radius, "units": "M"},
        }
    }
    if altitudes is not None:
        space["altitude_lower"] = altitude(altitudes[0])
        space["altitude_upper"] = altitude(altitudes[1])
    made: Json = {"volume": space}
    if minutes is not None:
        made["time_start"], made["time_end"] = time(minutes[0]), time(minutes[1])
    return made


def altitude(value: float) -> Json:
    """Metres above the ellipsoid."""
    return {"value": value, "reference": "W84", "units": "M"}


def outline(*vertices: tuple[float, float], **parts: object) -> Json:
    """A polygon of (latitude, longitude), with a volume's bounds."""
    made = volume(**parts)  # type: ignore[arg-type] # as there
    del made["volume"]["outline_circle"]
    made["volume"]["outline_polygon"] = {
        "vertices": [{"lat": lat, "lng": lng} for lat, lng in vertices]
    }
    return made


def intent_body(*extents: Json, **parts: object) -> Json:
    """An operational intent without a subscription, unless ``parts`` has one."""
    return {
        "extents": list(extents or (volume(),)),
        "key": [],
        "state": "Accepted",
        "uss_base_url": URL,
        **parts,
    }


def implicit(**parts: object) -> Json:
    """A subscription to be made for an intent."""
    return {"new_subscription": {"uss_base_url": URL, "notify_for_constraints": False, **parts}}


def subscription_body(extent: Json | None = None, **parts: object) -> Json:
    """A subscription to operational intents."""
    return {
        "extents": extent or volume(),
        "uss_base_url": URL,
        "notify_for_operational_intents": True,
        "notify_for_constraints": False,
        **parts,
    }


def constraint_body(*extents: Json, **parts: object) -> Json:
    """A constraint."""
    return {"extents": list(extents or (volume(),)), "uss_base_url": URL, **parts}


def uuid7(minutes: float = 0) -> str:
    """A UUID that begins with the time (RFC 9562, version 7), in ever later ones."""
    made = datetime.now(UTC) + timedelta(minutes=minutes)
    number = int(made.timestamp() * 1_000) << 80 | next(_LATER) << 64
    return str(UUID(int=number | 0x7 << 76 | 0x2 << 62))


_LATER = itertools.count()

"""A running node in the tests' own process, and short ways to say things to it."""

import asyncio
from collections.abc import Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from detente.core.notice import Notice
from detente.core.plan import Plan, PlanState
from detente.core.principal import PARTY_ROLES, Method, Principal, Role, scopes_of
from detente.core.volume import Circle, Volume
from detente.core.wire import Value
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.submit import Receipt
from detente.node.verbs import Place as At
from detente.node.verbs import Speak
from detente.store import Place, Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run one story to its end."""
    return asyncio.run(story)


@asynccontextmanager
async def at_work(
    place: Place, keyring: Keyring, *, now: datetime | None = None
) -> "AsyncIterator[Engine]":
    """An engine on a register; its clock stands still where ``now`` is given."""
    store = Store(place)
    clock = (lambda: datetime.now(UTC)) if now is None else (lambda: now)
    engine = Engine(store, keyring.load("node"), clock=clock)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()
        store.close()


def desk_of(party: str, *roles: Role) -> Principal:
    """Somebody at a party's desk."""
    held = frozenset(roles) or PARTY_ROLES
    return Principal(
        party=party, method=Method.TOKEN, subject=party, roles=held, scopes=scopes_of(held)
    )


def around(lon: float, lat: float, radius_m: float = 500.0, **window: object) -> tuple[Volume, ...]:
    """One circle, degrees and metres."""
    centre = (round(lon * 10_000_000), round(lat * 10_000_000))
    circle = Circle(centre=centre, radius_mm=round(radius_m * 1_000))
    return (Volume(footprint=(circle,), **window),)  # type: ignore[arg-type] # start, end


def hospital(name: str, lon: float, lat: float, **parts: object) -> Notice:
    """A medical site."""
    defaults: dict[str, object] = {
        "source_id": name, "name": name, "category": "medical", "volumes": around(lon, lat),
    }  # fmt: skip
    return Notice(**{**defaults, **parts})  # type: ignore[arg-type] # each test names its own


def flight(name: str, lon: float, lat: float, **parts: object) -> Plan:
    """A plan that takes effect."""
    defaults: dict[str, object] = {
        "source_id": name, "volumes": around(lon, lat, 100.0), "state": PlanState.ACCEPTED,
    }  # fmt: skip
    return Plan(**{**defaults, **parts})  # type: ignore[arg-type] # each test names its own


async def say(
    engine: Engine,
    party: str,
    value: Value,
    *,
    replacing: Receipt | None = None,
    key: set[str] = set(),  # noqa: B006
) -> Receipt:
    """Put a value on the record for a party."""
    at = None if replacing is None else At(object_id=replacing.object_id, token=replacing.token)
    return await engine.act(Speak(desk_of(party), value, at, frozenset(key)))

"""What a node keeps beside the record, and for how long; and what it tells of areas."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from nacl.signing import SigningKey

from detente.core.area import asked_ground
from detente.core.plan import Plan
from detente.node.budget import Budget, Overspent, day_of
from detente.node.forgetting import ANSWERS_KEPT
from detente.node.keyring import Keyring
from detente.node.lookup import current_agreement, reader_at
from detente.store import Charge, Place, Remembered, Store, tables
from detente.store.beside import FORGET_MAX
from http_node import node_at
from nodes import around

ANSWER = Remembered(digest=b"d" * 32, status=201, body=b"{}")
PLAN = Plan(source_id="p", party="two", volumes=around(10.0, 50.0))


def counts(store: Store) -> tuple[int, int]:
    """Answers and charges that are kept."""
    with store._database.reading() as connection:
        return tuple(
            connection.execute(sa.select(sa.func.count()).select_from(one)).scalar_one()
            for one in (tables.idempotency, tables.budget)
        )  # type: ignore[return-value] # two of them


def until_the_day_is_young() -> None:
    """Charges are of days, and none may end while the node looks."""
    now = datetime.now(UTC)
    left = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0) - now
    if left < timedelta(minutes=2):
        time.sleep(left.total_seconds())


def test_a_node_lets_go_of_old_answers_and_charges(
    place: Place, keyring: Keyring, tmp_path: Path
) -> None:
    until_the_day_is_young()
    store, now = Store(place), datetime.now(UTC)
    with store.appending() as record:
        for number in range(FORGET_MAX + 5):
            old = now - ANSWERS_KEPT - timedelta(seconds=number)
            record.remember("one", f"old {number}", ANSWER, received=old)
        record.remember("one", "new", ANSWER, received=now - ANSWERS_KEPT + timedelta(hours=1))
        for day in (day_of(now) - back for back in (0, 1, 2, 300)):
            record.charge(
                Charge(day=day, owner="one", asker="two", digest=b"x" * 32, area_km2_milli=1)
            )
    with node_at(place, keyring, tmp_path):
        assert counts(store) == (1, 2), "before it is ready"
    with store.reading() as record:
        assert record.idempotent("one", "new") == ANSWER
        assert [record.budget_spent(day_of(now) - back, "one", "two") for back in range(3)] == [
            1, 1, 0,
        ]  # fmt: skip
    store.close()


def digests(store: Store) -> list[bytes]:
    with store._database.reading() as connection:
        return [bytes(row.digest) for row in connection.execute(sa.select(tables.budget))]


def test_what_was_asked_about_cannot_be_tried_without_the_nodes_key(
    place: Place, keyring: Keyring
) -> None:
    store, now = Store(place), datetime(2026, 11, 27, 12, tzinfo=UTC)
    with store.reading() as record:
        agreement = current_agreement(record)
        reader = reader_at(record, "two", now=now)
    asked = (
        (now, keyring.load("node")),
        (now, keyring.load("node")),
        (now + timedelta(days=1), keyring.load("node")),
        (now, SigningKey(b"x" * 32)),
    )
    for at, key in asked:
        with store.appending() as record:
            budget = Budget(record, agreement, at, key, Overspent())
            assert budget.charge(PLAN, {"one": 0.0}, reader)
    found = digests(store)
    assert len(found) == 3, "the same, on the same day, costs once"
    assert len(set(found)) == 3
    assert asked_ground(PLAN, 0.0) not in found
    store.close()

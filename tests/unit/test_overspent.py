"""Who went past a budget is asked of the record only when somebody has gone past one since."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from detente.node.budget import Budget, Overspent, day_of, limit_of
from detente.node.keyring import Keyring
from detente.node.lookup import current_agreement
from detente.store import Appender, Place, Store

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@contextmanager
def asked_of_budgets(store: Store) -> Iterator[list[str]]:
    """The statements that read budgets in a block."""
    found: list[str] = []

    def note(_1: object, _2: object, statement: str, *_: object) -> None:
        if "FROM budget" in statement:
            found.append(statement)

    engine: sa.Engine = store._database._kind.engine
    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


def budget(record: Appender, keyring: Keyring, known: Overspent, now: datetime = NOON) -> Budget:
    return Budget(record, current_agreement(record), now, keyring.load("node"), known)


def test_what_did_not_change_is_not_asked_again(place: Place, keyring: Keyring) -> None:
    store, known = Store(place), Overspent()
    with asked_of_budgets(store) as asked:
        for _ in range(3):
            with store.appending() as record:
                assert not budget(record, keyring, known).spent("two")
        assert len(asked) == 1
        with store.appending() as record:
            assert not budget(record, keyring, known, NOON + timedelta(days=1)).spent("two")
        assert len(asked) == 2, "another day"


def test_what_another_process_spent_is_known_at_once(place: Place, keyring: Keyring) -> None:
    store, other, known = Store(place), Store(place), Overspent()
    with store.appending() as record:
        assert not budget(record, keyring, known).spent("two")
        limit = limit_of(current_agreement(record))
    with other.appending() as record:
        record.spend(day_of(NOON), "two", limit)
    with store.appending() as record:
        assert budget(record, keyring, known).spent("two")
        assert not budget(record, keyring, known).spent("three")


def test_what_was_not_kept_was_not_spent(place: Place, keyring: Keyring) -> None:
    store, known = Store(place), Overspent()

    def spend_and_fail() -> None:
        with store.appending() as record:
            asked = budget(record, keyring, known)
            record.spend(day_of(NOON), "two", limit_of(current_agreement(record)))
            assert not asked.spent("two"), "as it was when the transaction began"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spend_and_fail()
    with store.appending() as record:
        assert not budget(record, keyring, known).spent("two")
        record.spend(day_of(NOON), "three", limit_of(current_agreement(record)))
    with store.appending() as record:
        found = budget(record, keyring, known)
        assert (found.spent("two"), found.spent("three")) == (False, True)

"""How far subscriptions were told: moved in one transaction with what is said of it.

Only the holder of the lease moves them: one that lost it while it slept finds that
out here, in the transaction itself.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from detente.core.volume import microseconds
from detente.node.engine import Decision, Engine
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches
from detente.node.telling.disclosures import THE_NODE, Delivered, deliveries
from detente.store import Appender, Cursor

ALL = "*"
"""The cursor of all subscriptions that have none of their own: nothing waits for them."""


class Held(NamedTuple):
    """The lease under which cursors are moved."""

    name: str
    holder: str


class Move:
    """Moves cursors; the answer is whether the lease still held."""

    principal = THE_NODE
    touches = Touches()

    def __init__(self, held: Held, put: Mapping[str, Cursor], drop: Iterable[str] = ()) -> None:
        self._held = held
        self._put = put
        self._drop = tuple(drop)
        self._moved = False

    def decide(self, _: Moment) -> Decision[bool]:
        """Nothing that the record says."""
        return Decision(says=(), answer=lambda _: self._moved, effects=self._move)

    def _move(self, record: Appender, _: list[Receipt]) -> None:
        self._moved = holds(record, self._held)
        if self._moved:
            record.put_cursors(self._put)
            record.drop_cursors(self._drop)


class Attempted(Struct, frozen=True, kw_only=True):
    """An attempt to deliver, and what it leads to.

    Attributes:
        done: To whom, and with what outcome.
        entries: What was sent, and how much of it.
        disclosed: What of it others had said, if it was taken.
        subscription: For which it was made.
        cursor: As it stands after it.
        told: Whether this attempt is said on the record; not every failure is.
    """

    done: Delivered
    entries: Mapping[int, int]
    disclosed: Mapping[int, int]
    subscription: str
    cursor: Cursor
    told: bool


class Keep:
    """Puts an attempt on record and moves its subscription's cursor, or neither."""

    principal = THE_NODE
    touches = Touches()

    def __init__(self, held: Held, attempted: Attempted) -> None:
        self._held = held
        self._attempted = attempted
        self._now_us = 0

    def decide(self, moment: Moment) -> Decision[None]:
        """What was sent went out, whoever holds the lease now: it is said in any case."""
        one = self._attempted
        self._now_us = microseconds(moment.now)
        return Decision(
            says=deliveries(moment, one.done, one.entries) if one.told else (),
            answer=lambda _: None,
            effects=self._keep,
        )

    def _keep(self, record: Appender, _: list[Receipt]) -> None:
        one = self._attempted
        record.disclose(one.done.to, one.disclosed, at_us=self._now_us)
        if holds(record, self._held):
            record.put_cursors({one.subscription: one.cursor})


def holds(record: Appender, held: Held) -> bool:
    """Whether this holder still has the lease; nobody takes it in this transaction."""
    now = record.lease(held.name)
    return now is not None and now[0] == held.holder


def read_cursors(engine: Engine) -> dict[str, Cursor]:
    """All of them; blocks."""
    with engine.store.reading() as record:
        return record.cursors()

"""What a node keeps beside the record, in the same transactions: answers, budgets, counts.

None of it is part of the record: it may be pruned, and the record still verifies.
"""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct

from detente.core.volume import microseconds
from detente.store import tables

FORGET_MAX = 10_000
"""Answers in one go: some tens of milliseconds, in which nobody else may write."""


class Remembered(Struct, frozen=True, kw_only=True):
    """An answer that was given to a request with an idempotency key.

    ``digest`` is the SHA-256 of that request, so that the key is not used for another.
    """

    digest: bytes
    status: int
    body: bytes


class Charge(Struct, frozen=True, kw_only=True):
    """What an asker learnt of an owner's hidden entries.

    Attributes:
        day: Days since 1970, UTC.
        owner: Whose entries they are.
        asker: Who asked.
        digest: Of the area asked about, keyed (HMAC-SHA-256): the same one costs once a day.
        area_km2_milli: Its size, thousandths of a square kilometre.
    """

    day: int
    owner: str
    asker: str
    digest: bytes
    area_km2_milli: int


class ReadBeside:
    """What was kept, as a transaction sees it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def idempotent(self, party: str, key: str) -> Remembered | None:
        """The answer that this party was given under this key."""
        row = self._connection.execute(_IDEMPOTENT, {"party": party, "key": key}).one_or_none()
        if row is None:
            return None
        return Remembered(digest=bytes(row.digest), status=row.status, body=bytes(row.body))

    def budget_spent(self, day: int, owner: str, asker: str) -> int:
        """What an asker learnt of an owner in a day, thousandths of a square kilometre."""
        given = {"day": day, "owner": owner, "asker": asker}
        return int(self._connection.execute(_SPENT, given).scalar_one())

    def charged(self, day: int, owner: str, asker: str, digest: bytes) -> bool:
        """Whether this area was charged already that day."""
        given = {"day": day, "owner": owner, "asker": asker, "digest": digest}
        return self._connection.execute(_CHARGED, given).scalar() is not None

    def notified(self) -> tuple[int, dict[str, int]]:
        """How often each subscription was to be told of something, and up to which entry.

        It is a shortcut: the record alone says the same, counted from its beginning.
        """
        rows = self._connection.execute(_NOTIFIED).all()
        counts = {row.subscription: int(row.notification_index) for row in rows}
        counts.pop(_NOBODY, None)
        return max((int(row.sequence) for row in rows), default=0), counts

    def spent(self, day: int) -> dict[str, int]:
        """Who has gone past a budget that day, and the largest one that each has gone past."""
        given = {"day": day, "owner": _ANYBODY}
        rows = self._connection.execute(_SPENT_BY, given)
        return {row.asker: int(row.largest) for row in rows}


class WriteBeside:
    """What is kept, in a transaction that may write."""

    _connection: sa.Connection

    def remember(self, party: str, key: str, answer: Remembered, *, received: datetime) -> None:
        """Keep an answer, to be given again to whoever asks again with this key."""
        self._connection.execute(
            _REMEMBER,
            {
                "party": party,
                "key": key,
                "digest": answer.digest,
                "status": answer.status,
                "body": answer.body,
                "received_us": microseconds(received),
            },
        )

    def forget_answers(self, before: datetime) -> int:
        """Let go of answers that were given before a time, FORGET_MAX at most; tells how many."""
        given = {"before": microseconds(before)}
        return self._connection.execute(_FORGET, given).rowcount

    def charge(self, charge: Charge) -> None:
        """Charge an asker's budget; the same area again on the same day costs nothing."""
        self._connection.execute(
            _CHARGE,
            {
                "day": charge.day,
                "owner": charge.owner,
                "asker": charge.asker,
                "digest": charge.digest,
                "area_km2_milli": charge.area_km2_milli,
            },
        )

    def spend(self, day: int, asker: str, limit_km2_milli: int) -> None:
        """Keep that an asker has gone past a budget of this size that day."""
        self.charge(
            Charge(
                day=day,
                owner=_ANYBODY,
                asker=asker,
                digest=limit_km2_milli.to_bytes(32),
                area_km2_milli=limit_km2_milli,
            )
        )
        self._connection.execute(_OVERSPEND)

    def forget_charges(self, before_day: int) -> int:
        """Let go of the budgets of days before one; tells how many charges."""
        return self._connection.execute(_FORGET_CHARGES, {"before": before_day}).rowcount

    def keep_notified(self, sequence: int, counts: Mapping[str, int]) -> None:
        """Keep how often subscriptions were to be told, counted up to an entry."""
        self._connection.execute(_FORGET_NOTIFIED)
        self._connection.execute(
            _KEEP_NOTIFIED,
            [
                {"subscription": name, "notification_index": index, "sequence": sequence}
                for name, index in (*counts.items(), (_NOBODY, 0))
            ],
        )


_NOBODY = ""
"""Stands in the table for the entry up to which was counted, were there no subscription."""

_ANYBODY = ""
"""No party's id: the owner in the row that says that an asker's day is over."""

_kept, _budget = tables.idempotency.c, tables.budget.c

_IDEMPOTENT = sa.select(_kept.digest, _kept.status, _kept.body).where(
    _kept.party == sa.bindparam("party"), _kept.key == sa.bindparam("key")
)
_REMEMBER = sa.insert(tables.idempotency)
_OLD = sa.select(_kept.party, _kept.key).where(_kept.received_us < sa.bindparam("before"))
_FORGET = sa.delete(tables.idempotency).where(
    sa.tuple_(_kept.party, _kept.key).in_(_OLD.limit(FORGET_MAX))
)
_SPENT = sa.select(sa.func.coalesce(sa.func.sum(_budget.area_km2_milli), 0)).where(
    _budget.day == sa.bindparam("day"),
    _budget.owner == sa.bindparam("owner"),
    _budget.asker == sa.bindparam("asker"),
)
_CHARGED = sa.select(_budget.day).where(
    _budget.day == sa.bindparam("day"),
    _budget.owner == sa.bindparam("owner"),
    _budget.asker == sa.bindparam("asker"),
    _budget.digest == sa.bindparam("digest"),
)
_SPENT_BY = (
    sa.select(_budget.asker, sa.func.max(_budget.area_km2_milli).label("largest"))
    .where(_budget.day == sa.bindparam("day"), _budget.owner == sa.bindparam("owner"))
    .group_by(_budget.asker)
)
_CHARGE = sa.text(
    "INSERT INTO budget (day, owner, asker, digest, area_km2_milli)"
    " VALUES (:day, :owner, :asker, :digest, :area_km2_milli)"
    " ON CONFLICT (day, owner, asker, digest) DO NOTHING"
)
_OVERSPEND = sa.text("UPDATE head SET overspent = overspent + 1")
_NOTIFIED = sa.select(tables.notified)
_FORGET_NOTIFIED = sa.delete(tables.notified)
_KEEP_NOTIFIED = sa.insert(tables.notified)
_FORGET_CHARGES = sa.delete(tables.budget).where(_budget.day < sa.bindparam("before"))

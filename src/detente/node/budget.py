"""The budget by area: how much a party may ask of what another withholds from it.

A question that met something withheld names a desk and nothing else; but many
such questions would draw the map. So each is charged its area, by owner and
asker and day. When the day's area is spent every answer to that asker is
``incomplete`` until midnight UTC, and none of its plans takes effect: an answer
that told apart where nothing is withheld would go on drawing (docs/rules/R-02.md).

What was asked about is kept as a digest that the node's key goes into, and the day: whoever
has the database alone cannot try areas on it. It goes when the day after is over.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from nacl.signing import SigningKey

from detente.core.agreement import Agreement
from detente.core.area import asked_ground, asked_km2
from detente.core.check import Meeting, Source
from detente.core.plan import Plan
from detente.core.view import Reader
from detente.errors import Conflict
from detente.store import Appender, Charge, Record

MILLI = 1_000
"""Areas are kept in thousandths of a km²."""


class Spent(Conflict):
    """The day's area of questions about withheld entries is spent."""

    code = "budget_spent"

    def __init__(self, what: str) -> None:
        super().__init__(what, got=_SPENT)


class Overspent:
    """Who went past a budget today, asked again only when somebody has gone past one since.

    The head of the record counts how often that was, in whichever process.
    """

    def __init__(self) -> None:
        self._known: tuple[tuple[int, int], Mapping[str, int]] = (-1, -1), {}

    def on(self, day: int, record: Record) -> Mapping[str, int]:
        """By party, the largest budget that each has gone past, thousandths of a km².

        Args:
            day: Days since 1970-01-01 UTC.
            record: In a transaction that has written nothing of it.
        """
        at = day, record.overspent()
        known, spent = self._known
        if known != at:
            spent = record.spent(day)
            self._known = at, spent
        return spent


class Budget:
    """The budgets of one day, as a transaction sees and changes them.

    Args:
        record: Held for writing.
        agreement: Says how much there is.
        now: UTC.
        key: The node's.
        overspent: What is known of it between transactions.
    """

    def __init__(
        self,
        record: Appender,
        agreement: Agreement,
        now: datetime,
        key: SigningKey,
        overspent: Overspent,
    ) -> None:
        self._record = record
        self._day = day_of(now)
        self._salt = hmac.digest(bytes(key), b"detente budget %d" % self._day, "sha256")
        self._limit = limit_of(agreement)
        self._spent = overspent.on(self._day, record)

    def spent(self, asker: str) -> bool:
        """Whether a party has gone past a budget today."""
        return self._spent.get(asker, -1) >= self._limit

    def charge(self, plan: Plan, withholding: Mapping[str, float], reader: Reader) -> bool:
        """Charge a question to the asker's budgets; whether all of them held.

        What is alike on the grid costs once a day.
        """
        if self.spent(reader.party):
            return False
        for owner, separation_m in withholding.items():
            digest = hmac.digest(self._salt, asked_ground(plan, separation_m), "sha256")
            if self._record.charged(self._day, owner, reader.party, digest):
                continue
            area = round(asked_km2(plan, separation_m) * MILLI)
            spent = self._record.budget_spent(self._day, owner, reader.party)
            if spent + area > self._limit:
                self._record.spend(self._day, reader.party, self._limit)
                self._spent = self._record.spent(self._day)
                return False
            self._record.charge(
                Charge(
                    day=self._day,
                    owner=owner,
                    asker=reader.party,
                    digest=digest,
                    area_km2_milli=area,
                )
            )
        return True


def owners_withholding(meetings: Sequence[Meeting], reader: Reader) -> Mapping[str, float]:
    """Whose entries a plan met that the reader may not know of without meeting them.

    Gives the largest separation that any of them asked, metres, by owner.
    """
    found: dict[str, float] = {}
    for meeting in meetings:
        value = meeting.known.value
        if reader.lists(value, meeting.known.object_id):
            continue
        owner = value.party or ""
        found[owner] = max(found.get(owner, 0.0), meeting.separation_m)
    return dict(sorted(found.items()))


def limit_of(agreement: Agreement) -> int:
    """How much a party may ask of each other in a day, thousandths of a km²."""
    return agreement.budget_km2_day * MILLI


def day_of(now: datetime) -> int:
    """Days since 1970-01-01 UTC."""
    return int(now.astimezone(UTC).timestamp()) // 86_400


_SPENT = "the day's area of questions about withheld entries is spent; call the duty desk"

SPENT = Source(name="withheld entries", problem=_SPENT)
"""Why an answer past the budget is ``incomplete``."""

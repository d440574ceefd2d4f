"""Quarantine: what came and was passed on to nobody, and why. Kept in memory, by worker.

It holds no place and nothing of the bytes: a refusal's reason, and whose it was, so that the
party that sent it can mend its device.
"""

from collections import Counter, deque
from datetime import datetime

from msgspec import Struct

from detente.core.party import PartyId
from detente.node.metrics import QUARANTINED

KEPT_MAX = 1_000
"""A party's: an hour of a device that says one wrong thing every four seconds."""

PARTIES_MAX = 1_000


class Refusal(Struct, frozen=True, kw_only=True):
    """One thing that was refused.

    Attributes:
        at: When it came.
        party: Whose it was, as its connection proved.
        account: By what it proved it.
        reason: What was wrong with it; no place.
        size: Bytes.
    """

    at: datetime
    party: PartyId
    account: str
    reason: str
    size: int


class Quarantine:
    """The last of each party's."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[Refusal]] = {}
        self.counted: Counter[str] = Counter()

    def put(self, one: Refusal, code: str) -> None:
        """Keep what was refused, with the refusal's code."""
        QUARANTINED.labels(code=code).inc()
        if one.party in self._kept or len(self._kept) < PARTIES_MAX:
            self._kept.setdefault(one.party, deque(maxlen=KEPT_MAX)).append(one)
            self.counted[one.party] += 1

    def of(self, party: str) -> list[Refusal]:
        """A party's own, newest first."""
        return list(reversed(self._kept.get(party, ())))

"""Quarantine: what came and was passed on to nobody, and why. Kept in memory, by worker.

It holds no place and nothing of the bytes: a refusal's reason, and whose it was, so that the
party that sent it can mend its device.
"""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from detente.core.party import PartyId
from detente.errors import MalformedInput
from detente.node.metrics import QUARANTINED

KEPT_MAX = 1_000
"""A party's: an hour of a device that says one wrong thing every four seconds."""

PARTIES_MAX = 1_000

REASONS_MAX = 200
"""A party's, by account: 50 devices with four faults each. More are counted together."""


class Unread(StrEnum):
    """What is wrong with a message, for whoever tells it in another language."""

    FORMAT = "format"
    CHECKSUM = "checksum"
    TOO_LONG = "too_long"
    PLACE = "place"
    TIME = "time"
    FIGURE = "figure"
    IDENTITY = "identity"
    NOT_OWN = "not_own"
    NO_ROOM = "no_room"
    OTHER = "other"


_UNREAD: Mapping[str, Unread] = MappingProxyType({
    **dict.fromkeys(("lat", "lon", "latitude", "longitude", "position", "point"), Unread.PLACE),
    **dict.fromkeys(("position on the ground", "distress beacon"), Unread.PLACE),
    **dict.fromkeys(("time", "start", "stale", "now", "seen_pos"), Unread.TIME),
    **dict.fromkeys(("field", "altitude", "hae", "speed", "course", "climb"), Unread.FIGURE),
    **dict.fromkeys(("ce", "le", "rc"), Unread.FIGURE),
    **dict.fromkeys(("address", "hex", "uid", "callsign"), Unread.IDENTITY),
    "checksum": Unread.CHECKSUM,
    "length": Unread.TOO_LONG,
    "type": Unread.NOT_OWN,
    "tracks": Unread.NO_ROOM,
})  # fmt: skip
"""By what was refused, as parsers name it; what is not here is not of the format."""


def code_of(code: str, reason: str) -> str:
    """Why a message was refused, as one word.

    Args:
        code: The refusal's.
        reason: The refusal's sentence.

    Returns:
        Of malformed input one of ``Unread``, else the refusal's code.
    """
    if code != MalformedInput.code:
        return code
    return _UNREAD.get(reason.partition(":")[0], Unread.FORMAT)


class RefusedCount(Struct, frozen=True, kw_only=True):
    """How often something was refused, since the worker began.

    Attributes:
        party: Whose feed or device sent it; empty where that was not proven.
        feed: The feed's name; empty of a device.
        account: By what a device proved whose it is; empty of a feed.
        code: Why, as one of ``Unread``, or a refusal's code.
        reason: The same in words, without what came; no place.
        count: How often.
        last: When last; UTC.
    """

    party: str
    feed: str = ""
    account: str = ""
    code: str
    reason: str
    count: int
    last: datetime


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
        self._counts: dict[str, dict[tuple[str, str, str], RefusedCount]] = {}

    def put(self, one: Refusal, code: str, reason: str) -> None:
        """Keep what was refused.

        Args:
            one: It.
            code: The refusal's.
            reason: As it is counted: without what came, so that there are few.
        """
        QUARANTINED.labels(code=code).inc()
        if one.party in self._kept or len(self._kept) < PARTIES_MAX:
            self._kept.setdefault(one.party, deque(maxlen=KEPT_MAX)).append(one)
            self.counted[one.party] += 1
            self._count(one, code_of(code, reason), reason)

    def _count(self, one: Refusal, code: str, reason: str) -> None:
        counts = self._counts.setdefault(one.party, {})
        key = one.account, code, reason
        if key not in counts and len(counts) >= REASONS_MAX:
            key = "", str(Unread.OTHER), ""
        account, code, reason = key
        counts[key] = RefusedCount(
            party=one.party,
            account=account,
            code=code,
            reason=reason,
            count=1 + (counts[key].count if key in counts else 0),
            last=one.at,
        )

    def of(self, party: str) -> list[Refusal]:
        """A party's own, newest first."""
        return list(reversed(self._kept.get(party, ())))

    def counts(self) -> list[RefusedCount]:
        """How often what was refused, of everybody's devices."""
        return [one for counts in self._counts.values() for one in counts.values()]

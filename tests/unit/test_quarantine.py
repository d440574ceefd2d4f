"""What was refused, as it is counted."""

from datetime import UTC, datetime, timedelta

import pytest

from detente.errors import Conflict, DetenteError, MalformedInput, NotPermitted, reason_of
from detente.node.quarantine import REASONS_MAX, Quarantine, Refusal, Unread, code_of

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def put(quarantine: Quarantine, error: DetenteError, party: str = "one", s: int = 0) -> None:
    one = Refusal(
        at=NOW + timedelta(seconds=s), party=party, account="cot", reason=f"{error}", size=9
    )
    quarantine.put(one, error.code, reason_of(error))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MalformedInput("lat", expected="a number from -90 to 90"), Unread.PLACE),
        (MalformedInput("stale", expected="at or after start"), Unread.TIME),
        (MalformedInput("hae", expected="a number"), Unread.FIGURE),
        (MalformedInput("uid", expected="1 to 64 printable characters"), Unread.IDENTITY),
        (MalformedInput("type", expected="a-f: one's own people"), Unread.NOT_OWN),
        (MalformedInput("XML", expected="an event"), Unread.FORMAT),
        (Conflict("uid", expected="one that no other party uses"), "conflict"),
        (NotPermitted("deletion"), "not_permitted"),
    ],
)
def test_each_refusal_has_a_code(error: DetenteError, code: str) -> None:
    assert code_of(error.code, reason_of(error)) == code


def test_what_came_is_not_counted_apart() -> None:
    quarantine = Quarantine()
    for number in range(5):
        put(quarantine, MalformedInput("lat", expected="a number", got=f"{number}"), s=number)
    (one,) = quarantine.counts()
    assert (one.count, one.reason, one.last) == (
        5, "lat: expected a number", NOW + timedelta(seconds=4),
    )  # fmt: skip


def test_more_reasons_than_are_kept_are_counted_together() -> None:
    quarantine = Quarantine()
    for number in range(REASONS_MAX + 7):
        put(quarantine, MalformedInput(f"{number}"))
    put(quarantine, MalformedInput("lat"), party="two")
    counts = quarantine.counts()
    assert sum(one.count for one in counts if one.party == "one") == REASONS_MAX + 7
    assert [one.count for one in counts if one.code == Unread.OTHER] == [7]
    assert [one.code for one in counts if one.party == "two"] == [Unread.PLACE]

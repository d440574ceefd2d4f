"""Lead times (H6)."""

from datetime import timedelta

import pytest

from detente.core.agreement import Agreement
from detente.core.lead import begins_late
from nodes import around
from world import NOW

TERMS = Agreement(name="test", lead_times_s={"convoy": 3_600})


@pytest.mark.parametrize(
    ("category", "minutes", "late"),
    [
        ("convoy", 59, True),
        ("convoy", 60, False),
        ("convoy", -5, True),
        ("convoy", None, True),
        ("medical", 1, False),
    ],
)
def test_what_begins_sooner_than_agreed_is_late(
    category: str, minutes: int | None, late: bool
) -> None:
    start = None if minutes is None else NOW + timedelta(minutes=minutes)
    assert begins_late(category, around(1, 1, start=start), TERMS, at=NOW) is late


def test_the_first_of_several_volumes_decides_and_without_any_nothing_is_late() -> None:
    later = around(1, 1, start=NOW + timedelta(hours=5))
    sooner = around(2, 1, start=NOW + timedelta(minutes=5))
    assert begins_late("convoy", later + sooner, TERMS, at=NOW)
    assert not begins_late("convoy", later, TERMS, at=NOW)
    assert not begins_late("convoy", (), TERMS, at=NOW)

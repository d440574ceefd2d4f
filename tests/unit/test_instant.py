"""Times of a question: any digit, leap seconds, and what lies between two microseconds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.core.instant import instant, instant_of, overlaps, window
from detente.core.volume import Circle, Volume
from detente.doors.where import window_of
from detente.errors import MalformedInput

DAY = datetime(2026, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at", "beyond"),
    [
        ("2026-01-07T00:00:00Z", "2026-01-07T00:00:00Z", False),
        ("2026-01-07t00:00:00z", "2026-01-07T00:00:00Z", False),
        ("2026-01-07T01:00:00.5+01:00", "2026-01-07T00:00:00.500000Z", False),
        ("2026-01-07T00:00:00.1234560Z", "2026-01-07T00:00:00.123456Z", False),
        ("2026-01-07T00:00:00.1234567Z", "2026-01-07T00:00:00.123456Z", True),
        ("2026-01-07T00:00:00." + "0" * 99 + "1Z", "2026-01-07T00:00:00Z", True),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z", True),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z", True),
        ("2016-12-31T15:59:60.25-08:00", "2016-12-31T23:59:59.999999Z", True),
    ],
)
def test_what_a_time_says(text: str, at: str, beyond: bool) -> None:
    found = instant_of(text, what="datetime")
    assert found == (datetime.fromisoformat(at), beyond)
    assert instant(text, what="datetime") == found.at <= found.until


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-07", "2026-01-07T00:00:00", "2026-13-07T00:00:00Z",
     "2026-01-07T00:00:00.Z", "0001-01-01T00:00:00+23:59", "٢٠٢٦-01-07T00:00:00Z",
     "2026-01-07T23:59:60Z", "2026-01-31T12:59:60Z", "2026-01-31T23:59:61Z",
     "9999-12-31T23:59:60Z"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="such as 2025-01-07T18:30:00Z"):
        instant_of(text, what="datetime")


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**9 - 1))
def test_times_compare_as_they_were_said(one: int, other: int) -> None:
    """Between times on record, which are whole microseconds, and any that are asked for."""
    kept = instant_of(f"2026-01-07T00:00:00.{one // 1000:06}Z", what="kept")
    asked = instant_of(f"2026-01-07T00:00:00.{other:09}Z", what="asked")
    exact = one // 1000 * 1000
    assert (kept < asked, kept == asked, kept > asked) == (
        exact < other,
        exact == other,
        exact > other,
    )


def test_an_interval_loses_nothing_at_its_ends() -> None:
    microsecond = timedelta(microseconds=1)
    brief = [
        Volume(footprint=(Circle(centre=(0, 0)),), start=at, end=at)
        for at in (DAY, DAY + microsecond)
    ]
    asked = window_of("2026-01-07T00:00:00.0000001Z")
    assert [overlaps(one, asked) for one in brief] == [True, True]
    asked = window_of("../2026-01-07T00:00:00.0000001Z")
    assert [overlaps(one, asked) for one in brief] == [True, True]
    assert window(None, None, what="datetime") == (None, None)
    with pytest.raises(MalformedInput, match="at or after its start"):
        window_of("2026-01-07T00:00:00.0000011Z/2026-01-07T00:00:00.000001Z")

"""CQL2 text: what it selects, where it is refused, and that it ends (OGC 21-065r2)."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from detente.core.cql import DEPTH_MAX, TERMS_MAX, TEXT_MAX, instant, parse
from detente.core.drawn import Drawing
from detente.core.feature import PROPERTIES
from detente.core.volume import Circle, Volume
from detente.errors import MalformedInput

DAY = datetime(2026, 1, 7, tzinfo=UTC)


class Feature:
    """A feature of a few properties."""

    def __init__(self, **properties: Any) -> None:
        self.properties = properties

    def value(self, name: str) -> object:
        return self.properties.get(name)

    def drawing(self) -> Drawing:
        return shapely.Point(10, 50)

    def volumes(self) -> tuple[Volume, ...]:
        return (Volume(footprint=(Circle(centre=(0, 0)),), start=DAY, end=DAY),)


ONE = Feature(
    name="It's 100% a_b", category="medical", standoff_m=500.0, version=3, stale=True,
    start="2026-01-07T00:00:00Z",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("category = 'medical'", True),
        ("category <> 'medical'", False),
        ("\"category\" > 'a'", True),
        ("standoff_m < 500", False),
        ("standoff_m <= 5e2", True),
        ("standoff_m >= +500.0", True),
        ("version BETWEEN 3 AND 4", True),
        ("version NOT BETWEEN 3 AND 4", False),
        ("version BETWEEN 4 AND 5", False),
        ("category IN ('school', 'medical')", True),
        ("category NOT IN ('school', 'medical')", False),
        ("name = 'It''s 100% a_b'", True),
        ("name LIKE 'It%'", True),
        ("name LIKE '%100\\% a\\_b'", True),
        ("name LIKE 'It_s%b'", True),
        ("name LIKE 'It'", False),
        ("name NOT LIKE '%x%y'", True),
        ("stale = TRUE", True),
        ("stale = false AND category = 'medical'", False),
        ("NOT (stale = false) or category = 'x'", True),
        ("TRUE", True),
        ("FALSE OR TRUE AND FALSE", False),
        ("party IS NULL", True),
        ("party IS NOT NULL", False),
        ("party = 'one'", None),
        ("NOT party = 'one'", None),
        ("party LIKE 'o%'", None),
        ("party = 'one' OR stale = TRUE", True),
        ("party = 'one' AND stale = FALSE", False),
        ("party = 'one' AND stale = TRUE", None),
        ("start = TIMESTAMP('2026-01-07T01:00:00+01:00')", True),
        ("start > TIMESTAMP('2026-01-07T00:00:00.5Z')", False),
        ("S_INTERSECTS(geometry, POINT(10 50))", True),
        ("S_INTERSECTS(geometry, BBOX(9, 49, 10, 50))", True),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 0, 1 1, 0 0)))", False),
        ("T_INTERSECTS(datetime, TIMESTAMP('2026-01-07T00:00:00Z'))", True),
        ("T_INTERSECTS(datetime, INTERVAL('..', '2026-01-06T00:00:00Z'))", False),
        ("T_INTERSECTS(datetime, INTERVAL('2026-01-08T00:00:00Z', '..'))", False),
    ],
)
def test_what_a_filter_selects(text: str, holds: bool | None) -> None:
    assert parse(text, PROPERTIES)(ONE) is holds


def test_latitude_may_come_first() -> None:
    text = "S_INTERSECTS(geometry, BBOX(49, 9, 51, 11))"
    assert parse(text, PROPERTIES, lat_first=True)(ONE)
    assert not parse(text, PROPERTIES)(ONE)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", 1),
        ("category", 9),
        ("category =", 11),
        ("category = 'open", 12),
        ("category = 5", 12),
        ("colour = 5", 1),
        ("5 = category", 1),
        ("standoff_m = 'x'", 14),
        ("standoff_m = 1e999", 14),
        ("stale = 1", 9),
        ("standoff_m LIKE 'x'", 17),
        ("category BETWEEN 'a' AND 'b'", 18),
        ("category NOT = 'a'", 14),
        ("category = 'a' category = 'b'", 16),
        ("(category = 'a'", 16),
        ("category IN ()", 14),
        ("category IS 5", 13),
        ("start = TIMESTAMP('2026-02-30T00:00:00Z')", 19),
        ("start = TIMESTAMP('0001-01-01T00:00:00+23:00')", 19),
        ("start = DATE('2026-01-07')", 9),
        ("S_INTERSECTS(geometry, CIRCLE(0 0))", 24),
        ("S_INTERSECTS(geometry, POINT(x))", 30),
        ("S_INTERSECTS(geometry, POINT)", 30),
        ("S_INTERSECTS(geometry, POINT(1))", 24),
        ("S_INTERSECTS(geometry, POINT(200 0))", 24),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 0 1, 1 0, 0 0)))", 24),
        ("S_INTERSECTS(geometry, BBOX(1, 2, 3))", 24),
        ("S_INTERSECTS(name, POINT(0 0))", 14),
        ("T_INTERSECTS(datetime, 'x')", 24),
        ("T_AFTER(datetime, TIMESTAMP('2026-01-07T00:00:00Z'))", 1),
        ("category = 'a'; DROP", 15),
        ("(" * (DEPTH_MAX + 2) + "TRUE" + ")" * (DEPTH_MAX + 2), DEPTH_MAX + 2),
    ],
)
def test_where_a_filter_is_refused(text: str, at: int) -> None:
    with pytest.raises(MalformedInput) as refused:
        parse(text, PROPERTIES)
    assert refused.value.what == f"filter, character {at}"


def test_a_filter_has_bounds() -> None:
    assert parse(" OR ".join(["TRUE"] * TERMS_MAX), PROPERTIES)(ONE)
    for text in (
        " OR ".join(["TRUE"] * (TERMS_MAX + 1)),
        "version IN (" + ",".join(["1"] * (TERMS_MAX + 1)) + ")",
        " " * (TEXT_MAX + 1),
        "NOT " * (TEXT_MAX // 4),
    ):
        with pytest.raises(MalformedInput):
            parse(text, PROPERTIES)


def test_a_pattern_of_many_wildcards_ends() -> None:
    test = parse("name LIKE '" + "%a" * 1_000 + "b'", PROPERTIES)
    began = time.process_time()
    assert test(Feature(name="a" * 4_000)) is False
    assert time.process_time() - began < 5


words = st.sampled_from(
    [*"()=<>,", "<=", "AND", "OR", "NOT", "LIKE", "BETWEEN", "IN", "IS", "NULL", "TRUE", "category",
     "standoff_m", "start", "stale", "geometry", "datetime", "S_INTERSECTS", "T_INTERSECTS", "BBOX",
     "POLYGON", "POINT", "INTERVAL", "TIMESTAMP", "'a%'", "'..'", "'2026-01-07T00:00:00Z'", "1",
     "-5.5", "1e400", '"name"', "'"]
)  # fmt: skip


@given(text=st.one_of(st.text(max_size=60), st.lists(words, max_size=25).map(" ".join)))
def test_whatever_comes_is_parsed_or_refused(text: str) -> None:
    try:
        test = parse(text, PROPERTIES)
    except MalformedInput as refused:
        test, what = None, refused.what
    if test is None:
        assert what.startswith("filter")
        return
    assert test(ONE) in {True, False, None}


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-07", "2026-01-07T00:00:00", "2026-13-07T00:00:00Z",
     "0001-01-01T00:00:00+23:59", "2026-01-07T00:00:00.1234567Z", "٢٠٢٦-01-07T00:00:00Z"],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="such as 2025-01-07T18:30:00Z"):
        instant(text, what="datetime")

"""What is asked by TAXII's query or sent: taken, or refused in one way, and no object lost."""

import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detente.doors.taxii.requests import ANY_OBJECT, envelope, filter_of
from detente.errors import MalformedInput

SECOND_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""


@given(digits=st.text("0123456789", max_size=30))
def test_added_after_in_any_precision_passes_over_nothing(digits: str) -> None:
    fraction = f".{digits}" if digits else ""
    found = filter_of({"added_after": f"2026-01-01T00:00:00{fraction}Z"}).after_us
    exact = int(digits.ljust(30, "0") or "0")
    after = found - SECOND_US
    # Dates are whole microseconds: the next one is later than what was asked, this one is not.
    assert after * 10**24 <= exact < (after + 1) * 10**24


@pytest.mark.parametrize("digits", range(31))
def test_each_number_of_digits_is_taken(digits: int) -> None:
    fraction = "." + "9" * digits if digits else ""
    found = filter_of({"added_after": f"2026-01-01T00:00:00{fraction}Z"}).after_us
    assert found == SECOND_US + int("9" * min(digits, 6) or "0") * 10 ** (6 - min(digits, 6))


@pytest.mark.parametrize("fraction", ["", ".0", ".5", ".999999999", ".1234567890123"])
def test_whatever_is_later_than_a_leap_second_is_of_the_next_minute(fraction: str) -> None:
    """RFC 3339 has it at the end of a day; no date is in one."""
    found = filter_of({"added_after": f"2025-12-31T23:59:60{fraction}Z"}).after_us
    assert found == SECOND_US - 1
    assert filter_of({"added_after": "9999-12-31T23:59:60Z"}).after_us


@pytest.mark.parametrize(
    "spelt",
    [
        "2026-01-01T00:00:60Z",
        "2026-01-01T23:58:60Z",
        "2026-01-01T23:59:61Z",
        "2026-01-01T23:59:60.Z",
        "2026-02-30T23:59:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.12345678901x",
        "2026-01-01T00:00:00.1234567890Z\n",
        "2026-01-01T00:00:00.1234567890123",
        "2026-02-30T00:00:00.1234567890123Z",
        ".1234567890123Z",
    ],
)
def test_what_is_no_time_is_refused(spelt: str) -> None:
    with pytest.raises(MalformedInput, match="added_after"):
        filter_of({"added_after": spelt})


@pytest.mark.parametrize("versions", ["all,last", "first,all", "first,first", "all,all"])
def test_no_version_is_asked_for_twice_or_beside_all(versions: str) -> None:
    with pytest.raises(MalformedInput, match="version"):
        filter_of({"match[version]": versions})


@given(
    query=st.dictionaries(
        st.sampled_from(sorted(ANY_OBJECT)), st.text() | st.from_regex(r"\A[-0-9:.,TZ]+\Z")
    )
)
def test_whatever_is_asked_is_a_filter_or_refused(query: dict[str, str]) -> None:
    with contextlib.suppress(MalformedInput):
        filter_of(query)


def test_of_two_lists_of_objects_none_is_lost() -> None:
    for twice in (b'{"objects":[1],"objects":[2]}', b'{"objects":[1],"x":1,"\\u0078":2}',
                  b'{"x":{"y":1,"y":2},"objects":[1]}'):  # fmt: skip
        with pytest.raises(MalformedInput, match="a name stands twice"):
            envelope(twice)
    # What stands twice within an object is that object's; what looks like the list is not it.
    told = b'[{"a":1,"a":2}]'
    assert envelope(b'{"x":%b,"objects":%b,"y":[],"z":"[]"}' % (b"[]", told)) == ('{"a":1,"a":2}',)
    assert envelope(b'{"objects":[1],"x":[1],"y":"[1]","[2]":[1]}') == ("1",)


@given(body=st.binary())
@example(b"\xff")
def test_whatever_is_sent_is_objects_or_refused(body: bytes) -> None:
    for sent in (body, b'{"objects":[{"type":"x","name":"' + body + b'"}]}'):
        try:
            texts = envelope(sent)
        except MalformedInput:
            continue
        assert [json.loads(one) for one in texts] == json.loads(sent)["objects"]

"""Refusals over HTTP: one table, one shape, nothing told by accident."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente import errors
from detente.doors.asgi_hot import Answer, Hot, HotTable
from detente.doors.asgi_limits import BODIES, BODY_BYTES_MAX, body_bytes_max
from detente.doors.asgi_problem import (
    MEANINGS,
    TABLE,
    Refused,
    body,
    code_of_status,
    decode,
    headers_of,
    members_of,
    problem_of,
)
from detente.errors import Conflict, DetenteError, MalformedInput, NotFound, Unavailable

OURS = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, DetenteError) and one is not DetenteError
]


@pytest.mark.parametrize("error", OURS, ids=lambda error: error.__name__)
def test_each_error_is_in_the_table_and_means_something(error: type[DetenteError]) -> None:
    assert error.code in TABLE
    assert MEANINGS[error.code]


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(MEANINGS)
    for row in TABLE.values():
        assert 400 <= row.status < 600
        assert row.title
        code = code_of_status(row.status)
        assert TABLE[code].status == row.status
    assert code_of_status(418) == "malformed_input"
    assert code_of_status(599) == "internal"
    assert code_of_status(503) == "unavailable"


def test_a_refusal_says_what_was_expected_and_what_came() -> None:
    told = problem_of(Conflict("plan p1", expected="version 2", got="version 1"), "r-1")
    assert (told.status, told.code, told.type) == (409, "conflict", "/docs/errors#conflict")
    assert (told.what, told.expected, told.got) == ("plan p1", "version 2", "version 1")
    assert msgspec.json.decode(body(told))["request_id"] == "r-1"


def test_why_a_store_is_away_is_not_told() -> None:
    away = Unavailable("register town", expected="a server", got="no route to db.internal:5432")
    told = problem_of(away)
    assert told.code == "unavailable"
    assert told.detail == "register town: expected a server"
    assert not told.got


def test_absent_and_not_for_you_are_the_same_bytes() -> None:
    """A refusal is told by what it says, never by where it was raised."""
    absent, hidden = NotFound("notice n1"), NotFound("notice n1")
    assert body(problem_of(absent, "r")) == body(problem_of(hidden, "r"))


@pytest.mark.parametrize(
    "error", [RuntimeError("52.5, 13.4"), KeyError("52.5"), RecursionError("maximum"),
              MemoryError(), DetenteError("52.5"), ExceptionGroup("52.5", [ValueError("13.4")])],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_a_mistake_of_ours_says_nothing(error: Exception) -> None:
    told = problem_of(error, "r-1")
    assert (told.status, told.code) == (500, "internal")
    assert b"52.5" not in body(told)
    assert b"13.4" not in body(told)


def test_members_add_and_never_replace() -> None:
    error = Conflict("plan p1")
    error.members = {"missing": ["t1", "t2"], "code": "other"}  # type: ignore[attr-defined]
    found = msgspec.json.decode(body(problem_of(error), members_of(error)))
    assert found["missing"] == ["t1", "t2"]
    assert found["code"] == "conflict"


def test_who_comes_too_soon_is_told_when_to_come_again() -> None:
    limited = errors.RateLimited("requests of one", expected="10 a second", retry_after_s=7)
    assert dict(headers_of(problem_of(limited).code, limited))["retry-after"] == "7"
    assert dict(headers_of("unavailable"))["retry-after"] == "1"
    assert "www-authenticate" in dict(headers_of("not_authentic"))


class Place(msgspec.Struct, forbid_unknown_fields=True):
    at: tuple[int, int]
    inner: "Place | None" = None


DECODER = msgspec.json.Decoder(Place)


@given(st.binary() | st.from_regex(rb'[\[\]{}":,a-z0-9]{0,60}', fullmatch=True))
def test_decoding_garbage_is_only_ever_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedInput):
        decode(DECODER, data)


@pytest.mark.parametrize(
    ("data", "what", "expected"),
    [
        (b'{"at": [1, "x"]}', "at[1]", "`int`"),
        (b'{"at": [1, 2], "on": 1}', "body", ""),
        (b'{"at": [1, 2], "inner": ' * 5_000, "body", "JSON of moderate depth"),
        (b'{"at": [1, 2', "body", "JSON"),
        (b'{"\xff": 1}', "body", "JSON"),
        (b"[]", "body", "`object`"),
    ],
)
def test_what_is_wrong_in_a_body_is_named(data: bytes, what: str, expected: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        decode(DECODER, data)
    assert (refused.value.what, refused.value.expected) == (what, expected)


def test_http_has_refusals_of_its_own() -> None:
    told = problem_of(Refused("too_large", "body", expected="at most 10 bytes"))
    assert (told.status, told.code) == (413, "too_large")


async def never(_exchange: object) -> Answer:
    raise AssertionError


def test_a_hot_route_is_found_by_method_and_whole_parts() -> None:
    table = HotTable(
        Hot(method, template, never)
        for method, template in (
            ("POST", "/v1/checks"),
            ("PUT", "/dss/v1/things/{id}"),
            ("PUT", "/dss/v1/things/{id}/{version}"),
            ("GET", "/dss/v1/{kind}/all"),
        )
    )

    def found(method: str, path: str) -> tuple[str, dict[str, str]] | None:
        match = table.find(method, path)
        return None if match is None else (match[0].template, dict(match[1]))

    assert found("POST", "/v1/checks") == ("/v1/checks", {})
    assert found("PUT", "/dss/v1/things/7") == ("/dss/v1/things/{id}", {"id": "7"})
    assert found("PUT", "/dss/v1/things/7/a") == (
        "/dss/v1/things/{id}/{version}", {"id": "7", "version": "a"},
    )  # fmt: skip
    assert found("GET", "/dss/v1/x/all") == ("/dss/v1/{kind}/all", {"kind": "x"})
    for method, path in (
        ("GET", "/v1/checks"), ("POST", "/v1/checks/"), ("PUT", "/dss/v1/things/"),
        ("PUT", "/dss/v1/things"), ("PUT", "/dss/v2/things/7"), ("GET", ""), ("GET", "*"),
    ):  # fmt: skip
        assert found(method, path) is None


def test_the_longest_path_decides_how_long_a_body_may_be() -> None:
    most = 10**9
    for path, limit in BODIES:
        assert body_bytes_max(path, most=most) == limit
        assert body_bytes_max(f"{path}/below", most=most) == limit
        assert body_bytes_max(f"{path}x", most=most) == BODY_BYTES_MAX
    assert body_bytes_max("/", most=most) == BODY_BYTES_MAX
    assert body_bytes_max("", most=most) == BODY_BYTES_MAX
    assert body_bytes_max("/v1/checks", most=5) == 5

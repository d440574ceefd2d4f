"""The native interface below HTTP: forms, queries, lines, and its own description."""

import asyncio
import json
import tracemalloc
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.core.entry import EntryKind
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.principal import SCOPES
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_limits import LINE_BYTES_MAX
from detente.doors.asgi_problem import TABLE, Refused
from detente.doors.asgi_query import query_of
from detente.doors.http import v1
from detente.doors.http.v1 import checking, examples, governing, lines, looking, request, speaking
from detente.doors.http.v1.lines import BATCH_LINES_MAX, LINES_MAX, LineReader, unhurried
from detente.doors.http.v1.request import Form
from detente.errors import MalformedInput
from nodes import run
from strategies import movements, notices, plans, presences, reports, zones

said = st.one_of(notices, movements, plans, presences, reports, zones)


def exchange(query: str = "", **headers: str) -> Exchange:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"headers": named, "query_string": query.encode(), "method": "POST", "path": "/x"}
    return Exchange(scope, None)  # type: ignore[arg-type] # nothing is received


def deep(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all JSON objects in a value that stand for structs."""
    if isinstance(value, dict):
        below = [found for name, part in value.items() for found in deep(part, (*path, name))]
        maps = {"parties", "separations", "lead_times_s"}
        return below if path and path[-1] in maps else [path, *below]
    if isinstance(value, list):
        return [found for n, part in enumerate(value) for found in deep(part, (*path, n))]
    return []


@given(said, st.data())
def test_a_field_that_is_not_known_is_refused_wherever_it_stands(value: Any, data: Any) -> None:
    form: Form[Any] = Form(type(value), author_in="")
    raw = json.loads(msgspec.json.encode(value))
    assert form.read(json.dumps(raw).encode(), "somebody") == value
    path = data.draw(st.sampled_from(deep(raw)))
    place = raw
    for step in path:
        place = place[step]
    place["colour"] = data.draw(st.sampled_from(["red", None, {"x": 1}, [[1]]]))
    with pytest.raises(MalformedInput) as caught:
        form.read(json.dumps(raw).encode(), "somebody")
    names = [step for step in path if isinstance(step, str)]
    assert caught.value.what == ".".join([*names, "colour"])


@given(st.binary(max_size=200))
def test_garbage_is_malformed_and_nothing_else(data: bytes) -> None:
    forms: list[Form[Any]] = [
        Form(Notice, author_in=""),
        Form(speaking.Filed, author_in="plan"),
    ]
    for form in forms:
        with pytest.raises(MalformedInput):
            form.read(data, "one")


def test_an_author_may_be_left_out() -> None:
    form: Form[speaking.Filed] = Form(speaking.Filed, author_in="plan")
    body = json.dumps(examples.BODIES["filePlan"]).encode()
    assert form.read(body, "two").plan.party == "two"
    named = {"plan": {**examples.BODIES["filePlan"]["plan"], "party": "three"}}
    assert form.read(json.dumps(named).encode(), "two").plan.party == "three"


def test_examples_are_what_their_operations_take() -> None:
    forms: dict[str, Any] = {
        one.name: one.body.form for one in v1.OPERATIONS if one.body is not None
    }
    named = {"filePlan": "plan", "changeObject": "value", "check": "plan"}
    for name, body in examples.BODIES.items():
        free = name in {"putAgreement", "admitParty", "eraseObject", "giveBundle", "readBack",
                        "measure"}  # fmt: skip
        form: Form[Any] = Form(forms[name], author_in=None if free else named.get(name, ""))
        form.read(json.dumps(body).encode(), "one", **(
            {"kind": "movement"} if name == "notifyMovement" else {}))  # fmt: skip


def test_the_description_is_whole() -> None:
    document = v1.description()
    text = json.dumps(document)
    for name in set(text.split("#/components/schemas/")[1:]):
        found = name.partition('"')[0]
        assert found in document["components"]["schemas"] or found == "Problem"
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    for one in v1.OPERATIONS:
        assert set(one.refusals) <= set(TABLE)
        assert set(one.scopes) <= set(SCOPES)
        assert one.is_open or "not_authentic" in one.refusals
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        for parameter in operation["parameters"]:
            assert parameter["description"] != parameter["name"], parameter
    for schema in document["components"]["schemas"].values():
        if "properties" in schema and schema["title"] != "Unaware":
            assert schema["additionalProperties"] is False


def test_queries_are_text() -> None:
    asked = request.converted(
        query_of(
            exchange("kind=notice,zone&kind=plan&limit=7&ended=true&text=a%20b&after=-1"),
            repeated=frozenset({"kind"}),
        ),
        looking.SearchQuery,
    )
    assert asked.kind == (EntryKind.NOTICE, EntryKind.ZONE, EntryKind.PLAN)
    assert (asked.limit, asked.ended, asked.text, asked.after) == (7, True, "a b", -1)
    for wrong in (
        "limit=1.0", "limit=1e2", "limit=", "limit=٣", "ended=1", "ended=True", "from=0",
        "from=2030-01-01", "to=null", "limit=1&limit=1", "x=1", "text=%ff", "text", "party=A",
        "&".join(["kind=notice"] * 51), "limit=" + "9" * 400,
    ):  # fmt: skip
        with pytest.raises(MalformedInput):
            request.converted(
                query_of(exchange(wrong), repeated=frozenset({"kind"})),
                looking.SearchQuery,
            )


@given(st.lists(st.floats(-90, 90), min_size=4, max_size=4))
def test_a_box_is_rounded_outwards(edges: list[float]) -> None:
    west, east = edges[0], edges[1]
    south, north = sorted(edges[2:])
    text = ",".join(f"{one:.12f}" for one in (west, south, east, north))
    box = looking.box_of(text)
    assert box.west <= float(f"{west:.12f}") * 1e7 <= box.west + 1
    assert box.north >= float(f"{north:.12f}") * 1e7 >= box.north - 1


def test_tokens_and_keys() -> None:
    assert request.seen_token(exchange(if_match='"abc-_1"')) == "abc-_1"
    with pytest.raises(Refused):
        request.seen_token(exchange())
    for wrong in ("abc", '""', 'W/"abc"', '"a","b"', "*", '"a b"'):
        with pytest.raises(MalformedInput):
            request.seen_token(exchange(if_match=wrong))
    assert request.once_of(exchange(), b"") is None
    key = exchange(idempotency_key="a key")
    once = request.once_of(key, b"body")
    assert once is not None
    assert once.key == "a key"
    assert once == request.once_of(key, b"body")
    assert once != request.once_of(key, b"other")
    seen = exchange(idempotency_key="a key", if_match='"x"')
    assert once.digest != request.once_of(seen, b"body").digest  # type: ignore[union-attr]


def received(parts: Sequence[bytes], *, gone: bool = False) -> Any:
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.disconnect"} if gone else
                    {"type": "http.request", "body": b"", "more_body": False})  # fmt: skip

    async def receive() -> Any:
        return messages.pop(0)

    return receive


async def all_lines(reader: LineReader) -> list[tuple[int, bytes | None]]:
    found: list[tuple[int, bytes | None]] = []
    while batch := await reader.batch():
        assert len(batch) <= BATCH_LINES_MAX
        found += [(one.number, one.data) for one in batch]
    return found


@given(st.lists(st.binary(max_size=12), max_size=12))
def test_lines_are_the_same_however_they_arrive(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    expected = [
        (number, line.strip())
        for number, line in enumerate(whole.split(b"\n"), start=1)
        if line.strip()
    ]
    assert run(all_lines(LineReader(received(parts)))) == expected


def test_a_line_that_is_too_long_is_not_kept() -> None:
    part = b"x" * 65_536
    parts = [b"one\n", *[part] * 2_000, b"\ntwo\n", *[part] * 17, b"\n", b"three"]
    tracemalloc.start()
    found = run(all_lines(LineReader(received(parts))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [(1, b"one"), (2, None), (3, b"two"), (4, None), (5, b"three")]
    assert peak < 4 * LINE_BYTES_MAX


def test_there_are_not_too_many_lines_and_nobody_waits_for_who_left() -> None:
    with pytest.raises(Refused):
        run(all_lines(LineReader(received([b"\n" * (LINES_MAX + 1)]))))
    with pytest.raises(Refused):
        run(all_lines(LineReader(received([b"one\n"], gone=True))))


async def numbered(count: int, size: int, made: list[int]) -> AsyncGenerator[bytes, None]:
    try:
        for number in range(count):
            made.append(number)
            yield number.to_bytes(4) * (size // 4)
            await asyncio.sleep(0)
    finally:
        made.append(-1)


def test_work_goes_on_while_nobody_reads() -> None:
    """Three megabytes of answers wait, in a file, until they are taken; none is lost."""

    async def story() -> None:
        made: list[int] = []
        parts = unhurried(numbered(300, 10_000, made))
        first = await anext(parts)
        for _ in range(3_000):
            await asyncio.sleep(0)
        assert len(made) == 301
        rest = b"".join([part async for part in parts])
        assert first + rest == b"".join(n.to_bytes(4) * 2_500 for n in range(300))

    run(story())


def test_no_more_waits_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "WAITING_MAX", 50_000)

    async def story() -> None:
        made: list[int] = []
        parts = unhurried(numbered(100, 10_000, made))
        got = await anext(parts)
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert len(made) < 15
        got += b"".join([part async for part in parts])
        assert len(got) == 1_000_000

    run(story())


def test_who_leaves_ends_the_work_and_what_fails_is_told() -> None:
    async def story() -> None:
        made: list[int] = []
        parts = unhurried(numbered(10_000, 100, made))
        await anext(parts)
        await parts.aclose()
        assert made[-1] == -1
        assert len(made) < 10_000

        async def failing() -> AsyncGenerator[bytes, None]:
            yield b"one"
            msg = "midway"
            raise ValueError(msg)

        told = unhurried(failing())
        assert await anext(told) == b"one"
        with pytest.raises(ValueError, match="midway"):
            await anext(told)

    run(story())


def test_what_only_we_give_is_not_taken() -> None:
    """A form for each operation that takes a body, and no more kinds than a party may say."""
    kinds = {kind.__struct_config__.tag for kind in speaking.Sayable.__args__}
    assert {"agreement", "party", "delivery", "availability"}.isdisjoint(kinds)
    assert checking.Question(plan=Plan(source_id="x", volumes=())).separation_mm == 0
    assert governing.OPERATIONS

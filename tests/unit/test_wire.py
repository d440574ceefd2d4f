"""Values to bytes and back: canonical, strict, and judged by the rfc8785 package."""

import json
from pathlib import Path

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core import wire
from detente.core.kinds import KINDS
from detente.core.notice import Notice
from detente.core.volume import Circle, Volume
from detente.errors import DetenteError, MalformedInput
from strategies import values


@given(value=values)
@settings(max_examples=300)
def test_our_bytes_are_those_of_rfc_8785(value: wire.Value) -> None:
    data = wire.encode(value)
    assert data == rfc8785.dumps(msgspec.to_builtins(value))
    assert wire.decode(data) == value
    assert wire.read(data) == value


def test_the_strategies_make_every_kind_of_value() -> None:
    made: set[type] = set()

    @given(value=values)
    # Some 20 kinds, none of them equally likely.
    @settings(max_examples=2_000, database=None, derandomize=True)
    def collect(value: wire.Value) -> None:
        made.add(type(value))

    collect()
    assert made == set(KINDS)


@given(data=st.binary(max_size=200))
@settings(max_examples=300)
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        wire.decode(data)


@given(value=values, position=st.integers(0, 10_000), byte=st.integers(0, 255))
@settings(max_examples=300)
def test_an_altered_byte_is_refused_or_another_value(
    value: wire.Value, position: int, byte: int
) -> None:
    data = bytearray(wire.encode(value))
    data[position % len(data)] = byte
    try:
        found = wire.decode(bytes(data))
    except DetenteError:
        return
    assert wire.encode(found) == bytes(data)


JCS = Path(__file__).parents[1] / "vectors" / "jcs"
JCS_FILES = sorted((JCS / "input").glob("*.json"))

NOT_OURS = {"structures", "values", "weird"}
"""With floats, or names beyond the BMP, which sort otherwise: no value of ours has either."""


@pytest.mark.parametrize("file", JCS_FILES, ids=lambda file: file.stem)
def test_vectors_of_rfc_8785(file: Path) -> None:
    """The package that judges ours gives each to the byte; and so do we, where values are ours."""
    wanted = bytes.fromhex((JCS / "outhex" / f"{file.stem}.txt").read_text())
    assert (JCS / "output" / file.name).read_bytes() == wanted
    value = json.loads(file.read_text())
    assert rfc8785.dumps(value) == wanted
    assert (wire.encode(value) == wanted) == (file.stem not in NOT_OURS)
    with pytest.raises(MalformedInput):
        wire.decode(wanted)


def test_all_vectors_of_rfc_8785_are_there() -> None:
    assert len(JCS_FILES) == 6


NOTICE = Notice(
    source_id="1",
    name="A",
    category="medical",
    party="one",
    volumes=(Volume(footprint=(Circle(centre=(1, 2)),)),),
)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b",", b", "),
        lambda data: data.replace(b'"name":"A"', b'"name":"\\u0041"'),
        lambda data: data.replace(b"[1,2]", b"[1.0,2]"),
        lambda data: data[:-1] + b',"unknown":1}',
        lambda data: data.replace(b'"name":"A"', b'"name":"A","name":"A"'),
        lambda data: data.replace(b'"name":"A",', b'"disputed":false,"name":"A",'),
        lambda data: data + b" ",
        lambda data: data.replace(b"notice", b"target"),
        lambda data: data.replace(b"[1,2]", b"[1,900000001]"),
        lambda data: data.replace(b"[1,2]", b"[NaN,2]"),
        lambda data: b"[" * 100_000 + data,
        lambda data: data + b" " * wire.OBJECT_BYTES_MAX,
    ],
)
def test_other_spellings_are_refused(change: object) -> None:
    assert callable(change)
    with pytest.raises(MalformedInput):
        wire.decode(change(wire.encode(NOTICE)))


def test_an_object_beyond_the_limit_is_not_written() -> None:
    with pytest.raises(MalformedInput, match="at most"):
        wire.encode("x" * (wire.OBJECT_BYTES_MAX + 1))

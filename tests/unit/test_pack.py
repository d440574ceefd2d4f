"""Packs and deltas as bytes: only the documented refusals, in bounded memory."""

import json
import time
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from detente.core import pack as packs
from detente.core.agreement import Agreement
from detente.core.check import Known, Protected
from detente.core.entry import pre_authentication
from detente.core.pack import (
    DELTA,
    PACK,
    Pack,
    applied,
    delta,
    edition_of,
    read_pack,
    sealed,
    state_of,
)
from detente.core.party import key_id
from detente.core.release import Grade
from detente.core.view import Reader, View
from detente.errors import Conflict, MalformedInput, NotAuthentic
from strategies import notices, plans, presences, zones

NOW = datetime(2026, 1, 7, 12, tzinfo=UTC)
KEY = SigningKey(bytes(range(32)))
PUBLIC = bytes(KEY.verify_key)
KEYS = {key_id(PUBLIC): PUBLIC}
READER = Reader(party="two", agreement=Agreement(name="test"), parties={}, grants={}, now=NOW)

World = dict[int, tuple[Protected, Grade]]

worlds = st.dictionaries(
    st.integers(1, 6),
    st.tuples(st.one_of(notices, zones, presences, plans), st.sampled_from(Grade)),
    max_size=5,
)
"""By object: what is said of it, and how much of that is shown."""


def pack_of(world: World, *, hours: int = 0, first: int = 0) -> Pack:
    views: list[View] = []
    for number, (value, grade) in sorted(world.items()):
        known = Known(value=value, object_id=f"{number:032x}", sequence=first + number, version=1)
        view = READER.view(known, grade)
        if view is not None:
            views.append(view)
    as_of = NOW + timedelta(hours=hours)
    return Pack(
        theatre="test", reader="two", as_of=as_of, expires=as_of + timedelta(hours=24),
        edition=edition_of(views), within="", agreement=READER.agreement, objects=tuple(views),
    )  # fmt: skip


@given(old=worlds, new=worlds, moved=st.integers(0, 3))
@settings(max_examples=50)
def test_a_delta_makes_the_very_bytes_of_the_whole_pack(old: World, new: World, moved: int) -> None:
    kept = {number: one for number, one in old.items() if number % 2}
    base = sealed(pack_of(old), KEY)
    whole = sealed(pack_of({**new, **kept}, hours=1, first=moved), KEY)
    change = delta(state_of(read_pack(base, KEYS)), whole, KEYS)
    assert applied(base, change, KEYS) == whole
    assert read_pack(whole, KEYS) == pack_of({**new, **kept}, hours=1, first=moved)
    if read_pack(whole, KEYS) != read_pack(base, KEYS):
        with pytest.raises(Conflict):
            applied(whole, change, KEYS)


WHOLE = sealed(pack_of({}), KEY)
CHANGE = delta(state_of(read_pack(WHOLE, KEYS)), sealed(pack_of({}, hours=1), KEY), KEYS)
REFUSALS = (MalformedInput, NotAuthentic)


def packed(value: object, magic: bytes = PACK) -> bytes:
    return magic + zlib.compress(json.dumps(value).encode())


def opened(data: bytes, magic: bytes = PACK) -> dict[str, object]:
    found: dict[str, object] = json.loads(zlib.decompress(data.removeprefix(magic)))
    return found


@given(place=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_a_pack_with_one_bit_altered_is_refused(place: int, bit: int) -> None:
    data = bytearray(WHOLE)
    data[place] ^= 1 << bit
    try:
        found = read_pack(bytes(data), KEYS)
    except REFUSALS:
        return
    # zlib has header bits that change nothing of what is unpacked.
    assert found == read_pack(WHOLE, KEYS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=10,
)  # fmt: skip


@given(
    data=st.binary(max_size=300),
    value=json_values,
    member=st.sampled_from(list(opened(CHANGE, DELTA))),
)
def test_nothing_but_the_documented_refusals(data: bytes, value: object, member: str) -> None:
    for bad in (
        data, PACK + data, PACK + zlib.compress(data), packed(value), packed({"pack": value}),
        packed({**opened(WHOLE), "seal": value}), packed({**opened(WHOLE), "pack": value}),
    ):  # fmt: skip
        with pytest.raises(REFUSALS):
            read_pack(bad, KEYS)
    for bad in (
        data, DELTA + data, DELTA + zlib.compress(data), packed(value, DELTA),
        packed({**opened(CHANGE, DELTA), member: value}, DELTA),
    ):  # fmt: skip
        try:
            made = applied(WHOLE, bad, KEYS)
        except (*REFUSALS, Conflict):
            continue
        assert made == applied(WHOLE, CHANGE, KEYS), "nothing was altered after all"


def test_what_swells_is_refused_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "PACK_BYTES_MAX", 1 << 20)
    bomb = PACK + zlib.compress(bytes(1 << 28), 9)
    tracemalloc.start()
    began = time.thread_time()
    with pytest.raises(MalformedInput, match="got more"):
        read_pack(bomb, KEYS)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    assert time.thread_time() - began < 5
    tracemalloc.stop()
    with pytest.raises(MalformedInput, match="at most"):
        sealed(msgspec.structs.replace(pack_of({}), within="x" * (1 << 20)), KEY)


def test_what_is_cut_or_has_more_behind_it_is_refused() -> None:
    for bad in (WHOLE[:-1], WHOLE + b"x"):
        with pytest.raises(MalformedInput, match="one whole stream"):
            read_pack(bad, KEYS)


def test_a_pack_is_sealed_by_a_known_key_over_canonical_bytes() -> None:
    with pytest.raises(NotAuthentic, match="a seal by"):
        read_pack(WHOLE, {key_id(b"x"): PUBLIC})
    body = json.dumps(opened(WHOLE)["pack"], indent=1).encode()
    signed = SigningKey(bytes(KEY)).sign(pre_authentication(body, packs.SEAL_TYPE)).signature
    seal = {"keyid": key_id(PUBLIC), "sig": msgspec.json.encode(signed).decode().strip('"')}
    spelt = PACK + zlib.compress(
        b'{"pack":' + body + b',"seal":' + json.dumps(seal).encode() + b"}"
    )
    with pytest.raises(MalformedInput, match="canonical"):
        read_pack(spelt, KEYS)


def test_a_delta_that_was_altered_makes_nothing() -> None:
    change = opened(CHANGE, DELTA)
    change["pack"] = {**change["pack"], "expires": "2036-01-01T00:00:00Z"}  # type: ignore[dict-item] # JSON
    with pytest.raises(NotAuthentic, match="it was altered"):
        applied(WHOLE, packed(change, DELTA), KEYS)

"""Envelopes: what is signed, what is refused, and that an altered byte never passes."""

import base64
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.entry import (
    CLOCK_AHEAD_MAX_S,
    ENVELOPE_BYTES_MAX,
    PAYLOAD_TYPE,
    ChainHead,
    Envelope,
    Statement,
    authenticate,
    check_clock,
    commitment,
    follow,
    pre_authentication,
    seal,
    token,
    unseal,
    verifies,
)
from detente.core.wire import encode
from detente.errors import Conflict, DetenteError, MalformedInput, NotAuthentic
from world import NOW, SALT, Writer, key_of, ledger_with, public, site

KEY = key_of("one")
SPEAKING = {public(KEY).id: bytes(KEY.verify_key)}


def entry() -> bytes:
    return Writer().write(site(), party="one").signed.data


def test_the_signed_bytes_are_those_of_dsse() -> None:
    """The PAE of the DSSE specification, with our type."""
    signed = pre_authentication(b"hello world")
    assert signed == b"DSSEv1 34 application/vnd.detente.entry+json 11 hello world"
    assert len(PAYLOAD_TYPE) == 34


def test_an_entry_is_small_and_says_nothing_of_places() -> None:
    value = site(name="Trauma centre")
    data = Writer().write(value, party="one").signed.data
    assert len(data) < 1_000
    envelope = msgspec.json.decode(data, type=Envelope)
    payload = base64.b64decode(envelope.payload)
    for secret in (b"Trauma", b"centre", b"medical", b"volume", b"footprint"):
        assert secret not in payload


def test_a_signature_is_verified() -> None:
    signed = unseal(entry())
    authenticate(signed, SPEAKING, {})
    with pytest.raises(NotAuthentic, match="a key that the record gives"):
        authenticate(signed, {}, {})
    with pytest.raises(NotAuthentic, match="a signature that verifies"):
        authenticate(signed, {signed.statement.key: bytes(key_of("two").verify_key)}, {})
    with pytest.raises(NotAuthentic, match="signatures by"):
        authenticate(signed, SPEAKING, {"0" * 16: bytes(32)})


def test_whether_a_key_signed_can_be_asked_before_it_is_known_to_speak() -> None:
    signed = unseal(entry())
    assert verifies(signed, bytes(KEY.verify_key))
    assert not verifies(signed, bytes(key_of("two").verify_key))


def test_a_signature_is_spelt_in_one_way() -> None:
    """In the last digit before the padding, four bits say nothing: none may be set."""
    data = entry()
    last = data.rindex(b'=="') - 1
    assert data[last : last + 1] in {b"A", b"Q", b"g", b"w"}
    other = data[:last] + bytes([data[last] + 1]) + data[last + 1 :]
    with pytest.raises(MalformedInput, match="canonical"):
        unseal(other)


@given(position=st.integers(0, 10_000), flip=st.integers(1, 255))
@settings(max_examples=400)
def test_an_altered_byte_is_always_refused(position: int, flip: int) -> None:
    data = bytearray(entry())
    data[position % len(data)] ^= flip
    with pytest.raises(DetenteError):
        authenticate(unseal(bytes(data)), SPEAKING, {})


@given(data=st.binary(max_size=300))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        unseal(data)


def respelt(**parts: object) -> bytes:
    """The entry with some members of its envelope replaced."""
    return msgspec.json.encode({**msgspec.json.decode(entry()), **parts}, order="sorted")


@pytest.mark.parametrize(
    "data",
    [
        entry() + b"\n",
        entry().replace(b",", b", ", 1),
        respelt(payloadType="application/json"),
        respelt(payload="not base64!"),
        respelt(payload=base64.b64encode(b"{}").decode()),
        respelt(payload=msgspec.json.decode(entry())["payload"] + "===="),
        respelt(signatures=[]),
        respelt(extra=1),
        b"x" * (ENVELOPE_BYTES_MAX + 1),
    ],
)
def test_other_spellings_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        unseal(data)


def test_a_payload_that_is_not_canonical_is_refused() -> None:
    envelope = msgspec.json.decode(entry(), type=Envelope)
    spaced = base64.b64decode(envelope.payload).replace(b",", b", ", 1)
    changed = msgspec.structs.replace(envelope, payload=base64.b64encode(spaced).decode())
    with pytest.raises(MalformedInput, match="canonical"):
        unseal(encode(changed))


def test_the_commitment_needs_a_whole_salt() -> None:
    assert commitment(SALT, b"x") == commitment(SALT, b"x")
    with pytest.raises(MalformedInput, match="32 bytes"):
        commitment(SALT[:-1], b"sx")


def statement(**changes: object) -> Statement:
    found = unseal(entry()).statement
    return msgspec.structs.replace(found, **changes)


def test_only_a_first_entry_has_no_previous() -> None:
    with pytest.raises(MalformedInput, match="previous"):
        statement(party_sequence=1)
    with pytest.raises(MalformedInput, match="previous"):
        statement(previous="0" * 64)


def test_a_chain_goes_on_without_gap_fork_or_repetition() -> None:
    writer = Writer()
    first = writer.said(writer.write(site("A"), party="one")).signed
    second = writer.write(site("B"), party="one").signed
    head = follow(None, first)
    assert follow(head, second) == ChainHead(party_sequence=1, leaf=second.leaf)
    with pytest.raises(Conflict, match="party sequence 1, got 0"):
        follow(head, first)
    with pytest.raises(Conflict, match="party sequence 0, got 1"):
        follow(None, second)
    fork = ChainHead(party_sequence=0, leaf=bytes(32))
    with pytest.raises(Conflict, match="the hash of the party's previous entry"):
        follow(fork, second)


def test_a_clock_may_run_ahead_a_little() -> None:
    ahead = timedelta(seconds=CLOCK_AHEAD_MAX_S)
    check_clock(statement(time=NOW + ahead), now=NOW)
    check_clock(statement(time=NOW - timedelta(days=400)), now=NOW)
    with pytest.raises(MalformedInput, match="at most 300 s ahead"):
        check_clock(statement(time=NOW + ahead + timedelta(seconds=1)), now=NOW)


def test_an_envelope_beyond_the_limit_is_not_sealed() -> None:
    with pytest.raises(MalformedInput, match="at most 65535 bytes"):
        seal(statement(), (KEY,) * 600)


@pytest.mark.parametrize("count", [0, 3])
def test_an_envelope_has_one_or_two_signatures(count: int) -> None:
    with pytest.raises(MalformedInput, match=f"expected 1 to 2, got {count}"):
        seal(statement(), (KEY,) * count)


def test_a_version_token_belongs_to_one_entry_and_takes_its_salt() -> None:
    one, other = (Writer().write(site(name), party="one").signed.leaf for name in ("A", "B"))
    made = token(SALT, one)
    assert made == token(SALT, one)
    assert len(made) == 43
    assert base64.urlsafe_b64decode(made + "=")
    assert len({made, token(SALT, other), token(b"t" * 32, one)}) == 3
    # Who reads the public log knows the leaf, and not the token.
    assert made not in {base64.urlsafe_b64encode(one).decode().rstrip("="), one.hex()}


def test_who_attests_says_how_it_was_proven_and_who_signs_does_not() -> None:
    _, writer = ledger_with("one")
    with pytest.raises(MalformedInput, match="how the party proved itself"):
        writer.attest(site(), party="one", method=None)
    with pytest.raises(MalformedInput, match="how the party proved itself"):
        writer.write(site(), party="one", method="token")
    assert writer.attest(site(), party="one").signed.statement.method == "token"

"""Signed notes and their keys: third-party known answers, forgeries, and properties."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.checkpoint import parse_checkpoint
from detente.core.lines import SIZE_MAX
from detente.core.note import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    Note,
    SignatureLine,
    parse_note,
    parse_signatures,
    render_note,
    render_signatures,
    sign,
    sign_note,
    verify_note,
    verify_signatures,
)
from detente.core.note_key import (
    SignatureType,
    Signer,
    VerifierKey,
    cosigner,
    log_signer,
    parse_vkey,
    verify_text,
)
from detente.errors import MalformedInput, NotAuthentic
from logs import EAST, LOG, LOG_ML_DSA, NORTH, ORIGIN, SIGNERS, SOUTH, Tree, ed25519, ml_dsa

VECTORS = Path(__file__).parents[1] / "vectors"
VECTOR_NOTES: list[dict[str, str]] = json.loads((VECTORS / "notes/notes.json").read_text())["notes"]
EXAMPLE = VECTOR_NOTES[0]

TEXT = Tree([b"one", b"two", b"three"]).at(3).text
NOW = 1_795_000_000


# Known answers of third parties.


@pytest.mark.parametrize("vector", VECTOR_NOTES, ids=lambda vector: str(vector["from"]))
def test_notes_of_others_verify_and_are_rendered_to_the_byte(vector: dict[str, str]) -> None:
    key = parse_vkey(vector["vkey"])
    assert key.vkey == vector["vkey"]
    data = vector["note"].encode()
    note = parse_note(data)
    assert render_note(note) == data
    (verified,) = verify_note(note, [key])
    assert verified.key == key
    # Of these, one is a cosignature and says when.
    when = {"party-b.example/w1": 1_795_476_797}
    assert verified.timestamp == when.get(key.name)
    if "log" in vector["from"]:
        assert parse_checkpoint(note.text).text == note.text


def test_all_notes_of_others_are_there() -> None:
    assert len(VECTOR_NOTES) == 19


@pytest.mark.parametrize("vector", VECTOR_NOTES, ids=lambda vector: str(vector["from"]))
def test_no_altered_byte_of_another_s_note_passes(vector: dict[str, str]) -> None:
    """Every byte, each with one bit of it: what is not signed is the spelling of a known key."""
    key, data = parse_vkey(vector["vkey"]), vector["note"].encode()
    # The signature of another key, which says nothing to us, may be anything.
    signed = [line for line in data.splitlines(keepends=True) if key.name.encode() in line]
    start = data.index(b"\n\n") + 2
    mine = range(data.index(signed[-1]), data.index(signed[-1]) + len(signed[-1]))
    for position in range(len(data)):
        if position >= start and position not in mine:
            continue
        broken = bytearray(data)
        broken[position] ^= 1 << (position % 8)
        with pytest.raises((MalformedInput, NotAuthentic)):
            verify_note(parse_note(bytes(broken)), [key])


def test_an_ml_dsa_44_checkpoint_of_torchwood_verifies() -> None:
    """Its message is the cosigned_message of tlog-cosignature, made by another implementation."""
    key = parse_vkey((VECTORS / "torchwood/mldsa.vkey").read_text().strip())
    _, _, data = (VECTORS / "torchwood/mldsa.request").read_bytes().partition(b"\n\n")
    note = parse_note(data)
    (verified,) = verify_note(note, [key])
    assert (verified.key.type, verified.timestamp) == (SignatureType.ML_DSA_44, 0)
    (line,) = note.signatures
    for text in (
        note.text.replace("\n1\n", "\n2\n"),
        note.text.replace("example.com", "example.org"),
        note.text.replace("+zoE", "+zoF"),
        f"{note.text}an extension line\n",
    ):
        with pytest.raises(NotAuthentic):
            verify_note(Note(text=text, signatures=(line,)), [key])


# What our own keys sign.


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.verifier.type.name)
def test_what_is_signed_verifies(signer: Signer) -> None:
    note = parse_note(render_note(sign_note(TEXT, [signer], timestamp=NOW)))
    (verified,) = verify_note(note, [signer.verifier])
    expected = None if signer.verifier.type is SignatureType.ED25519 else NOW
    assert (verified.key, verified.timestamp) == (signer.verifier, expected)
    with pytest.raises(NotAuthentic):
        verify_text(signer.verifier, TEXT.replace("3", "4", 1), verified.line.signature)


@settings(max_examples=400)
@given(data=st.data(), signer=st.sampled_from(SIGNERS))
def test_any_altered_byte_of_a_signed_note_is_refused(data: st.DataObject, signer: Signer) -> None:
    whole = render_note(sign_note(TEXT, [signer], timestamp=NOW))
    position = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda one: one != whole[position]))
    broken = whole[:position] + bytes([value]) + whole[position + 1 :]
    with pytest.raises((MalformedInput, NotAuthentic)):
        verify_note(parse_note(broken), [signer.verifier])


def test_the_messages_are_those_of_the_standard() -> None:
    """Verified by hand: what each type signs, and where the time stands."""
    north, east = sign(NORTH, TEXT, timestamp=7), sign(EAST, TEXT, timestamp=7)
    assert north.signature[:8] == east.signature[:8] == (7).to_bytes(8, "big")
    assert (len(north.signature), len(east.signature)) == (8 + 64, 8 + 2420)
    ed25519(3).verify_key.verify(b"cosignature/v1\ntime 7\n" + TEXT.encode(), north.signature[8:])
    origin, name = ORIGIN.encode(), b"party-c.example/w1"
    message = b"".join(
        (
            b"subtree/v1\n\x00",
            bytes([len(name)]) + name,
            (7).to_bytes(8, "big"),
            bytes([len(origin)]) + origin,
            bytes(8),
            (3).to_bytes(8, "big"),
            parse_checkpoint(TEXT).root,
        )
    )
    ml_dsa(5).public_key().verify(east.signature[8:], message)


def test_a_cosignature_covers_its_time_and_an_ml_dsa_44_one_its_name() -> None:
    for signer in (NORTH, EAST):
        line = sign(signer, TEXT, timestamp=NOW)
        later = (NOW + 1).to_bytes(8, "big") + line.signature[8:]
        with pytest.raises(NotAuthentic):
            verify_text(signer.verifier, TEXT, later)
    other = VerifierKey(name="other.example", type=EAST.verifier.type, public=EAST.verifier.public)
    with pytest.raises(NotAuthentic):
        verify_text(other, TEXT, sign(EAST, TEXT, timestamp=NOW).signature)


def test_a_log_s_signature_is_no_cosignature_and_the_other_way_round() -> None:
    """One Ed25519 key under both types: what is signed keeps them apart."""
    key = ed25519(9)
    log, witness = log_signer("a.example", key), cosigner("a.example", key)
    assert log.verifier.id != witness.verifier.id
    signature = sign(log, TEXT).signature
    with pytest.raises(NotAuthentic):
        verify_text(witness.verifier, TEXT, bytes(8) + signature)
    with pytest.raises(NotAuthentic):
        verify_text(log.verifier, TEXT, sign(witness, TEXT, timestamp=NOW).signature[8:])


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.verifier.type.name)
@pytest.mark.parametrize("cut", [slice(0, 1), slice(0, 7), slice(0, -1), slice(1, None)])
def test_a_signature_of_another_length_is_refused(signer: Signer, cut: slice) -> None:
    with pytest.raises(NotAuthentic):
        verify_text(signer.verifier, TEXT, sign(signer, TEXT, timestamp=NOW).signature[cut])


def test_times_beyond_63_bits_are_neither_signed_nor_believed() -> None:
    assert sign(NORTH, TEXT, timestamp=SIZE_MAX)
    for timestamp in (-1, SIZE_MAX + 1):
        with pytest.raises(MalformedInput, match="timestamp"):
            sign(NORTH, TEXT, timestamp=timestamp)
    with pytest.raises(NotAuthentic):
        verify_text(NORTH.verifier, TEXT, b"\xff" * 72)


def test_only_a_checkpoint_is_cosigned_and_by_ml_dsa_44_only_all_of_it() -> None:
    assert sign(LOG, "any text\n")
    assert sign(NORTH, f"{TEXT}extension\n", timestamp=NOW)
    for signer in (NORTH, EAST, LOG_ML_DSA):
        with pytest.raises(MalformedInput, match="checkpoint"):
            sign(signer, "any text\n", timestamp=NOW)
    with pytest.raises(MalformedInput, match="no extension lines"):
        sign(EAST, f"{TEXT}extension\n", timestamp=NOW)
    long = TEXT.replace(ORIGIN, "o" * 256)
    assert sign(NORTH, long, timestamp=NOW)
    with pytest.raises(MalformedInput, match="at most 255 bytes"):
        sign(EAST, long, timestamp=NOW)
    assert sign(EAST, TEXT.replace(ORIGIN, "o" * 255), timestamp=NOW)


# Whose signatures count.


def test_signatures_of_unknown_keys_are_left_alone() -> None:
    note = sign_note(TEXT, [LOG, NORTH, SOUTH], timestamp=NOW)
    assert [one.key for one in verify_note(note, [NORTH.verifier])] == [NORTH.verifier]
    both = [SOUTH.verifier, LOG.verifier]
    assert {one.key for one in verify_note(note, both)} == set(both)
    # Of the same name with another id, and of the same id with another name.
    (line,) = sign_note(TEXT, [LOG]).signatures
    for name, key_id in ((line.name, b"else"), ("else", line.key_id)):
        other = SignatureLine(name=name, key_id=key_id, signature=b"nonsense")
        known = Note(text=TEXT, signatures=(other, line))
        assert len(verify_note(known, [LOG.verifier])) == 1
        with pytest.raises(NotAuthentic, match="a known key"):
            verify_note(Note(text=TEXT, signatures=(other,)), [LOG.verifier])


def test_one_bad_signature_of_a_known_key_refuses_the_note() -> None:
    good = sign_note(TEXT, [LOG, NORTH], timestamp=NOW)
    bad = SignatureLine(
        name=NORTH.verifier.name, key_id=NORTH.verifier.id, signature=b"\0" * (8 + 64)
    )
    keys = [LOG.verifier, NORTH.verifier]
    for lines in ((*good.signatures, bad), (bad, *good.signatures)):
        with pytest.raises(NotAuthentic, match="party-a"):
            verify_note(Note(text=TEXT, signatures=lines), keys)
    assert verify_note(Note(text=TEXT, signatures=(*good.signatures, bad)), [LOG.verifier])


def test_without_a_known_key_a_note_is_refused() -> None:
    note = sign_note(TEXT, [LOG])
    with pytest.raises(NotAuthentic):
        verify_note(note, [])
    assert verify_signatures(TEXT, note.signatures, []) == ()


def test_keys_that_nobody_could_tell_apart_are_refused() -> None:
    """Ids are short: among some 80,000 keys of one name two are the same."""
    seen: dict[bytes, VerifierKey] = {}
    for number in itertools.count():
        public = number.to_bytes(32, "big")
        key = VerifierKey(name="a", type=SignatureType.ED25519, public=public)
        if (other := seen.setdefault(key.id, key)) != key:
            break
    note = sign_note(TEXT, [LOG])
    with pytest.raises(MalformedInput, match="id of its own"):
        verify_note(note, [LOG.verifier, key, other])
    assert verify_note(note, [LOG.verifier, LOG.verifier, key])


# The format.

SIG = EXAMPLE["note"].split()[-1]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "blank line"),
        (b"text\n", "blank line"),
        (f"text\n\u2014 a {SIG}\n".encode(), "blank line"),
        (b"text\n\n", "1 to 64 signatures"),
        (f"text\n\n\u2014 a {SIG}".encode(), "ended by a newline"),
        (f"text\n\n\u2014 a {SIG}\n\u2014 b".encode(), "ended by a newline"),
        (f"text\n\n- a {SIG}\n".encode(), "em dash"),
        (f"text\n\n\u2014a {SIG}\n".encode(), "em dash"),
        (f"text\n\n\u2013 a {SIG}\n".encode(), "em dash"),
        ("text\n\n\u2014 a\n".encode(), "em dash"),
        ("text\n\n\u2014 a \n".encode(), "base64"),
        (f"text\n\n\u2014  {SIG}\n".encode(), "no spaces"),
        (f"text\n\n\u2014 a  {SIG}\n".encode(), "base64"),
        (f"text\n\n\u2014 a {SIG} \n".encode(), "base64"),
        (f"text\n\n\u2014 a+b {SIG}\n".encode(), "no plus"),
        (f"text\n\n\u2014 a\u2028b {SIG}\n".encode(), "no spaces"),
        (f"text\n\n\u2014 a\u00a0b {SIG}\n".encode(), "no spaces"),
        (f"text\n\n\u2014 a {SIG}\nrest\n".encode(), "em dash"),
        ("text\n\n\u2014 a !!!!\n".encode(), "base64"),
        ("text\n\n\u2014 a AAAAAA\n".encode(), "base64"),
        ("text\n\n\u2014 a AAAAAB==\n".encode(), "base64"),
        ("text\n\n\u2014 a AAAA\n".encode(), "bytes of id"),
        ("text\n\n\u2014 a AAAAAA==\n".encode(), "bytes of id"),
        (f"te\rxt\n\n\u2014 a {SIG}\n".encode(), "U\\+000D"),
        (f"te\0xt\n\n\u2014 a {SIG}\n".encode(), "U\\+0000"),
        (f"te\txt\n\n\u2014 a {SIG}\n".encode(), "U\\+0009"),
        (b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAA=\n", "UTF-8"),
        # A surrogate spelt in bytes is not UTF-8.
        (b"te\xed\xa0\x80xt\n\n\xe2\x80\x94 a AAAAAAA=\n", "UTF-8"),
        (b"\n" * (NOTE_BYTES_MAX + 1), f"at most {NOTE_BYTES_MAX} bytes"),
    ],
)
def test_what_is_no_note_is_refused(data: bytes, match: str) -> None:
    with pytest.raises(MalformedInput, match=match):
        parse_note(data)


def test_the_last_empty_line_divides() -> None:
    for text in ("\n", "a\n\nb\n", "a\n\n", "\u0085\u2028\x7f\n"):
        data = f"{text}\n\u2014 a {SIG}\n".encode()
        assert parse_note(data).text == text
        assert render_note(parse_note(data)) == data


def test_a_note_has_1_to_64_signatures() -> None:
    line = f"\u2014 a {SIG}\n"
    assert len(parse_note(f"text\n\n{line * 64}".encode()).signatures) == SIGNATURES_MAX
    with pytest.raises(MalformedInput, match="at most 64"):
        parse_note(f"text\n\n{line * 65}".encode())
    with pytest.raises(MalformedInput, match="1 to 64"):
        sign_note("text\n", [])
    with pytest.raises(MalformedInput, match="1 to 64"):
        sign_note("text\n", [LOG] * 65)


def test_no_note_is_made_that_could_not_be_read() -> None:
    (line,) = sign_note(TEXT, [LOG]).signatures
    for text in ("", "no newline", "control\r\n", "half \ud800\n"):
        with pytest.raises(MalformedInput):
            Note(text=text, signatures=(line,))
    with pytest.raises(MalformedInput, match="at most"):
        render_note(Note(text="a" * NOTE_BYTES_MAX + "\n", signatures=(line,)))


names = st.text(
    st.characters(min_codepoint=33, exclude_categories=["Cs", "Zs", "Zl", "Zp"]),
    min_size=1,
    max_size=20,
).filter(lambda name: "+" not in name and not any(one.isspace() for one in name))
signatures = st.builds(
    SignatureLine,
    name=names,
    key_id=st.binary(min_size=4, max_size=4),
    signature=st.binary(min_size=1, max_size=80),
)
texts = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], include_characters="\n"))
notes = st.builds(
    Note,
    text=texts.map(lambda text: text + "\n"),
    signatures=st.lists(signatures, min_size=1, max_size=5).map(tuple),
)


@given(notes)
def test_what_is_rendered_is_parsed_again(note: Note) -> None:
    assert parse_note(render_note(note)) == note
    assert parse_signatures(render_signatures(note.signatures)) == note.signatures


@given(st.one_of(st.binary(max_size=200), st.text("\u2014 aA=\n+/", max_size=60).map(str.encode)))
@settings(max_examples=500)
def test_garbage_is_refused_or_rendered_again(data: bytes) -> None:
    try:
        note = parse_note(data)
    except MalformedInput:
        return
    assert render_note(note) == data


# Keys.


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.verifier.type.name)
def test_a_key_is_read_as_it_is_written(signer: Signer) -> None:
    assert parse_vkey(signer.verifier.vkey) == signer.verifier


def test_a_key_s_name_may_be_any_that_a_note_takes() -> None:
    for name in ("a", "\u00e9\u2014", "\x7f", "n" * 255):
        key = VerifierKey(name=name, type=SignatureType.ED25519, public=bytes(32))
        assert parse_vkey(key.vkey) == key


VKEY = EXAMPLE["vkey"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "name\\+id\\+key"),
        ("example.com/foo", "name\\+id\\+key"),
        ("example.com/foo+530d903a", "name\\+id\\+key"),
        (VKEY.replace("530d903a", "30d903a"), "name\\+id\\+key"),
        (VKEY.replace("530d903a", "530d903b"), "id 530d903a"),
        (VKEY.replace("530d903a", "530D903A"), "id 530d903a"),
        (VKEY.replace("foo", "fop"), "id "),
        (VKEY.replace("foo", "f o"), "no spaces"),
        (VKEY.replace("example.com/foo", ""), "no spaces"),
        (VKEY.replace("Aeky", "BEky"), "id "),
        (VKEY.replace("Aeky", "Auky"), "0x02"),
        (VKEY.replace("Aeky", "Beky"), "0x05"),
        (VKEY.replace("Aeky", "Bkky"), "1312 bytes"),
        (VKEY[:-4], "32 bytes"),
        (VKEY + "\n", "base64"),
        (VKEY[:-1], "base64"),
        ("example.com/foo+530d903a+", "base64"),
        (VKEY.replace("foo", "f" * 255), "at most 255 bytes"),
        (VKEY.replace("foo", "\ud800"), "control"),
    ],
)
def test_other_spellings_of_a_key_are_refused(text: str, match: str) -> None:
    with pytest.raises(MalformedInput, match=match):
        parse_vkey(text)


@given(st.text(max_size=80))
def test_garbage_is_no_key(text: str) -> None:
    with pytest.raises(MalformedInput):
        parse_vkey(text)


def test_the_types_sign_what_they_may() -> None:
    kinds: list[Any] = [LOG, LOG_ML_DSA, NORTH, EAST]
    assert [one.verifier.type for one in kinds] == [1, 6, 4, 6]
    with pytest.raises(MalformedInput, match="no plus"):
        log_signer("a+b", ed25519(1))
    with pytest.raises(MalformedInput, match="no spaces"):
        cosigner("a b", ml_dsa(1))

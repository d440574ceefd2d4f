"""Proof files: that an entry is in a log, verified from the file alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.note import render_note, sign_note
from detente.core.policy import Policy, PolicyLog, PolicyWitness
from detente.core.proof_file import (
    EXTRA_BYTES_MAX,
    PROOF_FILE_BYTES_MAX,
    ProofFile,
    parse_proof_file,
    render_proof_file,
    verify_proof_file,
)
from detente.errors import LogInconsistent, MalformedInput, NotAuthentic
from logs import LOG, NORTH, SOUTH, Tree

ENTRIES = [b"entry %d" % number for number in range(11)]
TREE = Tree(ENTRIES)
LOG_ALONE = Policy(logs=(PolicyLog(key=LOG.verifier),))
WITNESSED = Policy(
    logs=(PolicyLog(key=LOG.verifier),),
    witnesses=(PolicyWitness(name="N", key=NORTH.verifier),),
    quorum="N",
)
HASH = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ="


def proof_of(index: int, size: int, *, extra: bytes | None = None) -> ProofFile:
    note = sign_note(TREE.at(size).text, [LOG, NORTH], timestamp=1_795_000_000)
    return ProofFile(
        index=index,
        hashes=tuple(TREE.inclusion(index, size)),
        checkpoint=render_note(note),
        extra=extra,
    )


@given(st.integers(1, len(ENTRIES)), st.data())
@settings(max_examples=60)
def test_an_entry_is_proven_by_its_file_and_no_other_entry(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    extra = data.draw(st.none() | st.binary(min_size=1, max_size=40))
    proof = parse_proof_file(render_proof_file(proof_of(index, size, extra=extra)))
    assert proof == proof_of(index, size, extra=extra)
    for policy in (LOG_ALONE, WITNESSED):
        found = verify_proof_file(proof, ENTRIES[index], policy)
        assert found.checkpoint == TREE.at(size)
    for other in {*ENTRIES, b""} - {ENTRIES[index]}:
        with pytest.raises(LogInconsistent):
            verify_proof_file(proof, other, LOG_ALONE)


@given(st.data())
@settings(max_examples=300)
def test_no_altered_byte_leaves_a_proof(data: st.DataObject) -> None:
    """But in what is not signed: the extra data, and the cosignature where nobody asks for it."""
    whole = render_proof_file(proof_of(4, 11))
    position = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda one: one != whole[position]))
    broken = whole[:position] + bytes([value]) + whole[position + 1 :]
    with pytest.raises((MalformedInput, NotAuthentic, LogInconsistent)):
        verify_proof_file(parse_proof_file(broken), ENTRIES[4], WITNESSED)


def test_the_form_is_that_of_the_standard() -> None:
    head, _, checkpoint = render_proof_file(proof_of(0, 2, extra=b"hello")).partition(b"\n\n")
    lines = head.decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra aGVsbG8=", "index 0"]
    assert len(lines) == 4
    assert checkpoint.startswith(b"log.example.org/levant\n2\n")
    alone = render_proof_file(proof_of(0, 1))
    assert alone.startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\nlog.example.org")


def test_too_few_signatures_prove_nothing() -> None:
    asked = Policy(
        logs=WITNESSED.logs,
        witnesses=(PolicyWitness(name="S", key=SOUTH.verifier),),
        quorum="S",
    )
    with pytest.raises(NotAuthentic, match="make S"):
        verify_proof_file(proof_of(4, 11), ENTRIES[4], asked)


HEAD = "c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "a blank line"),
        (f"{HEAD}index 0\n{HASH}\n", "a blank line"),
        ("c2sp.org/tlog-proof@v2\nindex 0\n\nx", "tlog-proof@v1"),
        (f"\n{HEAD}index 0\n\nx", "tlog-proof@v1"),
        (f"{HEAD}\nindex 0\n\nx", "index line"),
        (f"{HEAD}{HASH}\n\nx", "index line"),
        (f"{HEAD}index 01\n\nx", "index"),
        (f"{HEAD}index -1\n\nx", "index"),
        (f"{HEAD}index  1\n\nx", "index"),
        (f"{HEAD}index 0\nextra aGVsbG8=\n\nx", "inclusion proof"),
        (f"{HEAD}extra aGVsbG8=\nextra aGVsbG8=\nindex 0\n\nx", "index line"),
        (f"{HEAD}extra aGVsbG8=\n\nx", "index line"),
        (f"{HEAD}extra \nindex 0\n\nx", "extra data"),
        (f"{HEAD}extra aGVsbG9=\nindex 0\n\nx", "extra data"),
        (f"{HEAD}index 0\nAAAA\n\nx", "32 bytes"),
        (f"{HEAD}index 0\n{HASH}\r\n\nx", "U\\+000D"),
        (f"{HEAD}index 0\n" + f"{HASH}\n" * 64 + "\nx", "at most 63 hashes"),
        ("x" * (PROOF_FILE_BYTES_MAX + 1), "at most"),
    ],
)
def test_what_is_no_proof_file_is_refused(text: str, match: str) -> None:
    with pytest.raises(MalformedInput, match=match):
        parse_proof_file(text.encode())


@pytest.mark.parametrize(
    "changed",
    [
        {"extra": b""},
        {"extra": b"x" * (EXTRA_BYTES_MAX + 1)},
        {"index": -1},
        {"hashes": (b"short",)},
        {"hashes": (b"h" * 32,) * 64},
        {"checkpoint": b"\xff"},
    ],
)
def test_what_no_file_could_say_is_not_rendered(changed: dict[str, object]) -> None:
    fields = {"index": 0, "hashes": (), "checkpoint": b"x"}
    with pytest.raises(MalformedInput):
        render_proof_file(ProofFile(**{**fields, **changed}))  # type: ignore[arg-type]  # on purpose


def test_as_much_extra_data_as_may_be() -> None:
    proof = proof_of(3, 11, extra=b"x" * EXTRA_BYTES_MAX)
    assert parse_proof_file(render_proof_file(proof)) == proof


@given(st.binary(max_size=200).map(lambda rest: HEAD.encode() + b"index 0\n" + rest))
@settings(max_examples=300)
def test_garbage_is_refused_or_rendered_again(data: bytes) -> None:
    try:
        found = parse_proof_file(data)
    except MalformedInput:
        return
    assert render_proof_file(found) == data

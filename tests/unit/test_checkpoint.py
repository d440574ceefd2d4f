"""Checkpoints: one spelling each, and the names of our logs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.core.checkpoint import Checkpoint, log_origin, parse_checkpoint
from detente.core.lines import SIZE_MAX, to_hashes, to_size
from detente.errors import MalformedInput

ROOT = "XC4YsQJk8wyWyN58DS/Ph0xpRV8zr70yABjwRJrqUFg="
TEXT = f"log.example.org/levant\n70000\n{ROOT}\n"

lines = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs"], include_characters="\u0085\u2028"),
    min_size=1,
    max_size=40,
)
checkpoints = st.builds(
    Checkpoint,
    origin=lines,
    size=st.integers(0, SIZE_MAX),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(lines, max_size=3).map(tuple),
)


@given(checkpoints)
def test_what_is_written_is_read_again(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(checkpoint.text) == checkpoint


@given(st.one_of(st.text(max_size=120), st.text("a0\n=/+", max_size=80).map(TEXT.__add__)))
def test_what_is_read_is_written_again(text: str) -> None:
    try:
        found = parse_checkpoint(text)
    except MalformedInput:
        return
    assert found.text == text


def test_extension_lines_of_others_are_read() -> None:
    found = parse_checkpoint(f"{TEXT}one\ntwo words\n")
    assert found.extensions == ("one", "two words")
    assert found.size == 70_000


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "a line each"),
        (TEXT[:-1], "a line each"),
        ("origin\n1\n", "a line each"),
        (f"\n1\n{ROOT}\n", "not empty"),
        (f"{TEXT}\n", "not empty"),
        (f"{TEXT}one\n\ntwo\n", "not empty"),
        (f"a\tb\n1\n{ROOT}\n", "control"),
        (f"a\ud800\n1\n{ROOT}\n", "control"),
        (f"a\n01\n{ROOT}\n", "tree size"),
        (f"a\n-1\n{ROOT}\n", "tree size"),
        (f"a\n+1\n{ROOT}\n", "tree size"),
        (f"a\n\n{ROOT}\n", "tree size"),
        (f"a\n 1\n{ROOT}\n", "tree size"),
        (f"a\n1_0\n{ROOT}\n", "tree size"),
        (f"a\n\u0661\n{ROOT}\n", "tree size"),
        (f"a\n\u00b2\n{ROOT}\n", "tree size"),
        (f"a\n{SIZE_MAX + 1}\n{ROOT}\n", "tree size"),
        (f"a\n{'9' * 5000}\n{ROOT}\n", "tree size"),
        ("a\n1\nnot base64\n", "base64"),
        ("a\n1\nXC4Y\n", "32 bytes"),
        ("a\n1\n\n", "base64"),
        # The last digit holds two bits that say nothing; ours leaves them zero.
        (f"a\n1\n{ROOT[:-2]}h=\n", "canonical base64"),
        (f"a\n1\n{ROOT} \n", "canonical base64"),
        (f"a\n1\n{ROOT[:-1]}\n", "canonical base64"),
    ],
)
def test_any_other_spelling_is_refused(text: str, match: str) -> None:
    with pytest.raises(MalformedInput, match=match):
        parse_checkpoint(text)


@pytest.mark.parametrize("changed", [{"size": -1}, {"size": SIZE_MAX + 1}, {"root": b"short"}])
def test_no_checkpoint_is_made_that_could_not_be_read(changed: dict[str, int | bytes]) -> None:
    with pytest.raises(MalformedInput):
        Checkpoint(**{"origin": "a", "size": 1, "root": bytes(32), **changed})  # type: ignore[arg-type]  # on purpose


def test_a_number_ends_where_64_bits_do() -> None:
    assert to_size(str(SIZE_MAX), what="size") == SIZE_MAX
    assert to_size("0", what="size") == 0
    with pytest.raises(MalformedInput):
        to_size(str(SIZE_MAX + 1), what="size")


def test_a_proof_has_at_most_63_hashes() -> None:
    assert len(to_hashes([ROOT] * 63, what="proof")) == 63
    with pytest.raises(MalformedInput, match="at most 63 hashes, got 64"):
        to_hashes([ROOT] * 64, what="proof")


@pytest.mark.parametrize(
    ("prefix", "theatre", "origin"),
    [
        ("log.example.org", "levant", "log.example.org/levant"),
        ("node.example.org:8443", "un-1", "node.example.org:8443/un-1"),
        ("example.org/detente/logs", "levant", "example.org/detente/logs/levant"),
        ("a", "0", "a/0"),
    ],
)
def test_a_theatres_log_is_named_by_a_host_and_the_theatre(
    prefix: str, theatre: str, origin: str
) -> None:
    assert log_origin(prefix, theatre) == origin


@pytest.mark.parametrize(
    ("prefix", "theatre"),
    [
        ("https://log.example.org", "levant"),
        ("log.example.org/", "levant"),
        ("/log", "levant"),
        ("", "levant"),
        ("Log.example.org", "levant"),
        ("log example.org", "levant"),
        ("log+example.org", "levant"),
        ("log.example.org\n", "levant"),
        ("log.example.org", ""),
        ("log.example.org", "a/b"),
        ("log.example.org", "a+b"),
        ("log.example.org", "levant\n"),
        ("a" * 250, "levant"),
    ],
)
def test_other_names_of_logs_are_refused(prefix: str, theatre: str) -> None:
    with pytest.raises(MalformedInput):
        log_origin(prefix, theatre)

"""The files of a log: their names, and a log that another implementation wrote."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.core import tiles
from detente.core.checkpoint import Checkpoint, parse_checkpoint
from detente.core.lines import SIZE_MAX
from detente.core.log_files import (
    ENTRY_BYTES_MAX,
    LogFile,
    decode_bundle,
    encode_bundle,
    parse_path,
    width_at,
)
from detente.core.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from detente.core.note import parse_note, verify_note
from detente.core.note_key import parse_vkey
from detente.errors import MalformedInput

TESSERA = Path(__file__).parents[1] / "vectors/tessera/testdata/log"
TESSERA_KEY = parse_vkey(
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
)
SIZE = 15


def tessera_checkpoint(name: str) -> Checkpoint:
    note = parse_note((TESSERA / name).read_bytes())
    verify_note(note, [TESSERA_KEY])
    return parse_checkpoint(note.text)


def tessera_file(level: int | None, width: int) -> bytes:
    return (TESSERA / LogFile(level=level, index=0, width=width).path).read_bytes()


# A log that tessera wrote.


@pytest.mark.parametrize("size", range(SIZE + 1))
def test_the_log_of_tessera_is_ours_at_every_size(size: int) -> None:
    checkpoint = tessera_checkpoint(f"checkpoint.{size}")
    assert checkpoint.size == size
    if not size:
        assert checkpoint.root == EMPTY_ROOT
        return
    bundle, tile = tessera_file(None, size), tessera_file(0, size)
    entries = decode_bundle(bundle)
    assert encode_bundle(entries) == bundle
    hashes = [leaf_hash(entry) for entry in entries]
    assert b"".join(hashes) == tile
    # Grown one by one, our tile is theirs to the byte, and so is the root over it.
    kept: dict[tiles.Tile, bytes] = {}
    for number, one in enumerate(hashes):
        kept.update(tiles.grow(lambda *at: kept[at], number, [one]))
    assert kept == {(0, 0): tile}
    assert tiles.root(lambda *at: kept[at], size) == checkpoint.root


def test_the_log_of_tessera_only_ever_grew() -> None:
    whole = tessera_file(0, SIZE)
    at = [tessera_checkpoint(f"checkpoint.{size}") for size in range(SIZE + 1)]
    assert at[SIZE] == tessera_checkpoint("checkpoint")
    for size in range(1, SIZE + 1):
        for old in range(1, size + 1):
            growth = tiles.prove_consistency(lambda *_: whole, old, size)
            verify_consistency(old, size, growth, at[old].root, at[size].root)
        for index in range(size):
            proof = tiles.prove_inclusion(lambda *_: whole, index, size)
            leaf = whole[index * HASH_BYTES : (index + 1) * HASH_BYTES]
            verify_inclusion(leaf, index, size, proof, at[size].root)


def test_the_files_of_tessera_are_named_as_ours() -> None:
    found = [path.relative_to(TESSERA).as_posix() for path in TESSERA.rglob("tile/**/*")]
    files = [name for name in found if (TESSERA / name).is_file()]
    assert len(files) == 2 * SIZE
    assert {parse_path(name).path for name in files} == set(files)


# Names.


@pytest.mark.parametrize(
    ("path", "level", "index", "width"),
    [
        ("tile/0/000", 0, 0, 256),
        ("tile/0/999", 0, 999, 256),
        ("tile/1/x001/000", 1, 1000, 256),
        ("tile/0/x001/x234/067", 0, 1_234_067, 256),
        ("tile/0/x001/234.p/5", 0, 1234, 5),
        ("tile/63/000.p/255", 63, 0, 255),
        ("tile/entries/x123/456", None, 123_456, 256),
        ("tile/entries/000.p/1", None, 0, 1),
        (
            "tile/0/x036/x028/x797/x018/x963/967",
            0,
            SIZE_MAX >> 8,
            256,
        ),
    ],
)
def test_a_file_has_one_name(path: str, level: int | None, index: int, width: int) -> None:
    file = LogFile(level=level, index=index, width=width)
    assert file.path == path
    assert parse_path(path) == file


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/234",
        "tile/0/x001/x234",
        "tile/0/X001/234",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/Entries/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.P/1",
        "tile/0/000\n",
        "tile/0/\u0661\u0661\u0661",
        "tile/0/../000",
        "tile/0/x999/x999/x999/x999/x999/999",
        "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
    ],
)
def test_no_other_name_is_a_file(path: str) -> None:
    with pytest.raises(MalformedInput):
        parse_path(path)


@given(
    st.builds(
        LogFile,
        level=st.none() | st.integers(0, 63),
        index=st.one_of(st.integers(0, 2000), st.integers(0, SIZE_MAX >> 8)),
        width=st.integers(1, 256),
    )
)
def test_what_is_named_is_found_again(file: LogFile) -> None:
    assert parse_path(file.path) == file


@given(st.text("tile/0123456789xp.entrs", max_size=30).map(lambda rest: "tile/" + rest))
def test_a_path_is_refused_or_named_the_same(path: str) -> None:
    try:
        found = parse_path(path)
    except MalformedInput:
        return
    assert found.path == path


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, (SIZE_MAX >> 8) + 1, 1), (0, 0, 0), (None, 0, 257)],
)
def test_no_file_is_made_that_could_not_be_named(level: int | None, index: int, width: int) -> None:
    with pytest.raises(MalformedInput):
        LogFile(level=level, index=index, width=width)


def test_the_files_of_a_tree_of_70_000() -> None:
    """The example of the standard, and that of a tree of 256."""
    assert [width_at(70_000, 0, index) for index in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [width_at(70_000, None, index) for index in (272, 273, 274)] == [256, 112, 0]
    assert [width_at(70_000, 1, index) for index in (0, 1, 2)] == [256, 17, 0]
    assert [width_at(70_000, 2, index) for index in (0, 1)] == [1, 0]
    assert width_at(70_000, 3, 0) == 0
    assert [width_at(256, level, 0) for level in (0, 1, 2)] == [256, 1, 0]
    assert width_at(0, 0, 0) == 0


@given(st.integers(0, 70_000), st.integers(1, 300))
def test_the_widths_are_those_of_the_tiles_that_grow(size: int, more: int) -> None:
    edge = {at: b"h" * 32 * width_at(size, *at) for at in tiles.right_edge(size)}
    grown = tiles.grow(lambda *at: edge[at], size, [b"l" * 32] * more)
    for at, tile in grown.items():
        assert width_at(size + more, *at) * HASH_BYTES == len(tile)


# Bundles.


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_what_is_bundled_is_taken_apart_again(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


def test_a_length_is_16_bits_big_endian() -> None:
    assert encode_bundle([b"a" * 258, b""]) == b"\x01\x02" + b"a" * 258 + b"\0\0"
    longest = b"x" * ENTRY_BYTES_MAX
    assert decode_bundle(encode_bundle([longest])) == [longest]
    with pytest.raises(MalformedInput, match="at most 65535 bytes, got 65536"):
        encode_bundle([longest + b"x"])


def test_a_bundle_holds_1_to_256_entries() -> None:
    assert len(decode_bundle(encode_bundle([b""] * 256))) == 256
    for count in (0, 257):
        with pytest.raises(MalformedInput, match="1 to 256 entries"):
            encode_bundle([b""] * count)
    for data in (b"", b"\0\0" * 257, b"\0\0" * 100_000):
        with pytest.raises(MalformedInput, match="1 to 256 entries"):
            decode_bundle(data)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.data())
def test_a_bundle_that_ends_early_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    whole = encode_bundle(entries)
    ends = {len(encode_bundle(entries[:count])) for count in range(1, len(entries))}
    cut = data.draw(st.integers(0, len(whole) - 1).filter(lambda at: at not in ends))
    with pytest.raises(MalformedInput):
        decode_bundle(whole[:cut])

"""What a log sends to a mirror, what the mirror takes, keeps and answers (R-09)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from detente.core.checkpoint import parse_checkpoint
from detente.core.log_files import LogFile
from detente.core.merkle import EMPTY_ROOT, leaf_hash, subtree_ranges, verify_subtree
from detente.core.mirror import (
    INFO_TYPE,
    Info,
    Status,
    Upload,
    info_answer,
    parse_packages,
    parse_upload,
    read_info,
    render_upload,
    verify_package,
)
from detente.core.note import parse_note, sign_note, verify_note
from detente.core.note_key import Signer
from detente.core.policy import Policy, PolicyLog
from detente.core.tiles import grow, prove_subtree, root
from detente.core.witness import Answer, render_request, request_for
from detente.errors import DetenteError, LogInconsistent, MalformedInput, NotFound
from detente.node.log import files_of
from detente.node.mirror import Mirror, origin_hash
from detente.store import Place, Store
from detente.store.mirror import PENDING_MAX
from logs import LOG, NORTH, ORIGIN, OTHER_LOG, SOUTH, Tree, packages, upload
from outsider import file_of

TREE = Tree([b"entry %d" % number for number in range(700)])
FORK = Tree([*TREE.entries[:300], *(b"other %d" % number for number in range(400))])
NAME = origin_hash(ORIGIN)


def hash_of(entries: Sequence[bytes]) -> bytes:
    tiles = grow(lambda *_: b"", 0, [leaf_hash(one) for one in entries])
    return root(lambda *at: tiles[at], len(entries))


SUBTREES = st.integers(1, 700).flatmap(
    lambda size: st.integers(0, 9).flatmap(
        lambda height: st.integers(0, (size - 1) >> height).flatmap(
            lambda index: st.tuples(
                st.just(index << height),
                st.integers((index << height) + 1, min(size, (index + 1) << height)),
                st.just(size),
            )
        )
    )
)


@given(SUBTREES, st.data())
def test_a_subtree_is_proven_and_no_other(span: tuple[int, int, int], data: st.DataObject) -> None:
    start, end, size = span
    proof = prove_subtree(TREE.read, start, end, size)
    subtree, whole = hash_of(TREE.entries[start:end]), TREE.at(size).root
    verify_subtree(start, end, size, proof, subtree, whole)
    if start == 0:
        assert proof == TREE.growth(end, size)
    wrong = [proof[:-1]] if proof else []
    for broken in (*wrong, [*proof, EMPTY_ROOT]):
        with pytest.raises(LogInconsistent):
            verify_subtree(start, end, size, broken, subtree, whole)
    with pytest.raises(LogInconsistent):
        verify_subtree(start, end, size, proof, EMPTY_ROOT, whole)
    with pytest.raises(LogInconsistent):
        verify_subtree(start, end, size, proof, subtree, EMPTY_ROOT)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        altered = [*proof[:at], leaf_hash(proof[at]), *proof[at + 1 :]]
        with pytest.raises(LogInconsistent):
            verify_subtree(start, end, size, altered, subtree, whole)


@pytest.mark.parametrize("span", [(0, 0, 5), (1, 3, 5), (4, 6, 5), (3, 2, 5), (-4, 0, 5)])
def test_what_is_no_subtree_is_refused(span: tuple[int, int, int]) -> None:
    with pytest.raises(MalformedInput):
        subtree_ranges(*span)


def body(start: int, end: int, *, tree: Tree = TREE, count: int = 99) -> bytes:
    return upload(tree, start, end, count)


@given(st.integers(0, 700), st.integers(0, 700), st.integers(0, 4), st.binary(max_size=9))
def test_an_upload_is_read_as_it_was_written(
    one: int, other: int, count: int, ticket: bytes
) -> None:
    start, end = sorted((one, other))
    said = Upload(origin=ORIGIN, start=start, end=end, ticket=ticket)
    sent = packages(TREE, start, end)[:count]
    data = render_upload(said, sent)
    found, at = parse_upload(data)
    assert found == said
    assert parse_packages(data, at, found) == sent
    for package in sent:
        before = list(map(leaf_hash, TREE.entries[package.first : package.start]))
        verify_package(package, before, TREE.at(end))
    if sent:
        assert parse_packages(data[:-1], at, found) == sent[:-1], "what came whole counts"


@given(st.binary(max_size=200))
def test_garbage_is_refused_as_malformed(data: bytes) -> None:
    try:
        said, at = parse_upload(data)
        parse_packages(data, at, said)
    except MalformedInput:
        pass


def test_what_no_upload_says_is_refused() -> None:
    with pytest.raises(MalformedInput, match="from 0"):
        parse_upload(render_upload(Upload(origin=ORIGIN, start=5, end=4), []))
    with pytest.raises(MalformedInput, match="at most 65535"):
        render_upload(Upload(origin=ORIGIN, start=0, end=1, ticket=bytes(65_536)), [])
    data = body(0, 5)
    said, at = parse_upload(data)
    with pytest.raises(MalformedInput, match="no more than its packages"):
        parse_packages(data + b"x", at, said)
    [package] = packages(TREE, 0, 5)
    long = render_upload(said, [replace(package, proof=(EMPTY_ROOT,) * 64)])
    with pytest.raises(MalformedInput, match="at most 63"):
        parse_packages(long, at, said)


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.binary(max_size=40))
def test_info_is_read_as_it_was_written(size: int, following: int, ticket: bytes) -> None:
    info = Info(size=size, next=following, ticket=ticket)
    assert read_info(info_answer(Status.MORE, info)) == info


@pytest.mark.parametrize(
    ("kind", "data"),
    [(INFO_TYPE, b"1\n2\n"), (INFO_TYPE, b"1\n2\n\n\n"), ("text/plain", b"1\n2\n\n"),
     (INFO_TYPE, b"x\n2\n\n"), (INFO_TYPE, b"1\n2\n!\n")],
)  # fmt: skip
def test_other_info_is_refused(kind: str, data: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_info(Answer(status=409, content_type=kind, body=data))


@pytest.fixture
def mirror(place: Place) -> Mirror:
    return mirror_at(Store(place))


def mirror_at(store: Store, *signers: Signer) -> Mirror:
    policy = Policy(logs=(PolicyLog(key=LOG.verifier), PolicyLog(key=OTHER_LOG.verifier)))
    return Mirror(store, signers or (NORTH,), policy, lambda: datetime.now(UTC))


def announced(mirror: Mirror, old: int, size: int, tree: Tree = TREE) -> Answer:
    """Tell the mirror a checkpoint."""
    note = sign_note(tree.at(size).text, [LOG, SOUTH])
    request = request_for(note, old_size=old, proof=tree.growth(old, size))
    return mirror.add_checkpoint(render_request(request))


def sent(mirror: Mirror, start: int, end: int, **how: object) -> Answer:
    return mirror.add_entries(body(start, end, **how))  # type: ignore[arg-type] # tree, count


def assert_serves(mirror: Mirror, size: int) -> None:
    """The copy is this log at this size, cosigned, and whole."""
    note = parse_note(mirror.checkpoint(NAME))
    assert parse_checkpoint(note.text) == TREE.at(size)
    signed = verify_note(note, [LOG.verifier, NORTH.verifier])
    assert [one.key for one in signed] == [LOG.verifier, NORTH.verifier]
    assert len(note.signatures) == 2, "of the log and of the mirror, and of nobody else"
    for since in (0, size // 2):
        for file in files_of(size, since=since):
            assert mirror.file(NAME, file) == file_of(TREE, file)


def test_a_copy_grows_as_it_is_sent(mirror: Mirror) -> None:
    told = announced(mirror, 0, 300)
    assert (told.status, told.body) == (200, b"")
    with pytest.raises(NotFound):
        mirror.checkpoint(NAME)
    answer = sent(mirror, 0, 300, count=1)
    assert (answer.status, read_info(answer)) == (Status.MORE, Info(size=300, next=256))
    with pytest.raises(NotFound):
        mirror.checkpoint(NAME)
    assert sent(mirror, 256, 300).status == Status.MIRRORED
    assert_serves(mirror, 300)
    for old, size in ((300, 301), (301, 512), (512, 513), (513, 700)):
        assert announced(mirror, old, size).status == 200
        assert_serves(mirror, old)
        assert sent(mirror, old, size).status == Status.MIRRORED
        assert_serves(mirror, size)
    assert sent(mirror, 700, 700).status == Status.MIRRORED, "again, and newer"
    with pytest.raises(NotFound):
        mirror.file(NAME, LogFile(level=0, index=2, width=189))


def test_where_an_upload_begins_or_leads_to_is_told(mirror: Mirror) -> None:
    answer = sent(mirror, 0, 0)
    assert (answer.status, read_info(answer)) == (Status.CONFLICT, Info(size=0, next=0))
    announced(mirror, 0, 100)
    announced(mirror, 100, 300)
    assert read_info(sent(mirror, 0, 0)) == Info(size=300, next=0)
    assert read_info(sent(mirror, 50, 100)) == Info(size=100, next=0), "not from the beginning"
    assert read_info(sent(mirror, 0, 200)) == Info(size=300, next=0), "no such checkpoint"
    assert sent(mirror, 0, 300).status == Status.MIRRORED
    answer = sent(mirror, 0, 100)
    assert (answer.status, read_info(answer)) == (Status.CONFLICT, Info(size=300, next=300))
    assert_serves(mirror, 300)
    for size in range(301, 301 + PENDING_MAX + 1):
        announced(mirror, size - 1, size)
    assert sent(mirror, 300, 301).status == Status.CONFLICT, "the oldest is forgotten"
    assert sent(mirror, 300, 302).status == Status.MIRRORED


def test_an_upload_that_overlaps_adds_what_is_new(mirror: Mirror) -> None:
    announced(mirror, 0, 270)
    assert sent(mirror, 0, 270).status == Status.MIRRORED
    announced(mirror, 270, 600)
    assert sent(mirror, 10, 600).status == Status.MIRRORED
    assert sent(mirror, 0, 600, count=1).status == Status.MORE
    assert_serves(mirror, 600)


def test_another_past_is_refused(mirror: Mirror) -> None:
    announced(mirror, 0, 400)
    assert announced(mirror, 0, 400).status == 409
    assert announced(mirror, 400, 400, FORK).status in {409, 422}
    assert announced(mirror, 400, 500, FORK).status == 422
    assert sent(mirror, 0, 400, tree=FORK).status == Status.NOT_CONSISTENT
    assert read_info(sent(mirror, 0, 0)).next == 0, "nothing of it was kept"
    assert sent(mirror, 0, 400).status == Status.MIRRORED
    assert announced(mirror, 300, 300).status == 409
    assert_serves(mirror, 400)


def test_what_is_no_request_is_refused(mirror: Mirror) -> None:
    announced(mirror, 0, 300)
    assert mirror.add_checkpoint(b"x").status == 400
    assert mirror.add_entries(b"x").status == 400
    assert mirror.add_entries(body(0, 300)[:500]).status == 400, "no whole package"
    assert mirror.add_entries(body(0, 300) + b"x").status == 400
    stranger = sign_note(TREE.at(301).text, [OTHER_LOG])
    request = request_for(stranger, old_size=300, proof=TREE.growth(300, 301))
    assert mirror.add_checkpoint(render_request(request)).status == 403
    unknown = render_upload(Upload(origin="elsewhere.example/x", start=0, end=0), [])
    assert mirror.add_entries(unknown).status == 404
    cut = mirror.add_entries(body(0, 300)[:-1])
    assert (cut.status, read_info(cut).next) == (Status.MORE, 256), "what came whole is kept"
    with pytest.raises(NotFound):
        mirror.checkpoint("0" * 64)
    with pytest.raises(DetenteError):
        mirror.checkpoint(origin_hash(OTHER_LOG.verifier.name))


def test_one_that_is_overtaken_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(place)
    slow, fast = mirror_at(store), mirror_at(Store(place))
    announced(fast, 0, 100)
    announced(fast, 100, 200)
    appending = store.appending

    def overtaken() -> object:
        monkeypatch.undo()
        assert sent(fast, 0, 200).status == Status.MIRRORED
        return appending()

    monkeypatch.setattr(store, "appending", overtaken)
    answer = sent(slow, 0, 100)
    assert (answer.status, read_info(answer)) == (Status.CONFLICT, Info(size=200, next=200))
    assert_serves(fast, 200)


def test_a_mirror_remembers(register: Path) -> None:
    announced(mirror_at(Store(register)), 0, 300)
    assert sent(mirror_at(Store(register)), 0, 300, count=1).status == Status.MORE
    again = mirror_at(Store(register))
    assert read_info(sent(again, 300, 300)) == Info(size=300, next=256)
    assert sent(again, 256, 300).status == Status.MIRRORED
    assert_serves(mirror_at(Store(register)), 300)

"""Where logs are read from: folders, and servers that may be hostile."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.log_files import LogFile
from detente.core.merkle import leaf_hash
from detente.errors import MalformedInput, NotFound, Unavailable
from detente.node import log_source, outside_bundles
from detente.node.follow import parse_public_keys
from detente.node.log_source import Folder, Server, open_source, read_bundle, read_tile
from detente.node.outside_bundles import examined
from outsider import entries, looked_at, publish, rules

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """A server that answers so, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Whoever asked may have heard enough.
            with suppress(BrokenPipeError, ConnectionResetError):
                answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/log/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65_536)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


def silent(_: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def test_a_server_is_read() -> None:
    with answering(says(200, b"as it is")) as url:
        source = Server(url)
        assert source.read("checkpoint", 8) == b"as it is"
        with pytest.raises(MalformedInput, match="at most 7 bytes"):
            source.read("checkpoint", 7)
        source.close()


@pytest.mark.parametrize(
    ("answer", "limit", "error", "match"),
    [
        (endless, "", MalformedInput, "at most 1000000 bytes"),
        (dripping, "ANSWER_MAX_S", Unavailable, "all of it within"),
        (silent, "SILENCE_MAX_S", Unavailable, "ReadTimeout"),
        (says(404), "", NotFound, "tile/0/000"),
        (says(301, Location="http://127.0.0.1/elsewhere"), "", Unavailable, "status 301"),
        (says(403), "", Unavailable, "status 403"),
        (says(503), "", Unavailable, "status 503"),
    ],
)
def test_nothing_is_read_without_end(
    answer: Answer, limit: str, error: type[Exception], match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANSWER_MAX_S", "SILENCE_MAX_S"):
        # A busy machine must not meet the other.
        monkeypatch.setattr(log_source, name, 0.3 if name == limit else 30.0)
    monkeypatch.setattr(log_source, "PAUSE_S", 0.01)
    with answering(answer) as url:
        source = Server(url)
        began = time.monotonic()
        with pytest.raises(error, match=match):
            source.read("tile/0/000", 1_000_000)
        assert time.monotonic() - began < 25
        source.close()


def test_what_is_packed_is_not_unpacked() -> None:
    with answering(says(200, b"\x1f\x8b packed", **{"Content-Encoding": "gzip"})) as url:
        source = Server(url)
        assert source.read("tile/0/000", 100) == b"\x1f\x8b packed"
        source.close()


def test_a_busy_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_source, "PAUSE_S", 0.01)
    asked: list[str] = []

    def busy(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        says(200 if len(asked) == 3 else 429, b"at last")(handler)

    with answering(busy) as url:
        source = Server(url)
        assert source.read("checkpoint", 100) == b"at last"
        source.close()
    assert asked == ["/log/checkpoint"] * 3


def test_where_a_log_can_be(tmp_path: Path) -> None:
    assert isinstance(open_source(str(tmp_path)), Folder)
    for where in ("ftp://example.org", str(tmp_path / "nowhere")):
        with pytest.raises(MalformedInput, match="or a folder"):
            open_source(where)
    folder = Folder(tmp_path)
    (tmp_path / "tile").write_bytes(bytes(100))
    for path in ("nothing", "tile/0/000", "."):
        with pytest.raises(NotFound):
            folder.read(path, 100)
    with pytest.raises(MalformedInput, match="at most 99"):
        folder.read("tile", 99)


def test_a_partial_file_that_was_dropped_is_read_from_the_full_one(tmp_path: Path) -> None:
    said = entries(256)
    publish(said, tmp_path)
    folder = Folder(tmp_path)
    tile = read_tile(folder, LogFile(level=0, index=0, width=5))
    assert tile == b"".join(leaf_hash(one) for one in said[:5])
    assert read_bundle(folder, LogFile(level=None, index=0, width=5))
    with pytest.raises(NotFound):
        read_tile(folder, LogFile(level=0, index=1, width=5))
    (tmp_path / "tile/0/000").write_bytes(bytes(100))
    with pytest.raises(MalformedInput, match="8192 bytes"):
        read_tile(folder, LogFile(level=0, index=0))


def test_processes_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(entries(1_000), tmp_path)
    files = [LogFile(level=None, index=index) for index in range(3)]
    source = Folder(tmp_path)
    alone = list(examined(str(tmp_path), source, files, 3, {}))
    monkeypatch.setattr(outside_bundles, "ALONE_MAX", 0)
    assert list(examined(str(tmp_path), source, files, 3, {})) == alone
    assert [len(one.entries) for one in alone] == [256] * 3


def test_public_keys_stand_one_in_a_line() -> None:
    assert parse_public_keys("\n# none\n") == {}
    [(_, key)] = parse_public_keys(f"{'ab' * 32}  # of one\n").items()
    assert key == b"\xab" * 32
    for text in ("ab", "x" * 64):
        with pytest.raises(MalformedInput, match="line 1"):
            parse_public_keys(text)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    publish(entries(300), folder / "log")
    return folder


@given(number=st.integers(0, 5), position=st.integers(0), bits=st.integers(1, 255))
@settings(max_examples=300)
def test_whatever_single_byte_of_a_log_is_altered_is_found(
    served: Path, number: int, position: int, bits: int
) -> None:
    """In whichever of its files; the first time, and when it is read in full again."""
    log, state = served / "log", served / "state.json"
    if not state.exists():
        assert looked_at(log, state).consistent
    files = sorted(path for path in log.rglob("*") if path.is_file())
    assert len(files) == 6
    whole = files[number].read_bytes()
    altered = bytearray(whole)
    altered[position % len(whole)] ^= bits
    files[number].write_bytes(altered)
    try:
        assert not looked_at(log, served / "none.json").consistent
        assert not looked_at(log, state, full=True).consistent
        assert not (served / "none.json").exists()
    finally:
        files[number].write_bytes(whole)


def test_what_grows_is_found_from_what_is_remembered(tmp_path: Path) -> None:
    """A log that grew by every step, over full tiles and none, is always the same log."""
    said, state = entries(1_100), tmp_path / "state.json"
    for size in (3, 4, 255, 256, 257, 511, 512, 1_024, 1_100):
        log = tmp_path / f"{size}"
        publish(said[:size], log)
        found = looked_at(log, state)
        assert (found.problems, found.size) == ([], size)
        full = looked_at(log, state, full=True)
        assert (full.problems, full.read) == ([], size)
    assert found.before == 1_024
    assert found.read == 76


def test_a_tile_of_the_past_that_is_damaged_is_no_fork(tmp_path: Path) -> None:
    said, state = entries(700), tmp_path / "state.json"
    publish(said[:300], tmp_path / "log")
    assert looked_at(tmp_path / "log", state).consistent
    publish(said, tmp_path / "log")
    tile = tmp_path / "log/tile/1/000.p/2"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    found = looked_at(tmp_path / "log", state)
    assert set(rules(found)) == {("tile", "tile/1/000.p/2")}, found.problems
    publish(said, tmp_path / "log")
    bundle = tmp_path / "log/tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b"payloadType", b"payloadtype", 1))
    found = looked_at(tmp_path / "log", state, full=True)
    told = {rule for rule, _ in rules(found)}
    assert {"entry", "tile", "root"} <= told
    assert "fork" not in told


def test_two_checkpoints_of_one_size_are_a_fork_whatever_else_is_served(tmp_path: Path) -> None:
    said, state = entries(20), tmp_path / "state.json"
    publish(said, tmp_path / "log")
    assert looked_at(tmp_path / "log", state).consistent
    publish([*said[:-1], said[5]], tmp_path / "log")
    shutil.rmtree(tmp_path / "log/tile")
    assert rules(looked_at(tmp_path / "log", state)) == [("fork", "checkpoint")]

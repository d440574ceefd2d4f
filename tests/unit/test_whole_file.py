"""Files that are written whole: what a killed writer leaves, and several at once."""

import multiprocessing
import os
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from detente.node import whole_file
from detente.node.whole_file import keep_new, keep_whole, write_whole


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def killed_at_sync(path: Path, linked: bool) -> None:
    """Write a file, and die before it is moved to its place, or just after it is linked there."""
    real = os.link

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def link_and_die(*given: object, **__: object) -> None:
        real(*given)  # type: ignore[arg-type] # as it was called
        die()

    if linked:
        os.link = link_and_die
        keep_new(path, b"secret")
    else:
        os.fsync = die
        write_whole(path, b"half")


def run_killed(path: Path, *, linked: bool) -> None:
    process = multiprocessing.get_context("fork").Process(
        target=killed_at_sync, args=(path, linked)
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL


def test_what_a_killed_writer_left_is_gone_after_the_next(tmp_path: Path) -> None:
    path = tmp_path / "file"
    keep_whole(path, b"before")
    for _ in range(3):
        run_killed(path, linked=False)
        assert names(tmp_path) == [".file.part", "file"], "one at most is left"
        assert path.read_bytes() == b"before"
    keep_whole(path, b"after", mode=0o640)
    assert names(tmp_path) == ["file"]
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"after", 0o640)


def test_what_is_left_of_a_key_is_not_written_on(tmp_path: Path) -> None:
    """It was killed between the link and the end: both names are one file."""
    path = tmp_path / "key"
    run_killed(path, linked=True)
    assert (tmp_path / ".key.part").samefile(path)
    with pytest.raises(FileExistsError):
        keep_new(path, b"another")
    assert path.read_bytes() == b"secret"
    assert names(tmp_path) == ["key"]
    keep_whole(path, b"third")
    assert (path.read_bytes(), names(tmp_path)) == (b"third", ["key"])


def writes(path: Path, byte: int, times: int) -> None:
    for _ in range(times):
        write_whole(path, bytes([byte]) * 100_000)


def test_several_write_one_file_and_it_is_always_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"0" * 100_000)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=writes, args=(path, one, 60)) for one in b"abcd"]
    for one in processes:
        one.start()
    while any(one.is_alive() for one in processes):
        data = path.read_bytes()
        assert len(data) == 100_000
        assert len(set(data)) == 1
    assert [one.exitcode for one in processes] == [0] * 4
    assert names(tmp_path) == ["file"]


def test_of_several_keys_one_is_kept(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for number in range(10):
        path = tmp_path / f"{number}"
        processes = [context.Process(target=kept, args=(path, one)) for one in b"abc"]
        for one in processes:
            one.start()
        for one in processes:
            one.join(30)
        codes = sorted(one.exitcode or 0 for one in processes)
        assert codes == [0, 7, 7]
    assert names(tmp_path) == sorted(map(str, range(10)))


def kept(path: Path, byte: int) -> None:
    try:
        keep_new(path, bytes([byte]))
    except FileExistsError:
        os._exit(7)


def test_one_waits_for_another_that_lives(tmp_path: Path) -> None:
    path = tmp_path / "file"
    context = multiprocessing.get_context("fork")
    begin = context.Event()
    # Made first: a lock goes to whoever is forked while it is held.
    process = context.Process(target=writes_then, args=(path, begin))
    process.start()
    with whole_file._beside(path) as (beside, _):
        begin.set()
        time.sleep(0.3)
        assert process.is_alive()
        assert beside.exists()
        assert not path.exists()
    process.join(30)
    assert process.exitcode == 0
    assert path.read_bytes() == b"\x01" * 100_000


def writes_then(path: Path, begin: Event) -> None:
    assert begin.wait(30)
    writes(path, 1, 1)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "file", b"x")
    assert names(tmp_path) == ["file"]
    write_whole(tmp_path / ("n" * 250), b"x")
    assert names(tmp_path) == ["file", "n" * 250]

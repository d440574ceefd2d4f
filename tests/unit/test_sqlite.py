"""What is SQLite's own: whoever writes waits for its turn."""

import fcntl
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from conftest import begin
from detente.node.keyring import Keyring
from detente.store import Store, sqlite
from detente.store.sqlite import queue_of

ROUNDS = 20
TIMEOUT_S = 30


def test_those_who_write_take_turns(tmp_path: Path, keyring: Keyring) -> None:
    """Whoever has just written does not write again before one who waits."""
    place = tmp_path / "test.db"
    begin(place, keyring)
    queue_of(place).touch()
    order: list[str] = []
    ours, theirs = Store(place), Store(place)
    beginning = threading.Barrier(2, timeout=TIMEOUT_S)

    def write() -> None:
        for _ in range(ROUNDS):
            beginning.wait()
            with theirs.appending():
                order.append("who waited")

    other = threading.Thread(target=write)
    other.start()
    for _ in range(ROUNDS):
        with ours.appending():
            beginning.wait()
            until_someone_waits(place)
        with ours.appending():
            order.append("who had just written")
    other.join()
    assert order == ["who waited", "who had just written"] * ROUNDS
    ours.close()
    theirs.close()


def test_whoever_opens_waits_for_one_that_writes_without_a_log(
    tmp_path: Path, keyring: Keyring
) -> None:
    """A register that was copied by other tools may have a rollback journal; SQLite does not
    wait by itself where two make a write-ahead log of it."""
    place = tmp_path / "test.db"
    begin(place, keyring)
    with closing(sqlite3.connect(place, isolation_level=None, check_same_thread=False)) as other:
        assert other.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
        other.execute("BEGIN IMMEDIATE")
        ends = threading.Timer(0.3, lambda: other.execute("COMMIT"))
        ends.start()
        store = Store(place)
        ends.join()
    assert store.size() > 0
    store.close()


def test_one_that_hangs_in_the_queue_keeps_nobody_for_ever(
    tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped there, say: what it holds only orders."""
    place = tmp_path / "test.db"
    begin(place, keyring)
    queue_of(place).touch()
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 200)
    store = Store(place)
    with queue_of(place).open() as hanging:
        fcntl.flock(hanging, fcntl.LOCK_EX)
        began = time.monotonic()
        with store.appending() as record:
            assert record.head()[0] == "test"
        assert time.monotonic() - began >= 0.2
    store.close()


def until_someone_waits(place: Path) -> None:
    """Until somebody is first in the queue."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        with queue_of(place).open() as queue:
            try:
                fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
        time.sleep(0.001)
    raise AssertionError("nobody waits")

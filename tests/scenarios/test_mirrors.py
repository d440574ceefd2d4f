"""Mirrors; test_mirrors.md tells it."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from msgspec import Struct
from test_witnesses import notice, until

from cli import detente
from conftest import begin
from detente.core.mirror import Info, Status, Upload, read_info, render_upload
from detente.core.note_key import VerifierKey, parse_vkey
from detente.core.policy import Policy, PolicyLog, PolicyWitness, render_policy, verify_checkpoint
from detente.core.witness import Answer
from detente.errors import DetenteError
from detente.node.keyring import Keyring
from detente.node.log import files_of
from detente.node.mirror import origin_hash
from detente.store import Place
from http_node import Node, node_at
from published import say, url_of
from second import verified
from served import Served, serving

NAME = "mirror.example.org"


class Copy(Struct, frozen=True):
    """Where a log is mirrored, and the keys of the mirror."""

    served: Served
    keys: tuple[VerifierKey, ...]
    log: VerifierKey

    @property
    def url(self) -> str:
        """Of the mirror."""
        return f"http://127.0.0.1:{self.served.port}/mirror"

    @property
    def at(self) -> str:
        """Of the copy."""
        return f"{self.url}/{origin_hash(self.log.name)}"

    @property
    def policy(self) -> Policy:
        """Where the log is sent, and what is believed: the log and one key of the mirror."""
        known = tuple(
            PolicyWitness(name=f"m{number}", key=key, url=self.url)
            for number, key in enumerate(self.keys)
        )
        return Policy(logs=(PolicyLog(key=self.log),), witnesses=known, quorum="m0")

    def size(self) -> int:
        """Of the copy; 0 where there is none that one would believe."""
        try:
            found = httpx.get(f"{self.at}/checkpoint").content
            return verify_checkpoint(found, self.policy).checkpoint.size
        except DetenteError:
            return 0


def key_at(place: Place, folder: Path) -> VerifierKey:
    return parse_vkey(detente("log", "key", "--store", url_of(place), cwd=folder).out.strip())


@contextmanager
def mirror_of(folder: Path, key: VerifierKey) -> Iterator[Copy]:
    """Another theatre's node that mirrors this log."""
    folder.mkdir(exist_ok=True)
    if not (folder / "m.db").exists():
        begin(folder / "m.db", Keyring(folder / "m.db"))
    (folder / "logs.txt").write_text(f"log {key.vkey}\nquorum none\n")
    ran = detente("log", "mirror-key", NAME, "--store", "m.db", cwd=folder)
    with serving(folder, "--database", "m.db", mirror_name=NAME, mirror_logs="logs.txt") as served:
        yield Copy(served, tuple(map(parse_vkey, ran.out.split())), key)


@contextmanager
def sending(place: Place, keyring: Keyring, folder: Path, policy: Policy) -> Iterator[Node]:
    """The theatre's node, which sends its log there."""
    file = folder / "mirrors.txt"
    file.write_bytes(render_policy(policy))
    with node_at(place, keyring, folder, f"mirror_policy={file}") as node:
        yield node


def fetched(copy: Copy, folder: Path) -> Path:
    """The files of a copy, as anyone fetches them."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("checkpoint", *(one.path for one in files_of(copy.size()))):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(httpx.get(f"{copy.at}/{name}").raise_for_status().content)
    return folder


def test_copy(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """A log is copied as it grows, and the copy is a log that Go verifies."""
    say(place, keyring, 0, 700)
    key = key_at(place, tmp_path)
    with mirror_of(tmp_path / "m", key) as copy:
        assert httpx.get(f"{copy.at}/checkpoint").status_code == 404
        with sending(place, keyring, tmp_path, copy.policy) as node:
            until(lambda: copy.size() == 703, 20)
            one = node.party("one")
            for number in range(3):
                size = one.post("/v1/notices", notice(number)).json["size"]
                until(lambda: copy.size() >= size, 10)  # noqa: B023
            figures = httpx.get(f"{node.url}/metrics").text
            assert "detente_mirrored_entries 706.0" in figures
        folder = fetched(copy, tmp_path / "fetched")
        assert verified(key.vkey, folder).said == "706 entries verified\n"
        found = verify_checkpoint((folder / "checkpoint").read_bytes(), copy.policy)
        assert set(found.cosignatures) == {"m0", "m1"}
        ran = detente("audit", copy.at, "--key", key.vkey, "--state", "a.json", cwd=tmp_path)
        assert ran.status == 0, ran.out


def test_damaged(register: Path, tmp_path: Path) -> None:
    """What a disk lost is fetched from the copy."""
    keyring, key = Keyring(register), key_at(register, tmp_path)
    say(register, keyring, 0, 300)
    with mirror_of(tmp_path / "m", key) as copy:
        with sending(register, keyring, tmp_path, copy.policy):
            until(lambda: copy.size() == 303, 20)
        with closing(sqlite3.connect(register)) as connection, connection:
            connection.execute("UPDATE entry SET envelope = x'00' WHERE sequence IN (7, 290)")
        ran = detente("log", "repair", "--from", copy.at, "--store", register, cwd=tmp_path)
        assert (ran.status, ran.out.count("put back from the mirror")) == (0, 2), ran.err
    assert detente("log", "verify", "--store", register, cwd=tmp_path).status == 0


def test_another_past(register: Path, tmp_path: Path) -> None:
    """A log with another past finds no mirror, and the copy stays."""
    keyring, key = Keyring(register), key_at(register, tmp_path)
    shutil.copy(register, tmp_path / "earlier.db")
    say(register, keyring, 0, 20)
    with mirror_of(tmp_path / "m", key) as copy:
        with sending(register, keyring, tmp_path, copy.policy):
            until(lambda: copy.size() == 23, 20)
        for beside in tmp_path.glob("test.db-*"):
            beside.unlink()
        shutil.copy(tmp_path / "earlier.db", register)
        for number, more in ((0, 5), (100, 40)):
            # Shorter than what is there; then longer, and another.
            say(register, keyring, 200 + number, more)
            with sending(register, keyring, tmp_path, copy.policy) as node:
                node.served.wait_for("mirror does not follow", seconds=15)
                [told, *_] = node.served.events("mirror does not follow")
                assert told["level"] == "error", told
                assert "detente_witness_alarms_total 1.0" in httpx.get(f"{node.url}/metrics").text
        assert copy.size() == 23
        assert verified(key.vkey, fetched(copy, tmp_path / "fetched")).holds


def test_killed(register: Path, tmp_path: Path) -> None:
    """What a mirror cosigned outlives its death, entries and all."""
    keyring, key = Keyring(register), key_at(register, tmp_path)
    for number in range(2):
        say(register, keyring, 1_000 * number, 150)
        with mirror_of(tmp_path / "m", key) as copy:
            before = copy.size()
            assert before == (3 + 150 * number if number else 0)
            with sending(register, keyring, tmp_path, copy.policy):
                until(lambda: copy.size() > before, 20)  # noqa: B023
                size = copy.size()
                for process in (copy.served.process.pid, *copy.served.workers()):
                    os.kill(process, signal.SIGKILL)
                copy.served.process.wait()
    with mirror_of(tmp_path / "m", key) as copy:
        assert copy.size() == size == 303
        assert verified(key.vkey, fetched(copy, tmp_path / "fetched")).holds


@pytest.fixture
def copy(register: Path, tmp_path: Path) -> Iterator[Copy]:
    with mirror_of(tmp_path / "m", key_at(register, tmp_path)) as copy:
        yield copy


def test_answers(copy: Copy, tmp_path: Path) -> None:
    """A mirror answers as tlog-mirror says, and a node that is none says so."""
    nothing = render_upload(Upload(origin=copy.log.name, start=0, end=0), [])
    told = httpx.post(f"{copy.url}/add-entries", content=nothing)
    answer = Answer(
        status=told.status_code, content_type=told.headers["content-type"], body=told.content
    )
    assert (answer.status, read_info(answer)) == (Status.CONFLICT, Info(size=0, next=0))
    assert told.headers["accept-encoding"] == "gzip"
    for body, encoding, status in (
        (b"rubbish", "", 400), (b"rubbish", "gzip", 400), (nothing, "br", 400),
        (nothing.replace(b"/test", b"/none"), "", 404),
    ):  # fmt: skip
        headers = {"content-encoding": encoding} if encoding else {}
        told = httpx.post(f"{copy.url}/add-entries", content=body, headers=headers)
        assert told.status_code == status, body
    assert httpx.post(f"{copy.url}/add-checkpoint", content=b"rubbish").status_code == 400
    for path in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1", "tile/0/0"):
        assert httpx.get(f"{copy.at}/{path}").status_code == 404, path
    with serving(tmp_path / "m", "--database", "m.db") as plain:
        url = f"http://127.0.0.1:{plain.port}/mirror"
        assert httpx.post(f"{url}/add-entries", content=nothing).status_code == 404
        assert httpx.get(f"{url}/{'0' * 64}/checkpoint").status_code == 404

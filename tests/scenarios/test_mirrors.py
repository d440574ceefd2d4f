"""Mirrors; test_mirrors.md tells it."""

import gzip
import http.server
import itertools
import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace
from test_witnesses import (
    Theatre,
    asking,
    figures,
    notice,
    size_witnessed,
    until,
    url_of_witness,
    witness_of,
)

from cli import detente
from conftest import begin
from detente.core.checkpoint import Checkpoint
from detente.core.mirror import Info, Status, Upload, parse_upload, read_info, render_upload
from detente.core.note import render_signatures, sign
from detente.core.note_key import Signer, VerifierKey, cosigner, parse_vkey
from detente.core.policy import (
    Policy,
    PolicyGroup,
    PolicyLog,
    PolicyWitness,
    render_policy,
    verify_checkpoint,
)
from detente.core.proof_file import parse_proof_file
from detente.core.witness import Answer
from detente.errors import DetenteError
from detente.node.keyring import Keyring
from detente.node.log import files_of
from detente.node.mirror import origin_hash
from detente.store import Place
from http_node import Node, node_at
from logs import ed25519
from published import say, url_of
from second import verified
from served import Served, serving

NAME = "mirror.example.org"
GROWS, GROWS_S = 40, 30


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
def mirror_of(folder: Path, key: VerifierKey, port: int = 0) -> Iterator[Copy]:
    """Another theatre's node that mirrors this log."""
    folder.mkdir(exist_ok=True)
    if not (folder / "m.db").exists():
        begin(folder / "m.db", Keyring(folder / "m.db"))
    (folder / "logs.txt").write_text(f"log {key.vkey}\nquorum none\n")
    ran = detente("log", "mirror-key", NAME, "--store", "m.db", cwd=folder)
    at = ("--database", "m.db", "--port", port)
    with serving(folder, *at, mirror_name=NAME, mirror_logs="logs.txt") as served:
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
            until(lambda: copy.size() == 703)
            one = node.party("one")
            for number in range(3):
                size = one.post("/v1/notices", notice(number)).json["size"]
                until(lambda: copy.size() >= size)  # noqa: B023
            # The mirror may show the copy before the node has read its answer.
            until(lambda: "detente_mirrored_entries 706.0" in figures(node))
        folder = fetched(copy, tmp_path / "fetched")
        assert verified(key.vkey, folder).said == "706 entries verified\n"
        found = verify_checkpoint((folder / "checkpoint").read_bytes(), copy.policy)
        assert set(found.cosignatures) == {"m0", "m1"}
        ran = detente("audit", copy.at, "--key", key.vkey, "--state", "a.json", cwd=tmp_path)
        assert ran.status == 0, ran.out


def test_served(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """What a mirror cosigned stands under the checkpoint that is served."""
    key = key_at(place, tmp_path)
    with mirror_of(tmp_path / "m", key) as copy:
        both = with_quorum(copy.policy, "all", "m0", "m1")
        with sending(place, keyring, tmp_path, both) as node:
            until(lambda: size_witnessed(node, both) == 3)
            leaf = node.party("one").post("/v1/notices", notice(0)).json["leaf"]
            until(lambda: size_witnessed(node, both) == 4)
            proof = parse_proof_file(httpx.get(f"{node.url}/log/test/proof/{leaf}").content)
            found = verify_checkpoint(proof.checkpoint, both)
            assert (set(found.cosignatures), found.checkpoint.size) == ({"m0", "m1"}, 4)
            until(lambda: "detente_witnessed_entries 4.0" in figures(node))


def with_quorum(policy: Policy, threshold: str, *members: str) -> Policy:
    number = len(members) if threshold == "all" else int(threshold)
    group = PolicyGroup(name="enough", threshold=number, members=members)
    return replace(policy, groups=(group,), quorum="enough")


def test_both(register: Path, tmp_path: Path) -> None:
    """A policy that wants a witness and a mirror has no checkpoint with less."""
    folder, keyring = tmp_path / "asks", Keyring(register)
    folder.mkdir()
    key = key_at(register, tmp_path)
    with (
        mirror_of(tmp_path / "m", key) as copy,
        witness_of(tmp_path / "w", key) as (served, keys),
    ):
        witness = PolicyWitness(name="w0", key=keys[0], url=url_of_witness(served))
        [mirror, _] = copy.policy.witnesses
        known = replace(copy.policy, witnesses=(witness, mirror))
        policy = with_quorum(known, "all", "w0", "m0")
        (folder / "mirrors.txt").write_bytes(render_policy(copy.policy))
        mirrors = f"mirror_policy={folder / 'mirrors.txt'}"
        theatre = Theatre(register, keyring, folder)
        with asking(theatre, policy, mirrors) as node:
            until(lambda: size_witnessed(node, policy) == 3)
            one = node.party("one")
            # More comes than either cosigns: they still cosign the same checkpoints.
            size = growing(node, policy, more_than=2, every_s=0.1)
            until(lambda: size_witnessed(node, policy) == size)
        copy.served.process.terminate()
        copy.served.process.wait()
        with asking(theatre, policy, mirrors) as node:
            one = node.party("one")
            more = one.post("/v1/notices", notice(9_999)).json["size"]
            node.served.wait_for("mirror does not follow")
            assert size_witnessed(node, policy) == size, "the witness alone is not enough"
            assert size_witnessed(node, known) == size, "nor is it served as if it were"
            with mirror_of(tmp_path / "m", key, copy.served.port):
                until(lambda: size_witnessed(node, policy) == more)


def growing(node: Node, policy: Policy, *, more_than: int, every_s: float) -> int:
    """Grow, at least 40 times, until more sizes than so many were cosigned; the last size."""
    one, seen = node.party("one"), set[int]()
    ends = time.monotonic() + GROWS_S
    for number in itertools.count(1):
        size: int = one.post("/v1/notices", notice(number)).json["size"]
        seen.add(size_witnessed(node, policy))
        if number >= GROWS and len(seen) > more_than:
            return size
        assert number < GROWS or time.monotonic() < ends, seen
        time.sleep(every_s)
    raise AssertionError


def test_out_of_step(register: Path, tmp_path: Path) -> None:
    """Two of whom both are wanted, and who answer in turns, still cosign the same."""
    folder, keyring = tmp_path / "asks", Keyring(register)
    folder.mkdir()
    key = key_at(register, tmp_path)
    with (
        mirror_of(tmp_path / "m", key) as copy,
        witness_of(tmp_path / "w", key) as (served, keys),
        # By half a second, which is as often as a node asks, the witness is behind the mirror.
        slow(copy.url, "/add-entries", first_s=0.7) as mirror_url,
        slow(url_of_witness(served), "/add-checkpoint", first_s=1.2) as witness_url,
    ):
        [known, _] = copy.policy.witnesses
        mirror = replace(known, url=mirror_url)
        witness = PolicyWitness(name="w0", key=keys[0], url=witness_url)
        policy = with_quorum(replace(copy.policy, witnesses=(witness, mirror)), "all", "w0", "m0")
        (folder / "mirrors.txt").write_bytes(
            render_policy(replace(copy.policy, witnesses=(mirror,)))
        )
        theatre = Theatre(register, keyring, folder)
        with asking(theatre, policy, f"mirror_policy={folder / 'mirrors.txt'}") as node:
            growing(node, policy, more_than=4, every_s=0.15)


class Slow(http.server.BaseHTTPRequestHandler):
    """Passes on what it is sent, some of it late."""

    protocol_version = "HTTP/1.1"
    target = ""
    late = ""
    first_s: list[float]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == self.late:
            time.sleep(self.first_s.pop() if self.first_s else 0.7)
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() in {"content-type", "content-encoding"}
        }
        answer = httpx.post(f"{self.target}{self.path}", content=body, headers=headers)
        self.send_response(answer.status_code)
        self.send_header("content-type", answer.headers.get("content-type", ""))
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@contextmanager
def slow(target: str, late: str, *, first_s: float) -> Iterator[str]:
    """Another address for this one, at which each answer takes 0.7 s, and the first so long."""
    found = {"target": target, "late": late, "first_s": [first_s]}
    with running(type("Handler", (Slow,), found)) as url:
        yield url


@contextmanager
def running(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address at which it answers."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        # All threads and sockets are gone when the block ends.
        server.daemon_threads = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_false_mirror(register: Path, tmp_path: Path) -> None:
    """A mirror that cosigns something else, or with another's name, adds nothing."""
    key, false = key_at(register, tmp_path), cosigner("false.example/m", ed25519(31))
    with running(type("Handler", (FalseMirror,), {"signer": false})) as url:
        known = PolicyWitness(name="m0", key=false.verifier, url=url)
        policy = Policy(logs=(PolicyLog(key=key),), witnesses=(known,), quorum="none")
        with sending(register, Keyring(register), tmp_path, policy) as node:
            node.served.wait_for("mirror does not follow", 2)
            note = httpx.get(f"{node.url}/log/test/checkpoint").content
            assert verify_checkpoint(note, policy).cosignatures == {}
            assert false.verifier.name.encode() not in note


class FalseMirror(http.server.BaseHTTPRequestHandler):
    """Takes everything, and cosigns a checkpoint that it was not shown."""

    signer: Signer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        text = ""
        if self.path.endswith("/add-entries"):
            origin = parse_upload(gzip.decompress(body))[0].origin
            other = Checkpoint(origin=origin, size=3, root=b"r" * 32).text
            text = render_signatures([sign(self.signer, other, timestamp=1)])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


def test_damaged(register: Path, tmp_path: Path) -> None:
    """What a disk lost is fetched from the copy."""
    keyring, key = Keyring(register), key_at(register, tmp_path)
    say(register, keyring, 0, 300)
    with mirror_of(tmp_path / "m", key) as copy:
        with sending(register, keyring, tmp_path, copy.policy):
            until(lambda: copy.size() == 303)
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
            until(lambda: copy.size() == 23)
        for beside in tmp_path.glob("test.db-*"):
            beside.unlink()
        shutil.copy(tmp_path / "earlier.db", register)
        for number, more in ((0, 5), (100, 40)):
            # Shorter than what is there; then longer, and another.
            say(register, keyring, 200 + number, more)
            with sending(register, keyring, tmp_path, copy.policy) as node:
                node.served.wait_for("mirror does not follow")
                [told, *_] = node.served.events("mirror does not follow")
                assert told["level"] == "error", told
                until(lambda: "detente_witness_alarms_total 1.0" in figures(node))
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
                until(lambda: copy.size() > before)  # noqa: B023
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

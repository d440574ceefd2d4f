"""Witnesses; test_witnesses.md tells it."""

import http.server
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from cli import detente
from conftest import begin
from detente.core.note import (
    parse_note,
    parse_signatures,
    render_signatures,
    sign,
    sign_note,
    verify_signatures,
)
from detente.core.note_key import VerifierKey, cosigner, log_signer, parse_vkey
from detente.core.policy import (
    Policy,
    PolicyGroup,
    PolicyLog,
    PolicyWitness,
    render_policy,
    verify_checkpoint,
)
from detente.core.proof_file import parse_proof_file
from detente.core.tiles import prove_consistency
from detente.core.witness import Request, parse_request, render_request, request_for
from detente.errors import DetenteError
from detente.node.keyring import Keyring
from detente.node.log import LOG, PublicLog
from detente.store import Place, Store
from http_node import Node, node_at
from logs import ed25519
from published import exported, say, url_of
from second import verified
from served import Served, serving

NAME = "witness.example.org"
TIMELY_S = 2.0
WAIT_S = 30


class Theatre(Struct, frozen=True):
    """A register whose log is to be cosigned."""

    place: Place
    keyring: Keyring
    folder: Path

    @property
    def key(self) -> VerifierKey:
        """Of its log."""
        text = detente("log", "key", "--store", url_of(self.place), cwd=self.folder).out
        return parse_vkey(text.strip())


@pytest.fixture
def theatre(place: Place, keyring: Keyring, tmp_path: Path) -> Theatre:
    folder = tmp_path / "asks"
    folder.mkdir()
    return Theatre(place, keyring, folder)


@contextmanager
def witness_of(
    folder: Path, *keys: VerifierKey
) -> Iterator[tuple[Served, tuple[VerifierKey, ...]]]:
    """Another theatre's node that cosigns these logs, and its keys."""
    folder.mkdir(exist_ok=True)
    if not (folder / "w.db").exists():
        begin(folder / "w.db", Keyring(folder / "w.db"))
    lines = [f"log {key.vkey}\n" for key in keys]
    (folder / "logs.txt").write_text("".join([*lines, "quorum none\n"]))
    ran = detente("log", "witness-key", NAME, "--store", "w.db", cwd=folder)
    found = tuple(map(parse_vkey, ran.out.split()))
    with serving(
        folder, "--database", "w.db", witness_name=NAME, witness_logs="logs.txt"
    ) as served:
        yield served, found


def policy_of(key: VerifierKey, *witnesses: tuple[str, VerifierKey], quorum: int) -> Policy:
    """So many of these must have cosigned."""
    known = tuple(
        PolicyWitness(name=f"w{number}", key=one, url=url)
        for number, (url, one) in enumerate(witnesses)
    )
    group = PolicyGroup(name="enough", threshold=quorum, members=tuple(one.name for one in known))
    return Policy(logs=(PolicyLog(key=key),), witnesses=known, groups=(group,), quorum="enough")


@contextmanager
def asking(theatre: Theatre, policy: Policy, *settings: str) -> Iterator[Node]:
    """The theatre's node, which asks these witnesses."""
    file = theatre.folder / "policy.txt"
    file.write_bytes(render_policy(policy))
    asked = (f"witness_policy={file}", *settings)
    with node_at(theatre.place, theatre.keyring, theatre.folder, *asked) as node:
        yield node


def until(holds: Callable[[], bool], seconds: float = WAIT_S) -> float:
    """How long it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


def url_of_witness(served: Served) -> str:
    return f"http://127.0.0.1:{served.port}/witness"


def figures(node: Node) -> str:
    """What a node counts of itself."""
    return httpx.get(f"{node.url}/metrics").text


def size_witnessed(node: Node, policy: Policy) -> int:
    """Of the checkpoint that anyone reads; 0 where the policy does not believe it."""
    note = httpx.get(f"{node.url}/log/test/checkpoint").content
    try:
        return verify_checkpoint(note, policy).checkpoint.size
    except DetenteError:
        return 0


def test_cosigned(theatre: Theatre, tmp_path: Path) -> None:
    """A checkpoint is cosigned within two seconds, with two kinds of keys."""
    key = theatre.key
    with witness_of(tmp_path / "w", key) as (served, keys):
        url = url_of_witness(served)
        policy = policy_of(key, *((url, one) for one in keys), quorum=2)
        with asking(theatre, policy) as node:
            until(lambda: size_witnessed(node, policy) == 3)
            one = node.party("one")
            took = []
            for number in range(3):
                receipt = one.post("/v1/notices", notice(number)).json
                took.append(
                    until(lambda: size_witnessed(node, policy) >= receipt["size"])  # noqa: B023
                )
            assert min(took) < TIMELY_S, took
            proof = parse_proof_file(one.get(f"/log/test/proof/{receipt['leaf']}").body)
            found = verify_checkpoint(proof.checkpoint, policy)
            assert set(found.cosignatures) == {"w0", "w1"}
            assert abs(found.cosignatures["w0"].timestamp - time.time()) < 60  # type: ignore[operator]
    exported(theatre.place, theatre.keyring, tmp_path)
    assert verified(key.vkey, tmp_path / "log").holds
    assert verify_checkpoint((tmp_path / "log" / "checkpoint").read_bytes(), policy)


def notice(number: int) -> dict[str, object]:
    return {
        "source_id": f"n{number}", "name": "A place", "category": "medical",
        "volumes": [{"footprint": [{"type": "circle", "centre": [100 + number, 200],
                                    "radius_mm": 50_000}]}],
    }  # fmt: skip


def test_another_past(register: Path, tmp_path: Path) -> None:
    """A log with another past finds no witness."""
    folder = tmp_path / "asks"
    folder.mkdir()
    theatre = Theatre(register, Keyring(register), folder)
    key = theatre.key
    shutil.copy(register, tmp_path / "earlier.db")
    say(register, theatre.keyring, 0, 20)
    with witness_of(tmp_path / "w", key) as (served, keys):
        policy = policy_of(key, (url_of_witness(served), keys[0]), quorum=1)
        with asking(theatre, policy) as node:
            until(lambda: size_witnessed(node, policy) == 23)
        for beside in tmp_path.glob("test.db-*"):
            beside.unlink()
        shutil.copy(tmp_path / "earlier.db", register)
        for number, more in ((0, 5), (100, 40)):
            # Shorter than what was cosigned; then longer, and another.
            say(register, theatre.keyring, 200 + number, more)
            with asking(theatre, policy) as node:
                node.served.wait_for("witness does not cosign")
                [told, *_] = node.served.events("witness does not cosign")
                assert told["level"] == "error", told
                assert size_witnessed(node, policy) == 0
                until(lambda: "detente_witness_alarms_total 1.0" in figures(node))


def test_killed(register: Path, tmp_path: Path) -> None:
    """What a witness cosigned outlives its death."""
    log = log_of(register)
    seen = 0
    for more in (7, 30, 5):
        with witness_of(tmp_path / "w", log.key) as (served, keys):
            asked = growth(register, log, seen)
            if seen:
                wrong = ask(served, growth(register, log, 0))
                assert (wrong.status_code, wrong.text) == (409, f"{seen}\n")
            answer = ask(served, asked)
            for worker in served.workers():
                os.kill(worker, signal.SIGKILL)
            served.process.kill()
            served.process.wait()
        lines = parse_signatures(answer.text)
        assert len(verify_signatures(asked.note.text, lines, keys)) == 2
        seen = asked.checkpoint.size
        say(register, Keyring(register), 1_000 * seen, more)


def log_of(register: Path) -> PublicLog:
    """The log of a register, for who holds its key."""
    keyring = Keyring(register)
    text = detente("log", "key", "--store", register, cwd=register.parent).out.strip()
    return PublicLog(log_signer(parse_vkey(text).name, keyring.load(LOG)))


def growth(register: Path, log: PublicLog, old_size: int) -> Request:
    """The request of an honest log."""
    with Store(register).reading() as record:
        size = record.head()[1]
        proof = prove_consistency(record.tile, old_size, size) if 0 < old_size < size else []
        return request_for(parse_note(log.head(record)), old_size=old_size, proof=proof)


def ask(served: Served, request: Request | bytes) -> httpx.Response:
    """Have a checkpoint cosigned, or not."""
    body = request if isinstance(request, bytes) else render_request(request)
    return httpx.post(f"{url_of_witness(served)}/add-checkpoint", content=body)


def test_answers(register: Path, tmp_path: Path) -> None:
    """A witness answers as tlog-witness says."""
    log, elsewhere = log_of(register), cosigner("log.example.org/else", ed25519(9))
    with witness_of(tmp_path / "w", log.key) as (served, _):
        first = growth(register, log, 0)
        assert ask(served, b"rubbish").status_code == 400
        assert ask(served, b"x" * 1_000_000).status_code == 413
        stranger = log_signer(log.key.name, ed25519(9))
        forged = sign_note(first.note.text, [stranger])
        assert ask(served, request_for(forged, old_size=0, proof=())).status_code == 403
        text = first.note.text.replace(log.key.name, elsewhere.verifier.name)
        unknown = sign_note(text, [log_signer(elsewhere.verifier.name, ed25519(9))])
        assert ask(served, request_for(unknown, old_size=0, proof=())).status_code == 404
        with Store(tmp_path / "w" / "w.db").appending():
            # Whoever is refused waits for nobody, and has nobody wait.
            refused = ask(served, request_for(unknown, old_size=0, proof=()))
            assert refused.status_code == 404
        assert ask(served, first).status_code == 200
        say(register, Keyring(register), 0, 10)
        late = ask(served, growth(register, log, 0))
        assert (late.status_code, late.text) == (409, "3\n")
        assert late.headers["content-type"] == "text/x.tlog.size"
        honest = growth(register, log, 3)
        unproven = replace(honest, proof=(b"0" * 32,))
        assert ask(served, unproven).status_code == 422
        assert ask(served, honest).status_code == 200
        assert ask(served, growth(register, log, 13)).status_code == 200, "again, and newer"
    with serving(tmp_path / "w", "--database", "w.db") as plain:
        assert ask(plain, first).status_code == 404


OVER = threading.Event()
"""Until then a silent witness keeps its connections."""


class Liar(http.server.BaseHTTPRequestHandler):
    """A witness that is none: the path says how."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        how = self.path.split("/")[1]
        if how == "silent":
            OVER.wait(30)
            return
        status, kind, text = 200, "text/plain", "\u2014 rubbish\n"
        if how == "more":
            status, kind, text = 409, "text/x.tlog.size", "4711\n"
        if how == "other":
            note = parse_request(body).note
            text = render_signatures([sign(LIARS["other"], note.text + "more\n", timestamp=1)])
        self.send_response(status)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


LIARS = {how: cosigner(f"{how}.example", ed25519(20 + n)) for n, how in
         enumerate(("other", "rubbish", "more", "silent"))}  # fmt: skip


@contextmanager
def lying() -> Iterator[list[tuple[str, VerifierKey]]]:
    """Witnesses that are none, each at its address."""
    OVER.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    # All threads and sockets are gone when the block ends.
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        yield [(f"{url}/{how}", one.verifier) for how, one in LIARS.items()]
    finally:
        OVER.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_liars(register: Path, tmp_path: Path) -> None:
    """A witness that lies, or is away, counts for nothing."""
    folder = tmp_path / "asks"
    folder.mkdir()
    theatre = Theatre(register, Keyring(register), folder)
    with lying() as liars, witness_of(tmp_path / "w", theatre.key) as (served, keys):
        for quorum, size in ((2, 0), (1, 3)):
            honest = (url_of_witness(served), keys[0])
            policy = policy_of(theatre.key, honest, *liars, quorum=quorum)
            with asking(theatre, policy) as node:
                node.served.wait_for("witness does not cosign", 3)
                assert size_witnessed(node, policy) == size

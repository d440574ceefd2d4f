"""A node and an export killed between any two writes (R-04, R-09); test_kills.md tells it.

``KILL_ROUNDS=200 pytest tests/scenarios/test_kills.py`` kills more often.
"""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from cli import DETENTE
from crash import SEED, SIZE_MAX, TREE, at
from detente.core.checkpoint import Checkpoint, parse_checkpoint
from detente.core.note import parse_note, sign_note
from detente.core.tiles import root
from detente.core.witness import render_request, request_for
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.store import Store
from http_node import Node, node_at
from logs import LOG, ORIGIN
from published import exported, say
from second import verified

ROUNDS = int(os.environ.get("KILL_ROUNDS", "10"))
PATIENCE_S = 20.0


class Told:
    """What the node answered before it died, over all rounds."""

    def __init__(self) -> None:
        self.leaves: list[str] = []
        self.checkpoints: set[Checkpoint] = set()
        self.cosigned = 0
        self.notices = 0

    def wait_for(self, more: int) -> None:
        """Until so many more notices are answered: a busy machine answers fewer a second."""
        wanted, until = len(self.leaves) + more, time.monotonic() + PATIENCE_S
        while len(self.leaves) < wanted and time.monotonic() < until:
            time.sleep(0.001)


def ask_until_dead(node: Node, told: Told, over: threading.Event) -> None:
    """Give notice, read the checkpoint, have a log cosigned, as fast as one can."""
    one = node.party("one")
    try:
        while not over.is_set():
            told.notices += 1
            receipt = one.post("/v1/notices", notice(told.notices)).json
            told.leaves.append(receipt["leaf"])
            read = httpx.get(f"{node.url}/log/test/checkpoint")
            told.checkpoints.add(parse_checkpoint(parse_note(read.content).text))
            grown = min(SIZE_MAX, told.cosigned + 1)
            request = request_for(
                sign_note(at(grown).text, [LOG]),
                old_size=told.cosigned,
                proof=TREE.growth(told.cosigned, grown),
            )
            answer = httpx.post(
                f"{node.url}/witness/add-checkpoint", content=render_request(request)
            )
            if answer.status_code == 409:
                # The answer to the last one was lost, and what it said was not.
                assert int(answer.text) == told.cosigned + 1
            told.cosigned = grown
    except httpx.HTTPError:
        assert over.is_set()


def notice(number: int) -> dict[str, object]:
    return {
        "source_id": f"n{number}", "name": "A place", "category": "medical",
        "volumes": [{"footprint": [{"type": "circle", "centre": [number, number],
                                    "radius_mm": 50_000}]}],
    }  # fmt: skip


@contextmanager
def asked(node: Node, told: Told) -> Iterator[threading.Event]:
    over = threading.Event()
    thread = threading.Thread(target=ask_until_dead, args=(node, told, over))
    thread.start()
    try:
        yield over
    finally:
        over.set()
        thread.join()


def test_node(register: Path, tmp_path: Path) -> None:
    """A node that is killed at any moment keeps what it answered, and contradicts nothing."""
    keyring = Keyring(register)
    (tmp_path / "logs.txt").write_text(f"log {LOG.verifier.vkey}\nquorum none\n")
    settings = ("witness_name=witness.example.org", f"witness_logs={tmp_path / 'logs.txt'}")
    chance, told = random.Random(SEED), Told()
    for _ in range(ROUNDS):
        with (
            node_at(register, keyring, tmp_path, *settings) as node,
            asked(node, told) as over,
        ):
            told.wait_for(chance.randint(1, 4))
            time.sleep(chance.uniform(0, 0.1))
            over.set()
            # All at once: a worker that outlives the others is not started anew.
            for process in (node.served.process.pid, *node.served.workers()):
                os.kill(process, signal.SIGKILL)
            node.served.process.wait()
        assert_kept(register, told)
    assert len(told.leaves) > ROUNDS


def assert_kept(register: Path, told: Told) -> None:
    store = Store(register)
    with store.reading() as record:
        for leaf in told.leaves:
            assert record.sequence_of(bytes.fromhex(leaf)) is not None
        for one in told.checkpoints:
            assert root(record.tile, one.size) == one.root
        seen = record.seen(ORIGIN)
    assert told.cosigned <= seen.size <= told.cosigned + 1
    assert seen.root == at(seen.size).root
    assert audit(store).problems == []
    store.close()


def is_writing(folder: Path) -> bool:
    """Whether a file is there that has not its name yet."""
    try:
        return any(folder.rglob(".*"))
    except FileNotFoundError:
        return True  # A folder went while it was looked through.


def test_export(register: Path, tmp_path: Path) -> None:
    """An export that is killed at any moment leaves a log that Go verifies."""
    keyring, chance = Keyring(register), random.Random(SEED)
    key = exported(register, keyring, tmp_path)
    folder = tmp_path / "log"
    for number in range(ROUNDS):
        say(register, keyring, 100 * number, 60)
        before = parse_checkpoint(parse_note((folder / "checkpoint").read_bytes()).text)
        process = subprocess.Popen(
            [DETENTE, "log", "export", folder, "--store", register], stdout=subprocess.PIPE
        )
        # Most of the time is the start; the first file that it writes says that it is over.
        while process.poll() is None and not is_writing(folder):
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        process.communicate()
        after = parse_checkpoint(parse_note((folder / "checkpoint").read_bytes()).text)
        assert before.size <= after.size
        assert verified(key, folder).said == f"{after.size} entries verified\n"
    exported(register, keyring, tmp_path)
    assert verified(key, folder).said == f"{3 + 60 * ROUNDS} entries verified\n"

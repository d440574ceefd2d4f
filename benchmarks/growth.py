"""How costs grow: of a proof with the log, of a check with the notices. Draws docs/images.

How others grow is with what they measure: pairs.py, watch.py, tracks.py and record.py.

Source: docs/performance.md.
"""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from checks import CORES, Work, clustered_places, ours
from cost import processor_s
from nacl.signing import SigningKey
from plot import drawn, panels
from traffic import bandwidth, touched

from detente.core import tiles
from detente.core.checkpoint import Checkpoint
from detente.core.merkle import leaf_hash
from detente.core.note import render_note, sign_note
from detente.core.note_key import log_signer
from detente.core.policy import NO_QUORUM, Policy, PolicyLog
from detente.core.proof_file import (
    ProofFile,
    parse_proof_file,
    render_proof_file,
    verify_proof_file,
)

ENTRIES = (100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
NOTICES = (10_000, 100_000, 1_000_000, 10_000_000)
PROOFS = 200
ENTRY = b"entry"
KEY = log_signer("log.example.org/levant", SigningKey(bytes(32)))
ASKED = 20_000

T = TypeVar("T")


class Log:
    """A log whose entries are all alike, as its tiles."""

    def __init__(self) -> None:
        self.size = 0
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._head = b""

    def read(self, level: int, number: int) -> bytes:
        return self._tiles[level, number]

    def grow(self, size: int) -> None:
        """Append entries until there are so many."""
        while self.size < size:
            count = min(100_000, size - self.size)
            self._tiles |= tiles.grow(self.read, self.size, [leaf_hash(ENTRY)] * count)
            self.size += count
        root = tiles.root(self.read, size)
        text = Checkpoint(origin=KEY.verifier.name, size=size, root=root).text
        self._head = render_note(sign_note(text, [KEY]))

    def proof(self, place: int) -> bytes:
        """A proof file of the entry in this place."""
        hashes = tuple(tiles.prove_inclusion(self.read, place, self.size))
        return render_proof_file(ProofFile(index=place, hashes=hashes, checkpoint=self._head))


def proofs() -> dict[str, object]:
    """Size of a proof file and the time to make and to verify one, by entries in the log."""
    policy = Policy(logs=(PolicyLog(key=KEY.verifier),), quorum=NO_QUORUM)
    log, rows = Log(), []
    for size in ENTRIES:
        log.grow(size)
        places = np.random.default_rng(size).integers(0, size, PROOFS).tolist()
        files = [log.proof(place) for place in places]
        making = each(log.proof, places)
        checking = each(lambda one: verify_proof_file(parse_proof_file(one), ENTRY, policy), files)
        rows.append((size, statistics.median(map(len, files)), making * 1e6, checking * 1e6))
    titles = ("bytes", "made, µs", "verified, µs")
    drawn("proofs.png", panels("entries in the log", rows, titles))
    _, length, making_us, checking_us = rows[-2]
    return {
        "value": length,
        "unit": f"bytes at 1,000,000 entries; made in {making_us:.0f} µs, "
        f"verified in {checking_us:.0f} µs",
        "bar": "grows with the logarithm",
    }


def checks() -> dict[str, object]:
    """Processor time of a plan in bulk, what it touches, and how long a notice takes to lay out."""
    rows = []
    warm = Work(clustered_places(ASKED), ASKED)
    ours(warm.picture(), warm.plans())
    for count in NOTICES:
        work = Work(clustered_places(count), ASKED)
        began = time.process_time()
        picture = work.picture()
        laid = (time.process_time() - began) / count
        raw = work.plans()
        size, _, _, findings = touched(picture, raw)
        bulk = processor_s(lambda picture=picture, raw=raw: ours(picture, raw), 3) / ASKED
        rows.append((count, bulk * 1e6, findings, size / 1e3, laid * 1e6))
        del picture, work, raw
        gc.collect()
    titles = ("a plan, µs", "findings a plan", "a plan touches, kB", "laying out a notice, µs")
    drawn("checks.png", panels("notices", rows, titles))
    told = ", ".join(f"{row[0]:,}: {row[1]:.0f}" for row in rows)
    share = 100 * rows[-1][3] * 1e3 * CORES / (rows[-1][1] / 1e6) / bandwidth()
    return {
        "value": rows[-1][1],
        "unit": f"us of processor time a plan at {NOTICES[-1]:,} ({told}), {rows[-1][2]:.0f} "
        f"findings each; {rows[-1][3]:.0f} kB a plan are {share:.1f} % of what {CORES} cores copy",
        "bar": "none set",
    }


def each(work: Callable[[T], object], items: Sequence[T]) -> float:
    """Seconds an item, the median of five rounds."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        for one in items:
            work(one)
        times.append((time.perf_counter() - began) / len(items))
    return statistics.median(times)


FIGURES = {"record.proof": proofs, "check.growth": checks}

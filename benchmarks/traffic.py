"""What a check in bulk reads and writes, counted, beside what the memory of the machine gives.

Counted is what the kernel touches: the sieve of every candidate, the row of each that passes it,
a plan's own rows and vertices, and its findings, written and read once. What is in a cache
already counts as well, so that memory gives less than this.

Source: docs/performance.md.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from checks import CORES, Work, clustered, ours, rate

from detente.picture._jit import jit
from detente.picture.bands import (
    Bands,
    asking_rad,
    bands_of,
    own_rad,
    passed_over,
    room_for_runs,
)
from detente.picture.gather import Raw
from detente.picture.measure import candidates
from detente.picture.picture import Picture
from detente.picture.question import Question
from detente.picture.tables import HIT, LEAN, Index, Records

COPIED_BYTES = 512 * 1024 * 1024
"""For each core: sixteen times what its caches hold."""

SIEVE_BYTES = 20


@jit
def counted(rows: Records, index: Index, bands: Bands) -> tuple[int, int]:
    """Candidates, and those of which the row is read."""
    looked, read, runs = 0, 0, room_for_runs()
    for i in range(len(rows)):
        row = rows[i]
        around = candidates(index.keys, index.reach, bands, row, runs)
        own, asking = own_rad(row), asking_rad(row)
        for k in range(len(around)):
            for j in range(around[k, 0], around[k, 1]):
                looked += 1
                read += not passed_over(row, own, asking, index.sieve, j)
    return looked, read


def bandwidth() -> float:
    """Bytes a second that all cores read and write together, copying."""
    blocks = [np.ones(COPIED_BYTES // 8) for _ in range(CORES)]
    copies = [np.empty_like(one) for one in blocks]

    def copy(pair: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]) -> None:
        np.copyto(*pair)

    with ThreadPoolExecutor(CORES) as pool:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            list(pool.map(copy, zip(copies, blocks, strict=True)))
            times.append(time.perf_counter() - began)
    return 2 * COPIED_BYTES * CORES / min(times)


class Touched(NamedTuple):
    """Of a plan: bytes, notices sieved, rows read, findings."""

    size: float
    sieved: float
    rows: float
    found: float


def touched(picture: Picture, raw: Raw) -> Touched:
    """What a plan of some touches."""
    question = Question(raw, None)
    [(segment, _, _)] = picture.parts
    bands, looked, read, own = bands_of(segment.indexed.keys), 0, 0, 0
    for tables in question.tables():
        more = counted(tables.rows, segment.indexed, bands)
        looked, read = looked + more[0], read + more[1]
        own += sum(one.nbytes for one in tables)
    found = ours(picture, raw)
    total = looked * SIEVE_BYTES + read * LEAN.itemsize + own + 2 * found * HIT.itemsize
    plans = len(raw.owners)
    return Touched(total / plans, looked / plans, read / plans, found / plans)


def traffic() -> dict[str, object]:
    """Bytes a plan, and the share of the memory's bandwidth that as many plans a second take."""
    work: Work = clustered()
    picture, raw = work.picture(), work.plans()
    plans = len(work.rings)
    a_plan, looked, read, found = touched(picture, raw)
    speed = rate(lambda: ours(picture, raw), plans)
    most = bandwidth()
    return {
        "value": 100 * a_plan * speed / most,
        "unit": f"% of the {most / 1e9:.1f} GB/s that {CORES} cores copy: {a_plan / 1e3:.1f} kB a "
        f"plan ({looked:.0f} sieved, {read:.0f} rows, {found:.1f} "
        f"findings), {a_plan * speed / 1e9:.2f} GB/s at {speed:,.0f} plans a second",
        "bar": "none set",
    }


FIGURES = {"check.traffic": traffic}

"""A question: plans laid out once, and asked of each segment."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from detente.core.agreement import Agreement
from detente.core.geodesy import IntArray
from detente.core.plan import Plan
from detente.picture.gather import Gatherer, agreed
from detente.picture.measure import asked_briefly, asked_long
from detente.picture.outline import TooWide, outlines
from detente.picture.segment import Segment
from detente.picture.tables import BoolArray, Records

BRIEF_WORK = 1_000
"""Candidates and pairs of blocks: some 0.1 ms, less than giving the lock up may cost."""

THREADED_ROWS = 256
"""A question of fewer shapes, or to fewer, is answered before threads have started."""

_CHUNKS_A_CORE = 4
"""So that a core that got the easy plans does not wait for the one that got the hard ones."""

_UNLIMITED = np.iinfo(np.int64).max


class Question:
    """Plans, ready to be asked of any number of segments.

    Args:
        plans: Any number.
        agreement: Whose separations the plans ask of other plans.
        separation_mm: The least separation that the asker wants from all.

    Raises:
        MalformedInput: A shape too wide to be measured (named).
    """

    def __init__(
        self, plans: Sequence[Plan], agreement: Agreement | None, separation_mm: int
    ) -> None:
        gatherer = Gatherer()
        for plan in plans:
            gatherer.add(plan, least_mm=separation_mm)
        raw = gatherer.raw()
        try:
            self._tables = outlines(raw, agreed(raw.groups, agreement))
        except TooWide as error:
            raise error.of(f"shape of {plans[error.owner].source_id}") from None

    def ask(self, segment: Segment, alive: BoolArray) -> Records:
        """What the plans meet in a segment: HIT, in the order of the plans.

        Args:
            segment: Of a picture.
            alive: (o,) which of its owners stand.
        """
        n = len(self._tables.rows)
        if n < THREADED_ROWS:
            hits, done = asked_briefly(
                self._tables,
                0,
                n,
                segment.tables,
                segment.indexed,
                alive,
                segment.alone,
                BRIEF_WORK,
            )
            return hits if done else self.ask_long(segment, alive, (0, n))
        if len(segment.known) < THREADED_ROWS:
            return self.ask_long(segment, alive, (0, n))
        cores = os.cpu_count() or 1
        parts = _parts(self._tables.rows["owner"], cores * _CHUNKS_A_CORE)
        with ThreadPoolExecutor(cores) as pool:
            return np.concatenate(
                list(pool.map(lambda part: self.ask_long(segment, alive, part), parts))
            )

    def ask_long(self, segment: Segment, alive: BoolArray, rows: tuple[int, int]) -> Records:
        """The same of some rows, however long it takes, while other threads go on."""
        hits, _ = asked_long(
            self._tables, *rows, segment.tables, segment.indexed, alive, segment.alone, _UNLIMITED
        )
        return hits


def _parts(owner: IntArray, count: int) -> list[tuple[int, int]]:
    """Runs of rows of some size each, none of which cuts a plan in two."""
    wanted = np.linspace(0, len(owner), count + 1).astype(np.int64)[1:-1]
    edges = np.unique(np.searchsorted(owner, owner[wanted]))
    ends = [0, *edges[edges > 0].tolist(), len(owner)]
    return list(pairwise(ends))

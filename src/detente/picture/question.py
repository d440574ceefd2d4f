"""A question: plans laid out once, and asked of each segment."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from detente.core.agreement import Agreement
from detente.core.geodesy import IntArray
from detente.core.plan import Plan
from detente.picture.bands import UNKNOWN_BANDS, Bands, bands_of
from detente.picture.gather import Gatherer, Raw, agreed
from detente.picture.gone import Bits
from detente.picture.measure import asked_briefly, asked_long
from detente.picture.outline import TooWide, outlines, some_of
from detente.picture.segment import Segment
from detente.picture.tables import Records, Tables

BRIEF_WORK = 4_000
"""Candidates and pairs of blocks: some 0.2 ms, less than giving the lock up may cost."""

THREADED_ROWS = 256
"""A question of fewer shapes, or to fewer, is answered before threads have started."""

CHUNK_ROWS = 1_024
"""Rows that a thread lays out or asks at a time: what they meet stays in the cache until it is
read."""

_BAND_SHIFT = 20
"""Bands of 2^20 units of 1e-7 degree, 11 km: like those of the index, for what is a few km wide."""

_CELL_SHIFT = 16
"""Of longitude in a band, 0.7 km: what is nearer may come in any order."""

_UNLIMITED = np.iinfo(np.int64).max


class Question:
    """Plans, ready to be asked of any number of segments.

    Attributes:
        parts: The plans laid out; many in parts of some CHUNK_ROWS rows, none cut in two.

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
        try:
            self.parts = _laid_out(gatherer.raw(), agreement)
        except TooWide as error:
            raise error.of(f"shape of {plans[error.owner].source_id}") from None

    @classmethod
    def of(cls, raw: Raw, agreement: Agreement | None) -> "Question":
        """Of plans that are arrays already: a hundred thousand of them are no Python objects.

        Raises:
            TooWide: A shape too wide to be measured.
        """
        question = cls((), agreement, 0)
        question.parts = _laid_out(raw, agreement)
        return question

    def ask(self, segment: Segment, gone: Bits) -> Iterator[Records]:
        """What the plans meet in a segment: HIT, all of a plan together, in any order of plans.

        Args:
            segment: Of a picture.
            gone: Which of its owners are (detente.picture.gone).
        """
        [first, *others] = self.parts
        n = len(first.rows)
        if n < THREADED_ROWS and not others:
            hits, done = asked_briefly(
                first,
                0,
                n,
                segment.tables,
                segment.indexed,
                gone,
                segment.alone,
                BRIEF_WORK,
            )
            yield hits if done else ask_long(first, segment, gone)
        elif len(segment.entries) < THREADED_ROWS:
            for part in self.parts:
                yield ask_long(part, segment, gone)
        else:
            bands = bands_of(segment.indexed.keys)
            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
                yield from pool.map(lambda part: ask_long(part, segment, gone, bands), self.parts)


def ask_long(
    question: Tables, segment: Segment, gone: Bits, bands: Bands = UNKNOWN_BANDS
) -> Records:
    """What some plans meet, however long it takes, while other threads go on.

    Args:
        question: The plans.
        segment: As of ``Question.ask``.
        gone: As of ``Question.ask``.
        bands: What the segment's bands hold, where many ask.
    """
    tables, index, n = segment.tables, segment.indexed, len(question.rows)
    hits, _ = asked_long(question, 0, n, tables, index, bands, gone, segment.alone, _UNLIMITED)
    return hits


def _laid_out(raw: Raw, agreement: Agreement | None) -> list[Tables]:
    """Tables of plans. Many are laid out apart, by where they are, so that neighbours ask together.

    Raises:
        TooWide: A shape too wide to be measured.
    """
    asked = agreed(raw.groups, agreement)
    if len(raw.rows) < THREADED_ROWS:
        return [outlines(raw, asked)]
    begins = np.flatnonzero(np.diff(raw.rows["owner"], prepend=-1, append=-1))
    order = _by_place(raw, begins[:-1])
    rows = np.arange(CHUNK_ROWS, len(raw.rows), CHUNK_ROWS)
    edges = np.searchsorted(np.cumsum(np.diff(begins)[order]), rows)
    parts = [order[a:b] for a, b in pairwise(np.unique([0, *edges, len(order)]).tolist())]

    def laid_out(part: IntArray) -> Tables:
        rows, starts, positions = some_of(raw.rows, raw.starts, raw.positions, begins, part)
        return outlines(raw._replace(rows=rows, starts=starts, positions=positions), asked)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(laid_out, parts))


def _by_place(raw: Raw, rows: IntArray) -> IntArray:
    """Which of some rows comes first, and so on: from south to north in bands, each from the west.

    numpy sorts numbers of 16 bits without comparing them.
    """
    paths = np.append(0, raw.rows["path_end"])[rows]
    lon, lat = raw.positions[raw.starts[paths]].T
    west, south = (lon >> _CELL_SHIFT).astype(np.int16), (lat >> _BAND_SHIFT).astype(np.int16)
    order = np.argsort(west, kind="stable")
    return order[np.argsort(south[order], kind="stable")]

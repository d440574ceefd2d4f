"""A question: plans laid out once, and asked of each segment."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from detente.core.agreement import Agreement
from detente.core.geodesy import IntArray
from detente.core.plan import Plan
from detente.picture.bands import UNKNOWN_BANDS, Bands, bands_of, keys_of
from detente.picture.gather import Gatherer, Raw, agreed
from detente.picture.measure import asked_briefly, asked_long
from detente.picture.merge import in_order_of
from detente.picture.outline import TooWide, outlines
from detente.picture.segment import Segment
from detente.picture.tables import BoolArray, Records, Tables

BRIEF_WORK = 1_000
"""Candidates and pairs of blocks: some 0.1 ms, less than giving the lock up may cost."""

THREADED_ROWS = 256
"""A question of fewer shapes, or to fewer, is answered before threads have started."""

CHUNK_ROWS = 1_024
"""Rows that a thread asks at a time: what they meet stays in the cache until it is read."""

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
        try:
            self._tables = _laid_out(gatherer.raw(), agreement)
        except TooWide as error:
            raise error.of(f"shape of {plans[error.owner].source_id}") from None

    @classmethod
    def of(cls, raw: Raw, agreement: Agreement | None) -> "Question":
        """Of plans that are arrays already: a hundred thousand of them are no Python objects.

        Raises:
            TooWide: A shape too wide to be measured.
        """
        question = cls((), agreement, 0)
        question._tables = _laid_out(raw, agreement)
        return question

    def ask(self, segment: Segment, alive: BoolArray) -> Iterator[Records]:
        """What the plans meet in a segment: HIT, all of a plan together, in any order of plans.

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
            yield hits if done else self.ask_long(segment, alive, (0, n))
        elif len(segment.entries) < THREADED_ROWS:
            yield self.ask_long(segment, alive, (0, n))
        else:
            parts, bands = _parts(self._tables.rows["owner"]), bands_of(segment.indexed.keys)
            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
                yield from pool.map(lambda part: self.ask_long(segment, alive, part, bands), parts)

    def ask_long(
        self,
        segment: Segment,
        alive: BoolArray,
        rows: tuple[int, int],
        bands: Bands = UNKNOWN_BANDS,
    ) -> Records:
        """The same of some rows, however long it takes, while other threads go on.

        Args:
            segment: As of ``ask``.
            alive: As of ``ask``.
            rows: The first of them and their end; no plan is cut in two.
            bands: What the segment's bands hold, where many ask.
        """
        tables, index = segment.tables, segment.indexed
        hits, _ = asked_long(
            self._tables, *rows, tables, index, bands, alive, segment.alone, _UNLIMITED
        )
        return hits


def _laid_out(raw: Raw, agreement: Agreement | None) -> Tables:
    """Tables of plans; many stand in the order of the index, so that neighbours ask together."""
    tables = outlines(raw, agreed(raw.groups, agreement))
    rows = tables.rows
    if len(rows) < THREADED_ROWS:
        return tables
    owner = rows["owner"]
    # Each plan by the key of its first row: its own rows stay together.
    first = np.searchsorted(owner, owner)
    return in_order_of(rows[np.lexsort((owner, keys_of(rows)[first]))], tables)


def _parts(owner: IntArray) -> list[tuple[int, int]]:
    """Runs of some CHUNK_ROWS rows, none of which cuts a plan in two."""
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    edges = np.unique(np.searchsorted(begins, np.arange(0, len(owner), CHUNK_ROWS)))
    ends = [*begins[edges[edges < len(begins)]].tolist(), len(owner)]
    return list(pairwise(ends))

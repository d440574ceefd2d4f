"""A question: plans laid out once, and asked of each segment."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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

Asked = tuple[Segment, Bits]


class Question:
    """Plans, to be asked of any number of segments.

    A few are laid out at once. Many are cut into parts of some CHUNK_ROWS rows, no plan in two,
    and whoever asks a part lays it out before: what he asks with is still in his cache.

    Args:
        raw: The plans as arrays: a hundred thousand of them are no Python objects.
        agreement: Whose separations the plans ask of other plans.
        what: What errors call a plan, by its number.

    Raises:
        TooWide: A shape of a few is too wide to be measured; of many, whoever asks is told.
    """

    def __init__(
        self,
        raw: Raw,
        agreement: Agreement | None,
        what: Callable[[int], str] = lambda _: "shape",
    ) -> None:
        self._raw = raw
        self._what = what
        self._asked = agreed(raw.groups, agreement)
        self._few = self._laid_out(raw) if len(raw.rows) < THREADED_ROWS else None

    @classmethod
    def of(
        cls, plans: Sequence[Plan], agreement: Agreement | None, separation_mm: int
    ) -> "Question":
        """Of plans as values.

        Args:
            plans: Any number.
            agreement: Whose separations the plans ask of other plans.
            separation_mm: The least separation that the asker wants from all.

        Raises:
            TooWide: As of ``Question``, naming the plan.
        """
        gatherer = Gatherer()
        for plan in plans:
            gatherer.add(plan, least_mm=separation_mm)
        return cls(gatherer.raw(), agreement, lambda plan: f"shape of {plans[plan].source_id}")

    def tables(self) -> Iterator[Tables]:
        """The plans, a part at a time, laid out when it is wanted.

        Raises:
            TooWide: As of ``Question``.
        """
        if self._few is not None:
            return iter((self._few,))
        return (self._laid_out(part()) for part in self._parts())

    def ask(self, segments: Sequence[Asked]) -> Iterator[tuple[Segment, Records]]:
        """What the plans meet in segments: HIT, all of a plan in a segment together.

        Args:
            segments: Of a picture, and which of their owners are gone (detente.picture.gone).

        Returns:
            In any order of plans; of each plan, in the order of the segments.

        Raises:
            TooWide: As of ``Question``.
        """
        if self._few is not None:
            for segment, gone in segments:
                yield segment, _ask_few(self._few, segment, gone)
        elif any(len(segment.entries) >= THREADED_ROWS for segment, _ in segments):
            yield from self._ask_many(segments)
        else:
            for tables in self.tables():
                for segment, gone in segments:
                    yield segment, ask_long(tables, segment, gone)

    def _ask_many(self, segments: Sequence[Asked]) -> Iterator[tuple[Segment, Records]]:
        """The same on all cores."""
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            held = pool.map(_bands_of, (segment for segment, _ in segments))
            parts, bands = self._parts(), list(held)

            def asked(part: Callable[[], Raw]) -> list[Records]:
                tables = self._laid_out(part())
                return [
                    ask_long(tables, segment, gone, some)
                    for (segment, gone), some in zip(segments, bands, strict=True)
                ]

            for found in pool.map(asked, parts):
                for (segment, _), hits in zip(segments, found, strict=True):
                    yield segment, hits

    def _parts(self) -> list[Callable[[], Raw]]:
        """Many plans by where they are, so that neighbours ask together; copied when wanted."""
        raw = self._raw
        begins = np.flatnonzero(np.diff(raw.rows["owner"], prepend=-1, append=-1))
        order = _by_place(raw, begins[:-1])
        rows = np.arange(CHUNK_ROWS, len(raw.rows), CHUNK_ROWS)
        edges = np.searchsorted(np.cumsum(np.diff(begins)[order]), rows)
        ends = pairwise(np.unique([0, *edges, len(order)]).tolist())
        return [partial(_some_of, raw, begins, order[first:end]) for first, end in ends]

    def _laid_out(self, raw: Raw) -> Tables:
        try:
            return outlines(raw, self._asked)
        except TooWide as error:
            raise error.of(self._what(error.owner)) from None


def _ask_few(question: Tables, segment: Segment, gone: Bits) -> Records:
    """What a few plans meet: threads would not have started meanwhile."""
    hits, done = asked_briefly(
        question,
        0,
        len(question.rows),
        segment.tables,
        segment.indexed,
        gone,
        segment.alone,
        BRIEF_WORK,
    )
    return hits if done else ask_long(question, segment, gone)


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


def _bands_of(segment: Segment) -> Bands:
    """What a segment's bands hold, if it is worth knowing."""
    few = len(segment.entries) < THREADED_ROWS
    return UNKNOWN_BANDS if few else bands_of(segment.indexed.keys)


def _some_of(raw: Raw, begins: IntArray, which: IntArray) -> Raw:
    rows, starts, positions = some_of(raw.rows, raw.starts, raw.positions, begins, which)
    return raw._replace(rows=rows, starts=starts, positions=positions)


def _by_place(raw: Raw, rows: IntArray) -> IntArray:
    """Which of some rows comes first, and so on: from south to north in bands, each from the west.

    numpy sorts numbers of 16 bits without comparing them.
    """
    paths = np.append(0, raw.rows["path_end"])[rows]
    lon, lat = raw.positions[raw.starts[paths]].T
    west, south = (lon >> _CELL_SHIFT).astype(np.int16), (lat >> _BAND_SHIFT).astype(np.int16)
    order = np.argsort(west, kind="stable")
    return order[np.argsort(south[order], kind="stable")]

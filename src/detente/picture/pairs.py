"""All pairs of plans that meet, without comparing all: the index is asked of itself.

Time is cut into slabs, and each slab has the index of the rows whose windows reach into it. Of
two rows that overlap in time, the one that starts later asks, in the slab in which it starts:
the other one is there as well, so each two are measured once. What meets is decided by the
kernels of the check (detente.picture.measure), and of each two plans the one with the lower
number counts as the one that asks: so this is what ``Picture.meetings`` says of it and the other.

Source: docs/rules/R-18.md.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from detente.core.geodesy import IntArray
from detente.picture._jit import borrowed, inlined, jit, released
from detente.picture.bands import (
    BAND_RAD,
    UNKNOWN_BANDS,
    Bands,
    asking_rad,
    first_at_least,
    index_of,
    keys_of,
    levels_of,
    own_rad,
    passed_over,
    room_for_runs,
)
from detente.picture.measure import (
    borrowed_index,
    borrowed_tables,
    candidates,
    meet,
    nearest,
    with_room,
)
from detente.picture.near import reaches, share
from detente.picture.packed import whole
from detente.picture.plane import Plane, plane_of
from detente.picture.segment import Segment
from detente.picture.tables import FOREVER_US, HIT, BoolArray, Index, Record, Records, Tables

CHUNK_ROWS = 4_096
"""Rows that a thread asks at a time: neighbours, so that what they meet stays in the cache."""

SLAB_ROWS_MIN = 1_024
"""Rows a slab at least, on average: what to do a slab is then little beside what to do a row."""

SLABS_LOG2_MAX = 12
"""4,096 slabs at most: a day in pieces of 20 s."""

SPANS_MAX = 3.0
"""Slabs that a row is in, on average, at most."""

_SAMPLE = 8_192
"""Rows from which the slabs are chosen."""

_HITS_ROOM = 1_024
"""Meetings of a chunk kept at first."""


class Slabs(NamedTuple):
    """Rows by time: each in every slab that its window reaches into.

    ``until`` (s,) int64, rising, the last moment of each slab, which begins after that of the
    one before; the last is FOREVER_US. ``begin`` (s + 1,) where each slab's rows begin in
    ``rows`` (m,), numbers of rows, in ``windows`` (m, 2), from when to when each lasts, and in
    ``indexed``, whose order they are in. ``levels`` (s, c + 1) where each slab's classes begin
    among its own (``Bands.levels``).
    """

    until: IntArray
    begin: IntArray
    rows: IntArray
    windows: IntArray
    indexed: Index
    levels: IntArray


def pairs_among(
    segment: Segment, alive: BoolArray, who: Callable[[], IntArray], separation_mm: int
) -> Records:
    """Every two plans of a segment that meet, once.

    Args:
        segment: Of a picture.
        alive: (o,) which of its owners are asked, all of them plans.
        who: Says which plan each of these is, (o,): versions of one plan have one number. Asked
            while the rows are laid out.
        separation_mm: The least separation that is wanted between any two.

    Returns:
        HIT, ``plan`` below ``owner``, in their order: the nearest parts of the two, over
        all the time that they share.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        laying = pool.submit(_laid_out, segment, alive, separation_mm)
        number = who()
        tables, slabs = laying.result()
        edges = [*range(0, len(tables.rows), CHUNK_ROWS), len(tables.rows)]
        found = list(pool.map(lambda part: met(tables, slabs, number, *part), pairwise(edges)))
    return each_once(np.concatenate(found), len(number))


def _laid_out(segment: Segment, alive: BoolArray, separation_mm: int) -> tuple[Tables, Slabs]:
    """What asks, and by time what is asked."""
    tables, index = _chosen(segment, alive, separation_mm)
    return tables, in_slabs(tables.rows, index, _slabs_until(tables.rows))


def _slabs_until(rows: Records) -> IntArray:
    """Until when each slab lasts: as many as may be while rows are in a few of them on average.

    What is found does not depend on it.
    """
    some = rows[:: max(1, len(rows) // _SAMPLE)]
    start, end = np.sort(some["start_us"]), some["end_us"]
    until = np.array([FOREVER_US])
    for doubled in range(1, SLABS_LOG2_MAX + 1):
        if len(rows) >> doubled < SLAB_ROWS_MIN:
            break
        last = start[np.arange(1, 1 << doubled) * len(start) >> doubled]
        finer = np.unique(np.append(last, FOREVER_US))
        spans = np.searchsorted(finer, end) - np.searchsorted(finer, some["start_us"]) + 1
        if spans.mean() > SPANS_MAX:
            break
        until = finer
    return until


def _chosen(segment: Segment, alive: BoolArray, separation_mm: int) -> tuple[Tables, Index]:
    """The rows of some owners, in the order of the index, asking for so much at least."""
    packed = segment.tables
    rows = whole(packed)
    tables = Tables(rows, packed.blocks, packed.rings, packed.vertices)
    asked = alive[rows["owner"]]
    if asked.all() and not separation_mm:
        return tables, segment.indexed
    rows = rows[asked]
    rows["separation_m"] = np.maximum(rows["separation_m"], separation_mm / 1_000)
    keys = keys_of(rows)
    order = np.argsort(keys, kind="stable")
    return tables._replace(rows=rows[order]), index_of(order, keys, rows)


@released
def in_slabs(rows: Records, index: Index, until: IntArray) -> Slabs:
    """Rows by the slabs of time that they are in.

    Args:
        rows: In the order of the index.
        index: Of them.
        until: As ``Slabs`` has it.
    """
    n = len(rows)
    slab = np.empty((n, 2), dtype=np.int64)
    begin = np.zeros(len(until) + 1, dtype=np.int64)
    for i in range(n):
        slab[i, 0] = first_at_least(until, rows[i].start_us)
        slab[i, 1] = first_at_least(until, rows[i].end_us) + 1
        for one in range(slab[i, 0], slab[i, 1]):
            begin[one + 1] += 1
    begin = np.cumsum(begin)
    filled = begin.copy()
    numbers = np.empty(begin[-1], dtype=np.int64)
    windows = np.empty((begin[-1], 2), dtype=np.int64)
    keys = np.empty(begin[-1], dtype=np.int64)
    sieve = np.empty((begin[-1], index.sieve.shape[1]), dtype=np.float32)
    for i in range(n):
        for one in range(slab[i, 0], slab[i, 1]):
            place = filled[one]
            numbers[place], keys[place], sieve[place] = i, index.keys[i], index.sieve[i]
            windows[place, 0], windows[place, 1] = rows[i].start_us, rows[i].end_us
            filled[one] += 1
    levels = np.empty((len(until), len(BAND_RAD) + 1), dtype=np.int64)
    for one in range(len(until)):
        levels_of(keys[begin[one] : begin[one + 1]], levels[one])
    return Slabs(until, begin, numbers, windows, Index(keys, sieve, index.reach), levels)


@inlined
def measured(tables: Tables, a: Record, plane: Plane, b: Record, hit: Record) -> bool:
    """Whether two rows meet; the one whose owner's number is lower asks. ``plane`` is of a."""
    if a.owner > b.owner:
        a, b, plane = b, a, plane_of(b)
    return meet(tables, a, plane, tables, b, hit)


@inlined
def before(start_us: int, number: int, row: Record, i: int) -> bool:
    """Whether a row starts before another, by number where both start at once."""
    return start_us < row.start_us or (start_us == row.start_us and number < i)


@jit
def borrowed_slabs(s: Slabs) -> Slabs:
    """Of arrays that are borrowed."""
    return Slabs(
        borrowed(s.until), borrowed(s.begin), borrowed(s.rows), borrowed(s.windows),
        borrowed_index(s.indexed), borrowed(s.levels),
    )  # fmt: skip


@released
def met(tables: Tables, slabs: Slabs, who: IntArray, first: int, end: int) -> Records:
    """What the rows [first, end) meet of those that started before them: HIT, in any order.

    Neighbours follow each other, so that what they meet stays in the cache.
    """
    tables, slabs, who = borrowed_tables(tables), borrowed_slabs(slabs), borrowed(who)
    hits = np.empty(_HITS_ROOM, dtype=HIT)
    found = 0
    rows, reach, runs = tables.rows, slabs.indexed.reach, room_for_runs()
    for i in range(first, end):
        a = rows[i]
        slab = first_at_least(slabs.until, a.start_us)
        begin, over = slabs.begin[slab], slabs.begin[slab + 1]
        numbers, windows = slabs.rows[begin:over], slabs.windows[begin:over]
        sieve = slabs.indexed.sieve[begin:over]
        own, asking, plane = own_rad(a), asking_rad(a), plane_of(a)
        bands = Bands(UNKNOWN_BANDS.starts, UNKNOWN_BANDS.held, slabs.levels[slab])
        around = candidates(slabs.indexed.keys[begin:over], reach, bands, a, runs)
        for k in range(len(around)):
            hits = with_room(hits, found + around[k, 1] - around[k, 0])
            for j in range(around[k, 0], around[k, 1]):
                if passed_over(a, own, asking, sieve, j):
                    continue
                if windows[j, 1] < a.start_us or not before(windows[j, 0], numbers[j], a, i):
                    continue
                b = rows[numbers[j]]
                if who[a.owner] == who[b.owner] or not (share(a, b, b) and reaches(a, b, b, b.cap)):
                    continue
                if measured(tables, a, plane, b, hits[found]):
                    found += 1
    return hits[:found]


@released
def each_once(hits: Records, owners: int) -> Records:
    """Of the hits of all rows one each two plans, in their order.

    Args:
        hits: HIT, in any order.
        owners: How many plans there are.
    """
    end = np.zeros(owners + 1, dtype=np.int64)
    for i in range(len(hits)):
        end[hits[i].plan + 1] += 1
    end = np.cumsum(end)
    begins = end.copy()
    by_plan = np.empty_like(hits)
    for i in range(len(hits)):
        plan = hits[i].plan
        by_plan[end[plan]] = hits[i]
        end[plan] += 1
    out = 0
    for plan in range(owners):
        kept = nearest(by_plan, begins[plan], end[plan], alone=False)
        for i in range(begins[plan], kept):
            by_plan[out] = by_plan[i]
            out += 1
    return by_plan[:out]

"""The one query: which rows of a picture does each row of a question meet?

Space, altitude, time and separation are decided here, in compiled code, by the
bounds of docs/adr/0004: distance minus error is compared with the separation.
"""

import numpy as np

from detente.core.geodesy import (
    CURVATURE_RADIUS_MAX_M,
    CURVATURE_RADIUS_MIN_M,
    DISTANCE_ERROR_M,
    FloatArray,
    IntArray,
)
from detente.picture._jit import borrowed, inlined, jit, released
from detente.picture.abreast import (
    NOT_ABREAST,
    PLACES,
    SIFTED,
    Room,
    chords_abreast,
    lay_abreast,
    nearer,
    new_room,
)
from detente.picture.bands import UNKNOWN_BANDS, Bands, asking_rad, own_rad, runs
from detente.picture.distance import chord_between
from detente.picture.gone import Bits, stands
from detente.picture.near import around_m, farthest_m, keep_m, reaches, sift
from detente.picture.packed import cap_of, terms_at, unpack
from detente.picture.plane import Plane, plane_of
from detente.picture.tables import (
    ALONE,
    HIT,
    Index,
    Packed,
    Record,
    Records,
    Shapes,
    Tables,
)

_HITS_ROOM = 64
"""Meetings of a row kept at first: most plans meet few."""

PASSED_OVER = 16
"""Rows that the sieve passes over in the time that one is looked at."""

_HALF_MERIDIAN_M = 20_003_931.5

_LEAST_CURVATURE, _MOST_CURVATURE = 1 / CURVATURE_RADIUS_MAX_M, 1 / CURVATURE_RADIUS_MIN_M

_SHORT_M = 10_000.0
"""Half of a chord up to which its arc is a series: less than 1/600 of any radius."""


@inlined
def short_arc(sine: float) -> float:
    """The arc of a sine below 1/600: what the series leaves out is less than a float holds."""
    square = sine * sine
    return sine + sine * square * (1 / 6 + square * (3 / 40))


@inlined
def bounds_of_chord(chord_m: float) -> tuple[float, float]:
    """Middle and half-width of the bounds of the geodesic over a chord, metres.

    A geodesic bends everywhere between the two extreme curvatures, so its
    length lies between those of circular arcs over the same chord. Near the
    antipode the upper arc ends at half its circle; no geodesic of WGS 84 is
    longer than half a meridian's ellipse, 20,003.9 km.
    """
    half = chord_m / 2
    if half < _SHORT_M:
        low = 2 * CURVATURE_RADIUS_MAX_M * short_arc(half * _LEAST_CURVATURE)
        high = 2 * CURVATURE_RADIUS_MIN_M * short_arc(half * _MOST_CURVATURE)
        return (low + high) / 2, (high - low) / 2
    low = 2 * CURVATURE_RADIUS_MAX_M * np.arcsin(min(1.0, half / CURVATURE_RADIUS_MAX_M))
    high = _HALF_MERIDIAN_M
    if half < CURVATURE_RADIUS_MIN_M:
        high = 2 * CURVATURE_RADIUS_MIN_M * np.arcsin(half / CURVATURE_RADIUS_MIN_M)
    return (low + high) / 2, (high - low) / 2


@jit
def apart_m(chord_m: float, radii_m: float, error_m: float) -> tuple[float, float]:
    """The distance between two shapes of which the cores' chord is known, and its error.

    Touching is 0: what the kernels cannot tell from it, they widen the error by.
    """
    middle, half = bounds_of_chord(chord_m)
    distance, error = middle - radii_m, error_m + half
    if distance <= DISTANCE_ERROR_M:
        return 0.0, error + max(distance, 0.0)
    return distance, error


@inlined
def meet(
    question: Shapes, a: Record, plane: Plane, picture: Shapes, b: Record, hit: Record
) -> bool:
    """Whether row ``a`` of a question meets row ``b``, ``near`` it; then fills ``hit``."""
    return told(a, b, b, chord_between(question, a, plane, picture, b, farthest_m(a, b)), hit)


@inlined
def meet_places(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    question: Tables,
    a: Record,
    plane: Plane,
    picture: Packed,
    room: Room,
    pieces: int,
    places: int,
    gone: Bits,
    hits: Records,
    found: int,
) -> int:
    """The same of a row that is laid abreast and those ALONE that were gathered; the next hit."""
    if places:
        chords_abreast(question, room, pieces, places, a, plane)
    for n in range(nearer(room, places)):
        k = room.which[n]
        b = picture.rows[room.rows[k]]
        chord = np.sqrt(room.square[k])
        met = told(a, b, terms_at(picture.terms, b), chord, hits[found])
        found += met and stands(gone, b.owner)
    return found


@inlined
def wait_place(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    question: Tables,
    a: Record,
    plane: Plane,
    picture: Packed,
    j: int,
    room: Room,
    pieces: int,
    places: int,
    gone: Bits,
    hits: Records,
    found: int,
) -> tuple[int, int]:
    """Have one more place wait until there are PLACES; the next hit, and how many wait."""
    b = picture.rows[j]
    room.rows[places] = j
    room.at[0, places], room.at[1, places], room.at[2, places] = b.x, b.y, b.z
    room.most[places] = farthest_m(a, terms_at(picture.terms, b))
    if places + 1 < PLACES:
        return found, places + 1
    return meet_places(question, a, plane, picture, room, pieces, PLACES, gone, hits, found), 0


@inlined
def told(a: Record, b: Record, terms: Record, chord: float, hit: Record) -> bool:
    """Whether two rows meet whose cores are a chord apart, ``terms`` of ``b``; fills ``hit``."""
    required, _ = keep_m(a, terms)
    radii, error = around_m(a, terms)
    # Worked out again: handed on, it makes a plan take a tenth longer.
    if chord >= farthest_m(a, terms):
        return False
    distance, error = apart_m(chord, radii, error)
    if distance - error > required:
        return False
    hit.plan, hit.owner = a.owner, b.owner
    hit.distance_m, hit.error_m, hit.separation_m = distance, error, required
    hit.start_us, hit.end_us = max(a.start_us, b.start_us), min(a.end_us, b.end_us)
    hit.of_plan = terms.plan
    return True


@jit
def candidates(
    keys: IntArray, reach: FloatArray, bands: Bands, row: Record, out: IntArray
) -> IntArray:
    """All runs of the index that may matter to a row of a question; (m, 2) int64, in ``out``."""
    found = runs(keys, reach, bands, row, out)
    if found > len(out):
        out = np.empty((found, 2), dtype=np.int64)
        runs(keys, reach, bands, row, out)
    return out[:found]


@jit
def pairs(a: Record, b: Record) -> int:
    """How many pairs of blocks there are to measure; what is ALONE counts as one."""
    return max(1, int(a.block_end - a.block)) * max(1, int(b.block_end - b.block))


@jit
def nearest(hits: Records, first: int, end: int, alone: bool) -> int:  # noqa: FBT001 - compiled
    """Of the hits of one plan keep one an owner: the nearest part, over all the shared time.

    Of parts that are equally near, the one that is known best: whoever asks (R-07).
    ``alone`` is that no owner can be among them twice.

    Returns:
        Where the kept hits end.
    """
    if alone or end - first < 2:  # noqa: PLR2004 - one is alone
        return end
    owner = np.empty(end - first, dtype=np.int64)
    for i in range(first, end):
        owner[i - first] = hits[i].owner
    sorted_hits = hits[first:end][np.argsort(owner, kind="mergesort")]
    kept = first
    hits[kept] = sorted_hits[0]
    for i in range(1, end - first):
        one = sorted_hits[i]
        if one.owner != hits[kept].owner:
            kept += 1
            hits[kept] = one
            continue
        best = hits[kept]
        best.start_us, best.end_us = min(best.start_us, one.start_us), max(best.end_us, one.end_us)
        beyond, other = best.distance_m - best.separation_m, one.distance_m - one.separation_m
        if other < beyond or (other == beyond and one.error_m < best.error_m):
            best.distance_m, best.error_m = one.distance_m, one.error_m
            best.separation_m = one.separation_m
    return kept + 1


@inlined
def with_room(hits: Records, wanted: int) -> Records:
    """Hits with room for so many."""
    while len(hits) < wanted:
        hits = np.concatenate((hits, np.empty_like(hits)))
    return hits


@jit
def borrowed_tables(t: Tables) -> Tables:
    """Of arrays that are borrowed."""
    return Tables(borrowed(t.rows), borrowed(t.blocks), borrowed(t.rings), borrowed(t.vertices))


@jit
def borrowed_packed(p: Packed) -> Packed:
    """Of arrays that are borrowed."""
    return Packed(
        borrowed(p.rows), borrowed(p.terms), borrowed(p.shapes),
        borrowed(p.blocks), borrowed(p.rings), borrowed(p.vertices),
    )  # fmt: skip


@jit
def borrowed_index(index: Index) -> Index:
    """Of arrays that are borrowed."""
    return Index(borrowed(index.keys), borrowed(index.sieve), borrowed(index.reach))


@jit
def borrowed_bands(bands: Bands) -> Bands:
    """Of arrays that are borrowed."""
    return Bands(borrowed(bands.starts), borrowed(bands.held), borrowed(bands.levels))


@jit
def borrowed_room(room: Room) -> Room:
    """Of arrays that are borrowed."""
    return Room(
        borrowed(room.lines), borrowed(room.rows), borrowed(room.at), borrowed(room.most),
        borrowed(room.square),
        borrowed(room.winding), borrowed(room.outside), borrowed(room.which),
        borrowed(room.runs), borrowed(room.sifted), borrowed(room.whole),
    )  # fmt: skip


@inlined
def meet_row(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    question: Tables,
    a: Record,
    picture: Packed,
    index: Index,
    bands: Bands,
    gone: Bits,
    room: Room,
    hits: Records,
    found: int,
    work_max: int,
) -> tuple[Records, int, int]:
    """Add what one row of a question meets to ``hits``, of which ``found`` are filled.

    Returns:
        The hits, in a larger array where they need it; how many there are; what is
        left of ``work_max``, negative where it was given up.
    """
    around = candidates(index.keys, index.reach, bands, a, room.runs)
    own, asking, plane = own_rad(a), asking_rad(a), plane_of(a)
    rows, terms, shapes, sieve = picture.rows, picture.terms, picture.shapes, index.sieve
    pieces = lay_abreast(question.blocks, question.rings, question.vertices, a, room.lines)
    sifted, whole, places = room.sifted, room.whole[0], 0
    for k in range(len(around)):
        for first in range(around[k, 0], around[k, 1], SIFTED):
            end = min(first + SIFTED, around[k, 1])
            count = sift(a, own, asking, rows, terms, sieve, first, end, sifted)
            work_max -= (end - first) // PASSED_OVER + count
            hits = with_room(hits, found + places + count)
            lent = borrowed(hits)
            for n in range(count):
                b = rows[sifted[n]]
                if not reaches(a, b, terms_at(terms, b), cap_of(shapes, b)):
                    continue
                if (b.shape == ALONE) & (pieces != NOT_ABREAST):
                    work_max -= max(1, a.block_end - a.block)
                    found, places = wait_place(
                        question, a, plane, picture, sifted[n], room, pieces, places, gone,
                        lent, found,
                    )  # fmt: skip
                    continue
                unpack(rows, terms, shapes, sifted[n], whole)
                work_max -= pairs(a, whole)
                if work_max < 0:
                    break
                found += meet(question, a, plane, picture, whole, lent[found]) and stands(
                    gone, b.owner
                )
            if work_max < 0:
                return hits, found, work_max
    lent = borrowed(hits)
    found = meet_places(question, a, plane, picture, room, pieces, places, gone, lent, found)
    return hits, found, work_max


@jit
def asked(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    question: Tables,
    first: int,
    end: int,
    picture: Packed,
    index: Index,
    bands: Bands,
    gone: Bits,
    alone: bool,  # noqa: FBT001 - compiled
    room: Room,
    work_max: int,
) -> tuple[Records, bool]:
    """What the rows [first, end) of a question meet, plan by plan.

    Args:
        question: The rows of a plan stand together.
        first: The first row of a plan.
        end: The end of a plan's rows.
        picture: In the order of its index.
        index: Of its rows.
        bands: Of its keys, or UNKNOWN_BANDS.
        gone: Which of its owners are (detente.picture.gone).
        alone: Whether each owner has but one row.
        room: To be written to, by one thread.
        work_max: After how much work (candidates, and pairs of blocks) to give up.

    Returns:
        HIT, at most one a plan and owner; and whether it was done, else there are none.
    """
    question, picture = borrowed_tables(question), borrowed_packed(picture)
    index, bands, gone = borrowed_index(index), borrowed_bands(bands), borrowed(gone)
    room = borrowed_room(room)
    hits = np.empty(_HITS_ROOM * (end - first), dtype=HIT)
    found, begun = 0, 0
    rows, started = question.rows, first
    for i in range(first, end):
        a = rows[i]
        if i > first and a.owner != rows[i - 1].owner:
            begun = found = nearest(hits, begun, found, alone and i - started == 1)
            started = i
        hits, found, work_max = meet_row(
            question, a, picture, index, bands, gone, room, hits, found, work_max
        )
        if work_max < 0:
            return hits[:0], False
    return hits[: nearest(hits, begun, found, alone and end - started == 1)], True


@jit
def asked_briefly(  # noqa: PLR0913, PLR0917 - as asked
    question: Tables,
    first: int,
    end: int,
    picture: Packed,
    index: Index,
    gone: Bits,
    alone: bool,  # noqa: FBT001 - compiled
    work_max: int,
) -> tuple[Records, bool]:
    """``asked`` with the interpreter's lock kept, for what takes microseconds."""
    bands, room = UNKNOWN_BANDS, new_room()
    return asked(question, first, end, picture, index, bands, gone, alone, room, work_max)


@released
def asked_long(  # noqa: PLR0913, PLR0917 - as asked
    question: Tables,
    first: int,
    end: int,
    picture: Packed,
    index: Index,
    bands: Bands,
    gone: Bits,
    alone: bool,  # noqa: FBT001 - compiled
    work_max: int,
) -> tuple[Records, bool]:
    """``asked`` without the interpreter's lock, so that others go on beside it."""
    room = new_room()
    return asked(question, first, end, picture, index, bands, gone, alone, room, work_max)

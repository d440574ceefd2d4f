"""Kernels: when moving tracks may first violate what the rows of a picture ask.

On a straight leg the distance to a point or to a straight piece is a convex function of
time, and what is to be kept grows in a straight line at most: so the gap between them is
convex, and Newton's method from the left never steps over the first time at which it closes.
"""

from typing import NamedTuple

import numpy as np

from detente.core.geodesy import CURVATURE_RADIUS_MAX_M, DISTANCE_ERROR_M, FloatArray, IntArray
from detente.core.presence import TRACK_GROWTH_MAX_S
from detente.picture._jit import borrowed, inlined, jit, released
from detente.picture.bands import Bands, asking_rad, own_rad, room_for_runs
from detente.picture.distance import chord_to_point, inside, place_of, point_to_piece
from detente.picture.edge import part_end, parts_of
from detente.picture.gone import Bits, stands
from detente.picture.measure import (
    apart_m,
    borrowed_bands,
    borrowed_index,
    borrowed_packed,
    candidates,
    with_room,
)
from detente.picture.moving import WAY, Motion, advanced, set_out
from detente.picture.near import growth_m
from detente.picture.packed import unpack
from detente.picture.plane import Point, on_ellipsoid, plane_of, point_at
from detente.picture.tables import ALONE, ROW, Index, Packed, Record, Records, Sieve

NEARING = np.dtype(
    [
        *((name, np.int64) for name in ("track", "owner")),
        *((name, np.float64) for name in ("distance_m", "error_m", "separation_m", "time_s")),
    ]
)
"""A track may violate what an owner asks: detente.core.watch.Approach, with numbers."""

_NEARINGS_ROOM = 1_024

_CLOSED_M = 1e-3
"""A gap of a millimetre counts as closed."""

_STEPS_MAX = 100
"""Newton's method takes some five; what it did not settle by then counts as closed."""

_ROUNDING_S = 1e-6
"""The microsecond of the record: windows are this much wider than what was computed."""

_EVERYWHERE_M = 10_000_000.0
"""A reach of a quarter of the earth: it counts as all of it."""

_MICROSECONDS = 1e-6


@inlined
def chord_of(reach_m: float) -> float:
    """The longest chord whose geodesic may be no longer than ``reach_m``, or a little more.

    2 r sin(reach / 2 r) of the flattest circle, its series ended after a positive term.
    """
    if reach_m >= _EVERYWHERE_M:
        return 2 * CURVATURE_RADIUS_MAX_M
    y = (reach_m / CURVATURE_RADIUS_MAX_M) ** 2
    return float(reach_m * (1 - y / 24 * (1 - y / 80)))


class Leg(NamedTuple):
    """A leg of a track's way.

    ``number`` of it; ``p`` where it starts, earth-centred metres; ``v`` metres a second; ``a``
    the direction of its start, a unit vector; ``u`` from there to that of its end; ``scale``
    one by the square of ``u``, 0 if it is nothing; ``own`` how far what matters lies from it by
    itself, with room for every error, and ``asking`` what the track asks beyond, in radians.
    """

    number: int
    p: Point
    v: Point
    a: Point
    u: Point
    scale: float
    own: float
    asking: float


class Need(NamedTuple):
    """When and how near a leg's point has to come.

    From ``low`` to ``high``, seconds of the leg; ``reach_m`` at its start, along the surface,
    and ``rate`` metres more each second.
    """

    low: float
    high: float
    reach_m: float
    rate: float


@jit
def closes(p: Point, v: Point, a: Point, b: Point, need: Need, slack_m: float) -> float:
    """The first time at which a moving point is as near to a piece as need be; else infinity.

    Args:
        p: Where the point is at time 0.
        v: How it moves, metres a second.
        a: An end of the piece.
        b: The other end, or the same.
        need: When and how near.
        slack_m: What is added to that, as a chord.
    """
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    length2 = ux * ux + uy * uy + uz * uz
    t = need.low
    for _ in range(_STEPS_MAX):
        if t > need.high:
            return float(np.inf)
        x, y, z = p[0] + t * v[0] - a[0], p[1] + t * v[1] - a[1], p[2] + t * v[2] - a[2]
        if length2 > 0.0:
            s = min(1.0, max(0.0, (x * ux + y * uy + z * uz) / length2))
            x, y, z = x - s * ux, y - s * uy, z - s * uz
        apart = np.sqrt(x * x + y * y + z * z)
        gap = apart - chord_of(need.reach_m + need.rate * t) - slack_m
        if gap <= _CLOSED_M:
            return t
        # The chord grows by less than what it is the chord of.
        slope = (x * v[0] + y * v[1] + z * v[2]) / apart - need.rate
        if slope >= 0.0:
            return float(np.inf)
        t -= gap / slope
    return t


@inlined
def while_over(over_m: float, rate: float, low: float, high: float) -> tuple[float, float]:
    """The part of [low, high] in which ``over_m - rate * t`` is at most 0; low > high if none."""
    if over_m <= 0.0:
        if rate < 0.0:
            high = min(high, over_m / rate)
    elif rate > 0.0:
        low = max(low, over_m / rate)
    else:
        return 1.0, 0.0
    return low, high


@inlined
def shared_s(way: Record, b: Record, now_us: int, low: float, high: float) -> tuple[float, float]:
    """The part of [low, high], seconds from now, in which time and altitude are shared."""
    # As floats: the extremes of int64 must not wrap around.
    low = max(low, (float(b.start_us) - float(now_us)) * _MICROSECONDS - _ROUNDING_S)
    high = min(high, (float(b.end_us) - float(now_us)) * _MICROSECONDS + _ROUNDING_S)
    if low > high:
        return low, high
    begin, end = while_over(way.lower_m - b.upper_m - b.vertical_m, way.sink_m_s, low, high)
    begin, end = while_over(b.lower_m - b.vertical_m - way.upper_m, way.rise_m_s, begin, end)
    return max(low, begin - _ROUNDING_S), min(high, end + _ROUNDING_S)


@inlined
def meets_on_leg(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    rings: IntArray,
    vertices: FloatArray,
    b: Record,
    p: Point,
    v: Point,
    need: Need,
    sag_m: float,
) -> float:
    """The first time at which a point on a leg is as near to a row as need be; else infinity.

    Args:
        blocks: Of the picture.
        rings: Of the picture.
        vertices: Of the picture.
        b: The row.
        p: Where the point is at time 0.
        v: How it moves, metres a second.
        need: When and how near.
        sag_m: How deep under the surface the leg runs at most.
    """
    low, high = need.low, need.high
    first = (p[0] + low * v[0], p[1] + low * v[1], p[2] + low * v[2])
    last = (p[0] + high * v[0], p[1] + high * v[1], p[2] + high * v[2])
    if b.ring != b.ring_end and inside(blocks, rings, vertices, b, plane_of(b), first):
        return low
    # Seen from under it, whatever lies d away on the surface is at most sqrt(d^2 + sag^2) away.
    least = chord_of(need.reach_m + need.rate * low)
    slack = np.sqrt(least * least + sag_m * sag_m) - least
    most = need.reach_m + need.rate * high + slack + _CLOSED_M
    if b.block == ALONE:
        q = place_of(b)
        return closes(p, v, q, q, need, slack)
    soonest_s = np.inf
    for number in range(b.block, b.block_end):
        block = blocks[number]
        near = most + block.radius
        if point_to_piece((block.x, block.y, block.z), first, last) > near * near:
            continue
        for i in range(block.vertex, block.vertex + block.pieces):
            q, end = point_at(vertices, i), point_at(vertices, i + 1)
            a, parts = q, parts_of(q, end)
            for part in range(1, parts + 1):
                r = part_end(a, end, part, parts)
                soonest_s = min(soonest_s, closes(p, v, q, r, need, slack))
                q = r
    return float(soonest_s)


@inlined
def near_row(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    rings: IntArray,
    vertices: FloatArray,
    b: Record,
    way: Record,
    leg: Leg,
    now_us: int,
) -> float:
    """Seconds from now until a track may violate on a leg what a row asks; infinity if not."""
    begin = leg.number * way.leg_s
    low, high = shared_s(way, b, now_us, begin, begin + way.leg_s)
    if low > high:
        return float(np.inf)
    reach = max(way.separation_m, b.separation_m) + radii_m(way, b, now_us)
    reach += DISTANCE_ERROR_M + b.error_m
    rate = way.drift_m_s
    if abs(float(now_us) - float(b.fix_us)) * _MICROSECONDS < TRACK_GROWTH_MAX_S:
        rate += b.speed_m_s
    need = Need(low - begin, high - begin, reach + rate * begin, rate)
    return float(begin + meets_on_leg(blocks, rings, vertices, b, leg.p, leg.v, need, way.sag_m))


@inlined
def radii_m(way: Record, b: Record, now_us: int) -> float:
    """How far a track's disc and a row reach around their cores now, metres."""
    return float(way.radius_m + b.radius_m + growth_m(b, now_us, now_us))


@jit
def direction(p: Point) -> Point:
    """The unit vector towards a place."""
    norm = np.sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2])
    return p[0] / norm, p[1] / norm, p[2] / norm


@jit
def leg_of(way: Record, number: int, begin: Motion, end: Motion, row: Record) -> Leg:
    """A leg between two places; fills ``row`` (ROW) with what the index reads of a question."""
    p, q = (begin[0], begin[1], begin[2]), (end[0], end[1], end[2])
    v = (0.0, 0.0, 0.0)
    if way.leg_m > 0.0:
        t = way.leg_s
        v = ((q[0] - p[0]) / t, (q[1] - p[1]) / t, (q[2] - p[2]) / t)
    a, c = direction(p), direction(q)
    u = (c[0] - a[0], c[1] - a[1], c[2] - a[2])
    length2 = u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
    row.x, row.y, row.z = direction((a[0] + c[0], a[1] + c[1], a[2] + c[2]))
    row.radius_m = way.radius_m + way.drift_m_s * (number + 1) * way.leg_s
    row.separation_m, row.error_m, row.cap = way.separation_m, way.sag_m, 0.0
    own = own_rad(row)
    row.cap = np.arcsin(np.sqrt(length2) / 2)
    scale = 1.0 / length2 if length2 > 0.0 else 0.0
    return Leg(number, p, v, a, u, scale, own, asking_rad(row))


@inlined
def beside(leg: Leg, sieve: Sieve, j: int) -> bool:
    """Whether row ``j`` is too far from a leg to matter."""
    a, u = leg.a, leg.u
    x, y, z = sieve[j, 0] - a[0], sieve[j, 1] - a[1], sieve[j, 2] - a[2]
    t = min(1.0, max(0.0, (x * u[0] + y * u[1] + z * u[2]) * leg.scale))
    x, y, z = x - t * u[0], y - t * u[1], z - t * u[2]
    apart = leg.own + sieve[j, 3] + max(leg.asking, sieve[j, 4])
    return bool(x * x + y * y + z * z > apart * apart)


@jit
def write(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    rings: IntArray,
    vertices: FloatArray,
    b: Record,
    way: Record,
    now: Point,
    now_us: int,
    time_s: float,
    out: Record,
) -> None:
    """Fill ``out`` with a row that a track may violate in ``time_s``, all but the track."""
    chord = chord_to_point(blocks, rings, vertices, b, plane_of(b), now, np.inf)
    required = max(way.separation_m, b.separation_m)
    # In the order in which a check adds them up: to the same bit.
    distance, error = apart_m(chord, radii_m(way, b, now_us), DISTANCE_ERROR_M + b.error_m)
    # The sag of a leg, and the millimetre, may close a gap that is not closed yet.
    if time_s == 0.0 and distance - error > required:
        time_s = _ROUNDING_S
    out.owner, out.distance_m, out.error_m = b.owner, distance, error
    out.separation_m, out.time_s = required, time_s


@jit
def soonest(found: Records, first: int, end: int) -> int:
    """Of what one track nears keep one an owner: the soonest, and of those the nearest.

    Returns:
        Where the kept ones end.
    """
    if end - first < 2:  # noqa: PLR2004 - one is alone
        return end
    owner = np.empty(end - first, dtype=np.int64)
    for i in range(first, end):
        owner[i - first] = found[i].owner
    in_order = found[first:end][np.argsort(owner, kind="mergesort")]
    kept = first
    found[kept] = in_order[0]
    for i in range(1, end - first):
        one, best = in_order[i], found[kept]
        if one.owner != best.owner:
            kept += 1
            found[kept] = one
        elif (one.time_s, one.distance_m) < (best.time_s, best.distance_m):
            found[kept] = one
    return kept + 1


@jit
def nears(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    rings: IntArray,
    vertices: FloatArray,
    rows: Records,
    terms: Records,
    shapes: Records,
    sieve: Sieve,
    gone: Bits,
    around: IntArray,
    b: Record,
    way: Record,
    leg: Leg,
    now: Point,
    now_us: int,
    out: Records,
    found: int,
) -> tuple[Records, int]:
    """Add what a track may violate on a leg, among the runs ``around``, to ``out``.

    ``b`` is room for a row.

    Returns:
        ``out``, in a larger array where it needs it, and how many of it are filled.
    """
    for k in range(len(around)):
        for j in range(around[k, 0], around[k, 1]):
            if beside(leg, sieve, j):
                continue
            unpack(rows, terms, shapes, j, b)
            time_s = near_row(blocks, rings, vertices, b, way, leg, now_us)
            # Owners lie anywhere, and most stand: it is asked of those that are neared.
            if time_s == np.inf or not stands(gone, b.owner):
                continue
            if found == len(out):
                out = with_room(out, found + 1)
            write(blocks, rings, vertices, b, way, now, now_us, time_s, out[found])
            found += 1
    return out, found


@released
def neared(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    tracks: Records,
    order: IntArray,
    now_us: int,
    horizon_s: float,
    coast_s: float,
    picture: Packed,
    index: Index,
    bands: Bands,
    gone: Bits,
    alone: bool,  # noqa: FBT001 - compiled
) -> Records:
    """What some tracks may violate, track by track.

    Args:
        tracks: TRACK, checked.
        order: (n,) which of them, neighbours together.
        now_us: Microseconds since 1970.
        horizon_s: How far to look ahead.
        coast_s: How old course and speed may be before they count as unknown.
        picture: In the order of its index.
        index: Of its rows.
        bands: What the index's bands hold.
        gone: Which of its owners are (detente.picture.gone).
        alone: Whether each owner has but one row.

    Returns:
        NEARING, at most one a track and owner.
    """
    picture, index, bands = borrowed_packed(picture), borrowed_index(index), borrowed_bands(bands)
    tracks, order, gone = borrowed(tracks), borrowed(order), borrowed(gone)
    blocks, rings, vertices = picture.blocks, picture.rings, picture.vertices
    rows, terms, shapes = picture.rows, picture.terms, picture.shapes
    # A record keeps no array: these are named for as long as they are used.
    ways, room, runs = np.zeros(1, dtype=WAY), np.zeros(2, dtype=ROW), room_for_runs()
    out, found = np.empty(_NEARINGS_ROOM, dtype=NEARING), 0
    for i in order:
        way, row, b = ways[0], room[0], room[1]
        legs, motion = set_out(tracks[i], now_us, horizon_s, coast_s, way)
        # As a check has the place of a disc: to the same bit.
        x, y, z = direction((motion[0], motion[1], motion[2]))
        now, begun = on_ellipsoid(x, y, z), found
        for number in range(legs):
            after = advanced(motion, way.leg_m)
            leg = leg_of(way, number, motion, after, row)
            around = candidates(index.keys, index.reach, bands, row, runs)
            out, found = nears(
                blocks, rings, vertices, rows, terms, shapes, index.sieve, gone, around, b,
                way, leg, now, now_us, out, found,
            )  # fmt: skip
            motion = after
        if legs > 1 or not alone:
            found = soonest(out, begun, found)
        for n in range(begun, found):
            out[n].track = i
    return out[:found].copy()

"""Kernels: when moving tracks may first violate what the rows of a picture ask.

On a straight leg the distance to a point or to a straight piece is a convex function of
time, and what is to be kept grows in a straight line at most: so the gap between them is
convex, and Newton's method from the left never steps over the first time at which it closes.
"""

import numpy as np

from detente.core.geodesy import (
    CURVATURE_RADIUS_MAX_M,
    DISTANCE_ERROR_M,
    SEMI_MINOR_M,
    FloatArray,
    IntArray,
)
from detente.core.presence import TRACK_GROWTH_MAX_S
from detente.picture._jit import jit, released
from detente.picture.bands import Bands, asking_rad, own_rad, runs
from detente.picture.distance import (
    Point,
    chord_to_point,
    inside,
    plane_of,
    point_at,
    point_to_piece,
)
from detente.picture.measure import apart_m, growth_m, with_room
from detente.picture.moving import Motion, advanced, set_out
from detente.picture.tables import ROW, BoolArray, Index, Record, Records, Sieve, Tables
from detente.picture.moving import WAY

NEARING = np.dtype(
    [
        *((name, np.int64) for name in ("track", "owner")),
        *((name, np.float64) for name in ("distance_m", "error_m", "separation_m", "time_s")),
    ]
)
"""A track may violate what an owner asks: detente.core.watch.Approach, with numbers."""

_NEARINGS_ROOM = 1_024
_RUNS_ROOM = 1_024

_CLOSED_M = 1e-3
"""A gap of a millimetre counts as closed."""

_STEPS_MAX = 100
"""Newton's method takes some five; what it did not settle by then counts as closed."""

_ROUNDING_S = 1e-6
"""The microsecond of the record: windows are this much wider than what was computed."""

_EVERYWHERE_M = 10_000_000.0
"""A reach of a quarter of the earth: it counts as all of it."""

_MICROSECONDS = 1e-6

_NO_PLANE = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""Of what is no polygon: nobody looks at it."""


@jit
def chord_of(reach_m: float) -> float:
    """The longest chord whose geodesic may be no longer than ``reach_m``, or a little more.

    2 r sin(reach / 2 r) of the flattest circle, its series ended after a positive term.
    """
    if reach_m >= _EVERYWHERE_M:
        return 2 * CURVATURE_RADIUS_MAX_M
    y = (reach_m / CURVATURE_RADIUS_MAX_M) ** 2
    return float(reach_m * (1 - y / 24 * (1 - y / 80)))


@jit
def closes(  # noqa: PLR0913, PLR0917 - a kernel takes its numbers flat
    p: Point,
    v: Point,
    a: Point,
    b: Point,
    low: float,
    high: float,
    reach_m: float,
    rate: float,
    slack_m: float,
) -> float:
    """The first time in [low, high] at which a moving point is near a piece; else infinity.

    Args:
        p: Where the point is at time 0.
        v: How it moves, metres a second.
        a: An end of the piece.
        b: The other end, or the same.
        low: Seconds.
        high: Seconds.
        reach_m: How near is near, at time 0, along the surface.
        rate: How fast that grows, metres a second.
        slack_m: What is added to it as a chord.
    """
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    length2 = ux * ux + uy * uy + uz * uz
    t = low
    for _ in range(_STEPS_MAX):
        if not t <= high:
            return float(np.inf)
        x, y, z = p[0] + t * v[0] - a[0], p[1] + t * v[1] - a[1], p[2] + t * v[2] - a[2]
        if length2 > 0.0:
            s = min(1.0, max(0.0, (x * ux + y * uy + z * uz) / length2))
            x, y, z = x - s * ux, y - s * uy, z - s * uz
        apart = np.sqrt(x * x + y * y + z * z)
        gap = apart - chord_of(reach_m + rate * t) - slack_m
        if gap <= _CLOSED_M:
            return t
        # The chord grows by less than what it is the chord of.
        slope = (x * v[0] + y * v[1] + z * v[2]) / apart - rate
        if slope >= 0.0:
            return float(np.inf)
        t -= gap / slope
    return t


@jit
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


@jit
def shared_s(way: Record, b: Record, now_us: int, low: float, high: float) -> tuple[float, float]:
    """The part of [low, high], seconds from now, in which a track and a row share time and altitude."""
    # As floats: the extremes of int64 must not wrap around.
    low = max(low, (float(b.start_us) - float(now_us)) * _MICROSECONDS - _ROUNDING_S)
    high = min(high, (float(b.end_us) - float(now_us)) * _MICROSECONDS + _ROUNDING_S)
    if low > high:
        return low, high
    begin, end = while_over(way.lower_m - b.upper_m - b.vertical_m, way.sink_m_s, low, high)
    begin, end = while_over(b.lower_m - b.vertical_m - way.upper_m, way.rise_m_s, begin, end)
    return max(low, begin - _ROUNDING_S), min(high, end + _ROUNDING_S)


@jit
def meets_on_leg(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    rings: IntArray,
    vertices: FloatArray,
    b: Record,
    p: Point,
    v: Point,
    low: float,
    high: float,
    reach_m: float,
    rate: float,
    sag_m: float,
) -> float:
    """The first time in [low, high] at which a point on a leg is near a row; else infinity.

    Args:
        blocks: Of the picture.
        rings: Of the picture.
        vertices: Of the picture.
        b: The row.
        p: Where the point is at time 0.
        v: How it moves, metres a second.
        low: Seconds.
        high: Seconds.
        reach_m: How near is near, at time 0.
        rate: How fast that grows, metres a second.
        sag_m: How deep under the surface the leg runs at most.
    """
    if b.ring != b.ring_end:
        at = (p[0] + low * v[0], p[1] + low * v[1], p[2] + low * v[2])
        if inside(blocks, rings, vertices, b, plane_of(b), at):
            return low
    # Whatever lies on or under the surface is seen from below it at sqrt(d^2 + sag^2) at most.
    least = chord_of(reach_m + rate * low)
    slack = np.sqrt(least * least + sag_m * sag_m) - least
    first, last = (
        (p[0] + low * v[0], p[1] + low * v[1], p[2] + low * v[2]),
        (p[0] + high * v[0], p[1] + high * v[1], p[2] + high * v[2]),
    )
    most = reach_m + rate * high + slack + _CLOSED_M
    soonest = np.inf
    for number in range(b.block, b.block_end):
        block = blocks[number]
        near = most + block.radius
        if point_to_piece((block.x, block.y, block.z), first, last) > near * near:
            continue
        q = point_at(vertices, block.vertex)
        if block.pieces == 0:
            return closes(p, v, q, q, low, high, reach_m, rate, slack)
        for i in range(block.vertex, block.vertex + block.pieces):
            r = point_at(vertices, i + 1)
            soonest = min(
                soonest, closes(p, v, q, r, low, min(high, soonest), reach_m, rate, slack)
            )
            q = r
    return soonest


@jit
def near_row(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    rings: IntArray,
    vertices: FloatArray,
    b: Record,
    way: Record,
    number: int,
    p: Point,
    v: Point,
    now_us: int,
) -> float:
    """Seconds from now until a track, on leg ``number``, may violate what a row asks."""
    begin = number * way.leg_s
    low, high = shared_s(way, b, now_us, begin, begin + way.leg_s)
    if low > high:
        return float(np.inf)
    reach = kept_m(way, b, now_us) + DISTANCE_ERROR_M + b.error_m
    rate = way.drift_m_s
    if abs(float(now_us) - float(b.fix_us)) * _MICROSECONDS < TRACK_GROWTH_MAX_S:
        rate += b.speed_m_s
    found = meets_on_leg(
        blocks,
        rings,
        vertices,
        b,
        p,
        v,
        low - begin,
        high - begin,
        reach + rate * begin,
        rate,
        way.sag_m,
    )
    return begin + found


@jit
def kept_m(way: Record, b: Record, now_us: int) -> float:
    """How near the core of a row a track may be now without violating it, metres."""
    required = max(way.separation_m, b.separation_m)
    return float(required + way.radius_m + b.radius_m + growth_m(b, now_us, now_us))


@jit
def beside(  # noqa: PLR0913, PLR0917 - a kernel takes its numbers flat
    a: Point, u: Point, scale: float, own: float, asking: float, sieve: Sieve, j: int
) -> bool:
    """Whether row ``j`` is too far from a leg to matter.

    Args:
        a: Direction of the leg's start.
        u: From there to that of its end.
        scale: Of ``u``, one by its square; 0 if it is nothing.
        own: How far what matters lies from the leg by itself (``surround``).
        asking: What the track asks beyond that.
        sieve: Of the picture.
        j: Which row.
    """
    x, y, z = sieve[j, 0] - a[0], sieve[j, 1] - a[1], sieve[j, 2] - a[2]
    t = min(1.0, max(0.0, (x * u[0] + y * u[1] + z * u[2]) * scale))
    x, y, z = x - t * u[0], y - t * u[1], z - t * u[2]
    apart = own + sieve[j, 3] + max(asking, sieve[j, 4])
    return bool(x * x + y * y + z * z > apart * apart)


@jit
def direction(p: Point) -> Point:
    """The unit vector towards a place."""
    norm = np.sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2])
    return p[0] / norm, p[1] / norm, p[2] / norm


@jit
def surround(leg: Record, way: Record, number: int, a: Point, b: Point) -> float:
    """A leg as a row of a question, for the index; how far what matters lies from its line.

    Args:
        leg: ROW, of which what the index reads is filled in.
        way: Of the track.
        number: Of the leg.
        a: Direction of its start.
        b: Direction of its end.

    Returns:
        Radians: the disc at its largest, with room for every error.
    """
    leg.x, leg.y, leg.z = direction((a[0] + b[0], a[1] + b[1], a[2] + b[2]))
    leg.radius_m = way.radius_m + way.drift_m_s * (number + 1) * way.leg_s
    leg.separation_m, leg.error_m = way.separation_m, way.sag_m
    leg.cap = 0.0
    own = own_rad(leg)
    dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    leg.cap = np.arcsin(np.sqrt(dx * dx + dy * dy + dz * dz) / 2)
    return float(own)


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
    plane = plane_of(b) if b.ring != b.ring_end else _NO_PLANE
    chord = chord_to_point(blocks, rings, vertices, b, plane, now, np.inf)
    required = max(way.separation_m, b.separation_m)
    radii = kept_m(way, b, now_us) - required
    distance, error = apart_m(chord, radii, DISTANCE_ERROR_M + b.error_m)
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


@released
def neared(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    tracks: Records,
    order: IntArray,
    now_us: int,
    horizon_s: float,
    coast_s: float,
    picture: Tables,
    index: Index,
    bands: Bands,
    alive: BoolArray,
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
        bands: What its bands hold.
        alive: (o,) which of its owners still stand.
        alone: Whether each owner has but one row.

    Returns:
        NEARING, at most one a track and owner.
    """
    blocks, rings, vertices, rows = picture.blocks, picture.rings, picture.vertices, picture.rows
    keys, sieve = index.keys, index.sieve
    way, leg = np.zeros(1, dtype=WAY)[0], np.zeros(1, dtype=ROW)[0]
    around = np.empty((_RUNS_ROOM, 2), dtype=np.int64)
    out = np.empty(_NEARINGS_ROOM, dtype=NEARING)
    found = 0
    for i in order:
        legs, motion = set_out(tracks[i], now_us, horizon_s, coast_s, way)
        now, begun = (motion[0], motion[1], motion[2]), found
        for number in range(legs):
            p, a = (motion[0], motion[1], motion[2]), direction((motion[0], motion[1], motion[2]))
            motion = advanced(motion, way.leg_m)
            v = (0.0, 0.0, 0.0)
            if way.leg_m > 0.0:
                v = (
                    (motion[0] - p[0]) / way.leg_s,
                    (motion[1] - p[1]) / way.leg_s,
                    (motion[2] - p[2]) / way.leg_s,
                )
            c = direction((motion[0], motion[1], motion[2]))
            u = (c[0] - a[0], c[1] - a[1], c[2] - a[2])
            length2 = u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
            scale = 1.0 / length2 if length2 > 0.0 else 0.0
            own, asking = surround(leg, way, number, a, c), asking_rad(leg)
            count = runs(keys, bands, leg, around)
            if count > len(around):
                around = np.empty((count, 2), dtype=np.int64)
                runs(keys, bands, leg, around)
            for k in range(count):
                for j in range(around[k, 0], around[k, 1]):
                    if beside(a, u, scale, own, asking, sieve, j):
                        continue
                    b = rows[j]
                    time_s = near_row(blocks, rings, vertices, b, way, number, p, v, now_us)
                    if time_s == np.inf or not alive[b.owner]:
                        continue
                    if found == len(out):
                        out = with_room(out, found + 1)
                    out[found].track = i
                    write(blocks, rings, vertices, b, way, now, now_us, time_s, out[found])
                    found += 1
        if legs > 1 or not alone:
            found = soonest(out, begun, found)
    return out[:found].copy()

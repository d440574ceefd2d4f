"""The one query: which items does each volume of a question meet?

Space, altitude, time and separation are decided here, in compiled code, by the
bounds of docs/adr/0004: distance minus error is compared with the separation.
"""

from typing import NamedTuple

import numba
import numpy as np

from detente.core.geodesy import (
    CURVATURE_RADIUS_MAX_M,
    CURVATURE_RADIUS_MIN_M,
    DISTANCE_ERROR_M,
    SEMI_MINOR_M,
    FloatArray,
    IntArray,
)
from detente.core.presence import TRACK_GROWTH_MAX_S
from detente.picture._jit import jit, parallel
from detente.picture.bands import Bands, runs
from detente.picture.distance import chord_between
from detente.picture.outline import Outlines

_RUNS_ROOM = 4_096
"""Runs kept on the first try; a continent-sized question asks again with more."""

_HALF_MERIDIAN_M = 20_003_931.5
_MICROSECONDS = 1e-6


class Items(NamedTuple):
    """One row per (object, volume, shape), n rows.

    ``owner`` the object's number; ``lower_m``, ``upper_m`` metres above the
    ellipsoid (infinite where unbounded); ``start_us``, ``end_us`` microseconds
    (extremes of int64 where unbounded); ``separation_m`` what the item asks
    around itself; ``vertical_m`` the same in height; ``mutual_m`` and
    ``mutual_vertical_m`` what it asks of plans only, which is so for plans: each
    of two keeps what the other asks, whichever of them is the question (R-07);
    ``speed_m_s`` and ``fix_us`` how a track grows; ``plan`` 1 for a plan, else 0.
    """

    owner: IntArray
    lower_m: FloatArray
    upper_m: FloatArray
    start_us: IntArray
    end_us: IntArray
    separation_m: FloatArray
    vertical_m: FloatArray
    mutual_m: FloatArray
    mutual_vertical_m: FloatArray
    speed_m_s: FloatArray
    fix_us: IntArray
    plan: IntArray


@jit
def growth_m(items: Items, j: int, start_us: int, end_us: int) -> float:
    """How far item ``j`` may have moved from its fix within a window, metres."""
    if items.speed_m_s[j] == 0.0:
        return 0.0
    # As floats: the extremes of int64 must not wrap around.
    fix = float(items.fix_us[j])
    away_s = max(abs(float(start_us) - fix), abs(float(end_us) - fix)) * _MICROSECONDS
    return float(items.speed_m_s[j]) * min(away_s, float(TRACK_GROWTH_MAX_S))


@jit
def bounds_of_chord(chord_m: float) -> tuple[float, float]:
    """Middle and half-width of the bounds of the geodesic over a chord, metres.

    A geodesic bends everywhere between the two extreme curvatures, so its
    length lies between those of circular arcs over the same chord. Near the
    antipode the upper arc ends at half its circle; no geodesic of WGS 84 is
    longer than half a meridian's ellipse, 20,003.9 km.
    """
    half = chord_m / 2
    low = 2 * CURVATURE_RADIUS_MAX_M * np.arcsin(min(1.0, half / CURVATURE_RADIUS_MAX_M))
    high = _HALF_MERIDIAN_M
    if half < CURVATURE_RADIUS_MIN_M:
        high = 2 * CURVATURE_RADIUS_MIN_M * np.arcsin(half / CURVATURE_RADIUS_MIN_M)
    return (low + high) / 2, (high - low) / 2


@jit
def meet(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    question: Items,
    shapes: Outlines,
    i: int,
    items: Items,
    outlines: Outlines,
    j: int,
    out: FloatArray,
) -> bool:
    """Whether volume ``i`` of a question meets item ``j``; fills ``out``.

    Args:
        question: Volumes of plans; ``separation_m`` is their hazard radius.
        shapes: Their outlines.
        i: Which of them.
        items: What is in the picture.
        outlines: Their outlines.
        j: Which of them.
        out: (3,) distance, error, required separation, in metres.
    """
    # 1. Time and altitude, closed intervals; and what must be kept.
    if question.start_us[i] > items.end_us[j] or items.start_us[j] > question.end_us[i]:
        return False
    vertical = max(question.vertical_m[i], items.vertical_m[j])
    required = max(question.separation_m[i], items.separation_m[j])
    if question.plan[i] and items.plan[j]:
        vertical = max(vertical, question.mutual_vertical_m[i], items.mutual_vertical_m[j])
        required = max(required, question.mutual_m[i], items.mutual_m[j])
    if question.lower_m[i] > items.upper_m[j] + vertical:
        return False
    if items.lower_m[j] > question.upper_m[i] + vertical:
        return False
    # 2. How far the cores may be for it to matter.
    radii = shapes.shape_radius_m[i] + outlines.shape_radius_m[j]
    radii += growth_m(items, j, question.start_us[i], question.end_us[i])
    error = DISTANCE_ERROR_M + shapes.shape_error_m[i] + outlines.shape_error_m[j]
    # 3. Caps: a straight line through the earth is never longer than the geodesic.
    a, b = shapes.shape_centre[i], outlines.shape_centre[j]
    dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    between = 2 * np.arcsin(min(1.0, np.sqrt(dx * dx + dy * dy + dz * dz) / 2))
    caps = shapes.shape_cap[i] + outlines.shape_cap[j]
    if (between - caps) * SEMI_MINOR_M > required + radii + error + 1.0:
        return False
    # 4. The cores themselves.
    middle, half = bounds_of_chord(chord_between(shapes, i, outlines, j))
    error += half
    distance = middle - radii
    if distance - error > required:
        return False
    # Touching is 0: what the kernels cannot tell from it, they widen the error by.
    if distance <= DISTANCE_ERROR_M:
        error += max(distance, 0.0)
        distance = 0.0
    out[0] = distance
    out[1] = error
    out[2] = required
    return True


@jit
def candidates(index: Bands, centre: FloatArray, reach_rad: float) -> IntArray:
    """All runs of the index that may matter to a cap; (m, 2) int64."""
    out = np.empty((_RUNS_ROOM, 2), dtype=np.int64)
    found = runs(index.keys, centre, reach_rad, out)
    if found > len(out):
        out = np.empty((found, 2), dtype=np.int64)
        runs(index.keys, centre, reach_rad, out)
    return out[:found]


@jit
def meetings_of(
    question: Items,
    shapes: Outlines,
    i: int,
    index: Bands,
    items: Items,
    outlines: Outlines,
) -> tuple[IntArray, FloatArray]:
    """Everything that volume ``i`` meets: item numbers, and (distance, error, separation)."""
    asking = max(question.separation_m[i], question.mutual_m[i])
    reach = shapes.shape_radius_m[i] + asking + shapes.shape_error_m[i] + 1.0
    asked = candidates(index, shapes.shape_centre[i], shapes.shape_cap[i] + reach / SEMI_MINOR_M)
    which = np.empty(64, dtype=np.int64)
    values = np.empty((64, 3), dtype=np.float64)
    found = 0
    for k in range(len(asked)):
        for place in range(asked[k, 0], asked[k, 1]):
            j = index.item[place]
            if found == len(which):
                which = np.concatenate((which, np.empty_like(which)))
                values = np.concatenate((values, np.empty_like(values)))
            if meet(question, shapes, i, items, outlines, j, values[found]):
                which[found] = j
                found += 1
    return which[:found], values[:found]


@parallel
def meetings(
    question: Items, shapes: Outlines, index: Bands, items: Items, outlines: Outlines
) -> tuple[IntArray, IntArray, FloatArray]:
    """All meetings of all volumes of a question, in parallel.

    Returns:
        (m,) volume numbers, (m,) item numbers, (m, 3) distance, error and
        required separation in metres; ordered by volume.
    """
    n = len(question.owner)
    which = [np.empty(0, dtype=np.int64) for _ in range(n)]
    values = [np.empty((0, 3), dtype=np.float64) for _ in range(n)]
    for i in numba.prange(n):
        which[i], values[i] = meetings_of(question, shapes, i, index, items, outlines)
    total = 0
    for i in range(n):
        total += len(which[i])
    volumes = np.empty(total, dtype=np.int64)
    found = np.empty(total, dtype=np.int64)
    numbers = np.empty((total, 3), dtype=np.float64)
    at = 0
    for i in range(n):
        m = len(which[i])
        volumes[at : at + m] = i
        found[at : at + m] = which[i]
        numbers[at : at + m] = values[i]
        at += m
    return volumes, found, numbers

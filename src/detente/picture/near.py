"""Kernels: which rows may meet, before how far they are apart is measured."""

from detente.core.geodesy import DISTANCE_ERROR_M, SEMI_MINOR_M, IntArray
from detente.core.presence import TRACK_GROWTH_MAX_S
from detente.picture._jit import inlined
from detente.picture.bands import passed_over
from detente.picture.packed import terms_at
from detente.picture.tables import Record, Records, Sieve

_ROUNDING_M = 1e-6
"""More than the kernels round; a chord is squared on its way."""

_MICROSECONDS = 1e-6


@inlined
def growth_m(row: Record, start_us: int, end_us: int) -> float:
    """How far a track may have moved from its fix within a window, metres."""
    if row.speed_m_s == 0.0:
        return 0.0
    # As floats: the extremes of int64 must not wrap around.
    fix = float(row.fix_us)
    away_s = max(abs(float(start_us) - fix), abs(float(end_us) - fix)) * _MICROSECONDS
    return float(row.speed_m_s) * min(away_s, float(TRACK_GROWTH_MAX_S))


@inlined
def keep_m(a: Record, b: Record) -> tuple[float, float]:
    """What two rows keep from each other, metres: across, and in height.

    Args:
        a: ROW.
        b: ROW or TERMS, as in all that follows.
    """
    across = max(a.separation_m, b.separation_m)
    up = max(a.vertical_m, b.vertical_m)
    if a.plan and b.plan:
        across = max(across, a.mutual_m, b.mutual_m)
        up = max(up, a.mutual_vertical_m, b.mutual_vertical_m)
    return across, up


@inlined
def share(a: Record, b: Record, terms: Record) -> bool:
    """Whether a row of a question shares time and altitude, closed intervals, with another.

    Args:
        a: ROW, of the question.
        b: ROW or LEAN, of the picture.
        terms: Of ``b``: itself, or its TERMS.
    """
    _, up = keep_m(a, terms)
    time = (a.start_us <= b.end_us) & (b.start_us <= a.end_us)
    return bool(time & (a.lower_m <= terms.upper_m + up) & (terms.lower_m <= a.upper_m + up))


@inlined
def reaches(a: Record, b: Record, terms: Record, cap: float) -> bool:
    """Whether two rows may be near enough, before their cores are measured.

    Args:
        a: As of ``share``.
        b: As of ``share``.
        terms: As of ``share``.
        cap: How far ``b`` reaches around its centre, radians.
    """
    required, _ = keep_m(a, terms)
    # Caps: a straight line through the earth is never longer than the geodesic.
    dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
    reach = required + a.radius_m + terms.radius_m + growth_m(terms, a.start_us, a.end_us)
    reach += DISTANCE_ERROR_M + a.error_m + terms.error_m + 1.0
    # The chord between two directions is never longer than their angle.
    apart = a.cap + cap + reach / SEMI_MINOR_M
    return bool(dx * dx + dy * dy + dz * dz <= apart * apart)


@inlined
def around_m(a: Record, b: Record) -> tuple[float, float]:
    """How far two rows reach around their cores together, and the error of it, metres."""
    radii = a.radius_m + b.radius_m + growth_m(b, a.start_us, a.end_us)
    return radii, DISTANCE_ERROR_M + (a.error_m + b.error_m)


@inlined
def farthest_m(a: Record, b: Record) -> float:
    """From what chord on two cores are too far apart: none is longer than its geodesic."""
    required, _ = keep_m(a, b)
    radii, error = around_m(a, b)
    return required + radii + error + _ROUNDING_M


@inlined
def sift(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    row: Record,
    own: float,
    asking: float,
    rows: Records,
    terms: Records,
    sieve: Sieve,
    first: int,
    end: int,
    out: IntArray,
) -> int:
    """Which of the rows [first, end) of a picture are not ``passed_over`` and ``share``.

    Without a branch: nobody can guess which way it goes.

    Args:
        row: As of ``passed_over``.
        own: As of ``passed_over``.
        asking: As of ``passed_over``.
        rows: LEAN, of the picture.
        terms: TERMS, of the picture.
        sieve: As of ``passed_over``.
        first: Of the rows.
        end: Of the rows.
        out: Filled with them.

    Returns:
        How many they are.
    """
    some, sieve, count = rows[first:end], sieve[first:end], 0
    for j in range(len(some)):
        b = some[j]
        out[count] = first + j
        shared = share(row, b, terms_at(terms, b))
        count += int(shared & (not passed_over(row, own, asking, sieve, j)))
    return count

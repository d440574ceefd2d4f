"""The index: bands of latitude, sorted by longitude within each band.

Rows stand in the order of (class of reach, band, longitude), which are one
64-bit key each. A question asks, class by class, every band that its cap touches, widened by
what the rows of the class reach at most, with one or two searches a band, as far in longitude
as the cap reaches there. A cap that holds a pole asks whole bands, and one
that crosses the antimeridian asks two runs, so neither is a special place.

The latitude here is geocentric (of the direction), since caps are caps of
directions; the angle between two directions is at most distance / SEMI_MINOR_M.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detente.core.geodesy import DISTANCE_ERROR_M, SEMI_MINOR_M, FloatArray, IntArray
from detente.core.presence import TRACK_GROWTH_MAX_S
from detente.picture._jit import inlined, jit, released, released_if_many
from detente.picture.tables import Index, Record, Records, Sieve

BAND_RAD = np.array([1.6e-4, 6.4e-4, 2.56e-3, 1.024e-2, 4.096e-2, 0.16384, 3.2])
"""Class limits of reach and heights of bands: 1 km, 4, 16, 65, 260, 1,040 km, all.
An item is in the lowest class whose limit its reach does not exceed."""

_LONGITUDE_CELLS = 1 << 31
_TWO_CELLS_RAD = 4 * np.pi / _LONGITUDE_CELLS
"""Runs whose ends are no further apart may share a cell."""

_BAND_SHIFT = 32
_CLASS_SHIFT = 52

_FIRST_BAND = np.cumsum([0, *(int(np.pi / height) + 1 for height in BAND_RAD)])
"""The number of each class's first band, and of all."""

_SECTORS = 1_024
"""Of longitude, 39 km at the equator: a bit for each band of each is 3 MB."""

_SECTOR_SHIFT = 21
_SECTOR_RAD = 2 * np.pi / _SECTORS
_SECTOR_SLACK = 1e-5
"""Of a sector, 0.4 m: more than the rounding of longitudes to cells."""

_RUNS_ROOM = 1_024
"""Runs kept on the first try; a continent-sized question asks again with more."""

_COUNTED = 256
"""Keys that are counted sooner than two are searched."""

_CELL_MASK = _LONGITUDE_CELLS - 1
_BAND_MASK = (1 << (_CLASS_SHIFT - _BAND_SHIFT)) - 1

_SLACK_RAD = 1e-9
"""6 mm: more than the rounding of angles and of longitude cells (3 nrad)."""

_REACH_MARGIN_M = 1.0
"""Above every error that the kernels add (at most 0.05 m + two edges of 0.4 m)."""

_ROUNDED_UP = 1.000001
_ROUNDED_RAD = 1e-7
"""More than float32 takes from a number, and from a direction (0.05 microradian, 0.33 m)."""


@released_if_many
def keys_of(rows: Records) -> IntArray:
    """Where each row stands in the index, (n,) int64, by how far it matters around its centre."""
    out = np.empty(len(rows), dtype=np.int64)
    for i in range(len(rows)):
        out[i] = key_of(rows[i])
    return out


@released_if_many
def index_of(order: IntArray, keys: IntArray, rows: Records) -> Index:
    """The index of rows, in the order of their keys.

    Args:
        order: (n,) int64, which row comes first, and so on.
        keys: ``keys_of`` the rows.
        rows: In any order.
    """
    return in_order(order, keys, rows)


@jit
def in_order(order: IntArray, keys: IntArray, rows: Records) -> Index:
    """As ``index_of``."""
    sieve = sieve_of(order, rows)
    return Index(keys[order], sieve, reach_of(keys[order], sieve))


@jit
def sieve_of(order: IntArray, rows: Records) -> Sieve:
    """What is looked at first of each row: ``Index.sieve``."""
    out = np.empty((len(order), 5), dtype=np.float32)
    for i in range(len(order)):
        row = rows[order[i]]
        out[i, 0], out[i, 1], out[i, 2] = row.x, row.y, row.z
        out[i, 3] = own_rad(row) * _ROUNDED_UP + _ROUNDED_RAD
        out[i, 4] = asking_rad(row) * _ROUNDED_UP
    return out


@jit
def reach_of(keys: IntArray, sieve: Sieve) -> FloatArray:
    """How far the rows of each class reach at most: ``Index.reach``.

    Most classes hold less than they may: places alone reach as far as they ask.
    """
    out = np.zeros(len(BAND_RAD))
    for i in range(len(keys)):
        level = keys[i] >> _CLASS_SHIFT
        out[level] = max(out[level], np.float64(sieve[i, 3]) + np.float64(sieve[i, 4]))
    return out


@inlined
def passed_over(row: Record, own: float, asking: float, sieve: Sieve, j: int) -> bool:
    """Whether row ``j`` of a picture is too far from a row of a question to matter to it.

    Args:
        row: Of the question.
        own: Its ``own_rad``.
        asking: Its ``asking_rad``.
        sieve: Of the picture.
        j: Which row.
    """
    # The chord between two directions is never longer than their angle.
    dx, dy, dz = row.x - sieve[j, 0], row.y - sieve[j, 1], row.z - sieve[j, 2]
    apart = own + sieve[j, 3] + max(asking, sieve[j, 4])
    return bool(dx * dx + dy * dy + dz * dz > apart * apart)


@jit
def own_rad(row: Record) -> float:
    """How far a row reaches around its centre by itself, with room for every error."""
    beyond_m = row.radius_m + row.speed_m_s * TRACK_GROWTH_MAX_S
    beyond_m += row.error_m + DISTANCE_ERROR_M + _REACH_MARGIN_M
    return float(row.cap + beyond_m / SEMI_MINOR_M)


@jit
def asking_rad(row: Record) -> float:
    """What a row asks of others to keep, at most."""
    return float(max(row.separation_m, row.mutual_m) / SEMI_MINOR_M)


@jit
def key_of(row: Record) -> int:
    """The key of one row: class of reach, band, longitude."""
    reach_rad = own_rad(row) + asking_rad(row)
    level = 0
    while level < len(BAND_RAD) - 1 and BAND_RAD[level] < reach_rad:
        level += 1
    lat = np.arcsin(min(1.0, max(-1.0, row.z))) + np.pi / 2
    lon = np.arctan2(row.y, row.x) + np.pi
    band = int(lat / BAND_RAD[level])
    cell = min(int(lon / (2 * np.pi) * _LONGITUDE_CELLS), _LONGITUDE_CELLS - 1)
    return int((level << _CLASS_SHIFT) | (band << _BAND_SHIFT) | cell)


@jit
def first_at_least(keys: IntArray, wanted: int, low: int = 0) -> int:
    """The first place from ``low`` on in sorted ``keys`` that is not below ``wanted``."""
    length = len(keys) - low
    # Without a branch on what is read: nobody can guess which way it goes.
    while length > 0:
        half = (length + 1) >> 1
        low += half * (keys[low + half - 1] < wanted)
        length -= half
    return low


@jit
def first_at_least_from(keys: IntArray, wanted: int, start: int) -> int:
    """The same, where it is known not to lie before ``start``, and likely to lie near it."""
    low, step = start, 8
    while low + step < len(keys) and keys[low + step] < wanted:
        low += step
        step *= 2
    return low + first_at_least(keys[low : min(low + step + 1, len(keys))], wanted)


@jit
def below(keys: IntArray, first: int, last: int) -> tuple[int, int]:
    """How many of a few keys are below each of two: a processor compares eight at once."""
    below_first = below_last = 0
    for i in range(len(keys)):
        below_first += int(keys[i] < first)
        below_last += int(keys[i] < last)
    return below_first, below_last


class Bands(NamedTuple):
    """What the bands of some keys hold: for whoever asks so often that it pays to know.

    All bands of all classes are numbered through, class by class, from the south.
    ``starts`` (b + 1,) int64: where each begins, and the last ends. ``held`` (_SECTORS, w)
    uint64: by sector of longitude a bit a band, set where the band holds anything there.
    ``levels`` (c + 1,) int64: where each class begins, and the last ends. Those that are empty
    are not known.
    """

    starts: IntArray
    held: npt.NDArray[np.uint64]
    levels: IntArray


@released
def bands_of(keys: IntArray) -> Bands:
    """What the bands of sorted ``keys`` hold."""
    count = _FIRST_BAND[-1]
    starts = np.zeros(count + 1, dtype=np.int64)
    held = np.zeros((_SECTORS, (count >> 6) + 1), dtype=np.uint64)
    for key in keys:
        level = key >> _CLASS_SHIFT
        band = _FIRST_BAND[level] + ((key >> _BAND_SHIFT) & _BAND_MASK)
        sector = (key & _CELL_MASK) >> _SECTOR_SHIFT
        starts[band + 1] += 1
        held[sector, band >> 6] |= np.uint64(1) << np.uint64(band & 63)
    for band in range(count):
        starts[band + 1] += starts[band]
    return Bands(starts, held, starts[_FIRST_BAND])


UNKNOWN_BANDS = Bands(
    np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.uint64), np.empty(0, dtype=np.int64)
)
"""Nothing is known of them: they are searched."""


@jit
def levels_of(keys: IntArray, out: IntArray) -> None:
    """Where each class of sorted ``keys`` begins, and the last ends, into ``out``."""
    for level in range(len(BAND_RAD)):
        out[level] = first_at_least(keys, level << _CLASS_SHIFT)
    out[len(BAND_RAD)] = len(keys)


@jit
def holds(held: npt.NDArray[np.uint64], band: int, west: float, east: float) -> bool:
    """Whether a band holds anything near the longitudes from west to east, which may overhang."""
    first = int(np.floor(west / _SECTOR_RAD - _SECTOR_SLACK))
    last = int(np.floor(east / _SECTOR_RAD + _SECTOR_SLACK))
    if last - first >= _SECTORS:
        return True
    word, bit = band >> 6, np.uint64(1) << np.uint64(band & 63)
    for sector in range(first, last + 1):  # noqa: SIM110 - compiled
        if held[sector % _SECTORS, word] & bit:
            return True
    return False


@jit
def widest(reach: float, across: float) -> float:
    """How far a cap that holds no pole reaches along its parallel, in longitude, or a little more.

    Args:
        reach: The cap's radius.
        across: The sine of its centre's angle from a pole.
    """
    # The spherical right triangle with its widest meridian; no sine is longer than its arc,
    # and no arc than its tangent.
    ratio = reach / across
    if ratio > 0.5:  # noqa: PLR2004 - where the tangent is 15 % longer
        return float(np.arcsin(min(1.0, np.sin(min(reach, np.pi / 2)) / across)))
    return float(ratio / np.sqrt(1.0 - ratio * ratio))


@jit
def room_for_runs() -> IntArray:
    """Room for the runs of most questions, (m, 2) int64."""
    return np.empty((_RUNS_ROOM, 2), dtype=np.int64)


@inlined
def within(reach: float, beyond: float, across: float, height: float, width: float) -> float:
    """How far a cap reaches in longitude within a band, or a little more.

    By the haversine, of a place as far from the centre's parallel as the band is, half of it has
    the sine sqrt(sin((r + b) / 2) sin((r - b) / 2) / (cos cos)); no sine is longer than its arc.

    Args:
        reach: The cap's radius.
        beyond: How far the band is from the parallel of its centre; below 0 where it holds it.
        across: The sine of the centre's angle from a pole.
        height: Of the band.
        width: How far the cap reaches at its ``widest``; pi where it holds a pole.
    """
    # No place of the band is nearer to a pole than that.
    least_across = across - reach - height
    if not (0.0 < beyond < reach and least_across > 0.0 and width < np.pi):
        return width
    square = (reach - beyond) * (reach + beyond) / (4.0 * across * least_across)
    # An arc is shorter than its tangent; above a half there is nothing to gain.
    if square > 0.25:  # noqa: PLR2004 - as said
        return width
    return float(min(width, 2.0 * np.sqrt(square / (1.0 - square)) + _SLACK_RAD))


@jit
def runs(keys: IntArray, reaches: FloatArray, bands: Bands, row: Record, out: IntArray) -> int:
    """All runs of ``keys`` that may reach a row of a question, as [start, end) in ``out``.

    Args:
        keys: Sorted, of the rows of a picture.
        reaches: ``Index.reach`` of them.
        bands: Of ``keys``, or UNKNOWN_BANDS.
        row: Of the question.
        out: (m, 2) int64; filled as far as it has room.

    Returns:
        The number of runs there are; if above m, ask again with more room.
    """
    reach_rad = own_rad(row) + asking_rad(row)
    lat = np.arcsin(min(1.0, max(-1.0, row.z))) + np.pi / 2
    lon = np.arctan2(row.y, row.x) + np.pi
    across = np.sqrt(row.x * row.x + row.y * row.y)
    starts, held, levels = bands.starts, bands.held, bands.levels
    found, end = 0, 0
    for level in range(len(BAND_RAD)):
        below = _FIRST_BAND[level]
        if len(levels):
            start, end = levels[level], levels[level + 1]
        else:
            start, end = end, first_at_least(keys, (level + 1) << _CLASS_SHIFT)
        if start == end:
            continue
        height = BAND_RAD[level]
        reach = reach_rad + min(reaches[level], height) + _SLACK_RAD
        width = np.pi
        if lat - reach > 0.0 and lat + reach < np.pi:
            width = widest(reach, across) + _SLACK_RAD
        for band in range(
            int(max(0.0, lat - reach) / height), int(min(np.pi, lat + reach) / height) + 1
        ):
            beyond = max(band * height - lat, lat - (band + 1) * height) - _SLACK_RAD
            aside = within(reach, beyond, across, height, width)
            west, east = lon - aside, lon + aside
            if len(starts):
                if not holds(held, below + band, west, east):
                    continue
                start, end_of_band = starts[below + band], starts[below + band + 1]
            else:
                end_of_band = end
            base = (level << _CLASS_SHIFT) | (band << _BAND_SHIFT)
            found = band_runs(keys[:end_of_band], start, base, west, east, out, found)
    return found


@jit
def band_runs(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    keys: IntArray, start: int, base: int, west: float, east: float, out: IntArray, found: int
) -> int:
    """The one or two runs of a band between two longitudes; 0 to 2 pi, may overhang.

    No row is in both: whoever is asked once answers once. The band does not begin before
    ``start``.
    """
    turn = 2 * np.pi
    if east - west >= turn - _TWO_CELLS_RAD:
        return add_run(keys, start, base, 0.0, turn, out, found)
    if west < 0.0:
        found = add_run(keys, start, base, west + turn, turn, out, found)
        return add_run(keys, start, base, 0.0, east, out, found)
    if east > turn:
        found = add_run(keys, start, base, west, turn, out, found)
        return add_run(keys, start, base, 0.0, east - turn, out, found)
    return add_run(keys, start, base, west, east, out, found)


@jit
def add_run(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    keys: IntArray, start: int, base: int, west: float, east: float, out: IntArray, found: int
) -> int:
    """One run of a band, if it holds anything."""
    low = int(west / (2 * np.pi) * _LONGITUDE_CELLS)
    high = int(east / (2 * np.pi) * _LONGITUDE_CELLS) + 1
    first, last = base | max(0, low), base + min(high, _LONGITUDE_CELLS)
    if len(keys) - start <= _COUNTED:
        before, before_end = below(keys[start:], first, last)
        start, end = start + before, start + before_end
    else:
        start = first_at_least(keys, first, start)
        end = first_at_least_from(keys, last, start)
    if start == end:
        return found
    if found < len(out):
        out[found, 0], out[found, 1] = start, end
    return found + 1

"""The index: bands of latitude, sorted by longitude within each band.

Items are sorted by (class of reach, band, longitude) in one array of 64-bit
keys. A question asks, class by class, every band that its cap touches, with one
or two binary searches a band. A cap that holds a pole asks whole bands, and one
that crosses the antimeridian asks two runs, so neither is a special place.

The latitude here is geocentric (of the direction), since caps are caps of
directions; the angle between two directions is at most distance / SEMI_MINOR_M.
"""

from typing import NamedTuple

import numpy as np

from detente.core.geodesy import FloatArray, IntArray
from detente.picture._jit import jit

BAND_RAD = np.array([1.6e-4, 6.4e-4, 2.56e-3, 1.024e-2, 4.096e-2, 0.16384, 3.2])
"""Class limits of reach and heights of bands: 1 km, 4, 16, 65, 260, 1,040 km, all.
An item is in the lowest class whose limit its reach does not exceed."""

_LONGITUDE_CELLS = 1 << 31
_BAND_SHIFT = 32
_CLASS_SHIFT = 52

_SLACK_RAD = 1e-9
"""6 mm: more than the rounding of angles and of longitude cells (3 nrad)."""


class Bands(NamedTuple):
    """``keys`` (n,) int64 sorted; ``item`` (n,) int64, the item at each key."""

    keys: IntArray
    item: IntArray


def bands(centre: FloatArray, reach_rad: FloatArray) -> Bands:
    """Sort items into bands.

    Args:
        centre: (n, 3) float64 unit vectors.
        reach_rad: (n,) float64, how far an item matters around its centre.
    """
    level = np.minimum(np.searchsorted(BAND_RAD, reach_rad), len(BAND_RAD) - 1)
    lat = np.arcsin(np.clip(centre[:, 2], -1, 1)) + np.pi / 2
    lon = np.arctan2(centre[:, 1], centre[:, 0]) + np.pi
    row = (lat / BAND_RAD[level]).astype(np.int64)
    cell = np.minimum((lon / (2 * np.pi) * _LONGITUDE_CELLS).astype(np.int64), _LONGITUDE_CELLS - 1)
    key = (level.astype(np.int64) << _CLASS_SHIFT) | (row << _BAND_SHIFT) | cell
    order = np.argsort(key, kind="stable")
    return Bands(keys=key[order], item=order.astype(np.int64))


@jit
def first_at_least(keys: IntArray, wanted: int) -> int:
    """The first place in sorted ``keys`` that is not below ``wanted``."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@jit
def runs(keys: IntArray, centre: FloatArray, reach_rad: float, out: IntArray) -> int:
    """All runs of ``keys`` that may reach a cap, as [start, end) in ``out``.

    Args:
        keys: Of Bands.
        centre: (3,) unit vector of the question.
        reach_rad: How far the question itself matters around its centre.
        out: (m, 2) int64; filled as far as it has room.

    Returns:
        The number of runs there are; if above m, ask again with more room.
    """
    lat = np.arcsin(min(1.0, max(-1.0, centre[2]))) + np.pi / 2
    lon = np.arctan2(centre[1], centre[0]) + np.pi
    found = 0
    for level in range(len(BAND_RAD)):
        base = level << 52
        if first_at_least(keys, base) == first_at_least(keys, base + (1 << 52)):
            continue
        cap = reach_rad + BAND_RAD[level] + _SLACK_RAD
        width = np.pi
        if lat - cap > 0.0 and lat + cap < np.pi:
            # The widest meridian of a cap that holds no pole (spherical right triangle).
            width = np.arcsin(min(1.0, np.sin(min(cap, np.pi / 2)) / np.sin(lat))) + _SLACK_RAD
        first = int(max(0.0, lat - cap) / BAND_RAD[level])
        last = int(min(np.pi, lat + cap) / BAND_RAD[level])
        for row in range(first, last + 1):
            found = row_runs(keys, base | (row << 32), lon - width, lon + width, out, found)
    return found


@jit
def row_runs(keys: IntArray, base: int, west: float, east: float, out: IntArray, found: int) -> int:
    """The one or two runs of a band between two longitudes; 0 to 2 pi, may overhang."""
    turn = 2 * np.pi
    if east - west >= turn:
        return add_run(keys, base, 0.0, turn, out, found)
    if west < 0.0:
        found = add_run(keys, base, west + turn, turn, out, found)
        return add_run(keys, base, 0.0, east, out, found)
    if east > turn:
        found = add_run(keys, base, west, turn, out, found)
        return add_run(keys, base, 0.0, east - turn, out, found)
    return add_run(keys, base, west, east, out, found)


@jit
def add_run(keys: IntArray, base: int, west: float, east: float, out: IntArray, found: int) -> int:
    """One run of a band, if it holds anything."""
    cells = float(1 << 31)
    low = int(west / (2 * np.pi) * cells)
    high = int(east / (2 * np.pi) * cells) + 1
    start = first_at_least(keys, base | max(0, low))
    end = first_at_least(keys, base + min(high, 1 << 31))
    if start == end:
        return found
    if found < len(out):
        out[found, 0], out[found, 1] = start, end
    return found + 1

"""The cover: which small cells of latitude and longitude anything of a picture may reach.

Most recorded positions are near nothing. Whether a leg between two of them may be near
anything is asked of bits, by degrees as they were recorded, before a sine is worked out.
A bit may only be set too often: what is let through is measured as any plan is.

Source: docs/adr/0022.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detente.core.geodesy import ECCENTRICITY_SQUARED, SEMI_MINOR_M, IntArray
from detente.picture._jit import inlined, jit, released
from detente.picture.bands import asking_rad, own_rad
from detente.picture.tables import Records

CELLS_PER_DEG = 128
"""Some 870 m of latitude: as fine as what most notices ask around themselves."""

PAGE_CELLS = 64
"""Cells on a side of a page, which are the bits of a word."""

PAGES_SOUTH_NORTH = 180 * CELLS_PER_DEG // PAGE_CELLS + 1
PAGES_WEST_EAST = 360 * CELLS_PER_DEG // PAGE_CELLS + 1
"""One more than a turn: 90 N and 180 E lie on a page as well."""

LEG_CELLS_MAX = 64
"""A leg over more cells is not asked of bits: it is measured."""

_NO_PAGE = -1
_HALF_TURN_DEG = 180.0

_BULGE_M = 50.0
"""A geodesic over half a degree of longitude, the most that LEG_CELLS_MAX cells span, leaves
the latitudes of its ends by at most (0.5 deg)^2 / 16 of the earth's radius, 31 m."""

_SLACK_DEG = 1e-7
"""A centimetre: more than angles are rounded by."""

_POLAR_DEG = 89.0
"""Nearer to a pole everything is measured: a leg there may leave the latitudes of its ends."""

Words = npt.NDArray[np.uint64]
FloatArray = npt.NDArray[np.float64]
CodeArray = npt.NDArray[np.int32]


class Cover(NamedTuple):
    """Bits of cells that something may reach.

    ``pages`` (PAGES_SOUTH_NORTH, PAGES_WEST_EAST) int32, the number of a page or -1 for one
    of no bits; ``bits`` (p, PAGE_CELLS) uint64, a word a row of cells from the south, its
    lowest bit the west.
    """

    pages: CodeArray
    bits: Words


def cover_of(rows: Records, within_m: float) -> Cover:
    """The cells within ``within_m``, or what a row asks if that is more, of any row.

    Args:
        rows: ROW.
        within_m: The least distance that matters.
    """
    pages = np.full((PAGES_SOUTH_NORTH, PAGES_WEST_EAST), _NO_PAGE, dtype=np.int32)
    boxes = boxes_of(rows, within_m / SEMI_MINOR_M)
    count = numbered(boxes, pages)
    bits = np.zeros((count, PAGE_CELLS), dtype=np.uint64)
    marked(boxes, pages, bits)
    return Cover(pages, bits)


@released
def boxes_of(rows: Records, within_rad: float) -> IntArray:
    """Cells from south to north and west to east of each row, (n, 4) int64, ends included.

    The east may lie beyond a turn: then the box goes around the antimeridian.
    """
    out = np.empty((len(rows), 4), dtype=np.int64)
    for i in range(len(rows)):
        row = rows[i]
        reach = own_rad(row) + max(asking_rad(row), within_rad) + _BULGE_M / SEMI_MINOR_M
        lat = np.arcsin(min(1.0, max(-1.0, row.z)))
        lon = np.degrees(np.arctan2(row.y, row.x))
        width = _HALF_TURN_DEG
        if abs(lat) + reach < np.pi / 2:
            width = np.degrees(np.arcsin(min(1.0, np.sin(reach) / np.cos(lat)))) + _SLACK_DEG
        out[i, 0] = row_of(geodetic_deg(max(-np.pi / 2, lat - reach)) - _SLACK_DEG)
        out[i, 1] = row_of(geodetic_deg(min(np.pi / 2, lat + reach)) + _SLACK_DEG)
        if width >= _HALF_TURN_DEG:
            out[i, 2], out[i, 3] = 0, 360 * CELLS_PER_DEG
        else:
            west = lon - width
            if west < -_HALF_TURN_DEG:
                west += 2 * _HALF_TURN_DEG
            out[i, 2] = column_of(west)
            out[i, 3] = column_of(west + 2 * width) + 1
    return out


@jit
def geodetic_deg(geocentric_rad: float) -> float:
    """The latitude, as it is recorded, of a direction from the earth's centre."""
    tangent = np.tan(geocentric_rad) / (1 - ECCENTRICITY_SQUARED)
    return float(np.degrees(np.arctan(tangent)))


@jit
def row_of(lat_deg: float) -> int:
    """The cell of a latitude, from the south."""
    return int(np.floor((min(90.0, max(-90.0, lat_deg)) + 90.0) * CELLS_PER_DEG))


@jit
def column_of(lon_deg: float) -> int:
    """The cell of a longitude, from the antimeridian."""
    return int(np.floor((lon_deg + 180.0) * CELLS_PER_DEG))


@released
def numbered(boxes: IntArray, pages: CodeArray) -> int:
    """Give a number to each page that a box touches; how many there are."""
    turn = 360 * CELLS_PER_DEG
    count = 0
    for i in range(len(boxes)):
        for page in range(boxes[i, 0] // PAGE_CELLS, boxes[i, 1] // PAGE_CELLS + 1):
            first, last = boxes[i, 2], boxes[i, 3]
            while first <= last:
                # A part up to the antimeridian, then what lies beyond it.
                end = min(last, turn)
                for across in range(first // PAGE_CELLS, end // PAGE_CELLS + 1):
                    if pages[page, across] == _NO_PAGE:
                        pages[page, across] = count
                        count += 1
                if last <= turn:
                    break
                first, last = 0, last - turn
    return count


@released
def marked(boxes: IntArray, pages: CodeArray, bits: Words) -> None:
    """Set the bits of all boxes."""
    turn = 360 * CELLS_PER_DEG
    for i in range(len(boxes)):
        for row in range(boxes[i, 0], boxes[i, 1] + 1):
            first, last = boxes[i, 2], boxes[i, 3]
            while first <= last:
                mark(pages, bits, row, first, min(last, turn))
                if last <= turn:
                    break
                first, last = 0, last - turn


@jit
def mark(pages: CodeArray, bits: Words, row: int, first: int, last: int) -> None:
    """Set the bits of one row of cells, ends included."""
    page, word = row // PAGE_CELLS, row % PAGE_CELLS
    for across in range(first // PAGE_CELLS, last // PAGE_CELLS + 1):
        low = max(first - across * PAGE_CELLS, 0)
        high = min(last - across * PAGE_CELLS, PAGE_CELLS - 1)
        mask = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(PAGE_CELLS - 1 - (high - low))
        bits[pages[page, across], word] |= mask << np.uint64(low)


@inlined
def may_reach(
    pages: CodeArray, bits: Words, lat_a: float, lon_a: float, lat_b: float, lon_b: float
) -> bool:
    """Whether anything may reach the leg between two places, degrees."""
    south, north = min(lat_a, lat_b), max(lat_a, lat_b)
    west, east = min(lon_a, lon_b), max(lon_a, lon_b)
    if south < -_POLAR_DEG or north > _POLAR_DEG:
        return True
    low, high = row_of(south), row_of(north)
    left, right = column_of(west), column_of(east)
    if (high - low + 1) * (right - left + 1) > LEG_CELLS_MAX:
        return True
    for row in range(low, high + 1):
        for column in range(left, right + 1):
            page = pages[row // PAGE_CELLS, column // PAGE_CELLS]
            if page == _NO_PAGE:
                continue
            word = bits[page, row % PAGE_CELLS]
            if (word >> np.uint64(column % PAGE_CELLS)) & np.uint64(1):
                return True
    return False

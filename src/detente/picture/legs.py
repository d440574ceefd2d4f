"""Recorded positions into legs, and the legs that come near anything.

Two positions of one track that follow each other closely enough are a leg: a corridor of
no width with its own time window, for the craft was somewhere between them. Positions are
read in the order in which they come; those of several tracks may be mixed, each track in
order of its time. Legs that nothing can reach are passed over (detente.picture.cover); all
others are asked as plans are, by the same kernels.

Source: docs/adr/0022.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detente.core.geodesy import FloatArray, IntArray
from detente.picture._jit import borrowed, released
from detente.picture.bands import bands_of
from detente.picture.cover import Cover, cover_of, may_reach
from detente.picture.gather import RAW, Group, Raw
from detente.picture.gone import ALL_STAND
from detente.picture.packed import whole
from detente.picture.places import placed_at
from detente.picture.question import Question, ask_long
from detente.picture.segment import Segment
from detente.picture.tables import FOREVER_US, NEVER_US, OWNER, Records

LEG_MAX_M = 1_000_000.0
"""Two positions further apart are no leg: a craft in orbit takes two minutes for as much,
so the data jumped, and what was between them is not known."""

ROUNDED_MM = 8
"""Places are rounded to 1e-7 degree, as those of plans are: by 5.6 mm each way at most."""

IN_ORDER = -1

POSITION = np.dtype(
    [
        ("time_us", np.int64), ("lat", np.float64), ("lon", np.float64),
        ("lower_m", np.float64), ("upper_m", np.float64), ("track", np.int32),
    ],
    align=True,
)  # fmt: skip
"""When a track was where: degrees, and between which heights above the ellipsoid, metres
(infinite where not known). ``track`` is a number that the reader gives."""

NEAR = np.dtype(
    [
        ("track", np.int32), ("owner", np.int32), ("start_us", np.int64), ("end_us", np.int64),
        ("distance_m", np.float64), ("error_m", np.float64), ("separation_m", np.float64),
        ("closest_us", np.int64), ("closest_end_us", np.int64),
        ("lat", np.float64), ("lon", np.float64),
        ("end_lat", np.float64), ("end_lon", np.float64),
    ],
    align=True,
)  # fmt: skip
"""A track is near an owner from ``start_us`` to ``end_us``, and nearest on the leg from
``closest_us`` to ``closest_end_us``, which begins and ends at these degrees."""

GAP = np.dtype(
    [
        ("track", np.int32), ("start_us", np.int64), ("end_us", np.int64),
        ("lat", np.float64), ("lon", np.float64),
        ("end_lat", np.float64), ("end_lon", np.float64),
    ],
    align=True,
)  # fmt: skip
"""A track was not observed between two times, and where it was before and after."""


class Chained(NamedTuple):
    """What a batch of positions says, as numbers of them.

    ``first`` and ``last`` (t,) int64 the first and last of each track, -1 where it has none;
    ``legs`` (m, 2) int64, begin and end of those that something may reach, the same number
    twice for a position after a gap, to which none leads; ``gaps`` (g, 2) int64;
    ``unordered`` the first position that is earlier than one of its track before it, or
    IN_ORDER.
    """

    first: IntArray
    last: IntArray
    legs: IntArray
    gaps: IntArray
    unordered: int


@released
def chained(positions: Records, tracks: int, gap_us: int, cover: Cover) -> Chained:
    """Join the positions of each track, and pass over what nothing reaches.

    Args:
        positions: (n,) POSITION.
        tracks: How many numbers of tracks there are.
        gap_us: The longest time between two positions that are a leg.
        cover: Of what is asked.
    """
    n = len(positions)
    positions = borrowed(positions)
    pages, bits = borrowed(cover.pages), borrowed(cover.bits)
    first = np.full(tracks, -1, dtype=np.int64)
    last = np.full(tracks, -1, dtype=np.int64)
    legs = np.empty((n, 2), dtype=np.int64)
    gaps = np.empty((n, 2), dtype=np.int64)
    found, gone = 0, 0
    for i in range(n):
        b = positions[i]
        before = last[b.track]
        last[b.track] = i
        if before < 0:
            # Whether a leg leads to it is for whoever knows what came before.
            first[b.track] = i
            continue
        a = positions[before]
        if b.time_us < a.time_us:
            return Chained(first, last, legs[:found], gaps[:gone], i)
        if b.time_us - a.time_us > gap_us:
            gaps[gone, 0], gaps[gone, 1] = before, i
            gone += 1
            before, a = i, b
        if may_reach(pages, bits, a.lat, a.lon, b.lat, b.lon):
            legs[found, 0], legs[found, 1] = before, i
            found += 1
    return Chained(first, last, legs[:found].copy(), gaps[:gone].copy(), IN_ORDER)


class Ground:
    """What legs are measured against, laid out once.

    Args:
        segment: What is near, each owner with its own time window.
        objects: (o,) int64, whose version each owner is; those of one object stand in order.
        within_m: The least distance that counts as near; an owner may ask for more.
        cover: Of the segment, where it was made before.
    """

    def __init__(
        self, segment: Segment, objects: IntArray, within_m: float, cover: Cover | None = None
    ) -> None:
        self.segment = segment
        self.objects = objects
        self.within_m = within_m
        self.cover = cover_of(whole(segment.tables), within_m) if cover is None else cover
        self._bands = bands_of(segment.indexed.keys)

    def near(self, begin: Records, end: Records) -> Records:
        """What some legs come near: NEAR, one an object and leg.

        Args:
            begin: (m,) POSITION.
            end: (m,) POSITION, of the same tracks, no earlier.
        """
        if not len(begin) or not len(self.segment.kind):
            return np.empty(0, dtype=NEAR)
        question = Question(self._raw(begin, end), None)
        hits = np.concatenate(
            [ask_long(one, self.segment, ALL_STAND, self._bands) for one in question.tables()]
        )
        # Of an object the version that was on record first: later ones repeat what it said.
        objects = self.objects[hits["owner"]]
        hits = hits[np.lexsort((hits["owner"], objects, hits["plan"]))]
        objects = self.objects[hits["owner"]]
        same = (np.diff(hits["plan"]) == 0) & (np.diff(objects) == 0)
        hits = hits[np.concatenate([np.ones(min(1, len(hits)), dtype=np.bool_), ~same])]
        return _told(hits, begin[hits["plan"]], end[hits["plan"]])

    def _raw(self, begin: Records, end: Records) -> Raw:
        """Legs as plans are gathered, but that they ask for nothing as plans do of each other."""
        n = len(begin)
        rows = np.zeros(n, dtype=RAW)
        rows["owner"] = np.arange(n)
        rows["lower_mm"] = _millimetres(np.minimum(begin["lower_m"], end["lower_m"]), NEVER_US)
        rows["upper_mm"] = _millimetres(np.maximum(begin["upper_m"], end["upper_m"]), FOREVER_US)
        rows["start_us"], rows["end_us"] = begin["time_us"], end["time_us"]
        rows["path_end"] = np.arange(1, n + 1)
        rows["error_mm"] = ROUNDED_MM
        owners = np.zeros(n, dtype=OWNER)
        owners["own_mm"] = np.ceil(self.within_m * 1_000)
        owners["due_us"] = FOREVER_US
        places = np.empty((n, 2, 2))
        places[:, 0, 0], places[:, 0, 1] = begin["lon"], begin["lat"]
        places[:, 1, 0], places[:, 1, 1] = end["lon"], end["lat"]
        positions = np.rint(places * 1e7).astype(np.int64).reshape(-1, 2)
        return Raw(rows, owners, np.arange(n) * 2, positions, (Group(""),))


def jumps(begin: Records, end: Records) -> npt.NDArray[np.bool_]:
    """Which legs are longer than LEG_MAX_M: (m,)."""
    a = placed_at(np.column_stack([begin["lon"], begin["lat"]]))[:, :3]
    b = placed_at(np.column_stack([end["lon"], end["lat"]]))[:, :3]
    return np.asarray(np.linalg.norm(a - b, axis=1) > LEG_MAX_M)


def gaps_of(begin: Records, end: Records) -> Records:
    """GAP, (m,), between positions."""
    out = np.empty(len(begin), dtype=GAP)
    out["track"], out["start_us"], out["end_us"] = begin["track"], begin["time_us"], end["time_us"]
    for name in ("lat", "lon"):
        out[name], out[f"end_{name}"] = begin[name], end[name]
    return out


def _millimetres(metres: FloatArray, unbounded: int) -> IntArray:
    """Whole millimetres outwards; ``unbounded`` is for infinity, and says which way out is."""
    rounded = (np.floor if unbounded == NEVER_US else np.ceil)(metres * 1_000)
    out = np.full(len(metres), unbounded, dtype=np.int64)
    finite = np.isfinite(rounded)
    out[finite] = rounded[finite].astype(np.int64)
    return out


def _told(hits: Records, begin: Records, end: Records) -> Records:
    out = np.empty(len(hits), dtype=NEAR)
    for name in ("owner", "distance_m", "error_m", "separation_m"):
        out[name] = hits[name]
    out["track"] = begin["track"]
    out["start_us"] = out["closest_us"] = begin["time_us"]
    out["end_us"] = out["closest_end_us"] = end["time_us"]
    for name in ("lat", "lon"):
        out[name], out[f"end_{name}"] = begin[name], end[name]
    return out


def grouped(near: Records) -> Records:
    """Legs that touch in time, of one track and owner, as one: NEAR, in order of track and owner.

    It may be asked of parts in order of time, and of what it answered: the answer is the same.
    """
    if not len(near):
        return near
    near = near[np.lexsort((near["end_us"], near["start_us"], near["owner"], near["track"]))]
    # Legs of one track follow each other, so the end so far is that of the one before.
    new = np.ones(len(near), dtype=np.bool_)
    new[1:] = (
        (np.diff(near["track"]) != 0)
        | (np.diff(near["owner"]) != 0)
        | (near["start_us"][1:] > near["end_us"][:-1])
    )
    first = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    best = np.lexsort((near["closest_end_us"], near["closest_us"], near["distance_m"], group))
    out = near[best[np.searchsorted(group[best], np.arange(len(first)))]]
    out["start_us"] = near["start_us"][first]
    out["end_us"] = np.maximum.reduceat(near["end_us"], first)
    return out

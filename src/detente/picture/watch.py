"""The watch: every track against everything, once a tick.

Tracks come as arrays, are laid out and asked anew each tick, by as many threads as there are
processors. What they may violate comes out as arrays too: who is told what is decided
elsewhere (detente.core.alerts).
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import pairwise

import numpy as np

from detente.core.geodesy import IntArray
from detente.core.presence import SPEED_MAX_MM_S
from detente.core.volume import (
    ALTITUDE_MAX_MM,
    ALTITUDE_MIN_MM,
    E7_PER_DEG,
    MM_PER_M,
    RADIUS_MAX_MM,
    check_time,
    microseconds,
)
from detente.core.watch import COAST_MAX_S, Approach, Observed, check_horizon
from detente.errors import MalformedInput
from detente.picture.approach import neared
from detente.picture.bands import bands_of
from detente.picture.moving import TRACK
from detente.picture.picture import Picture
from detente.picture.segment import Segment
from detente.picture.tables import Records

CHUNK_TRACKS = 512
"""Tracks that a thread asks at a time: neighbours, whose rows stay in the cache."""

_CELL_E7 = E7_PER_DEG // 4
"""Tracks of one quarter of a degree are neighbours."""

_SPEED_MAX_M_S = SPEED_MAX_MM_S / MM_PER_M
_RADIUS_MAX_M = RADIUS_MAX_MM / MM_PER_M

_LIMITS = {
    "longitude_e7": (-180 * E7_PER_DEG, 180 * E7_PER_DEG),
    "latitude_e7": (-90 * E7_PER_DEG, 90 * E7_PER_DEG),
    "accuracy_m": (0.0, _RADIUS_MAX_M),
    "drift_m_s": (0.0, _SPEED_MAX_M_S),
    "speed_m_s": (0.0, _SPEED_MAX_M_S),
    "course_deg": (-360.0, 360.0),
    "lower_m": (-np.inf, ALTITUDE_MAX_MM / MM_PER_M),
    "upper_m": (ALTITUDE_MIN_MM / MM_PER_M, np.inf),
    "climb_m_s": (-_SPEED_MAX_M_S, _SPEED_MAX_M_S),
    "climb_drift_m_s": (0.0, np.inf),
    "separation_m": (0.0, _RADIUS_MAX_M),
}
"""As detente.core.watch.Observed has them."""


def tracks_of(observed: Sequence[Observed]) -> Records:
    """Observations as the kernels read them, TRACK in their order."""
    out = np.zeros(len(observed), dtype=TRACK)
    for number, one in enumerate(observed):
        drift_mm_s = one.climb_drift_mm_s
        out[number] = (
            *one.position,
            microseconds(one.time),
            one.accuracy_mm / MM_PER_M,
            one.drift_mm_s / MM_PER_M,
            (one.speed_mm_s or 0) / MM_PER_M,
            (one.course_mdeg or 0) / 1_000,
            -np.inf if one.lower_mm is None else one.lower_mm / MM_PER_M,
            np.inf if one.upper_mm is None else one.upper_mm / MM_PER_M,
            one.climb_mm_s / MM_PER_M,
            np.inf if drift_mm_s is None else drift_mm_s / MM_PER_M,
            one.separation_mm / MM_PER_M,
        )
    return out


def require_tracks(tracks: Records) -> None:
    """Refuse tracks that cannot be: what is no number would compare as far from everything.

    Raises:
        MalformedInput: A field out of its limits, or lower above upper; it names the place.
    """
    for name, (low, high) in _LIMITS.items():
        _require(~((tracks[name] >= low) & (tracks[name] <= high)), tracks, name)
    _require(~(tracks["lower_m"] <= tracks["upper_m"]), tracks, "lower_m")


def _require(bad: np.ndarray, tracks: Records, name: str) -> None:
    if bad.any():
        place = int(np.argmax(bad))
        raise MalformedInput(
            f"{name} of track {place}", expected="within its limits", got=f"{tracks[place][name]}"
        )


def tick(
    picture: Picture,
    tracks: Records,
    now: datetime,
    *,
    horizon_s: float,
    coast_s: float = COAST_MAX_S,
) -> Iterator[tuple[Segment, Records]]:
    """What each track may violate from now on, at the earliest.

    Args:
        picture: Of now.
        tracks: (n,) TRACK, each track once.
        now: UTC.
        horizon_s: How far to look ahead, at most HORIZON_MAX_S.
        coast_s: How old course and speed may be before they count as unknown.

    Yields:
        A segment and NEARING, whose ``track`` is a place in ``tracks`` and whose ``owner``
        a number of the segment's; at most one a track and owner, in any order.

    Raises:
        MalformedInput: A track or the horizon is out of its limits, or a naive time.

    Source:
        docs/rules/R-06.md.
    """
    check_time(now, what="now")
    check_horizon(horizon_s)
    require_tracks(tracks)
    now_us = microseconds(now)
    # As floats: the kernels are compiled once.
    looks = float(horizon_s), float(coast_s)
    order = _neighbours(tracks)
    edges = [*range(0, len(order), CHUNK_TRACKS), len(order)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for segment, gone, _ in picture.parts:
            ask = partial(
                neared,
                picture=segment.tables,
                index=segment.indexed,
                bands=bands_of(segment.indexed.keys),
                gone=gone,
                alone=segment.alone,
            )
            some = (order[first:end] for first, end in pairwise(edges))
            for found in pool.map(lambda these, ask=ask: ask(tracks, these, now_us, *looks), some):
                yield segment, found


def approaches(
    picture: Picture, observed: Sequence[Observed], now: datetime, *, horizon_s: float
) -> list[Approach]:
    """The same as values, soonest first: for tens of tracks.

    Args:
        picture: Of now.
        observed: Each track once.
        now: UTC.
        horizon_s: As of ``tick``.

    Raises:
        MalformedInput: As of ``tick``.
    """
    out = [
        Approach(
            track=observed[track].track,
            entry=known.object_id,
            distance_m=distance,
            distance_error_m=error,
            separation_m=separation,
            time_s=time,
        )
        for segment, found in tick(picture, tracks_of(observed), now, horizon_s=horizon_s)
        for known, (track, _, distance, error, separation, time) in zip(
            segment.entries.take(found["owner"]), found.tolist(), strict=True
        )
    ]
    return sorted(out, key=lambda one: (one.time_s, one.distance_m, one.track, one.entry))


def _neighbours(tracks: Records) -> IntArray:
    """The places of tracks so that those near each other are asked together."""
    cell = tracks["latitude_e7"] // _CELL_E7 * (360 * 4 + 1) + tracks["longitude_e7"] // _CELL_E7
    return np.argsort(cell, kind="stable")

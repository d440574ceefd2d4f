"""The watch: 100,000 tracks against a million notices and 20,000 zones, beside a peer."""

import multiprocessing
import statistics
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely
from checks import CORES, EPOCH_US, HOUR_US, NOTICES, FloatArray, Work, clustered_places
from pyproj import Geod, Transformer

from detente.core.check import Known
from detente.core.notice import Notice
from detente.core.volume import E7_PER_DEG, Circle, Volume
from detente.picture.gather import RAW, Group, Raw
from detente.picture.moving import TRACK
from detente.picture.picture import Part, Picture
from detente.picture.segment import arranged
from detente.picture.tables import FOREVER_US, NEVER_US, OWNER, Records
from detente.picture.watch import tick

TRACKS = 100_000
ZONES = 20_000
STANDOFF_M = 500
HORIZON_S = 600
RUNS = 5
NOW = datetime.fromtimestamp(EPOCH_US / 1e6 + 12 * 3_600, UTC)
NOW_US = EPOCH_US + 12 * HOUR_US

SHARES = {
    # kind: share, metres a second, accuracy m, drift m/s, up to m, whether it is near a town
    "aircraft": (0.3, (60, 300), 100, 2.0, 10_000, False),
    "drones": (0.2, (15, 15), 10, 0.5, 150, True),
    "vehicles": (0.3, (15, 15), 10, 0.5, 50, True),
    "ships": (0.2, (5, 12), 20, 0.2, 50, False),
}


class Scene:
    """Notices of benchmarks/checks.py, zones and tracks, the same ones each time."""

    def __init__(self, notices: int = NOTICES, zones: int = ZONES, tracks: int = TRACKS) -> None:
        places = clustered_places(notices)
        self.work = Work(places, 1)
        rng = np.random.default_rng(11)
        centre = np.column_stack([rng.uniform(-10, 40, zones), rng.uniform(-30, 60, zones)])
        self.rings = ring_around(rng, centre, (1_000, 10_000))
        self.tracks = tracks_around(rng, places, tracks)

    def picture(self) -> Picture:
        """Everything, loaded."""
        notices = self.work.notices()
        n, z, k = len(notices.rows), len(self.rings), self.rings.shape[1]
        rows = np.zeros(z, RAW)
        rows["owner"], rows["area"] = n + np.arange(z), 1
        rows["lower_mm"], rows["upper_mm"] = NEVER_US, FOREVER_US
        rows["start_us"], rows["end_us"] = NEVER_US, FOREVER_US
        rows["path_end"] = n + 1 + np.arange(z)
        owners = np.zeros(n + z, OWNER)
        owners["due_us"] = FOREVER_US
        owners["own_mm"][:n] = STANDOFF_M * 1_000
        raw = Raw(
            np.concatenate([notices.rows, rows]),
            owners,
            np.concatenate([notices.starts, n + k * np.arange(z)]),
            np.concatenate([notices.positions, self.rings.reshape(-1, 2).astype(np.int64)]),
            (Group("medical"),),
        )
        one = Notice(source_id="n", name="n", category="medical", party="one",
                     volumes=(Volume(footprint=(Circle(centre=(0, 0)),)),))  # fmt: skip
        known = [Known(value=one)] * (n + z)
        return Picture.of([Part.whole(arranged(known, raw, None))], agreement=None, sequence=1)


def ring_around(
    rng: np.random.Generator, centre: FloatArray, between_m: tuple[int, int]
) -> FloatArray:
    """Closed rings of eight vertices, (n, 9, 2) 1e-7 degree."""
    n = len(centre)
    radius = rng.uniform(*between_m, (n, 1)) * rng.uniform(0.6, 1, (n, 8))
    turn = np.sort(rng.uniform(0, 2 * np.pi, (n, 8)), axis=1)
    lon = centre[:, :1] + radius * np.cos(turn) / 111_320 / np.cos(np.radians(centre[:, 1:]))
    lat = centre[:, 1:] + radius * np.sin(turn) / 111_320
    rings = np.stack([lon, lat], axis=2)
    return np.round(np.concatenate([rings, rings[:, :1]], 1) * E7_PER_DEG)


def tracks_around(rng: np.random.Generator, places: FloatArray, count: int) -> Records:
    """Tracks of SHARES, seen up to 10 s ago."""
    out = np.zeros(count, dtype=TRACK)
    first = 0
    for share, speeds, accuracy, drift, upper, near in SHARES.values():
        some = out[first : first + round(share * count)]
        n = len(some)
        where = np.column_stack([rng.uniform(-10, 40, n), rng.uniform(-30, 60, n)])
        if near:
            where = places[rng.integers(0, len(places), n)] + rng.normal(0, 0.05, (n, 2))
        some["longitude_e7"], some["latitude_e7"] = np.round(where * E7_PER_DEG).T
        some["accuracy_m"], some["drift_m_s"] = accuracy, drift
        some["speed_m_s"] = rng.uniform(*speeds, n)
        some["course_deg"] = rng.uniform(0, 360, n)
        some["upper_m"] = rng.uniform(0, upper, n)
        some["lower_m"] = some["upper_m"] - 50
        some["climb_drift_m_s"] = 1.0
        first += n
    out["fix_us"] = NOW_US - rng.integers(0, 10_000_000, count)
    return out


def ticked(picture: Picture, tracks: Records) -> Records:
    """All that the tracks near."""
    return np.concatenate([found for _, found in tick(picture, tracks, NOW, horizon_s=HORIZON_S)])

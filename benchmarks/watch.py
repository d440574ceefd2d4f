"""The watch: 100,000 tracks against a million notices and 20,000 zones, beside a peer.

The peer answers an easier question of fewer tracks: which notices the way of a drone, vehicle
or ship that keeps its course exactly comes near to, not when. Aircraft go too far for its plane.
"""

import gc
import multiprocessing
import statistics
import sys
import time
from datetime import UTC, datetime

import numpy as np
import shapely
from checks import CORES, EPOCH_US, HOUR_US, NOTICES, FloatArray, Work, clustered_places
from cost import processor_s
from plot import drawn, panels
from pyproj import Geod, Transformer

from detente.core.check import Known
from detente.core.notice import Notice
from detente.core.volume import E7_PER_DEG, Circle, Volume
from detente.picture.entries import Held
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
GROWN_NOTICES = (10_000, 100_000, 1_000_000, 10_000_000)
GROWN_TRACKS = (1_000, 10_000, 100_000, 1_000_000)
PEER_TRACKS = 2_000
RUNS = 5
NOW_US = EPOCH_US + 12 * HOUR_US + HOUR_US // 2
NOW = datetime.fromtimestamp(NOW_US / 1e6, UTC)
"""Windows of the notices begin and end on the hour: none does within the horizon."""

GEOD = Geod(ellps="WGS84")

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
        ids = np.zeros(len(known), dtype=np.int64)
        part = Part.whole(arranged(Held(known), ids, raw, None))
        return Picture.of([part], agreement=None, sequence=1)


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


def ticked(picture: Picture, tracks: Records) -> int:
    """How many pairs may be violated, each with its distance and time."""
    return sum(len(found) for _, found in tick(picture, tracks, NOW, horizon_s=HORIZON_S))


def watch() -> dict[str, object]:
    """One tick, and beside the peer the ticks of what it can answer."""
    scene = Scene()
    picture = scene.picture()
    pairs = ticked(picture, scene.tracks)
    own = seconds(lambda: ticked(picture, scene.tracks))
    slow = np.flatnonzero(scene.tracks["speed_m_s"] <= 15)[:: max(1, TRACKS // PEER_TRACKS // 2)]
    some = scene.tracks[slow[:PEER_TRACKS]].copy()
    some["drift_m_s"] = some["climb_drift_m_s"] = 0
    some["fix_us"] = NOW_US
    _peers.append(Tree(scene.work, some))
    step = -(-len(some) // CORES)
    parts = [(at, min(at + step, len(some))) for at in range(0, len(some), step)]
    with multiprocessing.get_context("fork").Pool(CORES) as pool:

        def asked() -> set[tuple[int, int]]:
            return {pair for part in pool.starmap(_ask, parts) for pair in part}

        theirs = asked()
        ours = {
            (int(one["track"]), int(one["owner"]))
            for _, found in tick(picture, some, NOW, horizon_s=HORIZON_S)
            for one in found
            if one["owner"] < NOTICES
        }
        if len(theirs ^ ours) > len(ours) / 100:
            sys.exit(f"of {len(ours)} pairs the peer finds {len(theirs ^ ours)} otherwise")
        peer_s = seconds(asked, 3) / len(some)
    ours_s = seconds(lambda: ticked(picture, some)) / len(some)
    return {
        "value": own,
        "unit": f"s a tick, {TRACKS:,} tracks, {NOTICES:,} notices and {ZONES:,} zones, "
        f"{pairs:,} pairs",
        "bar": "at most 0.5 on two cores",
        "peer": f"shapely STRtree, {CORES} processes, dwithin the ways of {len(some):,} tracks, "
        f"without times; {len(theirs ^ ours)} of {len(ours):,} pairs differ",
        "peer_value": peer_s * len(some),
        "ratio": peer_s / ours_s,
    }


def seconds(work: object, runs: int = RUNS) -> float:
    """The median of some runs after one that does not count."""
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        work()  # type: ignore[operator]
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


class Tree:
    """Notices and ways on the ellipsoid's Mercator plane."""

    def __init__(self, work: Work, tracks: Records) -> None:
        self.work, self.tracks = work, tracks
        project = Transformer.from_crs(4326, 3395, always_xy=True).transform
        self.tree = shapely.STRtree(shapely.points(*project(*(work.places / E7_PER_DEG).T)))
        lon, lat = tracks["longitude_e7"] / E7_PER_DEG, tracks["latitude_e7"] / E7_PER_DEG
        far = tracks["speed_m_s"] * HORIZON_S
        lon2, lat2, _ = GEOD.fwd(lon, lat, tracks["course_deg"], far)
        ends = np.stack([np.stack(project(lon, lat), 1), np.stack(project(lon2, lat2), 1)], 1)
        self.ways = shapely.linestrings(ends)
        middle = np.radians((lat + lat2) / 2)
        self.scale = np.sqrt(1 - 0.00669438 * np.sin(middle) ** 2) / np.cos(middle)

    def ask(self, first: int, end: int) -> list[tuple[int, int]]:
        """What the ways of some tracks come near to."""
        out = []
        work, tracks = self.work, self.tracks
        for track in range(first, end):
            reach = (STANDOFF_M + tracks["accuracy_m"][track]) * self.scale[track]
            near = self.tree.query(self.ways[track], predicate="dwithin", distance=reach)
            near = near[
                (work.open[near] <= NOW_US)
                & (work.close[near] >= NOW_US)
                & (work.high_mm[near] >= tracks["lower_m"][track] * 1_000)
            ]
            out += [(track, int(one)) for one in near]
        return out


_peers: list[Tree] = []


def _ask(first: int, end: int) -> list[tuple[int, int]]:
    return _peers[-1].ask(first, end)


def growth() -> dict[str, object]:
    """Processor time of a tick, by notices with the same tracks, and by tracks with NOTICES."""
    by_notices, by_tracks = [], []
    for count in GROWN_NOTICES:
        scene = Scene(notices=count)
        picture = scene.picture()
        by_notices.append((count, *a_track(picture, scene.tracks)))
        if count == NOTICES:
            places, rng = scene.work.places / E7_PER_DEG, np.random.default_rng(13)
            for tracks in GROWN_TRACKS:
                some = tracks_around(rng, places, tracks)
                by_tracks.append((tracks, *a_track(picture, some)))
        del picture, scene
        gc.collect()
    titles = (f"a track of {TRACKS:,}, µs", "pairs a track")
    more = panels("tracks", by_tracks, (f"a track beside {NOTICES:,}, µs",))
    drawn("watch.png", panels("notices", by_notices, titles) + more)
    notices, tracks = (
        ", ".join(f"{count:,}: {spent:.1f}" for count, spent, _ in rows)
        for rows in (by_notices, by_tracks)
    )
    return {
        "value": by_notices[-1][1],
        "unit": f"us of processor time a track at {GROWN_NOTICES[-1]:,} notices ({notices}), "
        f"{by_notices[-1][2]:.1f} pairs each; by tracks beside {NOTICES:,} ({tracks})",
        "bar": "none set",
    }


def a_track(picture: Picture, tracks: Records) -> tuple[float, float]:
    """Processor time of a track in a tick, us, and pairs a track."""
    found = ticked(picture, tracks)
    spent = processor_s(lambda: ticked(picture, tracks), 3)
    return spent / len(tracks) * 1e6, found / len(tracks)


FIGURES = {"watch.tick": watch, "watch.growth": growth}

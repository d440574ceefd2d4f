"""``audit.tracks``: recorded positions out of Parquet against a million notices, beside a peer.

Flights between the towns of benchmarks/checks.py, a position each ten seconds, those of some
hundreds of flights mixed as a receiver hears them. The notices are those of the checks in bulk:
half of them protect for some hours and low only. The peer is shapely's STRtree on a Mercator
plane, given the first legs as lines: dwithin, then time, as one would write it today. It has
the positions in memory; we read the file.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from checks import CLUSTERS, EPOCH_US, NOTICES, Work, clustered_places
from cost import peak_bytes, processor_s, resident_bytes
from plot import drawn, panels
from pyproj import Transformer

from detente.doors.track_run import all_units, here
from detente.node.tracks import Joining, Measured
from detente.picture.legs import Ground
from detente.picture.tables import Records

POSITIONS = 20_000_000
GROWN = (10_000, 100_000, 1_000_000, 10_000_000, 50_000_000)
STEP_S = 10
SPEED_M_S = 230.0
TOGETHER = 500
"""Flights in the air at a time."""

WITHIN_M = 500
GAP_US = 60_000_000
PEER_LEGS = 200_000
RUNS = 3
GROUP_ROWS = 262_144

SCHEMA = pa.schema(
    [("icao24", pa.dictionary(pa.int32(), pa.string())), ("time", pa.timestamp("us", "UTC")),
     ("lat", pa.float64()), ("lon", pa.float64())]
)  # fmt: skip


def towns() -> np.ndarray:
    """The same towns as those of ``checks.clustered_places``; (n, 2) lon/lat degrees."""
    rng = np.random.default_rng(7)
    return np.column_stack([rng.uniform(-10, 40, CLUSTERS), rng.uniform(-30, 60, CLUSTERS)])


class Flights:
    """Craft that each fly from town to town without end; positions come as they are heard."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(11)
        self.towns = towns()
        self.at = self.towns[self.rng.integers(0, CLUSTERS, TOGETHER)]
        self.to = self.at.copy()
        self.step_s = 0

    def positions(self, steps: int) -> dict[str, np.ndarray]:
        """So many positions of each craft, mixed, in order of time."""
        lon, lat = np.empty((steps, TOGETHER)), np.empty((steps, TOGETHER))
        start_s = self.step_s
        for step in range(steps):
            way = (self.to - self.at) * 111_000
            way[:, 0] *= np.cos(np.radians(self.at[:, 1]))
            far = np.hypot(way[:, 0], way[:, 1])
            share = np.minimum(1.0, SPEED_M_S * STEP_S / np.maximum(far, 1.0))
            self.at = self.at + (self.to - self.at) * share[:, None] * (far > 0)[:, None]
            lon[step], lat[step] = self.at.T
            arrived = np.flatnonzero(far < SPEED_M_S * STEP_S)
            self.to[arrived] = self.towns[self.rng.integers(0, CLUSTERS, len(arrived))]
        self.step_s += steps * STEP_S
        times = EPOCH_US + (start_s + np.arange(steps) * STEP_S)[:, None] * 1_000_000
        offsets = np.arange(TOGETHER) * 1_000
        return {
            "track": np.tile(np.arange(TOGETHER, dtype=np.int32), steps),
            "time": (times + offsets).ravel(), "lat": lat.ravel(), "lon": lon.ravel(),
        }  # fmt: skip


def write(path: Path, count: int) -> None:
    """A file of some positions."""
    flights = Flights()
    names = pa.array([f"{0x400000 + one:06x}" for one in range(TOGETHER)])
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        left = count
        while left > 0:
            one = flights.positions(min(left, GROUP_ROWS) // TOGETHER + 1)
            track = pa.DictionaryArray.from_arrays(one["track"], names)
            columns = [track, pa.array(one["time"], SCHEMA.field("time").type),
                       one["lat"], one["lon"]]  # fmt: skip
            writer.write_table(pa.table(columns, schema=SCHEMA))
            left -= len(one["track"])


def audited(path: Path, ground: Ground) -> tuple[Joining, Records]:
    """The whole audit but its writing: approaches as arrays."""
    joining = Joining(ground, GAP_US)
    return joining, np.concatenate(list(approaches(path, ground, joining)))


def approaches(path: Path, ground: Ground, joining: Joining) -> Iterator[Records]:
    """Of a file, as they are found."""
    units, _ = all_units([path], {})
    for parts in here(units, ground, GAP_US):
        for one in parts:
            assert isinstance(one, Measured)
            yield joining.add(one)[0]
    yield joining.finish()


def peer(legs: np.ndarray, spans: np.ndarray, work: Work, tree: shapely.STRtree) -> set[tuple]:
    """Pairs of leg and notice within WITHIN_M at the same time, and how far apart."""
    project = Transformer.from_crs(4326, 3395, always_xy=True).transform
    lines = shapely.linestrings(np.stack(project(legs[..., 0], legs[..., 1]), axis=2))
    lat = np.radians(legs[..., 1].mean(axis=1))
    scale = np.sqrt(1 - 0.00669438 * np.sin(lat) ** 2) / np.cos(lat)
    leg, notice = tree.query(lines, predicate="dwithin", distance=WITHIN_M * scale)
    then = (work.open[notice] <= spans[leg, 1]) & (work.close[notice] >= spans[leg, 0])
    leg, notice = leg[then], notice[then]
    apart = shapely.distance(lines[leg], tree.geometries[notice]) / scale[leg]
    return {
        (a, b): c for a, b, c in zip(leg.tolist(), notice.tolist(), apart.tolist(), strict=True)
    }


def compared(positions: dict[str, np.ndarray], work: Work, ground: Ground) -> tuple[float, str]:
    """The peer's legs a second, and how its findings differ from ours."""
    from detente.picture.legs import POSITION  # noqa: PLC0415

    steps = PEER_LEGS // TOGETHER + 1
    lon, lat, when = (positions[name].reshape(steps, TOGETHER) for name in ("lon", "lat", "time"))
    legs = np.stack([np.stack([lon[:-1], lat[:-1]], 2), np.stack([lon[1:], lat[1:]], 2)], 2)
    legs = legs.reshape(-1, 2, 2)
    spans = np.stack([when[:-1].ravel(), when[1:].ravel()], axis=1)
    project = Transformer.from_crs(4326, 3395, always_xy=True).transform
    degrees = work.places / 1e7
    tree = shapely.STRtree(shapely.points(*project(*degrees.T)))
    theirs = peer(legs, spans, work, tree)
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        peer(legs, spans, work, tree)
        times.append(time.perf_counter() - began)
    ends = np.zeros((2, len(legs)), dtype=POSITION)
    for end in (0, 1):
        ends[end]["lon"], ends[end]["lat"] = legs[:, end].T
        ends[end]["time_us"], ends[end]["track"] = spans[:, end], np.arange(len(legs))
        ends[end]["lower_m"], ends[end]["upper_m"] = -np.inf, np.inf
    near = ground.near(ends[0], ends[1])
    own = dict(zip(zip(near["track"].tolist(), near["owner"].tolist(), strict=True),
                   near["distance_m"].tolist(), strict=True))  # fmt: skip
    lone = [own.get(pair, theirs.get(pair, 0.0)) for pair in own.keys() ^ theirs.keys()]
    # A Mercator plane stretches by some 0.1 % within a leg at 60 degrees.
    if any(abs(apart - WITHIN_M) > 5 for apart in lone):
        raise SystemExit("the peer finds other approaches than we do: one of us is wrong")
    apart = max((abs(own[pair] - theirs[pair]) for pair in own.keys() & theirs.keys()), default=0)
    if apart > 5:
        raise SystemExit(f"distances differ by up to {apart:.3f} m, expected 5 m")
    said = f"{len(lone)} of {len(own):,} findings differ, at the edge; distances by {apart:.3f} m"
    return len(legs) / float(np.median(times)), said


def audit() -> dict[str, object]:
    """Positions a second of the whole audit, read from Parquet, on all cores."""
    work = Work(clustered_places(NOTICES), 1)
    [part] = work.picture().parts
    ground = Ground(part.segment, np.arange(NOTICES), WITHIN_M)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tracks.parquet"
        write(path, int(os.environ.get("POSITIONS", POSITIONS)))
        rates, busy = [], []
        for _ in range(RUNS):
            began, used = time.perf_counter(), time.process_time()
            joining, found = audited(path, ground)
            rates.append(joining.totals.positions / (time.perf_counter() - began))
            busy.append((time.process_time() - used) / joining.totals.positions * 1e9)
    steps = PEER_LEGS // TOGETHER + 1
    theirs, differing = compared(Flights().positions(steps), work, ground)
    value = float(np.median(rates))
    each = float(np.median(busy))
    return {
        "value": value,
        "unit": f"positions a second ({each:.0f} ns of processor time each), {len(found):,} "
                f"approaches in {joining.totals.positions:,} positions",
        "bar": "at least 2,000,000",
        "peer": f"shapely STRtree, one thread, {PEER_LEGS:,} legs in memory; {differing}",
        "peer_value": theirs, "ratio": value / theirs,
    }  # fmt: skip


def growth() -> dict[str, object]:
    """Processor time and memory of an audit, by positions in one file."""
    work = Work(clustered_places(NOTICES), 1)
    [part] = work.picture().parts
    ground, rows = Ground(part.segment, np.arange(NOTICES), WITHIN_M), []
    before = resident_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tracks.parquet"
        for positions in GROWN:
            write(path, positions)

            def work_through() -> int:
                """Approaches are counted: whoever writes them keeps none either."""
                return sum(map(len, approaches(path, ground, Joining(ground, GAP_US))))

            found, more = work_through(), peak_bytes(work_through) - before
            spent = processor_s(work_through, 1 if positions > POSITIONS else 3)
            rows.append((positions, spent / positions * 1e9, more / 1e6, found / positions))
    titles = ("a position, ns", "memory besides, MB", "approaches a position")
    drawn("tracks.png", panels("positions", rows, titles))
    told, memory = (", ".join(f"{row[0]:,}: {row[at]:.0f}" for row in rows) for at in (1, 2))
    return {
        "value": rows[-1][1],
        "unit": f"ns of processor time a position at {GROWN[-1]:,} ({told}); MB at most, "
        f"beside the notices ({memory})",
        "bar": "memory stays flat",
    }


FIGURES = {"audit.tracks": audit, "audit.growth": growth}

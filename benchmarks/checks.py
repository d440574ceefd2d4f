"""The figures of checks in bulk: 100,000 plans against a million notices, beside peers.

Everyone has the same plans and notices, loaded and indexed beforehand, and finds every
pair that shares time and altitude and comes within SEPARATION_M, with its distance. The
peers are slow, so they answer the first plans only, and their rate counts. What they find
otherwise than we do stops the run, unless it is within what a peer's own method is off by.
"""

import csv
import gzip
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psycopg
import shapely
from pyproj import Transformer

from detente.core.check import Known
from detente.core.notice import Notice
from detente.core.volume import E7_PER_DEG, Circle, Volume
from detente.picture.entries import Held
from detente.picture.gather import RAW, Group, Raw
from detente.picture.picture import Part, Picture
from detente.picture.question import Question
from detente.picture.segment import arranged
from detente.picture.tables import FOREVER_US, NEVER_US, OWNER

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from postgres import Cluster

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

NOTICES = 1_000_000
PLANS = 100_000
CLUSTERS = 2_000
SEPARATION_M = 500
PEER_PLANS = 2_000
RUNS = 5
CORES = os.cpu_count() or 1

HOUR_US = 3_600_000_000
EPOCH_US = 1_767_225_600_000_000
"""2026-01-01."""

SHARED = Path(__file__).parents[2] / "shared/data"
REAL = (
    SHARED / "health/who_kwtrp_subsaharan_africa_2019.csv.gz",
    SHARED / "places/wri_power_plants_component_sources.csv.gz",
)

Pair = tuple[int, int, float]
"""Plan, notice, and how far apart they are in metres."""


class Work:
    """Notices and plans as arrays; the same ones each time.

    Every second notice is in force for some hours of a day only, and reaches up to
    100 m; plans take an hour of that day and 50 to 500 m.

    Args:
        places: (n, 2) lon/lat degrees of the notices.
        plans: How many, each around one of them.
    """

    def __init__(self, places: FloatArray, plans: int) -> None:
        rng = np.random.default_rng(3)
        n = len(places)
        self.places = np.round(places * E7_PER_DEG).astype(np.int64)
        begin = EPOCH_US + rng.integers(0, 20, n) * HOUR_US
        some = np.arange(n) % 2 == 0
        self.open = np.where(some, begin, NEVER_US)
        self.close = np.where(some, begin + 8 * HOUR_US, FOREVER_US)
        self.high_mm = np.where(some, 100_000, FOREVER_US)
        centre = places[rng.integers(0, n, plans)] + rng.normal(0, 0.01, (plans, 2))
        radius = rng.uniform(500, 5_000, (plans, 1)) * rng.uniform(0.6, 1, (plans, 8))
        turn = np.sort(rng.uniform(0, 2 * np.pi, (plans, 8)), axis=1)
        lon = centre[:, :1] + radius * np.cos(turn) / 111_320 / np.cos(np.radians(centre[:, 1:]))
        lat = centre[:, 1:] + radius * np.sin(turn) / 111_320
        rings = np.stack([lon, lat], axis=2)
        self.rings = np.round(np.concatenate([rings, rings[:, :1]], 1) * E7_PER_DEG)
        self.start = EPOCH_US + rng.integers(0, 23, plans) * HOUR_US
        self.low_mm = rng.choice([50_000, 150_000], plans)

    def notices(self) -> Raw:
        """The notices, as the picture lays them out."""
        n = len(self.places)
        rows = np.zeros(n, RAW)
        rows["owner"] = np.arange(n)
        rows["lower_mm"], rows["upper_mm"] = NEVER_US, self.high_mm
        rows["start_us"], rows["end_us"] = self.open, self.close
        rows["path_end"] = np.arange(1, n + 1)
        owners = np.zeros(n, OWNER)
        owners["due_us"] = FOREVER_US
        return Raw(rows, owners, np.arange(n), self.places, (Group("medical"),))

    def plans(self) -> Raw:
        """The plans, as a question lays them out."""
        n = len(self.rings)
        rows = np.zeros(n, RAW)
        rows["owner"], rows["plan"], rows["area"] = np.arange(n), 1, 1
        rows["lower_mm"], rows["upper_mm"] = self.low_mm, 500_000
        rows["start_us"], rows["end_us"] = self.start, self.start + HOUR_US
        rows["path_end"] = np.arange(1, n + 1)
        owners = np.zeros(n, OWNER)
        owners["due_us"], owners["own_mm"] = FOREVER_US, SEPARATION_M * 1_000
        positions = self.rings.reshape(-1, 2).astype(np.int64)
        return Raw(rows, owners, np.arange(n) * self.rings.shape[1], positions, (Group(""),))

    def picture(self) -> Picture:
        """All notices, loaded."""
        shape = Circle(centre=(0, 0), radius_mm=0)
        one = Notice(source_id="n", name="n", category="medical", party="one",
                     volumes=(Volume(footprint=(shape,)),))  # fmt: skip
        known = [Known(value=one)] * len(self.places)
        return Picture.of(
            [
                Part.whole(
                    arranged(Held(known), np.zeros(len(known), np.int64), self.notices(), None)
                )
            ],
            agreement=None,
            sequence=1,
        )


def clustered() -> Work:
    """A million notices in 2,000 towns, and plans of 0.5 to 5 km around them."""
    return Work(clustered_places(NOTICES), PLANS)


def clustered_places(count: int) -> FloatArray:
    """Places in CLUSTERS towns, some 4 km across; (n, 2) lon/lat degrees."""
    rng = np.random.default_rng(7)
    towns = np.column_stack([rng.uniform(-10, 40, CLUSTERS), rng.uniform(-30, 60, CLUSTERS)])
    found: FloatArray = towns[rng.integers(0, CLUSTERS, count)] + rng.normal(0, 0.035, (count, 2))
    return found


def ours(picture: Picture, raw: Raw) -> int:
    """Plans laid out and asked; how many findings there are, each with its distance."""
    return sum(len(hits) for _, hits in picture.met_by(Question(raw, None)))


def found_by_us(picture: Picture, raw: Raw, first: int) -> dict[tuple[int, int], float]:
    """Distances of what the first plans meet, metres."""
    out: dict[tuple[int, int], float] = {}
    for _, hits in picture.met_by(Question(raw, None)):
        some = hits[hits["plan"] < first]
        pairs = zip(some["plan"].tolist(), some["owner"].tolist(), strict=True)
        out |= dict(zip(pairs, some["distance_m"].tolist(), strict=True))
    return out


def in_turn(
    picture: Picture, raw: Raw, peer: Callable[[], object], count: int
) -> tuple[float, float]:
    """Plans a second, ours and the peer's, who answer in turn."""
    own, theirs = [], []
    for _ in range(RUNS):
        own.append(rate(lambda: ours(picture, raw), PLANS, 1))
        theirs.append(rate(peer, count, 1))
    return statistics.median(own), statistics.median(theirs)


def rate(work: Callable[[], object], count: int, runs: int = RUNS) -> float:
    """So many a second, the median of several runs after one that does not count."""
    work()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return count / statistics.median(times)


def against_postgis() -> dict[str, object]:
    """The peer: GiST on geography, ST_DWithin and ST_Distance, a connection a core."""
    work = clustered()
    picture, raw = work.picture(), work.plans()
    cluster = Cluster()
    cluster.start()
    try:
        url = cluster.url(cluster.make())
        with psycopg.connect(url, autocommit=True) as connection:
            fill_postgis(connection, work)
        share = PEER_PLANS // CORES
        parts = [(url, at, at + share) for at in range(0, share * CORES, share)]
        with ThreadPoolExecutor(CORES) as pool:

            def asked() -> list[Pair]:
                return [one for some in pool.map(lambda it: postgis(*it), parts) for one in some]

            theirs = {(plan, notice): apart for plan, notice, apart in asked()}
            own, speeds = in_turn(picture, raw, asked, share * CORES)
    finally:
        cluster.remove()
    # PostGIS takes edges as great circles of a sphere: some 0.1 m off in the middle of 3 km.
    differing = compared(found_by_us(picture, raw, share * CORES), theirs, within_m=0.5)
    peer = f"PostGIS, {CORES} connections, the first {share * CORES:,} plans; {differing}"
    return answer(own, speeds, peer, "ratio at least 200")


def fill_postgis(connection: psycopg.Connection, work: Work) -> None:
    """Tables as one would make them: geography, altitude as numbers, time as a range."""
    connection.execute("CREATE EXTENSION postgis")
    for table, kind in (("notice", "Point"), ("plan", "Polygon")):
        connection.execute(
            f"CREATE TABLE {table} (id int PRIMARY KEY, place geography({kind}, 4326), "
            "low float8, high float8, span int8range)"
        )
    degrees = work.places / E7_PER_DEG
    points = shapely.to_wkb(shapely.points(degrees), hex=True, include_srid=False)
    low = np.where(work.high_mm == FOREVER_US, np.inf, work.high_mm / 1_000)
    with connection.cursor().copy("COPY notice FROM STDIN") as copy:
        for row in zip(range(len(points)), points.tolist(), low.tolist(), work.open.tolist(),
                       work.close.tolist(), strict=True):  # fmt: skip
            number, place, high, start, end = row
            copy.write_row((number, place, "-Infinity", high, span(start, end)))
    rings = shapely.polygons(work.rings[:PEER_PLANS] / E7_PER_DEG)
    with connection.cursor().copy("COPY plan FROM STDIN") as copy:
        for number, place in enumerate(shapely.to_wkb(rings, hex=True).tolist()):
            start = int(work.start[number])
            low_m = work.low_mm[number] / 1_000
            copy.write_row((number, place, low_m, 500.0, span(start, start + HOUR_US)))
    connection.execute("CREATE INDEX ON notice USING gist (place)")
    connection.execute("VACUUM ANALYZE notice")
    connection.execute("VACUUM ANALYZE plan")


def span(start: int, end: int) -> str:
    """A closed range, open where it is unbounded."""
    low = "" if start == NEVER_US else str(start)
    high = "" if end == FOREVER_US else str(end)
    return f"[{low},{high}]"


def postgis(url: str, first: int, end: int) -> list[Pair]:
    """What PostGIS finds for some plans."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT p.id, n.id, ST_Distance(p.place, n.place) FROM plan p JOIN notice n "
            "ON ST_DWithin(p.place, n.place, %s) AND n.low <= p.high AND n.high >= p.low "
            "AND n.span && p.span WHERE p.id >= %s AND p.id < %s",
            (SEPARATION_M, first, end),
        ).fetchall()


def against_strtree() -> dict[str, object]:
    """The peer: shapely's STRtree on a Mercator plane, dwithin, then time and altitude."""
    work = clustered()
    picture, raw = work.picture(), work.plans()
    tree = Tree(work)
    share = PEER_PLANS // CORES
    parts = [(at, at + share) for at in range(0, share * CORES, share)]
    _trees.append(tree)
    with multiprocessing.get_context("fork").Pool(CORES) as pool:

        def asked() -> list[Pair]:
            return [one for some in pool.starmap(_ask, parts) for one in some]

        theirs = {(plan, notice): apart for plan, notice, apart in asked()}
        own, speeds = in_turn(picture, raw, asked, share * CORES)
    # A Mercator plane stretches by some 0.1 % within a plan of 5 km at 60 degrees.
    differing = compared(found_by_us(picture, raw, share * CORES), theirs, within_m=10)
    peer = f"shapely STRtree, {CORES} processes, the first {share * CORES:,} plans; {differing}"
    return answer(own, speeds, peer, "ratio at least 20")


class Tree:
    """Points and plans on the ellipsoid's Mercator plane, where shapes are true in the small."""

    def __init__(self, work: Work) -> None:
        self.work = work
        project = Transformer.from_crs(4326, 3395, always_xy=True).transform
        self.points = shapely.points(*project(*(work.places / E7_PER_DEG).T))
        rings = work.rings[:PEER_PLANS] / E7_PER_DEG
        self.plans = shapely.polygons(np.stack(project(rings[..., 0], rings[..., 1]), axis=2))
        lat = np.radians(rings[..., 1].mean(axis=1))
        self.scale = np.sqrt(1 - 0.00669438 * np.sin(lat) ** 2) / np.cos(lat)
        self.tree = shapely.STRtree(self.points)

    def ask(self, first: int, end: int) -> list[Pair]:
        """What some plans meet."""
        out: list[Pair] = []
        work = self.work
        for plan in range(first, end):
            reach = SEPARATION_M * self.scale[plan]
            near = self.tree.query(self.plans[plan], predicate="dwithin", distance=reach)
            start = work.start[plan]
            near = near[
                (work.open[near] <= start + HOUR_US)
                & (work.close[near] >= start)
                & (work.high_mm[near] >= work.low_mm[plan])
            ]
            apart = shapely.distance(self.plans[plan], self.points[near]) / self.scale[plan]
            out += zip([plan] * len(near), near.tolist(), apart.tolist(), strict=True)
        return out


_trees: list[Tree] = []


def _ask(first: int, end: int) -> list[Pair]:
    return _trees[-1].ask(first, end)


def compared(
    own: dict[tuple[int, int], float], theirs: dict[tuple[int, int], float], *, within_m: float
) -> str:
    """What differs, told; more than a method may be off by stops the run."""
    lone = [own.get(pair, theirs.get(pair, 0.0)) for pair in own.keys() ^ theirs.keys()]
    if any(abs(apart - SEPARATION_M) > within_m for apart in lone):
        raise SystemExit("the peer finds other conflicts than we do: one of us is wrong")
    apart = max((abs(own[pair] - theirs[pair]) for pair in own.keys() & theirs.keys()), default=0)
    if apart > within_m:
        raise SystemExit(f"distances differ by up to {apart:.3f} m, expected {within_m} m")
    return f"{len(lone)} of {len(own):,} findings differ, at the edge; distances by {apart:.3f} m"


def real() -> dict[str, object]:
    """African health facilities and the world's power plants, as far as they lie beside us."""
    lacking = [path for path in REAL if not path.exists()]
    if lacking:
        raise SystemExit(f"check.bulk_real: expected {', '.join(map(str, lacking))}")
    work = Work(np.concatenate([read(path) for path in REAL]), PLANS)
    picture, raw = work.picture(), work.plans()
    findings = ours(picture, raw) / PLANS
    return {
        "value": rate(lambda: ours(picture, raw), PLANS),
        "unit": f"plans a second, {len(work.places):,} notices, {findings:.1f} findings a plan",
        "bar": "at least 100,000",
    }


def read(path: Path) -> FloatArray:
    """Longitude and latitude of a table's rows."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        names = {name.lower(): name for name in rows.fieldnames or ()}
        lat = names[next(one for one in names if one.startswith("lat"))]
        lon = names[next(one for one in names if one.startswith("lon"))]
        found = [(row[lon], row[lat]) for row in rows]
        return np.array([(float(x), float(y)) for x, y in found if x and y])


def answer(own: float, theirs: float, peer: str, bar: str) -> dict[str, object]:
    return {
        "value": own, "unit": "plans a second", "bar": bar,
        "peer": peer, "peer_value": theirs, "ratio": own / theirs,
    }  # fmt: skip


FIGURES = {
    "check.bulk_vs_postgis": against_postgis,
    "check.bulk_vs_strtree": against_strtree,
    "check.bulk_real": real,
}

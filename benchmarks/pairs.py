"""The figure of plans against plans: all conflicts among 100,000 plans, beside PostGIS.

A working day over some cities: flights whose legs follow one another, each a corridor with its
own few minutes; surveys of fields, one after the other; and circles in which somebody flies about.
Both sides have the plans loaded and indexed beforehand, and find every two that share time and
altitude and come nearer than agreed, with how far they are apart.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import psycopg
import shapely
from checks import CORES, RUNS, span
from cost import peak_bytes, processor_s, resident_bytes
from msgspec.structs import replace
from plot import drawn, panels

from detente.core.agreement import Agreement, Separation
from detente.core.check import Known
from detente.core.plan import Plan, PlanState
from detente.core.volume import (
    E7_PER_DEG,
    Circle,
    Corridor,
    Polygon,
    Shape,
    Volume,
    microseconds,
)
from detente.picture.entries import Held
from detente.picture.gather import Gatherer, Raw
from detente.picture.picture import Part, Picture
from detente.picture.segment import arranged
from postgres import Cluster

PLANS = 100_000
CITIES = 20
VOLUMES_MAX = 10
DAY = datetime(2026, 1, 1, 6, tzinfo=UTC)
HOURS = 12
KEEP_M = 100
KEEP_UP_M = 20
RADIUS_MAX_M = 300
COPIES = (1, 10, 100)
APART_E7 = 360 * E7_PER_DEG // COPIES[-1]
"""How far the copies of the growth are apart: 3.6 degrees, and none meets another."""

PEER_SHARE = 50
"""The peer is asked of every fiftieth plan, and its time counts so often."""

WITHIN_M = 1.0
"""PostGIS takes edges as great circles of a sphere, and says how far apart two are to some
1e-4 of it where it does not measure geodesics of its own."""

AGREED = Agreement(
    name="city",
    separations={"*": Separation(horizontal_mm=KEEP_M * 1_000, vertical_mm=KEEP_UP_M * 1_000)},
)

FloatArray = npt.NDArray[np.float64]
Shapes = list[list[Shape]]


def plans(count: int = PLANS, towns: int = CITIES) -> list[Plan]:
    """The same ones each time: half of them flights, a quarter surveys, a quarter circles."""
    rng = np.random.default_rng(11)
    cities = np.column_stack([rng.uniform(-10, 40, towns), rng.uniform(-30, 60, towns)])
    where = cities[rng.integers(0, towns, count)] + rng.normal(0, 0.03, (count, 2))
    half, most = count // 2, count // 2 + count // 4
    shapes = [
        *flights(rng, where[:half]),
        *surveys(rng, where[half:most]),
        *circles(rng, where[most:]),
    ]
    minutes = [3] * half + [10] * (most - half) + [15] * (count - most)
    start = rng.integers(0, HOURS * 60, count).tolist()
    low_mm = (rng.integers(0, 5, count) * 50_000).tolist()
    volumes = rng.integers(1, VOLUMES_MAX + 1, count).tolist()
    order = rng.permutation(count).tolist()
    return [
        Plan(
            source_id=f"{number}",
            state=PlanState.ACCEPTED,
            hazard_mm=50_000,
            volumes=tuple(
                Volume(
                    footprint=(shape,),
                    lower_mm=low_mm[one],
                    upper_mm=low_mm[one] + 60_000,
                    start=DAY + timedelta(minutes=start[one] + part * minutes[one]),
                    end=DAY + timedelta(minutes=start[one] + (part + 1) * minutes[one]),
                )
                for part, shape in enumerate(shapes[one][: volumes[one]])
            ),
        )
        for number, one in enumerate(order)
    ]


def flights(rng: np.random.Generator, where: FloatArray) -> Iterator[list[Shape]]:
    """Legs of 1 to 3 km, 100 m wide."""
    size = (len(where), VOLUMES_MAX)
    turn = rng.uniform(0, 2 * np.pi, (len(where), 1)) + np.cumsum(rng.normal(0, 0.4, size), axis=1)
    leg = rng.uniform(1_000, 3_000, size)[..., None] * directions(turn)
    line = np.concatenate([np.zeros((len(where), 1, 2)), np.cumsum(leg, axis=1)], axis=1)
    for points in moved(where[:, None], line):
        legs = pairwise(map(tuple, points))
        yield [Corridor(line=leg, width_mm=100_000) for leg in legs]


def surveys(rng: np.random.Generator, where: FloatArray) -> Iterator[list[Shape]]:
    """Fields with eight corners some 200 to 600 m from their middle."""
    size = (len(where), VOLUMES_MAX, 8)
    far = rng.uniform(200, 600, (*size[:2], 1)) * rng.uniform(0.6, 1, size)
    corners = far[..., None] * directions(np.sort(rng.uniform(0, 2 * np.pi, size), axis=2))
    middles = rng.normal(0, 1_000, (*size[:2], 1, 2))
    for fields in moved(where[:, None, None], middles + corners):
        yield [Polygon(rings=(tuple(map(tuple, ring)),)) for ring in fields]


def circles(rng: np.random.Generator, where: FloatArray) -> Iterator[list[Shape]]:
    """Circles of 50 to 300 m."""
    size = (len(where), VOLUMES_MAX)
    middles = moved(where[:, None], rng.normal(0, 1_000, (*size, 2)))
    for some, radii in zip(middles, rng.integers(50_000, 300_000, size).tolist(), strict=True):
        yield [
            Circle(centre=(lon, lat), radius_mm=radius)
            for (lon, lat), radius in zip(some, radii, strict=True)
        ]


def directions(turn: FloatArray) -> FloatArray:
    """Unit vectors, east and north."""
    return np.stack([np.cos(turn), np.sin(turn)], axis=-1)


def moved(degrees: FloatArray, metres: FloatArray) -> list:
    """Places so far to the east and north of others, in 1e-7 degree: near enough to invent them."""
    lat = degrees[..., 1]
    per_degree = np.stack([111_320 * np.cos(np.radians(lat)), np.full_like(lat, 111_320)], axis=-1)
    return np.round((degrees + metres / per_degree) * E7_PER_DEG).astype(np.int64).tolist()


Found = dict[tuple[int, int], float]
"""Two plans, and how far apart they are in metres."""


def found_by_us(picture: Picture) -> Found:
    """Every two plans that meet, by the numbers of the plans."""
    known, hits = picture.pairs()
    number = np.array([int(one.value.source_id) for one in known])
    pairs = np.sort(np.column_stack([number[hits["plan"]], number[hits["owner"]]]), axis=1)
    return dict(zip(map(tuple, pairs.tolist()), hits["distance_m"].tolist(), strict=True))


def fill_postgis(connection: psycopg.Connection, plans: list[Plan]) -> None:
    """A row a volume: its core, what is around it, altitudes, and the time as a range."""
    connection.execute("CREATE EXTENSION postgis")
    connection.execute(
        "CREATE TABLE volume (plan int, place geography, radius float8, "
        "low float8, high float8, span int8range)"
    )
    with connection.cursor().copy(
        "COPY volume (plan, place, radius, low, high, span) FROM STDIN"
    ) as copy:
        for plan in plans:
            for volume in plan.volumes:
                shape = volume.footprint[0]
                assert volume.start is not None
                assert volume.end is not None
                copy.write_row((
                    int(plan.source_id), core(shape), shape.radius_m,
                    (volume.lower_mm or 0) / 1_000, (volume.upper_mm or 0) / 1_000,
                    span(microseconds(volume.start), microseconds(volume.end)),
                ))  # fmt: skip
    connection.execute("CREATE INDEX ON volume USING gist (place, span)")
    connection.execute("CREATE INDEX ON volume (plan)")
    connection.execute("VACUUM ANALYZE volume")


def core(shape: Shape) -> str:
    """Its core as WKB, hexadecimal."""
    match shape:
        case Circle():
            made = shapely.Point(np.array(shape.centre) / E7_PER_DEG)
        case Corridor():
            made = shapely.LineString(np.array(shape.line) / E7_PER_DEG)
        case Polygon():
            made = shapely.Polygon(np.array(shape.rings[0]) / E7_PER_DEG)
    return str(made.wkb_hex)


ASK = """
SELECT p.plan, q.plan, min(ST_Distance(p.place, q.place) - p.radius - q.radius)
FROM volume p JOIN volume q
ON q.place && _ST_Expand(p.place, p.radius + %(most)s) AND q.span && p.span
AND q.plan > p.plan AND q.low <= p.high + %(up)s AND p.low <= q.high + %(up)s
AND ST_DWithin(p.place, q.place, p.radius + q.radius + %(keep)s)
WHERE p.plan %% %(share)s = 0 AND p.plan / %(share)s %% %(cores)s = %(core)s
GROUP BY p.plan, q.plan
"""
"""The index finds what is near in place and time; then altitudes, then the places themselves."""


def postgis(url: str, core: int) -> list[tuple[int, int, float]]:
    """What PostGIS finds for a core's part of the plans that it is asked of."""
    asked = {
        "most": RADIUS_MAX_M + KEEP_M, "keep": KEEP_M, "up": KEEP_UP_M,
        "share": PEER_SHARE, "cores": CORES, "core": core,
    }  # fmt: skip
    with psycopg.connect(url) as connection:
        return connection.execute(ASK, asked).fetchall()


def compared(own: Found, theirs: Found) -> str:
    """What differs, told; more than the peer's method may be off by stops the run."""
    lone = [own.get(pair, theirs.get(pair, 0.0)) for pair in own.keys() ^ theirs.keys()]
    if any(abs(apart - KEEP_M) > WITHIN_M for apart in lone):
        raise SystemExit("the peer finds other conflicts than we do: one of us is wrong")
    apart = max(abs(own[pair] - max(0.0, theirs[pair])) for pair in own.keys() & theirs.keys())
    if apart > WITHIN_M:
        raise SystemExit(f"distances differ by up to {apart:.3f} m, expected {WITHIN_M} m")
    return f"{len(lone)} of {len(own):,} pairs differ, at the edge; distances by {apart:.3f} m"


def against_postgis() -> dict[str, object]:
    """The peer: GiST on geography and time range, a self-join by number, a connection a core."""
    filed = plans()
    picture = Picture([Known(value=plan) for plan in filed], agreement=AGREED)
    cluster = Cluster()
    cluster.start()
    own, theirs = [], []
    try:
        url = cluster.url(cluster.make())
        with psycopg.connect(url, autocommit=True) as connection:
            fill_postgis(connection, filed)
        with ThreadPoolExecutor(CORES) as pool:

            def peer() -> list[tuple[int, int, float]]:
                parts = pool.map(lambda core: postgis(url, core), range(CORES))
                return [one for part in parts for one in part]

            found = {(one, other): apart for one, other, apart in peer()}
            everything = found_by_us(picture)
            for _ in range(RUNS):
                own.append(seconds(picture.pairs))
                theirs.append(seconds(peer) * PEER_SHARE)
    finally:
        cluster.remove()
    some = {pair: apart for pair, apart in everything.items() if pair[0] % PEER_SHARE == 0}
    volumes = sum(len(plan.volumes) for plan in filed)
    value, peer_value = statistics.median(own), statistics.median(theirs)
    return {
        "value": value,
        "unit": f"s, {PLANS:,} plans of {volumes:,} volumes, {len(everything):,} pairs",
        "bar": "at most 1, ratio at least 50",
        "peer": f"PostGIS, {CORES} connections, every {PEER_SHARE}th plan times {PEER_SHARE}; "
        + compared(some, found),
        "peer_value": peer_value,
        "ratio": peer_value / value,
    }


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def growth() -> dict[str, object]:
    """Processor time and memory of all pairs, by plans in as many more cities."""
    some, rows = plans(PLANS // 10, CITIES // 10), []
    volumes = sum(len(plan.volumes) for plan in some)
    for copies in COPIES:
        picture, count = many(some, copies), copies * len(some)
        _, hits = picture.pairs()
        found = len(hits)
        del hits
        more = -resident_bytes() + peak_bytes(picture.pairs)
        spent = processor_s(picture.pairs, 3)
        rows.append((count, spent / count * 1e6, found / count, more / count))
        del picture
        gc.collect()
    titles = ("a plan, µs", "pairs a plan", "while asked, bytes a plan")
    drawn("pairs.png", panels("plans", rows, titles))
    told = ", ".join(f"{count:,}: {spent:.1f}" for count, spent, _, _ in rows)
    return {
        "value": rows[-1][1],
        "unit": f"us of processor time a plan of {volumes / len(some):.1f} volumes at "
        f"{rows[-1][0]:,} ({told}), {rows[-1][2]:.2f} pairs and {rows[-1][3]:,.0f} bytes each",
        "bar": "none set",
    }


def many(some: list[Plan], copies: int) -> Picture:
    """The same plans again and again, each time farther east: none but arrays are made for them."""
    gatherer = Gatherer()
    for plan in some:
        gatherer.add(plan)
    once = gatherer.raw()
    rows, starts = np.tile(once.rows, copies), np.tile(once.starts, copies)
    positions = np.tile(once.positions, (copies, 1))
    for part in range(copies):
        rows[part * len(once.rows) :][: len(once.rows)]["owner"] += part * len(some)
        rows[part * len(once.rows) :][: len(once.rows)]["path_end"] += part * len(once.starts)
        starts[part * len(once.starts) :][: len(once.starts)] += part * len(once.positions)
        positions[part * len(once.positions) :][: len(once.positions), 0] += part * APART_E7
    half, turn = 180 * E7_PER_DEG, 360 * E7_PER_DEG
    positions[:, 0] = (positions[:, 0] + half) % turn - half
    raw = Raw(rows, np.tile(once.owners, copies), starts, positions, once.groups)
    known = [
        Known(value=replace(plan, source_id=f"{part} {plan.source_id}"))
        for part in range(copies)
        for plan in some
    ]
    ids = np.zeros(len(known), dtype=np.int64)
    part = Part.whole(arranged(Held(known), ids, raw, AGREED))
    return Picture.of([part], agreement=AGREED, sequence=1)


FIGURES = {"plans.pairs": against_postgis, "plans.growth": growth}

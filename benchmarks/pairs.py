"""The figure of plans against plans: all conflicts among 100,000 plans, beside PostGIS.

A working day over some cities: flights whose legs follow one another, each a corridor with its
own few minutes; surveys of fields, one after the other; and circles in which somebody flies about.
Both sides have the plans loaded and indexed beforehand, and find every two that share time and
altitude and come nearer than agreed, with how far they are apart.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from detente.core.agreement import Agreement, Separation
from detente.core.plan import Plan, PlanState
from detente.core.volume import E7_PER_DEG, Circle, Corridor, Polygon, Shape, Volume

PLANS = 100_000
CITIES = 20
VOLUMES_MAX = 10
DAY = datetime(2026, 1, 1, 6, tzinfo=UTC)
HOURS = 12
AGREED = Agreement(
    name="city", separations={"*": Separation(horizontal_mm=100_000, vertical_mm=20_000)}
)

FloatArray = npt.NDArray[np.float64]
Shapes = list[list[Shape]]


def plans(count: int = PLANS) -> list[Plan]:
    """The same ones each time: half of them flights, a quarter surveys, a quarter circles."""
    rng = np.random.default_rng(11)
    cities = np.column_stack([rng.uniform(-10, 40, CITIES), rng.uniform(-30, 60, CITIES)])
    where = cities[rng.integers(0, CITIES, count)] + rng.normal(0, 0.03, (count, 2))
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

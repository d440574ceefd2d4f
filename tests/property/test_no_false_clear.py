"""No false "no known conflict": 100,000 random pairs, judged by pyproj (R-06).

A tenth lies near the poles and along the antimeridian. Distances are drawn
close to the required separation, where a wrong answer is likeliest. All pairs
stand in one picture, so the index is judged together with the geometry.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from detente.core.check import Known
from detente.core.edges import circle, corridor, polygon
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.volume import Shape, Volume
from detente.picture import Picture
from judge import GEOD, distance_m, to_edge_m, to_polygon_m

SEED = 20151124
FloatArray = npt.NDArray[np.float64]


def places(rng: np.random.Generator, n: int) -> FloatArray:
    """(n, 2) lon/lat degrees, a tenth near a pole or the antimeridian."""
    lat = np.degrees(np.arcsin(rng.uniform(-0.999, 0.999, n)))
    lon = rng.uniform(-180, 180, n)
    tenth = n // 10
    polar, dateline = slice(0, tenth // 2), slice(tenth // 2, tenth)
    lat[polar] = rng.choice([-1, 1], tenth // 2) * (90 - rng.uniform(0, 1.6, tenth // 2) ** 2)
    lon[dateline] = rng.choice([-180, 180], tenth - tenth // 2) - rng.uniform(-0.1, 0.1)
    lon = (lon + 180) % 360 - 180
    return np.column_stack([lon, lat])


def moved(origin: FloatArray, azimuth: FloatArray, metres: FloatArray) -> FloatArray:
    lon, lat, _ = GEOD.fwd(origin[:, 0], origin[:, 1], azimuth, metres)
    return np.column_stack([lon, lat])


def rounded(position: FloatArray) -> FloatArray:
    """To 1e-7 degree, as values hold it: the judge sees the same places."""
    return np.rint(position * 1e7) / 1e7


def answers(
    plans: Sequence[tuple[Shape, ...]], notices: Sequence[Shape], separation_m: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Our distance and error for each pair, infinite where we found nothing."""
    known = [
        Known(
            value=Notice(
                source_id=str(i),
                name="place",
                category="place",
                party="one",
                volumes=(Volume(footprint=(shape,)),),
                standoff_mm=round(s * 1000),
            )
        )
        for i, (shape, s) in enumerate(zip(notices, separation_m, strict=True))
    ]
    asked = [
        Plan(source_id=str(i), volumes=(Volume(footprint=shapes),))
        for i, shapes in enumerate(plans)
    ]
    distance = np.full(len(plans), np.inf)
    error = np.zeros(len(plans))
    for i, met in enumerate(Picture(known).meetings(asked)):
        for meeting in met:
            if meeting.known.value.source_id == str(i):
                distance[i], error[i] = meeting.distance_m, meeting.distance_error_m
    return distance, error


def compare(
    true_m: FloatArray, ours: tuple[FloatArray, FloatArray], separation_m: FloatArray
) -> None:
    """No pair within its separation is missed; what is found is right.

    True distances are good to 1 mm.
    """
    distance, error = ours
    must = true_m <= separation_m
    assert must.sum() > len(must) / 10, "the draw must hold enough true meetings"
    assert (~must).sum() > len(must) / 10, "and enough that are apart"
    missed = must & ~np.isfinite(distance)
    assert not missed.any(), f"seed {SEED}: missed {np.flatnonzero(missed)[:5]}"
    found = np.isfinite(distance)
    wrong = found & (np.abs(np.where(found, distance, 0) - true_m) > error + 0.001)
    assert not wrong.any(), f"seed {SEED}: {np.flatnonzero(wrong)[:5]} off by more than stated"
    assert error[found & (true_m < 50_000)].max() <= 1.0
    # Nothing far beyond the error is found either: the check does not cry wolf.
    assert not (found & (true_m > separation_m + 2 * error + 0.001)).any()


def test_circles_and_points() -> None:
    n = 60_000
    rng = np.random.default_rng(SEED)
    centre = rounded(places(rng, n))
    radius = np.round(10 ** rng.uniform(0, 4, n), 3)
    reach = np.round(10 ** rng.uniform(-1, 3.5, n), 3)
    separation = np.round(10 ** rng.uniform(-1, 4, n), 3)
    # Beside the border of the answer, by a hundredth of a millimetre up to kilometres.
    off = rng.choice([-1, 1], n) * 10 ** rng.uniform(-5, 3.5, n)
    apart = np.maximum(0, radius + reach + separation + off)
    other = rounded(moved(centre, rng.uniform(0, 360, n), apart))
    true = np.maximum(0, distance_m(centre, other) - radius - reach)
    ours = answers(
        [
            (circle(lon, lat, r),)
            for (lon, lat), r in zip(centre.tolist(), radius.tolist(), strict=True)
        ],
        [circle(lon, lat, r) for (lon, lat), r in zip(other.tolist(), reach.tolist(), strict=True)],
        separation,
    )
    compare(true, ours, separation)


def test_corridors() -> None:
    n = 20_000
    rng = np.random.default_rng(SEED + 1)
    start = rounded(places(rng, n))
    # Short enough that straight and geodesic edges differ by less than the error.
    length = 10 ** rng.uniform(1, 3.3, n)
    end = rounded(moved(start, rng.uniform(0, 360, n), length))
    width = np.round(10 ** rng.uniform(0, 3, n), 2)
    separation = np.round(10 ** rng.uniform(-1, 4, n), 3)
    off = rng.choice([-1, 1], n) * 10 ** rng.uniform(-5, 3, n)
    foot = along_any(rng, start, end)
    point = rounded(
        moved(foot, rng.uniform(0, 360, n), np.maximum(0, width / 2 + separation + off))
    )
    true = np.maximum(0, to_edge_m(point, start, end) - width / 2)
    plans = [
        corridor([a, b], w)
        for a, b, w in zip(start.tolist(), end.tolist(), width.tolist(), strict=True)
    ]
    ours = answers(plans, [circle(lon, lat) for lon, lat in point.tolist()], separation)
    near_pole = np.array([len(shapes) > 1 for shapes in plans])
    never_beyond(true[near_pole], (ours[0][near_pole], ours[1][near_pole]), separation[near_pole])
    plain = ~near_pole
    compare(true[plain], (ours[0][plain], ours[1][plain]), separation[plain])


def along_any(rng: np.random.Generator, a: FloatArray, b: FloatArray) -> FloatArray:
    azimuth, _, length = GEOD.inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    lon, lat, _ = GEOD.fwd(a[:, 0], a[:, 1], azimuth, length * rng.uniform(0, 1, len(a)))
    return np.column_stack([lon, lat])


def never_beyond(
    true_m: FloatArray, ours: tuple[FloatArray, FloatArray], separation_m: FloatArray
) -> None:
    """Where two readings of an edge are protected, the nearer one answers."""
    distance, error = ours
    assert len(true_m)
    assert np.isfinite(distance[true_m <= separation_m]).all()
    found = np.isfinite(distance)
    assert (distance[found] - error[found] <= true_m[found] + 0.001).all()


@pytest.mark.parametrize("corners", [3, 5, 9, 12])
def test_polygons(corners: int) -> None:
    n = 5_000
    rng = np.random.default_rng(SEED + corners)
    centre = places(rng, n)
    size = 10 ** rng.uniform(1, 4, n)
    azimuth = np.sort(rng.uniform(0, 360, (n, corners)), axis=1)
    ring = np.stack(
        [
            rounded(moved(centre, azimuth[:, i], size * rng.uniform(0.2, 1, n)))
            for i in range(corners)
        ],
        axis=1,
    )
    separation = np.round(10 ** rng.uniform(-1, 4, n), 3)
    away = rng.uniform(0, 1, n) * (1.5 * size + 1.5 * separation)
    point = rounded(moved(centre, rng.uniform(0, 360, n), away))
    true = to_polygon_m(point, ring)
    plans = [polygon([one]) for one in ring.tolist()]
    ours = answers(plans, [circle(lon, lat) for lon, lat in point.tolist()], separation)
    twice = np.array([len(shapes) > 1 for shapes in plans])
    never_beyond(true[twice], (ours[0][twice], ours[1][twice]), separation[twice])
    plain = ~twice
    compare(true[plain], (ours[0][plain], ours[1][plain]), separation[plain])

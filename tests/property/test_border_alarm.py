"""An alarm at a border never comes later than brute force says that it must (R-06).

The border that ships is known to within ``u``, a track to within ``e``, and the track keeps its
course to within a drift. At the latest when the track, so taken, may be over the border within the
lead, an alarm stands: the judge walks the lead second by second by pyproj's geodesics, and measures
to the border's own corners and points between them.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.alerts import Alert, Key, Terms, step
from detente.core.check import Known
from detente.core.edges import polygon
from detente.core.volume import E7_PER_DEG, Volume
from detente.core.watch import Observed
from detente.core.zone import Zone, ZoneRule
from detente.doors.files import ReadOptions, read
from detente.picture import Picture
from detente.picture.watch import approaches
from judge import GEOD, FloatArray, distance_m
from salient import scenario

START = datetime(2015, 11, 24, 7, 0, tzinfo=UTC)
TERMS = Terms()
LOOK_S = 5
LOOKS = 100

RINGS = [
    np.array(ring) / E7_PER_DEG
    for value in read(
        scenario().folder / "salient_boundary.geojson", ReadOptions(kind="zones", party="one")
    ).values
    if isinstance(value, Zone)
    for shape in value.volumes[0].footprint
    for ring in shape.rings[:1]  # type: ignore[union-attr] # the border is polygons
]


def corners() -> FloatArray:
    """The corners of the border and the middles between, (n, 2) degrees."""
    ring = np.concatenate([RINGS[0], RINGS[0][:1]])
    steps = [np.linspace(a, b, 2, endpoint=False) for a, b in pairwise(ring)]
    return np.concatenate(steps)


LINE = corners()


def border(uncertainty_m: int) -> Picture:
    zone = Zone(
        source_id="border", name="border", party="one", rule=ZoneRule.BOUNDARY,
        volumes=(Volume(footprint=polygon([RINGS[0].tolist()])),),
        uncertainty_mm=uncertainty_m * 1_000,
    )  # fmt: skip
    return Picture([Known(value=zone, object_id="border")])


@settings(deadline=None, max_examples=40)
@given(
    uncertainty_m=st.integers(0, 3_000),
    error_m=st.integers(0, 2_000),
    drift_m_s=st.integers(0, 40),
    speed_m_s=st.integers(50, 300),
    course_deg=st.floats(225, 315),
    corner=st.integers(0, len(LINE) - 1),
)
def test_never_later_than_it_must(
    uncertainty_m: int,
    error_m: int,
    drift_m_s: int,
    speed_m_s: int,
    course_deg: float,
    corner: int,
) -> None:
    """At the last look without an alarm the judge says that none need stand yet."""
    picture, standing = border(uncertainty_m), dict[Key, Alert]()
    reach_m = uncertainty_m + error_m
    # Towards a corner of the border, from where the lead begins within the next minutes.
    away_m = speed_m_s * (TERMS.lead_s + 60) + reach_m + drift_m_s * TERMS.lead_s
    east, north = LINE[corner].tolist()
    lon, lat, onward = GEOD.fwd(east, north, course_deg - 180, away_m)
    before: tuple[float, float, float] | None = None
    for look in range(LOOKS):
        now = START + timedelta(seconds=look * LOOK_S)
        x, y, back = GEOD.fwd(lon, lat, onward, speed_m_s * look * LOOK_S)
        course = (back + 180) % 360
        track = Observed(
            track="t", time=now, position=(round(x * E7_PER_DEG), round(y * E7_PER_DEG)),
            accuracy_mm=error_m * 1_000, drift_mm_s=drift_m_s * 1_000,
            speed_mm_s=speed_m_s * 1_000, course_mdeg=round(course * 1_000) % 360_000,
        )  # fmt: skip
        found = approaches(picture, [track], now, horizon_s=TERMS.end_lead_s)
        standing = step(standing, found, {"t": now}, now=now, terms=TERMS).standing
        if standing:
            break
        before = x, y, course
    assert standing, "no alarm at all"
    if before is not None:
        assert not must(before[:2], before[2], speed_m_s, reach_m, drift_m_s)


def must(
    at: tuple[float, float], course: float, speed_m_s: int, reach_m: int, drift_m_s: int
) -> bool:
    """Whether the border may be reached within the lead, by the judge's own steps."""
    after_s = np.arange(0, TERMS.lead_s + 1, 2.0)
    n = len(after_s)
    lon, lat, _ = GEOD.fwd(
        np.full(n, at[0]), np.full(n, at[1]), np.full(n, course), speed_m_s * after_s
    )
    for x, y, s in zip(lon, lat, after_s, strict=True):
        here = np.broadcast_to(np.array([x, y]), LINE.shape)
        # Half a metre less than what is to be found, so that no rounding of theirs decides.
        if distance_m(here, LINE).min() <= reach_m + drift_m_s * s - 0.5:
            return True
    return False

"""The watch over 24 November 2015; test_border_watch.md tells it, and what is assumed."""

from datetime import UTC, datetime, timedelta

from detente.core.alerts import Alert, Key, Level, Terms, step
from detente.core.check import Known
from detente.core.edges import polygon
from detente.core.volume import E7_PER_DEG, Volume
from detente.core.watch import Observed
from detente.core.zone import Zone, ZoneRule
from detente.picture import Picture
from detente.picture.watch import approaches
from judge import GEOD

CROSSING = datetime(2015, 11, 24, 7, 24, 5, tzinfo=UTC)
LEAD_S = 300
TERMS = Terms(lead_s=LEAD_S, end_lead_s=420, hold_s=30, silent_s=60)

SALIENT = [
    # Hatay's outline around its southern tip: alpers/Turkey-Maps-GeoJSON at 8bbe655,
    # tr-cities.json (Apache-2.0); closed to the north of it.
    (36.18092, 35.90174), (36.18305, 35.83557), (36.16907, 35.81543),
    (36.11645, 35.86551), (36.01868, 35.88110), (36.02289, 35.92450),
]  # fmt: skip


def border(uncertainty_m: int) -> Picture:
    """The salient, as a boundary known to within so many metres."""
    zone = Zone(
        source_id="border", name="border", party="one", rule=ZoneRule.BOUNDARY,
        volumes=(Volume(footprint=polygon([SALIENT])),), uncertainty_mm=uncertainty_m * 1_000,
    )  # fmt: skip
    return Picture([Known(value=zone, object_id="border")])


def seen(latitude: float, now: datetime) -> Observed:
    """The track at a time: over 36.1789 E at CROSSING, from due east of it, at 201 m/s."""
    away_m = 201 * (CROSSING - now).total_seconds()
    lon, lat, back = GEOD.fwd(36.1789, latitude, 90, away_m)
    course = back % 360 if away_m >= 0 else (back + 180) % 360
    return Observed(
        track="24", time=now, position=(round(lon * E7_PER_DEG), round(lat * E7_PER_DEG)),
        accuracy_mm=100_000, drift_mm_s=1_000, speed_mm_s=201_000,
        course_mdeg=round(course * 1_000) % 360_000,
    )  # fmt: skip


def watched(
    picture: Picture, latitude: float, *, silent_from_s: float = 1e9
) -> tuple[dict[Level, float], dict[Key, Alert]]:
    """When each level first came, seconds before CROSSING; and what stands in the end."""
    first: dict[Level, float] = {}
    standing: dict[Key, Alert] = {}
    for second in range(-600, 31):
        now = CROSSING + timedelta(seconds=second)
        heard = CROSSING + timedelta(seconds=min(second, silent_from_s))
        track = seen(latitude, heard)
        found = approaches(picture, [track], now, horizon_s=TERMS.end_lead_s)
        out = step(standing, found, {"24": heard}, now=now, terms=TERMS)
        standing = out.standing
        for one in (*out.begun, *out.raised):
            first.setdefault(one.level, -second)
    return first, standing


def test_first_account() -> None:
    """By the first account the alarm comes minutes before the line."""
    begun = {}
    for uncertainty_m in (0, 700, 2_800):
        first, _ = watched(border(uncertainty_m), 35.8372)
        begun[uncertainty_m] = first[Level.WARNING]
        # This outline lies 0.4 km east of that from which 36.1789 E was taken; the disc is 100 m,
        # and 300 m more after five minutes at a metre a second.
        assert LEAD_S <= first[Level.WARNING] <= LEAD_S + 1 + (uncertainty_m + 900) / 201
        assert 0 <= first[Level.VIOLATION] <= 1 + (uncertainty_m + 600) / 201
    assert begun[700] - begun[0] in {3, 4}
    assert begun[2_800] - begun[0] in {13, 14, 15}


def test_second_account() -> None:
    """By the second account it depends on how well the line is known."""
    for uncertainty_m in (0, 700):
        assert watched(border(uncertainty_m), 35.805) == ({}, {})
    first, standing = watched(border(2_800), 35.805)
    assert first[Level.WARNING] >= LEAD_S
    assert standing["24", "border"].level is Level.VIOLATION


def test_silence() -> None:
    """A track that falls silent stays an alarm."""
    first, standing = watched(border(0), 35.8372, silent_from_s=-120)
    assert first[Level.LOST] == 59
    assert {one.level for one in standing.values()} == {Level.LOST, Level.VIOLATION}
    assert standing["24", "border"].beyond is None

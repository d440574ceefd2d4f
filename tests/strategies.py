"""Hypothesis strategies for our values, in one place."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from detente.core.agreement import Agreement, Separation
from detente.core.lifecycle import Standing
from detente.core.notice import Escort, Notice, NoticeKind, Provenance, Verification
from detente.core.party import Desk, Party
from detente.core.plan import Plan, PlanState
from detente.core.presence import Presence, Track
from detente.core.release import Tlp
from detente.core.report import Report
from detente.core.volume import Circle, Corridor, Polygon, Volume
from detente.core.zone import Zone, ZoneRule

tokens = st.from_regex(r"[a-z0-9][a-z0-9-]{0,10}", fullmatch=True)
names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)
"""Any text that JSON can hold; the controls, quotes and emoji that canonical JSON must spell."""

positions = st.tuples(
    st.integers(-1_800_000_000, 1_800_000_000), st.integers(-900_000_000, 900_000_000)
)
radii_mm = st.integers(0, 5_000_000)
times = st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

circles = st.builds(Circle, centre=positions, radius_mm=radii_mm)
corridors = st.builds(
    Corridor, line=st.lists(positions, min_size=1, max_size=4).map(tuple), width_mm=radii_mm
)
polygons = st.builds(
    Polygon,
    rings=st.lists(
        st.lists(positions, min_size=1, max_size=5).map(tuple), min_size=1, max_size=2
    ).map(tuple),
    buffer_mm=radii_mm,
)
shapes = st.one_of(circles, corridors, polygons)


@st.composite
def volumes(draw: st.DrawFn, *, windowed: bool = False) -> Volume:
    low, high = sorted(draw(st.tuples(st.integers(-500_000, 9_000_000), st.integers(0, 9_000_000))))
    start, end = sorted(draw(st.tuples(times, times)))
    return Volume(
        footprint=tuple(draw(st.lists(shapes, min_size=1, max_size=3))),
        lower_mm=draw(st.sampled_from([None, low])),
        upper_mm=draw(st.sampled_from([None, high])),
        start=start if windowed else draw(st.sampled_from([None, start])),
        end=end if windowed else draw(st.sampled_from([None, end])),
    )


some_volumes = st.lists(volumes(), min_size=1, max_size=3).map(tuple)
maybe_times = st.one_of(st.none(), times)

notices = st.builds(
    Notice,
    source_id=names,
    name=names,
    category=tokens,
    party=tokens,
    volumes=some_volumes,
    standoff_mm=radii_mm,
    review_due=maybe_times,
    disputed=st.booleans(),
    standing=st.sampled_from(Standing),
    escort=st.one_of(st.none(), st.builds(Escort, armed=st.booleans(), marking=names)),
    provenance=st.one_of(
        st.none(), st.builds(Provenance, source=names, verification=st.sampled_from(Verification))
    ),
)
movements = st.builds(
    Notice,
    source_id=names,
    name=names,
    category=tokens,
    party=tokens,
    kind=st.just(NoticeKind.MOVEMENT),
    volumes=st.lists(volumes(windowed=True), min_size=1, max_size=3).map(tuple),
)
zones = st.builds(
    Zone,
    source_id=names,
    name=names,
    party=tokens,
    rule=st.sampled_from(ZoneRule),
    volumes=some_volumes,
    uncertainty_mm=radii_mm,
)
tracks = st.builds(Track, position=positions, time=times, speed_max_mm_s=st.integers(0, 400_000))
presences = st.one_of(
    st.builds(Presence, source_id=names, name=names, party=tokens, volumes=some_volumes),
    st.builds(Presence, source_id=names, name=names, party=tokens, track=tracks),
)
plans = st.builds(
    Plan,
    source_id=names,
    volumes=some_volumes,
    party=tokens,
    hazard_mm=radii_mm,
    state=st.sampled_from(PlanState),
)
reports = st.builds(
    Report, source_id=names, party=tokens, title=names, text=names, tlp=st.sampled_from(Tlp)
)
parties = st.builds(
    Party,
    id=tokens,
    name=names,
    desks=st.lists(st.builds(Desk, id=tokens, name=names), max_size=2).map(tuple),
)
agreements = st.builds(
    Agreement,
    name=names,
    members=st.lists(tokens, max_size=3).map(tuple),
    separations=st.dictionaries(
        st.one_of(tokens, st.just("*")), st.builds(Separation, horizontal_mm=radii_mm), max_size=4
    ),
)
values = st.one_of(notices, movements, zones, presences, plans, reports, parties, agreements)

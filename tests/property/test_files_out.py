"""A file that was written here is read here, and protects all that it was written of (R-06)."""

from datetime import UTC, datetime, timedelta
from itertools import groupby

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from detente.core.check import Protected
from detente.core.drawn import drawing_of
from detente.core.notice import Notice, NoticeKind
from detente.core.plan import Plan, PlanState
from detente.core.presence import Presence, Track
from detente.core.volume import Circle, Corridor, Polygon, Shape, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.files.reading import Imported, Kind
from exported import exported, read_again
from judge import GEOD, FloatArray
from strategies import names, radii_mm, tracks

FORMS = ("geojson", "kml", "gpkg", "csv")
EXAMPLES = settings(max_examples=30)

tokens = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
"""As the reader takes categories: it drops hyphens at the end."""

times = st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """A shape within a degree of somewhere: one that a file may hold and a picture measure."""
    lon = draw(st.integers(-1_790_000_000, 1_790_000_000))
    # Not at latitude 0 and longitude 0, where software puts what it does not know.
    lat = draw(st.integers(20_000_000, 700_000_000)) * draw(st.sampled_from([1, -1]))
    around = st.tuples(
        st.integers(lon - 9_000_000, lon + 9_000_000), st.integers(lat - 9_000_000, lat + 9_000_000)
    )
    radius = draw(radii_mm)
    match draw(st.sampled_from([Circle, Corridor, Polygon])):
        case kind if kind is Circle:
            return Circle(centre=draw(around), radius_mm=radius)
        case kind if kind is Corridor:
            line = tuple(draw(st.lists(around, min_size=1, max_size=4)))
            return Corridor(line=line, width_mm=radius)
    ring = tuple(draw(st.lists(around, min_size=3, max_size=5)))
    return Polygon(rings=(ring,), buffer_mm=radius)


@st.composite
def volumes(draw: st.DrawFn, *, windowed: bool = False) -> Volume:
    low, high = sorted(draw(st.tuples(st.integers(-500_000, 9_000_000), st.integers(0, 9_000_000))))
    start, end = sorted(draw(st.tuples(times, times)))
    return Volume(
        footprint=tuple(draw(st.lists(shapes(), min_size=1, max_size=2))),
        lower_mm=draw(st.sampled_from([None, low])),
        upper_mm=draw(st.sampled_from([None, high])),
        start=start if windowed else draw(st.sampled_from([None, start])),
        end=end if windowed else draw(st.sampled_from([None, end])),
    )


some = st.lists(volumes(), min_size=1, max_size=2).map(tuple)
legs = st.lists(volumes(windowed=True), min_size=1, max_size=2).map(tuple)
common = {"source_id": names, "name": names, "party": tokens, "standoff_mm": radii_mm}
moving = tracks.filter(lambda one: one.position != (0, 0))
VALUES: dict[Kind, st.SearchStrategy[Protected]] = {
    "notices": st.one_of(
        st.builds(Notice, **common, category=tokens, volumes=some, review_due=st.none() | times),
        st.builds(
            Notice, **common, category=tokens, volumes=legs, kind=st.just(NoticeKind.MOVEMENT)
        ),
    ),
    "zones": st.builds(
        Zone, **common, rule=st.sampled_from(ZoneRule), volumes=some, uncertainty_mm=radii_mm
    ),
    "presence": st.one_of(
        st.builds(Presence, **common, volumes=some), st.builds(Presence, **common, track=moving)
    ),
    "plans": st.builds(
        Plan, source_id=names, name=names, party=tokens, volumes=some, hazard_mm=radii_mm,
        state=st.just(PlanState.ACCEPTED),
    ),
}  # fmt: skip


def places_of(shape: Shape) -> FloatArray:
    """Vertices and rims of a shape, (n, 2) degrees."""
    match shape:
        case Circle():
            core: tuple[tuple[int, int], ...] = (shape.centre,)
        case Corridor():
            core = shape.line
        case Polygon():
            core = tuple(place for ring in shape.rings for place in ring)
    places = np.array(core, dtype=np.float64) / 1e7
    out = [places]
    for azimuth in (0, 50, 135, 250):
        n = len(places)
        rim = GEOD.fwd(places[:, 0], places[:, 1], [azimuth] * n, [shape.radius_m] * n)
        out.append(np.column_stack(rim[:2]))
    return np.concatenate(out)


def second_after(time: datetime | None) -> datetime | None:
    return None if time is None else time + timedelta(microseconds=-time.microsecond % 1_000_000)


def protects(read: list[Imported], volume: Volume) -> bool:
    """Whether what was read holds a volume: its time, its heights, and its places."""
    alike = [
        one
        for value in read
        for one in value.volumes
        if (one.start, one.end) == (volume.start, volume.end)
        and (one.lower_mm, one.upper_mm) == (volume.lower_mm, volume.upper_mm)
    ]
    if not alike:
        return False
    places = np.concatenate([places_of(one) for one in volume.footprint])
    drawing = shapely.buffer(drawing_of(alike), 1e-9)
    return bool(shapely.intersects_xy(drawing, places[:, 0], places[:, 1]).all())


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@EXAMPLES
def test_what_is_written_is_read_and_protects_as_much(
    form: str, kind: Kind, data: st.DataObject
) -> None:
    values = data.draw(st.lists(VALUES[kind], min_size=1, max_size=2))
    reading = read_again(form, exported(values), kind)
    assert not reading.refusals, reading.refusals
    by_object = {
        name: list(group)
        for name, group in groupby(reading.values, lambda one: one.source_id.partition("/")[0])
    }
    assert len(by_object) == len(values)
    for read, value in zip(by_object.values(), values, strict=True):
        for one in read:
            assert one.category == value.category
            for name in ("rule", "standoff_mm", "hazard_mm", "uncertainty_mm", "review_due"):
                assert getattr(one, name, None) == getattr(value, name, None)
        track = value.track if isinstance(value, Presence) else None
        if track is None:
            for volume in value.volumes:
                until = second_after(volume.end) if form == "kml" else volume.end
                assert protects(read, replace(volume, end=until))
        elif form == "csv":
            [one] = read
            assert isinstance(one, Presence)
            assert one.track == track


@given(volume=volumes(), circle=st.booleans())
@EXAMPLES
def test_a_table_holds_the_very_volume_where_it_can(volume: Volume, *, circle: bool) -> None:
    first = volume.footprint[0]
    if circle:
        footprint: tuple[Shape, ...] = (Circle(centre=(100_000_001, 500_000_001), radius_mm=7),)
    else:
        footprint = (first,)
    whole = Volume(footprint=footprint, lower_mm=volume.lower_mm, start=volume.start)
    value = Notice(source_id="n", name="n", category="n", volumes=(whole,))
    [read] = read_again("csv", exported([value]), "notices").values
    if isinstance(footprint[0], Circle):
        assert read.volumes == (whole,)
    [again] = read_again("csv", exported([read]), "notices").values
    if len(read.volumes[0].footprint) == 1:
        assert again.volumes == read.volumes, "what was read once is written as it is"


def test_a_line_that_would_be_read_as_less_is_drawn() -> None:
    """Its source meant a line up to 50 m aside, which no reader could know of the line alone."""
    line = ((100_000_000, 500_000_000), (100_100_000, 500_000_000))
    footprint = (Corridor(line=line, width_mm=1_000, edge_error_mm=50_000),)
    [read] = read_again(
        "csv", exported([Notice(source_id="n", name="n", category="n",
                                volumes=(Volume(footprint=footprint),))]), "notices"
    ).values  # fmt: skip
    assert isinstance(read.volumes[0].footprint[0], Polygon)


@given(track=tracks)
@settings(max_examples=5)
def test_the_same_export_has_the_same_bytes(track: Track) -> None:
    from detente.doors.exports import FORMS as WRITERS  # noqa: PLC0415

    found = exported([Presence(source_id="t", name="t", track=track)])
    for form in WRITERS.values():
        assert form.write(found) == form.write(found)

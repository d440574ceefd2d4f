"""F3548's airspace never misses what it must tell of: places, meetings, changes."""

from collections.abc import Sequence
from datetime import timedelta

import s2geometry as s2
from hypothesis import given
from hypothesis import strategies as st

from detente.core.geodesy import GEOD
from detente.core.lifecycle import Standing
from detente.core.plan import Plan, PlanState
from detente.core.subscription import Subscription
from detente.core.uss import Uss
from detente.core.volume import (
    E7_PER_DEG,
    Circle,
    Corridor,
    Footprint,
    Polygon,
    Position,
    Shape,
    Volume,
)
from detente.core.wire import Value
from detente.errors import MalformedInput
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.cells import LEVEL, above_each, covering, level_of, required
from detente.node.f3548.extent import Extent, extent_of
from world import NOW

KM = 1_000_000
FAR = 178 * E7_PER_DEG

latitudes = st.integers(-89 * E7_PER_DEG, 89 * E7_PER_DEG)
longitudes = st.integers(-180 * E7_PER_DEG, 180 * E7_PER_DEG)
positions = st.tuples(longitudes, latitudes)
shares = st.floats(0, 1)


def moved(position: Position, bearing: float, length_m: float) -> Position:
    """Where one comes to along a geodesic."""
    lon, lat, _ = GEOD.fwd(position[0] / E7_PER_DEG, position[1] / E7_PER_DEG, bearing, length_m)
    return round(lon * E7_PER_DEG), round(lat * E7_PER_DEG)


def between(start: Position, end: Position, share: float) -> Position:
    """A place on the geodesic from one to the other."""
    east, north, other_east, other_north = (one / E7_PER_DEG for one in (*start, *end))
    bearing, _, length_m = GEOD.inv(east, north, other_east, other_north)
    return moved(start, bearing, length_m * share)


def outside(cells: Sequence[int], places: Sequence[Position]) -> list[Position]:
    """The places that lie in none of the cells."""
    held, levels = set(cells), {level_of(cell) for cell in cells}

    def is_held(place: Position) -> bool:
        lon, lat = (one / E7_PER_DEG for one in place)
        cell = s2.S2CellId(s2.S2LatLng.FromDegrees(lat, lon)).parent(LEVEL).id()
        return any(above_each([cell], level)[0] in held for level in levels)

    return [place for place in places if not is_held(place)]


@st.composite
def outlines(draw: st.DrawFn, size_m: float = 30_000) -> tuple[Shape, list[Position]]:
    """A shape that F3548 takes, and places within it."""
    centre = draw(positions)
    if draw(st.booleans()):
        radius_mm = draw(st.integers(10, round(size_m * 900)))
        inside = moved(centre, draw(st.floats(0, 360)), radius_mm / 1_000 * draw(shares))
        edge = moved(centre, draw(st.floats(0, 360)), radius_mm / 1_000)
        return Circle(centre=centre, radius_mm=radius_mm), [centre, inside, edge]
    bearing = draw(st.floats(0, 360))
    corners = [
        moved(centre, bearing + turn, size_m * draw(st.floats(0.01, 1))) for turn in (0, 120, 240)
    ]
    one = between(corners[0], corners[1], draw(shares))
    other = between(corners[1], corners[2], draw(shares))
    return Polygon(rings=(tuple(corners),)), [
        *corners,
        one,
        other,
        between(one, other, draw(shares)),
    ]


@given(outlines())
def test_a_covering_holds_its_outline(drawn: tuple[Shape, list[Position]]) -> None:
    shape, places = drawn
    cells = required((shape,))
    assert all(level_of(cell) == LEVEL for cell in cells)
    assert covering((shape,)) == cells
    assert not outside(cells, places)


@given(
    outlines(size_m=400_000),
    st.integers(0, 300 * KM),
    shares,
    st.floats(0, 360),
    st.booleans(),
)
def test_any_shape_has_a_covering_that_holds_what_is_near_it(
    drawn: tuple[Shape, list[Position]], widen_mm: int, share: float, bearing: float, line: bool
) -> None:
    shape, places = drawn
    if line and isinstance(shape, Polygon):
        ring = shape.rings[0]
        shape = Corridor(line=ring, width_mm=2_000)
        places = [*ring, between(ring[0], ring[1], share)]
    cells = covering((shape,), widen_mm)
    assert len(cells) < 20_000
    near = [moved(place, bearing, share * widen_mm / 1_000) for place in places]
    assert not outside(cells, places + near)


minutes = st.integers(0, 60)
altitudes = st.one_of(st.none(), st.integers(0, 10))


@st.composite
def volumes(draw: st.DrawFn) -> Volume:
    """Small discs on a small ground, so that many meet."""
    low, high = draw(altitudes), draw(altitudes)
    if low is not None and high is not None and low > high:
        low, high = high, low
    first, last = sorted((draw(minutes), draw(minutes)))
    centre = (draw(st.integers(0, 8)) * 100_000, draw(st.integers(0, 8)) * 100_000)
    shape = Circle(centre=centre, radius_mm=draw(st.integers(1, 800_000)))
    return Volume(
        footprint=(shape,),
        lower_mm=low,
        upper_mm=high,
        start=NOW + timedelta(minutes=first),
        end=draw(st.sampled_from([None, NOW + timedelta(minutes=last)])),
    )


def name_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


@st.composite
def acts(draw: st.DrawFn) -> tuple[str, Value]:
    """A change of one of a few plans and subscriptions, native ones among the plans."""
    number = draw(st.integers(1, 6))
    where = tuple(draw(st.lists(volumes(), min_size=1, max_size=2)))
    uss = Uss(base_url="https://uss.example")
    if draw(st.booleans()):
        standing = draw(st.sampled_from(Standing))
        wish = Subscription(
            source_id=name_of(number),
            party="one",
            kinds=("plan",),
            volumes=where,
            standing=standing,
            uss=uss,
        )
        return f"{number + 100:032x}", wish
    native = number > 4
    plan = Plan(
        source_id=name_of(number),
        party="one",
        volumes=where,
        hazard_mm=50 * KM if number == 6 else 0,
        state=draw(st.sampled_from([PlanState.ACCEPTED, PlanState.ENDED])),
        uss=None if native else uss,
    )
    return f"{number:032x}", plan


def meets(one: Extent, other: Extent) -> bool:
    """By definition, without an index."""
    shared = set(one.cells) & set(other.cells)
    for level in range(LEVEL):
        shared |= set(above_each(one.cells, level)) & set(other.cells)
        shared |= set(above_each(other.cells, level)) & set(one.cells)
    return (
        bool(shared)
        and one.lower <= other.upper
        and other.lower <= one.upper
        and one.start <= other.end
        and other.start <= one.end
    )


@given(st.lists(acts(), max_size=25), volumes())
def test_the_index_finds_all_and_counts_each_change_once(
    said: list[tuple[str, Value]], asked: Volume
) -> None:
    airspace = Airspace()
    airspace.begin({})
    counts: dict[str, int] = {}
    for version, (object_id, value) in enumerate(said, start=1):
        before = {name: intent.extent for name, intent in airspace.intents.items()}
        # As a decision asks before it is said, and another one after it.
        assert isinstance(value, Plan | Subscription)
        there = extent_of(value.volumes)
        airspace.wishes_in(there)
        airspace.fold(object_id, version, value, f"token {version}")
        heard = sorted(wish.id for wish in airspace.wishes_in(there))
        assert heard == sorted(w.id for w in airspace.wishes.values() if meets(there, w.extent))
        if isinstance(value, Plan) and value.uss is not None:
            after = airspace.intents.get(value.source_id)
            spans = [before.get(value.source_id), None if after is None else after.extent]
            parts = [span for span in spans if span is not None]
            for wish in airspace.wishes.values():
                if parts and meets(_bounds(parts), wish.extent):
                    counts[wish.id] = counts.get(wish.id, 0) + 1
        counts = {name: counts.get(name, 0) for name in airspace.wishes}
        assert airspace.indices == counts
    for extent in (extent_of((asked,)), extent_of((asked,), widen_mm=200 * KM)):
        for found, standing in (
            (airspace.intents_in(extent), airspace.intents.values()),
            (airspace.wishes_in(extent), airspace.wishes.values()),
        ):
            expected = [one.id for one in standing if meets(extent, one.extent)]
            assert sorted(one.id for one in found) == sorted(expected)


def _bounds(parts: list[Extent]) -> Extent:
    return Extent(
        cells=tuple(sorted({cell for part in parts for cell in part.cells})),
        lower=min(part.lower for part in parts),
        upper=max(part.upper for part in parts),
        start=min(part.start for part in parts),
        end=max(part.end for part in parts),
    )


@given(
    positions,
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=101, max_size=120),
)
def test_many_vertices_are_covered_as_well(start: Position, steps: list[tuple[int, int]]) -> None:
    line = [start]
    for east, north in steps:
        line.append(moved(line[-1], 90 * (east > 0) + 180 * (north > 0), 50_000.0 * abs(east)))
    cells = covering((Corridor(line=tuple(line)),))
    assert not outside(cells, line)


@given(st.lists(positions, min_size=1, max_size=8), st.integers(0, KM))
def test_what_is_refused_is_refused_by_name(line: list[Position], width_mm: int) -> None:
    footprint: Footprint = (Polygon(rings=(tuple(line),)), Corridor(line=tuple(line)))
    for shape in footprint:
        try:
            required((shape,))
        except MalformedInput:
            continue
    assert covering(footprint, width_mm)

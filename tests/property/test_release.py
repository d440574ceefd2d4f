"""What a release shows: the grid, the grades, and views that never show more (R-02, R-07)."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detente.core.agreement import Agreement
from detente.core.area import asked_ground, asked_km2
from detente.core.check import Known, Meeting, Protected, Withheld, judge
from detente.core.ledger import NODE
from detente.core.party import Desk, Party
from detente.core.plan import Plan
from detente.core.release import (
    GRID_DEFAULT_MM,
    GRID_MAX_MM,
    GRID_MIN_MM,
    Grade,
    Grant,
    Release,
    Tlp,
    coarse,
    grade,
    may_pass_on,
    most,
    no_more_open,
    shows,
    shows_no_more,
)
from detente.core.view import Reader, label_of
from detente.core.volume import MM_PER_M, RADIUS_MAX_MM, Circle, Corridor, Polygon, Volume
from judge import GEOD, along, distance_m
from strategies import grants, maybe_grades, maybe_releases, protected, releases, times
from world import NOW

DEGREE_E7 = 10_000_000
PARTIES = ("one", "two", "three")

grids = st.sampled_from([GRID_MIN_MM, 1_000 * MM_PER_M, GRID_DEFAULT_MM, GRID_MAX_MM])
anchors = st.tuples(
    st.one_of(st.integers(-1_800_000_000, 1_800_000_000), st.sampled_from([1_800_000_000, 0])),
    st.one_of(
        st.integers(-900_000_000, 900_000_000),
        st.sampled_from([900_000_000, -900_000_000, 899_990_000, 899_500_000, -899_000_000]),
    ),
)
radii = st.integers(0, 30_000 * MM_PER_M)


def wrapped(lon: int, lat: int) -> tuple[int, int]:
    """A position near the anchor, wherever the anchor is."""
    half = 180 * DEGREE_E7
    return (lon + half) % (2 * half) - half, max(-half // 2, min(half // 2, lat))


@st.composite
def shapes(draw: st.DrawFn) -> Circle | Corridor | Polygon:
    """Ordinary shapes, up to some 100 km wide, anywhere: poles and antimeridian included."""
    lon, lat = draw(anchors)
    offsets = st.tuples(st.integers(-5_000_000, 5_000_000), st.integers(-5_000_000, 5_000_000))
    places = draw(st.lists(offsets, min_size=1, max_size=5))
    line = tuple(wrapped(lon + dx, lat + dy) for dx, dy in places)
    match draw(st.integers(0, 2)):
        case 0:
            return Circle(centre=line[0], radius_mm=draw(radii))
        case 1:
            return Corridor(line=line, width_mm=draw(radii), edge_error_mm=draw(radii))
        case _:
            return Polygon(rings=(line,), buffer_mm=draw(radii), edge_error_mm=draw(radii))


def volume(shape: Circle | Corridor | Polygon, **parts: object) -> Volume:
    return Volume(footprint=(shape,), **parts)  # type: ignore[arg-type] # each test names its own


def vertices_and_edges(shape: Circle | Corridor | Polygon) -> np.ndarray[tuple[int, int]]:
    """Places of a shape's core, degrees: its vertices and, along its edges, more."""
    match shape:
        case Circle():
            line: tuple[tuple[int, int], ...] = (shape.centre,)
        case Corridor():
            line = shape.line
        case Polygon():
            line = (*shape.rings[0], shape.rings[0][0])
    points = np.array(line, dtype=np.float64) / DEGREE_E7
    between = [
        along(points[:-1], points[1:], np.full(len(points) - 1, share))
        for share in (0.25, 0.5, 0.75)
    ]
    return np.concatenate([points, *between]) if len(points) > 1 else points


@given(shape=shapes(), grid_mm=grids)
@settings(max_examples=400)
def test_the_area_holds_the_object(shape: Circle | Corridor | Polygon, grid_mm: int) -> None:
    told = coarse((volume(shape),), grid_mm)
    if told is None:
        return
    [circle] = told[0].footprint
    assert isinstance(circle, Circle)
    places = vertices_and_edges(shape)
    centre = np.tile(np.array(circle.centre) / DEGREE_E7, (len(places), 1))
    error_mm = 0 if isinstance(shape, Circle) else shape.edge_error_mm
    reach_m = shape.radius_m + error_mm / MM_PER_M
    assert distance_m(places, centre).max() + reach_m <= circle.radius_m


@given(shape=shapes(), grid_mm=grids)
@settings(max_examples=200)
def test_the_area_is_on_the_grid(shape: Circle | Corridor | Polygon, grid_mm: int) -> None:
    told = coarse((volume(shape, lower_mm=5, upper_mm=6),), grid_mm)
    if told is None:
        return
    [one] = told
    [circle] = one.footprint
    assert isinstance(circle, Circle)
    assert circle.radius_mm % grid_mm == 0
    assert (one.lower_mm, one.upper_mm) == (None, None)
    # The centre is a node: what lies there is told to be there.
    again = coarse((volume(Circle(centre=circle.centre)),), grid_mm)
    assert again is not None
    [node] = again[0].footprint
    assert isinstance(node, Circle)
    assert node.centre == circle.centre


@given(
    centre=anchors,
    radius_mm=radii,
    grid_mm=grids,
    azimuth=st.floats(0, 360),
    share=st.floats(0, 1),
)
@settings(max_examples=400)
def test_where_within_its_cell_an_object_lies_is_not_told(
    centre: tuple[int, int], radius_mm: int, grid_mm: int, azimuth: float, share: float
) -> None:
    """Two objects of one size with their middles in one cell get the same circle."""
    lon, lat, _ = GEOD.fwd(
        centre[0] / DEGREE_E7, centre[1] / DEGREE_E7, azimuth, share * grid_mm / MM_PER_M
    )
    other = (round(lon * DEGREE_E7), round(lat * DEGREE_E7))
    told = [
        coarse((volume(Circle(centre=place, radius_mm=radius_mm)),), grid_mm)
        for place in (centre, other)
    ]
    cells = [coarse((volume(Circle(centre=place)),), grid_mm) for place in (centre, other)]
    assume(cells[0] == cells[1])
    assert told[0] == told[1]


@given(
    centre=anchors,
    times_=st.lists(st.tuples(times, times).map(sorted), min_size=1, max_size=4),
    data=st.data(),
)
@settings(max_examples=200)
def test_times_go_outwards_to_whole_hours_and_legs_are_neither_counted_nor_ordered(
    centre: tuple[int, int], times_: list[list[datetime]], data: st.DataObject
) -> None:
    legs = [volume(Circle(centre=centre), start=start, end=end) for start, end in times_]
    told = coarse(tuple(legs), GRID_DEFAULT_MM)
    assert told is not None
    for leg in legs:
        assert leg.start is not None
        assert leg.end is not None
        assert any(
            one.start is not None
            and one.end is not None
            and leg.start - timedelta(hours=1) < one.start <= leg.start
            and leg.end <= one.end < leg.end + timedelta(hours=1)
            for one in told
        )
    for one in told:
        for time in (one.start, one.end):
            assert time is not None
            assert (time.minute, time.second, time.microsecond) == (0, 0, 0)
    assert coarse(tuple(data.draw(st.permutations([*legs, *legs]))), GRID_DEFAULT_MM) == told


def test_open_ends_stay_open_and_what_is_wider_than_a_circle_has_no_area() -> None:
    point = Circle(centre=(0, 0))
    told = coarse((volume(point), volume(point, start=NOW), volume(point, end=NOW)), GRID_MIN_MM)
    assert told is not None
    assert {(one.start, one.end) for one in told} == {(None, None), (NOW, None), (None, NOW)}
    wide = Corridor(line=((0, 0), (900_000_000, 0)))
    assert coarse((volume(point), volume(wide)), GRID_MAX_MM) is None
    assert coarse((volume(Circle(centre=(0, 0), radius_mm=RADIUS_MAX_MM)),), GRID_MIN_MM) is None
    opposite = Corridor(line=((0, 0), (1_800_000_000, 0)))
    assert coarse((volume(opposite),), GRID_MIN_MM) is None


grants_by_party = st.dictionaries(st.sampled_from(PARTIES), grants, max_size=3)
party_releases = st.builds(
    Release,
    parties=st.dictionaries(st.sampled_from(PARTIES), st.sampled_from(Grade), max_size=3),
    members=maybe_grades,
    until=st.one_of(st.none(), st.sampled_from([NOW - timedelta(1), NOW, NOW + timedelta(1)])),
)


@given(
    release=st.one_of(st.none(), party_releases),
    reader=st.sampled_from(PARTIES),
    members=st.sets(st.sampled_from(PARTIES)),
    granted=grants_by_party,
)
def test_a_grade_is_what_the_release_or_a_grant_says_and_no_more(
    release: Release | None,
    reader: str,
    members: set[str],
    granted: dict[str, Grant],
) -> None:
    found = grade(release, author="author", reader=reader, members=members, grants=granted, now=NOW)
    said: list[Grade | None] = []
    if release is not None and (release.until is None or release.until >= NOW):
        if reader in release.parties:
            said.append(release.parties[reader])
        elif reader in members:
            said.append(release.members)
    grant = granted.get(reader)
    if grant is not None and (grant.until is None or grant.until >= NOW):
        said.append(grant.grade)
    order = [None, Grade.CONTACT, Grade.AREA, Grade.FULL]
    assert found == order[max((order.index(one) for one in said), default=0)]
    own = grade(release, author=reader, reader=reader, members=members, grants={}, now=NOW)
    assert own is Grade.FULL


@given(one=maybe_grades, other=maybe_grades)
def test_grades_are_ordered(one: Grade | None, other: Grade | None) -> None:
    assert most(one, other) is most(other, one)
    assert most(one, other) in {one, other}
    assert shows(one, other) or shows(other, one)
    assert shows(Grade.FULL, one)
    assert shows(one, None)
    assert shows(None, one) == (one is None)


@given(release=maybe_releases, until=times)
def test_only_green_and_clear_are_passed_on_and_only_while_released(
    release: Release | None, until: datetime
) -> None:
    inside = may_pass_on(release, to_member=True, until=until)
    outside = may_pass_on(release, to_member=False, until=until)
    assert inside >= outside
    if inside:
        assert release is not None
        assert not release.originator_control
        assert release.tlp in {Tlp.GREEN, Tlp.CLEAR}
        assert release.until is None or release.until >= until
    assert not outside or (release is not None and release.tlp is Tlp.CLEAR)
    if release is not None:
        later = msgspec.structs.replace(release, originator_control=True)
        assert not may_pass_on(later, to_member=True, until=until)


def test_labels_are_ordered_from_red_to_clear() -> None:
    order = [Tlp.RED, Tlp.AMBER_STRICT, Tlp.AMBER, Tlp.GREEN, Tlp.CLEAR]
    for i, one in enumerate(order):
        assert [no_more_open(one, other) for other in order] == [i <= j for j in range(5)]


def reader_of(party: str, granted: dict[str, dict[str, Grant]] | None = None) -> Reader:
    """A party that looks at NOW, among three with a desk each."""
    return Reader(
        party=party,
        agreement=Agreement(name="x"),
        parties={
            name: Party(id=name, name=name, desks=(Desk(id=f"desk-{name}", name="Desk"),))
            for name in PARTIES
        },
        grants=granted or {},
        now=NOW,
    )


@given(value=protected, release=party_releases, party=st.sampled_from(PARTIES))
@settings(max_examples=200)
def test_no_view_shows_more_than_its_grade(value: Protected, release: Release, party: str) -> None:
    """What is shown is a function of what the grade lets through, and of nothing else."""
    value = msgspec.structs.replace(value, party="one", release=release)
    reader = reader_of(party)
    known = Known(value=value, object_id="0" * 32, sequence=3, version=2, token="t" * 43)
    seen = reader.grade(value, known.object_id)
    meeting = Meeting(
        known=known, distance_m=5.0, distance_error_m=0.1, separation_m=10.0, start=None, end=NOW
    )
    withheld = reader.withhold(meeting)
    assert (withheld is None) == (seen is Grade.FULL)
    assert reader.lists(value, known.object_id) == (seen in {Grade.FULL, Grade.AREA})
    view = None if seen is None else reader.view(known, seen)
    if seen is Grade.FULL:
        assert view is not None
        assert view.value == value
    elif seen is Grade.AREA:
        assert view is not None
        assert view.value is None
        assert view.area == coarse(value.volumes, release.grid_mm)
        assert withheld is not None
        assert (withheld.area, withheld.object) == (view.area, known.object_id)
    else:
        assert view is None
        assert withheld is not None
        assert (withheld.area, withheld.object, withheld.category) == ((), None, None)
        assert (withheld.rule, withheld.kind) == (None, None)
        assert withheld.party == ("one" if seen is Grade.CONTACT else None)


@given(value=protected, release=st.one_of(st.none(), party_releases))
@settings(max_examples=200)
def test_entries_of_one_label_are_listed_alike(value: Protected, release: Release | None) -> None:
    """What is counted by label is what would be counted one by one."""
    value = msgspec.structs.replace(value, party="one", release=release)
    label = label_of(Known(value=value))
    for party in (*PARTIES, "stranger", NODE):
        reader = reader_of(party)
        assert reader.lists_labelled(label) == reader.lists(value, "")


def hidden_from_two(value: Protected) -> Protected:
    return msgspec.structs.replace(value, party="one", release=None, desk=None)


@given(one=protected, other=protected)
@settings(max_examples=200)
def test_of_what_is_not_listed_only_its_gravity_is_told(one: Protected, other: Protected) -> None:
    told = []
    for value in (hidden_from_two(one), hidden_from_two(other)):
        meeting = Meeting(
            known=Known(value=value, object_id="0" * 32),
            distance_m=0.0,
            distance_error_m=0.1,
            separation_m=0.0,
            start=None,
            end=None,
        )
        told.append(reader_of("two").withhold(meeting))
    assert told[0] is not None
    assert told[1] is not None
    assert msgspec.structs.replace(told[0], severity=told[1].severity) == told[1]


SWAP = {"one": "two", "two": "one", "three": "three"}


def swapped(value: Protected) -> Protected:
    """The same, by and for the other party."""
    release = value.release
    if release is not None:
        parties = {SWAP[name]: seen for name, seen in release.parties.items()}
        release = msgspec.structs.replace(release, parties=parties)
    return msgspec.structs.replace(value, party=SWAP[value.party or "three"], release=release)


def renamed(text: str) -> str:
    """An answer's text with the two parties' names exchanged."""
    for name, other in (("one", "\0"), ("two", "one"), ("\0", "two")):
        text = text.replace(f'"{name}"', f'"{other}"').replace(f'"desk-{name}"', f'"desk-{other}"')
    return text


@given(
    values=st.lists(protected, max_size=4),
    releases_=st.lists(st.one_of(st.none(), party_releases), min_size=4, max_size=4),
    by=st.lists(st.sampled_from(PARTIES), min_size=4, max_size=4),
)
@settings(max_examples=100)
def test_parties_that_change_places_get_the_mirrored_answer(
    values: list[Protected], releases_: list[Release | None], by: list[str]
) -> None:
    """No rule reads a party's name (R-07)."""
    filed = [
        msgspec.structs.replace(
            value, source_id=f"{n}", name="A", category="plan", party=by[n], release=releases_[n]
        )
        for n, value in enumerate(values)
    ]

    def asked(known: list[Protected], reader: Reader) -> list[str]:
        meetings = [
            Meeting(
                known=Known(value=value, object_id=f"{n:032x}"),
                distance_m=0.0,
                distance_error_m=0.1,
                separation_m=0.0,
                start=None,
                end=None,
            )
            for n, value in enumerate(known)
        ]
        verdict = judge(PLAN, meetings, (), now=NOW, sequence=1, stale=0, withhold=reader.withhold)
        # Sorted: which of two that are equally grave comes first may follow their parties' names.
        reasons = (*verdict.findings, *verdict.withheld)
        return [verdict.verdict, *sorted(msgspec.json.encode(one).decode() for one in reasons)]

    forth = asked(filed, reader_of("one"))
    back = asked([swapped(value) for value in filed], reader_of("two"))
    assert sorted(map(renamed, forth)) == sorted(back)


PLAN = Plan(source_id="p", volumes=(volume(Circle(centre=(0, 0))),))


def plan_at(shape: Circle | Corridor | Polygon, **parts: object) -> Plan:
    return Plan(source_id="p", volumes=(volume(shape),), **parts)  # type: ignore[arg-type]


@given(shape=shapes(), separation_m=st.floats(0, 20_000), data=st.data())
@settings(max_examples=200)
def test_a_question_costs_its_area_and_at_least_a_cell(
    shape: Circle | Corridor | Polygon, separation_m: float, data: st.DataObject
) -> None:
    plan = plan_at(shape)
    cost = asked_km2(plan, separation_m)
    assert cost >= (GRID_DEFAULT_MM / 1e6) ** 2
    reach_m = shape.radius_m + separation_m
    assert cost >= np.pi * reach_m**2 / 1e6
    assert asked_km2(plan, separation_m + 1_000) >= cost
    assert asked_km2(plan_at(shape, hazard_mm=round(separation_m * 1_000)), 0) >= cost * 0.999
    twice = msgspec.structs.replace(plan, volumes=plan.volumes * 2)
    assert asked_km2(twice, separation_m) >= cost
    # Whatever else is asked about the same ground is the same question.
    start = data.draw(times)
    other = msgspec.structs.replace(
        plan,
        source_id="other",
        volumes=(volume(shape, start=start, lower_mm=5),),
        category="another",
    )
    assert asked_ground(other, separation_m) == asked_ground(plan, separation_m)


@given(shape=shapes())
@settings(max_examples=100)
def test_another_ground_is_another_question(shape: Circle | Corridor | Polygon) -> None:
    plan = plan_at(shape)
    assert asked_ground(plan, 0.0) != asked_ground(plan, 2 * GRID_DEFAULT_MM / MM_PER_M)
    [place] = (coarse(plan.volumes, GRID_DEFAULT_MM) or plan.volumes)[0].footprint[:1]
    assert isinstance(place, Circle)
    away = wrapped(place.centre[0], place.centre[1] - 2_000_000)
    assert asked_ground(plan, 0.0) != asked_ground(
        plan_at(Circle(centre=away, radius_mm=place.radius_mm)), 0.0
    )


def test_a_question_wider_than_the_grid_tells_is_its_own() -> None:
    wide = plan_at(Corridor(line=((0, 0), (900_000_000, 0))))
    other = plan_at(Corridor(line=((0, 0), (900_000_000, 1))))
    assert asked_ground(wide, 0.0) == asked_ground(wide, 0.0)
    assert len({asked_ground(wide, 0.0), asked_ground(other, 0.0), asked_ground(wide, 1.0)}) == 3


@given(value=protected, release=releases)
@settings(max_examples=50)
def test_the_node_sees_all(value: Protected, release: Release) -> None:
    value = msgspec.structs.replace(value, release=release)
    assert reader_of(NODE).grade(value, "") is Grade.FULL
    late = reader_of("two")
    ended = msgspec.structs.replace(
        value,
        party="one",
        release=msgspec.structs.replace(release, until=datetime(1960, 1, 1, tzinfo=UTC)),
    )
    assert late.grade(ended, "") is None
    assert isinstance(
        late.withhold(
            Meeting(
                known=Known(value=ended),
                distance_m=0.0,
                distance_error_m=0.0,
                separation_m=0.0,
                start=None,
                end=None,
            )
        ),
        Withheld,
    )


@given(
    one=maybe_releases, other=maybe_releases,
    later=st.timedeltas(timedelta(0), timedelta(days=900)),
    members=st.sets(st.sampled_from(PARTIES)), like=st.booleans(),
)  # fmt: skip
def test_what_shows_no_more_shows_nobody_more_at_any_time(
    one: Release | None, other: Release | None, later: timedelta, members: set[str], *, like: bool
) -> None:
    if like and one is not None and other is not None:
        one = msgspec.structs.replace(other, parties=one.parties, members=one.members)
    assume(shows_no_more(one, other, members, NOW))
    for party in PARTIES:
        by_one, by_other = (
            grade(each, author="author", reader=party, members=members, grants={}, now=NOW + later)
            for each in (one, other)
        )
        assert shows(by_other, by_one)
        to_member = party in members
        assert may_pass_on(other, to_member=to_member, until=NOW + later) or not may_pass_on(
            one, to_member=to_member, until=NOW + later
        )


@given(one=releases, members=st.sets(st.sampled_from(PARTIES)))
def test_a_release_that_goes_on_shows_no_more_than_itself(one: Release, members: set[str]) -> None:
    assert shows_no_more(one, one, members, one.until or NOW)
    assert shows_no_more(None, one, members, NOW)
    assert not shows_no_more(one, None, members, NOW)

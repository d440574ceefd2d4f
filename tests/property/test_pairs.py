"""All pairs of plans that meet, against asking each plan of each other alone (R-06, R-07, R-18)."""

from datetime import timedelta
from itertools import combinations, pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.agreement import Agreement, Separation
from detente.core.check import Known, Meeting, protects
from detente.core.notice import Notice
from detente.core.plan import Plan, PlanState
from detente.core.volume import E7_PER_DEG, Circle, Corridor, Polygon, Position, Shape, Volume
from detente.picture import Live, Picture, pairs
from detente.picture.picture import Part
from detente.picture.segment import build
from judge import GEOD
from world import NOW

ANCHORS = [(10, 50), (180, 0), (0, 90), (-180, -90), (-180, 65)]
offsets = st.integers(-200_000, 200_000)  # 1e-7 degree: 2 km around a place
hours = st.none() | st.integers(-3, 3)
heights_mm = st.none() | st.integers(-3, 6).map(lambda n: n * 100_000)
lengths_mm = st.sampled_from([0, 1_000, 250_000, 1_000_000])
categories = st.sampled_from(["medical", "transit"])


@st.composite
def shapes(draw: st.DrawFn, anchor: tuple[int, int]) -> Shape:
    def place() -> Position:
        lon = anchor[0] * E7_PER_DEG + draw(offsets)
        lat = max(-90 * E7_PER_DEG, min(90 * E7_PER_DEG, anchor[1] * E7_PER_DEG + draw(offsets)))
        return (lon + 180 * E7_PER_DEG) % (360 * E7_PER_DEG) - 180 * E7_PER_DEG, lat

    match draw(st.integers(0, 2)):
        case 0:
            return Circle(centre=place(), radius_mm=draw(lengths_mm))
        case 1:
            line = tuple(place() for _ in range(draw(st.integers(1, 6))))
            return Corridor(line=line, width_mm=draw(lengths_mm))
        case _:
            ring = tuple(place() for _ in range(draw(st.integers(3, 6))))
            return Polygon(rings=(ring,), buffer_mm=draw(lengths_mm))


@st.composite
def volumes(draw: st.DrawFn, anchor: tuple[int, int]) -> Volume:
    since, until = draw(hours), draw(hours)
    if since is not None and until is not None:
        since, until = sorted([since, until])
    low, high = draw(heights_mm), draw(heights_mm)
    if low is not None and high is not None:
        low, high = sorted([low, high])
    return Volume(
        footprint=tuple(draw(st.lists(shapes(anchor), min_size=1, max_size=2))),
        lower_mm=low,
        upper_mm=high,
        start=None if since is None else NOW + timedelta(hours=since),
        end=None if until is None else NOW + timedelta(hours=until),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Known], Agreement]:
    """Plans, some of them versions of one, and some notices between them."""
    anchor = draw(st.sampled_from(ANCHORS))
    known = []
    for number in range(draw(st.integers(2, 6))):
        parts: dict[str, Any] = {
            "source_id": draw(st.sampled_from([f"{number}", "again"])),
            "category": draw(categories),
            "party": draw(st.sampled_from([None, "one"])),
            "volumes": tuple(draw(st.lists(volumes(anchor), min_size=1, max_size=3))),
        }
        if draw(st.integers(0, 5)):
            state = draw(st.sampled_from([*PlanState, *[PlanState.ACCEPTED] * 9]))
            value: Plan | Notice = Plan(**parts, hazard_mm=draw(lengths_mm), state=state)
        else:
            value = Notice(**parts, name="n", standoff_mm=draw(lengths_mm))
        known.append(Known(value=value, object_id=f"{number}"))
    separations = st.dictionaries(
        categories,
        st.builds(
            Separation,
            horizontal_mm=st.sampled_from([0, 500_000]),
            vertical_mm=st.sampled_from([0, 100_000]),
        ),
    )
    return known, Agreement(name="x", separations=draw(separations))


Told = tuple[float, float, float, object, object]


def told(meeting: Meeting) -> Told:
    return (
        meeting.distance_m,
        meeting.distance_error_m,
        meeting.separation_m,
        meeting.start,
        meeting.end,
    )


def one_by_one(known: list[Known], terms: Agreement, separation_mm: int) -> dict[Any, Told]:
    """What each plan meets of each after it, asked alone."""
    out = {}
    filed = [one for one in known if isinstance(one.value, Plan) and protects(one.value)]
    for a, b in combinations(filed, 2):
        assert isinstance(a.value, Plan)
        picture = Picture([b], agreement=terms)
        for meeting in picture.meetings([a.value], separation_mm=separation_mm)[0]:
            out[a.object_id, b.object_id] = told(meeting)
    return out


def found(picture: Picture, separation_mm: int = 0) -> dict[Any, Told]:
    """The same of all at once, of which none is said twice."""
    some = picture.conflicts(separation_mm=separation_mm)
    out = {(one.object_id, meeting.known.object_id): told(meeting) for one, meeting in some}
    assert len(out) == len(some)
    return out


@pytest.fixture(scope="module", params=[1_024, 1], ids=["one slab", "many slabs"])
def slab_rows(request: pytest.FixtureRequest) -> Any:
    """Small worlds are one slab of time, or as many as there are times to tell apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "SLAB_ROWS_MIN", request.param)
        patch.setattr(pairs, "SPANS_MAX", np.inf if request.param == 1 else pairs.SPANS_MAX)
        patch.setattr(pairs, "CHUNK_ROWS", 3)
        yield request.param


@pytest.mark.usefixtures("slab_rows")
@given(world=worlds(), separation_mm=st.sampled_from([0, 400_000]))
@settings(max_examples=300, deadline=None)
def test_all_pairs_are_what_each_plan_meets_alone(
    world: tuple[list[Known], Agreement], separation_mm: int
) -> None:
    known, terms = world
    expected = one_by_one(known, terms, separation_mm)
    assert found(Picture(known, agreement=terms), separation_mm) == expected


@pytest.mark.usefixtures("slab_rows")
@given(world=worlds(), data=st.data())
@settings(max_examples=100, deadline=None)
def test_pairs_across_segments_and_without_what_is_gone(
    world: tuple[list[Known], Agreement], data: st.DataObject
) -> None:
    known, terms = world
    filed = [one for one in known if protects(one.value)]
    cut = data.draw(st.integers(0, len(filed)))
    stands = data.draw(st.lists(st.booleans(), min_size=len(filed), max_size=len(filed)))
    parts = []
    for first, end in ((0, cut), (cut, len(filed))):
        if first < end:
            whole = Part.whole(build(filed[first:end], terms))
            alive = np.array(stands[first:end])
            parts.append(Part.of(whole.segment, alive))
    picture = Picture.of(parts, agreement=terms, sequence=1)
    assert found(picture) == one_by_one(list(picture), terms, 0)


@given(world=worlds())
@settings(max_examples=300, deadline=None)
def test_either_of_two_plans_may_ask(world: tuple[list[Known], Agreement]) -> None:
    """R-07, of all kinds of shapes: the same pairs, the same times, distances to a micrometre."""
    known, terms = world
    forth = one_by_one(known, terms, 0)
    back = {(a, b): met for (b, a), met in one_by_one(known[::-1], terms, 0).items()}
    assert back.keys() == forth.keys()
    for pair, (distance, error, *rest) in forth.items():
        assert back[pair][:2] == pytest.approx((distance, error), abs=1e-6)
        assert list(back[pair][2:]) == rest


def test_a_city_of_plans_is_what_each_meets_of_all() -> None:
    """Enough of them for several slabs and threads; some never end, some are versions of one."""
    rng = np.random.default_rng(5)
    known = []
    for number in range(1_500):
        where = (np.array([8.5, 47.4]) + rng.normal(0, 0.05, (4, 2))) * E7_PER_DEG
        since = NOW + timedelta(minutes=int(rng.integers(0, 600)))
        legs = [tuple(map(round, place)) for place in where.tolist()]
        parts = [
            Volume(
                footprint=(Circle(centre=leg, radius_mm=int(rng.integers(0, 900_000))),),
                start=None if rng.random() < 0.05 else since + timedelta(minutes=10 * part),
                end=None if rng.random() < 0.05 else since + timedelta(minutes=10 * (part + 1)),
            )
            for part, leg in enumerate(legs)
        ]
        plan = Plan(source_id=f"{number % 1_400}", volumes=tuple(parts), state=PlanState.ACCEPTED)
        known.append(Known(value=plan, object_id=f"{number}"))
    terms = Agreement(name="x", separations={"*": Separation(horizontal_mm=100_000)})
    picture = Picture(known, agreement=terms)
    plans = [one.value for one in known if isinstance(one.value, Plan)]
    expected = {
        (f"{number}", meeting.known.object_id): told(meeting)
        for number, meetings in enumerate(picture.meetings(plans))
        for meeting in meetings
        if number < int(meeting.known.object_id)
    }
    assert len(expected) > 1_500
    assert found(picture) == expected
    live = Live(known[:900], agreement=terms)
    live.fold([(one.object_id, one) for one in known[900:]], 1)
    live.fold([("7", None)], 2)
    expected = {pair: met for pair, met in expected.items() if "7" not in pair}
    either = {frozenset(pair): met for pair, met in found(live.snapshot()).items()}
    assert either.keys() == {frozenset(pair) for pair in expected}


def flown(name: str, line: list[tuple[float, float]], minutes: int) -> Known:
    """A flight whose legs take a quarter of an hour each, 100 m wide."""
    places = [(round(lon * E7_PER_DEG), round(lat * E7_PER_DEG)) for lon, lat in line]
    legs = tuple(
        Volume(
            footprint=(Corridor(line=(a, b), width_mm=100_000),),
            start=NOW + timedelta(minutes=minutes + 15 * number),
            end=NOW + timedelta(minutes=minutes + 15 * (number + 1)),
        )
        for number, (a, b) in enumerate(pairwise(places))
    )
    return Known(value=Plan(source_id=name, volumes=legs, state=PlanState.ACCEPTED))


def test_moving_plans_meet_only_where_both_are_at_the_same_time() -> None:
    """Two flights cross in the middle leg of each; the same an hour later meets neither."""
    east = [(10.00, 50.00), (10.05, 50.00), (10.10, 50.00), (10.15, 50.00)]
    north = [(10.075, 49.93), (10.075, 49.98), (10.075, 50.02), (10.075, 50.06)]
    flights = [flown("east", east, 0), flown("north", north, 0), flown("late", north, 60)]
    picture = Picture(flights)
    ((one, meeting),) = picture.conflicts()
    assert (one.value.source_id, meeting.known.value.source_id) == ("east", "north")
    assert meeting.distance_m == 0
    assert meeting.start == NOW + timedelta(minutes=15)
    assert meeting.end == NOW + timedelta(minutes=30)
    # The last leg of one begins when that of another ends: touching is meeting.
    touching = Picture([flown("a", east[:2], 0), flown("b", east[:2], 15)]).conflicts()
    assert [met.start == met.end == NOW + timedelta(minutes=15) for _, met in touching] == [True]


def test_distances_are_those_of_geodesics() -> None:
    """Three circles in a row, told to keep 1 km; pyproj says how far apart they are."""
    lons = [10.0]
    for gap in (900.0, 1_200.0):
        lons.append(float(GEOD.fwd(lons[-1], 50.0, 90, gap)[0]))
    places = [(round(lon * E7_PER_DEG), 50 * E7_PER_DEG) for lon in lons]
    plans = [
        Plan(
            source_id=f"{number}",
            volumes=(Volume(footprint=(Circle(centre=place, radius_mm=100_000),)),),
            hazard_mm=(0, 0, 1_000_000)[number],
            state=PlanState.ACCEPTED,
        )
        for number, place in enumerate(places)
    ]
    picture = Picture([Known(value=plan) for plan in plans])
    apart = GEOD.inv(places[1][0] / E7_PER_DEG, 50.0, places[2][0] / E7_PER_DEG, 50.0)[2] - 200
    ((one, meeting),) = picture.conflicts()
    assert (one.value.source_id, meeting.known.value.source_id) == ("1", "2")
    assert abs(meeting.distance_m - apart) <= meeting.distance_error_m
    assert meeting.separation_m == 1_000
    wider = picture.conflicts(separation_mm=800_000)
    assert [(a.value.source_id, met.known.value.source_id) for a, met in wider] == [
        ("0", "1"), ("1", "2"),
    ]  # fmt: skip


def test_a_picture_without_plans_has_no_pairs() -> None:
    assert Picture([]).conflicts() == []
    known, hits = Picture([]).pairs()
    assert (known, len(hits)) == ([], 0)
    alone = flown("a", [(0, 0), (0, 1)], 0)
    assert Picture([alone]).conflicts() == []
    draft = msgspec.structs.replace(alone.value, source_id="b", state=PlanState.DRAFT)
    assert Picture([alone, Known(value=draft)]).conflicts() == []

"""The live picture against a fresh one: whatever was folded, and however it was merged."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from unittest import mock

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.agreement import Agreement, Separation
from detente.core.check import Known, Protected, protects
from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.plan import Plan, PlanState
from detente.core.presence import Presence, Track
from detente.core.volume import Circle, Corridor, Polygon, Position, Shape, Volume
from detente.core.zone import Zone, ZoneRule
from detente.picture import Live, Picture, live, question
from world import NOW, object_id

DEGREE_E7 = 10_000_000
ANCHORS = [(10, 50), (180, 0), (0, 90), (-180, -65)]
OBJECTS = 8

offsets = st.integers(-200_000, 200_000)  # 1e-7 degree: 2 km around a place
lengths_mm = st.sampled_from([0, 1_000, 250_000, 1_000_000])
hours = st.one_of(st.none(), st.integers(-5, 5))
categories = st.sampled_from(["medical", "transit", "school"])
agreements = st.one_of(
    st.none(),
    st.builds(
        Agreement,
        name=st.just("x"),
        separations=st.dictionaries(
            st.one_of(categories, st.just("*")),
            st.builds(
                Separation,
                horizontal_mm=st.sampled_from([0, 2_000_000]),
                vertical_mm=st.sampled_from([0, 100_000]),
            ),
        ),
    ),
)


@st.composite
def positions(draw: st.DrawFn, anchor: tuple[int, int]) -> Position:
    lon = anchor[0] * DEGREE_E7 + draw(offsets)
    lon = (lon + 180 * DEGREE_E7) % (360 * DEGREE_E7) - 180 * DEGREE_E7
    lat = anchor[1] * DEGREE_E7 + draw(offsets)
    return lon, max(-90 * DEGREE_E7, min(90 * DEGREE_E7, lat))


def shapes(anchor: tuple[int, int]) -> st.SearchStrategy[Shape]:
    where = positions(anchor)
    ring = st.lists(where, min_size=1, max_size=20).map(tuple)
    return st.one_of(
        st.builds(Circle, centre=where, radius_mm=lengths_mm),
        st.builds(Corridor, line=ring, width_mm=lengths_mm, edge_error_mm=st.integers(0, 400)),
        st.builds(
            Polygon, rings=st.lists(ring, min_size=1, max_size=2).map(tuple), buffer_mm=lengths_mm
        ),
    )


@st.composite
def volumes(draw: st.DrawFn, anchor: tuple[int, int]) -> Volume:
    since, until = draw(hours), draw(hours)
    if None not in {since, until}:
        since, until = sorted([since or 0, until or 0])
    low = draw(st.one_of(st.none(), st.integers(-3, 6).map(lambda n: n * 100_000)))
    return Volume(
        footprint=tuple(draw(st.lists(shapes(anchor), min_size=1, max_size=2))),
        lower_mm=low,
        upper_mm=None if low is None else low + draw(lengths_mm),
        start=None if since is None else NOW + timedelta(hours=since),
        end=None if until is None else NOW + timedelta(hours=until),
    )


@st.composite
def entries(draw: st.DrawFn, anchor: tuple[int, int]) -> Protected:
    number = draw(st.integers(0, 5))
    parts: dict[str, Any] = {
        "source_id": f"{number}",
        "name": f"{number}",
        "category": draw(categories),
        "volumes": tuple(draw(st.lists(volumes(anchor), min_size=1, max_size=2))),
    }
    due = draw(st.sampled_from([None, NOW - timedelta(days=9), NOW + timedelta(hours=3)]))
    standing = draw(st.sampled_from([Standing.IN_FORCE, Standing.IN_FORCE, Standing.WITHDRAWN]))
    match draw(st.integers(0, 4)):
        case 0:
            standoff = draw(lengths_mm)
            return Notice(**parts, standoff_mm=standoff, standing=standing, review_due=due)
        case 1:
            return Zone(**parts, rule=ZoneRule.BOUNDARY, uncertainty_mm=draw(lengths_mm))
        case 2:
            return Plan(**parts, hazard_mm=draw(lengths_mm), state=draw(st.sampled_from(PlanState)))
        case 3:
            return Presence(**parts, review_due=due)
        case _:
            track = Track(
                position=draw(positions(anchor)),
                time=NOW + timedelta(hours=draw(st.integers(-8, 1))),
                speed_max_mm_s=draw(st.integers(0, 300_000)),
                accuracy_mm=draw(lengths_mm),
            )
            return Presence(source_id="t", name="t", category=draw(categories), track=track)


Answers = list[list[tuple[Any, ...]]]


def answers(picture: Picture, plans: Sequence[Plan], separation_mm: int) -> Answers:
    return [
        sorted(
            (
                one.known.object_id,
                one.known.sequence,
                one.distance_m,
                one.distance_error_m,
                one.separation_m,
                str(one.start),
                str(one.end),
            )
            for one in meetings
        )
        for meetings in picture.meetings(plans, separation_mm=separation_mm)
    ]


def label(known: Known) -> str:
    return known.value.source_id


class Reference:
    """What a live picture stands for: the current version of each object, in a dict."""

    def __init__(self) -> None:
        self.objects: dict[str, Known] = {}
        self.agreement: Agreement | None = None
        self.sequence = 0

    def fold(self, changes: Sequence[tuple[str, Known | None]]) -> None:
        for identity, known in changes:
            self.objects.pop(identity, None)
            if known is not None:
                self.objects[identity] = known

    def picture(self) -> Picture:
        return Picture(
            self.objects.values(), agreement=self.agreement, sequence=self.sequence, label=label
        )


def same(ours: Picture, fresh: Picture, plans: Sequence[Plan], separation_mm: int) -> None:
    """Every question of a snapshot has the answer of a fresh picture, to the last bit."""
    assert (ours.sequence, ours.agreement, len(ours)) == (
        fresh.sequence,
        fresh.agreement,
        len(fresh),
    )
    expected = answers(fresh, plans, separation_mm)
    assert answers(ours, plans, separation_mm) == expected
    met = ours.met(plans, separation_mm=separation_mm)
    assert [sorted(one.object_id for one in each) for each in met] == [
        [one[0] for one in each] for each in expected
    ]
    standing = {one.object_id: one for one in fresh}
    assert {one.object_id: one for one in ours} == standing
    for number in range(OBJECTS):
        assert ours.get(object_id(number)) == standing.get(object_id(number))
    for hours in (0, 5):
        now = NOW + timedelta(hours=hours)
        assert ours.stale_by_label(now) == fresh.stale_by_label(now)
        assert ours.stale_count(now) == fresh.stale_by_label(now).total()
        assert fresh.stale_count(now) == sum(
            not isinstance(one.value, Plan) and one.value.is_stale(now) for one in fresh
        )


@given(data=st.data())
@settings(max_examples=250)
def test_a_live_picture_answers_as_a_fresh_one_of_the_same_objects(data: st.DataObject) -> None:
    anchor = data.draw(st.sampled_from(ANCHORS))
    known = st.builds(Known, value=entries(anchor), sequence=st.integers(0, 99))
    objects = st.integers(0, OBJECTS - 1).map(object_id)
    changes = st.lists(st.tuples(objects, st.one_of(st.none(), known, known)), max_size=5)
    steps = st.one_of(changes, changes, changes, agreements, st.just("compact"), st.just("look"))
    volume = st.lists(volumes(anchor), min_size=1, max_size=2).map(tuple)
    plans = data.draw(
        st.lists(
            st.builds(
                Plan,
                source_id=st.integers(0, 5).map(str),
                category=categories,
                volumes=volume,
                hazard_mm=lengths_mm,
            ),
            min_size=1,
            max_size=3,
        )
    )
    separation_mm = data.draw(lengths_mm)
    small = data.draw(st.sampled_from([0, 10, 4_096]))
    growth = data.draw(st.sampled_from([0, 1, 8]))
    brief = data.draw(st.sampled_from([0, 1_000]))
    kept: list[tuple[Picture, Answers]] = []
    reference, ours = Reference(), Live(label=label)
    with (
        mock.patch.object(live, "SMALL_VERTICES", small),
        mock.patch.object(live, "GROWTH", growth),
        mock.patch.object(question, "BRIEF_WORK", brief),
    ):
        for step in data.draw(st.lists(steps, max_size=12)):
            reference.sequence += 1
            match step:
                case "compact":
                    ours.compact()
                    reference.sequence -= 1
                case "look":
                    reference.sequence -= 1
                    snapshot = ours.snapshot()
                    kept.append((snapshot, answers(snapshot, plans, separation_mm)))
                case Agreement() | None:
                    reference.agreement = step
                    ours.agree(step, reference.sequence)
                case changed:
                    named = [
                        (one, value and msgspec.structs.replace(value, object_id=one))
                        for one, value in changed
                    ]
                    reference.fold(named)
                    ours.fold(named, reference.sequence)
        same(ours.snapshot(), reference.picture(), plans, separation_mm)
        while ours.compact():
            pass
        same(ours.snapshot(), reference.picture(), plans, separation_mm)
    assert len(ours.snapshot()) == sum(protects(one.value) for one in reference.objects.values())
    for snapshot, before in kept:
        assert answers(snapshot, plans, separation_mm) == before

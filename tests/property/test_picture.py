"""The picture against a plain reading of the rules, pair by pair (R-03, R-06, R-07)."""

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.agreement import Agreement, Separation
from detente.core.check import Known, Meeting
from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.plan import Plan, PlanState
from detente.core.presence import TRACK_GROWTH_MAX_S, Presence, Track
from detente.core.volume import Circle, Volume
from detente.core.zone import Zone, ZoneRule
from detente.picture import Picture
from judge import GEOD
from world import NOW

DEGREE_E7 = 10_000_000

offsets = st.integers(-300_000, 300_000)  # 1e-7 degree: 3 km around a place
centres = st.tuples(offsets, offsets)
hours = st.one_of(st.none(), st.integers(-5, 5))
heights_mm = st.one_of(st.none(), st.integers(-3, 6).map(lambda n: n * 100_000))
lengths_mm = st.sampled_from([0, 1_000, 250_000, 1_000_000])
categories = st.sampled_from(["medical", "transit", "school"])
ANCHORS = [(10, 50), (180, 0), (0, 90), (-180, -90), (-180, 65)]


@st.composite
def volumes(draw: st.DrawFn, anchor: tuple[int, int]) -> Volume:
    dx, dy = draw(centres)
    lon = anchor[0] * DEGREE_E7 + dx
    lon = (lon + 180 * DEGREE_E7) % (360 * DEGREE_E7) - 180 * DEGREE_E7
    lat = max(-90 * DEGREE_E7, min(90 * DEGREE_E7, anchor[1] * DEGREE_E7 + dy))
    since, until = draw(hours), draw(hours)
    if None not in {since, until}:
        since, until = sorted([since or 0, until or 0])
    low, high = draw(heights_mm), draw(heights_mm)
    if None not in {low, high}:
        low, high = sorted([low or 0, high or 0])
    return Volume(
        footprint=(Circle(centre=(lon, lat), radius_mm=draw(lengths_mm)),),
        lower_mm=low,
        upper_mm=high,
        start=None if since is None else NOW + timedelta(hours=since),
        end=None if until is None else NOW + timedelta(hours=until),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Known], list[Plan], Agreement]:
    anchor = draw(st.sampled_from(ANCHORS))
    some = st.lists(volumes(anchor), min_size=1, max_size=2).map(tuple)
    entries: list[Notice | Zone | Plan] = []
    for number in range(draw(st.integers(1, 6))):
        parts: dict[str, Any] = {
            "source_id": f"{number}",
            "name": f"{number}",
            "category": draw(categories),
            "volumes": draw(some),
        }
        match draw(st.integers(0, 2)):
            case 0:
                standing = draw(st.sampled_from(Standing))
                review = draw(st.sampled_from([None, NOW - timedelta(days=9)]))
                entries.append(
                    Notice(
                        **parts,
                        standoff_mm=draw(lengths_mm),
                        standing=standing,
                        review_due=review,
                        disputed=draw(st.booleans()),
                    )
                )
            case 1:
                entries.append(
                    Zone(**parts, rule=ZoneRule.BOUNDARY, uncertainty_mm=draw(lengths_mm))
                )
            case _:
                state = draw(st.sampled_from(PlanState))
                entries.append(Plan(**parts, hazard_mm=draw(lengths_mm), state=state))
    plans = [
        Plan(
            source_id=f"asked {number}",
            category=draw(categories),
            volumes=draw(some),
            hazard_mm=draw(lengths_mm),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    separations = draw(
        st.dictionaries(
            categories,
            st.builds(
                Separation,
                horizontal_mm=st.sampled_from([0, 2_000_000]),
                vertical_mm=st.sampled_from([0, 100_000]),
            ),
        )
    )
    return [Known(value=v) for v in entries], plans, Agreement(name="x", separations=separations)


def required_mm(
    plan: Plan, value: Notice | Zone | Plan | Presence, terms: Agreement
) -> tuple[int, int]:
    """Horizontal and vertical separation, as docs/rules/R-06.md and R-07.md say it."""
    agreed = terms.separation(value.category)
    horizontal, vertical = agreed.horizontal_mm, agreed.vertical_mm
    if isinstance(value, Plan):
        own = terms.separation(plan.category)
        horizontal = max(horizontal, own.horizontal_mm, value.hazard_mm)
        vertical = max(vertical, own.vertical_mm)
    else:
        horizontal = max(horizontal, value.standoff_mm)
    if isinstance(value, Zone):
        horizontal += value.uncertainty_mm
    return max(horizontal, plan.hazard_mm), vertical


def apart_in_time(a: Volume, b: Volume) -> bool:
    return bool((a.end and b.start and a.end < b.start) or (b.end and a.start and b.end < a.start))


def apart_in_height(a: Volume, b: Volume, vertical_mm: int) -> bool:
    above = a.lower_mm is not None and b.upper_mm is not None
    below = b.lower_mm is not None and a.upper_mm is not None
    return bool(
        (above and (a.lower_mm or 0) > (b.upper_mm or 0) + vertical_mm)
        or (below and (b.lower_mm or 0) > (a.upper_mm or 0) + vertical_mm)
    )


def gap_m(a: Volume, b: Volume) -> float:
    one, two = a.footprint[0], b.footprint[0]
    assert isinstance(one, Circle)
    assert isinstance(two, Circle)
    lon, lat, lon2, lat2 = (axis / DEGREE_E7 for axis in (*one.centre, *two.centre))
    return float(GEOD.inv(lon, lat, lon2, lat2)[2]) - one.radius_m - two.radius_m


@given(world=worlds())
@settings(max_examples=400)
def test_every_pair_meets_just_when_the_rules_say_so(
    world: tuple[list[Known], list[Plan], Agreement],
) -> None:
    known, plans, terms = world
    for plan, meetings in zip(plans, Picture(known, agreement=terms).meetings(plans), strict=True):
        met = {meeting.known.value.source_id: meeting for meeting in meetings}
        for one in known:
            expected = plain(plan, one.value, terms)
            found = met.get(one.value.source_id)
            if expected is None:
                continue  # within a centimetre of the border: either answer is right
            assert (found is not None) == (expected < 0), one.value.source_id
            if found is not None:
                required = required_mm(plan, one.value, terms)[0] / 1_000
                assert found.separation_m == required


def plain(plan: Plan, value: Notice | Zone | Plan | Presence, terms: Agreement) -> float | None:
    """Metres by which the pair is apart beyond what is required; None if too near to say."""
    if isinstance(value, Plan):
        if value.state in {PlanState.DRAFT, PlanState.ENDED, PlanState.WITHDRAWN}:
            return 1.0
    elif value.standing is Standing.WITHDRAWN:
        return 1.0
    horizontal_mm, vertical_mm = required_mm(plan, value, terms)
    gaps = [
        max(0.0, gap_m(a, b)) - horizontal_mm / 1_000
        for a in plan.volumes
        for b in value.volumes
        if not apart_in_time(a, b) and not apart_in_height(a, b, vertical_mm)
    ]
    # Touching is meeting, and up to the stated error near is touching.
    if any(0 < gap <= 0.15 for gap in gaps) and not any(gap <= 0 for gap in gaps):
        return None
    return min((-1.0 if gap <= 0 else gap for gap in gaps), default=1.0)


def mirrored(meeting: Meeting) -> tuple[object, ...]:
    return (
        meeting.distance_m,
        meeting.distance_error_m,
        meeting.separation_m,
        meeting.start,
        meeting.end,
    )


@given(world=worlds(), data=st.data())
@settings(max_examples=300)
def test_two_plans_that_change_places_get_the_mirrored_answer(
    world: tuple[list[Known], list[Plan], Agreement], data: st.DataObject
) -> None:
    """Whoever asks, and whichever plan is in the register, the pair meets alike (R-07)."""
    _, plans, terms = world
    a, b = data.draw(st.permutations([*plans, *plans]))[:2]
    b = msgspec.structs.replace(b, source_id="the other")

    def asked(question: Plan, filed: Plan) -> list[Meeting]:
        kept = msgspec.structs.replace(filed, state=PlanState.ACCEPTED)
        return Picture([Known(value=kept)], agreement=terms).meetings([question])[0]

    forth, back = asked(a, b), asked(b, a)
    assert [mirrored(one) for one in forth] == [mirrored(one) for one in back]


@given(
    speed=st.integers(0, 300_000),
    accuracy=lengths_mm,
    later=st.integers(-TRACK_GROWTH_MAX_S * 2, TRACK_GROWTH_MAX_S * 2),
    away=st.floats(0, 60_000),
    azimuth=st.floats(0, 360),
)
@settings(max_examples=300)
def test_a_track_protects_wherever_it_may_have_got_to(
    speed: int, accuracy: int, later: int, away: float, azimuth: float
) -> None:
    track = Track(position=(0, 0), time=NOW, speed_max_mm_s=speed, accuracy_mm=accuracy)
    seen = Presence(source_id="1", name="Patrol", track=track)
    lon, lat, _ = GEOD.fwd(0, 0, azimuth, away)
    there = (round(lon * DEGREE_E7), round(lat * DEGREE_E7))
    time = NOW + timedelta(seconds=later)
    spot = Volume(footprint=(Circle(centre=there),), start=time, end=time)
    found = Picture([Known(value=seen)]).meetings([Plan(source_id="p", volumes=(spot,))])[0]
    reach = accuracy / 1_000 + speed / 1_000 * min(abs(later), TRACK_GROWTH_MAX_S)
    if later < -TRACK_GROWTH_MAX_S:
        assert not found  # longer before its fix than a track says anything about
    elif away < reach - 0.1:
        assert found
    elif away > reach + 0.5:
        assert not found


@given(world=worlds(), later=st.integers(-20, 20), speed=st.integers(0, 9))
@settings(max_examples=100)
def test_stale_entries_are_counted_as_each_says_of_itself(
    world: tuple[list[Known], list[Plan], Agreement], later: int, speed: int
) -> None:
    known, _, _ = world
    track = Track(position=(0, 0), time=NOW, speed_max_mm_s=speed)
    known = [*known, Known(value=Presence(source_id="t", name="t", track=track))]
    now = NOW + timedelta(hours=later)
    picture = Picture(known)
    stale = [
        one for one in picture.known if not isinstance(one.value, Plan) and one.value.is_stale(now)
    ]
    assert picture.stale_count(now) == len(stale)

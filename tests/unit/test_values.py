"""Values of core: limits, windows, lifecycles; refusals say what was expected and what came."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.core import wire
from detente.core.agreement import NOTHING_AGREED, Agreement, Separation
from detente.core.lifecycle import STANDING_TRANSITIONS, Standing, Table, advance, diagram
from detente.core.notice import LEGS_MAX, Notice, NoticeKind
from detente.core.party import PublicKey, key_id, slug
from detente.core.plan import PLAN_PROTECTS, PLAN_TRANSITIONS, Plan, PlanState
from detente.core.presence import TRACK_GROWTH_MAX_S, Presence, Track
from detente.core.release import Release
from detente.core.report import REPORT_TRANSITIONS, Report, ReportState
from detente.core.subscription import Subscription
from detente.core.telling import Acknowledgement, Level, ReleaseDecision
from detente.core.volume import (
    EPOCH,
    SHAPES_MAX,
    VERTICES_MAX,
    Circle,
    Corridor,
    Polygon,
    Volume,
    check_time,
    microseconds,
)
from detente.core.zone import Zone, ZoneRule
from detente.errors import Conflict, DetenteError, MalformedInput

POINT = Circle(centre=(0, 0))
NOON = datetime(2025, 1, 8, 12, tzinfo=UTC)


def volume(**parts: object) -> Volume:
    return Volume(footprint=(POINT,), **parts)  # type: ignore[arg-type] # each test names its own


def test_an_altitude_band_upside_down_is_refused() -> None:
    with pytest.raises(
        MalformedInput, match=r"expected lower at most upper, got lower 2.0 m above"
    ):
        volume(lower_mm=2_000, upper_mm=1_000)
    assert volume(lower_mm=1_000, upper_mm=1_000).lower_mm == 1_000


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(MalformedInput, match="expected end at or after start"):
        volume(start=NOON, end=NOON - timedelta(seconds=1))
    assert volume(start=NOON, end=NOON).end == NOON
    assert volume(start=NOON).end is None


def test_naive_and_absurd_times_are_refused() -> None:
    with pytest.raises(MalformedInput, match="naive"):
        volume(start=datetime(2025, 1, 1))  # noqa: DTZ001 - that is the point
    for year in (1899, 2201):
        with pytest.raises(MalformedInput, match="a year from 1900 to 2200"):
            check_time(datetime(year, 6, 1, tzinfo=UTC), what="start")


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_microseconds_are_exact(time: datetime) -> None:
    assert EPOCH + timedelta(microseconds=microseconds(time)) == time
    ahead = timezone(timedelta(hours=5, minutes=45))
    assert microseconds(time.astimezone(ahead)) == microseconds(time)


def test_vertices_have_a_limit_and_lengths_are_in_metres() -> None:
    half = Corridor(line=((0, 0),) * (VERTICES_MAX // 2 + 1), width_mm=3_000)
    assert half.radius_m == 1.5
    with pytest.raises(MalformedInput, match=f"at most {VERTICES_MAX} vertices"):
        Volume(footprint=(half, half))
    area = Polygon(rings=(((0, 0), (1, 0), (1, 1)), ((0, 0),)), buffer_mm=500)
    assert (area.vertex_count, area.radius_m) == (4, 0.5)
    assert (POINT.vertex_count, Circle(centre=(0, 0), radius_mm=250).radius_m) == (1, 0.25)


def test_an_entry_has_a_limit_of_volumes_and_a_footprint_of_shapes() -> None:
    many = (volume(),) * (LEGS_MAX + 1)
    parts = {"source_id": "1", "name": "A", "category": "a"}
    for kind, more in (
        (Notice, {}),
        (Presence, {}),
        (Zone, {"rule": ZoneRule.BOUNDARY}),
        (Plan, {}),
    ):
        with pytest.raises(MalformedInput, match="volumes: expected at most 1000, got 1001"):
            kind(**parts, **more, volumes=many)  # type: ignore[arg-type] # any of four
    with pytest.raises(MalformedInput, match="at most 10000 shapes"):
        Volume(footprint=(POINT,) * (SHAPES_MAX + 1))


def test_a_leg_of_a_movement_needs_both_its_times() -> None:
    leg = volume(start=NOON, end=NOON)
    parts = {"source_id": "1", "name": "Convoy", "category": "medical"}
    for unbounded in (volume(start=NOON), volume(end=NOON)):
        with pytest.raises(MalformedInput, match="a start and an end"):
            Notice(**parts, volumes=(leg, unbounded), kind=NoticeKind.MOVEMENT)  # type: ignore[arg-type]
    assert Notice(**parts, volumes=(leg,), kind=NoticeKind.MOVEMENT).kind == "movement"  # type: ignore[arg-type]


def test_staleness_is_a_review_that_is_overdue() -> None:
    site = Notice(source_id="1", name="A", category="medical", volumes=(volume(),), review_due=NOON)
    zone = Zone(
        source_id="1", name="A", rule=ZoneRule.BOUNDARY, volumes=(volume(),), review_due=NOON
    )
    area = Presence(source_id="1", name="A", volumes=(volume(),), review_due=NOON)
    for value in (site, zone, area):
        assert not value.is_stale(NOON)
        assert value.is_stale(NOON + timedelta(microseconds=1))
        assert not msgspec.structs.replace(value, review_due=None).is_stale(NOON)


def test_a_track_grows_for_its_time_and_is_then_stale() -> None:
    track = Track(position=(0, 0), time=NOON, speed_max_mm_s=1_000)
    seen = Presence(source_id="1", name="Patrol", track=track)
    end = NOON + timedelta(seconds=TRACK_GROWTH_MAX_S)
    assert not seen.is_stale(end)
    assert seen.is_stale(end + timedelta(seconds=1))
    with pytest.raises(MalformedInput, match="either volumes or a track"):
        Presence(source_id="1", name="Nowhere")
    with pytest.raises(MalformedInput, match="either volumes or a track"):
        Presence(source_id="1", name="Both", track=track, volumes=(volume(),))


def test_an_agreement_says_what_to_keep_from_a_category_or_from_all_others() -> None:
    medical, rest = Separation(horizontal_mm=500), Separation(horizontal_mm=100, vertical_mm=5)
    terms = Agreement(name="A", separations={"medical": medical, "*": rest})
    assert terms.separation("medical") == medical
    assert terms.separation("school") == rest
    assert Agreement(name="B").separation("medical") == NOTHING_AGREED


def test_a_key_id_is_that_of_its_key() -> None:
    key = bytes(range(32))
    assert PublicKey(id=key_id(key), ed25519=key.hex()).id == "630dcd2966c43366"
    with pytest.raises(MalformedInput, match="key id"):
        PublicKey(id="0" * 16, ed25519=key.hex())


def test_a_name_becomes_an_id() -> None:
    assert slug("  Médecins Sans Frontières (OCB) ", what="id") == "m-decins-sans-fronti-res-ocb"
    assert len(slug("x" * 200, what="id")) == 63
    with pytest.raises(MalformedInput, match="letters a-z or digits"):
        slug("Δ", what="id")


TABLES: list[tuple[type, Table[PlanState] | Table[ReportState] | Table[Standing]]] = [
    (PlanState, PLAN_TRANSITIONS),
    (ReportState, REPORT_TRANSITIONS),
    (Standing, STANDING_TRANSITIONS),
]


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_lifecycles_are_complete_tables(states: type, table: Table[PlanState]) -> None:
    assert set(table) == set(states)  # type: ignore[call-overload] # an Enum can be iterated
    for current in table:
        for wanted in table:
            if wanted in table[current]:
                assert advance(table, current, wanted) is wanted
            else:
                with pytest.raises(Conflict, match=f"transition from {current}"):
                    advance(table, current, wanted)


def test_diagrams_are_drawn_from_the_tables() -> None:
    assert diagram(STANDING_TRANSITIONS).splitlines() == [
        "stateDiagram-v2",
        "    in_force --> withdrawn",
        "    withdrawn --> in_force",
    ]
    assert "    ended --> [*]" in diagram(PLAN_TRANSITIONS)
    with pytest.raises(Conflict, match="this state is final"):
        advance(PLAN_TRANSITIONS, PlanState.ENDED, PlanState.ACTIVATED)


def test_only_plans_in_force_bind_others() -> None:
    assert PlanState.DRAFT not in PLAN_PROTECTS
    assert PlanState.NONCONFORMING in PLAN_PROTECTS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("category", "Medical Site"),
        ("party", "UPPER"),
        ("standoff_mm", -1),
        ("standoff_mm", 1_000_000_001),
        ("name", ""),
        ("name", "x" * 201),
        ("volumes", []),
    ],
)
def test_limits_are_held_while_decoding(field: str, value: object) -> None:
    site = Notice(source_id="1", name="A", category="medical", party="one", volumes=(volume(),))
    parts = {**msgspec.to_builtins(site), field: value}
    with pytest.raises(MalformedInput, match=field):
        wire.decode(msgspec.json.encode(parts, order="sorted"))


def test_errors_say_expected_and_got() -> None:
    assert str(DetenteError("thing")) == "thing"
    assert str(DetenteError("thing", expected="a")) == "thing: expected a"
    assert str(DetenteError("thing", got="b")) == "thing: got b"
    assert str(DetenteError("thing", expected="a", got="b")) == "thing: expected a, got b"


def test_whoever_passes_on_says_to_whom() -> None:
    said = {"source_id": "a", "party": "one", "entry": "0" * 64}
    with pytest.raises(MalformedInput, match="the level that it was passed on to"):
        Acknowledgement(**said, level=Level.PASSED_ON)
    assert Acknowledgement(**said, level=Level.PASSED_ON, to="Crew").to == "Crew"
    assert Acknowledgement(**said, level=Level.ACTED_ON).to is None


def test_times_of_releases_decisions_and_reports_are_utc() -> None:
    naive = datetime(2025, 1, 1)  # noqa: DTZ001 - that is the point
    with pytest.raises(MalformedInput, match="naive"):
        Release(until=naive)
    with pytest.raises(MalformedInput, match="naive"):
        ReleaseDecision(source_id="d", party="one", request="0" * 32, granted=True, until=naive)
    with pytest.raises(MalformedInput, match="naive"):
        Report(source_id="r", party="one", title="T", text="x", observed=naive)
    decision = ReleaseDecision(source_id="d", party="one", request="0" * 32, granted=True)
    assert (decision.until, decision.grade) == (None, None)
    assert Release().until is None
    assert Report(source_id="r", party="one", title="T", text="x").observed is None


def test_nothing_is_released_by_default() -> None:
    nothing = Release()
    assert (nothing.parties, nothing.members) == ({}, None)


def test_a_subscription_has_no_more_volumes_than_any_entry() -> None:
    with pytest.raises(MalformedInput, match=f"at most {LEGS_MAX}"):
        Subscription(source_id="s", party="one", volumes=(volume(),) * (LEGS_MAX + 1))
    assert Subscription(source_id="s", party="one").volumes == ()

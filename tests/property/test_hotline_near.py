"""Whom the hotline calls: whoever is near, hidden or not; and nobody learns more by it (R-02)."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pyproj import Geod

from detente.core.agreement import AgreementState
from detente.core.entry import EntryKind
from detente.core.incident import OPEN_MAX, Act, Call, Code, Incident, IncidentStep
from detente.core.notice import Notice
from detente.core.party import Desk, Party
from detente.core.plan import Plan, PlanState
from detente.core.presence import Presence
from detente.core.principal import Role
from detente.core.release import Grade, Release
from detente.core.wire import Value
from detente.core.zone import Zone, ZoneRule
from detente.errors import Conflict, DetenteError, NotFound, NotPermitted
from detente.node.hotline.ladder import Climb
from detente.node.hotline.lines import Asked, LinePage
from detente.node.reading import Reading
from detente.node.submit import Receipt
from detente.node.telling.events import Events
from detente.node.telling.sight import Event
from detente.node.telling.tail import Tail
from detente.node.verbs import Admit
from detente.node.wanted import Wanted
from nodes import around, desk_of, run
from theatre import TERMS, Theatre

GEOD = Geod(ellps="WGS84")
NEAR_M = TERMS.hotline.near_mm / 1_000
OTHERS = ("two", "three")
RELEASES = (None, Release(members=Grade.CONTACT), Release(members=Grade.FULL))
MARGIN_M = 0.5
"""More than the stated error of the geometry: nearer than this to the edge, both are right."""


def call_at(lon: float, lat: float, name: str = "call", **parts: Any) -> Incident:
    return Incident(
        source_id=name, party="one", code=Code.STOP_HITTING_US, volumes=around(lon, lat, 50.0),
        words="Two impacts", **parts,
    )  # fmt: skip


def thing(
    kind: str, party: str, name: str, lon: float, lat: float, release: Release | None
) -> Value:
    common: dict[str, Any] = {
        "source_id": name, "party": party, "volumes": around(lon, lat, 100.0), "release": release
    }  # fmt: skip
    match kind:
        case "presence":
            return Presence(**common, name=name)
        case "zone":
            return Zone(**common, name=name, rule=ZoneRule.NO_ACTIVITY)
        case "plan":
            return Plan(**common, state=PlanState.ACCEPTED)
        case _:
            return Notice(**common, name=name, category="medical")


async def lines(town: Theatre, party: str) -> LinePage:
    reading = Reading(town.engine)
    try:
        return await reading.lines(desk_of(party), Asked())
    finally:
        reading.close()


async def called(town: Theatre, receipt: Receipt) -> set[str]:
    """Who is on the line, as those see it who are."""
    found = set()
    for party in OTHERS:
        page = await lines(town, party)
        if any(one.incident.object == receipt.object_id for one in page.lines):
            assert page.lines[0].call is not None
            found.add(party)
    return found


placed = st.tuples(
    st.sampled_from(["notice", "presence", "zone", "plan"]),
    st.sampled_from(OTHERS),
    st.floats(0, 360),
    st.floats(0, 2 * NEAR_M),
    st.sampled_from(RELEASES),
)


@given(st.floats(-179, 179), st.floats(-80, 80), st.lists(placed, min_size=1, max_size=5))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_whoever_is_near_is_called(lon: float, lat: float, things: list[Any]) -> None:
    """By brute force against geodesics: whatever kind, and whoever may see it."""

    async def story() -> None:
        near: set[str] = set()
        far: set[str] = set()
        doubtful: set[str] = set()
        with Theatre() as town:
            for number, (kind, party, azimuth, distance_m, release) in enumerate(things):
                there = GEOD.fwd(lon, lat, azimuth, distance_m)
                value = thing(kind, party, f"{number}", there[0], there[1], release)
                if isinstance(value, Plan):
                    await town.aware(party, value)
                else:
                    await town.say(party, value)
                _, _, between_m = GEOD.inv(
                    lon, lat, value.volumes[0].footprint[0].centre[0] / 1e7,  # type: ignore[union-attr]
                    value.volumes[0].footprint[0].centre[1] / 1e7,  # type: ignore[union-attr]
                )  # fmt: skip
                gap_m = between_m - 150.0 - NEAR_M
                where = near if gap_m < -MARGIN_M else far if gap_m > MARGIN_M else doubtful
                where.add(party)
            receipt = await town.say("one", call_at(lon, lat))
            found = await called(town, receipt)
        assert found >= near
        if near or doubtful:
            assert found <= near | doubtful or found == set(OTHERS)
        else:
            assert found == set(OTHERS)  # Nobody is near: all are called.

    run(story())


@pytest.mark.parametrize("kind", ["notice", "presence", "zone", "plan"])
def test_what_the_caller_is_told_is_what_a_check_there_would_tell(kind: str) -> None:
    async def story() -> None:
        with Theatre() as town:
            hidden = thing(kind, "three", "secret", 0.01, 0.0, None)
            shown = thing(kind, "two", "shown", 0.02, 0.0, Release(members=Grade.FULL))
            for party, value in (("three", hidden), ("two", shown)):
                if isinstance(value, Plan):
                    await town.aware(party, value)
                else:
                    await town.say(party, value)
            receipt = await town.say("one", call_at(0.0, 0.0))
            assert await called(town, receipt) == set(OTHERS)
            [line] = (await lines(town, "one")).lines
            assert line.own
            assert line.call is not None
            assert isinstance(line.call.value, Call)
            told = line.call.value.told
            assert told is not None
            # The agreement's desk answers for whoever is hidden, as in a check.
            assert {(one.party, one.desk and one.desk.id) for one in told.desks} == {
                (None, "all"), ("two", "desk-two"),
            }  # fmt: skip
            assert (told.whole, told.everyone) == (True, False)
            assert "three" not in msgspec.json.encode(await lines(town, "one")).decode()
            assert "three" not in msgspec.json.encode(await lines(town, "two")).decode()

    run(story())


def test_a_budget_that_is_spent_refuses_no_call_and_tells_no_names() -> None:
    async def story() -> None:
        with Theatre(replace(TERMS, budget_km2_day=10)) as town:
            await town.say("three", thing("notice", "three", "secret", 0.01, 0.0, None))
            for place, expected in ((0.0, {"three"}), (90.0, set(OTHERS))):
                receipt = await town.say("one", call_at(place, 0.0, f"{place}"))
                assert await called(town, receipt) == expected
                line = (await lines(town, "one")).lines[-1]
                assert line.call is not None
                assert isinstance(line.call.value, Call)
                told = line.call.value.told
                # Where somebody is near and where nobody is look alike.
                assert told is not None
                assert (told.desks, told.whole, told.everyone) == ((), False, False)

    run(story())


async def heard(town: Theatre, party: str) -> list[Event]:
    tail = Tail(town.engine)
    await tail.start()
    events = await Events(town.engine, tail).read(party, after=-1)
    tail.stop()
    return list(events.events)


def test_the_first_message_holds_the_content_and_others_hear_nothing() -> None:
    async def story() -> None:
        with Theatre() as town:
            await town.say("three", thing("notice", "three", "secret", 0.01, 0.0, None))
            receipt = await town.say("one", call_at(0.0, 0.0))
            [call] = [one for one in await heard(town, "three") if one.kind is EntryKind.CALL]
            assert call.shows is not None
            assert call.shows.value == call_at(0.0, 0.0)
            assert call.about == receipt.object_id
            line = {EntryKind.CALL, EntryKind.INCIDENT, EntryKind.INCIDENT_STEP}
            assert not [one for one in await heard(town, "two") if one.kind in line]
            own = [one.kind for one in await heard(town, "one") if one.kind in line]
            assert sorted(own) == [EntryKind.CALL, EntryKind.INCIDENT]
            reading = Reading(town.engine)
            for name in (receipt.object_id, call.object):
                with pytest.raises(NotFound):
                    await reading.object(desk_of("two"), name)
            with pytest.raises(NotFound):
                await reading.line(desk_of("two"), receipt.object_id)
            page = await reading.search(desk_of("two"), Wanted(kinds=frozenset(line)))
            assert page.objects == ()
            reading.close()

    run(story())


def step(party: str, incident: str, act: Act, name: str = "step") -> IncidentStep:
    return IncidentStep(source_id=name, party=party, incident=incident, act=act)


def test_steps_are_for_those_on_the_line() -> None:
    async def story() -> None:
        with Theatre() as town:
            for party in OTHERS:
                await town.say(party, thing("notice", party, "secret", 0.01, 0.0, None))
            receipt = await town.say("one", call_at(0.0, 0.0))
            name = receipt.object_id
            town.now += timedelta(seconds=8)
            await town.say("two", step("two", name, Act.ACKNOWLEDGED))
            town.now += timedelta(seconds=30)
            await town.say("two", step("two", name, Act.STOPPED, "stopped"))
            await town.say("one", step("one", name, Act.STATED))
            [line] = (await lines(town, "one")).lines
            assert line.state == "stopped"
            assert [one.after_s for one in line.steps] == [8.0, 38.0, 38.0]
            # What two says, the caller hears and three does not; the caller both hear.
            [other] = (await lines(town, "three")).lines
            assert other.state == "called"
            assert [one.view.party for one in other.steps] == ["one"]
            said = {one.view.party for one in await heard(town, "three") if one.view is not None}
            assert "two" not in said
            for party, act, error in (
                ("one", Act.ACKNOWLEDGED, NotPermitted), ("two", Act.CLOSED, NotPermitted),
            ):  # fmt: skip
                assert isinstance(await town.refused(party, step(party, name, act, "no")), error)
            await town.say("one", step("one", name, Act.CLOSED, "closed"))
            again = await town.refused("one", step("one", name, Act.CLOSED, "again"))
            assert isinstance(again, Conflict)
            late = await town.refused("one", call_at(1.0, 1.0), replacing=receipt)
            assert isinstance(late, Conflict)
            await town.say("three", step("three", name, Act.STATED))  # A word may come late.

    run(story())


def test_who_is_not_on_the_line_cannot_tell_it_from_none() -> None:
    async def story() -> None:
        with Theatre() as town:
            await town.say("three", thing("notice", "three", "secret", 0.01, 0.0, None))
            receipt = await town.say("one", call_at(0.0, 0.0))
            told = [
                str(await town.refused("two", step("two", name, Act.STATED))).replace(name, "?")
                for name in (receipt.object_id, "0" * 32)
            ]
            assert told[0] == told[1]

    run(story())


def test_a_correction_calls_whoever_is_near_now() -> None:
    async def story() -> None:
        with Theatre() as town:
            await town.say("two", thing("notice", "two", "here", 0.0, 0.0, None))
            await town.say("three", thing("notice", "three", "there", 5.0, 0.0, None))
            receipt = await town.say("one", call_at(0.0, 0.0))
            assert await called(town, receipt) == {"two"}
            await town.say("one", call_at(5.0, 0.0), replacing=receipt)
            assert await called(town, receipt) == {"two", "three"}
            [line] = (await lines(town, "two")).lines
            assert line.incident.value == call_at(5.0, 0.0)

    run(story())


def test_it_works_while_the_agreement_is_suspended() -> None:
    async def story() -> None:
        with Theatre(replace(TERMS, state=AgreementState.SUSPENDED)) as town:
            receipt = await town.say("one", call_at(0.0, 0.0))
            assert await called(town, receipt) == set(OTHERS)
            await town.say("two", step("two", receipt.object_id, Act.ACKNOWLEDGED))

    run(story())


def test_two_processes_climb_the_ladder_once() -> None:
    async def story() -> None:
        with Theatre() as town, town.beside() as other:
            await town.say("two", thing("notice", "two", "here", 0.0, 0.0, None))
            opened = town.now
            receipt = await town.say("one", call_at(0.0, 0.0))
            for seconds, made in ((59, [0, 0]), (60, [1, 0]), (120, [1, 0]), (300, [3, 0])):
                town.now = other.now = opened + timedelta(seconds=seconds)
                assert [await one.engine.act(Climb()) for one in (town, other)] == made
            assert await called(town, receipt) == set(OTHERS)
            [line] = (await lines(town, "one")).lines
            assert line.call is not None
            assert isinstance(line.call.value, Call)
            assert line.call.value.told is not None
            assert line.call.value.told.everyone
            assert line.rung == 3

    run(story())


def test_a_node_that_starts_anew_owes_what_it_owed() -> None:
    async def story() -> None:
        with Theatre() as town:
            await town.say("two", thing("notice", "two", "here", 0.0, 0.0, None))
            receipt = await town.say("one", call_at(0.0, 0.0))
            await town.engine.act(Climb())
            before = town.engine.world.lines[receipt.object_id]
            with town.beside() as other:
                assert other.engine.world.lines[receipt.object_id] == before
                other.now += timedelta(seconds=130)
                assert await other.engine.act(Climb()) == 1
                [line] = (await lines(other, "two")).lines
                assert line.call is not None
                assert isinstance(line.call.value, Call)
                assert line.call.value.rung == 2

    run(story())


def test_the_desks_of_a_party_are_called_one_after_another() -> None:
    async def story() -> None:
        desks = tuple(Desk(id=one, name=one) for one in ("watch", "air", "chief"))
        with Theatre() as town:
            found = Party(id="four", name="Four", desks=desks)
            await town.engine.act(Admit(desk_of("one", Role.ADMINISTRATOR), found))
            await town.say("four", thing("notice", "four", "here", 0.0, 0.0, None))
            await town.say("one", call_at(0.0, 0.0))
            seen = []
            for seconds in (0, 60, 60):
                town.now += timedelta(seconds=seconds)
                await town.engine.act(Climb())
                [line] = (await lines(town, "four")).lines
                assert line.call is not None
                assert isinstance(line.call.value, Call)
                seen.append(line.call.value.desks)
            assert seen == [("watch",), ("watch", "air"), ("watch", "air", "chief")]

    run(story())


def test_more_calls_than_anyone_can_speak_about_are_refused() -> None:
    async def story() -> None:
        with Theatre() as town:
            for number in range(OPEN_MAX):
                await town.say("one", call_at(0.0, 0.0, f"{number}"))
            error: DetenteError = await town.refused("one", call_at(0.0, 0.0, "one more"))
            assert isinstance(error, Conflict)
            await town.say("two", replace(call_at(0.0, 0.0), party="two"))

    run(story())

"""No two plans that meet are both accepted unaware (R-05), and what stands around that rule."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from detente.core.agreement import AgreementState, Separation
from detente.core.check import Source, VerdictKind
from detente.core.lifecycle import Standing
from detente.core.party import Desk
from detente.core.plan import Plan, PlanState
from detente.core.principal import Role
from detente.core.release import Grade, Release
from detente.core.report import Report
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Level,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.volume import Corridor, Volume
from detente.errors import Conflict, MalformedInput, NotFound, NotPermitted, Stale, Unavailable
from detente.node.author import Author, Prepared
from detente.node.budget import Spent
from detente.node.engine import Decision, Kept, Once
from detente.node.moment import Moment
from detente.node.rules import Unaware
from detente.node.submit import Receipt, Touches
from detente.node.verbs import Agree, Speak, Submit
from nodes import around, desk_of, flight, hospital, run
from theatre import TERMS, Theatre
from world import NOW

ALL, AREA, CONTACT = (Release(members=grade) for grade in Grade)


def states(plan: Plan, *others: PlanState) -> list[Plan]:
    return [msgspec.structs.replace(plan, state=state) for state in others]


def test_a_plan_is_taken_once_its_author_shows_the_token_of_all_that_it_meets() -> None:
    async def story() -> None:
        with Theatre() as town:
            near = [await town.say("one", hospital(f"h{n}", 1, 1, release=ALL)) for n in range(3)]
            hidden = await town.say("one", hospital("hidden", 1, 1))
            await town.say("one", hospital("far", 2, 2))
            plan = flight("p", 1, 1)
            tokens = {one.token for one in (*near, hidden)}
            error = await town.refused("two", plan)
            assert isinstance(error, Unaware)
            # All of them, whatever of them was shown before; nothing else.
            assert {one.token for one in error.missing} == tokens
            shown = [one.view.value for one in error.missing if one.view is not None]
            assert len(shown) == 3
            for left in range(1, 4):
                partly = await town.refused("two", plan, key=sorted(tokens)[left:])
                assert isinstance(partly, Unaware)
                assert [one.token for one in partly.missing] == sorted(tokens)[:left]
            receipt = await town.say("two", plan, key=sorted(tokens))
            # Its own earlier version is nothing that it meets.
            active = msgspec.structs.replace(plan, state=PlanState.ACTIVATED)
            await town.say("two", active, replacing=receipt, key=sorted(tokens))

    run(story())


def test_a_token_is_of_one_version() -> None:
    async def story() -> None:
        with Theatre() as town:
            first = await town.say("one", hospital("h", 1, 1))
            moved = await town.say("one", hospital("h", 1, 1, standoff_mm=5), replacing=first)
            plan = flight("p", 1, 1)
            error = await town.refused("two", plan, key=[first.token])
            assert isinstance(error, Unaware)
            assert [one.token for one in error.missing] == [moved.token]
            await town.say("two", plan, key=[moved.token])
            # What changes in place, time or kind is checked again.
            await town.say("one", hospital("new", 3, 3))
            receipt = await town.say("two", flight("q", 4, 4))
            moved_plan = flight("q", 3, 3)
            assert isinstance(await town.refused("two", moved_plan, replacing=receipt), Unaware)

    run(story())


def test_what_has_left_its_volumes_is_told_whatever_it_meets() -> None:
    async def story() -> None:
        with Theatre() as town:
            await town.say("one", hospital("h", 1, 1))
            plan = flight("p", 1, 1)
            draft, lost, ended = states(
                plan, PlanState.DRAFT, PlanState.CONTINGENT, PlanState.ENDED
            )
            receipt = await town.aware("two", plan)
            await town.say("one", hospital("later", 1, 1))
            receipt = await town.say("two", lost, replacing=receipt)
            await town.say("two", ended, replacing=receipt)
            receipt = await town.say("two", draft)
            assert isinstance(await town.refused("two", plan, replacing=receipt), Unaware)
            # Nor does going off and coming back again pass over what is met.
            stray = msgspec.structs.replace(plan, source_id="s", state=PlanState.NONCONFORMING)
            receipt = await town.say("two", stray)
            back = msgspec.structs.replace(stray, state=PlanState.ACTIVATED)
            assert isinstance(await town.refused("two", back, replacing=receipt), Unaware)

    run(story())


def test_what_ended_or_withdrew_binds_nobody() -> None:
    async def story() -> None:
        with Theatre() as town:
            notice = await town.say("one", hospital("h", 1, 1))
            await town.end("one", notice)
            other = await town.say("one", flight("p", 1, 1))
            await town.end("one", other)
            receipt = await town.say("two", flight("p", 1, 1))
            # Its name is free again, its author's own.
            await town.end("two", receipt)
            await town.say("two", flight("p", 5, 5))

    run(story())


def test_of_two_plans_filed_at_once_one_is_told_of_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        with Theatre() as town:
            batches: list[int] = []
            taken = town.engine._taken

            def counted() -> list[Any]:
                batch: list[Any] = taken()
                batches.append(len(batch))
                return batch

            monkeypatch.setattr(town.engine, "_taken", counted)
            found = await asyncio.gather(
                town.say("one", flight("a", 1, 1)),
                town.say("two", flight("b", 1, 1)),
                return_exceptions=True,
            )
            assert [type(one) for one in found] == [Receipt, Unaware]
            assert batches == [2]

    run(story())


SEPARATED = msgspec.structs.replace(
    TERMS, separations={"medical": Separation(horizontal_mm=30_000_000)}
)


def test_what_follows_a_new_agreement_is_measured_by_it() -> None:
    async def story() -> None:
        with Theatre() as town:
            await town.say("one", hospital("h", 1, 1))
            near = flight("p", 1.1, 1)
            terms = Agree(desk_of("one", Role.ADMINISTRATOR), SEPARATED)
            taken, agreed, refused = await asyncio.gather(
                town.say("two", near),
                town.engine.act(terms),
                town.say("three", flight("q", 1.1, 1.02)),
                return_exceptions=True,
            )
            assert isinstance(taken, Receipt)
            assert isinstance(agreed, Receipt)
            assert isinstance(refused, Unaware)

    run(story())


SMALL = msgspec.structs.replace(TERMS, budget_km2_day=250)
"""Two cells of the grid a day, and not three."""


def kinds(verdicts: Sequence[object]) -> list[VerdictKind]:
    return [one.verdict for one in verdicts]  # type: ignore[attr-defined]


CLEAR, MET, INCOMPLETE = (
    VerdictKind.NO_KNOWN_CONFLICT,
    VerdictKind.CONFLICT,
    VerdictKind.INCOMPLETE,
)


async def hide(
    town: Theatre, *places: int, by: str = "one", release: Release | None = None
) -> None:
    """Something that two may not see, at each place along the equator."""
    for place in places:
        await town.say(by, hospital(f"h{place}", place, 0, release=release))


def test_the_same_ground_costs_once_and_past_the_budget_nothing_is_told_apart() -> None:
    async def story() -> None:
        with Theatre(SMALL) as town:
            await hide(town, 1, 2, 3)
            for n, place in enumerate((1, 2, 1, 2)):
                [found] = await town.ask("two", flight(f"p{n}", place, 0))
                assert (found.verdict, found.counts.withheld) == (MET, 1)
            for place in (3, 4, 1):
                [found] = await town.ask("two", flight("p", place, 0))
                assert (found.verdict, found.counts.withheld) == (INCOMPLETE, 0)
                assert [one.name for one in found.sources] == ["withheld entries"]
            # Nor by filing: a plan that is taken would tell that nothing is there.
            for place in (3, 4, 1):
                assert isinstance(await town.refused("two", flight("p", place, 0)), Spent)
            await town.say("two", states(flight("d", 4, 0), PlanState.DRAFT)[0])
            # It is two's budget, and today's.
            assert kinds(await town.ask("three", flight("p", 3, 0))) == [MET]
            assert kinds(await town.ask("one", flight("p", 3, 0))) == [MET]
            town.tomorrow()
            assert kinds(await town.ask("two", flight("p", 4, 0), flight("q", 3, 0))) == [
                CLEAR,
                MET,
            ]

    run(story())


def test_filing_is_charged_like_asking() -> None:
    async def story() -> None:
        with Theatre(SMALL) as town:
            await hide(town, 1, 2, 3)
            for place in (1, 2, 1, 2):
                error = await town.refused("two", flight(f"p{place}", place, 0))
                assert isinstance(error, Unaware)
                assert [one.view for one in error.missing] == [None]
            assert isinstance(await town.refused("two", flight("p", 3, 0)), Spent)
            assert kinds(await town.ask("two", flight("p", 9, 0))) == [INCOMPLETE]

    run(story())


def test_past_the_budget_what_may_be_known_is_told_all_the_same() -> None:
    async def story() -> None:
        with Theatre(SMALL) as town:
            await hide(town, 1, 2, 3)
            await town.say("three", hospital("open", 3, 0, release=ALL))
            await town.say("three", hospital("coarse", 3, 0, release=AREA))
            await town.ask("two", *(flight("p", place, 0) for place in (1, 2, 3)))
            [found] = await town.ask("two", flight("p", 3, 0))
            assert found.verdict is INCOMPLETE
            assert [one.name for one in found.findings] == ["open"]
            assert [one.grade for one in found.withheld] == [Grade.AREA]

    run(story())


def test_one_question_with_many_plans_is_charged_in_order() -> None:
    async def story() -> None:
        with Theatre(SMALL) as town:
            await hide(town, 1, 2, 3, 4)
            places = (7, 1, 8, 2, 9, 3, 10, 4, 11)
            found = await town.ask("two", *(flight("p", place, 0) for place in places))
            assert kinds(found) == [CLEAR, MET, CLEAR, MET, CLEAR, *[INCOMPLETE] * 4]

    run(story())


def test_a_scan_finds_so_many_sites_a_day_and_no_more() -> None:
    """However fine it is: what budget_km2_day buys, docs/security.md says so."""

    async def story() -> None:
        with Theatre() as town:
            sites = [(n % 15, n // 15) for n in range(120)]
            for lon, lat in sites:
                await town.say("one", hospital(f"{lon} {lat}", lon, lat))
            points = [flight(f"{lon} {lat}", lon, lat) for lon, lat in sites]
            found = kinds(await town.ask("two", *points))
            cells = TERMS.budget_km2_day // 100
            assert found == [MET] * cells + [INCOMPLETE] * (120 - cells)
            # A wide question costs what it covers, so fewer of them.
            town.tomorrow()
            wide = [flight(f"{n}", n % 15, n // 15, hazard_mm=30_000_000) for n in range(10)]
            assert kinds(await town.ask("two", *wide)).count(MET) == 3

    run(story())


def test_many_questions_at_once_are_charged_in_order() -> None:
    async def story() -> None:
        with Theatre(SMALL) as town:
            await hide(town, 1, 2, 3, 4)
            places = (7, 1, 8, 2, 9, 3, 10, 4, 11)
            asked = [town.ask("two", flight("p", place, 0)) for place in places]
            others = [town.ask("three", flight("p", place, 0)) for place in (3, 9)]
            *found, hit, miss = await asyncio.gather(*asked, *others)
            assert kinds([one for [one] in found]) == [
                CLEAR, MET, CLEAR, MET, CLEAR, *[INCOMPLETE] * 4,
            ]  # fmt: skip
            assert kinds([*hit, *miss]) == [MET, CLEAR]

    run(story())


def test_a_budget_that_is_spent_in_one_process_is_spent_in_all() -> None:
    async def story() -> None:
        with Theatre(SMALL) as town, town.beside() as other:
            await hide(town, 1, 2, 3)
            await town.ask("two", *(flight("p", place, 0) for place in (1, 2, 3)))
            assert kinds(await other.ask("two", flight("p", 9, 0))) == [INCOMPLETE]
            assert isinstance(await other.refused("two", flight("p", 9, 0)), Spent)
            with town.beside() as later:
                assert kinds(await later.ask("two", flight("p", 9, 0))) == [INCOMPLETE]
            # More is agreed: then there is more.
            more = msgspec.structs.replace(SMALL, budget_km2_day=1_000)
            await town.engine.act(Agree(desk_of("one", Role.ADMINISTRATOR), more))
            asked = (flight("p", 9, 0), flight("q", 3, 0))
            assert kinds(await other.ask("two", *asked)) == [CLEAR, MET]
            assert kinds(await town.ask("two", *asked)) == [CLEAR, MET]

    run(story())


def test_a_wider_question_is_another_one() -> None:
    """Else one charge would buy the distance to what is hidden, by halving."""

    async def story() -> None:
        with Theatre(msgspec.structs.replace(TERMS, budget_km2_day=20_000)) as town:
            await hide(town, 1)
            plan = flight("p", 1.3, 0)  # 33 km away
            assert kinds(await town.ask("two", plan)) == [CLEAR]
            # 5,000 km² each: 40 km around it, in steps of 10 m.
            answers = []
            for metres in range(40_000, 39_000, -50):
                found = await town.ask("two", plan, separation_mm=metres * 1_000)
                answers += kinds(found)
            # All of them are alike on the grid: one charge.
            assert set(answers) == {MET}
            for metres in (60_000, 80_000, 30_000):
                answers += kinds(await town.ask("two", plan, separation_mm=metres * 1_000))
            assert answers[-1] is INCOMPLETE

    run(story())


def test_owners_have_budgets_of_their_own_and_a_contact_is_charged_like_nothing_listed() -> None:
    async def story() -> None:
        with Theatre(SMALL) as town:
            await hide(town, 1, 2, release=CONTACT)
            await hide(town, 3, 4, by="three", release=CONTACT)
            await hide(town, 5, 6, 7, 8, release=AREA)
            free = await town.ask("two", *(flight("p", place, 0) for place in (5, 6, 7, 8)))
            assert [one.withheld[0].grade for one in free] == [Grade.AREA] * 4
            found = await town.ask("two", *(flight("p", place, 0) for place in (1, 3, 2, 4)))
            assert [one.withheld[0].party for one in found] == ["one", "three", "one", "three"]
            assert found[0].withheld[0].desk == Desk(id="desk-one", name="Desk of one")
            await hide(town, 9, by="three", release=CONTACT)
            assert kinds(await town.ask("two", flight("p", 9, 0))) == [INCOMPLETE]

    run(story())


def test_a_plan_is_asked_as_the_askers_own() -> None:
    """Else a question under another's name would pass over that party's plan, and tell its name."""

    async def story() -> None:
        with Theatre() as town:
            await town.say("one", flight("secret", 1, 0))
            for party in ("one", "two", None):
                plan = msgspec.structs.replace(flight("secret", 1, 0), party=party)
                [found] = await town.ask("two", plan)
                assert (found.verdict, found.counts.withheld) == (MET, 1)
            [own] = await town.ask("one", flight("secret", 1, 0))
            assert own.verdict is CLEAR

    run(story())


WIDE = (
    Volume(footprint=(Corridor(line=((0, 0), (1_700_000_000, 0), (900_000_000, 800_000_000))),)),
)


def test_a_question_that_cannot_be_measured_fails_alone_and_names_nobody_elses() -> None:
    async def story() -> None:
        with Theatre() as town:
            await town.say("one", hospital("h", 1, 0))
            wide = Plan(source_id="secret", volumes=WIDE)
            bad, good, other = await asyncio.gather(
                town.ask("one", wide),
                town.ask("two", flight("p", 1, 0)),
                town.ask("three", flight("q", 9, 0), separation_mm=5),
                return_exceptions=True,
            )
            assert isinstance(bad, MalformedInput)
            assert not isinstance(good, BaseException)
            assert not isinstance(other, BaseException)
            assert kinds([*good, *other]) == [MET, CLEAR]
            assert await town.ask("two") == []

    run(story())


def test_what_no_picture_could_hold_does_not_reach_the_record() -> None:
    async def story() -> None:
        with Theatre() as town:
            for value in (hospital("w", 0, 0, volumes=WIDE), Plan(source_id="p", volumes=WIDE)):
                wide, taken = await asyncio.gather(
                    town.say("one", value),
                    town.say("two", hospital(f"h{value.source_id}", 1, 0)),
                    return_exceptions=True,
                )
                assert isinstance(wide, MalformedInput)
                assert isinstance(taken, Receipt)

    run(story())


class _Faulty:
    """A command with a mistake in it."""

    principal = desk_of("one")
    touches = Touches()

    def decide(self, moment: Moment) -> Decision[None]:
        raise ZeroDivisionError(moment.now)


def test_a_command_that_fails_by_a_fault_fails_alone() -> None:
    async def story() -> None:
        with Theatre() as town:
            bad, good = await asyncio.gather(
                town.engine.act(_Faulty()),
                town.say("one", hospital("h", 1, 1)),
                return_exceptions=True,
            )
            assert isinstance(bad, Unavailable)
            assert isinstance(good, Receipt)

    run(story())


def test_whoever_has_gone_does_not_stop_the_node() -> None:
    with Theatre() as town:

        async def leave() -> None:
            asyncio.get_running_loop().create_task(town.say("one", hospital("h", 1, 1)))
            await asyncio.sleep(0)

        run(leave())
        receipt = run(town.say("one", hospital("i", 1, 1)))
        assert receipt.sequence >= 4


def test_an_objection_is_answered_by_name_before_a_plan_is_activated() -> None:
    async def story() -> None:
        with Theatre() as town:
            plan = flight("p", 1, 1, release=ALL)
            active = msgspec.structs.replace(plan, state=PlanState.ACTIVATED)
            # No plan begins as active: nobody could have objected to it.
            begun = await town.refused("one", active)
            assert "to be accepted before it is activated" in str(begun)
            filed = await town.say("one", plan)

            def objecting(name: str, text: str = "no") -> Objection:
                return Objection(source_id=name, party="two", object=filed.object_id, text=text)

            raised = [await town.say("two", objecting(name)) for name in ("a", "b")]
            refused = await town.refused("one", active, replacing=filed)
            for one in raised:
                assert one.object_id in str(refused)

            def answering(to: Receipt, by: str = "one") -> Answer:
                return Answer(source_id=to.object_id, party=by, objection=to.object_id, text="so")

            # Only the plan's author answers, and only what stands.
            assert isinstance(await town.refused("three", answering(raised[0], "three")), NotFound)
            await town.say("one", answering(raised[0]))
            assert raised[0].object_id not in str(
                await town.refused("one", active, replacing=filed)
            )
            # New words ask for a new answer.
            again = await town.say("two", objecting("a", "still no"), replacing=raised[0])
            assert again.object_id in str(await town.refused("one", active, replacing=filed))
            await town.end("two", again)
            with town.beside() as other:
                assert raised[1].object_id in str(
                    await other.refused("one", active, replacing=filed)
                )
            assert isinstance(await town.refused("one", answering(again)), NotFound)
            await town.say("one", answering(raised[1]))
            await town.say("one", active, replacing=filed)

    run(story())


def test_objections_are_to_what_others_show() -> None:
    async def story() -> None:
        with Theatre() as town:
            hidden = await town.say("one", flight("p", 1, 1))
            contact = await town.say(
                "one", flight("q", 2, 2, release=Release(members=Grade.CONTACT))
            )
            shown = await town.say("one", flight("r", 3, 3, release=Release(members=Grade.AREA)))

            def to(object_id: str, party: str = "two") -> Objection:
                return Objection(source_id=object_id, party=party, object=object_id, text="no")

            told = [
                str(await town.refused("two", to(one))).replace(one, "")
                for one in (hidden.object_id, contact.object_id, "0" * 32)
            ]
            assert len(set(told)) == 1
            assert isinstance(await town.refused("one", to(shown.object_id, "one")), NotPermitted)
            await town.say("two", to(shown.object_id))

    run(story())


def test_while_suspended_what_spares_life_stays_on() -> None:
    async def story() -> None:
        with Theatre() as town:
            plan = flight("p", 1, 1, release=ALL)
            told = Report(source_id="r", party="one", title="T", text="x", release=ALL)
            filed, report = await town.say("one", plan), await town.say("one", told)
            draft = states(flight("d", 2, 2), PlanState.DRAFT)[0]
            drafted = await town.say("one", draft)
            desk = desk_of("one", Role.ADMINISTRATOR)
            await town.engine.act(Agree(desk, state=AgreementState.SUSPENDED))
            with pytest.raises(Conflict, match="another state"):
                await town.engine.act(Agree(desk, state=AgreementState.SUSPENDED))
            corrected = msgspec.structs.replace(told, state="corrected")
            stopped: list[tuple[object, Receipt | None]] = [
                (flight("new", 9, 9), None),
                (flight("d", 2, 2), drafted),
                (states(plan, PlanState.ACTIVATED)[0], filed),
                (msgspec.structs.replace(told, source_id="s"), None),
                (msgspec.convert(msgspec.to_builtins(corrected), Report), report),
            ]
            for value, replacing in stopped:
                error = await town.refused("one", value, replacing=replacing)  # type: ignore[arg-type]
                assert "suspended since 2025-01-08" in str(error)
            # Notices, checks, objections, acknowledgements, news of plans, retractions.
            await town.say("two", hospital("h", 1, 1))
            assert kinds(await town.ask("one", flight("q", 1, 1))) == [MET]
            await town.say(
                "two", Objection(source_id="o", party="two", object=filed.object_id, text="no")
            )
            acknowledged = Acknowledgement(
                source_id="a", party="two", entry=filed.leaf, level=Level.ACTED_ON
            )
            await town.say("two", acknowledged)
            filed = await town.say("one", states(plan, PlanState.NONCONFORMING)[0], replacing=filed)
            await town.say("one", states(plan, PlanState.ENDED)[0], replacing=filed)
            await town.end("one", report)
            await town.engine.act(Agree(desk, state=AgreementState.IN_FORCE))
            await town.aware("one", flight("d", 2, 2), replacing=drafted)

    run(story())


def test_what_comes_late_is_taken_and_flagged() -> None:
    async def story() -> None:
        terms = msgspec.structs.replace(TERMS, lead_times_s={"medical": 3_600, "plan": 0})
        with Theatre(terms) as town:
            in_time = town.now + timedelta(hours=1)
            for begins, late in ((in_time, False), (in_time - timedelta(seconds=1), True)):
                volumes = around(1, 1, start=begins)
                notice = hospital(f"h{late}", 0, 0, volumes=volumes)
                assert (await town.say("one", notice)).late is late
            assert (await town.say("one", hospital("open start", 2, 2))).late
            assert not (await town.say("one", hospital("other", 3, 3, category="school"))).late
            assert not (await town.say("one", flight("p", 9, 9))).late

    run(story())


def test_a_version_replaces_only_what_was_seen_and_only_ones_own() -> None:
    async def story() -> None:
        with Theatre() as town:
            shown = await town.say("one", hospital("h", 1, 1, release=ALL))
            hidden = await town.say("one", hospital("i", 1, 1))
            absent = msgspec.structs.replace(shown, object_id="0" * 32)
            told = {
                str(await town.refused("two", hospital("h", 1, 1), replacing=one)).replace(
                    one.object_id, ""
                )
                for one in (shown, hidden, absent)
            }
            assert len(told) == 1
            moved = await town.say("one", hospital("h", 1, 2), replacing=shown)
            assert isinstance(
                await town.refused("one", hospital("h", 1, 3), replacing=shown), Stale
            )
            await town.end("one", moved)

    run(story())


def test_an_entry_is_acknowledged_as_the_version_that_was_shown() -> None:
    async def story() -> None:
        with Theatre() as town:
            secret = await town.say("one", hospital("h", 1, 1))
            shown = await town.say("one", hospital("h", 1, 1, release=ALL), replacing=secret)
            again = await town.say("one", hospital("h", 1, 2), replacing=shown)

            def of(leaf: str) -> Acknowledgement:
                return Acknowledgement(
                    source_id=leaf, party="two", entry=leaf, level=Level.RECEIVED
                )

            # He was shown the second; of the first and the third he knows nothing.
            await town.say("two", of(shown.leaf))
            told = {
                str(await town.refused("two", of(leaf))).replace(leaf, "")
                for leaf in (secret.leaf, again.leaf, "0" * 64)
            }
            assert len(told) == 1

    run(story())


def signed(town: Theatre, value: object, object_id: str, version: int = 1) -> Submit:
    """An entry that one signs itself."""
    with town.engine.store.reading() as record:
        author = Author.following(record, "one", town.keyring.load("one"))
    prepared: Prepared = author.prepare(
        value,  # type: ignore[arg-type] # a Value
        now=town.now,
        place=(object_id, version),
    )
    return Submit(desk_of("one"), msgspec.structs.replace(prepared, made_here=False))


def test_whoever_signs_meets_the_same_rules() -> None:
    async def story() -> None:
        with Theatre() as town:
            hidden = await town.say("two", hospital("h", 1, 1))
            plan = msgspec.structs.replace(flight("p", 1, 1), party="one")
            with pytest.raises(Unaware):
                await town.engine.act(signed(town, plan, "1" * 32))
            active = msgspec.structs.replace(plan, state=PlanState.ACTIVATED)
            with pytest.raises(Conflict, match="to be accepted before"):
                await town.engine.act(signed(town, active, "1" * 32))
            # The id of a hidden object says neither what it is nor whose.
            own = msgspec.structs.replace(hospital("g", 1, 1), party="one")
            with pytest.raises(Conflict, match="an object of the party's own") as refused:
                await town.engine.act(signed(town, own, hidden.object_id, 2))
            assert "two" not in str(refused.value)
            with pytest.raises(Conflict, match="an object of the party's own"):
                await town.engine.act(signed(town, own, hidden.object_id, 1))
            away = msgspec.structs.replace(plan, volumes=around(7, 7))
            await town.engine.act(signed(town, away, "1" * 32))
            await town.engine.act(
                signed(town, msgspec.structs.replace(away, state=PlanState.ACTIVATED), "1" * 32, 2)
            )

    run(story())


def test_the_same_request_twice_is_answered_alike_and_by_party() -> None:
    async def story() -> None:
        with Theatre() as town:
            once = Once.of("k", b"asked")

            async def say(party: str, once: Once) -> Kept:
                return await town.engine.act(Speak(desk_of(party), hospital("h", 1, 1)), once=once)

            first, again = await say("one", once), await say("one", once)
            assert again == Kept(first.body, again=True)
            # Another party's key of the same name is another key.
            other = await say("two", once)
            assert (other.again, other.body == first.body) == (False, False)
            with pytest.raises(Conflict, match="the request that it came with before"):
                await say("one", Once.of("k", b"other"))

    run(story())


def test_a_zone_that_is_withdrawn_may_come_back_and_protects_again() -> None:
    async def story() -> None:
        with Theatre() as town:
            notice = hospital("h", 1, 1)
            receipt = await town.say("one", notice)
            gone = await town.end("one", receipt)
            assert kinds(await town.ask("two", flight("p", 1, 1))) == [CLEAR]
            back = msgspec.structs.replace(notice, standing=Standing.IN_FORCE)
            await town.say("one", back, replacing=gone)
            assert kinds(await town.ask("two", flight("p", 1, 1))) == [MET]

    run(story())


def test_stale_entries_are_counted_only_of_those_that_may_be_known() -> None:
    async def story() -> None:
        old = NOW - timedelta(days=1)
        with Theatre() as town:
            for n, release in enumerate((None, ALL, AREA, CONTACT)):
                await town.say("one", hospital(f"h{n}", n, 5, review_due=old, release=release))
            for party, count in (("one", 4), ("two", 2), ("three", 2)):
                [found] = await town.ask(party, flight("p", 9, 9))
                assert found.counts.stale == count
            # And of those that were granted on request: what two may see, three is granted.
            kept = Release(parties={"two": Grade.FULL})
            for name, due in (("k", old), ("fresh", None)):
                notice = await town.say("one", hospital(name, 5, 5, review_due=due, release=kept))
                request = await town.say(
                    "two",
                    ReleaseRequest(
                        source_id=name, party="two", object=notice.object_id, to="three"
                    ),
                )
                await town.say(
                    "one",
                    ReleaseDecision(
                        source_id=name, party="one", request=request.object_id, granted=True
                    ),
                )
            for party, count in (("one", 5), ("two", 3), ("three", 3)):
                [found] = await town.ask(party, flight("p", 9, 9))
                assert found.counts.stale == count

    run(story())


def test_a_record_that_cannot_be_read_makes_an_answer_incomplete() -> None:
    async def story() -> None:
        with Theatre() as town:
            await town.say("one", hospital("h", 1, 1, release=ALL))
            await town.say("one", hospital("new", 2, 2, release=ALL))
            assert len((await town.ask("two", flight("p", 1, 1)))[0].findings) == 1
            town.where.rename(town.where.with_suffix(".away"))
            town.engine.store.close()
            town.where.mkdir()
            [found] = await town.ask("two", flight("p", 1, 1))
            assert found.verdict is INCOMPLETE
            assert [type(one) for one in found.sources] == [Source]
            assert len(found.findings) == 1
            # That there is something is known; what it is would have to be read.
            [found] = await town.ask("two", flight("p", 2, 2))
            assert found.verdict is INCOMPLETE
            assert [one.problem for one in found.sources][-1] == "what is met could not be read"
            assert not found.findings
            town.where.rmdir()
            town.where.with_suffix(".away").rename(town.where)
            town.engine.store.close()

    run(story())

"""What an entry is to a reader: taken back, widened, said about, late."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind
from detente.core.notice import Notice, NoticeKind
from detente.core.presence import Presence, Track
from detente.core.principal import Role
from detente.core.release import Grade, Release
from detente.core.report import Report, ReportState
from detente.core.subscription import Subscription
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Level,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.node.telling import tail as tail_module
from detente.node.telling.disclosures import EXTENT, disclosures_of
from detente.node.telling.events import Events
from detente.node.telling.matching import wanted
from detente.node.telling.sight import Change, Event
from detente.node.telling.tail import Tail
from detente.node.verbs import Agree
from nodes import around, desk_of, flight, hospital, run
from theatre import Theatre

if TYPE_CHECKING:
    from detente.node.submit import Receipt

FULL, AREA, CONTACT = Grade.FULL, Grade.AREA, Grade.CONTACT
HERE = (1.0, 1.0)


def to(grid_mm: int = 100_000, **grades: Grade) -> Release:
    return Release(parties=grades, grid_mm=grid_mm)


class Teller:
    """A theatre with its tail."""

    def __init__(self, theatre: Theatre, tail: Tail) -> None:
        self.theatre = theatre
        self.tail = tail
        self.events = Events(theatre.engine, tail)
        self.say = theatre.say

    async def told(self, party: str, after: int = -1, **parts: Any) -> dict[int, Event]:
        """What a party is told, by entry."""
        page = await self.events.read(party, after=after, **parts)
        assert not page.more
        return {one.sequence: one for one in page.events}


Story = Callable[[Teller], Awaitable[None]]


def tell(story: Story, terms: Agreement = Agreement(name="test")) -> None:  # noqa: B008
    """Twice: from the tail in memory, and from the store."""
    for kept in (tail_module.TAIL_ENTRIES, 0):
        with pytest.MonkeyPatch.context() as patch, Theatre(terms) as theatre:
            patch.setattr(tail_module, "TAIL_ENTRIES", kept)

            async def whole(theatre: Theatre = theatre) -> None:
                tail = Tail(theatre.engine)
                await tail.start()
                await story(Teller(theatre, tail))
                tail.stop()

            run(whole())


def test_what_was_taken_back_is_not_given_out_late() -> None:
    async def story(node: Teller) -> None:
        first = await node.say("one", hospital("a", *HERE, release=to(two=FULL)))
        assert (await node.told("two"))[first.sequence].change is Change.NEW
        second = await node.say("one", hospital("a", *HERE), replacing=first)
        found = await node.told("two", first.sequence - 1)
        assert first.sequence not in found
        assert found[second.sequence].change is Change.GONE
        assert found[second.sequence].view is None
        assert found[second.sequence].token is None
        assert await node.told("three", first.sequence - 1) == {}
        await node.say("one", hospital("a", *HERE), replacing=second)
        assert set(await node.told("two", first.sequence - 1)) == {second.sequence}

    tell(story)


def test_an_older_version_is_shown_on_the_coarser_grid_once_only_an_area_is_released() -> None:
    async def story(node: Teller) -> None:
        first = await node.say("one", hospital("a", *HERE, release=to(two=FULL)))
        await node.say(
            "one", hospital("a", *HERE, release=to(20_000_000, two=AREA)), replacing=first
        )
        found = (await node.told("two"))[first.sequence]
        assert found.view is not None
        assert (found.view.grade, found.view.value) == (AREA, None)
        [volume] = found.view.area
        [circle] = volume.footprint
        assert circle.radius_m % 20_000 == 0

    tell(story)


def test_a_contact_and_a_track_as_an_area_are_not_told_of() -> None:
    async def story(node: Teller) -> None:
        start = node.theatre.engine.world.shown.sequence - 1
        await node.say("one", hospital("a", *HERE, release=to(two=CONTACT)))
        fix = Track(position=(0, 0), time=node.theatre.now, speed_max_mm_s=1_000)
        track = Presence(source_id="t", name="t", track=fix, release=to(two=AREA))
        known = await node.say("one", track)
        assert await node.told("two", start) == {}
        whole = Presence(source_id="t", name="t", track=fix, release=to(two=FULL))
        shown = await node.say("one", whole, replacing=known)
        assert (await node.told("two", start))[shown.sequence].change is Change.NEW

    tell(story)


def test_a_release_that_has_ended_shows_nothing() -> None:
    async def story(node: Teller) -> None:
        until = node.theatre.now + timedelta(hours=1)
        release = Release(parties={"two": FULL}, until=until)
        first = await node.say("one", hospital("a", *HERE, release=release))
        assert first.sequence in await node.told("two")
        node.theatre.tomorrow()
        assert first.sequence not in await node.told("two")

    tell(story)


def test_a_report_is_told_in_full_or_as_the_area_that_it_has() -> None:
    async def story(node: Teller) -> None:
        def report(state: ReportState = ReportState.ISSUED, **parts: Any) -> Report:
            return Report(
                source_id="r", party="one", title="t", text="x", state=state,
                release=to(two=FULL, three=AREA), **parts,
            )  # fmt: skip

        first = await node.say("one", report())
        assert (await node.told("two"))[first.sequence].kind is EntryKind.REPORT
        assert first.sequence not in await node.told("three")
        placed = report(ReportState.CORRECTED, volumes=around(*HERE))
        second = await node.say("one", placed, replacing=first)
        found = (await node.told("three"))[second.sequence]
        assert found.change is Change.NEW
        assert found.view is not None
        assert found.view.area
        third = await node.say("one", report(ReportState.RETRACTED), replacing=second)
        assert (await node.told("two"))[third.sequence].change is Change.ENDED

    tell(story)


def test_whoever_was_shown_a_report_learns_that_it_was_corrected_or_retracted() -> None:
    async def story(node: Teller) -> None:
        def report(state: ReportState = ReportState.ISSUED, **grades: Grade) -> Report:
            release = Release(parties=grades, until=until) if grades else None
            return Report(
                source_id="r", party="one", title="t", text="x", state=state, release=release,
                volumes=around(*HERE),
            )  # fmt: skip

        until = node.theatre.now + timedelta(hours=1)
        disclosures = disclosures_of(node.theatre.engine)
        first = await node.say("one", report(two=FULL, three=AREA))
        await disclosures.record("two", {first.sequence: EXTENT[FULL]}, "read")
        node.theatre.tomorrow()  # Its release has ended since.
        second = await node.say("one", report(ReportState.CORRECTED), replacing=first)
        third = await node.theatre.end("one", second)
        elsewhere = Subscription(source_id="s", party="two", volumes=around(100.0, 1.0))
        wish = wanted("s", "two", -1, elsewhere)
        for found in (await node.told("two"), await node.told("two", wish=wish)):
            assert found[second.sequence].change is Change.GONE
            assert found[third.sequence].change is Change.ENDED
            for one in (second, third):
                told = found[one.sequence]
                assert (told.view, told.token, told.leaf) == (None, None, one.leaf)
        # Three was to be shown an area, and never was: of what it never had it hears nothing.
        assert not {second.sequence, third.sequence} & set(await node.told("three"))

    tell(story)


def test_who_is_shown_a_report_while_its_correction_is_told_learns_of_that_too() -> None:
    async def story(node: Teller) -> None:
        report = Report(source_id="r", party="one", title="t", text="x", release=to(two=FULL))
        first = await node.say("one", report)
        hidden = replace(report, state=ReportState.CORRECTED, release=None)
        second = await node.say("one", hidden, replacing=first)
        # By its release before, as for all objects; then, as its recipient, everywhere.
        assert (await node.told("two"))[second.sequence].change is Change.GONE
        third = await node.say("one", hidden, replacing=second)
        assert third.sequence not in await node.told("two")
        disclosures = disclosures_of(node.theatre.engine)
        await disclosures.record("two", {first.sequence: EXTENT[FULL]}, "webhook")
        assert (await node.told("two"))[third.sequence].change is Change.GONE

    tell(story)


def test_what_is_said_about_an_object_is_told_to_whom_it_concerns() -> None:
    async def story(node: Teller) -> None:
        plan = await node.theatre.aware("one", flight("p", *HERE, release=to(two=FULL, three=FULL)))
        objection = await node.say(
            "two", Objection(source_id="o", party="two", object=plan.object_id, text="no")
        )
        answer = await node.say(
            "one", Answer(source_id="a", party="one", objection=objection.object_id, text="yes")
        )
        acknowledgement = await node.say(
            "two",
            Acknowledgement(source_id="k", party="two", entry=plan.leaf, level=Level.RECEIVED),
        )
        for party, expected in (
            ("one", {plan, objection, answer, acknowledgement}),
            ("two", {plan, objection, answer, acknowledgement}),
            ("three", {plan}),
        ):
            found = await node.told(party, plan.sequence - 1)
            assert set(found) == {one.sequence for one in expected}, party
        assert (await node.told("one"))[objection.sequence].about == plan.object_id
        assert (await node.told("two"))[answer.sequence].about == plan.object_id
        mine = await node.say("two", Subscription(source_id="s", party="two"))
        assert mine.sequence in await node.told("two")
        assert mine.sequence not in await node.told("one", mine.sequence - 1)

    tell(story)


def test_ones_own_objection_tells_no_more_of_the_place_than_ones_grade() -> None:
    """Else many small subscriptions and one objection would find what is only an area."""

    async def story(node: Teller) -> None:
        site = await node.say("one", hospital("a", *HERE, release=to(10_000_000, two=AREA)))
        wishes = [
            await node.say(
                "two", Subscription(source_id=f"s{n}", party="two", volumes=around(*at, 10.0))
            )
            for n, at in enumerate([HERE, (1.05, 1.0), (3.0, 1.0)])
        ]
        said = await node.say(
            "two", Objection(source_id="o", party="two", object=site.object_id, text="no")
        )
        found = []
        await node.tail.follow(node.theatre.engine.world.shown.sequence)
        for one in wishes:
            wish = node.tail.subscriptions[one.object_id]
            found.append(said.sequence in await node.told("two", said.sequence - 1, wish=wish))
        # The second is 5.6 km from the place, and within the area all the same.
        assert found == [True, True, False]

    tell(story)


def test_a_grant_brings_the_object_and_its_end_takes_it() -> None:
    async def story(node: Teller) -> None:
        site = await node.say("one", hospital("a", *HERE, release=to(two=FULL)))
        request = await node.say(
            "two",
            ReleaseRequest(source_id="r", party="two", object=site.object_id, to="three"),
        )

        def decision(*, granted: bool, condition: str = "") -> ReleaseDecision:
            return ReleaseDecision(
                source_id="d", party="one", request=request.object_id, granted=granted,
                condition=condition,
            )  # fmt: skip

        start = request.sequence - 1
        assert set(await node.told("three", start)) == set()
        granted = await node.say("one", decision(granted=True))
        found = (await node.told("three", start))[granted.sequence]
        assert found.shows is not None
        assert found.shows.object == site.object_id
        assert found.shows.sequence == site.sequence
        assert (await node.told("two", start))[granted.sequence].shows is None
        ended = await node.say("one", decision(granted=False, condition="no"), replacing=granted)
        found = (await node.told("three", start))[ended.sequence]
        assert (found.change, found.about, found.view) == (Change.GONE, site.object_id, None)
        late = (await node.told("three", start))[granted.sequence]
        assert late.shows is None, "what was taken back is not given out late"
        assert (await node.told("two", start))[ended.sequence].view is not None

    tell(story)


def test_a_new_member_is_told_to_list_anew() -> None:
    async def story(node: Teller) -> None:
        administrator = desk_of("one", Role.ADMINISTRATOR)
        terms = Agreement(name="test", members=("one", "two"))
        first: Receipt = await node.theatre.engine.act(Agree(administrator, terms))
        members = Release(members=FULL)
        site = await node.say("one", hospital("a", *HERE, release=members))
        assert site.sequence in await node.told("two")
        assert site.sequence not in await node.told("three")
        terms = Agreement(name="test", members=("one", "two", "three"))
        second: Receipt = await node.theatre.engine.act(Agree(administrator, terms))
        assert (await node.told("three"))[first.sequence].relist
        assert (await node.told("three"))[second.sequence].relist
        assert not (await node.told("two"))[second.sequence].relist
        assert site.sequence in await node.told("three")

    tell(story)


def test_late_is_said_by_what_the_reader_sees_and_by_the_terms_of_then() -> None:
    async def story(node: Teller) -> None:
        now = node.theatre.now
        start = now + timedelta(hours=1, minutes=50)
        convoy = Notice(
            source_id="c", name="c", category="convoy", kind=NoticeKind.MOVEMENT,
            volumes=around(*HERE, start=start, end=start + timedelta(hours=1)),
            release=to(two=FULL, three=AREA),
        )  # fmt: skip
        said = await node.say("one", convoy)
        assert not said.late
        assert not (await node.told("two"))[said.sequence].late
        # To the whole hour before, it begins within the lead time.
        assert (await node.told("three"))[said.sequence].late
        administrator = desk_of("one", Role.ADMINISTRATOR)
        await node.theatre.engine.act(
            Agree(administrator, Agreement(name="test", lead_times_s={"convoy": 86_400}))
        )
        assert not (await node.told("two"))[said.sequence].late

    tell(story, Agreement(name="test", lead_times_s={"convoy": 6_600}))


def test_pages_lead_on_whatever_their_size() -> None:
    async def story(node: Teller) -> None:
        said = [
            await node.say("one", hospital(f"h{n}", *HERE, release=to(two=FULL) if n % 3 else None))
            for n in range(20)
        ]
        whole = set(await node.told("two"))
        for limit in (1, 2, 7, 1_000):
            found: list[int] = []
            after, more = -1, True
            while more:
                page = await node.events.read("two", after=after, limit=limit)
                assert len(page.events) <= limit
                found += [one.sequence for one in page.events]
                after, more = page.next, page.more
            assert found == sorted(whole)
            assert after == said[-1].sequence
        upto = said[10].sequence
        page = await node.events.read("two", after=-1, upto=upto)
        assert max(one.sequence for one in page.events) <= upto
        beyond = await node.events.read("two", after=1 << 40)
        assert (beyond.events, beyond.more) == ((), False)

    tell(story)

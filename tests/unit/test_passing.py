"""Asking to pass on, being granted it, and reports that pass on what others said."""

from datetime import datetime, timedelta

import msgspec
import pytest

from detente.core.agreement import Agreement
from detente.core.release import Grade, Grant, Release, Tlp
from detente.core.report import REFERS_MAX, Report
from detente.core.telling import ReleaseDecision, ReleaseRequest
from detente.errors import MalformedInput, NotFound, NotPermitted
from detente.node import passing
from detente.node.submit import Receipt
from nodes import hospital, run
from theatre import TERMS, Theatre

NOBODY = "0" * 32


def told(*refers: Receipt | str, name: str = "r", **release: object) -> Report:
    """A report by two that passes these on."""
    ids = tuple(one if isinstance(one, str) else one.object_id for one in refers)
    given = Release(**release) if release else None  # type: ignore[arg-type] # each test names its own
    return Report(source_id=name, party="two", title="T", text="x", refers=ids, release=given)


def to(*parties: str, grade: Grade = Grade.FULL) -> dict[str, Grade]:
    return dict.fromkeys(parties, grade)


async def noticed(town: Theatre, name: str = "h", **release: object) -> Receipt:
    """A notice of one's."""
    given = Release(**release) if release else None  # type: ignore[arg-type] # each test names its own
    return await town.say("one", hospital(name, 1, 1, release=given))


async def granted(
    town: Theatre,
    notice: Receipt,
    *,
    to: str = "three",
    asked: Grade = Grade.FULL,
    name: str = "q",
    **decision: object,
) -> tuple[Receipt, Receipt]:
    """Two asks to pass it on, and one decides."""
    request = ReleaseRequest(
        source_id=name, party="two", object=notice.object_id, to=to, grade=asked
    )
    requested = await town.say("two", request)
    given: dict[str, object] = {"granted": True, **decision}
    decided = await town.say(
        "one",
        ReleaseDecision(source_id=name, party="one", request=requested.object_id, **given),  # type: ignore[arg-type]
    )
    return requested, decided


def test_by_default_nothing_is_passed_on() -> None:
    async def story() -> None:
        with Theatre() as town:
            notice = await noticed(town, parties=to("two"))
            for report in (
                told(notice, parties=to("three")),
                told(notice, members=Grade.CONTACT),
            ):
                error = await town.refused("two", report)
                assert isinstance(error, NotPermitted)
                assert "its author's consent" in str(error)
            # Kept to itself, or told to him from whom it came, it is passed on to nobody.
            await town.say("two", told(notice))
            await town.say("two", told(notice, name="s", parties=to("one", "two")))

    run(story())


def test_what_one_may_not_see_one_cannot_refer_to() -> None:
    async def story() -> None:
        with Theatre() as town:
            hidden = await noticed(town)
            contact = await noticed(town, "i", members=Grade.CONTACT)
            absent = {
                str(await town.refused("two", told(one))).replace(one, "")
                for one in (hidden.object_id, contact.object_id, NOBODY)
            }
            assert len(absent) == 1

    run(story())


def test_labels_let_pass_within_the_agreement_or_to_all() -> None:
    async def story() -> None:
        terms = msgspec.structs.replace(TERMS, members=("one", "two"))
        with Theatre(terms) as town:
            green = await noticed(town, "g", parties=to("two"), tlp=Tlp.GREEN)
            clear = await noticed(town, "c", parties=to("two"), tlp=Tlp.CLEAR)
            kept = await noticed(
                town, "k", parties=to("two"), tlp=Tlp.CLEAR, originator_control=True
            )
            for report in (
                told(green, parties=to("three")),
                told(kept, parties=to("three")),
                told(kept, members=Grade.FULL),
            ):
                assert isinstance(await town.refused("two", report), NotPermitted)
            await town.say("two", told(green, name="1", members=Grade.FULL))
            await town.say("two", told(clear, green, name="2", members=Grade.FULL))
            await town.say("two", told(clear, name="3", parties=to("three")))
            # The label goes with it.
            open_ = told(green, clear, tlp=Tlp.CLEAR, members=Grade.FULL)
            error = await town.refused("two", open_)
            assert "TLP at most green, got clear" in str(error)

    run(story())


def test_to_whom_it_is_released_as_well_it_may_be_told() -> None:
    async def story() -> None:
        with Theatre() as town:
            notice = await noticed(town, parties={**to("two"), **to("three")})
            await town.say("two", told(notice, parties=to("three")))
            error = await town.refused("two", told(notice, name="s", members=Grade.FULL))
            assert "none for all members" in str(error)
            # Of whom less may be seen, no more is passed on than that.
            grid = await noticed(town, "g", parties={**to("two"), **to("three", grade=Grade.AREA)})
            assert isinstance(
                await town.refused("two", told(grid, name="s", parties=to("three"))), NotPermitted
            )
            both = await noticed(town, "b", parties=to("two", "three", grade=Grade.AREA))
            await town.say("two", told(both, name="t", parties=to("three")))
            everyone = await noticed(town, "e", members=Grade.FULL)
            await town.say("two", told(everyone, name="u", members=Grade.FULL))

    run(story())


def test_no_longer_than_the_original() -> None:
    async def story() -> None:
        with Theatre() as town:
            ends = town.now + timedelta(days=1)
            by_name = await noticed(town, "a", parties=to("two", "three"), until=ends)
            to_all = await noticed(town, "b", members=Grade.FULL, until=ends)
            green = await noticed(town, "c", parties=to("two"), tlp=Tlp.GREEN, until=ends)

            def reports(until: datetime | None) -> list[Report]:
                return [
                    told(by_name, name="a", parties=to("three"), until=until),
                    told(to_all, name="b", members=Grade.FULL, until=until),
                    told(green, name="c", parties=to("three"), until=until),
                ]

            for report in (*reports(None), *reports(ends + timedelta(seconds=1))):
                error = await town.refused("two", report)
                assert "for as long as the report is released" in str(error)
            for report in reports(ends):
                await town.say("two", report)

    run(story())


def test_the_author_grants_or_refuses_and_may_change_his_mind() -> None:
    async def story() -> None:
        with Theatre() as town:
            notice = await noticed(town, parties=to("two"))
            report = told(notice, parties=to("three"))
            requested, decided = await granted(town, notice, granted=False)
            assert isinstance(await town.refused("two", report), NotPermitted)
            yes = ReleaseDecision(
                source_id="q", party="one", request=requested.object_id, granted=True
            )
            decided = await town.say("one", yes, replacing=decided)
            said = await town.say("two", report)
            # Granted to three and to nobody else.
            wider = told(notice, name="s", members=Grade.FULL)
            assert isinstance(await town.refused("two", wider), NotPermitted)
            no = msgspec.structs.replace(yes, granted=False)
            await town.say("one", no, replacing=decided)
            again = msgspec.structs.replace(report, source_id="t")
            assert isinstance(await town.refused("two", again), NotPermitted)
            # What was told stays told; it can be retracted.
            await town.end("two", said)

    run(story())


def test_a_grant_is_as_much_as_was_asked_and_as_long_as_it_says() -> None:
    async def story() -> None:
        with Theatre() as town:
            notice = await noticed(town, parties=to("two"))
            ends = town.now + timedelta(hours=2)
            await granted(town, notice, asked=Grade.AREA, until=ends)
            assert town.engine.world.shown.grants == {
                notice.object_id: {"three": Grant(grade=Grade.AREA, until=ends)}
            }
            # Two sees all of it, and could tell more than an area.
            for until in (None, ends):
                report = told(notice, parties=to("three"), until=until)
                assert isinstance(await town.refused("two", report), NotPermitted)
            await granted(
                town, notice, name="more", asked=Grade.CONTACT, grade=Grade.FULL, until=ends
            )
            assert isinstance(
                await town.refused("two", told(notice, parties=to("three"))), NotPermitted
            )
            await town.say("two", told(notice, parties=to("three"), until=ends))

    run(story())


def test_only_the_author_decides_and_only_readers_ask() -> None:
    async def story() -> None:
        with Theatre() as town:
            hidden = await noticed(town)
            notice = await noticed(town, "i", parties=to("two"))

            def asking(object_id: str, by: str = "two", to: str = "three") -> ReleaseRequest:
                return ReleaseRequest(source_id="q", party=by, object=object_id, to=to)

            absent = {
                str(await town.refused("two", asking(one))).replace(one, "")
                for one in (hidden.object_id, NOBODY)
            }
            assert len(absent) == 1
            assert isinstance(
                await town.refused("three", asking(notice.object_id, "three")), NotFound
            )
            assert isinstance(
                await town.refused("one", asking(notice.object_id, "one")), NotPermitted
            )
            assert isinstance(
                await town.refused("two", asking(notice.object_id, to="stranger")), NotFound
            )
            requested = await town.say("two", asking(notice.object_id))
            for party in ("two", "three"):
                decision = ReleaseDecision(
                    source_id="d", party=party, request=requested.object_id, granted=True
                )
                assert isinstance(await town.refused(party, decision), NotFound)
            unasked = ReleaseDecision(source_id="d", party="one", request=NOBODY, granted=True)
            assert isinstance(await town.refused("one", unasked), NotFound)

    run(story())


def test_grants_are_the_same_after_a_start() -> None:
    """However requests and decisions were changed, and in whichever order they are read."""

    async def story() -> None:
        with Theatre() as town:
            notice = await noticed(town, parties=to("two"))
            requested, decided = await granted(town, notice)
            request = ReleaseRequest(
                source_id="q", party="two", object=notice.object_id, to="three", purpose="said anew"
            )

            async def alike(*parties: str) -> None:
                with town.beside() as other:
                    shown = [one.engine.world.shown.grants for one in (town, other)]
                    assert shown[0].get(notice.object_id, {}).keys() == set(parties)
                    assert shown[0] == shown[1]

            await alike("three")
            # Now the request is later than its decision.
            await town.say("two", request, replacing=requested)
            await alike("three")
            # Another request about the same is refused: that is the latest word.
            await granted(town, notice, name="other", granted=False)
            await alike()
            again = await granted(town, notice, name="two", to="one")
            await alike("one")
            yes = ReleaseDecision(
                source_id="q", party="one", request=requested.object_id, granted=True
            )
            await town.say("one", yes, replacing=decided)
            await alike("one", "three")
            assert again

    run(story())


def test_reports_within_reports_pass_on_what_these_pass_on() -> None:
    async def story() -> None:
        with Theatre() as town:
            kept = await noticed(town, parties=to("two"))
            green = await noticed(town, "g", parties=to("two"), tlp=Tlp.GREEN)
            own = await town.say("two", told(kept, green, name="own"))
            outer = told(own, own, name="outer", parties=to("three"))
            error = await town.refused("two", outer)
            assert kept.object_id in str(error)
            passed = told(green, name="only", parties=to("three"), tlp=Tlp.GREEN)
            only = await town.say("two", passed)
            # Three, who was told, may tell on only what green lets pass.
            by_three = Report(
                source_id="on",
                party="three",
                title="T",
                text="x",
                refers=(only.object_id,),
                release=Release(parties=to("one", "two")),
            )
            await town.say("three", by_three)

    run(story())


def test_a_report_leads_to_so_many_objects_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "ORIGINALS_MAX", 3)

    async def story() -> None:
        with Theatre() as town:
            notices = [await noticed(town, f"{n}", members=Grade.FULL) for n in range(3)]
            await town.say("two", told(*notices))
            inner = await town.say("two", told(*notices, name="inner"))
            error = await town.refused("two", told(inner, name="outer"))
            assert isinstance(error, MalformedInput)

    run(story())


def test_the_agreement_and_parties_are_everybodys() -> None:
    async def story() -> None:
        with Theatre() as town:
            with town.engine.store.reading() as record:
                shared = [one.object_id for one in record.objects()][:2]
            await town.say("two", told(*shared, members=Grade.FULL))

    run(story())


def test_a_report_refers_to_a_limited_number() -> None:
    assert REFERS_MAX < passing.ORIGINALS_MAX
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(msgspec.to_builtins(told(*[NOBODY] * (REFERS_MAX + 1))), Report)
    assert Agreement(name="x").members == ()

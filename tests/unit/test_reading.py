"""Reading: what one reader finds, in which order, and what he never learns."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from detente.core.check import Known
from detente.core.entry import EntryKind
from detente.core.notice import Notice, NoticeKind
from detente.core.presence import Presence, Track
from detente.core.principal import Role
from detente.core.release import Grade, Release, coarse
from detente.core.report import InformationRequest, Report, Translation
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Delivery,
    Level,
    Objection,
    Outcome,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.view import Item, View
from detente.core.volume import Circle, Corridor, Polygon, Volume
from detente.errors import MalformedInput, NotFound, NotPermitted
from detente.node import reading
from detente.node.asking import reader_of
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.reading import Page, Reading
from detente.node.verbs import End
from detente.node.verbs import Place as At
from detente.node.wanted import Box, Wanted
from detente.store import Place
from nodes import around, at_work, desk_of, flight, hospital, run, say

TO_TWO = Release(parties={"two": Grade.FULL})
AREA_TO_TWO = Release(parties={"two": Grade.AREA})
CONTACT_TO_TWO = Release(parties={"two": Grade.CONTACT})


def box(west: float, south: float, east: float, north: float) -> Box:
    edges = (round(one * 10_000_000) for one in (west, south, east, north))
    return Box(**dict(zip(("west", "south", "east", "north"), edges, strict=True)))


async def found(engine: Engine, reader: str, /, **wanted: object) -> list[str]:
    """Names of what a party finds; of an area, its category."""
    page = await searched(engine, reader, **wanted)
    return [getattr(one.value, "source_id", None) or f"({one.category})" for one in page.objects]


async def searched(engine: Engine, reader: str, /, **wanted: object) -> Page:
    answers = Reading(engine)
    try:
        kinds = frozenset(wanted.pop("kinds", (EntryKind.NOTICE,)))  # type: ignore[call-overload]
        return await answers.search(desk_of(reader), Wanted(kinds=kinds, **wanted))  # type: ignore[arg-type]
    finally:
        answers.close()


def test_a_reader_finds_what_is_his_or_released_to_him(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            await say(engine, "one", hospital("own", 1, 1))
            await say(engine, "one", hospital("full", 1, 2, release=TO_TWO))
            await say(engine, "one", hospital("area", 1, 3, release=AREA_TO_TWO))
            await say(engine, "one", hospital("contact", 1, 4, release=CONTACT_TO_TWO))
            over = Release(parties={"two": Grade.FULL}, until=datetime(2020, 1, 1, tzinfo=UTC))
            await say(engine, "one", hospital("over", 1, 5, release=over))
            assert await found(engine, "one") == ["own", "full", "area", "contact", "over"]
            assert await found(engine, "two") == ["full", "(medical)"]
            page = await searched(engine, "two")
            [area] = page.objects[1].area
            assert page.objects[1].value is None
            assert area == coarse(around(1, 3), AREA_TO_TWO.grid_mm)[0]  # type: ignore[index]

    run(story())


def test_absent_and_not_for_you_are_one_answer(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            hidden = await say(engine, "one", hospital("hidden", 1, 1))
            contact = await say(engine, "one", hospital("contact", 1, 1, release=CONTACT_TO_TWO))
            area = await say(engine, "one", hospital("area", 1, 1, release=AREA_TO_TWO))
            answers = Reading(engine)
            texts = []
            for asked in (hidden.object_id, contact.object_id, "0" * 32):
                for question in (answers.object, answers.history):
                    with pytest.raises(NotFound) as caught:
                        await question(desk_of("two"), asked)
                    texts.append(str(caught.value).replace(asked, "ID"))
            with pytest.raises(NotFound):
                await answers.history(desk_of("two"), area.object_id)
            assert len(set(texts)) == 1
            assert (await answers.object(desk_of("two"), area.object_id)).grade is Grade.AREA
            own = await answers.object(desk_of("one"), hidden.object_id)
            assert (own.token, own.sequence) == (hidden.token, hidden.sequence)
            nobody = desk_of("one")
            with pytest.raises(NotPermitted):
                await answers.search(type(nobody)(party="one", method=nobody.method, subject="x"),
                                     Wanted())  # fmt: skip
            answers.close()

    run(story())


def test_no_box_tells_more_of_an_area_than_its_grid(place: Place, keyring: Keyring) -> None:
    """A reader who moves boxes about finds the same whatever the place within its circle."""
    release = Release(parties={"two": Grade.AREA}, grid_mm=10_000_000)
    true, elsewhere = around(1.0, 1.0, 50.0), around(1.001, 1.001, 50.0)
    told = coarse(true, release.grid_mm)
    assert told == coarse(elsewhere, release.grid_mm)
    boxes = [
        box(1 + dx / 25, 1 + dy / 25, 1 + dx / 25 + 0.005, 1 + dy / 25 + 0.005)
        for dx in range(-5, 6)
        for dy in range(-5, 6)
    ]

    async def story() -> None:
        async with at_work(place, keyring) as engine:
            first = await say(engine, "one", hospital("x", 0, 0, volumes=true, release=release))
            before = [len(await found(engine, "two", box=one)) for one in boxes]
            await say(
                engine, "one", hospital("x", 0, 0, volumes=elsewhere, release=release),
                replacing=first,
            )  # fmt: skip
            after = [len(await found(engine, "two", box=one)) for one in boxes]
            assert before == after
            assert 0 < sum(before) < len(boxes)
            assert sum([len(await found(engine, "one", box=one)) for one in boxes]) < sum(before)

    run(story())


def test_filters(place: Place, keyring: Keyring) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    hour = timedelta(hours=1)

    async def story() -> None:
        async with at_work(place, keyring) as engine:
            await say(engine, "one", hospital("Ängelholm", 10, 50, release=TO_TWO))
            convoy = around(12, 50, start=noon, end=noon + hour)
            await say(
                engine, "one",
                hospital("convoy", 0, 0, kind=NoticeKind.MOVEMENT, volumes=convoy, release=TO_TWO),
            )  # fmt: skip
            await say(engine, "two", hospital("theirs", 10, 50))
            await say(engine, "two", flight("trip", 10, 51))
            track = Track(position=(200_000_000, 600_000_000), time=engine.clock(),
                          speed_max_mm_s=100_000)  # fmt: skip
            await say(engine, "two", Presence(source_id="car", name="Car", track=track))
            words = Report(source_id="r", party="two", title="Bridge", text="down since dawn")
            await say(engine, "two", words)
            every = list(EntryKind)

            async def names(**wanted: object) -> list[str]:
                return await found(engine, "two", kinds=every, **wanted)

            assert await names(box=box(9, 49, 11, 50.5)) == ["Ängelholm", "theirs"]
            assert await names(box=box(19, 59, 21, 61)) == ["car"]
            assert await names(party="one") == ["Ängelholm", "convoy"]
            assert await names(text="ÄNGEL") == ["Ängelholm"]
            assert await names(text="since DAWN") == ["r"]
            assert await names(start=noon + hour, text="convoy") == ["convoy"]
            assert await names(start=noon + 2 * hour, text="convoy") == []
            assert await names(end=noon - hour, text="convoy") == []
            assert await found(engine, "two", kinds=[EntryKind.PLAN, EntryKind.REPORT]) == [
                "trip",
                "r",
            ]
            assert await found(engine, "two", kinds=[EntryKind.PLAN], party="one") == []

    run(story())


def test_reports_are_found_by_all_their_words_by_area_and_by_when_they_were_observed(
    place: Place, keyring: Keyring
) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    hour = timedelta(hours=1)

    async def story() -> None:
        async with at_work(place, keyring) as engine:
            english = Translation(
                language="en", title="Bridge", text="down since dawn", translator="Desk 4"
            )
            seen = Report(
                source_id="seen", party="one", title="Мост", text="разрушен", language="ru",
                translations=(english,), observed=noon, volumes=around(10, 50), release=TO_TWO,
            )  # fmt: skip
            asks = InformationRequest(asks="Is the ferry running?")
            await say(engine, "one", seen)
            await say(engine, "two", Report(source_id="asks", party="two", title="Question",
                                            text="x", request=asks))  # fmt: skip

            async def names(**wanted: object) -> list[str]:
                return await found(engine, "two", kinds=[EntryKind.REPORT], **wanted)

            for text in ("мост", "РАЗРУШЕН", "BRIDGE", "since dawn", "desk 4"):
                assert await names(text=text) == ["seen"]
            assert await names(text="FERRY") == ["asks"]
            assert await names(box=box(9, 49, 11, 51)) == ["seen"]
            assert await names(party="two") == ["asks"]
            window = {"text": "мост", "start": noon, "end": noon}
            assert await names(**window) == ["seen"]
            # It is about a place at all times; of one about none, when it was observed counts.
            assert await names(text="мост", start=noon + hour) == ["seen"]
            await say(engine, "one", replace(seen, source_id="no place", volumes=()))
            assert await names(text="мост", start=noon + hour) == ["seen"]
            assert await names(text="мост", end=noon) == ["seen", "no place"]

    run(story())


def test_what_changed_since(place: Place, keyring: Keyring) -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]

    async def story() -> None:
        async with at_work(place, keyring) as engine:
            engine.clock = lambda: clock[0]
            receipts = {}
            for hour in range(6):
                clock[0] = datetime(2026, 1, 1, hour, tzinfo=UTC)
                receipts[hour] = await say(engine, "one", hospital(str(hour), 1, 1))
            clock[0] = datetime(2026, 1, 1, 9, tzinfo=UTC)
            await say(engine, "one", hospital("1", 2, 2), replacing=receipts[1])
            since = datetime(2026, 1, 1, 4, tzinfo=UTC)
            assert await found(engine, "one", changed_since=since) == ["4", "5", "1"]
            assert await found(engine, "one", changed_since=since + timedelta(seconds=1)) == [
                "5", "1",
            ]  # fmt: skip
            assert await found(engine, "one", after=receipts[4].sequence) == ["5", "1"]
            ended = At(object_id=receipts[2].object_id, token=receipts[2].token)
            await engine.act(End(desk_of("one"), ended))
            assert await found(engine, "one", changed_since=since) == ["4", "5", "1"]
            assert await found(engine, "one", changed_since=since, ended=True) == [
                "4", "5", "1", "2",
            ]  # fmt: skip

    run(story())


def test_pages_miss_nothing_while_things_change(
    place: Place, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pages on sees every object, at least in its last state."""
    monkeypatch.setattr(reading, "CHUNK", 3)
    monkeypatch.setattr(reading, "SCANNED_MAX", 7)

    async def story() -> None:
        async with at_work(place, keyring) as engine:
            said = {}
            for number in range(30):
                release = TO_TWO if number % 3 else None
                said[number] = await say(
                    engine, "one", hospital(str(number), 1, 1, release=release)
                )
            seen: dict[str, View] = {}
            after, pages = -1, 0
            while True:
                page = await searched(engine, "two", after=after, limit=4)
                pages += 1
                assert page.after >= after
                assert [one.sequence for one in page.objects] == sorted(
                    one.sequence for one in page.objects
                )
                seen |= {one.object: one for one in page.objects}
                after = page.after
                if not page.more:
                    break
                if pages <= 4:
                    # Objects before and after the place of the page change, and new ones come.
                    for number in (pages, 30 - pages):
                        release = TO_TWO if number % 3 else None
                        changed = hospital(str(number), 2, pages, release=release)
                        said[number] = await say(engine, "one", changed, replacing=said[number])
                    new = hospital(f"new {pages}", 1, 1, release=TO_TWO)
                    said[100 + pages] = await say(engine, "one", new)
            visible = {n: one for n, one in said.items() if n % 3 or n >= 100}
            assert {one.object_id: one.version for one in visible.values()} == {
                one.object: one.version for one in seen.values()
            }
            assert pages > 5
            last = await searched(engine, "two", after=after)
            assert (last.objects, last.more, last.after) == ((), False, after)

    run(story())


def test_large_objects_make_short_pages(
    place: Place, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE_BYTES_MAX", 400)

    async def story() -> None:
        async with at_work(place, keyring) as engine:
            for number in range(5):
                await say(engine, "one", hospital(str(number), 1, 1))
            names, after, more = [], -1, True
            while more:
                page = await searched(engine, "one", after=after)
                names += [one.value.source_id for one in page.objects]  # type: ignore[union-attr]
                assert 1 <= len(page.objects) <= 3
                after, more = page.after, page.more
            assert names == list("01234")

    run(story())


def test_what_is_said_of_an_object_is_for_those_whom_it_concerns(
    place: Place, keyring: Keyring
) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            notice = await say(engine, "one", hospital("h", 1, 1, release=TO_TWO))
            plan = await say(engine, "two", flight("p", 5, 5, release=Release(members=Grade.FULL)))
            await say(engine, "two", Acknowledgement(
                source_id="ack", entry=notice.leaf, level=Level.RECEIVED, party="two"))  # fmt: skip
            objection = await say(engine, "one", Objection(
                source_id="no", object=plan.object_id, text="too near", party="one"))  # fmt: skip
            await say(engine, "two", Answer(source_id="but", party="two",
                                            objection=objection.object_id, text="no"))  # fmt: skip
            asked = await say(engine, "two", ReleaseRequest(
                source_id="may", object=notice.object_id, to="three", party="two"))  # fmt: skip
            await say(engine, "one", ReleaseDecision(
                source_id="yes", request=asked.object_id, granted=True, party="one"))  # fmt: skip
            kinds = [
                EntryKind.ACKNOWLEDGEMENT, EntryKind.OBJECTION, EntryKind.ANSWER,
                EntryKind.RELEASE_REQUEST, EntryKind.RELEASE_DECISION,
            ]  # fmt: skip
            for party in ("one", "two"):
                assert await found(engine, party, kinds=kinds) == ["ack", "no", "but", "may", "yes"]
            assert await found(engine, "three", kinds=kinds) == []
            # The grant itself shows the notice to three.
            assert await found(engine, "three") == ["h"]
            assert await found(engine, "three", kinds=[EntryKind.PARTY]) != []

    async def with_three() -> None:
        from detente.core.party import Party  # noqa: PLC0415
        from detente.node.verbs import Admit  # noqa: PLC0415

        async with at_work(place, keyring) as engine:
            administrator = desk_of("one", Role.ADMINISTRATOR)
            await engine.act(Admit(administrator, Party(id="three", name="Three")))
        await story()

    run(with_three())


def test_an_author_learns_of_a_delivery_only_his_own_part(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            shown = engine.world.shown
            leaves = ("a" * 64, "b" * 64)
            delivery = Delivery(
                source_id="d", to="two", how="poll", entries=leaves, outcome=Outcome.DELIVERED
            )
            item = Item(
                value=delivery, party="node", object_id="0" * 32, version=1, sequence=9, token="",
                authors={"a" * 64: "one", "b" * 64: "three"},
            )  # fmt: skip

            def entries(party: str) -> tuple[str, ...]:
                view = reader_of(shown, party, engine.clock()).cut(item)
                return () if view is None else view.value.entries  # type: ignore[union-attr]

            assert entries("two") == entries("node") == leaves
            assert entries("one") == ("a" * 64,)
            assert entries("three") == ("b" * 64,)
            assert entries("four") == ()

    run(story())


def test_history_has_a_proof_for_each_version(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            receipts = [await say(engine, "one", hospital("h", 1, 1, release=TO_TWO))]
            for lat in (2, 3, 4):
                changed = hospital("h", 1, lat, release=TO_TWO)
                receipts.append(await say(engine, "one", changed, replacing=receipts[-1]))
            answers = Reading(engine)
            told = await answers.history(desk_of("two"), receipts[0].object_id, limit=3)
            assert [(one.sequence, one.leaf, one.version) for one in told.versions] == [
                (one.sequence, one.leaf, one.version) for one in receipts[:3]
            ]
            assert told.more
            assert all(one.proof for one in told.versions)
            rest = await answers.history(desk_of("two"), receipts[0].object_id, after=3)
            assert [one.version for one in rest.versions] == [4]
            assert not rest.more
            answers.close()

    run(story())


def test_agreement_and_parties_are_for_all(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            answers = Reading(engine)
            view = await answers.agreement(desk_of("two"))
            assert view.value == engine.world.agreement
            [terms] = await answers.agreement_versions(desk_of("two"))
            assert terms.agreement == engine.world.agreement
            assert (terms.entry.sequence, terms.entry.version) == (0, 1)
            assert [one.id for one in await answers.parties(desk_of("two"))] == ["one", "two"]
            answers.close()

    run(story())


def test_a_grant_that_was_taken_back_does_not_show_what_came_after(
    new_place: Callable[[], Place], keyring: Keyring
) -> None:
    """One process is asked for what another has changed: it catches up first."""
    from conftest import begin  # noqa: PLC0415

    where = new_place()
    begin(where, keyring)

    async def story() -> None:
        async with at_work(where, keyring) as ours, at_work(where, keyring) as theirs:
            notice = await say(ours, "one", hospital("h", 1, 1, release=AREA_TO_TWO))
            asked = await say(ours, "two", ReleaseRequest(
                source_id="may", party="two", object=notice.object_id, to="two"))  # fmt: skip
            granted = ReleaseDecision(
                source_id="yes", party="one", request=asked.object_id, granted=True
            )
            decided = await say(ours, "one", granted)
            assert await found(theirs, "two") == ["h"]
            await say(ours, "one", ReleaseDecision(
                source_id="yes", party="one", request=asked.object_id, granted=False),
                replacing=decided)  # fmt: skip
            await say(ours, "one", hospital("h", 3, 3, release=AREA_TO_TWO), replacing=notice)
            assert await found(theirs, "two") == ["(medical)"]

    run(story())


def test_whoever_writes_on_does_not_stop_a_reader(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as ours, at_work(place, keyring) as theirs:
            stopped = asyncio.Event()

            async def write() -> None:
                number = 0
                while not stopped.is_set():
                    await say(ours, "one", hospital(str(number), 1, 1, release=TO_TWO))
                    number += 1

            writing = asyncio.create_task(write())
            for _ in range(20):
                page = await searched(theirs, "two")
                assert page.sequence > 0
            stopped.set()
            await writing

    run(story())


def test_a_box_is_one() -> None:
    with pytest.raises(MalformedInput):
        box(0, 1, 1, 0)
    assert box(170, 0, -170, 1).width_e7 == 200_000_000
    assert box(-180, -90, 180, 90).width_e7 == 3_600_000_000


lons, lats = st.floats(-180, 180), st.floats(-89.9, 89.9)


def seen(volumes: tuple[Volume, ...]) -> View:
    value = Notice(source_id="x", name="x", category="x", volumes=volumes)
    return View(
        object="0" * 32, kind=EntryKind.NOTICE, version=1, sequence=1, token="", grade=Grade.FULL,
        party="one", value=value,
    )  # fmt: skip


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(lons, lats, st.floats(0.001, 20), st.floats(0.001, 20), st.floats(0, 1), st.floats(0, 1))
def test_a_place_in_a_box_is_found(
    west: float, south: float, width: float, height: float, across: float, up: float
) -> None:
    north = min(90.0, south + height)
    east = (west + width + 180) % 360 - 180
    lon = (west + across * width + 180) % 360 - 180
    lat = south + up * (north - south)
    view = seen(around(lon, lat, 0.01))
    wanted = Wanted(box=box(west, south, east, north))
    assert wanted.placed([view], NOW).tolist() == [True]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.floats(-179, 170), st.floats(-80, 70), st.floats(0.01, 8), st.floats(0.01, 8))
def test_what_is_clearly_outside_is_not_found(
    west: float, south: float, width: float, height: float
) -> None:
    wanted = Wanted(box=box(west, south, west + width, south + height))
    middle = west + width / 2
    for lat in (south - 0.01, south + height + 0.01):
        assert not wanted.placed([seen(around(middle, lat, 100.0))], NOW).any()
    east = west + width + 0.02 / math.cos(math.radians(south))
    assert not wanted.placed([seen(around(east, south + height / 2, 50.0))], NOW).any()


def test_shapes_around_poles_and_antimeridian_are_found() -> None:
    e7 = 10_000_000
    pole = Polygon(rings=(tuple((lon * e7, 85 * e7) for lon in range(-180, 180, 30)),))
    line = Corridor(line=((179 * e7, 0), (-179 * e7, 0)), width_mm=1_000)
    for shape, inside, outside in (
        (pole, box(-180, 89, 180, 90), box(-180, 80, 180, 84)),
        (pole, box(20, 89.5, 21, 89.6), box(-180, -90, 180, -89)),
        (line, box(179.5, -1, -179.5, 1), box(-178, -1, 178, 1)),
        (line, box(-180, -90, 180, 90), box(0, -1, 1, 1)),
    ):
        views = [seen((Volume(footprint=(shape,)),))]
        assert Wanted(box=inside).placed(views, NOW).all()
        assert not Wanted(box=outside).placed(views, NOW).any()


def test_what_has_no_place_is_in_no_box() -> None:
    assert Wanted(box=box(-180, -90, 180, 90)).placed([seen(())], NOW).tolist() == [False]
    known = Known(value=seen(around(0, 0)).value)  # type: ignore[arg-type]
    assert isinstance(known.value.volumes[0].footprint[0], Circle)

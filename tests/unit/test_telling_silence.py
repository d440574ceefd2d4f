"""Silence (R-08): drawn from the record, for whom it is to be seen."""

from datetime import datetime, timedelta

import pytest

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind
from detente.core.ledger import NODE
from detente.core.release import Grade, Release
from detente.core.telling import Acknowledgement, Level, ReleaseDecision, ReleaseRequest
from detente.core.view import View
from detente.node.lookup import reader_at
from detente.node.submit import Receipt
from detente.node.telling import silence
from detente.node.telling.disclosures import disclose
from detente.node.telling.silence import (
    Asked,
    Draw,
    PartySilence,
    Silence,
    Whom,
    everything,
    silences,
    undrawn,
)
from nodes import around, desk_of, hospital, run
from theatre import Theatre

HERE = (1.0, 1.0)
BOTH = Release(parties={"two": Grade.FULL, "three": Grade.AREA})


class Quiet:
    """A theatre, and what it says of silence."""

    def __init__(self, theatre: Theatre) -> None:
        self.theatre = theatre
        self.count = 0

    async def shown(self, party: str, receipt: Receipt) -> None:
        await disclose(
            self.theatre.engine,
            desk_of(party),
            [
                View(
                    object=receipt.object_id, kind=EntryKind.NOTICE, version=receipt.version,
                    sequence=receipt.sequence, token="", grade=Grade.FULL, party="one",
                )
            ],
        )  # fmt: skip

    async def acknowledge(self, party: str, receipt: Receipt, level: Level, to: str = "") -> None:
        self.count += 1
        await self.theatre.say(
            party,
            Acknowledgement(
                source_id=f"k{self.count}", party=party, entry=receipt.leaf, level=level,
                to=to or None,
            ),
        )  # fmt: skip

    async def asked(self, of: str | None = "one", **parts: object) -> list[Silence]:
        return (await self.all(of, **parts))[0]

    async def parties(self) -> dict[str, PartySilence]:
        return {one.party: one for one in (await self.all(None))[1]}

    async def all(
        self, of: str | None, **parts: object
    ) -> tuple[list[Silence], list[PartySilence]]:
        engine = self.theatre.engine
        while True:
            with engine.store.reading() as record:
                if not undrawn(record):
                    break
            await engine.act(Draw())
        with engine.store.reading() as record:
            reader = reader_at(record, NODE, now=self.theatre.now)
            return everything(record, reader, Asked(of=of, asker=of, **parts))  # type: ignore[arg-type]

    def later(self, **parts: float) -> None:
        self.theatre.now += timedelta(**parts)


def test_silence_lasts_from_when_it_was_told_until_the_current_version_is_acknowledged() -> None:
    async def story(node: Quiet) -> None:
        site = await node.theatre.say("one", hospital("a", *HERE, release=BOTH))
        node.later(minutes=10)
        await node.shown("two", site)
        node.later(minutes=5)
        found = {one.party: one for one in await node.asked()}
        assert found["two"].silent_s == 300
        assert found["two"].told is not None
        assert found["three"].silent_s == 900
        assert found["three"].told is None
        assert found["three"].grade is Grade.AREA
        assert found["two"].name == "a"
        assert [one.party for one in await node.asked(whom=Whom.EVERYONE)] == ["three", "two"]
        assert await node.asked(longer_than_s=901) == []
        assert [one.party for one in await node.asked(party="three")] == ["three"]
        await node.acknowledge("two", site, Level.RECEIVED)
        await node.acknowledge("two", site, Level.PASSED_ON, "north")
        await node.acknowledge("two", site, Level.PASSED_ON, "south")
        assert [one.party for one in await node.asked()] == ["three"]
        assert [one.party for one in await node.asked(level=Level.PASSED_ON)] == ["three"]
        found = {one.party: one for one in await node.asked(level=Level.ACTED_ON)}
        assert found["two"].level is Level.PASSED_ON
        assert found["two"].passed_on == ("north", "south")
        everyone = {one.party: one for one in await node.asked(whom=Whom.EVERYONE)}
        assert everyone["two"].level is Level.PASSED_ON
        assert (everyone["two"].silent_s, everyone["three"].silent_s) == (0, 900)
        changed = await node.theatre.say(
            "one", hospital("a", *HERE, standoff_mm=1, release=BOTH), replacing=site
        )
        assert {one.party for one in await node.asked()} == {"two", "three"}
        assert {one.version for one in await node.asked()} == {2}
        await node.acknowledge("two", site, Level.ACTED_ON)
        assert {one.party for one in await node.asked()} == {"two", "three"}, "of the old version"
        await node.acknowledge("two", changed, Level.DELIVERED)
        assert {one.party for one in await node.asked()} == {"three"}
        await node.theatre.end("one", changed)
        assert await node.asked() == []

    with Theatre() as theatre:
        run(story(Quiet(theatre)))


def test_only_recipients_are_asked_for_and_members_and_grants_are_recipients() -> None:
    async def story(node: Quiet) -> None:
        say = node.theatre.say
        await say("one", hospital("hidden", *HERE))
        await say("one", hospital("c", *HERE, release=Release(parties={"two": Grade.CONTACT})))
        over = around(*HERE, end=node.theatre.now - timedelta(seconds=1))
        await say("one", hospital("over", *HERE, volumes=over, release=BOTH))
        assert await node.asked() == []
        await say("one", hospital("m", *HERE, release=Release(members=Grade.FULL)))
        assert {one.party for one in await node.asked()} == {"two", "three"}
        mine = await say("two", hospital("t", *HERE, release=Release(parties={"one": Grade.FULL})))
        assert {one.name for one in await node.asked()} == {"m"}
        assert {one.party for one in await node.asked("two")} == {"one"}
        request = await say(
            "one", ReleaseRequest(source_id="r", party="one", object=mine.object_id, to="three")
        )
        await say(
            "two",
            ReleaseDecision(source_id="d", party="two", request=request.object_id, granted=True),
        )
        assert {one.party for one in await node.asked("two")} == {"one", "three"}
        everyones = await node.asked(None)
        assert len(everyones) == 4
        assert {one.name for one in everyones} == {None}

    with Theatre() as theatre:
        run(story(Quiet(theatre)))


def test_that_a_party_stopped_acknowledging_is_shown_by_its_age_alone() -> None:
    async def story(node: Quiet) -> None:
        sites = [
            await node.theatre.say("one", hospital(f"h{n}", n, 1, release=BOTH)) for n in range(3)
        ]
        node.later(seconds=90)
        assert (await node.parties())["two"] == PartySilence(party="two")
        await node.shown("two", sites[0])
        first = node.theatre.now
        stands = (await node.parties())["two"]
        assert stands.not_acknowledging_since == first.replace(second=0, microsecond=0)
        assert stands.last_acknowledged is None
        node.later(minutes=1)
        await node.acknowledge("two", sites[0], Level.RECEIVED)
        assert (await node.parties())["two"].not_acknowledging_since is None
        node.later(minutes=1)
        await node.shown("two", sites[1])
        second = node.theatre.now
        node.later(minutes=5)
        await node.shown("two", sites[2])
        stands = (await node.parties())["two"]
        assert stands.not_acknowledging_since == _minute(second)
        assert stands.last_acknowledged == _minute(second - timedelta(minutes=1))
        assert stands.last_told == _minute(node.theatre.now)
        assert (await node.parties())["three"].not_acknowledging_since is None

    with Theatre() as theatre:
        run(story(Quiet(theatre)))


def test_pages_lead_on_and_acknowledgements_are_drawn_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silence, "SCANNED_MAX", 3)
    monkeypatch.setattr(silence, "DRAWN_AT_ONCE", 2)

    async def story(node: Quiet) -> None:
        sites = [
            await node.theatre.say("one", hospital(f"h{n}", n, 1, release=BOTH)) for n in range(8)
        ]
        for one in sites[::2]:
            await node.acknowledge("two", one, Level.RECEIVED, "a\0b")
        found = await node.asked()
        assert len(found) == 12
        assert len({(one.object, one.party) for one in found}) == 12
        engine = node.theatre.engine
        with engine.store.reading() as record:
            reader = reader_at(record, NODE, now=node.theatre.now)
            page = silences(record, reader, Asked(of="one", limit=1))
            assert len({one.object for one in page.silences}) == 1
            assert page.more
            assert page.parties
            rest = silences(record, reader, Asked(of="one", after=page.after))
            assert rest.parties == ()

    with Theatre() as theatre:
        run(story(Quiet(theatre)))


def test_a_reader_at_a_state_sees_what_a_node_at_work_sees() -> None:
    async def story(node: Quiet) -> None:
        engine = node.theatre.engine
        site = await node.theatre.say("one", hospital("a", *HERE, release=BOTH))
        request = await node.theatre.say(
            "two", ReleaseRequest(source_id="r", party="two", object=site.object_id, to="three")
        )
        decision = ReleaseDecision(
            source_id="d", party="one", request=request.object_id, granted=True
        )
        await node.theatre.say("one", decision)
        with engine.store.reading() as record:
            reader = reader_at(record, "two", now=node.theatre.now)
        shown = engine.world.shown
        assert (reader.agreement, reader.parties, reader.grants) == (
            shown.agreement,
            shown.parties,
            shown.grants,
        )

    with Theatre(Agreement(name="test")) as theatre:
        run(story(Quiet(theatre)))


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)

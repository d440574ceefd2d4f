"""What comes in by TAXII or as a bundle as the next version: to whom it is shown, what stays."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind, token
from detente.core.principal import Principal
from detente.core.release import Grade, Release, Tlp
from detente.core.report import (
    InformationRequest,
    Reliability,
    Report,
    ReportState,
    Sighting,
    Translation,
)
from detente.core.wire import read
from detente.node.submit import Receipt
from detente.node.taxii.adding import NATIVE, Outcome, Terms, add, give
from detente.node.taxii.collections import Collection, collection
from detente.node.taxii.filters import Filter
from detente.node.taxii.pages import Pages
from nodes import around, desk_of, hospital, run
from taxii import indicator
from theatre import Theatre
from world import NOW

TERMS = Agreement(name="test", members=("one", "two", "three"))
NAME = "indicator--11111111-1111-4111-8111-111111111111"
ONE = desk_of("one")


def text(number: int, **parts: Any) -> str:
    return msgspec.json.encode(indicator(number, NAME, **parts)).decode()


class Town:
    """Party one gives, two and three read; all are members."""

    def __init__(self, theatre: Theatre) -> None:
        self.theatre = theatre
        self.engine = theatre.engine

    def where(self, principal: Principal, alias: str) -> Collection:
        return collection(self.engine.world.on_disk, "test", principal, alias)

    async def add(self, said: str, to: str = "agreement") -> Outcome:
        """By TAXII."""
        pages = Pages(self.engine)
        [one] = (await add(self.engine, pages, ONE, self.where(ONE, to), [said])).outcomes
        pages.close()
        return one

    async def give(self, said: str, release: Release | None = None) -> Outcome:
        """As a bundle."""
        [one] = await give(self.engine, ONE, Terms(release=release), [said])
        return one

    async def shown(self, party: str, alias: str = "agreement") -> Sequence[str]:
        """What a TAXII reader finds."""
        reader, pages = desk_of(party), Pages(self.engine)
        page = await pages.look(reader, self.where(reader, alias), Filter())
        pages.close()
        return [one.text.decode() for one in page.shown]

    def held(self) -> tuple[Report, Receipt]:
        """The report, and what says which version of it is meant."""
        with self.engine.store.reading() as record:
            found = record.named(EntryKind.REPORT, "one", [NAME])[NAME]
        assert found.data is not None
        assert found.salt is not None
        value = read(found.data)
        assert isinstance(value, Report)
        return value, Receipt(
            sequence=found.sequence, leaf=found.leaf.hex(), object_id=found.object_id,
            version=found.version, size=0, root="", token=token(found.salt, found.leaf),
        )  # fmt: skip


def test_what_is_given_after_its_release_ended_is_released_anew() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            ended = Release(
                parties={"three": Grade.FULL}, until=theatre.now - timedelta(days=1),
                tlp=Tlp.RED, originator_control=True,
            )  # fmt: skip
            await town.give(text(0), ended)
            await town.add(text(1))
            release = town.held()[0].release
            assert release == Release(members=Grade.FULL, tlp=Tlp.RED, originator_control=True)
            assert await town.shown("two") == await town.shown("three") == [text(1)]
            assert await town.shown("three", "inbox:three") == []

    run(story())


def test_an_end_that_is_to_come_is_that_of_further_readers_too() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            until = theatre.now + timedelta(hours=1)
            await town.give(text(0), Release(parties={"three": Grade.FULL}, until=until))
            await town.add(text(0), "inbox:two")
            parties = {"two": Grade.FULL, "three": Grade.FULL}
            assert town.held()[0].release == Release(parties=parties, until=until)
            assert await town.shown("two", "inbox:two") == [text(0)]
            theatre.now += timedelta(hours=2)
            assert await town.shown("two", "inbox:two") == []

    run(story())


def test_a_revoked_version_without_a_release_reaches_whoever_had_the_first() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            release = Release(parties={"two": Grade.FULL}, tlp=Tlp.GREEN)
            await town.give(text(0), release)
            assert await town.shown("two", "inbox:two") == [text(0)]
            revoked = text(1, revoked=True)
            for _ in range(2):  # Given again, it is there already.
                assert (await town.give(revoked)).message == ""
                assert town.held()[1].version == 2
            assert town.held()[0].release == release
            assert await town.shown("two", "inbox:two") == [revoked]
            assert await town.shown("three") == await town.shown("three", "inbox:three") == []

    run(story())


def test_a_version_that_holds_is_released_to_nobody_without_a_release() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            await town.give(text(0), Release(members=Grade.FULL))
            await town.give(text(1))
            assert town.held()[0].release is None
            assert await town.shown("two") == []

    run(story())


def natively(report: Report, link: str) -> Report:
    """With all that a report may say beside its STIX object."""
    return msgspec.structs.replace(
        report, state=ReportState.CORRECTED, text="Seen at the bridge.", observed=NOW,
        volumes=around(10, 50), reliability=Reliability.USUALLY_RELIABLE, links=(link,),
        translations=(Translation(language="fr", text="Au pont.", translator="An office"),),
        original="0" * 64, request=InformationRequest(asks="Who?"), sighting=Sighting(of=link),
        language="en",
    )  # fmt: skip


def test_what_was_said_natively_stays_and_is_shown_to_nobody_else() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            seen = await theatre.say("one", hospital("h", 10, 50))
            await town.add(text(0, confidence=85), "inbox:two")
            said, before = town.held()
            said = natively(said, seen.object_id)
            await theatre.say("one", said, replacing=before)
            later = text(1, name="Loader", confidence=15)
            assert (await town.add(later, "inbox:two")).message == ""
            assert town.held()[0] == msgspec.structs.replace(
                said, title="Loader", credibility=5, stix=later
            )
            # To others it would be shown for the first time.
            for to in ("agreement", "inbox:three"):
                refused = await town.add(text(2), to)
                assert "expected no more than before" in refused.message
            wider = Release(parties={"two": Grade.FULL}, tlp=Tlp.CLEAR)
            assert "no more than before" in (await town.give(text(2), wider)).message
            assert town.held()[0].stix == later
            assert await town.shown("three") == await town.shown("three", "inbox:three") == []
            # To fewer it may be.
            assert (await town.give(text(2))).message == ""
            kept, bare = town.held()[0], Report(source_id="", party="one", title="", text="")
            assert all(getattr(kept, name) == getattr(said, name) for name in NATIVE)
            assert set(Report.__struct_fields__) - set(NATIVE) == {
                "source_id", "party", "title", "reliability", "credibility", "state", "release",
                "language", "stix",
            }  # fmt: skip
            assert not any(getattr(bare, name) for name in NATIVE)

    run(story())


def test_reliability_alone_goes_with_the_object() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            await town.add(text(0), "inbox:two")
            said, before = town.held()
            judged = msgspec.structs.replace(
                said, state=ReportState.CORRECTED, reliability=Reliability.FAIRLY_RELIABLE
            )
            await theatre.say("one", judged, replacing=before)
            await town.add(text(1))
            assert town.held()[0].reliability is Reliability.FAIRLY_RELIABLE
            assert await town.shown("three") == [text(1)]
            terms = Terms(release=None, reliability=Reliability.CANNOT_BE_JUDGED)
            await give(town.engine, ONE, terms, [text(2)])
            assert town.held()[0].reliability is Reliability.CANNOT_BE_JUDGED

    run(story())

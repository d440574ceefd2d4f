"""What comes in by TAXII or as a bundle as the next version: to whom it is shown, what stays."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import stix2

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
from detente.core.stix import TLP_2_MARKINGS, read_stix
from detente.core.volume import microseconds
from detente.core.wire import read
from detente.errors import NotFound
from detente.node.submit import Receipt
from detente.node.taxii.adding import NATIVE, Outcome, Terms, add, give
from detente.node.taxii.collections import Collection, collection
from detente.node.taxii.deleting import delete
from detente.node.taxii.filters import ALL, Filter
from detente.node.taxii.marking import definitions, marked
from detente.node.taxii.pages import Pages
from nodes import around, desk_of, hospital, run
from taxii import indicator, labelled
from theatre import Theatre
from world import NOW

TERMS = Agreement(name="test", members=("one", "two", "three"))
NAME = "indicator--11111111-1111-4111-8111-111111111111"
ONE = desk_of("one")


def text(number: int, **parts: Any) -> str:
    return msgspec.json.encode(indicator(number, NAME, **parts)).decode()


def bare(said: bytes) -> str:
    """An object without its label."""
    fields = msgspec.json.decode(said, type=dict[str, msgspec.Raw])
    fields.pop("object_marking_refs", None)
    return msgspec.json.encode(fields).decode()


class Town:
    """Party one gives, two and three read; all are members."""

    def __init__(self, theatre: Theatre) -> None:
        self.theatre = theatre
        self.engine = theatre.engine

    def where(self, principal: Principal, alias: str) -> Collection:
        return collection(self.engine.world.shown, "test", principal, alias)

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

    async def delete(self, name: str = NAME) -> None:
        """By TAXII."""
        pages = Pages(self.engine)
        wanted = Filter(ids=frozenset({name}), versions=frozenset({ALL}))
        try:
            await delete(self.engine, pages, ONE, self.where(ONE, "agreement"), wanted)
        finally:
            pages.close()

    async def shown(self, party: str, alias: str = "agreement") -> Sequence[str]:
        """What a TAXII reader finds; of a label that is set for him, nothing."""
        reader, pages = desk_of(party), Pages(self.engine)
        page = await pages.look(reader, self.where(reader, alias), Filter())
        pages.close()
        return [bare(one.text) for one in page.shown]

    def held(self, name: str = NAME) -> tuple[Report, Receipt]:
        """The report, and what says which version of it is meant."""
        with self.engine.store.reading() as record:
            found = record.named(EntryKind.REPORT, "one", [name])[name]
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
                assert refused.code == "conflict"
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


def decoded(said: bytes) -> Any:
    return msgspec.json.decode(said)


class Reader:
    """What one party is given of the agreement's collection, as it stands there."""

    def __init__(self, town: Town, party: str) -> None:
        self._town, self._party = town, desk_of(party)

    async def look(self, **wanted: Any) -> list[Any]:
        pages = Pages(self._town.engine)
        where = self._town.where(self._party, "agreement")
        page = await pages.look(self._party, where, Filter(**wanted))
        pages.close()
        return [msgspec.json.decode(one.text) for one in page.shown]


@pytest.mark.parametrize(
    ("own", "released", "shown"),
    [
        ((), Tlp.GREEN, Tlp.GREEN),
        ((), Tlp.AMBER_STRICT, Tlp.AMBER_STRICT),
        # Of its own label and the release's the more closed counts, and the object says one.
        ((TLP_2_MARKINGS[Tlp.CLEAR],), Tlp.AMBER, Tlp.AMBER),
        (("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",), Tlp.RED, Tlp.RED),
        ((TLP_2_MARKINGS[Tlp.RED],), Tlp.CLEAR, None),
        ((TLP_2_MARKINGS[Tlp.GREEN],), Tlp.GREEN, None),
        # What is no label stays.
        (("marking-definition--11111111-1111-4111-8111-111111111111",), Tlp.RED, Tlp.RED),
    ],
)
def test_an_object_goes_out_with_the_label_of_its_release(
    own: tuple[str, ...], released: Tlp, shown: Tlp | None
) -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            given = indicator(0, NAME, x_odd=1.50, **({"object_marking_refs": own} if own else {}))
            said = msgspec.json.encode(given).decode()
            await town.give(said, Release(members=Grade.FULL, tlp=released))
            assert town.held()[0].stix == said
            given = msgspec.json.decode(said)
            expected = given if shown is None else labelled(given, shown)
            assert await Reader(town, "two").look() == [expected]
            # Its author is given its own words.
            assert await Reader(town, "one").look() == [given]

    run(story())


def test_numbers_stay_as_they_were_spelt_beside_a_label() -> None:
    said = b'{ "type":"indicator","x":1.50, "id": "%b","y":[1e2 , "\\u0061"] }\n' % NAME.encode()
    told = b'"object_marking_refs":["%b"]}' % TLP_2_MARKINGS[Tlp.GREEN].encode()
    assert marked(said, Release(tlp=Tlp.GREEN)) == said[:-2] + b"," + told
    # A name that is spelt otherwise is there all the same.
    odd = b'{"type":"indicator","id":"%b","x":1.50,"object_marking_ref\\u0073": []}' % NAME.encode()
    assert marked(odd, Release(tlp=Tlp.GREEN)) == (odd.partition(b'"object_m')[0] + told)


def test_a_version_made_of_the_labelled_copy_keeps_the_release() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            release = Release(members=Grade.FULL, tlp=Tlp.GREEN)
            await town.give(text(0), release)
            [copy] = await Reader(town, "two").look()
            later = msgspec.json.encode({**copy, "modified": indicator(1)["modified"]}).decode()
            assert (await town.add(later)).message == ""
            assert town.held()[0].release == release
            assert town.held()[0].stix == later

    run(story())


def test_what_takes_back_bears_the_label_too() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            await town.give(text(0), Release(members=Grade.FULL, tlp=Tlp.GREEN))
            await theatre.end("one", town.held()[1])
            [revoked] = await Reader(town, "two").look()
            assert revoked["revoked"] is True
            assert revoked["object_marking_refs"] == [TLP_2_MARKINGS[Tlp.GREEN]]

    run(story())


def test_what_was_granted_without_a_release_bears_the_most_that_passing_on_would_let() -> None:
    assert decoded(marked(text(0).encode(), None)) == labelled(decoded(text(0).encode()))


def test_the_definition_of_a_label_is_there_for_whoever_asks_for_it() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            await town.add(text(0))
            reader = Reader(town, "two")
            [indicated] = await reader.look()
            [name] = indicated["object_marking_refs"]
            [found] = await reader.look(ids=frozenset({name}))
            assert found["name"] == "TLP:AMBER+STRICT"
            assert read_stix(msgspec.json.encode(found).decode()).id == name
            assert stix2.parse(found, allow_custom=True).id == name
            every = frozenset(TLP_2_MARKINGS.values())
            assert {one["id"] for one in await reader.look(ids=every)} == every
            # As one that is there: filters hold, and it was there before all else.
            assert await reader.look(ids=every, types=frozenset({"indicator"})) == []
            assert await reader.look(ids=every, after_us=microseconds(NOW)) == []
            both = await reader.look(ids=every | {NAME})
            assert [one["type"] for one in both] == [*["marking-definition"] * 5, "indicator"]
            assert len(await reader.look(ids=every, limit=2)) == 2
            pages, where = Pages(town.engine), town.where(desk_of("two"), "agreement")
            seen, after_us, more = [], -1, True
            while more:
                wanted = Filter(ids=every | {NAME}, limit=2, after_us=after_us)
                page = await pages.objects(desk_of("two"), where, wanted)
                seen += [one.item.id for one in page.shown]
                after_us, more = page.upto_us, page.more
            pages.close()
            assert seen == [one["id"] for one in both]

    run(story())


def test_a_definition_that_a_party_gave_is_there_once_and_is_marked_by_nothing() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            [(item, said), *_] = definitions()
            await town.add(said.decode())
            assert await Reader(town, "two").look(ids=frozenset({item.id})) == [decoded(said)]

    run(story())


def labelled_text(number: int, label: Tlp | None) -> str:
    """A version that bears a label, or none."""
    refs = {} if label is None else {"object_marking_refs": [TLP_2_MARKINGS[label]]}
    return text(number, **refs)


@pytest.mark.parametrize(
    ("first", "natively", "later", "then"),
    [
        # By its own label its author opens what that label closed, and closes it.
        (Tlp.RED, None, Tlp.GREEN, Tlp.GREEN),
        (Tlp.GREEN, None, Tlp.RED, Tlp.RED),
        (None, None, Tlp.GREEN, Tlp.GREEN),
        (Tlp.RED, None, None, Tlp.RED),
        # What was closed natively stays so, whatever its programs go on to send.
        (Tlp.GREEN, Tlp.RED, Tlp.GREEN, Tlp.RED),
        (Tlp.GREEN, Tlp.RED, Tlp.CLEAR, Tlp.RED),
        (Tlp.GREEN, Tlp.AMBER, Tlp.RED, Tlp.RED),
        (None, Tlp.RED, Tlp.GREEN, Tlp.RED),
        # What was opened natively is closed again by the label that the object goes on to bear.
        (Tlp.RED, Tlp.CLEAR, Tlp.RED, Tlp.RED),
    ],
)
def test_a_label_opens_only_what_it_closed(
    first: Tlp | None, natively: Tlp | None, later: Tlp | None, then: Tlp
) -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            await town.add(labelled_text(0, first), "inbox:two")
            if natively is not None:
                said, before = town.held()
                release = Release(parties={"two": Grade.FULL}, tlp=natively)
                changed = msgspec.structs.replace(
                    said, state=ReportState.CORRECTED, release=release
                )
                await theatre.say("one", changed, replacing=before)
            assert (await town.add(labelled_text(1, later), "inbox:two")).message == ""
            assert town.held()[0].release == Release(parties={"two": Grade.FULL}, tlp=then)
            # Nobody sees more by it, of no version.
            for party in ("two", "three"):
                assert await town.shown(party) == []
            assert await town.shown("three", "inbox:three") == []

    run(story())


def test_an_earlier_version_keeps_the_label_under_which_it_was_given() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            await town.add(labelled_text(0, Tlp.RED), "inbox:two")
            await town.add(labelled_text(1, Tlp.GREEN))
            # What went to one party alone is not shown to those who see what came after it.
            every: dict[str, Any] = {"versions": frozenset({ALL})}
            assert await Reader(town, "three").look(**every) == [decoded_label(1, Tlp.GREEN)]
            reader, pages = desk_of("two"), Pages(town.engine)
            page = await pages.look(reader, town.where(reader, "inbox:two"), Filter(**every))
            pages.close()
            assert [decoded(one.text) for one in page.shown] == [
                decoded_label(0, Tlp.RED), decoded_label(1, Tlp.GREEN),
            ]  # fmt: skip

    run(story())


def decoded_label(number: int, label: Tlp) -> Any:
    return msgspec.json.decode(labelled_text(number, label))


def test_the_same_object_in_another_spelling_is_there_already() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            first = text(0, x_slope=1.5, x_of={"a": [1, 2], "b": None})
            await town.add(first)
            again = json.dumps(dict(reversed(json.loads(first).items())), indent=1)
            assert (await town.add(again)).message == ""
            assert town.held()[1].version == 1
            # It may go to further readers so, in the words that are on record.
            assert (await town.add(again, "inbox:three")).message == ""
            assert (town.held()[0].stix, town.held()[1].version) == (first, 2)
            other = json.dumps({**json.loads(first), "x_of": {"a": [2, 1], "b": None}})
            assert "later than" in (await town.add(other)).message
            bare = '{"type":"url","id":"url--11111111-1111-4111-8111-111111111111","value":"u"}'
            for spelt in (bare, bare.replace(":", ": "), bare.replace('"u"', '"v"')):
                assert (await town.add(spelt)).message == ""
            assert set(await town.shown("two")) == {first, bare.replace('"u"', '"v"')}

    run(story())


def test_what_was_deleted_is_not_there_and_does_not_come_back() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            await town.add(text(0))
            await town.delete()
            for number in (0, 1):
                assert "this state is final" in (await town.add(text(number))).message
            assert await town.shown("one") == []

    run(story())


def test_a_cyber_observable_that_was_deleted_may_be_told_of_again() -> None:
    """Its id follows from its value, so that there is no other for the same value."""
    name = "url--11111111-1111-4111-8111-111111111111"
    url = f'{{"type":"url","id":"{name}","value":"u"}}'

    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            told = []
            for _ in range(3):
                assert (await town.add(url)).message == ""
                assert await town.shown("two") == [url]
                held, stored = town.held(name)
                assert (held.state, stored.version) == (ReportState.ISSUED, 1)
                told.append(stored.object_id)
                await town.delete(name)
                assert await town.shown("two") == []
                assert await town.shown("one") == []
            # What was taken back stays so: these are reports of their own.
            assert len(set(told)) == 3

    run(story())


def test_of_two_who_delete_at_once_the_second_finds_it_gone() -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            await town.add(text(0))
            told = await asyncio.gather(*(town.delete() for _ in range(4)), return_exceptions=True)
            assert [type(one) for one in told if one] == [NotFound] * 3
            assert town.held()[1].version == 2

    run(story())


@pytest.mark.parametrize(
    "wrong", [{"revoked": "true"}, {"confidence": 101}, {"name": 7}, {"type": 7}, {"created": []}]
)
def test_what_is_no_object_is_called_by_the_name_that_it_says(wrong: dict[str, Any]) -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            one = await Town(theatre).add(text(0, **wrong))
            assert (one.id, one.version) == (NAME, indicator(0)["modified"])
            assert one.message

    run(story())


@pytest.mark.parametrize("wrong", ["7", '{"id":7}', '{"id":', '{"modified":"yesterday"}'])
def test_what_says_no_name_has_none(wrong: str) -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            one = await Town(theatre).add(wrong)
            assert (one.id, one.version) == ("", "")
            assert one.message

    run(story())

"""Reports beyond a text: STIX objects, requests and answers, sightings, links, translations."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from detente.core.entry import EntryKind
from detente.core.release import Grade, Release
from detente.core.report import InformationRequest, Report, ReportState, Sighting, Translation
from detente.core.view import View
from detente.core.wire import decode, encode
from detente.errors import Conflict, MalformedInput, NotFound
from detente.node.wanted import Wanted
from nodes import hospital, run
from theatre import Theatre
from world import NOW

ALL = Release(members=Grade.FULL)
MALWARE = "malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"


def report(party: str = "one", name: str = "r", **parts: Any) -> Report:
    return Report(source_id=name, party=party, **{"title": "T", "text": "x", **parts})


def malware(**parts: Any) -> Report:
    stix = json.dumps({"type": "malware", "spec_version": "2.1", "id": MALWARE, **parts})
    state = ReportState.RETRACTED if parts.get("revoked") else ReportState.ISSUED
    return report(name=MALWARE, stix=stix, release=ALL, state=state)


def test_a_text_has_the_bytes_that_it_had_before_there_was_more() -> None:
    plain = report(observed=datetime(2026, 1, 1, tzinfo=UTC))
    assert encode(plain) == (
        b'{"observed":"2026-01-01T00:00:00Z","party":"one","source_id":"r",'
        b'"text":"x","title":"T","type":"report"}'
    )


def test_everything_that_a_report_may_hold_is_kept_to_the_byte() -> None:
    whole = report(
        language="ru", text="мост разрушен", stix='{"a" : 1.10}', original="0" * 64,
        translations=(Translation(language="en", text="bridge destroyed", translator="desk 4"),),
        request=InformationRequest(asks="Which bridge?", due=datetime(2026, 1, 2, tzinfo=UTC)),
        answers="1" * 32, sighting=Sighting(of="2" * 32, count=3), links=("3" * 32,),
    )  # fmt: skip
    assert decode(encode(whole)) == whole
    assert b'"stix":"{\\"a\\" : 1.10}"' in encode(whole)


@pytest.mark.parametrize(
    "parts",
    [
        {"language": "not a tag"},
        {"language": "e"},
        {"original": "a place"},
        {"request": {"asks": "x", "due": "2026-01-01T00:00:00"}},
        {"sighting": {"of": "1" * 32, "count": 0}},
        {"sighting": {"of": "1" * 32, "first": "2026-01-02T00:00:00Z",
                      "last": "2026-01-01T00:00:00Z"}},
        {"links": ["a notice"]},
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(parts: dict[str, Any]) -> None:
    raw = {**msgspec.to_builtins(report()), **parts}
    with pytest.raises(MalformedInput):
        decode(msgspec.json.encode(raw, order="sorted"))


def test_an_answer_names_a_request_that_its_author_was_shown() -> None:
    async def story() -> None:
        with Theatre() as town:
            asks = InformationRequest(asks="Is the bridge open?", due=town.now)
            asked = await town.say("one", report(request=asks, release=ALL))
            other = await town.say("one", report(name="no request", release=ALL))
            hidden = await town.say("one", report(name="hidden", request=asks))
            town.now += timedelta(days=1)  # Late, and taken all the same.
            answer = report("two", answers=asked.object_id)
            for wrong in (other.object_id, hidden.object_id, "0" * 32):
                error = await town.refused("two", msgspec.structs.replace(answer, answers=wrong))
                assert isinstance(error, NotFound)
            await town.say("two", answer)

    run(story())


def test_only_what_its_author_was_shown_is_linked_to_or_seen() -> None:
    async def story() -> None:
        with Theatre() as town:
            near = Release(members=Grade.AREA)
            shown = await town.say("one", hospital("H", 10, 50, party="one", release=near))
            hidden = await town.say("one", hospital("I", 11, 50, party="one"))
            for wrong in (hidden.object_id, "0" * 32):
                error = await town.refused("two", report("two", links=(wrong,)))
                assert isinstance(error, NotFound)
                error = await town.refused("two", report("two", sighting=Sighting(of=wrong)))
                assert isinstance(error, NotFound)
            made = await town.say(
                "two",
                report("two", links=(shown.object_id,), sighting=Sighting(of=shown.object_id)),
            )
            # A link passes nothing on; and a retraction is taken whatever became of it.
            hidden_again = hospital("H", 10, 50, party="one")
            await town.say("one", hidden_again, replacing=shown)
            await town.end("two", made)

    run(story())


@pytest.mark.parametrize("escaped", [True, False])
def test_words_of_a_stix_object_are_found_however_they_are_spelt(escaped: bool) -> None:
    said = {"description": "Café am Мост", "labels": ['one "two"'], "x": {"y": [7, "deep"]}}
    stix = json.dumps({"type": "malware", "id": MALWARE, **said}, ensure_ascii=escaped)
    view = View(
        object="0" * 32, kind=EntryKind.REPORT, version=1, sequence=0, token="", grade=Grade.FULL,
        party="one", value=report(name="r", stix=stix),
    )  # fmt: skip
    for text in ("CAFÉ", "мост", 'one "two"', "Deep", "malware"):
        assert Wanted(text=text).takes(view, NOW), text
    for text in ("description", "labels", "u00e9", "other"):
        assert not Wanted(text=text).takes(view, NOW), text


def test_a_stix_object_names_its_report_and_is_revoked_with_it() -> None:
    async def story() -> None:
        with Theatre() as town:
            misnamed = msgspec.structs.replace(malware(), source_id="mine")
            assert isinstance(await town.refused("one", misnamed), MalformedInput)
            twice = msgspec.structs.replace(malware(), stix=malware().stix[:-1] + ',"id":"x"}')
            assert isinstance(await town.refused("one", twice), MalformedInput)
            revoked = msgspec.structs.replace(malware(revoked=True), state=ReportState.ISSUED)
            assert isinstance(await town.refused("one", revoked), MalformedInput)
            said = await town.say("one", malware())
            over = await town.say("one", malware(revoked=True), replacing=said)
            assert isinstance(await town.refused("one", malware(), replacing=over), Conflict)

    run(story())

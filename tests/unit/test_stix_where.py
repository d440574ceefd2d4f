"""Reports are found by where and when their STIX objects say that they are."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from detente.core.entry import EntryKind
from detente.core.release import Grade, Release
from detente.core.report import Report
from detente.core.stix_where import LOCATED_AT, REFERENCES_MAX, Link, link, whereabouts
from detente.core.volume import RADIUS_MAX_MM, Circle
from detente.core.wire import read
from detente.node.reading import Reading
from detente.node.taxii.adding import Terms, give
from detente.node.wanted import Box, Wanted
from nodes import desk_of, run
from theatre import Theatre

TO_TWO = Release(parties={"two": Grade.FULL})
HERE = "location--11111111-1111-4111-8111-111111111111"
THERE = "location--22222222-2222-4222-8222-222222222222"
WHO = "identity--44444444-4444-4444-8444-444444444444"
LINK = "relationship--55555555-5555-4555-8555-555555555555"
HEAD = {"spec_version": "2.1", "created": "2026-01-01T00:00:00Z"}


AT = Circle(centre=(20_000_000, 10_000_000))


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def spelt(number: int) -> str:
    return f"2026-03-{number:02}T00:00:00.000Z"


def of(**parts: Any) -> Any:
    return whereabouts(json.dumps({"type": "x", "id": "x--1", **parts}))


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"latitude": 48.5, "longitude": -3.25}, Circle(centre=(-32_500_000, 485_000_000))),
        (
            {"latitude": 1, "longitude": 2, "precision": 12.0004},
            Circle(centre=(20_000_000, 10_000_000), radius_mm=12_001),
        ),
        # A precision that is none leaves the position; one beyond all measure the largest circle.
        ({"latitude": 1, "longitude": 2, "precision": -5}, AT),
        ({"latitude": 1, "longitude": 2, "precision": "5"}, AT),
        (
            {"latitude": 1, "longitude": 2, "precision": 10**400},
            Circle(centre=(20_000_000, 10_000_000), radius_mm=RADIUS_MAX_MM),
        ),
        ({"region": "western-africa", "country": "ML"}, None),
        ({"latitude": 1}, None),
        ({"latitude": 91, "longitude": 0}, None),
        ({"latitude": 0, "longitude": -181}, None),
        ({"latitude": True, "longitude": "0"}, None),
    ],
)  # fmt: skip
def test_a_position_with_its_precision_is_a_place(parts: Any, place: Circle | None) -> None:
    assert of(**parts).place == place


@pytest.mark.parametrize(
    ("parts", "span"),
    [
        ({}, None),
        ({"first_observed": spelt(1), "last_observed": spelt(2)}, (day(1), day(2))),
        ({"first_seen": spelt(1)}, (day(1), day(1))),
        ({"last_seen": spelt(2)}, (day(2), day(2))),
        ({"first_seen": spelt(3), "last_seen": spelt(2)}, (day(2), day(3))),
        ({"valid_from": spelt(1)}, (day(1), None)),
        ({"valid_from": spelt(1), "valid_until": spelt(4)}, (day(1), day(4))),
        ({"stop_time": spelt(4)}, (None, day(4))),
        ({"published": spelt(5)}, (day(5), day(5))),
        ({"published": "yesterday", "first_seen": 7}, None),
        ({"published": "0001-01-01T00:00:00Z"}, None),
        ({"published": "2026-03-05T00:00:00.0000001Z"}, (day(5), day(5))),
    ],
)
def test_what_was_seen_valid_or_published_is_of_then(parts: Any, span: Any) -> None:
    assert of(**parts).span == span


def test_references_are_to_locations_each_once() -> None:
    found = of(
        where_sighted_refs=[HERE, "identity--1", 7, HERE], object_refs={"not": "a list"},
        source_ref=HERE, target_ref=THERE,
    )  # fmt: skip
    assert found.references == (HERE, THERE)
    many = [f"location--{number}" for number in range(REFERENCES_MAX + 1)]
    assert len(of(object_refs=many).references) == REFERENCES_MAX


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3), max_leaves=5,
)  # fmt: skip
NAMES = (
    "latitude", "longitude", "precision", "first_seen", "last_seen", "valid_from", "valid_until",
    "published", "where_sighted_refs", "object_refs", "source_ref",
)  # fmt: skip


@given(parts=st.dictionaries(st.sampled_from(NAMES), anything))
def test_whatever_stands_there_is_a_place_and_time_or_none(parts: Any) -> None:
    parts = json.loads(json.dumps(parts).replace("Infinity", "1"))
    found = of(**parts)
    if found.place is not None:
        found.volume(found.place)


def relation(**parts: Any) -> dict[str, Any]:
    """That WHO is HERE."""
    return {
        "type": "relationship", "id": LINK, "relationship_type": LOCATED_AT, "source_ref": WHO,
        "target_ref": HERE, **parts,
    }  # fmt: skip


def test_a_relationship_says_where_its_source_is_and_when() -> None:
    assert link(json.dumps(relation())) == Link(source=WHO, target=HERE)
    found = link(json.dumps(relation(start_time=spelt(1), stop_time=spelt(2))))
    assert found == Link(source=WHO, target=HERE, span=(day(1), day(2)))
    for other in (
        {"relationship_type": "originates-from"}, {"type": "x-relationship"}, {"source_ref": None},
        {"target_ref": WHO}, {"target_ref": [HERE]},
    ):  # fmt: skip
        assert link(json.dumps(relation(**other))) is None


def test_what_is_located_is_there_when_the_relationship_says_or_else_when_it_is() -> None:
    place, seen = Circle(centre=(0, 0)), of(first_seen=spelt(1), last_seen=spelt(2))
    always = Link(source=WHO, target=HERE).volume(place, seen)
    then = Link(source=WHO, target=HERE, span=(day(4), None)).volume(place, seen)
    assert (always.footprint, always.start, always.end) == ((place,), day(1), day(2))
    assert (then.footprint, then.start, then.end) == ((place,), day(4), None)


def box(lon: float, lat: float, half: float = 0.1) -> Box:
    west, south, east, north = (
        round(one * 1e7) for one in (lon - half, lat - half, lon + half, lat + half)
    )
    return Box(west=west, south=south, east=east, north=north)


class Town:
    """Party one gives bundles, and readers search."""

    def __init__(self, theatre: Theatre) -> None:
        self.theatre = theatre
        self.reading = Reading(theatre.engine)

    async def give(
        self,
        *said: dict[str, Any],
        release: Release | None = TO_TWO,
        by: str = "one",
        spell: Callable[[str], str] = str,
    ) -> None:
        texts = [spell(json.dumps({**HEAD, "modified": HEAD["created"], **one})) for one in said]
        outcomes = await give(self.theatre.engine, desk_of(by), Terms(release=release), texts)
        assert [one.message for one in outcomes] == [""] * len(said)

    async def find(self, reader: str = "two", **wanted: Any) -> set[str]:
        """The types of what is found."""
        asked = Wanted(kinds=frozenset({EntryKind.REPORT}), **wanted)
        page = await self.reading.search(desk_of(reader), asked)
        values = [one.value for one in page.objects]
        return {one.source_id.partition("--")[0] for one in values if isinstance(one, Report)}


def location(name: str, lon: float, lat: float, **parts: Any) -> dict[str, Any]:
    return {"type": "location", "id": name, "latitude": lat, "longitude": lon, **parts}


def sighting(**parts: Any) -> dict[str, Any]:
    name = "sighting--33333333-3333-4333-8333-333333333333"
    return {"type": "sighting", "id": name, "sighting_of_ref": "indicator--1", **parts}


def test_what_a_bundle_says_of_place_and_time_is_found_by_it() -> None:
    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            await town.give(
                location(HERE, 10, 50, precision=30_000),
                sighting(first_seen=spelt(2), last_seen=spelt(3), where_sighted_refs=[HERE]),
            )
            at: dict[str, Any] = {"box": box(10, 50)}
            assert await town.find(**at) == {"location", "sighting"}
            # 30 km around: some 0.27 degrees of latitude.
            assert await town.find(box=box(10, 50.3)) == {"location", "sighting"}
            assert await town.find(box=box(10, 50.6)) == set()
            assert await town.find(**at, start=day(3), end=day(9)) == {"location", "sighting"}
            assert await town.find(**at, start=day(4), end=day(9)) == {"location"}
            # Without a box, what says no time is not found by one.
            assert await town.find(start=day(1), end=day(2)) == {"sighting"}
            assert await town.find(start=day(4)) == set()
            town.reading.close()

    run(story())


@pytest.mark.parametrize("release", [None, Release(parties={"two": Grade.AREA})])
def test_a_location_that_is_hidden_places_nothing_for_its_reader(release: Release | None) -> None:
    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            await town.give(location(HERE, 10, 50), release=release)
            await town.give(sighting(where_sighted_refs=[HERE]))
            assert await town.find(box=box(10, 50)) == set()
            assert await town.find("one", box=box(10, 50)) == {"location", "sighting"}
            assert await town.find("three", box=box(10, 50)) == set()
            town.reading.close()

    run(story())


def test_another_partys_location_of_the_same_name_and_one_taken_back_place_nothing() -> None:
    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            there = json.dumps({**HEAD, **location(HERE, 10, 50)})
            to_two = Terms(release=TO_TWO)
            await give(theatre.engine, desk_of("three"), to_two, [there])
            await town.give(sighting(where_sighted_refs=[HERE]))
            assert await town.find(box=box(10, 50)) == {"location"}
            own = location(HERE, 20, 50)
            await town.give(own)
            assert await town.find(box=box(20, 50)) == {"location", "sighting"}
            await town.give({**own, "modified": spelt(1), "revoked": True})
            assert await town.find(box=box(20, 50)) == set()
            town.reading.close()

    run(story())


def test_a_later_version_is_taken_and_found_where_it_is() -> None:
    """Nothing of it is written into the report, so that nothing counts as said natively."""

    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            first = location(HERE, 10, 50)
            await town.give(first)
            wider = Release(members=Grade.FULL)
            later = {**first, "longitude": 20, "modified": spelt(1)}
            await town.give(later, release=wider)
            assert await town.find("three", box=box(20, 50)) == {"location"}
            assert await town.find("three", box=box(10, 50)) == set()
            with theatre.engine.store.reading() as record:
                data = record.named(EntryKind.REPORT, "one", [HERE])[HERE].data
            value = read(data or b"")
            assert isinstance(value, Report)
            assert (value.volumes, value.observed) == ((), None)
            town.reading.close()

    run(story())


def test_what_was_said_natively_counts_beside_it() -> None:
    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            stix = json.dumps({**HEAD, **location(HERE, 10, 50)})
            report = Report(source_id=HERE, party="one", title="T", text="x", stix=stix)
            said = replace(report, observed=day(7), release=TO_TWO)
            await theatre.say("one", said)
            assert await town.find(box=box(10, 50), start=day(1), end=day(2)) == {"location"}
            assert await town.find(start=day(7), end=day(8)) == {"location"}
            town.reading.close()

    run(story())

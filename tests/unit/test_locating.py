"""What a `located-at` relationship locates is found by place, by whoever sees all of that."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from test_stix_where import (
    HERE,
    LINK,
    THERE,
    TO_TWO,
    WHO,
    Town,
    box,
    day,
    location,
    relation,
    spelt,
)

from detente.core.entry import EntryKind
from detente.core.principal import Scope
from detente.core.release import Grade, Release
from detente.core.stix_where import REFERENCES_MAX
from detente.node.erasing import Erase
from detente.node.reading import Reading
from detente.node.wanted import Wanted
from nodes import desk_of, run
from theatre import Theatre

AT_HERE: dict[str, Any] = {"box": box(10, 50)}
ERASER = replace(desk_of("one"), scopes=frozenset({Scope.ERASE}))
ALL = {"identity", "relationship", "location"}


def someone(name: str = WHO, **parts: Any) -> dict[str, Any]:
    return {"type": "identity", "id": name, "name": "Depot", **parts}


def numbered(kind: str, number: int) -> str:
    return f"{kind}--{number:08x}-0000-4000-8000-000000000000"


def test_what_is_located_is_found_there_then_and_no_more_once_that_is_taken_back() -> None:
    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            await town.give(someone(), location(HERE, 10, 50))
            assert await town.find(**AT_HERE) == {"location"}
            await town.give(relation(start_time=spelt(2), stop_time=spelt(3)))
            assert await town.find(**AT_HERE) == ALL
            assert await town.find(box=box(20, 50)) == set()
            assert await town.find(**AT_HERE, start=day(3), end=day(9)) == ALL
            # When it is at no time there, nobody knows but of the location itself.
            assert await town.find(**AT_HERE, start=day(4)) == {"location"}
            # It moves: the relationship's next version says where to.
            await town.give(location(THERE, 20, 50))
            await town.give(relation(target_ref=THERE, modified=spelt(4)))
            assert await town.find(**AT_HERE) == {"location"}
            assert await town.find(box=box(20, 50)) == ALL
            await town.give(relation(target_ref=THERE, modified=spelt(5), revoked=True))
            assert await town.find(box=box(20, 50)) == {"location"}
            town.reading.close()

    run(story())


@pytest.mark.parametrize("hidden", ["relationship", "location"])
@pytest.mark.parametrize("release", [None, Release(parties={"two": Grade.AREA})])
def test_what_its_reader_does_not_see_locates_nothing(hidden: str, release: Release | None) -> None:
    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            for one in (relation(), location(HERE, 10, 50)):
                await town.give(one, release=release if one["type"] == hidden else TO_TWO)
            await town.give(someone())
            assert await town.find(**AT_HERE) == ({"location"} - {hidden})
            assert await town.find("one", **AT_HERE) == ALL
            assert await town.find("three", **AT_HERE) == set()
            town.reading.close()

    run(story())


def test_another_partys_relationship_locates_nothing() -> None:
    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            await town.give(someone())
            await town.give(relation(), location(HERE, 10, 50), by="three")
            assert await town.find(**AT_HERE) == {"relationship", "location"}
            town.reading.close()

    run(story())


def test_letters_that_are_escaped_say_the_same() -> None:
    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            await town.give(someone(), location(HERE, 10, 50))
            await town.give(relation(), spell=lambda text: text.replace("-at", r"\u002dat"))
            assert await town.find(**AT_HERE) == ALL
            town.reading.close()

    run(story())


def test_what_is_erased_locates_nothing_and_leaves_no_name_behind() -> None:
    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            await town.give(someone(), relation(), location(HERE, 10, 50))
            assert await town.find(**AT_HERE) == ALL
            assert town.reading._locating._found
            with theatre.engine.store.reading() as record:
                object_id = record.named(EntryKind.REPORT, "one", [LINK])[LINK].object_id
            await town.give(relation(modified=spelt(1), revoked=True))
            await theatre.engine.act(Erase(ERASER, object_id, "an order"))
            assert await town.find(**AT_HERE) == {"location"}
            assert not town.reading._locating._found
            # Another process finds the same.
            town.reading.close()
            town.reading = Reading(theatre.engine)
            assert await town.find(**AT_HERE) == {"location"}
            town.reading.close()

    run(story())


def test_what_is_hidden_crowds_out_nothing() -> None:
    """More relationships than are counted, but those that are seen are found whatever was hidden"""

    async def story() -> None:
        with Theatre() as theatre:
            town = Town(theatre)
            many = [relation(id=numbered("relationship", one)) for one in range(REFERENCES_MAX + 1)]
            await town.give(*many, release=None)
            await town.give(someone(), relation(), location(HERE, 10, 50))
            assert await town.find(**AT_HERE) == ALL
            town.reading.close()

    run(story())


secrets = st.lists(
    st.tuples(
        st.sampled_from([relation, location]),
        st.integers(0, 2),
        st.integers(0, 1),
        st.sampled_from([10, 20]),
    ),
    max_size=6,
)


@given(hidden=secrets, other=secrets, shown=secrets)
@settings(max_examples=25, deadline=None)
def test_what_was_not_released_changes_nothing_of_what_is_found(
    hidden: Any, other: Any, shown: Any
) -> None:
    """Two worlds whose secrets differ: the same objects in the same order, box by box."""

    def told(secret: Any) -> list[list[str]]:
        async def story() -> list[list[str]]:
            with Theatre() as theatre:
                town = Town(theatre)
                for part, release, first in ((secret, None, 100), (shown, TO_TWO, 0)):
                    said = [
                        saying(make, place, who, lon, first + n)
                        for n, (make, place, who, lon) in enumerate(part)
                    ]
                    await town.give(*said, release=release)
                await town.give(*(someone(numbered("identity", one)) for one in range(2)))
                pages = [await names(town, lon) for lon in (10, 20)]
                town.reading.close()
                return pages

        return run(story())

    assert told(hidden) == told(other)


def saying(make: Callable[..., Any], place: int, who: int, lon: int, number: int) -> Any:
    """A relationship or a location; those of the hidden world and of the shown one meet."""
    if make is location:
        # A name is a party's own: what is shown of another name cannot be this.
        return location(numbered("location", place + number * 16), lon, 50)
    at, whose = numbered("location", place + 16 * (number % 100)), numbered("identity", who)
    return relation(id=numbered("relationship", number), source_ref=whose, target_ref=at)


async def names(town: Town, lon: int) -> list[str]:
    asked = Wanted(kinds=frozenset({EntryKind.REPORT}), box=box(lon, 50))
    page = await town.reading.search(desk_of("two"), asked)
    return [json.loads(getattr(one.value, "stix", "{}"))["id"] for one in page.objects]

"""Disclosures (R-08): once for each party and entry, before the bytes go out."""

import asyncio
from collections import Counter

import pytest

from detente.core.entry import EntryKind
from detente.core.release import Grade, Release
from detente.core.telling import Delivery
from detente.core.view import View
from detente.core.wire import read
from detente.errors import Unavailable
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.submit import Receipt
from detente.node.telling import disclosures
from detente.node.telling.disclosures import Disclosures, disclose, shown_in
from detente.store import Place
from nodes import at_work, desk_of, hospital, run, say

TWO, THREE = desk_of("two"), desk_of("three")


def view(receipt: Receipt, grade: Grade = Grade.FULL, **parts: object) -> View:
    return View(
        object=receipt.object_id, kind=parts.get("kind", EntryKind.NOTICE),  # type: ignore[arg-type]
        version=1, sequence=receipt.sequence, token="", grade=grade,
        party=parts.get("party", "one"),  # type: ignore[arg-type]
    )  # fmt: skip


def said(engine: Engine) -> list[Delivery]:
    """All deliveries on the record."""
    with engine.store.reading() as record:
        values = [read(one.data) for one in record.objects(EntryKind.DELIVERY) if one.data]
    return [value for value in values if isinstance(value, Delivery)]


async def notices(engine: Engine, count: int) -> list[Receipt]:
    release = Release(parties={"two": Grade.FULL})
    return [
        await say(engine, "one", hospital(f"h{n}", n, 1, release=release)) for n in range(count)
    ]


def test_a_party_is_said_to_have_been_shown_an_entry_once(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            receipts = await notices(engine, 3)
            for _ in range(3):
                await disclose(engine, TWO, [view(one) for one in receipts])
            [delivery] = said(engine)
            assert (delivery.to, delivery.how, delivery.grade) == ("two", "read", Grade.FULL)
            assert delivery.entries == tuple(one.leaf for one in receipts)
            size = engine.world.sequence
            # Another process has not remembered it; the store has.
            await Disclosures(engine).record("two", {receipts[0].sequence: 2}, "poll")
            assert engine.world.sequence == size

    run(story())


def test_more_of_an_entry_is_a_disclosure_of_its_own_and_less_is_none(
    place: Place, keyring: Keyring
) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            [receipt] = await notices(engine, 1)
            for grade in (Grade.AREA, Grade.AREA, Grade.FULL, Grade.AREA, Grade.FULL):
                await disclose(engine, TWO, [view(receipt, grade)])
            assert [one.grade for one in said(engine)] == [Grade.AREA, Grade.FULL]

    run(story())


def test_what_shows_nothing_new_is_no_disclosure() -> None:
    one = Receipt(sequence=7, leaf="", object_id="0" * 32, version=1, size=8, root="", token="")
    assert shown_in("two", [view(one)]) == {7: 2}
    assert shown_in("two", [view(one, Grade.AREA), view(one)]) == {7: 2}
    assert shown_in("two", [view(one, party="two")]) == {}
    assert shown_in("two", [view(one, Grade.CONTACT)]) == {}
    assert shown_in("two", [view(one, kind=EntryKind.DELIVERY, party="node")]) == {}


def test_many_requests_at_once_say_it_once(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            receipts = await notices(engine, 5)
            views = [view(one) for one in receipts]
            await asyncio.gather(*(disclose(engine, TWO, views) for _ in range(20)))
            leaves = Counter(leaf for one in said(engine) for leaf in one.entries)
            assert set(leaves.values()) == {1}
            assert len(leaves) == 5

    run(story())


def test_two_processes_at_once_say_it_once(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as first, at_work(place, keyring) as second:
            receipts = await notices(first, 5)
            views = [view(one) for one in receipts]
            await asyncio.gather(
                *(disclose(engine, TWO, views) for _ in range(5) for engine in (first, second))
            )
            leaves = Counter(leaf for one in said(first) for leaf in one.entries)
            assert set(leaves.values()) == {1}
            assert len(leaves) == 5

    run(story())


def test_a_long_list_is_several_deliveries_and_memory_has_a_limit(
    place: Place, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disclosures, "ENTRIES_MAX", 4)
    monkeypatch.setattr(disclosures, "AT_ONCE_MAX", 6)
    monkeypatch.setattr(disclosures, "REMEMBERED_MAX", 3)

    async def story() -> None:
        async with at_work(place, keyring) as engine:
            receipts = await notices(engine, 10)
            views = [view(one) for one in receipts]
            await disclose(engine, TWO, views)
            assert [len(one.entries) for one in said(engine)] == [4, 2, 4]
            await disclose(engine, TWO, views)
            assert len(said(engine)) == 3
            remembered = disclosures.disclosures_of(engine)._remembered
            assert {party: len(one) for party, one in remembered.items()} == {"two": 3}
            # Whoever was shown nothing for longest is asked of the store again.
            await disclose(engine, THREE, views[:2])
            assert {party: len(one) for party, one in remembered.items()} == {"three": 2}
            await disclose(engine, TWO, views)
            assert len([one for one in said(engine) if one.to == "two"]) == 3

    run(story())


def test_what_cannot_be_recorded_is_not_shown(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            [receipt] = await notices(engine, 1)
            engine.stop()
            with pytest.raises(Unavailable):
                await disclose(engine, TWO, [view(receipt)])
            assert said(engine) == []

    run(story())


@pytest.mark.parametrize("left_out", [(), (3,), (1, 2, 3, 4, 5, 6, 7)])
def test_what_was_shown_is_looked_up_at_once_and_nothing_else_with_it(
    place: Place, keyring: Keyring, left_out: tuple[int, ...]
) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            receipts = await notices(engine, 12)
            shown = [one for at, one in enumerate(receipts) if at not in left_out]
            await disclose(engine, TWO, [view(one) for one in reversed(shown)])
            wanted = [one.sequence for one in receipts if one is not receipts[0]]
            with engine.store.reading() as record:
                assert record.extents("two", wanted) == {
                    one.sequence: 2 for one in shown if one is not receipts[0]
                }
                assert record.extents("one", wanted) == {}
                assert record.leaves([one.sequence for one in shown]) == {
                    one.sequence: bytes.fromhex(one.leaf) for one in shown
                }
            # In the order of the record, whatever the order in which they were shown.
            assert [one for part in said(engine) for one in part.entries] == [
                one.leaf for one in shown
            ]

    run(story())

"""The lease: one holder at a time, and none for ever."""

import asyncio

import pytest

from detente.node.keyring import Keyring
from detente.node.telling.cursors import Held, Move
from detente.node.telling.lease import LOST_AFTER_S, Lease
from detente.store import Cursor, Place
from nodes import at_work, run

SHORT_S = 1.5
"""A holder on a busy machine still says in time that it lives."""


def test_one_holds_it_and_another_takes_it_when_the_first_falls_silent(
    place: Place, keyring: Keyring
) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as one, at_work(place, keyring) as two:
            first = Lease(one, "l", lost_after_s=SHORT_S)
            second = Lease(two, "l", lost_after_s=SHORT_S)
            await first.take()
            keeping = asyncio.create_task(first.keep())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(second.take(), SHORT_S * 2)
            assert [first.held, second.held] == [True, False]
            keeping.cancel()
            await asyncio.wait_for(second.take(), 30)
            assert [second.held, first.held] == [True, False], (
                "by its own clock it ended before another could take it"
            )

    run(story())


def test_given_back_it_is_free_at_once(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as one, at_work(place, keyring) as two:
            first, second = Lease(one, "l"), Lease(two, "l")
            await first.take()
            await first.give_back()
            assert not first.held
            await asyncio.wait_for(second.take(), LOST_AFTER_S / 2)
            assert second.held

    run(story())


def test_of_many_that_want_it_one_gets_it(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            leases = [Lease(engine, "l") for _ in range(8)]
            taken = await asyncio.gather(*(one._renew() for one in leases))
            assert sum(taken) == 1
            assert [one.held for one in leases] == taken

    run(story())


def test_whoever_lost_it_moves_no_cursor(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            first, second = Lease(engine, "l", lost_after_s=SHORT_S), Lease(engine, "l")
            await first.take()
            held = Held("l", first.holder)
            moved: bool = await engine.act(Move(held, {"a": Cursor(sequence=1)}))
            assert moved
            await first.give_back()
            await second.take()
            moved = await engine.act(Move(held, {"a": Cursor(sequence=2)}, ["a"]))
            assert not moved
            with engine.store.reading() as record:
                assert record.cursors() == {"a": Cursor(sequence=1)}

    run(story())

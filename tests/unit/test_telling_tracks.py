"""Tracks that are shown (R-08): on record before, once an hour for each feed and reader."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind
from detente.core.party import Party
from detente.core.telling import Delivery, Outcome, TracksOf
from detente.core.view import Item, Reader
from detente.core.wire import decode, encode, read
from detente.errors import MalformedInput, Unavailable
from detente.node.audit import audit
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.telling.tracks import disclose_tracks
from detente.store import Place
from nodes import at_work, run

HOUR = datetime(2026, 11, 28, 10, tzinfo=UTC)
ROOF, SHIP = ("one", "roof"), ("one", "ship")


def said(engine: Engine) -> list[Delivery]:
    """All deliveries on the record, in order."""
    with engine.store.reading() as record:
        values = [read(one.data) for one in record.objects(EntryKind.DELIVERY) if one.data]
    return [value for value in values if isinstance(value, Delivery)]


def feeds(engine: Engine) -> list[tuple[str, str, datetime]]:
    return [(one.to, one.tracks.feed, one.tracks.hour) for one in said(engine) if one.tracks]


def test_a_full_hour_costs_an_entry_a_feed_and_reader(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            now = [HOUR]
            engine.clock = lambda: now[0]
            size = engine.world.sequence
            for second in range(3_600):
                now[0] = HOUR + timedelta(seconds=second)
                await disclose_tracks(engine, "two", [ROOF], "stream")
            assert engine.world.sequence == size + 1
            await disclose_tracks(engine, "two", [ROOF, SHIP], "read")
            now[0] = HOUR + timedelta(hours=1)
            await disclose_tracks(engine, "two", [ROOF], "read")
            assert feeds(engine) == [
                ("two", "roof", HOUR), ("two", "ship", HOUR),
                ("two", "roof", HOUR + timedelta(hours=1)),
            ]  # fmt: skip
            first = said(engine)[0]
            assert (first.how, first.entries, first.outcome) == (
                "stream", (), Outcome.DELIVERED,
            )  # fmt: skip
            # Its own feeds disclose nothing to a party, and the node nothing to itself.
            size = engine.world.sequence
            await disclose_tracks(engine, "one", [ROOF], "read")
            await disclose_tracks(engine, "node", [ROOF], "read")
            assert engine.world.sequence == size
            assert audit(engine.store).problems == []

    run(story())


def test_two_processes_and_many_requests_say_it_once(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as first, at_work(place, keyring) as second:
            for engine in (first, second):
                engine.clock = lambda: HOUR
            await asyncio.gather(
                *(
                    disclose_tracks(engine, "two", [ROOF, SHIP], "read")
                    for _ in range(10)
                    for engine in (first, second)
                )
            )
            assert sorted(feeds(first)) == [("two", "roof", HOUR), ("two", "ship", HOUR)]

    run(story())


def test_what_cannot_be_recorded_is_not_shown(place: Place, keyring: Keyring) -> None:
    async def story() -> None:
        async with at_work(place, keyring) as engine:
            engine.stop()
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await disclose_tracks(engine, "two", [ROOF], "read")

    run(story())


def test_who_tells_and_who_is_told_learn_of_it_and_nobody_else() -> None:
    tracks = TracksOf(party="one", feed="roof", hour=HOUR)
    value = Delivery(source_id="d", to="two", how="read", outcome=Outcome.DELIVERED, tracks=tracks)
    assert decode(encode(value)) == value
    item = Item(
        value=value, party="node", object_id="0" * 32, version=1, sequence=7, token="",
        concerned=frozenset(), authors={},
    )  # fmt: skip

    def seen_by(party: str) -> object:
        parties = {one: Party(id=one, name=one) for one in ("one", "two", "three")}
        reader = Reader(
            party=party, agreement=Agreement(name="t"), parties=parties, grants={}, now=HOUR
        )
        view = reader.cut(item)
        return None if view is None else view.value

    assert [seen_by(party) for party in ("one", "two", "three")] == [value, value, None]


def test_a_delivery_is_of_entries_or_of_tracks() -> None:
    tracks = TracksOf(party="one", feed="roof", hour=HOUR)
    for also in ({}, {"entries": ("0" * 64,), "tracks": tracks}):
        with pytest.raises(MalformedInput, match="entries, or tracks"):
            Delivery(source_id="d", to="two", how="read", outcome=Outcome.DELIVERED, **also)  # type: ignore[arg-type] # of Delivery
    with pytest.raises(MalformedInput, match="a full one"):
        TracksOf(party="one", feed="roof", hour=HOUR + timedelta(minutes=1))

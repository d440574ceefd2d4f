"""Whoever presses for help on a device calls on the hotline, once, until it is taken back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from detente.core.incident import Act, Code, Incident, IncidentStep, Line
from detente.core.principal import Method, Principal, Role, Scope, scopes_of
from detente.core.volume import Circle
from detente.core.wire import read
from detente.errors import Conflict, DetenteError, NotFound, NotPermitted, Unavailable
from detente.node.hotline import pressing
from detente.node.hotline.pressing import AGAIN_AFTER, Press, Pressing
from nodes import run
from theatre import Theatre

TABLET = Principal(
    party="one", method=Method.CLIENT, subject="alpha-7", scopes=scopes_of({Role.WATCH})
)
OTHER = Principal(party="two", method=Method.CLIENT, subject="b", scopes=scopes_of({Role.WATCH}))
PLACE = Circle(centre=(420_000_000, 360_000_000), radius_mm=15_000)


def press(uid: str = "A:1-9-1-1") -> Press:
    return Press(uid=uid, place=PLACE, words="Alpha: 911 Alert, pressed on a tablet")


class Pressed:
    """What is pressed in a theatre, and what the record says of it."""

    def __init__(self, town: Theatre) -> None:
        self.town = town
        self.refused: list[str] = []
        self.pressing = Pressing(town.engine, "cot", self._refuse)

    def _refuse(self, principal: Principal, error: DetenteError) -> None:
        self.refused.append(f"{principal.subject}: {error.code}")

    async def settled(self) -> list[Line]:
        """All calls, once what is under way is there."""
        await self.pressing.stop()
        return list(self.town.engine.world.shown.lines.values())

    def said(self, line: Line) -> Incident:
        with self.town.engine.store.reading() as record:
            data = record.identified([line.incident])[line.incident].data
        assert data is not None
        value = read(data)
        assert isinstance(value, Incident)
        return value


def test_a_press_is_one_call_however_often_it_is_heard() -> None:
    async def story() -> None:
        with Theatre() as town:
            one = Pressed(town)
            for _ in range(3):
                one.pressing.press(TABLET, press())
            [line] = await one.settled()
            for _ in range(3):
                town.now += AGAIN_AFTER * 2
                one.pressing.press(TABLET, press())
            assert await one.settled() == [line], "it is open: whoever is called hears no second"
            value = one.said(line)
            assert (value.party, value.code) == ("one", Code.MOVEMENT_IN_DISTRESS)
            assert value.volumes[0].footprint == (PLACE,)
            assert value.words == "Alpha: 911 Alert, pressed on a tablet"
            assert line.called == {"two", "three"}, "nobody is near: all members are called"
            one.pressing.press(TABLET, press("B-9-1-1"))
            one.pressing.press(OTHER, press())
            assert sorted(each.party for each in await one.settled()) == ["one", "one", "two"]
            assert one.refused == []

    run(story())


def test_what_is_taken_back_is_closed_and_the_next_press_calls_again() -> None:
    async def story() -> None:
        with Theatre() as town:
            one = Pressed(town)
            one.pressing.press(TABLET, press())
            one.pressing.take_back(TABLET, press().uid)  # Before the call itself is there.
            [line] = await one.settled()
            assert line.is_closed
            for tablet in (TABLET, OTHER):
                with pytest.raises(NotFound, match="one that this device made"):
                    one.pressing.take_back(tablet, press().uid)
            town.now += timedelta(seconds=1)
            one.pressing.press(TABLET, press())
            found = await one.settled()
            assert sorted(each.is_closed for each in found) == [False, True]
            with pytest.raises(NotFound):
                one.pressing.take_back(OTHER, press().uid)

    run(story())


def test_what_a_desk_closed_is_no_new_call_while_the_device_goes_on() -> None:
    async def story() -> None:
        with Theatre() as town:
            one = Pressed(town)
            one.pressing.press(TABLET, press())
            [line] = await one.settled()
            closed = IncidentStep(
                source_id="c", party="one", incident=line.incident, act=Act.CLOSED
            )
            await town.say("one", closed)
            for _ in range(20):
                town.now += timedelta(seconds=60)
                one.pressing.press(TABLET, press())
            assert len(await one.settled()) == 1
            town.now += AGAIN_AFTER + timedelta(seconds=1)
            one.pressing.press(TABLET, press())
            assert len(await one.settled()) == 2, "it was silent: somebody pressed again"

    run(story())


def test_a_process_that_starts_knows_what_is_open() -> None:
    async def story() -> None:
        with Theatre() as town:
            one = Pressed(town)
            one.pressing.press(TABLET, press())
            one.pressing.press(TABLET, press("closed"))
            await one.settled()
            one.pressing.take_back(TABLET, "closed")
            assert len(await one.settled()) == 2
            other = Pressed(town)
            await other.pressing.recall()
            other.pressing.press(TABLET, press())
            assert len(await other.settled()) == 2
            other.pressing.take_back(TABLET, press().uid)
            assert all(line.is_closed for line in await other.settled())
            third = Pressed(town)
            await third.pressing.recall()
            town.now += timedelta(seconds=1)
            third.pressing.press(TABLET, press())
            assert len(await third.settled()) == 3

    run(story())


def test_what_cannot_be_recorded_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        with Theatre() as town:
            one, tries = Pressed(town), 0
            act = town.engine.act

            at_last = asyncio.Event()

            async def broken(command: Any) -> Any:
                nonlocal tries
                tries += 1
                if tries < 4:
                    raise Unavailable("register")
                at_last.set()
                return await act(command)

            monkeypatch.setattr(pressing, "RETRY_S", 0.001)
            monkeypatch.setattr(town.engine, "act", broken)
            one.pressing.press(TABLET, press())
            await at_last.wait()
            assert len(await one.settled()) == 1
            assert one.refused == []

    run(story())


def test_what_the_record_refuses_is_told_and_the_next_that_is_heard_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        with Theatre() as town:
            one, act = Pressed(town), town.engine.act

            async def full(_: Any) -> Any:
                raise Conflict("incident", expected="at most 100 open of a party: close one")

            monkeypatch.setattr(town.engine, "act", full)
            one.pressing.press(TABLET, press())
            assert await one.settled() == []
            assert one.refused == ["alpha-7: conflict"]
            monkeypatch.setattr(town.engine, "act", act)
            one.pressing.press(TABLET, press())
            assert len(await one.settled()) == 1

    run(story())


def test_who_may_not_call_does_not() -> None:
    async def story() -> None:
        with Theatre() as town:
            one = Pressed(town)
            plain = Principal(
                party="one", method=Method.CLIENT, subject="plain",
                scopes=frozenset({Scope.READ, Scope.WRITE_PRESENCE}),
            )  # fmt: skip
            with pytest.raises(NotPermitted, match=r"detente\.call"):
                one.pressing.press(plain, press())
            with pytest.raises(NotPermitted, match=r"detente\.call"):
                one.pressing.take_back(plain, press().uid)
            assert await one.settled() == []

    run(story())

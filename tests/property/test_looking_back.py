"""Looking back shows what a party had been shown by then, and may still see (R-02, R-08).

A story of notices that come, change, are taken back, end and are erased, told beside it by a
plain list of what the reader was shown; then each of its times is looked at again.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.core.entry import EntryKind
from detente.core.notice import Notice
from detente.core.plan import Plan, PlanState
from detente.core.release import Grade, Release
from detente.core.view import View
from detente.core.volume import Circle, Volume
from detente.errors import Conflict, MalformedInput, NotFound
from detente.node import looking_back
from detente.node.clusters import Tile, TileSight, look
from detente.node.erasing import Erase
from detente.node.layers import Layers, Sight
from detente.node.looking_back import Frames, seeing
from detente.node.telling.disclosures import disclose_tile
from nodes import desk_of, run
from theatre import Theatre

if TYPE_CHECKING:
    from detente.node.submit import Receipt

WORLD = Tile(0, 0, 0)
KINDS = (EntryKind.NOTICE, EntryKind.PLAN)
TWO = desk_of("two")
ACTS = ("say", "say", "say", "change", "look", "look", "end", "erase")


class Said(NamedTuple):
    """A version, from when until when it stood, and since when two knew of it."""

    object_id: str
    name: str
    since: datetime
    release: Grade | None


class Story:
    """What happens to a few notices, and what two is shown of them."""

    def __init__(self, town: Theatre) -> None:
        self.town = town
        self.layers = Layers(town.engine)
        self.frames = Frames(town.engine)
        self.versions: dict[str, list[Said]] = {}
        self.ended: dict[str, datetime] = {}
        self.receipts: dict[str, Receipt] = {}
        self.erased: set[str] = set()
        self.told: dict[tuple[str, str], datetime] = {}
        self.number = 0

    async def see(self, *, as_of: datetime | None, at: datetime | None = None) -> TileSight:
        see = seeing(self.frames, as_of=as_of, at=at)
        found = await self.layers.look(TWO, lambda sight: look(sight, WORLD, KINDS), see)
        await disclose_tile(self.town.engine, TWO, found.shown)
        return found

    async def alone(self, object_id: str, then: datetime) -> View | None:
        """One object as of a time; None where there is none."""
        see = seeing(self.frames, as_of=then, at=None, only=object_id)

        def find(sight: Sight) -> View:
            return sight.one(EntryKind.NOTICE, object_id).view

        try:
            return await self.layers.look(TWO, find, see)
        except NotFound:
            return None

    async def act(self, act: str, place: int, release: Grade | None) -> None:
        self.number += 1
        standing = sorted(set(self.versions) - set(self.ended))
        if act == "look":
            for item in (await self.see(as_of=None)).items:
                last = self.versions[item.view.object][-1]
                self.told.setdefault((last.object_id, last.name), self.town.now)
        elif act == "say":
            await self.say(None, release)
        elif act == "change" and standing:
            await self.say(standing[place % len(standing)], release)
        elif act == "end" and standing:
            name = standing[place % len(standing)]
            await self.town.end("one", self.receipts[name])
            self.ended[name] = self.town.now
        elif act == "erase" and set(self.ended) - self.erased:
            name = min(set(self.ended) - self.erased)
            await self.town.engine.act(Erase(desk_of("one"), name, "a court"))
            self.erased.add(name)

    async def say(self, object_id: str | None, release: Grade | None) -> None:
        place = Circle(centre=(100_000_000, 500_000_000), radius_mm=100_000)
        name = f"version {self.number}"
        replacing = None if object_id is None else self.receipts[object_id]
        value = Notice(
            source_id=name if object_id is None else self.versions[object_id][0].name,
            name=name, category="medical", party="one", volumes=(Volume(footprint=(place,)),),
            release=None if release is None else Release(members=release),
        )  # fmt: skip
        receipt = await self.town.say("one", value, replacing=replacing)
        self.receipts[receipt.object_id] = receipt
        said = Said(receipt.object_id, name, self.town.now, release)
        self.versions.setdefault(receipt.object_id, []).append(said)

    def expected(self, then: datetime) -> set[str]:
        """Names of what two had been shown by a time, and may still see."""
        out = set()
        for object_id, versions in self.versions.items():
            stood = [one for one in versions if one.since <= then]
            over = self.ended.get(object_id)
            if not stood or object_id in self.erased or (over is not None and over <= then):
                continue
            told = self.told.get((object_id, stood[-1].name))
            if told is not None and told <= then and versions[-1].release is not None:
                out.add(object_id)
        return out


steps = st.lists(
    st.tuples(
        st.sampled_from(ACTS),
        st.integers(0, 9),
        st.sampled_from([Grade.FULL, Grade.AREA, None]),
        st.sampled_from([1, 20]),
    ),
    min_size=4,
    max_size=14,
)


@given(script=steps)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_was_shown_by_then_is_what_is_looked_back_at(
    script: list[tuple[str, int, Grade | None, int]],
) -> None:
    async def story() -> None:
        with Theatre() as town:
            told = Story(town)
            times = []
            for act, place, release, seconds in script:
                town.now += timedelta(seconds=seconds)
                await told.act(act, place, release)
                times.append(town.now)
                # What is kept of a time before must follow what changes after.
                await told.see(as_of=times[0])
            town.now += timedelta(seconds=1)
            for then in times:
                found = (await told.see(as_of=then)).items
                assert {one.view.object for one in found} == told.expected(then), then
                for object_id in told.versions:
                    alone = await told.alone(object_id, then)
                    same = {one.view.object: one.view for one in found}.get(object_id)
                    assert alone == same
            told.layers.close()

    run(story())


def test_what_was_shown_in_full_is_no_more_than_an_area_where_its_author_says_so_now() -> None:
    async def story() -> None:
        with Theatre() as town:
            told = Story(town)
            await told.act("say", 0, Grade.FULL)
            town.now += timedelta(seconds=1)
            await told.act("look", 0, None)
            then = town.now
            [before] = (await told.see(as_of=then)).items
            assert before.view.grade is Grade.FULL
            town.now += timedelta(minutes=1)
            await told.act("change", 0, Grade.AREA)
            [after] = (await told.see(as_of=then)).items
            assert (after.view.grade, after.view.version) == (Grade.AREA, 1)
            assert after.view.value is None
            told.layers.close()

    run(story())


def test_of_a_time_only_what_is_there_is_shown() -> None:
    """A movement's legs and a plan's windows, of an area by the whole hours that are told."""

    async def story() -> None:
        with Theatre() as town:
            told = Story(town)
            start = town.now.replace(minute=20, second=0, microsecond=0) + timedelta(days=1)
            hour = timedelta(hours=1)
            legs = tuple(
                Volume(footprint=(Circle(centre=(lon, 0), radius_mm=1_000),),
                       start=start + n * hour, end=start + (n + 1) * hour - timedelta(minutes=10))
                for n, lon in enumerate((100_000_000, 200_000_000))
            )  # fmt: skip
            convoy = Notice(source_id="c", name="Convoy", category="convoy", volumes=legs,
                            kind="movement", release=Release(members=Grade.FULL))  # type: ignore[arg-type] # fmt: skip
            await town.say("one", convoy)
            coarse = Plan(source_id="p", volumes=legs[:1], state=PlanState.ACCEPTED,
                          release=Release(members=Grade.AREA))  # fmt: skip
            await town.aware("three", coarse)

            async def there(minutes: int) -> list[tuple[str, int]]:
                at = start + timedelta(minutes=minutes)
                found = (await told.see(as_of=None, at=at)).items
                for one in found:
                    assert not one.drawing().is_empty
                return [(one.view.kind.value, len(one.volumes())) for one in found]

            assert await there(0) == [("notice", 1), ("plan", 1)]
            assert await there(-1) == [("plan", 1)]  # Told from 00 to 00 of the hour.
            assert await there(-20) == [("plan", 1)]
            assert await there(-21) == []
            assert await there(55) == [("plan", 1)]
            assert await there(60) == [("notice", 1), ("plan", 1)]
            assert await there(101) == [("notice", 1)]
            assert await there(111) == []
            told.layers.close()

    run(story())


def test_a_time_to_come_and_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        with Theatre() as town:
            told = Story(town)
            for _ in range(3):
                await told.act("say", 0, Grade.FULL)
            await told.act("look", 0, None)
            with pytest.raises(MalformedInput, match="a time that has been"):
                await told.see(as_of=town.now + timedelta(seconds=1))
            monkeypatch.setattr(looking_back, "OBJECTS_MAX", 2)
            with pytest.raises(Conflict, match="at most 2 objects"):
                await told.see(as_of=town.now)
            told.layers.close()

    run(story())


def test_a_crowd_of_then_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        with Theatre() as town:
            told = Story(town)
            for _ in range(3):
                await told.act("say", 0, Grade.FULL)
            await told.act("look", 0, None)
            monkeypatch.setattr("detente.node.clusters.SINGLE_MAX", 2)
            found = await told.see(as_of=town.now)
            assert [one.number for one in found.clusters] == [3]
            assert found.items == ()
            told.layers.close()

    run(story())

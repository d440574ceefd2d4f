"""What tablets are sent of alerts: one event each, however alike two of them look."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from detente.core.release import Grade, Release
from detente.core.watch import Observed
from detente.doors.cot.warnings import Warnings
from detente.node.alerted import Alerting
from detente.node.feeding import Feeding
from detente.node.seen import LiveTracks, Seen
from detente.node.watching import Watching
from nodes import desk_of, hospital, run
from theatre import Theatre

NEAR = (100_000_000, 499_000_000)
AT_CONTACT = Release(members=Grade.CONTACT)


class Watch:
    """The watch of a register, and what the tablets of one party are sent of it."""

    def __init__(self, town: Theatre, party: str) -> None:
        self._town = town
        self._tracks = LiveTracks()
        self._watching = Watching()
        alerting = Alerting(self._tracks, Feeding(self._tracks), self._watching)
        service: Any = SimpleNamespace(engine=town.engine, alerting=alerting)
        self.warnings = Warnings(service, desk_of(party))

    def hear(self, name: str) -> None:
        observed = Observed(
            track=name, time=self._town.now, position=NEAR, accuracy_mm=100_000, drift_mm_s=5_000,
            speed_mm_s=100_000, course_mdeg=0,
        )  # fmt: skip
        self._tracks.put([Seen(party="one", feed="roof", observed=observed, release=None)])

    def lose(self, name: str) -> None:
        self._tracks.drop(("one", "roof", name))

    async def look(self) -> list[str]:
        """The uids of what is sent."""
        now = self._town.now
        self._watching.look(self._town.engine.world.shown.protected, self._tracks.latest(), now)
        sent = await self.warnings.look(lambda _: (100_000_000, 500_000_000), now)
        return [one.out.uid for one in sent]

    @property
    def standing(self) -> list[str]:
        return [one.out.uid for one in self.warnings.standing]


async def clinic(town: Theatre, name: str, release: Release | None) -> str:
    place = hospital(name, 10, 50, standoff_mm=2_000_000, release=release)
    return (await town.say("two", place)).object_id


def test_two_entries_of_which_only_the_desk_is_told_are_two_events() -> None:
    async def story() -> None:
        with Theatre() as town:
            await clinic(town, "A", AT_CONTACT)
            await clinic(town, "B", AT_CONTACT)
            watch = Watch(town, "one")
            watch.hear("abc")
            sent = await watch.look()
            assert len(set(sent)) == 2
            assert set(watch.standing) == set(sent)
            town.now += timedelta(seconds=1)
            assert await watch.look() == [], "nothing is new"

    run(story())


def test_two_tracks_that_are_not_shown_are_two_events_and_each_ends_by_itself() -> None:
    async def story() -> None:
        with Theatre() as town:
            await clinic(town, "A", None)
            watch = Watch(town, "two")
            watch.hear("abc")
            watch.hear("def")
            first = await watch.look()
            assert len(set(first)) == 2
            watch.lose("abc")
            town.now += timedelta(seconds=1)
            [over] = await watch.look()
            [left] = watch.standing
            assert {over.removesuffix(".over"), left} == set(first)

    run(story())

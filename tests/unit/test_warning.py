"""Alerts on the record: who is told what, in which entry, and what survives a restart."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey
from test_watching import PARTIES, RELEASES, known, reader, seen

from detente.core.alerts import Level
from detente.core.entry import EntryKind
from detente.core.ledger import NODE
from detente.core.release import Grade, Release
from detente.core.telling import Acknowledgement
from detente.core.telling import Level as Taken
from detente.core.volume import EPOCH
from detente.core.warned import TrackTold, Warned, WarnedState
from detente.core.watch import Observed
from detente.core.wire import encode, read
from detente.errors import MalformedInput, NotFound
from detente.node import warning
from detente.node.alerted import Alerting, grouped
from detente.node.asking import reader_of
from detente.node.feeding import Feed, Feeding
from detente.node.naming import name_of_alert, naming_key
from detente.node.noted import Noted
from detente.node.onlooking import Onlooker, Screen, Wall
from detente.node.seen import LiveTracks, Seen
from detente.node.submit import Receipt
from detente.node.warning import SETTLED, Warner, alerts_for
from detente.node.watching import Watching
from detente.picture import Picture
from nodes import desk_of, hospital, run
from recorded_tracks import NOON
from theatre import Theatre

NEAR = (100_000_000, 499_000_000)
FULL = Release(members=Grade.FULL)


class Process:
    """The watch of one process on a theatre's register."""

    def __init__(self, town: Theatre, engine: Any = None) -> None:
        self.town, self.engine = town, engine or town.engine
        self.tracks = LiveTracks()
        self.feeding = Feeding(self.tracks)
        self.watching = Watching()
        self.alerting = Alerting(self.tracks, self.feeding, self.watching)
        self.alerting.noted = Noted(naming_key(town.keyring.load(NODE)))
        self.warner = Warner(self.engine, self.alerting)
        self.warner._began = town.now

    def hear(self, name: str, release: Release | None = None, **also: Any) -> None:
        observed = Observed(
            track=name, time=self.town.now, accuracy_mm=100_000, drift_mm_s=5_000,
            **{"position": NEAR, "speed_mm_s": 100_000, "course_mdeg": 0, **also},
        )  # fmt: skip
        self.tracks.put([Seen(party="one", feed="roof", observed=observed, release=release)])

    async def look(self) -> int:
        """Look, and write what is due."""
        self.watching.look(self.engine.world.shown.protected, self.tracks.latest(), self.town.now)
        return await self.warner.write()

    def shown(self, party: str) -> Any:
        shown = self.engine.world.shown
        reader = reader_of(shown, party, self.town.now)
        return self.alerting.alerts(reader, self.alerting.on_record(shown.warned)).alerts

    def recorded(self) -> dict[str, list[Warned]]:
        """All warnings in the record, by party, in their current version."""
        out: dict[str, list[Warned]] = {}
        with self.engine.store.reading() as record:
            for stored in record.objects(EntryKind.ALERT):
                value = read(stored.data or b"")
                assert isinstance(value, Warned)
                out.setdefault(value.to, []).append(value)
        return out


AWAY: dict[str, Any] = {"position": (1_200_000_000, 0), "speed_mm_s": 0}


async def clinic(town: Theatre, release: Release | None = FULL) -> Receipt:
    return await town.say("two", hospital("Clinic", 10, 50, standoff_mm=2_000_000, release=release))


def test_each_party_is_told_on_record_what_it_is_shown_and_no_more() -> None:
    async def story() -> None:
        with Theatre() as town:
            await clinic(town, Release(members=Grade.AREA))
            one = Process(town)
            one.hear("abc")
            assert await one.look() == 2
            told = one.recorded()
            assert set(told) == {"one", "two"}
            [reporter], [owner] = told["one"], told["two"]
            assert reporter.track == TrackTold(party="one", feed="roof", track="abc", kind="track")
            assert reporter.entry is not None
            assert (reporter.entry.name, reporter.entry.grade) == (None, Grade.AREA)
            assert (reporter.time_s, reporter.distance_mm) == (None, None)
            assert owner.track is None
            assert owner.entry is not None
            assert (owner.entry.name, owner.entry.sequence) == ("Clinic", None)
            assert (owner.time_s or 1) % 60 == 0
            assert await one.look() == 0, "nothing is new"
            [shown] = one.shown("one")
            assert shown.leaf is not None
            assert shown.id == reporter.source_id

    run(story())


def test_a_level_that_rises_is_a_version_and_an_end_the_last() -> None:
    async def story() -> None:
        with Theatre() as town:
            await clinic(town)
            one = Process(town)
            one.hear("abc", FULL)
            assert await one.look() == 3
            town.now += timedelta(seconds=1)
            one.hear("abc", FULL, position=(100_000_000, 500_000_000))
            assert await one.look() == 3
            assert {w.level for [w] in one.recorded().values()} == {Level.VIOLATION}
            for _ in range(3):
                town.now += timedelta(seconds=20)
                one.hear("abc", FULL, **AWAY)
                await one.look()
            assert {w.state for [w] in one.recorded().values()} == {WarnedState.ENDED}
            assert one.engine.world.shown.warned == {}
            assert await one.look() == 0

    run(story())


def test_who_took_it_in_is_shown_to_the_two_of_the_alert() -> None:
    async def story() -> None:
        with Theatre() as town:
            await clinic(town)
            one = Process(town)
            one.hear("abc", FULL)
            await one.look()
            leaves = {party: one.shown(party)[0].leaf for party in ("one", "two", "three")}
            assert len(set(leaves.values())) == 3
            said = Acknowledgement(
                source_id="a", party="two", entry=leaves["two"], level=Taken.RECEIVED
            )
            await town.say("two", said)
            third = Acknowledgement(
                source_id="a", party="three", entry=leaves["three"], level=Taken.ACTED_ON
            )
            await town.say("three", third)
            word = {
                party: [(w.party, w.level) for w in one.shown(party)[0].acknowledged]
                for party in ("one", "two", "three")
            }
            assert word["one"] == word["two"] == [("two", Taken.RECEIVED)]
            assert word["three"] == [("three", Taken.ACTED_ON), ("two", Taken.RECEIVED)]
            error = await town.refused(
                "three", msgspec.structs.replace(third, source_id="b", entry=leaves["one"])
            )
            assert isinstance(error, NotFound), "another party's warning is not there for it"

    run(story())


def test_whoever_is_not_shown_the_track_is_not_told_who_reports_it() -> None:
    async def story() -> None:
        with Theatre() as town:
            await clinic(town)
            one = Process(town)
            one.hear("abc")
            await one.look()
            leaf = one.shown("one")[0].leaf
            await town.say(
                "one",
                Acknowledgement(source_id="a", party="one", entry=leaf, level=Taken.RECEIVED),
            )
            [owner] = one.shown("two")
            assert owner.track is None
            assert [(w.party, w.level) for w in owner.acknowledged] == [(None, Taken.RECEIVED)]

    run(story())


def test_another_process_takes_up_what_stands_and_says_what_nobody_watches() -> None:
    async def story() -> None:
        with Theatre() as town:
            await clinic(town)
            one = Process(town)
            one.hear("abc", FULL)
            one.hear("gone", FULL)
            await one.look()
            before = one.recorded()
            with town.beside() as beside:
                beside.now = town.now = town.now + timedelta(seconds=5)
                two = Process(beside)
                two.hear("abc", FULL)
                assert await two.look() == 0, "what it sees too goes on under its name"
                assert {one.id for one in two.shown("two")} <= {w.source_id for w in before["two"]}
                beside.now += SETTLED
                two.hear("abc", FULL, position=NEAR)
                assert await two.look() == 0
                beside.now += timedelta(seconds=1)
                two.hear("abc", FULL)
                assert await two.look() == 3
                after = {w.track.track: w.state for w in two.recorded()["three"] if w.track}
                assert after == {"abc": WarnedState.STANDING, "gone": WarnedState.UNWATCHED}

    run(story())


def test_what_there_is_no_room_for_waits_and_what_ends_unwritten_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warning, "OF_PARTY_MAX", 2)

    async def story() -> None:
        with Theatre() as town:
            clinic_receipt = await clinic(town, None)
            one = Process(town)
            for name in "abcde":
                one.hear(name)
            assert await one.look() == 2
            assert await one.look() == 2, "the next second the next"
            await town.end("two", clinic_receipt)
            assert await one.look() == 2
            assert await one.look() == 2
            assert sum(w.unrecorded for w in one.recorded()["two"]) == 1

    run(story())


def test_a_lost_track_is_on_record_where_it_had_neared_something() -> None:
    async def story() -> None:
        with Theatre() as town:
            await clinic(town)
            one = Process(town)
            one.hear("abc", FULL)
            one.hear("far", FULL, **AWAY)
            assert await one.look() == 3
            town.now += timedelta(seconds=90)
            assert await one.look() == 6, "it may have come to the clinic by now, and it is lost"
            lost = [w for w in one.recorded()["one"] if w.level is Level.LOST]
            assert [w.track.track for w in lost if w.track] == ["abc"]
            [group] = [g for g in grouped(one.shown("one")) if g.track and g.track.track == "abc"]
            assert [a.level for a in group.alerts][-1] is Level.LOST

    run(story())


def test_a_silent_feed_is_on_record_until_it_speaks() -> None:
    async def story() -> None:
        with Theatre() as town:
            one = Process(town)
            one.feeding.add(
                Feed(name="roof", party="one", release=FULL, silent_after_s=10), town.now
            )
            assert await one.look() == 0
            town.now += timedelta(seconds=11)
            assert await one.look() == 3
            [told] = one.recorded()["two"]
            assert told.feed is not None
            assert (told.feed.name, told.level) == ("roof", Level.LOST)
            two = Process(town)
            two.feeding.add(
                Feed(name="roof", party="one", release=FULL, silent_after_s=10), town.now
            )
            assert await two.look() == 0, "one that has just begun does not know that it speaks"
            fed = one.feeding._fed["one", "roof"]
            fed.heard = town.now
            assert await one.look() == 3
            assert {w.state for [w] in one.recorded().values()} == {WarnedState.ENDED}

    run(story())


def test_one_track_is_one_group_and_hidden_ones_are_not_said_to_be_one() -> None:
    async def story() -> None:
        with Theatre() as town:
            await clinic(town)
            await town.say("two", hospital("School", 10, 50, standoff_mm=3_000_000, release=FULL))
            one = Process(town)
            one.hear("abc")
            await one.look()
            [group] = grouped(one.shown("one"))
            assert [a.entry.name for a in group.alerts if a.entry] == ["School", "Clinic"]
            assert group.time_s == min(a.time_s for a in group.alerts if a.time_s is not None)
            assert [len(g.alerts) for g in grouped(one.shown("two"))] == [1, 1]

    run(story())


def test_a_screen_gets_what_changed_and_only_that() -> None:
    async def story() -> None:
        with Theatre() as town:
            await clinic(town)
            one = Process(town)
            one.hear("abc", FULL)
            one.hear("far", FULL, **AWAY)
            await one.look()
            screen = Onlooker(Wall(one.engine, one.alerting), desk_of("three"))
            first = msgspec.json.decode(await screen.look(), type=Screen)
            assert {t.track for t in first.tracks} == {"abc", "far"}
            assert [g.id for g in first.groups] == ["one/roof/abc"] == list(first.order)
            with one.engine.store.reading() as record:
                leaf = bytes.fromhex(first.groups[0].alerts[0].leaf or "")
                told = [record.sequence_of(leaf), 4]
                assert record.extents("three", [n for n in told if n is not None]) != {}
            town.now += timedelta(seconds=1)
            one.hear("abc", FULL, position=(100_000_000, 499_010_000))
            await one.look()
            second = msgspec.json.decode(await screen.look(), type=Screen)
            assert [t.track for t in second.tracks] == ["abc"]
            assert len(second.groups) == 1
            one.tracks.drop(("one", "roof", "far"))
            third = msgspec.json.decode(await screen.look(), type=Screen)
            assert (third.tracks, third.gone, third.groups) == ((), ("one/roof/far",), ())

    run(story())


def test_names_tell_nothing_without_the_key() -> None:
    key = naming_key(SigningKey(b"k" * 32))
    names = {
        name_of_alert(key, party, about, EPOCH + timedelta(seconds=second))
        for party in ("one", "two")
        for about in (("t", None), ("t", "e"), ("e", "t"))
        for second in (0, 1)
    }
    assert len(names) == 12
    assert name_of_alert(naming_key(SigningKey(b"l" * 32)), "one", ("t", None), EPOCH) not in names


def test_a_warning_is_of_something() -> None:
    with pytest.raises(MalformedInput, match="a track, an entry or a feed"):
        Warned(source_id="x", to="one", level=Level.LOST, begun=EPOCH)
    with pytest.raises(MalformedInput, match="begin of the alert"):
        Warned(source_id="x", to="one", level=Level.LOST, begun=EPOCH.replace(tzinfo=None))


said_by = st.lists(
    st.tuples(st.sampled_from(PARTIES), st.sampled_from(RELEASES)), min_size=1, max_size=4
)


@settings(max_examples=60, deadline=None)
@given(party=st.sampled_from(PARTIES), said=said_by, heard=said_by)
def test_what_is_not_released_changes_nothing_of_what_is_on_record(
    party: str, said: Any, heard: Any
) -> None:
    """But that somebody's track nears what is one's own."""
    entries = [known(f"n{i}", by, release) for i, (by, release) in enumerate(said)]
    tracks = [seen(f"t{i}", by, release) for i, (by, release) in enumerate(heard)]
    who = reader(party)

    def told(entries: Any, tracks: Any) -> list[Warned]:
        live = LiveTracks()
        live.put(tracks)
        watching = Watching()
        watching.look(Picture(entries), live.latest(), NOON)
        return [w for _, w in alerts_for(who, Alerting(live, Feeding(live), watching))]

    whole = told(entries, tracks)
    assert {w.to for w in whole} <= {party}
    kept = [one for one in entries if who.grade(one.value, one.object_id) is not None]
    assert sorted(map(encode, told(kept, tracks))) == sorted(map(encode, whole))
    mine = [one for one in tracks if who.released(one.party, one.release) is Grade.FULL]
    named = [w for w in whole if w.track is not None]
    assert sorted(map(encode, told(kept, mine))) == sorted(map(encode, named))
    for one in whole:
        if one.track is None:
            assert one.entry is not None
            assert one.entry.party == party
            assert (one.distance_mm, one.distance_error_mm, one.separation_mm) == (None,) * 3

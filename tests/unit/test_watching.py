"""The watch at work, replay, and what of it a party sees: no more than was released to it."""

import itertools
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cli import DETENTE, detente
from detente.core.agreement import Agreement
from detente.core.alerts import Level
from detente.core.check import Known
from detente.core.heard import Heard
from detente.core.party import Desk, Party
from detente.core.presence import Presence, Track
from detente.core.release import Grade, Release
from detente.core.view import Reader
from detente.core.watch import Observed
from detente.doors.feeds.recorded import recording
from detente.doors.feeds.sbs import Sbs
from detente.errors import Conflict, LogInconsistent, MalformedInput
from detente.node.alerted import Alerting
from detente.node.feeding import Feed, Feeding
from detente.node.replaying import Pace, Played, play, shifted, steps
from detente.node.seen import LiveTracks, Seen
from detente.node.watching import WATCHED_FOR, Watching
from detente.picture import Picture
from nodes import flight, hospital
from recorded_tracks import NOON, needs_tracks, paris

PARTIES = ("one", "two", "three")
RELEASES = (
    None,
    Release(members=Grade.FULL),
    Release(members=Grade.AREA),
    Release(members=Grade.CONTACT),
    Release(parties={"two": Grade.FULL}),
    Release(parties={"three": Grade.CONTACT}),
)


def known(name: str, party: str, release: Release | None, lon: float = 10.0) -> Known:
    value = hospital(name, lon, 50.0, standoff_mm=2_000_000, party=party, release=release)
    return Known(value=value, object_id=name.ljust(32, "0"), sequence=7)


def seen(track: str, party: str, release: Release | None, second: float = 0.0, **also: Any) -> Seen:
    fields: dict[str, Any] = {
        "time": NOON + timedelta(seconds=second),
        "position": (100_000_000, 499_000_000),
        "speed_mm_s": 100_000,
        "course_mdeg": 0,
        **also,
    }
    observed = Observed(track=track, accuracy_mm=100_000, drift_mm_s=5_000, **fields)
    return Seen(party=party, feed="f", observed=observed, release=release)


def reader(party: str) -> Reader:
    parties = {
        one: Party(id=one, name=one, desks=(Desk(id="duty", name=f"{one}'s desk"),))
        for one in PARTIES
    }
    return Reader(party=party, agreement=Agreement(name="t"), parties=parties, grants={}, now=NOON)


def shown(party: str, entries: list[Known], tracks: list[Seen]) -> Any:
    live = LiveTracks()
    live.put(tracks)
    watching = Watching()
    watching.look(Picture(entries), live.latest(), NOON)
    alerting = Alerting(live, Feeding(live), watching)
    found = alerting.alerts(reader(party))
    return found.alerts, found.views, alerting.tracks(reader(party))


def test_each_sees_what_he_may_see_of_both() -> None:
    entry = known("clinic", "two", Release(members=Grade.AREA, parties={"three": Grade.CONTACT}))
    track = seen("abc", "one", Release(parties={"three": Grade.FULL}))
    (mine,), (view,), _ = shown("one", [entry], [track])
    assert mine.track is not None
    assert (mine.entry.party, mine.entry.name, mine.time_s) == ("two", None, None)
    assert mine.entry.area
    assert view.grade is Grade.AREA
    (owner,), views, tracks = shown("two", [entry], [track])
    assert (owner.track, owner.distance_m, tracks, views) == (None, None, [], ())
    assert owner.entry.name == "clinic"
    assert owner.time_s % 60 == 0
    assert owner.desk.name == "one's desk"
    (contact,), views, _ = shown("three", [entry], [track])
    assert contact.track is not None
    assert (contact.entry.party, contact.entry.object, contact.entry.area) == ("two", None, ())
    assert views == ()


def test_both_shown_tell_how_far_and_how_soon() -> None:
    entry = known("clinic", "two", Release(members=Grade.FULL))
    (one,), _, _ = shown("one", [entry], [seen("abc", "one", None)])
    assert 8_000 < one.distance_m < 11_000
    assert 60 < one.time_s < 120
    assert one.level is Level.WARNING


entries = st.lists(
    st.tuples(st.sampled_from(PARTIES), st.sampled_from(RELEASES)), min_size=1, max_size=4
)


@settings(max_examples=60, deadline=None)
@given(party=st.sampled_from(PARTIES), said=entries, seen_by=entries)
def test_what_is_not_released_changes_nothing(party: str, said: Any, seen_by: Any) -> None:
    """But that somebody's track nears what is one's own."""
    knowns = [known(f"n{i}", by, release) for i, (by, release) in enumerate(said)]
    tracks = [seen(f"t{i}", by, release) for i, (by, release) in enumerate(seen_by)]
    who = reader(party)
    alerts, views, moving = shown(party, knowns, tracks)
    kept = [one for one in knowns if who.grade(one.value, one.object_id) is not None]
    mine = [one for one in knowns if one.value.party == party]
    assert shown(party, kept, tracks) == (alerts, views, moving)
    visible = [
        one
        for one in tracks
        if one.party == party or (one.release and (
            one.release.parties.get(party, one.release.members) is Grade.FULL))
    ]  # fmt: skip
    assert len(moving) == len(visible)
    without = shown(party, kept, visible)
    assert without[1:] == (views, moving)
    unnamed = [one for one in alerts if one.track is None]
    assert [one for one in alerts if one.track is not None] == list(without[0])
    assert len(unnamed) == len(mine) * (len(tracks) - len(visible))


def test_a_doubted_track_warns_of_where_it_was_and_of_where_it_says_it_is() -> None:
    near_clinic = known("clinic", "one", None)
    far = known("far", "one", None, lon=14.0)
    track = seen("abc", "one", None, position=(140_000_000, 499_900_000))
    picture = Picture([near_clinic, far])
    watching = Watching()
    looked = watching.look(picture, [track], NOON)
    assert {one.alert.entry for one in looked.begun} == {far.object_id}
    other = seen("abc", "one", None).observed
    looked = watching.look(
        picture,
        [Seen(party="one", feed="f", observed=track.observed, other=other, doubts=("too_fast",))],
        NOON + timedelta(seconds=1),
    )
    assert {one.alert.entry for one in looked.begun} == {near_clinic.object_id}


def test_plans_and_what_stands_for_the_track_itself_do_not_warn() -> None:
    plan = Known(value=flight("plan", 10.0, 49.9, party="two"), object_id="p" * 32)
    itself = known("own", "one", None)
    track = seen("abc", "one", None)
    own = Seen(party="one", feed="f", observed=track.observed, object_id=itself.object_id)
    assert Watching().look(Picture([plan, itself]), [own], NOON).begun == ()


def test_a_partys_own_people_do_not_warn_of_each_other_but_of_all_else() -> None:
    """A patrol walks together; another party's people near it are another matter."""

    def team(name: str, party: str) -> Known:
        track = Track(position=(100_000_000, 500_000_000), time=NOON, speed_max_mm_s=0)
        value = Presence(source_id=name, name=name, party=party, track=track)
        return Known(value=value, object_id=name.ljust(32, "0"))

    entries = [team("a", "one"), team("b", "two"), known("clinic", "one", None)]
    walking = replace(seen("abc", "one", None, position=(100_000_000, 500_000_000)), own=True)
    looked = Watching().look(Picture(entries), [walking], NOON)
    assert {one.alert.entry for one in looked.begun} == {one.object_id for one in entries[1:]}
    heard = Watching().look(Picture(entries), [replace(walking, own=False)], NOON)
    assert len(heard.begun) == 3  # What a receiver hears near one's people may be anyone.


def test_alerts_end_when_the_entry_goes_or_the_track_is_long_silent() -> None:
    entry, track = known("clinic", "one", None), seen("abc", "one", None)
    watching = Watching()
    watching.look(Picture([entry]), [track], NOON)
    assert len(watching.watched) == 1
    late = watching.look(Picture([entry]), [track], NOON + timedelta(seconds=61))
    assert [one.alert.level for one in late.begun] == [Level.LOST]
    ended = watching.look(Picture([]), [track], NOON + timedelta(seconds=62)).ended
    assert [one.alert.entry for one in ended] == [entry.object_id]
    watching.look(Picture([entry]), [track], NOON + timedelta(seconds=63))
    past = NOON + WATCHED_FOR + timedelta(seconds=1)
    assert {one.alert.entry for one in watching.look(Picture([entry]), [track], past).ended} == {
        None, entry.object_id,
    }  # fmt: skip
    assert not watching.watched


def test_what_stands_stays_where_the_picture_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watching = Watching()
    assert watching.problem_code == "not_yet"
    watching.look(Picture([known("clinic", "one", None)]), [seen("abc", "one", None)], NOON)
    assert watching.problem_code == ""
    broken = Picture([])
    monkeypatch.setattr(
        type(broken), "some", lambda *_: (_ for _ in ()).throw(LogInconsistent("record"))
    )
    with pytest.raises(LogInconsistent):
        watching.look(broken, [seen("abc", "one", None)], NOON)
    assert (watching.problem, watching.problem_code) == ("record", "log_inconsistent")
    assert len(watching.watched) == 1


def heard(track: str, second: float, lat_e7: int = 0) -> Heard:
    observed = Observed(
        track=track,
        time=NOON + timedelta(seconds=second),
        position=(0, lat_e7),
        accuracy_mm=0,
        drift_mm_s=0,
    )
    return Heard(observed=observed)


def test_a_feed_counts_what_is_late_ahead_and_without_room() -> None:
    tracks = LiveTracks(tracks_max=2)
    feeding, feed = Feeding(tracks), Feed(name="f", party="one", silent_after_s=10)
    feeding.add(feed, NOON)
    with pytest.raises(Conflict):
        feeding.add(feed, NOON)
    feeding.take(feed, [heard("a", 1), heard("a", 0), heard("b", 60), heard("c", 2)], NOON)
    ((_, state),) = feeding.states(NOON + timedelta(seconds=11))
    assert (state.positions, state.late, state.doubted) == (2, 1, 1)
    assert state.refused == {"tracks: no room for more": 1}
    assert not state.silent
    assert feeding.states(NOON + timedelta(seconds=12))[0][1].silent
    by_name = {one.observed.track: one for one in tracks.latest()}
    assert (by_name["b"].observed.time, by_name["b"].doubts) == (NOON, ("ahead_of_time",))


def test_a_recording_goes_second_by_second_and_from_now_on() -> None:
    found = [heard("a", 0.2), heard("b", 0.9), heard("a", 1.5), heard("a", 7)]
    assert [(now, len(batch)) for now, batch in steps(found)] == [
        (NOON + timedelta(seconds=second), count) for second, count in ((1, 2), (2, 1), (8, 1))
    ]
    whole = [heard("a", 0), heard("a", 1), heard("a", 1.9)]
    assert [len(batch) for _, batch in steps(whole)] == [1, 2]
    assert list(steps([])) == []
    start = datetime(2027, 1, 1, tzinfo=UTC)
    assert [one.observed.time - start for one in shifted(found, start)] == [
        timedelta(seconds=second) for second in (0, 0.7, 1.3, 6.8)
    ]
    assert list(shifted([], start)) == []


def test_a_pace_waits_for_what_is_due_and_says_how_far_it_is_behind() -> None:
    pace = Pace(NOON, 60)
    assert 0.9 < pace.wait_s(NOON + timedelta(seconds=60)) <= 1
    assert pace.wait_s(NOON - timedelta(seconds=60)) == 0
    assert 1 <= pace.behind_s < 2
    assert Pace(NOON, 0).wait_s(NOON + timedelta(days=1)) == 0
    for speed in (-1, 1e9, float("nan")):
        with pytest.raises(MalformedInput, match="speed"):
            Pace(NOON, speed)


@needs_tracks
def test_a_slice_of_traffic_over_paris_is_played_and_nothing_lost(tmp_path: Path) -> None:
    found = recording(paris(tmp_path, 6_000)).heard
    value = hospital("Invented clinic", 2.5, 48.9, standoff_mm=2_000_000, party="one")
    picture = Picture([Known(value=value, object_id="a" * 32)])
    waits: list[float] = []
    told: list[datetime] = []
    done = play(
        Feed(name="r", party="one"), found, picture,
        speed=10_000, tell=lambda now, _: told.append(now), sleep=waits.append,
    )  # fmt: skip
    assert (done.read, done.taken, done.late, done.lost) == (6_000, 6_000, 0, 0)
    assert done.looks == len(told) == len(waits)
    assert told == sorted(told)
    assert done.begun >= 1
    assert play(Feed(name="r", party="one"), [], picture, speed=1, tell=lambda *_: None) == Played(
        wall_s=pytest.approx(0, abs=1)  # type: ignore[arg-type] # compares as a number
    )


def lines_of(address: int, count: int) -> str:
    out = ""
    for second in range(count):
        stamp = f"2026/01/07,12:{second // 60:02d}:{second % 60:02d}.000"
        head = f"1,1,4B18{address:02X},1,{stamp},{stamp}"
        out += f"MSG,4,{head},,,240,0.0,,,0,,,,,\nMSG,3,{head},,9000,,,"
        out += f"{50 + second * 0.00111:.5f},10.0,,,0,0,0,0\n"
    return out


def test_the_command_plays_a_recording_against_a_register(tmp_path: Path) -> None:
    (tmp_path / "a.sbs").write_text(lines_of(1, 40) + "MSG,bad\n")
    (tmp_path / "places.csv").write_text("name,lat,lon\nInvented clinic,50.101,10.001\n")
    for command in (
        ("init",), ("party", "new", "One", "--id", "one"),
        ("import", "places.csv", "--as", "notices", "--party", "one"),
    ):  # fmt: skip
        assert detente(*command, "--store", "r.db", cwd=tmp_path).status == 0
    ran = detente("replay", "a.sbs", "--speed", "0", "--store", "r.db", cwd=tmp_path)
    assert ran.status == 3  # One line could not be read.
    assert "40 positions of 1 track: 40 taken, 0 of them doubted, 0 late, 0 lost; 1 refused." in (
        ran.out
    )
    assert "begun warning: 4b1801 - Invented clinic" in ran.out
    assert "1 refused: MSG: expected 22 fields" in ran.err
    (tmp_path / "a.sbs").write_text(lines_of(1, 40))
    ran = detente("replay", "a.sbs", "--speed", "0", "--store", "r.db", "--json", "--keep-times",
                  cwd=tmp_path)  # fmt: skip
    assert ran.status == 1
    assert '"what":"begun","level":"warning"' in ran.out
    assert '"time":"2026-01-07T12:00:01Z"' in ran.out
    assert detente("replay", "none.sbs", cwd=tmp_path).status == 2
    assert detente("replay", "a.sbs", "--sbs", "nowhere", cwd=tmp_path).status == 2


def test_the_command_serves_a_recording_as_a_receiver_does(tmp_path: Path) -> None:
    (tmp_path / "a.sbs").write_text(lines_of(1, 30) + lines_of(2, 30))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [DETENTE, "replay", "a.sbs", "--speed", "0", "--keep-times", "--sbs", f"127.0.0.1:{port}"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stdout is not None
        process.stderr.readline()
        data = b""
        with connected(port) as client:
            while piece := client.recv(65_536):
                data += piece
        assert process.stderr.read() == ""
        assert process.stdout.read() == "60 positions sent; 0 clients cut off that were too slow\n"
    assert process.returncode == 0
    before = recording(tmp_path / "a.sbs").heard
    after = Sbs(recorded=True).read(data, NOON)
    assert [one.observed for one in after] == [one.observed for one in before]


def connected(port: int) -> socket.socket:
    for attempt in itertools.count():
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except ConnectionRefusedError:
            assert attempt < 1_000_000
    raise AssertionError


def test_a_lost_track_warns_anew_along_its_course_and_stays_an_alert_where_it_was_near() -> None:
    """Ten minutes long; not of what lies where it might have turned to (docs/adr/0033)."""
    ahead = known("ahead", "two", None)
    far = Known(
        value=hospital("far", 10.0, 50.3, standoff_mm=2_000_000, party="two"), object_id="f" * 32
    )
    aside = Known(
        value=hospital("aside", 10.6, 49.9, standoff_mm=2_000_000, party="two"), object_id="a" * 32
    )
    watching, track = Watching(), seen("abc", "one", None)
    watching.look(Picture([ahead, far, aside]), [track], NOON)
    assert {one.alert.entry for one in watching.watched} == {ahead.object_id}
    # 42 km on: at 100 m/s and a drift of 5 it is there after 400 s.
    for second in range(1, 500, 20):
        watching.look(Picture([ahead, far, aside]), [track], NOON + timedelta(seconds=second))
    standing = {one.alert.entry for one in watching.watched}
    assert standing == {ahead.object_id, far.object_id, None}
    gone = NOON + WATCHED_FOR + timedelta(seconds=1)
    watching.look(Picture([ahead, far, aside]), [track], gone)
    assert watching.watched == ()


def test_what_stands_where_it_is_is_shown_and_warns_of_nothing() -> None:
    entries = [known("a", "one", Release(members=Grade.FULL))]
    here = (100_000_000, 500_000_000)
    buoy = seen("aid", "one", None, speed_mm_s=None, course_mdeg=None, position=here)
    alerts, _, tracks = shown("one", entries, [buoy])
    assert [one.track.track for one in alerts] == ["aid"]
    alerts, _, tracks = shown("one", entries, [replace(buoy, watched=False)])
    assert alerts == ()
    assert [one.track for one in tracks] == ["aid"]

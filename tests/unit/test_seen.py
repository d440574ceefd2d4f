"""Live tracks: the newest of each, for each who may see it, however slow he is."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from detente.core.watch import Observed
from detente.errors import Unavailable
from detente.node.seen import FORGOTTEN_AFTER, LiveTracks, Seen

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def seen(track: str, seconds: int, party: str = "a") -> Seen:
    observed = Observed(
        track=track,
        time=NOW + timedelta(seconds=seconds),
        position=(0, 0),
        accuracy_mm=0,
        drift_mm_s=0,
    )
    return Seen(party=party, feed="f", observed=observed)


def test_a_slow_reader_gets_the_newest_of_each_and_only_what_is_shown() -> None:
    tracks = LiveTracks()
    tracks.put([seen("x", 0)])
    following = tracks.follow(lambda one: one.party == "a")
    assert asyncio.run(following.take()) == [seen("x", 0)]
    assert tracks.put([seen("x", second) for second in range(1_000)]) == 1_000
    tracks.put([seen("y", 5), seen("z", 5, party="b")])
    assert following.changed() == [seen("x", 999), seen("y", 5)]
    assert following.changed() == []
    tracks.leave(following)
    tracks.put([seen("x", 1_000)])
    assert following.changed() == []


def test_an_older_observation_changes_nothing_and_no_party_speaks_for_anothers_track() -> None:
    tracks = LiveTracks()
    assert tracks.put([seen("x", 5), seen("x", 4), seen("x", 9, party="b")]) == 2
    assert tracks.latest() == [seen("x", 5), seen("x", 9, party="b")]
    assert tracks.latest(lambda one: one.party == "b") == [seen("x", 9, party="b")]


def test_tracks_have_a_limit_and_an_end() -> None:
    tracks = LiveTracks(tracks_max=2)
    tracks.put([seen("x", 0), seen("y", 60)])
    with pytest.raises(Unavailable, match="at most 2 at once"):
        tracks.put([seen("y", 61), seen("z", 61)])
    assert tracks.latest() == [seen("x", 0), seen("y", 61)]
    assert tracks.forget(NOW + FORGOTTEN_AFTER + timedelta(seconds=1)) == [seen("x", 0)]
    assert tracks.drop(("a", "f", "y")) == seen("y", 61)
    assert tracks.drop(("a", "f", "y")) is None
    assert tracks.put([seen("z", 62), seen("w", 62)]) == 2

r"""What a party sees of tracks, of feeds and of alerts: the one place where these are cut.

Of a track it sees what its reporter shows it, whole or nothing. Of an alert it sees what it
may see of the track and of the entry:

======================  =============================  ====================================
\                        it sees the track              it does not
======================  =============================  ====================================
the entry is its own    all                            that somebody's track nears it, when
                                                       to the minute, and the desk to call
the entry, ``full``     all                            nothing
``area``, ``contact``   the track, and of the entry    nothing
                        what a check would tell
nothing of the entry    nothing: its owner is told     nothing
======================  =============================  ====================================

So what is not released to a party changes nothing of what it sees, but that an unnamed
track nears what is its own. How far and how soon are told only with both, since each tells
where the other is.

Source: docs/adr/0027; docs/rules/R-02.md, R-10.md.
"""

import math
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from detente.core.alerts import Level
from detente.core.check import Known, rule_of
from detente.core.party import Desk
from detente.core.release import Grade
from detente.core.view import Reader, View
from detente.core.volume import E7_PER_DEG, MM_PER_M, Volume
from detente.node.feeding import Feed, Feeding, FeedState
from detente.node.seen import LiveTracks, Seen
from detente.node.watching import Watched, Watching

MINUTE_S = 60


class TrackShown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A track: degrees, metres above the ellipsoid, metres a second, true course."""

    party: str
    feed: str
    track: str
    kind: str
    time: datetime
    lat: float
    lon: float
    accuracy_m: float
    name: str = ""
    speed_m_s: float | None = None
    course_deg: float | None = None
    lower_m: float | None = None
    upper_m: float | None = None
    doubts: tuple[str, ...] = ()


class EntryShown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry that a track nears; of its grade ``area`` circles that hold it."""

    party: str | None
    desk: Desk | None
    object: str | None = None
    rule: str | None = None
    kind: str | None = None
    category: str | None = None
    name: str | None = None
    area: tuple[Volume, ...] = ()


class AlertShown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An alert, as one party sees it. It informs, and permits nothing.

    Attributes:
        level: The gravest so far.
        begun: When it began.
        track: Which; None where it is not shown to the party.
        entry: What it nears; None where a track is lost.
        desk: Of whoever reports the track: whom to call.
        doubted: Whether the track may be elsewhere than it is said to be.
        distance_m: From the track to the entry, when it was last found near.
        time_s: Until it may be violated, at the earliest; whole minutes where the track is
            not shown.
    """

    level: Level
    begun: datetime
    track: TrackShown | None = None
    entry: EntryShown | None = None
    desk: Desk | None = None
    doubted: bool = False
    distance_m: float | None = None
    distance_error_m: float | None = None
    separation_m: float | None = None
    time_s: float | None = None


def track_for(reader: Reader, seen: Seen) -> TrackShown | None:
    """A track as a party sees it; None where it does not."""
    released = reader.released(seen.party, seen.release)
    return _track(seen) if released is Grade.FULL else None


def feed_for(reader: Reader, feed: Feed, state: FeedState) -> FeedState | None:
    """How a feed is, for whoever sees its tracks."""
    return state if reader.released(feed.party, feed.release) is Grade.FULL else None


def alert_for(reader: Reader, watched: Watched) -> tuple[AlertShown, View | None] | None:
    """An alert as a party sees it, and what of the entry is thereby shown to it.

    Returns:
        None where it sees nothing of it. The view is what goes on record as disclosed; None
        where nothing is.
    """
    track, known = track_for(reader, watched.seen), watched.known
    if known is None:
        return None if track is None else (_shown(reader, watched, track, None), None)
    if known.value.party == reader.party:
        entry = _entry(reader, known, Grade.FULL)
        return _shown(reader, watched, track, entry), None
    seen = reader.grade(known.value, known.object_id)
    if track is None or seen is None:
        return None
    view = reader.view(known, seen)
    return _shown(reader, watched, track, _entry(reader, known, seen)), view


def _shown(
    reader: Reader, watched: Watched, track: TrackShown | None, entry: EntryShown | None
) -> AlertShown:
    alert, approach = watched.alert, watched.alert.approach
    out = AlertShown(
        level=alert.level,
        begun=alert.begun,
        track=track,
        entry=entry,
        desk=reader.desk_of(watched.seen.party, None),
        doubted=bool(watched.seen.doubts),
    )
    if approach is None or entry is None:
        return out
    if track is None:
        return replace(out, time_s=approach.time_s // MINUTE_S * MINUTE_S)
    if entry.name is None:
        return out
    return replace(
        out,
        distance_m=approach.distance_m,
        distance_error_m=approach.distance_error_m,
        separation_m=approach.separation_m,
        time_s=approach.time_s,
    )


def _entry(reader: Reader, known: Known, seen: Grade) -> EntryShown:
    value = known.value
    desk = reader.desk_of(value.party, value.desk)
    if seen is Grade.CONTACT:
        return EntryShown(party=value.party, desk=desk)
    rule, kind, _ = rule_of(value)
    view = reader.view(known, seen)
    whole = seen is Grade.FULL
    return EntryShown(
        party=value.party,
        desk=desk,
        object=known.object_id,
        rule=rule,
        kind=kind,
        category=value.category,
        name=(value.name or value.source_id) if whole else None,
        area=() if whole or view is None else view.area,
    )


def _track(seen: Seen) -> TrackShown:
    one = seen.observed
    return TrackShown(
        party=seen.party,
        feed=seen.feed,
        track=one.track,
        kind=seen.kind,
        time=one.time,
        lat=one.position[1] / E7_PER_DEG,
        lon=one.position[0] / E7_PER_DEG,
        accuracy_m=one.accuracy_mm / MM_PER_M,
        name=seen.name,
        speed_m_s=_metres(one.speed_mm_s),
        course_deg=None if one.course_mdeg is None else one.course_mdeg / 1_000,
        lower_m=_metres(one.lower_mm),
        upper_m=_metres(one.upper_mm),
        doubts=seen.doubts,
    )


def _metres(millimetres: int | None) -> float | None:
    return None if millimetres is None else millimetres / MM_PER_M


class Found(NamedTuple):
    """Alerts that a party sees, gravest and soonest first, and what is thereby disclosed."""

    alerts: tuple[AlertShown, ...]
    views: tuple[View, ...]


class Alerting:
    """What a process's tracks, feeds and watch show to whom.

    Args:
        tracks: What moves.
        feeding: What is heard.
        watching: What nears what.
    """

    def __init__(self, tracks: LiveTracks, feeding: Feeding, watching: Watching) -> None:
        self._tracks = tracks
        self._feeding = feeding
        self.watching = watching

    def tracks(self, reader: Reader) -> list[TrackShown]:
        """The tracks that a party sees."""
        found = (track_for(reader, one) for one in self._tracks.latest())
        return [one for one in found if one is not None]

    def alerts(self, reader: Reader) -> Found:
        """The alerts that a party sees."""
        found = [
            one
            for watched in self.watching.watched
            if (one := alert_for(reader, watched)) is not None
        ]
        shown = sorted((one for one, _ in found), key=_gravest_first)
        return Found(tuple(shown), tuple(view for _, view in found if view is not None))

    def feeds(self, reader: Reader) -> list[FeedState]:
        """How the feeds are whose tracks a party sees."""
        states = self._feeding.states(reader.now)
        found = (feed_for(reader, feed, state) for feed, state in states)
        return [one for one in found if one is not None]


def _gravest_first(one: AlertShown) -> tuple[int, float, bytes]:
    """A total order that follows nothing but what is shown."""
    soonest = math.inf if one.time_s is None else one.time_s
    return -_GRAVITY[one.level], soonest, msgspec.json.encode(one)


_GRAVITY = {level: number for number, level in enumerate(Level)}

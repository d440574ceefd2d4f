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

What it acknowledged, and what they did whose the track and the entry are, it is shown as well,
where it is told of the alert.

Source: docs/adr/0027, docs/adr/0032; docs/rules/R-02.md, R-10.md.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from detente.core.alerts import Key, Level
from detente.core.check import Known, rule_of
from detente.core.party import Desk
from detente.core.release import Grade
from detente.core.view import Reader, View
from detente.core.volume import E7_PER_DEG, MM_PER_M, Volume
from detente.node.feeding import Feed, Feeding, FeedState
from detente.node.naming import name_of_alert
from detente.node.noted import Found as OnRecordFound
from detente.node.noted import Noted, TookIn, feed_key, taken_in
from detente.node.quarantine import RefusedCount
from detente.node.seen import LiveTracks, Seen
from detente.node.warned import OnRecord
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
        id: Of this alert to this party, for as long as it lasts.
        leaf: Leaf hash of its entry, for an acknowledgement; None while there is none.
        object: Id of that entry's object, for evidence; likewise.
        acknowledged: Who took in what that entry says.
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
    id: str = ""
    leaf: str | None = None
    object: str | None = None
    acknowledged: tuple[TookIn, ...] = ()


class Group(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All alerts of one track, or one of a track that is not shown.

    Attributes:
        id: The track's name, or the alert's.
        level: The gravest of them.
        track: Which; the alerts do not repeat it.
        desk: Of whoever reports it: whom to call.
        doubted: Whether it may be elsewhere than it is said to be.
        time_s: The soonest of them.
        alerts: Gravest and soonest first.
    """

    id: str
    level: Level
    alerts: tuple[AlertShown, ...]
    track: TrackShown | None = None
    desk: Desk | None = None
    doubted: bool = False
    time_s: float | None = None


class SilentFeed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A feed that tells nothing, to whoever is shown what it tells.

    Attributes:
        id: Of it, for as long as it lasts.
        party: Whose feed.
        feed: Its name.
        heard: Time of its last position; None where none came.
        problem: What is wrong with the connection; empty where nothing is known.
        problem_code: The same, as one of ``Broken``.
        leaf, object, acknowledged: As of an alert.
    """

    id: str
    party: str
    feed: str
    heard: datetime | None = None
    problem: str = ""
    problem_code: str = ""
    desk: Desk | None = None
    leaf: str | None = None
    object: str | None = None
    acknowledged: tuple[TookIn, ...] = ()


def track_for(reader: Reader, seen: Seen) -> TrackShown | None:
    """A track as a party sees it; None where it does not."""
    released = reader.released(seen.party, seen.release)
    return shown_track(seen) if released is Grade.FULL else None


def feed_for(reader: Reader, feed: Feed, state: FeedState) -> FeedState | None:
    """How a feed is, for whoever sees its tracks; what of it is refused is its party's own."""
    if reader.released(feed.party, feed.release) is not Grade.FULL:
        return None
    return state if feed.party == reader.party else replace(state, refused={})


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


def shown_track(seen: Seen) -> TrackShown:
    """A track, for whoever sees it."""
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
    """Alerts that a party sees, gravest and soonest first, and what is thereby disclosed.

    ``views`` are of entries that are neared, ``leaves`` the numbers of the alerts' own.
    """

    alerts: tuple[AlertShown, ...]
    views: tuple[View, ...]
    leaves: tuple[int, ...] = ()

    @property
    def shown(self) -> dict[int, Grade]:
        """By entry of the record, how much of it is shown."""
        out = dict.fromkeys(self.leaves, Grade.FULL)
        return out | {view.sequence: view.grade for view in self.views}


class Silent(NamedTuple):
    """Silent feeds, and the numbers of what is on record of them."""

    silences: tuple[SilentFeed, ...]
    leaves: tuple[int, ...]


class Alerting:
    """What a process's tracks, feeds and watch show to whom.

    Args:
        tracks: What moves.
        feeding: What is heard.
        watching: What nears what.
        key: Of the names of alerts (detente.node.naming).
    """

    def __init__(
        self, tracks: LiveTracks, feeding: Feeding, watching: Watching, key: bytes = b""
    ) -> None:
        self._tracks = tracks
        self._feeding = feeding
        self.watching = watching
        self.noted = Noted(key)

    def on_record(self, warned: Mapping[str, OnRecord]) -> OnRecordFound:
        """Which of this process's alerts are on record.

        Args:
            warned: All that stand on it.
        """
        return self.noted.find(warned, self.watching.watched)

    def feed_states(self, now: datetime) -> list[tuple[Feed, FeedState]]:
        """How each feed is, of everybody's."""
        return self._feeding.states(now)

    def refused(self) -> list[RefusedCount]:
        """How often what was refused, of everybody's feeds."""
        return self._feeding.refused()

    def latest(self) -> list[Seen]:
        """The last observation of each track, of everybody's."""
        return self._tracks.latest()

    def tracks(self, reader: Reader) -> list[TrackShown]:
        """The tracks that a party sees."""
        found = (track_for(reader, one) for one in self._tracks.latest())
        return [one for one in found if one is not None]

    def alerts(self, reader: Reader, found: OnRecordFound | None = None) -> Found:
        """The alerts that a party sees.

        Args:
            reader: The party.
            found: What of them is on record (``on_record``).
        """
        shown, views, leaves = [], [], []
        for watched in self.watching.watched:
            one = alert_for(reader, watched)
            if one is None:
                continue
            about = watched.alert.track, watched.alert.entry
            known = (found or {}).get((reader.party, about))
            shown.append(self._noted(reader, watched, one[0], found or {}))
            if one[1] is not None:
                views.append(one[1])
            if known is not None:
                leaves.append(known.sequence)
        shown.sort(key=_gravest_first)
        return Found(tuple(shown), tuple(views), tuple(leaves))

    def _noted(
        self, reader: Reader, watched: Watched, shown: AlertShown, found: OnRecordFound
    ) -> AlertShown:
        about = watched.alert.track, watched.alert.entry
        known = found.get((reader.party, about))
        owner = None if watched.known is None else watched.known.value.party
        reporter = watched.seen.party
        taken = taken_in(found, reader.party, about, (reporter, owner))
        if shown.track is None and reporter != reader.party:
            taken = [
                replace(one, party=None) if one.party == reporter != owner else one for one in taken
            ]
        name = name_of_alert(self.noted.key, reader.party, about, shown.begun)
        return replace(
            shown,
            id=name if known is None else known.value.source_id,
            leaf=None if known is None else known.leaf,
            object=None if known is None else known.object_id,
            begun=shown.begun if known is None else known.value.begun,
            acknowledged=tuple(taken),
        )

    def silences(self, reader: Reader, found: OnRecordFound | None = None) -> Silent:
        """The feeds of which a party sees tracks, and that are silent."""
        silent = [one for one in self.feeds(reader) if one.silent]
        known = [(found or {}).get((reader.party, feed_key(one.party, one.name))) for one in silent]
        return Silent(
            tuple(self._silence(reader, one, found or {}) for one in silent),
            tuple(one.sequence for one in known if one is not None),
        )

    def _silence(self, reader: Reader, one: FeedState, found: OnRecordFound) -> SilentFeed:
        about: Key = feed_key(one.party, one.name)
        known = found.get((reader.party, about))
        return SilentFeed(
            id=f"{one.party}/{one.name}",
            party=one.party,
            feed=one.name,
            heard=one.heard,
            problem=one.problem,
            problem_code=one.problem_code,
            desk=reader.desk_of(one.party, None),
            leaf=None if known is None else known.leaf,
            object=None if known is None else known.object_id,
            acknowledged=tuple(taken_in(found, reader.party, about, (one.party,))),
        )

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


def grouped(alerts: Sequence[AlertShown]) -> list[Group]:
    """Alerts by track, gravest and soonest first.

    A track that is not shown to the party is not said to be the same in two alerts.

    Args:
        alerts: Gravest and soonest first (``Found``).
    """
    groups: dict[str, list[AlertShown]] = {}
    for one in alerts:
        track = one.track
        name = one.id if track is None else f"{track.party}/{track.feed}/{track.track}"
        groups.setdefault(name, []).append(one)
    return [
        Group(
            id=name,
            level=members[0].level,
            track=members[0].track,
            desk=members[0].desk,
            doubted=members[0].doubted,
            time_s=min((one.time_s for one in members if one.time_s is not None), default=None),
            alerts=tuple(replace(one, track=None, desk=None) for one in members),
        )
        for name, members in groups.items()
    ]

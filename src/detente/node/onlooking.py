"""Onlooking: what a party's screen shows of the watch, whole at first and then what changed.

A screen that falls behind gets the newest of everything and holds up nobody: what it was sent
last is all that is remembered of it. The bytes of a track are made once for all screens.
"""

from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from detente.core.principal import Principal
from detente.core.release import Grade
from detente.core.view import Reader
from detente.node.alerted import (
    Alerting,
    Group,
    SilentFeed,
    TrackShown,
    grouped,
    shown_track,
    track_for,
)
from detente.node.asking import reader_of
from detente.node.engine import Engine
from detente.node.feeding import FeedState
from detente.node.seen import Seen
from detente.node.telling.disclosures import disclose_tile
from detente.node.telling.tracks import FeedKey, disclose_tracks, feeds_in
from detente.node.watching import name_of

TRACKS_MAX = 10_000
"""Tracks on one screen: some 3 MB at first. What is left out is counted, and still warned of."""

GROUPS_MAX = 1_000
"""Lines of alerts on one screen, the gravest: nobody reads more. What is left out is counted."""

_encode = msgspec.json.encode


class Screen(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a party sees of the watch, or what of it changed.

    Attributes:
        as_of: When the watch last looked; None before it did.
        problem: Why it could not look since; empty where it could.
        problem_code: The same, as the refusal's code, or ``not_yet``.
        tracks: That move; of a change, those that moved or are new.
        gone: Names of tracks that are no more, of a change. Groups that are no more are not
            in ``order``.
        groups: Alerts by track; of a change, those that changed.
        order: Ids of all groups, gravest and soonest first.
        silences: Feeds that are silent, all of them.
        feeds: How each feed is, all of them; none where nothing of that changed.
        tracks_left_out: Tracks beyond TRACKS_MAX.
        groups_left_out: Groups beyond GROUPS_MAX.
    """

    as_of: datetime | None
    problem: str = ""
    problem_code: str = ""
    tracks: tuple[TrackShown, ...] = ()
    gone: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    order: tuple[str, ...] = ()
    silences: tuple[SilentFeed, ...] = ()
    feeds: tuple[FeedState, ...] = ()
    tracks_left_out: int = 0
    groups_left_out: int = 0


class _Written(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The same, of parts that are written already."""

    as_of: datetime | None
    problem: str = ""
    problem_code: str = ""
    tracks: tuple[Raw, ...] = ()
    gone: tuple[str, ...] = ()
    groups: tuple[Raw, ...] = ()
    order: tuple[str, ...] = ()
    silences: tuple[SilentFeed, ...] = ()
    feeds: tuple[FeedState, ...] = ()
    tracks_left_out: int = 0
    groups_left_out: int = 0


class Wall:
    """The screens of one process.

    Args:
        engine: At work.
        alerting: What is shown to whom.
    """

    def __init__(self, engine: Engine, alerting: Alerting) -> None:
        self.engine = engine
        self.alerting = alerting
        self._written: dict[str, tuple[Seen, Raw]] = {}

    @property
    def mark(self) -> tuple[object, object]:
        """Differs once there may be something new: the watch looked, or somebody took in."""
        return self.alerting.watching.as_of, self.engine.world.shown.warned

    def tracks(self, reader: Reader) -> tuple[dict[str, Raw], set[FeedKey], int]:
        """Tracks that a party sees, by name, of which feeds, and how many had no room."""
        latest = self.alerting.latest()
        if len(latest) > TRACKS_MAX:
            latest.sort(key=lambda one: not one.calls_for_help)
        if len(self._written) > 2 * len(latest):
            self._written = {}
        sees: dict[tuple[str, int], bool] = {}
        out: dict[str, Raw] = {}
        heard: set[FeedKey] = set()
        left_out = 0
        for one in latest:
            of = one.party, id(one.release)
            if of not in sees:
                sees[of] = track_for(reader, one) is not None
            if sees[of] and len(out) < TRACKS_MAX:
                out[name_of(one)] = self._raw(one)
                heard.add((one.party, one.feed))
            else:
                left_out += sees[of]
        return out, heard, left_out

    def _raw(self, one: Seen) -> Raw:
        name = name_of(one)
        seen, raw = self._written.get(name, (None, _NOTHING))
        if seen is not one:
            raw = Raw(_encode(shown_track(one)))
            self._written[name] = one, raw
        return raw


class Onlooker:
    """One screen.

    Args:
        wall: Of the process.
        principal: Who looks.
    """

    def __init__(self, wall: Wall, principal: Principal) -> None:
        self._wall = wall
        self._principal = principal
        self._tracks: dict[str, Raw] = {}
        self._groups: dict[str, Raw] = {}
        self._feeds: tuple[FeedState, ...] = ()

    async def look(self) -> bytes:
        """What changed since the last look, as JSON of a Screen; all of it at first.

        That entries, alerts and what feeds tell are shown is on record before.

        Raises:
            Unavailable: It cannot be recorded: then nothing may be shown.
        """
        engine, alerting = self._wall.engine, self._wall.alerting
        state = engine.world.shown
        reader = reader_of(state, self._principal.party, engine.clock())
        recorded = alerting.on_record(state.warned)
        found = alerting.alerts(reader, recorded)
        silent = alerting.silences(reader, recorded)
        tracks, heard, tracks_left_out = self._wall.tracks(reader)
        watching = alerting.watching
        feeds = tuple(alerting.feeds(reader))
        groups = grouped(found.alerts)
        shown = {one.id: Raw(_encode(one)) for one in groups[:GROUPS_MAX]}
        leaves = dict.fromkeys(silent.leaves, Grade.FULL)
        await disclose_tile(engine, self._principal, found.shown | leaves, "stream")
        heard = heard | feeds_in(found.alerts)
        await disclose_tracks(engine, self._principal.party, heard, "stream")
        tracked, self._tracks = self._tracks, tracks
        alerted, self._groups = self._groups, shown
        written = _Written(
            as_of=watching.as_of,
            problem=watching.problem,
            problem_code=watching.problem_code,
            tracks=tuple(raw for name, raw in tracks.items() if tracked.get(name) is not raw),
            gone=tuple(name for name in tracked if name not in tracks),
            groups=tuple(
                raw
                for name, raw in shown.items()
                if bytes(alerted.get(name, _NOTHING)) != bytes(raw)
            ),
            order=tuple(shown),
            silences=silent.silences,
            feeds=() if feeds == self._feeds else feeds,
            tracks_left_out=tracks_left_out,
            groups_left_out=max(0, len(groups) - GROUPS_MAX),
        )
        self._feeds = feeds
        return _encode(written)


_NOTHING = Raw(b"")

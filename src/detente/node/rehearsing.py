"""A scenario played to the watch, and what each party's desk is told of it.

What a desk is told is cut by its party's Reader, as it is for whoever asks a node, and that
it was shown an entry, or tracks, is on the record before. The watch has the scenario's clock; the
record has that of the day on which it is played.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from detente.core.alerts import Level
from detente.core.heard import Heard
from detente.core.principal import Method, Principal, Scope
from detente.node.alerted import Alerting, AlertShown
from detente.node.asking import reader_of
from detente.node.engine import Engine
from detente.node.feeding import Feed, Feeding
from detente.node.replaying import Pace, steps
from detente.node.seen import LiveTracks
from detente.node.telling.disclosures import disclose
from detente.node.telling.tracks import disclose_tracks, feeds_in
from detente.node.watching import Watching

Key = tuple[str, str, str]
"""Party, track and object; a track or object that a desk is not shown is empty."""


class Told(Struct, frozen=True, kw_only=True):
    """What a desk is told that it was not told before.

    Attributes:
        time: Of the scenario.
        stage: Which.
        party: Whose desk.
        what: ``begun``, ``raised`` or ``ended``.
        alert: As the party sees it; where it ended, as it last saw it.
    """

    time: datetime
    stage: str
    party: str
    what: str
    alert: AlertShown


class Stage:
    """One course of events: its feeds, its watch, and what its desks were told.

    Args:
        name: Which.
        engine: Of the register; it must have started.
        feeds: By the track that each tells of.
        parties: Whose desks listen.
        start: When it begins.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        feeds: Mapping[str, Feed],
        parties: Sequence[str],
        start: datetime,
    ) -> None:
        self.name = name
        self._engine, self._feeds, self._parties = engine, feeds, parties
        self._tracks, self._watching = LiveTracks(), Watching()
        self._feeding = Feeding(self._tracks)
        self._alerting = Alerting(self._tracks, self._feeding, self._watching)
        self._standing: dict[Key, AlertShown] = {}
        for feed in feeds.values():
            self._feeding.add(feed, start)

    def hears(self, one: Heard) -> bool:
        """Whether this is of one of its tracks."""
        return one.observed.track in self._feeds

    async def look(self, heard: Sequence[Heard], now: datetime) -> list[Told]:
        """Take positions, look once, and tell the desks what is new to them.

        Args:
            heard: Of its own tracks.
            now: Of the scenario, UTC.

        Raises:
            Unavailable: What a desk would be shown cannot be put on record.
        """
        for one in heard:
            self._feeding.take(self._feeds[one.observed.track], [one], now)
        self._watching.look(self._engine.world.shown.protected, self._tracks.latest(), now)
        return [told for party in self._parties for told in await self._tell(party, now)]

    async def _tell(self, party: str, now: datetime) -> list[Told]:
        reader = reader_of(self._engine.world.shown, party, self._engine.clock())
        found = self._alerting.alerts(reader)
        desk = Principal(
            party=party, method=Method.SIGNED, subject=party, scopes=frozenset({Scope.READ})
        )
        await disclose(self._engine, desk, found.views)
        await disclose_tracks(self._engine, party, feeds_in(found.alerts), "read")
        seen = {_key(party, alert): alert for alert in found.alerts}
        out = [
            Told(time=now, stage=self.name, party=party, what=what, alert=alert)
            for key, alert in seen.items()
            if (what := _news(self._standing.get(key), alert))
        ]
        gone = [key for key in self._standing if key[0] == party and key not in seen]
        out += [
            Told(time=now, stage=self.name, party=party, what="ended", alert=self._standing[key])
            for key in gone
        ]
        kept = {key: alert for key, alert in self._standing.items() if key[0] != party}
        self._standing = kept | seen
        return out


def _key(party: str, alert: AlertShown) -> Key:
    track = "" if alert.track is None else alert.track.track
    entry = "" if alert.entry is None else alert.entry.object or ""
    return party, track, entry


_LEVELS = {level: number for number, level in enumerate(Level)}


def _news(before: AlertShown | None, alert: AlertShown) -> str:
    if before is None:
        return "begun"
    return "raised" if _LEVELS[alert.level] > _LEVELS[before.level] else ""


async def perform(
    stages: Sequence[Stage],
    heard: Sequence[Heard],
    *,
    speed: float,
    tell: Callable[[datetime, list[Told]], None],
) -> float:
    """Play several courses of events at once, each for itself.

    Args:
        stages: No track is of two of them.
        heard: In order of time.
        speed: Times their own; 0 waits never.
        tell: Called after each look of all of them.

    Returns:
        How far behind its speed it was at most, in seconds.

    Raises:
        MalformedInput: No such speed.
        Unavailable: What a desk would be shown cannot be put on record.
    """
    if not heard:
        return 0.0
    pace = Pace(heard[0].observed.time, speed)
    for now, batch in steps(heard):
        await asyncio.sleep(pace.wait_s(now))
        news = [
            told
            for stage in stages
            for told in await stage.look([one for one in batch if stage.hears(one)], now)
        ]
        tell(now, news)
    return pace.behind_s

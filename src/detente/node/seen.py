"""Live tracks: the last observation of each, and who follows them.

Kept in memory, in one process. What protects is on the record (a party's own people are
presence) or on the watch; what is here is what moves too fast for either. Whoever follows
holds one place a track and no queue: a slow reader gets the newest of each and delays nobody.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from detente.core.heard import DISTRESS
from detente.core.party import PartyId
from detente.core.release import Release
from detente.core.watch import Observed
from detente.errors import Unavailable

TRACKS_MAX = 100_000
"""Tracks at once: five times the aircraft in the air at the busiest hour of the world."""

DISTRESS_MAX = 1_000
"""Distress beacons beyond TRACKS_MAX: more than any ship carries, and a bound all the same."""

FORGOTTEN_AFTER = timedelta(hours=6)
"""As long as a track grows (detente.core.presence.TRACK_GROWTH_MAX_S)."""


class Seen(Struct, frozen=True, kw_only=True):
    """One observation, who reports it and whom he shows it to.

    Attributes:
        party: Who reports it.
        feed: The source of that party; with the track's own name it names the track.
        observed: Where and when.
        kind: As detente.core.heard.Craft has it, ``person``, or what the source calls it.
        name: Callsign or ship's name, as the source gives it.
        own: Whether it is the party's own people: then it is presence as well.
        release: To whom the party shows it; None to nobody.
        doubts: Why it may not be where it is said to be; each a word of its source's door.
        other: Where it may be instead, where its position is doubted (detente.core.doubts).
        stale: When its source says that it tells no more; None if it does not say.
        object_id: Of the presence that stands for it in the record, once there is one.
        watched: Whether the watch asks of it.
    """

    party: PartyId
    feed: str
    observed: Observed
    kind: str = "track"
    name: str = ""
    own: bool = False
    release: Release | None = None
    doubts: tuple[str, ...] = ()
    other: Observed | None = None
    stale: datetime | None = None
    object_id: str | None = None
    watched: bool = True

    @property
    def calls_for_help(self) -> bool:
        """Whether it is a distress beacon's, so that there is always room for it."""
        return self.kind in DISTRESS

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the track among all: no party can speak for another's."""
        return self.party, self.feed, self.observed.track


class Following:
    """What changed of the tracks since it was last taken, the newest of each."""

    def __init__(self, shown: Callable[[Seen], bool]) -> None:
        self._shown = shown
        self._changed: dict[tuple[str, str, str], Seen] = {}
        self._ready = asyncio.Event()

    def put(self, one: Seen) -> None:
        """Note a track's newest observation, where it is shown here."""
        if self._shown(one):
            self._changed[one.key] = one
            self._ready.set()

    async def take(self) -> list[Seen]:
        """Wait until something changed; the newest observation of each track that did."""
        await self._ready.wait()
        return self.changed()

    def changed(self) -> list[Seen]:
        """What changed, without waiting."""
        self._ready.clear()
        out, self._changed = list(self._changed.values()), {}
        return out


class LiveTracks:
    """The last observation of each track.

    Args:
        tracks_max: More are refused, never the newest kept in place of others.
    """

    def __init__(self, tracks_max: int = TRACKS_MAX) -> None:
        self._tracks_max = tracks_max
        self._last: dict[tuple[str, str, str], Seen] = {}
        self._following: set[Following] = set()

    def __contains__(self, key: tuple[str, str, str]) -> bool:
        """Whether there is such a track."""
        return key in self._last

    def put(self, seen: Iterable[Seen]) -> int:
        """Take observations; one older than the track's last tells nothing new and is left.

        Returns:
            How many were taken.

        Raises:
            Unavailable: Too many tracks; those before it were taken.
        """
        taken = 0
        for one in seen:
            key = one.key
            before = self._last.get(key)
            room = self._tracks_max + DISTRESS_MAX * one.calls_for_help
            if before is None and len(self._last) >= room:
                raise Unavailable("tracks", expected=f"at most {self._tracks_max} at once")
            if before is not None and one.observed.time < before.observed.time:
                continue
            self._last[key] = one
            taken += 1
            for each in self._following:
                each.put(one)
        return taken

    def latest(self, shown: Callable[[Seen], bool] = lambda _: True) -> list[Seen]:
        """The last observation of each track that is shown."""
        return [one for one in self._last.values() if shown(one)]

    def drop(self, key: tuple[str, str, str]) -> Seen | None:
        """Let go of a track of which its source says that it is over."""
        return self._last.pop(key, None)

    def forget(self, now: datetime) -> list[Seen]:
        """Let go of tracks unheard of for so long that they may be anywhere."""
        gone = [key for key, one in self._last.items() if now - one.observed.time > FORGOTTEN_AFTER]
        return [self._last.pop(key) for key in gone]

    def follow(self, shown: Callable[[Seen], bool]) -> Following:
        """Be told of what changes from now on; it begins with what is there. End with ``leave``.

        Args:
            shown: Whether an observation may be seen by whoever follows; asked each time.
        """
        following = Following(shown)
        for one in self._last.values():
            following.put(one)
        self._following.add(following)
        return following

    def leave(self, following: Following) -> None:
        """Be told no more."""
        self._following.discard(following)

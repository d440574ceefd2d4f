"""Feeds: whose they are, what of them is taken, and whether they are silent.

A feed belongs to the party that reports it. What it tells goes to the live tracks, with
the party's release and with doubts; nothing of it is dropped unsaid: what is older than its
track's last is counted as late, and what there is no room for as refused.

Each process of a node hears each feed itself, so that each can answer and warn by itself.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from detente.core.doubts import Doubt, Doubting, Receiver, floats
from detente.core.heard import Heard
from detente.core.party import PartyId
from detente.core.release import Release
from detente.core.telling import FeedName
from detente.errors import Conflict, MalformedInput, Unavailable
from detente.node.metrics import FEED_DOUBTED, FEED_POSITIONS, FEED_REFUSED, FEEDS_SILENT
from detente.node.quarantine import RefusedCount, code_of
from detente.node.seen import FORGOTTEN_AFTER, LiveTracks, Seen

AHEAD_MAX = timedelta(seconds=5)
"""How far ahead of the node's clock an observation may be: two clocks kept by NTP differ by
less. What is further ahead would hide all that comes after it."""

FEEDS_MAX = 100
"""Each is a connection; a theatre has some tens of receivers."""

NO_ROOM = "tracks: no room for more"


class Broken(StrEnum):
    """What is wrong with a connection, for whoever tells it in another language."""

    CLOSED = "closed"
    UNREACHABLE = "unreachable"
    UNREADABLE = "unreadable"


class Feed(Struct, frozen=True, kw_only=True):
    """A feed as it was set.

    Attributes:
        name: Of the party's choice; with the track's own name it names a track.
        party: Who reports it.
        release: To whom the party shows its tracks; None to nobody else.
        receiver: Where it stands and how far it hears, if that was said.
        silent_after_s: After so long without a position it counts as lost.
    """

    name: FeedName
    party: PartyId
    release: Release | None = None
    receiver: Receiver | None = None
    silent_after_s: float = 60.0


class FeedState(Struct, frozen=True, kw_only=True):
    """How a feed is.

    Attributes:
        name: Which.
        party: Whose.
        silent: Whether it is lost: no position for longer than it may be.
        heard: Time of the last position; None where none came yet.
        problem: What is wrong with the connection; empty where nothing is.
        problem_code: The same, as one of ``Broken``.
        positions: That were taken.
        doubted: Of these.
        late: Older than the last of their track: they change nothing.
        refused: Messages that could not be read, or for which there was no room; to whoever
            does not report the feed, none.
    """

    name: str
    party: str
    silent: bool
    heard: datetime | None
    problem: str
    problem_code: str
    positions: int
    doubted: int
    late: int
    refused: dict[str, int]


class _Fed:
    """One feed at work."""

    def __init__(self, feed: Feed, now: datetime) -> None:
        self.feed = feed
        self.doubting = Doubting(feed.receiver)
        self.since = now
        self.heard: datetime | None = None
        self.problem = self.problem_code = ""
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.refused_last: dict[str, datetime] = {}

    def is_silent(self, now: datetime) -> bool:
        return (now - (self.heard or self.since)).total_seconds() > self.feed.silent_after_s


class Feeding:
    """All feeds of a process.

    Args:
        tracks: Where what they tell goes.
    """

    def __init__(self, tracks: LiveTracks) -> None:
        self._tracks = tracks
        self._fed: dict[tuple[str, str], _Fed] = {}

    def add(self, feed: Feed, now: datetime) -> None:
        """Begin with a feed.

        Raises:
            Conflict: The party has one of that name, or there are FEEDS_MAX.
        """
        key = feed.party, feed.name
        if key in self._fed or len(self._fed) >= FEEDS_MAX:
            raise Conflict(f"feed {feed.name}", expected=f"each once, at most {FEEDS_MAX}")
        self._fed[key] = _Fed(feed, now)

    def take(self, feed: Feed, heard: Iterable[Heard], now: datetime) -> None:
        """What a feed tells.

        Args:
            feed: One that was added.
            heard: In the order in which it came.
            now: UTC.
        """
        fed = self._fed[feed.party, feed.name]
        for one in heard:
            self._put(fed, _seen(fed, one, now), now)

    def _put(self, fed: _Fed, seen: Seen, now: datetime) -> None:
        try:
            taken = self._tracks.put([seen])
        except Unavailable:
            self.refuse(fed.feed, {NO_ROOM: 1}, now)
            return
        time = seen.observed.time
        fed.heard = time if fed.heard is None else max(fed.heard, time)
        fed.counts["positions"] += taken
        fed.counts["late"] += not taken
        fed.counts["doubted"] += bool(taken and seen.doubts)
        FEED_POSITIONS.inc(taken)
        FEED_DOUBTED.inc(bool(taken and seen.doubts))

    def refuse(self, feed: Feed, refused: dict[str, int], now: datetime) -> None:
        """What could not be read, by reason."""
        fed = self._fed[feed.party, feed.name]
        fed.refused.update(refused)
        fed.refused_last.update(dict.fromkeys(refused, now))
        FEED_REFUSED.inc(sum(refused.values()))

    def report(self, feed: Feed, problem: str = "", code: Broken | None = None) -> None:
        """How its connection is; without a problem, well."""
        fed = self._fed[feed.party, feed.name]
        fed.problem, fed.problem_code = problem, code or ""

    def states(self, now: datetime) -> list[tuple[Feed, FeedState]]:
        """How each is."""
        return [(one.feed, _state(one, now)) for one in self._fed.values()]

    def refused(self) -> list[RefusedCount]:
        """How often what was refused, of everybody's."""
        return [
            RefusedCount(
                party=one.feed.party,
                feed=one.feed.name,
                code=code_of(MalformedInput.code, reason),
                reason=reason,
                count=count,
                last=one.refused_last[reason],
            )
            for one in self._fed.values()
            for reason, count in one.refused.items()
        ]

    def look(self, now: datetime) -> None:
        """Count the silent ones, and let go of what is long past."""
        FEEDS_SILENT.set(sum(one.is_silent(now) for one in self._fed.values()))
        for one in self._fed.values():
            one.doubting.forget(now - FORGOTTEN_AFTER)


def _seen(fed: _Fed, one: Heard, now: datetime) -> Seen:
    observed, said = one.observed, one.doubts
    if observed.time - now > AHEAD_MAX:
        observed, said = replace(observed, time=now), (*said, str(Doubt.AHEAD_OF_TIME))
    judged = fed.doubting.judge(observed, one.kind, said)
    return Seen(
        party=fed.feed.party,
        feed=fed.feed.name,
        observed=observed,
        kind=str(one.kind),
        name=one.name,
        release=fed.feed.release,
        doubts=tuple(map(str, judged.doubts)),
        other=judged.other,
        watched=one.watched and not floats(observed, one.kind, judged.doubts),
    )


def _state(one: _Fed, now: datetime) -> FeedState:
    counts = one.counts
    return FeedState(
        name=one.feed.name,
        party=one.feed.party,
        silent=one.is_silent(now),
        heard=one.heard,
        problem=one.problem,
        problem_code=one.problem_code,
        positions=counts["positions"],
        doubted=counts["doubted"],
        late=counts["late"],
        refused=dict(sorted(one.refused.items())),
    )

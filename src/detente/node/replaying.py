"""What was recorded, played again in order of time, with the watch on.

The clock of a replay is the recording's, as fast as is wanted. Whoever cannot keep up is
behind, and loses nothing: each position is taken before the look of its second.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from detente.core.heard import Heard
from detente.core.volume import EPOCH
from detente.errors import MalformedInput
from detente.node.feeding import Feed, Feeding
from detente.node.seen import LiveTracks
from detente.node.watching import Looked, Watching
from detente.picture import Picture

SPEED_MAX = 10_000.0
"""Times the recording's speed; more is as fast as it goes (0)."""

STEP = timedelta(seconds=1)
"""Of the recording, between two looks: as the node does it."""


class Played(Struct, kw_only=True):
    """What a replay did, for the end of it.

    Attributes:
        read: Positions of the recording.
        taken: That changed where a track is.
        doubted: Of these.
        late: Older than the last of their track.
        lost: Neither taken nor late; 0 unless there were too many tracks.
        tracks: How many there were.
        looks: How often the watch looked.
        begun: Alerts with entries that began.
        behind_s: How far behind its speed the replay was at most.
        wall_s: How long it took.
    """

    read: int = 0
    taken: int = 0
    doubted: int = 0
    late: int = 0
    lost: int = 0
    tracks: int = 0
    looks: int = 0
    begun: int = 0
    behind_s: float = 0.0
    wall_s: float = 0.0


def shifted(heard: Sequence[Heard], start: datetime) -> Iterator[Heard]:
    """The same, as if the first were at ``start``."""
    if heard:
        by = start - heard[0].observed.time
        for one in heard:
            moved = replace(one.observed, time=one.observed.time + by)
            yield replace(one, observed=moved)


def steps(heard: Sequence[Heard]) -> Iterator[tuple[datetime, list[Heard]]]:
    """What came in each second that had anything, at the second's end."""
    batch: list[Heard] = []
    until: datetime | None = None
    for one in heard:
        at = one.observed.time
        if until is not None and at >= until:
            yield until, batch
            batch, until = [], None
        if until is None:
            until = at.replace(microsecond=0) + STEP
        batch.append(one)
    if until is not None:
        yield until, batch


def check_speed(speed: float) -> None:
    """Refuse a speed at which nothing can be played.

    Raises:
        MalformedInput: Negative, above SPEED_MAX, or no number.
    """
    if not 0 <= speed <= SPEED_MAX:
        raise MalformedInput("speed", expected=f"0 to {SPEED_MAX:.0f}", got=f"{speed}")


class Pace:
    """Waits so that the recording goes at its speed.

    Args:
        start: The recording's first time.
        speed: Times its own; 0 waits never.

    Raises:
        MalformedInput: Negative, above SPEED_MAX, or no number.
    """

    def __init__(self, start: datetime, speed: float) -> None:
        check_speed(speed)
        self._start, self._speed = start, speed
        self._begun = time.monotonic()
        self.behind_s = 0.0

    def wait_s(self, at: datetime) -> float:
        """How long until a time of the recording is due; 0 where it is past."""
        if self._speed == 0:
            return 0.0
        due = (at - self._start).total_seconds() / self._speed
        wait = due - self.elapsed_s
        self.behind_s = max(self.behind_s, -wait)
        return max(0.0, wait)

    @property
    def elapsed_s(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begun


def play(
    feed: Feed,
    heard: Sequence[Heard],
    picture: Picture,
    *,
    speed: float,
    tell: Callable[[datetime, Looked], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Played:
    """Play a recording with the watch on.

    Args:
        feed: As whose it counts.
        heard: In order of time.
        picture: What protects.
        speed: As Pace has it.
        tell: Called after each look with what it changed.
        sleep: Waits; for tests.

    Raises:
        MalformedInput: No such speed.
        Unavailable, LogInconsistent: What protects could not be read.
    """
    tracks = LiveTracks()
    feeding, watching, out = Feeding(tracks), Watching(), Played(read=len(heard))
    start = heard[0].observed.time if heard else EPOCH
    pace = Pace(start, speed)
    feeding.add(feed, start)
    for now, batch in steps(heard):
        sleep(pace.wait_s(now))
        feeding.take(feed, batch, now)
        looked = watching.look(picture, tracks.latest(), now)
        out.looks += 1
        out.begun += sum(one.known is not None for one in looked.begun)
        tell(now, looked)
    ((_, state),) = feeding.states(start)
    out.taken, out.doubted, out.late = state.positions, state.doubted, state.late
    out.lost = out.read - out.taken - out.late
    out.tracks = len({one.observed.track for one in heard})
    out.behind_s, out.wall_s = pace.behind_s, pace.elapsed_s
    return out

"""The watch at work: all live tracks against all that protects, again and again.

What is hidden protects as well: the watch asks the whole picture, and whom an alert tells
what is cut when somebody asks (detente.node.alerted). Plans are not asked: whose an aircraft is,
nobody proves, and each would violate the plan that it flies.

Alerts are of this process and in memory (docs/adr/0027).
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from detente.core.alerts import Alert, Key, Step, Terms, step
from detente.core.check import Known
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.watch import Approach
from detente.errors import LogInconsistent, Unavailable
from detente.node.metrics import WATCH_ALERTS, WATCH_SECONDS, WATCH_TRACKS
from detente.node.seen import Seen
from detente.picture import Picture
from detente.picture.watch import tick, tracks_of

NOT_YET = "not_yet"
"""The code of a watch that has not looked yet."""

WATCHED_FOR = timedelta(minutes=10)
"""How long a track is watched that is heard of no more: along its course (Terms.coast_s). By then
an aircraft may be anywhere within 240 km; its alerts with entries end as they were."""


class Watched(Struct, frozen=True, kw_only=True):
    """An alert with what it is about; ``known`` is None where a track is lost."""

    alert: Alert
    seen: Seen
    known: Known | None


class Looked(Struct, frozen=True, kw_only=True):
    """What one look changed (detente.core.alerts.Step)."""

    begun: tuple[Watched, ...]
    raised: tuple[Watched, ...]
    ended: tuple[Watched, ...]


class _Near(NamedTuple):
    """What one look found: the soonest of each track and entry, and those entries by id."""

    approaches: dict[Key, Approach]
    known: dict[str, Known]


class Watching:
    """The watch of one process. Looks follow each other, on any thread.

    Args:
        terms: When alerts begin and end.

    Attributes:
        as_of: When it last looked.
        problem: Why it could not look the last time; empty where it could.
        problem_code: The same, as the refusal's code, or NOT_YET.
    """

    def __init__(self, terms: Terms | None = None) -> None:
        self._terms = terms or Terms()
        self._watched: dict[Key, Watched] = {}
        self.as_of: datetime | None = None
        self.problem, self.problem_code = "has not looked yet", NOT_YET

    @property
    def watched(self) -> tuple[Watched, ...]:
        """What stands."""
        return tuple(self._watched.values())

    def look(self, picture: Picture, tracks: Iterable[Seen], now: datetime) -> Looked:
        """One look.

        Args:
            picture: All that protects; plans in it are passed over.
            tracks: The last observation of each.
            now: UTC.

        Raises:
            Unavailable, LogInconsistent: What protects could not be read; what stood stands.
        """
        begun = time.perf_counter()
        seen = {name_of(one): one for one in tracks if _is_asked_of(one, now)}
        entries = {entry for _, entry in self._watched if entry is not None}
        try:
            near = self._near(picture, seen, now)
            there = {known.object_id: known for known in picture.some(sorted(entries))}
        except (Unavailable, LogInconsistent) as error:
            self.problem, self.problem_code = f"{error}", error.code
            raise
        gone = {track for track, _ in self._watched} - set(seen)
        done = step(
            {key: one.alert for key, one in self._watched.items()},
            near.approaches.values(),
            {name: one.observed.time for name, one in seen.items()},
            now=now,
            terms=self._terms,
            over=(entries - set(there)) | gone,
        )
        out = self._changed(done, seen, {**near.known, **there})
        self.as_of, self.problem, self.problem_code = now, "", ""
        WATCH_SECONDS.observe(time.perf_counter() - begun)
        WATCH_TRACKS.set(len(seen))
        WATCH_ALERTS.set(len(self._watched))
        return out

    def idle(self, now: datetime) -> None:
        """There is nothing to look at."""
        self.as_of, self.problem, self.problem_code = now, "", ""
        WATCH_TRACKS.set(0)
        WATCH_ALERTS.set(0)

    def _changed(self, done: Step, seen: Mapping[str, Seen], known: Mapping[str, Known]) -> Looked:
        before = self._watched

        def of(alert: Alert) -> Watched:
            key = alert.track, alert.entry
            was = before.get(key)
            return Watched(
                alert=alert,
                seen=seen[alert.track] if alert.track in seen else before[key].seen,
                known=known.get(alert.entry or "", None if was is None else was.known),
            )

        self._watched = {key: of(alert) for key, alert in done.standing.items()}
        return Looked(
            begun=tuple(map(of, done.begun)),
            raised=tuple(map(of, done.raised)),
            ended=tuple(map(of, done.ended)),
        )

    def _near(self, picture: Picture, seen: Mapping[str, Seen], now: datetime) -> _Near:
        """The soonest of each track and entry, wherever the track may be."""
        rows = [
            (name, observed)
            for name, one in seen.items()
            for observed in (one.observed, one.other)
            if observed is not None
        ]
        near = _Near({}, {})
        if not rows:
            return near
        tracks = tracks_of([observed for _, observed in rows])
        terms = self._terms
        found = tick(picture, tracks, now, horizon_s=terms.end_lead_s, coast_s=terms.coast_s)
        for segment, hits in found:
            entries = segment.entries.take(hits["owner"])
            for known, (row, _, *measures) in zip(entries, hits.tolist(), strict=True):
                name = rows[row][0]
                if not _of_no_account(seen[name], known):
                    _add(near, name, known, measures)
        return near


def _is_asked_of(one: Seen, now: datetime) -> bool:
    return one.watched and now - one.observed.time <= WATCHED_FOR


def _of_no_account(seen: Seen, known: Known) -> bool:
    """Whether a track warns of an entry never: plans, and a party's own people of each other.

    What stands for a track itself is one of these, in the record or not yet.
    """
    value = known.value
    if isinstance(value, Plan) or known.object_id == seen.object_id:
        return True
    return seen.own and isinstance(value, Presence) and value.party == seen.party


def _add(near: _Near, track: str, known: Known, measures: Sequence[float]) -> None:
    distance, error, separation, time_s = measures
    key = track, known.object_id
    if key in near.approaches and near.approaches[key].time_s <= time_s:
        return
    near.known[known.object_id] = known
    near.approaches[key] = Approach(
        track=track,
        entry=known.object_id,
        distance_m=distance,
        distance_error_m=error,
        separation_m=separation,
        time_s=time_s,
    )


def name_of(one: Seen) -> str:
    """A track's name among those of all parties."""
    return "/".join(one.key)

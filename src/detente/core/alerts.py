"""Alerts: from what each tick of the watch finds to what begins, goes on and ends.

An alert begins when a violation may come within the lead time, and stays until, for a while,
observations say that none may come within a longer one: a pair that moves to and fro between
the two is one alert. It never falls in level, and silence does not end it: a track that is no
longer heard of may be anywhere that it could have got to, and becomes an alert of its own.

An alert informs. It permits nothing and advises nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from detente.core.volume import UtcTime, check_time
from detente.core.watch import COAST_MAX_S, HORIZON_MAX_S, Approach, TrackId
from detente.errors import MalformedInput


class Level(StrEnum):
    """What an alert says of a track, in rising gravity."""

    LOST = "lost"
    WARNING = "warning"
    VIOLATION = "violation"


_GRAVITY = {level: number for number, level in enumerate(Level)}

Seconds = Annotated[int, Meta(ge=0, le=HORIZON_MAX_S)]


class Terms(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When alerts begin and end.

    Attributes:
        lead_s: How long before a violation may come an alert begins.
        end_lead_s: Beyond what time an alert may end; the watch looks at least as far.
        hold_s: For how long, by the times of observations, it must have been beyond.
        silent_s: How old the last observation of a track may be before the track is lost.
        coast_s: For how long a lost track is taken to go on as it did, within its drift; from
            then on it may have turned anywhere (docs/adr/0033).

    Raises:
        MalformedInput: ``end_lead_s`` below ``lead_s``: such alerts would come and go.
    """

    lead_s: Seconds = 300
    end_lead_s: Seconds = 420
    hold_s: Seconds = 30
    silent_s: Seconds = COAST_MAX_S
    coast_s: Seconds = 600

    def __post_init__(self) -> None:
        if self.end_lead_s < self.lead_s:
            raise MalformedInput(
                "end_lead_s", expected=f"at least lead_s, {self.lead_s}", got=f"{self.end_lead_s}"
            )


class Alert(Struct, frozen=True, kw_only=True):
    """A track and an entry, or a track that is lost, for as long as it lasts.

    Attributes:
        track: Whose.
        entry: The entry's object id; None for a lost track.
        level: The gravest so far.
        begun: When it began.
        approach: What was last found of the two, maybe ticks ago; None for a lost track.
        beyond: Time of the observation since which every one says that it may end; None
            while the last one does not.
    """

    track: TrackId
    entry: str | None
    level: Level
    begun: UtcTime
    approach: Approach | None = None
    beyond: UtcTime | None = None


Key = tuple[str, str | None]
"""Track and entry."""


class Step(Struct, frozen=True, kw_only=True):
    """What one tick did; each alert is in exactly one of the first three.

    Attributes:
        begun: New ones.
        continuing: Those that go on.
        ended: Those that are over, as they last were.
        raised: Of those that go on, the ones whose level rose.
    """

    begun: tuple[Alert, ...]
    continuing: tuple[Alert, ...]
    ended: tuple[Alert, ...]
    raised: tuple[Alert, ...]

    @property
    def standing(self) -> dict[Key, Alert]:
        """What stands after it, for the next tick."""
        return {(one.track, one.entry): one for one in (*self.begun, *self.continuing)}


def step(
    standing: Mapping[Key, Alert],
    approaches: Iterable[Approach],
    seen: Mapping[str, datetime],
    *,
    now: datetime,
    terms: Terms,
    over: Collection[str] = (),
) -> Step:
    """One tick.

    1. A track or an entry that is ``over`` has no alerts: somebody said so.
    2. What may be violated within ``lead_s`` has an alert, a violation where that is now.
    3. A track last seen more than ``silent_s`` ago is lost, and has an alert that says so.
    4. What stands ends once every observation of ``hold_s`` said that it may, and the track
       is not lost. A track of which ``seen`` says nothing is lost.

    Args:
        standing: Of the tick before (``Step.standing``).
        approaches: What the watch found, at most one a track and entry, with a horizon of at
            least ``end_lead_s``. Those beyond ``end_lead_s`` may be left out.
        seen: The time of each track's last observation.
        now: UTC, of the tick.
        terms: When alerts begin and end.
        over: Tracks and entries by id that are no longer: landed, withdrawn.

    Raises:
        MalformedInput: A naive time.

    Source:
        DESIGN section 1: "raises the alarm before the line is crossed".
    """
    check_time(now, what="now")
    gone = set(over)
    near: dict[Key, Approach] = {
        (one.track, one.entry): one
        for one in approaches
        if one.time_s <= terms.end_lead_s and not gone & {one.track, one.entry}
    }
    silent = {
        track
        for track, time in seen.items()
        if now - time > timedelta(seconds=terms.silent_s) and track not in gone
    }
    silent |= {track for track, _ in standing if track not in seen and track not in gone}
    begun = [
        Alert(track=one.track, entry=one.entry, level=_level(one), begun=now, approach=one)
        for key, one in near.items()
        if one.time_s <= terms.lead_s and key not in standing
    ]
    begun += [
        Alert(track=track, entry=None, level=Level.LOST, begun=now)
        for track in sorted(silent)
        if (track, None) not in standing
    ]
    continuing, ended, raised = [], [], []
    for key, alert in standing.items():
        seen_at = None if alert.track in silent else seen.get(alert.track)
        after = _after(alert, near.get(key), seen_at)
        if gone & {alert.track, alert.entry} or _may_end(after, seen_at, terms):
            ended.append(after)
            continue
        continuing.append(after)
        if after.level is not alert.level:
            raised.append(after)
    return Step(
        begun=tuple(begun), continuing=tuple(continuing), ended=tuple(ended), raised=tuple(raised)
    )


def _level(one: Approach) -> Level:
    return Level.VIOLATION if one.time_s <= 0 else Level.WARNING


def _after(alert: Alert, found: Approach | None, seen_at: datetime | None) -> Alert:
    """The alert with what this tick found; ``seen_at`` is None of a track that is lost."""
    if found is not None:
        level = max(alert.level, _level(found), key=_GRAVITY.__getitem__)
        return replace(alert, level=level, approach=found, beyond=None)
    if seen_at is None:
        return replace(alert, beyond=None)
    return alert if alert.beyond is not None else replace(alert, beyond=seen_at)


def _may_end(alert: Alert, seen_at: datetime | None, terms: Terms) -> bool:
    return (
        alert.beyond is not None
        and seen_at is not None
        and seen_at - alert.beyond >= timedelta(seconds=terms.hold_s)
    )

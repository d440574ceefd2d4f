"""Years of recorded positions against what protected at that time.

Positions come in batches. Each batch is measured by itself, on any thread or machine
(``measured``), and what it says is joined in the order of the batches (``Joining``): the
leg from one batch to the next, and approaches that go on. So the answer does not depend on
who measured what, and nothing is held but the last position of each track and the
approaches that may still go on.

Source: docs/adr/0022.
"""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import numpy as np

from detente.core.check import rule_of
from detente.core.geodesy import IntArray
from detente.core.volume import EPOCH
from detente.errors import MalformedInput
from detente.node.past import Protected
from detente.picture.legs import (
    GAP,
    IN_ORDER,
    NEAR,
    POSITION,
    Ground,
    chained,
    gaps_of,
    grouped,
    jumps,
)
from detente.picture.tables import FOREVER_US, NEVER_US, Record, Records

NO_TRACK = -1


class Batch(NamedTuple):
    """Positions as they were read.

    Attributes:
        source: The file's name.
        names: Of the tracks; ``track`` of ``positions`` is a number of these.
        positions: (n,) POSITION, those of a track in order of time.
        refused: How many rows could not be read, by reason.
    """

    source: str
    names: list[str]
    positions: Records
    refused: dict[str, int]


class Measured(NamedTuple):
    """What a batch says. ``first`` and ``last`` (t,) POSITION, of each track that it names."""

    source: str
    names: list[str]
    rows: int
    refused: dict[str, int]
    first: Records
    last: Records
    near: Records
    gaps: Records


class Totals(msgspec.Struct, kw_only=True):
    """How much was read, and what was not observed.

    Attributes:
        positions: That were measured.
        tracks: How many.
        refused: Rows that could not be read, by reason.
        refused_first: The file of the first of them.
        gaps: How many times a track was not observed for longer than a leg may last.
        gaps_us: How long that was in all.
        start_us: The earliest position.
        end_us: The latest.
        approaches: How many were found.
    """

    positions: int = 0
    tracks: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    refused_first: str = ""
    gaps: int = 0
    gaps_us: int = 0
    start_us: int = FOREVER_US
    end_us: int = NEVER_US
    approaches: int = 0


def measured(batch: Batch, ground: Ground, gap_us: int) -> Measured:
    """What the legs within a batch come near.

    Raises:
        MalformedInput: A track goes back in time.
    """
    positions = batch.positions
    found = chained(positions, len(batch.names), gap_us, ground.cover)
    if found.unordered != IN_ORDER:
        raise _unordered(batch.source, batch.names, positions[found.unordered])
    near, jumped = _near(positions[found.legs[:, 0]], positions[found.legs[:, 1]], ground)
    gaps = gaps_of(positions[found.gaps[:, 0]], positions[found.gaps[:, 1]])
    return Measured(
        source=batch.source,
        names=batch.names,
        rows=len(positions),
        refused=batch.refused,
        first=positions[found.first],
        last=positions[found.last],
        near=near,
        gaps=np.concatenate([gaps, jumped]),
    )


def _near(begin: Records, end: Records, ground: Ground) -> tuple[Records, Records]:
    """NEAR of legs, and GAP of those that are none, of which both ends are measured."""
    jump = jumps(begin, end)
    if jump.any():
        gaps = gaps_of(begin[jump], end[jump])
        ends = np.concatenate([end[jump], end[~jump]])
        begin = np.concatenate([end[jump], begin[~jump]])
        return ground.near(begin, ends), gaps
    return ground.near(begin, end), np.empty(0, dtype=GAP)


def _unordered(source: str, names: Sequence[str], position: Record) -> MalformedInput:
    return MalformedInput(
        f"{source}, track {names[int(position['track'])]}",
        expected="positions in order of time within each track: sort it by track and time",
        got=f"one that goes back to {time_of(int(position['time_us'])).isoformat()}",
    )


def time_of(us: int) -> datetime:
    """A time, of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=us)


class Joining:
    """Joins what batches say, in their order.

    Args:
        ground: What is near what.
        gap_us: The longest time between two positions that are a leg.
    """

    def __init__(self, ground: Ground, gap_us: int) -> None:
        self.totals = Totals()
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._last = np.empty(0, dtype=POSITION)
        self._open = np.empty(0, dtype=NEAR)
        self._ground = ground
        self.gap_us = gap_us

    def add(self, one: Measured) -> tuple[Records, Records]:
        """Join one more batch.

        Returns:
            Approaches that are over, NEAR, and GAP; their tracks are numbers of ``names``.

        Raises:
            MalformedInput: A track goes back in time from one batch to the next.
        """
        numbers = self._numbers_of(one.names)
        first, last = _renumbered(one.first, numbers), _renumbered(one.last, numbers)
        before = self._last[numbers]
        seen = before["track"] != NO_TRACK
        begin, end = before[seen], first[seen]
        back = begin["time_us"] > end["time_us"]
        if back.any():
            raise _unordered(one.source, self.names, end[np.argmax(back)])
        leg = end["time_us"] - begin["time_us"] <= self.gap_us
        # The first position of a track, and one after a gap, stand alone.
        start = first.copy()
        start[np.flatnonzero(seen)[leg]] = begin[leg]
        near, jumped = _near(start, first, self._ground)
        gaps = np.concatenate(
            [gaps_of(begin[~leg], end[~leg]), jumped, _renumbered(one.gaps, numbers)]
        )
        self._last[numbers] = last
        self._open = grouped(np.concatenate([self._open, near, _renumbered(one.near, numbers)]))
        self._count(one, gaps)
        return self._over(self._last["time_us"][self._open["track"]]), gaps

    def finish(self) -> Records:
        """Approaches that were not over: no later position of their tracks was seen."""
        return self._over(np.full(len(self._open), FOREVER_US))

    def _over(self, seen_until: IntArray) -> Records:
        over = self._open["end_us"] < seen_until
        closed, self._open = self._open[over], self._open[~over]
        self.totals.approaches += len(closed)
        return closed[np.lexsort((closed["owner"], closed["track"], closed["start_us"]))]

    def _numbers_of(self, names: Sequence[str]) -> IntArray:
        """The numbers of tracks, in which those that are new get the next ones."""
        out = np.empty(len(names), dtype=np.int64)
        for place, name in enumerate(names):
            number = self._numbers.setdefault(name, len(self.names))
            if number == len(self.names):
                self.names.append(name)
            out[place] = number
        lacking = len(self.names) - len(self._last)
        if lacking > 0:
            # Doubled, so that tracks that come one by one are not copied each time.
            more = np.zeros(max(lacking, len(self._last)), dtype=POSITION)
            more["track"] = NO_TRACK
            self._last = np.concatenate([self._last, more])
        return out

    def _count(self, one: Measured, gaps: Records) -> None:
        totals = self.totals
        totals.positions += one.rows
        totals.tracks = len(self.names)
        totals.gaps += len(gaps)
        totals.gaps_us += int((gaps["end_us"] - gaps["start_us"]).sum())
        if one.refused and not totals.refused:
            totals.refused_first = one.source
        totals.refused.update(one.refused)
        if len(one.first):
            totals.start_us = min(totals.start_us, int(one.first["time_us"].min()))
            totals.end_us = max(totals.end_us, int(one.last["time_us"].max()))


def _renumbered(records: Records, numbers: IntArray) -> Records:
    out = records.copy()
    out["track"] = numbers[records["track"]]
    return out


class Approach(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """A track came near what protected at that time.

    Times of the track are those of its positions: it came near after the one at ``start``
    or there, and was near until the one at ``end`` at most. It was nearest between two of
    them, or at one where both are the same.

    Attributes:
        track: Its name.
        start: Of the first leg that came near (in JSON: ``from``).
        end: Of the last (``to``).
        distance_m: The least, from footprint to leg, 0 where they meet; metres.
        distance_error_m: How far off that is at most.
        separation_m: What was asked for, or what it asks by itself if that is more.
        closest_from: The position before it was nearest, at ``lat``, ``lon``.
        closest_to: The one after, at ``end_lat``, ``end_lon``; degrees.
        id: What it came near, as its author calls it.
        object: Its object in the record.
        version: Which version of it.
        entry: Which entry of the record said so.
        known_since: When that was put on record; None where nobody says.
        known_then: Whether that was before the track came near.
    """

    track: str
    start: datetime
    end: datetime
    distance_m: float
    distance_error_m: float
    separation_m: float
    closest_from: datetime
    closest_to: datetime
    lat: float
    lon: float
    end_lat: float
    end_lon: float
    kind: str
    id: str
    name: str
    category: str
    party: str | None
    object: str | None
    version: int | None
    entry: int | None
    known_since: datetime | None
    known_then: bool | None


def approaches(near: Records, names: Sequence[str], owners: Sequence[Protected]) -> list[Approach]:
    """What was found, with names.

    Args:
        near: NEAR.
        names: Of the tracks.
        owners: Of ``Past``, as they were laid out.
    """
    return [_approach(one, names, owners[one["owner"]]) for one in near]


def _approach(one: Record, names: Sequence[str], owner: Protected) -> Approach:
    known = owner.known
    value = known.value
    _, kind, _ = rule_of(value)
    recorded = owner.since is not None
    return Approach(
        track=names[one["track"]],
        start=time_of(int(one["start_us"])),
        end=time_of(int(one["end_us"])),
        distance_m=round(float(one["distance_m"]), 3),
        # Rounding the distance to the millimetre may add half of one to its error.
        distance_error_m=math.ceil(float(one["error_m"]) * 1_000 + 0.5) / 1_000,
        separation_m=float(one["separation_m"]),
        closest_from=time_of(int(one["closest_us"])),
        closest_to=time_of(int(one["closest_end_us"])),
        lat=float(one["lat"]),
        lon=float(one["lon"]),
        end_lat=float(one["end_lat"]),
        end_lon=float(one["end_lon"]),
        kind=kind,
        id=value.source_id,
        name=value.name or value.source_id,
        category=value.category,
        party=value.party,
        object=known.object_id or None,
        version=known.version if recorded else None,
        entry=known.sequence if recorded else None,
        known_since=owner.since,
        known_then=owner.since_us <= int(one["start_us"]) if recorded else None,
    )

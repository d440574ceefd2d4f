"""The picture: what is known now, as arrays, and the one query on it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from detente.core.agreement import NOTHING_AGREED, Agreement
from detente.core.check import Known, Meeting, Protected, protects
from detente.core.geodesy import DISTANCE_ERROR_M, SEMI_MINOR_M, FloatArray, IntArray
from detente.core.plan import Plan
from detente.core.presence import TRACK_GROWTH_MAX_S, Presence, Track
from detente.core.volume import EPOCH, MM_PER_M, Circle, Shape, microseconds
from detente.core.zone import Zone
from detente.errors import MalformedInput
from detente.picture.bands import Bands, bands
from detente.picture.measure import Items, meetings
from detente.picture.outline import Outlines, outlines

NEVER_US = np.iinfo(np.int64).min
FOREVER_US = np.iinfo(np.int64).max

_REACH_MARGIN_M = 1.0
"""Above every error that the kernels add (at most 0.05 m + two edges of 0.4 m)."""


class Picture:
    """Everything that a plan may meet, at one sequence number. Immutable.

    Args:
        known: Notices, presence, zones, and plans that protect.
        agreement: Whose separations apply; None asks for nothing by itself.
        sequence: Register version.

    Raises:
        MalformedInput: A shape too wide to be measured (named).
    """

    def __init__(
        self, known: Iterable[Known], *, agreement: Agreement | None = None, sequence: int = 0
    ) -> None:
        self.known: list[Known] = [one for one in known if protects(one.value)]
        self.agreement = agreement
        self.sequence = sequence
        rows = _Rows()
        for owner, one in enumerate(self.known):
            rows.add(owner, one.value, _asks(one.value, agreement))
        self._stale_after_us = np.array(
            [_stale_after_us(one.value) for one in self.known], dtype=np.int64
        )
        self._items = rows.items()
        self._outlines = _outlines_named(rows, self.known)
        self._index = _index(self._items, self._outlines)

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self.known)

    def stale_count(self, now: datetime) -> int:
        """How many entries are stale at ``now``; each protects as before (R-03)."""
        return int((self._stale_after_us < microseconds(now)).sum())

    def meetings(self, plans: Sequence[Plan], *, separation_mm: int = 0) -> list[list[Meeting]]:
        """What each plan meets, at most one meeting an entry: its nearest part.

        Args:
            plans: Any number; a plan does not meet itself.
            separation_mm: The least separation that the asker wants from all.

        Returns:
            One list a plan, in the order of the plans.
        """
        rows = _Rows()
        for owner, plan in enumerate(plans):
            asks = _asks(plan, self.agreement)
            wanted = max(asks.separation_mm, separation_mm)
            rows.add(owner, plan, asks._replace(separation_mm=wanted))
        question = rows.items()
        out: list[list[Meeting]] = [[] for _ in plans]
        if not len(self.known) or not len(question.owner):
            return out
        volumes, found, numbers = meetings(
            question, outlines(rows.shapes), self._index, self._items, self._outlines
        )
        self._group(plans, question, (volumes, found, numbers), out)
        return out

    def _group(
        self,
        plans: Sequence[Plan],
        question: Items,
        met: tuple[IntArray, IntArray, FloatArray],
        out: list[list[Meeting]],
    ) -> None:
        """One meeting per plan and entry: the nearest, over the whole shared time."""
        volumes, found, numbers = met
        plan = question.owner[volumes]
        entry = self._items.owner[found]
        start = np.maximum(question.start_us[volumes], self._items.start_us[found])
        end = np.minimum(question.end_us[volumes], self._items.end_us[found])
        # Of parts that are equally near, the one that is known best: whoever asks.
        order = np.lexsort((numbers[:, 1], numbers[:, 0] - numbers[:, 2], entry, plan))
        plan, entry, numbers = plan[order], entry[order], numbers[order]
        start, end = start[order], end[order]
        first = np.ones(len(plan), dtype=np.bool_)
        first[1:] = (plan[1:] != plan[:-1]) | (entry[1:] != entry[:-1])
        place = np.flatnonzero(first)
        if not len(place):
            return
        start = np.minimum.reduceat(start, place)
        end = np.maximum.reduceat(end, place)
        rows = zip(
            plan[place].tolist(),
            entry[place].tolist(),
            start.tolist(),
            end.tolist(),
            numbers[place].tolist(),
            strict=True,
        )
        for p, e, since, until, (distance, error, separation) in rows:
            known = self.known[e]
            if _same_plan(plans[p], known):
                continue
            out[p].append(
                Meeting(
                    known=known,
                    distance_m=distance,
                    distance_error_m=error,
                    separation_m=separation,
                    start=_time(since),
                    end=_time(until),
                )
            )


def _stale_after_us(value: Protected) -> int:
    """When the entry becomes stale, as its ``is_stale`` has it; plans never do."""
    if isinstance(value, Plan):
        return FOREVER_US
    due = FOREVER_US if value.review_due is None else microseconds(value.review_due)
    if isinstance(value, Presence) and value.track is not None:
        due = min(due, microseconds(value.track.time) + TRACK_GROWTH_MAX_S * 1_000_000)
    return due


def _same_plan(plan: Plan, known: Known) -> bool:
    """Whether the entry is the plan that asks, in this or another version."""
    other = known.value
    return (
        isinstance(other, Plan) and other.source_id == plan.source_id and other.party == plan.party
    )


def _time(us: int) -> datetime | None:
    """A time, or None for unbounded."""
    if us in (NEVER_US, FOREVER_US):
        return None
    return EPOCH + timedelta(microseconds=us)


class _Asks(NamedTuple):
    """What an entry asks around itself, millimetres; ``mutual`` of plans only."""

    separation_mm: int
    vertical_mm: int = 0
    mutual_mm: int = 0
    mutual_vertical_mm: int = 0


def _asks(value: Protected, agreement: Agreement | None) -> _Asks:
    """By the entry itself and by the agreement for its category."""
    agreed = NOTHING_AGREED if agreement is None else agreement.separation(value.category)
    if isinstance(value, Plan):
        return _Asks(
            value.hazard_mm,
            mutual_mm=agreed.horizontal_mm,
            mutual_vertical_mm=agreed.vertical_mm,
        )
    separation_mm = max(value.standoff_mm, agreed.horizontal_mm)
    if isinstance(value, Zone):
        # A line known to within u may lie u nearer than drawn.
        separation_mm += value.uncertainty_mm
    return _Asks(separation_mm, agreed.vertical_mm)


class _Rows:
    """Collects one row per (object, volume, shape), in the order of Items."""

    def __init__(self) -> None:
        self.shapes: list[Shape] = []
        self._rows: list[tuple[float, ...]] = []

    def add(self, owner: int, value: Protected, asks: _Asks) -> None:
        """All rows of one entry."""
        if isinstance(value, Presence) and value.track is not None:
            self._add_track(owner, value.track, asks)
            return
        asked = tuple(length / MM_PER_M for length in asks)
        plan = int(isinstance(value, Plan))
        for volume in value.volumes:
            lower = -np.inf if volume.lower_mm is None else volume.lower_mm / MM_PER_M
            upper = np.inf if volume.upper_mm is None else volume.upper_mm / MM_PER_M
            start = NEVER_US if volume.start is None else microseconds(volume.start)
            end = FOREVER_US if volume.end is None else microseconds(volume.end)
            row = (owner, lower, upper, start, end, *asked, 0.0, 0, plan)
            for shape in volume.footprint:
                self.shapes.append(shape)
                self._rows.append(row)

    def _add_track(self, owner: int, track: Track, asks: _Asks) -> None:
        """A disc that grows from its fix; before the fix it shrinks towards it."""
        fix = microseconds(track.time)
        self.shapes.append(Circle(centre=track.position, radius_mm=track.accuracy_mm))
        self._rows.append(
            (
                owner,
                -np.inf if track.lower_mm is None else track.lower_mm / MM_PER_M,
                np.inf if track.upper_mm is None else track.upper_mm / MM_PER_M,
                fix - TRACK_GROWTH_MAX_S * 1_000_000,
                FOREVER_US,
                *(length / MM_PER_M for length in asks),
                track.speed_max_mm_s / MM_PER_M,
                fix,
                0,
            )
        )

    def items(self) -> Items:
        """The rows as arrays."""
        columns = list(zip(*self._rows, strict=True)) or [()] * len(Items._fields)
        integer = {
            Items._fields.index(name) for name in ("owner", "start_us", "end_us", "fix_us", "plan")
        }
        return Items._make(
            np.array(column, dtype=np.int64 if number in integer else np.float64)
            for number, column in enumerate(columns)
        )


def _outlines_named(rows: _Rows, known: Sequence[Known]) -> Outlines:
    """The outlines, or an error that names the entry whose shape is too wide."""
    try:
        return outlines(rows.shapes)
    except MalformedInput:
        for one in known:
            single = _Rows()
            single.add(0, one.value, _Asks(0))
            try:
                outlines(single.shapes)
            except MalformedInput as error:
                raise MalformedInput(
                    f"shape of {one.value.source_id}", expected=error.expected, got=error.got
                ) from None
        raise


def _index(items: Items, shapes: Outlines) -> Bands:
    """Items by how far each matters around its centre."""
    asking_m = np.maximum(items.separation_m, items.mutual_m)
    reach_m = shapes.shape_radius_m + asking_m + shapes.shape_error_m
    reach_m = reach_m + items.speed_m_s * TRACK_GROWTH_MAX_S + DISTANCE_ERROR_M + _REACH_MARGIN_M
    return bands(shapes.shape_centre, shapes.shape_cap + reach_m / SEMI_MINOR_M)

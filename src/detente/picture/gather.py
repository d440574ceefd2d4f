"""From values to plain integers: the one pass over Python objects.

Everything after it works on arrays: millimetres, microseconds and 1e-7 degree as
they stand in the values, unbounded ends as the extremes of int64.
"""

from array import array
from collections.abc import Hashable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from detente.core.agreement import NOTHING_AGREED, Agreement
from detente.core.check import Protected
from detente.core.geodesy import IntArray
from detente.core.plan import Plan
from detente.core.presence import TRACK_GROWTH_MAX_S, Presence, Track
from detente.core.volume import Circle, Corridor, Shape, Volume, microseconds
from detente.core.zone import Zone
from detente.picture.tables import FOREVER_US, NEVER_US, OWNER, Records

RAW = np.dtype(
    [
        (name, np.int64)
        for name in (
            "owner", "plan", "lower_mm", "upper_mm", "start_us", "end_us", "speed_mm_s", "fix_us",
            "width_mm", "error_mm", "area", "path_end",
        )
    ]
)  # fmt: skip
"""As ROW, before it is laid out. ``width_mm`` is twice the radius, as corridors
have it; ``area`` 1 for a polygon; ``path_end`` the number of paths up to here."""


class Group(NamedTuple):
    """What many objects share: the category, and a label that the picture's owner gives."""

    category: str
    label: Hashable = None


class Raw(NamedTuple):
    """What was gathered, as arrays.

    ``rows`` (n,) RAW; ``owners`` (o,) OWNER; ``starts`` (p,) int64, each path's
    first position; ``positions`` (m, 2) int64, lon/lat in 1e-7 degree, rings closed;
    ``groups``, to which ``group`` of OWNER points.
    """

    rows: Records
    owners: Records
    starts: IntArray
    positions: IntArray
    groups: tuple[Group, ...]


class Gatherer:
    """Collects objects, each the next owner."""

    def __init__(self) -> None:
        self._rows = array("q")
        self._owners = array("q")
        self._starts = array("q")
        self._positions = array("q")
        self._groups: dict[tuple[str, Hashable], int] = {}
        self._count = 0

    def add(self, value: Protected, *, label: Hashable = None, least_mm: int = 0) -> None:
        """All volumes of one object, which asks for ``least_mm`` at least."""
        owner = self._count
        self._count += 1
        group = self._groups.setdefault((value.category, label), len(self._groups))
        if isinstance(value, Plan):
            own_mm, extra_mm, plan = value.hazard_mm, 0, 1
        else:
            # A line known to within u may lie u nearer than drawn.
            extra_mm = value.uncertainty_mm if isinstance(value, Zone) else 0
            own_mm, plan = value.standoff_mm, 0
        self._owners.extend((max(own_mm, least_mm), extra_mm, stale_after_us(value), group))
        if isinstance(value, Presence) and value.track is not None:
            self._add_track(owner, value.track)
            return
        for volume in value.volumes:
            bounds = _bounds(volume)
            for shape in volume.footprint:
                self._add_shape(shape)
                self._end_row((owner, plan, *bounds, 0, 0), shape)

    def add_shapes(self, shapes: Sequence[Shape]) -> None:
        """Bare shapes, of one owner that asks for nothing."""
        owner = self._count
        self._count += 1
        group = self._groups.setdefault(("", None), len(self._groups))
        self._owners.extend((0, 0, FOREVER_US, group))
        for shape in shapes:
            self._add_shape(shape)
            row = (owner, 0, NEVER_US, FOREVER_US, NEVER_US, FOREVER_US, 0, 0)
            self._end_row(row, shape)

    def _add_track(self, owner: int, track: Track) -> None:
        """A disc that grows from its fix; before the fix it shrinks towards it."""
        fix = microseconds(track.time)
        disc = Circle(centre=track.position, radius_mm=track.accuracy_mm)
        self._add_shape(disc)
        row = (
            owner,
            0,
            NEVER_US if track.lower_mm is None else track.lower_mm,
            FOREVER_US if track.upper_mm is None else track.upper_mm,
            fix - TRACK_GROWTH_MAX_S * 1_000_000,
            FOREVER_US,
            track.speed_max_mm_s,
            fix,
        )
        self._end_row(row, disc)

    def _add_shape(self, shape: Shape) -> None:
        """Its paths and their positions."""
        positions = self._positions
        if isinstance(shape, Circle):
            self._starts.append(len(positions) // 2)
            positions.extend(shape.centre)
        elif isinstance(shape, Corridor):
            self._starts.append(len(positions) // 2)
            positions.extend(chain.from_iterable(shape.line))
        else:
            for ring in shape.rings:
                self._starts.append(len(positions) // 2)
                positions.extend(chain.from_iterable(ring))
                positions.extend(ring[0])

    def _end_row(self, row: tuple[int, ...], shape: Shape) -> None:
        if isinstance(shape, Circle):
            core = (2 * shape.radius_mm, 0, 0)
        elif isinstance(shape, Corridor):
            core = (shape.width_mm, shape.edge_error_mm, 0)
        else:
            core = (2 * shape.buffer_mm, shape.edge_error_mm, 1)
        self._rows.extend((*row, *core, len(self._starts)))

    def raw(self) -> Raw:
        """What was collected, without a copy: nothing may be added after."""
        return Raw(
            rows=np.frombuffer(self._rows, RAW),
            owners=np.frombuffer(self._owners, OWNER),
            starts=np.frombuffer(self._starts, np.int64),
            positions=np.frombuffer(self._positions, np.int64).reshape(-1, 2),
            groups=tuple(map(Group._make, self._groups)),
        )


def _bounds(volume: Volume) -> tuple[int, int, int, int]:
    """Altitudes in millimetres, times in microseconds."""
    return (
        NEVER_US if volume.lower_mm is None else volume.lower_mm,
        FOREVER_US if volume.upper_mm is None else volume.upper_mm,
        NEVER_US if volume.start is None else microseconds(volume.start),
        FOREVER_US if volume.end is None else microseconds(volume.end),
    )


def stale_after_us(value: Protected) -> int:
    """When the entry becomes stale, as its ``is_stale`` has it; plans never do."""
    if isinstance(value, Plan):
        return FOREVER_US
    due = FOREVER_US if value.review_due is None else microseconds(value.review_due)
    if isinstance(value, Presence) and value.track is not None:
        due = min(due, microseconds(value.track.time) + TRACK_GROWTH_MAX_S * 1_000_000)
    return due


def agreed(groups: tuple[Group, ...], agreement: Agreement | None) -> IntArray:
    """What the agreement asks for each group: (g, 2) int64, horizontal and vertical mm."""
    out = np.zeros((len(groups), 2), dtype=np.int64)
    if agreement is not None and agreement.separations:
        for number, group in enumerate(groups):
            asked = agreement.separation(group.category)
            if asked is not NOTHING_AGREED:
                out[number] = asked.horizontal_mm, asked.vertical_mm
    return out

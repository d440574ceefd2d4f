"""Extent: cells, one altitude band and one time window, bounding several volumes.

F3548 compares the extents of intents as wholes: the cells of all their volumes,
from the lowest to the highest altitude, from the first to the last moment. So
two intents may be told of each other whose volumes never meet, and none is not
told whose volumes do. An open end reaches everywhere.

Source: ASTM F3548-21, PutOperationalIntentReferenceParameters.extents; docs/adr/0012.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from detente.core.volume import Footprint, Volume, microseconds
from detente.node.f3548.cells import Cells, covering, is_fine, steps_for

LOWEST, HIGHEST = -(1 << 62), 1 << 62
"""Open ends: beyond every altitude in millimetres and every time in microseconds."""


class Extent(Struct, frozen=True, kw_only=True, gc=False):
    """Where and when, as F3548 compares it; all closed.

    Attributes:
        cells: Covering of all footprints.
        lower: Millimetres above the ellipsoid, or LOWEST.
        upper: The same, or HIGHEST.
        start: Microseconds since 1970 UTC, or LOWEST.
        end: The same, or HIGHEST.
        fine: Whether all cells are of LEVEL: of all but native plans they are.
    """

    cells: Cells
    lower: int
    upper: int
    start: int
    end: int
    fine: bool = True


class Placed(Protocol):
    """What has an extent."""

    @property
    def extent(self) -> Extent:
        """Its own."""


def extent_of(volumes: Sequence[Volume], *, widen_mm: int = 0, heighten_mm: int = 0) -> Extent:
    """The extent of volumes, widened on all sides by some distance."""
    if len(volumes) == 1 and len(volumes[0].footprint) == 1:
        cells = covering(volumes[0].footprint, widen_mm)
    else:
        footprints: dict[Footprint, None] = dict.fromkeys(v.footprint for v in volumes)
        steps = steps_for(sum(len(footprint) for footprint in footprints))
        every: set[int] = set()
        for footprint in footprints:
            every.update(covering(footprint, widen_mm, steps))
        cells = tuple(sorted(every))
    lowers = [volume.lower_mm for volume in volumes]
    uppers = [volume.upper_mm for volume in volumes]
    return Extent(
        cells=cells,
        lower=_least(lowers) - heighten_mm,
        upper=_most(uppers) + heighten_mm,
        start=_least([_us(volume.start) for volume in volumes]),
        end=_most([_us(volume.end) for volume in volumes]),
        fine=all(is_fine(cell) for cell in cells),
    )


def extent_if(one: Placed | None) -> Extent | None:
    """Where something is, if it is."""
    return None if one is None else one.extent


def _us(time: datetime | None) -> int | None:
    return None if time is None else microseconds(time)


def _least(values: Sequence[int | None]) -> int:
    return min(LOWEST if value is None else value for value in values)


def _most(values: Sequence[int | None]) -> int:
    return max(HIGHEST if value is None else value for value in values)


def union(one: Extent, other: Extent) -> Extent:
    """The extent that holds both."""
    same = one.cells == other.cells
    return Extent(
        cells=one.cells if same else tuple(sorted({*one.cells, *other.cells})),
        lower=min(one.lower, other.lower),
        upper=max(one.upper, other.upper),
        start=min(one.start, other.start),
        end=max(one.end, other.end),
        fine=one.fine and other.fine,
    )

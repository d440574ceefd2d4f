"""An index of entities by the cells that they cover.

The committer alone changes it. Readers may ask meanwhile: an entity that changes
is put before its former self is dropped, and what stands in a cell is taken in
one step, so that nothing that stands is ever missed.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from detente.node.f3548.cells import LEVEL, Cells, above_each, level_of, parents
from detente.node.f3548.extent import Extent


class Covering(Protocol):
    """What an index can hold."""

    @property
    def id(self) -> str:
        """Unique among its kind."""

    @property
    def extent(self) -> Extent:
        """Where and when."""


C = TypeVar("C", bound=Covering)

Row = tuple[int, int, int, int, C]
"""Start, end, lower, upper, and whose they are: side by side, for a busy cell is read
from end to end by each question."""


class ByCell(Generic[C]):
    """Entities by cells of LEVEL and coarser."""

    def __init__(self) -> None:
        self._by: defaultdict[int, dict[str, Row[C]]] = defaultdict(dict)
        self._coarse: dict[int, int] = {}

    def put(self, new: C | None, old: C | None = None) -> None:
        """Let ``new`` stand where ``old`` stood; either may be none."""
        kept: Cells = ()
        if new is not None:
            by, name, extent = self._by, new.id, new.extent
            cells = extent.cells
            row = extent.start, extent.end, extent.lower, extent.upper, new
            for cell in cells:
                by[cell][name] = row
            if not new.extent.fine:
                self._note(cells, 1)
            kept = cells if old is not None and old.id == name else ()
        if old is not None:
            self._drop(old, set(kept))

    def _drop(self, old: C, kept: set[int]) -> None:
        by, name, cells = self._by, old.id, old.extent.cells
        if not old.extent.fine:
            self._note(cells, -1)
        for cell in cells:
            if cell in kept:
                continue
            here = by[cell]
            here.pop(name, None)
            if not here:
                del by[cell]

    def _note(self, cells: Cells, change: int) -> None:
        """How many coarse cells of each level are in use."""
        for level in map(level_of, cells):
            if level == LEVEL:
                continue
            left = self._coarse.get(level, 0) + change
            if left:
                self._coarse[level] = left
            else:
                del self._coarse[level]

    def at(self, extent: Extent) -> list[C]:
        """All that share a cell, altitudes and times with an extent."""
        by, cells = self._by, extent.cells
        if len(cells) == 1 and extent.fine and not self._coarse:
            here = by.get(cells[0])
            return [] if here is None else _meeting(extent, list(here.values()))
        found: dict[str, Row[C]] = {}
        for cell in self._sharing(extent):
            here = by.get(cell)
            if here is not None:
                found.update(here)
        return _meeting(extent, found.values())

    def _sharing(self, extent: Extent) -> Iterable[int]:
        """The cells themselves, the coarser ones above them, and the finer ones within."""
        cells = extent.cells
        if extent.fine and not self._coarse:
            return cells
        sharing = set(cells)
        for level in list(self._coarse):
            sharing |= parents(cells, level)
        if not extent.fine:
            held = list(self._by)
            for level in {level_of(cell) for cell in cells}:
                at_level = {cell for cell in cells if level_of(cell) == level}
                sharing.update(
                    cell
                    for cell, above in zip(held, above_each(held, level), strict=True)
                    if above in at_level
                )
        return sharing


def _meeting(extent: Extent, rows: Iterable[Row[C]]) -> list[C]:
    """Those that share altitudes and times; touching is meeting."""
    from_, until, low, high = extent.start, extent.end, extent.lower, extent.upper
    return [
        one
        for start, end, lower, upper, one in rows
        if end >= from_ and start <= until and upper >= low and lower <= high
    ]

"""What a tile of a map shows of a picture with more in it than a tile can hold.

Each object that may meet the tile is drawn by itself, or counted in a cluster, which says how
many it stands for: nothing is left out silently.

Source: docs/adr/0024.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from detente.core.check import VerdictKind, rule_of
from detente.core.entry import EntryKind
from detente.core.feature import KINDS
from detente.core.geodesy import FloatArray, IntArray
from detente.core.release import Grade
from detente.node.layers import FULL, Bounds, Found, Item, Sight, label_in
from detente.node.narrowing import ALL, Narrowing

SINGLE_MAX = 1_000
"""Objects drawn by themselves in one tile: of some 400 bytes each."""

CELLS = 16
"""Cells along an edge of a tile, each of 16 pixels of 256: at most one cluster a kind in each."""

_MILD = VerdictKind.COORDINATE

NAMED_MAX = 5
"""Categories that a cluster names, most frequent first; of the others it says how many."""

_LAT_MAX = 85.0511287798066
"""Where the square map ends (OGC 17-083r4, WebMercatorQuad)."""

_MARGIN = 1 / 64
"""Of a tile's width, drawn beyond its edges, so that outlines do not end there."""


class Cluster(NamedTuple):
    """Many objects of one kind: where their middle is in a tile (0 to 1, y downwards)."""

    kind: EntryKind
    x: float
    y: float
    number: int
    severity: VerdictKind
    categories: str


class TileSight(NamedTuple):
    """What a tile shows; ``shown`` is how much of each entry that others said."""

    items: tuple[Item, ...]
    clusters: tuple[Cluster, ...]
    shown: dict[int, Grade]


class Tile(NamedTuple):
    """A tile of WebMercatorQuad: row 0 is the northernmost."""

    zoom: int
    row: int
    column: int

    def placed(self, degrees: FloatArray) -> FloatArray:
        """Places in the tile.

        Args:
            degrees: (n, 2) float64 lon/lat.

        Returns:
            (n, 2) float64, 0 to 1 within the tile, y downwards.
        """
        lat = np.radians(np.clip(degrees[:, 1], -_LAT_MAX, _LAT_MAX))
        y = 0.5 - np.arcsinh(np.tan(lat)) / (2 * np.pi)
        x = degrees[:, 0] / 360 + 0.5
        corner = np.array([self.column, self.row], dtype=np.float64)
        return np.asarray(np.column_stack([x, y]) * 2.0**self.zoom - corner)

    def bounds(self, margin: float = _MARGIN) -> Bounds:
        """What it shows, with a margin around it."""
        n = 2**self.zoom
        west, east = ((self.column + part) / n * 360 - 180 for part in (-margin, 1 + margin))
        north, south = (
            float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (self.row + part) / n)))))
            for part in (-margin, 1 + margin)
        )
        # Beyond the square map lie the poles: what is there is drawn at its edge.
        north = 90.0 if self.row == 0 else north
        south = -90.0 if self.row == n - 1 else south
        return Bounds(west, south, east, north)


def look(
    sight: Sight, tile: Tile, kinds: tuple[EntryKind, ...], narrowing: Narrowing = ALL
) -> TileSight:
    """What a reader is shown of some kinds in a tile, of what he wants to see."""
    found = narrowing.of(sight, sight.find(kinds, [tile.bounds()]))
    alone = np.ones(len(found), dtype=np.bool_)
    if len(found) > SINGLE_MAX:
        small = 2 * found.bounds[:, 1] * 2**tile.zoom / 360 <= 1 / CELLS
        # Where even what is wider than a cell is too much, it is counted as well.
        alone = ~small if (~small).sum() <= SINGLE_MAX else ~np.ones_like(small)
    many = _Counting(sight, tile, found.only(~alone))
    items = [*sight.items(found, np.flatnonzero(alone)), *many.single]
    shown = many.shown
    shown |= {one.view.sequence: one.view.grade for one in items
              if one.view.party != sight.reader.party}  # fmt: skip
    return TileSight(tuple(items), tuple(many.clusters), shown)


class _Counting:
    """Counts objects by cell and kind; what is alone in its cell stays by itself."""

    def __init__(self, sight: Sight, tile: Tile, found: Found) -> None:
        self.clusters: list[Cluster] = []
        self.shown: dict[int, Grade] = {}
        self._groups = found.groups()
        self._party = sight.reader.party
        lat = np.clip(found.bounds[:, 2:].mean(axis=1), -90, 90)
        # The middle nearest to the tile, which may lie a turn away.
        middle = tile.bounds(0)
        centre = (middle.west + middle.east) / 2
        lon = found.bounds[:, 0] - 360 * np.round((found.bounds[:, 0] - centre) / 360)
        places = np.clip(tile.placed(np.column_stack([lon, lat])), 0, 1)
        cell = np.minimum(np.floor(places * CELLS).astype(np.int64), CELLS - 1)
        key = (found.kind * CELLS + cell[:, 1]) * CELLS + cell[:, 0]
        order = np.argsort(key, kind="stable")
        cuts = np.flatnonzero(np.diff(key[order])) + 1
        cells = np.split(order, cuts) if len(order) else []
        single = [members[0] for members in cells if len(members) == 1]
        self.single = list(sight.items(found, np.array(single, dtype=np.int64)))
        for members in cells:
            if len(members) > 1:
                self._add(found, members, places[members].mean(axis=0))

    def _add(self, found: Found, members: IntArray, place: FloatArray) -> None:
        groups = [self._groups[n] for n in members.tolist()]
        kind = tuple(KINDS.values())[found.kind[members[0]]]
        # A rule that is not told may be the gravest.
        mild = (
            kind is EntryKind.ZONE
            and (found.code[members] == FULL).all()
            and all(rule_of(one.value)[2] is _MILD for one in found.known(members))
        )
        self.clusters.append(
            Cluster(
                kind=kind,
                x=float(place[0]),
                y=float(place[1]),
                number=len(members),
                severity=_MILD if mild else VerdictKind.CONFLICT,
                categories=_named(Counter(one.category for one in groups)),
            )
        )
        sequences = found.sequence[members].tolist()
        self.shown |= {
            sequence: Grade.AREA
            for sequence, one in zip(sequences, groups, strict=True)
            if label_in(one).party != self._party
        }


def _named(counted: Counter[str]) -> str:
    """Such as: medical 12, school 3."""
    ordered = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    parts = [f"{name} {count}" for name, count in ordered[:NAMED_MAX]]
    rest = sum(count for _, count in ordered[NAMED_MAX:])
    return ", ".join(parts + ([f"others {rest}"] if rest else []))

"""Labels on a map picture that never cover one another.

Greedy: the most important label first takes the best free place around its
anchor. A place is refused where it would cover another label or leave the map;
among the others the nearest that hides least wins. What finds no place is left
out, and counted.
"""

import numpy as np

from detente.core.geodesy import FloatArray
from detente.doors.map_png.frame import Bounds

_DIRECTIONS = tuple(
    (round(float(np.cos(turn)), 6), round(float(np.sin(turn)), 6))
    for turn in np.radians([0, 180, 30, 330, 150, 210, 60, 300, 120, 240, 90, 270])
)
_GAPS_PX = (10.0, 20.0, 34.0, 52.0, 74.0, 100.0)
_GAP_COST, _DIRECTION_COST, _CROSSING_COST = 0.15, 0.1, 14.0
"""What a pixel further away, a less usual direction, or a label that the line to the anchor
would cross, is worth in hidden points."""

_PADDING_PX = 3.0
_LEADER_STEP_PX = 8.0


class Labels:
    """Places taken so far, pixels of the page.

    Args:
        box: Where labels may stand.
    """

    def __init__(self, box: Bounds) -> None:
        self._box = box
        self._taken: list[Bounds] = []
        self._points: FloatArray = np.zeros((0, 2))
        self._weights: FloatArray = np.zeros(0)
        self.left_out = 0

    def block(self, box: Bounds) -> None:
        """Take a place that no label may cover."""
        self._taken.append(box)

    def avoid(self, points: FloatArray, weight: float = 1.0) -> None:
        """Add points (n, 2) that labels had better not hide."""
        self._points = np.vstack([self._points, points])
        self._weights = np.append(self._weights, np.full(len(points), weight))

    def place(
        self,
        size: tuple[float, float],
        anchor: tuple[float, float],
        *,
        clear_px: float = 0.0,
        most: float = np.inf,
    ) -> Bounds | None:
        """A free place for a label, now taken; None if there is none.

        Args:
            size: Width and height.
            anchor: What the label belongs to.
            clear_px: Radius around the anchor to keep clear, such as a marker's.
            most: What the place may cost, in points hidden; else there is none.
        """
        best: tuple[float, Bounds] | None = None
        for gap in _GAPS_PX:
            for number, (east, north) in enumerate(_DIRECTIONS):
                box = _beside(size, anchor, (east, north), gap + clear_px)
                if not self._is_free(box):
                    continue
                cost = _GAP_COST * gap + _DIRECTION_COST * number + self._hidden(box)
                cost += _CROSSING_COST * self._crossed(box, anchor)
                if best is None or cost < best[0]:
                    best = cost, box
            if best is not None and best[0] <= _GAP_COST * gap + 1:
                break
        if best is None or best[0] > most:
            self.left_out += 1
            return None
        self._taken.append(best[1])
        self.avoid(_leader(best[1], anchor))
        return best[1]

    def centred(self, size: tuple[float, float], anchor: tuple[float, float]) -> Bounds | None:
        """The place centred on the anchor if it is free, now taken."""
        (width, height), (x, y) = size, anchor
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        if not self._is_free(box):
            return None
        self._taken.append(box)
        return box

    def _is_free(self, box: Bounds) -> bool:
        x0, y0, x1, y1 = self._box
        if box[0] < x0 or box[1] < y0 or box[2] > x1 or box[3] > y1:
            return False
        return not any(overlaps(box, other, _PADDING_PX) for other in self._taken)

    def _hidden(self, box: Bounds) -> float:
        """The weight of the points that the box would hide."""
        x, y = self._points[:, 0], self._points[:, 1]
        inside = (x > box[0] - 2) & (x < box[2] + 2) & (y > box[1] - 2) & (y < box[3] + 2)
        return float(self._weights[inside].sum())

    def _crossed(self, box: Bounds, anchor: tuple[float, float]) -> int:
        """How many places taken the line from a box to its anchor would cross."""
        line = _leader(box, anchor)[:-1]
        if not len(line) or not len(self._taken):
            return 0
        taken = np.array(self._taken)
        inside = (line[:, None] > taken[:, :2]) & (line[:, None] < taken[:, 2:])
        own = ((taken[:, :2] <= anchor) & (taken[:, 2:] >= anchor)).all(axis=1)
        return int(np.count_nonzero(inside.all(axis=2).any(axis=0) & ~own))


def overlaps(a: Bounds, b: Bounds, padding: float = 0.0) -> bool:
    """Whether two boxes come nearer than the padding."""
    return (
        a[0] < b[2] + padding
        and b[0] < a[2] + padding
        and a[1] < b[3] + padding
        and b[1] < a[3] + padding
    )


def nearest_on(box: Bounds, point: tuple[float, float]) -> tuple[float, float]:
    """The point of a box that is nearest to a point."""
    return min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3])


def sampled(path: FloatArray, step_px: float) -> FloatArray:
    """Points (n, 2) along a path, about a step apart."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.arange(0.0, length[-1] + step_px, step_px)
    return np.column_stack([np.interp(at, length, path[:, k]) for k in (0, 1)])


def _leader(box: Bounds, anchor: tuple[float, float]) -> FloatArray:
    """Points along the line from a box to its anchor."""
    return sampled(np.array([nearest_on(box, anchor), anchor]), _LEADER_STEP_PX)


def _beside(
    size: tuple[float, float],
    anchor: tuple[float, float],
    direction: tuple[float, float],
    gap: float,
) -> Bounds:
    """The box whose nearest side stands at a gap from the anchor, in a direction."""
    (width, height), (x, y), (east, north) = size, anchor, direction
    x0 = x + east * gap + (east - 1) / 2 * width
    y0 = y + north * gap + (north - 1) / 2 * height
    return x0, y0, x0 + width, y0 + height

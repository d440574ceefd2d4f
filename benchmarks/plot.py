"""The plots of docs/performance.md: how a cost grows."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt

IMAGES = Path(__file__).parents[1] / "docs/images"
MARGIN = 1.1
"""Above the highest point, so that it is seen whole."""


class Panel(NamedTuple):
    """One small plot: its title, what grows, and (how much of it, what it costs)."""

    title: str
    across: str
    points: list[tuple[float, float]]


def panels(across: str, rows: Sequence[Sequence[float]], titles: Sequence[str]) -> list[Panel]:
    """A panel a title, of rows that have how much there is and then what each title says."""
    return [
        Panel(title, across, [(row[0], row[number]) for row in rows])
        for number, title in enumerate(titles, start=1)
    ]


def drawn(name: str, some: Sequence[Panel]) -> None:
    """Panels side by side, what grows on a logarithmic axis, costs from 0 on."""
    figure, axes = plt.subplots(1, len(some), figsize=(3.4 * len(some), 2.6), layout="tight")
    for axis, (title, across, points) in zip(axes, some, strict=True):
        axis.plot(*zip(*points, strict=True), "o-", color="#204a87")
        axis.set_xscale("log")
        axis.set_ylim(0, MARGIN * max(cost for _, cost in points))
        axis.set_xlabel(across)
        axis.set_title(title, fontsize=10)
        axis.grid(visible=True, alpha=0.3)
    figure.savefig(IMAGES / name, dpi=100)
    plt.close(figure)

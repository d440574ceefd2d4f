"""The page of a map picture: letters, badges and boxes at pixels."""

from functools import cache
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.patheffects import Normal, Stroke

from detente.core.check import VerdictKind
from detente.doors.map_png import style
from detente.doors.map_png.frame import Bounds, Window

WIDTH_PX, HEIGHT_PX = 1800, 1200
DPI = 150

_LETTERS_MAX = 120
"""Letters that are measured: more never fit a line of this page."""


class Type(NamedTuple):
    """How words are set; ``halo`` is the colour around letters that stand on the map."""

    size_pt: float = 7.5
    colour: str = style.INK
    bold: bool = False
    italic: bool = False
    halo: str = ""


class Page:
    """A figure with a layer over it whose units are pixels from the lower left corner."""

    def __init__(self) -> None:
        self.figure = Figure(
            figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, facecolor=style.PAPER
        )
        self.canvas = FigureCanvasAgg(self.figure)
        self._renderer = self.canvas.get_renderer()  # type: ignore[no-untyped-call] # matplotlib
        self.over = self.axes(Window(0, 0, WIDTH_PX, HEIGHT_PX), (0, 0, WIDTH_PX, HEIGHT_PX))
        self.over.set_zorder(10)
        self.over.patch.set_visible(False)
        self._widths = cache(self._measured)

    def axes(self, window: Window, bounds: Bounds) -> Axes:
        """A rectangle of the page with units of its own and no decoration."""
        left, bottom, width, height = window
        axes = self.figure.add_axes(
            (left / WIDTH_PX, bottom / HEIGHT_PX, width / WIDTH_PX, height / HEIGHT_PX)
        )
        axes.set_xlim(bounds[0], bounds[2])
        axes.set_ylim(bounds[1], bounds[3])
        axes.set_axis_off()
        return axes

    def text(  # noqa: PLR0913 - a place, words, and how they are set
        self,
        x: float,
        y: float,
        words: str,
        how: Type = Type(),  # noqa: B008 - immutable
        *,
        align: str = "left",
        valign: str = "baseline",
        rotation: float = 0.0,
    ) -> None:
        """Set words at a pixel. They are never read as formulas."""
        effects = [Stroke(linewidth=2.6, foreground=how.halo), Normal()] if how.halo else None
        self.over.text(
            x,
            y,
            clean(words),
            color=how.colour,
            fontproperties=style.font(how.size_pt, bold=how.bold, italic=how.italic),
            horizontalalignment=align,
            verticalalignment=valign,
            rotation=rotation,
            rotation_mode="anchor",
            parse_math=False,
            path_effects=effects,
            zorder=6,
        )

    def width(self, words: str, how: Type) -> float:
        """How wide words are set, pixels."""
        return self._widths(clean(words), how.size_pt, how.bold, how.italic)

    def _measured(self, words: str, size_pt: float, bold: bool, italic: bool) -> float:  # noqa: FBT001 - private
        letters = style.font(size_pt, bold=bold, italic=italic)
        width, _, _ = self._renderer.get_text_width_height_descent(words, letters, ismath=False)
        return float(width)

    def fitted(self, words: str, how: Type, room: float) -> str:
        """Words, cut with an ellipsis to the room there is."""
        words = clean(words)[:_LETTERS_MAX]
        if self.width(words, how) <= room:
            return words
        fits, too_many = 0, len(words)
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            if self.width(words[:middle].rstrip() + "…", how) <= room:
                fits = middle
            else:
                too_many = middle
        return words[:fits].rstrip() + "…"

    def badge(self, x: float, y: float, kind: VerdictKind, text: str = "") -> None:
        """A verdict's badge, its shape and colour, with a plan's number."""
        look = style.VERDICTS[kind]
        self.over.plot(
            [x],
            [y],
            marker=look.badge,
            markersize=look.badge_points,
            markerfacecolor=look.colour,
            markeredgecolor=style.PAPER,
            markeredgewidth=0.8,
            linestyle="none",
            zorder=7,
        )
        size = 6.6 if len(text) < 3 else 5.0  # noqa: PLR2004 - three digits still fit in
        self.over.text(
            x,
            y - 0.5,
            text,
            color=style.PAPER,
            fontproperties=style.font(size, bold=True),
            horizontalalignment="center",
            verticalalignment="center_baseline",
            zorder=8,
        )

    def dot(self, x: float, y: float, colour: str) -> None:
        """A small dot."""
        self.over.plot([x], [y], marker="o", ms=3.4, mfc=colour, mew=0, ls="none", zorder=6)

    def box(self, bounds: Bounds, *, face: str, edge: str, alpha: float = 1.0) -> None:
        """A rounded box behind words."""
        x0, y0, x1, y1 = bounds
        self.over.add_artist(
            FancyBboxPatch(
                (x0 + 4, y0 + 4),
                x1 - x0 - 8,
                y1 - y0 - 8,
                boxstyle="round,pad=4,rounding_size=5",
                facecolor=face,
                edgecolor=edge,
                linewidth=0.9,
                alpha=alpha,
                zorder=5,
            )
        )

    def line(
        self, x: tuple[float, float], y: tuple[float, float], colour: str, width_pt: float = 0.6
    ) -> None:
        """A straight line between pixels."""
        self.over.plot(x, y, color=colour, linewidth=width_pt, solid_capstyle="butt", zorder=4.5)


def clean(words: str) -> str:
    """Words on one line: what cannot be printed becomes a space."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())

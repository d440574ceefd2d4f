"""The legend of a map picture: each symbol that is on the map, and no other."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from detente.core.check import Protected
from detente.core.notice import Notice, NoticeKind
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.zone import Zone
from detente.doors.map_png import style
from detente.doors.map_png.entries import Asked
from detente.doors.map_png.marks import Look, Surroundings, look_of
from detente.doors.map_png.page import Page

_WIDE_PX, _HIGH_PX = 30.0, 14.0

Draw = Callable[[Page, float, float], None]
"""Draws a sample in the middle of a place, pixels."""


class Item(NamedTuple):
    """A sample and what it means."""

    draw: Draw
    words: str


class Lines(NamedTuple):
    """Which lines the map shows: distances to keep, hazards of plans, nearest distances."""

    ring: bool
    hazard: bool
    distance: bool


def items(around: Surroundings, asked: Sequence[Asked], lines: Lines) -> list[Item]:
    """What the legend must say of this map."""
    out = []
    gravest = style.VERDICTS[asked[0].verdict.verdict].colour
    if lines.hazard:
        out.append(Item(_line(gravest, style.DASHED, 1.1), "hazard of a plan"))
    if lines.distance:
        out.append(Item(_dimension(gravest), "nearest distance"))
    out += [Item(_sample(look), words) for look, words in _kinds(around)]
    if lines.ring:
        out.append(Item(_ring(style.NOTICE), "distance to keep"))
    if any(entry.stale for entry in around.entries) or any(dots.stale for dots in around.dots):
        faded = Look(style.NOTICE, 0.0, "", "-", style.MEDICAL_MARKER)
        out.append(Item(_sample(faded, alpha=style.FADED), "stale: still protects"))
    if any(entry.disputed for entry in around.entries):
        line = _line(style.NOTICE, style.DASHED, 1.0)
        out.append(Item(line, "disputed: still protects"))
    return out


def _kinds(around: Surroundings) -> list[tuple[Look, str]]:
    """Each kind of entry shown, with its count, in a stable order."""
    counts: Counter[tuple[int, str, Look]] = Counter()
    for entry in around.entries:
        counts[(*kind_of(entry.value), look_of(entry.value))] += 1
    for dots in around.dots:
        counts[(*kind_of(dots.value), look_of(dots.value))] += len(dots.metres)
    return [(look, f"{words} ({count:,})") for (_, words, look), count in sorted(counts.items())]


def kind_of(value: Protected) -> tuple[int, str]:
    """The place in the legend and the words for entries drawn alike."""
    match value:
        case Notice(kind=NoticeKind.MOVEMENT):
            return 1, "movement"
        case Notice():
            family = value.category.split("/", maxsplit=1)[0].replace("_", " ")
            other = style.marker_of(value.category) == style.OTHER_MARKER
            return 0, "other place" if other else family
        case Presence():
            return 2, "people are here"
        case Zone():
            return 3, style.ZONES[value.rule].words
        case Plan():
            return 4, "plan of others"


def _line(colour: str, line: object, width_pt: float) -> Draw:
    def draw(page: Page, x: float, y: float) -> None:
        page.over.plot(
            [x - _WIDE_PX / 2, x + _WIDE_PX / 2], [y, y], color=colour, lw=width_pt, ls=line
        )

    return draw


def _dimension(colour: str) -> Draw:
    def draw(page: Page, x: float, y: float) -> None:
        ends = [x - _WIDE_PX / 2 + 3, x + _WIDE_PX / 2 - 3]
        page.over.plot(ends, [y, y], color=colour, lw=1.4, marker="o", ms=3.2)

    return draw


def _ring(colour: str) -> Draw:
    def draw(page: Page, x: float, y: float) -> None:
        page.over.plot(
            [x], [y], marker="o", ms=9.5, mfc="none", mec=to_rgba(colour, 0.7), mew=0.7, ls="none"
        )

    return draw


def _sample(look: Look, alpha: float = 1.0) -> Draw:
    """A symbol, or a small field with the fill, hatch and line of an area."""

    def draw(page: Page, x: float, y: float) -> None:
        if look.marker:
            page.over.plot(
                [x],
                [y],
                marker=look.marker,
                ms=7.0 * style.MARKER_SCALE.get(look.marker, 1.0),
                mfc=look.colour,
                mec=style.PAPER,
                mew=0.5,
                ls="none",
                alpha=alpha,
            )
            return
        x0, x1 = x - _WIDE_PX / 2, x + _WIDE_PX / 2
        y0, y1 = y - _HIGH_PX / 2, y + _HIGH_PX / 2
        field = Outline([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], closed=True)
        page.over.add_artist(PathPatch(field, fc=to_rgba(look.colour, look.fill), lw=0))
        if look.hatch:
            hatch = PathPatch(
                field, fc="none", ec=to_rgba(look.colour, 0.5), hatch=look.hatch, lw=0
            )
            hatch.set_hatch_linewidth(0.55)
            page.over.add_artist(hatch)
        page.over.add_artist(PathPatch(field, fill=False, ec=look.colour, lw=0.9, ls=look.line))

    return draw

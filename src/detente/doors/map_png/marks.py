"""Marks on a map picture: zones, presence, notices, plans and their findings.

What is stale is paler and what is disputed is dashed; both stand as before.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch
from matplotlib.patheffects import Normal, Stroke

from detente.core.check import Protected
from detente.core.geodesy import FloatArray
from detente.core.notice import Notice, NoticeKind
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.zone import Zone
from detente.doors.map_png import style
from detente.doors.map_png.entries import Asked, Entry, Link, Near, bounds_of, entry_of, nearest
from detente.doors.map_png.frame import Frame
from detente.doors.map_png.ground import outline_of
from detente.doors.map_png.plane import Geometry

CROWD = 1_500
"""Entries in the frame beyond which those too small to have a shape become plain dots."""

VISIBLE_PX = 5.0
"""Smaller than this a shape is a speck, and a symbol stands for it."""

_LINE_MIN_PX = 4.0
_VERY_MANY = 20_000

Line = str | tuple[float, tuple[float, ...]]


class Look(NamedTuple):
    """Colour, opacity of the fill, hatch, line, and the symbol at its place, if any."""

    colour: str
    fill: float
    hatch: str
    line: Line
    marker: str


class Dots(NamedTuple):
    """Entries of a crowd that look alike: one of them, whether stale, places (n, 2) metres."""

    value: Protected
    stale: bool
    metres: FloatArray


class Surroundings(NamedTuple):
    """What is drawn besides the plans.

    ``circles_left_out`` counts entries of a crowd whose standoff would be
    large enough to see.
    """

    entries: list[Entry]
    dots: list[Dots]
    circles_left_out: int


def look_of(value: Protected) -> Look:
    """How an entry is drawn."""
    match value:
        case Notice():
            moving = value.kind is NoticeKind.MOVEMENT
            marker = style.MOVEMENT_MARKER if moving else style.marker_of(value.category)
            return Look(style.NOTICE, 0.14, "", "-", marker)
        case Presence():
            return Look(style.PRESENCE, 0.14, "xxx", "-", style.PRESENCE_MARKER)
        case Zone():
            zone = style.ZONES[value.rule]
            return Look(zone.colour, zone.fill, zone.hatch, zone.line, "")
        case Plan():
            return Look(style.OTHER_PLAN, 0.12, "", "-", "")


def surroundings(frame: Frame, found: Near, met: Sequence[Link], now: datetime) -> Surroundings:
    """Sort what is near into entries and dots; what a drawn finding names is never a dot."""
    known = {id(link.entry.value): link.entry for link in met}
    crowded = len(found.values) > CROWD
    specks = np.asarray(found.size_m < VISIBLE_PX * frame.metres_per_px) & crowded
    entries: list[Entry] = []
    alike: dict[tuple[Look, bool], list[int]] = {}
    for k, value in enumerate(found.values):
        if specks[k] and id(value) not in known:
            stale = not isinstance(value, Plan) and value.is_stale(now)
            alike.setdefault((look_of(value), stale), []).append(k)
            continue
        entry = known.get(id(value)) or entry_of(frame.plane, value, now)
        if shapely.intersects(frame.area, _reach(entry)):
            entries.append(entry)
    inside = frame.holds(found.metres)
    dots = [
        Dots(found.values[rows[0]], stale, found.metres[rows][inside[rows]])
        for (_, stale), rows in alike.items()
    ]
    wide = found.standoff_m >= VISIBLE_PX * frame.metres_per_px
    left_out = int(np.count_nonzero(specks & wide & inside))
    return Surroundings(entries, [dot for dot in dots if len(dot.metres)], left_out)


def _reach(entry: Entry) -> Geometry:
    return entry.area if entry.standoff is None else entry.standoff


def size_px(frame: Frame, geometry: Geometry) -> float:
    """The longer side of a geometry's box, pixels."""
    x0, y0, x1, y1 = bounds_of(geometry)
    return max(x1 - x0, y1 - y0) / frame.metres_per_px


def place_of(frame: Frame, geometry: Geometry) -> FloatArray:
    """Where a symbol or a name of a geometry stands: a point (2,) of it within the frame, metres.

    A small or convex shape has it in its middle.
    """
    shown = geometry
    if not shapely.contains(frame.area, geometry):
        shown = shapely.intersection(geometry, frame.area)
        shown = geometry if shown.is_empty else shown
    middle = shapely.centroid(shown)
    if not shapely.intersects(shown, middle):
        middle = shapely.point_on_surface(shown)
    point: FloatArray = shapely.get_coordinates(middle)[0]
    return point


def draw_entries(axes: Axes, frame: Frame, around: Surroundings, met: Sequence[Link]) -> bool:
    """Everything known in the frame: shapes, then dots, then symbols.

    Returns:
        Whether any distance to keep is shown.
    """
    rings = [
        _draw_shape(axes, frame, entry) for entry in sorted(around.entries, key=_largest_first)
    ]
    many = sum(len(dots.metres) for dots in around.dots)
    for dots in around.dots:
        look = look_of(dots.value)
        axes.scatter(
            dots.metres[:, 0],
            dots.metres[:, 1],
            s=1.6 if many < _VERY_MANY else 0.9,
            c=look.colour,
            marker="o",
            linewidths=0,
            alpha=(0.55 if many < _VERY_MANY else 0.38) * (0.5 if dots.stale else 1.0),
            zorder=2.6,
            rasterized=True,
        )
    _draw_symbols(axes, frame, around.entries, {id(link.entry.value) for link in met})
    return any(rings)


def _largest_first(entry: Entry) -> tuple[float, str]:
    return -float(shapely.area(entry.area)), entry.value.source_id


def _draw_shape(axes: Axes, frame: Frame, entry: Entry) -> bool:
    """The footprint, true to size, and, if it can be seen, the distance to keep from it."""
    look = look_of(entry.value)
    faded = style.FADED if entry.stale else 1.0
    if size_px(frame, entry.area) >= VISIBLE_PX:
        line = style.DASHED if entry.disputed else look.line
        fill(axes, entry.area, look.colour, look.fill * faded, 2.0)
        if look.hatch:
            _hatch(axes, entry.area, look, 0.42 * faded)
        stroke(axes, entry.area, to_rgba(look.colour, 0.85 * faded), 0.9, line, 2.1)
    if entry.standoff is None:
        return False
    if size_px(frame, entry.standoff) < size_px(frame, entry.area) + VISIBLE_PX:
        return False
    line = "-" if isinstance(entry.value, Notice) else style.DOTTED
    line = style.DASHED if entry.disputed else line
    stroke(axes, entry.standoff, to_rgba(look.colour, 0.55 * faded), 0.6, line, 2.2)
    return True


def fill(axes: Axes, area: Geometry, colour: str, alpha: float, zorder: float) -> None:
    """Fill what of a geometry is an area."""
    axes.add_artist(
        PathPatch(outline_of([area]), facecolor=to_rgba(colour, alpha), lw=0, zorder=zorder)
    )


def _hatch(axes: Axes, area: Geometry, look: Look, alpha: float) -> None:
    patch = PathPatch(
        outline_of([area]),
        facecolor="none",
        edgecolor=to_rgba(look.colour, alpha),
        hatch=look.hatch,
        lw=0,
        zorder=2.05,
    )
    patch.set_hatch_linewidth(0.55)
    axes.add_artist(patch)


def stroke(  # noqa: PLR0913 - a geometry and how its line is drawn
    axes: Axes,
    geometry: Geometry,
    colour: str | tuple[float, float, float, float],
    width_pt: float,
    line: Line,
    zorder: float,
    *,
    casing_pt: float = 0.0,
) -> None:
    """Draw the outline of areas, and lines; a casing of paper keeps it apart from the ground."""
    paths = LineCollection(
        paths_of(geometry),
        colors=[colour],
        linewidths=width_pt,
        linestyles=[line],
        zorder=zorder,
        capstyle="round" if line == "-" else "butt",
    )
    if casing_pt:
        casing = Stroke(linewidth=width_pt + casing_pt, foreground=style.PAPER, alpha=0.85)
        paths.set_path_effects([casing, Normal()])
    axes.add_collection(paths, autolim=False)


def paths_of(geometry: Geometry) -> list[FloatArray]:
    """Rings of areas, and lines, each (n, 2) metres."""
    parts = shapely.get_parts(shapely.get_parts([geometry]))
    dimension = shapely.get_dimensions(parts)
    rings = shapely.get_rings(parts[dimension == 2])  # noqa: PLR2004 - areas
    return [shapely.get_coordinates(path) for path in (*rings, *parts[dimension == 1])]


def _draw_symbols(axes: Axes, frame: Frame, entries: Iterable[Entry], met: set[int]) -> None:
    """A symbol at each entry that has one or is too small to show its shape."""
    alike: dict[tuple[str, str, bool, bool], list[FloatArray]] = {}
    disputed: list[FloatArray] = []
    for entry in entries:
        look = look_of(entry.value)
        if not look.marker and size_px(frame, entry.area) >= VISIBLE_PX:
            continue
        place = place_of(frame, entry.area)
        key = (look.marker or "o", look.colour, entry.stale, id(entry.value) in met)
        alike.setdefault(key, []).append(place)
        if entry.disputed:
            disputed.append(place)
    crowd = sum(len(places) for places in alike.values())
    size_pt = 5.6 if crowd < 300 else 4.6 if crowd < 700 else 3.4  # noqa: PLR2004 - the fuller, the smaller
    for (marker, colour, stale, is_met), places in alike.items():
        at = np.array(places)
        axes.scatter(
            at[:, 0],
            at[:, 1],
            s=((size_pt + 2.2 * is_met) * style.MARKER_SCALE.get(marker, 1.0)) ** 2,
            c=colour,
            marker=marker,
            edgecolors=style.PAPER,
            linewidths=0.9 if is_met else 0.6,
            alpha=style.FADED if stale else 1.0,
            zorder=4.2 if is_met else 2.8,
        )
    if disputed:
        at = np.array(disputed)
        axes.scatter(
            at[:, 0],
            at[:, 1],
            s=(size_pt + 4.5) ** 2,
            facecolors="none",
            edgecolors=style.NOTICE,
            linestyles=[style.DASHED],
            linewidths=0.8,
            zorder=2.8,
        )


def symbols_px(frame: Frame, around: Surroundings) -> FloatArray:
    """Where symbols stand, (n, 2) page pixels."""
    places = [place_of(frame, one.area) for one in around.entries if look_of(one.value).marker]
    return frame.pixels(np.array(places).reshape(-1, 2))


def draw_plans(axes: Axes, frame: Frame, asked: Sequence[Asked]) -> bool:
    """Footprints and hazard distances in the colour of the verdict, the gravest on top.

    Returns:
        Whether any hazard is shown.
    """
    hazards = False
    for one in reversed(asked):
        look = style.VERDICTS[one.verdict.verdict]
        zorder = 3.0 + 0.5 * (1 - one.number / (len(asked) + 1))
        if one.hazard is not None and size_px(frame, one.hazard) >= VISIBLE_PX:
            stroke(axes, one.hazard, look.colour, 0.9, style.DASHED, zorder, casing_pt=1.2)
            hazards = True
        if size_px(frame, one.area) >= VISIBLE_PX:
            fill(axes, one.area, look.colour, 0.3, zorder)
            stroke(axes, one.area, look.colour, 1.5, "-", zorder, casing_pt=1.4)
        else:
            axes.plot(
                *place_of(frame, one.area),
                marker=look.badge,
                markersize=4.2 * look.badge_points / 11,
                color=look.colour,
                markeredgecolor=style.PAPER,
                markeredgewidth=0.5,
                zorder=zorder,
            )
    return hazards


def draw_links(axes: Axes, frame: Frame, met: Sequence[Link]) -> bool:
    """Of each finding: the line to what is met, or what both cover.

    Returns:
        Whether any line is shown.
    """
    lines = False
    for link in reversed(met):
        colour = style.VERDICTS[link.finding.severity].colour
        if link.finding.distance_m > 0:
            line = nearest(link)
            if line.length < _LINE_MIN_PX * frame.metres_per_px:
                continue
            ends: FloatArray = shapely.get_coordinates(line)
            stroke(axes, line, colour, 1.4, "-", 4.0, casing_pt=1.8)
            lines = True
            axes.scatter(
                ends[:, 0], ends[:, 1], s=9, c=colour, linewidths=0.5, edgecolors="w", zorder=4.3
            )
        else:
            both = shapely.intersection(link.asked.area, link.entry.area)
            fill(axes, both, colour, 0.5, 3.8)
    return lines

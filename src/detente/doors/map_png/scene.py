"""A check as a picture: plans, what they meet and what is around them, on a map."""

import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch, Polygon, Rectangle

from detente.core.check import Known, Verdict
from detente.core.plan import Plan
from detente.doors.land import CREDIT
from detente.doors.map_png import style
from detente.doors.map_png.entries import (
    asked_plans,
    links,
    near,
    plan_places,
    wanted,
)
from detente.doors.map_png.frame import Frame, Window, fit, round_length
from detente.doors.map_png.globe import draw_globe
from detente.doors.map_png.ground import draw_ground, graticule, outline_of
from detente.doors.map_png.labels import Labels
from detente.doors.map_png.legend import Lines, items
from detente.doors.map_png.marks import (
    VISIBLE_PX,
    Surroundings,
    draw_entries,
    draw_links,
    draw_plans,
    size_px,
    surroundings,
    symbols_px,
)
from detente.doors.map_png.naming import draw_names, name_areas, name_countries, outline_px
from detente.doors.map_png.page import Page, Type
from detente.doors.map_png.panel import GLOBE_PX, RIGHT_PX, TOP_PX, Told, draw_panel
from detente.doors.map_png.plane import plane_for
from detente.errors import MalformedInput

FINDINGS_DRAWN_MAX = 30
"""Lines from plans to what they meet: more would hide the map. The rest is counted."""

_MAP = Window(74, 56, 1206, 1110)
_TICK = Type(size_pt=6.4, colour=style.SOFT_INK)
_SMALL = Type(size_pt=5.8, colour=style.FAINT_INK)
_SCALE_PX = 210.0
_OUTLINE_WEIGHT = 0.25
"""Of outlines of what is known, against those of plans, for labels that would hide them."""

_NORTH_TURN_MAX_DEG = 4.0
"""Where north turns more than this across the frame, an arrow would mislead."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a picture shows.

    Attributes:
        plans: At least one.
        verdicts: One a plan, in the same order.
        known: Everything that was asked: notices, presence, zones, other plans.
        title: A heading; if empty, how many plans were checked.
    """

    plans: Sequence[Plan]
    verdicts: Sequence[Verdict]
    known: Sequence[Known]
    title: str = ""


def draw(path: Path, scene: Scene) -> None:
    """Write a scene as a PNG, 1800 x 1200 pixels; the same scene gives the same bytes.

    Args:
        path: Where to; must end in .png. Replaced whole or not at all.
        scene: What to show.

    Raises:
        MalformedInput: No plans, or the file cannot be written.
    """
    if not scene.plans:
        raise MalformedInput("map", expected="at least one plan to draw", got="none")
    if path.suffix.lower() != ".png":
        raise MalformedInput("map", expected="a writable .png path", got=str(path))
    _write(path, png(scene))


def png(scene: Scene) -> bytes:
    """The picture's bytes."""
    out = BytesIO()
    with warnings.catch_warnings():
        # A name in a script for which no font is installed shows as boxes: no reason to warn.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        page = _composed(scene)
        page.figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _write(path: Path, data: bytes) -> None:
    """Write beside the path, then rename: no half picture is ever seen there."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise MalformedInput(
            "map", expected="a writable .png path", got=f"{path} ({reason})"
        ) from None


def _composed(scene: Scene) -> Page:
    """The whole page, drawn."""
    plane = plane_for(*plan_places(scene.plans))
    asked = asked_plans(plane, scene.plans, scene.verdicts)
    met, findings = links(plane, asked, scene.known, most=FINDINGS_DRAWN_MAX)
    frame = fit(plane, wanted(asked, met), _MAP)
    now = asked[0].verdict.as_of
    around = surroundings(frame, near(frame, scene.known, scene.plans, now), met, now)

    page = Page()
    axes = page.axes(frame.window, frame.bounds)
    labels = Labels(_inset(frame.window.box, 6))
    _draw_sea(axes, frame)
    draw_ground(axes, frame)
    _draw_graticule(page, axes, frame)
    _draw_scale(page, frame, labels)
    ring = draw_entries(axes, frame, around, met)
    hazard = draw_plans(axes, frame, asked)
    line = draw_links(axes, frame, met)
    labels.avoid(symbols_px(frame, around))
    for entry in around.entries:
        if size_px(frame, entry.area) >= VISIBLE_PX:
            labels.avoid(outline_px(frame, entry.area), _OUTLINE_WEIGHT)
    draw_names(page, frame, labels, asked, met)
    left_out = labels.left_out
    named = {id(link.entry.value) for link in met}
    unmet = [entry for entry in around.entries if id(entry.value) not in named]
    name_areas(page, frame, labels, unmet)
    name_countries(page, frame, labels, asked)

    notes = _notes(around, left_out, findings - len(met))
    title = scene.title or _default_title(len(scene.plans))
    draw_panel(page, Told(title, asked, items(around, asked, Lines(ring, hazard, line)), notes))
    globe = Window(RIGHT_PX - GLOBE_PX, TOP_PX - GLOBE_PX, GLOBE_PX, GLOBE_PX)
    draw_globe(page.axes(globe, (-1.02, -1.02, 1.02, 1.02)), frame)
    return page


def _default_title(plans: int) -> str:
    return "One plan checked" if plans == 1 else f"{plans:,} plans checked"


def _notes(around: Surroundings, left_out: int, undrawn: int) -> list[str]:
    """What the map leaves out, said."""
    out = []
    if undrawn:
        out.append(f"{_count(undrawn, 'more finding')} without a mark on the map.")
    if left_out:
        out.append(f"{_count(left_out, 'name')} without room on the map.")
    if around.circles_left_out:
        notices = _count(around.circles_left_out, "notice")
        out.append(f"The distance to keep from {notices} is not drawn.")
    return out


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _draw_sea(axes: Axes, frame: Frame) -> None:
    """The sea, and on a world map nothing beyond its edge."""
    x0, y0, x1, y1 = frame.bounds
    if not frame.plane.world:
        axes.add_artist(Rectangle((x0, y0), x1 - x0, y1 - y0, facecolor=style.SEA, lw=0, zorder=0))
        return
    axes.add_artist(
        PathPatch(outline_of([frame.plane.whole()]), facecolor=style.SEA, lw=0, zorder=0)
    )


def _draw_graticule(page: Page, axes: Axes, frame: Frame) -> None:
    """Meridians and parallels, their degrees along the edge, and the edge itself."""
    paths, ticks = graticule(frame)
    axes.add_collection(
        LineCollection(paths, colors=style.GRATICULE, linewidths=0.5, alpha=0.8, zorder=1.5),
        autolim=False,
    )
    x0, y0, x1, y1 = frame.window.box
    page.over.add_artist(
        Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=style.SOFT_INK, lw=0.8)
    )
    taken: set[tuple[str, int]] = set()
    for tick in ticks:
        along = tick.x if tick.side in ("bottom", "top") else tick.y
        if (tick.side, round(along / 40)) in taken:
            continue
        taken.add((tick.side, round(along / 40)))
        match tick.side:
            case "bottom":
                page.text(tick.x, tick.y - 20, tick.text, _TICK, align="center")
            case "top":
                page.text(tick.x, tick.y + 8, tick.text, _TICK, align="center")
            case "left":
                page.text(
                    tick.x - 8, tick.y, tick.text, _TICK, align="right", valign="center_baseline"
                )
            case _:
                how = _TICK._replace(halo=style.PAPER)
                page.text(
                    tick.x - 8, tick.y, tick.text, how, align="right", valign="center_baseline"
                )


def _draw_scale(page: Page, frame: Frame, labels: Labels) -> None:
    """A bar of a round length, true in the middle of the map, and where north is."""
    ground_px = frame.metres_per_px * frame.ground_metres()
    length_m = round_length(_SCALE_PX * ground_px)
    wide = length_m / ground_px
    x0, y0 = frame.window.left + 16, frame.window.bottom + 14
    north = frame.turn_deg() < _NORTH_TURN_MAX_DEG
    box = (x0, y0, x0 + wide + 36 + 30 * north, y0 + 46)
    page.box(box, face=style.PAPER, edge=style.HAIRLINE, alpha=0.9)
    labels.block(box)
    x, y = x0 + 18, y0 + 13
    for start, colour in ((0.0, style.INK), (wide / 2, style.PAPER)):
        page.over.add_artist(
            Rectangle(
                (x + start, y), wide / 2, 5, facecolor=colour, edgecolor=style.INK, lw=0.6, zorder=6
            )
        )
    divisor, name = (1_000, "km") if length_m >= 1_000 else (1, "m")  # noqa: PLR2004 - a km
    how = Type(size_pt=6.4)
    whole, half = f"{length_m / divisor:,g} {name}", f"{length_m / 2 / divisor:,g}"
    page.text(x, y + 12, "0", how)
    page.text(x + wide, y + 12, whole, how, align="right")
    if page.width(half, how) / 2 + page.width(whole, how) + 8 < wide / 2:
        page.text(x + wide / 2, y + 12, half, how, align="center")
    if north:
        tip = x + wide + 30
        arrow = [(tip, y0 + 41), (tip - 7, y0 + 22), (tip, y0 + 26), (tip + 7, y0 + 22)]
        page.over.add_artist(Polygon(arrow, facecolor=style.INK, lw=0, zorder=6))
        page.text(tip, y0 + 7, "N", Type(5.8, bold=True), align="center")
    page.text(frame.window.left, 14, CREDIT, _SMALL)
    page.text(frame.window.box[2], 14, frame.plane.words(), _SMALL, align="right")


def _inset(box: tuple[float, float, float, float], by: float) -> tuple[float, float, float, float]:
    return box[0] + by, box[1] + by, box[2] - by, box[3] - by

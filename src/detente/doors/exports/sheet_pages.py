"""Crew sheets as a PDF: A4, letters embedded and searchable, the end of validity on each page.

Letters are DejaVu Sans, with what is installed for other scripts; a script that none of them has
shows as boxes.
"""

import io
import re
import textwrap
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import shapely
from pyproj import Proj

from detente.core.drawn import ROUNDED, Drawing
from detente.doors.exports.rows import utc
from detente.doors.exports.sheet import Sheet, middle, name_of, sheets_of
from detente.doors.land import CREDIT, Ground, ground
from detente.errors import Conflict
from detente.node.exporting import Export

PAGES_MAX = 250
"""Pages of one file: beyond it nobody turns them."""

WIDTH_IN, HEIGHT_IN = 8.27, 11.69
"""A4."""

LETTERS = 92
"""Letters of a line, at 8 points of DejaVu Sans over the width of the page."""

TITLE = 38
"""Letters of a heading at 16 points; the whole name stands below it."""

FIRST_LINES, NEXT_LINES = 29, 60
"""Lines under the map, and on a page without one."""

SHOWN_M = 10_000.0
"""Around an object at least so much is drawn: its nearest neighbours."""

NOTICE = "This sheet informs, and permits nothing. What is not shown may be there."

_ONE = threading.Lock()
"""How letters are embedded is a setting of the whole process."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What turns the direction of text: a name must not turn what stands after it."""
_EDGE_DEG = 1.0
_LEFT, _RIGHT, _LINE = 0.07, 0.93, 0.0136
_INK, _RED, _GREY = "#111111", "#9b1c1c", "#666666"
_BLANK, _LAND, _SEA = "#f7f7f4", "#f4f1e8", "#d5e3ec"
_COAST, _BORDER = "#7d93a0", "#7a7268"
_RIVER = "#9fbccd"
_FAMILY = ["DejaVu Sans", "Noto Sans", "Noto Sans Arabic"]


class Page(NamedTuple):
    """One page: of which sheet, whether its first, and its lines."""

    sheet: Sheet | None
    first: bool
    lines: Sequence[tuple[str, str]]


def write(found: Export) -> bytes:
    """The bytes of the PDF; one page that says so where there is nothing.

    Raises:
        Conflict: More sheets or pages than there may be.
    """
    import matplotlib as mpl  # noqa: PLC0415 - takes a second to load
    from matplotlib.backends.backend_pdf import PdfPages  # noqa: PLC0415

    pages = [page for sheet in sheets_of(found) for page in _pages(sheet)]
    if len(pages) > PAGES_MAX:
        raise Conflict("crew sheet", expected=f"at most {PAGES_MAX} pages; narrow it", got="more")
    pages = pages or [Page(None, first=True, lines=[("", "Nothing is shown to this party.")])]
    out = io.BytesIO()
    about = {
        "Title": f"Crew sheets {found.edition}", "Creator": "Détente", "Producer": None,
        "CreationDate": found.as_of,
    }  # fmt: skip
    letters = mpl.rc_context({"pdf.fonttype": 42, "font.family": _installed()})
    with _ONE, letters, PdfPages(out, metadata=about) as file:
        for number, page in enumerate(pages, start=1):
            file.savefig(_figure(found, page, f"page {number} of {len(pages)}"))
    return out.getvalue()


def _installed() -> list[str]:
    from matplotlib.font_manager import fontManager  # noqa: PLC0415

    there = {one.name for one in fontManager.ttflist}
    return [one for one in _FAMILY if one in there]


def _pages(sheet: Sheet) -> Iterator[Page]:
    lines = [line for heading, text in sheet.lines for line in _wrapped(heading, text)]
    yield Page(sheet, first=True, lines=lines[:FIRST_LINES])
    for start in range(FIRST_LINES, len(lines), NEXT_LINES):
        yield Page(sheet, first=False, lines=lines[start : start + NEXT_LINES])


def _wrapped(heading: str, text: str) -> list[tuple[str, str]]:
    parts = textwrap.wrap(_clean(text), LETTERS) or [""]
    return [(heading if not number else "", part) for number, part in enumerate(parts)]


def _clean(text: str) -> str:
    return _CONTROL.sub("\ufffd", _TURNS.sub("", re.sub(r"\s", " ", text)))


def _figure(found: Export, page: Page, number: str) -> Any:
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN))

    def say(x: float, y: float, text: str, size: float, **how: Any) -> None:
        figure.text(x, y, _clean(text), fontsize=size, parse_math=False, **{"color": _INK, **how})

    title = "Crew sheet" if page.sheet is None else page.sheet.title
    more = "" if page.first else " (continued)"
    say(_LEFT, 0.955, f"{found.theatre}, for {found.reader}", 8, color=_GREY)
    say(_RIGHT, 0.955, f"EXPIRES {_stamp(found.expires)}", 10, color=_RED, weight="bold",
        ha="right")  # fmt: skip
    say(_RIGHT, 0.938, f"as of {_stamp(found.as_of)}   edition {found.edition}", 8, ha="right")
    name = _clean(title)
    heading = name if len(name) <= TITLE else name[: TITLE - 1] + "…"
    say(_LEFT, 0.915, heading + more, 16, weight="bold")
    top = 0.888
    if page.first and page.sheet is not None:
        _map(figure, page.sheet)
        top = 0.46
    for line, (what, text) in enumerate(page.lines):
        y = top - line * _LINE
        say(_LEFT, y, what, 8, weight="bold")
        say(_LEFT + 0.105, y, text, 8)
    say(_LEFT, 0.046, NOTICE, 8, weight="bold", color=_RED)
    say(_LEFT, 0.03, f"edition {found.edition}, as of {_stamp(found.as_of)}, expires "
        f"{_stamp(found.expires)}", 7, color=_GREY)  # fmt: skip
    say(_RIGHT, 0.03, number, 8, ha="right")
    return figure


def _stamp(time: Any) -> str:
    return utc(time).replace("T", " ")


def _map(figure: Any, sheet: Sheet) -> None:
    """The object and its neighbours on a plane around its middle, metres, north up."""
    lon, lat = middle(sheet.drawing)
    plane = Proj(proj="aeqd", lat_0=lat, lon_0=lon, ellps="WGS84")
    axes = figure.add_axes((_LEFT, 0.5, _RIGHT - _LEFT, 0.4))
    axes.set_facecolor(_BLANK)
    here = _laid(plane, sheet.drawing)
    west, south, east, north = here.bounds
    half = max(SHOWN_M, 1.5 * max(-west, -south, east, north))
    wide = half * (_RIGHT - _LEFT) * WIDTH_IN / (0.4 * HEIGHT_IN)
    window = shapely.box(-wide, -half, wide, half)
    under = ground((lon, lat), (wide, half), lambda p: _columns(plane(p[:, 0], p[:, 1])))
    if under is not None:
        _lay(axes, under)
    for one in sheet.neighbours:
        other = _laid(plane, one.item.drawing())
        if shapely.intersects(window, other):
            _draw(axes, other, _GREY)
            spot = shapely.intersection(other, window).representative_point()
            axes.annotate(
                _short(name_of(one.item)), (spot.x, spot.y), fontsize=6.5, color=_INK,
                xytext=(4, 4), textcoords="offset points", parse_math=False, annotation_clip=True,
            ).set_clip_on(True)  # fmt: skip
    _draw(axes, here, _RED)
    away_m = sheet.item.properties["standoff_m"]
    if isinstance(away_m, float) and away_m:
        for ring in shapely.get_parts(shapely.boundary(shapely.buffer(here, away_m * ROUNDED))):
            axes.plot(*ring.xy, color=_RED, linewidth=0.9, linestyle="--")
    axes.plot([0], [0], "+", color=_INK, markersize=7)
    axes.set_xlim(-wide, wide)
    axes.set_ylim(-half, half)
    axes.set_aspect("equal")
    axes.tick_params(labelsize=6, colors=_GREY)
    axes.grid(color="#cccccc", linewidth=0.4)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1_000:g} km")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 1_000:g} km")
    axes.text(0.985, 0.97, "N ↑ true", transform=axes.transAxes, fontsize=8, ha="right", va="top")


def _lay(axes: Any, under: Ground) -> None:
    """Land, waters, coasts and borders, quietly; a disputed border is dashed."""
    axes.set_facecolor(_SEA)
    for area in _areas(under.land):
        axes.fill(*area.exterior.xy, color=_LAND, linewidth=0, zorder=0.1)
        for hole in area.interiors:
            axes.fill(*hole.xy, color=_SEA, linewidth=0, zorder=0.2)
    for area in _areas(under.lakes):
        axes.fill(*area.exterior.xy, facecolor=_SEA, edgecolor=_COAST, linewidth=0.6, zorder=0.25)
        for hole in area.interiors:
            axes.fill(*hole.xy, facecolor=_LAND, edgecolor=_COAST, linewidth=0.6, zorder=0.25)
    for lines, colour, dashes, order in (
        (under.rivers, _RIVER, "-", 0.22),
        (under.coasts, _COAST, "-", 0.3),
        (under.borders, _BORDER, "-", 0.3),
        (under.disputed, _BORDER, (0, (4, 2.5)), 0.3),
    ):
        for one in shapely.get_parts(lines):
            if isinstance(one, shapely.LineString):
                axes.plot(*one.xy, color=colour, linewidth=0.8, linestyle=dashes, zorder=order)
    axes.text(
        0.99, 0.015, CREDIT, transform=axes.transAxes, fontsize=5.5, color=_GREY, ha="right",
        va="bottom",
    )  # fmt: skip


def _areas(drawing: Drawing) -> list[Any]:
    return [one for one in shapely.get_parts(drawing) if isinstance(one, shapely.Polygon)]


def _laid(plane: Proj, drawing: Drawing) -> Drawing:
    """A drawing on a plane, its parts put together again where they were cut.

    Its edges are straight in degrees, and followed as such: along a pole they are no line.
    """
    parts = shapely.get_parts(shapely.segmentize(drawing, _EDGE_DEG))
    laid = shapely.transform(parts, lambda p: _columns(plane(p[:, 0], p[:, 1])))
    return shapely.union_all([_whole(one) for one in laid])


def _whole(laid: Drawing) -> Drawing:
    """A part on the plane; of an area, what is an area of it."""
    if shapely.is_valid(laid):
        return laid
    valid = shapely.make_valid(laid)
    return shapely.union_all(_areas(valid)) if _areas(valid) else valid


def _columns(pair: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    return np.column_stack(pair)


def _draw(axes: Any, drawing: Drawing, colour: str) -> None:
    for part in shapely.get_parts(drawing):
        if isinstance(part, shapely.Polygon):
            for ring in (part.exterior, *part.interiors):
                axes.plot(*ring.xy, color=colour, linewidth=1.2)
            axes.fill(*part.exterior.xy, color=colour, alpha=0.18, linewidth=0)
        elif isinstance(part, shapely.LineString):
            axes.plot(*part.xy, color=colour, linewidth=1.6)
        elif isinstance(part, shapely.Point):
            axes.plot([part.x], [part.y], "o", color=colour, markersize=5)


def _short(name: str) -> str:
    clean = _clean(name)
    return clean if len(clean) <= 28 else clean[:27] + "…"  # noqa: PLR2004 - a label

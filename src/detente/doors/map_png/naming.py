"""Names on a map picture: plans, what they meet, zones, countries."""

from collections.abc import Sequence

import numpy as np
import shapely

from detente.core.check import Finding
from detente.core.geodesy import FloatArray
from detente.core.notice import Notice
from detente.core.zone import Zone
from detente.doors.answer import metres
from detente.doors.land import land
from detente.doors.map_png import style
from detente.doors.map_png.entries import Asked, Entry, Link, bounds_of, nearest
from detente.doors.map_png.frame import Bounds, Frame
from detente.doors.map_png.ground import clipped
from detente.doors.map_png.labels import Labels, nearest_on, sampled
from detente.doors.map_png.marks import look_of, paths_of, place_of, size_px
from detente.doors.map_png.page import Page, Type

PLANS_NAMED_MAX = 24
"""Among more plans, the gravest have their numbers on the map and none its name: names
would hide what they name. The panel counts all."""

MET_NAMED_MAX = 16
MET_NAMED_AMONG_MANY = 8
ROWS_MAX = 3
"""Distances in the label of one entry, one a plan."""

_PLAN_ROOM_PX = 430.0
_NAME_ROOM_PX = 300.0
_CLEAR_MAX_PX = 60.0
_PLAN_WEIGHT = 2.0
_MET_COST_MAX = 32.0
"""A name that hides more than this is better read in the panel, or counted."""

_GRID_PX, _GRID_MOST = 13.0, 40.0
_SYMBOL_PX = 8.0
_LEADER_MIN_PX = 13.0
_ROW_PX = 19.0
_COUNTRY_SHARE_MIN = 0.012
_COUNTRY_FRAME_MIN_M = 120_000.0


def draw_names(
    page: Page, frame: Frame, labels: Labels, asked: Sequence[Asked], met: Sequence[Link]
) -> None:
    """Names of plans and of what they meet, the gravest first, none over another."""
    named = asked[:PLANS_NAMED_MAX]
    groups: dict[int, list[Link]] = {}
    for link in met:
        groups.setdefault(id(link.entry.value), []).append(link)
    _keep_clear(frame, labels, named, met)
    few = len(asked) <= PLANS_NAMED_MAX
    for one in named:
        _name_plan(page, frame, labels, one, with_name=few)
    most = MET_NAMED_MAX if few else MET_NAMED_AMONG_MANY
    for group in list(groups.values())[:most]:
        _name_met(page, frame, labels, group)
    labels.left_out += max(0, len(groups) - most)


def _keep_clear(frame: Frame, labels: Labels, named: Sequence[Asked], met: Sequence[Link]) -> None:
    """Plans and distances that labels had better not hide; symbols of what is met, never."""
    for one in named:
        labels.avoid(outline_px(frame, one.area), _PLAN_WEIGHT)
        labels.avoid(_inner_px(frame, one.area), _PLAN_WEIGHT)
    for link in met:
        if link.finding.distance_m > 0:
            labels.avoid(sampled(frame.pixels(shapely.get_coordinates(nearest(link))), 6.0))
    for entry in {id(link.entry): link.entry for link in met}.values():
        if look_of(entry.value).marker:
            labels.block(_around(_anchor(frame, entry.area), _SYMBOL_PX))


def _around(anchor: tuple[float, float], half: float) -> Bounds:
    x, y = anchor
    return x - half, y - half, x + half, y + half


def outline_px(frame: Frame, area: object) -> FloatArray:
    """Points along the outline of an area, (n, 2) page pixels."""
    paths = [sampled(frame.pixels(path), 9.0) for path in paths_of(area) if len(path) > 1]
    return np.vstack(paths) if paths else np.zeros((0, 2))


def _inner_px(frame: Frame, area: object) -> FloatArray:
    """Points on a grid within an area, (n, 2) page pixels."""
    shown = shapely.intersection(area, frame.area)
    if shown.is_empty:
        return np.zeros((0, 2))
    x0, y0, x1, y1 = bounds_of(shown)
    step = max(_GRID_PX * frame.metres_per_px, max(x1 - x0, y1 - y0) / _GRID_MOST)
    grid = np.stack(np.meshgrid(np.arange(x0, x1, step), np.arange(y0, y1, step)), axis=-1)
    points = grid.reshape(-1, 2)
    return frame.pixels(points[shapely.intersects_xy(area, points[:, 0], points[:, 1])])


def _name_plan(page: Page, frame: Frame, labels: Labels, one: Asked, *, with_name: bool) -> None:
    """The plan's badge and name in a box, with a leader where it stands apart."""
    look = style.VERDICTS[one.verdict.verdict]
    how = Type(size_pt=7.6, bold=True)
    name = page.fitted(one.plan.name or one.plan.source_id, how, _PLAN_ROOM_PX)
    size = (page.width(name, how) + 42, 29.0) if with_name else (26.0, 26.0)
    anchor = _anchor(frame, one.area)
    clear = min(_CLEAR_MAX_PX, size_px(frame, one.area) / 2)
    box = labels.place(size, anchor, clear_px=clear)
    if box is None:
        return
    middle = (box[1] + box[3]) / 2
    _leader(page, box, _edge_anchor(frame, one.area, nearest_on(box, anchor)), look.colour)
    if with_name:
        page.box(box, face=style.PAPER, edge=look.colour, alpha=0.95)
        page.text(box[0] + 33, middle, name, how, valign="center_baseline")
    page.badge(box[0] + (17 if with_name else 13), middle, one.verdict.verdict, str(one.number))


def _anchor(frame: Frame, area: object) -> tuple[float, float]:
    x, y = frame.pixels(place_of(frame, area)[None])[0].tolist()
    return x, y


def _edge_anchor(frame: Frame, area: object, towards: tuple[float, float]) -> tuple[float, float]:
    """The point of a shape that is nearest to a pixel, as a pixel."""
    spot = shapely.Point(frame.metres(np.array([towards]))[0])
    near = shapely.get_coordinates(shapely.shortest_line(area, spot))[0]
    x, y = frame.pixels(near[None])[0].tolist()
    return x, y


def _leader(page: Page, box: Bounds, anchor: tuple[float, float], colour: str) -> None:
    x, y = nearest_on(box, anchor)
    if np.hypot(x - anchor[0], y - anchor[1]) >= _LEADER_MIN_PX:
        page.line((x, anchor[0]), (y, anchor[1]), style.PAPER, 2.0)
        page.line((x, anchor[0]), (y, anchor[1]), colour, 0.8)


def _name_met(page: Page, frame: Frame, labels: Labels, group: Sequence[Link]) -> None:
    """The name of an entry that plans meet, and the distance of each."""
    name_type, row_type = Type(size_pt=7.2, bold=True), Type(size_pt=6.8)
    entry = group[0].entry
    name = page.fitted(group[0].finding.name, name_type, _NAME_ROOM_PX)
    shown = group if len(group) <= ROWS_MAX + 1 else group[:ROWS_MAX]
    rows = [distance(link.finding) for link in shown]
    if len(group) > len(shown):
        rows.append(f"and {len(group) - len(shown)} more plans")
    if standing(group[0].finding):
        rows.append(f"{standing(group[0].finding)}, still protects")
    widths = [page.width(name, name_type), *(page.width(row, row_type) + 26 for row in rows)]
    size = (max(widths) + 16, 22.0 + _ROW_PX * len(rows) + 4)
    anchor = _met_anchor(frame, group[0])
    box = labels.place(size, anchor, clear_px=6.0, most=_MET_COST_MAX)
    if box is None:
        return
    ink = style.INK
    _leader(page, box, anchor, ink)
    page.box(box, face=style.PAPER, edge=style.HAIRLINE, alpha=0.96)
    page.text(box[0] + 8, box[3] - 19, name, name_type._replace(colour=_ink_of(entry)))
    for k, row in enumerate(rows):
        y = box[3] - 22 - _ROW_PX * (k + 0.55)
        if k < len(shown):
            link = shown[k]
            page.badge(box[0] + 17, y, link.asked.verdict.verdict, str(link.asked.number))
        page.text(box[0] + 32, y, row, row_type, valign="center_baseline")


def _ink_of(entry: Entry) -> str:
    if isinstance(entry.value, Zone):
        return style.ZONES[entry.value.rule].colour
    return style.INK


def _met_anchor(frame: Frame, link: Link) -> tuple[float, float]:
    """The symbol of a small entry; of a large one, where the plan comes nearest."""
    if size_px(frame, link.entry.area) < _NAME_ROOM_PX / 4:
        return _anchor(frame, link.entry.area)
    if link.finding.distance_m == 0:
        both = shapely.intersection(link.entry.area, link.asked.area)
        if not both.is_empty:
            return _anchor(frame, both)
    x, y = frame.pixels(shapely.get_coordinates(nearest(link)))[-1].tolist()
    return x, y


def distance(found: Finding) -> str:
    """How near, and how far to keep, in words."""
    near = "meets" if found.distance_m == 0 else metres(found.distance_m)
    return f"{near}, to keep {metres(found.separation_m)}" if found.separation_m else near


def standing(found: Finding) -> str:
    """Whether an entry is stale or disputed, in words; it protects as before."""
    return " and ".join(name for name in ("stale", "disputed") if getattr(found, name))


def name_areas(page: Page, frame: Frame, labels: Labels, entries: Sequence[Entry]) -> None:
    """Names of zones, plans of others and people's areas, on themselves, where there is room."""
    areas = [entry for entry in entries if not isinstance(entry.value, Notice)]
    for entry in sorted(areas, key=lambda one: -float(shapely.area(one.area))):
        how = Type(size_pt=7.0, colour=look_of(entry.value).colour, bold=True, halo=style.PAPER)
        words = entry.value.name or entry.value.source_id
        words = page.fitted(words, how, _NAME_ROOM_PX)
        size = (page.width(words, how), 17.0)
        if size[0] > 1.3 * size_px(frame, entry.area):
            continue
        x, y = _anchor(frame, entry.area)
        if labels.centred(size, (x, y)) is not None:
            page.text(x, y, words, how, align="center", valign="center_baseline")


def name_countries(page: Page, frame: Frame, labels: Labels, asked: Sequence[Asked]) -> None:
    """Names of countries, faint, where there is room and the frame is wide enough to need them."""
    x0, y0, x1, y1 = frame.bounds
    if x1 - x0 < _COUNTRY_FRAME_MIN_M:
        return
    plans = np.array([one.area for one in asked], dtype=object)
    pieces, country = clipped(frame.plane, frame.degrees())
    shown = shapely.clip_by_rect(shapely.make_valid(pieces), *frame.bounds)
    area = shapely.area(shown)
    for number in np.unique(country):
        mine = np.flatnonzero(country == number)
        total = float(area[mine].sum())
        if total < _COUNTRY_SHARE_MIN * (x1 - x0) * (y1 - y0):
            continue
        whole = shown[mine[np.argmax(area[mine])]]
        how = Type(size_pt=7.4, colour=style.COUNTRY_INK, halo=style.LAND)
        words = "\u200a".join(land().names[number].upper())
        size = (page.width(words, how), 16.0)
        for place in (shapely.centroid(whole), shapely.point_on_surface(whole)):
            if not shapely.intersects(whole, place):
                continue
            x, y = frame.pixels(shapely.get_coordinates(place))[0].tolist()
            corners = np.array([[x - size[0] / 2, y - 8], [x + size[0] / 2, y + 8]])
            if shapely.intersects(shapely.box(*frame.metres(corners).ravel()), plans).any():
                continue
            if labels.centred(size, (x, y)) is not None:
                page.text(x, y, words, how, align="center", valign="center_baseline")
                break

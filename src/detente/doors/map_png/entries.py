"""What a map picture shows: plans with their verdicts, what they meet, what else is near.

Here values become geometries of the plane; how they look is detente.doors.map_png.marks.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import shapely

from detente.core.check import Finding, Known, Protected, Verdict, VerdictKind, protects, rule_of
from detente.core.geodesy import FloatArray, IntArray
from detente.core.plan import Plan
from detente.core.presence import TRACK_GROWTH_MAX_S, Presence
from detente.core.volume import MM_PER_M, Circle, Position, Shape
from detente.core.zone import Zone
from detente.doors.map_png.frame import Bounds, Frame, union
from detente.doors.map_png.plane import Geometry, Plane, degrees_of, positions_of, unit

MET_GROWTH_MAX = 3.0
"""What a plan meets may widen the frame up to this many times; of what is larger,
such as a country, the nearest point is shown."""

MET_EXTENT_FREE_M = 40_000.0
"""What is met within a frame of this size is always shown whole: a city and its surroundings."""

_FAR_SIDE = -0.2
"""Cosine of 102 degrees: what lies wholly beyond is not drawn, since an azimuthal
map turns shapes around the antipode inside out."""

GRAVITY = {kind: number for number, kind in enumerate(VerdictKind)}

Key = tuple[str, str, str | None, str | None]


class Asked(NamedTuple):
    """A plan as drawn; ``number`` is its badge's, 1 for the gravest."""

    number: int
    plan: Plan
    verdict: Verdict
    area: Geometry
    hazard: Geometry | None


class Entry(NamedTuple):
    """A known entry as drawn."""

    value: Protected
    area: Geometry
    standoff: Geometry | None
    stale: bool
    disputed: bool


class Link(NamedTuple):
    """A plan, a finding of its verdict, and the entry it names."""

    asked: Asked
    finding: Finding
    entry: Entry


def asked_plans(plane: Plane, plans: Sequence[Plan], verdicts: Sequence[Verdict]) -> list[Asked]:
    """The plans in the plane, gravest first and then in the order they were asked."""
    pairs = sorted(zip(plans, verdicts, strict=True), key=lambda pair: _gravest_first(pair[1]))
    out = []
    for number, (plan, verdict) in enumerate(pairs, start=1):
        shapes = shapes_of(plan)
        hazard_m = plan.hazard_mm / MM_PER_M
        hazard = plane.footprint(shapes, hazard_m) if hazard_m else None
        out.append(Asked(number, plan, verdict, plane.footprint(shapes), hazard))
    return out


def _gravest_first(verdict: Verdict) -> tuple[int, int]:
    """Where all answers are incomplete, what was found still tells them apart."""
    worst = GRAVITY[verdict.findings[0].severity] if verdict.findings else -1
    return -GRAVITY[verdict.verdict], -worst


def shapes_of(value: Protected) -> list[Shape]:
    """All shapes of all volumes; of a track, where it was last seen."""
    if isinstance(value, Presence) and value.track is not None:
        track = value.track
        return [Circle(centre=track.position, radius_mm=track.accuracy_mm)]
    return [shape for volume in value.volumes for shape in volume.footprint]


def plan_places(plans: Iterable[Plan]) -> tuple[FloatArray, float]:
    """All vertices of plans, (n, 2) lon/lat degrees, and how far shapes reach beyond, metres."""
    positions: list[Position] = []
    reach_m = 0.0
    for plan in plans:
        for shape in shapes_of(plan):
            positions.extend(positions_of(shape))
            reach_m = max(reach_m, shape.radius_m + plan.hazard_mm / MM_PER_M)
    return degrees_of(positions), reach_m


def standoff_m(value: Protected, now: datetime) -> float:
    """How far around its footprint an entry asks others to stay, by itself.

    Of a track: how far its people may have got since they were seen, as well.
    """
    if isinstance(value, Plan):
        return value.hazard_mm / MM_PER_M
    out = value.standoff_mm
    if isinstance(value, Zone):
        out += value.uncertainty_mm
    if isinstance(value, Presence) and value.track is not None:
        age_s = abs((now - value.track.time).total_seconds())
        out += int(value.track.speed_max_mm_s * min(age_s, TRACK_GROWTH_MAX_S))
    return out / MM_PER_M


def entry_of(plane: Plane, value: Protected, now: datetime) -> Entry:
    """An entry in the plane."""
    shapes = shapes_of(value)
    asks_m = standoff_m(value, now)
    return Entry(
        value=value,
        area=plane.footprint(shapes),
        standoff=plane.footprint(shapes, asks_m) if asks_m else None,
        stale=not isinstance(value, Plan) and value.is_stale(now),
        disputed=not isinstance(value, Plan) and value.disputed,
    )


def links(
    plane: Plane, asked: Sequence[Asked], known: Sequence[Known], *, most: int
) -> tuple[list[Link], int]:
    """The gravest findings with the entries they name, each plan's gravest before any second.

    Returns:
        At most ``most`` links; and how many findings there are in all. What is
        withheld names no entry, and so is never drawn.
    """
    order = [
        (rank, one, found)
        for one in asked
        for rank, found in enumerate(one.verdict.findings[:most])
    ]
    order.sort(key=lambda row: (row[0], row[1].number))
    wanted = {_key(found) for _, _, found in order}
    now = asked[0].verdict.as_of
    # Two files may use the same ids: of those that bear one, the nearest is meant.
    by_key: dict[Key, list[Entry]] = defaultdict(list)
    for entry in known:
        if _key_of(entry) in wanted and protects(entry.value):
            by_key[_key_of(entry)].append(entry_of(plane, entry.value, now))
    out: list[Link] = []
    for _, one, found in order:
        alike = by_key.get(_key(found))
        if len(out) < most and alike:
            nearest_one = min(alike, key=lambda entry: shapely.distance(one.area, entry.area))
            out.append(Link(one, found, nearest_one))
    return out, sum(len(one.verdict.findings) for one in asked)


def _key(found: Finding) -> Key:
    return found.kind, found.id, found.party, found.object


def _key_of(one: Known) -> Key:
    value = one.value
    return rule_of(value)[1], value.source_id, value.party, one.object_id or None


def wanted(asked: Sequence[Asked], met: Sequence[Link]) -> list[Bounds]:
    """Bounds that the frame must hold: all plans, and what they meet.

    Of an entry that would widen the frame beyond MET_GROWTH_MAX, the point
    nearest to the plan.
    """
    out = [bounds_of(one.hazard if one.hazard is not None else one.area) for one in asked]
    core = union(out)
    most = MET_GROWTH_MAX * max(core[2] - core[0], core[3] - core[1], MET_EXTENT_FREE_M / 3)
    for link in met:
        whole = bounds_of(link.entry.area)
        grown = union([core, whole])
        if max(grown[2] - grown[0], grown[3] - grown[1]) <= most:
            out.append(whole)
        else:
            out.append(bounds_of(nearest(link)))
    return out


def nearest(link: Link) -> Geometry:
    """The line from a plan to the nearest point of what it meets; no length where they touch.

    The people of a track may be anywhere that they can have reached.
    """
    value, area = link.entry.value, link.entry.area
    if isinstance(value, Presence) and value.track is not None and link.entry.standoff is not None:
        area = link.entry.standoff
    return shapely.shortest_line(link.asked.area, area)


def bounds_of(geometry: Geometry) -> Bounds:
    """Bounds of a geometry of the plane."""
    x0, y0, x1, y1 = shapely.bounds(geometry).tolist()
    return x0, y0, x1, y1


class Near(NamedTuple):
    """What may reach into a frame: values, first vertices, sizes; (n, 2) and (n,) metres."""

    values: list[Protected]
    metres: FloatArray
    size_m: FloatArray
    standoff_m: FloatArray


def near(frame: Frame, known: Sequence[Known], plans: Sequence[Plan], now: datetime) -> Near:
    """What of the known may reach into the frame, but for the plans that ask."""
    asking = {(plan.source_id, plan.party) for plan in plans}
    values = [one.value for one in known if _is_drawn(one.value, asking)]
    if not values:
        return Near([], np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    degrees, start, radius_m, asks_m = _extents(values, now)
    metres = frame.plane.forward(degrees)
    metres = np.where(np.isfinite(metres), metres, 1e9)
    low, high = np.minimum.reduceat(metres, start), np.maximum.reduceat(metres, start)
    # Geodesics bulge out of the box of their ends, and the plane stretches a little.
    slack = 0.1 * (high - low) + 1.5 * (radius_m + asks_m)[:, None]
    x0, y0, x1, y1 = frame.bounds
    shown = ((low - slack <= (x1, y1)) & (high + slack >= (x0, y0))).all(axis=1)
    if frame.plane.world:
        shown |= np.diff(np.append(start, len(degrees))) > 1  # cut shapes have no box
    else:
        centre = unit(np.array([[frame.plane.lon_deg, frame.plane.lat_deg]]))[0]
        shown &= np.maximum.reduceat(unit(degrees) @ centre, start) > _FAR_SIDE
    index = np.flatnonzero(shown)
    size_m = (high - low).max(axis=1) + 2 * radius_m
    return Near([values[k] for k in index], metres[start[index]], size_m[index], asks_m[index])


def _is_drawn(value: Protected, asking: set[tuple[str, str | None]]) -> bool:
    itself = isinstance(value, Plan) and (value.source_id, value.party) in asking
    return protects(value) and not itself


def _extents(
    values: Sequence[Protected], now: datetime
) -> tuple[FloatArray, IntArray, FloatArray, FloatArray]:
    """All vertices, each value's first, its shapes' radius and its standoff, metres."""
    positions: list[Position] = []
    starts: list[int] = []
    radii: list[float] = []
    for value in values:
        starts.append(len(positions))
        radius_m = 0.0
        for shape in shapes_of(value):
            positions.extend(positions_of(shape))
            radius_m = max(radius_m, shape.radius_m)
        radii.append(radius_m)
    asks_m = np.array([standoff_m(value, now) for value in values])
    start = np.array(starts, dtype=np.int64)
    return degrees_of(positions), start, np.array(radii), asks_m

"""Release: who may see an object, and how much of it.

Nothing is released by default. A reader's view is cut here and nowhere else,
whatever door it goes out by (docs/rules/R-02.md). What is not released still
counts in every check.

Source: DESIGN section 4.2; requirements H12, M13; FIRST TLP 2.0 (August 2022);
docs/adr/0015.
"""

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from detente.core.geodesy import CURVATURE_RADIUS_MIN_M, DISTANCE_ERROR_M, FloatArray, ecef
from detente.core.party import PartyId
from detente.core.volume import (
    E7_PER_DEG,
    EPOCH,
    MM_PER_M,
    RADIUS_MAX_MM,
    Circle,
    Corridor,
    Polygon,
    Position,
    UtcTime,
    Volume,
    check_time,
)

GRID_MIN_MM = 100 * MM_PER_M
GRID_MAX_MM = 100_000 * MM_PER_M
"""A grid finer than 100 m hides nothing; one of 100 km says nothing."""

GRID_DEFAULT_MM = 10_000 * MM_PER_M
"""10 km: a district. A flight learns that it should call; no site can be found by it."""

GridMm = Annotated[int, Meta(ge=GRID_MIN_MM, le=GRID_MAX_MM)]


class Tlp(StrEnum):
    """Traffic Light Protocol 2.0 (FIRST, August 2022), from most closed to most open."""

    RED = "red"
    AMBER_STRICT = "amber+strict"
    AMBER = "amber"
    GREEN = "green"
    CLEAR = "clear"


class Grade(StrEnum):
    """How much of an object a reader may see, from most to least.

    ``full``: all of it. ``area``: that it is there, on a stated grid. ``contact``:
    that a plan meets it, and which desk to call. Who has none of them is told
    only that something is withheld, and the agreement's desk.
    """

    FULL = "full"
    AREA = "area"
    CONTACT = "contact"


_OPENNESS = {tlp: number for number, tlp in enumerate(Tlp)}
_ORDER = {grade: number for number, grade in enumerate(Grade)}


class Release(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What its author lets others see of an object.

    Attributes:
        parties: Grade by party.
        members: Grade of all members of the agreement that are not named.
        until: When the release ends; None is until it is changed.
        grid_mm: To what ``area`` is coarsened.
        tlp: How far a reader may pass it on (detente.node.passing).
        originator_control: Nobody passes it on without the author's consent,
            whatever ``tlp`` says.
    """

    parties: dict[PartyId, Grade] = {}
    members: Grade | None = None
    until: UtcTime | None = None
    grid_mm: GridMm = GRID_DEFAULT_MM
    tlp: Tlp = Tlp.AMBER_STRICT
    originator_control: bool = False

    def __post_init__(self) -> None:
        if self.until is not None:
            check_time(self.until, what="until")


class Grant(Struct, frozen=True, kw_only=True):
    """What an author granted to one party on request, beyond the object's own release."""

    grade: Grade
    until: datetime | None = None


def most(*grades: Grade | None) -> Grade | None:
    """The one that shows most; None if there is none."""
    given = [grade for grade in grades if grade is not None]
    return min(given, key=_ORDER.__getitem__) if given else None


def shows(one: Grade | None, other: Grade | None) -> bool:
    """Whether ``one`` shows at least as much as ``other``."""
    return most(one, other) is one


def shows_no_more(
    one: Release | None, other: Release | None, members: Collection[str], now: datetime
) -> bool:
    """Whether nobody sees by ``one`` what he does not by ``other``, sooner or later."""
    if one is None or other is None:
        return one is None
    if other.until is not None and (
        other.until < now or one.until is None or one.until > other.until
    ):
        return False
    closed = no_more_open(one.tlp, other.tlp) and one.originator_control >= other.originator_control
    named = one.parties.keys() | other.parties.keys()
    return (
        closed
        and one.grid_mm >= other.grid_mm
        and shows(other.members, one.members)
        and all(shows(_to(other, party, members), _to(one, party, members)) for party in named)
    )


def _to(release: Release, party: str, members: Collection[str]) -> Grade | None:
    """What a release lets a party see while it lasts."""
    if party in release.parties:
        return release.parties[party]
    return release.members if party in members else None


def grade(
    release: Release | None,
    *,
    author: str | None,
    reader: str,
    members: Collection[str],
    grants: Mapping[str, Grant],
    now: datetime,
) -> Grade | None:
    """How much ``reader`` may see of an object; None where it is not released to him.

    Args:
        release: The object's.
        author: Who said it; sees all of it.
        reader: A party.
        members: Of the agreement.
        grants: By party, what the author granted on request.
        now: UTC; a release or grant that has ended shows nothing.
    """
    if reader == author:
        return Grade.FULL
    granted = grants.get(reader)
    if granted is not None and granted.until is not None and granted.until < now:
        granted = None
    if release is None or (release.until is not None and release.until < now):
        released = None
    else:
        released = _to(release, reader, members)
    return most(released, None if granted is None else granted.grade)


def may_pass_on(release: Release | None, *, to_member: bool, until: datetime) -> bool:
    """Whether a reader may pass the object on without asking, until then.

    TLP:GREEN lets him within the agreement, TLP:CLEAR to all, unless the author
    keeps control; the other labels let nobody.
    """
    if release is None or release.originator_control:
        return False
    if release.until is not None and release.until < until:
        return False
    return release.tlp is Tlp.CLEAR or (release.tlp is Tlp.GREEN and to_member)


def no_more_open(one: Tlp, other: Tlp) -> bool:
    """Whether ``one`` lets its readers pass on no more than ``other`` does."""
    return _OPENNESS[one] <= _OPENNESS[other]


def coarse(volumes: tuple[Volume, ...], grid_mm: int) -> tuple[Volume, ...] | None:
    """Volumes that hold the given ones and say no more than the grid.

    Each footprint becomes one circle around a node of the grid, its radius a
    whole number of grid steps; altitudes are left out; times go to whole hours,
    outwards. What is alike then is said once, and the order says nothing. None
    if a footprint is too wide for one circle: then there is no area that could
    be told.
    """
    told = set()
    for volume in volumes:
        circle = circle_around(volume, grid_mm)
        if circle is None:
            return None
        told.add((_hour(volume.start, up=False), _hour(volume.end, up=True), circle))
    return tuple(
        Volume(footprint=(circle,), start=start, end=end)
        for start, end, circle in sorted(told, key=_by_what_is_told)
    )


def _by_what_is_told(told: tuple[datetime | None, datetime | None, Circle]) -> tuple[object, ...]:
    start, end, circle = told
    return start or EPOCH, start is None, end or EPOCH, end is None, circle.centre, circle.radius_mm


def circle_around(volume: Volume, grid_mm: int, *, around_m: float = 0.0) -> Circle | None:
    """A circle on the grid that holds a footprint, and what lies within ``around_m`` of it.

    None where its radius would be beyond RADIUS_MAX_MM.

    Its centre follows from the cell in which the middle of the footprint lies,
    and its radius from the footprint's size and that cell, never from where
    within the cell it lies: else the radius would tell what the centre does not.

    A cap that holds both ends of an edge shorter than a hemisphere holds the edge.
    """
    positions, reach_m = _outline(volume)
    degrees = np.array(positions, dtype=np.float64) / E7_PER_DEG
    middle = _middle(degrees)
    node, cell_m = _cell(middle, grid_mm)
    size_m = _farthest_m(middle, degrees) + reach_m + around_m + DISTANCE_ERROR_M
    radius_mm = math.ceil((size_m + cell_m) * MM_PER_M / grid_mm) * grid_mm
    if radius_mm > RADIUS_MAX_MM:
        return None
    return Circle(
        centre=(round(node[0] * E7_PER_DEG), round(node[1] * E7_PER_DEG)), radius_mm=radius_mm
    )


def _farthest_m(middle: tuple[float, float], degrees: FloatArray) -> float:
    """Distance from a place to the farthest of others, metres, rather more than less.

    Chords understate; the radius of the tightest curvature overstates again.
    """
    centre = np.array([middle])
    chords = ecef(degrees[:, 0], degrees[:, 1]) - ecef(centre[:, 0], centre[:, 1])
    half = float(np.linalg.norm(chords, axis=1).max()) / (2 * CURVATURE_RADIUS_MIN_M)
    return 2 * CURVATURE_RADIUS_MIN_M * math.asin(min(1.0, half))


def _outline(volume: Volume) -> tuple[list[Position], float]:
    """All vertices of a footprint, and the largest radius around any, metres."""
    positions: list[Position] = []
    reach_m = 0.0
    for shape in volume.footprint:
        match shape:
            case Circle():
                positions.append(shape.centre)
                error_mm = 0
            case Corridor():
                positions.extend(shape.line)
                error_mm = shape.edge_error_mm
            case Polygon():  # pragma: no branch - mypy knows that these are all
                for ring in shape.rings:
                    positions.extend(ring)
                error_mm = shape.edge_error_mm
        reach_m = max(reach_m, shape.radius_m + error_mm / MM_PER_M)
    return positions, reach_m


def _middle(degrees: FloatArray) -> tuple[float, float]:
    """Longitude and latitude of the mean of the verticals: near no place, (0, 0)."""
    lon, lat = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    x = float((np.cos(lat) * np.cos(lon)).sum())
    y = float((np.cos(lat) * np.sin(lon)).sum())
    z = float(np.sin(lat).sum())
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


def _cell(place: tuple[float, float], grid_mm: int) -> tuple[tuple[float, float], float]:
    """The node of the grid around which a place lies, and how far its cell reaches, metres.

    Rows lie one step apart from the equator, at most to the poles; the nodes of a
    row are spread evenly, at least a step apart.
    """
    lon, lat = place
    step = math.degrees(grid_mm / MM_PER_M / CURVATURE_RADIUS_MIN_M)
    row = max(-90.0, min(90.0, round(lat / step) * step))
    nodes = max(1, math.floor(360 / step * math.cos(math.radians(row))))
    column = math.remainder(round(lon / 360 * nodes) * 360 / nodes, 360)
    corners = [
        (column + 180 / nodes, max(-90.0, row - step / 2)),
        (column + 180 / nodes, min(90.0, row + step / 2)),
    ]
    return (column, row), _farthest_m((column, row), np.array(corners))


def _hour(time: datetime | None, *, up: bool) -> datetime | None:
    """A time to the whole hour before, or after."""
    if time is None:
        return None
    utc = time.astimezone(UTC)
    whole = utc.replace(minute=0, second=0, microsecond=0)
    if up and whole != utc:
        return datetime.fromtimestamp(whole.timestamp() + 3_600, UTC)
    return whole

"""What a search wants, asked of what its reader may see, and of nothing else.

An object of which only an area may be seen is asked by its area: whoever moves a
box about finds the author's grid, and never the place (docs/rules/R-02.md).
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, pairwise
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from detente.core.check import Known
from detente.core.ending import has_ended
from detente.core.entry import EntryKind
from detente.core.feature import where_now
from detente.core.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_M, SEMI_MINOR_M, FloatArray
from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.party import PartyId
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.report import Report, ReportState
from detente.core.stix_where import Link, link, whereabouts
from detente.core.telling import Contested
from detente.core.view import View
from detente.core.volume import (
    E7_PER_DEG,
    MM_PER_M,
    Circle,
    LatitudeE7,
    LongitudeE7,
    Polygon,
    Position,
    UtcTime,
    Volume,
    check_time,
    check_window,
)
from detente.core.wire import Value
from detente.errors import MalformedInput
from detente.picture import Picture
from detente.picture.packed import whole

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
"""Objects a page: at some 400 bytes each, what a map draws at once."""

TEXT_MAX = 200
"""Characters to look for: as long as a name may be."""

EXACT_MAX_M = 4_000_000.0
"""Around a box of at most this length, edges decide; around a longer one, the circles that
hold the shapes do, so that a little outside of it is found as well. 1,000 km by 1,000 km:
one measuring of it takes some 10 ms."""

PIECE_DEG = 60
"""A box is cut into pieces of at most this width, so that each is an ordinary shape."""

STEPS = 64
"""Vertices along a piece of a parallel, which is no geodesic; the bulge is added around it."""

_ROUND = 360 * E7_PER_DEG

BoolArray = npt.NDArray[np.bool_]

Name = tuple[str, str]
"""A party, and what it calls an object."""


class Located(NamedTuple):
    """Where objects are that say it by others: only what their reader sees.

    Attributes:
        places: By its name, where a location is.
        links: By its name, what relationships say of where an object is.
    """

    places: Mapping[Name, Circle] = {}
    links: Mapping[Name, Sequence[Link]] = {}


NOWHERE = Located()


class Box(Struct, frozen=True, kw_only=True):
    """All places between two meridians and two parallels, eastwards from ``west``.

    Raises:
        MalformedInput: South of it is north.
    """

    west: LongitudeE7
    south: LatitudeE7
    east: LongitudeE7
    north: LatitudeE7

    def __post_init__(self) -> None:
        if self.south > self.north:
            raise MalformedInput("box", expected="south at most north")

    @property
    def width_e7(self) -> int:
        """How far it reaches eastwards."""
        width = self.east - self.west
        return width if width >= 0 else width + _ROUND

    @property
    def around_m(self) -> float:
        """About how long its edge is, metres."""
        width = math.radians(self.width_e7 / E7_PER_DEG)
        south, north = (math.radians(one / E7_PER_DEG) for one in (self.south, self.north))
        return SEMI_MAJOR_M * (2 * (north - south) + width * (math.cos(south) + math.cos(north)))


class Wanted(Struct, frozen=True, kw_only=True):
    """What to look for; what is not said restricts nothing.

    Attributes:
        kinds: Of what kind.
        party: Whose.
        box: Where; what has no place is not found by one.
        start: Not over before.
        end: Not begun after.
        text: Somewhere in its words, whatever the case.
        changed_since: Taken in by the node at this time or later.
        after: Changed by a later entry than this one; where the page before ended.
        limit: At most so many.
        ended: Also what has ended or was withdrawn.

    Raises:
        MalformedInput: A window that ends before it starts.
    """

    kinds: frozenset[EntryKind] = frozenset()
    party: PartyId | None = None
    box: Box | None = None
    start: UtcTime | None = None
    end: UtcTime | None = None
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)] | None = None
    changed_since: UtcTime | None = None
    after: Annotated[int, Meta(ge=-1)] = -1
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    ended: bool = False

    def __post_init__(self) -> None:
        check_window(self.start, self.end)
        if self.changed_since is not None:
            check_time(self.changed_since, what="changed_since")

    def takes(self, view: View, now: datetime) -> bool:
        """Whether a view is of what is wanted, its place left aside."""
        if not self.ended and view.value is not None and is_over(view.value):
            return False
        if self.text is not None and not _says(view, self.text.casefold()):
            return False
        if self.start is None and self.end is None:
            return True
        if isinstance(view.value, Report) and self._takes_report(view.value):
            return True
        return any(self._overlaps(volume) for volume in shown_volumes(view, now))

    def _takes_report(self, report: Report) -> bool:
        """Whether a report was observed then, or its STIX object is of then.

        What says no time of itself may be located, then or at all times: a box decides.
        """
        observed = report.observed
        if observed is not None and self._shares(observed, observed):
            return True
        if not report.stix:
            return False
        said = whereabouts(report.stix)
        if said.span is not None:
            return self._shares(*said.span)
        return self.box is not None

    def placed(self, views: Sequence[View], now: datetime, located: Located = NOWHERE) -> BoolArray:
        """Which views are in the box.

        Args:
            views: As their reader sees them.
            now: UTC.
            located: Where their STIX objects are by others, as far as the reader sees those.
        """
        if self.box is None:
            return np.ones(len(views), dtype=np.bool_)
        volumes = [
            tuple(
                one
                for one in (*shown_volumes(view, now), *stix_volumes(view, located))
                if self._overlaps(one)
            )
            for view in views
        ]
        known = [
            Known(value=Notice(source_id=str(n), name="-", category="search", volumes=one))
            for n, one in enumerate(volumes)
            if one
        ]
        near = _within if self.box.around_m <= EXACT_MAX_M else _near
        found = np.zeros(len(views), dtype=np.bool_)
        for one in near(self.box, Picture(known)):
            found[int(one.value.source_id)] = True
        return found

    def _overlaps(self, volume: Volume) -> bool:
        """Whether a volume's time and the wanted one share an instant."""
        return self._shares(volume.start, volume.end)

    def _shares(self, start: datetime | None, end: datetime | None) -> bool:
        begun = self.end is None or start is None or start <= self.end
        over = self.start is not None and end is not None and end < self.start
        return begun and not over


def is_over(value: Value) -> bool:
    """Whether its author ended it, or took it back."""
    if getattr(value, "standing", None) is Standing.WITHDRAWN:
        return True
    return has_ended(value) or getattr(value, "state", None) in _OVER


_OVER = {ReportState.RETRACTED, Contested.TAKEN_BACK}


def shown_volumes(view: View, now: datetime) -> tuple[Volume, ...]:
    """Where and when an object is, as far as its reader may see."""
    if view.value is None:
        return view.area
    if isinstance(view.value, Presence) and view.value.track is not None:
        return (where_now(view.value.track, now),)
    volumes: tuple[Volume, ...] = getattr(view.value, "volumes", ())
    return volumes


def stix_volumes(view: View, located: Located) -> Iterator[Volume]:
    """Where and when the STIX object of a report is: by itself, and by others."""
    report = view.value
    if not isinstance(report, Report) or not report.stix:
        return
    said = whereabouts(report.stix)
    if said.place is not None:
        yield said.volume(said.place)
    for name in said.references:
        place = located.places.get((report.party, name))
        if place is not None:
            yield said.volume(place)
    for one in located.links.get((report.party, report.source_id), ()):
        place = located.places.get((report.party, one.target))
        if place is not None:
            yield one.volume(place, said)


def referred(views: Sequence[View]) -> dict[str, list[str]]:
    """By party, the locations to which STIX objects refer: by their ids, of the same party."""
    found: dict[str, dict[str, None]] = {}
    for view in views:
        report = view.value
        if isinstance(report, Report) and report.stix:
            names = whereabouts(report.stix).references
            found.setdefault(report.party, {}).update(dict.fromkeys(names))
    return {party: list(names) for party, names in found.items() if names}


def place_in(view: View) -> Circle | None:
    """Where a location is that its reader sees, and that was not taken back."""
    stix = _standing(view)
    return whereabouts(stix).place if stix else None


def link_in(view: View) -> Link | None:
    """What a relationship says of where something is that its reader sees, and that stands."""
    stix = _standing(view)
    return link(stix) if stix else None


def _standing(view: View) -> str | None:
    """The STIX object of a report that its reader sees, and that was not taken back."""
    report = view.value
    return report.stix if isinstance(report, Report) and not is_over(report) else None


_NO_WORDS = ("party", "stix")
"""Fields of a value in which no words are looked for as they stand."""


def _says(view: View, text: str) -> bool:
    """Whether an object's words hold a text."""
    words: Iterator[object] = iter((view.category,))
    if view.value is not None:
        value = view.value
        words = (getattr(value, name) for name in value.__struct_fields__ if name not in _NO_WORDS)
        if isinstance(value, Report):
            words = chain(words, _further_words(value), _stix_words(value.stix or "", text))
    return any(isinstance(word, str) and text in word.casefold() for word in words)


def _stix_words(stix: str, text: str) -> Iterator[object]:
    """The values of a STIX object that may hold a text: the names in it are nobody's words.

    Letters may be escaped in it, as ``json.dumps`` does to all that are not ASCII.
    """
    if "\\" not in stix and text not in stix.casefold():
        return
    left: list[object] = [json.loads(stix)]
    while left:
        one = left.pop()
        if isinstance(one, dict | list):
            left += one.values() if isinstance(one, dict) else one
        else:
            yield one


def _further_words(report: Report) -> Iterator[str]:
    """What a report says beside its own text."""
    for translation in report.translations:
        yield from (translation.title or "", translation.text, translation.translator)
    if report.request is not None:
        yield report.request.asks


def _within(box: Box, picture: Picture) -> list[Known]:
    """What meets the box, as a check would measure it."""
    question = Plan(source_id="search", volumes=(Volume(footprint=_shapes(box)),))
    return picture.met([question])[0]


def _near(box: Box, picture: Picture) -> Iterator[Known]:
    """What has a shape whose surrounding circle reaches into the box."""
    for segment, _, _ in picture.parts:
        rows = whole(segment.tables)
        # A geodetic degree is at most 1.0068 geocentric ones.
        reach = 1.01 * (rows["cap"] + (rows["radius_m"] + rows["error_m"]) / SEMI_MINOR_M)
        lat = np.arctan2(rows["z"] / (1 - ECCENTRICITY_SQUARED), np.hypot(rows["x"], rows["y"]))
        lon = np.arctan2(rows["y"], rows["x"])
        found = np.unique(rows["owner"][_reaches(box, lon, lat, reach)])
        yield from segment.entries.take(found)


def _reaches(box: Box, lon: FloatArray, lat: FloatArray, reach: FloatArray) -> BoolArray:
    """Which circles around places reach into a box; all in radians."""
    south, north = (math.radians(one / E7_PER_DEG) for one in (box.south, box.north))
    half = math.radians(box.width_e7 / E7_PER_DEG) / 2
    middle = math.radians(box.west / E7_PER_DEG) + half
    wide = across_rad(lat, reach)
    apart = np.abs(np.remainder(lon - middle + math.pi, 2 * math.pi) - math.pi)
    found: BoolArray = (
        (lat + reach >= south) & (lat - reach <= north) & (apart <= half + wide + _ROUNDING)
    )
    return found


def across_rad(lat: FloatArray, reach: FloatArray) -> FloatArray:
    """How far circles around places reach in longitude; pi where one holds a pole. Radians."""
    polar = np.abs(lat) + reach >= math.pi / 2
    sine = np.sin(np.minimum(reach, math.pi / 2)) / np.maximum(np.cos(lat), 1e-12)
    return np.where(polar, math.pi, np.arcsin(np.minimum(sine, 1.0)))


_ROUNDING = 1e-9
"""Radians: half a centimetre, for what the formulas round."""


def _shapes(box: Box) -> tuple[Polygon, ...]:
    """The box as polygons, a little widened where parallels are bent."""
    pieces = max(1, math.ceil(box.width_e7 / (PIECE_DEG * E7_PER_DEG)))
    edges = [box.west + box.width_e7 * n // pieces for n in range(pieces + 1)]
    bulge_mm = _bulge_mm(box, box.width_e7 / pieces / STEPS / E7_PER_DEG)
    return tuple(
        Polygon(rings=(_ring(west, east, box),), buffer_mm=bulge_mm)
        for west, east in pairwise(edges)
    )


def _ring(west: int, east: int, box: Box) -> tuple[Position, ...]:
    along = [west + (east - west) * n // STEPS for n in range(STEPS + 1)]
    there = [(_wrapped(lon), box.south) for lon in along]
    back = [(_wrapped(lon), box.north) for lon in reversed(along)]
    return tuple(dict.fromkeys([*there, *back]))


def _wrapped(lon_e7: int) -> int:
    return (lon_e7 + _ROUND // 2) % _ROUND - _ROUND // 2


def _bulge_mm(box: Box, step_deg: float) -> int:
    """How far a geodesic leaves a parallel between two vertices, at most."""
    half = math.radians(step_deg / 2)
    most = 0.0
    for lat_e7 in (box.south, box.north):
        lat = math.radians(lat_e7 / E7_PER_DEG)
        if abs(lat_e7) < 90 * E7_PER_DEG:
            most = max(most, abs(math.atan(math.tan(lat) / math.cos(half)) - lat))
    return math.ceil(1.01 * most * SEMI_MAJOR_M * MM_PER_M)

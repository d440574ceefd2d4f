"""Layers: what a map or a GIS sees of the picture, cut to its reader, in the order of the record.

The picture holds all that protects, in memory. Here it is found out which of it a reader may
see and where that lies, as arrays; what is shown is cut by detente.core.view as everywhere. An
object of which only an area may be seen is found by that area alone.

A page goes on after the last object that was shown: one that changes moves to the end, so
whoever follows the pages misses nothing, whatever happens between two of them.

Source: docs/rules/R-02.md; docs/adr/0024.
"""

import asyncio
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from detente.core.check import Known
from detente.core.drawn import Drawing, drawing_of
from detente.core.entry import EntryKind
from detente.core.feature import KINDS, Properties, properties_of, volumes_of
from detente.core.geodesy import ECCENTRICITY_SQUARED, SEMI_MINOR_M, FloatArray, IntArray
from detente.core.instant import overlaps
from detente.core.kinds import KINDS as KIND_OF
from detente.core.presence import TRACK_GROWTH_MAX_S
from detente.core.principal import Principal, Scope
from detente.core.release import Grade
from detente.core.view import Label, Reader, View
from detente.core.volume import E7_PER_DEG, Circle, Volume, microseconds
from detente.errors import NotFound, Unavailable
from detente.node.asking import Follow, reader_of
from detente.node.engine import Engine
from detente.node.wanted import across_rad
from detente.node.world import Shown
from detente.picture.gather import Group
from detente.picture.packed import whole
from detente.picture.picture import Part
from detente.picture.segment import Segment, hashes_of
from detente.picture.tables import BoolArray

READ_STEP = 256
"""Values read at a time while a page is filled."""

READERS = 2
"""Threads that look: one long search leaves one for short ones."""

TRIES_MAX = 5
"""How often to catch up with other processes that go on writing meanwhile."""

AREAS_MAX = 200_000
"""Areas whose bounds are remembered, some 40 MB: to make one takes some 80 us."""

REACH = 1.03
"""A geodetic degree is at most 1.0068 geocentric ones, and drawings lie up to 2 % outside."""

_ORDER = tuple(KINDS.values())
_CODES = (None, Grade.AREA, Grade.FULL)
AREA, FULL = 1, 2
"""How much of an object may be seen, as ``code`` of Found has it."""
_HALF = 180.0
HOUR_US = 3_600_000_000
"""Times of an area are told in whole hours, outwards (detente.core.release.coarse)."""

T = TypeVar("T")


class Bounds(NamedTuple):
    """Degrees. West of east, or past 180 where the antimeridian is crossed."""

    west: float
    south: float
    east: float
    north: float


class Item:
    """One object as its reader sees it: what a filter asks, and what a feature is made of.

    Of ``at``, where it is given, only what of it is there at that time.
    """

    def __init__(self, view: View, reader: Reader, at: datetime | None = None) -> None:
        self.view = view
        self.reader = reader
        self.now = reader.now if at is None else at
        self._at = at
        self._volumes: tuple[Volume, ...] | None = None
        self._drawing: Drawing = None
        self._properties: Properties | None = None

    def later(self, now: datetime) -> "Item":
        """The same as its reader sees it at another time."""
        return Item(self.view, replace(self.reader, now=now))

    @property
    def properties(self) -> Properties:
        """What a feature says of it."""
        if self._properties is None:
            self._properties = properties_of(self.view, self.now)
        return self._properties

    def value(self, name: str) -> object:
        """One property."""
        return self.properties[name]

    def volumes(self) -> tuple[Volume, ...]:
        """Where and when it is, as far as may be seen."""
        if self._volumes is None:
            found, at = volumes_of(self.view, self.now), self._at
            self._volumes = (
                found if at is None else tuple(one for one in found if overlaps(one, (at, at)))
            )
        return self._volumes

    def drawing(self) -> Drawing:
        """What holds all its volumes."""
        if self._drawing is None:
            self._drawing = drawing_of(self.volumes())
        return self._drawing


class Wish(Struct, frozen=True, kw_only=True):
    """What is looked for; the bounds only sieve, ``takes`` decides.

    Attributes:
        kind: Of what kind.
        boxes: Whatever may meet one of them; none restrict nothing.
        takes: Whether an item is wanted.
        after: Of a later entry than this one.
        limit: At most so many.
    """

    kind: EntryKind
    boxes: tuple[Bounds, ...] = ()
    takes: Callable[[Item], bool]
    after: int = -1
    limit: int


class Page(NamedTuple):
    """Items in the order of the record; ``after`` leads to the next page, None at the end."""

    items: tuple[Item, ...]
    after: int | None


class Sheet(NamedTuple):
    """Of the objects of one segment.

    ``sequence`` (o,) int64; ``kind`` (o,) int64, numbers of KINDS; ``bounds`` (o, 4) float64:
    middle longitude, half of the width, south, north, degrees; ``heights`` (o, 2) float64: lowest,
    highest, metres above the ellipsoid, infinite where unbounded.
    """

    sequence: IntArray
    kind: IntArray
    bounds: FloatArray
    heights: FloatArray


class Found(NamedTuple):
    """Objects that a reader may see, as arrays of one length, and their parts of the picture."""

    parts: Sequence[Part]
    part: IntArray
    owner: IntArray
    code: IntArray
    kind: IntArray
    sequence: IntArray
    bounds: FloatArray

    def __len__(self) -> int:
        """How many."""
        return len(self.owner)

    def only(self, which: BoolArray | IntArray) -> "Found":
        """Some of them."""
        columns: Any = (column[which] for column in self[1:])
        return Found(self.parts, *columns)

    def groups(self) -> list[Group]:
        """What each has in common with many: its category and label."""
        groups = [part.segment.groups for part in self.parts]
        number = [part.segment.kinds["group"][part.segment.kind] for part in self.parts]
        places = zip(self.part.tolist(), self.owner.tolist(), strict=True)
        return [groups[part][number[part][owner]] for part, owner in places]

    def known(self, numbers: IntArray) -> list[Known]:
        """The entries of some, read at once."""
        out: dict[int, Known] = {}
        for part in np.unique(self.part[numbers]).tolist():
            some = numbers[self.part[numbers] == part]
            entries = self.parts[part].segment.entries.take(self.owner[some])
            out |= dict(zip(some.tolist(), entries, strict=True))
        return [out[number] for number in numbers.tolist()]


class Sight:
    """One state of the picture, as one reader sees it.

    ``at`` leaves of it what is there at one time: a plan's windows, a movement's legs.
    """

    def __init__(
        self, shown: Shown, reader: Reader, sheets: "Sheets", at: datetime | None = None
    ) -> None:
        self.shown = shown
        self.reader = reader
        self.at = at
        self._sheets = sheets

    def find(
        self,
        kinds: Collection[EntryKind],
        boxes: Sequence[Bounds] = (),
        *,
        after: int = -1,
    ) -> Found:
        """What may be seen and may meet one of some boxes, in the order of the record."""
        parts = self._parts(kinds)
        wanted = [_ORDER.index(one) for one in kinds]
        columns = [self._of_part(part, n, wanted, after) for n, part in enumerate(parts)]
        merged: Any = (np.concatenate(some) for some in zip(_EMPTY, *columns, strict=True))
        found = Found(parts, *merged)
        if boxes:
            found = found.only(np.logical_or.reduce([_meets(found.bounds, box) for box in boxes]))
        return found.only(np.argsort(found.sequence, kind="stable"))

    def _parts(self, kinds: Collection[EntryKind]) -> list[Part]:
        plans = self.shown.plans.parts if EntryKind.PLAN in kinds else ()
        others = self.shown.protected.parts if set(kinds) - {EntryKind.PLAN} else ()
        return [*others, *plans]

    def _of_part(
        self, part: Part, number: int, kinds: Sequence[int], after: int
    ) -> Sequence[FloatArray | IntArray]:
        sheet = self._sheets.of(part.segment)
        code = self._codes(part)
        code[~part.alive | ~np.isin(sheet.kind, kinds) | (sheet.sequence <= after)] = 0
        if self.at is not None:
            code[~_there(part.segment, code == AREA, self.at)] = 0
        owner = np.flatnonzero(code)
        bounds = sheet.bounds[owner]
        areas = np.flatnonzero(code[owner] == AREA)
        bounds[areas] = self._sheets.of_areas(part.segment, owner[areas], self.reader)
        return (
            np.full(len(owner), number),
            owner,
            code[owner],
            sheet.kind[owner],
            sheet.sequence[owner],
            bounds,
        )

    def _codes(self, part: Part) -> IntArray:
        """How much of each owner may be seen: by label, and one by one what was granted."""
        segment = part.segment
        codes = np.array([self._code_of(one) for one in segment.groups], dtype=np.int64)
        code: IntArray = codes[segment.kinds["group"]][segment.kind]
        granted = [one for one, to in self.shown.grants.items() if self.reader.party in to]
        owners = [owner for _, owner in segment.places(granted, hashes_of(granted))]
        for owner, known in zip(owners, segment.entries.take(owners), strict=True):
            code[owner] = _number(self.reader.grade(known.value, known.object_id))
        return code

    def _code_of(self, group: Group) -> int:
        return _number(self.reader.grade_labelled(label_in(group)))

    def heights(self, found: Found) -> FloatArray:
        """Lowest and highest, (n, 2) float64; of an area none is told."""
        out = np.tile([-np.inf, np.inf], (len(found), 1))
        for part in np.unique(found.part[found.code == FULL]).tolist():
            some = (found.part == part) & (found.code == FULL)
            out[some] = self._sheets.of(found.parts[part].segment).heights[found.owner[some]]
        return out

    def items(self, found: Found, numbers: IntArray) -> Iterator[Item]:
        """Some of what was found."""
        for first in range(0, len(numbers), READ_STEP):
            some = numbers[first : first + READ_STEP]
            for known, code in zip(found.known(some), found.code[some].tolist(), strict=True):
                view = self.reader.view(known, _CODES[code] or Grade.AREA)
                assert view is not None, "what is found may be seen"  # noqa: S101
                yield Item(view, self.reader, self.at)

    def page(self, wish: Wish) -> Page:
        """The next of what is wanted: never none while there is more."""
        found = self.find({wish.kind}, wish.boxes, after=wish.after)
        items: list[Item] = []
        for item in self.items(found, np.arange(len(found))):
            if wish.takes(item):
                if len(items) == wish.limit:
                    return Page(tuple(items), items[-1].view.sequence)
                items.append(item)
        return Page(tuple(items), None)

    def one(self, kind: EntryKind, object_id: str) -> Item:
        """One object.

        Raises:
            NotFound: There is none in force, or not of this kind, or not for this reader.
        """
        picture = self.shown.plans if kind is EntryKind.PLAN else self.shown.protected
        known = picture.get(object_id)
        if known is not None and KIND_OF[type(known.value)] is kind:
            grade = self.reader.grade(known.value, object_id)
            view = None if _number(grade) == 0 or grade is None else self.reader.view(known, grade)
            if view is not None:
                return Item(view, self.reader)
        raise NotFound(f"object {object_id}")


class Layers:
    """Answers maps.

    Args:
        engine: At work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sheets = Sheets()
        self._erased = -1
        self._pool = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="layers")

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown()

    async def look(self, principal: Principal, act: Callable[[Sight], T], see: "See" = Sight) -> T:
        """Look at a state that is not older than the question.

        Args:
            principal: Who looks.
            act: What is done with what is seen.
            see: What of that state is looked at.

        Raises:
            Unavailable: Other processes go on writing.
        """
        principal.require(Scope.READ)
        loop = asyncio.get_running_loop()
        for _ in range(TRIES_MAX):
            size = await loop.run_in_executor(self._pool, self._engine.store.size)
            if size <= self._engine.world.shown.sequence:
                return await loop.run_in_executor(self._pool, self._act, principal.party, act, see)
            await self._engine.act(Follow())
        raise Unavailable("register", expected="to be caught up with; ask again")

    def _act(self, party: str, act: Callable[[Sight], T], see: "See") -> T:
        world = self._engine.world
        if world.erased != self._erased:
            # What is erased leaves no trace, its area neither.
            self._erased = world.erased
            self._sheets.forget()
        shown = world.shown
        return act(see(shown, reader_of(shown, party, self._engine.clock()), self._sheets))


class Sheets:
    """The sheets of segments that are in use, and the bounds of areas. Any thread's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sheets: dict[int, tuple[weakref.ref[Any], Sheet]] = {}
        self._areas: OrderedDict[int, tuple[float, ...]] = OrderedDict()

    def forget(self) -> None:
        """Let go of all areas."""
        with self._lock:
            self._areas.clear()

    def of(self, segment: Segment) -> Sheet:
        """The sheet of a segment, made when it is first asked for."""
        key = id(segment.kind)
        with self._lock:
            kept = self._sheets.get(key)
            if kept is not None and kept[0]() is segment.kind:
                return kept[1]
        sheet = _sheet_of(segment)
        gone = weakref.ref(segment.kind, lambda _: self._sheets.pop(key, None))
        with self._lock:
            self._sheets[key] = gone, sheet
        return sheet

    def of_areas(self, segment: Segment, owners: IntArray, reader: Reader) -> FloatArray:
        """The bounds of the areas that are told of some owners, (n, 4) float64."""
        sequences = self.of(segment).sequence[owners].tolist()
        found = {at: self._areas.get(at) for at in sequences}
        new = [n for n, at in enumerate(sequences) if found[at] is None]
        for n, known in zip(new, segment.entries.take(owners[new]), strict=True):
            view = reader.view(known, Grade.AREA)
            found[sequences[n]] = _bounds_of_circles(() if view is None else view.area)
        with self._lock:
            self._areas |= {sequences[n]: found[sequences[n]] for n in new}
            while len(self._areas) > AREAS_MAX:
                self._areas.popitem(last=False)
        return np.array([found[at] for at in sequences], dtype=np.float64).reshape(-1, 4)


See = Callable[[Shown, Reader, Sheets], Sight]
"""Makes a sight of a state, for a reader."""

_EMPTY = (
    *(np.empty(0, dtype=np.int64) for _ in range(5)),
    np.empty((0, 4)),
)


def label_in(group: Group) -> Label:
    """The label that the world gave to all of a group."""
    assert isinstance(group.label, Label), "the world labels what it shows"  # noqa: S101
    return group.label


def _number(grade: Grade | None) -> int:
    return _CODES.index(grade) if grade in _CODES else 0


def _there(segment: Segment, area: BoolArray, at: datetime) -> BoolArray:
    """Which objects are there at a time; of an area, by the whole hours that are told of it."""
    rows = whole(segment.tables)
    owner, time_us = rows["owner"], microseconds(at)
    early = np.where(area[owner], (time_us // HOUR_US + 1) * HOUR_US - 1, time_us)
    late = np.where(area[owner], -(-time_us // HOUR_US) * HOUR_US - HOUR_US + 1, time_us)
    out = np.zeros(len(area), dtype=np.bool_)
    out[owner[(rows["start_us"] <= early) & (rows["end_us"] >= late)]] = True
    return out


def _sheet_of(segment: Segment) -> Sheet:
    rows, count = whole(segment.tables), len(segment.entries)
    kinds = np.array([_ORDER.index(label_in(one).kind) for one in segment.groups], dtype=np.int64)
    grown_m = rows["speed_m_s"] * TRACK_GROWTH_MAX_S
    reach = rows["cap"] + (rows["radius_m"] + rows["error_m"] + grown_m) / SEMI_MINOR_M
    lat = np.arctan2(rows["z"] / (1 - ECCENTRICITY_SQUARED), np.hypot(rows["x"], rows["y"]))
    lon = np.arctan2(rows["y"], rows["x"])
    heights = np.tile([np.inf, -np.inf], (count, 1))
    np.minimum.at(heights[:, 0], rows["owner"], rows["lower_m"])
    np.maximum.at(heights[:, 1], rows["owner"], rows["upper_m"])
    return Sheet(
        sequence=segment.entries.sequences,
        kind=kinds[segment.kinds["group"]][segment.kind],
        bounds=_bounds(count, rows["owner"], np.column_stack([lon, lat, reach])),
        heights=heights,
    )


def _bounds_of_circles(area: tuple[Volume, ...]) -> tuple[float, ...]:
    circles = [one for volume in area for one in volume.footprint if isinstance(one, Circle)]
    discs = [(*np.radians(np.array(one.centre) / E7_PER_DEG), one.radius_m / SEMI_MINOR_M)
             for one in circles]  # fmt: skip
    owner = np.zeros(len(discs), dtype=np.int64)
    return tuple(_bounds(1, owner, np.array(discs).reshape(-1, 3))[0].tolist())


def _bounds(count: int, owner: IntArray, discs: FloatArray) -> FloatArray:
    """Bounds of objects.

    Args:
        count: How many there are.
        owner: (n,) int64, whose each disc is.
        discs: (n, 3) float64 radians: longitude, latitude, reach.

    Returns:
        (count, 4) float64 degrees: middle, half of the width, south, north.
    """
    lon, lat, reach = discs[:, 0], discs[:, 1], discs[:, 2] * REACH + 1e-8
    wide = across_rad(lat, reach)
    first = np.zeros(count)
    first[owner[::-1]] = lon[::-1]
    aside = np.remainder(lon - first[owner] + np.pi, 2 * np.pi) - np.pi
    low, high = np.full((2, count), np.inf), np.full((2, count), -np.inf)
    np.minimum.at(low[0], owner, aside - wide)
    np.maximum.at(high[0], owner, aside + wide)
    np.minimum.at(low[1], owner, lat - reach)
    np.maximum.at(high[1], owner, lat + reach)
    half = np.minimum((high[0] - low[0]) / 2, np.pi)
    out = np.degrees(np.column_stack([first + (high[0] + low[0]) / 2, half, low[1], high[1]]))
    return np.asarray(out)


def _meets(bounds: FloatArray, box: Bounds) -> BoolArray:
    """Which bounds may meet a box."""
    middle, half = (box.west + box.east) / 2, (box.east - box.west) / 2
    apart = np.abs(np.remainder(bounds[:, 0] - middle + _HALF, 2 * _HALF) - _HALF)
    found: BoolArray = (
        (apart <= half + bounds[:, 1]) & (bounds[:, 2] <= box.north) & (bounds[:, 3] >= box.south)
    )
    return found

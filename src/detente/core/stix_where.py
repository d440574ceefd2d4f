"""Where and when, as a STIX object says it.

Only what is said in numbers counts: a region or a country alone is no place, and an object about
whose time nothing is said has none. What is not as the standard has it is passed over, for an
object is kept whatever it says.

Source: STIX 2.1 sections 4.5 (identity, of which `located-at` may be said), 4.7 (indicator), 4.10
(location), 4.14 (observed data), 4.16 (report), 5.1 (relationship), 5.2 (sighting) and those of
what is first and last seen.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeGuard

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from detente.core.stix import instant
from detente.core.volume import (
    E7_PER_DEG,
    MM_PER_M,
    RADIUS_MAX_MM,
    YEAR_MAX,
    YEAR_MIN,
    Circle,
    Volume,
)
from detente.errors import MalformedInput

REFERENCES_MAX = 1_000
"""Of one object to places: a report of more is found by the first of them."""

LOCATED_AT = "located-at"
"""The type of a relationship that says where its source is: of those to a location the others
say where something comes from, or against what it is."""

LATITUDE_MAX_DEG, LONGITUDE_MAX_DEG = 90, 180

Span = tuple[datetime | None, datetime | None]
"""From when until when; None is without end."""


class _Said(Struct, frozen=True, gc=False):
    """What of an object says where and when, whatever stands there."""

    latitude: object = None
    longitude: object = None
    precision: object = None
    first_observed: object = None
    last_observed: object = None
    first_seen: object = None
    last_seen: object = None
    valid_from: object = None
    valid_until: object = None
    start_time: object = None
    stop_time: object = None
    published: object = None
    where_sighted_refs: object = None
    object_refs: object = None
    type: object = None
    relationship_type: object = None
    source_ref: object = None
    target_ref: object = None


_said = msgspec.json.Decoder(_Said)


class Whereabouts(Struct, frozen=True, kw_only=True):
    """Where and when an object is.

    Attributes:
        span: When; None where it does not say.
        place: Where; None where it does not say.
        references: Ids of the locations that it refers to.
    """

    span: Span | None = None
    place: Circle | None = None
    references: tuple[str, ...] = ()

    def volume(self, place: Circle) -> Volume:
        """The object at a place: its own, or that of a location that it refers to."""
        start, end = self.span or (None, None)
        return Volume(footprint=(place,), start=start, end=end)


class Link(Struct, frozen=True, kw_only=True):
    """What a `located-at` relationship says.

    Attributes:
        source: Id of what is there.
        target: Id of the location.
        span: When; None where it does not say.
    """

    source: str
    target: str
    span: Span | None = None

    def volume(self, place: Circle, said: Whereabouts) -> Volume:
        """What it locates, at the location's place: then, or when the object itself is."""
        return replace(said, span=self.span or said.span).volume(place)


def link(stix: str) -> Link | None:
    """What an object, read strictly before, says of where another is; None of any other."""
    said = _said.decode(stix)
    if (said.type, said.relationship_type) != ("relationship", LOCATED_AT):
        return None
    source, target = said.source_ref, said.target_ref
    if not isinstance(source, str) or not _is_location(target):
        return None
    return Link(source=source, target=target, span=_span(said))


def whereabouts(stix: str) -> Whereabouts:
    """What an object, read strictly before, says of where and when it is."""
    said = _said.decode(stix)
    return Whereabouts(
        span=_span(said),
        place=_place(said),
        references=tuple(dict.fromkeys(_references(said)))[:REFERENCES_MAX],
    )


def _place(said: _Said) -> Circle | None:
    """A position with its precision as radius, in metres; at most RADIUS_MAX_MM around it."""
    latitude, longitude = _number(said.latitude), _number(said.longitude)
    if latitude is None or longitude is None:
        return None
    if abs(latitude) > LATITUDE_MAX_DEG or abs(longitude) > LONGITUDE_MAX_DEG:
        return None
    radius_m = max(0.0, _number(said.precision) or 0.0)
    radius_mm = math.ceil(min(radius_m * MM_PER_M, RADIUS_MAX_MM))
    centre = round(longitude * E7_PER_DEG), round(latitude * E7_PER_DEG)
    return Circle(centre=centre, radius_mm=radius_mm)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def _span(said: _Said) -> Span | None:
    """When. What was seen once was seen then; what is valid without an end is so until further."""
    for first, last in (
        (said.first_observed, said.last_observed),
        (said.first_seen, said.last_seen),
    ):
        start, end = _time(first), _time(last)
        if start is not None or end is not None:
            return _in_order(start or end, end or start)
    for first, last in ((said.valid_from, said.valid_until), (said.start_time, said.stop_time)):
        start, end = _time(first), _time(last)
        if start is not None or end is not None:
            return _in_order(start, end)
    published = _time(said.published)
    return None if published is None else (published, published)


def _in_order(start: datetime | None, end: datetime | None) -> Span:
    """What ends before it begins is of both times."""
    if start is not None and end is not None and end < start:
        return end, start
    return start, end


def _time(value: object) -> datetime | None:
    """A time to the microsecond; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        exact = instant(value, what="time")
    except MalformedInput:
        return None
    found = datetime.fromisoformat(exact[:26]).replace(tzinfo=UTC)
    return found if YEAR_MIN <= found.year <= YEAR_MAX else None


def _references(said: _Said) -> Iterator[str]:
    for some in (said.where_sighted_refs, said.object_refs, [said.source_ref, said.target_ref]):
        for one in some if isinstance(some, list) else ():
            if _is_location(one):
                yield one


def _is_location(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and name.startswith("location--")

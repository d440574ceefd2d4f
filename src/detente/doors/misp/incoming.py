"""An event of MISP as STIX objects, each with to whom it is released at most.

Attributes that MISP would detect by (``to_ids``) become indicators, objects ``geolocation``
locations, sightings of the former sightings. All else is named, so that whoever gives an event
knows what is left out. Ids follow from MISP's: given again, an object is the next version of
itself.

Source: MISP core format sections 2.2 to 2.7; STIX 2.1 sections 4.7, 4.10 and 5.3.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from detente.core.misp import INHERITS, ceiling, label_of
from detente.core.release import Release
from detente.core.report import Reliability
from detente.core.stix import TLP_2_MARKINGS
from detente.doors.misp.patterns import pattern_of
from detente.errors import MalformedInput
from detente.node.taxii.adding import OBJECTS_MAX, Terms

SECONDS_MAX = 4_102_444_800
"""The year 2100: a later timestamp is a mistake of format."""

Number = Annotated[int, Meta(ge=0, le=SECONDS_MAX)]


class Tag(Struct, frozen=True):
    """A label."""

    name: str


class Sighting(Struct, frozen=True):
    """That something was seen; ``type`` 0 is that, 1 a false positive, 2 an expiry."""

    uuid: str = ""
    type: Number = 0
    date_sighting: Number = 0
    source: str | None = None


class Attribute(Struct, frozen=True, rename={"tags": "Tag", "sightings": "Sighting"}):
    """One value."""

    uuid: str
    type: str
    value: str
    category: str = ""
    to_ids: bool = False
    deleted: bool = False
    distribution: Number = INHERITS
    timestamp: Number = 0
    comment: str | None = None
    object_relation: str | None = None
    first_seen: str | None = None
    last_seen: str | None = None
    tags: tuple[Tag, ...] = ()
    sightings: tuple[Sighting, ...] = ()


class MispObject(Struct, frozen=True, rename={"attributes": "Attribute"}):
    """Values that belong together."""

    uuid: str
    name: str
    deleted: bool = False
    distribution: Number = INHERITS
    timestamp: Number = 0
    comment: str | None = None
    attributes: tuple[Attribute, ...] = ()


class Event(
    Struct,
    frozen=True,
    rename={
        "tags": "Tag",
        "attributes": "Attribute",
        "objects": "Object",
        "reports": "EventReport",
        "galaxies": "Galaxy",
    },
):
    """An event; what is not named here is about MISP itself."""

    uuid: str
    info: str
    date: str = "1970-01-01"
    timestamp: Number = 0
    distribution: Number = 0
    tags: tuple[Tag, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    objects: tuple[MispObject, ...] = ()
    reports: tuple[Any, ...] = ()
    galaxies: tuple[Any, ...] = ()


class GivenEvent(Struct, frozen=True, kw_only=True, rename={"event": "Event"}):
    """An event as MISP writes it, and beside it what its sender asks for.

    Attributes:
        event: As MISP writes it.
        release: To whom, at most; the event's distribution and labels may make it less.
        reliability: Of the source.
        partial: Whether to take what STIX can say, where it cannot say all.
    """

    event: Event
    release: Release | None = None
    reliability: Reliability | None = None
    partial: bool = False


class Taken(Struct, frozen=True):
    """What an event becomes: STIX objects, each with its terms, and names of what is left out."""

    given: tuple[tuple[Terms, str], ...]
    left_out: tuple[str, ...]


def read_event(body: bytes) -> GivenEvent:
    """An event as it came.

    Raises:
        MalformedInput: It is none.
    """
    try:
        # MISP writes the same number as a number here and as a text there.
        return msgspec.convert(msgspec.json.decode(body), GivenEvent, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput("event", expected="an event of MISP", got=str(error)[:300]) from None


def taken(given: GivenEvent) -> Taken:
    """What an event becomes.

    Raises:
        MalformedInput: More than OBJECTS_MAX things; or something that STIX cannot say, and
            it was not asked for in part.
    """
    reader = _Reader(given)
    things: list[Attribute | MispObject] = [*given.event.attributes, *given.event.objects]
    if len(things) > OBJECTS_MAX:
        raise MalformedInput("event", expected=f"at most {OBJECTS_MAX} attributes and objects")
    made = [one for thing in things for one in reader.thing(thing)]
    out = [
        *reader.left_out,
        *(f"{len(some)} {name}" for name, some in
          (("event reports", given.event.reports), ("galaxies", given.event.galaxies)) if some),
    ]  # fmt: skip
    if out and not given.partial:
        raise MalformedInput(
            "event", expected="what STIX can say; partial takes that alone", got=_few(out)
        )
    return Taken(tuple(made), tuple(out))


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"  # noqa: PLR2004


class _Unsayable(Exception):
    """STIX cannot say it, and why."""


class _Reader:
    """Reads one event."""

    def __init__(self, given: GivenEvent) -> None:
        self._given = given
        self._event = given.event
        self.left_out: list[str] = []

    def thing(self, thing: Attribute | MispObject) -> Iterator[tuple[Terms, str]]:
        """The STIX objects that an attribute or object becomes."""
        kind = "attribute" if isinstance(thing, Attribute) else "object"
        what = thing.type if isinstance(thing, Attribute) else thing.name
        tags = [one.name for one in (*self._event.tags, *(_tags(thing)))]
        try:
            if isinstance(thing, Attribute):
                said = self._indicator(thing, tags)
            else:
                said = self._location(thing, tags)
            terms = self._terms(thing, tags)
            yield terms, _text(said)
        except _Unsayable as error:
            self.left_out.append(f"{kind} {thing.uuid} ({what}: {error})")
            return
        for sighting in thing.sightings if isinstance(thing, Attribute) else ():
            try:
                yield terms, _text(self._sighting(sighting, said))
            except _Unsayable as error:
                self.left_out.append(f"sighting {sighting.uuid or '?'} ({error})")

    def _terms(self, thing: Attribute | MispObject, tags: Sequence[str]) -> Terms:
        inner = (
            [] if isinstance(thing, Attribute) else [one.distribution for one in thing.attributes]
        )
        distributions = (self._event.distribution, thing.distribution, *inner)
        release = ceiling(self._given.release, distributions, tags)
        return Terms(release=release, reliability=self._given.reliability)

    def _indicator(self, one: Attribute, tags: Sequence[str]) -> dict[str, Any]:
        if not one.to_ids and not one.deleted:
            raise _Unsayable("not for detection")
        found = pattern_of(one.type, one.value)
        if found is None:
            raise _Unsayable("no pattern says it")
        pattern, language = found
        head = self._head(
            "indicator", one, tags, f'misp:type="{one.type}"', f'misp:category="{one.category}"'
        )
        own = next((name for tag in tags if (name := _own(tag)) is not None), None)
        if own is not None:
            head["id"] = own
        start = _time(one.first_seen) or head["modified"]
        end = _time(one.last_seen)
        return {
            **head,
            "name": one.value[:200],
            **({"description": one.comment} if one.comment else {}),
            "pattern": pattern,
            "pattern_type": language,
            **({"pattern_version": "2.1"} if language == "stix" else {}),
            "valid_from": start,
            **({"valid_until": end} if end is not None and end > start else {}),
        }

    def _location(self, one: MispObject, tags: Sequence[str]) -> dict[str, Any]:
        if one.name != "geolocation":
            raise _Unsayable("no object of STIX is this")
        values = {part.object_relation or part.type: part.value for part in one.attributes}
        code = values.pop("countrycode", None)
        country = code or values.pop("country", None)
        said: dict[str, Any] = {
            "country": country,
            "administrative_area": values.pop("region", None),
            "city": values.pop("city", None),
            "street_address": values.pop("address", None),
            "postal_code": values.pop("zipcode", None),
        }
        if "latitude" in values or "longitude" in values:
            said["latitude"] = _degrees(values.pop("latitude", ""), 90)
            said["longitude"] = _degrees(values.pop("longitude", ""), 180)
        elif not country:
            raise _Unsayable("neither a position nor a country")
        rest = {
            f"x_misp_{re.sub('[^a-z0-9]', '_', name.lower())}": value
            for name, value in values.items()
        }
        known = {name: value for name, value in said.items() if value is not None}
        head = self._head("location", one, tags)
        return {**head, "name": (one.comment or self._event.info)[:200], **known, **rest}

    def _sighting(self, one: Sighting, of: dict[str, Any]) -> dict[str, Any]:
        if one.type != 0:
            raise _Unsayable(f"of {of['id']}: that it is none, or no longer")
        at = _spelt(one.date_sighting)
        return {
            "type": "sighting",
            "spec_version": "2.1",
            "id": f"sighting--{_uuid(one.uuid)}",
            "created": at,
            "modified": at,
            "first_seen": at,
            "last_seen": at,
            "count": 1,
            "sighting_of_ref": of["id"],
            **({"description": one.source} if one.source else {}),
            **{name: of[name] for name in ("object_marking_refs",) if name in of},
        }

    def _head(
        self, kind: str, one: Attribute | MispObject, tags: Sequence[str], *labels: str
    ) -> dict[str, Any]:
        modified = _spelt(one.timestamp or self._event.timestamp)
        # Of an attribute MISP says only when it last changed; the event's day stays.
        created = min(_day(self._event.date), modified)
        label, _ = label_of(tags)
        others = [tag for tag in tags if not tag.lower().startswith(("tlp:", "detente:id="))]
        return {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--{_uuid(one.uuid)}",
            "created": created,
            "modified": modified,
            **({"revoked": True} if one.deleted else {}),
            **({"labels": [*labels, *others]} if labels or others else {}),
            **({} if label is None else {"object_marking_refs": [TLP_2_MARKINGS[label]]}),
            "external_references": [
                {"source_name": "MISP", "external_id": _uuid(self._event.uuid)}
            ],
        }


def _tags(thing: Attribute | MispObject) -> Iterator[Tag]:
    if isinstance(thing, Attribute):
        yield from thing.tags
    else:
        for one in thing.attributes:
            yield from one.tags


_OWN = re.compile(r'detente:id="(indicator--[0-9a-f-]{36})"')


def _own(tag: str) -> str | None:
    """The id that an indicator had where it came from, if a tag says it."""
    found = _OWN.fullmatch(tag)
    return None if found is None else found[1]


def _uuid(spelt: str) -> str:
    try:
        return str(UUID(spelt))
    except ValueError:
        raise _Unsayable("no UUID") from None


def _spelt(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _day(date: str) -> str:
    try:
        return datetime.fromisoformat(date[:10]).strftime("%Y-%m-%dT00:00:00.000Z")
    except ValueError:
        raise _Unsayable("an event without a day") from None


def _time(spelt: str | None) -> str | None:
    if not spelt:
        return None
    try:
        found = datetime.fromisoformat(spelt)
    except ValueError:
        raise _Unsayable("a time that is none") from None
    if found.tzinfo is None:
        raise _Unsayable("a time without an offset from UTC")
    whole = found.astimezone(UTC)
    return whole.strftime(f"%Y-%m-%dT%H:%M:%S.{whole.microsecond:06}Z")


def _degrees(spelt: str, most: float) -> float:
    try:
        found = float(spelt)
    except ValueError:
        found = math.nan
    if not abs(found) <= most:
        raise _Unsayable("a position that is none")
    return found


def _text(said: dict[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False)

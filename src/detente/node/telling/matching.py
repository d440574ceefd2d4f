"""Which subscriptions an event is for: by kind, and by where and when.

An event is in a subscription's area if a check over that area and time would name
the object: its own footprint with what it asks around it and what the agreement
asks for its category. Of what a reader may see only as an area, that area is
asked, so that no number of small subscriptions tells more than the area does.
What cannot be measured is told to everyone who may see it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from detente.core.check import Known
from detente.core.entry import KEPT_BY_ASKER, EntryKind
from detente.core.incident import Call
from detente.core.lifecycle import Standing
from detente.core.plan import Plan
from detente.core.presence import Presence, Track
from detente.core.report import Report
from detente.core.subscription import Subscription
from detente.core.volume import (
    ALTITUDE_MAX_MM,
    ALTITUDE_MIN_MM,
    RADIUS_MAX_MM,
    Circle,
    Volume,
)
from detente.core.wire import Value
from detente.core.zone import Zone, ZoneRule
from detente.errors import MalformedInput
from detente.node.telling.sight import Change, Event, Place, Seen
from detente.picture import Picture

TRACK_AHEAD_S = 600
"""A track is told of where it may be within ten minutes of its fix: feeds repeat a fix
within seconds, and within six hours (R-13) an aircraft may be on another continent."""

TELLABLE = frozenset(EntryKind) - {EntryKind.DELIVERY} - KEPT_BY_ASKER
"""Kinds that may be subscribed to: to tell of deliveries would make more of them, and of what
its asker keeps there is nothing to tell."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A subscription as telling needs it.

    Attributes:
        object_id: Its id.
        party: Whose it is.
        since: The entry that made it: what came before is not told.
        value: What is wanted, as it is now.
        area: The question whose answer would name what is told of; None is everywhere.
    """

    object_id: str
    party: str
    since: int
    value: Subscription
    area: Plan | None

    @property
    def how(self) -> str:
        """As Delivery has it."""
        return "webhook" if self.value.people is None else "people"

    @property
    def is_webhook(self) -> bool:
        """Whether it is to be posted to; peers by F3548 are told as that has it."""
        told = self.value.url is not None or self.value.people is not None
        return told and self.value.uss is None and not self.value.implicit

    def is_over(self, at: datetime) -> bool:
        """Whether all of its time is past."""
        ends = [volume.end for volume in self.value.volumes]
        return bool(ends) and all(end is not None and end < at for end in ends)


def wanted(object_id: str, party: str, since: int, value: Value | None) -> Wanted | None:
    """A subscription, if it is one that is in force."""
    if not isinstance(value, Subscription) or value.standing is Standing.WITHDRAWN:
        return None
    area = None
    if value.volumes and _is_measurable(_known(_stand_in(value.volumes))):
        area = Plan(source_id=object_id, volumes=value.volumes)
    return Wanted(object_id=object_id, party=party, since=since, value=value, area=area)


def check_wish(value: Subscription) -> None:
    """Refuse a wish that nothing could match.

    Raises:
        MalformedInput: A kind that is not told of, an area too wide to be measured, or a desk
            beside other kinds than calls: nothing else is said to a desk.
    """
    if value.desk is not None and value.kinds != (EntryKind.CALL,):
        raise MalformedInput("desk", expected=f"kinds of {EntryKind.CALL} alone beside it")
    unknown = sorted(set(value.kinds) - TELLABLE)
    if unknown:
        kinds = ", ".join(sorted(TELLABLE))
        raise MalformedInput("kinds", expected=f"of {kinds}", got=", ".join(unknown))
    if value.volumes:
        Picture([_known(_stand_in(value.volumes))])


def match(
    seen: Sequence[Seen], wishes: Sequence[Wanted], desks: Collection[str] = ()
) -> dict[str, list[Event]]:
    """The events that each of a party's subscriptions is to be told of.

    Args:
        seen: What the party sees of entries, in order.
        wishes: Its subscriptions.
        desks: Its own, by id: a subscription for one that is no more is told of all calls.

    Returns:
        Events in order, by subscription; those of which there is none are left out.
    """
    where = _where(seen, [one for one in wishes if one.area is not None])
    everywhere = [number for number, one in enumerate(seen) if one.everywhere]
    found = {
        one.object_id: [
            event
            for event in _of(one, seen, everywhere, where.get(one.object_id))
            if one.value.desk not in desks or _calls(one.value.desk, event)
        ]
        for one in wishes
    }
    return {object_id: events for object_id, events in found.items() if events}


class _Met(Struct):
    """Numbers of the events that are in an area now, and of those that were before."""

    now: set[int]
    before: set[int]


def _of(
    wish: Wanted, seen: Sequence[Seen], everywhere: Sequence[int], met: _Met | None
) -> Iterator[Event]:
    """What one subscription is told; only what it may be told of is looked at."""
    numbers: Iterable[int] = range(len(seen))
    if met is not None:
        numbers = sorted({*met.now, *met.before, *everywhere})
    for number in numbers:
        one = seen[number]
        event = one.event
        if event.sequence <= wish.since or not _is_of_kind(wish.value, event):
            continue
        if met is None or one.everywhere:
            yield event
        elif wish.is_over(event.at):
            continue
        elif number in met.now:
            yield event
        else:
            is_there = event.change in {Change.NEW, Change.CHANGED}
            yield replace(event, change=Change.LEFT) if is_there else event


def _is_of_kind(value: Subscription, event: Event) -> bool:
    if not value.kinds or event.kind.value in value.kinds:
        return True
    return event.shows is not None and event.shows.kind.value in value.kinds


def _calls(desk: str | None, event: Event) -> bool:
    """Whether a desk is called; a call that names none is for all of them."""
    call = None if event.view is None else event.view.value
    return not isinstance(call, Call) or not call.desks or desk in call.desks


def _where(seen: Sequence[Seen], wishes: Sequence[Wanted]) -> dict[str, _Met]:
    """Which events are in which areas."""
    met = {one.object_id: _Met(set(), set()) for one in wishes}
    if not wishes:
        return met
    known = [
        _known(_placed(place), f"{name}:{number}")
        for number, one in enumerate(seen)
        for name, place in (("now", one.now), ("before", one.before))
        if place is not None and not one.everywhere
    ]
    picture, rest = _measured(known)
    questions = [one.area for one in wishes if one.area is not None]
    for wish, meetings in zip(wishes, picture.meetings(questions), strict=True):
        for one in (*(meeting.known for meeting in meetings), *rest):
            name, _, number = one.object_id.partition(":")
            getattr(met[wish.object_id], name).add(int(number))
    return met


def _measured(known: Sequence[Known]) -> tuple[Picture, Sequence[Known]]:
    """A picture of these, and those that cannot be measured."""
    try:
        return Picture(known), ()
    except MalformedInput:
        well = [one for one in known if _is_measurable(one)]
        return Picture(well), [one for one in known if one not in well]


def _is_measurable(known: Known) -> bool:
    try:
        Picture([known])
    except MalformedInput:
        return False
    return True


def _known(value: Zone, object_id: str = "") -> Known:
    return Known(value=value, object_id=object_id)


def _placed(place: Place) -> Zone:
    """Something that stands where the object does and asks for as much, ended or not."""
    of = place.of
    match of:
        case tuple():
            return _stand_in(of)
        case Report():
            return _stand_in(of.volumes)
        case Plan():
            asks_mm, volumes = of.hazard_mm, of.volumes
        case Zone():
            asks_mm, volumes = of.standoff_mm + of.uncertainty_mm, of.volumes
        case Presence() if of.track is not None:
            asks_mm, volumes = of.standoff_mm, (_reach(of.track),)
        case _:
            asks_mm, volumes = of.standoff_mm, of.volumes
    agreed = place.agreement.separation(of.category)
    if agreed.vertical_mm:
        volumes = tuple(_taller(volume, agreed.vertical_mm) for volume in volumes)
    return _stand_in(volumes, max(asks_mm, agreed.horizontal_mm))


def _reach(track: Track) -> Volume:
    """Where a track may be, from its fix on."""
    radius_mm = track.accuracy_mm + track.speed_max_mm_s * TRACK_AHEAD_S
    circle = Circle(centre=track.position, radius_mm=min(radius_mm, RADIUS_MAX_MM))
    return Volume(
        footprint=(circle,), lower_mm=track.lower_mm, upper_mm=track.upper_mm, start=track.time
    )


def _taller(volume: Volume, by_mm: int) -> Volume:
    lower_mm, upper_mm = volume.lower_mm, volume.upper_mm
    return replace(
        volume,
        lower_mm=None if lower_mm is None else max(ALTITUDE_MIN_MM, lower_mm - by_mm),
        upper_mm=None if upper_mm is None else min(ALTITUDE_MAX_MM, upper_mm + by_mm),
    )


def _stand_in(volumes: tuple[Volume, ...], standoff_mm: int = 0) -> Zone:
    return Zone(
        source_id="place",
        name="place",
        rule=ZoneRule.BOUNDARY,
        volumes=volumes,
        standoff_mm=min(standoff_mm, RADIUS_MAX_MM),
    )

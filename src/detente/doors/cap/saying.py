"""What an alert says of an object, in CAP's words.

CAP was made for a warning to the public by one who is sure. What an object does not say is
"Unknown" here. No alert says ``AllClear``, and a ``Cancel`` says what to do as little: that
nothing is known any more permits nothing.

Source: CAP 1.2 section 3.2.2; docs/adr/0010; docs/adr/0029.
"""

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TypeVar

from msgspec import Struct, convert

from detente.core.incident import Incident
from detente.core.party import Desk
from detente.core.release import Grade
from detente.core.view import View
from detente.core.volume import MM_PER_M, Volume
from detente.core.zone import Zone, ZoneRule
from detente.node.telling.alerts import Alert, Message

T = TypeVar("T")

INFOS_MAX = 50
"""Windows of time that are told each by itself; of more, one that holds them all."""

HEADLINE_MAX = 160
"""Characters of a headline (section 3.2.2)."""

SOON = timedelta(hours=1)
"""CAP's ``Expected`` is "within next hour"."""

IMMEDIATE = "Immediate"
"""CAP's word for what asks for an answer now: a zone that is in force, and every open call."""

INFORMS = "This alert informs; it permits nothing. Whoever is in doubt calls the desk."

RULES = {
    ZoneRule.NO_ACTIVITY: ("Zone: no activity", "Keep all activity out."),
    ZoneRule.COORDINATE_FIRST: ("Zone: coordinate first", "Coordinate with the desk first."),
    ZoneRule.CORRIDOR: ("Zone: corridor", "Expect others' movement here; keep out of its way."),
    ZoneRule.BOUNDARY: ("Zone: boundary", "Do not cross without coordination."),
}
"""What each rule of a zone is called, and what it asks."""

UNNAMED = ("Zone", "Part of a zone is somewhere in this area; what it asks, its desk says.")
"""Of a zone of which only an area may be seen."""


def read_words(name: str, form: type[T]) -> Mapping[str, T]:
    """What is said by language (BCP 47), English first; of a file beside this one."""
    read = tomllib.loads(files(__package__).joinpath(name).read_text("utf-8"))
    return {language: convert(one, form) for language, one in read.items()}


class Said(Struct, frozen=True, kw_only=True):
    """What is the same in all of an alert's information, in one language.

    ``around_mm`` is what the object asks around itself, with how ill its line is known; ``code``
    the coded message of a call, or the level of a warning; ``place`` what its area is; ``sender``
    who says it, where that is no party.
    """

    event: str
    headline: str
    description: str
    instruction: str
    response: str | None
    contact: str
    around_mm: int = 0
    language: str = "en"
    code: str = ""
    place: str = "The area drawn here"
    sender: str = ""


class Window(Struct, frozen=True, kw_only=True):
    """Some volumes of one time; None is unbounded. ``urgency`` as of when it was sent."""

    onset: datetime | None
    expires: datetime | None
    urgency: str
    volumes: tuple[Volume, ...]


def said_of(alert: Alert, sender: str) -> Said:
    """What an alert says.

    Args:
        alert: As its reader is given it.
        sender: The name of the party whose object it is.
    """
    view = alert.event.view
    if alert.message is Message.CANCEL:
        name = _name(view)
        return Said(
            event=UNNAMED[0],
            headline=cut(f"{sender}: {name} no longer stands as it was told"),
            description="What was told in the alerts that this one names holds no longer. "
            "Whether anything stands there now is not said by it.",
            instruction=f"Check anew. {INFORMS}",
            response=None,
            contact=contact_of(None if view is None else view.desk),
        )
    assert view is not None, "only what is gone shows nothing"  # noqa: S101
    zone = view.value if isinstance(view.value, Zone) else None
    event, asks = UNNAMED if zone is None else RULES[zone.rule]
    return Said(
        event=event,
        headline=cut(f"{sender}: {event}, {_name(view)}"),
        description=_description(zone, view),
        instruction=f"{asks} {INFORMS}",
        response="Avoid",
        contact=contact_of(view.desk),
        around_mm=0 if zone is None else zone.standoff_mm + zone.uncertainty_mm,
    )


def windows_of(alert: Alert) -> list[Window]:
    """The object's volumes by time, in the order in which they are; none where none is seen."""
    view = alert.incident or alert.event.view
    if view is None:
        return []
    volumes = view.value.volumes if isinstance(view.value, Zone | Incident) else view.area
    until = _until(view)
    by_time: dict[tuple[datetime | None, datetime | None], list[Volume]] = {}
    for volume in volumes:
        by_time.setdefault((volume.start, volume.end), []).append(volume)
    if len(by_time) > INFOS_MAX:
        by_time = {_around(volumes): list(volumes)}
    return [
        Window(
            # What may be known until then only is told without its beginning, which comes after:
            # an alert that ends before it begins is refused by those who look.
            onset=None if start is not None and until is not None and until < start else start,
            expires=_least(end, until),
            urgency=IMMEDIATE if alert.incident else _urgency(start, end, alert.event.at),
            volumes=tuple(some),
        )
        for (start, end), some in by_time.items()
    ]


def _name(view: View | None) -> str:
    value = None if view is None else view.value
    return value.name if isinstance(value, Zone) else "a zone"


def _description(zone: Zone | None, view: View) -> str:
    if zone is None:
        return f"Only an area is released, on a grid. {UNNAMED[1]}"
    parts = [f"{zone.name} ({zone.category}), {RULES[zone.rule][0].lower()}."]
    if zone.standoff_mm:
        parts.append(f"It asks for {zone.standoff_mm / MM_PER_M:g} m around itself.")
    if zone.uncertainty_mm:
        parts.append(f"Its line is known to {zone.uncertainty_mm / MM_PER_M:g} m.")
    if zone.standoff_mm or zone.uncertainty_mm:
        parts.append("Both are in the area of this alert.")
    if zone.disputed:
        parts.append("It is disputed, and stands all the same.")
    if view.late:
        parts.append("It was told with less notice than the agreement asks.")
    return " ".join(parts)


def contact_of(desk: Desk | None) -> str:
    """A desk and how to reach it: a role, never a person."""
    if desk is None:
        return ""
    reached = ", ".join(desk.contacts)
    return f"{desk.name} ({reached})" if reached else desk.name


def _until(view: View) -> datetime | None:
    """When what is released to this reader ends to be."""
    ends = isinstance(view.value, Zone) and view.grade is Grade.FULL and view.value.release
    return ends.until if ends else None


def _urgency(start: datetime | None, end: datetime | None, sent: datetime) -> str:
    """CAP's urgency, of when it begins; how grave and how certain it is, no zone says."""
    if end is not None and end < sent:
        return "Past"
    if start is None or start <= sent:
        return IMMEDIATE
    return "Expected" if start - sent <= SOON else "Future"


def _around(volumes: tuple[Volume, ...]) -> tuple[datetime | None, datetime | None]:
    starts = [one.start for one in volumes if one.start is not None]
    ends = [one.end for one in volumes if one.end is not None]
    return (
        min(starts) if len(starts) == len(volumes) else None,
        max(ends) if len(ends) == len(volumes) else None,
    )


def _least(*times: datetime | None) -> datetime | None:
    return min((one.astimezone(UTC) for one in times if one is not None), default=None)


def cut(text: str) -> str:
    """A headline, no longer than one may be."""
    return text if len(text) <= HEADLINE_MAX else f"{text[: HEADLINE_MAX - 1]}…"

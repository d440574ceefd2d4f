"""What an alert of the watch says: what nears what, in each language of the page.

It says what its reader was told on the record, and no more. Nobody is asked for anything but to
assess it: who may have to turn, no watch knows. How grave or how certain it is, is its level, which
is the watch's own; CAP's words for both stay ``Unknown``.

Source: CAP 1.2 section 3.2.2; docs/feeds.md; docs/adr/0038.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC
from functools import cache

from msgspec import Struct

from detente.core.notice import Notice
from detente.core.party import Desk
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.telling import Acknowledgement
from detente.core.view import Reader, View
from detente.core.warned import EntryTold, Warned, WarnedState
from detente.core.zone import Zone
from detente.doors.cap.saying import IMMEDIATE, Said, Window, contact_of, cut, read_words
from detente.node.telling.alerts import Alert, Message

_MINUTE_S = 60
_KM_MM = 1_000_000
_HUNDREDTHS = 100


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said in one language; a test holds it to be what the page says in it."""

    informs: str
    somebody: str
    something: str
    lost: str
    now: str
    minutes: str
    far: str
    doubted: str
    nears: str
    silent: str
    taken: str
    watch: str
    over: str
    ended: str
    unwatched: str
    place: str
    reported: str
    begun: str
    unrecorded: str
    level: Mapping[str, str]
    acknowledged: Mapping[str, str]


@cache
def words() -> Mapping[str, Words]:
    """By language (BCP 47), English first."""
    return read_words("watch_words.toml", Words)


def said_of_warning(reader: Reader, alert: Alert, warning: View) -> list[Said]:
    """What an alert says, once for each language.

    Args:
        reader: To whom.
        alert: As it is given it.
        warning: What it was told on the record, as of then.
    """
    told = _told(warning)
    over = alert.message is Message.CANCEL
    return [
        Said(
            event=spoken.level[told.level],
            headline=cut(_headline(reader, alert, told, spoken)),
            description="\n".join(_description(reader, alert, told, spoken)),
            instruction=spoken.informs,
            response=None if over else "Assess",
            contact=contact_of(_desk(reader, told, alert.event.shows)),
            around_mm=_around_mm(alert.event.shows),
            language=language,
            code=told.level,
            place=spoken.place,
            sender=spoken.watch,
        )
        for language, spoken in words().items()
    ]


def window_of_warning(alert: Alert, warning: View) -> Window:
    """Since when the alert stands, and the place that is neared, as far as it may be seen.

    What moves has no place on the record, and none here.
    """
    place = alert.event.shows
    value = None if place is None else place.value
    volumes = () if place is None else place.area
    if isinstance(value, Notice | Presence | Zone | Plan):
        volumes = value.volumes
    onset = _told(warning).begun
    return Window(onset=onset, expires=None, urgency=IMMEDIATE, volumes=volumes)


def _told(warning: View) -> Warned:
    assert isinstance(warning.value, Warned), "whoever is warned sees all of it"  # noqa: S101
    return warning.value


def _headline(reader: Reader, alert: Alert, told: Warned, spoken: Words) -> str:
    """What nears what; that it is over, or how far its reader took it in."""
    headline = _nears(reader, told, spoken)
    if told.feed is not None:
        silent = spoken.silent.format(feed=told.feed.name, party=_name(reader, told.feed.party))
        headline = f"{spoken.level[told.level]}: {silent}"
    taken = _taken(alert)
    if alert.message is Message.CANCEL:
        return f"{spoken.over}: {headline}"
    if taken is None:
        return headline
    level = spoken.acknowledged[taken.level]
    return f"{headline}; {spoken.taken.format(party=_name(reader, taken.party), level=level)}"


def _nears(reader: Reader, told: Warned, spoken: Words) -> str:
    track = spoken.somebody if told.track is None else told.track.name or told.track.track
    entry = _entry(reader, told.entry, spoken)
    level = spoken.level[told.level]
    if not entry:
        return f"{level}: {track}"
    return spoken.nears.format(level=level, track=track, entry=entry)


def _entry(reader: Reader, told: EntryTold | None, spoken: Words) -> str:
    if told is None:
        return ""
    if told.name:
        return told.name
    return spoken.something.format(party=_name(reader, told.party or reader.agreement.name))


def _description(reader: Reader, alert: Alert, told: Warned, spoken: Words) -> Iterator[str]:
    """What was told, a line each; of what is over no distance and no time."""
    if told.state is WarnedState.ENDED:
        yield spoken.ended
    elif told.state is WarnedState.UNWATCHED:
        yield spoken.unwatched
    yield spoken.begun.format(time=f"{told.begun.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    if told.track is not None:
        party = _name(reader, told.track.party)
        reported = spoken.reported.format(party=party, feed=told.track.feed)
        yield f"{told.track.name or told.track.track}: {reported}"
        if told.entry is None and told.state is WarnedState.STANDING:
            yield spoken.lost
    if told.state is WarnedState.STANDING:
        yield from _nearness(told, spoken)
    if told.unrecorded:
        yield spoken.unrecorded.format(count=told.unrecorded)
    taken = _taken(alert)
    if taken is not None:
        yield from (one for one in (taken.to, taken.note) if one)


def _nearness(told: Warned, spoken: Words) -> Iterator[str]:
    if told.distance_mm is not None:
        yield spoken.far.format(
            distance=_km(told.distance_mm),
            error=_km(told.distance_error_mm or 0, up=True),
            keep=_km(told.separation_mm or 0, up=True),
        )
    if told.time_s is not None:
        soon = told.time_s < _MINUTE_S
        yield spoken.now if soon else spoken.minutes.format(count=told.time_s // _MINUTE_S)
    if told.doubted:
        yield spoken.doubted


def _km(length_mm: int, *, up: bool = False) -> str:
    """Kilometres to the hundredth: nearer by what is cut, unless ``up``."""
    whole = (math.ceil if up else math.floor)(length_mm * _HUNDREDTHS / _KM_MM)
    return f"{whole / _HUNDREDTHS:g}"


def _desk(reader: Reader, told: Warned, place: View | None) -> Desk | None:
    """Whom to call: who reports the track, or whose the entry is where that is the reader."""
    reporter = told.track or told.feed
    if reporter is not None and reporter.party != reader.party:
        return reader.desk_of(reporter.party, None)
    owner = None if told.entry is None else told.entry.party
    if owner in {None, reader.party}:
        return reader.agreement.desk
    return reader.desk_of(owner, None) if place is None else place.desk


def _around_mm(place: View | None) -> int:
    """What the place asks around itself, with how ill its line is known."""
    value = None if place is None else place.value
    asks: int = getattr(value, "standoff_mm", 0)
    unknown: int = getattr(value, "uncertainty_mm", 0)
    return asks + unknown


def _taken(alert: Alert) -> Acknowledgement | None:
    view = alert.event.view
    return view.value if view is not None and isinstance(view.value, Acknowledgement) else None


def _name(reader: Reader, party: str) -> str:
    found = reader.parties.get(party)
    return party if found is None else found.name

"""An event as it came: parsed once, bounded, and frozen.

What no unit can have said is refused here, whichever form it came in: a place off the earth,
a time out of order, a name of kilobytes. What the refusal says holds no place.

Source: CoT event schema 2.0: ``time``, ``start``, ``stale``; ``point`` in WGS 84, metres above
the ellipsoid, with 9999999 for what is not known.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from detente.core.volume import (
    ALTITUDE_MAX_MM,
    ALTITUDE_MIN_MM,
    E7_PER_DEG,
    MM_PER_M,
    Position,
    check_time,
)
from detente.errors import MalformedInput

EVENT_BYTES_MAX = 64 * 1024
"""One event: the longest that ATAK sends, a drawing of many corners, stays below it."""

UID_LENGTH_MAX = 128
"""Characters. ATAK's are below 40; a shape's uid with its party's name stays below this."""

CALLSIGN_LENGTH_MAX = 100
TYPE_LENGTH_MAX = 64

STALE_MAX = timedelta(days=366)
"""From now. Whoever says that a unit is there for a century says nothing of where it is."""

AHEAD_MAX = timedelta(minutes=10)
"""How far a device's clock may be ahead: one without a fix drifts by minutes, not by hours."""

ANY_CLOCK = ("t-x-c-t", "t-x-takp-", "b-a-o-")
"""Types of which the times are not held to the node's clock: a TAK client hangs up 25 s after a
ping that nobody answered, and one whose clock is wrong must be shown things all the same. Whoever
presses for help is not asked what time it is."""

UNKNOWN_M = 9_999_999.0
"""What CoT writes for an error or a height that is not known."""

SPEED_MAX_M_S = 12_000.0
"""As for a track of the record (detente.core.presence)."""

_UNSEEN = dict.fromkeys(map(ord, "\u200c\u200d\u200e\u200f\u061c"))
"""Joiners and marks of direction, which keyboards write into Persian names and emoji: left out of
callsigns, for people are not to be missed for them, and two callsigns not to differ by them alone.
"""

_HALF_TURN, _QUARTER_TURN, _TURN = 180.0, 90.0, 360.0


class Raw(Struct, frozen=True, kw_only=True):
    """The parts of an event that are read, by the names that XML gives them.

    ``parts`` are the elements of ``detail``, with those below them, in their order.
    """

    event: Mapping[str, str]
    point: Mapping[str, str]
    parts: tuple[tuple[str, Mapping[str, str]], ...] = ()

    def part(self, name: str) -> Mapping[str, str]:
        """The first of this name; empty where there is none."""
        return next((found for one, found in self.parts if one == name), {})


class Event(Struct, frozen=True, kw_only=True):
    """One event.

    Attributes:
        uid: Of what it speaks.
        type: CoT's, such as ``a-f-G-U-C``.
        time: When it was seen, UTC; ``stale``: until when its source vouches for it.
        position: Longitude and latitude, 1e-7 degree.
        accuracy_mm: Circular error; None if unknown.
        height_mm: Above the ellipsoid, with its error; None if either is unknown.
        callsign: Empty if none.
        speed_mm_s: Over the ground, with ``course_mdeg``; None if either is unknown.
        links: uids that a deletion names.
        version: Of the TAK protocol that is asked for; None if none is.
    """

    uid: str
    type: str
    time: datetime
    stale: datetime
    position: Position
    accuracy_mm: int | None = None
    height_mm: tuple[int, int] | None = None
    callsign: str = ""
    speed_mm_s: int | None = None
    course_mdeg: int | None = None
    links: tuple[str, ...] = ()
    version: str | None = None

    @property
    def has_fix(self) -> bool:
        """Whether it says where: TAK clients write 0, 0 and no error while they have no fix."""
        return self.position != (0, 0) or self.accuracy_mm is not None


def event_of(raw: Raw, now: datetime) -> Event:
    """The event that these parts make.

    Args:
        raw: As read from XML or protobuf.
        now: UTC.

    Raises:
        MalformedInput: It is none; the message names what, and holds no place.
    """
    kind = _text(raw.event, "type", TYPE_LENGTH_MAX)
    time, start, stale = (_time(raw.event, name) for name in ("time", "start", "stale"))
    if stale < start:
        raise MalformedInput("stale", expected="at or after start")
    if not kind.startswith(ANY_CLOCK):
        _check_clock(time, stale, now)
    speed, course = _motion(raw.part("track"))
    return Event(
        uid=_text(raw.event, "uid", UID_LENGTH_MAX),
        type=kind,
        time=min(time, now),
        stale=stale,
        position=_position(raw.point),
        accuracy_mm=_error_mm(raw.point, "ce"),
        height_mm=_height(raw.point),
        callsign=_callsign(raw.part("contact")),
        speed_mm_s=speed,
        course_mdeg=course,
        links=tuple(found["uid"] for one, found in raw.parts if one == "link" and "uid" in found),
        version=raw.part("TakRequest").get("version"),
    )


def _check_clock(time: datetime, stale: datetime, now: datetime) -> None:
    if stale > now + STALE_MAX:
        raise MalformedInput("stale", expected=f"within {STALE_MAX.days} days")
    if time > now + AHEAD_MAX:
        raise MalformedInput("time", expected="that of a clock which is right to ten minutes")


def _text(given: Mapping[str, str], name: str, length_max: int) -> str:
    text = given.get(name, "")
    if not 0 < len(text) <= length_max or not text.isprintable():
        raise MalformedInput(
            name, expected=f"1 to {length_max} printable characters", got=f"{len(text)} characters"
        )
    return text


def _callsign(given: Mapping[str, str]) -> str:
    said = {"callsign": given.get("callsign", "").translate(_UNSEEN)}
    return _text(said, "callsign", CALLSIGN_LENGTH_MAX) if said["callsign"] else ""


def _time(given: Mapping[str, str], name: str) -> datetime:
    try:
        found = datetime.fromisoformat(given[name])
        check_time(found, what=name)
        return found.astimezone(UTC)
    except (KeyError, ValueError, OverflowError, MalformedInput):
        raise MalformedInput(name, expected="a time in UTC, such as 2026-01-31T12:00:00Z") from None


def _number(given: Mapping[str, str], name: str, least: float, most: float) -> float:
    try:
        found = float(given[name])
    except (KeyError, ValueError):
        raise MalformedInput(name, expected="a number") from None
    if not least <= found <= most:  # Neither is NaN.
        raise MalformedInput(name, expected=f"a number from {least:g} to {most:g}")
    return found


def _position(point: Mapping[str, str]) -> Position:
    lon = _number(point, "lon", -_HALF_TURN, _HALF_TURN)
    lat = _number(point, "lat", -_QUARTER_TURN, _QUARTER_TURN)
    return round(lon * E7_PER_DEG), round(lat * E7_PER_DEG)


def _error_mm(point: Mapping[str, str], name: str) -> int | None:
    found = _number(point, name, 0.0, math.inf) if name in point else UNKNOWN_M
    return None if found >= UNKNOWN_M else math.ceil(found * MM_PER_M)


def _height(point: Mapping[str, str]) -> tuple[int, int] | None:
    error_mm = _error_mm(point, "le")
    found = _number(point, "hae", -math.inf, math.inf) if "hae" in point else UNKNOWN_M
    if error_mm is None or found >= UNKNOWN_M:
        return None
    if not ALTITUDE_MIN_MM <= found * MM_PER_M <= ALTITUDE_MAX_MM:
        raise MalformedInput("hae", expected="metres above the ellipsoid, or 9999999")
    return round(found * MM_PER_M), error_mm


def _motion(track: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Speed and course; neither where ATAK does not know one, which it writes as NaN or -1."""
    try:
        speed, course = float(track["speed"]), float(track["course"])
    except (KeyError, ValueError):
        return None, None
    if not (speed >= 0 and math.isfinite(course)):
        return None, None
    if speed > SPEED_MAX_M_S:
        raise MalformedInput("speed", expected=f"at most {SPEED_MAX_M_S:g} m/s")
    return math.ceil(speed * MM_PER_M), math.floor(course % _TURN * 1_000) % 360_000

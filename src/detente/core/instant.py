"""Times as a question says them, to any digit, and intervals of them.

What is on record is whole microseconds. A time between two of them, or in a leap second, which no
entry is in, is known by the one before it: nothing on record lies between.

Source: RFC 3339 sections 5.6 and 5.7.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from detente.core.volume import Volume
from detente.errors import MalformedInput

Window = tuple[datetime | None, datetime | None]
"""A closed interval of time; None is unbounded."""

_MICROSECOND = timedelta(microseconds=1)
_DIGITS = 6
_LAST = datetime.max.replace(tzinfo=UTC)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


class Instant(NamedTuple):
    """A time; two compare as the times that were said, but between the same microseconds.

    Attributes:
        at: The last whole microsecond that is not after it, UTC.
        beyond: Whether it is after that one.
    """

    at: datetime
    beyond: bool = False

    @property
    def until(self) -> datetime:
        """The first whole microsecond that is not before it, UTC."""
        return self.at + _MICROSECOND if self.beyond and self.at < _LAST else self.at


def instant_of(text: str, *, what: str) -> Instant:
    """A time of RFC 3339 with Z or an offset.

    Raises:
        MalformedInput: It is none.
    """
    found = _INSTANT.fullmatch(text)
    if found is not None:
        try:
            return _instant_of(found[1], found[2], found[3] or "", found[4])
        except (ValueError, OverflowError):
            pass
    raise MalformedInput(what, expected="such as 2025-01-07T18:30:00Z", got=text[:100])


def instant(text: str, *, what: str) -> datetime:
    """The last whole microsecond that is not after a time of RFC 3339, UTC.

    Raises:
        MalformedInput: It is none.
    """
    return instant_of(text, what=what).at


def window(start: Instant | None, end: Instant | None, *, what: str) -> Window:
    """All whole microseconds that may be within an interval.

    Raises:
        MalformedInput: It ends before it starts.
    """
    if start is not None and end is not None and end < start:
        raise MalformedInput(what, expected="an end at or after its start")
    return None if start is None else start.at, None if end is None else end.until


def overlaps(volume: Volume, window: Window) -> bool:
    """Whether a volume's time and an interval share an instant."""
    start, end = window
    begun = end is None or volume.start is None or volume.start <= end
    over = start is not None and volume.end is not None and volume.end < start
    return begun and not over


def _instant_of(minute: str, second: str, fraction: str, offset: str) -> Instant:
    """Raises ValueError or OverflowError where there is no such time."""
    leap = second == "60"
    exact = "59.999999" if leap else f"{second}.{fraction[:_DIGITS]:0<{_DIGITS}}"
    at = datetime.fromisoformat(f"{minute}:{exact}{offset}".upper()).astimezone(UTC)
    if leap and (at + _MICROSECOND).replace(day=1, hour=0, minute=0) != at + _MICROSECOND:
        raise ValueError("no leap second: it ends no month")
    return Instant(at, leap or fraction[_DIGITS:].strip("0") != "")

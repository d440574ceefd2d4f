"""BaseStation lines, as dump1090, readsb and many receivers serve them (port 30003).

::

    MSG,3,1,1,4B1815,1,2022/07/13,11:40:22.000,2022/07/13,11:40:22.000,,350,,,41.2,-8.6,,,,,,0

Positions come in types 2 and 3, callsigns in 1, speeds in 2 and 4: they are joined by
address. Times in it are of the receiver's own clock and zone; so a live position counts as
of when it came, and a recorded one as of what is written, taken as UTC.

Source: http://woodair.net/sbs/article/barebones42_socket_data.htm
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from detente.core.heard import Craft, Heard
from detente.core.volume import E7_PER_DEG, check_time
from detente.doors.feeds.craft import (
    FOOT_PER_MINUTE_MM_S,
    KNOT_MM_S,
    Said,
    aircraft,
    require,
)
from detente.doors.feeds.lines import CRAFT_MAX, Lines
from detente.errors import MalformedInput

JOINED_WITHIN = timedelta(seconds=10)
"""How old a speed or a callsign's line may be to be of a position: as long as receivers
keep the two halves of one."""

_FIELDS = 22
_TYPES = {b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8"}
_OTHER = {b"SEL", b"ID", b"AIR", b"STA", b"CLK"}
_HEX = frozenset("0123456789abcdef~")
_ADDRESS_MAX = 7
_TIMES = ("%Y/%m/%d,%H:%M:%S.%f", "%Y/%m/%d,%H:%M:%S")


class _Joined(Struct):
    """What was heard of one aircraft."""

    name: str = ""
    altitude_ft: float | None = None
    altitude_at: datetime | None = None
    speed_kt: float | None = None
    course_deg: float | None = None
    climb_ft_min: float | None = None
    speed_at: datetime | None = None


class Sbs:
    """A stream of lines.

    Args:
        recorded: Whether times are those written in the lines.
    """

    def __init__(self, *, recorded: bool = False) -> None:
        self.refused: Counter[str] = Counter()
        self._lines = Lines(self.refused)
        self._recorded = recorded
        self._joined: dict[str, _Joined] = {}

    def read(self, data: bytes, now: datetime) -> list[Heard]:
        """What more bytes tell (detente.doors.feeds.lines.Parser)."""
        return self._lines.heard(data, lambda line: self._line(line, now))

    def _line(self, line: bytes, now: datetime) -> Heard | None:
        fields = [field.strip() for field in line.split(b",")]
        if fields[0] in _OTHER:
            return None
        require(fields[0] == b"MSG", "line", "MSG, SEL, ID, AIR, STA or CLK")
        require(len(fields) == _FIELDS and fields[1] in _TYPES, "MSG", "22 fields, type 1 to 8")
        address = fields[4].decode("ascii", "replace").lower()
        good = 0 < len(address) <= _ADDRESS_MAX and _HEX.issuperset(address)
        require(good, "address", "24 bits in hex")
        time = _time(fields) if self._recorded else now
        joined = self._of(address)
        _learn(joined, fields, time)
        lat, lon = _number(fields[14]), _number(fields[15])
        if lat is None or lon is None:
            return None
        return aircraft(_said(address, time, (lat, lon), joined))

    def _of(self, address: str) -> _Joined:
        """The one longest unheard of gives way."""
        joined = self._joined.pop(address, None) or _Joined()
        self._joined[address] = joined
        if len(self._joined) > CRAFT_MAX:
            del self._joined[next(iter(self._joined))]
        return joined


def _learn(joined: _Joined, fields: list[bytes], time: datetime) -> None:
    name = fields[10].decode("ascii", "replace")
    joined.name = name or joined.name
    altitude = _number(fields[11])
    if altitude is not None:
        # On the ground, what is known is that it is there: not how high that is.
        joined.altitude_ft, joined.altitude_at = altitude, time
    if fields[21] in {b"1", b"-1"}:
        joined.altitude_ft = None
    speed, course, climb = (_number(fields[place]) for place in (12, 13, 16))
    if speed is not None and course is not None:
        joined.speed_kt, joined.course_deg, joined.speed_at = speed, course, time
        joined.climb_ft_min = climb


def _said(address: str, time: datetime, place: tuple[float, float], joined: _Joined) -> Said:
    high = _recent(joined.altitude_at, time)
    moving = _recent(joined.speed_at, time)
    return Said(
        address=address,
        time=time,
        lat=place[0],
        lon=place[1],
        name=joined.name,
        pressure_ft=joined.altitude_ft if high else None,
        speed_kt=joined.speed_kt if moving else None,
        course_deg=joined.course_deg if moving else None,
        climb_ft_min=joined.climb_ft_min if moving else None,
    )


def _recent(time: datetime | None, now: datetime) -> bool:
    return time is not None and abs(now - time) <= JOINED_WITHIN


def _number(field: bytes) -> float | None:
    if not field:
        return None
    try:
        return float(field)
    except ValueError:
        raise MalformedInput("field", expected="a number") from None


def _time(fields: list[bytes]) -> datetime:
    text = b",".join(fields[6:8]).decode("ascii", "replace")
    for form in _TIMES:
        try:
            time = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        check_time(time, what="time")
        return time
    raise MalformedInput("time", expected="YYYY/MM/DD,HH:MM:SS.mmm")


def lines_of(heard: Heard) -> bytes:
    """An aircraft's name, speed and position as lines, with its own time; others as nothing."""
    if heard.kind is not Craft.AIRCRAFT:
        return b""
    one = heard.observed
    stamp = one.time.strftime("%Y/%m/%d,%H:%M:%S.") + f"{one.time.microsecond // 1_000:03d}"
    head = f"1,1,{one.track.upper()},1,{stamp},{stamp}"
    out = ""
    if heard.name:
        out += f"MSG,1,{head},{heard.name},,,,,,,,,,,\r\n"
    if one.speed_mm_s is not None and one.course_mdeg is not None:
        knots, course = one.speed_mm_s / KNOT_MM_S, one.course_mdeg / 1_000
        climb = round(one.climb_mm_s / FOOT_PER_MINUTE_MM_S)
        out += f"MSG,4,{head},,,{knots:.1f},{course:.1f},,,{climb},,,,,\r\n"
    altitude = "" if heard.pressure_ft is None else f"{heard.pressure_ft:.0f}"
    lon, lat = one.position[0] / E7_PER_DEG, one.position[1] / E7_PER_DEG
    out += f"MSG,3,{head},,{altitude},,,{lat:.7f},{lon:.7f},,,0,0,0,0\r\n"
    return out.encode("ascii", "replace")

"""Raw Mode S: Beast binary (port 30005) and AVR lines (port 30002), decoded by rs1090.

A position takes an even and an odd message: the last of each of an aircraft are decoded
together. On the ground one is enough beside a place nearby: the aircraft's last, or the
receiver's. What does not pass its check of parity, rs1090 gives no message of.

Source: https://wiki.jetvision.de/wiki/Mode-S_Beast:Data_Output_Formats; ICAO Doc 9871
C.2.6 (compact position reports).
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import rs1090
from msgspec import Struct

from detente.core.heard import Heard
from detente.core.volume import microseconds
from detente.doors.feeds.craft import ACCURACY_NONE_MM, Said, aircraft
from detente.doors.feeds.lines import CRAFT_MAX, Lines
from detente.errors import MalformedInput, reason_of

PAIR_WITHIN = timedelta(seconds=10)
"""Between an even and an odd message (DO-260B section 2.2.10.3.2)."""

NEAR_WITHIN = timedelta(seconds=600)
"""How old a place may be beside which one message is decoded: on the ground, none is left
further than 45 NM behind in this time."""

ACCURACY_OF_NUCP_MM = {
    0: ACCURACY_NONE_MM, 1: ACCURACY_NONE_MM, 2: 18_520_000, 3: 3_704_000, 4: 1_852_000,
    5: 926_000, 6: 370_400, 7: 185_200, 8: 25_000, 9: 7_500,
}  # fmt: skip
"""By NUCp, 0 to 9: the radius that holds the position (DO-260 table 2-11)."""

_ESCAPE = 0x1A
DATA_OF = {0x31: 2, 0x32: 7, 0x33: 14}
"""Bytes of a message by Beast's type: Mode A/C, and Mode S short and long."""

_BEFORE_DATA = 7
_SHORT, _LONG = 7, 14
US_PER_S = 1_000_000
UNREADABLE = "message: expected Mode S that passes its check"
NO_FRAME = "bytes: expected a message of Beast"
NO_LINE = "line: expected *HEX; of AVR"


class _Position(Struct):
    frame: str
    time: datetime


class _Craft(Struct):
    """What was heard of one aircraft."""

    name: str = ""
    even: _Position | None = None
    odd: _Position | None = None
    speed_kt: float | None = None
    course_deg: float | None = None
    climb_ft_min: float | None = None
    speed_at: datetime | None = None
    place: tuple[float, float] | None = None
    place_at: datetime | None = None


class Decoder:
    """Messages of Mode S, one after the other.

    Args:
        reference: Where the receiver stands, latitude and longitude in degrees; None if
            that is not said: then an aircraft on the ground is placed once it has flown.
    """

    def __init__(self, reference: tuple[float, float] | None = None) -> None:
        self.refused: Counter[str] = Counter()
        self._reference = reference
        self._known: dict[str, _Craft] = {}

    def decode(self, frames: Sequence[bytes], times: Sequence[datetime]) -> list[Heard]:
        """The positions that messages tell, each (7 or 14 bytes) heard at its time."""
        if not frames:
            return []
        stamps = [float(number) for number in range(len(frames))]
        messages = rs1090.decode([frame.hex() for frame in frames], stamps)
        lost = len(frames) - len(messages)
        if lost:
            self.refused[UNREADABLE] += lost
        out = []
        for message in messages:
            found: dict[str, Any] = dict(message)
            if found.get("df") not in {"17", "18"}:
                continue
            try:
                heard = self._message(found, times[round(found["timestamp"])])
            except MalformedInput as error:
                self.refused[reason_of(error)] += 1
                continue
            if heard is not None:
                out.append(heard)
        return out

    def _message(self, found: dict[str, Any], time: datetime) -> Heard | None:
        craft = self._of(found["icao24"])
        match found.get("bds"):
            case "08":
                craft.name = found.get("callsign") or craft.name
            case "09":
                _moves(craft, found, time)
            case "05":
                return self._in_air(craft, found, time)
            case "06":
                return self._on_ground(craft, found, time)
            case _:
                pass
        return None

    def _of(self, address: str) -> _Craft:
        craft = self._known.pop(address, None) or _Craft()
        self._known[address] = craft
        if len(self._known) > CRAFT_MAX:
            del self._known[next(iter(self._known))]
        return craft

    def _in_air(self, craft: _Craft, found: dict[str, Any], time: datetime) -> Heard | None:
        this = _Position(found["frame"], time)
        is_even = found["parity"] == "even"
        craft.even, craft.odd = (this, craft.odd) if is_even else (craft.even, this)
        other = craft.odd if is_even else craft.even
        if other is None or abs(time - other.time) > PAIR_WITHIN:
            return None
        pair = [one.frame for one in (other, this)]
        placed = dict(rs1090.decode(pair, [_s(other.time), _s(time)])[-1])
        return _placed(craft, {**placed, "on_ground": False}, time)

    def _on_ground(self, craft: _Craft, found: dict[str, Any], time: datetime) -> Heard | None:
        recent = craft.place_at is not None and abs(time - craft.place_at) <= NEAR_WITHIN
        near = craft.place if recent else self._reference
        if near is None:
            raise MalformedInput("position on the ground", expected="the receiver's place")
        decoded = rs1090.decode([found["frame"]], [_s(time)], reference=near)
        placed: dict[str, Any] = dict(decoded[-1])
        craft.speed_kt, craft.course_deg = placed.get("groundspeed"), placed.get("track")
        craft.climb_ft_min, craft.speed_at = 0.0, time
        return _placed(craft, {**placed, "on_ground": True}, time)


def _placed(craft: _Craft, found: dict[str, Any], time: datetime) -> Heard | None:
    lat, lon = found.get("latitude"), found.get("longitude")
    if lat is None or lon is None:
        return None
    moving = craft.speed_at is not None and abs(time - craft.speed_at) <= PAIR_WITHIN
    altitude = None if found["on_ground"] else found.get("altitude")
    geometric = found.get("source") not in {None, "barometric"}
    nucp: int | None = found.get("NUCp")
    heard = aircraft(
        Said(
            address=found["icao24"],
            time=time,
            lat=lat,
            lon=lon,
            name=craft.name,
            pressure_ft=None if geometric else altitude,
            # Of GNSS height this message says no accuracy: the least that is given one.
            geometric_ft=altitude if geometric else None,
            gva=1 if geometric else None,
            speed_kt=craft.speed_kt if moving else None,
            course_deg=craft.course_deg if moving else None,
            climb_ft_min=craft.climb_ft_min if moving else None,
            accuracy_mm=ACCURACY_OF_NUCP_MM.get(nucp or 0) if nucp is not None else None,
            nic=0 if nucp == 0 else None,
        )
    )
    craft.place, craft.place_at = (lat, lon), time
    return heard


def _moves(craft: _Craft, found: dict[str, Any], time: datetime) -> None:
    craft.speed_kt, craft.course_deg = found.get("groundspeed"), found.get("track")
    craft.climb_ft_min, craft.speed_at = found.get("vertical_rate"), time


def _s(time: datetime) -> float:
    return microseconds(time) / US_PER_S


class Beast:
    """A stream of Beast's binary form: 0x1A, type, clock, level, message; 0x1A is doubled.

    Args:
        reference: As Decoder has it.
    """

    def __init__(self, reference: tuple[float, float] | None = None) -> None:
        self._decoder = Decoder(reference)
        self.refused = self._decoder.refused
        self._part = bytearray()
        self._in_message = False
        self._escaped = False

    def read(self, data: bytes, now: datetime) -> list[Heard]:
        """What more bytes tell (detente.doors.feeds.lines.Parser)."""
        frames = [frame for byte in data if (frame := self._byte(byte)) is not None]
        return self._decoder.decode(frames, [now] * len(frames))

    def _byte(self, byte: int) -> bytes | None:
        """One more byte; the message that it ends, if it is of Mode S."""
        if self._escaped:
            self._escaped = False
            if byte != _ESCAPE:
                # An escape alone begins a message.
                self._lose()
                self._part, self._in_message = bytearray([byte]), byte in DATA_OF
                if not self._in_message:
                    self.refused[NO_FRAME] += 1
                return None
        elif byte == _ESCAPE:
            self._escaped = True
            return None
        if not self._in_message:
            return None
        self._part.append(byte)
        size = DATA_OF[self._part[0]]
        if len(self._part) < 1 + _BEFORE_DATA + size:
            return None
        data, self._in_message = bytes(self._part[1 + _BEFORE_DATA :]), False
        return data if size in {_SHORT, _LONG} else None

    def _lose(self) -> None:
        """A message that another interrupts."""
        if self._in_message:
            self.refused[NO_FRAME] += 1


class Avr:
    """A stream of AVR lines: ``*HEX;``, or ``@`` and 12 digits of a clock before.

    Args:
        reference: As Decoder has it.
    """

    def __init__(self, reference: tuple[float, float] | None = None) -> None:
        self._decoder = Decoder(reference)
        self.refused = self._decoder.refused
        self._lines = Lines(self.refused)

    def read(self, data: bytes, now: datetime) -> list[Heard]:
        """What more bytes tell (detente.doors.feeds.lines.Parser)."""
        frames = []
        for line in self._lines.split(data):
            frame = avr_frame(line)
            if frame is None:
                self.refused[NO_LINE] += 1
            elif len(frame) in {_SHORT, _LONG}:
                frames.append(frame)
        return self._decoder.decode(frames, [now] * len(frames))


def avr_frame(line: bytes) -> bytes | None:
    """The message of a line; None where it is none."""
    clock = {b"*": 0, b"@": 12}.get(line[:1])
    if clock is None or line[-1:] != b";":
        return None
    try:
        return bytes.fromhex(line[1 + clock : -1].decode("ascii"))
    except ValueError:
        return None

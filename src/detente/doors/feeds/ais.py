r"""AIS: lines of NMEA 0183, decoded by pyais.

::

    \s:station,c:1394000000*00\!AIVDM,1,1,,B,13RlIW?04F1beOVEFLB9bRvH0L0L,0*6C

Positions of ships come in types 1, 2, 3, 18, 19 and 27, of rescue aircraft in 9, of base
stations in 4 and of aids to navigation in 21; names and lengths in 5, 19 and 24. What a ship
is lies as far around its antenna as it is long. What stands where it is, the watch does not
ask of. A line counts as of when it came, a recorded one as of its tag block (``c:``).

A distress beacon is known by its number, whatever else it says, and is told of even where it
knows no place: around its last, or as far around the receiver as that hears.

Source: ITU-R M.1371-5; ITU-R M.585-9 annex 2 (numbers); NMEA 0183, TAG blocks.
"""

import math
import re
from collections import Counter
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import pyais
from msgspec import Struct
from msgspec.structs import replace
from pyais.exceptions import AISBaseException

from detente.core.altitude import AltitudeReference, lower_mm, pressure_band_mm, upper_mm
from detente.core.doubts import Doubt, Receiver
from detente.core.heard import BOUNDS, Craft, Heard, drift_of
from detente.core.volume import MM_PER_M, RADIUS_MAX_MM, check_time
from detente.core.watch import Observed
from detente.doors.feeds.craft import NAME_MAX, motion, position, require
from detente.doors.feeds.lines import CRAFT_MAX, Lines
from detente.errors import MalformedInput

ACCURACY_MM = {True: 10_000, False: 100_000}
"""By the flag of accuracy: at most 10 m; else "over 10 m", of which a receiver without
corrections seldom leaves more than 100 m (IMO MSC.112(73): 100 m, 95 %)."""

LONG_RANGE_MM = 170_000
"""What a tenth of a minute's rounding in type 27 adds: 131 m, and a little."""

LENGTH_MAX_M = 458
"""The longest ship that ever was: for one that did not say how long it is."""

DRAUGHT_M, MAST_M = 30.0, 100.0
"""From keel to mast top, about the sea."""

PENDING_MAX = 64
"""Messages of several lines of which some came: each line repeats or ends within seconds."""

PARTS_MAX = 5
"""Lines of one message (ITU-R M.1371-5: five slots)."""

BEACONS = {970: "AIS-SART", 972: "MOB", 974: "EPIRB"}
"""By the first three digits: transponders of rafts, of people overboard, of ships that sink."""

ACTIVE = 14
"""The navigational status of a beacon that calls for help; 15 is of one under test."""

FLOATING = range(20, 32)
"""Types of aids that float: of others the flag that they are off position says nothing."""

_SHIPS = {1, 2, 3, 18, 19, 27}
_BASE_STATION, _RESCUE, _AID = 4, 9, 21
_NAMES = {5, 19, 24}
_LONG_RANGE = 27
_HEIGHT_MOST_M = 4_094
_SPEED_MOST = {_LONG_RANGE: 62.0, _RESCUE: 1_021.0}
_SPEED_MOST_OTHER_KT = 102.2
_COURSE_END = 360.0
_LAT_UNKNOWN, _LON_UNKNOWN = 91.0, 181.0
_SECOND_MOST = 59
_LINE = re.compile(
    rb"^(?:\\([^\\]*)\\)?([!$](?:[A-Z]{2})(?:VDM|VDO),(\d),(\d),(\d?),([A-D12]?),([^,]*),([0-5])\*"
    rb"([0-9A-Fa-f]{2}))"
)
_CLOCK = re.compile(rb"(?:^|,)c:(\d{9,13})(?:[,*]|$)")
_MILLISECONDS_FROM = 1e11
_OTHER = re.compile(rb"^(?:\\[^\\]*\\)?(?:#|\$|!(?![A-Z]{2}VD[MO]))")


class _Ship(Struct):
    """What a ship said of itself."""

    name: str = ""
    length_m: int | None = None


class Ais:
    """A stream of lines.

    Args:
        receiver: Where it stands and how far it hears: there is a beacon without a place.
        recorded: Whether times are those of tag blocks; a line without one has that of the
            line before.
    """

    def __init__(self, receiver: Receiver | None = None, *, recorded: bool = False) -> None:
        self.refused: Counter[str] = Counter()
        self._lines = Lines(self.refused)
        self._recorded = recorded
        self._clock: datetime | None = None
        self._pending: dict[tuple[bytes, bytes, int], dict[int, bytes]] = {}
        self._ships: dict[int, _Ship] = {}
        self._receiver = receiver
        self._beacons: dict[int, Observed] = {}

    def read(self, data: bytes, now: datetime) -> list[Heard]:
        """What more bytes tell (detente.doors.feeds.lines.Parser)."""
        return self._lines.heard(data, lambda line: self._line(line, now))

    def _line(self, line: bytes, now: datetime) -> Heard | None:
        if _OTHER.match(line):
            return None
        match = _LINE.match(line)
        if match is None:
            raise MalformedInput("line", expected="a sentence of AIS with its checksum")
        tag, sentence, total, number, sequence, channel, *_, checksum = match.groups()
        body = sentence[1 : sentence.index(b"*")]
        good = reduce(lambda sum_, byte: sum_ ^ byte, body, 0) == int(checksum, 16)
        require(good, "checksum", "that of the line")
        time = self._time(tag, now)
        whole = self._joined(sentence, int(total), int(number), (sequence, channel))
        if whole is None:
            return None
        try:
            said = pyais.decode(*whole).asdict()
        # A library's decoder of what anyone may send: whatever it raises is a refusal.
        except (AISBaseException, ArithmeticError, LookupError, ValueError, TypeError):
            raise MalformedInput("message", expected="a type of ITU-R M.1371-5") from None
        return self._message(said, time)

    def _time(self, tag: bytes | None, now: datetime) -> datetime:
        found = _CLOCK.search(tag) if tag and self._recorded else None
        if found is not None:
            clock = float(found[1])
            seconds = clock / 1_000 if clock >= _MILLISECONDS_FROM else clock
            time = datetime.fromtimestamp(seconds, UTC)
            check_time(time, what="time")
            self._clock = time
        if not self._recorded:
            return now
        if self._clock is None:
            raise MalformedInput("line", expected="a tag block with its time (c:)")
        return self._clock

    def _joined(
        self, sentence: bytes, total: int, number: int, of: tuple[bytes, bytes]
    ) -> list[bytes] | None:
        """All lines of a message, once they are here."""
        require(1 <= number <= total <= PARTS_MAX, "parts", f"at most {PARTS_MAX}")
        if total == 1:
            return [sentence]
        key = (*of, total)
        parts = self._pending.pop(key, {})
        parts[number] = sentence
        if len(parts) == total:
            return [parts[place] for place in sorted(parts)]
        self._pending[key] = parts
        if len(self._pending) > PENDING_MAX:
            del self._pending[next(iter(self._pending))]
        return None

    def _message(self, said: dict[str, Any], time: datetime) -> Heard | None:
        kind = said["msg_type"]
        if kind in _NAMES:
            self._learn(said)
        mmsi = said["mmsi"]
        beacon = BEACONS.get(mmsi // 1_000_000)
        if beacon is not None and kind in _SHIPS:
            return self._beacon(said, time, f"{beacon} {mmsi:09d}")
        if kind in _SHIPS and not _nowhere(said):
            return _ship(said, time, self._ships.get(mmsi, _Ship()))
        made = _OTHERS.get(kind)
        # One without a place says that it does not know.
        return None if made is None or _nowhere(said) else made(said, time)

    def _beacon(self, said: dict[str, Any], time: datetime, name: str) -> Heard:
        """A call for help: none is left out, for people may be where it is.

        Raises:
            MalformedInput: It knows no place, and neither is there one to be given to it.
        """
        kind = Craft.DISTRESS if said.get("status", ACTIVE) == ACTIVE else Craft.DISTRESS_TEST
        if not _nowhere(said):
            observed = _at_sea(said, time, kind, ACCURACY_MM[bool(said["accuracy"])])
            self._beacons[said["mmsi"]] = observed
            if len(self._beacons) > CRAFT_MAX:
                del self._beacons[next(iter(self._beacons))]
            return Heard(observed=observed, kind=kind, name=name, doubts=_doubts(said))
        doubts = (str(Doubt.NO_INTEGRITY),)
        last = self._beacons.get(said["mmsi"])
        if last is not None:
            return Heard(observed=_adrift(last, time), kind=kind, name=name, doubts=doubts)
        if self._receiver is None:
            raise MalformedInput("distress beacon", expected="a place, its own or the receiver's")
        observed = Observed(
            track=f"{said['mmsi']:09d}",
            time=time,
            position=self._receiver.position,
            accuracy_mm=min(self._receiver.range_mm, RADIUS_MAX_MM),
            drift_mm_s=drift_of(kind, None),
        )
        return Heard(observed=observed, kind=kind, name=name, doubts=doubts, watched=False)

    def _learn(self, said: dict[str, Any]) -> None:
        ship = self._ships.pop(said["mmsi"], None) or _Ship()
        ship.name = said.get("shipname") or ship.name
        sides = [said.get(side) or 0 for side in ("to_bow", "to_stern", "to_port", "to_starboard")]
        if any(sides):
            # The antenna may be anywhere on it: nothing lies further off than its length.
            ship.length_m = min(LENGTH_MAX_M, sides[0] + sides[1] + sides[2] + sides[3])
        self._ships[said["mmsi"]] = ship
        if len(self._ships) > CRAFT_MAX:
            del self._ships[next(iter(self._ships))]


def _nowhere(said: dict[str, Any]) -> bool:
    lat, lon = said["lat"], said["lon"]
    return lat is None or lon is None or lat == _LAT_UNKNOWN or lon == _LON_UNKNOWN


def _ship(said: dict[str, Any], time: datetime, ship: _Ship) -> Heard:
    accuracy = ACCURACY_MM[bool(said["accuracy"])]
    if said["msg_type"] == _LONG_RANGE:
        accuracy += LONG_RANGE_MM
    length = LENGTH_MAX_M if ship.length_m is None else ship.length_m
    observed = _at_sea(said, time, Craft.SHIP, accuracy + length * MM_PER_M)
    return Heard(
        observed=observed, kind=Craft.SHIP, name=ship.name[:NAME_MAX], doubts=_doubts(said)
    )


def _at_sea(said: dict[str, Any], time: datetime, kind: Craft, accuracy_mm: int) -> Observed:
    speed, course = _motion(said, kind)
    msl = AltitudeReference.MSL
    return Observed(
        track=f"{said['mmsi']:09d}",
        time=time,
        position=position(said["lat"], said["lon"]),
        accuracy_mm=accuracy_mm,
        drift_mm_s=drift_of(kind, speed),
        speed_mm_s=speed,
        course_mdeg=course,
        lower_mm=lower_mm(-DRAUGHT_M, msl),
        upper_mm=upper_mm(MAST_M, msl),
        climb_drift_mm_s=0,
    )


def _adrift(last: Observed, time: datetime) -> Observed:
    """A beacon that knows its place no more: as far around the last as it can have gone."""
    seconds = max(0.0, (time - last.time).total_seconds())
    gone = math.ceil(drift_of(Craft.DISTRESS, None) * seconds)
    return replace(
        last,
        time=time,
        accuracy_mm=min(last.accuracy_mm + gone, RADIUS_MAX_MM),
        drift_mm_s=drift_of(Craft.DISTRESS, None),
        speed_mm_s=None,
        course_mdeg=None,
    )


def _base_station(said: dict[str, Any], time: datetime) -> Heard:
    return _fixed(said, time, Craft.BASE_STATION)


def _fixed(
    said: dict[str, Any], time: datetime, kind: Craft, name: str = "", *doubts: str
) -> Heard:
    """What stands where it is, at whatever height: it is shown, and the watch asks not of it."""
    sides = sum(said.get(side) or 0 for side in ("to_bow", "to_stern", "to_port", "to_starboard"))
    observed = Observed(
        track=f"{said['mmsi']:09d}",
        time=time,
        position=position(said["lat"], said["lon"]),
        accuracy_mm=ACCURACY_MM[bool(said["accuracy"])] + sides * MM_PER_M,
        drift_mm_s=0,
    )
    return Heard(observed=observed, kind=kind, name=name[:NAME_MAX], doubts=doubts, watched=False)


def _aid(said: dict[str, Any], time: datetime) -> Heard:
    """That it is off position counts of what floats, and with a time (M.1371-5 table 73)."""
    doubts = _doubts(said)
    timed = said["second"] <= _SECOND_MOST
    if said["off_position"] and int(said["aid_type"]) in FLOATING and timed:
        doubts = (*doubts, str(Doubt.OFF_POSITION))
    kind = Craft.VIRTUAL_AID if said["virtual_aid"] else Craft.AID
    name = f"{said['name']}{said.get('name_ext') or ''}".partition("@")[0].strip()
    return _fixed(said, time, kind, name, *doubts)


def _rescue(said: dict[str, Any], time: datetime) -> Heard:
    """An aircraft: its altitude is of GNSS or of pressure, whichever it has."""
    speed, course = _motion(said, Craft.RESCUE)
    height = said["alt"]
    known = height is not None and height < _HEIGHT_MOST_M
    lower, upper = pressure_band_mm(float(height)) if known else (None, None)
    bounds = BOUNDS[Craft.RESCUE]
    observed = Observed(
        track=f"{said['mmsi']:09d}",
        time=time,
        position=position(said["lat"], said["lon"]),
        accuracy_mm=ACCURACY_MM[bool(said["accuracy"])],
        drift_mm_s=drift_of(Craft.RESCUE, speed),
        speed_mm_s=speed,
        course_mdeg=course,
        # Wider than what a height by GNSS leaves open.
        lower_mm=lower,
        upper_mm=upper,
        climb_drift_mm_s=bounds.climb_mm_s if known else None,
    )
    return Heard(observed=observed, kind=Craft.RESCUE, doubts=_doubts(said))


def _motion(said: dict[str, Any], kind: Craft) -> tuple[int, int] | tuple[None, None]:
    speed, course = said.get("speed"), said.get("course")
    most = _SPEED_MOST.get(said["msg_type"], _SPEED_MOST_OTHER_KT)
    if speed is None or course is None or speed > most or course >= _COURSE_END:
        return None, None
    return motion(float(speed), float(course), kind)


def _doubts(said: dict[str, Any]) -> tuple[str, ...]:
    """Second 61 is manual input, 62 dead reckoning, 63 no position system at all."""
    return (str(Doubt.NO_INTEGRITY),) if said.get("second") in {61, 62, 63} else ()


_OTHERS = {_BASE_STATION: _base_station, _RESCUE: _rescue, _AID: _aid}

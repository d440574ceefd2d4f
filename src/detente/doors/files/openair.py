"""OpenAir airspace to rows: each airspace a zone.

Altitudes are feet unless they say metres. Arcs become vertices a degree apart,
and the polygon is widened by what they cut off, so that it covers the arc.

Source: the OpenAir format as Winpilot published it and its users extend it
(naviter/seeyou_file_formats).
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from detente.core.altitude import FOOT_M, AltitudeReference, lower_mm, upper_mm
from detente.core.coordinates import Place, place
from detente.core.edges import circle, polygon
from detente.core.geodesy import GEOD
from detente.core.volume import Shape, Volume
from detente.core.zone import ZoneRule
from detente.doors.files.reading import Row
from detente.errors import MalformedInput

NAUTICAL_MILE_M = 1_852.0

ARC_STEP_DEG = 1.0

PROHIBITING = frozenset({"P", "GP", "PROHIBITED"})
"""Classes that admit no activity; all others ask to coordinate first."""

_UNLIMITED = frozenset({"UNL", "UNLIM", "UNLTD", "UNLIMITED"})
_GROUND = frozenset({"GND", "SFC", "0"})
_ALTITUDE = re.compile(
    r"(?P<fl>FL)?\s*(?P<number>-?\d+(?:\.\d+)?)\s*(?:(?P<unit>FT|F|M)(?![A-Z]))?\s*(?P<reference>[A-Z]+)?"
)
_GEOMETRY = frozenset({"V", "DP", "DA", "DB", "DC", "DY"})

Point = tuple[float, float]


class _Airspace(Struct, kw_only=True):
    """One airspace while its lines are read."""

    number: int
    kind: str = ""
    name: str = ""
    lower: str | None = None
    upper: str | None = None
    points: list[Point] = []
    widen_m: float = 0.0
    circles: list[Shape] = []
    centre: Place | None = None
    clockwise: bool = True
    problem: str | None = None


def rows(path: Path, text: str) -> Iterator[Row]:
    """The airspaces of an OpenAir text; a line that is not understood refuses its airspace.

    Raises:
        MalformedInput: No airspace at all.
    """
    number = 1
    current: _Airspace | None = None
    for line_number, line in enumerate(text.splitlines(), start=1):
        command, _, rest = line.partition("*")[0].strip().partition(" ")
        command = command.upper()
        if command == "AC":
            if current is not None and not _only_style(current):
                yield _row(current)
                number += 1
            current = _Airspace(number=number, kind=rest.strip().upper())
        elif command and current is not None and current.problem is None:
            try:
                _read(current, command, rest.strip())
            except MalformedInput as error:
                current.problem = f"line {line_number}: {error}"
    if current is None:
        raise MalformedInput(f"{path}", expected="OpenAir with at least one AC line", got="none")
    yield _row(current)


def _only_style(airspace: _Airspace) -> bool:
    """Whether a block names no airspace but only says in what colours a class is drawn."""
    return not (airspace.name or airspace.points or airspace.circles or airspace.problem)


def _read(airspace: _Airspace, command: str, rest: str) -> None:
    """One line. Lines about colours, radio and labels say nothing of where."""
    if command in _GEOMETRY:
        _read_geometry(airspace, command, rest)
    elif command == "AN":
        airspace.name = rest
    elif command == "AL":
        airspace.lower = rest
    elif command == "AH":
        airspace.upper = rest


def _read_geometry(airspace: _Airspace, command: str, rest: str) -> None:
    match command:
        case "V":
            _read_variable(airspace, rest)
        case "DP":
            spot = place(rest, what="DP")
            airspace.points.append((spot.lon_deg, spot.lat_deg))
        case "DC":
            centre = _centre(airspace)
            radius_m = _number(rest.split(maxsplit=1)[0] if rest else "", "DC") * NAUTICAL_MILE_M
            airspace.circles.append(circle(centre.lon_deg, centre.lat_deg, radius_m))
        case "DA":
            _arc_by_angles(airspace, rest)
        case "DB":
            _arc_by_ends(airspace, rest)
        case _:
            raise MalformedInput(command, expected="V, DP, DA, DB or DC")


def _read_variable(airspace: _Airspace, rest: str) -> None:
    name, _, value = rest.partition("=")
    match name.strip().upper():
        case "X":
            airspace.centre = place(value, what="V X")
        case "D":
            airspace.clockwise = value.strip() != "-"
        case "W" | "Z" | "T":
            pass  # widths of airways and zoom levels of old programs
        case other:
            raise MalformedInput("V", expected="X or D", got=other)


def _arc_by_angles(airspace: _Airspace, rest: str) -> None:
    numbers = [_number(part, "DA") for part in rest.split(",")]
    if len(numbers) != 3:  # noqa: PLR2004 - radius, from, to
        raise MalformedInput("DA", expected="radius, start, end", got=rest)
    radius_m = numbers[0] * NAUTICAL_MILE_M
    _arc(airspace, (numbers[1], radius_m), (numbers[2], radius_m))


def _arc_by_ends(airspace: _Airspace, rest: str) -> None:
    centre = _centre(airspace)
    ends = []
    for part in rest.split(","):
        spot = place(part, what="DB")
        azimuth, _, radius_m = GEOD.inv(centre.lon_deg, centre.lat_deg, spot.lon_deg, spot.lat_deg)
        ends.append((azimuth, radius_m))
    if len(ends) != 2:  # noqa: PLR2004 - an arc has two ends
        raise MalformedInput("DB", expected="two positions", got=rest)
    _arc(airspace, ends[0], ends[1])


def _arc(airspace: _Airspace, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Vertices from one (azimuth in degrees, radius in metres) to the other."""
    centre = _centre(airspace)
    sweep = (end[0] - start[0]) % 360
    if not airspace.clockwise:
        sweep -= 360
    steps = max(1, math.ceil(abs(sweep) / ARC_STEP_DEG))
    for step in range(steps + 1):
        share = step / steps
        radius_m = start[1] + (end[1] - start[1]) * share
        lon, lat, _ = GEOD.fwd(centre.lon_deg, centre.lat_deg, start[0] + sweep * share, radius_m)
        airspace.points.append((lon, lat))
    cut_off = 1 - math.cos(math.radians(ARC_STEP_DEG) / 2)
    airspace.widen_m = max(airspace.widen_m, max(start[1], end[1]) * cut_off)


def _centre(airspace: _Airspace) -> Place:
    if airspace.centre is None:
        raise MalformedInput("arc or circle", expected="V X= before it")
    return airspace.centre


def _row(airspace: _Airspace) -> Row:
    properties = {
        "id": airspace.name,
        "name": airspace.name,
        "category": f"airspace/{re.sub(r'[^a-z0-9]', '', airspace.kind.lower())}".rstrip("/"),
    }
    if airspace.problem is not None:
        return Row(number=airspace.number, properties=properties, problem=airspace.problem)
    try:
        footprint = [*airspace.circles]
        if airspace.points:
            footprint += polygon([airspace.points], airspace.widen_m)
        if not footprint:
            raise MalformedInput("airspace", expected="DP, DA, DB or DC lines", got="none")  # noqa: TRY301
        volume = Volume(
            footprint=tuple(footprint),
            lower_mm=_bound(airspace.lower, upper=False),
            upper_mm=_bound(airspace.upper, upper=True),
        )
    except MalformedInput as error:
        return Row(number=airspace.number, properties=properties, problem=str(error))
    prohibits = airspace.kind in PROHIBITING
    properties["rule"] = ZoneRule.NO_ACTIVITY if prohibits else ZoneRule.COORDINATE_FIRST
    return Row(number=airspace.number, properties=properties, volumes=(volume,))


def _bound(text: str | None, *, upper: bool) -> int | None:
    """``FL 95``, ``2500ft MSL``, ``1000 AGL``, ``GND``, ``UNL``; none is unbounded."""
    word = (text or "").strip().upper()
    if not word or word in _UNLIMITED:
        return None
    convert = upper_mm if upper else lower_mm
    if word in _GROUND:
        return convert(0.0, AltitudeReference.AGL)
    match = _ALTITUDE.fullmatch(word)
    if match is None:
        raise MalformedInput(
            "altitude", expected="such as FL 95, 2500 MSL, 1000 AGL, GND", got=word
        )
    number = float(match["number"])
    if match["fl"]:
        return convert(number * 100 * FOOT_M, AltitudeReference.FL)
    unit_m = 1.0 if match["unit"] == "M" else FOOT_M
    return convert(number * unit_m, _reference(match["reference"]))


def _reference(word: str | None) -> AltitudeReference:
    match word:
        case None | "MSL" | "AMSL" | "ALT":
            return AltitudeReference.MSL
        case "STD":
            return AltitudeReference.FL
        case "AGL" | "SFC" | "GND" | "ASFC":
            return AltitudeReference.AGL
        case _:
            raise MalformedInput("altitude", expected="MSL or AGL", got=word)


def _number(text: str, what: str) -> float:
    match = re.match(r"\s*(-?\d+(?:\.\d+)?)", text)
    if match is None:
        raise MalformedInput(what, expected="a number", got=text or "nothing")
    return float(match[1])

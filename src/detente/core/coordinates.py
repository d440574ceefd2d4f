"""Coordinates as people write them: decimal degrees, degrees and minutes, MGRS.

What was typed is read back in one form, with how finely it was written, so
that a notifier can see what was understood (H9): at Kunduz the coordinates were
in degrees, minutes and seconds, over Deir ez-Zor a place was "9 km south".

Source: NGA.STND.0037 (MGRS); docs/adr/0007.
"""

import math
import re
from functools import cache

import mgrs
from msgspec import Struct

from detente.errors import MalformedInput

LATITUDE_MAX_DEG = 90.0
LONGITUDE_MAX_DEG = 180.0

TEXT_LENGTH_MAX = 100
"""Characters: the longest spelling of a position has some forty."""

DEGREES_PER_METRE = 1 / 111_320
"""Of latitude, near enough to say how coarse a grid square is."""

_MINUTE, _SECOND = 60.0, 3_600.0


class Angle(Struct, frozen=True, kw_only=True):
    """Degrees, how finely they were written, and which axis a letter named.

    ``axis`` is "lat" or "lon" where N, S, E or W stood by it, else None.
    """

    degrees: float
    resolution_deg: float
    axis: str | None = None


class Place(Struct, frozen=True, kw_only=True):
    """A position in degrees, and how finely it was written.

    Writers drop the zeros at the end of a number, so the finer of the two
    coordinates tells.
    """

    lat_deg: float
    lon_deg: float
    resolution_deg: float


_AT_EQUATOR_DEG = -1e-5
"""A metre south of it."""

_NUMBER = r"\d+(?:[.,]\d+)?"
_SEXAGESIMAL = re.compile(
    rf"""
    (?P<before>[NSEW])? \s*
    (?P<sign>[+-])? \s*
    (?P<deg>{_NUMBER}) \s* (?:°|º|deg|d|:|\s)? \s*
    (?: (?<![\d.,]) (?P<min>{_NUMBER}) \s* (?:['\u2032\u2019m:]|\s)? \s*
        (?: (?<![\d.,]) (?P<sec>{_NUMBER}) \s* (?:["\u2033\u201ds]|''|\u2019\u2019)? \s* )?
    )?
    (?P<after>[NSEW])?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DECIMAL = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,30})?")
_TINY = re.compile(r"[+-]?\d(?:\.\d+)?e-\d{1,2}", re.IGNORECASE)
"""Programs write a coordinate just off the equator or Greenwich as 8.9e-05."""
_COMPACT = re.compile(r"(?P<digits>\d{4,7})(?P<fraction>\.\d+)?(?P<letter>[NSEW])", re.IGNORECASE)
_MGRS = re.compile(r"\d{0,2}[A-HJ-NP-Z]{3}(?:\d\d){0,5}", re.IGNORECASE)
_FRACTION = re.compile("[.,]")
_AXES = {"N": "lat", "S": "lat", "E": "lon", "W": "lon"}


def angle(text: str, *, what: str) -> Angle:
    """One coordinate: ``36.72``, ``36,72``, ``36°43'4.91"N``, ``N36 43.08``, ``364305N``.

    Args:
        text: As written.
        what: Its name, for the error.

    Raises:
        MalformedInput: Not a coordinate, or minutes or seconds of 60 and more.
    """
    trimmed = text.strip()
    if _DECIMAL.fullmatch(trimmed):
        return Angle(degrees=float(trimmed), resolution_deg=_resolution(trimmed))
    if len(trimmed) <= TEXT_LENGTH_MAX:
        if _TINY.fullmatch(trimmed):
            mantissa, exponent = trimmed.lower().split("e")
            fine = _resolution(mantissa) * 10.0 ** int(exponent)
            return Angle(degrees=float(trimmed), resolution_deg=fine)
        compact = _COMPACT.fullmatch(trimmed)
        if compact:
            return _compact(compact, what)
        match = _SEXAGESIMAL.fullmatch(trimmed)
        if match:
            return _sexagesimal(match, text, what)
    raise MalformedInput(
        what, expected="degrees such as 36.7180 or 36°43'4.9\"N", got=_shown(text) or "nothing"
    )


def place(text: str, *, what: str = "position") -> Place:
    """A position in one text: MGRS, or latitude and longitude (either order if lettered).

    Raises:
        MalformedInput: Not a position, or latitude and longitude cannot be told apart.
    """
    squeezed = re.sub(r"\s+", "", text)
    if _MGRS.fullmatch(squeezed):
        return from_mgrs(squeezed, what=what)
    for first, second in _halves(text.strip()):
        try:
            one, two = angle(first, what=what), angle(second, what=what)
        except MalformedInput:
            continue
        if {one.axis, two.axis} in ({"lat"}, {"lon"}):
            break
        if one.axis == "lon" or two.axis == "lat":
            one, two = two, one
        return Place(
            lat_deg=one.degrees,
            lon_deg=two.degrees,
            resolution_deg=min(one.resolution_deg, two.resolution_deg),
        )
    raise MalformedInput(
        what,
        expected="latitude and longitude, such as 36°43'4.9\"N 68°51'44.0\"E, or MGRS",
        got=_shown(text) or "nothing",
    )


def from_mgrs(text: str, *, what: str = "mgrs") -> Place:
    """The middle of an MGRS (or, near the poles, UPS) grid square.

    Raises:
        MalformedInput: Not MGRS, or a square that does not exist.
    """
    squeezed = re.sub(r"\s+", "", text).upper()
    digits = len(re.sub(r"^\d{0,2}[A-Z]+", "", squeezed))
    try:
        if not _MGRS.fullmatch(squeezed):
            raise ValueError  # noqa: TRY301 - one refusal for both ways of being wrong
        lat, lon = _converter().toLatLon(squeezed)
    except (ValueError, RuntimeError, mgrs.core.MGRSError):
        raise MalformedInput(
            what, expected="MGRS such as 37SCA3696613641", got=_shown(text) or "nothing"
        ) from None
    side_m = 10.0 ** (5 - digits // 2)
    return Place(lat_deg=lat, lon_deg=lon, resolution_deg=side_m * DEGREES_PER_METRE)


def spelt(lat_deg: float, lon_deg: float) -> str:
    """A position read back in three forms, so that a slip in one is seen in another."""
    grid = _grid(lat_deg, lon_deg)
    lat, lon = _sexagesimal_of(lat_deg, "NS"), _sexagesimal_of(lon_deg, "EW")
    return f"{lat_deg:.7f}, {lon_deg:.7f} = {lat} {lon} = {grid}"


class Forms(Struct, frozen=True, kw_only=True):
    """One position in every form that desks write.

    Attributes:
        decimal: Degrees to 1e-7, latitude first.
        minutes: Degrees and decimal minutes, to a thousandth of a minute (1.9 m).
        seconds: Degrees, minutes and seconds, to a hundredth of a second (0.3 m).
        mgrs: To the metre; near the poles UPS.
        utm: Zone and hemisphere as EPSG names them, easting, northing, whole metres of the
            MGRS square; None near the poles.
    """

    decimal: str
    minutes: str
    seconds: str
    mgrs: str
    utm: str | None


def forms(lat_deg: float, lon_deg: float) -> Forms:
    """A position in every form."""
    decimal, seconds, grid = spelt(lat_deg, lon_deg).split(" = ")
    return Forms(
        decimal=decimal,
        minutes=f"{_minutes_of(lat_deg, 'NS')} {_minutes_of(lon_deg, 'EW')}",
        seconds=seconds,
        mgrs=grid,
        utm=_utm(grid),
    )


def _grid(lat_deg: float, lon_deg: float) -> str:
    """A position's square of a metre, by MGRS."""
    grid: str = _converter().toMGRS(lat_deg, lon_deg)
    # Half a metre south of the equator GEOTRANS rounds to it, and names a square that nobody has.
    if _AT_EQUATOR_DEG < lat_deg < 0 and grid.endswith("00000"):
        grid = _converter().toMGRS(0.0, lon_deg)
    return grid


def _utm(grid: str) -> str | None:
    """The corner of an MGRS square."""
    if not grid[0].isdigit():
        return None
    zone, hemisphere, easting, northing = _converter().MGRSToUTM(grid)
    return f"{zone}{hemisphere} {math.floor(easting)} {math.floor(northing)}"


def _minutes_of(degrees: float, letters: str) -> str:
    """Degrees and minutes to a thousandth, with one of two letters."""
    thousandths = round(abs(degrees) * _MINUTE * 1_000)
    whole, minutes = divmod(thousandths, 60_000)
    return f"{whole}°{minutes / 1_000:06.3f}'{letters[degrees < 0]}"


def _sexagesimal_of(degrees: float, letters: str) -> str:
    """Degrees, minutes and seconds to a hundredth (0.3 m), with one of two letters."""
    hundredths = round(abs(degrees) * _SECOND * 100)
    minutes, second = divmod(hundredths, 6_000)
    letter = letters[degrees < 0]
    return f"{minutes // 60}°{minutes % 60:02}'{second / 100:05.2f}\"{letter}"


@cache
def _converter() -> mgrs.MGRS:
    return mgrs.MGRS()


def _shown(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH_MAX else text[:TEXT_LENGTH_MAX] + "..."


def _halves(text: str) -> list[tuple[str, str]]:
    """The ways to cut a text into two coordinates, the surest first."""
    ways = []
    for separator in (";", ", ", ","):
        if text.count(separator) == 1:
            first, second = text.split(separator)
            ways.append((first, second))
    lettered = re.fullmatch(r"(.+?[NSEW])[\s,;]*(.+[NSEW])", text, re.IGNORECASE)
    if lettered:
        ways.append((lettered[1], lettered[2]))
    lettered = re.fullmatch(r"([NSEW].+?)[\s,;]*([NSEW].+)", text, re.IGNORECASE)
    if lettered:
        ways.append((lettered[1], lettered[2]))
    words = text.split()
    if len(words) % 2 == 0 and words:
        half = len(words) // 2
        ways.append((" ".join(words[:half]), " ".join(words[half:])))
    return ways


def _resolution(number: str) -> float:
    """One unit of the last written digit."""
    _, _, decimals = number.replace(",", ".").partition(".")
    return 10.0 ** -len(decimals)


def _value(number: str) -> float:
    return float(number.replace(",", "."))


def _sexagesimal(match: re.Match[str], text: str, what: str) -> Angle:
    parts = [part for part in (match["deg"], match["min"], match["sec"]) if part is not None]
    if any(_FRACTION.search(part) for part in parts[:-1]):
        raise MalformedInput(what, expected="decimals in the last number only", got=text)
    degrees = _value(match["deg"])
    resolution = _resolution(match["deg"])
    if match["min"] is not None:
        degrees += _below_60(match["min"], text, what) / _MINUTE
        resolution = _resolution(match["min"]) / _MINUTE
    if match["sec"] is not None:
        degrees += _below_60(match["sec"], text, what) / _SECOND
        resolution = _resolution(match["sec"]) / _SECOND
    letters = [letter.upper() for letter in (match["before"], match["after"]) if letter]
    if len(letters) > 1 or (letters and match["sign"]):
        raise MalformedInput(what, expected="one of a sign and a letter N, S, E, W", got=text)
    if match["sign"] == "-" or letters in (["S"], ["W"]):
        degrees = -degrees
    axis = _AXES[letters[0]] if letters else None
    return Angle(degrees=degrees, resolution_deg=resolution, axis=axis)


def _compact(match: re.Match[str], what: str) -> Angle:
    """ddmmN, ddmmssN, dddmmE, dddmmssE, as aviation and USMTF write them."""
    digits, letter = match["digits"], match["letter"].upper()
    fraction = match["fraction"] or ""
    axis = _AXES[letter]
    width = 2 if axis == "lat" else 3
    rest = digits[width:]
    if len(rest) not in (2, 4):
        raise MalformedInput(
            what, expected="ddmm[ss]N or dddmm[ss]E", got=f"{digits}{fraction}{letter}"
        )
    text = f"{digits[:width]} {rest[:2]}" + (f" {rest[2:]}" if rest[2:] else "") + fraction + letter
    found = _SEXAGESIMAL.fullmatch(text)
    assert found is not None, "digits, spaces and a letter always match"  # noqa: S101
    return _sexagesimal(found, text, what)


def _below_60(number: str, text: str, what: str) -> float:
    value = _value(number)
    if value >= 60:  # noqa: PLR2004 - minutes and seconds
        raise MalformedInput(what, expected="minutes and seconds below 60", got=text)
    return value

"""Altitudes from the edge to metres above the ellipsoid, with what is unknown added.

Inside, altitudes are above the WGS 84 ellipsoid. Other references are converted
outwards: a lower bound as low, an upper bound as high as it may be anywhere on
earth, so that the band can only protect more (docs/rules/R-06.md).

Source: docs/adr/0003.
"""

import math
from enum import StrEnum

from detente.core.volume import ALTITUDE_MAX_MM, ALTITUDE_MIN_MM, MM_PER_M
from detente.errors import MalformedInput

FOOT_M = 0.3048
"""The international foot, exact."""

GEOID_LOW_M, GEOID_HIGH_M = -110.0, 90.0
"""Mean sea level against the ellipsoid: EGM96 lies between -107 m (south of
India) and +86 m (New Guinea); rounded outwards."""

GROUND_LOW_M, GROUND_HIGH_M = -450.0, 8_850.0
"""The ground above mean sea level: the shore of the Dead Sea, Mount Everest."""

PRESSURE_LOW_M, PRESSURE_HIGH_M = -1_300.0, 600.0
"""What the day's pressure does to a flight level: 870 hPa at sea level puts it
1,267 m lower than in the standard atmosphere, 1,085 hPa 581 m higher
(ICAO Doc 7488, at the extremes of the WMO archive; rounded outwards)."""

WARMTH_LOW, WARMTH_HIGH = 0.70, 1.15
"""What the day's warmth does: a layer's thickness goes with its absolute
temperature, from -71 C (202 K) to +58 C (331 K) over the standard 288 K."""

FLIGHT_LEVEL_LEAST_M = 900.0
"""FL30. No state's transition level is lower, so a smaller "metres of flight
level" is a flight level that was written as if it were metres."""


class AltitudeReference(StrEnum):
    """What an altitude is measured from."""

    WGS84 = "WGS84"
    MSL = "MSL"
    AGL = "AGL"
    FL = "FL"


_SPELLINGS = {
    "": AltitudeReference.WGS84,
    "WGS84": AltitudeReference.WGS84,
    "W84": AltitudeReference.WGS84,
    "HAE": AltitudeReference.WGS84,
    "ELLIPSOID": AltitudeReference.WGS84,
    "MSL": AltitudeReference.MSL,
    "AMSL": AltitudeReference.MSL,
    "AGL": AltitudeReference.AGL,
    "SFC": AltitudeReference.AGL,
    "GND": AltitudeReference.AGL,
    "FL": AltitudeReference.FL,
    "STD": AltitudeReference.FL,
}


def reference(text: str | None) -> AltitudeReference:
    """The reference meant by a file's word; none means the ellipsoid.

    Raises:
        MalformedInput: A word that is not known; guessing could leave people below a band.
    """
    found = _SPELLINGS.get((text or "").strip().upper().replace("-", "").replace(" ", ""))
    if found is None:
        raise MalformedInput("altitude_reference", expected="WGS84, MSL, AGL or FL", got=f"{text}")
    return found


def lower_mm(altitude_m: float, from_what: AltitudeReference) -> int:
    """The lowest that a lower bound may be, millimetres above the ellipsoid.

    Raises:
        MalformedInput: Not finite, absurd, or a flight level given as metres.
    """
    _require_sane(altitude_m, from_what)
    match from_what:
        case AltitudeReference.WGS84:
            low = altitude_m
        case AltitudeReference.MSL:
            low = altitude_m + GEOID_LOW_M
        case AltitudeReference.AGL:
            low = altitude_m + GROUND_LOW_M + GEOID_LOW_M
        case AltitudeReference.FL:  # pragma: no branch - mypy knows that these are all
            shifted = altitude_m + PRESSURE_LOW_M
            low = shifted * (WARMTH_LOW if shifted > 0 else WARMTH_HIGH) + GEOID_LOW_M
    return max(ALTITUDE_MIN_MM, math.floor(round(low * MM_PER_M, 6)))


def upper_mm(altitude_m: float, from_what: AltitudeReference) -> int:
    """The highest that an upper bound may be, millimetres above the ellipsoid.

    Raises:
        MalformedInput: Not finite, absurd, or a flight level given as metres.
    """
    _require_sane(altitude_m, from_what)
    match from_what:
        case AltitudeReference.WGS84:
            high = altitude_m
        case AltitudeReference.MSL:
            high = altitude_m + GEOID_HIGH_M
        case AltitudeReference.AGL:
            high = altitude_m + GROUND_HIGH_M + GEOID_HIGH_M
        case AltitudeReference.FL:  # pragma: no branch - mypy knows that these are all
            high = (altitude_m + PRESSURE_HIGH_M) * WARMTH_HIGH + GEOID_HIGH_M
    return min(ALTITUDE_MAX_MM, math.ceil(round(high * MM_PER_M, 6)))


def pressure_band_mm(altitude_m: float) -> tuple[int, int]:
    """Where a craft may be that reports this pressure altitude, at any height.

    The same as of a flight level, low ones and those below sea level too: a transponder
    says what its altimeter reads at the standard pressure, 1013.25 hPa.

    Args:
        altitude_m: Above the standard pressure.

    Returns:
        The lowest and the highest, millimetres above the ellipsoid.

    Raises:
        MalformedInput: Not finite, or absurd.
    """
    _require_sane(altitude_m, AltitudeReference.MSL)
    low, high = altitude_m + PRESSURE_LOW_M, altitude_m + PRESSURE_HIGH_M
    # Below the standard pressure's surface warmth makes it lower, not higher.
    low = low * (WARMTH_LOW if low > 0 else WARMTH_HIGH) + GEOID_LOW_M
    high = high * (WARMTH_HIGH if high > 0 else WARMTH_LOW) + GEOID_HIGH_M
    return (
        max(ALTITUDE_MIN_MM, math.floor(round(low * MM_PER_M, 6))),
        min(ALTITUDE_MAX_MM, math.ceil(round(high * MM_PER_M, 6))),
    )


def _require_sane(altitude_m: float, from_what: AltitudeReference) -> None:
    low_m, high_m = ALTITUDE_MIN_MM / MM_PER_M, ALTITUDE_MAX_MM / MM_PER_M
    if not low_m <= altitude_m <= high_m:
        raise MalformedInput(
            "altitude", expected=f"metres from {low_m:.0f} to {high_m:.0f}", got=f"{altitude_m}"
        )
    if from_what is AltitudeReference.FL and altitude_m and altitude_m < FLIGHT_LEVEL_LEAST_M:
        raise MalformedInput(
            "altitude of a flight level",
            expected="metres of pressure altitude (FL100 is 3048)",
            got=f"{altitude_m:g}",
        )

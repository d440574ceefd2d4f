"""From what a format says of a craft to an observation: units, accuracies, bounds.

Altitudes of transponders are of pressure; they are as far from the height above the
ellipsoid as the day's weather can put them (detente.core.altitude). A geometric altitude
counts where its accuracy is said, and an unknown one is all altitudes.

Source: DO-260B (ED-102A); docs/adr/0027.
"""

import math
from datetime import datetime

from msgspec import Struct

from detente.core.altitude import (
    FOOT_M,
    AltitudeReference,
    lower_mm,
    pressure_band_mm,
    upper_mm,
)
from detente.core.doubts import Doubt
from detente.core.heard import BOUNDS, Craft, Heard, drift_of
from detente.core.volume import E7_PER_DEG, MM_PER_M
from detente.core.watch import Observed
from detente.errors import MalformedInput

KNOT_MM_S = 1_852_000 / 3_600
FOOT_PER_MINUTE_MM_S = FOOT_M * MM_PER_M / 60
NAME_MAX = 40

ACCURACY_DEFAULT_MM = 370_400
"""Where a format names none: 0.2 NM, the containment radius (NIC 7) that aircraft must at
least report in the United States (14 CFR 91.227) and Europe (EU 1207/2011)."""

ACCURACY_NONE_MM = 37_040_000
"""Where a craft says that it does not know: 20 NM, beyond which no NIC is given."""

ACCURACY_OF_NACP_MM = (
    ACCURACY_NONE_MM, 18_520_000, 7_408_000, 3_704_000, 1_852_000, 926_000, 555_600, 185_200,
    92_600, 30_000, 10_000, 3_000,
)  # fmt: skip
"""By NACp, 0 to 11: the bound of 95 % of positions (DO-260B table 2-70)."""

HEIGHT_OF_GVA_M = {1: 150.0, 2: 45.0}
"""By GVA: how exact a geometric altitude is (DO-260B table 2-71)."""

_LATITUDE_MAX, _LONGITUDE_MAX = 90.0, 180.0
_FULL_CIRCLE = 360.0


class Said(Struct, frozen=True, kw_only=True):
    """What a format says of an aircraft, in its own units; None where it says nothing.

    Attributes:
        address: ICAO address in hex; with ``~`` before it where it is another kind.
        time: UTC, of the position.
        lat: Degrees.
        lon: Degrees.
        pressure_ft: Pressure altitude.
        geometric_ft: Above the ellipsoid.
        gva: How exact that is.
        speed_kt: Over the ground.
        course_deg: True.
        climb_ft_min: Upwards.
        accuracy_mm: If known otherwise than by ``nacp``.
        nacp: Category of accuracy.
        nic: Category of integrity.
    """

    address: str
    time: datetime
    lat: float
    lon: float
    name: str = ""
    pressure_ft: float | None = None
    geometric_ft: float | None = None
    gva: int | None = None
    speed_kt: float | None = None
    course_deg: float | None = None
    climb_ft_min: float | None = None
    accuracy_mm: int | None = None
    nacp: int | None = None
    nic: int | None = None


def aircraft(said: Said) -> Heard:
    """An aircraft as it is observed.

    Raises:
        MalformedInput: No place on earth, or a figure that is none.
    """
    lower, upper = _heights(said)
    accuracy, doubts = _accuracy(said)
    speed, course = motion(said.speed_kt, said.course_deg, Craft.AIRCRAFT)
    bounds = BOUNDS[Craft.AIRCRAFT]
    climb, drift = 0, bounds.climb_mm_s
    if said.climb_ft_min is not None:
        climb = round(finite(said.climb_ft_min, "climb") * FOOT_PER_MINUTE_MM_S)
        drift = bounds.climb_drift_mm_s
        require(abs(climb) <= bounds.speed_mm_s, "climb", "a rate that can be flown")
    observed = Observed(
        track=said.address,
        time=said.time,
        position=position(said.lat, said.lon),
        accuracy_mm=accuracy,
        drift_mm_s=drift_of(Craft.AIRCRAFT, speed),
        speed_mm_s=speed,
        course_mdeg=course,
        lower_mm=lower,
        upper_mm=upper,
        climb_mm_s=climb,
        climb_drift_mm_s=None if lower is None else drift,
    )
    return Heard(
        observed=observed,
        name=said.name[:NAME_MAX].strip(),
        doubts=doubts,
        pressure_ft=said.pressure_ft,
    )


def _heights(said: Said) -> tuple[int | None, int | None]:
    within = HEIGHT_OF_GVA_M.get(said.gva or 0)
    if said.geometric_ft is not None and within is not None:
        metres = finite(said.geometric_ft, "altitude") * FOOT_M
        wgs84 = AltitudeReference.WGS84
        return lower_mm(metres - within, wgs84), upper_mm(metres + within, wgs84)
    if said.pressure_ft is not None:
        return pressure_band_mm(finite(said.pressure_ft, "altitude") * FOOT_M)
    return None, None


def _accuracy(said: Said) -> tuple[int, tuple[str, ...]]:
    """1. What the format gives in metres. 2. By NACp. 3. What must at least be reported."""
    doubts = (str(Doubt.NO_INTEGRITY),) if 0 in {said.nacp, said.nic} else ()
    if said.accuracy_mm:
        return min(said.accuracy_mm, ACCURACY_NONE_MM), doubts
    if said.nacp is not None and 0 <= said.nacp < len(ACCURACY_OF_NACP_MM):
        return ACCURACY_OF_NACP_MM[said.nacp], doubts
    return (ACCURACY_NONE_MM if doubts else ACCURACY_DEFAULT_MM), doubts


def motion(
    speed_kt: float | None, course_deg: float | None, kind: Craft
) -> tuple[int, int] | tuple[None, None]:
    """Speed in mm/s and course in thousandths of a degree, or neither.

    A speed that its kind cannot reach says nothing of where the craft will be.
    """
    if speed_kt is None or course_deg is None:
        return None, None
    speed = round(finite(speed_kt, "speed") * KNOT_MM_S)
    course = round(finite(course_deg, "course") * 1_000) % round(_FULL_CIRCLE * 1_000)
    return (speed, course) if 0 <= speed <= BOUNDS[kind].speed_mm_s else (None, None)


def position(lat: float, lon: float) -> tuple[int, int]:
    """A place, in 1e-7 degree.

    Raises:
        MalformedInput: None on earth.
    """
    good = abs(finite(lat, "latitude")) <= _LATITUDE_MAX
    require(good and abs(finite(lon, "longitude")) <= _LONGITUDE_MAX, "position", "degrees")
    return round(lon * E7_PER_DEG), round(lat * E7_PER_DEG)


def finite(value: float, what: str) -> float:
    """A number that is one.

    Raises:
        MalformedInput: Not a number, or infinite.
    """
    require(math.isfinite(value), what, "a number")
    return value


def require(good: bool, what: str, expected: str) -> None:  # noqa: FBT001 - it is what is asked
    """Refuse what is not good.

    Raises:
        MalformedInput: It is not.
    """
    if not good:
        raise MalformedInput(what, expected=expected)

"""Fields by the names that people give to columns, and their values, typed.

A file's own names are compared in lower case without spaces and punctuation.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from detente.core.edges import length_mm
from detente.core.volume import check_time
from detente.doors.files.reading import Unusable
from detente.errors import MalformedInput

SPELLINGS: dict[str, tuple[str, ...]] = {
    "id": ("id", "identifier", "sourceid", "uid", "uuid", "globalid", "facilityid", "siteid",
           "osmid", "pcode"),
    "name": ("name", "nameen", "title", "label", "facilityname", "sitename", "polyincidentname"),
    "category": ("category",),
    "lat": ("lat", "latitude", "latdeg", "latitudedeg", "latdd", "y", "ycoord", "gpslat",
            "gpslatitude"),
    "lon": ("lon", "long", "lng", "longitude", "londeg", "longitudedeg", "longdd", "londd", "x",
            "xcoord", "gpslon", "gpslongitude"),
    "position": ("position", "coordinates", "coordinate", "coords", "latlon", "latlong", "gps",
                 "dms"),
    "mgrs": ("mgrs", "usng", "mgrscoordinate", "gridreference"),
    "geometry": ("geometry", "geom", "wkt", "thegeom", "wktgeometry"),
    "country": ("iso3", "isoa3", "iso2", "isoa2", "countrycode", "isocountry", "country"),
    "radius_m": ("radiusm",),
    "width_m": ("widthm",),
    "buffer_m": ("bufferm",),
    "standoff_m": ("standoffm", "standoff"),
    "uncertainty_m": ("uncertaintym", "uncertaint"),
    "hazard_m": ("hazardm",),
    "lower_m": ("lowerm",),
    "upper_m": ("upperm",),
    "altitude_reference": ("altitudereference", "altituder"),
    "start": ("start", "validfrom", "starttime"),
    "end": ("end", "validto", "validuntil", "endtime"),
    "review_due": ("reviewdue",),
    "plan": ("plan",),
    "movement": ("movement",),
    "rule": ("rule",),
    "desk": ("desk",),
    "time": ("time", "timestamp"),
    "speed_max_m_s": ("speedmaxms", "speedmax"),
    "accuracy_m": ("accuracym",),
    "escort": ("escort",),
    "vehicles": ("vehicles",),
    "vehicle_count": ("vehiclecount", "vehicleco"),
    "marking": ("marking",),
    "marking_visible_day": ("markingvisibleday",),
    "marking_visible_thermal": ("markingvisiblethermal",),
}  # fmt: skip
"""Our field to the names by which a column is recognised, the likeliest first.

Shapefiles keep ten letters of a name: those that lose some are here as cut.
"""

NOTHING = frozenset({"", "null", "none", "nan", "na", "n/a", "-", "not available"})
"""What files write where there is nothing."""

_NOTHING_LENGTH_MAX = 20
"""Longer text is not looked up: no spelling of nothing has more, padding included."""


def squeezed(name: str) -> str:
    """A column's name as it is compared."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


def recognised(names: Iterable[str], given: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Which columns may hold which field, the likeliest first.

    Features may each spell a field in their own way. Latitude and longitude are
    from one column each, so that no row mixes two systems.

    Args:
        names: The file's columns.
        given: Field to column, from the command line; these win.

    Raises:
        MalformedInput: A field or column that does not exist is given.
    """
    columns = list(names)
    by_name: dict[str, list[str]] = defaultdict(list)
    for column in columns:
        by_name[squeezed(column)].append(column)
    found = {}
    for field, spellings in SPELLINGS.items():
        present = [column for one in spellings for column in by_name.get(one, ())]
        if present:
            found[field] = tuple(present[:1] if field in {"lat", "lon"} else present)
    for field, column in given.items():
        if field not in SPELLINGS:
            raise MalformedInput("column", expected=f"one of {', '.join(SPELLINGS)}", got=field)
        if column not in columns:
            raise MalformedInput(
                f"column for {field}", expected=f"one of {', '.join(columns)}", got=column
            )
        found[field] = (column,)
    return found


class Fields:
    """One row's properties by our names.

    Args:
        properties: As the file has them.
        columns: From ``recognised``.
    """

    def __init__(
        self, properties: Mapping[str, Any], columns: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._values: dict[str, Any] = {}
        for field, spellings in columns.items():
            for column in spellings:
                value = properties.get(column)
                if not _says_nothing(value):
                    self._values[field] = value
                    break

    def raw(self, field: str) -> Any:
        """The value as it stands; None where the file says nothing."""
        return self._values.get(field)

    def _said(self, field: str) -> Any:
        """The value, which something can be made of.

        Raises:
            MalformedInput: Nothing can.
        """
        value = self._values.get(field)
        if isinstance(value, Unusable):
            raise MalformedInput(field, expected="a value", got=value.why)
        return value

    def text(self, field: str) -> str | None:
        """Text; numbers as they would be written.

        Raises:
            MalformedInput: No text.
        """
        value = self._said(field)
        if value is None:
            return None
        if isinstance(value, bool | dict | list):
            raise MalformedInput(field, expected="text", got=f"{value}")
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()

    def number(self, field: str) -> float | None:
        """A finite number.

        Raises:
            MalformedInput: Anything else.
        """
        value = self._said(field)
        if value is None:
            return None
        try:
            if isinstance(value, bool):
                raise TypeError  # noqa: TRY301 - true is no length
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise MalformedInput(field, expected="a number", got=f"{value}"[:80]) from None
        if not math.isfinite(number):
            raise MalformedInput(field, expected="a finite number", got=f"{value}")
        return number

    def length_mm(self, field: str) -> int | None:
        """A length from metres, in millimetres.

        Raises:
            MalformedInput: Negative, beyond any use, or not a number.
        """
        metres = self.number(field)
        return None if metres is None else length_mm(metres, what=field)

    def truth(self, field: str) -> bool | None:
        """Yes or no.

        Raises:
            MalformedInput: Neither.
        """
        value = self._said(field)
        text = "" if value is None else str(value).strip().lower()
        if text in {"true", "yes", "1"}:
            return True
        if text in {"false", "no", "0"}:
            return False
        if text:
            raise MalformedInput(field, expected="true or false", got=text[:80])
        return None

    def time(self, field: str) -> datetime | None:
        """A time with an offset, in UTC.

        Raises:
            MalformedInput: Not RFC 3339, or naive.
        """
        value = self._said(field)
        if value is None:
            return None
        return utc_time(value, what=field)


def _says_nothing(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _NOTHING_LENGTH_MAX and value.strip().lower() in NOTHING
    return value is None or (isinstance(value, float) and math.isnan(value))


def utc_time(value: object, *, what: str) -> datetime:
    """An RFC 3339 time in UTC.

    Raises:
        MalformedInput: Not such a time, naive, or in an absurd year.
    """
    if not isinstance(value, str | datetime):
        raise MalformedInput(what, expected="such as 2025-01-07T18:30:00Z", got=f"{value}")
    try:
        time = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    except ValueError:
        raise MalformedInput(
            what, expected="such as 2025-01-07T18:30:00Z", got=f"{value}"
        ) from None
    check_time(time, what=what)
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise MalformedInput(what, expected="a time that exists in UTC", got=f"{value}") from None

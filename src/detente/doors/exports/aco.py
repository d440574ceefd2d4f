"""An airspace control order as text: notices and zones as restricted operations zones. One way.

The sets OPER, MSGID, ACOID, GEODATUM, PERIOD and GENTEXT, and for each measure ACMID, CIRCLE or
POLYGON, EFFLEVEL and APERIOD. What is to be kept around a place is in its shape, for the order
has no field for it. All is rounded so that a measure only grows: positions to the second, radii
to a tenth of a kilometre, heights to hundreds of feet above mean sea level, times to the minute.
Holes in a polygon are filled.

Source: the sets as public descriptions and public readers have them (docs/files.md,
tests/unit/test_aco_forms.py); the standard itself, USMTF (MIL-STD-6040), was not read.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from textwrap import wrap
from typing import NamedTuple

import shapely

from detente.core.altitude import FOOT_M, GEOID_HIGH_M, GEOID_LOW_M
from detente.core.drawn import drawing_of
from detente.core.entry import EntryKind
from detente.core.release import Grade
from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.exports.rows import Row, drawn_rows
from detente.doors.exports.standoff import away_mm, widened
from detente.node.exporting import Export

LINE_MAX = 69
"""Letters of a line: what teletypes took."""

NAME_MAX = 30
CODEWORD_MAX, ORIGINATOR_MAX, AREA_MIN, AREA_MAX = 32, 30, 2, 8
RADIUS_LETTERS_MAX = 7
"""Letters of a field, by the public description that is named in docs/files.md."""

ROUNDED_MM = 25_000
"""Half a second in both directions is at most 22 m."""

LEVEL_MAX = 999
"""Hundreds of feet: what three digits hold. What is unbounded reaches there."""

CORNERS_MIN = 3

_UNNAMED = "UNNAMED"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_KINDS = (EntryKind.NOTICE, EntryKind.ZONE)
_ODD = re.compile(r"[^A-Z0-9 .,()?-]+")
_MINUTE = timedelta(minutes=1)


class _Measures(NamedTuple):
    sets: list[str]
    outside: int
    others: int


def write(found: Export) -> bytes:
    """The order, ASCII."""
    start, stop = _down(found.as_of), _up(found.expires)
    measures = _measures(found, start, stop)
    place = _free(found.theatre)
    area = place if len(place) >= AREA_MIN else f"{place} AO"
    # Digits alone: the edition itself is in the free text.
    number = f"{int(found.edition[:5], 16):07}"
    told = (
        f"EDITION {found.edition.upper()} FOR {_free(found.reader)}. IT INFORMS, AND PERMITS "
        f"NOTHING. WHAT IS NOT SHOWN MAY BE THERE. NOT IN IT, {measures.others} OF PRESENCE AND "
        f"PLANS, {measures.outside} NOT WITHIN THE PERIOD."
    )
    sets = [
        f"OPER/{place[:CODEWORD_MAX].strip()}//",
        f"MSGID/ACO/{place[:ORIGINATOR_MAX].strip()}/{number}/{_MONTHS[start.month - 1]}/-/-//",
        f"ACOID/{area[:AREA_MAX].strip()}/{start.day:02}A//",
        "GEODATUM/WGS 1984//",
        f"PERIOD/{_dtg(start)}{start.year}/{_dtg(stop)}{stop.year}//",
        f"GENTEXT/ACO INFORMATION/{told}//",
        *measures.sets,
    ]
    return "".join(line + "\n" for one in sets for line in _lines(one)).encode("ascii")


def _measures(found: Export, start: datetime, stop: datetime) -> _Measures:
    out = _Measures([], 0, sum(one.view.kind not in _KINDS for one in found.items))
    for row in drawn_rows(found):
        if row.item.view.kind not in _KINDS:
            continue
        first = start if row.volume.start is None else max(start, _down(row.volume.start))
        last = stop if row.volume.end is None else min(stop, _up(row.volume.end))
        if first > last:
            out = out._replace(outside=out.outside + 1)
            continue
        shapes = list(_shapes(widened(row.volume, away_mm(row) + ROUNDED_MM)))
        for number, (kind, shape) in enumerate(shapes, start=1):
            part = f"-{number}" if len(shapes) > 1 else ""
            out.sets.extend([
                f"ACMID/ACM:ROZ/NAME:{_name(row, part)}/{kind}/USE:{_use(row)}//",
                shape,
                f"EFFLEVEL/{_level(row.volume)}//",
                f"APERIOD/DISCRETE/{_dtg(first)}/{_dtg(last)}//",
            ])  # fmt: skip
    return out


def _use(row: Row) -> str:
    """NFA where nothing may go on, RFA where one is to coordinate first (FM 3-09)."""
    value = row.item.view.value
    asks = isinstance(value, Zone) and value.rule is not ZoneRule.NO_ACTIVITY
    return "RFA" if asks or row.item.view.grade is Grade.AREA else "NFA"


def _name(row: Row, part: str) -> str:
    """What letters of its name there are, and of its id, for other scripts have none."""
    number = str(row.said["id"]).partition("/")[2]
    mark = f" {row.item.view.object[:8].upper()}{'-' if number else ''}{number}{part}"
    name = _free(str(row.said["name"] or ""))
    name = _free(row.item.view.category or "") if name == _UNNAMED else name
    return (name[: NAME_MAX - len(mark)].strip() + mark).strip()


def _free(text: str) -> str:
    """Letters that a field may hold: Latin ones without their marks."""
    plain = unicodedata.normalize("NFKD", text.replace("\u0131", "i"))
    bare = "".join(one for one in plain if not unicodedata.combining(one))
    free = " ".join(_ODD.sub(" ", bare.upper()).split())
    return free if re.search("[A-Z0-9]", free) else _UNNAMED


def _shapes(volume: Volume) -> Iterator[tuple[str, str]]:
    for shape in volume.footprint:
        if isinstance(shape, Circle):
            lon, lat = shape.centre
            place = _lats(lon / E7_PER_DEG, lat / E7_PER_DEG)
            yield "CIRCLE", f"CIRCLE/{place}/{_radius(shape.radius_mm)}//"
            continue
        drawing = drawing_of((Volume(footprint=(shape,)),))
        for part in shapely.get_parts(drawing):
            corners = _corners([_lats(lon, lat) for lon, lat in part.exterior.coords[:-1]])
            yield "POLYGON", f"POLYGON/{'/'.join(corners)}//"


def _corners(rounded: list[str]) -> list[str]:
    """Corners without those that equal the one before, the last before the first too.

    Between equal corners there is an edge of no length: the outline is the same line without
    it, and what lies within stays within. Never below CORNERS_MIN: readers refuse fewer.
    """
    differing = [one for at, one in enumerate(rounded) if one != rounded[at - 1]]
    return differing if len(differing) >= CORNERS_MIN else rounded


def _radius(mm: int) -> str:
    """Kilometres to the tenth, or whole ones where those alone have room."""
    tenths = f"{math.ceil(mm / 100_000) / 10:.1f}KM"
    return tenths if len(tenths) <= RADIUS_LETTERS_MAX else f"{math.ceil(mm / 1_000_000)}KM"


def _lats(lon: float, lat: float) -> str:
    """Degrees, minutes and seconds, as ddmmssNdddmmssE."""
    return f"LATS:{_sexagesimal(lat, 2)}{'NS'[lat < 0]}{_sexagesimal(lon, 3)}{'EW'[lon < 0]}"


def _sexagesimal(degrees: float, digits: int) -> str:
    minutes, seconds = divmod(round(abs(degrees) * 3_600), 60)
    return f"{minutes // 60:0{digits}}{minutes % 60:02}{seconds:02}"


def _level(volume: Volume) -> str:
    low = -1 if volume.lower_mm is None else _hundreds(volume.lower_mm, -GEOID_HIGH_M, math.floor)
    high = LEVEL_MAX
    if volume.upper_mm is not None:
        high = min(LEVEL_MAX, max(0, _hundreds(volume.upper_mm, -GEOID_LOW_M, math.ceil)))
    if low <= 0:
        return f"BRRA:GL-{high:03}AMSL"
    return f"RARA:{min(low, LEVEL_MAX):03}AMSL-{high:03}AMSL"


def _hundreds(mm: int, geoid_m: float, whole: Callable[[float], int]) -> int:
    return whole(round((mm / MM_PER_M + geoid_m) / (100 * FOOT_M), 6))


def _down(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(second=0, microsecond=0)


def _up(time: datetime) -> datetime:
    down = _down(time)
    return down if down == time else down + _MINUTE


def _dtg(time: datetime) -> str:
    """Day, hour, minute and month, in UTC: 071200ZJAN."""
    return f"{time:%d%H%M}Z{_MONTHS[time.month - 1]}"


def _lines(one: str) -> list[str]:
    """A set in lines, cut after fields, and free text after words."""
    if one.startswith("GENTEXT"):
        return wrap(one, LINE_MAX)
    fields = re.findall(r"[^/]*/+", one)
    lines = [""]
    for field in fields:
        if len(lines[-1]) + len(field) > LINE_MAX and lines[-1]:
            lines.append("")
        lines[-1] += field
    return lines

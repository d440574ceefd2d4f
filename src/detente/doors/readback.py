"""Read back: what the node understood of what was typed, drawn or dropped, before it is said.

Nothing is stored. A page that shows this, and says the value that it got here, has no rule of
its own to be wrong about: which edges are meant, how high mean sea level is, what
``36 43 4.9 N`` means (H9).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
import shapely
from msgspec import Struct

from detente.core.coordinates import spelt
from detente.core.drawn import drawing_of, rounded
from detente.core.feature import where_now
from detente.core.presence import Presence
from detente.core.volume import E7_PER_DEG, Circle, Corridor, Position, Volume
from detente.doors.files import Imported, Kind, ReadOptions, Remark, read_bytes
from detente.errors import MalformedInput

__all__ = ["Area", "Kind", "Readings", "Understood", "area_of", "readings"]

VALUES_MAX = 1_000
"""Values at once: a plan's volumes or a day's list. A register is added with the command line."""

ROWS_MAX = 10 * VALUES_MAX
"""Rows: a value may have several volumes, a row each."""

PLACES_MAX = 100
"""Positions that are spelt out, of one value: more than anyone reads back aloud."""


class Leg(Struct, frozen=True, kw_only=True):
    """One of a value's volumes, in their order: its positions in three spellings.

    Of all legs together ``PLACES_MAX`` are spelt out; ``positions`` is how many it has.
    """

    places: tuple[str, ...]
    positions: int


class Area(Struct, frozen=True, kw_only=True):
    """Where volumes are.

    Attributes:
        drawn: A GeoJSON geometry that holds them.
        places: Their positions in three spellings, the first ``PLACES_MAX``.
        positions: How many they have.
        legs: Each of them, where there are several.
    """

    drawn: msgspec.Raw
    places: tuple[str, ...]
    positions: int
    legs: tuple[Leg, ...] = ()


class Understood(Area, frozen=True, kw_only=True):
    """One value, as it would be stored: to be said or asked as it stands."""

    value: Imported


class Readings(Struct, frozen=True, kw_only=True):
    """All that was understood, and a remark for each row that was refused or is doubtful."""

    values: tuple[Understood, ...]
    doubts: tuple[Remark, ...]
    refusals: tuple[Remark, ...]


def readings(
    name: str, body: bytes, *, kind: Kind, party: str, now: datetime, sheet: str | None = None
) -> Readings:
    """What rows mean, were this party to say them.

    Args:
        name: What remarks call the rows.
        body: GeoJSON, ED-318, CSV, an Excel workbook or OpenAir.
        kind: What the rows are.
        party: Who would say them.
        now: UTC; a track is drawn as far as it has grown by then.
        sheet: Of a workbook, the sheet to read; None where one alone has rows.

    Raises:
        MalformedInput: Nothing of that, or more than ``VALUES_MAX`` rows.
    """
    reading = read_bytes(
        name, body, ReadOptions(kind=kind, party=party, sheet=sheet, rows_max=ROWS_MAX)
    )
    if len(reading.values) > VALUES_MAX:
        raise MalformedInput(
            name, expected=f"at most {VALUES_MAX} rows", got=f"{len(reading.values)}"
        )
    return Readings(
        values=tuple(_understood(value, now) for value in reading.values),
        doubts=tuple(reading.doubts),
        refusals=tuple(reading.refusals),
    )


def _understood(value: Imported, now: datetime) -> Understood:
    volumes = value.volumes
    if isinstance(value, Presence) and value.track is not None:
        volumes = (where_now(value.track, now),)
    area = area_of(volumes)
    return Understood(
        value=value,
        drawn=area.drawn,
        places=area.places,
        positions=area.positions,
        legs=area.legs,
    )


def area_of(volumes: tuple[Volume, ...]) -> Area:
    """Where volumes are, to be drawn and read aloud; at least one."""
    places = list(dict.fromkeys(one for volume in volumes for one in _positions(volume)))
    return Area(
        drawn=msgspec.Raw(shapely.to_geojson(rounded(drawing_of(volumes))).encode()),
        places=_spelt(places[:PLACES_MAX]),
        positions=len(places),
        legs=tuple(_legs(volumes)) if len(volumes) > 1 else (),
    )


def _legs(volumes: tuple[Volume, ...]) -> Iterator[Leg]:
    left = PLACES_MAX
    for volume in volumes:
        places = _positions(volume)
        yield Leg(places=_spelt(places[:left]), positions=len(places))
        left = max(0, left - len(places))


def _spelt(places: Sequence[Position]) -> tuple[str, ...]:
    return tuple(spelt(lat / E7_PER_DEG, lon / E7_PER_DEG) for lon, lat in places)


def _positions(volume: Volume) -> list[Position]:
    out: list[Position] = []
    for shape in volume.footprint:
        match shape:
            case Circle():
                out.append(shape.centre)
            case Corridor():
                out.extend(shape.line)
            case _:
                out.extend(position for ring in shape.rings for position in ring)
    return out

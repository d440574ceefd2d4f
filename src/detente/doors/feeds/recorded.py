"""Files of what was heard, of any of the formats, as observations in order of time.

By what a file holds, not by its name: BaseStation lines; AIS with tag blocks; Mode S in Beast's
binary form, as lines of AVR, or as JSON lines with their times; a trace or an ``aircraft.json`` of
readsb; rows of positions as CSV or JSON, with OpenSky's names. ``.gz`` and ``.xz`` are read as
they are. Rows without a position are counted, by reason.
"""

import csv
import gzip
import io
import lzma
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from detente.core.heard import Heard
from detente.core.volume import EPOCH, check_time
from detente.doors.feeds import recorded_modes
from detente.doors.feeds.ais import Ais
from detente.doors.feeds.craft import Said, aircraft
from detente.doors.feeds.modes import Decoder
from detente.doors.feeds.readsb import Readsb
from detente.doors.feeds.sbs import Sbs
from detente.errors import MalformedInput, reason_of

BYTES_MAX = 1_000_000_000
"""Of a file, unpacked: ten million lines. What is larger is to be cut into days."""

POSITIONS_MAX = 5_000_000
"""Held to be put in order of time: some 3 GB."""

_MILLISECONDS_FROM = 1e11
_NAMES = {
    "address": ("icao24", "icao", "hex", "address"),
    "time": ("timestamp", "t", "time"),
    "lat": ("latitude", "lat"),
    "lon": ("longitude", "lon"),
    "name": ("callsign", "flight"),
    "pressure_ft": ("altitude", "alt_baro"),
    "geometric_ft": ("geoaltitude", "alt_geom"),
    "speed_kt": ("groundspeed", "gs"),
    "course_deg": ("track",),
    "climb_ft_min": ("vertical_rate", "baro_rate"),
}
_TRACE_ROW = 8
_FORMATS = "BaseStation, AIS, Beast, AVR, JSON"
_ROW = "row: expected time, address, latitude and longitude"


class Recording(Struct, frozen=True):
    """What a file holds.

    Attributes:
        heard: In order of time.
        refused: Rows and lines that could not be read, by reason.
    """

    heard: list[Heard]
    refused: Counter[str]


def recording(path: Path) -> Recording:
    """Read a file.

    Raises:
        MalformedInput: It cannot be read, holds none of the formats, or is too large.
    """
    data = _unpacked(path)
    heard, refused = _read(path, data)
    if len(heard) > POSITIONS_MAX:
        raise MalformedInput(f"{path}", expected=f"at most {POSITIONS_MAX} positions")
    heard.sort(key=lambda one: one.observed.time)
    return Recording(heard, refused)


def _read(path: Path, data: bytes) -> tuple[list[Heard], Counter[str]]:
    start = data[:4_096].lstrip()
    if start[:1] in {b"{", b"["}:
        return _frames(data) if _is_lines(start) else _document(path, data)
    if recorded_modes.is_avr(start):
        return recorded_modes.avr(data)
    if recorded_modes.is_beast(start):
        return recorded_modes.beast(data)
    parser: Ais | Sbs
    if b"VDM," in start or b"VDO," in start:
        parser = Ais(recorded=True)
    elif start[:4] in {b"MSG,", b"SEL,", b"AIR,", b"STA,", b"CLK,"} or start[:3] == b"ID,":
        parser = Sbs(recorded=True)
    else:
        return _csv(path, data)
    return parser.read(data + b"\n", EPOCH), parser.refused


def _unpacked(path: Path) -> bytes:
    try:
        with _opened(path) as file:
            data: bytes = file.read(BYTES_MAX + 1)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        got = getattr(error, "strerror", None) or type(error).__name__
        raise MalformedInput(f"{path}", expected="a file that can be read", got=got) from None
    if len(data) > BYTES_MAX:
        raise MalformedInput(f"{path}", expected=f"at most {BYTES_MAX} bytes unpacked")
    return data


def _opened(path: Path) -> Any:
    match path.suffix.lower():
        case ".gz":
            return gzip.open(path)
        case ".xz":
            return lzma.open(path)
        case _:
            return path.open("rb")


def _is_lines(start: bytes) -> bool:
    """Whether the first line is a value by itself."""
    first = start.split(b"\n", 1)[0]
    try:
        return isinstance(msgspec.json.decode(first), dict) and b"frame" in first
    except (msgspec.DecodeError, RecursionError):
        return False


def _frames(data: bytes) -> tuple[list[Heard], Counter[str]]:
    """Lines of ``{"timestamp": 1720248189.5, "frame": "8f39..."}``."""
    decoder = Decoder()
    frames, times = [], []
    for line in data.splitlines():
        try:
            one = msgspec.json.decode(line)
            frame, time = bytes.fromhex(one["frame"]), _time(one["timestamp"])
        except (msgspec.DecodeError, LookupError, TypeError, ValueError, MalformedInput):
            decoder.refused["line: expected timestamp and frame"] += 1
            continue
        frames.append(frame)
        times.append(time)
    good = [len(frame) in {7, 14} for frame in frames]
    return (
        decoder.decode(
            [frame for frame, ok in zip(frames, good, strict=True) if ok],
            [time for time, ok in zip(times, good, strict=True) if ok],
        ),
        decoder.refused,
    )


def _document(path: Path, data: bytes) -> tuple[list[Heard], Counter[str]]:
    """Rows, columns, or what readsb writes."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        raise MalformedInput(f"{path}", expected="JSON") from None
    if isinstance(found, dict) and isinstance(found.get("trace"), list):
        return _rows(_trace(found))
    if isinstance(found, dict) and isinstance(found.get("aircraft"), list):
        document = Readsb()
        return document.read(data, EPOCH), document.refused
    if isinstance(found, dict) and found and all(isinstance(one, dict) for one in found.values()):
        names = list(found)
        keys = list(found[names[0]])
        return _rows({name: found[name].get(key) for name in names} for key in keys)
    if isinstance(found, list):
        return _rows(one if isinstance(one, dict) else {} for one in found)
    raise MalformedInput(
        f"{path}", expected="rows or columns of positions, or a document of readsb"
    )


def _trace(found: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Rows of ``trace_full``: seconds, latitude, longitude, altitude, speed, track, ..., rate."""
    start, address = found.get("timestamp"), found.get("icao")
    for row in found["trace"]:
        if not isinstance(row, list) or len(row) < _TRACE_ROW or not isinstance(start, int | float):
            yield {}
            continue
        after, lat, lon, altitude, speed, course, _, rate = row[:_TRACE_ROW]
        yield {
            "icao": address,
            "time": start + after if isinstance(after, int | float) else None,
            "lat": lat,
            "lon": lon,
            "altitude": None if altitude == "ground" else altitude,
            "gs": speed,
            "track": course,
            "vertical_rate": rate,
        }


def _csv(path: Path, data: bytes) -> tuple[list[Heard], Counter[str]]:
    rows = csv.DictReader(io.StringIO(data.decode("utf-8", "replace"), newline=None))
    try:
        names = set(rows.fieldnames or ())
        for field in ("address", "time", "lat", "lon"):
            if names.isdisjoint(_NAMES[field]):
                raise MalformedInput(
                    f"{path}", expected=f"a column {' or '.join(_NAMES[field])}, or {_FORMATS}"
                )
        return _rows(rows)
    except csv.Error:  # No table at all, or a value of more than csv.field_size_limit().
        raise MalformedInput(f"{path}", expected=f"rows of CSV, or {_FORMATS}") from None


def _rows(rows: Iterable[Mapping[str, Any]]) -> tuple[list[Heard], Counter[str]]:
    heard: list[Heard] = []
    refused: Counter[str] = Counter()
    for row in rows:
        try:
            heard.append(aircraft(_said(row)))
        except MalformedInput as error:
            refused[reason_of(error)] += 1
        except (LookupError, TypeError, ValueError):
            refused[_ROW] += 1
    return heard, refused


def _said(row: Mapping[str, Any]) -> Said:
    found = {
        field: next((row[name] for name in names if row.get(name) not in {None, ""}), None)
        for field, names in _NAMES.items()
    }
    address = str(found["address"] or "").lower()
    lat, lon = _number(found["lat"]), _number(found["lon"])
    if not address or lat is None or lon is None:
        raise ValueError
    return Said(
        address=address,
        time=_time(_number(found["time"])),
        lat=lat,
        lon=lon,
        name=str(found["name"] or ""),
        pressure_ft=_number(found["pressure_ft"]),
        geometric_ft=_number(found["geometric_ft"]),
        speed_kt=_number(found["speed_kt"]),
        course_deg=_number(found["course_deg"]),
        climb_ft_min=_number(found["climb_ft_min"]),
    )


def _number(value: Any) -> float | None:
    """A number; None where there is none, which CSV made of tables writes as ``nan``."""
    if value is None:
        return None
    number = float(value)
    return None if math.isnan(number) else number


def _time(value: float | None) -> datetime:
    """Seconds since 1970, or milliseconds."""
    if value is None:
        raise MalformedInput("time", expected="seconds since 1970")
    try:
        time = datetime.fromtimestamp(value / 1_000 if value >= _MILLISECONDS_FROM else value, UTC)
    except (ValueError, OverflowError, OSError):
        raise MalformedInput("time", expected="seconds since 1970") from None
    check_time(time, what="time")
    return time

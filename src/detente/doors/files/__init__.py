"""Files in: bytes to rows to values, each bad row refused by name and counted.

GeoJSON, CSV, Excel workbooks, KML and KMZ, GeoPackage, Shapefile (also in a .zip), GeoParquet,
ED-318 and ED-269 geo-zones, OpenAir airspace; also packed with gzip.
"""

import io
import zipfile
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import msgspec

from detente.doors.files import country, csv_rows, json_rows
from detente.doors.files.build import Builder
from detente.doors.files.columns import recognised
from detente.doors.files.reading import Imported, Kind, Reading, ReadOptions, Remark, Row
from detente.doors.files.source import (
    FILE_BYTES_MAX,
    FileFormat,
    decoded,
    format_of,
    load,
    text_of,
)
from detente.errors import MalformedInput

__all__ = ["Imported", "Kind", "ReadOptions", "Reading", "Remark", "divided", "read", "read_bytes"]

SENT = frozenset({FileFormat.JSON, FileFormat.CSV, FileFormat.OPENAIR, FileFormat.XLSX})
"""What is read here alone: GDAL reads the others, from a file of their own."""

SENT_UNPACKED_BYTES_MAX = 16 * 1024 * 1024
"""Of a workbook that is sent: its XML takes seconds, in which others wait."""

_TABLES = frozenset({FileFormat.CSV, FileFormat.XLSX})
"""Whose header names all columns; features each bring their own."""


def read(path: Path, options: ReadOptions) -> Reading:
    """Read a file in any of the known formats.

    Args:
        path: The file; ``list.xlsx#Sheet`` is that sheet of a workbook.
        options: What its rows are, and how to understand them.

    Returns:
        All values, and a remark for each row that was refused or is doubtful.

    Raises:
        MalformedInput: The file as a whole cannot be used, or (if the options
            are strict) one row cannot.
    """
    path, sheet = divided(path)
    if sheet is not None:
        options = msgspec.structs.replace(options, sheet=sheet)
    return _read(path, *load(path), options)


def read_bytes(name: str, data: bytes, options: ReadOptions) -> Reading:
    """Read what was sent: GeoJSON, geo-zones, CSV, an Excel workbook or OpenAir.

    Args:
        name: What it is called in remarks.
        data: Its bytes.
        options: As of ``read``.

    Raises:
        MalformedInput: As of ``read``, or of another format.
    """
    path = Path(name)
    data = decoded(path, data)
    kind = format_of(path, data)
    if kind not in SENT:
        whole = kind is not FileFormat.ZIP or zipfile.is_zipfile(io.BytesIO(data))
        raise MalformedInput(
            name,
            expected="GeoJSON, ED-318, CSV, an Excel workbook or OpenAir",
            got=kind if whole else "a part of a ZIP or workbook",
        )
    return _read(path, kind, data, options, unpacked_max=SENT_UNPACKED_BYTES_MAX)


def divided(path: Path) -> tuple[Path, str | None]:
    """A file, and the sheet of it that is named after its last ``#``, if any is."""
    name, mark, sheet = path.name.rpartition("#")
    if not mark or not name or path.exists():
        return path, None
    return path.with_name(name), sheet


def _read(
    path: Path,
    kind: FileFormat,
    data: bytes,
    options: ReadOptions,
    *,
    unpacked_max: int = FILE_BYTES_MAX,
) -> Reading:
    # A name that is no UTF-8 could not be signed; its odd bytes are replaced.
    reading = Reading(source=path.name.encode(errors="replace").decode())
    header = ""
    if kind is FileFormat.XLSX:
        from detente.doors.files import xlsx_rows  # noqa: PLC0415 - lxml takes 10 ms to load

        table = xlsx_rows.Table(path, data, options.sheet, unpacked_max=unpacked_max)
        reading.source += f"#{table.sheet}"
        reading.doubts += table.doubts
        rows, header = table.rows(), table.header()
    else:
        _require_no_sheet(path, options)
        rows = _rows(path, kind, data)
        if kind is FileFormat.CSV:
            header = text_of(path, data).partition("\n")[0].strip()
    head = list(islice(rows, 1) if kind in _TABLES else rows)
    if not head:
        got = f"none under {header[:80]!r}, as in {kind}" if kind in _TABLES else "none"
        raise MalformedInput(f"{path}", expected="at least one row", got=got)
    columns = recognised(_names(head), options.columns)
    if kind in _TABLES:
        _require_place(path, _names(head), columns)
    built = Builder(options, columns, reading).build(chain(head, rows))
    if options.question_country:
        reading.doubts += country.doubts(built)
        reading.doubts.sort(key=lambda remark: remark.row)
    reading.values = [one.value for one in built]
    return reading


def _require_no_sheet(path: Path, options: ReadOptions) -> None:
    if options.sheet is not None:
        raise MalformedInput(
            f"{path}", expected=f"a workbook, of which to read {options.sheet}", got="another file"
        )


def _rows(path: Path, kind: FileFormat, data: bytes) -> Iterator[Row]:
    match kind:
        case FileFormat.JSON:
            return json_rows.rows(path, data)
        case FileFormat.CSV:
            return csv_rows.rows(path, text_of(path, data))
        case FileFormat.OPENAIR:
            from detente.doors.files import openair  # noqa: PLC0415 - rarely needed

            return openair.rows(path, text_of(path, data))
        case _:
            return _gdal_rows(path, kind, data)


def _gdal_rows(path: Path, kind: FileFormat, data: bytes) -> Iterator[Row]:
    from detente.doors.files import gdal_rows  # noqa: PLC0415 - GDAL and Arrow take 0.3 s to load

    match kind:
        case FileFormat.KML:
            return gdal_rows.kml_rows(path, data)
        case FileFormat.GEOPACKAGE:
            return gdal_rows.geopackage_rows(path)
        case FileFormat.SHAPEFILE:
            return gdal_rows.shapefile_rows(path)
        case FileFormat.ZIP:
            return gdal_rows.zip_rows(path)
        case _:
            return gdal_rows.geoparquet_rows(path, data)


def _names(head: list[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in head for name in row.properties))


def _require_place(path: Path, names: list[str], columns: dict[str, tuple[str, ...]]) -> None:
    """Say at once, and once, that a table's columns tell no places."""
    if {"lat", "lon"} <= set(columns) or {"mgrs", "position", "geometry"} & set(columns):
        return
    raise MalformedInput(
        f"{path}",
        expected="columns lat and lon (or mgrs, position, geometry); --column lat=NAME tells",
        got=", ".join(names) or "none",
    )

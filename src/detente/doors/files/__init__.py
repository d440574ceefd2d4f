"""Files in: bytes to rows to values, each bad row refused by name and counted.

GeoJSON, CSV, KML and KMZ, GeoPackage, Shapefile (also in a .zip), GeoParquet, ED-318 and ED-269
geo-zones, OpenAir airspace; also packed with gzip.
"""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from detente.doors.files import country, csv_rows, json_rows
from detente.doors.files.build import Builder
from detente.doors.files.columns import recognised
from detente.doors.files.reading import Imported, Kind, Reading, ReadOptions, Remark, Row
from detente.doors.files.source import FileFormat, decoded, format_of, load, text_of
from detente.errors import MalformedInput

__all__ = ["Imported", "Kind", "ReadOptions", "Reading", "Remark", "read", "read_text"]

TEXTS = frozenset({FileFormat.JSON, FileFormat.CSV, FileFormat.OPENAIR})
"""What is read here alone: GDAL reads the others, from a file of their own."""


def read(path: Path, options: ReadOptions) -> Reading:
    """Read a file in any of the known formats.

    Args:
        path: The file.
        options: What its rows are, and how to understand them.

    Returns:
        All values, and a remark for each row that was refused or is doubtful.

    Raises:
        MalformedInput: The file as a whole cannot be used, or (if the options
            are strict) one row cannot.
    """
    return _read(path, *load(path), options)


def read_text(name: str, data: bytes, options: ReadOptions) -> Reading:
    """Read what came as text: GeoJSON, geo-zones, CSV or OpenAir.

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
    if kind not in TEXTS:
        raise MalformedInput(name, expected="GeoJSON, ED-318, CSV or OpenAir", got=kind)
    return _read(path, kind, data, options)


def _read(path: Path, kind: FileFormat, data: bytes, options: ReadOptions) -> Reading:
    # A name that is no UTF-8 could not be signed; its odd bytes are replaced.
    reading = Reading(source=path.name.encode(errors="replace").decode())
    rows = _rows(path, kind, data)
    # A table's header names all columns; features each bring their own.
    head = list(islice(rows, 1) if kind is FileFormat.CSV else rows)
    if not head:
        got = "none"
        if kind is FileFormat.CSV:
            got += f" under {text_of(path, data).partition(chr(10))[0].strip()[:80]!r}, as in CSV"
        raise MalformedInput(f"{path}", expected="at least one row", got=got)
    columns = recognised(_names(head), options.columns)
    if kind is FileFormat.CSV:
        _require_place(path, _names(head), columns)
    built = Builder(options, columns, reading).build(chain(head, rows))
    if options.question_country:
        reading.doubts += country.doubts(built)
        reading.doubts.sort(key=lambda remark: remark.row)
    reading.values = [one.value for one in built]
    return reading


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

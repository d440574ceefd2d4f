"""From a path to bytes, within limits, and to the format that they are in."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from detente.doors.files.offices import SAVE_AS, is_workbook
from detente.errors import MalformedInput

FILE_BYTES_MAX = 512 * 1024 * 1024
"""Bytes of a file, unpacked. A register of a million rows as CSV has some 100 MB;
decoding takes several times the file's size in memory, so this stays within 8 GB."""

TEXT_PROBE_BYTES = 4_096
"""Looked at to tell text from other things."""


class FileFormat(StrEnum):
    """What a file is, by its bytes more than by its name."""

    JSON = "JSON"
    CSV = "CSV"
    KML = "KML"
    GEOPACKAGE = "GeoPackage"
    SHAPEFILE = "Shapefile"
    ZIP = "KMZ or zipped Shapefile"
    GEOPARQUET = "GeoParquet"
    OPENAIR = "OpenAir"
    XLSX = "Excel workbook"


_KNOWN = ", ".join(FileFormat)
_SHAPEFILE = b"\x00\x00\x27\x0a"
_SQLITE = b"SQLite format 3\x00"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_UNDER_PASSWORD = "EncryptedPackage".encode("utf-16-le")
_OTHER = {
    _OLE: "an older Excel workbook (.xls) or another file of Office",
    b"%PDF": "a PDF",
}
"""What offices send besides, and what the refusal calls it."""
_BINARY = {
    _SHAPEFILE: FileFormat.SHAPEFILE,
    _SQLITE: FileFormat.GEOPACKAGE,
    _ZIP: FileFormat.ZIP,
    b"PAR1": FileFormat.GEOPARQUET,
}


def load(path: Path) -> tuple[FileFormat, bytes]:
    """The bytes of a file, unpacked, and their format.

    Shapefiles, GeoPackages and ZIP archives other than workbooks are read by GDAL from
    their place; of these only the first bytes are given.

    Raises:
        MalformedInput: Not there, not a file, too large, or of no known format.
    """
    with _refusing_io(path):
        _require_file(path)
        data = decoded(path, _unpacked(path))
    return format_of(path, data), data


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise MalformedInput(f"{path}", expected="a file", got="a folder")
    if not path.exists():
        raise MalformedInput(f"{path}", expected="a file", got="nothing there")
    if not path.is_file():
        raise MalformedInput(f"{path}", expected="a file", got="a device or pipe")
    size = path.stat().st_size
    if size > FILE_BYTES_MAX:
        raise _too_large(path, f"{size:,} bytes")
    if size == 0:
        raise MalformedInput(f"{path}", expected=_KNOWN, got="an empty file")


def _too_large(path: Path, got: str) -> MalformedInput:
    return MalformedInput(f"{path}", expected=f"at most {FILE_BYTES_MAX:,} bytes", got=got)


@contextmanager
def _refusing_io(path: Path) -> Iterator[None]:
    """Turns what reading may raise into one refusal."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedInput(f"{path}", expected="a readable file", got=f"{error}") from None


def _unpacked(path: Path) -> bytes:
    """The bytes, or those inside a .gz; only the first of what GDAL reads from its place."""
    with path.open("rb") as file:
        start = file.read(16)
        if start.startswith((_SHAPEFILE, _SQLITE)):
            return start
        if start.startswith(_ZIP) and not is_workbook(path, file):
            return start
        file.seek(0)
        data = file.read(FILE_BYTES_MAX + 1)
    if data.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            data = packed.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise _too_large(path, "more, unpacked")
    return data


def format_of(path: Path, data: bytes) -> FileFormat:
    """What bytes are.

    Raises:
        MalformedInput: Of no known format.
    """
    for magic, kind in _BINARY.items():
        if data.startswith(magic):
            if kind is FileFormat.ZIP and is_workbook(path, io.BytesIO(data)):
                return FileFormat.XLSX
            return kind
    _refuse_other(path, data)
    probe = data[:TEXT_PROBE_BYTES]
    if b"\x00" in probe:
        raise MalformedInput(f"{path}", expected=_KNOWN, got="unknown binary data")
    text = probe.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")):
        return FileFormat.JSON
    if text.startswith(b"<"):
        return FileFormat.KML
    return FileFormat.OPENAIR if _looks_like_openair(data) else FileFormat.CSV


def _refuse_other(path: Path, data: bytes) -> None:
    """Name what offices send besides."""
    for magic, got in _OTHER.items():
        if data.startswith(magic):
            locked = magic == _OLE and _UNDER_PASSWORD in data
            name = "a workbook under a password" if locked else got
            raise MalformedInput(f"{path}", expected=SAVE_AS, got=name)


def _looks_like_openair(data: bytes) -> bool:
    """Whether the first line that is no comment starts an airspace."""
    for line in data[: 64 * TEXT_PROBE_BYTES].splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith(b"*"):
            return stripped.upper().startswith((b"AC ", b"AN ", b"SP ", b"SB ", b"AT ", b"AY "))
    return False


def decoded(path: Path, data: bytes) -> bytes:
    """Bytes as they are, or as UTF-8 where a mark says UTF-16, as Excel's "Unicode text" has it.

    Raises:
        MalformedInput: Marked as UTF-16, and not that.
    """
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    try:
        return data.decode("utf-16").encode()
    except UnicodeDecodeError:
        raise MalformedInput(
            f"{path}", expected="UTF-16", got="its mark before other bytes"
        ) from None


def text_of(path: Path, data: bytes) -> str:
    """The text of a file in UTF-8.

    Which of the older encodings another is, its bytes do not say: read by the wrong one, each
    name is another.

    Raises:
        MalformedInput: Not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MalformedInput(
            f"{path}, line {line}",
            expected="UTF-8 (save the table again, as CSV UTF-8)",
            got="another encoding, which the file does not name",
        ) from None

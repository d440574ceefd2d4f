"""An Excel workbook (.xlsx, .xlsm) as sheets and cells, before anything is understood.

A ZIP of XML, read as a stream: no more is unpacked than is allowed, no document type is taken,
nothing that it links to is opened, no macro is looked at (docs/adr/0042).

Source: ECMA-376 Part 1, 18.2 (workbook), 18.3 (sheets), 18.4 (strings), 18.8 (styles); Part 2
(packages).
"""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from lxml import etree
from msgspec import Struct

from detente.doors.files import workbook_cells as cells
from detente.doors.files.workbook_cells import Grid, Line
from detente.errors import MalformedInput

SHEETS_MAX = 1_000
"""Sheets of one workbook; each is looked into, to lose none that has rows."""

_CHUNK_BYTES = 65_536
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Of packing: those that Part 2 allows."""

_REFUSED = (
    OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, etree.LxmlError,
    cells.DamagedError, ValueError,
)  # fmt: skip

_TRUE = frozenset({"1", "true"})


class Sheet(Struct, frozen=True, kw_only=True):
    """A sheet by its name, where it is in the package, and whether it is hidden."""

    name: str
    part: str
    hidden: bool

    def __str__(self) -> str:
        return f"{self.name} (hidden)" if self.hidden else self.name


class Workbook:
    """The sheets of a workbook, in its order.

    Args:
        path: Named in errors.
        data: Its bytes.
        unpacked_max: Bytes, unpacked, of all that is read.

    Raises:
        MalformedInput: Damaged, encrypted, or no workbook.
    """

    def __init__(self, path: Path, data: bytes, *, unpacked_max: int) -> None:
        self._path = path
        self._left = self._most = unpacked_max
        with self._refusing():
            self._packed = zipfile.ZipFile(io.BytesIO(data))
            self._entries = self._by_name()
            main = self._main()
            book = _BookParts()
            self._read(main, book)
            links = self._links(main)
            self.sheets = self._sheets(book.sheets, links)
            strings, styles = cells.StringParts(), cells.StyleParts()
            self._read_linked("sharedStrings", links, strings)
            self._read_linked("styles", links, styles)
            self._strings, self._forms = strings.strings, styles.forms
            self._since_1904 = book.since_1904

    def grid(self, sheet: Sheet) -> "Reader":
        """The lines of a sheet that hold anything, as they are asked for."""
        return Reader(self, sheet)

    def lines(self, sheet: Sheet, grid: Grid) -> Iterator[Line]:
        """As of ``grid``; what the sheet says besides goes there."""
        reading = cells.SheetParts(grid, self._strings, self._forms, since_1904=self._since_1904)
        with self._refusing(f", sheet {sheet.name}"):
            for _ in self._steps(sheet.part, reading):
                yield from reading.taken()

    def _by_name(self) -> dict[str, zipfile.ZipInfo]:
        """Entries by their names, which are one whatever their case (Part 2, 6.2.2.3)."""
        entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._packed.infolist():
            name = entry.filename.replace("\\", "/").lower()
            if name in entries:
                self._damaged(f"two parts named {name}")
            entries[name] = entry
        return entries

    def _main(self) -> str:
        """The part that lists the sheets."""
        links = self._links("").values()
        part = next((one.part for one in links if one.kind == "officeDocument"), None)
        if part is None:
            self._damaged("nothing that says where its sheets are")
        return part

    def _links(self, part: str) -> "dict[str, _Link]":
        """What a part, or the package, links to, by the id of the link."""
        folder, name = posixpath.split(part)
        found = _LinkParts(folder)
        self._read(posixpath.join(folder, "_rels", f"{name}.rels"), found)
        return found.links

    def _sheets(
        self, told: list[tuple[str, str, bool]], links: "dict[str, _Link]"
    ) -> tuple[Sheet, ...]:
        if len(told) > SHEETS_MAX:
            self._damaged(f"{len(told)} sheets")
        found = []
        for name, link_id, hidden in told:
            link = links.get(link_id)
            if link is None:
                self._damaged(f"no part that is sheet {name}")
            found.append(Sheet(name=name, part=link.part, hidden=hidden))
        return tuple(found)

    def _read_linked(self, kind: str, links: "dict[str, _Link]", reading: cells.Parts) -> None:
        for link in links.values():
            if link.kind == kind:
                self._read(link.part, reading)

    def _read(self, part: str, reading: cells.Parts) -> None:
        for _ in self._steps(part, reading):
            pass

    def _steps(self, part: str, reading: cells.Parts) -> Iterator[None]:
        """Give a part to what reads it, in pieces."""
        entry = self._entries.get(part.lower())
        if entry is None:
            self._damaged(f"no {part} in it")
        if entry.flag_bits & 1:
            self._damaged("a part under a password")
        if entry.compress_type not in _METHODS:
            self._damaged(f"{part} packed in an unknown way")
        # zipfile reads no more than the size that is counted here.
        self._left -= entry.file_size
        if self._left < 0:
            raise MalformedInput(
                f"{self._path}", expected=f"at most {self._most:,} bytes", got="more, unpacked"
            )
        parser = etree.XMLParser(target=reading, resolve_entities=False, no_network=True)
        with self._packed.open(entry) as file:
            while piece := file.read(_CHUNK_BYTES):
                parser.feed(piece)
                yield
        parser.close()
        yield

    @contextmanager
    def _refusing(self, where: str = "") -> Iterator[None]:
        """Turns what reading may raise into one refusal."""
        try:
            yield
        except _REFUSED as error:
            self._damaged(f"{error}"[:200], where)

    def _damaged(self, got: str, where: str = "") -> NoReturn:
        raise MalformedInput(f"{self._path}{where}", expected="a whole Excel workbook", got=got)


class Reader:
    """The lines of one sheet, one after the other, and what it says besides once all are read."""

    def __init__(self, book: Workbook, sheet: Sheet) -> None:
        self.sheet = sheet
        self.grid = Grid()
        self._lines = book.lines(sheet, self.grid)

    def __iter__(self) -> Iterator[Line]:
        return self._lines


class _BookParts(cells.Parts):
    """The workbook's own part: names of sheets, and from when days are counted."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []
        self.since_1904 = False

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            link = next((value for key, value in attributes.items() if key.endswith("}id")), "")
            hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((attributes.get("name", ""), link, hidden))
        elif name == "workbookPr":
            self.since_1904 = attributes.get("date1904", "0") in _TRUE


class _Link(Struct, frozen=True, kw_only=True):
    kind: str
    part: str


class _LinkParts(cells.Parts):
    """The links of a part."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.links: dict[str, _Link] = {}

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        # One outside is only an address, of which nothing is made.
        if name != "Relationship" or attributes.get("TargetMode") == "External":
            return
        target = attributes.get("Target", "").replace("\\", "/")
        place = posixpath.normpath(posixpath.join(f"/{self._folder}", target))
        self.links[attributes.get("Id", "")] = _Link(
            kind=attributes.get("Type", "").rpartition("/")[2],
            part=place.lstrip("/"),
        )

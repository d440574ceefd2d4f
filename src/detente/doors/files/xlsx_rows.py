"""Excel workbooks to rows: which sheet, where its table begins, and what of it is not plain.

What a row means is read as that of a CSV is. Rows have the numbers that Excel shows.
"""

from collections.abc import Iterator
from pathlib import Path

from detente.doors.files.csv_rows import require_header
from detente.doors.files.reading import Doubted, Remark, Row, Unusable
from detente.doors.files.workbook import Reader, Sheet, Workbook
from detente.doors.files.workbook_cells import Line, Range, Value, letters_of
from detente.errors import MalformedInput

MERGED_CELLS_MAX = 1_000_000
"""Within a table: each is looked at by itself."""

_HEADER_CELLS_MIN = 2
"""A line with fewer is a title: a place takes two columns, or is beside a name."""


class Table:
    """The rows of the one sheet that has any, or of the one that is named.

    Args:
        path: Named in errors.
        data: The workbook's bytes.
        sheet: The name of one of its sheets; None where one alone has rows.
        unpacked_max: Bytes, unpacked, of all that is read.

    Attributes:
        sheet: The name of the sheet.
        doubts: What is doubtful in the table as a whole.

    Raises:
        MalformedInput: No workbook, no such sheet, several with rows, a hidden one, no header, or
            one with merged cells, without a name, or with one twice.
    """

    def __init__(self, path: Path, data: bytes, sheet: str | None, *, unpacked_max: int) -> None:
        book = Workbook(path, data, unpacked_max=unpacked_max)
        self.sheet, lines, found = _chosen(path, book, sheet)
        self._where = f"{path}, sheet {self.sheet}"
        head, self._lines = _split(lines)
        self._header = [self._title(head, column) for column in range(max(head.cells) + 1)]
        require_header(self._where, self._header)
        self._merged = self._spread(found.grid.merged, head.number)
        self.doubts = self._hidden_columns(found.grid.hidden, head.number)

    def header(self) -> str:
        """The names of its columns."""
        return ", ".join(name for name in self._header if name)

    def rows(self) -> Iterator[Row]:
        """The rows under the header; after the first, only columns that say anything."""
        # Each line is let go once it is read.
        lines = iter(self._lines)
        self._lines = []
        every: dict[str, Value | None] = dict.fromkeys(self._header)
        for line in lines:
            cells = line.cells | self._merged.get(line.number, {})
            beyond = [column for column in line.cells if column >= len(self._header)]
            problem = None
            if beyond:
                problem = (
                    f"expected {len(self._header)} columns, got cell "
                    f"{letters_of(beyond[0])}{line.number} beside them"
                )
            named = {
                self._header[column]: value
                for column, value in cells.items()
                if column < len(self._header)
            }
            yield Row(
                number=line.number, properties=every | named, problem=problem, hidden=line.hidden
            )
            every = {}

    def _title(self, head: Line, column: int) -> str:
        """A column's name; none where nobody gave it one."""
        value = head.cells.get(column, "")
        if isinstance(value, Unusable):
            raise MalformedInput(self._where, expected="a name for each column", got=value.why)
        return f"{value}".strip()

    def _spread(self, ranges: list[Range], head: int) -> dict[int, dict[int, Value]]:
        """Merged cells of the table, by row and column: each says something of several cells.

        Raises:
            MalformedInput: The header has some, or there are too many.
        """
        last = max((line.number for line in self._lines), default=head)
        spread: dict[int, dict[int, Value]] = {}
        count = 0
        for one in ranges:
            rows = range(max(one.first_row, head), min(one.last_row, last) + 1)
            columns = range(one.first_column, min(one.last_column + 1, len(self._header)))
            if not rows or not columns:
                continue
            if rows[0] == head:
                raise MalformedInput(
                    self._where, expected="a header of one row", got=f"merged cells {one.name}"
                )
            count += len(rows) * len(columns)
            if count > MERGED_CELLS_MAX:
                raise MalformedInput(
                    self._where, expected=f"at most {MERGED_CELLS_MAX:,} merged cells", got="more"
                )
            mark = Unusable(why=f"merged cells {one.name}")
            for row in rows:
                spread.setdefault(row, {}).update(dict.fromkeys(columns, mark))
        return spread

    def _hidden_columns(self, ranges: list[tuple[int, int]], head: int) -> list[Remark]:
        names = [
            name
            for column, name in enumerate(self._header)
            if name and any(first <= column <= last for first, last in ranges)
        ]
        if not names:
            return []
        return [
            Remark(
                code=Doubted.HIDDEN, row=head, name="", what=f"columns {', '.join(names)}"[:200],
                expected="", got="hidden in the sheet; they count",
            )
        ]  # fmt: skip


def _chosen(path: Path, book: Workbook, name: str | None) -> tuple[str, list[Line], Reader]:
    """The sheet to read, all its lines, and what it says besides.

    A sheet that is left out may hold what protects, so that of several none is chosen.
    """
    sheets = [one for one in book.sheets if name is None or one.name == name]
    if not sheets:
        names = ", ".join(f"{one}" for one in book.sheets)
        raise MalformedInput(f"{path}", expected=f"a sheet {name}", got=names[:200])
    found: list[tuple[Line, Reader]] = []
    for sheet in sheets:
        reader = book.grid(sheet)
        first = next(iter(reader), None)
        if first is not None:
            found.append((first, reader))
    if not found:
        raise MalformedInput(f"{path}", expected="at least one row", got="none in any sheet")
    if len(found) > 1 or (found[0][1].sheet.hidden and name is None):
        raise _several(path, [reader.sheet for _, reader in found])
    [(first, reader)] = found
    return reader.sheet.name, [first, *reader], reader


def _several(path: Path, sheets: list[Sheet]) -> MalformedInput:
    names = ", ".join(f"{one}" for one in sheets)
    return MalformedInput(
        f"{path}",
        expected=f"rows in one sheet that is not hidden; {path.name}#{sheets[0].name} names one",
        got=f"rows in {names[:400]}",
    )


def _split(lines: list[Line]) -> tuple[Line, list[Line]]:
    """The header, and what is under it; what is over it are titles, of one cell each."""
    place = next((at for at, line in enumerate(lines) if len(line.cells) >= _HEADER_CELLS_MIN), 0)
    return lines[place], lines[place + 1 :]

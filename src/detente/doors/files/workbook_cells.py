"""The cells of a workbook: from XML as it streams to what each cell says.

A cell that says nothing certain (an error, a formula that nobody calculated, a part of merged
cells) becomes an ``Unusable``: whoever asks for its field is refused, and its row with it.

Source: ECMA-376 Part 1, 18.3.1.4 (c), 18.18.11 (types of cells), 18.8.30 (formats of numbers),
18.17.4.1 (dates), 22.9.2.19 (escapes in texts).
"""

import re
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import lru_cache

from msgspec import Struct

from detente.doors.files.reading import Unusable

ROWS_MAX = 1_048_576
COLUMNS_MAX = 16_384
"""Of a sheet, as Excel has them."""

DIGITS_KEPT = 10**15
"""From here on Excel has changed the last digits of a number: no id may be read from it."""

Value = str | int | float | bool | Unusable


class DamagedError(Exception):
    """Not as ECMA-376 has it."""


class Form(Enum):
    """How a number is shown, where that changes what it says."""

    PLAIN = auto()
    DATE = auto()
    PERCENT = auto()


class Range(Struct, frozen=True, kw_only=True):
    """Cells from one corner to the other; rows count from 1, columns from 0."""

    name: str
    first_row: int
    last_row: int
    first_column: int
    last_column: int


class Line(Struct, kw_only=True):
    """A row of a sheet that holds anything: its number, and its cells by column from 0."""

    number: int
    hidden: bool
    cells: dict[int, Value]


class Grid(Struct, kw_only=True):
    """What a sheet says besides its cells: what is merged, and which columns are hidden."""

    merged: list[Range] = []
    hidden: list[tuple[int, int]] = []


class Parts:
    """Told of a part's XML as it comes (lxml's parser target); the base leaves all of it."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._begins(tag.rpartition("}")[2], attributes)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._ends(tag.rpartition("}")[2])

    def data(self, text: str) -> None:
        """Text, perhaps not all of it."""
        self._says(text)

    def doctype(self, name: str, *_: str | None) -> None:
        """Refused: no part has one (Part 2, 6.2.5), and entities could grow without end."""
        raise DamagedError(f"a document type, {name[:40]}")

    def close(self) -> None:
        """The part ends."""

    # Elements by their names without a namespace: there are two of each, strict and transitional.

    def _begins(self, name: str, attributes: dict[str, str]) -> None: ...

    def _ends(self, name: str) -> None: ...

    def _says(self, text: str) -> None: ...


class StringParts(Parts):
    """The texts that cells share; what only says how they are spoken is left out."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self._said: list[str] = []
        self._open = self._spoken = False

    def _begins(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 - none has any
        if name == "si":
            self._said = []
        elif name == "rPh":
            self._spoken = True
        elif name == "t":
            self._open = not self._spoken

    def _says(self, text: str) -> None:
        if self._open:
            self._said.append(text)

    def _ends(self, name: str) -> None:
        if name == "si":
            self.strings.append(unescaped("".join(self._said)))
        elif name == "rPh":
            self._spoken = False
        elif name == "t":
            self._open = False


class StyleParts(Parts):
    """How each style shows numbers."""

    def __init__(self) -> None:
        self.forms: list[Form] = []
        self._own: dict[str, Form] = {}
        self._inside = False

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            code = attributes.get("formatCode", "")
            self._own.setdefault(attributes.get("numFmtId", ""), form_of(code))
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            number = attributes.get("numFmtId", "0")
            self.forms.append(self._own.get(number) or _BUILT_IN.get(number, Form.PLAIN))

    def _ends(self, name: str) -> None:
        if name == "cellXfs":
            self._inside = False


class SheetParts(Parts):
    """The cells of a sheet, line by line.

    Args:
        grid: Where merged cells and hidden columns go.
        strings: That cells share.
        forms: By style.
        since_1904: Whether days are counted from 1904, as old Macs did.
    """

    def __init__(
        self, grid: Grid, strings: list[str], forms: list[Form], *, since_1904: bool
    ) -> None:
        self._grid = grid
        self._strings = strings
        self._forms = forms
        self._since_1904 = since_1904
        self._lines: list[Line] = []
        self._inside = False
        self._line = Line(number=0, hidden=False, cells={})
        self._column = -1
        self._cell: dict[str, str] = {}
        self._calculated = self._spoken = False
        self._value: list[str] | None = None
        self._text: list[str] = []
        self._into: list[str] | None = None

    def taken(self) -> list[Line]:
        """The lines that ended since the last call."""
        taken, self._lines = self._lines, []
        return taken

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        if self._inside:
            self._start_within(name, attributes)
        elif name == "sheetData":
            self._inside = True
        elif name == "mergeCell":
            self._grid.merged.append(range_of(attributes.get("ref", "")))
        elif name == "col" and attributes.get("hidden") in {"1", "true"}:
            first, last = (int(attributes.get(one, "0")) - 1 for one in ("min", "max"))
            self._grid.hidden.append((first, last))

    def _start_within(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._begin_cell(attributes)
        elif name == "v":
            self._value = self._into = []
        elif name == "t" and not self._spoken:
            self._into = self._text
        elif name == "f":
            self._calculated = True
        elif name == "rPh":
            self._spoken = True
        elif name == "row":
            self._begin_line(attributes)

    def _says(self, text: str) -> None:
        if self._into is not None:
            self._into.append(text)

    def _ends(self, name: str) -> None:
        if not self._inside:
            return
        if name in {"v", "t"}:
            self._into = None
        elif name == "c":
            self._end_cell()
        elif name == "rPh":
            self._spoken = False
        elif name == "row":
            if self._line.cells:
                self._lines.append(self._line)
        elif name == "sheetData":
            self._inside = False

    def _begin_line(self, attributes: dict[str, str]) -> None:
        last = self._line.number
        number = int(attributes.get("r", last + 1))
        if not last < number <= ROWS_MAX:
            raise DamagedError(f"row {number} after row {last}")
        hidden = attributes.get("hidden") in {"1", "true"}
        self._line = Line(number=number, hidden=hidden, cells={})
        self._column = -1

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        where = attributes.get("r")
        column = self._column + 1
        if where is not None:
            letters = where.rstrip("0123456789")
            column = column_of(letters)
            if where[len(letters) :] != f"{self._line.number}":
                raise DamagedError(f"cell {where[:20]} in row {self._line.number}")
        if not self._column < column < COLUMNS_MAX:
            raise DamagedError(f"cell {where} out of order in row {self._line.number}")
        self._column = column
        self._cell = attributes
        self._calculated = self._spoken = False
        self._value, self._text, self._into = None, [], None

    def _end_cell(self) -> None:
        value = self._said()
        if value is None or (isinstance(value, str) and not value.strip()):
            return
        self._line.cells[self._column] = value

    def _said(self) -> Value | None:
        """What the cell says; None where it is empty."""
        text = None if self._value is None else "".join(self._value)
        kind = self._cell.get("t", "n")
        if kind == "inlineStr":
            return unescaped("".join(self._text))
        if text is None or (not text and kind != "str"):
            return self._unusable("a formula without a result") if self._calculated else None
        return self._valued(kind, text)

    def _valued(self, kind: str, text: str) -> Value:
        value: Value
        match kind:
            case "n":
                value = self._number(text)
            case "s":
                value = self._shared(text)
            case "str":
                value = unescaped(text)
            case "b":
                value = text.strip() in {"1", "true"}
            case "d":
                value = text
            case "e":
                value = self._unusable(text[:20])
            case _:
                raise DamagedError(f"a cell of type {kind[:20]}")
        return value

    def _unusable(self, why: str) -> Unusable:
        return Unusable(why=f"{why} in cell {letters_of(self._column)}{self._line.number}")

    def _shared(self, text: str) -> str:
        number = int(text)
        if not 0 <= number < len(self._strings):
            raise DamagedError(f"no text {number}")
        return self._strings[number]

    def _number(self, text: str) -> Value:
        if not _NUMBER.fullmatch(text.strip()):
            return self._unusable(f"no number, {text[:20]!r},")
        number = float(text)
        form = self._form()
        if abs(number) >= DIGITS_KEPT:
            return self._unusable(f"{number:.17g}, of which Excel keeps 15 digits,")
        if form is Form.DATE:
            return date_of(number, since_1904=self._since_1904) or self._unusable(
                "a date that Excel cannot show"
            )
        if form is Form.PERCENT:
            return f"{number * 100:.15g}%"
        return int(number) if number.is_integer() else number

    def _form(self) -> Form:
        style = int(self._cell.get("s", "0"))
        if style < 0 or (style >= len(self._forms) and style):
            raise DamagedError(f"no style {style}")
        return self._forms[style] if self._forms else Form.PLAIN


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SURROGATES = (0xD800, 0xDFFF)
_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Z]{1,3})\$?([0-9]{1,7}))?")
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
"""Of a format of numbers: text as it stands, and colours, currencies and conditions."""

_BUILT_IN = {
    **{f"{one}": Form.DATE for one in (*range(14, 23), *range(27, 37), *range(45, 48))},
    **{f"{one}": Form.DATE for one in range(50, 59)},
    "9": Form.PERCENT,
    "10": Form.PERCENT,
}
"""Formats that have a number and no text of their own (18.8.30, East Asian ones included)."""

_FIRST_SERIAL = 61
"""1 March 1900: Excel counts a 29 February before it, which there was not."""
_MS_PER_DAY = 86_400_000


def form_of(code: str) -> Form:
    """What a format of numbers makes of a number."""
    shown = _NOT_SHOWN.sub("", code)
    if re.search("[dmyhs]", shown, re.IGNORECASE):
        return Form.DATE
    return Form.PERCENT if "%" in shown else Form.PLAIN


def date_of(serial: float, *, since_1904: bool) -> str | None:
    """A day and its time by ISO 8601, without a zone: a workbook has none; None if there is none.

    Args:
        serial: Days, as a workbook counts them; below 1 a time of day.
        since_1904: Counted from 1 January 1904, not from 1900.
    """
    start = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - naive, as the file has it
    try:
        time = start + timedelta(milliseconds=round(serial * _MS_PER_DAY))
    except OverflowError:
        return None
    if 0 <= serial < 1:
        return time.time().isoformat()
    if serial < (0 if since_1904 else _FIRST_SERIAL):
        return None
    return time.date().isoformat() if serial == int(serial) else time.isoformat()


def unescaped(text: str) -> str:
    """A text with the letters that XML cannot hold; those that are none stay as they are."""
    if "_x" not in text:
        return text

    def letter(found: re.Match[str]) -> str:
        code = int(found[1], 16)
        # Neither NUL nor half of a letter is text that can be signed.
        return found[0] if code == 0 or _SURROGATES[0] <= code <= _SURROGATES[1] else chr(code)

    return _ESCAPE.sub(letter, text)


@lru_cache(maxsize=COLUMNS_MAX)
def column_of(letters: str) -> int:
    """A column from 0 by its letters.

    Raises:
        DamagedError: No such letters.
    """
    if not re.fullmatch("[A-Z]{1,3}", letters):
        raise DamagedError(f"a cell in column {letters[:20]!r}")
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def letters_of(column: int) -> str:
    """A column's letters, from its number from 0."""
    letters, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def range_of(text: str) -> Range:
    """Cells by their corners, such as ``B4:C9``.

    Raises:
        DamagedError: No such corners.
    """
    found = _RANGE.fullmatch(text)
    if found is None:
        raise DamagedError(f"merged cells {text[:20]!r}")
    first, last = column_of(found[1]), column_of(found[3] or found[1])
    above, below = int(found[2]), int(found[4] or found[2])
    return Range(
        name=text,
        first_row=min(above, below),
        last_row=max(above, below),
        first_column=min(first, last),
        last_column=max(first, last),
    )

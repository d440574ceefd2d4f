"""CSV to rows. A row that is longer or shorter than its header is said to be so.

Read with Python's own csv module, not GDAL's driver: that one fills short rows
and drops the end of long ones without a word (docs/adr/0007).
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from detente.doors.files.reading import Row
from detente.errors import MalformedInput

FIELD_LENGTH_MAX = 10_000_000
"""Characters of one field: a footprint as WKT at the limit of vertices has 4 million."""

_DELIMITERS = ",;\t|"
_TOLD = re.compile(f'"?sep=([{re.escape(_DELIMITERS)}])"?', re.IGNORECASE)
"""Excel's own first line, of a table that another program may open."""


def rows(path: Path, text: str) -> Iterator[Row]:
    """The rows under the header.

    Raises:
        MalformedInput: No header, a column without a name or twice, or no CSV.
    """
    csv.field_size_limit(FIELD_LENGTH_MAX)
    first_line, _, rest = text.partition("\n")
    told = _TOLD.fullmatch(first_line.strip())
    if told:
        delimiter, text = told[1], rest
    else:
        delimiter = max(_DELIMITERS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        require_header(f"{path}", header)
        for number, fields in enumerate((row for row in reader if row), start=1):
            problem = None
            if len(fields) != len(header):
                problem = f"expected {len(header)} columns, got {len(fields)}"
            yield Row(
                number=number,
                properties=dict(zip(header, fields, strict=False)),
                problem=problem,
            )
    except csv.Error as error:
        raise MalformedInput(
            f"{path}, line {reader.line_num}", expected="CSV", got=f"{error}"
        ) from None


def require_header(where: str, header: list[str]) -> None:
    """Refuse a header that names no column, or one twice.

    Raises:
        MalformedInput: It does.
    """
    if not any(header):
        raise MalformedInput(where, expected="a header line", got="an empty one")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise MalformedInput(
            where, expected="each column once", got=f"twice {', '.join(sorted(twice))}"
        )

"""CSV: a row a volume, its core as WKT with its sizes beside it.

It begins with the mark of UTF-8, without which Excel reads the letters of its own code page. Text
that a spreadsheet would take for a formula begins with an apostrophe, also after what another
country's spreadsheet takes for the end of a cell: OWASP, CSV Injection.

Source: RFC 4180; OGC 06-103r4 (WKT).
"""

import csv
import io
import re

import shapely

from detente.doors.exports.rows import COLUMNS, HEADER, SIZES, Value, core_rows, header_of
from detente.node.exporting import Export

_FORMULA = re.compile(r"(^|[;|\t\r\n])(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")


def write(found: Export) -> bytes:
    """A header and the rows, UTF-8 with its mark."""
    names = [*COLUMNS, *SIZES, "geometry", *HEADER]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    header = header_of(found)
    for row in core_rows(found):
        wkt = shapely.to_wkt(row.geometry, rounding_precision=7, trim=True)
        said = {**row.properties(tuple(SIZES)), "geometry": wkt, **header}
        writer.writerow([_cell(said[name]) for name in names])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Value) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) else value

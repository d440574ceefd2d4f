"""CSV: a row a volume, its core as WKT with its sizes beside it.

A cell of text that a spreadsheet would take for a formula begins with an apostrophe: OWASP,
CSV Injection.

Source: RFC 4180; OGC 06-103r4 (WKT).
"""

import csv
import io

import shapely

from detente.doors.exports.rows import COLUMNS, HEADER, SIZES, Value, core_rows, header_of
from detente.node.exporting import Export

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(found: Export) -> bytes:
    """A header and the rows, UTF-8."""
    names = [*COLUMNS, *SIZES, "geometry", *HEADER]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    header = header_of(found)
    for row in core_rows(found):
        wkt = shapely.to_wkt(row.geometry, rounding_precision=7, trim=True)
        said = {**row.properties(tuple(SIZES)), "geometry": wkt, **header}
        writer.writerow([_cell(said[name]) for name in names])
    return out.getvalue().encode()


def _cell(value: Value) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value

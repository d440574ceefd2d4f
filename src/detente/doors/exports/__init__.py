"""Files out: what a reader was released, in the forms that others load.

::

    rows         an export as rows, a volume each
    geojson, table, kml, geopackage
                 the same rows in four forms, which `detente import` reads
    ed318, aco   geo-zones and airspace measures, what is to be kept around them included
    sheet, sheet_pages
                 crew sheets, for people
    routes       over HTTP
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from detente.doors.exports import aco, ed318, geojson, geopackage, kml, sheet_pages, table
from detente.node.exporting import Export


class Form(Struct, frozen=True):
    """One form: its media type, and what writes it."""

    media_type: str
    write: Callable[[Export], bytes]


FORMS: Mapping[str, Form] = {
    "geojson": Form("application/geo+json", geojson.write),
    "csv": Form("text/csv", table.write),
    "kml": Form("application/vnd.google-earth.kml+xml", kml.write),
    "gpkg": Form("application/geopackage+sqlite3", geopackage.write),
    "ed318": Form("application/geo+json", ed318.write),
    "aco": Form("text/plain", aco.write),
    "pdf": Form("application/pdf", sheet_pages.write),
}
"""By the ending of a file's name."""

__all__ = ["FORMS", "Form"]

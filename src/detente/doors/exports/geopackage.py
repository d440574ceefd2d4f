"""GeoPackage: a layer a kind, a feature a volume, drawn so that it holds the volume.

Written by GDAL in a folder of its own. The time that the format asks for is the export's, so
that the same export has the same bytes.

Source: OGC 12-128r19 (GeoPackage 1.4).
"""

import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from detente.doors.exports.rows import (
    COLUMNS,
    HEADER,
    KIND_NAMES,
    TRUE_SIZES,
    Row,
    drawn_rows,
    header_of,
    json_properties,
)
from detente.node.exporting import Export

_ONE = threading.Lock()
"""GDAL takes the time from a setting of the whole process."""

_TYPES = {**COLUMNS, **TRUE_SIZES, **HEADER}


def write(found: Export) -> bytes:
    """The bytes of a GeoPackage."""
    import pyogrio  # noqa: PLC0415 - GDAL takes 0.3 s to load

    rows = list(drawn_rows(found))
    header = header_of(found)
    with _ONE, tempfile.TemporaryDirectory(prefix="detente-") as folder:
        path = Path(folder) / "export.gpkg"
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": header["as_of"][:19] + ".000Z"})
        try:
            for kind, name in KIND_NAMES.items():
                some = [row for row in rows if row.item.view.kind is kind]
                _layer(path, name, some, header)
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
        return path.read_bytes()


def _layer(path: Path, name: str, rows: Sequence[Row], header: dict[str, str]) -> None:
    import pyogrio  # noqa: PLC0415

    said = [{**json_properties(row), **header} for row in rows]
    about = f"edition {header['edition']}, as of {header['as_of']}, expires {header['expires']}"
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array([row.geometry for row in rows], dtype=object)),
        [_column([one[column] for one in said], kind) for column, kind in _TYPES.items()],
        list(_TYPES),
        layer=name,
        driver="GPKG",
        geometry_type="Unknown",
        crs="EPSG:4326",
        layer_options={"IDENTIFIER": name, "DESCRIPTION": about},
    )


def _column(values: Sequence[Any], kind: type) -> Any:
    if kind is float:
        return np.array([np.nan if one is None else one for one in values], dtype=np.float64)
    if kind is int:
        return np.array(values, dtype=np.int64)
    if kind is bool:
        # Null where it is not told: a truth of GDAL's has no third value in numpy.
        values = [None if one is None else str(one).lower() for one in values]
    return np.array(values, dtype=object)

"""KML, KMZ, GeoPackage and Shapefile to rows, through GDAL; GeoParquet through Arrow.

Only files whose first bytes are of these formats come here, so that no other
GDAL driver (some fetch from the network) can be reached by a file's content.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from detente.doors.files.reading import Row
from detente.errors import MalformedInput

_KML_PROBE_BYTES = 65_536


def kml_rows(path: Path, data: bytes) -> Iterator[Row]:
    """The placemarks of a KML text.

    Raises:
        MalformedInput: Other XML, or one that defines entities.
    """
    probe = data[:_KML_PROBE_BYTES]
    if b"<kml" not in probe:
        raise MalformedInput(f"{path}", expected="KML", got="other XML or HTML")
    if re.search(rb"<!(DOCTYPE|ENTITY)", data, re.IGNORECASE):
        raise MalformedInput(f"{path}", expected="KML without a DOCTYPE", got="one")
    return _gdal_rows(path, data)


def geopackage_rows(path: Path) -> Iterator[Row]:
    """The features of all layers of a GeoPackage."""
    return _gdal_rows(path, path)


def shapefile_rows(path: Path) -> Iterator[Row]:
    """The features of a shapefile.

    Raises:
        MalformedInput: One of its files is not there: GDAL would read the
            shapes without names or without a reference system.
    """
    beside = {one.suffix.lower() for one in path.parent.glob(f"{path.stem}.*")}
    missing = [suffix for suffix in (".shx", ".dbf", ".prj") if suffix not in beside]
    if missing:
        raise MalformedInput(
            f"{path}", expected=f"{path.stem}{missing[0]} beside it", got="no such file"
        )
    return _gdal_rows(path, path)


def _gdal_rows(path: Path, source: Path | bytes) -> Iterator[Row]:
    number = 0
    try:
        layers = [str(name) for name in pyogrio.list_layers(source)[:, 0]]
        for layer in layers:
            meta, _, geometry, columns = pyogrio.raw.read(
                source, layer=layer, datetime_as_string=True
            )
            if geometry is None:
                continue
            shapes = _in_wgs84(path, shapely.from_wkb(geometry), meta["crs"])
            for place in range(len(shapes)):
                number += 1
                properties = {
                    str(name): _plain(column[place])
                    for name, column in zip(meta["fields"], columns, strict=True)
                }
                yield Row(number=number, properties=properties, geometry=_geojson(shapes[place]))
    except (DataSourceError, DataLayerError, ValueError, shapely.errors.ShapelyError) as error:
        raise MalformedInput(f"{path}", expected="a file that GDAL reads", got=f"{error}") from None


def geoparquet_rows(path: Path, data: bytes) -> Iterator[Row]:
    """The features of a GeoParquet file (1.0 and 1.1, WKB).

    Raises:
        MalformedInput: Not Parquet, not geo, or another encoding.
    """
    import json  # noqa: PLC0415 - here only for the "geo" metadata

    try:
        table = pq.read_table(pa.BufferReader(data))
        metadata = json.loads((table.schema.metadata or {}).get(b"geo", b"{}"))
        primary = metadata["primary_column"]
        column = metadata["columns"][primary]
        if column["encoding"] != "WKB":
            raise MalformedInput(f"{path}", expected="WKB geometry", got=f"{column['encoding']}")
        shapes = shapely.from_wkb(table[primary].to_numpy(zero_copy_only=False))
        rest = table.drop_columns([primary]).to_pylist()
    except (
        pa.ArrowException,
        KeyError,
        TypeError,
        ValueError,
        shapely.errors.ShapelyError,
    ) as error:
        raise MalformedInput(f"{path}", expected="GeoParquet", got=f"{error}") from None
    crs = column.get("crs", "OGC:CRS84")
    shapes = _in_wgs84(path, shapes, json.dumps(crs) if isinstance(crs, dict) else crs)
    for number, (properties, shape) in enumerate(zip(rest, shapes, strict=True), start=1):
        yield Row(number=number, properties=properties, geometry=_geojson(shape))


def _in_wgs84(path: Path, shapes: Any, crs: str | None) -> Any:
    """Geometries as WGS 84 longitude and latitude.

    Raises:
        MalformedInput: No reference system is named, or an unknown one.
    """
    if crs is None:
        raise MalformedInput(f"{path}", expected="a coordinate reference system", got="none")
    try:
        source = CRS.from_user_input(crs)
    except CRSError as error:
        raise MalformedInput(
            f"{path}", expected="a known reference system", got=f"{error}"
        ) from None
    if source.is_geographic and source.to_epsg() in {4326, 4979}:
        return shapes
    turn = Transformer.from_crs(source, "OGC:CRS84", always_xy=True)

    def transformed(points: Any) -> Any:
        return np.column_stack(turn.transform(points[:, 0], points[:, 1]))

    return shapely.transform(shapes, transformed)


def _plain(value: Any) -> Any:
    """A numpy scalar as Python has it."""
    return value.item() if isinstance(value, np.generic) else value


def _geojson(shape: Any) -> Any:
    """A shapely geometry as a GeoJSON object; None where there is none or it is empty."""
    return None if shape is None or shape.is_empty else shapely.geometry.mapping(shape)

"""KML, KMZ, GeoPackage and Shapefile to rows, through GDAL; GeoParquet through Arrow.

Only files whose first bytes are of these formats come here, so that no other
GDAL driver (some fetch from the network) can be reached by a file's content.
"""

import re
import warnings
import zipfile
import zlib
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
from detente.doors.files.source import FILE_BYTES_MAX
from detente.errors import MalformedInput

_KML_PROBE_BYTES = 65_536


def kml_rows(path: Path, data: bytes) -> Iterator[Row]:
    """The placemarks of a KML text.

    Raises:
        MalformedInput: Other XML, one that defines entities, or one whose places
            are elsewhere on the network.
    """
    if b"<kml" not in data[:_KML_PROBE_BYTES]:
        raise MalformedInput(f"{path}", expected="KML", got="other XML or HTML")
    _require_whole(path, data)
    return _gdal_rows(path, data)


def zip_rows(path: Path) -> Iterator[Row]:
    """The features of a KMZ, or of a shapefile in a .zip.

    Raises:
        MalformedInput: Neither, damaged, or unpacked beyond the limit of files.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            entries = packed.infolist()
            total = sum(entry.file_size for entry in entries)
            if total > FILE_BYTES_MAX:
                raise MalformedInput(
                    f"{path}",
                    expected=f"at most {FILE_BYTES_MAX:,} bytes",
                    got=f"{total:,} unpacked",
                )
            suffixes = {Path(entry.filename).suffix.lower() for entry in entries}
            for entry in entries:
                if entry.filename.lower().endswith(".kml"):
                    # zipfile reads no more than the size that was just counted.
                    _require_whole(path, packed.read(entry))
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise MalformedInput(f"{path}", expected="a readable file", got=f"{error}") from None
    if ".shp" in suffixes:
        _require_parts(path, suffixes)
    elif ".kml" not in suffixes:
        raise MalformedInput(f"{path}", expected="a KMZ, or a ZIP with a shapefile", got="neither")
    wanted = ".zip" if ".shp" in suffixes else ".kmz"
    if path.suffix.lower() != wanted:
        raise MalformedInput(f"{path}", expected=f"a name ending in {wanted}", got=path.suffix)
    return _gdal_rows(path, path)


def _require_whole(path: Path, kml: bytes) -> None:
    """Refuse XML that could swell, and KML that holds only a link to its places."""
    if re.search(rb"<!(DOCTYPE|ENTITY)", kml, re.IGNORECASE):
        raise MalformedInput(f"{path}", expected="KML without a DOCTYPE", got="one")
    if re.search(rb"<NetworkLink\b.*?<href>\s*https?:", kml, re.DOTALL | re.IGNORECASE):
        raise MalformedInput(f"{path}", expected="all places in the file", got="a network link")


def geopackage_rows(path: Path) -> Iterator[Row]:
    """The features of all layers of a GeoPackage."""
    return _gdal_rows(path, path)


def shapefile_rows(path: Path) -> Iterator[Row]:
    """The features of a shapefile.

    Raises:
        MalformedInput: One of its files is not there.
    """
    _require_parts(path, {one.suffix.lower() for one in path.parent.glob(f"{path.stem}.*")})
    return _gdal_rows(path, path)


def _require_parts(path: Path, suffixes: set[str]) -> None:
    """Without them GDAL would read the shapes without names or reference system."""
    for suffix in (".shx", ".dbf", ".prj"):
        if suffix not in suffixes:
            raise MalformedInput(
                f"{path}", expected=f"{path.stem}{suffix} beside it", got="no such file"
            )


def _gdal_rows(path: Path, source: Path | bytes) -> Iterator[Row]:
    number = 0
    for meta, geometry, columns in _layers(path, source):
        shapes = _in_wgs84(path, geometry, meta["crs"])
        for place in range(len(shapes)):
            number += 1
            properties = {
                str(name): _plain(column[place])
                for name, column in zip(meta["fields"], columns, strict=True)
            }
            yield Row(number=number, properties=properties, geometry=_geojson(shapes[place]))


def _layers(path: Path, source: Path | bytes) -> list[tuple[dict[str, Any], Any, Any]]:
    """Each layer that has geometries: what GDAL says of it, its geometries, its columns."""
    layers = []
    try:
        with warnings.catch_warnings():
            # GDAL warns of what it mends (an unclosed ring, an odd header); what it
            # cannot read is an error, and what comes out is judged by our own rules.
            warnings.simplefilter("ignore", RuntimeWarning)
            for number in range(len(pyogrio.list_layers(source))):
                meta, _, geometry, columns = pyogrio.raw.read(
                    source, layer=number, datetime_as_string=True
                )
                if geometry is not None:
                    layers.append((meta, shapely.from_wkb(geometry), columns))
    except (DataSourceError, DataLayerError, ValueError, shapely.errors.ShapelyError) as error:
        raise MalformedInput(f"{path}", expected="a file that GDAL reads", got=f"{error}") from None
    return layers


def geoparquet_rows(path: Path, data: bytes) -> Iterator[Row]:
    """The features of a GeoParquet file (1.0 and 1.1, WKB).

    Raises:
        MalformedInput: Not Parquet, not geo, or another encoding.
    """
    import json  # noqa: PLC0415 - here only for the "geo" metadata

    try:
        packed = pq.ParquetFile(pa.BufferReader(data))
        groups = range(packed.metadata.num_row_groups)
        total = sum(packed.metadata.row_group(group).total_byte_size for group in groups)
        if total > FILE_BYTES_MAX:
            raise MalformedInput(
                f"{path}", expected=f"at most {FILE_BYTES_MAX:,} bytes", got=f"{total:,} unpacked"
            )
        table = packed.read()
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

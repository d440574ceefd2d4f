"""KML, KMZ, GeoPackage and Shapefile to rows, through GDAL; GeoParquet through Arrow.

Only files whose first bytes are of these formats come here, so that no other
GDAL driver (some fetch from the network) can be reached by a file's content.
"""

import glob
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
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

from detente.doors.files.kml_text import placemarks
from detente.doors.files.reading import Row
from detente.doors.files.source import FILE_BYTES_MAX
from detente.errors import MalformedInput

_Layer = tuple[dict[str, Any], Any, Any]
_UNREADABLE = "expected a point, line or polygon with enough positions"
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_DBF_LANGUAGE = 29
_DBF_HEADER_LENGTH = slice(8, 10)
"""Where a dBASE table says its code page, and how long its header is."""


def kml_rows(path: Path, data: bytes) -> Iterator[Row]:
    """The placemarks of a KML text.

    Raises:
        MalformedInput: As of ``placemarks``, or GDAL reads fewer than there are.
    """
    return _rows_of(path, _marked(path, data))


def _marked(path: Path, data: bytes, beside: Collection[str] = ()) -> list[_Layer]:
    wanted = placemarks(path, data, beside)
    layers = _layers(path, data)
    found = sum(len(shapes) for _, shapes, _ in layers)
    if found < wanted:
        raise MalformedInput(
            f"{path}", expected=f"{wanted} placemarks in one document", got=f"{found} of them"
        )
    return layers


def zip_rows(path: Path) -> Iterator[Row]:
    """The features of all the texts of a KMZ, or of all the shapefiles in a .zip.

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
            names = [entry.filename for entry in entries if not _is_besides(entry.filename)]
            texts = [name for name in names if name.lower().endswith(".kml")]
            drawn = [name for name in names if name.lower().endswith(".shp")]
            # zipfile reads no more than the size that was just counted.
            layers = [one for name in texts for one in _marked(path, packed.read(name), texts)]
            layers += [one for name in drawn for one in _zipped(path, name, names, packed)]
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise MalformedInput(f"{path}", expected="a readable file", got=f"{error}") from None
    if not texts and not drawn:
        raise MalformedInput(f"{path}", expected="a KMZ, or a ZIP with shapefiles", got="neither")
    return _rows_of(path, layers)


def _zipped(path: Path, name: str, names: list[str], packed: zipfile.ZipFile) -> list[_Layer]:
    """The layers of one shapefile, unpacked: archives spell names in encodings of their own."""
    _require_parts(path, name, names)
    _require_encoding(path, name, names, packed.read)
    with tempfile.TemporaryDirectory(prefix="detente-") as folder:
        for suffix, part in _parts(name, names).items():
            Path(folder, f"one{suffix}").write_bytes(packed.read(part))
        return _layers(path, Path(folder, "one.shp"))


def _is_besides(name: str) -> bool:
    """What Macs put beside each file."""
    return name.startswith("__MACOSX/")


def geopackage_rows(path: Path) -> Iterator[Row]:
    """The features of all layers of a GeoPackage."""
    return _gdal_rows(path, path)


def shapefile_rows(path: Path) -> Iterator[Row]:
    """The features of a shapefile.

    Raises:
        MalformedInput: One of its files is not there.
    """
    beside = [one.name for one in path.parent.glob(f"{glob.escape(path.stem)}.*")]
    _require_parts(path, path.name, beside)
    _require_encoding(path, path.name, beside, lambda name: (path.parent / name).read_bytes())
    return _rows_of(path, _layers(path, path))


def _parts(name: str, names: list[str]) -> dict[str, str]:
    """The files of a shapefile by their suffix; an archive's other names are not ours to write."""
    stem = name[:-4].lower()
    mine = {one[-4:].lower(): one for one in names if one[:-4].lower() == stem}
    return {suffix: one for suffix, one in mine.items() if suffix in _PARTS}


def _require_parts(path: Path, name: str, names: list[str]) -> None:
    """Without them GDAL would read the shapes without names or reference system."""
    parts = _parts(name, names)
    for suffix in (".shx", ".dbf", ".prj"):
        if suffix not in parts:
            raise MalformedInput(
                f"{path}", expected=f"{name[:-4]}{suffix} beside it", got="no such file"
            )


def _require_encoding(
    path: Path, name: str, names: list[str], read: Callable[[str], bytes]
) -> None:
    """Refuse texts whose encoding nothing names: GDAL would read them as Latin-1."""
    parts = _parts(name, names)
    table = read(parts[".dbf"])
    if ".cpg" in parts or table[_DBF_LANGUAGE : _DBF_LANGUAGE + 1] not in {b"\x00", b"\x57"}:
        return
    start = int.from_bytes(table[_DBF_HEADER_LENGTH], "little")
    if not table[start:].isascii():
        raise MalformedInput(
            f"{path}", expected=f"{name[:-4]}.cpg beside it, which names the encoding of its "
            "texts", got="no such file",
        )  # fmt: skip


def _gdal_rows(path: Path, source: Path) -> Iterator[Row]:
    return _rows_of(path, _layers(path, source))


def _rows_of(path: Path, layers: list[_Layer]) -> Iterator[Row]:
    number = 0
    for meta, wkb, columns in layers:
        # One that cannot be read refuses its row, and not the file.
        read = shapely.from_wkb(wkb, on_invalid="ignore")
        shapes = _in_wgs84(path, read, meta["crs"])
        for place in range(len(shapes)):
            number += 1
            properties = {
                str(name): _plain(column[place])
                for name, column in zip(meta["fields"], columns, strict=True)
            }
            lost = wkb[place] is not None and read[place] is None
            yield Row(
                number=number,
                properties=properties,
                geometry=_geojson(shapes[place]),
                problem=_UNREADABLE if lost else None,
            )


def _layers(path: Path, source: Path | bytes) -> list[_Layer]:
    """Each layer that has geometries: what GDAL says of it, its geometries as WKB, its columns."""
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
                    layers.append((meta, geometry, columns))
    except (DataSourceError, DataLayerError, ValueError) as error:
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

"""Recorded positions out of Parquet and GeoParquet, some rows at a time.

GeoParquet 1.0 and 1.1: points as WKB or as coordinates. What cannot be a position is
counted by reason, never guessed.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from detente.core.altitude import (
    GEOID_HIGH_M,
    GEOID_LOW_M,
    GROUND_HIGH_M,
    GROUND_LOW_M,
    PRESSURE_HIGH_M,
    PRESSURE_LOW_M,
    WARMTH_HIGH,
    WARMTH_LOW,
    AltitudeReference,
)
from detente.core.geodesy import FloatArray, IntArray
from detente.core.volume import ALTITUDE_MAX_MM, ALTITUDE_MIN_MM, MM_PER_M, YEAR_MAX, YEAR_MIN
from detente.doors.track_columns import Layout, layout_of
from detente.errors import MalformedInput
from detente.node.tracks import Batch
from detente.picture.legs import POSITION

BATCH_ROWS = 262_144
"""Rows read at a time: some 20 MB with all that is made of them."""

FILES_MAX = 1_000_000
"""Files of one audit: an hourly file for a century."""

BoolArray = npt.NDArray[np.bool_]

_TIME_MIN_US, _TIME_MAX_US = (
    int(np.datetime64(f"{year}-01-01", "us").astype(np.int64)) for year in (YEAR_MIN, YEAR_MAX + 1)
)


class Unit(NamedTuple):
    """Some row groups of a file, to be read together: ``rows`` in all."""

    path: str
    groups: tuple[int, ...]
    rows: int
    layout: Layout


class Problem(NamedTuple):
    """A file that could not be read, or not on from somewhere, and why."""

    source: str
    reason: str


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files themselves; of a folder all ``*.parquet``, in the order of their names.

    Raises:
        MalformedInput: There is none, or more than FILES_MAX.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*.parquet") if one.is_file())
            if not inside:
                raise MalformedInput(f"{path}", expected="*.parquet in it", got="none")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise MalformedInput(f"{path}", expected="a file or folder", got="nothing there")
    if len(found) > FILES_MAX:
        raise MalformedInput("tracks", expected=f"at most {FILES_MAX} files", got=f"{len(found)}")
    return found


def units_of(path: Path, given: Mapping[str, str]) -> list[Unit] | Problem:
    """What of a file is read together; each unit can be read by itself.

    Raises:
        MalformedInput: It lacks a column.
    """
    try:
        with pq.ParquetFile(path) as file:
            meta, schema = file.metadata, file.schema_arrow
            rows = [meta.row_group(group).num_rows for group in range(meta.num_row_groups)]
    except (pa.ArrowException, OSError) as error:
        return Problem(path.name, _reason(error))
    layout = layout_of(path.name, schema, given)
    units: list[Unit] = []
    for group, count in enumerate(rows):
        if units and units[-1].rows + count <= BATCH_ROWS:
            before = units[-1]
            units[-1] = before._replace(groups=(*before.groups, group), rows=before.rows + count)
        else:
            units.append(Unit(str(path), (group,), count, layout))
    return units


def batches_of(unit: Unit) -> Iterator[Batch | Problem]:
    """The positions of a unit, in the order of the file."""
    path, layout = Path(unit.path), unit.layout
    try:
        with pq.ParquetFile(path, read_dictionary=[layout.track]) as file:
            batches = file.iter_batches(
                BATCH_ROWS, row_groups=list(unit.groups), columns=layout.columns, use_threads=False
            )
            for batch in batches:
                yield batch_of(path.name, batch, layout)
    except (pa.ArrowException, OSError) as error:
        yield Problem(path.name, _reason(error))


def _reason(error: Exception) -> str:
    """The first line of what a library says."""
    return f"{error}".splitlines()[0] if f"{error}" else type(error).__name__


def batch_of(source: str, batch: pa.RecordBatch, layout: Layout) -> Batch:
    """Positions out of columns; what is none is counted."""
    names, track = _tracks(batch.column(layout.track))
    time, timed = _times(batch.column(layout.time), layout.us)
    lat, lon, up = _places(batch, layout)
    with np.errstate(invalid="ignore"):
        placed = (np.abs(lat) <= 90) & (np.abs(lon) <= 180)  # noqa: PLR2004
    good = placed & timed & (track >= 0)
    refused = {
        "no track": int((track < 0).sum()),
        "no time, or none from 1900 to 2200": int((~timed & (track >= 0)).sum()),
        "no position within 180 and 90 degrees": int((~placed & timed & (track >= 0)).sum()),
    }
    out = np.empty(int(good.sum()), dtype=POSITION)
    out["track"], out["time_us"] = track[good], time[good]
    out["lat"], out["lon"] = lat[good], lon[good]
    if layout.altitude:
        up = _floats(batch.column(layout.altitude)) * layout.metres
    out["lower_m"], out["upper_m"] = heights(up[good], layout.reference)
    names, out["track"] = _used(names, out["track"])
    return Batch(source, names, out, {reason: n for reason, n in refused.items() if n})


def _tracks(column: pa.Array) -> tuple[list[str], IntArray]:
    """Names, and of each row the number of its own, -1 where it has none."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return [str(name) for name in column.dictionary.to_pylist()], codes


def _used(names: list[str], track: IntArray) -> tuple[list[str], IntArray]:
    """Only the names that rows bear, in a dictionary that may hold those of a whole file."""
    used = np.zeros(len(names), dtype=np.bool_)
    used[track] = True
    number = np.cumsum(used) - 1
    # A file may name a track twice: as text and number it is one.
    kept = [name for name, one in zip(names, used.tolist(), strict=True) if one]
    unique = {name: place for place, name in enumerate(dict.fromkeys(kept))}
    same = np.array([unique[name] for name in kept], dtype=np.int64)
    return list(unique), same[number[track]] if len(track) else track


def _times(column: pa.Array, us: float) -> tuple[IntArray, BoolArray]:
    """Microseconds since 1970, and which rows have a time."""
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    there = pc.is_valid(column).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type):
        values = _floats(column) * us
    else:
        values = column.fill_null(0).to_numpy(zero_copy_only=False)
        if us >= 1:
            # What overflows is no year of ours.
            there &= np.abs(values) <= _TIME_MAX_US // us
            return values.astype(np.int64) * int(us), there & _years(values * us)
        return values // round(1 / us), there & _years(values * us)
    years = _years(values)
    return np.where(years, np.rint(np.where(years, values, 0)), 0).astype(np.int64), there & years


def _years(us: npt.NDArray[Any]) -> BoolArray:
    with np.errstate(invalid="ignore"):
        return np.asarray((us >= _TIME_MIN_US) & (us < _TIME_MAX_US))


def _floats(column: pa.Array) -> FloatArray:
    """float64, NaN where there is nothing."""
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _places(batch: pa.RecordBatch, layout: Layout) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Latitude, longitude and height, NaN where there is none."""
    if not layout.geometry:
        lat, lon = _floats(batch.column(layout.lat)), _floats(batch.column(layout.lon))
        return lat, lon, np.full(len(lat), np.nan)
    column = batch.column(layout.geometry)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_struct(column.type):
        there = pc.is_valid(column).to_numpy(zero_copy_only=False)
        found = [np.where(there, _floats(column.field(axis)), np.nan) for axis in ("x", "y")]
        return found[1], found[0], np.full(len(batch), np.nan)
    points = shapely.from_wkb(column.to_numpy(zero_copy_only=False), on_invalid="ignore")
    points[shapely.get_type_id(points) != shapely.GeometryType.POINT] = None
    return shapely.get_y(points), shapely.get_x(points), shapely.get_z(points)


def heights(
    metres: FloatArray, reference: AltitudeReference | None
) -> tuple[FloatArray, FloatArray]:
    """The lowest and highest that altitudes may be above the ellipsoid; infinite if unknown.

    As ``detente.core.altitude`` has it of one. Where nobody says what they are measured
    from, they may be any of it.

    Args:
        metres: (n,), NaN where unknown.
        reference: What they are measured from.
    """
    references = list(AltitudeReference) if reference is None else [reference]
    bounds = [_bounds(metres, one) for one in references]
    low = np.minimum.reduce([one for one, _ in bounds])
    high = np.maximum.reduce([one for _, one in bounds])
    with np.errstate(invalid="ignore"):
        sane = (metres >= ALTITUDE_MIN_MM / MM_PER_M) & (metres <= ALTITUDE_MAX_MM / MM_PER_M)
    return np.where(sane, low, -np.inf), np.where(sane, high, np.inf)


def _bounds(metres: FloatArray, reference: AltitudeReference) -> tuple[FloatArray, FloatArray]:
    match reference:
        case AltitudeReference.WGS84:
            return metres, metres
        case AltitudeReference.MSL:
            return metres + GEOID_LOW_M, metres + GEOID_HIGH_M
        case AltitudeReference.AGL:
            return metres + (GROUND_LOW_M + GEOID_LOW_M), metres + (GROUND_HIGH_M + GEOID_HIGH_M)
        case AltitudeReference.FL:
            shifted = metres + PRESSURE_LOW_M
            low = shifted * np.where(shifted > 0, WARMTH_LOW, WARMTH_HIGH) + GEOID_LOW_M
            # Below the standard pressure's surface warmth makes it lower, not higher.
            above = metres + PRESSURE_HIGH_M
            return low, above * np.where(above > 0, WARMTH_HIGH, WARMTH_LOW) + GEOID_HIGH_M

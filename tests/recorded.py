"""Recorded positions as the files that an investigator has."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from world import NOW

Row = tuple[str, float, float, float]
"""Track, seconds after NOW, longitude and latitude in degrees."""


def time(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def straight(track: str, start_s: float, step_s: float, count: int, lat: float = 50.0) -> list[Row]:
    """Due east from 10 E, 0.02 degree (1.4 km) a position."""
    return [(track, start_s + step_s * k, 10 + 0.02 * k, lat) for k in range(count)]


def write(path: Path, rows: Sequence[Row], **columns: object) -> Path:
    """A plain Parquet file; ``columns`` are added or replace what is there."""
    table = {
        "icao24": [row[0] for row in rows],
        "time": pa.array([time(row[1]) for row in rows], pa.timestamp("us", "UTC")),
        "lon": [row[2] for row in rows],
        "lat": [row[3] for row in rows],
        **columns,
    }
    pq.write_table(pa.table({name: one for name, one in table.items() if one is not None}), path)
    return path

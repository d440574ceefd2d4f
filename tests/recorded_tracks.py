"""Recorded traffic that serves tests here and is no part of the project."""

import lzma
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

TRACKS = Path(__file__).parents[2] / "shared/data/tracks"
needs_tracks = pytest.mark.skipif(
    not TRACKS.exists(), reason="recorded tracks are not shipped (licence); not found"
)
NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)


def paris(folder: Path, rows: int) -> Path:
    """The first rows of the traffic over Paris, every aircraft in turn."""
    target = folder / "paris.csv"
    with lzma.open(TRACKS / "opensky_quickstart.csv.xz", "rt") as file:
        target.write_text("".join(islice(file, rows + 1)))
    return target

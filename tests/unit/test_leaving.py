"""How a command ends: with its status, what it said written out, and nothing loaded for nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import DETENTE

SHORT = [[10.0, 50.0], [10.01, 50.0], [10.0, 50.01], [10.0, 50.0]]
LONG = [[10.0, 50.0], [11.0, 50.0], [10.0, 50.01], [10.0, 50.0]]


def plan(folder: Path, ring: list[list[float]]) -> Path:
    path = folder / "plan.geojson"
    (folder / "list.csv").write_text("lat,lon\n60,20\n")
    shape = {"type": "Polygon", "coordinates": [ring]}
    path.write_text(json.dumps({"type": "Feature", "properties": {"id": "a"}, "geometry": shape}))
    return path


def test_full(tmp_path: Path) -> None:
    """An answer that cannot be written out is said in one line, with 2 and not its status."""
    command = [str(DETENTE), "check", str(plan(tmp_path, SHORT)), "--notices", "list.csv"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == f"detente: [Errno 28] {os.strerror(28)}\n"


@pytest.mark.parametrize(("ring", "loaded"), [(SHORT, False), (LONG, True)])
def test_geodesics(tmp_path: Path, ring: list[list[float]], loaded: bool) -> None:
    """They are loaded for edges that need them, and for those alone; what ends runs at the end."""
    told = "import atexit, sys; atexit.register(lambda: print('pyproj' in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{told}; from detente.cli import main; main()", "check",
         plan(tmp_path, ring), "--notices", "list.csv"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"{loaded}\n")

"""Recorded positions measured by several workers; test_tracks_on_ray.md tells it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from cli import detente
from recorded import Row, straight, write

PLACES = "name,lat,lon\n" + "".join(
    f"p{k},50.0{k % 10}1,{10.0111 + 0.05 * (k % 12):.4f}\n" for k in range(120)
)


def files(folder: Path) -> None:
    """Twelve files; tracks go on from one to the next."""
    (folder / "places.csv").write_text(PLACES)
    (folder / "tracks").mkdir()
    rng = np.random.default_rng(3)
    for number in range(12):
        rows: list[Row] = []
        for craft in range(40):
            lat = 50 + 0.0025 * craft
            rows += straight(f"c{craft}", 200 * number + craft, 10, 20, lat=lat)
        jitter = rng.normal(0, 1e-3, len(rows))
        moved = [(a, b, c + d, e) for (a, b, c, e), d in zip(rows, jitter.tolist(), strict=True)]
        write(folder / "tracks" / f"{number:02}.parquet", moved)


def test_a_worker_is_killed(tmp_path: Path) -> None:
    """A worker is killed midway, and the answer is that of one process"""
    files(tmp_path)
    script = Path(__file__).parents[1] / "ray_audit.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path / "tracks", tmp_path / "places.csv"],
        capture_output=True, text=True, check=False, timeout=500,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["units"] == 12
    assert said["approaches"] > 100
    assert said["same"]
    assert said["killed"]
    assert said["after"] >= 1
    assert "no part that ends its worker 4 times" in said["refused"]


def test_from_the_command_line(tmp_path: Path) -> None:
    """The command line gives the same answer with a cluster as without"""
    files(tmp_path)
    command = ("audit-tracks", "tracks", "--against", "places.csv", "--within", 500,
               "--format", "jsonl")  # fmt: skip
    alone = detente(*command, cwd=tmp_path)
    together = detente(*command, "--ray", "local", cwd=tmp_path, timeout_s=500)
    assert (together.status, together.out) == (alone.status, alone.out)
    assert alone.status == 1
    write(tmp_path / "tracks" / "13.parquet", straight("c1", 0, 10, 20))
    ran = detente(*command, "--ray", "local", cwd=tmp_path, timeout_s=500)
    assert (ran.status, "positions in order of time within each track" in ran.err) == (2, True)
    ran = detente(*command, "--ray", "127.0.0.1:1", cwd=tmp_path, timeout_s=500)
    assert (ran.status, "--ray: expected a cluster at this address" in ran.err) == (2, True)

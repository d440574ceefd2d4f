"""``make bench``: how long things take, beside a peer in the same run where there is one.

Prints a table and writes benchmarks/latest.json. Times on shared machines drift,
so each figure is the median of several runs, ours and the peer's in turn, and the
ratio says more than either. ``make bench ONLY=name`` runs one, and leaves the rest of the
file as it was.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import alarms
import checks
import conformance.figure
import cot_fanout
import feeds
import flame
import growth
import hotline
import live
import numpy as np
import page_tracks
import pairs
import record
import replay
import screen
import shapely
import tracks
import traffic
import watch
from node import NodeBench, on_sqlite, postgres_share
from pyproj import Geod

from detente.cli.demo_africa import invented_plans
from detente.core.check import Known
from detente.core.plan import Plan
from detente.core.volume import E7_PER_DEG, Circle
from detente.doors.answer import geometry
from detente.doors.files import Imported, ReadOptions, read
from detente.node.check import check_plans
from detente.picture import Picture

ROOT = Path(__file__).parents[1]
FACILITIES = ROOT.parent / "shared/data/health/who_kwtrp_subsaharan_africa_2019.csv.gz"
ROWS = 98_745
PLANS = 1_000
RUNS = 5
DETENTE = Path(sys.executable).with_name("detente")
GEOD = Geod(ellps="WGS84")


def facilities(folder: Path) -> Path:
    """The African register where it lies beside the project, else as many invented points."""
    if FACILITIES.exists():
        return FACILITIES
    path = folder / "invented.csv"
    rng = np.random.default_rng(1)
    where = np.column_stack([rng.uniform(-34, 25, ROWS), rng.uniform(-17, 50, ROWS)])
    rows = "".join(f"{lat:.6f},{lon:.6f}\n" for lat, lon in where.tolist())
    path.write_text("lat,lon\n" + rows)
    return path


def plans_file(path: Path, plans: list[Plan]) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {
                "plan": plan.source_id,
                "hazard_m": plan.hazard_mm / 1_000,
                "radius_m": shape.radius_m if isinstance(shape, Circle) else 0,
                "width_m": 0 if isinstance(shape, Circle) else 2 * shape.radius_m,
            },
            "geometry": geometry(shape),
        }
        for plan in plans
        for shape in plan.volumes[0].footprint[:1]
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    work()  # a warm-up, not counted
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


class Bench:
    """The inputs, read once, and a method a figure."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = facilities(folder)
        self.values: list[Imported] = read(self.file, ReadOptions(kind="notices")).values
        self.plans = invented_plans(self.values, PLANS)
        plans_file(folder / "plans.geojson", self.plans)

    def check_files(self) -> dict[str, object]:
        """1,000 plans against the facilities from the CSV, the whole process."""
        command = [DETENTE, "check", self.folder / "plans.geojson", "--notices", self.file,
                   "--separation", "500", "--format", "jsonl"]  # fmt: skip
        run = lambda: subprocess.run(command, capture_output=True, check=False)  # noqa: E731
        return {"value": seconds(run, 3), "unit": "s", "bar": "at most 10"}

    def check_loaded(self) -> dict[str, object]:
        """The same once loaded; peer: shapely's STRtree, then pyproj for each candidate."""
        picture = Picture([Known(value=value) for value in self.values])
        now = datetime.now(UTC)
        ours = lambda: check_plans(self.plans, picture, now=now, separation_mm=500_000)  # noqa: E731
        circles = [
            (plan, shape)
            for plan in self.plans
            if isinstance(shape := plan.volumes[0].footprint[0], Circle)
        ]
        centres = [v.volumes[0].footprint[0] for v in self.values]
        where = np.array([c.centre for c in centres if isinstance(c, Circle)]) / E7_PER_DEG
        tree = shapely.STRtree(shapely.points(where))
        peer = lambda: strtree(circles, tree, where)  # noqa: E731
        agree(check_plans([p for p, _ in circles], picture, now=now, separation_mm=500_000), peer())
        alone = seconds(lambda: check_plans([p for p, _ in circles], picture, now=now,
                                            separation_mm=500_000))  # fmt: skip
        theirs = seconds(peer, 3)
        return {
            "value": seconds(ours), "unit": "s", "bar": "at most 0.5",
            "peer": f"STRtree and pyproj, the {len(circles)} circles among the plans",
            "peer_value": theirs, "ratio": theirs / alone,
        }  # fmt: skip

    def import_signed(self) -> dict[str, object]:
        """98,745 rows as signed entries, the whole process."""
        register = self.folder / "bench.db"
        for command in (("init",), ("party", "new", "Bench", "--id", "bench")):
            subprocess.run(
                [DETENTE, *command, "--store", register], check=True, capture_output=True
            )
        began = time.perf_counter()
        command = [DETENTE, "import", self.file, "--as", "notices", "--party", "bench"]
        subprocess.run([*command, "--store", register], check=True, capture_output=True)
        return {"value": time.perf_counter() - began, "unit": "s", "bar": "at most 60"}

    def log_verify(self) -> dict[str, object]:
        """Every entry of that register verified, the whole process."""
        register = self.folder / "bench.db"
        if not register.exists():
            self.import_signed()
        began = time.perf_counter()
        subprocess.run([DETENTE, "log", "verify", "--store", register], check=True,
                       capture_output=True)  # fmt: skip
        return {"value": time.perf_counter() - began, "unit": "s", "bar": "none set"}


def strtree(
    circles: list[tuple[Plan, Circle]], tree: shapely.STRtree, where: np.ndarray
) -> list[int]:
    """What one would write today: candidates by a box in degrees, then geodesics."""
    found = []
    for plan, shape in circles:
        lon, lat = (axis / E7_PER_DEG for axis in shape.centre)
        reach_m = shape.radius_m + max(plan.hazard_mm / 1_000, 500.0)
        dy = reach_m / 110_000
        dx = dy / np.cos(np.radians(abs(lat) + dy))
        near = tree.query(shapely.box(lon - dx, lat - dy, lon + dx, lat + dy))
        n = len(near)
        apart = GEOD.inv(np.full(n, lon), np.full(n, lat), where[near, 0], where[near, 1])[2]
        found.append(int((np.asarray(apart) <= reach_m).sum()))
    return found


def agree(verdicts: list[object], counts: list[int]) -> None:
    """Stop if ours and the peer's answers differ."""
    ours = [len(verdict.findings) for verdict in verdicts]  # type: ignore[attr-defined]
    if ours != counts:
        sys.exit("the peer finds other conflicts than we do: one of us is wrong")


FIGURES = {
    "check.files": Bench.check_files,
    "check.loaded": Bench.check_loaded,
    "import.signed": Bench.import_signed,
    "log.verify": Bench.log_verify,
}


BULK_FIGURES = {
    **checks.FIGURES, **pairs.FIGURES, **growth.FIGURES, **tracks.FIGURES, **watch.FIGURES,
    **traffic.FIGURES, **flame.BULK_FIGURES,
    **feeds.FIGURES, **screen.FIGURES, **page_tracks.FIGURES,
    **conformance.figure.FIGURES,
    **cot_fanout.FIGURES, **replay.FIGURES, **hotline.FIGURES, **alarms.FIGURES,
}  # fmt: skip

NODE_FIGURES = {
    **{
        name: partial(on_sqlite, name=name)
        for name in (
            "node.intents_spread", "node.intents_one_cell", "node.signed_entries", "node.checks",
        )
    },
    "node.postgres_share": postgres_share,
    **live.FIGURES,
    "record.http": record.http,
    "record.bulk": record.bulk,
    "record.growth": record.growth,
    "record.quorum": record.quorum,
    "record.audit": record.audit,
    "record.verify": record.verify,
    **flame.FIGURES,
}  # fmt: skip


def main(only: list[str]) -> None:
    names = only or [*FIGURES, *BULK_FIGURES, *NODE_FIGURES]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder)) if set(names) & set(FIGURES) else None
        if bench:
            print(f"{bench.file.name}: {len(bench.values):,} places, {PLANS:,} plans")
        node = NodeBench(Path(folder))
        for name in names:
            if name in BULK_FIGURES:
                got = BULK_FIGURES[name]()
            else:
                got = FIGURES[name](bench) if name in FIGURES else NODE_FIGURES[name](node)
            row = {"name": name, "peer": None, "peer_value": None, "ratio": None, **got}
            rows.append(row)
            peer = f"  {row['ratio']:.1f} times the speed of {row['peer']}" if row["peer"] else ""
            print(f"{name:22} {row['value']:9.3f} {row['unit']}  bar: {row['bar']}{peer}")
    keep(rows)


def keep(rows: list[dict[str, object]]) -> None:
    """Write the figures to benchmarks/latest.json; those that were not run stay as they were."""
    path = ROOT / "benchmarks" / "latest.json"
    latest = {row["name"]: row for row in json.loads(path.read_text())}
    latest |= {row["name"]: row for row in rows}
    order = [*FIGURES, *BULK_FIGURES, *NODE_FIGURES]
    path.write_text(json.dumps([latest[name] for name in order if name in latest], indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

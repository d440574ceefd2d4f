"""Ninety-eight thousand health facilities; test_africa.md tells it."""

from pathlib import Path

import numpy as np
import pytest

from cli import detente
from detente.cli.demo_africa import invented_plans
from detente.core.volume import E7_PER_DEG, Circle
from detente.doors.files import ReadOptions, read
from detente.node.check import check_plans
from detente.node.picture import load
from judge import distance_m
from world import NOW

FILE = Path(__file__).parents[3] / "shared/data/health/who_kwtrp_subsaharan_africa_2019.csv.gz"


@pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not shipped (licence); not found")
def test_africa(tmp_path: Path) -> None:
    """All rows are accounted for, and plans are checked against those that have a place."""
    ran = detente("demo", "africa", FILE, cwd=tmp_path, timeout_s=1_800)
    assert ran.status == 0, ran.err
    assert "98,745 rows read" in ran.out
    assert "2,350 refused by name, such as row 10 (27 de Marto Health Post): position" in ran.out
    assert "96,395 notices signed and on record" in ran.out
    register = tmp_path / "detente-demo" / "africa.db"
    verified = detente("log", "verify", "--store", register, cwd=tmp_path, timeout_s=1_800)
    assert (verified.status, "96397 entries" in verified.out) == (0, True)
    picture = load(register)
    plans = invented_plans(read(FILE, ReadOptions(kind="notices")).values, 1_000)
    verdicts = check_plans(plans, picture, now=NOW)
    shapes = [known.value.volumes[0].footprint[0] for known in picture]
    places = np.array([s.centre for s in shapes if isinstance(s, Circle)]) / E7_PER_DEG
    judged = 0
    for plan, verdict in zip(plans, verdicts, strict=True):
        circle = plan.volumes[0].footprint[0]
        if not isinstance(circle, Circle):
            continue
        judged += 1
        centre = np.repeat(np.array([circle.centre]) / E7_PER_DEG, len(places), axis=0)
        near = np.abs(places - centre).max(axis=1) < 1.0
        apart = distance_m(places[near], centre[near]) - circle.radius_m
        assert int((apart <= max(500.0, plan.hazard_mm / 1_000)).sum()) == len(verdict.findings)
    assert judged > 200

"""What cannot be asked is never "clear" (R-01); test_fail_closed.md tells it."""

import gzip
import json
import os
import time
from pathlib import Path

import pytest

from cli import Ran, detente

CLINIC = "id,lat,lon\nclinic,50.56781,10.12341\n"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a plan far from everything, and a list."""
    feature = {
        "type": "Feature",
        "properties": {"plan": "far"},
        "geometry": {"type": "Point", "coordinates": [11.5, 51.5]},
    }
    (tmp_path / "plan.geojson").write_text(json.dumps(feature))
    (tmp_path / "list.csv").write_text(CLINIC)
    return tmp_path


def asked(desk: Path, *arguments: object) -> tuple[Ran, dict[str, object]]:
    ran = detente("check", "plan.geojson", *arguments, "--format", "jsonl", cwd=desk)
    return ran, json.loads(ran.out)


def assert_incomplete(desk: Path, source: str, *arguments: object) -> None:
    ran, answer = asked(desk, *arguments)
    assert (ran.status, answer["verdict"]) == (3, "incomplete"), ran
    assert source in json.dumps(answer["sources"])


def test_missing(desk: Path) -> None:
    """A list is missing or unreadable."""
    assert asked(desk, "--notices", "list.csv")[0].status == 0
    (desk / "broken.geojson").write_text('{"type": "FeatureCollection", "features": [')
    (desk / "garbage.db").write_bytes(b"x" * 5_000)
    for source in ("nothing.csv", "broken.geojson", "."):
        assert_incomplete(desk, Path(source).name, "--notices", "list.csv", "--zones", source)
    for store in ("nothing.db", "garbage.db"):
        assert_incomplete(desk, store, "--store", store, "--notices", "list.csv")


def test_cut_short(desk: Path) -> None:
    """A list was cut short."""
    packed = gzip.compress(CLINIC.encode() * 100)
    (desk / "list.csv.gz").write_bytes(packed[: len(packed) // 2])
    assert_incomplete(desk, "list.csv.gz", "--notices", "list.csv.gz")
    (desk / "short.csv").write_text(CLINIC + "hospital,50.6")
    ran, answer = asked(desk, "--notices", "short.csv")
    assert (ran.status, answer["verdict"]) == (3, "incomplete")
    assert "1 of 2 rows refused, the first: row 2 (hospital)" in ran.err
    table = detente("check", "plan.geojson", "--notices", "short.csv", cwd=desk)
    assert "short.csv: 1 row refused: where those places are is unknown" in table.out


def test_old(desk: Path) -> None:
    """A list is older than its limit."""
    two_hours_ago = time.time() - 7_200
    os.utime(desk / "list.csv", (two_hours_ago, two_hours_ago))
    assert asked(desk, "--notices", "list.csv", "--max-age", "3")[0].status == 0
    assert_incomplete(desk, "older than 1 h", "--notices", "list.csv", "--max-age", "1")
    (desk / "agreement.toml").write_text('name = "test"\nsource_age_max_hours = 1\n')
    assert detente("init", "--agreement", "agreement.toml", cwd=desk).status == 0
    assert_incomplete(desk, "older than 1 h", "--store", "detente.db", "--presence", "list.csv")
    bad = detente("check", "plan.geojson", "--notices", "list.csv", "--max-age", "nan", cwd=desk)
    assert (bad.status, bad.out) == (2, "")


def test_findings(desk: Path) -> None:
    """Findings are told all the same."""
    ran, answer = asked(
        desk, "--notices", "list.csv", "--zones", "nothing.json", "--separation", "200000"
    )
    assert (ran.status, answer["verdict"]) == (3, "incomplete")
    findings = answer["findings"]
    assert isinstance(findings, list)
    assert [one["id"] for one in findings] == ["clinic"]


def test_nothing_asked(desk: Path) -> None:
    """Nothing is asked."""
    ran = detente("check", "plan.geojson", cwd=desk)
    assert (ran.status, ran.out) == (2, "")
    assert (
        "expected --store, --pack, --notices, --zones or --presence, got nothing to ask" in ran.err
    )

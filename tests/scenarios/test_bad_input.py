"""Bad input: exit 2, one clear line, nothing stored; test_bad_input.md tells it."""

import json
from pathlib import Path

import pytest

from cli import Ran, detente

GOOD = {"type": "Point", "coordinates": [10.12341, 50.56781]}


def feature(geometry: object = GOOD, **properties: object) -> str:
    good = {"type": "Feature", "geometry": GOOD, "properties": {"id": "good"}}
    bad = {"type": "Feature", "geometry": geometry, "properties": {"id": "bad", **properties}}
    return json.dumps({"type": "FeatureCollection", "features": [good, bad]})


BAD: dict[str, tuple[str | bytes, str]] = {
    "broken JSON": ('{"type": "FeatureCollection", "features": [', "expected JSON"),
    "NaN": (feature().replace('50.56781]}, "properties": {"id": "bad"', "NaN]}"), "JSON"),
    "latitude 999": (
        feature({"type": "Point", "coordinates": [10, 999]}),
        "row 2 (bad): position: expected longitude from -180 to 180 and latitude from -90 to 90",
    ),
    "empty geometry": (feature({"type": "Polygon", "coordinates": []}), "got nothing"),
    "null geometry": (feature(None), "expected coordinates or a geometry, got none"),
    "naive time": (feature(start="2025-01-01T00:00:00"), "a time with Z or an offset"),
    "end before start": (
        feature(start="2025-01-02T00:00:00Z", end="2025-01-01T00:00:00Z"),
        "expected end at or after start",
    ),
    "negative hazard": (feature(hazard_m=-1), "hazard_m: expected metres from 0"),
    "band upside down": (feature(lower_m=5, upper_m=1), "expected lower at most upper"),
    "text for a number": (feature(radius_m="wide"), "radius_m: expected a number, got wide"),
    "binary": (bytes(range(256)) * 40, "got unknown binary data"),
    "nothing": ("", "got an empty file"),
    "no features": ('{"type": "FeatureCollection", "features": []}', "at least one row"),
    "another JSON": ('{"hello": "world"}', 'got no "type"'),
    "not GeoJSON but a list": ("[1, 2, 3]", "expected a GeoJSON object"),
}  # fmt: skip


def assert_refused(ran: Ran, match: str) -> None:
    assert (ran.status, ran.out) == (2, ""), ran
    assert ran.err.count("\n") == 1, ran.err
    assert ran.err.startswith("detente: ")
    assert match.lower() in ran.err.lower()
    assert len(ran.err) < 900


@pytest.mark.parametrize("name", BAD)
def test_plans(tmp_path: Path, name: str) -> None:
    """Plans that are none."""
    content, match = BAD[name]
    path = tmp_path / "plans.geojson"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (tmp_path / "list.csv").write_text("lat,lon\n50.56781,10.12341\n")
    assert_refused(detente("check", path, "--notices", "list.csv", cwd=tmp_path), match)


@pytest.mark.parametrize(
    ("path", "match"),
    [(".", "got a folder"), ("x", "got nothing there"), ("x" * 300, "name too long")],
)
def test_no_file(tmp_path: Path, path: str, match: str) -> None:
    """Plans that are none."""
    (tmp_path / "list.csv").write_text("lat,lon\n50.56781,10.12341\n")
    assert_refused(detente("check", path, "--notices", "list.csv", cwd=tmp_path), match)


def test_too_large(tmp_path: Path) -> None:
    """Files that are too large."""
    (tmp_path / "list.csv").write_text("lat,lon\n50.56781,10.12341\n")
    many = tmp_path / "many.geojson"
    with many.open("w") as file:
        file.write(
            '{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[['
        )
        chunk = ",".join(f"[10.{n:04},50.5]" for n in range(10_000))
        file.write(",".join([chunk] * 1_000))
        file.write("]]}}")
    ran = detente("check", many, "--notices", "list.csv", cwd=tmp_path, timeout_s=300)
    assert_refused(ran, "expected at most 250000 vertices, got 10000000")
    huge = tmp_path / "huge.geojson"
    with huge.open("wb") as sparse:
        sparse.truncate(2 * 1024**3)
    ran = detente("check", huge, "--notices", "list.csv", cwd=tmp_path)
    assert_refused(ran, "got 2,147,483,648 bytes")


OPTIONS: list[tuple[tuple[str, ...], str]] = [
    (("--standoff", "-5"), "--standoff: expected metres from 0"),
    (("--column", "lat"), "--column: expected FIELD=COLUMN"),
    (("--column", "where=lat"), "column: expected one of id, name"),
    (("--column", "lat=nowhere"), "column for lat: expected one of lat, lon"),
    (("--party", "nobody"), "party nobody: expected one that"),
    (("--report", "/nowhere/r.csv"), "expected a file that can be written"),
]


def test_imports(register: Path) -> None:
    """Notices that are none."""
    folder = register.parent
    command = ("--as", "notices", "--party", "one", "--store", register)
    for name, (content, _) in BAD.items():
        if name == "negative hazard":
            continue  # only plans have one
        path = folder / "bad.geojson"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        assert_refused(detente("import", path, "--strict", *command, cwd=folder), "detente: ")
    (folder / "list.csv").write_text("lat,lon\n50.56781,10.12341\n")
    for options, match in OPTIONS:
        assert_refused(detente("import", "list.csv", *command, *options, cwd=folder), match)
    (folder / "none.csv").write_text("lat,lon\n,\n0,0\n")
    ran = detente("import", "none.csv", *command, cwd=folder)
    assert_refused(ran, "expected at least one usable row, got row 1: position")
    wrong = detente("import", "list.csv", "--as", "targets", "--party", "one", cwd=folder)
    assert (wrong.status, wrong.out) == (2, "")
    assert "3 objects; register version 3" in detente("list", "--store", register, cwd=folder).out

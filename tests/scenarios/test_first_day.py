"""The first day with a register; test_first_day.md tells it."""

import json
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest

from cli import detente

HOSPITALS = """\
id,name,lat,lon,standoff_m
a,Alpha Hospital,50.56781,10.12341,500
b,Bravo Clinic,50.66781,10.12341,500
c,Charlie Post,50.76781,10.12341,500
d,Delta Post,,,500
"""


def plan(name: str, lon: float, lat: float) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": {"plan": name, "radius_m": 200, "hazard_m": 100},
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
    }


def write_plans(path: Path, *features: dict[str, object]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


NEAR = plan("near", 10.12341, 50.57281)
FAR = plan("far", 11.5, 51.5)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A folder with a register, a party and its hospitals."""
    (tmp_path / "hospitals.csv").write_text(HOSPITALS)
    for command in (
        ("init", "--theatre", "first day"),
        ("party", "new", "Medical operator", "--id", "med", "--desk", "Night desk"),
        ("import", "hospitals.csv", "--as", "notices", "--category", "medical", "--party", "med",
         "--desk", "night-desk"),
    ):  # fmt: skip
        ran = detente(*command, cwd=tmp_path)
        assert ran.status == 0, ran
    return tmp_path


def test_founding(tmp_path: Path) -> None:
    """A register is made and a party admitted."""
    assert detente("--version", cwd=tmp_path).out == f"detente {version('detente')}\n"
    made = detente("init", cwd=tmp_path)
    assert made.status == 0
    assert "next: detente party new NAME" in made.out
    assert (tmp_path / "detente.keys" / "node.pem").stat().st_mode & 0o777 == 0o600
    again = detente("init", cwd=tmp_path)
    assert (again.status, again.out) == (2, "")
    assert again.err == "detente: register detente.db: expected a name that is not taken yet\n"
    admitted = detente("party", "new", "Médecins Ω", "--desk", "Night desk", cwd=tmp_path)
    # The desk's id is what `import --desk` takes.
    assert (admitted.status, "with the desk night-desk" in admitted.out) == (0, True)
    twice = detente("party", "new", "Other", "--id", "m-decins", cwd=tmp_path)
    assert (twice.status, "not taken" in twice.err) == (2, True)
    (tmp_path / "hospitals.csv").write_text(HOSPITALS)
    unknown = detente("import", "hospitals.csv", "--as", "notices", "--party", "who", cwd=tmp_path)
    assert unknown.status == 2
    assert "party who: expected one that `detente party new` admitted" in unknown.err
    assert "2 objects" in detente("list", cwd=tmp_path).out


def test_importing(office: Path) -> None:
    """Hospitals go on record, and the same file again changes nothing."""
    command = ("import", "hospitals.csv", "--as", "notices", "--category", "medical",
               "--party", "medical OPERATOR", "--desk", "night-desk", "--json")  # fmt: skip
    again = json.loads(detente(*command, cwd=office).out)
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 3)
    assert [one["name"] for one in again["refused"]] == ["Delta Post"]
    text = HOSPITALS.replace(
        "b,Bravo Clinic,50.66781,10.12341,500", "b,Bravo,50.66781,10.12341,900"
    )
    (office / "hospitals.csv").write_text(text)
    changed = json.loads(detente(*command, cwd=office).out)
    assert (changed["new"], changed["changed"], changed["unchanged"]) == (0, 1, 2)
    strict = detente(*command, "--strict", cwd=office)
    assert strict.status == 2
    assert (
        "row 4 (Delta Post): position: expected coordinates or a geometry, got none" in strict.err
    )
    shown = detente("show", "b", cwd=office).out
    assert "version 2" in shown
    assert "50.6678100, 10.1234100" in shown
    assert "verified with" in shown
    report = office / "remarks.csv"
    assert detente(*command, "--report", report, cwd=office).status == 0
    assert report.read_text().splitlines()[1].startswith("refused,4,Delta Post,position,")


def test_releasing(office: Path) -> None:
    """Who sees them is said with the import, and a slip in it changes nothing."""
    command = ("import", "hospitals.csv", "--as", "notices", "--category", "medical",
               "--party", "med", "--desk", "night-desk")  # fmt: skip
    told = detente(*command, "--release", "*=area", "--release", "fire-air=full", cwd=office)
    assert "0 new, 3 changed, 0 unchanged" in told.out
    shown = json.loads(detente("show", "a", "--json", cwd=office).out)
    assert shown["value"]["release"] == {"members": "area", "parties": {"fire-air": "full"}}
    for slip in ("fire-air", "fire-air=all", "Fire Air=full", "=full"):
        wrong = detente(*command, "--release", slip, cwd=office)
        assert wrong.status == 2
        assert "full, area, contact; * is every member" in wrong.err
    twice = detente(*command, "--release", "*=full", "--release", "*=area", cwd=office)
    assert "expected once a party" in twice.err
    hidden = detente(*command, cwd=office).out
    assert "0 new, 3 changed" in hidden
    assert "less than before: a: shown to others, now to nobody\n" in hidden


def test_importing_less(office: Path) -> None:
    """A list that comes again without an option says what it loses."""
    (office / "few.csv").write_text("id,name,lat,lon\nf,Few,50.1,10.1\ng,More,50.2,10.2\n")
    command = ("import", "few.csv", "--as", "notices", "--category", "medical", "--party", "med")
    first = detente(*command, "--standoff", "500", "--desk", "night-desk", cwd=office)
    assert (first.status, "less" in first.out) == (0, False)
    again = detente(*command, "--standoff", "400", cwd=office)
    line = "less than before: f: standoff 500 m, now 400 m; desk night-desk, now none\n"
    assert (again.status, line in again.out) == (0, True), again.out
    assert "import again with --standoff, --desk and --release as then" in again.out
    more = json.loads(detente(*command, "--standoff", "600", "--json", cwd=office).out)
    assert (more["changed"], more["lessened"]) == (2, [])


def test_asking(office: Path) -> None:
    """A crew asks, in every format."""
    plans = write_plans(office / "plans.geojson", NEAR, FAR)
    asked = detente("check", plans, "--format", "jsonl", "--map", "out.png", cwd=office)
    assert asked.status == 1
    lines = [json.loads(line) for line in asked.out.splitlines()]
    assert [(line["plan"], line["verdict"]) for line in lines] == [
        ("near", "conflict"), ("far", "no_known_conflict"),
    ]  # fmt: skip
    [finding] = lines[0]["findings"]
    assert (finding["id"], finding["rule"], finding["desk"]) == ("a", "R-12", "night-desk")
    # 0.005 degree of latitude is 556.3 m here, less the plan's own 200 m.
    assert abs(finding["distance_m"] - 356.3) < 0.5
    assert (finding["separation_m"], lines[0]["sequence"]) == (500, 5)
    assert (office / "out.png").read_bytes().startswith(b"\x89PNG")
    table = detente("check", plans, cwd=office)
    assert table.status == 1
    for text in ("near", "conflict", "Alpha Hospital", "356 m", "500 m", "night-desk",
                 "register version 5", "A check informs; it never permits."):  # fmt: skip
        assert text in table.out
    features = json.loads(detente("check", plans, "--format", "geojson", cwd=office).out)[
        "features"
    ]
    assert [one["properties"]["verdict"] for one in features] == ["conflict", "no_known_conflict"]
    alone = detente("check", write_plans(office / "far.geojson", FAR), cwd=office)
    assert alone.status == 0
    assert "no known conflict" in alone.out
    wide = detente("check", "far.geojson", "--separation", "200000", cwd=office)
    assert wide.status == 1


def test_withdrawing(office: Path) -> None:
    """A hospital closes."""
    plans = write_plans(office / "plans.geojson", NEAR)
    detente("party", "new", "Other", "--id", "other", cwd=office)
    foreign = detente("withdraw", "a", "--party", "other", cwd=office)
    assert (foreign.status, "its author med, got other" in foreign.err) == (2, True)
    assert detente("check", plans, cwd=office).status == 1
    assert detente("withdraw", "a", "--party", "med", cwd=office).status == 0
    assert detente("check", plans, cwd=office).status == 0
    shown = detente("show", "a", cwd=office).out
    assert "(withdrawn)" in shown
    assert "version 1" in shown
    assert "version 2" in shown
    assert "withdrawn" in detente("list", "--kind", "notices", cwd=office).out
    log = detente("log", "--last", "2", cwd=office).out
    assert "notice" in log
    assert "Alpha" not in log
    assert "50.5" not in log


def test_tampering(office: Path) -> None:
    """Somebody moves a hospital in the file."""
    verified = detente("log", "verify", cwd=office)
    assert verified.status == 0
    assert "consistent: every signature, chain, commitment and hash holds" in verified.out
    with closing(sqlite3.connect(office / "detente.db")) as connection, connection:
        connection.execute(
            "UPDATE content SET data = CAST(replace(CAST(data AS TEXT), '505678100', '505678101')"
            " AS BLOB) WHERE sequence = 2"
        )
    found = detente("log", "verify", cwd=office)
    assert found.status == 1
    assert "NOT CONSISTENT, 1 problems:\n  check 4, entry 2: notice of med" in found.out
    assert "505678101" not in found.out
    machine = detente("log", "verify", "--json", cwd=office)
    assert (machine.status, json.loads(machine.out)["problems_total"]) == (1, 1)

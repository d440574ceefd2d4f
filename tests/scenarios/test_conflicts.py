"""Every two plans that meet, from the command line (R-01, R-18); test_conflicts.md tells it."""

import asyncio
import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cli import Ran, detente
from detente.core.agreement import Agreement, Separation
from detente.core.plan import Plan, PlanState
from detente.core.volume import Corridor, Volume
from theatre import Theatre

EAST = [(10.00, 50.00), (10.05, 50.00), (10.10, 50.00), (10.15, 50.00)]
NORTH = [(10.075, 49.93), (10.075, 49.98), (10.075, 50.02), (10.075, 50.06)]


def flight(name: str, line: list[tuple[float, float]], hour: int) -> dict[str, Any]:
    """A leg a quarter of an hour, each 100 m wide."""
    legs = [
        {
            "type": "Feature",
            "properties": {
                "plan": name,
                "width_m": 100,
                "start": f"2025-01-08T{hour:02}:{15 * number:02}:00Z",
                "end": f"2025-01-08T{hour:02}:{15 * number + 15:02}:00Z",
            },
            "geometry": {"type": "LineString", "coordinates": [a, b]},
        }
        for number, (a, b) in enumerate(pairwise(line))
    ]
    return {"type": "FeatureCollection", "features": legs}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with three plans, each in a file of its own."""
    for name, line, hour in (("east", EAST, 8), ("north", NORTH, 8), ("late", NORTH, 9)):
        (tmp_path / f"{name}.geojson").write_text(json.dumps(flight(name, line, hour)))
    return tmp_path


def asked(desk: Path, *arguments: object) -> tuple[Ran, dict[str, Any], list[Any]]:
    ran = detente("conflicts", *arguments, "--format", "jsonl", cwd=desk)
    answer, *pairs = map(json.loads, ran.out.splitlines())
    assert answer["pairs"] == len(pairs)
    return ran, answer, pairs


def test_crossing(desk: Path) -> None:
    """Two flights that cross are one line."""
    files = ("east.geojson", "north.geojson", "late.geojson")
    ran, answer, pairs = asked(desk, *files)
    assert (ran.status, answer["verdict"], answer["plans"]) == (1, "conflict", 3)
    (pair,) = pairs
    assert (pair["plan"], pair["meets"]["id"], pair["meets"]["rule"]) == ("east", "north", "R-18")
    assert pair["meets"]["distance_m"] == 0
    window = (pair["meets"]["from"], pair["meets"]["to"])
    assert window == ("2025-01-08T08:15:00Z", "2025-01-08T08:30:00Z")
    shown = detente("conflicts", *files, cwd=desk)
    assert shown.status == 1
    assert "conflict, 1 pair among 3 plans, from files, no register" in shown.out
    assert "A check informs; it never permits." in shown.out
    # What a party calls its plan is shown as it is, and is no markup.
    named = json.dumps(flight("[/x] east", EAST, 8))
    (desk / "east.geojson").write_text(named)
    shown = detente("conflicts", *files, cwd=desk)
    assert (shown.status, "[/x] east" in shown.out) == (1, True), shown.err


def test_apart(desk: Path) -> None:
    """With an hour between them nothing is known."""
    ran = detente("conflicts", "east.geojson", "late.geojson", cwd=desk)
    assert ran.status == 0
    assert "no known conflict, 0 pairs among 2 plans" in ran.out
    assert "A check informs; it never permits." in ran.out
    assert asked(desk, "east.geojson", "late.geojson", "--separation", "50000")[0].status == 0


async def put(theatre: Theatre, plan: Plan, draft: Plan) -> None:
    """Both on the record of a theatre."""
    await theatre.aware("one", plan)
    await theatre.say("one", draft)


def test_on_file(desk: Path) -> None:
    """What is on file is asked together with what is drawn."""
    beside = tuple(
        Volume(
            footprint=(Corridor(line=((100_000_000, 500_200_000), (101_500_000, 500_200_000))),),
            start=datetime(2025, 1, 8, hour, tzinfo=UTC),
            end=datetime(2025, 1, 8, hour, 40, tzinfo=UTC),
        )
        for hour in (8, 12)
    )
    one = Plan(source_id="beside", party="one", volumes=beside, state=PlanState.ACCEPTED)
    draft = Plan(source_id="draft", party="one", volumes=beside)
    terms = Agreement(name="valley", separations={"*": Separation(horizontal_mm=3_000_000)})
    with Theatre(terms) as theatre:
        asyncio.run(put(theatre, one, draft))
        ran, answer, pairs = asked(desk, "--store", theatre.where)
        assert (ran.status, answer["plans"], pairs) == (0, 1, []), ran
        assert answer["sequence"] > 0
        ran, answer, pairs = asked(desk, "east.geojson", "--store", theatre.where)
    assert (ran.status, answer["verdict"], answer["plans"]) == (1, "conflict", 2)
    (pair,) = pairs
    assert (pair["plan"], pair["party"], pair["meets"]["id"]) == ("beside", "one", "east")
    assert pair["meets"]["separation_m"] == 3_000
    # Some 2.2 km between the lines, less half of the corridor's width.
    assert 2_100 < pair["meets"]["distance_m"] < 2_250
    assert pair["meets"]["to"] == "2025-01-08T08:40:00Z"


def test_incomplete(desk: Path) -> None:
    """A register that cannot be read makes it incomplete."""
    ran, answer, pairs = asked(desk, "east.geojson", "north.geojson", "--store", "nothing.db")
    assert (ran.status, answer["verdict"], len(pairs)) == (3, "incomplete", 1)
    assert "nothing.db" in json.dumps(answer["sources"])
    shown = detente("conflicts", "east.geojson", "--store", "nothing.db", cwd=desk)
    assert shown.status == 3
    assert "incomplete, 0 pairs among 1 plan" in shown.out
    assert "nothing.db: could not be asked" in shown.out


def test_nothing(desk: Path) -> None:
    """Nothing to ask is no answer."""
    assert detente("conflicts", cwd=desk).status == 2
    (desk / "broken.geojson").write_text("{")
    assert detente("conflicts", "broken.geojson", cwd=desk).status == 2

"""What is told of a row has a code, for whoever tells it in another language."""

import json
from pathlib import Path
from typing import Any

import pytest

from detente.doors.files import Kind, ReadOptions, read, read_bytes
from detente.doors.files.reading import Doubted

DAY = {"start": "2026-11-29T12:00:00Z", "end": "2026-11-30T12:00:00Z"}
VECTORS = Path(__file__).parents[1] / "vectors"


def told(*rows: dict[str, Any], kind: Kind = "notices") -> tuple[list[str], list[str]]:
    """The codes of doubts and of refusals."""
    features = [{"type": "Feature", "geometry": None, "properties": row} for row in rows]
    body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    reading = read_bytes("rows", body, ReadOptions(kind=kind))
    return [one.code for one in reading.doubts], [one.code for one in reading.refusals]


def clinic(**also: Any) -> dict[str, Any]:
    return {"name": "Clinic", "position": "50.1234, 10.1234", **also}


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        ([clinic()], []),
        ([clinic(id="a"), clinic(id="a")], [Doubted.ID_TAKEN]),
        ([clinic(name="x" * 300)], [Doubted.NAME_CUT]),
        ([clinic(movement="m", escort="dragons", **DAY)], [Doubted.UNREAD]),
        ([clinic(position="50, 10")], [Doubted.COARSE]),
        ([clinic(country="FRA")], [Doubted.ELSEWHERE]),
    ],
)
def test_doubts(rows: list[dict[str, Any]], codes: list[str]) -> None:
    assert told(*rows) == (codes, [])


def test_refusals() -> None:
    assert told(clinic(position="by the mill"), {"name": "Nowhere"}) == (
        [], ["malformed_input", "malformed_input"],
    )  # fmt: skip


def test_zones_that_are_not_kept_as_they_are() -> None:
    path = VECTORS / "ed318" / "Example_Collection.json"
    assert [one.code for one in read(path, ReadOptions(kind="zones")).doubts] == [Doubted.ALL_DAY]
    text = path.read_text()
    free = text.replace('"type": "PROHIBITED"', '"type": "NO_RESTRICTION"')
    assert free != text
    reading = read_bytes("zones", free.encode(), ReadOptions(kind="zones"))
    assert Doubted.LEFT_OUT in [one.code for one in reading.doubts]

"""ED-318 as its published schemas have it, and as it is read here (docs/files.md)."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.check import Protected
from detente.core.drawn import drawing_of
from detente.core.release import Grade
from detente.core.volume import Circle, Corridor, Shape, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.exports import ed318
from exported import exported, read_again
from nodes import around, hospital
from strategies import notices, plans, presences, zones

SCHEMAS = Path(__file__).parents[1] / "vectors" / "ed318"


def validator() -> Any:
    """Of the collection's schema, with those that it refers to."""
    found = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("Schema_*.json")}
    resources = [
        (f"http://ed318/{name}", referencing.Resource.from_contents(one))
        for name, one in found.items()
    ]
    registry: Any = referencing.Registry().with_resources(resources)
    return jsonschema.Draft7Validator(
        {"$ref": "http://ed318/Schema_GeoZones.json"}, registry=registry
    )


VALIDATOR = validator()


def test_the_schemas_tell_what_is_wrong() -> None:
    for path in SCHEMAS.glob("Example_*.json"):
        VALIDATOR.validate(json.loads(path.read_text()))
    document = json.loads(ed318.write(exported([hospital("h", 10, 50)])))
    document["features"][0]["properties"]["identifier"] = "longer than seven"
    assert not VALIDATOR.is_valid(document)


def test_whoever_asks_whether_he_is_within_finds_points_and_lines_too() -> None:
    """A zone is an area, though the published schemas let a line pass."""
    line = Corridor(line=((100_000_000, 500_000_000), (101_000_000, 500_000_000)))
    point = around(10, 50, 0.0)[0].footprint
    shapes: list[tuple[Shape, ...]] = [point, (line,), (*point, Circle(centre=(0, 0)))]
    values = [hospital("h", 10, 50, volumes=(Volume(footprint=one),)) for one in shapes]
    written = json.loads(ed318.write(exported(values)))
    for one, shape in zip(written["features"], shapes, strict=True):
        geometry = one["geometry"]
        if geometry["type"] == "Point":
            assert geometry["extent"]["radius"] > 0
        else:
            within = shapely.from_geojson(json.dumps({**geometry, "layer": None}))
            assert within.area > 0
            assert within.covers(drawing_of([Volume(footprint=shape)]))
    assert "none is named" not in written["features"][0]["properties"]["restrictionConditions"]


def test_no_two_zones_are_called_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ed318, "IDENTIFIER_LENGTH", 1)
    sites: list[Protected] = [hospital(f"h{one}", 10, 50) for one in range(20)]
    written = json.loads(ed318.write(exported(sites)))["features"]
    assert len({one["properties"]["identifier"] for one in written}) == len(sites)


@given(
    values=st.lists(st.one_of(notices, zones, presences, plans), max_size=3),
    grade=st.sampled_from([Grade.FULL, Grade.AREA]),
)
@settings(max_examples=40)
def test_what_is_written_is_valid(values: list[Protected], grade: Grade) -> None:
    VALIDATOR.validate(json.loads(ed318.write(exported(values, grade))))


def test_what_is_asked_and_what_is_to_be_kept_around_it_are_in_it() -> None:
    first = Zone(source_id="z", name="Ask first", rule=ZoneRule.COORDINATE_FIRST,
                 volumes=around(11, 50), uncertainty_mm=1_000)  # fmt: skip
    reading = read_again("ed318", exported([hospital("h", 10, 50, standoff_mm=300_000), first]),
                         "zones")  # fmt: skip
    assert not reading.refusals
    site, zone = reading.values
    assert isinstance(site, Zone)
    assert isinstance(zone, Zone)
    assert (site.rule, zone.rule) == (ZoneRule.NO_ACTIVITY, ZoneRule.COORDINATE_FIRST)
    assert site.volumes[0].footprint == (
        Circle(centre=(100_000_000, 500_000_000), radius_mm=800_000),
    )
    assert zone.volumes[0].footprint[0].radius_m == 501
    area = read_again("ed318", exported([hospital("h", 10, 50)], Grade.AREA), "zones").values[0]
    assert isinstance(area, Zone)
    assert area.rule is ZoneRule.COORDINATE_FIRST

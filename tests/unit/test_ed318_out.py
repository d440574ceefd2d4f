"""ED-318 as its published schemas have it, and as it is read here (docs/files.md)."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import referencing
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.check import Protected
from detente.core.release import Grade
from detente.core.volume import Circle
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

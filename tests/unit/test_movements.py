"""What accompanies a movement: kept, written to files, read again, and shown in full grade only."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from detente.core.notice import Escort, Guard, Notice, NoticeKind
from detente.core.release import Grade
from detente.core.wire import encode, read
from detente.doors.exports import FORMS
from detente.doors.exports.sheet_pages import write
from detente.doors.files import ReadOptions, read_bytes
from detente.doors.readback import PLACES_MAX, readings
from detente.errors import MalformedInput
from exported import AS_OF, exported, read_again
from nodes import around, hospital

HOUR = {"start": "2026-01-07T12:00:00Z", "end": "2026-01-07T13:00:00Z"}
POINT = {"type": "Point", "coordinates": [10.1234, 50.5678]}

words = st.text("abc Ж ع", max_size=20).map(lambda one: " ".join(one.split()))
truths = st.sampled_from([None, True, False])
escorts = st.builds(
    Escort, vehicles=words, marking=words, vehicle_count=st.none() | st.integers(1, 10_000),
    marking_visible_day=truths, marking_visible_thermal=truths,
).flatmap(
    lambda one: st.sampled_from([
        one,
        replace(one, escorted=False),
        replace(one, escorted=True, armed=False),
        replace(one, escorted=True, armed=True),
    ])
)  # fmt: skip


def convoy(escort: Escort | None) -> Notice:
    window: dict[str, object] = {"start": AS_OF, "end": AS_OF.replace(hour=14)}
    legs = (*around(37.1, 36.2, 500, **window), *around(37.2, 36.2, 500, **window))
    return hospital("Convoy", 0, 0, volumes=legs, kind=NoticeKind.MOVEMENT, escort=escort)


def row(**properties: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": POINT, "properties": {**HOUR, **properties}}


def collection(*rows: dict[str, object]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": rows}).encode()


@pytest.mark.parametrize(
    ("escort", "guard"),
    [
        (Escort(), None),
        (Escort(armed=True), Guard.ARMED),
        (Escort(armed=False), Guard.UNARMED),
        (Escort(escorted=False), Guard.UNESCORTED),
        (Escort(escorted=False, armed=False), Guard.UNESCORTED),
        (Escort(escorted=True, armed=True), Guard.ARMED),
        (Escort(escorted=True), None),
    ],
)
def test_what_guards_it_is_one_word_or_not_said(escort: Escort, guard: Guard | None) -> None:
    assert escort.guard is guard


def test_an_armed_escort_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedInput, match="unescorted, unarmed or armed"):
        Escort(armed=True, escorted=False)


def test_an_entry_from_before_these_fields_is_read_and_written_as_it_was() -> None:
    old = (
        b'{"category":"convoy","escort":{"armed":false,"marking":"red cross",'
        b'"marking_visible_thermal":true,"vehicles":"3 lorries"},"name":"n","source_id":"s",'
        b'"type":"notice","volumes":[{"footprint":[{"centre":[0,0],"type":"circle"}]}]}'
    )
    value = read(old)
    assert isinstance(value, Notice)
    assert value.escort is not None
    assert (value.escort.guard, value.escort.vehicles) == (Guard.UNARMED, "3 lorries")
    assert encode(value) == old


@given(escort=escorts)
@pytest.mark.parametrize("form", ["geojson", "kml", "gpkg", "csv"])
def test_a_file_of_ours_holds_it_and_is_read_again(form: str, escort: Escort) -> None:
    [again] = read_again(form, exported([convoy(escort)]), "notices").values
    assert isinstance(again, Notice)
    assert (again.escort or Escort()) == escort


@pytest.mark.parametrize("form", FORMS)
def test_an_area_says_nothing_of_it(form: str) -> None:
    escort = Escort(armed=True, vehicles="zebra lorries", marking="okapi")
    data = FORMS[form].write(exported([convoy(escort)], Grade.AREA))
    assert b"zebra" not in data
    assert b"okapi" not in data


def test_a_crew_sheet_says_it() -> None:
    escort = Escort(
        armed=False, escorted=True, vehicle_count=7, vehicles="lorries", marking="blue roof",
        marking_visible_day=True, marking_visible_thermal=False,
    )  # fmt: skip
    with pypdfium2.PdfDocument(write(exported([convoy(escort)]))) as document:
        text = document[0].get_textpage().get_text_range()
    for told in ("7 in all; lorries", "unarmed", "blue roof; visible by day; not visible to a"):
        assert told in text


def test_the_first_leg_that_says_it_says_it_of_all() -> None:
    rows = collection(
        row(movement="m"),
        row(movement="m", escort="Armed", vehicle_count="4", marking_visible_day="yes"),
        row(movement="m", escort="unescorted", marking_visible_day="no"),
    )
    [value] = read_bytes("a.geojson", rows, ReadOptions(kind="notices")).values
    assert isinstance(value, Notice)
    assert len(value.volumes) == 3
    assert value.escort == Escort(
        armed=True, escorted=True, vehicle_count=4, marking_visible_day=True
    )


@pytest.mark.parametrize(
    ("given", "doubt"),
    [
        ({"escort": "police"}, "escort: expected unescorted, unarmed, armed, got police"),
        ({"vehicle_count": 1.5}, "vehicle_count: expected a whole number from 1 to 10000"),
        ({"vehicle_count": 0}, "got 0"),
        ({"marking_visible_day": "perhaps"}, "expected true or false, got perhaps"),
        ({"vehicles": "x" * 4_001}, "vehicles: expected at most 4000 characters, got 4001"),
    ],
)
def test_what_cannot_be_read_of_it_is_doubted_and_the_movement_protects(
    given: dict[str, object], doubt: str
) -> None:
    found = read_bytes("a.geojson", collection(row(movement="m", **given)),
                      ReadOptions(kind="notices"))  # fmt: skip
    [value] = found.values
    assert isinstance(value, Notice)
    assert (value.kind, value.escort, found.refusals) == (NoticeKind.MOVEMENT, None, [])
    assert doubt in str(found.doubts[0])


def test_a_site_has_none() -> None:
    [value] = read_bytes("a.geojson", collection(row(vehicles="2")),
                        ReadOptions(kind="notices")).values  # fmt: skip
    assert isinstance(value, Notice)
    assert value.escort is None


@pytest.fixture
def back() -> Callable[..., list[tuple[tuple[str, ...], int]]]:
    def legs(*rows: dict[str, object]) -> list[tuple[tuple[str, ...], int]]:
        now = datetime(2026, 1, 7, tzinfo=UTC)
        [one] = readings("r", collection(*rows), kind="notices", party="one", now=now).values
        return [(leg.places, leg.positions) for leg in one.legs]

    return legs


def test_each_leg_is_read_back(back: Callable[..., list[tuple[tuple[str, ...], int]]]) -> None:
    line = {"type": "LineString", "coordinates": [[10.5, 50.25], [10.75, 50.25]]}
    first, second = back(row(movement="m"), row(movement="m", width_m=100) | {"geometry": line})
    assert "50.5678000, 10.1234000" in first[0][0]
    assert "50.2500000, 10.5000000" in second[0][0]
    assert second[1] >= 2
    assert back(row(movement="m")) == []


def test_of_many_places_so_many_are_spelt_and_all_are_counted(
    back: Callable[..., list[tuple[tuple[str, ...], int]]],
) -> None:
    many = {"type": "MultiPoint", "coordinates": [[10 + n / 1_000, 50] for n in range(80)]}
    legs = back(*[row(movement="m", radius_m=5) | {"geometry": many}] * 3)
    assert [len(places) for places, _ in legs] == [80, PLACES_MAX - 80, 0]
    assert [positions for _, positions in legs] == [80, 80, 80]

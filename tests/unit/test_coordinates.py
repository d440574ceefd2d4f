"""Coordinates as people write them; MGRS against GeographicLib and GEOTRANS."""

import contextlib
import csv
import gzip
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyproj import Transformer

from detente.core.coordinates import angle, forms, from_mgrs, place, spelt
from detente.errors import MalformedInput
from judge import GEOD

VECTORS = Path(__file__).parents[1] / "vectors" / "mgrs" / "mgrs_vectors.csv.gz"


def test_two_thousand_grid_references() -> None:
    with gzip.open(VECTORS, "rt") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2_048
    for row in rows:
        for column in ("mgrs_geographiclib_trunc", "mgrs_geotrans_round"):
            found = from_mgrs(row[column])
            apart = GEOD.inv(found.lon_deg, found.lat_deg, float(row["lon"]), float(row["lat"]))[2]
            # Half the diagonal of a square metre, which truncation fills.
            assert apart <= 0.72, row


def test_a_coarser_square_is_its_middle() -> None:
    fine, coarse = from_mgrs("37SCA3650013500"), from_mgrs("37S CA 36 13")
    assert GEOD.inv(fine.lon_deg, fine.lat_deg, coarse.lon_deg, coarse.lat_deg)[2] <= 1
    assert coarse.resolution_deg == pytest.approx(0.009, rel=0.01)


@pytest.mark.parametrize("text", ["", "99ZZZ12", "37SCA369661364", "hello", "37IOO11"])
def test_what_is_no_grid_reference(text: str) -> None:
    with pytest.raises(MalformedInput, match="MGRS such as"):
        from_mgrs(text)


@pytest.mark.parametrize(
    ("text", "degrees", "axis"),
    [
        ("36.7180", 36.718, None),
        ("-118,25", -118.25, None),
        ("+5", 5, None),
        ("-8.9e-05", -0.000089, None),
        ("36°43'4.91\"N", 36.718030556, "lat"),
        ("68°51′43.96″E", 68.862211111, "lon"),  # noqa: RUF001 - primes, as printed
        ("N36 43.08", 36.718, "lat"),
        ("s 8.5", -8.5, "lat"),
        ("36:43:04.91", 36.718030556, None),
        ("-36 30", -36.5, None),
        ("364305N", 36.718055556, "lat"),
        ("3643N", 36.716666667, "lat"),
        ("0365130.5W", -36.858472222, "lon"),
        ("36d43m4.91s", 36.718030556, None),
    ],
)
def test_one_coordinate(text: str, degrees: float, axis: str | None) -> None:
    found = angle(text, what="latitude")
    assert found.degrees == pytest.approx(degrees, abs=1e-8)
    assert found.axis == axis


@pytest.mark.parametrize(
    ("text", "resolution_deg"),
    [("36", 1), ("36.7", 0.1), ("36.70", 0.01), ("36°43'", 1 / 60), ("1.5e-03", 1e-4)],
)
def test_how_finely_it_was_written(text: str, resolution_deg: float) -> None:
    assert angle(text, what="latitude").resolution_deg == pytest.approx(resolution_deg)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "nan", "inf", "1e5", "36°61'N", "36°10'60\"", "-36N", "N36N", "36,5,5", "1" * 200,
     "36438N", "36 43 4 9"],
)  # fmt: skip
def test_what_is_no_coordinate(text: str) -> None:
    with pytest.raises(MalformedInput, match="latitude: expected"):
        angle(text, what="latitude")


@pytest.mark.parametrize(
    "text",
    [
        "36°43'4.91\"N 68°51'43.96\"E",
        "68°51'43.96\"E, 36°43'4.91\"N",
        "N36°43'4.91\" E68°51'43.96\"",
        "36.718031, 68.862211",
        "36.718031,68.862211",
        "36,718031; 68,862211",
        "36.718031 68.862211",
        "36 43 4.91 68 51 43.96",
        "364304.91N 0685143.96E",
        "42SVF8769463602",
    ],
)
def test_the_trauma_centre_of_kunduz_in_all_spellings(text: str) -> None:
    """36°43'4.91"N 68°51'43.96"E, as it was given on 29 September 2015."""
    found = place(text)
    apart = GEOD.inv(found.lon_deg, found.lat_deg, 68 + 51 / 60 + 43.96 / 3_600, 36.718030556)[2]
    assert apart <= 1.5


@pytest.mark.parametrize(
    "text", ["", "9 km south of Deir ez-Zor", "36N 37N", "36.7", "1 2 3", "68E 51W", "a, b"]
)
def test_what_is_no_position(text: str) -> None:
    with pytest.raises(MalformedInput, match="latitude and longitude"):
        place(text)


def test_a_position_is_read_back_in_three_spellings() -> None:
    text = spelt(36 + 43 / 60 + 4.91 / 3_600, 68 + 51 / 60 + 43.96 / 3_600)
    assert text == "36.7180306, 68.8622111 = 36°43'04.91\"N 68°51'43.96\"E = 42SVF8769463602"
    for part in spelt(-0.5, -179.999999).split(" = "):
        found = place(part)
        assert found.lat_deg == pytest.approx(-0.5, abs=1e-5)
        assert abs(found.lon_deg) == pytest.approx(180, abs=1e-5)


@given(st.text(max_size=120))
def test_any_text_is_a_position_or_refused(text: str) -> None:
    for parse in (place, from_mgrs, lambda t: angle(t, what="latitude")):
        with contextlib.suppress(MalformedInput):
            parse(text)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_what_is_written_in_degrees_minutes_and_seconds_is_read_back(
    lat: float, lon: float
) -> None:
    def dms(value: float, positive: str, negative: str) -> str:
        seconds = round(abs(value) * 3_600, 2)
        minutes, second = divmod(seconds, 60)
        degrees, minute = divmod(int(minutes), 60)
        return f"{degrees}°{minute}'{second:.2f}\"{positive if value >= 0 else negative}"

    text = f"{dms(lat, 'N', 'S')} {dms(lon, 'E', 'W')}"
    if '60.00"' not in text:
        found = place(text)
        assert found.lat_deg == pytest.approx(lat, abs=0.006 / 3_600)
        assert found.lon_deg == pytest.approx(lon, abs=0.006 / 3_600)


@given(st.floats(-79.9, 83.9), st.floats(-180, 179.9999999))
@example(-1e-6, 0.02)
@example(-4.4e-6, -75.0)
@example(-6e-6, 3.0)
def test_every_form_is_the_same_place(lat: float, lon: float) -> None:
    found = forms(lat, lon)
    for text, within_m in (
        (found.decimal, 0.1), (found.minutes, 2.0), (found.seconds, 0.4), (found.mgrs, 2.0),
    ):  # fmt: skip
        read = place(text)
        assert GEOD.inv(read.lon_deg, read.lat_deg, lon, lat)[2] <= within_m, text
    assert found.utm is not None
    zone, easting, northing = found.utm.split()
    # EPSG 326 and 327 and the zone: what pyproj makes of the same place.
    epsg = f"EPSG:32{7 if zone[-1] == 'S' else 6}{int(zone[:-1]):02}"
    x, y = Transformer.from_crs("EPSG:4326", epsg, always_xy=True).transform(lon, lat)
    # GEOTRANS says north or south by the band, and at the equator by how it rounds.
    assert abs(x - int(easting) - 0.5) <= 1.0
    assert abs(y - int(northing) - 0.5) <= 1.0


def test_near_a_pole_there_is_no_utm() -> None:
    found = forms(89.0, 10.0)
    assert found.utm is None
    assert found.mgrs.startswith("Z")
    assert found.minutes == "89°00.000'N 10°00.000'E"

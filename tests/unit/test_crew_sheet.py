"""Crew sheets as PDFium reads them: what each page says; distances err towards care."""

import re
from datetime import timedelta

import numpy as np
import pypdfium2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from detente.core.check import Protected
from detente.core.presence import Presence, Track
from detente.core.release import Grade, Release
from detente.core.volume import Circle, Corridor, Polygon, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.exports import sheet, sheet_pages
from detente.doors.exports.sheet import sheets_of
from detente.doors.exports.sheet_pages import NOTICE, write
from detente.errors import Conflict
from exported import AS_OF, exported
from judge import GEOD
from nodes import around, flight, hospital

LON, LAT = 37.1, 36.2
SEA, LAND = (213, 227, 236), (244, 241, 232)


def pages_of(data: bytes) -> list[str]:
    """The text of each page."""
    with pypdfium2.PdfDocument(data) as document:
        return [page.get_textpage().get_text_range() for page in document]


def many() -> list[Protected]:
    """One of each kind, in an invented district."""
    line = ((371_000_000, 362_000_000), (373_000_000, 363_000_000))
    road = Volume(footprint=(Corridor(line=line, width_mm=2_000_000),), start=AS_OF,
                  end=AS_OF + timedelta(hours=1), lower_mm=0, upper_mm=100_000)  # fmt: skip
    corners = tuple((371_500_000 + n * 10_000, 361_500_000 + n * n * 100) for n in range(60))
    ring = Volume(footprint=(Polygon(rings=(corners,), buffer_mm=500_000),), lower_mm=-20_000)
    track = Track(position=(371_000_000, 364_000_000), time=AS_OF, speed_max_mm_s=10_000)
    return [
        hospital("Больница №1", LON, LAT, party="one", standoff_mm=300_000,
                 review_due=AS_OF - timedelta(days=1), disputed=True),
        hospital("مستشفى النور", LON + 0.05, LAT, party="one"),
        hospital("Convoy", 0, 0, party="one", volumes=(road, road), category="convoy"),
        Zone(source_id="z", name="$x^2$ " * 20, rule=ZoneRule.NO_ACTIVITY, volumes=(ring,)),
        Presence(source_id="t", name="Team", party="one", track=track),
        flight("Flight", LON, LAT + 0.3, party="one", hazard_mm=5_000),
    ]  # fmt: skip


def test_each_page_says_when_it_expires_and_that_it_permits_nothing() -> None:
    found = exported(many())
    data = write(found)
    pages = pages_of(data)
    assert len(pages) > 6, "the zone's corners go on to another page"
    for number, page in enumerate(pages, start=1):
        assert "EXPIRES 2026-01-08 12:00:00Z" in page
        assert f"as of 2026-01-07 12:00:00Z edition {found.edition}" in page
        assert NOTICE in page
        assert f"page {number} of {len(pages)}" in page
    for page, words in zip(
        (pages[0], pages[1], pages[2], pages[3], pages[-2], pages[-1]),
        (
            ("Больница №1", "300 m (985 ft)", "review is overdue", "disputed", "37SCA2918107804",
             "36°12'00.00\"N 37°06'00.00\"E"),
            ("مستشفى النور",),
            ("Volume 2", "2000 m wide", "0 m to 100 m, above the WGS 84 ellipsoid",
             "-296 ft to 689 ft above mean sea level", "07 Jan 2026 13:00:00Z"),
            ("no activity", "widened by 500 m"),
            ("last seen 07 Jan 2026 12:00:00Z", "10 m/s"),
            ("accepted", "within 5 m"),
        ),
        strict=True,
    ):  # fmt: skip
        for word in words:
            assert word in page, (word, page)
    assert "and 20 more corners, not listed" in pages[4]
    assert "(continued)" in pages[4]


def test_letters_are_embedded() -> None:
    data = write(exported(many()[:2]))
    assert b"/FontFile2" in data
    assert b"/Type3" not in data


def test_the_ground_is_drawn_and_said_to_be_no_evidence_and_the_file_stays_small() -> None:
    sites = [
        hospital("By the sea", 35.78, 35.75, party="one"),
        hospital("On the ice", 0, -89.95, party="one"),
    ]
    data = write(exported(sites))
    assert len(data) < len(sites) * 40_000
    assert all("no border here is evidence of any" in page for page in pages_of(data))
    # Farther than its plane is true nothing is drawn, and nothing is said of it.
    wide = hospital("The widest", 37, 36, party="one", volumes=around(37.0, 36.0, 900_000.0))
    assert "no border here" not in pages_of(write(exported([wide])))[0]
    colours = picture_of(data).getcolors(1 << 24) or []
    counted = {colour: count for count, colour in colours}
    assert counted[SEA] > counted[LAND] > 10_000


def picture_of(data: bytes) -> Image.Image:
    """The first page, 72 points to the inch."""
    with pypdfium2.PdfDocument(data) as document:
        made: Image.Image = document[0].render().to_pil().convert("RGB")
        return made


def test_nothing_and_an_area_are_told_as_what_they_are() -> None:
    [nothing] = pages_of(write(exported([])))
    assert "Nothing is shown to this party." in nothing
    site = hospital("Name", LON, LAT, party="one", release=Release(members=Grade.AREA))
    [area] = pages_of(write(exported([site], Grade.AREA)))
    assert "An area of one: medical" in area
    assert "its heights are not told" in area
    assert "nothing else of this export within 50 km; what is not shown may be" in area


def test_more_than_a_binder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "SHEETS_MAX", 5)
    with pytest.raises(Conflict, match="at most 5 objects"):
        write(exported(many()))
    monkeypatch.undo()
    monkeypatch.setattr(sheet_pages, "PAGES_MAX", 5)
    with pytest.raises(Conflict, match="at most 5 pages"):
        write(exported(many()))


def test_of_very_many_neighbours_the_nearest_are_told_and_the_rest_counted() -> None:
    found = sheets_of(exported([hospital(f"n{n}", LON + n / 1_000, LAT) for n in range(30)]))
    near = [text for _, text in found[0].lines][-26:]
    assert near[-1] == "and 4 more within 50 km, not listed"
    assert "n1 " in near[0]


@given(azimuth=st.integers(0, 359), apart_m=st.floats(2_000, 60_000), radius_m=st.integers(0, 900))
@example(azimuth=0, apart_m=5_000.99, radius_m=0)
@settings(max_examples=20)
def test_a_neighbour_is_never_told_to_be_farther_than_it_is(
    azimuth: int, apart_m: float, radius_m: int
) -> None:
    lon, lat, _ = GEOD.fwd(LON, LAT, azimuth, apart_m)
    later = Volume(
        footprint=(
            Circle(centre=(round(lon * 1e7), round(lat * 1e7)), radius_mm=radius_m * 1_000),
        ),
        start=AS_OF,
        lower_mm=5_000_000,
    )
    here = hospital("here", 0, 0, volumes=around(LON, LAT, 100.0, end=AS_OF - timedelta(days=1)))
    one, _ = sheets_of(exported([here, hospital("there", 0, 0, volumes=(later,))]))
    true_m = apart_m - radius_m - 100
    if true_m < 49_999:
        [neighbour] = one.neighbours
        assert true_m - 2 < neighbour.distance_m <= true_m + 0.005
        assert abs((neighbour.bearing_deg - azimuth + 180) % 360 - 180) <= 1
        assert re.search(r"(km|m), bearing \d{3}° true: there", one.lines[-1][1])
    elif true_m > 50_001:
        assert not one.neighbours


@pytest.mark.parametrize(
    ("lon", "lat"), [(179.99, -17.0), (-179.99, 60.0), (10.0, 89.95), (-120.0, -89.95)]
)
def test_a_place_at_the_antimeridian_or_a_pole_is_told_and_drawn_where_it_is(
    lon: float, lat: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = hospital("Here", lon, lat, volumes=around(lon, lat, 20_000))
    east, north, _ = GEOD.fwd(lon, lat, 90, 40_000)
    found = exported([there, hospital("East of it", east, north)])
    here, other = (sheet.middle(one.drawing) for one in sheets_of(found))
    assert GEOD.inv(*here, lon, lat)[2] < 6_000, "the pole is 5.6 km from the middle"
    [neighbour] = sheets_of(found)[0].neighbours
    assert neighbour.bearing_deg == round(GEOD.inv(*here, *other)[0]) % 360
    if abs(lat) < 80:
        assert abs(neighbour.bearing_deg - 90) <= 1
    # As much of the page is filled as for one that lies elsewhere.
    monkeypatch.setattr(sheet_pages, "ground", lambda *_: None)
    usual = hospital("Usual", 37.0, 36.0, volumes=around(37.0, 36.0, 20_000))
    red, as_usual = (reddened(picture_of(write(exported([one])))) for one in (there, usual))
    assert 0.6 < red / as_usual < 1.1, "the map is wider where the pole is the middle"


def reddened(page: Image.Image) -> int:
    """Pixels of lines and areas."""
    pixels = np.asarray(page).astype(int)
    return int((pixels[..., 0] - pixels[..., 2] > 15).sum())


def told(sheets: list[sheet.Sheet]) -> str:
    return "\n".join(f"{what}: {text}" for what, text in sheets[0].lines)


def test_a_sheet_is_told_as_a_crew_reads_it() -> None:
    long = ((371_000_000, 362_000_000), (374_000_000, 364_000_000))
    between = ((371_000_000, 362_000_000), (372_500_000, 363_000_000), (374_000_000, 364_000_000))
    road = Volume(
        footprint=(Corridor(line=between, width_mm=9_000, edge_error_mm=400),
                   Corridor(line=long, width_mm=9_000)),
        lower_mm=100_000, upper_mm=1_000_000,
    )  # fmt: skip
    site = hospital("Road", 0, 0, volumes=(road,), standoff_mm=1_000_000_000)
    text = told(sheets_of(exported([site])))
    assert text.count("a corridor, 9 m wide") == 1, "one line in two readings"
    assert "edges are geodesics, and straight in degrees as well" in text
    assert "Keep away: 1000000 m (" in text
    assert "100 m to 1000 m, above the WGS 84 ellipsoid" in text
    # 90 m lower and 110 m higher, for the geoid is within that of the ellipsoid everywhere.
    assert ": 32 ft to 3642 ft above mean sea level" in text
    site = hospital("A", 37.0, 36.0)
    text = told(sheets_of(exported([site])))
    assert "36°00.000'N 37°00.000'E" in text, "degrees and minutes, as GPS receivers have them"
    assert "Height: all heights" in text
    half = Volume(footprint=around(37.0, 36.0)[0].footprint, lower_mm=0)
    up = told(sheets_of(exported([hospital("A", 0, 0, volumes=(half,))])))
    assert "0 m to no limit" in up
    half = Volume(footprint=around(37.0, 36.0)[0].footprint, upper_mm=0)
    down = told(sheets_of(exported([hospital("A", 0, 0, volumes=(half,))])))
    assert "all below to 0 m" in down


def test_a_name_does_not_break_a_line_nor_turn_what_stands_after_it() -> None:
    names = [hospital("First\nline", LON, LAT), hospital("\u202eturned", LON, LAT + 0.01)]
    page = pages_of(write(exported(names)))[0]
    assert "First line" in page
    assert ": turned (medical); call none is named" in page

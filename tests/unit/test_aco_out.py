"""The airspace control order: each set as public readers take it, and rounded outwards."""

import re
from datetime import timedelta

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.check import Protected
from detente.core.release import Grade
from detente.core.volume import Corridor, Polygon, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.exports import aco
from exported import AS_OF, exported
from judge import GEOD
from nodes import around, flight, hospital
from strategies import notices, zones

FIELD = r"[A-Z0-9 .,():?-]+"
SETS = {
    "OPER": rf"OPER/{FIELD}//", "MSGID": rf"MSGID/ACO/{FIELD}/\d{{7}}/[A-Z]{{3}}/-/-//",
    "ACOID": rf"ACOID/{FIELD}/[0-3]\dA//", "GEODATUM": "GEODATUM/WGS 1984//",
    "PERIOD": r"PERIOD/\d{6}Z[A-Z]{3}\d{4}/\d{6}Z[A-Z]{3}\d{4}//",
    "GENTEXT": rf"GENTEXT/ACO INFORMATION/{FIELD}//",
    "ACMID": r"ACMID/ACM:ROZ/NAME:[A-Z0-9 .,()?-]{1,30}/(CIRCLE|POLYGON)/USE:(NFA|RFA)//",
    "CIRCLE": r"CIRCLE/LATS:\d{6}[NS]\d{7}[EW]/\d+\.\dKM//",
    "POLYGON": r"POLYGON(/LATS:\d{6}[NS]\d{7}[EW]){3,}//",
    "EFFLEVEL": r"EFFLEVEL/(BRRA:GL-\d{3}AMSL|RARA:\d{3}AMSL-\d{3}AMSL)//",
    "APERIOD": r"APERIOD/DISCRETE/\d{6}Z[A-Z]{3}/\d{6}Z[A-Z]{3}//",
}  # fmt: skip
PLACE = re.compile(r"LATS:(\d\d)(\d\d)(\d\d)([NS])(\d{3})(\d\d)(\d\d)([EW])")


def sets_of(data: bytes) -> list[str]:
    """The sets, each of them well formed, in lines that are not too long."""
    text = data.decode("ascii")
    assert max(map(len, text.splitlines())) <= aco.LINE_MAX
    joined = re.sub(r"(?<!//)\n", lambda found: " " if "GENTEXT" in text[: found.start()] and
                    "ACMID" not in text[: found.start()] else "", text)  # fmt: skip
    found = joined.splitlines()
    for one in found:
        assert re.fullmatch(SETS[one.partition("/")[0]], one), one
    return found


def places(one: str) -> list[tuple[float, float]]:
    """Longitude and latitude of a set's positions."""
    out = []
    for d, m, s, ns, dd, mm, ss, ew in PLACE.findall(one):
        lat = int(d) + int(m) / 60 + int(s) / 3_600
        lon = int(dd) + int(mm) / 60 + int(ss) / 3_600
        out.append((lon if ew == "E" else -lon, lat if ns == "N" else -lat))
    return out


def test_an_order() -> None:
    line = ((371_000_000, 362_000_000), (373_000_000, 363_000_000))
    road = Volume(footprint=(Corridor(line=line, width_mm=2_000_000),),
                  start=AS_OF + timedelta(hours=1, seconds=30),
                  end=AS_OF + timedelta(hours=2, seconds=1), lower_mm=1_000_000,
                  upper_mm=2_000_000)  # fmt: skip
    over = Volume(footprint=road.footprint, end=AS_OF - timedelta(days=1))
    values: list[Protected] = [
        hospital("Al Noor / (invented)", 37.1, 36.2, standoff_mm=300_000),
        hospital("مستشفى", -0.5, -0.25), hospital("Convoy", 0, 0, volumes=(road, over)),
        Zone(source_id="z", name="Ask", rule=ZoneRule.COORDINATE_FIRST, volumes=around(38, 36)),
        flight("f", 37, 37),
    ]  # fmt: skip
    found = sets_of(aco.write(exported(values)))
    assert found[0] == "OPER/TEST//"
    assert found[4] == "PERIOD/071200ZJAN2026/081200ZJAN2026//"
    assert "NOT IN IT, 1 OF PRESENCE AND PLANS, 1 NOT WITHIN THE PERIOD." in found[5]
    assert found[6:10] == [
        "ACMID/ACM:ROZ/NAME:AL NOOR (INVENTED) 00000000/CIRCLE/USE:NFA//",
        "CIRCLE/LATS:361200N0370600E/0.9KM//",
        "EFFLEVEL/BRRA:GL-999AMSL//",
        "APERIOD/DISCRETE/071200ZJAN/081200ZJAN//",
    ]
    assert found[10].startswith("ACMID/ACM:ROZ/NAME:MEDICAL 00000000")
    assert found[11] == "CIRCLE/LATS:001500S0003000W/0.6KM//"
    convoy = found[14:18]
    assert convoy[2:] == [
        "EFFLEVEL/RARA:029AMSL-070AMSL//",
        "APERIOD/DISCRETE/071300ZJAN/071401ZJAN//",
    ]
    assert found[18].endswith("USE:RFA//")
    assert len(found) == 22
    [area] = [
        one
        for one in sets_of(aco.write(exported(values[:1], Grade.AREA)))
        if one.startswith("ACMID")
    ]
    assert area.endswith("USE:RFA//")


@given(lon=st.floats(-179, 179), lat=st.floats(-80, 80), radius_m=st.integers(0, 5_000))
@settings(max_examples=50)
def test_a_circle_holds_what_it_was_written_of(lon: float, lat: float, radius_m: int) -> None:
    value = hospital("h", lon, lat, volumes=around(lon, lat, radius_m), standoff_mm=50_000)
    circle = sets_of(aco.write(exported([value])))[7]
    [(there_lon, there_lat)] = places(circle)
    reach_m = float(circle.split("/")[2].removesuffix("KM")) * 1_000
    _, _, apart_m = GEOD.inv(lon, lat, there_lon, there_lat)
    assert radius_m + 50 + apart_m <= reach_m + 0.1
    assert reach_m <= radius_m + 50 + 150


@given(value=st.one_of(notices, zones))
@settings(max_examples=40)
def test_every_order_is_well_formed(value: Protected) -> None:
    sets_of(aco.write(exported([value])))


def test_a_polygon_holds_what_it_was_written_of() -> None:
    line = ((371_000_033, 362_000_077), (373_000_011, 363_000_099))
    road = Volume(footprint=(Corridor(line=line, width_mm=2_000_000),))
    polygon = sets_of(aco.write(exported([hospital("r", 0, 0, volumes=(road,))])))[7]
    ring = shapely.Polygon(places(polygon))
    for lon, lat in line:
        for azimuth in range(0, 360, 10):
            rim = GEOD.fwd(lon / 1e7, lat / 1e7, azimuth, 1_000)
            assert ring.covers(shapely.Point(rim[:2]))


def test_no_corner_of_a_polygon_stands_twice_in_a_row() -> None:
    ring = ((371_000_033, 362_000_077), (373_000_011, 362_000_099), (372_000_000, 364_000_000))
    zone = Zone(source_id="z", name="Z", rule=ZoneRule.NO_ACTIVITY,
                volumes=(Volume(footprint=(Polygon(rings=(ring,)),)),))  # fmt: skip
    polygon = sets_of(aco.write(exported([zone])))[7]
    found = places(polygon)
    assert all(one != found[at - 1] for at, one in enumerate(found))
    assert 3 <= len(found) < 93
    covers = shapely.Polygon(found).covers
    assert all(covers(shapely.Point(lon / 1e7, lat / 1e7)) for lon, lat in ring)


@pytest.mark.parametrize(
    ("rounded", "kept"),
    [("AAABBCA", "BCA"), ("ABC", "ABC"), ("AABB", "AABB"), ("AAA", "AAA"), ("ABAC", "ABAC")],
)
def test_corners_are_dropped_down_to_three(rounded: str, kept: str) -> None:
    assert "".join(aco._corners(list(rounded))) == kept


@pytest.mark.parametrize(
    ("lower_m", "upper_m", "level"),
    [(None, None, "BRRA:GL-999AMSL"), (0, 100, "BRRA:GL-007AMSL"), (1_000, None,
     "RARA:029AMSL-999AMSL"), (-50, -40, "BRRA:GL-003AMSL"), (50_000, 60_000,
     "RARA:999AMSL-999AMSL"), (-5_000, -4_000, "BRRA:GL-000AMSL")],
)  # fmt: skip
def test_heights(lower_m: int | None, upper_m: int | None, level: str) -> None:
    volume = Volume(
        footprint=around(10, 50)[0].footprint,
        lower_mm=None if lower_m is None else lower_m * 1_000,
        upper_mm=None if upper_m is None else upper_m * 1_000,
    )
    found = sets_of(aco.write(exported([hospital("h", 0, 0, volumes=(volume,))])))
    assert f"EFFLEVEL/{level}//" in found

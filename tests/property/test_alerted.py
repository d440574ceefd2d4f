"""Any zone becomes a valid alert, whose areas hold all of it (R-06)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cap_alerts import all_of, read
from detente.core.agreement import Agreement
from detente.core.altitude import AltitudeReference, lower_mm, upper_mm
from detente.core.entry import EntryKind
from detente.core.party import Desk, Party
from detente.core.release import Grade, Release, Tlp
from detente.core.view import Reader, View
from detente.core.volume import Circle, Corridor, Polygon, Shape, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.cap.areas import POLYGONS_MAX, VERTICES_MAX, areas_of, band_ft
from detente.doors.cap.routes import asked_of, named
from detente.doors.cap.saying import INFOS_MAX
from detente.doors.cap.wire import Letterhead, alert_element, feed_element, written
from detente.errors import MalformedInput, NotFound
from detente.node.telling.alerts import Alert, AlertPage, Earlier, Message
from detente.node.telling.sight import Change, Event
from judge import GEOD, FloatArray
from strategies import names, some_volumes, volumes

AT = datetime(2026, 11, 28, 12, 0, 0, 999_999, tzinfo=UTC)
TURN = np.array([360, 0])
HEAD = Letterhead(url="http://node.example", status="Exercise")
READER = Reader(
    party="two",
    agreement=Agreement(name="Test"),
    parties={"one": Party(id="one", name="One & all")},
    grants={},
    now=AT,
)


def told(
    zone: Zone | None, message: Message = Message.ALERT, **parts: Any
) -> tuple[AlertPage, Alert]:
    """An alert of a zone, seen in full."""
    view = None if zone is None else View(
        object="a" * 32, kind=EntryKind.ZONE, version=3, sequence=7, token="", party="one",
        **{"grade": Grade.FULL, "value": zone, **parts},
    )  # fmt: skip
    event = Event(
        sequence=7, at=AT, kind=EntryKind.ZONE, object="a" * 32, version=3, change=Change.NEW,
        leaf="", view=view,
    )  # fmt: skip
    alert = Alert(event=event, message=message, party="one")
    page = AlertPage(reader=READER, theatre="test", since=AT, alerts=(alert,))
    return page, alert


def alert_of(zone: Zone | None, message: Message = Message.ALERT, **parts: Any) -> Any:
    page, alert = told(zone, message, **parts)
    written(feed_element(page, HEAD, {}))
    return read(written(alert_element(page, alert, HEAD)))


def zone_of(*volumes: Volume, **parts: Any) -> Zone:
    given: dict[str, Any] = {"source_id": "z", "name": "Z", "rule": ZoneRule.BOUNDARY}
    return Zone(**{**given, **parts}, volumes=volumes)


@given(
    volumes=some_volumes,
    name=names,
    rule=st.sampled_from(ZoneRule),
    message=st.sampled_from(Message),
)
@settings(max_examples=60, deadline=None)
def test_any_zone_is_a_valid_alert(
    volumes: tuple[Volume, ...], name: str, rule: ZoneRule, message: Message
) -> None:
    desk = Desk(id="d", name=name, contacts=(name,))
    zone = zone_of(*volumes, name=name, rule=rule, disputed=True, uncertainty_mm=7)
    root = alert_of(zone, message, desk=desk, tlp=Tlp.RED, late=True)
    assert len(all_of(root, "areaDesc")) >= 1
    assert "AllClear" not in all_of(root, "responseType")
    assert all(-180 <= float(pair.split(",")[1]) <= 180
               for one in all_of(root, "polygon") for pair in one.split())  # fmt: skip


def core_of(shape: Shape) -> FloatArray:
    """Places of a shape, on its vertices and on its geodesics."""
    match shape:
        case Circle():
            return np.array([shape.centre]) / 1e7
        case Corridor():
            lines = [shape.line]
        case Polygon():
            lines = [(*ring, ring[0]) for ring in shape.rings]
    found = [np.array(line) / 1e7 for line in lines]
    for line in lines:
        for (x, y), (u, v) in pairwise(line):
            between = GEOD.npts(x / 1e7, y / 1e7, u / 1e7, v / 1e7, 5)
            found.append(np.array(between))
    return np.concatenate(found)


@given(volume=volumes(), around_mm=st.integers(0, 2_000_000))
@example(
    volume=Volume(footprint=(Corridor(line=((1_799_000_000, 0), (-1_799_000_000, 10))),)),
    around_mm=0,
)
@settings(max_examples=60, deadline=None)
def test_areas_hold_the_volume(volume: Volume, around_mm: int) -> None:
    [area] = areas_of([volume], around_mm)
    rings = [
        shapely.Polygon([tuple(map(float, pair.split(",")))[::-1] for pair in one.split()])
        for one in area.polygons
    ]
    drawing = shapely.union_all(rings)
    circles = [one for one in volume.footprint if isinstance(one, Circle)]
    assert len(area.circles) == len(circles)
    for text, circle in zip(area.circles, circles, strict=True):
        place, radius = text.split(" ")
        assert float(radius) * 1e6 == pytest.approx(circle.radius_mm + around_mm, abs=1e-3)
        lat, lon = map(float, place.split(","))
        assert (round(lon * 1e7), round(lat * 1e7)) == circle.centre
    for shape in volume.footprint:
        if not isinstance(shape, Circle):
            places = core_of(shape)
            places = places[np.abs(places[:, 1]) < 89.999]  # At a pole all longitudes are one.
            apart = shapely.distance(shapely.points(places), drawing)
            east = shapely.distance(shapely.points(places + TURN), drawing)
            west = shapely.distance(shapely.points(places - TURN), drawing)
            assert np.minimum(apart, np.minimum(east, west)).max(initial=0) < 1e-9


def test_holes_are_filled_and_what_is_too_fine_is_told_as_its_hull() -> None:
    turn = np.linspace(0, 2 * np.pi, 3 * VERTICES_MAX, endpoint=False)
    wave = 1 + 0.1 * np.cos(200 * turn)
    ring = tuple(
        (round(x), round(y))
        for x, y in 3e8 + 1e6 * (wave * np.array([np.cos(turn), np.sin(turn)])).T
    )
    fine = Volume(footprint=(Polygon(rings=(ring,)),))
    [area] = areas_of([fine], 0)
    assert area.simplified
    assert len(area.polygons[0].split()) < VERTICES_MAX
    dots = tuple(
        Polygon(rings=(((n * 1000, 0), (n * 1000 + 9, 0), (n * 1000, 9)),))
        for n in range(POLYGONS_MAX + 1)
    )
    [area] = areas_of([Volume(footprint=dots)], 0)
    assert (area.simplified, len(area.polygons)) == (True, 1)
    circles = tuple(Circle(centre=(n * 1000, 0), radius_mm=9) for n in range(POLYGONS_MAX + 1))
    [area] = areas_of([Volume(footprint=circles)], 0)
    assert (area.simplified, len(area.polygons), area.circles) == (True, 1, ())


@given(low=st.floats(-400, 20_000), thick=st.floats(0, 20_000))
def test_a_band_only_grows(low: float, thick: float) -> None:
    band = lower_mm(low, AltitudeReference.WGS84), upper_mm(low + thick, AltitudeReference.WGS84)
    altitude, ceiling = band_ft(*band)
    assert altitude is not None
    assert ceiling is not None
    # Wherever the geoid is, the band in metres above the ellipsoid lies in the one that is told.
    assert altitude * 0.3048 + 90 <= low + 0.01
    assert ceiling * 0.3048 - 110 >= low + thick - 0.01
    assert band_ft(None, 0) == band_ft(0, None) == (None, None)


def test_each_time_is_told_by_itself_and_very_many_as_one() -> None:
    def at(hours: int) -> Volume:
        start = AT + timedelta(hours=hours)
        return Volume(
            footprint=(Circle(centre=(0, 0)),), start=start, end=start + timedelta(minutes=1)
        )

    root = alert_of(zone_of(at(-1), at(0), at(1), at(2)))
    assert all_of(root, "urgency") == ["Past", "Immediate", "Expected", "Future"]
    # Cut seconds make it begin earlier and end later.
    assert all_of(root, "onset")[2] == "2026-11-28T13:00:00-00:00"
    assert all_of(root, "expires")[2] == "2026-11-28T13:02:00-00:00"[:14] + "01:01-00:00"
    many = [at(n) for n in range(INFOS_MAX + 1)]
    root = alert_of(zone_of(*many))
    assert len(all_of(root, "onset")) == 1
    assert all_of(root, "expires") == ["2026-11-30T14:02:00-00:00"[:14] + "01:01-00:00"]
    root = alert_of(zone_of(*many, Volume(footprint=many[0].footprint)))
    assert all_of(root, "onset") == all_of(root, "expires") == []


def test_what_is_released_until_then_expires_then() -> None:
    until = AT + timedelta(hours=3)
    zone = zone_of(Volume(footprint=(Circle(centre=(0, 0)),)), release=Release(until=until))
    assert all_of(alert_of(zone), "expires") == ["2026-11-28T15:00:01-00:00"]


def test_what_is_gone_says_neither_name_nor_place() -> None:
    page, alert = told(None, Message.CANCEL)
    alert = replace(
        alert,
        follows=(
            Earlier(object="a" * 32, version=1, at=AT),
            Earlier(object="a" * 32, version=2, at=AT),
        ),
    )
    root = read(written(alert_element(page, alert, HEAD)))
    assert all_of(root, "areaDesc") == []
    assert all_of(root, "status") == ["Exercise"]
    [references] = all_of(root, "references")
    assert references.split()[0] == f"one@test,test.{'a' * 32}.1.two,2026-11-28T12:00:00-00:00"


@given(query=st.dictionaries(st.sampled_from(["after", "limit", "x"]), st.text()), name=st.text())
def test_what_is_asked_is_read_or_refused(query: dict[str, str], name: str) -> None:
    try:
        after, limit = asked_of(query)
    except MalformedInput:
        pass
    else:
        assert (after >= -1, 1 <= limit <= 100) == (True, True)
    try:
        object_id, version = named(name)
    except NotFound:
        return
    assert msgspec.json.encode((object_id, version))

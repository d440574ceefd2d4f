"""The bounds by which a map sieves never miss: what may be in a box is found by it (R-06).

Places that pyproj puts within a shape's radius, and the areas that are told instead of a place,
are within the bounds of their object, whatever the box; and a circle that a box meets is found.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.check import Known
from detente.core.entry import EntryKind
from detente.core.feature import where_now
from detente.core.notice import Notice
from detente.core.presence import Presence, Track
from detente.core.release import Grade, coarse
from detente.core.view import View, label_of
from detente.core.volume import Circle, Corridor, Polygon, Shape, Volume
from detente.doors.features.asking import asked_of
from detente.errors import MalformedInput
from detente.node.layers import Bounds, Item, _bounds_of_circles, _meets, _sheet_of
from detente.picture import Picture
from judge import GEOD, FloatArray
from strategies import some_volumes, tracks

boxes = st.tuples(
    st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 360), st.floats(0, 180)
).map(lambda one: Bounds(one[0], one[1], one[0] + one[2], min(90.0, one[1] + one[3])))


def core_of(shape: Shape) -> tuple[FloatArray, float]:
    """A shape's vertices, and the radius around them, metres."""
    match shape:
        case Circle():
            places: tuple[tuple[int, int], ...] = (shape.centre,)
        case Corridor():
            places = shape.line
        case Polygon():
            places = tuple(place for ring in shape.rings for place in ring)
    return np.array(places, dtype=np.float64) / 1e7, shape.radius_m


def reached(volumes: tuple[Volume, ...]) -> FloatArray:
    """Places of some volumes: their vertices and rims."""
    out = []
    for shape in (one for volume in volumes for one in volume.footprint):
        places, radius_m = core_of(shape)
        for azimuth in (0, 50, 90, 135, 180, 250, 270, 315):
            n = len(places)
            rim = GEOD.fwd(places[:, 0], places[:, 1], [azimuth] * n, [radius_m] * n)
            out += [places, np.column_stack(rim[:2])]
    return np.concatenate(out)


def held(bounds: FloatArray, places: FloatArray, box: Bounds) -> bool:
    """Whether bounds meet the box if one of the places is in it."""
    middle, half = (box.west + box.east) / 2, (box.east - box.west) / 2
    aside = np.abs(np.remainder(places[:, 0] - middle + 180, 360) - 180) <= half
    inside = aside & (places[:, 1] >= box.south) & (places[:, 1] <= box.north)
    return not inside.any() or bool(_meets(bounds, box)[0])


@given(volumes=some_volumes, box=boxes, grid_mm=st.integers(100_000, 100_000_000))
@settings(max_examples=100)
def test_what_is_in_a_box_is_found_by_it(
    volumes: tuple[Volume, ...], box: Bounds, grid_mm: int
) -> None:
    value = Notice(source_id="n", name="n", category="n", volumes=volumes)
    try:
        picture = Picture([Known(value=value, object_id="0" * 32)], label=label_of)
    except MalformedInput:
        return
    bounds = _sheet_of(picture.parts[0].segment).bounds
    assert held(bounds, reached(volumes), box)
    # A tile's own kind of box: around each place, however small.
    for lon, lat in reached(volumes)[:40]:
        assert held(bounds, np.array([[lon, lat]]), Bounds(lon, lat, lon, lat))
    area = coarse(volumes, grid_mm)
    if area is not None:
        assert held(np.array([_bounds_of_circles(area)]), reached(area), box)


@given(track=tracks, age_s=st.floats(0, 100_000), box=boxes)
def test_a_track_is_found_wherever_it_may_be_by_now(
    track: Track, age_s: float, box: Bounds
) -> None:
    from datetime import timedelta  # noqa: PLC0415 - here alone

    value = Presence(source_id="t", name="t", track=track)
    picture = Picture([Known(value=value, object_id="0" * 32)], label=label_of)
    bounds = _sheet_of(picture.parts[0].segment).bounds
    assert held(bounds, reached((where_now(track, track.time + timedelta(seconds=age_s)),)), box)


@given(
    lon=st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 180.0])),
    lat=st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 90.0])),
    radius_mm=st.integers(0, 5_000_000),
    azimuth=st.floats(0, 360),
)
@settings(max_examples=100)
def test_a_box_around_a_place_of_a_circle_takes_it(
    lon: float, lat: float, radius_mm: int, azimuth: float
) -> None:
    circle = Circle(centre=(round(lon * 1e7), round(lat * 1e7)), radius_mm=radius_mm)
    x, y, _ = GEOD.fwd(circle.centre[0] / 1e7, circle.centre[1] / 1e7, azimuth, radius_mm / 1_000)
    view = View(
        object="0" * 32, kind=EntryKind.NOTICE, version=1, sequence=0, token="", party="one",
        grade=Grade.AREA, area=(Volume(footprint=(circle,)),),
    )  # fmt: skip
    for west, east in ((x, x), (x - 1e-9, 180.0), (-180.0, x + 1e-9)):
        south, north = max(-90.0, y - 1e-9), min(90.0, y + 1e-9)
        spelt = f"{max(-180, west):.12f},{south:.12f},{min(180, east):.12f},{north:.12f}"
        wish = asked_of({"bbox": spelt}, EntryKind.NOTICE).wish
        assert wish.takes(Item(view, _Reader()))  # type: ignore[arg-type] # only asked for its time


class _Reader:
    """Whose clock stands still."""

    now = None

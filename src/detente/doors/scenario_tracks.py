"""What moves in a scenario, each second: as a receiver would tell it, and where it crosses.

Along a way that is straight in degrees: one from east to west follows its parallel.
"""

from bisect import bisect_right
from datetime import datetime, timedelta

import numpy as np
import shapely
from msgspec import Struct
from pyproj import Transformer

from detente.core.geodesy import GEOD, FloatArray
from detente.core.heard import Heard
from detente.core.volume import E7_PER_DEG, Polygon
from detente.core.zone import Zone
from detente.doors.feeds.craft import KNOT_MM_S, Said, aircraft
from detente.doors.scenario_toml import Account, Track
from detente.errors import MalformedInput

EACH = timedelta(seconds=1)
"""Between positions: as often as a transponder tells its own."""

EXACT = timedelta(milliseconds=1)
"""To what a crossing is computed: 0.2 m of a fast aircraft's way."""


class Point(Struct, frozen=True):
    """A time and a place in degrees."""

    time: datetime
    lon: float
    lat: float


class Crossing(Struct, frozen=True, kw_only=True):
    """Where a track meets a boundary's territory, or how near it comes.

    Attributes:
        nearest: When and where it is nearest; where it comes in, if it does.
        nearest_m: How far that is, in metres; 0 if it comes in.
        entered: When and where it comes in; None where it stays outside.
        left: When and where it goes out again, or the track ends.
    """

    nearest: Point
    nearest_m: float
    entered: Point | None = None
    left: Point | None = None

    @property
    def length_m(self) -> float:
        """From where it comes in to where it goes out, in metres."""
        if self.entered is None or self.left is None:
            return 0.0
        a, b = self.entered, self.left
        return float(GEOD.inv(a.lon, a.lat, b.lon, b.lat)[2])


def place_at(track: Track, time: datetime) -> tuple[float, float]:
    """Longitude and latitude at a time, in degrees, before and after its fixes too."""
    fixes = track.fixes
    number = bisect_right(fixes, time, key=lambda fix: fix.time)
    first = min(max(number - 1, 0), len(fixes) - 2)
    a, b = fixes[first], fixes[first + 1]
    share = (time - a.time) / (b.time - a.time)
    return a.lon + share * (b.lon - a.lon), a.lat + share * (b.lat - a.lat)


def heard(account: Account) -> list[Heard]:
    """All positions of an account's tracks, in order of time.

    Raises:
        MalformedInput: A track leaves the earth's degrees, or is faster than any aircraft.
    """
    seconds = int((account.end - account.begin) / EACH)
    return [
        _heard(track, account.begin + second * EACH)
        for second in range(seconds + 1)
        for track in account.tracks
    ]


def _heard(track: Track, time: datetime) -> Heard:
    lon, lat = place_at(track, time)
    course, _, metres = GEOD.inv(lon, lat, *place_at(track, time + EACH))
    said = Said(
        address=track.address,
        time=time,
        lat=lat,
        lon=lon,
        name=track.name,
        pressure_ft=track.altitude_ft,
        speed_kt=metres * 1_000 / KNOT_MM_S,
        course_deg=course % 360,
        climb_ft_min=0.0,
    )
    one = aircraft(said)
    if one.observed.speed_mm_s is None:
        raise MalformedInput(
            f"track {track.address}", expected="a speed that can be flown", got=f"{metres:.0f} m/s"
        )
    return one


def crossing(account: Account, zone: Zone) -> Crossing:
    """Where an account's first track meets a boundary's territory first, to the millisecond.

    The boundary's edges are taken as straight in degrees; of edges shorter than a kilometre
    that is the geodesic to within some centimetres. A crossing of under a second may be missed.

    Raises:
        MalformedInput: The zone has no outline.
    """
    track = account.tracks[0]
    land = _land(zone)
    seconds = int((account.end - account.begin) / EACH) + 1
    times = [account.begin + second * EACH for second in range(seconds)]
    places = np.array([place_at(track, time) for time in times])
    inside = shapely.intersects_xy(land, places)
    if not inside.any():
        number, metres = _nearest(land, places)
        return Crossing(nearest=_point(track, times[number]), nearest_m=metres)
    first = int(np.argmax(inside))
    last = first + int(np.argmin([*inside[first:], False]))
    entered, left = _edge(track, land, times, first), _edge(track, land, times, last)
    return Crossing(nearest=entered, nearest_m=0.0, entered=entered, left=left)


def _land(zone: Zone) -> shapely.Geometry:
    rings = [
        ring
        for volume in zone.volumes
        for shape in volume.footprint
        if isinstance(shape, Polygon)
        for ring in shape.rings[:1]
    ]
    if not rings:
        raise MalformedInput("boundary", expected="a polygon")
    land = shapely.union_all([shapely.Polygon(np.array(ring) / E7_PER_DEG) for ring in rings])
    shapely.prepare(land)
    return land


def _nearest(land: shapely.Geometry, places: FloatArray) -> tuple[int, float]:
    """Which place is nearest, and how far; in a plane about the one that is so in degrees."""
    lon, lat = places[int(np.argmin(shapely.distance(land, shapely.points(places))))]
    plane = Transformer.from_crs(
        "EPSG:4326", f"+proj=aeqd +lat_0={lat} +lon_0={lon} +datum=WGS84", always_xy=True
    )

    def flat(degrees: FloatArray) -> FloatArray:
        return np.column_stack(plane.transform(degrees[:, 0], degrees[:, 1]))

    apart = shapely.distance(shapely.transform(land, flat), shapely.points(flat(places)))
    number = int(np.argmin(apart))
    return number, float(apart[number])


def _edge(track: Track, land: shapely.Geometry, times: list[datetime], number: int) -> Point:
    """Where a track goes over the line in the second before a time; at the ends, there."""
    if number in {0, len(times)}:
        return _point(track, times[min(number, len(times) - 1)])
    low, high = times[number - 1], times[number]
    before = bool(shapely.intersects_xy(land, *place_at(track, low)))
    while high - low > EXACT:
        middle = low + (high - low) / 2
        if bool(shapely.intersects_xy(land, *place_at(track, middle))) is before:
            low = middle
        else:
            high = middle
    return _point(track, high)


def _point(track: Track, time: datetime) -> Point:
    return Point(time, *place_at(track, time))

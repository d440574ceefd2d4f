"""Alarms over recorded traffic and invented zones, and a judge who finds what they warn of.

The judge is brute force: from each recorded position, and from points at most two seconds of
flight apart between them, pyproj's geodesics to the zone; the height that the aircraft may have
had against the zone's band. An alarm is true if the aircraft came within what the zone asks,
within the watch's horizon after the alarm began.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detente.core.alerts import Terms
from detente.core.check import Known
from detente.core.edges import circle, polygon
from detente.core.heard import Heard
from detente.core.release import Grade, Release
from detente.core.volume import E7_PER_DEG, MM_PER_M, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.feeds.recorded import recording
from detente.node.feeding import Feed, Feeding
from detente.node.replaying import steps
from detente.node.seen import LiveTracks
from detente.node.watching import Looked, Watched, Watching
from detente.picture import Picture
from judge import GEOD, to_polygon_m
from recorded_tracks import TRACKS

Floats = npt.NDArray[np.float64]
SEED = 24_11_2015
AIRPORTS = TRACKS.parent / "places/airportsdata_icao.csv.gz"
FROM_AIRPORTS_M = 5_000
ZONES = 60
BANDS_M = ((None, None), (-100, 1_000), (1_000, 3_000), (3_000, 9_000))
GAP_MAX_S = 60
"""Between positions that far apart nobody knows where an aircraft was: no judge either."""

LOOK_S = 1.0
"""A position is looked at within a second of its coming."""

NONE: Floats = np.array([])

EPISODE_S = 60.0
"""Who is out for less than that and in again, was in once."""

BOXES = {
    # Of the recordings: west, south, east, north.
    "paris": ("opensky_quickstart.csv.xz", (0.78, 47.73, 4.06, 49.99)),
    "switzerland": ("opensky_switzerland.csv.xz", (5.96, 45.82, 10.49, 47.81)),
}


class Invented(NamedTuple):
    """A zone, and what the judge needs of it."""

    zone: Zone
    centre: tuple[float, float]
    radius_m: float
    ring: list[tuple[float, float]]
    standoff_m: float
    band_m: tuple[float | None, float | None]


class Alarm(NamedTuple):
    """One pair's alert: when it began and ended, and how old its track's position was."""

    track: str
    zone: str
    begun: datetime
    ended: datetime | None
    age_s: float


class Judged(NamedTuple):
    """What became of alarms.

    Attributes:
        true: How many came true within the horizon.
        later: Came true afterwards, while they stood.
        false: Came to nothing.
        false_silent: Of these, how many began when their track had not been heard of for a minute.
        leads_s: Of each coming within, how long before an alarm stood.
        missed: Those before which none stood.
    """

    true: int
    later: int
    false: int
    false_silent: int
    leads_s: list[float]
    missed: list[tuple[str, str, datetime]]


def hour(name: str, begin: datetime, length: timedelta) -> list[Heard]:
    """A part of a recording."""
    heard = recording(TRACKS / BOXES[name][0]).heard
    return [one for one in heard if begin <= one.observed.time < begin + length]


def invented(name: str) -> list[Invented]:
    """Zones anywhere in the recording's box, but not within 5 km of any airport's place.

    Half are circles of 1 to 5 km, half octagons as large; what they ask besides is 0 to 2 km;
    in turn of all heights, up to 1,000 m, to 3,000 m, to 9,000 m; every third hidden.
    """
    west, south, east, north = BOXES[name][1]
    rng = np.random.default_rng(SEED)
    airports = _airports(west - 1, south - 1, east + 1, north + 1)
    out: list[Invented] = []
    while len(out) < ZONES:
        lon, lat = float(rng.uniform(west, east)), float(rng.uniform(south, north))
        radius_m, standoff_m = float(rng.uniform(1_000, 5_000)), float(rng.uniform(0, 2_000))
        shares = rng.uniform(0.5, 1.0, 8)
        apart = GEOD.inv(
            np.full(len(airports), lon), np.full(len(airports), lat), airports[:, 0], airports[:, 1]
        )[2]
        if np.min(apart) >= FROM_AIRPORTS_M:
            out.append(_zone(len(out), (lon, lat), radius_m, standoff_m, shares))
    return out


def _airports(west: float, south: float, east: float, north: float) -> Floats:
    """Longitude and latitude, (n, 2), of those in a box."""
    with gzip.open(AIRPORTS, "rt") as file:
        rows = [(float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file)]
    return np.array([(x, y) for x, y in rows if west < x < east and south < y < north])


def _zone(
    number: int, centre: tuple[float, float], radius_m: float, standoff_m: float, shares: Floats
) -> Invented:
    band = BANDS_M[number % len(BANDS_M)]
    ring = []
    if number % 2:
        turned = np.arange(8) * 45.0
        lon, lat, _ = GEOD.fwd(
            np.full(8, centre[0]), np.full(8, centre[1]), turned, radius_m * shares
        )
        ring = [(round(float(x), 7), round(float(y), 7)) for x, y in zip(lon, lat, strict=True)]
    shape = polygon([ring]) if ring else (circle(*centre, radius_m),)
    low, high = (None if limit is None else limit * MM_PER_M for limit in band)
    zone = Zone(
        source_id=f"z{number}", name=f"Invented {number}", party="owner",
        rule=ZoneRule.NO_ACTIVITY, standoff_mm=round(standoff_m * MM_PER_M),
        volumes=(Volume(footprint=shape, lower_mm=low, upper_mm=high),),
        release=None if number % 3 == 0 else Release(members=Grade.FULL),
    )  # fmt: skip
    return Invented(zone, centre, radius_m, ring, round(standoff_m * MM_PER_M) / MM_PER_M, band)


def alarms(heard: Sequence[Heard], zones: Sequence[Invented], terms: Terms) -> list[Alarm]:
    """Play it with the watch on, as a node does, a look a second."""
    picture = Picture([Known(value=one.zone, object_id=one.zone.source_id) for one in zones])
    tracks = LiveTracks()
    feeding, watching, feed = Feeding(tracks), Watching(terms), Feed(name="replay", party="one")
    feeding.add(feed, heard[0].observed.time)
    out: list[Alarm] = []
    begun: dict[tuple[str, str], Alarm] = {}

    def tell(now: datetime, looked: Looked) -> None:
        for one in looked.begun:
            if one.alert.entry is not None:
                age_s = (now - one.seen.observed.time).total_seconds()
                begun[_pair(one)] = Alarm(*_pair(one), one.alert.begun, None, age_s)
        over = (_pair(one) for one in looked.ended if one.alert.entry is not None)
        out.extend(begun.pop(pair)._replace(ended=now) for pair in over)

    for now, batch in every_second(heard):
        feeding.take(feed, batch, now)
        tell(now, watching.look(picture, tracks.latest(), now))
    return [*out, *begun.values()]


def every_second(heard: Sequence[Heard]) -> list[tuple[datetime, list[Heard]]]:
    """Looks of a node, each second, in those as well in which nothing came."""
    batches = dict(steps(heard))
    first, last = min(batches), max(batches)
    seconds = int((last - first).total_seconds()) + 1
    times = [first + timedelta(seconds=second) for second in range(seconds)]
    return [(now, batches.get(now, [])) for now in times]


def _pair(one: Watched) -> tuple[str, str]:
    return one.seen.observed.track, one.alert.entry or ""


class Way(NamedTuple):
    """Where one aircraft was, (n,) each: seconds since 1970, degrees, metres."""

    time_s: Floats
    lon: Floats
    lat: Floats
    lower_m: Floats
    upper_m: Floats


def ways(heard: Sequence[Heard]) -> dict[str, Way]:
    """Each aircraft's positions, with points between those that are not far apart in time."""
    by_track = defaultdict(list)
    for one in heard:
        by_track[one.observed.track].append(one.observed)
    out = {}
    for track, seen in by_track.items():
        rows = [
            (
                one.time.timestamp(), one.position[0] / E7_PER_DEG, one.position[1] / E7_PER_DEG,
                -np.inf if one.lower_mm is None else one.lower_mm / MM_PER_M,
                np.inf if one.upper_mm is None else one.upper_mm / MM_PER_M,
            )
            for one in seen
        ]  # fmt: skip
        out[track] = _between(np.array(rows))
    return out


def _between(rows: Floats) -> Way:
    parts = [rows]
    for a, b in pairwise(rows):
        lasts = b[0] - a[0]
        count = int(np.ceil(lasts / 2))
        if not 1 < count <= GAP_MAX_S // 2:
            continue
        shares = np.arange(1, count) / count
        azimuth, _, length = GEOD.inv(a[1], a[2], b[1], b[2])
        lon, lat, _ = GEOD.fwd(
            np.full(count - 1, a[1]), np.full(count - 1, a[2]), np.full(count - 1, azimuth),
            length * shares,
        )  # fmt: skip
        low, high = min(a[3], b[3]), max(a[4], b[4])
        level = np.ones(count - 1)
        parts.append(np.column_stack([a[0] + shares * lasts, lon, lat, low * level, high * level]))
    whole = np.concatenate(parts)
    return Way(*whole[np.argsort(whole[:, 0], kind="stable")].T)


def within(way: Way, one: Invented) -> Floats:
    """The times, seconds since 1970, at which an aircraft was within what a zone asks."""
    n = len(way.time_s)
    apart = np.asarray(
        GEOD.inv(np.full(n, one.centre[0]), np.full(n, one.centre[1]), way.lon, way.lat)[2]
    )
    near = apart <= one.radius_m + one.standoff_m
    if one.ring and near.any():
        places = np.column_stack([way.lon[near], way.lat[near]])
        rings = np.broadcast_to(np.array(one.ring), (len(places), len(one.ring), 2))
        near[near] = to_polygon_m(places, rings) <= one.standoff_m
    low, high = one.band_m
    near &= (way.upper_m >= (-np.inf if low is None else low)) & (
        way.lower_m <= (np.inf if high is None else high)
    )
    return way.time_s[near]


def judged(found: Sequence[Alarm], heard: Sequence[Heard], zones: Sequence[Invented]) -> Judged:
    """Hold alarms against what the aircraft did."""
    inside = {
        (track, one.zone.source_id): times
        for track, way in ways(heard).items()
        for one in zones
        if len(times := within(way, one))
    }
    became = [(_became(one, inside.get((one.track, one.zone), NONE)), one.age_s) for one in found]
    by_pair = defaultdict(list)
    for alarm in found:
        by_pair[alarm.track, alarm.zone].append(alarm)
    leads_s, missed = [], []
    for pair, times in inside.items():
        first = np.concatenate([[True], np.diff(times) > EPISODE_S])
        for start in times[first].tolist():
            lead = lead_s(by_pair[pair], start)
            if lead is None:
                missed.append((*pair, datetime.fromtimestamp(start, UTC)))
            else:
                leads_s.append(lead)
    words = [word for word, _ in became]
    silent = sum(word == "false" and age_s > GAP_MAX_S for word, age_s in became)
    return Judged(
        words.count("true"), words.count("later"), words.count("false"), silent, leads_s, missed
    )


def _became(alarm: Alarm, inside_s: Floats) -> str:
    """Whether it came true within the horizon, later while it stood, or not."""
    begun = alarm.begun.timestamp()
    if ((inside_s >= begun - LOOK_S) & (inside_s <= begun + Terms().end_lead_s)).any():
        return "true"
    return "later" if ((inside_s >= begun) & (inside_s <= _ended(alarm))).any() else "false"


def lead_s(some: Sequence[Alarm], start: float) -> float | None:
    """How long an alarm had stood when an aircraft came within; None if none did."""
    stood = [
        start - alarm.begun.timestamp()
        for alarm in some
        if alarm.begun.timestamp() <= start + LOOK_S and start <= _ended(alarm)
    ]
    return max(0.0, *stood, 0.0) if stood else None


def _ended(alarm: Alarm) -> float:
    return np.inf if alarm.ended is None else alarm.ended.timestamp()

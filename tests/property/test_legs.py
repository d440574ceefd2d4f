"""Recorded positions against a plain reading of what came near what (docs/adr/0022)."""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detente.core.agreement import Agreement, Separation
from detente.core.check import Known
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.volume import Circle, Corridor, Polygon, Volume, microseconds
from detente.core.zone import Zone, ZoneRule
from detente.node.past import Past, Protected, ground_of
from detente.node.tracks import Batch, Joining, approaches, measured
from detente.picture import Picture
from detente.picture.cover import cover_of, may_reach
from detente.picture.legs import POSITION, ROUNDED_MM, grouped
from detente.picture.packed import whole
from detente.picture.tables import FOREVER_US, NEVER_US, Records
from judge import GEOD
from world import NOW

E7 = 10_000_000
GAP_S = 60
ANCHORS = [(10, 50), (180, 0), (0, 90), (-180, -90), (-180, 65), (0, 0)]


class Seen(NamedTuple):
    """A position of a track, for the slow reading: 1e-7 degree, seconds, millimetres."""

    track: int
    time_s: int
    place: tuple[int, int]
    height_mm: int | None


def place(anchor: tuple[int, int], dx: int, dy: int) -> tuple[int, int]:
    lon = (anchor[0] * E7 + dx + 180 * E7) % (360 * E7) - 180 * E7
    return lon, max(-90 * E7, min(90 * E7, anchor[1] * E7 + dy))


@st.composite
def offsets(draw: st.DrawFn) -> tuple[int, int]:
    """Within 2 km, 20 km or 2 degrees of a place."""
    scale = draw(st.sampled_from([20_000, 200_000, 20_000_000]))
    return draw(st.integers(-scale, scale)), draw(st.integers(-scale, scale))


@st.composite
def volumes(draw: st.DrawFn, anchor: tuple[int, int]) -> Volume:
    at = [place(anchor, *draw(offsets())) for _ in range(3)]
    shapes: list[Circle | Corridor | Polygon] = [
        Circle(centre=at[0], radius_mm=300_000),
        Circle(centre=at[0]),
        Corridor(line=tuple(at[:2]), width_mm=200_000),
        Polygon(rings=(tuple(at),)),
    ]
    shape = draw(st.sampled_from(shapes))
    start, end = sorted(draw(st.tuples(st.integers(-200, 400), st.integers(-200, 400))))
    low, high = draw(st.sampled_from([(None, None), (None, 100_000), (50_000, None), (0, 90_000)]))
    return Volume(
        footprint=(shape,),
        lower_mm=low,
        upper_mm=high,
        start=draw(st.sampled_from([None, NOW + timedelta(seconds=start)])),
        end=draw(st.sampled_from([None, NOW + timedelta(seconds=end)])),
    )


@st.composite
def pasts(draw: st.DrawFn, anchor: tuple[int, int]) -> Past:
    """Objects with up to three versions each, put on record and replaced while tracks run."""
    found: list[Protected] = []
    for number in range(draw(st.integers(1, 4))):
        times = sorted(draw(st.lists(st.integers(-300, 500), min_size=1, max_size=3)))
        since = [microseconds(NOW + timedelta(seconds=one)) for one in times]
        until = [*since[1:], FOREVER_US]
        for version, (begins, ends) in enumerate(zip(since, until, strict=True)):
            name = f"{number}.{version}"
            some = tuple(draw(st.lists(volumes(anchor), min_size=1, max_size=2)))
            value: Notice | Zone = Notice(
                source_id=name, name=name, category=draw(st.sampled_from(["medical", "school"])),
                volumes=some, standoff_mm=draw(st.sampled_from([0, 700_000])),
            )  # fmt: skip
            if draw(st.booleans()):
                value = Zone(
                    source_id=name, name=name, rule=ZoneRule.BOUNDARY, volumes=some,
                    uncertainty_mm=50_000,
                )  # fmt: skip
            known = Known(value=value, object_id=f"{number}", version=version + 1)
            found.append(Protected(known=known, object=number, since_us=begins, until_us=ends))
    agreed = {"medical": Separation(horizontal_mm=400_000, vertical_mm=30_000)}
    return Past(protected=tuple(found), agreement=Agreement(name="x", separations=agreed))


@st.composite
def tracks(draw: st.DrawFn, anchor: tuple[int, int]) -> list[Seen]:
    """Positions of three tracks, mixed, each in order of time."""
    times = [-100, -100, -100]
    out = []
    for _ in range(draw(st.integers(0, 12))):
        track = draw(st.integers(0, 2))
        times[track] += draw(st.sampled_from([0, 1, 10, 60, 61, 200]))
        height = draw(st.sampled_from([None, 0, 70_000, 120_000, 1_000_000]))
        out.append(Seen(track, times[track], place(anchor, *draw(offsets())), height))
    return out


def arrays(seen: list[Seen]) -> Records:
    out = np.empty(len(seen), dtype=POSITION)
    for one, row in zip(seen, out, strict=True):
        row["track"] = one.track
        row["time_us"] = microseconds(NOW + timedelta(seconds=one.time_s))
        row["lon"], row["lat"] = one.place[0] / E7, one.place[1] / E7
        known = one.height_mm is not None
        row["lower_m"] = (one.height_mm or 0) / 1_000 if known else -np.inf
        row["upper_m"] = (one.height_mm or 0) / 1_000 if known else np.inf
    return out


def at(one: Seen) -> datetime:
    return NOW + timedelta(seconds=one.time_s)


def legs(seen: list[Seen]) -> list[tuple[Seen, Seen]]:
    """Each position with the one before it, or alone."""
    last: dict[int, Seen] = {}
    out = []
    for one in seen:
        before = last.get(one.track)
        joined = before is not None and one.time_s - before.time_s <= GAP_S
        out.append((before, one) if before is not None and joined else (one, one))
        last[one.track] = one
    return out


def plan(begin: Seen, end: Seen, within_mm: int) -> Plan:
    heights = (begin.height_mm, end.height_mm)
    known = [one for one in heights if one is not None]
    whole = len(known) == len(heights)
    volume = Volume(
        footprint=(Corridor(line=(begin.place, end.place), edge_error_mm=ROUNDED_MM),),
        lower_mm=min(known) if whole else None,
        upper_mm=max(known) if whole else None,
        start=at(begin),
        end=at(end),
    )
    return Plan(source_id="leg", volumes=(volume,), hazard_mm=within_mm)


def clipped(one: Protected) -> Known | None:
    """A version as if its own windows ended when it was replaced."""
    if one.until_us == FOREVER_US:
        return one.known
    until = NOW + timedelta(microseconds=one.until_us - microseconds(NOW))
    some = tuple(
        msgspec.structs.replace(volume, end=until if volume.end is None else min(volume.end, until))
        for volume in one.known.value.volumes
        if volume.start is None or volume.start <= until
    )
    if not some:
        return None
    value = msgspec.structs.replace(one.known.value, volumes=some)
    return msgspec.structs.replace(one.known, value=value)


Found = dict[tuple[int, str], list[tuple[datetime, datetime, float]]]


def slowly(past: Past, seen: list[Seen], within_mm: int) -> Found:
    """Each leg against each version by the check's own picture, then what touches in time."""
    near: Found = defaultdict(list)
    for begin, end in legs(seen):
        met: dict[int, tuple[str, float]] = {}
        for one in past.protected:
            known = clipped(one)
            if known is None or one.object in met:
                continue
            picture = Picture([known], agreement=past.agreement)
            for meeting in picture.meetings([plan(begin, end, within_mm)])[0]:
                met[one.object] = one.known.value.source_id, meeting.distance_m
        for name, distance in met.values():
            near[begin.track, name].append((at(begin), at(end), distance))
    return {pair: touching(some) for pair, some in near.items()}


def touching(
    some: list[tuple[datetime, datetime, float]],
) -> list[tuple[datetime, datetime, float]]:
    """What touches in time, as one, with the least distance."""
    whole: list[tuple[datetime, datetime, float]] = []
    for start, end, distance in sorted(some):
        if whole and start <= whole[-1][1]:
            first, last, least = whole.pop()
            whole.append((first, max(last, end), min(least, distance)))
        else:
            whole.append((start, end, distance))
    return whole


def quickly(past: Past, seen: list[Seen], within_mm: int, cuts: list[int]) -> Found:
    """The same by batches that end at ``cuts``."""
    ground, owners = ground_of(past, within_mm / 1_000)
    joining = Joining(ground, GAP_S * 1_000_000)
    positions = arrays(seen)
    found = []
    edges = [0, *sorted(cuts), len(seen)]
    for first, end in pairwise(edges):
        part = positions[first:end].copy()
        used, part["track"] = np.unique(part["track"], return_inverse=True)
        batch = Batch("x", [f"{name}" for name in used.tolist()], part, {})
        over, _ = joining.add(measured(batch, ground, joining.gap_us))
        found += approaches(over, joining.names, owners)
    found += approaches(joining.finish(), joining.names, owners)
    out: Found = defaultdict(list)
    for one in found:
        out[int(one.track), one.id].append((one.start, one.end, one.distance_m))
    return {pair: sorted(some) for pair, some in out.items()}


@given(data=st.data(), within_mm=st.sampled_from([0, 500_000, 3_000_000]))
@settings(max_examples=120, deadline=None)
def test_positions_come_near_what_each_leg_by_itself_does(
    data: st.DataObject, within_mm: int
) -> None:
    anchor = data.draw(st.sampled_from(ANCHORS))
    past, seen = data.draw(pasts(anchor)), data.draw(tracks(anchor))
    cuts = data.draw(st.lists(st.integers(0, len(seen)), max_size=3))
    slow, quick = slowly(past, seen, within_mm), quickly(past, seen, within_mm, cuts)
    assert slow.keys() == quick.keys()
    for pair, some in slow.items():
        assert [one[:2] for one in some] == [one[:2] for one in quick[pair]]
        for one, other in zip(some, quick[pair], strict=True):
            assert one[2] == pytest.approx(other[2], abs=0.000_6)


@given(
    lon=st.floats(-180, 180) | st.sampled_from([-180.0, 180.0, 0.0]),
    lat=st.floats(-90, 90) | st.sampled_from([-90.0, 90.0, 88.99]),
    radius_m=st.floats(0, 900_000),
    azimuth=st.floats(0, 360),
    beyond=st.floats(0, 1),
    way=st.tuples(st.floats(0, 360), st.floats(0, 60_000), st.floats(0, 1)),
)
@example(lon=180.0, lat=0.0, radius_m=0.0, azimuth=90.0, beyond=1.0, way=(90.0, 1.0, 0.0))
@example(lon=0.0, lat=88.7, radius_m=100.0, azimuth=0.0, beyond=1.0, way=(90.0, 20_000.0, 0.5))
@settings(max_examples=600, deadline=None)
def test_no_bit_is_lacking_where_something_reaches(
    lon: float,
    lat: float,
    radius_m: float,
    azimuth: float,
    beyond: float,
    way: tuple[float, float, float],
) -> None:
    """A leg through a place that the circle reaches, judged by pyproj alone."""
    centre = (round(lon * E7), round(lat * E7))
    value = Notice(
        source_id="n", name="n", category="x",
        volumes=(Volume(footprint=(Circle(centre=centre, radius_mm=int(radius_m * 1_000)),)),),
    )  # fmt: skip
    past = Past(protected=(Protected(known=Known(value=value), object=0),))
    ground, _ = ground_of(past, 500.0)
    reach = int(radius_m * 1_000) / 1_000 + 500.0
    at_lon, at_lat, _ = GEOD.fwd(centre[0] / E7, centre[1] / E7, azimuth, reach * beyond)
    back, length, part = way
    a = GEOD.fwd(at_lon, at_lat, back, length * part)[:2]
    b = GEOD.fwd(at_lon, at_lat, back + 180, length * (1 - part))[:2]
    cover = cover_of(whole(ground.segment.tables), 500.0)
    assert may_reach(cover.pages, cover.bits, a[1], a[0], b[1], b[0])


def test_what_is_near_nothing_is_passed_over() -> None:
    """Else the sieve would be right and of no use."""
    value = Notice(
        source_id="n", name="n", category="x",
        volumes=(Volume(footprint=(Circle(centre=(10 * E7, 50 * E7)),)),),
    )  # fmt: skip
    ground, _ = ground_of(Past(protected=(Protected(known=Known(value=value), object=0),)), 500.0)
    cover = ground.cover
    assert may_reach(cover.pages, cover.bits, 50.0, 10.0, 50.0, 10.001)
    for lat, lon in ((50.03, 10.0), (49.97, 10.0), (50.0, 10.04), (50.0, 9.96), (-50.0, 10.0)):
        assert not may_reach(cover.pages, cover.bits, lat, lon, lat, lon + 0.001)
    assert len(cover.bits) <= 4


def test_a_leg_over_a_thousand_kilometres_is_a_gap_and_its_ends_are_measured() -> None:
    value = Notice(
        source_id="n", name="n", category="x",
        volumes=(Volume(footprint=(Circle(centre=(10 * E7, 50 * E7)),)),),
    )  # fmt: skip
    past = Past(protected=(Protected(known=Known(value=value), object=0),))
    ground, owners = ground_of(past, 500.0)
    seen = [Seen(0, 0, (30 * E7, 50 * E7), None), Seen(0, 10, (10 * E7, 50 * E7), None)]
    joining = Joining(ground, GAP_S * 1_000_000)
    over, gaps = joining.add(measured(Batch("x", ["a"], arrays(seen), {}), ground, joining.gap_us))
    assert len(over) == 0
    assert (len(gaps), joining.totals.gaps_us) == (1, 10_000_000)
    found = approaches(joining.finish(), joining.names, owners)
    assert [(one.start, one.end) for one in found] == [(at(seen[1]), at(seen[1]))]


def test_grouping_nothing_gives_nothing() -> None:
    assert len(grouped(np.empty(0, dtype=np.dtype([("track", np.int32)])))) == 0


def test_what_nobody_put_on_record_is_not_known_since_anything() -> None:
    known = Known(value=Notice(
        source_id="n", name="n", category="x",
        volumes=(Volume(footprint=(Circle(centre=(0, 0)),)),),
    ))  # fmt: skip
    assert Protected(known=known, object=0).since is None
    assert Protected(known=known, object=0).since_us == NEVER_US

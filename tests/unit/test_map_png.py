"""The map picture: what it holds, where it looks, and what it leaves on disk."""

import struct
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
import shapely
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from pyproj import Geod

from detente.core.check import Counts, Finding, Known, Source, Verdict, VerdictKind, rule_of
from detente.core.edges import circle, corridor, polygon
from detente.core.lifecycle import Standing
from detente.core.notice import Notice, NoticeKind
from detente.core.plan import Plan
from detente.core.presence import Presence, Track
from detente.core.volume import Corridor, Polygon, Shape, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.land import land
from detente.doors.map_png import Scene, draw, style
from detente.doors.map_png import scene as scene_module
from detente.doors.map_png.entries import (
    Asked,
    Link,
    asked_plans,
    bounds_of,
    links,
    near,
    plan_places,
    wanted,
)
from detente.doors.map_png.frame import Frame, Window, fit, round_length
from detente.doors.map_png.ground import angle, graticule, lines
from detente.doors.map_png.labels import Labels, overlaps
from detente.doors.map_png.marks import Surroundings, surroundings
from detente.doors.map_png.panel import band, window
from detente.doors.map_png.plane import Plane, geodesic_circle, plane_for, positions_of
from detente.errors import MalformedInput

NOW = datetime(2025, 1, 13, 18, tzinfo=UTC)
LATER = datetime(2025, 1, 13, 20, tzinfo=UTC)
WINDOW = Window(0, 0, 1200, 1100)
GEOD = Geod(ellps="WGS84")

FIJI = (corridor([(179.6, -16.5), (-179.8, -16.9)], 8_000), "Survey")
POLE = (polygon([[(0, 88), (90, 88), (180, 88), (-90, 88)]]), "Ice flight")
CITY = ((circle(-118.4, 34.1, 800),), "Drone")


def plan(shapes: tuple[Shape, ...], name: str | None = None, *, hazard_m: int = 0) -> Plan:
    volume = Volume(footprint=shapes, start=NOW, end=LATER)
    return Plan(source_id=name or "p", name=name, volumes=(volume,), hazard_mm=hazard_m * 1_000)


def notice(lon: float, lat: float, name: str = "Clinic", *, standoff_m: int = 0) -> Notice:
    return Notice(
        source_id=name,
        name=name,
        category="medical",
        party="health",
        standoff_mm=standoff_m * 1_000,
        volumes=(Volume(footprint=(circle(lon, lat),)),),
    )


def zone(shapes: tuple[Shape, ...], name: str = "Area") -> Zone:
    return Zone(
        source_id=name,
        name=name,
        party="fire",
        rule=ZoneRule.NO_ACTIVITY,
        volumes=(Volume(footprint=shapes),),
    )


def finding(value: Notice | Zone | Presence, distance_m: float = 420.0) -> Finding:
    rule, kind, severity = rule_of(value)
    return Finding(
        rule=rule,
        kind=kind,
        id=value.source_id,
        name=value.name,
        category=value.category,
        distance_m=distance_m,
        distance_error_m=0.05,
        separation_m=1_000,
        start=NOW,
        end=LATER,
        severity=severity,
        party=value.party,
    )


def verdict(asked: Plan, *findings: Finding, kind: VerdictKind | None = None) -> Verdict:
    default = findings[0].severity if findings else VerdictKind.NO_KNOWN_CONFLICT
    return Verdict(
        plan=asked.source_id,
        verdict=kind or default,
        as_of=NOW,
        sequence=4711,
        counts=Counts(stale=2, withheld=1),
        findings=findings,
    )


def scene(one: Plan, *values: Notice | Zone | Presence, met: int = 0) -> Scene:
    """A plan among values, of which it meets the first few."""
    answer = verdict(one, *(finding(value) for value in values[:met]))
    return Scene(plans=[one], verdicts=[answer], known=[Known(value=value) for value in values])


def framed(one: Scene) -> tuple[Frame, list[Asked], list[Link]]:
    plane = plane_for(*plan_places(one.plans))
    asked = asked_plans(plane, one.plans, one.verdicts)
    met, _ = links(plane, asked, one.known, most=30)
    return fit(plane, wanted(asked, met), WINDOW), asked, met


def pixels(path: Path) -> npt.NDArray[np.int64]:
    rgb: npt.NDArray[np.int64] = np.rint(imread(path)[:, :, :3] * 255).astype(np.int64)
    return rgb


def has_colour(image: npt.NDArray[np.int64], colour: str, *, more_than: int = 50) -> bool:
    wanted_rgb = np.rint(np.array(to_rgb(colour)) * 255).astype(np.int64)
    return bool((np.abs(image - wanted_rgb).max(axis=2) <= 1).sum() > more_than)


def map_of(path: Path, lon: float, lat: float, radius_m: float) -> npt.NDArray[np.int64]:
    """The map alone of a plan that is a circle, without panel and globe."""
    draw(path, scene(plan((circle(lon, lat, radius_m),))))
    return pixels(path)[40:1130, 90:1270]


# --- what is written ---------------------------------------------------------------------


def test_the_file_is_a_png_of_the_size_said(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    draw(path, scene(plan(*CITY)))
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1800, 1200)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.png"]


@pytest.mark.parametrize(
    ("where", "lon", "lat", "radius_m", "river", "water"),
    [
        ("Cairo, on the Nile", 31.23, 30.05, 10_000, True, False),
        ("on Lake Victoria", 33.0, -0.9, 2_000, False, True),
        ("around Lake Victoria, a wide frame", 33.0, -0.9, 1_000_000, True, True),
        ("in the desert", 50.5, 20.0, 10_000, False, False),
    ],
)
def test_rivers_and_lakes_are_drawn(  # noqa: PLR0913, PLR0917 - a row of the table
    tmp_path: Path, where: str, lon: float, lat: float, radius_m: float, river: bool, water: bool
) -> None:
    image = map_of(tmp_path / "out.png", lon, lat, radius_m)
    assert has_colour(image, style.RIVER) == river, where
    # Some of its pixels are where a line of the graticule fades into the land.
    assert has_colour(image, style.SEA, more_than=20_000) == water, where


def test_a_map_of_the_world_has_no_rivers(tmp_path: Path) -> None:
    one = plan(corridor([(-120, 40), (0, 10), (120, 50)], 1_000))
    draw(tmp_path / "out.png", scene(one))
    assert not has_colour(pixels(tmp_path / "out.png"), style.RIVER)


def test_the_same_scene_gives_the_same_bytes(tmp_path: Path) -> None:
    one = scene(plan(*CITY, hazard_m=300), notice(-118.39, 34.11), met=1)
    draw(tmp_path / "a.png", one)
    draw(tmp_path / "b.png", one)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_conflict_is_seen_and_its_absence_too(tmp_path: Path) -> None:
    conflict = style.VERDICTS[VerdictKind.CONFLICT].colour
    clear = style.VERDICTS[VerdictKind.NO_KNOWN_CONFLICT].colour
    hospital = notice(-118.37, 34.11)
    draw(tmp_path / "conflict.png", scene(plan(*CITY), hospital, met=1))
    draw(tmp_path / "clear.png", scene(plan(*CITY), hospital))
    assert has_colour(pixels(tmp_path / "conflict.png"), conflict)
    assert not has_colour(pixels(tmp_path / "clear.png"), conflict)
    assert has_colour(pixels(tmp_path / "clear.png"), clear)


def test_no_verdict_is_green() -> None:
    for look in style.VERDICTS.values():
        red, green, blue = to_rgb(look.colour)
        assert green < max(red, blue)


@pytest.mark.parametrize(
    "seen",
    [
        [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],  # no green cones
        [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],  # no red ones
        [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],  # no blue ones
    ],
)
def test_colour_blind_eyes_tell_the_verdicts_apart(seen: list[list[float]]) -> None:
    # Machado, Oliveira and Fernandes 2009, severity 1; distances in CIE L*a*b*.
    places = [_lab(np.array(seen) @ _linear(look.colour)) for look in style.VERDICTS.values()]
    apart = [np.linalg.norm(a - b) for k, a in enumerate(places) for b in places[:k]]
    assert min(apart) > 20


def _linear(colour: str) -> npt.NDArray[np.float64]:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _lab(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ np.clip(linear, 0, 1) / [0.9505, 1.0, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_verdict_has_a_colour_and_a_shape_of_its_own() -> None:
    assert set(style.VERDICTS) == set(VerdictKind)
    assert len({look.colour for look in style.VERDICTS.values()}) == len(VerdictKind)
    assert len({look.badge for look in style.VERDICTS.values()}) == len(VerdictKind)
    assert set(style.ZONES) == set(ZoneRule)


def test_names_in_any_letters_are_drawn(tmp_path: Path) -> None:
    names = ["A $b_{$ \x00\n name", "北京医院", "مستشفى", "W" * 200]
    places = [notice(-118.4 + k / 100, 34.11, name) for k, name in enumerate(names)]
    draw(tmp_path / "out.png", scene(plan(CITY[0], names[0]), *places, met=4))


def test_all_kinds_of_entries_at_once(tmp_path: Path) -> None:
    legs = tuple(
        Volume(footprint=corridor([(-118.5, 34 + k / 50), (-118.3, 34)]), start=NOW, end=LATER)
        for k in range(2)
    )
    convoy = Notice(
        source_id="c",
        name="Convoy",
        category="aid",
        party="un",
        kind=NoticeKind.MOVEMENT,
        volumes=legs,
        disputed=True,
        review_due=NOW.replace(year=2024),
        standoff_mm=2_000_000,
    )
    track = Track(position=(-1_184_000_000, 341_500_000), time=NOW, speed_max_mm_s=10_000)
    team = Presence(source_id="t", name="Team", party="fire", track=track)
    rest = [zone((circle(-118.3, 34.0, 3_000),), rule.value) for rule in ZoneRule]
    one = plan(*CITY, hazard_m=300)
    answer = verdict(one, finding(convoy), finding(team, 0), kind=VerdictKind.INCOMPLETE)
    sources = tuple(Source(name=f"{k}.csv", problem="missing") for k in range(9))
    answer = Verdict(
        **{name: getattr(answer, name) for name in answer.__struct_fields__ if name != "sources"},
        sources=sources,
    )
    values: list[Notice | Presence | Zone] = [convoy, team, *rest]
    known = [Known(value=value) for value in values]
    path = tmp_path / "out.png"
    draw(path, Scene(plans=[one], verdicts=[answer], known=known, title="A heading " * 20))
    assert has_colour(pixels(path), style.VERDICTS[VerdictKind.INCOMPLETE].colour)


def test_many_plans_among_a_crowd(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    spots = random.uniform(10, 12, (1_660, 2)).tolist()
    plans = [plan((circle(x, y, 500),), f"Plan {x}") for x, y in spots[:60]]
    known = [Known(value=notice(x, y, f"Place {x}")) for x, y in spots[60:]]
    path = tmp_path / "out.png"
    draw(path, Scene(plans=plans, verdicts=[verdict(one) for one in plans], known=known))
    assert has_colour(pixels(path), style.VERDICTS[VerdictKind.NO_KNOWN_CONFLICT].colour)


# --- refusals ----------------------------------------------------------------------------


def test_without_plans_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="at least one plan"):
        draw(tmp_path / "out.png", Scene(plans=[], verdicts=[], known=[]))


@pytest.mark.parametrize("name", ["missing/out.png", "out.svg", "folder.png"])
def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(MalformedInput, match=r"expected a writable \.png path"):
        draw(tmp_path / name, scene(plan(*CITY)))
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.png"]


def test_a_failed_write_leaves_the_old_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")

    def full(_self: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(MalformedInput, match="No space left"):
        draw(path, scene(plan(*CITY)))
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.png"]


# --- where the frame looks ---------------------------------------------------------------


@pytest.mark.parametrize(("shapes", "name"), [FIJI, POLE, CITY])
def test_the_frame_holds_plans_hazards_and_what_they_meet(
    shapes: tuple[Shape, ...], name: str
) -> None:
    (lon, lat), *_ = positions_of(shapes[0])
    hospital = notice(lon / 1e7, lat / 1e7 - 0.1)
    frame, asked, met = framed(scene(plan(shapes, name, hazard_m=2_000), hospital, met=1))
    assert len(met) == 1
    assert shapely.contains(frame.area, asked[0].area)
    assert shapely.contains(frame.area, asked[0].hazard)
    assert shapely.contains(frame.area, met[0].entry.area)


def test_across_the_antimeridian_the_frame_stays_small(tmp_path: Path) -> None:
    one = scene(plan(*FIJI), notice(-179.985, -16.78), met=1)
    frame, _, _ = framed(one)
    assert not frame.plane.world
    assert frame.bounds[2] - frame.bounds[0] < 150_000
    draw(tmp_path / "out.png", one)


def test_the_pole_is_an_ordinary_place(tmp_path: Path) -> None:
    one = scene(plan(*POLE))
    frame, asked, _ = framed(one)
    pole = frame.plane.forward(np.array([[0.0, 90.0]]))
    assert shapely.intersects_xy(asked[0].area, *pole[0])
    # A square around the pole with corners 2 degrees of latitude away (223 km each).
    assert asked[0].area.area == pytest.approx(np.pi * 223_000**2, rel=0.05)
    assert frame.degrees()[0::2] == (-180.0, 180.0)
    assert frame.turn_deg() > 90
    draw(tmp_path / "out.png", one)


def test_plans_around_the_world_get_a_world_map(tmp_path: Path) -> None:
    ends = [(0, 510, -740, 406), (1_398, 355, -1_184, 339), (1_510, -340, 280, -260)]
    routes = [
        Corridor(line=((a * 10**6, b * 10**6), (c * 10**6, d * 10**6)), width_mm=5 * 10**7)
        for a, b, c, d in ends
    ]
    plans = [plan((route,), f"r{k}") for k, route in enumerate(routes)]
    plans.append(plan((circle(10, 88, 900_000),), "descent", hazard_m=200_000))
    one = Scene(plans=plans, verdicts=[verdict(p) for p in plans], known=[])
    frame, asked, _ = framed(one)
    assert frame.plane.world
    assert all(shapely.covers(frame.area, found.area) for found in asked)
    draw(tmp_path / "out.png", one)


def test_a_country_that_is_met_does_not_widen_the_frame() -> None:
    country = zone(polygon([[(-9.5, 36), (3, 36), (3, 43.8), (-9.5, 43.8)]]))
    frame, _, met = framed(scene(plan((circle(-3.68, 40.41, 250),)), country, met=1))
    assert len(met) == 1
    assert frame.bounds[2] - frame.bounds[0] < 10_000


def test_a_tiny_plan_is_shown_with_its_surroundings() -> None:
    frame, _, _ = framed(scene(plan((circle(23.7, 38.0, 40),))))
    assert min(frame.bounds[2] - frame.bounds[0], frame.bounds[3] - frame.bounds[1]) >= 5_000
    assert frame.turn_deg() < 1


def test_what_lies_at_the_antipode_is_not_drawn_here() -> None:
    here, there = (
        notice(-3.7, 40.42, "here"),
        zone(polygon([[(160, -55), (179, -55), (179, -30), (160, -30)]]), "there"),
    )
    one = scene(plan((circle(-3.68, 40.41, 250),)), here, there)
    frame, _, met = framed(one)
    found = near(frame, one.known, one.plans, NOW)
    assert [value.name for value in found.values] == ["here"]
    around = surroundings(frame, found, met, NOW)
    assert [entry.value.name for entry in around.entries] == ["here"]


def test_only_what_is_in_the_frame_is_drawn_and_the_asking_plan_once() -> None:
    asking = plan((circle(10, 10, 500),))
    known = [notice(10 + k, 10, f"N{k}") for k in range(5)]
    one = Scene(
        plans=[asking],
        verdicts=[verdict(asking)],
        known=[Known(value=asking), *(Known(value=value) for value in known)],
    )
    frame, _, _ = framed(one)
    assert [value.name for value in near(frame, one.known, one.plans, NOW).values] == ["N0"]


def test_what_its_author_withdrew_is_not_drawn() -> None:
    one = plan(*CITY)
    here, gone = notice(-118.41, 34.1, "here"), notice(-118.39, 34.1, "gone")
    gone = msgspec.structs.replace(gone, standing=Standing.WITHDRAWN)
    frame, _, _ = framed(scene(one, here))
    found = near(frame, [Known(value=here), Known(value=gone)], [one], NOW)
    assert [value.source_id for value in found.values] == ["here"]


def test_of_two_entries_that_bear_one_id_the_finding_is_of_the_nearer() -> None:
    """Two files that were asked at once may both have a row 1."""
    one = plan(*CITY)
    far, close = notice(-119.0, 34.9, "1"), notice(-118.41, 34.1, "1")
    plane = plane_for(*plan_places([one]))
    asked = asked_plans(plane, [one], [verdict(one, finding(close))])
    for known in ([far, close], [close, far]):
        [link], _ = links(plane, asked, [Known(value=value) for value in known], most=5)
        assert link.entry.value is close


def test_a_finding_that_names_nothing_known_is_not_drawn() -> None:
    one = plan(*CITY)
    hidden = finding(notice(0, 0, "hidden"))
    given = Scene(plans=[one], verdicts=[verdict(one, hidden)], known=[])
    _, asked, met = framed(given)
    assert met == []
    assert asked[0].verdict.findings == (hidden,)


def test_each_plan_shows_its_gravest_finding_before_another_shows_a_second() -> None:
    places = [notice(10, 10 + k / 1_000, f"N{k}") for k in range(3)]
    plans = [plan((circle(10, 10, 100),), name) for name in ("a", "b")]
    verdicts = [
        verdict(plans[0], *(finding(place) for place in places)),
        verdict(plans[1], finding(places[2])),
    ]
    known = [Known(value=place) for place in places]
    plane = Plane(10, 10)
    met, total = links(plane, asked_plans(plane, plans, verdicts), known, most=2)
    assert [(link.asked.plan.name, link.finding.id) for link in met] == [("a", "N0"), ("b", "N2")]
    assert total == 4


def test_among_incomplete_answers_what_was_found_comes_first() -> None:
    place = notice(10, 10)
    plans = [plan((circle(10, 10, 100),), name) for name in ("nothing", "conflict")]
    verdicts = [
        verdict(plans[0], kind=VerdictKind.INCOMPLETE),
        verdict(plans[1], finding(place), kind=VerdictKind.INCOMPLETE),
    ]
    asked = asked_plans(Plane(10, 10), plans, verdicts)
    assert [(one.number, one.plan.name) for one in asked] == [(1, "conflict"), (2, "nothing")]


# --- shapes are true to size -------------------------------------------------------------


@pytest.mark.parametrize("lat", [0.0, 45.0, 89.99, -75.0])
def test_a_circle_is_as_wide_as_it_says(lat: float) -> None:
    plane = Plane(179.9, lat)
    area = plane.footprint((circle(179.9, lat, 5_000),), 1_000)
    x0, _, x1, _ = bounds_of(area)
    assert x1 - x0 == pytest.approx(12_000, rel=0.004)


def test_a_corridor_has_its_width_and_round_ends() -> None:
    plane = Plane(10, 50)
    line = Corridor(line=((100_000_000, 500_000_000), (101_000_000, 500_000_000)), width_mm=10**6)
    length = GEOD.inv(10, 50, 10.1, 50)[2]
    area = plane.footprint((line,)).area
    assert area == pytest.approx(length * 1_000 + np.pi * 500**2, rel=0.005)


def test_holes_stay_empty_and_a_collapsed_ring_stays_a_line() -> None:
    plane = Plane(10, 50)

    def square(half: int) -> tuple[tuple[int, int], ...]:
        x, y = 100_000_000, 500_000_000
        return (
            (x - half, y - half),
            (x + half, y - half),
            (x + half, y + half),
            (x - half, y + half),
        )

    whole = plane.footprint((Polygon(rings=(square(10_000),)),))
    holed = plane.footprint((Polygon(rings=(square(10_000), square(5_000))),))
    assert holed.area == pytest.approx(0.75 * whole.area, rel=0.001)
    nothing = plane.footprint((Polygon(rings=(square(10_000), square(10_000))),))
    assert nothing.length == pytest.approx(whole.length)


def test_a_geodesic_circle_lies_at_its_distance() -> None:
    ring = geodesic_circle((1_799_000_000, 895_000_000), 100_000)
    away = GEOD.inv(np.full(len(ring), 179.9), np.full(len(ring), 89.5), ring[:, 0], ring[:, 1])[2]
    assert np.asarray(away) == pytest.approx(100_000)


# --- ground, graticule, words ------------------------------------------------------------


def test_borders_and_coasts_are_told_apart() -> None:
    assert "France" in land().names
    inland, _, _ = framed(scene(plan((circle(7.6, 47.55, 20_000),))))  # three countries at Basel
    coasts, borders = lines(inland, inland.degrees())
    assert borders
    assert not coasts
    island, _, _ = framed(scene(plan((circle(-18.0, 65.9, 20_000),))))  # Iceland's north
    coasts, borders = lines(island, island.degrees())
    assert coasts
    assert not borders


def test_the_graticule_is_labelled_at_the_frame() -> None:
    frame, _, _ = framed(scene(plan(*FIJI)))
    _, ticks = graticule(frame)
    assert {"180.0°", "179.5°E"} & {tick.text for tick in ticks if tick.side == "bottom"}
    assert all(tick.text.endswith("°S") for tick in ticks if tick.side == "left")


@pytest.mark.parametrize(
    ("value", "axis", "step", "words"),
    [
        (-118.25, "EW", 0.05, "118.25°W"),
        (190.0, "EW", 10.0, "170°W"),
        (-180.0, "EW", 30.0, "180°"),
        (0.0, "NS", 1.0, "0°"),
        (-16.5, "NS", 0.5, "16.5°S"),
        (0.005, "NS", 0.005, "0.005°N"),
    ],
)
def test_angles_in_words(value: float, axis: str, step: float, words: str) -> None:
    assert angle(value, axis[0], axis[1], step) == words


def test_round_lengths() -> None:
    assert [round_length(x) for x in (1, 1.99, 2, 49, 51, 999)] == [1, 1, 2, 20, 50, 500]


def test_when_and_how_high_in_words() -> None:
    shapes = (circle(0, 0, 10),)
    volume = Volume(footprint=shapes, lower_mm=0, upper_mm=120_000, start=NOW, end=LATER)
    timed = Plan(source_id="p", volumes=(volume,))
    assert band(timed) == "0 m to 120 m"
    assert window(timed) == "13 Jan 2025 18:00 to 20:00Z"
    open_ended = Plan(source_id="p", volumes=(volume, Volume(footprint=shapes, upper_mm=10**6)))
    assert band(open_ended) == "up to 1,000 m"
    assert window(open_ended) == "no time set"


def test_labels_never_cover_one_another() -> None:
    random = np.random.default_rng(5)
    labels = Labels((0, 0, 1_000, 800))
    labels.avoid(random.uniform(0, 800, (300, 2)))
    boxes = []
    for _ in range(120):
        anchor = (float(random.uniform(0, 1_000)), float(random.uniform(0, 800)))
        box = labels.place((float(random.uniform(30, 200)), 30.0), anchor)
        if box is not None:
            boxes.append(box)
    assert len(boxes) + labels.left_out == 120
    assert labels.left_out > 0
    for k, box in enumerate(boxes):
        assert box[0] >= 0
        assert box[2] <= 1_000
        assert not any(overlaps(box, other) for other in boxes[:k])


def test_what_the_map_leaves_out_is_said() -> None:
    notes = scene_module._notes
    around = Surroundings([], [], 0)
    assert notes(around, 1, 0) == ["1 name without room on the map."]
    assert notes(around._replace(circles_left_out=2), 0, 3) == [
        "3 more findings without a mark on the map.",
        "The distance to keep from 2 notices is not drawn.",
    ]

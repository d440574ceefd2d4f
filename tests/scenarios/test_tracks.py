"""Recorded positions after an incident; test_tracks.md tells it."""

import csv
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from cli import Ran, detente
from detente.core.notice import Notice
from detente.node.author import Author
from detente.node.erasing import erase
from detente.node.keyring import Keyring
from detente.node.submit import submit
from detente.node.withdraw import withdraw
from detente.store import Place, Store
from judge import distance_m
from nodes import hospital
from published import url_of
from recorded import straight, time, write

SHARED = Path(__file__).parents[3] / "shared/data/tracks/opensky_switzerland.csv.xz"
HOSPITALS = "name,lat,lon\nA hospital,50.001,10.1111\nFar away,0.0001,0.0001\n"


def audited(folder: Path, *options: object, against: object = "hospitals.csv") -> Ran:
    return detente("audit-tracks", *options, "--against", against, cwd=folder)


def answered(ran: Ran) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Approaches, and what is said at the end."""
    *lines, last = map(json.loads, ran.out.splitlines())
    return [line["approach"] for line in lines], last["answer"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hospitals.csv").write_text(HOSPITALS)
    return tmp_path


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def site(called: str, lon: float, lat: float, **parts: object) -> Notice:
    return msgspec.structs.replace(hospital(called, lon, lat, party="one"), **parts)


def say(place: Place, keyring: Keyring, value: Notice, at_s: float, **of: Any) -> str:
    """Party one says something at a time; which object it is."""
    store = Store(place)
    with store.reading() as record:
        author = Author.following(record, "one", keyring.load("one"))
    written = author.write(value, now=time(at_s), **of)
    [receipt] = submit(store, [written], now=time(at_s))
    store.close()
    return receipt.object_id


def test_nothing_near(folder: Path) -> None:
    """Where nothing came near, it says what was read, and no more"""
    write(folder / "t.parquet", straight("a", 0, 10, 30, lat=51.0))
    ran = audited(folder, "t.parquet", "--within", 500)
    assert ran.status == 0, ran.err
    assert "no known approach, in 30 positions of 1 track." in ran.out
    assert "An audit informs; it judges nobody." in ran.out


def test_near(folder: Path) -> None:
    """An approach is told with its times, its distance, and between which positions it was"""
    rows = straight("a", 0, 10, 30)
    write(folder / "t.parquet", rows)
    ran = audited(folder, "t.parquet", "--within", 500, "--format", "jsonl")
    [near], answer = answered(ran)
    assert (ran.status, answer["complete"], answer["positions"]) == (1, True, 30)
    assert (near["track"], near["name"]) == ("a", "A hospital")
    # Only the leg from 10.10 to 10.12 passes 10.1111 within 500 m: no position does.
    assert (near["from"], near["to"]) == ("2025-01-08T12:00:50Z", "2025-01-08T12:01:00Z")
    assert (near["lon"], near["end_lon"]) == (10.1, 10.12)
    here = np.array([[10.1111, 50.001]])
    there = np.array([[10.1111, 50.0]])
    # The geodesic between both passes 0.1 m north of the parallel.
    assert abs(near["distance_m"] - distance_m(here, there)[0]) < 0.3
    for row in rows:
        assert distance_m(here, np.array([row[2:]]))[0] > 500
    ran = audited(folder, "t.parquet", "--within", 500, "-o", "near.csv", "--gaps", "gaps.parquet")
    [kept] = rows_of(folder / "near.csv")
    assert kept["from"] == "2025-01-08T12:00:50Z"
    assert float(kept["distance_m"]) == near["distance_m"]
    assert pq.read_table(folder / "gaps.parquet").num_rows == 0


def test_gap(folder: Path) -> None:
    """What was not observed is told as a gap, never as nothing near"""
    write(folder / "t.parquet", straight("a", 0, 61, 10))
    ran = audited(folder, "t.parquet", "--within", 500, "--gaps", "gaps.csv")
    assert ran.status == 0
    assert "not observed: 9 gaps, 0.2 h in all" in ran.out
    gaps = rows_of(folder / "gaps.csv")
    assert (len(gaps), gaps[5]["lon"], gaps[5]["end_lon"]) == (9, "10.1", "10.12")
    assert audited(folder, "t.parquet", "--within", 500, "--gap", 61).status == 1


def test_then(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """What was moved or ended since protected then, at its place of then"""
    first = say(place, keyring, site("moved", 10.1111, 50.001), 100)
    say(place, keyring, site("moved", 10.1111, 52.0), 1_000, object_id=first, version=2)
    say(place, keyring, site("ended", 10.3111, 50.001), 100)
    store = Store(place)
    withdraw(store, "one", keyring.load("one"), "ended", now=time(1_000))
    store.close()
    write(tmp_path / "t.parquet", [
        *straight("before", 500, 10, 20), *straight("after", 1_500, 10, 20),
        *straight("north", 1_500, 10, 20, lat=52.0),
    ])  # fmt: skip
    ran = audited(tmp_path, "t.parquet", "--format", "jsonl", against=url_of(place))
    found, _ = answered(ran)
    said = [(one["track"], one["id"], one["version"], one["known_then"]) for one in found]
    assert sorted(said) == [
        ("before", "ended", 1, True), ("before", "moved", 1, True), ("north", "moved", 2, True),
    ]  # fmt: skip
    assert found[0]["known_since"] == "2025-01-08T12:01:40Z"
    assert found[0]["object"] == first


def test_later(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """What was put on record afterwards is told as such, and an amendment repeats nothing"""
    one = say(place, keyring, site("late", 10.1111, 50.001), 1_000)
    amended = site("late", 10.1111, 50.001, name="Renamed")
    say(place, keyring, amended, 2_000, object_id=one, version=2)
    window = msgspec.structs.replace(
        site("x", 10.1111, 50.001).volumes[0], start=time(900), end=time(5_000)
    )
    say(place, keyring, site("other day", 0, 0, volumes=(window,)), 100)
    write(tmp_path / "t.parquet", straight("a", 500, 10, 20))
    ran = audited(tmp_path, "t.parquet", "--format", "jsonl", against=url_of(place))
    [near], _ = answered(ran)
    assert (near["id"], near["version"], near["known_then"]) == ("late", 1, False)
    assert near["known_since"] == "2025-01-08T12:16:40Z"
    table = audited(tmp_path, "t.parquet", against=url_of(place))
    assert "2025-01-08T12:16:40Z (later)" in table.out


def test_erased(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """What was erased since makes the answer incomplete, unless it had ended before"""
    object_id = say(place, keyring, site("secret", 10.1111, 50.001), 100)
    store = Store(place)
    key = keyring.load("one")
    withdraw(store, "one", key, "secret", now=time(1_000))
    erase(store, "one", key, object_id, "Court, 12/34", now=time(1_100))
    store.close()
    write(tmp_path / "t.parquet", straight("a", 500, 10, 20))
    ran = audited(tmp_path, "t.parquet", against=url_of(place))
    assert ran.status == 3
    assert "incomplete; no known approach" in ran.out
    assert f"notice {object_id} was erased since; until 2025-01-08T12:16:40Z" in ran.out
    write(tmp_path / "t.parquet", straight("a", 1_001, 10, 20))
    ran = audited(tmp_path, "t.parquet", against=url_of(place))
    assert (ran.status, "erased" in ran.out) == (0, False)


def test_unreadable(folder: Path) -> None:
    """Rows and files that cannot be read are counted, and make the answer incomplete"""
    rows = straight("a", 0, 10, 5)
    lat = [50.0, 91.0, None, 50.0, 50.0]
    write(folder / "a.parquet", rows, lat=lat, icao24=["a", "a", "a", None, "a"])
    ran = audited(folder, "a.parquet", "--format", "jsonl")
    _, answer = answered(ran)
    assert (ran.status, answer["complete"], answer["positions"]) == (3, False, 2)
    assert answer["refused"] == {"no position within 180 and 90 degrees": 2, "no track": 1}
    data = write(folder / "b.parquet", straight("b", 0, 10, 5_000)).read_bytes()
    (folder / "b.parquet").write_bytes(data[: len(data) // 2])
    (folder / "c.parquet").write_bytes(data[:2_000] + bytes(2_000) + data[4_000:])
    for broken in ("b.parquet", "c.parquet"):
        ran = audited(folder, broken)
        assert ran.status == 3, ran.out
        assert f"{broken} could not be read: " in ran.out
    (folder / "hospitals.csv").write_text(HOSPITALS + "No place,,\n")
    write(folder / "a.parquet", rows)
    ran = audited(folder, "a.parquet")
    assert ran.status == 3
    assert "1 row of what protects refused" in ran.out


def test_refused(folder: Path) -> None:
    """What cannot be understood is refused, with what was expected"""
    rows = straight("a", 0, 10, 5)
    naive = pa.array([time(0).replace(tzinfo=None)] * 5, pa.timestamp("us"))
    back = pa.array([time(-one[1]) for one in rows], pa.timestamp("us", "UTC"))
    for columns, said in (
        ({"time": naive}, "column time: expected times with a zone, or a name that says so"),
        ({"time": [1, 2, 3, 4, 5]}, "their unit in the name, as time_s, got int64"),
        ({"time": None}, "expected a column time, got icao24, lon, lat"),
        ({"lat": None}, "expected columns lat and lon, or GeoParquet's geometry"),
        ({"icao24": None}, "expected a column track, icao24, mmsi or id"),
        ({"icao24": [0.5] * 5}, "column icao24: expected text or whole numbers, got double"),
        ({"time": back}, "track a: expected positions in order of time within each track"),
    ):
        write(folder / "t.parquet", rows, **columns)
        ran = audited(folder, "t.parquet")
        assert (ran.status, said in ran.err) == (2, True), (said, ran)
    # What was broken off replaces nothing.
    (folder / "kept.csv").write_text("of an earlier audit")
    write(folder / "t.parquet", rows, time=back)
    before = sorted(folder.iterdir())
    assert audited(folder, "t.parquet", "-o", "kept.csv").status == 2
    assert sorted(folder.iterdir()) == before
    assert (folder / "kept.csv").read_text() == "of an earlier audit"
    write(folder / "t.parquet", rows, time=None, time_utc=naive)
    assert audited(folder, "t.parquet").status == 0
    for options, said in (
        (("none.parquet",), "expected a file or folder, got nothing there"),
        (("t.parquet", "--gap", "-1"), "--gap: expected seconds from 0 to 3600"),
        (("t.parquet", "-o", "x.txt"), "expected a .parquet or .csv"),
        (("t.parquet", "--column", "time=none"), "got none"),
        (("t.parquet", "--column", "speed=lat"), "expected track, time, lat"),
    ):
        ran = audited(folder, *options)
        assert (ran.status, said in ran.err) == (2, True), (said, ran)
    (folder / "empty").mkdir()
    assert "expected *.parquet in it, got none" in audited(folder, "empty").err


def test_formats(folder: Path) -> None:
    """GeoParquet, columns of numbers, one file or many: the answer is the same"""
    rows = [*straight("a", 0, 10, 30), *straight("b", 5, 10, 30)]
    rows.sort(key=lambda row: row[1])
    write(folder / "t.parquet", rows)
    expected = audited(folder, "t.parquet", "--within", 500, "--format", "jsonl")
    assert len(answered(expected)[0]) == 2
    points = shapely.points([row[2] for row in rows], [row[3] for row in rows])
    geo = {"version": "1.1.0", "primary_column": "where", "columns": {"where": {"encoding": "WKB"}}}
    wkb = pa.table({
        "hex": [row[0] for row in rows], "where": shapely.to_wkb(points).tolist(),
        "time_ms": [int(time(row[1]).timestamp() * 1_000) for row in rows],
    })  # fmt: skip
    wkb = wkb.replace_schema_metadata({"geo": json.dumps(geo)})
    pq.write_table(wkb, folder / "wkb.parquet")
    native = wkb.drop_columns("where").append_column(
        "where", pa.array([{"x": row[2], "y": row[3]} for row in rows])
    )
    pq.write_table(native.replace_schema_metadata(wkb.schema.metadata), folder / "native.parquet")
    (folder / "many").mkdir()
    for number in range(0, len(rows), 7):
        write(folder / "many" / f"{number:03}.parquet", rows[number : number + 7])
    for name in ("wkb.parquet", "native.parquet", "many"):
        ran = audited(folder, name, "--within", 500, "--format", "jsonl")
        assert sorted(ran.out.splitlines()) == sorted(expected.out.splitlines()), (name, ran.err)
    geo["columns"] = {
        "where": {"encoding": "WKB", "crs": {"id": {"authority": "EPSG", "code": 3857}}}
    }
    pq.write_table(wkb.replace_schema_metadata({"geo": json.dumps(geo)}), folder / "wkb.parquet")
    assert "crs: expected OGC:CRS84 or EPSG:4326" in audited(folder, "wkb.parquet").err


def test_heights(folder: Path) -> None:
    """An altitude counts as far as it is known"""
    rows = straight("a", 0, 10, 30)
    high = "name,lat,lon,upper_m\nLow,50.001,10.1111,100\n"
    (folder / "low.csv").write_text(high)
    for column, feet_or_m, near in (
        ("altitude_m_hae", 101, False), ("altitude_m_hae", 99, True),
        # Mean sea level may lie 110 m below the ellipsoid.
        ("altitude_m_msl", 205, True), ("altitude_m_msl", 215, False),
        ("geo_altitude_ft", 320, True), ("geo_altitude_ft", 330, False),
        # Above the ground, or above what nobody says: it may be low.
        ("altitude_m", 500, True), ("altitude_m", 9_000, False), ("altitude", 9_000, True),
        ("altitude_m_hae", None, True),
    ):  # fmt: skip
        values = pa.array([feet_or_m] * len(rows), pa.float64())
        write(folder / "t.parquet", rows, **{column: values})
        ran = audited(folder, "t.parquet", "--within", 500, against="low.csv")
        assert ran.status == near, (column, feet_or_m, ran)
        assert ("names no unit: all altitudes count" in ran.err) == (column == "altitude")


FLAT = """
import atexit, resource, sys
from detente.cli import main
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
atexit.register(lambda: print(used(), file=sys.stderr))
sys.argv = ["detente", *sys.argv[1:]]
main()
"""


def test_flat(folder: Path) -> None:
    """Ten times the positions take no more memory"""

    def many(path: Path, groups: int) -> None:
        rng = np.random.default_rng(1)
        with pq.ParquetWriter(path, write_schema) as writer:
            for group in range(groups):
                n = 200_000
                start_us = int(time(group * 2_000).timestamp() * 1e6)
                writer.write_table(pa.table({
                    "icao24": pa.array(np.char.mod("t%03d", np.arange(n) % 100)),
                    "time": pa.array(start_us + np.arange(n) * 10_000, pa.timestamp("us", "UTC")),
                    "lat": rng.uniform(50.0, 50.1, n), "lon": rng.uniform(10.0, 10.3, n),
                }, write_schema))  # fmt: skip

    write_schema = pa.schema([
        ("icao24", pa.string()), ("time", pa.timestamp("us", "UTC")),
        ("lat", pa.float64()), ("lon", pa.float64()),
    ])  # fmt: skip
    used = []
    for groups in (4, 40):
        many(folder / "t.parquet", groups)
        done = subprocess.run(
            [sys.executable, "-c", FLAT, "audit-tracks", "t.parquet", "--against", "hospitals.csv",
             "--within", "5", "--gap", "0.5"],
            cwd=folder, capture_output=True, text=True, check=False, env={**os.environ},
        )  # fmt: skip
        assert done.returncode in {0, 1}, done.stderr
        used.append(int(done.stderr.split()[-1]) / 1_024)
    assert used[1] < used[0] + 60, used


@pytest.mark.skipif(not SHARED.exists(), reason=f"{SHARED.name} is not shipped (terms); not found")
def test_real(tmp_path: Path) -> None:
    """A day over Switzerland: every position within reach of a place is in an approach"""
    with lzma.open(SHARED, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["latitude"] and row["longitude"]]
    rows.sort(key=lambda row: (row["icao24"], float(row["t"])))
    lat = np.array([float(row["latitude"]) for row in rows])
    lon = np.array([float(row["longitude"]) for row in rows])
    seconds = np.array([float(row["t"]) for row in rows])
    table = {"icao24": [row["icao24"] for row in rows], "time_s": seconds, "lat": lat, "lon": lon}
    pq.write_table(pa.table(table), tmp_path / "day.parquet")
    rng = np.random.default_rng(5)
    places = np.column_stack([rng.uniform(6.5, 10, 40), rng.uniform(46, 47.6, 40)]).round(7)
    lines = [f"p{number},{y:.7f},{x:.7f}\n" for number, (x, y) in enumerate(places.tolist())]
    (tmp_path / "places.csv").write_text("name,lat,lon\n" + "".join(lines))
    ran = audited(
        tmp_path, "day.parquet", "--within", 2_000, "--format", "jsonl", against="places.csv"
    )
    found, answer = answered(ran)
    assert answer["positions"] == len(rows) > 130_000
    assert len(found) > 500
    track = np.array(table["icao24"])
    spans: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for one in found:
        span = tuple(
            np.datetime64(one[name][:-1], "us").astype(float) / 1e6 for name in ("from", "to")
        )
        spans.setdefault((one["track"], one["name"]), []).append(span)
    seen = 0
    for number, one in enumerate(places):
        apart = distance_m(np.column_stack([lon, lat]), np.repeat(one[None], len(lon), axis=0))
        for near in np.flatnonzero(apart <= 1_999.9):
            some = spans[track[near], f"p{number}"]
            assert any(first <= seconds[near] <= last for first, last in some)
            seen += 1
    assert seen > 500

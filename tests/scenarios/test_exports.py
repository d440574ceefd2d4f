"""Files and packs to take away; test_exports.md tells it."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyogrio
import pytest
from nacl.signing import SigningKey

from cli import Ran, detente
from conftest import begin
from detente.core.check import VerdictKind
from detente.core.pack import PACK, Pack, read_pack, sealed, state_of
from detente.core.party import key_id
from detente.core.principal import Principal
from detente.core.release import Grade, Release
from detente.core.telling import Delivery
from detente.core.volume import Volume
from detente.core.wire import read
from detente.core.zone import Zone, ZoneRule
from detente.doors.exports import FORMS
from detente.doors.exports.asking import wanted_of
from detente.errors import Conflict
from detente.node import exporting
from detente.node.engine import Engine
from detente.node.exporting import Wanted, export
from detente.node.keyring import Keyring
from detente.node.layers import Layers
from detente.node.packing import pack_of
from detente.store import Store
from http_node import Node, Party, node_at
from nodes import around, at_work, desk_of, flight, hospital, run, say

FULL, AREA, CONTACT = {"members": "full"}, {"members": "area"}, {"members": "contact"}
NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)
LON, LAT = 37.1, 36.2
FULL_RELEASE = Release(members=Grade.FULL)


def said(party: Party, kind: str, value: Any, release: dict[str, str] | None) -> str:
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    body = {name: part for name, part in built.items() if name not in {"type", "party"}}
    told = party.post(f"/v1/{kind}", {**body, "release": release})
    assert told.status == 201, told.body
    found: str = told.json["object_id"]
    return found


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exports") / "test.db"
    begin(path, Keyring(path))
    return path


@pytest.fixture(scope="module")
def node(register: Path) -> Iterator[Node]:
    """One says everything; two reads."""
    with node_at(register, Keyring(register), register.parent) as node:
        one = node.party("one")
        said(one, "notices", hospital("=Al Noor", LON, LAT, standoff_mm=300_000), FULL)
        said(one, "notices", hospital("Coarse", LON + 0.5, LAT), AREA)
        said(one, "notices", hospital("Call first", LON, LAT), CONTACT)
        said(one, "notices", hospital("Hidden", LON, LAT), None)
        road = Volume(footprint=around(LON, LAT + 0.2)[0].footprint, start=NOON,
                      end=NOON + timedelta(hours=1), lower_mm=0, upper_mm=100_000)  # fmt: skip
        convoy = hospital("Convoy", 0, 0, volumes=(road,), kind="movement", category="convoy")
        said(one, "notices", convoy, FULL)
        zone = Zone(source_id="z", name="No-fire", rule=ZoneRule.NO_ACTIVITY,
                    volumes=around(LON, LAT + 1))  # fmt: skip
        said(one, "zones", zone, FULL)
        yield node


@pytest.fixture
def two(node: Node) -> Party:
    return node.party("two")


def fetched(party: Party, path: str, media: str) -> bytes:
    told = party.get(path)
    assert (told.status, told.headers["content-type"]) == (200, media), told.headers
    assert told.headers["cache-control"] == "no-store"
    return told.body


def names(party: Party, query: str = "") -> list[str | None]:
    data = json.loads(fetched(party, f"/v1/exports/geojson{query}", "application/geo+json"))
    return [one["properties"]["name"] for one in data["features"]]


def rows(party: Party) -> list[dict[str, str]]:
    data = fetched(party, "/v1/exports/csv", "text/csv; charset=utf-8")
    text = data.decode("utf-8-sig")
    assert data != text.encode(), "Excel takes it for UTF-8"
    return list(csv.DictReader(io.StringIO(text)))


def deliveries(register: Path, how: str) -> int:
    """How many entries the record says two was given so."""
    store = Store(register)
    with store.reading() as record:
        values = [read(one.data) for one in record.objects() if one.data is not None]
    store.close()
    told = [one for one in values if isinstance(one, Delivery)]
    return sum(len(one.entries) for one in told if (one.to, one.how) == ("two", how))


def test_recorded(two: Party, register: Path) -> None:
    """The record says that the file was given, before it is."""
    assert deliveries(register, "export") == 0
    assert names(two) == ["=Al Noor", None, "Convoy", "No-fire"]
    assert deliveries(register, "export") == 4
    names(two)
    assert deliveries(register, "export") == 4, "once an entry and party"


def test_forms(two: Party, node: Node, tmp_path: Path) -> None:
    """A file in each form holds what was released, and nothing of the rest."""
    for form, one in FORMS.items():
        media = one.media_type + "; charset=utf-8" * (form in {"csv", "aco"})
        data = fetched(two, f"/v1/exports/{form}", media)
        assert b"Hidden" not in data
        assert b"Call first" not in data
        (tmp_path / f"out.{form}").write_bytes(data)
    for form in ("gpkg", "kml"):
        path = tmp_path / f"out.{form}"
        layers = [name for name, _ in pyogrio.list_layers(path)]
        counts = {name: pyogrio.read_info(path, layer=name)["features"] for name in layers}
        assert counts == {"notices": 3, "zones": 1} | (
            {"presence": 0, "plans": 0} if form == "gpkg" else {}
        )
    document = json.loads((tmp_path / "out.geojson").read_bytes())
    header = document["detente"]
    assert (header["theatre"], header["reader"], header["objects"]) == ("test", "two", 4)
    [area] = [one for one in document["features"] if one["properties"]["grade"] == "area"]
    assert area["properties"]["circle_radius_m"] >= 10_000
    assert area["properties"]["lower_m"] is None
    assert len(names(node.party("one"))) == 6
    two.get("/v1/exports/xls").refused(404, "not_found")
    node.party("").get("/v1/exports/csv").refused(401, "not_authentic")


def test_narrowed(two: Party) -> None:
    """Kind, box, category and time narrow it, and what is malformed is refused by its name."""
    assert names(two, "?kinds=zones") == ["No-fire"]
    assert names(two, "?category=convoy,school") == ["Convoy"]
    assert names(two, f"?bbox={LON - 0.01},{LAT - 0.01},{LON + 0.01},{LAT + 0.01}") == ["=Al Noor"]
    assert names(two, "?datetime=2026-02-01T00:00:00Z/..") == ["=Al Noor", None, "No-fire"]
    for query, what in (
        ("kinds=targets", "kind"), ("bbox=1,2,3", "bbox"), ("datetime=noon", "datetime"),
        ("expires_h=1000", "request"),
    ):  # fmt: skip
        problem = two.get(f"/v1/exports/csv?{query}").refused(400, "malformed_input")
        assert problem["what"] == what or what == "request"


def test_formula(two: Party) -> None:
    """A table's cell that would be a formula is text."""
    found = rows(two)
    assert [one["name"] for one in found] == ["'=Al Noor", "", "Convoy", "No-fire"]
    assert found[0]["geometry"] == f"POINT ({LON} {LAT})"
    assert (found[0]["radius_m"], found[0]["standoff_m"]) == ("500.0", "300.0")
    assert {one["edition"] for one in found} == {found[0]["edition"]}


async def given(engine: Engine, party: Principal) -> dict[str, bytes]:
    """All that a party can take away."""
    layers = Layers(engine)
    key = SigningKey(bytes(32))
    writers = {name: one.write for name, one in FORMS.items()} | {"pack": pack_of(key)}
    try:
        return {
            name: await export(engine, layers, party, Wanted(), write)
            for name, write in writers.items()
        }
    finally:
        layers.close()


def test_unchanged(tmp_path: Path) -> None:
    """What is hidden from a party changes no byte of its files."""
    path = tmp_path / "test.db"
    begin(path, Keyring(path))

    async def story() -> None:
        async with at_work(path, Keyring(path), now=NOON) as engine:
            await say(engine, "one", hospital("Shown", LON, LAT, release=FULL_RELEASE))
            hidden = await say(engine, "one", hospital("Hidden", LON, LAT))
            before = await given(engine, desk_of("two"))
            changed = hospital("Hidden", LON + 1, LAT)
            await say(engine, "one", changed, replacing=hidden)
            contact = Release(members=Grade.CONTACT)
            await say(engine, "one", hospital("Contact", LON, LAT, release=contact))
            await say(engine, "one", flight("plan", LON + 5, LAT))
            assert await given(engine, desk_of("two")) == before
            await say(engine, "one", hospital("Also shown", LON, LAT, release=FULL_RELEASE))
            after = await given(engine, desk_of("two"))
            assert all(after[name] != before[name] for name in before)

    run(story())


def test_limits(register: Path, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a file holds is refused, never cut."""
    assert node.party("two")
    monkeypatch.setattr(exporting, "OBJECTS_MAX", 3)

    async def story() -> None:
        async with at_work(register, Keyring(register)) as engine:
            with pytest.raises(Conflict, match="at most 3 objects"):
                await given(engine, desk_of("two"))

    run(story())


PLAN = {
    "type": "Feature", "properties": {"id": "sortie", "radius_m": 100},
    "geometry": {"type": "Point", "coordinates": [LON, LAT]},
}  # fmt: skip


def asked(folder: Path, pack: Path, lon: float, lat: float, key: str) -> tuple[Ran, Any]:
    """What a pack answers on the command line, where there is neither node nor register."""
    plan = {**PLAN, "geometry": {"type": "Point", "coordinates": [lon, lat]}}
    (folder / "plan.geojson").write_text(json.dumps(plan))
    ran = detente("check", "plan.geojson", "--pack", pack, "--pack-key", key, "--format", "jsonl",
                  cwd=folder)  # fmt: skip
    return ran, json.loads(ran.out) if ran.out else None


@pytest.fixture
def packed(two: Party, register: Path, tmp_path: Path) -> tuple[Path, SigningKey]:
    path = tmp_path / "monday.dtpack"
    path.write_bytes(fetched(two, "/v1/pack?expires_h=2", "application/vnd.detente.pack"))
    return path, Keyring(register).load("node")


def opened(path: Path, key: SigningKey) -> Pack:
    public = bytes(key.verify_key)
    return read_pack(path.read_bytes(), {key_id(public): public})


def test_offline(packed: tuple[Path, SigningKey], tmp_path: Path) -> None:
    """A pack answers without a network, and never that nothing is known."""
    path, key = packed
    public = bytes(key.verify_key).hex()
    ran, met = asked(tmp_path, path, LON, LAT, public)
    assert (ran.status, met["verdict"]) == (1, "conflict"), ran
    assert [one["name"] for one in met["findings"]] == ["=Al Noor"]
    ran, met = asked(tmp_path, path, LON + 0.5, LAT, public)
    assert (ran.status, met["verdict"]) == (1, "conflict"), ran
    [area] = met["withheld"]
    assert (area["grade"], area["party"]) == ("area", "one")
    ran, met = asked(tmp_path, path, LON + 3, LAT, public)
    assert (ran.status, met["verdict"]) == (3, "incomplete"), ran
    [source] = met["sources"]
    assert "what was released to two: the node was not asked" in source["lacks"]
    assert "problem" not in source
    refused = detente("check", "plan.geojson", "--pack", path, cwd=tmp_path)
    assert refused.status == 2
    assert "--pack-key" in refused.err
    for option in (("--store", "x.db"), ("--at", "2026-01-07T12:00:00Z"), ("--commit", "x.html")):
        ran = detente("check", "plan.geojson", "--pack", path, *option, cwd=tmp_path)
        assert ran.status == 2, ran


@pytest.mark.parametrize("apart", [timedelta(hours=-3), timedelta(hours=3)])
def test_expired(packed: tuple[Path, SigningKey], tmp_path: Path, apart: timedelta) -> None:
    """An expired pack, or a clock behind it, makes every answer incomplete."""
    path, key = packed
    found = opened(path, key)
    moved = msgspec.structs.replace(found, as_of=found.as_of + apart, expires=found.expires + apart)
    path.write_bytes(sealed(moved, key))
    ran, met = asked(tmp_path, path, LON, LAT, bytes(key.verify_key).hex())
    assert (ran.status, met["verdict"]) == (3, VerdictKind.INCOMPLETE), ran
    assert [one["name"] for one in met["findings"]] == ["=Al Noor"], "shown as of then"
    [source] = met["sources"]
    assert ("expired" if apart < timedelta() else "before the pack was made") in source["problem"]


def test_altered(packed: tuple[Path, SigningKey], tmp_path: Path) -> None:
    """A pack that was altered, or that another sealed, is refused."""
    path, key = packed
    public = bytes(key.verify_key).hex()
    other = tmp_path / "other.dtpack"
    other.write_bytes(sealed(opened(path, key), SigningKey.generate()))
    ran, _ = asked(tmp_path, other, LON, LAT, public)
    assert ran.status == 2
    assert "a seal by" in ran.err
    data = bytearray(path.read_bytes())
    data[len(PACK) + 100] ^= 1
    other.write_bytes(data)
    ran, _ = asked(tmp_path, other, LON, LAT, public)
    assert ran.status == 2
    other.write_bytes(b"not a pack")
    ran, _ = asked(tmp_path, other, LON, LAT, public)
    assert ran.status == 2
    assert "a file that begins with detente-pack/1" in ran.err


def test_delta(packed: tuple[Path, SigningKey], node: Node, two: Party, tmp_path: Path) -> None:
    """A delta makes of its base the very pack that the node gives whole."""
    base, key = packed
    public = bytes(key.verify_key).hex()
    new = said(node.party("one"), "notices", hospital("New", LON + 2, LAT), FULL)
    told = two.post("/v1/pack/delta", msgspec.to_builtins(state_of(opened(base, key))))
    assert told.headers["content-type"] == "application/vnd.detente.pack-delta"
    change = tmp_path / "change.dtdelta"
    change.write_bytes(told.body)
    assert len(told.body) < len(base.read_bytes())
    ran = detente("pack", "-o", "tuesday.dtpack", "--apply", change, base, "--pack-key", public,
                  cwd=tmp_path)  # fmt: skip
    assert ran.status == 0, ran
    made = opened(tmp_path / "tuesday.dtpack", key)
    assert made.objects[-1].object == new
    assert (tmp_path / "tuesday.dtpack").read_bytes() == sealed(made, key)
    again = detente("pack", "-o", "x", "--apply", change, "tuesday.dtpack", "--pack-key", public,
                    cwd=tmp_path)  # fmt: skip
    assert again.status == 2
    assert "delta: expected one for the pack of" in again.err
    two.post("/v1/pack/delta", {"pack": "x", "has": []}).refused(400, "malformed_input")


def test_command(node: Node, register: Path, tmp_path: Path) -> None:
    """The command line exports as a party, and puts it on the record."""
    said(node.party("one"), "notices", hospital("Newest", LON + 4, LAT), FULL)
    before = deliveries(register, "export")
    ran = detente("export", "-o", tmp_path / "out.csv", "--for", "two", "--store", register,
                  "--kind", "notices", cwd=tmp_path)  # fmt: skip
    assert ran.status == 0, ran
    assert deliveries(register, "export") == before + 1, "the one that was new to it"
    found = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert "Newest" in [one["name"] for one in found]
    assert "Hidden" not in (tmp_path / "out.csv").read_text()
    store = ("--store", register)
    ran = detente("pack", "-o", "monday", "--for", "two", *store, cwd=tmp_path)
    assert ran.status == 0, ran
    key = ran.err.split()[-1]
    ran = detente("pack", "-o", "change", "--for", "two", "--since", "monday", *store, cwd=tmp_path)
    assert ran.status == 0, ran
    ran = detente("pack", "-o", "tuesday", "--apply", "change", "monday", "--pack-key", key,
                  cwd=tmp_path)  # fmt: skip
    assert ran.status == 0, ran
    ran = detente("pack", "-o", "state", "--state", "tuesday", "--pack-key", key, cwd=tmp_path)
    assert ran.status == 0, ran
    assert set(json.loads((tmp_path / "state").read_text())) == {"pack", "has"}
    for wrong in (
        ("export", "-o", "out.xls", "--for", "two"), ("export", "-o", "out.csv", "--for", "nobody"),
        ("export", "-o", "out.csv", "--for", "two", "--expires", "0"), ("pack", "-o", "x"),
        ("pack", "-o", "x", "--for", "two", "monday"), ("pack", "-o", "x", "--for", "one",
         "--since", "monday"),
    ):  # fmt: skip
        ran = detente(*wrong, *store, cwd=tmp_path)
        assert ran.status == 2, (wrong, ran)
    assert wanted_of().within == ""

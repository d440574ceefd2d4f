"""Erasure: content destroyed, and the record whole; test_erasure.md tells it."""

import json
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from submitting import START_S, url

from behind import alter
from cli import Ran, detente
from detente import verify as verifier
from detente.core.entry import EntryKind
from detente.core.principal import Role
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.store import Place, Store, tables
from http_node import Answered, Node, Party, node_at
from published import exported, url_of

NAME = "Saint Ambrose field clinic"
CENTRE = [362_718_281, 331_415_926]
ORDER = "District court, file 12/34: data protection"
PLACE = [{"footprint": [{"type": "circle", "centre": CENTRE, "radius_mm": 271_828}]}]
CLINIC: dict[str, Any] = {
    "source_id": "ambrose-77", "name": NAME, "category": "medical", "volumes": PLACE,
    "release": {"parties": {"two": "full"}},
}  # fmt: skip
OTHER: dict[str, Any] = {
    "name": "n", "category": "medical",
    "volumes": [{"footprint": [{"type": "circle", "centre": [1, 2], "radius_mm": 3}]}],
}  # fmt: skip
ERASER = Path(__file__).with_name("eraser.py")


def traces(salts: list[bytes]) -> list[bytes]:
    """Bytes of which none may be left."""
    words = [NAME, "ambrose-77", *(str(one) for one in (*CENTRE, 271_828))]
    return [*(word.encode() for word in words), *salts]


def salts_of(place: Place, object_id: str) -> list[bytes]:
    store = Store(place)
    with store.reading() as record:
        found = [record.content(one) for one in record.history(object_id)]
    store.close()
    return [one.salt for one in found if one is not None]


def said(party: Party, path: str, body: dict[str, Any]) -> Answered:
    """A party's word, taken, with an idempotency key: the answer is kept as well."""
    answer = party.post(path, body, idempotency_key=secrets.token_hex(8))
    assert answer.status == 201, answer.body
    return answer


def withdrawn(party: Party, answer: Answered) -> str:
    object_id: str = answer.json["object_id"]
    ended = party.ask("DELETE", f"/v1/objects/{object_id}", if_match=f'"{answer.token}"')
    assert ended.status == 200, ended.body
    return object_id


def erased(party: Party, object_id: str, order: str = ORDER) -> Answered:
    return party.post(f"/v1/objects/{object_id}/erasure", {"order": order})


def verified(place: Place, folder: Path) -> Ran:
    return detente("log", "verify", "--store", url_of(place), cwd=folder)


@pytest.fixture
def node(place: Place, keyring: Keyring, tmp_path: Path) -> Iterator[Node]:
    with node_at(place, keyring, tmp_path) as serving:
        yield serving


def test_erased(node: Node, place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """What a party has withdrawn it may erase, and the log still verifies."""
    one, two, three = node.party("one"), node.party("two"), node.party("three-or-so")
    clinic = said(one, "/v1/notices", CLINIC)
    object_id = clinic.json["object_id"]
    assert two.get(f"/v1/objects/{object_id}").json["value"]["name"] == NAME
    withdrawn(one, clinic)
    salts = salts_of(place, object_id)
    assert len(salts) == 2
    done = erased(one, object_id)
    assert done.status == 201, done.body
    sequence = done.json["sequence"]
    store = Store(place)
    assert salts_of(place, object_id) == []
    with store.reading() as record:
        [stored] = record.identified([object_id]).values()
        assert (stored.source_id, stored.ended, stored.data) == ("", True, None)
        content = record.content(sequence)
        assert content is not None
        assert not any(one in content.data for one in traces(salts)), "it repeats nothing"
    ran = verified(place, tmp_path)
    assert (ran.status, "2 erased" in ran.out) == (0, True), ran.out
    for reader in (one, two):
        found = reader.get(f"/v1/objects/{object_id}/history").json
        assert [version["erased"] for version in found["versions"]] == [True, True]
        told = found["erasure"]
        assert (told["sequence"], told["party"], told["order"]) == (sequence, "one", ORDER)
        reader.get(f"/v1/objects/{object_id}").refused(404, "not_found")
        event = reader.get(f"/v1/events?after={sequence - 1}").json["events"][0]
        assert (event["kind"], event["about"]) == ("erasure", object_id)
        assert event["view"]["value"]["order"] == ORDER
    if three.get("/v1/objects").status == 200:
        three.get(f"/v1/objects/{object_id}/history").refused(404, "not_found")
    key = exported(place, keyring, tmp_path)
    outside = detente("audit", "log", "--key", key, "--state", "state.json", cwd=tmp_path)
    assert outside.status == 0, outside.out
    shown = detente("show", object_id, "--store", url_of(place), cwd=tmp_path).out
    assert f"by one, entry {sequence}, by order of: {ORDER}" in shown
    listed = detente("list", "--kind", "notice", "--store", url_of(place), cwd=tmp_path).out
    assert "erased" in listed
    store.close()


def test_again(node: Node, place: Place) -> None:
    """It is done once, and its name is free."""
    one = node.party("one")
    object_id = withdrawn(one, said(one, "/v1/notices", CLINIC))
    once = {"order": ORDER}
    first = one.post(f"/v1/objects/{object_id}/erasure", once, idempotency_key="k")
    again = one.post(f"/v1/objects/{object_id}/erasure", once, idempotency_key="k")
    assert (first.status, again.body) == (201, first.body)
    erased(one, object_id).refused(409, "conflict")
    erased(node.party("two", Role.ADMINISTRATOR), object_id).refused(409, "conflict")
    other = one.post("/v1/notices", CLINIC)
    assert other.json["object_id"] != object_id
    store = Store(place)
    found = audit(store)
    assert (found.problems, found.erased) == ([], 2)
    store.close()


def test_in_force(node: Node, place: Place) -> None:
    """What still counts is refused: withdraw it first."""
    one, two = node.party("one"), node.party("two")
    area: dict[str, Any] = {"volumes": PLACE, "release": {"members": "full"}}
    clinic = said(one, "/v1/notices", CLINIC)
    others = [
        said(one, "/v1/zones", {"source_id": "zone-of", "name": "z", "rule": "boundary", **area}),
        said(one, "/v1/presence", {"source_id": "team-of", "name": "t", **area}),
        said(one, "/v1/reports", {"source_id": "report-of", "title": "t", "text": "x"}),
        said(one, "/v1/plans", {"plan": {"source_id": "draft-of", "volumes": PLACE}}),
    ]
    assert two.get(f"/v1/objects/{clinic.json['object_id']}").status == 200
    doubt = {"source_id": "doubt", "object": clinic.json["object_id"], "text": "not there"}
    objection = said(two, "/v1/objections", doubt)
    question = {"plan": {"source_id": "q", "volumes": PLACE}}

    def found() -> tuple[str, int]:
        verdict = one.post("/v1/check", question).json
        return verdict["verdict"], len(verdict["findings"])

    before = found()
    assert before[0] == "conflict"
    office = node.party("two", Role.ADMINISTRATOR)
    everything = [*((one, answer) for answer in (clinic, *others)), (two, objection)]
    for party, answer in everything:
        for asker in (party, office):
            told = erased(asker, answer.json["object_id"]).refused(409, "in_force")
            assert "withdraw it first" in told["expected"]
    assert found() == before
    for party, answer in everything:
        assert erased(party, withdrawn(party, answer)).status == 201
    assert found() == ("no_known_conflict", 0)
    store = Store(place)
    assert audit(store).problems == []
    store.close()


def test_never(node: Node, place: Place) -> None:
    """Nobody erases what the record is checked by, or what bears witness."""
    one, two = node.party("one"), node.party("two")
    office = node.party("one", Role.ADMINISTRATOR)
    clinic = said(one, "/v1/notices", CLINIC).json
    assert two.get(f"/v1/objects/{clinic['object_id']}").status == 200
    said(two, "/v1/acknowledgements", {
        "source_id": "ack-1", "entry": clinic["leaf"], "level": "received",
    })  # fmt: skip
    store = Store(place)
    with store.reading() as record:
        kinds = {one.kind: one.object_id for one in record.objects()}
    store.close()
    for kind in ("agreement", "party", "acknowledgement", "delivery"):
        erased(office, kinds[EntryKind(kind)]).refused(403, "not_permitted")
    object_id = kinds[EntryKind.NOTICE]
    erased(two, object_id).refused(404, "not_found")
    erased(two, "0" * 32).refused(404, "not_found")
    erased(node.party("one", Role.NOTIFIER), object_id).refused(403, "not_permitted")


def test_order(node: Node) -> None:
    """The order repeats nothing of what is erased."""
    one = node.party("one")
    object_id = withdrawn(one, said(one, "/v1/notices", CLINIC))
    for order in (f"Remove {NAME.upper()}", "as to ambrose-77", "", "x" * 301):
        erased(one, object_id, order).refused(400, "malformed_input")
    assert erased(one, object_id, "x" * 300).status == 201


def test_administrator(node: Node, place: Place) -> None:
    """For an administrator the node erases anybody's, and says who asked."""
    one = node.party("one")
    object_id = withdrawn(one, said(one, "/v1/notices", CLINIC))
    assert erased(node.party("two", Role.ADMINISTRATOR), object_id).status == 201
    told = one.get(f"/v1/objects/{object_id}/history").json["erasure"]
    assert (told["party"], told["asked"], told["order"]) == ("node", "two", ORDER)
    assert salts_of(place, object_id) == []


def test_bytes(register: Path, tmp_path: Path) -> None:
    """No byte of it stays in the files of the register."""
    keyring = Keyring(register)
    with node_at(register, keyring, tmp_path, workers=2) as node:
        one, two = node.party("one"), node.party("two")
        for number in range(60):  # Pages are split, and names moved between them.
            said(one, "/v1/notices", {**OTHER, "source_id": f"h{number}"})
        clinic = said(one, "/v1/notices", CLINIC)
        two.get(f"/v1/objects/{clinic.json['object_id']}")
        changed = one.ask(
            "PUT", f"/v1/objects/{clinic.json['object_id']}",
            {"value": {"type": "notice", **CLINIC, "standoff_mm": 7}},
            if_match=f'"{clinic.token}"', idempotency_key="changed",
        )  # fmt: skip
        object_id = withdrawn(one, changed)
        salts = salts_of(register, object_id)
        wanted = traces(salts)
        assert all(found_in(tmp_path, [one]) for one in wanted), "it is there"
        assert erased(one, object_id).status == 201
        deadline = time.monotonic() + 30
        while found_in(tmp_path, wanted) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert found_in(tmp_path, wanted) == []
        for number in range(20):
            said(one, "/v1/notices", {**OTHER, "source_id": f"k{number}"})
    assert found_in(tmp_path, wanted) == []


def found_in(folder: Path, wanted: list[bytes]) -> list[tuple[str, bytes]]:
    """Which of these bytes stand in a file of the register."""
    return [
        (path.name, one)
        for path in folder.glob("test.db*")
        if path.is_file()
        for one in wanted
        if one in path.read_bytes()
    ]


def test_workers(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """Every worker lets go of it."""
    with node_at(place, keyring, tmp_path, workers=2) as node:
        let_go(node)


def let_go(node: Node) -> None:
    one, two = node.party("one"), node.party("two")
    clinic = said(one, "/v1/notices", CLINIC)
    assert NAME in two.get("/v1/events?after=-1").body.decode()
    object_id = withdrawn(one, clinic)
    assert erased(one, object_id).status == 201
    for _ in range(20):  # Each connection may be another worker's.
        for party in (node.party("one"), node.party("two")):
            for path in ("/v1/events?after=-1", "/v1/objects?ended=true"):
                answer = party.get(path)
                assert answer.status == 200
                assert NAME not in answer.body.decode()


def test_evidence(register: Path, tmp_path: Path) -> None:
    """Evidence still proves that it was said, and which entry erased it."""
    keyring = Keyring(register)
    with node_at(register, keyring, tmp_path) as node:
        one, two = node.party("one"), node.party("two")
        clinic = said(one, "/v1/notices", CLINIC)
        object_id = clinic.json["object_id"]
        two.get(f"/v1/objects/{object_id}")
        said(two, "/v1/acknowledgements", {
            "source_id": "ack-1", "entry": clinic.json["leaf"], "level": "received",
        })  # fmt: skip
        withdrawn(one, clinic)
        sequence = erased(one, object_id).json["sequence"]
        data = one.get(f"/v1/objects/{object_id}/evidence").body
        two.get(f"/v1/objects/{object_id}/evidence", accept="*/*")
    status, told = verifier.verify(data)
    assert status == 0, told
    assert f"Erased by entry {sequence} (erasure): " in told
    assert ORDER in told
    assert "version 1 to two" in told
    page = data.decode()
    assert f"what it said was erased, by order of: {ORDER}" in page
    assert "version 1: erased" in page
    assert NAME not in page
    file = tmp_path / "e.html"
    ran = detente("evidence", object_id, "-o", file, "--store", register, cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert detente("verify", file, cwd=tmp_path).status == 0
    before, _, rest = data.partition(verifier.OPENS)
    block, _, after = rest.partition(verifier.CLOSES)
    whole = json.loads(block)
    entries = whole["evidence"]["entries"]
    whole["evidence"]["entries"] = [one for one in entries if one["about"] != "erasure"]
    spelt = verifier.canonical(whole).replace(b"<", b"\\u003c")
    forged = before + verifier.OPENS + spelt + verifier.CLOSES + after
    status, told = verifier.verify(forged)
    assert status == 1
    assert "nothing erased it" in told


def test_lost(node: Node, place: Place, tmp_path: Path) -> None:
    """What is missing without an erasure is lost, and still protects."""
    one = node.party("one")
    clinic = said(one, "/v1/notices", CLINIC).json
    object_id = withdrawn(one, said(one, "/v1/notices", {**CLINIC, "source_id": "second"}))
    [kept, _] = contents(place, object_id)
    assert erased(one, object_id).status == 201
    assert verified(place, tmp_path).status == 0
    alter(place, f"DELETE FROM content WHERE sequence = {clinic['sequence']}")  # noqa: S608
    ran = verified(place, tmp_path)
    assert (ran.status, "is missing, and nothing erased it" in ran.out) == (1, True), ran.out
    there, elsewhere = (
        asked(tmp_path, [axis / 1e7 + aside for axis in CENTRE]) for aside in (0, 10)
    )
    assert detente("check", elsewhere, "--store", url_of(place), cwd=tmp_path).status == 0
    met = detente("check", there, "--store", url_of(place), cwd=tmp_path)
    assert met.status == 3, met.out
    assert ("no known conflict" in met.out, "it takes a backup" in met.out) == (False, True)
    # Without its numbers nobody knows where it protects.
    alter(place, "DELETE FROM gathered")
    for question in (there, elsewhere):
        ran = detente("check", question, "--store", url_of(place), cwd=tmp_path)
        assert ran.status == 3, ran.out
        assert "no known conflict" not in ran.out.lower()
    store = Store(place)
    with store.appending() as record:
        record._connection.execute(
            sa.insert(tables.content).values(sequence=kept[0], salt=kept[1], data=kept[2])
        )
    store.close()
    ran = verified(place, tmp_path)
    assert f"entry {kept[0]}: still holds what entry" in ran.out, ran.out


def asked(folder: Path, position: list[float]) -> Path:
    """A plan at a place, in a file."""
    path = folder / f"{position[0]}.geojson"
    point = {"type": "Point", "coordinates": position}
    feature = {"type": "Feature", "properties": {"name": "q"}, "geometry": point}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def contents(place: Place, object_id: str) -> list[tuple[int, bytes, bytes]]:
    store = Store(place)
    with store.reading() as record:
        found = [(one, record.content(one)) for one in record.history(object_id)]
    store.close()
    return [(one, content.salt, content.data) for one, content in found if content is not None]


def test_repair(place: Place, keyring: Keyring, node: Node, tmp_path: Path) -> None:
    """A repair brings nothing back."""
    one = node.party("one")
    object_id = withdrawn(one, said(one, "/v1/notices", CLINIC))
    sequence = erased(one, object_id).json["sequence"]
    exported(place, keyring, tmp_path)
    alter(
        place,
        f"DELETE FROM object WHERE id = '{object_id}';"  # noqa: S608
        f"UPDATE entry SET envelope = leaf WHERE sequence = {sequence - 1}",
    )
    assert verified(place, tmp_path).status == 1
    for _ in range(2):  # First the entry, then what is drawn from all entries.
        ran = detente(
            "log", "repair", "--from", tmp_path / "log", "--store", url_of(place),
            cwd=tmp_path,
        )  # fmt: skip
    assert ran.status == 0, ran.out + ran.err
    assert verified(place, tmp_path).status == 0
    assert salts_of(place, object_id) == []
    store = Store(place)
    with store.reading() as record:
        [stored] = record.identified([object_id]).values()
    store.close()
    assert (stored.source_id, stored.ended) == ("", True)


def test_commands(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """At the machine it is one command, for the author or for the operator."""
    table = tmp_path / "two.csv"
    table.write_text("id,name,lat,lon\na-1,Alpha clinic,33.1,36.2\nb-2,Beta clinic,33.2,36.3\n")
    register = ("--store", url_of(place), "--keys", keyring.folder)
    done = detente("import", table, "--as", "notices", "--party", "one", *register, cwd=tmp_path)
    assert done.status == 0, done.err
    early = detente("erase", "a-1", "--order", ORDER, *register, cwd=tmp_path)
    assert (early.status, "withdraw it first" in early.err) == (2, True), early.err
    for name in ("a-1", "b-2"):
        detente("withdraw", name, "--party", "one", *register, cwd=tmp_path)
    foreign = detente("erase", "a-1", "--order", ORDER, "--party", "two", *register, cwd=tmp_path)
    assert foreign.status == 2, foreign.out
    own = detente("erase", "a-1", "--order", ORDER, "--party", "one", *register, cwd=tmp_path)
    assert own.status == 0, own.err
    assert own.out.startswith("erased: entry ")
    assert detente("erase", "b-2", "--order", ORDER, *register, cwd=tmp_path).status == 0
    ran = verified(place, tmp_path)
    assert (ran.status, "4 erased" in ran.out) == (0, True), ran.out
    vkey = exported(place, keyring, tmp_path)
    outside = detente("audit", "log", "--key", vkey, "--state", "state.json", cwd=tmp_path)
    assert outside.status == 0, outside.out
    if isinstance(place, Path):
        for path in tmp_path.glob(f"{place.name}*"):
            if path.is_file():
                assert b"Alpha clinic" not in path.read_bytes()


def test_killed(place: Place, keyring: Keyring) -> None:
    """Killed in between, it is erased with its entry or neither."""
    chance = random.Random(20151124)
    total = 0
    for number in range(6):
        with subprocess.Popen(
            [sys.executable, ERASER, url(place), str(keyring.folder), str(number)],
            stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            deadline = time.monotonic() + START_S
            assert process.stdout.readline() == "ready\n"
            assert time.monotonic() < deadline
            lines = [process.stdout.readline().strip() for _ in range(chance.randint(0, 2))]
            time.sleep(chance.uniform(0, 0.1))
            process.kill()
            lines += process.stdout.read().splitlines()
            answered = [line for line in lines if len(line) == 32]
        store = Store(place)
        found = audit(store)
        assert found.problems == [], number
        total += len(answered)
        assert found.erased >= 2 * total
        for object_id in answered:
            assert salts_of(place, object_id) == []
        store.close()
    assert total > 2, "the rounds must be long enough to be answered in"

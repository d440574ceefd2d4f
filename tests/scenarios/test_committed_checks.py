"""A check on the record that shows no intent; test_committed_checks.md tells it."""

import base64
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from cli import detente
from detente.core.check import VerdictKind
from detente.core.committed import Check, Question
from detente.core.entry import EntryKind
from detente.core.ledger import AGREEMENT_SOURCE_ID
from detente.core.note_key import log_signer, parse_vkey
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.policy import Policy, PolicyLog
from detente.core.principal import Role
from detente.core.proof_file import parse_proof_file, verify_proof_file
from detente.core.release import Grade, Release
from detente.core.volume import Circle, Volume
from detente.core.wire import decode
from detente.doors.evidence_page import evidence_file
from detente.node.audit import audit
from detente.node.author import Author
from detente.node.check import check_plans
from detente.node.committing import Committed, commit
from detente.node.evidence import Notary, gather
from detente.node.keyring import Keyring
from detente.node.log import LOG, PublicLog, signer_of
from detente.node.lookup import current_agreement, reader_at
from detente.node.repair import apply_repair, plan_repair
from detente.node.submit import submit
from detente.picture import Picture
from detente.store import Place, Store, tables
from forging import checked, forged, refused
from http_node import Answered, Node, node_at
from nodes import around
from published import exported, url_of
from world import NOW

if TYPE_CHECKING:
    from postgres import Cluster

LON_E7, LAT_E7 = 101_234_137, 505_678_139
"""Where the plan is, to the digit: numbers that nothing else has."""

PLAN = {
    "source_id": "night-flight-zq81",
    "volumes": [
        {"footprint": [{"type": "circle", "centre": [LON_E7, LAT_E7], "radius_mm": 70_000}]}
    ],
}
TO_TWO = Release(parties={"two": Grade.FULL})


def clinic(name: str, lon: float, lat: float, release: Release | None) -> dict[str, Any]:
    value = Notice(
        source_id=name, name=name, category="medical", volumes=around(lon, lat, 100.0),
        release=release,
    )  # fmt: skip
    body: dict[str, Any] = json.loads(msgspec.json.encode(value))
    return body


def noticed(node: Node) -> None:
    """One gives notice of a clinic where the plan is, for two to see."""
    one = node.party("one")
    seen = clinic("Clinic by the river", LON_E7 / 1e7, LAT_E7 / 1e7, TO_TWO)
    assert one.post("/v1/notices", seen).status == 201


def ask(node: Node, party: str = "two", **more: Any) -> Answered:
    return node.party(party).post("/v1/check", {"plan": PLAN, "commit": True, **more})


def opened(answer: Answered) -> tuple[dict[str, Any], bytes, bytes]:
    """The object of a committed check, its salt, and the file that opens it."""
    assert answer.status == 201, answer.body
    opening = answer.json["opening"]
    return (
        json.loads(opening["object"]),
        base64.b64decode(opening["salt"]),
        opening["evidence"].encode(),
    )


def test_told(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """A planner has its check committed, and can open it later."""
    with node_at(place, keyring, tmp_path) as node:
        noticed(node)
        plain = node.party("two").post("/v1/check", {"plan": PLAN})
        answer = ask(node)
        told, salt, file = opened(answer)
        verdict, receipt = answer.json["verdict"], answer.json["receipt"]
        assert {**verdict, "as_of": ""} == {**plain.json, "as_of": ""}, "the answer is as before"
        assert (verdict["verdict"], verdict["sequence"]) == ("conflict", 4)
        assert receipt["sequence"] == 4, "it stands on all before it"
        noticed_again = clinic("Another", 10.5, 50.5, TO_TWO)
        assert node.party("one").post("/v1/notices", noticed_again).status == 201
    store = Store(place)
    with store.reading() as record:
        entry = record.entry(receipt["sequence"])
        vkey = current_agreement(record).log_keys[0]
    store.close()
    committed_to = sha256(salt + answer.json["opening"]["object"].encode()).hexdigest()
    assert entry.statement.commitment == committed_to
    policy = Policy(logs=(PolicyLog(key=parse_vkey(vkey)),))
    proof = parse_proof_file(receipt["proof"].encode())
    verify_proof_file(proof, entry.data, policy)
    assert (told["party"], told["verdict"], told["sequence"]) == ("two", "conflict", 4)
    [reason] = told["findings"]
    assert (reason["rule"], reason["name"], reason["distance_mm"]) == (
        "R-12", "Clinic by the river", 0
    )  # fmt: skip
    said = checked(file)
    assert (
        f"two was told at {verdict['as_of']}, on the record as of register version 4, "
        "of its plan 'night-flight-zq81': conflict. It permits nothing." in said
    )
    [line] = [one for one in said.splitlines() if "Clinic by the river" in one]
    assert line == (
        f"    conflict: notice, 'Clinic by the river', category medical, of one, 0 mm away, "
        f"give or take {reason['distance_error_mm']} mm, where {reason['separation_mm']} mm is "
        f"asked, by R-12"
    )
    (tmp_path / "told.html").write_bytes(file)
    ran = detente("verify", "told.html", cwd=tmp_path)
    assert (ran.status, ran.out) == (0, said)


def test_no_intent(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """The record shows that some check was answered, and no more."""
    with node_at(place, keyring, tmp_path) as node:
        noticed(node)
        first, second = (ask(node) for _ in range(2))
        at = first.json["receipt"]["sequence"]
        for party in ("one", "two"):
            found = node.party(party)
            gone = found.get(f"/v1/objects/{first.json['receipt']['object_id']}")
            gone.refused(404, "not_found")
            assert found.get("/v1/objects?kind=check").json["objects"] == []
            events = found.get("/v1/events?after=0").json["events"]
            assert "check" not in {one["kind"] for one in events}
    store = Store(place)
    with store.reading() as record:
        one, other = (record.entry(sequence) for sequence in (at, at + 1))
    store.close()
    shown = json.loads(one.payload)
    assert set(shown) == {
        "authorship", "commitment", "key", "kind", "object", "party", "party_sequence", "previous",
        "theatre", "time", "version",
    }  # fmt: skip
    assert (shown["party"], shown["kind"], shown["version"]) == ("node", "check", 1)
    assert b"two" not in one.data + base64.b64decode(json.loads(one.data)["payload"])
    assert one.statement.commitment != other.statement.commitment, "each has its own salt"
    assert one.statement.object != other.statement.object
    told, salt, _ = opened(first)
    assert told["source_id"] == one.statement.object
    assert salt != opened(second)[1]


def all_below(where: Path) -> list[Path]:
    """What is in a folder in which others may be at work."""
    return sorted(Path(folder) / name for folder, _, names in os.walk(where) for name in names)


def traces(where: Path, needles: dict[str, bytes]) -> dict[str, list[str]]:
    """In which files of a folder each of these stands."""
    found: dict[str, list[str]] = {name: [] for name in needles}
    for path in all_below(where):
        try:
            data = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:
            continue  # The server that works there has removed it meanwhile.
        for name, needle in needles.items():
            if needle in data:
                found[name].append(path.name)
    return found


def test_not_kept(
    place: Place, keyring: Keyring, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    """The node keeps nothing that could open it."""
    with node_at(place, keyring, tmp_path) as node:
        noticed(node)
        told, salt, _ = opened(ask(node))
        log = node.served.log()
    needles = {
        "salt": salt,
        "salt, hex": salt.hex().encode(),
        "salt, base64": base64.b64encode(salt),
        "plan": b"night-flight-zq81",
        "root": told["root"].encode(),
        "clinic": b"Clinic by the river",
    }
    folder = tmp_path
    if database == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        with cluster.connect() as connection:
            connection.execute(b"CHECKPOINT")
        folder = cluster.folder
    found = traces(folder, needles)
    assert found.pop("clinic"), "what is kept is found"
    assert not any(found.values()), found
    assert all(needle.decode() not in log for name, needle in needles.items() if name != "salt")
    store = Store(place)
    with store.reading() as record:
        [stored] = record.objects(EntryKind.CHECK)
        assert (stored.data, stored.salt, stored.party) == (None, None, "node")
        assert record.content(stored.sequence) is None
    store.close()


def test_no_place(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """Nor does it keep where the plan is."""
    with node_at(place, keyring, tmp_path) as node:
        far = {
            "source_id": "far",
            "volumes": [
                {"footprint": [{"type": "circle", "centre": [LON_E7, LAT_E7], "radius_mm": 1}]}
            ],
        }
        answer = node.party("two").post("/v1/check", {"plan": far, "commit": True})
        assert answer.json["verdict"]["verdict"] == "no_known_conflict"
        log = node.served.log()
    store = Store(place)
    with store._database.reading() as connection:
        for table in tables.metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                for value in row:
                    assert str(LON_E7).encode() not in str(value).encode(), table.name
    store.close()
    assert str(LON_E7) not in log
    needles = {"longitude": str(LON_E7).encode()}
    assert not any(traces(tmp_path, needles).values())


@pytest.fixture
def file(register: Path) -> tuple[bytes, Keyring]:
    """What opens a check of a local register, asked by two."""
    keyring, store = Keyring(register), Store(register)
    made = asked_of(store, keyring, Question(party="two", plan=plan_of()))
    data = opening_of(store, keyring, made)
    store.close()
    return data, keyring


def plan_of() -> Plan:
    circle = Circle(centre=(LON_E7, LAT_E7), radius_mm=70_000)
    return Plan(source_id="p", party="two", volumes=(Volume(footprint=(circle,)),))


def asked_of(store: Store, keyring: Keyring, question: Question) -> Committed:
    with store.reading() as record:
        picture = Picture([], agreement=current_agreement(record), sequence=record.head()[1])
    [verdict] = check_plans([question.plan], picture, now=NOW)
    return commit(store, keyring.load("node"), question, verdict, now=NOW)


def opening_of(store: Store, keyring: Keyring, made: Committed) -> bytes:
    with store.reading() as record:
        log = PublicLog(signer_of(current_agreement(record), keyring))
        notary = Notary(key=keyring.load("node"), log=log)
        reader = reader_at(record, "two", now=NOW)
        stored = record.identified([made.receipt.object_id])[made.receipt.object_id]
        found = gather(record, reader, stored, notary, now=NOW, opening=made.content)
    return evidence_file(found, notary.key)


def the_check(evidence: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any]
    [found] = [one for one in evidence["entries"] if one["about"] == "object"]
    return found


ALTERED: dict[str, tuple[Callable[[dict[str, Any]], object], int, str]] = {}


def altered(number: int, why: str) -> Callable[[Callable[[dict[str, Any]], object]], None]:
    def note(change: Callable[[dict[str, Any]], object]) -> None:
        ALTERED[change.__name__] = (change, number, why)

    return note


@altered(5, "committed to something else")
def salt(evidence: dict[str, Any]) -> None:
    the_check(evidence)["salt"] = base64.b64encode(b"s" * 32).decode()


def reworded(evidence: dict[str, Any], old: str, new: str) -> None:
    one = the_check(evidence)
    assert old in one["object"]
    one["object"] = one["object"].replace(old, new)


@altered(5, "committed to something else")
def verdict(evidence: dict[str, Any]) -> None:
    reworded(evidence, '"verdict":"no_known_conflict"', '"verdict":"conflict"')


@altered(5, "committed to something else")
def plan(evidence: dict[str, Any]) -> None:
    reworded(evidence, f"{LON_E7}", f"{LON_E7 + 1}")


@altered(5, "committed to something else")
def sequence(evidence: dict[str, Any]) -> None:
    reworded(evidence, '"sequence":3', '"sequence":2')


@altered(5, "committed to something else")
def asker(evidence: dict[str, Any]) -> None:
    reworded(evidence, '"party":"two","plan"', '"party":"one","plan"')


@altered(1, "is of the theatre test")
def theatre(evidence: dict[str, Any]) -> None:
    evidence["theatre"] = "elsewhere"


@altered(8, "it stands on no state of the log")
def grounds(evidence: dict[str, Any]) -> None:
    """The checkpoint on which it stands, and the proofs that lead from and to it, left out."""
    del evidence["checkpoints"][0], evidence["consistency"][0]


@pytest.mark.parametrize("what", ALTERED)
def test_altered(file: tuple[bytes, Keyring], what: str) -> None:
    """An opening that was altered is refused, by whomever it was sealed."""
    data, keyring = file
    change, number, why = ALTERED[what]
    refused(forged(keyring, data, change), number, why)
    checked(forged(keyring, data, lambda _: None))


def test_lying_node(register: Path) -> None:
    """A node that commits to an answer on another record than the log's is found out."""
    keyring, store = Keyring(register), Store(register)
    question = Question(party="two", plan=plan_of())
    made = asked_of(store, keyring, question)
    true = decode(made.content.data)
    assert isinstance(true, Check)
    at, nowhere = true.sequence, "0" * 64
    for number, (size, root) in enumerate(
        ((at, nowhere), (at - 1, true.root), (at + 1, true.root))
    ):
        false = replace(true, source_id=f"{number:032x}", sequence=size, root=root)
        with store.reading() as record:
            author = Author.following(record, "node", keyring.load("node"))
        written = author.write(false, now=NOW, object_id=false.source_id)
        [receipt] = submit(store, [written], now=NOW)
        lied = Committed(receipt=receipt, content=written.content)
        refused(opening_of(store, keyring, lied), 8, "it stands on no state of the log")
    store.close()


def test_new_log_key(register: Path) -> None:
    """A log whose key was changed meanwhile still signs what the answer stands on."""
    keyring, store = Keyring(register), Store(register)
    made = asked_of(store, keyring, Question(party="two", plan=plan_of()))
    with store.reading() as record:
        author = Author.following(record, "node", keyring.load("node"))
        terms = current_agreement(record)
        stored = record.named(EntryKind.AGREEMENT, "node", [AGREEMENT_SOURCE_ID])
    origin = parse_vkey(terms.log_keys[0]).name
    keyring.path(LOG).unlink()
    new = log_signer(origin, keyring.own(LOG)).verifier.vkey
    agreement = stored[AGREEMENT_SOURCE_ID]
    written = author.write(
        replace(terms, log_keys=(new,)), now=NOW, object_id=agreement.object_id, version=2
    )
    submit(store, [written], now=NOW)
    checked(opening_of(store, keyring, made))
    store.close()


def test_only_the_node(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """Nobody but the node says what it answered."""
    store = Store(place)
    told = Check(
        source_id="a" * 32, party="two", plan=plan_of(), sequence=3, root="0" * 64, as_of=NOW,
        verdict=VerdictKind.NO_KNOWN_CONFLICT,
    )  # fmt: skip
    with store.reading() as record:
        author = Author.following(record, "two", keyring.load("two"))
    written = author.write(told, now=NOW, object_id=told.source_id)
    store.close()
    body = {
        "envelope": written.envelope.decode(),
        "object": written.content.data.decode(),
        "salt": base64.b64encode(written.content.salt).decode(),
    }
    with node_at(place, keyring, tmp_path) as node:
        node.party("").post("/v1/entries", body).refused(403, "not_permitted")
        assert node.party("two").get("/v1/check").status == 405


def test_not_for_many(register: Path, tmp_path: Path) -> None:
    """It is one check at a time, and is not given again."""
    keyring = Keyring(register)
    with node_at(register, keyring, tmp_path) as node:
        two = node.party("two")
        lines = json.dumps({"plan": PLAN, "commit": True}).encode() + b"\n"
        [line] = two.post("/v1/checks", lines, content_type="application/x-ndjson").lines
        assert (line["problem"]["code"], line["problem"]["what"]) == ("malformed_input", "commit")
        body = {"plan": PLAN, "commit": True}
        problem = two.post("/v1/check", body, idempotency_key="k").refused(400, "malformed_input")
        assert "keeps no answer that it commits to" in problem["detail"]
        node.party("two", Role.ADMINISTRATOR).post("/v1/check", body).refused(403, "not_permitted")
    store = Store(register)
    assert store.size() == 3, "nothing was written"
    store.close()


def test_cut(register: Path, tmp_path: Path) -> None:
    """It is cut and charged as any other check."""
    keyring = Keyring(register)
    with node_at(register, keyring, tmp_path) as node:
        secret = clinic("A hidden clinic", LON_E7 / 1e7, LAT_E7 / 1e7, None)
        assert node.party("one").post("/v1/notices", secret).status == 201
        answer = ask(node)
        told, _, file = opened(answer)
        [withheld] = told["withheld"]
        assert withheld == {"severity": "conflict", "desk": None}
        said = checked(file)
        assert "\n    conflict: withheld\n" in said
        assert b"hidden clinic" not in answer.body
    store = Store(register)
    with store._database.reading() as connection:
        rows = connection.execute(sa.select(tables.budget)).all()
    store.close()
    assert [(row.owner, row.asker) for row in rows] == [("one", "two")]


def test_lived_with(register: Path, tmp_path: Path) -> None:
    """The register lives with what it never held."""
    keyring, store = Keyring(register), Store(register)
    made = asked_of(store, keyring, Question(party="two", plan=plan_of()))
    where = ["--store", register]
    found = audit(store)
    assert (found.problems, found.erased, found.kept_by_askers) == ([], 0, 1)
    ran = detente("log", "verify", *where, cwd=tmp_path)
    assert "commitment, 1 kept by their askers and hash holds" in ran.out
    ran = detente("show", made.receipt.object_id[:12], *where, cwd=tmp_path)
    assert "(kept by the asker)" in ran.out
    assert "erased" not in ran.out
    assert "kept by the asker" in detente("list", "--kind", "check", *where, cwd=tmp_path).out
    ran = detente("evidence", made.receipt.object_id, "-o", "x.html", *where, cwd=tmp_path)
    assert (ran.status, "evidence of a check" in ran.err) == (2, True)
    key = exported(register, keyring, tmp_path)
    (tmp_path / "policy").write_text(f"log {key}\nquorum none\n")
    ran = detente("audit", "log", "--policy", "policy", "--state", "state", cwd=tmp_path)
    assert ran.status == 0, ran.out + ran.err
    with store.appending() as record:
        record._connection.execute(
            sa.delete(tables.current).where(tables.current.c.kind == "check")
        )
    with store.reading() as record:
        plan = plan_repair(record, None)
    assert [one.id for one in plan.objects] == [made.receipt.object_id]
    assert plan.left == []
    apply_repair(store, plan)
    assert audit(store).problems == []
    with store.appending() as record:
        row = (made.receipt.sequence, made.content.salt, made.content.data)
        record._connection.execute(sa.insert(tables.content).values(row))
    [problem] = audit(store).problems
    assert problem.startswith("check 4, entry 3: what it commits to is here")
    store.close()


def test_command(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """Whoever holds the register itself does the same with one command."""
    point = {"type": "Point", "coordinates": [LON_E7 / 1e7, LAT_E7 / 1e7]}
    feature = {"type": "Feature", "properties": {"id": "flight-12"}, "geometry": point}
    other = {**feature, "properties": {"id": "flight-13"}}
    (tmp_path / "plan.geojson").write_text(json.dumps(feature))
    both = {"type": "FeatureCollection", "features": [feature, other]}
    (tmp_path / "plans.geojson").write_text(json.dumps(both))
    at = ["--store", url_of(place), "--keys", keyring.folder, "--commit", "told.html"]
    ran = detente("check", "plan.geojson", *at, "--format", "jsonl", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert "entry 3 commits to this answer; told.html alone opens it" in ran.err
    answered = json.loads(ran.out)
    ran = detente("verify", "told.html", cwd=tmp_path)
    assert ran.status == 0, ran.out
    assert (
        f"node was told at {answered['as_of']}, on the record as of register version 3" in ran.out
    )
    opening = tmp_path / "told.html"
    kept = opening.read_bytes()
    assert opening.stat().st_mode & 0o077 == 0, "it says what was asked"
    ran = detente("check", "plan.geojson", *at, cwd=tmp_path)
    assert (ran.status, "a file that is not there yet" in ran.err) == (2, True), ran.err
    assert opening.read_bytes() == kept, "nothing else opens it"
    at[-1] = "other.html"
    for wrong, why in (
        (["plans.geojson"], "expected one plan"),
        (["plan.geojson", "--notices", "plan.geojson"], "got --notices"),
        (["plan.geojson", "--at", "2026-01-01T00:00:00Z"], "got --at"),
        (["plan.geojson", "--together"], "got --together"),
        (["plan.geojson", "--commit", "nowhere/told.html"], "a folder that is there"),
    ):
        ran = detente("check", wrong[0], *at, *wrong[1:], cwd=tmp_path)
        assert (ran.status, why in ran.err) == (2, True), ran.err
    store = Store(place)
    assert store.size() == 4, "nothing of these was written"
    store.close()

"""Evidence: one file that a court can check alone; test_evidence.md tells it."""

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from nacl.signing import SigningKey

from cli import detente
from detente import verify as verifier
from detente.core.entry import EntryKind
from detente.core.ledger import AGREEMENT_SOURCE_ID
from detente.core.note import parse_note, render_note, sign_note, verify_note
from detente.core.note_key import Signer, cosigner, log_signer, parse_vkey
from detente.core.notice import Notice
from detente.core.policy import Policy, PolicyLog, PolicyWitness, render_policy
from detente.core.principal import Role
from detente.core.proof_file import (
    ProofFile,
    parse_proof_file,
    render_proof_file,
    verify_proof_file,
)
from detente.core.release import Grade, Release
from detente.core.telling import Acknowledgement, Delivery, Level, Outcome
from detente.node.author import Author
from detente.node.keyring import Keyring
from detente.node.log import LOG, PublicLog, signer_of
from detente.node.lookup import current_agreement
from detente.node.party_keys import rotate
from detente.node.submit import Receipt, appended, submit
from detente.store import Store, Stored, tables
from forging import block_of, checked, forged, rebuilt, refused
from http_node import node_at
from nodes import around
from world import NOW

WITNESS = cosigner("party-c.example/w1", SigningKey(b"c" * 32))
SEEN_AT = 1_790_000_000
RELEASE = Release(parties={"two": Grade.FULL})
OTHER = "Another hospital, of which nobody may know"


class Told:
    """A register in which one gave notice of a hospital, and two was told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keyring = Keyring(path)
        self.store = Store(path)
        self.hospital = self.say("one", self.notice("h"))
        self.second = self.say("one", self.notice("other", name=OTHER))

    def notice(self, source_id: str, name: str = "A hospital", **parts: Any) -> Notice:
        return Notice(
            source_id=source_id, party="one", name=name, category="medical",
            volumes=around(-118.25, 34.0), release=RELEASE, **parts,
        )  # fmt: skip

    def say(self, party: str, value: Any, *, after: Receipt | None = None) -> Receipt:
        """A party's next entry, which it signs itself."""
        with self.store.reading() as record:
            author = Author.following(record, party, self.keyring.load(party))
        object_id, version = (None, 1) if after is None else (after.object_id, after.version + 1)
        written = author.write(value, now=NOW, object_id=object_id, version=version)
        [receipt] = submit(self.store, [written], now=NOW)
        return receipt

    @staticmethod
    def receipt(stored: Stored) -> Receipt:
        """What was answered for the last version of an object."""
        return Receipt(
            sequence=stored.sequence, leaf=stored.leaf.hex(), object_id=stored.object_id,
            version=stored.version, size=0, root="", token="",
        )  # fmt: skip

    def delivered(self, *leaves: str, to: str = "two", **parts: Any) -> Receipt:
        return self.say(
            "node",
            Delivery(source_id=f"d{len(parts)}{leaves[0][:8]}{to}{len(leaves)}", to=to,
                     how="webhook", entries=leaves, outcome=Outcome.DELIVERED, **parts),
        )  # fmt: skip

    def acknowledged(self, leaf: str, level: Level = Level.RECEIVED, **parts: Any) -> Receipt:
        return self.say(
            "two",
            Acknowledgement(
                source_id=f"a{leaf[:8]}", party="two", entry=leaf, level=level, **parts
            ),
        )

    def witnessed(self, *witnesses: Signer) -> bytes:
        """A witness cosigns the head, or several do."""
        with self.store.reading() as record:
            log = PublicLog(signer_of(current_agreement(record), self.keyring))
            size, note = record.head()[1], parse_note(log.head(record))
        signed = sign_note(note.text, witnesses or [WITNESS], timestamp=SEEN_AT + size)
        whole = render_note(
            type(note)(text=note.text, signatures=(*note.signatures, *signed.signatures))
        )
        with self.store.appending() as appender:
            appender.put_witnessed(size, whole)
        return whole

    def policy(self, *, quorum: str = "w1") -> bytes:
        with self.store.reading() as record:
            key = parse_vkey(current_agreement(record).log_keys[0])
        witness = PolicyWitness(name="w1", key=WITNESS.verifier)
        return render_policy(
            Policy(logs=(PolicyLog(key=key),), witnesses=(witness,), quorum=quorum)
        )

    def evidence(self, name: str = "h", *options: object) -> Path:
        folder = self.path.parent
        (folder / "witnesses").write_bytes(self.policy())
        ran = detente(
            "evidence", name, "-o", "evidence.html", "--store", self.path,
            "--policy", "witnesses", *options, cwd=folder,
        )  # fmt: skip
        assert ran.status == 0, ran.err
        return folder / "evidence.html"


@pytest.fixture
def told(register: Path) -> Told:
    """Two versions, each delivered; two acknowledges the first; a witness looks on."""
    story = Told(register)
    first = story.hospital
    story.delivered(first.leaf)
    story.witnessed()
    story.acknowledged(first.leaf, Level.PASSED_ON, to="crew 7")
    second = story.say("one", story.notice("h", standoff_mm=500_000), after=first)
    story.delivered(second.leaf)
    story.witnessed()
    return story


def about(evidence: dict[str, Any], what: str) -> list[dict[str, Any]]:
    return [one for one in evidence["entries"] if one["about"] == what]


def test_told(told: Told, tmp_path: Path) -> None:
    """One file proves who was told of what, with nothing but itself."""
    file = told.evidence()
    said = checked(file.read_bytes())
    assert "version 1 to two: passed_on to crew 7" in said
    assert "version 2 to two: delivered" in said
    assert "It existed by 2026-09-21T14:13:26Z, as w1 says." in said
    assert "Not proven:" in said
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(verifier.__file__, alone / "verify.py")
    # -I: neither this folder nor any of ours on the path.
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py", file], cwd=alone, capture_output=True, text=True,
        check=False, env={},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, said), ran.stderr
    told.store.close()
    for path in (*tmp_path.glob("test.db*"),):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    ran_ours = detente("verify", file, "--policy", "witnesses", cwd=tmp_path)
    assert ran_ours.status == 0, ran_ours.out
    assert "by your policy" in ran_ours.out


def test_standard(told: Told) -> None:
    """Each proof in it is a C2SP proof file that other tools read."""
    _, whole, _ = block_of(told.evidence().read_bytes())
    file = whole["evidence"]
    policy = Policy(logs=(PolicyLog(key=parse_vkey(file["policy"].split()[1])),))
    for one in file["entries"]:
        proof = ProofFile(
            index=one["index"],
            hashes=tuple(map(base64.b64decode, one["proof"])),
            checkpoint=file["checkpoints"][one["checkpoint"]].encode(),
        )
        read = parse_proof_file(render_proof_file(proof))
        assert (
            verify_proof_file(read, one["envelope"].encode(), policy).checkpoint.size > one["index"]
        )


def test_other_objects(told: Told) -> None:
    """It tells nothing of any other object."""
    both = told.delivered(told.hospital.leaf, told.second.leaf, to="three-or-so")
    data = told.evidence().read_bytes()
    checked(data)
    _, whole, _ = block_of(data)
    file = whole["evidence"]
    assert [one["index"] for one in file["withheld"]] == [both.sequence]
    for hidden in (OTHER, told.second.leaf, told.second.object_id, "three-or-so", '"other"'):
        assert hidden.encode() not in data, hidden
    shown = {one["index"] for one in file["entries"]}
    assert told.second.sequence not in shown
    assert both.sequence not in shown


def test_altered(told: Told) -> None:
    """A byte altered anywhere is found."""
    data = told.evidence().read_bytes()
    before, whole, after = block_of(data)
    places = list(strings(whole, ()))
    assert len(places) > 90
    for path in places:
        altered = json.loads(json.dumps(whole))
        holder = altered
        for step in path[:-1]:
            holder = holder[step]
        old = holder[path[-1]]
        if isinstance(old, int):
            holder[path[-1]] = old + 1
        else:
            middle = len(old) // 2
            other = "B" if old[middle : middle + 1] != "B" else "C"
            holder[path[-1]] = old[:middle] + other + old[middle + 1 :]
        assert verifier.verify(rebuilt(before, altered, after))[0], path
    for at in range(0, len(data), 97):
        broken = bytearray(data)
        broken[at] ^= 0x01
        assert verifier.verify(bytes(broken))[0], at
    refused(data.replace(b"A hospital</h1>", b"A barracks</h1>", 1), 10, "the page is not the one")
    refused(data.replace(b'"format":', b'"format": ', 1), 1, "could be spelt otherwise")


def strings(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from strings(one, (*path, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from strings(one, (*path, number))
    elif isinstance(value, str | int):
        yield path


def test_no_evidence(told: Told, tmp_path: Path) -> None:
    """What is no evidence is called that."""
    data = told.evidence().read_bytes()
    for other in (
        b"", b"<html></html>", data[:-5_000], data + verifier.OPENS,
        data.replace(b"detente-evidence/1", b"detente-evidence/9"),
        verifier.OPENS + b"[" * 100_000 + verifier.CLOSES,
        verifier.OPENS + b'{"evidence":[],"seal":0}' + verifier.CLOSES,
    ):  # fmt: skip
        assert verifier.verify(other)[0] == 2, other[:80]
    (tmp_path / "other.html").write_bytes(b"nothing")
    ran = detente("verify", "other.html", cwd=tmp_path)
    assert (ran.status, ran.out[:12]) == (2, "no evidence:")


def test_operator(told: Told) -> None:  # noqa: C901 - one small forgery each
    """An operator who seals what is false is found out by the entries themselves."""
    data = told.evidence().read_bytes()

    def salts(file: dict[str, Any]) -> None:
        one, two = about(file, "object")
        one["salt"], two["salt"] = two["salt"], one["salt"]

    def objects(file: dict[str, Any]) -> None:
        one = about(file, "object")[0]
        one["object"] = one["object"].replace("A hospital", "A barracks")

    def dropped(file: dict[str, Any]) -> None:
        file["entries"].remove(about(file, "object")[0])

    def reordered(file: dict[str, Any]) -> None:
        one, two = (file["entries"].index(one) for one in about(file, "object"))
        file["entries"][one], file["entries"][two] = file["entries"][two], file["entries"][one]

    def theatre(file: dict[str, Any]) -> None:
        file["theatre"] = "elsewhere"

    def moved(file: dict[str, Any]) -> None:
        about(file, "acknowledgement")[0]["index"] -= 1

    def louder(file: dict[str, Any]) -> None:
        file["told"][1]["level"] = "acknowledged"

    def unsaid(file: dict[str, Any]) -> None:
        file["entries"] = [one for one in file["entries"] if one["about"] != "acknowledgement"]

    def silent(file: dict[str, Any]) -> None:
        file["told"][1].update(level="delivered")
        file["silences"] = [{"party": "three", "since": file["made"]}]

    def left_out(file: dict[str, Any]) -> None:
        del file["told"][0]

    for change, number, why in (
        (salts, 5, "committed to something else"),
        (objects, 5, "committed to something else"),
        (dropped, 6, "is missing"),
        (reordered, 1, "out of the record's order"),
        (theatre, 1, "is of the theatre test"),
        (moved, 4, "is not under checkpoint"),
        (louder, 8, "proven is"),
        (unsaid, 8, "proven is"),
        (silent, 8, "malformed"),
        (left_out, 8, "of nobody named"),
    ):
        refused(forged(told.keyring, data, change), number, why)
    checked(forged(told.keyring, data, lambda _: None))


def test_forked(told: Told) -> None:
    """A log that shows two histories is found out, and so is a false witness."""
    data = told.evidence().read_bytes()
    signer = log_signer(parse_vkey(told.policy().split()[1].decode()).name, told.keyring.load(LOG))

    def other_root(file: dict[str, Any]) -> str:
        origin, size, _, _ = parse_note(file["checkpoints"][-1].encode()).text.split("\n")
        false = base64.b64encode(sha256(b"another history").digest()).decode()
        return render_note(sign_note(f"{origin}\n{size}\n{false}\n", [signer])).decode()

    def forked(file: dict[str, Any]) -> None:
        file["checkpoints"].append(other_root(file))
        file["consistency"].append([])

    def exchanged(file: dict[str, Any]) -> None:
        file["checkpoints"][-1] = other_root(file)

    def cosigned(file: dict[str, Any]) -> None:
        note = parse_note(file["checkpoints"][0].encode())
        log, witness = note.signatures
        broken = type(witness)(
            name=witness.name, key_id=witness.key_id,
            signature=witness.signature[:20] + b"\0" + witness.signature[21:],
        )  # fmt: skip
        file["checkpoints"][0] = render_note(
            type(note)(text=note.text, signatures=(log, broken))
        ).decode()

    def unsigned(file: dict[str, Any]) -> None:
        lines = file["checkpoints"][0].splitlines(keepends=True)
        file["checkpoints"][0] = "".join(
            one for one in lines if signer.verifier.name + " " not in one
        )

    refused(forged(told.keyring, data, forked), 3, "the log is forked")
    refused(forged(told.keyring, data, exchanged), 3, "did not grow out of")
    refused(forged(told.keyring, data, cosigned), 9, "the signature of party-c.example/w1")
    refused(forged(told.keyring, data, unsigned), 2, "is not signed by the log")


def test_policy(told: Told) -> None:
    """A reader who knows logs and witnesses asks for them."""
    data, known = told.evidence().read_bytes(), told.policy().decode()
    checked(data, known)
    stranger = cosigner("stranger.example", SigningKey(b"x" * 32)).verifier.vkey
    both = known.replace("quorum w1", f"witness w2 {stranger}\ngroup both all w1 w2\nquorum both")
    refused(data, 9, "no quorum of your policy", both)
    checked(data, both.replace("both all", "both any"))
    other_log = log_signer("log.example/other", SigningKey(b"y" * 32)).verifier.vkey
    log = known.split()[1]
    refused(data, 2, "is not signed by the log", known.replace(log, other_log))


def smuggle(told: Told, author: Author, value: Any, after: Receipt, *, days: int = 0) -> None:
    """An operator puts an entry on the record that the rules would refuse."""
    now = NOW + timedelta(days=days)
    one = author.prepare(value, now=now, place=(after.object_id, after.version + 1))
    with told.store.appending() as record:
        record.append([appended(one, now=now)])


def test_stolen(told: Told) -> None:
    """A key that was taken away proves nothing afterwards, and what it signed before stays."""
    stolen = told.keyring.load("one")
    rotate(told.store, told.keyring, "one", now=NOW)
    checked(told.evidence().read_bytes())
    with told.store.reading() as record:
        author = Author.following(record, "one", stolen)
        last = record.called("h")[0]
    value = told.notice("h", standoff_mm=1)
    smuggle(told, author, value, told.receipt(last))
    refused(told.evidence().read_bytes(), 7, "which was not one's at that place")


def test_log_key(told: Told) -> None:
    """What a log signed before its key was changed stays proven, and the old key signs no more."""
    file = told.evidence("other")
    before = file.read_bytes()
    policy = told.policy().decode()
    old = log_signer(parse_vkey(policy.split()[1]).name, told.keyring.load(LOG))
    with told.store.reading() as record:
        terms = current_agreement(record)
        last = record.named(EntryKind.AGREEMENT, "node", [AGREEMENT_SOURCE_ID])
    told.keyring.path(LOG).unlink()
    new = log_signer(old.verifier.name, told.keyring.own(LOG))
    changed = replace(terms, log_keys=(new.verifier.vkey,))
    told.say("node", changed, after=told.receipt(last[AGREEMENT_SOURCE_ID]))
    told.witnessed()
    checked(before, policy)
    data = told.evidence("other").read_bytes()
    said = checked(data)
    assert "version 1 to two: published" in said, "under a checkpoint that the old key signed"
    _, whole, _ = block_of(data)
    signed = [parse_note(one.encode()) for one in whole["evidence"]["checkpoints"]]
    by = [verify_note(one, [old.verifier, new.verifier])[0].key for one in signed]
    assert by == [old.verifier, new.verifier]
    own = whole["evidence"]["policy"]
    assert [old.verifier.vkey, new.verifier.vkey] == own.split()[1:4:2], "the file names both"
    checked(data, own)
    only_new = told.policy().decode()
    refused(data, 2, "is not signed by the log", only_new)
    checked(data, only_new.replace("witness", f"log {old.verifier.vkey}\nwitness"))

    def stolen(file: dict[str, Any]) -> None:
        """Whoever has the old key signs the newest head with it."""
        text = signed[-1].text
        file["checkpoints"][-1] = render_note(sign_note(text, [old])).decode()

    refused(forged(told.keyring, data, stolen), 2, "is not signed by the log")


def test_back_dated(told: Told) -> None:
    """An entry that claims to be older than what it follows is found out."""
    with told.store.reading() as record:
        author = Author.following(record, "one", told.keyring.load("one"))
        last = record.called("h")[0]
    smuggle(told, author, told.notice("h", standoff_mm=1), told.receipt(last), days=-1)
    refused(told.evidence().read_bytes(), 6, "is back-dated")


def test_two_pasts(told: Told) -> None:
    """A party's entry that contradicts its own chain is found out."""
    with told.store.reading() as record:
        author = Author.following(record, "one", told.keyring.load("one"))
        last = record.called("h")[0]
    head = author.head
    assert head is not None
    author.head = type(head)(party_sequence=head.party_sequence, leaf=b"\0" * 32)
    smuggle(told, author, told.notice("h", standoff_mm=1), told.receipt(last))
    refused(told.evidence().read_bytes(), 6, "does not follow")


def test_lost(told: Told) -> None:
    """What was lost is proven to have been said, and not what it was."""
    with told.store.appending() as record:
        sequence = record.history(told.hospital.object_id)[0]
        record._connection.execute(
            sa.delete(tables.content).where(tables.content.c.sequence == sequence)
        )
    data = told.evidence().read_bytes()
    said = checked(data)
    assert "1 entries are here without theirs" in said
    assert "version 1: lost" in data.decode()


def test_page(told: Told) -> None:
    """The page opens offline, runs nothing, and cannot be written on by a party."""
    sly = '</script><script>alert(1)</script><img src=x onerror="a()">'
    told.say("one", told.notice("sly", name=sly))
    told.acknowledged(told.second.leaf, note=sly)
    data = told.evidence("sly").read_bytes()
    checked(data)
    page = data.decode()
    tags = Tags()
    tags.feed(page)
    assert tags.found == {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "code", "table", "tr",
        "th", "td", "details", "summary", "pre", "svg", "rect", "path", "text", "circle", "script",
    }  # fmt: skip
    assert tags.scripts == [{"type": "application/json", "id": "evidence"}]
    assert not tags.links
    assert "default-src 'none'" in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    seen = told.evidence("other").read_text()
    assert "&lt;img src=x" in seen
    assert re.search(r"<text[^>]*>(200 m|500 m|1 km); north is up</text>", seen)


class Tags(HTMLParser):
    """What elements a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.scripts: list[dict[str, str | None]] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        if tag == "script":
            self.scripts.append(dict(attrs))
        self.links += [name for name, _ in attrs if name in {"src", "href"} or name[:2] == "on"]


def test_over_http(told: Told, tmp_path: Path) -> None:
    """Over HTTP it is for the author, and for an auditor of a party that sees all of it."""
    told.store.close()
    (tmp_path / "witnesses").write_bytes(told.policy())
    path = f"/v1/objects/{told.hospital.object_id}/evidence"
    with node_at(told.path, told.keyring, tmp_path) as node:
        answer = node.party("one").get(path)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert answer.headers["content-disposition"].startswith("attachment")
        author = checked(answer.body)
        assert "version 1 to two: passed_on to crew 7" in author
        node.party("two", Role.WATCH).get(path).refused(403, "not_permitted")
        node.party("", Role.WATCH).get(path).refused(401, "not_authentic")
        mine = node.party("two", Role.AUDITOR).get(path)
        _, whole, _ = block_of(mine.body)
        checked(mine.body)
        assert {one["party"] for one in whole["evidence"]["told"]} == {"two"}
        nowhere = path.replace(told.hospital.object_id, "0" * 32)
        node.party("one").get(nowhere).refused(404, "not_found")
        deliveries = node.party("two").get("/v1/objects?kind=delivery").json["objects"]
        said = [one["value"] for one in deliveries]
        read = [one["entries"] for one in said if (one["to"], one["how"]) == ("two", "read")]
        hospital = {one.hex() for one in leaves_of(told)}
        assert read, "that it was shown is on record"
        assert set(read[0]) == hospital


def test_not_for_all(told: Told, tmp_path: Path) -> None:
    """Who may not see an object learns nothing, and who may sees no more than was released."""
    hidden = told.say("one", replace(told.notice("private", name="A secret"), release=None))
    shown = told.notice("private", name="A secret")
    told.say("one", shown, after=hidden)
    told.store.close()
    with node_at(told.path, told.keyring, tmp_path) as node:
        auditor = node.party("two", Role.AUDITOR)
        body = auditor.get(f"/v1/objects/{hidden.object_id}/evidence").body
        said = checked(body)
        assert "1 entries are here without theirs" in said
        assert b"version 1: not released" in body


def test_silence(told: Told) -> None:
    """Who is silent is named, to the author and to nobody else."""
    last = told.say("one", told.notice("other", name=OTHER, standoff_mm=1), after=told.second)
    with told.store.appending() as record:
        record.disclose("three", {last.sequence: 2}, at_us=1_700_000_000_000_000)
    data = told.evidence("other").read_bytes()
    assert "3 recipients of versions, 1 silent" in checked(data)
    _, whole, _ = block_of(data)
    assert [one["party"] for one in whole["evidence"]["silences"]] == ["two"]
    noted = {one["party"]: one["noted"] for one in whole["evidence"]["told"]}
    assert noted == {"two": None, "three": "2023-11-14T22:13:20Z"}
    theirs = told.evidence("other", "--party", "two").read_bytes()
    checked(theirs)
    assert b"three" not in theirs
    told.acknowledged(last.leaf)
    assert "0 silent" in checked(told.evidence("other").read_bytes())


def leaves_of(told: Told) -> list[bytes]:
    store = Store(told.path)
    with store.reading() as record:
        found = list(record.leaves(record.history(told.hospital.object_id)).values())
    store.close()
    return found


def test_not_evidence_of(told: Told) -> None:
    """There is evidence of what others are told, and of nothing else."""
    ran = detente(
        "evidence", "agreement", "-o", "x.html", "--store", told.path, cwd=told.path.parent
    )
    assert (ran.status, "evidence of a agreement" in ran.err) == (2, True), ran.err
    assert not (told.path.parent / "x.html").exists()

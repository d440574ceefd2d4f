"""An opening that witnesses confirm later; test_completed.md tells it."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from nacl.signing import SigningKey
from test_committed_checks import ask, noticed, opened
from test_evidence import WITNESS, Told
from test_witnesses import Theatre, asking, policy_of, size_witnessed, until, url_of_witness
from test_witnesses import witness_of as witnessing

from cli import Ran, detente
from detente.core.note import parse_note, render_note, sign_note
from detente.core.note_key import cosigner
from detente.core.policy import render_policy
from detente.node.keyring import Keyring
from detente.store import Place, Store
from forging import block_of, checked, rebuilt, refused
from http_node import Node
from published import exported, say


def completed(file: Path, *options: object) -> Ran:
    return detente("complete", file, *options, cwd=file.parent)


MARK = "/health/live"


def marked(node: Node) -> int:
    """How many requests were logged, once all that were made are, this one too."""
    before = marks(node)
    httpx.get(f"{node.url}{MARK}")
    until(lambda: marks(node) > before, 30)
    return len(node.served.events("request"))


def marks(node: Node) -> int:
    return sum(one["route"] == MARK for one in node.served.events("request"))


def paths_asked(node: Node, since: int) -> list[str]:
    """What the node was asked for, by the routes that its log names."""
    end = marked(node) - 1
    return [one["route"] for one in node.served.events("request")[since:end]]


def test_completed(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """What the log publishes completes a file, and the file goes nowhere."""
    folder = tmp_path / "asks"
    folder.mkdir()
    theatre = Theatre(place, keyring, folder)
    with witnessing(tmp_path / "w", theatre.key) as (served, keys):
        known = policy_of(theatre.key, (url_of_witness(served), keys[0]), quorum=1)
        (tmp_path / "known").write_bytes(render_policy(known))
        text = (tmp_path / "known").read_text()
        with asking(theatre, known) as node:
            noticed(node)
            receipt, (_, _, data) = (answer := ask(node)).json["receipt"], opened(answer)
            file = tmp_path / "told.html"
            file.write_bytes(data)
            checked(data)
            refused(data, 9, "no quorum of your policy", text)
            until(lambda: size_witnessed(node, known) >= receipt["size"], 30)
            since = marked(node)
            at = ("--policy", "known", "--log", f"{node.url}/log/test")
            assert completed(file, *at).status == 0
            asked = paths_asked(node, since)
            assert asked
            assert all(one.startswith("/log/") for one in asked), asked
            said = checked(file.read_bytes(), text)
            assert "by your policy" in said
            assert "as w0 says." in said
            assert "It existed by 20" in checked(file.read_bytes()), "the node knows the witness"
            once = file.read_bytes()
            ran = completed(file, *at)
            assert (ran.status, "already" in ran.out) == (0, True)
            assert file.read_bytes() == once
        exported(place, keyring, tmp_path)
        (tmp_path / "again.html").write_bytes(data)
        elsewhere = (*at[:2], "--log", "log", "-o", "more.html")
        assert completed(tmp_path / "again.html", *elsewhere).status == 0
        assert (tmp_path / "again.html").read_bytes() == data
        checked((tmp_path / "more.html").read_bytes(), text)
        ran = detente("verify", "more.html", "--policy", "known", cwd=tmp_path)
        assert ran.status == 0, ran.out


def committed(register: Path) -> tuple[Told, Path]:
    """A register, and what opens a check of it that was committed there."""
    told = Told(register)
    point = {"type": "Point", "coordinates": [10.0, 50.0]}
    feature = {"type": "Feature", "properties": {"id": "flight-12"}, "geometry": point}
    folder = register.parent
    (folder / "plan.geojson").write_text(json.dumps(feature))
    ran = detente("check", "plan.geojson", "--store", register, "--commit", "mine", cwd=folder)
    assert ran.status == 0, ran.err
    (folder / "known").write_bytes(told.policy())
    return told, folder / "mine"


@pytest.fixture
def mine(register: Path) -> tuple[Told, Path]:
    return committed(register)


def test_here(mine: tuple[Told, Path]) -> None:
    """On one's own register it is the same command."""
    told, file = mine
    at = ("--policy", "known", "--store", told.path)
    data, text = file.read_bytes(), told.policy().decode()
    ran = completed(file, *at)
    assert (ran.status, "no quorum of your policy" in ran.out) == (1, True), ran.out
    assert file.read_bytes() == data
    told.witnessed()
    assert completed(file, "--store", told.path).status == 1, "the file knows no witness"
    assert file.read_bytes() == data
    ran = completed(file, *at)
    assert (ran.status, ran.out) == (0, f"{file}: has a checkpoint that a quorum cosigned\n")
    assert "as w1 says." in checked(file.read_bytes(), text)
    assert file.stat().st_mode & 0o077 == 0
    before, whole, after = block_of(file.read_bytes())
    [later] = whole.pop("later")
    assert later["consistency"] == [], "it is the last one in the file, cosigned"
    assert rebuilt(before, whole, after) == data, "the seal is as it was"


def led_on(mine: tuple[Told, Path]) -> tuple[bytes, dict[str, Any], bytes]:
    """A completed file whose log has grown since it was made, taken apart."""
    told, file = mine
    told.say("one", told.notice("third"))
    told.witnessed()
    ran = completed(file, "--policy", "known", "--store", told.path)
    assert ran.status == 0, ran.out
    return block_of(file.read_bytes())


def test_altered(mine: tuple[Told, Path]) -> None:
    """What is added cannot be another log's, or be altered."""
    told, file = mine
    data, text = file.read_bytes(), told.policy().decode()
    before, whole, after = led_on(mine)
    [later] = whole["later"]

    def with_(*given: dict[str, Any]) -> bytes:
        return rebuilt(before, {**whole, "later": list(given)}, after)

    checked(with_(later), text)
    refused(with_(), 9, "no quorum of your policy", text)
    proof = later["consistency"]
    assert proof
    other = base64.b64encode(b"x" * 32).decode()
    refused(with_({**later, "consistency": [other, *proof[1:]]}), 3, "did not grow out of", text)
    refused(with_({**later, "consistency": []}), 3, "", text)
    note = parse_note(later["checkpoint"].encode())
    log = note.signatures[0]
    bare = render_note(type(note)(text=note.text, signatures=(log,))).decode()
    refused(with_({**later, "checkpoint": bare}), 9, "no quorum of your policy", text)
    false = sign_note(note.text.replace("\n7\n", "\n8\n"), [WITNESS], timestamp=1)
    assert false.text != note.text
    forged = render_note(type(note)(text=false.text, signatures=(log, *false.signatures)))
    refused(with_({**later, "checkpoint": forged.decode()}), 2, "", text)
    refused(with_(later, {**later, "checkpoint": whole["evidence"]["checkpoints"][-1]}), 3,
            "the log is forked or out of order", text)  # fmt: skip
    for respelt in (
        b"", before, data.replace(b'"format":', b'"format": '), with_({"checkpoint": "x"}),
        rebuilt(before, {**whole, "more": 1}, after),
    ):  # fmt: skip
        file.write_bytes(respelt)
        ran = completed(file, "--policy", "known", "--store", told.path)
        assert (ran.status, file.read_bytes()) == (2, respelt), ran.err


class Reopened(Told):
    """Another register of the same theatre, as it is."""

    def __init__(self, path: Path, keyring: Keyring) -> None:
        self.path, self.keyring, self.store = path, keyring, Store(path)


def test_another_past(register: Path, tmp_path: Path) -> None:
    """A log that tells another past completes nothing."""
    shutil.copy(register, tmp_path / "other.db")
    other = Reopened(tmp_path / "other.db", Keyring(register))
    told, file = committed(register)
    data = file.read_bytes()
    say(other.path, other.keyring, 0, 9)
    other.witnessed()
    exported(other.path, other.keyring, tmp_path)
    ran = completed(file, "--policy", "known", "--log", "log")
    assert (ran.status, "did not grow out of" in ran.out) == (1, True), ran.out
    assert file.read_bytes() == data
    ran = completed(file, "--policy", "known", "--log", "nowhere")
    assert (ran.status, file.read_bytes()) == (2, data), ran.err
    told.witnessed()
    assert completed(file, "--policy", "known", "--store", told.path).status == 0


def test_any(register: Path) -> None:
    """Evidence of any object is completed the same way, and again."""
    told = Told(register)
    file = told.evidence()
    known = told.policy().decode()
    refused(file.read_bytes(), 9, "no quorum of your policy", known)
    told.witnessed()
    assert completed(file, "--store", register).status == 0, "by the file's own policy"
    checked(file.read_bytes(), known)
    stranger = cosigner("stranger.example", SigningKey(b"x" * 32))
    both = known.replace("quorum w1", "quorum both").replace(
        "witness", f"witness w2 {stranger.verifier.vkey}\nwitness", 1
    )
    both = both.replace("quorum both", "group both all w1 w2\nquorum both")
    told.path.with_name("both").write_text(both)
    at = ("--store", register, "--policy", "both")
    assert completed(file, *at).status == 1
    told.say("one", told.notice("third"))
    told.witnessed(WITNESS, stranger)
    assert completed(file, *at).status == 0
    said = checked(file.read_bytes(), both)
    assert "as w1 says." in said
    _, whole, _ = block_of(file.read_bytes())
    assert len(whole["later"]) == 2

"""The log as other people's tools read it; test_log.md tells it."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import detente
from detente.core.log_files import LogFile, decode_bundle
from detente.core.merkle import leaf_hash
from detente.core.note import parse_note
from detente.core.note_key import parse_vkey
from detente.core.policy import Policy, PolicyLog
from detente.core.proof_file import parse_proof_file, verify_proof_file
from detente.errors import LogInconsistent
from detente.node.keyring import Keyring
from detente.node.log import files_of
from detente.store import Place
from http_node import Node, node_at
from published import exported, say, url_of
from second import verified

MANY = 700
"""Entries: two full tiles and a part."""


def head_in(folder: Path) -> tuple[str, str]:
    """Size and root of the checkpoint there."""
    _, size, root, _ = parse_note((folder / "checkpoint").read_bytes()).text.split("\n")
    return size, root


def test_files(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """The log is plain files, and Go's implementation verifies them."""
    say(place, keyring, 0, 20)
    key = exported(place, keyring, tmp_path)
    folder = tmp_path / "log"
    assert verified(key, folder).said == "23 entries verified\n"
    before = head_in(folder)
    say(place, keyring, 20, MANY)
    exported(place, keyring, tmp_path)
    assert verified(key, folder, *before).said == f"{MANY + 23} entries verified\n"
    assert not (folder / "tile/0/000.p").exists(), "the full tile is there"
    assert not verified(key, folder, before[0], head_in(folder)[1]).holds, "another past"
    stranger = key.replace(key[-8:-4], "AAAA")
    assert not verified(stranger, folder).holds
    again = sorted(path.stat().st_mtime_ns for path in folder.rglob("*"))
    exported(place, keyring, tmp_path)
    assert sorted(path.stat().st_mtime_ns for path in folder.rglob("*")) == again


def test_altered(register: Path, tmp_path: Path) -> None:
    """A byte altered anywhere is found."""
    keyring = Keyring(register)
    say(register, keyring, 0, 300)
    key = exported(register, keyring, tmp_path)
    whole = tmp_path / "log"
    files = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
    assert len(files) == 6
    for file in files:
        data = (whole / file).read_bytes()
        for at in {0, 1, len(data) // 3, len(data) // 2, len(data) - 2, len(data) - 1}:
            broken = tmp_path / "broken"
            shutil.copytree(whole, broken)
            altered = bytearray(data)
            altered[at] ^= 0x01
            (broken / file).write_bytes(altered)
            assert not verified(key, broken).holds, (file, at)
            shutil.rmtree(broken)


def test_no_place(register: Path, tmp_path: Path) -> None:
    """No file says where anything is, or what it is called."""
    keyring = Keyring(register)
    say(register, keyring, 0, 30)
    exported(register, keyring, tmp_path)
    bundle = tmp_path / "log" / LogFile(level=None, index=0, width=33).path
    for entry in decode_bundle(bundle.read_bytes()):
        said = without_hashes(entry)
        for told in ("secret", "340", "118", "medical", "h7"):
            assert told not in said


def without_hashes(entry: bytes) -> str:
    """What an entry says, less its hashes, ids and times, in which any digits may stand."""
    said = json.loads(base64.b64decode(json.loads(entry)["payload"]))
    assert set(said) <= {
        "authorship", "commitment", "key", "kind", "object", "party", "party_sequence",
        "previous", "theatre", "time", "version",
    }  # fmt: skip
    hidden = {"commitment", "key", "object", "previous", "time"}
    return json.dumps({name: value for name, value in said.items() if name not in hidden})


def test_another_past(register: Path, tmp_path: Path) -> None:
    """A folder with another past is not gone on with."""
    keyring = Keyring(register)
    earlier = tmp_path / "earlier.db"
    shutil.copy(register, earlier)
    say(register, keyring, 0, 20)
    exported(register, keyring, tmp_path)
    # The operator puts an old copy back, and another past grows on it.
    shutil.copy(earlier, register)
    for path in tmp_path.glob("test.db-*"):
        path.unlink()
    ran = detente("log", "export", "log", "--store", register, cwd=tmp_path)
    assert (ran.status, "expected at most 3 entries, got 23" in ran.err) == (2, True), ran.err
    say(register, keyring, 100, 40)
    ran = detente("log", "export", "log", "--store", register, cwd=tmp_path)
    assert (ran.status, "another past" in ran.err) == (2, True), ran.err
    (tmp_path / "log" / "checkpoint").write_text("no checkpoint\n")
    ran = detente("log", "export", "log", "--store", register, cwd=tmp_path)
    assert (ran.status, "expected a checkpoint of" in ran.err) == (2, True), ran.err


@pytest.fixture
def served(place: Place, keyring: Keyring, tmp_path: Path) -> Iterator[Node]:
    say(place, keyring, 0, MANY)
    with node_at(place, keyring, tmp_path) as node:
        yield node


def test_served(served: Node, place: Place, tmp_path: Path) -> None:
    """It is served to whoever asks, and what is fetched verifies."""
    anyone = served.party("")
    folder = tmp_path / "fetched"
    files = [one.path for one in files_of(MANY + 3)]
    assert len(files) == 7
    for name in ("checkpoint", *files):
        got = anyone.get(f"/log/test/{name}")
        moves = "no-cache" if name == "checkpoint" else "public, max-age=31536000, immutable"
        assert (got.status, got.headers["cache-control"]) == (200, moves), name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(got.body)
    key = detente("log", "key", "--store", url_of(place), cwd=tmp_path).out.strip()
    assert verified(key, folder).said == f"{MANY + 3} entries verified\n"
    full = anyone.get("/log/test/tile/0/000").body
    assert anyone.get("/log/test/tile/0/000.p/5").body == full[: 5 * 32], "as it once was"
    for name in ("tile/0/003", "tile/0/000.p/256", "tile/0/0", "tile/9/000", "tile/0/002.p/255"):
        anyone.get(f"/log/test/{name}").refused(404, "not_found")
    anyone.get("/log/elsewhere/checkpoint").refused(404, "not_found")
    anyone.get(f"/log/test/proof/{'0' * 64}").refused(404, "not_found")


def test_receipt(served: Node, place: Place, tmp_path: Path) -> None:
    """A receipt proves itself, with the log's key and nothing else."""
    one = served.party("one")
    said = one.post(
        "/v1/notices",
        {"source_id": "field-hospital", "name": "Field hospital", "category": "medical",
         "volumes": [{"footprint": [{"type": "circle", "centre": [-1180000000, 340000000],
                                     "radius_mm": 50_000}]}]},
    )  # fmt: skip
    receipt = said.json
    key = parse_vkey(detente("log", "key", "--store", url_of(place), cwd=tmp_path).out.strip())
    envelope = decode_bundle(one.get(f"/log/test/tile/entries/002.p/{receipt['size'] - 512}").body)[
        -1
    ]
    assert leaf_hash(envelope).hex() == receipt["leaf"]
    policy = Policy(logs=(PolicyLog(key=key),))
    proof = parse_proof_file(receipt["proof"].encode())
    found = verify_proof_file(proof, envelope, policy)
    assert found.checkpoint.size == receipt["size"]
    with pytest.raises(LogInconsistent):
        verify_proof_file(proof, envelope + b" ", policy)
    later = one.get(f"/log/test/proof/{receipt['leaf']}").body
    verify_proof_file(parse_proof_file(later), envelope, policy)

"""A log followed from outside; test_audit.md tells it."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from behind import alter
from cli import Ran, detente
from detente.core.note import parse_note, render_note, sign_note
from detente.core.note_key import log_signer
from detente.core.party import key_id
from detente.core.policy import Policy, PolicyWitness, render_policy
from detente.node.keyring import Keyring
from detente.node.party_keys import rotate
from detente.store import Place, Store
from http_node import node_at
from logs import LOG as ELSEWHERE
from logs import NORTH, SOUTH, ed25519
from outsider import LOG, ORIGIN, POLICY, entries, publish
from published import exported, say, url_of
from world import NOW, Writer, admission, founding, key_of, site

FIRST, MORE = 300, 700


def audited(folder: Path, key: str, *options: object, log: object = "log") -> Ran:
    """Run ``detente audit`` on the log in a folder, with what it remembers beside it."""
    state = ("--state", folder / "state.json")
    return detente("audit", log, "--key", key, *state, *options, cwd=folder)


def refused(ran: Ran, *said: str) -> None:
    """Not consistent, and for these reasons."""
    assert ran.status == 1, (ran.out, ran.err)
    assert "NOT CONSISTENT" in ran.out
    for one in said:
        assert one in ran.out, ran.out


def test_followed(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """It is read whole, and then what is new"""
    say(place, keyring, 0, FIRST)
    key = exported(place, keyring, tmp_path)
    ran = audited(tmp_path, key)
    assert ran.status == 0, ran.out + ran.err
    assert "first audit" in ran.out
    assert "303 entries" in ran.out
    assert "not seen from outside: signatures of entries" in ran.out
    again = audited(tmp_path, key)
    assert (again.status, "0 entries read now" in again.out) == (0, True), again.out
    say(place, keyring, FIRST, MORE)
    exported(place, keyring, tmp_path)
    found = json.loads(audited(tmp_path, key, "--json").out)
    assert (found["before"], found["size"], found["read"]) == (303, 1003, 700)
    assert found["consistent"]
    full = json.loads(audited(tmp_path, key, "--json", "--full").out)
    assert (full["before"], full["read"], full["consistent"]) == (1003, 1003, True)


def test_keys(register: Path, tmp_path: Path) -> None:
    """A party's new key is told, and signatures verify where keys are known"""
    keyring = Keyring(register)
    say(register, keyring, 0, 3)
    before = bytes(keyring.load("one").verify_key)
    store = Store(register)
    rotate(store, keyring, "one", now=NOW)
    store.close()
    say(register, keyring, 3, 2)
    after = bytes(keyring.load("one").verify_key)
    key = exported(register, keyring, tmp_path)
    ran = audited(tmp_path, key)
    assert ran.status == 0, ran.out
    assert f"entry 7: one changed its key from {key_id(before)} to {key_id(after)}" in ran.out
    known = tmp_path / "keys.txt"
    known.write_text(f"# party one\n{before.hex()}\n{after.hex()}\n")
    found = json.loads(audited(tmp_path, key, "--full", "--public-keys", known, "--json").out)
    # Its admission, six entries, and the second signature of the change.
    assert (found["consistent"], found["signatures"]) == (True, 8)


def test_altered(tmp_path: Path) -> None:
    """A byte altered in an entry, a tile or the checkpoint is found"""
    key = publish(entries(300), tmp_path / "whole")
    for path, rule in (
        ("tile/entries/000", "entry"),
        ("tile/0/000", "tile"),
        ("tile/0/001.p/44", "tile"),
        ("tile/1/000.p/1", "tile"),
        ("checkpoint", "checkpoint"),
    ):
        shutil.copytree(tmp_path / "whole", tmp_path / "log")
        altered = tmp_path / "log" / path
        data = bytearray(altered.read_bytes())
        data[len(data) // 2] ^= 0x01
        altered.write_bytes(data)
        refused(audited(tmp_path, key), f"  {rule}, ")
        assert not (tmp_path / "state.json").exists(), "nothing of it is remembered"
        shutil.rmtree(tmp_path / "log")


@pytest.mark.parametrize("size", [300, 301, 512, 900])
def test_fork(tmp_path: Path, size: int) -> None:
    """Another past at the second visit is refused, and proven by two checkpoints"""
    key = publish(entries(300), tmp_path / "log")
    assert audited(tmp_path, key).status == 0
    first = (tmp_path / "log" / "checkpoint").read_text()
    shutil.rmtree(tmp_path / "log")
    publish(other_past(size), tmp_path / "log")
    ran = audited(tmp_path, key)
    refused(ran, "fork, ", "Both checkpoints below are signed by the log")
    assert first in ran.out
    assert (tmp_path / "log" / "checkpoint").read_text() in ran.out
    refused(audited(tmp_path, key, "--full"), "fork, ")
    alone = detente("audit", "log", "--key", key, "--state", "none.json", cwd=tmp_path)
    assert alone.status == 0, "by itself it holds: only memory, or witnesses, tell"


def other_past(size: int) -> list[bytes]:
    """As ``entries``, but with another entry 150 and so with others after it."""
    writer = Writer()
    said = [writer.said(founding(writer))]
    said += [writer.said(admission(writer, party)) for party in ("one", "two")]
    for number in range(3, size):
        party = "one" if number % 2 else "two"
        name = "Another" if number == 150 else "Hospital"
        said.append(writer.said(writer.write(site(name, party=party), party=party)))
    return [act.signed.data for act in said]


def test_shorter(tmp_path: Path) -> None:
    """A log that became shorter is refused"""
    said = entries(300)
    key = publish(said, tmp_path / "log")
    assert audited(tmp_path, key).status == 0
    publish(said[:-1], tmp_path / "log")
    refused(audited(tmp_path, key), "truncated, checkpoint: expected at least the 300 entries")
    publish(said, tmp_path / "log")
    assert audited(tmp_path, key).status == 0, "what was remembered was left as it was"
    # The checkpoint promises what is not there.
    (tmp_path / "log" / "tile/entries/001.p/44").unlink()
    refused(audited(tmp_path, key, "--full"), "file, tile/entries/001.p/44")


def dropped(said: list[bytes]) -> list[bytes]:
    return said[:50] + said[51:]


def reordered(said: list[bytes]) -> list[bytes]:
    return [*said[:50], said[52], said[51], said[50], *said[53:]]


def replayed(said: list[bytes]) -> list[bytes]:
    return [*said, said[50]]


def back_dated(_: list[bytes]) -> list[bytes]:
    writer = Writer()
    said = entries(60, writer)
    late = writer.write(site(), party="one", time=NOW - timedelta(days=2))
    return [*said, writer.said(late).signed.data]


def other_theatre(_: list[bytes]) -> list[bytes]:
    writer = Writer()
    said = entries(60, writer)
    act = writer.write(site(), party="one", theatre="elsewhere")
    return [*said, writer.said(act).signed.data]


def stranger(_: list[bytes]) -> list[bytes]:
    writer = Writer()
    said = entries(60, writer)
    return [*said, writer.write(site(), party="one", key=key_of("stranger")).signed.data]


ATTACKS: list[tuple[Callable[[list[bytes]], list[bytes]], str]] = [
    (dropped, "chain, entry 51: expected entry 23 of the chain of two, got entry 24"),
    (reordered, "chain, entry 50: expected entry 23 of the chain of two"),
    (replayed, "chain, entry 100: expected entry 48 of the chain of two, got entry 23"),
    (back_dated, "time, entry 60: expected a time not before the last of one, got 172800 s"),
    (other_theatre, "theatre, entry 60: expected test, got elsewhere"),
    (stranger, "key, entry 60: expected a key that an entry introduced for one"),
]


@pytest.mark.parametrize(("attack", "said"), ATTACKS, ids=[one[0].__name__ for one in ATTACKS])
def test_rebuilt(tmp_path: Path, attack: Callable[[list[bytes]], list[bytes]], said: str) -> None:
    """An operator with the log's key rebuilds it, and each way of lying has its refusal"""
    key = publish(attack(entries(100)), tmp_path / "log")
    refused(audited(tmp_path, key), said)


def test_names(tmp_path: Path) -> None:
    """Another theatre's name, or another key, is refused"""
    said = entries(10)
    key = publish(said, tmp_path / "log")
    # Signed with the log's own key, under another log's name.
    publish(said, tmp_path / "log", log_signer("log.example.org/other", ed25519(1)))
    refused(audited(tmp_path, key), "checkpoint, checkpoint: ")
    # The text names this log, the signature another.
    both = [LOG, ELSEWHERE]
    text = parse_note((tmp_path / "log/checkpoint").read_bytes()).text
    publish(said, tmp_path / "log", LOG, origin="log.example.org/other")
    refused(audited(tmp_path, key), "checkpoint, checkpoint: ")
    publish(said, tmp_path / "log", log_signer(ORIGIN, ed25519(9)))
    refused(audited(tmp_path, key), "expected a signature of a known key")
    (tmp_path / "log/checkpoint").write_bytes(render_note(sign_note(text, both)))
    assert audited(tmp_path, key).status == 0, "signatures of unknown keys say nothing"
    # What is remembered of one log is not taken for another's.
    other = publish(said, tmp_path / "log", ELSEWHERE, origin=ELSEWHERE.verifier.name)
    ran = audited(tmp_path, other)
    assert (ran.status, f"expected what is remembered of {ELSEWHERE.verifier.name}" in ran.err) == (
        2,
        True,
    ), ran.err


def test_quorum(tmp_path: Path) -> None:
    """Where a policy asks for witnesses, a checkpoint without them is not believed"""
    publish(entries(10), tmp_path / "log")
    witnesses = tuple(
        PolicyWitness(name=name, key=one.verifier) for name, one in (("n", NORTH), ("s", SOUTH))
    )
    policy = Policy(logs=POLICY.logs, witnesses=witnesses, quorum="n")
    (tmp_path / "policy").write_bytes(render_policy(policy))
    options = ("audit", "log", "--policy", "policy", "--state", "state.json")
    refused(detente(*options, cwd=tmp_path), "expected cosignatures that make n, got those of")
    path = tmp_path / "log" / "checkpoint"
    text = parse_note(path.read_bytes()).text
    path.write_bytes(render_note(sign_note(text, [LOG, NORTH], timestamp=1_736_337_600)))
    ran = detente(*options, cwd=tmp_path)
    assert (ran.status, "cosigned by n at 2025-01-08T12:00:00Z" in ran.out) == (0, True), ran.out


def test_unreadable(tmp_path: Path) -> None:
    """What cannot be read is neither consistent nor not"""
    key = publish(entries(10), tmp_path / "log")
    for options, said in (
        ((), "one of --key VKEY and --policy FILE"),
        (("--key", "x"), "verifier key"),
        (("--key", NORTH.verifier.vkey), "a log's key"),
        (("--policy", "nothing"), "nothing"),
    ):
        ran = detente("audit", "log", *options, cwd=tmp_path)
        assert (ran.status, said in ran.err) == (2, True), ran.err
    for log in ("nowhere", "ftp://example.org/log", "http://127.0.0.1:9/log"):
        assert audited(tmp_path, key, log=log).status == 2
    (tmp_path / "empty").mkdir()
    ran = audited(tmp_path, key, log="empty")
    assert (ran.status, "checkpoint: expected one" in ran.err) == (2, True), ran.err
    (tmp_path / "state.json").write_text("{}")
    ran = audited(tmp_path, key)
    assert (ran.status, "move it away to begin anew" in ran.err) == (2, True), ran.err


def test_served(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """A node at work is followed over HTTP"""
    say(place, keyring, 0, MORE)
    key = detente("log", "key", "--store", url_of(place), cwd=tmp_path).out.strip()
    with node_at(place, keyring, tmp_path) as node:
        url = f"{node.url}/log/test"
        found = json.loads(audited(tmp_path, key, "--json", log=url).out)
        assert (found["consistent"], found["read"]) == (True, MORE + 3), found
        one = node.party("one")
        for number in range(3):
            one.post(
                "/v1/notices",
                {"source_id": f"x{number}", "name": "X", "category": "medical",
                 "volumes": [{"footprint": [{"type": "circle", "centre": [0, 0]}]}]},
            )  # fmt: skip
        found = json.loads(audited(tmp_path, key, "--json", log=f"{url}/").out)
        assert found["consistent"], found
        assert found["before"] == MORE + 3
        assert found["read"] >= 3


def test_repair(place: Place, keyring: Keyring, tmp_path: Path) -> None:
    """The operator repairs tiles from entries, and a damaged entry from a mirror"""
    say(place, keyring, 0, FIRST)
    exported(place, keyring, tmp_path)
    store = ("--store", url_of(place))
    ran = detente("log", "repair", *store, cwd=tmp_path)
    assert (ran.status, ran.out.partition(":")[0]) == (0, "nothing is damaged")
    alter(place, "UPDATE tile SET hashes = zeros(8192) WHERE level = 0 AND number = 0")
    alter(place, "UPDATE entry SET envelope = as_bytes('x') WHERE sequence = 9")
    drawn, back = "tile 0/0: drawn again from the entries", "entry 9: put back from the mirror"
    for options, told in (
        (("--dry-run",), (drawn, "left as it is: entry 9: damaged")),
        (("--dry-run", "--from", "log"), (drawn, back)),
        ((), (drawn, "left as it is: entry 9: damaged", "done: 1 steps")),
    ):
        ran = detente("log", "repair", *store, *options, cwd=tmp_path)
        assert ran.status == 1
        assert all(one in ran.out for one in told), ran.out
        assert detente("log", "verify", *store, cwd=tmp_path).status == 1
    ran = detente("log", "repair", *store, "--from", "log", cwd=tmp_path)
    assert (ran.status, back in ran.out, drawn in ran.out) == (0, True, False), ran.out
    ran = detente("log", "verify", *store, cwd=tmp_path)
    assert ran.status == 0, ran.out

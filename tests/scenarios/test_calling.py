"""The hotline from the command line, with the real command; test_calling.md tells it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from test_hotline import LISTENERS, after_s, line, listen, own_call
from test_people import until

from cli import Ran, detente
from detente.core.incident import Act, Code
from detente.core.party import key_id
from detente.core.principal import Role
from detente.node.keyring import Keyring
from http_node import Node, node_at
from nodes import hospital

WHERE = "50.0 10.0"
LADDER = [{"after_s": 3, "rings": "next_desk"}, {"after_s": 600, "rings": "all_members"}]
TERMS = {"name": "test", "hotline": {"ladder": LADDER}}
RUNG_S = 3
"""When the first rung of these terms is due."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register with three parties, of which each has a key here."""
    folder = tmp_path_factory.mktemp("calling")
    for arguments in (("init", "--theatre", "test"), *(("party", "new", one) for one in PARTIES)):
        assert detente(*arguments, cwd=folder).status == 0
    return folder


PARTIES = ("one", "two", "three")


@pytest.fixture(scope="module")
def node(folder: Path) -> Iterator[Node]:
    with node_at(folder / "detente.db", Keyring(folder / "detente.db"), folder) as node:
        administrator = node.party("one", Role.ADMINISTRATOR)
        assert administrator.post("/v1/agreement", TERMS).status in {200, 201}
        for name, lon in (("two", 10.0), ("three", 20.0)):
            body = msgspec.to_builtins(hospital(f"secret of {name}", lon, 50.0))
            assert node.party(name).post("/v1/notices", body).status == 201
        yield node
    while LISTENERS:
        LISTENERS.pop().join()


def call(folder: Path, *arguments: object, where: str = WHERE) -> Any:
    """A call by one; gives the line as it sees it."""
    done = detente(
        "call", where, "--party", "one", "--code", "stop_hitting_us", "--json", *arguments,
        cwd=folder,
    )  # fmt: skip
    assert done.status == 0, done.err
    return json.loads(done.out)["lines"][0]


def receipt(said: Any) -> dict[str, str]:
    return {"object_id": said["incident"]["object"]}


def step(folder: Path, said: Any, act: str, party: str, *arguments: object) -> Ran:
    short = said["incident"]["object"][:8]
    return detente("step", short, act, "--party", party, *arguments, cwd=folder)


def test_heard(folder: Path, node: Node) -> None:
    """A call from the command line is heard at a node that serves, while all is suspended"""
    administrator = node.party("one", Role.ADMINISTRATOR)
    assert administrator.post("/v1/agreement/suspend").status == 201
    heard = listen(node, "two")
    said = call(folder, "--words", "At the bridge", "--within", 150, "--id", "our 17")
    heard.wait(lambda it: any(event["kind"] == "call" for event in it.events))
    # The first: the ladder may have been climbed before the command had ended.
    event = next(event for event in heard.events if event["kind"] == "call")
    shown = event["shows"]["value"]
    assert (shown["code"], shown["words"], shown["source_id"]) == (
        "stop_hitting_us", "At the bridge", "our 17",
    )  # fmt: skip
    [place] = shown["volumes"]
    assert place["footprint"] == [
        {"type": "circle", "centre": [100_000_000, 500_000_000], "radius_mm": 150_000}
    ]
    # The author's own key, and no door of the node.
    entry = node.party("two").get(f"/v1/objects/{receipt(said)['object_id']}/history").json
    key = Keyring(folder / "detente.db").load("one")
    assert entry["versions"][0]["key"] == key_id(bytes(key.verify_key))
    assert node.party("three").get("/v1/incidents").json["lines"] == []
    assert administrator.post("/v1/agreement/resume").status == 201
    assert step(folder, said, "closed", "one").status == 0


def test_ladder(folder: Path, node: Node) -> None:
    """The ladder is the node's to climb, until somebody answers from the command line"""
    said = call(folder)
    two = node.party("two")
    until(lambda: own_call(two, receipt(said)).get("rung") == 1)
    assert after_s(own_call(two, receipt(said))) >= RUNG_S
    forged = "We turn away\x1b[2J\nafter 9 s  one closed"
    done = step(folder, said, "acting", "two", "--words", forged)
    assert (done.status, done.err) == (0, "")
    assert "two acting: We turn away" in done.out
    # What a party says is its own line, whatever it would do to a terminal.
    assert "\x1b" not in done.out
    assert not re.search(r"^\s*after 9 s +one closed", done.out, re.MULTILINE)
    seen = line(node.party("one"), receipt(said))
    assert (seen["state"], seen["steps"][0]["view"]["value"]["text"]) == ("acting", forged)
    assert "next" not in line(two, receipt(said))
    assert step(folder, said, "closed", "one").status == 0


def test_seen(folder: Path, node: Node) -> None:
    """A party sees of a call what the page would show it, and the record says so"""
    said = call(folder, "--words", "Seen by three", where="50.0 20.0")
    assert step(folder, said, "acknowledged", "three").status == 0
    mine = json.loads(detente("calls", "--party", "three", "--json", cwd=folder).out)
    [seen] = mine["lines"]
    over_http = line(node.party("three"), receipt(said))
    assert {**seen, "next": None, "rung": 0} == {**over_http, "next": None, "rung": 0}
    done = detente("calls", "--party", "two", "--json", cwd=folder)
    assert json.loads(done.out)["lines"] == []
    done = detente("calls", cwd=folder)
    assert "one: STOP: you are hitting us" in done.out
    assert "50.0000000, 20.0000000" in done.out
    deliveries = node.party("three").get("/v1/objects?kind=delivery&limit=1000").json["objects"]
    leaf = node.party("one").get(f"/v1/objects/{receipt(said)['object_id']}/history").json
    told = [
        (one["value"]["to"], one["value"]["how"])
        for one in deliveries
        if leaf["versions"][0]["leaf"] in one["value"]["entries"]
    ]
    assert told == [("three", "read")]
    assert step(folder, said, "closed", "one").status == 0
    assert detente("calls", "--party", "one", cwd=folder).out.strip() == "no call"
    every = detente("calls", "--party", "one", "--all", cwd=folder).out
    assert "one closed" in every


def test_wrongly(folder: Path, node: Node) -> None:
    """What is said wrongly is refused by its name, and calls nobody"""
    once = call(folder, "--id", "our 18")
    before = node.party("one").get("/v1/incidents").json["lines"]
    asked = {
        ("call", "here", "--party", "one", "--code", "other"): "position",
        ("call", WHERE, "--party", "four", "--code", "other"): "party four",
        ("call", "97.0 10.0", "--party", "one", "--code", "other"): "centre",
        ("call", WHERE, "--party", "one", "--code", "other", "--id", "our 18"): "our 18",
    }
    for arguments, named in asked.items():
        done = detente(*arguments, cwd=folder)
        assert (done.status, done.out) == (2, ""), arguments
        assert named in done.err
    after = node.party("one").get("/v1/incidents").json["lines"]
    assert [one["incident"] for one in after] == [one["incident"] for one in before]
    assert step(folder, once, "closed", "one").status == 0
    said = call(folder)
    done = step(folder, said, "acting", "three")
    assert "call " in done.err  # It was not called: there is no such call for it.
    assert step(folder, said, "closed", "two").status == 2
    assert step(folder, said, "stopped", "one").status == 2
    assert step(folder, said, "closed", "one").status == 0
    shown = detente("call", "--help", cwd=folder).out + detente("step", "--help", cwd=folder).out
    assert all(one in shown for one in (*Code, *Act))


def test_nobody_hears(tmp_path: Path) -> None:
    """Without a node that serves, the command says that nobody hears"""
    for arguments in (("init",), ("party", "new", "one"), ("party", "new", "two")):
        assert detente(*arguments, cwd=tmp_path).status == 0
    ladder = '[[hotline.ladder]]\nafter_s = 1\nrings = "all_desks"\n'
    (tmp_path / "terms.toml").write_text(f'name = "test"\n{ladder}')
    done = detente("agreement", "terms.toml", cwd=tmp_path)
    assert done.status == 0, done.err
    said = call(tmp_path)
    assert "no call" not in detente("calls", cwd=tmp_path).out

    def unheard() -> bool:
        done = detente("calls", "--party", "two", cwd=tmp_path)
        return done.status == 1 and "does a node serve this register?" in done.err

    until(unheard, seconds=90)
    assert step(tmp_path, said, "acknowledged", "two").status == 0
    assert detente("calls", cwd=tmp_path).status == 0

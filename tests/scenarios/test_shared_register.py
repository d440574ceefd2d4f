"""A register on a PostgreSQL server; test_shared_register.md tells it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import Ran, detente
from postgres import PASSWORD, Cluster

PLAN = {
    "type": "Feature",
    "properties": {"plan": "near"},
    "geometry": {"type": "Point", "coordinates": [10.12341, 50.56781]},
}


class Desk:
    """A folder from which commands are given; what they say shows no password."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        self.url = cluster.url(cluster.make())
        self.secret = self.url.partition("@")[0].rpartition(":")[2]
        (folder / "list.csv").write_text("id,lat,lon\nclinic,50.56781,10.12341\n")
        (folder / "plan.geojson").write_text(json.dumps(PLAN))

    def run(self, *arguments: object, url: str = "") -> Ran:
        ran = detente(*arguments, "--store", url or self.url, cwd=self.folder)
        assert PASSWORD not in ran.out + ran.err
        assert self.secret not in ran.out + ran.err
        return ran

    def runs(self, *arguments: object) -> str:
        ran = self.run(*arguments)
        assert (ran.status, ran.err.replace(COMPILING, "")) == (0, "")
        return ran.out

    def refuses(self, *arguments: object, url: str = "") -> str:
        ran = self.run(*arguments, url=url)
        assert (ran.status, ran.out) == (2, "")
        assert ran.err.count("\n") == 1
        return ran.err


COMPILING = "detente: compiling the kernels, once (some 20 s)\n"


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A PostgreSQL server that may be stopped."""
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def desk(server: Cluster, tmp_path: Path) -> Desk:
    """A theatre with a party and one notice, in a database of its own."""
    desk = Desk(tmp_path, server)
    said = desk.runs("init", "--theatre", "la", "--keys", "k")
    assert "for theatre la: agreement 'la' is entry 0" in said
    assert "private keys are in k:" in said
    desk.runs("party", "new", "Who", "--keys", "k")
    desk.runs("import", "list.csv", "--as", "notices", "--party", "who", "--keys", "k")
    return desk


def checked(desk: Desk) -> tuple[int, dict[str, object]]:
    ran = desk.run("check", "plan.geojson", "--format", "jsonl")
    return ran.status, json.loads(ran.out)


def test_whole_way(desk: Desk) -> None:
    """The whole way, with a URL in place of a file."""
    assert "clinic" in desk.runs("list", "--kind", "notice")
    assert checked(desk)[1]["verdict"] == "conflict"
    assert "3 entries" in desk.runs("log")
    assert "is withdrawn: version 2" in desk.runs(
        "withdraw", "clinic", "--party", "who", "--keys", "k"
    )
    assert json.loads(desk.runs("show", "clinic", "--json"))["versions"][1]["version"] == 2
    (desk.folder / "terms.toml").write_text('name = "la"\nmembers = ["who"]\n')
    desk.runs("agreement", "terms.toml", "--keys", "k")
    assert "members: who" in desk.runs("agreement")
    assert checked(desk)[1]["verdict"] == "no_known_conflict"
    assert "consistent: every signature" in desk.runs("log", "verify")
    names = {one.name for one in desk.folder.iterdir()}
    assert names == {"k", "list.csv", "plan.geojson", "terms.toml"}


def test_refusals(desk: Desk, server: Cluster) -> None:
    """What is refused."""
    empty = server.url(server.make())
    assert "a database that `detente init` founded" in desk.refuses("list", url=empty)
    assert "no theatre yet, got theatre la" in desk.refuses("init", "--keys", "other")
    assert "no theatre yet, got theatre la" in desk.refuses("init", "--keys", "k")
    assert not (desk.folder / "other").exists()
    wrong = desk.url.replace(desk.secret, "x" + desk.secret)
    assert "authentication failed" in desk.refuses("list", url=wrong)
    assert "a file, or postgresql://" in desk.refuses("list", url=wrong.replace("postgres", "my"))
    assert "private key of who" in desk.refuses("withdraw", "clinic", "--party", "who")


def test_stopped(desk: Desk, server: Cluster) -> None:
    """A server that cannot be asked is never clear."""
    server.stop()
    status, answer = checked(desk)
    assert (status, answer["verdict"]) == (3, "incomplete")
    assert "Connection refused" in json.dumps(answer["sources"])
    for command in (("list",), ("log", "verify"), ("show", "clinic"), ("init",)):
        ran = desk.run(*command)
        assert ran.status in {1, 2}
        assert "Connection refused" in ran.out + ran.err
    server.start()
    assert checked(desk)[1]["verdict"] == "conflict"

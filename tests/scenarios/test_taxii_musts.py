"""What TAXII 2.1 asks of a server, endpoint by endpoint; test_taxii_musts.md tells it.

Sections are of the OASIS Standard of 10 June 2021. What of it has its test elsewhere, and what has
none, docs/taxii.md says.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from conftest import begin
from detente.node.keyring import Keyring
from http_node import Node, node_at
from taxii import TAXII, Client21, indicator, labelled, let_in

ABSENT = "00000000-0000-4000-8000-000000000000"
GIVEN = 3
"""Versions of the object that everybody asks for."""

WHERE = "/test/collections/{collection}"
ENDPOINTS = {
    "4.1 server discovery": ("GET", "/"),
    "4.2 API root": ("GET", "/test/"),
    "4.3 status": ("GET", "/test/status/{status}/"),
    "5.1 collections": ("GET", "/test/collections/"),
    "5.2 a collection": ("GET", f"{WHERE}/"),
    "5.3 manifests": ("GET", f"{WHERE}/manifest/"),
    "5.4 objects": ("GET", f"{WHERE}/objects/"),
    "5.5 add objects": ("POST", f"{WHERE}/objects/"),
    "5.6 an object": ("GET", f"{WHERE}/objects/{{object}}/"),
    "5.7 delete an object": ("DELETE", f"{WHERE}/objects/{{object}}/"),
    "5.8 versions": ("GET", f"{WHERE}/objects/{{object}}/versions/"),
}
PAGED = ("5.3 manifests", "5.4 objects", "5.6 an object", "5.8 versions")
EVERY = pytest.mark.parametrize("endpoint", ENDPOINTS)


class Town:
    """A node, and two that ask it; ``object`` is in three versions, and ``status`` is of them."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.one, self.two = (Client21(node.url, party) for party in ("one", "two"))
        self.object = f"indicator--{uuid4()}"
        given = [indicator(number, self.object) for number in range(GIVEN)]
        self.one.give(
            indicator(), {**indicator(), "type": "campaign", "id": f"campaign--{uuid4()}"}
        )
        self.status = self.one.give(*given).json["id"]
        self.one.give(indicator(), to="inbox:two")

    def path(self, endpoint: str, **other: str) -> str:
        parts = {"collection": "agreement", "object": self.object, "status": self.status}
        return ENDPOINTS[endpoint][1].format(**{**parts, **other})

    def ask(self, endpoint: str, query: str = "", **headers: str) -> Any:
        """As its author, so that what is there is there."""
        method, _ = ENDPOINTS[endpoint]
        body = {"objects": [indicator()]} if method == "POST" else None
        path = self.path(endpoint, **({"object": self.spare()} if method == "DELETE" else {}))
        return self.one.ask(method, path + query, body, **headers)

    def spare(self) -> str:
        """An object to delete."""
        made = indicator()
        self.one.give(made)
        return str(made["id"])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("taxii_musts")
    keyring = Keyring(folder / "test.db")
    begin(folder / "test.db", keyring)
    let_in(folder / "test.db", "one", "two")
    with node_at(folder / "test.db", keyring, folder) as node:
        town = Town(node)
        yield town
        town.one.close()
        town.two.close()


@EVERY
def test_proof(town: Town, endpoint: str) -> None:
    """Every endpoint asks for a proof, by HTTP Basic among others"""
    method, _ = ENDPOINTS[endpoint]
    url = f"{town.node.url}/taxii2{town.path(endpoint)}"
    answer = httpx.request(method, url, headers={"accept": TAXII})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == TAXII
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.json()["http_status"] == "401"


@EVERY
def test_type(town: Town, endpoint: str) -> None:
    """Every endpoint answers in TAXII's type, to whoever takes it and to nobody else"""
    for accept in ("application/taxii+json;version=2.0", "application/json", "text/html"):
        town.ask(endpoint, accept=accept).refused(406, "not_acceptable")
    for accept in ("application/taxii+json", TAXII, f"application/json, {TAXII}"):
        answer = town.ask(endpoint, accept=accept)
        assert answer.status in {200, 202}, answer.body
        assert answer.headers["content-type"] == TAXII


@EVERY
def test_methods(town: Town, endpoint: str) -> None:
    """Every endpoint refuses methods that it has not, and names those that it has"""
    path = town.path(endpoint)
    own = {method for method, each in ENDPOINTS.values() if each == ENDPOINTS[endpoint][1]}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - own:
        answer = town.one.ask(method, path)
        answer.refused(405, "method_not_allowed")
        allowed = set(re.findall(r"[A-Z]+", answer.headers["allow"]))
        assert own <= allowed
        assert method not in allowed


@pytest.mark.parametrize(
    ("endpoint", "part"),
    [
        (name, part)
        for name, (_, path) in ENDPOINTS.items()
        for part in ("root", "collection", "object", "status")
        if f"{{{part}}}" in path or (part == "root" and "/test/" in path)
        if (name, part) != ("5.5 add objects", "object")
    ],
)
def test_absent(town: Town, endpoint: str, part: str) -> None:
    """Every endpoint says that it is not there where a part of its path is not"""
    method, _ = ENDPOINTS[endpoint]
    missing = f"indicator--{ABSENT}" if part == "object" else ABSENT
    path = town.path(endpoint, **({} if part == "root" else {part: missing}))
    if part == "root":
        path = path.replace("/test/", "/elsewhere/", 1)
    body = {"objects": [indicator()]} if method == "POST" else None
    town.one.ask(method, path, body).refused(404, "not_found")


RIGHTS = {
    "agreement": (True, True),
    "inbox:one": (True, False),
    "inbox:two": (False, True),
}
"""Of one's: whether it may read and write."""


@pytest.mark.parametrize("endpoint", [*PAGED, "5.5 add objects", "5.7 delete an object"])
@pytest.mark.parametrize("collection", RIGHTS)
def test_rights(town: Town, endpoint: str, collection: str) -> None:
    """Every right that a collection gives or keeps back holds at each of its endpoints"""
    known = town.one.get(f"/test/collections/{collection}/").json
    reads, writes = RIGHTS[collection]
    assert (known["can_read"], known["can_write"]) == (reads, writes)
    method, _ = ENDPOINTS[endpoint]
    may = {"GET": reads, "POST": writes, "DELETE": reads and writes}[method]
    named = town.spare() if (method, collection) == ("DELETE", "agreement") else town.object
    body = {"objects": [indicator()]} if method == "POST" else None
    # By its alias and by its id alike.
    for name in (known["alias"], known["id"]):
        answer = town.one.ask(method, town.path(endpoint, collection=name, object=named), body)
        if not may:
            answer.refused(403, "not_permitted")
        elif collection == "agreement" and not (method == "DELETE" and name == known["id"]):
            assert answer.status in {200, 202}, answer.body


@pytest.mark.parametrize("endpoint", PAGED)
def test_dates(town: Town, endpoint: str) -> None:
    """Every page says the first and the last date of what is on it, in ascending order"""
    known = {"5.3 manifests": "", "5.4 objects": ""}.get(
        endpoint, f"&match[id]={town.object}&match[version]=all"
    )
    manifest = town.one.get(f"{town.path('5.3 manifests')}?limit=1000{known}")
    dates = [one["date_added"] for one in manifest.objects]
    assert dates == sorted(dates)
    query = "?match[version]=all" if endpoint == "5.6 an object" else ""
    answer = town.ask(endpoint, query)
    first, last = (answer.headers[f"x-taxii-date-added-{one}"] for one in ("first", "last"))
    assert (first, last) == (dates[0], dates[-1])
    for one in (first, last):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", one)
        datetime.fromisoformat(one)
    # Later than the last there is nothing, and a page of nothing has no dates.
    nothing = town.ask(endpoint, f"?added_after={last}")
    assert nothing.json == {"more": False}
    assert not [name for name in nothing.headers if name.startswith("x-taxii")]


FILTERS = {
    "added_after": "2026-01-01T00:00:00.000000Z",
    "limit": "1",
    "next": "1",
    "match[id]": f"indicator--{ABSENT}",
    "match[type]": "indicator",
    "match[version]": "all",
    "match[spec_version]": "2.1",
}
TAKEN = {
    "5.3 manifests": set(FILTERS),
    "5.4 objects": set(FILTERS),
    "5.6 an object": set(FILTERS) - {"match[id]", "match[type]"},
    "5.7 delete an object": {"match[version]", "match[spec_version]"},
    "5.8 versions": set(FILTERS) - {"match[id]", "match[type]", "match[version]"},
}


@EVERY
@pytest.mark.parametrize("name", [*FILTERS, "match[name]"])
def test_filters(town: Town, endpoint: str, name: str) -> None:
    """Every filter is taken where the standard has it, and nowhere else"""
    answer = town.ask(endpoint, f"?{name}={FILTERS.get(name, 'x')}")
    if name in TAKEN.get(endpoint, set()):
        assert answer.status == 200, answer.body
    else:
        answer.refused(400, "malformed_input")


@pytest.mark.parametrize("endpoint", PAGED)
@pytest.mark.parametrize("limit", [1, 2, 1_000])
def test_pages(town: Town, endpoint: str, limit: int) -> None:
    """Every paged endpoint leads through all of it, in pages no larger than asked for"""
    every = "&match[version]=all" if endpoint != "5.8 versions" else ""
    what = "versions" if endpoint == "5.8 versions" else "objects"
    found: list[Any] = []
    following = ""
    for _ in range(1_000):
        page = town.ask(endpoint, f"?limit={limit}{every}{following}").json
        assert len(page[what]) <= limit
        found += page[what]
        assert ("next" in page) == page["more"]
        if not page["more"]:
            break
        assert isinstance(page["next"], str)
        following = f"&next={page['next']}"
    whole = town.ask(endpoint, f"?limit=1000{every}").json
    assert found == whole[what]
    assert whole["more"] is False
    if endpoint in {"5.6 an object", "5.8 versions"}:
        assert len(found) == GIVEN


def test_specifications(town: Town) -> None:
    """Of an object in two specifications whoever names none is given the latest alone"""
    named = f"indicator--{uuid4()}"
    old = {key: part for key, part in indicator(0, named).items() if key != "spec_version"}
    new = [indicator(number, named) for number in (1, 2)]
    town.one.give(old, *new)
    path = town.path("5.6 an object", object=named)
    asked = {
        "": new[1:],
        "match[version]=all": new,
        "match[version]=first": new[:1],
        "match[version]=first,last": new,
        f"match[version]={old['modified']}": [],
        "match[spec_version]=2.1&match[version]=all": new,
        "match[spec_version]=2.0": [old],
        "match[spec_version]=2.0&match[version]=all": [old],
        "match[spec_version]=2.0,2.1&match[version]=all": [old, *new],
        "match[spec_version]=2.0,2.1": new[1:],
    }
    for query, expected in asked.items():
        found = town.two.get(f"{path}?{query}" if query else path)
        assert found.objects == [*map(labelled, expected)], query
        also = f"&{query}" if query else ""
        manifest = town.two.get(f"{town.path('5.3 manifests')}?match[id]={named}{also}")
        assert [one["version"] for one in manifest.objects] == [
            one["modified"] for one in expected
        ], query
    versions = f"{path}versions/"
    assert town.two.get(versions).json["versions"] == [one["modified"] for one in new]
    older = town.two.get(f"{versions}?match[spec_version]=2.0").json["versions"]
    assert older == [old["modified"]]
    # It is deleted whole.
    assert town.one.ask("DELETE", path).status == 200
    town.one.get(f"{path}?match[spec_version]=2.0").refused(404, "not_found")


def test_resources(town: Town) -> None:
    """Resources have the properties that they must have, of the types that they must be"""
    discovery = town.one.get("/").json
    assert isinstance(discovery["title"], str)
    assert discovery["default"] in discovery["api_roots"]
    root = town.one.get("/test/").json
    assert isinstance(root["title"], str)
    assert TAXII in root["versions"]
    assert isinstance(root["max_content_length"], int)
    assert root["max_content_length"] > 0
    for one in town.one.get("/test/collections/").json["collections"]:
        assert (str(UUID(one["id"])), UUID(one["id"]).version) == (one["id"], 4)
        assert (type(one["title"]), type(one["can_read"]), type(one["can_write"])) == (
            str, bool, bool,
        )  # fmt: skip
        assert {"application/stix+json;version=2.1"} <= set(one["media_types"])
    for one in town.one.get(town.path("5.3 manifests")).objects:
        assert set(one) == {"id", "date_added", "version", "media_type"}
        assert one["media_type"].startswith("application/stix+json;version=2.")
    sent = town.one.give(indicator(), {"id": "x"}).json
    for status in (sent, town.one.get(f"/test/status/{sent['id']}/").json):
        assert status["status"] in {"complete", "pending"}
        counts = [status[f"{one}_count"] for one in ("success", "failure", "pending")]
        assert sum(counts) == status["total_count"] == 2
        for each in (*status["successes"], *status["failures"]):
            assert isinstance(each["id"], str)
            assert isinstance(each["version"], str)


def test_again(town: Town) -> None:
    """An object that is given again, or in other words, is not changed"""
    made = indicator()
    town.one.give(made)
    path = town.path("5.6 an object", object=made["id"])
    before = town.one.get(path)
    date = before.headers["x-taxii-date-added-first"]
    assert town.one.give(made).json["failure_count"] == 0
    assert town.one.give({**made, "name": "other words"}).json["failure_count"] == 1
    after = town.one.get(path)
    assert (after.body, after.headers["x-taxii-date-added-first"]) == (before.body, date)


def test_too_large(town: Town) -> None:
    """What is larger than the root says is refused"""
    most = town.one.get("/test/").json["max_content_length"]
    path = town.path("5.5 add objects")
    town.one.ask("POST", path, b" " * (most + 1)).refused(413, "too_large")


def test_bare_versions(town: Town) -> None:
    """4.3 names a version of an object without one by which it is found"""
    made = [
        {"type": "ipv4-addr", "id": f"ipv4-addr--{uuid4()}", "value": f"198.51.100.{number}"}
        for number in range(3)
    ]
    sent = town.one.give(*made).json
    assert town.one.get(f"/test/status/{sent['id']}/").json == sent
    for success, one in zip(sent["successes"], made, strict=True):
        version = success["version"]
        found = town.two.objects(query=f"?match[id]={one['id']}&match[version]={version}")
        assert found.objects == [labelled(one)]

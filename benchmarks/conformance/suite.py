"""What a check of a TAXII 2.1 server is, what it has at hand, and how all of them are run.

A check knows an address, who may do what in which collection, and plain HTTP: nothing of the
server. It fails by raising, with what came back. Clauses are of the OASIS Standard of 10 June 2021,
``IOP`` of the TAXII 2.1 Interoperability Test Document of 30 March 2022, ``RFC`` of HTTP and JSON.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self
from uuid import uuid4

import httpx

TAXII = "application/taxii+json;version=2.1"
ABSENT = "00000000-0000-4000-8000-000000000000"
MUST, SHOULD, ROBUST = "MUST", "SHOULD", "robust"
PENDING_S = 10
"""How long a server may work on what it was given."""

Login = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server, and whom it lets do what: a collection by each pair of rights.

    ``both`` is empty: what filters give of it is counted.
    """

    name: str
    url: str
    root: str
    """Path of the API root, with both slashes."""
    login: Login
    """May read and write ``both``, read ``read_only`` and write ``write_only``."""
    reader: Login
    """Another who may read ``both``."""
    both: str
    read_only: str
    seeded: str
    """An object that is in ``read_only``."""
    write_only: str
    neither: tuple[Login, str]
    """A collection, and who may do nothing there."""


class Endpoint(NamedTuple):
    clause: str
    method: str
    path: str


HERE = "{root}collections/{collection}/"
ENDPOINTS = {
    "discovery": Endpoint("4.1", "GET", "/taxii2/"),
    "root": Endpoint("4.2", "GET", "{root}"),
    "status": Endpoint("4.3", "GET", "{root}status/{status}/"),
    "collections": Endpoint("5.1", "GET", "{root}collections/"),
    "collection": Endpoint("5.2", "GET", HERE),
    "manifest": Endpoint("5.3", "GET", HERE + "manifest/"),
    "objects": Endpoint("5.4", "GET", HERE + "objects/"),
    "add": Endpoint("5.5", "POST", HERE + "objects/"),
    "object": Endpoint("5.6", "GET", HERE + "objects/{object}/"),
    "delete": Endpoint("5.7", "DELETE", HERE + "objects/{object}/"),
    "versions": Endpoint("5.8", "GET", HERE + "objects/{object}/versions/"),
}
EVERY = tuple(ENDPOINTS)
COLLECTION = EVERY[4:]
READS = ("manifest", "objects", "object", "versions")


class Failed(Exception):
    """What came back instead."""


def expect(holds: object, said: str) -> None:
    if not holds:
        raise Failed(said)


class Answer:
    """What came back; each of its properties fails where it is not there."""

    def __init__(self, got: httpx.Response) -> None:
        self.status = got.status_code
        self.headers = got.headers
        self.body = got.content

    def be(self, *statuses: int) -> "Answer":
        wanted = " or ".join(map(str, statuses))
        expect(self.status in statuses, f"{self.status}, not {wanted}: {self.body[:120]!r}")
        return self

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body.decode())
        except ValueError as error:
            raise Failed(f"no JSON: {self.body[:80]!r}") from error

    @property
    def page(self) -> list[Any]:
        """Objects, manifest entries or versions of a page."""
        found = self.be(200).json
        expect(isinstance(found, dict), "no JSON object")
        return list(found.get("objects", found.get("versions", [])))

    @property
    def ids(self) -> list[str]:
        return [one["id"] for one in self.page]

    @property
    def keys(self) -> list[str | tuple[str, str]]:
        """What tells one entry of a page from another: an id and a version, however spelt."""
        return [key(one) for one in self.page]

    def typed(self) -> "Answer":
        """Of TAXII's media type, with its version (3.1)."""
        said = self.headers.get("content-type", "")
        parts = [part.strip().lower().replace('"', "") for part in said.split(";")]
        fits = parts[0] == "application/taxii+json" and "version=2.1" in parts[1:]
        expect(fits, f"content type {said!r}")
        return self


def key(one: Any) -> str | tuple[str, str]:
    """Of an object, a manifest entry or a version."""
    if isinstance(one, str):
        whole, _, fraction = one.rstrip("Z").partition(".")
        return f"{whole}.{fraction.rstrip('0')}"
    version = one.get("version", one.get("modified", one.get("created", "")))
    return one["id"], str(key(version))


class Check(NamedTuple):
    number: int
    level: str
    clause: str
    said: str
    function: Callable[..., None]
    case: tuple[Any, ...]


CHECKS: list[Check] = []


def check(
    level: str, clause: str, said: str, *cases: Iterable[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Number one check for each combination of the cases, which are the function's arguments.

    ``{0}`` and so on in ``said`` are the cases; ``@`` as a clause is that of the endpoint.
    """

    def number(function: Callable[..., None]) -> Callable[..., None]:
        for case in itertools.product(*cases):
            at = ENDPOINTS[case[0]].clause if clause.startswith("@") else ""
            named = said.format(*case)
            clauses = at + clause.strip("@")
            CHECKS.append(Check(len(CHECKS) + 1, level, clauses, named, function, case))
        return function

    return number


def made(kind: str = "attack-pattern", number: int = 0, **parts: Any) -> dict[str, Any]:
    """A STIX 2.1 object; a later number is a later version."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    at = [f"{begun + timedelta(days=d):%Y-%m-%dT%H:%M:%S}.000Z" for d in (0, number)]
    always = {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid4()}"}
    return {**always, "created": at[0], "modified": at[1], "name": "conformance", **parts}


@dataclass
class World:
    """What the checks find in ``both``: given one by one, so that each has a date of its own."""

    indicator: list[dict[str, Any]] = field(default_factory=list)
    """Four versions of one object."""
    malware: list[dict[str, Any]] = field(default_factory=list)
    """Two versions of one."""
    steps: list[dict[str, Any]] = field(default_factory=list)
    """Seven of one type, of one version each."""
    others: list[dict[str, Any]] = field(default_factory=list)
    """A relationship, a marking (no ``modified``) and an address (no version at all)."""

    @classmethod
    def new(cls) -> "World":
        pattern = {"pattern": "[file:name = 'a']", "pattern_type": "stix",
                   "valid_from": "2026-01-01T00:00:00.000Z"}  # fmt: skip
        one, two = f"indicator--{uuid4()}", f"malware--{uuid4()}"
        marking = made("marking-definition", definition_type="statement",
                       definition={"statement": "a test"})  # fmt: skip
        del marking["modified"]
        value = f"198.51.100.{uuid4().int % 250}"
        address = {"type": "ipv4-addr", "spec_version": "2.1", "id": f"ipv4-addr--{uuid4()}"}
        uses = made("relationship", relationship_type="indicates", source_ref=one, target_ref=two)
        del uses["name"]
        return cls(
            [made("indicator", n, id=one, **pattern) for n in range(4)],
            [made("malware", n, id=two, is_family=False) for n in range(2)],
            [made("course-of-action") for _ in range(7)],
            [uses, marking, {**address, "value": value}],
        )

    @property
    def all(self) -> list[dict[str, Any]]:
        return [*self.indicator, *self.malware, *self.steps, *self.others]


class Session:
    """A server and its clients while it is checked."""

    def __init__(self, server: Server, seconds: float = 30) -> None:
        self.server = server
        self.http = httpx.Client(
            base_url=server.url, timeout=seconds, follow_redirects=False,
            headers={"user-agent": "taxii-conformance/1"},
        )  # fmt: skip
        self.world = World.new()
        self.status = ABSENT
        for one in self.world.all:
            given = self.give(one)
            self.status = str(given.json["id"]) if given.status == 202 else self.status

    def path(self, endpoint: str, **parts: str) -> str:
        """With what is there, save where it is said otherwise."""
        known = {
            "root": self.server.root, "collection": self.server.both,
            "object": self.world.indicator[0]["id"], "status": self.status,
        }  # fmt: skip
        return ENDPOINTS[endpoint].path.format(**{**known, **parts})

    def ask(
        self, endpoint: str, query: str = "", *, login: Login | str | None = "", body: Any = None,
        method: str = "", headers: dict[str, str] | None = None, **parts: str,
    ) -> Answer:  # fmt: skip
        """One request; of POST a new object, and to DELETE one, where nothing is said."""
        method = method or ENDPOINTS[endpoint].method
        if endpoint == "delete" and "object" not in parts:
            parts["object"] = str(self.scratch()["id"])
        sent = {"accept": TAXII, **(headers or {})}
        if method == "POST":
            sent.setdefault("content-type", TAXII)
            body = {"objects": [made()]} if body is None else body
        content = json.dumps(body).encode() if isinstance(body, dict | list) else body
        auth = self.server.login if login == "" else login
        got = self.http.request(
            method, self.path(endpoint, **parts) + query, content=content,
            headers={name.encode(): value.encode() for name, value in sent.items()}, auth=auth,
        )  # fmt: skip
        return Answer(got)

    def give(self, *objects: Any, **parts: Any) -> Answer:
        """Add objects; the server is done with them when this returns."""
        given = self.ask("add", body={"objects": list(objects)}, **parts)
        if given.status == 202 and isinstance(given.json, dict):
            until = time.monotonic() + PENDING_S
            while given.json.get("status") == "pending" and time.monotonic() < until:
                time.sleep(0.1)
                again = self.ask("status", status=given.json["id"])
                given = again if again.status == 200 else given
            given.status = 202
        return given

    def scratch(self, *numbers: int, **parts: Any) -> dict[str, Any]:
        """An object of no other use, in these versions."""
        one = made(**parts)
        for number in numbers or (0,):
            given = self.give({**one, "modified": made(number=number)["modified"]})
            expect(given.be(202).json["failure_count"] == 0, f"not taken: {given.json}")
        return one

    def walk(self, endpoint: str, query: str, **parts: str) -> Iterator[Answer]:
        """Every page, by ``next`` where it is given, else by the last date (3.5)."""
        page, pages = self.ask(endpoint, query, **parts).be(200), 0
        while True:
            yield page
            found, pages = page.json, pages + 1
            if not found.get("more", False):
                return
            expect(pages < 200, "more than 200 pages")
            after = page.headers.get("x-taxii-date-added-last", "")
            on = f"&next={found['next']}" if found.get("next") else f"&added_after={after}"
            page = self.ask(endpoint, query + on, **parts).be(200)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()


class Outcome(NamedTuple):
    check: Check
    failure: str
    """Empty where it passed."""


def run(server: Server) -> list[Outcome]:
    """All checks, in their order."""
    with Session(server) as session:
        return [Outcome(check, outcome(check, session)) for check in CHECKS]


def outcome(check: Check, session: Session) -> str:
    try:
        check.function(session, *check.case)
    except Failed as failed:
        return str(failed) or "failed"
    except (httpx.HTTPError, OSError) as error:
        return f"no answer: {error!r}"
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        # An answer that is not of its form at all.
        return f"another form: {error!r}"
    return ""

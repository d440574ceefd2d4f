"""TAXII clients of parties: a bare one, and the reference library's."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import taxii2client.v21 as taxii2

from detente.core.principal import Role, scopes_of
from detente.core.release import Tlp
from detente.core.stix import TLP_2_MARKINGS, TLP_MARKINGS
from detente.node.access.secret import hash_password
from detente.store import Client, Place, Store

TAXII = "application/taxii+json;version=2.1"
SECRET = "correct horse battery staple"  # noqa: S105 - of a test


class Asked:
    """What came back, which must be of TAXII's type whatever it is."""

    def __init__(self, answer: httpx.Response) -> None:
        assert answer.headers["content-type"] == TAXII, answer.text
        self.status = answer.status_code
        self.headers = answer.headers
        self.body = answer.content
        self.json: Any = json.loads(answer.content) if answer.content else None

    @property
    def ids(self) -> list[str]:
        """Of the objects, in order."""
        return [one["id"] for one in self.objects]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The objects."""
        assert self.status == 200, self.body
        found: list[dict[str, Any]] = self.json.get("objects", [])
        assert found or "objects" not in self.json, "TAXII has no empty lists"
        return found

    def refused(self, status: int, code: str) -> dict[str, Any]:
        """The error, which must be this one."""
        said: dict[str, Any] = self.json
        assert (self.status, said["error_code"]) == (status, code), self.body
        assert said["http_status"] == str(status)
        assert said["title"]
        return said


class Client21:
    """A program of a party's, which proves itself by HTTP Basic."""

    def __init__(self, url: str, party: str) -> None:
        self.party = party
        self._url = url
        self._http = httpx.Client(
            base_url=f"{url}/taxii2", auth=(f"{party}-taxii", SECRET), timeout=240,
            headers={"accept": TAXII},
        )  # fmt: skip

    def ask(self, method: str, path: str, body: Any = None, /, **headers: str) -> Asked:
        """One request, below /taxii2."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if content is not None:
            given.setdefault("content-type", TAXII)
        return Asked(self._http.request(method, path, content=content, headers=given))

    def get(self, path: str, /, **headers: str) -> Asked:
        return self.ask("GET", path, **headers)

    def objects(self, collection: str = "agreement", query: str = "") -> Asked:
        return self.get(f"/test/collections/{collection}/objects/{query}")

    def give(self, *objects: Any, to: str = "agreement") -> Asked:
        """Send objects; they are taken in when this returns."""
        answer = self.ask("POST", f"/test/collections/{to}/objects/", {"objects": list(objects)})
        assert answer.status == 202, answer.body
        return answer

    def all(self, collection: str = "agreement", limit: int = 2, query: str = "") -> list[str]:
        """Ids, page by page."""
        return [one["id"] for page in self.pages(collection, limit, query) for one in page.objects]

    def pages(self, collection: str, limit: int, query: str = "") -> Iterator[Asked]:
        page = self.objects(collection, f"?limit={limit}{query}")
        yield page
        while page.json["more"]:
            following = page.json["next"]
            page = self.objects(collection, f"?limit={limit}{query}&next={following}")
            yield page
        assert "next" not in page.json

    def reference(self, collection: str) -> taxii2.Collection:
        """The reference library's client of a collection."""
        found = self.get(f"/test/collections/{collection}/").json["id"]
        url = f"{self._url}/taxii2/test/collections/{found}/"
        return taxii2.Collection(url, user=f"{self.party}-taxii", password=SECRET)

    def server(self) -> taxii2.Server:
        return taxii2.Server(f"{self._url}/taxii2/", user=f"{self.party}-taxii", password=SECRET)

    def close(self) -> None:
        self._http.close()


def labelled(made: dict[str, Any], label: Tlp = Tlp.AMBER_STRICT) -> dict[str, Any]:
    """An object without a label of its own as it goes out to others."""
    others = [one for one in made.get("object_marking_refs", ()) if one not in TLP_MARKINGS]
    return {**made, "object_marking_refs": [*others, TLP_2_MARKINGS[label]]}


def let_in(place: Place, *parties: str, roles: tuple[Role, ...] = (Role.LIAISON,)) -> None:
    """Give each party a program that may do as much."""
    store = Store(place)
    for party in parties:
        store.access.add_client(
            Client(
                id=f"{party}-taxii", party=party, scopes=scopes_of(roles),
                secret_hash=hash_password(SECRET),
            ),
            now=datetime.now(UTC),
        )  # fmt: skip
    store.close()


def indicator(number: int = 0, named: str = "", **parts: Any) -> dict[str, Any]:
    """A STIX object; a later number is a later version."""
    made = datetime(2026, 1, 1, tzinfo=UTC)
    spelt = [
        f"{at.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
        for at in (made, made + timedelta(seconds=number))
    ]
    return {
        "type": "indicator", "spec_version": "2.1", "id": named or f"indicator--{uuid4()}",
        "created": spelt[0], "modified": spelt[1], "pattern": "[file:name = 'a']",
        "pattern_type": "stix", "valid_from": spelt[0], **parts,
    }  # fmt: skip

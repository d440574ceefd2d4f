"""The real ``detente serve`` with parties who hold tokens of an issuer, over real HTTP."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import OKPKey
from msgspec import Struct

from detente.core.principal import Role, Scope, scopes_of
from detente.node.keyring import Keyring
from detente.store import Place
from detente.store.place import Server
from served import Served, serving
from tokens import ED, token

ISSUER, AUDIENCE = "https://issuer.example", "node.example"
EVERY_ROLE = tuple(role for role in Role if role is not Role.ADMINISTRATOR)
LINES = "application/x-ndjson"


class Answered(Struct, frozen=True):
    """What came back."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body; checked to be JSON of the kind that its status promises."""
        kind = self.headers["content-type"]
        assert kind == ("application/json" if self.status < 400 else "application/problem+json")
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        """The body's lines."""
        assert self.headers["content-type"] == LINES
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def token(self) -> str:
        """The version token."""
        return self.headers["etag"].strip('"')

    def refused(self, status: int, code: str) -> Any:
        """The problem, which must be this one."""
        assert (self.status, self.json["code"], self.json["status"]) == (status, code, status), (
            self.body
        )
        assert self.json["type"] == f"/docs/errors#{code}"
        return self.json


class Party:
    """Somebody at a party's desk, with a token."""

    def __init__(self, url: str, party: str, roles: tuple[Role, ...] = EVERY_ROLE) -> None:
        headers = {"authorization": f"Bearer {bearer(party, roles)}"} if party else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=120)
        self.name = party

    def ask(self, method: str, path: str, body: Any = None, /, **headers: str) -> Answered:
        """One request; a body that is no text or bytes is sent as JSON."""
        named = {
            name.replace("_", "-").encode(): value.encode("latin-1")
            for name, value in headers.items()
        }
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            named.setdefault(b"content-type", b"application/json")
        answer = self._client.request(method, path, content=body, headers=named)
        return Answered(answer.status_code, answer.headers, answer.content)

    def get(self, path: str, /, **headers: str) -> Answered:
        return self.ask("GET", path, None, **headers)

    def post(self, path: str, body: Any = None, /, **headers: str) -> Answered:
        return self.ask("POST", path, body, **headers)

    @contextmanager
    def stream(self, path: str) -> Iterator[Iterator[str]]:
        """The lines of an answer as they come."""
        with self._client.stream("GET", path) as answer:
            assert answer.status_code == 200
            yield answer.iter_lines()

    def close(self) -> None:
        self._client.close()


class Node:
    """A node at work, and the parties that know it."""

    def __init__(self, served: Served, keyring: Keyring) -> None:
        self.served = served
        self.keyring = keyring
        self.url = f"http://127.0.0.1:{served.port}"
        self._parties: list[Party] = []

    def party(self, name: str, *roles: Role) -> Party:
        """A party's desk, in these roles or in all but the administrator's."""
        self._parties.append(Party(self.url, name, roles or EVERY_ROLE))
        return self._parties[-1]

    def close(self) -> None:
        for one in self._parties:
            one.close()


def bearer(party: str, roles: tuple[Role, ...]) -> str:
    """A token for a party, with the scopes of roles."""
    return token_of(party, " ".join(sorted(scopes_of(roles))))


def token_of(party: str, scope: str, key: OKPKey = ED) -> str:
    """A token for a party, as the issuer signs it."""
    now_s = time.time()
    return token(
        key, "EdDSA", iss=ISSUER, aud=AUDIENCE, sub=party, scope=scope,
        exp=now_s + 3_000, nbf=now_s - 5,
    ).decode()  # fmt: skip


@contextmanager
def node_at(
    place: Place, keyring: Keyring, folder: Path, *settings: str, workers: int = 1, port: int = 0
) -> Iterator[Node]:
    """Serve a register, with settings such as ``webhook_http=true``; on any port if it is 0."""
    key = folder / "issuer.json"
    key.write_text(json.dumps(ED.as_dict(private=False)))
    (folder / "detente.toml").write_text(
        f'[[issuers]]\nissuer = "{ISSUER}"\naudiences = ["{AUDIENCE}"]\n'
        f'key_files = ["{key}"]\nscopes = {json.dumps([scope.value for scope in Scope])}\n'
    )
    database: object = place
    if isinstance(place, Server):
        url = place.url.set(drivername="postgresql")
        database = url.render_as_string(hide_password=False)
    arguments = [
        "--port",
        port,
        "--database",
        database,
        *(part for one in settings for part in ("--set", one)),
    ]
    with serving(folder, *arguments, keys=keyring.folder, workers=workers) as served:
        node = Node(served, keyring)
        try:
            yield node
        finally:
            node.close()

"""A node with its access, served over real HTTP; a browser; a real OpenID provider."""

import asyncio
import html
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import uvicorn
from litestar import Litestar, Request, post
from litestar.di import Provide
from litestar.response import Response
from msgspec.structs import replace

from detente.core.ledger import NODE
from detente.core.principal import Scope
from detente.doors.asgi_auth import Authenticator, ThePrincipal, provide_principal
from detente.doors.asgi_challenge import challenge
from detente.doors.http import sign_in, tokens
from detente.errors import DetenteError
from detente.node.access.gate import Gate
from detente.node.access.parties import EngineParties
from detente.node.access.settings import AccessSettings
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.store import Store
from ports import free_port

OIDC = Path(__file__).parent / "oidc"

STATUS = {
    "malformed_input": 400,
    "not_authentic": 401,
    "not_permitted": 403,
    "not_found": 404,
    "rate_limited": 429,
    "unavailable": 503,
}


class Served:
    """A node's access at work: ``url`` is where, ``gate`` and ``engine`` what it is made of."""

    def __init__(self, url: str, gate: Gate, engine: Engine) -> None:
        self.url = url
        self.gate = gate
        self.engine = engine


@post("/v1/plans", status_code=200)
async def _plans(principal: ThePrincipal) -> dict[str, str]:
    """An act that needs a scope, in place of all of them."""
    principal.require(Scope.WRITE_PLANS)
    return {"party": principal.party}


def _error(_: Request[Any, Any, Any], error: DetenteError) -> Response[dict[str, str]]:
    headers = {}
    told = challenge(error)
    if told:
        headers["www-authenticate"] = told
    if hasattr(error, "retry_after_s"):
        headers["retry-after"] = str(error.retry_after_s)
    return Response(
        {"code": error.code, "detail": str(error)},
        status_code=STATUS.get(error.code, 500),
        headers=headers,
    )


def application(gate: Gate) -> Litestar:
    return Litestar(
        [*tokens.handlers(), *sign_in.handlers(), _plans],
        dependencies={
            "gate": Provide(lambda: gate, sync_to_thread=False),
            "principal": provide_principal(Authenticator(gate)),
        },
        exception_handlers={DetenteError: _error},
    )


@contextmanager
def serving(
    register: Path, settings: AccessSettings | None = None, *, port: int | None = None
) -> Iterator[Served]:
    """Serve a register's access."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    store, keyring = Store(register), Keyring(register)
    engine = Engine(store, keyring.load(NODE))
    engine.start()
    chosen = replace(settings or AccessSettings(), url=url)
    gate = Gate(chosen, store.access, keyring, EngineParties(engine))
    config = uvicorn.Config(
        application(gate), host="127.0.0.1", port=port, log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        async with gate.running():
            await server.serve()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    while not server.started:
        assert thread.is_alive(), "it ended"
        time.sleep(0.01)
    try:
        yield Served(url, gate, engine)
    finally:
        server.should_exit = True
        thread.join()
        engine.stop()
        store.close()


class Browser:
    """What a browser does with cookies, redirects and the origin of its page.

    Cookies are kept by host, ``Secure`` ones as well, as browsers do on 127.0.0.1.
    """

    def __init__(self) -> None:
        self.cookies: dict[str, dict[str, str]] = {}
        self.visited: list[str] = []
        self._client = httpx.Client(timeout=30)

    def close(self) -> None:
        self._client.close()

    def send(
        self, method: str, url: str, *, origin: str | None = None, **parts: Any
    ) -> httpx.Response:
        """One request, with the cookies of its host."""
        host = urlsplit(url).netloc
        jar = self.cookies.setdefault(host, {})
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        headers = {name: value for name, value in headers.items() if value}
        if origin is not None:
            headers["origin"] = origin
        answer = self._client.request(method, url, headers=headers, **parts)
        self.visited.append(url)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if "max-age=0" in line.lower() or not value or value == '""':
                jar.pop(name, None)
            else:
                jar[name] = value
        return answer

    def go(self, url: str, *, until: str = "", **parts: Any) -> httpx.Response:
        """Follow redirects, stopping before an address that begins with ``until``."""
        answer = self.send("GET", url, **parts)
        while answer.is_redirect:
            url = urljoin(url, answer.headers["location"])
            if until and url.startswith(until):
                return answer
            answer = self.send("GET", url)
        return answer

    def submit(self, page: httpx.Response, *, until: str = "", **fields: str) -> httpx.Response:
        """Fill in the form of a page, send it, and follow redirects."""
        action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        assert action is not None, page.text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        url = urljoin(str(page.url), html.unescape(action[1]))
        answer = self.send("POST", url, data={**hidden, **fields})
        if answer.is_redirect:
            target = urljoin(url, answer.headers["location"])
            return answer if until and target.startswith(until) else self.go(target, until=until)
        return answer


@contextmanager
def provider(**settings: Any) -> Iterator[str]:
    """The npm package oidc-provider, run by node; ``scripts/setup.sh`` installs it."""
    node = shutil.which("node")
    assert node is not None, "apt-get install nodejs npm"
    assert (OIDC / "node_modules").is_dir(), "npm ci in tests/oidc"
    port = settings.setdefault("port", free_port())
    process = subprocess.Popen(
        [node, "provider.mjs", json.dumps(settings)],
        cwd=OIDC,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()

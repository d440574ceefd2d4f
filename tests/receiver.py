"""A real receiver of webhooks: it takes, fails, stalls and vanishes as the test says."""

import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from joserfc import jws
from joserfc.jwk import KeySet
from standardwebhooks import Webhook

Behaviour = int | str
"""A status; or ``stall`` (no answer), ``drop`` (the connection is cut), ``flood`` (an answer
without end), ``redirect``."""


class Receiver:
    """Takes messages on a free port of this machine; each signature must hold."""

    def __init__(self, how: Behaviour = 200) -> None:
        self.how = how
        self.secret = ""
        self.attempts: list[tuple[str, Behaviour]] = []
        self.taken: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"receiver": self})
        )
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?desk=1"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Be gone."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def came(self, path: str, headers: dict[str, str], body: bytes) -> Behaviour:
        """A message; gives what becomes of it."""
        with self._changed:
            how = self.how
            try:
                message = Webhook(self.secret).verify(body, headers)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                self.problems.append(f"{type(error).__name__}: {error}")
            if path != "/hook?desk=1":
                self.problems.append(path)
            self.attempts.append((headers.get("webhook-id", ""), how))
            if isinstance(how, int) and 200 <= how < 300:
                self.taken.append(message)
            self._changed.notify_all()
            return how

    def wait(self, until: Callable[[Self], bool], seconds: float = 30) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not until(self):
                left = deadline - time.monotonic()
                assert left > 0, (self.attempts, self.problems)
                self._changed.wait(left)

    def sequences(self) -> list[int]:
        """The entries that were taken, in order, those that came twice too."""
        with self._changed:
            return [event["sequence"] for one in self.taken for event in one["data"]["events"]]

    def names(self) -> list[str]:
        """What was taken: the names that authors gave to their objects, in order."""
        with self._changed:
            events = [event for one in self.taken for event in one["data"]["events"]]
        return [name for event in events if (name := name_of(event)) is not None]


class PeerUss(Receiver):
    """A USS that is notified by F3548; it looks at whom each token is from and for."""

    def __init__(self, how: Behaviour = 204) -> None:
        super().__init__(how)
        self.base_url = f"http://127.0.0.1:{self.port}/utm"
        self.notified: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        self.keys: dict[str, Any] = {"keys": []}

    def came(self, path: str, headers: dict[str, str], body: bytes) -> Behaviour:
        """A notification; gives what becomes of it."""
        with self._changed:
            how = self.how
            claims = self._claims(headers.get("authorization", ""))
            self.attempts.append((path, how))
            if isinstance(how, int) and 200 <= how < 300:
                self.notified.append((path, claims, json.loads(body)))
            self._changed.notify_all()
            return how

    def _claims(self, authorization: str) -> dict[str, Any]:
        token = authorization.removeprefix("Bearer ")
        registry = jws.JWSRegistry(algorithms=["EdDSA"], strict_check_header=False)
        registry.get_alg = lambda name: jws.JWSRegistry.algorithms[name]  # type: ignore[method-assign] # EdDSA without its warning
        try:
            keys = KeySet.import_key_set(self.keys)  # type: ignore[arg-type] # a JWKS
            payload = jws.deserialize_compact(token, keys, registry=registry).payload
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            self.problems.append(f"{type(error).__name__}: {error}")
            return {}
        claims: dict[str, Any] = json.loads(payload)
        return claims


def name_of(event: dict[str, Any]) -> str | None:
    """The name that its author gave to the object of an event."""
    value = event.get("view", {}).get("value") or {}
    name: str | None = value.get("source_id")
    return name


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        how = self.receiver.came(self.path, headers, body)
        self.close_connection = True
        if isinstance(how, int):
            self._answer(how)
        else:
            getattr(self, f"_{how}")()

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        body = b"" if status == HTTPStatus.NO_CONTENT else b"ok"
        if body:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stall(self) -> None:
        time.sleep(60)

    def _drop(self) -> None:
        """Nothing, and the connection is closed."""

    def _redirect(self) -> None:
        self._answer(307, location=self.receiver.url)

    def _flood(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65_536)
        except OSError:
            return

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""

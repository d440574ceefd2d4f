"""A client of server-sent events, over real HTTP, in a thread of its own."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx


class Listener:
    """Listens until it is stopped or cut off."""

    def __init__(self, url: str, token: str, **headers: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.comments = 0
        self.ended = False
        self.status = 0
        self._changed = threading.Condition()
        self._headers = {"authorization": f"Bearer {token}", **headers}
        self._client = httpx.Client(timeout=60)
        self._thread = threading.Thread(target=self._listen, args=(url,), daemon=True)
        self._thread.start()

    @property
    def last(self) -> str:
        """The id with which to come back."""
        return self.ids[-1]

    def wait(self, until: Callable[["Listener"], bool], seconds: float = 30) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not until(self):
                left = deadline - time.monotonic()
                assert left > 0, (self.status, self.ids, self.events)
                self._changed.wait(left)

    def join(self) -> None:
        """Wait until it was cut off."""
        self._thread.join(30)
        assert self.ended
        self._client.close()

    def _listen(self, url: str) -> None:
        try:
            with self._client.stream("GET", url, headers=self._headers) as answer:
                self.status = answer.status_code
                if answer.status_code == 200:
                    assert answer.headers["content-type"].startswith("text/event-stream")
                    self._read(answer)
        except httpx.HTTPError:
            pass
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def _read(self, answer: httpx.Response) -> None:
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            with self._changed:
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                else:
                    self._take(fields)
                    fields = {}
                self._changed.notify_all()

    def _take(self, fields: dict[str, str]) -> None:
        if "data" not in fields:
            return
        self.ids.append(fields["id"])
        if "event" not in fields:
            self.events.append(json.loads(fields["data"]))

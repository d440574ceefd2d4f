"""Starts the real ``detente serve`` in a folder, as its users do, and talks to it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli import DETENTE

ECHO = (sys.executable, Path(__file__).parent / "scenarios" / "echo_node.py")
READY_S = 60.0


class Served:
    """A node that runs, and what it wrote."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self.process = process
        self._log = folder / "serve.log"
        self.said = ""
        self.host, self.port, self.scheme = "127.0.0.1", 0, "http"

    def wait_until_ready(self) -> None:
        """Read on until it says where it listens."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            found = re.search(r"listening on (https?)://(.+):(\d+),", line)
            if found:
                self.scheme, self.host, self.port = found[1], found[2].strip("[]"), int(found[3])
                return
        self.process.wait()
        raise AssertionError(f"it ended: {self.said}{self.log()}")

    def log(self) -> str:
        """Everything it logged so far."""
        return self._log.read_text()

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines of one event; each line that is whole must be JSON."""
        whole = self.log().rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines if line["event"] == event]

    def wait_for(self, event: str, number: int = 1, seconds: float = 30) -> list[dict[str, Any]]:
        """The lines of an event, once there are so many."""
        until = time.monotonic() + seconds
        while len(found := self.events(event)) < number and time.monotonic() < until:
            time.sleep(0.05)
        assert len(found) >= number, self.log()
        return found

    def workers(self) -> list[int]:
        """Processes of the workers."""
        pid = self.process.pid
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def connect(self, timeout_s: float = 20) -> socket.socket:
        """A connection of one's own."""
        return socket.create_connection((self.host, self.port), timeout=timeout_s)

    def ask(self, method: str, path: str, body: bytes = b"", /, **headers: str) -> "Told":
        """One request on a connection of its own."""
        with self.connect() as connection:
            connection.sendall(request(method, path, body, connection="close", **headers))
            return told(connection)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Tell it to stop, and wait for its exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


class Told:
    """An answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


def request(method: str, path: str, body: bytes = b"", /, **headers: str) -> bytes:
    """The bytes of a request; names of headers with _ for -."""
    lines = [f"{method} {path} HTTP/1.1", "host: node.test"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"content-length: {len(body)}")
        if "content_type" not in headers:
            lines.append("content-type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + body


def told(connection: socket.socket) -> Told:
    """Read one answer with a stated length."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            raise ConnectionError(f"closed after {data!r}")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        part = connection.recv(65_536)
        if not part:
            raise ConnectionError("closed within the body")
        body += part
    return Told(int(first.split()[1]), headers, body)


def closed_within(connection: socket.socket, seconds: float) -> float:
    """How long until the other side closed; whatever it says before is passed over."""
    began = time.monotonic()
    connection.settimeout(seconds)
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - began


@contextmanager
def serving(
    folder: Path, *arguments: object, program: tuple[object, ...] = (DETENTE,), **settings: object
) -> Iterator[Served]:
    """A node in this folder, on a free port, until the block ends."""
    extra = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    command = [*program, "serve", "--port", "0", *arguments, *extra]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [*map(str, command)], cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True,
            env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
    served = Served(process, folder)
    try:
        served.wait_until_ready()
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()

"""Serving; test_serving.md tells it."""

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from certificates import Authority
from cli import DETENTE, detente
from served import ECHO, Served, closed_within, request, serving, told

NOWHERE = "postgresql://somebody@127.0.0.1:1/none"
"""The echo node asks no database."""


def test_first_day(tmp_path: Path) -> None:
    """Without any configuration it serves."""
    with serving(tmp_path) as node:
        assert "documentation at http://127.0.0.1" in node.said
        assert node.ask("GET", "/health/live").json() == {"status": "live"}
        assert node.ask("GET", "/health/ready").json()["status"] == "ready"
        document = node.ask("GET", "/openapi.json").json()
        assert document["openapi"].startswith("3.1")
        assert "/health/ready" in document["paths"]
        page = node.ask("GET", "/docs")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for path in set(re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())):
            assert path.startswith("/")
            assert node.ask("GET", path).status == 200
        assert node.ask("GET", "/").headers["location"] == "/page/"
        assert node.stop() == 0
    assert (tmp_path / "detente.keys").is_dir()
    assert "theatre detente" in detente("log", cwd=tmp_path).out
    with serving(tmp_path) as node:
        assert "made" not in node.said


def refusals(folder: Path) -> dict[str, tuple[list[str], str]]:
    """Arguments that cannot be served, and what is said of each."""
    authority, other = Authority(folder), Authority(folder, "other")
    authority.issue("node")
    other.issue("stranger")
    (folder / "text.db").write_text("no database")
    (folder / "detente.toml").write_text("port = 0\n")
    tls = ["--tls-certificate", "node.pem", "--tls-key"]
    return {
        "no number": (["--port", "eighty"], "expected a whole number from 0 to 65535"),
        "no setting": (["--set", "prot=1"], "expected port, got prot"),
        "no key": (["--tls-certificate", "node.pem"], "expected tls_certificate and tls_key"),
        "key elsewhere": ([*tls, "nowhere.key"], "no file nowhere.key"),
        "other key": ([*tls, "stranger.key"], "key values mismatch"),
        "no certificate": (
            ["--tls-certificate", "text.db", "--tls-key", "node.key"], "PEM"
        ),
        "no register": (["--database", "text.db"], "register text.db"),
        "no folder": (["--database", "nowhere/detente.db"], "nowhere"),
        "no server": (
            ["--database", "postgresql://me:sesame@127.0.0.1:1/none"], "127.0.0.1"
        ),
        "no host": (["--host", "203.0.113.1"], "address 203.0.113.1:0"),
        "no file": (["--config", "nowhere.toml"], "nowhere.toml"),
    }  # fmt: skip


def test_refused(tmp_path: Path) -> None:
    """What cannot be served is refused in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        cases = refusals(tmp_path)
        port = str(taken.getsockname()[1])
        cases["port in use"] = (["--port", port], "in use by another program")
        for name, (arguments, said) in cases.items():
            ran = detente("serve", *arguments, cwd=tmp_path)
            assert ran.status == 2, f"{name}: {ran.err}"
            assert said in ran.err, f"{name}: {ran.err}"
            assert ran.err.count("\n") == 1, f"{name}: {ran.err}"
            assert "sesame" not in ran.err


def asks_on(node: Served, broken: list[str], answered: list[int]) -> None:
    """One who keeps a connection and asks again and again, until told to close it."""
    try:
        with node.connect() as connection:
            while True:
                connection.sendall(request("GET", "/health/live"))
                answer = told(connection)
                answered.append(answer.status)
                if answer.headers.get("connection") == "close":
                    return
    except OSError as error:
        broken.append(str(error))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop(tmp_path: Path, number: int) -> None:
    """When it is stopped, requests under way are answered."""
    broken: list[str] = []
    answered: list[int] = []
    with serving(tmp_path, program=ECHO) as node:
        one = threading.Thread(target=asks_on, args=(node, broken, answered))
        one.start()
        waiting = [node.connect() for _ in range(20)]
        for connection in waiting:
            connection.sendall(request("GET", "/slow?seconds=2"))
        # Who comes after them is answered: they are under way.
        assert node.ask("GET", "/health/live").status == 200
        until(lambda: len(answered) > 10)
        node.process.send_signal(number)
        until(lambda: is_refused(node))
        assert node.process.poll() is None, "it still answers those that it has"
        for connection in waiting:
            answer = told(connection)
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            connection.close()
        assert node.process.wait(20) == 0
        one.join()
    assert broken == []


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def is_refused(node: Served) -> bool:
    """Whether nobody is let in any more."""
    try:
        node.ask("GET", "/health/live")
    except OSError as error:
        assert re.search("refused|reset|closed", str(error)), error  # noqa: PT017 - of a loop
        return True
    return False


def test_grace(tmp_path: Path) -> None:
    """What takes longer than the grace is cut off."""
    with serving(tmp_path, program=ECHO, shutdown_grace_s=1) as node:
        with node.connect() as connection:
            connection.sendall(request("GET", "/slow?seconds=60"))
            # Who comes after it is answered: it is under way.
            assert node.ask("GET", "/health/live").status == 200
            assert node.stop(seconds=15) == 0
            assert closed_within(connection, 2) < 2
        assert node.events("requests cut off by the stop")[0]["count"] == 1


def test_workers_share_the_connections(tmp_path: Path) -> None:
    """Connections that come one after another do not all go to one worker."""
    with serving(tmp_path, "--workers", "3", "--database", NOWHERE, program=ECHO) as node:
        node.wait_for("worker ready", 3, seconds=60)
        before = [sockets_of(pid) for pid in node.workers()]
        with ExitStack() as opened:
            for _ in range(30):
                connection = opened.enter_context(node.connect())
                connection.sendall(request("GET", "/health/live"))
                assert connection.recv(4_096).startswith(b"HTTP/1.1 200")
            shares = [sockets_of(pid) for pid in node.workers()]
        taken = [now - then for now, then in zip(shares, before, strict=True)]
        assert sum(taken) == 30
        assert min(taken) >= 3


def sockets_of(pid: int) -> int:
    """Sockets that a process has open."""
    found = 0
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += one.readlink().name.startswith("socket:")
    return found


def test_killed_worker(tmp_path: Path) -> None:
    """A worker that is killed is replaced."""
    with serving(tmp_path, "--workers", "3", "--database", NOWHERE, program=ECHO) as node:
        node.wait_for("worker ready", 3, seconds=60)
        gone: set[int] = set()
        for round_ in range(3):
            with node.connect() as connection:
                connection.sendall(request("GET", "/slow?seconds=8"))
                time.sleep(0.2)
                victim = node.workers()[round_]
                os.kill(victim, signal.SIGKILL)
                gone.add(victim)
                for _ in range(20):
                    assert node.ask("GET", "/health/live").status == 200
            node.wait_for("worker ready", 4 + round_, seconds=60)
        assert len(node.workers()) == 3
        assert not gone & set(node.workers())
        assert node.stop() == 0


def test_killed_supervisor(tmp_path: Path) -> None:
    """Workers do not outlive what started them."""
    with serving(tmp_path, program=ECHO) as node:
        [worker] = node.workers()
        node.process.kill()
        node.process.wait()
        until(lambda: not Path(f"/proc/{worker}").exists())
        socket.create_server((node.host, node.port)).close()


def test_database_away(tmp_path: Path) -> None:
    """A worker that cannot start again is tried again."""
    with serving(tmp_path) as node:
        [worker] = node.workers()
        (tmp_path / "detente.db").rename(tmp_path / "away.db")
        os.kill(worker, signal.SIGKILL)
        node.wait_for("worker refused to start", 2, seconds=60)
        (tmp_path / "away.db").rename(tmp_path / "detente.db")
        node.wait_for("worker ready", 2, seconds=60)
        assert node.ask("GET", "/health/ready").status == 200


def over_tls(node: Served, context: ssl.SSLContext, path: str) -> bytes:
    with context.wrap_socket(node.connect(), server_hostname="localhost") as connection:
        connection.sendall(request("GET", path, connection="close"))
        return told(connection).body


@pytest.mark.parametrize("workers", ["1", "2"])
def test_tls(tmp_path: Path, workers: str) -> None:
    """TLS, and who the client is."""
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    authority.issue("node")
    thumbprint = authority.issue("party").fingerprint(hashes.SHA256()).hex().encode()
    other.issue("stranger")
    arguments = ("--workers", workers, "--tls-certificate", "node.pem", "--tls-key", "node.key",
                 "--tls-client-ca", "authority.pem")  # fmt: skip
    anybody = ssl.create_default_context(cafile=str(authority.path))
    party = ssl.create_default_context(cafile=str(authority.path))
    party.load_cert_chain(tmp_path / "party.pem", tmp_path / "party.key")
    stranger = ssl.create_default_context(cafile=str(authority.path))
    stranger.load_cert_chain(tmp_path / "stranger.pem", tmp_path / "stranger.key")
    with serving(tmp_path, *arguments, program=ECHO) as node:
        assert node.scheme == "https"
        assert over_tls(node, anybody, "/certificate") == b"none"
        assert over_tls(node, party, "/certificate") == thumbprint
        with pytest.raises(OSError, match=r"(?i)alert|reset|eof|closed"):
            over_tls(node, stranger, "/certificate")
        with node.connect() as silent:
            assert closed_within(silent, 30) < 30, "10 s by itself"
        assert "Traceback" not in node.log()
    with serving(tmp_path, *arguments, program=ECHO, tls_client_required="true") as node:
        assert over_tls(node, party, "/certificate") == thumbprint
        with pytest.raises(OSError, match=r"(?i)alert|reset|eof|closed"):
            over_tls(node, anybody, "/certificate")


def figure(text: str, name: str) -> float:
    """One figure of an exposition; -1 where there is none."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else -1


def test_metrics(tmp_path: Path) -> None:
    """Prometheus finds its figures, and only from here."""
    with serving(tmp_path, "--workers", "3", "--database", NOWHERE, program=ECHO) as node:
        node.wait_for("worker ready", 3, seconds=60)
        for number in range(30):
            assert node.ask("GET", f"/places/{number}").status == 200
        route = 'method="GET",route="/places/{place}",status="200"'
        name = f"detente_http_requests_total{{{route}}}"
        # Each worker tells the others twice a second.
        until(lambda: figure(metrics(node), name) == 30)
        assert 'route="/places/1"' not in metrics(node)
        assert node.ask("GET", "/metrics", x_forwarded_for="192.0.2.7").status == 404
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving(tmp_path, program=ECHO, metrics=f"127.0.0.1:{port}") as node:
        assert node.ask("GET", "/metrics").status == 404
        until(lambda: b"detente_http_requests_total" in asked_at(port))


def metrics(node: Served) -> str:
    return node.ask("GET", "/metrics").body.decode()


def asked_at(port: int) -> bytes:
    """All that comes from a port that has the figures alone."""
    parts = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request("GET", "/metrics", connection="close"))
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65_536):
                parts.append(part)
    return b"".join(parts)


def test_nothing_is_said_before_it_listens(tmp_path: Path) -> None:
    """Without any configuration it serves."""
    # Whoever starts it waits for the line, and may ask at once.
    with serving(tmp_path) as node:
        assert node.ask("GET", "/health/ready").status == 200
    done = subprocess.run([DETENTE, "config"], cwd=tmp_path, capture_output=True, check=True)
    assert b'database = "detente.db"  # default' in done.stdout

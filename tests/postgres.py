"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port of this machine.

No other server is touched. The server dies with the test run, even if that is killed.
"""

import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ports import free_port

USER = "detente"
PASSWORD = "not to be shown: %/@?"  # noqa: S105 - of a server that lives as long as the tests
TEMPLATE = "template_of_tests"

_START_S = 60
_PR_SET_PDEATHSIG = 1


def programs() -> Path:
    """The folder of initdb and postgres: on the path, or where Debian keeps them."""
    found = [shutil.which(name) for name in ("initdb", "postgres")]
    if all(found):
        return Path(str(found[0])).parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: float(path.parts[-3]),
    )
    if not versions:
        pytest.exit("PostgreSQL is missing; `make setup` installs or names it", returncode=2)
    return versions[-1].parent


class Cluster:
    """A server with fsync on; its superuser has a password that no message may show."""

    def __init__(self) -> None:
        # Not under pytest's own folder, which only its owner may enter.
        self.folder = Path(tempfile.mkdtemp(prefix="detente-postgres-"))
        self._programs = programs()
        self._owning = _owner()
        self._data = self.folder / "data"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        os.chown(self.folder, self._owning.get("user", -1), self._owning.get("group", -1))
        secret = self.folder / "password"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o644)
        self._run(
            self._programs / "initdb", "--pgdata", self._data, "--username", USER,
            "--pwfile", secret, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C",
            "--no-sync",
        )  # fmt: skip
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(
                f"port = {self.port}\n"
                "listen_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{self.folder}'\n"
                "max_connections = 60\n"
                "shared_buffers = '64MB'\n"
                "fsync = on\n"
                "logging_collector = off\n"
            )

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        deadline = time.monotonic() + _START_S
        while True:
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen(
                    [self._programs / "postgres", "-D", self._data],
                    stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                    preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls nothing that locks
                    **self._owning,
                )  # fmt: skip
            if self._answers(deadline):
                return
            # After a kill, what is left of the old server may still be ending.
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT is orderly, SIGKILL is not."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(_START_S)

    def crash(self) -> None:
        """Kill every process of it at once, as a machine does that loses power."""
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self.process.wait(_START_S)

    def remove(self) -> None:
        """Stop it, and leave nothing. SIGQUIT: whoever still asks cannot put it off."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        """As people write it, with its password."""
        quoted = "".join(f"%{byte:02X}" for byte in PASSWORD.encode())
        return f"postgresql://{USER}:{quoted}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the tests' own, in which every statement is a transaction."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=database,
            autocommit=True,
        )  # fmt: skip

    def make(self, template: str = "template0") -> str:
        """A new database; gives its name."""
        name = f"t{secrets.token_hex(8)}"
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def kill_a_session(self, application: str) -> None:
        """Kill a process that serves an application; the server then ends all sessions."""
        command = (
            # Its own user may kill it, and whoever runs the tests may not.
            "DO $$ DECLARE found int; BEGIN"  # noqa: S608 - a name of the tests' own
            f" SELECT pid INTO STRICT found FROM pg_stat_activity"
            f" WHERE application_name = '{application}' LIMIT 1;"
            " EXECUTE format('COPY (SELECT) TO PROGRAM %L', 'kill -9 ' || found);"
            " PERFORM pg_sleep(60); END $$"
        )
        while True:
            try:
                with self.connect() as connection:
                    connection.execute(command.encode())
            except psycopg.OperationalError:
                return  # This one was ended as well.
            except psycopg.Error:
                continue  # That process had gone; there will be another.

    def _answers(self, deadline: float) -> bool:
        assert self.process is not None
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True, text=True, check=False, cwd=self.folder, **self._owning,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def _owner() -> dict[str, Any]:
    """Whoever runs the tests; where that is root, which PostgreSQL refuses, another user."""
    if os.geteuid() != 0:
        return {}
    names = {one.pw_name: one for one in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)

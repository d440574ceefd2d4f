"""A second implementation of the log's verifier: Go's, built from tests/golang."""

import fcntl
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct

SOURCE = Path(__file__).parent / "golang" / "verifylog.go"
LIBRARY = Path("/usr/share/gocode")
"""Where Debian's golang-golang-x-mod-dev puts its sources."""


class Verdict(Struct, frozen=True):
    """What Go's implementation said."""

    holds: bool
    said: str


@cache
def _program() -> Path:
    """The verifier, compiled once."""
    if shutil.which("go") is None or not (LIBRARY / "src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip(
            "LOUDLY: no second implementation; apt install golang-go golang-golang-x-mod-dev"
        )
    # The compiler's own cache tells whether anything has changed.
    built = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "detente-tests"
    built.mkdir(parents=True, exist_ok=True)
    program = built / "verifylog"
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(LIBRARY)}
    with program.with_suffix(".lock").open("w") as lock:
        # Another test run may be at it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["go", "build", "-o", program, SOURCE], check=True, env=environment)
    return program


def verified(key: str, folder: Path, *before: str) -> Verdict:
    """Have a log in a folder verified whole.

    Args:
        key: Of the log, as ``detente log key`` prints it.
        folder: Its files.
        before: Size and root, in base64, of which it must be the continuation.
    """
    done = subprocess.run(
        [_program(), key, folder, *before], capture_output=True, text=True, check=False
    )
    return Verdict(done.returncode == 0, done.stdout + done.stderr)

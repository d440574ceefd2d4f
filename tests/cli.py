"""Runs the real command line as its users do, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

DETENTE = Path(sys.executable).with_name("detente")


class Ran(Struct, frozen=True):
    """What a command left: exit status, standard output and error."""

    status: int
    out: str
    err: str


def detente(
    *arguments: object, cwd: Path, timeout_s: float = 300, env: Mapping[str, str] | None = None
) -> Ran:
    """Run ``detente`` with these arguments in a folder; ``env`` is added to the environment."""
    done = subprocess.run(
        [DETENTE, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **(env or {})},
    )
    return Ran(done.returncode, done.stdout, done.stderr)

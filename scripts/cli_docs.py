"""Writes docs/cli.md from the commands' own help; ``--check`` only compares."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "cli.md"
COMMANDS = (
    (), ("check",), ("conflicts",), ("init",), ("party", "new"), ("party", "rotate"),
    ("party", "revoke"),
    ("client", "new"), ("client", "list"), ("client", "revoke"), ("account", "new"),
    ("account", "list"), ("account", "password"), ("account", "disable"), ("tablet", "authority"),
    ("tablet", "new"),
    ("import",), ("list",), ("show",), ("withdraw",), ("erase",), ("agreement",), ("log",),
    ("log", "verify"), ("log", "repair"), ("log", "key"), ("log", "checkpoint"),
    ("log", "proof"), ("log", "export"), ("log", "witness-key"), ("audit",), ("audit-tracks",),
    ("replay",),
    ("silence",), ("call",), ("calls",), ("step",),
    ("evidence",), ("complete",), ("verify",), ("serve",), ("config",),
    ("demo",), ("demo", "wildfire"), ("demo", "salient"),
    ("demo", "africa"),
)  # fmt: skip


def page() -> str:
    """The whole page."""
    parts = ["# Command line\n", "Written by `scripts/cli_docs.py` from each command's `--help`.\n"]
    for command in COMMANDS:
        text = help_of(command)
        title = " ".join(("detente", *command))
        parts.append(f"## {title}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def help_of(command: tuple[str, ...]) -> str:
    """What a command says of itself, as a terminal of 80 columns shows it."""
    done = subprocess.run(
        [Path(sys.executable).with_name("detente"), *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"},
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text() != page())
    PAGE.write_text(page())

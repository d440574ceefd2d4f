"""Writes docs/settings.md from the table of settings; ``--check`` only compares."""

import sys
from pathlib import Path

from detente.settings import PREFIX, SETTINGS, Setting, toml_value

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

HEAD = f"""# Settings

Written by `scripts/settings_docs.py` from `src/detente/settings.py`.

A setting comes from the command line (`detente serve --port 9000`, or `--set
NAME=VALUE` for any of them), else from the environment (`{PREFIX}PORT=9000`), else
from a TOML file (`detente.toml` where `detente` runs, or `--config FILE`), else it is
the default. Paths are relative to where `detente` runs. A name or value that nobody
can mean is refused, with the place where it stands. `detente config` shows what is in
force, and where each comes from; secrets and passwords are masked.

In the environment a list is separated by commas; tables are written as TOML, such as
`[{{issuer = "https://id.example.org", ...}}]`.

| name | takes | default | |
|---|---|---|---|
"""


def row(one: Setting) -> str:
    """One line of the table."""
    default = "" if one.default in ("", ()) else f"`{toml_value(one.default)}`"
    return f"| `{one.name}` | {one.expected} | {default} | {one.help} |\n"


def page() -> str:
    """The whole page."""
    return HEAD + "".join(row(one) for one in SETTINGS)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text() != page())
    PAGE.write_text(page())

"""What several commands share: options, times, progress."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.errors import MalformedInput

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

STORE_DEFAULT = Path("detente.db")

StoreOption = Annotated[
    Path, typer.Option(envvar="DETENTE_STORE", metavar="FILE", help="The register.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]

CONSOLE_WIDTH_PIPED = 160
"""Columns where the output is no terminal and so tells no width."""


def utc_now() -> datetime:
    """Now. The only clock of the command line."""
    return datetime.now(UTC)


def parse_time(text: str) -> datetime:
    """A time with an offset, for options.

    Raises:
        MalformedInput: Not RFC 3339, or naive.
    """
    from detente.core.volume import check_time  # noqa: PLC0415 - `--help` loads no core

    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedInput("time", expected="such as 2025-01-07T18:30:00Z", got=text) from None
    check_time(time, what="time")
    return time.astimezone(UTC)


def console(*, error: bool = False) -> "Console":
    """Where people read."""
    from rich.console import Console  # noqa: PLC0415

    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else CONSOLE_WIDTH_PIPED
    return Console(stderr=error, width=width, highlight=False, soft_wrap=False)


def say_if_compiling() -> None:
    """Tell why the first check after an installation takes longer than any other."""
    from detente.picture import compiled_before  # noqa: PLC0415

    if not compiled_before():
        sys.stderr.write("detente: compiling the kernels, once (some 20 s)\n")


@contextmanager
def progress() -> Iterator["Progress"]:
    """A progress bar on standard error; nothing where no one watches."""
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console(error=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        yield bar

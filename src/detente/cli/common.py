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

    from detente.store import Place

STORE_DEFAULT = "detente.db"

STORE_HELP = "The register: a file, or postgresql://USER@HOST/DATABASE."


StoreOption = Annotated[
    str, typer.Option(envvar="DETENTE_STORE", metavar="REGISTER", help=STORE_HELP)
]
KeysOption = Annotated[
    Path | None,
    typer.Option(
        envvar="DETENTE_KEYS",
        metavar="FOLDER",
        help="Private keys; else beside the register, or here for one on a server.",
    ),
]
PlaceOption = Annotated[
    str,
    typer.Option(
        envvar="DETENTE_STORE",
        metavar="FILE|URL",
        help="The register: a file, or postgresql://USER@HOST/DATABASE.",
    ),
]
NodeOption = Annotated[
    str | None,
    typer.Option(
        "--node",
        envvar="DETENTE_NODE",
        metavar="URL",
        help="A node elsewhere, instead of a register here; its token is in DETENTE_TOKEN.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]

CONSOLE_WIDTH_PIPED = 160
"""Columns where the output is no terminal and so tells no width."""


def place_of(store: str) -> "Place":
    """Where the register is that the command line names.

    Raises:
        MalformedInput: Nowhere that a register can be.
    """
    from detente.store import parse_place  # noqa: PLC0415 - `--help` loads no store

    return parse_place(store)


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

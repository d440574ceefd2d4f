"""``detente conflicts``: every two plans that meet, on file or in files."""

import gc
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from detente.cli.check import Asked, ask_store, read_plans
from detente.cli.common import (
    STORE_DEFAULT,
    STORE_HELP,
    console,
    parse_time,
    place_of,
    say_if_compiling,
    utc_now,
)
from detente.errors import MalformedInput


class Form(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    JSONL = "jsonl"


def conflicts(
    plans: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PLANS]...", help="GeoJSON, as if they were filed as well."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            envvar="DETENTE_STORE",
            metavar="REGISTER",
            help=f"{STORE_HELP} {STORE_DEFAULT} here if nothing else is named.",
        ),
    ] = None,
    separation: Annotated[
        float, typer.Option(metavar="METRES", help="The least distance to keep between any two.")
    ] = 0.0,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Answer as of this time (RFC 3339), not now.")
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="A table, or JSON lines: the answer, then each pair.")
    ] = Form.TABLE,
) -> None:
    """List every two plans that meet: on file, in files, or of both together.

    Each pair once, with all the time that both share. Drafts and what has ended
    bind nobody; the plans of files are taken as filed. The answer informs and
    never permits. Exit status: 0 no known conflict, 1 a conflict, 3 incomplete (a
    source could not be asked in full), 2 wrong usage or malformed input.

    [bold]Examples[/bold]

        detente conflicts

        detente conflicts --store detente.db --separation 500 --format jsonl

        detente conflicts tomorrow.geojson --store detente.db
    """
    from detente.core.edges import length_mm  # noqa: PLC0415 - `--help` loads no geometry
    from detente.doors.answer import EXIT_STATUS  # noqa: PLC0415

    gc.disable()  # as of a check
    now = parse_time(at) if at else utc_now()
    separation_mm = length_mm(separation, what="--separation")
    if not store and not plans:
        if not Path(STORE_DEFAULT).exists():
            raise MalformedInput("conflicts", expected="PLANS or --store", got="nothing to ask")
        store = STORE_DEFAULT
    drawn = [plan for path in plans or () for plan in read_plans(path)]
    from detente.doors import conflicts_text  # noqa: PLC0415
    from detente.node.check import as_filed, conflicts_among  # noqa: PLC0415

    say_if_compiling()
    asked = Asked()
    if store:
        ask_store(place_of(store), asked)
    asked.known += as_filed(drawn)
    picture = asked.picture()
    answer = conflicts_among(picture, asked.sources, now=now, separation_mm=separation_mm)
    if form is Form.JSONL:
        sys.stdout.write(conflicts_text.json_lines(answer).decode())
    else:
        console().print(conflicts_text.table(answer))
    raise typer.Exit(EXIT_STATUS[answer.verdict])

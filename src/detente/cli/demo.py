"""``detente demo``: see it work on real data."""

from pathlib import Path
from typing import Annotated

import typer

from detente.cli.common import say_if_compiling

app = typer.Typer(help="See it work on real data.", invoke_without_command=True)

FolderOption = Annotated[
    Path, typer.Option(metavar="FOLDER", help="Where the register and the picture go.")
]
FOLDER_DEFAULT = Path("detente-demo")


@app.callback()
def demo(context: typer.Context) -> None:
    """See it work on real data; without a name, the wildfire.

    [bold]Examples[/bold]

        detente demo

        detente demo salient --speed 10

        detente demo africa who_kwtrp_subsaharan_africa_2019.csv.gz
    """
    if context.invoked_subcommand is None:
        wildfire()


@app.command()
def wildfire(folder: FolderOption = FOLDER_DEFAULT) -> None:
    """Los Angeles, January 2025: three parties over real fires and real hospitals."""
    from detente.cli.demo_wildfire import run  # noqa: PLC0415 - `--help` loads no geometry

    say_if_compiling()
    run(folder)


@app.command()
def salient(
    folder: FolderOption = FOLDER_DEFAULT,
    speed: Annotated[
        float, typer.Option(metavar="N", help="Times its own speed; 0 is as fast as it goes.")
    ] = 60.0,
    account: Annotated[
        str, typer.Option(metavar="NAME", help="turkish, russian or both, side by side.")
    ] = "both",
    only_prepare: Annotated[
        bool, typer.Option("--prepare", help="Make ready for a node and a browser; play nothing.")
    ] = False,
) -> None:
    """24 November 2015: two published accounts of one flight, watched; neither is judged."""
    from detente.cli.demo_salient import run  # noqa: PLC0415

    say_if_compiling()
    run(folder, speed=speed, which=account, only_prepare=only_prepare)


@app.command()
def africa(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="98,745 health facilities as CSV.")],
    folder: FolderOption = FOLDER_DEFAULT,
    plans: Annotated[
        int, typer.Option(min=1, max=100_000, help="How many plans to invent.")
    ] = 1_000,
) -> None:
    """Africa's health facilities imported and signed, and invented plans checked against them."""
    from detente.cli.demo_africa import run  # noqa: PLC0415

    say_if_compiling()
    run(file, folder, plans)

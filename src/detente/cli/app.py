"""All commands, joined."""

import sys
from typing import Annotated

import typer

from detente.cli import (
    access,
    audit,
    calling,
    check,
    conflicts,
    demo,
    evidence,
    export,
    log,
    register,
    replay,
    serve,
    silence,
    tablets,
    tracks,
)

app = typer.Typer(
    name="detente",
    help=(
        "Parties that share no command keep out of each other's way, spare what must be spared, "
        "and can prove afterwards who was told what, and when.\n\n"
        "A check informs; it never permits."
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
    # A traceback with local values could show another party's positions.
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _say_version(asked: bool) -> None:  # noqa: FBT001 - typer's
    if asked:
        from importlib.metadata import version  # noqa: PLC0415

        sys.stdout.write(f"detente {version('detente')}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_say_version, help="Say which it is."),
    ] = False,
) -> None:
    """All commands; what is asked of none of them is said by ``_say_version``."""


party = typer.Typer(help="Who speaks.", no_args_is_help=True)

app.command()(check.check)
app.command()(conflicts.conflicts)
app.command()(register.init)
app.add_typer(party, name="party")
party.command("new")(register.party_new)
party.command("rotate")(access.party_rotate)
party.command("revoke")(access.party_revoke)
app.add_typer(access.client, name="client")
app.add_typer(access.account, name="account")
app.add_typer(tablets.tablet, name="tablet")
app.command("import")(register.import_file)
app.command("list")(register.list_objects)
app.command()(register.show)
app.command()(register.withdraw)
app.command()(register.erase)
app.command()(register.agreement)
app.command()(silence.silence)
app.command()(calling.call)
app.command()(calling.calls)
app.command()(calling.step)
app.command()(evidence.evidence)
app.command()(evidence.complete)
app.command()(evidence.verify)
app.command()(export.export)
app.command()(export.pack)
app.add_typer(log.app, name="log")
app.command()(audit.audit)
app.command("audit-tracks")(tracks.audit_tracks)
app.command()(replay.replay)
app.command()(serve.serve)
app.command()(serve.config)
app.add_typer(demo.app, name="demo")

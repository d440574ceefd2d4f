"""``detente audit``: follow a log from outside."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli.common import JsonOption, progress, utc_now
from detente.errors import MalformedInput, NotFound

if TYPE_CHECKING:
    from detente.core.policy import Policy

EXIT_INCONSISTENT = 1

FILE_BYTES_MAX = 1 << 20
"""Of a policy, or of a file of public keys: some 15,000 keys."""


def audit(  # noqa: PLR0913, PLR0917 - one parameter an option
    where: Annotated[
        str,
        typer.Argument(
            metavar="URL|FOLDER",
            help="The log: its web address, as .../log/THEATRE, or a folder with its files.",
            show_default=False,
        ),
    ],
    key: Annotated[
        str | None,
        typer.Option(metavar="VKEY", help="The log's verifier key, had from its operator."),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Instead: logs, and the quorum that must have cosigned (tlog-policy).",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What is remembered; else $XDG_STATE_HOME/detente/audit/ORIGIN.json.",
        ),
    ] = None,
    public_keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Public keys of parties, 64 hex digits a line: their signatures are verified.",
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read all entries again, not only the new ones.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Audit a log from outside: every entry, and that it only grew since the last audit.

    It asks no permission and needs no register. The first time it reads the whole log, then
    what is new. It says what it cannot see.

    Exit status: 0 if all holds, 1 if not (another past, an altered byte, a gap in a party's
    chain), 2 if the log cannot be read.

    [bold]Examples[/bold]

        detente audit https://node.example.org/log/levant --key log.example.org/levant+530d...

        detente audit /mnt/log --policy witnesses.txt --json
    """
    believed = _policy(key, policy)
    from detente.doors import audit_text  # noqa: PLC0415 - `--help` loads no node
    from detente.node.follow import follow, parse_public_keys  # noqa: PLC0415
    from detente.node.outside import Asked  # noqa: PLC0415

    keys = {} if public_keys is None else parse_public_keys(_read(public_keys).decode("latin-1"))
    asked = Asked(where=where, policy=believed, now=utc_now(), full=full, keys=keys)
    with progress() as bar:
        task = bar.add_task("auditing", total=None)
        found = follow(
            asked,
            state=state,
            progress=lambda done, size: bar.update(task, completed=done, total=size),
        )
    answer = audit_text.json if json else audit_text.text
    sys.stdout.write(answer(found, where))
    if not found.consistent:
        raise typer.Exit(EXIT_INCONSISTENT)


def _policy(key: str | None, path: Path | None) -> "Policy":
    """Whose signatures are asked for.

    Raises:
        MalformedInput: Neither a key nor a policy, or both, or one that is none.
    """
    if (key is None) == (path is None):
        raise MalformedInput("audit", expected="one of --key VKEY and --policy FILE")
    from detente.core.note_key import LOG_TYPES, parse_vkey  # noqa: PLC0415
    from detente.core.policy import Policy, PolicyLog, parse_policy  # noqa: PLC0415

    if path is not None:
        return parse_policy(_read(path))
    found = parse_vkey(key or "")
    if found.type not in LOG_TYPES:
        raise MalformedInput("--key", expected="a log's key", got=f"type 0x{found.type:02x}")
    return Policy(logs=(PolicyLog(key=found),))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise NotFound(f"{path}") from None
    if len(data) > FILE_BYTES_MAX:
        raise MalformedInput(f"{path}", expected=f"at most {FILE_BYTES_MAX} bytes")
    return data

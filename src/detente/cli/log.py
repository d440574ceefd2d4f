"""``detente log`` and ``detente log verify``."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli.common import STORE_DEFAULT, JsonOption, StoreOption, console, place_of, progress

if TYPE_CHECKING:
    from detente.node.audit import Audit

app = typer.Typer(help="The record: who said what, in order.", invoke_without_command=True)

EXIT_INCONSISTENT = 1


@app.callback()
def log(
    context: typer.Context,
    last: Annotated[int, typer.Option(min=1, help="So many entries, from the end.")] = 20,
    store: StoreOption = STORE_DEFAULT,
    json: JsonOption = False,
) -> None:
    """Show the last entries of the record: who signed what, and when. No places.

    [bold]Examples[/bold]

        detente log --last 50

        detente log verify
    """
    if context.invoked_subcommand is not None:
        return
    from detente.doors import log_text  # noqa: PLC0415 - `--help` loads no store
    from detente.store import Store  # noqa: PLC0415

    with Store(place_of(store)).reading() as record:
        theatre, size, root = record.head()
        entries = [record.entry(sequence) for sequence in range(max(0, size - last), size)]
    first = size - len(entries)
    if json:
        sys.stdout.write(log_text.lines_json(first, entries))
        return
    console().print(log_text.table(first, entries))
    sys.stdout.write(f"\ntheatre {theatre}, {size} entries, root {root.hex()}\n")


@app.command()
def verify(store: StoreOption = STORE_DEFAULT, json: JsonOption = False) -> None:
    """Verify every entry: signatures, chains, commitments, the tree and its root.

    Exit status: 0 if all hold, 1 if not.

    [bold]Example[/bold]

        detente log verify --store la.db
    """
    from detente.node.audit import audit  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    with progress() as bar:
        task = bar.add_task("verifying", total=None)
        found = audit(
            Store(place_of(store)),
            progress=lambda done, size: bar.update(task, completed=done, total=size),
        )
    if json:
        import msgspec  # noqa: PLC0415

        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        sys.stdout.write(verified_text(found))
    if found.problems_total:
        raise typer.Exit(EXIT_INCONSISTENT)


def verified_text(found: "Audit") -> str:
    """What an audit found, for people."""
    from detente.node.audit import iter_problems  # noqa: PLC0415

    head = f"theatre {found.theatre}, {found.size} entries, root {found.root}\n"
    if found.problems_total:
        lines = "".join(f"  {problem}\n" for problem in iter_problems(found))
        return f"{head}NOT CONSISTENT, {found.problems_total} problems:\n{lines}"
    erased = f", {found.erased} erased" if found.erased else ""
    return (
        f"{head}consistent: every signature, chain, commitment{erased} and hash holds\n"
        f"node key {found.node_key}: ask the operator for it by another way, and compare\n"
    )

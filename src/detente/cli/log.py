"""``detente log``: what is on the record, whether it holds, and as other people's tools read it."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli.common import (
    STORE_DEFAULT,
    JsonOption,
    KeysOption,
    StoreOption,
    console,
    place_of,
    progress,
)
from detente.errors import NotFound

if TYPE_CHECKING:
    from detente.node.audit import Audit
    from detente.node.log import PublicLog
    from detente.store import Record

app = typer.Typer(help="The record: who said what, in order.", invoke_without_command=True)

EXIT_INCONSISTENT = 1

HASH_BYTES = 32
"""Of a leaf; in hex it is twice as long."""


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


@app.command()
def repair(
    mirror: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="URL|FOLDER", help="A copy of the log, for entries that are damaged."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    store: StoreOption = STORE_DEFAULT,
) -> None:
    """Repair what the record itself says how it must be. No entry is ever rewritten.

    Tiles, and the list of current objects, are drawn again from the entries, and the numbers
    that pictures are made of from what these say. A damaged entry is told, and put back from a
    mirror where the mirror's bytes hash to its leaf. What would be done is said first.

    Exit status: 0 if nothing is damaged any more, 1 if something is.

    [bold]Examples[/bold]

        detente log repair --dry-run

        detente log repair --from /mnt/log

        detente log repair --from https://node.north.example/mirror/9f2c...
    """
    from detente.node.log_source import open_source  # noqa: PLC0415
    from detente.node.repair import apply_repair, plan_repair  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    register = Store(place_of(store))
    source = None if mirror is None else open_source(mirror)
    with progress() as bar, register.reading() as record:
        task = bar.add_task("looking", total=None)
        plan = plan_repair(
            record, source, lambda done, size: bar.update(task, completed=done, total=size)
        )
    steps = list(plan.steps())
    sys.stdout.write("".join(f"{line}\n" for line in steps))
    sys.stdout.write("".join(f"left as it is: {line}\n" for line in plan.left))
    if not steps and not plan.left:
        sys.stdout.write(f"nothing is damaged: {plan.size} entries, root {plan.root.hex()}\n")
        return
    if not dry_run and steps:
        sys.stdout.flush()
        apply_repair(register, plan)
        sys.stdout.write(f"done: {len(steps)} steps; `detente log verify` verifies all of it\n")
    if dry_run or plan.left:
        raise typer.Exit(EXIT_INCONSISTENT)


@app.command()
def key(store: StoreOption = STORE_DEFAULT) -> None:
    """Print the log's verifier key, as C2SP's tools take it; its name is the log's origin.

    [bold]Example[/bold]

        detente log key --store la.db
    """
    from detente.node.lookup import current_agreement  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    with Store(place_of(store)).reading() as record:
        keys = current_agreement(record).log_keys
    if not keys:
        raise NotFound(
            "key of the log", expected="one in the agreement; `detente agreement FILE.toml` adds it"
        )
    sys.stdout.write("".join(f"{one}\n" for one in keys))


@app.command()
def checkpoint(store: StoreOption = STORE_DEFAULT, keys: KeysOption = None) -> None:
    """Print the newest checkpoint: origin, size and root, signed with the log's key.

    [bold]Example[/bold]

        detente log checkpoint
    """
    from detente.store import Store  # noqa: PLC0415

    with Store(place_of(store)).reading() as record:
        note = _log_of(record, store, keys).checkpoint(record)
    sys.stdout.write(note.decode())


@app.command()
def proof(
    name: Annotated[
        str, typer.Argument(metavar="OBJECT|LEAF", help="Its id or name, or an entry's leaf hash.")
    ],
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Print the proof (C2SP tlog-proof) that the last version of an object is in the log.

    [bold]Example[/bold]

        detente log proof h-0001 > h-0001.tlog-proof
    """
    from detente.store import Store  # noqa: PLC0415

    with Store(place_of(store)).reading() as record:
        found = _log_of(record, store, keys).proof(record, _leaf(record, name))
    sys.stdout.write(found.decode())


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made if it is not there.")],
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Write the log as plain files (C2SP tlog-tiles), for any web server.

    Again on the same folder, what it lacks is added. It shows who said something and when,
    and no places.

    [bold]Example[/bold]

        detente log export /var/www/log
    """
    from detente.node.log_folder import write_folder  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    with Store(place_of(store)).reading() as record:
        written = write_folder(record, _log_of(record, store, keys), folder)
    sys.stdout.write(
        f"{folder}: {written.size} entries, {written.size - written.since} of them new, "
        f"{written.files} files written\n"
    )


@app.command("witness-key")
def witness_key(
    name: Annotated[str, typer.Argument(help="As the setting witness_name has it.")],
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Print the verifier keys with which this node cosigns others' logs; made if need be.

    [bold]Example[/bold]

        detente log witness-key witness.example.org
    """
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.witness import witness_signers  # noqa: PLC0415

    signers = witness_signers(Keyring(place_of(store), keys), name)
    sys.stdout.write("".join(f"{one.verifier.vkey}\n" for one in signers))


@app.command("mirror-key")
def mirror_key(
    name: Annotated[str, typer.Argument(help="As the setting mirror_name has it.")],
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Print the verifier keys with which this node cosigns the logs that it mirrors.

    They are made if need be.

    [bold]Example[/bold]

        detente log mirror-key mirror.example.org
    """
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.mirror import mirror_signers  # noqa: PLC0415

    signers = mirror_signers(Keyring(place_of(store), keys), name)
    sys.stdout.write("".join(f"{one.verifier.vkey}\n" for one in signers))


def _log_of(record: "Record", store: str, keys: Path | None) -> "PublicLog":
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.log import PublicLog, signer_of  # noqa: PLC0415
    from detente.node.lookup import current_agreement  # noqa: PLC0415

    return PublicLog(signer_of(current_agreement(record), Keyring(place_of(store), keys)))


def _leaf(record: "Record", name: str) -> bytes:
    """The leaf hash that is meant: itself, or that of an object's last version."""
    from detente.node.history import resolve  # noqa: PLC0415

    if len(name) == 2 * HASH_BYTES:
        with suppress(ValueError):
            return bytes.fromhex(name)
    return resolve(record, name).leaf


def verified_text(found: "Audit") -> str:
    """What an audit found, for people."""
    from detente.node.audit import iter_problems  # noqa: PLC0415

    head = f"theatre {found.theatre}, {found.size} entries, root {found.root}\n"
    if found.problems_total:
        lines = "".join(f"  {problem}\n" for problem in iter_problems(found))
        return f"{head}NOT CONSISTENT, {found.problems_total} problems:\n{lines}"
    erased = f", {found.erased} erased" if found.erased else ""
    kept = f", {found.kept_by_askers} kept by their askers" if found.kept_by_askers else ""
    return (
        f"{head}consistent: every signature, chain, commitment{erased}{kept} and hash holds\n"
        f"node key {found.node_key}: ask the operator for it by another way, and compare\n"
    )

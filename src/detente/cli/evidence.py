"""``detente evidence``, ``complete``, ``verify``: a file that proves itself, and its verifier."""

import sys
from contextlib import closing, contextmanager
from pathlib import Path
from stat import S_IMODE
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli.common import STORE_DEFAULT, KeysOption, StoreOption, place_of, utc_now
from detente.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detente.core.evidence import Evidence
    from detente.node.completing import Growth

TrustedOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Logs and witnesses that you trust (C2SP tlog-policy); else the file's own.",
    ),
]

POLICY_BYTES_MAX = 1 << 20
"""Of a policy, as detente.core.policy takes it."""

FILE_BYTES_MAX = 1 << 26
"""Of an evidence file, as detente.core.evidence writes it."""


def evidence(
    name: Annotated[str, typer.Argument(metavar="OBJECT", help="Object id, or its author's id.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; it is replaced.")
    ],
    party: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only what this party may see; else what the node may."),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Which witnesses the node asks (C2SP tlog-policy); the setting witness_policy.",
        ),
    ] = None,
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Write all that proves one object, and who was told of it, into one file.

    The file is a page for any browser, and holds what `detente verify` checks. It tells
    nothing of other objects.

    [bold]Example[/bold]

        detente evidence h-0001 -o h-0001.html
    """
    from detente.core.ledger import NODE  # noqa: PLC0415 - `--help` loads no store
    from detente.core.policy import parse_policy  # noqa: PLC0415
    from detente.doors.evidence_page import evidence_file  # noqa: PLC0415
    from detente.node.evidence import Notary, gather  # noqa: PLC0415
    from detente.node.history import resolve  # noqa: PLC0415
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.log import PublicLog, signer_of  # noqa: PLC0415
    from detente.node.lookup import admitted_party, current_agreement, reader_at  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    keyring, now = Keyring(place_of(store), keys), utc_now()
    known = None if policy is None else parse_policy(_read(policy, POLICY_BYTES_MAX + 1))
    with Store(place_of(store)).reading() as record:
        notary = Notary(
            key=keyring.load(NODE),
            log=PublicLog(signer_of(current_agreement(record), keyring)),
            policy=known,
        )
        whose = NODE if party is None else admitted_party(record, party).id
        reader = reader_at(record, whose, now=now)
        found = gather(record, reader, resolve(record, name), notary, now=now)
    data = evidence_file(found, notary.key)
    output.write_bytes(data)
    sys.stdout.write(
        f"{output}: {found.kind} {found.object}, {len(found.entries)} entries, {len(data)} bytes; "
        f"`detente verify {output}` checks it\n"
    )


def verify(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="As `detente evidence` or `detente check --commit` wrote it."
        ),
    ],
    policy: TrustedOption = None,
) -> None:
    """Verify an evidence file: no node, no network, no database.

    Says in numbered checks what holds, what is proven by it, and what is not. The same
    program runs alone: `python verify.py FILE` (detente/verify.py).

    Exit status: 0 if all checks hold, 1 if one fails, 2 if the file is no evidence.

    [bold]Example[/bold]

        detente verify h-0001.html --policy known.policy
    """
    from detente import verify as verifier  # noqa: PLC0415

    text = None if policy is None else _read(policy, POLICY_BYTES_MAX).decode()
    status, said = verifier.verify(_read(file, FILE_BYTES_MAX + 1), text)
    sys.stdout.write(said)
    raise typer.Exit(status)


def complete(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="As `detente check --commit` or `detente evidence` wrote it."
        ),
    ],
    log: Annotated[
        str | None,
        typer.Option(
            metavar="URL|FOLDER",
            help="The log: its web address, as .../log/THEATRE, or a folder with its files; "
            "else that of the register.",
        ),
    ] = None,
    policy: TrustedOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to; else it is replaced."),
    ] = None,
    store: StoreOption = STORE_DEFAULT,
) -> None:
    """Add to an evidence file the checkpoint that witnesses cosigned since.

    What opens a committed check is written before a witness can have cosigned
    it. The log is asked for its checkpoints and hashes; nothing of the file is
    sent or shown to it. A file that would not verify is not written.

    Exit status: 0 if a quorum of the policy has cosigned, 1 if not yet, 2 if the
    log or the file cannot be read.

    [bold]Example[/bold]

        detente complete told.html --log https://node.example.org/log/levant --policy known.policy
    """
    from detente import verify as verifier  # noqa: PLC0415 - `--help` loads no store
    from detente.core.evidence import newest  # noqa: PLC0415
    from detente.node.completing import completions  # noqa: PLC0415
    from detente.node.whole_file import keep_whole  # noqa: PLC0415

    data = _read(file, FILE_BYTES_MAX + 1)
    found, _ = newest(data)
    known = found.policy if policy is None else _read(policy, POLICY_BYTES_MAX).decode()
    status, said = verifier.verify(data, known)
    if status == 0:
        sys.stdout.write(f"{file}: a quorum has cosigned already\n")
        return
    with _growth(found, log, store) as growth:
        for more in completions(data, growth):
            status, said = verifier.verify(more, known)
            if status == 0:
                keep_whole(output or file, more, mode=S_IMODE(file.stat().st_mode))
                sys.stdout.write(f"{output or file}: has a checkpoint that a quorum cosigned\n")
                return
    sys.stdout.write(said)
    sys.stderr.write(
        f"detente: {file} is as it was: no quorum of {policy or 'its own policy'} has cosigned "
        "yet; ask again later, or say with --policy whom you trust\n"
    )
    raise typer.Exit(1)


@contextmanager
def _growth(found: "Evidence", log: str | None, store: str) -> "Iterator[Growth]":
    """The log at an address or in a folder; else that of the register."""
    from detente.node.completing import growth_of_log, growth_of_record  # noqa: PLC0415
    from detente.node.log_source import open_source  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    if log is None:
        with Store(place_of(store)).reading() as record:
            yield growth_of_record(found, record)
        return
    with closing(open_source(log)) as source:
        yield growth_of_log(found, source)


def _read(path: Path, bytes_max: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(bytes_max)
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise NotFound(f"{path}", expected="a file that can be read", got=got) from None

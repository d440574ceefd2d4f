"""``detente export``, ``pack``: what a party was released, to be taken away."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from detente.cli.common import STORE_DEFAULT, KeysOption, StoreOption, place_of
from detente.errors import MalformedInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nacl.signing import SigningKey

    from detente.node.engine import Engine
    from detente.node.exporting import Export, Wanted
    from detente.node.layers import Layers
    from detente.store import Place, Store

T = TypeVar("T")

KindsOption = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="KIND", help="notices, zones, presence or plans; repeatable."),
]
BoxOption = Annotated[
    str | None,
    typer.Option(metavar="W,S,E,N", help="Only what may meet this box, degrees."),
]
HoursOption = Annotated[
    float, typer.Option("--expires", metavar="HOURS", help="For how long it may be relied on.")
]
OutputOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; it is replaced.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--pack-key",
        envvar="DETENTE_PACK_KEY",
        metavar="HEX|FILE",
        help="The node's public key, with which it seals packs; or a file of such keys.",
    ),
]
KEYS_BYTES_MAX = 1 << 16
"""Of a file of public keys: hundreds of them."""

HOURS_DEFAULT = 24.0


def export(  # noqa: PLR0913, PLR0917 - one parameter an option
    output: OutputOption,
    party: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="ID", help="What this party may see; else what the node may."
        ),
    ] = None,
    kinds: KindsOption = None,
    bbox: BoxOption = None,
    category: Annotated[
        list[str] | None, typer.Option(metavar="TOKEN", help="Only of these; repeatable.")
    ] = None,
    time: Annotated[
        str | None,
        typer.Option("--datetime", metavar="TIME", help="An instant, or an interval START/END."),
    ] = None,
    expires: HoursOption = HOURS_DEFAULT,
    form: Annotated[
        str | None, typer.Option(metavar="FORM", help="Such as ed318; else as the name ends.")
    ] = None,
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Write what a party was released into a file, in the form that its name ends in.

    That the party was shown it is put on the record before the file is
    written. What was not released to it changes nothing in the file.

    [bold]Examples[/bold]

        detente export -o notices.gpkg --for relief --kind notices

        detente export -o sheet.pdf --for air-wing --bbox 36,35,38,37 --expires 12
    """
    from detente.doors.exports import FORMS  # noqa: PLC0415 - `--help` loads no writers
    from detente.doors.exports.asking import wanted_of  # noqa: PLC0415
    from detente.node.whole_file import keep_whole  # noqa: PLC0415

    name = form or output.suffix.lower().removeprefix(".")
    if name not in FORMS or not output.parent.is_dir():
        endings = ", ".join(f".{one}" for one in FORMS)
        raise MalformedInput(
            "--output", expected=f"a file in a folder that is there, its ending one of {endings}",
            got=f"{output}",
        )  # fmt: skip
    wanted = wanted_of(
        kinds=kinds or (), bbox=bbox, time=time, categories=category or (),
        lasts=timedelta(hours=expires),
    )  # fmt: skip
    data, found = exported(
        place_of(store),
        keys,
        party,
        wanted,
        lambda _: lambda found: (FORMS[name].write(found), found),
    )
    keep_whole(output, data)
    sys.stdout.write(f"{output}: {said(found)}, {len(data)} bytes\n")


def pack(  # noqa: PLR0913, PLR0917 - one parameter an option
    output: OutputOption,
    base: Annotated[
        Path | None, typer.Argument(metavar="BASE", help="With --apply: the pack to make new.")
    ] = None,
    party: Annotated[
        str | None, typer.Option("--for", metavar="ID", help="What this party may see.")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(metavar="PACK", help="Only what changed since this pack: a delta."),
    ] = None,
    apply: Annotated[
        Path | None, typer.Option(metavar="DELTA", help="Make a new pack of BASE with this.")
    ] = None,
    state: Annotated[
        bool,
        typer.Option("--state", help="Of BASE, what a node is asked a delta with, as JSON."),
    ] = False,
    kinds: KindsOption = None,
    bbox: BoxOption = None,
    expires: HoursOption = HOURS_DEFAULT,
    pack_key: KeyOption = None,
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Write what a party was released into one sealed file, for checks offline.

    That the party was shown it is put on the record before the file is
    written; of a delta, what changed. `detente check PLANS --pack FILE` asks it.

    [bold]Examples[/bold]

        detente pack -o monday.dtpack --for air-wing --expires 24

        detente pack -o tuesday.dtdelta --for air-wing --since monday.dtpack

        detente pack -o tuesday.dtpack --apply tuesday.dtdelta monday.dtpack
    """
    from detente.node.whole_file import keep_whole  # noqa: PLC0415 - `--help` loads no node

    offline = apply is not None or state
    alone = not (apply and state) and not (offline and since)
    if offline != (base is not None) or offline != (party is None) or not alone:
        raise MalformedInput("pack", expected="--for PARTY, or BASE with --apply DELTA or --state")
    if base is not None:
        data = _made_of(base, apply, trusted(pack_key))
        keep_whole(output, data)
        sys.stdout.write(f"{output}: {len(data)} bytes\n")
        return
    data, about = _packed(place_of(store), keys, party, since, (kinds or [], bbox, expires))
    keep_whole(output, data)
    sys.stdout.write(f"{output}: {about}, {len(data)} bytes\n")


def _made_of(base: Path, change: Path | None, keys: dict[str, bytes]) -> bytes:
    """A new pack of a base and a delta; without one, the base's state."""
    import msgspec  # noqa: PLC0415

    from detente.core.pack import applied, read_pack, state_of  # noqa: PLC0415

    if change is None:
        return msgspec.json.encode(state_of(read_pack(read_file(base), keys)))
    return applied(read_file(base), read_file(change), keys)


def _packed(
    where: "Place",
    keys: Path | None,
    party: str | None,
    since: Path | None,
    cut: tuple[list[str], str | None, float],
) -> tuple[bytes, str]:
    from detente.core.pack import read_pack  # noqa: PLC0415
    from detente.core.party import key_id  # noqa: PLC0415
    from detente.doors.exports.asking import wanted_of  # noqa: PLC0415
    from detente.node.packing import pack_of, update_of  # noqa: PLC0415

    kinds, bbox, expires = cut
    wanted = wanted_of(kinds=kinds, bbox=bbox, lasts=timedelta(hours=expires))
    given = None if since is None else read_file(since)

    def writer(key: "SigningKey") -> "Callable[[Export], tuple[bytes, Export]]":
        public = bytes(key.verify_key)
        sys.stderr.write(f"detente: sealed with the key {public.hex()}\n")
        if given is None:
            return lambda found: (pack_of(key)(found), found)
        base = read_pack(given, {key_id(public): public})
        return lambda found: (update_of(key, base)(found), found)

    data, found = exported(where, keys, party, wanted, writer, how="pack")
    return data, said(found)


def said(found: "Export") -> str:
    """What an export is, in words."""
    return (
        f"{len(found.items)} objects for {found.reader}, edition {found.edition}, as of "
        f"{found.as_of:%Y-%m-%dT%H:%M:%SZ}, expires {found.expires:%Y-%m-%dT%H:%M:%SZ}"
    )


def exported(
    where: "Place",
    keys: Path | None,
    party: str | None,
    wanted: "Wanted",
    writer: "Callable[[SigningKey], Callable[[Export], T]]",
    how: str = "export",
) -> T:
    """Export from a register, as a node at work does."""
    from detente.core.ledger import NODE  # noqa: PLC0415
    from detente.core.principal import Method, Principal, Scope  # noqa: PLC0415
    from detente.node.exporting import export as export_of  # noqa: PLC0415
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.lookup import admitted_party  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    keyring, store = Keyring(where, keys), Store(where)
    try:
        with store.reading() as record:
            reader = NODE if party is None else admitted_party(record, party).id
        key = keyring.load(NODE)
        write = writer(key)
        principal = Principal(
            party=reader, method=Method.SIGNED, subject=NODE, scopes=frozenset({Scope.READ})
        )
        return asyncio.run(
            _at_work(
                store,
                key,
                lambda engine, layers: export_of(engine, layers, principal, wanted, write, how=how),
            )
        )
    finally:
        store.close()


async def _at_work(
    store: "Store", key: "SigningKey", act: "Callable[[Engine, Layers], Awaitable[T]]"
) -> T:
    """Do something with a node at work on a register, for as long as that takes."""
    from detente.node.engine import Engine  # noqa: PLC0415
    from detente.node.layers import Layers  # noqa: PLC0415

    engine = Engine(store, key)
    engine.start()
    layers = Layers(engine)
    try:
        return await act(engine, layers)
    finally:
        layers.close()
        engine.stop()


def trusted(given: str | None) -> dict[str, bytes]:
    """Public keys of nodes, by their ids.

    Raises:
        MalformedInput: None is given, or what is given is none.
    """
    from detente.node.follow import parse_public_keys  # noqa: PLC0415

    if given is None:
        raise MalformedInput(
            "--pack-key", expected="the node's public key, as `detente pack` said it", got="none"
        )
    path = Path(given)
    text = read_file(path, KEYS_BYTES_MAX).decode(errors="replace") if path.is_file() else given
    found = parse_public_keys(text)
    if not found:
        raise MalformedInput("--pack-key", expected="a public key", got="none")
    return found


def read_file(path: Path, bytes_max: int = 1 << 27) -> bytes:
    """The bytes of a file.

    Raises:
        NotFound: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(bytes_max)
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise NotFound(f"{path}", expected="a file that can be read", got=got) from None

"""``detente client``, ``detente account``, and the keys of ``detente party``: who may ask."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli.common import JsonOption, PlaceOption, console, utc_now
from detente.errors import MalformedInput

if TYPE_CHECKING:
    from detente.core.principal import Role, Scope
    from detente.store import Store

client = typer.Typer(help="Programs that ask for a party, with a secret.", no_args_is_help=True)
account = typer.Typer(help="People who sign in with a password.", no_args_is_help=True)

PLACE_DEFAULT = "detente.db"

KeysOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Private keys; else beside the register, or here."),
]
PartyOption = Annotated[str, typer.Option(metavar="ID", help="For whom it speaks.")]
RoleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        metavar="ROLE",
        help="notifier, planner, liaison, watch, auditor, administrator; repeatable.",
    ),
]


@client.command("new")
def client_new(  # noqa: PLR0913, PLR0917 - one parameter an option
    client_id: Annotated[str, typer.Argument(metavar="ID", help="Its name here.")],
    party: PartyOption,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help="What it may ask for; repeatable."),
    ] = None,
    role: RoleOption = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE.pem", help="It shows this TLS certificate; no secret is made."),
    ] = None,
    store: PlaceOption = PLACE_DEFAULT,
    json: JsonOption = False,
) -> None:
    """Let a program ask for a party. Its secret is shown this once, and kept nowhere.

    It gets tokens with it at /v1/token (OAuth 2.0 client credentials).

    [bold]Examples[/bold]

        detente client new uss-1 --party med-air --role planner

        detente client new dss-1 --party med-air --scope utm.strategic_coordination
    """
    from detente.core.party import slug  # noqa: PLC0415 - `--help` loads no core
    from detente.core.principal import scopes_of  # noqa: PLC0415
    from detente.node.access.secret import hash_password, new_secret  # noqa: PLC0415
    from detente.store import Client  # noqa: PLC0415

    scopes = scopes_of(roles_of(role)) | _scopes(scope)
    if not scopes:
        raise MalformedInput("client", expected="--scope or --role, at least one")
    secret = new_secret() if certificate is None else None
    register = open_register(store)
    one = Client(
        id=slug(client_id, what="client id"),
        party=speaker(register, party),
        scopes=scopes,
        secret_hash=None if secret is None else hash_password(secret),
        certificate=None if certificate is None else _fingerprint(certificate),
    )
    register.access.add_client(one, now=utc_now())
    register.close()
    if json:
        _json({"client_id": one.id, "client_secret": secret, "scope": " ".join(sorted(scopes))})
        return
    sys.stdout.write(f"client {one.id} of party {one.party} may ask for {_words(scopes)}\n")
    if secret is not None:
        sys.stdout.write(f"secret {secret}\nIt is shown this once: give it to the program.\n")


@client.command("list")
def client_list(store: PlaceOption = PLACE_DEFAULT, json: JsonOption = False) -> None:
    """List the programs that may ask, and those that no longer may.

    [bold]Example[/bold]

        detente client list
    """
    register = open_register(store)
    found = register.access.clients()
    register.close()
    rows = [
        {
            "client": one.id,
            "party": one.party,
            "by": proof_of(one.secret_hash),
            "scopes": _words(one.scopes),
            "state": "revoked" if one.revoked else "",
        }
        for one in found
    ]
    _show(rows, json=json)


@client.command("revoke")
def client_revoke(
    client_id: Annotated[str, typer.Argument(metavar="ID", help="Its name here.")],
    store: PlaceOption = PLACE_DEFAULT,
) -> None:
    """Let a program ask no more: its tokens end within seconds as well.

    [bold]Example[/bold]

        detente client revoke uss-1
    """
    register = open_register(store)
    register.access.revoke_client(client_id, now=utc_now())
    register.close()
    sys.stdout.write(f"client {client_id} is revoked\n")


@account.command("new")
def account_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A desk's, or a person's.")],
    party: PartyOption,
    role: RoleOption = None,
    store: PlaceOption = PLACE_DEFAULT,
) -> None:
    """Let somebody sign in with a password, which is asked for, or read from a pipe.

    [bold]Examples[/bold]

        detente account new "Air desk" --party med-air --role planner --role watch

        detente account new operator --party node --role administrator
    """
    from detente.node.access.secret import hash_password  # noqa: PLC0415
    from detente.store import Account  # noqa: PLC0415

    roles = roles_of(role)
    if not roles:
        raise MalformedInput("account", expected="--role, at least one")
    if not 0 < len(name) <= ACCOUNT_NAME_LENGTH_MAX:
        raise MalformedInput("name", expected=f"1 to {ACCOUNT_NAME_LENGTH_MAX} characters")
    register = open_register(store)
    one = Account(
        name=name,
        party=speaker(register, party),
        roles=roles,
        password_hash=hash_password(_password()),
    )
    register.access.add_account(one, now=utc_now())
    register.close()
    sys.stdout.write(f"account {name!r} of party {one.party} is {_words(roles)}\n")


@account.command("list")
def account_list(store: PlaceOption = PLACE_DEFAULT, json: JsonOption = False) -> None:
    """List the accounts.

    [bold]Example[/bold]

        detente account list
    """
    register = open_register(store)
    found = register.access.accounts()
    register.close()
    rows = [
        {
            "account": one.name,
            "party": one.party,
            "roles": _words(one.roles),
            "state": "disabled" if one.disabled else "",
        }
        for one in found
    ]
    _show(rows, json=json)


@account.command("password")
def account_password(
    name: Annotated[str, typer.Argument(metavar="NAME")], store: PlaceOption = PLACE_DEFAULT
) -> None:
    """Give an account another password; whoever is signed in by it is signed out.

    [bold]Example[/bold]

        detente account password "Air desk"
    """
    from detente.node.access.secret import hash_password  # noqa: PLC0415

    register = open_register(store)
    register.access.set_password(name, hash_password(_password()))
    register.close()
    sys.stdout.write(f"account {name!r} has another password\n")


@account.command("disable")
def account_disable(
    name: Annotated[str, typer.Argument(metavar="NAME")], store: PlaceOption = PLACE_DEFAULT
) -> None:
    """Let nobody in by an account any more; whoever is signed in by it is signed out.

    [bold]Example[/bold]

        detente account disable "Air desk"
    """
    register = open_register(store)
    register.access.disable_account(name, now=utc_now())
    register.close()
    sys.stdout.write(f"account {name!r} is disabled\n")


def party_rotate(
    party: Annotated[str, typer.Argument(metavar="ID", help="Whose key is here.")],
    store: PlaceOption = PLACE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Replace a party's key by a new one: the old signs that, and the new.

    [bold]Example[/bold]

        detente party rotate med-air
    """
    from detente.node.keyring import Keyring, public_key  # noqa: PLC0415
    from detente.node.party_keys import rotate  # noqa: PLC0415
    from detente.store import Store, parse_place  # noqa: PLC0415

    where = parse_place(store)
    keyring = Keyring(where, keys)
    register = Store(where)
    receipt = rotate(register, keyring, party, now=utc_now())
    register.close()
    sys.stdout.write(
        f"party {party} signs with key {public_key(keyring.load(party)).id} "
        f"after entry {receipt.sequence}\n"
    )


def party_revoke(
    party: Annotated[str, typer.Argument(metavar="ID")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's id.")],
    store: PlaceOption = PLACE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Take a key away from a party, as the node. What it signed before stays.

    [bold]Example[/bold]

        detente party revoke med-air 0123456789abcdef
    """
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.party_keys import revoke  # noqa: PLC0415
    from detente.store import Store, parse_place  # noqa: PLC0415

    where = parse_place(store)
    register = Store(where)
    receipt = revoke(register, Keyring(where, keys), party, key, now=utc_now())
    register.close()
    sys.stdout.write(f"key {key} of {party} speaks no more after entry {receipt.sequence}\n")


ACCOUNT_NAME_LENGTH_MAX = 200
"""As long as any name in the register."""

_CERTIFICATE_BYTES_MAX = 100_000
"""A certificate with a chain of five: some 10 KB."""


def open_register(place: str) -> "Store":
    """The register, open."""
    from detente.store import Store, parse_place  # noqa: PLC0415

    return Store(parse_place(place))


def speaker(register: "Store", party: str) -> str:
    """The party's id; the node itself, for its own people."""
    from detente.core.ledger import NODE  # noqa: PLC0415
    from detente.node.lookup import admitted_party  # noqa: PLC0415

    if party == NODE:
        return NODE
    with register.reading() as record:
        return admitted_party(record, party).id


def roles_of(names: list[str] | None) -> "frozenset[Role]":
    """The roles of these names.

    Raises:
        MalformedInput: One is none.
    """
    from detente.core.principal import Role  # noqa: PLC0415

    try:
        return frozenset(Role(name) for name in names or ())
    except ValueError:
        expected = ", ".join(role.value for role in Role)
        raise MalformedInput("--role", expected=expected, got=" ".join(names or ())) from None


def _scopes(names: list[str] | None) -> "frozenset[Scope]":
    from detente.core.principal import Scope  # noqa: PLC0415

    try:
        return frozenset(Scope(name) for name in names or ())
    except ValueError:
        expected = ", ".join(scope.value for scope in Scope)
        raise MalformedInput("--scope", expected=expected, got=" ".join(names or ())) from None


def _password() -> str:
    """Asked for twice at a terminal, else the first line of what comes in; never an argument."""
    if sys.stdin.isatty():
        return str(typer.prompt("password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


def _fingerprint(path: Path) -> bytes:
    """SHA-256 of a certificate (DER)."""
    from hashlib import sha256  # noqa: PLC0415

    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

    try:
        one = load_pem_x509_certificate(path.read_bytes()[:_CERTIFICATE_BYTES_MAX])
    except ValueError as error:
        raise MalformedInput(f"{path}", expected="a certificate, PEM", got=str(error)) from None
    return sha256(one.public_bytes(Encoding.DER)).digest()


def proof_of(kept: str | None) -> str:
    """By what a client proves itself, by what is kept of its secret."""
    from detente.node.access.enrolment import is_pending  # noqa: PLC0415

    if kept is None:
        return "certificate"
    return "token, once" if is_pending(kept) else "secret"


def _words(words: "frozenset[Role] | frozenset[Scope]") -> str:
    return ", ".join(sorted(word.value for word in words))


def _json(value: object) -> None:
    import msgspec  # noqa: PLC0415

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def _show(rows: list[dict[str, str]], *, json: bool) -> None:
    from rich.table import Table  # noqa: PLC0415

    if json:
        _json(rows)
        return
    if not rows:
        sys.stdout.write("none\n")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*row.values())
    console().print(table)

"""``detente tablet``: certificates for tablets that speak Cursor on Target."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from detente.cli.access import (
    PLACE_DEFAULT,
    PartyOption,
    RoleOption,
    open_register,
    roles_of,
    speaker,
)
from detente.cli.common import PlaceOption, utc_now
from detente.errors import Conflict, MalformedInput

tablet = typer.Typer(
    help="Tablets that join by a QR code (Cursor on Target).", no_args_is_help=True
)

CERTIFICATE, KEY = "tablets.pem", "tablets.key"


@tablet.command("authority")
def tablet_authority(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where its files go.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="What it is called.")] = "Tablets",
) -> None:
    """Make the authority that signs tablets' certificates, for ten years.

    [bold]Example[/bold]

        detente tablet authority keys
    """
    from detente.node.access.enrolment import make_authority  # noqa: PLC0415

    certificate, key = folder / CERTIFICATE, folder / KEY
    if certificate.exists() or key.exists():
        raise Conflict(f"{folder}", expected=f"a folder without {CERTIFICATE} and {KEY}")
    made, private = make_authority(name, utc_now())
    try:
        with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - nobody else may read it
            file.write(private)
        certificate.write_bytes(made)
    except OSError as error:
        raise MalformedInput(f"{folder}", got=error.strerror or "cannot be written") from None
    sys.stdout.write(
        f'cot_ca_certificate = "{certificate}"\ncot_ca_key = "{key}"\n'
        f"Put these into the settings, and {certificate} among tls_client_ca.\n"
    )


@tablet.command("new")
def tablet_new(
    callsign: Annotated[str, typer.Argument(metavar="CALLSIGN", help="Its name here.")],
    party: PartyOption,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="How tablets reach the node, by HTTPS.")
    ],
    role: RoleOption = None,
    qr: Annotated[
        Path | None, typer.Option(metavar="FILE.svg|FILE.png", help="Write the code here.")
    ] = None,
    store: PlaceOption = PLACE_DEFAULT,
) -> None:
    """Let a tablet get a certificate, once and within a day; its role is watch if none is named.

    The code is shown this once, and kept nowhere.

    [bold]Example[/bold]

        detente tablet new alpha-7 --party fire --host node.example.org
    """
    import segno  # noqa: PLC0415 - `--help` loads nothing

    from detente.core.party import slug  # noqa: PLC0415
    from detente.core.principal import scopes_of  # noqa: PLC0415
    from detente.node.access.enrolment import kept_of  # noqa: PLC0415
    from detente.node.access.secret import new_secret  # noqa: PLC0415
    from detente.store import Client  # noqa: PLC0415

    token, now = new_secret(), utc_now()
    register = open_register(store)
    one = Client(
        id=slug(callsign, what="callsign"),
        party=speaker(register, party),
        scopes=scopes_of(roles_of(role or ["watch"])),
        secret_hash=kept_of(token, now),
    )
    register.access.add_client(one, now=now)
    register.close()
    address = enrol_address(host, one.id, token)
    code = segno.make(address, error="m", micro=False)
    if qr is None:
        code.terminal(compact=True)
    else:
        code.save(str(qr), scale=8)
    sys.stdout.write(
        f"tablet {one.id} of party {one.party} may join once within a day\n{address}\n"
    )


def enrol_address(host: str, name: str, token: str) -> str:
    """What ATAK and iTAK open to enrol."""
    from urllib.parse import urlencode  # noqa: PLC0415

    query = urlencode({"host": host, "username": name, "token": token})
    return f"tak://com.atakmap.app/enroll?{query}"

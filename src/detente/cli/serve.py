"""``detente serve`` and ``detente config``: a node, and the settings that it has."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.errors import MalformedInput

if TYPE_CHECKING:
    from detente.settings import Effective, Settings

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        envvar="DETENTE_CONFIG",
        metavar="FILE",
        help="Settings in TOML; detente.toml here if it is there.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any setting (docs/settings.md); repeatable."),
]


def serve(  # noqa: PLR0913, PLR0917 - one parameter an option
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[str | None, typer.Option(metavar="N", help="The port; 0 takes any.")] = None,
    database: Annotated[
        str | None,
        typer.Option(metavar="FILE|URL", help="An SQLite file, or postgresql://user@host/name."),
    ] = None,
    workers: Annotated[
        str | None, typer.Option(metavar="N", help="Processes; a core each is enough.")
    ] = None,
    tls_certificate: Annotated[
        str | None, typer.Option(metavar="FILE", help="Certificate chain, PEM.")
    ] = None,
    tls_key: Annotated[str | None, typer.Option(metavar="FILE", help="Its key, PEM.")] = None,
    tls_client_ca: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Whose client certificates are taken (mutual TLS)."),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="How others reach this node.")
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="debug, info, warning or error.")
    ] = None,
    log_format: Annotated[
        str | None, typer.Option(metavar="FORM", help="json or text, to standard error.")
    ] = None,
    set_: SetOption = None,
) -> None:
    """Serve the register to several parties over HTTP.

    Without any settings: detente.db here, made if it is not there, on
    127.0.0.1:8000, with its documentation at /docs. Every setting may also stand
    in detente.toml or the environment; [bold]detente config[/bold] shows them.
    SIGTERM or Ctrl-C stops it: requests under way are answered first.

    [bold]Examples[/bold]

        detente serve

        detente serve --database postgresql://detente@db/detente --workers 4

        detente serve --tls-certificate node.pem --tls-key node.key --host 0.0.0.0 --port 443
    """
    options = {
        "host": host, "port": port, "database": database, "workers": workers,
        "tls_certificate": tls_certificate, "tls_key": tls_key, "tls_client_ca": tls_client_ca,
        "base_url": base_url, "log_level": log_level, "log_format": log_format,
    }  # fmt: skip
    given = {name: value for name, value in options.items() if value is not None}
    settings = effective(config, given, set_).settings
    from detente.doors import asgi_supervisor  # noqa: PLC0415 - `--help` loads no server

    asgi_supervisor.check(settings)
    listening = asgi_supervisor.bind(settings.host, settings.port)
    _require_register(settings)
    _make_queue(settings)
    scheme = "https" if settings.tls_certificate else "http"
    at, port_taken = listening.getsockname()[:2]
    address = f"{scheme}://{f'[{at}]' if ':' in at else at}:{port_taken}"

    def say() -> None:
        sys.stdout.write(f"detente: listening on {address}, documentation at {address}/docs\n")
        sys.stdout.flush()

    asgi_supervisor.serve(settings, listening, say)


def config(config: ConfigOption = None, set_: SetOption = None) -> None:
    """Show the settings that `detente serve` would have here, and where each comes from.

    It is TOML, and may be kept as detente.toml; secrets are masked.

    [bold]Example[/bold]

        detente config --set port=9000
    """
    from detente.settings import toml  # noqa: PLC0415

    sys.stdout.write(toml(effective(config, {}, set_)))


def effective(
    file: Path | None, options: dict[str, str], settings: list[str] | None
) -> "Effective":
    """The settings, from everywhere they may stand.

    Raises:
        MalformedInput: One that nobody can mean.
    """
    from detente.settings import load  # noqa: PLC0415

    given: dict[str, str] = {}
    for one in settings or []:
        name, equals, value = one.partition("=")
        if not equals:
            raise MalformedInput("--set", expected="NAME=VALUE", got=one)
        given[name.strip().replace("-", "_")] = value
    return load(options=options, named=given, environment=os.environ, file=file)


def _make_queue(settings: "Settings") -> None:
    """Let several workers of one SQLite file write in turn."""
    if settings.workers == 1 or settings.is_postgresql:
        return
    from detente.store.sqlite import queue_of  # noqa: PLC0415 - a second, for one worker none

    # Where nothing can be made, no worker can open the file either, and says so.
    with suppress(OSError):
        queue_of(Path(settings.database)).touch(mode=0o600)


def _require_register(settings: "Settings") -> None:
    """Make the SQLite register that is named and not there, as ``detente init`` does."""
    path = Path(settings.database)
    if settings.is_postgresql or path.exists():
        return
    if not path.absolute().parent.is_dir():
        raise MalformedInput(f"database {path}", expected="a file in a folder that is there")
    from detente.cli.common import utc_now  # noqa: PLC0415
    from detente.core.agreement import Agreement  # noqa: PLC0415
    from detente.core.party import slug  # noqa: PLC0415
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.theatre import found  # noqa: PLC0415

    name = slug(path.stem, what="theatre")
    keyring = Keyring(path, Path(settings.keys) if settings.keys else None)
    found(path, theatre=name, agreement=Agreement(name=name), now=utc_now(), keyring=keyring)
    sys.stdout.write(
        f"detente: register {path} made for theatre {name}; private keys are in {keyring.folder}\n"
    )
    sys.stdout.flush()

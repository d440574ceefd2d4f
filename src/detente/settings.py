"""The settings of a node: one table of name, type, default and help.

The table is the class ``Settings`` itself, and SETTINGS is read off it. A value
comes from the command line, else from the environment (``DETENTE_<NAME>``), else
from a TOML file, else it is the default. What nobody can mean is refused, and
the refusal says where it stands. docs/settings.md is written from here.
"""

import difflib
import json
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from detente.errors import MalformedInput
from detente.settings_together import check_together

FILE_DEFAULT = Path("detente.toml")
PREFIX = "DETENTE_"
OTHER_VARIABLES = frozenset({"DETENTE_CONFIG", "DETENTE_STORE"})
"""Of the same prefix, and no settings: where the file is; the register of other commands."""

MASK = "********"

_SECRETS = re.compile(r"secret|password|private", re.IGNORECASE)
"""Fields of tables that are never shown."""

_PORT = Meta(ge=0, le=65_535)
_SECONDS = Meta(gt=0, le=3_600)


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that may be set. A field's description is its help."""

    host: Annotated[str, Meta(description="The address to listen on.", min_length=1)] = "127.0.0.1"
    port: Annotated[int, _PORT, Meta(description="The port; 0 takes any that is free.")] = 8000
    base_url: Annotated[
        str,
        Meta(
            description="How others reach this node, such as https://node.example.org; "
            "else host and port, and no peer of F3548 is notified."
        ),
    ] = ""
    database: Annotated[
        str,
        Meta(description="An SQLite file, or postgresql://user@host/name.", min_length=1),
        Meta(extra={"url": True}),
    ] = "detente.db"
    keys: Annotated[
        str,
        Meta(
            description="The folder of private keys; else beside the register, or here for one "
            "on a server."
        ),
    ] = ""
    workers: Annotated[
        int, Meta(ge=1, le=64, description="Worker processes; a core each is enough.")
    ] = 1
    tls_certificate: Annotated[
        str, Meta(description="Certificate chain, PEM; with tls_key, the node speaks https.")
    ] = ""
    tls_key: Annotated[str, Meta(description="Private key of tls_certificate, PEM.")] = ""
    tls_client_ca: Annotated[
        str, Meta(description="Authorities, PEM, whose client certificates are taken (mutual TLS).")
    ] = ""
    tls_client_required: Annotated[
        bool, Meta(description="Refuse whoever shows no client certificate.")
    ] = False
    audiences: Annotated[
        tuple[str, ...],
        Meta(description="Audiences for which tokens are taken; else the host's name."),
    ] = ()
    issuers: Annotated[
        tuple[dict[str, Any], ...],
        Meta(description="Tables: whose tokens are taken beside the node's own, by which keys."),
    ] = ()
    providers: Annotated[
        tuple[dict[str, Any], ...],
        Meta(description="Tables: OpenID Connect providers at which people sign in."),
    ] = ()
    proxies: Annotated[
        tuple[str, ...],
        Meta(description="Addresses of reverse proxies whose Client-Cert header is believed."),
    ] = ()
    request_bytes_max: Annotated[
        int,
        Meta(
            ge=1_024,
            le=1_000_000_000,
            description="No body may be longer; most routes take less (docs/serving.md).",
        ),
    ] = 64_000_000
    headers_timeout_s: Annotated[
        float, _SECONDS, Meta(description="A request's head must be here within this time.")
    ] = 10.0
    body_timeout_s: Annotated[
        float, _SECONDS, Meta(description="And its body within this, plus a second a kilobyte.")
    ] = 20.0
    idle_timeout_s: Annotated[
        float, _SECONDS, Meta(description="A connection on which nothing is asked is closed.")
    ] = 75.0
    write_timeout_s: Annotated[
        float, _SECONDS, Meta(description="A client that takes no byte of its answer is cut off.")
    ] = 30.0
    shutdown_grace_s: Annotated[
        float, _SECONDS, Meta(description="When stopped, requests under way have this long.")
    ] = 30.0
    connections_max: Annotated[
        int,
        Meta(
            ge=8,
            le=100_000,
            description="Connections a worker; past it the one idle longest gives way.",
        ),
    ] = 1_000
    party_requests_per_s: Annotated[
        float, Meta(ge=0, description="Requests a second a party and worker; 0 sets no limit.")
    ] = 4_000.0
    party_bytes_per_s: Annotated[
        float, Meta(ge=0, description="Bytes of bodies a second a party and worker; 0 for none.")
    ] = 20_000_000.0
    f3548_plain_http: Annotated[
        bool, Meta(description="Whether USSs may give addresses without TLS; for tests only.")
    ] = False
    f3548_clock_indices: Annotated[
        bool,
        Meta(
            description="Whether notification indices are milliseconds since midnight UTC, "
            "F3548's other form, instead of counting."
        ),
    ] = False
    webhook_http: Annotated[
        bool,
        Meta(description="Whether webhooks and notifications may go to addresses without TLS."),
    ] = False
    webhook_private: Annotated[
        bool,
        Meta(
            description="Whether they may go to loopback, link-local and private addresses: "
            "every party that may subscribe can then have the node knock there."
        ),
    ] = False
    people_rest_s: Annotated[
        float,
        Meta(
            ge=1,
            le=86_400,
            description="Between two messages to the same mail or chat; what happens meanwhile "
            "is in the next.",
        ),
    ] = 60.0
    cap_certificate: Annotated[
        str,
        Meta(
            description="Certificate chain, PEM, with whose key alerts are signed; else the node "
            "makes one, cap.pem in the folder of private keys."
        ),
    ] = ""
    cap_key: Annotated[
        str, Meta(description="Private key of cap_certificate, PEM: RSA, or ECDSA of P-256.")
    ] = ""
    cap_status: Annotated[
        Literal["Actual", "Exercise", "System", "Test"],
        Meta(description="What alerts say that they are (CAP 1.2)."),
    ] = "Actual"
    witness_policy: Annotated[
        str,
        Meta(
            description="A file (C2SP tlog-policy): which witnesses are asked to cosign the log, "
            "and how many must have; else none are."
        ),
    ] = ""
    witness_name: Annotated[
        str,
        Meta(
            description="The name under which this node cosigns other theatres' logs, such as "
            "witness.example.org; else it is no witness."
        ),
    ] = ""
    witness_logs: Annotated[
        str,
        Meta(description="A file (C2SP tlog-policy) whose log lines say which logs it cosigns."),
    ] = ""
    mirror_policy: Annotated[
        str,
        Meta(
            description="A file (C2SP tlog-policy) whose witness lines say to which mirrors the "
            "log is sent; else to none."
        ),
    ] = ""
    mirror_name: Annotated[
        str,
        Meta(
            description="The name under which this node mirrors other theatres' logs, such as "
            "mirror.example.org; else it is no mirror."
        ),
    ] = ""
    mirror_logs: Annotated[
        str,
        Meta(description="A file (C2SP tlog-policy) whose log lines say which logs it mirrors."),
    ] = ""
    cot_tcp: Annotated[
        str,
        Meta(
            description="Where Cursor on Target is spoken over TCP, such as 8087 or HOST:8087; a "
            "port alone is of this machine only. Nobody proves who he is: all speak for cot_party."
        ),
    ] = ""
    cot_tls: Annotated[
        str,
        Meta(
            description="And over TLS, such as 0.0.0.0:8089, with the node's certificate and "
            "those of tls_client_ca: a client's certificate tells its party."
        ),
    ] = ""
    cot_udp: Annotated[
        str, Meta(description="And over UDP, in only, as cot_tcp; such as 8087.")
    ] = ""
    cot_ca_certificate: Annotated[
        str,
        Meta(
            description="The authority, PEM, that signs tablets' certificates (detente tablet); "
            "else they cannot enrol."
        ),
    ] = ""
    cot_ca_key: Annotated[str, Meta(description="Private key of cot_ca_certificate, PEM.")] = ""
    cot_party: Annotated[
        str, Meta(description="The party for which whoever comes by cot_tcp or cot_udp speaks.")
    ] = ""
    cot_release: Annotated[
        tuple[dict[str, Any], ...],
        Meta(
            description="Tables: to whom a party's units are shown (docs/cot.md); else to nobody "
            "but itself."
        ),
    ] = ()
    feeds: Annotated[
        tuple[dict[str, Any], ...],
        Meta(description="Tables: receivers of aircraft and ships to connect to (docs/feeds.md)."),
    ] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least that is logged.")
    ] = "info"
    log_format: Annotated[
        Literal["json", "text"], Meta(description="A line of JSON, or of text, an event.")
    ] = "json"
    metrics: Annotated[
        str,
        Meta(
            description="Where Prometheus asks: loopback (/metrics, from this machine only), "
            "off, or an address of its own, HOST:PORT.",
            pattern=r"^(off|loopback|.+:\d{1,5})$(?!\n)",
        ),
    ] = "loopback"

    @property
    def is_postgresql(self) -> bool:
        """Whether the store is shared by processes and machines."""
        return is_url(self.database)


class Setting(Struct, frozen=True, kw_only=True):
    """One row of the table; ``expected`` says in words what its type takes."""

    name: str
    type: Any
    expected: str
    default: Any
    help: str
    url: bool


class Effective(Struct, frozen=True, kw_only=True):
    """Settings, and for each where it came from."""

    settings: Settings
    origins: dict[str, str]


NOTHING_NAMED: Mapping[str, object] = MappingProxyType({})


def is_url(database: str) -> bool:
    """Whether this names a server and not a file."""
    return database.startswith(("postgresql://", "postgres://"))


def load(
    *,
    options: Mapping[str, object],
    environment: Mapping[str, str],
    named: Mapping[str, object] = NOTHING_NAMED,
    file: Path | None = None,
) -> Effective:
    """The settings as they stand.

    Args:
        options: From the command line, by name; a text is read as the setting's type.
        named: The same, by ``--set``.
        environment: The process's; other variables than ours are passed over.
        file: The TOML file; FILE_DEFAULT where it is there, if none is named.

    Raises:
        MalformedInput: An unknown name, a value of another type, values that
            exclude each other; it names the place.
    """
    layers = (
        (options, lambda name: f"option --{name.replace('_', '-')}", True),
        (named, lambda name: f"--set {name}", True),
        (_variables(environment), lambda name: f"environment {PREFIX}{name.upper()}", True),
        (*_file(file), False),
    )
    values: dict[str, object] = {}
    origins = {one.name: "default" for one in SETTINGS}
    for layer, place, is_text in layers:
        for name, given in layer.items():
            setting = _named(name, place(name))
            if name not in values:
                values[name] = _converted(setting, given, place(name), is_text=is_text)
                origins[name] = place(name)
    settings = Settings(**values)  # type: ignore[arg-type] # each was converted to its field's type
    check_together(settings, origins)
    return Effective(settings=settings, origins=origins)


def _variables(environment: Mapping[str, str]) -> dict[str, object]:
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and name not in OTHER_VARIABLES
    }


def _file(file: Path | None) -> tuple[dict[str, Any], typing.Callable[[str], str]]:
    path = FILE_DEFAULT if file is None else file
    if file is None and not path.exists():
        return {}, str
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise MalformedInput(f"{path}", expected="a file that can be read", got=got) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"{path}", expected="TOML", got=f"{error}") from None
    return found, lambda name: f"{path}, {name}"


def _named(name: str, place: str) -> Setting:
    for one in SETTINGS:
        if one.name == name:
            return one
    near = difflib.get_close_matches(name, [one.name for one in SETTINGS], n=1)
    expected = f"{near[0]}" if near else "a setting of docs/settings.md"
    raise MalformedInput(place, expected=expected, got=name)


def _converted(setting: Setting, given: object, place: str, *, is_text: bool) -> object:
    value = _from_text(setting, given) if is_text and isinstance(given, str) else given
    try:
        return msgspec.convert(value, setting.type, strict=not is_text)
    except msgspec.ValidationError as error:
        # A table's own words may hold a secret.
        got = "another kind of value" if setting.expected == "tables" else repr(given)
        raise MalformedInput(place, expected=setting.expected, got=got) from error


def _from_text(setting: Setting, text: str) -> object:
    """A list is separated by commas; what begins as TOML does is TOML."""
    if setting.expected in {"tables", "a list of texts"}:
        if text[:1] in {"[", "{"}:
            try:
                return tomllib.loads(f"value = {text}")["value"]
            except tomllib.TOMLDecodeError:
                return text
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def masked(setting: Setting, value: object) -> object:
    """A value as it may be shown: no password, no secret."""
    if setting.url and isinstance(value, str):
        return masked_url(value)
    return _masked(value)


def _masked(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: MASK if _SECRETS.search(name) and part else _masked(part)
            for name, part in value.items()
        }
    return [_masked(part) for part in value] if isinstance(value, tuple | list) else value


def masked_url(url: str) -> str:
    """The address of a database without its password, which libpq also takes as a parameter."""
    url = re.sub(r"(://[^:/?#@]*):[^@/]*@", rf"\1:{MASK}@", url)
    return re.sub(r"([?&](?:ssl)?password=)[^&]*", rf"\1{MASK}", url)


def toml(effective: Effective) -> str:
    """The settings as TOML, secrets masked, each with where it came from."""
    plain, tables = [], []
    for one in SETTINGS:
        value: Any = masked(one, getattr(effective.settings, one.name))
        origin = effective.origins[one.name]
        if one.expected == "tables" and value:
            for row in value:
                fields = [f"{_key(name)} = {toml_value(part)}" for name, part in row.items()]
                tables.append("\n".join([f"\n[[{one.name}]]  # {origin}", *fields]))
        else:
            plain.append(f"{one.name} = {toml_value(value)}  # {origin}")
    return "\n".join([*plain, *tables, ""])


def toml_value(value: object) -> str:
    """A value in TOML, tables in it inline."""
    if isinstance(value, dict):
        fields = (f"{_key(name)} = {toml_value(part)}" for name, part in value.items())
        return "{ " + ", ".join(fields) + " }"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml_value(part) for part in value) + "]"
    if isinstance(value, date | time):
        return value.isoformat()
    return _toml_text(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml_text(name)


def _toml_text(value: object) -> str:
    """TOML escapes as JSON does, and DEL besides."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _table() -> Iterator[Setting]:
    hints = typing.get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        kind, *metas = typing.get_args(hints[field.name])
        extra = {key for meta in metas for key in meta.extra or {}}
        yield Setting(
            name=field.name,
            type=hints[field.name],
            expected=_expected(kind, metas),
            default=field.default,
            help=" ".join(meta.description for meta in metas if meta.description),
            url="url" in extra,
        )


def _expected(kind: Any, metas: list[Meta]) -> str:
    """What a type takes, in words."""
    origin = typing.get_origin(kind)
    if origin is Literal:
        return " or ".join(typing.get_args(kind))
    if origin is tuple:
        return "a list of texts" if typing.get_args(kind)[0] is str else "tables"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[kind]
    limits = {name: value for meta in metas for name in ("ge", "gt", "le")
              if (value := getattr(meta, name)) is not None}  # fmt: skip
    if "ge" in limits and "le" in limits:
        words += f" from {limits['ge']} to {limits['le']}"
    elif "gt" in limits:
        words += f" above {limits['gt']}, at most {limits['le']}"
    elif "ge" in limits:
        words += f", {limits['ge']} or more"
    patterns = [meta.pattern for meta in metas if meta.pattern]
    return words if not patterns else "loopback, off or HOST:PORT"


SETTINGS: tuple[Setting, ...] = tuple(_table())
"""The table: a row a setting, in the order in which it is documented."""

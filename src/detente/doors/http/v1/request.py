"""Out of a request, and into an answer: values, version tokens, idempotency keys.

What comes in is decoded strictly: a field that we do not know is refused by its
name, for whoever wrote it meant something by it.
"""

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar, get_args

import msgspec
from msgspec import Struct

from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.asgi_problem import Refused, decode, validation_error
from detente.doors.http.v1.operation import JSON
from detente.errors import MalformedInput
from detente.node.engine import Command, Engine, Kept, Once
from detente.node.rules import Unaware
from detente.node.submit import Receipt
from detente.node.telling.disclosures import disclose

KEY_LENGTH_MAX = 200
"""Characters of an idempotency key: a UUID has 36, and some prefix theirs."""

REPLAYED = (b"idempotency-replayed", b"true")
"""Told with an answer that was given before to the same request."""

_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
_KEY = re.compile(rb"[!-~]([ -~]{0,198}[!-~])?")
_ETAG = re.compile(rb'"([\x21\x23-\x7e]{1,200})"')

encode = msgspec.json.Encoder().encode
_raw = msgspec.json.Decoder()
_receipts = msgspec.json.Decoder(Receipt)

T = TypeVar("T")
S = TypeVar("S", bound=Struct)


class Form(Generic[T]):
    """What a body must be.

    Args:
        form: As it is decoded.
        author_in: Field with a value whose author need not be named, for he is the
            asker; empty for the body itself, None where there is none.
    """

    def __init__(self, form: Any, *, author_in: str | None = None) -> None:
        self._form = form
        self._author_in = author_in

    def read(self, data: bytes, party: str, /, **defaults: object) -> T:
        """Decode a body.

        Args:
            data: As it came.
            party: Who asks.
            defaults: Fields that may be left out.

        Raises:
            MalformedInput: Not JSON, not of the form, or with a field that it lacks.
        """
        raw = decode(_raw, data)
        said = raw
        if self._author_in and isinstance(raw, dict):
            said = raw.get(self._author_in)
        if self._author_in is not None and isinstance(said, dict):
            for name, default in {"party": party, **defaults}.items():
                if said.get(name) is None:
                    said[name] = default
        return self.convert(raw)

    def convert(self, raw: Any) -> T:
        """What was decoded already, as the form has it.

        Raises:
            MalformedInput: As for ``read``.
        """
        try:
            found: T = msgspec.convert(raw, self._form)
        except msgspec.ValidationError as error:
            raise validation_error(str(error), what="body") from None
        unknown = _unknown(raw, found)
        if unknown is not None:
            raise MalformedInput(unknown, expected="no field but those of the interface")
        return found


_FIELDS: dict[type, dict[str, str]] = {}
"""Of each struct, its fields as JSON has them."""


def _fields(kind: type[Struct]) -> dict[str, str]:
    found = dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True))
    tag = kind.__struct_config__.tag_field
    if tag is not None:
        found[tag] = ""
    _FIELDS[kind] = found
    return found


def _unknown(raw: Any, value: Any) -> str | None:
    """The path of a field that was passed over, if any was.

    The decoder passes over fields that it does not know. Only structs have fields, so
    that nobody walks along a ring's ten thousand vertices.
    """
    if isinstance(value, Struct):
        fields = _FIELDS.get(type(value)) or _fields(type(value))
        for name, part in raw.items():
            if name not in fields:
                return str(name)
            if isinstance(part, dict | list) and (attribute := fields[name]):
                below = _unknown(part, getattr(value, attribute))
                if below is not None:
                    return f"{name}.{below}"
        return None
    if isinstance(value, tuple) and value and isinstance(value[0], Struct):
        found = (_unknown(one, made) for one, made in zip(raw, value, strict=True))
    elif isinstance(value, dict):
        found = (_unknown(raw.get(name), made) for name, made in value.items())
    else:
        return None
    return next((one for one in found if one is not None), None)


def require_media_type(exchange: Exchange, *taken: bytes) -> bytes:
    """The media type of a body, in lower case; the first of those taken where none is said.

    Raises:
        Refused: It is another.
    """
    given = exchange.header(b"content-type")
    if given is None:
        return taken[0]
    if given in taken:
        return given
    kind = given.partition(b";")[0].strip().lower()
    if kind not in taken:
        expected = " or ".join(one.decode() for one in taken)
        raise Refused("unsupported_media_type", "content-type", expected=expected)
    return kind


async def json_body(exchange: Exchange) -> bytes:
    """The whole body of a request that sends JSON.

    Raises:
        Refused: It is of another media type.
    """
    require_media_type(exchange, JSON.encode())
    return await exchange.body()


def converted(query: Mapping[str, Any], form: type[S]) -> S:
    """A query's parameters as a form, whose fields are all that may be asked.

    Raises:
        MalformedInput: Not of it.
    """
    fields = {one.encode_name: one for one in msgspec.structs.fields(form)}
    given: dict[str, Any] = {}
    for name, value in query.items():
        if name not in fields:
            raise MalformedInput(name, expected=f"in the query, one of {', '.join(fields)}")
        given[name] = _spelt(value, fields[name].type)
    try:
        found = msgspec.convert(given, form)
    except msgspec.ValidationError as error:
        raise validation_error(str(error), what="query") from None
    return found


def _spelt(value: Any, kind: Any) -> Any:
    """A number or truth value of a query, which has only text; all else as it is."""
    kinds = kind, *get_args(kind)
    if bool in kinds:
        return {"true": True, "false": False}.get(value, value)
    if int in kinds and isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return value


def seen_token(exchange: Exchange) -> str:
    """The version token that ``If-Match`` names: of the version that the asker has seen.

    Raises:
        Refused: There is none.
        MalformedInput: It is no single token in quotes.
    """
    given = exchange.header(b"if-match")
    if given is None:
        raise Refused(
            "token_required", "If-Match", expected="the version token of the version that you saw"
        )
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise MalformedInput("If-Match", expected="one version token, in double quotes")
    return found[1].decode()


def once_of(exchange: Exchange, body: bytes) -> Once | None:
    """The idempotency key of a request, if it has one.

    Raises:
        MalformedInput: It is empty, too long or not printable.
    """
    key = exchange.header(b"idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise MalformedInput(
            "Idempotency-Key", expected=f"1 to {KEY_LENGTH_MAX} printable characters"
        )
    scope = exchange.scope
    seen = exchange.header(b"if-match") or b""
    asked = b"\0".join((scope["method"].encode(), scope["path"].encode(), seen, body))
    return Once.of(key.decode("ascii"), asked)


async def act(
    engine: Engine, command: Command[Receipt], exchange: Exchange, body: bytes, *, status: int = 201
) -> Answer:
    """Have a command decided, once however often it is sent, and answer with its receipt."""
    once = once_of(exchange, body)
    try:
        if once is None:
            receipt = await engine.act(command, proven=True)
            return receipt_answer(receipt, encode(receipt), status=status)
        kept: Kept = await engine.act(command, once=once, proven=True)
    except Unaware as refusal:
        # What a plan meets is shown to its author, so that he is aware of it.
        shown = [one.view for one in refusal.missing if one.view is not None]
        await disclose(engine, command.principal, shown)
        raise
    answer = receipt_answer(_receipts.decode(kept.body), kept.body, status=status)
    if not kept.again:
        return answer
    return Answer(status, kept.body, answer.media_type, (*answer.headers, REPLAYED))


def receipt_answer(receipt: Receipt, body: bytes, *, status: int) -> Answer:
    """A receipt, with where the object is and the token of its version."""
    headers = (
        (b"location", b"/v1/objects/" + receipt.object_id.encode()),
        (b"etag", b'"' + receipt.token.encode() + b'"'),
    )
    return Answer(status, body, headers=headers)

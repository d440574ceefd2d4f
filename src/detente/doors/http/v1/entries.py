"""What a party signed itself: no token is asked for, the signature is the proof."""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.entry import ENVELOPE_BYTES_MAX, Hash
from detente.core.party import PartyId
from detente.core.principal import signed_principal
from detente.core.wire import OBJECT_BYTES_MAX
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer, Streamed
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.lines import Line, answers, kept, refused, unhurried
from detente.doors.http.v1.operation import JSON, LINES, WRITES, Body, Operation
from detente.doors.http.v1.request import (
    Form,
    converted,
    encode,
    receipt_answer,
    require_media_type,
)
from detente.doors.http.v1.speaking import RECEIPT_TELLS, Tokens
from detente.errors import Conflict, MalformedInput
from detente.node.author import Prepared, Submission
from detente.node.submit import Receipt, opened_submission
from detente.node.verbs import Submit
from detente.store import Content

_BASE64 = 4 / 3

Spelt = Annotated[str, Meta(max_length=int(OBJECT_BYTES_MAX * _BASE64) + 4)]
"""Bytes of JSON, as that text or in base64: exactly those that were signed."""


class SignedEntry(Struct, frozen=True, kw_only=True):
    """An entry that its party signed, with what it commits to.

    Attributes:
        envelope: DSSE, canonical.
        object: Canonical JSON of the value.
        salt: 32 bytes, base64.
        key: For a plan, version tokens of what its author knows that it meets.
    """

    envelope: Annotated[str, Meta(max_length=int(ENVELOPE_BYTES_MAX * _BASE64) + 4)]
    object: Spelt
    salt: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=$(?!\n)")]
    key: Tokens = ()


class Took(Struct, frozen=True, kw_only=True):
    """The answer to one line that was taken."""

    line: int
    receipt: Receipt


class NextEntry(Struct, frozen=True, kw_only=True):
    """What a party's next entry must say of the one before it.

    ``previous`` is None for its first.
    """

    theatre: PartyId
    party: PartyId
    party_sequence: int
    previous: Hash | None


class _Chain(Struct, frozen=True):
    party: PartyId


_form: Form[SignedEntry] = Form(SignedEntry)


async def submit(desk: Desk, exchange: Exchange) -> Answer | Streamed:
    """One entry, or lines of them."""
    kind = require_media_type(exchange, JSON.encode(), LINES.encode())
    if kind == LINES.encode():

        async def work(batch: Sequence[Line]) -> list[bytes]:
            return list(await asyncio.gather(*(_line(desk, exchange, one) for one in batch)))

        return Streamed(HTTPStatus.OK, unhurried(answers(exchange, work)), LINES.encode())
    receipt = await _submit(desk, exchange, await exchange.body())
    return receipt_answer(receipt, encode(receipt), status=HTTPStatus.CREATED)


async def _line(desk: Desk, exchange: Exchange, line: Line) -> bytes:
    try:
        receipt = await _submit(desk, exchange, kept(line))
    except Exception as error:  # noqa: BLE001 - each line has its own answer, whatever failed
        return refused(line.number, error, exchange)
    return encode(Took(line=line.number, receipt=receipt))


async def _submit(desk: Desk, exchange: Exchange, data: bytes) -> Receipt:
    """Take one entry; one that the record holds already is answered again.

    Until the first waiting, nothing is waited for: lines are handed over in their order.
    """
    entry = _form.read(data, "")
    prepared = _prepared(entry, desk)
    statement = prepared.signed.statement
    exchange.party = statement.party
    command = Submit(
        signed_principal(statement.party, statement.key), prepared, frozenset(entry.key)
    )
    try:
        return await desk.engine.act(command, proven=True)
    except Conflict:
        held = await desk.reading.held(prepared.signed.leaf)
        if held is None:
            raise
        sequence, size, root = held
        return Receipt(
            sequence=sequence,
            leaf=prepared.signed.leaf.hex(),
            object_id=statement.object,
            version=statement.version,
            size=size,
            root=root.hex(),
            token=prepared.token,
        )


def _prepared(entry: SignedEntry, desk: Desk) -> Prepared:
    submission = Submission(
        envelope=_bytes(entry.envelope, "envelope"),
        content=Content(salt=base64.b64decode(entry.salt), data=_bytes(entry.object, "object")),
    )
    engine = desk.engine
    return opened_submission(submission, now=engine.clock(), keys=engine.world.keys)


def _bytes(spelt: str, what: str) -> bytes:
    """The bytes of some JSON that came as that text, or in base64.

    Raises:
        MalformedInput: Neither.
    """
    if spelt.startswith("{"):
        return spelt.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(spelt, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedInput(what, expected="JSON text, or its bytes in base64") from None


async def next_entry(desk: Desk, exchange: Exchange) -> Answer:
    """Where a party's chain stands; of one that has said nothing, as of one that is not known."""
    party = converted(exchange.path_params, _Chain).party
    theatre, head = await desk.reading.chain(party)
    told = NextEntry(
        theatre=theatre,
        party=party,
        party_sequence=0 if head is None else head.party_sequence + 1,
        previous=None if head is None else head.leaf.hex(),
    )
    return Answer(HTTPStatus.OK, encode(told))


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/entries",
        name="submitEntry",
        says="Submit an entry that its party signed, or lines of them.\n\n"
        "No token is needed: the signature is the proof. As `application/json` one entry, "
        "answered with its receipt; as JSON lines any number, answered line by line in their "
        "order with a receipt or a problem each. An entry that the record holds already is "
        "answered with its receipt again.",
        tag="entries",
        act=submit,
        body=Body(form=SignedEntry, media_types=(JSON, LINES)),
        gives={HTTPStatus.CREATED: {JSON: Receipt}, HTTPStatus.OK: {LINES: Took}},
        status=HTTPStatus.CREATED,
        refusals=(*WRITES, "not_found", "stale", "unaware", "budget_spent", "in_force"),
        tells=RECEIPT_TELLS[:2],
        is_open=True,
        hot=True,
    ),
    Operation(
        method="GET",
        path="/v1/chain/{party}",
        name="nextEntry",
        says="What a party's next signed entry must say: its number, and the hash of the one "
        "before it.\n\nNo token is needed: the record's leaves say as much.",
        tag="entries",
        act=next_entry,
        gives=NextEntry,
        refusals=("malformed_input", "unavailable"),
        is_open=True,
    ),
)

"""Values to bytes and back: canonical JSON (RFC 8785), decoded strictly.

The bytes are what a commitment covers, so they are canonical on the way out
and refused on the way in unless they are.

Our values hold no floats and only ASCII keys, and for those msgspec's sorted
JSON is RFC 8785's to the byte, some forty times faster than the rfc8785
package, which judges it in tests/unit/test_wire.py.
"""

import msgspec

from detente.core.agreement import Agreement
from detente.core.availability import Availability
from detente.core.committed import Check
from detente.core.erasure import Erasure
from detente.core.incident import Call, Incident, IncidentStep
from detente.core.notice import Notice
from detente.core.party import Party
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.report import Report
from detente.core.subscription import Subscription
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Delivery,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.warned import Warned
from detente.core.zone import Zone
from detente.errors import MalformedInput

Value = (
    Agreement
    | Party
    | Notice
    | Presence
    | Zone
    | Plan
    | Report
    | Subscription
    | Availability
    | Acknowledgement
    | Objection
    | Answer
    | ReleaseRequest
    | ReleaseDecision
    | Delivery
    | Erasure
    | Check
    | Incident
    | IncidentStep
    | Call
    | Warned
)

OBJECT_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of one object: VERTICES_MAX vertices of 24 characters, several times over."""

_decoder = msgspec.json.Decoder(Value)


def encode(value: object) -> bytes:
    """Canonical bytes of a value.

    Raises:
        MalformedInput: Larger than OBJECT_BYTES_MAX.
    """
    data = msgspec.json.encode(value, order="sorted")
    if len(data) > OBJECT_BYTES_MAX:
        raise MalformedInput(
            "object", expected=f"at most {OBJECT_BYTES_MAX} bytes", got=f"{len(data)}"
        )
    return data


def read(data: bytes) -> Value:
    """The value in bytes that were decoded strictly before, such as the store's.

    Raises:
        MalformedInput: Not of a known kind, or out of a limit.
    """
    if len(data) > OBJECT_BYTES_MAX:
        raise MalformedInput(
            "object", expected=f"at most {OBJECT_BYTES_MAX} bytes", got=f"{len(data)}"
        )
    try:
        value: Value = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput("object", got=str(error)) from None
    return value


def decode(data: bytes) -> Value:
    """The value whose canonical bytes these are.

    Raises:
        MalformedInput: Not canonical, not of a known kind, or out of a limit.
    """
    value = read(data)
    if encode(value) != data:
        raise MalformedInput(
            "object", expected="canonical JSON (RFC 8785) without defaults spelt out"
        )
    return value

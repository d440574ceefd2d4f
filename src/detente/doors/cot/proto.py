"""CoT as TAK protocol version 1: protobuf messages, mapped by ourselves.

The generated classes are takproto's; its own mapping from XML loses heights of 0, unknown
elements' order and all times below a second's digits, so it is not used.

Source: ATAK-CIV, commoncommo ``protocol.txt``, ``takmessage.proto``, ``cotevent.proto``,
``detail.proto``.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import DecodeError
from takproto.proto import TakMessage

from detente.core.volume import EPOCH
from detente.doors.cot.event import EVENT_BYTES_MAX, Raw
from detente.doors.cot.xml import read_xml
from detente.errors import MalformedInput

MAGIC = 0xBF
MESH = bytes((MAGIC, 1, MAGIC))
"""Before a message in a datagram; in a stream it is MAGIC, then the length as a varint."""

_LENGTH_BYTES_MAX = 3
"""A varint of EVENT_BYTES_MAX."""

_SEVEN, _LOW = 7, 0x7F
_EVENT = "<event><point/><detail>%s</detail></event>"


def framed(payload: bytes) -> bytes:
    """A message as it goes into a stream."""
    length, head = len(payload), bytearray((MAGIC,))
    while length > _LOW:
        head.append(length & _LOW | 0x80)
        length >>= _SEVEN
    head.append(length)
    return bytes(head) + payload


def frame_at(data: bytes | bytearray) -> tuple[int, int] | None:
    """Where the message of the frame at the beginning starts and ends; None if more must come.

    Raises:
        MalformedInput: It is longer than an event may be, or its length no varint.
    """
    length = 0
    for number, byte in enumerate(data[1 : 1 + _LENGTH_BYTES_MAX]):
        length |= (byte & _LOW) << _SEVEN * number
        if byte <= _LOW:
            if length > EVENT_BYTES_MAX:
                break
            start = number + 2
            return (start, start + length) if len(data) >= start + length else None
    else:
        if len(data) <= _LENGTH_BYTES_MAX:
            return None
    raise MalformedInput("message", expected=f"at most {EVENT_BYTES_MAX} bytes")


def read_proto(payload: bytes) -> Raw:
    """The parts of an event in a TakMessage.

    Raises:
        MalformedInput: It is none, or holds no event.
    """
    if len(payload) > EVENT_BYTES_MAX:
        raise MalformedInput("message", expected=f"at most {EVENT_BYTES_MAX} bytes")
    message = TakMessage()
    try:
        message.ParseFromString(payload)
    except (DecodeError, ValueError):
        raise MalformedInput("message", expected="a TakMessage") from None
    if not message.HasField("cotEvent"):
        raise MalformedInput("message", expected="one with an event")
    return _raw(message.cotEvent)


def _raw(event: Any) -> Raw:
    detail = event.detail
    parts: list[tuple[str, Any]] = []
    if detail.xmlDetail:
        parts += read_xml((_EVENT % detail.xmlDetail).encode("utf-8", "replace")).parts
    # What is in a field of its own comes instead of an element of its name.
    if detail.HasField("contact"):
        parts.insert(0, ("contact", {"callsign": detail.contact.callsign}))
    if detail.HasField("track"):
        track = {"speed": repr(detail.track.speed), "course": repr(detail.track.course)}
        parts.insert(0, ("track", track))
    return Raw(
        event={
            "uid": event.uid,
            "type": event.type,
            "time": _spelt(event.sendTime),
            "start": _spelt(event.startTime),
            "stale": _spelt(event.staleTime),
        },
        point={name: repr(getattr(event, name)) for name in ("lat", "lon", "hae", "ce", "le")},
        parts=tuple(parts),
    )


def _spelt(milliseconds: int) -> str:
    """A time as XML has it; what is no time is spelt so that it is refused."""
    try:
        return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat()
    except OverflowError:
        return ""


def milliseconds(time: datetime) -> int:
    """Since 1970, as messages have it."""
    return (time.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)

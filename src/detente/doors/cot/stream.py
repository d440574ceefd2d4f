"""A stream taken apart: events in XML one after another, messages in protobuf, or both.

Which of the two comes next is told by its first byte. XML is parted after ``</event>``, as
TAK's protocol has it. A client that was given a name and a password says them first, in a
document of its own (``auth``): it is passed over, for here a certificate counts.
"""

import re
from collections.abc import Iterator

from detente.doors.cot.event import EVENT_BYTES_MAX, Raw
from detente.doors.cot.proto import MAGIC, MESH, frame_at, read_proto
from detente.doors.cot.xml import read_xml
from detente.errors import MalformedInput

_END = b"</event>"
_SKIPPED = re.compile(
    rb"[ \t\r\n\0]*(?:(?:<\?xml[^>]{0,100}\?>\s{0,9})?<auth>.{0,1000}?</auth>[ \t\r\n\0]*)?",
    re.DOTALL,
)


class Lost(MalformedInput):
    """What came can be parted no further: the connection must end.

    Attributes:
        size: Bytes of what is too long, as far as they came.
    """

    def __init__(self, what: str, *, expected: str, size: int) -> None:
        super().__init__(what, expected=expected)
        self.size = size


class Stream:
    """Bytes in, whole events out, each still to be read. Holds EVENT_BYTES_MAX at most."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._looked = 0

    def feed(self, data: bytes) -> Iterator[tuple[bool, bytes]]:
        """The events that are whole now: whether in protobuf, and their bytes.

        Raises:
            Lost: Where one ends cannot be told.
        """
        self._data += data
        while (found := self._next()) is not None:
            is_proto, start, end, after = found
            one = bytes(self._data[start:end])
            del self._data[:after]
            self._looked = 0
            yield is_proto, one

    def _next(self) -> tuple[bool, int, int, int] | None:
        skipped = _SKIPPED.match(self._data)
        assert skipped is not None, "it may be empty"  # noqa: S101
        del self._data[: skipped.end()]
        self._looked = max(0, self._looked - skipped.end())
        if not self._data:
            return None
        if self._data[0] == MAGIC:
            try:
                found = frame_at(self._data)
            except MalformedInput as error:
                size = len(self._data)
                raise Lost(error.what, expected=error.expected, size=size) from None
            return None if found is None else (True, *found, found[1])
        end = self._data.find(_END, self._looked)
        if end >= 0 and end + len(_END) <= EVENT_BYTES_MAX:
            return False, 0, end + len(_END), end + len(_END)
        if len(self._data) > EVENT_BYTES_MAX:
            size = end + len(_END) if end >= 0 else len(self._data)
            raise Lost("event", expected=f"at most {EVENT_BYTES_MAX} bytes", size=size)
        # What was looked through is not looked through again.
        self._looked = max(0, len(self._data) - len(_END))
        return None


def read(is_proto: bool, data: bytes) -> Raw:  # noqa: FBT001 - as Stream tells it
    """The parts of one event.

    Raises:
        MalformedInput: It is none.
    """
    return read_proto(data) if is_proto else read_xml(data)


def read_datagram(data: bytes) -> Raw:
    """The parts of the event that a datagram is.

    Raises:
        MalformedInput: It is none.
    """
    if data[:1] == MESH[:1]:
        if data[: len(MESH)] == MESH:
            return read_proto(data[len(MESH) :])
        found = frame_at(data)
        if found is None or found[1] != len(data):
            raise MalformedInput("datagram", expected="one message")
        return read_proto(data[found[0] :])
    return read_xml(data)

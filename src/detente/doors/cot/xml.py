"""CoT as XML: read with no entities, no document type, and a bound on everything.

Source: XML 1.0; CoT event schema 2.0.
"""

from typing import TYPE_CHECKING
from xml.parsers import expat

from detente.doors.cot.event import EVENT_BYTES_MAX, Raw
from detente.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPTH_MAX = 12
"""Elements within each other. A TAK control lies at three, ATAK's deepest details at six."""

ELEMENTS_MAX = 2_000
"""In one event: a drawing of as many corners as EVENT_BYTES_MAX holds."""

_POINT, _PART = 2, 3


class _Reading:
    """What the parser tells, as far as it is read."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.elements = 0
        self.event: dict[str, str] = {}
        self.point: dict[str, str] | None = None
        self.parts: list[tuple[str, Mapping[str, str]]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(name)
        self.elements += 1
        if len(self.path) > DEPTH_MAX or self.elements > ELEMENTS_MAX:
            raise MalformedInput("event", expected=f"at most {ELEMENTS_MAX} elements, not so deep")
        depth = len(self.path)
        if depth == 1:
            self._begin(name, attributes)
        elif depth == _POINT and name == "point":
            if self.point is not None:
                raise MalformedInput("point", expected="one")
            self.point = attributes
        elif depth >= _PART and self.path[1] == "detail":
            self.parts.append((name, attributes))

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if name != "event":
            raise MalformedInput("XML", expected="an event")
        self.event = attributes

    def end(self, _: str) -> None:
        self.path.pop()


def _refused(*_: object) -> None:
    raise MalformedInput("event", expected="no document type and no entities")


def read_xml(data: bytes) -> Raw:
    """The parts of an event in XML.

    Raises:
        MalformedInput: It is none, too long, or defines types or entities.
    """
    if len(data) > EVENT_BYTES_MAX:
        raise MalformedInput("event", expected=f"at most {EVENT_BYTES_MAX} bytes")
    parser = expat.ParserCreate()
    reading = _Reading()
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    # An entity can only be declared within a document type.
    parser.StartDoctypeDeclHandler = _refused
    parser.EntityDeclHandler = _refused
    try:
        parser.Parse(data, True)  # noqa: FBT003 - of expat
    except (expat.ExpatError, LookupError, ValueError):
        raise MalformedInput("event", expected="well-formed XML") from None
    if reading.point is None:
        raise MalformedInput("point", expected="one")
    return Raw(event=reading.event, point=reading.point, parts=tuple(reading.parts))

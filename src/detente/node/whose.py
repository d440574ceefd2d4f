"""Whose the objects are of which others speak, and so whom it concerns.

Source: docs/rules/R-02.md.
"""

from detente.core.erasure import Erasure
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Delivery,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.wire import Value
from detente.node.history import knowing
from detente.node.hotline.called import ON_THE_LINE, concerned_by
from detente.store import Record, Stored


class Whose:
    """Whose the objects are of which others speak; each is asked once a page."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._objects: dict[str, str | None] = {}
        self._stored: dict[str, Stored | None] = {}

    def concerned(self, value: Value, object_id: str, author: str) -> frozenset[str]:
        """Whom it concerns what a value says of another object, or a call of the hotline."""
        on_the_line = concerned_by(self._record, value, object_id, author)
        if on_the_line is not None:
            return on_the_line
        match value:
            case Acknowledgement():
                spoken_of = self._author_of_entry(value.entry)
            case Objection() | ReleaseRequest() | Erasure():
                spoken_of = self._author(value.object)
            case Answer():
                spoken_of = self._author(value.objection)
            case ReleaseDecision():
                spoken_of = self._author(value.request)
            case _:
                spoken_of = None
        concerned = frozenset() if spoken_of is None else frozenset({spoken_of})
        if isinstance(value, Erasure):
            concerned |= knowing(self._record, value.object)
        return concerned

    def authors(self, value: Value) -> dict[str, str]:
        """For a delivery, whose each of its entries is; none of those of the hotline."""
        if not isinstance(value, Delivery):
            return {}
        found = {leaf: self._author_told(leaf) for leaf in value.entries}
        return {leaf: party for leaf, party in found.items() if party is not None}

    def _author_of_entry(self, leaf: str) -> str | None:
        found = self._object_of_entry(leaf)
        return None if found is None else found.party

    def _author_told(self, leaf: str) -> str | None:
        """Who learns that an entry was delivered: its author, but for who was called."""
        found = self._object_of_entry(leaf)
        return None if found is None or found.kind in ON_THE_LINE else found.party

    def _object_of_entry(self, leaf: str) -> Stored | None:
        if leaf not in self._objects:
            self._objects[leaf] = self._record.object_of(bytes.fromhex(leaf))
        found = self._objects[leaf]
        return None if found is None else self._object(found)

    def _author(self, object_id: str) -> str | None:
        found = self._object(object_id)
        return None if found is None else found.party

    def _object(self, object_id: str) -> Stored | None:
        if object_id not in self._stored:
            self._stored[object_id] = self._record.identified([object_id]).get(object_id)
        return self._stored[object_id]

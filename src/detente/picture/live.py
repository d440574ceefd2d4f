"""The live picture, made whole again whenever it changed."""

import threading
from collections.abc import Iterable

from detente.core.agreement import Agreement
from detente.core.check import Known
from detente.picture.picture import Picture


class Live:
    """The current picture of a running node."""

    def __init__(self, *, agreement: Agreement | None = None) -> None:
        self._agreement = agreement
        self._known: dict[str, Known] = {}
        self._sequence = 0
        self._current: Picture | None = None
        self._lock = threading.Lock()

    def fold(self, changes: Iterable[tuple[str, Known | None]], sequence: int) -> None:
        """Follow the record."""
        with self._lock:
            for object_id, known in changes:
                self._known.pop(object_id, None)
                if known is not None:
                    self._known[object_id] = known
                self._current = None
            self._sequence = sequence

    def agree(self, agreement: Agreement | None, sequence: int) -> None:
        """Another agreement."""
        with self._lock:
            self._agreement, self._sequence, self._current = agreement, sequence, None

    def snapshot(self) -> Picture:
        """Everything folded so far."""
        with self._lock:
            if self._current is None:
                self._current = Picture(
                    self._known.values(), agreement=self._agreement, sequence=self._sequence
                )
            return self._current

    def compact(self) -> bool:
        """Nothing to merge."""
        return False

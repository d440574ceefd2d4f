"""What F3548 asks of the record, by cells."""

from detente.core.agreement import Agreement
from detente.core.wire import Value


class Airspace:
    """An index in memory.

    Args:
        agreement: Whose separations widen native plans.
    """

    def __init__(self, agreement: Agreement | None = None) -> None:
        self._agreement = agreement

    def fold(self, object_id: str, version: int, value: Value, token: str) -> None:
        """Follow one entry."""

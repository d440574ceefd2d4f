"""What doors need of a node, whichever it is."""

from typing import Protocol

from detente.node.status import Status


class Node(Protocol):
    """One worker's node: started before the first request, stopped after the last."""

    async def start(self) -> None:
        """Open the store and catch up with the record.

        Raises:
            DetenteError: It cannot; the worker does not start.
        """

    async def stop(self) -> None:
        """Let go of everything. Nothing is asked any more."""

    def status(self) -> Status:
        """How it is, without waiting."""

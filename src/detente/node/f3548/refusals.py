"""How F3548's service refuses, beyond the errors that all doors share."""

from typing import ClassVar

from detente.errors import Conflict, NotPermitted
from detente.node.f3548.references import ConstraintReference, IntentReference


class Unaware(Conflict):
    """The key lacks what its author must know of; all of it is named.

    Args:
        intents: Those whose OVN is missing from the key.
        constraints: The same.
    """

    code: ClassVar[str] = "unaware"

    def __init__(
        self,
        what: str,
        *,
        intents: tuple[IntentReference, ...],
        constraints: tuple[ConstraintReference, ...],
    ) -> None:
        super().__init__(
            what,
            expected="the current OVN of everything that it shares cells, altitudes and times with",
            got=f"{len(intents) + len(constraints)} missing",
        )
        self.intents = intents
        self.constraints = constraints


class DeclaredDown(NotPermitted):
    """A USS that was declared down makes and ends no intents."""

    code: ClassVar[str] = "declared_down"


class NoTelemetry(Conflict):
    """Of this intent there is no telemetry here."""

    code: ClassVar[str] = "no_telemetry"


class TooMany(NotPermitted):
    """The party has as many of these as one party may have."""

    code: ClassVar[str] = "too_many"

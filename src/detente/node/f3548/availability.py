"""Commands on USS availability: an arbiter declares whether a USS answers.

Whoever declares must show the version that he last saw, whoever it was by, so
that two arbiters never overrule each other unseen.

Source: ASTM F3548-21 annex A2 (SetUssAvailabilityStatusParameters).
"""

from collections.abc import Sequence

from msgspec import Struct

from detente.core.availability import Availability, AvailabilityState
from detente.core.entry import EntryKind
from detente.core.principal import Principal
from detente.errors import MalformedInput, Stale
from detente.node.engine import Decision, Said
from detente.node.f3548.references import AvailabilityView
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches

USS_LENGTH_MAX = 200
"""Characters of a USS's name, as of any name in the record."""


class PutAvailability(Struct, kw_only=True):
    """Declares a USS's availability. Made by ``put_availability``."""

    principal: Principal
    uss: str
    state: AvailabilityState
    old_version: str
    touches: Touches

    def decide(self, moment: Moment) -> Decision[AvailabilityView]:
        """The arbiter's own word, in a new version.

        Raises:
            Stale: Somebody declared otherwise since.
        """
        airspace, party = moment.world.airspace, self.principal.party
        current = airspace.availability(self.uss)
        if current.token != self.old_version:
            raise Stale(
                "old_version",
                expected="the version that was declared last",
                got=self.old_version or "none",
            )
        value = Availability(source_id=self.uss, party=party, state=self.state)
        before = airspace.declaration(party, self.uss)
        said = Said(value=value)
        if before is not None:
            said = Said(value=value, object_id=before[0], version=before[1] + 1)
        return Decision(says=(said,), answer=self._answer)

    def _answer(self, receipts: Sequence[Receipt]) -> AvailabilityView:
        (receipt,) = receipts
        return AvailabilityView(uss=self.uss, state=self.state, version=receipt.token)


def put_availability(
    principal: Principal, uss: str, state: AvailabilityState, old_version: str
) -> PutAvailability:
    """A command that declares a USS's availability.

    Raises:
        MalformedInput: No name of a USS.
    """
    if not 1 <= len(uss) <= USS_LENGTH_MAX or not uss.isprintable():
        raise MalformedInput("uss_id", expected=f"1 to {USS_LENGTH_MAX} printable characters")
    return PutAvailability(
        principal=principal,
        uss=uss,
        state=state,
        old_version=old_version,
        touches=Touches(names=((EntryKind.AVAILABILITY, principal.party, uss),)),
    )

"""What the gate asks of a node at work: who is admitted, and to admit somebody."""

from typing import Any

from detente.core.ledger import NODE
from detente.core.party import Party
from detente.core.principal import Method, Principal, Scope
from detente.node.asking import Follow
from detente.node.engine import Decision, Engine
from detente.node.moment import Moment
from detente.node.submit import Touches
from detente.node.verbs import Admit

_NODE = Principal(party=NODE, method=Method.SIGNED, subject=NODE, scopes=frozenset({Scope.ADMIN}))
"""The node itself, for issuers that may introduce parties."""


class EngineParties:
    """The parties of an engine's record.

    Args:
        engine: At work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def known(self, party: str) -> bool:
        """Whether a party is admitted."""
        return party in self._engine.world.parties

    def party_of(self, subject: str) -> str | None:
        """The id of the party that token issuers call so."""
        found = self._engine.world.party_of(subject)
        return None if found is None else found.id

    async def catch_up(self) -> None:
        """Learn whom other processes admitted."""
        await self._engine.act(Follow())

    async def introduce(self, party: Party) -> None:
        """Admit a party, without keys, as an entry of the node."""
        await self._engine.act(_Introduce(party))


class _Introduce:
    """Admits a party, unless another request of its own did so a moment before."""

    touches = Touches()
    principal = _NODE

    def __init__(self, party: Party) -> None:
        self._party = party
        self._admit = Admit(_NODE, party)

    def decide(self, moment: Moment) -> Decision[Any]:
        """One entry, or none."""
        if self._party.id in moment.world.parties:
            return Decision(says=(), answer=lambda _: None)
        return self._admit.decide(moment)

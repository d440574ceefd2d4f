"""What the gate asks of a node at work: who is admitted, and to admit somebody."""

from detente.core.ledger import NODE
from detente.core.party import Party
from detente.core.principal import Method, Principal, Scope
from detente.node.engine import Engine
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

    async def introduce(self, party: Party) -> None:
        """Admit a party, without keys, as an entry of the node."""
        await self._engine.act(Admit(_NODE, party))

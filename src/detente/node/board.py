"""A board: what of the picture a party may see, and what changes of it, for a door that pushes.

Each look finds what is new to the board and what is gone from it. What is new is on the
record as shown before it is given (docs/rules/R-08.md). Nothing here depends on what the
party may not see.
"""

from typing import NamedTuple

import numpy as np

from detente.core.feature import KINDS
from detente.core.principal import Principal
from detente.node.engine import Engine
from detente.node.layers import Item, Layers, Sight
from detente.node.telling.disclosures import disclose


class Changes(NamedTuple):
    """What is new or changed, and the ids of objects that are gone."""

    items: list[Item]
    gone: list[str]


class Board:
    """What one party sees. One event loop's, one look at a time.

    Args:
        engine: At work.
        layers: Answers maps.
        principal: Whose.
    """

    def __init__(self, engine: Engine, layers: Layers, principal: Principal) -> None:
        self._engine = engine
        self._layers = layers
        self._principal = principal
        self._known: dict[int, str] = {}
        self._looked_at = -1

    @property
    def is_behind(self) -> bool:
        """Whether the record has grown since the last look."""
        return self._engine.world.shown.sequence != self._looked_at

    async def look(self) -> Changes:
        """What changed since the last look.

        Raises:
            Unavailable: It cannot be read, or cannot be recorded as shown.
        """
        sequence, known = self._engine.world.shown.sequence, self._known

        def act(sight: Sight) -> tuple[list[int], list[Item]]:
            found = sight.find(frozenset(KINDS.values()))
            sequences = found.sequence.tolist()
            new = [number for number, one in enumerate(sequences) if one not in known]
            return sequences, list(sight.items(found, np.array(new, dtype=np.int64)))

        sequences, items = await self._layers.look(self._principal, act)
        await disclose(self._engine, self._principal, [one.view for one in items])
        now = {one.view.object for one in items}
        still = set(sequences)
        gone = [name for at, name in known.items() if at not in still and name not in now]
        self._known = {at: name for at, name in known.items() if at in still}
        self._known |= {one.view.sequence: one.view.object for one in items}
        self._looked_at = sequence
        return Changes(items, gone)

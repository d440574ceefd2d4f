"""The ladder: whoever has not answered is called again, in time.

What is due follows from the record and the clock alone, and is decided at the head of the
record: of several processes the first takes the step and the others find nothing to do, so no
lease has to end first, and a node that was killed is late by no more than its restart.

Source: requirement M2; docs/hotline.md; docs/adr/0031.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime

from detente.core.agreement import Hotline
from detente.core.incident import Line, due, next_due
from detente.errors import DetenteError
from detente.node.engine import Decision, Engine
from detente.node.hotline.ringing import said_call
from detente.node.moment import Moment
from detente.node.submit import Touches
from detente.node.telling.disclosures import THE_NODE
from detente.node.telling.listening import Listening

LOOK_EVERY_S = 5.0
"""How often the clock is looked at where nothing is due: a machine may have slept."""

PAUSE_S = 0.2
"""After a store that could not be written."""

_log = logging.getLogger("detente.hotline")


class Climb:
    """Makes the calls that are due by now; answers how many."""

    principal = THE_NODE
    touches = Touches()

    def decide(self, moment: Moment) -> Decision[int]:
        """A call each; nothing where another process was first."""
        world = moment.world
        calls = [
            call
            for line in world.lines.values()
            for call in due(line, world.agreement, world.parties, moment.now)
        ]
        says = tuple(said_call(moment, one) for one in calls)
        return Decision(says=says, answer=len)


class Ladder:
    """Climbs it, in every process.

    Args:
        engine: At work.
        listening: To its record.
    """

    def __init__(self, engine: Engine, listening: Listening) -> None:
        self._engine = engine
        self._listening = listening

    async def run(self) -> None:
        """Make each call when it is due, until cancelled."""
        while not self._listening.closed:
            size = self._listening.size
            shown = self._engine.world.shown
            at = soonest(shown.lines, shown.agreement.hotline)
            now = self._engine.clock()
            if at is not None and at <= now:
                await self._climb()
                continue
            wait_s = LOOK_EVERY_S if at is None else min(LOOK_EVERY_S, (at - now).total_seconds())
            await self._listening.beyond(size, timeout_s=wait_s)

    async def _climb(self) -> None:
        try:
            made: int = await self._engine.act(Climb())
        except DetenteError as error:
            _log.warning("the hotline waits: %s", error.code)
            made = 0
        if not made:
            # Another process was first, and is followed within a moment.
            await asyncio.sleep(PAUSE_S)


def soonest(lines: Mapping[str, Line], hotline: Hotline) -> datetime | None:
    """When the next call is due on any line; None where none is."""
    return min(
        (at for one in lines.values() if (at := next_due(one, hotline)) is not None), default=None
    )

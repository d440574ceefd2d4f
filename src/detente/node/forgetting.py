"""What is kept beside the record goes when its time is over: answers, and what budgets count.

Source: DESIGN section 4.11; docs/rules/R-02.md.
"""

from datetime import timedelta

from detente.node.budget import day_of
from detente.node.engine import Decision
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches
from detente.node.telling.disclosures import THE_NODE
from detente.store import Appender

ANSWERS_KEPT = timedelta(days=7)
"""For whoever asks again with the same idempotency key: a client may be offline for days."""

DAYS_KEPT = 1
"""Of charges, beside today's: another process's clock may still be in yesterday."""


class Forget:
    """Lets go of what is older; tells how many answers went."""

    principal = THE_NODE
    touches = Touches()

    def __init__(self) -> None:
        self._gone = 0

    def decide(self, moment: Moment) -> Decision[int]:
        """Nothing that the record says."""
        self._now = moment.now
        return Decision(says=(), answer=lambda _: self._gone, effects=self._forget)

    def _forget(self, record: Appender, _: list[Receipt]) -> None:
        record.forget_charges(day_of(self._now) - DAYS_KEPT)
        self._gone = record.forget_answers(self._now - ANSWERS_KEPT)

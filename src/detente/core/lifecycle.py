"""Lifecycles are tables: which state may follow which.

Diagrams in the documentation are drawn from these tables (here,
detente.core.plan, detente.core.report).
"""

from enum import StrEnum
from typing import TypeVar

from detente.errors import Conflict

S = TypeVar("S", bound=StrEnum)
Table = dict[S, set[S]]


class Standing(StrEnum):
    """Whether a notice, presence or zone still asks to be reckoned with.

    It ends by its author's act or its own time window, never by age (R-03).
    """

    IN_FORCE = "in_force"
    WITHDRAWN = "withdrawn"


STANDING_TRANSITIONS: Table[Standing] = {
    Standing.IN_FORCE: {Standing.WITHDRAWN},
    Standing.WITHDRAWN: {Standing.IN_FORCE},
}


def advance(table: Table[S], current: S, wanted: S) -> S:
    """Go from one state to the next, if the table has it.

    Raises:
        Conflict: The table has no such transition.
    """
    if wanted not in table[current]:
        allowed = ", ".join(sorted(table[current])) or "nothing: this state is final"
        raise Conflict(f"transition from {current}", expected=allowed, got=str(wanted))
    return wanted


def diagram(table: Table[S]) -> str:
    """The table as a Mermaid state diagram, in a stable order."""
    lines = ["stateDiagram-v2"]
    for state, followers in table.items():
        lines += [f"    {state} --> {follower}" for follower in sorted(followers)]
        if not followers:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines)

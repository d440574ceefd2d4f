"""The verbs of the check: plans, a picture, the sources asked; verdicts in order, or conflicts."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from detente.core.check import Known, Meeting, Source, Verdict, Withheld, judge, shows_all
from detente.core.conflicts import Conflicts, judge_pairs
from detente.core.plan import Plan, PlanState
from detente.errors import LogInconsistent, Unavailable
from detente.picture import Picture

REGISTER = "register"
"""What a source is called that is the node's own."""

UNREAD = "what is met could not be read"


def check_plans(  # noqa: PLR0913 - an answer stands on all of these
    plans: Sequence[Plan],
    picture: Picture,
    sources: Sequence[Source] = (),
    *,
    now: datetime,
    separation_mm: int = 0,
    together: bool = False,
    withhold: Callable[[Meeting], Withheld | None] = shows_all,
) -> list[Verdict]:
    """Check each plan against everything in the picture. Writes nothing.

    Args:
        plans: In any state.
        picture: What is known.
        sources: What was asked to build the picture, whole or not.
        now: UTC; decides what is stale.
        separation_mm: The least separation wanted from everything.
        together: Also check the plans against each other, as if all were filed.
        withhold: What to show instead of a finding; None where it may be shown.

    Returns:
        One verdict a plan, in the order of the plans.
    """
    stale = picture.stale_count(now)
    try:
        met = picture.meetings(plans, separation_mm=separation_mm)
    except (Unavailable, LogInconsistent) as error:
        # What stands there is not known: that makes the answers incomplete.
        sources = (*sources, Source(name=REGISTER, problem=f"{UNREAD}: {error}"))
        met = [[] for _ in plans]
    if together:
        among = Picture(as_filed(plans), agreement=picture.agreement).meetings(
            plans, separation_mm=separation_mm
        )
        met = [[*known, *others] for known, others in zip(met, among, strict=True)]
    return [
        judge(
            plan,
            meetings,
            sources,
            now=now,
            sequence=picture.sequence,
            stale=stale,
            withhold=withhold,
        )
        for plan, meetings in zip(plans, met, strict=True)
    ]


def as_filed(plans: Sequence[Plan]) -> list[Known]:
    """Plans as they would be known if all were filed."""
    return [Known(value=msgspec.structs.replace(plan, state=PlanState.ACCEPTED)) for plan in plans]


def conflicts_among(
    picture: Picture, sources: Sequence[Source] = (), *, now: datetime, separation_mm: int = 0
) -> Conflicts:
    """Every two plans of the picture that meet. Writes nothing.

    Args:
        picture: What is known; only its plans are asked.
        sources: What was asked to build the picture, whole or not.
        now: UTC.
        separation_mm: The least separation wanted between any two.
    """
    return judge_pairs(
        picture.conflicts(separation_mm=separation_mm),
        sources,
        now=now,
        sequence=picture.sequence,
        plans=picture.plan_count,
    )

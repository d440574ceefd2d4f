"""The verb of the check: plans, a picture, the sources asked; verdicts in order."""

from collections.abc import Sequence
from datetime import datetime

from detente.core.check import Source, Verdict, judge
from detente.core.plan import Plan
from detente.picture import Picture


def check_plans(
    plans: Sequence[Plan],
    picture: Picture,
    sources: Sequence[Source] = (),
    *,
    now: datetime,
    separation_mm: int = 0,
) -> list[Verdict]:
    """Check each plan against everything in the picture. Writes nothing.

    Args:
        plans: In any state.
        picture: What is known.
        sources: What was asked to build the picture, whole or not.
        now: UTC; decides what is stale.
        separation_mm: The least separation wanted from everything.

    Returns:
        One verdict a plan, in the order of the plans.
    """
    stale = picture.stale_count(now)
    return [
        judge(plan, met, sources, now=now, sequence=picture.sequence, stale=stale)
        for plan, met in zip(
            plans, picture.meetings(plans, separation_mm=separation_mm), strict=True
        )
    ]

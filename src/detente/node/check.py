"""The verb of the check: plans, a picture, the sources asked; verdicts in order."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from detente.core.check import Known, Source, Verdict, judge
from detente.core.plan import Plan, PlanState
from detente.picture import Picture


def check_plans(
    plans: Sequence[Plan],
    picture: Picture,
    sources: Sequence[Source] = (),
    *,
    now: datetime,
    separation_mm: int = 0,
    together: bool = False,
) -> list[Verdict]:
    """Check each plan against everything in the picture. Writes nothing.

    Args:
        plans: In any state.
        picture: What is known.
        sources: What was asked to build the picture, whole or not.
        now: UTC; decides what is stale.
        separation_mm: The least separation wanted from everything.
        together: Also check the plans against each other, as if all were filed.

    Returns:
        One verdict a plan, in the order of the plans.
    """
    stale = picture.stale_count(now)
    met = picture.meetings(plans, separation_mm=separation_mm)
    if together:
        filed = [
            Known(value=msgspec.structs.replace(plan, state=PlanState.ACCEPTED)) for plan in plans
        ]
        among = Picture(filed, agreement=picture.agreement).meetings(
            plans, separation_mm=separation_mm
        )
        met = [[*known, *others] for known, others in zip(met, among, strict=True)]
    return [
        judge(plan, meetings, sources, now=now, sequence=picture.sequence, stale=stale)
        for plan, meetings in zip(plans, met, strict=True)
    ]

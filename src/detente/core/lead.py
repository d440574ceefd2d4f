"""Lead times: how early something must be told, by category, as the agreement has it.

What comes late is taken, flagged and told like everything else (H6).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from detente.core.agreement import Agreement
from detente.core.volume import Volume


def begins_late(
    category: str, volumes: Sequence[Volume], agreement: Agreement, *, at: datetime
) -> bool:
    """Whether something begins sooner after ``at`` than the agreement's lead time for it.

    Args:
        category: Of the entry.
        volumes: Where and when it is; one without a start has begun already.
        agreement: In force at that time.
        at: UTC; when it was told.
    """
    lead_s = agreement.lead_times_s.get(category)
    if lead_s is None or not volumes:
        return False
    first = min(at if volume.start is None else volume.start for volume in volumes)
    return first - at < timedelta(seconds=lead_s)

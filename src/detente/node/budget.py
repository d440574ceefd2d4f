"""The budget by area: how much a party may ask of what another withholds from it.

A question that met something withheld names a desk and nothing else; but many
such questions would draw the map. So each is charged its area, by owner and
asker and day, and when the day's area is spent every answer to that asker is
``incomplete`` until midnight UTC: an answer that told apart where nothing is
withheld would go on drawing (docs/rules/R-02.md).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from detente.core.area import asked_km2
from detente.core.check import Meeting, Source
from detente.core.plan import Plan
from detente.core.release import Grade
from detente.core.view import Reader
from detente.core.wire import encode
from detente.store import Appender, Charge

MILLI = 1_000
"""Areas are kept in thousandths of a km²."""


def owners_withholding(meetings: Sequence[Meeting], reader: Reader) -> Mapping[str, float]:
    """Whose entries a plan met of which the reader may see less than an area.

    Gives the largest separation that any of them asked, metres, by owner.
    """
    found: dict[str, float] = {}
    for meeting in meetings:
        value = meeting.known.value
        if reader.grade(value, meeting.known.object_id) in {Grade.FULL, Grade.AREA}:
            continue
        owner = value.party or ""
        found[owner] = max(found.get(owner, 0.0), meeting.separation_m)
    return found


def charge(record: Appender, plan: Plan, withholding: Mapping[str, float], reader: Reader) -> bool:
    """Charge a question to the asker's budgets; whether all of them held.

    The same plan asked again on the same day costs nothing: it learns nothing.
    """
    day = day_of(reader.now)
    digest = sha256(encode(plan)).digest()
    held = True
    limit = reader.agreement.budget_km2_day * MILLI
    for owner, separation_m in withholding.items():
        area = round(asked_km2(plan, separation_m) * MILLI)
        if record.charged(day, owner, reader.party, digest):
            continue
        if record.budget_spent(day, owner, reader.party) + area > limit:
            held = False
            continue
        record.charge(
            Charge(day=day, owner=owner, asker=reader.party, digest=digest, area_km2_milli=area)
        )
    return held


def day_of(now: datetime) -> int:
    """Days since 1970-01-01 UTC."""
    return int(now.astimezone(UTC).timestamp()) // 86_400


SPENT = Source(
    name="withheld entries",
    problem="this day's area of questions about them is spent; call the duty desk",
)
"""Why an answer past the budget is ``incomplete``."""

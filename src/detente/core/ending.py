"""What is over, and what may be erased: only that, so that no check becomes clearer by it.

Source: docs/rules/R-19.md; docs/adr/0019.
"""

from detente.core.erasure import Erasure
from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.plan import PLAN_FINAL, Plan
from detente.core.presence import Presence
from detente.core.report import Report, ReportState
from detente.core.stix import glance_stix
from detente.core.subscription import Subscription
from detente.core.telling import Contested, Objection
from detente.core.warned import Warned, WarnedState
from detente.core.wire import Value
from detente.core.zone import Zone
from detente.errors import InForce, MalformedInput, NotPermitted

ERASABLE = ("notice", "presence", "zone", "plan", "report", "subscription", "objection")
"""Kinds that have an end. All others are what the record is checked by, or bear witness of
what was said to whom."""

_QUOTED_LENGTH_MIN = 4
"""A shorter name stands in many a text by chance."""


def has_ended(value: Value) -> bool:
    """Whether the object is over for good, so that its name is free again."""
    match value:
        case Plan():
            return value.state in PLAN_FINAL
        case Subscription(standing=Standing.WITHDRAWN) | Objection(state=Contested.TAKEN_BACK):
            return True
        case Zone(standing=Standing.WITHDRAWN):
            # F3548 knows no constraint that comes back.
            return value.uss is not None
        case Warned():
            return value.state is not WarnedState.STANDING
        case Report(state=ReportState.RETRACTED) if value.stix:
            # A cyber-observable's name follows from its value: whoever took it back may have
            # to tell of that value again, and STIX has no later version of it.
            return not glance_stix(value.stix).has_versions
        case _:
            return False


def is_over(value: Value) -> bool:
    """Whether its author has ended it, for good or until he says it again."""
    match value:
        case Notice() | Presence() | Zone():
            return value.standing is Standing.WITHDRAWN
        case Report():
            return value.state is ReportState.RETRACTED
        case _:
            return has_ended(value)


def require_erasable(erasure: Erasure, value: Value | None) -> None:
    """Refuse to erase what still counts, or what the record is checked by.

    Args:
        erasure: Of this object.
        value: Its current version; None where that is gone already, as it is for
            whoever verifies the record.

    Raises:
        NotPermitted: Of a kind that is never erased.
        InForce: Its author has not ended it.
        MalformedInput: The order repeats a name of what it is to erase.

    Source:
        docs/rules/R-19.md.
    """
    what = f"erasure of {erasure.kind} {erasure.object}"
    if erasure.kind not in ERASABLE:
        raise NotPermitted(what, expected=f"one of {', '.join(ERASABLE)}")
    if value is None:
        return
    if not is_over(value):
        raise InForce(
            what,
            expected="one that its author has ended: withdraw it first",
            got="one that still counts",
        )
    for name in ("source_id", "name", "title"):
        said = getattr(value, name, None) or ""
        if len(said) >= _QUOTED_LENGTH_MIN and said.casefold() in erasure.order.casefold():
            raise MalformedInput("order", expected="nothing of what is erased, its name included")

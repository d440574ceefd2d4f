"""What accompanies a movement, from a row.

Source: requirement H14; docs/files.md.
"""

from detente.core.notice import VEHICLES_MAX, Escort, Guard
from detente.core.party import FREE_TEXT_MAX
from detente.doors.escort_columns import ESCORT_COLUMNS
from detente.doors.files.columns import Fields
from detente.errors import MalformedInput

_GUARDS = {
    Guard.UNESCORTED: {"escorted": False},
    Guard.UNARMED: {"escorted": True, "armed": False},
    Guard.ARMED: {"escorted": True, "armed": True},
}


def escort_of(fields: Fields) -> Escort | None:
    """What a row says of it; None where it says nothing.

    Raises:
        MalformedInput: An escort, a count or a yes or no that is none.
    """
    if all(fields.raw(name) is None for name in ESCORT_COLUMNS):
        return None
    return Escort(
        **_guarded(fields.text("escort")),
        vehicles=_words(fields, "vehicles"),
        vehicle_count=_count(fields),
        marking=_words(fields, "marking"),
        marking_visible_day=fields.truth("marking_visible_day"),
        marking_visible_thermal=fields.truth("marking_visible_thermal"),
    )


def _guarded(text: str | None) -> dict[str, bool]:
    if text is None:
        return {}
    try:
        return _GUARDS[Guard(text.lower())]
    except ValueError:
        raise MalformedInput("escort", expected=", ".join(Guard), got=text[:80]) from None


def _words(fields: Fields, field: str) -> str:
    text = fields.text(field) or ""
    if len(text) > FREE_TEXT_MAX:
        raise MalformedInput(
            field, expected=f"at most {FREE_TEXT_MAX} characters", got=f"{len(text)}"
        )
    return text


def _count(fields: Fields) -> int | None:
    count = fields.number("vehicle_count")
    if count is None:
        return None
    if not count.is_integer() or not 1 <= count <= VEHICLES_MAX:
        raise MalformedInput(
            "vehicle_count", expected=f"a whole number from 1 to {VEHICLES_MAX}", got=f"{count:g}"
        )
    return int(count)

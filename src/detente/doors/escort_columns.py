"""What accompanies a movement, as columns of a file or of a page of paper (H14)."""

from detente.core.notice import Escort, Guard

ESCORT_COLUMNS: dict[str, type] = {
    "escort": str, "vehicles": str, "vehicle_count": float, "marking": str,
    "marking_visible_day": bool, "marking_visible_thermal": bool,
}  # fmt: skip
"""By the names that an export gives them and a file is read by."""


def said_of(escort: Escort | None) -> dict[str, str | int | bool | None]:
    """What is known of it, by column."""
    if escort is None:
        return {}
    return {
        "escort": None if escort.guard is None else escort.guard.value,
        "vehicles": escort.vehicles or None,
        "vehicle_count": escort.vehicle_count,
        "marking": escort.marking or None,
        "marking_visible_day": escort.marking_visible_day,
        "marking_visible_thermal": escort.marking_visible_thermal,
    }


def told_of(escort: Escort) -> list[tuple[str, str]]:
    """The same as lines for people: a heading, and what it says."""
    count = "" if escort.vehicle_count is None else f"{escort.vehicle_count} in all"
    seen = [
        f"{'' if shows else 'not '}visible {how}"
        for how, shows in (
            ("by day", escort.marking_visible_day),
            ("to a thermal camera", escort.marking_visible_thermal),
        )
        if shows is not None
    ]
    lines = [
        ("Vehicles", "; ".join(one for one in (count, escort.vehicles) if one)),
        ("Escort", "" if escort.guard is None else _GUARDED[escort.guard]),
        ("Marking", "; ".join(one for one in (escort.marking, *seen) if one)),
    ]
    return [(heading, text) for heading, text in lines if text]


_GUARDED = {Guard.UNESCORTED: "none", Guard.UNARMED: "unarmed", Guard.ARMED: "armed"}

"""An agreement as people write it, in TOML with metres, seconds and hours.

::

    name = "Fire air operations, January 2025"
    members = ["fire-air", "med-air"]
    source_age_max_hours = 24

    [separations.medical]
    horizontal_m = 1500
    vertical_m = 150

    [hotline]
    near_m = 20_000
    ladder = [{ after_s = 60, rings = "next_desk" }, { after_s = 300, rings = "all_members" }]
"""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from detente.core.agreement import Agreement, Hotline, Rung, Separation
from detente.core.edges import length_mm
from detente.core.volume import MM_PER_M
from detente.errors import MalformedInput

_TEXT_MAX = 1_000_000
"""Bytes: an agreement is terms, not data."""


class _Separation(Struct, forbid_unknown_fields=True):
    horizontal_m: float
    vertical_m: float = 0.0


class _Hotline(Struct, frozen=True, forbid_unknown_fields=True):
    near_m: float = Hotline().near_mm / MM_PER_M
    ladder: tuple[Rung, ...] = Hotline().ladder


class _Terms(Struct, forbid_unknown_fields=True):
    name: str
    members: tuple[str, ...] = ()
    activities: tuple[str, ...] = ()
    separations: dict[str, _Separation] = {}
    lead_time_hours: dict[str, Annotated[float, Meta(ge=0)]] = {}
    source_age_max_hours: Annotated[float, Meta(ge=0)] | None = None
    hotline: _Hotline = _Hotline()


def read_agreement(path: Path) -> Agreement:
    """The agreement in a TOML file.

    Raises:
        MalformedInput: Not there, not TOML, an unknown field, or out of a limit.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_TEXT_MAX).decode()
        terms = msgspec.convert(tomllib.loads(text), _Terms)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MalformedInput(f"{path}", expected="an agreement in TOML", got=f"{error}") from None
    age = terms.source_age_max_hours
    values = {
        "type": "agreement",
        "name": terms.name,
        "members": terms.members,
        "activities": terms.activities,
        "separations": {
            category: Separation(
                horizontal_mm=length_mm(one.horizontal_m, what=f"separations.{category}"),
                vertical_mm=length_mm(one.vertical_m, what=f"separations.{category}"),
            )
            for category, one in terms.separations.items()
        },
        "lead_times_s": {
            kind: round(hours * 3_600) for kind, hours in terms.lead_time_hours.items()
        },
        "source_age_max_s": None if age is None else round(age * 3_600),
        "hotline": {
            "near_mm": length_mm(terms.hotline.near_m, what="hotline.near_m"),
            "ladder": terms.hotline.ladder,
        },
    }
    try:
        return msgspec.convert(msgspec.to_builtins(values), Agreement)
    except msgspec.ValidationError as error:
        raise MalformedInput(f"{path}", expected="an agreement", got=f"{error}") from None

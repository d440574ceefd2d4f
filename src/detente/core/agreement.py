"""Agreement: versioned terms between parties.

What was left unsaid in the memorandum of 20 October 2015 (which aircraft, how
far is safe, over which border) is data here, so that software can warn of it
(M11, M17).
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.party import Category, Desk, Name, PartyId, PublicKey
from detente.core.volume import RadiusMm, UtcTime, Volume
from detente.errors import MalformedInput

CategoryOrRest = Annotated[str, Meta(pattern=r"^(\*|[a-z0-9][a-z0-9_/-]{0,62})$(?!\n)")]
BUDGET_DEFAULT_KM2 = 10_000
"""A day's plans of one operator, several times over: a fire of 100 km by 100 km."""

Vkey = Annotated[
    str,
    Meta(
        pattern=r"^[^\s+]{1,255}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{1,2000}={0,2}$(?!\n)", max_length=2_300
    ),
]
"""A verifier key: name, short id and key, C2SP signed-note, "Verifier keys"."""

BudgetKm2 = Annotated[int, Meta(ge=0, le=510_000_000)]
Seconds = Annotated[int, Meta(ge=0, le=10 * 366 * 86_400)]


class Separation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The least distance to keep from entries of one category."""

    horizontal_mm: RadiusMm
    vertical_mm: RadiusMm = 0


class Rings(StrEnum):
    """Whom a rung of the hotline's ladder calls of those who have not answered."""

    NEXT_DESK = "next_desk"
    ALL_DESKS = "all_desks"
    ALL_MEMBERS = "all_members"


class Rung(Struct, frozen=True, kw_only=True):
    """So long after the first call, while nobody has answered, these are called."""

    after_s: Annotated[int, Meta(ge=1, le=86_400)]
    rings: Rings


RUNGS_MAX = 10
"""A ladder that takes longer to climb than to read is no ladder."""


class Hotline(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom the hotline calls, and when it calls again.

    Twenty kilometres is where an aircraft that strikes may circle, and its crew still turns in
    time. The times are those at which callers in 2015 and 2016 should have been passed on (M2).

    Raises:
        MalformedInput: The ladder's times do not rise, or it has too many rungs.
    """

    near_mm: RadiusMm = 20_000_000
    ladder: Annotated[tuple[Rung, ...], Meta(max_length=RUNGS_MAX)] = (
        Rung(after_s=60, rings=Rings.NEXT_DESK),
        Rung(after_s=120, rings=Rings.ALL_DESKS),
        Rung(after_s=300, rings=Rings.ALL_MEMBERS),
    )

    def __post_init__(self) -> None:
        times = [one.after_s for one in self.ladder]
        if times != sorted(set(times)) or len(times) > RUNGS_MAX:
            raise MalformedInput("ladder", expected=f"at most {RUNGS_MAX} rising times")


class AgreementState(StrEnum):
    """In force or suspended; safety-of-life calls stay on while suspended (M12)."""

    IN_FORCE = "in_force"
    SUSPENDED = "suspended"


class Agreement(Struct, frozen=True, kw_only=True, tag="agreement", omit_defaults=True):
    """Who is bound, over what area, with which separations and lead times.

    ``separations`` maps a category, or ``*`` for all others, to a distance.
    ``source_age_max_s`` is how old a source may be before a check that needs
    it is ``incomplete``. ``desk`` answers where an author's own desk may not be
    named. ``budget_km2_day`` is how much area a day one party may ask of what
    another withholds from it (R-02). ``node_keys`` are those with which the node that keeps
    the record signs: the agreement is leaf 0, so all trust in the record starts
    from it. ``log_keys`` are those with which the node signs checkpoints of the record,
    under the log's origin, as C2SP signed-note spells them (docs/adr/0018). ``hotline`` is whom
    a call reaches, and when (docs/hotline.md).
    """

    name: Name
    members: Annotated[tuple[PartyId, ...], Meta(max_length=1_000)] = ()
    area: Annotated[tuple[Volume, ...], Meta(max_length=1_000)] = ()
    activities: Annotated[tuple[Category, ...], Meta(max_length=1_000)] = ()
    separations: dict[CategoryOrRest, Separation] = {}
    lead_times_s: dict[Category, Seconds] = {}
    source_age_max_s: Seconds | None = None
    desk: Desk | None = None
    budget_km2_day: BudgetKm2 = BUDGET_DEFAULT_KM2
    node_keys: Annotated[tuple[PublicKey, ...], Meta(max_length=10)] = ()
    log_keys: Annotated[tuple[Vkey, ...], Meta(max_length=10)] = ()
    state: AgreementState = AgreementState.IN_FORCE
    suspended_at: UtcTime | None = None
    hotline: Hotline = Hotline()

    def separation(self, category: str) -> Separation:
        """What the agreement asks for ``category``; nothing if it is silent."""
        default = self.separations.get("*", NOTHING_AGREED)
        return self.separations.get(category, default)


NOTHING_AGREED = Separation(horizontal_mm=0)

"""Plan: what a party intends to do, as volumes, with a lifecycle."""

from enum import StrEnum

from msgspec import Struct

from detente.core.lifecycle import Table
from detente.core.notice import SourceId, Volumes, check_legs
from detente.core.party import Category, Name, PartyId
from detente.core.release import Release
from detente.core.uss import Uss
from detente.core.volume import RadiusMm


class PlanState(StrEnum):
    """F3548-21 section 4.4 states, with Draft before and Withdrawn after."""

    DRAFT = "draft"
    ACCEPTED = "accepted"
    ACTIVATED = "activated"
    NONCONFORMING = "nonconforming"
    CONTINGENT = "contingent"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


PLAN_TRANSITIONS: Table[PlanState] = {
    PlanState.DRAFT: {PlanState.ACCEPTED, PlanState.WITHDRAWN},
    PlanState.ACCEPTED: {
        PlanState.ACTIVATED,
        PlanState.NONCONFORMING,
        PlanState.CONTINGENT,
        PlanState.ENDED,
        PlanState.WITHDRAWN,
    },
    PlanState.ACTIVATED: {PlanState.NONCONFORMING, PlanState.CONTINGENT, PlanState.ENDED},
    PlanState.NONCONFORMING: {PlanState.ACTIVATED, PlanState.CONTINGENT, PlanState.ENDED},
    PlanState.CONTINGENT: {PlanState.ENDED},
    PlanState.ENDED: set(),
    PlanState.WITHDRAWN: set(),
}

PLAN_PROTECTS = frozenset(
    {PlanState.ACCEPTED, PlanState.ACTIVATED, PlanState.NONCONFORMING, PlanState.CONTINGENT}
)
"""States in which others must reckon with the plan."""

PLAN_FINAL = frozenset(state for state, followers in PLAN_TRANSITIONS.items() if not followers)
"""States from which there is no way on; the plan's name is free again."""


class Plan(Struct, frozen=True, kw_only=True, tag="plan", omit_defaults=True):
    """An intended activity; ``hazard_mm`` is the distance at which it may do harm."""

    source_id: SourceId
    volumes: Volumes
    name: Name | None = None
    party: PartyId | None = None
    category: Category = "plan"
    hazard_mm: RadiusMm = 0
    state: PlanState = PlanState.DRAFT
    desk: PartyId | None = None
    release: Release | None = None
    uss: Uss | None = None

    def __post_init__(self) -> None:
        check_legs(self.volumes)

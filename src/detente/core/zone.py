"""Zone: an agreed restriction over a territory.

Only restrictive and awareness measures exist here. A measure that grants
permission (a free-fire area, a kill box) is not modelled (PRACTICE section 4).
"""

from datetime import datetime

from msgspec import Struct

from detente.core.lifecycle import Standing
from detente.core.notice import SourceId, Volumes, check_legs
from detente.core.party import Category, Name, PartyId
from detente.core.release import Release
from detente.core.uss import Uss
from detente.core.volume import RadiusMm, UtcTime
from detente.core.zone_rule import ZoneRule

__all__ = ["Zone", "ZoneRule"]


class Zone(Struct, frozen=True, kw_only=True, tag="zone", omit_defaults=True):
    """A territory and what it asks; ``uncertainty_mm`` is how well its line is known."""

    source_id: SourceId
    name: Name
    party: PartyId | None = None
    rule: ZoneRule
    volumes: Volumes
    category: Category = "zone"
    standoff_mm: RadiusMm = 0
    uncertainty_mm: RadiusMm = 0
    review_due: UtcTime | None = None
    disputed: bool = False
    standing: Standing = Standing.IN_FORCE
    desk: PartyId | None = None
    release: Release | None = None
    uss: Uss | None = None

    def __post_init__(self) -> None:
        check_legs(self.volumes)

    def is_stale(self, now: datetime) -> bool:
        """Whether the review is overdue at ``now``."""
        return self.review_due is not None and self.review_due < now

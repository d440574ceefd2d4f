"""Availability: whether a party's own server answers, as ASTM F3548-21 has it."""

from enum import StrEnum

from msgspec import Struct

from detente.core.notice import SourceId
from detente.core.party import PartyId


class AvailabilityState(StrEnum):
    """A party whose server is down may not make new plans (F3548-21 section 5.3)."""

    UNKNOWN = "unknown"
    NORMAL = "normal"
    DOWN = "down"


class Availability(Struct, frozen=True, kw_only=True, tag="availability", omit_defaults=True):
    """What ``party`` declares of the server of ``source_id``, which may be another's."""

    source_id: SourceId
    party: PartyId
    state: AvailabilityState

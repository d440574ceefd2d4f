"""What F3548 keeps: intents, constraints, subscriptions, as its service sees them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

from msgspec import Struct

from detente.core.availability import AvailabilityState
from detente.core.plan import Plan, PlanState
from detente.core.subscription import Subscription
from detente.core.volume import Volume
from detente.core.zone import Zone
from detente.errors import MalformedInput
from detente.node.f3548.extent import Extent, extent_of

PLANS, ZONES = "plan", "zone"
"""What a subscription may be told of, as EntryKind calls them."""

_CANONICAL = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_ID_LENGTH_MAX = 45
"""The longest spelling that UUID() takes, urn:uuid: and all."""

_VERSION_SHIFT, _VARIANT_SHIFT = 76, 62
"""Where a UUID says of what kind it is (RFC 9562 section 4)."""


class Intent(Struct, frozen=True, kw_only=True, gc=False):
    """A plan that others must reckon with, as F3548 sees it.

    Attributes:
        id: Its name; of a native one its object's id, which no name at this door can be.
        ovn: What others must show to know of this version.
        token: The version token of its entry, of which the OVN is made unless
            its manager asked for another.
        native: Not filed as F3548's: its cells are widened by what the plan and
            the agreement ask between plans, and the node speaks for it.
    """

    id: str
    object_id: str
    party: str
    version: int
    token: str
    ovn: str
    plan: Plan
    extent: Extent
    native: bool

    @property
    def state(self) -> PlanState:
        """Of its lifecycle."""
        return self.plan.state

    @property
    def subscription(self) -> str | None:
        """By which its manager hears of what it must reckon with."""
        return None if self.plan.uss is None else self.plan.uss.subscription


class Constraint(Struct, frozen=True, kw_only=True, gc=False):
    """A zone that was filed as F3548's constraint."""

    id: str
    object_id: str
    party: str
    version: int
    ovn: str
    zone: Zone
    extent: Extent

    @classmethod
    def of(cls, object_id: str, version: int, zone: Zone, token: str) -> Self:
        """A current zone's."""
        return cls(
            id=zone.source_id,
            object_id=object_id,
            party=zone.party or "",
            version=version,
            ovn=token,
            zone=zone,
            extent=extent_of(zone.volumes),
        )


class Wish(Struct, frozen=True, kw_only=True, gc=False):
    """A subscription that was made as F3548's; ``token`` is its version there.

    Its owner is told at ``base_url``.
    """

    id: str
    object_id: str
    party: str
    version: int
    token: str
    value: Subscription
    extent: Extent
    base_url: str
    plans: bool
    zones: bool

    @classmethod
    def of(cls, object_id: str, version: int, value: Subscription, token: str) -> Self:
        """A current subscription's."""
        return cls(
            id=value.source_id,
            object_id=object_id,
            party=value.party,
            version=version,
            token=token,
            value=value,
            extent=extent_of(value.volumes),
            base_url="" if value.uss is None else value.uss.base_url,
            plans=PLANS in value.kinds,
            zones=ZONES in value.kinds,
        )

    @property
    def implicit(self) -> bool:
        """Whether it was made for an intent, and goes with it."""
        return self.value.implicit


class Declared(Struct, frozen=True, kw_only=True, gc=False):
    """The last word on a USS's availability; ``token`` is its version."""

    state: AvailabilityState = AvailabilityState.UNKNOWN
    token: str = ""


def is_native(value: object) -> bool:
    """Whether a plan or zone was filed by another door than F3548's."""
    return isinstance(value, Plan | Zone) and value.uss is None


def window(volumes: Sequence[Volume]) -> tuple[datetime | None, datetime | None]:
    """From the first start to the last end; None where one is open."""
    starts = [volume.start for volume in volumes if volume.start is not None]
    ends = [volume.end for volume in volumes if volume.end is not None]
    return (
        min(starts) if starts and len(starts) == len(volumes) else None,
        max(ends) if ends and len(ends) == len(volumes) else None,
    )


def entity_id(text: str, *, what: str) -> str:
    """A UUID in its canonical spelling, from any.

    Raises:
        MalformedInput: Not a UUID.
    """
    if _CANONICAL.fullmatch(text):
        return text
    try:
        if len(text) <= _ID_LENGTH_MAX:
            return str(UUID(text))
    except ValueError:
        pass
    raise MalformedInput(what, expected="a UUID")


def id_of_object(object_id: str) -> str:
    """What F3548 calls an object that was not filed there: its id as a UUID of version 4."""
    return str(UUID(hex=object_id, version=4))


def objects_called(name: str) -> tuple[str, ...]:
    """The ids of objects that ``id_of_object`` calls so: of six of their bits it tells nothing."""
    number = UUID(name)
    if id_of_object(number.hex) != str(number):
        return ()
    rest = number.int & ~(0xF << _VERSION_SHIFT | 0x3 << _VARIANT_SHIFT)
    return tuple(
        f"{rest | version << _VERSION_SHIFT | variant << _VARIANT_SHIFT:032x}"
        for version in range(16)
        for variant in range(4)
    )


def is_entity_id(name: str) -> bool:
    """Whether a name is a UUID in its canonical spelling."""
    return _CANONICAL.fullmatch(name) is not None

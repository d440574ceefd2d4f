"""What F3548's service answers: references, and whom their manager must tell."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from detente.core.availability import AvailabilityState
from detente.core.plan import PlanState
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.entities import Constraint, Intent, Wish, window
from detente.node.f3548.terms import Terms

OVN_OF_OTHERS = "Available from USS"
"""Instead of the OVN of what another manages: that must be had from its manager, so
that whoever shows it has seen the details. The words are InterUSS's, which its
clients know."""

NO_SUBSCRIPTION = "00000000-0000-4000-8000-000000000000"
"""F3548 wants the id of a subscription even where an intent has none."""


class IntentReference(Struct, frozen=True, kw_only=True):
    """An intent, as others may know of it."""

    id: str
    manager: str
    availability: AvailabilityState
    version: int
    state: PlanState
    ovn: str
    starts: datetime | None
    ends: datetime | None
    base_url: str
    subscription: str


class ConstraintReference(Struct, frozen=True, kw_only=True):
    """A constraint, as others may know of it."""

    id: str
    manager: str
    availability: AvailabilityState
    version: int
    ovn: str
    starts: datetime | None
    ends: datetime | None
    base_url: str


class SubscriptionView(Struct, frozen=True, kw_only=True):
    """A subscription, as its owner sees it."""

    id: str
    version: str
    told: int
    starts: datetime | None
    ends: datetime | None
    base_url: str
    plans: bool
    zones: bool
    implicit: bool
    dependents: tuple[str, ...]


class SubscriptionState(Struct, frozen=True, gc=False):
    """How often a subscription was told of something. Named as F3548 names it."""

    subscription_id: str
    notification_index: int


class Told(Struct, frozen=True, kw_only=True):
    """Whom to tell of a change: by address, subscriptions and their notification index."""

    by_url: dict[str, list[SubscriptionState]]


class IntentChanged(Struct, frozen=True, kw_only=True):
    """An intent after a change, and whom its manager must tell."""

    intent: IntentReference
    told: Told


class ConstraintChanged(Struct, frozen=True, kw_only=True):
    """A constraint after a change, and whom its manager must tell."""

    constraint: ConstraintReference
    told: Told


class SubscriptionChanged(Struct, frozen=True, kw_only=True):
    """A subscription after a change, and what is there already, of the kinds it is for."""

    subscription: SubscriptionView
    intents: tuple[IntentReference, ...] | None = None
    constraints: tuple[ConstraintReference, ...] | None = None


class AvailabilityView(Struct, frozen=True, kw_only=True):
    """What was last declared of a USS."""

    uss: str
    state: AvailabilityState
    version: str


def intent_reference(airspace: Airspace, intent: Intent, asker: str) -> IntentReference:
    """A filed intent, as ``asker`` may know of it."""
    manager = airspace.manager(intent.party)
    starts, ends = window(intent.plan.volumes)
    return IntentReference(
        id=intent.id,
        manager=manager,
        availability=airspace.availability(manager).state,
        version=intent.version,
        state=intent.state,
        ovn=intent.ovn if intent.party == asker else OVN_OF_OTHERS,
        starts=starts,
        ends=ends,
        base_url="" if intent.plan.uss is None else intent.plan.uss.base_url,
        subscription=intent.subscription or NO_SUBSCRIPTION,
    )


def constraint_reference(
    airspace: Airspace, constraint: Constraint, asker: str
) -> ConstraintReference:
    """A constraint, as ``asker`` may know of it."""
    manager = airspace.manager(constraint.party)
    starts, ends = window(constraint.zone.volumes)
    return ConstraintReference(
        id=constraint.id,
        manager=manager,
        availability=airspace.availability(manager).state,
        version=constraint.version,
        ovn=constraint.ovn if constraint.party == asker else OVN_OF_OTHERS,
        starts=starts,
        ends=ends,
        base_url="" if constraint.zone.uss is None else constraint.zone.uss.base_url,
    )


def subscription_view(
    airspace: Airspace, wish: Wish, *, told: int | None = None
) -> SubscriptionView:
    """A subscription, as its owner sees it; ``told`` where the index goes by the clock."""
    starts, ends = window(wish.value.volumes)
    return SubscriptionView(
        id=wish.id,
        version=wish.token,
        told=airspace.told(wish.id) if told is None else told,
        starts=starts,
        ends=ends,
        base_url=wish.base_url,
        plans=wish.plans,
        zones=wish.zones,
        implicit=wish.implicit,
        dependents=airspace.dependents(wish.id),
    )


def told(
    airspace: Airspace,
    wishes: Iterable[Wish],
    terms: Terms,
    now: datetime,
    made: tuple[str, str] | None = None,
) -> Told:
    """Whom to tell of a change that is about to be said.

    Args:
        airspace: Before it is said.
        wishes: The subscriptions that must be told.
        terms: How indices are made.
        now: UTC.
        made: Id and address of one more, which is made by the same act.
    """
    by_url: defaultdict[str, list[SubscriptionState]] = defaultdict(list)
    index = terms.index(0, now) if terms.clock_indices else None
    counts = airspace.indices
    for wish in wishes:
        name = wish.id
        by_url[wish.base_url].append(
            SubscriptionState(name, counts[name] + 1 if index is None else index)
        )
    if made is not None:
        name, url = made
        by_url[url].append(
            SubscriptionState(name, counts.get(name, 0) + 1 if index is None else index)
        )
    return Told(by_url=dict(by_url))

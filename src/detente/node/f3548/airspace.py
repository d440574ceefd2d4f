"""The airspace: plans, constraints, subscriptions and availabilities, as F3548 asks for them.

An index in memory, folded from the record. No answer is ever cut short.

How often a subscription was to be told of something (its notification index) is
no fact of its own: it is the number of changes, since the subscription was made,
that it had to be told of. So it is counted while entries are folded in, and
counted anew from the record at start (detente.node.f3548.recount).

Source: ASTM F3548-21 annex A2; docs/adr/0012.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from detente.core.agreement import NOTHING_AGREED, Agreement, Separation
from detente.core.availability import Availability
from detente.core.lifecycle import Standing
from detente.core.party import Party
from detente.core.plan import PLAN_PROTECTS, Plan
from detente.core.subscription import Subscription
from detente.core.wire import Value
from detente.core.zone import Zone
from detente.node.f3548.by_cell import ByCell
from detente.node.f3548.entities import (
    Constraint,
    Declared,
    Intent,
    Wish,
    id_of_object,
    is_entity_id,
)
from detente.node.f3548.extent import Extent, extent_if, extent_of, union
from detente.store import Owed

INTENT_CATEGORY = "plan"
"""F3548 has no categories: its intents are plans like any other."""

_UNKNOWN = Declared()


class Airspace:
    """What F3548's service knows, at one state of the record.

    Args:
        agreement: Whose separation between plans widens the native ones.

    Attributes:
        intents: Plans that protect, by id.
        constraints: Constraints that stand, by id.
        wishes: Subscriptions that stand, by id.
        counts_kept: Up to which entry the notification indices are kept beside the record.
        last_owed: The last entry of which the node itself had to tell a peer; -1 for none.
    """

    def __init__(self, agreement: Agreement | None = None) -> None:
        self.intents: dict[str, Intent] = {}
        self.constraints: dict[str, Constraint] = {}
        self.wishes: dict[str, Wish] = {}
        self.counts_kept = 0
        self.last_owed = -1
        self._agreement = agreement
        self._intents: ByCell[Intent] = ByCell()
        self._constraints: ByCell[Constraint] = ByCell()
        self._wishes: ByCell[Wish] = ByCell()
        self._asked: tuple[Extent, list[Wish]] | None = None
        self._names: dict[str, str] = {}
        self._natives: dict[str, str] = {}
        self._dependents: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._explicit: defaultdict[str, int] = defaultdict(int)
        self._told: dict[str, int] = {}
        self._counting = False
        self._declared: dict[str, Declared] = {}
        self._declarations: dict[tuple[str, str], tuple[str, int]] = {}
        self._managers: dict[str, str] = {}

    def intents_in(self, extent: Extent) -> list[Intent]:
        """All intents that share a cell, altitudes and times."""
        return self._intents.at(extent)

    def constraints_in(self, extent: Extent) -> list[Constraint]:
        """All constraints that share a cell, altitudes and times."""
        return self._constraints.at(extent)

    def native(self, name: str) -> Intent | None:
        """The native plan that F3548's door calls so (``id_of_object``)."""
        return self.intents.get(self._natives.get(name, ""))

    def wishes_in(self, extent: Extent) -> Sequence[Wish]:
        """All subscriptions that share a cell, altitudes and times.

        The last answer is kept: whom to tell of a change is asked before it is said, and
        counted as it is folded in.
        """
        if self._asked is None or self._asked[0] != extent:
            self._asked = extent, self._wishes.at(extent)
        return self._asked[1]

    def told(self, subscription: str) -> int:
        """How often a subscription was to be told: its notification index."""
        return self._told.get(subscription, 0)

    @property
    def indices(self) -> Mapping[str, int]:
        """The notification indices of all subscriptions that stand, as they change."""
        return self._told

    def dependents(self, subscription: str) -> tuple[str, ...]:
        """Ids of the intents that rely on a subscription."""
        found = self._dependents.get(subscription)
        return () if found is None else tuple(found)

    def explicit_count(self, party: str) -> int:
        """How many subscriptions a party has made by itself."""
        return self._explicit.get(party, 0)

    def manager(self, party: str) -> str:
        """What F3548 calls a party."""
        return self._managers.get(party, party)

    def availability(self, uss: str) -> Declared:
        """What was last declared of a USS; unknown if nothing was."""
        return self._declared.get(uss, _UNKNOWN)

    def declaration(self, party: str, uss: str) -> tuple[str, int] | None:
        """Object and version by which a party declared a USS's availability before."""
        return self._declarations.get((party, uss))

    def owe(self, rows: Iterable[Owed]) -> None:
        """Count what the node itself tells peers of; a subscription that ended counts no more."""
        for row in rows:
            self.last_owed = row.sequence
            name = self._names.get(row.subscription)
            if name in self._told:
                self._told[name] += 1

    def native_extent(self, plan: Plan) -> Extent:
        """The extent of a native plan, with what it and the agreement ask around it."""
        widening = self.widening(plan)
        return extent_of(
            plan.volumes, widen_mm=widening.horizontal_mm, heighten_mm=widening.vertical_mm
        )

    def widening(self, plan: Plan) -> Separation:
        """How far around a native plan F3548's intents must know of it."""
        return _widening(self._agreement, plan)

    def begin(self, told: Mapping[str, int]) -> None:
        """Count from now on how often subscriptions are to be told.

        Args:
            told: By subscription, how often that was so far.
        """
        self._told = {name: told.get(name, 0) for name in self.wishes}
        self._counting = True

    def fold(self, object_id: str, version: int, value: Value, token: str) -> None:
        """Take in the current version of an object; ``token`` is its version token."""
        match value:
            case Plan():
                self._fold_plan(object_id, version, value, token)
            case Subscription():
                self._fold_subscription(object_id, version, value, token)
            case Zone():
                self._fold_zone(object_id, version, value, token)
            case Availability():
                self._declared[value.source_id] = Declared(state=value.state, token=token)
                self._declarations[value.party, value.source_id] = (object_id, version)
            case Party():
                self._managers[value.id] = value.subject or value.id
            case Agreement():
                self._agree(value)
            case _:
                pass

    def _fold_plan(self, object_id: str, version: int, plan: Plan, token: str) -> None:
        name = self._names.get(object_id)
        old = None if name is None else self.intents[name]
        new: Intent | None = None
        if plan.state in PLAN_PROTECTS:
            new = self._intent(object_id, version, plan, token)
        self._replace_intent(old, new)
        # Of what was not filed here some are told, by release (detente.node.f3548.owing).
        self._count(_filed_extent(old), _filed_extent(new), plans=True)

    def _replace_intent(self, old: Intent | None, new: Intent | None) -> None:
        if new is not None:
            self.intents[new.id] = new
            self._names[new.object_id] = new.id
            if new.native:
                self._natives[id_of_object(new.object_id)] = new.id
            if new.subscription is not None:
                self._dependents[new.subscription][new.id] = None
        self._intents.put(new, old)
        if old is None:
            return
        if new is None or new.id != old.id:
            del self.intents[old.id]
        if new is None:
            del self._names[old.object_id]
            self._natives.pop(id_of_object(old.object_id), None)
        if old.subscription is not None and (
            new is None or (new.id, new.subscription) != (old.id, old.subscription)
        ):
            self._undepend(old.subscription, old.id)

    def _undepend(self, subscription: str, intent: str) -> None:
        rest = self._dependents[subscription]
        rest.pop(intent, None)
        if not rest:
            del self._dependents[subscription]

    def _intent(self, object_id: str, version: int, plan: Plan, token: str) -> Intent:
        """F3548's view of a plan. One that was not filed there bears its object's id."""
        name = plan.source_id
        filed = plan.uss is not None and is_entity_id(name)
        bearer = self.intents.get(name) if filed else None
        if bearer is not None and bearer.object_id != object_id:
            # Another party's intent bears this id; neither may hide the other.
            filed = False
        if filed:
            extent = extent_of(plan.volumes)
        else:
            name, extent = object_id, self.native_extent(plan)
        suffix = None if plan.uss is None else plan.uss.ovn_suffix
        return Intent(
            id=name,
            object_id=object_id,
            party=plan.party or "",
            version=version,
            token=token,
            ovn=token if suffix is None else requested_ovn(name, suffix),
            plan=plan,
            extent=extent,
            native=not filed,
        )

    def _fold_zone(self, object_id: str, version: int, zone: Zone, token: str) -> None:
        name = self._names.get(object_id)
        old = None if name is None else self.constraints[name]
        new: Constraint | None = None
        if zone.uss is not None and zone.standing is Standing.IN_FORCE:
            bearer = self.constraints.get(zone.source_id)
            if is_entity_id(zone.source_id) and (bearer is None or bearer is old):
                new = Constraint.of(object_id, version, zone, token)
                self.constraints[new.id] = new
                self._names[object_id] = new.id
        self._constraints.put(new, old)
        if old is not None and new is None:
            del self.constraints[old.id], self._names[object_id]
        self._count(extent_if(old), extent_if(new), plans=False)

    def _fold_subscription(
        self, object_id: str, version: int, value: Subscription, token: str
    ) -> None:
        name = self._names.get(object_id)
        old = None if name is None else self.wishes[name]
        new: Wish | None = None
        if value.uss is not None and value.volumes and value.standing is Standing.IN_FORCE:
            bearer = self.wishes.get(value.source_id)
            if is_entity_id(value.source_id) and (bearer is None or bearer is old):
                new = Wish.of(object_id, version, value, token)
                self.wishes[new.id] = new
                self._names[object_id] = new.id
                self._told.setdefault(new.id, 0)
                self._explicit[new.party] += not new.implicit
        self._wishes.put(new, old)
        self._keep_asked(new, old)
        if old is not None:
            self._explicit[old.party] -= not old.implicit
            if new is None:
                del self.wishes[old.id], self._names[object_id], self._told[old.id]

    def _keep_asked(self, new: Wish | None, old: Wish | None) -> None:
        """A subscription that comes with its intent joins those that were just asked for."""
        asked, self._asked = self._asked, None
        if asked is not None and old is None and new is not None and new.extent == asked[0]:
            asked[1].append(new)
            self._asked = asked

    def _count(self, old: Extent | None, new: Extent | None, *, plans: bool) -> None:
        """Each subscription that must be told of a change was to be told once more."""
        extent = changed(old, new)
        if extent is None or not self._counting:
            return
        told = self._told
        for wish in self.wishes_in(extent):
            if wish.plans if plans else wish.zones:
                told[wish.id] += 1

    def _agree(self, agreement: Agreement) -> None:
        """A new agreement widens native plans anew, where it asks for another distance."""
        before, self._agreement = self._agreement, agreement
        for old in [intent for intent in self.intents.values() if intent.native]:
            if _widening(before, old.plan) != _widening(agreement, old.plan):
                new = self._intent(old.object_id, old.version, old.plan, old.token)
                self._replace_intent(old, new)


def changed(old: Extent | None, new: Extent | None) -> Extent | None:
    """Where and when a change matters: where it was and where it is."""
    if old is None:
        return new
    return old if new is None else union(old, new)


def requested_ovn(name: str, suffix: str) -> str:
    """The OVN that a manager asked for."""
    return f"{name}_{suffix}"


def _filed_extent(intent: Intent | None) -> Extent | None:
    return None if intent is None or intent.native else intent.extent


def _widening(agreement: Agreement | None, plan: Plan) -> Separation:
    """The larger of what the agreement asks for its category and for an intent's."""
    asked = [
        NOTHING_AGREED if agreement is None else agreement.separation(category)
        for category in (plan.category, INTENT_CATEGORY)
    ]
    return Separation(
        horizontal_mm=max(plan.hazard_mm, *(one.horizontal_mm for one in asked)),
        vertical_mm=max(one.vertical_mm for one in asked),
    )

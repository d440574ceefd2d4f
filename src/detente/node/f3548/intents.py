"""Commands on operational intent references: create, update, delete.

An intent is accepted or activated only by who shows the OVN of every other
intent that shares cells, altitudes and times with it, of every constraint where
its manager processes constraints, and of everything else that it meets here
(docs/rules/R-05.md). Off-nominal states are made known as flown, and take no key.

In order of precedence, a request is refused because (1) it is malformed, (2) its
scope does not have the state, (3) the intent is another's, (4) it is of another
version, (5) its state does not follow, (6) its manager was declared down, (7) its
subscription does not serve, (8) its key lacks something.

Source: ASTM F3548-21 annex A2; docs/adr/0012.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from msgspec import Struct, structs

from detente.core.availability import AvailabilityState
from detente.core.entry import EntryKind
from detente.core.plan import PLAN_TRANSITIONS, Plan, PlanState
from detente.core.principal import Principal, Scope
from detente.core.uss import Uss
from detente.core.volume import Volume
from detente.errors import MalformedInput, NotFound, NotPermitted, Stale
from detente.node.engine import Decision, Said
from detente.node.f3548.airspace import Airspace, changed, requested_ovn
from detente.node.f3548.attach import Attached, NewSubscription, Wanted, attach, released, withdrawn
from detente.node.f3548.entities import Intent, window
from detente.node.f3548.extent import Extent, extent_if, extent_of
from detente.node.f3548.others import missing_others
from detente.node.f3548.recount import keeping
from detente.node.f3548.references import (
    NO_SUBSCRIPTION,
    IntentChanged,
    IntentReference,
    Told,
    constraint_reference,
    intent_reference,
    told,
)
from detente.node.f3548.refusals import DeclaredDown, Unaware
from detente.node.f3548.terms import (
    Terms,
    require_extent,
    require_not_past,
    require_suffix,
    require_url,
)
from detente.node.f3548.touching import touching
from detente.node.moment import Moment
from detente.node.rules import require_answered, require_in_force
from detente.node.submit import Receipt, Touches

_WHAT = "operational intent"

_KEYED = frozenset({PlanState.ACCEPTED, PlanState.ACTIVATED})
"""States in which an intent is deconflicted."""

_OFF_NOMINAL = frozenset({PlanState.NONCONFORMING, PlanState.CONTINGENT})


class IntentAsked(Struct, frozen=True, kw_only=True):
    """What a request says of an intent; ``ovn`` None creates it."""

    id: str
    ovn: str | None
    state: PlanState
    volumes: tuple[Volume, ...]
    base_url: str
    key: frozenset[str] = frozenset()
    subscription: str | None = None
    new_subscription: NewSubscription | None = None
    suffix: str | None = None


class PutIntent(Struct, kw_only=True):
    """Creates or updates an intent. Made by ``put_intent``.

    Attributes:
        fresh: Id of the subscription that may have to be made.
    """

    principal: Principal
    asked: IntentAsked
    extent: Extent
    terms: Terms
    touches: Touches
    fresh: str

    def decide(self, moment: Moment) -> Decision[IntentChanged]:
        """The intent, after what is said of subscriptions.

        Raises:
            MalformedInput: Over already, or a state or subscription that does not serve.
            NotPermitted: Another's.
            Stale: Of another version.
            DeclaredDown: As it says.
            Unaware: The key lacks something.
        """
        airspace, asked, party = moment.world.airspace, self.asked, self.principal.party
        self._require_now(moment.now)
        old = owned(airspace.intents.get(asked.id), party, asked.ovn)
        self._require_follows(old)
        if asked.state in _KEYED:
            require_up(airspace, party)
        attached = attach(
            airspace,
            Wanted(
                id=asked.id,
                party=party,
                volumes=asked.volumes,
                extent=self.extent,
                old=old,
                subscription=asked.subscription,
                new=asked.new_subscription,
                fresh=self.fresh,
            ),
        )
        plan = self._plan(attached)
        require_in_force(moment, plan)
        require_answered(moment, plan, None if old is None else old.object_id)
        if asked.state in _KEYED:
            self._require_aware(moment, plan, attached)
        spread = changed(extent_if(old), self.extent) or self.extent
        return Decision(
            says=(*attached.says, said_of(plan, old)),
            answer=self._answer(
                plan,
                len(attached.says),
                self._told(airspace, spread, attached, moment.now),
                airspace,
            ),
            aware=True,
            effects=keeping(airspace),
        )

    def _require_now(self, now: datetime) -> None:
        require_not_past(window(self.asked.volumes)[1], now)
        if self.asked.suffix is not None:
            require_suffix(self.asked.suffix, now)

    def _require_follows(self, old: Intent | None) -> None:
        state, suffix = self.asked.state, self.asked.suffix
        if old is None:
            return
        if old.state is not state and state not in PLAN_TRANSITIONS[old.state]:
            raise MalformedInput(
                "state", expected=f"one that may follow {old.state}", got=str(state)
            )
        before = old.plan.uss and old.plan.uss.ovn_suffix
        # UUIDv7 sort by time: a later one was never this intent's before.
        if suffix is not None and before and suffix.lower() <= before.lower():
            raise MalformedInput("requested_ovn_suffix", expected="a later one than before")

    def _plan(self, attached: Attached) -> Plan:
        asked = self.asked
        return Plan(
            source_id=asked.id,
            party=self.principal.party,
            volumes=asked.volumes,
            state=asked.state,
            uss=Uss(
                base_url=asked.base_url,
                subscription=attached.subscription,
                ovn_suffix=asked.suffix,
            ),
        )

    def _require_aware(self, moment: Moment, plan: Plan, attached: Attached) -> None:
        """Everything that the intent must know of is in its key, or all that is not is named."""
        airspace, party, asked = moment.world.airspace, self.principal.party, self.asked
        key, name = asked.key, asked.id
        lacking = [
            intent
            for intent in airspace.intents_in(self._around(airspace, plan))
            if intent.ovn not in key and intent.id != name and must_be_known(airspace, intent)
        ]
        constraints = []
        if attached.zones:
            constraints = [
                constraint_reference(airspace, constraint, party)
                for constraint in airspace.constraints_in(self.extent)
                if constraint.ovn not in key
            ]
        natives = [intent for intent in lacking if intent.native]
        others = missing_others(moment, plan, natives, key, self.terms)
        intents = [intent_reference(airspace, one, party) for one in lacking if not one.native]
        intents += others.intents
        constraints += others.constraints
        if intents or constraints:
            raise Unaware(_WHAT, intents=tuple(intents), constraints=tuple(constraints))

    def _around(self, airspace: Airspace, plan: Plan) -> Extent:
        """The intent's extent, with the distance that the agreement asks between plans."""
        asked = airspace.widening(plan)
        if not asked.horizontal_mm and not asked.vertical_mm:
            return self.extent
        return extent_of(plan.volumes, widen_mm=asked.horizontal_mm, heighten_mm=asked.vertical_mm)

    def _told(self, airspace: Airspace, spread: Extent, attached: Attached, now: datetime) -> Told:
        """Whom to tell: the subscriptions there, as they will be once this is said."""
        made = attached.made
        apart = (attached.gone, None if made is None else made[0])
        wishes = [
            wish for wish in airspace.wishes_in(spread) if wish.plans and wish.id not in apart
        ]
        return told(airspace, wishes, self.terms, now, made)

    def _answer(self, plan: Plan, place: int, tell: Told, airspace: Airspace) -> "_Answer":
        manager = airspace.manager(self.principal.party)
        return _Answer(plan, place, tell, manager, airspace.availability(manager).state)


class _Answer:
    """Makes the answer once the intent's version token is known."""

    def __init__(
        self,
        plan: Plan,
        place: int,
        tell: Told,
        manager: str,
        availability: AvailabilityState,
    ) -> None:
        self._plan = plan
        self._place = place
        self._told = tell
        self._manager = manager
        self._availability = availability

    def __call__(self, receipts: Sequence[Receipt]) -> IntentChanged:
        plan, receipt = self._plan, receipts[self._place]
        starts, ends = window(plan.volumes)
        uss = plan.uss or Uss(base_url="")
        suffix = uss.ovn_suffix
        reference = IntentReference(
            id=plan.source_id,
            manager=self._manager,
            availability=self._availability,
            version=receipt.version,
            state=plan.state,
            ovn=receipt.token if suffix is None else requested_ovn(plan.source_id, suffix),
            starts=starts,
            ends=ends,
            base_url=uss.base_url,
            subscription=uss.subscription or NO_SUBSCRIPTION,
        )
        return IntentChanged(intent=reference, told=self._told)


class DeleteIntent(Struct, kw_only=True):
    """Ends an intent, and the implicit subscription that served it alone."""

    principal: Principal
    id: str
    ovn: str
    terms: Terms
    touches: Touches

    def decide(self, moment: Moment) -> Decision[IntentChanged]:
        """The intent's end, then its subscription's.

        Raises:
            NotFound: No such intent.
            NotPermitted: Another's.
            Stale: Of another version.
            DeclaredDown: As it says.
        """
        airspace, party = moment.world.airspace, self.principal.party
        found = airspace.intents.get(self.id)
        if found is None:
            raise NotFound(_WHAT)
        old = owned(found, party, self.ovn)
        require_up(airspace, party)
        wish = released(airspace, found, keeping=None)
        ended = structs.replace(found.plan, state=PlanState.ENDED)
        # The subscription is told of the end, and ends after it.
        wishes = [one for one in airspace.wishes_in(found.extent) if one.plans]
        reference = intent_reference(airspace, found, party)
        tell = told(airspace, wishes, self.terms, moment.now)
        return Decision(
            says=(said_of(ended, old), *(() if wish is None else (withdrawn(wish),))),
            answer=lambda _: IntentChanged(intent=reference, told=tell),
            effects=keeping(airspace),
        )


def put_intent(
    principal: Principal, asked: IntentAsked, terms: Terms, airspace: Airspace
) -> PutIntent:
    """A command that creates or updates an intent.

    Raises:
        MalformedInput: Not what F3548 takes.
        NotPermitted: Its scope does not have the state.
    """
    require_url(asked.base_url, terms, what="uss_base_url")
    if asked.new_subscription is not None:
        require_url(asked.new_subscription.base_url, terms, what="uss_base_url of new_subscription")
        if asked.subscription is not None:
            raise MalformedInput(
                "subscription", expected="one of subscription_id and new_subscription"
            )
    if asked.ovn is None and asked.state is not PlanState.ACCEPTED:
        raise MalformedInput("state of a new intent", expected="Accepted")
    served = asked.subscription is not None or asked.new_subscription is not None
    if asked.state is not PlanState.ACCEPTED and not served:
        raise MalformedInput(
            "subscription", expected="subscription_id or new_subscription in this state"
        )
    extent = require_extent(asked.volumes, times=True, altitudes=True)
    if asked.state in _OFF_NOMINAL:
        principal.require(Scope.UTM_CONFORMANCE_MONITORING_SA)
    fresh = "" if asked.new_subscription is None else str(uuid4())
    return PutIntent(
        principal=principal,
        asked=asked,
        extent=extent,
        terms=terms,
        touches=_touches(airspace, principal.party, asked, fresh),
        fresh=fresh,
    )


def delete_intent(
    principal: Principal, name: str, ovn: str, terms: Terms, airspace: Airspace
) -> DeleteIntent:
    """A command that ends an intent."""
    intent = touching(airspace.intents.get(name), EntryKind.PLAN, principal.party, name)
    return DeleteIntent(
        principal=principal,
        id=name,
        ovn=ovn,
        terms=terms,
        touches=Touches(objects=(*intent.objects, *_subscriptions(airspace, name))),
    )


def _touches(airspace: Airspace, party: str, asked: IntentAsked, fresh: str) -> Touches:
    intent = touching(airspace.intents.get(asked.id), EntryKind.PLAN, party, asked.id)
    objects = intent.objects + _subscriptions(airspace, asked.id)
    made = asked.new_subscription is not None
    if asked.subscription is not None:
        objects += touching(
            airspace.wishes.get(asked.subscription),
            EntryKind.SUBSCRIPTION,
            party,
            asked.subscription,
        ).objects
    return Touches(
        objects=objects,
        names=intent.names,
        plans=(Plan(source_id=asked.id, party=party, volumes=asked.volumes),)
        if asked.state in _KEYED
        else (),
        drawn=((EntryKind.SUBSCRIPTION, party, fresh),) if made else (),
    )


def _subscriptions(airspace: Airspace, intent: str) -> tuple[str, ...]:
    """The object of an intent's subscription, which may end with it."""
    found = airspace.intents.get(intent)
    wish = None if found is None else airspace.wishes.get(found.subscription or "")
    return () if wish is None else (wish.object_id,)


def must_be_known(airspace: Airspace, intent: Intent) -> bool:
    """Whether others must show its OVN: all but what a USS that was declared down only accepted.

    Nobody could get that OVN, and nobody is about to fly it (F3548-21, SCD0005).
    """
    if intent.native or intent.state is not PlanState.ACCEPTED:
        return True
    manager = airspace.manager(intent.party)
    return airspace.availability(manager).state is not AvailabilityState.DOWN


def require_up(airspace: Airspace, party: str) -> None:
    """A USS that was not declared down.

    Raises:
        DeclaredDown: It was.
    """
    manager = airspace.manager(party)
    if airspace.availability(manager).state is AvailabilityState.DOWN:
        raise DeclaredDown(manager, expected="a USS that was not declared down")


def owned(old: Intent | None, party: str, ovn: str | None) -> Intent | None:
    """The intent to be changed, in the version that was named.

    Raises:
        MalformedInput: A version of no intent.
        NotPermitted: Another's.
        Stale: Another version.
    """
    if old is None:
        if ovn is not None:
            raise MalformedInput(_WHAT, expected="one that exists, to update it")
        return None
    if old.party != party or old.native:
        raise NotPermitted(_WHAT, expected="one that you manage here")
    if old.ovn != ovn:
        raise Stale(_WHAT, expected="its current OVN", got=ovn or "none: it exists already")
    return old


def said_of(plan: Plan, old: Intent | None) -> Said:
    """A plan as a new object, or as the next version of what it was."""
    if old is None:
        return Said(value=plan)
    return Said(value=plan, object_id=old.object_id, version=old.version + 1)

"""Questions: one entity, or all that share cells, altitudes and times with an area.

They are commands that say nothing, so that each is answered on the head of the
record, with everything said before it, and only once that is on disk.

Source: ASTM F3548-21 annex A2.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from detente.core.principal import Principal
from detente.core.view import Reader
from detente.core.volume import Volume, microseconds
from detente.errors import NotFound, NotPermitted
from detente.node.engine import Decision
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.entities import Intent, Wish
from detente.node.f3548.extent import Extent
from detente.node.f3548.others import is_shown, known_of, native_intent
from detente.node.f3548.references import (
    AvailabilityView,
    ConstraintReference,
    IntentReference,
    SubscriptionView,
    constraint_reference,
    intent_reference,
    subscription_view,
)
from detente.node.f3548.terms import Terms, require_extent
from detente.node.moment import Moment
from detente.node.submit import Touches

T = TypeVar("T")


class Question(Generic[T]):
    """Asks something of the moment.

    Args:
        principal: Who asks.
        ask: Gives the answer.
        touches: What it will ask the record about.
    """

    def __init__(
        self, principal: Principal, ask: Callable[[Moment], T], touches: Touches | None = None
    ) -> None:
        self.principal = principal
        self.touches = touches or Touches()
        self._ask = ask

    def decide(self, moment: Moment) -> Decision[T]:
        """Nothing to say, and the answer.

        Raises:
            DetenteError: As the question has it.
        """
        answer = self._ask(moment)
        return Decision(says=(), answer=lambda _: answer)


class View(Struct, frozen=True, kw_only=True):
    """The airspace as one party sees it."""

    airspace: Airspace
    party: str
    reader: Reader
    terms: Terms

    @classmethod
    def of(cls, moment: Moment, party: str, terms: Terms) -> "View":
        """At a moment."""
        return cls(
            airspace=moment.world.airspace,
            party=party,
            reader=moment.reader(party),
            terms=terms,
        )

    def intents(self, extent: Extent) -> list[IntentReference]:
        """All intents there; native plans as far as they are released."""
        return [self._intent(one) for one in self.airspace.intents_in(extent) if self._shows(one)]

    def constraints(self, extent: Extent) -> list[ConstraintReference]:
        """All constraints there."""
        return [
            constraint_reference(self.airspace, one, self.party)
            for one in self.airspace.constraints_in(extent)
        ]

    def intent(self, name: str) -> IntentReference:
        """One intent.

        Raises:
            NotFound: None of that id, or not for this reader.
        """
        found = self.airspace.intents.get(name) or self.airspace.native(name)
        if found is None or not self._shows(found):
            raise NotFound("operational intent")
        return self._intent(found)

    def _shows(self, intent: Intent) -> bool:
        return not intent.native or is_shown(intent, self.reader)

    def _intent(self, intent: Intent) -> IntentReference:
        if intent.native:
            return native_intent(self.airspace, known_of(intent), self.terms)
        return intent_reference(self.airspace, intent, self.party)


def get_intent(principal: Principal, name: str, terms: Terms) -> Question[IntentReference]:
    """One intent by id."""
    return Question(principal, lambda moment: View.of(moment, principal.party, terms).intent(name))


def query_intents(
    principal: Principal, area: Sequence[Volume], terms: Terms
) -> Question[list[IntentReference]]:
    """All intents in an area.

    Raises:
        MalformedInput: Too large.
    """
    extent = require_extent(area, times=False, altitudes=False)
    return Question(
        principal, lambda moment: View.of(moment, principal.party, terms).intents(extent)
    )


def get_constraint(principal: Principal, name: str) -> Question[ConstraintReference]:
    """One constraint by id."""

    def ask(moment: Moment) -> ConstraintReference:
        airspace = moment.world.airspace
        found = airspace.constraints.get(name)
        if found is None:
            raise NotFound("constraint")
        return constraint_reference(airspace, found, principal.party)

    return Question(principal, ask)


def query_constraints(
    principal: Principal, area: Sequence[Volume], terms: Terms
) -> Question[list[ConstraintReference]]:
    """All constraints in an area.

    Raises:
        MalformedInput: Too large.
    """
    extent = require_extent(area, times=False, altitudes=False)
    return Question(
        principal, lambda moment: View.of(moment, principal.party, terms).constraints(extent)
    )


def get_subscription(principal: Principal, name: str, terms: Terms) -> Question[SubscriptionView]:
    """One of the asker's subscriptions by id.

    Raises:
        NotFound: None of that id.
        NotPermitted: Another's.
    """

    def ask(moment: Moment) -> SubscriptionView:
        found = own_wish(moment.world.airspace, name, principal.party)
        return _subscription(moment, found, terms)

    return Question(principal, ask)


def query_subscriptions(
    principal: Principal, area: Sequence[Volume], terms: Terms
) -> Question[list[SubscriptionView]]:
    """The asker's own subscriptions in an area that are not over.

    Raises:
        MalformedInput: Too large.
    """
    extent = require_extent(area, times=False, altitudes=False)

    def ask(moment: Moment) -> list[SubscriptionView]:
        now = microseconds(moment.now)
        return [
            _subscription(moment, wish, terms)
            for wish in moment.world.airspace.wishes_in(extent)
            if wish.party == principal.party and wish.extent.end >= now
        ]

    return Question(principal, ask)


def get_availability(principal: Principal, uss: str) -> Question[AvailabilityView]:
    """What was last declared of a USS."""

    def ask(moment: Moment) -> AvailabilityView:
        found = moment.world.airspace.availability(uss)
        return AvailabilityView(uss=uss, state=found.state, version=found.token)

    return Question(principal, ask)


def own_wish(airspace: Airspace, name: str, party: str) -> Wish:
    """A subscription of one's own.

    Raises:
        NotFound: None of that id.
        NotPermitted: Another's.
    """
    found = airspace.wishes.get(name)
    if found is None:
        raise NotFound("subscription")
    if found.party != party:
        raise NotPermitted("subscription", expected="one of your own")
    return found


def _subscription(moment: Moment, wish: Wish, terms: Terms) -> SubscriptionView:
    airspace = moment.world.airspace
    return subscription_view(airspace, wish, told=terms.index(airspace.told(wish.id), moment.now))

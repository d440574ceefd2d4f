"""Commands on explicit subscriptions: create, update, delete.

A request is refused because, in this order, (1) it is malformed, (2) it names a
version of nothing, (3) it is of another version, (4) the subscription is
another's, (5) its times are out of bounds, (6) intents that rely on it would
reach beyond it, (7) its owner has as many as one may have.

Source: ASTM F3548-21 annex A2 (PutSubscriptionParameters); docs/adr/0012.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, structs

from detente.core.entry import EntryKind
from detente.core.principal import Principal
from detente.core.subscription import SUBSCRIPTIONS_MAX, Subscription
from detente.core.uss import Uss
from detente.core.volume import Volume
from detente.errors import MalformedInput, Stale
from detente.node.engine import Decision, Said
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.attach import lacks, withdrawn
from detente.node.f3548.entities import PLANS, ZONES, Wish, window
from detente.node.f3548.extent import Extent, extent_of
from detente.node.f3548.reads import View, own_wish
from detente.node.f3548.references import (
    SubscriptionChanged,
    SubscriptionView,
    subscription_view,
)
from detente.node.f3548.refusals import TooMany
from detente.node.f3548.terms import (
    CLOCK_SKEW_MAX,
    SUBSCRIPTION_MAX,
    Terms,
    require_extent,
    require_url,
)
from detente.node.f3548.touching import touching
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches

_WHAT = "subscription"

_START_SLACK_US = CLOCK_SKEW_MAX // timedelta(microseconds=1)
"""How much later than its intents a subscription may begin: a clock's error."""


class SubscriptionAsked(Struct, frozen=True, kw_only=True):
    """What a request says of a subscription; ``version`` None creates it."""

    id: str
    version: str | None
    area: Volume
    base_url: str
    plans: bool
    zones: bool


class PutSubscription(Struct, kw_only=True):
    """Creates or updates a subscription. Made by ``put_subscription``."""

    principal: Principal
    asked: SubscriptionAsked
    terms: Terms
    touches: Touches

    def decide(self, moment: Moment) -> Decision[SubscriptionChanged]:
        """One version of it.

        Raises:
            MalformedInput: Update of none, times out of bounds, or too small.
            Stale: Of another version, or there already.
            NotPermitted: Another's.
            TooMany: As it says.
        """
        airspace, asked, party = moment.world.airspace, self.asked, self.principal.party
        old = self._old(airspace)
        area = _timed(asked.area, old, moment.now)
        extent = extent_of((area,))
        _require_holds(airspace, asked.id, extent)
        if old is None and airspace.explicit_count(party) >= SUBSCRIPTIONS_MAX:
            raise TooMany(_WHAT, expected=f"at most {SUBSCRIPTIONS_MAX} of one party")
        value = Subscription(
            source_id=asked.id,
            party=party,
            kinds=_kinds(asked),
            volumes=(area,),
            implicit=old is not None and old.implicit,
            uss=Uss(base_url=asked.base_url),
        )
        said = Said(value=value)
        if old is not None:
            said = Said(value=value, object_id=old.object_id, version=old.version + 1)
        view = View.of(moment, party, self.terms)
        return Decision(
            says=(said,),
            answer=_answer(
                self._view(airspace, value, moment.now),
                SubscriptionChanged(
                    subscription=self._view(airspace, value, moment.now),
                    intents=tuple(view.intents(extent)) if asked.plans else None,
                    constraints=tuple(view.constraints(extent)) if asked.zones else None,
                ),
            ),
        )

    def _old(self, airspace: Airspace) -> Wish | None:
        asked = self.asked
        old = airspace.wishes.get(asked.id)
        if old is None:
            if asked.version is not None:
                raise MalformedInput(_WHAT, expected="one that exists, to update it")
            return None
        if old.token != asked.version:
            raise Stale(
                _WHAT,
                expected="its current version",
                got=asked.version or "none: it exists already",
            )
        return own_wish(airspace, asked.id, self.principal.party)

    def _view(self, airspace: Airspace, value: Subscription, now: datetime) -> SubscriptionView:
        starts, ends = window(value.volumes)
        return SubscriptionView(
            id=value.source_id,
            version="",
            told=self.terms.index(airspace.told(value.source_id), now),
            starts=starts,
            ends=ends,
            base_url=self.asked.base_url,
            plans=self.asked.plans,
            zones=self.asked.zones,
            implicit=value.implicit,
            dependents=airspace.dependents(value.source_id),
        )


class DeleteSubscription(Struct, kw_only=True):
    """Withdraws a subscription. Made by ``delete_subscription``."""

    principal: Principal
    id: str
    version: str
    terms: Terms
    touches: Touches

    def decide(self, moment: Moment) -> Decision[SubscriptionChanged]:
        """Its end.

        Raises:
            NotFound: None of that id.
            NotPermitted: Another's.
            Stale: Of another version.
            MalformedInput: Intents rely on it.
        """
        airspace = moment.world.airspace
        found = own_wish(airspace, self.id, self.principal.party)
        if found.token != self.version:
            raise Stale(_WHAT, expected="its current version", got=self.version)
        if airspace.dependents(found.id):
            raise MalformedInput(_WHAT, expected="one on which no operational intent relies")
        told = self.terms.index(airspace.told(found.id), moment.now)
        answer = SubscriptionChanged(subscription=subscription_view(airspace, found, told=told))
        return Decision(says=(withdrawn(found),), answer=lambda _: answer)


def put_subscription(
    principal: Principal, asked: SubscriptionAsked, terms: Terms, airspace: Airspace
) -> PutSubscription:
    """A command that creates or updates a subscription.

    Raises:
        MalformedInput: Not what F3548 takes.
    """
    if not asked.plans and not asked.zones:
        raise MalformedInput(
            _WHAT,
            expected="notify_for_operational_intents or notify_for_constraints to be true",
        )
    require_url(asked.base_url, terms, what="uss_base_url")
    require_extent((asked.area,), times=False, altitudes=False)
    touches = touching(
        airspace.wishes.get(asked.id), EntryKind.SUBSCRIPTION, principal.party, asked.id
    )
    return PutSubscription(principal=principal, asked=asked, terms=terms, touches=touches)


def delete_subscription(
    principal: Principal, name: str, version: str, terms: Terms, airspace: Airspace
) -> DeleteSubscription:
    """A command that withdraws a subscription."""
    touches = touching(airspace.wishes.get(name), EntryKind.SUBSCRIPTION, principal.party, name)
    return DeleteSubscription(
        principal=principal, id=name, version=version, terms=terms, touches=touches
    )


def _kinds(asked: SubscriptionAsked) -> tuple[str, ...]:
    wanted = ((PLANS, asked.plans), (ZONES, asked.zones))
    return tuple(kind for kind, is_wanted in wanted if is_wanted)


def _timed(area: Volume, old: Wish | None, now: datetime) -> Volume:
    """The area with its times, as they are unless others are asked for.

    Raises:
        MalformedInput: Out of bounds.
    """
    before = (None, None) if old is None else window(old.value.volumes)
    start = area.start or before[0] or now
    end = area.end or before[1] or start + SUBSCRIPTION_MAX
    if start < now - CLOCK_SKEW_MAX and area.start is not None:
        raise MalformedInput("time_start", expected="not in the past", got=start.isoformat())
    if end < start or end < now:
        raise MalformedInput(
            "time_end", expected="after time_start and not in the past", got=end.isoformat()
        )
    if end - start > SUBSCRIPTION_MAX:
        raise MalformedInput("time_end", expected="at most 24 h after time_start")
    return structs.replace(area, start=start, end=end)


def _require_holds(airspace: Airspace, name: str, extent: Extent) -> None:
    """Whoever relies on a subscription stays within it.

    Raises:
        MalformedInput: One would not.
    """
    for dependent in airspace.dependents(name):
        held = airspace.intents[dependent].extent
        lacking = lacks(extent, held, start_slack_us=_START_SLACK_US)
        if lacking:
            raise MalformedInput(
                _WHAT, expected=f"one that holds {lacking} {dependent}, which relies on it"
            )


def _answer(
    view: SubscriptionView, changed: SubscriptionChanged
) -> Callable[[Sequence[Receipt]], SubscriptionChanged]:
    def answer(receipts: Sequence[Receipt]) -> SubscriptionChanged:
        (receipt,) = receipts
        return structs.replace(changed, subscription=structs.replace(view, version=receipt.token))

    return answer

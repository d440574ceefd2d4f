"""From the register's values to F3548's answers."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET

from detente.core.availability import AvailabilityState
from detente.core.plan import PlanState
from detente.core.volume import (
    E7_PER_DEG,
    MM_PER_M,
    YEAR_MAX,
    YEAR_MIN,
    Circle,
    Polygon,
    Position,
    Volume,
)
from detente.doors.astm import wire
from detente.node.f3548 import details, references
from detente.node.f3548.refusals import Unaware

_encode = msgspec.json.Encoder().encode

_STATES: dict[PlanState, wire.State] = {
    PlanState.ACCEPTED: "Accepted",
    PlanState.ACTIVATED: "Activated",
    PlanState.NONCONFORMING: "Nonconforming",
    PlanState.CONTINGENT: "Contingent",
}
_AVAILABILITIES: dict[AvailabilityState, wire.AvailabilityName] = {
    AvailabilityState.UNKNOWN: "Unknown",
    AvailabilityState.NORMAL: "Normal",
    AvailabilityState.DOWN: "Down",
}
_ALWAYS_BEEN = datetime(YEAR_MIN, 1, 1, tzinfo=UTC)
_FOR_EVER = datetime(YEAR_MAX, 12, 31, 23, 59, 59, tzinfo=UTC)
"""F3548 has no open ends; plans and notices of the register may have."""


def intent_changed(changed: references.IntentChanged) -> bytes:
    """An operational intent after a change."""
    return _encode(
        wire.ChangeOperationalIntentReferenceResponse(
            subscribers=_subscribers(changed.told),
            operational_intent_reference=_intent(changed.intent),
        )
    )


def intent(reference: references.IntentReference) -> bytes:
    """One operational intent."""
    return _encode(
        wire.GetOperationalIntentReferenceResponse(operational_intent_reference=_intent(reference))
    )


def intents(found: Sequence[references.IntentReference]) -> bytes:
    """All operational intents that were found."""
    return _encode(
        wire.QueryOperationalIntentReferenceResponse(
            operational_intent_references=[_intent(one) for one in found]
        )
    )


def constraint_changed(changed: references.ConstraintChanged) -> bytes:
    """A constraint after a change."""
    return _encode(
        wire.ChangeConstraintReferenceResponse(
            subscribers=_subscribers(changed.told),
            constraint_reference=_constraint(changed.constraint),
        )
    )


def constraint(reference: references.ConstraintReference) -> bytes:
    """One constraint."""
    return _encode(wire.GetConstraintReferenceResponse(constraint_reference=_constraint(reference)))


def constraints(found: Sequence[references.ConstraintReference]) -> bytes:
    """All constraints that were found."""
    return _encode(
        wire.QueryConstraintReferencesResponse(
            constraint_references=[_constraint(one) for one in found]
        )
    )


def subscription_changed(changed: references.SubscriptionChanged) -> bytes:
    """A subscription after a change, with what it is for."""
    intents, constraints = changed.intents, changed.constraints
    return _encode(
        wire.PutSubscriptionResponse(
            subscription=_subscription(changed.subscription),
            operational_intent_references=UNSET
            if intents is None
            else [_intent(one) for one in intents],
            constraint_references=UNSET
            if constraints is None
            else [_constraint(one) for one in constraints],
        )
    )


def subscription(view: references.SubscriptionView) -> bytes:
    """One subscription."""
    return _encode(wire.GetSubscriptionResponse(subscription=_subscription(view)))


def subscriptions(found: Sequence[references.SubscriptionView]) -> bytes:
    """All subscriptions that were found."""
    return _encode(
        wire.QuerySubscriptionsResponse(subscriptions=[_subscription(one) for one in found])
    )


def availability(view: references.AvailabilityView) -> bytes:
    """What was last declared of a USS."""
    return _encode(
        wire.UssAvailabilityStatusResponse(
            version=view.version,
            status=wire.UssAvailabilityStatus(
                uss=view.uss, availability=_AVAILABILITIES[view.state]
            ),
        )
    )


def intent_details(told: details.IntentDetails) -> bytes:
    """One operational intent, whole."""
    return _encode(wire.GetOperationalIntentDetailsResponse(operational_intent=_whole_intent(told)))


def constraint_details(told: details.ConstraintDetails) -> bytes:
    """One constraint, whole."""
    return _encode(wire.GetConstraintDetailsResponse(constraint=_whole_constraint(told)))


def notification(told: details.Notification) -> bytes:
    """What the node notifies a peer of."""
    states, now = list(told.states), told.now
    if told.is_intent:
        return _encode(
            wire.PutOperationalIntentDetailsParameters(
                operational_intent_id=told.id,
                subscriptions=states,
                operational_intent=_whole_intent(now)
                if isinstance(now, details.IntentDetails)
                else UNSET,
            )
        )
    return _encode(
        wire.PutConstraintDetailsParameters(
            constraint_id=told.id,
            subscriptions=states,
            constraint=_whole_constraint(now)
            if isinstance(now, details.ConstraintDetails)
            else UNSET,
        )
    )


def report(given: wire.ErrorReport, name: str) -> bytes:
    """A report as it was given, under the id that it got."""
    kept = msgspec.to_builtins(msgspec.structs.replace(given, report_id=name))
    exchange = {name: value for name, value in kept["exchange"].items() if value is not None}
    return _encode({"report_id": name, "exchange": exchange})


def refusal(message: str) -> bytes:
    """Why a request was refused."""
    return _encode(wire.ErrorResponse(message=message))


def unaware(error: Unaware) -> bytes:
    """What the key lacks."""
    return _encode(
        wire.AirspaceConflictResponse(
            message=str(error),
            missing_operational_intents=[_intent(one) for one in error.intents],
            missing_constraints=[_constraint(one) for one in error.constraints],
        )
    )


def _time(value: datetime | None, otherwise: datetime) -> wire.Time:
    return wire.Time(value=otherwise if value is None else value, format="RFC3339")


def _intent(one: references.IntentReference) -> wire.OperationalIntentReference:
    return wire.OperationalIntentReference(
        id=one.id,
        manager=one.manager,
        uss_availability=_AVAILABILITIES[one.availability],
        version=one.version,
        state=_STATES[one.state],
        ovn=one.ovn,
        time_start=_time(one.starts, _ALWAYS_BEEN),
        time_end=_time(one.ends, _FOR_EVER),
        uss_base_url=one.base_url,
        subscription_id=one.subscription,
    )


def _constraint(one: references.ConstraintReference) -> wire.ConstraintReference:
    return wire.ConstraintReference(
        id=one.id,
        manager=one.manager,
        uss_availability=_AVAILABILITIES[one.availability],
        version=one.version,
        ovn=one.ovn,
        time_start=_time(one.starts, _ALWAYS_BEEN),
        time_end=_time(one.ends, _FOR_EVER),
        uss_base_url=one.base_url,
    )


def _whole_intent(told: details.IntentDetails) -> wire.OperationalIntent:
    return wire.OperationalIntent(
        reference=_intent(told.reference),
        details=wire.OperationalIntentDetails(
            volumes=[_volume(one) for one in told.volumes],
            off_nominal_volumes=[_volume(one) for one in told.off_nominal],
        ),
    )


def _whole_constraint(told: details.ConstraintDetails) -> wire.Constraint:
    return wire.Constraint(
        reference=_constraint(told.reference),
        details=wire.ConstraintDetails(
            volumes=[_volume(one) for one in told.volumes], type=told.what
        ),
    )


def _volume(volume: Volume) -> wire.Volume4D:
    """A volume of one outline, with all bounds that F3548 asks for."""
    (shape,) = volume.footprint
    space = wire.Volume3D(
        altitude_lower=_altitude(volume.lower_mm, wire.ALTITUDE_MIN_M),
        altitude_upper=_altitude(volume.upper_mm, wire.ALTITUDE_MAX_M),
    )
    if isinstance(shape, Circle):
        radius = wire.Radius(value=shape.radius_m, units="M")
        space.outline_circle = wire.Circle(center=_point(shape.centre), radius=radius)
    elif isinstance(shape, Polygon):  # pragma: no branch - an outline is one of the two
        vertices = [_point(position) for position in shape.rings[0]]
        space.outline_polygon = wire.Polygon(vertices=vertices)
    return wire.Volume4D(
        volume=space,
        time_start=_time(volume.start, _ALWAYS_BEEN),
        time_end=_time(volume.end, _FOR_EVER),
    )


def _altitude(value_mm: int | None, otherwise_m: int) -> wire.Altitude:
    """Within the OpenAPI's bounds, beyond which it has no altitude."""
    value_m = otherwise_m if value_mm is None else value_mm / MM_PER_M
    value_m = min(max(value_m, wire.ALTITUDE_MIN_M), wire.ALTITUDE_MAX_M)
    return wire.Altitude(value=value_m, reference="W84", units="M")


def _point(position: Position) -> wire.LatLngPoint:
    return wire.LatLngPoint(lng=position[0] / E7_PER_DEG, lat=position[1] / E7_PER_DEG)


def _subscription(one: references.SubscriptionView) -> wire.Subscription:
    return wire.Subscription(
        id=one.id,
        version=one.version,
        notification_index=one.told,
        time_start=_time(one.starts, _ALWAYS_BEEN),
        time_end=_time(one.ends, _FOR_EVER),
        uss_base_url=one.base_url,
        notify_for_operational_intents=one.plans,
        notify_for_constraints=one.zones,
        implicit_subscription=one.implicit,
        dependent_operational_intents=list(one.dependents),
    )


def _subscribers(told: references.Told) -> list[wire.SubscriberToNotify]:
    return [
        wire.SubscriberToNotify(subscriptions=states, uss_base_url=url)
        for url, states in told.by_url.items()
    ]

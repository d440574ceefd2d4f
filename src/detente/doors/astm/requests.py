"""From F3548's requests to the register's values: integers that never hold less than was asked.

Source: ASTM F3548-21 annex A2; docs/adr/0003.
"""

import math
from collections.abc import Sequence
from datetime import UTC
from typing import TypeVar

import msgspec

from detente.core.availability import AvailabilityState
from detente.core.plan import PlanState
from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Polygon, Position, Volume
from detente.doors.astm import wire
from detente.errors import MalformedInput
from detente.node.f3548.attach import NewSubscription
from detente.node.f3548.constraints import ConstraintAsked
from detente.node.f3548.entities import entity_id
from detente.node.f3548.intents import IntentAsked
from detente.node.f3548.subscriptions import SubscriptionAsked

T = TypeVar("T")

_intent = msgspec.json.Decoder(wire.PutOperationalIntentReferenceParameters)
_constraint = msgspec.json.Decoder(wire.PutConstraintReferenceParameters)
_subscription = msgspec.json.Decoder(wire.PutSubscriptionParameters)
_query = msgspec.json.Decoder(wire.QueryParameters)
_availability = msgspec.json.Decoder(wire.SetUssAvailabilityStatusParameters)
_report = msgspec.json.Decoder(wire.ErrorReport)
_intent_notified = msgspec.json.Decoder(wire.PutOperationalIntentDetailsParameters)
_constraint_notified = msgspec.json.Decoder(wire.PutConstraintDetailsParameters)

_RING_MIN = 3
_STATES: dict[wire.State, PlanState] = {
    "Accepted": PlanState.ACCEPTED,
    "Activated": PlanState.ACTIVATED,
    "Nonconforming": PlanState.NONCONFORMING,
    "Contingent": PlanState.CONTINGENT,
}


def intent_asked(name: str, ovn: str | None, body: bytes) -> IntentAsked:
    """An operational intent to be put.

    Raises:
        MalformedInput: Not as the OpenAPI has it.
    """
    given = _decode(_intent, body)
    new = given.new_subscription
    return IntentAsked(
        id=entity_id(name, what="entityid"),
        ovn=ovn,
        state=_STATES[given.state],
        volumes=_volumes(given.extents),
        base_url=given.uss_base_url,
        key=given.key or frozenset(),
        subscription=entity_id(given.subscription_id, what="subscription_id")
        if given.subscription_id
        else None,
        new_subscription=None
        if new is None
        else NewSubscription(base_url=new.uss_base_url, zones=bool(new.notify_for_constraints)),
        suffix=given.requested_ovn_suffix,
    )


def constraint_asked(name: str, ovn: str | None, body: bytes) -> ConstraintAsked:
    """A constraint to be put.

    Raises:
        MalformedInput: Not as the OpenAPI has it.
    """
    given = _decode(_constraint, body)
    return ConstraintAsked(
        id=entity_id(name, what="entityid"),
        ovn=ovn,
        volumes=_volumes(given.extents),
        base_url=given.uss_base_url,
    )


def subscription_asked(name: str, version: str | None, body: bytes) -> SubscriptionAsked:
    """A subscription to be put.

    Raises:
        MalformedInput: Not as the OpenAPI has it.
    """
    given = _decode(_subscription, body)
    return SubscriptionAsked(
        id=entity_id(name, what="subscriptionid"),
        version=version,
        area=volume_of(given.extents),
        base_url=given.uss_base_url,
        plans=bool(given.notify_for_operational_intents),
        zones=bool(given.notify_for_constraints),
    )


def area_asked(body: bytes) -> tuple[Volume, ...]:
    """The area of a query.

    Raises:
        MalformedInput: None, or not as the OpenAPI has it.
    """
    area = _decode(_query, body).area_of_interest
    if area is None:
        raise MalformedInput("area_of_interest", expected="a volume")
    return (volume_of(area),)


def availability_asked(body: bytes) -> tuple[AvailabilityState, str]:
    """The availability that is declared, and the version that it replaces.

    Raises:
        MalformedInput: No such availability.
    """
    given = _decode(_availability, body)
    try:
        state = AvailabilityState(given.availability.lower())
    except ValueError:
        raise MalformedInput("availability", expected="Unknown, Normal or Down") from None
    return state, given.old_version or ""


def report_of(body: bytes) -> wire.ErrorReport:
    """A report.

    Raises:
        MalformedInput: Not as the OpenAPI has it.
    """
    return _decode(_report, body)


def intent_notified(body: bytes) -> tuple[str, str]:
    """The id of an operational intent of which a peer notifies, and all that it says.

    Raises:
        MalformedInput: Not as the OpenAPI has it, or of two intents.
    """
    given = _decode(_intent_notified, body)
    name = entity_id(given.operational_intent_id, what="operational_intent_id")
    if given.operational_intent:
        _require_one(name, given.operational_intent.reference.id)
        details = given.operational_intent.details
        _volumes([*details.volumes, *details.off_nominal_volumes])
    return name, msgspec.json.encode(given).decode()


def constraint_notified(body: bytes) -> tuple[str, str]:
    """The id of a constraint of which a peer notifies, and all that it says.

    Raises:
        MalformedInput: Not as the OpenAPI has it, or of two constraints.
    """
    given = _decode(_constraint_notified, body)
    name = entity_id(given.constraint_id, what="constraint_id")
    if given.constraint:
        _require_one(name, given.constraint.reference.id)
        _volumes(given.constraint.details.volumes)
    return name, msgspec.json.encode(given).decode()


def _require_one(name: str, inner: str) -> None:
    """The entity that is told of is the one that is told."""
    if entity_id(inner, what="reference.id") != name:
        raise MalformedInput("reference.id", expected="the id of the same entity")


def volume_of(given: wire.Volume4D) -> Volume:
    """One volume, with lengths outwards to the millimetre.

    Raises:
        MalformedInput: Not one outline, or bounds the wrong way round.
    """
    space = given.volume
    circle, polygon = space.outline_circle, space.outline_polygon
    if (circle is None) == (polygon is None):
        raise MalformedInput("volume", expected="one of outline_circle and outline_polygon")
    shape: Circle | Polygon
    if circle is not None:
        # The area limit comes later, and wants a number.
        radius_mm = math.ceil(min(circle.radius.value, _RADIUS_MAX_M) * MM_PER_M)
        shape = Circle(centre=_position(circle.center), radius_mm=radius_mm)
    elif polygon is not None:
        shape = Polygon(rings=(_ring(polygon.vertices),))
    low, high = space.altitude_lower, space.altitude_upper
    if low is not None and high is not None and low.value > high.value:
        raise MalformedInput("altitude_lower", expected="at most altitude_upper")
    start, end = given.time_start, given.time_end
    return Volume(
        footprint=(shape,),
        lower_mm=None if low is None else math.floor(low.value * MM_PER_M),
        upper_mm=None if high is None else math.ceil(high.value * MM_PER_M),
        start=None if start is None else start.value.astimezone(UTC),
        end=None if end is None else end.value.astimezone(UTC),
    )


_RADIUS_MAX_M = 1_000_000.0
"""As core has it; far beyond the largest area that F3548 takes."""


def _volumes(given: Sequence[wire.Volume4D]) -> tuple[Volume, ...]:
    return tuple([volume_of(one) for one in given])


def _position(point: wire.LatLngPoint) -> Position:
    return round(point.lng * E7_PER_DEG), round(point.lat * E7_PER_DEG)


def _ring(vertices: Sequence[wire.LatLngPoint]) -> tuple[Position, ...]:
    """Vertices as given, but that neighbours within the precision of 1e-7 degree are one.

    Raises:
        MalformedInput: One comes twice, or fewer than three are left.
    """
    if len({(one.lng, one.lat) for one in vertices}) < len(vertices):
        raise MalformedInput("outline_polygon", expected="no vertex twice, and no closing one")
    positions = [_position(one) for one in vertices]
    ring = [
        one
        for one, before in zip(positions, positions[-1:] + positions, strict=False)
        if one != before
    ]
    if len(ring) < _RING_MIN:
        raise MalformedInput("outline_polygon", expected="at least three vertices apart")
    return tuple(ring)


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedInput("body", got=str(error)) from None
    except RecursionError:
        raise MalformedInput("body", got="nested too deep") from None

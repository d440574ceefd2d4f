"""Requests and answers of F3548's DSS and of its USSs, as its OpenAPI has them.

Field names are the standard's. Members that are not known are passed over, null
is as good as absent, and what the standard requires is required.

Source: ASTM F3548-21 annex A2 and its published OpenAPI, version 1.0.0.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from detente.node.f3548.references import SubscriptionState

ALTITUDE_MIN_M, ALTITUDE_MAX_M = -8_000, 100_000
"""The OpenAPI's own bounds."""

State = Literal["Accepted", "Activated", "Nonconforming", "Contingent"]
AvailabilityName = Literal["Unknown", "Normal", "Down"]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]


class Wire(Struct, gc=False):
    """One JSON object."""


class Time(Wire):
    """A moment, with its offset from UTC."""

    value: Annotated[datetime, Meta(tz=True)]
    format: Literal["RFC3339"]


class Altitude(Wire):
    """Metres above the WGS 84 ellipsoid."""

    value: Annotated[float, Meta(ge=ALTITUDE_MIN_M, le=ALTITUDE_MAX_M)]
    reference: Literal["W84"]
    units: Literal["M"]


class Radius(Wire):
    """Metres."""

    value: Annotated[float, Meta(gt=0)]
    units: Literal["M"]


class LatLngPoint(Wire):
    """Degrees on WGS 84."""

    lng: Longitude
    lat: Latitude


class Circle(Wire):
    """All places within a radius of a point."""

    center: LatLngPoint
    radius: Radius


class Polygon(Wire):
    """What straight edges between neighbouring vertices enclose, the last one to the first."""

    vertices: Annotated[list[LatLngPoint], Meta(min_length=3)]


class Volume3D(Wire, omit_defaults=True):
    """One outline and an altitude band; without a bound it reaches everywhere."""

    outline_circle: Circle | None = None
    outline_polygon: Polygon | None = None
    altitude_lower: Altitude | None = None
    altitude_upper: Altitude | None = None


class Volume4D(Wire, omit_defaults=True):
    """A volume and a time window."""

    volume: Volume3D
    time_start: Time | None = None
    time_end: Time | None = None


class ImplicitSubscriptionParameters(Wire):
    """A subscription to be made for an operational intent."""

    uss_base_url: str
    notify_for_constraints: bool | None = None


class PutOperationalIntentReferenceParameters(Wire):
    """An operational intent to be created or updated."""

    extents: list[Volume4D]
    state: State
    uss_base_url: str
    key: frozenset[str] | None = None
    subscription_id: str | None = None
    new_subscription: ImplicitSubscriptionParameters | None = None
    requested_ovn_suffix: str | None = None


class PutConstraintReferenceParameters(Wire):
    """A constraint to be created or updated."""

    extents: list[Volume4D]
    uss_base_url: str


class PutSubscriptionParameters(Wire):
    """A subscription to be created or updated."""

    extents: Volume4D
    uss_base_url: str
    notify_for_operational_intents: bool | None = None
    notify_for_constraints: bool | None = None


class QueryParameters(Wire):
    """Where and when; what is left out reaches everywhere, but for the outline."""

    area_of_interest: Volume4D | None = None


class SetUssAvailabilityStatusParameters(Wire):
    """A USS's availability, declared by whoever saw the version that it had."""

    availability: str
    old_version: str | None = None


class ExchangeRecord(Wire):
    """An exchange that went wrong."""

    url: str
    method: str
    recorder_role: Literal["Client", "Server"]
    request_time: Time
    headers: list[str] | None = None
    request_body: str | None = None
    response_time: Time | None = None
    response_body: str | None = None
    response_code: int | None = None
    problem: str | None = None


class ErrorReport(Wire):
    """A report for the record; ``report_id`` is the node's to give."""

    exchange: ExchangeRecord
    report_id: str | None = None


class OperationalIntentReference(Wire):
    """An operational intent, without its details."""

    id: str
    manager: str
    uss_availability: AvailabilityName
    version: int
    state: State
    ovn: str
    time_start: Time
    time_end: Time
    uss_base_url: str
    subscription_id: str


class ConstraintReference(Wire):
    """A constraint, without its details."""

    id: str
    manager: str
    uss_availability: AvailabilityName
    version: int
    ovn: str
    time_start: Time
    time_end: Time
    uss_base_url: str


class OperationalIntentDetails(Wire):
    """Where and when an operational intent is; of two, the greater priority counts more."""

    volumes: list[Volume4D] = []
    off_nominal_volumes: list[Volume4D] = []
    priority: int = 0


class OperationalIntent(Wire):
    """An operational intent, whole."""

    reference: OperationalIntentReference
    details: OperationalIntentDetails


class GetOperationalIntentDetailsResponse(Wire):
    """One operational intent, whole."""

    operational_intent: OperationalIntent


class PutOperationalIntentDetailsParameters(Wire):
    """An operational intent that has changed; without it, one that has ended."""

    operational_intent_id: str
    subscriptions: Annotated[list[SubscriptionState], Meta(min_length=1)]
    operational_intent: OperationalIntent | UnsetType | None = UNSET


class ConstraintDetails(Wire):
    """Where and when a constraint is, and what it is."""

    volumes: Annotated[list[Volume4D], Meta(min_length=1)]
    type: str | UnsetType | None = UNSET


class Constraint(Wire):
    """A constraint, whole."""

    reference: ConstraintReference
    details: ConstraintDetails


class GetConstraintDetailsResponse(Wire):
    """One constraint, whole."""

    constraint: Constraint


class PutConstraintDetailsParameters(Wire):
    """A constraint that has changed; without it, one that has ended."""

    constraint_id: str
    subscriptions: Annotated[list[SubscriptionState], Meta(min_length=1)]
    constraint: Constraint | UnsetType | None = UNSET


class VehicleTelemetry(Wire):
    """Where an aircraft was; the node has none to give."""

    time_measured: Time


class GetOperationalIntentTelemetryResponse(Wire):
    """Where the aircraft of an operational intent is."""

    operational_intent_id: str
    telemetry: VehicleTelemetry | UnsetType = UNSET
    next_telemetry_opportunity: Time | UnsetType = UNSET


class SubscriberToNotify(Wire):
    """Whom the manager must tell of a change."""

    subscriptions: list[SubscriptionState]
    uss_base_url: str


class Subscription(Wire):
    """A subscription, for its owner."""

    id: str
    version: str
    notification_index: int
    time_start: Time
    time_end: Time
    uss_base_url: str
    notify_for_operational_intents: bool
    notify_for_constraints: bool
    implicit_subscription: bool
    dependent_operational_intents: list[str]


class ChangeOperationalIntentReferenceResponse(Wire):
    """An operational intent after a change, and whom to tell."""

    subscribers: list[SubscriberToNotify]
    operational_intent_reference: OperationalIntentReference


class GetOperationalIntentReferenceResponse(Wire):
    """One operational intent."""

    operational_intent_reference: OperationalIntentReference


class QueryOperationalIntentReferenceResponse(Wire):
    """All operational intents in an area."""

    operational_intent_references: list[OperationalIntentReference]


class ChangeConstraintReferenceResponse(Wire):
    """A constraint after a change, and whom to tell."""

    subscribers: list[SubscriberToNotify]
    constraint_reference: ConstraintReference


class GetConstraintReferenceResponse(Wire):
    """One constraint."""

    constraint_reference: ConstraintReference


class QueryConstraintReferencesResponse(Wire):
    """All constraints in an area."""

    constraint_references: list[ConstraintReference]


class PutSubscriptionResponse(Wire):
    """A subscription after a change, and what there is in its area already."""

    subscription: Subscription
    operational_intent_references: list[OperationalIntentReference] | UnsetType = UNSET
    constraint_references: list[ConstraintReference] | UnsetType = UNSET


class GetSubscriptionResponse(Wire):
    """One subscription."""

    subscription: Subscription


class DeleteSubscriptionResponse(Wire):
    """A subscription that has just ended."""

    subscription: Subscription


class QuerySubscriptionsResponse(Wire):
    """The asker's subscriptions in an area."""

    subscriptions: list[Subscription]


class UssAvailabilityStatus(Wire):
    """Whether a USS answers."""

    uss: str
    availability: AvailabilityName


class UssAvailabilityStatusResponse(Wire):
    """The same, with the version that whoever declares next must show."""

    version: str
    status: UssAvailabilityStatus


class ErrorResponse(Wire):
    """Why a request was refused."""

    message: str


class AirspaceConflictResponse(Wire):
    """What the key lacks, all of it; other conflicts have a message alone."""

    message: str
    missing_operational_intents: list[OperationalIntentReference] | UnsetType = UNSET
    missing_constraints: list[ConstraintReference] | UnsetType = UNSET

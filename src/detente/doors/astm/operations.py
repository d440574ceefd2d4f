"""Every operation of /dss/v1: path, scopes, request, answer, and what is done.

This table and that of detente.doors.astm.uss are the only lists of them: routes, fast
routes and the documentation are made from these.

Source: ASTM F3548-21 annex A2 and its published OpenAPI, version 1.0.0.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

from msgspec import Struct

from detente.core.principal import Principal, Scope
from detente.doors.astm import answers, requests, wire
from detente.errors import MalformedInput
from detente.node.engine import Engine
from detente.node.f3548 import availability, constraints, intents, reads, reports, subscriptions
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.entities import entity_id
from detente.node.f3548.terms import Terms

PREFIX = "/dss/v1"


class Call(Struct, frozen=True, kw_only=True):
    """One request whose sender is proven and has the scope."""

    engine: Engine
    principal: Principal
    terms: Terms
    params: Mapping[str, str]
    body: bytes

    @property
    def airspace(self) -> Airspace:
        """As it was last: for what commands can ask the record beforehand."""
        return self.engine.world.airspace


class Operation(Struct, frozen=True, kw_only=True):
    """One row of the table.

    Attributes:
        name: Of the operation, in the OpenAPI document.
        about: What it does.
        scopes: Any one of them is enough.
        status: Where it succeeds.
        run: Does it; gives the answer's bytes.
        asks: The request's body; None where it has none.
        gives: The answer's; None where it has none.
        conflict: What 409 answers.
        hidden: Whether it is left out of the documentation.
    """

    name: str
    about: str
    method: str
    path: str
    scopes: tuple[Scope, ...]
    run: Callable[[Call], Awaitable[bytes]]
    gives: type | None
    asks: type | None = None
    status: int = 200
    conflict: type = wire.ErrorResponse
    hidden: bool = False


async def _put_intent(call: Call) -> bytes:
    asked = requests.intent_asked(call.params["entityid"], call.params.get("ovn"), call.body)
    command = intents.put_intent(call.principal, asked, call.terms, call.airspace)
    return answers.intent_changed(await call.engine.act(command))


async def _delete_intent(call: Call) -> bytes:
    name, ovn = entity(call), call.params["ovn"]
    command = intents.delete_intent(call.principal, name, ovn, call.terms, call.airspace)
    return answers.intent_changed(await call.engine.act(command))


async def _get_intent(call: Call) -> bytes:
    question = reads.get_intent(call.principal, entity(call), call.terms)
    return answers.intent(await call.engine.act(question))


async def _query_intents(call: Call) -> bytes:
    area = requests.area_asked(call.body)
    question = reads.query_intents(call.principal, area, call.terms)
    return answers.intents(await call.engine.act(question))


async def _put_constraint(call: Call) -> bytes:
    asked = requests.constraint_asked(call.params["entityid"], call.params.get("ovn"), call.body)
    command = constraints.put_constraint(call.principal, asked, call.terms, call.airspace)
    return answers.constraint_changed(await call.engine.act(command))


async def _delete_constraint(call: Call) -> bytes:
    name, ovn = entity(call), call.params["ovn"]
    command = constraints.delete_constraint(call.principal, name, ovn, call.terms, call.airspace)
    return answers.constraint_changed(await call.engine.act(command))


async def _get_constraint(call: Call) -> bytes:
    question = reads.get_constraint(call.principal, entity(call))
    return answers.constraint(await call.engine.act(question))


async def _query_constraints(call: Call) -> bytes:
    area = requests.area_asked(call.body)
    question = reads.query_constraints(call.principal, area, call.terms)
    return answers.constraints(await call.engine.act(question))


async def _put_subscription(call: Call) -> bytes:
    name, version = call.params["subscriptionid"], call.params.get("version")
    asked = requests.subscription_asked(name, version, call.body)
    command = subscriptions.put_subscription(call.principal, asked, call.terms, call.airspace)
    return answers.subscription_changed(await call.engine.act(command))


async def _delete_subscription(call: Call) -> bytes:
    command = subscriptions.delete_subscription(
        call.principal, _subscription(call), call.params["version"], call.terms, call.airspace
    )
    return answers.subscription_changed(await call.engine.act(command))


async def _get_subscription(call: Call) -> bytes:
    question = reads.get_subscription(call.principal, _subscription(call), call.terms)
    return answers.subscription(await call.engine.act(question))


async def _query_subscriptions(call: Call) -> bytes:
    area = requests.area_asked(call.body)
    question = reads.query_subscriptions(call.principal, area, call.terms)
    return answers.subscriptions(await call.engine.act(question))


async def _get_availability(call: Call) -> bytes:
    question = reads.get_availability(call.principal, call.params["uss_id"])
    return answers.availability(await call.engine.act(question))


async def _put_availability(call: Call) -> bytes:
    state, old_version = requests.availability_asked(call.body)
    command = availability.put_availability(
        call.principal, call.params["uss_id"], state, old_version
    )
    return answers.availability(await call.engine.act(command))


async def put_report(call: Call) -> bytes:
    """Keep a report, of whichever role."""
    given = requests.report_of(call.body)
    command = reports.put_report(call.principal, answers.report(given, "").decode())
    return answers.report(given, await call.engine.act(command))


async def _no_version(_: Call) -> NoReturn:
    raise MalformedInput("path", expected="the version of what is to be deleted")


def entity(call: Call) -> str:
    """The id in the path.

    Raises:
        MalformedInput: Not a UUID.
    """
    return entity_id(call.params["entityid"], what="entityid")


def _subscription(call: Call) -> str:
    return entity_id(call.params["subscriptionid"], what="subscriptionid")


COORDINATION = Scope.UTM_STRATEGIC_COORDINATION
MONITORING = Scope.UTM_CONFORMANCE_MONITORING_SA
MANAGEMENT = Scope.UTM_CONSTRAINT_MANAGEMENT
PROCESSING = Scope.UTM_CONSTRAINT_PROCESSING
ARBITRATION = Scope.UTM_AVAILABILITY_ARBITRATION

_INTENTS = f"{PREFIX}/operational_intent_references"
_CONSTRAINTS = f"{PREFIX}/constraint_references"
_SUBSCRIPTIONS = f"{PREFIX}/subscriptions"
_AVAILABILITY = f"{PREFIX}/uss_availability/{{uss_id}}"

ALL = (COORDINATION, MONITORING, MANAGEMENT, PROCESSING, ARBITRATION)
_FLYING = (COORDINATION, MONITORING)
_READING = (MANAGEMENT, PROCESSING)
_LISTENING = (COORDINATION, PROCESSING)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="queryOperationalIntentReferences",
        about="All operational intents in an area.",
        method="POST",
        path=f"{_INTENTS}/query",
        scopes=_FLYING,
        run=_query_intents,
        asks=wire.QueryParameters,
        gives=wire.QueryOperationalIntentReferenceResponse,
    ),
    Operation(
        name="getOperationalIntentReference",
        about="One operational intent.",
        method="GET",
        path=f"{_INTENTS}/{{entityid}}",
        scopes=_FLYING,
        run=_get_intent,
        gives=wire.GetOperationalIntentReferenceResponse,
    ),
    Operation(
        name="createOperationalIntentReference",
        about="Create an operational intent, aware of all that it must reckon with.",
        method="PUT",
        path=f"{_INTENTS}/{{entityid}}",
        scopes=_FLYING,
        run=_put_intent,
        asks=wire.PutOperationalIntentReferenceParameters,
        gives=wire.ChangeOperationalIntentReferenceResponse,
        status=201,
        conflict=wire.AirspaceConflictResponse,
    ),
    Operation(
        name="updateOperationalIntentReference",
        about="Change an operational intent, aware of all that it must reckon with.",
        method="PUT",
        path=f"{_INTENTS}/{{entityid}}/{{ovn}}",
        scopes=_FLYING,
        run=_put_intent,
        asks=wire.PutOperationalIntentReferenceParameters,
        gives=wire.ChangeOperationalIntentReferenceResponse,
        conflict=wire.AirspaceConflictResponse,
    ),
    Operation(
        name="deleteOperationalIntentReference",
        about="End an operational intent.",
        method="DELETE",
        path=f"{_INTENTS}/{{entityid}}/{{ovn}}",
        scopes=_FLYING,
        run=_delete_intent,
        gives=wire.ChangeOperationalIntentReferenceResponse,
    ),
    Operation(
        name="queryConstraintReferences",
        about="All constraints in an area.",
        method="POST",
        path=f"{_CONSTRAINTS}/query",
        scopes=_READING,
        run=_query_constraints,
        asks=wire.QueryParameters,
        gives=wire.QueryConstraintReferencesResponse,
    ),
    Operation(
        name="getConstraintReference",
        about="One constraint.",
        method="GET",
        path=f"{_CONSTRAINTS}/{{entityid}}",
        scopes=_READING,
        run=_get_constraint,
        gives=wire.GetConstraintReferenceResponse,
    ),
    Operation(
        name="createConstraintReference",
        about="Create a constraint.",
        method="PUT",
        path=f"{_CONSTRAINTS}/{{entityid}}",
        scopes=(MANAGEMENT,),
        run=_put_constraint,
        asks=wire.PutConstraintReferenceParameters,
        gives=wire.ChangeConstraintReferenceResponse,
        status=201,
    ),
    Operation(
        name="updateConstraintReference",
        about="Change a constraint.",
        method="PUT",
        path=f"{_CONSTRAINTS}/{{entityid}}/{{ovn}}",
        scopes=(MANAGEMENT,),
        run=_put_constraint,
        asks=wire.PutConstraintReferenceParameters,
        gives=wire.ChangeConstraintReferenceResponse,
    ),
    Operation(
        name="deleteConstraintReference",
        about="Withdraw a constraint.",
        method="DELETE",
        path=f"{_CONSTRAINTS}/{{entityid}}/{{ovn}}",
        scopes=(MANAGEMENT,),
        run=_delete_constraint,
        gives=wire.ChangeConstraintReferenceResponse,
    ),
    Operation(
        name="querySubscriptions",
        about="All of one's own subscriptions in an area.",
        method="POST",
        path=f"{_SUBSCRIPTIONS}/query",
        scopes=_LISTENING,
        run=_query_subscriptions,
        asks=wire.QueryParameters,
        gives=wire.QuerySubscriptionsResponse,
    ),
    Operation(
        name="getSubscription",
        about="One of one's own subscriptions.",
        method="GET",
        path=f"{_SUBSCRIPTIONS}/{{subscriptionid}}",
        scopes=_LISTENING,
        run=_get_subscription,
        gives=wire.GetSubscriptionResponse,
    ),
    Operation(
        name="createSubscription",
        about="Create a subscription.",
        method="PUT",
        path=f"{_SUBSCRIPTIONS}/{{subscriptionid}}",
        scopes=_LISTENING,
        run=_put_subscription,
        asks=wire.PutSubscriptionParameters,
        gives=wire.PutSubscriptionResponse,
    ),
    Operation(
        name="updateSubscription",
        about="Change a subscription.",
        method="PUT",
        path=f"{_SUBSCRIPTIONS}/{{subscriptionid}}/{{version}}",
        scopes=_LISTENING,
        run=_put_subscription,
        asks=wire.PutSubscriptionParameters,
        gives=wire.PutSubscriptionResponse,
    ),
    Operation(
        name="deleteSubscription",
        about="End a subscription.",
        method="DELETE",
        path=f"{_SUBSCRIPTIONS}/{{subscriptionid}}/{{version}}",
        scopes=_LISTENING,
        run=_delete_subscription,
        gives=wire.DeleteSubscriptionResponse,
    ),
    Operation(
        name="makeDssReport",
        about="Report an exchange that went wrong.",
        method="POST",
        path=f"{PREFIX}/reports",
        scopes=ALL,
        run=put_report,
        asks=wire.ErrorReport,
        gives=wire.ErrorReport,
        status=201,
    ),
    Operation(
        name="getUssAvailability",
        about="What was last declared of a USS.",
        method="GET",
        path=_AVAILABILITY,
        scopes=(ARBITRATION, *_FLYING),
        run=_get_availability,
        gives=wire.UssAvailabilityStatusResponse,
    ),
    Operation(
        name="setUssAvailability",
        about="Declare whether a USS answers.",
        method="PUT",
        path=_AVAILABILITY,
        scopes=(ARBITRATION,),
        run=_put_availability,
        asks=wire.SetUssAvailabilityStatusParameters,
        gives=wire.UssAvailabilityStatusResponse,
    ),
    # The framework takes an empty last part of a path for none.
    *(
        Operation(
            name=f"deleteWithoutVersion{number}",
            about="Refused: nothing is deleted unseen.",
            method="DELETE",
            path=path,
            scopes=scopes,
            run=_no_version,
            gives=wire.ErrorResponse,
            hidden=True,
        )
        for number, (path, scopes) in enumerate(
            (
                (f"{_INTENTS}/{{entityid}}", _FLYING),
                (f"{_CONSTRAINTS}/{{entityid}}", (MANAGEMENT,)),
                (f"{_SUBSCRIPTIONS}/{{subscriptionid}}", _LISTENING),
            )
        )
    ),
)

"""Every operation of /uss/v1: what peers ask and tell the node as a USS.

The node is the USS of the parties that file by its other doors. Log sets, which the
OpenAPI calls a pseudo endpoint, have none here: ``detente log`` has the record.

Source: ASTM F3548-21 annex A2 and its published OpenAPI, version 1.0.0.
"""

from typing import NoReturn

from detente.doors.astm import answers, requests, wire
from detente.doors.astm.operations import (
    ALL,
    COORDINATION,
    MANAGEMENT,
    MONITORING,
    PROCESSING,
    Call,
    Operation,
    entity,
    put_report,
)
from detente.node.f3548.details import (
    CONSTRAINT,
    INTENT,
    ConstraintDetails,
    IntentDetails,
    Told,
    get_constraint_details,
    get_intent_details,
    get_telemetry,
)
from detente.node.f3548.heard import hear
from detente.node.telling.disclosures import disclose

PREFIX = "/uss/v1"


async def _get_intent(call: Call) -> bytes:
    question = get_intent_details(call.principal, entity(call), call.terms)
    told: Told = await call.engine.act(question)
    await disclose(call.engine, call.principal, (told.view,))
    assert isinstance(told.details, IntentDetails)  # noqa: S101 - a plan was asked for
    return answers.intent_details(told.details)


async def _get_constraint(call: Call) -> bytes:
    question = get_constraint_details(call.principal, entity(call), call.terms)
    told: Told = await call.engine.act(question)
    await disclose(call.engine, call.principal, (told.view,))
    assert isinstance(told.details, ConstraintDetails)  # noqa: S101 - no plan was asked for
    return answers.constraint_details(told.details)


async def _get_telemetry(call: Call) -> NoReturn:
    await call.engine.act(get_telemetry(call.principal, entity(call)))
    raise AssertionError("there is none")  # pragma: no cover - the question always raises


async def _notify_intent(call: Call) -> bytes:
    name, text = requests.intent_notified(call.body)
    await call.engine.act(hear(call.principal, INTENT, name, text))
    return b""


async def _notify_constraint(call: Call) -> bytes:
    name, text = requests.constraint_notified(call.body)
    await call.engine.act(hear(call.principal, CONSTRAINT, name, text))
    return b""


USS_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="getOperationalIntentDetails",
        about="One operational intent that a party filed here, whole.",
        method="GET",
        path=f"{PREFIX}/operational_intents/{{entityid}}",
        scopes=(COORDINATION,),
        run=_get_intent,
        gives=wire.GetOperationalIntentDetailsResponse,
    ),
    Operation(
        name="getOperationalIntentTelemetry",
        about="Where the aircraft is: refused, for the node holds no telemetry.",
        method="GET",
        path=f"{PREFIX}/operational_intents/{{entityid}}/telemetry",
        scopes=(MONITORING,),
        run=_get_telemetry,
        gives=wire.GetOperationalIntentTelemetryResponse,
    ),
    Operation(
        name="notifyOperationalIntentDetailsChanged",
        about="Tell the node of a change to an operational intent that the sender manages.",
        method="POST",
        path=f"{PREFIX}/operational_intents",
        scopes=(COORDINATION,),
        run=_notify_intent,
        asks=wire.PutOperationalIntentDetailsParameters,
        gives=None,
        status=204,
    ),
    Operation(
        name="getConstraintDetails",
        about="One zone, notice or presence that a party filed here, whole.",
        method="GET",
        path=f"{PREFIX}/constraints/{{entityid}}",
        scopes=(PROCESSING,),
        run=_get_constraint,
        gives=wire.GetConstraintDetailsResponse,
    ),
    Operation(
        name="notifyConstraintDetailsChanged",
        about="Tell the node of a change to a constraint that the sender manages.",
        method="POST",
        path=f"{PREFIX}/constraints",
        scopes=(MANAGEMENT,),
        run=_notify_constraint,
        asks=wire.PutConstraintDetailsParameters,
        gives=None,
        status=204,
    ),
    Operation(
        name="makeUssReport",
        about="Report an exchange that went wrong.",
        method="POST",
        path=f"{PREFIX}/reports",
        scopes=ALL,
        run=put_report,
        asks=wire.ErrorReport,
        gives=wire.ErrorReport,
        status=201,
    ),
)

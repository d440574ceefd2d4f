"""Calling: the hotline. A call goes out with its first message; answers are steps."""

from http import HTTPStatus
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from detente.core.incident import Incident, IncidentStep
from detente.core.principal import Scope
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.asgi_query import query_of
from detente.doors.http.v1 import examples
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.operation import READS, WRITES, Body, Operation
from detente.doors.http.v1.request import Form, act, converted, encode, json_body
from detente.doors.http.v1.speaking import IDEMPOTENT, RECEIPT_TELLS
from detente.errors import MalformedInput
from detente.node.hotline.lines import LIMIT_MAX, Asked, LinePage
from detente.node.submit import Receipt
from detente.node.telling.disclosures import disclose
from detente.node.verbs import Speak

TAG = "hotline"

_opened: Form[Incident] = Form(Incident, author_in="")
_step: Form[IncidentStep] = Form(IncidentStep, author_in="")


class LinesQuery(Struct, frozen=True, kw_only=True):
    """Which calls.

    Attributes:
        after: Only those whose incident changed after this entry.
        limit: At most so many.
        open: Only those that are open, or only those that are closed; both where it is not said.
        newest: The last of them, and not the first: `more` says that there are earlier ones.
    """

    after: Annotated[int, Meta(ge=-1)] = -1
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_MAX
    open: bool | UnsetType = UNSET
    newest: bool = False


async def open_incident(desk: Desk, exchange: Exchange) -> Answer:
    """A call, by whoever is signed in, or by a device that its party enrolled."""
    principal = await desk.caller(exchange)
    principal.require(Scope.CALL)
    body = await json_body(exchange)
    incident = _opened.read(body, principal.party)
    return await act(desk.engine, Speak(principal, incident), exchange, body)


async def take_step(desk: Desk, exchange: Exchange) -> Answer:
    """A step of the asker's own party."""
    principal = await desk.enter(exchange)
    principal.require(Scope.ACKNOWLEDGE)
    body = await json_body(exchange)
    named = exchange.path_params["object"]
    step = _step.read(body, principal.party, incident=named)
    if step.incident != named:
        raise MalformedInput("incident", expected="that of the path", got=step.incident)
    return await act(desk.engine, Speak(principal, step), exchange, body)


async def lines(desk: Desk, exchange: Exchange) -> Answer:
    """The calls that concern the asker's party."""
    principal = await desk.enter(exchange)
    asked = converted(query_of(exchange), LinesQuery)
    is_open = None if asked.open is UNSET else asked.open
    wanted = Asked(after=asked.after, limit=asked.limit, open=is_open, newest=asked.newest)
    page = await desk.reading.lines(principal, wanted)
    return await _shown(desk, principal, page)


async def line(desk: Desk, exchange: Exchange) -> Answer:
    """One of them."""
    principal = await desk.enter(exchange)
    page = await desk.reading.line(principal, exchange.path_params["object"])
    return await _shown(desk, principal, page)


async def _shown(desk: Desk, principal: Any, page: LinePage) -> Answer:
    await disclose(desk.engine, principal, [view for one in page.lines for view in one.views])
    return Answer(HTTPStatus.OK, encode(page))


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/incidents",
        name="openIncident",
        says="Call on the hotline: place, coded message and words in one act.\n\n"
        "The duty desks of whoever has something near, hidden or not, are called at once with all "
        "that is said here; where nobody has, all members are. Whoever does not answer is called "
        "again, by the agreement's ladder. It works while the agreement is suspended, and from a "
        "device that its party enrolled while nobody is signed in there. Who was called is told "
        "as far as a check at the place would tell it. A call asks; it permits nothing.",
        tag=TAG,
        act=open_incident,
        body=Body(
            form=Incident,
            optional={Incident: frozenset({"party"})},
            example=examples.BODIES["openIncident"],
        ),
        gives=Receipt,
        status=HTTPStatus.CREATED,
        scopes=(Scope.CALL,),
        refusals=WRITES,
        headers=IDEMPOTENT,
        tells=RECEIPT_TELLS,
    ),
    Operation(
        method="POST",
        path="/v1/incidents/{object}/steps",
        name="takeStep",
        says="Say how far one is with a call: acknowledged, acting, stopped, or a statement.\n\n"
        "By whoever was called, each for itself; its caller makes statements, and closes. What "
        "one who was called says is seen by the caller and by nobody else. It approves nothing.",
        tag=TAG,
        act=take_step,
        body=Body(
            form=IncidentStep,
            optional={IncidentStep: frozenset({"party", "incident"})},
            example=examples.BODIES["takeStep"],
        ),
        gives=Receipt,
        status=HTTPStatus.CREATED,
        scopes=(Scope.ACKNOWLEDGE,),
        refusals=(*WRITES, "not_found"),
        headers=IDEMPOTENT,
        tells=RECEIPT_TELLS,
    ),
    Operation(
        method="GET",
        path="/v1/incidents",
        name="lines",
        says="List the calls that the party made or received, each with its clock and steps.",
        tag=TAG,
        act=lines,
        gives=LinePage,
        scopes=(Scope.READ,),
        refusals=(*READS, "malformed_input"),
        query=LinesQuery,
    ),
    Operation(
        method="GET",
        path="/v1/incidents/{object}",
        name="line",
        says="One call, as a list of one.\n\n"
        "Its whole chain as evidence: `/v1/objects/{object}/evidence`.",
        tag=TAG,
        act=line,
        gives=LinePage,
        scopes=(Scope.READ,),
        refusals=(*READS, "not_found"),
    ),
)

"""Speaking: a value in, a receipt out."""

from http import HTTPStatus
from typing import Annotated, Any

from msgspec import Meta, Struct

from detente.core.erasure import Order
from detente.core.incident import Incident
from detente.core.notice import Notice, NoticeKind
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.principal import Scope
from detente.core.report import Report
from detente.core.subscription import Subscription
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.zone import Zone
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer as HttpAnswer
from detente.doors.http.v1 import examples
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.operation import WRITES, Act, Body, Operation
from detente.doors.http.v1.request import Form, act, json_body, seen_token
from detente.errors import MalformedInput
from detente.node.erasing import Erase
from detente.node.submit import Receipt
from detente.node.verbs import End, Place, Speak

KEY_TOKENS_MAX = 20_000
"""Version tokens with one plan: as many entries as a plan over a large city may meet."""

Tokens = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=KEY_TOKENS_MAX)
]

Sayable = (
    Notice
    | Presence
    | Zone
    | Plan
    | Report
    | Subscription
    | Objection
    | Answer
    | Acknowledgement
    | ReleaseRequest
    | ReleaseDecision
    | Incident
)
"""What a party says of its own, and may say anew."""


class Filed(Struct, frozen=True, kw_only=True):
    """A plan, and the version tokens of what its author knows that it meets."""

    plan: Plan
    key: Tokens = ()


class ErasedBy(Struct, frozen=True, kw_only=True):
    """By whose order, and under which heading; nothing of what is erased."""

    order: Order


class Changed(Struct, frozen=True, kw_only=True):
    """The next version of an object, whole; for a plan with its key."""

    value: Sayable
    key: Tokens = ()


_filed: Form[Filed] = Form(Filed, author_in="plan")
_changed: Form[Changed] = Form(Changed, author_in="value")
_erased: Form[ErasedBy] = Form(ErasedBy)


async def file_plan(desk: Desk, exchange: Exchange) -> HttpAnswer:
    """A plan, with its key."""
    principal = await desk.enter(exchange)
    principal.require(Scope.WRITE_PLANS)
    body = await json_body(exchange)
    filed = _filed.read(body, principal.party)
    command = Speak(principal, filed.plan, key=frozenset(filed.key))
    return await act(desk.engine, command, exchange, body)


async def change(desk: Desk, exchange: Exchange) -> HttpAnswer:
    """The next version of an object."""
    principal = await desk.enter(exchange)
    place = Place(object_id=exchange.path_params["object"], token=seen_token(exchange))
    body = await json_body(exchange)
    changed = _changed.read(body, principal.party)
    command = Speak(principal, changed.value, place, frozenset(changed.key))
    return await act(desk.engine, command, exchange, body, status=HTTPStatus.OK)


async def end(desk: Desk, exchange: Exchange) -> HttpAnswer:
    """The last version of an object."""
    principal = await desk.enter(exchange)
    place = Place(object_id=exchange.path_params["object"], token=seen_token(exchange))
    return await act(desk.engine, End(principal, place), exchange, b"", status=HTTPStatus.OK)


async def erase(desk: Desk, exchange: Exchange) -> HttpAnswer:
    """What an object said, destroyed."""
    principal = await desk.enter(exchange)
    principal.require(Scope.ERASE, Scope.ADMIN)
    body = await json_body(exchange)
    order = _erased.read(body, "").order
    command = Erase(principal, exchange.path_params["object"], order)
    return await act(desk.engine, command, exchange, body)


def _says(kind: Any, scope: Scope, /, **defaults: object) -> Act:
    """An operation that puts a value of one kind on the record."""
    form: Form[Any] = Form(kind, author_in="")

    async def say(desk: Desk, exchange: Exchange) -> HttpAnswer:
        principal = await desk.enter(exchange)
        principal.require(scope)
        body = await json_body(exchange)
        value = form.read(body, principal.party, **defaults)
        for name, only in defaults.items():
            if getattr(value, name) != only:
                raise MalformedInput(name, expected=f"{only}", got=f"{getattr(value, name)}")
        return await act(desk.engine, Speak(principal, value), exchange, body)

    return say


IDEMPOTENT = {"idempotency-key": False}
RECEIPT_TELLS = ("etag", "location", "idempotency-replayed")
AUTHOR = frozenset({"party"})


def _operation(
    path: str, name: str, says: str, kind: Any, scope: Scope, *, hot: bool = False, **parts: Any
) -> Operation:
    example = examples.BODIES[name]
    defaults = parts.pop("defaults", {})
    return Operation(
        method="POST",
        path=path,
        name=name,
        says=says,
        tag=parts.pop("tag", "entries"),
        act=_says(kind, scope, **defaults),
        body=Body(form=kind, optional={kind: AUTHOR | frozenset(defaults)}, example=example),
        gives=Receipt,
        status=HTTPStatus.CREATED,
        scopes=(scope,),
        refusals=(*WRITES, *parts.pop("refusals", ())),
        headers=IDEMPOTENT,
        tells=RECEIPT_TELLS,
        hot=hot,
    )


OPERATIONS = (
    _operation(
        "/v1/notices",
        "notify",
        "Notify a site or a movement that must be spared.\n\n"
        "It counts in every check from the moment of this answer, whoever may see it. "
        "What comes later than the agreement asks is taken all the same, and marked `late`.",
        Notice,
        Scope.WRITE_NOTICES,
        hot=True,
    ),
    _operation(
        "/v1/movements",
        "notifyMovement",
        "Notify a movement: a notice whose legs each have a start and an end.",
        Notice,
        Scope.WRITE_NOTICES,
        defaults={"kind": NoticeKind.MOVEMENT},
    ),
    _operation(
        "/v1/presence",
        "tellPresence",
        "Say where the party's own people are: an area, or a track.",
        Presence,
        Scope.WRITE_PRESENCE,
    ),
    _operation(
        "/v1/zones",
        "declareZone",
        "Declare a zone and what it asks of an activity that meets it.",
        Zone,
        Scope.WRITE_ZONES,
    ),
    _operation(
        "/v1/reports",
        "report",
        "Give a report to those to whom it is released.\n\n"
        "Refused while the agreement is suspended.",
        Report,
        Scope.WRITE_REPORTS,
    ),
    _operation(
        "/v1/objections",
        "objectTo",
        "Object to an object of another party, by the reasons given.\n\n"
        "A plan is not activated while an objection to it has no answer by name.",
        Objection,
        Scope.WRITE_OBJECTIONS,
        tag="telling",
        refusals=("not_found",),
    ),
    _operation(
        "/v1/answers",
        "answerObjection",
        "Answer an objection to one of the party's own objects, by its name.",
        Answer,
        Scope.WRITE_OBJECTIONS,
        tag="telling",
        refusals=("not_found",),
    ),
    _operation(
        "/v1/acknowledgements",
        "acknowledge",
        "Acknowledge one entry: how far it has come. It approves nothing.",
        Acknowledgement,
        Scope.ACKNOWLEDGE,
        tag="telling",
        refusals=("not_found",),
    ),
    _operation(
        "/v1/release-requests",
        "requestRelease",
        "Ask an object's author whether it may be passed on to another party.",
        ReleaseRequest,
        Scope.RELEASE,
        tag="telling",
        refusals=("not_found",),
    ),
    _operation(
        "/v1/release-decisions",
        "decideRelease",
        "Grant or refuse a request to pass on one of the party's own objects.",
        ReleaseDecision,
        Scope.RELEASE,
        tag="telling",
        refusals=("not_found",),
    ),
    Operation(
        method="POST",
        path="/v1/plans",
        name="filePlan",
        says="File a plan, with the version token of each entry that it meets.\n\n"
        "A plan takes effect only if its author knows of all that it meets: else it is refused "
        "with `unaware`, and `missing` names every entry whose token was not shown, with as much "
        "of each as the author may see, or whom to call. Nothing is ever left out of `missing`. "
        "A draft needs no key.",
        tag="plans",
        act=file_plan,
        body=Body(
            form=Filed,
            optional={Plan: AUTHOR},
            example=examples.BODIES["filePlan"],
        ),
        gives=Receipt,
        status=HTTPStatus.CREATED,
        scopes=(Scope.WRITE_PLANS,),
        refusals=(*WRITES, "unaware", "budget_spent"),
        headers=IDEMPOTENT,
        tells=RECEIPT_TELLS,
        hot=True,
    ),
    Operation(
        method="PUT",
        path="/v1/objects/{object}",
        name="changeObject",
        says="Put the next version of one of the party's own objects.\n\n"
        "The whole value, of the same kind and name. `If-Match` holds the version token of the "
        "version that you saw, so that nobody overwrites what he has not seen. A plan comes with "
        "its key: what changes in place, time or state is held against everything anew.",
        tag="objects",
        act=change,
        body=Body(
            form=Changed,
            optional=dict.fromkeys(Sayable.__args__, AUTHOR),
            example=examples.BODIES["changeObject"],
        ),
        gives=Receipt,
        scopes=(
            Scope.WRITE_NOTICES,
            Scope.WRITE_PRESENCE,
            Scope.WRITE_ZONES,
            Scope.WRITE_PLANS,
            Scope.WRITE_REPORTS,
            Scope.WRITE_OBJECTIONS,
            Scope.SUBSCRIBE,
            Scope.RELEASE,
            Scope.CALL,
        ),
        refusals=(*WRITES, "not_found", "stale", "token_required", "unaware", "budget_spent"),
        headers={**IDEMPOTENT, "if-match": True},
        tells=RECEIPT_TELLS,
    ),
    Operation(
        method="DELETE",
        path="/v1/objects/{object}",
        name="endObject",
        says="End one of the party's own objects: it no longer asks to be reckoned with.\n\n"
        "Nothing is removed: a last version says that it was withdrawn, ended, retracted or "
        "taken back.",
        tag="objects",
        act=end,
        gives=Receipt,
        scopes=(
            Scope.WRITE_NOTICES,
            Scope.WRITE_PRESENCE,
            Scope.WRITE_ZONES,
            Scope.WRITE_PLANS,
            Scope.WRITE_REPORTS,
            Scope.WRITE_OBJECTIONS,
            Scope.SUBSCRIBE,
        ),
        refusals=(
            *(one for one in WRITES if one != "unsupported_media_type"),
            "not_found",
            "stale",
            "token_required",
        ),
        headers={**IDEMPOTENT, "if-match": True},
        tells=RECEIPT_TELLS,
    ),
    Operation(
        method="POST",
        path="/v1/objects/{object}/erasure",
        name="eraseObject",
        says="Destroy what an object says, of all its versions; the log still verifies.\n\n"
        "Only of one that its author has ended: what still counts is refused with `in_force`. The "
        "party's own with the scope for it; an administrator may erase anybody's, which the node "
        "then says. That it was erased, when and by whose order is itself an entry, answered "
        "here; it cannot be undone (docs/rules/R-19.md).",
        tag="objects",
        act=erase,
        body=Body(form=ErasedBy, example=examples.BODIES["eraseObject"]),
        gives=Receipt,
        status=HTTPStatus.CREATED,
        scopes=(Scope.ERASE, Scope.ADMIN),
        refusals=(*WRITES, "not_found", "in_force"),
        headers=IDEMPOTENT,
        tells=RECEIPT_TELLS,
    ),
)

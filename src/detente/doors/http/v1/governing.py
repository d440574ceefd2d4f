"""The agreement, the parties, and who one is."""

from http import HTTPStatus
from typing import Any

from msgspec import Struct

from detente.core.agreement import Agreement, AgreementState
from detente.core.party import Party
from detente.core.principal import Method, Role, Scope
from detente.core.view import View
from detente.core.volume import UtcTime
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.asgi_query import query_of
from detente.doors.http.v1 import examples
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.looking import VersionsQuery, etag
from detente.doors.http.v1.operation import READS, WRITES, Act, Body, Operation
from detente.doors.http.v1.request import Form, act, converted, encode, json_body
from detente.doors.http.v1.speaking import IDEMPOTENT, RECEIPT_TELLS
from detente.errors import MalformedInput
from detente.node.reading import Terms
from detente.node.submit import Receipt
from detente.node.verbs import Admit, Agree


class Parties(Struct, frozen=True, kw_only=True):
    """All admitted parties, by id."""

    parties: tuple[Party, ...]


class AllTerms(Struct, frozen=True, kw_only=True):
    """Versions of the agreement, oldest first."""

    versions: tuple[Terms, ...]


class Me(Struct, frozen=True, kw_only=True):
    """Who asks, as the node understood it, and what he may ask for."""

    party: str
    method: Method
    subject: str
    roles: tuple[Role, ...]
    scopes: tuple[Scope, ...]
    issuer: str | None
    expires: UtcTime | None


_agreement: Form[Agreement] = Form(Agreement)
_party: Form[Party] = Form(Party)


async def me(desk: Desk, exchange: Exchange) -> Answer:
    """Who asks."""
    principal = await desk.enter(exchange)
    told = Me(
        party=principal.party,
        method=principal.method,
        subject=principal.subject,
        roles=tuple(sorted(principal.roles)),
        scopes=tuple(sorted(principal.scopes)),
        issuer=principal.issuer,
        expires=principal.expires,
    )
    return Answer(HTTPStatus.OK, encode(told))


async def parties(desk: Desk, exchange: Exchange) -> Answer:
    """All parties."""
    principal = await desk.enter(exchange)
    return Answer(HTTPStatus.OK, encode(Parties(parties=await desk.reading.parties(principal))))


async def admit(desk: Desk, exchange: Exchange) -> Answer:
    """Admit a party."""
    principal = await desk.enter(exchange)
    principal.require(Scope.ADMIN)
    body = await json_body(exchange)
    party = _party.read(body, "")
    known = desk.engine.world.parties.get(party.id)
    _require_kept("keys", party.keys, () if known is None else known.keys)
    return await act(desk.engine, Admit(principal, party), exchange, body)


async def agreement(desk: Desk, exchange: Exchange) -> Answer:
    """The agreement."""
    principal = await desk.enter(exchange)
    view = await desk.reading.agreement(principal)
    return Answer(HTTPStatus.OK, encode(view), headers=(etag(view),))


async def versions(desk: Desk, exchange: Exchange) -> Answer:
    """Its versions."""
    principal = await desk.enter(exchange)
    principal.require(Scope.READ)
    asked = converted(query_of(exchange), VersionsQuery)
    found = await desk.reading.agreement_versions(principal, after=asked.after, limit=asked.limit)
    return Answer(HTTPStatus.OK, encode(AllTerms(versions=found)))


async def agree(desk: Desk, exchange: Exchange) -> Answer:
    """New terms."""
    principal = await desk.enter(exchange)
    principal.require(Scope.ADMIN)
    body = await json_body(exchange)
    terms = _agreement.read(body, "")
    current = desk.engine.world.agreement
    _require_kept("node_keys", terms.node_keys, current.node_keys)
    _require_kept("log_keys", terms.log_keys, current.log_keys)
    return await act(desk.engine, Agree(principal, terms), exchange, body)


def _become(state: AgreementState) -> Act:
    async def become(desk: Desk, exchange: Exchange) -> Answer:
        principal = await desk.enter(exchange)
        return await act(desk.engine, Agree(principal, state=state), exchange, b"")

    return become


def _require_kept(what: str, given: tuple[object, ...], current: tuple[object, ...]) -> None:
    """Refuse keys that would not be taken: keys come by entries that they sign.

    Raises:
        MalformedInput: They are others than the record has.
    """
    if given and given != current:
        raise MalformedInput(what, expected="none, or those that the record has")


def _put(name: str, path: str, says: str, doing: Act, form: Any = None) -> Operation:
    refusals: tuple[str, ...] = WRITES
    body = None
    if form is not None:
        body = Body(form=form, optional={form: frozenset()}, example=examples.BODIES[name])
    else:
        refusals = tuple(one for one in WRITES if one != "unsupported_media_type")
    return Operation(
        method="POST",
        path=path,
        name=name,
        says=says,
        tag="agreement",
        act=doing,
        body=body,
        gives=Receipt,
        status=HTTPStatus.CREATED,
        scopes=(Scope.ADMIN,),
        refusals=refusals,
        headers=IDEMPOTENT,
        tells=RECEIPT_TELLS,
    )


def _get(name: str, path: str, says: str, doing: Act, gives: Any, **parts: Any) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        says=says,
        tag="agreement",
        act=doing,
        gives=gives,
        scopes=(Scope.READ,),
        **parts,
    )


OPERATIONS = (
    _get("agreement", "/v1/agreement", "The agreement in its current version.", agreement, View,
         tells=("etag",)),
    _get("agreementVersions", "/v1/agreement/versions",
         "The versions of the agreement, with the proof that the record holds each.",
         versions, AllTerms, query=VersionsQuery, refusals=(*READS, "malformed_input")),
    _put("putAgreement", "/v1/agreement", "Put new terms on the record.\n\n"
         "They hold for everything that comes after. The node's keys stay as they are.",
         agree, Agreement),
    _put("suspend", "/v1/agreement/suspend", "Suspend the agreement.\n\n"
         "No new plan takes effect and no report is given; whatever spares life stays on.",
         _become(AgreementState.SUSPENDED)),
    _put("resume", "/v1/agreement/resume", "Resume a suspended agreement.",
         _become(AgreementState.IN_FORCE)),
    _get("parties", "/v1/parties", "All admitted parties, with their duty desks and keys.",
         parties, Parties),
    _put("admitParty", "/v1/parties", "Admit a party, or change its name and desks.\n\n"
         "It gets no key here: keys come by entries that they sign.",
         admit, Party),
    Operation(
        method="GET",
        path="/v1/me",
        name="me",
        says="Who the asker is, as the node understood it, and what he may ask for.",
        tag="agreement",
        act=me,
        gives=Me,
    ),
)  # fmt: skip

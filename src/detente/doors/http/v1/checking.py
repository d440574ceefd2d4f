"""The check: one plan, or lines of them. It informs, and never permits."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import TypeVar

from msgspec import Struct

from detente.core import committed
from detente.core.check import Verdict
from detente.core.lines import to_base64
from detente.core.plan import Plan
from detente.core.principal import Principal, Scope
from detente.core.volume import RadiusMm
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer, Streamed
from detente.doors.evidence_page import evidence_file
from detente.doors.http.v1 import examples
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.lines import Line, answers, kept, refused, unhurried
from detente.doors.http.v1.operation import JSON, LINES, READS, WRITES, Body, Operation
from detente.doors.http.v1.request import Form, encode, json_body, require_media_type
from detente.errors import DetenteError, MalformedInput
from detente.node import asking, committing
from detente.node.submit import Receipt
from detente.node.verbs import own


class Question(Struct, frozen=True, kw_only=True):
    """A plan, and the least separation that its author wants from everything."""

    plan: Plan
    separation_mm: RadiusMm = 0


class Asked(Question, frozen=True, kw_only=True):
    """A question, and whether its answer is to be put on the record.

    Attributes:
        commit: Whether the node commits to its answer. What opens the commitment is in
            the answer, and nowhere else.
    """

    commit: bool = False


class Opening(Struct, frozen=True, kw_only=True):
    """What opens the commitment to a check: its entry's commitment is SHA-256(salt || object).

    Attributes:
        object: Question and answer, canonical JSON (RFC 8785), to the byte.
        salt: 32 bytes, base64.
        evidence: A page for people that holds these, and the proofs; `detente verify`
            checks it with no node.
    """

    object: str
    salt: str
    evidence: str


class Committed(Struct, frozen=True, kw_only=True):
    """An answer, that it is on record, and what opens it: the node keeps nothing of that."""

    verdict: Verdict
    receipt: Receipt
    opening: Opening


class Checked(Struct, frozen=True, kw_only=True):
    """The answer to one line."""

    line: int
    verdict: Verdict


Q = TypeVar("Q", bound=Question)

_form: Form[Asked] = Form(Asked, author_in="plan")
_line_form: Form[Question] = Form(Question, author_in="plan")


async def check(desk: Desk, exchange: Exchange) -> Answer:
    """One plan."""
    principal = await desk.enter(exchange)
    principal.require(Scope.CHECK)
    asked = _read(_form, await json_body(exchange), principal)
    if asked.commit and exchange.header(b"idempotency-key") is not None:
        raise MalformedInput(
            "Idempotency-Key", expected="none: the node keeps no answer that it commits to"
        )
    [verdict] = await _ask(desk, principal, [asked.plan], asked.separation_mm)
    if not asked.commit:
        return Answer(HTTPStatus.OK, encode(verdict))
    return Answer(HTTPStatus.CREATED, encode(await _commit(desk, principal, asked, verdict)))


async def _commit(desk: Desk, principal: Principal, asked: Question, verdict: Verdict) -> Committed:
    """Put an answer on the record; without the log's key nothing would prove it, so none is."""
    notary = await asyncio.to_thread(desk.notary)
    question = committed.Question(
        party=principal.party,
        method=principal.method,
        plan=asked.plan,
        separation_mm=asked.separation_mm,
    )
    command = committing.Commit(principal, question, verdict)
    made: committing.Committed = await desk.engine.act(command, proven=True)
    found = await desk.reading.opening(principal, made, notary)
    page = await asyncio.to_thread(evidence_file, found, notary.key)
    return Committed(
        verdict=verdict,
        receipt=made.receipt,
        opening=Opening(
            object=made.content.data.decode(),
            salt=to_base64(made.content.salt),
            evidence=page.decode(),
        ),
    )


async def check_lines(desk: Desk, exchange: Exchange) -> Streamed:
    """Lines of plans."""
    principal = await desk.enter(exchange)
    principal.require(Scope.CHECK)
    require_media_type(exchange, LINES.encode())

    async def work(batch: Sequence[Line]) -> list[bytes]:
        return await _batch(desk, exchange, principal, batch)

    return Streamed(HTTPStatus.OK, unhurried(answers(exchange, work)), LINES.encode())


def _read(form: Form[Q], data: bytes, principal: Principal) -> Q:
    question = form.read(data, principal.party)
    own(question.plan, principal.party)
    return question


async def _ask(
    desk: Desk, principal: Principal, plans: Sequence[Plan], separation_mm: int
) -> list[Verdict]:
    return await desk.asking.check(
        asking.Asked(principal=principal, plans=plans, separation_mm=separation_mm)
    )


async def _batch(
    desk: Desk, exchange: Exchange, principal: Principal, batch: Sequence[Line]
) -> list[bytes]:
    """One answer a line, in order; plans that want one separation are asked together."""
    made: dict[int, bytes] = {}
    alike: dict[int, list[tuple[int, Plan]]] = defaultdict(list)
    for line in batch:
        try:
            question = _read(_line_form, kept(line), principal)
        except DetenteError as error:
            made[line.number] = refused(line.number, error, exchange)
            continue
        alike[question.separation_mm].append((line.number, question.plan))

    async def together(separation_mm: int, asked: list[tuple[int, Plan]]) -> None:
        try:
            verdicts = await _ask(desk, principal, [plan for _, plan in asked], separation_mm)
        except Exception as error:  # noqa: BLE001 - each line has its own answer, whatever failed
            if len(asked) == 1:
                made[asked[0][0]] = refused(asked[0][0], error, exchange)
                return
            # One of them cannot be measured; the others are not to wait for its author.
            await asyncio.gather(*(together(separation_mm, [one]) for one in asked))
            return
        for (number, _), verdict in zip(asked, verdicts, strict=True):
            made[number] = encode(Checked(line=number, verdict=verdict))

    await asyncio.gather(*(together(*one) for one in alike.items()))
    return [made[line.number] for line in batch]


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/check",
        name="check",
        says="Check one plan against everything known, hidden entries included.\n\n"
        "The answer informs, and never permits; the best one is `no_known_conflict`. What the "
        "asker may not see is counted in `withheld`, with a desk to call. Nothing is written, "
        "unless `commit` asks for it: then a salted commitment to question and answer goes on "
        "the record, and what opens it comes with the answer (201). The node keeps nothing of "
        "that, so it cannot give it again, and takes no Idempotency-Key with it.",
        tag="checks",
        act=check,
        body=Body(
            form=Asked,
            optional={Plan: frozenset({"party"})},
            example=examples.BODIES["check"],
        ),
        gives={HTTPStatus.OK: {JSON: Verdict}, HTTPStatus.CREATED: {JSON: Committed}},
        scopes=(Scope.CHECK,),
        refusals=(*WRITES, "not_found"),
        hot=True,
    ),
    Operation(
        method="POST",
        path="/v1/checks",
        name="checkMany",
        says="Check many plans: JSON lines in, one answer a line, in their order.\n\n"
        "Each line is as the body of `/v1/check`, each answer a `verdict` or a `problem`, with "
        "the number of its line. Plans are checked as they arrive; read while you send, or "
        "afterwards.",
        tag="checks",
        act=check_lines,
        body=Body(form=Question, optional={Plan: frozenset({"party"})}, media_types=(LINES,)),
        gives=Checked,
        media_type=LINES,
        scopes=(Scope.CHECK,),
        refusals=(*READS, "unsupported_media_type", "too_large"),
    ),
)

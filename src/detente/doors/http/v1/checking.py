"""The check: one plan, or lines of them. It informs, and never permits."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus

from msgspec import Struct

from detente.core.check import Verdict
from detente.core.plan import Plan
from detente.core.principal import Principal, Scope
from detente.core.volume import RadiusMm
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer, Streamed
from detente.doors.http.v1 import examples
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.lines import Line, answers, kept, refused, unhurried
from detente.doors.http.v1.operation import LINES, READS, Body, Operation
from detente.doors.http.v1.request import Form, encode, json_body, require_media_type
from detente.errors import DetenteError
from detente.node.asking import Asked
from detente.node.verbs import own


class Question(Struct, frozen=True, kw_only=True):
    """A plan, and the least separation that its author wants from everything."""

    plan: Plan
    separation_mm: RadiusMm = 0


class Checked(Struct, frozen=True, kw_only=True):
    """The answer to one line."""

    line: int
    verdict: Verdict


_form: Form[Question] = Form(Question, author_in="plan")


async def check(desk: Desk, exchange: Exchange) -> Answer:
    """One plan."""
    principal = await desk.enter(exchange)
    principal.require(Scope.CHECK)
    question = _read(await json_body(exchange), principal)
    [verdict] = await _ask(desk, principal, [question.plan], question.separation_mm)
    return Answer(HTTPStatus.OK, encode(verdict))


async def check_lines(desk: Desk, exchange: Exchange) -> Streamed:
    """Lines of plans."""
    principal = await desk.enter(exchange)
    principal.require(Scope.CHECK)
    require_media_type(exchange, LINES.encode())

    async def work(batch: Sequence[Line]) -> list[bytes]:
        return await _batch(desk, exchange, principal, batch)

    return Streamed(HTTPStatus.OK, unhurried(answers(exchange, work)), LINES.encode())


def _read(data: bytes, principal: Principal) -> Question:
    question = _form.read(data, principal.party)
    own(question.plan, principal.party)
    return question


async def _ask(
    desk: Desk, principal: Principal, plans: Sequence[Plan], separation_mm: int
) -> list[Verdict]:
    return await desk.asking.check(
        Asked(principal=principal, plans=plans, separation_mm=separation_mm)
    )


async def _batch(
    desk: Desk, exchange: Exchange, principal: Principal, batch: Sequence[Line]
) -> list[bytes]:
    """One answer a line, in order; plans that want one separation are asked together."""
    made: dict[int, bytes] = {}
    alike: dict[int, list[tuple[int, Plan]]] = defaultdict(list)
    for line in batch:
        try:
            question = _read(kept(line), principal)
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
        "asker may not see is counted in `withheld`, with a desk to call. Nothing is written.",
        tag="checks",
        act=check,
        body=Body(
            form=Question,
            optional={Plan: frozenset({"party"})},
            example=examples.BODIES["check"],
        ),
        gives=Verdict,
        scopes=(Scope.CHECK,),
        refusals=(*READS, "malformed_input", "unsupported_media_type", "too_large"),
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

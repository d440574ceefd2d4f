"""How one object stands: who was told of it and who is silent, what is objected, what may follow.

Its author learns all of that; whoever else sees the object, what it objected itself and the
answers to that.

Source: DESIGN section 6; docs/rules/R-08.md; requirements H2 to H5.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from detente.core.entry import EntryKind
from detente.core.ledger import NODE
from detente.core.plan import PLAN_TRANSITIONS, Plan, PlanState
from detente.core.principal import Principal
from detente.core.release import Grade
from detente.core.telling import Answer, Contested, Level, Objection
from detente.core.view import Reader, Released, View
from detente.core.volume import EPOCH
from detente.core.wire import Value, read
from detente.node.engine import Engine
from detente.node.reading import Reading
from detente.node.telling.silence import Draw, undrawn
from detente.store import Record, Stored

OBJECTIONS_MAX = 1_000
"""Shown of one object: more than a desk can answer."""


class Recipient(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One party to which the current version is released, or that was shown it.

    Attributes:
        party: Who.
        grade: How much is released to it now; None for no more than a desk to call.
        told: When it was first shown any of this version; None if never.
        level: How far it says that it has come; None where it is silent.
        acknowledged: When it said so first.
        passed_on: To which of its levels.
    """

    party: str
    grade: Grade | None
    told: datetime | None = None
    level: Level | None = None
    acknowledged: datetime | None = None
    passed_on: tuple[str, ...] = ()


class Contest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An objection that stands, and the answer to it.

    Attributes:
        objection: Its id, by which it is answered.
        party: Whose it is.
        text: In its words.
        raised: When it was put on record.
        answer: In the author's words; None where there is none to these words.
        answered: When that was put on record.
    """

    objection: str
    party: str
    text: str
    raised: datetime
    answer: str | None = None
    answered: datetime | None = None


class ObjectStanding(Struct, frozen=True, kw_only=True):
    """How an object stands.

    Attributes:
        object: Its id.
        state: Of a plan.
        next: Into which states its author may take the plan, as it stands.
        told: Who was told and who is silent, for its author.
        objections: Those that stand, oldest first.
    """

    object: str
    state: PlanState | None
    next: tuple[PlanState, ...]
    told: tuple[Recipient, ...]
    objections: tuple[Contest, ...]


async def standing(
    engine: Engine, reading: Reading, principal: Principal, object_id: str
) -> ObjectStanding:
    """How an object stands, as far as the reader may know.

    Raises:
        NotFound: There is none, or it is not for this reader.
    """
    while await reading.read(undrawn):
        await engine.act(Draw())

    def look_up(record: Record, reader: Reader, view: View, stored: Stored) -> ObjectStanding:
        ids = tuple(engine.world.objections.get(object_id, ()))[:OBJECTIONS_MAX]
        is_author = reader.party in {stored.party, NODE}
        contests = tuple(
            one
            for one in _contests(record, ids, stored.party)
            if is_author or one.party == reader.party
        )
        plan = view.value if is_author and isinstance(view.value, Plan) else None
        return ObjectStanding(
            object=object_id,
            state=None if plan is None else plan.state,
            next=() if plan is None else _next(plan.state, contests),
            told=tuple(_told(record, reader, stored)) if is_author else (),
            objections=contests,
        )

    return await reading.around(principal, object_id, look_up)


def _next(state: PlanState, contests: tuple[Contest, ...]) -> tuple[PlanState, ...]:
    """What the table has, and detente.node.rules.require_answered lets pass."""
    stopped = {PlanState.ACTIVATED} if any(one.answer is None for one in contests) else set()
    return tuple(one for one in PlanState if one in PLAN_TRANSITIONS[state] - stopped)


def _contests(record: Record, ids: tuple[str, ...], author: str) -> Iterator[Contest]:
    objections = sorted(record.identified(ids).values(), key=lambda one: one.sequence)
    answers = _answers(record, author) if objections else {}
    for stored in objections:
        value = _value(stored)
        if not isinstance(value, Objection) or value.state is not Contested.RAISED:
            continue
        sequence, answer, at_us = answers.get(stored.object_id, (-1, None, 0))
        # An answer is to the words that it answers: new words ask for a new one.
        is_answered = answer is not None and sequence > stored.sequence
        yield Contest(
            objection=stored.object_id,
            party=stored.party,
            text=value.text,
            raised=_time(stored.received_us),
            answer=answer if is_answered else None,
            answered=_time(at_us) if is_answered else None,
        )


def _answers(record: Record, author: str) -> dict[str, tuple[int, str, int]]:
    """The last of an author's answers, by objection."""
    found = {}
    for stored in record.objects(EntryKind.ANSWER, party=author):
        value = _value(stored)
        if isinstance(value, Answer):
            found[value.objection] = stored.sequence, value.text, stored.received_us
    return found


def _told(record: Record, everyone: Reader, stored: Stored) -> Iterator[Recipient]:
    value = _value(stored)
    told = {row.party: row.at_us for row in record.told([stored.sequence])}
    rows = list(record.acknowledgements([stored.sequence]))
    rising = list(Level)
    for party in sorted(everyone.parties):
        if party in {stored.party, NODE} or not isinstance(value, Released):
            continue
        grade = replace(everyone, party=party).grade(value, stored.object_id)
        listed = grade in {Grade.FULL, Grade.AREA}
        if not listed and party not in told:
            continue
        own = [row for row in rows if row.party == party]
        best = max(own, key=lambda row: rising.index(Level(row.level)), default=None)
        yield Recipient(
            party=party,
            grade=grade if listed else None,
            told=_time(told[party]) if party in told else None,
            level=None if best is None else Level(best.level),
            acknowledged=None if best is None else _time(best.at_us),
            passed_on=tuple(sorted(row.destination for row in own if row.destination)),
        )


def _value(stored: Stored) -> Value | None:
    return None if stored.data is None else read(stored.data)


def _time(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)

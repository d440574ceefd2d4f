"""The check, asked of a node: many at once, each cut to what its asker may see.

Questions that wait are measured together, on one state of the record that is
not older than any of them. What the node cannot ask makes an answer
``incomplete``; it never makes it clear (docs/rules/R-01.md).
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Any

from msgspec import Struct

from detente.core.check import Meeting, Source, Verdict, judge
from detente.core.ledger import NODE
from detente.core.plan import Plan
from detente.core.principal import Method, Principal
from detente.core.view import Reader
from detente.errors import DetenteError
from detente.node.budget import SPENT, charge, day_of, owners_withholding
from detente.node.engine import Decision, Engine
from detente.node.moment import Moment
from detente.node.submit import Touches
from detente.node.world import OnDisk, Shown

TOGETHER_MAX = 2_000
"""Plans measured in one go: some 20 ms, so that no short question waits long for a long one."""

STALE_COUNTS_MAX = 1_000
"""Counts remembered: a party each, a few seconds long."""

_NOBODY = Principal(party=NODE, method=Method.SIGNED, subject=NODE)


class Asked(Struct, frozen=True, kw_only=True):
    """One question: plans, and the least separation wanted from everything, mm."""

    principal: Principal
    plans: Sequence[Plan]
    separation_mm: int = 0


class _Question:
    __slots__ = ("asked", "future")

    def __init__(self, asked: Asked, future: "asyncio.Future[list[_Measured]]") -> None:
        self.asked = asked
        self.future = future


class _Measured(Struct, frozen=True, kw_only=True):
    """What a plan met, on which state."""

    plan: Plan
    meetings: list[Meeting]
    shown: Shown
    sources: tuple[Source, ...]


class Follow:
    """Catches up with what other processes appended; says nothing itself."""

    principal = _NOBODY
    touches = Touches()

    def decide(self, moment: Moment) -> Decision[int]:
        """Nothing: a turn begins by following."""
        sequence = moment.world.sequence
        return Decision(says=(), answer=lambda _: sequence)


class _Charge:
    """Charges questions to their asker's budgets."""

    def __init__(
        self, principal: Principal, charged: Sequence[tuple[Plan, Any]], reader: Reader
    ) -> None:
        self.principal = principal
        self.touches = Touches()
        self._charged = charged
        self._reader = reader

    def decide(self, moment: Moment) -> Decision[list[bool]]:
        """Whether each is within the budget."""
        held = [
            charge(moment.record, plan, withholding, self._reader)
            for plan, withholding in self._charged
        ]
        return Decision(says=(), answer=lambda _: held)


class Asking:
    """Answers checks.

    Args:
        engine: At work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[_Question] = []
        self._task: asyncio.Task[None] | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checker")
        self._spent: dict[str, int] = {}
        self._stale_counts: dict[tuple[int, str, int], int] = {}

    def close(self) -> None:
        """Let go of the thread."""
        self._pool.shutdown()

    async def check(self, asked: Asked) -> list[Verdict]:
        """Check plans for a party: one verdict a plan, in order.

        Raises:
            MalformedInput: A shape too wide to be measured.
        """
        measured = await self._measure(asked)
        now = self._engine.clock()
        shown = measured[0].shown
        reader = reader_of(shown, asked.principal.party, now)
        spent = await self._charge(asked.principal, measured, reader)
        stale = self._stale(shown, reader)
        return [
            judge(
                one.plan,
                () if over else one.meetings,
                (*one.sources, SPENT) if over else one.sources,
                now=now,
                sequence=shown.sequence,
                stale=stale,
                withhold=reader.withhold,
            )
            for one, over in zip(measured, spent, strict=True)
        ]

    async def _charge(
        self, principal: Principal, measured: Sequence[_Measured], reader: Reader
    ) -> list[bool]:
        """Whether each plan is past the asker's budget; charges those that are not."""
        party, day = principal.party, day_of(reader.now)
        if self._spent.get(party) == day:
            return [True] * len(measured)
        owing = [
            (number, owners)
            for number, one in enumerate(measured)
            if (owners := owners_withholding(one.meetings, reader))
        ]
        over = [False] * len(measured)
        if not owing:
            return over
        charged = [(measured[number].plan, owners) for number, owners in owing]
        held: list[bool] = await self._engine.act(_Charge(principal, charged, reader))
        for (number, _), within in zip(owing, held, strict=True):
            over[number] = not within
        if not all(held):
            self._spent[party] = day
        return over

    async def _measure(self, asked: Asked) -> list[_Measured]:
        loop = asyncio.get_running_loop()
        question = _Question(asked, loop.create_future())
        self._waiting.append(question)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._drain())
        return await question.future

    async def _drain(self) -> None:
        """Measure all that wait, together, until none do."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch: list[_Question] = []
            plans = 0
            while self._waiting and (not batch or plans < TOGETHER_MAX):
                plans += len(self._waiting[0].asked.plans)
                batch.append(self._waiting.pop(0))
            sources = await self._catch_up(loop)
            try:
                answers = await loop.run_in_executor(self._pool, self._ask, batch, sources)
            except Exception as error:  # noqa: BLE001 - each asker is told, whatever failed
                for question in batch:
                    if not question.future.done():
                        question.future.set_exception(error)
                continue
            for question, answer in zip(batch, answers, strict=True):
                if not question.future.done():
                    question.future.set_result(answer)

    async def _catch_up(self, loop: asyncio.AbstractEventLoop) -> tuple[Source, ...]:
        """Be at the head; if the record cannot be read, name it as a source that failed."""
        try:
            size = await loop.run_in_executor(self._pool, self._engine.store.size)
            if size > self._engine.world.shown_at:
                await self._engine.act(Follow())
        except DetenteError as error:
            return (Source(name="register", problem=f"{error.what} could not be read"),)
        return ()

    def _ask(self, batch: list[_Question], sources: tuple[Source, ...]) -> list[list[_Measured]]:
        shown = self._engine.world.shown()
        answers: list[list[_Measured]] = [[] for _ in batch]
        # Questions that want another separation are measured apart.
        alike: dict[int, list[int]] = defaultdict(list)
        for number, one in enumerate(batch):
            alike[one.asked.separation_mm].append(number)
        for separation, numbers in alike.items():
            plans = [plan for number in numbers for plan in batch[number].asked.plans]
            met = iter(zip(plans, met_by(shown, plans, separation_mm=separation), strict=True))
            for number in numbers:
                answers[number] = [
                    _Measured(plan=plan, meetings=meetings, shown=shown, sources=sources)
                    for plan, meetings in islice(met, len(batch[number].asked.plans))
                ]
        return answers

    def _stale(self, shown: Shown, reader: Reader) -> int:
        """How many stale entries the reader may see, counted at most once a second."""
        key = (shown.sequence, reader.party, int(reader.now.timestamp()))
        if key not in self._stale_counts:
            if len(self._stale_counts) >= STALE_COUNTS_MAX:
                self._stale_counts.clear()
            self._stale_counts[key] = sum(
                known.value.is_stale(reader.now)
                and reader.grade(known.value, known.object_id) is not None
                for known in shown.protected.known
                if not isinstance(known.value, Plan)
            )
        return self._stale_counts[key]


def met_by(shown: Shown, plans: Sequence[Plan], *, separation_mm: int = 0) -> list[list[Meeting]]:
    """What each plan meets in both pictures."""
    protected = shown.protected.meetings(plans, separation_mm=separation_mm)
    others = shown.plans.meetings(plans, separation_mm=separation_mm)
    return [[*one, *two] for one, two in zip(protected, others, strict=True)]


def reader_of(shown: Shown | OnDisk, party: str, now: datetime) -> Reader:
    """A party as a reader of a state."""
    return Reader(
        party=party,
        agreement=shown.agreement,
        parties=shown.parties,
        grants=shown.grants,
        now=now,
    )

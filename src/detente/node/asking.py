"""The check, asked of a node: many at once, each cut to what its asker may see.

Questions that wait are measured together, on one state of the record that is
not older than any of them. What the node cannot ask makes an answer
``incomplete``; it never makes it clear (docs/rules/R-01.md).
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from detente.core.check import Meeting, Source, Verdict, judge
from detente.core.ledger import NODE
from detente.core.plan import Plan
from detente.core.principal import Method, Principal
from detente.core.view import Label, Reader, label_of
from detente.errors import DetenteError, LogInconsistent, Unavailable
from detente.node.budget import SPENT, day_of, limit_of, owners_withholding
from detente.node.check import REGISTER, UNREAD
from detente.node.engine import Decision, Engine
from detente.node.moment import Moment
from detente.node.submit import Touches
from detente.node.world import Shown

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


class _State(Struct, frozen=True, kw_only=True):
    """On what questions were measured.

    ``sources`` are those that could not be asked; ``spent`` is who has gone past
    which budget today, as the store keeps it.
    """

    shown: Shown
    sources: tuple[Source, ...]
    spent: Mapping[str, int]


class _Measured(Struct, frozen=True, kw_only=True):
    """What each plan of a question met."""

    state: _State
    plans: Sequence[Plan]
    meetings: Sequence[list[Meeting]]


class _Question:
    __slots__ = ("future", "plans", "separation_mm")

    def __init__(self, asked: Asked, future: "asyncio.Future[_Measured]") -> None:
        party = asked.principal.party
        # Asked under another's name, a question would pass over that party's plan.
        self.plans = [
            plan if plan.party == party else replace(plan, party=party) for plan in asked.plans
        ]
        self.separation_mm = asked.separation_mm
        self.future = future


class Follow:
    """Catches up with what other processes appended; says nothing itself."""

    principal = _NOBODY
    touches = Touches()

    def decide(self, moment: Moment) -> Decision[int]:
        """Nothing: a turn begins by following."""
        sequence = moment.world.sequence
        return Decision(says=(), answer=lambda _: sequence)


class _Charge:
    """Charges questions to their asker's budgets, in order, until one is spent."""

    def __init__(
        self,
        principal: Principal,
        owing: Sequence[tuple[Plan, Mapping[str, float]]],
        reader: Reader,
    ) -> None:
        self.principal = principal
        self.touches = Touches()
        self._owing = owing
        self._reader = reader

    def decide(self, moment: Moment) -> Decision[int]:
        """How many are within the budget."""
        within = 0
        for plan, withholding in self._owing:
            if not moment.budget.charge(plan, withholding, self._reader):
                break
            within += 1
        return Decision(says=(), answer=lambda _: within)


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
        self._charging: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._spent: dict[str, tuple[int, int]] = {}
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
        shown = measured.state.shown
        reader = reader_of(shown, asked.principal.party, now)
        within = await self._within_budget(asked.principal, measured, reader)
        stale = self._stale(shown, reader)
        verdicts = (
            judge(
                plan,
                # Past the budget, what may be known without a question is told all the same.
                meetings if number < within else _listed(meetings, reader),
                measured.state.sources + (() if number < within else (SPENT,)),
                now=now,
                sequence=shown.sequence,
                stale=stale,
                withhold=reader.withhold,
            )
            for number, (plan, meetings) in enumerate(
                zip(measured.plans, measured.meetings, strict=True)
            )
        )
        return [_callable(verdict, reader) for verdict in verdicts]

    async def _within_budget(
        self, principal: Principal, measured: _Measured, reader: Reader
    ) -> int:
        """How many of the plans, from the first on, are within the asker's budget.

        Each question waits for those of the same asker that are being charged: else
        many at once would tell where nothing is withheld after the budget is spent.
        """
        party, everything = principal.party, len(measured.plans)
        budget = day_of(reader.now), limit_of(reader.agreement)
        owing = [
            (number, owners)
            for number, meetings in enumerate(measured.meetings)
            if (owners := owners_withholding(meetings, reader))
        ]
        lock = self._charging[party]
        if self._is_spent(party, budget, measured):
            return 0
        if not owing and not lock.locked():
            return everything
        async with lock:
            if self._is_spent(party, budget, measured):
                return 0
            if not owing:
                return everything
            asked = [(measured.plans[number], owners) for number, owners in owing]
            within: int = await self._engine.act(_Charge(principal, asked, reader))
            if within == len(owing):
                return everything
            self._spent[party] = budget
            return owing[within][0]

    def _is_spent(self, party: str, budget: tuple[int, int], measured: _Measured) -> bool:
        _, limit = budget
        return measured.state.spent.get(party, -1) >= limit or self._spent.get(party) == budget

    async def _measure(self, asked: Asked) -> _Measured:
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
                plans += len(self._waiting[0].plans)
                batch.append(self._waiting.pop(0))
            try:
                sources, spent = await self._catch_up(loop)
                answers = await loop.run_in_executor(self._pool, self._ask, batch, sources, spent)
            except Exception as fault:  # noqa: BLE001 - whatever failed, each asker is told
                failed = Unavailable("check", got="a fault")
                failed.__cause__ = fault
                answers = [failed] * len(batch)
            for question, answer in zip(batch, answers, strict=True):
                if question.future.done():
                    continue  # Whoever asked has gone.
                if isinstance(answer, DetenteError):
                    question.future.set_exception(answer)
                else:
                    question.future.set_result(answer)

    async def _catch_up(
        self, loop: asyncio.AbstractEventLoop
    ) -> tuple[tuple[Source, ...], Mapping[str, int]]:
        """Be at the head; if the record cannot be read, name it as a source that failed.

        Gives also who has gone past a budget, in whichever process.
        """
        try:
            size, spent = await loop.run_in_executor(self._pool, self._head)
            if size > self._engine.world.shown.sequence:
                await self._engine.act(Follow())
        except DetenteError as error:
            return (Source(name=REGISTER, problem=f"{error.what} could not be read"),), {}
        return (), spent

    def _head(self) -> tuple[int, Mapping[str, int]]:
        with self._engine.store.reading() as record:
            today = day_of(self._engine.clock())
            return record.head()[1], self._engine.world.overspent.on(today, record)

    def _ask(
        self, batch: list[_Question], sources: tuple[Source, ...], spent: Mapping[str, int]
    ) -> list[_Measured | DetenteError]:
        """Measure questions together; one that cannot be measured fails alone."""
        state = _State(shown=self._engine.world.shown, sources=sources, spent=spent)
        try:
            return _measured(batch, state)
        except DetenteError as error:
            if len(batch) == 1:
                unread = isinstance(error, Unavailable | LogInconsistent)
                return [_unread(batch[0], state) if unread else error]
            return [one for question in batch for one in self._ask([question], sources, spent)]

    def _stale(self, shown: Shown, reader: Reader) -> int:
        """How many stale entries the reader may know of, counted at most once a second."""
        key = (shown.sequence, reader.party, int(reader.now.timestamp()))
        if key not in self._stale_counts:
            if len(self._stale_counts) >= STALE_COUNTS_MAX:
                self._stale_counts.clear()
            self._stale_counts[key] = _stale_count(shown, reader)
        return self._stale_counts[key]


def _stale_count(shown: Shown, reader: Reader) -> int:
    """Counted by label, and one by one only what was granted to the reader on request."""
    count = sum(
        number
        for label, number in shown.protected.stale_by_label(reader.now).items()
        if isinstance(label, Label) and reader.lists_labelled(label)
    )
    granted = [one for one, to in shown.grants.items() if reader.party in to]
    for known in shown.protected.some(granted):
        if isinstance(known.value, Plan) or not known.value.is_stale(reader.now):
            continue
        listed = reader.lists_labelled(label_of(known))
        count += reader.lists(known.value, known.object_id) and not listed
    return count


def _measured(batch: list[_Question], state: _State) -> list[_Measured | DetenteError]:
    met: list[list[list[Meeting]]] = [[] for _ in batch]
    # Questions that want another separation are measured apart.
    alike: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(batch):
        alike[one.separation_mm].append(number)
    for separation, numbers in alike.items():
        plans = [plan for number in numbers for plan in batch[number].plans]
        answers = iter(met_by(state.shown, plans, separation_mm=separation))
        for number in numbers:
            met[number] = list(islice(answers, len(batch[number].plans)))
    return [
        _Measured(state=state, plans=one.plans, meetings=meetings)
        for one, meetings in zip(batch, met, strict=True)
    ]


def _unread(one: _Question, state: _State) -> _Measured:
    """What plans met cannot be read: that makes the answer incomplete, and says no more."""
    lacking = Source(name=REGISTER, problem=UNREAD)
    state = replace(state, sources=(*state.sources, lacking))
    return _Measured(state=state, plans=one.plans, meetings=[[] for _ in one.plans])


def _listed(meetings: Sequence[Meeting], reader: Reader) -> list[Meeting]:
    """Those that a reader may know of without meeting them."""
    return [one for one in meetings if reader.lists(one.known.value, one.known.object_id)]


def met_by(shown: Shown, plans: Sequence[Plan], *, separation_mm: int = 0) -> list[list[Meeting]]:
    """What each plan meets in both pictures."""
    protected = shown.protected.meetings(plans, separation_mm=separation_mm)
    others = shown.plans.meetings(plans, separation_mm=separation_mm)
    return [[*one, *two] for one, two in zip(protected, others, strict=True)]


def _callable(verdict: Verdict, reader: Reader) -> Verdict:
    """A verdict with the desk of each finding: what the object itself tells of whom to call."""
    if not verdict.findings:
        return verdict
    findings = (replace(one, call=reader.desk_of(one.party, one.desk)) for one in verdict.findings)
    return replace(verdict, findings=tuple(findings))


def reader_of(shown: Shown, party: str, now: datetime) -> Reader:
    """A party as a reader of a state."""
    return Reader(
        party=party,
        agreement=shown.agreement,
        parties=shown.parties,
        grants=shown.grants,
        now=now,
    )

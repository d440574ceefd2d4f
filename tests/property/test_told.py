"""What is told (R-02, R-08): all that a reader may see, in order, whatever is killed; no more.

Parties say things about places of a small world; webhooks and readers are judged by
an oracle that knows nothing of pictures, chunks or cursors.
"""

import asyncio
import contextlib
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from conftest import begin
from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.party import Party
from detente.core.principal import Role
from detente.core.release import Grade, Release
from detente.core.subscription import Subscription
from detente.core.telling import Delivery, Outcome
from detente.core.wire import read
from detente.node.audit import audit
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.submit import Receipt
from detente.node.telling import Telling, deliver
from detente.node.telling.address import Allowed
from detente.node.telling.post import Attempt, Message
from detente.node.verbs import Admit
from detente.store import Record, Store
from nodes import around, desk_of, run, say

ALLOWED = Allowed(http=True, private=True)
READERS = ("two", "three")
PLACES = ((1.0, 1.0), (40.0, 1.0), (-80.0, 30.0))
"""Far from each other, so that an area of 10 km and its grid hold one of them only."""


class Step(Struct, frozen=True):
    """One act: which notice, where, released how, and whether it is withdrawn."""

    name: int
    place: int
    grades: tuple[Grade | None, ...]
    ended: bool = False


class Wish(Struct, frozen=True):
    """A subscription: whose, where (None is everywhere), and after which step it is made."""

    party: int
    place: int | None
    step: int


steps = st.builds(
    Step,
    name=st.integers(0, 3),
    place=st.integers(0, len(PLACES) - 1),
    grades=st.tuples(*[st.sampled_from([None, Grade.CONTACT, Grade.AREA, Grade.FULL])] * 2),
    ended=st.integers(0, 5).map(lambda number: number == 0),
)
wishes = st.builds(
    Wish,
    party=st.integers(0, 1),
    place=st.one_of(st.none(), st.integers(0, len(PLACES) - 1)),
    step=st.integers(0, 6),
)


class Version(Struct):
    """A version that was said, for the oracle."""

    sequence: int
    step: Step
    before: "Version | None"
    after: "Version | None" = None

    def sees(self, reader: int) -> bool:
        return self.step.grades[reader] in {Grade.FULL, Grade.AREA}

    @property
    def later(self) -> "Iterator[Version]":
        one = self.after
        while one is not None:
            yield one
            one = one.after

    def may_be_told(self, wish: Wish) -> bool:
        """It, or that it is gone."""
        before = self.before is not None and self.before.sees(wish.party)
        at = {self.step.place} if self.sees(wish.party) else set()
        at |= {self.before.step.place} if before and self.before is not None else set()
        return bool(at) and (wish.place is None or wish.place in at)

    def must_be_told(self, wish: Wish) -> bool:
        """What nobody has taken back since."""
        seen = self.sees(wish.party) and all(one.sees(wish.party) for one in self.later)
        return seen and self.may_be_told(wish)


class Wire:
    """In place of the network: it loses messages, and answers to them, by chance."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.lossy = True
        self.got: dict[str, list[int]] = {}
        self.grades: dict[tuple[str, int], str | None] = {}

    async def post(self, url: str, message: Message, *, now: datetime, turn: int) -> Attempt:  # noqa: ARG002
        await asyncio.sleep(0)
        if self.lossy and self._chance.random() < 0.3:
            return Attempt(ok=False, status=500)
        data = msgspec.json.decode(message.body)["data"]
        for event in data["events"]:
            self.got.setdefault(data["subscription"], []).append(event["sequence"])
            view = event.get("view")
            self.grades[data["subscription"], event["sequence"]] = view and view["grade"]
        if self.lossy and self._chance.random() < 0.2:
            return Attempt(ok=False)  # It came, and the answer was lost.
        return Attempt(ok=True, status=200)

    async def close(self) -> None:
        """Nothing to let go of."""


class Told(NamedTuple):
    """What came, of what was said, for whom; and whether the node was killed meanwhile."""

    wire: Wire
    versions: list[Version]
    made: dict[str, tuple[Wish, int]]
    killed: bool


class Node:
    """A node that can be killed."""

    def __init__(self, place: Path, keyring: Keyring, wire: Wire) -> None:
        self.place = place
        self._parts = (place, keyring, wire)

    async def start(self) -> None:
        place, keyring, wire = self._parts
        self.store = Store(place)
        self.engine = Engine(self.store, keyring.load("node"))
        self.engine.start()
        self.telling = Telling(self.engine, keyring, ALLOWED, lost_after_s=0.05)
        self.telling._deliverer._poster = wire  # type: ignore[assignment] # the network
        await self.telling.start()

    async def kill(self) -> None:
        """Leave everything as it is: no lease is given back, no cursor kept."""
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.telling.tail.stop()
        self.engine.stop()
        self.store.close()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of milliseconds, and a lease that a killed worker cannot give back."""

    async def keep(*_: object) -> None:
        """A killed process gives nothing back."""

    monkeypatch.setattr("detente.node.telling.messages.PAUSE_FIRST_S", 0.002)
    monkeypatch.setattr("detente.node.telling.messages.PAUSE_MAX_S", 0.01)
    monkeypatch.setattr(deliver, "IDLE_S", 0.05)
    monkeypatch.setattr("detente.node.telling.listening.LOOK_EVERY_S", 0.002)
    monkeypatch.setattr("detente.node.telling.lease.Lease.give_back", keep)


def notice(step: Step) -> Notice:
    parties = {reader: grade for reader, grade in zip(READERS, step.grades, strict=True) if grade}
    return Notice(
        source_id=f"n{step.name}",
        name="A place",
        category="medical",
        volumes=around(*PLACES[step.place]),
        release=Release(parties=parties, grid_mm=100_000),
        standing=Standing.WITHDRAWN if step.ended else Standing.IN_FORCE,
    )


async def _story(
    place: Path, keyring: Keyring, plan: tuple[list[Step], list[Wish], list[int], int]
) -> None:
    acts, wished, kills, seed = plan
    wire = Wire(seed)
    node = Node(place, keyring, wire)
    await node.start()
    await node.engine.act(
        Admit(desk_of("one", Role.ADMINISTRATOR), Party(id="three", name="Three"))
    )
    versions: list[Version] = []
    current: dict[int, tuple[Version, Receipt]] = {}
    made: dict[str, tuple[Wish, int]] = {}
    for number, step in enumerate(acts):
        for wish in (one for one in wished if one.step == number):
            receipt = await _subscribe(node.engine, wish, len(made))
            made[receipt.object_id] = (wish, receipt.sequence)
        before = current.get(step.name)
        receipt = await say(
            node.engine, "one", notice(step), replacing=None if before is None else before[1]
        )
        version = Version(receipt.sequence, step, None if before is None else before[0])
        if before is not None:
            before[0].after = version
        current[step.name] = version, receipt
        versions.append(version)
        if number in kills:
            await node.kill()
            await node.start()
    wire.lossy = False
    told = Told(wire, versions, made, killed=any(number < len(acts) for number in kills))
    await _settle(node, told)
    await _judge_readers(node, versions)
    await node.kill()
    _judge_webhooks(told)
    _judge_record(place, told)


async def _subscribe(engine: Engine, wish: Wish, number: int) -> Receipt:
    value = Subscription(
        source_id=f"s{number}",
        party=READERS[wish.party],
        kinds=("notice",),
        volumes=() if wish.place is None else around(*PLACES[wish.place], 10_000.0),
        url="http://127.0.0.1/",
    )
    return await say(engine, READERS[wish.party], value)


async def _settle(node: Node, told: Told) -> None:
    """Wait until what must come has come, and what was taken is on record.

    A message is taken before the record can say so: a node that dies between the two says it
    again, and here it would not live to.
    """
    deadline = asyncio.get_running_loop().time() + 30
    while asyncio.get_running_loop().time() < deadline:
        if not any(_missing(told)):
            await asyncio.sleep(0.02)
            if not _unrecorded(node.place, told):
                return
        await asyncio.sleep(0.005)
    raise AssertionError(
        list(_missing(told)),
        _unrecorded(node.place, told),
        node.telling._deliverer._rows,
        told.wire.got,
    )


def _missing(told: Told) -> Iterator[tuple[str, int]]:
    for object_id, (wish, since) in told.made.items():
        got = told.wire.got.get(object_id, [])
        for one in told.versions:
            if one.sequence > since and one.must_be_told(wish) and one.sequence not in got:
                yield object_id, one.sequence


def _judge_webhooks(told: Told) -> None:
    wire = told.wire
    by_sequence = {one.sequence: one for one in told.versions}
    for object_id, (wish, since) in told.made.items():
        got = wire.got.get(object_id, [])
        firsts = list(dict.fromkeys(got))
        assert firsts == sorted(firsts), "out of order"
        for sequence in firsts:
            version = by_sequence[sequence]
            assert sequence > since
            assert version.may_be_told(wish), "told what is not for it"
            grade = wire.grades[object_id, sequence]
            allowed = version.step.grades[wish.party]
            if grade == "full":
                assert allowed is Grade.FULL, "told more than was released"
            if grade is not None:
                assert version.sees(wish.party)


async def _judge_readers(node: Node, versions: list[Version]) -> None:
    """Polling from the start shows all that stands, page by page, and nothing taken back."""
    by_sequence = {one.sequence: one for one in versions}
    for number, reader in enumerate(READERS):
        wish = Wish(number, None, 0)
        got: dict[int, str | None] = {}
        after, more = -1, True
        while more:
            page = await node.telling.events.read(reader, after=after, limit=2)
            assert page.next >= after
            for one in page.events:
                assert one.sequence not in got
                got[one.sequence] = None if one.view is None else one.view.grade
            after, more = page.next, page.more
        assert list(got) == sorted(got)
        told = got.keys() & by_sequence.keys()
        assert {one.sequence for one in versions if one.must_be_told(wish)} <= told
        for sequence in told:
            version = by_sequence[sequence]
            assert version.may_be_told(wish)
            last = [version, *version.later][-1]
            grades = {version.step.grades[number], last.step.grades[number]}
            expected = Grade.AREA if Grade.AREA in grades else Grade.FULL
            shown = grades <= {Grade.FULL, Grade.AREA}
            assert got[sequence] == (expected if shown else None)


def _unrecorded(place: Path, told: Told) -> list[tuple[str, int]]:
    """What was taken and is not on record as it must be, for whom it was for.

    As delivered and shown; or, where the answer was lost and its author took it back before
    it could be sent again, as tried: the node cannot know more. One that was killed before
    it could say even that says it again, if it still stands (R-08).
    """
    by_sequence = {one.sequence: one for one in told.versions}
    missing = []
    store = Store(place)
    with store.reading() as record:
        outcomes = _outcomes(record)
        for object_id, (wish, _) in told.made.items():
            reader = READERS[wish.party]
            for sequence in told.wire.got.get(object_id, []):
                found = outcomes[reader, record.entry(sequence).leaf.hex()]
                is_gone = told.wire.grades[object_id, sequence] is None
                if Outcome.DELIVERED in found:
                    on_record = is_gone or sequence in record.extents(reader, [sequence])
                elif is_gone or by_sequence[sequence].must_be_told(wish):
                    on_record = False
                else:
                    on_record = Outcome.FAILED in found or told.killed
                if not on_record:
                    missing.append((object_id, sequence))
    store.close()
    return missing


def _outcomes(record: Record) -> dict[tuple[str, str], set[Outcome]]:
    """By reader and leaf, what became of attempts to deliver."""
    found: dict[tuple[str, str], set[Outcome]] = defaultdict(set)
    for sequence in range(record.head()[1]):
        content = record.content(sequence)
        value = None if content is None else read(content.data)
        if isinstance(value, Delivery):
            for leaf in value.entries:
                found[value.to, leaf].add(value.outcome)
    return found


def _judge_record(place: Path, told: Told) -> None:
    """Every message that was taken is on record, for whom it was."""
    assert not _unrecorded(place, told)
    store = Store(place)
    assert not audit(store).problems
    store.close()


@given(
    acts=st.lists(steps, min_size=1, max_size=8),
    wished=st.lists(wishes, max_size=3),
    kills=st.lists(st.integers(0, 7), max_size=2),
    seed=st.integers(0, 1 << 30),
)
@settings(max_examples=30)
def test_all_that_may_be_seen_is_told_in_order_and_nothing_else(
    acts: list[Step], wished: list[Wish], kills: list[int], seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "test.db"
        keyring = Keyring(place)
        begin(place, keyring)
        run(_story(place, keyring, (acts, wished, kills, seed)))

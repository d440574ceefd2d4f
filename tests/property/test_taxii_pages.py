"""TAXII: pages miss nothing and repeat nothing, dates never move, nothing hidden shows.

A script of what parties do is played to a node; its collections are judged by a slow oracle
that looks at every report of the record, or by the same script with other secrets.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from msgspec import json

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind, token
from detente.core.principal import Principal, Role, Scope, scopes_of
from detente.core.release import Grade, Release
from detente.core.report import Report, ReportState
from detente.core.telling import ReleaseDecision, ReleaseRequest
from detente.core.wire import read
from detente.doors.taxii import wire
from detente.errors import DetenteError
from detente.node.asking import reader_of
from detente.node.erasing import Erase
from detente.node.submit import Receipt
from detente.node.taxii.adding import add
from detente.node.taxii.collections import Collection, collection
from detente.node.taxii.deleting import delete
from detente.node.taxii.filters import ALL, Filter
from detente.node.taxii.pages import Pages, Shown
from detente.node.verbs import Agree
from nodes import desk_of, run
from taxii import labelled
from theatre import Theatre

TERMS = Agreement(name="test", members=("one", "two"))
TYPES = ("indicator", "ipv4-addr")


class Step(NamedTuple):
    """What somebody does: to which object of his, in which collection, how."""

    act: str
    by: str
    number: int
    to: str
    other: int


steps = st.builds(
    Step,
    act=st.sampled_from(
        ["give", "give", "give", "release", "hide", "retract", "delete", "grant", "refuse",
         "join", "wait", "read", "read", "read"]
    ),
    by=st.sampled_from(["one", "two"]),
    number=st.integers(0, 3),
    to=st.sampled_from(["agreement", "inbox:one", "inbox:two", "inbox:three"]),
    other=st.integers(0, 5),
)  # fmt: skip
scripts = st.lists(steps, min_size=5, max_size=25)
# A story is not made shorter: to play one takes tens of milliseconds, and thousands are tried.
SETTINGS = settings(
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def stix(by: str, number: int, version: int, *, secret: int = 0) -> str:
    """An object of a party; a cyber-observable where its number is odd."""
    kind = TYPES[number % 2]
    name = f"{kind}--{UUID(int=number + 100 * secret + 10_000 * (by == 'two'), version=4)}"
    made: dict[str, Any] = {"type": kind, "id": name, "spec_version": "2.1"}
    if kind == "ipv4-addr":
        return json.encode({**made, "value": f"198.51.100.{version % 250}"}).decode()
    if number == 2:
        del made["spec_version"]
    times = {"created": spelt(0), "modified": spelt(version)}
    return json.encode({**made, **times, "x_number": version}).decode()


def spelt(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000Z"


class Town:
    """Parties one and two who give, and three, who is no member until it joins."""

    def __init__(self, theatre: Theatre) -> None:
        self.theatre = theatre
        self.engine = theatre.engine
        self.pages = Pages(self.engine)
        self.version = 0
        self.requests: dict[str, str] = {}

    def where(self, party: str, name: str) -> Collection:
        return collection(self.engine.world.shown, "test", desk_of(party), name)

    async def play(self, step: Step, *, secret: int = 0) -> object:
        """What comes of it; a refusal is its words."""
        act = getattr(self, f"do_{step.act}")
        try:
            return await act(step, secret)
        except DetenteError as error:
            return f"{error.code} {error}"

    async def do_give(self, step: Step, secret: int) -> object:
        self.version += 1
        text = stix(step.by, step.number, self.version, secret=secret)
        where = self.where(step.by, step.to)
        status = await add(self.engine, self.pages, desk_of(step.by), where, [text])
        return msgspec.structs.replace(status, id="")

    def held(self, step: Step, secret: int) -> tuple[Report, Receipt] | None:
        name = json.decode(stix(step.by, step.number, 0, secret=secret))["id"]
        with self.engine.store.reading() as record:
            found = record.named(EntryKind.REPORT, step.by, [name]).get(name)
        if found is None or found.data is None or found.salt is None:
            return None
        value = read(found.data)
        assert isinstance(value, Report)
        receipt = Receipt(
            sequence=found.sequence, leaf=found.leaf.hex(), object_id=found.object_id,
            version=found.version, size=0, root="", token=token(found.salt, found.leaf),
        )  # fmt: skip
        return value, receipt

    async def say(self, step: Step, secret: int, **parts: Any) -> object:
        held = self.held(step, secret)
        if held is None:
            return None
        value = msgspec.structs.replace(held[0], state=ReportState.CORRECTED, **parts)
        await self.theatre.say(step.by, value, replacing=held[1])
        return None

    async def do_release(self, step: Step, secret: int) -> object:
        """To all, to some, or as less than all of it; some of it for an hour."""
        until = self.theatre.now + timedelta(hours=1) if step.other % 2 else None
        grades = (Grade.FULL, Grade.AREA, None)
        release = Release(
            members=grades[step.other % 3],
            parties={"three": Grade.FULL} if step.other > 3 else {},
            until=until,
        )
        return await self.say(step, secret, release=release)

    async def do_hide(self, step: Step, secret: int) -> object:
        return await self.say(step, secret, release=None)

    async def do_retract(self, step: Step, secret: int) -> object:
        held = self.held(step, secret)
        if held is not None:
            await self.theatre.end(step.by, held[1])
        return None

    async def do_delete(self, step: Step, secret: int) -> object:
        name = json.decode(stix(step.by, step.number, 0, secret=secret))["id"]
        wanted = Filter(ids=frozenset({name}), versions=frozenset({ALL}))
        who = desk_of(step.by)
        where = self.where(step.by, "agreement")
        await delete(self.engine, self.pages, who, where, wanted)
        return None

    async def do_grant(self, step: Step, secret: int) -> object:
        return await self._decide(step, secret, granted=True)

    async def do_refuse(self, step: Step, secret: int) -> object:
        return await self._decide(step, secret, granted=False)

    async def _decide(self, step: Step, secret: int, *, granted: bool) -> object:
        held = self.held(step, secret)
        if held is None:
            return None
        other = "two" if step.by == "one" else "one"
        object_id = held[1].object_id
        if object_id not in self.requests:
            request = ReleaseRequest(
                source_id=f"ask {len(self.requests)}", party=other, object=object_id, to="three"
            )
            self.requests[object_id] = (await self.theatre.say(other, request)).object_id
        self.version += 1
        until = self.theatre.now + timedelta(hours=1) if step.other % 2 else None
        decision = ReleaseDecision(
            source_id=f"d {self.version}", party=step.by, request=self.requests[object_id],
            granted=granted, until=until,
        )  # fmt: skip
        await self.theatre.say(step.by, decision)
        return None

    async def do_join(self, _: Step, secret: int) -> object:
        del secret
        terms = msgspec.structs.replace(TERMS, members=("one", "two", "three"))
        await self.engine.act(Agree(desk_of("one", Role.ADMINISTRATOR), terms))
        return None

    async def do_wait(self, step: Step, secret: int) -> object:
        del secret
        self.theatre.now += timedelta(minutes=20 * step.other)
        return None

    async def do_read(self, step: Step, secret: int) -> None:
        """The test's own to do."""

    async def everything(
        self,
        pages: Pages,
        party: str,
        name: str,
        wanted: Filter = Filter(),  # noqa: B008
    ) -> list[Shown]:
        """All pages of one collection; none where it may not be read."""
        where = self.where(party, name)
        found: list[Shown] = []
        while where.can_read:
            page = await pages.look(desk_of(party), where, wanted)
            found += page.shown
            if not page.more:
                break
            wanted = msgspec.structs.replace(wanted, after_us=page.upto_us)
        return found

    def oracle(self, party: str, name: str) -> Iterator[tuple[str, Report]]:
        """What is there, by looking at each report as it is now."""
        shown = self.engine.world.shown
        reader = reader_of(shown, party, self.theatre.now)
        granted = {one for one, to in shown.grants.items() if party in to}
        with self.engine.store.reading() as record:
            stored = list(record.objects(EntryKind.REPORT))
        for one in stored:
            value = None if one.data is None else read(one.data)
            if not isinstance(value, Report) or not value.stix or value.release is None:
                continue
            inbox = value.release.parties.get(party) is Grade.FULL or one.object_id in granted
            here = value.release.members is Grade.FULL if name == "agreement" else inbox
            if here and reader.grade(value, one.object_id) is Grade.FULL:
                yield one.object_id, value


class Poller:
    """Reads one collection page by page while others write, as a client does."""

    def __init__(self, town: Town, party: str, name: str, limit: int) -> None:
        self.town, self.party, self.name = town, party, name
        self.seen: list[Shown] = []
        self.wanted = Filter(limit=limit)

    async def read(self) -> bool:
        """One page, and whether there is more."""
        where = self.town.where(self.party, self.name)
        if not where.can_read:
            return False
        page = await self.town.pages.look(desk_of(self.party), where, self.wanted)
        self.seen += page.shown
        after_us = page.upto_us if page.more else max((x.date_us for x in page.shown), default=-1)
        after_us = max(after_us, self.wanted.after_us)
        self.wanted = msgspec.structs.replace(self.wanted, after_us=after_us)
        return page.more


COLLECTIONS = (
    ("one", "agreement"), ("two", "agreement"), ("two", "inbox:two"),
    ("three", "agreement"), ("three", "inbox:three"),
)  # fmt: skip


def is_shown(party: str, value: Report) -> bool:
    """Whether STIX can say what became of it: what was taken back must be revoked."""
    if value.state is not ReportState.RETRACTED:
        return True
    return "modified" in json.decode(value.stix) and value.party != party


def judge(poller: Poller) -> None:
    """The last that a poller was given of each object is what is there now."""
    town, seen = poller.town, poller.seen
    dates = [one.date_us for one in seen]
    assert dates == sorted(set(dates))
    assert len({one.item.sequence for one in seen}) == len(seen)
    if not town.where(poller.party, poller.name).can_read:
        return
    last = {one.item.object_id: one for one in seen}
    for object_id, value in town.oracle(poller.party, poller.name):
        if is_shown(poller.party, value):
            text, expected = json.decode(last[object_id].text), json.decode(value.stix)
            if value.state is ReportState.RETRACTED:
                assert text.pop("revoked") is True
                assert text.pop("modified") > expected.pop("modified")
            assert text == (expected if value.party == poller.party else labelled(expected))


async def require_nothing_else(poller: Poller) -> None:
    """Of what its reader may not see as it is now, no version is there either."""
    town, party = poller.town, poller.party
    every = Filter(versions=frozenset({ALL}))
    there = await town.everything(town.pages, party, poller.name, every)
    reader = reader_of(town.engine.world.shown, party, town.theatre.now)
    with town.engine.store.reading() as record:
        stored = record.identified([one.item.object_id for one in there])
    for object_id, one in stored.items():
        assert one.data is not None
        assert reader.grade(read(one.data), object_id) is Grade.FULL


GIVEN = Step("give", "one", 0, "inbox:two", 0)
TAKEN_BACK = [GIVEN._replace(to="agreement"), GIVEN._replace(act="hide")]
GRANTED_LATE = [
    GIVEN,
    GIVEN._replace(by="two", to="inbox:three"),
    GIVEN._replace(act="read", other=4),
    GIVEN._replace(act="grant"),
]
ERASED_BEFORE_A_MEMBER_CAME = [
    GIVEN._replace(to="agreement"),
    GIVEN._replace(act="retract"),
    GIVEN._replace(to="agreement", number=2),
    GIVEN._replace(act="join"),
]


@given(script=scripts, limit=st.integers(1, 3))
@example(script=TAKEN_BACK, limit=1)
@example(script=GRANTED_LATE, limit=1)
@SETTINGS
def test_pages_under_way_miss_nothing_and_repeat_nothing(script: list[Step], limit: int) -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            pollers = [Poller(town, *one, limit) for one in COLLECTIONS]
            for step in script:
                await town.play(step)
                if step.act == "read":
                    await pollers[step.other % len(pollers)].read()
            for poller in pollers:
                while await poller.read():
                    pass
                judge(poller)
                await require_nothing_else(poller)
            town.pages.close()

    run(story())


@given(script=scripts)
@example(script=ERASED_BEFORE_A_MEMBER_CAME)
@SETTINGS
def test_every_process_gives_the_same_dates_and_an_erasure_moves_none(script: list[Step]) -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            for step in script:
                await town.play(step)
                # One process follows as things happen, the other reads it all at the end.
                await town.everything(town.pages, "two", "agreement")
            later = Pages(theatre.engine)
            wanted = Filter(versions=frozenset({ALL}), limit=2)
            for one in COLLECTIONS:
                followed = await town.everything(town.pages, *one, wanted)
                assert await town.everything(later, *one, wanted) == followed
            retracted = [
                (object_id, value.party)
                for party, name in COLLECTIONS
                for object_id, value in town.oracle(party, name)
                if value.state is ReportState.RETRACTED
            ]
            if retracted:
                gone, author = retracted[0]
                before = [await town.everything(later, *one, wanted) for one in COLLECTIONS]
                eraser = msgspec.structs.replace(desk_of(author), scopes=frozenset({Scope.ERASE}))
                await theatre.engine.act(Erase(eraser, gone, "an order"))
                anew = Pages(theatre.engine)
                for pages in (anew, later, town.pages):
                    for one, known in zip(COLLECTIONS, before, strict=True):
                        left = [shown for shown in known if shown.item.object_id != gone]
                        assert _dated(await town.everything(pages, *one, wanted)) == _dated(left)
                anew.close()
            later.close()
            town.pages.close()

    run(story())


def _dated(shown: Sequence[Shown]) -> list[tuple[int, int, bytes]]:
    return [(one.item.sequence, one.date_us, one.text) for one in shown]


WORDS = (ALL, "first", "last", spelt(1)[:-5], spelt(2)[:-5])
filters = st.builds(
    Filter,
    limit=st.integers(1, 4),
    ids=st.frozensets(
        st.integers(0, 3).map(lambda number: json.decode(stix("one", number, 0))["id"]), max_size=2
    ),
    types=st.frozensets(st.sampled_from([*TYPES, "malware"]), max_size=2),
    versions=st.frozensets(st.sampled_from(WORDS), min_size=1, max_size=2),
    specifications=st.frozensets(st.sampled_from(["2.0", "2.1"]), max_size=2),
    latest_specification=st.booleans(),
)


@given(script=scripts, wanted=st.lists(filters, min_size=1, max_size=4))
@SETTINGS
def test_filters_hold_all_and_their_values_are_alternatives(
    script: list[Step], wanted: list[Filter]
) -> None:
    async def story() -> None:
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            for step in script:
                await town.play(step)
            every = Filter(versions=frozenset({ALL}))
            for one in COLLECTIONS:
                there = await town.everything(town.pages, *one, every)
                for asked in wanted:
                    found = await town.everything(town.pages, *one, asked)
                    assert _dated(found) == _dated(naive(there, asked))
            town.pages.close()

    run(story())


def naive(there: list[Shown], asked: Filter) -> list[Shown]:
    """The same, the slow way."""
    fit = [
        one
        for one in there
        if (not asked.ids or one.item.id in asked.ids)
        and (not asked.types or one.item.type in asked.types)
        and (not asked.specifications or one.item.specification in asked.specifications)
    ]
    kept = []
    for one in fit:
        alike = [other for other in fit if other.item.object_id == one.item.object_id]
        if asked.latest_specification:
            latest = max(other.item.specification for other in alike)
            alike = [other for other in alike if other.item.specification == latest]
            if one not in alike:
                continue
        times = sorted(other.item.version for other in alike)
        words = {one.item.version, ALL}
        words |= {"first"} if one.item.version == times[0] else set()
        words |= {"last"} if one.item.version == times[-1] else set()
        if words & asked.versions:
            kept.append(one)
    return kept


SECRET = ("give", "hide", "retract")
"""What one does in secret of two: to objects of its own that it gives to three alone."""


@given(
    script=st.lists(
        st.tuples(steps, st.booleans(), st.sampled_from([1, 2]), st.sampled_from([1, 2])),
        min_size=5,
        max_size=25,
    ),
    with_dates=st.booleans(),
)
@SETTINGS
def test_two_worlds_that_differ_in_what_is_not_for_two_give_it_the_same_bytes(
    script: list[tuple[Step, bool, int, int]],
    with_dates: bool,
) -> None:
    """As many reports in both, and the dates are the same too; else all but the dates is."""

    async def world(side: int) -> list[bytes]:
        told: list[bytes] = []
        with Theatre(TERMS) as theatre:
            town = Town(theatre)
            for place, (step, hidden, *secrets) in enumerate(script):
                if hidden:
                    if not with_dates and side == 1:
                        continue  # Only one of the worlds has it.
                    new = len(script) + place if with_dates else None
                    await in_secret(town, step, secrets[side], new)
                    continue
                if step.act not in {"read", "grant", "refuse"}:
                    told.append(written(await town.play(step)))
                for name in ("agreement", "inbox:two"):
                    told += await answers(town, desk_of("two"), name)
            town.pages.close()
        return told

    one, other = run(world(0)), run(world(1))
    if not with_dates:
        one, other = ([_DATES.sub(b"", told) for told in side] for side in (one, other))
    assert one == other


async def in_secret(town: Town, step: Step, secret: int, new: int | None) -> None:
    """What one does unseen by two.

    With ``new`` it is one entry, whatever was before: an object of this number is given. What
    is given again may be none.
    """
    act = step.act if step.act in SECRET and new is None else "give"
    number = step.number if new is None else new
    version = town.version
    played = step._replace(act=act, by="one", number=number, to="inbox:three")
    await town.play(played, secret=secret)
    town.version = version


_DATES = re.compile(rb'[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z?|(?<="next":)"[0-9]+"|"at_us":[0-9]+')
"""Times to the microsecond, as the node alone gives them, and what follows from them."""


def written(answer: object) -> bytes:
    """An answer as it would go out, without the ids that are drawn by chance."""
    text = json.encode(answer)
    return re.sub(rb"[0-9a-f]{32}", b"", text)


async def answers(town: Town, who: Principal, name: str) -> list[bytes]:
    where = town.where(who.party, name)
    told = []
    for wanted in (Filter(limit=2), Filter(versions=frozenset({ALL}))):
        page = await town.pages.objects(who, where, wanted)
        headers = b"".join(value for _, value in wire.dates(page))
        told += [wire.envelope(page), wire.manifest(page), headers]
    return told


def test_the_scopes_of_a_desk_are_enough_for_all_of_this() -> None:
    assert {Scope.READ, Scope.WRITE_REPORTS, Scope.RELEASE} <= scopes_of([Role.LIAISON])

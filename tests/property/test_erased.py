"""Whatever is said, ended and erased: no check becomes clearer by an erasure (R-19).

Parties say, end and erase at random. Before and after each attempt to erase, the same
question has the same answer; what is erased is gone from the store at once; the record
verifies; and a node that starts anew answers alike.
"""

from typing import NamedTuple

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.core.check import Verdict
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.principal import Role
from detente.core.release import Grade, Release
from detente.core.zone import Zone, ZoneRule
from detente.errors import DetenteError, InForce
from detente.node.erasing import Erase
from detente.node.submit import Receipt
from detente.store import Store
from nodes import around, desk_of, flight, hospital, run
from theatre import Theatre

QUESTION = flight("question", 0.0, 0.0)


class Act(NamedTuple):
    """What a party does, and to which of the objects so far."""

    does: str
    kind: str
    party: str
    which: int


acts = st.builds(
    Act,
    does=st.sampled_from(["say", "say", "end", "erase", "erase"]),
    kind=st.sampled_from(["notice", "zone", "presence", "plan"]),
    party=st.sampled_from(["one", "two"]),
    which=st.integers(0, 5),
)


def value_of(act: Act, name: str) -> Notice | Zone | Presence | Plan:
    release = Release(members=Grade.FULL) if act.which % 2 else None
    place = around(act.which / 1_000, 0.0)
    match act.kind:
        case "notice":
            return hospital(name, act.which / 1_000, 0.0, release=release)
        case "zone":
            return Zone(
                source_id=name, name=name, rule=ZoneRule.BOUNDARY, volumes=place, release=release
            )
        case "presence":
            return Presence(source_id=name, name=name, volumes=place, release=release)
        case _:
            return flight(name, act.which / 1_000, 0.0, release=release)


class Said(NamedTuple):
    party: str
    receipt: Receipt
    ended: bool


class Story:
    """What happened in one theatre."""

    def __init__(self, theatre: Theatre) -> None:
        self.theatre = theatre
        self.said: list[Said] = []

    async def answers(self) -> list[Verdict]:
        """What one and two are told, less the register version."""
        found = [(await self.theatre.ask(party, QUESTION))[0] for party in ("one", "two")]
        return [msgspec.structs.replace(one, sequence=0) for one in found]

    async def do(self, act: Act) -> None:
        if act.does == "say":
            value = value_of(act, f"name-{len(self.said)}")
            if isinstance(value, Plan):
                receipt = await self.theatre.aware(act.party, value)
            else:
                receipt = await self.theatre.say(act.party, value)
            self.said.append(Said(act.party, receipt, ended=False))
        elif self.said:
            place = act.which % len(self.said)
            await (self.end if act.does == "end" else self.erase)(place)

    async def end(self, place: int) -> None:
        party, receipt, ended = self.said[place]
        if not ended:
            self.said[place] = Said(party, await self.theatre.end(party, receipt), ended=True)

    async def erase(self, place: int) -> None:
        party, receipt, ended = self.said[place]
        asker = desk_of("three", Role.ADMINISTRATOR) if place % 2 else desk_of(party)
        before, refusal = await self.answers(), None
        try:
            await self.theatre.engine.act(Erase(asker, receipt.object_id, "an order"))
        except DetenteError as error:
            refusal = error
        assert await self.answers() == before
        if not ended:
            assert isinstance(refusal, InForce)
            return
        store = Store(self.theatre.where)
        with store.reading() as record:
            assert all(record.content(one) is None for one in record.history(receipt.object_id)), (
                "gone"
            )
        store.close()


@given(st.lists(acts, max_size=25))
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_no_check_becomes_clearer_by_an_erasure(told: list[Act]) -> None:
    async def story() -> None:
        with Theatre() as theatre:
            happened = Story(theatre)
            for act in told:
                await happened.do(act)
            last = await happened.answers()
            with theatre.beside() as other:
                assert await Story(other).answers() == last

    run(story())

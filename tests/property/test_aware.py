"""Never are two plans accepted that meet, unless the later showed the earlier's token (R-05).

Parties file, move and end plans, notices and zones at once, in two processes on one
register, each trying again with the tokens that it was given. Afterwards the record is
read entry by entry: at each plan that took effect a fresh picture of all that stood
then says what it met, and the token of each must be among those that were shown.
"""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.core.agreement import Agreement, Separation
from detente.core.check import Known, Protected, protects
from detente.core.entry import token, unseal
from detente.core.notice import Notice
from detente.core.plan import Plan, PlanState
from detente.core.principal import Role
from detente.core.release import Grade, Release
from detente.core.volume import Circle, Volume
from detente.core.wire import read
from detente.core.zone import Zone, ZoneRule
from detente.node.rules import Unaware
from detente.node.submit import Receipt
from detente.node.verbs import Agree
from detente.picture import Picture
from nodes import desk_of, run
from theatre import PARTIES, TERMS, Theatre

TRIES_MAX = 30
"""A party gives up after so many: others file as fast as it learns of them."""


class Act(NamedTuple):
    """What a party does: says something new, moves or ends what it said, or agrees."""

    does: str
    kind: str
    place: int
    size_m: int
    asks_m: int
    release: Release | None


acts = st.builds(
    Act,
    does=st.sampled_from(["say", "say", "say", "move", "activate", "end", "agree"]),
    kind=st.sampled_from(["plan", "plan", "plan", "notice", "zone"]),
    place=st.integers(0, 2),
    size_m=st.integers(0, 600),
    asks_m=st.sampled_from([0, 0, 500, 2_000]),
    release=st.sampled_from([None, *(Release(members=grade) for grade in Grade)]),
)


def value_of(act: Act, name: str, party: str) -> Protected:
    """Something within a kilometre of one of three places, 1.1 km apart."""
    circle = Circle(centre=(act.place * 100_000, 0), radius_mm=act.size_m * 1_000)
    volumes = (Volume(footprint=(circle,)),)
    asks_mm = act.asks_m * 1_000
    match act.kind:
        case "plan":
            return Plan(
                source_id=name, party=party, volumes=volumes, hazard_mm=asks_mm,
                state=PlanState.ACCEPTED, release=act.release,
            )  # fmt: skip
        case "notice":
            return Notice(
                source_id=name, name=name, category="medical", party=party, volumes=volumes,
                standoff_mm=asks_mm, release=act.release,
            )  # fmt: skip
        case _:
            return Zone(
                source_id=name, name=name, party=party, rule=ZoneRule.BOUNDARY, volumes=volumes,
                uncertainty_mm=asks_mm, release=act.release,
            )  # fmt: skip


class Party:
    """One party, doing one thing after another while the others do theirs."""

    def __init__(self, name: str, towns: list[Theatre], keys: dict[int, frozenset[str]]) -> None:
        self.name = name
        self.towns = towns
        self.keys = keys
        self.said: list[tuple[Protected, Receipt]] = []
        self.number = 0

    async def live(self, script: list[Act]) -> None:
        for number, act in enumerate(script):
            self.number = number
            town = self.towns[(number + len(self.name)) % len(self.towns)]
            if act.does == "say" or not self.said:
                await self.insist(town, value_of(act, f"{self.name} {number}", self.name), None)
            elif act.does == "agree":
                await self.agree(town, act)
            else:
                await self.change(town, act)

    async def change(self, town: Theatre, act: Act) -> None:
        value, receipt = self.said.pop(act.place % len(self.said))
        match act.does:
            case "end":
                await town.end(self.name, receipt)
            case "activate" if isinstance(value, Plan):
                active = msgspec.structs.replace(value, state=PlanState.ACTIVATED)
                await self.insist(town, active, receipt)
            case _:
                circle = Circle(centre=(act.place * 100_000, 0), radius_mm=act.size_m * 1_000)
                moved = msgspec.structs.replace(value, volumes=(Volume(footprint=(circle,)),))
                await self.insist(town, moved, receipt)

    async def agree(self, town: Theatre, act: Act) -> None:
        separations = {"plan": Separation(horizontal_mm=act.asks_m * 1_000)}
        terms = msgspec.structs.replace(TERMS, separations=separations)
        await town.engine.act(Agree(desk_of(self.name, Role.ADMINISTRATOR), terms))

    async def insist(self, town: Theatre, value: Protected, replacing: Receipt | None) -> None:
        """Say it with every token that it lacks, until it is taken."""
        key: frozenset[str] = frozenset()
        for _ in range(TRIES_MAX):
            try:
                receipt = await town.say(self.name, value, replacing=replacing, key=sorted(key))
            except Unaware as error:
                key |= {one.token for one in error.missing}
                continue
            self.keys[receipt.sequence] = key
            self.said.append((value, receipt))
            return
        if replacing is not None:
            self.said.append((value, replacing))


def acceptances(town: Theatre) -> Iterator[tuple[int, Plan, list[Known], Agreement]]:
    """Each plan that took effect, with all that stood just before, and the agreement."""
    standing: dict[str, Known] = {}
    agreement = TERMS
    with town.engine.store.reading() as record:
        rows = list(record.rows())
    for sequence, leaf, envelope, content in rows:
        assert content is not None
        said, value = unseal(envelope).statement, read(content.data)
        if isinstance(value, Agreement):
            agreement = value
        if not isinstance(value, Protected):
            continue
        before = standing.pop(said.object, None)
        assert before is None or before.version < said.version
        if isinstance(value, Plan) and value.state in (PlanState.ACCEPTED, PlanState.ACTIVATED):
            yield sequence, value, list(standing.values()), agreement
        if protects(value):
            standing[said.object] = Known(
                value=value, version=said.version, token=token(content.salt, leaf)
            )


@given(scripts=st.lists(st.lists(acts, min_size=1, max_size=8), min_size=3, max_size=3))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_no_plan_takes_effect_unaware_of_what_it_meets(scripts: list[list[Act]]) -> None:
    keys: dict[int, frozenset[str]] = {}

    async def story() -> None:
        await asyncio.gather(
            *(
                Party(name, [town, other], keys).live(script)
                for name, script in zip(PARTIES, scripts, strict=True)
            )
        )

    terms = msgspec.structs.replace(TERMS, budget_km2_day=1_000_000)
    with Theatre(terms) as town, town.beside() as other:
        run(story())
        for sequence, plan, standing, agreement in acceptances(town):
            met = Picture(standing, agreement=agreement).meetings([plan])[0]
            assert {one.known.token for one in met} <= keys[sequence]

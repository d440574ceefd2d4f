"""What a batch measures at once is what each of it would measure by itself (R-05)."""

import asyncio
from typing import TYPE_CHECKING, Any

from detente.core.check import Meeting
from detente.core.plan import Plan
from detente.core.volume import Corridor, Volume
from detente.node.engine import Decision
from detente.node.moment import Moment
from detente.node.submit import Touches
from nodes import around, desk_of, flight, hospital, run
from theatre import Theatre

if TYPE_CHECKING:
    from collections.abc import Awaitable


def _sorted(meetings: list[Meeting]) -> list[Meeting]:
    return sorted(meetings, key=lambda one: one.known.token)


class Probe:
    """Measures a plan when its turn comes: as its batch did, and as every other door does."""

    def __init__(self, plan: Plan) -> None:
        self.principal = desk_of("two")
        self.touches = Touches(plans=(plan,))
        self.plan = plan
        self.was_ahead = False

    def decide(self, moment: Moment) -> Decision[tuple[list[Meeting], list[Meeting]]]:
        """Both answers."""
        self.was_ahead = id(self.plan.volumes) in moment._ahead
        together = moment.protected_meetings(self.plan)
        alone = [one for one in moment.meetings(self.plan) if not isinstance(one.known.value, Plan)]
        return Decision(says=(), answer=lambda _: (_sorted(together), _sorted(alone)))


def test_measured_together_is_measured_alone_whatever_the_batch_says_meanwhile() -> None:
    async def story() -> None:
        with Theatre() as town:
            said = [
                await town.say("one", hospital(f"h{number}", number / 100, 1))
                for number in range(10)
            ]
            ahead = met = 0
            for again in range(10):
                probes = [Probe(flight(f"p{n}", n / 200, 1, party="two")) for n in range(20)]
                place = hospital(f"h{again}", again / 100, 1, standoff_mm=5_000_000)
                acts: list[Awaitable[object]] = [town.engine.act(one) for one in probes]
                # One is changed and another is new while they wait.
                changed = town.say("one", place, replacing=said[again])
                new = town.say("one", hospital(f"n{again}", again / 100, 1))
                answers = await asyncio.gather(*acts[:7], changed, *acts[7:14], new, *acts[14:])
                for found in answers:
                    if isinstance(found, tuple):
                        together, alone = found
                        assert together == alone
                        met += len(alone)
                ahead += sum(one.was_ahead for one in probes)
            assert ahead > 20, "some were measured together"
            assert met > 200

    run(story())


def test_one_that_cannot_be_measured_spoils_it_for_nobody() -> None:
    async def story() -> None:
        with Theatre() as town:
            await town.say("one", hospital("h", 1, 1))
            wide = Corridor(line=((-900_000_000, 0), (900_000_000, 0)))
            good = Probe(flight("good", 1, 1, party="two"))
            bad = Probe(flight("bad", 0, 0, party="two", volumes=(Volume(footprint=(wide,)),)))
            answers: Any = await asyncio.gather(
                town.engine.act(good), town.engine.act(bad), return_exceptions=True
            )
            together, alone = answers[0]
            assert together == alone
            assert len(alone) == 1
            assert isinstance(answers[1], Exception)

    run(story())


def test_what_was_measured_for_one_plan_is_not_taken_for_another() -> None:
    async def story() -> None:
        with Theatre() as town:
            await town.say("one", hospital("h", 1, 1))
            volumes = around(1.02, 1.0)
            plan = Plan(source_id="p", party="two", volumes=volumes)
            wider = Plan(source_id="p", party="two", volumes=volumes, hazard_mm=9_000_000)

            class Two(Probe):
                def decide(self, moment: Moment) -> Decision[tuple[list[Meeting], list[Meeting]]]:
                    moment.measure_ahead([plan, flight("q", 1, 1, party="two")])
                    near, far = (moment.protected_meetings(one) for one in (wider, plan))
                    return Decision(says=(), answer=lambda _: (near, far))

            answer: tuple[list[Meeting], list[Meeting]] = await town.engine.act(Two(plan))
            assert [len(one) for one in answer] == [1, 0]

    run(story())

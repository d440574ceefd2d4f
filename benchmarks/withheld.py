"""What the time of an answer tells of what is withheld (docs/security.md).

``python benchmarks/withheld.py`` makes a register in a temporary folder, with parties
that hide and show sites, and prints how long one party waits for its answers: 2.5 %,
median and 97.5 % in milliseconds, of questions in turn, so that all share the weather.
"""

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from detente.core.release import Grade, Release
from detente.errors import NotFound
from detente.node.submit import Receipt
from nodes import flight, hospital
from theatre import TERMS, Theatre

ROUNDS = 300
"""Of each question: the 2.5 % are then eight answers at either end."""

PLACES = ("nothing", "something shown", "something withheld", "ten withheld")
Act = Callable[[int], Awaitable[object]]


class Asker:
    """The party two, in a theatre where one hides and shows sites."""

    def __init__(self, town: Theatre) -> None:
        self.town = town
        self.hidden: list[Receipt] = []

    async def prepare(self) -> None:
        for row in range(ROUNDS):
            shown = hospital(f"s{row}", 1, row / 10, release=Release(members=Grade.FULL))
            await self.town.say("one", shown)
            self.hidden.append(await self.town.say("one", hospital(f"h{row}", 2, row / 10)))
        for number in range(10):
            await self.town.say("one", hospital(f"t{number}", 3, 0))

    def questions(self) -> Iterator[tuple[str, Act]]:
        for place, name in enumerate(PLACES):
            yield f"asked again, meets {name}", partial(self.ask, place)
        for place, name in enumerate(PLACES[:3]):
            yield f"asked first, meets {name}", partial(self.ask_anew, place)
        absent = msgspec.structs.replace(self.hidden[0], object_id="0" * 32)
        yield "refused, object withheld", partial(self.replace, self.hidden[0])
        yield "refused, object absent", partial(self.replace, absent)

    async def ask(self, place: int, number: int) -> None:
        await self.town.ask("two", flight(f"p{number}", place, 0))

    async def ask_anew(self, place: int, number: int) -> None:
        """About ground that was not asked about yet, so that it is charged."""
        await self.town.ask("two", flight(f"p{number}", place, number / 10))

    async def replace(self, receipt: Receipt, number: int) -> None:
        """Of an object that is not the asker's: withheld, or not there at all."""
        with suppress(NotFound):
            await self.town.say("two", hospital(f"p{number}", 9, 9), replacing=receipt)


def line(name: str, times: list[float]) -> str:
    times = sorted(times)
    low, middle, high = (times[round(share * (len(times) - 1))] for share in (0.025, 0.5, 0.975))
    return f"{name:<42} {low:8.3f} {middle:8.3f} {high:8.3f}"


async def main() -> None:
    terms = msgspec.structs.replace(TERMS, budget_km2_day=1_000_000)
    found: dict[str, list[float]] = defaultdict(list)
    with Theatre(terms) as town:
        asker = Asker(town)
        await asker.prepare()
        for number in range(ROUNDS):
            for name, act in asker.questions():
                start = time.perf_counter()
                await act(number)
                found[name].append((time.perf_counter() - start) * 1_000)
    print(f"{'':<42} {'2.5 %':>8} {'median':>8} {'97.5 %':>8}  ms")
    for name, times in found.items():
        print(line(name, times[5:]))


if __name__ == "__main__":
    asyncio.run(main())

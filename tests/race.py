"""Many clients race to file plans that all meet, over HTTP, whatever is killed meanwhile.

Each client has a connection that it keeps, and in each round one plan to file, by the native
door or by F3548's. It shows the tokens that it knows; refused, it learns what it lacked and
tries again; accepted, it changes its plan or ends it. A client that is left without an answer
finds out what became of its request: by asking again with the same idempotency key, or by
looking at its intent. All plans at a place hold one point at one time, so any two meet.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import uvloop
from msgspec import Struct

from detente.core.entry import token, unseal
from detente.core.plan import Plan, PlanState
from detente.core.wire import read
from detente.node.audit import audit
from detente.store import Store
from dss import INTENTS, OTHERS, intent_body, volume
from served import Told, request

TRIES, TURNS = 2, 4
"""In a round each client files its plan, once more if it was refused, and goes on if it was not."""

RECONNECTS = 0.05
"""How often a client comes back on a new connection: else all stay with the worker that outlived
another."""

ANSWER_S = 60
"""Whatever is killed, a client is answered within this time."""

DISTURBED_S = 90
"""How long after a kill there may be failures: a worker that is killed again and again is started
after 10 s, and starting takes a minute where ten others want the machine."""

PLACES = (1, 8)
"""Rounds by turns: all at one place, where one is accepted at a time; and at several, far apart,
so that more is accepted, changed and ended."""

LATITUDE, LONGITUDE = 47.0, 8.0
LOWER_M, ALTITUDE_M = 50, 100
NEAR_M = 150
"""Radii of plans; their centres are no further from the point than this."""

UNAVAILABLE = {"unavailable", "outcome_unknown"}


class Failed(Exception):
    """No answer, or one that says that the node could not keep anything just now."""


async def _all(acts: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All at once; the first failure ends the others."""
    async with asyncio.TaskGroup() as group:
        for one in acts:
            group.create_task(one)


class Accepted(Struct, frozen=True):
    """A version of a plan that was accepted, and the tokens that were shown for it."""

    name: str
    place: int
    key: frozenset[str]


class Mine(Struct, frozen=True):
    """A plan of one's own that stands: where it is, its version and its token."""

    path: str
    version: int
    token: str


class Race:
    """What all clients know and learn.

    Args:
        port: Of the node.
        bearer: Gives a party's token.
        clients: How many there are.
        seed: Of all chance.
    """

    def __init__(
        self, port: int, bearer: Callable[[str], str], parties: list[str], clients: int, seed: int
    ) -> None:
        self.port = port
        self.seed = seed
        self.at = datetime.now(UTC) + timedelta(hours=2)
        self.chance = random.Random(seed)
        self.round = -1
        self.killed_at = 0.0
        self.accepted: dict[str, Accepted] = {}
        self.ended: set[str] = set()
        self.ovns: dict[str, str] = {}
        self.standing: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.latencies_ms: list[float] = []
        bearers = {party: bearer(party) for party in parties}
        self._clients = [
            Client(self, number, bearers[parties[number % len(parties)]])
            for number in range(clients)
        ]

    def run(self, rounds: int, began: Callable[[int], None] = lambda _: None) -> None:
        """So many rounds; ``began`` is told of each. Then nothing stands."""
        uvloop.run(self._run(rounds, began))

    async def _run(self, rounds: int, began: Callable[[int], None]) -> None:
        try:
            for self.round in range(rounds):
                began(self.round)
                await _all(one.compete() for one in self._clients)
                self._check()
                await _all(one.withdraw() for one in self._clients)
                assert not self.standing
        finally:
            for one in self._clients:
                one.line.close()
            await asyncio.sleep(0)

    def _check(self) -> None:
        """Of any two plans that stand now, whichever came later showed the other's token."""
        for one, other in itertools.combinations(self.standing.values(), 2):
            first, second = self.accepted[one], self.accepted[other]
            met = first.place == second.place
            assert not met or one in second.key or other in first.key, (
                f"seed {self.seed}, round {self.round}: {first.name} and {second.name} "
                "were accepted unaware of each other"
            )

    def note(self, made: Mine, said: Accepted) -> None:
        """A version was accepted."""
        assert made.token not in self.accepted, f"{said.name}: its token came before"
        self.accepted[made.token] = said
        self.standing[said.name] = self.ovns[said.name] = made.token
        self.counts["accepted"] += 1

    def failed(self, why: str) -> None:
        """Something could not be answered; only a kill may be the reason."""
        self.counts[why] += 1
        since = time.monotonic() - self.killed_at
        assert since < DISTURBED_S, f"round {self.round}: {why}, {since:.0f} s after the last kill"


class Line:
    """A connection that is kept, and opened anew where it was lost."""

    def __init__(self, race: Race, bearer: str) -> None:
        self._race = race
        self._headers = {"authorization": f"Bearer {bearer}"}
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: Any = None, /, **headers: str) -> Told:
        """One request, once.

        Raises:
            Failed: It was lost, or the node says that it could not be kept.
        """
        sent = b"" if body is None else json.dumps(body).encode()
        began = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await self._ask(request(method, path, sent, **self._headers, **headers))
        except (ConnectionError, EOFError) as error:
            self.close()
            raise Failed("lost") from error
        self._race.latencies_ms.append((time.monotonic() - began) * 1_000)
        self._race.counts[str(found.status)] += 1
        if found.status >= 500:
            self._require_clear(path, found)
            raise Failed("unavailable")
        return found

    def close(self) -> None:
        """Leave it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _ask(self, sent: bytes) -> Told:
        if self._streams is not None and _is_gone(self._streams[0]):
            self.close()  # While nothing was under way.
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._race.port)
        reader, writer = self._streams
        writer.write(sent)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return Told(int(first.split()[1]), headers, body)

    @staticmethod
    def _require_clear(path: str, found: Told) -> None:
        """The one failure of the node that there may be, in its door's own form."""
        assert found.status == 503, (path, found.status, found.body)
        assert int(found.headers["retry-after"]) >= 1
        if path.startswith("/dss/"):
            assert found.json()["message"]
        else:
            assert found.headers["content-type"] == "application/problem+json"
            assert found.json()["code"] in UNAVAILABLE


def _is_gone(reader: asyncio.StreamReader) -> bool:
    return reader.at_eof() or reader.exception() is not None


class Client:
    """One who files a plan in each round."""

    def __init__(self, race: Race, number: int, bearer: str) -> None:
        self.race = race
        self.line = Line(race, bearer)
        self.door: Native | F3548 = Native(self)
        self.place = 0
        self._number, self._name = number, ""
        self._mine: Mine | None = None

    async def compete(self) -> None:
        """A plan, by either door, with what is learnt of the others."""
        race = self.race
        name = self._name = str(UUID(int=race.chance.getrandbits(128), version=4))
        self.door = Native(self) if race.chance.random() < 0.5 else F3548(self)
        self.place = self._number % PLACES[race.round % len(PLACES)]
        key: set[str] = set()
        if race.chance.random() < RECONNECTS:
            self.line.close()
        for turn in range(TURNS):
            if self._mine is None and turn >= TRIES:
                return
            if self._mine is not None and race.chance.random() < 0.2:
                await self._end()
                return
            shown = frozenset(key)
            found = await self._insist(self.door.put, name, turn, shown, self._mine)
            if isinstance(found, Mine):
                self._mine = found
                race.note(found, Accepted(name, self.place, shown))
            else:
                race.counts["unaware"] += 1
                key |= found

    async def withdraw(self) -> None:
        """End what stands, once the round is over."""
        if self._mine is not None:
            await self._end()

    def drawn(self, name: str) -> "Drawn":
        """Where and when a version of the plan is, by its name."""
        return Drawn.of(name, self.race.at, self.place)

    async def _end(self) -> None:
        assert self._mine is not None
        await self._insist(self.door.end, self._name, self._mine)
        self.race.ended.add(self._name)
        del self.race.standing[self._name]
        self._mine = None

    async def _insist(self, act: Callable[..., Any], *given: Any) -> Any:
        """Do it until there is an answer."""
        again = False
        while True:
            try:
                return await act(*given, again=again)
            except Failed as error:
                self.race.failed(str(error))
                again = True
                await asyncio.sleep(self.race.chance.uniform(0.05, 0.3))


class Native:
    """Files by /v1; asks again with the same key where there was no answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def put(
        self, name: str, turn: int, key: frozenset[str], mine: Mine | None, *, again: bool
    ) -> Mine | set[str]:
        """File or change it."""
        del again
        ask, once = self._client.line.ask, f"{name}-{turn}"
        plan = native_plan(name, self._client.drawn(once))
        if mine is None:
            said = {"plan": plan, "key": sorted(key)}
            told = await ask("POST", "/v1/plans", said, idempotency_key=once)
        else:
            said = {"value": {"type": "plan", **plan}, "key": sorted(key)}
            told = await ask(
                "PUT", mine.path, said, idempotency_key=once, if_match=f'"{mine.token}"'
            )
        answer = told.json()
        if told.status == 409:
            assert answer["code"] == "unaware", answer
            assert answer["missing"]
            return {one["token"] for one in answer["missing"]}
        assert told.status == (201 if mine is None else 200), (told.status, answer)
        return Mine(told.headers["location"], answer["version"], answer["token"])

    async def end(self, name: str, mine: Mine, *, again: bool) -> None:
        """End it."""
        del again
        told = await self._client.line.ask(
            "DELETE", mine.path, idempotency_key=f"{name}-end", if_match=f'"{mine.token}"'
        )
        assert told.status == 200, told.body


class F3548:
    """Files by /dss/v1; looks at its intent where there was no answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def put(
        self, name: str, turn: int, key: frozenset[str], mine: Mine | None, *, again: bool
    ) -> Mine | set[str]:
        """Create or update it."""
        path = f"{INTENTS}/{name}"
        if again:
            stands = await self._look(path)
            if stands is not None and (mine is None or stands.version > mine.version):
                return stands
        said = intent(self._client.drawn(f"{name}-{turn}"), key)
        told = await self._client.line.ask(
            "PUT", path if mine is None else f"{path}/{mine.token}", said
        )
        answer = told.json()
        if told.status == 409:
            kinds = ("missing_operational_intents", "missing_constraints")
            missing = [one for kind in kinds for one in answer.get(kind, ())]
            assert missing, f"{name}: {answer}"
            return await self._ovns(missing)
        assert told.status == (201 if mine is None else 200), (told.status, answer)
        return _made(path, answer["operational_intent_reference"])

    async def end(self, _name: str, mine: Mine, *, again: bool) -> None:
        """End it."""
        if again and await self._look(mine.path) is None:
            return
        told = await self._client.line.ask("DELETE", f"{mine.path}/{mine.token}")
        assert told.status == 200, told.body

    async def _look(self, path: str) -> Mine | None:
        told = await self._client.line.ask("GET", path)
        assert told.status in {200, 404}, (told.status, told.body)
        if told.status == 404:
            return None
        return _made(path, told.json()["operational_intent_reference"])

    async def _ovns(self, missing: list[Any]) -> set[str]:
        """OVNs, of which those of other USSs' intents are had from them alone."""
        known = self._client.race.ovns
        for _ in range(20):
            if all(one["ovn"] != OTHERS or one["id"] in known for one in missing):
                break
            await asyncio.sleep(0.005)
        return {
            known.get(one["id"], "") if one["ovn"] == OTHERS else one["ovn"] for one in missing
        } - {""}


def _made(path: str, reference: Any) -> Mine:
    return Mine(path, reference["version"], reference["ovn"])


class Drawn(Struct, frozen=True):
    """Where and when a plan is, by chance, but that it holds the point: degrees, metres, UTC."""

    latitude: float
    longitude: float
    radius_m: float
    upper_m: int
    start: str
    end: str
    shown: bool

    @classmethod
    def of(cls, name: str, at: datetime, place: int) -> "Drawn":
        """The same for the same name, so that a request may be sent again."""
        chance = random.Random(name)
        start = at - timedelta(minutes=chance.uniform(5, 40))
        return cls(
            latitude=LATITUDE + place * 0.1 + chance.uniform(-0.001, 0.001),
            longitude=LONGITUDE + chance.uniform(-0.001, 0.001),
            radius_m=round(chance.uniform(NEAR_M, 2 * NEAR_M)),
            upper_m=round(chance.uniform(ALTITUDE_M, 500)),
            start=start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            end=(at + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            shown=chance.random() < 0.5,
        )


def native_plan(name: str, drawn: Drawn) -> dict[str, Any]:
    """A plan at the point, shown to all or to nobody."""
    centre = [round(drawn.longitude * 10_000_000), round(drawn.latitude * 10_000_000)]
    circle = {"type": "circle", "centre": centre, "radius_mm": round(drawn.radius_m * 1_000)}
    volume = {
        "footprint": [circle], "start": drawn.start, "end": drawn.end,
        "lower_mm": LOWER_M * 1_000, "upper_mm": drawn.upper_m * 1_000,
    }  # fmt: skip
    shown = {"release": {"members": "full"}} if drawn.shown else {}
    return {"source_id": name, "volumes": [volume], "state": "accepted", **shown}


def intent(drawn: Drawn, key: frozenset[str]) -> dict[str, Any]:
    """An operational intent at the point."""
    extent = volume(
        drawn.latitude, drawn.longitude, radius=drawn.radius_m, altitudes=(LOWER_M, drawn.upper_m),
        minutes=None,
    )  # fmt: skip
    for name, value in (("time_start", drawn.start), ("time_end", drawn.end)):
        extent[name] = {"value": value, "format": "RFC3339"}
    return intent_body(extent, key=sorted(key))


def plans_of(store: Store) -> Iterator[tuple[str, Plan, str]]:
    """Each version of a plan on record, in order: its object, itself, its token."""
    with store.reading() as record:
        for _, leaf, envelope, content in record.rows():
            assert content is not None
            value = read(content.data)
            if isinstance(value, Plan):
                yield unseal(envelope).statement.object, value, token(content.salt, leaf)


def assert_on_record(store: Store, race: Race) -> None:
    """What was answered is on record, and nothing else, and none was accepted unaware."""
    standing: dict[str, str] = {}
    seen: set[str] = set()
    ended: set[str] = set()
    for object_id, plan, own in plans_of(store):
        before = standing.pop(object_id, None)
        if plan.state is PlanState.ENDED:
            assert before is not None
            ended.add(plan.source_id)
            continue
        known = race.accepted.get(own)
        assert known is not None, f"{plan.source_id} is on record, and its client was not told"
        assert known.name == plan.source_id
        met = {one for one in standing.values() if race.accepted[one].place == known.place}
        lacking = met - known.key
        assert not lacking, f"{plan.source_id} was accepted unaware of {len(lacking)}"
        standing[object_id] = own
        seen.add(own)
    assert seen == set(race.accepted), "answered, and not on record"
    assert ended == race.ended
    assert not standing
    assert audit(store).problems == []

"""What a worker tells the others of units: the newest of each, and what is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from detente.core.watch import Observed
from detente.doors.cot.relay import UNITS_A_MESSAGE, Hearing, Teller
from detente.errors import Unavailable
from detente.node.seen import LiveTracks, Seen
from recorded_tracks import NOON

LATER = NOON + timedelta(seconds=60)


def unit(name: str, second: int = 0) -> Seen:
    observed = Observed(
        track=name, time=NOON + timedelta(seconds=second), position=(0, 0), accuracy_mm=1,
        drift_mm_s=0,
    )  # fmt: skip
    return Seen(party="one", feed="cot", observed=observed, own=True, stale=LATER)


def names(tracks: LiveTracks) -> set[str]:
    return {one.observed.track for one in tracks.latest()}


async def until(good: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not good():  # noqa: ASYNC110 - what is waited for is told to nobody
            await asyncio.sleep(0.02)


def run(folder: Path, act: Callable[[LiveTracks, LiveTracks, Path], Awaitable[None]]) -> None:
    async def whole() -> None:
        here, there, path = LiveTracks(), LiveTracks(), folder / "units"
        hearing = Hearing(there, path, lambda: NOON)
        await hearing.start()
        await act(here, there, path)
        await hearing.stop()

    asyncio.run(whole())


def test_units_are_told_and_nothing_else(tmp_path: Path) -> None:
    async def act(here: LiveTracks, there: LiveTracks, path: Path) -> None:
        many = UNITS_A_MESSAGE + 1
        here.put([unit(f"{number}") for number in range(many)])
        here.put([replace(unit("aircraft"), own=False)])
        teller = Teller(here, path)
        await teller.start()
        await until(lambda: len(names(there)) == many)
        assert "aircraft" not in names(there)
        here.put([unit("0", 5)])
        here.drop(unit("1").key)
        await until(lambda: "1" not in names(there))
        (first,) = [one for one in there.latest() if one.observed.track == "0"]
        assert first == unit("0", 5)
        # One that was killed leaves its socket behind.
        await teller.stop()
        await asyncio.to_thread(path.touch)
        here.put([unit("new")])
        teller = Teller(here, path)
        await teller.start()
        await until(lambda: "new" in names(there))
        await teller.stop()

    run(tmp_path, act)


def test_what_is_no_message_ends_the_connection_and_it_asks_again(tmp_path: Path) -> None:
    async def act(here: LiveTracks, there: LiveTracks, path: Path) -> None:
        came = 0

        async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal came
            came += 1
            writer.write([b"\xff\xff\xff\xff", b"\x00\x00\x00\x02no", b"\x00"][came % 3])
            await writer.drain()
            writer.close()
            await reader.read()

        server = await asyncio.start_unix_server(garbage, path)
        await until(lambda: came >= 3)
        server.close()
        await server.wait_closed()
        here.put([unit("a")])
        teller = Teller(here, path)
        await teller.start()
        await until(lambda: names(there) == {"a"})
        await teller.stop()

    run(tmp_path, act)


def test_what_ended_while_one_was_away_is_gone(tmp_path: Path) -> None:
    """Worker 0 was killed, and a unit ended before the other had found the new one."""

    async def act(here: LiveTracks, there: LiveTracks, path: Path) -> None:
        here.put([unit("a"), unit("b")])
        teller = Teller(here, path)
        await teller.start()
        await until(lambda: names(there) == {"a", "b"})
        await teller.stop()
        anew = LiveTracks()
        teller = Teller(anew, path)
        await teller.start()
        anew.put([unit("a", 1)])
        anew.drop(unit("a").key)
        # Of the other nobody has said anything yet.
        await until(lambda: names(there) == {"b"})
        await teller.stop()

    run(tmp_path, act)


def test_what_is_stale_goes_though_nobody_tells_so(tmp_path: Path) -> None:
    async def act() -> None:
        here, there, path = LiveTracks(), LiveTracks(), tmp_path / "units"
        now = [NOON]
        teller, hearing = Teller(here, path), Hearing(there, path, lambda: now[0])
        await teller.start()
        await hearing.start()
        here.put([unit("a")])
        await until(lambda: names(there) == {"a"})
        await teller.stop()
        await asyncio.sleep(0.1)
        assert names(there) == {"a"}
        now[0] = LATER + timedelta(seconds=1)
        await until(lambda: names(there) == set())
        await hearing.stop()

    asyncio.run(act())


def test_a_socket_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="socket between workers"):
        asyncio.run(Teller(LiveTracks(), tmp_path / "no" / "units").start())

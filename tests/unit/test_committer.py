"""What waits for the committer goes together (ADR 16), and readers do not merge after it."""

import asyncio
from pathlib import Path

import pytest

from detente.errors import Unavailable
from detente.node.access.settings import AccessSettings
from detente.node.asking import Follow
from detente.node.service import Service
from detente.picture.live import TAIL_PARTS
from detente.store import Store
from nodes import hospital, run, say
from theatre import Theatre


def test_what_comes_while_another_holds_the_head_goes_together() -> None:
    async def story() -> None:
        with Theatre() as node:
            other = Store(node.where)
            with other.appending():
                first = asyncio.create_task(node.say("one", hospital("first", 36.0, 36.0)))
                # The committer has seen it, and waits for the head.
                await asyncio.sleep(0.2)
                later = [
                    asyncio.create_task(node.say("one", hospital(f"{n}", 36.0, 36.0)))
                    for n in range(5)
                ]
                await asyncio.sleep(0.2)
                assert not first.done()
            other.close()
            said = await asyncio.gather(first, *later)
        assert len({one.size for one in said}) == 1
        assert [one.sequence for one in said] == list(range(said[0].sequence, said[0].size))

    run(story())


def test_when_the_head_cannot_be_had_all_that_wait_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("detente.store.sqlite.BUSY_TIMEOUT_MS", 300)

    async def story() -> None:
        with Theatre() as node:
            other = Store(node.where)
            with other.appending():
                tasks = [node.say("one", hospital(f"{n}", 36.0, 36.0)) for n in range(3)]
                told = await asyncio.gather(*tasks, return_exceptions=True)
            other.close()
            assert all(isinstance(one, Unavailable) for one in told)
            again = await node.say("one", hospital("again", 36.0, 36.0))
            assert again.version == 1

    run(story())


def test_what_is_on_disk_and_cannot_be_shown_is_not_hidden_behind_what_was_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    async def story() -> None:
        with Theatre() as node:
            await node.say("one", hospital("first", 36.0, 36.0))
            with monkeypatch.context() as during:
                during.setattr("detente.picture.live.Live.fold", full)
                said = await node.say("one", hospital("second", 36.0, 36.0))
            with pytest.raises(Unavailable):
                assert node.engine.world
            assert not node.engine.sound
            # As the node does each second where the world is not sound.
            await node.engine.act(Follow())
            assert node.engine.world.shown.sequence >= said.size
            assert len(node.engine.world.shown.protected) == 2

    run(story())


def test_a_node_merges_what_its_checks_would_else_merge_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("detente.node.service.COMPACT_EVERY_S", 60.0)

    async def story(place: Path) -> None:
        service = Service(str(place), AccessSettings(url="http://127.0.0.1"))
        await service.start()
        try:
            for number in range(12):
                await say(service.engine, "one", hospital(f"{number}", 36.0, 36.0))
                assert service.engine.world.shown.protected.parts
                await asyncio.sleep(0.05)
            async with asyncio.timeout(30):
                # It has no event of its own.
                while len(service.engine.world.shown.protected.parts) > TAIL_PARTS + 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        finally:
            await service.stop()

    with Theatre() as node:
        place = node.where
        node.engine.stop()
        run(story(place))

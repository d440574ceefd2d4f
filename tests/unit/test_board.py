"""What a party is shown over Cursor on Target, and that nothing else shows in it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from detente.core.plan import PlanState
from detente.core.presence import Presence, Track
from detente.core.release import Grade, Release
from detente.core.volume import Corridor, Polygon, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.cot.event import event_of
from detente.doors.cot.mapping import of_item
from detente.doors.cot.writing import Written
from detente.doors.cot.xml import read_xml
from detente.node.board import Board
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.layers import Layers
from nodes import around, at_work, desk_of, flight, hospital, run, say

NOW = datetime(2026, 1, 7, 12, tzinfo=UTC)
FULL, AREA = Release(members=Grade.FULL), Release(members=Grade.AREA)
CONTACT = Release(members=Grade.CONTACT)
ENDED = Release(members=Grade.FULL, until=NOW - timedelta(days=1))
TRACK = Track(position=(100_000_000, 500_000_000), time=NOW, speed_max_mm_s=1_000)
SQUARE = ((0, 0), (10_000_000, 0), (10_000_000, 10_000_000))


async def shown(engine: Engine, party: str) -> list[Written]:
    """All that a party is shown that connects now."""
    layers = Layers(engine)
    changes = await Board(engine, layers, desk_of(party)).look()
    layers.close()
    return [Written(out) for item in changes.items for out in of_item(item)]


def test_what_is_not_released_changes_no_byte(register: Path) -> None:
    async def story() -> None:
        async with at_work(register, Keyring(register), now=NOW) as engine:
            await say(engine, "one", hospital("Seen", 10.0, 50.0, release=FULL))
            await say(engine, "one", hospital("Coarse", 20.0, 50.0, release=AREA))
            before = [(one.xml, one.proto) for one in await shown(engine, "two")]
            assert len(before) == 2
            hidden = (
                hospital("Hidden", 10.0, 50.0),
                hospital("Call", 10.0, 50.0, release=CONTACT),
                hospital("Ended", 10.0, 50.0, release=ENDED),
                Presence(source_id="cot:U", name="Unit", track=TRACK),
                Presence(source_id="cot:V", name="Unit", track=TRACK, release=AREA),
                Zone(source_id="z", name="Z", rule=ZoneRule.NO_ACTIVITY, volumes=around(10, 50)),
                flight("f", 10.0, 50.0, state=PlanState.DRAFT, release=FULL),
            )  # fmt: skip
            for value in hidden:
                await say(engine, "one", value)
                assert [(one.xml, one.proto) for one in await shown(engine, "two")] == before
            assert len(await shown(engine, "one")) > len(before)

    run(story())


def test_each_kind_has_its_shape_and_both_forms_can_be_read(register: Path) -> None:
    async def story() -> None:
        async with at_work(register, Keyring(register), now=NOW) as engine:
            line = Corridor(line=((0, 0), (10_000_000, 0)), width_mm=500_000)
            for name, footprint, kind in (
                ("polygon", Polygon(rings=(SQUARE,)), "u-d-f"),
                ("corridor", line, "u-d-f"),
                ("line", Corridor(line=line.line), "u-d-f"),
            ):
                volumes = (Volume(footprint=(footprint,), end=NOW + timedelta(hours=1)),)
                notice = hospital(name, 0, 0, volumes=volumes, release=FULL)
                await say(engine, "one", notice)
                [made] = [one for one in await shown(engine, "two") if one.out.callsign == name]
                assert (made.out.type, made.out.stale) == (kind, NOW + timedelta(hours=1))
                assert event_of(read_xml(made.xml), NOW).callsign == name
            await say(
                engine, "one", hospital("point", 1, 1, volumes=around(1, 1, 0.0), release=FULL)
            )
            over = (Volume(footprint=(line,), end=NOW - timedelta(hours=1)),)
            await say(engine, "one", hospital("over", 1, 1, volumes=over, release=FULL))
            far = Polygon(
                rings=(((1_790_000_000, 0), (-1_790_000_000, 0), (1_800_000_000, 9_000_000)),)
            )
            dateline = hospital("far", 1, 1, volumes=(Volume(footprint=(far,)),), release=FULL)
            await say(engine, "one", dateline)
            found = [(one.out.callsign, one.out.type) for one in await shown(engine, "two")]
            assert ("point", "b-m-p-s-m") in found
            assert "over" not in {name for name, _ in found}
            # Cut at the antimeridian, it is two.
            assert found.count(("far", "u-d-f")) == 2

    run(story())


def test_a_look_tells_what_is_new_and_what_is_gone(register: Path) -> None:
    async def story() -> None:
        async with at_work(register, Keyring(register), now=NOW) as engine:
            layers = Layers(engine)
            board = Board(engine, layers, desk_of("two"))
            assert board.is_behind
            assert await board.look() == ([], [])
            first = await say(engine, "one", hospital("A", 10.0, 50.0, release=FULL))
            items, gone = await board.look()
            assert [[one.view.object for one in items], gone] == [[first.object_id], []]
            assert (await board.look()) == ([], [])
            again = await say(
                engine, "one", hospital("A", 11.0, 50.0, release=FULL), replacing=first
            )
            items, gone = await board.look()
            assert [[one.view.version for one in items], gone] == [[2], []]
            await say(engine, "one", hospital("A", 11.0, 50.0), replacing=again)
            items, gone = await board.look()
            assert [items, gone] == [[], [first.object_id]]
            layers.close()

    run(story())

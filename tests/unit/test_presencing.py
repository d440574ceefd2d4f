"""Units as they move: what the record holds of them, and when it says something new."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from detente.core.geodesy import GEOD
from detente.core.lifecycle import Standing
from detente.core.presence import Presence
from detente.core.principal import Role
from detente.core.release import Grade, Release
from detente.core.watch import Observed
from detente.core.wire import read
from detente.errors import Conflict, NotPermitted, Unavailable
from detente.node import presencing
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.layers import Layers
from detente.node.presencing import (
    LOST_AFTER,
    RENEW_AFTER,
    Presencing,
    Unit,
    drift_of,
    holds,
    track_of,
    with_room,
)
from detente.node.seen import LiveTracks
from detente.store import Store
from nodes import desk_of, run

NOW = datetime(2026, 1, 7, 12, tzinfo=UTC)
ONE, TWO = desk_of("one"), desk_of("two")


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def unit(uid: str = "U", at: datetime = NOW, lon: float = 10.0, **parts: object) -> Unit:
    seen: dict[str, object] = {
        "track": uid, "time": at, "position": (round(lon * 1e7), 500_000_000),
        "accuracy_mm": 5_000, "drift_mm_s": 0,
    }  # fmt: skip
    return Unit(
        uid=uid, type="a-f-G", domain="ground", callsign=f"C-{uid}",
        observed=Observed(**{**seen, **parts}),  # type: ignore[arg-type] # each test names its own
        stale=at + timedelta(minutes=2),
    )  # fmt: skip


class Units:
    """Presencing on a register, with a clock of its own."""

    def __init__(self, register: Path) -> None:
        self.clock = Clock()
        self.store = Store(register)
        self.engine = Engine(self.store, Keyring(register).load("node"), clock=self.clock)
        self.engine.start()
        self.tracks = LiveTracks()
        self.layers = Layers(self.engine)
        self.presencing = self.anew()

    def anew(self) -> Presencing:
        """As a process that starts has it."""
        shown = {"one": Release(parties={"two": Grade.FULL})}
        return Presencing(self.engine, self.tracks, "cot", shown)

    def recorded(self) -> dict[str, tuple[Presence, int]]:
        """By source id, each presence in force, with its version."""
        found: dict[str, tuple[Presence, int]] = {}
        with self.store.reading() as record:
            for one in record.called("cot:U"):
                value = None if one.data is None else read(one.data)
                if isinstance(value, Presence) and value.standing is Standing.IN_FORCE:
                    found[value.source_id] = value, one.version
        return found

    def close(self) -> None:
        self.layers.close()
        self.engine.stop()
        self.store.close()


@pytest.fixture
def units(register: Path) -> "Units":
    return Units(register)


@given(
    east=st.floats(-5_000, 5_000), north=st.floats(-5_000, 5_000),
    age_s=st.floats(0, 59), speed=st.integers(0, 80_000),
)  # fmt: skip
def test_a_disc_that_is_kept_holds_the_unit(
    east: float, north: float, age_s: float, speed: int
) -> None:
    recorded = with_room(track_of(unit()))
    lon, lat, _ = GEOD.fwd(10.0, 50.0, 90, east)
    lon, lat, _ = GEOD.fwd(lon, lat, 0, north)
    moved = unit(
        at=NOW + timedelta(seconds=age_s), position=(round(lon * 1e7), round(lat * 1e7)),
        speed_mm_s=speed, course_mdeg=0,
    )  # fmt: skip
    if not holds(recorded, track_of(moved)):
        return
    _, _, apart_m = GEOD.inv(10.0, 50.0, lon, lat)
    assert apart_m + 5 <= recorded.accuracy_mm / 1_000 + age_s * 50 + 1e-6
    assert speed <= 50_000


def test_a_disc_is_renewed_when_old_and_when_it_may_be_outrun() -> None:
    recorded = with_room(track_of(unit()))
    assert holds(recorded, track_of(unit(at=NOW + RENEW_AFTER - timedelta(seconds=1))))
    assert not holds(recorded, track_of(unit(at=NOW + RENEW_AFTER)))
    fast = track_of(unit(speed_mm_s=45_000, course_mdeg=0))
    assert fast.speed_max_mm_s == 56_250
    assert not holds(recorded, fast)
    assert not holds(recorded, track_of(unit(lon=10.01)))


def test_many_positions_cost_one_entry_and_leaving_the_disc_costs_one_at_once(
    units: Units,
) -> None:
    async def story() -> None:
        units.presencing.report(ONE, unit())
        await units.presencing.stop()
        for number in range(1, 30):
            units.presencing.report(
                ONE, unit(at=NOW + timedelta(seconds=number), lon=10 + number * 1e-5)
            )
        await units.presencing.stop()
        assert units.recorded()["cot:U"][1] == 1
        units.presencing.report(ONE, unit(at=NOW + timedelta(seconds=30), lon=11.0))
        # It is live at once, and on record a commit later.
        [seen] = units.tracks.latest()
        assert seen.observed.position[0] == 110_000_000
        await units.presencing.stop()
        value, version = units.recorded()["cot:U"]
        assert (version, value.track is not None and value.track.position[0]) == (2, 110_000_000)
        assert value.release == Release(parties={"two": Grade.FULL})
        assert units.presencing.recorded(seen) is not None

    run(story())
    units.close()


def test_what_is_older_than_the_newest_tells_nothing(units: Units) -> None:
    async def story() -> None:
        units.presencing.report(ONE, unit())
        units.presencing.report(ONE, unit(at=NOW - timedelta(seconds=9), lon=11.0))
        await units.presencing.stop()
        [seen] = units.tracks.latest()
        assert seen.observed.position[0] == 100_000_000

    run(story())
    units.close()


def test_names_are_their_first_partys(units: Units) -> None:
    async def story() -> None:
        units.presencing.report(ONE, unit())
        with pytest.raises(Conflict, match="uid"):
            units.presencing.report(TWO, unit())
        with pytest.raises(Conflict, match="callsign"):
            units.presencing.report(TWO, replace(unit("V"), callsign="C-U"))
        with pytest.raises(NotPermitted):
            units.presencing.over(TWO, "U")
        with pytest.raises(NotPermitted):
            units.presencing.report(desk_of("one", Role.AUDITOR), unit())
        await units.presencing.stop()

    run(story())
    units.close()


def test_a_silent_unit_protects_for_an_hour_more_and_is_then_withdrawn(units: Units) -> None:
    async def story() -> None:
        units.presencing.report(ONE, unit())
        await units.presencing.stop()
        units.clock.now = NOW + timedelta(minutes=3)
        units.presencing.sweep()
        await units.presencing.stop()
        assert units.tracks.latest() == []
        assert "cot:U" in units.recorded()
        units.clock.now += LOST_AFTER
        units.presencing.sweep()
        await units.presencing.stop()
        assert "cot:U" not in units.recorded()
        # It may come back, under its name.
        units.presencing.report(ONE, unit(at=units.clock.now))
        await units.presencing.stop()
        assert units.recorded()["cot:U"][1] == 3

    run(story())
    units.close()


def test_a_process_that_starts_takes_up_what_the_record_holds(units: Units) -> None:
    async def story() -> None:
        units.presencing.report(ONE, unit())
        await units.presencing.stop()
        again = units.anew()
        await again.recall(units.layers)
        with pytest.raises(Conflict):
            again.report(TWO, unit())
        with pytest.raises(Conflict):
            again.report(TWO, replace(unit("V"), callsign="C-U"))
        again.report(ONE, unit(at=NOW + timedelta(seconds=1)))
        await again.stop()
        assert units.recorded()["cot:U"][1] == 1
        third = units.anew()
        await third.recall(units.layers)
        units.clock.now = NOW + LOST_AFTER + timedelta(minutes=1)
        third.sweep()
        await third.stop()
        assert "cot:U" not in units.recorded()

    run(story())
    units.close()


def test_a_deletion_withdraws(units: Units) -> None:
    async def story() -> None:
        units.presencing.report(ONE, unit())
        units.presencing.over(ONE, "U")
        await units.presencing.stop()
        await asyncio.sleep(0)
        assert units.recorded() == {}
        assert units.tracks.latest() == []

    run(story())
    units.close()


def test_what_the_store_cannot_take_is_tried_again_and_a_stop_does_not_wait_for_it(
    units: Units,
) -> None:
    async def story() -> None:
        units.engine.stop()
        units.presencing.report(ONE, unit())
        await asyncio.sleep(0.1)
        assert units.recorded() == {}
        units.engine._stopping = False
        units.engine.start()
        async with asyncio.timeout(30):
            while "cot:U" not in units.recorded():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        assert units.recorded()["cot:U"][1] == 1
        units.engine.stop()
        units.presencing.report(ONE, unit(lon=11.0))
        async with asyncio.timeout(20):
            await units.presencing.stop()
        assert units.recorded()["cot:U"][1] == 1

    run(story())
    units.close()


def test_the_watch_supposes_that_a_unit_keeps_its_course_and_speed() -> None:
    walking = unit(speed_mm_s=1_000, course_mdeg=90_000)
    assert drift_of(walking) == 3_100
    assert drift_of(unit()) == 50_000  # It says nothing of its speed: as fast as a car.
    assert drift_of(replace(walking, domain="air")) == 10_100
    assert drift_of(replace(walking, domain="sea")) == 2_673
    assert drift_of(replace(walking, domain="")) == 10_100
    assert track_of(walking).speed_max_mm_s == 50_000  # The record's disc supposes nothing.


def test_names_stay_a_partys_for_a_day_after_its_unit_has_left(units: Units) -> None:
    async def story() -> None:
        units.presencing.report(ONE, unit())
        await units.presencing.stop()
        units.presencing.report(ONE, replace(unit(), callsign="other"))
        units.presencing.over(ONE, "U")
        await units.presencing.stop()
        for taken in (replace(unit(), callsign=""), replace(unit("V"), callsign="C-U"),
                      replace(unit("V"), callsign="other")):  # fmt: skip
            with pytest.raises(Conflict, match="within a day"):
                units.presencing.report(TWO, taken)
        units.presencing.report(TWO, replace(unit("V"), callsign=""))
        units.presencing.report(ONE, unit())
        await units.presencing.stop()

    run(story())
    units.close()


def test_names_are_free_when_their_unit_has_left(
    units: Units, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presencing, "HELD_FOR", timedelta())

    async def story() -> None:
        units.presencing.report(ONE, unit())
        await units.presencing.stop()
        units.presencing.over(ONE, "U")
        with pytest.raises(Conflict, match="uid"):  # Until that is on record.
            units.presencing.report(TWO, unit())
        await units.presencing.stop()
        units.presencing.report(TWO, unit())
        # A unit holds the callsign that it has, and another may share it.
        units.presencing.report(TWO, replace(unit("V"), callsign="C-U"))
        units.presencing.report(TWO, replace(unit(), callsign="other"))
        with pytest.raises(Conflict, match="callsign"):
            units.presencing.report(ONE, replace(unit("W"), callsign="C-U"))
        units.presencing.report(TWO, replace(unit("V"), callsign=""))
        units.presencing.report(ONE, replace(unit("W"), callsign="C-U"))
        await units.presencing.stop()

    run(story())
    units.close()


def test_units_that_left_take_no_room_and_no_party_takes_all(
    units: Units, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presencing, "UNITS_MAX", 8)
    parties = len(units.engine.world.shown.parties)
    assert parties == 2

    async def story() -> None:
        for number in range(30):
            units.presencing.report(ONE, unit(f"U{number}"))
            await units.presencing.stop()
            units.presencing.over(ONE, f"U{number}")
            await units.presencing.stop()
        for number in range(6):
            units.presencing.report(ONE, unit(f"U{number}"))
        with pytest.raises(Unavailable, match="units"):
            units.presencing.report(ONE, unit("U6"))
        units.presencing.report(ONE, unit("U5", at=NOW + timedelta(seconds=1)))
        for number in range(2):
            units.presencing.report(TWO, unit(f"V{number}"))
        with pytest.raises(Unavailable, match="units"):
            units.presencing.report(TWO, unit("V2"))
        await units.presencing.stop()
        # A process that starts takes up all that the record holds.
        monkeypatch.setattr(presencing, "UNITS_MAX", 2)
        again = units.anew()
        await again.recall(units.layers)
        again.report(ONE, unit("U5", at=NOW + timedelta(seconds=2)))
        with pytest.raises(Unavailable, match="units"):
            again.report(TWO, unit("V2"))
        await again.stop()

    run(story())
    units.close()


def test_where_a_unit_is_grows_with_the_time_since_it_was_heard(units: Units) -> None:
    async def story() -> None:
        units.presencing.report(ONE, unit())
        disc = units.presencing.disc_of("one", "U")
        assert disc is not None
        assert (disc.centre, disc.radius_mm) == ((100_000_000, 500_000_000), 5_000)
        units.clock.now += timedelta(seconds=60)
        later = units.presencing.disc_of("one", "U")
        assert later is not None
        assert later.radius_mm == 5_000 + 60 * 50_000
        assert units.presencing.disc_of("two", "U") is None
        assert units.presencing.disc_of("one", "V") is None
        await units.presencing.stop()

    run(story())
    units.close()

"""What is gathered of an object says all that a picture needs of it."""

from datetime import timedelta
from functools import partial
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_live_picture import answers, entries, positions

from behind import alter
from detente.core.check import Known, Protected, protects
from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.view import label_of
from detente.core.volume import Circle, Volume
from detente.errors import LogInconsistent, NotFound, Unavailable
from detente.node.audit import audit
from detente.node.erasing import erase
from detente.node.gathering import gathered_of
from detente.node.intake import take_in
from detente.node.keyring import Keyring
from detente.node.picture import load
from detente.node.repair import apply_repair, plan_repair
from detente.node.values import Values
from detente.node.withdraw import withdraw
from detente.node.world import World
from detente.picture import Picture
from detente.picture.entries import kept
from detente.picture.gather import Gatherer, Group
from detente.picture.gathered import damaged, gathered, raw_of, sheet_of
from detente.picture.live import Live
from detente.store import Place, Store
from world import NOW, site

ANCHOR = (361_500_000, 358_000_000)


def gatherer_of(values: list[Protected]) -> Gatherer:
    gatherer = Gatherer()
    for value in values:
        gatherer.add(value)
    return gatherer


@given(st.lists(entries(ANCHOR), min_size=1, max_size=8))
@settings(max_examples=200)
def test_what_is_gathered_of_each_is_what_is_gathered_of_all(values: list[Protected]) -> None:
    whole = gatherer_of(values).raw()
    sheet = sheet_of([gathered(gatherer_of([value]).raw()) for value in values])
    assert not len(damaged(sheet))
    found = raw_of(sheet, whole.owners["group"].copy(), whole.groups)
    for one, other in zip(found[:4], whole[:4], strict=True):
        assert one.tobytes() == other.tobytes()


@given(
    st.lists(entries(ANCHOR), min_size=1, max_size=3),
    st.integers(0, 40),
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-3, 30)),
    st.integers(0, 24),
)
@settings(max_examples=300)
def test_what_is_damaged_points_nowhere(
    values: list[Protected], where: int, number: int, cut: int
) -> None:
    """Whatever passes for sound can be laid out: no kernel reads beyond it."""
    blobs = []
    for value in values:
        numbers = np.frombuffer(gathered(gatherer_of([value]).raw()), dtype=np.int64).copy()
        numbers[where % len(numbers)] = number
        blobs.append(numbers.tobytes()[: len(numbers) * 8 - cut])
    sheet = sheet_of(blobs)
    sound = [blob for place, blob in enumerate(blobs) if place not in damaged(sheet)]
    found = raw_of(sheet_of(sound), np.zeros(len(sound), dtype=np.int64), (Group(""),))
    ends = found.rows["path_end"]
    assert (np.diff(ends) > 0).all()
    assert not len(ends) or ends[-1] == len(found.starts)
    assert (np.diff(found.starts) > 0).all()
    assert not len(found.starts) or (found.starts[0], found.starts[-1] < len(found.positions)) == (
        0,
        True,
    )


@given(
    st.lists(entries(ANCHOR), min_size=1, max_size=8),
    st.lists(st.integers(0, 7), max_size=6),
    st.lists(positions(ANCHOR), min_size=1, max_size=4),
)
@settings(max_examples=60)
def test_a_picture_that_keeps_no_values_answers_as_one_that_holds_them(
    values: list[Protected], gone: list[int], places: list[tuple[int, int]]
) -> None:
    known = [
        Known(value=value, object_id=f"{n:032x}", sequence=n) for n, value in enumerate(values)
    ]
    by_sequence = {one.sequence: one for one in known}
    keep = partial(kept, read=lambda wanted: [by_sequence[at] for at in wanted])
    lives = Live(label=label_of), Live(label=label_of, keep=keep)
    plans = [
        Plan(
            source_id=f"q{n}",
            volumes=(Volume(footprint=(Circle(centre=place, radius_mm=9_000_000),)),),
        )
        for n, place in enumerate(places)
    ]
    changes: list[list[tuple[str, Known | None]]] = [
        [(one.object_id, one) for one in known[: len(known) // 2]],
        [(one.object_id, one) for one in known[len(known) // 2 :]],
        [(f"{n:032x}", None) for n in gone],
    ]
    for number, some in enumerate(changes, start=1):
        found = []
        for live in lives:
            live.fold(some, number)
            if number % 2:
                live.compact()
            picture = live.snapshot()
            found.append(
                (
                    answers(picture, plans, 0),
                    sorted(one.object_id for one in picture),
                    [picture.get(one.object_id) for one in known],
                    picture.stale_by_label(NOW + timedelta(days=1)),
                )
            )
        assert found[0] == found[1]


# In a register -----------------------------------------------------------------------------


def world(store: Store) -> Picture:
    with store.reading() as record:
        return World.load(record, Values(store)).shown.protected


def at(lon_e7: int) -> tuple[Volume, ...]:
    return (Volume(footprint=(Circle(centre=(lon_e7, 0), radius_mm=5_000),)),)


def plan_at(lon_e7: int) -> Plan:
    return Plan(source_id="p", volumes=at(lon_e7))


def names(picture: Picture, lon_e7: int) -> list[str]:
    return sorted(met.known.value.source_id for met in picture.meetings([plan_at(lon_e7)])[0])


FIRST = [site("A", volumes=at(0)), site("B", volumes=at(10_000_000)), site("C", volumes=at(0))]


@pytest.fixture
def filled(place: Place, keyring: Keyring) -> Store:
    """A and C at one place, B at another; B moves away, and C is withdrawn."""
    store = Store(place)
    take_in(store, "one", keyring.load("one"), FIRST, now=NOW)
    take_in(store, "one", keyring.load("one"), [site("B", volumes=at(20_000_000))], now=NOW)
    withdraw(store, "one", keyring.load("one"), "C", now=NOW)
    return store


def test_a_start_reads_numbers_and_no_values(filled: Store, place: Place) -> None:
    for picture in (world(filled), load(place)):
        assert [names(picture, lon) for lon in (0, 10_000_000, 20_000_000)] == [["A"], [], ["B"]]
    with filled.reading() as record:
        assert [bool(numbers) for [*_, numbers] in chain(*record.gathered())] == [True, True, False]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM gathered",
        "DELETE FROM gathered WHERE sequence = 6",
        "UPDATE gathered SET grouping = as_bytes('[9,\"x\",null]')",
        "UPDATE gathered SET grouping = as_bytes('{')",
        "UPDATE gathered SET numbers = zeros(48)",
        "UPDATE gathered SET numbers = zeros(49)",
        "UPDATE gathered SET numbers = zeros(7)",
    ],
)
def test_what_is_not_gathered_is_read_from_its_values(
    filled: Store, place: Place, damage: str
) -> None:
    alter(place, damage)
    for picture in (world(filled), load(place)):
        assert [names(picture, lon) for lon in (0, 10_000_000, 20_000_000)] == [["A"], [], ["B"]]
    with filled.reading() as record:
        plan = plan_repair(record, None)
    assert any("drawn again from what they say" in step for step in plan.steps())
    apply_repair(filled, plan)
    test_a_start_reads_numbers_and_no_values(filled, place)
    assert not audit(filled).problems


def test_numbers_of_another_place_are_found(filled: Store) -> None:
    grouping, numbers = gathered_of(site("A", volumes=at(30_000_000))) or (b"", b"")
    assert grouping
    with filled.repairing() as record:
        record.put_gathered([], [(3, "f" * 32, grouping, numbers)])
    [problem] = audit(filled).problems
    assert "is in pictures otherwise than it says" in problem
    with filled.reading() as record:
        plan = plan_repair(record, None)
    apply_repair(filled, plan)
    assert not audit(filled).problems
    assert names(world(filled), 0) == ["A"]


def test_numbers_of_what_was_replaced_stop_every_check(filled: Store, place: Place) -> None:
    grouping, numbers = gathered_of(site("B", volumes=at(10_000_000))) or (b"", b"")
    with filled.reading() as record:
        [[_, object_id, *_]] = [row for row in chain(*record.gathered()) if row[0] == 6]
    with filled.repairing() as record:
        record.put_gathered([], [(4, object_id, grouping, numbers)])
    with pytest.raises(LogInconsistent, match="got 1 more"):
        world(filled)
    with pytest.raises(LogInconsistent, match="got 1 more"):
        load(place)
    with filled.reading() as record:
        plan = plan_repair(record, None)
    apply_repair(filled, plan)
    test_a_start_reads_numbers_and_no_values(filled, place)


def test_what_is_over_is_in_no_picture_and_erased_everywhere(
    filled: Store, keyring: Keyring
) -> None:
    erase(filled, "one", keyring.load("one"), "C", "the author, under its own rules", now=NOW)
    assert names(world(filled), 0) == ["A"]
    assert not audit(filled).problems
    with pytest.raises(NotFound):
        withdraw(filled, "one", keyring.load("one"), "C", now=NOW)


def test_values_are_read_again_and_let_go_of(filled: Store, keyring: Keyring, place: Place) -> None:
    values = Values(filled)
    with filled.reading() as record:
        picture = World.load(record, values).shown.protected
    [first] = picture.meetings([plan_at(0)])[0]
    [again] = picture.meetings([plan_at(0)])[0]
    assert first.known is again.known
    assert first.known.token
    values.forget(first.known.object_id)
    [read_again] = picture.meetings([plan_at(0)])[0]
    assert read_again.known == first.known
    assert read_again.known is not first.known
    # Whoever still looks at an old picture of what was erased is to look again.
    withdraw(filled, "one", keyring.load("one"), "A", now=NOW)
    erase(filled, "one", keyring.load("one"), "A", "the author, under its own rules", now=NOW)
    values.forget(first.known.object_id)
    with pytest.raises(Unavailable, match="ask again"):
        picture.meetings([plan_at(0)])
    alter(place, "DELETE FROM content")
    with pytest.raises(LogInconsistent, match="it takes a backup"):
        picture.meetings([plan_at(20_000_000)])


def test_only_some_of_what_was_read_is_kept(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detente.node.values.RECENT_BYTES_MAX", 300)
    values = Values(filled)
    with filled.reading() as record:
        found = [row[0] for row in chain(*record.gathered())]
    first = values.read(found[:1])
    values.read(found[1:2])
    assert values.read(found[:1]) == first
    assert values.read(found[:1])[0] is not first[0]


def test_kinds_that_are_not_gathered() -> None:
    assert gathered_of(plan_at(0)) is None
    ended = gathered_of(site("A", standing=Standing.WITHDRAWN))
    assert ended is not None
    assert ended[1] == b""
    assert isinstance(site("A"), Notice | Presence)
    assert protects(site("A"))

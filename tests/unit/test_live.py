"""The live picture: snapshots that stay, merges that change nothing, threads that do not wait."""

import math
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from detente.core.agreement import Agreement, Separation
from detente.core.check import Known, Meeting
from detente.core.geodesy import IntArray
from detente.core.lifecycle import Standing
from detente.core.plan import Plan
from detente.core.presence import Presence, Track
from detente.core.volume import Circle, Corridor, Polygon, Shape, Volume
from detente.errors import MalformedInput
from detente.picture import Live, Picture, live, picture, question, require_measurable, segment
from world import NOW, object_id, site

EVERYWHERE_MM = 1_000_000_000


def known(number: int, name: str = "", **parts: object) -> tuple[str, Known]:
    """One object a thousandth of a degree (110 m) east of the one before."""
    place = Volume(footprint=(Circle(centre=(number * 10_000, 0)),))
    parts.setdefault("volumes", (place,))
    value = site(name or str(number), **parts)  # type: ignore[arg-type] # as there
    return object_id(number), Known(value=value, object_id=object_id(number), sequence=number)


def at(number: int, radius_mm: int = 1_000, name: str = "asked") -> Plan:
    shape = Circle(centre=(number * 10_000, 0), radius_mm=radius_mm)
    return Plan(source_id=name, volumes=(Volume(footprint=(shape,)),))


def met(found: Picture, plan: Plan) -> list[str]:
    return sorted(one.value.source_id for one in found.met([plan])[0])


def test_a_snapshot_stays_as_it_is() -> None:
    ours = Live([known(1)[1]], sequence=1)
    first = ours.snapshot()
    ours.fold([known(1, "new name"), known(2)], 3)
    second = ours.snapshot()
    ours.fold([(object_id(1), None)], 4)
    ours.agree(Agreement(name="x", separations={"*": Separation(horizontal_mm=500_000)}), 5)
    while ours.compact():
        pass
    third = ours.snapshot()
    assert [one.sequence for one in (first, second, third)] == [1, 3, 5]
    assert [met(one, at(1)) for one in (first, second, third)] == [["1"], ["new name"], ["2"]]
    assert [len(one) for one in (first, second, third)] == [1, 2, 1]
    assert [one.get(object_id(1)) is None for one in (first, second, third)] == [False, False, True]
    assert ours.snapshot() is third


def test_what_does_not_protect_is_taken_out() -> None:
    ours = Live([known(1)[1]])
    ours.fold([known(1, standing=Standing.WITHDRAWN), (object_id(7), None)], 2)
    assert not len(ours.snapshot())
    assert ours.snapshot().sequence == 2
    assert met(ours.snapshot(), at(1)) == []
    ours.fold([known(1)], 3)
    assert met(ours.snapshot(), at(1)) == ["1"]


def test_the_last_of_several_changes_of_one_object_counts() -> None:
    ours = Live()
    ours.fold([known(1, "first"), known(1, "second")], 2)
    ours.fold([(object_id(1), None), known(1, "third")], 4)
    assert met(ours.snapshot(), at(1)) == ["third"]
    ours.fold([known(1, "fourth"), (object_id(1), None)], 6)
    assert met(ours.snapshot(), at(1)) == []


def test_another_agreement_changes_what_is_met_of_everything() -> None:
    ours = Live([known(n)[1] for n in range(100)])
    ours.fold([known(n) for n in range(100, 120)], 120)
    assert met(ours.snapshot(), at(110)) == ["110"]
    wide = {"medical": Separation(horizontal_mm=250_000)}
    ours.agree(Agreement(name="x", separations=wide), 121)
    assert met(ours.snapshot(), at(110)) == ["108", "109", "110", "111", "112"]
    assert met(ours.snapshot(), at(50)) == ["48", "49", "50", "51", "52"]
    far = Agreement(name="far", separations={"medical": Separation(horizontal_mm=4_400_000)})
    ours.agree(far, 122)  # places are 111.3 m apart
    assert len(met(ours.snapshot(), at(60))) == 2 * 39 + 1
    ours.agree(Agreement(name="renamed", separations=wide), 122)
    assert ours.snapshot().agreement == Agreement(name="renamed", separations=wide)
    assert len(met(ours.snapshot(), at(50))) == 5
    ours.agree(None, 123)
    assert met(ours.snapshot(), at(50)) == ["50"]


def test_segments_stay_few_and_nothing_is_lost() -> None:
    ours = Live([known(n)[1] for n in range(10_000)])
    for first in range(10_000, 22_000, 30):
        ours.fold([known(n) for n in range(first, first + 30)], first + 30)
        found = ours.snapshot()
        assert len(found.parts) <= live.TAIL_PARTS_MAX + 8
    while ours.compact():
        pass
    assert len(ours.snapshot().parts) <= 4
    assert len(ours.snapshot()) == 22_000
    assert {one.object_id for one in ours.snapshot()} == {object_id(n) for n in range(22_000)}


def test_whoever_compacts_is_told_once_that_small_segments_wait() -> None:
    told: list[int] = []
    ours = Live([known(n)[1] for n in range(100)], crowded=lambda: told.append(1))
    for n in range(100, 100 + live.TAIL_PARTS):
        ours.fold([known(n)], n)
        ours.snapshot()
    assert told == []
    for n in range(110, 113):
        ours.fold([known(n)], n)
        ours.snapshot()
    assert told == [1]
    before = len(ours.snapshot().parts)
    assert ours.compact()
    assert len(ours.snapshot().parts) < before
    for n in range(120, 122 + live.TAIL_PARTS):
        ours.fold([known(n)], n)
        ours.snapshot()
    assert told == [1, 1]
    assert len(ours.snapshot()) == 100 + 2 * live.TAIL_PARTS + 5


def test_what_was_replaced_does_not_pile_up() -> None:
    ours = Live([known(n)[1] for n in range(5_000)])
    for turn in range(40):
        ours.fold([known(n, f"{n} turn {turn}") for n in range(1_000)], turn)
        ours.snapshot()
        ours.compact()
    while ours.compact():
        pass
    found = ours.snapshot()
    assert len(found) == 5_000
    assert met(found, at(999)) == ["999 turn 39"]
    assert sum(len(part.segment.entries) for part in found.parts) <= 10_000


def during_a_merge(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Let ``act`` happen after the merge was begun and before it is put in place."""
    really = picture.merged_part

    def merged_part(parts: Any) -> Any:
        monkeypatch.setattr(live, "merged_part", really)
        out = really(parts)
        act()
        return out

    monkeypatch.setattr(live, "merged_part", merged_part)


def of_two_segments(monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setattr(live, "SMALL_VERTICES", 0)
    ours = Live([known(n)[1] for n in range(20)])
    ours.fold([known(n) for n in range(20, 40)], 40)
    assert len(ours.snapshot().parts) == 2
    return ours


@pytest.mark.parametrize("looking", [True, False])
@pytest.mark.parametrize("small", [0, 4_096])
def test_changes_during_a_merge_are_kept(
    monkeypatch: pytest.MonkeyPatch, looking: bool, small: int
) -> None:
    ours = of_two_segments(monkeypatch)

    def change() -> None:
        monkeypatch.setattr(live, "SMALL_VERTICES", small)
        ours.fold([(object_id(3), None), known(30, "replaced"), known(50)], 43)
        if looking:
            ours.snapshot()

    before = ours.snapshot()
    during_a_merge(monkeypatch, change)
    assert ours.compact()
    found = ours.snapshot()
    assert found.sequence == 43
    assert len(found) == 40
    assert met(found, at(3)) == []
    assert met(found, at(30)) == ["replaced"]
    assert met(found, at(50)) == ["50"]
    assert met(before, at(3)) == ["3"]
    assert len(before) == 40


def test_a_segment_that_went_during_a_merge_does_not_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = of_two_segments(monkeypatch)

    def change() -> None:
        ours.fold([(object_id(n), None) for n in range(20, 40)], 60)
        assert len(ours.snapshot().parts) == 1

    during_a_merge(monkeypatch, change)
    assert ours.compact()
    assert {one.object_id for one in ours.snapshot()} == {object_id(n) for n in range(20)}


def test_another_agreement_during_a_merge_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = of_two_segments(monkeypatch)
    wide = Agreement(name="x", separations={"*": Separation(horizontal_mm=250_000)})
    during_a_merge(monkeypatch, lambda: ours.agree(wide, 41))
    assert ours.compact()
    assert met(ours.snapshot(), at(20)) == ["18", "19", "20", "21", "22"]
    while ours.compact():
        pass
    assert met(ours.snapshot(), at(20)) == ["18", "19", "20", "21", "22"]


def test_a_merge_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = of_two_segments(monkeypatch)

    def fail() -> None:
        raise MemoryError

    during_a_merge(monkeypatch, fail)
    with pytest.raises(MemoryError):
        ours.compact()
    assert len(ours.snapshot()) == 40
    assert ours.compact()
    assert not ours.compact()
    assert len(ours.snapshot().parts) == 1


class Threads:
    """Threads that go round until one of them fails or ``stop`` is set."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def start(self, work: Callable[[], object]) -> None:
        def run() -> None:
            try:
                while not self.stop.is_set():
                    work()
            except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
                self.errors.append(error)
                self.stop.set()

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
        assert not self.errors


def test_threads_that_ask_see_one_sequence_number_while_others_fold_and_merge() -> None:
    """At sequence n exactly the objects n to n + 49 stand: any mixture would show."""
    width, last = 50, 400
    ours = Live([known(n)[1] for n in range(width)], sequence=0)
    folded, threads = iter(range(last)), Threads()
    newest: dict[int, int] = {}
    looks: list[int] = []

    def fold() -> None:
        n = next(folded, None)
        if n is None:
            threads.stop.set()
        else:
            ours.fold([(object_id(n), None), known(n + width)], n + 1)
            # The others run as well: whoever asks is never far behind.
            while max(looks, default=0) < n - 4 and not threads.stop.wait(0.0002):
                pass

    def ask() -> None:
        snapshot = ours.snapshot()
        n = snapshot.sequence
        assert n >= newest.get(threading.get_ident(), 0)
        newest[threading.get_ident()] = n
        everywhere = at(n, EVERYWHERE_MM)
        ids = sorted(one.object_id for one in snapshot.met([everywhere])[0])
        assert ids == [object_id(one) for one in range(n, n + width)]
        assert len(snapshot.meetings([everywhere])[0]) == len(snapshot) == width
        looks.append(n)

    def compact() -> None:
        if not ours.compact():
            threads.stop.wait(0.001)

    for work in (ask, ask, compact, fold):
        threads.start(work)
    threads.join()
    assert ours.snapshot().sequence == last
    assert len(newest) == 2
    assert len(set(looks)) > 50


def test_a_shape_too_wide_is_named_and_can_be_refused_before() -> None:
    hemisphere = Corridor(line=((-900_000_000, 0), (900_000_000, 0)))
    with pytest.raises(MalformedInput, match="within 75 degrees"):
        require_measurable([Circle(centre=(0, 0)), hemisphere])
    require_measurable([Circle(centre=(0, 0)), Polygon(rings=(((0, 0), (10, 0), (10, 10)),))])
    ours = Live([known(1)[1]])
    before = ours.snapshot()
    with pytest.raises(MalformedInput, match="too wide"):
        ours.fold([known(2, "too wide", volumes=(Volume(footprint=(hemisphere,)),))], 2)
    with pytest.raises(MalformedInput, match="too wide"):
        ours.fold([known(3)], 3)
    assert before.sequence == 0
    for _ in range(2):  # never a picture that lacks it
        with pytest.raises(MalformedInput, match="too wide"):
            ours.snapshot()
    ours.fold([(object_id(2), None)], 4)
    assert len(ours.snapshot()) == 2
    with pytest.raises(MalformedInput, match="shape of asked"):
        ours.snapshot().meetings(
            [
                at(0, name="first"),
                Plan(source_id="asked", volumes=(Volume(footprint=(hemisphere,)),)),
            ]
        )


def test_stale_entries_are_told_apart_by_label() -> None:
    past = NOW - timedelta(days=1)
    ours = Live(
        [known(1, party="one", review_due=past)[1], known(2, party="two", review_due=past)[1]],
        label=lambda one: one.value.party,
    )
    ours.fold([known(3, party="two", review_due=past), known(4, party="two")], 4)
    assert ours.snapshot().stale_by_label(NOW) == {"one": 1, "two": 2}
    assert ours.snapshot().stale_by_label(past) == {}
    ours.fold([(object_id(2), None)], 5)
    assert ours.snapshot().stale_by_label(NOW) == {"one": 1, "two": 1}
    assert ours.snapshot().stale_count(NOW) == 2


@pytest.mark.parametrize("chunk", [16, 1_024])
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_many_plans_are_answered_by_threads_as_one_by_one(
    monkeypatch: pytest.MonkeyPatch, rows: int, chunk: int
) -> None:
    """Of all shapes, in an order that is not that of their places, by three segments."""
    ours = Live(known(n)[1] for n in range(250))
    for some in (range(250, 280), range(280, 300)):
        ours.fold([known(n) for n in some], some.stop)
        ours.snapshot()
    found = ours.snapshot()
    assert [part.standing for part in found.parts] == [250, 30, 20]
    shapes: list[Shape] = []
    for n in sorted(range(300), key=lambda n: n * 37 % 300):
        kinds: list[Shape] = [
            Circle(centre=(n * 10_000, 0), radius_mm=200_000),
            Corridor(line=ring(n, 30_000, 9), width_mm=2_000),
            Polygon(rings=(ring(n, 40_000, 7), ring(n, 15_000, 5))),
        ]
        shapes.append(kinds[n % 3])
    plans = [
        Plan(source_id=f"{n}", volumes=(Volume(footprint=tuple(shapes[n : n + rows])),))
        for n in range(0, 300, rows)
    ]
    one_by_one = [found.meetings([plan])[0] for plan in plans]
    assert sum(map(len, one_by_one)) > 300
    monkeypatch.setattr(question, "THREADED_ROWS", 1)
    monkeypatch.setattr(question, "CHUNK_ROWS", chunk)
    assert found.meetings(plans) == one_by_one
    assert found.meetings(plans[:1]) == one_by_one[:1]


@pytest.mark.parametrize("others", [0, 2, 300])
def test_of_many_plans_one_that_is_too_wide_is_named(others: int) -> None:
    """Whether they are laid out at once, or a part at a time by whoever asks it."""
    found = Picture(known(n)[1] for n in range(300))
    small = (Circle(centre=(0, 0), radius_mm=1_000),)
    wide = (Corridor(line=tuple((degree * 10_000_000, 0) for degree in range(-170, 171, 10))),)
    plans = [
        Plan(source_id=f"{n}", volumes=(Volume(footprint=wide if n == others else small),))
        for n in range(others + 1)
    ]
    with pytest.raises(MalformedInput, match=f"shape of {others}: expected within 75 degrees"):
        found.meetings(plans)


def ring(number: int, radius_e7: int, corners: int = 50) -> tuple[tuple[int, int], ...]:
    """Around the place of an object; more corners than fit in one block."""
    turn = [2 * math.pi * k / corners for k in range(corners)]
    return tuple(
        (number * 10_000 + round(radius_e7 * math.cos(a)), round(radius_e7 * math.sin(a)))
        for a in turn
    )


def test_polygons_are_whole_after_they_were_merged() -> None:
    """Places inside, in the hole and outside: only an intact ring tells them apart."""
    rings = {n: (ring(n, 4_500), ring(n, 2_000)) for n in range(120)}
    entries = {
        n: known(n, volumes=(Volume(footprint=(Polygon(rings=rings[n]),)),))
        if n % 3
        else known(n, volumes=(Volume(footprint=(Corridor(line=ring(n, 3_000)),)),))
        for n in rings
    }
    ours = Live()
    for n in sorted(rings, key=lambda n: n * 37 % 120):
        ours.fold([entries[n]], n)
        ours.snapshot()
    ours.fold([(object_id(n), None) for n in range(0, 120, 7)], 200)
    fresh = Picture(entries[n][1] for n in rings if n % 7)
    plans = [
        Plan(source_id="p", volumes=(Volume(footprint=(Circle(centre=(n * 10_000 + east, 0)),)),))
        for n in rings
        for east in (0, 3_000, 5_000)
    ]
    expected = [[distances(one) for one in each] for each in fresh.meetings(plans)]
    assert [len(each) for each in expected[6:15]] == [0, 1, 0, 0, 1, 0, 0, 1, 0]
    assert [
        [distances(one) for one in each] for each in ours.snapshot().meetings(plans)
    ] == expected


def distances(meeting: Meeting) -> tuple[object, ...]:
    return meeting.known.object_id, meeting.distance_m, meeting.distance_error_m


def test_a_meeting_is_that_of_the_nearest_part_over_all_the_shared_time() -> None:
    legs = [
        Volume(
            footprint=(Circle(centre=(far * 10_000, 0)),),
            start=NOW + timedelta(hours=hour),
            end=NOW + timedelta(hours=hour + 1),
        )
        for far, hour in ((3, 5), (1, 2), (2, 8))
    ]
    route = Known(value=site("route", volumes=tuple(legs), standoff_mm=1_000_000))
    plan = Plan(
        source_id="p",
        volumes=tuple(
            Volume(footprint=(Circle(centre=(0, 0)),), start=since, end=until)
            for since, until in (
                (NOW + timedelta(hours=2.5), NOW + timedelta(hours=8.5)),
                (None, NOW + timedelta(hours=2.75)),
            )
        ),
    )
    (found,) = Picture([route]).meetings([plan])[0]
    assert abs(found.distance_m - 111.3) < 1
    assert (found.start, found.end) == (NOW + timedelta(hours=2), NOW + timedelta(hours=8.5))


def test_no_plans_and_no_entries_have_empty_answers() -> None:
    empty = Live().snapshot()
    assert empty.meetings([]) == []
    assert empty.met([at(1)]) == [[]]
    assert empty.get(object_id(1)) is None
    assert not Live().compact()
    full = Picture([known(1)[1]])
    assert full.meetings([]) == []
    assert [one.value.source_id for one in full.known] == ["1"]


def test_a_plan_that_met_much_is_answered_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Picture(known(n)[1] for n in range(2_000))
    everything = found.met([at(0, EVERYWHERE_MM)])[0]
    assert len(everything) == 2_000
    monkeypatch.setattr(question, "BRIEF_WORK", 1 << 40)
    assert found.met([at(0, EVERYWHERE_MM)])[0] == everything


def test_what_was_there_at_the_start_stands_in_the_order_of_place() -> None:
    """All shapes, and what moves; each is found as before, by place and by its id."""
    where = [(9, 0), (1, 50), (5, 0), (2, 0), (7, -50)]

    def volumes(number: int, lon: int, lat: int) -> tuple[Volume, ...]:
        place = (lon * 10_000_000, lat * 10_000_000)
        corner = (place[0] + 1_000, place[1] + 2_000)
        shapes: list[Shape] = [
            Circle(centre=place),
            Corridor(line=(place, corner), width_mm=1),
            Polygon(rings=((place, corner, (place[0], corner[1])),)),
        ]
        return (Volume(footprint=(shapes[number % 3],)),)

    some = [known(n, volumes=volumes(n, *at_))[1] for n, at_ in enumerate(where)]
    moving = Presence(
        source_id="moving", name="moving", category="convoy", party="one",
        track=Track(position=(30_000_000, 0), time=NOW, accuracy_mm=1, speed_max_mm_s=0),
    )  # fmt: skip
    some.append(Known(value=moving, object_id=object_id(9)))
    shown = Live(some).snapshot()
    assert [one.value.source_id for one in shown] == ["4", "3", "moving", "2", "0", "1"]
    assert {one.object_id: one for one in shown} == {one.object_id: one for one in some}
    assert all(shown.get(one.object_id) == one for one in some)
    everything = Plan(source_id="asked", volumes=volumes(0, 4, 0))
    before = Picture(some).meetings([everything], separation_mm=EVERYWHERE_MM)
    after = shown.meetings([everything], separation_mm=EVERYWHERE_MM)
    assert sorted(map(repr, after[0])) == sorted(map(repr, before[0]))
    assert len(after[0]) > 1


def test_objects_of_the_same_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def same(ids: Sequence[str]) -> IntArray:
        return np.full(len(ids), 7, dtype=np.int64)

    monkeypatch.setattr(live, "hashes_of", same)
    monkeypatch.setattr(segment, "hashes_of", same)
    monkeypatch.setattr(picture, "hashes_of", same)
    ours = Live([known(n)[1] for n in range(5)])
    ours.fold([known(3, "replaced"), (object_id(4), None), known(5)], 6)
    assert [ours.snapshot().get(object_id(n)) is not None for n in range(7)] == [
        True, True, True, True, False, True, False,
    ]  # fmt: skip
    assert met(ours.snapshot(), at(3)) == ["replaced"]

"""Which subscriptions an event is for."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from detente.core.agreement import Agreement, Separation
from detente.core.entry import EntryKind
from detente.core.incident import Call
from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.presence import Presence, Track
from detente.core.release import Grade
from detente.core.report import Report
from detente.core.subscription import Subscription
from detente.core.view import View
from detente.core.volume import Polygon, Volume
from detente.core.zone import Zone, ZoneRule
from detente.errors import MalformedInput
from detente.node.telling.matching import Wanted, check_wish, match, wanted
from detente.node.telling.sight import Change, Event, Place, Seen
from nodes import around, hospital
from world import NOW

TERMS = Agreement(name="test")
APART_M = 10_000.0
"""Between the places of these tests, from edge to edge, some 9 km."""

HERE = around(1.0, 1.0, 500.0)
NEAR = around(1.09, 1.0, 500.0)

TOO_WIDE = (Volume(footprint=(Polygon(rings=(((0, 0), (1_799_999_999, 1), (0, 2)),)),)),)
"""An edge from one side of the Earth to the other."""


def event(sequence: int = 10, kind: EntryKind = EntryKind.NOTICE, **parts: Any) -> Event:
    defaults: dict[str, Any] = {
        "sequence": sequence, "at": NOW, "kind": kind, "object": "0" * 32, "version": 1,
        "change": Change.NEW, "leaf": "0" * 64,
    }  # fmt: skip
    return Event(**{**defaults, **parts})


def seen(of: Any, terms: Agreement = TERMS, **parts: Any) -> Seen:
    return Seen(event=event(**parts), now=Place(of=of, agreement=terms))


def wish(volumes: tuple[Volume, ...] = HERE, **parts: Any) -> Wanted:
    value = Subscription(source_id="s", party="two", volumes=volumes, **parts)
    found = wanted("s", "two", 5, value)
    assert found is not None
    return found


def test_a_desk_is_told_of_the_calls_that_call_it() -> None:
    def call(*desks: str) -> Seen:
        value = Call(
            source_id="i.two", incident="1" * 32, to="two", opened=NOW, since=NOW, at=NOW,
            desks=desks,
        )  # fmt: skip
        view = View(
            object="0" * 32, kind=EntryKind.CALL, version=1, sequence=10, token="",
            grade=Grade.FULL, party="node", value=value,
        )  # fmt: skip
        return Seen(event=event(kind=EntryKind.CALL, view=view), everywhere=True)

    of = wish((), kinds=("call",), desk="air")
    check_wish(of.value)
    asked = {
        ("watch",): False, ("watch", "air"): True, (): True,
    }  # fmt: skip
    for desks, expected in asked.items():
        assert bool(match([call(*desks)], [of], {"watch", "air"})) is expected
    # One that is no more would never be called: then it is told of all.
    assert match([call("watch")], [of], {"watch"})
    assert match([call("watch")], [wish((), kinds=("call",))], {"watch", "air"})
    for kinds in ((), ("call", "notice"), ("notice",)):
        with pytest.raises(MalformedInput, match="kinds of call alone"):
            check_wish(wish((), kinds=kinds, desk="air").value)


def told(one: Seen, of: Wanted) -> list[Event]:
    return match([one], [of]).get("s", [])


@pytest.mark.parametrize(
    ("value", "terms", "expected"),
    [
        (hospital("a", 1.0, 1.0), TERMS, True),
        (hospital("a", 1.09, 1.0), TERMS, False),
        (hospital("a", 1.09, 1.0, standoff_mm=10_000_000), TERMS, True),
        (
            hospital("a", 1.09, 1.0),
            Agreement(name="t", separations={"medical": Separation(horizontal_mm=10_000_000)}),
            True,
        ),
        (
            hospital("a", 1.09, 1.0),
            Agreement(name="t", separations={"convoy": Separation(horizontal_mm=10_000_000)}),
            False,
        ),
        (Plan(source_id="p", volumes=NEAR), TERMS, False),
        (Plan(source_id="p", volumes=NEAR, hazard_mm=10_000_000), TERMS, True),
        (
            Zone(source_id="z", name="z", rule=ZoneRule.BOUNDARY, volumes=NEAR,
                 standoff_mm=5_000_000, uncertainty_mm=5_000_000),
            TERMS,
            True,
        ),
        (Report(source_id="r", party="one", title="r", text="", volumes=NEAR), TERMS, False),
        (Report(source_id="r", party="one", title="r", text="", volumes=HERE), TERMS, True),
        (hospital("a", 1.0, 1.0, standing=Standing.WITHDRAWN), TERMS, True),
    ],
)  # fmt: skip
def test_what_a_check_over_the_area_would_name_is_told(
    value: Any, terms: Agreement, expected: bool
) -> None:
    assert bool(told(seen(value, terms), wish())) is expected


def test_heights_and_times_count_and_agreed_heights_are_kept() -> None:
    def at(**band: Any) -> tuple[Volume, ...]:
        [volume] = HERE
        return (msgspec.structs.replace(volume, **band),)

    low = at(lower_mm=0, upper_mm=100_000)
    high = hospital("a", 1.0, 1.0, volumes=at(lower_mm=200_000, upper_mm=300_000))
    assert not told(seen(high), wish(low))
    tall = Agreement(name="t", separations={"*": Separation(horizontal_mm=0, vertical_mm=100_000)})
    assert told(seen(high, tall), wish(low))
    morning = at(start=NOW, end=NOW + timedelta(hours=1))
    evening = hospital(
        "a", 1.0, 1.0, volumes=at(start=NOW + timedelta(hours=2), end=NOW + timedelta(hours=3))
    )
    assert not told(seen(evening), wish(morning))
    touching = hospital(
        "a", 1.0, 1.0, volumes=at(start=NOW + timedelta(hours=1), end=NOW + timedelta(hours=3))
    )
    assert told(seen(touching), wish(morning))


def test_a_track_is_told_of_where_it_may_be_within_ten_minutes() -> None:
    def track(speed_m_s: int, seconds: int = 0) -> Presence:
        fix = Track(
            position=(10_900_000, 10_000_000), time=NOW + timedelta(seconds=seconds),
            speed_max_mm_s=speed_m_s * 1_000,
        )  # fmt: skip
        return Presence(source_id="t", name="t", party="one", track=fix)

    assert not told(seen(track(10)), wish())
    assert told(seen(track(20)), wish())
    over = around(1.0, 1.0, 500.0, start=NOW, end=NOW + timedelta(hours=1))
    assert not told(seen(track(20, seconds=3_601)), wish(over))


def test_an_area_is_matched_as_that_area_and_asks_for_nothing_around_it() -> None:
    wide = Agreement(name="t", separations={"*": Separation(horizontal_mm=100_000_000)})
    assert not told(seen(NEAR, wide), wish())
    assert told(seen(HERE, wide), wish())


def test_what_leaves_is_told_as_left_and_what_is_gone_where_it_was() -> None:
    was = Place(of=hospital("a", 1.0, 1.0), agreement=TERMS)
    away = Place(of=hospital("a", 9.0, 1.0), agreement=TERMS)
    moved = Seen(event=event(change=Change.CHANGED), now=away, before=was)
    [found] = told(moved, wish())
    assert found.change is Change.LEFT
    back = Seen(event=event(change=Change.CHANGED), now=was, before=away)
    [found] = told(back, wish())
    assert found.change is Change.CHANGED
    gone = Seen(event=event(change=Change.GONE), before=was)
    [found] = told(gone, wish())
    assert found.change is Change.GONE
    assert not told(gone, wish(around(9.0, 1.0)))
    ended = Seen(event=event(change=Change.ENDED), now=away, before=was)
    [found] = told(ended, wish())
    assert found.change is Change.ENDED


def test_kinds_and_the_subscriptions_beginning_and_end_count() -> None:
    here = hospital("a", 1.0, 1.0)
    assert told(seen(here), wish(kinds=("plan", "notice")))
    assert not told(seen(here), wish(kinds=("plan",)))
    assert not told(seen(here, sequence=5), wish())
    assert told(seen(here, sequence=6), wish())
    past = around(1.0, 1.0, 500.0, end=NOW - timedelta(seconds=1))
    assert not told(seen(here), wish(past))
    assert told(seen(here), wish(past + HERE))
    shown = View(
        object="1" * 32, kind=EntryKind.NOTICE, version=1, sequence=3, token="",
        grade=Grade.FULL, party="one",
    )  # fmt: skip
    decision = seen(here, kind=EntryKind.RELEASE_DECISION, shows=shown)
    assert told(decision, wish(kinds=("notice",)))


def test_what_has_no_place_and_what_cannot_be_measured_is_told_everywhere() -> None:
    assert told(Seen(event=event(kind=EntryKind.AGREEMENT), everywhere=True), wish())
    wide = Report(source_id="r", party="one", title="r", text="", volumes=TOO_WIDE)
    many = [seen(wide), seen(hospital("b", 9.0, 1.0), sequence=11)]
    assert [one.sequence for one in match(many, [wish()])["s"]] == [10]
    unmeasurable = wish(TOO_WIDE)
    assert unmeasurable.area is None
    assert len(match(many, [unmeasurable])["s"]) == 2


def test_several_subscriptions_are_matched_together() -> None:
    wishes = [
        Wanted(object_id=name, party="two", since=0, value=one.value, area=one.area)
        for name, one in {
            "here": wish(), "away": wish(around(9.0, 1.0)), "all": wish(()),
            "none": wish(around(50.0, 1.0)),
        }.items()
    ]  # fmt: skip
    many = [
        seen(hospital("a", 1.0, 1.0), sequence=10),
        seen(hospital("b", 9.0, 1.0), sequence=11),
        seen(hospital("c", 1.0, 1.0), sequence=12),
    ]
    found = {name: [one.sequence for one in events] for name, events in match(many, wishes).items()}
    assert found == {"here": [10, 12], "away": [11], "all": [10, 11, 12]}


def test_wishes_that_nothing_could_match_are_refused() -> None:
    check_wish(Subscription(source_id="s", party="two", volumes=HERE, kinds=("notice",)))
    with pytest.raises(MalformedInput, match="kinds"):
        check_wish(Subscription(source_id="s", party="two", kinds=("delivery",)))
    with pytest.raises(MalformedInput, match="kinds"):
        check_wish(Subscription(source_id="s", party="two", kinds=("notices",)))
    with pytest.raises(MalformedInput):
        check_wish(Subscription(source_id="s", party="two", volumes=TOO_WIDE))


def test_only_what_is_in_force_is_wanted_and_f3548s_peers_are_told_elsewhere() -> None:
    plain = Subscription(source_id="s", party="two", url="https://example.org/")
    found = wanted("s", "two", 0, plain)
    assert found is not None
    assert found.is_webhook
    assert not wish().is_webhook
    ended = msgspec.structs.replace(plain, standing=Standing.WITHDRAWN)
    assert wanted("s", "two", 0, ended) is None
    assert (
        wanted("s", "two", 0, Notice(source_id="n", name="n", category="c", volumes=HERE)) is None
    )
    implicit = wanted("s", "two", 0, msgspec.structs.replace(plain, implicit=True))
    assert implicit is not None
    assert not implicit.is_webhook

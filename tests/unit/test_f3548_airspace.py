"""F3548's airspace: what stands in it, under which name, and what a start counts anew."""

from datetime import timedelta

import pytest

from detente.core.agreement import Agreement, Separation
from detente.core.availability import Availability, AvailabilityState
from detente.core.lifecycle import Standing
from detente.core.party import Party
from detente.core.plan import Plan, PlanState
from detente.core.subscription import Subscription
from detente.core.uss import Uss
from detente.core.volume import Circle, Corridor, Polygon, Shape, Volume
from detente.core.zone import Zone, ZoneRule
from detente.errors import MalformedInput
from detente.node.f3548 import recount
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.cells import LEVEL, covering, level_of, required
from detente.node.f3548.entities import id_of_object
from detente.node.f3548.extent import extent_of
from detente.node.keyring import Keyring
from detente.store import Place, Store
from dss import (
    INTENTS,
    SUBSCRIPTIONS,
    constraint_body,
    implicit,
    intent_body,
    new_id,
    running,
    subscription_body,
    volume,
)
from world import NOW, object_id

HERE = Volume(footprint=(Circle(centre=(80_000_000, 470_000_000), radius_mm=100_000),))
NAME = "0ce4a2d1-83b4-4e64-a1a6-3b7b2b5ae1a5"
USS = Uss(base_url="https://uss.example")


def plan(**parts: object) -> Plan:
    defaults: dict[str, object] = {
        "source_id": NAME,
        "party": "one",
        "volumes": (HERE,),
        "state": PlanState.ACCEPTED,
        "uss": USS,
    }
    return Plan(**{**defaults, **parts})  # type: ignore[arg-type] # each test names its own


def test_what_was_not_filed_here_bears_its_objects_id() -> None:
    airspace = Airspace()
    airspace.fold(object_id(1), 1, plan(uss=None), "t1")
    native = airspace.native(id_of_object(object_id(1)))
    assert native is not None
    assert native.native
    assert native.ovn == "t1"
    airspace.fold(object_id(2), 1, plan(source_id="no UUID"), "t2")
    assert airspace.native(id_of_object(object_id(2))) is not None
    airspace.fold(object_id(1), 2, plan(uss=None, state=PlanState.ENDED), "t3")
    airspace.fold(object_id(2), 2, plan(source_id="no UUID", state=PlanState.ENDED), "t4")
    assert not airspace.intents
    assert airspace.native(id_of_object(object_id(1))) is None
    assert airspace.intents_in(extent_of((HERE,))) == []


def test_two_parties_intents_of_one_id_never_hide_each_other() -> None:
    airspace = Airspace()
    airspace.fold(object_id(1), 1, plan(), "t1")
    airspace.fold(object_id(2), 1, plan(party="two"), "t2")
    assert {one.party for one in airspace.intents_in(extent_of((HERE,)))} == {"one", "two"}
    airspace.fold(object_id(1), 2, plan(state=PlanState.ENDED), "t3")
    airspace.fold(object_id(2), 2, plan(party="two"), "t4")
    [left] = airspace.intents_in(extent_of((HERE,)))
    assert (left.id, left.party, left.ovn) == (NAME, "two", "t4")


def test_no_native_plan_takes_the_place_of_an_intent() -> None:
    """Whoever signs his own entries chooses their objects' ids."""
    airspace = Airspace()
    airspace.fold(object_id(1), 1, plan(), "t1")
    chosen = NAME.replace("-", "")
    airspace.fold(chosen, 1, plan(party="two", uss=None), "t2")
    assert airspace.intents[NAME].party == "one"
    assert {one.ovn for one in airspace.intents_in(extent_of((HERE,)))} == {"t1", "t2"}
    airspace.fold(chosen, 2, plan(party="two", uss=None, state=PlanState.ENDED), "t3")
    assert {one.ovn for one in airspace.intents_in(extent_of((HERE,)))} == {"t1"}


def test_dependents_follow_their_intents() -> None:
    airspace = Airspace()
    served = Uss(base_url=USS.base_url, subscription="s1")
    airspace.fold(object_id(1), 1, plan(uss=served), "t1")
    assert airspace.dependents("s1") == (NAME,)
    airspace.fold(object_id(1), 2, plan(uss=served), "t2")
    assert airspace.dependents("s1") == (NAME,)
    airspace.fold(object_id(1), 3, plan(), "t3")
    assert airspace.dependents("s1") == ()


def test_an_agreement_widens_native_plans_anew() -> None:
    airspace = Airspace(Agreement(name="test"))
    airspace.fold(object_id(1), 1, plan(uss=None, volumes=(_high(HERE),)), "t1")
    near = extent_of((_high(_at(47.1)),))
    assert airspace.intents_in(near) == []
    terms = {"*": Separation(horizontal_mm=15_000_000, vertical_mm=1_000_000)}
    airspace.fold(object_id(9), 2, Agreement(name="test", separations=terms), "t2")
    assert len(airspace.intents_in(near)) == 1
    assert len(airspace.intents_in(extent_of((_at(47.1),)))) == 1, "higher by what is asked"
    airspace.fold(object_id(9), 3, Agreement(name="other", separations=terms), "t3")
    airspace.fold(object_id(9), 4, Agreement(name="test"), "t4")
    assert airspace.intents_in(near) == []


def _at(lat: float) -> Volume:
    centre = (80_000_000, round(lat * 10_000_000))
    shape = Circle(centre=centre, radius_mm=100_000)
    return Volume(footprint=(shape,), lower_mm=0, upper_mm=100_000)


def _high(low: Volume) -> Volume:
    return Volume(footprint=low.footprint, lower_mm=900_000, upper_mm=1_000_000)


def test_zones_and_subscriptions_of_other_doors_are_none_of_f3548s() -> None:
    airspace = Airspace()
    zone = Zone(source_id=NAME, name="z", party="one", rule=ZoneRule.NO_ACTIVITY, volumes=(HERE,))
    airspace.fold(object_id(1), 1, zone, "t1")
    wish = Subscription(source_id=NAME, party="one", volumes=(HERE,), url="https://one.example")
    airspace.fold(object_id(2), 1, wish, "t2")
    for name, uss in (("no UUID", USS), (NAME, None)):
        filed = Subscription(source_id=name, party="one", volumes=(HERE,), uss=uss)
        airspace.fold(object_id(3), 1, filed, "t3")
    everywhere = Subscription(source_id=NAME, party="one", uss=USS)
    airspace.fold(object_id(4), 1, everywhere, "t4")
    assert not airspace.constraints
    assert not airspace.wishes


def test_explicit_subscriptions_are_counted_by_party() -> None:
    airspace = Airspace()
    wish = Subscription(source_id=NAME, party="one", volumes=(HERE,), uss=USS)
    airspace.fold(object_id(1), 1, wish, "t1")
    other = Subscription(source_id=NAME[::-1], party="one", volumes=(HERE,), uss=USS, implicit=True)
    airspace.fold(object_id(2), 1, other, "t2")
    assert airspace.explicit_count("one") == 1
    over = Subscription(
        source_id=NAME, party="one", volumes=(HERE,), uss=USS, standing=Standing.WITHDRAWN
    )
    airspace.fold(object_id(1), 2, over, "t3")
    assert airspace.explicit_count("one") == 0


def test_managers_are_called_as_their_tokens_call_them() -> None:
    airspace = Airspace()
    assert airspace.manager("one") == "one"
    airspace.fold(object_id(1), 1, Party(id="one", name="One", subject="uss_one"), "t1")
    assert airspace.manager("one") == "uss_one"
    airspace.fold(object_id(2), 1, _declared("arbiter"), "t2")
    airspace.fold(object_id(3), 1, _declared("other"), "t3")
    assert airspace.availability("uss_one").token == "t3"  # noqa: S105 - a name
    assert airspace.declaration("arbiter", "uss_one") == (object_id(2), 1)
    assert airspace.declaration("nobody", "uss_one") is None


def _declared(arbiter: str) -> Availability:
    return Availability(source_id="uss_one", party=arbiter, state=AvailabilityState.DOWN)


def test_coverings_have_the_level_that_all_services_share() -> None:
    cells = required(HERE.footprint)
    assert all(level_of(cell) == LEVEL for cell in cells)
    assert 1 <= len(cells) <= 4
    with pytest.raises(MalformedInput, match="area"):
        required((Circle(centre=(0, 0), radius_mm=28_300_000),))
    ring = ((0, 0), (1_000_000, 0), (0, 1_000_000))
    for wrong in (
        Polygon(rings=(ring,), buffer_mm=1),
        Polygon(rings=(ring, ring)),
        Polygon(rings=(((0, 0), (1, 0)),)),
        Polygon(rings=((*ring, ring[0]),)),
        Corridor(line=((0, 0), (1_000_000, 0))),
    ):
        with pytest.raises(MalformedInput):
            required((wrong,))
        assert covering((wrong,))
    # A thread that encloses little may still cross a continent.
    thread = ((0, 0), (900_000_000, 1), (0, 2))
    with pytest.raises(MalformedInput, match="km around"):
        required((Polygon(rings=(thread,)),))


def test_all_shapes_of_a_plan_are_covered_in_bounded_time() -> None:
    shapes: tuple[Shape, ...] = tuple(
        Circle(centre=(n * 1_000, 0), radius_mm=1) for n in range(2_500)
    )
    cells = covering(shapes, 0, 0)
    assert set(required(shapes[:1])) <= set(cells)
    assert set(required(shapes[-1:])) <= set(cells)
    assert extent_of((Volume(footprint=shapes),)).cells == required(shapes)
    mixed = (*shapes, Corridor(line=((0, 0), (0, 500_000_000))))
    assert 0 < len(extent_of((Volume(footprint=mixed),)).cells) < 100


@pytest.mark.parametrize("every", [1, 2, 3, 4, 5, 10_000])
def test_a_start_counts_what_was_counted(
    place: Place, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(recount, "KEEP_EVERY", every)
    wanted, gone = new_id(), new_id()
    with running(place, keyring) as dss:
        one = dss.uss("one")
        manager = one.with_("utm.constraint_management")
        one.put_subscription(wanted, subscription_body(notify_for_constraints=True)).ok()
        version = one.put_subscription(gone, subscription_body()).ok()["subscription"]["version"]
        made = one.intent(new_id(), intent_body(**implicit()))
        made = one.intent(made["id"], intent_body(**implicit()), made["ovn"])
        constraint = manager.put_constraint(new_id(), constraint_body()).ok(201)
        one.ask("DELETE", f"{SUBSCRIPTIONS}/{gone}/{version}").ok()
        one.put_subscription(gone, subscription_body()).ok()
        made = one.intent(made["id"], intent_body(**implicit()), made["ovn"])
        reference = constraint["constraint_reference"]
        path = f"/dss/v1/constraint_references/{reference['id']}/{reference['ovn']}"
        manager.ask("DELETE", path).ok()
        moved = one.intent(made["id"], intent_body(volume(47.5), **implicit()), made["ovn"])
        counted = dict(dss.engine.world.airspace.indices)
        assert (counted[wanted], counted[gone]) == (6, 2)
        kept = dss.engine.world.airspace.counts_kept
        assert (kept > 0) == (every < 10_000)
    with running(place, keyring) as dss:
        assert dss.engine.world.airspace.indices == counted
        assert dss.uss("one").get(INTENTS, moved["id"]).ok()
    store = Store(place)
    with store.appending() as record:
        first, _ = record.notified()
        assert (first > 0) == (every < 10_000)
        record.keep_notified(0, {})
    store.close()
    with running(place, keyring) as dss:
        assert dss.engine.world.airspace.indices == counted, "from the beginning as well"


def test_an_end_of_time_is_no_end() -> None:
    first = Volume(footprint=HERE.footprint, start=NOW, end=NOW)
    later = Volume(footprint=HERE.footprint, start=NOW + timedelta(microseconds=1))
    airspace = Airspace()
    airspace.fold(object_id(1), 1, plan(volumes=(first,)), "t1")
    assert airspace.intents_in(extent_of((first,)))
    assert not airspace.intents_in(extent_of((later,)))
    assert airspace.intents_in(extent_of((HERE,)))

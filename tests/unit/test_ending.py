"""What is over, and what may be erased, by whom, once (docs/rules/R-19.md)."""

from typing import Any

import pytest
from msgspec.structs import replace

from detente.core.agreement import Agreement
from detente.core.ending import ERASABLE, is_over, require_erasable
from detente.core.entry import EntryKind
from detente.core.erasure import Erasure
from detente.core.ledger import NODE, Act, Ledger, erasure_of, is_erased, without_content
from detente.core.lifecycle import Standing
from detente.core.plan import Plan, PlanState
from detente.core.presence import Presence
from detente.core.report import Report, ReportState
from detente.core.subscription import Subscription
from detente.core.telling import Answer, Contested, Objection
from detente.core.wire import Value
from detente.core.zone import Zone, ZoneRule
from detente.errors import Conflict, InForce, MalformedInput, NotPermitted
from world import Writer, admission, ledger_with, object_id, site

PLACE = site().volumes
GONE = Standing.WITHDRAWN
OVER: list[tuple[Value, Value]] = [
    (site(), site(standing=GONE)),
    *(
        (one, replace(one, standing=GONE))
        for one in (
            Zone(source_id="z", party="one", name="z", rule=ZoneRule.BOUNDARY, volumes=PLACE),
            Presence(source_id="p", party="one", name="p", volumes=PLACE),
            Subscription(source_id="s", party="one"),
        )
    ),
    *(
        (
            Plan(source_id="f", party="one", volumes=PLACE, state=before),
            Plan(source_id="f", party="one", volumes=PLACE, state=after),
        )
        for before, after in (
            (PlanState.DRAFT, PlanState.WITHDRAWN),
            (PlanState.ACCEPTED, PlanState.ENDED),
            (PlanState.CONTINGENT, PlanState.ENDED),
        )
    ),
    (
        Report(source_id="r", party="one", title="r", text="x"),
        Report(source_id="r", party="one", title="r", text="x", state=ReportState.RETRACTED),
    ),
    (
        Objection(source_id="o", party="one", object=object_id(9), text="x"),
        Objection(
            source_id="o", party="one", object=object_id(9), text="x", state=Contested.TAKEN_BACK
        ),
    ),
]


def erasure(kind: str = "notice", **parts: object) -> Erasure:
    defaults: dict[str, object] = {
        "party": "one", "object": object_id(3), "kind": kind, "version": 1, "order": "a court",
    }  # fmt: skip
    return Erasure(**{**defaults, **parts})  # type: ignore[arg-type] # each test names its own


@pytest.mark.parametrize(("counts", "ended"), OVER)
def test_only_what_its_author_has_ended_is_erased(counts: Value, ended: Value) -> None:
    kind = type(counts).__name__.lower()
    assert (is_over(counts), is_over(ended)) == (False, True)
    with pytest.raises(InForce, match="withdraw it first"):
        require_erasable(erasure(kind), counts)
    require_erasable(erasure(kind), ended)
    require_erasable(erasure(kind), None)


@pytest.mark.parametrize("kind", sorted(set(EntryKind) - set(ERASABLE)))
def test_what_bears_witness_is_never_erased(kind: str) -> None:
    with pytest.raises(NotPermitted, match="one of notice"):
        require_erasable(erasure(kind), None)
    assert not is_over(Answer(source_id="a", party="one", objection=object_id(1), text="x"))


def test_an_order_does_not_repeat_a_name() -> None:
    gone = site("Saint Ambrose", standing=GONE)
    with pytest.raises(MalformedInput, match="its name included"):
        require_erasable(erasure(order="as to SAINT AMBROSE"), gone)
    require_erasable(erasure(order="H"), site("H", standing=GONE))


def story(*values: Value) -> tuple[Ledger, Writer]:
    """A ledger in which one has said values of one object, 3, in order."""
    ledger, writer = ledger_with("one")
    for version, value in enumerate(values, start=1):
        ledger.accept(
            writer.said(writer.write(value, party="one", object=object_id(3), version=version))
        )
    return ledger, writer


def erased(writer: Writer, *, party: str = "one", number: int = 90, **parts: object) -> Act:
    value = erasure(**{"party": party, "version": 2, **parts})  # type: ignore[arg-type] # as there
    return writer.write(value, party=party, object=object_id(number))


@pytest.mark.parametrize("party", ["one", NODE])
def test_an_erased_object_has_no_later_version_and_its_name_is_free(party: str) -> None:
    ledger, writer = story(site(), site(standing=GONE))
    held = ledger.accept(writer.said(erased(writer, party=party)))
    assert held.source_id == erasure_of(object_id(3))
    with pytest.raises(Conflict, match="a version of one that has ended"):
        ledger.accept(writer.write(site(), party="one", object=object_id(3), version=3))
    for again in (party, NODE):
        with pytest.raises(Conflict):
            ledger.accept(erased(writer, party=again, number=91))
    assert ledger.accept(writer.said(writer.write(site(), party="one"))).version == 1


def test_what_has_ended_leaves_its_name_to_who_bears_it() -> None:
    plan = Plan(source_id="f", party="one", volumes=PLACE)
    ledger, writer = story(plan, replace(plan, state=PlanState.WITHDRAWN))
    ledger.accept(writer.said(writer.write(plan, party="one")))
    ledger.accept(writer.said(erased(writer, kind="plan")))
    with pytest.raises(Conflict, match="a new version of the object that bears this name"):
        ledger.accept(writer.write(plan, party="one"))


@pytest.mark.parametrize(
    "parts", [{"kind": "zone"}, {"version": 1}, {"version": 3}, {"object": object_id(77)}]
)
def test_an_erasure_names_what_there_is(parts: dict[str, Any]) -> None:
    ledger, writer = story(site(), site(standing=GONE))
    with pytest.raises(Conflict):
        ledger.accept(erased(writer, **parts))


def test_nobody_erases_what_is_anothers_and_cannot_tell_it_from_nothing() -> None:
    ledger, writer = story(site(), site(standing=GONE))
    ledger.accept(writer.said(admission(writer, "two")))
    told = set()
    for what in (object_id(3), object_id(77)):
        with pytest.raises(Conflict) as refusal:
            ledger.accept(erased(writer, party="two", object=what))
        told.add(str(refusal.value).replace(what, ""))
    assert len(told) == 1


def test_an_erasure_is_never_changed() -> None:
    ledger, writer = story(site(), site(standing=GONE))
    ledger.accept(writer.said(erased(writer)))
    with pytest.raises(Conflict, match="it is never changed"):
        ledger.accept(
            writer.write(erasure(version=2), party="one", object=object_id(90), version=2)
        )


def test_whoever_verifies_later_has_no_content_to_ask() -> None:
    ledger, writer = story()
    for version, value in enumerate((site(), site(standing=GONE)), start=1):
        act = writer.said(writer.write(value, party="one", object=object_id(3), version=version))
        held = ledger.accept(Act(signed=act.signed, value=None))
    assert not is_erased(held)
    assert is_erased(without_content(held))
    ledger.accept(writer.said(erased(writer)))
    with pytest.raises(Conflict, match="not erased yet"):
        ledger.accept(erased(writer, party=NODE, number=91))


def test_an_agreement_is_none_of_it() -> None:
    assert not is_over(Agreement(name="x"))

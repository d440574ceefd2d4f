"""What may follow what: each rule broken once, and refused by its own name."""

from collections.abc import Callable

import msgspec
import pytest
from nacl.signing import SigningKey

from detente.core.agreement import Agreement
from detente.core.entry import Authorship, EntryKind
from detente.core.ledger import NODE, Act, Ledger, Nothing, opened, source_id
from detente.core.lifecycle import Standing
from detente.core.party import Party
from detente.core.plan import Plan, PlanState
from detente.core.report import Report, ReportState
from detente.core.volume import Circle, Volume
from detente.core.wire import encode
from detente.errors import Conflict, DetenteError, MalformedInput, NotAuthentic, NotPermitted
from world import (
    NOW,
    SALT,
    THEATRE,
    Writer,
    admission,
    founding,
    key_of,
    ledger_with,
    object_id,
    public,
    site,
)

HERE = (Volume(footprint=(Circle(centre=(0, 0)),)),)


def test_a_party_speaks_after_it_was_admitted() -> None:
    ledger, writer = ledger_with("one")
    held = ledger.accept(writer.said(writer.write(site(), party="one")))
    assert (held.version, held.party, held.source_id) == (1, "one", "Hospital")


REFUSED: list[tuple[str, Callable[[Writer], Act], type[DetenteError], str]] = [
    (
        "another theatre's entry",
        lambda w: w.write(site(), party="one", theatre="elsewhere"),
        NotPermitted,
        "theatre test, got elsewhere",
    ),
    (
        "an attested entry",
        lambda w: w.write(site(), party="one", authorship=Authorship.ATTESTED),
        NotPermitted,
        "one that the party signed itself",
    ),
    (
        "a party that was never admitted",
        lambda w: w.write(site(party="two"), party="two"),
        NotAuthentic,
        "a key that the record gives",
    ),
    (
        "another party's key",
        lambda w: w.write(site(), party="one", key=key_of("two")),
        NotAuthentic,
        "a key that the record gives",
    ),
    (
        "a party that admits a party",
        lambda w: w.write(Party(id="two", name="Two"), party="one"),
        NotPermitted,
        "agreement and parties from the node",
    ),
    (
        "a notice by the node",
        lambda w: w.write(site(party=NODE), party=NODE),
        NotPermitted,
        "agreement and parties from the node",
    ),
    (
        "a plan that is accepted without tokens",
        lambda w: w.write(
            Plan(source_id="p", party="one", volumes=HERE, state=PlanState.ACCEPTED), party="one"
        ),
        NotPermitted,
        "a draft",
    ),
    (
        "a gap in the chain",
        lambda w: w.write(site(), party="one", party_sequence=1, previous="0" * 64),
        Conflict,
        "party sequence 0, got 1",
    ),
    (
        "a first version that is the second",
        lambda w: w.write(site(), party="one", version=2),
        Conflict,
        "version 1, got 2",
    ),
    (
        "an introduced key that did not sign",
        lambda w: w.write(Party(id="two", name="Two", keys=(public(key_of("two")),)), party=NODE),
        NotAuthentic,
        "signatures by",
    ),
    (
        "a key that introduces itself and signs as the node",
        lambda w: w.write(
            Party(id="two", name="Two", keys=(public(key_of("two")),)),
            party=NODE,
            key=key_of("two"),
        ),
        NotAuthentic,
        "a key that the record gives",
    ),
]


@pytest.mark.parametrize(("why", "write", "error", "match"), REFUSED, ids=[r[0] for r in REFUSED])
def test_refused(
    why: str, write: Callable[[Writer], Act], error: type[DetenteError], match: str
) -> None:
    ledger, writer = ledger_with("one")
    with pytest.raises(error, match=match):
        ledger.accept(write(writer))
    # Nothing of it was remembered: the party's next entry is still its first.
    assert ledger.accept(writer.write(site(), party="one")).version == 1, why


def test_leaf_0_is_an_agreement_and_brings_the_key_that_signs_it() -> None:
    writer = Writer()
    with pytest.raises(NotAuthentic):
        Ledger(THEATRE, Nothing()).accept(admission(writer, "one"))
    with pytest.raises(NotAuthentic):
        Ledger(THEATRE, Nothing()).accept(
            writer.write(Agreement(name="x", node_keys=(public(key_of("two")),)), party=NODE)
        )
    ledger = Ledger(THEATRE, Nothing())
    ledger.accept(writer.said(founding(writer)))
    # A later agreement is signed by the key that the record has, not by one it brings.
    other = SigningKey(b"o" * 32)
    with pytest.raises(NotAuthentic):
        ledger.accept(
            writer.write(Agreement(name="x", node_keys=(public(other),)), party=NODE, key=other)
        )


def next_version(writer: Writer, before: Act, value: object, **changes: object) -> Act:
    said = before.signed.statement
    changes = {"object": said.object, "version": said.version + 1, **changes}
    return writer.write(value, party=said.party, **changes)  # type: ignore[arg-type] # a Value


def test_versions_follow_each_other() -> None:
    ledger, writer = ledger_with("one", "two")
    first = writer.said(writer.write(site(), party="one"))
    ledger.accept(first)
    moved = site(standoff_mm=500)
    with pytest.raises(Conflict, match="version 2, got 3"):
        ledger.accept(next_version(writer, first, moved, version=3))
    with pytest.raises(Conflict, match="the name of its earlier versions"):
        ledger.accept(next_version(writer, first, site("Other")))
    with pytest.raises(Conflict, match="a new version of the object that bears this name"):
        ledger.accept(writer.write(moved, party="one"))
    taken_over = writer.write(
        site(party="two"), party="two", object=first.signed.statement.object, version=2
    )
    with pytest.raises(Conflict, match="the kind and party of its earlier versions"):
        ledger.accept(taken_over)
    second = writer.said(next_version(writer, first, moved))
    assert ledger.accept(second).version == 2


def test_what_is_withdrawn_can_return_and_a_retracted_report_cannot() -> None:
    ledger, writer = ledger_with("one")
    first = writer.said(writer.write(site(), party="one"))
    ledger.accept(first)
    gone = writer.said(next_version(writer, first, site(standing=Standing.WITHDRAWN)))
    ledger.accept(gone)
    back = writer.said(next_version(writer, gone, site()))
    assert ledger.accept(back).version == 3
    told = Report(source_id="r", party="one", title="T", text="x")
    report = writer.said(writer.write(told, party="one"))
    ledger.accept(report)
    with pytest.raises(Conflict, match="transition from issued"):
        ledger.accept(next_version(writer, report, told))
    retracted = msgspec.structs.replace(told, state=ReportState.RETRACTED)
    over = writer.said(next_version(writer, report, retracted))
    ledger.accept(over)
    with pytest.raises(Conflict, match="this state is final"):
        ledger.accept(next_version(writer, over, retracted))


def test_a_draft_may_be_drafted_again_and_not_accepted_here() -> None:
    ledger, writer = ledger_with("one")
    plan = Plan(source_id="p", party="one", volumes=HERE)
    first = writer.said(writer.write(plan, party="one"))
    ledger.accept(first)
    again = msgspec.structs.replace(plan, hazard_mm=5)
    second = writer.said(next_version(writer, first, again))
    assert ledger.accept(second).version == 2
    active = msgspec.structs.replace(plan, state=PlanState.ACTIVATED)
    with pytest.raises(NotPermitted, match="a draft"):
        ledger.accept(next_version(writer, second, active))
    withdrawn = msgspec.structs.replace(plan, state=PlanState.WITHDRAWN)
    third = writer.said(next_version(writer, second, withdrawn))
    assert ledger.accept(third).version == 3
    with pytest.raises(Conflict, match="this state is final"):
        ledger.accept(next_version(writer, third, plan))


def test_erased_content_is_taken_on_trust_of_its_signature() -> None:
    ledger, writer = ledger_with("one")
    first = writer.said(writer.write(site(), party="one"))
    assert ledger.accept(Act(signed=first.signed, value=None)).source_id is None
    second = writer.said(next_version(writer, first, site()))
    assert ledger.accept(second).version == 2


def test_an_agreement_has_versions() -> None:
    ledger, writer = ledger_with()
    terms = Agreement(name="new", node_keys=(public(key_of(NODE)),))
    later = writer.write(terms, party=NODE, object=object_id(1), version=2)
    assert ledger.accept(later).kind is EntryKind.AGREEMENT


def test_what_stands_beside_an_entry_is_what_it_commits_to() -> None:
    writer = Writer()
    value = site()
    signed = writer.write(value, party="one").signed
    assert opened(signed, SALT, encode(value)) == value
    with pytest.raises(NotAuthentic, match="the object committed to"):
        opened(signed, SALT, encode(site("Other")))
    with pytest.raises(NotAuthentic):
        opened(signed, b"t" * 32, encode(value))
    other_kind = writer.write(value, party="one", kind=EntryKind.ZONE).signed
    with pytest.raises(NotPermitted, match="expected zone, got notice"):
        opened(other_kind, SALT, encode(value))
    other_name = writer.write(site(party="two"), party="one").signed
    with pytest.raises(NotPermitted, match="its own name, got two"):
        opened(other_name, SALT, encode(site(party="two")))
    nameless = msgspec.structs.replace(value, party=None)
    with pytest.raises(NotPermitted, match="its own name, got none"):
        opened(writer.write(nameless, party="one").signed, SALT, encode(nameless))


def test_what_a_party_calls_its_objects() -> None:
    assert source_id(Agreement(name="x")) == "agreement"
    assert source_id(Party(id="one", name="One")) == "one"
    assert source_id(site("A")) == "A"
    assert NOW.tzinfo is not None


def test_a_value_that_is_garbage_is_refused_even_if_committed_to() -> None:
    with pytest.raises(MalformedInput):
        opened(Writer().write(site(), party="one").signed, b"short", b"")

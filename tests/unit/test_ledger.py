"""What may follow what: each rule broken once, and refused by its own name."""

import base64
from collections.abc import Callable

import msgspec
import pytest
from nacl.signing import SigningKey

from detente.core.agreement import Agreement
from detente.core.entry import Authorship, EntryKind, Signature
from detente.core.ledger import NODE, Act, Ledger, Nothing, opened, source_id
from detente.core.lifecycle import Standing
from detente.core.party import Party
from detente.core.plan import Plan, PlanState
from detente.core.release import Grade
from detente.core.report import Report, ReportState
from detente.core.subscription import Subscription
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Contested,
    Delivery,
    Level,
    Objection,
    Outcome,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.uss import Uss
from detente.core.volume import Circle, Volume
from detente.core.wire import Value, encode
from detente.core.zone import Zone, ZoneRule
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
SERVER = Uss(base_url="https://uss.example")


def test_a_party_speaks_after_it_was_admitted() -> None:
    ledger, writer = ledger_with("one")
    held = ledger.accept(writer.said(writer.write(site(), party="one")))
    assert (held.version, held.party, held.source_id) == (1, "one", "Hospital")


def test_what_the_node_attests_is_the_partys_word_in_the_nodes_chain() -> None:
    ledger, writer = ledger_with("one")
    held = ledger.accept(writer.said(writer.attest(site(), party="one")))
    assert (held.party, held.source_id) == ("one", "Hospital")
    # Signed and attested entries of one party go on side by side, on the same objects.
    ledger.accept(writer.said(writer.write(site("Other"), party="one")))
    moved = writer.write(site(standoff_mm=5), party="one", object=held.object_id, version=2)
    assert ledger.accept(writer.said(moved)).version == 2
    ledger.accept(writer.said(writer.attest(site("Third"), party="one")))


REFUSED: list[tuple[str, Callable[[Writer], Act], type[DetenteError], str]] = [
    (
        "another theatre's entry",
        lambda w: w.write(site(), party="one", theatre="elsewhere"),
        NotPermitted,
        "theatre test, got elsewhere",
    ),
    (
        "what the node attests, signed by the party",
        lambda w: w.attest(site(), party="one", by="one"),
        NotAuthentic,
        "a key that the record gives",
    ),
    (
        "what the node attests of a party that was never admitted",
        lambda w: w.attest(site(party="two"), party="two"),
        NotPermitted,
        "an admitted party",
    ),
    (
        "what the node attests, in the party's chain",
        lambda w: w.write(
            site(), party="one", key=key_of(NODE), authorship=Authorship.ATTESTED, method="token"
        ),
        Conflict,
        "party sequence 2, got 0",
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
        "itself with other keys",
    ),
    (
        "a delivery by a party",
        lambda w: w.write(
            Delivery(
                source_id="d", to="two", how="poll", entries=("0" * 64,), outcome=Outcome.DELIVERED
            ),
            party="one",
        ),
        NotPermitted,
        "deliveries, checks, calls and alerts from the node",
    ),
    (
        "a notice by the node",
        lambda w: w.write(site(party=NODE), party=NODE),
        NotPermitted,
        "deliveries, checks, calls and alerts from the node",
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
    with pytest.raises(Conflict, match="an object of the party's own") as refused:
        ledger.accept(taken_over)
    # Whoever guesses an id is not told what bears it, nor whose it is.
    assert "notice" not in str(refused.value)
    assert "one" not in str(refused.value)
    other_kind = Report(source_id="Hospital", party="one", title="T", text="x")
    with pytest.raises(Conflict, match="the kind of its earlier versions, got report"):
        ledger.accept(next_version(writer, first, other_kind))
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


def test_a_name_is_free_again_once_what_bore_it_has_ended() -> None:
    ledger, writer = ledger_with("one")
    plan = Plan(source_id="p", party="one", volumes=HERE)
    first = writer.said(writer.write(plan, party="one"))
    ledger.accept(first)
    with pytest.raises(Conflict, match="bears this name"):
        ledger.accept(writer.write(plan, party="one"))
    over = msgspec.structs.replace(plan, state=PlanState.WITHDRAWN)
    ended = writer.said(next_version(writer, first, over))
    assert ledger.accept(ended).ended
    again = writer.said(writer.write(plan, party="one"))
    ledger.accept(again)
    # Else the one that has ended would free the name of the one that has not.
    with pytest.raises(Conflict, match="a version of one that has ended"):
        ledger.accept(next_version(writer, ended, over))
    with pytest.raises(Conflict, match="bears this name"):
        ledger.accept(writer.write(plan, party="one"))


URL_ID = "url--11111111-1111-4111-8111-111111111111"
URL = f'{{"type":"url","id":"{URL_ID}","value":"u"}}'

OVER: list[tuple[Value, Value]] = [
    (
        Subscription(source_id="s", party="one"),
        Subscription(source_id="s", party="one", standing=Standing.WITHDRAWN),
    ),
    (
        Zone(
            source_id="z", name="Z", party="one", rule=ZoneRule.BOUNDARY, volumes=HERE, uss=SERVER
        ),
        Zone(
            source_id="z",
            name="Z",
            party="one",
            rule=ZoneRule.BOUNDARY,
            volumes=HERE,
            uss=SERVER,
            standing=Standing.WITHDRAWN,
        ),
    ),
    (
        Objection(source_id="o", party="one", object=object_id(7), text="t"),
        Objection(
            source_id="o", party="one", object=object_id(7), text="t", state=Contested.TAKEN_BACK
        ),
    ),
    (
        Report(source_id=URL_ID, party="one", title="url", text="", stix=URL),
        Report(
            source_id=URL_ID,
            party="one",
            title="url",
            text="",
            stix=URL,
            state=ReportState.RETRACTED,
        ),
    ),
]


@pytest.mark.parametrize(("value", "over"), OVER, ids=[type(v).__name__ for v, _ in OVER])
def test_what_has_ended_stays_so(value: Value, over: Value) -> None:
    ledger, writer = ledger_with("one")
    first = writer.said(writer.write(value, party="one"))
    assert not ledger.accept(first).ended
    last = writer.said(next_version(writer, first, over))
    assert ledger.accept(last).ended
    with pytest.raises(Conflict, match=r"a version of one that has ended|this state is final"):
        ledger.accept(next_version(writer, last, value))
    assert ledger.accept(writer.said(writer.write(value, party="one"))).version == 1


BOUND: list[tuple[Value, dict[str, object]]] = [
    (
        Acknowledgement(source_id="a", party="one", entry="0" * 64, level=Level.RECEIVED),
        {"entry": "1" * 64},
    ),
    (
        Objection(source_id="o", party="one", object=object_id(7), text="t"),
        {"object": object_id(8)},
    ),
    (
        Answer(source_id="w", party="one", objection=object_id(7), text="t"),
        {"objection": object_id(8)},
    ),
    (ReleaseRequest(source_id="r", party="one", object=object_id(7), to="two"), {"to": "three"}),
    (
        ReleaseRequest(source_id="r", party="one", object=object_id(7), to="two"),
        {"object": object_id(8)},
    ),
    (
        ReleaseRequest(
            source_id="r", party="one", object=object_id(7), to="two", grade=Grade.CONTACT
        ),
        {"grade": Grade.FULL},
    ),
    (
        ReleaseDecision(source_id="d", party="one", request=object_id(7), granted=True),
        {"request": object_id(8)},
    ),
]


@pytest.mark.parametrize(
    ("value", "change"), BOUND, ids=[f"{type(v).__name__} {next(iter(c))}" for v, c in BOUND]
)
def test_a_later_version_is_about_the_same(value: Value, change: dict[str, object]) -> None:
    ledger, writer = ledger_with("one")
    first = writer.said(writer.write(value, party="one"))
    ledger.accept(first)
    other = msgspec.structs.replace(value, **change)
    [bound] = change
    with pytest.raises(Conflict, match=f"{bound}: expected that of its earlier versions"):
        ledger.accept(next_version(writer, first, other))
    assert ledger.accept(next_version(writer, first, value)).version == 2


def test_what_this_process_has_just_signed_is_not_verified_again() -> None:
    ledger, writer = ledger_with("one")
    act = writer.write(site(), party="one", key=key_of("two"))
    with pytest.raises(NotAuthentic):
        ledger.accept(act)
    assert ledger.accept(msgspec.structs.replace(act, made_here=True)).version == 1


def test_what_was_verified_before_counts_only_for_the_key_that_speaks() -> None:
    """Whoever has verified an entry names by which key; the record says whose that is."""
    good, other = (bytes(key_of(name).verify_key) for name in ("one", "two"))
    ledger, writer = ledger_with("one")
    act = writer.write(site(), party="one")
    wrong = Signature(keyid=act.signed.statement.key, sig=base64.b64encode(bytes(64)).decode())
    forged = msgspec.structs.replace(act.signed, signatures=(wrong,))
    for verified in (other, None):
        with pytest.raises(NotAuthentic):
            ledger.accept(msgspec.structs.replace(act, signed=forged, verified=verified))
    assert ledger.accept(msgspec.structs.replace(act, signed=forged, verified=good)).version == 1


def test_a_ledger_goes_back_to_its_mark() -> None:
    ledger, writer = ledger_with("one")
    first = writer.write(site(), party="one")
    mark = ledger.mark()
    ledger.accept(writer.said(first))
    ledger.accept(writer.said(admission(writer, "two")))
    ledger.back(mark)
    with pytest.raises(NotAuthentic):
        ledger.accept(writer.write(site(party="two"), party="two"))
    assert ledger.accept(first).version == 1


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

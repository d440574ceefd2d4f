"""What an entry shows, and each rule that can be asked from outside, broken once."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from detente.core.agreement import Agreement
from detente.core.entry import Authorship, EntryKind, Signed, seal, unseal
from detente.core.ledger import NODE, Act
from detente.core.outside import Known, Outside
from detente.core.party import Party
from detente.core.shown import Shown, glance, read_shown, shown
from detente.core.volume import microseconds
from detente.core.wire import encode
from detente.errors import DetenteError, NotAuthentic
from world import (
    NOW,
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

NOW_US = microseconds(NOW)
NEW = SigningKey(b"new key of one".ljust(32, b"."))


def of(act: Act) -> Shown:
    return read_shown(act.signed.data)


class Log:
    """A log that is followed; it begins with the agreement and two parties."""

    def __init__(self) -> None:
        self.writer, self.rules, self.size = Writer(), Outside(THEATRE, Known(), now_us=NOW_US), 0
        self.append(founding(self.writer))
        for party in ("one", "two"):
            self.append(admission(self.writer, party))

    def append(self, act: Act, shown_as: Shown | None = None) -> list[str]:
        """The next entry; the rules that it breaks."""
        breaches = self.rules.follow(self.size, shown_as or of(act))
        self.writer.said(act)
        self.size += 1
        return [one.rule for one in breaches]

    def says(self, party: str = "one", **changes: object) -> list[str]:
        return self.append(self.writer.write(site(party=party), party=party, **changes))  # type: ignore[arg-type] # parts of a statement


def test_a_log_that_holds_breaks_nothing() -> None:
    log = Log()
    assert log.says() == []
    assert log.says(object=object_id(99)) == []
    assert log.says(object=object_id(99), version=2) == []
    assert log.says("two") == []
    assert log.append(log.writer.attest(site(party="two"), party="two")) == []
    known = log.rules.known
    assert {party: one.entries for party, one in known.chains.items()} == {
        NODE: 4, "one": 3, "two": 1,
    }  # fmt: skip
    assert [(one.entry, one.party) for one in known.changes] == [(0, NODE), (3, "one"), (6, "two")]
    assert known.objects[object_id(99)].number == 2


def rotation(log: Log, party: str = "one", key: SigningKey = NEW, **changes: object) -> Act:
    """A party's entry that gives it another key, signed by both."""
    value = Party(id=party, name=party.title(), keys=(public(key),))
    place: dict[str, object] = {"object": object_id(2 if party == "one" else 3), "version": 2}
    return log.writer.write(value, party=party, also=(key,), **{**place, **changes})  # type: ignore[arg-type]


def test_a_key_that_changes_is_told_and_breaks_nothing() -> None:
    log = Log()
    assert log.says() == []
    assert log.append(rotation(log)) == []
    assert log.says(key=NEW) == []
    [*_, last] = log.rules.known.changes
    assert (last.entry, last.party, last.key) == (5, "one", public(NEW).id)
    assert last.before == public(key_of("one")).id


def test_a_party_that_first_speaks_of_its_keys_is_known_by_that() -> None:
    log = Log()
    assert log.append(rotation(log)) == []
    assert log.says(key=NEW) == []


BROKEN: dict[str, tuple[Callable[[Log], list[str]], list[str]]] = {
    "another theatre": (lambda log: log.says(theatre="other"), ["theatre"]),
    "a delivery by a party": (lambda log: log.says(kind=EntryKind.DELIVERY), ["author"]),
    "an agreement by a party": (lambda log: log.says(kind=EntryKind.AGREEMENT), ["author"]),
    "a notice by the node": (
        lambda log: log.append(log.writer.write(site(party=NODE), party=NODE)),
        ["author"],
    ),
    "a party of which the node attests that it spoke of itself": (
        lambda log: log.append(
            log.writer.attest(Party(id="two", name="Two"), party="two"),
        ),
        ["author"],
    ),
    "a key that nobody introduced": (lambda log: log.says(key=key_of("x")), ["key"]),
    "the key of another party": (
        lambda log: [*log.says("two"), *log.says("one", key=key_of("two"))],
        ["key"],
    ),
    "a second key that another's entry introduced": (
        lambda log: [
            *log.says("one"), *log.says("two"), *log.append(rotation(log, "two")),
            *log.says("one", key=NEW),
        ],
        ["key"],
    ),
    "a party that nobody admitted": (lambda log: log.says("three"), ["key"]),
    "a number left out": (
        lambda log: [*log.says(), *log.says(party_sequence=2)],
        ["chain"],
    ),
    "a number that comes again": (
        lambda log: [*log.says(), *log.says(), *log.says(party_sequence=1)],
        ["chain"],
    ),
    "after another entry": (
        lambda log: [*log.says(), *log.says(previous="0" * 64)],
        ["chain"],
    ),
    "a first entry that is not": (
        lambda log: log.says(party_sequence=3, previous="0" * 64),
        ["chain"],
    ),
    "a version left out": (lambda log: log.says(version=2), ["version"]),
    "a version that comes again": (
        lambda log: [*log.says(object=object_id(77)), *log.says(object=object_id(77))],
        ["version"],
    ),
    "another's object": (
        lambda log: [
            *log.says(object=object_id(77)), *log.says("two", object=object_id(77), version=2)
        ],
        ["version"],
    ),
    "an object that becomes another kind": (
        lambda log: [
            *log.says(object=object_id(77)),
            *log.says(object=object_id(77), version=2, kind=EntryKind.ZONE),
        ],
        ["version"],
    ),
    "dated back": (
        lambda log: [*log.says(), *log.says(time=NOW - timedelta(seconds=301))],
        ["time"],
    ),
    "from the future": (lambda log: log.says(time=NOW + timedelta(seconds=301)), ["time"]),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_breaks_a_rule_is_told_once_by_its_name(what: str) -> None:
    log = Log()
    breaks, names = BROKEN[what]
    assert breaks(log) == names
    assert [one for one in log.says("two") if one != "key"] == []


def test_a_clock_may_be_wrong_by_five_minutes() -> None:
    log = Log()
    assert log.says(time=NOW + timedelta(seconds=300)) == []
    assert log.says(time=NOW) == []


def test_the_first_entry_is_the_agreement() -> None:
    writer, outside = Writer(), Outside(THEATRE, Known(), now_us=NOW_US)
    breaches = outside.follow(0, of(admission(writer, "one")))
    assert [one.rule for one in breaches] == ["author"]
    assert "the agreement as the first entry" in breaches[0].what


def test_a_key_of_two_parties_speaks_for_both() -> None:
    log = Log()
    for party in ("three", "four"):
        value = Party(id=party, name=party.title(), keys=(public(NEW),))
        assert log.append(log.writer.write(value, party=NODE, also=(NEW,))) == []
    assert log.says("three", key=NEW) == []
    assert log.says("four", key=NEW) == []
    again = log.writer.write(
        Party(id="three", name="Three", keys=(public(NEW),)), party=NODE, also=(NEW,),
        object=log.rules.known.parties["three"], version=2,
    )  # fmt: skip
    assert log.append(again) == []


# What an entry shows -----------------------------------------------------------------------


def kinds_of_entries() -> list[Signed]:
    ledger, writer = ledger_with("one")
    del ledger
    acts = [
        founding(writer), admission(writer, "two"),
        writer.write(site(), party="one"),
        writer.write(site(), party="one", time=NOW.replace(microsecond=120)),
        writer.attest(site(), party="one"),
    ]  # fmt: skip
    return [act.signed for act in acts]


@pytest.mark.parametrize("signed", kinds_of_entries(), ids=lambda one: one.statement.kind)
def test_a_glance_shows_what_taking_apart_shows(signed: Signed) -> None:
    assert glance(signed.data) == shown(signed)


@given(position=st.integers(0, 10_000), byte=st.integers(0, 255), number=st.integers(0, 4))
@settings(max_examples=500)
def test_a_glance_never_passes_what_taking_apart_refuses(
    position: int, byte: int, number: int
) -> None:
    """An altered envelope, and an altered statement in an envelope that is canonical."""
    signed = ENTRIES[number]
    outer, inner = bytearray(signed.data), bytearray(signed.payload)
    outer[position % len(outer)] = byte
    inner[position % len(inner)] = byte
    envelope = {**msgspec.json.decode(signed.data), "payload": base64.b64encode(inner).decode()}
    for data in (bytes(outer), encode(envelope)):
        seen = glance(data)
        if seen is not None:
            assert seen == shown(unseal(data))


ENTRIES = kinds_of_entries()


def resealed(**changes: object) -> bytes:
    """A statement that may be wrong, in a canonical envelope."""
    said = {**msgspec.json.decode(ENTRIES[2].payload), **changes}
    payload = base64.b64encode(encode(said)).decode()
    return encode({**msgspec.json.decode(ENTRIES[2].data), "payload": payload})


@pytest.mark.parametrize(
    "data",
    [
        resealed(time="2025-02-30T12:00:00Z"),
        resealed(time="1800-01-01T12:00:00Z"),
        resealed(time="2025-01-08T12:00:00.000000Z"),
        resealed(party_sequence=1 << 53, previous="0" * 64),
        resealed(party_sequence=1),
        resealed(version=1 << 53),
        resealed(method="token"),
        resealed(authorship="attested"),
        resealed(party="Ünï"),
        resealed(kind="order"),
        ENTRIES[2].data.replace(b'"payload":"e', b'"payload":"==e'),
        ENTRIES[2].data.replace(b'"payload":"', b'"payload":"A'),
        b"",
    ],
)
def test_what_looks_nearly_right_is_refused(data: bytes) -> None:
    assert glance(data) is None
    with pytest.raises(DetenteError):
        read_shown(data)


def test_what_is_rare_is_taken_apart() -> None:
    """As it may be spelt, and a glance does not pass it."""
    said = msgspec.structs.replace(ENTRIES[2].statement, time=datetime(2100, 1, 1, tzinfo=UTC))
    signed = seal(said, (key_of("one"),))
    assert read_shown(signed.data) == shown(signed)


def test_an_entry_bears_the_signatures_of_its_kind() -> None:
    _, writer = ledger_with("one")
    two = seal(writer.write(site(), party="one").signed.statement, (key_of("one"), NEW))
    other = seal(writer.write(site(), party="one").signed.statement, (NEW,))
    short = base64.b64encode(b"x" * 63).decode()
    envelope = msgspec.json.decode(ENTRIES[2].data)
    envelope["signatures"][0]["sig"] = short
    for data, match in (
        (two.data, "signatures of a notice"),
        (other.data, "by the key"),
        (encode(envelope), "64 bytes"),
    ):
        assert glance(data) is None
        with pytest.raises(NotAuthentic, match=match):
            read_shown(data)


def test_an_agreement_may_bring_a_key() -> None:
    log = Log()
    terms = Agreement(name="test", node_keys=(public(NEW),))
    changed = log.writer.write(terms, party=NODE, also=(NEW,), object=object_id(1), version=2)
    assert log.append(changed) == []
    assert log.append(log.writer.write(Party(id="x", name="X"), party=NODE, key=NEW)) == []
    assert of(changed).introduces == public(NEW).id
    assert ENTRIES[4].statement.authorship is Authorship.ATTESTED
    assert glance(ENTRIES[4].data) is not None

"""A party's keys: replaced by itself, revoked by the node, in effect by place in the record."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from nacl.signing import SigningKey

from detente.core.entry import Authorship
from detente.core.ledger import NODE, Act, opened
from detente.core.party import Desk, Party
from detente.core.wire import encode
from detente.errors import Conflict, DetenteError, NotAuthentic, NotFound, NotPermitted
from detente.node import party_keys
from detente.node.audit import audit
from detente.node.author import Author
from detente.node.keyring import Keyring, public_key
from detente.node.lookup import public_keys
from detente.node.submit import submit
from detente.store import Store
from world import (
    NOW,
    SALT,
    Writer,
    admission,
    founding,
    key_of,
    ledger_with,
    object_id,
    public,
    site,
)

NEW = SigningKey(b"n" * 32)
NEWER = SigningKey(b"m" * 32)

ONE = Party(id="one", name="One", keys=(public(key_of("one")),))
"""As it was admitted, as the second entry of the record."""


def change(writer: Writer, *keys: SigningKey, by: SigningKey, **changes: object) -> Act:
    """The party's own entry that it has these keys from now on."""
    value = replace(ONE, keys=tuple(public(key) for key in keys))
    given: dict[str, object] = {"object": object_id(2), "version": 2, **changes}
    also = tuple(key for key in keys if key not in {by, key_of("one")} and key is not by)
    return writer.write(value, party="one", key=by, also=also, **given)


def test_the_old_key_hands_over_to_the_new_and_speaks_no_more() -> None:
    ledger, writer = ledger_with("one")
    ledger.accept(writer.said(writer.write(site(), party="one")))
    held = ledger.accept(writer.said(change(writer, NEW, by=key_of("one"))))
    assert (held.party, held.source_id, held.version) == (NODE, "one", 2)
    with pytest.raises(NotAuthentic, match="a key that the record gives"):
        ledger.accept(writer.write(site("B"), party="one"))
    assert ledger.accept(writer.said(writer.write(site("B"), party="one", key=NEW))).version == 1
    again = writer.said(change(writer, NEWER, by=NEW, version=3))
    assert ledger.accept(again).version == 3


def test_two_keys_may_speak_at_once_and_a_party_may_drop_one() -> None:
    ledger, writer = ledger_with("one")
    ledger.accept(writer.said(change(writer, key_of("one"), NEW, by=key_of("one"))))
    ledger.accept(writer.said(writer.write(site("A"), party="one")))
    ledger.accept(writer.said(writer.write(site("B"), party="one", key=NEW)))
    ledger.accept(writer.said(change(writer, NEW, by=NEW, version=3)))
    with pytest.raises(NotAuthentic):
        ledger.accept(writer.write(site("C"), party="one"))


def _by_node(writer: Writer, party: Party, *also: SigningKey, **changes: object) -> Act:
    given: dict[str, object] = {"object": object_id(2), "version": 2, **changes}
    return writer.write(party, party=NODE, also=also, **given)  # type: ignore[arg-type] # parts of a statement


REFUSED: list[tuple[str, Callable[[Writer], Act], type[DetenteError], str]] = [
    (
        "the new key alone",
        lambda w: change(w, NEW, by=NEW),
        NotAuthentic,
        "a key that the record gives",
    ),
    (
        "a new key that did not sign",
        lambda w: w.write(
            replace(ONE, keys=(public(NEW),)), party="one", object=object_id(2), version=2
        ),
        NotAuthentic,
        "signatures by",
    ),
    (
        "another name with the keys",
        lambda w: w.write(
            replace(ONE, name="Other", keys=(public(NEW),)),
            party="one",
            also=(NEW,),
            object=object_id(2),
            version=2,
        ),
        NotPermitted,
        "nothing else changed",
    ),
    (
        "another desk",
        lambda w: w.write(
            replace(ONE, desks=(Desk(id="d", name="D"),)),
            party="one",
            object=object_id(2),
            version=2,
        ),
        NotPermitted,
        "nothing else changed",
    ),
    (
        "no key at all",
        lambda w: w.write(replace(ONE, keys=()), party="one", object=object_id(2), version=2),
        NotPermitted,
        "at least one",
    ),
    (
        "another party",
        lambda w: w.write(
            replace(ONE, id="two", keys=(public(NEW),)),
            party="one",
            also=(NEW,),
            object=object_id(3),
            version=2,
        ),
        NotPermitted,
        "itself",
    ),
    (
        "itself as a new object",
        lambda w: w.write(replace(ONE, keys=(public(NEW),)), party="one", also=(NEW,)),
        NotPermitted,
        "itself",
    ),
    (
        "a version that is not the next",
        lambda w: change(w, NEW, by=key_of("one"), version=3),
        Conflict,
        "version 2",
    ),
    (
        "attested by the node",
        lambda w: change(w, NEW, by=key_of("one"), authorship=Authorship.ATTESTED, method="token"),
        NotPermitted,
        "itself",
    ),
    (
        "what was erased",
        lambda w: Act(signed=change(w, NEW, by=key_of("one")).signed, value=None),
        NotPermitted,
        "itself",
    ),
    (
        "another party's object",
        lambda w: w.write(
            replace(ONE, keys=(public(NEW),)),
            party="one",
            also=(NEW,),
            object=object_id(3),
            version=2,
        ),
        NotPermitted,
        "itself",
    ),
]


@pytest.mark.parametrize(("why", "write", "error", "match"), REFUSED, ids=[r[0] for r in REFUSED])
def test_refused(
    why: str, write: Callable[[Writer], Act], error: type[DetenteError], match: str
) -> None:
    ledger, writer = ledger_with("one", "two")
    with pytest.raises(error, match=match):
        ledger.accept(write(writer))
    assert ledger.accept(writer.write(site(), party="one")).version == 1, why


def test_a_party_of_which_nothing_is_left_but_its_entry_changes_no_keys() -> None:
    writer, (ledger, _) = Writer(), ledger_with()
    writer.said(founding(writer))
    erased = Act(signed=writer.said(admission(writer, "one")).signed, value=None)
    with pytest.raises(NotAuthentic):
        ledger.accept(erased)  # its key was in what was erased


def test_the_node_revokes_and_earlier_entries_stay() -> None:
    ledger, writer = ledger_with("one")
    before = writer.said(writer.write(site(), party="one"))
    assert ledger.accept(before).version == 1
    ledger.accept(writer.said(_by_node(writer, replace(ONE, keys=()))))
    with pytest.raises(NotAuthentic, match="a key that the record gives"):
        ledger.accept(writer.write(site("B"), party="one"))
    with pytest.raises(NotAuthentic):
        ledger.accept(change(writer, NEW, by=key_of("one"), version=3))
    # The node may give it a new one, which proves that the party holds it.
    restored = _by_node(writer, replace(ONE, keys=(public(NEW),)), NEW, version=3)
    ledger.accept(writer.said(restored))
    assert ledger.accept(writer.write(site("B"), party="one", key=NEW)).version == 1


def test_what_stands_beside_such_an_entry_is_the_party_itself() -> None:
    writer = Writer()
    signed = writer.write(ONE, party="one").signed
    assert opened(signed, SALT, encode(ONE)) == ONE
    other = replace(ONE, id="two")
    with pytest.raises(NotPermitted, match="its own name"):
        opened(writer.write(other, party="one").signed, SALT, encode(other))


# On disk, with the keys of the keyring.


def keys_of(store: Store, party: str) -> list[str]:
    with store.reading() as record:
        return [key.id for key in public_keys(record, party)]


def say(store: Store, key: SigningKey, name: str) -> None:
    with store.reading() as record:
        author = Author.following(record, "one", key)
    submit(store, [author.write(site(name), now=NOW)], now=NOW)


def test_rotating_on_disk_and_verifying_it_all_afterwards(register: Path) -> None:
    store, keyring = Store(register), Keyring(register)
    old = keyring.load("one")
    say(store, old, "A")
    party_keys.rotate(store, keyring, "one", now=NOW)
    new = keyring.load("one")
    assert keys_of(store, "one") == [public_key(new).id] != [public_key(old).id]
    assert not keyring.path("one.next").exists()
    with pytest.raises(NotAuthentic):
        say(store, old, "B")
    say(store, new, "B")
    found = audit(store)
    assert found.problems == []
    store.close()


def test_rotating_is_finished_after_it_was_killed(
    register: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, keyring = Store(register), Keyring(register)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def killed_in(step: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(party_keys, step, killed)
            with pytest.raises(KeyboardInterrupt):
                party_keys.rotate(store, keyring, "one", now=NOW)

    # Before the entry was kept: the new key is used by the next try.
    killed_in("submit")
    coming = public_key(keyring.load("one.next"))
    party_keys.rotate(store, keyring, "one", now=NOW)
    assert keys_of(store, "one") == [coming.id]
    # After it was kept, before the key took its place.
    killed_in("_promote")
    assert keys_of(store, "one") == [public_key(keyring.load("one.next")).id]
    party_keys.rotate(store, keyring, "one", now=NOW)
    assert keys_of(store, "one") == [public_key(keyring.load("one")).id]
    say(store, keyring.load("one"), "A")
    assert audit(store).problems == []
    store.close()


def test_revoking_on_disk(register: Path) -> None:
    store, keyring = Store(register), Keyring(register)
    key = keyring.load("one")
    say(store, key, "A")
    with pytest.raises(NotFound, match="key 00"):
        party_keys.revoke(store, keyring, "one", "0" * 16, now=NOW)
    with pytest.raises(NotFound, match="party three"):
        party_keys.revoke(store, keyring, "three", public_key(key).id, now=NOW)
    party_keys.revoke(store, keyring, "one", public_key(key).id, now=NOW)
    assert keys_of(store, "one") == []
    with pytest.raises(NotAuthentic):
        say(store, key, "B")
    with pytest.raises(NotAuthentic):
        party_keys.rotate(store, keyring, "one", now=NOW)
    assert audit(store).problems == []
    store.close()

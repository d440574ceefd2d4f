"""What may follow what in the record: the rules that each new entry must meet.

One set of rules serves twice: detente.node.submit asks them before it appends,
and detente.node.audit asks them again of every entry that stands in the record.
Pure: what the record already says is looked up through ``Before``.

Checks, in the order in which an entry that breaks several is refused:

1. the theatre is this one, and whoever did not sign is a party of it;
2. the object is what the statement commits to, and of the kind that it says;
3. the party may say it: the node speaks of parties, of the agreement, of
   deliveries, of what it answered and of what it warned, parties speak for themselves, and of
   themselves only that they change their keys; an object is erased by its
   author or the node;
4. the signatures are by keys that the record gives to the party (for what the
   node attests, to the node), and by each key that the entry introduces;
5. it is the next entry of its chain: the party's, or the node's for what the
   node attests;
6. it is the next version of its object, and a permitted change of it; what is
   erased is over, and has no later version.

A key speaks from the entry after the one that gives it, to the entry that takes it
away: by place in the record, never by a claimed time.

Source: DESIGN sections 4 and 7; docs/rules/R-09.md; docs/adr/0006, docs/adr/0013.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from msgspec import Struct
from msgspec.structs import replace

from detente.core.agreement import Agreement
from detente.core.committed import Check
from detente.core.ending import has_ended, require_erasable
from detente.core.entry import (
    KEPT_BY_ASKER,
    Authorship,
    ChainHead,
    EntryKind,
    Signed,
    Statement,
    authenticate,
    commitment,
    follow,
)
from detente.core.erasure import Erasure
from detente.core.incident import Call, IncidentStep
from detente.core.kinds import KINDS, OF_NODE
from detente.core.lifecycle import STANDING_TRANSITIONS, advance
from detente.core.notice import Notice
from detente.core.party import Party, PublicKey
from detente.core.plan import PLAN_PROTECTS, PLAN_TRANSITIONS, Plan
from detente.core.presence import Presence
from detente.core.report import REPORT_TRANSITIONS, Report
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Delivery,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.warned import Warned
from detente.core.wire import Value, decode
from detente.core.zone import Zone
from detente.errors import Conflict, NotAuthentic, NotPermitted

NODE = "node"
"""The party id under which the node itself speaks; no party may take it."""

AGREEMENT_SOURCE_ID = "agreement"

Keys = Mapping[str, bytes]


class Act(Struct, frozen=True, kw_only=True, gc=False):
    """An entry with what it commits to; ``value`` is None where that was erased.

    ``made_here`` is for what this very process has just signed with the node's
    key, so that its signature need not be verified again; ``verified`` is the
    public key by which it has found the one signature to be good
    (detente.core.entry.verifies). Whether that key speaks is asked all the same.
    """

    signed: Signed
    value: Value | None
    made_here: bool = False
    verified: bytes | None = None


class Held(Struct, frozen=True, kw_only=True, gc=False):
    """The current version of an object; ``value`` is None where it was erased."""

    object_id: str
    kind: EntryKind
    party: str
    source_id: str | None
    version: int
    value: Value | None
    ended: bool = False


class Before(Protocol):
    """What the record said before the entries in question."""

    def keys(self, party: str) -> Keys:
        """Public keys of a party, by id; none if it is not known."""

    def head(self, chain: str) -> ChainHead | None:
        """The last entry of a chain."""

    def held(self, object_id: str) -> Held | None:
        """The current version of an object."""

    def named(self, kind: EntryKind, party: str, source_id: str) -> str | None:
        """The id of the object to which a party gave this name, and that has not ended."""


class Nothing:
    """Before the first entry."""

    def keys(self, party: str) -> Keys:  # noqa: ARG002
        """No party has keys."""
        return {}

    def head(self, chain: str) -> ChainHead | None:  # noqa: ARG002
        """No party has spoken."""
        return None

    def held(self, object_id: str) -> Held | None:  # noqa: ARG002
        """No object exists."""
        return None

    def named(self, kind: EntryKind, party: str, source_id: str) -> str | None:  # noqa: ARG002
        """No name is taken."""
        return None


class Ledger:
    """The rules, with what the record says so far.

    Args:
        theatre: Whose record it is.
        before: What it said before the first entry that will be given.
    """

    def __init__(self, theatre: str, before: Before) -> None:
        self._theatre = theatre
        self._before = before
        self._keys: dict[str, Keys] = {}
        self._heads: dict[str, ChainHead] = {}
        self._held: dict[str, Held] = {}
        self._names: dict[tuple[EntryKind, str, str], str | None] = {}

    def accept(self, act: Act, *, aware: bool = False) -> Held:
        """Take the next entry, or refuse it and stay as before.

        Args:
            act: The entry.
            aware: Whether its author has shown the version token of everything
                that it meets (docs/rules/R-05.md); else no plan is accepted.

        Raises:
            NotPermitted: Another theatre's entry, not this party's to say, or a
                plan that takes effect without being aware.
            NotAuthentic: By a key that the record does not give to the party.
            Conflict: Not the next of its chain or its object, or a change that
                the object's lifecycle does not have.
        """
        statement = act.signed.statement
        chain = chain_of(statement)
        self._require_ours(statement, chain)
        introduced = self._require_permitted(act, aware=aware)
        before = self._head_of(chain)
        speaking = self._keys_of(chain)
        if before is None and isinstance(act.value, Agreement):
            # Leaf 0 brings the key that signs it: whoever trusts the record pins it.
            speaking, introduced = introduced, {}
        known_good = act.verified is not None and not introduced
        if not act.made_here and not (known_good and speaking.get(statement.key) == act.verified):
            authenticate(act.signed, speaking, introduced)
        head = follow(before, act.signed)
        held = self._next_version(act)
        erased = self._erased(act)
        # Nothing is remembered before all checks have passed.
        self._heads[chain] = head
        self._held[held.object_id] = held
        if held.source_id is not None:
            name = (held.kind, held.party, held.source_id)
            self._names[name] = None if held.ended else held.object_id
        if erased is not None:
            self._held[erased.object_id] = without_content(erased)
            if erased.source_id is not None and not erased.ended:
                self._names[erased.kind, erased.party, erased.source_id] = None
        self._learn_keys(act.value)
        return held

    def mark(self) -> "Mark":
        """What is remembered now, to go ``back`` to."""
        return Mark(self._keys.copy(), self._heads.copy(), self._held.copy(), self._names.copy())

    def back(self, mark: "Mark") -> None:
        """Forget what was accepted since ``mark``; a mark serves once."""
        self._keys, self._heads, self._held, self._names = mark

    def _require_ours(self, statement: Statement, chain: str) -> None:
        if statement.theatre != self._theatre:
            raise NotPermitted(
                f"entry of {statement.party}",
                expected=f"theatre {self._theatre}",
                got=statement.theatre,
            )
        if chain != statement.party and not self._object_named(
            EntryKind.PARTY, NODE, statement.party
        ):
            raise NotPermitted(f"entry of {statement.party}", expected="an admitted party")

    def _require_permitted(self, act: Act, *, aware: bool) -> dict[str, bytes]:
        """Who may say this; gives the keys that the entry introduces."""
        statement, value = act.signed.statement, act.value
        if statement.kind is EntryKind.PARTY and statement.party != NODE:
            self._require_only_keys(act)
        elif (
            (statement.kind in OF_NODE) != (statement.party == NODE)
            # Of an erasure, whose the object is decides (``_erased``).
            and statement.kind is not EntryKind.ERASURE
        ):
            raise NotPermitted(
                f"{statement.kind} by {statement.party}",
                expected="agreement, parties, deliveries, checks, calls and alerts from the node, "
                "all else from a party",
            )
        if isinstance(value, Plan) and value.state in PLAN_PROTECTS and not aware:
            raise NotPermitted(
                f"plan {value.source_id}",
                expected="a draft: acceptance takes the version token of each entry it meets",
                got=value.state,
            )
        if isinstance(value, Agreement):
            return self._introduced(NODE, value.node_keys)
        if isinstance(value, Party):
            return self._introduced(value.id, value.keys)
        return {}

    def _require_only_keys(self, act: Act) -> None:
        """A party may change its own keys: one of the old signs, and each new one."""
        statement, value = act.signed.statement, act.value
        current = self._current(statement.object)
        before = None if current is None else current.value
        permitted = (
            statement.authorship is Authorship.OWN
            and isinstance(value, Party)
            and isinstance(before, Party)
            and value.id == statement.party
            and value.keys
            and replace(value, keys=before.keys) == before
        )
        if not permitted:
            raise NotPermitted(
                f"party by {statement.party}",
                expected="itself with other keys, at least one, and nothing else changed",
            )

    def _current(self, object_id: str) -> Held | None:
        return self._held.get(object_id) or self._before.held(object_id)

    def _introduced(self, party: str, keys: tuple[PublicKey, ...]) -> dict[str, bytes]:
        known = self._keys_of(party)
        return {key.id: bytes.fromhex(key.ed25519) for key in keys if key.id not in known}

    def _next_version(self, act: Act) -> Held:
        statement, value = act.signed.statement, act.value
        current = self._current(statement.object)
        name = None if value is None else source_id(value)
        if statement.kind in KEPT_BY_ASKER:
            name = statement.object  # Which the value bears as its name, wherever it is.
        held = Held(
            object_id=statement.object,
            kind=statement.kind,
            party=owner_of(statement),
            source_id=name,
            version=statement.version,
            value=value,
            ended=value is not None and has_ended(value),
        )
        if current is None:
            self._require_new(held)
        else:
            _require_next(current, held)
        return held

    def _erased(self, act: Act) -> Held | None:
        """What an erasure erases, as it stood before; None where this is no erasure."""
        statement, value = act.signed.statement, act.value
        if statement.kind is EntryKind.ERASURE and statement.version != 1:
            raise Conflict("erasure", expected="one version: it is never changed")
        if not isinstance(value, Erasure):
            return None
        current = self._current(value.object)
        if current is None or statement.party not in {NODE, current.party}:
            raise Conflict(f"object {value.object}", expected="an object of the party's own")
        if is_erased(current):
            raise Conflict(f"erasure of {value.object}", expected="one that is not erased yet")
        if (value.kind, value.version) != (current.kind, current.version):
            raise Conflict(
                f"erasure of {value.object}",
                expected=f"{current.kind}, version {current.version}",
                got=f"{value.kind}, version {value.version}",
            )
        require_erasable(value, current.value)
        return current

    def _require_new(self, held: Held) -> None:
        if held.version != 1:
            raise Conflict(
                f"{held.kind} of {held.party}", expected="version 1", got=f"{held.version}"
            )
        if held.source_id is None:
            return
        if self._object_named(held.kind, held.party, held.source_id):
            raise Conflict(
                f"{held.kind} {held.source_id} of {held.party}",
                expected="a new version of the object that bears this name",
                got="a new object",
            )

    def _object_named(self, kind: EntryKind, party: str, name: str) -> str | None:
        place = (kind, party, name)
        return self._names[place] if place in self._names else self._before.named(*place)

    def _keys_of(self, party: str) -> Keys:
        if party not in self._keys:
            self._keys[party] = self._before.keys(party)
        return self._keys[party]

    def _head_of(self, chain: str) -> ChainHead | None:
        found = self._heads.get(chain)
        return self._before.head(chain) if found is None else found

    def _learn_keys(self, value: Value | None) -> None:
        if isinstance(value, Agreement):
            self._keys[NODE] = _by_id(value.node_keys)
        elif isinstance(value, Party):
            self._keys[value.id] = _by_id(value.keys)


class Mark(NamedTuple):
    """A state of a ledger."""

    keys: dict[str, Keys]
    heads: dict[str, ChainHead]
    held: dict[str, Held]
    names: dict[tuple[EntryKind, str, str], str | None]


def chain_of(statement: Statement) -> str:
    """Whose chain an entry is in: its party's, or the node's where the node attests it."""
    return NODE if statement.authorship is Authorship.ATTESTED else statement.party


def owner_of(statement: Statement) -> str:
    """Whose object an entry is about: its party's, but a party is the node's, whoever speaks."""
    return NODE if statement.kind is EntryKind.PARTY else statement.party


def is_erased(held: Held) -> bool:
    """Whether an object was erased: it has ended, and nothing of it is there."""
    return held.ended and held.value is None


def without_content(held: Held) -> Held:
    """An object once it is erased: no value, no name, and no later version."""
    return replace(held, value=None, source_id=None, ended=True)


def source_id(value: Value) -> str:
    """The name that its author gave to an object; unique per party and kind."""
    match value:
        case Agreement():
            return AGREEMENT_SOURCE_ID
        case Party():
            return value.id
        case Erasure():
            return erasure_of(value.object)
        case _:
            return value.source_id


def erasure_of(object_id: str) -> str:
    """What the erasure of an object is called: there is one."""
    return f"erasure of {object_id}"


def opened(signed: Signed, salt: bytes, data: bytes) -> Value:
    """The value that an entry commits to.

    Raises:
        NotAuthentic: The bytes are not those committed to.
        MalformedInput: They are no canonical value.
        NotPermitted: The value is of another kind, or names another party.
    """
    statement = signed.statement
    if commitment(salt, data) != statement.commitment:
        raise NotAuthentic(
            f"{statement.kind} of {statement.party}", expected="the object committed to"
        )
    value = decode(data)
    if KINDS[type(value)] is not statement.kind:
        raise NotPermitted(
            f"object of {statement.party}", expected=statement.kind, got=KINDS[type(value)]
        )
    author = (
        NODE
        if isinstance(value, Agreement | Party | Delivery | Check | Call | Warned)
        else value.party
    )
    of_itself = isinstance(value, Party) and value.id == statement.party
    if author != statement.party and not of_itself:
        raise NotPermitted(
            f"{statement.kind} by {statement.party}",
            expected="its own name",
            got=author or "none",
        )
    return value


def _require_next(current: Held, held: Held) -> None:
    """The same object, one version on, changed as its lifecycle permits."""
    if held.party != current.party:
        # Of what kind and whose it is, is not for whoever guesses an id.
        raise Conflict(f"object {held.object_id}", expected="an object of the party's own")
    what = f"{current.kind} of {current.party}"
    if held.kind is not current.kind:
        raise Conflict(what, expected="the kind of its earlier versions", got=held.kind)
    if held.version != current.version + 1:
        raise Conflict(what, expected=f"version {current.version + 1}", got=f"{held.version}")
    if None not in {held.source_id, current.source_id} and held.source_id != current.source_id:
        raise Conflict(what, expected="the name of its earlier versions", got=str(held.source_id))
    _require_permitted_change(current.value, held.value)
    if current.ended:
        # Its name may be another object's by now.
        raise Conflict(what, expected="a new object", got="a version of one that has ended")


_BOUND = {
    Acknowledgement: ("entry",),
    Objection: ("object",),
    Answer: ("objection",),
    ReleaseRequest: ("object", "to", "grade"),
    ReleaseDecision: ("request",),
    IncidentStep: ("incident", "act"),
    Call: ("incident", "to"),
    Warned: ("to",),
}
"""What a later version may not change: what the value is about."""


def _require_permitted_change(before: Value | None, after: Value | None) -> None:
    match before, after:
        case Notice() | Presence() | Zone(), Notice() | Presence() | Zone():
            if before.standing is not after.standing:
                advance(STANDING_TRANSITIONS, before.standing, after.standing)
        case Plan(), Plan():
            if before.state is not after.state:
                advance(PLAN_TRANSITIONS, before.state, after.state)
        case Report(), Report():
            advance(REPORT_TRANSITIONS, before.state, after.state)
        case _:
            pass  # Agreements and parties have no lifecycle; what was erased cannot be compared.
    for bound in () if before is None or after is None else _BOUND.get(type(before), ()):
        if getattr(before, bound) != getattr(after, bound):
            raise Conflict(bound, expected="that of its earlier versions")


def _by_id(keys: tuple[PublicKey, ...]) -> Keys:
    return {key.id: bytes.fromhex(key.ed25519) for key in keys}

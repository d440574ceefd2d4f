"""The verbs by which parties speak: commands, decided at the head of the record.

``Speak`` is for what a party says through a door, and the node attests;
``Submit`` for an entry that the party signed itself. The same rules hold for
both (detente.node.rules).
"""

import msgspec
from msgspec import Struct

from detente.core.agreement import Agreement, AgreementState
from detente.core.ending import has_ended
from detente.core.entry import EntryKind, token
from detente.core.kinds import KINDS
from detente.core.lead import begins_late
from detente.core.ledger import AGREEMENT_SOURCE_ID, NODE, source_id
from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.party import Party
from detente.core.plan import Plan, PlanState
from detente.core.presence import Presence
from detente.core.principal import Principal, Scope
from detente.core.report import Report, ReportState
from detente.core.subscription import Subscription
from detente.core.telling import Contested, Objection
from detente.core.wire import Value, read
from detente.core.zone import Zone
from detente.errors import Conflict, MalformedInput, NotFound, NotPermitted, Stale
from detente.node.author import Prepared
from detente.node.engine import Decision, Said
from detente.node.hotline.ringing import named, ringing
from detente.node.moment import Moment
from detente.node.rules import SCOPE_OF, author_of, require
from detente.node.submit import Receipt, Touches, touched


class Place(Struct, frozen=True, kw_only=True):
    """Where a value goes: a new object, or the next version of one that the asker holds.

    ``token`` is the version token of the version that it replaces, so that
    nobody overwrites what he has not seen.
    """

    object_id: str
    token: str | None


class Speak:
    """Puts a value on the record for the party that asks.

    Args:
        principal: Who says it.
        value: What; its party is the asker's.
        place: Which version it replaces; None makes a new object.
        key: For a plan, version tokens of what its author knows that it meets.

    Raises:
        NotPermitted: The asker lacks the scope, or names another party.
    """

    def __init__(
        self,
        principal: Principal,
        value: Value,
        place: Place | None = None,
        key: frozenset[str] = frozenset(),
    ) -> None:
        principal.require(SCOPE_OF[KINDS[type(value)]])
        self.principal = principal
        self._value = own(value, principal.party)
        self._place = place
        self._key = key
        self.touches = Touches(
            objects=() if place is None else (place.object_id,),
            names=((KINDS[type(value)], principal.party, source_id(self._value)),),
        )

    def decide(self, moment: Moment) -> Decision[Receipt]:
        """One entry, flagged where it came late."""
        object_id = None if self._place is None else self._place.object_id
        version = 1
        if self._place is not None:
            version = replaced(moment, self.principal.party, self._place) + 1
        require(moment, self.principal.party, self._value, object_id, self._key)
        said = Said(value=self._value, object_id=object_id, version=version)
        return Decision(
            says=ringing(moment, named(said)),
            answer=_first,
            aware=True,
            late=is_late(self._value, moment),
        )


class Submit:
    """Puts an entry on the record that the party signed itself.

    One entry a command, so that each is decided with all before it in place.

    Args:
        principal: As the entry says; its signature is verified at its turn.
        entry: Taken apart.
        key: For a plan, version tokens of what its author knows that it meets.

    Raises:
        NotPermitted: Not a party's to say.
    """

    def __init__(
        self, principal: Principal, entry: Prepared, key: frozenset[str] = frozenset()
    ) -> None:
        self.principal = principal
        kind = entry.signed.statement.kind
        if kind in {EntryKind.DELIVERY, EntryKind.CHECK, EntryKind.CALL, EntryKind.ALERT}:
            raise NotPermitted(f"{kind} by {principal.party}", expected="the node's own word")
        if kind is not EntryKind.PARTY:  # Whose keys change is for the ledger to judge.
            principal.require(SCOPE_OF[kind])
        self._entry = entry
        self._key = key
        self.touches = touched(entry)

    def decide(self, moment: Moment) -> Decision[Receipt]:
        """The entry as it is."""
        statement, value = self._entry.signed.statement, self._entry.value
        before = statement.object if statement.version > 1 else None
        require(moment, statement.party, value, before, self._key)
        late = is_late(value, moment)
        says = ringing(moment, self._entry)
        return Decision(says=says, answer=_first, aware=True, late=late)


class End:
    """Ends an object of the asker's: it no longer asks to be reckoned with.

    Args:
        principal: Its author.
        place: Which version is ended.
    """

    def __init__(self, principal: Principal, place: Place) -> None:
        self.principal = principal
        self.touches = Touches(objects=(place.object_id,))
        self._place = place

    def decide(self, moment: Moment) -> Decision[Receipt]:
        """A last version: withdrawn, ended, retracted, taken back."""
        version = replaced(moment, self.principal.party, self._place)
        stored = moment.before.stored(self._place.object_id)
        value = None if stored is None or stored.data is None else read(stored.data)
        ended = None if value is None else over(value)
        if ended is None:
            raise Conflict(f"object {self._place.object_id}", expected="one that can be ended")
        self.principal.require(SCOPE_OF[KINDS[type(ended)]])
        said = Said(value=ended, object_id=self._place.object_id, version=version + 1)
        return Decision(says=(said,), answer=_first, aware=True)


class Agree:
    """Puts a new version of the agreement on the record, or suspends or resumes it.

    Args:
        principal: An administrator.
        agreement: The new terms; None keeps those in force.
        state: In force or suspended.
    """

    def __init__(
        self,
        principal: Principal,
        agreement: Agreement | None = None,
        state: AgreementState | None = None,
    ) -> None:
        principal.require(Scope.ADMIN)
        self.principal = principal
        self.touches = Touches()
        self._agreement = agreement
        self._state = state

    def decide(self, moment: Moment) -> Decision[Receipt]:
        """A version by the node itself; its keys are not for others to change."""
        current = moment.world.agreement
        terms = current if self._agreement is None else self._agreement
        state = terms.state if self._state is None else self._state
        since = moment.now if state is AgreementState.SUSPENDED else None
        if current.state is state and self._agreement is None:
            raise Conflict("agreement", expected="another state", got=state)
        if current.state is state:
            since = current.suspended_at
        terms = msgspec.structs.replace(
            terms,
            node_keys=current.node_keys,
            log_keys=current.log_keys,
            state=state,
            suspended_at=since,
        )
        object_id = moment.before.named(KINDS[Agreement], NODE, AGREEMENT_SOURCE_ID)
        return Decision(says=(next_of(moment, terms, object_id),), answer=_first)


class Admit:
    """Admits a party that has no key of its own yet, or changes its name and desks.

    Args:
        principal: An administrator, or the node for an issuer that may introduce.
        party: Its keys are kept as they are.
    """

    def __init__(self, principal: Principal, party: Party) -> None:
        principal.require(Scope.ADMIN)
        if party.id == NODE:
            raise Conflict(f"party {NODE}", expected="another id: this one is the node's own")
        self.principal = principal
        self.touches = Touches()
        self._party = party

    def decide(self, moment: Moment) -> Decision[Receipt]:
        """A version by the node itself."""
        current = moment.world.parties.get(self._party.id)
        known = moment.world.party_of(self._party.subject or self._party.id)
        if known is not None and known.id != self._party.id:
            raise Conflict(f"party {self._party.id}", expected="a subject that is not taken yet")
        keys = () if current is None else current.keys
        value = msgspec.structs.replace(self._party, keys=keys)
        object_id = moment.world.party_objects.get(self._party.id)
        said = next_of(moment, value, object_id)
        return Decision(says=(said,), answer=_first)


def next_of(moment: Moment, value: Value, object_id: str | None) -> Said:
    """The next version of what the node itself says."""
    stored = None if object_id is None else moment.before.stored(object_id)
    version = 1 if stored is None else stored.version + 1
    return Said(value=value, object_id=object_id, version=version, of_node=True)


def own(value: Value, party: str) -> Value:
    """The value, with its party filled in.

    Raises:
        NotPermitted: It names another.
    """
    author = author_of(value)
    if author is None:
        return msgspec.structs.replace(value, party=party)
    if author != party:
        raise NotPermitted(f"{KINDS[type(value)]}", expected=f"party {party}", got=author)
    return value


def replaced(moment: Moment, party: str, place: Place) -> int:
    """The version that a new one replaces.

    Raises:
        NotFound: No such object of this party.
        Stale: It has moved on, or no token says which version was seen.
        Conflict: It has ended.
    """
    what = f"object {place.object_id}"
    stored = moment.before.stored(place.object_id)
    if stored is None or stored.party != party or stored.data is None or stored.salt is None:
        raise NotFound(what)
    if place.token is None:
        raise MalformedInput(what, expected="the version token of the version that is replaced")
    if token(stored.salt, stored.leaf) != place.token:
        raise Stale(what, expected="the version token of its current version")
    if has_ended(read(stored.data)):
        raise Conflict(what, expected="one that has not ended")
    return stored.version


def over(value: Value) -> Value | None:
    """The value in its last state; None for a kind that has none."""
    match value:
        case Notice() | Presence() | Zone() | Subscription():
            return msgspec.structs.replace(value, standing=Standing.WITHDRAWN)
        case Plan():
            draft = value.state is PlanState.DRAFT
            state = PlanState.WITHDRAWN if draft else PlanState.ENDED
            return msgspec.structs.replace(value, state=state)
        case Report():
            return msgspec.structs.replace(value, state=ReportState.RETRACTED)
        case Objection():
            return msgspec.structs.replace(value, state=Contested.TAKEN_BACK)
        case _:
            return None


def is_late(value: Value, moment: Moment) -> bool:
    """Whether it begins sooner than the agreement's lead time for its category (H6)."""
    if not isinstance(value, Notice | Presence | Zone | Plan):
        return False
    return begins_late(value.category, value.volumes, moment.world.agreement, at=moment.now)


def _first(receipts: list[Receipt]) -> Receipt:
    return receipts[0]

"""The world: what the record says now, in memory.

The committer alone changes it (detente.node.engine): it folds in what it
decides and what other processes appended. Readers are shown another state, the
last that is on disk, whole and at one sequence number (``Shown``).
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from detente.core.agreement import Agreement
from detente.core.check import Known, Protected, protects
from detente.core.entry import ChainHead, EntryKind, Statement, token, unseal
from detente.core.erasure import Erasure
from detente.core.incident import Call, Incident, IncidentStep, Line, Taken
from detente.core.ledger import NODE, Keys, chain_of
from detente.core.lifecycle import Standing
from detente.core.party import Party, PublicKey
from detente.core.plan import Plan
from detente.core.release import Grant
from detente.core.subscription import Subscription
from detente.core.telling import (
    Answer,
    Contested,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
    decided,
)
from detente.core.view import label_of
from detente.core.wire import Value, read
from detente.errors import LogInconsistent
from detente.node.budget import Overspent
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.cells import forget_cells
from detente.node.f3548.entities import is_native
from detente.node.f3548.recount import recount
from detente.node.gathering import GATHERED, Gathering
from detente.node.lookup import current_agreement
from detente.node.picture import uncollected
from detente.node.values import MEETABLE, Values, require_erased
from detente.node.warned import OnRecord, StandingWarnings
from detente.picture import Picture
from detente.picture.entries import kept
from detente.picture.live import Live
from detente.picture.picture import Part
from detente.store import Record


class Event(Struct, frozen=True, kw_only=True):
    """One entry as it is folded in: what it says, where, and its version token.

    ``value`` is None where the content was erased.
    """

    sequence: int
    statement: Statement
    leaf: bytes
    value: Value | None
    token: str


Change = tuple[str, Known | None]
"""An object, and what the pictures are to show of it; None where it is to go."""


class Shown(Struct, frozen=True, kw_only=True):
    """What readers see: one state that is on disk. Attributes as those of World."""

    sequence: int
    agreement: Agreement
    parties: Mapping[str, Party]
    grants: Mapping[str, Mapping[str, Grant]]
    lines: Mapping[str, Line]
    spoken: int
    warned: Mapping[str, OnRecord]
    protected: Picture
    plans: Picture


class World:
    """What the record says at ``sequence`` entries.

    Attributes:
        sequence: Number of entries folded in.
        agreement: In its current version.
        parties: Admitted parties by id.
        changes: What the pictures do not show yet.
        protected_changes: The same, without plans and what is gone.
        party_objects: The object of each party, by its id.
        airspace: Plans, constraints and subscriptions by cells, as F3548 asks.
        objections: Standing objections by the object that they contest.
        answered: Objections that have an answer by the author of their object.
        webhooks: Subscriptions that want to be posted to.
        grants: By object and party, what its author granted on request.
        lines: Incidents of the hotline, by object.
        spoken: Entries up to the last that anybody may be told of: after it are deliveries.
        calls_at: Object and version of each call, by its name.
        warnings: That stand, and who has acknowledged them.
        erased: The last entry that erased something; -1 where none did.

    Args:
        agreement: In its current version.
        values: Where what the pictures show is read again.
        crowded: Called, from any thread, when it is time to ``compact``.
    """

    def __init__(
        self, agreement: Agreement, values: Values, crowded: Callable[[], None] = lambda: None
    ) -> None:
        self.sequence = 0
        self.agreement = agreement
        self.parties: Mapping[str, Party] = {}
        self.changes: dict[str, Known | None] = {}
        self.protected_changes: dict[str, Known] = {}
        self.airspace = Airspace(agreement)
        self.overspent = Overspent()
        self.party_objects: dict[str, str] = {}
        self.objections: dict[str, dict[str, Objection]] = defaultdict(dict)
        self.answered: set[str] = set()
        self.webhooks: set[str] = set()
        self.erased = -1
        # Replaced, never changed, since readers hold it.
        self.grants: Mapping[str, Mapping[str, Grant]] = {}
        self.lines: Mapping[str, Line] = {}
        self.spoken = 0
        self.calls_at: dict[str, tuple[str, int]] = {}
        self.warnings = StandingWarnings()
        self.requests: dict[str, ReleaseRequest] = {}
        self._decisions: dict[str, tuple[int, ReleaseDecision]] = {}
        self._decided: dict[tuple[str, str], int] = {}
        self._heads: dict[str, ChainHead] = {}
        self._subjects: dict[str, str] = {}
        self._values = values
        self._crowded = crowded
        self._protected = self._live()
        self._plans = Live(agreement=agreement, label=label_of, crowded=crowded)
        self._lock = threading.Lock()
        self._shown = self._told()

    @classmethod
    def load(
        cls, record: Record, values: Values, crowded: Callable[[], None] = lambda: None
    ) -> "World":
        """All that is current in one state of a record.

        Args:
            record: The state.
            values: Of the same record.
            crowded: As of the world.

        Raises:
            LogInconsistent: It holds no agreement.
            MalformedInput: An object that cannot be measured (named).
        """
        world = cls(current_agreement(record), values, crowded)
        with uncollected():
            gathering = Gathering(record)
            world._protected = world._live(gathering.parts(world.agreement, values.read))
            warned = EntryKind.ALERT
            others = [kind for kind in EntryKind if kind not in GATHERED and kind is not warned]
            for stored in chain(
                # Those that stand, and before what acknowledges them.
                record.objects(warned, ended=False),
                record.objects(*others),
                record.current_at(gathering.left),
            ):
                if stored.data is None or stored.salt is None:
                    require_erased(stored)
                    continue
                value = read(stored.data)
                made = token(stored.salt, stored.leaf)
                known = world._fold(stored.object_id, stored.version, stored.sequence, value, made)
                place = stored.version, stored.sequence, stored.leaf
                world.warnings.learn(stored.object_id, place, value)
                if known is not None:
                    world.changes[stored.object_id] = known
            world.sequence = world.spoken = record.head()[1]
            recount(record, world.airspace)
            world.show()
        return world

    def _live(self, parts: Iterable[Part] = ()) -> Live:
        keep = partial(kept, read=self._values.read)
        return Live(
            parts=parts,
            agreement=self.agreement,
            label=label_of,
            keep=keep,
            crowded=self._crowded,
        )

    def follow(self, record: Record, size: int) -> None:
        """Fold in what was appended since, up to ``size`` entries."""
        if size == self.sequence:
            return
        events = []
        for sequence, leaf, envelope, content in record.rows(self.sequence):
            signed = unseal(envelope)
            value = None if content is None else read(content.data)
            made = "" if content is None else token(content.salt, leaf)
            statement = signed.statement
            events.append(
                Event(sequence=sequence, statement=statement, leaf=leaf, value=value, token=made)
            )
        first = self.sequence
        self.fold(events)
        if any(event.value is None or is_native(event.value) for event in events):
            self.airspace.owe(record.owed(first, size))
        if self.sequence != size:
            raise LogInconsistent("record", expected=f"{size} entries", got=f"{self.sequence}")
        self.show()

    def fold(self, events: Iterable[Event]) -> None:
        """Fold entries in, in order; ``show`` lets readers see them."""
        for event in events:
            said = event.statement
            if event.sequence != self.sequence:
                raise LogInconsistent("record", expected=f"entry {self.sequence}", got="a gap")
            self.sequence += 1
            if said.kind is not EntryKind.DELIVERY:
                self.spoken = self.sequence
            self._heads[chain_of(said)] = ChainHead(
                party_sequence=said.party_sequence, leaf=event.leaf
            )
            known = None
            if event.value is not None:
                known = self._fold(
                    said.object, said.version, event.sequence, event.value, event.token
                )
                place = said.version, event.sequence, event.leaf
                self.warnings.learn(said.object, place, event.value)
            if said.kind in MEETABLE:
                self._change(said.object, known)

    def _change(self, object_id: str, known: Known | None) -> None:
        self.changes[object_id] = known
        if known is None:
            self.protected_changes.pop(object_id, None)
        elif not isinstance(known.value, Plan):
            self.protected_changes[object_id] = known

    def show(self) -> None:
        """Let readers see what is folded in: it is on disk."""
        with self._lock:
            if self._shown.agreement is not self.agreement:
                self._protected.agree(self.agreement, self.sequence)
                self._plans.agree(self.agreement, self.sequence)
            # A plan and a notice never share an id; what is to go may be in either.
            self._plans.fold(
                [c for c in self.changes.items() if c[1] is None or isinstance(c[1].value, Plan)],
                self.sequence,
            )
            self._protected.fold(
                [c for c in self.changes.items() if not (c[1] and isinstance(c[1].value, Plan))],
                self.sequence,
            )
            self.changes, self.protected_changes = {}, {}
            self._shown = self._told()

    def _told(self) -> Shown:
        return Shown(
            sequence=self.sequence,
            agreement=self.agreement,
            parties=self.parties,
            grants=self.grants,
            lines=self.lines,
            spoken=self.spoken,
            warned=self.warnings.shown(),
            protected=self._protected.snapshot(),
            plans=self._plans.snapshot(),
        )

    @property
    def shown(self) -> Shown:
        """What readers see; safe from any thread, and nobody waits for it."""
        return self._shown

    def compact(self) -> None:
        """Merge parts of the pictures, where there is need; nobody waits for it."""
        self._protected.compact()
        self._plans.compact()
        with self._lock:
            self._shown = replace(
                self._shown, protected=self._protected.snapshot(), plans=self._plans.snapshot()
            )

    def _fold(
        self, object_id: str, version: int, sequence: int, value: Value, made: str
    ) -> Known | None:
        """One current object; gives what the pictures are to show of it, if anything."""
        self.airspace.fold(object_id, version, value, made)
        if isinstance(value, Erasure):
            self._erase(sequence, value)
        if not isinstance(value, Protected):
            self._learn(object_id, sequence, value)
            self._ring(object_id, version, value)
            return None
        if not protects(value):
            return None
        return Known(
            value=value, object_id=object_id, sequence=sequence, version=version, token=made
        )

    def _erase(self, sequence: int, erasure: Erasure) -> None:
        """Let go of what is erased. It was over before: no picture shows it, and none changes."""
        self.erased = sequence
        self._protected.forget(erasure.object)
        self._plans.forget(erasure.object)
        self._values.forget(erasure.object)
        forget_cells()

    def _learn(self, object_id: str, sequence: int, value: Value) -> None:
        """What no picture shows."""
        match value:
            case Agreement():
                self.agreement = value
            case Party():
                self.parties = {**self.parties, value.id: value}
                self._subjects[value.subject or value.id] = value.id
                self.party_objects[value.id] = object_id
            case Objection():
                self._object(object_id, value)
            case Answer():
                self.answered.add(value.objection)
            case Subscription():
                self._subscribe(object_id, value)
            case ReleaseRequest():
                self.requests[object_id] = value
                self._grant(object_id)
            case ReleaseDecision():
                self._decisions[value.request] = sequence, value
                self._grant(value.request)
            case _:
                pass

    def _ring(self, object_id: str, version: int, value: Value) -> None:
        """What an entry of the hotline adds to its line."""
        match value:
            case Incident():
                line = replace(self._line(object_id), party=value.party)
            case IncidentStep():
                taken = Taken(object_id=object_id, party=value.party, act=value.act)
                line = self._line(value.incident).with_step(taken)
            case Call():
                self.calls_at[value.source_id] = object_id, version
                line = self._line(value.incident).with_call(value)
            case _:
                return
        self.lines = {**self.lines, line.incident: line}

    def _line(self, incident: str) -> Line:
        return self.lines.get(incident) or Line(incident=incident)

    def _object(self, object_id: str, objection: Objection) -> None:
        standing = self.objections[objection.object]
        standing.pop(object_id, None)
        if objection.state is Contested.RAISED:
            standing[object_id] = objection
        # An answer is to the words that it answers: new words ask for a new one.
        self.answered.discard(object_id)

    def _subscribe(self, object_id: str, value: Subscription) -> None:
        if (value.url or value.people) is not None and value.standing is Standing.IN_FORCE:
            self.webhooks.add(object_id)
        else:
            self.webhooks.discard(object_id)

    def _grant(self, request_id: str) -> None:
        """Let a decision hold, if it is the latest on its object and party.

        A request and its decision may be read in either order.
        """
        request = self.requests.get(request_id)
        sequence, decision = self._decisions.get(request_id, (-1, None))
        if request is None or decision is None:
            return
        about = request.object, request.to
        if self._decided.get(about, -1) > sequence:
            return
        self._decided[about] = sequence
        self.grants = decided(self.grants, request, decision)

    def party_of(self, subject: str) -> Party | None:
        """The party that issuers and F3548 call so."""
        found = self._subjects.get(subject)
        return None if found is None else self.parties[found]

    def keys(self, chain: str) -> Keys:
        """The keys that speak in a chain, by id."""
        keys: tuple[PublicKey, ...] = ()
        if chain == NODE:
            keys = self.agreement.node_keys
        elif chain in self.parties:
            keys = self.parties[chain].keys
        return {key.id: bytes.fromhex(key.ed25519) for key in keys}

    def head(self, chain: str, record: Record) -> ChainHead | None:
        """The last entry of a chain; asked of the record once, then followed."""
        if chain not in self._heads:
            found = record.chain_head(chain)
            if found is None:
                return None
            self._heads[chain] = found
        return self._heads[chain]

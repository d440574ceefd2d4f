"""The moment of a decision: the world at the head of the record, and what a plan meets."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from detente.core.check import Meeting
from detente.core.entry import ChainHead, EntryKind
from detente.core.ledger import Held, Keys
from detente.core.plan import Plan
from detente.core.release import Grade, shows
from detente.core.view import Reader
from detente.core.wire import Value, read
from detente.errors import NotFound
from detente.node.author import Prepared
from detente.node.budget import Budget
from detente.node.submit import Standing, Touches
from detente.node.world import Shown, World
from detente.picture import Picture
from detente.store import Appender, Record, Stored

MEASURED_AHEAD_MIN = 2
"""Plans that are worth being measured together."""


class Before:
    """What the record says before a batch: from the world where it knows, else asked once."""

    def __init__(self, world: World, record: Record) -> None:
        self._world = world
        self._record = record
        self._standing = Standing(record)
        self._new: set[str] = set()

    def expect(self, touches: Iterable[Touches]) -> None:
        """Ask at once for what a batch will need."""
        self._standing.expect(touches)

    def is_new(self, object_id: str) -> None:
        """An id that was just drawn, which nothing can bear yet."""
        self._new.add(object_id)

    def keys(self, party: str) -> Keys:
        """Public keys of a party, by id."""
        return self._world.keys(party)

    def head(self, chain: str) -> ChainHead | None:
        """The last entry of a chain."""
        return self._world.head(chain, self._record)

    def held(self, object_id: str) -> Held | None:
        """The current version of an object."""
        return None if object_id in self._new else self._standing.held(object_id)

    def named(self, kind: EntryKind, party: str, source_id: str) -> str | None:
        """The object to which a party gave this name, and that has not ended."""
        if kind is EntryKind.PARTY:
            return self._world.party_objects.get(source_id)
        return self._standing.named(kind, party, source_id)

    def stored(self, object_id: str) -> Stored | None:
        """The current version of an object, as it is or will be stored."""
        return self._standing.stored(object_id)

    def note(self, entries: Iterable[Prepared], first: int, *, now: datetime) -> None:
        """Remember entries that were accepted since, for those that follow them."""
        for number, one in enumerate(entries):
            self._standing.note(one, first + number, now=now)


class Moment:
    """The state on which a command decides: the head, and what the batch said before it.

    Attributes:
        world: With everything folded in that was decided before.
        record: Held for writing.
        before: What the record says of objects and names.
        now: UTC, the same for the whole batch.
        agreement: By which the pictures are measured.
        budget: What has been asked today of what is withheld.
    """

    def __init__(
        self, *, world: World, record: Appender, before: Before, budget: Budget, now: datetime
    ) -> None:
        self.world = world
        self.record = record
        self.before = before
        self.now = now
        self.agreement = world.agreement
        self.budget = budget
        self._shown: Shown | None = None
        self._ahead: dict[int, tuple[Plan, list[Meeting]]] = {}
        self._fresh: tuple[int, Picture] | None = None

    def meetings(self, plan: Plan) -> list[Meeting]:
        """Everything that a plan meets here and now, hidden or not, other than itself."""
        # What is shown does not move while the batch is decided.
        shown = self._shown = self._shown or self.world.shown
        changed = self.world.changes
        found = [
            meeting
            for picture in (shown.protected, shown.plans)
            for meeting in picture.meetings([plan])[0]
            if meeting.known.object_id not in changed
        ]
        return found + self._fresh_picture().meetings([plan])[0]

    def measure_ahead(self, plans: Sequence[Plan]) -> None:
        """Measure what a batch will ask about, at once, which is cheaper than one by one.

        What is shown does not move while the batch is decided, and what the batch says is
        measured apart.
        """
        shown = self.world.shown.protected
        if len(plans) < MEASURED_AHEAD_MIN or not len(shown):
            return
        try:
            found = shown.meetings(plans)
        except Exception:  # noqa: BLE001 - each is then measured, and refused, by itself
            return
        self._ahead = {
            id(plan.volumes): (plan, met) for plan, met in zip(plans, found, strict=True)
        }

    def protected_meetings(self, plan: Plan) -> list[Meeting]:
        """Everything that a plan meets other than plans, for a fraction of the cost."""
        world = self.world
        found: list[Meeting] = []
        shown, fresh = world.shown.protected, world.protected_changes
        if len(shown):
            asked, ahead = self._ahead.get(id(plan.volumes), (None, []))
            if asked is None or _measured(asked) != _measured(plan):
                [ahead] = shown.meetings([plan])
            found += [one for one in ahead if one.known.object_id not in world.changes]
        if fresh:
            picture = Picture(fresh.values(), agreement=world.agreement, sequence=world.sequence)
            found += picture.meetings([plan])[0]
        return found

    def seen(self, party: str, object_id: str) -> tuple[str, Value, Grade]:
        """Author, value and grade of an object of which a party may know.

        Raises:
            NotFound: There is none, or it is not for this party: the two look alike.
        """
        stored = self.before.stored(object_id)
        if stored is not None and stored.data is not None:
            value = read(stored.data)
            grade = self.reader(party).grade(value, object_id)
            if grade is not None and shows(grade, Grade.AREA):
                return stored.party, value, grade
        raise NotFound(f"object {object_id}")

    def reader(self, party: str, *, at: datetime | None = None) -> Reader:
        """A party as a reader of this moment, or of what will be left of it at a later one."""
        world = self.world
        return Reader(
            party=party,
            agreement=world.agreement,
            parties=world.parties,
            grants=world.grants,
            now=self.now if at is None else at,
        )

    def _fresh_picture(self) -> Picture:
        """What the batch has said so far; made anew only when it said more."""
        sequence = self.world.sequence
        if self._fresh is None or self._fresh[0] != sequence:
            known = [one for one in self.world.changes.values() if one is not None]
            picture = Picture(known, agreement=self.world.agreement, sequence=sequence)
            self._fresh = sequence, picture
        return self._fresh[1]


def _measured(plan: Plan) -> tuple[object, ...]:
    """What of a plan decides what it meets, but for its volumes, which are the same ones."""
    return plan.source_id, plan.party, plan.category, plan.hazard_mm

"""What is not F3548's and counts all the same at its door: native plans, notices, presence, zones.

What may be told of them is cut here, by what their authors released
(docs/rules/R-02.md). The node answers for all of them: the address given is its
own. Of what is withheld the asker learns that there is something, for the time
that he asked about, and from whom he may hear more; its id is a different one in
every version, so that nothing can be followed by it. As everywhere, the version
token of what is withheld is given: who shows it has been told (docs/rules/R-05.md).
"""

from collections.abc import Collection, Sequence
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from detente.core.availability import AvailabilityState
from detente.core.check import Known
from detente.core.ledger import NODE
from detente.core.plan import Plan
from detente.core.release import Grade
from detente.core.view import Reader
from detente.core.volume import MM_PER_M, Volume
from detente.core.zone import Zone
from detente.node.budget import Spent, owners_withholding
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.entities import Intent, id_of_object, window
from detente.node.f3548.references import NO_SUBSCRIPTION, ConstraintReference, IntentReference
from detente.node.f3548.terms import Terms
from detente.node.moment import Moment


class Missing(Struct, frozen=True, kw_only=True):
    """What a key lacks, as its author may see it."""

    intents: tuple[IntentReference, ...] = ()
    constraints: tuple[ConstraintReference, ...] = ()


def missing_others(
    moment: Moment,
    plan: Plan,
    natives: Sequence[Intent],
    key: Collection[str],
    terms: Terms,
) -> Missing:
    """Native plans that a key lacks, and what else a plan meets here and its key lacks.

    Raises:
        Spent: The day's area of questions about withheld entries is spent: whether
            there are any here is then not said, not even by taking the intent.
    """
    if moment.budget.spent(plan.party or ""):
        raise Spent("operational intent")
    meetings = [
        meeting
        for meeting in moment.protected_meetings(plan)
        if meeting.known.token not in key and not is_filed(meeting.known)
    ]
    if not natives and not meetings:
        return Missing()
    reader = moment.reader(plan.party or "")
    airspace = moment.world.airspace
    lacking = [known_of(one) for one in natives]
    withholding = dict(owners_withholding(meetings, reader))
    for intent in natives:
        if not reader.lists(intent.plan, intent.object_id):
            widened_m = airspace.widening(intent.plan).horizontal_mm / MM_PER_M
            withholding[intent.party] = max(withholding.get(intent.party, 0.0), widened_m)
    if not moment.budget.charge(plan, withholding, reader):
        raise Spent("operational intent")
    lacking += [meeting.known for meeting in meetings]
    return _as_seen(airspace, reader, lacking, plan.volumes, terms)


def _as_seen(
    airspace: Airspace,
    reader: Reader,
    lacking: Sequence[Known],
    asked: Sequence[Volume],
    terms: Terms,
) -> Missing:
    """What is lacking, each as far as a reader may see it."""
    intents, constraints = [], []
    for known in sorted(lacking, key=lambda one: one.token):
        grade = reader.grade(known.value, known.object_id)
        if grade is not Grade.FULL:
            constraints.append(_withheld(airspace, known, grade, asked, terms))
        elif isinstance(known.value, Plan):
            intents.append(native_intent(airspace, known, terms))
        else:
            constraints.append(native_constraint(airspace, known, terms))
    return Missing(intents=tuple(intents), constraints=tuple(constraints))


def known_of(intent: Intent) -> Known:
    """A native plan as the register's other doors know it."""
    return Known(
        value=intent.plan, object_id=intent.object_id, version=intent.version, token=intent.token
    )


def is_shown(intent: Intent, reader: Reader) -> bool:
    """Whether a native plan is listed for a reader at F3548's door."""
    return reader.grade(intent.plan, intent.object_id) is Grade.FULL


def is_filed(known: Known) -> bool:
    """Whether a zone was filed as F3548's constraint, and so is decided by cells."""
    return isinstance(known.value, Zone) and known.value.uss is not None


def native_intent(airspace: Airspace, known: Known, terms: Terms) -> IntentReference:
    """A native plan, for whom may see all of it."""
    value = known.value
    assert isinstance(value, Plan)  # noqa: S101 - the caller looked
    starts, ends = window(value.volumes)
    manager = airspace.manager(value.party or "")
    return IntentReference(
        id=id_of_object(known.object_id),
        manager=manager,
        availability=airspace.availability(manager).state,
        version=known.version,
        state=value.state,
        ovn=known.token,
        starts=starts,
        ends=ends,
        base_url=terms.base_url,
        subscription=NO_SUBSCRIPTION,
    )


def native_constraint(airspace: Airspace, known: Known, terms: Terms) -> ConstraintReference:
    """A notice, presence or zone, for whom may see all of it."""
    manager = airspace.manager(known.value.party or "")
    starts, ends = window(getattr(known.value, "volumes", ()))
    return ConstraintReference(
        id=id_of_object(known.object_id),
        manager=manager,
        availability=airspace.availability(manager).state,
        version=known.version,
        ovn=known.token,
        starts=starts,
        ends=ends,
        base_url=terms.base_url,
    )


def _withheld(
    airspace: Airspace,
    known: Known,
    grade: Grade | None,
    asked: Sequence[Volume],
    terms: Terms,
) -> ConstraintReference:
    """Anything of which less than all may be seen.

    Of an area only the full grade tells the times: its hours would have to be
    coarsened first, and the detailed picture has its own door.
    """
    starts, ends = window(asked)
    manager = NODE if grade is None else airspace.manager(known.value.party or "")
    return ConstraintReference(
        id=_unlinked(known.token),
        manager=manager,
        availability=AvailabilityState.UNKNOWN
        if grade is None
        else airspace.availability(manager).state,
        version=1,
        ovn=known.token,
        starts=starts,
        ends=ends,
        base_url=terms.base_url,
    )


def _unlinked(token: str) -> str:
    """An id that another version does not share."""
    return str(UUID(bytes=sha256(token.encode()).digest()[:16], version=4))

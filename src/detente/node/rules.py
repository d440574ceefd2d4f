"""What must hold before a party's word is taken: one rule a kind of value.

These ask what the record says of others; detente.core.ledger asks what needs
nobody else. R-05 is held here, by ``require_aware``.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from detente.core.agreement import AgreementState
from detente.core.check import Meeting, Withheld
from detente.core.entry import EntryKind
from detente.core.erasure import Erasure
from detente.core.incident import ANSWERS, OPEN_MAX, Act, Incident, IncidentStep
from detente.core.plan import Plan, PlanState
from detente.core.principal import Scope
from detente.core.release import Grade
from detente.core.report import Report, ReportState
from detente.core.subscription import SUBSCRIPTIONS_MAX, Subscription
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.view import Reader, View
from detente.core.volume import EPOCH
from detente.core.wire import Value, read
from detente.errors import Conflict, NotFound, NotPermitted
from detente.node.budget import Spent, owners_withholding
from detente.node.moment import Moment
from detente.node.passing import require_consent
from detente.node.reporting import require_borne_out

SCOPE_OF = {
    EntryKind.NOTICE: Scope.WRITE_NOTICES,
    EntryKind.PRESENCE: Scope.WRITE_PRESENCE,
    EntryKind.ZONE: Scope.WRITE_ZONES,
    EntryKind.PLAN: Scope.WRITE_PLANS,
    EntryKind.REPORT: Scope.WRITE_REPORTS,
    EntryKind.SUBSCRIPTION: Scope.SUBSCRIBE,
    EntryKind.ACKNOWLEDGEMENT: Scope.ACKNOWLEDGE,
    EntryKind.OBJECTION: Scope.WRITE_OBJECTIONS,
    EntryKind.ANSWER: Scope.WRITE_OBJECTIONS,
    EntryKind.RELEASE_REQUEST: Scope.RELEASE,
    EntryKind.RELEASE_DECISION: Scope.RELEASE,
    EntryKind.INCIDENT: Scope.CALL,
    EntryKind.INCIDENT_STEP: Scope.ACKNOWLEDGE,
    EntryKind.ERASURE: Scope.ERASE,
    EntryKind.AGREEMENT: Scope.ADMIN,
    EntryKind.PARTY: Scope.ADMIN,
    EntryKind.AVAILABILITY: Scope.UTM_AVAILABILITY_ARBITRATION,
}
"""What a party needs to say a thing."""

AWARE_STATES = frozenset({PlanState.ACCEPTED, PlanState.ACTIVATED})
"""States that a plan may take only aware of what it meets. That it has left its
volumes (nonconforming, contingent) is told whatever it meets: to refuse the news
would endanger those whom it meets."""


class Missing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry that a plan meets and whose token its author did not show.

    ``view`` is what the author may see of it; ``withheld`` stands instead where
    that is less. The token is given either way: who shows it has been told that
    there is something, and whom to call.
    """

    token: str
    view: View | None = None
    withheld: Withheld | None = None


class Unaware(Conflict):
    """A plan meets entries whose version tokens were not shown; all of them are listed."""

    code = "unaware"

    def __init__(self, plan: str, missing: Sequence[Missing]) -> None:
        self.missing = tuple(missing)
        super().__init__(
            f"plan {plan}",
            expected="the version token of each entry that it meets",
            got=f"{len(self.missing)} missing",
        )

    @property
    def members(self) -> dict[str, object]:
        """What its problem holds beside the usual (RFC 9457, 3.2)."""
        return {"missing": self.missing}


def author_of(value: Value) -> str | None:
    """Whose word a value is, as it says itself."""
    party: str | None = getattr(value, "party", None)
    return party


def require(
    moment: Moment, party: str, value: Value, object_id: str | None, key: frozenset[str]
) -> None:
    """Refuse what may not be said now.

    Args:
        moment: The head of the record.
        party: Who says it.
        value: What.
        object_id: Of which object it is a version; None for a new one.
        key: Version tokens that were shown with it.

    Raises:
        DetenteError: As the rule of its kind has it.
    """
    if getattr(value, "uss", None) is not None:
        raise NotPermitted(
            "uss", expected="none: what is filed by ASTM F3548-21 is changed by it alone"
        )
    if isinstance(value, Plan):
        require_in_force(moment, value)
        require_answered(moment, value, object_id)
        require_aware(moment, party, value, key)
        return
    if isinstance(value, Subscription):
        require_room(moment, party, object_id)
    if isinstance(value, Incident):
        require_open(moment, party, object_id)
    rule = _RULES.get(type(value))
    if rule is not None:
        rule(moment, party, value)


def require_room(moment: Moment, party: str, object_id: str | None) -> None:
    """Refuse a new subscription of a party that has as many as it may (R-11).

    Raises:
        Conflict: It has.
    """
    is_new = object_id is None or moment.before.stored(object_id) is None
    if is_new and moment.record.subscription_count(party) >= SUBSCRIPTIONS_MAX:
        raise Conflict("subscription", expected=f"at most {SUBSCRIPTIONS_MAX} of a party")


def require_open(moment: Moment, party: str, object_id: str | None) -> None:
    """Refuse to correct a call that was closed, and more open calls than anyone can speak about.

    Raises:
        Conflict: It was, or the party has as many as it may (R-11).
    """
    lines = moment.world.lines
    if object_id is not None:
        if object_id in lines and lines[object_id].is_closed:
            raise Conflict("incident", expected="one that is open", got="closed")
        return
    if sum(one.party == party and not one.is_closed for one in lines.values()) >= OPEN_MAX:
        raise Conflict("incident", expected=f"at most {OPEN_MAX} open of a party: close one")


def require_aware(moment: Moment, party: str, plan: Plan, key: frozenset[str]) -> None:
    """Refuse a plan that takes effect without its author knowing all that it meets.

    Whatever the author may see of it: what is withheld gives its token and a
    desk to call, and is charged to the author's budget.

    Raises:
        Unaware: With all that is missing, complete.
        Spent: The day's area of questions about withheld entries is spent: whether
            this plan meets any is then not said, not even by taking it.

    Source:
        docs/rules/R-05.md; ASTM F3548-21 (key).
    """
    if plan.state not in AWARE_STATES:
        return
    if moment.budget.spent(party):
        raise Spent(f"plan {plan.source_id}")
    lacking = [one for one in moment.meetings(plan) if one.known.token not in key]
    if not lacking:
        return
    reader = moment.reader(party)
    if not moment.budget.charge(plan, owners_withholding(lacking, reader), reader):
        raise Spent(f"plan {plan.source_id}")
    missing = [_missing(one, reader) for one in lacking]
    raise Unaware(plan.source_id, sorted(missing, key=lambda one: one.token))


def _missing(meeting: Meeting, reader: Reader) -> Missing:
    withheld = reader.withhold(meeting)
    view = None
    if withheld is None:
        view = reader.view(meeting.known, Grade.FULL)
    return Missing(token=meeting.known.token, view=view, withheld=withheld)


def require_answered(moment: Moment, plan: Plan, object_id: str | None) -> None:
    """Refuse to activate a plan while an objection to it has no answer by name.

    Nor does a plan begin as active: nobody could have objected to it.

    Raises:
        Conflict: The objections that have none, or a plan that nobody was told of.
    """
    if plan.state is not PlanState.ACTIVATED:
        return
    if object_id is None:
        raise Conflict(
            f"plan {plan.source_id}", expected="to be accepted before it is activated", got="new"
        )
    standing = moment.world.objections.get(object_id, {})
    unanswered = sorted(one for one in standing if one not in moment.world.answered)
    if unanswered:
        raise Conflict(
            f"plan {plan.source_id}",
            expected="an answer to each objection before it is activated",
            got=f"none to {', '.join(unanswered)}",
        )


_STOPS = AWARE_STATES | {ReportState.ISSUED, ReportState.CORRECTED}
"""What is not said while the agreement is suspended."""


def require_in_force(moment: Moment, value: Plan | Report) -> None:
    """Refuse new plans and reports while the agreement is suspended.

    What spares life stays on: notices, presence, zones, checks, objections,
    acknowledgements, the hotline, and the news that a plan has left its volumes or ended (M12).

    Raises:
        Conflict: It is suspended.
    """
    agreement = moment.world.agreement
    if agreement.state is not AgreementState.SUSPENDED:
        return
    if value.state in _STOPS:
        since = agreement.suspended_at
        raise Conflict(
            "agreement",
            expected="to be in force",
            got=f"suspended since {since and since.isoformat()}",
        )


def _acknowledgement(moment: Moment, party: str, value: Acknowledgement) -> None:
    """Only what the party was shown: that very version, as it was released."""
    record = moment.record
    sequence = record.sequence_of(bytes.fromhex(value.entry))
    content = None if sequence is None else record.content(sequence)
    if sequence is not None and content is not None:
        then = moment.reader(party, at=EPOCH + timedelta(microseconds=record.received(sequence)))
        object_id = record.entry(sequence).statement.object
        if then.lists(read(content.data), object_id):
            return
    raise NotFound(f"entry {value.entry}")


def _objection(moment: Moment, party: str, value: Objection) -> None:
    author, _, _ = moment.seen(party, value.object)
    if author == party:
        raise NotPermitted("objection", expected="to an object of another party")


def _answer(moment: Moment, party: str, value: Answer) -> None:
    for contested, standing in moment.world.objections.items():
        if value.objection in standing:
            stored = moment.before.stored(contested)
            if stored is not None and stored.party == party:
                return
    raise NotFound(f"objection {value.objection}")


def _release_request(moment: Moment, party: str, value: ReleaseRequest) -> None:
    author, _, _ = moment.seen(party, value.object)
    if author == party:
        raise NotPermitted("request", expected="for an object of another party; change its release")
    if value.to not in moment.world.parties:
        raise NotFound(f"party {value.to}")


def _release_decision(moment: Moment, party: str, value: ReleaseDecision) -> None:
    request = moment.world.requests.get(value.request)
    stored = None if request is None else moment.before.stored(request.object)
    if stored is None or stored.party != party:
        raise NotFound(f"request {value.request}")


def _report(moment: Moment, party: str, value: Report) -> None:
    require_in_force(moment, value)
    require_borne_out(moment, party, value)
    if value.state is not ReportState.RETRACTED:
        require_consent(moment, party, value)


def _step(moment: Moment, party: str, value: IncidentStep) -> None:
    """Of whoever was called, and of the caller; nobody's word is refused for coming late."""
    line = moment.world.lines.get(value.incident)
    if line is None or party not in line.calls:
        raise NotFound(f"incident {value.incident}")
    if party == line.party and value.act in ANSWERS:
        raise NotPermitted("step", expected="a statement, or closed, by the caller", got=value.act)
    if party != line.party and value.act is Act.CLOSED:
        raise NotPermitted("step", expected="closed by the caller alone", got=party)
    if value.act is Act.CLOSED and line.is_closed:
        raise Conflict("incident", expected="one that is open", got="closed")


def _erasure(moment: Moment, party: str, value: Erasure) -> None:
    """The party's own; detente.core.ledger asks whether it is over."""
    stored = moment.before.stored(value.object)
    if stored is None or stored.party != party:
        raise NotFound(f"object {value.object}")


_RULES: dict[type, Callable[[Moment, str, Any], None]] = {
    Report: _report,
    Acknowledgement: _acknowledgement,
    Objection: _objection,
    Answer: _answer,
    ReleaseRequest: _release_request,
    ReleaseDecision: _release_decision,
    Erasure: _erasure,
    IncidentStep: _step,
}
"""Kinds of value with a rule of their own; the others may always be said."""

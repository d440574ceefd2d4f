"""Of which kind each value is, and of which kinds the node alone speaks."""

from detente.core.agreement import Agreement
from detente.core.availability import Availability
from detente.core.committed import Check
from detente.core.entry import EntryKind
from detente.core.erasure import Erasure
from detente.core.incident import Call, Incident, IncidentStep
from detente.core.notice import Notice
from detente.core.party import Party
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.report import Report
from detente.core.subscription import Subscription
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Delivery,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.warned import Warned
from detente.core.zone import Zone

KINDS: dict[type, EntryKind] = {
    Agreement: EntryKind.AGREEMENT,
    Party: EntryKind.PARTY,
    Notice: EntryKind.NOTICE,
    Presence: EntryKind.PRESENCE,
    Zone: EntryKind.ZONE,
    Plan: EntryKind.PLAN,
    Report: EntryKind.REPORT,
    Subscription: EntryKind.SUBSCRIPTION,
    Availability: EntryKind.AVAILABILITY,
    Acknowledgement: EntryKind.ACKNOWLEDGEMENT,
    Objection: EntryKind.OBJECTION,
    Answer: EntryKind.ANSWER,
    ReleaseRequest: EntryKind.RELEASE_REQUEST,
    ReleaseDecision: EntryKind.RELEASE_DECISION,
    Delivery: EntryKind.DELIVERY,
    Erasure: EntryKind.ERASURE,
    Check: EntryKind.CHECK,
    Incident: EntryKind.INCIDENT,
    IncidentStep: EntryKind.INCIDENT_STEP,
    Call: EntryKind.CALL,
    Warned: EntryKind.ALERT,
}

OF_NODE = frozenset(map(EntryKind, ("agreement", "party", "delivery", "check", "call", "alert")))
"""What the node alone says."""

"""Principal: who asks, by what proof, and what he may ask for.

However a request proves itself (a party's own signature, a token, a client's
secret, a person's session), it becomes one ``Principal``, and every verb asks
only that. Nothing here says what a party may *see*: that is release's to say.

Source: RFC 6749 section 3.3 (scopes); ASTM F3548-21 annex A2 (its scopes).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from detente.core.party import PartyId
from detente.errors import NotPermitted


class Scope(StrEnum):
    """One thing that a request may be for. ``SCOPES`` says what each is."""

    READ = "detente.read"
    CHECK = "detente.check"
    SUBSCRIBE = "detente.subscribe"
    ACKNOWLEDGE = "detente.acknowledge"
    WRITE_NOTICES = "detente.notices.write"
    WRITE_PRESENCE = "detente.presence.write"
    WRITE_ZONES = "detente.zones.write"
    WRITE_PLANS = "detente.plans.write"
    WRITE_REPORTS = "detente.reports.write"
    WRITE_OBJECTIONS = "detente.objections.write"
    CALL = "detente.call"
    RELEASE = "detente.release"
    ERASE = "detente.erase"
    AUDIT = "detente.audit"
    ADMIN = "detente.admin"
    UTM_STRATEGIC_COORDINATION = "utm.strategic_coordination"
    UTM_CONSTRAINT_MANAGEMENT = "utm.constraint_management"
    UTM_CONSTRAINT_PROCESSING = "utm.constraint_processing"
    UTM_CONFORMANCE_MONITORING_SA = "utm.conformance_monitoring_sa"
    UTM_AVAILABILITY_ARBITRATION = "utm.availability_arbitration"


class Role(StrEnum):
    """What somebody does at a party's desk. ``ROLES`` says what each may ask for."""

    NOTIFIER = "notifier"
    PLANNER = "planner"
    LIAISON = "liaison"
    WATCH = "watch"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Method(StrEnum):
    """By what a request proved itself."""

    SIGNED = "signed"
    TOKEN = "token"  # noqa: S105 - a word, no secret
    CLIENT = "client"
    SESSION = "session"


SCOPES: Mapping[Scope, str] = MappingProxyType(
    {
        Scope.READ: "List, search and read what was released to the party.",
        Scope.CHECK: "Ask what a planned activity would meet.",
        Scope.SUBSCRIBE: "Be told of changes in an area.",
        Scope.ACKNOWLEDGE: "Acknowledge what one was told.",
        Scope.WRITE_NOTICES: "Notify sites and movements that must be spared.",
        Scope.WRITE_PRESENCE: "Say where the party's own people are.",
        Scope.WRITE_ZONES: "Declare zones.",
        Scope.WRITE_PLANS: "File plans, change and end them.",
        Scope.WRITE_REPORTS: "Give reports to others.",
        Scope.WRITE_OBJECTIONS: "Object to a plan, and answer an objection.",
        Scope.CALL: "Call on the hotline, and correct what was called.",
        Scope.RELEASE: "Ask to pass something on; grant or refuse it for one's own entries.",
        Scope.ERASE: "Destroy what the party itself said, once it is withdrawn.",
        Scope.AUDIT: "Read who was told what and when, and who has not acknowledged.",
        Scope.ADMIN: "Admit parties, revoke keys, keep accounts, put the agreement, erase.",
        Scope.UTM_STRATEGIC_COORDINATION: "F3548: operational intents and what they meet.",
        Scope.UTM_CONSTRAINT_MANAGEMENT: "F3548: create and change constraints.",
        Scope.UTM_CONSTRAINT_PROCESSING: "F3548: read constraints, and be told of them.",
        Scope.UTM_CONFORMANCE_MONITORING_SA: "F3548: report and read off-nominal intents.",
        Scope.UTM_AVAILABILITY_ARBITRATION: "F3548: declare whether a USS is available.",
    }
)
"""Every scope with what it is for: the only list of them."""

_DESK = frozenset({Scope.READ, Scope.CHECK, Scope.SUBSCRIBE, Scope.ACKNOWLEDGE, Scope.CALL})
"""What anyone at a party's desk may do: look, ask, be told, say that he was told, and call."""

ROLES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {
        Role.NOTIFIER: _DESK
        | {
            Scope.WRITE_NOTICES,
            Scope.WRITE_PRESENCE,
            Scope.WRITE_ZONES,
            Scope.WRITE_OBJECTIONS,
            Scope.UTM_CONSTRAINT_MANAGEMENT,
            Scope.UTM_CONSTRAINT_PROCESSING,
        },
        Role.PLANNER: _DESK
        | {
            Scope.WRITE_PLANS,
            Scope.WRITE_OBJECTIONS,
            Scope.UTM_STRATEGIC_COORDINATION,
            Scope.UTM_CONSTRAINT_PROCESSING,
        },
        Role.LIAISON: _DESK
        | {Scope.WRITE_REPORTS, Scope.WRITE_OBJECTIONS, Scope.RELEASE, Scope.ERASE},
        Role.WATCH: _DESK
        | {
            Scope.WRITE_PRESENCE,
            Scope.WRITE_OBJECTIONS,
            Scope.UTM_CONSTRAINT_PROCESSING,
            Scope.UTM_CONFORMANCE_MONITORING_SA,
        },
        Role.AUDITOR: frozenset({Scope.READ, Scope.AUDIT}),
        Role.ADMINISTRATOR: frozenset(
            {Scope.READ, Scope.ADMIN, Scope.UTM_AVAILABILITY_ARBITRATION}
        ),
    }
)
"""What each role may ask for: the only list of it."""

PARTY_ROLES = frozenset({Role.NOTIFIER, Role.PLANNER, Role.LIAISON, Role.WATCH})
"""What a party is to itself: its own key speaks for all its desks, and never for the node."""


class Principal(Struct, frozen=True, kw_only=True):
    """Who asks.

    Attributes:
        party: For whom he speaks.
        roles: As what; none where only scopes were given.
        scopes: What he may ask for.
        method: By what he proved himself.
        subject: The party's key, token subject, client id or account, as its source names it.
        issuer: Who vouches for it; None for the party's own key.
        expires: UTC; until when the proof holds; None for a signature, which is for one act.
    """

    party: PartyId
    method: Method
    subject: str
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[Scope] = frozenset()
    issuer: str | None = None
    expires: datetime | None = None

    def require(self, *scopes: Scope) -> None:
        """Refuse one who holds none of these scopes: each of them alone is enough.

        Raises:
            NotPermitted: He holds none.
        """
        if self.scopes.isdisjoint(scopes):
            raise NotPermitted(
                f"request of {self.party}",
                expected=f"scope {' or '.join(scopes)}",
                got=" ".join(sorted(self.scopes)) or "no scope",
            )


def scopes_of(roles: Iterable[Role]) -> frozenset[Scope]:
    """All that these roles may ask for."""
    return frozenset[Scope]().union(*(ROLES[role] for role in roles))


_PARTY_SCOPES = scopes_of(PARTY_ROLES)


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """The scopes among these names; others, which a token may carry for others, say nothing."""
    return frozenset(_BY_NAME[name] for name in names if name in _BY_NAME)


_BY_NAME: Mapping[str, Scope] = {scope.value: scope for scope in Scope}


def signed_principal(party: PartyId, key: str) -> Principal:
    """Who speaks by an entry that one of the party's own keys signed."""
    return Principal(
        party=party,
        method=Method.SIGNED,
        subject=key,
        roles=PARTY_ROLES,
        scopes=_PARTY_SCOPES,
    )

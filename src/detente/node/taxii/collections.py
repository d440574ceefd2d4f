"""Collections: one for the agreement, and one for each party, its inbox.

What is released to all members is in the agreement's; what is released to a party by name,
or granted to it on request, is in its inbox. Whoever is no member sees that the agreement's is
there, and may not read it; an inbox is read by its party, and written by the others.

Source: TAXII 2.1 section 5.1 and 5.2; docs/adr/0023.
"""

from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from detente.core.agreement import AgreementState
from detente.core.principal import Principal, Scope
from detente.errors import NotFound
from detente.node.world import Shown

AGREEMENT = "agreement"
"""Alias of the agreement's collection."""

INBOX = "inbox:"
"""An inbox's alias begins so: no party can be called like the agreement's."""

_SEED = UUID("2f1c0c5e-6f0b-4b52-9d0c-2c7e0a3d8f11").bytes
"""Drawn at random once, so that a collection has the same id in every process and for ever."""


class Collection(Struct, frozen=True, kw_only=True):
    """One collection, as one asker may use it.

    Attributes:
        inbox: Whose inbox it is; None for the agreement's.
    """

    id: str
    alias: str
    title: str
    inbox: str | None
    can_read: bool
    can_write: bool


def collections(shown: Shown, theatre: str, principal: Principal) -> tuple[Collection, ...]:
    """All that the asker may know of: the agreement's first, then inboxes by party."""
    return tuple(_collections(shown, theatre, principal))


def collection(shown: Shown, theatre: str, principal: Principal, name: str) -> Collection:
    """One of them, by its id or alias.

    Raises:
        NotFound: There is none.
    """
    for one in _collections(shown, theatre, principal):
        if name in {one.id, one.alias}:
            return one
    raise NotFound(f"collection {name}")


def _collections(shown: Shown, theatre: str, principal: Principal) -> Iterator[Collection]:
    agreement = shown.agreement
    reads = Scope.READ in principal.scopes
    in_force = agreement.state is AgreementState.IN_FORCE
    writes = Scope.WRITE_REPORTS in principal.scopes and in_force
    member = principal.party in (agreement.members or shown.parties)
    yield Collection(
        id=_id_of(theatre, ""),
        alias=AGREEMENT,
        title=agreement.name,
        inbox=None,
        can_read=reads and member,
        can_write=writes and member,
    )
    for party in sorted(shown.parties):
        own = party == principal.party
        yield Collection(
            id=_id_of(theatre, party),
            alias=f"{INBOX}{party}",
            title=f"For {shown.parties[party].name}",
            inbox=party,
            can_read=reads and own,
            can_write=writes and not own,
        )


def _id_of(theatre: str, party: str) -> str:
    """A UUID of version 4, as TAXII wants it, whose bits are pseudo-random: a hash.

    Source:
        TAXII 2.1 section 2 (identifier); RFC 4122 section 4.4.
    """
    drawn = sha256(_SEED + f"{theatre}/{party}".encode()).digest()
    return str(UUID(bytes=drawn[:16], version=4))

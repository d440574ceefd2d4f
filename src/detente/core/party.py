"""Party: who speaks. A nation, agency or operator, with desks and keys."""

import re
from hashlib import sha256
from typing import Annotated

from msgspec import Meta, Struct

from detente.errors import MalformedInput

NAME_LENGTH_MAX = 200
"""Characters in a name: the longest official facility names in OCHA and WHO lists stay under it."""

Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
PartyId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$(?!\n)")]
"""So that it may stand in paths, in names of files and in addresses."""

KeyId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$(?!\n)")]

Category = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_/-]{0,62}$(?!\n)")]
"""A lower-case token such as ``medical``; agreements set separations by it."""

FREE_TEXT_MAX = 4_000
FreeText = Annotated[str, Meta(max_length=FREE_TEXT_MAX)]
"""Two printed pages: what a person will read in a hurry, and no more."""


class Desk(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A duty desk: a role that is always staffed, never a named person (M1)."""

    id: PartyId
    name: Name
    contacts: Annotated[tuple[Name, ...], Meta(max_length=10)] = ()


def slug(name: str, *, what: str) -> str:
    """A name as an id: lower-case letters, digits and hyphens.

    Raises:
        MalformedInput: Nothing of it is left.
    """
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")
    if not found:
        raise MalformedInput(what, expected="letters a-z or digits (or give --id)", got=name)
    return found


def key_id(public_key: bytes) -> str:
    """Short name of a public key: 16 hex digits of its SHA-256."""
    return sha256(public_key).hexdigest()[:16]


class PublicKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An Ed25519 key (RFC 8032) with which a party signs entries.

    Revocation takes effect by record index, never by a claimed time.

    Raises:
        MalformedInput: ``id`` is not that of the key.
    """

    id: KeyId
    ed25519: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]

    def __post_init__(self) -> None:
        if self.id != key_id(bytes.fromhex(self.ed25519)):
            raise MalformedInput("key id", expected="16 hex digits of the key's SHA-256")


class Party(Struct, frozen=True, kw_only=True, tag="party", omit_defaults=True):
    """Who speaks, with the desks to call and the keys that sign.

    ``subject`` is what token issuers and F3548 (its ``manager``) call the party,
    where that is not its id.
    """

    id: PartyId
    name: Name
    desks: Annotated[tuple[Desk, ...], Meta(max_length=100)] = ()
    keys: Annotated[tuple[PublicKey, ...], Meta(max_length=100)] = ()
    subject: Name | None = None

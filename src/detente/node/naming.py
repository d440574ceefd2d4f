"""What alerts are called: names that the node can tell apart again, and nobody else.

A party may be told of an alert whose track it is not shown. That the same track neared it
yesterday is not for it to know, so a name is a keyed hash of all that makes the alert, its
begin included. Processes that share the node's key give one alert of one begin one name.

Source: RFC 7693 (BLAKE2, keyed); docs/rules/R-10.md; docs/adr/0032.
"""

from datetime import datetime
from hashlib import blake2b

from nacl.signing import SigningKey

from detente.core.alerts import Key
from detente.core.volume import microseconds

NAME_BYTES = 16
"""Two of a billion alerts bear one name with a chance of 1e-21."""


def naming_key(key: SigningKey) -> bytes:
    """The key of names, drawn from the node's own; 32 bytes that tell nothing of it."""
    return blake2b(bytes(key), digest_size=32, person=b"detente alerts").digest()


def name_of_alert(key: bytes, party: str, about: Key, begun: datetime) -> str:
    """The name of an alert to one party, 32 hex digits.

    Args:
        key: From ``naming_key``; of a process without a register any.
        party: Who is told.
        about: The track, and the entry or None.
        begun: When it began, UTC.
    """
    track, entry = about
    said = f"{party}\n{entry or ''}\n{microseconds(begun)}\n{track}"
    return blake2b(said.encode(), key=key, digest_size=NAME_BYTES).hexdigest()

"""Real keys and real tokens, for the tests of access."""

import base64
import json
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from detente.core.party import Party

NOW_S = 1_780_000_000.0

RSA = RSAKey.generate_key(2_048)
EC = ECKey.generate_key("P-256")
ED = OKPKey.generate_key("Ed25519")


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a token that holds; None takes one out."""
    given = {
        "iss": "https://issuer.example",
        "sub": "one",
        "aud": "node.example",
        "exp": NOW_S + 600,
        "nbf": NOW_S - 1,
        "scope": "utm.strategic_coordination detente.read unknown.scope",
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def token(
    key: Key = RSA, alg: str = "RS256", *, header: dict[str, Any] | None = None, **changes: Any
) -> bytes:
    """A signed token."""
    payload = json.dumps(claims(**changes)).encode()
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    registry.get_alg = lambda name: jws.JWSRegistry.algorithms[name]  # type: ignore[method-assign] # EdDSA without its warning
    return jws.serialize_compact(
        {"alg": alg, **(header or {})}, payload, key, registry=registry
    ).encode()


def raw_token(header: object, payload: object, signature: bytes = b"") -> bytes:
    """A token put together by hand."""
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)


class Parties:
    """Who is admitted, without a record."""

    def __init__(self, *known: str) -> None:
        self.parties = {party: Party(id=party, name=party) for party in known}

    def known(self, party: str) -> bool:
        return party in self.parties

    def party_of(self, subject: str) -> str | None:
        for party in self.parties.values():
            if (party.subject or party.id) == subject:
                return party.id
        return None

    async def catch_up(self) -> None:
        """Nobody else admits anyone here."""

    async def introduce(self, party: Party) -> None:
        self.parties[party.id] = party

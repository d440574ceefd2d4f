"""Tokens for programs: the node's token endpoint, its keys, and where both are.

What a client sees is OAuth 2.0 and not ours: the errors of ``/v1/token`` are those of
RFC 6749 section 5.2, so that any OAuth library reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.response import Response
from msgspec import Struct

from detente.doors.asgi_auth import TheGate, address_of, clock_s
from detente.node.access.tokens import Granted, TokenRefused, answer_of, read_request

FORM = "application/x-www-form-urlencoded"

NO_STORE = {"cache-control": "no-store"}
"""No cache on the way may keep a token (RFC 6749 section 5.1)."""

OPEN: list[dict[str, list[str]]] = [{}]
"""What is asked here is asked before one has a token."""


class TokenError(Struct, frozen=True, kw_only=True):
    """Why there is no token (RFC 6749 section 5.2)."""

    error: str
    error_description: str


_TEXT = Schema(type=OpenAPIType.STRING)


@dataclass
class TokenOperation(Operation):
    """The token endpoint's form, for the interface's documentation."""

    def __post_init__(self) -> None:
        """Add the body, which the handler reads itself."""
        self.request_body = RequestBody(
            required=True,
            content={
                FORM: OpenAPIMediaType(
                    schema=Schema(
                        type=OpenAPIType.OBJECT,
                        required=["grant_type"],
                        properties={
                            "grant_type": Schema(
                                type=OpenAPIType.STRING, enum=["client_credentials"]
                            ),
                            "scope": _TEXT,
                            "client_id": _TEXT,
                            "client_secret": _TEXT,
                        },
                    )
                )
            },
        )


@post(
    "/v1/token",
    status_code=200,
    tags=["access"],
    security=OPEN,
    opt={"media_types": frozenset({FORM.encode()})},
    operation_class=TokenOperation,
    responses={
        400: ResponseSpec(TokenError, description="The request is not one for a token."),
        401: ResponseSpec(TokenError, description="No such client, or another secret."),
    },
)
async def token(request: Request[Any, Any, Any], gate: TheGate) -> Response[Granted]:
    """Give a client a token for ten minutes (OAuth 2.0 client credentials).

    By HTTP Basic, or by ``client_id`` and ``client_secret`` in the form.
    """
    try:
        asked = read_request(
            request.headers.get("authorization"),
            request.headers.get("content-type", ""),
            await request.body(),
        )
        granted = await gate.grant(asked, address=address_of(request.scope), now_s=clock_s())
    except TokenRefused as refused:
        return _refusal(refused)
    return Response(granted, headers=NO_STORE)


def _refusal(refused: TokenRefused) -> Response[Any]:
    unknown = refused.error == "invalid_client"
    challenge = {"www-authenticate": 'Basic realm="detente"'} if unknown else {}
    return Response(
        TokenError(**answer_of(refused)),
        status_code=401 if unknown else 400,
        headers={**NO_STORE, **challenge},
    )


@get("/v1/keys", tags=["access"], security=OPEN)
async def keys(gate: TheGate) -> dict[str, Any]:
    """Public keys of the node's tokens, as a JWKS (RFC 7517)."""
    return gate.tokens.keys.jwks()


@get("/.well-known/oauth-authorization-server", tags=["access"], security=OPEN)
async def metadata(gate: TheGate) -> dict[str, Any]:
    """Where tokens are to be had (RFC 8414)."""
    return gate.tokens.metadata()


def handlers() -> Sequence[HTTPRouteHandler]:
    """The routes of this module."""
    return [token, keys, metadata]

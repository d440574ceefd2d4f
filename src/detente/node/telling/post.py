"""One attempt to post to a webhook or a peer: within limits, to an address that may be asked.

Source: Standard Webhooks (spec v1.0.0): headers, signature, what counts as taken.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import httpx
from msgspec import Struct
from standardwebhooks import Webhook

from detente.errors import DetenteError
from detente.node.telling.address import Address, Allowed, Target, resolve, target

ATTEMPT_TIMEOUT_S = 15.0
"""For one attempt in all, as Standard Webhooks has it (15 to 30 s)."""

CONNECT_TIMEOUT_S = 5.0
"""For the handshake with a server that is there at all."""

ANSWER_BYTES_MAX = 4_096
"""Read of an answer, and thrown away: only its status counts."""

RETRY_AFTER_MAX_S = 3_600
"""A receiver may ask for an hour's rest, and not for more."""

_OK = range(200, 300)

logging.getLogger("httpx").setLevel(logging.WARNING)  # It would log every address.


class Attempt(Struct, frozen=True, kw_only=True):
    """What became of an attempt; ``status`` None where no answer came."""

    ok: bool
    status: int | None = None
    retry_after_s: int = 0


class Posted(Protocol):
    """What is posted."""

    @property
    def body(self) -> bytes:
        """JSON."""

    def headers(self, now: datetime) -> dict[str, str]:
        """What proves from whom it is; ``now`` is UTC."""


class Message(Struct, frozen=True, kw_only=True):
    """What is posted to a webhook. ``id`` stays the same when the same is posted again."""

    id: str
    body: bytes
    secret: bytes

    def headers(self, now: datetime) -> dict[str, str]:
        """Standard Webhooks' id, time and signature."""
        signature = Webhook(self.secret).sign(self.id, now, self.body.decode())
        return {
            "webhook-id": self.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }


class Poster:
    """Posts. One event loop's.

    Args:
        allowed: Where it may go.
        tls: Whose certificates are believed; None is whom this machine believes.
    """

    def __init__(self, allowed: Allowed, tls: ssl.SSLContext | None = None) -> None:
        self._allowed = allowed
        self._client = httpx.AsyncClient(
            verify=tls or ssl.create_default_context(),
            # A proxy of the environment's would connect to what was not looked at.
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(ATTEMPT_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            # Kept connections go by address: two names at one address would share one.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def post(self, url: str, message: Posted, *, now: datetime, turn: int = 0) -> Attempt:
        """Post once, whatever happens.

        Args:
            url: The subscriber's.
            message: What.
            now: UTC; signed with it.
            turn: Of several addresses, which.
        """
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                found = target(url, self._allowed)
                addresses = await resolve(found, self._allowed)
                return await self._post(found, addresses, message, (now, turn))
        except (DetenteError, TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError):
            return Attempt(ok=False)

    async def _post(
        self,
        found: Target,
        addresses: Sequence[Address],
        message: Posted,
        at: tuple[datetime, int],
    ) -> Attempt:
        now, turn = at[0].astimezone(UTC), at[1]
        request = self._client.build_request(
            "POST",
            found.url_at(addresses[turn % len(addresses)]),
            content=message.body,
            headers={
                "host": found.authority,
                "content-type": "application/json",
                "user-agent": "detente",
                **message.headers(now),
            },
            # The certificate is that of the name, whatever the address.
            extensions={"sni_hostname": found.host},
        )
        response = await self._client.send(request, stream=True)
        try:
            await _drain(response)
        finally:
            await response.aclose()
        return Attempt(
            ok=response.status_code in _OK,
            status=response.status_code,
            retry_after_s=_retry_after_s(response.headers.get("retry-after", "")),
        )


async def _drain(response: httpx.Response) -> None:
    """Read a little, so that a server that writes first is not cut off while it does."""
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            return


def _retry_after_s(text: str) -> int:
    """Whole seconds; a date is as good as none, for our backoff comes back anyway."""
    return min(int(text), RETRY_AFTER_MAX_S) if text.isascii() and text.isdigit() else 0

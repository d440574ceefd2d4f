"""What the operations need of a node."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from detente.core.principal import Principal
from detente.doors.asgi_edge import Exchange
from detente.errors import NotAuthentic
from detente.node.alerted import Alerting
from detente.node.asking import Asking
from detente.node.engine import Engine
from detente.node.evidence import Notary
from detente.node.quarantine import Quarantine
from detente.node.reading import Reading

Who = Callable[[MutableMapping[str, Any]], Awaitable[Principal]]
"""Tells who asks, by the request's scope (detente.doors.asgi_auth)."""


Device = Callable[[MutableMapping[str, Any], bool], Awaitable[Principal]]
"""Tells whose device asks, and counts it if it calls (detente.doors.http.device)."""


class Desk:
    """A node's verbs, for whoever comes in by this door.

    Args:
        engine: At work.
        asking: Answers checks.
        reading: Answers readers.
        who: Tells who asks.
        device: Tells whose device calls, where nobody is signed in at it.
        quarantine: What devices sent in vain.
        notary: Gives with what evidence is made.
        alerting: Shows what moves and what nears what.
    """

    def __init__(  # noqa: PLR0913 - all of a node that operations use
        self,
        *,
        engine: Engine,
        asking: Asking,
        reading: Reading,
        who: Who,
        device: Device,
        quarantine: Quarantine,
        notary: Callable[[], Notary],
        alerting: Alerting,
    ) -> None:
        self.engine = engine
        self.asking = asking
        self.reading = reading
        self.notary = notary
        self.quarantine = quarantine
        self.alerting = alerting
        self._who = who
        self._device = device

    async def enter(self, exchange: Exchange) -> Principal:
        """Who asks.

        Raises:
            NotAuthentic: Nothing is proven.
            NotPermitted: The party is not admitted.
        """
        principal = await self._who(exchange.scope)
        exchange.party = principal.party
        return principal

    async def caller(self, exchange: Exchange, *, calls: bool = True) -> Principal:
        """Who calls on the hotline: as for ``enter``, or else a device that its party enrolled.

        Args:
            exchange: The request.
            calls: Whether this is the call itself, which is counted, or what leads to it.

        Raises:
            NotAuthentic: Nothing is proven, and it is no device of a party.
            NotPermitted: The party is not admitted.
            RateLimited: The device calls too often.
        """
        try:
            return await self.enter(exchange)
        except NotAuthentic as error:
            try:
                principal = await self._device(exchange.scope, calls)
            except NotAuthentic:
                raise error from None
        exchange.party = principal.party
        return principal

"""Telling: who is told of what, how it reaches them, and who stays silent.

``Telling`` is all of it, for one process of a node. The pieces, in the order of an
entry's way: listening (the record has grown), tail (its end, opened), sight (what
an entry is to a reader), matching (which subscriptions it is for), events (pages of
it), disclosures (that it was shown, on record), deliver (webhooks), people (mail and chat),
peers (the USSs of F3548), silence (who has not acknowledged).
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import TypeVar

from detente.node.asking import Follow
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.telling.address import Allowed
from detente.node.telling.deliver import LEASE, Deliverer, ended
from detente.node.telling.disclosures import Disclosures, disclosures_of
from detente.node.telling.events import Events
from detente.node.telling.lease import LOST_AFTER_S, Lease
from detente.node.telling.listening import Listening
from detente.node.telling.peers import Peers
from detente.node.telling.people import People, PeopleTerms
from detente.node.telling.post import Poster
from detente.node.telling.secret import WebhookSecrets
from detente.node.telling.tail import Tail
from detente.store import Record

T = TypeVar("T")


class Telling:
    """What tells, in one process.

    Args:
        engine: At work.
        keyring: Beside which the webhook secret is.
        allowed: Where webhooks may go.
        tls: Whose certificates are believed; None is whom this machine believes.
        peers: Makes what tells peers of F3548; None where the node is no USS.
        lost_after_s: After which silence the lease of another process ends.
        people: How people are told.

    Attributes:
        listening, tail, events, disclosures, secrets, people: Its parts.
    """

    def __init__(  # noqa: PLR0913 - its parts
        self,
        engine: Engine,
        keyring: Keyring,
        allowed: Allowed,
        *,
        tls: ssl.SSLContext | None = None,
        peers: Callable[[Engine, Tail, Events], Peers] | None = None,
        lost_after_s: float = LOST_AFTER_S,
        people: PeopleTerms | None = None,
    ) -> None:
        self.engine = engine
        self.allowed = allowed
        self.listening = Listening(engine)
        self.tail = Tail(engine)
        self.events = Events(engine, self.tail)
        self.disclosures: Disclosures = disclosures_of(engine)
        self.secrets = WebhookSecrets.load(keyring)
        self.people = People(self.secrets.master, allowed, people or PeopleTerms())
        self._poster = Poster(allowed, tls)
        self._deliverer = Deliverer(
            engine,
            self.tail,
            self.listening,
            secrets=self.secrets,
            poster=self._poster,
            people=self.people,
            lease=Lease(engine, LEASE, lost_after_s=lost_after_s),
            peers=None if peers is None else peers(engine, self.tail, self.events),
        )
        self._delivering: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; the engine is at work.

        Raises:
            Unavailable: The record cannot be read.
        """
        await self.tail.start()
        self.listening.start()
        self._delivering = asyncio.create_task(self._deliverer.run())

    async def catch_up(self) -> None:
        """See what other processes appended before this was asked.

        Raises:
            Unavailable: The record cannot be read.
        """
        if await self.tail.run(self.engine.store.size) > self.listening.size:
            await self.engine.act(Follow())

    async def read(self, look_up: Callable[[Record], T]) -> T:
        """Ask something of one state of the record, in a thread.

        Raises:
            DetenteError: As ``look_up``, or the record cannot be read.
        """

        def once() -> T:
            with self.engine.store.reading() as record:
                return look_up(record)

        return await self.tail.run(once)

    async def stop(self) -> None:
        """End all streams, and leave what waits to whoever starts next."""
        await self.listening.stop()
        if self._delivering is not None:
            await ended(self._delivering)
        await self._poster.close()
        self.tail.stop()

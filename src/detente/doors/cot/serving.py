"""The door: its listeners, who may come in, and what becomes of what they say.

Source: docs/cot.md; docs/adr/0026.
"""

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial

import msgspec
from msgspec import Struct

from detente.core.party import PartyId
from detente.core.principal import Method, Principal, Scope
from detente.core.release import Release
from detente.doors import asgi_tls
from detente.doors.asgi_log import say
from detente.doors.cot.audience import Audience
from detente.doors.cot.client import EVENTS_MAX, Client, Pace
from detente.doors.cot.event import Event, event_of
from detente.doors.cot.mapping import FEED, PRESSED, TAKEN_BACK, press_of, unit_of
from detente.doors.cot.stream import read_datagram
from detente.errors import DetenteError, MalformedInput, Unavailable, reason_of
from detente.node.access.gate import REVOKED_WITHIN_S
from detente.node.hotline.pressing import Pressing
from detente.node.metrics import COT_CONNECTIONS
from detente.node.presencing import Presencing
from detente.node.quarantine import Refusal
from detente.node.service import Service
from detente.settings import Settings

SWEEP_EVERY_S = 1.0
HANDSHAKE_TIMEOUT_S = 10.0
BACKLOG = 1_024
PORT_MAX = 65_535

PLAIN_SUBJECT = "cot"
"""By what a connection without a certificate is known."""

_log = logging.getLogger("detente.cot")


class Shown(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of ``cot_release``: to whom a party shows its units."""

    party: PartyId
    release: Release


class Serving:
    """All that speaks Cursor on Target in one worker.

    Args:
        settings: Where it listens, and to whom units are shown.
        service: At work.

    Raises:
        MalformedInput: A setting of it is wrong.
    """

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings = settings
        self._service = service
        self._presencing = Presencing(service.engine, service.tracks, FEED, releases(settings))
        self._pressing = Pressing(service.engine, FEED, self._not_called)
        self._audiences: dict[str, Audience] = {}
        self._clients: set[Client] = set()
        self._servers: list[asyncio.AbstractServer] = []
        self._datagrams: asyncio.BaseTransport | None = None
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            Unavailable: An address cannot be had.
            MalformedInput: A certificate is wrong.
        """
        await self._presencing.recall(self._service.layers)
        await self._pressing.recall()
        settings = self._settings
        if settings.cot_tcp:
            await self._listen("tcp", settings.cot_tcp, self._plain(), None)
        if settings.cot_tls:
            await self._listen("tls", settings.cot_tls, None, tls_context(settings))
        if settings.cot_udp:
            await self._listen_datagrams(settings.cot_udp, self._plain())
        self._sweeping = asyncio.get_running_loop().create_task(self._sweep())

    async def stop(self) -> None:
        """Let everyone go, and record what is under way."""
        for server in self._servers:
            server.close()
        if self._datagrams is not None:
            self._datagrams.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        for client in tuple(self._clients):
            client.transport.abort()
        for one in self._audiences.values():
            await one.stop()
        await self._presencing.stop()
        await self._pressing.stop()

    def now(self) -> datetime:
        """UTC."""
        return self._service.engine.clock()

    def enter(self, client: Client) -> bool:
        """Whether one more may come in."""
        if len(self._clients) >= self._settings.connections_max:
            return False
        self._clients.add(client)
        COT_CONNECTIONS.inc()
        return True

    def leave(self, client: Client) -> None:
        """One is gone."""
        if client in self._clients:
            self._clients.discard(client)
            COT_CONNECTIONS.dec()
        for one in self._audiences.values():
            one.listeners.discard(client)

    async def who(self, certificate: bytes) -> Principal:
        """Whose certificate it is.

        Raises:
            NotAuthentic, NotPermitted: Nobody's here.
        """
        return await self._service.gate.by_certificate(certificate, time.time())

    async def join(self, client: Client) -> None:
        """Show a client what its party may see."""
        assert client.principal is not None, "it was asked"  # noqa: S101
        party = client.principal.party
        if party not in self._audiences:
            self._audiences[party] = Audience(self._service, self._presencing, client.principal)
            self._audiences[party].start()
        await self._audiences[party].join(client)

    def take(self, principal: Principal, event: Event) -> None:
        """What a party says of its units, and whoever carries one for himself.

        Raises:
            DetenteError: It may not, or it says what no unit can.
        """
        if event.type == "t-x-d-d":
            for uid in event.links:
                self._presencing.over(principal, uid)
        elif event.type in PRESSED:
            disc_of = partial(self._presencing.disc_of, principal.party)
            self._pressing.press(principal, press_of(event, disc_of))
        elif event.type == TAKEN_BACK:
            self._pressing.take_back(principal, event.uid)
        else:
            self._presencing.report(principal, unit_of(event, self.now()))

    def refuse(self, party: str, account: str, error: DetenteError, size: int) -> None:
        """Keep what is passed on to nobody."""
        self._service.quarantine.put(
            Refusal(at=self.now(), party=party, account=account, reason=str(error), size=size),
            error.code,
            reason_of(error),
        )

    def _not_called(self, principal: Principal, error: DetenteError) -> None:
        self.refuse(principal.party, principal.subject, error, 0)

    def datagram(self, principal: Principal, data: bytes) -> None:
        """Take one datagram."""
        try:
            self.take(principal, event_of(read_datagram(data), self.now()))
        except DetenteError as error:
            self.refuse(principal.party, principal.subject, error, len(data))

    def _plain(self) -> Principal:
        """For whom whoever proves nothing speaks."""
        party = self._settings.cot_party
        if party not in self._service.engine.world.parties:
            raise MalformedInput("cot_party", expected="a party that is admitted")
        return Principal(
            party=party,
            method=Method.CLIENT,
            subject=PLAIN_SUBJECT,
            scopes=frozenset({Scope.READ, Scope.WRITE_PRESENCE}),
        )

    async def _listen(
        self, kind: str, at: str, principal: Principal | None, tls: ssl.SSLContext | None
    ) -> None:
        host, port = address_of(at, what=f"cot_{kind}")
        try:
            server = await asyncio.get_running_loop().create_server(
                lambda: Client(self, principal),
                host,
                port,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if tls else None,
                backlog=BACKLOG,
            )
        except OSError as error:
            raise Unavailable(f"cot_{kind} {at}", got=error.strerror or "no such address") from None
        self._servers.append(server)
        for one in server.sockets:
            _say_where(kind, one.getsockname())

    async def _listen_datagrams(self, at: str, principal: Principal) -> None:
        host, port = address_of(at, what="cot_udp")
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(self, principal), local_addr=(host, port)
            )
        except OSError as error:
            raise Unavailable(f"cot_udp {at}", got=error.strerror or "no such address") from None
        self._datagrams = transport
        _say_where("udp", transport.get_extra_info("sockname"))

    async def _sweep(self) -> None:
        asked_s = time.monotonic()
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            with contextlib.suppress(DetenteError):
                self._presencing.sweep()
            for client in tuple(self._clients):
                if client.is_stuck(self._settings.write_timeout_s):
                    client.cut_off()
            self._report_refused()
            if time.monotonic() - asked_s >= REVOKED_WITHIN_S:
                asked_s = time.monotonic()
                await self._ask_again()

    async def _ask_again(self) -> None:
        """End the connections of those that were revoked."""
        for client in tuple(self._clients):
            if client.principal is not None and client.certificate:
                try:
                    await self.who(client.certificate)
                except DetenteError:
                    client.transport.abort()

    def _report_refused(self) -> None:
        """A line a party and second, not one an event."""
        counted = self._service.quarantine.counted
        for party, count in counted.items():
            newest = self._service.quarantine.of(party)[0]
            say(
                _log, logging.WARNING, "cot quarantined",
                party=party, count=count, reason=newest.reason,
            )  # fmt: skip
        counted.clear()


class _Datagrams(asyncio.DatagramProtocol):
    """Events that come one a datagram."""

    def __init__(self, serving: Serving, principal: Principal) -> None:
        self._serving = serving
        self._principal = principal
        self._pace = Pace()

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio's
        """Take it, unless too many come: they cannot be made to wait."""
        if self._pace.take():
            self._serving.datagram(self._principal, data)
        else:
            limit = Unavailable("datagrams", expected=f"at most {EVENTS_MAX} a second")
            self._serving.refuse(self._principal.party, self._principal.subject, limit, len(data))


def releases(settings: Settings) -> Mapping[str, Release]:
    """To whom each party shows its units.

    Raises:
        MalformedInput: A table is wrong.
    """
    try:
        tables = msgspec.convert(settings.cot_release, tuple[Shown, ...])
    except msgspec.ValidationError as error:
        raise MalformedInput("cot_release", got=str(error)) from None
    return {one.party: one.release for one in tables}


def address_of(text: str, *, what: str) -> tuple[str, int]:
    """HOST:PORT, or a PORT of this machine alone.

    Raises:
        MalformedInput: Neither.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > PORT_MAX:
        raise MalformedInput(what, expected="HOST:PORT, or a port of this machine", got=text)
    return host.strip("[]") or "127.0.0.1", int(port)


def tls_context(settings: Settings) -> ssl.SSLContext:
    """As the node's own, and everyone shows a certificate.

    Raises:
        MalformedInput: The node has no certificate, or no authority of clients'.
    """
    made = asgi_tls.context(settings)
    if made is None or not settings.tls_client_ca:
        raise MalformedInput("cot_tls", expected="tls_certificate, tls_key and tls_client_ca too")
    made.verify_mode = ssl.CERT_REQUIRED
    # TAK clients name no protocol.
    made.set_alpn_protocols([])
    return made


def _say_where(kind: str, at: tuple[str, int]) -> None:
    say(_log, logging.INFO, "cot listening", address=f"{kind} {at[0]}:{at[1]}")

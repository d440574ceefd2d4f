"""People: a desk is told by mail or chat that there is something to read, and nothing more.

Mail and chat protect nothing, so a message says how many entries of which kinds, since when,
and where to read them: no name, no place, no word of anyone. Where it goes is an address of
apprise, which may hold a password: it is kept sealed in the subscription, so that the record
and the database hold none, and opened where ``webhooks.secret`` is.

That a gateway took a message says that, and not that anybody read it.

Source: docs/telling.md; apprise's addresses.
"""

import asyncio
import base64
import binascii
import hmac
import re
import sys
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import nacl.exceptions
from msgspec import Struct
from nacl.secret import SecretBox

from detente.core.entry import EntryKind
from detente.errors import MalformedInput, NotPermitted, Unavailable
from detente.node.gateway import ANSWER, Order
from detente.node.telling.address import Allowed
from detente.node.telling.post import Attempt
from detente.node.telling.sight import Event

SECURE = frozenset(
    {"mailtos", "jsons", "ntfys", "matrixs", "signals", "mmosts", "slack", "workflows"}
)
"""Gateways that are spoken to by TLS: mail; a web address, ntfy; chats, the last Microsoft's."""

PLAIN = frozenset({"mailto", "json", "ntfy", "matrix", "signal", "mmost"})
"""The same without; only where the operator allows webhooks without TLS."""

PARAMETERS = frozenset({"to", "from", "name", "smtp", "user", "pass", "priority"})
"""All others are refused: some read files, some turn off the look at certificates."""

_SPECIAL = re.compile(r"[,;\\<>\"]")
"""What apprise takes for the end of an address, or of a parameter."""

TARGET_LENGTH_MAX = 1_000
"""Characters of an address: a webhook's of Microsoft has some 400."""

SEALED_LENGTH_MAX = 4_000
"""The same in UTF-8, sealed, in base64."""

TIMEOUT_S = 30.0
"""For one message, the start of a process included: a mail server may take its time."""

AT_ONCE_MAX = 4
"""Processes at a time, some 60 MB each."""

REST_S = 60.0
"""Between two messages to the same people: what happens meanwhile is in the next."""


class PeopleTerms(Struct, frozen=True, kw_only=True):
    """How people are told.

    Attributes:
        url: The node's own, for the link in each message.
        rest_s: Between two messages to the same people.
    """

    url: str = ""
    rest_s: float = REST_S


class Note(Struct, frozen=True, kw_only=True):
    """What people are told."""

    title: str
    body: str


class _Sealed(Struct, frozen=True):
    party: str
    url: str


def check_target(url: str, allowed: Allowed) -> None:
    """Refuse what is no address of people, or one that does more than send.

    Where it leads is found out when it is connected to.

    Raises:
        MalformedInput: Another kind of address, or a parameter that is not taken; never what it
            says, for it may hold a password.
        NotPermitted: Without TLS.
    """
    what = "people"
    if len(url) > TARGET_LENGTH_MAX or not url.isprintable() or " " in url:
        raise MalformedInput(what, expected=f"an address of at most {TARGET_LENGTH_MAX} characters")
    scheme, _, rest = url.partition("://")
    if scheme not in SECURE | PLAIN or not rest:
        expected = " or ".join(f"{one}://" for one in sorted(SECURE))
        raise MalformedInput(what, expected=expected)
    if scheme in PLAIN and not allowed.http:
        raise NotPermitted(what, expected="a gateway with TLS", got=scheme)
    # Not as web addresses are read, but as apprise does, which takes ; for & and # for nothing.
    query = rest.partition("?")[2]
    names = {one.partition("=")[0] for one in query.split("&")} if query else set()
    if names - PARAMETERS or _SPECIAL.search(rest) or "?" in query:
        names_taken = ", ".join(sorted(PARAMETERS))
        expected = f"no parameter but {names_taken}; commas and the like percent-encoded"
        raise MalformedInput(what, expected=expected)


def note_of(events: Sequence[Event], link: str) -> Note:
    """What is said of events: how many of which kinds, and since when."""
    counts = Counter(event.kind.value for event in events)
    told = ", ".join(f"{count} of {kind}" for kind, count in sorted(counts.items()))
    since = events[0].at.strftime("%Y-%m-%d %H:%M:%SZ")
    called = any(event.kind is EntryKind.CALL for event in events)
    return Note(
        title=f"Détente: {'HOTLINE, you are called' if called else f'{len(events)} to read'}",
        body=f"There is something to read since {since}: {told}.\n{link}\n",
    )


TEST = Note(
    title="Détente: a test",
    body="A desk asked to be told here when there is something to read. Nothing happened.\n",
)
"""What goes out when a target is given: without it nothing is kept."""


def without_words(event: Event) -> Event:
    """An event of which only its kind and time are told."""
    return msgspec.structs.replace(event, view=None, shows=None, token=None)


class People:
    """Sends to people. One event loop's.

    Args:
        master: The node's secret (detente.node.telling.secret).
        allowed: Where messages may go.
        terms: How.
    """

    def __init__(self, master: bytes, allowed: Allowed, terms: PeopleTerms) -> None:
        self.terms = terms
        key = hmac.new(master, b"detente people", sha256).digest()
        self._box = SecretBox(key)
        self._allowed = allowed
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def sealed(self, party: str, url: str) -> str:
        """A target as it is kept, once it took a test message.

        Raises:
            MalformedInput, NotPermitted: As ``check_target``.
            Unavailable: The gateway did not take it.
        """
        check_target(url, self._allowed)
        if not await self._send(url, TEST):
            raise Unavailable("people", expected="a gateway that takes a test message")
        data = msgspec.json.encode(_Sealed(party, url))
        return base64.b64encode(self._box.encrypt(data)).decode()

    def note_of(self, events: Sequence[Event], subscription: str) -> Note:
        """What is said of events to those whom a subscription tells."""
        after = events[0].sequence - 1
        return note_of(
            events, f"{self.terms.url}/v1/events?after={after}&subscription={subscription}"
        )

    async def post(self, sealed: str, party: str, note: Note) -> Attempt:
        """Send once, whatever happens."""
        try:
            data = self._box.decrypt(base64.b64decode(sealed, validate=True))
            found = msgspec.json.decode(data, type=_Sealed)
            if found.party != party:  # Another's, copied.
                return Attempt(ok=False)
            check_target(found.url, self._allowed)
        except (
            binascii.Error, nacl.exceptions.CryptoError, ValueError, MalformedInput, NotPermitted,
        ):  # fmt: skip
            return Attempt(ok=False)
        return Attempt(ok=await self._send(found.url, note))

    async def _send(self, url: str, note: Note) -> bool:
        order = Order(url=url, title=note.title, body=note.body, allowed=self._allowed)
        async with self._turns:
            try:
                return await _handed_over(msgspec.json.encode(order))
            except (TimeoutError, OSError):
                return False


async def _handed_over(order: bytes) -> bool:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "detente.node.gateway",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # It might say what the address holds.
        cwd="/",
        # No proxy of the environment's; but the same modules.
        env={"PYTHONPATH": str(_ROOT), "PATH": "", "HOME": "/nonexistent"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(TIMEOUT_S):
            told, _ = await process.communicate(order)
        return told.endswith(ANSWER)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


_ROOT = Path(__file__).parents[3]

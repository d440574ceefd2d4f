"""The hotline of a node elsewhere: by a token, or by a party's own key.

With a key the entry is signed here and proves itself: no token is needed to say it. To see what
became of a call takes a token, as any reading does.
"""

import base64
import re
import secrets
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from nacl.signing import SigningKey

from detente.cli.common import utc_now
from detente.cli.remote import TOKEN, Remote, token_here, token_or_none
from detente.core.entry import ChainHead
from detente.core.incident import Incident, IncidentStep
from detente.doors.asgi_problem import Refused
from detente.errors import Conflict, DetenteError, MalformedInput, NotFound, NotPermitted
from detente.node.author import Author
from detente.node.hotline.lines import LinePage
from detente.node.keyring import Keyring

CHAIN_TRIES = 5
"""How often an entry is signed anew because the party said something else meanwhile."""

Said = Incident | IncidentStep
_WHOLE = re.compile(r"[0-9a-f]{32}", re.ASCII)


ID_BYTES = 16
"""Of an object's id, as entries have them."""

ID_SHORT_MIN = 8
"""Characters of a call's id that name it, as for a register here."""

# What goes over HTTP, as the interface is described. The node's own forms would load the node,
# kernels and all: a second before anybody is called.


class Me(Struct, frozen=True):
    """Whose token it is: of the answer of ``/v1/me``."""

    party: str


class Receipt(Struct, frozen=True, kw_only=True):
    """What the node answers once an entry is on disk."""

    sequence: int
    leaf: str
    object_id: str
    version: int


class NextEntry(Struct, frozen=True, kw_only=True):
    """Where a party's chain stands: the answer of ``/v1/chain``."""

    theatre: str
    party: str
    party_sequence: int
    previous: str | None


class SignedEntry(Struct, frozen=True, kw_only=True):
    """What ``/v1/entries`` takes."""

    envelope: str
    object: str
    salt: str


class Elsewhere(Struct, frozen=True, kw_only=True):
    """Where a command speaks, and as whom.

    Attributes:
        url: Of the node.
        party: As it was typed; None is whose token it is.
        keys: The folder with the party's own key; None where the token speaks.
    """

    url: str
    party: str | None
    keys: Path | None = None


def say(
    where: Elsewhere, value: Callable[[str, Callable[[str], str]], Said]
) -> tuple[Receipt, LinePage | None]:
    """Say something on the hotline; and the call that it is, where a token lets it be seen.

    Args:
        where: The node and who speaks.
        value: What is said, by a party, given what finds a call by its name.

    Raises:
        DetenteError: As the node refused it, or it could not be asked.
    """
    if where.keys is None:
        return _by_token(where, value)
    return _by_key(where, where.keys, value)


def lines(where: Elsewhere, *, only_open: bool) -> LinePage:
    """All calls that the token's party may see, from the first to the last.

    Raises:
        DetenteError: As the node refused it, or it could not be asked.
    """
    with closing(Remote(where.url, token_here())) as node:
        _whose(node, where.party)
        return _lines(node, only_open=only_open)


def _by_token(
    where: Elsewhere, value: Callable[[str, Callable[[str], str]], Said]
) -> tuple[Receipt, LinePage | None]:
    with closing(Remote(where.url, token_here())) as node:
        party = _whose(node, where.party)
        said = value(party, lambda name: _found(node, name))
        body = {part: each for part, each in msgspec.to_builtins(said).items() if part != "type"}
        path = "/v1/incidents"
        if isinstance(said, IncidentStep):
            path = f"{path}/{said.incident}/steps"
        receipt = node.post(path, body, Receipt, once=secrets.token_hex(ID_BYTES))
        return receipt, _seen(node, said, receipt)


def _by_key(
    where: Elsewhere, keys: Path, value: Callable[[str, Callable[[str], str]], Said]
) -> tuple[Receipt, LinePage | None]:
    party = where.party
    if party is None:
        raise MalformedInput("--party", expected="whose key speaks", got="none")
    key = Keyring(keys, keys).load(party)
    reads = token_or_none() is not None
    with closing(Remote(where.url, token_or_none())) as node:
        said = value(party, lambda name: _found(node, name) if reads else _whole(name))
        receipt = _signed(node, party, key, said)
        return receipt, _seen(node, said, receipt) if reads else None


def _signed(node: Remote, party: str, key: SigningKey, said: Said) -> Receipt:
    """Say something as the party's next entry, wherever its chain stands by then."""
    object_id = secrets.token_hex(ID_BYTES)
    told = node.get(f"/v1/chain/{party}", NextEntry)
    for _ in range(CHAIN_TRIES):
        try:
            return node.post("/v1/entries", _entry(told, key, said, object_id), Receipt)
        except Refused as refused:
            now = node.get(f"/v1/chain/{party}", NextEntry)
            if refused.code != Conflict.code or now == told:
                raise
            told = now
    raise Conflict(f"chain of {party}", expected="a moment in which it says nothing else")


def _entry(told: NextEntry, key: SigningKey, said: Said, object_id: str) -> SignedEntry:
    head = None
    if told.previous is not None:
        leaf = bytes.fromhex(told.previous)
        head = ChainHead(party_sequence=told.party_sequence - 1, leaf=leaf)
    author = Author(theatre=told.theatre, party=told.party, key=key, head=head)
    made = author.write(said, now=utc_now(), object_id=object_id)
    return SignedEntry(
        envelope=made.envelope.decode(),
        object=made.content.data.decode(),
        salt=base64.b64encode(made.content.salt).decode(),
    )


def _whose(node: Remote, party: str | None) -> str:
    """Whose token it is.

    Raises:
        NotPermitted: Another party's than was named.
    """
    me = node.get("/v1/me", Me)
    if party not in {None, me.party}:
        raise NotPermitted(f"--party {party}", expected=f"the party of the token, {me.party}")
    return me.party


def _seen(node: Remote, said: Said, receipt: Receipt) -> LinePage | None:
    """The call as it stands; None where it cannot be had: what was said is on record."""
    call = said.incident if isinstance(said, IncidentStep) else receipt.object_id
    try:
        return node.get(f"/v1/incidents/{call}", LinePage)
    except DetenteError as error:
        sys.stderr.write(f"detente: said, and on record; how the call stands: {error}\n")
        return None


def _lines(node: Remote, *, only_open: bool) -> LinePage:
    asked = {"open": "true"} if only_open else {}
    page = node.get("/v1/incidents", LinePage, **asked)
    found = list(page.lines)
    while page.more:
        page = node.get("/v1/incidents", LinePage, after=f"{page.after}", **asked)
        found += page.lines
    return replace(page, lines=tuple(found))


def _found(node: Remote, name: str) -> str:
    """The call that a whole id names, or its beginning, among those that the party may see."""
    if _WHOLE.fullmatch(name):
        return name
    calls = (one.incident.object for one in _lines(node, only_open=False).lines)
    found = [one for one in calls if one.startswith(name.lower())]
    if len(found) != 1 or len(name) < ID_SHORT_MIN:
        raise NotFound(f"call {name}", expected="the id of one, or its first 8 characters or more")
    return found[0]


def _whole(name: str) -> str:
    if not _WHOLE.fullmatch(name):
        raise MalformedInput(
            f"call {name}", expected=f"its whole id; with a token in {TOKEN}, its beginning does"
        )
    return name

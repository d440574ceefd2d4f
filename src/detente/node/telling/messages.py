"""Messages to webhooks: what stands in one, and what an attempt to deliver it leads to.

Source: Standard Webhooks (spec v1.0.0): payload and id; requirements H2, H13.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Struct

from detente.core.release import Grade
from detente.core.telling import Outcome
from detente.core.volume import microseconds
from detente.node.telling.cursors import Attempted
from detente.node.telling.disclosures import EXTENT, Delivered, shown_by
from detente.node.telling.events import EventPage
from detente.node.telling.people import Note
from detente.node.telling.post import Attempt, Message, Posted
from detente.node.telling.secret import WebhookSecrets
from detente.node.telling.sight import Event
from detente.store import Cursor

EVENTS_MAX = 100
"""Events in one message: each waits for one answer, and a busy area has hundreds a second."""

BODY_BYTES_MAX = 1_000_000
"""Of one message; a single event that is larger goes alone."""

PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 300.0
"""Pauses double from one to the other: who comes back is told within five minutes."""

DOUBLINGS_MAX = 16
"""After which the pause is the longest in any case."""

TOLD_EVERY = 10
"""Of the failures that follow an equal one, every tenth is said on the record."""

TYPE = "detente.events"


class Sending(Struct, frozen=True, kw_only=True):
    """A message under way.

    Attributes:
        upto: No later entry is in it, so that it stays the same when it is sent again.
        status: Of the last attempt that failed; 0 where no answer came, None before.
        sent: The entries that were in it then: what its reader may see can change meanwhile.
    """

    upto: int
    status: int | None = None
    sent: tuple[int, ...] = ()


class Data(Struct, frozen=True, kw_only=True):
    """For which subscription, and what happened, in order."""

    subscription: str
    events: tuple[Event, ...]


class Payload(Struct, frozen=True, kw_only=True):
    """What a receiver reads."""

    type: str
    timestamp: datetime
    data: Data


class Addressee(Protocol):
    """Whoever is posted to: the name of its cursor, its party, and how it is told."""

    @property
    def object_id(self) -> str:
        """Of its cursor."""

    @property
    def party(self) -> str:
        """Whose it is."""

    @property
    def how(self) -> str:
        """As Delivery has it."""


class Outgoing(Struct, frozen=True, kw_only=True):
    """The next message to somebody: where it goes, and the events in it.

    Without a message, ``page.next`` leads on.
    """

    page: EventPage
    sent: tuple[Event, ...] = ()
    url: str = ""
    message: Posted | Note | None = None


class After(NamedTuple):
    """What an attempt leads to; ``sending`` is what is tried again."""

    kept: Attempted
    sending: Sending | None


def message_of(
    subscription: str, page: EventPage, secrets_: WebhookSecrets
) -> tuple[Message, tuple[Event, ...]]:
    """The next message for a subscription, and the events in it: the first of the page."""
    sent: list[Event] = []
    size = 0
    for event in page.events:
        size += len(msgspec.json.encode(event))
        if sent and size > BODY_BYTES_MAX:
            break
        sent.append(event)
    first, last = sent[0], sent[-1]
    payload = Payload(
        type=TYPE,
        timestamp=last.at,
        data=Data(subscription=subscription, events=tuple(sent)),
    )
    message = Message(
        id=f"{subscription}-{first.sequence}-{last.sequence}-{len(sent)}",
        body=msgspec.json.encode(payload),
        secret=secrets_.of(subscription),
    )
    return message, tuple(sent)


class Tried(NamedTuple):
    """What was tried: from where, with what."""

    row: Cursor
    sending: Sending
    page: EventPage
    sent: Sequence[Event]


def after(wish: Addressee, tried: Tried, attempt: Attempt, *, now: datetime) -> After:
    """What an attempt leads to: on the record, and for the subscription's cursor."""
    row, sending, page, sent = tried
    number = row.attempts + 1
    done = Delivered(
        wish.party,
        wish.how,
        Outcome.DELIVERED if attempt.ok else Outcome.FAILED,
        attempt=number,
        status=attempt.status,
    )
    shown = shown_by(wish.party, sent)
    status = attempt.status or 0
    entries = tuple(one.sequence for one in sent)
    if attempt.ok:
        whole = len(sent) == len(page.events)
        cursor = Cursor(sequence=page.next if whole else sent[-1].sequence)
        again = None
    else:
        pause = timedelta(seconds=max(pause_s(number), attempt.retry_after_s))
        cursor = Cursor(
            sequence=row.sequence,
            attempts=number,
            next_us=microseconds(now + pause),
            failing_since_us=row.failing_since_us or microseconds(now),
        )
        again = Sending(upto=sent[-1].sequence, status=status, sent=entries)
    kept = Attempted(
        done=done,
        entries={one.sequence: _extent(one) for one in sent},
        disclosed=shown if attempt.ok else {},
        subscription=wish.object_id,
        cursor=cursor,
        told=attempt.ok
        or (status, entries) != (sending.status, sending.sent)
        or number % TOLD_EVERY == 0,
    )
    return After(kept, again)


def pause_s(attempt: int) -> float:
    """How long to wait after so many failures: twice as long each time, less up to a half.

    The half is drawn, so that many that failed together do not come back together.
    """
    longest = PAUSE_FIRST_S * 2.0 ** min(attempt - 1, DOUBLINGS_MAX)
    return float(min(longest, PAUSE_MAX_S)) * (0.5 + secrets.randbelow(1_000) / 2_000)


def _extent(event: Event) -> int:
    return EXTENT[Grade.CONTACT if event.view is None else event.view.grade]

"""What is posted, what an attempt leads to, and the secrets that sign."""

import base64
import json
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from detente.core.entry import EntryKind
from detente.core.release import Grade
from detente.core.subscription import Subscription
from detente.core.telling import Outcome
from detente.core.view import View
from detente.core.volume import microseconds
from detente.errors import MalformedInput
from detente.node.keyring import Keyring
from detente.node.telling import messages
from detente.node.telling.events import EventPage
from detente.node.telling.matching import Wanted, wanted
from detente.node.telling.messages import After, Sending, Tried, after, message_of
from detente.node.telling.post import Attempt
from detente.node.telling.secret import WebhookSecrets
from detente.node.telling.sight import Change, Event
from detente.store import Cursor
from world import NOW

SECRETS = WebhookSecrets(b"m" * 32)


def wish() -> Wanted:
    value = Subscription(source_id="s", party="two", url="https://example.org/")
    found = wanted("s", "two", 0, value)
    assert found is not None
    return found


def event(sequence: int, *, grade: Grade | None = Grade.FULL, party: str = "one") -> Event:
    view = None
    if grade is not None:
        view = View(
            object="0" * 32, kind=EntryKind.NOTICE, version=1, sequence=sequence, token="",
            grade=grade, party=party,
        )  # fmt: skip
    return Event(
        sequence=sequence, at=NOW, kind=EntryKind.NOTICE, object="0" * 32, version=1,
        change=Change.NEW if view else Change.GONE, leaf="0" * 64, view=view,
    )  # fmt: skip


def page(*events: Event, upto: int | None = None) -> EventPage:
    return EventPage(events=events, next=events[-1].sequence if upto is None else upto, more=False)


def tried(attempt: Attempt, *, row: Cursor, sending: Sending, sent: int = 2) -> After:
    of = page(event(11), event(12), event(13, grade=None), event(14, party="two"), upto=20)
    return after(wish(), Tried(row, sending, of, of.events[:sent]), attempt, now=NOW)


def test_a_message_is_signed_and_has_an_id_of_what_is_in_it() -> None:
    message, sent = message_of("s", page(event(11), event(12)), SECRETS)
    assert message.id == "s-11-12-2"
    signed = Webhook(SECRETS.shown("s")).sign(message.id, NOW, message.body.decode())
    assert signed == Webhook(message.secret).sign(message.id, NOW, message.body.decode())
    body = json.loads(message.body)
    assert body["type"] == "detente.events"
    assert [one["sequence"] for one in body["data"]["events"]] == [11, 12]
    assert [one.sequence for one in sent] == [11, 12]


def test_a_message_has_a_limit_and_what_is_larger_goes_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(messages, "BODY_BYTES_MAX", 700)
    of = page(*(event(number) for number in range(11, 16)))
    _, sent = message_of("s", of, SECRETS)
    assert 1 <= len(sent) < 5
    monkeypatch.setattr(messages, "BODY_BYTES_MAX", 10)
    _, sent = message_of("s", of, SECRETS)
    assert len(sent) == 1


def test_what_was_taken_moves_the_cursor_and_is_disclosed() -> None:
    row, sending = Cursor(sequence=10, attempts=3, failing_since_us=5), Sending(upto=20)
    whole = tried(Attempt(ok=True, status=204), row=row, sending=sending, sent=4)
    assert whole.kept.cursor == Cursor(sequence=20)
    assert whole.kept.told
    assert whole.kept.done.outcome is Outcome.DELIVERED
    assert (whole.kept.done.attempt, whole.kept.done.status) == (4, 204)
    assert whole.kept.entries == {11: 2, 12: 2, 13: 0, 14: 2}
    assert whole.kept.disclosed == {11: 2, 12: 2}, "not what is gone, nor what it said itself"
    part = tried(Attempt(ok=True, status=200), row=row, sending=sending, sent=1)
    assert part.kept.cursor == Cursor(sequence=11)


def test_what_failed_waits_and_stays_the_same() -> None:
    first = tried(Attempt(ok=False, status=500), row=Cursor(sequence=10), sending=Sending(upto=20))
    assert first.sending == Sending(upto=12, status=500, sent=(11, 12))
    cursor = first.kept.cursor
    assert (cursor.sequence, cursor.attempts) == (10, 1)
    assert cursor.failing_since_us == microseconds(NOW)
    assert microseconds(NOW) < cursor.next_us <= microseconds(NOW + timedelta(seconds=1))
    assert first.kept.disclosed == {}
    asked = Attempt(ok=False, status=503, retry_after_s=120)
    later = tried(asked, row=cursor, sending=first.sending or Sending(upto=0))
    assert later.kept.cursor.next_us == microseconds(NOW + timedelta(seconds=120))
    assert later.kept.cursor.failing_since_us == cursor.failing_since_us


def test_of_equal_failures_the_first_and_every_tenth_are_said() -> None:
    row, sending = Cursor(sequence=10), Sending(upto=20)
    said = []
    statuses = [500] * 12 + [None] * 3 + [500]
    for number, status in enumerate(statuses, start=1):
        one = tried(Attempt(ok=False, status=status), row=row, sending=sending)
        if one.kept.told:
            said.append((number, status))
        assert one.sending is not None
        row, sending = one.kept.cursor, one.sending
    assert said == [(1, 500), (10, 500), (13, None), (16, 500)]


def test_a_failure_of_other_entries_is_said() -> None:
    """What a reader may see changes while a message waits: 11 is shown the first time now."""
    row, sending = Cursor(sequence=10, attempts=4), Sending(upto=20, status=500, sent=(12,))
    one = tried(Attempt(ok=False, status=500), row=row, sending=sending)
    assert one.kept.told
    assert set(one.kept.entries) == {11, 12}


def test_a_secret_is_made_once_is_private_and_differs_by_subscription(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "t.db")
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(WebhookSecrets.load(keyring).shown("a")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    path = keyring.folder / "webhooks.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(keyring.folder.iterdir()) == [path]
    secrets = WebhookSecrets.load(keyring)
    assert secrets.shown("a") != secrets.shown("b")
    assert base64.b64decode(secrets.shown("a").removeprefix("whsec_")) == secrets.of("a")
    assert path.read_text() not in secrets.shown("a")
    for text in ("not base64!", base64.b64encode(b"short").decode()):
        path.write_text(text)
        with pytest.raises(MalformedInput):
            WebhookSecrets.load(keyring)

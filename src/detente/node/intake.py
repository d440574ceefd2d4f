"""Many values of one party into the record: new versions only of what changed."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct
from nacl.signing import SigningKey

from detente.core.kinds import KINDS
from detente.core.ledger import source_id
from detente.core.notice import Notice
from detente.core.presence import Presence
from detente.core.wire import Value, encode, read
from detente.core.zone import Zone
from detente.errors import Conflict
from detente.node.author import Author, Submission
from detente.node.lookup import admitted_party
from detente.node.submit import submit
from detente.store import Record, Store, Stored

BATCH_ROWS = 2_000
"""Entries a transaction: some 0.3 s of work and one wait for the disk."""

ATTEMPTS_MAX = 5
"""How often a batch is written again because the party spoke meanwhile elsewhere."""


class Intake(Struct, kw_only=True):
    """What became of the values: counts, and the register's version afterwards.

    ``lessened`` names what was changed and asks for less, or says less, than before.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    sequence: int = 0
    lessened: list[str] = []


def take_in(
    store: Store,
    party: str,
    key: SigningKey,
    values: Sequence[Value],
    *,
    now: datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> Intake:
    """Sign and submit what is new or changed, a batch a transaction.

    What was submitted stays when a later batch fails or the process is killed;
    taking in the same values again then goes on from there.

    Args:
        store: The theatre's.
        party: Who says all this.
        key: Its private key.
        values: Of one or several kinds; a name stands at most once a kind.
        now: UTC.
        progress: Told how many values are done after each batch.

    Raises:
        NotFound: The party is not admitted.
        NotAuthentic: The key is not the party's.
        Conflict: The party keeps speaking elsewhere at the same time.
        Unavailable: The store cannot be written.
    """
    with store.reading() as record:
        admitted_party(record, party)
    intake = Intake()
    for start in range(0, len(values), BATCH_ROWS):
        batch = values[start : start + BATCH_ROWS]
        _take_in_batch(store, party, key, batch, intake, now)
        progress(len(batch))
    with store.reading() as record:
        intake.sequence = record.head()[1]
    return intake


def _take_in_batch(
    store: Store,
    party: str,
    key: SigningKey,
    batch: Sequence[Value],
    intake: Intake,
    now: datetime,
) -> None:
    for attempt in range(ATTEMPTS_MAX):
        with store.reading() as record:
            written, changed, lessened = _write(record, party, key, batch, now)
        try:
            submit(store, written, now=now)
        except Conflict:
            # Another process spoke for the party between our reading and submitting.
            if attempt + 1 == ATTEMPTS_MAX:
                raise
            continue
        intake.new += len(written) - changed
        intake.changed += changed
        intake.lessened += lessened
        intake.unchanged += len(batch) - len(written)
        return


def _write(
    record: Record, party: str, key: SigningKey, batch: Sequence[Value], now: datetime
) -> tuple[list[Submission], int, list[str]]:
    """Entries for what the record does not say yet; how many are new versions; what lessens."""
    author = Author.following(record, party, key)
    written: list[Submission] = []
    changed = 0
    lessened: list[str] = []
    for kind in dict.fromkeys(KINDS[type(value)] for value in batch):
        alike = [value for value in batch if KINDS[type(value)] is kind]
        known = record.named(kind, party, [source_id(value) for value in alike])
        for value in alike:
            stored = known.get(source_id(value))
            if stored is None:
                written.append(author.write(value, now=now))
            elif stored.data != encode(value):
                changed += 1
                lessened += _lessened(stored, value)
                version = stored.version + 1
                written.append(
                    author.write(value, now=now, object_id=stored.object_id, version=version)
                )
    return written, changed, lessened


_KEPT_FROM = Notice | Zone | Presence
"""What asks others to keep a distance, names a desk to call, and is shown to some."""


def _lessened(stored: Stored, value: Value) -> list[str]:
    """What a new version no longer asks or says, under its name: nothing, or one line.

    A list that is imported again without an option loses what the option gave, which nobody
    would see in a count.
    """
    before = None if stored.data is None else read(stored.data)
    if not isinstance(value, _KEPT_FROM) or not isinstance(before, _KEPT_FROM):
        return []
    lost = []
    if value.standoff_mm < before.standoff_mm:
        lost.append(f"standoff {before.standoff_mm / 1000:g} m, now {value.standoff_mm / 1000:g} m")
    if before.desk is not None and value.desk is None:
        lost.append(f"desk {before.desk}, now none")
    if before.release is not None and value.release is None:
        lost.append("shown to others, now to nobody")
    return [f"{source_id(value)}: {'; '.join(lost)}"] if lost else []

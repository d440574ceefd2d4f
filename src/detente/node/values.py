"""Values of a record that are read when they are wanted, and some that were wanted lately."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from detente.core.check import Known, Protected
from detente.core.entry import EntryKind, token
from detente.core.wire import read
from detente.errors import LogInconsistent, Unavailable
from detente.store import Store, Stored, Uttered

RECENT_BYTES_MAX = 32_000_000
"""Of what is kept, as it stands in the record: some 50,000 notices, four times that in memory."""


BACKUP = "what its entry commits to; it takes a backup (`detente log verify`)"

MEETABLE = (EntryKind.NOTICE, EntryKind.PRESENCE, EntryKind.ZONE, EntryKind.PLAN)


class Values:
    """The entries of a register by their sequence numbers. From any thread.

    Args:
        store: The theatre's. What stands at a number never changes: it can only be erased.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._recent: OrderedDict[int, tuple[Known, int]] = OrderedDict()
        self._bytes = 0
        self._forgotten = 0

    def read(self, sequences: Sequence[int]) -> list[Known]:
        """What stands at these numbers, in their order.

        Raises:
            Unavailable: One of them was erased since whoever asks last looked, or the
                register cannot be read.
            LogInconsistent: Something was lost, or cannot be in a picture.
        """
        recent = self._recent
        with self._lock:
            found = {at: one for at in sequences if (one := recent.get(at)) is not None}
            for at in found:
                recent.move_to_end(at)
        lacking = [at for at in dict.fromkeys(sequences) if at not in found]
        if lacking:
            found |= self._fetched(lacking)
        return [found[at][0] for at in sequences]

    def forget(self, object_id: str) -> None:
        """Keep nothing of an object that was erased."""
        with self._lock:
            self._forgotten += 1
            gone = [at for at, (one, _) in self._recent.items() if one.object_id == object_id]
            for at in gone:
                self._bytes -= self._recent.pop(at)[1]

    def _fetched(self, sequences: list[int]) -> dict[int, tuple[Known, int]]:
        forgotten = self._forgotten
        with self._store.reading() as record:
            found = {
                one.sequence: (_known(one), len(one.data)) for one in record.uttered(sequences)
            }
            gone = [at for at in sequences if at not in found]
            lost = any(not stored.ended for stored in record.current_at(gone))
        # Whoever asks need not be one who may know of it: it is not named.
        if lost:
            raise LogInconsistent("content of what is met", expected=BACKUP, got="none")
        if gone:
            raise Unavailable("content of what is met", expected="some", got="none: ask again")
        with self._lock:
            # What was read before an erasure is not kept after it.
            for at, one in found.items() if forgotten == self._forgotten else ():
                if at not in self._recent:
                    self._recent[at] = one
                    self._bytes += one[1]
            while self._bytes > RECENT_BYTES_MAX:
                _, (_, size) = self._recent.popitem(last=False)
                self._bytes -= size
        return found


def require_erased(stored: Stored) -> None:
    """Refuse a register that has lost what others must reckon with.

    What was erased has ended. What has not still protects, and nobody can say what it is.

    Raises:
        LogInconsistent: The content of an object that has not ended is not there.
    """
    if stored.kind in MEETABLE and not stored.ended:
        raise LogInconsistent(
            f"content of object {stored.object_id}",
            expected=BACKUP,
            got="none",
        )


def _known(said: Uttered) -> Known:
    value = read(said.data)
    if not isinstance(value, Protected):
        raise LogInconsistent(f"object {said.object_id}", expected="what a picture may show")
    return Known(
        value=value,
        object_id=said.object_id,
        sequence=said.sequence,
        version=said.version,
        token=token(said.salt, said.leaf),
    )

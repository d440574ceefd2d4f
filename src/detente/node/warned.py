"""Warnings on the record that stand, and who has acknowledged them, as all processes know them.

Bounded by what stands: what is over is let go of, and so are acknowledgements of it.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from detente.core.telling import Acknowledgement, Level
from detente.core.warned import Warned, WarnedState
from detente.core.wire import Value

_RISING = {level: number for number, level in enumerate(Level)}


class OnRecord(Struct, frozen=True, kw_only=True):
    """A warning that stands.

    Attributes:
        object_id: Its object.
        version: The current one.
        sequence: Its place in the record.
        leaf: Leaf hash of that entry, hex: what an acknowledgement names.
        value: What was told.
        levels: Of each party that acknowledged this very version.
    """

    object_id: str
    version: int
    sequence: int
    leaf: str
    value: Warned
    levels: Mapping[str, Level] = {}


class StandingWarnings:
    """Follows the record; the committer's alone, but for what ``shown`` gave."""

    def __init__(self) -> None:
        self._standing: dict[str, OnRecord] = {}
        self._by_leaf: dict[str, str] = {}
        self._shown: Mapping[str, OnRecord] = {}
        self._changed = False

    def learn(self, object_id: str, place: tuple[int, int, bytes], value: Value) -> None:
        """One entry.

        Args:
            object_id: Of it.
            place: Version, sequence number and leaf hash.
            value: What it says; all but warnings and acknowledgements are passed over.
        """
        match value:
            case Warned():
                self._warned(object_id, place, value)
            case Acknowledgement() if (about := self._by_leaf.get(value.entry)) is not None:
                known = self._standing[about]
                level = known.levels.get(value.party, value.level)
                level = max(level, value.level, key=_RISING.__getitem__)
                self._standing[about] = replace(known, levels={**known.levels, value.party: level})
                self._changed = True
            case _:
                pass

    def _warned(self, object_id: str, place: tuple[int, int, bytes], value: Warned) -> None:
        before = self._standing.pop(object_id, None)
        if before is not None:
            del self._by_leaf[before.leaf]
        if value.state is WarnedState.STANDING:
            version, sequence, leaf = place
            one = OnRecord(
                object_id=object_id,
                version=version,
                sequence=sequence,
                leaf=leaf.hex(),
                value=value,
            )
            self._standing[object_id] = one
            self._by_leaf[one.leaf] = object_id
        self._changed = True

    def shown(self) -> Mapping[str, OnRecord]:
        """What stands now, by object; never changed afterwards, so that readers may hold it."""
        if self._changed:
            self._shown, self._changed = dict(self._standing), False
        return self._shown

"""Which alert of this process's watch is which warning on the record, and who took it in.

Every process watches by itself, and one of them writes (detente.node.warning). The others,
and the one that writes next, find their own alerts in what is on record by its names
(detente.node.naming).
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from detente.core.alerts import Key
from detente.core.telling import Level
from detente.node.naming import name_of_alert
from detente.node.warned import OnRecord
from detente.node.watching import Watched

Found = Mapping[tuple[str, Key], OnRecord]
"""Warnings that stand, by whom they tell and what of."""


class TookIn(Struct, frozen=True, kw_only=True):
    """That a party acknowledged an alert.

    ``party`` is None for whoever reports a track that is not shown.
    """

    party: str | None
    level: Level


def feed_key(party: str, name: str) -> Key:
    """What stands for a feed: no track has a name of two parts."""
    return f"{party}/{name}", None


class Noted:
    """What of a process's alerts is on record.

    Args:
        key: Of names (detente.node.naming).
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._keys: dict[str, Key] = {}
        self._of: Mapping[str, OnRecord] | None = None
        self._found: Found = {}
        # The loop asks for screens, and a thread for what is to be written.
        self._lock = threading.Lock()

    def find(self, standing: Mapping[str, OnRecord], watched: Sequence[Watched]) -> Found:
        """What stands on the record, of what this process watches.

        Args:
            standing: All warnings that stand.
            watched: Alerts of this process.
        """
        with self._lock:
            lacking = [one for object_id, one in standing.items() if object_id not in self._keys]
            if standing is self._of and not lacking:
                return self._found
            self._match(lacking, watched)
            self._keys = {one: key for one, key in self._keys.items() if one in standing}
            self._of = standing
            self._found = {
                (standing[one].value.to, key): standing[one] for one, key in self._keys.items()
            }
            return self._found

    def remember(self, object_id: str, about: Key) -> None:
        """What a warning is of that this process has just written."""
        with self._lock:
            self._keys[object_id] = about

    def _match(self, lacking: Iterable[OnRecord], watched: Iterable[Watched]) -> None:
        by_entry: defaultdict[str | None, list[Key]] = defaultdict(list)
        by_track: defaultdict[tuple[str, str, str], list[Key]] = defaultdict(list)
        for each in watched:
            key = each.alert.track, each.alert.entry
            by_entry[each.alert.entry].append(key)
            by_track[each.seen.key].append(key)
        for one in lacking:
            value = one.value
            if value.feed is not None:
                self._keys[one.object_id] = feed_key(value.feed.party, value.feed.name)
                continue
            track, entry = value.track, value.entry
            keys = by_entry[None if entry is None else entry.object]
            if track is not None:
                keys = by_track[track.party, track.feed, track.track]
            for key in keys:
                if name_of_alert(self.key, value.to, key, value.begun) == value.source_id:
                    self._keys[one.object_id] = key
                    break


def taken_in(found: Found, reader: str, about: Key, parties: Iterable[str | None]) -> list[TookIn]:
    """Who took an alert in: the reader, and whose the track and the entry are.

    Nobody else's word is shown: that he was told of it says what was released to him.

    Args:
        found: From ``Noted.find``.
        reader: Who looks.
        about: Which alert.
        parties: Whose the track and the entry are.
    """
    wanted = dict.fromkeys((reader, *parties))
    return [one for party in wanted if party is not None for one in _levels(found, party, about)]


def _levels(found: Found, party: str, about: Key) -> Iterator[TookIn]:
    known = found.get((party, about))
    if known is not None and party in known.levels:
        yield TookIn(party=party, level=known.levels[party])

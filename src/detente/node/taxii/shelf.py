"""What one collection shows one reader, in the order of ``date_added``.

A shelf is a sieve: it holds what may be there, found once and followed. What of it is there
now is asked of detente.core.release each time, for releases and grants end by themselves; and
what goes out is cut by detente.core.view, as everywhere.
"""

from bisect import bisect_left, bisect_right
from datetime import timedelta

from msgspec import Struct

from detente.core.release import Grade, grade
from detente.core.view import Reader
from detente.core.volume import EPOCH
from detente.node.taxii.feed import Feed, Item, Since
from detente.node.taxii.filters import Filter

SCANNED_MAX = 50_000
"""Items looked at for one page: some 50 ms. A page that ends for it says that there is more."""


class Found(Struct, frozen=True, kw_only=True):
    """One version that is there, and since when it is for this reader."""

    item: Item
    date_us: int


class Part(Struct, frozen=True, kw_only=True):
    """Part of a shelf: what was found, up to which date was looked, and whether there is more."""

    found: tuple[Found, ...]
    upto_us: int
    more: bool


class Shelf:
    """One collection for one reader.

    Args:
        feed: Of which it is a part.
        party: The reader.
        inbox: Whether it is his inbox, or else the agreement's collection.
    """

    def __init__(self, feed: Feed, party: str, *, inbox: bool) -> None:
        self._feed = feed
        self._party = party
        self._inbox = inbox
        self._member = feed.members.get(party)
        self._granted = feed.grants.get(party, {})
        self._folded = 0
        self.dates: list[int] = []
        self.numbers: list[int] = []

    @property
    def is_right(self) -> bool:
        """Whether it need only be followed: nobody came in, or was granted anything, since."""
        if self._inbox:
            return self._feed.grants.get(self._party, self._granted) is self._granted
        return self._feed.members.get(self._party) is self._member

    def follow(self) -> None:
        """Add what the feed has folded in since."""
        items = self._feed.items
        added = []
        for number in range(self._folded, len(items)):
            item = items[number]
            date_us = None if item is None else self._date_us(item)
            if date_us is not None:
                added.append((date_us, number))
        if self._inbox and self._folded == 0:
            added.sort()  # What was granted comes later than it was said.
        self.dates += [date_us for date_us, _ in added]
        self.numbers += [number for _, number in added]
        self._folded = len(items)

    def _date_us(self, item: Item) -> int | None:
        """Since when an item is here; None where it never was."""
        if not self._inbox:
            if self._member is None or not self._holds(item):
                return None
            return _date_us(item, self._member)
        granted = self._granted.get(item.object_id)
        named = _named(item, self._party)
        if granted is None:
            return item.date_us if named else None
        if named and _lasted(item, granted):
            return item.date_us
        return _date_us(item, granted)

    def _holds(self, item: Item) -> bool:
        """Whether an item belongs here, its time left aside."""
        if self._inbox:
            return _named(item, self._party) or item.object_id in self._granted
        return item.release is not None and item.release.members is Grade.FULL

    def part(self, reader: Reader, wanted: Filter) -> Part:
        """What is there and wanted, after a date."""
        found: list[Found] = []
        upto_us = wanted.after_us
        start = bisect_right(self.dates, wanted.after_us)
        end = min(len(self.dates), start + SCANNED_MAX)
        for place in self._called(wanted.ids, start) if wanted.ids else range(start, end):
            item = self._feed.items[self.numbers[place]]
            if item is not None and wanted.takes(item) and self._is_chosen(item, reader, wanted):
                if len(found) == wanted.limit:
                    return Part(found=tuple(found), upto_us=upto_us, more=True)
                found.append(Found(item=item, date_us=self.dates[place]))
            upto_us = self.dates[place]
        more = not wanted.ids and end < len(self.dates)
        return Part(found=tuple(found), upto_us=upto_us, more=more)

    def _called(self, ids: frozenset[str], start: int) -> list[int]:
        """Where on the shelf what bears some ids is, from a place on."""
        places = []
        for number in (number for name in ids for number in self._feed.called[name]):
            item = self._feed.items[number]
            date_us = None if item is None else self._date_us(item)
            if date_us is not None:
                places.append(bisect_left(self.dates, date_us))
        return sorted(place for place in places if place >= start)

    def _is_chosen(self, item: Item, reader: Reader, wanted: Filter) -> bool:
        """Whether an item is there, and the version that is wanted of its object."""
        if not self._is_there(item, reader):
            return False
        chain = self._feed.chains[item.object_id]
        if len(chain) == 1:
            return wanted.takes_version(item, first=item, last=item)
        versions: dict[str, Item] = {}
        for number in chain:
            one = self._feed.items[number]
            if (
                one is not None
                and wanted.takes(one)
                and self._holds(one)
                and self._is_there(one, reader)
            ):
                versions.setdefault(one.version, one)
        if versions.get(item.version) is not item:
            return False  # It repeats a version that is there, but for its release.
        ordered = [versions[version] for version in sorted(versions)]
        if wanted.latest_specification:
            latest = max(one.specification for one in ordered)
            ordered = [one for one in ordered if one.specification == latest]
            if item.specification != latest:
                return False
        return wanted.takes_version(item, first=ordered[0], last=ordered[-1])

    def _is_there(self, item: Item, reader: Reader) -> bool:
        """Whether its reader may see an item now, and the latest version of its object as well."""
        newest = self._feed.items[self._feed.chains[item.object_id][-1]]
        if newest is None or _is_gone(newest, reader.party):
            return False
        if newest.retracted and not newest.revoked and newest is not item:
            return False  # It was deleted: what is left of it is the version that revokes it.
        return _is_full(item, reader) and (newest is item or _is_full(newest, reader))


def _is_gone(newest: Item, party: str) -> bool:
    """Whether an object is here no more once it was retracted.

    STIX says so by a revoked version; there is none of what cannot be revoked, and none for
    an author who did not write one: he deleted it.
    """
    if not newest.retracted or newest.revoked:
        return False
    return not newest.revocable or newest.party == party


def _is_full(item: Item, reader: Reader) -> bool:
    found = grade(
        item.release,
        author=item.party,
        reader=reader.party,
        members=reader.agreement.members or reader.parties,
        grants=reader.grants.get(item.object_id, {}),
        now=reader.now,
    )
    return found is Grade.FULL


def _named(item: Item, party: str) -> bool:
    return item.release is not None and item.release.parties.get(party) is Grade.FULL


def _lasted(item: Item, granted: Since) -> bool:
    """Whether a release by name still held when the grant came."""
    until = None if item.release is None else item.release.until
    return until is None or until >= EPOCH + timedelta(microseconds=granted.date_us)


def _date_us(item: Item, since: Since) -> int:
    """Since when somebody sees an item who sees such items since an entry."""
    if item.sequence > since.sequence:
        return item.date_us
    return since.date_us + 1 + item.rank

"""What a client wants of a collection: TAXII's filters, ANDed; the values of one are ORed.

Source: TAXII 2.1 section 3.4 (filtering) and 3.5 (pagination).
"""

from msgspec import Struct

from detente.node.taxii.feed import Item

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
"""Objects a page. Each may be as large as an object may be; PAGE_BYTES_MAX of
detente.node.taxii.pages ends a page before."""

FIRST, LAST, ALL = "first", "last", "all"


class Filter(Struct, frozen=True, kw_only=True):
    """What is wanted; what is not said restricts nothing, but that one version is wanted.

    Attributes:
        after_us: Later than this date, microseconds since 1970 UTC.
        limit: At most so many.
        ids, types, specifications: Any of these.
        versions: ``first``, ``last``, ``all``, or detente.core.stix.instant: any of them.
        latest_specification: Of each object only versions of the latest specification that
            are otherwise wanted: what a client gets who names none.
    """

    after_us: int = -1
    limit: int = LIMIT_DEFAULT
    ids: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset({LAST})
    specifications: frozenset[str] = frozenset()
    latest_specification: bool = False

    def takes(self, item: Item) -> bool:
        """Whether an item is of what is wanted, in whichever version."""
        return (
            (not self.ids or item.id in self.ids)
            and (not self.types or item.type in self.types)
            and (not self.specifications or item.specification in self.specifications)
        )

    def takes_version(self, item: Item, *, first: Item, last: Item) -> bool:
        """Whether of all versions of its object this one is wanted."""
        wanted = self.versions
        return (
            ALL in wanted
            or (LAST in wanted and item is last)
            or (FIRST in wanted and item is first)
            or item.version in wanted
        )

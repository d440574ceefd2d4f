"""TAXII's resources, by its own names. What it leaves to the server and we lack, is left out.

Source: TAXII 2.1 sections 3.7, 4.1 to 4.3, 5.1 to 5.8.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from detente.node.taxii.adding import Status
from detente.node.taxii.collections import Collection
from detente.node.taxii.feed import spelt_of
from detente.node.taxii.pages import Page, Shown

STIX = "application/stix+json;version=2.1"
STIX_2_0 = "application/stix+json;version=2.0"

encode = msgspec.json.Encoder().encode


class Discovery(Struct, frozen=True, kw_only=True):
    """Which API roots there are: by address, where the node knows its own, and by path."""

    title: str
    description: str
    default: str
    api_roots: tuple[str, ...]


class Root(Struct, frozen=True, kw_only=True):
    """An API root."""

    title: str
    versions: tuple[str, ...]
    max_content_length: int


class CollectionResource(Struct, frozen=True, kw_only=True):
    """A collection, as its asker may use it."""

    id: str
    title: str
    alias: str
    can_read: bool
    can_write: bool
    media_types: tuple[str, ...] = (STIX, STIX_2_0)

    @classmethod
    def of(cls, one: Collection) -> "CollectionResource":
        """One of the node's collections."""
        return cls(
            id=one.id,
            title=one.title,
            alias=one.alias,
            can_read=one.can_read,
            can_write=one.can_write,
        )


class StatusDetail(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one object."""

    id: str
    version: str
    message: str = ""


class StatusResource(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of objects that were sent."""

    id: str
    status: str
    request_timestamp: str
    total_count: int
    success_count: int
    failure_count: int
    pending_count: int
    successes: tuple[StatusDetail, ...] = ()
    failures: tuple[StatusDetail, ...] = ()

    @classmethod
    def of(cls, status: Status) -> "StatusResource":
        """One of the node's."""
        details: dict[bool, list[StatusDetail]] = {True: [], False: []}
        for one in status.outcomes:
            version = one.version or spelt_of(status.at_us)
            detail = StatusDetail(id=one.id, version=version, message=one.message)
            details[not one.message].append(detail)
        return cls(
            id=status.id,
            status="complete",
            request_timestamp=spelt_of(status.at_us),
            total_count=status.total,
            success_count=status.total - len(details[False]),
            failure_count=len(details[False]),
            pending_count=0,
            successes=tuple(details[True]),
            failures=tuple(details[False]),
        )


def envelope(page: Page) -> bytes:
    """Objects; next stands wherever more does."""
    return _page(page, "objects", [one.text for one in page.shown])


def manifest(page: Page) -> bytes:
    """Which objects there are, since when, and in which version."""
    return _page(page, "objects", [encode(_record(one)) for one in page.shown])


def versions(page: Page) -> bytes:
    """Versions of one object."""
    return _page(page, "versions", [encode(one.item.spelt) for one in page.shown])


def _record(one: Shown) -> dict[str, str]:
    return {
        "id": one.item.id,
        "date_added": spelt_of(one.date_us),
        "version": one.item.spelt,
        "media_type": STIX if one.item.specification == "2.1" else STIX_2_0,
    }


def _page(page: Page, name: str, parts: Sequence[bytes]) -> bytes:
    """A page; TAXII has no empty lists."""
    told = [b'"more":%b' % (b"true" if page.more else b"false")]
    if page.more:
        told.append(b'"next":"%d"' % page.upto_us)
    if parts:
        told.append(b'"%b":[%b]' % (name.encode(), b",".join(parts)))
    return b"{%b}" % b",".join(told)


def dates(page: Page) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that say since when the first and the last of a page are there."""
    if not page.shown:
        return ()
    first, last = (spelt_of(page.shown[place].date_us).encode() for place in (0, -1))
    return (
        (b"x-taxii-date-added-first", first),
        (b"x-taxii-date-added-last", last),
    )

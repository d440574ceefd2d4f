"""From TAXII's requests to what the node is asked: media types, filters, envelopes.

What is not understood is refused by its name, never passed over: a filter that was ignored
would give out what its author did not ask for.

Source: TAXII 2.1 sections 1.6.8 (media types), 3.4, 3.5, 3.7.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from detente.core.stix import instant
from detente.core.volume import microseconds
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_problem import Refused, decode
from detente.doors.asgi_query import query_of as read_query
from detente.errors import MalformedInput
from detente.node.taxii.filters import ALL, FIRST, LAST, LIMIT_MAX, Filter

TAXII = "application/taxii+json"
VERSION = "2.1"

VALUES_MAX = 1_000
"""Values of one filter: some 50 KB of ids, more than a head may hold."""

PAGED = frozenset({"added_after", "limit", "next"})
ANY_OBJECT = PAGED | {"match[id]", "match[type]", "match[version]", "match[spec_version]"}
ONE_OBJECT = PAGED | {"match[version]", "match[spec_version]"}
ONE_OBJECTS_VERSIONS = PAGED | {"match[spec_version]"}
DELETED = frozenset({"match[version]", "match[spec_version]"})
NOTHING = frozenset[str]()

_LONGER = re.compile(r"(\.\d{9})\d+(?=Z\Z)", re.ASCII)
"""More digits of a second than a version of STIX may have here; RFC 3339 sets no limit."""

_LEAP = re.compile(r"(?<=T23:59:)60(\.\d{1,9})?(?=Z\Z)", re.ASCII)
"""RFC 3339 section 5.6 has it at the end of a day."""

_NUMBER = re.compile(r"[0-9]{1,17}", re.ASCII)


class Envelope(Struct, frozen=True):
    """What is sent: a list of objects; what else it says is not for us."""

    objects: msgspec.Raw = msgspec.Raw(b"[]")


_envelopes = msgspec.json.Decoder(Envelope)
_objects = msgspec.json.Decoder(tuple[msgspec.Raw, ...])


def envelope(body: bytes) -> tuple[str, ...]:
    """The texts of the objects that an envelope holds, each as it stands there.

    Raises:
        MalformedInput: It is none, empty, no UTF-8, or has a name that stands twice.
    """
    held = bytes(decode(_envelopes, body).objects)
    objects = decode(_objects, held)
    if not objects:
        raise MalformedInput("objects", expected="one at least", got="none")
    _require_once(body, held)
    try:
        # What is passed over undecoded may be no text.
        return tuple(bytes(one).decode() for one in objects)
    except UnicodeDecodeError as error:
        raise MalformedInput("body", expected="JSON", got=f"{error}") from None


def _require_once(body: bytes, held: bytes) -> None:
    """Refuse an envelope in which a name stands twice: of two lists of objects one would be lost.

    Raises:
        MalformedInput: One does.

    Source:
        RFC 7493 section 2.3, by which TAXII 2.1 is written.
    """
    before, _, after = body.rpartition(held)
    try:
        # What is in the list is read later, each object for itself.
        json.loads(before + b"0" + after, object_pairs_hook=_names_once)
    except (ValueError, RecursionError) as error:
        raise MalformedInput("body", expected="unambiguous JSON", got=f"{error}") from None


def _names_once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")


def require_acceptable(exchange: Exchange) -> None:
    """Refuse whoever would take no answer of ours; a type without a version is any version.

    Of several ranges that are of our type, the one that says most of it counts.

    Raises:
        Refused: He would not.

    Source:
        RFC 9110 section 12.5.1.
    """
    given = [value for name, value in exchange.scope["headers"] if name == b"accept"]
    asked = b",".join(given).decode("latin-1")
    ranges = [found for one in asked.split(",") if (found := _range(one)) is not None]
    if asked.strip() and not max(ranges, default=(0, False))[1]:
        expected = f"{TAXII};version={VERSION}"
        raise Refused("not_acceptable", "accept", expected=expected, got=asked[:200])


def require_taxii(exchange: Exchange) -> None:
    """Refuse a body of another media type, or one that is packed.

    Raises:
        Refused: It is.
    """
    given = (exchange.header(b"content-type") or b"").decode("latin-1")
    kind, parameters = _parts(given)
    if kind != TAXII or not _is_version(parameters):
        expected = f"{TAXII};version={VERSION}"
        raise Refused("unsupported_media_type", "content-type", expected=expected, got=given[:200])
    packed = (exchange.header(b"content-encoding") or b"identity").decode("latin-1")
    if packed.strip().lower() != "identity":
        raise Refused(
            "unsupported_media_type", "content-encoding", expected="none", got=packed[:200]
        )


def _range(spelt: str) -> tuple[int, bool] | None:
    """How much a range says of our type, and whether it is taken; None where it is of another."""
    kind, parameters = _parts(spelt)
    if kind not in _RANGES or not _is_version(parameters):
        return None
    is_taken = not re.fullmatch(r"0(\.0*)?", parameters.get("q", "1"))
    return _RANGES.index(kind) + ("version" in parameters), is_taken


_RANGES = ("*/*", "application/*", TAXII)


def _parts(spelt: str) -> tuple[str, dict[str, str]]:
    kind, *parameters = (part.strip().lower() for part in spelt.split(";"))
    return kind, dict(part.replace(" ", "").partition("=")[::2] for part in parameters)


def _is_version(parameters: Mapping[str, str]) -> bool:
    return parameters.get("version", VERSION).strip('"') == VERSION


def query_of(exchange: Exchange, taken: frozenset[str]) -> dict[str, str]:
    """The query's parameters.

    Raises:
        MalformedInput: One that is not taken here, or stands twice.
    """
    found: dict[str, str] = read_query(exchange)
    for name in found:
        if name not in taken:
            expected = ", ".join(sorted(taken)) or "none"
            raise MalformedInput("query parameter", expected=expected, got=name[:100])
    return found


def filter_of(query: Mapping[str, str], **given: Any) -> Filter:
    """What is wanted, from a query's parameters; ``given`` is what the path says already.

    Who names no specification of STIX is given the latest that there is of each object.

    Raises:
        MalformedInput: A value that is none of its parameter's.
    """
    found = {
        field: read(name, query[name]) for name, (field, read) in _FIELDS.items() if name in query
    }
    if "next" in query or "added_after" in query:
        # Of the two the later: the page before was within what was asked for.
        after = [_READ_AFTER[name](name, query[name]) for name in _READ_AFTER if name in query]
        found["after_us"] = max(after)
    found["latest_specification"] = "match[spec_version]" not in query
    return Filter(**{**found, **given})


def _limit(name: str, value: str) -> int:
    number = _cursor(name, value)
    if number == 0:
        raise MalformedInput(name, expected="1 or more", got="0")
    return min(number, LIMIT_MAX)


def _cursor(name: str, value: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise MalformedInput(name, expected="a number as this server gave it", got=value[:100])
    return int(value)


def _after(name: str, value: str) -> int:
    """The microsecond of a time in any precision, rounded down: what is later is later."""
    # All dates are whole microseconds: what a longer fraction says beyond them parts no two.
    # None is in a leap second: whatever is later than it is of the next minute.
    exact = instant(_LEAP.sub("59.999999", _LONGER.sub(r"\1", value)), what=name)
    return microseconds(datetime.fromisoformat(f"{exact[:26]}+00:00"))


def _values(name: str, value: str) -> frozenset[str]:
    found = value.split(",")
    if "" in found or len(found) > VALUES_MAX:
        raise MalformedInput(name, expected=f"1 to {VALUES_MAX} values with commas between them")
    return frozenset(found)


def _versions(name: str, value: str) -> frozenset[str]:
    words = {FIRST, LAST, ALL}
    found = frozenset(
        one if one in words else instant(one, what=name) for one in _values(name, value)
    )
    if len(found) < value.count(",") + 1 or (ALL in found and len(found) > 1):
        raise MalformedInput(name, expected=f"each version once, and none beside {ALL}")
    return found


_READ_AFTER: Mapping[str, Callable[[str, str], int]] = {"added_after": _after, "next": _cursor}

_FIELDS: Mapping[str, tuple[str, Callable[[str, str], Any]]] = {
    "limit": ("limit", _limit),
    "match[id]": ("ids", _values),
    "match[type]": ("types", _values),
    "match[version]": ("versions", _versions),
    "match[spec_version]": ("specifications", _values),
}

"""Out of a query: where, when, how many, in which system, by which filter."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from detente.core.cql import Test, parse
from detente.core.entry import EntryKind
from detente.core.feature import PROPERTIES, Type
from detente.core.instant import Instant, instant_of
from detente.doors.where import NUMBER, box_of, is_there, window_of
from detente.errors import MalformedInput
from detente.node.layers import Item, Wish

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
"""Features a page. Who asks for more is given so many, as Part 1 wants it."""

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG_4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
SYSTEMS = (CRS84, EPSG_4326)
"""WGS 84 with longitude first, and with latitude first."""

FILTER_LANG = "cql2-text"

PARAMETERS = ("bbox", "bbox-crs", "datetime", "limit", "crs", "filter", "filter-lang",
              "filter-crs", "after", "f")  # fmt: skip

_WHOLE = re.compile(r"0*(\d+)", re.ASCII)
_DIGITS = 16
"""More than any page or record has; a longer number is no larger to us."""


class Asked(NamedTuple):
    """What is asked of a collection, and in which system the answer is to be."""

    wish: Wish
    crs: str


def asked_of(query: Mapping[str, Any], kind: EntryKind) -> Asked:
    """What a query of items asks.

    Raises:
        MalformedInput: A parameter that is unknown, or malformed.
    """
    for name in query:
        if name not in PARAMETERS and name not in PROPERTIES:
            known = ", ".join((*PARAMETERS, *PROPERTIES))
            raise MalformedInput(name, expected=f"in the query, one of {known}")
    box = box_of(query.get("bbox"), lat_first=system_of(query, "bbox-crs") == EPSG_4326)
    window = window_of(query.get("datetime"))
    tests = [_equal(name, query[name]) for name in query if name in PROPERTIES]
    tests += _filter(query)

    def takes(item: Item) -> bool:
        return is_there(item, box, window) and all(test(item) is True for test in tests)

    wish = Wish(
        kind=kind,
        boxes=() if box is None else (box.bounds,),
        takes=takes,
        after=_whole(query, "after", -1),
        limit=min(LIMIT_MAX, _whole(query, "limit", LIMIT_DEFAULT, least=1)),
    )
    return Asked(wish, system_of(query, "crs"))


def system_of(query: Mapping[str, Any], name: str) -> str:
    """A reference system; CRS84 where none is named.

    Raises:
        MalformedInput: Another than SYSTEMS.
    """
    found: str = query.get(name, CRS84)
    if found not in SYSTEMS:
        raise MalformedInput(name, expected=" or ".join(SYSTEMS), got=found[:200])
    return found


def _whole(query: Mapping[str, Any], name: str, default: int, *, least: int = -1) -> int:
    text = query.get(name)
    if text is None:
        return default
    found = _WHOLE.fullmatch(text)
    number = least - 1 if found is None else int(found[1][:_DIGITS])
    if number < least:
        raise MalformedInput(name, expected=f"a whole number from {max(0, least)}", got=text[:40])
    return number


def _equal(name: str, text: str) -> Test:
    """Whether a property is what a parameter says."""
    wanted: object = text
    kind = PROPERTIES[name].type
    if kind in {Type.NUMBER, Type.WHOLE}:
        if not NUMBER.fullmatch(text):
            raise MalformedInput(name, expected="a number", got=text[:100])
        wanted = float(text)
    elif kind is Type.TRUTH:
        if text not in {"true", "false"}:
            raise MalformedInput(name, expected="true or false", got=text[:100])
        wanted = text == "true"
    elif kind is Type.TIME:
        at = instant_of(text, what=name)
        return lambda asked: _is_time(asked.value(name), at)
    return lambda asked: asked.value(name) == wanted


def _is_time(found: object, wanted: Instant) -> bool:
    return found is not None and instant_of(str(found), what="time") == wanted


def _filter(query: Mapping[str, Any]) -> list[Test]:
    if query.get("filter-lang", FILTER_LANG) != FILTER_LANG:
        raise MalformedInput("filter-lang", expected=FILTER_LANG, got=query["filter-lang"][:100])
    lat_first = system_of(query, "filter-crs") == EPSG_4326
    text = query.get("filter")
    return [] if text is None else [parse(text, PROPERTIES, lat_first=lat_first)]

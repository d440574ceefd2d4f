"""STIX 2.1: what of an object we must understand; all else of it is kept as it was given.

An object is kept as the text in which it came, for it may hold numbers that our canonical
JSON does not know, and properties that nobody here knows. It is read strictly once, when
it comes in (``read_stix``): what two parsers could understand differently is refused.

Source: STIX 2.1 (OASIS Standard, 10 June 2021), sections 2.7, 2.9, 3.1 to 3.6 and Appendix A;
TLP 2.0 as the extension of OASIS CTI's common objects has it; RFC 7493 (I-JSON).
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from detente.core.release import Tlp, no_more_open
from detente.errors import MalformedInput

STIX_BYTES_MAX = 2_000_000
"""UTF-8 bytes of one object: an artifact or a report of a megabyte, in base64."""

STIX_DEPTH_MAX = 64
"""Levels of arrays and objects: whoever reads it by a function that calls itself has room left."""

_TYPE = r"[a-z0-9](?:[a-z0-9-]{0,148}[a-z0-9])?"
_ID = re.compile(
    rf"({_TYPE})--[0-9a-fA-F]{{8}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{4}}-[0-9a-fA-F]{{12}}"
)
"""Type and UUID. 150 characters of a type, not the standard's 250, so that an id is a name."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)

Confidence = Annotated[int, Meta(ge=0, le=100)]


class Stix(Struct, frozen=True, kw_only=True):
    """What we must understand of an object; the names are the standard's.

    ``created`` and ``modified`` are as they were spelt; ``version`` orders them.
    ``granular_markings`` are kept as they came: of their labels ``tlp_of`` reads what it can.
    """

    type: str
    id: str
    spec_version: str | None = None
    created: str | None = None
    modified: str | None = None
    revoked: bool = False
    confidence: Confidence | None = None
    lang: str | None = None
    name: str | None = None
    object_marking_refs: tuple[str, ...] = ()
    granular_markings: Any = None

    @property
    def spelt_version(self) -> str | None:
        """When this version was made, as it was spelt; None for what has no versions."""
        return self.modified or self.created

    @property
    def has_versions(self) -> bool:
        """Whether STIX has later versions of it, a revoked one among them.

        Source:
            STIX 2.1 section 3.6.
        """
        return self.modified is not None

    @property
    def specification(self) -> str:
        """By which STIX it is written.

        What says nothing is a cyber-observable of 2.1, or of 2.0 where it says when it was made.
        """
        return self.spec_version or ("2.1" if self.created is None else "2.0")


_heads = msgspec.json.Decoder(Stix)


def glance_stix(text: str) -> Stix:
    """What we must understand of an object that was read strictly before.

    Raises:
        MalformedInput: It is none.
    """
    try:
        return _heads.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput("stix", got=str(error)) from None


def read_stix(text: str) -> Stix:
    """Read one STIX object strictly.

    Raises:
        MalformedInput: Too long or too deep, not JSON, with a name that stands twice, a number
            that is none, or without what the standard asks of every object.

    Source:
        RFC 7493; STIX 2.1 sections 2.7, 2.9 and 3.2.
    """
    size = len(text.encode(errors="surrogatepass"))
    if size > STIX_BYTES_MAX:
        raise MalformedInput("stix", expected=f"at most {STIX_BYTES_MAX} bytes", got=f"{size}")
    head = glance_stix(text)
    _require_unambiguous(text)
    found = _ID.fullmatch(head.id)
    if found is None or found[1] != head.type or head.type == "bundle":
        raise MalformedInput("stix id", expected="type--UUID, of one object", got=head.id[:200])
    if head.specification not in {"2.0", "2.1"}:
        raise MalformedInput("stix spec_version", expected="2.0 or 2.1", got=head.specification)
    for name in ("created", "modified"):
        time = getattr(head, name)
        if time is not None:
            instant(time, what=f"stix {name}")
    if head.modified is not None and head.created is None:
        raise MalformedInput("stix created", expected="where there is modified", got="none")
    return head


def says_the_same(one: str, other: str) -> bool:
    """Whether two texts that were read strictly are one object: its names have no order.

    Source:
        RFC 8259 section 4; RFC 7493 section 2.2, of numbers.
    """
    return one == other or _ordered(one) == _ordered(other)


def _ordered(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True)


def instant(text: str, *, what: str) -> str:
    """A timestamp so that texts are in the order of time: without Z and trailing zeros.

    Any number of digits of a second up to nine: none is lost.

    Raises:
        MalformedInput: It is none of RFC 3339 in UTC, as STIX and TAXII write it.
    """
    found = _TIME.fullmatch(text)
    if found is not None:
        try:
            datetime.fromisoformat(found[1])
        except ValueError:
            found = None
    if found is None:
        raise MalformedInput(what, expected="such as 2026-11-24T12:00:00.123Z", got=text[:100])
    return in_order(text)


def in_order(text: str) -> str:
    """What ``instant`` makes of a timestamp that was read by it before."""
    whole = text[:-1]
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def _require_unambiguous(text: str) -> None:
    """Refuse what one parser reads otherwise than another."""
    try:
        parsed = json.loads(
            text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite
        )
    except (ValueError, RecursionError) as error:
        raise MalformedInput("stix", expected="unambiguous JSON", got=str(error)) from None
    level, depth = [parsed], 0
    while level:
        depth += 1
        if depth > STIX_DEPTH_MAX:
            raise MalformedInput("stix", expected=f"at most {STIX_DEPTH_MAX} levels")
        level = [part for one in level if isinstance(one, dict | list) for part in _parts(one)]


def _parts(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that is none")
    return number


CREDIBILITY_OF_CONFIDENCE: tuple[tuple[int, int], ...] = (
    (80, 1),
    (60, 2),
    (40, 3),
    (20, 4),
    (0, 5),
)
"""From which confidence on it is which credibility: the Admiralty scale of Appendix A."""

NOT_JUDGED = 6


def credibility_of(confidence: int | None) -> int:
    """The Admiralty credibility, 1 (confirmed) to 6 (cannot be judged), of a STIX confidence."""
    if confidence is None:
        return NOT_JUDGED
    return next(grade for least, grade in CREDIBILITY_OF_CONFIDENCE if confidence >= least)


TLP_2_MARKINGS: Mapping[Tlp, str] = {
    tlp: f"marking-definition--{uuid}"
    for tlp, uuid in (
        (Tlp.CLEAR, "94868c89-83c2-464b-929b-a1a8aa3c8487"),
        (Tlp.GREEN, "bab4a63c-aed9-4cf5-a766-dfca5abac2bb"),
        (Tlp.AMBER, "55d920b0-5e8b-4f79-9ee9-91f868d9b421"),
        (Tlp.AMBER_STRICT, "939a9414-2ddd-4d32-a0cd-375ea402b003"),
        (Tlp.RED, "e828b379-4e03-4974-9ac4-e53a884c97c1"),
    )
}
"""The objects by which OASIS CTI's common objects say a label of TLP 2.0."""

TLP_MARKINGS: Mapping[str, Tlp] = {
    # STIX 2.1 section 7.2.1.4, which knows TLP 1.0.
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
    **{name: tlp for tlp, name in TLP_2_MARKINGS.items()},
}
"""All objects by which STIX says a TLP label."""


def tlp_of(head: Stix) -> Tlp | None:
    """The most closed of the labels that an object names; None where it names none.

    One of a part of it counts for the whole: whoever is shown the object is shown that part.
    """
    found: Tlp | None = None
    for reference in (*head.object_marking_refs, *_granular(head)):
        tlp = TLP_MARKINGS.get(reference)
        if tlp is not None and (found is None or no_more_open(tlp, found)):
            found = tlp
    return found


def _granular(head: Stix) -> list[str]:
    """What marks parts of an object; STIX 2.1 section 7.2.3."""
    some = head.granular_markings if isinstance(head.granular_markings, list) else []
    found = [one.get("marking_ref") for one in some if isinstance(one, dict)]
    return [one for one in found if isinstance(one, str)]

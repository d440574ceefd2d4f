"""STIX objects as MISP's events: one event for each indicator or location.

The event bears the object's UUID; what is in it, one that is made of that and of its author, so
that two parties' words about one thing stand beside each other. A sighting stands with the
indicator that was sighted. What its author took back is told as deleted.

Source: MISP core format sections 2.2 to 2.4, 2.7 (sightings) and 3 (manifest); STIX 2.1 sections
4.7, 4.10 and 5.3.
"""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import md5
from typing import Any
from uuid import UUID, uuid5

from detente.core.stix import instant
from detente.doors.misp.patterns import Told, attribute_of
from detente.errors import MalformedInput
from detente.node.misp import EVENTS, Given

_NAMESPACE = UUID("6d7f1a0e-38d5-4c7b-9c55-0f4d3f0c1b72")
"""Drawn at random once, so that everything has the same UUID in every process and for ever."""

GEOLOCATION = {"uuid": "cd6f2238-ba55-4888-82c4-104e6e1acf21", "version": "8"}
"""MISP's template for a place."""

_PLACE = {
    "latitude": "float",
    "longitude": "float",
    "country": "text",
    "region": "text",
    "city": "text",
    "address": "text",
    "zipcode": "text",
    "neighborhood": "text",
    "countrycode": "text",
    "altitude": "float",
    "accuracy-radius": "float",
    "text": "text",
}
"""Attributes of a place, and their types."""

_NAMES = {"street_address": "address", "administrative_area": "region", "postal_code": "zipcode"}
"""What STIX calls otherwise."""

_CODE = re.compile(r"[A-Za-z]{2}")
"""A country of ISO 3166-1, as STIX asks for it."""

INFO_MAX = 200
"""Characters of an event's title: the manifest holds thousands."""

_UNDEFINED, _COMPLETED, _OWN, _ALL = "4", "2", "0", "3"


def event(theatre: str, uuid: str, given: Sequence[Given]) -> dict[str, Any]:
    """An event: the objects that bear a UUID, and sightings of them.

    Args:
        theatre: Whose record it is.
        uuid: Of one indicator or location at least.
        given: That, whoever said it, and sightings.
    """
    told = [(one, json.loads(one.text)) for one in given]
    things = [(one, said) for one, said in told if one.head.type in EVENTS]
    first, said = things[0]
    sightings = [(one, said) for one, said in told if one.head.type == "sighting"]
    made: dict[str, Any] = {
        "uuid": uuid,
        **_about(theatre, first, said),
        "publish_timestamp": str(max(_seconds(one) for one in given)),
        "published": True,
        "distribution": _ALL if "tlp:clear" in _tags(first) else _OWN,
        "Attribute": [],
        "Object": [],
    }
    made["timestamp"] = made["publish_timestamp"]
    for one, said in things:
        if one.head.type == "indicator":
            seen = [
                other
                for other in sightings
                if other[1].get("sighting_of_ref") == one.head.id and not other[0].head.revoked
            ]
            made["Attribute"].append(_attribute(theatre, one, said, seen))
        else:
            made["Object"].append(_place(theatre, one, said))
    return {"Event": made}


def listed(theatre: str, one: Given) -> tuple[str, dict[str, Any]]:
    """An event's UUID, and what the manifest says of it by this object of it: event or sighting."""
    said = json.loads(one.text)
    if one.head.type in EVENTS:
        return uuid_of(one), _about(theatre, one, said)
    kind, _, uuid = str(said.get("sighting_of_ref")).partition("--")
    return uuid.lower() if kind in EVENTS else "", {"timestamp": str(_seconds(one))}


def manifest(parts: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """All events, each as new as the newest in it: by that MISP sees what to fetch again.

    Args:
        parts: As ``listed`` tells them, in the order of the record.
    """
    found: dict[str, dict[str, Any]] = {}
    newest: dict[str, int] = {}
    for uuid, about in parts:
        newest[uuid] = max(newest.get(uuid, 0), int(about["timestamp"]))
        if "info" in about:
            found.setdefault(uuid, about)
    return {uuid: {**about, "timestamp": str(newest[uuid])} for uuid, about in found.items()}


def hashes(one: Given) -> bytes:
    """Lines that say by the MD5 of each value in which event it is; so MISP looks values up."""
    lines = []
    for value in _values(one, json.loads(one.text)):
        digest = md5(value.encode(), usedforsecurity=False).hexdigest()
        lines.append(f"{digest},{uuid_of(one)}\n")
    return "".join(lines).encode()


def uuid_of(one: Given) -> str:
    """The event's UUID."""
    return one.head.id.partition("--")[2].lower()


def _about(theatre: str, one: Given, said: dict[str, Any]) -> dict[str, Any]:
    """What manifest and event say alike."""
    return {
        "info": str(said.get("name") or one.head.type)[:INFO_MAX],
        "date": (one.head.created or "1970-01-01")[:10],
        "timestamp": str(_seconds(one)),
        "threat_level_id": _UNDEFINED,
        "analysis": _COMPLETED,
        "Orgc": {"name": one.sender, "uuid": str(uuid5(_NAMESPACE, f"{theatre}/{one.party}"))},
        "Tag": [{"name": name} for name in _tags(one)],
    }


def _tags(one: Given) -> list[str]:
    return [] if one.tlp is None else [f"tlp:{one.tlp.value}"]


def _attribute(
    theatre: str, one: Given, said: dict[str, Any], seen: Sequence[tuple[Given, dict[str, Any]]]
) -> dict[str, Any]:
    told = _told(said)
    made: dict[str, Any] = {
        "uuid": _own_uuid(theatre, one),
        "type": told.type,
        "category": told.category,
        "value": told.value,
        "to_ids": not one.head.revoked,
        "deleted": one.head.revoked,
        # As new as its sightings: MISP leaves an attribute as it is that is no newer than its own.
        "timestamp": str(max(_seconds(each) for each in (one, *(other for other, _ in seen)))),
        "comment": str(said.get("description") or said.get("name") or ""),
        "Tag": [{"name": name} for name in [*_tags(one), f'detente:id="{one.head.id}"']],
    }
    for name, ours in (("first_seen", "valid_from"), ("last_seen", "valid_until")):
        with suppress(MalformedInput):
            instant(str(said.get(ours)), what=ours)
            made[name] = said[ours]
    if seen:
        made["Sighting"] = [_sighting(theatre, *other) for other in seen]
    return made


def _told(said: dict[str, Any]) -> Told:
    return attribute_of(str(said.get("pattern", "")), str(said.get("pattern_type", "stix")))


def _place(theatre: str, one: Given, said: dict[str, Any]) -> dict[str, Any]:
    own = _own_uuid(theatre, one)
    return {
        "uuid": own,
        "name": "geolocation",
        "meta-category": "misc",
        "description": "A place.",
        "template_uuid": GEOLOCATION["uuid"],
        "template_version": GEOLOCATION["version"],
        "comment": str(said.get("name") or ""),
        "timestamp": str(_seconds(one)),
        "deleted": one.head.revoked,
        "Attribute": [
            {
                "uuid": str(uuid5(_NAMESPACE, f"{own}/{name}")),
                "object_relation": name,
                "type": _PLACE[name],
                "category": "Other",
                "value": value,
                "to_ids": False,
                "deleted": one.head.revoked,
                "timestamp": str(_seconds(one)),
                "Tag": [{"name": tag} for tag in _tags(one)],
            }
            for name, value in _parts(said).items()
        ],
    }


def _parts(said: dict[str, Any]) -> dict[str, str]:
    """What a place is, by MISP's names; degrees as they were spelt."""
    found = {
        _NAMES.get(name, name.removeprefix("x_misp_").replace("_", "-")): value
        for name, value in said.items()
    }
    if _CODE.fullmatch(str(found.get("country", ""))):
        found["countrycode"] = found.pop("country")
    return {name: str(found[name]) for name in _PLACE if found.get(name) is not None}


def _sighting(theatre: str, one: Given, said: dict[str, Any]) -> dict[str, Any]:
    spelt = said.get("last_seen") or said.get("first_seen") or one.head.spelt_version
    return {
        "uuid": uuid_of(one),
        "type": "0",
        "date_sighting": str(_epoch(str(spelt))),
        "source": one.sender,
        "Organisation": {
            "name": one.sender,
            "uuid": str(uuid5(_NAMESPACE, f"{theatre}/{one.party}")),
        },
    }


def _values(one: Given, said: dict[str, Any]) -> list[str]:
    if one.head.revoked:
        return []
    return [_told(said).value] if one.head.type == "indicator" else list(_parts(said).values())


def _own_uuid(theatre: str, one: Given) -> str:
    return str(uuid5(_NAMESPACE, f"{theatre}/{one.party}/{one.head.id}"))


def _seconds(one: Given) -> int:
    return _epoch(one.head.spelt_version or "")


def _epoch(spelt: str) -> int:
    """Seconds since 1970; 0 for what is no time, as a sighting's may be."""
    try:
        return int(datetime.fromisoformat(spelt).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 0

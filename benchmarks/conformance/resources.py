"""What comes back: the properties of each resource, their types, and what is added and deleted."""

import json
import re
from typing import Any
from uuid import UUID

from conformance.suite import (
    EVERY,
    MUST,
    READS,
    SHOULD,
    TAXII,
    Session,
    check,
    expect,
    key,
    made,
)  # fmt: skip

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
COUNTS = ("success_count", "failure_count", "pending_count")
DETAILS = {"success_count": "successes", "failure_count": "failures", "pending_count": "pendings"}


def text(found: dict[str, Any], *names: str) -> None:
    for name in names:
        expect(isinstance(found[name], str) and found[name], f"{name} is {found[name]!r}")


def whole(found: dict[str, Any], *names: str) -> None:
    for name in names:
        value = found[name]
        expect(isinstance(value, int) and not isinstance(value, bool), f"{name} is {value!r}")
        expect(0 <= value < 2**53, f"{name} is {value}")


def version_4(value: str) -> None:
    found = UUID(value)
    expect(found.version == 4 and str(found) == value.lower(), f"{value!r} is no UUID of version 4")


def no_empty_list(value: Any) -> None:
    expect(value != [], "an empty list")
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            no_empty_list(part)


@check(MUST, "4.1.1", "the discovery has a title; default and contact are text")
def discovery(s: Session) -> None:
    found = s.ask("discovery").be(200).json
    text(found, "title", *({"description", "contact", "default"} & set(found)))


@check(MUST, "4.1.1", "API roots are https or begin with one slash, and have no query")
def roots(s: Session) -> None:
    for one in s.ask("discovery").be(200).json.get("api_roots", []):
        expect(re.match(r"https://|/[^/]|/$", one), f"API root {one!r}")
        expect("?" not in one, f"API root {one!r}")


@check(MUST, "4.1.1", "the default root is among the roots")
def default(s: Session) -> None:
    found = s.ask("discovery").be(200).json
    expect("default" not in found or found["default"] in found["api_roots"], "it is not")


@check(MUST, "4.1, 8.2.1", "each root that is given by its path is there")
def led(s: Session) -> None:
    for one in s.ask("discovery").be(200).json.get("api_roots", []):
        if one.startswith("/"):
            text(s.ask("root", root=one).be(200).json, "title")


@check(MUST, "4.2.1", "the root has a title")
def root_title(s: Session) -> None:
    text(s.ask("root").be(200).json, "title")


@check(MUST, "4.2.1", "the root names version 2.1, each version with its number")
def root_versions(s: Session) -> None:
    found = s.ask("root").be(200).json["versions"]
    expect(TAXII in found, f"versions are {found}")
    for one in found:
        expect(re.fullmatch(r"application/taxii\+json;version=\d+\.\d+", one), f"version {one!r}")


@check(MUST, "4.2.1", "max_content_length is a whole number above zero")
def root_length(s: Session) -> None:
    found = s.ask("root").be(200).json
    whole(found, "max_content_length")
    expect(found["max_content_length"] > 0, "it is 0")


def padded(octets: int) -> bytes:
    """An envelope of so many octets, most of them spaces."""
    begun = b'{"objects": [' + json.dumps(made()).encode() + b"]"
    return begun.ljust(octets - 1) + b"}"


@check(MUST, "4.2.1", "what is smaller than max_content_length is not too large")
def small(s: Session) -> None:
    limit = s.ask("root").be(200).json["max_content_length"]
    s.ask("add", body=padded(limit - 1)).be(202)


@check(MUST, "5.5", "what is larger than max_content_length is 413")
def large(s: Session) -> None:
    limit = s.ask("root").be(200).json["max_content_length"]
    s.ask("add", body=padded(limit + 1)).be(413).typed()


def collections(s: Session) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = s.ask("collections").be(200).json["collections"]
    return found


@check(MUST, "5.2.1", "each collection has a title, and an id that is a UUID of version 4")
def collection_names(s: Session) -> None:
    for one in collections(s):
        text(one, "title", *({"description", "alias"} & set(one)))
        version_4(one["id"])


@check(MUST, "5.2.1", "can_read and can_write are true or false")
def collection_rights(s: Session) -> None:
    for one in collections(s):
        expect(one["can_read"] in (True, False) and one["can_write"] in (True, False), str(one))
        expect({type(one["can_read"]), type(one["can_write"])} == {bool}, str(one))


@check(MUST, "5.2.1", "an alias is of one collection alone")
def aliases(s: Session) -> None:
    named = [one["alias"] for one in collections(s) if "alias" in one]
    expect(len(named) == len(set(named)), str(named))


@check(MUST, "5.2.1", "media_types, where it is, lists STIX")
def media(s: Session) -> None:
    for one in collections(s):
        named = one.get("media_types", ["application/stix+json"])
        expect(any(kind.startswith("application/stix+json") for kind in named), str(named))


@check(MUST, "3.3", "collections are in the same order each time")
def same_order(s: Session) -> None:
    seen = {tuple(one["id"] for one in collections(s)) for _ in range(4)}
    expect(len(seen) == 1, "they are not")


@check(MUST, "5.2", "each collection alone is as it is in the list")
def alone(s: Session) -> None:
    for one in collections(s):
        expect(s.ask("collection", collection=one["id"]).be(200).json == one, str(one))


@check(MUST, "5.2.1", "the rights that the collection {0} says are those one has",
       ["both", "read_only", "write_only"])  # fmt: skip
def rights(s: Session, which: str) -> None:
    found = s.ask("collection", collection=getattr(s.server, which)).be(200).json
    wanted = {"both": (True, True), "read_only": (True, False), "write_only": (False, True)}[which]
    expect((found["can_read"], found["can_write"]) == wanted, str(found))


@check(MUST, "5.2.1", "an alias serves in place of the id at {0}", ["collection", "objects"])
def by_alias(s: Session, endpoint: str) -> None:
    found = s.ask("collection").be(200).json
    alias = found.get("alias", s.server.both)
    expect(s.ask(endpoint, collection=alias).be(200).json == s.ask(endpoint).be(200).json, "other")


@check(MUST, "2", "{0} has no empty list", [name for name in EVERY if name != "delete"])
def no_empty(s: Session, endpoint: str) -> None:
    no_empty_list(s.ask(endpoint).be(200, 202).json)


@check(MUST, "@", "{0} of nothing is an object without a list", ["manifest", "objects"])
def nothing(s: Session, endpoint: str) -> None:
    found = s.ask(endpoint, "?match[type]=vulnerability").be(200).json
    expect("objects" not in found and not found.get("more", False), str(found))


def given(s: Session, *objects: Any) -> dict[str, Any]:
    found: dict[str, Any] = s.give(*objects).be(202).json
    return found


@check(MUST, "4.3.1", "a status has an id that is a UUID of version 4")
def status_id(s: Session) -> None:
    version_4(given(s, made())["id"])


@check(MUST, "4.3.1", "a status is complete or pending")
def status_word(s: Session) -> None:
    expect(given(s, made())["status"] in {"complete", "pending"}, "it is neither")


@check(MUST, "4.3.1", "the counts of a status are whole numbers")
def status_counts(s: Session) -> None:
    whole(given(s, made(), made()), "total_count", *COUNTS)


@check(MUST, "4.3.1", "the counts of a status are the objects that were sent")
def status_sum(s: Session) -> None:
    found = given(s, made(), made(), made())
    expect((found["total_count"], sum(found[name] for name in COUNTS)) == (3, 3), str(found))


@check(MUST, "4.3.1", "request_timestamp, where it is, is a timestamp to the microsecond")
def status_time(s: Session) -> None:
    said = given(s, made()).get("request_timestamp", "2026-01-01T00:00:00.000000Z")
    expect(TIMESTAMP.fullmatch(said), f"{said!r}")


@check(MUST, "4.3.1", "the details of a status name the object's id and its {0}",
       ["modified", "created"])  # fmt: skip
def status_details(s: Session, named: str) -> None:
    kind = "attack-pattern" if named == "modified" else "marking-definition"
    statement = {"definition_type": "statement", "definition": {"statement": "a"}}
    one = made(kind, 1, **(statement if named == "created" else {}))
    if named == "created":
        del one["modified"]
    for detail in given(s, one).get("successes", []):
        wanted = (one["id"], key(one[named]))
        expect((detail["id"], key(detail["version"])) == wanted, str(detail))


@check(MUST, "4.3.1", "each {0} of a status has as many details as it counts, or none", COUNTS)
def status_lists(s: Session, count: str) -> None:
    answer = s.give(made(), {**made(), "id": "no-id"}, made()).be(202, 400, 422)
    found = answer.json if answer.status == 202 else given(s, made(), made())
    expect(len(found.get(DETAILS[count], [])) in (0, found[count]), str(found))


@check(MUST, "4.3", "a status that is asked for is that which was given")
def status_again(s: Session) -> None:
    found = given(s, made())
    again = s.ask("status", status=found["id"]).be(200).json
    expect((again["id"], again["total_count"]) == (found["id"], 1), str(again))
    whole(again, "total_count", *COUNTS)


@check(MUST, "5.5", "an exact duplicate is no error")
def duplicate(s: Session) -> None:
    one = s.scratch()
    expect(given(s, one)["failure_count"] == 0, "it is one")


@check(MUST, "5.5", "an exact duplicate beside what is new is no error")
def duplicate_beside(s: Session) -> None:
    one = s.scratch()
    expect(given(s, one, made())["failure_count"] == 0, "it is one")


@check(MUST, "5.5, 5.6", "what was added is there as it was: {0}",
       ["indicator", "malware", "relationship", "marking-definition", "ipv4-addr"])  # fmt: skip
def kept(s: Session, kind: str) -> None:
    one = [each for each in s.world.all if each["type"] == kind][-1]
    expect(s.ask("object", object=one["id"]).page == [one], "another")


@check(MUST, "3.7", "each object is a STIX object: it has a type and an id of that type")
def stix(s: Session) -> None:
    for one in s.ask("objects").page:
        expect(one["id"].startswith(f"{one['type']}--"), str(one))


@check(MUST, "3.7", "more is a boolean and next text, where they are, at {0}", READS)
def envelope(s: Session, endpoint: str) -> None:
    found = s.ask(endpoint, "?limit=1").be(200).json
    expect(isinstance(found.get("more", False), bool), f"more is {found.get('more')!r}")
    expect(isinstance(found.get("next", ""), str), f"next is {found.get('next')!r}")


@check(MUST, "5.3.1", "a manifest entry has an id, a version and a date added to the microsecond")
def manifest(s: Session) -> None:
    for one in s.ask("manifest").page:
        text(one, "id", "version")
        expect(TIMESTAMP.fullmatch(one["date_added"]), f"{one['date_added']!r}")


@check(MUST, "5.3.1", "the media type of a manifest entry is one of the collection's")
def manifest_media(s: Session) -> None:
    known = s.ask("collection").be(200).json.get("media_types", ["application/stix+json"])
    for one in s.ask("manifest").page:
        expect(one.get("media_type", known[0]) in known, f"{one['media_type']!r} of {known}")


@check(MUST, "5.3.1", "the version in a manifest is the object's {0}", ["modified", "created"])
def manifest_version(s: Session, named: str) -> None:
    one = s.world.steps[0] if named == "modified" else s.world.others[1]
    (entry,) = s.ask("manifest", f"?match[id]={one['id']}").page
    expect(key(entry["version"]) == key(one[named]), str(entry))


@check(SHOULD, "5.3.1, 3.4.1", "what says no version has one and the same at each endpoint")
def manifest_bare(s: Session) -> None:
    named = s.world.others[2]["id"]
    (entry,) = s.ask("manifest", f"?match[id]={named}").page
    versions = s.ask("versions", object=named).page
    expect(versions == [entry["version"]], f"{versions} and {entry['version']}")
    found = s.ask("object", f"?match[version]={entry['version']}", object=named)
    expect(found.ids == [named], "it is not found by it")


@check(MUST, "5.8.1", "versions are all that there are of an object")
def versions(s: Session) -> None:
    wanted = {key(one["modified"]) for one in s.world.indicator}
    expect(set(s.ask("versions").keys) == wanted, "others")


@check(MUST, "5.8", "the version of what has no modified is when it was created")
def versions_created(s: Session) -> None:
    one = s.world.others[1]
    expect(s.ask("versions", object=one["id"]).keys == [key(one["created"])], "another")


@check(MUST, "@", "the answer of {0} says {1}, to the microsecond", READS,
       ["X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"])  # fmt: skip
def dates(s: Session, endpoint: str, header: str) -> None:
    said = s.ask(endpoint).be(200).headers.get(header, "")
    expect(TIMESTAMP.fullmatch(said), f"{header}: {said!r}")


@check(MUST, "3.2", "both dates are there where {0} gives one alone", READS)
def one_date(s: Session, endpoint: str) -> None:
    named = s.world.steps[0]["id"]
    query = f"?match[id]={named}" if endpoint in {"manifest", "objects"} else ""
    headers = s.ask(endpoint, query, object=named).be(200).headers
    first, last = (headers.get(f"x-taxii-date-added-{which}", "") for which in ("first", "last"))
    expect(first and first == last, f"{first!r} and {last!r}")


@check(MUST, "3.2", "the dates of {0} are those of its first and last entry in the manifest",
       ["manifest", "objects"])  # fmt: skip
def dates_fit(s: Session, endpoint: str) -> None:
    query = "?match[type]=course-of-action"
    added = [one["date_added"] for one in s.ask("manifest", query).page]
    headers = s.ask(endpoint, query).be(200).headers
    found = [headers.get(f"x-taxii-date-added-{which}", "") for which in ("first", "last")]
    expect(found == [added[0], added[-1]], f"{found} of {added}")


def refused(s: Session, which: str) -> dict[str, Any]:
    """An error that any server has."""
    asked = {
        "absent": lambda: s.ask(
            "object", object="tool--" + "0" * 8 + "-0000-4000-8000-" + "0" * 12
        ),
        "malformed": lambda: s.ask("add", body=b"{"),
        "forbidden": lambda: s.give(made(), collection=s.server.read_only),
        "unproven": lambda: s.ask("objects", login=None),
    }[which]()
    asked.be(400, 401, 403, 404, 422)
    expect(asked.body, "no body")
    found = asked.typed().json
    expect(found.get("http_status", str(asked.status)) == str(asked.status), str(found))
    return dict(found)


@check(MUST, "3.6.1", "an error says a title, and as text what else it says: {0}",
       ["absent", "malformed", "forbidden", "unproven"])  # fmt: skip
def error(s: Session, which: str) -> None:
    found = refused(s, which)
    known = {"description", "error_id", "error_code", "http_status", "external_details"}
    text(found, "title", *(known & set(found)))
    expect(isinstance(found.get("details", {}), dict), "details are no dictionary")


@check(MUST, "5.7", "what was deleted is 404 to whoever deleted it, at {0}", ["object", "versions"])
def deleted(s: Session, endpoint: str) -> None:
    named = str(s.scratch()["id"])
    s.ask("delete", object=named).be(200)
    s.ask(endpoint, object=named).be(404)


@check(MUST, "5.7", "what was deleted is not in {0}", ["manifest", "objects"])
def deleted_list(s: Session, endpoint: str) -> None:
    named = str(s.scratch()["id"])
    s.ask("delete", object=named).be(200)
    expect(named not in s.ask(endpoint, f"?match[id]={named}&match[version]=all").ids, "it is")


@check(MUST, "5.7", "no version that was deleted is given to another reader")
def deleted_for_others(s: Session) -> None:
    one = s.scratch(0)
    s.ask("delete", object=str(one["id"])).be(200)
    query = f"?match[version]={one['modified']}"
    answer = s.ask("object", query, object=str(one["id"]), login=s.server.reader).be(200, 404)
    expect(answer.status == 404 or not answer.page, "it is")


@check(MUST, "5.7", "what was deleted cannot be deleted again: 404")
def deleted_twice(s: Session) -> None:
    named = str(s.scratch()["id"])
    s.ask("delete", object=named).be(200).typed()
    s.ask("delete", object=named).be(404)


@check(MUST, "5.7", "all versions of an object can be deleted")
def deleted_all(s: Session) -> None:
    named = str(s.scratch(0, 1, 2)["id"])
    s.ask("delete", "?match[version]=all", object=named).be(200)
    s.ask("object", "?match[version]=all", object=named).be(404)


@check(MUST, "5.7", "one version can be deleted and the others stay, or it is refused and all stay")
def deleted_one(s: Session) -> None:
    one = s.scratch(0, 1, 2)
    at = made(number=1)["modified"]
    answer = s.ask("delete", f"?match[version]={at}", object=str(one["id"])).be(200, 403)
    left = set(s.ask("versions", object=str(one["id"])).keys)
    gone = {key(at)} if answer.status == 200 else set()
    wanted = {key(made(number=n)["modified"]) for n in range(3)} - gone
    expect(left == wanted, f"left are {left}")


@check(MUST, "5.7", "DELETE of a version that is not there is 404, and nothing is deleted")
def deleted_other(s: Session) -> None:
    one = s.scratch()
    s.ask("delete", "?match[version]=2001-01-01T00:00:00.000Z", object=str(one["id"])).be(404)
    s.ask("object", object=str(one["id"])).be(200)


@check(MUST, "7.1.1", "a property that TAXII does not know is passed over or 422")
def custom(s: Session) -> None:
    s.ask("add", body={"objects": [made()], "x_example_com_note": "a"}).be(202, 422)

"""Filters: what each gives, what they give together, and what is refused."""

from typing import Any

from conformance.suite import MUST, READS, ROBUST, Session, World, check, expect, key

LISTS = ("manifest", "objects")
NEVER = "indicator--00000000-0000-4000-8000-000000000000"
STIX_TYPES = (
    "attack-pattern,campaign,course-of-action,grouping,identity,indicator,infrastructure,"
    "intrusion-set,location,malware,malware-analysis,note,observed-data,opinion,report,"
    "threat-actor,tool,vulnerability,relationship,sighting,artifact,autonomous-system,directory,"
    "domain-name,email-addr,email-message,file,ipv4-addr,ipv6-addr,mac-addr,mutex,"
    "network-traffic,process,software,url,user-account,windows-registry-key,x509-certificate,"
    "extension-definition,language-content,marking-definition"
)


def has(s: Session, endpoint: str, query: str, wanted: list[dict[str, Any]]) -> None:
    """Exactly these versions, in their order."""
    keys = [key(one) for one in wanted]
    found = s.ask(endpoint, query).keys
    expect(found == keys, f"{found}, not {keys}")


def cases(w: World) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """A query by its name, and what it gives."""
    i, m, c = w.indicator, w.malware, w.steps
    first, second = i[0]["id"], m[0]["id"]
    both = f"?match[id]={first},{second}"
    one = f"?match[id]={first}"
    at = [each["modified"] for each in i]
    marking = w.others[1]
    return {
        "one id": (one, [i[-1]]),
        "two ids": (both, [i[-1], m[-1]]),
        "an id that is not there": (f"?match[id]={NEVER}", []),
        "an id that is there and one that is not": (f"{one},{NEVER}", [i[-1]]),
        "a type": ("?match[type]=course-of-action", c),
        "two types": ("?match[type]=course-of-action,malware", [m[-1], *c]),
        "a type of which there is nothing": ("?match[type]=vulnerability", []),
        "a relationship by its type": ("?match[type]=relationship", [w.others[0]]),
        "last": (f"{one}&match[version]=last", [i[-1]]),
        "first": (f"{one}&match[version]=first", [i[0]]),
        "all versions": (f"{one}&match[version]=all", i),
        "first and last": (f"{one}&match[version]=first,last", [i[0], i[-1]]),
        "a version": (f"{one}&match[version]={at[1]}", [i[1]]),
        "two versions": (f"{one}&match[version]={at[1]},{at[2]}", [i[1], i[2]]),
        "a version and the last": (f"{one}&match[version]={at[1]},last", [i[1], i[-1]]),
        "first, a version, last": (f"{one}&match[version]=first,{at[2]},last", [i[0], i[2], i[3]]),
        "a version that is not there": (f"{one}&match[version]=2001-01-01T00:00:00.000Z", []),
        "what has no modified, by created": (
            f"?match[id]={marking['id']}&match[version]={marking['created']}", [marking],
        ),
        "a specification": (f"{one}&match[spec_version]=2.1", [i[-1]]),
        "two specifications": (f"{one}&match[spec_version]=2.0,2.1", [i[-1]]),
        "another specification": (f"{one}&match[spec_version]=2.0", []),
        "id and type": (f"{both}&match[type]=malware", [m[-1]]),
        "id and a type that it is not": (f"{one}&match[type]=malware", []),
        "type and all versions": ("?match[type]=malware&match[version]=all", m),
        "id, type, version, specification": (
            f"{both}&match[type]=malware&match[version]=first&match[spec_version]=2.1", [m[0]],
        ),
    }  # fmt: skip


CASES = tuple(cases(World.new()))


@check(MUST, "@, 3.4", "{0}: {1}", LISTS, CASES)
def match(s: Session, endpoint: str, case: str) -> None:
    has(s, endpoint, *cases(s.world)[case])


@check(MUST, "@, 3.4.1", "{0} knows every type of STIX 2.1", LISTS)
def types(s: Session, endpoint: str) -> None:
    for kind in STIX_TYPES.split(","):
        found = s.ask(endpoint, f"?limit=1&match[type]={kind}").ids
        expect(all(one.startswith(f"{kind}--") for one in found), f"{kind}: {found}")


@check(MUST, "3.4.1", "{0} with spec_version={1} gives nothing of another", ["objects", "object"],
       ["2.0", "2.1"])  # fmt: skip
def specification(s: Session, endpoint: str, version: str) -> None:
    answer = s.ask(endpoint, f"?match[spec_version]={version}").be(200, 404)
    found = answer.page if answer.status == 200 else []
    expect(all(one.get("spec_version", "2.0") == version for one in found), "of another")


VERSIONS = {"last": [3], "first": [0], "all": [0, 1, 2, 3], "first,last": [0, 3], "": [3]}


@check(MUST, "5.6, 3.4.1", "an object with match[version]={0}", VERSIONS)
def of_object(s: Session, named: str) -> None:
    wanted = [s.world.indicator[n] for n in VERSIONS[named]]
    has(s, "object", f"?match[version]={named}" if named else "", wanted)


@check(MUST, "5.6, 3.4.1", "an object in one version by its date")
def of_object_dated(s: Session) -> None:
    one = s.world.indicator[1]
    has(s, "object", f"?match[version]={one['modified']}", [one])


@check(MUST, "5.8", "the versions of an object in {0}", ["2.1"])
def of_versions(s: Session, version: str) -> None:
    found = s.ask("versions", f"?match[spec_version]={version}").page
    expect(len(found) == len(s.world.indicator), str(found))


MALFORMED = ("limit=0", "limit=many", "added_after=yesterday")
STRANGER = (
    "limit=-1", "limit=1.5", "limit=", "added_after=2026-13-01T00:00:00.000000Z",
    "added_after=2026-01-01T00:00:00.000000", "added_after=1767225600",
)  # fmt: skip
"""Neither a whole number above zero, nor a timestamp in UTC."""


@check(MUST, "@, 3.4", "{0}?{1} is 400", READS, MALFORMED)
@check(MUST, "@, 3.4", "{0}?{1} is 400", LISTS, STRANGER)
def malformed(s: Session, endpoint: str, query: str) -> None:
    s.ask(endpoint, f"?{query}").be(400).typed()


TWICE = (
    "added_after=2026-01-01T00:00:00.000000Z&added_after=2026-01-02T00:00:00.000000Z",
    "match[type]=tool&match[type]=malware", "match[version]=first&match[version]=last",
)  # fmt: skip


@check(MUST, "3.4, IOP 3.13.1.10", "{0}?{1} is 400: a filter stands twice", LISTS, TWICE)
def twice(s: Session, endpoint: str, query: str) -> None:
    s.ask(endpoint, f"?{query}").be(400).typed()


@check(MUST, "3.4.1", "match[version]={0} is 400: none goes with all, or twice",
       ["all,last", "first,all", "first,first"])  # fmt: skip
def all_and(s: Session, named: str) -> None:
    s.ask("objects", f"?match[version]={named}").be(400).typed()


@check(ROBUST, "3.4.1", "match[version]=yesterday at {0} is 400, or gives nothing", LISTS)
def no_version(s: Session, endpoint: str) -> None:
    answer = s.ask(endpoint, "?match[version]=yesterday").be(200, 400)
    expect(answer.status == 400 or not answer.page, "it gives something")


@check(ROBUST, "3.4", "{0} with a filter that TAXII does not know is taken or 400", READS)
def unknown(s: Session, endpoint: str) -> None:
    s.ask(endpoint, "?match[x_example]=a").be(200, 400)


@check(ROBUST, "3.4.1", "a type that STIX does not know is fulfilled or 400: {0}",
       ["x-example-thing", "a" * 300, "%00", "%F0%9F%9B%A1", ",", "Indicator"])  # fmt: skip
def odd_type(s: Session, kind: str) -> None:
    answer = s.ask("objects", f"?match[type]={kind}").be(200, 400)
    expect(answer.status == 400 or not answer.page, "it gives something")

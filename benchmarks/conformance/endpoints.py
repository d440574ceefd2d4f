"""Every endpoint: media types, proof of who asks, paths, methods, rights."""

from conformance.suite import (
    ABSENT,
    COLLECTION,
    ENDPOINTS,
    EVERY,
    MUST,
    READS,
    ROBUST,
    SHOULD,
    TAXII,
    Session,
    check,
    expect,
    made,
)  # fmt: skip

DONE = (200, 202)
BARE = "application/taxii+json"
SOME = ("discovery", "objects", "add")
SPELLINGS = (
    "application/taxii+json; version=2.1",
    f"application/json;q=0.2, {TAXII}",
    f"{TAXII},application/stix+json;version=2.1",
)
ODDER = (
    'application/taxii+json;version="2.1"',
    "Application/TAXII+JSON;version=2.1",
    f"{TAXII};q=0.5",
)
LOGINS = ("add", "delete", "collections", "collection", *READS)


@check(MUST, "@", "{0} answers in TAXII's type and version", EVERY)
def answers(s: Session, endpoint: str) -> None:
    s.ask(endpoint).be(*DONE).typed()


@check(MUST, "@, 3.1", "{0} takes Accept: {1}", EVERY, [BARE])
@check(MUST, "@, 3.1", "{0} takes Accept: {1}", SOME, SPELLINGS)
def accepts(s: Session, endpoint: str, accept: str) -> None:
    s.ask(endpoint, headers={"accept": accept}).be(*DONE).typed()


@check(MUST, "3.1, RFC 9110 8.3.1", "{0} takes Accept: {1}", ["objects", "discovery"], ODDER)
def accepts_odder(s: Session, endpoint: str, accept: str) -> None:
    s.ask(endpoint, headers={"accept": accept}).be(*DONE)


@check(MUST, "@, 3.1", "{0} answers Accept: {1} or says 406, in TAXII's type",
       EVERY, ["text/html"])  # fmt: skip
def accepts_nothing(s: Session, endpoint: str, accept: str) -> None:
    s.ask(endpoint, headers={"accept": accept}).be(*DONE, 406).typed()


@check(
    SHOULD, "3.1", "{0} answers a type without a version by the highest one", ["objects", "root"]
)
def highest(s: Session, endpoint: str) -> None:
    s.ask(endpoint, headers={"accept": BARE}).be(200).typed()


@check(MUST, "3.1", "objects are added as {0}", [BARE, TAXII, SPELLINGS[0]])
def content(s: Session, kind: str) -> None:
    s.ask("add", headers={"content-type": kind}).be(202).typed()


@check(MUST, "5.5, 3.1", "objects as {0} are added or 415",
       ["text/plain", "application/json", "application/taxii+json;version=9.9"])  # fmt: skip
def content_other(s: Session, kind: str) -> None:
    s.ask("add", headers={"content-type": kind}).be(202, 415).typed()


@check(MUST, "@", "{0} is 401 or 404 without a proof of who asks", LOGINS)
def unknown(s: Session, endpoint: str) -> None:
    s.ask(endpoint, login=None, **spare(s, endpoint)).be(401, 404)


@check(MUST, "@", "{0} is 401 or 404 with a wrong password", LOGINS)
def wrong(s: Session, endpoint: str) -> None:
    s.ask(endpoint, login=(s.server.login[0], "wrong"), **spare(s, endpoint)).be(401, 404)


@check(MUST, "1.6.9, RFC 9110 11.6.1", "a 401 of {0} names a way to prove it", [*SOME, "delete"])
def challenge(s: Session, endpoint: str) -> None:
    answer = s.ask(endpoint, login=None, **spare(s, endpoint))
    named = answer.headers.get("www-authenticate", "")
    expect(answer.status != 401 or named, "no WWW-Authenticate")


@check(
    MUST,
    "@, 3.1",
    "the refusal of {0} is in TAXII's type",
    ["collections", "objects", "add", "delete"],
)
def refusal(s: Session, endpoint: str) -> None:
    s.ask(endpoint, login=None, **spare(s, endpoint)).be(401, 404).typed()


def spare(s: Session, endpoint: str) -> dict[str, str]:
    """What may be named for DELETE, so that no object is given without a proof."""
    return {"object": str(s.world.steps[0]["id"])} if endpoint == "delete" else {}


@check(SHOULD, "8.2.2", "{0} takes HTTP Basic, and says so", ["collections"])
def basic(s: Session, endpoint: str) -> None:
    s.ask(endpoint).be(200)
    named = s.ask(endpoint, login=None).headers.get("www-authenticate", "")
    expect("basic" in named.lower(), f"WWW-Authenticate {named!r}")


@check(SHOULD, "8.2.1", "{0} answers a client that does not name itself", ["discovery", "objects"])
def nameless(s: Session, endpoint: str) -> None:
    s.ask(endpoint, headers={"user-agent": ""}).be(200)


@check(MUST, "@", "{0} is 404 below a root that is not there", EVERY[2:])
def no_root(s: Session, endpoint: str) -> None:
    s.ask(endpoint, root="/no-such-root/", **spare(s, endpoint)).be(404)


@check(MUST, "@", "{0} is 404 in a collection that is not there", COLLECTION)
def no_collection(s: Session, endpoint: str) -> None:
    s.ask(endpoint, collection=ABSENT, **spare(s, endpoint)).be(404).typed()


@check(MUST, "@", "{0} is 404 for an object that is not there", ["object", "delete", "versions"])
def no_object(s: Session, endpoint: str) -> None:
    s.ask(endpoint, object=f"indicator--{ABSENT}").be(404).typed()


@check(MUST, "@", "{0} is 404 for a status that is not there", ["status"])
def no_status(s: Session, endpoint: str) -> None:
    s.ask(endpoint, status=ABSENT).be(404).typed()


@check(ROBUST, "3.1", "{0} asked without its last slash is no server error", EVERY)
def slash(s: Session, endpoint: str) -> None:
    parts = {"object": str(s.scratch()["id"])} if endpoint == "delete" else {}
    path = s.path(endpoint, **parts).rstrip("/")
    got = s.http.request(ENDPOINTS[endpoint].method, path, auth=s.server.login,
                         headers={"accept": TAXII})  # fmt: skip
    expect(got.status_code < 500, f"{got.status_code}")


@check(
    ROBUST,
    "RFC 9110 9.3.2",
    "HEAD of {0} is as GET or 405, without a body",
    ["discovery", "objects"],
)
def head(s: Session, endpoint: str) -> None:
    answer = s.ask(endpoint, method="HEAD").be(200, 405)
    expect(not answer.body, "a body")


@check(ROBUST, "RFC 9110 15.5.6", "{1} of {0} is no server error, and 405 names what there is",
       ["discovery", "collections", "objects", "object"], ["PUT", "PATCH"])  # fmt: skip
def methods(s: Session, endpoint: str, method: str) -> None:
    answer = s.ask(endpoint, method=method, body=b"{}", headers={"content-type": TAXII})
    expect(400 <= answer.status < 500, f"{answer.status}")
    named = answer.headers.get("allow", "")
    expect(answer.status != 405 or "GET" in named, f"405 with Allow {named!r}")


@check(MUST, "@", "{0} is 403 or 404 where one may not read", READS)
def unread(s: Session, endpoint: str) -> None:
    given = made()
    s.give(given, collection=s.server.write_only).be(202)
    s.ask(endpoint, collection=s.server.write_only, object=str(given["id"])).be(403, 404).typed()


@check(MUST, "5.5", "objects are not added where one may not write: 403 or 404")
def unwritten(s: Session) -> None:
    given = made()
    s.give(given, collection=s.server.read_only).be(403, 404).typed()
    s.ask("object", collection=s.server.read_only, object=str(given["id"])).be(404)


@check(MUST, "5.5, 4.3", "objects are added where one may write and not read, and have a status")
def written(s: Session) -> None:
    given = s.give(made(), collection=s.server.write_only).be(202).json
    expect((given["status"], given["failure_count"]) == ("complete", 0), str(given))


@check(MUST, "@", "{0} shows what one may read and not write", ["manifest", "objects", "object"])
def readable(s: Session, endpoint: str) -> None:
    seeded = s.server.seeded
    found = s.ask(endpoint, collection=s.server.read_only, object=seeded).ids
    expect(seeded in found, "the object is not there")


@check(MUST, "@", "{0} is 403 or 404 to whoever may neither read nor write", ["add", *READS])
def closed(s: Session, endpoint: str) -> None:
    login, collection = s.server.neither
    s.ask(endpoint, login=login, collection=collection).be(403, 404).typed()


@check(MUST, "5.7", "DELETE is 403 where one may read and not write")
def delete_read_only(s: Session) -> None:
    where = {"collection": s.server.read_only, "object": s.server.seeded}
    s.ask("delete", **where).be(403).typed()
    s.ask("object", **where).be(200)


@check(MUST, "5.7", "DELETE is 403 where one may write and not read")
def delete_write_only(s: Session) -> None:
    given = made()
    s.give(given, collection=s.server.write_only).be(202)
    s.ask("delete", collection=s.server.write_only, object=str(given["id"])).be(403).typed()


@check(MUST, "5.7", "DELETE is 404 where one may neither read nor write")
def delete_neither(s: Session) -> None:
    login, collection = s.server.neither
    s.ask("delete", login=login, collection=collection, object=f"tool--{ABSENT}").be(404).typed()

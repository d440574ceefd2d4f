"""What no clause foresees: the server says what is wrong, and serves on."""

import gzip
import json
import socket
from base64 import b64encode
from urllib.parse import urlsplit

from conformance.suite import ABSENT, MUST, ROBUST, TAXII, Session, check, expect, made

MIB = 1 << 20


def serves(s: Session) -> None:
    s.ask("discovery").be(200)


def envelope(*objects: object) -> bytes:
    return json.dumps({"objects": objects}).encode()


KEPT = {
    "scripts": "سلام Привет Merhaba Ω 漢字", "emoji": "🛡️👩‍🚒", "direction": "a\u202eb\u200f",
    "controls": "a\u0000b\u001fc\u007f", "quotes": "\"'\\/<script>", "lines": "a\r\n\tb\u2028",
    "both compositions": "é e\u0301", "length": "x" * 100_000,
}  # fmt: skip


@check(ROBUST, "2, RFC 8259", "text is kept to the letter: {0}", KEPT)
def kept_text(s: Session, named: str) -> None:
    one = s.scratch(name=KEPT[named])
    (found,) = s.ask("object", object=str(one["id"])).page
    expect(found["name"] == KEPT[named], f"{found['name'][:40]!r}")


VALUES = {
    "the largest whole number": 2**53 - 1, "the smallest": -(2**53) + 1, "a fraction": 0.1,
    "an exponent": 1e300, "nested": {"a": [{"b": [1, None, True, ""]}]},
    "empty": {"a": [], "b": {}},
}  # fmt: skip


@check(ROBUST, "2, RFC 7493", "values of a property that nobody knows are kept: {0}", VALUES)
def kept_value(s: Session, named: str) -> None:
    one = s.scratch(x_example=VALUES[named])
    (found,) = s.ask("object", object=str(one["id"])).page
    expect(found["x_example"] == VALUES[named], str(found))


@check(ROBUST, "5.5", "{0} objects of one envelope are all there", [100])
def many(s: Session, number: int) -> None:
    given = [made("tool") for _ in range(number)]
    found = s.give(*given).be(202).json
    expect((found["total_count"], found["success_count"]) == (number, number), str(found)[:100])
    there = [one for page in s.walk("objects", "?match[type]=tool&limit=40") for one in page.ids]
    expect(sorted(there) == sorted(str(one["id"]) for one in given), f"{len(there)}")


@check(ROBUST, "5.5", "a second object with the same words and another id is another")
def twins(s: Session) -> None:
    expect(s.scratch()["id"] != s.scratch()["id"], "it is not")


@check(ROBUST, "5.5", "an object that is given again is there once at {0}", ["manifest", "objects"])
def once(s: Session, endpoint: str) -> None:
    one = s.scratch()
    s.give(one)
    found = s.ask(endpoint, f"?match[id]={one['id']}&match[version]=all").ids
    expect(found == [one["id"]], f"{len(found)} times")


HEADERS = {
    "no Accept": {"accept": ""}, "Accept: */*": {"accept": "*/*"}, "Accept: ;;,": {"accept": ";;,"},
    "8,000 letters of Accept": {"accept": "a" * 8_000},
    "Accept in another script": {"accept": "те/ст"},
    "a range": {"range": "items=0-1"}, "If-None-Match": {"if-none-match": "*"},
    "a Date of no date": {"if-modified-since": "yesterday"},
    "Accept-Language": {"accept-language": "tlh"},
    "Accept-Encoding of nothing": {"accept-encoding": "identity;q=0"},
    "X-HTTP-Method-Override": {"x-http-method-override": "DELETE"},
}  # fmt: skip


@check(ROBUST, "3.2, RFC 9110", "{0} is no server error", HEADERS)
def headers(s: Session, named: str) -> None:
    answer = s.ask("objects", headers=HEADERS[named])
    expect(answer.status < 500, f"{answer.status}")
    serves(s)


PARTS = {
    "a path": "..%2F..%2Fetc", "NUL": "%00", "a broken escape": "%ZZ", "another script": "%D1%82",
    "half a letter": "%F0%9F", "4,000 letters": "a" * 4_000,
    "SQL": "'%20OR%20'1'='1", "a star": "*",
}  # fmt: skip


@check(
    ROBUST, "5.2, RFC 3986", "a {1} of {0} is 400 or 404", PARTS, ["collection", "object", "status"]
)
def part(s: Session, named: str, endpoint: str) -> None:
    at = s.path(endpoint, **{endpoint: "~"}).replace("~", PARTS[named])
    answer = raw(s, f"GET {at} HTTP/1.1")
    expect(answer in (400, 404, 414), f"{answer}")
    serves(s)


QUERIES = (
    "?", "?&&&", "?=", "?match", "?match[]=a", "?match[type", "?limit=99999999999999999999999999",
    "?limit=%D9%A3", "?limit=1e3", "?limit=0x1", "?added_after=%00",
    "?added_after=9999-12-31T23:59:60Z",
    "?added_after=0001-01-01T00:00:00.000000Z", "?match[version]=,", "?match[spec_version]=9.9",
    "?match[id]=" + ",".join(f"tool--{ABSENT}" for _ in range(150)),
)  # fmt: skip


@check(ROBUST, "3.4", "the query {0:.60} is answered or 400", QUERIES)
def query(s: Session, named: str) -> None:
    s.ask("objects", named).be(200, 400, 414)
    serves(s)


LOGINS = {
    "no base64": "Basic ~~~", "no colon": "Basic " + b64encode(b"nobody").decode(),
    "nothing": "Basic",
    "another script": "Basic " + b64encode("тест:тест".encode()).decode(), "no scheme": "a",
    "a NUL": "Basic " + b64encode(b"a\0:b\0").decode(),
    "no UTF-8": "Basic " + b64encode(b"\xff:\xff").decode(),
    "a token": "Bearer a.b.c", "another scheme": "Digest username=a", "nobody": "Basic Og==",
    "10,000 letters": "Basic " + "QUFB" * 2_500,
}  # fmt: skip


@check(ROBUST, "5.4, RFC 7617", "a proof of {0} is refused", LOGINS)
def login(s: Session, named: str) -> None:
    s.ask("objects", login=None, headers={"authorization": LOGINS[named]}).be(401, 404, 400, 431)
    serves(s)


@check(MUST, "RFC 9110 11.1", "the scheme's name counts in any case: {0}", ["basic", "BASIC"])
def scheme(s: Session, named: str) -> None:
    proof = b64encode(":".join(s.server.login).encode()).decode()
    s.ask("objects", login=None, headers={"authorization": f"{named} {proof}"}).be(200)


def raw(s: Session, line: str, extra: str = "", content: bytes = b"") -> int:
    """The status of a request that no library would send; 0 where the line was closed."""
    at = urlsplit(s.server.url)
    proof = b64encode(":".join(s.server.login).encode()).decode()
    head = f"{line}\r\nHost: {at.netloc}\r\nAccept: {TAXII}\r\nAuthorization: Basic {proof}\r\n"
    with socket.create_connection((str(at.hostname), at.port or 80), 20) as line_to:
        line_to.sendall(f"{head}Connection: close\r\n{extra}\r\n".encode() + content)
        with line_to.makefile("rb") as got:
            said = got.readline().split()
    return int(said[1]) if len(said) > 1 and said[1].isdigit() else 0


@check(ROBUST, "RFC 9112 7.1", "an envelope in chunks is taken, or refused")
def chunks(s: Session) -> None:
    content = envelope(made())
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
    line = f"POST {s.path('add')} HTTP/1.1"
    found = raw(s, line, f"Content-Type: {TAXII}\r\nTransfer-Encoding: chunked\r\n", sent)
    expect(found == 202 or 400 <= found < 500, f"{found}")


@check(ROBUST, "RFC 9110 8.4", "an envelope that is packed is taken or refused")
def packed(s: Session) -> None:
    sent = gzip.compress(envelope(made()))
    s.ask("add", body=sent, headers={"content-encoding": "gzip"}).be(202, 400, 415, 422)


@check(ROBUST, "RFC 9110 10.1.1", "Expect: 100-continue is met")
def expected(s: Session) -> None:
    content = envelope(made())
    extra = f"Content-Type: {TAXII}\r\nExpect: 100-continue\r\nContent-Length: {len(content)}\r\n"
    found = raw(s, f"POST {s.path('add')} HTTP/1.1", extra, content)
    expect(found in (100, 202, 417), f"{found}")


@check(ROBUST, "RFC 9112", "{0} is answered, or the line is closed",
       ["GET / HTTP/9.9", "GET", "FETCH /taxii2/ HTTP/1.1", "GET /taxii2/ HTTP/1.0"])  # fmt: skip
def lines(s: Session, line: str) -> None:
    found = raw(s, line)
    expect(found < 500 or found in (501, 505), f"{found}")
    serves(s)


@check(ROBUST, "5.4", "GET with a body is as without")
def bodied(s: Session) -> None:
    s.ask("objects", body=b"{}").be(200)


BODIES = {
    "nothing": b"", "no JSON": b"{", "a list": b"[]", "text": b'"objects"', "a number": b"1",
    "null": b"null", "objects that are no list": b'{"objects": {}}',
    "Latin-1": b'{"objects": [{"name": "\xe9"}]}',
    "a NUL after it": envelope(made()) + b"\0", "two envelopes": envelope(made()) * 2,
    "NaN": b'{"objects": [NaN]}', "100,000 brackets": b'{"objects": ' + b"[" * 100_000,
}  # fmt: skip


@check(ROBUST, "5.5, RFC 8259", "a body of {0} is refused", BODIES)
def body(s: Session, named: str) -> None:
    answer = s.ask("add", body=BODIES[named], method="POST")
    expect(400 <= answer.status < 500, f"{answer.status}")
    serves(s)


OBJECTS = {
    "a number": 1, "null": None, "text": "indicator", "a list": [], "nothing": {},
    "no id": {key: value for key, value in made().items() if key != "id"},
    "no type": {key: value for key, value in made().items() if key != "type"},
    "an id of another type": made(id="tool--5f0e2f1e-0f1f-4a4e-8c1e-0c5d9f0f9f10"),
    "an id that is none": made(id="attack-pattern--1"), "an id that is a number": made(id=7),
    "a modified that is none": made(modified="yesterday"), "a type of a path": made(type="../x"),
    "depth 200": made(name="a", x_deep=json.loads("[" * 200 + "]" * 200)),
}  # fmt: skip


# Last, for what a server takes of these it may not be able to give.


@check(ROBUST, "5.5, 4.3.1", "an object that is {0} is refused or counted, as what is beside it",
       OBJECTS)  # fmt: skip
def odd_object(s: Session, named: str) -> None:
    answer = s.give(OBJECTS[named], made()).be(202, 400, 422)
    if answer.status == 202:
        found = answer.json
        counts = found["success_count"] + found["failure_count"] + found["pending_count"]
        expect((found["total_count"], counts) == (2, 2), str(found))
    serves(s)


@check(
    ROBUST,
    "5.4",
    "after all this {0} can be read as before",
    ["manifest", "objects", "collections"],
)
def whole(s: Session, endpoint: str) -> None:
    s.ask(endpoint).be(200).typed()

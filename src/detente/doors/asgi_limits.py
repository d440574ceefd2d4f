"""How much one request may be. Each limit is a constant and its reason (docs/rules/R-11.md)."""

from detente.core.mirror import UPLOAD_BYTES_MAX
from detente.core.witness import REQUEST_BYTES_MAX
from detente.errors import MalformedInput

HEAD_BYTES_MAX = 32_768
"""Request line and headers. The largest that anyone needs here is a token: 8 KiB with
every scope; Apache and nginx take 8 KiB a line and some 32 KiB together."""

HEADERS_MAX = 100
"""Headers of a request; Apache's limit. Browsers behind two proxies send some 30."""

PIPELINED_MAX = 16
"""Requests that a client may send ahead of their answers on one connection. No known
client sends any; each waiting one takes memory."""

DISCARDED_MAX = 1_000_000
"""Bytes of a refused body that are read and thrown away, so that the client hears the
refusal and keeps its connection; past it the connection is cut."""

BODY_RATE_MIN = 1_000
"""Bytes a second that a body must come at, on the whole, after body_timeout_s: a tenth of
a bad satellite link."""

BODY_BYTES_MAX = 1_048_576
"""A body where BODIES says nothing else: a plan with 10,000 vertices is some 400 KB."""

MEGABYTE = 1_000_000

TAXII_BYTES_MAX = 24 * MEGABYTE
"""An envelope of TAXII: a dozen objects of the largest, or thousands of the usual."""

BODIES: tuple[tuple[str, int], ...] = (
    # An object of OBJECT_BYTES_MAX (8 MiB) as it is asked for, which may be longer than as it
    # is signed; a plan's key is another megabyte.
    *(
        (f"/v1/{path}", 24 * MEGABYTE)
        for path in (
            "notices",
            "movements",
            "zones",
            "presence",
            "plans",
            "objects",
            "check",
            "reports",
            "bundles",
            "misp",
        )
    ),
    # Signed entries, each with its object.
    ("/v1/entries", 64 * MEGABYTE),
    # Lines are checked and answered one by one; none may be longer than LINE_BYTES_MAX.
    ("/v1/checks", 64 * MEGABYTE),
    # As large as what is sent natively; the API root tells it.
    ("/taxii2", TAXII_BYTES_MAX),
    # A checkpoint with 64 signatures, and a proof.
    ("/witness", REQUEST_BYTES_MAX),
    # A bundle of the largest entries, and a proof; a checkpoint is smaller.
    ("/mirror", UPLOAD_BYTES_MAX),
    # Nothing is read there.
    ("/health", 0),
    ("/metrics", 0),
    ("/docs", 0),
    ("/page", 0),
    ("/openapi.json", 0),
)
"""Path -> bytes of its body; it holds for every path below, and the longest one decides."""

LINE_BYTES_MAX = 1_048_576
"""A line of JSON lines: as BODY_BYTES_MAX."""

_BY_FIRST: dict[str, tuple[tuple[str, int], ...]] = {}
for _path, _bytes in sorted(BODIES, key=lambda one: -len(one[0])):
    _first = "/".join(_path.split("/", 2)[:2])
    _BY_FIRST[_first] = (*_BY_FIRST.get(_first, ()), (_path, _bytes))


def body_bytes_max(path: str, *, most: int) -> int:
    """How long the body of a request for this path may be; never more than ``most``."""
    end = path.find("/", 1)
    for start, limit in _BY_FIRST.get(path if end < 0 else path[:end], ()):
        if path.startswith(start) and (len(path) == len(start) or path[len(start)] == "/"):
            return min(limit, most)
    return min(BODY_BYTES_MAX, most)


def content_length(value: bytes) -> int:
    """The number in a Content-Length header, which the parser has seen to be one.

    Raises:
        MalformedInput: It is none all the same.
    """
    if not value.isdigit():
        raise MalformedInput("content-length", expected="a number")
    return int(value)

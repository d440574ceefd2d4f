"""The page: files that the build left here (``web/``), served by the node itself.

It asks nothing of anyone else, and holds no rule: it shows what the interface answers.
What is under ``assets`` is named after its content, and may be kept for ever.

Source: docs/adr/0030.
"""

import asyncio
import gzip
import re
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.response.redirect import Redirect
from msgspec import Struct

from detente.errors import NotFound

FOLDER = Path(__file__).parent / "pages"

POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Only what lies here. Pictures may be made by the page itself: the map draws its symbols."""

_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".pmtiles": "application/octet-stream",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
_PACKED = frozenset({".css", ".html", ".js", ".json", ".svg"})
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})")
_FOREVER = "public, max-age=31536000, immutable"


class File(Struct, frozen=True):
    """One file of the page; ``packed`` is it under gzip where that is shorter."""

    data: bytes
    media_type: str
    tag: str
    packed: bytes | None
    named_by_content: bool


@cache
def files() -> dict[str, File]:
    """All of them, by their path; none where the page was not built."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and path.suffix in _TYPES:
            name = path.relative_to(FOLDER).as_posix()
            found[name] = _file(path, kept=name.startswith("assets/"))
    return found


def handlers() -> Sequence[HTTPRouteHandler]:
    """The routes of this module."""
    return [_root, _page, _part]


@get("/", include_in_schema=False)
async def _root() -> Redirect:
    """Whoever opens the node in a browser finds the page; without one, the interface."""
    return Redirect("/page/" if (FOLDER / "index.html").exists() else "/docs")


@get("/page", include_in_schema=False)
async def _page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page itself."""
    return await _answer("index.html", request)


@get("/page/{path:path}", include_in_schema=False)
async def _part(request: Request[Any, Any, Any], path: str) -> Response[bytes]:
    """What it is made of."""
    return await _answer(path.removeprefix("/") or "index.html", request)


async def _answer(name: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    """A file, or a part of it: the map asks for parts.

    Raises:
        NotFound: There is none.
    """
    # The first time all are read and packed, which takes a moment that others need not wait.
    file = (await asyncio.to_thread(files)).get(name)
    if file is None:
        raise NotFound("page", expected="a file of the page")
    headers = {
        "content-security-policy": POLICY,
        "cache-control": _FOREVER if file.named_by_content else "no-cache",
        "referrer-policy": "no-referrer",
        "etag": file.tag,
        "vary": "accept-encoding",
    }
    if request.scope["state"]["exchange"].has(file.tag.encode()):
        return Response(b"", status_code=304, headers=headers)
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is not None:
        return _some(file, int(asked[1]), int(asked[2]), headers)
    data = file.data
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        data = file.packed
        headers["content-encoding"] = "gzip"
    return Response(data, media_type=file.media_type, headers=headers)


def _some(file: File, first: int, last: int, headers: dict[str, str]) -> Response[bytes]:
    """The bytes from first to last, both of them (RFC 9110 section 14)."""
    size = len(file.data)
    if first > last or first >= size:
        return Response(
            b"", status_code=416, headers={**headers, "content-range": f"bytes */{size}"}
        )
    last = min(last, size - 1)
    headers = {**headers, "content-range": f"bytes {first}-{last}/{size}"}
    data = file.data[first : last + 1]
    return Response(data, status_code=206, media_type=file.media_type, headers=headers)


def _file(path: Path, *, kept: bool) -> File:
    data = path.read_bytes()
    packed = gzip.compress(data, mtime=0) if path.suffix in _PACKED else None
    return File(
        data=data,
        media_type=_TYPES[path.suffix],
        tag=f'"{sha256(data).hexdigest()[:32]}"',
        packed=packed if packed is not None and len(packed) < len(data) else None,
        named_by_content=kept,
    )

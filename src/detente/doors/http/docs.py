"""The documentation, served by the node itself: nothing on these pages comes from outside.

``/openapi.json`` is the interface; ``/docs`` shows it and sends requests from it;
``/docs/errors`` says what each code means. The pages are ours, some 300 lines without a
framework: the usual viewers are one to three megabytes of minified script, and ask
for styles inline.
"""

import asyncio
import html
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from detente.doors.asgi_problem import MEANINGS, TABLE

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a page may do (Content-Security-Policy): only what lies here, and nothing inline."""

_PAGES = Path(__file__).parent / "pages"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"
"""The interface's media type, by which a link names it (OGC 17-069r4 section 7.2): for whoever
asks for it. GDAL refuses it where it asked for version 3.0 or JSON."""

_HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
}


def handlers(document: Callable[[], bytes]) -> Sequence[HTTPRouteHandler]:
    """The routes of this module, for an OpenAPI document.

    It is made when it is first asked for: that takes a second, and most workers never are.
    """
    made = cache(document)

    @get("/openapi.json", include_in_schema=False)
    async def interface(request: Request[Any, Any, Any]) -> Response[bytes]:
        named = OPENAPI in request.headers.get("accept", "").replace(" ", "").lower()
        given = _page_of(await asyncio.to_thread(made), OPENAPI if named else "application/json")
        given.headers["vary"] = "accept"
        return given

    return [
        interface,
        _serving("/docs", *_page("docs.html")),
        _serving("/docs/docs.css", *_page("docs.css")),
        _serving("/docs/docs.js", *_page("docs.js")),
        _serving("/docs/errors", _errors_page().encode(), _TYPES[".html"]),
    ]


def _page(name: str) -> tuple[bytes, str]:
    path = _PAGES / name
    return path.read_bytes(), _TYPES[path.suffix]


def _serving(path: str, content: bytes, media_type: str) -> HTTPRouteHandler:
    async def serve() -> Response[bytes]:
        return _page_of(content, media_type)

    route: Callable[..., HTTPRouteHandler] = get(path, include_in_schema=False, name=path)
    return route(serve)


def _page_of(content: bytes, media_type: str) -> Response[bytes]:
    return Response(content, media_type=media_type, headers=_HEADERS)


def _errors_page() -> str:
    rows = "".join(
        f'<tr id="{code}"><th>{row.status}</th><td><code>{code}</code></td>'
        f"<td>{html.escape(MEANINGS[code])}</td></tr>"
        for code, row in sorted(TABLE.items(), key=lambda one: (one[1].status, one[0]))
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Détente: errors</title>'
        '<link rel="stylesheet" href="/docs/docs.css"></head><body><header><h1>Errors</h1>'
        '<a href="/docs">interface</a></header><nav></nav><main><p>Every error is a problem '
        "(RFC 9457) in <code>application/problem+json</code>; its <code>code</code> is stable, "
        f"its texts may improve.</p><table>{rows}</table></main></body></html>"
    )

"""How TAK clients ask for a certificate, over HTTPS: the routes that they know.

Out of the interface's description: no client of ours asks them.

Source: what ATAK, WinTAK and iTAK ask of a TAK server: ``/Marti/api/tls/config``, then
``/Marti/api/tls/signClient/v2`` with HTTP Basic and a request in base64, then ATAK
``/Marti/api/tls/profile/enrollment`` for a package of settings.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from detente.doors.asgi_auth import address_of, basic_of
from detente.doors.asgi_challenge import NoCredentials, UnprovenToBasic
from detente.doors.cot.writing import element
from detente.errors import NotAuthentic
from detente.node.access.enrolment import Enrolment, Issued, now_utc

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_JSON = frozenset({"text/plain", "application/json", "*/*"})
"""What clients that want JSON say first that they accept; iTAK says text."""

NO_STORE = {"cache-control": "no-store"}


def handlers(enrolment: Enrolment, organisation: str) -> Sequence[HTTPRouteHandler]:
    """The routes.

    Args:
        enrolment: Gives certificates.
        organisation: What the requests are to say as O, which is not read.
    """

    @get("/Marti/api/tls/config", include_in_schema=False)
    async def config(request: Request[Any, Any, Any]) -> Response[bytes]:
        await _proven(enrolment, request)
        entry = element("nameEntry", {"name": "O", "value": organisation})
        text = (
            f'{_HEAD}<ns2:certificateConfig xmlns="http://bbn.com/marti/xml/config" '
            f'xmlns:ns2="com.bbn.marti.config"><nameEntries>{entry}</nameEntries>'
            "</ns2:certificateConfig>"
        )
        return Response(text.encode(), media_type="application/xml", headers=NO_STORE)

    @post(
        "/Marti/api/tls/signClient/v2",
        include_in_schema=False,
        status_code=HTTPStatus.OK,
        opt={"media_types": frozenset({b"*/*"})},
    )
    async def sign(request: Request[Any, Any, Any]) -> Response[bytes]:
        client_id, token = await _proven(enrolment, request)
        found = await enrolment.enrol(
            client_id,
            token,
            await request.body(),
            address=address_of(request.scope),
            now=now_utc(),
        )
        accepts = re.split("[,;]", request.headers.get("accept", ""))[0].strip().lower()
        body, kind = _json(found, accepts) if accepts in _JSON else _xml(found)
        return Response(body, media_type=kind, headers=NO_STORE)

    @get("/Marti/api/tls/profile/enrollment", include_in_schema=False, status_code=204)
    async def profile() -> None:
        """None, whoever asks: a token is spent by then, and a refusal reads as a failed joining."""

    return [config, sign, profile]


async def _proven(enrolment: Enrolment, request: Request[Any, Any, Any]) -> tuple[str, str]:
    """Name and token."""
    given = request.headers.get("authorization")
    if given is None:
        raise UnprovenToBasic(NoCredentials())
    try:
        client_id, token = basic_of(given.encode("latin-1"))
        address = address_of(request.scope)
        await enrolment.require(client_id, token, address=address, now=now_utc())
    except NotAuthentic as error:
        raise UnprovenToBasic(error) from None
    return client_id, token


def _json(found: Issued, accepts: str) -> tuple[bytes, str]:
    kind = "text/plain" if accepts == "text/plain" else "application/json"
    return msgspec.json.encode({"signedCert": found.certificate, "ca0": found.authority}), kind


def _xml(found: Issued) -> tuple[bytes, str]:
    text = (
        f"{_HEAD}<enrollment><signedCert>{found.certificate}</signedCert>"
        f"<ca>{found.authority}</ca></enrollment>"
    )
    return text.encode(), "application/xml"

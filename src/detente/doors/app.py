"""The application that a worker serves: every door, around one node.

A door gives its handlers; a route that must be fast gives a ``Hot`` besides. To add a
door, add it to ``_doors``.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Request
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.response import Response
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from detente.doors import page
from detente.doors.asgi_auth import Authenticator, origin_of, provide_principal
from detente.doors.asgi_edge import Edge, Exchange, refusal
from detente.doors.asgi_hot import Answer, Hot
from detente.doors.asgi_limits import TAXII_BYTES_MAX
from detente.doors.asgi_log import RequestLog, write_error
from detente.doors.asgi_node import Node
from detente.doors.asgi_openapi import document
from detente.doors.asgi_problem import Refused, code_of_status, validation_error
from detente.doors.astm import answers, routes
from detente.doors.astm.operations import Operation
from detente.doors.astm.service import Service as DssService
from detente.doors.cap import routes as cap
from detente.doors.cap.wire import Letterhead
from detente.doors.cot import enrolment
from detente.doors.exports import routes as exports
from detente.doors.features import routes as layers
from detente.doors.features.describing import described as described_layers
from detente.doors.http import (
    device,
    docs,
    health,
    log,
    mirror,
    sign_in,
    telling,
    tokens,
    v1,
    watch_stream,
)
from detente.doors.misp import routes as misp
from detente.doors.taxii import routes as taxii_routes
from detente.doors.taxii.service import Service as TaxiiService
from detente.node.access.enrolment import Authority, Enrolment
from detente.node.certificate import Certificate, certificate
from detente.node.f3548.terms import Terms
from detente.node.misp import MispFeed
from detente.node.service import Service
from detente.node.telling.alerts import Alerts
from detente.node.telling.peers import Peering
from detente.settings import Settings

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})

MEDIA_TYPES = frozenset({b"application/json"})
"""What a route reads that says nothing else with ``opt={"media_types": ...}``."""

ANY_TYPE = frozenset({b"*/*"})
"""For protocols whose clients say nothing of what they send, or anything."""


class Door(Struct, frozen=True, kw_only=True):
    """What one door brings."""

    handlers: Sequence[ControllerRouterHandler]
    hot: Sequence[Hot] = ()
    described: Sequence[Mapping[str, Any]] = ()


def create(settings: Settings, node: Node) -> Edge:
    """Everything that a node answers over HTTP."""
    doors = _doors(settings, node)
    documented = [handler for door in doors for handler in door.handlers]
    described = [one for door in doors for one in door.described]
    dependencies = {"node": Provide(lambda: node, sync_to_thread=False)}
    if isinstance(node, Service):
        gate = node.gate
        dependencies["gate"] = Provide(lambda: gate, sync_to_thread=False)
        dependencies["principal"] = provide_principal(Authenticator(gate))
        told, known = node.telling, node.devices
        dependencies["devices"] = Provide(lambda: known, sync_to_thread=False)
        dependencies["service"] = Provide(lambda: node, sync_to_thread=False)
        dependencies["telling"] = Provide(lambda: told, sync_to_thread=False)
    described_when_asked = partial(document, documented, dependencies, described)
    app = Litestar(
        [*documented, *docs.handlers(described_when_asked), *page.handlers()],
        openapi_config=None,
        # The edge has its own limit, by route.
        request_max_body_size=None,
        dependencies=dependencies,
        exception_handlers={HTTPException: _framework_error, Exception: _error},
        before_request=_require_media_type,
        logging_config=None,
    )
    hot = [route for door in doors for route in door.hot]
    requests = None
    if settings.log_level in {"debug", "info"}:
        requests = RequestLog(settings.log_format, write_error)
    return Edge(app, hot, bytes_max=settings.request_bytes_max, log=requests)  # type: ignore[arg-type] # ASGI


def _doors(settings: Settings, node: Node) -> list[Door]:
    doors = [Door(handlers=health.handlers(with_metrics=settings.metrics == "loopback"))]
    if isinstance(node, Service):
        authenticator = Authenticator(node.gate)
        doors += [
            Door(
                handlers=[
                    *tokens.handlers(),
                    *sign_in.handlers(),
                    *device.handlers(),
                    *telling.handlers(),
                    *watch_stream.handlers(),
                    *exports.handlers(),
                ]
            ),
            Door(handlers=log.handlers(), hot=log.hot(node)),
            Door(handlers=mirror.handlers(), hot=mirror.hot(node)),
            _native(node, authenticator),
            _f3548(settings, node, authenticator),
            _ogc(node, authenticator),
            _taxii(settings, node, authenticator),
            _cap(settings, node, authenticator),
            _misp(node, authenticator),
            *_enrolment(settings, node),
        ]
    return doors


def _native(node: Service, authenticator: Authenticator) -> Door:
    desk = v1.Desk(
        engine=node.engine,
        asking=node.asking,
        reading=node.reading,
        who=authenticator.principal,
        device=partial(device.caller, node.devices, origin_of(node.gate.settings.url)),
        quarantine=node.quarantine,
        notary=node.notary,
        alerting=node.alerting,
    )
    return Door(handlers=v1.handlers(desk), hot=v1.hot(desk), described=[v1.description()])


def _ogc(node: Service, authenticator: Authenticator) -> Door:
    desk = layers.Desk(node.engine, node.layers, authenticator, node.gate.settings.url)
    return Door(handlers=layers.handlers(desk), described=[described_layers()])


def f3548_terms(settings: Settings, url: str) -> Terms:
    """How the node keeps F3548's service, at its own address."""
    return Terms(
        base_url=url,
        plain_http=settings.f3548_plain_http,
        clock_indices=settings.f3548_clock_indices,
    )


def peering(settings: Settings) -> Peering | None:
    """How peers of F3548 are told; None where the node has no address that it could give them."""
    if not settings.base_url:
        return None
    terms = f3548_terms(settings, settings.base_url.rstrip("/"))
    return Peering(terms=terms, encode=answers.notification)


def _f3548(settings: Settings, node: Service, authenticator: Authenticator) -> Door:
    terms = f3548_terms(settings, node.gate.settings.url)
    service = DssService(node.engine, authenticator.principal, terms)
    return Door(
        handlers=routes.handlers(service),
        hot=[Hot(one.method, one.path, partial(_dss, service, one)) for one in routes.EVERY],
    )


def _taxii(settings: Settings, node: Service, authenticator: Authenticator) -> Door:
    service = TaxiiService(
        node.engine,
        node.taxii,
        authenticator.principal,
        settings.base_url.rstrip("/"),
        bytes_max=min(TAXII_BYTES_MAX, settings.request_bytes_max),
    )
    return Door(handlers=taxii_routes.handlers(service), hot=taxii_routes.hot(service))


def _cap(settings: Settings, node: Service, authenticator: Authenticator) -> Door:
    def by() -> Certificate:
        if not settings.cap_certificate:
            return node.own_certificate()
        return certificate(Path(settings.cap_certificate), Path(settings.cap_key))

    head = Letterhead(url=node.gate.settings.url, status=settings.cap_status)
    desk = cap.Desk(Alerts(node.telling), authenticator.principal, by, head)
    return Door(handlers=cap.handlers(desk))


def _misp(node: Service, authenticator: Authenticator) -> Door:
    feed = MispFeed(node.engine, node.taxii)
    return Door(handlers=misp.handlers(misp.Desk(node.engine, feed, authenticator.principal)))


def _enrolment(settings: Settings, node: Service) -> list[Door]:
    if not settings.cot_ca_key:
        return []
    authority = Authority(Path(settings.cot_ca_certificate), Path(settings.cot_ca_key))
    made = Enrolment(node.engine.store.access, authority, node.gate.guesses)
    return [Door(handlers=enrolment.handlers(made, node.engine.world.agreement.name))]


async def _dss(service: DssService, operation: Operation, exchange: Exchange) -> Answer:
    """One request of F3548's, past the framework."""
    given = await service.answer(operation, exchange.scope, exchange.path_params, exchange.body)
    headers = tuple((name.encode(), value.encode()) for name, value in given.headers)
    return Answer(given.status, given.body, b"application/json", headers)


def _error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Any exception, as the one shape."""
    exchange: Exchange = request.scope["state"]["exchange"]
    exchange.template = request.scope.get("path_template")
    given = refusal(error, exchange)
    return Response(
        given.body,
        status_code=given.status,
        media_type=given.media_type.decode(),
        headers={name.decode(): value.decode() for name, value in given.headers},
    )


def _framework_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework itself refuses: no such path or method, a parameter of another type."""
    code = code_of_status(error.status_code)
    if code == "internal":
        return _error(request, error)
    response = _error(request, _as_refused(code, error))
    for name, value in (error.headers or {}).items():
        response.set_header(name, str(value))
    return response


def _as_refused(code: str, error: HTTPException) -> Exception:
    if code == "not_found":
        return Refused(code, "path", expected="one of /openapi.json")
    if code == "method_not_allowed":
        return Refused(code, "method", expected=f"one of {(error.headers or {}).get('Allow', '')}")
    first = error.extra[0] if isinstance(error.extra, list) and error.extra else None
    if isinstance(first, dict) and "key" in first:
        return validation_error(f"{first.get('message')} - at `$.{first['key']}`", what="request")
    said = error.detail if code == "malformed_input" else ""
    return Refused(code, "request", got=said)


def _require_media_type(request: Request[Any, Any, Any]) -> None:
    """A body of another kind is refused, and not read as what it is not."""
    if request.method not in BODY_METHODS:
        return
    exchange: Exchange = request.scope["state"]["exchange"]
    given = exchange.header(b"content-type")
    if given is None and not exchange.bytes_in:
        return
    handler: BaseRouteHandler = request.scope["route_handler"]
    taken = handler.opt.get("media_types", MEDIA_TYPES)
    if taken == ANY_TYPE:
        return
    kind = (given or b"").partition(b";")[0].strip().lower()
    if kind not in taken:
        expected = " or ".join(sorted(one.decode() for one in taken))
        raise Refused("unsupported_media_type", "content-type", expected=expected)

"""What a party's devices sent and nobody was shown, and why."""

from http import HTTPStatus

from msgspec import Struct

from detente.core.principal import Scope
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.operation import Operation
from detente.doors.http.v1.request import encode
from detente.node.quarantine import Refusal


class Refused(Struct, frozen=True, kw_only=True):
    """The last that was refused of the party's own devices, newest first."""

    refused: tuple[Refusal, ...]


async def quarantine(desk: Desk, exchange: Exchange) -> Answer:
    """The asker's own."""
    principal = await desk.enter(exchange)
    principal.require(Scope.READ)
    return Answer(
        HTTPStatus.OK, encode(Refused(refused=tuple(desk.quarantine.of(principal.party))))
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/quarantine",
        name="quarantine",
        says="What the party's own devices sent that was passed on to nobody, and why.\n\n"
        "It is kept in memory by the worker that took it; it holds no places.",
        tag="objects",
        act=quarantine,
        gives=Refused,
        scopes=(Scope.READ,),
    ),
)

"""What a party's devices and feeds sent and nobody was shown, and why."""

from http import HTTPStatus

from msgspec import Struct

from detente.core.principal import Scope
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.operation import Operation
from detente.doors.http.v1.request import encode
from detente.node.quarantine import Refusal, RefusedCount


class Refused(Struct, frozen=True, kw_only=True):
    """What was refused.

    Attributes:
        refused: The last of the party's own devices, newest first.
        counts: How often what was refused of the party's own devices and feeds; to whoever may
            administrate, of everybody's. Latest first.
    """

    refused: tuple[Refusal, ...]
    counts: tuple[RefusedCount, ...]


async def quarantine(desk: Desk, exchange: Exchange) -> Answer:
    """The asker's own; to whoever may administrate, counts of all."""
    principal = await desk.enter(exchange)
    principal.require(Scope.READ)
    counts = [*desk.alerting.refused(), *desk.quarantine.counts()]
    if Scope.ADMIN not in principal.scopes:
        counts = [one for one in counts if one.party == principal.party]
    counts.sort(key=lambda one: one.last, reverse=True)
    answer = Refused(refused=tuple(desk.quarantine.of(principal.party)), counts=tuple(counts))
    return Answer(HTTPStatus.OK, encode(answer))


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/quarantine",
        name="quarantine",
        says="What the party's own devices and feeds sent that was passed on to nobody.\n\n"
        "It says why; it is kept in memory by the worker that took it, and holds no places. "
        "Scope `detente.admin` sees `counts` of everybody's.",
        tag="objects",
        act=quarantine,
        gives=Refused,
        scopes=(Scope.READ,),
    ),
)

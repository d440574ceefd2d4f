"""A STIX bundle given natively: one report for each of its objects."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from detente.core.principal import Scope
from detente.core.release import Release
from detente.core.report import Reliability
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.asgi_problem import decode
from detente.doors.http.v1 import examples
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.operation import WRITES, Body, Operation
from detente.doors.http.v1.request import Form, encode, json_body
from detente.node.taxii.adding import OBJECTS_MAX, Outcome, Terms, give


class Bundle(Struct, frozen=True, kw_only=True):
    """A STIX bundle; each object is kept as it stands here."""

    type: Literal["bundle"]
    objects: Annotated[tuple[dict[str, Any], ...], Meta(min_length=1, max_length=OBJECTS_MAX)]
    id: str = ""


class GivenBundle(Struct, frozen=True, kw_only=True):
    """A bundle, to whom its objects are released, and how reliable their source is.

    A label that an object bears itself counts where it is more closed than the release's.
    Without a reliability, it is F, or what was said before of an object that was given before.
    """

    bundle: Bundle
    release: Release | None = None
    reliability: Reliability | None = None


class Outcomes(Struct, frozen=True, kw_only=True):
    """What became of each object, in their order: no message where it is on record."""

    outcomes: tuple[Outcome, ...]


class _Objects(Struct, frozen=True):
    """The objects of a bundle, each as its text."""

    objects: tuple[msgspec.Raw, ...]


class _Texts(Struct, frozen=True):
    bundle: _Objects


_form: Form[GivenBundle] = Form(GivenBundle)
_texts = msgspec.json.Decoder(_Texts)


async def give_bundle(desk: Desk, exchange: Exchange) -> Answer:
    """A bundle, split."""
    principal = await desk.enter(exchange)
    principal.require(Scope.WRITE_REPORTS)
    body = await json_body(exchange)
    given = _form.read(body, principal.party)
    terms = Terms(release=given.release, reliability=given.reliability)
    texts = [bytes(one).decode() for one in decode(_texts, body).bundle.objects]
    outcomes = await give(desk.engine, principal, terms, texts)
    return Answer(HTTPStatus.OK, encode(Outcomes(outcomes=outcomes)))


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/bundles",
        name="giveBundle",
        says="Give a STIX bundle: one report for each of its objects.\n\n"
        "Each object is kept as it came, and named by its STIX id; one that the party gave before "
        "is its next version. An object that is refused says why, and the others are taken.",
        tag="entries",
        act=give_bundle,
        body=Body(form=GivenBundle, example=examples.BODIES["giveBundle"]),
        gives=Outcomes,
        scopes=(Scope.WRITE_REPORTS,),
        refusals=WRITES,
    ),
)

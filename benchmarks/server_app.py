"""What servers.py measures: a POST that reads a kilobyte of JSON and answers 300 bytes.

``bare`` is the least an application can be, ``framework`` the same as Litestar routes;
run as a program with a port, it serves both ways through our own edge and limits.
"""

import asyncio
import socket
import sys

import uvloop
from litestar import Litestar, Request, post
from litestar.response import Response
from litestar.types import Receive, Scope, Send
from msgspec import Struct
from msgspec.json import Decoder, Encoder


class Place(Struct, frozen=True, kw_only=True):
    centre: tuple[int, int]
    radius_mm: int


class Question(Struct, frozen=True, kw_only=True):
    source_id: str
    party: str
    name: str
    volumes: tuple[Place, ...]
    keys: tuple[str, ...] = ()


class Reply(Struct, frozen=True, kw_only=True):
    object_id: str
    volumes: int
    token: str
    keys: tuple[str, ...]


QUESTIONS, REPLIES = Decoder(Question), Encoder()


def reply(asked: Question) -> Reply:
    return Reply(
        object_id=asked.source_id, volumes=len(asked.volumes), token="t" * 43, keys=("k" * 43,) * 4
    )


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})  # type: ignore[misc,arg-type]
            if message["type"] == "lifespan.shutdown":
                return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = REPLIES.encode(reply(QUESTIONS.decode(body)))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer, "more_body": False})


@post("/typed", status_code=200)
async def typed(data: Question) -> Reply:
    """As one writes it: the framework decodes and encodes."""
    return reply(data)


@post("/bytes", status_code=200)
async def bytes_(request: Request) -> Response[bytes]:
    """Decoded and encoded by ourselves."""
    answer = REPLIES.encode(reply(QUESTIONS.decode(await request.body())))
    return Response(answer, media_type="application/json")


framework = Litestar([typed, bytes_], openapi_config=None, logging_config=None)


async def main(port: int) -> None:
    # Only here: the servers that are measured beside ours need none of it.
    from detente.doors.asgi_edge import Edge, Exchange  # noqa: PLC0415
    from detente.doors.asgi_hot import Answer, Hot  # noqa: PLC0415
    from detente.doors.asgi_log import RequestLog, set_up, write_error  # noqa: PLC0415
    from detente.doors.asgi_worker import Server  # noqa: PLC0415
    from detente.settings import Settings  # noqa: PLC0415

    async def hot(exchange: Exchange) -> Answer:
        return Answer(200, REPLIES.encode(reply(QUESTIONS.decode(await exchange.body()))))

    set_up("info", "json")
    settings = Settings(port=port)
    log = RequestLog("json", write_error)
    edge = Edge(framework, [Hot("POST", "/hot", hot)], bytes_max=1_000_000, log=log)
    listening = socket.create_server(("127.0.0.1", port), backlog=2_048)
    await Server(settings, edge).listen([listening])
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))

"""A recording served as BaseStation lines, so that any program for receivers can connect."""

import asyncio
import contextlib
from collections.abc import Sequence

from detente.core.heard import Heard
from detente.doors.feeds.sbs import lines_of
from detente.errors import Unavailable
from detente.node.replaying import Pace, steps

WAITING_BYTES_MAX = 1_000_000
"""What may wait for a client, some 8,000 lines; one further behind is cut off: its picture
would be of the past."""

CLIENTS_MAX = 100

CLOSE_TIMEOUT_S = 10.0
"""How long a client has at the end to take what waits for it."""


async def serve(heard: Sequence[Heard], host: str, port: int, speed: float) -> tuple[int, int]:
    """Begin when the first client comes, and end with the recording.

    Args:
        heard: In order of time.
        host: To listen on.
        port: Likewise.
        speed: As Pace has it.

    Returns:
        How many positions were sent, and how many clients were cut off.

    Raises:
        Unavailable: Nothing can listen there.
        MalformedInput: No such speed.
    """
    clients: set[asyncio.StreamWriter] = set()
    tasks: set[asyncio.Task[None] | None] = set()
    came = asyncio.Event()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(clients) >= CLIENTS_MAX:
            writer.close()
            return
        clients.add(writer)
        tasks.add(asyncio.current_task())
        came.set()
        # Nothing is expected of a client but its end, clean or not.
        with contextlib.suppress(OSError):
            while await reader.read(1_024):
                pass
        clients.discard(writer)
        writer.close()

    try:
        server = await asyncio.start_server(enter, host, port)
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise Unavailable(f"{host}:{port}", expected="to listen", got=got) from None
    async with server:
        await came.wait()
        out = await _send(heard, clients, speed)
        for client in tuple(clients):
            client.close()
        open_ = [task for task in tasks if task is not None and not task.done()]
        if open_:
            await asyncio.wait(open_, timeout=CLOSE_TIMEOUT_S)
        for client in tuple(clients):
            client.transport.abort()
        return out


async def _send(
    heard: Sequence[Heard], clients: set[asyncio.StreamWriter], speed: float
) -> tuple[int, int]:
    sent = cut = 0
    if not heard:
        return sent, cut
    pace = Pace(heard[0].observed.time, speed)
    for now, batch in steps(heard):
        await asyncio.sleep(pace.wait_s(now))
        lines = [data for one in batch if (data := lines_of(one))]
        for client in tuple(clients):
            if client.transport.get_write_buffer_size() > WAITING_BYTES_MAX:
                client.transport.abort()
                clients.discard(client)
                cut += 1
                continue
            client.write(b"".join(lines))
        sent += len(lines)
    return sent, cut

"""Clients of a CoT server: HOST PORT LISTENERS RATE SECONDS; prints what arrived, as JSON."""

import asyncio
import contextlib
import json
import sys
import time
from datetime import UTC, datetime, timedelta

import uvloop

UNITS = 500
LATE_S = 0.5
END = b"</event>"


class Listener(asyncio.Protocol):
    """Counts the units' events that come; what ends between two reads is found as well."""

    def __init__(self) -> None:
        self.count = 0
        self._left = b""

    def data_received(self, data: bytes) -> None:
        data = self._left + data
        whole = data.rfind(END) + len(END)
        if whole < len(END):
            self._left = data
            return
        self.count += data.count(b'uid="BENCH-', 0, whole)
        self._left = data[whole:]


def event(unit: int, turn: int) -> bytes:
    now = datetime.now(UTC)
    at, until = (f"{one:%Y-%m-%dT%H:%M:%S.%fZ}" for one in (now, now + timedelta(minutes=2)))
    lon, lat = 38 + unit % 25 * 0.01 + turn * 1e-5, 33 + unit // 25 * 0.01
    return (
        f'<event version="2.0" uid="BENCH-{unit}" type="a-f-G-U-C" how="m-g" time="{at}" '
        f'start="{at}" stale="{until}"><point lat="{lat:.7f}" lon="{lon:.7f}" hae="100.0" '
        f'ce="5.0" le="10.0"/><detail><contact callsign="B{unit}"/><track speed="2.0" '
        f'course="90.0"/><__group name="Cyan" role="Team Member"/></detail></event>'
    ).encode()


async def main() -> None:
    host, port, listeners, rate, seconds = sys.argv[1], *map(int, sys.argv[2:6])
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Listener, host, port) for _ in range(listeners)]
    _, writer = await asyncio.open_connection(host, port)
    for unit in range(UNITS):
        writer.write(event(unit, 0))
        if unit % 50 == 0:
            await asyncio.sleep(0.05)
    await asyncio.sleep(5)
    before = [one.count for _, one in made]
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        while sent < passed * rate:
            writer.write(event(sent % UNITS, sent // UNITS + 1))
            sent += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(writer.drain(), seconds)
        await asyncio.sleep(0.005)
    took = time.monotonic() - began
    # What is on its way still counts; what comes later than this came too late.
    await asyncio.sleep(LATE_S)
    got = [one.count - was for (_, one), was in zip(made, before, strict=True)]
    print(json.dumps({
        "sent_per_s": sent / took, "deliveries_per_s": sum(got) / took, "least": min(got) / took,
    }))  # fmt: skip


uvloop.run(main())

"""Write the node's OpenAPI document, from which the page takes its types."""

import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import httpx

from detente.core.agreement import Agreement
from detente.doors.app import create
from detente.doors.asgi_worker import open_node
from detente.node.theatre import found
from detente.settings import Settings


async def document(folder: Path) -> bytes:
    """Ask a node of its own, which serves nothing and ends with this."""
    place = folder / "detente.db"
    found(place, theatre="none", agreement=Agreement(name="none"), now=datetime.now(UTC))
    settings = Settings(database=str(place))
    node = open_node(settings)
    await node.start()
    try:
        app = httpx.ASGITransport(create(settings, node))
        async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1:8000") as client:
            told = await client.get("/openapi.json")
    finally:
        await node.stop()
    return told.raise_for_status().content


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as where:
        told = asyncio.run(document(Path(where)))
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(told)

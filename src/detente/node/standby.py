"""A node that follows a record and answers for its health, and does nothing else yet."""

import asyncio
import contextlib
import os
from pathlib import Path

from detente.errors import DetenteError, Unavailable
from detente.node.metrics import RECORD_ENTRIES
from detente.node.status import Condition, Status
from detente.settings import Settings, masked_url
from detente.store import Store

PROBE_S = 1.0
"""How often the store is asked: a prober that asks every few seconds hears what is true."""

PROBE_TIMEOUT_S = 5.0
"""A store that does not answer within is away."""

DISK_FREE_MIN = 64 * 1024 * 1024
"""Bytes: below it a transaction and its log may not fit."""


class Standby:
    """Opens the store and watches it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: Store | None = None
        self._status = Status()
        self._probing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the store.

        Raises:
            NotFound: No such file.
            Unavailable: It cannot be opened.
        """
        if not self._settings.is_postgresql:
            self._store = await asyncio.to_thread(Store, Path(self._settings.database))
        await asyncio.to_thread(self._ask)
        await self._probe()
        self._probing = asyncio.create_task(self._keep_probing())

    async def stop(self) -> None:
        """Close it."""
        if self._probing is not None:
            self._probing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._probing
        if self._store is not None:
            self._store.close()

    def status(self) -> Status:
        """As of the last probe."""
        return self._status

    async def _keep_probing(self) -> None:
        while True:
            await asyncio.sleep(PROBE_S)
            await self._probe()

    async def _probe(self) -> None:
        problem, theatre, sequence = "", self._status.theatre, self._status.sequence
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                theatre, sequence = await asyncio.to_thread(self._ask)
            RECORD_ENTRIES.set(sequence)
        except TimeoutError:
            problem = f"no answer within {PROBE_TIMEOUT_S:g} s"
        except DetenteError as error:
            problem = error.got or "cannot be asked"
        self._status = Status(
            theatre=theatre,
            sequence=sequence,
            conditions=(
                Condition(name="database", problem=problem),
                Condition(name="picture"),
                Condition(name="disk", problem=self._disk()),
            ),
        )

    def _ask(self) -> tuple[str, int]:
        if self._store is None:
            _ask_server(self._settings.database)
            return "", 0
        with self._store.reading() as record:
            theatre, size, _ = record.head()
        return theatre, size

    def _disk(self) -> str:
        if self._settings.is_postgresql:
            return ""
        path = Path(self._settings.database)
        found = os.statvfs(path.parent)
        if found.f_bavail * found.f_frsize < DISK_FREE_MIN:
            return f"less than {DISK_FREE_MIN // 2**20} MiB free"
        return "" if os.access(path, os.W_OK) else "not writable"


def _ask_server(url: str) -> None:
    import psycopg  # noqa: PLC0415 - only where it is asked

    try:
        with psycopg.connect(url, connect_timeout=int(PROBE_TIMEOUT_S)) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        reason = str(error).partition("\n")[0]
        raise Unavailable(f"database {masked_url(url)}", expected="a server", got=reason) from None

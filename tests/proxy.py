"""A wire to the server that can be cut at a chosen instant."""

import socket
import threading
from enum import Enum, auto
from types import TracebackType
from typing import Self

_COMMIT = b"COMMIT\x00"
"""As the driver sends it (simple query)."""


class Cut(Enum):
    """When the wire is cut."""

    NEVER = auto()
    BEFORE_THE_COMMIT = auto()
    AFTER_THE_COMMIT = auto()


class Proxy:
    """Passes bytes on to a port of this machine, and cuts all wires when told."""

    def __init__(self, port: int) -> None:
        self.cut = Cut.NEVER
        self._target = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._listening.close()
        self.cut_all()

    def cut_all(self) -> None:
        """Cut every wire; new ones may be laid."""
        for one in self._open:
            one.close()
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:  # It is down: whoever asks for it is told so.
                client.close()
                continue
            self._open += [client, server]
            for source, sink, asking in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self._pass, args=(source, sink, asking), daemon=True
                ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, asking: bool) -> None:
        try:
            while data := source.recv(65_536):
                commits = asking and _COMMIT in data
                if commits and self.cut is Cut.BEFORE_THE_COMMIT:
                    break
                unanswered = commits and self.cut is Cut.AFTER_THE_COMMIT
                if unanswered:
                    # Before the server has it: its answer, passed on beside this, must find nobody.
                    source.shutdown(socket.SHUT_WR)
                sink.sendall(data)
                if unanswered:
                    sink.recv(1)
                    break
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

"""A receiver: a real TCP server on loopback that sends what it is told to whoever connects."""

import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime

from ports import free_port


class Receiver:
    """Sends lines to all that are connected."""

    def __init__(self) -> None:
        self._clients: list[socket.socket] = []
        self.connected = threading.Event()
        self._port = free_port()
        self.listen()
        self.address = f"127.0.0.1:{self._port}"

    def listen(self) -> None:
        """Let in who comes, on the port of before."""
        self._server = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=[self._server], daemon=True).start()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            self._clients.append(client)
            self.connected.set()

    def send(self, data: bytes) -> None:
        """To all that are still there."""
        for client in list(self._clients):
            try:
                client.sendall(data)
            except OSError:  # One that was killed.
                self._clients.remove(client)
                client.close()

    def close(self) -> None:
        """End all connections, and let nobody in."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.connected.clear()
        clients, self._clients = self._clients, []
        for client in clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()


def sbs(address: str, lat: float, lon: float, speed_kt: float, course_deg: float) -> bytes:
    """Two lines of BaseStation: how it moves, and where it is."""
    now = datetime.now(UTC).strftime("%Y/%m/%d,%H:%M:%S.%f")[:-3]
    head = f"1,1,{address},1,{now},{now}"
    return (
        f"MSG,4,{head},,,{speed_kt},{course_deg},,,0,,,,,\r\n"
        f"MSG,3,{head},,10000,,,{lat},{lon},,,0,0,0,0\r\n"
    ).encode()

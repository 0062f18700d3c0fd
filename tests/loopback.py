"""Servers on loopback made of a function of the connection, for what a fake transport cannot show."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Reply = Callable[[socket.socket], None]


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """One HTTP/1.1 response."""
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


@contextmanager
def listening(reply: Reply, address: str = "127.0.0.1") -> Iterator[tuple[str, list[str]]]:
    """A server that hands each connection to ``reply``, one at a time; its URL, and the peers that came."""
    with socket.create_server((address, 0)) as server:
        peers: list[str] = []

        def accept() -> None:
            while True:
                try:
                    connection, peer = server.accept()
                except OSError:
                    return
                peers.append(str(peer))
                with connection:
                    reply(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://{address}:{server.getsockname()[1]}/fhir", peers
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def request_on(connection: socket.socket) -> bytes:
    """One whole request, which may come in several pieces; nothing once the caller has gone."""
    data = b""
    while not _is_whole(data):
        if not (piece := connection.recv(65_536)):
            return b""
        data += piece
    return data


def _is_whole(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return end != b"" and len(body) >= (int(length[1]) if length else 0)


def always(response: bytes) -> Reply:
    """The same response to every request on a connection."""

    def reply(connection: socket.socket) -> None:
        while connection.recv(65_536):
            connection.sendall(response)

    return reply


def once(response: bytes) -> Reply:
    """One response, and the connection is closed."""

    def reply(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(response)

    return reply


@dataclass
class Heard:
    """Keeps what requests say, and answers each with the same response."""

    response: bytes
    requests: list[str] = field(default_factory=list)

    def __call__(self, connection: socket.socket) -> None:
        """Answer until the caller has gone."""
        while data := connection.recv(65_536):
            self.requests.append(data.decode("latin-1"))
            connection.sendall(self.response)


def renamed(url: str, host: str) -> str:
    """The URL of a server under another name of its host."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{host}:{parts.port}").geturl()

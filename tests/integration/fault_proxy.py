"""A proxy in front of a FHIR server that answers as a plan says: as the server does, or with a fault.

It knows nothing of the server behind it but HTTP, asks it for plain bodies, and answers below the
same path. Faults are functions of an `Exchange` (``fault_kinds``).
"""

import contextlib
import http.client
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_OWN = frozenset({"accept-encoding", "connection", "content-encoding", "content-length", "date", "keep-alive", "server",
                  "transfer-encoding"})  # fmt: skip
"""Headers that belong to a connection, and are not passed on."""

_PATIENCE_S = 30.0
"""The longest that a request is left hanging, or the server behind is waited for."""


@dataclass(frozen=True)
class Asked:
    """One request; ``path`` is below the base. ``number`` counts the same request of one caller, from 1."""

    method: str
    path: str
    query: str
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    number: int

    @property
    def params(self) -> dict[str, list[str]]:
        """The parameters, of the URL and of a form in the body."""
        return parse_qs(self.query) | parse_qs(self.body.decode("latin-1"))

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def is_search(self) -> bool:
        """True for a search, by GET or by POST; a read is none."""
        return self.path.removesuffix("/_search").count("/") == 1

    @property
    def searched(self) -> str:
        """The same as a GET would ask it: what tells requests apart."""
        query = "&".join(filter(None, (self.query, self.body.decode("latin-1"))))
        path = self.path.removesuffix("/_search")
        return f"{path}?{query}" if query else path

    @property
    def caller(self) -> str:
        """Who asks: the token that came along."""
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Reply:
    """One answer; length and connection headers are added where it is sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Exchange:
    """One request on its connection, to be answered by a fault."""

    asked: Asked
    proxy: "Proxy"
    handler: BaseHTTPRequestHandler = field(repr=False)

    def forwarded(self) -> Reply:
        """What the server behind the proxy answers."""
        parts, asked = urlsplit(self.proxy.upstream), self.asked
        kept = {name: value for name, value in asked.headers.items() if name.lower() not in _OWN}
        target = f"{parts.path}{asked.target}"
        with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=_PATIENCE_S)) as connection:
            connection.request(asked.method, target, asked.body or None, kept | {"Accept-Encoding": "identity"})
            answer = connection.getresponse()
            passed = {name: value for name, value in answer.getheaders() if name.lower() not in _OWN}
            return Reply(answer.status, answer.read(), passed)

    def send(self, reply: Reply) -> None:
        """A whole answer."""
        self.begin(reply, len(reply.body))

    def begin(self, reply: Reply, length: int) -> None:
        """The headers of an answer and so many bytes of its body."""
        self.handler.send_response_only(reply.status)
        for name, value in ({"Date": self.handler.date_time_string()} | dict(reply.headers)).items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(reply.body)))
        self.handler.end_headers()
        self.handler.wfile.write(reply.body[:length])

    def drip(self, body: bytes, pause_s: float) -> None:
        """More of a body, a byte at a time."""
        for byte in body:
            self.handler.wfile.write(bytes((byte,)))
            self.proxy.ended.wait(pause_s)

    def hang(self) -> None:
        """Nothing more, until the caller has gone."""
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until and not self.proxy.ended.is_set():
            ready, _, _ = select.select([self.handler.connection], [], [], 0.05)
            if ready and not self.handler.connection.recv(1, socket.MSG_PEEK):
                break
        self.handler.close_connection = True

    def reset(self) -> None:
        """The connection broken off, as by a server that died."""
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.close_connection = True
        for one in (self.handler.rfile, self.handler.connection):
            one.close()  # the last one that holds the socket sends the reset


Fault = Callable[[Exchange], None]
Plan = Callable[[Asked], Fault]


def passed(exchange: Exchange) -> None:
    """No fault: what the server answers."""
    exchange.send(exchange.forwarded())


@dataclass
class Proxy:
    """A running proxy: its ``base`` stands for ``upstream``; ``heard`` is all that was asked, in order.

    ``later`` holds what answers the links that a fault gave out, by their ``_getpages``; ``elsewhere`` is the
    URL of a host that nobody may ask; ``moment`` is when the calls are made, by our clock.
    """

    upstream: str
    plan: Plan
    base: str = ""
    elsewhere: str = "http://127.0.0.2:9"
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    heard: list[Asked] = field(default_factory=list)
    later: dict[str, Fault] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _counts: Counter[tuple[str, str, bytes]] = field(default_factory=Counter)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as the plan says."""
        asked = self._asked(handler)
        given = asked.params.get("_getpages", [""])[0]
        fault = self.later.get(given) or self.plan(asked)
        fault(Exchange(asked, self, handler))

    def _asked(self, handler: BaseHTTPRequestHandler) -> Asked:
        path, _, query = handler.path.partition("?")
        below = path.removeprefix(urlsplit(self.upstream).path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        caller = handler.headers.get("Authorization", "")
        with self._lock:
            self._counts[caller, handler.path, body] += 1
            number = self._counts[caller, handler.path, body]
            asked = Asked(str(handler.command), below, query, handler.headers, body, number)
            self.heard.append(asked)
        return asked


class _Server(ThreadingHTTPServer):
    """Serves each connection on a thread; a caller that goes away is no error."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: callers hang up, and faults break connections."""


@contextmanager
def proxied(upstream: str, plan: Plan = lambda _: passed) -> Iterator[Proxy]:
    """A running proxy in front of the FHIR base ``upstream``."""
    proxy = Proxy(upstream, plan)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or bodies wait for the acknowledgment of their headers

        def do_GET(self) -> None:
            proxy.answer(self)

        do_POST = do_PUT = do_GET  # noqa: N815 (the library's names)

        def log_message(self, *_: Any) -> None:
            """Nothing: URLs hold patients' ids."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        proxy.base = f"http://127.0.0.1:{server.server_port}{urlsplit(upstream).path}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.ended.set()
            server.shutdown()
            thread.join(5)

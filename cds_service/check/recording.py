"""A FHIR server of the EHR's side that remembers what it was asked and with which token."""

import json
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
TOKEN = "check-access-token"  # noqa: S105  # opens nothing: only this server knows it
_PATH = "/fhir"
_KEYS = "keys"
_MORE = "_more"


@dataclass(frozen=True)
class Asked:
    """One request: the path below the base (``Patient/1``), the query, and the token or none."""

    path: str
    query: str
    token: str | None

    @property
    def is_for_keys(self) -> bool:
        """True where the key set of a stranger's token was fetched."""
        return self.path == _KEYS

    @property
    def type(self) -> str:
        """The resource type that was read or searched."""
        return self.path.partition("/")[0]

    @property
    def is_further_page(self) -> bool:
        """True where a ``next`` link of ours was followed."""
        return _MORE in parse_qs(self.query)


@dataclass
class Recording:
    """The server's resources, its FHIR base for others and its port here, and what it was asked so far."""

    base: str = ""
    resources: list[Json] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    is_down: bool = False

    @property
    def keys(self) -> str:
        """Where a token may point to as its key set; that nobody fetches it is what is tried."""
        return f"{self.base}/{_KEYS}"

    @contextmanager
    def down(self) -> Iterator[None]:
        """A time in which every connection ends without an answer."""
        self.is_down = True
        try:
            yield
        finally:
            self.is_down = False

    def answer(self, asked: Asked) -> tuple[int, Json]:
        """The status and resource for one request; searches of several come in two pages."""
        if asked.is_for_keys:
            return 200, {"keys": []}
        if asked.path == "metadata":
            return 200, {"resourceType": "CapabilityStatement", "status": "active", "kind": "instance",
                         "fhirVersion": "4.0.1", "format": ["json"]}  # fmt: skip
        type_, _, id_ = asked.path.partition("/")
        of_type = [one for one in self.resources if one.get("resourceType") == type_]
        if not id_ or id_ == "_search":
            return 200, self._bundle(asked, of_type)
        found = next((one for one in of_type if one.get("id") == id_), None)
        return (200, found) if found else (404, {"resourceType": "OperationOutcome", "issue": [
            {"severity": "error", "code": "not-found"}]})  # fmt: skip

    def _bundle(self, asked: Asked, found: list[Json]) -> Json:
        half = (len(found) + 1) // 2
        shown = found[half:] if asked.is_further_page else found[:half]
        entries = [{"fullUrl": f"{self.base}/{one['resourceType']}/{one.get('id')}", "resource": one} for one in shown]
        bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
        bundle |= {"entry": entries} if entries else {}
        if not asked.is_further_page and half < len(found):
            query = f"{asked.query}&{_MORE}=1" if asked.query else f"{_MORE}=1"
            bundle["link"] = [{"relation": "next", "url": f"{self.base}/{asked.path}?{query}"}]
        return bundle


@dataclass(frozen=True)
class Place:
    """Where the server listens (port 0: any), and the FHIR base by which it is reached where that is another."""

    host: str = "127.0.0.1"
    port: int = 0
    base: str | None = None

    def reached(self, port: int) -> str:
        """The FHIR base, by the port that it came to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.base or f"http://{host}:{port}{_PATH}").rstrip("/")


ON_LOOPBACK = Place()


class _Server(ThreadingHTTPServer):
    def __init__(self, place: Place, handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        super().__init__((place.host, place.port), handler)

    def server_bind(self) -> None:
        """Without the parent's look-up of a name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]


@contextmanager
def recording(resources: Iterable[Json], place: Place = ON_LOOPBACK) -> Iterator[Recording]:
    """A running server of these resources. Raises `OSError` where it cannot listen."""
    kept = Recording(resources=list(resources))
    server = _Server(place, _requests_to(kept))
    kept.port = server.server_port
    kept.base = place.reached(kept.port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _requests_to(kept: Recording) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        timeout = 5.0

        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self._answer(self.rfile.read(min(length, 100_000)).decode("utf-8", "replace"))

        def _answer(self, query: str) -> None:
            path = urlsplit(self.path).path
            kind, _, token = (self.headers.get("Authorization") or "").partition(" ")
            below = path.removeprefix(urlsplit(kept.base).path)  # a proxy may have taken that away
            asked = Asked(below.strip("/"), query, token if kind.lower() == "bearer" else None)
            kept.asked.append(asked)
            if kept.is_down:
                self.close_connection = True
                return
            status, resource = kept.answer(asked)
            body = json.dumps(resource).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the parent's name
            """What is asked is kept, not printed."""

    return Request

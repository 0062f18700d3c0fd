"""A FHIR server of the EHR's side, on loopback, that remembers what it was asked and with which token."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
TOKEN = "check-access-token"  # noqa: S105  # opens nothing: only this server knows it
_PATH = "/fhir"
KEYS_PATH = "/keys"
"""Where a token may point to as its key set; that nobody fetches it is what is tried."""

_MORE = "_more"


@dataclass(frozen=True)
class Asked:
    """One request: the path below the base (``Patient/1``), the query, and the token or none."""

    path: str
    query: str
    token: str | None

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
    """The server's resources, its address, and what it was asked so far."""

    root: str = ""
    resources: list[Json] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    @property
    def base(self) -> str:
        """The FHIR base, to be given as ``fhirServer``."""
        return self.root + _PATH

    def answer(self, asked: Asked) -> tuple[int, Json]:
        """The status and resource for one request; searches of several come in two pages."""
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


@contextmanager
def recording(resources: Iterable[Json], port: int = 0) -> Iterator[Recording]:
    """A running server of these resources on 127.0.0.1, at any free port. Raises `OSError` where it cannot listen."""
    kept = Recording(resources=list(resources))
    server = ThreadingHTTPServer(("127.0.0.1", port), _requests_to(kept))
    kept.root = f"http://127.0.0.1:{server.server_port}"
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
            asked = Asked(path.removeprefix(_PATH).strip("/"), query, token if kind.lower() == "bearer" else None)
            kept.asked.append(asked)
            status, resource = (200, {"keys": []}) if path == KEYS_PATH else kept.answer(asked)
            body = json.dumps(resource).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the parent's name
            """What is asked is kept, not printed."""

    return Request

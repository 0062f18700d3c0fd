"""A FHIR server with the rules that Oracle Health publishes for Millennium R4, in front of a real one.

Nothing here was tried on a system of the vendor: what it plays is its public pages (2024). Where these are
silent the real server behind decides.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

PARAMETERS: Mapping[str, frozenset[str]] = {
    "Condition": frozenset({"_id", "patient", "subject", "category", "clinical-status", "encounter"}),
    "DiagnosticReport": frozenset({"_id", "patient", "subject", "category", "code", "date", "_count", "_lastUpdated"}),
    "Encounter": frozenset({"_id", "patient", "subject", "date", "status", "_count", "_lastUpdated"}),
    "Observation": frozenset({"_id", "patient", "subject", "category", "code", "date", "_count", "_lastUpdated"}),
    "Procedure": frozenset({"_id", "patient", "subject", "date", "_count"}),
}
"""What each type is searched by; any other parameter is refused, ``_sort`` too."""

LARGEST = {"Observation": 200, "DiagnosticReport": 100}
ORDER = {"Observation": "-date", "DiagnosticReport": "-date", "Encounter": "date"}
"""Pages run from the newest on, of Encounter from the oldest."""
_PAGE = 50
_PAGING = "_getpages"


class Refused(Exception):
    """A request against the rules; the status and what is wrong."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def ruled(path: str, query: str, accept: str) -> list[tuple[str, str]]:
    """The parameters that the real server is asked. Raises `Refused`."""
    kind, given = path.strip("/").split("/")[0], parse_qsl(query, keep_blank_values=True)
    if kind == "MedicationStatement":
        raise Refused(404, "no such type")
    if kind == "Binary" and "application/json" in accept:
        raise Refused(406, "Binary is application/fhir+json or its own type")
    if kind not in PARAMETERS or "/" in path.strip("/"):
        return given
    names = {name.partition(":")[0] for name, _ in given}
    if unknown := names - PARAMETERS[kind]:
        raise Refused(400, f"unknown parameters: {', '.join(sorted(unknown))}")
    if {"date", "_lastUpdated"} <= names:
        raise Refused(400, "date and _lastUpdated exclude each other")
    return [*(pair for pair in given if pair[0] != "_count"), *_paging(kind, dict(given).get("_count"))]


def _paging(kind: str, count: str | None) -> list[tuple[str, str]]:
    page = min(int(count or _PAGE), LARGEST.get(kind, _PAGE))
    order = [("_sort", ORDER[kind])] if kind in ORDER else []
    return [("_count", str(page)), *order]


@contextmanager
def oracle_rules(base: str) -> Iterator[str]:
    """The base of a server that reads from ``base`` by these rules, on loopback."""
    with requests.Session() as session, ThreadingHTTPServer(("127.0.0.1", 0), _Asked) as server:
        session.trust_env = False
        own = f"http://127.0.0.1:{server.server_address[1]}/r4"
        server.behind, server.own, server.session = base, own, session  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield own
        server.shutdown()
        thread.join(5)


class _Asked(BaseHTTPRequestHandler):
    """One request: by the rules, or refused."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        """Ask the real server, and let links lead here."""
        parts = urlsplit(self.path)
        below = parts.path.removeprefix("/r4")
        accept = self.headers.get("Accept", "")
        try:
            given = parse_qsl(parts.query) if _PAGING in parts.query else ruled(below, parts.query, accept)
        except Refused as error:
            self._answer(error.status, {"resourceType": "OperationOutcome", "issue": [{"diagnostics": str(error)}]})
            return
        asked = {"Accept": accept, "Cache-Control": "no-cache"}
        url = f"{self.server.behind}{below}?{urlencode(given)}"
        found = self.server.session.get(url, headers=asked, timeout=30)
        self._answer(found.status_code, json.loads(found.text.replace(self.server.behind, self.server.own)))

    def do_POST(self) -> None:
        """Whether searches may be posted the public pages do not say: here not."""
        self._answer(405, {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "no POST"}]})

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Nothing is logged."""

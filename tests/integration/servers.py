"""The FHIR R4 servers of the contract suite: HAPI, HAPI with a vendor's rules, sekmet-fhir, or one of your own.

``ENDWATCH_TEST_FHIR=http://localhost:8080/fhir`` names one of your own: only it is tried then. The tests
write to it, under ids that begin with ``demo-`` and ``endwatch-``. ``ENDWATCH_TEST_FHIR_TOKEN`` is sent to
it as bearer token, in loading and in the calls; ``ENDWATCH_TEST_FHIR_PROFILE`` is its profile.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import requests

from tests.builders import Resource
from tests.integration.obligatory import absent
from tests.integration.oracle import oracle_rules
from tests.integration.sekmet import NoSekmet, sekmet
from tools.hapi import NoHapi, hapi

GIVEN = os.environ.get("ENDWATCH_TEST_FHIR", "").rstrip("/")
_GIVEN_TOKEN = os.environ.get("ENDWATCH_TEST_FHIR_TOKEN")
_GIVEN_PROFILE = os.environ.get("ENDWATCH_TEST_FHIR_PROFILE", "generic")
_TIMEOUT_S = 60.0
KINDS = ("given",) if GIVEN else ("hapi", "oracle", "sekmet")
"""The servers that the contract suite runs against: each is a fixture of this name."""

FILLS_TEMPLATES = tuple(kind for kind in KINDS if kind != "oracle")
"""Without the vendor of whom it is not known what becomes of ``_sort`` in a template."""

_NAMES = {"HAPI FHIR": "hapi", "SEKMET FHIR": "sekmet"}
"""The kinds of servers by how their own name begins."""

WANTS_TOKEN = tuple(kind for kind in KINDS if kind not in ("hapi", "oracle"))


@dataclass(frozen=True)
class Server:
    """A running server. ``kind`` is hapi, oracle, sekmet or unknown.

    ``token`` is what a call has to bring, None if open. ``session`` is the tests' own way to it, with
    the right to write, at ``home``. ``given``: it is one of somebody's own, of which only what it says
    of itself is known.
    """

    kind: str
    base: str
    home: str
    name: str
    version: str
    session: requests.Session = field(repr=False)
    token: str | None = field(default=None, repr=False)
    profile: str = "generic"
    given: bool = False

    def put(self, resources: Iterable[Resource]) -> None:
        """Write all of them in one transaction, each under its own id."""
        entries = [{"resource": one, "request": {"method": "PUT", "url": address_of(one)}} for one in resources]
        self.post({"resourceType": "Bundle", "type": "transaction", "entry": entries})

    def post(self, bundle: Resource) -> None:
        """Have a transaction done."""
        answer = self.session.post(self.home, json=bundle, timeout=_TIMEOUT_S)
        assert answer.ok, answer.text[:500]

    def try_to_put(self, resource: Resource) -> int:
        """The status that writing one resource gets."""
        return self.session.put(f"{self.home}/{address_of(resource)}", json=resource, timeout=_TIMEOUT_S).status_code

    def get(self, path: str, params: Any = None) -> Any:
        """The JSON of a search or a read, by the server's own state and not from its cache."""
        answer = self.session.get(f"{self.base}/{path}", params=params, timeout=_TIMEOUT_S)
        assert answer.ok, answer.text[:500]
        return answer.json()


def address_of(resource: Resource) -> str:
    """``Type/id``."""
    return f"{resource['resourceType']}/{resource['id']}"


@contextmanager
def _server(kind: str, base: str, *, write: str | None = None, **more: Any) -> Iterator[Server]:
    """The server with the name and version that it tells of itself."""
    with requests.Session() as session:
        session.trust_env = False
        fhir = "application/fhir+json"
        session.headers.update({"Accept": fhir, "Content-Type": fhir, "Cache-Control": "no-cache"})
        if write:
            session.headers["Authorization"] = f"Bearer {write}"
        answer = session.get(f"{base}/metadata", timeout=_TIMEOUT_S)
        answer.raise_for_status()
        told = answer.json()
        assert str(told["fhirVersion"]).startswith("4.0"), f"{base} is no R4 server but {told['fhirVersion']}"
        software = told.get("software", {})
        name, version = software.get("name", "a server without a name"), software.get("version", "?")
        yield Server(kind, base, base, name, version, session, **more)


@contextmanager
def hapi_server(*words: str) -> Iterator[Server]:
    """HAPI as it is by default, empty; the test is skipped where it cannot be had."""
    try:
        with hapi(*words) as base, _server("hapi", base, profile="hapi") as server:
            yield server
    except NoHapi as error:
        absent(str(error))


@contextmanager
def oracle_server(behind: Server) -> Iterator[Server]:
    """The same server read by the rules of Oracle Health's pages."""
    with oracle_rules(behind.base) as base:
        yield replace(
            behind, kind="oracle", base=base, name=f"Oracle Health's rules before {behind.name}", profile="oracle"
        )


@contextmanager
def sekmet_server() -> Iterator[Server]:
    """sekmet-fhir that wants a token for everything; the calls' token may only read."""
    try:
        with sekmet() as running, _server(
            "sekmet", running.base, write=running.token("system/*.cruds"), token=running.token("system/*.rs")
        ) as server:  # fmt: skip
            yield server
    except NoSekmet as error:
        absent(str(error))


@contextmanager
def given_server() -> Iterator[Server]:
    """The server that `GIVEN` names, of the kind that it says it is."""
    sent = {"write": _GIVEN_TOKEN, "token": _GIVEN_TOKEN}
    with _server("unknown", GIVEN, **sent, profile=_GIVEN_PROFILE, given=True) as server:
        yield replace(server, kind=kind_of(server.name))


def kind_of(name: str) -> str:
    """Which of the tests' servers one of this name is (``CapabilityStatement.software.name``)."""
    return next((kind for start, kind in _NAMES.items() if name.startswith(start)), "unknown")

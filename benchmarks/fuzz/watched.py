"""The service under trial: every answer of it is looked at, and what is wrong is kept as a shape without values."""

import json
import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from cds_service.app import create_app
from cds_service.check.rows_cards import (
    detail_has_no_html,
    detail_is_text,
    indicator_is_known,
    source_is_an_object,
    summary_is_short,
)
from cds_service.record.audit import LOGGER
from cds_service.settings import FhirServer, Settings
from models.prediction import Predicts
from tests.fakes import BASE, FakeFhir, FakePredictor, session_with

MOMENT = datetime(2026, 3, 5, 12, tzinfo=UTC)
"""When all calls are made; charts are moved there."""

_TOLD = frozenset({"400", "404", "405", "412", "413", "415", "503"})
_RULES = (summary_is_short, indicator_is_known, source_is_an_object, detail_is_text, detail_has_no_html)
_MOST_KEPT = 20


@dataclass
class Seen:
    """What came of all calls: ``statuses``, ``kinds`` (of the audit) and ``faults`` by count."""

    requests: int = 0
    slowest: tuple[float, str] = (0.0, "")
    statuses: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def told(self) -> dict[str, Any]:
        """The counts as JSON, the most frequent faults by name."""
        return {
            "requests": self.requests,
            "statuses": dict(sorted(self.statuses.items())),
            "kinds": dict(sorted(self.kinds.items())),
            "slowest_ms": round(self.slowest[0], 1),
            "slowest": self.slowest[1],
            "failed": self.faults.total(),
            "faults": dict(self.faults.most_common(_MOST_KEPT)),
        }


class _Lines(logging.Handler):
    """The audit's line of the latest call."""

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[str, Any] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.last = json.loads(record.getMessage())


_OPEN = Settings(mode="test", fhir_servers=(FhirServer(base=BASE, auth="none"),))


@dataclass
class Watched:
    """A WSGI application around the service, ``fhir``, which it may call, and a model that says the same of everybody.

    ``shape`` names what is being sent, for the account of faults, and ``refusable`` tells that its token may be
    refused. Calls come one at a time.
    """

    seen: Seen = field(default_factory=Seen)
    shape: str = ""
    refusable: bool = False
    settings: Settings = _OPEN
    fhir: FakeFhir = field(default_factory=lambda: FakeFhir({}))
    predictor: Predicts = field(default_factory=FakePredictor)

    def __post_init__(self) -> None:
        self._lines = _Lines()
        self._service = create_app(
            self.settings,
            predictor=self.predictor,
            session=session_with(self.fhir),
            clock=lambda: MOMENT,
        )

    def __enter__(self) -> "Watched":
        LOGGER.addHandler(self._lines)
        return self

    def __exit__(self, *_: object) -> None:
        LOGGER.removeHandler(self._lines)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One call, answered as the service answers it."""
        heads: list[str] = []
        self._lines.last = {}

        def started(status: str, *rest: Any) -> Any:
            heads.append(status)
            return start_response(status, *rest)

        begun = time.perf_counter()
        try:
            body = b"".join(self._service(environ, started))
        except Exception as error:  # what the service let through: a web server would answer 500
            start_response("500 Internal Server Error", [])
            heads, body = ["500"], type(error).__name__.encode()
        self.seen.slowest = max(self.seen.slowest, ((time.perf_counter() - begun) * 1000, self.shape))
        self._look(heads[0][:3], body)
        return BytesIO(body)

    def _look(self, status: str, body: bytes) -> None:
        kind = self._lines.last.get("kind", "")
        self.seen.requests += 1
        self.seen.statuses[status] += 1
        self.seen.kinds[kind or "no call"] += 1
        for fault in [] if status == "401" and self.refusable else faults(status, kind, body):
            self._fault(status, fault)

    def _fault(self, status: str, fault: str) -> None:
        self.seen.faults[f"{status} {fault}: {self.shape}"] += 1


def faults(status: str, kind: str, body: bytes) -> list[str]:
    """What is wrong with an answer; ``kind`` is what the audit says that the call came to.

    No cards mean that the patient is outside the population: elsewhere they would read as "no risk".
    """
    found = ["traceback"] if b"Traceback (most recent" in body else []
    if status == "200":
        cards = _member(body, "cards")
        if not cards and kind != "outside" and (cards == [] or kind not in ("", "feedback")):
            found.append("no card")
        return found + [rule.__name__ for card in cards or () for rule in _RULES if rule(card)]
    if status not in _TOLD:
        found.append("status")
    if status not in ("304", "401") and _member(body, "resourceType") != "OperationOutcome":
        found.append("no OperationOutcome")
    return found


def _member(body: bytes, name: str) -> Any:
    try:
        return json.loads(body).get(name)
    except (ValueError, AttributeError):
        return None

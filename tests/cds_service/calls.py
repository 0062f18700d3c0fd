"""Calls of the service for tests: a whole prefetch, and the client of an app with fakes."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import FhirServer, Settings
from tests import builders as b
from tests.fakes import BASE, FakeFhir, FakePredictor, session_with

INSTANCE = "0f9b1d52-7d7c-4a55-9b35-6f7a5d1f3c11"


def prefetch(**changed: Any) -> dict[str, Any]:
    """Everything of a patient inside the population, with the keys that are ``changed``."""
    whole: dict[str, Any] = {
        "patient": b.patient(),
        "encounters": b.every_visit(b.encounter()),
        "conditions": b.searchset(b.condition()),
        "procedures": b.searchset(),
        "nihss": b.searchset(b.nihss(9, 1), b.nihss(9, 4)),
        "labs": b.searchset(b.observation("2345-7", 130, "mg/dL", 1, "glucose")),
        "vitals": b.searchset(),
        "reports": b.searchset(b.report("FINDINGS: No hemorrhage. ASPECTS 8.")),
        "medications": b.searchset(),
        "administrations": b.searchset(),
        "forms": b.searchset(),
    }
    return whole | changed


def request(**changed: Any) -> dict[str, Any]:
    """A patient-view request with a whole prefetch."""
    body: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": INSTANCE,
        "context": {"userId": "Practitioner/1", "patientId": b.PATIENT_ID},
        "prefetch": prefetch(),
    }
    return body | changed


def client(
    fhir: FakeFhir | None = None,
    predictor: FakePredictor | None = None,
    *,
    hours: float = 6,
    clock: Callable[[], datetime] | None = None,
    **settings: Any,
) -> FlaskClient:
    """A test client of the service in test mode, ``hours`` after arrival."""
    given = {"mode": "test", "fhir_servers": (FhirServer(base=BASE, auth="none"),)} | settings
    app = create_app(
        Settings(**given),
        predictor=predictor or FakePredictor(),
        session=session_with(fhir or FakeFhir({})),
        clock=clock or (lambda: b.at(hours)),
    )
    return app.test_client()


def audit_lines(folder: Path) -> list[dict[str, Any]]:
    """Every line of an audit log, in order."""
    return [
        json.loads(line) for file in sorted(folder.glob("audit-*.jsonl")) for line in file.read_bytes().splitlines()
    ]


def cards(body: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """The cards of one call that has to succeed."""
    response = client(**more).post("/cds-services/end-risk", json=body)
    assert response.status_code == 200, response.get_json()
    answer: list[dict[str, Any]] = response.get_json()["cards"]
    return answer


def card(hours: float = 6, predictor: FakePredictor | None = None, **changed: Any) -> dict[str, Any]:
    """The one card of a patient whose prefetch is ``changed``."""
    (one,) = cards(request(prefetch=prefetch(**changed)), hours=hours, predictor=predictor)
    return one

"""One patient's chart for the conformance tests: behind a FHIR server, or with parts left to it."""

from typing import Any
from urllib.parse import unquote

import requests

from tests.cds_service.calls import prefetch, request
from tests.conformance.answered import Json
from tests.fakes import BASE, Answer, FakeFhir

TOKEN = "token-of-the-call"
PATHS = {
    "Patient/p1": "patient", "Encounter": "encounters", "Condition": "conditions", "Procedure": "procedures",
    "DiagnosticReport": "reports", "MedicationRequest": "medications",
    "MedicationAdministration": "administrations", "QuestionnaireResponse": "forms",
}  # fmt: skip
AUTHORIZATION = {
    "access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "subject": "client-1", "patient": "p1",
    "scope": "patient/Patient.rs patient/Encounter.rs patient/Condition.rs patient/Observation.rs",
}  # fmt: skip


def chart_server(**changed: Answer | Exception) -> FakeFhir:
    """A FHIR server with the whole chart; ``changed`` by path."""
    held = prefetch()
    answers: dict[str, Any] = {path: (200, held[key]) for path, key in PATHS.items()}

    def observations(asked: requests.PreparedRequest) -> Answer:
        url = unquote(asked.url or "")
        return 200, held["nihss" if "72089-6" in url else "vitals" if "vital-signs" in url else "labs"]

    nothing = dict.fromkeys(("DocumentReference", "MedicationStatement"), (200, held["forms"]))
    return FakeFhir(answers | nothing | {"Observation": observations} | changed)


def without(*keys: str, **members: Any) -> Json:
    """A request whose prefetch lacks these keys, with a FHIR server and a token."""
    given = {key: value for key, value in prefetch().items() if key not in keys}
    return request(**({"prefetch": given, "fhirServer": BASE, "fhirAuthorization": AUTHORIZATION} | members))


def tokens(fhir: FakeFhir) -> set[str | None]:
    """The Authorization headers that a server saw."""
    return {asked.headers.get("Authorization") for asked in fhir.asked}

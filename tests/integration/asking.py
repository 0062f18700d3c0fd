"""Whole patient-view calls at one fixed moment, against a server or from a prefetch alone."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.hooks.services import SERVICE_ID
from cds_service.settings import FhirServer, Settings
from fhir_mappings.inputs import Feature, ModelInputs
from fhir_mappings.queries import templates
from models.prediction import NotComputed, Prediction, Predicts
from tests.builders import Resource, every_visit, searchset
from tests.integration.servers import Server

AS_OF = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
TIME = {"deadline_ms": 30_000, "reserve_ms": 15_000}
"""Speed is judged elsewhere: here nothing may be left out for want of time, documents in the reserve neither."""
URL = f"/cds-services/{SERVICE_ID}"


class Recorder:
    """A model that keeps what it was asked."""

    def __init__(self, model: Predicts) -> None:
        self._model, self.asked = model, list[ModelInputs]()
        self.identity, self.features = model.identity, model.features

    def predict(self, inputs: ModelInputs, until: float = inf) -> Prediction | NotComputed:
        """The model's own answer."""
        self.asked.append(inputs)
        return self._model.predict(inputs, until)

    def feature(self, name: str) -> Feature:
        """One input of the last call."""
        return next(one for one in self.asked[-1].features if one.name == name)


def service(model: Predicts, server: Server | None = None, *, alias: str | None = None, **settings: Any) -> FlaskClient:
    """The service in test mode with everything real but the clock; it may call the server, under its alias too."""
    base = server.base if server else "https://ehr.example/fhir"
    said: dict[str, Any] = {"auth": "none", "profile": server.profile} if server else {}
    said |= {"auth": "call"} if server and server.token else {}
    entry = FhirServer(base=base, also_known_as=(alias,) if alias else (), **said)
    given: dict[str, Any] = TIME | {"fhir_servers": (entry,)}
    return create_app(Settings(mode="test", **(given | settings)), predictor=model, clock=lambda: AS_OF).test_client()


def asked(
    client: FlaskClient, patient_id: str, *, server: Server | None = None, prefetch: Any = None, **more: Any
) -> Any:
    """The answer to a chart open under a new ``hookInstance``; the call must succeed."""
    body: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/1", "patientId": patient_id},
    }
    if server is not None:
        body["fhirServer"] = server.base
        if server.token:
            body["fhirAuthorization"] = authorization(server.token)
    if prefetch is not None:
        body["prefetch"] = prefetch
    answer = client.post(URL, json=body | more)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def authorization(token: str) -> dict[str, Any]:
    """What an EHR sends with a token that reads everything."""
    return {
        "access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": "system/*.rs", "subject": "tests",
    }  # fmt: skip


def without_uuids(node: Any) -> Any:
    """An answer without what differs from call to call."""
    if isinstance(node, dict):
        return {key: without_uuids(value) for key, value in node.items() if key != "uuid"}
    return [without_uuids(one) for one in node] if isinstance(node, list) else node


def offered(client: FlaskClient) -> dict[str, str]:
    """The prefetch templates of the discovery answer."""
    (one,) = client.get("/cds-services").get_json()["services"]
    found: dict[str, str] = one["prefetch"]
    return found


def filled(offered: Mapping[str, str], server: Server, patient_id: str) -> dict[str, Any]:
    """The prefetch as an EHR fills it: each template asked once, the first page as it came."""
    asked = {key: text.replace("{{context.patientId}}", patient_id) for key, text in offered.items()}
    return {key: server.get(query) for key, query in asked.items()}


def everything(charted: Mapping[str, Iterable[Resource]]) -> dict[str, Any]:
    """A prefetch that holds everything that is asked for: resources by key, the patient alone."""
    (patient,) = charted["patient"]
    keys = charted.keys() & templates().keys() - {"patient"}
    sent = {"patient": patient} | {key: searchset(*charted[key]) for key in keys}
    return sent | {"encounters": every_visit(*charted["encounters"], patient=patient["id"])}

"""Calls of the whole service through a proxy: what each came to, how long it took, and what it let out."""

import io
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from cds_service.app import create_app
from cds_service.demo.patients import DemoPatient, as_of
from cds_service.demo.server import embedded_server
from cds_service.outbound.session import new_session
from cds_service.settings import FhirServer, Settings
from fhir_mappings.inputs import ModelInputs
from models.prediction import Predicts
from tests.integration.asking import URL, Recorder, authorization
from tests.integration.fault_kinds import MARK, OTHER_PATIENT
from tests.integration.fault_truth import Chart, Json, Truth, said_on, wrongs
from tools.hapi import NoHapi, hapi

TOKEN = "token-of-the-call-"
_TIMEOUT_S = 60.0
_MANY_CODES = Path(__file__).with_name("many_codes")


@dataclass(frozen=True)
class Upstream:
    """A running FHIR server; ``name`` is what it calls itself, with its version."""

    base: str
    name: str


@contextmanager
def upstream() -> Iterator[Upstream]:
    """An empty HAPI FHIR server, or where it cannot be had the embedded one of the demo."""
    try:
        with hapi() as base:
            yield named(base)
    except NoHapi:
        with new_session() as session, embedded_server(session) as base:
            yield named(base)


def named(base: str) -> Upstream:
    """The server behind a base, under the name that it tells."""
    software = requests.get(f"{base}/metadata", timeout=_TIMEOUT_S).json().get("software", {})
    return Upstream(base, f"{software.get('name', 'a server without a name')} {software.get('version', '?')}")


def charted(patient: DemoPatient, base: str) -> Chart:
    """A demo patient written to the server under an id of our own, at the times of the bundle."""
    id_ = patient.id.replace("demo-", "endwatch-faults-")
    bundle: Json = json.loads(json.dumps(patient.bundle).replace(patient.id, id_))
    headers = {"Content-Type": "application/fhir+json"}
    answer = requests.post(base, data=json.dumps(bundle), headers=headers, timeout=_TIMEOUT_S)
    answer.raise_for_status()
    return Chart(id_, bundle, as_of(bundle))


@dataclass(frozen=True)
class CameTo:
    """One answer: ``body`` is its JSON, ``seen`` what the model was asked, if it was."""

    status: int
    body: Json
    milliseconds: float
    seen: ModelInputs | None = field(default=None, repr=False)

    @property
    def cards(self) -> list[Json]:
        """The cards; none where it was refused."""
        return list(self.body.get("cards", ()))


class Caller:
    """The service with everything real but the clock, which stands at the moment of the chart."""

    def __init__(self, base: str, model: Predicts, *, posts: bool = False, **settings: Any) -> None:
        """``posts``: as a site whose local codes are too many for a URL asks HAPI for its laboratory values."""
        self.recorder = Recorder(model)
        self._moment: list[Any] = []
        entry = FhirServer(base=base, profile="hapi" if posts else "generic")
        given = {"fhir_servers": (entry,), "local_codes": _MANY_CODES if posts else None} | settings
        app = create_app(Settings(mode="test", **given), predictor=self.recorder, clock=lambda: self._moment[-1])
        self.base, self.client = base, app.test_client()

    def call(self, chart: Chart, token: str) -> CameTo:
        """Open a chart without prefetch, with this access token."""
        self._moment.append(chart.as_of)
        asked = len(self.recorder.asked)
        body = {
            "hook": "patient-view",
            "hookInstance": str(uuid4()),
            "context": {"userId": "Practitioner/1", "patientId": chart.id},
            "fhirServer": self.base,
            "fhirAuthorization": authorization(token),
        }
        begun = time.perf_counter()
        answer = self.client.post(URL, json=body)
        took = (time.perf_counter() - begun) * 1000
        seen = self.recorder.asked[-1] if len(self.recorder.asked) > asked else None
        return CameTo(answer.status_code, answer.get_json(), round(took, 1), seen)


def outcome_of(
    came_to: CameTo, truth: Truth, model: Predicts, met: frozenset[str] = frozenset()
) -> tuple[str, list[str]]:
    """Which kind of answer it is (``complete``, ``said``, ``cut``, ``412``, ``503``, ``failed``), and its faults.

    ``met``: the queries that met a fault. ``cut`` is a card with more notes than it has room for, from which
    nothing but these can be why it differs: whether they were said nobody has read.
    """
    if came_to.status != 200:
        told = came_to.body.get("resourceType") == "OperationOutcome"
        expected = came_to.status in (412, 503) and told
        return (str(came_to.status), []) if expected else ("failed", [f"answered {came_to.status}"])
    found = wrongs(came_to.cards, came_to.seen, truth, model)
    if (
        found
        and said_on(came_to.cards).more
        and not (left := wrongs(came_to.cards, came_to.seen, truth, model, met=met))
    ):
        return "cut", left
    same = len(came_to.cards) == len(truth.cards) and all(
        one["detail"] == two["detail"] and one["summary"] == two["summary"]
        for one, two in zip(came_to.cards, truth.cards, strict=True)
    )
    return "complete" if same else "said", found


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All that is logged meanwhile by anybody, at any level."""
    root, text = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def leaks(text: str, *more: str) -> list[str]:
    """What of a call's secrets, of a server's own words or of another patient stands in a text."""
    return [f"{secret} got out" for secret in (TOKEN, MARK, OTHER_PATIENT, *more) if secret in text]

"""Fakes at the edges: a FHIR server made of a dict, and a model that always says the same."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO
from math import inf
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from fhir_mappings.features import FeatureTable, load_features
from fhir_mappings.inputs import ModelInputs
from models.prediction import Contribution, ModelIdentity, NotComputed, Prediction

BASE = "https://ehr.example/fhir"
Answer = tuple[int, Any]


class FakeFhir(BaseAdapter):
    """Mounted under a session: answers by path below the base, and remembers what it was asked.

    A value is (status, JSON or bytes), a function of the request, or an exception to raise.
    """

    def __init__(
        self, answers: Mapping[str, Answer | Exception | Callable[[requests.PreparedRequest], Answer]]
    ) -> None:
        super().__init__()
        self.answers, self.asked = answers, list[requests.PreparedRequest]()

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """The answer to one request; 404 for a path that is not listed."""
        self.asked.append(request)
        path = urlsplit(request.url or "").path.removeprefix(urlsplit(BASE).path).strip("/")
        answer = self.answers.get(path, (404, {"resourceType": "OperationOutcome"}))
        if isinstance(answer, Exception):
            raise answer
        status, body = answer(request) if callable(answer) else answer
        response = requests.Response()
        response.status_code, response.url, response.request = status, request.url or "", request
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        response.raw = HTTPResponse(BytesIO(data), status=status, preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""

    @property
    def paths(self) -> list[str]:
        """The paths asked, sorted: the order of parallel requests means nothing."""
        return sorted(urlsplit(one.url or "").path.removeprefix(urlsplit(BASE).path).strip("/") for one in self.asked)

    def params(self, path: str) -> list[dict[str, list[str]]]:
        """The parameters of every request to a path."""
        return [parse_qs(urlsplit(one.url or "").query) for one in self.asked if path in (one.url or "")]


def session_with(adapter: BaseAdapter) -> requests.Session:
    """A session whose every request goes to this adapter."""
    session = requests.Session()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class FakePredictor:
    """A model that always gives one risk, and counts how often it was asked."""

    def __init__(
        self, risk: float = 0.46, *, flagged: bool = True, population: Any = "simulated", refusal: str | None = None
    ) -> None:
        self.identity = ModelIdentity("fake-model", "0", population, "0" * 64)
        self.features: FeatureTable = load_features()
        self.risk, self.flagged, self.refusal, self.calls = risk, flagged, refusal, 0
        self.until = inf

    def predict(self, inputs: ModelInputs, until: float = inf) -> Prediction | NotComputed:
        """The one risk, with two contributions."""
        self.calls, self.until = self.calls + 1, until
        if self.refusal:
            return NotComputed(self.refusal)
        return Prediction(
            as_of=inputs.as_of,
            until=inputs.t0 + timedelta(hours=168),
            risk=self.risk,
            interval=(self.risk * 0.9, min(1.0, self.risk * 1.1)),
            comparator=0.30,
            reference=0.25,
            threshold=0.4,
            flagged=self.flagged,
            by_horizon=((168.0, self.risk),),
            contributions=(
                Contribution("nihss_baseline", "NIHSS at arrival", 0.12, "Gong 2020"),
                Contribution("age", "Age", -0.03, "assumed in the simulation"),
            ),
            findings=inputs.findings,
            issues=(),
            model=self.identity,
        )

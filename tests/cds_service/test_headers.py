"""Headers: what a browser may do with an answer, and which pages may read it."""

from collections.abc import Callable
from html.parser import HTMLParser
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import ValidationError
from werkzeug.test import TestResponse

from cds_service.app import create_app
from cds_service.limits.body import OVER_LIMIT
from cds_service.settings import FhirServer, Issuer, Settings
from fhir_mappings.inputs import ModelInputs
from models.prediction import NotComputed, Prediction
from tests.cds_service.calls import client, request
from tests.cds_service.test_app import BrokenPredictor
from tests.cds_service.test_pages import pages
from tests.fakes import BASE, FakeFhir, FakePredictor, session_with

URL, FEEDBACK, PAGE = "/cds-services/end-risk", "/cds-services/end-risk/feedback", "https://ehr.example:8443"
SENT = {"feedback": [{"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:05:31Z"}]}
ROOM = TemporaryDirectory(prefix="endwatch-headers-")
Call = Callable[[dict[str, str]], TestResponse]


class Calling(FakePredictor):
    """A model that calls the service that asks it, while this one has no place for another call."""

    service: FlaskClient
    answer: TestResponse

    def predict(self, inputs: ModelInputs, until: float = inf) -> Prediction | NotComputed:
        """The one risk, after the call."""
        body = request(hookInstance="0f9b1d52-7d7c-4a55-9b35-000000000002")
        other = self.service.application.test_client()
        self.answer = other.post(URL, json=body, headers={"Origin": PAGE})
        return super().predict(inputs, until)


def open_(**more: Any) -> FlaskClient:
    """A service that wants no token."""
    return client(cors_origins=(PAGE,), body_limit_mb=1, **more)


def closed() -> FlaskClient:
    """A service in production, which gets no token here."""
    issuer = Issuer(iss="https://ehr.example", jwks_file=Path("none.json"))
    settings = Settings(
        fhir_servers=(FhirServer(base=BASE),), issuers=(issuer,), simulated_risk="show", cors_origins=(PAGE,),
        public_base_url="https://cds.example", database_url=f"sqlite:///{ROOM.name}/endwatch.sqlite",
    )  # fmt: skip
    return create_app(settings, predictor=FakePredictor(), session=session_with(FakeFhir({}))).test_client()


def too_busy(headers: dict[str, str]) -> TestResponse:
    """The answer of a service whose one place is taken, to a call from a listed page."""
    model = Calling()
    model.service = open_(predictor=model, calls_at_once=1)
    assert 200 == model.service.post(URL, json=request(), headers=headers).status_code
    return model.answer


ANSWERS: dict[str, Call] = {
    "200": lambda sent: open_().post(URL, json=request(), headers=sent),
    "200 discovery": lambda sent: open_().get("/cds-services", headers=sent),
    "200 feedback": lambda sent: open_().post(FEEDBACK, json=SENT, headers=sent),
    "200 health": lambda sent: open_().get("/health", headers=sent),
    "200 ready": lambda sent: open_().get("/ready", headers=sent),
    "400": lambda sent: open_().post(URL, json={}, headers=sent),
    "400 feedback": lambda sent: open_().post(FEEDBACK, json={}, headers=sent),
    "401": lambda sent: closed().post(URL, json=request(), headers=sent),
    "401 discovery": lambda sent: closed().get("/cds-services", headers=sent),
    "401 feedback": lambda sent: closed().post(FEEDBACK, json=SENT, headers=sent),
    "404": lambda sent: open_().post("/cds-services/other", json=request(), headers=sent),
    "404 nowhere": lambda sent: open_().get("/nowhere", headers=sent),
    "405": lambda sent: open_().delete(URL, headers=sent),
    "412": lambda sent: open_().post(URL, json=request(prefetch={}), headers=sent),
    "413": lambda sent: open_().post(URL, data=b" " * 1_000_001, content_type="application/json", headers=sent),
    "413 unread": lambda sent: open_().post(URL, headers=sent, environ_overrides={OVER_LIMIT: True}),
    "415": lambda sent: open_().post(URL, data="{}", headers=sent),
    "415 compressed": lambda sent: open_().post(URL, json={}, headers=sent | {"Content-Encoding": "gzip"}),
    "500": lambda sent: open_(predictor=BrokenPredictor()).post(URL, json=request(), headers=sent),
    "503": too_busy,
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_listed_page_may_read_every_answer(case: str):
    """Without the header a browser hides even the status (checklist, row 98)."""
    answer = ANSWERS[case]({"Origin": PAGE})
    assert (int(case[:3]), PAGE) == (answer.status_code, answer.headers["Access-Control-Allow-Origin"])
    assert {"X-Request-Id", "Retry-After"} == set(answer.headers["Access-Control-Expose-Headers"].split(", "))


@pytest.mark.parametrize("case", [case for case in ANSWERS if case != "503"])
@pytest.mark.parametrize("origin", ["https://evil.example", f"{PAGE}.evil.example", "https://ehrxexample:8443", "null"])
def test_no_other_page_may_read_any(case: str, origin: str):
    """A name that looks like a listed one is none."""
    assert "Access-Control-Allow-Origin" not in ANSWERS[case]({"Origin": origin}).headers


@pytest.mark.parametrize("case", ANSWERS)
def test_every_answer_tells_browsers_to_guess_nothing_frame_nothing_and_run_nothing(case: str):
    """Errors of every kind included; only discovery may be kept, for five minutes."""
    headers = ANSWERS[case]({}).headers
    assert ("nosniff", "no-referrer", "DENY") == tuple(
        headers[name] for name in ("X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options")
    )
    assert ("max-age=300" if case == "200 discovery" else "no-store") == headers["Cache-Control"]
    assert "Origin" in headers["Vary"]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_of_several_listed_pages_the_one_that_asks_is_named():
    """And none where none asks: the list is nobody's business."""
    service, other = client(cors_origins=(PAGE, "https://b.example")), "https://b.example"
    told = [service.get("/cds-services", headers=sent).headers for sent in ({"Origin": other}, {"Origin": PAGE}, {})]
    assert [[other], [PAGE], []] == [headers.getlist("Access-Control-Allow-Origin") for headers in told]
    assert ["Origin"] * 3 == [headers["Vary"] for headers in told]


@pytest.mark.parametrize("path", ["/cds-services", URL, FEEDBACK])
@pytest.mark.parametrize("service", [open_, closed])
def test_a_preflight_is_answered_without_a_token(path: str, service: Callable[[], FlaskClient]):
    """Browsers send none with it."""
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "GET" if path == "/cds-services" else "POST",
             "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
    answer = service().options(path, headers=asked)
    assert (200, PAGE) == (answer.status_code, answer.headers["Access-Control-Allow-Origin"])
    assert "nosniff" == answer.headers["X-Content-Type-Options"]


def test_a_401_says_nothing():
    """No body and no hint besides the headers that every answer has."""
    answer = ANSWERS["401"]({})
    assert b"" == answer.data
    of_every_answer = {"Content-Type", "Content-Length", "X-Request-Id", "X-Content-Type-Options", "Referrer-Policy",
                       "X-Frame-Options", "Cache-Control", "Content-Security-Policy", "Vary"}  # fmt: skip
    assert of_every_answer == set(answer.headers.keys())


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://*.ehr.example", ".*", "https://ehr.example/", "ehr.example", "https://a.example|b"]
)
def test_origins_are_listed_one_by_one(origin: str):
    """A pattern or "every page" is no setting."""
    with pytest.raises(ValidationError):
        Settings(cors_origins=(origin,))


class Inline(HTMLParser):
    """Collects what a strict policy would block: scripts, inline styles, handlers, sources elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is blocked of one element."""
        self.found += [tag] if tag in ("script", "style", "iframe", "object", "embed", "base", "form") else []
        for name, value in attrs:
            elsewhere = name == "src" or (tag == "link" and name == "href" and not (value or "").startswith("/"))
            self.found += [name] if name == "style" or name.startswith("on") or elsewhere else []


@pytest.mark.parametrize("path", ["/", "/demo/demo-flagged", "/demo/demo-contradiction?prefetch=1", "/calls"])
def test_pages_hold_nothing_that_their_policy_blocks(path: str):
    """No script at all, and styles only from our own sheet."""
    answer = pages().get(path)
    assert 200 == answer.status_code
    seen = Inline()
    seen.feed(answer.text)
    assert [] == seen.found
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

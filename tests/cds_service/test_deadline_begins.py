"""A call's deadline begins with its request: the wait for its turn and for the EHR's keys is part of it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from werkzeug.test import TestResponse

from cds_service.settings import FhirServer, Issuer
from fhir_mappings.inputs import ModelInputs
from models.prediction import NotComputed, Prediction
from tests import builders as b
from tests.cds_service.calls import client, request
from tests.cds_service.test_collect import asked, server
from tests.conformance.signing import EC_KEY, ISS, JKU, Signer, public_jwk
from tests.fakes import BASE, Answer, FakeFhir, FakePredictor

URL = "/cds-services/end-risk"
MS = {"deadline_ms": 1600, "reserve_ms": 600}
"""A second for reading."""

SLACK_S = 0.45
"""What a busy machine may take besides."""

KEYS: Answer = (200, {"keys": [public_jwk(EC_KEY, "ec")]})
OPEN = {"fhir_servers": (FhirServer(base=BASE, auth="none", issuers=(ISS,)),)}
Given = Callable[[requests.PreparedRequest], Answer]


def late(seconds: float, answer: Answer, released: threading.Event | None = None) -> Given:
    """The same answer, so much later, as a server that observes no deadline gives it."""
    stop = released or threading.Event()

    def given(_: requests.PreparedRequest) -> Answer:
        stop.wait(seconds)
        return answer

    return given


class Ehr:
    """A service that trusts one EHR whose key server answers late, and the calls of that EHR."""

    def __init__(self, folder: Path, keys: Any, **fhir: Any) -> None:
        signer = Signer(folder)
        issuers = (Issuer(iss=ISS, jku=(JKU,)),)
        self.signer, self.fhir = signer, FakeFhir(server() | {"jwks": keys} | fhir)
        settings = signer.production(issuers=issuers, mode="test") | OPEN | MS
        self.application = client(self.fhir, **settings).application

    def call(self, body: dict[str, Any]) -> tuple[TestResponse, float]:
        """The answer to a signed call, and the seconds that it took."""
        header, begun = self.signer.header(URL), time.monotonic()
        body = body | {"hookInstance": str(uuid4())}
        answer = self.application.test_client().post(URL, json=body, headers=header)
        return answer, time.monotonic() - begun


def told(answer: TestResponse) -> str:
    """The reason of a refusal."""
    return str(answer.get_json()["issue"][0]["diagnostics"])


def test_what_a_slow_key_server_took_is_not_there_for_a_slow_fhir_server(tmp_path: Path):
    """Both late together: 412 when reading ends, counted from the request."""
    ehr = Ehr(tmp_path, late(0.7, KEYS), Condition=late(3, (200, b.searchset())))
    answer, seconds = ehr.call(asked())
    assert (412, True) == (answer.status_code, "timed out" in told(answer))
    assert 1.0 + SLACK_S > seconds


def test_keys_that_do_not_come_before_reading_ends_are_401_in_time_and_serve_the_next_call(tmp_path: Path):
    """Nobody waits for longer, and the fetch goes on: an EHR with a slow key server is not locked out."""
    ehr = Ehr(tmp_path, late(1.3, KEYS))
    answer, seconds = ehr.call(asked())
    assert (401, True) == (answer.status_code, 1.0 + SLACK_S > seconds)
    time.sleep(0.6)
    assert 200 == ehr.call(asked())[0].status_code
    assert 1 == ehr.fhir.paths.count("jwks")


def test_calls_that_wait_for_one_fetch_of_keys_all_end_in_time(tmp_path: Path):
    """The second does not begin to count when the first has the keys, or not."""
    ehr = Ehr(tmp_path, late(3, KEYS))
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: ehr.call(asked()), range(3)))
    assert [401] * 3 == [answer.status_code for answer, _ in answers]
    assert 1.0 + SLACK_S > max(seconds for _, seconds in answers)


class Busy(FakePredictor):
    """A model that takes a while for its first answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.entered = seconds, threading.Event()

    def predict(self, inputs: ModelInputs, until: float = inf) -> Prediction | NotComputed:
        """The one risk."""
        if not self.entered.is_set():
            self.entered.set()
            time.sleep(self.seconds)
        return super().predict(inputs, until)


@contextmanager
def one_place(seconds: float, **settings: Any) -> Iterator[Callable[..., tuple[TestResponse, float]]]:
    """A service with one place, at which a call works for so long; gives what makes another call."""
    model, released = Busy(seconds), threading.Event()
    slow = late(3, (200, b.searchset()), released)
    app = client(FakeFhir(server(Condition=slow)), model, calls_at_once=1, **settings).application

    def call(body: dict[str, Any]) -> tuple[TestResponse, float]:
        begun = time.monotonic()
        return app.test_client().post(URL, json=body | {"hookInstance": str(uuid4())}), time.monotonic() - begun

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(call, request())
        assert model.entered.wait(5)
        yield call
        released.set()
        assert 200 == working.result()[0].status_code


def test_the_wait_for_a_place_is_part_of_the_time():
    """A call that waited for its turn reads for so much less."""
    with one_place(0.4, **MS) as call:
        answer, seconds = call(asked())
    assert (412, True) == (answer.status_code, "timed out" in told(answer))
    assert 1.0 + 0.2 > seconds


@pytest.mark.parametrize(("body", "status"), [(asked(), 412), (request(fhirServer=BASE), 200)])
def test_a_call_that_has_no_time_left_to_read_still_answers(body: dict[str, Any], status: int):
    """What it brought is enough, or 412 says why: no request is begun."""
    with one_place(0.4, deadline_ms=800, reserve_ms=600) as call:
        answer, seconds = call(body)
    assert (status, True) == (answer.status_code, 0.8 + SLACK_S > seconds)
    assert status == 200 or "no time left" in told(answer)

"""Calls that read a FHIR server with access of our own: for proved EHRs, one patient, and that server alone."""

import json
import logging
import re
import socket
import time
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from threading import Timer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.backend.keys import signing_key
from cds_service.backend.tokens import AccessTokens
from cds_service.fhir_client.client import FhirClient
from cds_service.outbound.session import OutboundError, new_session
from cds_service.settings import FhirServer, Settings
from tests import builders as b
from tests.cds_service.calls import request
from tests.cds_service.test_token_stays import ALL, ATTACKS, two_servers
from tests.conformance.signing import ISS, Signer
from tests.fakes import BASE, FakeFhir, FakePredictor, session_with
from tests.loopback import Heard, http, listening
from tests.token_server import DETAIL, TOKEN_URL, TokenServer, backend, entry

PATH = "/cds-services/end-risk"
OTHER = "https://other.example/fhir"


def service(folder: Path, fhir: FakeFhir, **changed: Any) -> FlaskClient:
    """A production service that reads ``BASE`` with access of its own."""
    settings = Settings(**Signer(folder).production(**({"fhir_servers": (entry(folder),)} | changed)))
    return create_app(
        settings, predictor=FakePredictor(), session=session_with(fhir), clock=lambda: b.at(6)
    ).test_client()  # fmt: skip


def called(app: FlaskClient, folder: Path, number: int = 1, **changed: Any) -> Any:
    """The answer to a proved call without a prefetch."""
    body = request(
        prefetch={}, fhirServer=BASE, hookInstance=f"0f9b1d52-7d7c-4a55-9b35-{number:012d}"
    ) | changed  # fmt: skip
    return app.post(PATH, json=body, headers=Signer(folder).header(PATH))


def asked_of_fhir(fhir: FakeFhir) -> list[Any]:
    """What was asked but for tokens."""
    return [one for one in fhir.asked if one.url != TOKEN_URL]


def test_a_chart_is_read_with_one_token_for_all_its_reads(tmp_path: Path):
    """And the next call has it still."""
    server = TokenServer()
    fhir = server.fhir()
    app = service(tmp_path, fhir)
    for number in (1, 2):
        answer = called(app, tmp_path, number)
        assert 200 == answer.status_code, answer.get_json()
        assert answer.get_json()["cards"][0]["summary"].startswith("Simulated model: END risk 46 %")
    assert 1 == len(server.granted)
    assert {f"Bearer {server.granted[0]}"} == {one.headers["Authorization"] for one in asked_of_fhir(fhir)}


def test_only_the_chart_of_the_context_is_asked_for(tmp_path: Path):
    """A token of ours sees every patient: each search names this one, and each read is of a resource of the chart."""
    fhir = TokenServer().fhir()
    assert 200 == called(service(tmp_path, fhir), tmp_path).status_code
    searches = [one for one in asked_of_fhir(fhir) if f"/Patient/{b.PATIENT_ID}" not in str(one.url)]
    assert 5 < len(searches)
    assert {(b.PATIENT_ID,)} == {tuple(parse_qs(urlsplit(str(one.url)).query)["patient"]) for one in searches}


def test_another_patient_s_data_rejects_the_answer(tmp_path: Path):
    """Were a server to pass over the patient parameter, its answer would hold everybody."""
    others = b.searchset(b.nihss(9, 1), b.nihss(21, 2) | {"subject": b.subject("p2")})
    answer = called(service(tmp_path, TokenServer().fhir(Observation=others)), tmp_path)
    assert 412 == answer.status_code
    assert "another patient" in answer.get_json()["issue"][0]["diagnostics"]


def test_the_token_of_the_call_is_not_used(tmp_path: Path):
    """One of two wins always, so that a fault of the one is never covered up by the other."""
    server = TokenServer(told=(400, {"error": "invalid_client", "error_description": DETAIL}))
    fhir = server.fhir()
    server.valid.add("of-the-call")
    given = {"access_token": "of-the-call", "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "y"}
    answer = called(service(tmp_path, fhir), tmp_path, fhirAuthorization=given)
    assert 412 == answer.status_code
    assert [] == asked_of_fhir(fhir)


@pytest.mark.parametrize("patient", ["p2", "Patient/p2"])
def test_a_call_that_speaks_of_two_patients_is_not_read(tmp_path: Path, patient: str):
    """What the EHR opened is another chart than its context says."""
    fhir = TokenServer().fhir()
    answer = called(service(tmp_path, fhir), tmp_path, fhirAuthorization={"access_token": "x", "patient": patient})
    assert 412 == answer.status_code
    assert "the access token is for another patient" in answer.get_json()["issue"][0]["diagnostics"]
    assert [] == fhir.asked


def test_without_a_token_the_answer_says_so_by_reason_codes(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Nothing that the token server wrote is repeated to anybody."""
    caplog.set_level(logging.DEBUG)
    server = TokenServer(told=(400, {"error": "invalid_client", "error_description": DETAIL}))
    answer = called(service(tmp_path, server.fhir()), tmp_path)
    said = "no access token could be had (token server answered 400 invalid_client)"
    assert 412 == answer.status_code
    assert said in answer.get_json()["issue"][0]["diagnostics"]
    assert DETAIL not in answer.get_data(as_text=True) + caplog.text


def test_what_was_sent_makes_a_card_that_names_the_missing_token(tmp_path: Path):
    """Labs are lacking in the prefetch; the rest is there."""
    whole = request()["prefetch"]
    sent = {key: value for key, value in whole.items() if key != "labs"}
    server = TokenServer(told=(503, {}))
    answer = called(service(tmp_path, server.fhir()), tmp_path, prefetch=sent)
    detail = answer.get_json()["cards"][0]["detail"]
    assert "Labs unknown: no access token could be had (token server answered 503)" in detail


def test_a_whole_prefetch_asks_nobody(tmp_path: Path):
    """No token is had for nothing."""
    fhir = TokenServer().fhir()
    assert 200 == called(service(tmp_path, fhir), tmp_path, prefetch=request()["prefetch"]).status_code
    assert [] == fhir.asked


def test_a_revoked_token_is_replaced_within_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Eight reads are refused at once, and one new token serves them all."""
    monkeypatch.setattr("cds_service.backend.tokens.APART_S", 0.0)
    server = TokenServer()
    fhir = server.fhir()
    app = service(tmp_path, fhir)
    called(app, tmp_path)
    server.valid.clear()
    answer = called(app, tmp_path, 2)
    assert 200 == answer.status_code, answer.get_json()
    assert 2 == len(server.granted)


def test_a_fhir_server_that_refuses_every_token_is_asked_twice_at_most(tmp_path: Path):
    """The answer is its 401, and the token server is not asked for each read."""
    server = TokenServer()
    fhir = server.fhir(**{f"Patient/{b.PATIENT_ID}": b.patient()})
    app = service(tmp_path, fhir)
    called(app, tmp_path)
    server.valid = set()
    server.granted.clear()
    server.told = (200, {"access_token": "never-valid", "token_type": "Bearer", "expires_in": 300})
    before = len(fhir.asked)
    answer = called(app, tmp_path, 2)
    assert 412 == answer.status_code
    assert "the FHIR server answered 401" in answer.get_json()["issue"][0]["diagnostics"]
    assert 2 * 12 > len(fhir.asked) - before
    assert DETAIL not in answer.get_data(as_text=True)


def test_an_unproved_caller_gets_no_chart_by_our_access(tmp_path: Path):
    """Test mode answers calls without proof; whoever reaches the port must not read any patient by name."""
    fhir = TokenServer().fhir()
    settings = Settings(mode="test", fhir_servers=(entry(tmp_path),))
    app = create_app(settings, predictor=FakePredictor(), session=session_with(fhir), clock=lambda: b.at(6))
    answer = app.test_client().post(PATH, json=request(prefetch={}, fhirServer=BASE))
    assert 412 == answer.status_code
    assert "who calls was not proved" in answer.get_json()["issue"][0]["diagnostics"]
    assert [] == fhir.asked


def test_another_server_of_the_list_gets_the_call_s_token_and_not_ours(tmp_path: Path):
    """Each entry has its own access."""
    server = TokenServer()
    fhir = server.fhir()
    servers = (entry(tmp_path), FhirServer(base=OTHER))
    app = service(tmp_path, fhir, fhir_servers=servers)
    called(app, tmp_path)
    before = len(fhir.asked)
    given = {"access_token": "of-the-call", "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "y"}
    called(app, tmp_path, 2, fhirServer=OTHER, fhirAuthorization=given)
    asked = fhir.asked[before:]
    assert asked
    assert {("other.example", "Bearer of-the-call")} == {
        (urlsplit(str(one.url)).hostname, one.headers["Authorization"]) for one in asked
    }


class Posted(Heard):
    """The same for requests with a body, which may come in several pieces."""

    def __call__(self, connection: socket.socket) -> None:
        """Answer until the caller has gone."""
        with connection.makefile("rb") as stream:
            while head := b"".join(takewhile(bytes.strip, iter(stream.readline, b""))):
                (length,) = re.findall(rb"Content-Length: (\d+)", head)
                self.requests.append((head + stream.read(int(length))).decode("latin-1"))
                connection.sendall(self.response)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_token_of_ours_goes_to_its_fhir_server_alone(tmp_path: Path, name: str):
    """Whatever that server answers: redirects, links, headers; and the token server hears of no token again."""
    granted = {"access_token": "secret-2", "token_type": "Bearer", "expires_in": 300}
    heard_there = Posted(http(json.dumps(granted).encode()))
    with listening(heard_there) as (token_server, _), two_servers(ATTACKS[name]) as (url, heard, robbed):
        given = backend(tmp_path, token_url=token_server)
        with new_session() as session:
            tokens = AccessTokens(url, given, signing_key(given), session)
            with suppress(OutboundError):
                FhirClient(url, session, time.monotonic() + 5, tokens=tokens).search(ALL, b.PATIENT_ID)
        assert [] == robbed
    assert heard.requests
    assert all("\r\nAuthorization: Bearer secret-2\r\n" in one for one in heard.requests)
    assert [False] == ["secret-2" in one for one in heard_there.requests]


@pytest.mark.parametrize("status", ["301", "302", "307", "308"])
def test_a_token_server_that_redirects_gets_no_assertion_further(tmp_path: Path, status: str):
    """The assertion is for its URL, and nobody else is to hold it."""
    with listening(Heard(http(b"{}"))) as (thief, robbed):
        moved = Posted(http(b"", f"Location: {thief}", status=f"{status} Moved"))
        with listening(moved) as (url, _), new_session() as session:
            given = backend(tmp_path, token_url=url)
            tokens = AccessTokens("http://127.0.0.1:9", given, signing_key(given), session)
            with pytest.raises(OutboundError, match=f"token server answered {status}"):
                tokens.token(time.monotonic() + 5)
        assert [] == robbed
    assert 1 == len(moved.requests)


def test_a_slow_token_server_does_not_outlast_the_call(tmp_path: Path):
    """The deadline of the call holds, and the answer says what was waited for."""
    server = TokenServer()
    app = service(tmp_path, server.fhir(), deadline_ms=900, reserve_ms=600)
    server.gate.clear()
    begun = time.monotonic()
    answer = called(app, tmp_path)
    took = time.monotonic() - begun
    server.gate.set()
    assert 412 == answer.status_code
    assert "no access token could be had" in answer.get_json()["issue"][0]["diagnostics"]
    assert 0.15 < took < 3


def test_the_end_of_the_call_s_token_is_not_the_end_of_ours(tmp_path: Path):
    """The token that is not used bounds nothing: ours comes after that one's last second."""
    server = TokenServer()
    app = service(tmp_path, server.fhir(), deadline_ms=20_000)
    given = {"access_token": "x", "token_type": "Bearer", "expires_in": 1, "scope": "x", "subject": "y"}
    server.gate.clear()
    opening = Timer(1.2, server.gate.set)
    opening.start()
    assert 200 == called(app, tmp_path, fhirAuthorization=given).status_code
    opening.join()


@pytest.mark.parametrize(
    ("issuers", "others", "read"),
    [((ISS,), (), True), ((), (), False), (("https://another.example",), (), False), ((ISS,), (ISS,), False)],
)
def test_an_ehr_that_names_no_server_means_the_only_one_that_lists_it(
    tmp_path: Path, issuers: tuple[str, ...], others: tuple[str, ...], read: bool
):
    """CDS Hooks 2.0.1 leaves fhirServer out where the EHR gives no access: ours is used where there is no choice."""
    fhir = TokenServer().fhir()
    servers = (entry(tmp_path).model_copy(update={"issuers": issuers}), FhirServer(base=OTHER, issuers=others))
    app = service(tmp_path, fhir, fhir_servers=servers)
    answer = app.post(PATH, json=request(prefetch={}), headers=Signer(tmp_path).header(PATH))
    assert (200 if read else 412) == answer.status_code
    assert read == bool(asked_of_fhir(fhir))

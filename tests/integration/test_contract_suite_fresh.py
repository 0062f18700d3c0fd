"""What was charted a moment ago is on the card, and a token is asked for where the server is not open."""

from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from models.prediction import Predicts
from tests import builders as b
from tests.integration.asking import AS_OF, URL, Recorder, asked, service
from tests.integration.charts import NOW_H, resources, stroke
from tests.integration.servers import GIVEN, WANTS_TOKEN, Server


@pytest.fixture
def recorder(model: Predicts) -> Recorder:
    """The shipped model, which keeps what it was asked."""
    return Recorder(model)


@pytest.fixture
def client(recorder: Recorder, server: Server) -> FlaskClient:
    """The service with that model."""
    return service(recorder, server)


@pytest.fixture
def id_(server: Server) -> str:
    """A patient of this run alone, charted on the server."""
    id_ = f"endwatch-{uuid4().hex[:12]}"
    server.put(resources(stroke(id_)))
    return id_


def test_a_new_nihss_counts_in_the_next_call(server: Server, client: FlaskClient, recorder: Recorder, id_: str) -> None:
    """Charted between two calls, without any wait: servers that cache searches are told not to."""
    asked(client, id_, server=server)
    assert 9 == recorder.feature("nihss_latest").value
    server.put([b.nihss(10, NOW_H - 0.1, f"{id_}-new", patient=id_)])
    asked(client, id_, server=server)
    latest = recorder.feature("nihss_latest")
    assert (10, f"Observation/{id_}-new") == (latest.value, latest.source)


def test_deterioration_that_was_just_charted_is_what_the_next_card_is_about(
    server: Server, client: FlaskClient, id_: str
) -> None:
    """NIHSS up by 4: the risk's card gives way to the one of END."""
    (before,) = asked(client, id_, server=server)["cards"]
    server.put([b.nihss(13, NOW_H - 0.1, f"{id_}-new", patient=id_)])
    (after,) = asked(client, id_, server=server)["cards"]
    assert "END risk" in before["summary"]
    assert after["summary"].startswith("NIHSS 9 -> 13")


@pytest.mark.skipif(bool(GIVEN), reason="only the server that was given is tried")
def test_hapi_answers_a_repeated_search_from_its_cache(hapi: Server) -> None:
    """The trap that the tests above are about: without ``no-cache`` what was just charted is not there."""
    id_ = f"endwatch-{uuid4().hex[:12]}"
    hapi.put(resources(stroke(id_)))
    query, plain = f"Observation?patient={id_}", {"Cache-Control": None}

    def seen() -> int:
        return len(hapi.session.get(f"{hapi.base}/{query}", headers=plain, timeout=30).json()["entry"])

    assert 1 == seen()
    hapi.put([b.nihss(10, NOW_H - 0.1, f"{id_}-new", patient=id_)])
    assert 1 == seen()
    assert 2 == len(hapi.get(query)["entry"])


def test_a_server_is_read_without_a_token_only_where_it_is_open(server: Server, client: FlaskClient, id_: str) -> None:
    """An open one gives the card without ``fhirAuthorization``; for another the call is 412 and says why."""
    body = {
        "hook": "patient-view", "hookInstance": str(uuid4()), "fhirServer": server.base,
        "context": {"userId": "Practitioner/1", "patientId": id_},
    }  # fmt: skip
    answer = client.post(URL, json=body)
    if server.token is None:
        assert (200, 1) == (answer.status_code, len(answer.get_json()["cards"]))
    else:
        assert 412 == answer.status_code
        assert "no access token was given" in answer.get_json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize("server", WANTS_TOKEN, indirect=True)
def test_a_token_that_the_server_refuses_is_told_without_repeating_it(
    model: Predicts, server: Server, id_: str
) -> None:
    """412 with the status; what the server wrote beside it stays with us."""
    if server.token is None:
        pytest.skip("the server that was given is open: it refuses no token")
    body = {
        "hook": "patient-view", "hookInstance": str(uuid4()), "fhirServer": server.base,
        "context": {"userId": "Practitioner/1", "patientId": id_},
        "fhirAuthorization": {"access_token": "expired-or-forged", "token_type": "Bearer", "expires_in": 300},
    }  # fmt: skip
    answer = service(model, server).post(URL, json=body)
    assert 412 == answer.status_code
    said = answer.get_data(as_text=True)
    assert "answered 401" in said
    assert "forged" not in said


def test_the_moment_of_the_calls_is_fixed() -> None:
    """The charts are of March 2026: with a clock of today they would be nobody's stay."""
    assert b.at(NOW_H) == AS_OF

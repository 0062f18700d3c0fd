"""The demo's FHIR server, for real: loaded, read, and stopped under a running service."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from cds_service.app import create_app
from cds_service.demo.load import load
from cds_service.demo.patients import DemoPatient, demo_patient, demo_patients, request_for, shift
from cds_service.demo.server import embedded_server
from cds_service.outbound.session import new_session
from cds_service.settings import FhirServer, Settings
from tests.fakes import FakePredictor

URL = "/cds-services/end-risk"
NOW = datetime.now(UTC).replace(microsecond=0)


def settings(base: str) -> Settings:
    """Test mode with this server."""
    return Settings(mode="test", fhir_servers=(FhirServer(base=base, open=True),))


@pytest.fixture(scope="module")
def fhir() -> Iterator[str]:
    """A running server with every demo patient, moved to now."""
    pytest.importorskip("sekmet", reason="needs the demo extra")
    with new_session() as session, embedded_server(session) as base:
        assert len(demo_patients()) == len(list(load(base, settings(base), session, NOW)))
        yield base


@pytest.mark.parametrize("patient", demo_patients(), ids=lambda patient: patient.id)
def test_a_chart_open_reads_the_server_and_gives_the_promised_answer(fhir: str, patient: DemoPatient):
    """The same card as from prefetch."""
    with new_session() as session:
        service = create_app(
            settings(fhir), predictor=FakePredictor(), session=session, clock=lambda: NOW
        ).test_client()
        bundle = shift(patient.bundle, NOW)
        read = service.post(URL, json=request_for(patient, bundle, with_prefetch=False, fhir_server=fhir))
        sent = service.post(URL, json=request_for(patient, bundle, fhir_server=fhir))
    assert (200, 200) == (read.status_code, sent.status_code)
    assert [card["summary"] for card in sent.get_json()["cards"]] == [
        card["summary"] for card in read.get_json()["cards"]
    ]
    assert (patient.answer == "outside") == (read.get_json()["cards"] == [])


def test_a_stopped_server_is_412_in_time_and_no_matter_with_a_whole_prefetch():
    """Without prefetch 412; with it the same card; with labs missing the card says so."""
    pytest.importorskip("sekmet", reason="needs the demo extra")
    patient = demo_patient("missing-labs")
    bundle = shift(patient.bundle, NOW)
    with new_session() as session:
        with embedded_server(session) as base:
            service = create_app(
                settings(base), predictor=FakePredictor(), session=session, clock=lambda: NOW
            ).test_client()
            whole = request_for(patient, bundle, fhir_server=base)
            before = service.post(URL, json=whole).get_json()
        begun = time.monotonic()
        stopped = service.post(URL, json=request_for(patient, bundle, with_prefetch=False, fhir_server=base))
        assert (412, True) == (stopped.status_code, time.monotonic() - begun < 2.5)
        again = service.post(URL, json=whole | {"hookInstance": "1f9b1d52-7d7c-4a55-9b35-6f7a5d1f3c11"}).get_json()
        assert before["cards"][0]["detail"] == again["cards"][0]["detail"]
        partial = {key: value for key, value in whole["prefetch"].items() if key != "labs"}
        less = service.post(URL, json=whole | {"prefetch": partial})
    assert 200 == less.status_code
    assert "Labs unknown" in less.get_json()["cards"][0]["detail"]

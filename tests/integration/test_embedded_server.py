"""The demo's FHIR server, for real: loaded, read, and stopped under a running service."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

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
    return Settings(mode="test", fhir_servers=(FhirServer(base=base, auth="none"),))


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


def test_every_page_and_link_is_the_servers_own(fhir: str):
    """A ``next`` link leads back to this server, and its pages hold each resource once."""
    with new_session() as session:
        url, seen = f"{fhir}/Observation?patient=demo-end-confirmed&_sort=-date&_count=20", list[str]()
        while url:
            assert url.startswith(fhir)
            page = session.get(url).json()
            seen += [entry["fullUrl"] for entry in page["entry"]]
            url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
    held = [entry["resource"] for entry in demo_patient("end-confirmed").bundle["entry"]]
    assert sorted(seen) == sorted(
        f"{fhir}/Observation/{one['id']}" for one in held if one["resourceType"] == "Observation"
    )


def test_the_server_adds_nothing_to_what_was_loaded(fhir: str):
    """Its simulator, which answers an active order after two seconds, is off."""
    time.sleep(2.5)
    with new_session() as session:
        answer = session.get(f"{fhir}/Patient/demo-not-flagged/$everything").json()
    held = [entry["resource"]["id"] for entry in demo_patient("not-flagged").bundle["entry"]]
    assert sorted(held) == sorted(entry["resource"]["id"] for entry in answer["entry"])


def test_settings_of_another_server_are_not_taken_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Its database stays untouched."""
    pytest.importorskip("sekmet", reason="needs the demo extra")
    monkeypatch.setenv("SEKMET_DB", str(tmp_path / "theirs.db"))
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    with new_session() as session, embedded_server(session) as base:
        list(load(base, settings(base), session, NOW))
        assert 200 == session.get(f"{base}/Patient/demo-flagged").status_code
    assert [] == list(tmp_path.iterdir())


KEEPER = """
import time
from cds_service.demo.server import embedded_server
from cds_service.outbound.session import new_session
with embedded_server(new_session()) as base:
    print(base, flush=True)
    time.sleep(60)
"""


def test_the_server_ends_and_clears_up_when_we_are_killed(tmp_path: Path):
    """Even by SIGKILL: no process and no folder is left."""
    pytest.importorskip("sekmet", reason="needs the demo extra")
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER], stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    with keeper:
        assert keeper.stdout is not None
        port = urlsplit(keeper.stdout.readline().strip()).port
        assert 1 == len(list(tmp_path.iterdir()))
        keeper.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while time.monotonic() < until and list(tmp_path.iterdir()):
        time.sleep(0.05)
    assert [] == list(tmp_path.iterdir())
    time.sleep(0.2)
    with socket.socket() as probe:
        assert 0 != probe.connect_ex(("127.0.0.1", port))


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

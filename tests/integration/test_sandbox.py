"""`make sandbox` as a browser meets it: the link, both servers for a page of another origin, and the end of it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from cds_service.settings import SANDBOX
from tests.integration.obligatory import absent
from tools.hapi import NoHapi, built
from tools.sandbox import REMARK, link

ROOT = Path(__file__).parents[2]
PATIENT = "demo-end-confirmed"


def test_the_link_escapes_what_it_carries() -> None:
    """Addresses within an address: read back, they are what they were."""
    said = parse_qs(urlsplit(link("http://127.0.0.1:8000", "http://127.0.0.1:8080/fhir?a=1&b=2", "p 1")).query)
    assert {
        "serviceDiscoveryURL": ["http://127.0.0.1:8000/cds-services"],
        "fhirServiceUrl": ["http://127.0.0.1:8080/fhir?a=1&b=2"],
        "patientId": ["p 1"],
    } == said


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: what it printed, and where its two servers are."""

    process: subprocess.Popen[str]
    printed: str
    service: str
    fhir: str


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The sandbox, started as people start it."""
    try:
        built()
    except NoHapi as error:
        absent(str(error))
    port, fhir_port = free_ports(2)
    command = [sys.executable, "-u", "-m", "tools.sandbox", f"--port={port}", f"--fhir-port={fhir_port}"]
    unhurried = os.environ | {"ENDWATCH_DEADLINE_MS": "30000"}  # speed is judged elsewhere
    with subprocess.Popen(
        [*command, f"--patient={PATIENT}"], cwd=ROOT, env=unhurried, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.strip() == REMARK.splitlines()[-1]:
                break
        yield Sandbox(process, "".join(lines), f"http://127.0.0.1:{port}", f"http://127.0.0.1:{fhir_port}/fhir")
        process.kill()


def test_it_prints_a_link_that_opens_the_chart(sandbox: Sandbox) -> None:
    """With the remark that the browser will ask."""
    assert link(sandbox.service, sandbox.fhir, PATIENT) in sandbox.printed
    assert REMARK in sandbox.printed


def test_the_sandbox_s_page_may_read_the_fhir_server(sandbox: Sandbox) -> None:
    """With the media type that its client asks for, and a search by POST; no other page may."""
    asks = {"Origin": SANDBOX, "Accept": "application/json+fhir"}
    for answer in (
        requests.get(f"{sandbox.fhir}/metadata", headers=asks, timeout=30),
        requests.get(f"{sandbox.fhir}/Patient", headers=asks, timeout=30),
        requests.post(f"{sandbox.fhir}/Condition/_search", data={"patient": PATIENT}, headers=asks, timeout=30),
    ):
        assert 200 == answer.status_code
        assert SANDBOX == answer.headers["Access-Control-Allow-Origin"]
        assert "json" in answer.headers["Content-Type"]
        assert answer.json()["resourceType"] in ("CapabilityStatement", "Bundle")
    other = requests.get(f"{sandbox.fhir}/Patient", headers=asks | {"Origin": "https://page.example"}, timeout=30)
    assert "Access-Control-Allow-Origin" not in other.headers


def test_a_browser_s_question_before_a_search_is_answered(sandbox: Sandbox) -> None:
    """The preflight of a request with headers of its own."""
    asks = {
        "Origin": SANDBOX, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization",
    }  # fmt: skip
    answer = requests.options(f"{sandbox.fhir}/Observation/_search", headers=asks, timeout=30)
    assert answer.ok
    assert SANDBOX == answer.headers["Access-Control-Allow-Origin"]
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_every_search_is_answered_anew(sandbox: Sandbox) -> None:
    """Without any header against caches: the page sends none."""
    answers = [requests.get(f"{sandbox.fhir}/Observation?patient={PATIENT}", timeout=30) for _ in range(2)]
    assert ["" for _ in answers] == [answer.headers.get("X-Cache", "").partition(" ")[0] for answer in answers]


def test_a_chart_opened_there_gets_its_card(sandbox: Sandbox) -> None:
    """The patients are of now: the service's own clock sees the stay."""
    body = {
        "hook": "patient-view", "hookInstance": "7b0f4d2e-7a5e-4a8e-9f0a-1c2d3e4f5a6b",
        "fhirServer": sandbox.fhir.replace("127.0.0.1", "localhost"),
        "context": {"userId": "Practitioner/1", "patientId": PATIENT},
    }  # fmt: skip
    url = f"{sandbox.service}/cds-services/end-risk"
    answer = requests.post(url, json=body, headers={"Origin": SANDBOX}, timeout=30)
    assert (200, SANDBOX) == (answer.status_code, answer.headers["Access-Control-Allow-Origin"])
    assert "NIHSS" in answer.json()["cards"][0]["summary"]


def test_ctrl_c_ends_both_servers(sandbox: Sandbox) -> None:
    """Last of all: nothing listens any more."""
    sandbox.process.send_signal(signal.SIGINT)
    assert 0 == sandbox.process.wait(180)  # a busy machine takes a while to let go of the model and of Java
    for url in (sandbox.service, sandbox.fhir):
        with socket.socket() as probe:
            assert 0 != probe.connect_ex(("127.0.0.1", urlsplit(url).port))

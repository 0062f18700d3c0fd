"""Which FHIR a server speaks: asked beside the calls, and told where it is another than ours."""

import threading
from contextlib import suppress
from typing import Any

import pytest

from cds_service.app import create_app
from cds_service.fhir_client.fhir_versions import PAUSES_S, FhirVersions, name_of, watch
from cds_service.settings import FhirServer, Settings
from tests import builders as b
from tests.cds_service.calls import request
from tests.fakes import BASE, Answer, FakeFhir, FakePredictor, session_with

URL = "/cds-services/end-risk"


def says(version: Any) -> Answer:
    """A CapabilityStatement with this version."""
    return 200, {"resourceType": "CapabilityStatement", "fhirVersion": version}


class Ended(Exception):
    """The test has seen enough."""


def watched(*answers: Any, pauses: int = 20) -> tuple[FhirVersions, list[float], FakeFhir]:
    """What is known after a server gave these answers, the last for ever, the pauses made, and the server."""
    versions, made, left = FhirVersions(), list[float](), list(answers)

    def metadata(_: Any) -> Any:
        return left.pop(0) if len(left) > 1 else left[0]

    def pause(seconds: float) -> None:
        made.append(seconds)
        if len(made) == pauses:
            raise Ended

    fhir = FakeFhir({"metadata": metadata})
    with suppress(Ended):
        watch(versions, BASE, session_with(fhir), pause)
    return versions, made, fhir


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("0.0.82", "DSTU1"), ("1.0.2", "DSTU2"), ("3.0.2", "STU3"), ("4.0.1", "R4"), ("4.3.0", "R4B"), ("4.6.0", "R5"),
        ("5.0.0", "R5"), ("6.0.0-ballot3", "unknown"),
    ],
)  # fmt: skip
def test_a_version_has_the_name_that_people_use(version: str, name: str):
    """http://hl7.org/fhir/directory.html; drafts of R5 were numbered 4.2 to 4.6."""
    assert name == name_of(version)


@pytest.mark.parametrize("version", ["4.0.1", "4.0.0", "4.3.0"])
def test_r4_is_asked_for_once(version: str):
    """And then never again."""
    versions, pauses, fhir = watched(says(version))
    assert ("", [], 1) == (versions.why_not(BASE), pauses, len(fhir.asked))
    assert "json+fhir" in fhir.asked[0].headers["Accept"]


@pytest.mark.parametrize("answer", [(503, {}), (401, {}), (200, b"<html>"), (200, []), says(None), says(4), says("x")])
def test_what_tells_no_version_keeps_nobody_from_reading(answer: Any):
    """It is asked again after growing pauses, the last of which stays."""
    versions, pauses, _ = watched(answer, pauses=6)
    assert ("", [*PAUSES_S, PAUSES_S[-1], PAUSES_S[-1]]) == (versions.why_not(BASE), pauses)


def test_a_server_that_was_replaced_is_noticed():
    """Down, then STU3, then R4: calls go on from then."""
    versions, pauses, _ = watched((500, {}), (500, {}), says("3.0.2"), says("4.0.1"))
    assert ("", 2) == (versions.why_not(BASE), len(pauses))


@pytest.mark.parametrize(("version", "name"), [("1.0.2", "DSTU2"), ("3.0.2", "STU3"), ("5.0.0", "R5")])
@pytest.mark.parametrize("prefetched", [True, False])
def test_a_call_that_names_a_server_of_another_version_is_412(version: str, name: str, prefetched: bool):
    """Its prefetch is of that version, too: nothing is read, and nothing fetched."""
    versions, _, _ = watched(says(version), pauses=1)
    fhir = FakeFhir({})
    settings = Settings(mode="test", fhir_servers=(FhirServer(base=f"{BASE}/", auth="none"),))
    service = create_app(
        settings, predictor=FakePredictor(), session=session_with(fhir), clock=lambda: b.at(6), versions=versions
    ).test_client()
    body = request(fhirServer=BASE)
    if not prefetched:
        del body["prefetch"]
    response = service.post(URL, json=body)
    (issue,) = response.get_json()["issue"]
    assert (412, ["fhirServer"], []) == (response.status_code, issue["expression"], fhir.asked)
    assert f"FHIR R4 is needed: {BASE} is {name} ({version})" == issue["diagnostics"]
    assert 200 == service.post(URL, json=request()).status_code


def test_a_service_made_in_a_test_starts_no_thread():
    """Only `endwatch serve` watches."""
    before = threading.active_count()
    create_app(Settings(mode="test", fhir_servers=(FhirServer(base=BASE),)), predictor=FakePredictor())
    assert before == threading.active_count()

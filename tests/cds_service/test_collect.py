"""Collecting a chart: prefetch first, then the server, within the deadline, from listed hosts only."""

import time
from datetime import datetime
from math import inf
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from cds_service.outbound.hosts import target_for
from cds_service.settings import FhirServer, Settings
from fhir_mappings.inputs import ModelInputs
from models.prediction import NotComputed, Prediction
from tests import builders as b
from tests.cds_service.calls import cards, client, prefetch, request
from tests.fakes import BASE, FakeFhir, FakePredictor

URL = "/cds-services/end-risk"


def server(**changed: Any) -> dict[str, Any]:
    """A FHIR server that holds the patient of `calls.prefetch`."""
    held = prefetch()
    observations = [entry["resource"] for key in ("nihss", "labs") for entry in held[key]["entry"]]
    answers: dict[str, Any] = {
        f"Patient/{b.PATIENT_ID}": (200, held["patient"]),
        "Encounter": (200, held["encounters"]),
        "Condition": (200, held["conditions"]),
        "Procedure": (200, b.searchset()),
        "Observation": (200, b.searchset(*observations)),
        "DiagnosticReport": (200, held["reports"]),
        "MedicationRequest": (200, b.searchset()),
        "MedicationAdministration": (200, b.searchset()),
    }
    return answers | changed


def asked(**changed: Any) -> dict[str, Any]:
    """A request without prefetch, with the server's address."""
    body = request(fhirServer=BASE, **changed)
    del body["prefetch"]
    return body


def test_without_prefetch_everything_is_read_and_the_card_is_the_same():
    """The same patient gives the same summary from the server as from prefetch."""
    fhir = FakeFhir(server())
    assert cards(request())[0]["summary"] == cards(asked(), fhir=fhir)[0]["summary"]


def test_every_search_says_no_cache_and_names_the_patient():
    """HAPI answers a repeated search from a 60 s cache otherwise."""
    fhir = FakeFhir(server())
    cards(asked(), fhir=fhir)
    assert {"no-cache"} == {one.headers["Cache-Control"] for one in fhir.asked}
    assert all(b.PATIENT_ID in (one.url or "") for one in fhir.asked)


def test_a_chart_without_stroke_costs_four_reads_and_no_model_call():
    """Outside the population nothing more is fetched."""
    fhir, model = FakeFhir(server(Condition=(200, b.searchset()))), FakePredictor()
    assert [] == cards(asked(), fhir=fhir, predictor=model)
    assert ["Condition", "Encounter", "Patient/p1", "Procedure"] == fhir.paths
    assert 0 == model.calls


def test_only_what_the_prefetch_lacks_is_fetched():
    """A missing key is fetched; a key that is there, ``null`` included, is not."""
    fhir = FakeFhir(server())
    body = request(fhirServer=BASE, prefetch={k: v for k, v in prefetch(labs=None).items() if k != "reports"})
    cards(body, fhir=fhir)
    assert ["DiagnosticReport"] == fhir.paths


def test_a_prefetched_operation_outcome_is_a_failure_and_is_fetched():
    """CDS Hooks 2.0.1, Prefetch: an error is not "no data"."""
    fhir = FakeFhir(server())
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    cards(request(fhirServer=BASE, prefetch=prefetch(conditions=failed)), fhir=fhir)
    assert ["Condition"] == fhir.paths


def test_pages_are_followed_on_our_own_base():
    """A ``next`` link may name an inner host; the token stays with the configured one."""
    first = b.searchset(b.nihss(9, 1), next_url="http://inner:8080/fhir?_getpages=abc")
    fhir = FakeFhir(server(Observation=(200, first)) | {"": (200, b.searchset(b.nihss(12, 4), b.nihss(12, 5)))})
    assert "NIHSS 9 -> 12" in cards(asked(), fhir=fhir)[0]["summary"]
    assert all((one.url or "").startswith(BASE) for one in fhir.asked)


def test_an_incomplete_prefetch_that_cannot_be_completed_is_said():
    """A Bundle with ``next`` and no server to ask."""
    partial = b.searchset(b.nihss(9, 1), next_url="https://ehr.example/fhir?page=2")
    assert "NIHSS may be incomplete" in cards(request(prefetch=prefetch(nihss=partial)))[0]["detail"]


def test_another_patients_entry_rejects_the_whole_answer():
    """A server that mixes patients is not believed: 412 for a required query."""
    foreign = b.searchset(b.condition(), b.condition(id_="c9", patient="somebody"))
    response = client(FakeFhir(server(Condition=(200, foreign)))).post(URL, json=asked())
    assert 412 == response.status_code
    assert "another patient" in response.get_json()["issue"][0]["diagnostics"]


def test_a_server_that_is_down_is_412_without_prefetch_and_no_matter_with_it():
    """The embedded case of the contract: nothing to read, or nothing to miss."""
    down = FakeFhir(dict.fromkeys(server(), requests.ConnectionError("refused")))
    begun = time.monotonic()
    assert 412 == client(down).post(URL, json=asked()).status_code
    assert 2.5 > time.monotonic() - begun
    assert cards(request())[0]["summary"] == cards(request(fhirServer=BASE), fhir=down)[0]["summary"]


def test_labs_that_cannot_be_read_are_said_and_the_rest_is_used():
    """200 with a card that says which query failed."""
    down = FakeFhir(dict.fromkeys(server(), requests.ConnectionError("refused")))
    body = request(fhirServer=BASE, prefetch={k: v for k, v in prefetch().items() if k != "labs"})
    (one,) = cards(body, fhir=down)
    assert "Labs unknown: the FHIR server gave no answer (not reachable)" in one["detail"]
    assert "Not charted, or not read: " in one["detail"]


def test_only_what_was_asked_and_not_found_is_called_not_charted():
    """All queries answered, none of them with laboratory values."""
    (one,) = cards(request(prefetch=prefetch(labs=b.searchset())))
    assert "Not charted: " in one["detail"]


@pytest.mark.parametrize(
    "answer", [(500, {}), (200, b"<html>busy</html>"), (200, {"resourceType": "Patient"}), (401, {})]
)
def test_an_odd_answer_is_a_failed_query_never_an_exception(answer: tuple):
    """HTML, errors and other resources: the query failed, and the card says so."""
    fhir = FakeFhir(server(DiagnosticReport=answer))
    assert "Reports unknown" in cards(asked(), fhir=fhir)[0]["detail"]


def test_a_server_that_is_not_listed_is_never_contacted():
    """Prefetch alone is used; 412 says why where it does not suffice."""
    fhir = FakeFhir(server())
    body = asked() | {"fhirServer": "https://attacker.example/fhir"}
    response = client(fhir).post(URL, json=body)
    assert (412, []) == (response.status_code, fhir.asked)
    assert "not among the servers that may be called" in response.get_json()["issue"][0]["diagnostics"]


def test_diagnoses_whose_pages_were_lost_never_end_in_no_card():
    """The stroke may stand on the page that could not be read: empty cards would say "outside"."""
    first = b.searchset(b.condition("44054006", "Diabetes"), next_url=f"{BASE}/Condition/gone?page=2")
    for held in (server(), server(Observation=(200, b.searchset()))):
        (card,) = cards(asked(), fhir=FakeFhir(held | {"Condition": (200, first)}))
        assert "Not all diagnoses could be read" in card["summary"]
    assert "Conditions may be incomplete: not all pages were read" in card["detail"]


def test_drugs_whose_pages_were_lost_are_unknown_and_never_none():
    """As where nothing of them could be read."""
    order = b.medication_request("Aspirin 100 mg")
    first = b.searchset(order, next_url=f"{BASE}/MedicationRequest/gone?page=2")
    whole, part = Listening(), Listening()
    cards(asked(), fhir=FakeFhir(server(MedicationRequest=(200, b.searchset(order)))), predictor=whole)
    cards(asked(), fhir=FakeFhir(server(MedicationRequest=(200, first))), predictor=part)
    assert (0.0, None) == (whole.thrombolysis, part.thrombolysis)


def test_the_token_goes_with_each_request_and_to_nobody_else():
    """CDS Hooks 2.0.1, FHIR access: a bearer token for this call."""
    fhir = FakeFhir(server())
    token = {"access_token": "secret-1", "token_type": "Bearer", "expires_in": 300, "scope": "s", "subject": "x"}
    cards(asked(fhirAuthorization=token), fhir=fhir)
    assert {"Bearer secret-1"} == {one.headers["Authorization"] for one in fhir.asked}


def test_a_token_for_another_patient_is_not_used():
    """``fhirAuthorization.patient`` has to be the patient of the context."""
    fhir = FakeFhir(server())
    token = {"access_token": "secret-1", "patient": "somebody"}
    assert 412 == client(fhir).post(URL, json=asked(fhirAuthorization=token)).status_code
    assert [] == fhir.asked


def test_an_earlier_emergency_visit_is_read_in_a_second_round():
    """Arrival is the start of the emergency visit that the stay is part of."""
    stay = b.encounter(start=2, part_of="ed")
    emergency = b.encounter("ed", 0, 2, "EMER", "finished")
    fhir = FakeFhir(server(Encounter=(200, b.searchset(stay))) | {"Encounter/ed": (200, emergency)})
    assert "08:00 (similar" in cards(asked(), fhir=fhir)[0]["summary"]
    assert "Encounter/ed" in fhir.paths


def listed(*bases: str, mode: str = "production") -> Settings:
    """Settings that list these bases."""
    return Settings(mode=mode, fhir_servers=tuple(FhirServer(base=base) for base in bases))


@pytest.mark.parametrize(
    "url",
    [
        "https://ehr.example.attacker.example/fhir", "https://ehr.example@attacker.example/fhir", "http://ehr.example/fhir",
        "https://ehr.example/fhir/../admin", "https://ehr.example:8443/fhir", "https://ehr.example/fhir?x=1", "https://[bad",
    ],
)  # fmt: skip
def test_look_alikes_of_a_listed_base_are_refused(url: str):
    """Scheme, host, port and path all have to agree."""
    assert target_for(url, listed(BASE)) is None


def test_loopback_names_are_one_host_in_test_mode_only():
    """localhost, 127.0.0.1 and ::1 on one port."""
    for url in ("http://localhost:8080/fhir", "http://127.0.0.1:8080/fhir/", "http://[::1]:8080/fhir"):
        assert target_for(url, listed("http://localhost:8080/fhir", mode="test")) is not None
        assert target_for(url, listed("http://localhost:8080/fhir")) is None


@given(st.text(max_size=80))
def test_no_text_is_ever_a_target_unless_listed(text: str):
    """Whatever a caller sends, only listed bases come back, and nothing is raised."""
    target = target_for(text, listed(BASE))
    assert target is None or BASE == target.base


def test_a_thrombolytic_given_at_a_sending_hospital_is_found():
    """Drip and ship: a server that honors the search's bound brings an infusion from hours before arrival."""
    lysis = {
        "resourceType": "MedicationAdministration", "id": "a1", "status": "completed", "subject": b.subject(),
        "medicationCodeableConcept": {"text": "Alteplase 90 mg IV"}, "effectiveDateTime": b.when(-3),
    }  # fmt: skip

    def administrations(asked_for: requests.PreparedRequest) -> tuple[int, Any]:
        bound = parse_qs(urlsplit(asked_for.url or "").query)["effective-time"][0]
        begun = datetime.fromisoformat(bound.removeprefix("ge"))
        return 200, b.searchset(*([lysis] if b.at(-3) >= begun else []))

    (card,) = cards(asked(), fhir=FakeFhir(server(MedicationAdministration=administrations)))
    assert "thrombolysis" in card["detail"].lower()
    assert "thrombolysis" not in cards(asked(), fhir=FakeFhir(server()))[0]["detail"].lower()


class Listening(FakePredictor):
    """Remembers what the model was given of thrombolysis."""

    def predict(self, inputs: ModelInputs, until: float = inf) -> Prediction | NotComputed:
        """As `FakePredictor`."""
        (self.thrombolysis,) = [one.value for one in inputs.features if one.name == "thrombolysis"]
        return super().predict(inputs, until)


def test_thrombolysis_that_nobody_asked_about_is_unknown_and_never_not_done():
    """Orders alone do not say that no thrombolytic was given: no input for the model, and said once on the card."""
    model, sent = Listening(), prefetch()
    assert "hrombolysis" not in cards(request(), predictor=model)[0]["detail"]
    assert 0.0 == model.thrombolysis
    del sent["administrations"]
    detail = cards(request(prefetch=sent), predictor=model)[0]["detail"]
    assert model.thrombolysis is None
    assert 1 == detail.count("Drugs given (thrombolysis) unknown: no fhirServer was given.")
    cards(request(prefetch=sent, fhirServer=BASE), fhir=FakeFhir(server()), predictor=model)
    assert 0.0 == model.thrombolysis


def test_nihss_in_forms_is_found_where_no_observation_is():
    """A QuestionnaireResponse is asked for only then."""
    form = {
        "resourceType": "QuestionnaireResponse", "id": "f1", "status": "completed", "subject": b.subject(),
        "authored": b.when(1), "item": [{"linkId": "/72089-6", "answer": [{"valueInteger": 7}]}],
    }  # fmt: skip
    fhir = FakeFhir(server(Observation=(200, b.searchset())) | {"QuestionnaireResponse": (200, b.searchset(form))})
    assert "END risk 46 %" in cards(asked(), fhir=fhir)[0]["summary"]
    without = FakeFhir(server())
    cards(asked(), fhir=without)
    assert "QuestionnaireResponse" not in without.paths


def test_a_fallback_that_fails_is_said_and_the_call_is_answered():
    """Not every server knows every type: without NIHSS there is no number, and no 412."""
    card = cards(asked(), fhir=FakeFhir(server(Observation=(200, b.searchset()))))[0]
    assert "not computed" in card["summary"]
    said = "NIHSS partly unknown: the FHIR server answered 404 (QuestionnaireResponse)"
    assert said in card["detail"].replace("\\", "")


def test_a_report_that_stands_in_a_document_is_read():
    """Only where no report with a text was found."""
    document = {
        "resourceType": "DocumentReference", "id": "d1", "status": "current", "subject": b.subject(),
        "type": {"text": "CT head report"}, "date": b.when(2),
        "content": [{"attachment": {"contentType": "text/plain", "url": "Binary/b1"}}],
    }  # fmt: skip
    binary = {
        "resourceType": "Binary",
        "id": "b1",
        "contentType": "text/plain",
        "data": "QWN1dGUgaW50cmFjcmFuaWFsIGhlbW9ycmhhZ2Uu",
    }
    held = {"DocumentReference": (200, b.searchset(document)), "Binary/b1": (200, binary)}
    card = cards(asked(), fhir=FakeFhir(server(DiagnosticReport=(200, b.searchset())) | held))[0]
    assert "Acute intracranial hemorrhage." in card["detail"]


def test_a_report_of_the_day_before_arrival_is_fetched():
    """A CT of the sending hospital shows a hemorrhage: a server that honors the bound gives the same card."""
    early = b.report("FINDINGS: Acute intracranial hemorrhage in the left thalamus.", -3, "early", issued=-2.5)
    late = b.report("FINDINGS: Motion artifacts.", 1, "late")

    def reports(asked_for: requests.PreparedRequest) -> tuple[int, Any]:
        bounds = parse_qs(urlsplit(asked_for.url or "").query).get("date", [])
        begun = all(b.at(-3) >= datetime.fromisoformat(bound.removeprefix("ge")) for bound in bounds)
        return 200, b.searchset(*([early, late] if begun else [late]))

    sent = cards(request(prefetch=prefetch(reports=b.searchset(early, late))))[0]["summary"]
    assert "hemorrhage" in sent
    assert sent == cards(asked(), fhir=FakeFhir(server(DiagnosticReport=reports)))[0]["summary"]


ALIAS = "https://public.ehr.example/r4"


@pytest.mark.parametrize("named", [BASE, ALIAS])
def test_a_document_below_another_name_of_the_server_is_read_at_its_base(named: str):
    """Servers write their public name into links; the other host is never asked."""
    report = {key: value for key, value in b.report("", id_="r1").items() if key != "conclusion"}
    report["presentedForm"] = [{"contentType": "text/plain", "url": f"{ALIAS}/Binary/b1"}]
    binary = {"resourceType": "Binary", "id": "b1", "contentType": "text/plain"}
    binary["data"] = "QWN1dGUgaW50cmFjcmFuaWFsIGhlbW9ycmhhZ2Uu"
    fhir = FakeFhir(server(DiagnosticReport=(200, b.searchset(report))) | {"Binary/b1": (200, binary)})
    listed = (FhirServer(base=BASE, auth="none", also_known_as=(ALIAS,)),)
    (card,) = cards(asked() | {"fhirServer": named}, fhir=fhir, fhir_servers=listed)
    assert "hemorrhage" in card["summary"]
    assert all((one.url or "").startswith(f"{BASE}/") for one in fhir.asked)

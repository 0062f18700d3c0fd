"""Opening a call: whose token is used, and how long it bounds the fetching."""

import time
from typing import Any

import pytest
import requests

from cds_service.hooks.messages import parse_request
from tests import builders as b
from tests.cds_service.calls import client, prefetch, request
from tests.fakes import BASE, FakeFhir

URL = "/cds-services/end-risk"
LABS = (200, b.searchset(b.observation("2345-7", 130, "mg/dL", 1, "glucose")))


def lacking_labs(**authorization: Any) -> dict[str, Any]:
    """A call whose labs have to be fetched, with a token."""
    sent = {key: value for key, value in prefetch().items() if key != "labs"}
    return request(fhirServer=BASE, prefetch=sent, fhirAuthorization={"access_token": "secret-1"} | authorization)


@pytest.mark.parametrize("patient", [None, b.PATIENT_ID, f"Patient/{b.PATIENT_ID}"])
def test_a_token_for_this_patient_or_for_nobody_named_is_used(patient: str | None):
    """SMART gives the bare id; a reference to the same patient says the same."""
    fhir = FakeFhir({"Observation": LABS})
    client(fhir).post(URL, json=lacking_labs(patient=patient))
    assert {"Bearer secret-1"} == {one.headers["Authorization"] for one in fhir.asked}


@pytest.mark.parametrize(
    "patient",
    ["p2", "Patient/p2", "", f"Group/{b.PATIENT_ID}", f"x/Patient/{b.PATIENT_ID}", f"{b.PATIENT_ID} ",
     f"Patient/{b.PATIENT_ID}/",
     7, True, [b.PATIENT_ID], {"id": b.PATIENT_ID}],
)  # fmt: skip
def test_a_token_for_another_patient_or_who_knows_whom_is_not_used(patient: Any):
    """Checklist row 44. Nothing is asked without it either, and the card says why."""
    fhir = FakeFhir({"Observation": LABS})
    response = client(fhir).post(URL, json=lacking_labs(patient=patient))
    assert [] == fhir.asked
    assert "the access token is for another patient" in response.get_json()["cards"][0]["detail"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (300, 300), ("300", 300), (1, 1), (10**9 - 1, 10**9 - 1), (0, None), (-5, None), ("-5", None), ("", None),
        ("5m", None), (1.5, None), (True, None), (None, None), ([300], None), ("٣٠٠", None),
        (10**20, None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_the_life_of_a_token_is_read_where_it_is_a_number_of_seconds(given: Any, kept: int | None):
    """Checklist row 43: other faults are tolerated, as the prefetch may be complete."""
    asked = parse_request(lacking_labs(expires_in=given))
    assert asked.fhir_authorization is not None
    assert kept == asked.fhir_authorization.expires_in


@pytest.mark.parametrize(("expires_in", "read"), [(1, False), (300, True), (None, True)])
def test_a_token_bounds_the_fetching_by_its_own_life(expires_in: int | None, read: bool):
    """Checklist row 46: what would come after the token's end is not waited for, and said to be unknown."""

    def late(_: requests.PreparedRequest) -> tuple[int, Any]:
        time.sleep(1.3)
        return LABS

    service = client(FakeFhir({"Observation": late}), deadline_ms=10_000)
    detail = service.post(URL, json=lacking_labs(expires_in=expires_in)).get_json()["cards"][0]["detail"]
    assert read == ("Labs unknown: the FHIR server timed out" not in detail)

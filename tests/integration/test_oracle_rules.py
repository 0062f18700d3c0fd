"""The server with Oracle Health's rules refuses what its pages do not list."""

import pytest

from tests.integration.oracle import Refused, ruled


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/Condition", "patient=1&code=422504002", 400),
        ("/Observation", "patient=1&_sort=-date", 400),
        ("/Observation", "patient=1&date=ge2026-01-01&_lastUpdated=ge2026-01-01", 400),
        ("/Procedure", "patient=1&code=1", 400),
        ("/MedicationStatement", "patient=1", 404),
    ],
)
def test_what_the_pages_do_not_list_is_refused(path: str, query: str, status: int) -> None:
    """Each of these is answered by HAPI."""
    with pytest.raises(Refused) as refused:
        ruled(path, query, "application/fhir+json")
    assert status == refused.value.status


def test_binary_is_no_plain_json() -> None:
    """Asked as FHIR it is given."""
    with pytest.raises(Refused):
        ruled("/Binary/1", "", "application/json")
    assert [] == ruled("/Binary/1", "", "application/fhir+json")


@pytest.mark.parametrize(
    ("path", "asked", "given"),
    [
        ("/Observation", 1000, [("_count", "200"), ("_sort", "-date")]),
        ("/DiagnosticReport", 1000, [("_count", "100"), ("_sort", "-date")]),
        ("/Encounter", 20, [("_count", "20"), ("_sort", "date")]),
        ("/Observation", None, [("_count", "50"), ("_sort", "-date")]),
    ],
)
def test_pages_have_the_vendor_s_size_and_order(path: str, asked: int | None, given: list[tuple[str, str]]) -> None:
    """Largest page, page without a number, and which end comes first."""
    query = "patient=1" + (f"&_count={asked}" if asked else "")
    assert [("patient", "1"), *given] == ruled(path, query, "application/fhir+json")

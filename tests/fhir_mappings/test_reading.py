"""Reading raw JSON: entry by entry, with an issue for whatever is left out."""

from typing import Any

import pytest
from fhir.resources.R4B.observation import Observation
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.reading import read, read_all, reference_of
from fhir_mappings.site import DEFAULT_SITE, Site
from fhir_mappings.snapshot import Issue
from tests.builders import PATIENT_ID, condition, medication_request, observation, patient, procedure, report, when

GOOD = observation("2345-7", 100, "mg/dL")


PLAIN = Site(quirks=())


def refused(raw: Any, site: Site = PLAIN) -> Issue:
    """The issue in which reading ends."""
    resource, issues = read(raw, PATIENT_ID, site)
    assert resource is None
    (issue,) = issues
    return issue


def kept(raw: Any, site: Site = DEFAULT_SITE) -> Any:
    """The resource that reading ends in."""
    resource, issues = read(raw, PATIENT_ID, site)
    assert () == issues
    return resource


def test_a_good_resource_is_read_as_its_class() -> None:
    """An R4 Observation comes back typed."""
    resource = kept(GOOD)
    assert "Observation" == resource.get_resource_type()
    assert 100 == resource.valueQuantity.value


def test_one_bad_result_never_hides_the_others() -> None:
    """A malformed Observation is left out and named; the rest are used."""
    resources, issues = read_all([{**GOOD, "id": "bad", "effectiveDateTime": "soon"}, GOOD], PATIENT_ID)
    assert ["o1"] == [one.id for one in resources]
    assert [("malformed", "Observation/bad")] == [(one.code, one.source) for one in issues]


def test_an_issue_names_the_field_and_never_its_value() -> None:
    """What stood in the field may be anything, a name too."""
    issue = refused({**GOOD, "effectiveDateTime": "Jane Doe"})
    assert "effectiveDateTime" in issue.text
    assert "Jane" not in issue.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"status": "done"}, "status"),
        ({"status": None}, "status"),
        ({"code": None}, "code"),
        ({"code": {}}, "code"),
        ({"unknownElement": 1}, "unknownElement"),
        ({"valueQuantity": {"value": float("nan")}}, "valueQuantity.value"),
    ],
)
def test_what_fhir_refuses_is_malformed_even_where_the_library_accepts_it(change: dict[str, Any], field: str) -> None:
    """An invented status and ``code: null`` pass the library's validation, but not ours."""
    assert ("malformed", f"Observation/o1 left out: {field} not valid FHIR R4") == (
        (issue := refused({**GOOD, **change})).code,
        issue.text,
    )


@pytest.mark.parametrize(
    "raw",
    [
        {**procedure("472191000119101"), "status": "finished"},
        {**report("x"), "status": "ok"},
        {**medication_request("aspirin"), "status": "done"},
    ],
)
def test_an_invented_status_of_any_type_is_malformed(raw: dict[str, Any]) -> None:
    """Mappers decide by status, so each status is one of its value set."""
    assert "status not valid" in refused(raw).text


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p2",
        "Group/p1",
        "Patient/p11",
        "XPatient/p1",
        "urn:uuid:p1",
        "http://other/fhir/Patient/p2",
        "p1",
        "",
        7,
    ],
)
def test_a_resource_of_someone_else_is_refused(reference: Any) -> None:
    """Only a reference that ends in this very Patient is this patient's."""
    assert "wrong-patient" == refused({**GOOD, "subject": {"reference": reference}}).code


def test_a_resource_of_nobody_is_refused() -> None:
    """Without a subject nothing says whose value it is."""
    assert "wrong-patient" == refused({key: value for key, value in GOOD.items() if key != "subject"}).code


@pytest.mark.parametrize("reference", ["Patient/p1", "http://ehr.example/fhir/Patient/p1", "Patient/p1/_history/3"])
def test_relative_absolute_and_versioned_references_name_the_patient(reference: str) -> None:
    """Servers write the same reference in three ways."""
    assert "o1" == kept({**GOOD, "subject": {"reference": reference}}).id


def test_the_patient_is_the_one_of_the_call() -> None:
    """Another Patient resource is refused like any other foreign resource."""
    assert "wrong-patient" == refused(patient("p2")).code
    assert "p1" == kept(patient()).id


def test_a_patient_whose_id_has_an_underscore_is_still_the_patient() -> None:
    """Ids are compared as sent, before a quirk mends them."""
    resources, issues = read_all([patient("p_1"), condition(patient="p_1")], "p_1")
    assert (2, ()) == (len(resources), issues)


def test_a_drug_of_the_catalog_is_of_nobody() -> None:
    """A Medication has no subject."""
    assert "m1" == kept({"resourceType": "Medication", "id": "m1", "code": {"text": "aspirin"}}).id


@pytest.mark.parametrize("raw", [None, 1, "x", [], {}, {"resourceType": "Basic"}, {"resourceType": ["Observation"]}])
def test_what_is_no_resource_we_read_is_an_issue(raw: Any) -> None:
    """Junk among the entries is said, and raises nothing."""
    assert "malformed" == refused(raw).code


def test_an_id_that_is_no_id_is_not_repeated() -> None:
    """An id may hold a name or markup; then a card does not show it."""
    assert "Observation/without id" == reference_of({**GOOD, "id": "<b>Jane Doe</b>"})
    assert "Observation/o_1" == reference_of({**GOOD, "id": "o_1"})


def test_quirks_are_applied_before_reading() -> None:
    """A time without seconds is read with the quirk and refused without."""
    raw = {**GOOD, "effectiveDateTime": "2026-03-02T10:00+0100"}
    assert "o1" == kept(raw).id
    assert "malformed" == refused(raw).code


def test_a_resource_under_two_query_keys_is_used_once() -> None:
    """The same reference twice is one resource."""
    resources, issues = read_all([GOOD, dict(GOOD)], PATIENT_ID)
    assert (1, ()) == (len(resources), issues)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_versions_the_one_updated_last_counts(order: int) -> None:
    """Whatever the order of arrival, an old page never hides a correction."""
    old = {**GOOD, "meta": {"lastUpdated": when(1)}}
    new = {**observation("2345-7", 300, "mg/dL"), "meta": {"lastUpdated": when(2)}}
    resources, _ = read_all([old, new][::order], PATIENT_ID)
    assert [300] == [one.valueQuantity.value for one in resources]


def test_two_resources_without_a_usable_id_are_two() -> None:
    """Without an id nothing says that two values are one."""
    resources, issues = read_all([{**GOOD, "id": "a b"}, {**GOOD, "id": "c d"}], PATIENT_ID)
    assert (0, 2) == (len(resources), len(issues))


def test_an_operation_outcome_is_neither_data_nor_fault() -> None:
    """Servers put warnings among the entries; whoever collected them said so."""
    assert ((), ()) == read_all([{"resourceType": "OperationOutcome", "issue": []}], PATIENT_ID)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(GOOD)), _JSON)
def test_no_value_in_any_member_raises(member: str, value: Any) -> None:
    """Reading ends in a resource or an issue, whatever stands in a member."""
    resource, issues = read({**GOOD, member: value}, PATIENT_ID)
    assert isinstance(resource, Observation) or len(issues) == 1

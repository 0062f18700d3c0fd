"""Reperfusion: done, decided against, and what nothing ties to the stay."""

from typing import Any

import pytest

from fhir_mappings.procedures import procedures_from
from fhir_mappings.reading import read_all
from fhir_mappings.snapshot import Issue, Stay, Treatment
from tests.builders import SNOMED, T0, Resource, at, procedure

STAY = Stay(T0, ("Encounter/e1",))
CPT = "http://www.ama-assn.org/go/cpt"
PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
THROMBECTOMY = "397046001"


def mapped(raw: Resource, *, live: bool = True) -> tuple[tuple[Treatment, ...], tuple[Issue, ...]]:
    """What one Procedure says of the stay."""
    resources, unread = read_all([raw], "p1")
    assert () == unread
    return procedures_from(resources, STAY, live=live)


def undated(**more: Any) -> Resource:
    """A thrombectomy without a time."""
    raw = procedure(THROMBECTOMY, **more)
    del raw["performedDateTime"]
    return raw


@pytest.mark.parametrize(
    ("system", "code", "kind"),
    [
        (SNOMED, "397046001", "thrombectomy"),
        (SNOMED, "21710002", "thrombectomy"),
        (CPT, "61645", "thrombectomy"),
        (PCS, "03CG3ZZ", "thrombectomy"),
        (PCS, "03CG3Z7", "thrombectomy"),
        (PCS, "03CK3ZZ", "thrombectomy"),
        (SNOMED, "472191000119101", "thrombolysis"),
        (PCS, "3E03317", "thrombolysis"),
    ],
)
def test_reperfusion_is_known_by_its_codes(system: str, code: str, kind: str) -> None:
    """SNOMED CT, CPT and ICD-10-PCS."""
    (found,), issues = mapped(procedure(code, system=system))
    assert ((kind, "done", at(2)), ()) == ((found.kind, found.state, found.effective), issues)


@pytest.mark.parametrize(("system", "code"), [(SNOMED, "71388002"), (PCS, "0016070"), ("urn:local", "397046001")])
def test_other_procedures_are_passed_over(system: str, code: str) -> None:
    """Another procedure, or the same digits in another system."""
    assert ((), ()) == mapped(procedure(code, system=system))


@pytest.mark.parametrize(
    ("status", "state"),
    [("completed", "done"), ("in-progress", "done"), ("stopped", "done"), ("not-done", "not_done")],
)
def test_the_status_says_done_or_decided_against(status: str, state: str) -> None:
    """``not-done`` is a decision."""
    assert [state] == [found.state for found in mapped(procedure(THROMBECTOMY, status=status))[0]]


@pytest.mark.parametrize("status", ["preparation", "on-hold", "entered-in-error", "unknown"])
def test_any_other_status_is_not_counted_and_said(status: str) -> None:
    """Planned is not done."""
    found, issues = mapped(procedure(THROMBECTOMY, status=status))
    assert ((), ["not-final"]) == (found, [issue.code for issue in issues])


def test_a_procedure_of_an_earlier_stay_is_left_out() -> None:
    """More than a day before arrival; within it, a sending hospital's counts."""
    assert ((), ()) == mapped(procedure(THROMBECTOMY, -25))
    assert 1 == len(mapped(procedure(THROMBECTOMY, -3))[0])


def test_a_date_without_a_time_on_the_day_of_arrival_counts() -> None:
    """Midnight lies before arrival, the thrombectomy did not."""
    assert 1 == len(mapped(procedure(THROMBECTOMY) | {"performedDateTime": "2026-03-02"})[0])


def test_an_undated_thrombectomy_is_no_reason_to_be_outside() -> None:
    """Nothing ties it to this stay: not counted, and said."""
    found, issues = mapped(undated())
    assert ((), ["assumed"]) == (found, [issue.code for issue in issues])


def test_an_undated_thrombectomy_of_this_stays_encounter_counts() -> None:
    """Its Encounter ties it."""
    found, issues = mapped(undated() | {"encounter": {"reference": "Encounter/e1"}})
    assert (["done"], ()) == ([one.state for one in found], issues)


def test_an_undated_decision_against_counts_and_is_said() -> None:
    """A refusal seldom has a time."""
    found, issues = mapped(undated(status="not-done"))
    assert (["not_done"], ["assumed"]) == ([one.state for one in found], [issue.code for issue in issues])


def test_a_month_is_no_date() -> None:
    """March may lie before or in the stay."""
    assert () == mapped(procedure(THROMBECTOMY) | {"performedDateTime": "2026-03"})[0]


def test_a_procedure_is_seen_after_its_lag_in_replay_and_at_once_live() -> None:
    """Procedures have no ``issued``."""
    assert at(2) == mapped(procedure(THROMBECTOMY))[0][0].available
    assert at(2) < (mapped(procedure(THROMBECTOMY), live=False)[0][0].available or at(0))


def test_a_period_begins_the_procedure() -> None:
    """``performedPeriod`` as well as ``performedDateTime``."""
    raw = undated() | {"performedPeriod": {"start": "2026-03-02T10:00:00Z"}}
    assert [at(2)] == [found.effective for found in mapped(raw)[0]]

"""How a stay ended, read from the raw chart: dispositions, causes of death, comfort care, procedures."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fhir_mappings.chart import RawChart
from fhir_mappings.snapshot import Stay, Treatment
from models.training.departures import departure_table, departures_from
from tests import builders as fhir
from tests.models.histories import history


def _chart(disposition: str | None = "home", **more: tuple[Any, ...]) -> RawChart:
    encounter = fhir.encounter(end=60, status="finished")
    if disposition:
        encounter["hospitalization"] = {"dischargeDisposition": {"coding": [{"code": disposition}]}}
    return RawChart("p1", {"patient": (fhir.patient(),), "encounters": (encounter,)} | more)


def _kinds(chart: RawChart, **more: Any) -> list[tuple[str, float]]:
    stay = Stay(fhir.T0, ("Encounter/e1",), end=fhir.at(60))
    left = departures_from(chart, history(stay=stay, **more))
    return [(one.kind, (one.at - fhir.T0) / timedelta(hours=1)) for one in left]


@pytest.mark.parametrize(
    ("disposition", "kind"),
    [
        (code, kind if kind != "death" else "other_death")
        for kind, row in departure_table()["dispositions"].items()
        for code in row["codes"]
    ],
)
def test_each_disposition_names_its_kind(disposition: str, kind: str) -> None:
    """Every row of the table of dispositions is read at the end of the stay."""
    assert [(kind, 60.0)] == _kinds(_chart(disposition))


def test_an_ended_stay_without_disposition_counts_as_discharged_alive() -> None:
    """The assumption of the table."""
    assert [("discharge_alive", 60.0)] == _kinds(_chart(None))


@pytest.mark.parametrize(
    ("code", "system", "verification", "kind"),
    [
        ("G93.5", "http://hl7.org/fhir/sid/icd-10-cm", "confirmed", "neurological_death"),
        ("274100004", fhir.SNOMED, None, "neurological_death"),
        ("G93.5", "http://hl7.org/fhir/sid/icd-10-cm", "refuted", "other_death"),
        ("I26.99", "http://hl7.org/fhir/sid/icd-10-cm", "confirmed", "other_death"),
    ],
)
def test_a_death_is_neurological_where_a_condition_of_the_stay_says_so(
    code: str, system: str, verification: str | None, kind: str
) -> None:
    """The stroke itself is no cause of death; herniation or hemorrhage is, unless refuted."""
    patient = fhir.patient() | {"deceasedDateTime": fhir.when(58)}
    cause = fhir.condition(code, "cause", system=system, onset=50, verification=verification)
    conditions = (fhir.condition(), cause)
    assert [(kind, 58.0)] == _kinds(_chart("exp", patient=(patient,), conditions=conditions))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", [("comfort_care", 30.0), ("discharge_alive", 60.0)]),
        ("not-done", [("discharge_alive", 60.0)]),
    ],
)
def test_comfort_care_counts_from_its_procedure(status: str, expected: list[tuple[str, float]]) -> None:
    """Where coded and done; a decision against it is none."""
    procedure = fhir.procedure("133918004", 30, status=status)
    assert expected == _kinds(_chart(procedures=(procedure,)))


def test_a_thrombectomy_done_is_a_departure_and_one_declined_is_none() -> None:
    """Reperfusion comes from the mapped treatments, with their state."""
    done = Treatment("thrombectomy", "done", "Thrombectomy", "Procedure/1", fhir.at(5))
    declined = replace(done, state="not_done", effective=fhir.at(2))
    found = _kinds(_chart(), treatments=(done, declined))
    assert [("thrombectomy", 5.0), ("discharge_alive", 60.0)] == found

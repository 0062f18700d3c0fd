"""From a raw chart to what was known at a moment: the one path of serving, training and evaluation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from fhir_mappings.before_stroke import last_known_well_from, pre_stroke_mrs_from
from fhir_mappings.chart import RawChart, raws_of
from fhir_mappings.codes import VITALS
from fhir_mappings.conditions import diagnoses_from
from fhir_mappings.drugs import treatments_from
from fhir_mappings.nihss import scores_from
from fhir_mappings.observations import measurements_from, source_of
from fhir_mappings.patients import patient_from, stay_from
from fhir_mappings.procedures import procedures_from
from fhir_mappings.quirks import DEFAULT_QUIRKS, Quirk
from fhir_mappings.reading import read_all
from fhir_mappings.reports import reports_from
from fhir_mappings.snapshot import (
    ClinicalSnapshot,
    Diagnosis,
    Issue,
    Measurement,
    NihssScore,
    Patient,
    Report,
    Treatment,
)

Fact = Measurement | NihssScore | Report | Diagnosis | Treatment
"""Anything that a resource told, with the moment it became available."""

_T = TypeVar("_T", bound=Fact)
_DRUGS = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")


def snapshot_from(
    chart: RawChart,
    as_of: datetime,
    *,
    live: bool = True,
    encounter_id: str | None = None,
    quirks: Sequence[Quirk] = DEFAULT_QUIRKS,
) -> ClinicalSnapshot:
    """What was known of the patient at ``as_of``.

    ``live``: the chart was read at ``as_of``, so that what it returned is available; otherwise a
    result without ``issued`` becomes available after the lag of its kind.
    """
    return seen_at(history_from(chart, as_of, live=live, encounter_id=encounter_id, quirks=quirks), as_of)


def history_from(
    chart: RawChart,
    as_of: datetime,
    *,
    live: bool,
    encounter_id: str | None = None,
    quirks: Sequence[Quirk] = DEFAULT_QUIRKS,
) -> ClinicalSnapshot:
    """Everything the chart holds of the stay at ``as_of``, mapped once and not yet cut by time.

    Training draws many moments from one history with `seen_at`.
    """
    resources, issues = read_all(raws_of(chart), chart.patient_id, quirks)
    of = _by_type(resources)
    stay, stay_issues = stay_from(of("Encounter"), as_of, encounter_id=encounter_id)
    patient, patient_issues = _patient(of("Patient"), chart, stay.t0 if stay else as_of)
    elsewhere = frozenset(map(source_of, of("Encounter"))) - frozenset(stay.encounters if stay else ())
    diagnoses, diagnosis_issues = diagnoses_from(of("Condition"), stay, as_of=as_of, elsewhere=elsewhere)
    observations = of("Observation")
    scores, score_issues = scores_from(observations, live=live)
    measurements, value_issues = _measurements(observations, live=live)
    mrs, mrs_issues = pre_stroke_mrs_from(observations, stay, live=live)
    reports, report_issues = reports_from(of("DiagnosticReport"), live=live)
    procedures, procedure_issues = procedures_from(of("Procedure"), stay, live=live)
    medications = {source_of(drug): drug for drug in of("Medication")}
    drugs, drug_issues = treatments_from(of(*_DRUGS), medications, stay, live=live)
    said = (
        *chart.issues, *issues, *patient_issues, *stay_issues, *diagnosis_issues, *score_issues, *value_issues,
        *mrs_issues, *report_issues, *procedure_issues, *drug_issues,
    )  # fmt: skip
    return ClinicalSnapshot(
        as_of=as_of,
        patient=patient,
        stay=stay,
        last_known_well=last_known_well_from(observations, diagnoses, stay, as_of),
        pre_stroke_mrs=mrs,
        measurements=measurements,
        nihss=scores,
        reports=reports,
        diagnoses=diagnoses,
        treatments=(*procedures, *drugs),
        unanswered=chart.unanswered,
        seen=frozenset(chart.resources),
        issues=said,
    )


def seen_at(history: ClinicalSnapshot, as_of: datetime) -> ClinicalSnapshot:
    """The part of a history that was available by ``as_of``; issues of later resources go too.

    The end of a stay that lies ahead is not known yet.
    """

    def known(one: Fact) -> bool:
        return one.available is None or one.available <= as_of

    def kept(facts: Iterable[_T]) -> tuple[_T, ...]:
        return tuple(filter(known, facts))

    facts: tuple[Fact, ...] = (
        *history.measurements,
        *history.nihss,
        *history.reports,
        *history.diagnoses,
        *history.treatments,
    )
    hidden = {fact.source for fact in facts if not known(fact)}
    mrs, stay = history.pre_stroke_mrs, history.stay
    ahead = stay is not None and stay.end is not None and stay.end > as_of
    return replace(
        history,
        as_of=as_of,
        stay=replace(stay, end=None) if stay and ahead else stay,
        pre_stroke_mrs=mrs if mrs and known(mrs) else None,
        measurements=kept(history.measurements),
        nihss=kept(history.nihss),
        reports=kept(history.reports),
        diagnoses=kept(history.diagnoses),
        treatments=kept(history.treatments),
        issues=tuple(issue for issue in history.issues if issue.source is None or issue.source not in hidden),
    )


def _by_type(resources: Sequence[Any]) -> Callable[..., tuple[Any, ...]]:
    def of(*kinds: str) -> tuple[Any, ...]:
        return tuple(resource for resource in resources if resource.get_resource_type() in kinds)

    return of


def _patient(found: Sequence[Any], chart: RawChart, moment: datetime) -> tuple[Patient, tuple[Issue, ...]]:
    if found:
        return patient_from(found[0], moment.astimezone(UTC))
    return Patient(chart.patient_id, None, None), (Issue("malformed", "Age and sex unknown: no readable Patient"),)


def _measurements(observations: Sequence[Any], *, live: bool) -> tuple[tuple[Measurement, ...], tuple[Issue, ...]]:
    """Vital signs and laboratory values, each with the lag of its kind."""
    vitals, vital_issues = measurements_from(observations, live=live, kind="vitals")
    labs, lab_issues = measurements_from(observations, live=live, kind="labs")
    both = (*(one for one in vitals if one.analyte in VITALS), *(one for one in labs if one.analyte not in VITALS))
    about = [issue for issue in vital_issues if issue.about in VITALS]
    return both, (*about, *(issue for issue in lab_issues if issue.about not in VITALS))

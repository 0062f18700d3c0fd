"""From a raw chart to what was known at a moment: the one path of serving, training and evaluation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from fhir_mappings.before_stroke import last_known_well_from, pre_stroke_mrs_from
from fhir_mappings.chart import RawChart, raws_of
from fhir_mappings.conditions import diagnoses_from
from fhir_mappings.drugs import treatments_from
from fhir_mappings.nihss import scores_from
from fhir_mappings.nihss_text import scores_in_text, with_text_scores
from fhir_mappings.observations import measurements_from, source_of
from fhir_mappings.patients import patient_from, stay_from
from fhir_mappings.procedures import decisions_from, procedures_from
from fhir_mappings.reading import read_all, reference_of
from fhir_mappings.report_order import Version, standing_at
from fhir_mappings.reports import REPORTS_BEFORE, filed_from
from fhir_mappings.site import DEFAULT_SITE, Site
from fhir_mappings.snapshot import (
    ClinicalSnapshot,
    Diagnosis,
    Issue,
    Measurement,
    NihssScore,
    Patient,
    Report,
    Stay,
    Treatment,
)
from fhir_mappings.versions import has_versions

Fact = Measurement | NihssScore | Report | Diagnosis | Treatment
"""Anything that a resource told, with the moment it became available."""

_T = TypeVar("_T", bound=Fact)


@dataclass(frozen=True)
class History(ClinicalSnapshot):
    """A whole chart, mapped: its ``reports`` are not yet cut to a moment and stand in ``filed``."""

    filed: tuple[Version, ...] = ()


_DRUGS = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")


def snapshot_from(
    chart: RawChart,
    as_of: datetime,
    *,
    live: bool = True,
    encounter_id: str | None = None,
    site: Site = DEFAULT_SITE,
) -> ClinicalSnapshot:
    """What was known of the patient at ``as_of``.

    ``live``: the chart was read at ``as_of``, so that what it returned is available, and what is of a later
    moment all the same is said; otherwise a result without ``issued`` becomes available after the lag of its
    kind.
    """
    history = history_from(chart, as_of, live=live, encounter_id=encounter_id, site=site)
    seen = seen_at(history, as_of)
    return replace(seen, issues=(*seen.issues, *_ahead(history, as_of))) if live else seen


def _ahead(history: History, as_of: datetime) -> tuple[Issue, ...]:
    """An issue that counts what is charted for a moment that has not come: clocks differ, or a time is mistyped."""
    sources = {fact.source for fact in _facts(history) if fact.available is not None and fact.available > as_of}
    if not sources:
        return ()
    text = f"{min(sources)} left out: after the moment of the call (such results: {len(sources)})"
    return (Issue("not-available", text, about="clocks"),)


def history_from(
    chart: RawChart,
    as_of: datetime,
    *,
    live: bool,
    encounter_id: str | None = None,
    site: Site = DEFAULT_SITE,
) -> History:
    """Everything the chart holds of the stay at ``as_of``, mapped once and not yet cut by time.

    Training draws many moments from one history with `seen_at`.
    """
    resources, issues = read_all(raws_of(chart), chart.patient_id, site, as_of=as_of)
    of = _by_type(resources)
    stay, stay_issues = stay_from(of("Encounter"), as_of, encounter_id=encounter_id)
    patient, patient_issues = _patient(of("Patient"), chart, stay.t0 if stay else as_of)
    elsewhere = frozenset(map(source_of, of("Encounter"))) - frozenset(stay.encounters if stay else ())
    diagnoses, diagnosis_issues = diagnoses_from(of("Condition"), stay, as_of=as_of, elsewhere=elsewhere)
    observations = of("Observation")
    filed, report_issues = _filed_reports(of, chart, stay, site, live=live)
    scores, score_issues = _scores(of, filed, site, live=live)
    measurements, value_issues = measurements_from(observations, live=live)
    mrs, mrs_issues = pre_stroke_mrs_from(observations, stay, live=live)
    treatments, treatment_issues = _treatments(of, stay, live=live)
    return History(
        as_of=as_of,
        patient=patient,
        stay=stay,
        last_known_well=last_known_well_from(observations, diagnoses, stay, as_of),
        pre_stroke_mrs=mrs,
        measurements=measurements,
        nihss=scores,
        diagnoses=diagnoses,
        treatments=treatments,
        unanswered=chart.unanswered,
        seen=frozenset(chart.resources),
        issues=(
            *chart.issues, *issues, *patient_issues, *stay_issues, *diagnosis_issues, *score_issues, *value_issues,
            *mrs_issues, *report_issues, *treatment_issues,
        ),
        filed=filed,
    )  # fmt: skip


def _filed_reports(
    of: Callable[..., tuple[Any, ...]], chart: RawChart, stay: Stay | None, site: Site, *, live: bool
) -> tuple[tuple[Version, ...], tuple[Issue, ...]]:
    return filed_from(
        of("DiagnosticReport"),
        live=live,
        observations=of("Observation"),
        documents=of("DocumentReference"),
        binaries={reference_of(raw): raw for raw in raws_of(chart) if _is_binary(raw)},
        since=stay.t0 - REPORTS_BEFORE if stay else None,
        seconds=site.attachment_seconds,
    )


def _is_binary(raw: Any) -> bool:
    """True for a resource that holds an attachment's bytes; entries may be anything."""
    return isinstance(raw, dict) and raw.get("resourceType") == "Binary"


def _scores(
    of: Callable[..., tuple[Any, ...]], filed: Sequence[Version], site: Site, *, live: bool
) -> tuple[tuple[NihssScore, ...], tuple[Issue, ...]]:
    """Charted examinations and, where the site lets them count, those that reports tell of."""
    scores, issues = scores_from(of("Observation"), forms=of("QuestionnaireResponse"), live=live)
    if not site.scores_in_notes:
        return scores, issues
    read, read_issues = scores_in_text(standing_at(filed)[0])
    joined, said = with_text_scores(scores, read)
    return joined, (*issues, *read_issues, *said)


def _treatments(
    of: Callable[..., tuple[Any, ...]], stay: Stay | None, *, live: bool
) -> tuple[tuple[Treatment, ...], tuple[Issue, ...]]:
    """Procedures, drugs and the decisions that a site charts by codes of its own."""
    procedures, issues = procedures_from(of("Procedure"), stay, live=live)
    medications = {source_of(drug): drug for drug in of("Medication")}
    drugs, drug_issues = treatments_from(of(*_DRUGS), medications, stay, live=live)
    decisions = decisions_from(of("Observation"), stay, live=live)
    return (*procedures, *drugs, *decisions), (*issues, *drug_issues)


def seen_at(history: History, as_of: datetime) -> ClinicalSnapshot:
    """The part of a history that was available by ``as_of``; issues of later resources go too.

    Reports stand in their version of then. The end of a stay that lies ahead is not known yet.
    """

    def known(one: Fact) -> bool:
        return one.available is None or one.available <= as_of

    def kept(facts: Iterable[_T]) -> tuple[_T, ...]:
        return tuple(filter(known, facts))

    hidden = {fact.source for fact in _facts(history) if not known(fact)}
    hidden -= {version.report.source for version in history.filed if known(version.report)}
    reports, superseded = standing_at(history.filed, as_of)
    mrs, stay = history.pre_stroke_mrs, history.stay
    ahead = stay is not None and stay.end is not None and stay.end > as_of
    return ClinicalSnapshot(
        as_of=as_of,
        patient=history.patient,
        stay=replace(stay, end=None) if stay and ahead else stay,
        last_known_well=history.last_known_well,
        pre_stroke_mrs=mrs if mrs and known(mrs) else None,
        measurements=kept(history.measurements),
        nihss=kept(history.nihss),
        reports=reports,
        diagnoses=kept(history.diagnoses),
        treatments=kept(history.treatments),
        unanswered=history.unanswered,
        seen=history.seen,
        issues=(*(one for one in history.issues if one.source is None or one.source not in hidden), *superseded),
    )


def _facts(history: History) -> tuple[Fact, ...]:
    """Everything in a history that became available at a moment; a report in each of its versions."""
    filed = (version.report for version in history.filed)
    return (*history.measurements, *history.nihss, *filed, *history.diagnoses, *history.treatments)


def replayed(chart: RawChart, history: History, as_of: datetime, site: Site = DEFAULT_SITE) -> ClinicalSnapshot:
    """What was known at an earlier moment of a mapped history, each resource in its version of then.

    Mapped anew only where the chart holds several versions of something.
    """
    if has_versions(raws_of(chart)):
        return snapshot_from(chart, as_of, live=False, site=site)
    return seen_at(history, as_of)


def _by_type(resources: Sequence[Any]) -> Callable[..., tuple[Any, ...]]:
    def of(*kinds: str) -> tuple[Any, ...]:
        return tuple(resource for resource in resources if resource.get_resource_type() in kinds)

    return of


def _patient(found: Sequence[Any], chart: RawChart, moment: datetime) -> tuple[Patient, tuple[Issue, ...]]:
    if found:
        return patient_from(found[0], moment.astimezone(UTC))
    return Patient(chart.patient_id, None, None), (Issue("malformed", "Age and sex unknown: no readable Patient"),)

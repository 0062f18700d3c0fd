"""The mapped history of a simulated chart without FHIR: what the mappings would make of its resources.

Facts are built here with the mappings' own dataclasses, lags and text functions; a test holds every
row of data and every label equal to those that come through FHIR.
"""

from collections.abc import Iterator
from datetime import datetime

from fhir_mappings.chart import RawChart
from fhir_mappings.pipeline import History
from fhir_mappings.report_filed import Filed
from fhir_mappings.report_order import Version
from fhir_mappings.snapshot import (
    Diagnosis,
    Measurement,
    NihssScore,
    Patient,
    Report,
    Stay,
    Treatment,
    TreatmentState,
)
from fhir_mappings.text.decode import text_in, text_of
from fhir_mappings.windows import available_at
from models.simulation.drug_records import KINDS, drug_id, drug_records
from models.simulation.facts import HOME_H, Chart, DrugEntry
from models.simulation.observation_records import MRS_H
from models.simulation.records import REASON, born, frame_records, narrative, report_id, ward_end
from models.simulation.reports import WrittenReport
from models.simulation.stay import LOINC, minute_of
from models.training.cohort import latest_moment
from models.training.departures import departures_from
from models.training.labels import Outcome, outcome_of

_UNANSWERED = frozenset({"forms"})
_SEEN = frozenset({
    "patient", "encounters", "conditions", "procedures", "nihss", "labs", "vitals", "reports", "medications",
    "administrations",
})  # fmt: skip
_KEYS = {"Patient": "patient", "Encounter": "encounters", "Condition": "conditions", "Procedure": "procedures"}
_IN_STAY = frozenset({"given", "inpatient"})
_STATES: dict[str, TreatmentState] = {"completed": "done", "not-done": "not_done"}


def labeled_history(chart: Chart, *, read_text: bool = True) -> tuple[History, Outcome]:
    """The history of a chart and its label, as `models.training.labels.label_chart` gives them.

    Without ``read_text`` no report stands in the history. What ended the stay is read from its few
    FHIR resources, by the very function of training.
    """
    frame = _frame(chart)
    history = history_of(chart, _followed_until(chart, frame), read_text=read_text)
    return history, outcome_of(history, departures_from(frame, history))


def _frame(chart: Chart) -> RawChart:
    """The few resources that say how the stay went, under their query keys."""
    held: dict[str, list[dict[str, object]]] = {key: [] for key in _KEYS.values()}
    for record in frame_records(chart):
        held[_KEYS[record["resourceType"]]].append(record)
    held["medications"] = list(drug_records(chart))
    return RawChart(chart.stay.patient_id, {key: tuple(records) for key, records in held.items()})


def _followed_until(chart: Chart, frame: RawChart) -> datetime:
    """The last moment that the chart tells of."""
    values = (value.minute if value.issued is None else value.issued for value in chart.values)
    exams = (minute_of(exam.hours) for exam in chart.exams)
    reports = (minute_of(max(report.effective_h, report.issued_h)) for report in chart.stay.reports)
    return max(latest_moment(frame), chart.stay.at(max((*values, *exams, *reports, minute_of(MRS_H)))))


def history_of(chart: Chart, as_of: datetime, *, read_text: bool = True) -> History:
    """Everything that the chart holds, mapped and not yet cut by time."""
    stay = chart.stay
    return History(
        as_of=as_of,
        patient=_patient(chart),
        stay=_stay(chart),
        last_known_well=stay.at(minute_of(-stay.course.delay_h)) if stay.onset_charted else None,
        pre_stroke_mrs=_pre_stroke_mrs(chart),
        measurements=_measurements(chart),
        nihss=scores_of(chart),
        diagnoses=tuple(_diagnoses(chart)),
        treatments=(*_procedures(chart), *_drugs(chart)),
        unanswered=_UNANSWERED,
        seen=_SEEN,
        filed=tuple(_versions(chart)) if read_text else (),
    )


def _patient(chart: Chart) -> Patient:
    person = chart.stay.person
    birth = born(chart.stay).date().isoformat()
    return Patient(chart.stay.patient_id, int(person.values["age"]), "male" if person.has("male") else "female", birth)


def _stay(chart: Chart) -> Stay:
    stay = chart.stay
    names = ("e1", "e0") if chart.admitted else ("e1",)
    encounters = tuple(f"Encounter/{stay.id_of(name)}" for name in names)
    return Stay(stay.t0, encounters, stay.at(ward_end(chart)), (REASON,))


def _pre_stroke_mrs(chart: Chart) -> Measurement | None:
    if chart.mrs is None:
        return None
    at, source = chart.stay.at(minute_of(MRS_H)), f"Observation/{chart.stay.id_of('mrs')}"
    available = available_at("labs", at, None, live=False)
    return Measurement("pre_stroke_mrs", float(chart.mrs), "1", at, available, source, str(chart.mrs))


def _measurements(chart: Chart) -> tuple[Measurement, ...]:
    """All plausible values, oldest first."""
    found, stay = [], chart.stay
    for what, form, sent, minute, issued in chart.values:
        value, (low, high) = form.read(sent), form.plausible
        if low <= value <= high:
            at = stay.at(minute)
            known = None if issued is None else stay.at(issued)
            available = available_at("vitals" if known is None else "labs", at, known, live=False)
            source, as_sent = f"Observation/{stay.id_of(what)}", f"{sent} {form.unit}"
            found.append(Measurement(form.analyte, value, form.canonical, at, available, source, as_sent))
    return tuple(sorted(found, key=lambda one: (one.effective, one.source)))


def scores_of(chart: Chart) -> tuple[NihssScore, ...]:
    """Every charted NIHSS, oldest first."""
    moments = [chart.stay.at(minute_of(exam.hours)) for exam in chart.exams]
    return tuple(
        NihssScore(at, at, exam.total, exam.items, f"Observation/{chart.stay.id_of(f'n{number}')}")
        for number, (at, exam) in enumerate(zip(moments, chart.exams, strict=True))
    )


def _diagnoses(chart: Chart) -> Iterator[Diagnosis]:
    stay = chart.stay
    for entry in chart.entries:
        if entry.kind is None:
            continue
        stroke, source = entry.what == "stroke", f"Condition/{stay.id_of(entry.what)}"
        onset = stay.at(minute_of(-stay.course.delay_h)) if stroke and stay.onset_charted else None
        in_stay = True if stroke else None
        yield Diagnosis(entry.kind, entry.text, source, in_stay, onset, stay.at(entry.recorded))


def _procedures(chart: Chart) -> Iterator[Treatment]:
    for done in chart.done:
        if done.kind is not None:
            at, source = chart.stay.at(done.minute), f"Procedure/{chart.stay.id_of(done.what)}"
            available = available_at("procedures", at, None, live=False)
            yield Treatment(done.kind, _STATES[done.status], done.text, source, at, available)


def _drugs(chart: Chart) -> Iterator[Treatment]:
    """Home drugs are known from arrival on, or when they were asked for."""
    stay = chart.stay
    for number, drug in enumerate(chart.drugs):
        at = stay.at(drug.minute)
        known = available_at("drugs", at, None, live=False)
        state = _state(drug)
        always = state == "before_admission" and known <= stay.t0
        source = f"{KINDS.get(drug.form, 'MedicationRequest')}/{stay.id_of(drug_id(number))}"
        began = stay.at(minute_of(HOME_H)) if drug.form == "statement" else at
        yield Treatment(drug.kind, state, drug.text, source, began, None if always else known)


def _state(drug: DrugEntry) -> TreatmentState:
    if drug.kind == "thrombolysis":
        return "done"
    return "in_stay" if drug.form in _IN_STAY else "before_admission"


def _versions(chart: Chart) -> Iterator[Version]:
    """The reports as they were filed; each text goes through the reader of its form."""
    stay = chart.stay
    for number, report in enumerate(stay.reports):
        effective, issued = stay.at(minute_of(report.effective_h)), stay.at(minute_of(report.issued_h))
        source = f"DiagnosticReport/{stay.id_of(report_id(report, number))}"
        filed = _filed(report, source, effective, issued)
        available = available_at("reports", effective, issued, live=False)
        yield Version(filed, Report(report.title[:120], _read(chart, report), effective, available, source))


def _read(chart: Chart, report: WrittenReport) -> str:
    if chart.text_form == "attachment":
        return text_of("text/plain", report.text.encode())
    return text_in(narrative(report.text) if chart.text_form == "narrative" else report.text)


def _filed(report: WrittenReport, source: str, effective: datetime, issued: datetime) -> Filed:
    return Filed(
        resource=None, source=source, status="final", title=report.title, imaging=True, effective=effective,
        charted=effective, doubt=None, issued=issued, codes=frozenset({f"{LOINC}|{report.loinc}"}),
        name=report.title.lower(), identifiers=frozenset(),
    )  # fmt: skip

"""Rows of data of a simulated cohort without FHIR: for sets that are too large to write and read back.

The way from chart to row is the mappings' own but for the resources in between; texts are read by the
mappings' functions, each sentence once. A test holds rows and labels equal to those through FHIR.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import cast

from fhir_mappings.end_rule import EndState, motor_score
from fhir_mappings.features import FeatureTable, reports_of_stay
from fhir_mappings.inputs import Assertion, Finding, ModelInputs, Section, Sentence
from fhir_mappings.pipeline import seen_at
from fhir_mappings.report_order import newest_final_first
from fhir_mappings.snapshot import ClinicalSnapshot, NihssScore, Report
from fhir_mappings.text.findings import read_findings
from fhir_mappings.text.sections import sentences_of
from models.notes import Note
from models.simulation.facts import Chart
from models.simulation.history import labeled_history
from models.simulation.reports import Stated
from models.simulation.stay import minute_of
from models.training.dataset import StayRows, rows_of_history

_NO_TIME = datetime.min.replace(tzinfo=UTC)


def direct_rows(
    chart: Chart, features: FeatureTable, hours: Sequence[float] | None = None, *, read_text: bool = True
) -> StayRows:
    """The rows of one chart, as `models.training.dataset.rows_of` gives them through FHIR.

    Without ``read_text`` they hold neither sentences nor findings: `stated_at` tells what the reports state.
    """
    history, outcome = labeled_history(chart, read_text=read_text)
    reports: dict[datetime, tuple[Report, ...]] = {}

    def at(moment: datetime) -> ClinicalSnapshot:
        """What was known then; the reports are set aside, to be read with all others of their wording."""
        snapshot = seen_at(history, moment)
        reports[moment] = newest_final_first(reports_of_stay(snapshot))
        return replace(snapshot, reports=(), nihss=_telling(snapshot.nihss, outcome.end_state))

    found = rows_of_history(chart.stay.patient_id, history, outcome, at, features, hours=hours)
    if not read_text:
        return found
    rows = tuple((_with_text(inputs, _read(reports[inputs.as_of])), target) for inputs, target in found.rows)
    return replace(found, rows=rows)


def _telling(scores: Sequence[NihssScore], state: EndState | None) -> tuple[NihssScore, ...]:
    """The scores that inputs are made of: the baseline, the latest, and the latest with all motor items.

    The END rule need not judge all others once more for every feature. Without the baseline, all of them.
    """
    baseline = state.baseline if state else None
    if not scores or scores[0] is not baseline:
        return tuple(scores)
    motor = next((one for one in reversed(scores) if motor_score(one) is not None), scores[0])
    return tuple(one for one in scores if one is scores[0] or one is motor or one is scores[-1])


def _with_text(inputs: ModelInputs, text: Note) -> ModelInputs:
    return replace(inputs, sentences=text.sentences, findings=text.findings)


@lru_cache(maxsize=64)
def _read(reports: tuple[Report, ...]) -> Note:
    """The sentences of reports and their findings; rows of one stay mostly share theirs."""
    sentences = [sentence for report in reports for sentence in _cut(report)]
    findings = (
        replace(finding, sentence=place)
        for place, one in enumerate(sentences)
        for finding in _findings_in(one.text, one.section)
    )
    return Note(tuple(sentences), tuple(findings))


@lru_cache(maxsize=64)
def _cut(report: Report) -> tuple[Sentence, ...]:
    return sentences_of((report,))


@lru_cache(maxsize=200_000)
def _findings_in(text: str, section: Section) -> tuple[Finding, ...]:
    """The findings of one sentence, which many reports share."""
    return read_findings((Sentence(text, section, "", _NO_TIME),))


def issued_by(chart: Chart, as_of: datetime) -> tuple[int, ...]:
    """The numbers of the reports that were issued by then."""
    stay = chart.stay
    ends = ((number, max(one.issued_h, one.effective_h)) for number, one in enumerate(stay.reports))
    return tuple(number for number, hours in ends if stay.at(minute_of(hours)) <= as_of)


def stated_text(chart: Chart, numbers: Sequence[int]) -> Note:
    """What these reports state by the truth; one sentence a report stands for its text."""
    stay, there = chart.stay, [chart.stay.reports[number] for number in numbers]
    sentences = [Sentence(one.text, "findings", one.modality, stay.at(minute_of(one.effective_h))) for one in there]
    findings = [_as_finding(one, place) for place, report in enumerate(there) for one in report.stated]
    return Note(tuple(sentences), tuple(findings))


def _as_finding(one: Stated, place: int) -> Finding:
    return Finding(one.finding, cast(Assertion, one.assertion), place, site=one.site, grade=one.grade, value=one.value)

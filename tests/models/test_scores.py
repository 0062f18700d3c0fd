"""Published scores: every row of their tables, boundaries included, and one example each by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from fhir_mappings.inputs import Finding
from fhir_mappings.snapshot import (
    ClinicalSnapshot,
    Diagnosis,
    Measurement,
    NihssScore,
    Patient,
    Report,
    Stay,
    Treatment,
)
from models.scores import dash, published_scores, sedan, thrive
from models.scores.result import first_glucose_mg_dl
from tests.models.inputs_builder import T0, finding, inputs, sentence

SEEN = frozenset({"patient", "encounters", "conditions", "procedures"})


def snapshot(
    nihss: int | None = 12, age: int | None = 80, glucose: float | None = 150, **more: object
) -> ClinicalSnapshot:  # fmt: skip
    """A patient at hour 6 with hypertension and diabetes."""
    scores = () if nihss is None else (NihssScore(T0, T0, nihss, {}, "Observation/n"),)
    values = () if glucose is None else (Measurement("glucose", glucose, "mg/dL", T0, T0, "Observation/g", ""),)
    known = [Diagnosis("hypertension", "HTN", "Condition/h"), Diagnosis("diabetes", "DM", "Condition/d")]
    held = {
        "as_of": T0 + timedelta(hours=6), "patient": Patient("p1", age, "female"), "stay": Stay(T0, ("Encounter/e",)),
        "nihss": scores, "measurements": values, "diagnoses": tuple(known), "seen": SEEN,
    }  # fmt: skip
    return ClinicalSnapshot(**(held | more))  # type: ignore[arg-type]


SIGNS = inputs(
    sentences=[sentence("Dense MCA."), sentence("No early change.")],
    findings=[finding("hyperdense_artery"), finding("early_ischemic_change", "absent", 1)],
)
GIVEN = (Treatment("thrombolysis", "done", "alteplase", "MedicationAdministration/a"),)


@pytest.mark.parametrize(("nihss", "points"), [(0, 0), (10, 0), (11, 2), (20, 2), (21, 4), (42, 4)])
def test_thrive_nihss_rows(nihss: int, points: int):
    """<= 10: 0; 11 to 20: 2; >= 21: 4."""
    assert points == thrive.nihss_points(nihss)


@pytest.mark.parametrize(("age", "points"), [(18, 0), (59, 0), (60, 1), (79, 1), (80, 2), (101, 2)])
def test_thrive_age_rows(age: int, points: int):
    """<= 59: 0; 60 to 79: 1; >= 80: 2."""
    assert points == thrive.age_points(age)


@pytest.mark.parametrize("kind", ["hypertension", "diabetes", "atrial_fibrillation"])
def test_thrive_history_rows(kind: str):
    """Each of the three diagnoses is one point."""
    with_it = snapshot(5, 50, diagnoses=(Diagnosis(kind, kind, "Condition/x"),))  # type: ignore[arg-type]
    assert 1 == thrive.score(with_it, inputs()).points
    assert 0 == thrive.score(snapshot(5, 50, diagnoses=()), inputs()).points


def test_thrive_by_hand():
    """NIHSS 12 (2), 80 years (2), hypertension (1), diabetes (1): 6, the poor group."""
    found = thrive.score(snapshot(), inputs())
    assert 6 == found.points
    assert "56.4 %" in found.means
    assert "not END" in found.means


@pytest.mark.parametrize(("total", "words"), [(2, "64.7 %"), (3, "between"), (5, "between"), (6, "10.6 %")])
def test_thrive_groups(total: int, words: str):
    """Outcomes are published for 0-2 and 6-9 only; between them nothing is made up."""
    nihss, age = {2: (12, 50), 3: (12, 60), 5: (21, 60), 6: (21, 80)}[total]
    found = thrive.score(snapshot(nihss, age, diagnoses=()), inputs())
    assert total == found.points
    assert words in found.means


def test_a_history_that_was_not_answered_is_missing():
    """A failed Condition query is unknown, never no hypertension."""
    found = thrive.score(snapshot(diagnoses=(), unanswered=frozenset({"conditions"})), inputs())
    assert found.points is None
    assert ("history of hypertension", "history of diabetes", "history of atrial fibrillation") == found.missing
    assert "not computable" in found.text


@pytest.mark.parametrize(("mmol", "points"), [(4.0, 0), (8.0, 0), (8.1, 1), (12.0, 1), (12.1, 2), (30.0, 2)])
def test_sedan_glucose_rows(mmol: float, points: int):
    """<= 8.0 mmol/L: 0; 8.1 to 12.0: 1; > 12.0: 2."""
    assert points == sedan.glucose_points(mmol)


@pytest.mark.parametrize(("age", "points"), [(75, 0), (76, 1)])
def test_sedan_age_rows(age: int, points: int):
    """Above 75: 1."""
    assert points == sedan.age_points(age)


@pytest.mark.parametrize(("nihss", "points"), [(9, 0), (10, 1)])
def test_sedan_nihss_rows(nihss: int, points: int):
    """From 10: 1."""
    assert points == sedan.nihss_points(nihss)


def test_sedan_by_hand():
    """Glucose 150 mg/dL = 8.3 mmol/L (1), no early sign (0), dense artery (1), 80 years (1), NIHSS 12 (1): 4."""
    found = sedan.score(snapshot(treatments=GIVEN), SIGNS)
    assert 4 == found.points
    assert "21.7 %" in found.means


@pytest.mark.parametrize("total", range(7))
def test_sedan_rates(total: int):
    """The published rate of each total; 5 and more share one."""
    rates = ("1.4 %", "2.9 %", "8.5 %", "12.2 %", "21.7 %", "33.3 %", "33.3 %")
    assert rates[total] in sedan.MEANS[total]


def test_sedan_needs_thrombolysis_and_read_signs():
    """Without thrombolysis and without a report the score is not computable, and says what is missing."""
    found = sedan.score(snapshot(glucose=None), inputs())
    assert ("intravenous thrombolysis", "glucose", "early infarct signs", "hyperdense artery") == found.missing


@pytest.mark.parametrize(("aspects", "points"), [(0, 1), (3, 1), (4, 0), (10, 0)])
def test_dash_aspects_rows(aspects: float, points: int):
    """DWI-ASPECTS of 3 or less: 1."""
    assert points == dash.aspects_points(aspects)


@pytest.mark.parametrize(("mg_dl", "points"), [(144.9, 0), (145.0, 1), (300.0, 1)])
def test_dash_glucose_rows(mg_dl: float, points: int):
    """From 145 mg/dL: 1."""
    assert points == dash.glucose_points(mg_dl)


@pytest.mark.parametrize(("total", "rate"), [(0, "9.1 %"), (1, "20.5 %"), (2, "63.0 %"), (3, "96.8 %"), (4, "96.8 %")])
def test_dash_rates(total: int, rate: str):
    """The published rate of each total; 3 and 4 share one."""
    assert rate in dash.MEANS[total]


def mri(title: str) -> tuple[str, ...]:
    """What DASH misses when its imaging stands in a report of that title."""
    found: list[Finding] = [finding("aspects", value=3.0), finding("hyperdense_artery")]
    row = inputs(sentences=[sentence("ASPECTS 3, vessel sign.")], findings=found)
    chart = snapshot(reports=(Report(title, "text", T0, T0, "DiagnosticReport/r1"),))
    return dash.score(chart, row).missing


def test_dash_takes_its_imaging_from_mri_only():
    """A CT's ASPECTS is another scale: only an MRI report's counts; ACA involvement is never guessed."""
    territory = "ACA territory involvement (not read from reports)"
    assert (territory,) == mri("MRI brain")
    assert ("DWI-ASPECTS", territory, "M1 susceptibility vessel sign") == mri("CT head")


def test_the_first_glucose_counts():
    """Admission scores take the earliest value."""
    later = datetime(2026, 3, 3, tzinfo=UTC)
    values = tuple(Measurement("glucose", v, "mg/dL", t, t, "Observation/g", "") for v, t in ((200, later), (100, T0)))
    assert 100 == first_glucose_mg_dl(snapshot(measurements=values))


def test_all_scores_are_shown_and_none_as_end():
    """Three scores in order, each with its source; nothing claims to predict END."""
    found = published_scores(snapshot(treatments=GIVEN), SIGNS)
    assert ["THRIVE", "SEDAN", "DASH"] == [one.name for one in found]
    assert all(one.source for one in found)
    assert all("not END" in one.means for one in found if one.points is not None)

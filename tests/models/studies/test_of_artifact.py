"""`endwatch evaluate`: what is tested, beside whom, and what the documents say first."""

import json
from pathlib import Path

import pytest

from models.artifact import DEFAULT_ARTIFACT, read_artifact
from models.comparators import COMPARATORS
from models.evaluation.plan import Plan
from models.simulation.cohort import simulate
from models.studies.of_artifact import evaluate_artifact

PLAN = Plan(landmarks_h=(6.0, 24.0), draws=20)


def quiet(_title: str):
    """No progress is shown."""
    return lambda _done, _total: None


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    """A small simulated cohort in FHIR."""
    folder = tmp_path_factory.mktemp("cohort")
    simulate(110, 7, "a", folder)
    return folder


@pytest.mark.slow
def test_another_cohort_is_tested_whole_and_its_own_by_the_test_split(cohort: Path, tmp_path: Path):
    """Elsewhere the artifact stands alone on every stay; at home it meets its opponents on the test stays."""
    every = evaluate_artifact(DEFAULT_ARTIFACT, cohort, tmp_path / "every", quiet, plan=PLAN)
    name = read_artifact(DEFAULT_ARTIFACT).identity.name
    assert [name] == list(every["models"])
    about = json.dumps(dict(read_artifact(DEFAULT_ARTIFACT).manifest["cohort"]))
    (cohort / "cohort.json").write_text(about, "utf-8")
    part = evaluate_artifact(DEFAULT_ARTIFACT, cohort, tmp_path / "part", quiet, plan=PLAN)
    assert [name, *COMPARATORS] == list(part["models"])
    assert 0 < part["n_admissions"] < every["n_admissions"]
    written = json.loads((tmp_path / "every" / "evaluation.json").read_text("utf-8"))
    assert json.loads(json.dumps(every)) == written
    assert "say nothing about real patients" in (tmp_path / "part" / "report.html").read_text("utf-8")


def test_without_truth_there_is_no_figure_against_the_true_event(cohort: Path, tmp_path: Path):
    """A hospital's folder has no truth: the document says that it is not known, and has no schedules."""
    real = tmp_path / "real"
    real.mkdir()
    for path in cohort.glob("*.ndjson"):
        (real / path.name).write_bytes(path.read_bytes())
    found = evaluate_artifact(DEFAULT_ARTIFACT, real, tmp_path / "out", quiet, plan=PLAN)
    (model,) = found["models"].values()
    assert model["event_truth"]["value"] is None
    assert {} == model["schedules"]

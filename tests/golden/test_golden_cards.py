"""What each demo patient's card says, word for word, from the shipped model: reviewed as text."""

from pathlib import Path

import pytest

from cds_service.app import create_app
from cds_service.cli import as_text
from cds_service.demo.patients import DemoPatient, as_of, demo_patient, demo_patients, request_for
from cds_service.demo.replay import replay
from cds_service.hooks.services import SERVICE_ID
from cds_service.settings import Settings
from models.prediction import Predicts

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def model() -> Predicts:
    """The shipped model."""
    from models.predictor import load_predictor

    return load_predictor()


@pytest.mark.parametrize("patient", demo_patients(), ids=lambda patient: patient.id)
def test_a_card_says_what_it_said(request: pytest.FixtureRequest, model: Predicts, patient: DemoPatient):
    """Rewritten by ``--write-goldens`` only."""
    golden, text = FOLDER / f"{patient.id}.txt", as_text(replay(patient.id, predictor=model)) + "\n"
    if request.config.getoption("--write-goldens"):
        golden.write_text(text, "utf-8")
    assert golden.read_text("utf-8") == text


@pytest.mark.parametrize(
    "name", ["flagged", "missing-labs", "end-charted", "occlusion", "contradiction", "thrombolysis", "not-coded"]
)
def test_a_german_card_says_what_it_said(request: pytest.FixtureRequest, model: Predicts, name: str):
    """With day and month; rewritten by ``--write-goldens`` only."""
    patient = demo_patient(name)
    moment, settings = as_of(patient.bundle), Settings(mode="demo", card_language="de", date_form="day-month")
    app = create_app(settings, predictor=model, clock=lambda: moment, live=False)
    answer = app.test_client().post(f"/cds-services/{SERVICE_ID}", json=request_for(patient, patient.bundle))
    golden, text = FOLDER / f"{patient.id}.de.txt", as_text(answer.get_json()) + "\n"
    if request.config.getoption("--write-goldens"):
        golden.write_text(text, "utf-8")
    assert golden.read_text("utf-8") == text

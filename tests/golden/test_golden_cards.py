"""What each demo patient's card says, word for word, from the shipped model: reviewed as text."""

from pathlib import Path

import pytest

from cds_service.cli import as_text
from cds_service.demo.patients import DemoPatient, demo_patients
from cds_service.demo.replay import replay
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

"""Training as a command: the config, the split, what is refused, and an artifact with its figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.calibrate import Calibration
from models.design import design_as_json
from models.errors import ArtifactError
from models.prediction import Prediction
from models.predictor import load_predictor
from models.simulation.cohort import simulate
from models.training.calibrated import APART, FEWEST_APART, OUT_OF_FOLD, trained_and_calibrated
from models.training.cohort import CohortError
from models.training.figures import risks_of
from models.training.split import SHARES, part_of
from models.training.train import _refuse_held_out, read_config, train, trained_on
from models.training.write import READER_FILES
from tests.models.inputs_builder import inputs, sentence
from tests.models.trained import CONFIG, SMALL, config, quick_config, table, trained, untrained_reader

QUICK = replace(SMALL, heads=2, ridges=(100.0,), axes=0)


def test_all_rows_of_a_stay_fall_into_one_part():
    """The part depends on stay and seed only, and all parts are used about as announced."""
    parts = [part_of(f"stay-{number}", 1) for number in range(4000)]
    assert parts[:50] == [part_of(f"stay-{number}", 1) for number in range(50)]
    shares = {name: parts.count(name) / 4000 for name, _ in SHARES}
    assert dict(SHARES) == pytest.approx(shares, abs=0.03)


def test_another_seed_splits_differently():
    """The seed matters."""
    stays = [f"stay-{number}" for number in range(100)]
    assert [part_of(stay, 1) for stay in stays] != [part_of(stay, 2) for stay in stays]


def test_the_config_is_read_whole():
    """Grids, the deep part's own table, modalities and the budget stand as they are written."""
    held = read_config(CONFIG)
    assert all(isinstance(one, float) for one in (*held.fit.ridges, *held.fit.bends, held.alert_budget))
    assert sorted(held.fit.ridges) == list(held.fit.ridges)
    assert ["vital_signs", "laboratory", "nihss_course", "history"] == [one.id for one in held.design.modalities]
    members = held.design.members
    assert (len(held.design.modalities), len(held.design.features)) == members.shape
    assert members.sum(0).max() == 1  # no feature is in two
    assert {"age", "female", "nihss_baseline"} <= {
        name for name, count in zip(held.design.features, members.sum(0).tolist(), strict=True) if count == 0
    }  # what every patient has speaks for itself


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        ('"d_dimer"', '"ddimer"', ValueError, "ddimer"),
        ('"spo2_latest",\n]', '"spo3_latest",\n]', ValueError, "spo3_latest"),
        ("axes = 4", "axis = 4", TypeError, "axis"),
        ("epochs = 12", "epoch = 12", TypeError, "epoch"),
        ("ridges = ", "ridge = ", KeyError, "ridges"),
    ],
)
def test_a_misspelt_config_is_refused(tmp_path: Path, old: str, new: str, error: type[Exception], said: str):
    """The word is named."""
    path, text = tmp_path / "odd.toml", CONFIG.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(error, match=said):
        read_config(path)


def test_a_folder_without_a_cohort_is_refused(tmp_path: Path):
    """Nothing is written where there is nothing to train on."""
    reader = untrained_reader(tmp_path / "reader")
    with pytest.raises(CohortError, match="holds no Patient"):
        train(CONFIG, tmp_path, tmp_path / "out", reader=reader)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_reader_is_refused(tmp_path: Path):
    """Before any chart is read."""
    with pytest.raises(ArtifactError, match=r"holds no reader\.json"):
        train(CONFIG, tmp_path, tmp_path / "out", reader=tmp_path)


@pytest.mark.slow
def test_a_cohort_becomes_an_artifact_that_answers(tmp_path: Path):
    """From FHIR to a folder that loads, reproduces its goldens and has the reader's own files in it."""
    simulate(150, 7, "a", tmp_path / "cohort")
    reader = untrained_reader(tmp_path / "reader")
    train(quick_config(tmp_path), tmp_path / "cohort", tmp_path / "out", reader=reader)
    held = load_predictor(tmp_path / "out")
    assert "simulated" == held.identity.training_population
    assert isinstance(held.predict(inputs(sentences=[sentence("Hyperdense left MCA sign.")])), Prediction)
    for name in READER_FILES:
        assert (reader / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_held_out_wording_is_not_for_training(tmp_path: Path):
    """A cohort written in it is refused by what it says of itself; any other, and a hospital's, is not."""
    _refuse_held_out(tmp_path)
    (tmp_path / "cohort.json").write_text('{"phrasing": "training"}', "utf-8")
    _refuse_held_out(tmp_path)
    (tmp_path / "cohort.json").write_text('{"phrasing": "held-out"}', "utf-8")
    with pytest.raises(CohortError, match="held-out phrases are for evaluation"):
        _refuse_held_out(tmp_path)


def test_a_small_calibration_split_trains_too():
    """Below the limit its rows are answered out of fold like the others; above it by a network that never saw them."""
    rows, few = table(120), table(60, seed=1)
    _, small = trained_and_calibrated(rows, few, config().design.terms, QUICK, 25.0)
    assert (OUT_OF_FOLD, len(rows) + len(few)) == (small.split, small.stages[0].rows)
    many = table(FEWEST_APART * 2, seed=1)
    _, large = trained_and_calibrated(rows, many, config().design.terms, QUICK, 25.0)
    assert (APART, len(rows) + len(many)) == (large.split, large.stages[0].rows)
    assert (len(rows) + len(few), len(many)) == tuple(_known(one) for one in (small, large))


def _known(calibration: Calibration) -> int:
    """The rows with a known outcome on which the thresholds were set; here all are known."""
    return int(calibration.figures["rows"])


def test_the_budget_holds_on_the_rows_it_was_set_on():
    """A quarter of the calls at each hour is flagged there; the figure says so."""
    many = table(FEWEST_APART * 2, seed=1)
    found, calibration = trained_and_calibrated(table(120), many, config().design.terms, QUICK, 25.0)
    risks, hours = risks_of(found.net, calibration.stages, many), many.targets.start.numpy()
    for hour in (1.0, 24.0, 72.0):
        at = np.abs(hours - hour) < 1e-3
        assert 0.25 == pytest.approx((risks[at] >= calibration.threshold_at(hour)).mean(), abs=0.01)
    assert 25.0 == pytest.approx(calibration.figures["flagged_per_100"], abs=1.0)


def test_recalibrated_risks_hold_on_average():
    """On the rows of the calibration the mean risk is the share of END among those whose outcome is known."""
    many = table(FEWEST_APART * 2, seed=1)
    found, calibration = trained_and_calibrated(table(120), many, config().design.terms, QUICK, 25.0)
    risks, outcome = risks_of(found.net, calibration.stages, many), many.outcomes()
    assert np.nanmean(outcome) == pytest.approx(risks[~np.isnan(outcome)].mean(), abs=0.03)


def test_what_training_found_is_told():
    """Counts of all parts, the ablation, how often no number is given, and what folds chose."""
    held = trained()
    assert {"train", "calibration", "test"} == set(held.evaluation["counts"])
    assert "test split" == held.evaluation["split"]
    assert {"structured only", "structured + findings"} == set(held.evaluation["ablation"])
    assert held.evaluation["ablation"]["structured only"]["auc_gain_over_structured"]["value"] == 0
    assert 0 <= held.evaluation["abstention"]["share"]["value"] < 0.1
    assert {"ridge", "bend", "axes", "epochs"} == set(held.manifest["choice"])
    assert 0 < held.manifest["effective_parameters"] < held.net.shape.columns
    assert {"sd", "spread"} == set(held.manifest["reach"])


def test_findings_are_worth_something_here():
    """The hyperdense artery is half of the truth: with reports the test stays are ranked better."""
    found = trained().evaluation["ablation"]["structured + findings"]
    assert found["auc_gain_over_structured"]["value"] > 0


def test_a_part_without_rows_is_refused():
    """Two stays cannot be split in three."""
    with pytest.raises(ValueError, match="too small: no row in the"):
        trained_on(table(2), config(QUICK), {})


def test_training_twice_gives_the_same_weights_and_figures():
    """All that is written depends on rows and config alone."""
    one, two = (trained_on(table(150), config(QUICK), {"world": "test"}) for _ in range(2))
    assert all(torch.equal(tensor, two.net.state_dict()[name]) for name, tensor in one.net.state_dict().items())
    assert one.calibration == two.calibration
    assert one.evaluation == two.evaluation
    assert design_as_json(one.design) == design_as_json(two.design)

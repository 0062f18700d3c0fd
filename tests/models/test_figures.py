"""Figures: right on hand-worked data, honest about simulated patients, stays kept together."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.artifact import DEFAULT_ARTIFACT, read_artifact
from models.simulation.cohort import simulate
from models.training.evaluate import LANDMARKS_H, SIMULATED, evaluate, evaluate_table, figures, risks_of
from models.training.metrics import auc, auc_gain, bootstrap, brier, calibration_line
from tests.models.trained import table, trained

OUTCOME = np.array([1.0, 0.0, 1.0, 0.0, 0.0])
RISK = np.array([0.9, 0.2, 0.4, 0.4, 0.1])


def test_auc_worked_by_hand():
    """Six pairs: five won, one tied."""
    assert 5.5 / 6 == pytest.approx(auc(OUTCOME, RISK))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.3, 0.5, 0.7])), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_won(rows: list[tuple[bool, float]]):
    """The rank form equals counting every pair, ties half."""
    outcome, risk = np.array([float(o) for o, _ in rows]), np.array([r for _, r in rows])
    pairs = [(a > b) + (a == b) / 2 for a in risk[outcome == 1] for b in risk[outcome == 0]]
    expected = float(np.mean(pairs)) if pairs else None
    assert expected == pytest.approx(auc(outcome, risk))


def test_brier_worked_by_hand():
    """The mean of the squared differences."""
    assert (0.01 + 0.04 + 0.36 + 0.16 + 0.01) / 5 == pytest.approx(brier(OUTCOME, RISK))


def test_perfect_risks_have_slope_one():
    """Outcomes drawn from the risks themselves: intercept about 0, slope about 1; doubled log-odds: 0.5."""
    rng = np.random.default_rng(0)
    logit = rng.normal(-1, 1, 20000)
    outcome = (rng.random(20000) < 1 / (1 + np.exp(-logit))).astype(float)
    assert (0, 1) == pytest.approx(calibration_line(outcome, 1 / (1 + np.exp(-logit))), abs=0.06)
    line = calibration_line(outcome, 1 / (1 + np.exp(-2 * logit)))
    assert line is not None
    assert 0.5 == pytest.approx(line[1], abs=0.04)


def test_one_kind_of_outcome_has_no_figures():
    """Without both kinds there is no AUC and no line, rather than a number."""
    assert auc(np.zeros(3), RISK[:3]) is None
    assert calibration_line(np.ones(3), RISK[:3]) is None


@pytest.mark.parametrize(
    ("outcome", "risk", "said"),
    [
        ([0.5], [0.1], "0 or 1, not 0.5"),
        ([1.0], [1.2], "probability, not 1.2"),
        ([1.0, 0.0], [0.1], "2 outcomes for 1 risks"),
    ],
)
def test_wrong_input_is_refused_with_its_value(outcome: list[float], risk: list[float], said: str):
    """The offending value stands in the message."""
    with pytest.raises(ValueError, match=said):
        auc(np.array(outcome), np.array(risk))


def test_the_bootstrap_draws_whole_stays():
    """Ten copies of each row of a stay add no information: the interval stays as wide."""
    rng = np.random.default_rng(1)
    risk = rng.random(80)
    outcome = (rng.random(80) < risk).astype(float)
    stays = [f"p{number}" for number in range(80)]
    single = bootstrap(lambda rows: auc(outcome[rows], risk[rows]), stays)
    many_outcome, many_risk = np.repeat(outcome, 10), np.repeat(risk, 10)
    copied = bootstrap(lambda rows: auc(many_outcome[rows], many_risk[rows]), list(np.repeat(stays, 10)))
    assert single is not None
    assert copied is not None
    assert single[1] - single[0] == pytest.approx(copied[1] - copied[0], abs=0.05)


def test_the_gain_is_the_difference_in_auc():
    """Against a constant risk the gain is what the AUC exceeds one half by."""
    gained = auc_gain(OUTCOME, RISK, np.full(5, 0.5))
    assert 5.5 / 6 - 0.5 == pytest.approx(gained)


def test_censored_rows_are_left_out_and_counted():
    """A row without known outcome enters no figure, and the count says so."""
    rows = table(60, seed=5)
    targets = rows.targets
    targets.until[0], targets.event[0] = 30.0, False
    found = figures(risks_of(trained().net, rows), rows, draws=20)
    assert 1 == found["censored_rows_left_out"]
    assert len(rows) - 1 == found["rows"]


def test_the_evaluation_says_what_it_is_worth():
    """Simulated figures open with the sentence that they say nothing of real patients; by landmark too."""
    found = evaluate_table(trained().net, table(150, seed=5), "simulated")
    assert SIMULATED == found["statement"]
    assert "say nothing about real patients" in found["statement"]
    assert {"1", "24", "72"} == set(found["by_landmark_hour"])
    assert {1.0, 24.0, 72.0} < set(LANDMARKS_H)


def test_a_trained_network_beats_chance_on_new_stays():
    """On a fresh draw of the same small world the AUC is well above one half, its interval around it."""
    rows = table(300, seed=6)
    found = figures(risks_of(trained().net, rows), rows)["auc"]
    assert 0.65 < found["value"]
    assert found["interval_95"][0] < found["value"] < found["interval_95"][1]


def test_only_the_test_split_of_the_training_cohort_counts(tmp_path: Path):
    """Another cohort counts in full; one that says it is the training cohort, by its test stays only."""
    simulate(15, 7, "a", tmp_path)
    every = evaluate(DEFAULT_ARTIFACT, tmp_path, tmp_path / "evaluation.json")
    assert every == json.loads((tmp_path / "evaluation.json").read_text("utf-8"))
    (tmp_path / "cohort.json").write_text(json.dumps(read_artifact(DEFAULT_ARTIFACT).manifest["cohort"]), "utf-8")
    part = evaluate(DEFAULT_ARTIFACT, tmp_path)
    assert ("another cohort, all of it", "test split") == (every["split"], part["split"])
    assert 0 < part["all_rows"]["stays"] < every["all_rows"]["stays"]

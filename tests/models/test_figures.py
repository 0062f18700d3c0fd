"""The figures of an artifact: censored rows left out, honest about simulated patients."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.evaluation.metrics import auc
from models.evaluation.rows import Floats
from models.predictor import HORIZON_H
from models.training.figures import LANDMARKS_H, SIMULATED, at_landmark, evaluate_table, figures, gain, risks_of
from models.training.table import Table
from tests.models.trained import table, trained


def risks(rows: Table) -> Floats:
    """The small network's risks, recalibrated."""
    return risks_of(trained().net, trained().calibration.stages, rows)


def test_censored_rows_are_left_out_and_counted():
    """A row without known outcome enters no figure, and the count says so."""
    rows = table(60, seed=5)
    targets = rows.targets
    targets.until[0], targets.event[0] = 30.0, False
    found = figures(risks(rows), rows, draws=20)
    assert 1 == found["censored_rows_left_out"]
    assert len(rows) - 1 == found["rows"]


def test_the_evaluation_says_what_it_is_worth():
    """Simulated figures open with the sentence that they say nothing of real patients; by landmark too."""
    rows = table(150, seed=5)
    found = evaluate_table(risks(rows), rows, "simulated")
    assert SIMULATED == found["statement"]
    assert "say nothing about real patients" in found["statement"]
    assert {"1", "24", "72"} == set(found["by_landmark_hour"])
    assert {1.0, 24.0, 72.0} < set(LANDMARKS_H)


def test_a_trained_network_beats_chance_on_new_stays():
    """On a fresh draw of the same small world the AUC is well above one half, its interval around it."""
    rows = table(300, seed=6)
    found = figures(risks(rows), rows)["auc"]
    assert 0.65 < found["value"]
    assert found["interval_95"][0] < found["value"] < found["interval_95"][1]


def test_figures_at_a_landmark_are_those_of_its_rows():
    """The AUC at 24 h is that of the rows at 24 h."""
    rows = table(150, seed=5)
    at, held = at_landmark(24.0, rows), risks(rows)
    found = evaluate_table(held, rows, "simulated")["by_landmark_hour"]["24"]
    assert int(at.sum()) == found["rows"] + found["censored_rows_left_out"]
    assert auc(rows.outcomes()[at], held[at]) == pytest.approx(found["auc"]["value"])


def test_risks_are_those_of_the_calibrated_network():
    """What a call at that hour would show: heads averaged, then the stages of the calibration."""
    rows = table(20, seed=5)
    with torch.no_grad():
        logits = trained().net(rows.batch()).mean(0)
    start = rows.targets.start
    expected = trained().calibration.risk(logits, start, torch.full_like(start, HORIZON_H))
    assert expected.tolist() == pytest.approx(risks(rows).tolist(), abs=1e-6)


def test_the_same_risks_gain_nothing():
    """A model beside itself has a gain of 0 in every draw; beside a reversed one it gains twice its lead."""
    rows = table(150, seed=5)
    held = risks(rows)
    assert {"value": 0.0, "interval_95": [0.0, 0.0]} == gain(held, held, rows, draws=20)
    area = auc(rows.outcomes(), held)
    assert area is not None
    assert 2 * area - 1 == pytest.approx(gain(held, 1 - held, rows, draws=20)["value"])


def test_a_table_without_reports_has_other_risks():
    """The network reads findings: taking all reports away moves the risk of those with a dense artery down."""
    rows = table(150, seed=5)
    dense = rows.joined[:, 0].numpy() > 0
    assert (risks(rows.without_reports())[dense] < risks(rows)[dense]).mean() > 0.9
    assert np.allclose(risks(rows), risks(replace(rows, findings=torch.rand_like(rows.findings))))

"""Calibration: recalibration, threshold by alert budget, comparator by hour."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.calibrate import (
    Calibration,
    band_figures,
    calibration_as_json,
    calibration_from,
    comparator_of,
    fit_recalibration,
    threshold_for,
)
from models.net import remaining_risk
from models.training.table import Target, targets_of

STORED = Calibration(0.1, 0.9, 0.4, 25.0, 25.0, 0.5, None, ((0.0, 0.38), (24.0, 0.30), (48.0, 0.18)))


def test_a_stretched_predictor_is_shrunk_back():
    """A linear predictor that is twice too wide gets a slope of about one half, and the shift is found."""
    rng = np.random.default_rng(0)
    eta = torch.from_numpy(rng.normal(size=6000)).float()
    base = torch.full((5,), -2.5)
    true = base + 0.3 + 1.0 * eta[:, None]
    risk = remaining_risk(true, torch.tensor(0.0), torch.tensor(168.0)).numpy()
    targets = [Target(0, 0, 168, event=bool(hit)) for hit in rng.random(6000) < risk]
    intercept, slope = fit_recalibration(base, 2 * eta, targets_of(targets))
    assert 0.5 == pytest.approx(slope, abs=0.05)
    assert 0.3 == pytest.approx(intercept, abs=0.1)


@given(st.lists(st.floats(0, 1), min_size=100, max_size=300, unique=True), st.sampled_from([10.0, 25.0, 50.0]))
def test_the_threshold_keeps_the_budget(risks: list[float], budget: float):
    """Of distinct risks, the budget's share reaches the threshold, to the nearest row."""
    flagged = sum(risk >= threshold_for(risks, budget) for risk in risks)
    assert budget / 100 * len(risks) == pytest.approx(flagged, abs=1.01)


@pytest.mark.parametrize("budget", [0, 100, -5])
def test_an_impossible_budget_is_refused(budget: float):
    """The message carries the value."""
    with pytest.raises(ValueError, match=str(budget)):
        threshold_for([0.1, 0.2], budget)


def test_band_figures_worked_by_hand():
    """Four calls, two flagged: one hit, one unknown; one END is missed."""
    risks, outcome = np.array([0.9, 0.8, 0.2, 0.1]), np.array([1.0, np.nan, 1.0, 0.0])
    assert (50.0, 1.0, 0.5) == band_figures(risks, outcome, 0.5)


def test_the_threshold_itself_is_flagged():
    """Reaching the threshold is enough."""
    assert STORED.flagged(0.4)
    assert not STORED.flagged(0.3999)


@pytest.mark.parametrize(("hours", "expected"), [(0, 0.38), (12, 0.34), (24, 0.30), (36, 0.24), (100, 0.18)])
def test_the_comparator_is_linear_between_its_hours(hours: float, expected: float):
    """Interpolated inside, constant beyond."""
    assert expected == pytest.approx(STORED.comparator_at(hours))


def test_the_comparator_counts_only_stays_still_free():
    """At hour 24 the stay with END by hour 12 no longer counts; the other's latest row does."""
    logits = torch.stack([torch.full((5,), value) for value in (0.0, -2.0, -3.0)])
    targets = targets_of([Target(1, 1, 12, True), Target(1, 1, 168, False), Target(20, 20, 168, False)])
    found = dict(comparator_of(logits, targets, ["ended", "free", "free"]))
    expected = remaining_risk(logits[2], torch.tensor(24.0), torch.tensor(168.0))
    assert float(expected) == pytest.approx(found[24.0], abs=1e-6)
    assert found[1.0] > found[24.0]


def test_a_calibration_survives_its_json():
    """Written and read back, it is the same."""
    assert STORED == calibration_from(calibration_as_json(STORED))

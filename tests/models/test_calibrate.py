"""Calibration as it is kept: threshold and comparator by hour, the alert budget, and the file."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.calibrate import (
    Calibration,
    Recalibration,
    at_hour,
    calibration_as_json,
    calibration_from,
    remaining_risk,
    threshold_for,
)

STAGES = (
    Recalibration((1.0, 24.0), (0.1, 0.3), (0.9, 1.1), "calibration split", 900, 200),
    Recalibration((24.0,), (-0.2,), (1.0,), "what followed a site's own calls", 80, 12),
)
STORED = Calibration(
    stages=STAGES, alert_budget=25.0, thresholds=((6.0, 0.4), (24.0, 0.2)),
    comparator=((0.0, 0.38), (24.0, 0.30), (48.0, 0.18)), figures={"flagged_per_100": 25.0},
)  # fmt: skip


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


@pytest.mark.parametrize(("hours", "expected"), [(0, 0.4), (6, 0.4), (15, 0.3), (24, 0.2), (100, 0.2)])
def test_the_threshold_is_linear_between_its_hours(hours: float, expected: float):
    """Interpolated inside, constant beyond."""
    assert expected == pytest.approx(STORED.threshold_at(hours))


@pytest.mark.parametrize(("hours", "expected"), [(0, 0.38), (12, 0.34), (24, 0.30), (36, 0.24), (100, 0.18)])
def test_the_comparator_is_linear_between_its_hours(hours: float, expected: float):
    """Interpolated inside, constant beyond."""
    assert expected == pytest.approx(STORED.comparator_at(hours))


def test_a_single_pair_holds_at_every_hour():
    """One threshold for all hours is a threshold at each."""
    assert [0.7, 0.7] == [at_hour(((24.0, 0.7),), hour) for hour in (0.0, 120.0)]


def test_the_shown_risk_is_stretched_by_every_stage():
    """At hour 24, of log H: 0.3 + 1.1 log H, then -0.2 more."""
    logits, start, stop = torch.full((5,), -2.0), torch.tensor(24.0), torch.tensor(168.0)
    left = -torch.log1p(-remaining_risk(logits, start, stop))
    expected = -torch.expm1(-torch.exp(0.3 + 1.1 * torch.log(left) - 0.2))
    assert float(expected) == pytest.approx(float(STORED.risk(logits, start, stop)), abs=1e-6)


def test_a_stage_stands_at_its_own_hours():
    """Halfway between two knots intercept and slope are the means; beyond the last they are the last's."""
    halfway, late = (STAGES[0](torch.tensor([-1.0]), torch.tensor([hour])) for hour in (12.5, 100.0))
    assert 0.2 - 1.0 == pytest.approx(float(halfway[0]), abs=1e-6)
    assert 0.3 - 1.1 == pytest.approx(float(late[0]), abs=1e-6)


def test_many_calls_at_once_are_answered_as_each_alone():
    """Heads and stops in any shape: the same numbers."""
    logits, hours = torch.linspace(-4, 0, 15).reshape(3, 5), torch.tensor([1.0, 12.0, 60.0])
    stop = torch.tensor([24.0, 72.0, 168.0])
    together = STORED.risk(logits, hours, stop)
    alone = [float(STORED.risk(*one)) for one in zip(logits, hours, stop, strict=True)]
    assert alone == pytest.approx(together.tolist(), abs=1e-6)


def test_the_split_is_that_of_training():
    """Whatever a site adds, it is the rows of training on which the thresholds were set."""
    assert "calibration split" == STORED.split


def test_a_calibration_survives_its_json():
    """Written and read back, it is the same."""
    assert STORED == calibration_from(calibration_as_json(STORED))

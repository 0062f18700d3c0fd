"""The band: thresholds that keep the budget hour by hour, what flagging did, and the mean risk of similar patients."""

import numpy as np
import pytest
import torch

from models.calibrate import BAND_HOURS, Recalibration, at_hour, remaining_risk
from models.training.bands import (
    FEWEST_ROWS,
    band_figures,
    comparator_of,
    thresholds,
    thresholds_of,
)
from models.training.table import Target, targets_of


@pytest.mark.parametrize("budget", [10.0, 25.0, 50.0])
def test_the_budget_is_reached_at_each_hour(budget: float):
    """Whatever the risks of an hour, the budget's share of its calls reach its threshold, to the nearest row."""
    rng = np.random.default_rng(0)
    hours = np.repeat(BAND_HOURS, 200)
    risks = rng.random(len(hours)) * np.exp(-hours / 50)
    found = thresholds(risks, hours, budget)
    assert BAND_HOURS == tuple(hour for hour, _ in found)
    flagged = risks >= thresholds_of(found, hours)
    for hour in BAND_HOURS:
        assert budget / 100 == pytest.approx(flagged[hours == hour].mean(), abs=1 / 200 + 1e-9)


def test_one_threshold_for_all_hours_would_not_do():
    """Risks fall with the hour: thresholds do so too."""
    hours = np.repeat([1.0, 48.0], 50)
    found = dict(thresholds(np.concatenate([np.linspace(0.4, 0.9, 50), np.linspace(0.1, 0.5, 50)]), hours, 25.0))
    assert [pytest.approx(0.775), pytest.approx(0.4)] == [found[1.0], found[48.0]]


def test_an_hour_with_few_rows_sets_no_threshold():
    """Its calls are judged between the neighboring hours; where no hour has enough, all rows set one threshold."""
    hours = np.array([1.0] * FEWEST_ROWS + [3.0] * (FEWEST_ROWS - 1) + [6.0] * FEWEST_ROWS + [5.0] * 90)
    risks = np.where(hours == 1, 0.8, np.where(hours == 6, 0.3, 0.99))
    found = thresholds(risks, hours, 25.0)
    assert ((1.0, 0.8), (6.0, 0.3)) == found
    assert [pytest.approx(0.8), pytest.approx(0.6), pytest.approx(0.3)] == thresholds_of(
        found, np.array([0.0, 3.0, 90.0])
    ).tolist()
    few = thresholds(np.linspace(0, 1, 9), np.ones(9), 25.0)
    assert ((0.0, pytest.approx(0.75)),) == few


def test_thresholds_of_many_calls_are_those_of_each():
    """The same lines as a single call's threshold."""
    pairs = ((1.0, 0.5), (6.0, 0.4), (24.0, 0.2))
    hours = np.array([0.0, 1.0, 4.0, 20.0, 100.0])
    assert [at_hour(pairs, hour) for hour in hours.tolist()] == pytest.approx(thresholds_of(pairs, hours).tolist())


def test_band_figures_worked_by_hand():
    """Eight calls of one threshold of 0.5, four flagged: two hits, one needless, one unknown; one END is missed."""
    risks = np.array([0.9, 0.8, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1])
    outcome = np.array([1.0, 1.0, 0.0, np.nan, 1.0, 0.0, 0.0, 0.0])
    found = band_figures(risks, np.full(8, 0.5), outcome, [f"s{place}" for place in range(8)])
    assert (50.0, 7) == (found["flagged_per_100"], found["rows"])
    expected = {
        "sensitivity": 2 / 3, "specificity": 3 / 4, "ppv": 2 / 3, "npv": 3 / 4, "net_benefit": 2 / 7 - 1 / 7,
    }  # fmt: skip
    assert expected == {name: pytest.approx(found[name]["value"]) for name in expected}


def test_each_needless_flag_weighs_by_its_own_threshold():
    """A needless flag at 0.8 costs four hits, one at 0.2 a quarter of one."""
    outcome = np.array([1.0, 0.0, 0.0, 1.0])
    found = band_figures(np.array([0.9, 0.9, 0.9, 0.1]), np.array([0.5, 0.8, 0.2, 0.5]), outcome, list("abcd"))
    assert (1 - 4 - 0.25) / 4 == pytest.approx(found["net_benefit"]["value"])


def test_the_interval_of_a_band_figure_is_over_stays():
    """Many rows of few stays say less than as many stays."""
    risks, outcome = np.full(300, 0.9), np.repeat([1.0, 0.0] * 5, 30)
    widths = []
    for stays in ([f"s{place}" for place in range(300)], [f"s{place // 30}" for place in range(300)]):
        low, high = band_figures(risks, np.full(300, 0.7), outcome, stays)["ppv"]["interval_95"]
        widths.append(high - low)
    assert 0 < widths[0] < widths[1] / 3


def test_a_figure_of_nothing_has_no_value():
    """Where nothing is flagged no share of the flagged can be told."""
    found = band_figures(np.array([0.1, 0.2]), np.full(2, 0.5), np.array([1.0, 0.0]), ["a", "b"])
    assert {"value": None, "interval_95": None} == found["ppv"]
    assert 0.0 == found["sensitivity"]["value"]


def test_the_comparator_counts_only_stays_still_free():
    """At hour 24 the stay with END by hour 12 no longer counts; the other's latest row does."""
    logits = torch.stack([torch.full((5,), value) for value in (0.0, -2.0, -3.0)])
    targets = targets_of([Target(1, 1, 12, True), Target(1, 1, 168, False), Target(20, 20, 168, False)])
    found = dict(comparator_of(logits, targets, ["ended", "free", "free"], ()))
    expected = remaining_risk(logits[2], torch.tensor(24.0), torch.tensor(168.0))
    assert float(expected) == pytest.approx(found[24.0], abs=1e-6)
    first = [remaining_risk(row, torch.tensor(1.0), torch.tensor(168.0)) for row in logits[:2]]
    assert float(sum(first)) / 2 == pytest.approx(found[1.0], abs=1e-6)


def test_the_comparator_is_recalibrated_as_the_risks_are():
    """The same stages stretch both."""
    logits, targets = torch.full((1, 5), -2.0), targets_of([Target(1, 1, 168, False)])
    stage = Recalibration((1.0, 48.0), (0.7, -0.4), (1.0, 0.8), "made-up rows", 1, 0)
    found = dict(comparator_of(logits, targets, ["free"], (stage,)))
    for hour in (1.0, 24.0, 96.0):
        expected = remaining_risk(logits[0], torch.tensor(hour), torch.tensor(168.0), (stage,))
        assert float(expected) == pytest.approx(found[hour], abs=1e-6)

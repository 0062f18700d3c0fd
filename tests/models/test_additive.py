"""The additive part: the likelihood as stated, its minimum, and how many weights a ridge leaves free."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from torch import Tensor

from models.net import EDGES_H
from models.training.additive import (
    INTERVAL_RIDGE,
    INTERVALS,
    Additive,
    Problem,
    curvature,
    free_parameters,
    problem_of,
    solve,
)
from models.training.table import Target, targets_of

HAZARDS = torch.tensor([0.2, 0.1, 0.05, 0.04, 0.02]).double()
LOGITS = torch.logit(HAZARDS)
COLUMNS = 3
RIDGE = torch.tensor([2.0, 5.0, 1.0])


def survival(hours: float) -> float:
    """S(t) of the hazards above, worked out here and not by the network's code."""
    shares = [min(max((hours - a) / (b - a), 0), 1) for a, b in itertools.pairwise(EDGES_H)]
    return math.prod((1 - h) ** share for h, share in zip(HAZARDS.tolist(), shares, strict=True))


def loss_of(target: Target) -> float:
    """-log likelihood of one row by the code."""
    return float(problem_of(torch.zeros(1, 0), targets_of([target])).loss(LOGITS, torch.zeros(1).double())[0])


def test_an_enclosed_event_counts_between_its_scores():
    """END between hours 30 and 40, seen from hour 6: -log((S(30) - S(40)) / S(6))."""
    expected = -math.log((survival(30) - survival(40)) / survival(6))
    assert expected == pytest.approx(loss_of(Target(6, 30, 40, event=True)), abs=1e-6)


def test_a_competing_event_leaves_the_stay_free_to_168_h():
    """Discharge or other death says: END-free through 168 h, -log(S(168) / S(12))."""
    expected = -math.log(survival(168) / survival(12))
    assert expected == pytest.approx(loss_of(Target(12, 12, 168, event=False)), abs=1e-6)


def test_a_censored_stay_counts_up_to_its_last_score():
    """A transfer at hour 50 says nothing of what came later."""
    expected = -math.log(survival(50) / survival(12))
    assert expected == pytest.approx(loss_of(Target(12, 12, 50, event=False)), abs=1e-6)


def test_an_empty_interval_stays_finite():
    """Two scores at the same moment do not break the logarithm."""
    assert math.isfinite(loss_of(Target(6, 30, 30, event=True)))


def drawn(rows: int = 150, seed: int = 0) -> Problem:
    """Rows whose first column has an effect, some censored."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(rows, COLUMNS))
    event_h = rng.exponential(250 / np.exp(columns[:, 0]))
    stop = np.where(rng.random(rows) < 0.2, 60.0, 168.0)
    targets = [
        Target(6, 6 + hour // 12 * 12, 18 + hour // 12 * 12, event=True) if 6 + hour < end else Target(6, 6, end, False)
        for hour, end in zip(event_h.tolist(), stop.tolist(), strict=True)
    ]
    return problem_of(torch.from_numpy(columns), targets_of(targets))


def minimum(problem: Problem, ridge: Tensor) -> np.ndarray:
    """The same minimum by scipy, from finite differences of the loss: five intervals, then the weights."""

    def whole(point: np.ndarray) -> float:
        held = torch.from_numpy(point)
        rows = problem.loss(held[:INTERVALS], problem.columns @ held[INTERVALS:]) * problem.counts
        penalty = INTERVAL_RIDGE * (held[:INTERVALS] ** 2).sum() + (ridge * held[INTERVALS:] ** 2).sum()
        return float(rows.sum() + penalty / 2)

    first = np.concatenate([np.full(INTERVALS, -3.0), np.zeros(problem.columns.shape[1])])
    return minimize(whole, first, method="BFGS", options={"gtol": 1e-4}).x


def test_the_solution_is_the_minimum_that_another_solver_finds():
    """Scipy, which knows nothing of how the search is scaled, ends in the same place."""
    found = solve(drawn(), RIDGE)
    assert np.allclose(minimum(drawn(), RIDGE), torch.cat([found.interval, found.weights]).numpy(), atol=1e-4)
    assert 0.5 < float(found.weights[0]) < 1.5


def test_the_start_does_not_decide_where_the_search_ends():
    """The loss is convex: from far away it is the same minimum."""
    far = Additive(torch.linspace(-6, 0, INTERVALS).double(), torch.tensor([-1.0, 1.0, 2.0]).double())
    one, two = solve(drawn(), RIDGE), solve(drawn(), RIDGE, far)
    assert torch.allclose(one.interval, two.interval, atol=1e-3)
    assert torch.allclose(one.weights, two.weights, atol=1e-3)


def test_a_row_that_counts_twice_is_the_row_twice():
    """Counts and copies give the same weights."""
    problem = drawn(80)
    counts = torch.ones(80)
    counts[:20] = 2
    copied = problem.where(torch.cat([torch.arange(80), torch.arange(20)]))
    one, two = solve(problem.counted(counts), RIDGE), solve(copied, RIDGE)
    assert torch.allclose(one.weights, two.weights, atol=1e-5)
    assert not torch.allclose(one.weights, solve(problem, RIDGE).weights, atol=1e-3)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0.01, 1e4), min_size=COLUMNS, max_size=COLUMNS), st.floats(1.1, 100.0))
def test_a_stiffer_ridge_leaves_fewer_weights_free(ridge: list[float], stiffer: float):
    """Between none and all of them, and fewer where the ridge is larger."""
    problem = drawn(60)
    bent = curvature(problem, solve(problem, RIDGE))
    one, two = (free_parameters(bent, torch.tensor(ridge) * by) for by in (1.0, stiffer))
    assert 0 <= two <= one <= COLUMNS


def test_hardly_any_ridge_leaves_all_weights_free_and_an_infinite_one_none():
    """The two ends."""
    problem = drawn()
    bent = curvature(problem, solve(problem, RIDGE))
    assert pytest.approx(COLUMNS, abs=1e-3) == free_parameters(bent, torch.full((COLUMNS,), 1e-6))
    assert 0 == free_parameters(bent, torch.full((COLUMNS,), torch.inf))
    alone = free_parameters(bent, torch.tensor([1.0, torch.inf, torch.inf]))
    assert float(bent[0, 0] / (bent[0, 0] + 1)) == pytest.approx(alone)


def test_the_curvature_is_that_of_the_loss():
    """Against finite differences of the loss along each pair of weights, where no row's own bend is negative."""
    problem = drawn()
    at = solve(problem, RIDGE)

    def loss(weights: Tensor) -> Tensor:
        return problem.loss(at.interval, problem.columns @ weights).sum()

    exact = torch.autograd.functional.hessian(loss, at.weights)
    assert torch.allclose(exact, curvature(problem, at), rtol=1e-6, atol=1e-6)


def test_an_interval_without_any_event_stays_finite():
    """Nobody is watched after hour 60: the later intervals have no END, and their logits do not run away."""
    problem = problem_of(torch.zeros(30, 1), targets_of([Target(1, 1, 60, event=False)] * 30))
    found = solve(problem, torch.ones(1))
    assert bool(found.interval.isfinite().all())
    assert float(found.interval.abs().max()) < 50

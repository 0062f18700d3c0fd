"""Intervals: whole stays are drawn, they cover the truth, and counting by groups of risk changes nothing."""

import numpy as np
import pytest

from models.evaluation.counted import MOST_GROUPS, counted_in, counted_once
from models.evaluation.intervals import bootstrap, draws_of, interval_of
from models.evaluation.measure import answer
from models.evaluation.metrics import auc
from models.evaluation.ranking import auc_in, auprc_in
from models.evaluation.rows import Floats, Scored
from models.evaluation.slices import Slice
from tests.models.evaluation.drawn import logistic

RNG = np.random.default_rng(1)
RISK = RNG.random(80)
OUTCOME = (RNG.random(80) < RISK).astype(float)
STAYS = [f"p{number:02d}" for number in range(80)]


def drawn_auc(stays: list[str], outcome: Floats, risk: Floats, draws: int = 200) -> tuple[float, float] | None:
    """The interval of the AUC."""
    counted = counted_in(draws_of(stays, draws, 7), np.ones(len(risk), bool), outcome, risk)
    return interval_of(auc_in(counted)[1:])


def test_copies_within_stays_leave_the_interval_as_it_was():
    """Each row three times in its own stay adds no information; as stays of their own they would."""
    alone = drawn_auc(STAYS, OUTCOME, RISK)
    copied = drawn_auc(list(np.repeat(STAYS, 3)), np.repeat(OUTCOME, 3), np.repeat(RISK, 3))
    assert alone == pytest.approx(copied, abs=1e-9)
    apart = [f"{stay}-{copy}" for stay in STAYS for copy in range(3)]
    narrow = drawn_auc(apart, np.repeat(OUTCOME, 3), np.repeat(RISK, 3))
    assert alone is not None
    assert narrow is not None
    assert narrow[1] - narrow[0] < 0.75 * (alone[1] - alone[0])


def test_the_bootstrap_of_any_statistic_agrees_with_the_counted_one():
    """The same draws, once as places and once as weights, give the same interval."""
    slow = bootstrap(lambda rows: auc(OUTCOME[rows], RISK[rows]), STAYS, draws=50, seed=7)
    assert slow == pytest.approx(drawn_auc(STAYS, OUTCOME, RISK, draws=50), abs=1e-9)


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    """Over 200 samples of 150 the 95 % interval of a share with END holds the true one in 90 to 98 %."""
    rng, held = np.random.default_rng(5), 0
    for seed in range(200):
        outcome = (rng.random(150) < 0.3).astype(float)
        draws = draws_of([str(number) for number in range(150)], 200, seed)
        counted = counted_in(draws, np.ones(150, bool), outcome, np.full(150, 0.3))
        interval = interval_of((counted.event.sum(0) / counted.rows.sum(0))[1:])
        assert interval is not None
        held += interval[0] <= 0.3 <= interval[1]
    assert 180 <= held <= 196


def test_no_interval_stands_on_few_draws_with_a_value():
    """A tenth of the draws may lack a value; more may not."""
    assert (1.0, 1.0) == interval_of(np.array([1.0] * 9 + [np.nan]))
    assert interval_of(np.array([1.0] * 8 + [np.nan] * 2)) is None


def test_groups_of_risk_hardly_move_a_figure_and_part_at_thresholds():
    """20,000 risks in 512 groups: AUC within 1e-5, average precision within 2e-3; a threshold is never inside one."""
    rng = np.random.default_rng(2)
    eta = rng.normal(-1, 1, 20000)
    risk = logistic(eta)
    outcome = (rng.random(20000) < risk).astype(float)
    draws = draws_of([str(number) for number in range(20000)], 0, 0)
    grouped = counted_in(draws, np.ones(20000, bool), outcome, risk, (0.25,))
    exact = counted_once(outcome, risk)
    assert MOST_GROUPS + 1 >= len(grouped.risk)
    assert auc_in(exact)[0] == pytest.approx(auc_in(grouped)[0], abs=1e-5)
    assert auprc_in(exact)[0] == pytest.approx(auprc_in(grouped)[0], abs=2e-3)
    assert (risk >= 0.25).sum() == grouped.rows[grouped.lowest >= 0.25].sum()


def _flagging(risk: Floats, threshold: float) -> Scored:
    return Scored("one", risk, thresholds=np.full(len(risk), threshold))


def test_a_value_lies_inside_its_own_draws():
    """What the grouping moves is taken out of the draws: their mean is near the exact value."""
    rng = np.random.default_rng(4)
    risk = logistic(rng.normal(-1, 1, 3000))
    outcome = (rng.random(3000) < risk).astype(float)
    chosen = Slice(np.ones(3000, bool), outcome, int(outcome.sum()), int((1 - outcome).sum()))
    found = answer(draws_of([str(n) for n in range(3000)], 200, 3), chosen, _flagging(risk, 0.4), 10)
    for name in ("auc", "auprc", "brier", "calibration_slope", "recall"):
        one = found.measured[name]
        assert abs(one.draws.mean() - one.value) < 0.3 * one.draws.std(), name


def test_the_seed_decides_the_draws():
    """The same seed draws the same stays, another one others; the first column is the rows themselves."""
    first, again, other = (draws_of(STAYS, 5, seed).times for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert (first[:, 0] == 1).all()
    assert (first.sum(0) == 80).all()

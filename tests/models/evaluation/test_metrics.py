"""Every metric agrees with an independent implementation: closed forms to 1e-9, iterative ones to 1e-4."""

from collections.abc import Callable

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from models.evaluation.calibration import in_the_large, observed_to_expected
from models.evaluation.counted import counted_once
from models.evaluation.metrics import auc, auc_gain, auprc, brier, calibration_line, calibration_slope, flagging, ici
from models.evaluation.ranking import net_benefit
from models.evaluation.rows import Floats
from tests.models.evaluation.drawn import logistic

OUTCOME = np.array([1.0, 0.0, 1.0, 0.0, 0.0])
RISK = np.array([0.9, 0.2, 0.4, 0.4, 0.1])


def draw(rows: int, digits: int, seed: int = 3) -> tuple[Floats, Floats, Floats]:
    """Outcomes, risks that are wrong in level and slope, rounded so that many tie; and their log-odds."""
    rng = np.random.default_rng(seed)
    eta = rng.normal(-1, 1.2, rows)
    risk = np.round(logistic(eta), digits)
    clipped = np.clip(risk, 1e-6, 1 - 1e-6)
    return (rng.random(rows) < logistic(0.3 + 0.8 * eta)).astype(float), risk, np.log(clipped / (1 - clipped))


DRAWN = [draw(60, 1), draw(500, 2), draw(3000, 12)]


def test_auc_worked_by_hand():
    """Six pairs: five won, one tied."""
    assert 5.5 / 6 == pytest.approx(auc(OUTCOME, RISK))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.3, 0.5, 0.7])), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_won(rows: list[tuple[bool, float]]):
    """The rank form equals counting every pair, ties half."""
    outcome, risk = np.array([float(o) for o, _ in rows]), np.array([r for _, r in rows])
    pairs = [(a > b) + (a == b) / 2 for a in risk[outcome == 1] for b in risk[outcome == 0]]
    expected = float(np.mean(pairs)) if pairs else None
    assert expected == pytest.approx(auc(outcome, risk), abs=1e-9)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(sk.roc_auc_score, auc), (sk.average_precision_score, auprc), (sk.brier_score_loss, brier)],
)
@pytest.mark.parametrize("drawn", DRAWN, ids=["60", "500", "3000"])
def test_closed_forms_agree_with_scikit_learn(
    theirs: Callable[..., float], ours: Callable[..., float], drawn: tuple[Floats, Floats, Floats]
):
    """With many ties and with none, to 1e-9."""
    outcome, risk, _ = drawn
    assert theirs(outcome, risk) == pytest.approx(ours(outcome, risk), abs=1e-9)


@pytest.mark.parametrize("drawn", DRAWN, ids=["60", "500", "3000"])
def test_flagging_agrees_with_scikit_learn(drawn: tuple[Floats, Floats, Floats]):
    """Accuracy, recall, precision, F1 and specificity from a threshold up, one that lies on tied risks."""
    outcome, risk, _ = drawn
    flagged = risk >= 0.3
    expected = {
        "accuracy": sk.accuracy_score(outcome, flagged), "recall": sk.recall_score(outcome, flagged),
        "precision": sk.precision_score(outcome, flagged), "f1": sk.f1_score(outcome, flagged),
        "specificity": sk.recall_score(1 - outcome, ~flagged), "flagged": flagged.mean(),
    }  # fmt: skip
    counted = counted_once(outcome, risk)
    assert expected == pytest.approx({name: metric(counted)[0] for name, metric in flagging(0.3).items()}, abs=1e-9)


def test_observed_to_expected_and_net_benefit_worked_by_hand():
    """Two had END where 2.0 were expected; from 0.4 up two of three flags are hits: 2/5 - 1/5 * 0.4/0.6."""
    counted = counted_once(OUTCOME, RISK)
    assert 2 / 2.0 == pytest.approx(observed_to_expected(counted)[0])
    assert 2 / 5 - 1 / 5 * (0.4 / 0.6) == pytest.approx(net_benefit(counted, 0.4)[0], abs=1e-9)


@pytest.mark.parametrize("drawn", DRAWN, ids=["60", "500", "3000"])
def test_recalibration_agrees_with_statsmodels(drawn: tuple[Floats, Floats, Floats]):
    """Intercept and slope, and the intercept with the slope held at 1, to 1e-4."""
    outcome, risk, logit = drawn
    family = sm.families.Binomial()
    line = sm.GLM(outcome, sm.add_constant(logit), family=family).fit().params
    level = sm.GLM(outcome, np.ones(len(outcome)), family=family, offset=logit).fit().params[0]
    assert line.tolist() == pytest.approx(calibration_line(outcome, risk), abs=1e-4)
    assert level == pytest.approx(in_the_large(counted_once(outcome, risk))[0], abs=1e-4)


@pytest.mark.parametrize("drawn", DRAWN, ids=["60", "500", "3000"])
def test_the_integrated_calibration_index_agrees_with_statsmodels(drawn: tuple[Floats, Floats, Floats]):
    """Mean distance to a loess with the same span, to 1e-4."""
    outcome, risk, _ = drawn
    smooth = sm.nonparametric.lowess(outcome, risk, frac=0.75, it=0, return_sorted=False)
    assert np.abs(smooth - risk).mean() == pytest.approx(ici(outcome, risk), abs=1e-4)


def test_the_gain_is_the_difference_in_auc():
    """Against a constant risk the gain is what the AUC exceeds one half by."""
    assert 5.5 / 6 - 0.5 == pytest.approx(auc_gain(OUTCOME, RISK, np.full(5, 0.5)))


def test_one_kind_of_outcome_has_no_figures():
    """Without both kinds there is no AUC, line or index, rather than a number."""
    assert [None] * 4 == [of(np.zeros(3), RISK[:3]) for of in (auc, auprc, calibration_line, ici)]


def test_separable_outcomes_have_no_slope():
    """Where every END has the higher risk the slope has no bound, and none is given."""
    assert calibration_slope(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.8, 0.9])) is None


def test_risks_of_0_and_1_have_the_slope_of_a_table():
    """Two risks only, as far out as they are allowed: the slope joins the log-odds of the two shares."""
    outcome, risk = np.array([1.0] * 30 + [0.0] * 10 + [1.0] * 20 + [0.0] * 60), np.repeat([1.0, 0.0], [40, 80])
    expected = (np.log(30 / 10) - np.log(20 / 60)) / (2 * np.log((1 - 1e-6) / 1e-6))
    assert expected == pytest.approx(calibration_slope(outcome, risk), abs=1e-6)


def test_one_risk_for_all_has_a_level_and_no_ranking():
    """A constant risk ranks nobody and has no slope; its index is its distance to the share with END."""
    constant = np.full(5, 0.1)
    assert calibration_slope(OUTCOME, constant) is None
    assert 0.5 == pytest.approx(auc(OUTCOME, constant))
    assert 0.4 - 0.1 == pytest.approx(ici(OUTCOME, constant))


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

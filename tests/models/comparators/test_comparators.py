"""The simple opponents: what they read, how they are tuned, and that they learn what is there."""

import dataclasses
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from models.comparators import COMPARATORS, Fitted
from models.comparators.boosting import DEPTHS, LENGTHS
from models.comparators.columns import columns_of, hours_basis, with_gaps
from models.comparators.concat_fusion import WIDTHS
from models.comparators.fitted import known
from models.comparators.linear import STRENGTHS
from models.training.table import Table
from tests.models.trained import config, table

DESIGN = config().design


def without(rows: Table, feature: str) -> Table:
    """The rows with one feature unobserved everywhere."""
    place = DESIGN.features.index(feature)
    values, observed = rows.values.clone(), rows.observed.clone()
    values[:, place], observed[:, place] = 0.0, 0.0
    return dataclasses.replace(rows, values=values, observed=observed)


TRAIN, TEST = without(table(200, seed=1), "crp"), without(table(600, seed=2), "crp")
"""The rows' CRP means nothing and would be far beyond any that a laboratory reports."""


@cache
def trained(name: str) -> Fitted:
    """Each comparator, trained once."""
    return COMPARATORS[name](TRAIN, DESIGN, 7)


@pytest.fixture(params=sorted(COMPARATORS))
def fitted(request):
    """A name and its fit."""
    return request.param, trained(request.param)


def area(risk, rows: Table = TEST) -> float:
    """The AUC on the rows with a known outcome."""
    outcome = rows.outcomes()
    kept = ~np.isnan(outcome)
    return float(roc_auc_score(outcome[kept], risk[kept]))


def test_every_comparator_gives_a_probability_for_every_row(fitted):
    """Censored rows too are given a risk; nothing is NaN."""
    risk = fitted[1].risks(TEST)
    assert (len(TEST),) == risk.shape
    assert ((risk > 0) & (risk < 1)).all()


def test_the_same_rows_and_seed_give_the_same_risks(fitted):
    """A second training repeats the first."""
    name, first = fitted
    again = COMPARATORS[name](TRAIN, DESIGN, 7)
    assert np.array_equal(first.risks(TEST), again.risks(TEST))


def test_those_that_read_the_values_find_their_effect():
    """END depends on the baseline NIHSS: structured data ranks well, and worse once the NIHSS is hidden."""
    for name in ("structured only", "logistic regression", "gradient boosting"):
        model = trained(name)
        assert area(model.risks(TEST)) > 0.62, name
        assert area(model.risks(without(TEST, "nihss_baseline"))) < area(model.risks(TEST)) - 0.03, name


def test_findings_only_reads_no_value():
    """Hiding every structured value leaves its risks as they were."""
    model = trained("findings only")
    blind = dataclasses.replace(TEST, values=torch.zeros_like(TEST.values), observed=torch.zeros_like(TEST.observed))
    assert np.array_equal(model.risks(TEST), model.risks(blind))


def test_structured_only_reads_no_report():
    """Hiding findings and text leaves its risks as they were."""
    model = trained("structured only")
    blind = dataclasses.replace(
        TEST, findings=1 - TEST.findings, pooled=TEST.pooled + 1, has_note=torch.zeros_like(TEST.has_note)
    )
    assert np.array_equal(model.risks(TEST), model.risks(blind))


def test_concat_fusion_reads_the_embedding_and_no_finding():
    """The paper's shape has no findings: only values and the document embedding."""
    model = trained("Concat-Fusion")
    assert np.array_equal(model.risks(TEST), model.risks(dataclasses.replace(TEST, findings=1 - TEST.findings)))
    assert not np.array_equal(model.risks(TEST), model.risks(dataclasses.replace(TEST, pooled=TEST.pooled + 1)))


def test_what_is_chosen_is_one_of_the_choices():
    """Penalty, depth, length and width come from the grids."""
    ridge, trees = trained("structured only"), trained("gradient boosting")
    concat = trained("Concat-Fusion")
    assert ridge.strength in STRENGTHS
    assert trees.depth in DEPTHS
    assert trees.length in LENGTHS
    assert concat.choice.width in WIDTHS


def test_gong_has_its_published_ranking_and_the_training_share():
    """The mean risk on the training rows is their share of END; a higher NIHSS is a higher risk."""
    model = trained("Gong linear predictor")
    rows, outcome = known(TRAIN)
    place = DESIGN.features.index("nihss_baseline")
    worse = dataclasses.replace(
        rows, values=rows.values + torch.nn.functional.one_hot(torch.tensor(place), rows.values.shape[1])
    )
    assert float(outcome.mean()) == pytest.approx(float(model.risks(rows).mean()), abs=1e-9)
    assert np.allclose(0.06859, model.predictor(worse) - model.predictor(rows), atol=1e-5)


def test_training_rows_scale_the_columns_and_gaps_are_told():
    """A missing value is 0 beside an indicator of 1; observed ones have mean 0 and SD 1 in training."""
    hidden = without(TRAIN, "glucose")
    columns, place = columns_of(hidden, ("structured",)), DESIGN.features.index("glucose")
    matrix, first = columns.of(hidden), hours_basis(hidden).shape[1]
    assert (matrix[:, first + place] == 0).all()
    assert (matrix[:, first + len(DESIGN.features) + place] == 1).all()
    age = matrix[:, first + DESIGN.features.index("age")]
    observed = TRAIN.observed[:, DESIGN.features.index("age")].numpy() > 0
    assert pytest.approx((0.0, 1.0), abs=1e-6) == (age[observed].mean(), age[observed].std())
    assert np.isnan(with_gaps(hidden)[:, 1 + place]).all()


def test_rows_with_one_outcome_only_are_refused():
    """Nothing can be learned from a cohort without END, and it is said."""
    outcome = TRAIN.outcomes()
    free = TRAIN.where((outcome == 0).tolist())
    with pytest.raises(ValueError, match="rows with END and rows without"):
        COMPARATORS["structured only"](free, DESIGN, 7)

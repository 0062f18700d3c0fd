"""Differences, shares and means over cohorts: paired, and with intervals as wide as the scatter that they count."""

import numpy as np
import pytest

from models.evaluation.measure import Measured
from models.evaluation.metrics import auc
from models.evaluation.rows import Scored
from models.studies.compared import Compared, common, less, over_cohorts, share, spread
from tests.models.studies.world_on_disk import at_hours, known_risks, known_rows

TEST = Compared(known_rows(400), 200, seed=1)
TRUE, STRUCTURED = (at_hours(risk) for risk in known_risks(400))


def constant(value: float, draws: int = 4000) -> Measured:
    """A quantity that no draw of admissions changes."""
    return Measured(value, np.full(draws, value))


def test_an_area_is_the_auc_and_a_difference_is_paired():
    """The value is that of the plain metric; a model less itself is 0 in each draw, and two models vary together."""
    one, other = TEST.area(Scored("true", TRUE)), TEST.area(Scored("structured", STRUCTURED))
    assert auc(TEST.rows.outcome, TRUE) == pytest.approx(one.value)
    assert not less(one, one).draws.any()
    apart = np.hypot(one.draws.std(), other.draws.std())
    assert less(one, other).draws.std() < 0.8 * apart


def test_an_area_on_too_few_events_is_refused():
    """Nine admissions with END give no interval worth showing."""
    rows = known_rows(12)
    with pytest.raises(ValueError, match="fewer than 10"):
        Compared(rows, 20, seed=1).area(Scored("true", rows.outcome))


def test_a_share_of_nothing_is_no_share():
    """Where the whole may be 0 the ratio is refused; where it is not, it is taken draw by draw."""
    doubtful = Measured(0.01, np.linspace(-0.01, 0.03, 200))
    assert TEST.figure(share(constant(0.01, 200), doubtful))["value"] is None
    sure = Measured(0.02, np.linspace(0.01, 0.03, 200))
    half = Measured(0.01, sure.draws / 2)
    assert {"value": 0.5, "low": 0.5, "high": 0.5}.items() <= TEST.figure(share(half, sure)).items()


def test_equal_cohorts_scatter_only_as_their_test_set_does():
    """Cohorts that all say the same leave the draws of admissions as they are."""
    one = TEST.area(Scored("true", TRUE))
    held = over_cohorts([one] * 7, overlap=0.1, seed=2)
    assert one.value == pytest.approx(held.value)
    assert np.allclose(one.draws, held.draws)


def test_cohorts_with_nothing_in_common_give_the_standard_error_of_their_mean():
    """Without overlap and without test-set noise the draws spread as s over the root of K."""
    values = np.random.default_rng(3).normal(0, 1, 25)
    cohorts = [constant(value) for value in values]
    assert values.std(ddof=1) == pytest.approx(spread(cohorts))
    assert values.std(ddof=1) / 5 == pytest.approx(over_cohorts(cohorts, 0.0, seed=4).draws.std(), rel=0.05)


def test_the_interval_counts_that_cohorts_come_from_one_pool():
    """Means over 20 cohorts of 40 drawn from 200 scatter from pool to pool as the draws say, more than as if apart."""
    rng, means, told, naive = np.random.default_rng(5), [], [], []
    for _ in range(400):
        pool = rng.normal(size=200)
        drawn = [rng.choice(200, 40, replace=False) for _ in range(20)]
        cohorts = [constant(float(pool[places].mean()), draws=200) for places in drawn]
        means.append(np.mean([one.value for one in cohorts]))
        told.append(over_cohorts(cohorts, common([frozenset(map(str, one)) for one in drawn]), seed=6).draws.var())
        naive.append(over_cohorts(cohorts, 0.0, seed=6).draws.var())
    assert np.var(means) == pytest.approx(np.mean(told), rel=0.2)
    assert np.var(means) > 2 * np.mean(naive)


def test_one_cohort_tells_nothing_of_the_scatter_between_cohorts():
    """A mean of one is refused."""
    with pytest.raises(ValueError, match="two of them"):
        over_cohorts([constant(1.0)], 0.0, seed=0)


def test_what_cohorts_have_in_common_is_the_mean_share_of_a_pair():
    """Half, none and none of two stays: a sixth."""
    assert 1 / 6 == pytest.approx(common([frozenset("ab"), frozenset("bc"), frozenset("de")]))

"""Who arrives: margins as the world says, chances from the effects, one intercept solved."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from models.simulation.effects import unit_term
from models.simulation.population import chances, draw_columns, draw_people, intercept, intercepts, log_odds
from models.simulation.world import Effect, Variable, World, known_worlds, load_world

WORLD = load_world("a")


def _risk(world: World, count: int, seed: int) -> NDArray[np.float64]:
    return np.asarray(1 - np.prod(1 - chances(world, draw_columns(world, count, seed)), axis=1))


@pytest.mark.parametrize("name", known_worlds())
def test_only_the_intercept_is_solved_for_the_share_of_events(name: str) -> None:
    """A fresh large population meets the world's share within sampling error."""
    world = load_world(name)
    assert world["event_share"] == pytest.approx(float(np.mean(_risk(world, 20_000, seed=99))), abs=0.01)


@pytest.mark.parametrize("variable", [v for v in WORLD.variables if v.name != "lymphocytes"], ids=lambda v: v.name)
def test_margins_follow_the_world(variable: Variable) -> None:
    """The copula leaves each margin as it is: the median is the center, within 3 %."""
    column = draw_columns(WORLD, 20_000, seed=3)[variable.name]
    assert variable.center == pytest.approx(float(np.median(column)), rel=0.03)
    assert variable.low <= column.min()
    assert variable.high >= column.max()


def test_a_person_is_the_row_of_the_columns() -> None:
    """Values and chances of the patients are those of the columns, across the edges of what is drawn at once."""
    columns, people = draw_columns(WORLD, 5000, 2), list(draw_people(WORLD, 5000, 2))
    assert [*range(1, 5001)] == [person.number for person in people]
    for row in (0, 4095, 4096, 4999):
        assert {name: column[row] for name, column in columns.items()} == people[row].values
    assert chances(WORLD, columns)[:, 0].tolist() == [person.chances[0] for person in people]
    assert people[0].risk == pytest.approx(people[0].chances[0])


def test_a_smaller_cohort_begins_the_larger() -> None:
    """Patient 3 of 3 is patient 3 of 8."""
    assert list(draw_people(WORLD, 3, 7)) == list(draw_people(WORLD, 8, 7))[:3]


def test_the_intercept_is_solved_once_a_world() -> None:
    """A second call answers from memory; other settings are another world."""
    solved = intercepts(WORLD)
    assert intercepts(WORLD) is solved
    other = replace(WORLD, settings={**WORLD.settings, "event_share": 0.2})
    assert intercept(other) < intercept(WORLD) - 0.5


def _units(**fields: object) -> list[float]:
    columns = {
        "nihss": np.array([4.0, 12.0, 20.0]),
        "systolic_bp": np.array([100.0, 150.0, 200.0]),
        "stenosis": np.array([1.0, 0.0, 1.0]),
        "hypertension": np.array([1.0, 1.0, 0.0]),
    }
    effect = Effect(**{"log_odds": 1.0, "source": "a test", **fields})  # type: ignore[arg-type]
    return [float(value) for value in unit_term(effect, columns)]


def test_effects_have_the_shape_that_their_kind_says() -> None:
    """A line, a threshold, a band with risk outside it on both sides, a joint effect."""
    assert [2.0, 6.0, 10.0] == _units(on="nihss", per=2)
    assert np.log([4.0, 12.0, 20.0]).tolist() == _units(on="nihss", ln=True)
    assert [0.0, 1.0, 1.0] == _units(on="nihss", kind="above", above=12)
    assert [4.0, 0.0, 3.0] == _units(on="systolic_bp", kind="u", low=140, high=170, per=10)
    assert [1.0, 0.0, 0.0] == _units(on="stenosis", kind="interaction", partner="hypertension")
    assert [1.0, 0.0, 0.0] == _units(on="stenosis", kind="interaction", partner="systolic_bp", below=150)
    assert [0.0, 0.0, 1.0] == _units(on="stenosis", kind="interaction", partner="systolic_bp", above=150)


@pytest.mark.parametrize("kind", ["u", "interaction", "above"])
def test_an_effect_without_what_its_kind_needs_is_refused(kind: str) -> None:
    """A band needs both ends, an interaction its partner, a threshold its cut."""
    with pytest.raises(ValueError, match="nihss needs"):
        _units(on="nihss", kind=kind)


def _lost_by_a_line(world: World) -> float:
    """How much AUC a logistic regression on the true raw values loses against the true risk."""
    columns = [draw_columns(world, 20_000, seed) for seed in (1, 2)]
    seen = [np.column_stack(list(each.values())) for each in columns]
    risks = [1 - np.prod(1 - chances(world, each), axis=1) for each in columns]
    events = [np.random.default_rng([place, 9]).random(20_000) < risk for place, risk in enumerate(risks)]
    scaler = StandardScaler().fit(seen[0])
    fitted = LogisticRegression(max_iter=500).fit(scaler.transform(seen[0]), events[0])
    found = fitted.predict_proba(scaler.transform(seen[1]))[:, 1]
    return float(roc_auc_score(events[1], risks[1]) - roc_auc_score(events[1], found))


def test_a_line_is_near_the_truth_in_a_and_clearly_below_in_b() -> None:
    """Thresholds, U-shapes and interactions are what a plain logistic regression cannot see."""
    assert 0.015 > _lost_by_a_line(WORLD) > -0.005
    assert 0.04 < _lost_by_a_line(load_world("b"))


def test_each_mechanism_brings_its_share_of_the_chances() -> None:
    """In the mixture each mechanism's mean chance is its share of the sum, within the common shift."""
    world = load_world("c")
    means = chances(world, draw_columns(world, 20_000, 4)).mean(axis=0)
    assert [one.share for one in world.mechanisms] == pytest.approx((means / means.sum()).tolist(), abs=0.02)
    first, second = (log_odds(world, draw_columns(world, 50, 4), one.name) for one in world.mechanisms[:2])
    assert not np.allclose(first, second)

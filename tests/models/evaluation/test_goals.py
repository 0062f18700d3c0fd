"""Goals: what is met follows from the figures and the limits alone, and the table says on whom they were measured."""

import json
from typing import Any

import pytest

from models.evaluation.goal_rows import Found, Measure, Row, judged, measuring, rows
from models.evaluation.goals import Goal, Limit, goal_from, goals_table

FIGURE = {"value": 0.9, "low": 0.8, "high": 1.0, "n": 1200, "events": 300}


def found(*measures: Measure) -> Found:
    """Measures with settings and a test set."""
    return Found(measures, ("c" * 64, "t" * 64))


def goal(**limits: Any) -> Goal:
    """The figure above, held against some limits."""
    limit = Limit(**limits)
    return Row("x", "X", (limit,)).goal("", found(Measure(FIGURE)))


@pytest.mark.parametrize(
    ("limits", "met"),
    [
        ({"judged": "point", "at_least": 0.9}, True),
        ({"judged": "point", "at_least": 0.91}, False),
        ({"judged": "point", "at_least": 0.5, "at_most": 0.89}, False),
        ({"judged": "low", "at_least": 0.8}, True),
        ({"judged": "low", "above": 0.8}, False),
        ({"judged": "low", "above": 0.79}, True),
        ({"judged": "high", "at_most": 0.99}, False),
        ({"judged": "interval", "includes": 1.0}, True),
        ({"judged": "interval", "includes": 0.0}, False),
        ({"judged": "reported"}, None),
    ],
)
def test_what_is_met_follows_from_value_low_and_high(limits: dict[str, Any], met: bool | None):
    """Bounds belong to "at least" and "at most", and not to "above"; what is only reported is never met or missed."""
    assert met is goal(**limits).met


@pytest.mark.parametrize("limits", [{"judged": "point", "at_least": 0.0}, {"judged": "interval", "includes": 0.0}])
def test_a_goal_without_a_figure_is_not_met(limits: dict[str, Any]):
    """A refused figure is no success, and its reason is told."""
    refused = Measure({"value": None, "refused": "too few", "n": 3, "events": 1})
    missed = Row("x", "X", (Limit(**limits),)).goal("", found(refused))
    assert (False, "too few") == (missed.met, missed.detail)


@pytest.mark.parametrize(
    "limits",
    [
        {"judged": "point"}, {"judged": "interval", "at_least": 0.0}, {"judged": "reported", "at_most": 1.0},
        {"judged": "by eye", "at_least": 0.0}, {"judged": "low", "includes": 0.0},
    ],
)  # fmt: skip
def test_a_limit_that_cannot_be_judged_is_refused(limits: dict[str, Any]):
    """A judged figure needs a number to be held against, and the right one."""
    with pytest.raises(ValueError, match="judged"):
        Limit(**limits)


def test_a_goal_survives_json_and_a_typed_met_does_not():
    """The figures come back; a ``met`` that they do not bear is refused."""
    held = goal(judged="low", at_least=0.95)
    written = json.loads(json.dumps(held.as_json()))
    assert held == goal_from(written)
    assert (False, "low", "lower bound >= 0.95") == (written["met"], written["judged"], written["target"])
    with pytest.raises(ValueError, match="met = False, not True"):
        goal_from(written | {"met": True})


def calibration(**values: float) -> Goal:
    """The goal of calibration with these values, all at 6 h."""
    row = next(one for one in rows() if one.id == "calibration")
    measures = [Measure(FIGURE | {"value": value}, of, "6 h") for of, value in values.items()]
    return row.goal("a", found(*measures))


def test_the_figure_that_strains_its_limit_most_stands_for_the_goal():
    """Slope 1.06 uses 60 % of what is allowed, O:E 0.96 80 %; an ICI of 0.021 passes its limit and fails the goal."""
    held = calibration(calibration_slope=1.06, observed_to_expected=0.96, ici=0.01)
    assert ("O:E at 6 h", True) == (held.detail, held.met)
    missed = calibration(calibration_slope=1.06, observed_to_expected=0.96, ici=0.021)
    assert ("ICI at 6 h", 0.021, False) == (missed.detail, missed.value, missed.met)
    low = calibration(calibration_slope=0.89, observed_to_expected=1.0, ici=0.0)
    assert ("slope at 6 h", False) == (low.detail, low.met)


def test_one_missing_figure_of_several_fails_the_goal():
    """Met means that all hold, also the one that could not be computed."""
    row = next(one for one in rows() if one.id == "reader")
    missing = Measure({"value": None, "refused": "no sentence", "n": 0, "events": 0}, where="stenosis")
    held = row.goal("", found(Measure(FIGURE | {"value": 0.99}, where="occlusion"), missing))
    assert (False, "stenosis: no sentence") == (held.met, held.detail)


def test_several_limits_need_a_way_to_be_compared():
    """Without the best value nothing says which of two figures is the worse."""
    limits = (Limit("point", of="a", at_most=1.0), Limit("point", of="b", at_most=1.0, best=0.0))
    with pytest.raises(ValueError, match="needs `of` and `best`"):
        Row("x", "X", limits)


def test_every_goal_stands_in_the_list_measured_or_not():
    """A goal without a figure is there, not measured and not met; what is no goal is refused."""
    goals = judged({("auc lost", "a"): found(Measure(FIGURE | {"value": 0.01}))})
    assert sum(len(row.worlds) for row in rows()) == len(goals)
    assert [("World A, 10,000 stays: AUC lost against O_obs", True)] == [
        (one.name, one.met) for one in goals if one.n > 0
    ]
    others = goals[1:]
    assert {"not measured"} == {one.detail for one in others}
    assert {False, None} == {one.met for one in others}
    with pytest.raises(ValueError, match="no goal"):
        judged({("auc lost", "z"): found(Measure(FIGURE))})


def test_the_limits_are_those_that_were_set():
    """The targets in words, one for each row."""
    calibrated = "slope >= 0.9 and <= 1.1, O:E >= 0.95 and <= 1.05, ICI <= 0.02"
    expected = {
        "auc lost": "point <= 0.02",
        "share by text": "lower bound >= 0.8",
        "auc lost elsewhere": "reported",
        "calibration after recalibration": calibrated,
        "gain from text": "interval includes 0",
        "calibration": calibrated,
        "cohorts: to logistic regression": "lower bound > -0.01",
        "cohorts: to gradient boosting": "lower bound > 0",
        "cohorts: to Concat-Fusion": "lower bound >= 0.05",
        "cohorts: share by text": "point >= 0.6",
        "reader": "point >= 0.95",
        "reader: grave findings": "point >= 0.97",
        "reader with rules": "lower bound >= -0.01",
        "IST-1: endwatch_minus_logistic_regression": "lower bound > -0.01",
        "IST-1: endwatch_minus_gradient_boosting": "lower bound > -0.01",
    }
    assert expected == {row.id: row.goal("", None).target for row in rows()}
    assert measuring().draws >= 500


def test_the_table_opens_with_whom_it_is_about_and_keeps_its_columns():
    """One sentence on simulated patients and IST-1; then lines of one width, with figure, interval and verdict."""
    table = goals_table([one.as_json() for one in judged({("auc lost", "a"): found(Measure(FIGURE))})])
    first, blank, *lines = table.splitlines()
    assert "" == blank
    assert all(word in first for word in ("simulated patients", "nothing about real patients", "IST-1"))
    assert 1 == len({len(line) for line in lines})
    assert ["0.900 (0.800 to 1.000)", "point <= 0.02", "no", "1,200 (300)"] == [
        cell.strip() for cell in lines[2].split("|")[2:-1]
    ]
    assert "No goal was measured.\n" == goals_table([])

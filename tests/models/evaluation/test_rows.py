"""Wrong rows and answers are refused before any figure, with the reason and the place."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.evaluation.document import About
from models.evaluation.groups import schedules_of, subgroup_features, subgroups_of
from models.evaluation.plan import Plan
from models.evaluation.rows import Scored, check_scored
from tests.models.evaluation.drawn import changed, rows_and_models

ROWS, MODELS = rows_and_models(60)


def test_good_rows_pass():
    """The drawn test set itself is refused nowhere."""
    check_scored(ROWS, MODELS)
    assert 60 == len(set(ROWS.stays))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"outcome": np.zeros(len(ROWS)), "raised_h": np.full(len(ROWS), np.nan)}, "one class only: all .* are 0"),
        ({"outcome": np.full(len(ROWS), np.nan), "raised_h": np.full(len(ROWS), np.nan)}, "no outcome is known"),
        ({"hours": ROWS.hours[:-1]}, rf"hours: {len(ROWS) - 1} values for {len(ROWS)} rows"),
        ({"groups": {"sex: female": np.ones(3, bool)}}, "sex: female: 3 values"),
        ({"groups": {"female": np.ones(len(ROWS), bool)}}, "'female' must be named 'family: level'"),
        ({"event": np.full(len(ROWS), 0.5)}, "event: 1, 0 or NaN, not 0.5"),
        ({"raised_h": np.full(len(ROWS), 100.0)}, "stay stay-.* has a raised score but no END"),
        ({"raised_h": np.where(ROWS.outcome == 1, 0.5, np.nan)}, "END at 0.5 h precedes the call"),
        ({"hours": np.ones(len(ROWS))}, "stay stay-.* has two rows at 1 h"),
        ({"ends": {}}, "stay stay-0000 has no end of follow-up"),
        ({"ends": dict.fromkeys(ROWS.stays, ("died", 3.0))}, "not died"),
        ({"series": {}}, "no stay has an NIHSS series"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_evaluated_are_refused(fields: dict[str, Any], said: str):
    """Each fault stops with its reason and the stay or value that has it."""
    with pytest.raises(ValueError, match=said):
        changed(ROWS, **fields)


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ([], "no model to evaluate"),
        ([MODELS[0], MODELS[0]], "two models are named knowing"),
        ([replace(MODELS[0], risks=MODELS[0].risks[1:])], "knowing: .* risks for .* rows"),
        ([replace(MODELS[0], thresholds=np.ones(3))], "knowing: 3 thresholds for"),
        ([replace(MODELS[0], thresholds=np.full(len(ROWS), np.nan))], "knowing: a threshold that is no number"),
        ([Scored("sure", np.full(len(ROWS), 1.5))], "sure: a risk outside 0..1: 1.5"),
        ([Scored("lost", np.full(len(ROWS), np.nan))], "lost: a risk outside 0..1: nan"),
        ([Scored("lost", np.full(len(ROWS), np.nan), probability=False)], "lost: a score that is no number"),
    ],
)
def test_answers_that_are_no_risks_are_refused_by_name(models: list[Scored], said: str):
    """The model and the value are named."""
    with pytest.raises(ValueError, match=said):
        check_scored(ROWS, models)


def test_the_threshold_itself_is_flagged():
    """Reaching it is enough; without thresholds nothing is flagged, and that is not the same as none."""
    scored = Scored("one", np.array([0.4, 0.3999, 0.9]), thresholds=np.array([0.4, 0.4, 0.95]))
    flagged = scored.flagged()
    assert flagged is not None
    assert [True, False, False] == flagged.tolist()
    assert replace(scored, thresholds=None).flagged() is None


def test_simulated_patients_must_be_called_so():
    """A statement that hides the simulation is refused, and so is none at all."""
    with pytest.raises(ValueError, match="must say that the patients are simulated"):
        About("Validated.", "simulated", "00")
    with pytest.raises(ValueError, match="needs a statement"):
        About(" ", "a hospital", "00")


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"draws": 1}, "1 draws"), ({"primary_h": 7.0}, "7 h, is none"), ({"thresholds": (1.0,)}, "not at 1.0")],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(fields: dict[str, Any], said: str):
    """Draws, landmark and thresholds are checked when the plan is made."""
    with pytest.raises(ValueError, match=said):
        Plan(**fields)


def test_the_levels_of_a_subgroup_split_the_known_values():
    """Every known value is in one level of each family, an unknown one in the level of the unknown."""
    columns = {name: np.array([0.0, 1.0, 0.56, 70.0, np.nan]) for name in subgroup_features()}
    found = subgroups_of(columns)
    for family in {name.partition(": ")[0] for name in found}:
        levels = np.array([inside for name, inside in found.items() if name.startswith(f"{family}: ")])
        assert [1, 1, 1, 1, 1] == levels.sum(0).tolist()
    assert [False, True, True, True, False] == found["D-dimer: 0.56 mg/L or more"].tolist()
    assert [False, False, False, False, True] == found["age: unknown"].tolist()
    with pytest.raises(ValueError, match="need the input d_dimer"):
        subgroups_of({"nihss_baseline": np.ones(1)})


def test_each_schedule_is_a_group():
    """Rows are grouped by the schedule that their stay was on."""
    found = schedules_of(["ward", "protocol", "ward"])
    assert {"schedule: protocol": [False, True, False], "schedule: ward": [True, False, True]} == {
        name: inside.tolist() for name, inside in found.items()
    }

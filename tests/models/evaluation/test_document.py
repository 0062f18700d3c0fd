"""evaluation.json: every figure or its reason, the same again, and nothing for the sake of a number."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.evaluation.document import SIMULATED_STATEMENT, About, evaluation, sha256_of, write_evaluation
from models.evaluation.metrics import auc
from models.evaluation.ranking import FLAGGING
from tests.models.evaluation.drawn import ABOUT, PLAN, changed, rows_and_models
from tests.models.evaluation.schema import Document

ROWS, MODELS = rows_and_models()
FOUND = evaluation(ROWS, MODELS, ABOUT, PLAN)


def figures(held: Any) -> Iterator[dict[str, Any]]:
    """Every figure of a document, wherever it stands."""
    if isinstance(held, dict):
        if "value" in held:
            yield held
        for one in held.values():
            yield from figures(one)
    elif isinstance(held, list):
        for one in held:
            yield from figures(one)


def test_the_file_is_as_promised(tmp_path: Path):
    """It validates against the schema after being written and read, and opens with the statement."""
    write_evaluation(tmp_path / "evaluation.json", FOUND)
    text = (tmp_path / "evaluation.json").read_text("utf-8")
    held = Document.model_validate_json(text)
    assert "statement" == next(iter(json.loads(text)))
    assert (SIMULATED_STATEMENT, 3) == (held.statement, len(held.models))
    assert (len(set(ROWS.stays)), len(ROWS)) == (held.n_admissions, held.n_rows)


def test_every_figure_has_n_events_and_an_order():
    """A value lies within its interval or is refused with a reason; counts stand beside each."""
    held = list(figures(FOUND))
    assert len(held) > 500
    for one in held:
        assert 0 <= one["events"] <= one["n"]
        if one["value"] is None:
            assert one["refused"]
        elif one["low"] is not None:
            assert one["low"] - 1e-6 <= one["high"] + 1e-6


def test_figures_are_those_of_their_rows():
    """The AUC at 6 h is that of the rows at 6 h, and against the event that of the event."""
    at = ROWS.at(6) & ROWS.known()
    model = FOUND["models"]["knowing"]
    assert auc(ROWS.outcome[at], MODELS[0].risks[at]) == pytest.approx(
        model["landmarks"]["6"]["auc"]["value"], abs=1e-6
    )
    assert ROWS.event is not None
    truth = auc(ROWS.event[ROWS.at(6)], MODELS[0].risks[ROWS.at(6)])
    assert truth == pytest.approx(model["event_truth"]["landmarks"]["6"]["auc"]["value"], abs=1e-6)


def test_a_figure_on_too_few_events_is_refused_and_says_so():
    """Six admissions make no subgroup: all its figures are null with the reason."""
    reasons = {one["refused"] for one in FOUND["models"]["knowing"]["subgroups"]["rare: yes"].values()}
    assert 1 == len(reasons)
    assert "fewer than 10" in reasons.pop()


def test_too_few_without_end_are_too_few_as_well():
    """The rule counts both sides."""
    free_at_6 = np.flatnonzero((ROWS.outcome == 0) & ROWS.at(6))[9:]
    outcome = ROWS.outcome.copy()
    outcome[np.isin(np.asarray(ROWS.stays), np.asarray(ROWS.stays)[free_at_6])] = np.nan
    found = evaluation(changed(ROWS, outcome=outcome), MODELS[:1], ABOUT, PLAN)
    assert (
        "only 9 admissions without END: fewer than 10" == found["models"]["knowing"]["landmarks"]["6"]["auc"]["refused"]
    )


def test_what_a_model_cannot_have_is_refused_for_it_alone():
    """A ranking has an AUC but no Brier; without a threshold nothing is flagged; the others have both."""
    ranking, knowing = FOUND["models"]["ranking"], FOUND["models"]["knowing"]
    assert ranking["overall"]["auc"]["value"] > 0.5
    assert "its output is a ranking, no probability" == ranking["overall"]["brier"]["refused"]
    assert "no threshold was set for it beforehand" == ranking["overall"]["recall"]["refused"]
    assert {"auc", "auprc"} == set(knowing["early_late"]["early"])
    assert all(one["value"] is not None for one in knowing["overall"].values())
    for part in ("cumulative_incidence", "trajectories"):
        assert "no threshold was set for it beforehand" == FOUND[part]["models"]["ranking"]["refused"]


def test_each_row_is_flagged_by_its_own_threshold():
    """Recall and precision are those of the rows' own thresholds; the document tells the threshold of each hour."""
    own = np.where(ROWS.hours < 2, 0.6, np.where(ROWS.hours < 12, 0.3, 0.1))
    found = evaluation(ROWS, [replace(MODELS[0], thresholds=own)], ABOUT, PLAN)["models"]["knowing"]
    assert [[1.0, 0.6], [6.0, 0.3], [24.0, 0.1]] == found["thresholds"]
    known, ended = ROWS.known(), ROWS.outcome == 1
    flagged = MODELS[0].risks >= own
    assert (flagged & ended).sum() / ended.sum() == pytest.approx(found["overall"]["recall"]["value"], abs=1e-6)
    assert (flagged & ended).sum() / (flagged & known).sum() == pytest.approx(
        found["overall"]["precision"]["value"], abs=1e-6
    )
    assert found["overall"]["recall"]["low"] < found["overall"]["recall"]["value"] < found["overall"]["recall"]["high"]


def test_a_threshold_says_nothing_about_ranking():
    """Other thresholds move what flagging does, and neither AUC nor calibration."""
    one, two = (
        evaluation(ROWS, [replace(MODELS[0], thresholds=np.full(len(ROWS), at))], ABOUT, PLAN)["models"]["knowing"]
        for at in (0.2, 0.7)
    )
    for name, figure in one["overall"].items():
        moved = figure["value"] != two["overall"][name]["value"]
        assert moved == (name in FLAGGING), name


def test_real_patients_have_no_simulated_truth():
    """Without the event the part says why it is empty."""
    about = About("Patients of one hospital; no external validation.", "a hospital", "00" * 32)
    found = evaluation(changed(ROWS, event=None), MODELS[:1], about, PLAN)
    assert "simulated patients only" in found["models"]["knowing"]["event_truth"]["refused"]
    Document.model_validate_json(json.dumps(found))


def test_a_difference_is_that_of_the_two_values_on_the_same_draws():
    """Its value is their difference, and pairing makes its interval narrower than two unpaired ones."""
    (one,) = (
        pair for pair in FOUND["paired"]
        if (pair["model"], pair["other"], pair["rows"], pair["metric"]) == ("knowing", "half", "6", "auc")
    )  # fmt: skip
    left, right = (FOUND["models"][name]["landmarks"]["6"]["auc"] for name in ("knowing", "half"))
    assert left["value"] - right["value"] == pytest.approx(one["value"], abs=2e-6)
    widths = [figure["high"] - figure["low"] for figure in (left, right)]
    assert one["high"] - one["low"] < np.hypot(*widths)


def test_every_pair_is_compared_once_overall_and_by_landmark():
    """Three models make three pairs, each on four sets of rows by three metrics."""
    assert 3 * 4 * 3 == len(FOUND["paired"])
    brier = [one for one in FOUND["paired"] if one["other"] == "ranking" and one["metric"] == "brier"]
    assert {"its output is a ranking, no probability"} == {one["refused"] for one in brier}


def test_the_same_evaluation_gives_the_same_document():
    """Nothing depends on the time or on the order of anything but the models."""
    assert FOUND == evaluation(ROWS, MODELS, ABOUT, PLAN)


def test_the_hash_is_of_stays_hours_and_outcomes():
    """Another outcome is another test set; other risks or groups are not."""
    other = changed(ROWS, groups={})
    assert sha256_of(ROWS) == sha256_of(other) == FOUND["test_set_sha256"]
    outcome = np.where(np.arange(len(ROWS)) == int(np.flatnonzero(ROWS.outcome == 0)[0]), np.nan, ROWS.outcome)
    assert sha256_of(ROWS) != sha256_of(changed(ROWS, outcome=outcome))


def test_a_number_that_is_none_is_not_written(tmp_path: Path):
    """JSON has no NaN: such a document is a fault, not a file."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_evaluation(tmp_path / "evaluation.json", {"value": float("nan")})


def test_progress_reaches_its_end():
    """It counts up to the total that it names."""
    seen: list[tuple[int, int]] = []
    evaluation(ROWS, MODELS[:1], ABOUT, PLAN, lambda done, total: seen.append((done, total)))
    assert [(number, len(seen)) for number in range(1, len(seen) + 1)] == seen

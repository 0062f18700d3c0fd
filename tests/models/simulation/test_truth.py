"""The truth of a stay: the event, what the charted rule reads, and how both are written."""

import csv
from pathlib import Path

from models.simulation.charting import charted_end
from models.simulation.cohort import draw_charts, simulate
from models.simulation.history import labeled_history
from models.simulation.truth import TRUTH_COLUMNS, as_row, truth_of
from models.simulation.world import load_world

WORLD = load_world("a")


def test_the_event_and_the_rule_stand_apart() -> None:
    """Some events are not charted as END and some charted ENDs are no events; both have their hours."""
    truths = [truth_of(WORLD, chart) for chart in draw_charts(WORLD, 300, 5)]
    pairs = {(one.end_event, one.end_rule) for one in truths}
    assert {(True, True), (False, False), (True, False), (False, True)} <= pairs
    assert all((one.end_event_hours is None) is not one.end_event for one in truths)
    assert all((one.end_rule_hours is None) is not bool(one.end_rule) for one in truths)
    assert all((one.mechanism is None) is not one.end_event for one in truths)


def test_the_rule_is_that_of_the_label() -> None:
    """Where the label says END by a charted rise, the truth's rule fired at that hour."""
    for chart in draw_charts(WORLD, 80, 5):
        truth, outcome = truth_of(WORLD, chart), labeled_history(chart)[1]
        assert truth.end_rule is None if outcome.kind == "no_label" else truth.end_rule is not None
        if outcome.row == "rise":
            assert outcome.raised_h == truth.end_rule_hours
        assert charted_end(chart.exams, chart.stay.t0).met is bool(truth.end_rule)


def test_a_row_is_written_with_plain_cells(tmp_path: Path) -> None:
    """Yes and no are 1 and 0, what did not happen is empty, and every column is there."""
    simulate(30, 5, "a", tmp_path)
    rows = list(csv.DictReader((tmp_path / "truth.csv").read_text("utf-8").splitlines()))
    assert list(TRUTH_COLUMNS) == list(rows[0])
    assert {"0", "1"} == {row["end_event"] for row in rows}
    assert {"0", "1"} <= {row["end_rule"] for row in rows} <= {"0", "1", ""}
    assert all(bool(row["end_event_hours"]) is (row["end_event"] == "1") for row in rows)
    chart = next(draw_charts(WORLD, 30, 5))
    assert as_row(truth_of(WORLD, chart)) == rows[0]

"""The figures of an artifact: censored rows left out, honest about simulated patients."""

from models.training.figures import LANDMARKS_H, SIMULATED, evaluate_table, figures, risks_of
from tests.models.trained import table, trained


def test_censored_rows_are_left_out_and_counted():
    """A row without known outcome enters no figure, and the count says so."""
    rows = table(60, seed=5)
    targets = rows.targets
    targets.until[0], targets.event[0] = 30.0, False
    found = figures(risks_of(trained().net, rows), rows, draws=20)
    assert 1 == found["censored_rows_left_out"]
    assert len(rows) - 1 == found["rows"]


def test_the_evaluation_says_what_it_is_worth():
    """Simulated figures open with the sentence that they say nothing of real patients; by landmark too."""
    found = evaluate_table(trained().net, table(150, seed=5), "simulated")
    assert SIMULATED == found["statement"]
    assert "say nothing about real patients" in found["statement"]
    assert {"1", "24", "72"} == set(found["by_landmark_hour"])
    assert {1.0, 24.0, 72.0} < set(LANDMARKS_H)


def test_a_trained_network_beats_chance_on_new_stays():
    """On a fresh draw of the same small world the AUC is well above one half, its interval around it."""
    rows = table(300, seed=6)
    found = figures(risks_of(trained().net, rows), rows)["auc"]
    assert 0.65 < found["value"]
    assert found["interval_95"][0] < found["value"] < found["interval_95"][1]

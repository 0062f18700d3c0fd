"""Labels of a small simulated cohort, read through FHIR, against the truth that was simulated."""

import csv
from collections.abc import Mapping
from math import sqrt

import pytest

from models.simulation.cohort import simulate
from models.training.cohort import read_charts
from models.training.labels import Outcome, label_chart

pytestmark = pytest.mark.slow

PATIENTS = 300
SENSITIVITY = 0.8
"""At least this share of simulated events is charted as END where follow-up was adequate (assumption)."""
SPECIFICITY = 0.9
"""The simulator's own aim: without an event the rule fires in at most a tenth."""
A_MINUTE = 1 / 60 + 1e-6
KINDS = {"discharge_alive": "discharge"}
"""Names of departures that differ between labels and truth."""

Labeled = list[tuple[Mapping[str, str], Outcome]]


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> Labeled:
    """The truth of each patient beside the label of its chart."""
    folder = tmp_path_factory.mktemp("cohort")
    simulate(PATIENTS, 21, "a", folder)
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["patient"]: row for row in csv.DictReader(file)}
    return [(truth[chart.patient_id], label_chart(chart)[1]) for chart in read_charts(folder)]


def test_a_rise_is_labeled_where_and_when_the_charted_series_has_it(labeled: Labeled) -> None:
    """The raised score is that of the series before it became FHIR; without a rise there no label says one."""
    risen = [(truth, outcome) for truth, outcome in labeled if outcome.row in ("rise", "rise_before_procedure")]
    assert len(risen) > PATIENTS / 10
    for truth, outcome in risen:
        assert float(truth["end_rule_hours"]) == pytest.approx(outcome.raised_h, abs=A_MINUTE)


def test_a_charted_rise_without_a_label_was_overtaken_or_not_followed(labeled: Labeled) -> None:
    """Each is lost to a gap before it, or something competed before it."""
    others = [(truth, outcome) for truth, outcome in labeled if truth["end_rule_hours"] and outcome.kind != "end"]
    for truth, outcome in others:
        watched = outcome.censored_h if outcome.kind == "censored" else outcome.competing_h
        assert outcome.kind in ("censored", "competing")
        assert watched is not None
        assert watched < float(truth["end_rule_hours"]) + A_MINUTE
    assert len(others) < PATIENTS / 10


def test_labels_tell_events_from_their_absence(labeled: Labeled) -> None:
    """Sensitivity and specificity for the simulated event, among stays that were not censored, within three
    standard errors of their bounds.
    """
    decided = [(truth, outcome) for truth, outcome in labeled if outcome.kind in ("end", "competing", "event_free")]
    for happened, right, bound in ((True, "end", SENSITIVITY), (False, "not end", SPECIFICITY)):
        labels = [outcome.kind == "end" for truth, outcome in decided if bool(truth["end_event_hours"]) is happened]
        share = sum(one is (right == "end") for one in labels) / len(labels)
        assert share >= bound - 3 * sqrt(bound * (1 - bound) / len(labels))


def test_end_is_charted_after_the_event(labeled: Labeled) -> None:
    """The raised score follows the event in nine of ten; in the others scoring itself was off."""
    both = [(truth, outcome) for truth, outcome in labeled if outcome.kind == "end" and truth["end_event_hours"]]
    later = [float(truth["end_event_hours"]) <= (outcome.raised_h or 0.0) for truth, outcome in both]
    assert sum(later) >= 0.9 * len(later)


def test_what_competes_is_what_ended_the_stay(labeled: Labeled) -> None:
    """Kind and hour are those of the simulated departure; procedures are no departures there."""
    ended = [(truth, outcome) for truth, outcome in labeled if outcome.competing and outcome.row != "procedure"]
    assert {"discharge_alive", "other_death"} <= {outcome.competing for _, outcome in ended}
    for truth, outcome in ended:
        assert truth["competing_kind"] == KINDS.get(str(outcome.competing), outcome.competing)
        assert float(truth["competing_hours"]) == pytest.approx(outcome.competing_h, abs=A_MINUTE)

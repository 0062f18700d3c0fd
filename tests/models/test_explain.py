"""Reasons: they add up, they point to their sentence, and each says where its effect comes from."""

import pytest
import torch

from models.design import Design, FindingTerm
from models.explain import ASSUMED, contributions, risk_points
from models.net import remaining_risk
from tests.models.inputs_builder import finding, inputs, sentence

SPAN = torch.tensor([6.0, 168.0])
LOGITS = torch.tensor([-2.0, -2.5, -3.0, -3.5, -4.0])
DESIGN = Design(
    features=("age", "glucose"),
    labels=("Age", "Glucose"),
    log=frozenset({"glucose"}),
    flags=frozenset(),
    terms=(FindingTerm("hyperdense_artery", "hyperdense artery", "hyperdense_artery", "present"),),
)


def risk(logits: torch.Tensor) -> float:
    """The remaining risk at hour 6."""
    return float(remaining_risk(logits, SPAN[0], SPAN[1]))


@pytest.mark.parametrize("terms", [[0.5, 0.3], [0.9, -0.4], [-1.5, 0.2], [0.02, -0.019]])
def test_points_add_up_to_the_difference(terms: list[float]):
    """Whatever the terms, their points sum to risk - reference."""
    moved, reference = risk(LOGITS + sum(terms)), risk(LOGITS)
    points = risk_points(torch.tensor(terms), moved, reference, LOGITS, SPAN)
    assert moved - reference == pytest.approx(sum(points), abs=1e-6)


def test_points_keep_sign_and_proportion():
    """A term twice as large in log-odds has twice the points; opposite ones keep opposite signs."""
    points = risk_points(torch.tensor([0.8, 0.4, -0.2]), risk(LOGITS + 1.0), risk(LOGITS), LOGITS, SPAN)
    assert points[0] == pytest.approx(2 * points[1])
    assert points[2] < 0 < points[1]


def test_terms_that_cancel_still_have_points():
    """Where the sum is nothing, the slope at the reference scales the terms and they cancel."""
    points = risk_points(torch.tensor([0.5, -0.5]), risk(LOGITS), risk(LOGITS), LOGITS, SPAN)
    assert points[0] > 0.01
    assert 0 == pytest.approx(sum(points))


def test_a_reason_names_its_source_and_its_sentence():
    """Known effects carry their source, the others the simulation; a finding points to its sentence."""
    row = inputs(
        sentences=[sentence("Normal."), sentence("Dense MCA.")], findings=[finding("hyperdense_artery", place=1)]
    )
    found = contributions([0.01, 0.02, 0.05, 0.0, -0.03], row, DESIGN, {"hyperdense_artery": "Seners 2015"})
    named = {one.feature: one for one in found}
    assert ("Seners 2015", 1) == (named["hyperdense_artery"].source, named["hyperdense_artery"].sentence)
    assert ASSUMED == named["age"].source
    assert "report text (embedding)" == named["report_text"].label


def test_the_largest_reason_stands_first():
    """Contributions are ordered by size, whatever their sign."""
    found = contributions([0.01, 0.02, 0.05, 0.0, -0.3], inputs(), DESIGN, {})
    assert ["report_text", "hyperdense_artery", "glucose"] == [one.feature for one in found[:3]]


def test_what_was_not_observed_says_so():
    """A contribution of a missing value or finding is labeled as such."""
    row = inputs(values={"glucose": None})
    labels = {one.feature: one.label for one in contributions([0.0] * 5, row, DESIGN, {})}
    assert "Glucose: not observed" == labels["glucose"]
    assert "hyperdense artery: not read" == labels["hyperdense_artery"]
    assert "no report" == labels["no_report"]

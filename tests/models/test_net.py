"""The network: additive where it says so, hazards turned into risk by the stated rule, text bounded."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.net import DEEP_LIMIT, EDGES_H, Batch, FusionNet, Shape, cumulative_hazard, remaining_risk

SHAPE = Shape(features=3, findings=2, embedding=8, projected=2, hidden=2, heads=2)


def net(seed: int = 0) -> FusionNet:
    """A small network with random weights, also in the parts that start at zero."""
    torch.manual_seed(seed)
    made = FusionNet(SHAPE)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    made.missing_rate.copy_(torch.tensor([0.1, 0.2, 0.3]))
    made.finding_rate.copy_(torch.tensor([0.4, 0.5]))
    made.text_axes.copy_(torch.randn(8, 2))
    return made.requires_grad_(False)


def batch(**other: torch.Tensor) -> Batch:
    """One row with two of three values observed."""
    row = {
        "values": torch.tensor([[1.0, 2.0, 0.0]]), "observed": torch.tensor([[1.0, 1.0, 0.0]]),
        "findings": torch.tensor([[1.0, 0.0]]), "note": torch.zeros(1, 2), "has_note": torch.zeros(1),
    }  # fmt: skip
    return Batch(**(row | other))


def test_the_hazard_is_spread_evenly_within_an_interval():
    """At hour 30 all of the first interval counts and a quarter of the second, on the cumulative scale."""
    hazards = torch.tensor([0.2, 0.1, 0.05, 0.04, 0.02])
    expected = -math.log(1 - 0.2) - math.log(1 - 0.1) / 4
    assert expected == pytest.approx(float(cumulative_hazard(torch.logit(hazards), torch.tensor(30.0))), abs=1e-6)


def test_whole_intervals_multiply_to_the_survival():
    """From arrival to 168 h the risk is one minus the product of the intervals' survivals."""
    hazards = torch.tensor([0.2, 0.1, 0.05, 0.04, 0.02])
    expected = 1 - 0.8 * 0.9 * 0.95 * 0.96 * 0.98
    risk = remaining_risk(torch.logit(hazards), torch.tensor(0.0), torch.tensor(168.0))
    assert expected == pytest.approx(float(risk), abs=1e-6)


def test_the_remaining_risk_is_conditional_on_being_free_so_far():
    """1 - S(168) / S(48): the first two intervals no longer matter."""
    hazards = torch.tensor([0.9, 0.9, 0.05, 0.04, 0.02])
    expected = 1 - 0.95 * 0.96 * 0.98
    risk = remaining_risk(torch.logit(hazards), torch.tensor(48.0), torch.tensor(168.0))
    assert expected == pytest.approx(float(risk), abs=1e-5)


@given(st.floats(0, 168), st.floats(0, 168))
def test_later_is_never_less_hazard(one: float, two: float):
    """The cumulative hazard does not fall with time."""
    logits, early, late = torch.full((5,), -2.0), min(one, two), max(one, two)
    first, second = (cumulative_hazard(logits, torch.tensor(hour)) for hour in (early, late))
    assert float(first) <= float(second) + 1e-6


def test_an_unobserved_value_speaks_only_through_its_indicator():
    """Whatever number stands behind the mask, the answer is the same."""
    model = net()
    other = batch(values=torch.tensor([[1.0, 2.0, 77.0]]))
    assert torch.equal(model.combine(batch()), model.combine(other))


def test_being_missing_has_a_weight_of_its_own():
    """Unmasking a value at the training mean changes the answer by the indicator's weight."""
    model = net()
    seen = batch(observed=torch.ones(1, 3))
    change = model.combine(batch()) - model.combine(seen)  # [H, 1, 5]
    assert torch.allclose(model.missing[:, 2].reshape(2, 1, 1).expand_as(change), change, atol=1e-5)


def test_findings_add_up():
    """Two findings together move the log-odds by the sum of their single moves."""
    model = net()
    moved = {
        pair: model.combine(batch(findings=torch.tensor([list(pair)])))
        for pair in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
    }
    single = moved[1.0, 0.0] - moved[0.0, 0.0] + moved[0.0, 1.0] - moved[0.0, 0.0]
    assert torch.allclose(single, moved[1.0, 1.0] - moved[0.0, 0.0], atol=1e-5)


def test_the_text_part_is_bounded():
    """However odd the note, the embedding moves the log-odds by at most the limit."""
    model = net()
    far = batch(note=torch.full((1, 2), 1e4), has_note=torch.ones(1))
    moved = (model.combine(far) - model.combine(batch())).abs().max()
    assert 0 < float(moved) <= DEEP_LIMIT + 1e-5


def test_no_sentence_reads_as_no_note():
    """Without sentences the note is zero, masked, and the answer finite."""
    model = net()
    note, has_note = model.read(torch.zeros(0, 8))
    assert 0.0 == float(has_note)
    assert bool(model.combine(batch(note=note, has_note=has_note)).isfinite().all())


def test_a_note_read_once_gives_what_the_pooled_note_gives():
    """Serving reads sentences, training projects pooled embeddings: the same numbers."""
    model, sentences = net(), torch.randn(4, 8)
    note, has_note = model.read(sentences)
    assert 1.0 == float(has_note)
    assert torch.allclose(model.project(sentences.mean(0, keepdim=True)), note)


def test_terms_add_up_to_the_distance_from_the_reference():
    """The exact terms of a row sum to its mean logit less the average row's, recalibrated."""
    model = net()
    model.recalibration.copy_(torch.tensor([0.3, 0.8]))
    row = batch(note=torch.ones(1, 2), has_note=torch.ones(1))
    distance = model.combine(row).mean(0)[0] - model.reference_logits()
    assert torch.allclose(distance, model.terms(row).sum().expand(5), atol=1e-5)


def test_the_intervals_are_those_of_the_contract():
    """Edges reach from arrival to 168 h."""
    assert (0, 24, 48, 72, 120, 168) == EDGES_H

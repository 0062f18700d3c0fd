"""The network: every part as it is written down, additive where it says so, gaps silent where they must be."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models.calibrate import remaining_risk
from models.net import EDGES_H, FADES_BY_H, HOUR_BENDS, Batch, FusionNet, Shape, cumulative_hazard, shares_of

SHAPE = Shape(features=3, findings=2, modalities=2, knots=2, embedding=8, axes=2, hidden=4, heads=2)
MEMBERS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
HAZARDS = torch.tensor([0.2, 0.1, 0.05, 0.04, 0.02])


def net(seed: int = 0, *, deep: bool = True) -> FusionNet:
    """A small network with random numbers everywhere; without ``deep`` that part stays at zero."""
    torch.manual_seed(seed)
    made = FusionNet(SHAPE)
    for name, parameter in made.named_parameters():
        if deep or not name.startswith("deep"):
            torch.nn.init.normal_(parameter, std=0.5)
    for buffer in (made.center, made.knots, made.text_mean, made.text_axes):
        buffer.normal_()
    made.scale.uniform_(0.5, 2.0)
    made.average.uniform_()
    made.members.copy_(MEMBERS)
    return made.requires_grad_(False)


def batch(**other: Tensor) -> Batch:
    """One row: two of three values observed, one finding unsure, a note, hour 30."""
    row = {
        "values": torch.tensor([[1.0, 2.0, 0.0]]), "observed": torch.tensor([[1.0, 1.0, 0.0]]),
        "findings": torch.tensor([[0.7, 0.0]]), "note": torch.linspace(-1, 1, 8)[None], "has_note": torch.ones(1),
        "hours": torch.tensor([30.0]),
    }  # fmt: skip
    return Batch(**(row | other))


def by_hand(model: FusionNet, row: Batch) -> np.ndarray:
    """The hazard logits [H, 5] of one row, number by number, from the description of the network alone."""
    held = {name: value.double().numpy() for name, value in model.state_dict().items()}
    hour, seen = float(row.hours[0]), row.observed[0].numpy()
    z = [
        float((row.values[0, f] - held["center"][f]) / held["scale"][f]) if seen[f] else 0.0
        for f in range(SHAPE.features)
    ]
    bends = [
        (max(z[f] - knot, 0) - max(-knot, 0)) if seen[f] else 0.0
        for f in range(SHAPE.features) for knot in held["knots"][f]
    ]  # fmt: skip
    found, gaps = row.findings[0].tolist(), [1 - one for one in seen]
    unseen = [float(not any(seen[f] for f in range(SHAPE.features) if belongs[f])) for belongs in MEMBERS.tolist()]
    text = (row.note[0].double().numpy() - held["text_mean"]) @ held["text_axes"] * float(row.has_note[0])
    share = min(hour / FADES_BY_H, 1)
    time = [hour / 24, *(max(hour - bend, 0) / 24 for bend in HOUR_BENDS)]
    columns = [*z, *bends, *gaps, *found, *unseen, *text, *(share * one for one in [*z, *found]), *time]
    inputs = np.array([*z, *seen, *found, share])
    answers = []
    for head in range(SHAPE.heads):
        hidden = np.tanh(inputs @ held["deep_in"][head] + held["deep_bias"][head, 0])
        deep = float(hidden @ held["deep_out"][head, :, 0])
        answers.append(held["interval"][head] + held["weights"][head] @ np.array(columns) + deep)
    return np.stack(answers)


@pytest.mark.parametrize(
    "row",
    [
        batch(),
        batch(hours=torch.tensor([100.0]), observed=torch.tensor([[0.0, 1.0, 1.0]])),
        batch(observed=torch.zeros(1, 3), has_note=torch.zeros(1), hours=torch.tensor([3.0])),
    ],
    ids=["usual", "late, a modality unseen", "nothing observed, no note"],
)
def test_the_network_does_what_is_written(row: Batch):
    """Its answer is that of the description worked out number by number, whatever is missing."""
    model = net()
    assert np.allclose(by_hand(model, row), model(row)[:, 0].numpy(), atol=1e-5)


def test_rows_are_answered_one_by_one():
    """A row's answer does not depend on the rows beside it."""
    model, one, other = net(), batch(), batch(values=torch.tensor([[-3.0, 1.0, 0.0]]))
    both = Batch(*(torch.cat([getattr(one, name), getattr(other, name)]) for name in Batch.__annotations__))
    assert torch.allclose(torch.cat([model(one), model(other)], dim=1), model(both), atol=1e-6)


def test_the_hazard_is_spread_evenly_within_an_interval():
    """At hour 30 all of the first interval counts and a quarter of the second, on the cumulative scale."""
    expected = -math.log(1 - 0.2) - math.log(1 - 0.1) / 4
    assert expected == pytest.approx(float(cumulative_hazard(torch.logit(HAZARDS), torch.tensor(30.0))), abs=1e-6)
    assert [1.0, 0.25, 0.0, 0.0, 0.0] == shares_of(torch.tensor(30.0)).tolist()


def test_whole_intervals_multiply_to_the_survival():
    """From arrival to 168 h the risk is one minus the product of the intervals' survivals."""
    expected = 1 - 0.8 * 0.9 * 0.95 * 0.96 * 0.98
    risk = remaining_risk(torch.logit(HAZARDS), torch.tensor(0.0), torch.tensor(168.0))
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


def test_an_unobserved_value_speaks_only_through_its_gap():
    """Whatever number stands behind the mask, answer, terms and spread are the same."""
    model, other = net(), batch(values=torch.tensor([[1.0, 2.0, 77.0]]))
    assert torch.equal(model(batch()), model(other))
    assert torch.equal(model.terms(batch()), model.terms(other))
    assert torch.equal(model.spread(batch()), model.spread(other))


def test_being_missing_has_a_weight_of_its_own():
    """In the additive part, a gap in a modality that is seen otherwise moves the log-odds by the gap's weight."""
    model = net(deep=False)
    at_mean = torch.cat([torch.tensor([[1.0, 2.0]]), model.center[2:][None]], dim=1)
    seen = batch(values=at_mean, observed=torch.ones(1, 3))
    place = SHAPE.features * (1 + SHAPE.knots) + 2
    change = model(batch(values=at_mean)) - model(seen)  # [H, 1, 5]
    assert torch.allclose(model.weights[:, place].reshape(2, 1, 1).expand_as(change), change, atol=1e-5)


def test_a_modality_is_unseen_only_where_all_of_it_is_missing():
    """One observed laboratory value is enough; the token stands for the whole."""
    observed = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert [[0, 0], [1, 0], [0, 1], [1, 1]] == net().unseen(observed).tolist()


def test_findings_add_up_in_the_additive_part():
    """Two findings together move the log-odds by the sum of their single moves, and half a chance by half."""
    model = net(deep=False)
    moved = {
        pair: model(batch(findings=torch.tensor([list(pair)])))
        for pair in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.0))
    }
    single = moved[1.0, 0.0] - moved[0.0, 0.0] + moved[0.0, 1.0] - moved[0.0, 0.0]
    assert torch.allclose(single, moved[1.0, 1.0] - moved[0.0, 0.0], atol=1e-5)
    assert torch.allclose((moved[1.0, 0.0] + moved[0.0, 0.0]) / 2, moved[0.5, 0.0], atol=1e-5)


def test_an_effect_fades_until_the_third_day_and_no_longer():
    """What a finding does changes evenly up to 72 h and is the same at 72 and 120 h."""
    model = net(deep=False)

    def moved(hour: float) -> Tensor:
        at = torch.tensor([hour])
        return model(batch(findings=torch.tensor([[1.0, 0.0]]), hours=at)) - model(
            batch(findings=torch.zeros(1, 2), hours=at)
        )

    assert torch.allclose((moved(0.0) + moved(72.0)) / 2, moved(36.0), atol=1e-5)
    assert torch.allclose(moved(72.0), moved(120.0), atol=1e-5)
    assert not torch.allclose(moved(0.0), moved(72.0), atol=1e-2)


@pytest.mark.parametrize("deep", [False, True], ids=["additive", "with the deep part"])
@pytest.mark.parametrize("hour", [3.0, 30.0, 110.0])
def test_terms_add_up_to_the_difference_from_the_reference(hour: float, deep: bool):
    """Whatever the hour, a row's terms sum to its mean logit less the average row's."""
    model = net(deep=deep)
    row = batch(hours=torch.tensor([hour]))
    distance = model(row).mean(0)[0] - model.reference(row.hours)[0]
    assert torch.allclose(distance, model.terms(row).sum().expand(5), atol=1e-5)


def test_each_term_is_what_its_input_moves_in_the_additive_part():
    """A finding's term changes by its own move, and no other term does."""
    model = net(deep=False)
    one, other = batch(findings=torch.zeros(1, 2)), batch(findings=torch.tensor([[0.0, 1.0]]))
    change = (model.terms(other) - model.terms(one))[0]
    place = SHAPE.features + 1
    assert float(change[place]) == pytest.approx(float((model(other) - model(one)).mean(0)[0, 0]), abs=1e-5)
    assert float(change.abs().sum() - change[place].abs()) == pytest.approx(0, abs=1e-6)


def test_the_deep_part_is_shared_among_what_differs_from_the_average():
    """An input that is as in the average row has no share of it."""
    model = net()
    average = model.average[: SHAPE.features]
    model.average[SHAPE.features * (1 + SHAPE.knots) : SHAPE.features * (2 + SHAPE.knots)] = 0.0  # all were observed
    values = (average * model.scale + model.center)[None]
    found = model.average[SHAPE.features * (2 + SHAPE.knots) :][: SHAPE.findings]
    row = batch(values=values + torch.tensor([[0.0, 1.0, 0.0]]), observed=torch.ones(1, 3), findings=found[None])
    shares = model._deep_terms(row)[0]
    moved = (model.deep(row) - model._deep(model._average_inputs(row.hours))).mean()
    assert float(moved) == pytest.approx(float(shares[1]), abs=1e-5)
    assert abs(float(moved)) > 1e-3
    assert float(shares.abs().sum()) == pytest.approx(abs(float(shares[1])), abs=1e-5)


def test_the_reference_is_the_average_rows_answer():
    """A network whose average is one row's columns has that row as its reference at every hour."""
    model, row = net(), batch()
    model.average.copy_(model.base(row)[0])
    for hour in (0.0, 24.0, 100.0):
        at = torch.tensor([hour])
        assert torch.allclose(model(replace(row, hours=at)).mean(0), model.reference(at), atol=1e-5)


def test_the_heads_disagreement_ignores_what_is_missing():
    """In place of a missing value stands the average row; what the heads think of absence itself never counts."""
    model, row = net(), batch(observed=torch.tensor([[1.0, 0.0, 0.0]]))  # the second modality is unseen
    features, first = SHAPE.features, SHAPE.features * (2 + SHAPE.knots)
    base = model.average.clone()
    kept = [0, features, features + 1, features * (1 + SHAPE.knots)]  # value, bends and gap of what is observed
    base[kept] = model.base(row)[0, kept]
    base[first : first + SHAPE.findings] = row.findings[0]
    base[first + SHAPE.findings + SHAPE.modalities :] = model.base(row)[0, first + SHAPE.findings + SHAPE.modalities :]
    seen = 1 - base[first - features : first]
    inputs = torch.cat([base[:features], seen, row.findings[0], row.hours / FADES_BY_H])[None]
    expected = (model.weights @ model.in_time(base[None], row.hours).T + model._deep(inputs)).std(0)
    assert torch.allclose(expected, model.spread(row), atol=1e-5)
    here = replace(row, values=row.values + torch.tensor([[5.0, 0.0, 0.0]]))
    assert not torch.allclose(expected, model.spread(here), atol=1e-2)


def test_the_heads_disagreement_about_an_unseen_modality_does_not_count():
    """However far the heads differ about a token of absence, all rows change alike, seen or not."""
    model = net()
    rows = [batch(observed=torch.tensor([seen])) for seen in ([1.0, 1.0, 1.0], [1.0, 0.0, 0.0])]
    first = SHAPE.features * (2 + SHAPE.knots) + SHAPE.findings
    model.average[first : first + SHAPE.modalities] = 0.0  # in training each modality was always seen
    before = [float(model.spread(row)) for row in rows]
    model.weights[:, first : first + SHAPE.modalities] = torch.tensor([[50.0], [-50.0]])
    assert before == pytest.approx([float(model.spread(row)) for row in rows], abs=1e-4)


def test_heads_that_agree_have_no_spread():
    """Two copies of one head never differ; more than one is needed to tell."""
    model = net()
    for parameter in model.parameters():
        parameter[1] = parameter[0]
    assert 0 == float(model.spread(batch())[0])


def test_a_row_with_nothing_in_it_gets_finite_numbers():
    """No report, no laboratory, no value at all: answer, terms and spread are numbers."""
    model = net()
    empty = batch(
        observed=torch.zeros(1, 3), findings=torch.tensor([[0.0, 1.0]]), note=torch.zeros(1, 8), has_note=torch.zeros(1)
    )
    for found in (model(empty), model.terms(empty), model.spread(empty)):
        assert bool(found.isfinite().all())


def test_without_a_note_the_text_says_nothing():
    """A note that was not read does not count, whatever stands in its place; one that was read does."""
    model, other = net(), torch.full((1, 8), 9.0)
    no_note = batch(has_note=torch.zeros(1))
    assert torch.equal(model(no_note), model(batch(has_note=torch.zeros(1), note=other)))
    assert not torch.allclose(model(batch()), model(batch(note=other)), atol=1e-3)


def test_an_untrained_network_knows_no_effect():
    """Weights start at zero: every row has the same hazard."""
    fresh = FusionNet(SHAPE)
    assert torch.equal(fresh(batch()), fresh(batch(values=torch.full((1, 3), 9.0), hours=torch.tensor([90.0]))))


def test_the_intervals_are_those_of_the_contract():
    """Edges reach from arrival to 168 h."""
    assert (0, 24, 48, 72, 120, 168) == EDGES_H

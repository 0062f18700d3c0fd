"""Recalibration: a known shift is found on many rows, a few rows change little, and stages follow one another."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models.calibrate import Recalibration, between, remaining_risk
from models.likelihood import Targets
from models.training.recalibrate import KNOTS_H, Answered, answered, fit_recalibration, followed

INTERCEPT, SLOPE = 0.5, 0.8
HOURS = (1.0, 6.0, 24.0, 48.0, 72.0)


def rows(count: int, seed: int = 0, intercept: float = INTERCEPT, slope: float = SLOPE) -> tuple[Tensor, Targets]:
    """Hazard logits and what came, END by 168 h drawn from the stretched hazard that was left at the row's hour."""
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.normal(-2.5, 1.0, (count, 1))).expand(-1, 5)
    start = torch.from_numpy(rng.choice(HOURS, count))
    stop = torch.full_like(start, 168.0)
    left = -torch.log1p(-remaining_risk(logits, start, stop))
    risk = -torch.expm1(-torch.exp(intercept + slope * torch.log(left)))
    event = torch.from_numpy(rng.random(count)) < risk
    return logits, Targets(start, start, stop, event)


def fitted(count: int, seed: int = 0, **more: float) -> Recalibration:
    """A recalibration on as many rows."""
    return fit_recalibration(answered(*rows(count, seed, **more)), "made-up rows")


def test_a_known_shift_is_found():
    """On many rows each knot has about the planted intercept and slope."""
    found = fitted(20_000)
    assert KNOTS_H == found.hours
    assert pytest.approx([INTERCEPT] * 5, abs=0.1) == found.intercepts
    assert pytest.approx([SLOPE] * 5, abs=0.08) == found.slopes
    assert (20_000, "made-up rows") == (found.rows, found.on)
    assert int(rows(20_000)[1].event.sum()) == found.events


def test_a_shift_that_differs_by_hour_is_followed():
    """Twice the hazard in the first hours and half of it later: the intercepts go from above 0 to below."""
    logits, targets = rows(20_000, slope=1.0, intercept=math.log(2))
    other, late = rows(20_000, seed=1, slope=1.0, intercept=-math.log(2))
    early_rows, late_rows = targets.start < 12, late.start > 36
    both = Targets(
        *(torch.cat([getattr(targets, name)[early_rows], getattr(late, name)[late_rows]])
          for name in ("start", "after", "until", "event"))
    )  # fmt: skip
    found = fit_recalibration(answered(torch.cat([logits[early_rows], other[late_rows]]), both), "made-up rows")
    assert pytest.approx(math.log(2), abs=0.15) == found.intercepts[0]
    assert pytest.approx(-math.log(2), abs=0.15) == found.intercepts[-1]


def test_a_few_rows_change_little():
    """Twelve rows move the risk less than half as far as the thousands of the same kind do."""
    few, many = fitted(12), fitted(20_000)
    assert abs(np.mean(few.intercepts)) < abs(np.mean(many.intercepts)) / 2 + 0.25
    assert np.abs(np.array(few.slopes) - 1).max() < 0.3
    assert np.ptp(few.intercepts) < 0.1


def test_right_risks_stay_as_they_are():
    """Where nothing is shifted, little is."""
    found = fitted(20_000, intercept=0.0, slope=1.0)
    assert pytest.approx([0.0] * 5, abs=0.1) == found.intercepts
    assert pytest.approx([1.0] * 5, abs=0.08) == found.slopes


def test_intercepts_alone_leave_the_slope():
    """Where only intercepts are asked for, every slope is 1 and the mean risk still fits."""
    held = answered(*rows(5000, slope=1.0))
    found = fit_recalibration(held, "made-up rows", slope=False)
    assert {1.0} == set(found.slopes)
    risk = -torch.expm1(-torch.exp(found(held.log_left, held.hours)))
    assert float(held.event.double().mean()) == pytest.approx(float(risk.mean()), abs=0.01)


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        (0.0, [1, 0, 0]),
        (1.0, [1, 0, 0]),
        (3.5, [0.5, 0.5, 0]),
        (6.0, [0, 1, 0]),
        (7.5, [0, 0.75, 0.25]),
        (12.0, [0, 0, 1]),
        (90.0, [0, 0, 1]),
    ],
)
def test_weights_between_knots_by_hand(hour: float, expected: list[float]):
    """Linear between 1, 6 and 12 h; beyond the ends the outer knot holds."""
    assert pytest.approx(expected) == between((1.0, 6.0, 12.0), torch.tensor([hour]))[0].tolist()


def test_a_single_knot_holds_everywhere():
    """One intercept and slope for all hours."""
    assert [[1.0], [1.0]] == between((24.0,), torch.tensor([0.0, 100.0])).tolist()


def test_a_sites_stage_follows_that_of_training():
    """What a site adds is fitted on the shown risks and applied to them: the two together are one after the other."""
    first, second = Recalibration(HOURS, (0.3,) * 5, (0.9,) * 5, "a", 1, 1), fitted(500)
    logits, targets = rows(50, seed=3)
    stop = torch.full_like(targets.start, 168.0)
    shown = remaining_risk(logits, targets.start, stop, (first,))
    again = followed(shown, targets.start, targets.event)
    by_hand = -torch.expm1(-torch.exp(second(again.log_left, again.hours)))
    assert torch.allclose(by_hand, remaining_risk(logits, targets.start, stop, (first, second)), atol=1e-6)


def test_a_sites_own_outcomes_correct_what_training_got_wrong():
    """A training stage that is far off is put right by a stage fitted on what followed the site's calls."""
    off = Recalibration((1.0,), (-1.5,), (1.0,), "elsewhere", 1, 1)
    logits, targets = rows(20_000)
    stop = torch.full_like(targets.start, 168.0)
    site = fit_recalibration(
        followed(remaining_risk(logits, targets.start, stop, (off,)), targets.start, targets.event), "site"
    )
    risk = remaining_risk(logits, targets.start, stop, (off, site))
    before = remaining_risk(logits, targets.start, stop, (off,))
    share = float(targets.event.double().mean())
    assert share == pytest.approx(float(risk.mean()), abs=0.01)
    assert abs(float(before.mean()) - share) > 0.1


def test_followed_calls_and_answered_rows_say_the_same():
    """A row watched to 168 h is the call with its shown risk."""
    logits, targets = rows(40)
    shown = remaining_risk(logits, targets.start, torch.full_like(targets.start, 168.0))
    one, two = answered(logits, targets), followed(shown, targets.start, targets.event)
    for name in Answered.__annotations__:
        assert torch.allclose(getattr(one, name).double(), getattr(two, name).double(), atol=1e-6), name


def test_a_row_is_as_likely_as_its_stretched_hazard_says():
    """Of a hazard of 0.8, stretched to 2: END by 168 h, and none in the half of it that was watched."""
    log_left = torch.log(torch.tensor([0.8, 0.8]))
    held = Answered(log_left, torch.ones(2), torch.tensor([1.0, 0.5]), torch.tensor([True, False]))
    losses = held.loss(torch.log(torch.tensor([2.0, 2.0]))).tolist()
    assert [-math.log(1 - math.exp(-2)), 1.0] == pytest.approx(losses)


def test_when_end_came_does_not_bend_the_risk_by_168_h():
    """Events all early, where the hazards have half of them late: as many are foretold as came."""
    logits, targets = rows(20_000, intercept=0.0, slope=1.0)
    early = Targets(targets.start, targets.start, torch.where(targets.event, targets.start + 1, 168.0), targets.event)
    assert fit_recalibration(answered(logits, targets), "x") == fit_recalibration(answered(logits, early), "x")


finite = st.floats(-2, 2)
stages = st.lists(
    st.builds(
        lambda intercepts, slopes: Recalibration((1.0, 24.0, 72.0), intercepts, slopes, "drawn", 1, 1),
        st.tuples(finite, finite, finite), st.tuples(*[st.floats(0.2, 3)] * 3),
    ),
    max_size=3,
)  # fmt: skip


@given(st.lists(st.floats(-8, 3), min_size=5, max_size=5), st.floats(0, 120), st.floats(0, 1), st.floats(0, 1), stages)
def test_the_risk_by_an_earlier_hour_never_exceeds_that_by_a_later_one(
    logits: list[float], start: float, one: float, two: float, held: list[Recalibration]
):
    """Whatever the hazards and however many stages stretch them; at the call itself it is 0."""
    early, late = (start + (168 - start) * share for share in sorted((one, two)))
    at = torch.tensor([start] * 3).double()
    risks = remaining_risk(
        torch.tensor(logits).double().expand(3, -1), at, torch.tensor([start, early, late]).double(), tuple(held)
    )
    assert 0 == float(risks[0])
    assert 0 <= float(risks[1]) <= float(risks[2]) + 1e-9 <= 1 + 2e-9

"""What earns its place in the network: the rule, worked by hand."""

import pytest
import torch

from models.training.earned import earned


def answers(*losses: list[float]) -> list[torch.Tensor]:
    """The losses of the same rows by each answer, the plain one first."""
    return [torch.tensor(one) for one in losses]


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        # gains of the four stays by answer 1: 0.2 each, no scatter; answer 2 is worse
        (([1.0, 1.0, 1.0, 1.0], [0.8, 0.8, 0.8, 0.8], [0.9, 0.9, 0.9, 0.9]), 1),
        # answer 2 is best: gains 0.4, 0.2, 0.4, 0.2, sum 1.2 against 2 x sqrt(4) x 0.1155 = 0.46
        (([1.0, 1.0, 1.0, 1.0], [0.9, 0.9, 0.9, 0.9], [0.6, 0.8, 0.6, 0.8]), 2),
        # gains 0.5, 0.5, 0, 0: sum 1 is beyond one error of sqrt(4) x 0.289 = 0.577, not beyond two
        (([1.0, 1.0, 1.0, 1.0], [0.5, 0.5, 1.0, 1.0]), 0),
        # gains 2, -1, 0, 0: sum 1 against 2 x sqrt(4) x 1.258
        (([2.0, 1.0, 1.0, 1.0], [0.0, 2.0, 1.0, 1.0]), 0),
        # all others are worse
        (([1.0, 1.0, 1.0, 1.0], [1.1, 1.1, 1.1, 1.1]), 0),
    ],
)
def test_a_place_is_earned_beyond_two_standard_errors(losses: tuple[list[float], ...], expected: int):
    """Worked by hand."""
    assert expected == earned(answers(*losses), ["a", "b", "c", "d"])


def test_the_error_is_over_stays_and_not_over_rows():
    """Two stays of many rows, one gaining 0.3 and one losing 0.1 a row: not enough, however many rows agree."""
    both = answers([1.0] * 20, [0.7] * 10 + [1.1] * 10)
    assert 1 == earned(both, [f"s{place}" for place in range(20)])
    assert 0 == earned(both, ["a"] * 10 + ["b"] * 10)


def test_a_gain_here_and_a_loss_there_earn_nothing():
    """All stays are judged together."""
    assert 1 == earned(answers([1.0, 1.0], [0.5, 0.5]), ["a", "b"])
    assert 0 == earned(answers([1.0, 1.0, 1.0, 1.0], [0.5, 0.5, 1.6, 1.6]), ["a", "b", "c", "d"])

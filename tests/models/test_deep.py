"""The deep part: it is kept where held-out stays gain from it, and only as long."""

import numpy as np
import torch

from models.training.additive import Additive, Problem, problem_of, solve
from models.training.deep import Deep, DeepSettings, Rows, train_deep
from models.training.earned import earned
from models.training.table import Target, targets_of

SETTINGS = DeepSettings(hidden=8, epochs=12, rate=2e-2, decay=0.01, batch=128)
OTHERS = 4
"""Inputs that say nothing: a part that learns from them does worse on held-out rows."""


def rows(together: float, count: int = 1500, seed: int = 0) -> tuple[Rows, Rows]:
    """Two signs whose product has this effect (each alone 0.5), and the best additive answer; half held out."""
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], size=(count, 2))
    eta = 0.5 * signs.sum(1) + together * signs.prod(1)
    event_h = rng.exponential(400 / np.exp(eta))
    targets = [
        Target(0, hour // 12 * 12, hour // 12 * 12 + 12, event=True) if hour < 168 else Target(0, 0, 168, event=False)
        for hour in event_h.tolist()
    ]
    inputs = torch.from_numpy(np.concatenate([signs, rng.normal(size=(count, OTHERS))], axis=1)).float()
    problem = problem_of(inputs, targets_of(targets))
    half = count // 2
    found = solve(problem.where(torch.arange(half)), torch.full((2 + OTHERS,), 10.0))
    return _part(found, problem, inputs, range(half)), _part(found, problem, inputs, range(half, count))


def _part(found: Additive, problem: Problem, inputs: torch.Tensor, places: range) -> Rows:
    at = torch.tensor(list(places))
    part = problem.where(at)
    return Rows(inputs[at], part.without_columns(), found.eta(part.columns), found.interval)


def gained(together: float, seed: int) -> tuple[int, float]:
    """How many epochs the held-out half earns, and what it gains a row by then; each row is a stay."""
    learned, held = rows(together, seed=seed)
    _, curve = train_deep(learned, SETTINGS, seed, held)
    epochs = earned(curve, [f"s{place}" for place in range(len(held.inputs))])
    return epochs, float(curve[0].mean() - curve[epochs].mean())


WORTH = 0.05
"""Nats a row that the interaction is worth at least."""


def test_where_effects_add_up_there_is_next_to_nothing_to_gain():
    """The additive part has said all: what passes the rule by chance is less than a tenth of an interaction's worth."""
    assert max(gained(0.0, seed)[1] for seed in range(3)) < WORTH / 10


def test_it_earns_its_place_where_two_signs_speak_together():
    """An exclusive or is invisible to any sum."""
    epochs, gain = gained(1.0, 1)
    assert epochs > 0
    assert gain > WORTH
    deep, _ = train_deep(rows(1.0)[0], SETTINGS, 1)
    signs = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    moved = deep(torch.cat([signs, torch.zeros(4, OTHERS)], dim=1))
    assert float(moved[:2].min()) > float(moved[2:].max())


def test_before_the_first_epoch_it_says_nothing():
    """The curve begins with the additive part's own loss, and has one entry more than epochs."""
    learned, held = rows(1.0, 200)
    _, curve = train_deep(learned, SETTINGS, 1, held)
    assert SETTINGS.epochs + 1 == len(curve)
    assert torch.allclose(held.problem.loss(held.interval, held.eta), curve[0])


def test_the_same_seed_learns_the_same():
    """Bit for bit; another seed draws other first weights."""
    learned, _ = rows(1.0, 200)
    one, two, other = (train_deep(learned, SETTINGS, seed)[0] for seed in (3, 3, 4))
    assert all(torch.equal(getattr(one, name), getattr(two, name)) for name in Deep.__annotations__)
    assert not torch.equal(one.inward, other.inward)


def test_watching_held_out_rows_changes_nothing():
    """They are asked, never learned from."""
    learned, held = rows(1.0, 200)
    watched, alone = train_deep(learned, SETTINGS, 1, held)[0], train_deep(learned, SETTINGS, 1)[0]
    assert torch.equal(watched.inward, alone.inward)
    assert torch.equal(watched.outward, alone.outward)

"""Training: the likelihood says what it should, the same seed gives the same weights, effects are found."""

import itertools
import math
from pathlib import Path

import pytest
import torch

from models.likelihood import Targets, negative_log_likelihood
from models.training.fit import FitSettings, Modalities, fit
from models.training.split import part_of
from models.training.table import Target, targets_of
from models.training.train import read_config, train
from tests.models.trained import CONFIG, TRUE_NIHSS, config, table

HAZARDS = torch.tensor([0.2, 0.1, 0.05, 0.04, 0.02])
LOGITS = torch.logit(HAZARDS)


def survival(hours: float) -> float:
    """S(t) of the hazards above, worked out here and not by the network's code."""
    edges = (0, 24, 48, 72, 120, 168)
    shares = [min(max((hours - a) / (b - a), 0), 1) for a, b in itertools.pairwise(edges)]
    return math.prod((1 - h) ** share for h, share in zip(HAZARDS.tolist(), shares, strict=True))


def one(target: Target) -> Targets:
    """A single row's target as tensors."""
    return targets_of([target])


def test_an_enclosed_event_counts_between_its_scores():
    """END between hours 30 and 40, seen from hour 6: -log((S(30) - S(40)) / S(6))."""
    expected = -math.log((survival(30) - survival(40)) / survival(6))
    value = negative_log_likelihood(LOGITS[None], one(Target(6, 30, 40, event=True)))
    assert expected == pytest.approx(float(value), abs=1e-4)


def test_a_competing_event_leaves_the_stay_free_to_168_h():
    """Discharge or other death says: END-free through 168 h, -log(S(168) / S(12))."""
    expected = -math.log(survival(168) / survival(12))
    value = negative_log_likelihood(LOGITS[None], one(Target(12, 12, 168, event=False)))
    assert expected == pytest.approx(float(value), abs=1e-5)


def test_a_censored_stay_counts_up_to_its_last_score():
    """A transfer at hour 50 says nothing of what came later."""
    expected = -math.log(survival(50) / survival(12))
    value = negative_log_likelihood(LOGITS[None], one(Target(12, 12, 50, event=False)))
    assert expected == pytest.approx(float(value), abs=1e-5)


def test_an_empty_interval_stays_finite():
    """Two scores at the same moment do not break the logarithm."""
    assert bool(negative_log_likelihood(LOGITS[None], one(Target(6, 30, 30, event=True))).isfinite())


def test_the_same_seed_gives_the_same_weights():
    """Two fits are equal bit for bit; another seed differs."""
    rows, other = table(120), table(60, seed=1)
    runs = [fit(rows, other, FitSettings(seed=seed, steps=10)) for seed in (3, 3, 4)]
    assert torch.equal(runs[0].value, runs[1].value)
    assert torch.equal(runs[0].deep_in, runs[1].deep_in)
    assert not torch.equal(runs[0].value, runs[2].value)


def test_known_effects_are_found():
    """NIHSS and the hyperdense artery stand out of the noise with the right sign and about their size."""
    net = fit(table(800), table(200, seed=1), FitSettings(seed=1, steps=300))
    weights, place = net.value.mean(0), config().design.features.index("nihss_baseline")
    assert TRUE_NIHSS == pytest.approx(float(weights[place]), abs=0.25)
    assert place == int(weights.abs().argmax())
    assert 0.5 < float(net.finding.mean(0)[0]) < 2.0


def test_a_modality_that_may_not_learn_stays_at_zero():
    """The ablation's structured-only network ignores findings and text."""
    net = fit(table(120), table(60, seed=1), FitSettings(seed=1, steps=10), Modalities(findings=False, text=False))
    rows = table(30, seed=2)
    assert 0 == float(net.finding.abs().max())
    assert 0 == float(net.deep(rows.batch(net)).abs().max())


def test_all_rows_of_a_stay_fall_into_one_part():
    """The part depends on stay and seed only, and all four parts are used about as announced."""
    parts = [part_of(f"stay-{number}", 1) for number in range(4000)]
    assert parts[:50] == [part_of(f"stay-{number}", 1) for number in range(50)]
    shares = {name: parts.count(name) / 4000 for name in ("train", "validation", "calibration", "test")}
    assert {"train": 0.5, "validation": 0.1, "calibration": 0.2, "test": 0.2} == pytest.approx(shares, abs=0.03)


def test_another_seed_splits_differently():
    """The seed matters."""
    stays = [f"stay-{number}" for number in range(100)]
    assert [part_of(stay, 1) for stay in stays] != [part_of(stay, 2) for stay in stays]


def test_a_log_of_an_unknown_feature_is_refused(tmp_path: Path):
    """A misspelt feature in the config is named."""
    path = tmp_path / "odd.toml"
    path.write_text(CONFIG.read_text("utf-8").replace('"d_dimer"', '"ddimer"', 1), "utf-8")
    with pytest.raises(ValueError, match="ddimer"):
        read_config(path)


def test_a_folder_without_a_cohort_is_refused(tmp_path: Path):
    """Nothing is written where there is nothing to train on."""
    with pytest.raises(ValueError, match="holds no"):
        train(CONFIG, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()

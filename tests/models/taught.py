"""Learners on the small transformer, and a corpus of four wordings, for tests of the reader's training."""

import torch
from torch import nn

from models.simulation.reports import Stated
from models.simulation.sentences import LabeledSentence
from models.training.learner import Learner, ReaderSettings
from tests.models.small_reader import SPEC

SETTINGS = ReaderSettings(
    seed=1, epochs=2, parts=2, batch=8, rate=5e-3, rate_heads=2e-2, warmup=0.1, decay=0.0, rank=2, alpha=4,
    dropout=0.1, max_tokens=32, patience=9, targets=("query", "key", "value", "dense"),
)  # fmt: skip


def learner_of(model: nn.Module) -> Learner:
    """A learner whose adapters and heads are not at their start, the same at each call."""
    learner = Learner(model, SPEC, SETTINGS)
    torch.manual_seed(4)
    with torch.no_grad():
        for name, weight in learner.named_parameters():
            if ".lora_" in name or name.startswith("heads."):
                weight.normal_(std=0.3)
    return learner


def labeled(text: str, assertion: str, finding: str = "hemorrhage", **more: object) -> LabeledSentence:
    """One sentence that states one thing."""
    return LabeledSentence(text, "findings", (Stated(text, finding, assertion, **more),), None)  # type: ignore[arg-type]


def small_corpus() -> list[LabeledSentence]:
    """Forty-eight sentences: hemorrhage and occlusion, each present and absent, in places."""
    places = ("brain", "thalamus", "pons", "insula", "frontal lobe", "cerebellum")
    found = []
    for place in places:
        found += [
            labeled(f"Hemorrhage in the {place}.", "present"),
            labeled(f"No hemorrhage in the {place}.", "absent"),
        ]
        found += [labeled(f"A bleed in the {place}.", "present"), labeled(f"No bleed in the {place}.", "absent")]
        found += [
            labeled(f"M1 occlusion, {place} spared.", "present", "occlusion", site="m1"),
            labeled(f"No occlusion, {place} spared.", "absent", "occlusion"),
            LabeledSentence(f"The {place} is normal.", "findings", (), None),
            labeled(f"ASPECTS 6 with loss in the {place}.", "present", "aspects", value=6),
        ]
    return found

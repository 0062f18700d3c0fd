"""How a fitted reader does on wording that it never saw: temperatures, then figures."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from models.evaluation.metrics import auc
from models.reader import ASSERTIONS, Heads, ReaderSpec, Scores
from models.training.reader_parts import Targets

GRID = torch.logspace(-0.7, 0.7, 57, dtype=torch.float64).float()  # temperatures from 0.2 to 5
PRESENT = ASSERTIONS.index("present")


def temperatures(scores: Scores, targets: Targets, spec: ReaderSpec) -> Tensor:
    """The temperature [4] of each head at which the targets are likeliest: mention, assertion, detail, side."""
    mentioned = targets.assertions > 0
    asked = mentioned[:, [spec.names.index(one.finding) for one in spec.details]]
    losses: tuple[Callable[[Tensor], Tensor], ...] = (
        lambda t: binary_cross_entropy_with_logits(scores.mention / t, mentioned.float()),
        lambda t: cross_entropy(scores.assertion[mentioned] / t, targets.assertions[mentioned] - 1),
        lambda t: binary_cross_entropy_with_logits(scores.detail[asked] / t, targets.details[asked]),
        lambda t: cross_entropy(scores.side / t, targets.sides),
    )
    return torch.stack([GRID[int(torch.stack([loss(t) for t in GRID]).argmin())] for loss in losses])


def reader_figures(heads: Heads, scores: Scores, targets: Targets, spec: ReaderSpec) -> dict[str, Any]:
    """AUC of present among the mentions of each finding, and what share of mentions, assertions, details is right."""
    with torch.no_grad():
        assertions, details, sides = heads.probabilities(scores)
    true = targets.assertions
    mentioned, read = true > 0, assertions.argmax(dim=2)
    asked = mentioned[:, [spec.names.index(one.finding) for one in spec.details]]
    return {
        "sentences": len(true),
        "auc_present": {name: _auc(assertions[:, at, PRESENT], true[:, at]) for at, name in enumerate(spec.names)},
        "mentions": {name: int(count) for name, count in zip(spec.names, mentioned.sum(0), strict=True)},
        "mention_recall": _share((read > 0)[mentioned]),
        "mention_precision": _share(mentioned[read > 0]),
        "assertion_right": _share((assertions[:, :, 1:].argmax(dim=2) + 1 == true)[mentioned]),
        "detail_right": _share(((details > 0.5) == (targets.details > 0.5))[asked]),
        "side_right": _share(sides.argmax(dim=1) == targets.sides),
    }


def _auc(present: Tensor, true: Tensor) -> float | None:
    """Present against every other assertion, in the sentences that mention the finding."""
    said = true > 0
    found = auc((true[said] == PRESENT).double().numpy(), present[said].double().numpy())
    return None if found is None else round(found, 4)


def _share(right: Tensor) -> float | None:
    return round(float(right.double().mean()), 4) if len(right) else None

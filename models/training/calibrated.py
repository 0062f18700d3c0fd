"""A network trained and calibrated on answers to rows that it did not learn from.

Recalibration bends by the hour, and a split of a few hundred stays says too little about late hours (in simulated
cohorts its observed-to-expected ratio there was off by a quarter, by chance alone). So it is fitted on the split and
on the training rows together, each of these answered by the fold that did not learn from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.calibrate import Calibration, Recalibration, remaining_risk
from models.design import FindingTerm
from models.likelihood import Targets
from models.net import EDGES_H
from models.notes import Progress
from models.training.bands import band_figures, comparator_of, thresholds, thresholds_of
from models.training.fit import Fit, FitSettings, fit
from models.training.recalibrate import answered, fit_recalibration
from models.training.table import Table, stacked_tables

FEWEST_APART = 400
"""Stays below which a split of its own says too little about thresholds (assumption): its stays then train too."""

APART = "calibration split, and training rows each answered by the fold that did not learn from it"
OUT_OF_FOLD = "training rows, each answered by the fold that did not learn from it"


@dataclass(frozen=True)
class Answers:
    """Rows with the network's hazards [B, 5] for them, from a network that did not learn from them."""

    logits: Tensor
    table: Table

    def and_also(self, others: "Answers") -> "Answers":
        """These rows and others."""
        return Answers(torch.cat([self.logits, others.logits]), stacked_tables([self.table, others.table]))


def trained_and_calibrated(
    train: Table, apart: Table, terms: Sequence[FindingTerm], settings: FitSettings, budget: float,
    *, reports: bool = True, progress: Progress | None = None,
) -> tuple[Fit, Calibration]:  # fmt: skip
    """The network and what turns its hazards into shown risks; without ``reports`` it reads numbers alone.

    Thresholds are set on the split ``apart``, where it is large enough.
    """
    small = len(set(apart.stays)) < FEWEST_APART
    rows = stacked_tables([train, apart]) if small else train
    found = fit(rows, terms, settings, reports=reports, progress=progress)
    held_out = Answers(found.held_out, rows)
    split = held_out if small else Answers(found.logits(apart), apart)
    learned = held_out if small else held_out.and_also(split)
    stage = fit_recalibration(answered(learned.logits, learned.table.targets), OUT_OF_FOLD if small else APART)
    return found, _calibration(found, rows, split, stage, budget)


def _calibration(found: Fit, train: Table, split: Answers, stage: Recalibration, budget: float) -> Calibration:
    """Thresholds and their figures from the split, the comparator from the training rows."""
    risks = shown(split.logits, split.table.targets, stage)
    hours = split.table.targets.start.double().numpy()
    bands = thresholds(risks.numpy(), hours, budget)
    figures = band_figures(risks.numpy(), thresholds_of(bands, hours), split.table.outcomes(), split.table.stays)
    comparator = comparator_of(found.logits(train), train.targets, train.stays, (stage,))
    return Calibration((stage,), budget, bands, comparator, figures)


def shown(logits: Tensor, targets: Targets, *stages: Recalibration) -> Tensor:
    """The risk of each row up to 168 h [B]."""
    stop = torch.full_like(targets.start, EDGES_H[-1])
    return remaining_risk(logits, targets.start, stop, stages).double().clamp(0, 1)

"""The rows as the training sees them: columns, folds, copies that lack a modality, and the ridge on each column."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from models.design import FindingTerm
from models.net import FusionNet
from models.training.additive import Problem, problem_of
from models.training.deep import DeepSettings
from models.training.measured import measured_net
from models.training.table import Table, stacked_tables

EVIDENCE = {"present": 1.0, "uncertain": 0.5, "absent": -1.0}
"""What the assertions of one finding are worth of their common weight (assumption); each may depart from it."""

APART = 3.0
"""How much harder an assertion is held to the common weight than that to 0 (assumption)."""

TIME_RIDGE = 1.0
"""Time has few columns and a strong effect: it is hardly held back (assumption)."""


@dataclass(frozen=True)
class FitSettings:
    """The numbers of training, from the config; all are assumptions, and grids are searched in folds.

    ``ridges`` hold weights per standard deviation, in units of one row's log likelihood; ``bends``
    multiply the ridge on what bends and fades. ``axes`` of the text are tried and kept only if they
    earn it. ``dropped`` weighs the copies of rows that lack a modality.
    """

    seed: int
    heads: int = 5
    folds: int = 5
    ridges: tuple[float, ...] = (10.0, 30.0, 100.0, 300.0, 1000.0)
    bends: tuple[float, ...] = (1.0, 4.0, 16.0)
    axes: int = 4
    dropped: float = 0.1
    deep: DeepSettings = field(default_factory=DeepSettings)


@dataclass(frozen=True)
class Choice:
    """What folds chose: the ridge, its factor for bends, whether the text's axes count, epochs of the deep part."""

    ridge: float
    bend: float
    axes: bool = False
    epochs: int = 0


@dataclass(frozen=True)
class Learning:
    """The rows as the loop sees them: first the rows themselves, then their copies that lack a modality."""

    net: FusionNet
    stays: tuple[str, ...]
    problem: Problem  # columns [B + copies, P + E]
    inputs: Tensor  # [B + copies, I]
    fold: Tensor  # [B + copies]
    evidence: Tensor  # [T, E]
    settings: FitSettings

    @property
    def rows(self) -> int:
        """Rows without their copies."""
        return len(self.stays)

    def ridge(self, choice: Choice) -> Tensor:
        """The ridge on each column [P + E]."""
        shape, held = self.net.shape, choice.ridge
        soft, stiff = held, held * choice.bend
        sizes = [
            (shape.features, soft), (shape.features * shape.knots, stiff), (shape.features, soft),
            (shape.findings, held * APART), (shape.modalities, soft), (shape.axes, soft if choice.axes else torch.inf),
            (shape.features + shape.findings, stiff), (shape.columns - shape.base - shape.features - shape.findings,
            TIME_RIDGE), (self.evidence.shape[1], soft),
        ]  # fmt: skip
        return torch.cat([torch.full((size,), float(value)) for size, value in sizes])


def learning_of(table: Table, terms: Sequence[FindingTerm], settings: FitSettings) -> Learning:
    """The rows of a table, and an untrained network scaled to them."""
    net = measured_net(table, settings.axes, settings.heads, settings.deep.hidden)
    lacking = [table.lacking(taken_away(table, settings.seed))] if settings.dropped else []
    whole = stacked_tables([table, *lacking])
    counts = torch.ones(len(whole))
    counts[len(table) :] = settings.dropped
    evidence = evidence_of(terms) if net.shape.findings else torch.zeros(0, 0)
    batch = whole.batch()
    with torch.no_grad():  # nothing is learned yet
        problem = problem_of(torch.cat([net.columns(batch), batch.findings @ evidence], dim=1), whole.targets, counts)
        inputs = net.inputs(batch)
    return Learning(net, table.stays, problem, inputs, _folds(whole.stays, settings), evidence, settings)


def taken_away(table: Table, seed: int) -> Tensor:
    """What each row's copy lacks [B, M + 1]: one modality, the reports, or all of these, each as likely."""
    kinds = len(table.modalities) + 1
    drawn = np.random.default_rng([seed, kinds]).integers(0, kinds + 1, len(table))
    return torch.cat([torch.eye(kinds), torch.ones(1, kinds)])[torch.from_numpy(drawn)]


def evidence_of(terms: Sequence[FindingTerm]) -> Tensor:
    """How much each finding column counts for its finding [T + 1, E]: those with more than one plain assertion."""
    plain = [not (term.sites or term.grades or term.at_least or term.at_most) for term in terms]
    names = [term.name for term, is_plain in zip(terms, plain, strict=True) if is_plain]
    several = sorted({name for name in names if names.count(name) > 1})
    found = torch.zeros(len(terms) + 1, len(several))
    for row, term in enumerate(terms):
        if plain[row] and term.name in several:
            found[row, several.index(term.name)] = EVIDENCE.get(term.assertion, 0.0)
    return found


def _folds(stays: Sequence[str], settings: FitSettings) -> Tensor:
    """The fold of each row; all rows of a stay share one."""
    names, place = np.unique(np.asarray(stays), return_inverse=True)
    of_stay = np.random.default_rng(settings.seed).permutation(len(names)) % settings.folds
    return torch.from_numpy(of_stay[place])

"""The network, read top to bottom: numbers and findings add up, text adds a little, time turns it into risk.

For one row (a stay at ``as_of``) and one of H heads::

    logit h_k = interval_k + intercept + slope * (wide + deep)        k = 1..5
    wide = sum_f value_f * z_f + missing_f * (1 - observed_f)  +  sum_t finding_t * x_t
    deep = LIMIT * tanh(out . tanh(W p + b))                          p: 8 principal components of the text

``h_k`` is the discrete hazard of END in interval k given no END before it. Within an interval
the hazard is spread evenly on the cumulative-hazard scale: H(t) grows linearly from edge to
edge, so S(t) = exp(-H(t)). The remaining risk at ``as_of`` is 1 - S(168) / S(as_of).

`FusionNet.read` needs the sentences once; `FusionNet.combine` is cheap and may be asked many
times about the same note.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EDGES_H = (0.0, 24.0, 48.0, 72.0, 120.0, 168.0)
"""Edges of the hazard's intervals, hours after arrival (assumption)."""

DEEP_LIMIT = 0.5
"""The text embedding can move the log-odds by at most this much (assumption): see `FusionNet.deep`."""


@dataclass(frozen=True)
class Shape:
    """How large the network is; saved in ``net.json``."""

    features: int
    findings: int
    embedding: int = 384
    projected: int = 8
    hidden: int = 4
    heads: int = 5


@dataclass(frozen=True)
class Batch:
    """B rows as tensors."""

    values: Tensor  # [B, F] in the design's scale, 0 where unobserved
    observed: Tensor  # [B, F]
    findings: Tensor  # [B, T]
    note: Tensor  # [B, P] from `read`
    has_note: Tensor  # [B] 1.0 where there was a sentence to read


class FusionNet(nn.Module):
    """H small hazard models that share one reading of the text."""

    center: Tensor
    scale: Tensor
    missing_rate: Tensor
    finding_rate: Tensor
    deep_mean: Tensor
    text_mean: Tensor
    text_axes: Tensor
    recalibration: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        heads, intervals = shape.heads, len(EDGES_H) - 1
        # what is learned; zeros make "no effect" the start, and the ridge penalty pulls back to it
        self.interval = nn.Parameter(torch.full((heads, intervals), -3.0))
        self.value = nn.Parameter(torch.zeros(heads, shape.features))
        self.missing = nn.Parameter(torch.zeros(heads, shape.features))
        self.finding = nn.Parameter(torch.zeros(heads, shape.findings))
        self.deep_in = nn.Parameter(torch.randn(heads, shape.hidden, shape.projected) * 0.3)
        self.deep_bias = nn.Parameter(torch.zeros(heads, shape.hidden))
        self.deep_out = nn.Parameter(torch.zeros(heads, shape.hidden))
        # what is measured on the training rows and then fixed
        self.register_buffer("center", torch.zeros(shape.features))
        self.register_buffer("scale", torch.ones(shape.features))
        self.register_buffer("missing_rate", torch.zeros(shape.features))
        self.register_buffer("finding_rate", torch.zeros(shape.findings))
        self.register_buffer("deep_mean", torch.zeros(()))
        self.register_buffer("text_mean", torch.zeros(shape.embedding))
        self.register_buffer("text_axes", torch.zeros(shape.embedding, shape.projected))
        # intercept and slope from the calibration split; calibration.json is where they are kept
        self.register_buffer("recalibration", torch.tensor([0.0, 1.0]), persistent=False)

    def read(self, sentences: Tensor) -> tuple[Tensor, Tensor]:
        """The note [1, P] and whether there was one [1], from sentence embeddings [n, 384]."""
        if len(sentences) == 0:
            return torch.zeros(1, self.text_axes.shape[1]), torch.zeros(1)
        pooled = sentences.mean(dim=0, keepdim=True)  # [1, 384]: every sentence counts the same
        return self.project(pooled), torch.ones(1)

    def project(self, pooled: Tensor) -> Tensor:
        """Pooled embeddings [B, 384] on the fixed principal axes, in units of training SD: [B, P]."""
        return (pooled - self.text_mean) @ self.text_axes

    def combine(self, batch: Batch) -> Tensor:
        """Hazard logits [H, B, 5]."""
        intercept, slope = self.recalibration[0], self.recalibration[1]
        eta = self.wide(batch) + self.deep(batch)  # [H, B]
        return self.interval[:, None, :] + (intercept + slope * eta)[:, :, None]

    def wide(self, batch: Batch) -> Tensor:
        """The additive part [H, B]: every number and finding has its own weight, and so has its absence."""
        z = self.standardized(batch)
        found = batch.findings @ self.finding.T  # [B, H]
        return (z @ self.value.T + (1 - batch.observed) @ self.missing.T + found).T

    def standardized(self, batch: Batch) -> Tensor:
        """Values in training SDs [B, F]; an unobserved one is 0 and speaks only through its own indicator."""
        return (batch.values - self.center) / self.scale * batch.observed

    def deep(self, batch: Batch) -> Tensor:
        """The text part [H, B], bounded by `DEEP_LIMIT`.

        At n = 400 an embedding branch costs more than it brings, so it is squeezed three times:
        eight fixed axes, four hidden units with a heavy penalty, and a bound on what may come out.
        """
        hidden = torch.einsum("hdp,bp->hbd", self.deep_in, batch.note) + self.deep_bias[:, None, :]
        out = torch.einsum("hbd,hd->hb", torch.tanh(hidden), self.deep_out)
        return DEEP_LIMIT * torch.tanh(out) * batch.has_note

    def terms(self, batch: Batch) -> Tensor:
        """Log-odds away from the average training row [B, F + T + 1], mean over heads; the last one is text.

        Exact: they add up to (wide + deep) of the row less that of the average row, times the slope.
        """
        z, absent = self.standardized(batch), 1 - batch.observed - self.missing_rate
        structured = z * self.value.mean(0) + absent * self.missing.mean(0)
        found = (batch.findings - self.finding_rate) * self.finding.mean(0)
        text = self.deep(batch).mean(0)[:, None] - self.deep_mean
        slope = self.recalibration[1]
        return slope * torch.cat([structured, found, text], dim=1)

    def reference_logits(self) -> Tensor:
        """Hazard logits [5] of the average training row, heads averaged."""
        eta = self.missing_rate @ self.missing.mean(0) + self.finding_rate @ self.finding.mean(0) + self.deep_mean
        intercept, slope = self.recalibration[0], self.recalibration[1]
        return self.interval.mean(0) + intercept + slope * eta


def cumulative_hazard(logits: Tensor, hours: Tensor) -> Tensor:
    """H(t) for hazard logits [..., 5] at hours after arrival [...].

    -log(1 - h_k) = softplus(logit h_k) is what interval k adds in full; of the interval that holds
    t only the elapsed share counts. At hour 30: all of the first, a quarter of the second.
    """
    left, right = torch.tensor(EDGES_H[:-1]), torch.tensor(EDGES_H[1:])
    share = ((hours[..., None] - left) / (right - left)).clamp(0, 1)
    return (functional.softplus(logits) * share).sum(-1)


def remaining_risk(logits: Tensor, start: Tensor, stop: Tensor) -> Tensor:
    """P(END by ``stop`` | END-free at ``start``) = 1 - S(stop) / S(start)."""
    return -torch.expm1(cumulative_hazard(logits, start) - cumulative_hazard(logits, stop))

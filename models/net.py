"""The network, read top to bottom: numbers and findings add up, a small deep part may join, time turns it into risk.

For one row (a stay at ``as_of``, h hours after arrival) and one of H heads::

    logit h_k = interval_k + wide + deep                              k = 1..5
    wide = weights . columns(row)                                     additive: one group of columns an input
    deep = out . tanh(W [z, observed, findings, elapsed] + b)         exactly 0 unless cross-validation earned it

The columns of `FusionNet.columns` are, for every number, its standardized value, its bends at three
knots and whether it is missing; for every finding of the reports its probability; for every modality
whether all of it is missing; a few axes of the text, if they were earned; the values and findings once
more times the elapsed share of three days, so that an effect may fade; and time itself.

``h_k`` is the discrete hazard of END in interval k given no END before it. Within an interval
the hazard is spread evenly on the cumulative-hazard scale: H(t) grows linearly from edge to
edge, so S(t) = exp(-H(t)). The remaining risk at ``as_of`` is 1 - S(168) / S(as_of).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EDGES_H = (0.0, 24.0, 48.0, 72.0, 120.0, 168.0)
"""Edges of the hazard's intervals, hours after arrival (assumption)."""

HOUR_BENDS = (6.0, 24.0, 48.0, 72.0)
"""Where the effect of time itself may bend, hours after arrival: the landmarks of the evaluation."""

FADES_BY_H = 72.0
"""The hour by which effects have changed as far as they may (assumption): most END is early."""

PATH_STEPS = 32
"""Steps of the path integral that explains the deep part."""


@dataclass(frozen=True)
class Shape:
    """How large the network is; saved in ``net.json``."""

    features: int
    findings: int
    modalities: int
    knots: int = 3
    embedding: int = 384
    axes: int = 0
    hidden: int = 16
    heads: int = 5

    @property
    def base(self) -> int:
        """Columns before any meets time: value, bends and gap of each feature, findings, modalities, text."""
        return self.features * (2 + self.knots) + self.findings + self.modalities + self.axes

    @property
    def columns(self) -> int:
        """All columns: the base, values and findings times time, and time."""
        return self.base + self.features + self.findings + 1 + len(HOUR_BENDS)

    @property
    def inputs(self) -> int:
        """What the deep part reads: values, which are observed, findings, elapsed time."""
        return 2 * self.features + self.findings + 1


@dataclass(frozen=True)
class Batch:
    """B rows as tensors."""

    values: Tensor  # [B, F] in the design's scale, 0 where unobserved
    observed: Tensor  # [B, F]
    findings: Tensor  # [B, T] probabilities; the last one is "no report"
    note: Tensor  # [B, 384] mean sentence vector, 0 where there was no sentence
    has_note: Tensor  # [B] 1.0 where there was a sentence to read
    hours: Tensor  # [B] as_of, hours after arrival


class FusionNet(nn.Module):
    """H small hazard models on the same columns."""

    center: Tensor
    scale: Tensor
    knots: Tensor
    members: Tensor
    text_mean: Tensor
    text_axes: Tensor
    average: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        heads = shape.heads
        # what is learned; zeros make "no effect" the start, and the ridge penalty pulls back to it
        self.interval = nn.Parameter(torch.full((heads, len(EDGES_H) - 1), -3.0))
        self.weights = nn.Parameter(torch.zeros(heads, shape.columns))
        self.deep_in = nn.Parameter(torch.zeros(heads, shape.inputs, shape.hidden))
        self.deep_bias = nn.Parameter(torch.zeros(heads, 1, shape.hidden))
        self.deep_out = nn.Parameter(torch.zeros(heads, shape.hidden, 1))
        # what is measured on the training rows and then fixed
        self.register_buffer("center", torch.zeros(shape.features))
        self.register_buffer("scale", torch.ones(shape.features))
        self.register_buffer("knots", torch.zeros(shape.features, shape.knots))
        self.register_buffer("members", torch.zeros(shape.modalities, shape.features))
        self.register_buffer("text_mean", torch.zeros(shape.embedding))
        self.register_buffer("text_axes", torch.zeros(shape.embedding, shape.axes))
        self.register_buffer("average", torch.zeros(shape.base))

    def forward(self, batch: Batch) -> Tensor:
        """Hazard logits [H, B, 5]."""
        return self.interval[:, None, :] + (self.wide(batch) + self.deep(batch))[:, :, None]

    def wide(self, batch: Batch) -> Tensor:
        """The additive part [H, B]."""
        return self.weights @ self.columns(batch).T

    def columns(self, batch: Batch) -> Tensor:
        """Everything that adds up [B, columns]."""
        return self.in_time(self.base(batch), batch.hours)

    def base(self, batch: Batch) -> Tensor:
        """The columns before any meets time [B, base]."""
        z, observed = self.standardized(batch), batch.observed
        bends = (functional.relu(z[:, :, None] - self.knots) - functional.relu(-self.knots)) * observed[:, :, None]
        text = (batch.note - self.text_mean) @ self.text_axes * batch.has_note[:, None]
        absent = 1 - observed
        return torch.cat([z, bends.flatten(1), absent, batch.findings, self.unseen(observed), text], dim=1)

    def standardized(self, batch: Batch) -> Tensor:
        """Values in training SDs [B, F]; an unobserved one is 0 and speaks only through its gap."""
        return (batch.values - self.center) / self.scale * batch.observed

    def unseen(self, observed: Tensor) -> Tensor:
        """For each modality 1 where none of its features is observed [B, M]: the token of its absence."""
        return (observed @ self.members.T == 0).to(observed.dtype)

    def in_time(self, base: Tensor, hours: Tensor) -> Tensor:
        """Base columns, those that may fade times the elapsed share, and time in days bent at the landmarks."""
        features, findings = self.shape.features, self.shape.findings
        start = features * (2 + self.shape.knots)
        fading = torch.cat([base[:, :features], base[:, start : start + findings]], dim=1)
        bends = [functional.relu(hours - bend) for bend in HOUR_BENDS]
        time = torch.stack([hours, *bends], dim=1) / 24
        return torch.cat([base, elapsed(hours) * fading, time], dim=1)

    def deep(self, batch: Batch) -> Tensor:
        """What the inputs say together beyond their sum [H, B]."""
        return self._deep(self.inputs(batch))

    def inputs(self, batch: Batch) -> Tensor:
        """What the deep part reads [B, inputs]."""
        return torch.cat([self.standardized(batch), batch.observed, batch.findings, elapsed(batch.hours)], dim=1)

    def _deep(self, inputs: Tensor) -> Tensor:
        hidden = torch.tanh(inputs @ self.deep_in + self.deep_bias)  # [H, B, hidden]
        return (hidden @ self.deep_out)[:, :, 0]

    def spread(self, batch: Batch) -> Tensor:
        """How far the heads disagree about what is there [B]: SD of their log-odds, in place of gaps the average."""
        seen, features, knots = batch.observed, self.shape.features, self.shape.knots
        sizes = ((self.shape.findings, 1.0), (self.shape.modalities, 0.0), (self.shape.axes, 1.0))
        rest = [torch.full((len(seen), size), there) for size, there in sizes]
        there = torch.cat([seen, seen.repeat_interleave(knots, dim=1), seen, *rest], dim=1)
        base = torch.where(there > 0, self.base(batch), self.average)
        first = features * (2 + knots)
        found = base[:, first : first + self.shape.findings]
        inputs = torch.cat([base[:, :features], 1 - base[:, first - features : first], found, elapsed(batch.hours)], 1)
        return (self.weights @ self.in_time(base, batch.hours).T + self._deep(inputs)).std(0)

    def reference(self, hours: Tensor) -> Tensor:
        """Hazard logits [B, 5] of the average training row at these hours, heads averaged."""
        wide = self.in_time(self.average.expand(len(hours), -1), hours) @ self.weights.mean(0)
        deep = self._deep(self._average_inputs(hours)).mean(0)
        return self.interval.mean(0) + (wide + deep)[:, None]

    def terms(self, batch: Batch) -> Tensor:
        """Log-odds away from the average training row at the same hour [B, F + T + M + 1], mean over heads.

        One for each feature, finding and modality, and one for the text's axes. Exact for the wide
        part. The deep part is shared out by integrated gradients along the straight path from the
        average row (Sundararajan et al. 2017); what the sum over steps leaves over is spread in
        proportion, so that all terms add up to the difference.
        """
        base = self.base(batch)
        moved = self.in_time(base, batch.hours) - self.in_time(self.average.expand_as(base), batch.hours)
        wide = moved * self.weights.mean(0)
        return self._by_input(wide) + self._deep_terms(batch)

    def _by_input(self, wide: Tensor) -> Tensor:
        """Columns [B, columns] added up by what they speak of."""
        shape = self.shape
        sizes = [
            shape.features, shape.features * shape.knots, shape.features, shape.findings, shape.modalities,
            shape.axes, shape.features, shape.findings, 1 + len(HOUR_BENDS),
        ]  # fmt: skip
        value, bends, gap, found, unseen, text, fading, found_fading, _ = torch.split(wide, sizes, dim=1)
        features = value + bends.reshape(len(wide), shape.features, shape.knots).sum(2) + gap + fading
        return torch.cat([features, found + found_fading, unseen, text.sum(1, keepdim=True)], dim=1)

    def _deep_terms(self, batch: Batch) -> Tensor:
        """The deep part's share of each input [B, F + T + M + 1]; modalities and text have none."""
        here, start = self.inputs(batch), self._average_inputs(batch.hours)
        midpoints = (torch.arange(PATH_STEPS, dtype=here.dtype) + 0.5) / PATH_STEPS
        path = start + midpoints[:, None, None] * (here - start)  # [steps, B, inputs]
        shares = self._slope(path.flatten(0, 1)).reshape(path.shape).mean(0) * (here - start)
        whole = (self._deep(here) - self._deep(start)).mean(0)
        sizes = shares.abs().sum(1, keepdim=True).clamp_min(1e-12)
        shares = shares + shares.abs() / sizes * (whole - shares.sum(1))[:, None]
        value, gap, found, _ = torch.split(shares, [self.shape.features] * 2 + [self.shape.findings, 1], dim=1)
        silent = torch.zeros(len(here), self.shape.modalities + 1)
        return torch.cat([value + gap, found, silent], dim=1)

    def _slope(self, inputs: Tensor) -> Tensor:
        """The gradient of the deep part by its inputs [B, inputs], mean over heads."""
        bent = 1 - torch.tanh(inputs @ self.deep_in + self.deep_bias) ** 2  # [H, B, hidden]
        return ((bent * self.deep_out.mT) @ self.deep_in.mT).mean(0)

    def _average_inputs(self, hours: Tensor) -> Tensor:
        """The average training row as the deep part reads it [B, inputs]."""
        features, found = self.shape.features, self.shape.features * (2 + self.shape.knots)
        value, gap = self.average[:features], self.average[found - features : found]
        row = torch.cat([value, 1 - gap, self.average[found : found + self.shape.findings]])
        return torch.cat([row.expand(len(hours), -1), elapsed(hours)], dim=1)


def elapsed(hours: Tensor) -> Tensor:
    """The share [B, 1] of `FADES_BY_H` that has passed, at most 1."""
    return (hours / FADES_BY_H).clamp(0, 1)[:, None]


def shares_of(hours: Tensor) -> Tensor:
    """How much of each interval lies before these hours [..., 5]."""
    left, right = torch.tensor(EDGES_H[:-1], dtype=hours.dtype), torch.tensor(EDGES_H[1:], dtype=hours.dtype)
    return ((hours[..., None] - left) / (right - left)).clamp(0, 1)


def cumulative_hazard(logits: Tensor, hours: Tensor) -> Tensor:
    """H(t) for hazard logits [..., 5] at hours after arrival [...].

    -log(1 - h_k) = softplus(logit h_k) is what interval k adds in full; of the interval that holds
    t only the elapsed share counts. At hour 30: all of the first, a quarter of the second.
    """
    return (functional.softplus(logits) * shares_of(hours)).sum(-1)

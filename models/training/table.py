"""The rows of a cohort as tensors: what the network reads, and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.design import Numbers, stacked
from models.likelihood import Targets
from models.net import EDGES_H, Batch, FusionNet


@dataclass(frozen=True)
class Target:
    """What is known of one row, in hours after arrival: see `models.likelihood.Targets`."""

    start_h: float
    after_h: float
    until_h: float
    event: bool


@dataclass(frozen=True)
class TableRow:
    """One row before stacking; ``pooled`` is the mean sentence embedding [384], or None without text."""

    stay: str
    numbers: Numbers
    pooled: Tensor | None
    target: Target


@dataclass(frozen=True)
class Table:
    """B rows of data; all rows of a stay carry its name."""

    stays: tuple[str, ...]
    values: Tensor  # [B, F]
    observed: Tensor  # [B, F]
    findings: Tensor  # [B, T]
    pooled: Tensor  # [B, 384]
    has_note: Tensor  # [B]
    targets: Targets
    is_flag: Tensor  # [F] bool

    def __len__(self) -> int:
        return len(self.stays)

    def batch(self, net: FusionNet) -> Batch:
        """The rows as the network reads them."""
        note = net.project(self.pooled) * self.has_note[:, None]
        return Batch(self.values, self.observed, self.findings, note, self.has_note)

    def where(self, keep: Sequence[bool]) -> "Table":
        """The rows that are kept."""
        rows = torch.tensor([place for place, kept in enumerate(keep) if kept], dtype=torch.long)
        held = self.targets
        targets = Targets(held.start[rows], held.after[rows], held.until[rows], held.event[rows])
        return Table(
            tuple(self.stays[place] for place in rows.tolist()), self.values[rows], self.observed[rows],
            self.findings[rows], self.pooled[rows], self.has_note[rows], targets, self.is_flag,
        )  # fmt: skip

    def outcomes(self) -> NDArray[np.float64]:
        """END by 168 h: 1, 0, or NaN where the row was censored before."""
        held = self.targets
        free = torch.where(held.until >= EDGES_H[-1], 0.0, torch.nan)
        return torch.where(held.event, 1.0, free).double().numpy()


def table_of(rows: Sequence[TableRow], is_flag: Sequence[bool], embedding: int) -> Table:
    """Rows stacked, ``pooled`` [B, embedding]; ``ValueError`` where there are none."""
    if not rows:
        raise ValueError("no row of data: no eligible stay with a label")
    values, observed, findings = (torch.from_numpy(matrix) for matrix in stacked([row.numbers for row in rows]))
    empty = torch.zeros(embedding)
    return Table(
        stays=tuple(row.stay for row in rows),
        values=values,
        observed=observed,
        findings=findings,
        pooled=torch.stack([empty if row.pooled is None else row.pooled for row in rows]),
        has_note=torch.tensor([float(row.pooled is not None) for row in rows]),
        targets=targets_of([row.target for row in rows]),
        is_flag=torch.tensor(list(is_flag)),
    )


def stacked_tables(tables: Sequence[Table]) -> Table:
    """The rows of several tables with the same columns, one after another."""

    def columns(name: str) -> Tensor:
        return torch.cat([getattr(table, name) for table in tables])

    held = [table.targets for table in tables]
    targets = Targets(
        *(torch.cat([getattr(one, name) for one in held]) for name in ("start", "after", "until", "event"))
    )
    return Table(
        tuple(stay for table in tables for stay in table.stays), columns("values"), columns("observed"),
        columns("findings"), columns("pooled"), columns("has_note"), targets, tables[0].is_flag,
    )  # fmt: skip


def targets_of(targets: Sequence[Target]) -> Targets:
    """Single targets as tensors."""
    return Targets(
        torch.tensor([one.start_h for one in targets]),
        torch.tensor([one.after_h for one in targets]),
        torch.tensor([one.until_h for one in targets]),
        torch.tensor([one.event for one in targets]),
    )

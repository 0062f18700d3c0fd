"""The rows of a cohort as tensors: what the network reads, and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.design import Design, Numbers, stacked
from models.likelihood import Targets
from models.net import EDGES_H, Batch
from models.notes import NoteColumns


@dataclass(frozen=True)
class Target:
    """What is known of one row, in hours after arrival: see `models.likelihood.Targets`."""

    start_h: float
    after_h: float
    until_h: float
    event: bool


@dataclass(frozen=True)
class TableRow:
    """One row before stacking; ``note`` is the place of its note among those of the cohort."""

    stay: str
    numbers: Numbers
    note: int
    target: Target


_COLUMNS = ("values", "observed", "findings", "joined", "note", "pooled", "has_note")
"""The members of a `Table` that have a row each."""


@dataclass(frozen=True)
class Table:
    """B rows of data; all rows of a stay carry its name.

    ``findings`` are those of the rules, ``joined`` the probabilities that the network reads: of rules and
    reader together, or the same as ``findings`` without a reader.
    """

    stays: tuple[str, ...]
    values: Tensor  # [B, F]
    observed: Tensor  # [B, F]
    findings: Tensor  # [B, T] 0 or 1
    joined: Tensor  # [B, T] in 0..1
    note: Tensor  # [B, W] mean sentence vector of the reader
    pooled: Tensor  # [B, 384] mean sentence vector of the plain encoder, for opponents
    has_note: Tensor  # [B]
    targets: Targets
    is_flag: Tensor  # [F] bool
    modalities: Tensor  # [M, F] which features belong together

    def __len__(self) -> int:
        return len(self.stays)

    def batch(self) -> Batch:
        """The rows as the network reads them."""
        return Batch(self.values, self.observed, self.joined, self.note, self.has_note, self.targets.start)

    def where(self, keep: Sequence[bool]) -> "Table":
        """The rows that are kept."""
        rows = torch.tensor([place for place, kept in enumerate(keep) if kept], dtype=torch.long)
        held = self.targets
        targets = Targets(held.start[rows], held.after[rows], held.until[rows], held.event[rows])
        kept = {name: getattr(self, name)[rows] for name in _COLUMNS}
        return replace(self, stays=tuple(self.stays[place] for place in rows.tolist()), targets=targets, **kept)

    def lacking(self, modality: Tensor) -> "Table":
        """The rows without some of their modalities [B, M + 1]: 1 where it is taken away, the last one the reports."""
        kept = 1 - (modality[:, :-1] @ self.modalities).clamp(0, 1)
        lost = modality[:, -1:] > 0
        unread = torch.zeros_like(self.joined)
        unread[:, -1:] = 1
        return replace(
            self,
            values=self.values * kept,
            observed=self.observed * kept,
            joined=torch.where(lost, unread, self.joined),
            note=torch.where(lost, 0.0, self.note),
            has_note=torch.where(lost[:, 0], 0.0, self.has_note),
        )

    def without_reports(self) -> "Table":
        """The rows as if no stay had a report."""
        modality = torch.zeros(len(self), len(self.modalities) + 1)
        modality[:, -1] = 1
        return self.lacking(modality)

    def outcomes(self) -> NDArray[np.float64]:
        """END by 168 h: 1, 0, or NaN where the row was censored before."""
        held = self.targets
        free = torch.where(held.until >= EDGES_H[-1], 0.0, torch.nan)
        return torch.where(held.event, 1.0, free).double().numpy()


def table_of(rows: Sequence[TableRow], notes: NoteColumns, design: Design) -> Table:
    """Rows stacked, with the columns of their notes; ``ValueError`` where there are none."""
    if not rows:
        raise ValueError("no row of data: no eligible stay with a label")
    values, observed, findings = (torch.from_numpy(matrix) for matrix in stacked([row.numbers for row in rows]))
    read = notes.at(torch.tensor([row.note for row in rows]))
    return Table(
        stays=tuple(row.stay for row in rows),
        values=values,
        observed=observed,
        findings=findings,
        joined=read.joined,
        note=read.note,
        pooled=read.pooled,
        has_note=read.has_note,
        targets=targets_of([row.target for row in rows]),
        is_flag=flags_of(design),
        modalities=torch.from_numpy(design.members),
    )


def flags_of(design: Design) -> Tensor:
    """Which features are 0 or 1 [F]."""
    return torch.tensor([name in design.flags for name in design.features])


def stacked_tables(tables: Sequence[Table]) -> Table:
    """The rows of several tables with the same columns, one after another."""
    held = [table.targets for table in tables]
    targets = Targets(
        *(torch.cat([getattr(one, name) for one in held]) for name in ("start", "after", "until", "event"))
    )
    columns = {name: torch.cat([getattr(table, name) for table in tables]) for name in _COLUMNS}
    return replace(tables[0], stays=tuple(stay for table in tables for stay in table.stays), targets=targets, **columns)


def targets_of(targets: Sequence[Target]) -> Targets:
    """Single targets as tensors."""
    return Targets(
        torch.tensor([one.start_h for one in targets]),
        torch.tensor([one.after_h for one in targets]),
        torch.tensor([one.until_h for one in targets]),
        torch.tensor([one.event for one in targets]),
    )

"""Approximate oracles of a world: what could be known of END from all, from the observed, from the structured.

Exact integration over what is not observed is impractical (nineteen values, their gaps, the course and
its charting), so each oracle is the best of flexible models on a million simulated rows, chosen on
stays that none was fitted on. "full" sees all that is true at the moment of a row but not what will
happen: a ceiling only. "observed" sees values, gaps and what the reports *state*; "structured" no reports.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from fhir_mappings.features import FeatureTable
from models.design import Design
from models.notes import Progress
from models.simulation.direct import direct_cohort
from models.simulation.world import World
from models.training.table import Table

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
Kind = Literal["full", "observed", "structured"]
KINDS: tuple[Kind, ...] = ("observed", "structured", "full")
NAMES: Mapping[Kind, str] = {
    "full": "O_full (ceiling)", "observed": "O_obs (approximate oracle)", "structured": "O_struct (approximate oracle)",
}  # fmt: skip

_SHARD = 5000  # stays that are simulated and kept together


@dataclass(frozen=True)
class OracleRows:
    """Rows as oracles see them: hours [B], values, gaps, statements and latent truth side by side."""

    hours: Matrix  # [B]
    values: Matrix  # [B, F]
    observed: Matrix  # [B, F]
    stated: Matrix  # [B, T]
    latent: Matrix  # [B, L]
    outcome: Matrix  # [B] 1, 0 or NaN

    def seen(self, kind: Kind) -> Matrix:
        """What an oracle sees [B, K]: the hour first; a value that is not observed is NaN.

        The ceiling sees the observed beside the truth, since scores carry their errors along.
        """
        hours, values = self.hours[:, None], np.where(self.observed > 0, self.values, np.nan)
        parts: Mapping[Kind, tuple[Matrix, ...]] = {
            "full": (hours, values, self.latent),
            "observed": (hours, values, self.stated),
            "structured": (hours, values),
        }
        return np.concatenate(parts[kind], axis=1, dtype=np.float32)

    def where(self, keep: NDArray[np.bool_]) -> "OracleRows":
        """The rows that are kept."""
        return OracleRows(*(column[keep] for column in vars(self).values()))


def rows_of_table(table: Table, stated: Matrix, latent: Matrix | Floats) -> OracleRows:
    """The rows of a table, with what its reports state and what is true."""
    return OracleRows(
        table.targets.start.numpy(), table.values.numpy(), table.observed.numpy(), stated,
        latent.astype(np.float32), table.outcomes().astype(np.float32),
    )  # fmt: skip


@dataclass(frozen=True)
class OraclePlan:
    """How the rows of an oracle are simulated."""

    world: World
    seed: int
    stays: int
    hours: tuple[float, ...]
    design: Design
    features: FeatureTable
    processes: int = 1


def simulated_rows(plan: OraclePlan, kept: Path, progress: Progress | None = None) -> OracleRows:
    """The rows of a plan with a known outcome, kept in the folder shard by shard: an interrupted run goes on."""
    kept.mkdir(parents=True, exist_ok=True)
    starts = range(1, plan.stays + 1, _SHARD)
    shards = []
    for done, first in enumerate(starts, 1):
        path = kept / f"rows-{first:07d}.safetensors"
        if not path.is_file():
            _write_shard(plan, first, min(_SHARD, plan.stays + 1 - first), path)
        shards.append({name: tensor.numpy() for name, tensor in load_file(path).items()})
        if progress:
            progress(done, len(starts))
    names = OracleRows.__dataclass_fields__
    return OracleRows(*(np.concatenate([shard[name] for shard in shards]) for name in names))


def _write_shard(plan: OraclePlan, first: int, stays: int, path: Path) -> None:
    found = direct_cohort(
        plan.world, stays, plan.seed, plan.design, plan.features, hours=plan.hours, first=first,
        read_text=False, latent=True, processes=plan.processes,
    )  # fmt: skip
    rows = rows_of_table(found.cohort.table, found.stated, found.latent)
    rows = rows.where(~np.isnan(rows.outcome))
    partial = path.with_suffix(".partial")
    save_file({name: torch.from_numpy(np.ascontiguousarray(column)) for name, column in vars(rows).items()}, partial)
    partial.replace(path)

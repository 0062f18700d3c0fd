"""A simulated set of a study, kept on disk so that an interrupted run goes on where it was."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.evaluation.rows import TestRows
from models.training.kept import table_from, tensors_of
from models.training.table import Table

_ROWS = ("hours", "outcome", "raised_h")


@dataclass(frozen=True)
class HeldSet:
    """Rows as models read them and as statistics do; ``stated`` [B, T] and ``latent`` [B, L] are for the oracles."""

    table: Table
    stated: Tensor
    latent: Tensor
    rows: TestRows
    lost: Mapping[str, int]

    def as_stated(self) -> Table:
        """The rows with what the reports state in place of what the rules read."""
        return replace(self.table, findings=self.stated, joined=self.stated)

    def first_stays(self, skip: int, count: int) -> Table:
        """The rows of ``count`` stays after the first ``skip``."""
        order = list(dict.fromkeys(self.table.stays))[skip : skip + count]
        if len(order) < count:
            raise ValueError(f"the set holds {len(order)} stays where {count} are asked")
        wanted = set(order)
        return self.table.where([stay in wanted for stay in self.table.stays])


def kept(path: Path, make: Callable[[], HeldSet]) -> HeldSet:
    """The set in ``<path>.safetensors`` and ``.json``, made and written where it is not there."""
    if not path.with_suffix(".json").is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, make())
    return _read(path)


def _write(path: Path, held: HeldSet) -> None:
    """The JSON is written last: with it the set is whole."""
    tensors = tensors_of(held.table)
    tensors |= {f"rows.{name}": torch.from_numpy(getattr(held.rows, name)) for name in _ROWS}
    tensors |= {f"groups.{name}": torch.from_numpy(flags) for name, flags in held.rows.groups.items()}
    if held.rows.event is not None:
        tensors["rows.event"] = torch.from_numpy(held.rows.event)
    tensors |= {"stated": held.stated, "latent": held.latent}
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path.with_suffix(".safetensors"))
    about = {
        "stays": held.table.stays, "series": dict(held.rows.series), "ends": dict(held.rows.ends),
        "lost": dict(held.lost),
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(about), "utf-8")


def _read(path: Path) -> HeldSet:
    tensors = load_file(path.with_suffix(".safetensors"))
    about: Mapping[str, Any] = json.loads(path.with_suffix(".json").read_text("utf-8"))
    stays = tuple(about["stays"])
    event = tensors.get("rows.event")
    hours, outcome, raised_h = (tensors[f"rows.{name}"].numpy() for name in _ROWS)
    rows = TestRows(
        stays,
        hours,
        outcome,
        raised_h,
        event=None if event is None else event.numpy(),
        groups={
            name.removeprefix("groups."): tensor.numpy().astype(np.bool_)
            for name, tensor in tensors.items()
            if name.startswith("groups.")
        },
        series={stay: tuple((h, t) for h, t in scores) for stay, scores in about["series"].items()},
        ends={stay: (kind, hour) for stay, (kind, hour) in about["ends"].items()},
    )
    return HeldSet(table_from(tensors, stays), tensors["stated"], tensors["latent"], rows, about["lost"])

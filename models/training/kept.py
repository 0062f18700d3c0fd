"""Tables on disk, so that what was read once need not be read again."""

import json
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from models.likelihood import Targets
from models.training.table import Table

_TENSORS = ("values", "observed", "findings", "joined", "note", "pooled", "has_note", "is_flag", "modalities")
_TARGETS = ("start", "after", "until", "event")


def tensors_of(table: Table) -> dict[str, Tensor]:
    """Everything of a table but the names of its stays."""
    held = {name: getattr(table, name) for name in _TENSORS}
    held |= {f"targets.{name}": getattr(table.targets, name) for name in _TARGETS}
    return {name: tensor.contiguous().clone() for name, tensor in held.items()}


def table_from(tensors: dict[str, Tensor], stays: tuple[str, ...]) -> Table:
    """The table that `tensors_of` took apart."""
    targets = Targets(*(tensors[f"targets.{name}"] for name in _TARGETS))
    return Table(stays=stays, targets=targets, **{name: tensors[name] for name in _TENSORS})


def keep_table(path: Path, table: Table, identity: str) -> None:
    """Write a table to ``<path>.safetensors`` and ``.json``, the JSON last: with it the table is whole."""
    save_file(tensors_of(table), path.with_suffix(".safetensors"))
    path.with_suffix(".json").write_text(json.dumps({"identity": identity, "stays": table.stays}), "utf-8")


def kept_table(path: Path, identity: str) -> Table | None:
    """The table kept under this identity, or None where there is none or another one."""
    if not path.with_suffix(".json").is_file():
        return None
    about = json.loads(path.with_suffix(".json").read_text("utf-8"))
    if about["identity"] != identity:
        return None
    return table_from(load_file(path.with_suffix(".safetensors")), tuple(about["stays"]))


def forget_table(path: Path) -> None:
    """Nothing is left of a kept table."""
    for suffix in (".json", ".safetensors"):
        path.with_suffix(suffix).unlink(missing_ok=True)

"""Subgroups of rows, from the inputs that define them."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation.rows import SCHEDULE, Flags, Floats

UNKNOWN = "unknown"


@cache
def subgroup_table() -> tuple[dict[str, Any], ...]:
    """The families of subgroups with their levels, as in ``subgroups.toml``."""
    return tuple(tomllib.loads(Path(__file__).with_name("subgroups.toml").read_text("utf-8"))["subgroup"])


def subgroup_features() -> tuple[str, ...]:
    """The inputs that `subgroups_of` needs."""
    return tuple(family["feature"] for family in subgroup_table())


def subgroups_of(columns: Mapping[str, Floats]) -> dict[str, Flags]:
    """``family: level`` for every level; a column is an input in its own unit [B], NaN where unknown.

    Raises ``ValueError`` naming an input that is not there.
    """
    found = {}
    for family in subgroup_table():
        if family["feature"] not in columns:
            raise ValueError(f"subgroups by {family['family']} need the input {family['feature']}")
        values = columns[family["feature"]]
        for level in family["levels"]:
            inside = (values >= level.get("from", -np.inf)) & (values < level.get("below", np.inf))
            found[f"{family['family']}: {level['name']}"] = inside
        if np.isnan(values).any():
            found[f"{family['family']}: {UNKNOWN}"] = np.isnan(values)
    return found


def schedules_of(names: Sequence[str]) -> dict[str, Flags]:
    """``schedule: name`` for every schedule of NIHSS; ``names`` [B] says which each row's stay was on."""
    held = np.asarray(names)
    return {f"{SCHEDULE}: {name}": np.asarray(held == name) for name in sorted(set(names))}

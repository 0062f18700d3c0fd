"""How far the rules and the reader are each trusted, as measured: ``joining.toml``."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.reader import ASSERTIONS

FloatArray = NDArray[np.float64]

TABLE = Path(__file__).with_name("joining.toml")


@dataclass(frozen=True)
class Trust:
    """How far each reading is trusted: ``joining.toml``."""

    rules: FloatArray  # [6, 6] P(what the rules say | what is true), rows the truth
    floor: float  # the reader's probabilities count as no smaller than this


@cache
def trust() -> Trust:
    """The measured table; each row a mean over its sources of smoothed shares."""
    raw = tomllib.loads(TABLE.read_text("utf-8"))
    tables = [_shares(source["counts"]) for source in raw["rules"]]
    return Trust(np.mean(tables, axis=0), float(raw["reader"]["floor"]))


def _shares(counts: Mapping[str, Sequence[int]]) -> FloatArray:
    """Counts by truth as shares [6, 6]; half a count more in each cell, so that nothing is impossible."""
    table = np.array([counts[truth] for truth in ASSERTIONS], dtype=np.float64) + 0.5
    shares: FloatArray = table / table.sum(axis=1, keepdims=True)
    return shares

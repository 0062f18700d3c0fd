"""The feature list of the IST benchmark, guarded, and a chart table as columns of numbers.

Everything but the predictors known at randomization leaks what came later, so a list that asks
for any other column, or lacks one, stops the run.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEATURES = Path(__file__).with_suffix(".toml")

PREDICTORS = tuple(
    "RDELAY RCONSC SEX AGE RSLEEP RATRIAL RCT RVISINF RSBP"
    " RDEF1 RDEF2 RDEF3 RDEF4 RDEF5 RDEF6 RDEF7 RDEF8 STYPE".split()
)
"""Known at randomization; nothing else is."""

ALLOCATION = ("RXASP", "RXHEP")
"""Trial treatment: predictors of one named sensitivity analysis only."""

SHAPES = ("linear", "knots", "products")
"""Each shape has the columns of those before it, too."""


@dataclass(frozen=True)
class Predictor:
    """One column of the chart: a number with a ``unit``, or ``levels`` of which the first is the reference."""

    name: str
    source: str
    unit: str = ""
    levels: tuple[str, ...] = ()
    unobserved: tuple[str, ...] = ()  # written, but says that it could not be assessed
    same: Mapping[str, str] = field(default_factory=dict)  # one level under two names
    center: float = 0.0
    knots: tuple[float, ...] = ()


@dataclass(frozen=True)
class Features:
    """The predictors in order and the pairs of columns that are multiplied."""

    predictors: tuple[Predictor, ...]
    products: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Column:
    """What one column of numbers is called, the first shape that has it, and whether it is 0/1."""

    name: str
    shape: str
    flag: bool


def read_features(path: Path = FEATURES, *, allocation: bool = False) -> Features:
    """The list of a TOML file; ``ValueError`` where it asks for another column than the allowed ones."""
    raw = tomllib.loads(path.read_text("utf-8"))
    guard(PREDICTORS, [row["name"] for row in raw["predictor"]])
    guard(ALLOCATION, [row["name"] for row in raw["allocation"]])
    rows = raw["predictor"] + (raw["allocation"] if allocation else [])
    products = tuple((str(row["of"][0]), str(row["of"][1])) for row in raw["product"])
    return Features(tuple(_predictor(row) for row in rows), products)


def guard(allowed: Sequence[str], asked: Sequence[str]) -> None:
    """Nothing; ``ValueError`` unless exactly the allowed columns are asked for, each once."""
    if other := [name for name in asked if name not in allowed]:
        raise ValueError(f"{other[0]} is not an allowed predictor: allowed are exactly {', '.join(allowed)}")
    if absent := [name for name in allowed if name not in asked]:
        raise ValueError(f"the feature list lacks {', '.join(absent)}")
    if len(asked) > len(allowed):
        raise ValueError("the feature list names a predictor twice")


def _predictor(row: Mapping[str, Any]) -> Predictor:
    lists = ("levels", "unobserved", "knots")
    return Predictor(**(dict(row) | {key: tuple(row.get(key, ())) for key in lists}))


def columns_of(chart: pd.DataFrame, features: Features) -> tuple[tuple[Column, ...], Floats]:
    """The columns and their numbers [B, F], NaN where unobserved; ``ValueError`` names a value not understood.

    ``chart`` holds text.
    """
    made = [pair for predictor in features.predictors for pair in _columns(chart[predictor.name], predictor)]
    held = {column.name: values for column, values in made}
    made += [(Column(f"{one}*{two}", "products", flag=False), held[one] * held[two]) for one, two in features.products]
    return tuple(column for column, _ in made), np.stack([values for _, values in made], axis=1)


def _columns(written: "pd.Series[str]", predictor: Predictor) -> Iterator[tuple[Column, Floats]]:
    if predictor.levels:
        yield from _level_columns(written, predictor)
        return
    values = _numbers(written)
    yield Column(predictor.name, "linear", flag=False), values - predictor.center
    for knot in predictor.knots:
        yield Column(f"{predictor.name}>{knot:g}", "knots", flag=False), np.maximum(values - knot, 0.0)


def _level_columns(written: "pd.Series[str]", predictor: Predictor) -> Iterator[tuple[Column, Floats]]:
    levels = written.replace(dict(predictor.same))
    known = {*predictor.levels, *predictor.unobserved}
    if odd := [value for value in levels.dropna().unique() if value not in known]:
        raise ValueError(f"{predictor.name}: {odd[0]!r} is none of {', '.join(sorted(known))}")
    unobserved = (levels.isna() | levels.isin(predictor.unobserved)).to_numpy()
    for level in predictor.levels[1:]:
        hit = (levels == level).to_numpy(dtype=np.float64)
        yield Column(f"{predictor.name}={level}", "linear", flag=True), np.where(unobserved, np.nan, hit)


def _numbers(written: "pd.Series[str]") -> Floats:
    numbers = pd.to_numeric(written, errors="coerce")
    if len(odd := written[numbers.isna() & written.notna()]):
        raise ValueError(f"{written.name}: {odd.iloc[0]!r} is not a number")
    return np.asarray(numbers, dtype=np.float64)

"""Who arrives: structured values, history and true findings, and the log-odds of the event.

Values come from a Gaussian copula, findings from small logistic models; both are drawn for all
patients at once, one row a patient, so that patient 7 is the same in a cohort of 10 and of 10,000.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from models.simulation.world import Effect, TrueFinding, Variable, World

Column = NDArray[np.float64]

_CALIBRATION_SEED = 20260316
_CALIBRATION_COUNT = 40_000
_PRESENT = 0.5


@dataclass(frozen=True)
class Person:
    """One patient at arrival. Flags and findings are 0.0 or 1.0; ``risk`` is P(event)."""

    number: int
    values: Mapping[str, float]
    risk: float

    def has(self, name: str) -> bool:
        """True where the flag or finding is present."""
        return self.values[name] > _PRESENT


def _correlation(world: World, names: list[str]) -> NDArray[np.float64]:
    """The copula's correlation matrix, its eigenvalues lifted to be positive."""
    matrix = np.eye(len(names))
    for a, b, rho in world.correlations:
        i, j = names.index(a), names.index(b)
        matrix[i, j] = matrix[j, i] = rho
    eigenvalues, vectors = np.linalg.eigh(matrix)
    lifted = vectors @ np.diag(np.maximum(eigenvalues, 1e-4)) @ vectors.T
    scale = np.sqrt(np.diag(lifted))
    return np.asarray(lifted / np.outer(scale, scale), dtype=np.float64)


def _margin(variable: Variable, z: Column) -> Column:
    drawn = variable.center + variable.spread * z
    if variable.shape == "lognormal":
        drawn = variable.center * np.exp(variable.spread * z)
    return np.clip(drawn, variable.low, variable.high)


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability))) if 0 < probability < 1 else (probability - 0.5) * 200


def _finding(finding: TrueFinding, columns: Mapping[str, Column], z_nihss: Column, uniform: Column) -> Column:
    base = np.full_like(uniform, _logit(finding.probability))
    if finding.given is not None and finding.given_present is not None:
        base = np.where(columns[finding.given] > _PRESENT, _logit(finding.given_present), base)
    return (uniform < 1 / (1 + np.exp(-(base + finding.nihss_slope * z_nihss)))).astype(np.float64)


def draw_columns(world: World, count: int, seed: int) -> dict[str, Column]:
    """One column per variable, flag and finding, each of length ``count``."""
    names = [v.name for v in world.variables] + [f.name for f in world.flags]
    lower = np.linalg.cholesky(_correlation(world, names))
    normal = np.random.default_rng([seed, 1]).standard_normal((count, len(names)))
    uniform = np.random.default_rng([seed, 2]).random((count, len(world.findings)))
    z = dict(zip(names, (normal @ lower.T).T, strict=True))
    columns = {v.name: _margin(v, z[v.name]) for v in world.variables}
    columns["nihss"] = np.round(columns["nihss"])
    for flag in world.flags:
        columns[flag.name] = (z[flag.name] > NormalDist().inv_cdf(1 - flag.probability)).astype(np.float64)
    for index, finding in enumerate(world.findings):
        columns[finding.name] = _finding(finding, columns, z["nihss"], uniform[:, index])
    return columns


def _term(effect: Effect, column: Column) -> Column:
    return np.asarray(effect.log_odds * (np.log(column) if effect.ln else column) / effect.per, dtype=np.float64)


def log_odds(world: World, columns: Mapping[str, Column]) -> Column:
    """The additive log-odds without the intercept."""
    return np.asarray(np.sum([_term(effect, columns[effect.on]) for effect in world.effects], axis=0))


def _probability(scores: Column) -> Column:
    return np.asarray(1 / (1 + np.exp(-scores)), dtype=np.float64)


def intercept(world: World) -> float:
    """The intercept that gives the world's share of events, solved on a large fixed population."""
    scores = log_odds(world, draw_columns(world, _CALIBRATION_COUNT, _CALIBRATION_SEED))
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        too_high = float(np.mean(_probability(scores + middle))) > world["event_share"]
        low, high = (low, middle) if too_high else (middle, high)
    return (low + high) / 2


def draw_people(world: World, count: int, seed: int) -> Iterator[Person]:
    """The patients of a cohort, numbered from 1."""
    columns = draw_columns(world, count, seed)
    risk = _probability(log_odds(world, columns) + intercept(world))
    for row in range(count):
        values = {name: float(column[row]) for name, column in columns.items()}
        yield Person(number=row + 1, values=values, risk=float(risk[row]))

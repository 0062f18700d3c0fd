"""Who arrives: structured values, history and true findings, and the chance of each mechanism of the event.

Values come from a Gaussian copula, findings from small logistic models; both are drawn for all
patients at once, one row a patient, so that patient 7 is the same in a cohort of 10 and of 10,000.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from models.simulation.effects import Column, unit_term
from models.simulation.world import TrueFinding, Variable, World

_CALIBRATION_SEED = 20260316
_CALIBRATION_COUNT = 40_000
_CHUNK = 4096
_PRESENT = 0.5


@dataclass(frozen=True)
class Person:
    """One patient at arrival. Flags and findings are 0.0 or 1.0; ``chances`` are P(event), mechanism by mechanism."""

    number: int
    values: Mapping[str, float]
    chances: tuple[float, ...]

    @property
    def risk(self) -> float:
        """P(event) by any mechanism."""
        return 1 - prod(1 - chance for chance in self.chances)

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


def log_odds(world: World, columns: Mapping[str, Column], mechanism: str | None = None) -> Column:
    """The log-odds without the intercept: of one mechanism, else of the effects that all share."""
    own = [effect for effect in world.effects if effect.mechanism in (None, mechanism)]
    return np.asarray(np.sum([effect.log_odds * unit_term(effect, columns) for effect in own], axis=0))


def _probability(scores: Column) -> Column:
    return np.asarray(1 / (1 + np.exp(-scores)), dtype=np.float64)


def _any(chances: Column) -> Column:
    """P(event) by any mechanism; ``chances`` is [patients, mechanisms]."""
    return np.asarray(1 - np.prod(1 - chances, axis=1), dtype=np.float64)


def _by_mechanism(world: World, columns: Mapping[str, Column]) -> Column:
    return np.column_stack([log_odds(world, columns, mechanism.name) for mechanism in world.mechanisms])


def _solved(scores: Column, share: float) -> float:
    """The shift of all scores that gives that share of patients with an event by any mechanism."""
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        too_high = float(np.mean(_any(_probability(scores + middle)))) > share
        low, high = (low, middle) if too_high else (middle, high)
    return (low + high) / 2


@lru_cache(maxsize=16)
def intercepts(world: World) -> tuple[float, ...]:
    """One intercept a mechanism, solved on a large fixed population.

    Each mechanism alone would bring its own share of the world's events; one shift of all then makes
    the share of patients with any of them the world's ``event_share``.
    """
    scores = _by_mechanism(world, draw_columns(world, _CALIBRATION_COUNT, _CALIBRATION_SEED))
    shares = [mechanism.share * world["event_share"] for mechanism in world.mechanisms]
    alone = np.array([_solved(scores[:, [place]], share) for place, share in enumerate(shares)])
    shift = _solved(scores + alone, world["event_share"])
    return tuple(float(one + shift) for one in alone)


def intercept(world: World) -> float:
    """The intercept that gives the world's share of events; of several mechanisms, that of the first."""
    return intercepts(world)[0]


def chances(world: World, columns: Mapping[str, Column]) -> Column:
    """P(event) of each patient by each mechanism: [patients, mechanisms], in the world's order."""
    return _probability(_by_mechanism(world, columns) + np.array(intercepts(world)))


def draw_people(world: World, count: int, seed: int) -> Iterator[Person]:
    """The patients of a cohort, numbered from 1."""
    columns = draw_columns(world, count, seed)
    table, risks = np.column_stack(list(columns.values())), chances(world, columns)
    for start in range(0, count, _CHUNK):
        rows, own = table[start : start + _CHUNK].tolist(), risks[start : start + _CHUNK].tolist()
        for place, (row, risk) in enumerate(zip(rows, own, strict=True), start + 1):
            yield Person(place, dict(zip(columns, row, strict=True)), tuple(risk))

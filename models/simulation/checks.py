"""Does a cohort look as its world says: each sourced row of the config against what was drawn.

Allowed is 3 standard errors of the source's own n plus 2 % of its figure. Assumptions have nothing to
be compared with: `World.assumptions` lists them. ``python -m models.simulation.checks a`` prints both,
and how the END rule does by schedule.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from models.simulation.effects import Column, unit_term
from models.simulation.judged import JudgedStays, RuleRow, judged_stays, rule_table
from models.simulation.population import draw_columns, draw_people
from models.simulation.world import Target, World, known_worlds, load_world, row_label

_ERRORS = 3.0
_RELATIVE = 0.02
_NORMAL = NormalDist()
_QUARTILE_DISTANCE = 2 * _NORMAL.inv_cdf(0.75)
_QUANTILES = {"q1": 0.25, "median": 0.5, "q3": 0.75}

_STATISTICS: Mapping[str, Callable[[Column], float]] = {
    "mean": lambda column: float(np.mean(column)),
    "sd": lambda column: float(np.std(column)),
    "proportion": lambda column: float(np.mean(column)),
    "at_most": lambda column: float(np.mean(column)),
    "q1": lambda column: float(np.quantile(column, _QUANTILES["q1"])),
    "median": lambda column: float(np.median(column)),
    "q3": lambda column: float(np.quantile(column, _QUANTILES["q3"])),
}


@dataclass(frozen=True)
class Check:
    """One figure of one sourced row: what the source says, what was found, how far apart they may be."""

    row: str
    statistic: str
    expected: float
    found: float
    allowed: float
    source: str

    @property
    def met(self) -> bool:
        """True where the cohort agrees with the source; ``at_most`` is a limit."""
        if self.statistic == "at_most":
            return self.found <= self.expected
        return abs(self.found - self.expected) <= self.allowed


def standard_error(statistics: Mapping[str, float], name: str, n: int) -> float:
    """The standard error of one of a source's figures at its ``n``, from its own spread; quantiles: of a log-normal."""
    value = statistics[name]
    if name == "proportion":
        return sqrt(value * (1 - value) / n)
    if name in ("mean", "sd"):
        return statistics["sd"] / sqrt(n if name == "mean" else 2 * n)
    share, log_sd = _QUANTILES[name], log(statistics["q3"] / statistics["q1"]) / _QUARTILE_DISTANCE
    return value * log_sd * sqrt(share * (1 - share) / n) / _NORMAL.pdf(_NORMAL.inv_cdf(share))


def _row_checks(target: Target, column: Column) -> Iterator[Check]:
    statistics = dict(target.statistics)
    for name, value in statistics.items():
        error = 0.0 if name == "at_most" else standard_error(statistics, name, target.n)
        allowed = _ERRORS * error + _RELATIVE * abs(value)
        yield Check(target.row, name, value, _STATISTICS[name](column), allowed, target.source)


def _samples(world: World, columns: Mapping[str, Column], stays: JudgedStays) -> dict[str, Column]:
    """What was drawn, by the label of the row that it belongs to."""
    known, met = stays.known, stays.known & stays.end_rule
    late = stays.raised_h[met] > world["early_until_h"]
    hours = {
        f"mechanism {one.name}": (stays.event_h + stays.delay_h * (one.clock == "last_known_well"))[
            stays.mechanism == one.name
        ]
        for one in world.mechanisms
    }
    return {
        **{
            f"{kind} {one.name}": columns[one.name]
            for kind, some in (("variable", world.variables), ("flag", world.flags))
            for one in some
        },
        **hours,
        "target end_rule": stays.end_rule[known].astype(np.float64),
        "target end_rule_late": late.astype(np.float64),
        "target false_rises": stays.end_rule[known & ~stays.event].astype(np.float64),
    }


def _effect_checks(world: World, columns: Mapping[str, Column], event: NDArray[np.bool_]) -> Iterator[Check]:
    """Effects with a sourced odds ratio: the log-odds found by refitting all effects to the true events."""
    targets = {target.row: target for target in world.targets if target.row.startswith("effect ")}
    if not targets:
        return
    found = _refitted(np.column_stack([unit_term(effect, columns) for effect in world.effects]), event)
    for effect, value in zip(world.effects, found, strict=True):
        if target := targets.get(row_label("effect", vars(effect))):
            ratio = dict(target.statistics)
            expected = log(ratio["odds_ratio"])
            error = log(ratio["high"] / ratio["low"]) / (2 * _NORMAL.inv_cdf(0.975))
            allowed = _ERRORS * error + _RELATIVE * abs(expected)
            yield Check(target.row, "log odds", expected, float(value), allowed, target.source)


def _refitted(terms: Column, event: NDArray[np.bool_]) -> Column:
    """The coefficients of an unpenalized logistic regression."""
    from statsmodels.api import Logit, add_constant  # seconds to load, and no serving path needs it

    centered = terms - terms.mean(axis=0)
    return np.asarray(
        Logit(event.astype(np.float64), add_constant(centered)).fit(disp=False).params[1:], dtype=np.float64
    )


def cohort_checks(world: World, n: int, seed: int, charted: int | None = None) -> list[Check]:
    """Every sourced figure of the world against ``n`` simulated patients.

    ``charted``: of how many of them the scores are charted and judged by the END rule; all by default.
    """
    return _checks(world, draw_columns(world, n, seed), judged_stays(world, draw_people(world, n, seed), seed, charted))


def _checks(world: World, columns: Mapping[str, Column], stays: JudgedStays) -> list[Check]:
    samples = _samples(world, columns, stays)
    rows = [target for target in world.targets if not target.row.startswith("effect ")]
    checks = [check for target in rows for check in _row_checks(target, samples[target.row])]
    return [*checks, *_effect_checks(world, columns, stays.event)]


def nihss_and_age(world: World, n: int, seed: int) -> tuple[Column, Column]:
    """NIHSS and age at arrival of ``n`` simulated patients, to be plotted beside real ones."""
    columns = draw_columns(world, n, seed)
    return columns["nihss"], columns["age"]


def _lines(checks: Sequence[Check], table: Sequence[RuleRow]) -> Iterator[str]:
    """Both tables as Markdown."""
    yield "| row | figure | source | simulated | allowed | |"
    yield "|---|---|---|---|---|---|"
    for one in checks:
        apart, said = "" if one.statistic == "at_most" else f"{one.allowed:.3g}", "met" if one.met else "NOT MET"
        yield f"| {one.row} | {one.statistic} | {one.expected:.4g} | {one.found:.4g} | {apart} | {said} |"
    yield "\n| schedule | stays | true events | END by the rule | sensitivity | specificity | early : late |"
    yield "|---|---|---|---|---|---|---|"
    for row in table:
        share = f"{row.end_rule} ({100 * row.end_rule / row.stays:.1f} %)"
        figures = f"{row.sensitivity:.3f} | {row.specificity:.3f} | {row.early}:{row.late}"
        yield f"| {row.schedule} | {row.stays} | {row.events} | {share} | {figures} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the checks of one world, the rule by schedule, and how many rows are assumptions."""
    parser = argparse.ArgumentParser(prog="python -m models.simulation.checks", description=main.__doc__)
    parser.add_argument("world", choices=known_worlds())
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    world = load_world(asked.world)
    columns = draw_columns(world, asked.patients, asked.seed)
    stays = judged_stays(world, draw_people(world, asked.patients, asked.seed), asked.seed)
    print("\n".join(_lines(_checks(world, columns, stays), rule_table(world, stays))))
    print(f"\n{len(world.targets)} rows with a sourced figure, {len(world.assumptions)} rows with an assumption.")


if __name__ == "__main__":
    main()

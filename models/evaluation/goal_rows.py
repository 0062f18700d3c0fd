"""The goals before they are measured, as ``goals.toml`` sets them, and how measured figures become goals."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.evaluation.goals import CALLED, Goal, Limit
from models.evaluation.refuse import Figure, refused

GOALS = Path(__file__).parent / "goals.toml"


@dataclass(frozen=True)
class Measure:
    """One figure of a goal: ``of`` which metric, ``where``: at which hour, of which finding."""

    figure: Figure
    of: str = ""
    where: str = ""

    def detail(self) -> str:
        """What the figure is of, and why there is none."""
        told = " at ".join(filter(None, [CALLED.get(self.of, self.of), self.where]))
        return ": ".join(filter(None, [told, self.figure.get("refused")]))


Shas = tuple[str, str]
"""Which settings, and which test set."""


@dataclass(frozen=True)
class Found:
    """What was measured for one goal, with which settings, on which test set."""

    measures: Sequence[Measure]
    shas: Shas


NOT_MEASURED = refused("not measured", 0, 0)


@dataclass(frozen=True)
class Row:
    """A goal before it is measured, in each of its ``worlds`` ("" where it has none).

    Raises ``ValueError`` where one of several limits does not say by what it is to be compared with the others.
    """

    id: str
    name: str
    limits: tuple[Limit, ...]
    worlds: tuple[str, ...] = ("",)
    source: str = ""

    def __post_init__(self) -> None:
        if len(self.limits) > 1 and not all(one.of and one.best is not None for one in self.limits):
            raise ValueError(f"{self.id}: each of several limits needs `of` and `best`")

    def goal(self, world: str, found: Found | None) -> Goal:
        """The goal by the measure that strains its limit most; without any, the goal says that it was not measured."""
        if found is None:
            return self._goal(world, self.limits[0], NOT_MEASURED, "not measured")
        by_metric = {limit.of: limit for limit in self.limits}
        worst = max(found.measures, key=lambda one: by_metric[one.of].strain(one.figure["value"]))
        return self._goal(world, by_metric[worst.of], worst.figure, worst.detail(), found.shas)

    def _goal(self, world: str, limit: Limit, figure: Figure, detail: str, shas: Shas = ("", "")) -> Goal:
        name, target = self.name.format(world=world.upper()), ", ".join(one.text() for one in self.limits)
        value, low, high = (figure.get(part) for part in ("value", "low", "high"))
        return Goal(name, value, low, high, target, limit, figure["n"], figure["events"], *shas, detail)


Key = tuple[str, str]
"""A goal's id and its world."""


@dataclass(frozen=True)
class Measuring:
    """On what the goals of worlds are measured, and how often admissions are drawn."""

    source: str
    stays: int
    phrasing: str
    landmarks_h: tuple[float, ...]
    draws: int
    seed: int
    recalibration_share: float
    grave_findings: tuple[str, ...]


@cache
def measuring() -> Measuring:
    """The table ``study`` of ``goals.toml``."""
    raw = _read()["study"]
    return Measuring(**raw | {name: tuple(raw[name]) for name in ("landmarks_h", "grave_findings")})


@cache
def rows() -> tuple[Row, ...]:
    """The goals of ``goals.toml`` in their order."""
    return tuple(_row(dict(one)) for one in _read()["goal"])


def _row(raw: dict[str, Any]) -> Row:
    limits = tuple(Limit(**limit) for limit in raw.pop("limits"))
    return Row(**raw | {"limits": limits, "worlds": tuple(raw.get("worlds", [""]))})


@cache
def _read() -> Mapping[str, Any]:
    return tomllib.loads(GOALS.read_text("utf-8"))


def judged(found: Mapping[Key, Found]) -> tuple[Goal, ...]:
    """Every goal, in order: what was not measured stands there without a value and is not met.

    ``ValueError`` naming what is measured and no goal.
    """
    wanted = {(row.id, world): row for row in rows() for world in row.worlds}
    if unknown := [key for key in found if key not in wanted]:
        raise ValueError(f"no goal of goals.toml: {unknown[0]}")
    return tuple(row.goal(key[1], found.get(key)) for key, row in wanted.items())

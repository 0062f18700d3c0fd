"""The goals of the network beside what was measured: ``met`` is computed from value, low and high, never written down.

The goals themselves are data: ``goals.toml``, read by `models.evaluation.goal_rows`.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Judged = Literal["point", "low", "high", "interval", "reported"]
WORDS: Mapping[Judged, str] = {
    "point": "point", "low": "lower bound", "high": "upper bound", "interval": "interval", "reported": "reported",
}  # fmt: skip
LIMITS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    "above": (">", operator.gt), "at_least": (">=", operator.ge), "at_most": ("<=", operator.le),
}  # fmt: skip

CALLED: Mapping[str, str] = {"calibration_slope": "slope", "observed_to_expected": "O:E", "ici": "ICI"}
"""How a table calls a metric."""


@dataclass(frozen=True)
class Limit:
    """What of a figure is held against which numbers.

    ``of`` names the figure where a goal has several, ``best`` its value when perfect. Raises ``ValueError``
    on an unknown ``judged``, and where a number to hold it against is missing or too much.
    """

    judged: Judged
    of: str = ""
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    includes: float | None = None
    best: float | None = None

    def __post_init__(self) -> None:
        if self.judged not in get_args(Judged):
            raise ValueError(f"judged is one of {', '.join(get_args(Judged))}, not {self.judged!r}")
        wanted = {"reported": (False, False), "interval": (False, True)}.get(self.judged, (True, False))
        if wanted != (bool(self._numbers()), self.includes is not None):
            raise ValueError(f"a goal judged by {WORDS[self.judged]} has no such limits: {self}")

    def _numbers(self) -> dict[str, float]:
        return {name: number for name in LIMITS if (number := getattr(self, name)) is not None}

    def met(self, value: float | None, low: float | None, high: float | None) -> bool | None:
        """Whether the limits hold: None where the figure is only reported, False where it is not there."""
        if self.judged == "reported":
            return None
        if self.judged == "interval":
            return low is not None and high is not None and self.includes is not None and low <= self.includes <= high
        held = {"point": value, "low": low, "high": high}[self.judged]
        return held is not None and all(LIMITS[name][1](held, number) for name, number in self._numbers().items())

    def strain(self, value: float | None) -> float:
        """How far from the best towards the limit: above 1 the limit is passed; without a value it is endless."""
        if value is None or self.best is None:
            return float("inf")
        end = self.at_most if value > self.best else self.at_least
        return 0.0 if end is None else (value - self.best) / (end - self.best)

    def text(self) -> str:
        """The limits in words: "lower bound >= 0.8"."""
        tests = [f"{LIMITS[name][0]} {number:g}" for name, number in self._numbers().items()]
        tests += [] if self.includes is None else [f"includes {self.includes:g}"]
        return " ".join([CALLED.get(self.of, WORDS[self.judged]), " and ".join(tests)]).strip()


@dataclass(frozen=True)
class Goal:
    """One goal and its figure; ``detail`` says of what where the goal has several, or why there is none.

    ``n`` counts rows (sentences, patients), ``events`` those with END (present, with the outcome).
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    target: str
    limit: Limit
    n: int
    events: int
    config_sha256: str = ""
    test_set_sha256: str = ""
    detail: str = ""

    @property
    def judged(self) -> Judged:
        """What of the figure is held against the limit."""
        return self.limit.judged

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where it is only reported."""
        return self.limit.met(self.value, self.low, self.high)

    def as_json(self) -> dict[str, Any]:
        """The goal as ``evaluation.json`` holds it."""
        return asdict(self) | {"judged": self.judged, "met": self.met}


def goal_from(raw: Mapping[str, Any]) -> Goal:
    """The goal of `Goal.as_json`; ``ValueError`` where its ``met`` is not what its figures say."""
    held = {name: value for name, value in raw.items() if name not in ("judged", "met")}
    goal = Goal(**held | {"limit": Limit(**held["limit"])})
    if (goal.judged, goal.met) != (raw["judged"], raw["met"]):
        raise ValueError(f"{goal.name}: its figures say met = {goal.met}, not {raw['met']}")
    return goal


STATEMENT = (
    "Every goal but those of IST-1 is measured on simulated patients (reports in held-out phrases) or made-up "
    "sentences and says nothing about real patients; IST-1 holds real patients of 1991-96 and another outcome than END."
)
"""What opens the table."""


def goals_table(goals: Sequence[Mapping[str, Any]]) -> str:
    """The goals of an ``evaluation.json`` as a table (GFM) that a terminal shows too; its statement comes first."""
    if not goals:
        return "No goal was measured.\n"
    head = ("goal", "value (95 % interval)", "target", "met", "n (events)")
    lines = [head, *(_cells(goal_from(one)) for one in goals)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join([STATEMENT, "", *_aligned(lines, widths)]) + "\n"


def _aligned(lines: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    for place, line in enumerate(lines):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        if place == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def _cells(goal: Goal) -> tuple[str, ...]:
    met = {None: "reported", True: "yes", False: "no"}[goal.met]
    return (goal.name, _value(goal), goal.target, met, f"{goal.n:,} ({goal.events:,})")


def _value(goal: Goal) -> str:
    if goal.value is None:
        return goal.detail or "none"
    told = f"{goal.value:.3f}"
    if goal.low is not None and goal.high is not None:
        told += f" ({goal.low:.3f} to {goal.high:.3f})"
    return f"{goal.detail}: {told}" if goal.detail else told

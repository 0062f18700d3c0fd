"""What the statistics read: the rows of a test set, and the models' answers to them. Numpy only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

EndKind = Literal["end", "competing", "censored", "event_free"]
END_KINDS = ("end", "competing", "censored", "event_free")

SCHEDULE = "schedule"
"""The family of groups that are schedules of NIHSS; all other families are subgroups."""

HOUR_SLACK = 1e-3
"""Two hours closer than this are the same hour."""


@dataclass(frozen=True)
class TestRows:
    """B rows (stay, as_of) of a test set, and what happened to their stays; hours count from arrival.

    ``outcome`` is END by 168 h by the charted rule: 1, 0 or NaN (censored before). ``raised_h`` is the
    hour of the raised score, NaN without END. ``event`` is the simulated truth by 168 h, None for real
    data. A group is named ``family: level`` ("age: under 65", "schedule: protocol"). ``series`` holds
    each stay's (hour, NIHSS total), ``ends`` how and when its follow-up ended.
    Raises ``ValueError`` naming what is wrong.
    """

    __test__: ClassVar[bool] = False  # pytest takes the name for a test case

    stays: tuple[str, ...]
    hours: Floats
    outcome: Floats
    raised_h: Floats
    event: Floats | None
    groups: Mapping[str, Flags]
    series: Mapping[str, Sequence[tuple[float, float]]]
    ends: Mapping[str, tuple[EndKind, float]]

    def __post_init__(self) -> None:
        _check_lengths(self)
        _check_outcomes(self)
        _check_times(self)
        _check_stays(self)

    def __len__(self) -> int:
        return len(self.stays)

    def at(self, hour: float) -> Flags:
        """Which rows were asked at that hour."""
        return np.abs(self.hours - hour) < HOUR_SLACK

    def known(self) -> Flags:
        """Which rows have an outcome: the others were censored before 168 h."""
        return ~np.isnan(self.outcome)


@dataclass(frozen=True)
class Scored:
    """One model's answers to the rows.

    ``probability`` False: only their order means something. ``thresholds`` [B] are the risks from which each
    row is flagged, set on other rows than these (the calibration split); without them nothing is flagged.
    """

    name: str
    risks: Floats
    probability: bool = True
    thresholds: Floats | None = None

    def flagged(self) -> Flags | None:
        """Which rows are flagged [B]; None where no threshold was set beforehand."""
        return None if self.thresholds is None else np.asarray(self.risks >= self.thresholds)


def check_scored(rows: TestRows, models: Sequence[Scored]) -> None:
    """Nothing; ``ValueError`` naming the model whose answers do not fit the rows or are no risks."""
    if not models:
        raise ValueError("no model to evaluate")
    names = [model.name for model in models]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two models are named {twice[0]}")
    for model in models:
        _check_answers(len(rows), model)


def _check_answers(rows: int, model: Scored) -> None:
    for what, column in {"risks": model.risks, "thresholds": model.thresholds}.items():
        if column is not None and len(column) != rows:
            raise ValueError(f"{model.name}: {len(column)} {what} for {rows} rows")
    if model.thresholds is not None and not np.isfinite(model.thresholds).all():
        raise ValueError(f"{model.name}: a threshold that is no number")
    odd = ~np.isfinite(model.risks)
    if model.probability:
        odd |= (model.risks < 0) | (model.risks > 1)
    if odd.any():
        what = "a risk outside 0..1" if model.probability else "a score that is no number"
        raise ValueError(f"{model.name}: {what}: {model.risks[odd][0]}")


def _check_lengths(rows: TestRows) -> None:
    columns = {"hours": rows.hours, "outcome": rows.outcome, "raised_h": rows.raised_h, **rows.groups}
    if rows.event is not None:
        columns["event"] = rows.event
    for name, column in columns.items():
        if len(column) != len(rows.stays):
            raise ValueError(f"{name}: {len(column)} values for {len(rows.stays)} rows")
    if unnamed := [name for name in rows.groups if ": " not in name]:
        raise ValueError(f"the group {unnamed[0]!r} must be named 'family: level'")


def _check_outcomes(rows: TestRows) -> None:
    for name, column in {"outcome": rows.outcome, "event": rows.event}.items():
        if column is not None and not np.isin(column[~np.isnan(column)], (0, 1)).all():
            odd = column[~np.isnan(column) & ~np.isin(column, (0, 1))]
            raise ValueError(f"{name}: 1, 0 or NaN, not {odd[0]}")
    known = rows.outcome[rows.known()]
    if len(known) == 0 or known.min() == known.max():
        what = "no outcome is known" if len(known) == 0 else f"all {len(known)} known outcomes are {known[0]:g}"
        raise ValueError(f"one class only: {what}; nothing can be evaluated")


def _check_times(rows: TestRows) -> None:
    timed = ~np.isnan(rows.raised_h)
    if (bad := timed & (rows.outcome != 1)).any():
        raise ValueError(f"{_row(rows, bad)} has a raised score but no END")
    if (bad := timed & (rows.raised_h < rows.hours - HOUR_SLACK)).any():
        raise ValueError(f"{_row(rows, bad)}: END at {rows.raised_h[bad][0]:g} h precedes the call")


def _check_stays(rows: TestRows) -> None:
    seen = set()
    for key in zip(rows.stays, np.round(rows.hours / HOUR_SLACK).tolist(), strict=True):
        if key in seen:
            raise ValueError(f"stay {key[0]} has two rows at {key[1] * HOUR_SLACK:g} h")
        seen.add(key)
    if lacking := sorted(set(rows.stays) - set(rows.ends)):
        raise ValueError(f"stay {lacking[0]} has no end of follow-up")
    if odd := [(stay, kind) for stay, (kind, _) in rows.ends.items() if kind not in END_KINDS]:
        raise ValueError(f"stay {odd[0][0]}: an end is one of {', '.join(END_KINDS)}, not {odd[0][1]}")
    if not any(rows.series.get(stay) for stay in rows.ends):
        raise ValueError("no stay has an NIHSS series")


def _row(rows: TestRows, which: Flags) -> str:
    place = int(np.flatnonzero(which)[0])
    return f"stay {rows.stays[place]} at {rows.hours[place]:g} h"

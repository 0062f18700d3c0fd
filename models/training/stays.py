"""A cohort in memory: its rows of data, what happened in each stay, and what was lost on the way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.net import EDGES_H
from models.training.cohort import CohortError
from models.training.labels import Outcome
from models.training.table import Table, Target


@dataclass(frozen=True)
class StayRecord:
    """What happened in one labeled stay; ``scores`` are (hours after ``t0``, charted total), oldest first."""

    stay: str
    t0: datetime
    outcome: Outcome
    scores: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Cohort:
    """Rows, every labeled stay (with rows or without), and counts of what was lost, each with its reason."""

    table: Table
    stays: tuple[StayRecord, ...]
    lost: Mapping[str, int]


def check_classes(records: Sequence[StayRecord], with_rows: Iterable[str]) -> None:
    """Nothing, where END and its absence both occur among the stays with rows; else `CohortError`."""
    named = frozenset(with_rows)
    ends = [record.outcome.kind == "end" for record in records if record.stay in named]
    if len(set(ends)) < 2:
        which = "in every labeled stay" if any(ends) else "in no labeled stay"
        raise CohortError(f"one class only: END {which} with rows ({len(ends)})")


def target_of(outcome: Outcome, start_h: float) -> Target:
    """What a stay's label says from ``start_h`` on: END is interval-censored, competing is END-free to 168 h."""
    if outcome.kind == "no_label":
        raise ValueError(f"no label: {outcome.reason}")
    if outcome.raised_h is not None:
        after = max(outcome.last_clear_h or 0.0, start_h)
        return Target(start_h, after, outcome.raised_h, event=True)
    if outcome.censored_h is not None:
        return Target(start_h, start_h, outcome.censored_h, event=False)
    return Target(start_h, start_h, EDGES_H[-1], event=False)
